//! The end of a world: nothing goes wrong from then on, everything in flight ends, and every
//! invariant is checked.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use steelyard_billing::event::Subject;
use steelyard_billing::{BreachKind, Debit, Phase};
use steelyard_local_alipay::Trade;
use steelyard_local_aws::sqs;
use steelyard_pricing::BillingDay;
use steelyard_runtime::Error;
use steelyard_tests::Balanced;

use crate::mishap::Mishap;
use crate::others::OTHER_AGREEMENT;
use crate::world::{PROVIDERS, QUEUES, World};

/// How long the world goes on after the last fault at least.
const REST: SignedDuration = SignedDuration::from_hours(48);

/// How many days more it may take until nothing is in flight: a debit that was declined is tried
/// again after one and three days, and a bill shows its payment on the day after.
const MORE_DAYS: u32 = 7;

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

impl World {
    /// Lets everything in flight end, as operators do after trouble.
    pub(crate) async fn come_to_rest(&mut self) -> Result<(), Error> {
        self.chaos.turn(false);
        self.machines.end_all();
        self.until_idle().await?;
        let end = self.now() + SignedDuration::from_hours(1);
        self.move_clock(end).await?;
        self.until_idle().await?;
        // Messages may come a day later still.
        for arrived in self.chaos.arrived(Timestamp::MAX) {
            arrived.await;
        }
        self.send_what_waits().await?;
        self.follow_to_the_end().await?;
        self.check_events().await?;
        for provider in &PROVIDERS[..2] {
            let funds = steelyard_tests::fen(100_000_000);
            self.platform.stack.alipay.set_funds(provider, funds)?;
        }
        self.send_dead_letters_again().await?;
        self.chaos.note(format_args!("rest"));
        self.platform.stack.run_until(end + REST).await?;
        self.send_dead_letters_again().await?;
        for _ in 0..MORE_DAYS {
            self.platform.stack.run_until(self.now() + A_DAY).await?;
            if self.platform.books_in_motion().await.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// Puts dead letters back on their queues.
    async fn send_dead_letters_again(&self) -> Result<(), Error> {
        let embedded = &self.platform.stack.embedded;
        for (queue, _) in QUEUES {
            let letters = format!("/{queue}-dead-letters");
            loop {
                let asked = json!({ "QueueUrl": letters, "MaxNumberOfMessages": 10 });
                let received = sqs(embedded, "ReceiveMessage", asked).await?;
                let messages = received["Messages"].as_array().cloned().unwrap_or_default();
                if messages.is_empty() {
                    break;
                }
                for message in messages {
                    let url = format!("/{queue}");
                    let again = json!({ "QueueUrl": url, "MessageBody": message["Body"] });
                    sqs(embedded, "SendMessage", again).await?;
                    let handle = &message["ReceiptHandle"];
                    let done = json!({ "QueueUrl": letters, "ReceiptHandle": handle });
                    sqs(embedded, "DeleteMessage", done).await?;
                }
            }
        }
        Ok(())
    }

    /// Checks what must hold at any time. What Alipay gave back on its own may be in the journal
    /// still, so that the two are equal at rest only.
    pub(crate) async fn check_running(&self) -> Result<(), Error> {
        self.check_defects()?;
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
        // A payment stays unmatched whose row the bill of its day lacks, or makes unreadable, until
        // a person has the bill read again.
        let is_row_lost = [Mishap::BillRowMissing, Mishap::BillUnreadableRow]
            .into_iter()
            .any(|mishap| self.chaos.fired(mishap) > 0);
        let is_excused = |kind| kind == BreachKind::Unmatched && is_row_lost;
        if let Some(late) = late.iter().find(|breach| !is_excused(breach.kind)) {
            return Err(format!("at rest: {late:?}").into());
        }
        self.check_events().await?;
        for provider in PROVIDERS {
            self.check_usage(provider).await?;
            self.check_months(provider).await?;
        }
        let dead = self.platform.stack.dead_letters().await?;
        let poisons = self.chaos.fired(Mishap::Poison);
        if dead > poisons {
            return Err(
                format!("{dead} dead letters at rest, {poisons} of them no messages").into()
            );
        }
        Ok(())
    }

    /// Each statement and each payment of a debit is reported, once, in an order without gaps.
    async fn check_events(&self) -> Result<(), Error> {
        for provider in PROVIDERS {
            let subject = Subject::Provider(provider.parse()?);
            let found = self.platform.stack.events.events_after(&subject, 0, u16::MAX).await?;
            if let Some(unreadable) = found.unreadable.first() {
                return Err(format!("{provider}: {unreadable:?}").into());
            }
            let events = found.readable;
            let told = |kind: &str| events.iter().filter(|event| event.kind == kind).count();
            let paid = |debit: &&Debit| matches!(debit.phase, Phase::Paid { .. });
            let happened = [
                ("statement.settled", self.platform.statements(provider).await.len()),
                ("debit.paid", self.platform.debits(provider).await.iter().filter(paid).count()),
            ];
            for (kind, times) in happened {
                if told(kind) != times {
                    let told = told(kind);
                    return Err(
                        format!("{provider}: {kind} happened {times} times, told {told}").into()
                    );
                }
            }
            let has_gap = (1..).zip(&events).any(|(number, event)| event.sequence != number);
            if has_gap {
                return Err(format!("{provider}: the events are not numbered without a gap").into());
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
        let told = self.model.calls(provider);
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
            *charged.entry(month).or_default() += statement.charge_fen.get();
        }
        charged.retain(|_, fen| *fen != 0);
        let mut expected = self.model.months(provider);
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
