//! Debits that the journal does not explain.

use jiff::civil::date;
use steelyard_billing::{
    Cause, Debit, DebitId, GiveUpReason, Ledger, MandateId, Payment, Phase, Reference,
};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::journal::rewrite;
use crate::keeper::Keeper;
use crate::{Canary, a_fen_less, a_fen_more, check};

pub(crate) fn debit(keeper: &mut Keeper, id: u64) -> &mut Debit {
    keeper.books.debits.iter_mut().find(|debit| debit.debit == DebitId(id)).unwrap()
}

/// A debit that was paid by this trade.
fn pay(keeper: &mut Keeper, id: u64, trade_no: &str, fen: i64) {
    let debit = debit(keeper, id);
    let at_s = at("2015-05-18 10:00");
    debit.phase = Phase::Paid { attempt: 1, at_s };
    debit.attempts[0].payment =
        Some(Payment { trade_no: trade_no.to_owned(), amount_fen: Fen::new(fen) });
}

fn amount(keeper: &mut Keeper, id: u64) -> &mut Fen {
    &mut debit(keeper, id).terms.as_mut().unwrap().amount_fen
}

pub(crate) const CANARIES: &[Canary] = &[
    (
        "an open debit asks for a fen more",
        |keeper| a_fen_more(amount(keeper, 3)),
        &["Debit", "Reserved"],
    ),
    (
        "a debit that was given up asked for a fen more",
        |keeper| a_fen_more(amount(keeper, 2)),
        &["Debit"],
    ),
    (
        "the gateway took a fen more than was asked for",
        |keeper| pay(keeper, 1, "20151", 1_201),
        &["Taken", "Debit"],
    ),
    ("a debit was paid by another trade", |keeper| pay(keeper, 1, "20152", 1_200), &["Debit"]),
    (
        "a debit that was given up was paid after all",
        |keeper| pay(keeper, 2, "20153", 503),
        &["Debit", "Withheld"],
    ),
    (
        "a debit says that it was paid on another day",
        |keeper| {
            let at_s = at("2015-05-25 10:00");
            debit(keeper, 1).phase = Phase::Paid { attempt: 1, at_s };
        },
        &["Debit"],
    ),
    (
        "a paid debit is not in the journal",
        |keeper| {
            let cause = Cause::Recharged { reference: Reference::new("x").unwrap() };
            rewrite(keeper, 3, |record| record.cause = cause);
        },
        &["Postings", "Debit"],
    ),
    (
        "a sent debit is not in the journal",
        |keeper| {
            let cause = Cause::Recharged { reference: Reference::new("x").unwrap() };
            rewrite(keeper, 12, |record| record.cause = cause);
        },
        &["Postings", "Debit"],
    ),
    (
        "the journal tells the end of another debit",
        |keeper| {
            rewrite(keeper, 7, |record| {
                record.cause = Cause::DebitGivenUp { debit: DebitId(1) };
            });
        },
        &["Debit"],
    ),
    (
        "an ended debit is open again",
        |keeper| debit(keeper, 1).phase = Phase::Due,
        &["OpenDebits", "Debit", "Reserved", "Withheld", "Gateway", "Unfiled", "Unworked"],
    ),
    (
        "an open debit has ended",
        |keeper| debit(keeper, 3).phase = Phase::GivenUp { why: GiveUpReason::Funds },
        &["OpenDebits", "Debit", "Reserved", "FiledInVain"],
    ),
    (
        "an open debit is doubled",
        |keeper| {
            let twin = debit(keeper, 3).clone();
            keeper.books.debits.push(twin);
        },
        &["DebitTwice", "OutTradeNo", "Reserved"],
    ),
    (
        "an ended debit is doubled",
        |keeper| {
            let twin = debit(keeper, 2).clone();
            keeper.books.debits.push(twin);
        },
        &["DebitTwice", "OutTradeNo"],
    ),
    (
        "a debit was sent under the number of another",
        |keeper| {
            let number = debit(keeper, 2).attempts[0].out_trade_no.clone();
            debit(keeper, 3).attempts[0].out_trade_no = number;
        },
        &["OurNumber", "OutTradeNo"],
    ),
    (
        "a debit was sent twice under one number",
        |keeper| {
            let attempts = &mut debit(keeper, 2).attempts;
            attempts.push(attempts[0].clone());
        },
        &["OurNumber", "OutTradeNo"],
    ),
    (
        "a debit that was opened and ended is lost",
        |keeper| keeper.books.debits.retain(|debit| debit.debit != DebitId(2)),
        &["DebitGone"],
    ),
    (
        "an entry ends a debit that never was",
        |keeper| {
            rewrite(keeper, 7, |record| {
                record.cause = Cause::DebitGivenUp { debit: DebitId(4) };
            });
        },
        &["DebitGone", "Debit"],
    ),
    (
        "an open debit is lost",
        |keeper| drop(keeper.books.debits.pop()),
        &["LastNumber", "DebitGone", "OpenDebits", "Reserved", "FiledInVain"],
    ),
    (
        "the account forgets its open debit",
        |keeper| keeper.books.account.open_debit = None,
        &["OpenDebits"],
    ),
    (
        "the account names an ended debit as open",
        |keeper| keeper.books.account.open_debit = Some(DebitId(1)),
        &["OpenDebits"],
    ),
    (
        "a held debit is forgotten as the open one",
        |keeper| {
            debit(keeper, 3).phase = Phase::Held { why: "x".to_owned(), found: None };
            keeper.books.account.open_debit = None;
        },
        &["OpenDebits"],
    ),
    (
        "more is withheld than was charged",
        |keeper| {
            keeper.recharge(3_000, at("2015-06-03 15:00"));
            rewrite(keeper, 13, |record| {
                record.cause = Cause::DebitPaid { debit: DebitId(1), trade_no: "20151".to_owned() };
                record.postings[0].ledger = Ledger::Alipay;
            });
        },
        &["Postings", "Debit", "Overdrawn"],
    ),
];

