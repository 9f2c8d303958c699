//! The providers by state and debt, page by page, with the sums of all of them.

mod page;
mod texts;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{
    Account, CalendarError, Debit, DebitId, DebitRules, Expected, Mandate, Phase, Provider,
    ProviderId, Request, SettlementRun, Stage,
};
use steelyard_pricing::{BillingDay, Fen, MoneyError, Name};
use thiserror::Error;
use utoipa::ToSchema;

use super::{ShareOf, UnreadableRecord};

/// A provider with the records that its state follows from.
#[derive(Clone, Copy, Debug)]
pub struct ProviderRecord<'a> {
    /// The registration: plans, overrides and the mandate in use.
    pub provider: &'a Provider,
    /// The account's figures at the time of the view.
    pub account: &'a Account,
    /// The debit that [`debit_of`] names, if it was read.
    pub debit: Option<&'a Debit>,
    /// Its last mandate, if it has one and it was read.
    pub mandate: Option<&'a Mandate>,
    /// How far it is in arrears; none if that is not known.
    pub stage: Option<Stage>,
    /// Whether the account is closed.
    pub is_closed: bool,
}

/// The request for a page of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderQuery {
    /// A part of the provider's id; empty for all.
    #[serde(default)]
    pub q: String,
    /// The state; none for all.
    #[serde(default)]
    pub state: Option<ProviderState>,
    /// Where the list goes on, as the page before says.
    #[serde(default)]
    pub after: Option<String>,
}

/// The state of a provider: the first of these that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// Its debit is held until a person resolves it.
    DebitHeld,
    /// The result of its debit is not known.
    DebitInDoubt,
    /// Its last debit was given up, and it owes as much as then.
    DebitGivenUp,
    /// Its agreement is suspended.
    MandateSuspended,
    /// It owes enough for a debit, and has no agreement in use.
    MandateMissing,
    /// It owes money, and its next debit collects it.
    Owing,
    /// Nothing is owed, and none of the states before holds.
    Good,
    /// Its account is closed.
    Closed,
}

/// What is withheld of a provider next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum NextDebit {
    /// No debit will be made as things are.
    None,
    /// A debit is sent.
    Due {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
        /// The amount: fixed once it was sent, and until then what is owed now, as far as the
        /// agreement allows.
        #[schema(value_type = i64)]
        amount_fen: Fen,
    },
    /// Alipay is queried about the debit that was sent.
    Query {
        /// When, in seconds of Unix time.
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        #[schema(value_type = i64)]
        at_s: Timestamp,
    },
    /// Nothing until a person resolves the debit.
    Held,
    /// A debit is open that was not read.
    Unknown,
}

/// A provider in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderRow {
    /// The id of the provider.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// Its plan today; none if it is on none.
    #[schema(value_type = Option<String>)]
    pub plan: Option<Name>,
    /// The most urgent of its states.
    pub state: ProviderState,
    /// How far it is in arrears: `good` or the stage of the ladder, or that of a hold; none if that
    /// is not known.
    #[schema(value_type = Option<String>)]
    pub stage: Option<Stage>,
    /// The prepaid balance.
    #[schema(value_type = i64)]
    pub prepaid_fen: Fen,
    /// The receivable, with what a debit is collecting.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
    /// What of it is being collected.
    #[schema(value_type = i64)]
    pub collecting_fen: Fen,
    /// The next debit, or the reason for none.
    pub next: NextDebit,
    /// The day of the last statement; none before the first.
    #[schema(value_type = Option<String>)]
    pub settled_through: Option<BillingDay>,
}

/// The sums of all providers, as a settlement run left them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProviderSums {
    /// The number of the run.
    pub run: u64,
    /// When it ended, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// How many providers it looked at.
    pub providers: u64,
    /// The sum of the prepaid balances.
    pub prepaid: ShareOf,
    /// The sum of the receivables.
    pub owed: ShareOf,
    /// What of it debits are collecting.
    pub collecting: ShareOf,
    /// How many have an open debit.
    pub open_debits: u64,
    /// How many owe as much as when their last debit was given up.
    pub given_up: u64,
    /// How many owe enough for a debit and have no agreement for it.
    pub without_mandate: u64,
}

/// A page of the list of providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Providers {
    /// The time of all figures but the sums, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The sums of all providers; none before the first run has ended.
    pub sums: Option<ProviderSums>,
    /// The checked request that the view answers.
    pub query: ProviderQuery,
    /// The providers that were found among those that were looked at: the most urgent first.
    pub providers: Vec<ProviderRow>,
    /// How many providers were looked at for this page.
    pub looked_at: u64,
    /// Where the next page begins; none on the last one.
    pub next: Option<String>,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// Why the list cannot be made.
