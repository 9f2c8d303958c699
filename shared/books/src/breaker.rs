//! The breaker: whether a debit may be sent at all, and what its answer says of the others.

use jiff::Timestamp;
use steelyard_billing::breaker::{Breaker, Permit};
use steelyard_billing::{Debit, PayAnswer};

use crate::change::{Decision, change};
use crate::{BookError, Books};

const PROBE: &str = "store a probe";
const STORE: &str = "store the breaker";

impl Books {
    /// Whether a debit may be sent now, and the breaker that says so. A probe is stored before it is
    /// sent, so that only one is on its way.
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

    /// Lets the breaker know of an answer. Gives the breaker after it if it opened.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails; then only the breaker knows less.
    pub async fn report_answer(
        &self,
        answer: &PayAnswer,
        is_probe: bool,
        now: Timestamp,
    ) -> Result<Option<Breaker>, BookError> {
        change(&self.billing, STORE, move |_| async move {
            let before = self.billing.breaker().await?;
            let after = before.after(answer, is_probe, now);
            if after == before {
                return Ok(Decision::Keep(None));
            }
            let mut writes = self.billing.writes(STORE);
            let stored = writes.breaker(&before, &after)?;
            let opened = (before.is_closed() && !stored.is_closed()).then_some(stored);
            Ok::<_, BookError>(Decision::Save(writes, opened))
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
        change(&self.billing, STORE, move |_| async move {
            let before = self.billing.breaker().await?;
            let after = decide(&before);
            if after == before {
                return Ok(Decision::Keep(before));
            }
            let mut writes = self.billing.writes(STORE);
            let stored = writes.breaker(&before, &after)?;
            Ok::<_, BookError>(Decision::Save(writes, stored))
        })
        .await
    }
}
