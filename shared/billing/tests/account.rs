//! Every movement of money keeps the account's rules, and the journal alone says where it stands.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{at, mandate, provider, terms};
use proptest::prelude::*;
use steelyard_billing::{
    Account, AccountError, Cause, Debit, DebitId, DebitTerms, Decline, Entry, EntryRecord, Figures,
    Ledger, Mandate, Movement, PayAnswer, Payment, Posting, QueryAnswer, StatementId,
};
use steelyard_pricing::Fen;

const NOW: &str = "2015-05-18 00:30";

/// A movement, in fen.
#[derive(Clone, Copy, Debug)]
enum Move {
    Charge(i64),
    Recharge(i64),
    DebitPaid,
    DebitExhausted,
}
use Move::{Charge, DebitExhausted, DebitPaid, Recharge};

/// Prepaid, receivable and reserved, in fen.
type Stand = (i64, i64, i64);

fn figures((prepaid, receivable, reserved): Stand) -> Result<Figures, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "prepaid_fen": prepaid, "receivable_fen": receivable, "reserved_fen": reserved,
    }))
}

fn stand(figures: &Figures) -> Stand {
    (figures.prepaid().get(), figures.receivable().get(), figures.reserved().get())
}

/// An account that stands so, with debit 1 open if something is reserved.
fn account(before: Stand) -> (Account, Option<Debit>) {
    let mut account = Account::new(&provider());
    account.figures = figures(before).unwrap();
    account.entries = 1;
    let (_, _, reserved) = before;
    let open = (reserved > 0).then(|| {
        let amount = Fen::new(reserved);
        let now = at("2015-05-17 00:30");
        Debit::open(&account.provider, DebitId(1), amount, &mandate(), &terms(), now)
    });
    account.open_debit = open.as_ref().map(|debit| debit.debit);
    (account, open)
}

fn paid(debit: &Debit) -> Debit {
    let payment = Payment { trade_no: "20150517".to_owned(), amount_fen: debit.amount_fen };
    let sent = debit.sending("x".to_owned(), at("2015-05-17 10:00")).unwrap();
    sent.after_pay(PayAnswer::Paid(payment), &terms(), at("2015-05-17 10:00")).unwrap()
}

fn exhausted(debit: &Debit) -> Debit {
    let decline = Decline { sub_code: "ACQ.BUYER_BALANCE_NOT_ENOUGH".to_owned() };
    let declined = (0..3).fold(debit.clone(), |debit, _| {
        let due = debit.due_at_s;
        let answer = PayAnswer::Declined(decline.clone());
        debit.sending("x".to_owned(), due).unwrap().after_pay(answer, &terms(), due).unwrap()
    });
    declined.after_query(QueryAnswer::Closed, declined.due_at_s).unwrap()
}

fn statement() -> StatementId {
    "2015-05-17".parse().unwrap()
}

/// The only place of this file that moves money.
fn moved(
    account: &Account,
    open: Option<&Debit>,
    movement: Move,
    mandate: Option<&Mandate>,
    terms: &DebitTerms,
) -> Result<Movement, AccountError> {
    let now = at(NOW);
    match movement {
        Charge(fen) => account.charge(statement(), Fen::new(fen), mandate, terms, now),
        Recharge(fen) => account.recharge(Fen::new(fen), "transfer 1".to_owned(), now),
        DebitPaid => account.end_debit(&paid(open.unwrap()), mandate, terms, now),
        DebitExhausted => account.end_debit(&exhausted(open.unwrap()), mandate, terms, now),
    }
}

fn ledger(ledger: Ledger) -> &'static str {
    match ledger {
        Ledger::Prepaid => "prepaid",
        Ledger::Receivable => "receivable",
        Ledger::Reserved => "reserved",
        Ledger::Revenue => "revenue",
        Ledger::Alipay => "alipay",
        Ledger::Bank => "bank",
    }
}

/// The postings of a movement in their order, and the debit that it opened.
fn note(movement: &Movement) -> String {
    let postings = movement.entry.iter().flat_map(|entry| &entry.record().postings);
    let mut notes = postings
        .map(|posting| format!("{} {}", ledger(posting.ledger), posting.amount_fen))
        .collect::<Vec<_>>();
    notes.extend(
        movement
            .opened
            .iter()
            .map(|debit| format!("opens {} of {}", debit.debit, debit.amount_fen)),
    );
    notes.join(", ")
}

