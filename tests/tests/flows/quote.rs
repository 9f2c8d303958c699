//! Quotes: the figures of the bill, for usage that nobody made yet, and nothing is written.

mod on_top;
mod refusals;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_billing::PlanAssignment;
use steelyard_local_stack::http_event;
use steelyard_pricing::{BillingDay, Override};
use steelyard_quote::QUOTES_PATH;
use steelyard_tests::{Answer, PLAN, Platform, record, record_of_amount, report};

/// Three rates, one of them a share of an amount, and a minimum; `other.` APIs have no price.
const SHARES: &str = r#"{ "plan": "shares", "effective_from": "2015-04-01", "minimum": "500",
  "rates": [
    { "rate": "calls", "apis": ["taobao.*"], "free_per_month": 1000,
      "price": { "model": "graduated", "tiers": [
        { "up_to": 333, "unit_price": "0.01234", "flat_fee": "1" },
        { "unit_price": "0.00567" } ] } },
    { "rate": "sms", "apis": ["vas.*"], "price": { "model": "package", "size": 100, "price": "0.305" } },
    { "rate": "sales", "apis": ["sales"], "price": { "model": "percentage", "percent": "2.5" } } ] }"#;

/// The plan of the same name, dearer, from the 11th on.
fn shares_from_the_11th() -> String {
    SHARES.replace("2015-04-01", "2015-05-11").replace("0.00567", "0.01567")
}

/// A platform at the beginning of May 2015; provider `a` is on the plan of 2014, `b` on `shares`
/// with a discount of 12.5% from the 16th to the 20th.
async fn platform() -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(SHARES).await;
    platform.add_plan(&shares_from_the_11th()).await;
    platform.join("a").await;
    platform.register("b", "shares").await;
    let over = r#"{ "override": "goodwill", "from": "2015-05-16", "until": "2015-05-21",
      "discount_percent": "12.5" }"#;
    let over = Override::read(over).unwrap();
    platform.change("b", |provider| provider.overrides.push(over.clone())).await;
    platform
}

/// Sends a request to the function, which must not write.
async fn request(platform: &Platform, method: Method, path: &str, body: &[u8]) -> Answer {
    let event = http_event(&method, path, &HeaderMap::new(), body);
    platform.stack.transport.meter().take();
    let answer = platform.stack.functions.quote.invoke(event).await.unwrap();
    assert_eq!(platform.stack.transport.meter().take().writes(), 0);
    Answer::of(&answer)
}

/// Asks for a quote, and checks what it says of the whole.
async fn check(platform: &Platform, asked: &Value, exact: &str, rounded: &str) -> Value {
    let answer = request(platform, Method::POST, QUOTES_PATH, asked.to_string().as_bytes()).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    let quote = answer.body;
    let members = quote.as_object().unwrap().keys().collect::<Vec<_>>();
    assert_eq!(members, ["currency", "days", "exact", "lines", "rounded", "unpriced"]);
    let figures = [&quote["exact"], &quote["rounded"], &quote["currency"]];
    assert_eq!(figures, [exact, rounded, "CNY"], "{asked}");
    quote
}

#[tokio::test]
async fn month_is_quoted_by_a_plans_name_by_its_document_and_by_provider() {
    let platform = platform().await;
    let usage = json!({ "taobao.trades.sold.get": 512_345, "vas.sms.send": 100_100 });
    let document: Value =
        serde_json::from_str(include_str!("../../../plans/jushita-2014.json")).unwrap();
    let mut quotes = Vec::new();
    for asked in [
        json!({ "plan": PLAN, "usage": usage }),
        json!({ "plan": PLAN, "month": "2015-05", "usage": usage }),
        json!({ "plan": document, "usage": usage }),
        json!({ "provider": "a", "usage": usage }),
    ] {
        // 12,345 × 0.0001 + 100 × 0.0003.
        quotes.push(check(&platform, &asked, "1.2645", "1.26").await);
    }
    assert_eq!(quotes[0]["lines"][0]["segment"], "2015-05-01", "the month that the clock shows");
    assert_eq!(quotes[0]["days"], json!([]));
    assert!(quotes.iter().all(|quote| *quote == quotes[0]), "{quotes:?}");
}

#[tokio::test]
async fn days_are_quoted_each_after_the_other_and_sum_to_the_whole() {
    let platform = platform().await;
    let usage = json!({
        "2015-05-20": { "taobao.trades.sold.get": 500_055 },
        "2015-05-21": { "taobao.trades.sold.get": 60, "vas.sms.send": 7 },
        "2015-06-01": { "taobao.trades.sold.get": 500_050 },
    });
    // 0.0055, 0.0060 and 0.0050: the second day of May makes up for the first.
    let quote = check(&platform, &json!({ "plan": PLAN, "usage": usage }), "0.0165", "0.02").await;
    let days = quote["days"].as_array().unwrap().iter();
    let days = days.map(|day| [&day["day"], &day["exact"], &day["rounded"]]).collect::<Vec<_>>();
    assert_eq!(
        days,
        [
            ["2015-05-20", "0.0055", "0.01"],
            ["2015-05-21", "0.006", "0.00"],
            ["2015-06-01", "0.005", "0.01"]
        ]
    );
}

