//! The start page of a stack: what it shows, where its links lead, and the clock that it moves.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::Value;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-01-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A stack at nine in the morning of the third of May 2015, with the provider `shop`.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.set("2015-05-03T09:00");
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p").await;
    platform
}

/// The whole answer to a request, of which the head without `Host` and the body are given.
pub(crate) async fn answer(address: SocketAddr, head: &str, body: &str) -> String {
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let exchange = move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        std::io::read_to_string(stream)
    };
    tokio::task::spawn_blocking(exchange).await.unwrap().unwrap()
}

/// The answer to a form for the clock, which a browser sends from a site.
async fn set(platform: &Platform, form: &str, site: &str) -> String {
    let head = format!(
        "POST /local/clock HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         sec-fetch-site: {site}"
    );
    answer(platform.stack.address, &head, form).await
}

pub(crate) fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line = answer.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {answer}"))
}

#[tokio::test]
async fn start_page_shows_the_stack_in_both_languages() {
    let platform = platform("start").await;
    platform.does("account recharge shop 5.00 --reference transfer").await;
    platform
        .stack
        .alipay
        .register_agreement("A1", "payer/1", steelyard_pricing::Fen::new(1))
        .unwrap();
    for (query, expected) in [
        ("", ["<html lang=\"en\">", "As of 3 May 2015, 09:00.", "Settlement"]),
        ("?lang=zh", ["<html lang=\"zh-Hans\">", "2015 年 5 月 3 日 09:00", "结算"]),
    ] {
        let page = answer(platform.stack.address, &format!("GET /{query} HTTP/1.1"), "").await;
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        for part in expected.iter().chain(&[
            "<a href=\"/local/enter/shop\">shop</a>",
            "/local/enter/shop?operator=operator",
            "5.00",
            // The next run: reconciliation, at half past ten in Beijing.
            "name=\"now\" value=\"2015-05-03T02:30:00Z\"",
            "<a href=\"/local/payers/payer%2F1/agreements\">payer/1</a>",
        ]) {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(header(&page, "content-security-policy").contains("default-src 'none'"));
    }
}

#[tokio::test]
async fn link_of_the_start_page_opens_the_pages_of_its_provider() {
    let platform = platform("start-enter").await;
    for (visitor, told) in [("", "Withhold with Alipay"), ("?operator=li", "Operator li")] {
        let entered = format!("GET /local/enter/shop{visitor} HTTP/1.1");
        let entered = answer(platform.stack.address, &entered, "").await;
        assert!(entered.starts_with("HTTP/1.1 303 "), "{entered}");
        let link = header(&entered, "location");
        let path = link.strip_prefix(&format!("http://{}", platform.stack.address)).unwrap();
        let opened = answer(platform.stack.address, &format!("GET {path} HTTP/1.1"), "").await;
        let cookie = header(&opened, "set-cookie").split(';').next().unwrap();
        let page = "GET /portal/providers/shop/withholding HTTP/1.1";
        let page = answer(platform.stack.address, &format!("{page}\r\ncookie: {cookie}"), "").await;
        assert!(page.starts_with("HTTP/1.1 200 ") && page.contains(told), "{page}");
    }
    for (path, status) in [("nobody", "404"), ("a%20b", "404"), ("shop?operator=", "400")] {
        let head = format!("GET /local/enter/{path} HTTP/1.1");
        let refused = answer(platform.stack.address, &head, "").await;
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {refused}");
    }
}

#[tokio::test]
async fn clock_goes_forward_for_the_stack_s_own_form_only() {
    let platform = platform("start-clock").await;
    let now = || platform.stack.clock.now().to_string();
    for (time, site, status, after) in [
        ("2015-05-03T16:30:00Z", "cross-site", "403", "2015-05-03T01:00:00Z"),
        ("2015-05-03T16:30:00Z", "same-origin", "303", "2015-05-03T16:30:00Z"),
        ("2015-05-03T16:29:59Z", "same-origin", "400", "2015-05-03T16:30:00Z"),
        ("9999-12-30T00:00:00Z", "same-origin", "400", "2015-05-03T16:30:00Z"),
    ] {
        let answer = set(&platform, &format!("now={time}"), site).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{time} {site}: {answer}");
        assert_eq!(now(), after, "{time} {site}");
    }
    for (form, status) in [("", "400"), ("sped=60", "422"), ("speed=60", "303")] {
        let answer = set(&platform, form, "same-origin").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{form}: {answer}");
    }
    assert_eq!(platform.stack.clock.speed(), 60);
}

#[tokio::test]
async fn link_of_the_command_opens_on_a_stack_whose_clock_was_moved() {
    let platform = platform("start-portal").await;
    set(&platform, "now=2015-05-09T00:00:00Z", "same-origin").await;
    let made: Value = serde_json::from_str(&platform.does("portal shop --json").await).unwrap();
    let path = made["url"].as_str().unwrap().split_once("/portal/").unwrap().1;
    let head = format!("GET /portal/{path} HTTP/1.1");
    let opened = answer(platform.stack.address, &head, "").await;
    assert!(opened.starts_with("HTTP/1.1 303 "), "{opened}");
}

/// Opens a link of the command, and gives the session's cookie.
async fn opened(platform: &Platform) -> String {
    let made: Value = serde_json::from_str(&platform.does("portal shop --json").await).unwrap();
    let path = made["url"].as_str().unwrap().split_once("/portal/").unwrap().1;
    let head = format!("GET /portal/{path} HTTP/1.1");
    let opened = answer(platform.stack.address, &head, "").await;
    header(&opened, "set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn sessions_of_a_provider_are_revoked_by_the_command_and_new_ones_open() {
    let platform = platform("start-revoke").await;
    let look = async |cookie: &str| {
        let head = format!("GET /portal/providers/shop/overview HTTP/1.1\r\ncookie: {cookie}");
        answer(platform.stack.address, &head, "").await[..13].to_owned()
    };
    let before = opened(&platform).await;
    assert_eq!(look(&before).await, "HTTP/1.1 200 ");
    let link: Value = serde_json::from_str(&platform.does("portal shop --json").await).unwrap();
    let told = platform.does("portal shop --revoke").await;
    assert_eq!(told, "the sessions of shop have ended; the platform opens new ones\n");
    assert_eq!(look(&before).await, "HTTP/1.1 401 ");
    let path = link["url"].as_str().unwrap().split_once("/portal/").unwrap().1;
    let late = answer(platform.stack.address, &format!("GET /portal/{path} HTTP/1.1"), "").await;
    let late = header(&late, "set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(look(&late).await, "HTTP/1.1 401 ", "the link was made before");
    assert_eq!(look(&opened(&platform).await).await, "HTTP/1.1 200 ");
    platform.does("portal shop --revoke --json").await;
    platform.fails("portal nobody --revoke").await;
    assert_eq!(platform.run("portal --operator li --revoke").await.code, 2);
}
