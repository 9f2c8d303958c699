//! The pages, the JSON, the files and `steelyard statement` give the same cost of a month.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::platform::Platform;
use crate::start::{answer, header};

/// Tiers, a discount and free calls, and the plan that takes its place.
const PLANS: [&str; 2] = [
    r#"{ "plan": "first", "effective_from": "2015-01-01",
      "discounts": [{ "discount": "loyal", "percent": "7" }],
      "rates": [
        { "rate": "trades", "apis": ["trades.*"], "free_per_month": 1000,
          "price": { "model": "graduated", "tiers": [
            { "up_to": 5000, "unit_price": "0.013" }, { "unit_price": "0.0071" }] } },
        { "rate": "sms", "apis": ["sms.*"],
          "price": { "model": "package", "size": 100, "price": "3.3" } }] }"#,
    r#"{ "plan": "second", "effective_from": "2015-01-01", "minimum": "9",
      "rates": [{ "rate": "all", "apis": ["*"],
        "price": { "model": "per_unit", "unit_price": "0.0119" } }] }"#,
];

/// A month with tiers, discounts, late usage, a report that was withdrawn, and a change of the
/// plan.
async fn month() -> Platform {
    let platform = Platform::open("bills").await;
    for (file, plan) in ["first.json", "second.json"].into_iter().zip(PLANS) {
        platform.add_plan(file, plan).await;
    }
    platform.does("provider add shop --plan first --billed-from 2015-05").await;
    platform.does("provider assign shop --plan second --from 2015-05-05").await;
    for (day, next, calls) in [
        ("2015-05-01", "2015-05-02", [("trades.get", 4_321), ("sms.send", 77)]),
        ("2015-05-02", "2015-05-03", [("trades.get", 2_345), ("sms.send", 210)]),
        ("2015-05-03", "2015-05-04", [("trades.list", 999), ("sms.send", 41)]),
        ("2015-05-04", "2015-05-05", [("trades.get", 1_500), ("sms.send", 3)]),
        ("2015-05-05", "2015-05-06", [("trades.get", 1_111), ("other.get", 8)]),
    ] {
        platform.set(&format!("{day}T12:00"));
        platform.count(&format!("of-{day}"), "shop", day, &calls).await;
        match day {
            "2015-05-03" => platform.count("late", "shop", "2015-05-01", &[("sms.send", 55)]).await,
            "2015-05-04" => {
                let void = "usage void --provider shop --reason twice gateway-1 of-2015-05-02";
                platform.does(void).await;
            }
            _ => {}
        }
        platform.settle(next).await;
    }
    platform
}

/// The body of a page, or of its JSON or file.
async fn body(address: SocketAddr, cookie: &str, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\ncookie: {cookie}\r\naccept-language: en");
    let answer = answer(address, &head, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// The sum of a column of a file, of the bills of a day where one is given.
fn sum(file: &str, column: &str, day: Option<(&str, &str)>) -> Decimal {
    let mut file = csv::Reader::from_reader(file.trim_start_matches('\u{feff}').as_bytes());
    let rows = file.deserialize().map(Result::<BTreeMap<String, String>, _>::unwrap);
    let of_day = rows.filter(|row| day.is_none_or(|(column, day)| row[column] == day));
    of_day.map(|row| row[column].parse::<Decimal>().unwrap()).sum()
}

#[tokio::test]
async fn pages_json_files_and_statements_tell_the_same_of_a_month() {
    let platform = month().await;
    let address = platform.stack.address;
    let entered = answer(address, "GET /local/enter/shop HTTP/1.1", "").await;
    let link = header(&entered, "location").strip_prefix(&format!("http://{address}")).unwrap();
    let opened = answer(address, &format!("GET {link} HTTP/1.1"), "").await;
    let cookie = header(&opened, "set-cookie").split(';').next().unwrap();

    let days = "from=2015-05-01&to=2015-05-05";
    let file = async |name: &str| {
        body(address, cookie, &format!("/portal/providers/shop/{name}{days}")).await
    };
    let csv = file("costs.csv?").await;
    let focus = [file("costs.focus.csv?version=1.0&").await, file("costs.focus.csv?").await];
    let statements = platform.does("statement shop --json").await;
    let statements: Vec<Value> = serde_json::from_str(&statements).unwrap();
    let causes = statements.iter().flat_map(|of| of["lines"].as_array().unwrap());
    let causes = causes.map(|line| line["because"].as_str().unwrap_or("usage"));
    assert_eq!(causes.collect::<BTreeSet<_>>(), ["late", "usage", "void"].into());
    assert_eq!(statements.len(), 5);

    let mut charged = 0;
    for statement in &statements {
        let (day, fen) =
            (statement["statement"].as_str().unwrap(), statement["charge_fen"].as_i64());
        let fen = fen.unwrap();
        charged += fen;
        let yuan = Decimal::new(fen, 2);
        let page = body(address, cookie, &format!("/portal/providers/shop/bills/{day}")).await;
        let shown_on_page = format!("<span class=\"y\">¥</span>{}", yuan.abs());
        assert!(page.contains(&shown_on_page), "{day}: {shown_on_page} is not in {page}");
        let json = body(address, cookie, &format!("/v1/providers/shop/bills/{day}")).await;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["charge_fen"], fen, "{day}");
        assert_eq!(sum(&csv, "charge_yuan", Some(("bill", day))), yuan, "{day}");
        let explained = platform.does(&format!("statement shop {day} --explain")).await;
        let sign = if fen < 0 { "−" } else { "" };
        let told = format!("shop statement {day}: {sign}¥{}\n", yuan.abs());
        assert!(explained.starts_with(&told), "{told} is not in {explained}");
    }
    let yuan = Decimal::new(charged, 2);
    assert_eq!(sum(&csv, "charge_yuan", None), yuan);
    for focus in &focus {
        assert_eq!(sum(focus, "BilledCost", None), yuan);
    }
    let month = body(address, cookie, "/v1/providers/shop/bills/2015-05").await;
    let month: Value = serde_json::from_str(&month).unwrap();
    assert_eq!(month["total"]["charge_fen"], charged);
    for page in ["bills/2015-05".to_owned(), format!("costs?{days}")] {
        let html = body(address, cookie, &format!("/portal/providers/shop/{page}")).await;
        assert!(html.contains(&format!("<span class=\"y\">¥</span>{yuan}")), "{page}: {yuan}");
    }
}
