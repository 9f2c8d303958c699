use proptest::prelude::*;

use super::super::super::access_log;
use super::super::Columns;
use super::*;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067";

/// A line in short: host, instant, request, status, domain.
fn short(line: &str) -> String {
    let line = match LogLine::parse(line, &Columns::default()) {
        Ok(line) => line,
        Err(error) => return error.to_string(),
    };
    let FormatFields::LoadBalancer { rest } = line.fields else {
        return format!("{:?}", line.format());
    };
    let domain = domain(rest).unwrap_or("none");
    format!("{} | {} | {} | {:03} | {domain}", line.host, line.at, line.request, line.status)
}

#[test]
fn documented_lines_are_read_field_by_field() {
    for (line, read) in [
        (
            r#"http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - GROUP "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90"#,
            "192.168.131.39 | 2018-07-02T22:23:00.186641Z | GET http://www.example.com:80/ HTTP/1.1 | 200 | -",
        ),
        (
            r#"https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 GROUP "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-""#,
            "192.168.131.39 | 2018-07-02T22:23:00.186641Z | GET https://www.example.com:443/ HTTP/1.1 | 200 | www.example.com",
        ),
        (
            r#"h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 GROUP "Root=1-58337327-72bd00b0343d75b906739c42" "-" "-" 1 2018-07-02T22:22:48.364000Z "redirect" "https://example.com:80/" "-""#,
            "10.0.1.252 | 2018-07-02T22:23:00.186641Z | GET https://10.0.2.105:773/ HTTP/2.0 | 200 | -",
        ),
        (
            r#"grpcs 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "POST https://10.0.2.105:773/pay.Sms/Send HTTP/2.0" "grpc-go/1.2" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 GROUP "Root=1-58337327-72bd00b0343d75b906739c42" "pay.example" "-" 1 2018-07-02T22:22:48.364000Z "forward" "-" "-""#,
            "10.0.1.252 | 2018-07-02T22:23:00.186641Z | POST https://10.0.2.105:773/pay.Sms/Send HTTP/2.0 | 200 | pay.example",
        ),
        (
            r#"ws 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.0.140:40914 10.0.1.192:8010 0.001 0.003 0.000 101 101 218 587 "GET http://10.0.0.30:80/ HTTP/1.1" "-" - - GROUP "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 1 2018-07-02T22:22:48.364000Z "forward" "-" "-""#,
            "10.0.0.140 | 2018-07-02T22:23:00.186641Z | GET http://10.0.0.30:80/ HTTP/1.1 | 101 | -",
        ),
        (
            r#"wss 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.0.140:44244 10.0.0.171:8010 0.000 0.001 0.000 101 101 218 786 "GET https://10.0.0.30:443/ HTTP/1.1" "-" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 GROUP "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 1 2018-07-02T22:22:48.364000Z "forward" "-" "-""#,
            "10.0.0.140 | 2018-07-02T22:23:00.186641Z | GET https://10.0.0.30:443/ HTTP/1.1 | 101 | -",
        ),
        // A Lambda function that failed.
        (
            r#"http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - 0.000 0.001 0.000 502 - 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - GROUP "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 0 2018-11-30T22:22:48.364000Z "forward" "-" "LambdaInvalidResponse""#,
            "192.168.131.39 | 2018-11-30T22:23:00.186641Z | GET http://www.example.com:80/ HTTP/1.1 | 502 | -",
        ),
        // Malformed requests, and a client that waited too long.
        (
            r#"http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc 192.168.131.39:2817 - -1 -1 -1 400 - 0 0 "- http://www.example.com:80- " "-" - - - "-" "-" "-" - 2018-11-30T22:22:48.364000Z "-" "-" "-""#,
            "192.168.131.39 | 2018-11-30T22:23:00.186641Z | - | 400 | -",
        ),
        (
            r#"http 2018-11-30T22:23:00.186641Z app/my-loadbalancer/50dc 192.168.131.39:2817 - -1 -1 -1 408 - 0 0 "- - - " "-" - - - "-" "-" "-" - 2018-11-30T22:22:48.364000Z "-" "-" "-""#,
            "192.168.131.39 | 2018-11-30T22:23:00.186641Z | - | 408 | -",
        ),
        // Classic load balancers.
        (
            r#"2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -"#,
            "192.168.131.39 | 2015-05-13T23:39:43.945958Z | GET http://www.example.com:80/ HTTP/1.1 | 200 | none",
        ),
        (
            r#"2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -"#,
            "192.168.131.39 | 2015-05-13T23:39:43.945958Z | - | 000 | none",
        ),
    ] {
        assert_eq!(short(&line.replace("GROUP", GROUP)), read, "{line}");
    }
}

/// A line with a client, a status, a request, a user agent and a trace.
fn line_of(client: &str, status: &str, request: &str, agent: &str, trace: &str) -> String {
    format!(
        r#"h2 2015-05-17T10:05:03.25Z app/lb/50dc {client} 10.0.0.1:80 0.0 0.1 0.0 {status} 200 5 257 "{request}" "{agent}" TLS_AES TLSv1.3 {GROUP} "{trace}" "shop.example" "-" 0 2015-05-17T10:05:03Z "forward" "-" "-""#
    )
}

const PAID: &str = "GET https://shop.example:443/paid HTTP/2.0";

fn by_client(client: &str) -> String {
    line_of(client, "200", PAID, "A", "Root=1")
}

#[test]
fn clients_lose_their_port() {
    for (client, host) in [
        ("192.0.2.7:51344", "192.0.2.7"),
        ("2001:db8::5:51344", "2001:db8::5"),
        ("[2001:db8::5]:51344", "[2001:db8::5]"),
        ("192.0.2.7", "192.0.2.7"),
        ("-", "-"),
    ] {
        let line = by_client(client);
        assert_eq!(read(&line).unwrap().host, host, "{client}");
    }
}

