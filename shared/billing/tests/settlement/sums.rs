//! What a run sums of accounts and statements, for pages.

use steelyard_billing::{
    Account, AccountSums, Age, CHARGES_MAX, Charges, NAMED_MAX, Reference, Request, Share,
    Statement, StatementId,
};
use steelyard_pricing::{
    BillingDay, Fen, Line, LineCause, Rated, RatedToDate, SegmentSpan, VouchersUsed, Yuan,
};

use crate::common::{at, provider};

const YESTERDAY: &str = "2015-05-18";

fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

/// A statement whose lines charge these amounts under rates of a plan.
fn statement(on: &str, plan: &str, lines: &[(Option<&str>, i64)]) -> Statement {
    let (first, rest) = (day(on).month().first_day(), day(on).month().last_day().next());
    let terms = serde_json::from_value(serde_json::json!({ "plan": plan, "version": first }));
    let line = |(rate, amount): &(Option<&str>, i64)| Line {
        segment: first,
        rate: rate.map(|rate| rate.parse().unwrap()),
        because: LineCause::Usage,
        tax: None,
        without: Vec::new(),
        apis: steelyard_pricing::Usage::new(),
        before: RatedToDate::default(),
        after: Rated::default(),
        exact_yuan: Yuan::ZERO,
        rounding_yuan: Yuan::ZERO,
        charge_fen: Fen::new(*amount),
    };
    Statement {
        provider: provider().provider,
        statement: StatementId { day: day(on), supplement: 0 },
        settled_at_s: at("2015-05-19 00:30"),
        segments: vec![SegmentSpan {
            from: first,
            until: rest,
            run_from: None,
            run_until: None,
            tax: None,
            vouchers: VouchersUsed::default(),
            terms: terms.unwrap(),
        }],
        lines: lines.iter().map(line).collect(),
        unpriced: Vec::new(),
        reports: 1,
        changed_days: Vec::new(),
        adjustments: Vec::new(),
        rated_yuan: Yuan::ZERO,
        rounding: steelyard_pricing::Rounding::default(),
        tax_fen: Fen::ZERO,
        charged_before_fen: Fen::ZERO,
        charge_fen: Fen::sum(lines.iter().map(|(_, amount)| Fen::new(*amount))).unwrap(),
        from_prepaid_fen: Fen::ZERO,
        entry: None,
        last_debit: 0,
    }
}

/// An account after it was charged statements, and paid in some money.
fn account(statements: &[Statement], paid_in: i64) -> Account {
    let mut account = Account::new(&provider());
    let now = at("2015-05-19 00:30");
    for of in statements {
        account = account.charge(of.statement, of.charge_fen, now).unwrap().account;
    }
    if paid_in > 0 {
        account =
            account.recharge(Fen::new(paid_in), Reference::new("r").unwrap(), now).unwrap().account;
    }
    account
}

fn share(providers: u64, amount: i64) -> Share {
    Share { providers, amount_fen: Fen::new(amount) }
}

#[test]
fn what_is_owed_is_overdue_from_the_day_after_its_billing_day_on() {
    for (on, age) in [
        ("2015-05-18", Age::NotDue),
        ("2015-05-19", Age::NotDue),
        ("2015-05-17", Age::ToOneWeek),
        ("2015-05-11", Age::ToOneWeek),
        ("2015-05-10", Age::ToOneMonth),
        ("2015-04-18", Age::ToOneMonth),
        ("2015-04-17", Age::ToThreeMonths),
        ("2015-02-17", Age::ToThreeMonths),
        ("2015-02-16", Age::Older),
    ] {
        assert_eq!(Age::of(day(on), day(YESTERDAY)), age, "{on}");
    }
}

