//! Every key and attribute name of the three tables, in one place.
//!
//! | table | `pk` | `sk` | item |
//! |---|---|---|---|
//! | usage | provider | `registration` | that the provider may be counted, and the months that are closed |
//! | usage | provider | `day#2015-05-17#source#id` | what a report says of a day: the counts, and the marker by which they count once |
//! | usage | provider | `day#2015-05-17#source#~08:05#00000` | reports of one record each about that minute of UTC, which came together |
//! | usage | `#access` | `source#…` or `caller#…` | who may report as the source, or call the other APIs |
//! | usage | provider | `late#2015-05` | how often usage of each day of the month changed after the day was over |
//! | usage | `#refused` | `source#id` | what was refused of a queued report |
//! | usage | `#logs#2015-05-17` | `digest#0000000000` | what was read of a log in S3, from a segment on |
//! | billing | `realm` | `realm` | the code of the deployment, which is part of every number |
//! | billing | `registry` | `registry` | the shards of the registry that have providers |
//! | billing | `shard#007` | `provider#account` | the account |
//! | billing | `shard#007` | `provider#provider` | the provider: plans, and the mandate in use |
//! | billing | `provider#…` | `statement#2015-05-17` | a statement |
//! | billing | `provider#…` | `statement#2015-05-17#007` | a part of what a large statement says of each API |
//! | billing | `provider#…` | `entry#0000000042` | a journal entry |
//! | billing | `provider#…` | `adjustment#id` | a credit or debit note for a closed month |
//! | billing | `provider#…` | `debit#0000000042` | a debit |
//! | billing | `provider#…` | `recharge#0000000007` | a recharge through Alipay |
//! | billing | `provider#…` | `refund#trade#request` | money that an operator gives back |
//! | billing | `provider#…` | `reversal#trade#request` | money that Alipay gave back without our request |
//! | billing | `provider#…` | `mandate#0000000001` | a mandate, from its offer on |
//! | billing | `provider#…` | `key#recharge#…` | the answer to a request with that `Idempotency-Key` |
//! | billing | `transfer#reference` | `transfer` | that a bank transfer was booked, for whom and what it paid |
//! | billing | `agreement#…` | `owner` | the mandate of an agreement at Alipay |
//! | billing | `code#…` | `provider` | the provider of the numbers with that code |
//! | billing | `breaker` | `breaker` | whether debits are made at all |
//! | billing | `runs` | `settlement#0000000042` | a settlement run: when it began, what it settles, and how it ended |
//! | billing | `run#0000000042` | `shard#007` | a shard of a settlement run, and how far it is |
//! | billing | `run#0000000042#007` | `failed#provider` | a provider that could not be settled with its shard |
//! | billing | `runs` | `reconciliation` | the first day whose bill is to be reconciled |
//! | billing | `unmatched#07` | `2015-05-18#trade` or `2015-05-18#trade#request` | what our books say Alipay moved and no bill has shown yet |
//! | billing | `reconciliation` | `2015-05-18` | the result of reconciling a day |
//! | billing | `reconciliation#2015-05-18` | `run` | a run over the bill of a day, until the day ends |
//! | billing | `reconciliation#2015-05-18` | `part#07` | a part of the run, and how far it is |
//! | billing | `reconciliation#2015-05-18` | `failure` | why the day could not be reconciled |
//! | billing | `findings` | `trade#` or `trade#request` | a difference between a bill and our books, until a person closes it |
//! | billing | `corrections` | name | a set of corrections, and how far it is |
//! | billing | `correction#name` | `part#00003` | a part of what the set holds |
//! | billing | `actions#2015-05` | time and id | an action that a person asked for in that month |
//! | billing | `action#id` | `action` | where the action of that name is |
//! | billing | `plans` | `name#2014-04-01` | a version of a plan |
//! | billing | `ladders` | `2014-04-01` | a version of the arrears ladder |
//! | billing | `rules` | `kong` | a rule of imports |
//! | billing | `link#…` | `link` | a link that opens a portal session, under the digest of its token; it expires |
//! | events | `provider#…` or `platform` | `event#0000000042` | something that happened to the provider, or to the platform; it expires |
//! | events | `provider#…` or `platform` | `numbering` | the number of the last event |
//! | events | `provider#…` or `platform` | `endpoint#name` | where the subject's events are sent, and how far |
//! | events | `dead` | `subject#name#0000000042` | an event that an endpoint did not take |
//! | events | `endpoints` | `subject#name` | that there is an endpoint of that name |
//! | events | `event#evt_…` | `event` | where the event of that name is; it expires |
//!
//! Every item has `format`, the version of what is stored inside its attributes.
//!
//! Debits, mandates, recharges, refunds and reversals stand on the index `due` while there is
//! something to do with them. So do endpoints, in the index of their table.
//!
//! No id holds a `#`, so that keys can't be forged.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use steelyard_billing::event::{EventId, Subject};
use steelyard_billing::webhook::EndpointRef;
use steelyard_billing::{
    ActionId, AdjustmentId, CorrectionId, DebitId, EndpointName, Grantee, MandateId, Minute,
    OutRequestNo, OutTradeNo, ProviderCode, ProviderId, RechargeId, Reference, RefundRef, ReportId,
    SourceId, StatementId, TaskId, Unmatched, hex,
};
use steelyard_pricing::{BillingDay, BillingMonth, Plan};

