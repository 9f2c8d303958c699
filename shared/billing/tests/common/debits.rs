//! Debits that were sent.

use jiff::Timestamp;
use steelyard_billing::{Debit, DebitTerms};
use steelyard_pricing::Fen;

use crate::common::mandate;
use crate::realm::realm;

/// The terms of a debit of that amount, for the charge of 17 May 2015, under the mandate.
pub(crate) fn terms(amount_fen: Fen) -> DebitTerms {
    let mandate = mandate();
    DebitTerms {
        amount_fen,
        mandate: mandate.mandate,
        agreement_no: mandate.agreement_no,
        from: "2015-05-17".parse().unwrap(),
        through: "2015-05-17".parse().unwrap(),
    }
}

/// The debit just before it is sent: for that amount, if it was not sent before.
pub(crate) fn sending(debit: &Debit, amount_fen: Fen, now: Timestamp) -> Debit {
    let number = debit.next_out_trade_no(&realm());
    debit.sending(terms(amount_fen), number, "amount=12.34".to_owned(), now).unwrap()
}