#[tokio::test]
async fn provider_is_quoted_by_its_overrides() {
    let platform = platform().await;
    // Of 1,200 calls 1,000 are free in the month: 1 + 200 × 0.01234 = 3.468, less 12.5%. The
    // minimum of the whole month comes on the last day that is given.
    let usage = json!({ "2015-05-18": { "taobao.get": 1_200 }, "2015-05-19": {} });
    let quote =
        check(&platform, &json!({ "provider": "b", "usage": usage }), "500", "500.00").await;
    assert_eq!(quote["days"][0]["exact"], "3.0345");
    assert_eq!(quote["days"][0]["rounded"], "3.03");
}

#[tokio::test]
async fn quoted_days_are_the_bill_to_the_fen() {
    let platform = platform().await;
    for (number, day, taobao, vas, sales, other) in [
        (1, "2015-05-03", 1_400, 0, "0", 0),
        (2, "2015-05-04", 77, 201, "1234.56", 0),
        (3, "2015-05-10", 13, 0, "0", 9),
        (4, "2015-05-11", 700, 99, "0.07", 0),
        (5, "2015-05-16", 1_001, 2, "99.99", 0),
        (6, "2015-05-20", 0, 350, "1.01", 4),
        (7, "2015-05-21", 333, 1, "0", 0),
        (8, "2015-05-30", 5, 0, "77.77", 0),
    ] {
        platform.set(&format!("{day}T20:00"));
        let records = [
            record("b", "taobao.get", day, taobao),
            record("b", "vas.sms", day, vas),
            record_of_amount("b", "sales", day, 3, sales),
            record("b", "other.get", day, other),
        ];
        let answer = platform.post(&report(&number.to_string(), &records)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        platform.run_until(&next_morning(day)).await;
    }
    platform.run_until("2015-06-01T01:00").await;
    platform.books_balance().await;

    let mut usage = serde_json::to_value(platform.counted("b").await).unwrap();
    usage["2015-05-31"] = json!({});
    let mut statements = platform.statements("b").await;
    let april = statements.remove(0);
    assert_eq!(
        (april.statement.to_string().as_str(), april.charge_fen.get()),
        ("2015-04-30", 50_000)
    );
    let charges = statements.iter().map(|statement| statement.charge_fen.to_string());
    let lines = statements.iter().map(|statement| json!(statement.lines));
    let days = statements.iter().map(|statement| json!(statement.statement));
    let billed = days.zip(charges).zip(lines).collect::<Vec<_>>();
    let last = statements.last().unwrap();
    assert_eq!((statements.len(), last.statement.to_string()), (9, "2015-05-31".to_owned()));
    assert_eq!(last.segments.len(), 4, "two versions, and an override inside the second");

    // All segments go on from one another, so the minimum applies to their sum.
    let asked = json!({ "provider": "b", "usage": usage });
    let quote = check(&platform, &asked, "500", "500.00").await;
    let quoted = quote["days"].as_array().unwrap().iter().map(|day| {
        let rounded = day["rounded"].as_str().unwrap().to_owned();
        ((day["day"].clone(), rounded), day["lines"].clone())
    });
    assert_eq!(quoted.collect::<Vec<_>>(), billed);
    let all = statements.iter().flat_map(|statement| &statement.lines).collect::<Vec<_>>();
    assert_eq!(quote["lines"], json!(all));
    let unpriced = statements.iter().flat_map(|statement| &statement.unpriced).collect::<Vec<_>>();
    assert_eq!((unpriced.len(), &quote["unpriced"]), (2, &json!(unpriced)));
}

fn next_morning(day: &str) -> String {
    let day: BillingDay = day.parse().unwrap();
    format!("{}T01:00", day.next())
}

#[tokio::test]
async fn provider_that_changes_plans_is_quoted_by_each_in_its_days() {
    let platform = platform().await;
    let shares =
        PlanAssignment { from: "2015-06-01".parse().unwrap(), plan: "shares".parse().unwrap() };
    platform.change("a", |provider| provider.plans.push(shares.clone())).await;
    // 0.01 in May; in June 1 + 100 × 0.01234, and the minimum on the last day that is given.
    let usage =
        json!({ "2015-05-31": { "taobao.get": 500_100 }, "2015-06-01": { "taobao.get": 1_100 } });
    let asked = json!({ "provider": "a", "usage": usage });
    let quote = check(&platform, &asked, "500.01", "500.01").await;
    assert_eq!(quote["lines"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn quotes_are_served_over_http() {
    let platform = platform().await;
    let asked = json!({ "plan": PLAN, "usage": { "vas.sms.send": 100_100 } }).to_string();
    let served = post(platform.stack.address, QUOTES_PATH, asked.clone()).await;
    assert!(served.starts_with("HTTP/1.1 200 OK\r\n"), "{served}");
    assert!(served.contains("content-type: application/json\r\n"), "{served}");
    let (_, body) = served.split_once("\r\n\r\n").unwrap();
    let invoked = request(&platform, Method::POST, QUOTES_PATH, asked.as_bytes()).await.body;
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), invoked);
    assert_eq!(invoked["exact"], "0.03");
    let refused = post(platform.stack.address, QUOTES_PATH, "{".to_owned()).await;
    assert!(refused.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{refused}");
}

/// The whole answer to a request over HTTP.
async fn post(address: SocketAddr, path: &'static str, body: String) -> String {
    let exchange = move || {
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    tokio::task::spawn_blocking(exchange).await.unwrap().unwrap()
}
