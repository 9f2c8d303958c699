//! Debits that the journal does not explain.

use steelyard_billing::{Cause, Debit, DebitId, Ledger, MandateId, Phase};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::journal::rewrite;
use crate::keeper::Keeper;
use crate::{Canary, a_fen_more, check};

fn debit(keeper: &mut Keeper, id: u64) -> &mut Debit {
    keeper.books.debits.iter_mut().find(|debit| debit.debit == DebitId(id)).unwrap()
}

fn paid(trade_no: &str, fen: i64) -> Phase {
    Phase::Paid { trade_no: trade_no.to_owned(), taken_fen: Fen::new(fen) }
}

pub const CANARIES: &[Canary] = &[
    (
        "a debit asks for a fen more",
        |keeper| a_fen_more(&mut debit(keeper, 9).amount_fen),
        &["Debit"],
    ),
    (
        "the gateway took a fen more than was asked for",
        |keeper| debit(keeper, 1).phase = paid("20151", 1_201),
        &["Taken", "Debit"],
    ),
    (
        "a debit was paid by another trade",
        |keeper| debit(keeper, 1).phase = paid("20152", 1_200),
        &["Debit"],
    ),
    (
        "an exhausted debit was paid after all",
        |keeper| debit(keeper, 3).phase = paid("20153", 503),
        &["Debit"],
    ),
    (
        "a paid debit is not in the journal",
        |keeper| {
            let cause = Cause::Recharged { reference: "x".to_owned() };
            rewrite(keeper, 2, |record| record.cause = cause);
        },
        &["Postings", "Debit"],
    ),
    (
        "the end of a debit is told of another",
        |keeper| {
            rewrite(keeper, 5, |record| {
                record.cause = Cause::DebitExhausted { debit: DebitId(1) };
            });
        },
        &["Debit"],
    ),
    (
        "an ended debit is open again",
        |keeper| debit(keeper, 1).phase = Phase::Due,
        &["OpenDebits", "Debit"],
    ),
    (
        "an open debit is doubled",
        |keeper| {
            let twin = debit(keeper, 9).clone();
            keeper.books.debits.push(twin);
        },
        &["DebitTwice"],
    ),
    (
        "an ended debit is doubled",
        |keeper| {
            let twin = debit(keeper, 3).clone();
            keeper.books.debits.push(twin);
        },
        &["DebitTwice"],
    ),
    (
        "a debit asks under the number of another",
        |keeper| debit(keeper, 9).out_trade_no = debit(keeper, 3).out_trade_no.clone(),
        &["OutTradeNo"],
    ),
    (
        "a debit that was opened and ended is lost",
        |keeper| keeper.books.debits.retain(|debit| debit.debit != DebitId(3)),
        &["DebitGone"],
    ),
    (
        "an entry ends a debit that never was",
        |keeper| {
            rewrite(keeper, 5, |record| {
                record.cause = Cause::DebitExhausted { debit: DebitId(4) };
            });
        },
        &["DebitGone", "Debit"],
    ),
    (
        "an open debit is lost",
        |keeper| drop(keeper.books.debits.pop()),
        &["DebitGone", "OpenDebits"],
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
            debit(keeper, 9).phase = Phase::Held { why: "x".to_owned(), ask: false, found: None };
            keeper.books.account.open_debit = None;
        },
        &["OpenDebits"],
    ),
    (
        "an active mandate is not in use",
        |keeper| keeper.books.provider.mandate = None,
        &["Mandate"],
    ),
    ("the mandate in use has no record", |keeper| keeper.books.mandates.clear(), &["Mandate"]),
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
        &["Mandate"],
    ),
    (
        "a mandate is another provider's",
        |keeper| keeper.books.mandates[0].provider = "other".parse().unwrap(),
        &["Foreign"],
    ),
    (
        "more is withheld than was charged",
        |keeper| {
            keeper.recharge(3_000, at("2015-06-03 15:00"));
            rewrite(keeper, 10, |record| {
                record.cause = Cause::DebitPaid { debit: DebitId(1), trade_no: "20151".to_owned() };
                record.postings[0].ledger = Ledger::Alipay;
            });
        },
        &["Postings", "Debit", "Overdrawn"],
    ),
];

#[test]
fn debits_that_the_journal_does_not_explain_are_found() {
    check(CANARIES);
}
