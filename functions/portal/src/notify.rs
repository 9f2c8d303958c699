//! What Alipay notifies: verified, checked against the books, and booked before it is confirmed.

use steelyard_alipay::NotificationError;
use steelyard_billing::{
    Debit, Notice, OutRequestNo, OutTradeNo, Payment, ProviderId, Recharge, Refund, RefundRef,
    Reversal, TradeNotice, TradeNumber, TradeOf, TradeState,
};
use steelyard_pricing::Fen;
use steelyard_store::{Booked, BookingError, CommitError, StoreError};
use thiserror::Error;

use crate::Portal;

/// What came of a notification that was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The books changed by it.
    Booked,
    /// It told nothing new: a repetition, an old state, or something that nothing of ours waits for.
    Nothing,
}

/// Why a notification is not confirmed. Nothing changed by it.
#[derive(Debug, Error)]
pub enum Refused {
    /// It is not Alipay's, not for us, or not understood.
    #[error(transparent)]
    Notification(#[from] NotificationError),
    /// It is about another account than ours.
    #[error("the notification is about another seller")]
    OtherSeller,
    /// It is about a trade or an agreement that is not ours.
    #[error("the notification is about nothing of ours")]
    NotOurs,
    /// It names another amount than ours.
    #[error("the notification names ¥{theirs}, and our trade is of ¥{ours}")]
    OtherAmount {
        /// What it names.
        theirs: Fen,
        /// What we asked for.
        ours: Fen,
    },
    /// It contradicts the books.
    #[error("the notification contradicts the books")]
    Contradicts,
}

/// Why a notification came to nothing.
#[derive(Debug, Error)]
pub(crate) enum NotifyError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot book what the notification tells")]
    Booking(#[from] BookingError),
}

impl From<NotificationError> for NotifyError {
    fn from(error: NotificationError) -> NotifyError {
        Refused::Notification(error).into()
    }
}

impl Portal {
    /// Reads a notification, and books what it tells.
    pub(crate) async fn notified(&self, form: &[u8]) -> Result<Noted, NotifyError> {
        let notification = self.alipay.notification(form)?;
        match notification.notice() {
            Notice::Trade(trade) => self.trade(trade).await,
            Notice::AgreementSigned(signed) => self.signed(signed).await,
            Notice::AgreementEnded(ended) => self.ended(ended).await,
            Notice::Other { kind } => {
                tracing::info!(kind, "a notification that nothing waits for");
                Ok(Noted::Nothing)
            }
        }
    }

    async fn trade(&self, notice: &TradeNotice) -> Result<Noted, NotifyError> {
        if notice.seller_id != self.config.seller_id {
            return Err(Refused::OtherSeller.into());
        }
        let trade = TradeNumber::parse(&notice.out_trade_no).ok_or(Refused::NotOurs)?;
        let provider = self.billing.provider_of(&trade.provider).await?.ok_or(Refused::NotOurs)?;
        let ours = self.amount(&provider, trade.of).await?.ok_or(Refused::NotOurs)?;
        if notice.amount_fen != ours {
            return Err(Refused::OtherAmount { theirs: notice.amount_fen, ours }.into());
        }
        let was_refunded = was_refunded(notice);
        let paid = match notice.state {
            TradeState::Paid | TradeState::Finished => self.paid(&trade, notice).await?,
            // A trade that is refunded in full is closed, and was paid.
            TradeState::Closed if was_refunded => self.paid(&trade, notice).await?,
            // What was never paid is found out by queries, in good time.
            TradeState::Closed | TradeState::Waiting => return Ok(Noted::Nothing),
        };
        let given_back = if was_refunded {
            self.given_back(&provider, trade.of, notice).await?
        } else {
            Noted::Nothing
        };
        Ok(if given_back == Noted::Nothing { paid } else { given_back })
    }

    /// What we asked for by a trade, if it is one of ours.
    async fn amount(&self, provider: &ProviderId, of: TradeOf) -> Result<Option<Fen>, StoreError> {
        Ok(match of {
            TradeOf::Debit { debit, attempt } => {
                let debit: Option<Debit> = self.billing.find(provider, &debit).await?;
                let debit = debit.filter(|debit| (1..=debit.attempt).contains(&attempt));
                debit.map(|debit| debit.amount_fen)
            }
            TradeOf::Recharge(recharge) => {
                let recharge: Option<Recharge> = self.billing.find(provider, &recharge).await?;
                recharge.map(|recharge| recharge.amount_fen)
            }
        })
    }

    async fn paid(&self, trade: &TradeNumber, notice: &TradeNotice) -> Result<Noted, NotifyError> {
        let payment = Payment { trade_no: notice.trade_no.clone(), amount_fen: notice.amount_fen };
        let now = self.clock.now();
        match self.billing.book_payment(trade, &payment, &self.terms, now).await? {
            Booked::Now(provider) => {
                tracing::info!(provider.id = %provider, trade = %trade, amount_fen = payment.amount_fen.get(), "paid, as Alipay notifies");
                Ok(Noted::Booked)
            }
            Booked::Before(_) => Ok(Noted::Nothing),
            Booked::Contradicts(_) => Err(Refused::Contradicts.into()),
            Booked::Unknown => Err(Refused::NotOurs.into()),
        }
    }

    /// Notes that something was given back. How much it is, and whether it is true, a query tells:
    /// a notification names only what was given back of the trade in all.
    async fn given_back(
        &self,
        provider: &ProviderId,
        of: TradeOf,
        notice: &TradeNotice,
    ) -> Result<Noted, NotifyError> {
        let trade = OutTradeNo::parse(&notice.out_trade_no).map_err(|_| Refused::NotOurs)?;
        // A refund without a number of its own has that of its trade.
        let request = notice.out_request_no.as_deref().unwrap_or(trade.as_str());
        let request = OutRequestNo::parse(request).map_err(|_| Refused::Contradicts)?;
        let number = RefundRef { out_trade_no: trade, out_request_no: request };
        if self.billing.find::<Refund>(provider, &number).await?.is_some() {
            return Ok(Noted::Nothing);
        }
        let noticed = Reversal::noticed(provider, number, of, self.clock.now());
        match self.billing.store(None, &noticed).await {
            Ok(_) => Ok(Noted::Booked),
            Err(CommitError::Stale) => Ok(Noted::Nothing),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

/// Whether money of the trade was given back. A notification that says how much may say `0.00`.
fn was_refunded(notice: &TradeNotice) -> bool {
    notice
        .refunded_fen
        .map_or(notice.refunded_at.is_some(), |refunded_fen| refunded_fen.is_positive())
}
