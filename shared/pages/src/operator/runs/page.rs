//! The page of runs.

use jiff::Timestamp;
use jiff::civil::DateTime;
use steelyard_billing::Calendar;

use super::texts::Texts;
use super::{
    BreakerView, DeadLetterQueue, DeadLetters, LETTERS_MAX, NotSettled, RunSummary, RunUnderWay,
    Runs, Scheduled, StoppedBecause, WebhookLetters,
};
use crate::frame::{Frame, wall_clock};
use crate::icon::Icon;
use crate::operator::form::{About, FormWriter, Forms};
use crate::operator::parts::{
    Chip, ChipKind, Column, Notice, Section, Table, all, empty, note, one, with_sub,
};
use crate::operator::texts::Shared;
use crate::operator::{OperatorPage, UnreadableRecord};
use crate::show::{Code, Count, Html, Plain};

const SETTLE: &str = "steelyard settle";
const READ_LOGS: &str = "steelyard logs again --day DAY";
const MOVE_BACK: &str = "aws sqs start-message-move-task --source-arn ARN";
const RECONCILE: &str = "aws lambda invoke --function-name ReconcileFunctionName --payload '{}'";

impl<'a> OperatorPage<'a> {
    /// The page of runs. Its form has the field `breaker`, which is `stop` or `resume`.
    #[must_use]
    pub fn runs(
        frame: &'a Frame,
        view: &Runs,
        forms: &Forms,
        calendar: &Calendar,
    ) -> OperatorPage<'a> {
        let t = Texts(frame.lang);
        let mut forms = FormWriter::new(frame, forms);
        let of = Page { frame, view, calendar, t, s: Shared(frame.lang) };
        let sections =
            vec![of.breaker(&mut forms), of.runs(), of.failures(), of.next(), of.queues()];
        let unreadable = unreadable_section(frame, &view.unreadable);
        let sections = sections.into_iter().chain([of.webhooks()]).chain(unreadable).collect();
        OperatorPage::of(frame, t.title(), sections).with_chip(&of.chip()).with_forms(&forms)
    }
}

struct Page<'a> {
    frame: &'a Frame,
    view: &'a Runs,
    calendar: &'a Calendar,
    t: Texts,
    s: Shared,
}

