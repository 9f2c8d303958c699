//! The end of a world: nothing goes wrong from then on, everything in flight ends, and every
//! invariant is checked.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use steelyard_billing::event::Subject;
use steelyard_billing::{
    Attempt, Breach, BreachKind, Debit, FindingKind, OpenFinding, Resolution, Unanswered, bill_day,
};
use steelyard_local_alipay::{Trade, TradeStatus};
use steelyard_pricing::BillingDay;
use steelyard_runtime::Error;
use steelyard_tests::Balanced;

use crate::model::Terms;
use crate::others::OTHER_AGREEMENT;
use crate::world::{POISONS, PROVIDERS, QUEUES, World};

/// How long the world goes on after the last fault at least.
const REST: SignedDuration = SignedDuration::from_hours(48);

/// How many days more it may take until nothing is in flight: a debit that was declined is tried
/// again after one and three days, and a bill shows its payment on the day after.
const MORE_DAYS: u32 = 7;

const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

impl World {
    /// Lets everything in flight end, as operators do after trouble.
    pub(crate) async fn come_to_rest(&mut self) -> Result<(), Error> {
        self.chaos.turn(false);
        self.machines.end_all();
        self.machines.release_all(&self.platform.stack)?;
        self.until_idle().await?;
        let end = self.now() + SignedDuration::from_hours(1);
        self.move_clock(end).await?;
        self.until_idle().await?;
        // Messages may come a day later still.
        for (_, arrived) in self.chaos.arrived(Timestamp::MAX) {
            arrived.await;
        }
        self.send_what_waits().await?;
        self.act_again().await?;
        self.follow_to_the_end().await?;
        self.check_events().await?;
        for provider in &PROVIDERS[..2] {
            let funds = steelyard_tests::fen(100_000_000);
            self.platform.stack.alipay.set_funds(provider, funds)?;
        }
        for provider in PROVIDERS {
            self.resolve_debits(provider, Resolution::Ask).await?;
        }
        self.until_idle().await?;
        self.send_dead_letters_again().await;
        if self.platform.stack.rules.adjustments_need_approval {
            self.approve_notes().await?;
        }
        self.use_new_plans().await?;
        self.chaos.note(format_args!("rest"));
        self.go_on_until(end + REST).await?;
        self.send_dead_letters_again().await;
        for _ in 0..MORE_DAYS {
            self.go_on_until(self.now() + A_DAY).await?;
            if self.platform.books_in_motion().await.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Lets the next statement show what another plan changes of the days before. One more call is
    /// reported for each provider that was put on another plan; or the month goes to its end, since
    /// its last day has a statement without calls, too.
    async fn use_new_plans(&mut self) -> Result<(), Error> {
        let mut changed = Vec::new();
        for provider in PROVIDERS {
            if self.platform.found(provider).await.provider.plans.len() > 1 {
                changed.push(provider);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        if self.chaos.one_in(6) {
            let month = self.platform.today().month();
            while self.platform.today().month() == month {
                self.go_on_until(self.now() + A_DAY).await?;
            }
            return Ok(());
        }
        self.report_of(&changed, 1, false);
        self.until_idle().await
    }

    /// Lets time pass with all that falls due in it, on the machines.
    pub(crate) async fn go_on_until(&mut self, end: Timestamp) -> Result<(), Error> {
        while self.now() < end {
            let next = self.platform.stack.next_due(end).await?;
            self.move_clock(next.max(self.now() + A_SECOND)).await?;
            self.until_idle().await?;
            self.hand_over_all().await?;
        }
        Ok(())
    }

    async fn send_dead_letters_again(&self) {
        for (queue, _) in QUEUES {
            self.platform.send_dead_letters_again(queue).await;
        }
    }

    /// Checks what must hold at any time. What Alipay gave back on its own may be in the journal
    /// still, so that the two are equal at rest only.
    pub(crate) async fn check_running(&self) -> Result<(), Error> {
        self.check_defects()?;
        self.check_declines().await?;
        let _late = self.platform.books_in_motion().await;
        Ok(())
    }

    /// Checks every invariant, as it must hold at rest.
    ///
    /// # Errors
    ///
    /// The first one that does not.
    pub(crate) async fn check_rest(&self) -> Result<(), Error> {
        self.check_defects()?;
        let Balanced { late, others, .. } = self.platform.balanced().await;
        let is_foreign = |trade: &Trade| trade.agreement_no.as_deref() == Some(OTHER_AGREEMENT);
        if let Some(trade) = others.iter().find(|trade| !is_foreign(trade)) {
            return Err(format!("taken, and in nobody's books: {trade:?}").into());
        }
        let trades = self.platform.stack.alipay.trades()?;
        let is_excused = |breach: &Breach| {
            breach.kind == BreachKind::Unmatched && self.is_row_lost(&breach.place, &trades)
        };
        if let Some(late) = late.iter().find(|breach| !is_excused(breach)) {
            return Err(format!("at rest: {late:?}").into());
        }
        self.check_findings(&trades).await?;
        self.check_events().await?;
        self.check_declines().await?;
        for provider in PROVIDERS {
            self.check_usage(provider).await?;
            self.check_acts(provider).await?;
            self.check_months(provider).await?;
        }
        self.check_queues().await
    }

    /// Nothing is found to be in our books only that a bill shows.
    async fn check_findings(&self, trades: &[Trade]) -> Result<(), Error> {
        let findings = self.platform.stack.tables.billing.findings().await?.readable;
        let is_ours_only = |of: &&OpenFinding| of.finding.kind == FindingKind::OursOnly;
        for found in findings.iter().filter(is_ours_only) {
            if !self.is_row_lost(&found.finding.out_trade_no, trades) {
                return Err(format!("a bill shows it: {found:?}").into());
            }
        }
        Ok(())
    }

    /// Whether the bill of a payment's day lacked a row, or had one that cannot be read: the
    /// payment is unmatched until a person has the bill read again.
    fn is_row_lost(&self, place: &str, trades: &[Trade]) -> bool {
        let is_of = |trade: &&Trade| place.ends_with(&trade.out_trade_no);
        let taken = trades.iter().find(is_of).and_then(|trade| Some((trade, trade.taken_at?)));
        let Some((trade, taken_at)) = taken else { return false };
        let (day, lost) = (bill_day(taken_at).to_string(), self.chaos.rows_lost());
        // A refund is in the bill of a later day.
        let is_refund = || !trade.refunded_fen.is_zero() && lost.iter().any(|other| *other >= day);
        lost.contains(&day) || is_refund()
    }

    /// No message is left, whether it is dead or will be tried again, but messages that are none,
    /// and reports that came too late.
    async fn check_queues(&self) -> Result<(), Error> {
        // What was received and not deleted is visible again.
        self.platform.stack.clock.set(self.now() + A_DAY);
        for (queue, _) in QUEUES {
            // To receive what was received too often moves it to the dead letters.
            let mut left = self.platform.take_messages(queue).await;
            left.extend(self.platform.take_dead_letters(queue).await);
            let is_poison = |body: &&Value| POISONS.iter().any(|poison| **body == *poison);
            // Nothing is to be done about what waited on the queue until its month had closed.
            let is_too_late = |body: &&Value| self.sources.is_too_late(body);
            if let Some(body) = left.iter().find(|body| !is_poison(body) && !is_too_late(body)) {
                return Err(format!("{queue} has a message at rest: {body}").into());
            }
        }
        match self.platform.stack.dead_letters().await? {
            0 => Ok(()),
            dead => Err(format!("{dead} dead letters of queues that nobody fed").into()),
        }
    }

    /// Each statement and each payment of a debit is reported, once, in an order without gaps.
    async fn check_events(&self) -> Result<(), Error> {
        for provider in PROVIDERS {
            let subject = Subject::Provider(provider.parse()?);
            let found = self.platform.stack.events.events_after(&subject, 0, u16::MAX).await?;
            if let Some(unreadable) = found.unreadable.first() {
                return Err(format!("{provider}: {unreadable:?}").into());
            }
            let (since, mut events) = (self.old_since, found.readable);
            let is_recent = |at: Timestamp| since.is_none_or(|since| at >= since);
            // Those that are known from before months passed may have expired.
            let known = self.events_known.get(provider).copied().unwrap_or(0);
            events.retain(|event| event.sequence > known);
            let told = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
            let (statements, debits) =
                (self.platform.statements(provider).await, self.platform.debits(provider).await);
            let settled = statements.iter().filter(|of| is_recent(of.settled_at_s)).count();
            let is_paid = |debit: &&Debit| debit.paid_at().is_some_and(is_recent);
            let paid = debits.iter().filter(is_paid).count();
            let happened = [("statement.settled", settled), ("debit.paid", paid)];
            for (kind, times) in happened {
                if told(kind) != times {
                    let told = told(kind);
                    return Err(
                        format!("{provider}: {kind} happened {times} times, told {told}").into()
                    );
                }
            }
            let has_gap = events.windows(2).any(|two| two[1].sequence != two[0].sequence + 1);
            let is_first_missing = events.first().is_some_and(|of| of.sequence != known + 1);
            if has_gap || is_first_missing {
                return Err(format!("{provider}: the events are not numbered without a gap").into());
            }
        }
        Ok(())
    }

    /// The debit of a payment that is on its way knows it, or is paid: it is neither given up nor
    /// sent under another number, unless Alipay has closed the number.
    pub(crate) async fn check_on_their_way(&self) -> Result<(), Error> {
        let mut on_their_way = self.chaos.on_their_way();
        if on_their_way.is_empty() {
            return Ok(());
        }
        let trades = self.platform.stack.alipay.trades()?;
        let closed = trades.iter().filter(|trade| trade.status == TradeStatus::TradeClosed);
        for trade in closed {
            // Whatever arrives for it is refused.
            on_their_way.retain(|number| *number != trade.out_trade_no);
        }
        for provider in PROVIDERS {
            for debit in self.platform.debits(provider).await {
                let is_on_its_way =
                    |of: &&Attempt| on_their_way.iter().any(|it| *it == of.out_trade_no.as_str());
                let Some(attempt) = debit.attempts.iter().find(is_on_its_way) else { continue };
                let is_last = debit.last_attempt() == Some(attempt);
                let is_known = attempt.unanswered_at_s != Unanswered::default();
                let is_awaited = debit.is_open() && is_last && is_known;
                if debit.paid_at().is_none() && !is_awaited {
                    let number = &attempt.out_trade_no;
                    return Err(format!("{number} is on its way: {debit:?}").into());
                }
            }
        }
        Ok(())
    }

    /// No debit counts a decline that Alipay did not answer.
    async fn check_declines(&self) -> Result<(), Error> {
        for provider in PROVIDERS {
            for debit in self.platform.debits(provider).await {
                let numbers = debit.attempts.iter().map(|attempt| attempt.out_trade_no.as_str());
                let answered: usize = numbers.map(|number| self.chaos.declined(number)).sum();
                if debit.declines.len() > answered {
                    return Err(format!("declined {answered} times: {debit:?}").into());
                }
            }
        }
        Ok(())
    }

    fn check_defects(&self) -> Result<(), Error> {
        match self.chaos.defects().first() {
            Some(defect) => Err(defect.clone().into()),
            None => Ok(()),
        }
    }

    /// What is stored as counted is what sources were answered.
    async fn check_usage(&self, provider: &str) -> Result<(), Error> {
        let mut stored = BTreeMap::new();
        for (day, usage) in self.platform.all_counted(provider).await {
            for (api, used) in usage.iter() {
                stored.insert((date(day)?, api.to_string()), used.calls.get());
            }
        }
        let mut told = self.model.calls(provider);
        // Of a month that is long over some reports may have expired.
        let calendar = &self.platform.stack.rules.calendar;
        let is_kept = |day: Date| {
            let day: BillingDay = day.to_string().parse().expect("a day of the calendar");
            self.now() < calendar.kept_until(day.month())
        };
        stored.retain(|of, left| is_kept(of.0) || told.get(of).is_none_or(|all| all < left));
        told.retain(|of, _| is_kept(of.0));
        if stored != told {
            return Err(format!("{provider}: stored {stored:?}, and told {told:?}").into());
        }
        Ok(())
    }

    /// The sum of the statements of each month is the price by the model.
    async fn check_months(&self, provider: &str) -> Result<(), Error> {
        let mut charged: BTreeMap<Date, i64> = BTreeMap::new();
        for statement in self.platform.statements(provider).await {
            let month = date(statement.statement.day)?.first_of_month();
            *charged.entry(month).or_default() += statement.usage_fen()?.get();
        }
        charged.retain(|_, fen| *fen != 0);
        let mut terms = Terms::default();
        let provided = self.platform.found(provider).await.provider;
        for assigned in provided.plans {
            terms.plans.push((date(assigned.from)?, assigned.plan.to_string()));
        }
        for over in provided.overrides {
            let until = over.until.ok_or("half a price ends")?;
            terms.halved.push((date(over.from)?, date(until)?));
        }
        let mut expected = self.model.months(provider, &terms);
        expected.retain(|_, fen| *fen != 0);
        if charged != expected {
            let statements = self.platform.charges(provider).await;
            return Err(format!(
                "{provider}: charged {charged:?} by {statements:?}, and used {expected:?}"
            )
            .into());
        }
        Ok(())
    }
}

fn date(day: BillingDay) -> Result<Date, Error> {
    Ok(day.to_string().parse()?)
}
