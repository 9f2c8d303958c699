//! Which lines of a log are billed, and under which path.

use expect_test::expect;
use steelyard_pricing::Fen;

use super::{check, line, platform};

#[tokio::test]
async fn every_spelling_of_a_path_costs_what_the_path_costs() {
    let platform = platform("spellings", "2015-05-17T09:00").await;
    let spellings = [
        "/pay.sms",
        "/pay%2Esms",
        "/pay%2esms/",
        "//pay.sms",
        "/%70%61%79.sms",
        "/pay.sms;jsessionid=9F",
        "/pay.sms%3Bjsessionid=9F",
        "/;a=b/pay.sms",
        "/free/../pay.sms",
        "/free/%2e%2E/pay.sms",
        "/free/.%2e/./pay.sms",
        "/free/..;/pay.sms",
        "/free/..%2fpay.sms",
        "/%2e/pay.sms/7",
        "/../pay.sms",
        "/pay.sms?/../free",
        "/pay.sms?x=%2e%2e",
        "/pay.sms#/../free",
        "/pay.sms/%zz",
        "http://any.example/pay.sms",
        r"/pay\x2esms",
    ];
    let lines = spellings.iter().enumerate();
    let lines =
        lines.map(|(i, path)| line(&format!("h{i:02}"), &format!("GET {path} HTTP/1.1"), 200));
    let mut lines = lines.collect::<Vec<_>>();
    // Ways to write a request line.
    for (index, request) in
        ["GET  /pay.sms", "get /pay.sms HTTP/1.1", "A_B /pay.sms  HTTP/1.1", "HEAD /pay.sms"]
            .iter()
            .enumerate()
    {
        lines.push(line(&format!("r{index}"), request, 200));
    }
    let printed = platform.import("day.log", &lines, "").await;
    assert!(printed.starts_with("exit 0\n25 lines: 25 billable\n"), "{printed}");
    platform.settle("2015-05-18").await;
    let charged = platform.charged().await;
    assert_eq!(charged.len(), 25);
    for (provider, charge) in charged {
        assert_eq!(charge, Fen::new(200), "{provider}");
    }
}

#[tokio::test]
async fn case_of_a_path_is_kept_unless_the_server_ignores_it() {
    let lines = ["/pay.sms", "/PAY.SMS", "/Pay%2eSMS"]
        .map(|path| line("a", &format!("GET {path} HTTP/1.1"), 200));
    check(
        "case-kept",
        "",
        &lines,
        expect![[r#"
            exit 0
            3 lines: 3 billable
            3 calls of 1 provider counted
            a 2015-05-16 PAY.SMS 1
            a 2015-05-16 Pay.SMS 1
            a 2015-05-16 pay.sms 1
        "#]],
    )
    .await;
    check(
        "case-ignored",
        "--ignore-case",
        &lines,
        expect![[r#"
            exit 0
            3 lines: 3 billable
            3 calls of 1 provider counted
            a 2015-05-16 pay.sms 3
        "#]],
    )
    .await;
}

/// Requests, each with the status of its answer.
const ANSWERED: [(&str, u16); 10] = [
    ("POST /pay.sms HTTP/1.1", 200),
    ("HEAD /pay.sms HTTP/1.1", 204),
    ("OPTIONS /pay.sms HTTP/1.1", 204),
    ("OPTIONS /pay.sms HTTP/1.1", 200),
    ("GET /pay.sms HTTP/1.1", 301),
    ("GET /pay.sms HTTP/1.1", 304),
    ("GET /pay.sms HTTP/1.1", 401),
    ("GET /pay.sms HTTP/1.1", 499),
    ("GET /pay.sms HTTP/1.1", 502),
    ("GET /pay.sms HTTP/1.1", 101),
];

#[tokio::test]
async fn preflights_redirects_and_failures_are_no_calls() {
    let lines = ANSWERED.map(|(request, status)| line("a", request, status));
    check(
        "billable",
        "",
        &lines,
        expect![[r#"
        exit 0
        10 lines: 2 billable, 8 not billable
          not billable: 2 by method
          not billable: 1 with status 101
          not billable: 1 with status 301
          not billable: 1 with status 304
          not billable: 1 with status 401
          not billable: 1 with status 499
          not billable: 1 with status 502
        2 calls of 1 provider counted
        a 2015-05-16 pay.sms 2
    "#]],
    )
    .await;
    check(
        "billable-all",
        "--methods all --status all",
        &lines,
        expect![[r#"
        exit 0
        10 lines: 10 billable
        10 calls of 1 provider counted
        a 2015-05-16 pay.sms 10
    "#]],
    )
    .await;
    check(
        "billable-some",
        "--methods not:HEAD,OPTIONS --status 2xx,499",
        &lines,
        expect![[r#"
        exit 0
        10 lines: 2 billable, 8 not billable
          not billable: 3 by method
          not billable: 1 with status 101
          not billable: 1 with status 301
          not billable: 1 with status 304
          not billable: 1 with status 401
          not billable: 1 with status 502
        2 calls of 1 provider counted
        a 2015-05-16 pay.sms 2
    "#]],
    )
    .await;
}

#[tokio::test]
async fn lines_that_no_server_can_bill_are_counted_apart() {
    let requests = [
        ("GET /a HTTP/1.1", 200),
        ("OPTIONS * HTTP/1.0", 200),
        ("M-SEARCH * HTTP/1.1", 200),
        ("PRI * HTTP/2.0", 400),
        ("-", 408),
        ("-", 400),
        ("", 400),
        (r"\x16\x03\x01\x02\x00\x01\x00", 400),
        (r"\x03\x00\x00/*\xE0\x00\x00", 400),
        ("SSH-2.0-Go", 400),
        ("CONNECT a.example:443 HTTP/1.1", 405),
        ("CONNECT a.example:443 HTTP/1.1", 200),
    ];
    let lines = requests.map(|(request, status)| line("a", request, status));
    check(
        "odd",
        "",
        &lines,
        expect![[r#"
        exit 0
        12 lines: 1 billable, 11 odd
          odd: 3 without a request
          odd: 3 not HTTP
          odd: 3 about the server (`*`)
          odd: 2 tunnels (CONNECT)
        1 call of 1 provider counted
        a 2015-05-16 a 1
    "#]],
    )
    .await;
    // The server answered a request line that nobody can read.
    let answered = [line("a", "-", 200), line("a", r"\x16\x03", 200)];
    check(
        "odd-answered",
        "",
        &answered,
        expect![[r#"
            exit 3
            2 lines: 2 refused
            refused 2 lines: answered as a call, but no method and target
              line 1: the request `-` is not a method and a target
              line 2: the request `\x16\x03` is not a method and a target
        "#]],
    )
    .await;
}
