//! Every right that the template gives, each with its reason.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use steelyard_billing::TermsChangeError;
use steelyard_offers::RECHARGES_PATH;
use steelyard_pricing::Plan;
use steelyard_tests::{Platform, fen, keyed, reason, reference, rights, template};

/// Rights of one holder on one resource under the same conditions, and why it has them.
struct Explained {
    /// A role or a managed policy of the template.
    holder: &'static str,
    effect: &'static str,
    actions: &'static [&'static str],
    resource: &'static str,
    /// Each as its operator, its key and its values in order.
    conditions: &'static [&'static str],
    why: &'static str,
}

const fn allow(
    holder: &'static str,
    actions: &'static [&'static str],
    resource: &'static str,
    conditions: &'static [&'static str],
    why: &'static str,
) -> Explained {
    Explained { holder, effect: "Allow", actions, resource, conditions, why }
}

const fn deny(
    holder: &'static str,
    actions: &'static [&'static str],
    resource: &'static str,
    conditions: &'static [&'static str],
    why: &'static str,
) -> Explained {
    Explained { holder, effect: "Deny", actions, resource, conditions, why }
}

const ASSUME: &[&str] = &["sts:AssumeRole"];
const LAMBDA: &str = "lambda.amazonaws.com";
const LOG: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];
const TAKE: &[&str] = &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
const COUNT: &[&str] = &["sqs:GetQueueAttributes"];
const STREAM: &[&str] = &[
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
];
const SEND: &[&str] = &["sqs:SendMessage"];
const INVOKE: &[&str] = &["lambda:InvokeFunction"];
const READ_SECRET: &[&str] = &["secretsmanager:GetSecretValue"];
const BATCH_GET: &[&str] = &["dynamodb:BatchGetItem"];
const QUERY: &[&str] = &["dynamodb:Query"];
const PUT: &[&str] = &["dynamodb:PutItem"];
const UPDATE: &[&str] = &["dynamodb:UpdateItem"];
const DELETE: &[&str] = &["dynamodb:DeleteItem"];
const USAGE: &str = "UsageTable.Arn";
const BILLING: &str = "BillingTable.Arn";
const SECRET: &str = "AlipaySecretArn";