/// What holds after every movement.
fn check_movement(before: &Account, movement: &Movement) {
    let Movement { account, entry, opened } = movement;
    assert!(figures(stand(&account.figures)).is_ok(), "the rules hold: {account:?}");
    let moved_by_entry = entry.as_ref().map_or(Ok(before.figures), |entry| {
        assert_eq!(entry.record().number, before.entries + 1);
        assert_eq!(entry.record().provider, before.provider);
        assert_eq!(entry.record().opened, opened.as_ref().map(|debit| debit.debit));
        let postings = &entry.record().postings;
        assert!(postings.iter().all(|posting| !posting.amount_fen.is_zero()), "{postings:?}");
        let sum = Fen::sum(postings.iter().map(|posting| posting.amount_fen)).unwrap();
        assert_eq!(sum, Fen::ZERO, "the entry balances");
        before.figures.after(entry)
    });
    assert_eq!(moved_by_entry, Ok(account.figures), "the journal explains the figures");
    assert_eq!(account.entries - before.entries, u64::from(entry.is_some()));
    assert_eq!(account.open_debit.is_some(), account.figures.reserved().is_positive());
}

fn check(rows: &[(Stand, Move, Stand, &str)]) {
    check_under(&mandate(), &terms(), rows);
}

fn check_under(mandate: &Mandate, terms: &DebitTerms, rows: &[(Stand, Move, Stand, &str)]) {
    for (before, movement, after, expected) in rows {
        let (account, open) = account(*before);
        let moved = moved(&account, open.as_ref(), *movement, Some(mandate), terms).unwrap();
        check_movement(&account, &moved);
        let row = format!("{before:?} {movement:?}");
        assert_eq!(stand(&moved.account.figures), *after, "{row}");
        assert_eq!(note(&moved), *expected, "{row}");
    }
}

#[test]
fn a_charge_is_paid_from_what_is_prepaid_and_the_rest_gets_a_debit() {
    check(&[
        ((0, 0, 0), Charge(0), (0, 0, 0), ""),
        ((500, 0, 0), Charge(0), (500, 0, 0), ""),
        ((500, 0, 0), Charge(200), (300, 0, 0), "revenue -2.00, prepaid 2.00"),
        ((500, 0, 0), Charge(500), (0, 0, 0), "revenue -5.00, prepaid 5.00"),
        (
            (500, 0, 0),
            Charge(700),
            (0, 200, 200),
            "revenue -7.00, prepaid 5.00, receivable 2.00, receivable -2.00, reserved 2.00, \
             opens 2 of 2.00",
        ),
        (
            (0, 0, 0),
            Charge(700),
            (0, 700, 700),
            "revenue -7.00, receivable 7.00, receivable -7.00, reserved 7.00, \
             opens 2 of 7.00",
        ),
    ]);
}

#[test]
fn a_debit_is_opened_from_the_minimum_on_up_to_the_mandates_limit_with_what_was_owed_before() {
    check(&[
        ((0, 0, 0), Charge(99), (0, 99, 0), "revenue -0.99, receivable 0.99"),
        (
            (0, 0, 0),
            Charge(100),
            (0, 100, 100),
            "revenue -1.00, receivable 1.00, receivable -1.00, reserved 1.00, \
             opens 2 of 1.00",
        ),
        (
            (0, 99, 0),
            Charge(1),
            (0, 100, 100),
            "revenue -0.01, receivable 0.01, receivable -1.00, reserved 1.00, \
             opens 2 of 1.00",
        ),
        (
            (0, 0, 0),
            Charge(10_001),
            (0, 10_001, 10_000),
            "revenue -100.01, receivable 100.01, receivable -100.00, reserved 100.00, \
             opens 2 of 100.00",
        ),
    ]);
}

#[test]
fn a_mandate_that_allows_less_than_the_minimum_gets_no_debit() {
    for limit in [0, 99] {
        let mandate = Mandate { single_limit_fen: Fen::new(limit), ..mandate() };
        check_under(
            &mandate,
            &terms(),
            &[((0, 0, 0), Charge(500), (0, 500, 0), "revenue -5.00, receivable 5.00")],
        );
    }
}

