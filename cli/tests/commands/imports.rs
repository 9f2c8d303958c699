//! `steelyard import`: what of a log is counted, for whom, and as what.

use std::collections::BTreeMap;
use std::path::Path;

use expect_test::{Expect, expect};
use serde_json::Value;
use steelyard_pricing::{BillingDay, Fen};

use crate::platform::Platform;

/// A fen a call, and two yuan for a message.
const PLAN: &str = r#"{ "plan": "flat", "effective_from": "2015-01-01", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } },
    { "rate": "messages", "apis": ["pay.sms"], "price": { "model": "per_unit", "unit_price": "2" } } ] }"#;

/// A platform with a plan, at a time.
async fn platform(name: &str, now: &str) -> Platform {
    let platform = Platform::open(&format!("import-{name}")).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.set(now);
    platform
}

impl Platform {
    /// Imports lines from a file of that name, registering callers. Gives the exit code and what
    /// was printed.
    async fn import(&self, file: &str, lines: &[&str], options: &str) -> String {
        self.folder.write(file, &(lines.join("\n") + "\n"));
        let ran = self.run(&format!("import {file} --register flat {options}")).await;
        let is_warning = |line: &str| line.starts_with("warning: ");
        assert!(ran.err.lines().all(is_warning), "{}{}", ran.err, ran.out);
        format!("exit {}\n{}", ran.code, ran.out)
    }

    /// All counted calls: provider, day, API and number.
    async fn counted(&self) -> String {
        let [from, through] =
            ["2015-01-01", "2015-12-31"].map(|day| day.parse::<BillingDay>().unwrap());
        let mut calls = String::new();
        for account in self.stack.tables.registry().await.unwrap().accounts {
            let id = account.provider.provider;
            for (day, count) in self.stack.tables.usage.days(&id, from, through).await.unwrap() {
                for (api, metered) in count.usage.iter() {
                    calls += &format!("{id} {day} {api} {}\n", metered.calls);
                }
            }
        }
        calls
    }

    /// What each provider was charged.
    async fn charged(&self) -> BTreeMap<String, Fen> {
        let mut charged = BTreeMap::new();
        for account in self.stack.tables.registry().await.unwrap().accounts {
            let id = account.provider.provider;
            let statements = self.stack.tables.billing.statements(&id).await.unwrap();
            let sum = Fen::sum(statements.iter().map(|statement| statement.charge_fen)).unwrap();
            charged.insert(id.to_string(), sum);
        }
        charged
    }

    /// The first month in which a provider is billed, as the tool shows it.
    async fn billed_from(&self, provider: &str) -> String {
        let shown = self.does(&format!("provider show {provider} --json")).await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            shown["provider"]["plans"][0]["from"],
            shown["provider"]["billed_from"].as_str().unwrap().to_owned() + "-01"
        );
        shown["provider"]["billed_from"].as_str().unwrap().to_owned()
    }
}

