//! Previews: the statements that the coming night would make, computed by the code that settles.
//! Nothing is stored.

use jiff::civil::Time;
use steelyard_billing::{Account, ProviderId, Statement, UsageRead, next_settlement};
use steelyard_pricing::Fen;
use steelyard_store::ProviderAccount;

use crate::correction::Correction;
use crate::settle::{RunTerms, SettleError, Settler, UnnamedError};

/// How corrections change what the coming statements of a provider charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectionEffects {
    /// What the coming statements charge without them.
    pub before_fen: Fen,
    /// What each correction adds to that, after those before it; negative for a credit.
    pub changes_fen: Vec<Fen>,
}

impl Settler {
    /// The statements that would be made if the provider's day were over now, of what has been
    /// counted and not settled.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause.
    pub async fn preview(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
    ) -> Result<Vec<Statement>, SettleError> {
        let previewed = self.previewed(terms, provider).await;
        Ok(previewed.map_err(|error| error.of(provider))?.1)
    }

    /// The statements that would be made if the day of a provider were over now; its account was
    /// read already.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause.
    pub async fn preview_of(
        &self,
        terms: &RunTerms,
        found: &ProviderAccount,
    ) -> Result<Vec<Statement>, SettleError> {
        let provider = &found.provider.provider;
        let coming = async {
            let usage = self.to_preview(terms, found, &[]).await?;
            Ok(self.coming(terms, found, usage)?.1)
        };
        coming.await.map_err(|error: UnnamedError| error.of(provider))
    }

    /// The account as it is, and the statements.
    pub(crate) async fn previewed(
        &self,
        terms: &RunTerms,
        id: &ProviderId,
    ) -> Result<(ProviderAccount, Vec<Statement>), UnnamedError> {
        let (found, _, coming) = self.previewed_account(terms, id).await?;
        Ok((found, coming))
    }

    /// The account as it is, the account as the coming night would leave it, and the statements.
    pub(crate) async fn previewed_account(
        &self,
        terms: &RunTerms,
        id: &ProviderId,
    ) -> Result<(ProviderAccount, Account, Vec<Statement>), UnnamedError> {
        let found = self.read(id).await?;
        let usage = self.to_preview(terms, &found, &[]).await?;
        let (after, coming) = self.coming(terms, &found, usage)?;
        Ok((found, after, coming))
    }

    /// How corrections would change the coming statements, one after the other. What was counted is
    /// read once.
    ///
    /// # Errors
    ///
    /// [`SettleError`] naming the provider and the cause.
    pub async fn effects(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
        corrections: &[Correction],
    ) -> Result<CorrectionEffects, SettleError> {
        let effects = self.effects_of(terms, provider, corrections).await;
        effects.map_err(|error| error.of(provider))
    }

    async fn effects_of(
        &self,
        terms: &RunTerms,
        id: &ProviderId,
        corrections: &[Correction],
    ) -> Result<CorrectionEffects, UnnamedError> {
        let found = self.read(id).await?;
        let mut usage = self.to_preview(terms, &found, corrections).await?;
        let before_fen = Statement::sum_fen(&self.coming(terms, &found, usage.clone())?.1)?;
        let (mut charged_fen, mut changes_fen) = (before_fen, Vec::new());
        for correction in corrections {
            correction.apply(&mut usage.days, terms.now)?;
            let after_fen = Statement::sum_fen(&self.coming(terms, &found, usage.clone())?.1)?;
            changes_fen.push(after_fen.minus(charged_fen)?);
            charged_fen = after_fen;
        }
        Ok(CorrectionEffects { before_fen, changes_fen })
    }

    /// What is counted of an account up to today; also of the settled days that are to be
    /// corrected.
    pub(crate) async fn to_preview(
        &self,
        terms: &RunTerms,
        found: &ProviderAccount,
        corrections: &[Correction],
    ) -> Result<UsageRead, UnnamedError> {
        let today = self.books.rules.calendar.day_of(terms.now)?;
        self.usage_of(&found.account, today, terms.now, corrections).await
    }

    /// The statements of some usage, if the day were over now, and the account after them.
    pub(crate) fn coming(
        &self,
        terms: &RunTerms,
        found: &ProviderAccount,
        usage: UsageRead,
    ) -> Result<(Account, Vec<Statement>), UnnamedError> {
        let ProviderAccount { provider, account } = found;
        let mut usage = self.bounded(usage, provider, account, terms)?;
        let rules = &self.books.rules;
        let today = rules.calendar.day_of(terms.now)?;
        let tomorrow = rules.calendar.instant(today.next().date(), Time::midnight());
        let (mut account, mut statements) = (account.clone(), Vec::new());
        let next = |account: &Account, usage: &UsageRead| {
            next_settlement(provider, account, usage, terms.plans(), rules, tomorrow)
        };
        while let Some(next) = next(&account, &usage)? {
            usage.charged(&next.statement)?;
            statements.push(next.statement);
            account = next.movement.account;
        }
        Ok((account, statements))
    }
}
