//! The content of notifications.
//!
//! Notifications arrive late, twice and out of order. We act on one only after we verified that the
//! gateway sent it and that it names our application, our account, a trade or an agreement of ours,
//! and the amount of our request.

use jiff::Timestamp;
use steelyard_pricing::Fen;

/// The content of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A trade changed its state, or was refunded.
    Trade(TradeNotice),
    /// An agreement was signed.
    AgreementSigned(AgreementSigned),
    /// An agreement was ended, by its payer or by us.
    AgreementEnded(AgreementEnded),
    /// Another kind, which has no effect.
    Other {
        /// The gateway's name of the kind; empty when it gives none.
        kind: String,
    },
}

/// A trade's state at the time of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeNotice {
    /// The merchant's number of the trade. It may be of a trade that is not ours.
    pub out_trade_no: String,
    /// The gateway's number of the trade.
    pub trade_no: String,
    /// The account that is paid.
    pub seller_id: String,
    /// The amount of the trade. A refund does not change it.
    pub amount_fen: Fen,
    /// The state of the trade.
    pub state: TradeState,
    /// The time of the last refund, if there is one.
    pub refunded_at: Option<Timestamp>,
    /// The sum of all refunds, if the notice is about a refund.
    pub refunded_fen: Option<Fen>,
    /// The number of that refund.
    pub out_request_no: Option<String>,
}

/// The state of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeState {
    /// The payer has not paid yet, and still can.
    Waiting,
    /// It is paid; it may be refunded, in part or more than once.
    Paid,
    /// It is paid and can no longer be refunded.
    Finished,
    /// It was never paid, or it was refunded in full.
    Closed,
}

/// An agreement at the time it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementSigned {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// Our number, if it was offered with one.
    pub external_agreement_no: Option<String>,
    /// The time of the signature, as the gateway reports it.
    pub signed_at: Timestamp,
    /// When it ends by itself. The gateway sends no notification of that.
    pub ends_at: Option<Timestamp>,
    /// The payer's login, with letters left out by the gateway: `sho***@mail.example`.
    pub payer_login: Option<String>,
}

/// An agreement that was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementEnded {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// Our number, if it was offered with one.
    pub external_agreement_no: Option<String>,
    /// The time of the end, as the gateway reports it.
    pub ended_at: Timestamp,
}