#[derive(Debug, Error)]
pub enum ProvidersError {
    /// An amount left its range.
    #[error("cannot sum what a provider owes")]
    Money(#[from] MoneyError),
    /// The time is not in the calendar.
    #[error("cannot tell the billing day")]
    Calendar(#[from] CalendarError),
}

/// The most providers that are looked at for a page, so that it stays small whatever their ids are.
pub const LOOKED_AT_MAX: u16 = 50;

/// The debit on which the state of a provider depends: the open one, or the last one that was given
/// up.
#[must_use]
pub fn debit_of(account: &Account) -> Option<DebitId> {
    let last = account.last_request.is_some() && account.debits > 0;
    account.open_debit.or_else(|| last.then_some(DebitId(account.debits)))
}

impl ProviderQuery {
    /// Whether a provider is searched for by its id: the others need not be looked at.
    #[must_use]
    pub fn matches(&self, provider: &ProviderId) -> bool {
        provider.as_str().contains(self.q.trim())
    }
}

impl Providers {
    /// The page of these providers, of which the query chooses.
    ///
    /// # Errors
    ///
    /// [`ProvidersError`] when an amount or the time leaves its range.
    pub fn new(
        found: &[ProviderRecord<'_>],
        query: ProviderQuery,
        next: Option<String>,
        runs: &[SettlementRun],
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Providers, ProvidersError> {
        let today = rules.calendar.day_of(now)?;
        let chosen = found.iter().filter(|found| query.matches(&found.provider.provider));
        let rows = chosen.map(|found| found.row(rules, today)).collect::<Result<Vec<_>, _>>()?;
        let is_in = |row: &ProviderRow| query.state.is_none_or(|state| state == row.state);
        let mut providers = rows.into_iter().filter(is_in).collect::<Vec<_>>();
        providers.sort_by(|one, other| {
            let by_debt = other.owed_fen.cmp(&one.owed_fen);
            one.state.cmp(&other.state).then(by_debt).then(one.provider.cmp(&other.provider))
        });
        Ok(Providers {
            as_of_s: now,
            sums: ProviderSums::of(runs),
            query,
            providers,
            looked_at: u64::try_from(found.len()).unwrap_or(u64::MAX),
            next,
            unreadable: Vec::new(),
        })
    }
}

impl ProviderSums {
    /// The sums of the newest run over all providers that has ended, of the latest runs from the
    /// newest on.
    #[must_use]
    pub fn of(runs: &[SettlementRun]) -> Option<ProviderSums> {
        runs.iter().find_map(|run| {
            let end = run.end.as_ref()?;
            let sums = end.figures.accounts.as_ref()?;
            Some(ProviderSums {
                run: run.number,
                as_of_s: end.ended_at_s,
                providers: end.tally.providers,
                prepaid: sums.prepaid.into(),
                owed: sums.owed.into(),
                collecting: sums.collecting.into(),
                open_debits: sums.open_debits,
                given_up: sums.given_up,
                without_mandate: sums.without_mandate,
            })
        })
    }
}

impl ProviderRecord<'_> {
    fn row(&self, rules: &DebitRules, today: BillingDay) -> Result<ProviderRow, MoneyError> {
        let ProviderRecord { provider, account, .. } = *self;
        let begun = provider.plans.iter().filter(|plan| plan.from <= today);
        Ok(ProviderRow {
            provider: provider.provider.clone(),
            plan: begun.max_by_key(|plan| plan.from).map(|plan| plan.plan.clone()),
            state: self.state(rules)?,
            stage: self.stage,
            prepaid_fen: account.figures.prepaid(),
            owed_fen: account.figures.receivable(),
            collecting_fen: account.figures.reserved(),
            next: self.next(rules)?,
            settled_through: account.settled_through,
        })
    }

    fn state(&self, rules: &DebitRules) -> Result<ProviderState, MoneyError> {
        let ProviderRecord { provider, account, .. } = *self;
        let request = account.request(provider.mandate.as_ref(), rules)?;
        let of_debit = self.debit.filter(|debit| account.open_debit == Some(debit.debit));
        let of_debit = of_debit.and_then(|debit| match debit.phase {
            Phase::Held { .. } | Phase::Rechecking { .. } => Some(ProviderState::DebitHeld),
            Phase::InDoubt { .. } | Phase::Sending => Some(ProviderState::DebitInDoubt),
            Phase::Due
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Paid { .. }
            | Phase::GivenUp { .. }
            | Phase::Withdrawn => None,
        });
        let is_suspended = self.mandate.is_some_and(|mandate| match mandate.phase {
            MandatePhase::Suspended { .. } => true,
            MandatePhase::Offered
            | MandatePhase::Active
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. }
            | MandatePhase::Ended { .. } => false,
        });
        let owes = account.figures.receivable().is_positive();
        Ok(match (of_debit, request) {
            (Some(state), _) => state,
            (None, Request::GivenUp) => ProviderState::DebitGivenUp,
            (None, _) if is_suspended => ProviderState::MandateSuspended,
            (None, Request::Impossible) => ProviderState::MandateMissing,
            (None, _) if owes => ProviderState::Owing,
            (None, _) if self.is_closed => ProviderState::Closed,
            (None, Request::NotNeeded | Request::Open | Request::Due) => ProviderState::Good,
        })
    }

    fn next(&self, rules: &DebitRules) -> Result<NextDebit, MoneyError> {
        let ProviderRecord { provider, account, .. } = *self;
        let Some(open) = account.open_debit else { return Ok(NextDebit::None) };
        let Some(debit) = self.debit.filter(|debit| debit.debit == open) else {
            return Ok(NextDebit::Unknown);
        };
        let at_s = debit.task.due_at_s;
        Ok(match debit.phase {
            Phase::Due => {
                let fixed = debit.terms.as_ref().map(|terms| terms.amount_fen);
                match (fixed, &provider.mandate) {
                    (Some(amount_fen), _) => NextDebit::Due { at_s, amount_fen },
                    (None, Some(mandate)) => {
                        account
                            .expected(mandate, rules, at_s)?
                            .map_or(NextDebit::None, |Expected { amount_fen, at_s }| {
                                NextDebit::Due { at_s, amount_fen }
                            })
                    }
                    (None, None) => NextDebit::None,
                }
            }
            Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Rechecking { .. } => NextDebit::Query { at_s },
            Phase::Held { .. } => NextDebit::Held,
            Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => NextDebit::None,
        })
    }
}
