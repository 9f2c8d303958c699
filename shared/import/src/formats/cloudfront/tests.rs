use proptest::prelude::*;

use super::super::super::request::Request;
use super::*;

const EXAMPLE: &str = "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/78.0.3904.108%20Safari/537.36\t-\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-";

/// A line in short: host, instant, request, status, domain, addresses.
fn short_by(line: &str, columns: &Columns) -> String {
    let line = match LogLine::parse(line, columns) {
        Ok(line) => line,
        Err(error) => return error.to_string(),
    };
    let LogLine { host, at, request, status, fields } = &line;
    let FormatFields::CloudFront { domain, forwarded } = fields else {
        return line.format().to_string();
    };
    let (domain, forwarded) =
        (domain.as_deref().unwrap_or("none"), forwarded.as_deref().unwrap_or("none"));
    format!("{host} | {at} | {request} | {status:03} | {domain} | {forwarded}")
}

fn short(line: &str) -> String {
    short_by(line, &Columns::default())
}

/// A line with a method, a path, a query, a status, a user agent and forwarded addresses.
fn line_of(method: &str, stem: &str, query: &str, status: &str, agent: &str, list: &str) -> String {
    format!(
        "2015-05-17\t10:05:03\tLAX1\t392\t192.0.2.7\t{method}\td1.cloudfront.net\t{stem}\t{status}\t-\t{agent}\t{query}\t-\tHit\tSOX4==\tshop.example\thttps\t23\t0.001\t{list}\tTLSv1.2\tECDHE\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-"
    )
}

fn with_path(stem: &str, query: &str) -> String {
    line_of("GET", stem, query, "200", "A", "-")
}

#[test]
fn documented_lines_are_read_column_by_column() {
    let read = "192.0.2.100 | 2019-12-04T21:02:31Z | GET /index.html HTTP/1.1 | 200 | d111111abcdef8.cloudfront.net | none";
    assert_eq!(short(EXAMPLE), read);
    let failed = "2019-12-13\t22:36:27\tSEA19-C1\t900\t192.0.2.200\tGET\td111111abcdef8.cloudfront.net\t/favicon.ico\t502\thttp://www.example.com/\tMozilla/5.0\t-\t-\tError\t1pkpNfBQ39sYMnjjUQjmH2w1wdJnbHYTbag21o_3OfcQgPzdL2RSSQ==\twww.example.com\thttp\t675\t0.102\t198.51.100.1,%20192.0.2.9\t-\t-\tError\tHTTP/1.1\t-\t-\t25260\t0.102\tOriginDnsError\ttext/html\t507\t-\t-";
    let read = "192.0.2.200 | 2019-12-13T22:36:27Z | GET /favicon.ico HTTP/1.1 | 502 | www.example.com | 198.51.100.1, 192.0.2.9";
    assert_eq!(short(failed), read);
}

