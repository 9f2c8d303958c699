//! The use cases. Each change of money or mandates is one function here: it loads records, lets
//! `steelyard-billing` decide, saves if nothing changed meanwhile, and decides again if something
//! did, through one combinator ([`change`]).
//!
//! Functions and commands call this crate. They speak to the gateway, log and answer; they decide
//! nothing about money, and handle no stale writes.

mod action;
mod adjust;
mod alerts;
mod bill;
mod bill_run;
mod breaker;
mod change;
mod correction;
mod correction_set;
mod counted;
mod debit;
mod deposit;
mod endpoint;
mod error;
mod events;
mod finding;
mod late_run;
mod mandate;
mod notice;
mod offer;
mod pay_in;
mod plan;
mod preview;
mod provider;
mod quote;
mod reconcile;
mod refund;
mod reversal;
mod rule;
mod settle;
mod settle_run;
mod standing;
mod tables;
mod trade;
mod usage;

use std::sync::{Arc, OnceLock};

use steelyard_billing::{DebitRules, ProviderId};
use steelyard_store::{BillingTable, ProviderAccount, Realms};

use change::change;

pub use action::ActError;
pub use adjust::Adjusted;
pub use alerts::WatchedNow;
pub use bill::{BillEffect, PlannedRows, RowsDone};
pub use bill_run::{DayEnd, PartStep, part_of};
pub use change::Decision;
pub use correction::Correction;
pub use counted::{Counted, Days};
pub use debit::Begun;
pub use endpoint::{EndpointError, Endpoints};
pub use error::BookError;
pub use late_run::NightRun;
pub use notice::{Noted, NoticeError};
pub use offer::{IdempotencyKey, OfferError, Offered};
pub use pay_in::PaidIn;
pub use plan::PlanAdded;
pub use preview::CorrectionEffects;
pub use quote::{Compared, QuoteOnTopError};
pub use reconcile::{DayError, UnreconciledDays};
pub use refund::RefundAsked;
pub use rule::RuleAdded;
pub use settle::{Census, RunTerms, SettleError, Settler};
pub use settle_run::{RunError, SettlePage, ShardWalk, WalkEnd};
pub use standing::LadderAdded;
pub use tables::Tables;
pub use trade::Applied;
pub use usage::{ComingStatement, GroupCharge, UsageBy, UsageGroup, UsageSums, WrittenOut};

const REALM: &str = "store the realm";

/// The books: providers' accounts and all records of their money, by the platform's rules.
#[derive(Clone, Debug)]
pub struct Books {
    /// The table that has all money and every record of it.
    pub billing: BillingTable,
    /// The platform's rules for debits.
    pub rules: DebitRules,
    /// The realms, once they are read.
    realms: Arc<OnceLock<Realms>>,
}

impl Books {
    /// The books in a table.
    #[must_use]
    pub fn new(billing: BillingTable, rules: DebitRules) -> Books {
        Books { billing, rules, realms: Arc::default() }
    }

    /// The realms of the deployment; read once. The first call makes one; a call over a restored
    /// copy of a table makes a new one.
    ///
    /// # Errors
    ///
    /// [`BookError::Store`] when the table fails.
    pub async fn realms(&self) -> Result<Realms, BookError> {
        if let Some(realms) = self.realms.get() {
            return Ok(realms.clone());
        }
        let realms = change(&self.billing, REALM, |_| async {
            let before = self.billing.realms().await?;
            match before {
                Some(realms) if !realms.is_copied => Ok(Decision::Keep(realms)),
                Some(_) | None => {
                    let mut writes = self.billing.writes(REALM);
                    let realms = writes.realm(before.as_ref())?;
                    Ok::<_, BookError>(Decision::Save(writes, realms))
                }
            }
        })
        .await?;
        Ok(self.realms.get_or_init(|| realms).clone())
    }

    /// A registered provider with its account.
    async fn account(&self, provider: &ProviderId) -> Result<ProviderAccount, BookError> {
        let unknown = || BookError::NoProvider(provider.clone());
        self.billing.account(provider).await?.ok_or_else(unknown)
    }
}
