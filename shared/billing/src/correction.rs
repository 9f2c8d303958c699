//! Sets of corrections: reports that were wrong are withdrawn and others counted, under one name,
//! and all of it can be undone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use steelyard_pricing::BillingDay;
use thiserror::Error;

use crate::id::hex;
use crate::{CorrectionId, Person, Reason, ReportId, ReportRef};

/// A set of corrections, from when it begins to be applied. It is never deleted, nor is what it
/// holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectionSet {
    /// The name under which it is applied, and undone.
    pub name: CorrectionId,
    /// How often it was written. Each write is conditional on the version before.
    pub version: u64,
    /// SHA-256 of the file, in hexadecimal digits: the name stands for one content.
    pub digest: String,
    /// How many reports it withdraws, each of a provider and a day.
    pub voids: u32,
    /// How many reports it counts.
    pub counts: u32,
    /// Why, in the words of the person who applied it.
    pub reason: Reason,
    /// The person who applied it.
    pub by: Person,
    /// When that began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub begun_at_s: Timestamp,
    /// The phase, and the parts that are done.
    #[serde(flatten)]
    pub phase: CorrectionPhase,
}

/// The phase of a set of corrections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum CorrectionPhase {
    /// Its parts are being stored. Nothing is corrected yet.
    Storing,
    /// All parts are stored, and are being applied.
    Applying {
        /// The number of parts.
        parts: u16,
    },
    /// All of it is applied.
    Applied {
        /// The number of parts.
        parts: u16,
    },
    /// Its effects are being taken back, part by part.
    Undoing {
        /// The number of parts.
        parts: u16,
        /// The request to undo it.
        #[serde(flatten)]
        undo: Undo,
    },
    /// All of it is undone. Its name cannot be applied again. What it holds stays known, so that it
    /// can be undone again if it was still being applied.
    Undone {
        /// The number of parts; 0 if nothing was applied.
        parts: u16,
        /// The request that undid it.
        #[serde(flatten)]
        undo: Undo,
    },
}

/// A request to undo a set: its author, time and reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// The person who undoes it.
    pub undone_by: Person,
    /// When that began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub undone_at_s: Timestamp,
    /// Why, in that person's words.
    pub undone_because: Reason,
}

/// Why a set is not applied or undone. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CorrectionError {
    /// The name stands for another content.
    #[error(
        "correction {0} was begun with another content; give this one another name, or the file as it \
         was"
    )]
    NameUsed(CorrectionId),
    /// A set of this name was undone: the name is used up.
    #[error(
        "correction {name} was undone by {by}: {reason}; what it withdrew counts again under ids that \
         begin with `undo-`, and another correction can withdraw those. If it was still being applied \
         then, undo it again"
    )]
    Undone {
        /// The set that was to be applied.
        name: CorrectionId,
        /// The person who undid it.
        by: Person,
        /// The reason for undoing it.
        reason: Reason,
    },
    /// There is no such set.
    #[error("there is no correction {0}")]
    Unknown(CorrectionId),
}

impl CorrectionSet {
    /// What distinguishes the content of a file from any other.
    #[must_use]
    pub fn digest_of(content: &[u8]) -> String {
        hex(&Sha256::digest(content), 32)
    }

    /// A set before it is stored, of so many reports to withdraw and to count.
    #[must_use]
    pub fn new(
        name: CorrectionId,
        digest: String,
        (voids, counts): (u32, u32),
        (by, reason): (Person, Reason),
        now: Timestamp,
    ) -> CorrectionSet {
        let phase = CorrectionPhase::Storing;
        CorrectionSet {
            name,
            version: 0,
            digest,
            voids,
            counts,
            reason,
            by,
            begun_at_s: now,
            phase,
        }
    }

    /// Checks that a file with that digest may go on with the stored set.
    ///
    /// # Errors
    ///
    /// [`CorrectionError`] when the name stands for another content, or the set was undone.
    pub fn check_continued_by(&self, digest: &str) -> Result<(), CorrectionError> {
        if self.digest != digest {
            return Err(CorrectionError::NameUsed(self.name.clone()));
        }
        self.check_not_undone()
    }