pub(crate) const TERMS_CANARIES: &[Canary] = &[
    (
        "a sent debit has no terms",
        |keeper| debit(keeper, 3).terms = None,
        &["DebitTerms", "Debit", "Reserved"],
    ),
    (
        "a debit with terms was never sent",
        |keeper| debit(keeper, 3).attempts.clear(),
        &["DebitTerms"],
    ),
    (
        "a debit was withdrawn after it was sent",
        |keeper| debit(keeper, 2).phase = Phase::Withdrawn,
        &["DebitTerms"],
    ),
    (
        "a debit was given up before it was sent",
        |keeper| {
            let debit = debit(keeper, 2);
            debit.attempts.clear();
            debit.terms = None;
        },
        &["DebitTerms", "Debit"],
    ),
    (
        "the account forgets what was withheld",
        |keeper| keeper.books.account.withheld = None,
        &["Withheld"],
    ),
    (
        "the account notes a fen less withheld",
        |keeper| a_fen_less(&mut keeper.books.account.withheld.as_mut().unwrap().taken_fen),
        &["Withheld"],
    ),
    (
        "the account notes what was withheld for another day",
        |keeper| keeper.books.account.withheld.as_mut().unwrap().on = date(2015, 5, 18),
        &["Withheld"],
    ),
];

pub(crate) const MANDATE_CANARIES: &[Canary] = &[
    (
        "an active mandate is not in use",
        |keeper| keeper.books.provider.mandate = None,
        &["Mandate"],
    ),
    (
        "the mandate in use has no record",
        |keeper| keeper.books.mandates.clear(),
        &["LastNumber", "Mandate"],
    ),
    (
        "the mandate in use allows a fen more than its record",
        |keeper| a_fen_more(&mut keeper.books.provider.mandate.as_mut().unwrap().limit_fen),
        &["Mandate"],
    ),
    (
        "two mandates are active",
        |keeper| {
            let mut second = keeper.books.mandates[0].clone();
            second.mandate = MandateId(2);
            keeper.books.mandates.push(second);
        },
        &["Owner", "LastNumber", "Mandate"],
    ),
    (
        "a mandate is another provider's",
        |keeper| keeper.books.mandates[0].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
];

#[test]
fn debits_that_the_journal_does_not_explain_are_found() {
    check(CANARIES);
}

#[test]
fn debits_without_their_terms_and_sums_that_do_not_follow_from_them_are_found() {
    check(TERMS_CANARIES);
}

#[test]
fn a_mandate_in_use_that_is_not_the_active_one_is_found() {
    check(MANDATE_CANARIES);
}
