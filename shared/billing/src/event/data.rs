//! What each type of event says.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{ApiName, BillingDay, BillingMonth, Fen, Name};

use super::Subject;
use crate::breaker::Trip;
use crate::mandate::EndReason;
use crate::webhook::DisabledBecause;
use crate::{
    AdjustmentId, AlertKind, DebitId, DeclineReason, DrawReason, EndpointName, GatewayCode,
    GiveUpReason, MandateId, Measure, OutRequestNo, OutTradeNo, Reason, RechargeId, RefundFrom,
    ReportId, SourceId, Stage, Standing, StatementId,
};

/// The type of an event, and what it says. Amounts are in fen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", content = "data")]
pub enum EventData {
    /// A day was settled.
    #[serde(rename = "statement.settled")]
    StatementSettled(StatementSettled),
    /// A statement has usage that no rate covers: it costs nothing, and the platform should know.
    #[serde(rename = "usage.unpriced")]
    UsageUnpriced(UsageUnpriced),
    /// Something was refused of a usage report that came by the queue. The rest is counted.
    #[serde(rename = "usage.refused")]
    UsageRefused(UsageRefused),
    /// A debit will be made.
    #[serde(rename = "debit.scheduled")]
    DebitScheduled(DebitScheduled),
    /// A debit took its money.
    #[serde(rename = "debit.paid")]
    DebitPaid(DebitPaid),
    /// A debit was declined on a day. It is tried again, or given up.
    #[serde(rename = "debit.declined")]
    DebitDeclined(DebitDeclined),
    /// A debit was given up: its amount is owed, and nothing was taken.
    #[serde(rename = "debit.given_up")]
    DebitGivenUp(DebitGivenUp),
    /// A debit waits for a person, since the gateway contradicts our books. What it asked for is
    /// neither taken nor owed anew until then.
    #[serde(rename = "debit.held")]
    DebitHeld(DebitHeld),
    /// A mandate was offered to be signed.
    #[serde(rename = "mandate.offered")]
    MandateOffered(MandateChanged),
    /// A mandate is in force: it was signed, or a suspension is over.
    #[serde(rename = "mandate.active")]
    MandateActive(MandateChanged),
    /// No debit is made under a mandate for now.
    #[serde(rename = "mandate.suspended")]
    MandateSuspended(MandateSuspended),
    /// A mandate is over.
    #[serde(rename = "mandate.ended")]
    MandateEnded(MandateEnded),
    /// A recharge was paid.
    #[serde(rename = "recharge.paid")]
    RechargePaid(RechargeEnded),
    /// A recharge was not paid in time.
    #[serde(rename = "recharge.lapsed")]
    RechargeLapsed(RechargeEnded),
    /// Money was given back.
    #[serde(rename = "refund.done")]
    RefundDone(RefundEnded),
    /// The gateway refused to give money back.
    #[serde(rename = "refund.refused")]
    RefundRefused(RefundEnded),
    /// The gateway gave money back that nobody of the platform asked it to give back. What it had
    /// paid is owed again.
    #[serde(rename = "payment.reversed")]
    PaymentReversed(MoneyReversed),
    /// A payment came to light for a debit that was thought dead. It is prepaid now.
    #[serde(rename = "payment.found")]
    PaymentFound(MoneyFound),
    /// A credit or debit note was made. A later statement books it.
    #[serde(rename = "adjustment.made")]
    AdjustmentMade(AdjustmentMade),
    /// The terms want a deposit, or a higher one, from a day on.
    #[serde(rename = "deposit.required")]
    DepositRequired(DepositRequired),
    /// Money was paid in as a deposit.
    #[serde(rename = "deposit.paid")]
    DepositPaid(DepositMoved),
    /// What was owed was paid from the deposit. It is to be topped up.
    #[serde(rename = "deposit.drawn")]
    DepositDrawn(DepositMoved),
    /// A deposit, or a part of it, was returned to its payer.
    #[serde(rename = "deposit.returned")]
    DepositReturned(DepositMoved),
    /// A figure crossed a line that its rules draw.
    #[serde(rename = "alert.triggered")]
    AlertTriggered(AlertChanged),
    /// An alert stands no more, or at a lower percentage.
    #[serde(rename = "alert.resolved")]
    AlertResolved(AlertChanged),
    /// So much of an allowance is used.
    #[serde(rename = "allowance.reached")]
    AllowanceReached(AlertChanged),
    /// The month costs as much as the provider wants it to: gateways have to refuse its calls.
    #[serde(rename = "cap.reached")]
    CapReached(AlertChanged),
    /// The provider is no longer cut off by its cap.
    #[serde(rename = "cap.lifted")]
    CapLifted(AlertChanged),
    /// A provider is at another stage, or its gateway has something else to do. The event goes to
    /// the provider and to the platform.
    #[serde(rename = "standing.changed")]
    StandingChanged(Box<StandingChanged>),
    /// A version of a plan that takes effect later was stored, or will hold for a provider.
    #[serde(rename = "price.announced")]
    PriceAnnounced(PriceAnnounced),
    /// A run over all providers has settled what it could.
    #[serde(rename = "settlement.finished")]
    SettlementFinished(SettlementFinished),
    /// The night's run over all providers had not ended by the morning.
    #[serde(rename = "settlement.late")]
    SettlementLate(SettlementLate),
    /// An endpoint of a webhook is disabled: it gets no events until an operator enables it. It is
    /// reported to the subject's other endpoints, and to the platform.
    #[serde(rename = "endpoint.disabled")]
    EndpointDisabled(EndpointDisabled),
    /// Debits are stopped.
    #[serde(rename = "breaker.opened")]
    BreakerOpened(BreakerOpened),
    /// Debits are made again.
    #[serde(rename = "breaker.closed")]
    BreakerClosed(BreakerClosed),
    /// The bill of a day agrees with the books.
    #[serde(rename = "reconciliation.done")]
    ReconciliationDone(ReconciliationDone),
    /// The bill of a day differs from the books.
    #[serde(rename = "reconciliation.differs")]
    ReconciliationDiffers(ReconciliationDone),
}

