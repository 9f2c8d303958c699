//! Adjustments: credit and debit notes for what was charged in months that are closed.
//!
//! An adjustment waits on the account until the next statement charges or credits it beside the
//! statement's usage. It is no part of what the month's usage costs, so that neither a minimum nor
//! a maximum of a plan changes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::{BillingMonth, Fen, MoneyError};
use thiserror::Error;

use crate::{
    Account, AdjustmentId, DebitRules, Person, ProviderId, Reason, ReportId, SourceId, StatementId,
};

/// The most adjustments of a provider that wait for its next statement.
pub const WAITING_MAX: usize = 20;

/// The most reports that an adjustment refers to.
pub const REPORTS_MAX: usize = 10;

/// The largest amount of an adjustment, charged or credited: ¥100,000,000.00, as of a debit.
pub const ADJUSTMENT_MAX: Fen = crate::DEBIT_MAX;

/// What an adjustment charges or credits, and why: as it waits on the account, and as it stands on
/// the statement that books it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentNote {
    /// The adjustment's name among its provider's.
    pub adjustment: AdjustmentId,
    /// Positive for a debit note, negative for a credit note; never zero.
    pub amount_fen: Fen,
    /// The charge or report that it corrects.
    #[serde(flatten)]
    pub of: AdjustmentOf,
    /// Why, in the author's words.
    pub reason: Reason,
    /// The person who made it, and who may not approve it.
    pub by: Person,
    /// When it was made, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub made_at_s: Timestamp,
    /// The approval of a second person; none before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// The statement that an adjustment corrects, and what of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentOf {
    /// The statement, of a month that is closed.
    pub corrects: StatementId,
    /// The line of the statement, from 1; none if it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// The usage reports that it is about, at most [`REPORTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportRef>,
}

/// A usage report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportRef {
    /// The source that sent it.
    pub source: SourceId,
    /// The id that the source gave it.
    pub report: ReportId,
}

/// The approval of a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The person who approved; never the author.
    pub by: Person,
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
}

/// An adjustment, from when it is made on. It is never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The provider whose account it adjusts.
    pub provider: ProviderId,
    /// The amount that it charges or credits, and its reason.
    #[serde(flatten)]
    pub note: AdjustmentNote,
    /// Whether it waits, is booked or was rejected.
    #[serde(flatten)]
    pub phase: AdjustmentPhase,
}

/// Whether an adjustment waits, is booked or was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
// The names are in no other item, so that the settle function may have the right to write these
// alone.
#[serde(tag = "booking", rename_all = "snake_case")]
pub enum AdjustmentPhase {
    /// It waits on the account for the next statement, and for its approval if the platform's rules
    /// ask for one.
    Waiting,
    /// A statement has charged or credited it.
    Booked {
        /// The statement whose charge has it.
        booked_on: StatementId,
    },
    /// A person decided against it. Nothing was charged or credited.
    Rejected {
        /// The person who decided against it.
        rejected_by: Person,
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        rejected_at_s: Timestamp,
        /// Why, in that person's words.
        rejected_because: Reason,
    },
}

/// An adjustment as an operator asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentRequest {
    /// Its name; made from what is asked for unless given, so that the same request is one
    /// adjustment.
    pub id: Option<AdjustmentId>,
    /// Positive for a debit note, negative for a credit note.
    pub amount_fen: Fen,
    /// The charge or report that it corrects.
    pub of: AdjustmentOf,
    /// The reason, in the author's words.
    pub reason: Reason,
    /// The person who makes it.
    pub by: Person,
}