use crate::combined::CombinedAt;

/// The format of what is stored. A version of Steelyard refuses items of a newer one by name, and
/// never writes them. It grows with each change that an older version would do wrong:
///
/// - something changes inside of an attribute, since writes replace attributes whole;
/// - an attribute is added that every change has to keep true, or without which the record means
///   something else.
///
/// Other attributes may be added without a new format: writes keep those that they do not know.
///
/// 2: accounts hold a deposit, and note what debits gave up; a recharge may pay the deposit.
pub(crate) const FORMAT: u16 = 2;
pub(crate) const FORMAT_NAME: &str = "format";
/// Why an operator skips an item that cannot be read: it raises no more alarms.
pub(crate) const SKIPPED: &str = "skipped";

pub(crate) const PK: &str = "pk";
pub(crate) const SK: &str = "sk";

/// Counts how often an account, a debit or a cumulative report was written; each write is
/// conditional on it.
pub(crate) const VERSION: &str = "version";
/// When DynamoDB may delete a report or a session's link, in seconds of Unix time.
pub(crate) const EXPIRES_AT_S: &str = "expires_at_s";
/// The usage that a report metered, packed.
pub(crate) const METERED: &str = "metered";
/// When a report was taken in, or a cumulative one grew last, in seconds of Unix time.
pub(crate) const COUNTED_AT_S: &str = "counted_at_s";
/// The parts of a cumulative report, packed, in place of what was metered.
pub(crate) const CUMULATIVE: &str = "cumulative";
/// Reports of one record each that are stored together, packed.
pub(crate) const COMBINED: &str = "combined";
/// The withdrawals of reports that are stored together, by their ids.
pub(crate) const WITHDRAWALS: &str = "withdrawals";
/// What distinguishes the content of a report from others; of a cumulative report, how it counts.
pub(crate) const DIGEST: &str = "digest";
/// When a grant was stored, in seconds of Unix time.
pub(crate) const AT_S: &str = "at_s";
/// The author, time and reason of a report's withdrawal.
pub(crate) const WITHDRAWN: &str = "withdrawn";
/// What a statement says of each API, packed; of a large one it is in parts.
pub(crate) const DETAIL: &str = "detail";
/// In how many parts it is.
pub(crate) const DETAIL_PARTS: &str = "detail_parts";
/// What a set of corrections holds, JSON lines.
pub(crate) const CONTENT: &str = "content";
/// A plan or an arrears ladder as it was written down, a text in JSON.
pub(crate) const DOCUMENT: &str = "document";

/// The shards of the registry that have providers, a set of numbers.
pub(crate) const SHARDS: &str = "shards";

/// The index of records with work, by the time at which dispatch sends them next.
pub(crate) const DUE_INDEX: &str = "due";
pub(crate) const DUE_SHARD: &str = "due_shard";
pub(crate) const DISPATCH_AT_S: &str = "dispatch_at_s";

pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const DAY_PREFIX: &str = "day#";
/// Before the minute of reports that are stored together: no id of a report has it.
pub(crate) const MINUTE_PREFIX: &str = "~";
/// Sorts between the reports of days and the registration, so that one query reads all three.
pub(crate) const LATE_PREFIX: &str = "late#";
/// The partition of the grants: no provider has such an id.
pub(crate) const ACCESS: &str = "#access";
/// The partition of what was refused of queued reports.
pub(crate) const REFUSED: &str = "#refused";
/// The partitions of what was read of logs in S3, by the day of UTC on which S3 got them.
pub(crate) const LOGS_PREFIX: &str = "#logs#";
pub(crate) const SOURCE_PREFIX: &str = "source#";
pub(crate) const CALLER_PREFIX: &str = "caller#";
pub(crate) const STATEMENT_PREFIX: &str = "statement#";
pub(crate) const ENTRY_PREFIX: &str = "entry#";
pub(crate) const ADJUSTMENT_PREFIX: &str = "adjustment#";
pub(crate) const DEBIT_PREFIX: &str = "debit#";
pub(crate) const RECHARGE_PREFIX: &str = "recharge#";
pub(crate) const REFUND_PREFIX: &str = "refund#";
pub(crate) const REVERSAL_PREFIX: &str = "reversal#";
pub(crate) const MANDATE_PREFIX: &str = "mandate#";
pub(crate) const OWNER: &str = "owner";
pub(crate) const BREAKER: &str = "breaker";
pub(crate) const RUNS: &str = "runs";
pub(crate) const SETTLEMENT_PREFIX: &str = "settlement#";
pub(crate) const RUN_SHARD_PREFIX: &str = "shard#";
pub(crate) const RUN_FAILURE_PREFIX: &str = "failed#";
pub(crate) const REGISTRY: &str = "registry";
pub(crate) const PROVIDER: &str = "provider";
pub(crate) const UNMATCHED: &str = "unmatched";
pub(crate) const RECONCILIATION: &str = "reconciliation";
pub(crate) const FINDINGS: &str = "findings";
pub(crate) const BILL_RUN: &str = "run";
pub(crate) const BILL_PART_PREFIX: &str = "part#";
/// What distinguishes a run over a bill from others of its day.
pub(crate) const RUN_ID: &str = "id";
pub(crate) const DAY_FAILURE: &str = "failure";
pub(crate) const REALM: &str = "realm";
pub(crate) const TRANSFER: &str = "transfer";
pub(crate) const PLANS: &str = "plans";
pub(crate) const LADDERS: &str = "ladders";
pub(crate) const RULES: &str = "rules";
pub(crate) const CORRECTIONS: &str = "corrections";
pub(crate) const LINK: &str = "link";
pub(crate) const ACTION: &str = "action";
pub(crate) const PROVIDER_PREFIX: &str = "provider#";
pub(crate) const SHARD_PREFIX: &str = "shard#";
pub(crate) const ACCOUNT_SUFFIX: &str = "#account";
pub(crate) const PLATFORM: &str = "platform";
pub(crate) const EVENT: &str = "event";
pub(crate) const EVENT_PREFIX: &str = "event#";
pub(crate) const ENDPOINT_PREFIX: &str = "endpoint#";
/// The partition of the dead letters of all endpoints. It has no secret.
pub(crate) const DEAD: &str = "dead";
/// The partition of the names of all endpoints.
pub(crate) const ENDPOINTS: &str = "endpoints";
pub(crate) const NUMBERING: &str = "numbering";
/// Sorts before every id and name.
pub(crate) const KEY_BEGIN: &str = "!";
/// Sorts after everything that continues a key.
pub(crate) const KEY_END: &str = "~";

/// The shards of the registry: the partitions over which providers and their accounts are spread.
///
/// A partition takes 1,000 write units a second, an account's write 2 to 4.
pub const REGISTRY_SHARDS: RangeInclusive<u8> = 0..=u8::MAX;