#[test]
fn a_provider_without_a_mandate_is_charged_by_an_entry_and_gets_no_debit() {
    for (before, movement, after, expected) in [
        ((0, 0, 0), Charge(700), (0, 700, 0), "revenue -7.00, receivable 7.00"),
        ((500, 0, 0), Charge(700), (0, 200, 0), "revenue -7.00, prepaid 5.00, receivable 2.00"),
        ((0, 50, 0), Charge(-300), (250, 0, 0), "revenue 3.00, receivable -0.50, prepaid -2.50"),
        ((0, 900, 700), DebitPaid, (0, 200, 0), "alipay 7.00, reserved -7.00"),
    ] {
        let (account, open) = account(before);
        let moved = moved(&account, open.as_ref(), movement, None, &terms()).unwrap();
        check_movement(&account, &moved);
        assert_eq!(stand(&moved.account.figures), after, "{before:?} {movement:?}");
        assert_eq!(note(&moved), expected, "{before:?} {movement:?}");
    }
}

#[test]
fn a_debit_of_nothing_is_never_opened_even_without_a_minimum() {
    let terms = DebitTerms { minimum_fen: Fen::ZERO, ..terms() };
    check_under(
        &mandate(),
        &terms,
        &[
            ((500, 0, 0), Charge(200), (300, 0, 0), "revenue -2.00, prepaid 2.00"),
            ((0, 700, 700), DebitPaid, (0, 0, 0), "alipay 7.00, reserved -7.00"),
            (
                (0, 0, 0),
                Charge(1),
                (0, 1, 1),
                "revenue -0.01, receivable 0.01, receivable -0.01, reserved 0.01, opens 2 of 0.01",
            ),
        ],
    );
}

#[test]
fn no_second_debit_is_opened_while_one_is_open() {
    check(&[
        ((0, 700, 700), Charge(500), (0, 1_200, 700), "revenue -5.00, receivable 5.00"),
        ((0, 900, 700), Charge(500), (0, 1_400, 700), "revenue -5.00, receivable 5.00"),
        ((300, 700, 700), Charge(200), (100, 700, 700), "revenue -2.00, prepaid 2.00"),
        (
            (300, 700, 700),
            Charge(500),
            (0, 900, 700),
            "revenue -5.00, prepaid 3.00, receivable 2.00",
        ),
    ]);
}

#[test]
fn a_credit_pays_what_is_owed_first_and_the_rest_is_prepaid() {
    check(&[
        ((0, 0, 0), Charge(-300), (300, 0, 0), "revenue 3.00, prepaid -3.00"),
        ((500, 0, 0), Charge(-300), (800, 0, 0), "revenue 3.00, prepaid -3.00"),
        ((0, 50, 0), Charge(-20), (0, 30, 0), "revenue 0.20, receivable -0.20"),
        ((0, 50, 0), Charge(-300), (250, 0, 0), "revenue 3.00, receivable -0.50, prepaid -2.50"),
        ((0, 700, 700), Charge(-300), (300, 700, 700), "revenue 3.00, prepaid -3.00"),
        (
            (0, 900, 700),
            Charge(-300),
            (100, 700, 700),
            "revenue 3.00, receivable -2.00, prepaid -1.00",
        ),
    ]);
}

#[test]
fn a_recharge_pays_what_no_debit_is_collecting_and_the_rest_is_prepaid() {
    check(&[
        ((0, 0, 0), Recharge(300), (300, 0, 0), "bank 3.00, prepaid -3.00"),
        ((0, 500, 0), Recharge(300), (0, 200, 0), "bank 3.00, receivable -3.00"),
        ((0, 500, 0), Recharge(500), (0, 0, 0), "bank 5.00, receivable -5.00"),
        ((0, 500, 0), Recharge(600), (100, 0, 0), "bank 6.00, receivable -5.00, prepaid -1.00"),
    ]);
}

#[test]
fn money_that_arrives_while_a_debit_is_open_never_pays_what_it_collects() {
    check(&[
        ((0, 700, 700), Recharge(300), (300, 700, 700), "bank 3.00, prepaid -3.00"),
        ((0, 700, 700), Recharge(9_000), (9_000, 700, 700), "bank 90.00, prepaid -90.00"),
        ((0, 900, 700), Recharge(150), (0, 750, 700), "bank 1.50, receivable -1.50"),
        (
            (0, 900, 700),
            Recharge(300),
            (100, 700, 700),
            "bank 3.00, receivable -2.00, prepaid -1.00",
        ),
    ]);
}

