//! The world: a platform, its machines, its sources and payers, and the time that passes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_billing::{Calendar, DebitRules, Ladder, RETENTION_DAYS_MIN};
use steelyard_local_alipay::NotificationFault;
use steelyard_local_aws::{EventSource, StreamSource, sqs, visible_messages};
use steelyard_local_stack::{Notified, Scheduled};
use steelyard_runtime::Error;
use steelyard_tests::{PLAN, Platform, fen};
use tokio::task::JoinSet;

use crate::chaos::Chaos;
use crate::life::Life;
use crate::machines::{MACHINES, Machines, Which};
use crate::mishap::Mishap;
use crate::model::{FLAT, Model, flat_plan};
use crate::operators::Operators;
use crate::others::REALM;
use crate::sources::Sources;

/// The providers, each named as the first one and more. The third has no agreement and pays by
/// itself.
pub(crate) const PROVIDERS: [&str; 3] = ["ann", "ann.b", "ann:@c"];

/// When a world begins, in Beijing: before ends of months, of years and of February, in common
/// years and in leap years.
const BEGINNINGS: [&str; 6] = [
    "2015-05-28T08:00",
    "2015-12-29T20:00",
    "2016-02-27T12:00",
    "2017-02-26T23:30",
    "2015-08-03T06:00",
    "2016-09-29T15:00",
];

/// The queues, with the function that each feeds.
pub(crate) const QUEUES: [(&str, Which); 4] = [
    ("steelyard-usage", Which::Ingest),
    ("steelyard-settle", Which::Settle),
    ("steelyard-debit", Which::Debit),
    ("steelyard-reconcile", Which::Reconcile),
];

/// The ladder that ships.
const LADDER: &str = include_str!("../../../ladders/2014.json");

