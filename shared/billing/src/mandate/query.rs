//! What a mandate makes of the gateway's answers.

use jiff::Timestamp;

use super::{A_DAY, EndReason, Mandate, MandateConflict, MandateOutcome, MandatePhase, Suspension};
use crate::{Agreement, AgreementAnswer, UnsignAnswer};

impl Mandate {
    /// What the mandate comes to by the answer to a query, which may be asked at any time.
    ///
    /// What nobody knows changes nothing but the time of the next query.
    #[must_use]
    pub fn after_query(&self, answer: AgreementAnswer, now: Timestamp) -> MandateOutcome {
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
            return MandateOutcome::Crossed;
        }
        MandateOutcome::Changed(match &self.phase {
            MandatePhase::Offered => self.offer_after(answer, now),
            MandatePhase::Active => self.active_after(answer, now),
            MandatePhase::Suspended { why, .. } => self.suspended_after(answer, why, now),
            MandatePhase::Ending { why, ask } => self.ending_after(answer, why, *ask, now),
            MandatePhase::Ended { .. } => return MandateOutcome::Known,
        })
    }

    /// What the mandate comes to by the answer to the request to end it. One that has ended since,
    /// as a notice told, knows it.
    ///
    /// # Errors
    ///
    /// [`MandateConflict`] unless it was to be ended.
    pub fn after_unsign(
        &self,
        answer: UnsignAnswer,
        now: Timestamp,
    ) -> Result<MandateOutcome, MandateConflict> {
        let why = match &self.phase {
            MandatePhase::Ending { why, .. } => why.clone(),
            MandatePhase::Ended { .. } => return Ok(MandateOutcome::Known),
            MandatePhase::Offered | MandatePhase::Active | MandatePhase::Suspended { .. } => {
                return Err(self.not_waiting());
            }
        };
        Ok(MandateOutcome::Changed(match answer {
            UnsignAnswer::Ended => self.ended(why, now, now),
            UnsignAnswer::NotInForce => self.with(MandatePhase::Ending { why, ask: true }, now),
            UnsignAnswer::InDoubt(_) => self.asked_again(now),
        }))
    }

    /// An offer lapses only when the gateway says that it is not signed. One that was signed and is
    /// suspended has no number yet: it is asked about until it is told.
    fn offer_after(&self, answer: AgreementAnswer, now: Timestamp) -> Mandate {
        let later = Mandate { due_at_s: self.next_query(now), ..self.clone() };
        match answer {
            AgreementAnswer::InForce(agreement) => {
                self.told(agreement, now).with(MandatePhase::Active, now)
            }
            AgreementAnswer::NotYetInForce | AgreementAnswer::NotFound
                if now >= self.lapses_at() =>
            {
                self.checked(now).ended(EndReason::NotSigned, now, now)
            }
            AgreementAnswer::NotYetInForce
            | AgreementAnswer::NotFound
            | AgreementAnswer::Suspended => later.checked(now),
            AgreementAnswer::Ended => self.ended_elsewhere(now),
            AgreementAnswer::InDoubt(_) => later.doubted(),
        }
    }

    fn active_after(&self, answer: AgreementAnswer, now: Timestamp) -> Mandate {
        match answer {
            AgreementAnswer::InForce(agreement) => {
                Mandate { due_at_s: now + A_DAY, ..self.told(agreement, now) }
            }
            AgreementAnswer::Suspended => {
                let phase = MandatePhase::Suspended { since_s: now, why: Suspension::ByGateway };
                self.checked(now).with(phase, now + A_DAY)
            }
            AgreementAnswer::Ended | AgreementAnswer::NotFound | AgreementAnswer::NotYetInForce => {
                self.ended_elsewhere(now)
            }
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
                    Suspension::ByGateway => told.with(MandatePhase::Active, now),
                    Suspension::ByDebit { .. } => Mandate { due_at_s: tomorrow, ..told },
                }
            }
            AgreementAnswer::Suspended => Mandate { due_at_s: tomorrow, ..self.checked(now) },
            AgreementAnswer::Ended | AgreementAnswer::NotFound | AgreementAnswer::NotYetInForce => {
                self.ended_elsewhere(now)
            }
            AgreementAnswer::InDoubt(_) => self.asked_again(now),
        }
    }

    /// One that is still there is ended again, later and later: its doubts count these tries, too.
    fn ending_after(
        &self,
        answer: AgreementAnswer,
        why: &EndReason,
        ask: bool,
        now: Timestamp,
    ) -> Mandate {
        let phase = |ask| MandatePhase::Ending { why: why.clone(), ask };
        let later = now + self.patience();
        let doubts = self.doubts.saturating_add(1);
        match answer {
            AgreementAnswer::InForce(agreement) => {
                Mandate { doubts, ..self.told(agreement, now).with(phase(false), later) }
            }
            AgreementAnswer::Suspended => {
                Mandate { doubts, ..self.checked(now).with(phase(false), later) }
            }
            AgreementAnswer::Ended | AgreementAnswer::NotFound | AgreementAnswer::NotYetInForce => {
                self.checked(now).ended(why.clone(), now, now)
            }
            AgreementAnswer::InDoubt(_) => self.with(phase(ask), later).doubted(),
        }
    }

    /// The mandate as the gateway tells that it is in force. What it leaves out stays as it was
    /// told before.
    fn told(&self, agreement: Agreement, now: Timestamp) -> Mandate {
        Mandate {
            agreement_no: Some(agreement.agreement_no),
            signed_at_s: self.signed_at_s.or(agreement.signed_at),
            ends_at_s: agreement.ends_at.or(self.ends_at_s),
            gateway_limit_fen: agreement.single_limit_fen.or(self.gateway_limit_fen),
            ..self.checked(now)
        }
    }

    fn checked(&self, now: Timestamp) -> Mandate {
        Mandate { checked_at_s: Some(now), doubts: 0, ..self.clone() }
    }

    fn asked_again(&self, now: Timestamp) -> Mandate {
        Mandate { due_at_s: now + self.patience(), ..self.clone() }.doubted()
    }

    /// Nobody here ended it: its time was over, or else its provider did.
    fn ended_elsewhere(&self, now: Timestamp) -> Mandate {
        let checked = self.checked(now);
        match self.ends_at_s.filter(|ends_at| *ends_at <= now) {
            Some(ends_at) => checked.ended(EndReason::Expired, ends_at, now),
            None => checked.ended(EndReason::RevokedByProvider, now, now),
        }
    }
}
