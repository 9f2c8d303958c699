//! Recharges: what to pay in, how it is paid, and what became of it.

mod form;
mod line;
mod page;
mod texts;

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Recharge, RechargeId, RechargePhase, RechargePurpose};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

pub use form::{
    AmountProblem, NoSuchWay, RechargeForm, RechargeProblem, RechargeRequest, Way, purpose_named,
};
pub(crate) use line::RechargeTable;
pub use page::{PayBy, PayNow, PayNowPage, RechargePage, RechargeResultPage};

use crate::Records;
use crate::deposit::{DepositView, DepositViewError};
use crate::ledger::Balance;

/// After how many seconds a page loads itself again while a result is open.
pub const REFRESH_S: u16 = 5;

/// Amounts that a recharge may be of, by a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Suggestions {
    /// What the next seven days are expected to cost beyond what is prepaid.
    #[schema(value_type = i64)]
    pub seven_days_fen: Fen,
    /// The same to the end of the month.
    #[schema(value_type = i64)]
    pub to_month_end_fen: Fen,
    /// What is owed and not being collected.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
}

/// What a provider has to know before it pays in, and what it paid in before.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Recharging {
    /// What the account has and owes.
    pub balance: Balance,
    /// The deposit; none if none is held or wanted.
    pub deposit: Option<DepositView>,
    /// Amounts to choose from; none without a forecast.
    pub suggestions: Option<Suggestions>,
    /// The smallest amount.
    #[schema(value_type = i64)]
    pub least_fen: Fen,
    /// The largest amount.
    #[schema(value_type = i64)]
    pub most_fen: Fen,
    /// Recharges, the newest first.
    pub recharges: Vec<RechargeItem>,
    /// Before which number the older ones are, if there are any.
    pub older_before: Option<u32>,
    /// How many records of the account cannot be read, and are missing here.
    pub unreadable: u64,
}

/// A recharge, as its provider sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RechargeItem {
    /// Its number among the provider's recharges, from 1.
    #[schema(value_type = u32)]
    pub recharge: RechargeId,
    /// The figure that it increases: `prepaid` or `deposit`.
    #[schema(value_type = String)]
    pub purpose: RechargePurpose,
    /// The amount to be paid.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// The state of the recharge, for people.
    pub state: RechargeState,
    /// When it was offered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub offered_at_s: Timestamp,
    /// When it lapses if nobody pays it, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub lapses_at_s: Timestamp,
    /// Our number of it at Alipay.
    pub out_trade_no: String,
    /// Alipay's number of the payment, if it is paid.
    pub trade_no: Option<String>,
}

/// The state of a recharge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RechargeState {
    /// It can be paid, and is not known to be.
    Open,
    /// Alipay took the amount, and the journal has it.
    Paid,
    /// It was not paid in time.
    Lapsed,
}

impl Recharging {
    /// What a provider has to know, with neighbouring recharges of its in any order.
    ///
    /// # Errors
    ///
    /// [`DepositViewError`] when an amount leaves its range, or the time is outside the calendar.
    pub fn new(
        records: &Records<'_>,
        recharges: &[Recharge],
        suggestions: Option<Suggestions>,
    ) -> Result<Recharging, DepositViewError> {
        let recharges = RechargeItem::newest_first(recharges);
        // The recharges of a provider are numbered from 1 without a gap.
        let older_before =
            recharges.last().map(|oldest| oldest.recharge.0).filter(|last| *last > 1);
        Ok(Recharging {
            balance: Balance::of(&records.account.figures)?,
            deposit: DepositView::of(records)?,
            suggestions,
            least_fen: Recharge::MIN,
            most_fen: Recharge::MAX,
            recharges,
            older_before,
            unreadable: 0,
        })
    }
}

impl RechargeItem {
    /// A recharge of the provider.
    #[must_use]
    pub fn new(recharge: &Recharge) -> RechargeItem {
        RechargeItem {
            recharge: recharge.recharge,
            purpose: recharge.purpose,
            amount_fen: recharge.amount_fen,
            state: match recharge.phase {
                RechargePhase::Offered => RechargeState::Open,
                RechargePhase::Paid { .. } => RechargeState::Paid,
                RechargePhase::Lapsed => RechargeState::Lapsed,
            },
            offered_at_s: recharge.offered_at_s,
            lapses_at_s: recharge.lapses_at(),
            out_trade_no: recharge.out_trade_no.to_string(),
            trade_no: recharge.payment().map(|payment| payment.trade_no),
        }
    }

    pub(crate) fn newest_first(recharges: &[Recharge]) -> Vec<RechargeItem> {
        let mut items: Vec<_> = recharges.iter().map(RechargeItem::new).collect();
        items.sort_by_key(|item| Reverse(item.recharge));
        items
    }

    /// After how many seconds its page loads itself again: while its result is open.
    #[must_use]
    pub fn refresh_s(&self) -> Option<u16> {
        match self.state {
            RechargeState::Open => Some(REFRESH_S),
            RechargeState::Paid | RechargeState::Lapsed => None,
        }
    }
}
