//! Running a set: it is begun, or goes on where it stopped.

use steelyard_billing::{CorrectionId, CorrectionPhase, CorrectionSet, Person, Reason};
use steelyard_runtime::Error;
use steelyard_store::Unreadable;

use super::{CorrectionFile, Corrector, Ended, Found, ProviderChange};

/// What a person asks to correct.
pub struct SetRequest {
    pub(super) name: CorrectionId,
    pub(super) reason: Reason,
    pub(super) file: CorrectionFile,
    by: Person,
    digest: String,
}

/// The outcome of a request.
#[derive(Debug)]
pub struct Outcome {
    /// What the set changes, by provider and day; nothing of one that was stored before.
    pub changes: Vec<ProviderChange>,
    /// The plans that could not be read for that.
    pub unreadable: Vec<Unreadable>,
    /// How the set ended; none if it is not stored and nothing was to be changed.
    pub ended: Option<Ended>,
}

impl SetRequest {
    /// Asks for what a file holds, under a name.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn new(
        name: CorrectionId,
        content: &[u8],
        (by, reason): (Person, Reason),
    ) -> Result<SetRequest, Error> {
        let file = CorrectionFile::read(content)?;
        Ok(SetRequest { name, reason, file, by, digest: CorrectionSet::digest_of(content) })
    }
}

impl Corrector {
    /// Applies the set that is asked for, once: it begins, goes on, or has ended already. A dry run
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// When its name stands for another content, it was undone, something of it cannot be
    /// corrected, or a table fails. What was applied before stays, and running it again goes on.
    pub async fn run(&self, request: &SetRequest, is_dry: bool) -> Result<Outcome, Error> {
        let stored = self.settler.books.billing.correction(&request.name).await?;
        if let Some(stored) = &stored {
            stored.check_continued_by(&request.digest)?;
        }
        // What is stored goes on as it was found: months may have closed since.
        if let Some(set) = stored.filter(|stored| stored.phase != CorrectionPhase::Storing) {
            let ended =
                if is_dry { Ended { set, failed: Vec::new() } } else { self.resume(set).await? };
            let (changes, unreadable) = (Vec::new(), Vec::new());
            return Ok(Outcome { changes, unreadable, ended: Some(ended) });
        }
        let found = self.find(request).await?;
        let terms = self.settler.terms(self.clock.now()).await?;
        let changes = self.preview(&terms, &found).await?;
        let ended = if is_dry {
            None
        } else {
            Some(self.apply(&self.set(request, &found)?, &found).await?)
        };
        Ok(Outcome { changes, unreadable: terms.unreadable, ended })
    }

    /// The set that is asked for, before it is stored.
    fn set(&self, request: &SetRequest, found: &Found) -> Result<CorrectionSet, Error> {
        let SetRequest { name, reason, by, digest, .. } = request;
        let Found { file: CorrectionFile { void, count }, .. } = found;
        let sizes = (u32::try_from(void.len())?, u32::try_from(count.len())?);
        let who = (by.clone(), reason.clone());
        Ok(CorrectionSet::new(name.clone(), digest.clone(), sizes, who, self.clock.now()))
    }
}
