//! Every calculation on a bill can be keyed in from top to bottom, whatever the plan.
//!
//! A small pocket calculator reads the rows as they are printed: the numbers of the cells and of
//! the words before them, and nothing else.

use std::collections::BTreeMap;

use askama::Template;
use rust_decimal::{Decimal, RoundingStrategy};
use steelyard_billing::{Account, PlanAssignment, Statement};
use steelyard_pages::Lang;
use steelyard_pages::bill::{DayBillPage, MonthBill, MonthBillPage};
use steelyard_pricing::{Amount, BillingMonth, Catalog, Metered, Plan, Usage, Yuan};

use crate::month::{Month, at, day, provider, rules};

/// A row as it is printed: words, operator, value.
#[derive(Debug)]
struct Row {
    words: String,
    operator: String,
    value: Decimal,
}

fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for character in html.chars() {
        match character {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => text.push(character),
            _ => {}
        }
    }
    text
}

fn number(text: &str) -> Option<Decimal> {
    let text = text.trim().replace([',', '¥'], "").replace('−', "-");
    text.parse().ok()
}

/// The rows of each strip of a page.
fn strips(html: &str) -> Vec<Vec<Row>> {
    let tables = html.split("<div class=\"strip\">").skip(1);
    let table = |rest: &str| rest.split("</table>").next().unwrap().to_owned();
    tables.map(table).map(|table| rows(&table)).collect()
}

fn rows(table: &str) -> Vec<Row> {
    let cell = |row: &str, place: usize| {
        let cells = row.split("<td").nth(place).unwrap();
        without_tags(cells.split_once('>').unwrap().1.split("</td>").next().unwrap())
    };
    let row = |row: &str| Row {
        words: without_tags(
            row.split("</th>").next().unwrap().split_once("scope=\"row\">").unwrap().1,
        ),
        operator: cell(row, 1),
        value: number(&cell(row, 2)).unwrap(),
    };
    table.split("<tr").skip(1).map(row).collect()
}

/// Keys the rows in and compares every result with what is printed.
fn key_in(rows: &[Row], of: &str) -> Decimal {
    let mut result = Decimal::ZERO;
    for row in rows {
        check_words(row, result, of);
        match row.operator.as_str() {
            "" => result = row.value,
            "+" => result += row.value,
            "−" => result -= row.value,
            "×" => result *= row.value,
            "÷" => result /= row.value,
            "=" => {
                assert_eq!(rounded(result, &row.words), row.value, "{of}: {row:?}\n{rows:#?}");
                result = row.value;
            }
            other => panic!("{of}: operator {other}"),
        }
    }
    result
}

fn rounded(exact: Decimal, words: &str) -> Decimal {
    let to = |strategy| exact.round_dp_with_strategy(2, strategy);
    match words {
        "units, rounded up" => exact.ceil(),
        "units, rounded down" => exact.floor(),
        "units, rounded half up" => {
            exact.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        }
        "units, rounded half to even" => {
            exact.round_dp_with_strategy(0, RoundingStrategy::MidpointNearestEven)
        }
        "together, rounded half up" => to(RoundingStrategy::MidpointAwayFromZero),
        "together, rounded half to even" => to(RoundingStrategy::MidpointNearestEven),
        "together, rounded up" => to(RoundingStrategy::AwayFromZero),
        "together, rounded down" => to(RoundingStrategy::ToZero),
        _ => exact,
    }
}