/// The content of `statement.settled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StatementSettled {
    /// The statement that was stored, by its day and supplement.
    pub statement: StatementId,
    /// The day that it settles.
    pub day: BillingDay,
    /// The charge in fen; negative for a credit.
    pub charge_fen: Fen,
    /// What of it the prepaid balance paid.
    pub from_prepaid_fen: Fen,
    /// What the month's statements charged for usage so far, this one included, without credit and
    /// debit notes.
    pub month_fen: Fen,
}

/// The content of `usage.unpriced`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageUnpriced {
    /// The statement that lists the usage.
    pub statement: StatementId,
    /// The APIs that no rate covers, with their new calls; the first [`UsageUnpriced::APIS_MAX`] by
    /// name.
    pub apis: Vec<UnpricedApi>,
    /// The number of such APIs, also of those that are not listed.
    pub count: u32,
}

/// An API that no rate covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnpricedApi {
    /// The name of the API, as it was reported.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub api: ApiName,
    /// Its new calls.
    pub calls: u64,
}

/// The content of `usage.refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageRefused {
    /// The source that sent the report.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub source: SourceId,
    /// The id that the source chose for the report.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub report: ReportId,
    /// How many of its records were refused.
    pub records: u32,
    /// For how many providers and days its id stood for other usage already.
    pub conflicts: u32,
    /// Why, each reason once; at most ten.
    pub reasons: Vec<String>,
}

/// The content of `debit.scheduled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitScheduled {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// When it will be made, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub due_at_s: Timestamp,
    /// The amount in fen, if nothing changes until then: what is owed, within the mandate's limits
    /// for one debit and for a day; 0 if that is too little for a debit. A recharge before it is
    /// due lowers it.
    pub expected_fen: Fen,
    /// What is owed in all and not being collected by another debit.
    pub owed_fen: Fen,
    /// The day on which the oldest of it was charged; none if nothing is owed by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed_since: Option<BillingDay>,
    /// The mandate under which it will be made; none if none is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<MandateId>,
}

/// The content of `debit.paid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitPaid {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount that it took, in fen.
    pub amount_fen: Fen,
    /// The first billing day whose charge it collected.
    pub from: BillingDay,
    /// The last billing day whose charge it collected.
    pub through: BillingDay,
    /// The mandate under which it was made.
    pub mandate: MandateId,
    /// The gateway's number of the trade.
    pub trade_no: String,
}

/// The content of `debit.declined`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitDeclined {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount that Alipay declined, in fen.
    pub amount_fen: Fen,
    /// The kind of decline, which decides about the next try.
    pub reason: DeclineReason,
    /// The gateway's code.
    pub code: GatewayCode,
    /// How many days' tries were declined so far, this one included.
    pub declines: u32,
    /// When it is tried again, in seconds of Unix time; none if it is given up.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "jiff::fmt::serde::timestamp::second::optional"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<i64>"))]
    pub tried_again_at_s: Option<Timestamp>,
}

