//! Which worlds are the same: those in which the same can happen from now on.
//!
//! Times count by their distance from now, versions by their distance from what is stored, and the
//! two workers are alike. What was said and why decides nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use steelyard_billing::{Debit, GiveUpReason, Phase};

use super::{ARRIVES_WITHIN, Worker, World};

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let now = self.now;
        let age = |sent: i64| (now - sent).min(ARRIVES_WITHIN);
        hash_debit(&self.debit, now, state);
        let figures = self.account.figures;
        let figures = [figures.prepaid(), figures.receivable(), figures.reserved()];
        (figures, self.account.open_debit.is_some(), self.left).hash(state);
        (&self.trades, self.taken, self.booked).hash(state);
        for (sent, number) in &self.late {
            (age(*sent), number).hash(state);
        }
        let mut workers = self.workers.each_ref().map(|worker| {
            let mut of = DefaultHasher::new();
            self.hash_worker(worker, &mut of);
            of.finish()
        });
        workers.sort_unstable();
        workers.hash(state);
        for (number, kind) in &self.findings {
            (number, discriminant(kind)).hash(state);
        }
    }
}

impl World {
    fn hash_worker<H: Hasher>(&self, worker: &Worker, state: &mut H) {
        let age = |version: u64| self.debit.task.version - version;
        match worker {
            Worker::Idle => 0_u8.hash(state),
            Worker::Holds { read, step } => {
                (1_u8, discriminant(step), age(read.task.version)).hash(state);
                hash_debit(read, self.now, state);
            }
            Worker::Heard { version, after } => {
                (2_u8, age(*version)).hash(state);
                hash_debit(after, self.now, state);
            }
        }
    }
}

/// After so many tries without progress the waits grow no more.
const RETRIES_MAX: u16 = 6;

fn hash_debit<H: Hasher>(debit: &Debit, now: i64, state: &mut H) {
    let Debit { task, attempts, phase, declines, .. } = debit;
    let due_in = (task.due_at_s.as_second() - now).max(0);
    (due_in, task.retries.min(RETRIES_MAX), discriminant(phase)).hash(state);
    why(phase).map(discriminant).hash(state);
    for attempt in attempts {
        let age = |sent: i64| (now - sent).min(ARRIVES_WITHIN);
        let unanswered = serde_json::to_value(&attempt.unanswered_at_s).unwrap();
        let sent = unanswered.as_array().unwrap().iter().map(|sent| age(sent.as_i64().unwrap()));
        sent.collect::<Vec<_>>().hash(state);
        let is_paid = attempt.payment.is_some();
        (attempt.is_closed, is_paid, age(attempt.sent_at_s.as_second())).hash(state);
    }
    declines.len().hash(state);
    declines.first().map(|first| now - first.at_s.as_second()).hash(state);
}

fn why(phase: &Phase) -> Option<&GiveUpReason> {
    match phase {
        Phase::Checking { why }
        | Phase::Closing { why }
        | Phase::Confirming { why }
        | Phase::GivenUp { why } => Some(why),
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Held { .. }
        | Phase::Rechecking { .. }
        | Phase::Paid { .. }
        | Phase::Withdrawn => None,
    }
}