/// What the words of a row say of its value: a product, a percentage, a limit.
fn check_words(row: &Row, result: Decimal, of: &str) {
    let Row { words, value, .. } = row;
    let words = words.strip_prefix("for each call: ").unwrap_or(words);
    if let Some((count, price)) = words.split_once(" × ") {
        let price = match price.strip_suffix('%') {
            Some(percent) => number(percent).unwrap() / Decimal::ONE_HUNDRED,
            None => number(price).unwrap(),
        };
        assert_eq!((counted(count) * price).normalize(), value.normalize(), "{of}: {row:?}");
    } else if let Some((percent, "tax, to the nearest fen")) = words.split_once("% ") {
        let tax = result * number(percent).unwrap() / Decimal::ONE_HUNDRED;
        let tax = rounded(tax, "together, rounded half up");
        assert_eq!(tax.normalize(), value.normalize(), "{of}: {row:?}");
    } else if let Some((_, share)) = words.split_once(", ").filter(|(_, share)| share.contains('%'))
    {
        let (percent, rest) = share.split_once('%').unwrap();
        let base = rest.strip_prefix(" of ").map_or(result, |base| {
            number(base.strip_suffix(", no more than is left").unwrap_or(base)).unwrap()
        });
        let off = base * number(percent).unwrap() / Decimal::ONE_HUNDRED;
        let off = if rest.ends_with("left") { off.min(result) } else { off };
        assert_eq!(off.normalize(), value.normalize(), "{of}: {row:?}");
    } else if let Some((amount, used)) =
        words.split_once(", up to ").and_then(|(_, amount)| amount.split_once(" a month"))
    {
        let used = used.strip_prefix(", with ").map_or(Decimal::ZERO, |used| {
            number(used.strip_suffix(" for earlier days").unwrap()).unwrap()
        });
        let off = (number(amount).unwrap() - used).min(result);
        assert_eq!(off.normalize(), value.normalize(), "{of}: {row:?}");
    } else if let Some(most) = words.strip_prefix("above the cap of ") {
        assert_eq!(result - value, number(most).unwrap(), "{of}: {row:?}");
    } else if let Some(least) = words.strip_prefix("up to the minimum of ") {
        let least = least.split_once(", as").unwrap().0;
        assert_eq!(result + value, number(least).unwrap(), "{of}: {row:?}");
    }
}

/// `8,528,858`, or `8,528,858 ÷ 100, rounded up: 85,289`.
fn counted(words: &str) -> Decimal {
    let Some((division, count)) = words.split_once(": ") else { return number(words).unwrap() };
    let (units, rest) = division.split_once(" ÷ ").unwrap();
    let (size, rule) = rest.rsplit_once(", rounded ").unwrap();
    let exact = number(units).unwrap() / number(size).unwrap();
    let count = number(count).unwrap();
    let whole = rounded(exact, &format!("units, rounded {rule}"));
    assert_eq!(whole, count, "{words}");
    count
}

/// Settles three weeks, the end of the month and a supplement by a plan, and keys in every bill.
fn check(plan: &str) {
    let plan = Plan::read(plan).unwrap_or_else(|error| panic!("{plan}: {error:?}"));
    let name = plan.name().to_string();
    let from = plan.effective_from().max(day("2015-01-01")).month();
    let mut month = Month {
        provider: steelyard_billing::Provider {
            plans: vec![PlanAssignment { from: from.first_day(), plan: plan.name().clone() }],
            billed_from: from,
            ..provider()
        },
        account: Account::new(&provider()),
        plans: Catalog::from_iter([plan]),
        rules: rules(),
        now: at("2015-06-01T00:30"),
        statements: Vec::new(),
        coming: Vec::new(),
    };
    month.account.open_from = from;
    for number in [1_i8, 2, 3, 9, 17, 18, from.days().try_into().unwrap()] {
        let of = from.day(number).unwrap();
        let mut read = BTreeMap::from([(of, calls(number))]);
        if number == 18 {
            // More of the seventeenth arrives.
            read.insert(from.day(17).unwrap(), calls(17).plus(&calls(2)).unwrap());
        }
        let night = format!("{}T00:30", of.next());
        let made = month.night(&read, at(&night));
        month.statements.extend(made);
        month.now = at(&night);
    }
    for statement in &month.statements {
        check_bill(&month, statement, &name);
    }
    assert!(month.statements.len() >= 7, "{name}");
    check_month(&month, from, &name);
}

