//! Every key and attribute name of the two tables, in one place.
//!
//! | table | `pk` | `sk` | item |
//! |---|---|---|---|
//! | usage | provider | `registration` | that the provider may be counted, and how |
//! | usage | provider | `counter#2015-05-17#00` | what was metered on a day: `api#…` the calls of an API, `amount#…` the yuan that went through them |
//! | usage | provider | `report#source#id` | the marker of a counted report, with its counts |
//! | billing | `shard#07` | `provider#account` | the account |
//! | billing | `shard#07` | `provider#provider` | the provider: plans, and the mandate in use |
//! | billing | `provider#…` | `statement#2015-05-17` | a statement |
//! | billing | `provider#…` | `entry#0000000042` | a journal entry |
//! | billing | `provider#…` | `transfer#reference` | that a payment from outside of Alipay was booked |
//! | billing | `provider#…` | `debit#0000000042` | a debit |
//! | billing | `provider#…` | `recharge#0000000007` | a recharge through Alipay |
//! | billing | `provider#…` | `refund#trade#request` | money that an operator gives back |
//! | billing | `provider#…` | `reversal#trade#request` | money that Alipay gave back though we did not ask |
//! | billing | `provider#…` | `mandate#0000000001` | a mandate, from its offer on |
//! | billing | `agreement#…` | `owner` | whose mandate an agreement at Alipay is |
//! | billing | `breaker` | `breaker` | whether debits are made at all |
//! | billing | `code#…` | `provider` | which provider the numbers with that code are of |
//! | billing | `unmatched` | `2015-05-18#trade` or `2015-05-18#trade#request` | what our books say Alipay moved and no bill has shown yet |
//! | billing | `reconciliation` | `2015-05-18` | what reconciling a day came to |
//! | billing | `plans` | `name#2014-04-01` | a version of a plan |
//!
//! Debits, mandates, recharges, refunds and reversals stand on the index `due` while there is something to do
//! with them.
//!
//! No id holds a `#`, so that keys can't be forged.

use sha2::{Digest, Sha256};
use steelyard_billing::{
    DebitId, MandateId, OutRequestNo, OutTradeNo, ProviderCode, ProviderId, RechargeId, RefundRef,
    ReportId, SourceId, StatementId, TaskId, Unmatched,
};
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

/// The index of what goes on by itself, by the time of its next visit.
pub(crate) const DUE_INDEX: &str = "due";
pub(crate) const DUE_SHARD: &str = "due_shard";
pub(crate) const DISPATCH_AT_S: &str = "dispatch_at_s";

pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const COUNTER_PREFIX: &str = "counter#";
pub(crate) const REPORT_PREFIX: &str = "report#";
pub(crate) const STATEMENT_PREFIX: &str = "statement#";
pub(crate) const ENTRY_PREFIX: &str = "entry#";
pub(crate) const DEBIT_PREFIX: &str = "debit#";
pub(crate) const RECHARGE_PREFIX: &str = "recharge#";
pub(crate) const REFUND_PREFIX: &str = "refund#";
pub(crate) const REVERSAL_PREFIX: &str = "reversal#";
pub(crate) const MANDATE_PREFIX: &str = "mandate#";
pub(crate) const OWNER: &str = "owner";
pub(crate) const BREAKER: &str = "breaker";
pub(crate) const PROVIDER: &str = "provider";
pub(crate) const UNMATCHED: &str = "unmatched";
pub(crate) const RECONCILIATION: &str = "reconciliation";
pub(crate) const PLANS: &str = "plans";
/// Sorts before every id and name.
pub(crate) const KEY_BEGIN: &str = "!";
/// Sorts after everything that continues a key.
pub(crate) const KEY_END: &str = "~";

/// Over how many partitions providers and their accounts are spread.
///
/// A partition takes 1,000 write units a second, an account's write 2 to 4.
pub const REGISTRY_SHARDS: u8 = 16;

/// Over how many partitions of the index what is due is spread.
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

pub(crate) fn transfer_sk(reference: &str) -> String {
    format!("transfer#{reference}")
}

/// The sort key of what is visited.
pub(crate) fn task_sk(visited: &TaskId) -> String {
    let refund = |prefix: &str, number: &RefundRef| {
        format!("{prefix}{}#{}", number.out_trade_no, number.out_request_no)
    };
    match visited {
        TaskId::Debit(debit) => format!("{DEBIT_PREFIX}{:010}", debit.0),
        TaskId::Recharge(recharge) => format!("{RECHARGE_PREFIX}{:010}", recharge.0),
        TaskId::Refund(number) => refund(REFUND_PREFIX, number),
        TaskId::Reversal(number) => refund(REVERSAL_PREFIX, number),
        TaskId::Mandate(mandate) => format!("{MANDATE_PREFIX}{:010}", mandate.0),
    }
}

/// What is visited under a sort key; none if it is the key of nothing that is visited.
pub(crate) fn visited(sk: &str) -> Option<TaskId> {
    let (kind, id) = sk.split_once('#')?;
    let refund = || -> Option<RefundRef> {
        let (trade, request) = id.split_once('#')?;
        Some(RefundRef {
            out_trade_no: OutTradeNo::parse(trade).ok()?,
            out_request_no: OutRequestNo::parse(request).ok()?,
        })
    };
    let visited = match kind {
        "debit" => TaskId::Debit(DebitId(id.parse().ok()?)),
        "recharge" => TaskId::Recharge(RechargeId(id.parse().ok()?)),
        "refund" => TaskId::Refund(refund()?),
        "reversal" => TaskId::Reversal(refund()?),
        "mandate" => TaskId::Mandate(MandateId(id.parse().ok()?)),
        _ => return None,
    };
    (task_sk(&visited) == sk).then_some(visited)
}

pub(crate) fn code_pk(code: &ProviderCode) -> String {
    format!("code#{code}")
}

pub(crate) fn agreement_pk(agreement_no: &str) -> String {
    format!("agreement#{agreement_no}")
}

pub(crate) fn unmatched_sk(of: &Unmatched) -> String {
    let (day, trade) = (of.booked_on, &of.out_trade_no);
    match &of.out_request_no {
        Some(request) => format!("{day}#{trade}#{request}"),
        None => format!("{day}#{trade}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_what_is_visited_tells_what_it_is() {
        let number = RefundRef {
            out_trade_no: OutTradeNo::parse("SY_1_R1").unwrap(),
            out_request_no: OutRequestNo::parse("F_1").unwrap(),
        };
        for of in [
            TaskId::Debit(DebitId(42)),
            TaskId::Recharge(RechargeId(7)),
            TaskId::Refund(number.clone()),
            TaskId::Reversal(number),
            TaskId::Mandate(MandateId(1)),
        ] {
            assert_eq!(visited(&task_sk(&of)), Some(of.clone()), "{of:?}");
        }
        for sk in
            ["", "debit", "debit#7", "debit#x", "entry#0000000001", "refund#a", "refund#a#b#c"]
        {
            assert_eq!(visited(sk), None, "{sk}");
        }
    }
}
