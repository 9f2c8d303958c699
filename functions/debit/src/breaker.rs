//! The breaker: whether a debit may be asked for at all, and what its answer says of the others.

use steelyard_billing::breaker::{Breaker, BreakerState, Permit};
use steelyard_billing::{Debit, PayAnswer};
use steelyard_store::CommitError;

use crate::{Collector, WorkError};

/// How often the breaker is written again when others write it meanwhile.
const TRIES: usize = 10;

impl Collector {
    /// Whether a debit may be asked for now. A probe is stored before it is sent, and so only one is
    /// on its way.
    pub(crate) async fn permit(&self, debit: &Debit) -> Result<Permit, WorkError> {
        let breaker = self.billing.breaker().await?;
        let now = self.clock.now();
        let Some(probing) = breaker.probing(&debit.provider, debit.debit, now) else {
            let permit = breaker.permit(now);
            tell(&breaker);
            return Ok(permit);
        };
        match self.billing.store_breaker(&breaker, &probing).await {
            Ok(()) => Ok(Permit::Probe),
            Err(CommitError::Stale) => Ok(Permit::Stop),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Lets the breaker know of an answer. The debit is stored before: should this fail, only the
    /// breaker knows less.
    pub(crate) async fn tell_breaker(&self, answer: &PayAnswer, is_probe: bool) {
        for _ in 0..TRIES {
            let stored = match self.billing.breaker().await {
                Ok(before) => {
                    let after = before.after(answer, is_probe, self.clock.now());
                    if after == before {
                        return;
                    }
                    let stored = self.billing.store_breaker(&before, &after).await;
                    if let (Ok(()), BreakerState::Closed) = (&stored, &before.state) {
                        tell(&after);
                    }
                    stored
                }
                Err(error) => Err(error.into()),
            };
            match stored {
                Ok(()) => return,
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => {
                    tracing::error!(
                        error = steelyard_runtime::chain(&error),
                        "the breaker was not told"
                    );
                    return;
                }
            }
        }
        tracing::warn!("others keep writing the breaker: it was not told of one answer");
    }
}

fn tell(breaker: &Breaker) {
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
