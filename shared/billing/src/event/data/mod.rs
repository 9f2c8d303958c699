//! The content of each type of event.
//!
//! This file lists the types. Their contents are grouped by what they are about.

mod payments;
mod platform;
mod usage;

use serde::{Deserialize, Serialize};

pub use payments::{
    DebitDeclined, DebitGivenUp, DebitHeld, DebitPaid, DebitScheduled, DepositMoved,
    DepositRequired, MandateChanged, MandateEnded, MandateSuspended, MoneyFound, MoneyReversed,
    RechargeEnded, RefundEnded,
};
pub use platform::{
    BreakerClosed, BreakerOpened, EndpointDisabled, ReconciliationDone, SettlementFinished,
    SettlementLate,
};
pub use usage::{
    AdjustmentMade, AlertChanged, PriceAnnounced, PriceEffect, StandingChanged, StatementSettled,
    UnpricedApi, UsageRefused, UsageUnpriced,
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