    /// Its content is stored; none if that is known.
    ///
    /// # Errors
    ///
    /// [`CorrectionError::Undone`] when it is undone meanwhile.
    pub fn stored(&self, parts: u16) -> Result<Option<CorrectionSet>, CorrectionError> {
        self.check_not_undone()?;
        Ok(match self.phase {
            CorrectionPhase::Storing => Some(self.at(CorrectionPhase::Applying { parts })),
            CorrectionPhase::Applying { .. }
            | CorrectionPhase::Applied { .. }
            | CorrectionPhase::Undoing { .. }
            | CorrectionPhase::Undone { .. } => None,
        })
    }

    /// All of it is applied; none if that is known.
    ///
    /// # Errors
    ///
    /// [`CorrectionError::Undone`] when it is undone meanwhile.
    pub fn applied(&self) -> Result<Option<CorrectionSet>, CorrectionError> {
        self.check_not_undone()?;
        Ok(match self.phase {
            CorrectionPhase::Applying { parts } => {
                Some(self.at(CorrectionPhase::Applied { parts }))
            }
            CorrectionPhase::Storing
            | CorrectionPhase::Applied { .. }
            | CorrectionPhase::Undoing { .. }
            | CorrectionPhase::Undone { .. } => None,
        })
    }

    /// The set that begins to be undone; none if it began before. One of which nothing was applied
    /// is undone at once.
    #[must_use]
    pub fn undoing(&self, undo: &Undo) -> Option<CorrectionSet> {
        let undo = undo.clone();
        match self.phase {
            CorrectionPhase::Storing => Some(self.at(CorrectionPhase::Undone { parts: 0, undo })),
            CorrectionPhase::Applying { parts } | CorrectionPhase::Applied { parts } => {
                Some(self.at(CorrectionPhase::Undoing { parts, undo }))
            }
            CorrectionPhase::Undoing { .. } | CorrectionPhase::Undone { .. } => None,
        }
    }

    /// All of it is undone; none if that is known.
    #[must_use]
    pub fn undone(&self) -> Option<CorrectionSet> {
        match &self.phase {
            CorrectionPhase::Undoing { parts, undo } => {
                Some(self.at(CorrectionPhase::Undone { parts: *parts, undo: undo.clone() }))
            }
            CorrectionPhase::Storing
            | CorrectionPhase::Applying { .. }
            | CorrectionPhase::Applied { .. }
            | CorrectionPhase::Undone { .. } => None,
        }
    }

    /// Whether a person has to go on with it: the command that began it was stopped.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        match self.phase {
            CorrectionPhase::Storing
            | CorrectionPhase::Applying { .. }
            | CorrectionPhase::Undoing { .. } => true,
            CorrectionPhase::Applied { .. } | CorrectionPhase::Undone { .. } => false,
        }
    }

    /// The id under which a report that the set withdrew counts again: the id of a withdrawn report
    /// never does.
    #[must_use]
    pub fn restored_id(&self, of: &ReportRef, day: BillingDay) -> ReportId {
        let ReportRef { source, report } = of;
        let content = format!("{}\n{source}\n{report}\n{day}", self.name);
        ReportId::of_digest("undo-", &Sha256::digest(content))
    }

    fn at(&self, phase: CorrectionPhase) -> CorrectionSet {
        CorrectionSet { phase, ..self.clone() }
    }

    /// Checks that it may be applied.
    ///
    /// # Errors
    ///
    /// [`CorrectionError::Undone`] when it is undone, or being undone.
    pub fn check_not_undone(&self) -> Result<(), CorrectionError> {
        match &self.phase {
            CorrectionPhase::Undoing { undo, .. } | CorrectionPhase::Undone { undo, .. } => {
                let Undo { undone_by, undone_because, .. } = undo.clone();
                let name = self.name.clone();
                Err(CorrectionError::Undone { name, by: undone_by, reason: undone_because })
            }
            CorrectionPhase::Storing
            | CorrectionPhase::Applying { .. }
            | CorrectionPhase::Applied { .. } => Ok(()),
        }
    }
}
