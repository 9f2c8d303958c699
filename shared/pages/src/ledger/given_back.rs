//! What was given back: refunds by the platform, and reversals by Alipay.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Refund, RefundFrom, RefundPhase, Reversal, TradeOf};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

/// How a refund or a reversal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenBackState {
    /// It is under way, or not confirmed yet.
    UnderWay,
    /// The money was given back.
    Done,
    /// Alipay refused it: the money is where it was.
    Refused,
}

/// Money that the platform gives back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefundView {
    /// Our number of the payment that is given back.
    pub out_trade_no: String,
    /// The number of this giving back.
    pub out_request_no: String,
    /// The debit that took the payment, if one did.
    pub debit: Option<u64>,
    /// The recharge that was the payment, if one was.
    pub recharge: Option<u32>,
    /// Whether it is taken from the deposit that the recharge paid.
    pub is_from_deposit: bool,
    /// Whether it is taken from what is prepaid. If it is taken from neither, it is a gift: what
    /// was charged stays charged.
    pub is_from_prepaid: bool,
    /// The amount that is given back.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// When it was decided, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub asked_at_s: Timestamp,
    /// The state of the refund, for people.
    pub state: GivenBackState,
    /// Alipay's code, if Alipay refused it.
    pub code: Option<String>,
}

/// Money that Alipay gave back without the platform's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReversalView {
    /// Our number of the payment that was given back.
    pub out_trade_no: String,
    /// Alipay's number of this giving back.
    pub out_request_no: String,
    /// The debit that took the payment, if one did.
    pub debit: Option<u64>,
    /// The recharge that was the payment, if one was.
    pub recharge: Option<u32>,
    /// The amount; none before Alipay has confirmed it.
    #[schema(value_type = Option<i64>)]
    pub amount_fen: Option<Fen>,
    /// When it came to light, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub noticed_at_s: Timestamp,
    /// The state of the reversal, for people.
    pub state: GivenBackState,
}

impl RefundView {
    pub(crate) fn newest_first(refunds: &[Refund]) -> Vec<RefundView> {
        let mut views: Vec<_> = refunds.iter().map(RefundView::new).collect();
        views.sort_by_key(|view| Reverse(view.asked_at_s));
        views
    }

    fn new(refund: &Refund) -> RefundView {
        let (state, code) = match &refund.phase {
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. } => {
                (GivenBackState::UnderWay, None)
            }
            RefundPhase::Done => (GivenBackState::Done, None),
            RefundPhase::Refused { code, .. } => (GivenBackState::Refused, Some(code.0.clone())),
        };
        let (debit, recharge) = numbers(&refund.of);
        RefundView {
            out_trade_no: refund.out_trade_no.to_string(),
            out_request_no: refund.out_request_no.to_string(),
            debit,
            recharge,
            is_from_deposit: match refund.from {
                RefundFrom::Deposit => true,
                RefundFrom::Prepaid | RefundFrom::Goodwill => false,
            },
            is_from_prepaid: match refund.from {
                RefundFrom::Prepaid => true,
                RefundFrom::Goodwill | RefundFrom::Deposit => false,
            },
            amount_fen: refund.amount_fen,
            asked_at_s: refund.asked_at_s,
            state,
            code,
        }
    }
}

impl ReversalView {
    pub(crate) fn newest_first(reversals: &[Reversal]) -> Vec<ReversalView> {
        let mut views: Vec<_> = reversals.iter().map(ReversalView::new).collect();
        views.sort_by_key(|view| Reverse(view.noticed_at_s));
        views
    }

    fn new(reversal: &Reversal) -> ReversalView {
        let amount_fen = reversal.amount();
        let (debit, recharge) = numbers(&reversal.of);
        ReversalView {
            out_trade_no: reversal.out_trade_no.to_string(),
            out_request_no: reversal.out_request_no.to_string(),
            debit,
            recharge,
            amount_fen,
            noticed_at_s: reversal.noticed_at_s,
            state: match amount_fen {
                Some(_) => GivenBackState::Done,
                None => GivenBackState::UnderWay,
            },
        }
    }
}

/// The debit or the recharge that a trade was for.
fn numbers(of: &TradeOf) -> (Option<u64>, Option<u32>) {
    match of {
        TradeOf::Debit { debit, .. } => (Some(debit.0), None),
        TradeOf::Recharge(recharge) => (None, Some(recharge.0)),
    }
}
