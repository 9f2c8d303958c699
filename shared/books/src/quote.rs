//! Quotes on top of a month: what usage would add to what is settled and counted of it. Nothing is
//! stored.

use steelyard_billing::{
    CountedDays, MonthSoFar, OnTopError, ProviderId, QuoteOnTop, Statement, charged_days,
};
use steelyard_pricing::{BillingDay, Catalog, Name, Plan, Usage};
use steelyard_store::StoreError;
use thiserror::Error;

use crate::settle::{RunTerms, SettleError, Settler, UnnamedError};

/// Under which plans a month is quoted beside the provider's own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// None: the quote compares nothing.
    Nothing,
    /// None, but the quote has the provider's own terms as one that is compared.
    Own,
    /// Every plan that is on offer today, except the one that the provider is on.
    OnOffer,
    /// The version of a plan that is in force today.
    Stored(Name),
    /// A plan that need not be stored.
    Given(Box<Plan>),
}

/// Why there is no quote on top of a month.
#[derive(Debug, Error)]
pub enum QuoteOnTopError {
    /// The month cannot be read, or not settled as far as it is counted.
    #[error(transparent)]
    Month(#[from] SettleError),
    /// No version of the plan that can be read is in force.
    #[error("there is no plan `{0}` in force that can be read")]
    NoPlan(Name),
    /// The rules refuse.
    #[error("cannot quote on top of the month of {provider}")]
    Rules {
        /// The provider that asked.
        provider: ProviderId,
        /// The rule that refuses it.
        #[source]
        source: OnTopError,
    },
}

const READ: &str = "read a month to quote on top of";

/// How often a month is read anew because the account changed meanwhile.
const TRIES: u32 = 5;

/// A month so far, with what is counted of each of its days if that was asked for.
type MonthRead = (Result<MonthSoFar, OnTopError>, CountedDays);

impl Settler {
    /// What usage would add to the month of a provider if it were reported today, and nothing else
    /// were: by so much the coming night would charge more. It is rated by the code that settles.
    ///
    /// # Errors
    ///
    /// [`QuoteOnTopError`] naming the provider and the cause.
    pub async fn quote_on_top(
        &self,
        terms: &RunTerms,
        provider: &ProviderId,
        usage: &Usage,
        compared: &Compared,
    ) -> Result<QuoteOnTop, QuoteOnTopError> {
        let read = self.month_so_far(terms, provider, *compared != Compared::Nothing).await;
        let (month, counted) = read.map_err(|error| error.of(provider))?;
        let refused = |source| QuoteOnTopError::Rules { provider: provider.clone(), source };
        let month = month.map_err(refused)?;
        let mut quote = month.quote(usage, terms.plans()).map_err(refused)?;
        if *compared != Compared::Nothing {
            let own = month.under_own_terms(usage, terms.plans()).map_err(refused)?;
            let others = compared.plans(terms.plans(), month.today(), &own.terms.plan)?;
            quote.plans.push(own);
            for plan in others {
                quote.plans.push(month.under(plan, &counted, usage).map_err(refused)?);
            }
        }
        Ok(quote)
    }

    async fn month_so_far(
        &self,
        terms: &RunTerms,
        id: &ProviderId,
        with_days: bool,
    ) -> Result<MonthRead, UnnamedError> {
        let calendar = &self.books.rules.calendar;
        let month = calendar.day_of(terms.now)?.month();
        for _ in 0..TRIES {
            let (found, after, coming) = self.previewed_account(terms, id).await?;
            let so_far = MonthSoFar::new(
                found.provider,
                &found.account,
                after,
                (terms.plans(), calendar),
                terms.now,
            );
            if !with_days {
                return Ok((so_far, CountedDays::new()));
            }
            let (first, last) = (month.first_day(), month.last_day());
            let mut statements = self.books.billing.statements_between(id, first, last).await?;
            let is_of_month = |statement: &Statement| statement.statement.day.month() == month;
            statements.extend(coming.into_iter().filter(is_of_month));
            // What was charged while the statements were read would be missing, or be there twice.
            if self.read(id).await?.account.version == found.account.version {
                return Ok((so_far, charged_days(&statements)?));
            }
        }
        Err(StoreError::Contended { operation: READ }.into())
    }
}

impl Compared {
    /// The plans other than the provider's own.
    fn plans<'a>(
        &'a self,
        plans: &'a Catalog,
        today: BillingDay,
        own: &Name,
    ) -> Result<Vec<&'a Plan>, QuoteOnTopError> {
        match self {
            Compared::Nothing | Compared::Own => Ok(Vec::new()),
            Compared::OnOffer => {
                Ok(plans.on_offer(today).filter(|plan| plan.name() != own).collect())
            }
            Compared::Stored(name) => {
                let found = plans.on_offer(today).find(|plan| plan.name() == name);
                found.map(|plan| vec![plan]).ok_or_else(|| QuoteOnTopError::NoPlan(name.clone()))
            }
            Compared::Given(plan) => Ok(vec![plan]),
        }
    }
}