#[test]
fn money_pays_the_oldest_first_and_the_ages_sum_to_what_is_owed() {
    let statements = [
        statement("2015-05-01", "p", &[(Some("basic"), 700)]),
        statement("2015-05-17", "p", &[(Some("basic"), 200)]),
        statement("2015-05-18", "p", &[(Some("basic"), 50)]),
    ];
    let old = [(Age::ToOneMonth, share(1, 700)), (Age::ToOneWeek, share(1, 200))];
    let new = (Age::NotDue, share(1, 50));
    for (given, paid, ages) in [
        (0, 0, vec![old[0], old[1], new]),
        (0, 800, vec![(Age::ToOneWeek, share(1, 100)), new]),
        (0, 2_000, vec![]),
        // Only the newest statement was read.
        (2, 0, vec![(Age::Undated, share(1, 900)), new]),
    ] {
        let account = account(&statements, paid);
        let sums = AccountSums::of(
            &account,
            Some(Request::Impossible),
            &statements[given..],
            day(YESTERDAY),
        );
        let sums = sums.unwrap();
        assert_eq!(sums.ages, ages.into_iter().collect(), "{given} {paid}");
        assert_eq!(sums.is_dated(), given == 0);
        assert_eq!(sums.owed.amount_fen, account.figures.receivable());
        assert_eq!(sums.prepaid.amount_fen, account.figures.prepaid());
        assert_eq!((sums.without_mandate, sums.given_up, sums.open_debits), (1, 0, 0));
        let both = sums.plus(&sums).unwrap();
        let of_ages = Fen::sum(both.ages.values().map(|share| share.amount_fen)).unwrap();
        assert_eq!(of_ages, both.owed.amount_fen);
        assert_eq!(both.owed.providers, 2 * sums.owed.providers);
    }
}

#[test]
fn providers_whose_debits_a_person_may_have_to_look_at_are_named_up_to_a_hundred() {
    let owing = account(&[statement("2015-05-18", "p", &[(Some("basic"), 700)])], 0);
    let of = |request| AccountSums::of(&owing, Some(request), &[], day(YESTERDAY)).unwrap();
    assert!(of(Request::Impossible).named.is_empty() && of(Request::Open).named.is_empty());
    let mut sums = of(Request::GivenUp);
    assert_eq!(sums.named, [provider().provider].into());
    for n in 0..NAMED_MAX + 5 {
        let named = [format!("p-{n}").parse().unwrap()].into();
        sums = sums.plus(&AccountSums { named, ..AccountSums::default() }).unwrap();
    }
    assert_eq!(sums.named.len(), NAMED_MAX);
}

#[test]
fn charges_are_told_apart_by_month_plan_and_rate_and_sum_to_the_statements() {
    let statements = [
        statement("2015-04-30", "old", &[(Some("basic"), 5), (None, 100)]),
        statement("2015-05-18", "p", &[(Some("basic"), 7), (Some("messages"), -2)]),
        statement("2015-05-18", "p", &[(Some("basic"), 1), (Some("free"), 0)]),
    ];
    let charges = Charges::of(&statements).unwrap();
    let json = serde_json::to_string(&charges).unwrap();
    let expected = expect_test::expect![[
        r#"{"2015-04":{"rates":{"old":{"basic":5}},"plans":{"old":100}},"2015-05":{"rates":{"p":{"basic":8,"messages":-2}}}}"#
    ]];
    expected.assert_eq(&json);
    assert_eq!(serde_json::from_str::<Charges>(&json).unwrap(), charges);
    assert_eq!(charges.sum_fen(), Statement::sum_fen(&statements));
    let halves = statements.split_at(1);
    let sum = Charges::of(halves.0).unwrap().plus(&Charges::of(halves.1).unwrap());
    assert_eq!(sum.unwrap(), charges);
}

#[test]
fn charges_of_too_many_rates_are_told_apart_no_further_and_lost_never() {
    let names = (0..CHARGES_MAX + 20).map(|n| format!("rate-{n:03}")).collect::<Vec<_>>();
    let lines = names.iter().map(|name| (Some(&**name), 3)).collect::<Vec<_>>();
    let once = Charges::of(&[statement("2015-05-18", "p", &lines)]).unwrap();
    let twice = once.plus(&once).unwrap();
    for (charges, times) in [(&once, 1), (&twice, 2)] {
        let [(_, month)] = &charges.months().collect::<Vec<_>>()[..] else { panic!("{charges:?}") };
        assert_eq!(month.rates.values().flatten().count(), CHARGES_MAX);
        assert_eq!(month.other_fen, Fen::new(60 * times));
        assert_eq!(charges.sum_fen().unwrap(), Fen::new(360 * times));
    }
}