/// Over how many partitions of the index what is due is spread.
///
/// A shard takes a 64th of the writes of due records, 1.6%. Of 50,000 providers the largest shard
/// has about 1.7%, so no key takes 2% of a night. A dispatch run that finds nothing costs a query
/// of half a read unit for each shard. A divisor of 256, so that no shard gets more hashes than
/// another.
pub const DUE_SHARDS: u8 = 64;

/// Over how many partitions of the index of the events table endpoints are spread. There are as
/// many as receivers, far fewer than due records.
pub const ENDPOINT_SHARDS: u8 = 8;

/// The number of parts of a day of bills, by a hash of the number of the trade. The movements that
/// a bill has to show are spread over as many partitions, and the rows of a bill are split
/// likewise, so that one part is reconciled without the others.
///
/// A partition takes 1,000 write units a second. A payment writes two to the partition of its
/// movement, and the bill that shows it one.
pub const BILL_PARTS: u8 = 16;

/// The first byte of the hash of a text.
fn first_byte(text: &str) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(text).into();
    first
}

/// The part of a day of bills to which the number of a trade belongs, below [`BILL_PARTS`].
#[must_use]
pub fn bill_part(trade: &str) -> u8 {
    first_byte(trade) % BILL_PARTS
}

/// The shard of the registry to which a provider belongs.
#[must_use]
pub fn registry_shard(provider: &ProviderId) -> u8 {
    first_byte(provider.as_str())
}

pub(crate) fn registry_pk(shard: u8) -> String {
    format!("{SHARD_PREFIX}{shard:03}")
}

/// The sort key of a settlement run.
pub(crate) fn settlement_sk(number: u64) -> String {
    format!("{SETTLEMENT_PREFIX}{number:010}")
}

/// The partition of the shards of a settlement run.
pub(crate) fn run_pk(number: u64) -> String {
    format!("run#{number:010}")
}

pub(crate) fn run_shard_sk(shard: u8) -> String {
    format!("{RUN_SHARD_PREFIX}{shard:03}")
}

/// The partition of the failures of a shard of a settlement run: on the worst night there are as
/// many as providers.
pub(crate) fn run_failures_pk(number: u64, shard: u8) -> String {
    format!("{}#{shard:03}", run_pk(number))
}

pub(crate) fn run_failure_sk(provider: &ProviderId) -> String {
    format!("{RUN_FAILURE_PREFIX}{provider}")
}

pub(crate) fn account_sk(provider: &ProviderId) -> String {
    format!("{provider}{ACCOUNT_SUFFIX}")
}

pub(crate) fn provider_sk(provider: &ProviderId) -> String {
    format!("{provider}#provider")
}

pub(crate) fn provider_pk(provider: &ProviderId) -> String {
    format!("{PROVIDER_PREFIX}{provider}")
}

/// The partition of the events of a subject.
pub(crate) fn subject_pk(subject: &Subject) -> String {
    match subject {
        Subject::Provider(provider) => provider_pk(provider),
        Subject::Platform => PLATFORM.to_owned(),
    }
}

/// The subject of a partition; none if it is of something else.
pub(crate) fn subject(pk: &str) -> Option<Subject> {
    match pk.strip_prefix(PROVIDER_PREFIX) {
        Some(provider) => provider.parse().ok().map(Subject::Provider),
        None => (pk == PLATFORM).then_some(Subject::Platform),
    }
}

pub(crate) fn endpoint_sk(endpoint: &EndpointName) -> String {
    format!("{ENDPOINT_PREFIX}{endpoint}")
}

/// The sort key of what names an endpoint among all.
pub(crate) fn endpoint_place_sk(of: &EndpointRef) -> String {
    format!("{}#{}", of.subject, of.endpoint)
}

/// The shard of the index of due endpoints to which one belongs, by its key.
pub(crate) fn endpoint_due_shard(pk: &str, sk: &str) -> String {
    due_shard_key(first_byte(&format!("{pk} {sk}")) % ENDPOINT_SHARDS)
}

/// What the sort keys of the dead letters of an endpoint begin with.
pub(crate) fn dead_prefix(of: &EndpointRef) -> String {
    format!("{}#", endpoint_place_sk(of))
}

