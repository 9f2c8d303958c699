//! Quotes on top of a month to date: what is quoted is billed, to the fen, if it is reported.

use axum::http::Method;
use serde_json::{Value, json};
use steelyard_billing::Statement;
use steelyard_quote::QUOTES_PATH;
use steelyard_tests::{Answer, PLAN, Platform, record, record_of_amount, report};

use super::{platform, request};

/// A month of `b` up to the 18th at noon: settled through the 17th, and something counted today.
///
/// From the 16th to the 20th `b` has a discount. Of 1,000 free calls it has used 840.
async fn month() -> Platform {
    let platform = platform().await;
    for (number, day, taobao, vas, sales) in
        [(1, "2015-05-03", 700, 100, "10.10"), (2, "2015-05-16", 100, 101, "1234.56")]
    {
        platform.set(&format!("{day}T20:00"));
        send(&platform, &number.to_string(), day, taobao, vas, sales).await;
    }
    platform.run_until("2015-05-18T01:00").await;
    platform.set("2015-05-18T11:00");
    send(&platform, "3", "2015-05-18", 40, 70, "0.55").await;
    platform.set("2015-05-18T12:00");
    platform
}

async fn send(platform: &Platform, id: &str, day: &str, taobao: u64, vas: u64, sales: &str) {
    let records = [
        record("b", "taobao.get", day, taobao),
        record("b", "vas.sms", day, vas),
        record_of_amount("b", "sales", day, 3, sales),
        record("b", "other.get", day, 2),
    ];
    let answer = platform.post(&report(id, &records)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Calls of three rates and of none, which cross an allowance and a tier.
fn asked() -> Value {
    json!({
        "provider": "b", "on_top_of": "month_to_date",
        "usage": { "taobao.get": 500, "vas.sms": 33, "other.get": 2,
                   "sales": { "calls": 3, "amount": "777.77" } }
    })
}

async fn ask(platform: &Platform, asked: &Value) -> Answer {
    request(platform, Method::POST, QUOTES_PATH, asked.to_string().as_bytes()).await
}

async fn quote(platform: &Platform, asked: &Value) -> Value {
    let answer = ask(platform, asked).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    answer.body
}

fn fen(quote: &Value, figure: &str) -> i64 {
    quote.pointer(figure).and_then(Value::as_i64).unwrap()
}

/// What the statements of May charged for usage.
fn of_may(statements: &[Statement]) -> i64 {
    let of_may = statements.iter().filter(|s| s.statement.day.month().to_string() == "2015-05");
    of_may.map(|statement| statement.usage_fen().unwrap().get()).sum()
}

#[tokio::test]
async fn what_is_quoted_on_top_of_a_month_is_billed_to_the_fen_if_it_is_reported() {
    let platform = month().await;
    let settled = of_may(&platform.statements("b").await);
    let quote = quote(&platform, &asked()).await;
    assert_eq!(fen(&quote, "/month_to_date/settled_fen"), settled);
    assert_eq!(quote["month_to_date"]["settled_through"], "2015-05-16");
    assert_eq!(fen(&quote, "/month_to_date/as_of_s"), platform.stack.clock.now().as_second());
    let coming = fen(&quote, "/month_to_date/coming_fen");
    let adds = fen(&quote, "/adds_fen");
    // Of 1,000 free calls 840 were used: of 500 more, 160 are free, 333 cost 0.01234 and the fee of
    // 1, and 7 cost 0.01567. One package more is begun, 777.77 cost 2.5%, and 12.5% are off:
    // 24.96816 − 3.12102 = 21.84714, as the month's rounding has it.
    assert!(coming > 0 && (2_184..=2_185).contains(&adds), "{quote}");

    let lines = quote["lines"].as_array().unwrap();
    let of = |rate: &str| lines.iter().find(|line| line["rate"] == rate).unwrap();
    assert_eq!(of("calls")["so_far"]["metered"], 140);
    assert_eq!(of("calls")["after"]["metered"], 640);
    assert_eq!(of("calls")["tiers_passed"], json!(["333"]));
    assert_eq!(of("calls")["allowance_passed"], true);
    let plan = lines.iter().find(|line| line["rate"].is_null()).unwrap();
    assert_eq!(plan["after"]["discounts"][0]["percent"], "12.5");
    assert_eq!(of("sales")["after"]["slices"][0]["per"], "yuan");
    assert_eq!(of("sms")["tiers_passed"], json!([]));
    let charged = lines.iter().map(|line| line["charge_fen"].as_i64().unwrap());
    assert_eq!(charged.sum::<i64>(), adds, "the lines sum to the whole");
    assert_eq!(quote["unpriced"][0]["apis"], json!({ "other.get": 2 }));

    // The very same usage is reported, and the night settles it.
    send(&platform, "4", "2015-05-18", 500, 33, "777.77").await;
    platform.run_until("2015-05-19T01:00").await;
    platform.books_balance().await;
    let statements = platform.statements("b").await;
    let last = statements.last().unwrap();
    assert_eq!(last.statement.to_string(), "2015-05-18");
    assert_eq!(last.charge_fen.get() - coming, adds, "what was quoted");
    assert_eq!(of_may(&statements), fen(&quote, "/month_fen"));
}

#[tokio::test]
async fn what_is_quoted_on_the_last_day_has_what_is_due_at_its_end_once() {
    let platform = month().await;
    platform.run_until("2015-05-31T12:00").await;
    let quote = quote(&platform, &asked()).await;
    let (coming, adds) = (fen(&quote, "/month_to_date/coming_fen"), fen(&quote, "/adds_fen"));
    assert_eq!(fen(&quote, "/month_to_date/so_far_fen"), 50_000, "the minimum");
    send(&platform, "4", "2015-05-31", 500, 33, "777.77").await;
    platform.run_until("2015-06-01T01:00").await;
    let statements = platform.statements("b").await;
    assert_eq!(statements.last().unwrap().charge_fen.get() - coming, adds);
    assert_eq!(of_may(&statements), fen(&quote, "/month_fen"));
}

#[tokio::test]
async fn late_usage_of_settled_days_is_in_the_month_to_date() {
    let platform = month().await;
    send(&platform, "late", "2015-05-16", 300, 5, "1.00").await;
    let before = quote(&platform, &asked()).await;
    let plain = month().await;
    let without = quote(&plain, &asked()).await;
    assert_eq!(before["month_to_date"]["settled_fen"], without["month_to_date"]["settled_fen"]);
    assert!(fen(&before, "/month_to_date/coming_fen") > fen(&without, "/month_to_date/coming_fen"));
    send(&platform, "4", "2015-05-18", 500, 33, "777.77").await;
    platform.run_until("2015-05-19T01:00").await;
    assert_eq!(of_may(&platform.statements("b").await), fen(&before, "/month_fen"));
}

#[tokio::test]
async fn month_is_set_beside_what_it_would_cost_under_another_plan() {
    let platform = month().await;
    let mut asked = asked();
    asked["plan"] = json!(PLAN);
    let quote = quote(&platform, &asked).await;
    let plans = quote["plans"].as_array().unwrap();
    let names = plans.iter().map(|plan| [&plan["plan"], &plan["is_own"]]).collect::<Vec<_>>();
    assert_eq!(names, [[&json!("shares"), &json!(true)], [&json!(PLAN), &json!(false)]]);
    assert_eq!(plans[0]["overrides"], json!(["goodwill"]));
    assert_eq!(fen(&plans[0], "/so_far_fen"), 50_000, "a month that ends has its minimum");
    // Everything is within the allowances of the plan of 2014.
    let free = ["/alone_fen", "/so_far_fen", "/month_fen"].map(|figure| fen(&plans[1], figure));
    assert_eq!(free, [0, 0, 0]);
    // The draft need not be stored: 0.01 for each call of the month, and of today's.
    asked["plan"] = json!({ "plan": "draft", "effective_from": "2015-05-18", "rates": [
        { "rate": "all", "apis": ["taobao.*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] });
    let answer = ask(&platform, &asked).await;
    let drafted = ["/alone_fen", "/so_far_fen", "/month_fen"];
    let drafted = drafted.map(|figure| fen(&answer.body["plans"][1], figure));
    assert_eq!(drafted, [500, 840, 1_340]);
}

#[tokio::test]
async fn quote_on_top_that_cannot_be_given_says_why() {
    let platform = month().await;
    let with = |field: &str, value: Value| {
        let mut asked = asked();
        asked[field] = value;
        asked
    };
    let mut nobodys = asked();
    nobodys.as_object_mut().unwrap().remove("provider");
    for (asked, status, kind, detail) in [
        (nobodys, 400, "malformed-request", "`on_top_of` needs a `provider`"),
        (with("on_top_of", json!("year")), 400, "malformed-request", "on_top_of: "),
        (with("month", json!("2015-05")), 400, "malformed-request", "leave `month` out"),
        (
            with("usage", json!({ "2015-05-18": { "vas.sms": 1 } })),
            400,
            "malformed-request",
            "give counts without days",
        ),
        (with("provider", json!("none")), 404, "no-provider", "`none` is not registered"),
        (with("plan", json!("none")), 404, "no-plan", "there is no plan `none` in force"),
        (
            with("usage", json!({ "taobao.get": 99_999_999_999_u64 })),
            422,
            "cannot-price",
            "the most that are counted",
        ),
    ] {
        let answer = ask(&platform, &asked).await;
        assert_eq!(answer.status, status, "{asked}: {answer:?}");
        assert_eq!(answer.body["type"], format!("tag:steelyard,2026:{kind}"), "{asked}");
        let told = answer.body["detail"].as_str().unwrap();
        assert!(told.contains(detail), "`{detail}` in: {told}");
    }
}
