//! The breaker: whether a debit may be sent at all, and what its answer says of the others.

use std::sync::{Mutex, MutexGuard, PoisonError};

use steelyard_billing::breaker::{Bearing, Breaker, BreakerState, GoodAnswers, Minute, Permit};
use steelyard_billing::{Debit, PayAnswer};

use crate::{Collector, WorkError};

/// The good answers of this machine that the breaker does not have yet. They end with the machine,
/// and then only the breaker knows less.
#[derive(Debug, Default)]
pub struct Gathered(Mutex<GoodAnswers>);

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, GoodAnswers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector {
    /// Whether no debit may be sent now, not even as a probe. Nothing is requested of Alipay for
    /// one then, not even the state of its mandate.
    pub(crate) async fn is_stopped(&self) -> Result<bool, WorkError> {
        let breaker = self.books.billing.breaker().await?;
        report(&breaker);
        Ok(breaker.permit(self.clock.now()) == Permit::Stop)
    }

    /// Whether a debit may be sent now, and the breaker that says so.
    pub(crate) async fn permit(&self, debit: &Debit) -> Result<(Permit, Breaker), WorkError> {
        let (permit, breaker) = self.books.permit(debit, self.clock.now()).await?;
        report(&breaker);
        Ok((permit, breaker))
    }

    /// Lets the breaker know of an answer, before anything else is stored: the debits that follow
    /// depend on it. A good answer is gathered, and written with others. `read` is the breaker that
    /// permitted the debit. Should this fail, only the breaker knows less.
    pub(crate) async fn report_answer(&self, answer: &PayAnswer, is_probe: bool, read: &Breaker) {
        let now = self.clock.now();
        let is_good = match Bearing::of(answer) {
            Bearing::Good => !is_probe,
            Bearing::Nothing if !is_probe => return,
            Bearing::Nothing | Bearing::Trouble | Bearing::OwnAccount(_) => false,
        };
        let Some(good) = self.to_report(is_good, read) else { return };
        let reported = match is_good {
            true => self.books.report_good(&good, now).await,
            false => self.books.report_answer(answer, &good, is_probe, now).await,
        };
        match reported {
            Ok(opened) => opened.iter().for_each(report),
            Err(error) => {
                self.gathered.lock().put_back(good);
                let error = steelyard_runtime::chain(&error);
                tracing::error!(error, "the breaker does not know of an answer");
            }
        }
    }

    /// Counts the answer if it is good, and gives what was gathered if it is to be reported now.
    fn to_report(&self, is_good: bool, read: &Breaker) -> Option<Vec<Minute>> {
        let (now, mut gathered) = (self.clock.now(), self.gathered.lock());
        if is_good {
            gathered.count(now);
        }
        (!is_good || gathered.are_due(read, now)).then(|| gathered.take(now))
    }
}

fn report(breaker: &Breaker) {
    if let BreakerState::Open { since_s, why, .. } = &breaker.state {
        tracing::error!(
            since = %since_s,
            ?why,
            // The template makes a metric of it.
            breaker_open = 1,
            "the breaker is open: no debit is made"
        );
    }
}