/// A line of the Combined Log Format, of noon on 16 May.
fn line(host: &str, request: &str, status: u16) -> String {
    format!(r#"{host} - - [16/May/2015:12:00:00 +0800] "{request}" {status} 5 "-" "Agent""#)
}

/// Checks what is printed and counted when lines are imported, at nine in the morning of 17 May.
async fn check(name: &str, options: &str, lines: &[&str], expected: Expect) {
    let platform = platform(name, "2015-05-17T09:00").await;
    let printed = platform.import("day.log", lines, options).await;
    expected.assert_eq(&(printed + &platform.counted().await));
}

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
    let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
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
    let lines = lines.each_ref().map(String::as_str);
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

#[tokio::test]
async fn every_spelling_of_a_parameter_names_its_caller() {
    let queries = [
        "app_key=1021",
        "app%5Fkey=1021",
        "app_key=%31021",
        "%61%70%70_key=%31%30%32%31&v=2",
        "v=2&app_key=1021#x",
        "app_key=1021&app_key=1021",
        // Refused, since servers disagree about the caller.
        "app_key=1021&app_key=7",
        "v=2;app_key=1021",
        "app_key=",
        "APP_KEY=1021",
        "app_key=10%0A21",
        // Nobody's id.
        "app_key=10%2F21",
        "app_key=+1021",
    ];
    let lines = queries.map(|query| line("10.0.0.1", &format!("GET /rest?{query} HTTP/1.1"), 200));
    let lines = lines.each_ref().map(String::as_str);
    check(
        "parameters",
        "--caller query:app_key",
        &lines,
        expect![[r#"
        exit 3
        13 lines: 6 billable, 2 of unknown callers, 5 refused
        6 calls of 1 provider counted
        refused 1 line: several callers
          line 7: query:app_key is given more than once
        refused 3 lines: no caller
          line 8: no caller: query:app_key is absent
          line 9: no caller: query:app_key is absent
          line 10: no caller: query:app_key is absent
        refused 1 line: a caller that is too long or holds control characters
          line 11: `10\n21` is no caller: 512 bytes at most, and no control characters
        callers that are no provider; write their providers behind them, for --map:
        caller,provider
        # 1 call
        " 1021",
        # 1 call
        10/21,
        1021 2015-05-16 rest 6
    "#]],
    )
    .await;
}

#[tokio::test]
async fn calls_are_counted_whatever_user_the_client_gave() {
    let users = ["-", "\"\"", "", "a b", "isv", r#"\"\" [x]"#, r"A\x5Cb", "9.9.9.9 - -"];
    let lines = users.map(|user| {
        format!(r#"10.0.0.1 - {user} [16/May/2015:12:00:00 +0800] "GET /a HTTP/1.1" 200 5 "-" "A""#)
    });
    let lines = lines.each_ref().map(String::as_str);
    check(
        "users",
        "",
        &lines,
        expect![[r#"
            exit 0
            8 lines: 8 billable
            8 calls of 1 provider counted
            10.0.0.1 2015-05-16 a 8
        "#]],
    )
    .await;
    check(
        "users-billed",
        "--caller user",
        &lines,
        expect![[r#"
            exit 3
            8 lines: 1 billable, 4 of unknown callers, 3 refused
            1 call of 1 provider counted
            refused 3 lines: no caller
              line 1: no caller: user is absent
              line 2: no caller: user is absent
              line 3: no caller: user is absent
            callers that are no provider; write their providers behind them, for --map:
            caller,provider
            # 1 call
            """"" [x]",
            # 1 call
            "9.9.9.9 - -",
            # 1 call
            A\b,
            # 1 call
            "a b",
            isv 2015-05-16 a 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn preflights_redirects_and_failures_are_no_calls() {
    let requests = [
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
    let lines = requests.map(|(request, status)| line("a", request, status));
    let lines = lines.each_ref().map(String::as_str);
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
    let lines = lines.each_ref().map(String::as_str);
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
    // Something was answered, and nobody knows to what.
    let answered = [line("a", "-", 200), line("a", r"\x16\x03", 200)];
    check(
        "odd-answered",
        "",
        &answered.each_ref().map(String::as_str),
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

#[tokio::test]
async fn forwarded_address_is_the_one_that_a_trusted_proxy_wrote() {
    let lists = [
        "198.51.100.1, 192.0.2.7",
        "192.0.2.7",
        "unknown, 192.0.2.7:4711",
        "1.1.1.1, 2.2.2.2, 192.0.2.7",
        "198.51.100.1, unknown",
        "-",
    ];
    let lines =
        lists.map(|list| line("10.0.0.1", "GET /a HTTP/1.1", 200) + &format!(r#" "{list}""#));
    let lines = lines.each_ref().map(String::as_str);
    check(
        "hops-none",
        "--caller extra:1",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 1 billable, 1 of unknown callers, 4 refused
            1 call of 1 provider counted
            refused 3 lines: a list of addresses; choose one by --trusted-hops
              line 1: `198.51.100.1, 192.0.2.7` is a list of addresses; choose one by --trusted-hops
              line 3: `unknown, 192.0.2.7:4711` is a list of addresses; choose one by --trusted-hops
              line 4: `1.1.1.1, 2.2.2.2, 192.0.2.7` is a list of addresses; choose one by --trusted-hops
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            callers that are no provider; write their providers behind them, for --map:
            caller,provider
            # 1 call
            "198.51.100.1, unknown",
            192.0.2.7 2015-05-16 a 1
        "#]],
    )
    .await;
    check(
        "hops-1",
        "--caller extra:1 --trusted-hops 1",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 4 billable, 2 refused
            4 calls of 1 provider counted
            refused 1 line: not an IP address where a trusted proxy writes one
              line 5: `unknown` is not an IP address
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            192.0.2.7 2015-05-16 a 4
        "#]],
    )
    .await;
    check(
        "hops-2",
        "--caller extra:1 --trusted-hops 2",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 3 billable, 3 refused
            3 calls of 2 providers counted
            refused 1 line: fewer addresses than trusted proxies
              line 2: `192.0.2.7` has fewer than 2 addresses: not all 2 trusted proxies wrote one
            refused 1 line: not an IP address where a trusted proxy writes one
              line 3: `unknown` is not an IP address
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            198.51.100.1 2015-05-16 a 2
            2.2.2.2 2015-05-16 a 1
        "#]],
    )
    .await;
    let platform = platform("hops-wrong", "2015-05-17T09:00").await;
    platform.folder.write("day.log", "");
    let refused = platform.fails("import day.log --caller user --trusted-hops 1").await;
    assert_eq!(
        refused,
        "error: --trusted-hops is for --caller host and --caller extra:N, not for user\n"
    );
}

#[tokio::test]
async fn many_callers_bill_one_provider_and_unknown_ones_are_listed_for_the_map() {
    let platform = platform("map", "2015-05-17T09:00").await;
    let long = "arn:aws:iam::123456789012:role/integration/a-role-with-quite-a-long-name";
    let callers = [
        long,
        "arn:aws:iam::123456789012:role/x",
        "key-1",
        "key-2",
        "key-22",
        "CN=a, O=b",
        "key-9",
        "key-9",
    ];
    let lines =
        callers.map(|caller| line("10.0.0.1", "GET /a HTTP/1.1", 200) + &format!(r#" "{caller}""#));
    let lines = lines.each_ref().map(String::as_str);
    platform
        .folder
        .write("map.csv", "caller,provider\n# The keys.\nkey-1,shop\nkey-2*,shop\nkey-22,other\n");
    let options = "--caller extra:1 --map map.csv";
    let printed = platform.import("day.log", &lines, options).await;
    expect![[r#"
        exit 3
        8 lines: 3 billable, 5 of unknown callers
        3 calls of 2 providers counted
        callers that are no provider; write their providers behind them, for --map:
        caller,provider
        # 2 calls
        key-9,
        # 1 call
        "CN=a, O=b",
        # 1 call
        arn:aws:iam::123456789012:role/integration/a-role-with-quite-a-long-name,
        # 1 call
        arn:aws:iam::123456789012:role/x,
        other 2015-05-16 a 1
        shop 2015-05-16 a 2
    "#]]
    .assert_eq(&(printed.clone() + &platform.counted().await));
    // What is printed is a map that lacks its providers.
    let (_, listed) = printed.split_once("for --map:\n").unwrap();
    let listed = listed.replace(",\n", ",late\n");
    platform.folder.write("more.csv", &(listed + "key-1,shop\nkey-2*,shop\nkey-22,other\n"));
    let printed = platform.import("day.log", &lines, "--caller extra:1 --map more.csv").await;
    expect![[r#"
        exit 0
        8 lines: 8 billable
        5 calls of 1 provider counted
        3 calls of 2 providers counted before
        late 2015-05-16 a 5
        other 2015-05-16 a 1
        shop 2015-05-16 a 2
    "#]]
    .assert_eq(&(printed + &platform.counted().await));
}

#[tokio::test]
async fn formats_are_told_by_what_is_in_a_line() {
    let time = "[16/May/2015:12:00:00 +0800]";
    let common = format!(r#"192.0.2.1 - - {time} "GET /common HTTP/1.1" 200 5"#);
    let host = format!(r#"shop.example 192.0.2.1 - - {time} "GET /host HTTP/1.1" 200 5"#);
    let port =
        format!(r#"shop.example:443 192.0.2.1 - isv {time} "GET /port HTTP/1.1" 200 5 "-" "A""#);
    let list =
        format!(r#"shop.example:443 192.0.2.9, 192.0.2.1 - - {time} "GET /x HTTP/1.1" 200 5"#);
    let alone = format!(r#"shop.example:443 - - {time} "GET /alone HTTP/1.1" 200 5"#);
    let with_port = format!(r#"192.0.2.1:51344 - - {time} "GET /with-port HTTP/1.1" 200 5"#);
    let lines = [
        &*common,
        &host,
        &port,
        &list,
        &alone,
        &with_port,
        r#"{"provider":"192.0.2.1","api":"json","day":"2015-05-16","count":7}"#,
        r#"https 2015-05-16T08:12:36.431832Z app/lb/50dc 192.0.2.1:13624 10.1.1.1:8000 0.0 0.1 0.0 200 200 961 2071 "GET https://a.example:443/ HTTP/2.0" "A""#,
        "#Version: 1.0",
        "2015-05-16\t08:12:36\tLAX1\t392\t192.0.2.1\tGET\td.cloudfront.example\t/a\t200\t-\tA\t-\t-\tHit",
        r#"{"requestId":"c6","ip":"192.0.2.1","requestTime":"16/May/2015:12:00:00 +0000","httpMethod":"GET","status":"200"}"#,
    ];
    check("formats", "", &lines, expect![[r#"
        exit 3
        11 lines: 7 billable, 1 blank, 3 refused
        13 calls of 1 provider counted
        refused 1 line: a list of addresses; choose one by --trusted-hops
          line 4: `192.0.2.9, 192.0.2.1` is a list of addresses; choose one by --trusted-hops
        refused 1 line: a virtual host without a client
          line 5: begins with the virtual host `shop.example:443` and no client; log the client's address after it
        refused 1 line: this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken
          line 11: this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken
        192.0.2.1 2015-05-16 / 1
        192.0.2.1 2015-05-16 a 1
        192.0.2.1 2015-05-16 common 1
        192.0.2.1 2015-05-16 host 1
        192.0.2.1 2015-05-16 json 7
        192.0.2.1 2015-05-16 port 1
        192.0.2.1 2015-05-16 with-port 1
    "#]]).await;
}

#[tokio::test]
async fn exported_lines_are_counted_by_their_fields() {
    let lines = [
        r#"{"requestId":"c1","apiKey":"k1","httpMethod":"GET","path":"/pay%2esms","requestTimeEpoch":1431748800000,"status":"200"}"#,
        r#"{"requestId":"c2","apiKey":"k1","httpMethod":"OPTIONS","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"200"}"#,
        r#"{"requestId":"c3","apiKey":"k1","httpMethod":"GET","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"403"}"#,
        r#"{"requestId":"c4","apiKey":"-","httpMethod":"GET","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"200"}"#,
    ];
    let fields =
        "--fields provider=apiKey,path=path,at=requestTimeEpoch,method=httpMethod,status=status";
    check(
        "fields",
        fields,
        &lines,
        expect![[r#"
        exit 3
        4 lines: 1 billable, 2 not billable, 1 refused
          not billable: 1 by method
          not billable: 1 with status 403
        1 call of 1 provider counted
        refused 1 line: no value in field `apiKey`
          line 4: field `apiKey`: is absent
        k1 2015-05-16 pay.sms 1
    "#]],
    )
    .await;
}

#[tokio::test]
async fn refusals_are_grouped_by_reason_with_three_examples() {
    let mut lines = Vec::new();
    for second in 0..5 {
        lines.push(format!(r#"a - - [17/May/2015:25:00:0{second} +0800] "GET /a HTTP/1.1" 200 5"#));
        lines.push(format!("line {second}"));
        lines.push(line("b", "GET /a HTTP/1.1", 200).replace("16/May", "16/Mar"));
        lines.push(line(&format!("c{second}"), "GET /a HTTP/1.1", 200).replace("16/May", "18/May"));
    }
    let lines = lines.iter().map(String::as_str).collect::<Vec<_>>();
    check("reasons", "", &lines, expect![[r#"
        exit 3
        20 lines: 10 billable, 10 refused
        10 calls of 6 providers REFUSED
        refused 5 lines: not a time
          line 1: `17/May/2015:25:00:00 +0800` is not a time such as 17/May/2015:10:05:03 +0000
          line 5: `17/May/2015:25:00:01 +0800` is not a time such as 17/May/2015:10:05:03 +0000
          line 9: `17/May/2015:25:00:02 +0800` is not a time such as 17/May/2015:10:05:03 +0000
        refused 5 lines: not a whole line of an access log
          line 2: no request in quotation marks: not a whole line of the Common or Combined Log Format
          line 6: no request in quotation marks: not a whole line of the Common or Combined Log Format
          line 10: no request in quotation marks: not a whole line of the Common or Combined Log Format
        refused 5 calls: 2015-03-16 is too late: 2015-03 closed at 2015-04-05T00:00:00+08:00
          line 3: 5 calls of b to a on 2015-03-16
        refused 5 calls: 2015-05-18 is in the future
          line 4: 1 call of c0 to a on 2015-05-18
          line 8: 1 call of c1 to a on 2015-05-18
          line 12: 1 call of c2 to a on 2015-05-18
    "#]]).await;
}

#[tokio::test]
async fn file_of_which_nothing_counts_registers_nobody_and_can_be_mended() {
    let platform = platform("nobody", "2015-05-17T09:00").await;
    for time in ["18/May/2015:12:00:00 +0800", "16/Mar/2015:12:00:00 +0800", "noon"] {
        let bad = format!(r#"shop - - [{time}] "GET /a HTTP/1.1" 200 5"#);
        let printed = platform.import("day.log", &[&bad], "").await;
        assert!(printed.starts_with("exit 3\n"), "{printed}");
        assert!(platform.stack.tables.registry().await.unwrap().accounts.is_empty(), "{time}");
    }
    let free = [line("shop", "OPTIONS /a HTTP/1.1", 200), line("shop", "-", 408)];
    let printed = platform.import("day.log", &free.each_ref().map(String::as_str), "").await;
    assert!(printed.starts_with("exit 0\n"), "{printed}");
    assert!(platform.stack.tables.registry().await.unwrap().accounts.is_empty());
    let printed = platform.import("day.log", &[&line("shop", "GET /a HTTP/1.1", 200)], "").await;
    assert!(printed.ends_with("1 call of 1 provider counted\n"), "{printed}");
}

#[tokio::test]
async fn callers_are_billed_from_the_month_of_their_first_call() {
    let platform = platform("months", "2015-06-01T00:30").await;
    let may = r#"newcomer - - [31/May/2015:23:59:59 +0800] "GET /a HTTP/1.1" 200 5"#;
    let june = r#"newcomer - - [01/Jun/2015:00:10:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let april = r#"newcomer - - [30/Apr/2015:09:00:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let other = r#"other - - [01/Jun/2015:00:10:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let printed = platform.import("june.log", &[june, other], "--source june").await;
    assert!(printed.starts_with("exit 0\n"), "{printed}");
    assert_eq!(platform.billed_from("newcomer").await, "2015-06");
    // The month moves back, while it is open and nothing is settled; within one import, too.
    let mut lines = vec![june; 10_000];
    lines.extend([may, april]);
    let printed = platform.import("late.log", &lines, "--source late").await;
    assert!(printed.contains("10,001 calls of 1 provider counted\n"), "{printed}");
    assert!(printed.contains("refused 1 call: 2015-04-30 is too late"), "{printed}");
    assert_eq!(platform.billed_from("newcomer").await, "2015-05");
    assert_eq!(platform.billed_from("other").await, "2015-06");
    let counted = "newcomer 2015-05-31 a 1\nnewcomer 2015-06-01 a 10001\nother 2015-06-01 a 1\n";
    assert_eq!(platform.counted().await, counted);
    let audit = platform.run("audit").await;
    assert_eq!(audit.code, 0, "{}", audit.out);
    // What is settled stays, and a later month changes nothing.
    platform.settle("2015-06-02").await;
    let may_of_other = may.replace("newcomer", "other");
    let printed = platform.import("other.log", &[&may_of_other], "--source other").await;
    assert!(printed.contains("refused 1 call: 2015-05-31 is before 2015-06"), "{printed}");
    assert_eq!(platform.billed_from("other").await, "2015-06");
    assert_eq!(platform.charged().await["newcomer"], Fen::new(10_002));
}

#[tokio::test]
async fn first_month_of_a_provider_can_move_back_until_it_is_settled() {
    let platform = platform("back", "2015-05-17T09:00").await;
    for (line, said) in [
        ("provider add a --plan flat --billed-from 2015-06", "a is registered\n"),
        ("provider add a --plan flat --billed-from 2015-05", "a is billed from 2015-05 on now\n"),
        ("provider add a --plan flat --billed-from 2015-05", "a was registered before\n"),
    ] {
        assert_eq!(platform.does(line).await, said);
    }
    // A mandate is no part of the terms by which a provider is registered.
    platform.stack.alipay.register_agreement("20155", "payer", Fen::new(1_000)).unwrap();
    platform.does("mandates adopt a --agreement 20155 --single-limit 50.00").await;
    let again = platform.does("provider add a --plan flat --billed-from 2015-05").await;
    assert_eq!(again, "a was registered before\n");
    let otherwise = "error: provider `a` is registered otherwise\n";
    assert_eq!(platform.fails("provider add a --plan flat --billed-from 2015-06").await, otherwise);
    platform.count("r", "a", "2015-05-16", &[("x", 5)]).await;
    platform.settle("2015-05-18").await;
    assert_eq!(platform.fails("provider add a --plan flat --billed-from 2015-04").await, otherwise);
    assert_eq!(platform.charged().await["a"], Fen::new(5));
}

#[tokio::test]
async fn pieces_of_a_log_count_once_and_are_charged_once() {
    let platform = platform("pieces", "2015-05-17T09:00").await;
    let log = (0..9_000).map(|n| {
        let (minute, second) = (n / 60 % 60, n % 60);
        let time = format!("16/May/2015:{:02}:{minute:02}:{second:02} +0800", 8 + n / 3_600);
        format!(r#"shop - - [{time}] "GET /a HTTP/1.1" 200 5 "-" "-""#)
    });
    let log = log.collect::<Vec<_>>();
    let log = log.iter().map(String::as_str).collect::<Vec<_>>();
    for (from, to, said) in [
        (0, 5_000, "5,000 calls of 1 provider counted\n"),
        (5_000, 9_000, "4,000 calls of 1 provider counted\n"),
        (0, 9_000, "9,000 calls of 1 provider counted before\n"),
        (1, 5_000, "4,999 calls of 1 provider counted before\n"),
    ] {
        let printed = platform.import("web.log", &log[from..to], "").await;
        assert!(printed.starts_with("exit 0\n") && printed.ends_with(said), "{printed}");
    }
    platform.settle("2015-05-18").await;
    assert_eq!(platform.charged().await["shop"], Fen::new(9_000));
}

#[tokio::test]
async fn byte_order_mark_makes_no_other_file() {
    let platform = platform("bom", "2015-05-17T09:00").await;
    let record = r#"{"provider":"shop","api":"a","day":"2015-05-16","count":21}"#;
    for (first, options, said) in [
        ("\u{feff}", "", "42 calls of 1 provider counted\n"),
        // Other calls, or the same?
        ("", "", "42 calls of 1 provider REFUSED\n"),
        ("", "--report lines", "42 calls of 1 provider counted before\n"),
    ] {
        let lines = [&*format!("{first}{record}\r"), record];
        let printed = platform.import("day.jsonl", &lines, options).await;
        assert!(printed.contains(said), "{printed}");
        assert_eq!(platform.counted().await, "shop 2015-05-16 a 42\n");
    }
}

/// The commands of the README that import the sample, from the folder of the repository.
#[tokio::test]
async fn readme_imports_the_sample_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let block = readme.split("```").find(|block| block.contains("\nsteelyard import ")).unwrap();
    let platform = Platform::open("import-readme").await;
    platform.set("2015-05-17T09:00");
    let mut printed = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("steelyard ")) {
        let mut command = platform.command(line);
        command.current_dir(&root);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        printed += &crate::tool::Ran::of(output.unwrap()).done();
    }
    expect![[r#"
        four-tiers of 2014-04-01 is stored
        38 lines: 32 billable, 4 not billable, 2 odd
          not billable: 1 by method
          not billable: 1 with status 301
          not billable: 1 with status 304
          not billable: 1 with status 500
          odd: 1 without a request
          odd: 1 not HTTP
        32 calls of 3 providers counted
        9 statements made
    "#]]
    .assert_eq(&printed);
}