/// Why an adjustment is not made, approved or rejected. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdjustmentError {
    /// The amount is zero, or too large.
    #[error("an adjustment is of 0.01 to {ADJUSTMENT_MAX} yuan, charged or credited, not {0}")]
    Amount(Fen),
    /// It refers to more reports than it may.
    #[error("an adjustment refers to {REPORTS_MAX} reports at most, not {0}")]
    Reports(usize),
    /// Usage of the month can still be corrected itself.
    #[error(
        "{0} is not closed: correct its usage by `steelyard usage void`, `replace` or `correct`, which \
         the next statement credits"
    )]
    Open(BillingMonth),
    /// The statement was not made.
    #[error("there is no statement {0}")]
    NoStatement(StatementId),
    /// The statement has no such line.
    #[error("statement {statement} has no line {line}: the last one is {lines}")]
    NoLine {
        /// The statement that was named.
        statement: StatementId,
        /// The line that was named.
        line: u16,
        /// The number of lines that it has.
        lines: usize,
    },
    /// The month has no such report about the provider.
    #[error("{month} has no report {report} of {source_id} about the provider")]
    NoReport {
        /// The month of the statement.
        month: BillingMonth,
        /// The source that is said to have sent it.
        source_id: SourceId,
        /// The id that was not found.
        report: ReportId,
    },
    /// Another adjustment has the name.
    #[error(
        "adjustment {0} was made before with another amount, reference or reason: give this one another \
         name by --id"
    )]
    IdUsed(AdjustmentId),
    /// No more adjustments may wait for one statement.
    #[error(
        "{WAITING_MAX} adjustments wait for the next statement: settle the provider, or reject some of \
         them, and try again"
    )]
    TooMany,
    /// The author approves.
    #[error("{by} made adjustment {id}: another person must approve it")]
    OwnApproval {
        /// The adjustment that was to be approved.
        id: AdjustmentId,
        /// The person who made it, and wanted to approve it.
        by: Person,
    },
    /// A statement has booked it, so that it can no longer be changed.
    #[error(
        "adjustment {id} is booked on statement {statement}; another adjustment can take it back"
    )]
    Booked {
        /// The adjustment that was to be rejected.
        id: AdjustmentId,
        /// The statement that charged or credited it.
        statement: StatementId,
    },
    /// The same request was made before, and rejected.
    #[error(
        "the same adjustment, {id}, was rejected by {by}: {reason}; to make it all the same, give it \
         another name by --id"
    )]
    RejectedBefore {
        /// The rejected adjustment.
        id: AdjustmentId,
        /// The person who rejected it.
        by: Person,
        /// The reason of the rejection.
        reason: Reason,
    },
    /// It was rejected, which is final.
    #[error("adjustment {id} was rejected by {by}: {reason}")]
    Rejected {
        /// The adjustment that was to be approved.
        id: AdjustmentId,
        /// The person who rejected it.
        by: Person,
        /// The reason of the rejection.
        reason: Reason,
    },
}

impl AdjustmentRequest {
    /// The name of the adjustment.
    #[must_use]
    pub fn id(&self) -> AdjustmentId {
        self.id.clone().unwrap_or_else(|| self.id_by_content())
    }

    /// A name that depends on everything but the author.
    fn id_by_content(&self) -> AdjustmentId {
        let AdjustmentOf { corrects, line, reports } = &self.of;
        let mut content = format!("{}\n{corrects}\n{line:?}\n", self.amount_fen.get());
        for ReportRef { source, report } in reports {
            content += &format!("{source}#{report}\n");
        }
        let digest = Sha256::digest(content + self.reason.as_str());
        AdjustmentId::of_digest(&digest)
    }
}

impl Adjustment {
    /// The adjustment that is asked for.
    ///
    /// # Errors
    ///
    /// [`AdjustmentError::Amount`] or [`AdjustmentError::Reports`] where it is out of bounds.
    pub fn new(
        provider: &ProviderId,
        request: &AdjustmentRequest,
        now: Timestamp,
    ) -> Result<Adjustment, AdjustmentError> {
        let amount_fen = request.amount_fen;
        let magnitude = amount_fen.get().unsigned_abs();
        if magnitude == 0 || magnitude > ADJUSTMENT_MAX.get().unsigned_abs() {
            return Err(AdjustmentError::Amount(amount_fen));
        }
        if request.of.reports.len() > REPORTS_MAX {
            return Err(AdjustmentError::Reports(request.of.reports.len()));
        }
        let note = AdjustmentNote {
            adjustment: request.id(),
            amount_fen,
            of: request.of.clone(),
            reason: request.reason.clone(),
            by: request.by.clone(),
            made_at_s: now,
            approval: None,
        };
        Ok(Adjustment { provider: provider.clone(), note, phase: AdjustmentPhase::Waiting })
    }

