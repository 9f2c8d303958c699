//! What an audit reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_pricing::{BillingDay, UsageError};

use crate::{
    Account, Adjustment, AgreementOwner, CountedDays, DayCount, Debit, Entry, Mandate, Provider,
    ProviderId, Recharge, Refund, Registration, Reversal, Statement, TaskId, Unmatched,
    charged_days,
};

/// Everything that is stored of one provider.
#[derive(Clone, Debug)]
pub struct Books {
    /// The registration: plans, overrides and the mandate in use.
    pub provider: Provider,
    /// The account's figures, which are compared with the journal.
    pub account: Account,
    /// Its statements, in any order.
    pub statements: Vec<Statement>,
    /// Its journal entries, in the order of their numbers.
    pub journal: Vec<Entry>,
    /// Its adjustments, in any order.
    pub adjustments: Vec<Adjustment>,
    /// Its debits, in any order.
    pub debits: Vec<Debit>,
    /// Its mandates, in any order.
    pub mandates: Vec<Mandate>,
    /// Its recharges through Alipay, in any order.
    pub recharges: Vec<Recharge>,
    /// What was given back to it by our decision, in any order.
    pub refunds: Vec<Refund>,
    /// What Alipay gave back though we did not ask, in any order.
    pub reversals: Vec<Reversal>,
    /// The counted usage: its reports, summed by day.
    pub counted: BTreeMap<BillingDay, DayCount>,
    /// What ingest knows of it; none if it is not registered.
    pub registration: Option<Registration>,
    /// The provider that its code names; none if the code names nobody.
    pub code: Option<ProviderId>,
    /// The owners that are stored for the agreement numbers of its mandates, in any order.
    pub owners: Vec<AgreementOwner>,
    /// Its records that are in the due index, in any order.
    pub filed: Vec<Filed>,
    /// What its journal moved through Alipay and no bill has shown yet, in any order.
    pub unmatched: Vec<Unmatched>,
}

impl Books {
    /// What the statements charge of each day.
    ///
    /// # Errors
    ///
    /// [`UsageError`] when a sum leaves its range.
    pub fn rated_days(&self) -> Result<CountedDays, UsageError> {
        charged_days(&self.statements)
    }
}

/// The place of a record in the due index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filed {
    /// The task that stands in the index.
    pub task: TaskId,
    /// The time at which dispatch takes it up.
    pub dispatch_at: Timestamp,
    /// Whether it is in its provider's shard of the index.
    pub is_in_its_shard: bool,
}
