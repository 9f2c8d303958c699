//! The effect of a correction: the charge of the coming statements without it, and with it.

use serde::Serialize;
use steelyard_billing::{ProviderId, Statement};
use steelyard_books::{Correction, RunTerms, Settler};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;

use crate::{explain, output};

/// The charge of the coming statements, without a correction and with it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effect {
    before_fen: Fen,
    after_fen: Fen,
    /// The difference: negative for a credit.
    pub(crate) change_fen: Fen,
}

impl Effect {
    /// That of a correction of what was counted.
    ///
    /// # Errors
    ///
    /// When the provider cannot be settled as it is, or after the correction.
    pub(crate) async fn of_correction(
        settler: &Settler,
        terms: &RunTerms,
        provider: &ProviderId,
        correction: &Correction,
    ) -> Result<Effect, Error> {
        let correction = std::slice::from_ref(correction);
        let effects = settler.effects(terms, provider, correction).await?;
        Effect::of(effects.before_fen, Fen::sum(effects.changes_fen)?)
    }

    /// That of an amount beside the usage.
    ///
    /// # Errors
    ///
    /// When the provider cannot be settled as it is.
    pub(crate) async fn of_amount(
        settler: &Settler,
        terms: &RunTerms,
        provider: &ProviderId,
        change_fen: Fen,
    ) -> Result<Effect, Error> {
        let before_fen = Statement::sum_fen(&settler.preview(terms, provider).await?)?;
        Effect::of(before_fen, change_fen)
    }

    fn of(before_fen: Fen, change_fen: Fen) -> Result<Effect, Error> {
        Ok(Effect { before_fen, after_fen: before_fen.plus(change_fen)?, change_fen })
    }

    pub(crate) fn print(&self, provider: &ProviderId) -> Result<(), Error> {
        let Effect { before_fen, after_fen, change_fen } = *self;
        output::print(format_args!(
            "the coming statements of {provider} charge {} in place of {}: {}",
            explain::fen(after_fen),
            explain::fen(before_fen),
            explain::fen(change_fen)
        ))
    }
}