    /// Whether it waits for the next statement.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.phase == AdjustmentPhase::Waiting
    }

    /// Checks that a further request of its name is the request that made it, of any author.
    ///
    /// # Errors
    ///
    /// [`AdjustmentError::IdUsed`] when the request differs, and
    /// [`AdjustmentError::RejectedBefore`] when the adjustment was rejected: the request would
    /// credit or charge nothing.
    pub fn check_repeated(&self, request: &AdjustmentRequest) -> Result<(), AdjustmentError> {
        let AdjustmentNote { adjustment, amount_fen, of, reason, .. } = &self.note;
        if (*amount_fen, of, reason) != (request.amount_fen, &request.of, &request.reason) {
            return Err(AdjustmentError::IdUsed(adjustment.clone()));
        }
        match &self.phase {
            AdjustmentPhase::Waiting | AdjustmentPhase::Booked { .. } => Ok(()),
            AdjustmentPhase::Rejected { rejected_by, rejected_because, .. } => {
                Err(AdjustmentError::RejectedBefore {
                    id: adjustment.clone(),
                    by: rejected_by.clone(),
                    reason: rejected_because.clone(),
                })
            }
        }
    }

    /// The adjustment with the approval of a second person; none if it has one, or is booked.
    ///
    /// # Errors
    ///
    /// [`AdjustmentError`] when its author approves, or it no longer waits.
    pub fn approved(
        &self,
        by: &Person,
        now: Timestamp,
    ) -> Result<Option<Adjustment>, AdjustmentError> {
        let id = self.note.adjustment.clone();
        if by.is_same(&self.note.by) {
            return Err(AdjustmentError::OwnApproval { id, by: self.note.by.clone() });
        }
        match &self.phase {
            AdjustmentPhase::Rejected { rejected_by, rejected_because, .. } => {
                let (by, reason) = (rejected_by.clone(), rejected_because.clone());
                Err(AdjustmentError::Rejected { id, by, reason })
            }
            AdjustmentPhase::Waiting if self.note.approval.is_none() => {
                let mut after = self.clone();
                after.note.approval = Some(Approval { by: by.clone(), at_s: now });
                Ok(Some(after))
            }
            AdjustmentPhase::Waiting | AdjustmentPhase::Booked { .. } => Ok(None),
        }
    }

    /// The adjustment after a person decided against it, perhaps its author; none if one did
    /// before.
    ///
    /// # Errors
    ///
    /// [`AdjustmentError::Booked`] when a statement has it already.
    pub fn rejected(
        &self,
        by: &Person,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<Option<Adjustment>, AdjustmentError> {
        match &self.phase {
            AdjustmentPhase::Waiting => Ok(Some(Adjustment {
                phase: AdjustmentPhase::Rejected {
                    rejected_by: by.clone(),
                    rejected_at_s: now,
                    rejected_because: reason.clone(),
                },
                ..self.clone()
            })),
            AdjustmentPhase::Booked { booked_on } => Err(AdjustmentError::Booked {
                id: self.note.adjustment.clone(),
                statement: *booked_on,
            }),
            AdjustmentPhase::Rejected { .. } => Ok(None),
        }
    }
}

impl AdjustmentNote {
    /// Whether the next statement may book it, by the platform's rules.
    #[must_use]
    pub fn may_be_booked(&self, rules: &DebitRules) -> bool {
        self.approval.is_some() || !rules.adjustments_need_approval
    }
}

/// What notes charge together, less what they credit.
///
/// # Errors
///
/// [`MoneyError`] when the sum leaves its range.
pub(crate) fn sum(notes: &[AdjustmentNote]) -> Result<Fen, MoneyError> {
    Fen::sum(notes.iter().map(|note| note.amount_fen))
}

impl Account {
    /// The account with an adjustment that waits for the next statement, in place of the note of
    /// the same adjustment if there is one.
    ///
    /// # Errors
    ///
    /// [`AdjustmentError::TooMany`] when as many wait as may.
    pub fn with_adjustment(&self, note: &AdjustmentNote) -> Result<Account, AdjustmentError> {
        let mut after = self.clone();
        if let Some(known) =
            after.adjustments.iter_mut().find(|of| of.adjustment == note.adjustment)
        {
            known.clone_from(note);
            return Ok(after);
        }
        if after.adjustments.len() >= WAITING_MAX {
            return Err(AdjustmentError::TooMany);
        }
        after.adjustments.push(note.clone());
        Ok(after)
    }

    /// The account without an adjustment that waited.
    #[must_use]
    pub fn without_adjustment(&self, id: &AdjustmentId) -> Account {
        let mut after = self.clone();
        after.adjustments.retain(|note| note.adjustment != *id);
        after
    }

    /// The waiting adjustments that the next statement books, in the order in which they were made.
    pub(crate) fn adjustments_due(&self, rules: &DebitRules) -> Vec<AdjustmentNote> {
        self.adjustments.iter().filter(|note| note.may_be_booked(rules)).cloned().collect()
    }
}