/// Keys in the calculations of each rate on the bill of a month: they sum to its charge.
fn check_month(month: &Month, of: BillingMonth, name: &str) {
    let bill = MonthBill::new(month.records(), of, &month.statements).unwrap();
    let frame = month.frame(Lang::En, "bills/x");
    let html = MonthBillPage::new(&frame, &month.rules.calendar, &bill).render().unwrap();
    let strips = strips(&html);
    let (payment, mut rest) = strips.split_first().unwrap();
    let of = format!("{name}, {of}");
    key_in(payment, &of);
    for rate in bill.rates.iter().filter(|rate| !rate.calculations.is_empty()) {
        let (own, others) = rest.split_at(rate.calculations.len());
        rest = others;
        let sum = own.iter().map(|rows| key_in(rows, &of)).sum::<Decimal>();
        assert_eq!(sum, Yuan::from(rate.charge_fen).decimal(), "{of}: {own:#?}");
    }
    assert!(rest.is_empty(), "{of}: {rest:#?}");
}

fn check_bill(month: &Month, statement: &Statement, name: &str) {
    let bill = month.bill_of(statement);
    for lang in Lang::ALL {
        let frame = month.frame(lang, "bills/x");
        let html = DayBillPage::new(&frame, &month.rules.calendar, &bill).render().unwrap();
        if lang == Lang::Zh {
            assert_eq!(strips(&html).len(), statement.lines.len() + 2);
            continue;
        }
        let strips = strips(&html);
        let of = format!("{name}, {}", statement.statement);
        let (payment, rest) = strips.split_first().unwrap();
        let (charge, lines) = rest.split_last().unwrap();
        key_in(payment, &of);
        assert_eq!(key_in(charge, &of), Yuan::from(statement.charge_fen).decimal(), "{of}");
        let shown = bill.parts.iter().flat_map(|part| &part.lines);
        assert_eq!(lines.len(), statement.lines.len(), "{of}");
        for (line, rows) in shown.zip(lines) {
            let result = key_in(rows, &of);
            assert_eq!(result, Yuan::from(line.charge_fen).decimal(), "{of}: {rows:#?}");
        }
    }
}

/// Calls and amounts of a day, uneven on purpose.
fn calls(number: i8) -> Usage {
    let number = u64::from(number.unsigned_abs());
    let amount = |cents: u64| Amount::new(Decimal::new(i64::try_from(cents).unwrap(), 3)).unwrap();
    [
        ("taobao.item.get", 70_001 * number + 37, 1_234_567 * number),
        ("vas.sms.send", 9_973 * number, 77_771),
        ("outside.vas.x", 331 + number, 0),
        ("outside.y", 12_345, 10),
    ]
    .into_iter()
    .map(|(api, calls, cents)| {
        let calls = Metered { amount: amount(cents), ..Metered::calls(calls) };
        (api.parse().unwrap(), calls)
    })
    .collect()
}

#[test]
fn the_strips_of_every_plan_in_the_repository_can_be_keyed_in() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plans");
    let mut plans = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if !path.to_string_lossy().ends_with("schema.json") {
            check(&std::fs::read_to_string(&path).unwrap());
            plans += 1;
        }
    }
    assert!(plans >= 6);
}

