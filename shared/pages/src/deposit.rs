//! The deposit, as views show it.

use serde::Serialize;
use steelyard_billing::{CalendarError, DepositDemand, DepositState};
use steelyard_pricing::{BillingDay, Fen, MoneyError};
use thiserror::Error;
use utoipa::ToSchema;

use crate::Records;

/// A provider's deposit today. It pays no bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DepositView {
    /// The deposit that the account holds.
    #[schema(value_type = i64)]
    pub held_fen: Fen,
    /// The deposit that the terms demand.
    #[schema(value_type = i64)]
    pub required_fen: Fen,
    /// The part of it that is missing.
    #[schema(value_type = i64)]
    pub missing_fen: Fen,
    /// The last day on which what is missing can be paid in time; none if nothing is.
    #[schema(value_type = Option<String>)]
    pub due_on: Option<BillingDay>,
    /// Whether that day is over.
    pub is_overdue: bool,
    /// The next higher amount that was announced.
    pub next: Option<DepositToCome>,
}

/// An amount that is to be held from a later day on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DepositToCome {
    /// The first day on which the amount is to be held.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The deposit that is then to be held.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// The last day on which it can be paid in time.
    #[schema(value_type = String)]
    pub due_on: BillingDay,
}

/// Why a deposit cannot be shown.
#[derive(Debug, Error)]
pub enum DepositViewError {
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// An amount leaves its range.
    #[error("cannot compute the deposit")]
    Money(#[from] MoneyError),
}

impl DepositView {
    /// The deposit of a provider; none if none is held and none was announced.
    ///
    /// # Errors
    ///
    /// [`DepositViewError`] when the time or an amount is out of range.
    pub fn of(records: &Records<'_>) -> Result<Option<DepositView>, DepositViewError> {
        let account = records.account;
        let held = account.figures.deposit();
        let state = account.deposit.state(held, records.today()?)?;
        let is_told = !held.is_zero() || !state.required_fen.is_zero() || state.next.is_some();
        Ok(is_told.then(|| DepositView::from(state)))
    }
}

impl From<DepositState> for DepositView {
    fn from(state: DepositState) -> DepositView {
        let to_come = |next: DepositDemand| DepositToCome {
            from: next.from,
            amount_fen: next.amount_fen,
            due_on: next.due_on,
        };
        DepositView {
            held_fen: state.held_fen,
            required_fen: state.required_fen,
            missing_fen: state.shortfall_fen,
            due_on: state.due_on,
            is_overdue: state.is_overdue,
            next: state.next.map(to_come),
        }
    }
}
