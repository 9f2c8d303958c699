//! The days whose charges are still owed, and those that a debit collects: money pays the oldest
//! first.

use steelyard_billing::{Statement, StatementId, days_collected, still_owed};
use steelyard_pricing::{Fen, Rounding, Yuan};

use crate::common::{at, provider};

/// A statement that charges this much, of which the prepaid balance paid some.
fn statement(id: &str, charge: i64, from_prepaid: i64) -> Statement {
    Statement {
        provider: provider().provider,
        statement: id.parse::<StatementId>().unwrap(),
        settled_at_s: at("2015-06-01 00:30"),
        segments: Vec::new(),
        lines: Vec::new(),
        unpriced: Vec::new(),
        reports: 0,
        changed_days: Vec::new(),
        adjustments: Vec::new(),
        rated_yuan: Yuan::default(),
        rounding: Rounding::default(),
        tax_fen: Fen::ZERO,
        charged_before_fen: Fen::ZERO,
        charge_fen: Fen::new(charge),
        from_prepaid_fen: Fen::new(from_prepaid),
        entry: None,
        last_debit: 0,
    }
}

#[test]
fn what_is_owed_is_of_the_newest_statements_since_money_pays_the_oldest_first() {
    let all = [
        statement("2015-05-14", 500, 500),
        statement("2015-05-15", 300, 100),
        statement("2015-05-16", -50, 0),
        statement("2015-05-17", 400, 0),
    ];
    for (receivable, owed) in [
        (0, [0, 0, 0, 0]),
        (150, [0, 0, 0, 150]),
        (400, [0, 0, 0, 400]),
        (550, [0, 150, 0, 400]),
        (600, [0, 200, 0, 400]),
        // More than was charged is owed of none: Alipay gave back what was paid before.
        (900, [0, 200, 0, 400]),
    ] {
        let found = still_owed(&all, Fen::new(receivable)).unwrap();
        assert_eq!(found, owed.map(Fen::new), "{receivable}");
    }
}

#[test]
fn a_debit_collects_the_oldest_days_that_are_still_owed() {
    let all = [
        statement("2015-05-13", 700, 0),
        statement("2015-05-14", 500, 500),
        statement("2015-05-15", 300, 100),
        statement("2015-05-16", -50, 0),
        statement("2015-05-17", 400, 0),
        statement("2015-05-31+1", 50, 0),
    ];
    for (receivable, amount, days) in [
        (0, 100, None),
        (650, 0, None),
        // All of it: from the oldest day owed to the last.
        (650, 650, Some(("05-15", "05-31"))),
        // One debit's limit: the oldest days only.
        (650, 1, Some(("05-15", "05-15"))),
        (650, 200, Some(("05-15", "05-15"))),
        (650, 201, Some(("05-15", "05-17"))),
        (650, 600, Some(("05-15", "05-17"))),
        (650, 601, Some(("05-15", "05-31"))),
        // Part of a day was paid before.
        (500, 50, Some(("05-15", "05-15"))),
        (500, 51, Some(("05-15", "05-17"))),
        (450, 450, Some(("05-17", "05-31"))),
        (30, 30, Some(("05-31", "05-31"))),
        (1_350, 1_350, Some(("05-13", "05-31"))),
        // More is owed than was charged, and collected with the oldest days.
        (2_000, 1_000, Some(("05-13", "05-17"))),
    ] {
        let found = days_collected(&all, Fen::new(receivable), Fen::new(amount)).unwrap();
        let day = |text: &str| format!("2015-{text}").parse().unwrap();
        let expected = days.map(|(from, through)| (day(from), day(through)));
        assert_eq!(found, expected, "{amount} of {receivable}");
    }
}

#[test]
fn a_debit_of_what_no_statement_charged_names_no_day() {
    assert_eq!(days_collected(&[], Fen::new(500), Fen::new(500)), Ok(None));
    let paid = [statement("2015-05-17", 400, 400), statement("2015-05-18", -10, 0)];
    assert_eq!(days_collected(&paid, Fen::new(500), Fen::new(500)), Ok(None));
}