#[test]
fn a_paid_debit_takes_its_amount_and_what_is_still_owed_gets_the_next() {
    check(&[
        ((0, 700, 700), DebitPaid, (0, 0, 0), "alipay 7.00, reserved -7.00"),
        ((300, 700, 700), DebitPaid, (300, 0, 0), "alipay 7.00, reserved -7.00"),
        ((0, 799, 700), DebitPaid, (0, 99, 0), "alipay 7.00, reserved -7.00"),
        (
            (0, 900, 700),
            DebitPaid,
            (0, 200, 200),
            "alipay 7.00, reserved -7.00, receivable -2.00, reserved 2.00, \
             opens 2 of 2.00",
        ),
        (
            (0, 25_000, 10_000),
            DebitPaid,
            (0, 15_000, 10_000),
            "alipay 100.00, reserved -100.00, receivable -100.00, reserved 100.00, \
             opens 2 of 100.00",
        ),
    ]);
}

#[test]
fn an_exhausted_debit_leaves_its_amount_owed_less_what_was_prepaid_meanwhile() {
    check(&[
        ((0, 700, 700), DebitExhausted, (0, 700, 0), "reserved -7.00, receivable 7.00"),
        ((0, 900, 700), DebitExhausted, (0, 900, 0), "reserved -7.00, receivable 7.00"),
        (
            (300, 700, 700),
            DebitExhausted,
            (0, 400, 0),
            "reserved -7.00, receivable 4.00, prepaid 3.00",
        ),
        ((700, 700, 700), DebitExhausted, (0, 0, 0), "reserved -7.00, prepaid 7.00"),
        ((900, 700, 700), DebitExhausted, (200, 0, 0), "reserved -7.00, prepaid 7.00"),
    ]);
}

#[test]
fn a_debit_ends_only_once_and_only_when_it_has_ended() {
    let (before, open) = account((0, 700, 700));
    let open = open.unwrap();
    let end = |account: &Account, debit: &Debit| {
        account.end_debit(debit, Some(&mandate()), &terms(), at(NOW)).map(|moved| moved.account)
    };
    assert_eq!(end(&before, &open), Err(AccountError::StillOpen(DebitId(1))));
    for ended in [paid(&open), exhausted(&open)] {
        let after = end(&before, &ended).unwrap();
        let refused = AccountError::NotTheOpenDebit { debit: DebitId(1), open: None };
        assert_eq!(end(&after, &ended), Err(refused), "twice");
    }
    let other = Debit { debit: DebitId(9), ..paid(&open) };
    let refused = AccountError::NotTheOpenDebit { debit: DebitId(9), open: Some(DebitId(1)) };
    assert_eq!(end(&before, &other), Err(refused), "another debit");
}

#[test]
fn a_debit_of_another_provider_or_amount_is_refused_though_its_number_is_the_same() {
    let (account, open) = account((0, 700, 700));
    let open = open.unwrap();
    let others = Debit { provider: "other".parse().unwrap(), ..open.clone() };
    let less = Debit { amount_fen: Fen::new(699), ..open.clone() };
    let more = Debit { amount_fen: Fen::new(701), ..open };
    for (name, debit) in [("another provider", others), ("less", less), ("more", more)] {
        for ended in [paid(&debit), exhausted(&debit)] {
            let refused = account.end_debit(&ended, Some(&mandate()), &terms(), at(NOW));
            assert!(refused.is_err(), "{name}: {refused:?}");
        }
    }
}

#[test]
fn paying_in_nothing_or_less_is_refused() {
    for fen in [0, -1, i64::MIN] {
        let (account, _) = account((0, 500, 0));
        let refused = moved(&account, None, Recharge(fen), None, &terms());
        assert_eq!(refused, Err(AccountError::NotAPayment(Fen::new(fen))));
    }
}

#[test]
fn an_amount_out_of_range_is_an_error_and_not_a_wrong_figure() {
    for (before, movement) in [
        ((0, i64::MAX, 0), Charge(1)),
        ((i64::MAX, 0, 0), Recharge(1)),
        ((i64::MAX, 0, 0), Charge(-1)),
        ((0, 0, 0), Charge(i64::MIN)),
    ] {
        let (account, _) = account(before);
        let refused = moved(&account, None, movement, Some(&mandate()), &terms()).unwrap_err();
        assert!(matches!(refused, AccountError::Money(_)), "{before:?} {movement:?}: {refused}");
    }
}