#[test]
fn columns_are_those_of_the_last_fields_line() {
    let mut columns = Columns::default();
    assert!(columns.take("#Version: 1.0"));
    assert_eq!(columns, Columns::default());
    assert!(columns.take(&format!("#Fields: {DOCUMENTED}")));
    assert_eq!(short_by(EXAMPLE, &columns), short(EXAMPLE));
    // Columns that were chosen, in another order, without a date.
    assert!(
        columns.take("#Fields: timestamp(ms) sc-status cs-method cs-uri-stem cs-uri-query c-ip")
    );
    let line = "1431857103250\t200\tGET\t/a%2520b\tk=%2531\t192.0.2.7";
    let read =
        "192.0.2.7 | 2015-05-17T10:05:03.25Z | GET /a%20b?k=%31 HTTP/1.1 | 200 | none | none";
    assert_eq!(short_by(line, &columns), read);
    assert_eq!(short_by(&format!("{line}\tadded"), &columns), read);
    for (line, why) in [
        (
            "1431857103250\t200\tGET\t/a\tk=1",
            "a line of a CloudFront log that ends before the end of its last column",
        ),
        (
            "now\t200\tGET\t/a\tk=1\t192.0.2.7",
            "a line of a CloudFront log, and `now` is no timestamp(ms)",
        ),
        (
            r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /paid HTTP/1.1" 200 5 "-" "A""#,
            "an access log",
        ),
    ] {
        assert_eq!(short_by(line, &columns), why, "{line}");
    }
    assert!(columns.take("#Fields: date time x-edge-location c-ip cs-method sc-status"));
    assert_eq!(
        short_by("2015-05-17\t10:05:03\tLAX1\t192.0.2.7\tGET\t200", &columns),
        "a line of a CloudFront log whose #Fields name no cs-uri-stem"
    );
    // Those of another log: what follows is not read by wrong columns.
    assert!(!columns.take("#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port"));
    assert_eq!(
        short_by(EXAMPLE, &columns),
        "no request in quotation marks: not a whole line of the Common or Combined Log Format"
    );
    for other in ["#Version: 2.0", "#Software: Internet Information Services", "#", "# Fields:"] {
        assert!(!Columns::default().take(other), "{other}");
    }
}

#[test]
fn encoding_of_the_log_is_undone_once() {
    for (stem, query, path, key) in [
        ("/vas.sms", "-", "/vas.sms", None),
        // What a client sent as `%2e`, `%252e`, `%23`, `%3F` and `#`.
        ("/vas%252esms", "-", "/vas.sms", None),
        ("/vas%25252esms", "-", "/vas%252esms", None),
        ("/x/%252e%252e/vas.sms", "-", "/vas.sms", None),
        ("/vas.sms%2523", "-", "/vas.sms%23", None),
        ("/vas.sms%253Fa", "-", "/vas.sms?a", None),
        ("/vas.sms%3Fa", "-", "/vas.sms?a", None),
        ("/vas.sms%23a", "-", "/vas.sms", None),
        ("/vas.sms;jsessionid=1", "-", "/vas.sms", None),
        ("/vas%252fsms", "-", "/vas/sms", None),
        ("/%25", "-", "/%25", None),
        ("/a%20b%09c%0Ad", "-", "/a%20b%09c%0Ad", None),
        ("/%E5%95%86", "-", "/%E5%95%86", None),
        ("/a%5Cx2eb%22", "-", "/a%5Cx2eb%22", None),
        ("/a\\x2eb", "-", "/a%5Cx2eb", None),
        ("/a", "app_key=1021&x=%2522", "/a", Some("1021")),
        ("/a", "app%255Fkey=10%253221", "/a", Some("10221")),
        ("/a", "x=1%2526app_key=7", "/a", None),
        ("/a", "app_key=a%2526b", "/a", Some("a&b")),
    ] {
        let line = with_path(stem, query);
        let line = read(&line, &Columns::default()).unwrap();
        let request = Request::parse(&line.request).unwrap();
        let found = request.path().map(|path| path.whole(super::super::super::path::Case::Kept));
        assert_eq!(found.as_deref(), Some(path), "{stem}");
        assert_eq!(request.query_values("app_key").next().as_deref(), key, "{query}");
    }
}