pub(crate) fn dead_sk(of: &EndpointRef, sequence: u64) -> String {
    format!("{}{sequence:010}", dead_prefix(of))
}

pub(crate) fn event_sk(sequence: u64) -> String {
    format!("{EVENT_PREFIX}{sequence:010}")
}

/// The partition of what finds an event by its name.
pub(crate) fn event_pk(id: &EventId) -> String {
    format!("{EVENT_PREFIX}{id}")
}

pub(crate) fn report_sk(day: BillingDay, source: &SourceId, report: &ReportId) -> String {
    format!("{}{source}#{report}", reports_of(day))
}

/// What the items of a source's day begin with that have several reports each.
pub(crate) fn combined_of(day: BillingDay, source: &SourceId) -> String {
    format!("{}{source}#{MINUTE_PREFIX}", reports_of(day))
}

/// What those of a minute begin with.
pub(crate) fn minute_of(day: BillingDay, source: &SourceId, minute: Minute) -> String {
    format!("{}{minute}#", combined_of(day, source))
}

/// The sort key of one of them.
pub(crate) fn combined_sk(day: BillingDay, source: &SourceId, at: CombinedAt) -> String {
    format!("{}{:05}", minute_of(day, source, at.minute), at.place)
}

/// The sort key of the changes of a month's days after they were over.
pub(crate) fn late_sk(month: BillingMonth) -> String {
    format!("{LATE_PREFIX}{month}")
}

/// The attribute that counts the changes of a day of the month.
pub(crate) fn late_day(day: BillingDay) -> String {
    format!("d{:02}", day.day_of_month())
}

/// What all reports of a day begin with.
pub(crate) fn reports_of(day: BillingDay) -> String {
    format!("{DAY_PREFIX}{day}#")
}

pub(crate) fn statement_sk(statement: StatementId) -> String {
    format!("{STATEMENT_PREFIX}{statement}")
}

/// The sort key of a part of a statement's detail: it sorts right after the statement.
pub(crate) fn detail_sk(statement: StatementId, part: usize) -> String {
    format!("{}#{part:03}", statement_sk(statement))
}

pub(crate) fn entry_sk(number: u64) -> String {
    format!("{ENTRY_PREFIX}{number:010}")
}

/// The sort key of a grant.
#[must_use]
pub fn grant_sk(to: &Grantee) -> String {
    match to {
        Grantee::Source(source) => format!("{SOURCE_PREFIX}{source}"),
        Grantee::Caller(name) => format!("{CALLER_PREFIX}{name}"),
    }
}

/// What a grant is for, by its sort key; none if it names nothing.
pub(crate) fn grantee(sk: &str) -> Option<Grantee> {
    let source = || Some(Grantee::Source(sk.strip_prefix(SOURCE_PREFIX)?.parse().ok()?));
    let caller = || Some(Grantee::Caller(sk.strip_prefix(CALLER_PREFIX)?.parse().ok()?));
    source().or_else(caller)
}

pub(crate) fn adjustment_sk(adjustment: &AdjustmentId) -> String {
    format!("{ADJUSTMENT_PREFIX}{adjustment}")
}

pub(crate) fn transfer_pk(reference: &Reference) -> String {
    format!("{TRANSFER}#{reference}")
}

/// The sort key of the answer to a request with an `Idempotency-Key`. The key is any text that the
/// client chose, so its digest stands for it.
pub(crate) fn idempotency_sk(kind: &str, key: &str) -> String {
    format!("key#{kind}#{}", hex(&Sha256::digest(key), 32))
}

/// The sort key of a record with work.
pub(crate) fn task_sk(task: &TaskId) -> String {
    let refund = |prefix: &str, number: &RefundRef| {
        format!("{prefix}{}#{}", number.out_trade_no, number.out_request_no)
    };
    match task {
        TaskId::Debit(debit) => format!("{DEBIT_PREFIX}{:010}", debit.0),
        TaskId::Recharge(recharge) => format!("{RECHARGE_PREFIX}{:010}", recharge.0),
        TaskId::Refund(number) => refund(REFUND_PREFIX, number),
        TaskId::Reversal(number) => refund(REVERSAL_PREFIX, number),
        TaskId::Mandate(mandate) => format!("{MANDATE_PREFIX}{:010}", mandate.0),
    }
}

