//! Every key and attribute name of the two tables, in one place.
//!
//! | table | `pk` | `sk` | item |
//! |---|---|---|---|
//! | usage | provider | `registration` | that the provider may be counted, and how |
//! | usage | provider | `counter#2015-05-17#00` | what was metered on a day: `api#…` the calls of an API, `amount#…` the yuan that went through them |
//! | usage | provider | `report#source#id` | the marker of a counted report, with its counts |
//! | billing | `shard#07` | `provider#account` | the account |
//! | billing | `shard#07` | `provider#provider` | the provider: plans and mandate |
//! | billing | `provider#…` | `statement#2015-05-17` | a statement |
//! | billing | `provider#…` | `entry#0000000042` | a journal entry |
//! | billing | `provider#…` | `debit#0000000042` | a debit; on the index `due` while it is open and not held |
//! | billing | `provider#…` | `recharge#reference` | that a recharge was booked |
//! | billing | `plans` | `name#2014-04-01` | a version of a plan |
//!
//! No id holds a `#`, so that keys can't be forged.

use sha2::{Digest, Sha256};
use steelyard_billing::{DebitId, ProviderId, ReportId, SourceId, StatementId};
use steelyard_pricing::{BillingDay, Plan};

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";

/// Counts how often an account or a debit was written; each write is conditional on it.
pub(crate) const VERSION: &str = "version";
/// When DynamoDB may delete a marker or a counter, in seconds of Unix time.
pub(crate) const EXPIRES_AT_S: &str = "expires_at_s";
/// Before the name of an API in a counter: its calls.
pub(crate) const API_PREFIX: &str = "api#";
/// Before the name of an API in a counter: what went through its calls, in yuan.
pub(crate) const AMOUNT_PREFIX: &str = "amount#";
/// A plan as it was written down, a text in JSON.
pub(crate) const DOCUMENT: &str = "document";

/// The index of open debits by the time of their next visit.
pub(crate) const DUE_INDEX: &str = "due";
pub(crate) const DUE_SHARD: &str = "due_shard";
pub(crate) const VISIT_AT_S: &str = "visit_at_s";

pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const COUNTER_PREFIX: &str = "counter#";
pub(crate) const REPORT_PREFIX: &str = "report#";
pub(crate) const STATEMENT_PREFIX: &str = "statement#";
pub(crate) const ENTRY_PREFIX: &str = "entry#";
pub(crate) const DEBIT_PREFIX: &str = "debit#";
pub(crate) const PLANS: &str = "plans";
/// Sorts before every id and name.
pub(crate) const KEY_BEGIN: &str = "!";
/// Sorts after everything that continues a key.
pub(crate) const KEY_END: &str = "~";

/// Over how many partitions providers and their accounts are spread.
///
/// A partition takes 1,000 write units a second, an account's write 2 to 4.
pub const REGISTRY_SHARDS: u8 = 16;

/// Over how many partitions of the index open debits are spread.
pub const DUE_SHARDS: u8 = 4;

/// A number below `shards` that depends on nothing but the text.
fn shard_of(text: &str, shards: u8) -> u8 {
    Sha256::digest(text).first().map_or(0, |byte| byte % shards.max(1))
}

/// The registry partition that a provider belongs to.
pub(crate) fn registry_shard(provider: &ProviderId) -> u8 {
    shard_of(provider.as_str(), REGISTRY_SHARDS)
}

pub(crate) fn registry_pk(shard: u8) -> String {
    format!("shard#{shard:02}")
}

pub(crate) fn account_sk(provider: &ProviderId) -> String {
    format!("{provider}#account")
}

pub(crate) fn provider_sk(provider: &ProviderId) -> String {
    format!("{provider}#provider")
}

pub(crate) fn provider_pk(provider: &ProviderId) -> String {
    format!("provider#{provider}")
}

pub(crate) fn counter_sk(day: BillingDay, source: &SourceId, shards: u8) -> String {
    format!("{}{:02}", counter_day(day), shard_of(source.as_str(), shards))
}

/// What all counters of a day begin with.
pub(crate) fn counter_day(day: BillingDay) -> String {
    format!("{COUNTER_PREFIX}{day}#")
}

pub(crate) fn report_sk(source: &SourceId, report: &ReportId) -> String {
    format!("{REPORT_PREFIX}{source}#{report}")
}

pub(crate) fn statement_sk(statement: StatementId) -> String {
    format!("{STATEMENT_PREFIX}{statement}")
}

pub(crate) fn entry_sk(number: u64) -> String {
    format!("{ENTRY_PREFIX}{number:010}")
}

pub(crate) fn debit_sk(debit: DebitId) -> String {
    format!("{DEBIT_PREFIX}{:010}", debit.0)
}

pub(crate) fn recharge_sk(reference: &str) -> String {
    format!("recharge#{reference}")
}

pub(crate) fn plan_sk(plan: &Plan) -> String {
    format!("{}#{}", plan.name(), plan.effective_from())
}

pub(crate) fn due_shard_key(shard: u8) -> String {
    format!("due#{shard:02}")
}

pub(crate) fn due_shard(provider: &ProviderId) -> String {
    due_shard_key(shard_of(provider.as_str(), DUE_SHARDS))
}