impl Page<'_> {
    fn clock(&self, at: Timestamp) -> DateTime {
        wall_clock(self.calendar, at)
    }

    fn count(&self, count: u64) -> Html {
        Html::show(Count(count), self.frame.lang)
    }

    fn chip(&self) -> Chip {
        let (kind, icon, label) = match &self.view.breaker {
            Some(BreakerView::Closed { .. }) => (ChipKind::Go, Icon::Check, self.t.running()),
            Some(BreakerView::Open { .. }) => (ChipKind::Care, Icon::Care, self.t.stopped()),
            None => (ChipKind::Plain, Icon::Dashed, self.t.not_known()),
        };
        Chip { kind, icon, label }
    }

    fn breaker(&self, forms: &mut FormWriter<'_>) -> Section {
        let t = self.t;
        let body = match &self.view.breaker {
            None => empty(&self.s.not_readable(), &self.s.not_readable_text()),
            Some(breaker) => self.switch(breaker, forms).html(),
        };
        Section { id: "breaker", heading: t.breaker(), note: Some(t.breaker_note()), body }
    }

    fn switch(&self, breaker: &BreakerView, forms: &mut FormWriter<'_>) -> Notice {
        let t = self.t;
        let is_open = matches!(breaker, BreakerView::Open { .. });
        let (heading, texts) = match breaker {
            BreakerView::Closed { resumed_at_s, reason } => {
                let resumed = resumed_at_s.zip(reason.as_deref());
                let resumed = resumed.map(|(at, reason)| t.resumed(self.clock(at), reason));
                (t.running(), [t.never_stopped()].into_iter().chain(resumed).collect())
            }
            BreakerView::Open { since_s, why, probe_at_s } => {
                let why = match why {
                    StoppedBecause::OwnAccount { code } => t.own_account(Code(code)),
                    StoppedBecause::TooMuchTrouble { asked, troubled } => {
                        t.trouble(Count((*troubled).into()), Count((*asked).into()))
                    }
                    StoppedBecause::ByOperator { reason } => t.by_operator(reason),
                };
                let next = probe_at_s.map_or_else(|| t.no_probe(), |at| t.probe(self.clock(at)));
                (t.stopped_since(self.clock(*since_s)), vec![why, next])
            }
        };
        let (name, button, note) = if is_open {
            ("resume", t.resume(), t.resume_note())
        } else {
            ("stop", t.stop(), t.stop_note())
        };
        let form = forms.form(About {
            form: "breaker".to_owned(),
            hidden: vec![("breaker", name.to_owned())],
            choices: Vec::new(),
            button,
            note: note.then(&self.s.second_person(), self.t.0),
        });
        let icon = if is_open { Icon::Care } else { Icon::Check };
        let text = Html::sentences(texts, self.t.0);
        Notice { needs_care: is_open, icon, heading, text, form }
    }

    fn runs(&self) -> Section {
        let t = self.t;
        let columns = vec![
            Column::words(t.run()),
            Column::words(t.begun()),
            Column::words(t.result()),
            Column::figures(t.providers()),
            Column::figures(t.statements()),
            Column::figures(t.charged()),
            Column::figures(t.took()),
        ];
        let body = if self.view.runs.is_empty() {
            empty(&t.none(), &t.none_text())
        } else {
            let rows = self.view.runs.iter().map(|run| self.run(run)).collect();
            let behind = self.view.under_way.as_ref().map(|run| self.under_way(run));
            all(behind.into_iter().chain([Table::new(t.last(), columns, rows).html()]))
        };
        Section { id: "last", heading: t.last(), note: Some(t.last_note()), body }
    }

    fn run(&self, run: &RunSummary) -> Vec<Html> {
        let (t, lang) = (self.t, self.frame.lang);
        let number = self.count(run.run);
        let named = run.provider.as_ref().map(|provider| t.of_provider(provider));
        let disregarded = run.disregarded.as_deref().map(|reason| t.disregarded(reason));
        let sub = named.into_iter().chain(disregarded).map(|part| part.0).collect::<Vec<_>>();
        let took = run.ended_at_s.map(|ended| {
            let seconds = ended.duration_since(run.begun_at_s).as_secs().max(0).unsigned_abs();
            t.seconds(Count(seconds / 60), Count(seconds % 60))
        });
        let of_tally = |figure: fn(&super::RunTallyView) -> u64| {
            run.tally.as_ref().map(|tally| self.count(figure(tally))).unwrap_or_default()
        };
        let charged = run.tally.map(|tally| Html::show(Plain(tally.charged_fen), lang));
        vec![
            if sub.is_empty() { number } else { with_sub(&number, &Html(sub.join("; "))) },
            t.at(self.clock(run.begun_at_s)),
            self.result(run),
            of_tally(|tally| tally.providers),
            of_tally(|tally| tally.statements),
            charged.unwrap_or_default(),
            took.unwrap_or_default(),
        ]
    }

    fn result(&self, run: &RunSummary) -> Html {
        let t = self.t;
        if run.ended_at_s.is_none() {
            return t.under_way();
        }
        let Some(tally) = run.tally else { return Html::default() };
        let failed = (tally.failed > 0).then(|| t.not_with_shard(Count(tally.failed)));
        let unreadable = (tally.unreadable > 0).then(|| t.unreadable(Count(tally.unreadable)));
        let parts = failed.into_iter().chain(unreadable).map(|part| part.0).collect::<Vec<_>>();
        if parts.is_empty() { t.all_settled() } else { Html(parts.join(", ")) }
    }

    fn under_way(&self, run: &RunUnderWay) -> Html {
        let t = self.t;
        let behind = u64::try_from(run.shards_behind.len()).unwrap_or(u64::MAX);
        let heading = t.behind(Count(run.run), Count(run.shards_ended), Count(behind));
        let shards = run.shards_behind.iter().take(SHARDS_NAMED).map(ToString::to_string);
        let more = if run.shards_behind.len() > SHARDS_NAMED { ", …" } else { "" };
        let shards = format!("{}{more}", shards.collect::<Vec<_>>().join(", "));
        Notice::plain(Icon::Clock, heading, t.behind_text(Html(shards))).html()
    }

    fn failures(&self) -> Section {
        let t = self.t;
        let row = |failure: &NotSettled| {
            let href = format!("/portal/providers/{}/overview", failure.provider);
            let why = Html::show(&*failure.why, self.frame.lang);
            vec![
                Html::link(&href, &Html::show(&failure.provider, self.frame.lang)),
                match failure.settled_at_s {
                    Some(at) => t.settled_after(self.clock(at)),
                    None => t.still_open(self.clock(failure.failed_at_s)),
                },
                Html(format!("<span lang=\"en\">{why}</span>")),
            ]
        };
        let body = if self.view.failures.is_empty() {
            empty(&t.no_failures(), &t.no_failures_text())
        } else {
            let (provider, state, why) = (self.s.provider(), self.s.state(), self.s.why());
            let columns = [provider, state, why].map(Column::words).to_vec();
            let rows = self.view.failures.iter().map(row).collect();
            Table::new(t.failures(), columns, rows).html()
        };
        Section { id: "failures", heading: t.failures(), note: Some(t.failures_note()), body }
    }

    fn next(&self) -> Section {
        let t = self.t;
        let row = |next: &super::NextRun| {
            let what = match next.what {
                Scheduled::Settlement => t.settlement(),
                Scheduled::Debits => t.debits(),
                Scheduled::Reconciliation => t.reconciliation(),
            };
            vec![what, t.at(self.clock(next.at_s))]
        };
        let columns = [t.what(), t.when()].map(Column::words).to_vec();
        let rows = self.view.next.iter().map(row).collect();
        let body = Table::new(t.next(), columns, rows).html();
        Section { id: "next", heading: t.next(), note: None, body }
    }

    fn queues(&self) -> Section {
        let t = self.t;
        let body = if self.view.queues.is_empty() {
            empty(&t.queues_none(), &t.queues_none_text())
        } else {
            let columns = vec![
                Column::words(t.queue()),
                Column::figures(t.messages()),
                Column::figures(t.oldest()),
                Column::words(t.to_do()),
            ];
            let rows = self.view.queues.iter().map(|queue| self.queue(queue)).collect();
            Table::new(t.queues(), columns, rows).html()
        };
        Section { id: "queues", heading: t.queues(), note: Some(t.queues_note()), body }
    }

    fn queue(&self, queue: &DeadLetters) -> Vec<Html> {
        let t = self.t;
        let messages = queue.messages.map(|messages| self.count(messages));
        let oldest = queue.oldest_s.map(|seconds| match seconds / 3_600 {
            0 => t.minutes_old(Count(seconds / 60)),
            hours => t.hours_old(Count(hours)),
        });
        let to_do = match (queue.messages, queue.queue) {
            (Some(0), _) => t.nothing_to_do(),
            (_, DeadLetterQueue::Usage) => t.usage_do(Code(MOVE_BACK)),
            (_, DeadLetterQueue::Settle) => t.settle_do(Code(SETTLE)),
            (_, DeadLetterQueue::Debit) => t.debit_do(),
            (_, DeadLetterQueue::Reconcile) => t.reconcile_do(Code(RECONCILE)),
            (_, DeadLetterQueue::Logs) => t.logs_do(Code(READ_LOGS)),
            (_, DeadLetterQueue::Schedule) => t.schedule_do(Code(SETTLE)),
        };
        let name = match queue.queue {
            DeadLetterQueue::Usage => "UsageDeadLetters",
            DeadLetterQueue::Settle => "SettleDeadLetters",
            DeadLetterQueue::Debit => "DebitDeadLetters",
            DeadLetterQueue::Reconcile => "ReconcileDeadLetters",
            DeadLetterQueue::Logs => "LogsDeadLetters",
            DeadLetterQueue::Schedule => "ScheduleDeadLetters",
        };
        vec![
            Html(format!("<span class=\"nowrap\">{name}</span>")),
            messages.unwrap_or_else(|| t.not_known()),
            oldest.unwrap_or_default(),
            one(&to_do),
        ]
    }
}