/// The record with work that a sort key names; none if it names none.
pub(crate) fn task(sk: &str) -> Option<TaskId> {
    let (kind, id) = sk.split_once('#')?;
    let refund = || -> Option<RefundRef> {
        let (trade, request) = id.split_once('#')?;
        Some(RefundRef {
            out_trade_no: OutTradeNo::parse(trade).ok()?,
            out_request_no: OutRequestNo::parse(request).ok()?,
        })
    };
    let task = match kind {
        "debit" => TaskId::Debit(DebitId(id.parse().ok()?)),
        "recharge" => TaskId::Recharge(RechargeId(id.parse().ok()?)),
        "refund" => TaskId::Refund(refund()?),
        "reversal" => TaskId::Reversal(refund()?),
        "mandate" => TaskId::Mandate(MandateId(id.parse().ok()?)),
        _ => return None,
    };
    (task_sk(&task) == sk).then_some(task)
}

pub(crate) fn code_pk(code: &ProviderCode) -> String {
    format!("code#{code}")
}

pub(crate) fn agreement_pk(agreement_no: &str) -> String {
    format!("agreement#{agreement_no}")
}

/// The sort key of a finding: one for each trade or refund, whatever differs.
pub(crate) fn finding_sk(trade: &str, request: Option<&str>) -> String {
    format!("{trade}#{}", request.unwrap_or_default())
}

/// The partition of the movements that a part of a bill has to show.
pub(crate) fn unmatched_pk(part: u8) -> String {
    format!("{UNMATCHED}#{part:02}")
}

pub(crate) fn unmatched_sk(of: &Unmatched) -> String {
    let (day, trade) = (of.booked_on, &of.out_trade_no);
    match &of.out_request_no {
        Some(request) => format!("{day}#{trade}#{request}"),
        None => format!("{day}#{trade}"),
    }
}

/// The partition of a run over the bill of a day.
pub(crate) fn bill_run_pk(day: Date) -> String {
    format!("{RECONCILIATION}#{day}")
}

pub(crate) fn bill_part_sk(part: u8) -> String {
    format!("{BILL_PART_PREFIX}{part:02}")
}

pub(crate) fn plan_sk(plan: &Plan) -> String {
    format!("{}#{}", plan.name(), plan.effective_from())
}

/// The partition of a link that opens a portal session.
pub(crate) fn session_link_pk(id: &str) -> String {
    format!("{LINK}#{id}")
}

/// The partition of what a set of corrections holds.
pub(crate) fn correction_pk(name: &CorrectionId) -> String {
    format!("correction#{name}")
}

pub(crate) fn correction_part_sk(part: u16) -> String {
    format!("part#{part:05}")
}

/// The partition of the actions that were asked for in a month.
pub(crate) fn actions_pk(month: BillingMonth) -> String {
    format!("actions#{month}")
}

/// The sort key of an action: the actions of a month are in the order in which they were asked for.
pub(crate) fn action_sk(asked_at: Timestamp, id: &ActionId) -> String {
    format!("{:012}#{id}", asked_at.as_second())
}

/// The partition of what finds an action by its name.
pub(crate) fn action_pk(id: &ActionId) -> String {
    format!("{ACTION}#{id}")
}

pub(crate) fn due_shard_key(shard: u8) -> String {
    format!("due#{shard:02}")
}

/// The shard of the index of due records for the providers of a shard of the registry.
pub(crate) fn due_shard_of(registry_shard: u8) -> u8 {
    registry_shard % DUE_SHARDS
}

pub(crate) fn due_shard(provider: &ProviderId) -> String {
    due_shard_key(due_shard_of(registry_shard(provider)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_record_with_work_names_it() {
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
            assert_eq!(task(&task_sk(&of)), Some(of.clone()), "{of:?}");
        }
        for sk in
            ["", "debit", "debit#7", "debit#x", "entry#0000000001", "refund#a", "refund#a#b#c"]
        {
            assert_eq!(task(sk), None, "{sk}");
        }
    }
}
