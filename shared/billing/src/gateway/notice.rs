//! What the gateway tells without being asked.
//!
//! Notices come late, twice, and out of order. One is acted on only after it was verified that the
//! gateway sent it, and that it names our application, our account, a trade or an agreement of
//! ours, and the amount that we asked for.

use jiff::Timestamp;
use steelyard_pricing::Fen;

/// What a notification is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A trade changed its state, or was refunded.
    Trade(TradeNotice),
    /// An agreement was signed.
    AgreementSigned(AgreementSigned),
    /// An agreement was ended, by its payer or by us.
    AgreementEnded(AgreementEnded),
    /// Something else, which nothing of ours waits for.
    Other {
        /// What the gateway calls it; empty when it does not say.
        kind: String,
    },
}

/// A trade's state at the time of a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeNotice {
    /// Our number of the trade, as the gateway tells it. It may be of a trade that is not ours.
    pub out_trade_no: String,
    /// The gateway's number of the trade.
    pub trade_no: String,
    /// Whose account is paid.
    pub seller_id: String,
    /// What the trade is for. A refund does not change it.
    pub amount_fen: Fen,
    /// How far it is.
    pub state: TradeState,
    /// When something of it was given back, if it was.
    pub refunded_at: Option<Timestamp>,
    /// What was given back, if the notice is about a refund.
    pub refunded_fen: Option<Fen>,
    /// The number of that refund.
    pub out_request_no: Option<String>,
}

/// How far a trade is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradeState {
    /// It is not paid yet.
    Waiting,
    /// It is paid; it may be refunded, in part or more than once.
    Paid,
    /// It is paid and can't be refunded any more.
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
    /// When it was signed.
    pub signed_at: Timestamp,
    /// When it ends by itself. Nobody is notified of that.
    pub ends_at: Option<Timestamp>,
}

/// An agreement that was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementEnded {
    /// The gateway's number of the agreement.
    pub agreement_no: String,
    /// Our number, if it was offered with one.
    pub external_agreement_no: Option<String>,
    /// When it was ended.
    pub ended_at: Timestamp,
}