#[test]
fn the_strips_of_every_price_model_can_be_keyed_in() {
    for price in [
        r#"{"model": "per_unit", "unit_price": "0.0000123"}"#,
        r#"{"model": "package", "size": 100, "price": "0.018", "free_units": 1000}"#,
        r#"{"model": "package", "size": "33.5", "price": "0.05", "charged": "full"}"#,
        r#"{"model": "package", "size": 4, "price": "0.05", "charged": "half_up"}"#,
        r#"{"model": "package", "size": 4, "price": "0.05", "charged": "half_even"}"#,
        r#"{"model": "graduated", "flat_fee_at_zero_usage": true, "tiers": [
            {"up_to": 100000, "unit_price": "0.0003", "flat_fee": "5"},
            {"up_to": 1000000, "unit_price": "0.0002", "flat_fee": "1.25"}, {"unit_price": "0.00008"}]}"#,
        r#"{"model": "volume", "tiers": [
            {"up_to": 300000, "unit_price": "0.0003", "flat_fee": "2"}, {"unit_price": "0.00011"}]}"#,
        r#"{"model": "block", "tiers": [
            {"size": 1000, "blocks": 200, "price": "0.3"}, {"size": 7000, "price": "1.7"}]}"#,
        r#"{"model": "block", "policy": "top_tier", "tiers": [
            {"size": 1000, "blocks": 200, "price": "0.3"}, {"size": 7000, "price": "1.7"}]}"#,
        r#"{"model": "percentage", "percent": "0.6", "free_amount": 1000, "fee_per_call": "0.00001"}"#,
        r#"{"model": "percentage", "percent": "0.6", "fee_per_call": "0.00001", "free_calls": 300000}"#,
        r#"{"model": "graduated_percentage", "fee_per_call": "0.00002", "free_calls": 1000, "tiers": [
            {"up_to": 5000, "percent": "1.5", "flat_fee": "3"}, {"percent": "0.25"}]}"#,
    ] {
        for around in [
            r#""#,
            r#""free_per_month": 150000,"#,
            r#""free_per_day": 20000,"#,
            r#""conversion": {"multiply": 3, "divide": 7, "round": "up"},"#,
            r#""conversion": {"divide": 8}, "free_per_month": 10000,"#,
            r#""conversion": {"divide": 4}, "free_per_day": 300,"#,
            r#""conversion": {"divide": 3, "round": "down"},"#,
            r#""conversion": {"divide": 8, "round": "half_up"},"#,
            r#""conversion": {"divide": 8, "round": "half_even"},"#,
            r#""discounts": [{"discount": "one", "percent": "20"}, {"discount": "two", "percent": "33"}],"#,
            r#""discounts": [{"discount": "a", "percent": "60"}, {"discount": "b", "percent": "70", "of": "list"}],"#,
            r#""discounts": [{"discount": "v", "amount": "3.5"}, {"discount": "p", "percent": "5"}],"#,
            r#""maximum": "31.47","#,
            r#""minimum": "999.99", "discounts": [{"discount": "x", "percent": "5"}],"#,
        ] {
            check(&format!(
                r#"{{"plan": "made", "effective_from": "2015-01-01", "rates": [
                    {{"rate": "all", "apis": ["*"], {around} "price": {price}}}]}}"#
            ));
        }
    }
}

#[test]
fn the_strips_of_what_a_plan_does_to_the_sum_of_its_rates_can_be_keyed_in() {
    for rules in [
        r#""discounts": [{"discount": "whole", "percent": "12.5"}]"#,
        r#""maximum": "50""#,
        r#""minimum": "5000", "rounding": "up""#,
        r#""free_per_month": 100000, "rounding": "half_even""#,
        r#""free_per_day": 5000, "rounding": "down", "discounts": [{"discount": "w", "percent": "1"}]"#,
        r#""conversion": {"divide": 1000, "round": "up"}"#,
        r#""tax": {"percent": "6", "behavior": "exclusive"}, "minimum": "5000""#,
        r#""tax": {"percent": "0.3", "behavior": "exclusive"}, "rounding": "half_even""#,
        r#""tax": {"percent": "13", "behavior": "inclusive"}"#,
        r#""discounts": [{"discount": "v", "amount": "12.34"}, {"discount": "p", "percent": "5"}]"#,
    ] {
        // An allowance by the month is not one by the day too.
        let free = if rules.contains("per_day") { "" } else { r#""free_per_month": 1000,"# };
        check(&format!(
            r#"{{"plan": "sums", "effective_from": "2015-01-01", {rules}, "rates": [
                {{"rate": "basic", "apis": ["taobao.*"], {free}
                  "price": {{"model": "per_unit", "unit_price": "0.00017"}}}},
                {{"rate": "value-added", "apis": ["vas.*"], "discounts": [{{"discount": "d", "percent": "10"}}],
                  "price": {{"model": "per_unit", "unit_price": "0.0003"}}}}]}}"#
        ));
    }
}

#[test]
fn the_strips_of_a_month_with_late_usage_can_be_keyed_in() {
    let month = Month::of_may_2015();
    for statement in &month.statements {
        check_bill(&month, statement, "open-2015");
    }
    check_month(&month, "2015-04".parse().unwrap(), "open-2015");
    check_month(&month, "2015-05".parse().unwrap(), "open-2015");
}

#[test]
fn the_strips_of_changed_terms_and_a_void_can_be_keyed_in() {
    let month = crate::costs::changing_month();
    for statement in &month.statements {
        check_bill(&month, statement, "changing");
    }
    check_month(&month, "2015-05".parse().unwrap(), "changing");
}
