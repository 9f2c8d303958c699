//! What a mandate makes of the gateway's answers.

use jiff::Timestamp;

use super::{A_DAY, EndReason, Mandate, MandateConflict, MandatePhase, Suspension};
use crate::task::Backoff;
use crate::{Agreement, AgreementAnswer, Outcome, UnsignAnswer};

impl Mandate {
    /// The mandate after the answer to a query, which may be made at any time.
    ///
    /// What nobody knows changes nothing but the time of the next query.
    #[must_use]
    pub fn after_query(&self, answer: AgreementAnswer, now: Timestamp) -> Outcome<Mandate> {
        let is_other = match &answer {
            AgreementAnswer::InForce(agreement) => {
                self.is_other(&agreement.agreement_no, agreement.external_agreement_no.as_deref())
            }
            AgreementAnswer::NotYetInForce
            | AgreementAnswer::Suspended
            | AgreementAnswer::Ended
            | AgreementAnswer::NotFound
            | AgreementAnswer::InDoubt(_) => false,
        };
        if is_other {
            return Outcome::Contradicts;
        }
        Outcome::Changed(match &self.phase {
            MandatePhase::Offered => self.offer_after(answer, now),
            MandatePhase::Active => self.active_after(answer, now),
            MandatePhase::Suspended { why, .. } => self.suspended_after(answer, why, now),
            MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why } => {
                self.ending_after(answer, why, now)
            }
            MandatePhase::Ended { .. } => return Outcome::Unchanged,
        })
    }

    /// The mandate after the answer to the request to end it. One that has ended since, by
    /// a notice, knows that.
    ///
    /// # Errors
    ///
    /// [`MandateConflict`] unless it was to be ended.
    pub fn after_unsign(
        &self,
        answer: UnsignAnswer,
        now: Timestamp,
    ) -> Result<Outcome<Mandate>, MandateConflict> {
        let why = match &self.phase {
            MandatePhase::Ending { why } | MandatePhase::ConfirmingEnd { why } => why.clone(),
            MandatePhase::Ended { .. } => return Ok(Outcome::Unchanged),
            MandatePhase::Offered | MandatePhase::Active | MandatePhase::Suspended { .. } => {
                return Err(self.not_waiting());
            }
        };
        Ok(Outcome::Changed(match answer {
            UnsignAnswer::Ended => self.ended(why, now, now),
            UnsignAnswer::NotInForce => self.moved(MandatePhase::ConfirmingEnd { why }, now),
            UnsignAnswer::InDoubt(_) => self.asked_again(now),
        }))
    }

    /// An offer lapses only when the gateway says that it is not signed. One that was signed and is
    /// suspended has no number yet: it is queried until the number is known.
    fn offer_after(&self, answer: AgreementAnswer, now: Timestamp) -> Mandate {
        let later = self.asked_again(now);
        match answer {
            AgreementAnswer::InForce(agreement) => {
                self.told(agreement, now).progressed(MandatePhase::Active, now)
            }
            AgreementAnswer::NotYetInForce | AgreementAnswer::NotFound
                if now >= self.lapses_at() =>
            {
                self.checked(now).ended(EndReason::NotSigned, now, now)
            }
            AgreementAnswer::NotYetInForce
            | AgreementAnswer::NotFound
            | AgreementAnswer::Suspended => Mandate { checked_at_s: Some(now), ..later },
            AgreementAnswer::Ended => self.ended_elsewhere(now),
            AgreementAnswer::InDoubt(_) => later,
        }
    }

    fn active_after(&self, answer: AgreementAnswer, now: Timestamp) -> Mandate {
        match answer {
            AgreementAnswer::InForce(agreement) => {
                self.told(agreement, now).moved(MandatePhase::Active, now + A_DAY)
            }
            AgreementAnswer::Suspended | AgreementAnswer::NotYetInForce => {
                let phase = MandatePhase::Suspended { since_s: now, why: Suspension::ByGateway };
                self.checked(now).moved(phase, now + A_DAY)
            }
            // After its end Alipay no longer knows an agreement.
            AgreementAnswer::Ended | AgreementAnswer::NotFound => self.ended_elsewhere(now),
            AgreementAnswer::InDoubt(_) => self.asked_again(now),
        }
    }

    fn suspended_after(
        &self,
        answer: AgreementAnswer,
        why: &Suspension,
        now: Timestamp,
    ) -> Mandate {
        let tomorrow = now + A_DAY;
        match answer {
            AgreementAnswer::InForce(agreement) => {
                let told = self.told(agreement, now);
                match why {
                    Suspension::ByGateway => told.moved(MandatePhase::Active, now),
                    Suspension::ByDebit { .. } => told.moved(self.phase.clone(), tomorrow),
                }
            }
            AgreementAnswer::Suspended | AgreementAnswer::NotYetInForce => {
                self.checked(now).moved(self.phase.clone(), tomorrow)
            }
            AgreementAnswer::Ended | AgreementAnswer::NotFound => self.ended_elsewhere(now),
            AgreementAnswer::InDoubt(_) => self.asked_again(now),
        }
    }

    /// One that is still in force is ended again after the next wait.
    fn ending_after(&self, answer: AgreementAnswer, why: &EndReason, now: Timestamp) -> Mandate {
        let again = MandatePhase::Ending { why: why.clone() };
        let later = |known: Mandate, phase| Mandate {
            phase,
            task: self.task.backed_off(Backoff::MINUTES, now),
            ..known
        };
        match answer {
            AgreementAnswer::InForce(agreement) => later(self.told(agreement, now), again),
            AgreementAnswer::Suspended => later(self.checked(now), again),
            AgreementAnswer::Ended | AgreementAnswer::NotFound | AgreementAnswer::NotYetInForce => {
                self.checked(now).ended(why.clone(), now, now)
            }
            AgreementAnswer::InDoubt(_) => later(self.clone(), self.phase.clone()),
        }
    }

    /// The mandate in force, as the gateway reports it. What it leaves out stays as it was
    /// reported before.
    pub(super) fn told(&self, agreement: Agreement, now: Timestamp) -> Mandate {
        Mandate {
            agreement_no: Some(agreement.agreement_no),
            signed_at_s: self.signed_at_s.or(agreement.signed_at),
            ends_at_s: agreement.ends_at.or(self.ends_at_s),
            payer_login: agreement.payer_login.or_else(|| self.payer_login.clone()),
            gateway_limit_fen: agreement.single_limit_fen.or(self.gateway_limit_fen),
            ..self.checked(now)
        }
    }

    fn checked(&self, now: Timestamp) -> Mandate {
        let task = self.task.progressed(self.task.due_at_s);
        Mandate { checked_at_s: Some(now), task, ..self.clone() }
    }

    /// Nobody here ended it: its time was over, or its provider ended it.
    fn ended_elsewhere(&self, now: Timestamp) -> Mandate {
        let checked = self.checked(now);
        match self.ends_at_s.filter(|ends_at| *ends_at <= now) {
            Some(ends_at) => checked.ended(EndReason::Expired, ends_at, now),
            None => checked.ended(EndReason::RevokedByProvider, now, now),
        }
    }
}