#[test]
fn hostile_lines_are_refused_by_what_is_wrong_with_them() {
    let whole = with_path("/a", "k=1021");
    let cut_at = |end: &str| whole.split_once(end).unwrap().0.to_owned();
    let cut =
        |field: &str| format!("a line of a CloudFront log that ends before the end of its {field}");
    let no =
        |field: &str, text: &str| format!("a line of a CloudFront log, and `{text}` is no {field}");
    for (line, why) in [
        (cut_at("21\t-"), cut("cs-uri-query")),
        (cut_at(".example"), cut("x-host-header")),
        (cut_at("0\t-\tA"), cut("sc-status")),
        (cut_at("\t/a"), cut("sc-status")),
        ("2015-05-17\t10:05:03\tshort".to_owned(), cut("sc-status")),
        (line_of("GET", "/a", "-", "20", "A", "-"), no("sc-status", "20")),
        (line_of("GET", "/a", "-", "2xx", "A", "-"), no("sc-status", "2xx")),
        (line_of("GET /free", "/a", "-", "200", "A", "-"), no("cs-method", "GET /free")),
        (
            "2015-05-17 10:05:03\tLAX1".to_owned(),
            "no request in quotation marks: not a whole line of the Common or Combined Log Format"
                .to_owned(),
        ),
    ] {
        assert_eq!(short(&line), why, "{line}");
    }
    for status in ["-", "000"] {
        let line = line_of("GET", "/a", "-", status, "A", "-");
        assert_eq!(read(&line, &Columns::default()).unwrap().status, 0);
    }
    assert_eq!(
        read(&line_of("-", "-", "-", "000", "-", "-"), &Columns::default()).unwrap().request,
        "-"
    );
    // Cut after all that counts.
    let said = "192.0.2.7 | 2015-05-17T10:05:03Z | GET /a?k=1021 HTTP/1.1 | 200 | none | none";
    assert_eq!(short(&cut_at("\tshop")), said);
    let long = "x".repeat(64 << 10);
    let line = line_of("GET", &format!("/{long}"), &long, "200", &long, "-");
    let said = format!("GET /{long}?{long} HTTP/1.1 | 200 | shop.example | none");
    assert!(short(&line).ends_with(&said));
}

proptest! {
    #[test]
    fn no_text_of_a_client_changes_what_a_line_says(agent in any::<String>()) {
        // As CloudFront logs what is not plain.
        let mut logged = String::new();
        for byte in agent.bytes() {
            match byte {
                0..=b' ' | 127.. => logged += &format!("%{byte:02X}"),
                _ if b"<>\"#%{}|\\^~[]`'".contains(&byte) => logged += &format!("%{byte:02X}"),
                _ => logged.push(char::from(byte)),
            }
        }
        let line = line_of("GET", "/paid", "k=1", "200", &logged, "-");
        let said = "192.0.2.7 | 2015-05-17T10:05:03Z | GET /paid?k=1 HTTP/1.1 | 200 | shop.example | none";
        prop_assert_eq!(short(&line), said);
        // Nor does it when nothing is encoded but tabs.
        let line = line_of("GET", "/paid", "k=1", "200", &agent.replace('\t', "%09"), "-");
        prop_assert_eq!(short(&line), said);
    }

    #[test]
    fn every_path_that_a_client_sends_is_found_again(path in "(/[ -~]{0,8}){1,3}") {
        // Without what is no path, as a client sends and CloudFront logs it.
        let sent = path.replace(['?', '#', ' ', '\\'], "%2e");
        let mut logged = String::new();
        for byte in sent.bytes() {
            if b"<>\"#%{}|\\^~[]`'".contains(&byte) {
                logged += &format!("%{byte:02X}");
            } else {
                logged.push(char::from(byte));
            }
        }
        let line = with_path(&logged, "-");
        let line = read(&line, &Columns::default()).unwrap();
        let plain = format!("GET {sent} HTTP/1.1");
        let found = Request::parse(&line.request).unwrap();
        let expected = Request::parse(&plain).unwrap();
        prop_assert_eq!(found.path(), expected.path());
    }

    #[test]
    fn no_line_makes_the_reader_panic(all in any::<String>(), at in 0_usize..300, names in "[ a-z()-]{0,60}") {
        let mut near = with_path("/a", "k=1");
        let at = near.char_indices().map(|(at, _)| at).nth(at).unwrap_or(near.len());
        near.insert_str(at, &all);
        let mut columns = Columns::default();
        columns.take(&format!("#Fields: {names} x-edge-location date time cs-method {all}"));
        for line in [&*all, &near, &near[..at]] {
            let _ = (short(line), short_by(line, &columns), read(line, &columns));
        }
    }
}