#[test]
fn what_a_client_writes_moves_no_field() {
    for (request, agent, trace) in [
        (r"GET https://shop.example:443/a?b=\x22 HTTP/2.0", r"\x22 200", "Root=1"),
        (r#"GET https://shop.example:443/a\" 404 \"b HTTP/2.0"#, r#"A \"1\" x"#, "Root=1"),
        // Whether a backslash is an escape or not, the line reads the same.
        (PAID, r"A\", "Root=1"),
        (PAID, r#"A\" - - arn:x \"Root\" \"other.example\" \\"#, "Root=1"),
        (PAID, r"A\", r"Self=1;Root=1; - - arn:x other.example"),
        (PAID, "10.0.0.1 - - [17/May/2015:10:05:03 +0000] GET /free 200 5", "Root=1"),
        (PAID, "http 2018-07-02T22:23:00Z app/x/y 1.1.1.1:1", r"\x22 \x22other.example\x22 \x22"),
        ("GET https://shop.example:443/- - HTTP/2.0", "", ""),
    ] {
        let line = line_of("192.0.2.7:1", "200", request, agent, trace);
        let said = format!("192.0.2.7 | 2015-05-17T10:05:03.25Z | {request} | 200 | shop.example");
        assert_eq!(short(&line), said, "{line}");
    }
    let long = format!("GET https://shop.example:443/{} HTTP/2.0", "x".repeat(64 << 10));
    let line = line_of("192.0.2.7:1", "200", &long, &"\\x22".repeat(16 << 10), "Root=1");
    assert!(short(&line).ends_with("| 200 | shop.example"));
}

#[test]
fn hostile_lines_are_refused_by_what_is_wrong_with_them() {
    const CUT: &str = "a line of a load balancer's log that ends before the end of its request";
    let whole = by_client("192.0.2.7:1");
    let cut_in_request = whole.split_once("HTTP/2.0").unwrap().0;
    let no = |field: &str, text: &str| {
        format!("a line of a load balancer's log, and `{text}` is no {field}")
    };
    for (line, why) in [
        (cut_in_request.to_owned(), CUT.to_owned()),
        ("h2 2015-05-17T10:05:03Z app/lb/50dc 192.0.2.7:1 10.0".to_owned(), CUT.to_owned()),
        (
            line_of("192.0.2.7:1", "20", PAID, "A", "-"),
            no("elb_status_code", "20"),
        ),
        (
            line_of("192.0.2.7:1", "+20", PAID, "A", "-"),
            no("elb_status_code", "+20"),
        ),
        (
            line_of("192.0.2.7:1", "200", "GET https://a:443/free", "A", "-"),
            no("request", "GET https://a:443/free"),
        ),
        (
            r#"h2 2015-05-17T10:05:03Z app/lb/50dc 192.0.2.7:1 200 "GET https://a:443/ HTTP/2.0" "A""#.to_owned(),
            no("beginning", "h2 2015-05-17T10:05:03Z app/lb/50dc 192.0.2.7:1 200"),
        ),
        (
            r#"tls 2.0 2018-12-20T02:59:40 net/lb/c6e7 g3d4 72.21.218.154:51341 "x""#.to_owned(),
            "does not begin with host, identity, user and [time]".to_owned(),
        ),
    ] {
        assert_eq!(short(&line), why, "{line}");
    }
    // A quotation mark that is no escape ends the request, and what follows is no user agent.
    let raw = line_of("192.0.2.7:1", "200", "GET https://a:443/free HTTP/2.0\" x", "A", "-");
    assert!(short(&raw).ends_with(" is no request"), "{raw}");
    for status in ["-", "000"] {
        let line = line_of("192.0.2.7:1", status, PAID, "A", "-");
        assert_eq!(read(&line).unwrap().status, 0);
    }
    // Cut after the request: all that counts is there, except the domain.
    let cut = whole.split_once("shop.example\" \"").unwrap().0;
    assert!(short(cut).ends_with("/paid HTTP/2.0 | 200 | none"), "{cut}");
}

proptest! {
    #[test]
    fn no_text_of_a_client_changes_what_a_line_says(
        agent in any::<String>(),
        trace in "[ -~]{0,40}",
    ) {
        // As balancers log what is not plain.
        let logged = |text: &str| {
            let mut logged = String::new();
            for byte in text.bytes() {
                match byte {
                    b' '..=b'!' | b'#'..=b'[' | b']'..=b'~' => logged.push(char::from(byte)),
                    _ => logged += &format!("\\x{byte:02X}"),
                }
            }
            logged
        };
        let line = line_of("192.0.2.7:1", "200", PAID, &logged(&agent), &logged(&trace));
        let said = "192.0.2.7 | 2015-05-17T10:05:03.25Z | GET https://shop.example:443/paid HTTP/2.0 | 200 | shop.example";
        prop_assert_eq!(short(&line), said);
        // Nor does it when nothing is escaped but quotation marks, in whatever way.
        for quoted in ["\\x22", "\\\""] {
            let line = line_of("192.0.2.7:1", "200", PAID, &agent.replace('"', quoted), "Root=1");
            prop_assert!(short(&line).starts_with(said.trim_end_matches("shop.example")), "{}", line);
        }
    }

    #[test]
    fn no_line_makes_the_reader_panic(all in any::<String>(), at in 0_usize..400) {
        let mut near = by_client("192.0.2.7:1");
        let at = near.char_indices().map(|(at, _)| at).nth(at).unwrap_or(near.len());
        near.insert_str(at, &all);
        let _ = (short(&all), short(&near), short(&near[..at]), read(&all), access_log::read(&near));
    }
}
