//! What happens at Alipay without the merchant's asking: payers sign, pay and revoke; agreements
//! are suspended and expire; money goes back.

mod routes;

use jiff::Timestamp;
use steelyard_pricing::Fen;
use thiserror::Error;

use super::LocalAlipay;
use super::agreements::{AgreementOutcome, Change, EndedBy};
use super::books::{Agreement, BooksError};
use super::content::AgreementKey;
use super::recharges::RechargeOutcome;
use super::refunds::RefundOutcome;

pub(super) use routes::routes;

/// Why a requested change does not happen.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no such agreement.
    #[error("there is no agreement {agreement_no}")]
    NoAgreement {
        /// Alipay's number of the agreement.
        agreement_no: String,
    },
    /// The agreement is over.
    #[error("agreement {agreement_no} is over")]
    AgreementOver {
        /// Alipay's number of the agreement.
        agreement_no: String,
    },
    /// The offer was signed before. What is signed anew has a new number.
    #[error("offer {external_agreement_no} is signed already")]
    SignedAlready {
        /// The merchant's number of the offer.
        external_agreement_no: String,
    },
    /// The trade does not allow it.
    #[error("trade {out_trade_no} is refused by {sub_code}")]
    TradeRefused {
        /// The merchant's number of the trade.
        out_trade_no: String,
        /// Why, as the gateway would say it.
        sub_code: &'static str,
    },
    /// The books refuse.
    #[error(transparent)]
    Books(#[from] BooksError),
}

impl LocalAlipay {
    /// Signs an offer as a payer who has these funds from now on. An offer whose page nobody opened
    /// can be signed by its number too. Returns Alipay's number of the agreement.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when it was signed before, or the books refuse.
    pub fn sign_agreement(
        &self,
        external_agreement_no: &str,
        payer: &str,
        funds: Fen,
        now: Timestamp,
    ) -> Result<String, ControlError> {
        let agreement = self.books().sign(external_agreement_no, payer, funds, now)?;
        agreement.map(|agreement| agreement.agreement_no).ok_or_else(|| {
            ControlError::SignedAlready { external_agreement_no: external_agreement_no.to_owned() }
        })
    }

    /// Ends an agreement as its payer does in the app: only the application's own address is
    /// notified.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when there is none, it is over, or the books refuse.
    pub fn revoke_agreement(&self, agreement_no: &str, now: Timestamp) -> Result<(), ControlError> {
        let key = AgreementKey::AgreementNo(agreement_no.to_owned());
        let outcome = self.books().end_agreement(&key, EndedBy::Payer, now)?;
        of_agreement(agreement_no, outcome)
    }

    /// Suspends an agreement.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn suspend_agreement(&self, agreement_no: &str) -> Result<(), ControlError> {
        self.change_agreement(agreement_no, Change::Suspend)
    }

    /// Brings a suspended or deferred agreement into force.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn resume_agreement(&self, agreement_no: &str) -> Result<(), ControlError> {
        self.change_agreement(agreement_no, Change::Resume)
    }

    /// Makes an agreement one that is signed and not yet in force.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn defer_agreement(&self, agreement_no: &str) -> Result<(), ControlError> {
        self.change_agreement(agreement_no, Change::Defer)
    }

    /// Ends an agreement by its time, without a notification.
    ///
    /// # Errors
    ///
    /// As above.
    pub fn expire_agreement(&self, agreement_no: &str) -> Result<(), ControlError> {
        self.change_agreement(agreement_no, Change::Expire)
    }

    /// Limits what one payment under an agreement may take, or lifts the limit.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when there is no such agreement, the limit is not positive, or the books
    /// refuse.
    pub fn set_single_limit(
        &self,
        agreement_no: &str,
        limit: Option<Fen>,
    ) -> Result<(), ControlError> {
        let outcome = self.books().set_single_limit(agreement_no, limit)?;
        of_agreement(agreement_no, outcome)
    }

    /// Pays a recharge that waits, as a person does on its page.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when it cannot be paid, or the books refuse.
    pub fn pay_trade(
        &self,
        out_trade_no: &str,
        payer: &str,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        match self.books().pay_recharge(out_trade_no, payer, now)? {
            RechargeOutcome::Paid(_) => Ok(()),
            RechargeOutcome::Refused(sub_code) => Err(trade_refused(out_trade_no, sub_code)),
        }
    }

    /// Gives money of a trade back to its payer without the merchant's asking.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when so much cannot go back, or the books refuse.
    pub fn reverse_trade(
        &self,
        out_trade_no: &str,
        amount: Fen,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        match self.books().reverse(out_trade_no, amount, now)? {
            RefundOutcome::Refunded(..) | RefundOutcome::Repeated(..) => Ok(()),
            RefundOutcome::Refused(sub_code) => Err(trade_refused(out_trade_no, sub_code)),
        }
    }

    /// Every agreement, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn agreements(&self) -> Result<Vec<Agreement>, BooksError> {
        self.books().agreements()
    }

    /// The agreement of a number.
    ///
    /// # Errors
    ///
    /// [`ControlError`] when there is none, or the books refuse.
    pub fn agreement(&self, agreement_no: &str) -> Result<Agreement, ControlError> {
        let mut agreements = self.agreements()?.into_iter();
        let found = agreements.find(|agreement| agreement.agreement_no == agreement_no);
        found.ok_or_else(|| ControlError::NoAgreement { agreement_no: agreement_no.to_owned() })
    }

    fn change_agreement(&self, agreement_no: &str, change: Change) -> Result<(), ControlError> {
        let outcome = self.books().change_agreement(agreement_no, change)?;
        of_agreement(agreement_no, outcome)
    }
}

fn of_agreement(agreement_no: &str, outcome: AgreementOutcome) -> Result<(), ControlError> {
    let agreement_no = agreement_no.to_owned();
    match outcome {
        AgreementOutcome::Done => Ok(()),
        AgreementOutcome::NotFound => Err(ControlError::NoAgreement { agreement_no }),
        AgreementOutcome::Over => Err(ControlError::AgreementOver { agreement_no }),
    }
}

fn trade_refused(out_trade_no: &str, sub_code: &'static str) -> ControlError {
    ControlError::TradeRefused { out_trade_no: out_trade_no.to_owned(), sub_code }
}