/// The content of `debit.given_up`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitGivenUp {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount in fen; none if it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
    /// The reason for giving it up.
    pub why: GiveUpReason,
}

/// The content of `debit.held`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DebitHeld {
    /// The number of the debit among its provider's, from 1.
    pub debit: DebitId,
    /// The amount in fen; none if it was never sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_fen: Option<Fen>,
}

/// The content of `mandate.offered` and `mandate.active`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateChanged {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The most that one debit may take.
    pub single_limit_fen: Fen,
    /// The most that one day's debits may take, if that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_limit_fen: Option<Fen>,
}

/// The content of `mandate.suspended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateSuspended {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The debit that found the payer blocked or the agreement dead; none if the gateway says so by
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<DebitId>,
}

/// The content of `mandate.ended`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MandateEnded {
    /// The number of the mandate among its provider's, from 1.
    pub mandate: MandateId,
    /// The reason for its end.
    pub why: EndReason,
}

/// The content of `recharge.paid` and `recharge.lapsed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RechargeEnded {
    /// The recharge through Alipay; none if the money came by a bank transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recharge: Option<RechargeId>,
    /// The reference of the bank transfer; none if the money came through Alipay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<crate::Reference>,
    /// The amount of the recharge, in fen.
    pub amount_fen: Fen,
}

/// The content of `refund.done` and `refund.refused`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RefundEnded {
    /// The trade whose money it is.
    pub out_trade_no: OutTradeNo,
    /// The number of the refund.
    pub out_request_no: OutRequestNo,
    /// The amount that was to be given back, in fen.
    pub amount_fen: Fen,
    /// Where the money is taken from.
    pub from: RefundFrom,
    /// Why it was asked for.
    pub reason: Reason,
    /// The gateway's code, where it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<GatewayCode>,
}

/// The content of `payment.reversed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoneyReversed {
    /// The trade whose money was given back.
    pub out_trade_no: OutTradeNo,
    /// The gateway's number of it.
    pub out_request_no: OutRequestNo,
    /// The amount that Alipay gave back, in fen.
    pub amount_fen: Fen,
}

/// The content of `payment.found`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoneyFound {
    /// The debit that was thought unpaid.
    pub debit: DebitId,
    /// Which of its attempts was paid after all, from 1.
    pub attempt: u16,
    /// The gateway's number of the trade.
    pub trade_no: String,
    /// The amount that became prepaid balance, in fen.
    pub amount_fen: Fen,
}

/// The content of `adjustment.made`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdjustmentMade {
    /// The id of the credit or debit note.
    pub adjustment: AdjustmentId,
    /// The charge in fen; negative for a credit.
    pub amount_fen: Fen,
    /// The statement that it corrects.
    pub corrects: StatementId,
    /// The reason, in the author's words.
    pub reason: Reason,
}

/// The content of `deposit.required`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DepositRequired {
    /// The deposit that is demanded, in fen.
    pub amount_fen: Fen,
    /// The first day on which it is wanted.
    pub from: BillingDay,
    /// The last day on which it can be paid in time.
    pub due_on: BillingDay,
}

/// The content of `deposit.paid`, `deposit.drawn` and `deposit.returned`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DepositMoved {
    /// The amount that moved, in fen, always positive.
    pub amount_fen: Fen,
    /// Why it was drawn; none of a payment and a return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<DrawReason>,
    /// The reference of the bank transfer; none if the money moved through Alipay, or was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<crate::Reference>,
}

/// The content of `alert.triggered`, `alert.resolved`, `allowance.reached`, `cap.reached` and
/// `cap.lifted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AlertChanged {
    /// The kind of figure that crossed its line.
    pub kind: AlertKind,
    /// The rate whose allowance it is about; none for other kinds, and for the allowance of all
    /// rates together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// The percentages that were crossed at once, in rising order; 100 where a rule has no
    /// percentages.
    pub percent: Vec<u16>,
    /// The line of the last of them.
    pub line: Measure,
    /// What the figure was when the alert was triggered.
    pub figure: Measure,
    /// The last day whose usage was in the figure.
    pub day: BillingDay,
}

/// The content of `standing.changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StandingChanged {
    /// The stage before the change.
    pub before: Stage,
    /// The standing after it, as gateways get it.
    #[serde(flatten)]
    pub standing: Standing,
}

/// The content of `price.announced`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceAnnounced {
    /// The name of the plan that the provider is on.
    pub plan: Name,
    /// The day on which the version takes effect.
    pub effective_from: BillingDay,
    /// What the version would have changed for the provider; none for the platform, and where last
    /// month cannot be rated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<PriceEffect>,
}

