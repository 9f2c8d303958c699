//! Notifications: checked against the books, and applied once.

use jiff::Timestamp;
use steelyard_billing::{
    AgreementEnded, AgreementSigned, ExternalAgreementNo, Mandate, MandateId, Notice, OutRequestNo,
    Payment, ProviderId, Trade, TradeNotice, TradeState,
};
use steelyard_pricing::Fen;
use thiserror::Error;

use crate::trade::Applied;
use crate::{BookError, Books};

/// The effect of a notification that is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The books changed by it.
    Booked,
    /// It says nothing new: a repetition, an old state, or something that nothing of ours waits
    /// for.
    Nothing,
}

/// Why a notification is not applied. Nothing changed by it.
#[derive(Debug, Error)]
pub enum NoticeError {
    /// It is about another account than ours.
    #[error("the notification is about another seller")]
    OtherSeller,
    /// It is about a trade or an agreement that is not ours.
    #[error("the notification is about nothing of ours")]
    NotOurs,
    /// It names another amount than ours.
    #[error("the notification names ¥{theirs}, and our trade is of ¥{ours}")]
    OtherAmount {
        /// The amount that it names.
        theirs: Fen,
        /// The amount that we asked for.
        ours: Fen,
    },
    /// The record is in a state in which this cannot happen.
    #[error("the notification contradicts the books")]
    Contradicts,
    /// It cannot be stored; Alipay sends it again.
    #[error("cannot book the notification")]
    Books(#[from] BookError),
}

impl Books {
    /// Applies a verified notification. `seller_id` is our account at Alipay.
    ///
    /// # Errors
    ///
    /// [`NoticeError::OtherSeller`] when another account was paid, other variants when the
    /// notification does not fit the books. Alipay repeats a notification that is not confirmed.
    pub async fn apply_notice(
        &self,
        notice: &Notice,
        seller_id: &str,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        match notice {
            Notice::Trade(trade) if trade.seller_id != seller_id => Err(NoticeError::OtherSeller),
            Notice::Trade(trade) => self.apply_trade_notice(trade, now).await,
            Notice::AgreementSigned(signed) => self.apply_signed(signed, now).await,
            Notice::AgreementEnded(ended) => self.apply_ended(ended, now).await,
            Notice::Other { .. } => Ok(Noted::Nothing),
        }
    }

    async fn apply_trade_notice(
        &self,
        notice: &TradeNotice,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        let trade = self.trade(&notice.out_trade_no).await?.ok_or(NoticeError::NotOurs)?;
        let (theirs, ours) = (notice.amount_fen, trade.asked());
        if theirs != ours {
            return Err(NoticeError::OtherAmount { theirs, ours });
        }
        let was_refunded = was_refunded(notice);
        let paid = match notice.state {
            TradeState::Paid | TradeState::Finished => self.apply_paid(&trade, notice, now).await?,
            // A trade that is refunded in full is closed, and was paid.
            TradeState::Closed if was_refunded => self.apply_paid(&trade, notice, now).await?,
            // Queries find out in good time what was never paid.
            TradeState::Closed | TradeState::Waiting => return Ok(Noted::Nothing),
        };
        if !was_refunded {
            return Ok(paid);
        }
        match self.apply_refunded(&trade, notice, now).await? {
            Noted::Booked => Ok(Noted::Booked),
            Noted::Nothing => Ok(paid),
        }
    }

    async fn apply_paid(
        &self,
        trade: &Trade,
        notice: &TradeNotice,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        let number = trade.out_trade_no().ok_or(NoticeError::NotOurs)?;
        let payment = Payment { trade_no: notice.trade_no.clone(), amount_fen: notice.amount_fen };
        noted(self.book_payment(number, &payment, now).await?)
    }

    /// Notes that something was given back. A notification names only the sum of what was given
    /// back of the trade, so a query shows the amount.
    async fn apply_refunded(
        &self,
        trade: &Trade,
        notice: &TradeNotice,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        // A later notification of the trade repeats what was given back of it, and names no
        // request.
        let given_back = self.given_back(trade.provider()).await?;
        let known = trade.given_back(&given_back).map_err(BookError::from)?;
        if notice.out_request_no.is_none() && notice.refunded_fen == Some(known) {
            return Ok(Noted::Nothing);
        }
        // A refund without a number of its own has that of its trade.
        let request = notice.out_request_no.as_deref().unwrap_or(&notice.out_trade_no);
        let request = OutRequestNo::parse(request).map_err(|_| NoticeError::Contradicts)?;
        noted(self.notice_reversal(trade, request, now).await?)
    }

    async fn apply_signed(
        &self,
        notice: &AgreementSigned,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        let external = notice.external_agreement_no.as_deref();
        let (provider, mandate) = self.meant(external, &notice.agreement_no).await?;
        let decide = |before: &Mandate| before.after_signed(notice, now);
        noted(self.change_mandate(&provider, mandate, now, decide).await?)
    }

    async fn apply_ended(
        &self,
        notice: &AgreementEnded,
        now: Timestamp,
    ) -> Result<Noted, NoticeError> {
        let external = notice.external_agreement_no.as_deref();
        let (provider, mandate) = self.meant(external, &notice.agreement_no).await?;
        let decide = |before: &Mandate| before.after_ended(notice, now);
        noted(self.change_mandate(&provider, mandate, now, decide).await?)
    }

    /// The mandate that a notification is about: by our number if it has one, by Alipay's
    /// otherwise. The number of another realm is not ours, though it names one of our providers.
    async fn meant(
        &self,
        external: Option<&str>,
        agreement_no: &str,
    ) -> Result<(ProviderId, MandateId), NoticeError> {
        let number = external.and_then(|text| ExternalAgreementNo::parse(text).ok());
        if let Some(number) = number
            && let Some((code, mandate)) = number.ours()
        {
            let provider = self.billing.provider_of(&code).await.map_err(BookError::from)?;
            let provider = provider.ok_or(NoticeError::NotOurs)?;
            let found: Option<Mandate> =
                self.billing.find(&provider, &mandate).await.map_err(BookError::from)?;
            let is_ours = found.is_some_and(|m| m.external_agreement_no.as_ref() == Some(&number));
            return if is_ours { Ok((provider, mandate)) } else { Err(NoticeError::NotOurs) };
        }
        let owner = self.billing.agreement_owner(agreement_no).await.map_err(BookError::from)?;
        let owner = owner.ok_or(NoticeError::NotOurs)?;
        Ok((owner.provider, owner.mandate))
    }
}

fn noted<T>(applied: Applied<T>) -> Result<Noted, NoticeError> {
    match applied {
        Applied::Now(_) => Ok(Noted::Booked),
        Applied::Before(_) => Ok(Noted::Nothing),
        Applied::Contradicts(_) => Err(NoticeError::Contradicts),
        Applied::Unknown => Err(NoticeError::NotOurs),
    }
}

/// Whether money of the trade was given back. A notification that says how much may say `0.00`.
fn was_refunded(notice: &TradeNotice) -> bool {
    notice
        .refunded_fen
        .map_or(notice.refunded_at.is_some(), |refunded_fen| refunded_fen.is_positive())
}