/// Messages that are none of ours.
pub(crate) const POISONS: [&str; 4] = ["{", "[]", r#"{"provider":"ann"}"#, "\u{0}"];

const A_DAY_S: i64 = 86_400;

/// The longest time by the clock of the runtime in which all that runs has to end, or to stand
/// still.
const IDLE_AFTER: Duration = Duration::from_secs(3_600);

/// The world of one seed.
pub(crate) struct World {
    pub(crate) platform: Platform,
    pub(crate) chaos: Chaos,
    pub(crate) machines: Machines,
    pub(crate) model: Model,
    pub(crate) sources: Sources,
    pub(crate) operators: Operators,
    pub(crate) references: u64,
    /// Set in the seeds in which releases change the rules.
    releases: bool,
    /// The time from which on items have expired.
    pub(crate) old_since: Option<Timestamp>,
    /// The number of the last event of each provider before then.
    pub(crate) events_known: BTreeMap<String, u64>,
    queues: Vec<(Which, EventSource)>,
    told: Vec<Arc<StreamSource>>,
    /// Schedules that fired late.
    late: Vec<(Timestamp, Which, Value)>,
    running: JoinSet<Result<(), Error>>,
}

impl World {
    /// A world at its beginning, where nothing has gone wrong yet.
    pub(crate) async fn begin(chaos: Chaos) -> Result<World, Error> {
        let begin = chaos.pick(&BEGINNINGS);
        let window = chaos.pick(&[0, 30]);
        let platform = Platform::open_in_process(begin, window).await;
        platform.set_realm(REALM).await;
        platform.add_plan(&flat_plan(chaos.one_in(2).then(|| chaos.one_in(2)))).await;
        if chaos.one_in(2) {
            let ladder: Ladder = serde_json::from_str(LADDER)?;
            platform.books().add_ladder(&ladder, platform.today()).await?;
        }
        for provider in PROVIDERS {
            platform.register(provider, if chaos.one_in(3) { FLAT } else { PLAN }).await;
        }
        for provider in &PROVIDERS[..2] {
            platform.adopt(provider, &steelyard_tests::agreement_no(provider), 1_000_000).await;
        }
        let machines = Machines::over(&platform.stack, &chaos)?;
        let sources = platform.stack.event_sources().into_iter().filter_map(|source| {
            let (_, which) = QUEUES.into_iter().find(|(queue, _)| *queue == source.queue)?;
            Some((which, EventSource { function: machines.function(which), ..source }))
        });
        let queues = sources.collect();
        let stream = |table, most, which| {
            Arc::new(StreamSource::new(table, most, &machines.function(which)))
        };
        let told = vec![
            stream("steelyard-billing", 100, Which::Events),
            stream("steelyard-usage", 1_000, Which::Watch),
        ];
        let world = World {
            queues,
            told,
            machines,
            model: Model::default(),
            sources: Sources::default(),
            operators: Operators::default(),
            references: 0,
            releases: chaos.one_in(3),
            old_since: None,
            events_known: BTreeMap::new(),
            late: Vec::new(),
            running: JoinSet::new(),
            platform,
            chaos,
        };
        world.add_other_deployment().await?;
        if world.chaos.one_in(2) {
            world.add_unreadable_items().await;
        }
        Ok(world)
    }

    /// The time that everybody's clock shows, except for its skew.
    pub(crate) fn now(&self) -> Timestamp {
        self.platform.stack.clock.now()
    }

    /// Does the next thing, or several at once.
    pub(crate) async fn step(&mut self) -> Result<(), Error> {
        for _ in 0..=self.chaos.draw(0..3) {
            self.begin_something().await?;
        }
        self.until_idle().await
    }

    async fn begin_something(&mut self) -> Result<(), Error> {
        // While a payment is on its way, what is decided of its debit is what counts.
        let first = if self.chaos.on_their_way().is_empty() { 0 } else { 35 };
        match self.chaos.draw(first..100) {
            0..=14 => self.report(),
            15..=17 => self.withdraw(),
            18..=34 => self.people_act().await?,
            35..=59 => self.poll().await?,
            60..=66 => self.follow(),
            67..=76 => self.notify(),
            _ => self.pass_time().await?,
        }
        Ok(())
    }

    /// Runs something beside the rest.
    pub(crate) fn run(&mut self, what: impl Future<Output = Result<(), Error>> + Send + 'static) {
        self.running.spawn(what);
    }

    /// Invokes a function beside the rest, and throws the answer away.
    async fn invoke(&mut self, which: Which, event: Value) -> Result<(), Error> {
        let machines = self.machines.clone();
        let invoked = async move {
            // What became of it is in the trace; the schedule does not see it.
            let _answer = machines.invoke(which, event).await;
            Ok(())
        };
        self.run_as(which, invoked).await
    }

    /// Runs something that invokes this function. Bills are read on threads, whose order nobody
    /// decides: what reads them runs alone.
    async fn run_as(
        &mut self,
        which: Which,
        what: impl Future<Output = Result<(), Error>> + Send + 'static,
    ) -> Result<(), Error> {
        if which == Which::Reconcile {
            self.until_idle().await?;
            self.run(what);
            return self.until_idle().await;
        }
        self.run(what);
        Ok(())
    }

    /// Waits until everything that runs has ended or stands still.
    pub(crate) async fn until_idle(&mut self) -> Result<(), Error> {
        let begin = tokio::time::Instant::now();
        loop {
            // The clock of the runtime goes on only when nothing can run.
            tokio::time::sleep(Duration::from_millis(20)).await;
            while let Some(ended) = self.running.try_join_next() {
                ended??;
            }
            if self.running.is_empty() || self.machines.running() == 0 {
                break;
            }
            if begin.elapsed() > IDLE_AFTER {
                return Err("something runs for an hour".into());
            }
        }
        self.operators.take_answers(&self.chaos);
        self.sources.take_answers(&mut self.model)
    }

    /// Hands over a batch of a queue that has messages.
    async fn poll(&mut self) -> Result<(), Error> {
        let embedded = Arc::clone(&self.platform.stack.embedded);
        let mut filled = Vec::new();
        for of in &self.queues {
            if visible_messages(&embedded, of.1.queue).await? > 0 || self.chaos.one_in(20) {
                filled.push(of.clone());
            }
        }
        if filled.is_empty() {
            return Ok(());
        }
        let (which, source) = self.chaos.pick(&filled);
        let poison = self.chaos.strikes(&[Mishap::Poison]).map(|_| self.chaos.pick(&POISONS));
        let handed_over = async move {
            if let Some(body) = poison {
                let url = format!("/{}", source.queue);
                let message = json!({ "QueueUrl": url, "MessageBody": body });
                sqs(&embedded, "SendMessage", message).await?;
            }
            source.poll(&embedded, Duration::ZERO).await.map(drop)
        };
        self.run_as(which, handed_over).await
    }

    /// Hands over a batch of the stream.
    fn follow(&mut self) {
        let stream = self.chaos.pick(&self.told);
        let embedded = Arc::clone(&self.platform.stack.embedded);
        self.run(async move { stream.poll(&embedded).await.map(drop) });
    }

    /// Hands over all messages, notifications and records until nothing is left.
    pub(crate) async fn hand_over_all(&mut self) -> Result<(), Error> {
        let embedded = Arc::clone(&self.platform.stack.embedded);
        loop {
            let alipay = &self.platform.stack.alipay;
            let mut handled = alipay.deliver_due_to(&self.receiver(), self.now()).await?;
            for (_, source) in &self.queues {
                handled += source.poll(&embedded, Duration::ZERO).await?;
            }
            handled += self.follow_to_the_end().await?;
            if handled == 0 {
                return Ok(());
            }
        }
    }

    /// Hands over what is left of the streams; gives how many records.
    pub(crate) async fn follow_to_the_end(&self) -> Result<usize, Error> {
        let mut handled = 0;
        for stream in &self.told {
            loop {
                match stream.poll(&self.platform.stack.embedded).await? {
                    0 => break,
                    records => handled += records,
                }
            }
        }
        Ok(handled)
    }

    /// Takes the notifications of Alipay.
    fn receiver(&self) -> Notified {
        Notified(self.machines.function(Which::Notify))
    }

    /// Lets Alipay send what it has to send.
    fn notify(&mut self) {
        let fault = self.chaos.strikes(&[
            Mishap::NotificationTwice,
            Mishap::NotificationLost,
            Mishap::NotificationReordered,
            Mishap::NotificationAltered,
            Mishap::NotificationForged,
            Mishap::NotificationForeign,
        ]);
        let alipay = self.platform.stack.alipay.clone();
        let is_waiting = alipay.notifications().is_ok_and(|waiting| !waiting.is_empty());
        if let (Some(fault), true) = (fault.and_then(notification_fault), is_waiting) {
            self.chaos.note(format_args!("the next notification is {fault:?}"));
            alipay.fail_next_notifications(fault, 1);
        }
        let (receiver, now) = (self.receiver(), self.now());
        self.run(async move { Ok(alipay.deliver_due_to(&receiver, now).await.map(drop)?) });
    }

    /// A release with other rules begins, or reaches a machine.
    fn release(&mut self) -> Result<(), Error> {
        let stack = &mut self.platform.stack;
        if self.chaos.one_in(3) {
            let close_day = self.chaos.pick(&[3, 5, 9]);
            let calendar = Calendar::new("Asia/Shanghai", close_day)?;
            stack.rules = DebitRules {
                calendar: calendar.keeping_reports(RETENTION_DAYS_MIN)?,
                window_minutes: self.chaos.pick(&[0, 30]),
                minimum_fen: fen(self.chaos.pick(&[1, 500])),
                adjustments_need_approval: self.chaos.one_in(2),
                ..stack.rules.clone()
            };
            self.chaos.note(format_args!("a release: {:?}", stack.rules));
        }
        let place = self.chaos.pick(&MACHINES);
        self.chaos.note(format_args!("machine {place} is released"));
        self.machines.release(stack, place)
    }

    /// Lets time pass: seconds, minutes, hours, until something falls due, or days in which
    /// nothing runs.
    async fn pass_time(&mut self) -> Result<(), Error> {
        if self.old_since.is_some() && self.chaos.one_in(8) {
            self.delete_expired().await?;
        }
        if self.releases && self.chaos.one_in(10) {
            self.release()?;
        }
        let before = self.now();
        let until = match self.chaos.draw(0..11) {
            0 => before + self.chaos.draw_seconds(1..60),
            1..=2 => before + self.chaos.draw_seconds(60..1_800),
            3..=4 => before + self.chaos.draw_seconds(1_800..6 * 3_600),
            5 => before + self.chaos.draw_seconds(A_DAY_S..4 * A_DAY_S),
            _ => {
                let next = self.platform.stack.next_due(before + SignedDuration::from_hours(24));
                next.await?.max(before + SignedDuration::from_secs(1))
            }
        };
        let is_on_its_way = !self.chaos.on_their_way().is_empty();
        let soon = before + self.chaos.draw_seconds(30..120);
        self.move_clock(if is_on_its_way { until.min(soon) } else { until }).await
    }

    /// Moves the clock, fires what falls due meanwhile, and lets arrive what was late.
    pub(crate) async fn move_clock(&mut self, until: Timestamp) -> Result<(), Error> {
        let before = self.now();
        for (at, arrived) in self.chaos.arrived(until) {
            self.platform.stack.clock.set(at.max(before));
            arrived.await;
        }
        self.platform.stack.clock.set(until);
        self.chaos.note(format_args!("{until}"));
        self.wake().await?;
        let (due, later) =
            std::mem::take(&mut self.late).into_iter().partition(|(at, ..)| *at <= until);
        self.late = later;
        let due: Vec<(Timestamp, Which, Value)> = due;
        for (_, which, event) in due {
            self.invoke(which, event).await?;
        }
        for run in self.platform.stack.due_runs(before, until) {
            // Dispatch runs every minute, and mostly finds nothing.
            if run != Scheduled::Dispatch || self.is_anything_due().await? || self.chaos.one_in(8) {
                self.fire(which(run), run.event()).await?;
            }
        }
        Ok(())
    }

    /// Lets what stands still go on, or ends it. A process that reads bills runs alone.
    async fn wake(&mut self) -> Result<(), Error> {
        let is_reading = |life: &Life| life.function == Which::Reconcile;
        let (reading, others): (Vec<_>, Vec<_>) =
            self.machines.still().into_iter().partition(|(_, of)| is_reading(of));
        self.machines.wake(others);
        self.until_idle().await?;
        for one in reading {
            self.machines.wake([one]);
            self.until_idle().await?;
        }
        Ok(())
    }

    /// Whether dispatch would find something.
    async fn is_anything_due(&self) -> Result<bool, Error> {
        let next = self.platform.stack.tables.billing.due().next_at().await?;
        Ok(next.is_some_and(|at| at <= self.now()))
    }

    /// A schedule fires, as well as schedules do.
    async fn fire(&mut self, which: Which, event: Value) -> Result<(), Error> {
        match self.chaos.strikes(&[
            Mishap::ScheduleSkipped,
            Mishap::ScheduleTwice,
            Mishap::ScheduleLate,
        ]) {
            Some(Mishap::ScheduleSkipped) => {
                self.chaos.note(format_args!("{which:?} is not scheduled"));
            }
            Some(Mishap::ScheduleTwice) => {
                self.invoke(which, event.clone()).await?;
                self.invoke(which, event).await?;
            }
            Some(Mishap::ScheduleLate) => {
                let at = self.now() + self.chaos.draw_seconds(60..3_600);
                self.late.push((at, which, event));
            }
            _ => self.invoke(which, event).await?,
        }
        Ok(())
    }

    /// Puts money into a payer's account at Alipay, or takes it away.
    pub(crate) fn fund(&self, provider: &str) {
        let funds = self.chaos.pick(&[0, 500, 20_000, 5_000_000]);
        self.chaos.note(format_args!("{provider} has {funds} fen at Alipay"));
        self.platform.stack.alipay.set_funds(provider, fen(funds)).expect("it keeps books");
    }
}

fn which(run: Scheduled) -> Which {
    match run {
        Scheduled::Settle | Scheduled::Check => Which::Settle,
        Scheduled::Reconcile => Which::Reconcile,
        Scheduled::Dispatch => Which::Dispatch,
    }
}

fn notification_fault(mishap: Mishap) -> Option<NotificationFault> {
    Some(match mishap {
        Mishap::NotificationTwice => NotificationFault::Duplicate,
        Mishap::NotificationLost => NotificationFault::Dropped,
        Mishap::NotificationReordered => NotificationFault::Reordered,
        Mishap::NotificationAltered => NotificationFault::OtherAmount,
        Mishap::NotificationForged => NotificationFault::Forged,
        Mishap::NotificationForeign => NotificationFault::OtherApp,
        _ => return None,
    })
}