/// What a version of a plan would have changed of the usage of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceEffect {
    /// The month: the last one that is over.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub month: BillingMonth,
    /// What its usage costs by the terms that held.
    pub now_fen: Fen,
    /// What it would have cost with the version in force on all its days.
    pub then_fen: Fen,
    /// The difference; negative if it would have cost less.
    pub change_fen: Fen,
}

/// The content of `settlement.finished`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettlementFinished {
    /// The number of the run, from 1.
    pub run: u64,
    /// When it began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub begun_at_s: Timestamp,
    /// How many providers it looked at.
    pub providers: u64,
    /// How many statements it made.
    pub statements: u64,
    /// The sum of their charges, in fen.
    pub charged_fen: Fen,
    /// How many providers could not be settled with their shard. Each is tried again alone.
    pub failed: u64,
    /// How many providers cannot be read.
    pub unreadable: u64,
}

/// The content of `settlement.late`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettlementLate {
    /// The number of the run, from 1.
    pub run: u64,
    /// When it began, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub begun_at_s: Timestamp,
}

/// The content of `endpoint.disabled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointDisabled {
    /// Whose events the endpoint gets.
    pub of: Subject,
    /// The name of the endpoint among its subject's.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub endpoint: EndpointName,
    /// The condition that disabled it.
    pub because: DisabledBecause,
    /// The number after which it missed events.
    pub missed_after: u64,
}

/// The content of `breaker.opened`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakerOpened {
    /// The trouble that opened it.
    pub why: Trip,
}

/// The content of `breaker.closed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BreakerClosed {
    /// Why a person closed it; none if a probe succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// The content of `reconciliation.done` and `reconciliation.differs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReconciliationDone {
    /// The day of the bill.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub day: Date,
    /// How many rows of the bill are about trades.
    pub rows: u32,
    /// How many of them agree with the books.
    pub matched: u32,
    /// How many rows cannot be read.
    pub unreadable_rows: u32,
    /// How many differences there are.
    pub findings: u32,
    /// Why an operator skipped the day; none if it was reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Reason>,
}

impl UsageUnpriced {
    /// The most APIs that one event names.
    pub const APIS_MAX: usize = 20;
}

impl EventData {
    /// The name of the type, such as `statement.settled`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            EventData::StatementSettled(_) => "statement.settled",
            EventData::UsageUnpriced(_) => "usage.unpriced",
            EventData::UsageRefused(_) => "usage.refused",
            EventData::DebitScheduled(_) => "debit.scheduled",
            EventData::DebitPaid(_) => "debit.paid",
            EventData::DebitDeclined(_) => "debit.declined",
            EventData::DebitGivenUp(_) => "debit.given_up",
            EventData::DebitHeld(_) => "debit.held",
            EventData::MandateOffered(_) => "mandate.offered",
            EventData::MandateActive(_) => "mandate.active",
            EventData::MandateSuspended(_) => "mandate.suspended",
            EventData::MandateEnded(_) => "mandate.ended",
            EventData::RechargePaid(_) => "recharge.paid",
            EventData::RechargeLapsed(_) => "recharge.lapsed",
            EventData::RefundDone(_) => "refund.done",
            EventData::RefundRefused(_) => "refund.refused",
            EventData::PaymentReversed(_) => "payment.reversed",
            EventData::PaymentFound(_) => "payment.found",
            EventData::AdjustmentMade(_) => "adjustment.made",
            EventData::DepositRequired(_) => "deposit.required",
            EventData::DepositPaid(_) => "deposit.paid",
            EventData::DepositDrawn(_) => "deposit.drawn",
            EventData::DepositReturned(_) => "deposit.returned",
            EventData::AlertTriggered(_) => "alert.triggered",
            EventData::AlertResolved(_) => "alert.resolved",
            EventData::AllowanceReached(_) => "allowance.reached",
            EventData::CapReached(_) => "cap.reached",
            EventData::CapLifted(_) => "cap.lifted",
            EventData::StandingChanged(_) => "standing.changed",
            EventData::PriceAnnounced(_) => "price.announced",
            EventData::SettlementFinished(_) => "settlement.finished",
            EventData::SettlementLate(_) => "settlement.late",
            EventData::EndpointDisabled(_) => "endpoint.disabled",
            EventData::BreakerOpened(_) => "breaker.opened",
            EventData::BreakerClosed(_) => "breaker.closed",
            EventData::ReconciliationDone(_) => "reconciliation.done",
            EventData::ReconciliationDiffers(_) => "reconciliation.differs",
        }
    }
}
