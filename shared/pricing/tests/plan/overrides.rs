//! Overrides, alone and with the plan that they change.

use expect_test::expect;
use steelyard_pricing::{Override, Plan};

use crate::documents::{Changes, FORM_OVERRIDES, over, plan};
use crate::{faults, refused_override};

/// Overrides that break rules, alone or with the plan.
pub(crate) const BROKEN_OVERRIDES: &[Changes] = &[
    &["price"],
    &["price", "rate"],
    &["rate"],
    &[r#"rate = "b""#],
    &[r#"until = "2015-05-10""#],
    &[r#"price.unit_price = "-1""#],
    &[
        r#"price = { "model": "graduated", "tiers": [{ "up_to": 0, "unit_price": "1" }] }"#,
        r#"rate = "b""#,
        r#"until = "2015-05-01""#,
    ],
    &[r#"price.unit_price = "2500.0000000001""#],
    &[r#"override = "welcome""#, "price", r#"discount_percent = "5""#],
    &["price", r#"deposit = { "amount": "-1", "due_after_days": 400 }"#],
];

#[test]
fn an_overrides_wrong_form_is_told_by_its_path() {
    expect![[r#"
        override
            override: is missing, and must be given
        from
            from: is missing, and must be given
        until = null
            until: is null; leave it out, or give a text
        percent = 5
            percent: is not a field here; the fields are override, from, until, rate, price, free_on_top, discount_percent, discount_amount, discount_given, discount_remainder, deposit
        free_on_top = 0.5
            free_on_top: is the number 0.5; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
        discount_percent = 5
            discount_percent: is the number 5; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
        rate = "A"
            rate: `A` is not a name of 1 to 64 of a-z, 0-9, - and _
        price.unit_price = 0.5
            price.unit_price: is the number 0.5; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        price = { "model": "volume", "tiers": [{ "unit_price": "1" }, { "unit_price": 1 }] }
            price.tiers[1].unit_price: is the number 1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
    "#]]
    .assert_eq(&faults(FORM_OVERRIDES, refused_override));
}

#[test]
fn an_override_that_fits_no_plan_is_told_by_its_path() {
    expect![[r#"
        price
            changes nothing; give a price, free_on_top, a discount or a deposit
        price
        rate
            changes nothing; give a price, free_on_top, a discount or a deposit
        rate
            rate: must be given, since prices belong to rates
        rate = "b"
            rate: the plan has no rate `b`; name one that it has
        until = "2015-05-10"
            until: must be after the day from which it holds
        price.unit_price = "-1"
            price.unit_price: -1 is negative; a price is nothing or more
        price = { "model": "graduated", "tiers": [{ "up_to": 0, "unit_price": "1" }] }
        rate = "b"
        until = "2015-05-01"
            until: must be after the day from which it holds
            rate: the plan has no rate `b`; name one that it has
            price.tiers[0].up_to: must be left out in the last tier, which has no end
        price.unit_price = "2500.0000000001"
            rates[0].price: all that can be counted comes to 250000000000010 yuan with 10 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
        override = "welcome"
        price
        discount_percent = "5"
            rates[0].discounts[1].discount: `welcome` is the name of another one already; give each its own
        price
        deposit = { "amount": "-1", "due_after_days": 400 }
            deposit.amount: -1 is negative; a price is nothing or more
            deposit.due_after_days: must be at most 366
            deposit: is of the plan as a whole; leave the rate out beside it
    "#]]
    .assert_eq(&faults(BROKEN_OVERRIDES, refused_override));
}

#[test]
fn an_override_changes_what_it_names_and_nothing_else() {
    let applied = |changes: Changes, before: &[&str]| {
        let before = Plan::read(&plan(before)).unwrap();
        let over = Override::read(&over(changes)).unwrap();
        serde_json::to_value(over.applied_to(&before).unwrap()).unwrap()
    };
    let expected =
        |changes: &[&str]| serde_json::to_value(Plan::read(&plan(changes)).unwrap()).unwrap();
    for (changes, before, after) in [
        (&[][..], &[][..], &[r#"rates[0].price.unit_price = "0.5""#][..]),
        (
            &["price", "free_on_top = 5"],
            &["rates[0].free_per_month = 10"],
            &["rates[0].free_per_month = 15"],
        ),
        (
            &["price", "free_on_top = 5"],
            &["rates[0].free_per_day = 10"],
            &["rates[0].free_per_day = 15"],
        ),
        (&["price", "free_on_top = 5"], &[], &["rates[0].free_per_month = 5"]),
        (&["price", "rate", "free_on_top = 5"], &["free_per_day = 1"], &["free_per_day = 6"]),
        (
            &["price", r#"discount_percent = "5""#],
            &[],
            &[r#"rates[0].discounts = [{ "discount": "o", "percent": "5" }]"#],
        ),
        (
            &["price", "rate", r#"deposit = { "amount": "5", "due_after_days": 1 }"#],
            &[r#"deposit = { "amount": "500", "due_after_days": 30 }"#],
            &[r#"deposit = { "amount": "5", "due_after_days": 1 }"#],
        ),
        (
            &["price", "rate", r#"discount_percent = "5""#],
            &[r#"discounts = [{ "discount": "a", "percent": "1" }]"#],
            &[
                r#"discounts = [{ "discount": "a", "percent": "1" }, { "discount": "o", "percent": "5" }]"#,
            ],
        ),
    ] {
        assert_eq!(applied(changes, before), expected(after), "{changes:?}");
    }
}

#[test]
fn an_override_holds_from_its_first_day_up_to_the_day_on_which_it_ends() {
    let over = Override::read(&over(&[r#"until = "2015-05-12""#])).unwrap();
    for (day, holds) in
        [("2015-05-09", false), ("2015-05-10", true), ("2015-05-11", true), ("2015-05-12", false)]
    {
        assert_eq!(over.holds_on(day.parse().unwrap()), holds, "{day}");
    }
}
