//! Journals that were changed.

use steelyard_billing::{Cause, Entry, EntryRecord, Figures, Ledger, Reference, Unpaid};

use crate::common::at;
use crate::keeper::Keeper;
use crate::{Canary, a_fen_more, check};

/// Rewrites an entry, which stays balanced.
pub(crate) fn rewrite(keeper: &mut Keeper, number: usize, change: impl FnOnce(&mut EntryRecord)) {
    let entry = &mut keeper.books.journal[number - 1];
    let mut record = EntryRecord::from(entry.clone());
    change(&mut record);
    *entry = Entry::try_from(record).unwrap();
}

pub(crate) const CANARIES: &[Canary] = &[
    ("an entry is lost", |keeper| drop(keeper.books.journal.remove(5)), &["JournalGap"]),
    (
        "the first is lost",
        |keeper| drop(keeper.books.journal.remove(0)),
        &["JournalGap", "Unjournaled"],
    ),
    (
        "the last is lost",
        |keeper| drop(keeper.books.journal.pop()),
        &["JournalEnd", "Figures", "Debit"],
    ),
    (
        "the last two are lost",
        |keeper| keeper.books.journal.truncate(10),
        &["JournalEnd", "Figures", "Unpaid", "Unjournaled", "FromPrepaid", "Debit"],
    ),
    (
        "an entry stands twice",
        |keeper| {
            let entry = keeper.books.journal[8].clone();
            keeper.books.journal.insert(8, entry);
        },
        &["JournalGap", "Unjournaled", "FromPrepaid"],
    ),
    ("two entries are swapped", |keeper| keeper.books.journal.swap(5, 7), &["JournalGap"]),
    (
        "the account knows of one entry more",
        |keeper| keeper.books.account.entries += 1,
        &["JournalEnd"],
    ),
    (
        "the account owes a fen more",
        |keeper| {
            let mut figures = serde_json::to_value(keeper.books.account.figures).unwrap();
            let fen = figures["receivable_fen"].as_i64().unwrap();
            figures["receivable_fen"] = (fen + 1).into();
            keeper.books.account.figures = serde_json::from_value(figures).unwrap();
        },
        &["Figures"],
    ),
    (
        "the account is empty",
        |keeper| keeper.books.account.figures = Figures::default(),
        &["Figures", "Reserved"],
    ),
    (
        "the account notes nothing as unpaid",
        |keeper| keeper.books.account.unpaid = Unpaid::default(),
        &["Unpaid"],
    ),
    (
        "a recharge is a fen more",
        |keeper| {
            rewrite(keeper, 8, |record| {
                a_fen_more(&mut record.postings[0].amount_fen);
                let prepaid = &mut record.postings.last_mut().unwrap().amount_fen;
                *prepaid = prepaid.minus(steelyard_pricing::Fen::new(1)).unwrap();
            });
        },
        &["Rules"],
    ),
    (
        "a recharge is turned around",
        |keeper| {
            rewrite(keeper, 6, |record| {
                for posting in &mut record.postings {
                    posting.amount_fen = posting.amount_fen.negated().unwrap();
                }
            });
        },
        &["Rules", "Postings"],
    ),
    (
        "an amount is more than can be summed",
        |keeper| {
            let most = steelyard_pricing::Fen::new(i64::MAX);
            keeper.books.statements[0].lines[0].charge_fen = most;
            keeper.books.statements[1].lines[0].charge_fen = most;
            keeper.books.statements[1].lines[1].charge_fen = most;
        },
        &["Lines", "Explanation", "Range"],
    ),
];

pub(crate) const CAUSE_CANARIES: &[Canary] = &[
    (
        "a charge is for another statement",
        |keeper| {
            rewrite(keeper, 1, |record| {
                record.cause = Cause::Charged { statement: "2015-05-18".parse().unwrap() };
            });
        },
        &["Unjournaled", "StatementGone"],
    ),
    (
        "a charge is no charge",
        |keeper| {
            let cause = Cause::Recharged { reference: Reference::new("x").unwrap() };
            rewrite(keeper, 9, |record| record.cause = cause);
        },
        &["Postings", "Unjournaled", "FromPrepaid"],
    ),
    (
        "a statement says that more was prepaid",
        |keeper| a_fen_more(&mut keeper.books.statements[2].from_prepaid_fen),
        &["FromPrepaid"],
    ),
    (
        "a statement names another entry",
        |keeper| keeper.books.statements[2].entry = Some(1),
        &["ChargedBy"],
    ),
    (
        "a statement names a later debit than the one that collects it",
        |keeper| keeper.books.statements[0].last_debit = 2,
        &["LastDebit"],
    ),
    (
        "a statement names a debit that there is not",
        |keeper| keeper.books.statements[5].last_debit = 4,
        &["LastDebit"],
    ),
    (
        "a recharge is booked twice",
        |keeper| {
            let cause = keeper.books.journal[5].record().cause.clone();
            rewrite(keeper, 8, |record| record.cause = cause);
        },
        &["RechargeTwice"],
    ),
    (
        "a recharge was taken by nobody's debit",
        |keeper| rewrite(keeper, 6, |record| record.postings[0].ledger = Ledger::Alipay),
        &["Postings"],
    ),
    (
        "a recharge was earned",
        |keeper| rewrite(keeper, 6, |record| record.postings[0].ledger = Ledger::Revenue),
        &["Postings"],
    ),
    (
        "a debit was paid by bank",
        |keeper| rewrite(keeper, 3, |record| record.postings[0].ledger = Ledger::Bank),
        &["Postings", "Debit"],
    ),
    (
        "a debit that was given up brought money",
        |keeper| rewrite(keeper, 7, |record| record.postings[1].ledger = Ledger::Alipay),
        &["Rules", "Postings"],
    ),
    (
        "a sent debit reserves nothing",
        |keeper| {
            rewrite(keeper, 12, |record| {
                for posting in &mut record.postings {
                    posting.ledger = Ledger::Receivable;
                }
            });
        },
        &["Figures", "Postings", "Debit"],
    ),
    (
        "a sent debit releases what was reserved",
        |keeper| {
            rewrite(keeper, 12, |record| {
                for posting in &mut record.postings {
                    posting.amount_fen = posting.amount_fen.negated().unwrap();
                }
            });
        },
        &["Rules", "Postings", "Debit"],
    ),
    (
        "a recharge releases what a debit is collecting",
        |keeper| {
            keeper.recharge(300, at("2015-06-03 15:00"));
            rewrite(keeper, 13, |record| record.postings[1].ledger = Ledger::Reserved);
        },
        &["Figures", "Unpaid", "Postings"],
    ),
    (
        "a charge reserves what is owed",
        |keeper| {
            rewrite(keeper, 11, |record| {
                let owed = record.postings.iter_mut().find(|p| p.ledger == Ledger::Receivable);
                owed.unwrap().ledger = Ledger::Reserved;
            });
        },
        &["Rules", "Postings"],
    ),
];

#[test]
fn a_journal_that_was_changed_is_found() {
    check(CANARIES);
}

#[test]
fn entries_that_their_causes_do_not_explain_are_found() {
    check(CAUSE_CANARIES);
}