/// One entry for each statement and resource, in the order of the template.
#[rustfmt::skip]
const RIGHTS: &[Explained] = &[
    // IngestRole
    allow("IngestRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("IngestRole", LOG, "IngestLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("IngestRole", TAKE, "UsageQueue.Arn", &[], "The usage queue delivers reports."),
    allow("IngestRole", BATCH_GET, USAGE, &[], "A report is counted for registered providers only."),
    allow("IngestRole", QUERY, USAGE, &[], "The grants say who may report; a report of very many calls is compared with what its month has."),
    allow("IngestRole", QUERY, BILLING, &["ForAllValues:StringEquals dynamodb:LeadingKeys rules"], "The logs of gateways are read by the rules that are stored for them, and nothing else of the billing table is."),
    allow("IngestRole", PUT, USAGE, &["ForAllValues:StringEquals dynamodb:Attributes combined counted_at_s cumulative digest expires_at_s format metered pk sk version withdrawals"], "A report is added once for each provider and day that it names, and a cumulative one grows. A registration has other attributes."),
    allow("IngestRole", PUT, USAGE, &["ForAllValues:StringEquals dynamodb:LeadingKeys #refused"], "What was refused of a queued report is noted, so that it is told."),
    allow("IngestRole", UPDATE, USAGE, &["ForAllValues:StringEquals dynamodb:Attributes d01 d02 d03 d04 d05 d06 d07 d08 d09 d10 d11 d12 d13 d14 d15 d16 d17 d18 d19 d20 d21 d22 d23 d24 d25 d26 d27 d28 d29 d30 d31 expires_at_s format pk sk version withdrawals withdrawn"], "A report is withdrawn; and usage that changes after its day was over is noted, so that settlement reads the day again."),
    // LogsRole
    allow("LogsRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("LogsRole", LOG, "LogsLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("LogsRole", &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], "LogsQueue.Arn", &[], "S3 tells of logs by the queue, and a reading whose time is up sends itself what is left."),
    allow("LogsRole", BATCH_GET, USAGE, &[], "A log is counted for registered providers only."),
    allow("LogsRole", QUERY, USAGE, &[], "A cumulative report grows from what it has; what was read of a log before is not read again."),
    allow("LogsRole", QUERY, BILLING, &["ForAllValues:StringEquals dynamodb:LeadingKeys rules"], "Logs are read by the rules that are stored for them, and nothing else of the billing table is."),
    allow("LogsRole", PUT, USAGE, &["ForAllValues:StringEquals dynamodb:Attributes combined counted_at_s cumulative digest expires_at_s format metered pk sk version withdrawals"], "An hour of a log is a report, added once and grown. A registration has other attributes."),
    allow("LogsRole", PUT, USAGE, &["ForAllValues:StringLike dynamodb:LeadingKeys #logs#*"], "How far a log was read is noted, with what is not counted of it."),
    allow("LogsRole", UPDATE, USAGE, &["ForAllValues:StringEquals dynamodb:Attributes d01 d02 d03 d04 d05 d06 d07 d08 d09 d10 d11 d12 d13 d14 d15 d16 d17 d18 d19 d20 d21 d22 d23 d24 d25 d26 d27 d28 d29 d30 d31 expires_at_s format pk sk"], "Usage that changes after its day was over is noted, so that settlement reads the day again."),
    allow("LogsRole", &["s3:GetObject"], "Arns/*", &[], "Logs are read, of the buckets that the parameter names."),
    // SettleRole
    allow("SettleRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("SettleRole", LOG, "SettleLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("SettleRole", &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], "SettleQueue.Arn", &[], "A run sends itself one message for each shard, and takes it."),
    allow("SettleRole", SEND, "ScheduleDeadLetters.Arn", &[], "Lambda sends a run that failed each time to the dead-letter queue, by this role."),
    allow("SettleRole", QUERY, USAGE, &[], "A settlement rates what was counted."),
    allow("SettleRole", UPDATE, USAGE, &["ForAllValues:StringEquals dynamodb:Attributes closed pk sk"], "A closed month is noted in the registration before its last settlement."),
    allow("SettleRole", QUERY, BILLING, &[], "A settlement reads plans, providers, accounts and the last run."),
    allow("SettleRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys provider#* run#* runs"], "A settlement adds a statement, a journal entry and perhaps a debit; a run adds itself, its shards and its failures."),
    allow("SettleRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys run#* runs shard#*"], "A settlement charges the account, and a run notes how far it is and how it ended."),
    allow("SettleRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes booked_on booking format pk sk", "ForAllValues:StringLike dynamodb:LeadingKeys provider#*"], "A statement books the credit and debit notes that wait. What a note says is in no list."),
    deny("SettleRole", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes alert_rules billed_from charge_fen from_prepaid_fen lines overrides plans postings recorded_at_s"], "Journal entries and statements are written once; a provider's terms are an operator's decision."),
    // NightlyScheduleRole
    allow("NightlyScheduleRole", ASSUME, "scheduler.amazonaws.com", &["StringEquals aws:SourceAccount AWS::AccountId", "StringEquals aws:SourceArn arn:AWS::Partition:scheduler:AWS::Region:AWS::AccountId:schedule-group/default"], "Only schedules of this account and group start the function by this role."),
    allow("NightlyScheduleRole", INVOKE, "SettleFunction.Arn", &[], "The nightly schedule starts settle."),
    allow("NightlyScheduleRole", SEND, "ScheduleDeadLetters.Arn", &[], "A night that could not be started is reported to the dead-letter queue."),
    // DispatchRole
    allow("DispatchRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("DispatchRole", LOG, "DispatchLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("DispatchRole", QUERY, "BillingTable.Arn/index/due", &[], "The index names the tasks that are due."),
    allow("DispatchRole", QUERY, BILLING, &["ForAllValues:StringEquals dynamodb:LeadingKeys registry"], "The registry names the shards that have providers."),
    allow("DispatchRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes dispatch_at_s pk sk", "ForAllValues:StringLike dynamodb:LeadingKeys provider#*"], "A task that is sent is leased: its time of dispatch moves, and nothing else."),
    allow("DispatchRole", &["sqs:GetQueueAttributes", "sqs:SendMessage"], "DebitQueue.Arn", &[], "Due tasks go to the debit queue, no more than fit beside those that wait there."),
    allow("DispatchRole", QUERY, "EventsTable.Arn/index/due", &[], "The index names the endpoints to which something is to be sent."),
    allow("DispatchRole", UPDATE, "EventsTable.Arn", &["ForAllValues:StringEquals dynamodb:Attributes dispatch_at_s pk sk", "ForAllValues:StringLike dynamodb:LeadingKeys platform provider#*"], "An endpoint that is sent is leased too."),
    allow("DispatchRole", &["sqs:GetQueueAttributes", "sqs:SendMessage"], "WebhooksQueue.Arn", &[], "Due endpoints go to the webhooks queue, no more than fit beside those that wait there."),
    // EveryMinuteScheduleRole
    allow("EveryMinuteScheduleRole", ASSUME, "scheduler.amazonaws.com", &["StringEquals aws:SourceAccount AWS::AccountId", "StringEquals aws:SourceArn arn:AWS::Partition:scheduler:AWS::Region:AWS::AccountId:schedule-group/default"], "Only schedules of this account and group start the function by this role."),
    allow("EveryMinuteScheduleRole", INVOKE, "DispatchFunction.Arn", &[], "The schedule of every minute starts dispatch."),
    // DebitRole
    allow("DebitRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("DebitRole", LOG, "DebitLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("DebitRole", &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], "DebitQueue.Arn", &[], "The queue delivers tasks, and a task that is due within a minute is sent again."),
    allow("DebitRole", QUERY, BILLING, &[], "Each step of a task decides over the stored records."),
    allow("DebitRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys agreement#* breaker provider#* realm unmatched#*"], "A step adds journal entries, follow-up debits, owners of agreements, expected bill rows, the first breaker and the realm."),
    allow("DebitRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys breaker provider#* realm shard#*"], "A step changes tasks, accounts, the mandate in use and the breaker; a restored table gets another realm."),
    deny("DebitRole", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes billed_from charge_fen from_prepaid_fen lines overrides plans postings recorded_at_s"], "Journal entries and statements are written once; a provider's terms are an operator's decision."),
    allow("DebitRole", READ_SECRET, SECRET, &[], "Requests to Alipay are signed by the app's private key."),
    // OffersRole
    allow("OffersRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("OffersRole", LOG, "OffersLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("OffersRole", QUERY, USAGE, &["ForAllValues:StringEquals dynamodb:LeadingKeys #access"], "The grants say who may call the function."),
    allow("OffersRole", QUERY, BILLING, &[], "An offer depends on the provider, its account and its open offers."),
    allow("OffersRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys provider#* realm"], "A recharge, a mandate and an idempotency key are added; the first offer makes the realm."),
    allow("OffersRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys realm"], "The first offer over a restored table makes another realm."),
    allow("OffersRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes format mandates pk recharges sk version", "ForAllValues:StringLike dynamodb:LeadingKeys shard#*"], "The account counts offers. Its figures are in no list, so an offer moves no money."),
    allow("OffersRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes consent dispatch_at_s due_shard format pk sk version", "ForAllValues:StringLike dynamodb:LeadingKeys provider#*"], "A consent is noted with an offer that is open already. Nothing else of a mandate is in the list."),
    deny("OffersRole", PUT, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes charge_fen from_prepaid_fen lines postings recorded_at_s"], "An offer moves no money, so offers adds no journal entry and no statement."),
    allow("OffersRole", READ_SECRET, SECRET, &[], "Pages and links are signed by the app's private key."),

    // PortalRole
    allow("PortalRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("PortalRole", LOG, "PortalLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("PortalRole", QUERY, USAGE, &[], "Pages show what was counted since the last settlement, and the reports behind a bill."),
    allow("PortalRole", BATCH_GET, BILLING, &[], "Debits and mandates are read by one request for a hundred."),
    allow("PortalRole", QUERY, BILLING, &[], "Pages show the account, its bills and its ledger."),
    allow("PortalRole", QUERY, "EventsTable.Arn", &["ForAllValues:StringLike dynamodb:LeadingKeys dead"], "Operators see what webhooks did not take. The partition has no secret and no event."),
    allow("PortalRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys link#*"], "A link to a session is stored under the digest of its token."),
    allow("PortalRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys link#*"], "A link is opened once. Nothing else is written: no page moves money."),
    allow("PortalRole", INVOKE, "OffersFunction.Arn", &[], "Recharges and agreements are offered by the function that has Alipay's key."),
    allow("PortalRole", INVOKE, "ActionsFunction.Arn", &[], "An agreement is limited and ended by the function that records who asked."),
    allow("PortalRole", COUNT, "UsageDeadLetters.Arn", &[], "Operators see how many messages failed for good."),
    allow("PortalRole", COUNT, "SettleDeadLetters.Arn", &[], "Operators see how many messages failed for good."),
    allow("PortalRole", COUNT, "DebitDeadLetters.Arn", &[], "Operators see how many messages failed for good."),
    allow("PortalRole", COUNT, "ReconcileDeadLetters.Arn", &[], "Operators see how many messages failed for good."),
    allow("PortalRole", COUNT, "LogsDeadLetters.Arn", &[], "Operators see how many logs could not be read."),
    allow("PortalRole", COUNT, "ScheduleDeadLetters.Arn", &[], "Operators see how many runs failed for good."),
    allow("PortalRole", READ_SECRET, "PortalSecretArn", &[], "The cookies of sessions are signed by its keys."),
    // ActionsRole
    allow("ActionsRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("ActionsRole", LOG, "ActionsLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("ActionsRole", QUERY, BILLING, &[], "An action is decided over the records that it names."),
    allow("ActionsRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys action#* actions#* breaker provider#* transfer#*"], "An action is recorded under its month and its name; a changed mandate may open a debit; the first decision about the breaker adds it; a deposit is drawn and returned by journal entries, refunds and a bank transfer."),
    allow("ActionsRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys actions#* breaker findings provider#*"], "An action changes mandates, debits, adjustments, findings and the breaker, and its own record."),
    allow("ActionsRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes adjustments alert_rules alerts debits deposit entries figures format given_up_fen last_request mandate open_debit pk session_version sk stage_hold unpaid version", "ForAllValues:StringLike dynamodb:LeadingKeys shard#*"], "The account notes adjustments, sessions and a debit, what a deposit pays and returns, and the stage at which it is held; the provider notes its mandate in use. Terms are in no list, so an action changes none."),
    allow("ActionsRole", DELETE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys unmatched#*"], "A finding that is closed expects no bill to show its movement any more."),
    deny("ActionsRole", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes postings recorded_at_s"], "An entry of the journal is written once."),
    deny("ActionsRole", &["dynamodb:PutItem", "dynamodb:UpdateItem"], BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes charge_fen from_prepaid_fen lines"], "An action charges nothing, so it writes no statement."),
    // NotifyRole
    allow("NotifyRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("NotifyRole", LOG, "NotifyLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("NotifyRole", QUERY, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys agreement#* code#* provider#* shard#*"], "A notification is held against the records that its numbers name."),
    allow("NotifyRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys agreement#* provider#* unmatched#*"], "A payment adds a journal entry, an expected bill row and perhaps a debit; a signature adds the owner of the agreement; a refund adds a reversal."),
    allow("NotifyRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys provider#* shard#*"], "A payment changes its debit or recharge and the account; a signature changes the mandate and the provider's mandate in use."),
    deny("NotifyRole", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes billed_from charge_fen from_prepaid_fen lines overrides plans postings recorded_at_s"], "Journal entries and statements are written once; a provider's terms are an operator's decision."),
    // ReconcileRole
    allow("ReconcileRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("ReconcileRole", LOG, "ReconcileLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("ReconcileRole", SEND, "ScheduleDeadLetters.Arn", &[], "Lambda sends a run that failed each time to the dead-letter queue, by this role."),
    allow("ReconcileRole", &["s3:GetObject", "s3:PutObject"], "BillBucket.Arn/bills/*", &[], "The raw file of a bill is kept, and each part of it is read from there."),
    allow("ReconcileRole", &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"], "ReconcileQueue.Arn", &[], "A run sends itself a message for each part of a bill, and takes it."),
    allow("ReconcileRole", DELETE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys reconciliation#* unmatched#*"], "A movement that a bill has shown is expected no more; the parts of a run end with its day."),
    allow("ReconcileRole", QUERY, BILLING, &[], "The rows of a bill are held against the books."),
    allow("ReconcileRole", PUT, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys findings provider#* realm reconciliation reconciliation#* unmatched#*"], "Found payments are booked; findings and the results of days are stored; a run may make the realm."),
    allow("ReconcileRole", UPDATE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys findings provider#* realm reconciliation#* shard#*"], "Found payments change debits, recharges, refunds and accounts; a finding is noted again; a part of a run notes how far it is; a restored table gets another realm."),
    deny("ReconcileRole", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes billed_from charge_fen from_prepaid_fen lines overrides plans postings recorded_at_s"], "Journal entries and statements are written once; a provider's terms are an operator's decision."),
    allow("ReconcileRole", READ_SECRET, SECRET, &[], "The request for a bill is signed by the app's private key."),
    // MorningScheduleRole
    allow("MorningScheduleRole", ASSUME, "scheduler.amazonaws.com", &["StringEquals aws:SourceAccount AWS::AccountId", "StringEquals aws:SourceArn arn:AWS::Partition:scheduler:AWS::Region:AWS::AccountId:schedule-group/default"], "Only schedules of this account and group start the function by this role."),
    allow("MorningScheduleRole", INVOKE, "ReconcileFunction.Arn", &[], "The schedule of the morning starts reconcile."),
    allow("MorningScheduleRole", SEND, "ScheduleDeadLetters.Arn", &[], "A morning that could not be started is reported to the dead-letter queue."),
    // QuoteRole
    allow("QuoteRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("QuoteRole", LOG, "QuoteLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("QuoteRole", QUERY, BILLING, &[], "It reads plans, terms, the account and statements."),
    allow("QuoteRole", QUERY, USAGE, &[], "Live usage has the reports since the last statement, and the grants say who may call the function."),
    allow("QuoteRole", QUERY, "EventsTable.Arn", &["ForAllValues:StringEquals dynamodb:LeadingKeys platform"], "Gateways ask of which providers the standing changed."),
    // EventsRole
    allow("EventsRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("EventsRole", LOG, "EventsLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("EventsRole", &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], "BillingTable.StreamArn", &[], "The stream tells what changed in the books."),
    allow("EventsRole", &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], "EventsTable.StreamArn", &[], "The stream tells which endpoints are disabled."),
    allow("EventsRole", &["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], "UsageTable.StreamArn", &[], "The stream tells what was refused of queued reports."),
    allow("EventsRole", &["dynamodb:ListStreams"], "BillingTable.Arn/stream/*", &[], "Lambda looks for the stream by this role."),
    allow("EventsRole", &["dynamodb:ListStreams"], "EventsTable.Arn/stream/*", &[], "Lambda looks for the stream by this role."),
    allow("EventsRole", &["dynamodb:ListStreams"], "UsageTable.Arn/stream/*", &[], "Lambda looks for the stream by this role."),
    allow("EventsRole", SEND, "EventDeadLetters.Arn", &[], "Lambda sends there which records could not be told in time, by this role."),
    allow("EventsRole", QUERY, BILLING, &[], "What is owed when a debit is opened, and the APIs of a statement, are read from the books."),
    allow("EventsRole", QUERY, USAGE, &[], "What a price that is announced would have changed is rated from last month's usage; what was refused is read there."),
    allow("EventsRole", &["dynamodb:PutItem", "dynamodb:UpdateItem"], BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys realm"], "Events name the realm, which the first that needs it makes. Nothing else of the books is written."),
    allow("EventsRole", &["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], "EventsTable.Arn", &[], "An event is stored once, under the next number of its subject."),
    allow("EventsRole", &["events:PutEvents"], "arn:AWS::Partition:events:AWS::Region:AWS::AccountId:event-bus/EventBusName", &[], "Events are put on the bus."),
    // WatchRole
    allow("WatchRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("WatchRole", LOG, "WatchLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("WatchRole", STREAM, "UsageTable.StreamArn", &[], "The stream names the providers whose usage was just counted."),
    allow("WatchRole", QUERY, USAGE, &[], "Alerts are evaluated by the reports since the last statement."),
    allow("WatchRole", QUERY, BILLING, &[], "It reads plans, terms, the account and, for an unusual day, statements."),
    allow("WatchRole", UPDATE, BILLING, &["ForAllValues:StringEquals dynamodb:Attributes alerts format pk sk version", "ForAllValues:StringLike dynamodb:LeadingKeys shard#*"], "The account notes the alerts that stand. Its figures are in no list, so watch moves no money."),
    // WebhooksRole
    allow("WebhooksRole", ASSUME, LAMBDA, &[], "Lambda runs the function as this role."),
    allow("WebhooksRole", LOG, "WebhooksLogs.Arn", &[], "The function writes its log, to its own group."),
    allow("WebhooksRole", TAKE, "WebhooksQueue.Arn", &[], "Its messages name the endpoints to which something is to be sent."),
    allow("WebhooksRole", QUERY, "EventsTable.Arn", &[], "It reads the endpoint and the events to send."),
    allow("WebhooksRole", &["dynamodb:PutItem", "dynamodb:UpdateItem"], "EventsTable.Arn", &["ForAllValues:StringLike dynamodb:LeadingKeys dead platform provider#*"], "It notes what became of deliveries, and adds dead letters."),
    deny("WebhooksRole", &["dynamodb:PutItem", "dynamodb:UpdateItem"], "EventsTable.Arn", &["ForAnyValue:StringEquals dynamodb:Attributes document"], "What happened is never changed by what is delivered."),
    // OperatorPolicy
    allow("OperatorPolicy", QUERY, USAGE, &[], "Commands read everything; `items unreadable` reads the index too."),
    allow("OperatorPolicy", QUERY, BILLING, &[], "Commands read everything; `items unreadable` reads the index too."),
    allow("OperatorPolicy", QUERY, "BillingTable.Arn/index/due", &[], "Commands read everything; `items unreadable` reads the index too."),
    allow("OperatorPolicy", QUERY, "EventsTable.Arn", &[], "`events` lists what happened."),
    allow("OperatorPolicy", &["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], USAGE, &[], "`import` counts usage, `provider` registers, `settle` closes months, `source` and `caller` grant."),
    allow("OperatorPolicy", SEND, "LogsQueue.Arn", &[], "`logs again` has a log read again."),
    allow("OperatorPolicy", DELETE, USAGE, &["ForAllValues:StringEquals dynamodb:LeadingKeys #access"], "`source remove` and `caller remove` take a grant back."),
    allow("OperatorPolicy", &["dynamodb:PutItem", "dynamodb:UpdateItem"], BILLING, &[], "Plans, providers, transfers, refunds, mandates, the breaker, findings and settlements are written by commands."),
    allow("OperatorPolicy", &["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], "EventsTable.Arn", &[], "`webhooks` adds, changes and removes endpoints and their dead letters."),
    deny("OperatorPolicy", &["dynamodb:PutItem", "dynamodb:UpdateItem"], "EventsTable.Arn", &["ForAnyValue:StringEquals dynamodb:Attributes document"], "What happened is never changed by people either."),
    allow("OperatorPolicy", DELETE, BILLING, &["ForAllValues:StringLike dynamodb:LeadingKeys reconciliation#* unmatched#*"], "`reconcile close` and `skip` expect no bill to show a movement any more, and end a run over the day."),
    deny("OperatorPolicy", UPDATE, BILLING, &["ForAnyValue:StringEquals dynamodb:Attributes charge_fen from_prepaid_fen lines postings recorded_at_s"], "Journal entries and statements are written once, by people too."),
];

/// The rights of a template that the list does not explain, and the entries of the list that the
/// template does not give.
fn differences(template: &Value) -> Vec<String> {
    let given = match rights(template) {
        Ok(rights) => rights.iter().map(ToString::to_string).collect::<BTreeSet<_>>(),
        Err(unknown) => return vec![unknown],
    };
    let explained = RIGHTS.iter().flat_map(texts).collect::<BTreeSet<_>>();
    let unexplained = given.difference(&explained).map(|right| format!("not explained: {right}"));
    let gone = explained.difference(&given).map(|right| format!("not in the template: {right}"));
    unexplained.chain(gone).collect()
}

/// The rights of an entry, each as [`steelyard_tests::Right`] shows it.
fn texts(of: &Explained) -> impl Iterator<Item = String> {
    let Explained { holder, effect, actions, resource, conditions, .. } = of;
    let conditions: String =
        conditions.iter().map(|condition| format!(" if {condition}")).collect();
    let text =
        move |action: &&str| format!("{holder}: {effect} {action} on {resource}{conditions}");
    actions.iter().map(text)
}

#[test]
fn every_right_of_the_template_is_explained_and_every_explained_right_is_given() {
    let differences = differences(template());
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn every_explanation_is_a_sentence_and_no_right_is_explained_twice() {
    let mut seen = BTreeSet::new();
    for of in RIGHTS {
        assert!(of.why.len() > 20 && of.why.ends_with('.'), "{}: {}", of.holder, of.why);
        for right in texts(of) {
            assert!(seen.insert(right.clone()), "{right}");
        }
    }
}

/// The template after a change of one part of it.
fn changed(pointer: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut template = template().clone();
    change(template.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")));
    template
}

/// The pointer to all statements of a role.
fn statements(role: &str) -> String {
    format!("/Resources/{role}/Properties/Policies/0/PolicyDocument/Statement")
}

/// The pointer to the statement of a role by its `Sid`.
fn statement(role: &str, sid: &str) -> String {
    let all = statements(role);
    let mut of = template().pointer(&all).unwrap().as_array().unwrap().iter();
    let at = of.position(|statement| statement["Sid"] == sid);
    format!("{all}/{}", at.unwrap_or_else(|| panic!("no {sid} of {role}")))
}

/// Checks that each template is found to differ from the list.
fn check_found(planted: impl IntoIterator<Item = (&'static str, Value)>) {
    for (told, template) in planted {
        assert!(!differences(&template).is_empty(), "{told}");
    }
}

#[test]
fn a_right_that_a_statement_gains_or_loses_is_found() {
    let lease = statement("DispatchRole", "Lease");
    let read = statement("QuoteRole", "ReadTermsAndStatements");
    let secret = json!({ "Effect": "Allow", "Action": "secretsmanager:GetSecretValue",
        "Resource": { "Ref": "AlipaySecretArn" } });
    check_found([
        (
            "an action",
            changed(&read, |of| of["Action"] = json!(["dynamodb:Query", "dynamodb:Scan"])),
        ),
        ("a wildcard", changed(&read, |of| of["Action"] = json!("dynamodb:*"))),
        ("a resource", changed(&read, |of| of["Resource"] = json!("*"))),
        (
            "no condition",
            changed(&lease, |of| {
                of.as_object_mut().unwrap().remove("Condition");
            }),
        ),
        (
            "a wider condition",
            changed(&lease, |of| {
                of["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"] =
                    json!(["pk", "sk", "dispatch_at_s", "figures"]);
            }),
        ),
        ("NotAction", changed(&read, |of| of["NotAction"] = json!("dynamodb:Scan"))),
        (
            "a statement",
            changed(&statements("NotifyRole"), |of| of.as_array_mut().unwrap().push(secret)),
        ),
        (
            "no statement",
            changed(&statements("QuoteRole"), |of| drop(of.as_array_mut().unwrap().pop())),
        ),
        (
            "no denial",
            changed(&statements("NotifyRole"), |of| {
                of.as_array_mut().unwrap().retain(|statement| statement["Effect"] != "Deny");
            }),
        ),
    ]);
}

#[test]
fn a_right_that_another_part_of_a_template_gives_is_found() {
    let other_role = json!({ "Type": "AWS::IAM::ManagedPolicy", "Properties": { "PolicyDocument": {
        "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] } } });
    let other_form = json!({ "Type": "AWS::IAM::Policy", "Properties": {} });
    let another = |resource| changed("/Resources", |resources| resources["Another"] = resource);
    check_found([
        (
            "a managed policy of AWS",
            changed("/Resources/QuoteRole/Properties", |of| {
                of["ManagedPolicyArns"] = json!(["arn:aws:iam::aws:policy/AdministratorAccess"]);
            }),
        ),
        (
            "another service",
            changed("/Resources/QuoteRole/Properties/AssumeRolePolicyDocument/Statement/0", |of| {
                of["Principal"] = json!({ "AWS": "*" });
            }),
        ),
        (
            "policies of a function",
            changed("/Resources/QuoteFunction/Properties", |of| {
                of["Policies"] = json!(["AmazonDynamoDBFullAccess"]);
            }),
        ),
        (
            "another's role",
            changed("/Resources/NotifyFunction/Properties", |of| {
                of["Role"] = json!({ "Fn::GetAtt": "DebitRole.Arn" });
            }),
        ),
        ("another policy", another(other_role)),
        ("a policy of another form", another(other_form)),
    ]);
}

/// A fen a call.
const PLAN: &str = r#"{ "plan": "later", "effective_from": "2015-05-03", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }] }"#;

/// A function tried something that its role does not allow: it failed, changed nothing, and was
/// refused for the want of this right.
async fn check_refused(platform: &Platform, before: &str, failed: bool, lacking: &str) {
    assert!(failed, "{lacking}");
    let refused = platform.take_refused();
    assert!(refused.iter().any(|access| access.starts_with(lacking)), "{lacking}: {refused:#?}");
    assert_eq!(platform.records().await, before, "{lacking}");
}

#[tokio::test]
async fn a_function_is_refused_what_its_role_does_not_allow() {
    let platform = Platform::open().await;
    platform.join("a").await;
    let before = platform.records().await;
    let (id, now) = ("a".parse().unwrap(), platform.stack.clock.now());
    for (function, lacking) in [
        (
            "offers",
            "OffersRole: dynamodb:PutItem on BillingTable.Arn, dynamodb:Attributes {\"cause\"",
        ),
        (
            "offers",
            "OffersRole: dynamodb:UpdateItem on BillingTable.Arn, dynamodb:Attributes {\"entries\", \"figures\"",
        ),
        (
            "notify",
            "NotifyRole: dynamodb:Query on BillingTable.Arn, dynamodb:LeadingKeys {\"transfer#transfer-1\"}",
        ),
        ("dispatch", "DispatchRole: dynamodb:Query on BillingTable.Arn,"),
        ("ingest", "IngestRole: dynamodb:Query on BillingTable.Arn,"),
        ("quote", "QuoteRole: dynamodb:PutItem on BillingTable.Arn,"),
    ] {
        let paid =
            platform.books_as(function).pay_in(&id, fen(100), &reference("transfer-1"), now).await;
        check_refused(&platform, &before, paid.is_err(), lacking).await;
    }
    let plan = Plan::read(PLAN).unwrap();
    for (function, lacking) in [
        (
            "settle",
            "SettleRole: dynamodb:PutItem on BillingTable.Arn, dynamodb:Attributes {\"document\"",
        ),
        (
            "notify",
            "NotifyRole: dynamodb:Query on BillingTable.Arn, dynamodb:LeadingKeys {\"plans\"}",
        ),
    ] {
        let added = platform.books_as(function).add_plan(&plan, platform.today()).await;
        check_refused(&platform, &before, added.is_err(), lacking).await;
    }
    // What nothing allows is refused, and so is what is denied although something allows it.
    let later = |provider: &mut steelyard_billing::Provider, _| -> Result<(), TermsChangeError> {
        provider.billed_from = "2015-05".parse().unwrap();
        Ok(())
    };
    let changed = platform.books_as("debit").change_provider(&id, later).await;
    let lacking =
        "DebitRole: dynamodb:UpdateItem on BillingTable.Arn, dynamodb:Attributes {\"billed_from\"";
    check_refused(&platform, &before, changed.is_err(), lacking).await;
    let stop =
        |breaker: &steelyard_billing::breaker::Breaker| breaker.stopped(reason("a test"), now);
    let stopped = platform.books_as("reconcile").decide_breaker(stop).await;
    let lacking =
        "ReconcileRole: dynamodb:PutItem on BillingTable.Arn, dynamodb:Attributes {\"breaker\"";
    check_refused(&platform, &before, stopped.is_err(), lacking).await;
    // The same by an operator is done.
    platform.recharge("a", 100, "transfer-1").await;
    assert_eq!(platform.account("a").await, [100, 0, 0]);
}

#[tokio::test]
async fn a_function_invokes_another_only_if_its_role_allows_it() {
    let platform = Platform::open().await;
    platform.join("a").await;
    let before = platform.records().await;
    let event = keyed(RECHARGES_PATH, &json!({ "provider": "a", "amount": "5.00" }), "cart-1");
    let invoked = platform.callee_as("quote", "steelyard-offers").invoke(&event).await;
    let lacking = "QuoteRole: lambda:InvokeFunction on OffersFunction.Arn";
    check_refused(&platform, &before, invoked.is_err(), lacking).await;
    // The same by an operator is done.
    let invoked = platform.callee_as("local", "steelyard-offers").invoke(&event).await;
    assert_eq!(invoked.unwrap()["statusCode"], 201);
}

#[tokio::test]
#[should_panic(expected = "no right of the template allows")]
async fn a_test_fails_when_a_function_went_beyond_its_rights() {
    let platform = Platform::open().await;
    platform.join("a").await;
    let (id, now) = ("a".parse().unwrap(), platform.stack.clock.now());
    platform
        .books_as("quote")
        .pay_in(&id, fen(100), &reference("transfer-1"), now)
        .await
        .unwrap_err();
}
