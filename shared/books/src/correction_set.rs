//! Sets of corrections: each step of one is stored under its name.

use steelyard_billing::{CorrectionError, CorrectionId, CorrectionSet, Undo};

use crate::change::{Decision, change};
use crate::{BookError, Books};

const STEP: &str = "store a step of a correction";

impl Books {
    /// Begins a set of corrections, or finds the set of the same content that was begun before.
    ///
    /// # Errors
    ///
    /// [`BookError::Correction`] when its name stands for another content, or it was undone.
    pub async fn begin_correction(&self, set: &CorrectionSet) -> Result<CorrectionSet, BookError> {
        change(&self.billing, STEP, move |_| async move {
            if let Some(stored) = self.billing.correction(&set.name).await? {
                stored.check_continued_by(&set.digest)?;
                return Ok(Decision::Keep(stored));
            }
            let mut writes = self.billing.writes(STEP);
            let stored = writes.correction(None, set)?;
            Ok::<_, BookError>(Decision::Save(writes, stored))
        })
        .await
    }

    /// Notes that what a set holds is stored, in so many parts.
    ///
    /// # Errors
    ///
    /// [`BookError::Correction`] when it is undone meanwhile.
    pub async fn correction_stored(
        &self,
        name: &CorrectionId,
        parts: u16,
    ) -> Result<CorrectionSet, BookError> {
        self.step_correction(name, |before| before.stored(parts)).await
    }

    /// Notes that all of a set is applied.
    ///
    /// # Errors
    ///
    /// [`BookError::Correction`] when it is undone meanwhile.
    pub async fn correction_applied(
        &self,
        name: &CorrectionId,
    ) -> Result<CorrectionSet, BookError> {
        self.step_correction(name, CorrectionSet::applied).await
    }

    /// Begins to undo a set, or finds that it is being undone, or is undone.
    ///
    /// # Errors
    ///
    /// [`BookError::Correction`] when there is none of that name.
    pub async fn undo_correction(
        &self,
        name: &CorrectionId,
        undo: &Undo,
    ) -> Result<CorrectionSet, BookError> {
        self.step_correction(name, |before| Ok(before.undoing(undo))).await
    }

    /// Notes that all of a set is undone. A set that is not being undone stays as it is.
    ///
    /// # Errors
    ///
    /// [`BookError::Correction`] when there is no such set, [`BookError::Store`] when the table
    /// fails.
    pub async fn correction_undone(&self, name: &CorrectionId) -> Result<CorrectionSet, BookError> {
        self.step_correction(name, |before| Ok(before.undone())).await
    }

    async fn step_correction(
        &self,
        name: &CorrectionId,
        decide: impl Fn(&CorrectionSet) -> Result<Option<CorrectionSet>, CorrectionError>,
    ) -> Result<CorrectionSet, BookError> {
        let decide = &decide;
        change(&self.billing, STEP, move |_| async move {
            let found = self.billing.correction(name).await?;
            let before = found.ok_or_else(|| CorrectionError::Unknown(name.clone()))?;
            let Some(after) = decide(&before)? else { return Ok(Decision::Keep(before)) };
            let mut writes = self.billing.writes(STEP);
            let stored = writes.correction(Some(&before), &after)?;
            Ok::<_, BookError>(Decision::Save(writes, stored))
        })
        .await
    }
}
