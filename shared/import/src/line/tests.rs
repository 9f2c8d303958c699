use proptest::prelude::*;

use super::super::caller_map::{CallerMap, read_callers};
use super::super::fields::FieldNames;
use super::*;

fn read_by(line: &[u8], rules: &Rule) -> Result<Line, LineError> {
    Line::read(line, &mut Columns::default(), rules, &Calendar::new("Asia/Shanghai", 5).unwrap())
}

fn read(line: &[u8]) -> Result<Line, LineError> {
    read_by(line, &Rule::default())
}

fn check(line: &[u8], said: &str) {
    check_by(line, &Rule::default(), said);
}

/// What a line says by rules, in short.
fn check_by(line: &[u8], rules: &Rule, said: &str) {
    let found = match read_by(line, rules) {
        Ok(Line::Blank) => "blank".to_owned(),
        Ok(Line::Odd(odd)) => format!("odd: {odd}"),
        Ok(Line::NotBillable(why)) => format!("not billable: {why}"),
        Ok(Line::Unmapped { caller, calls }) => format!("unmapped: {caller} {calls}"),
        Ok(Line::Calls(calls)) => {
            let LineCalls { provider, api, day, metered, .. } = calls;
            format!("{provider} {api} {day} {metered}")
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(found, said, "{}", line.escape_ascii());
}

#[test]
fn log_lines_become_calls_of_the_platforms_day() {
    for (line, said) in [
        (
            &br#"1.2.3.4 - - [17/May/2015:15:59:59 +0000] "GET /a/b HTTP/1.1" 200 5"#[..],
            "1.2.3.4 a 2015-05-17 1 call",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "GET /a/b HTTP/1.1" 206 -"#,
            "1.2.3.4 a 2015-05-18 1 call",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "GET /a/b HTTP/1.1" 404 -"#,
            "not billable: with status 404",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "OPTIONS /a HTTP/1.1" 204 -"#,
            "not billable: by method",
        ),
        // A request that is none is no bad line unless it was answered as a call.
        (br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "-" 408 -"#, "odd: without a request"),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "\x16\x03\x01\x00" 400 157"#,
            "odd: not HTTP",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "OPTIONS * HTTP/1.0" 200 -"#,
            "odd: about the server (`*`)",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "CONNECT a.example:443 HTTP/1.1" 200 -"#,
            "odd: tunnels (CONNECT)",
        ),
        (
            br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "-" 200 -"#,
            "the request `-` is not a method and a target",
        ),
        (
            b"\xff\xfe - - [17/May/2015:16:00:00 +0000] \"GET / HTTP/1.1\" 200 5",
            "unmapped: \u{fffd}\u{fffd} 1",
        ),
        (
            b"1.2.3.4 - - [17/May/2015:16:00:00 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"\xff\"",
            "1.2.3.4 / 2015-05-18 1 call",
        ),
        (
            br#"1.2.3.4 - - [17/May/1915:16:00:00 +0000] "GET / HTTP/1.1" 200 5"#,
            "1915-05-18T00:00:00+08:00 is outside the billing calendar",
        ),
        (b" \t\r", "blank"),
    ] {
        check(line, said);
    }
}

#[test]
fn json_lines_are_records_with_their_own_count() {
    for (line, said) in [
        (
            r#"{"provider":"a","api":"x.y","day":"2015-05-17","count":7}"#,
            "a x.y 2015-05-17 7 calls",
        ),
        (r#" {"api":"x","at":"2015-05-17T16:00:00Z","provider":"a"} "#, "a x 2015-05-18 1 call"),
        (r#"{"provider":"a","api":"x","day":"2015-05-17","count":0}"#, "a x 2015-05-17 0 calls"),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":3,"amount":"120.50"}"#,
            "a x 2015-05-17 3 calls of ¥120.50",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","amount":"0.000001"}"#,
            "a x 2015-05-17 1 call of ¥0.000001",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":0,"amount":"5"}"#,
            "amount 5 without calls: the count is 0",
        ),
        (r#"{"provider":"a#","api":"x","day":"2015-05-17","count":9}"#, "unmapped: a# 9"),
        (
            r#"{ "requestId":"c6af", "requestTime":"17/May/2015:16:00:00 +0000" }"#,
            "this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken",
        ),
        (r#"{"provider":"a","api":"x"}"#, "give either `at` or `day`"),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","at":"2015-05-17T16:00:00Z"}"#,
            "give either `at` or `day`",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":1000000000001}"#,
            "1000000000001 calls are more than one line may have: 1000000000 calls and ¥1000000000",
        ),
    ] {
        check(line.as_bytes(), said);
    }
}

#[test]
fn json_lines_that_are_no_records_say_why_and_show_one() {
    const EXAMPLE: &str =
        r#"not a record such as {"provider":"isv1","api":"trades","day":"2015-05-17","count":3}: "#;
    for (line, why) in [
        ("{", "is not valid JSON at column 1: the document ends too early"),
        (r#"{"provider":7}"#, "provider: is the number 7; must be a text"),
        (
            r#"{"provider":"a","api":"x","day":"2015-5-17"}"#,
            "day: `2015-5-17` is not a day such as 2015-05-17",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":-1}"#,
            "count: is the number -1; must be u64",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":1.5}"#,
            "count: is the number 1.5; must be u64",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","amount":5}"#,
            r#"amount: is the number 5; must be an amount from 0 to 10^12 yuan as a text with at most six decimals such as "120.50""#,
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17","count":1,"count":2}"#,
            "count: is given twice; give it once",
        ),
        (
            r#"{"provider":"a","api":"x","day":"2015-05-17"} {}"#,
            "is not valid JSON at column 47: something follows the document",
        ),
    ] {
        check(line.as_bytes(), &format!("{EXAMPLE}{why}"));
    }
}

#[test]
fn record_names_its_provider_by_id_unless_there_is_a_map() {
    let line = br#"{"provider":"key-1","api":"x","day":"2015-05-17"}"#;
    let prefix = Rule {
        provider_prefix: "isv-".to_owned(),
        api_prefix: "rest.".to_owned(),
        ..Rule::default()
    };
    check_by(line, &prefix, "key-1 x 2015-05-17 1 call");
    for (map, said) in [
        ("caller,provider\nkey-*,shop", "shop x 2015-05-17 1 call"),
        ("caller,provider\nother,shop", "unmapped: key-1 1"),
    ] {
        let map = Some(CallerMap::from(&read_callers(map).unwrap()));
        check_by(line, &Rule { map, ..Rule::default() }, said);
    }
}

#[test]
fn exported_lines_are_read_by_their_fields_and_billed_by_the_same_rules() {
    let fields = "provider=key,path=uri,at=time,method=verb,status=code,count=n";
    let names = fields.parse::<FieldNames>().unwrap();
    let fields = Some(FieldMap::try_from(&names).unwrap());
    let rules = Rule { fields, ..Rule::default() };
    for (line, said) in [
        (
            r#"{"key":1021,"uri":"/x/%2e%2e/vas%2esms?y","time":"2015-05-17T16:00:00Z","verb":"GET","code":200,"more":[]}"#,
            "1021 vas.sms 2015-05-18 1 call",
        ),
        (
            r#"{"key":"a/b","uri":"/x","time":"2015-05-17T16:00:00Z","verb":"GET","code":200,"n":5}"#,
            "unmapped: a/b 5",
        ),
        (
            r#"{"key":"a","uri":"/x","time":"2015-05-17T16:00:00Z","verb":"OPTIONS","code":200}"#,
            "not billable: by method",
        ),
        (
            r#"{"key":"a","uri":"/x","time":"2015-05-17T16:00:00Z","verb":"GET","code":304}"#,
            "not billable: with status 304",
        ),
        // Nobody knows whether these are billable.
        (r#"{"key":"a","uri":"/x","time":1431878400,"code":200}"#, "field `verb`: is absent"),
        (
            r#"{"key":"a","uri":"/x","time":1431878400,"verb":"GET","code":null}"#,
            "field `code`: is absent",
        ),
        (
            r#"{"key":"a","uri":"x","time":1431878400,"verb":"GET","code":200}"#,
            "the target `x` has no path",
        ),
        (r#"{"key":"a","time":1431878400,"verb":"GET","code":200}"#, "field `uri`: is absent"),
        (
            r#"{"key":"a\n","uri":"/x","time":1431878400,"verb":"GET","code":200}"#,
            r"`a\n` is no caller: 512 bytes at most, and no control characters",
        ),
        ("{", "is not valid JSON at column 1: the document ends too early"),
    ] {
        check_by(line.as_bytes(), &rules, said);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        all in any::<Vec<u8>>(),
        request in any::<Vec<u8>>(),
        cut in 0_usize..200,
    ) {
        let mut near = b"1.2.3.4 - - [17/May/2015:10:05:03 +0000] \"GET /".to_vec();
        near.extend(&request);
        near.extend(b" HTTP/1.1\" 200 5 \"-\" \"Agent\"");
        near.truncate(cut);
        let _ = (read(&all), read(&near), read(&[b"{", &all[..]].concat()));
    }
}
