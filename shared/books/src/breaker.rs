//! The breaker: whether a debit may be sent at all, and what its answer says of the others.

use std::sync::Mutex;

use jiff::Timestamp;
use steelyard_billing::breaker::{Breaker, Minute, Permit};
use steelyard_billing::{Debit, PayAnswer};

use crate::change::{Decision, change, lock};
use crate::{BookError, Books};

const PROBE: &str = "store a probe";
const STORE: &str = "store the breaker";

impl Books {
    /// Whether a debit may be sent now, and the breaker that says so. A probe is stored before it
    /// is sent, so that only one is on its way.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn permit(
        &self,
        debit: &Debit,
        now: Timestamp,
    ) -> Result<(Permit, Breaker), BookError> {
        change(&self.billing, PROBE, move |_| async move {
            let breaker = self.billing.breaker().await?;
            let Some(probing) = breaker.probing(&debit.provider, debit.debit, now) else {
                return Ok(Decision::Keep((breaker.permit(now), breaker)));
            };
            let mut writes = self.billing.writes(PROBE);
            let stored = writes.breaker(&breaker, &probing)?;
            Ok::<_, BookError>(Decision::Save(writes, (Permit::Probe, stored)))
        })
        .await
    }

    /// Lets the breaker know of an answer, and of the good answers that the machine gathered before
    /// it. Gives the breaker after it if it opened.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails; then only the breaker knows less.
    pub async fn report_answer(
        &self,
        answer: &PayAnswer,
        good: &[Minute],
        is_probe: bool,
        now: Timestamp,
    ) -> Result<Option<Breaker>, BookError> {
        self.report_answers(|before| before.after(answer, good, is_probe, now)).await
    }

    /// Lets the breaker know of good answers that a machine gathered. Gives the breaker after them
    /// if it opened: with them there may be enough answers to see that many others are in trouble.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails; then only the breaker knows less.
    pub async fn report_good(
        &self,
        good: &[Minute],
        now: Timestamp,
    ) -> Result<Option<Breaker>, BookError> {
        self.report_answers(|before| before.after_good(good, now)).await
    }

    /// Writes what an answer makes of the breaker. The same answer counts once, even if the write's
    /// own answer is lost: the breaker that is read then is the one that was to be stored.
    async fn report_answers(
        &self,
        next: impl Fn(&Breaker) -> Breaker + Send + Sync,
    ) -> Result<Option<Breaker>, BookError> {
        let (next, tried) = (&next, &Mutex::new(None::<(Breaker, bool)>));
        change(&self.billing, STORE, move |_| async move {
            let before = self.billing.breaker().await?;
            let done = lock(tried).take().filter(|(stored, _)| *stored == before);
            if let Some((stored, is_opened)) = done {
                return Ok(Decision::Keep(is_opened.then_some(stored)));
            }
            let after = next(&before);
            if after == before {
                return Ok(Decision::Keep(None));
            }
            let mut writes = self.billing.writes(STORE);
            let stored = writes.breaker(&before, &after)?;
            let is_opened = before.is_closed() && !stored.is_closed();
            *lock(tried) = Some((stored.clone(), is_opened));
            Ok::<_, BookError>(Decision::Save(writes, is_opened.then_some(stored)))
        })
        .await
    }

    /// Changes the breaker as a person decides.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn decide_breaker(
        &self,
        decide: impl Fn(&Breaker) -> Breaker + Send + Sync,
    ) -> Result<Breaker, BookError> {
        let decide = &decide;
        change(&self.billing, STORE, move |_| self.deciding(decide)).await
    }

    /// What a person's decision about the breaker writes: nothing if it changes nothing.
    pub(crate) async fn deciding(
        &self,
        decide: impl Fn(&Breaker) -> Breaker,
    ) -> Result<Decision<Breaker>, BookError> {
        let before = self.billing.breaker().await?;
        let after = decide(&before);
        if after == before {
            return Ok(Decision::Keep(before));
        }
        let mut writes = self.billing.writes(STORE);
        let stored = writes.breaker(&before, &after)?;
        Ok(Decision::Save(writes, stored))
    }
}