impl Page<'_> {
    fn webhooks(&self) -> Section {
        let t = self.t;
        let body = match self.view.webhooks.as_deref() {
            None => empty(&self.s.not_readable(), &self.s.not_readable_text()),
            Some([]) => empty(&t.no_letters(), &t.no_letters_text()),
            Some(endpoints) => {
                let columns = vec![
                    Column::words(t.endpoint()),
                    Column::figures(t.letters()),
                    Column::words(t.given_up_at()),
                    Column::words(t.to_do()),
                ];
                let rows = endpoints.iter().map(|endpoint| self.endpoint(endpoint)).collect();
                let more = self
                    .view
                    .has_more_letters
                    .then(|| note(&t.more_letters(Count(LETTERS_MAX.into()))));
                let table = Table::new(t.webhooks(), columns, rows).html();
                all([table].into_iter().chain(more))
            }
        };
        Section { id: "webhooks", heading: t.webhooks(), note: Some(t.webhooks_note()), body }
    }

    fn endpoint(&self, of: &WebhookLetters) -> Vec<Html> {
        let (t, name) = (self.t, &of.endpoint);
        let whose = of.provider.as_ref().map_or_else(|| t.of_platform(), |of| t.endpoint_of(of));
        let option = of.provider.as_ref().map(|of| format!(" --provider {of}"));
        let option = option.unwrap_or_default();
        let (show, replay) = (
            format!("steelyard webhooks show {name}{option}"),
            format!("steelyard webhooks replay {name}{option} --dead"),
        );
        let numbers = of.sequences.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let hidden = of.events > u64::try_from(of.sequences.len()).unwrap_or(u64::MAX);
        let numbers = if hidden { format!("{numbers} …") } else { numbers };
        vec![
            with_sub(&Html::show(Code(name), self.frame.lang), &whose),
            with_sub(&self.count(of.events), &t.numbers(&numbers)),
            t.at(self.clock(of.given_up_at_s)),
            one(&t.letters_do(Code(&show), Code(&replay))),
        ]
    }
}

/// How many of the shards that are behind are named.
const SHARDS_NAMED: usize = 20;

/// The records that cannot be read; none if all can.
pub(in crate::operator) fn unreadable_section(
    frame: &Frame,
    unreadable: &[UnreadableRecord],
) -> Option<Section> {
    if unreadable.is_empty() {
        return None;
    }
    let s = Shared(frame.lang);
    let row = |record: &UnreadableRecord| {
        let key = format!("{} {}", record.pk, record.sk);
        let why = Html::show(&*record.why, frame.lang);
        vec![Html::show(Code(&key), frame.lang), Html(format!("<span lang=\"en\">{why}</span>"))]
    };
    let columns = [s.record(), s.why()].map(Column::words).to_vec();
    let table = Table::new(s.unreadable_items(), columns, unreadable.iter().map(row).collect());
    let body = all([table.html(), note(&s.unreadable_text())]);
    Some(Section { id: "unreadable", heading: s.unreadable_items(), note: None, body })
}