#[test]
fn figures_that_contradict_each_other_are_refused() {
    for (stand, accepted) in [
        ((0, 0, 0), true),
        ((500, 0, 0), true),
        ((0, 500, 200), true),
        ((500, 200, 200), true),
        ((-1, 0, 0), false),
        ((0, -1, -1), false),
        ((0, -1, 0), false),
        ((0, 200, 201), false),
        ((0, 200, -1), false),
        ((1, 200, 199), false),
    ] {
        assert_eq!(figures(stand).is_ok(), accepted, "{stand:?}");
    }
}

#[test]
fn an_entry_that_does_not_balance_is_refused() {
    let record = |amounts: [i64; 2]| EntryRecord {
        provider: provider().provider,
        number: 1,
        recorded_at_s: at(NOW),
        cause: Cause::Recharged { reference: "transfer 1".to_owned() },
        postings: [Ledger::Bank, Ledger::Prepaid]
            .into_iter()
            .zip(amounts)
            .map(|(ledger, fen)| Posting { ledger, amount_fen: Fen::new(fen) })
            .collect(),
        opened: None,
    };
    for (amounts, balanced) in [([500, -500], true), ([500, -499], false), ([500, 500], false)] {
        let entry = Entry::try_from(record(amounts));
        assert_eq!(entry.is_ok(), balanced, "{amounts:?}");
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let fen = prop_oneof![1_i64..200, 1_i64..30_000];
    let one = prop_oneof![
        4 => fen.clone().prop_map(Charge),
        1 => Just(Charge(0)),
        2 => fen.clone().prop_map(|fen| Charge(-fen)),
        2 => fen.prop_map(Recharge),
        2 => Just(DebitPaid),
        1 => Just(DebitExhausted),
    ];
    prop::collection::vec(one, 0..60)
}

/// What was moved in all, by ledger.
fn add_entry(totals: &mut BTreeMap<Ledger, i64>, movement: &Movement) {
    for posting in movement.entry.iter().flat_map(|entry| &entry.record().postings) {
        *totals.entry(posting.ledger).or_default() += posting.amount_fen.get();
    }
}

proptest! {
    #[test]
    fn any_movements_keep_the_rules_and_lose_no_money(
        moves in moves(), limit in prop::option::weighted(0.8, 0_i64..30_000),
    ) {
        let mandate =
            limit.map(|limit| Mandate { single_limit_fen: Fen::new(limit), ..mandate() });
        let mut account = Account::new(&provider());
        let mut open: Option<Debit> = None;
        let mut journal = Vec::new();
        let mut totals = BTreeMap::new();
        let (mut charged, mut paid_in, mut withheld) = (0, 0, 0);
        for movement in moves {
            match movement {
                DebitPaid | DebitExhausted if open.is_none() => continue,
                Charge(fen) => charged += fen,
                Recharge(fen) => paid_in += fen,
                DebitPaid => withheld += open.as_ref().map_or(0, |debit| debit.amount_fen.get()),
                DebitExhausted => {}
            }
            let moved =
                moved(&account, open.as_ref(), movement, mandate.as_ref(), &terms()).unwrap();
            check_movement(&account, &moved);
            if matches!(movement, DebitPaid | DebitExhausted) {
                open = None;
            }
            if let Some(debit) = &moved.opened {
                prop_assert!(open.is_none(), "one debit at a time");
                prop_assert!((100..=limit.unwrap()).contains(&debit.amount_fen.get()));
                open = moved.opened.clone();
            }
            add_entry(&mut totals, &moved);
            journal.extend(moved.entry.clone());
            account = moved.account;
        }
        let rebuilt = journal.iter().try_fold(Figures::default(), |all, entry| all.after(entry));
        prop_assert_eq!(rebuilt, Ok(account.figures));
        let total = |ledger: Ledger| totals.get(&ledger).copied().unwrap_or(0);
        prop_assert_eq!(total(Ledger::Revenue), -charged);
        prop_assert_eq!((total(Ledger::Bank), total(Ledger::Alipay)), (paid_in, withheld));
        let (prepaid, receivable, _) = stand(&account.figures);
        prop_assert_eq!(receivable - prepaid, charged - paid_in - withheld);
    }
}
