use std::io::Cursor;

use proptest::prelude::*;
use steelyard_billing::{Calendar, CumulativeUsage};

use super::*;
use crate::{Batch, Batches, Input, Line, LineCalls, LineError, Rule};

const FIELDS: &str = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status x-edge-location x-host-header x-forwarded-for cs(User-Agent)\n";

fn shanghai() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

/// The rule of a JSON document without a name.
fn rule(fields: &str) -> Rule {
    Rule::read(&format!(r#"{{ "rule": "r", {fields} }}"#)).unwrap()
}

fn by_caller(caller: &str) -> Rule {
    rule(&format!(r#""caller": "{caller}""#))
}

fn balancer(request: &str, status: &str, agent: &str) -> String {
    format!(
        r#"https 2015-05-17T16:00:00.5Z app/lb/50dc 192.0.2.7:51344 10.0.0.1:80 0.0 0.1 0.0 {status} 200 34 366 "{request}" "{agent}" TLS_AES TLSv1.3 arn:aws:x "Root=1" "Shop.example" "-" 0 2015-05-17T15:59:59Z "forward" "-" "-""#
    )
}

/// A line of the columns in `FIELDS`.
fn cloudfront(target: (&str, &str), status: &str, list: &str, agent: &str) -> String {
    let (stem, query) = target;
    format!(
        "2015-05-17\t16:00:00\t192.0.2.7\tGET\t{stem}\t{query}\t{status}\tLAX1\tSHOP.example:443\t{list}\t{agent}"
    )
}

fn read(line: &str, rule: &Rule) -> Result<Line, LineError> {
    let mut columns = Columns::default();
    if line.contains('\t') {
        columns.take(FIELDS.lines().nth(1).unwrap());
    }
    Line::read(line.as_bytes(), &mut columns, rule, &shanghai())
}

/// What a line says by a rule, in short.
fn check(line: &str, rule: &Rule, said: &str) {
    let found = match read(line, rule) {
        Ok(Line::Calls(LineCalls { provider, api, day, metered, .. })) => {
            format!("{provider} {api} {day} {metered}")
        }
        Ok(Line::Odd(odd)) => format!("odd: {odd}"),
        Ok(Line::NotBillable(why)) => format!("not billable: {why}"),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, said, "{line}");
}

#[test]
fn lines_of_balancers_become_calls() {
    const PAID: &str =
        "GET https://shop.example:443/x/%2e%2e/vas%2esms;v=1?app_key=%31021 HTTP/2.0";
    let line = balancer(PAID, "200", "A");
    for (caller, said) in [
        ("host", "192.0.2.7 vas.sms 2015-05-18 1 call"),
        ("domain", "shop.example vas.sms 2015-05-18 1 call"),
        ("query:app_key", "1021 vas.sms 2015-05-18 1 call"),
        ("query:k", "no caller: query:k is absent"),
        (
            "extra:1",
            "no caller: a load balancer's log has no extra:1; take host, domain or query:NAME",
        ),
        ("user", "no caller: a load balancer's log has no user; take host, domain or query:NAME"),
    ] {
        check(&line, &by_caller(caller), said);
    }
    check(&line, &rule(r#""trusted_hops": 1"#), "192.0.2.7 vas.sms 2015-05-18 1 call");
    check(
        &line,
        &rule(r#""trusted_hops": 2"#),
        "`192.0.2.7` has fewer than 2 addresses: not all 2 trusted proxies wrote one",
    );
    for (request, status, said) in [
        (PAID, "404", "not billable: with status 404"),
        (PAID, "-", "not billable: with status 000"),
        ("OPTIONS https://shop.example:443/a HTTP/1.1", "200", "not billable: by method"),
        ("GET https://shop.example:443/ HTTP/1.1", "200", "192.0.2.7 / 2015-05-18 1 call"),
        ("- http://shop.example:80- ", "400", "odd: without a request"),
        ("- - - ", "-", "odd: without a request"),
        ("", "400", "odd: without a request"),
        // Something was given, and nobody knows what.
        ("- http://shop.example:80- ", "200", "the request `-` is not a method and a target"),
    ] {
        check(&balancer(request, status, "A"), &Rule::default(), said);
    }
    let no_name = balancer(PAID, "200", "A").replace("Shop.example", "-");
    check(&no_name, &by_caller("domain"), "no caller: domain is absent");
}

#[test]
fn lines_of_cloudfront_become_calls() {
    let target = ("/vas%252esms", "app_key=%25310%252b21");
    let line = cloudfront(target, "200", "198.51.100.1,%20192.0.2.9", "A");
    for (fields, said) in [
        (r#""caller": "host""#, "192.0.2.7 vas.sms 2015-05-18 1 call"),
        (r#""caller": "domain""#, "shop.example vas.sms 2015-05-18 1 call"),
        (
            r#""caller": "query:app_key", "callers": { "10+21": "isv" }"#,
            "isv vas.sms 2015-05-18 1 call",
        ),
        (
            r#""caller": "extra:1""#,
            "no caller: a CloudFront log has no extra:1; take host, domain or query:NAME",
        ),
        // CloudFront is the proxy that is trusted first.
        (r#""trusted_hops": 1"#, "192.0.2.7 vas.sms 2015-05-18 1 call"),
        (r#""trusted_hops": 2"#, "192.0.2.9 vas.sms 2015-05-18 1 call"),
        (r#""trusted_hops": 3"#, "198.51.100.1 vas.sms 2015-05-18 1 call"),
    ] {
        check(&line, &rule(fields), said);
    }
    for (target, status, said) in [
        (("/a", "-"), "000", "not billable: with status 000"),
        (("/a", "-"), "304", "not billable: with status 304"),
        (("/", "-"), "200", "192.0.2.7 / 2015-05-18 1 call"),
        (("*", "-"), "200", "odd: about the server (`*`)"),
        (("a", "-"), "200", "the target `a` has no path"),
    ] {
        check(&cloudfront(target, status, "-", "A"), &Rule::default(), said);
    }
    let access = r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5"#;
    check(
        access,
        &by_caller("domain"),
        "no caller: an access log has no domain; take host, user, query:NAME or extra:N",
    );
}

fn batch_of(text: &str) -> Batch {
    let (rule, calendar) = (Rule::default(), shanghai());
    let input = Input::new(Cursor::new(text.as_bytes().to_vec()), None).unwrap();
    let batches = Batches::new(input, &rule, &calendar).collect::<Result<Vec<_>, _>>().unwrap();
    let [batch] = <[Batch; 1]>::try_from(batches).unwrap();
    batch
}

#[test]
fn columns_are_kept_from_line_to_line_of_a_file_and_of_a_post() {
    let line = |path: &str| cloudfront((path, "-"), "200", "-", "A") + "\n";
    let other = "#Fields: x-edge-location cs-method cs-uri-stem sc-status c-ip date time\nLAX1\tGET\t/c\t200\t192.0.2.7\t2015-05-17\t16:00:01\n";
    let text = FIELDS.to_owned() + &line("/a") + &line("/b") + FIELDS + &line("/b/2") + other;
    let batch = batch_of(&text);
    assert_eq!((batch.blank, batch.billable, batch.bad.len()), (5, 4, 0));
    // What a line is known by is its content: the same log counts the same, from whatever other
    // line on.
    assert_eq!(batch_of(&text).hours, batch.hours);

    let post = |body: &str| Batch::of_post(body.as_bytes(), &Rule::default(), &shanghai()).unwrap();
    let counts = |batch: &Batch| {
        let counts = batch.days.iter().map(|record| format!("{} {}", record.api, record.count));
        counts.collect::<Vec<_>>()
    };
    let batch = post(&text);
    assert_eq!(counts(&batch), ["a 1", "b 2", "c 1"]);
    assert_eq!((batch.blank, batch.bad.len()), (6, 0));
    let texts = text.lines().collect::<Vec<_>>();
    assert_eq!(counts(&post(&serde_json::to_string(&texts).unwrap())), ["a 1", "b 2", "c 1"]);

    // Without them the columns are the documented ones, which these are not: nothing is guessed.
    let batch = batch_of(&line("/a"));
    assert_eq!((batch.billable, batch.bad.len()), (0, 1));
}

#[test]
fn a_file_after_another_begins_with_the_documented_columns() {
    let (rule, calendar) = (Rule::default(), shanghai());
    let mut lines = crate::Lines::new(&rule, &calendar);
    let mut read = |text: &str| {
        let mut batch = Batch::default();
        for line in text.lines() {
            lines.read(&mut line.as_bytes().to_vec(), crate::LineEnd::Break, &mut batch);
        }
        lines.end(&mut batch);
        (batch.blank, batch.billable, batch.bad.len())
    };
    let line = cloudfront(("/a", "-"), "200", "-", "A");
    assert_eq!(read(&(FIELDS.to_owned() + &line)), (2, 1, 0));
    assert_eq!(read(&line), (0, 0, 1));
}

#[test]
fn a_file_may_have_lines_of_every_format() {
    let text = [
        FIELDS.trim_end(),
        &cloudfront(("/cdn", "-"), "200", "-", "A"),
        &balancer("GET https://shop.example:443/lb HTTP/2.0", "200", "A"),
        r#"192.0.2.7 - - [17/May/2015:16:00:00 +0000] "GET /log HTTP/1.1" 200 5 "-" "A""#,
        r#"{"provider":"192.0.2.7","api":"json","at":"2015-05-17T16:00:00Z"}"#,
    ];
    let batch = batch_of(&text.join("\n"));
    assert_eq!((batch.blank, batch.billable, batch.bad.len()), (2, 4, 0));
}

#[test]
fn files_of_two_nodes_add_up_under_one_source() {
    let (rule, calendar) = (Rule::default(), shanghai());
    // Two nodes write 4,500 lines each in the same five minutes, more than an access log has line
    // by line.
    let text_of = |node: &str| {
        let mut text = String::new();
        for line in 0..4_500 {
            let time = format!("16:{:02}:{:02}.{line:06}Z", line / 900, line / 15 % 60);
            let request = format!("GET https://{node}.example:443/x HTTP/2.0");
            text += &balancer(&request, "200", "A").replace("16:00:00.5Z", &time);
            text.push('\n');
        }
        text
    };
    let (a, b) = (text_of("a"), text_of("b"));
    let mut counted = CumulativeUsage::new();
    for text in [a + &b, b] {
        let input = Input::new(Cursor::new(text.into_bytes()), None).unwrap();
        for batch in Batches::new(input, &rule, &calendar) {
            let batch = batch.unwrap();
            assert_eq!(batch.edges.steps_back, 0);
            for share in batch.hours.into_iter().flat_map(|hour| hour.shares.into_values()) {
                counted.merge(share.usage);
            }
        }
    }
    let counted = counted.usage().unwrap();
    assert_eq!(counted.iter().map(|(_, metered)| metered.calls.get()).sum::<u64>(), 9_000);
}

#[test]
fn last_line_that_is_still_being_written_is_a_bad_one() {
    let first = balancer("GET https://shop.example:443/a HTTP/2.0", "200", "[A] ");
    let last = balancer("GET https://shop.example:443/b HTTP/2.0", "200", "A");
    for length in 1..last.len() {
        let batch = batch_of(&format!("{first}\n{}", &last[..length]));
        assert_eq!((batch.billable, batch.bad.len()), (1, 1), "{length}");
    }
    assert_eq!(batch_of(&format!("{first}\n{last}")).billable, 2);
    // What could be a part of a longer field is one, too.
    let [first, last] = [first, last].map(|line| format!("{line} TID_1"));
    for length in 1..=last.len() {
        let batch = batch_of(&format!("{first}\n{}", &last[..length]));
        assert_eq!((batch.billable, batch.bad.len()), (1, 1), "{length}");
    }
    let last = cloudfront(("/b", "-"), "200", "-", "A");
    for length in 1..=last.len() {
        let batch = batch_of(&format!("{FIELDS}{last}\n{}", &last[..length]));
        assert_eq!((batch.billable, batch.bad.len()), (1, 1), "{length}");
    }
    assert_eq!(batch_of(&format!("{FIELDS}{last}\n{last}\n")).billable, 2);
    // A client's tab makes no columns of an access log.
    let access = |agent: &str| {
        format!(
            "192.0.2.7 - - [17/May/2015:16:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"{agent}\""
        )
    };
    assert_eq!(batch_of(&format!("{}\n{}", access("\t"), access("A"))).billable, 2);
    // A size may go on, and nothing shows what a line has that is the only one.
    let common = "192.0.2.7 - - [17/May/2015:16:00:00 +0000] \"GET /a HTTP/1.1\" 200 5";
    for cut in [format!("{common}123\n{common}"), common.to_owned(), access("A")] {
        assert_eq!(batch_of(&cut).bad.len(), 1, "{cut}");
        assert_eq!(batch_of(&format!("{cut}\n")).bad.len(), 0, "{cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_user_agent_changes_provider_api_or_status(agent in any::<String>()) {
        let escaped = agent.escape_debug().to_string().replace("\\\"", "\\x22");
        let encoded = percent_encoding::percent_encode(
            agent.as_bytes(),
            percent_encoding::NON_ALPHANUMERIC,
        );
        let encoded = format!("A{encoded}");
        let paid = "GET https://shop.example:443/paid HTTP/2.0";
        for caller in ["host", "domain"] {
            let rule = by_caller(caller);
            for status in ["200", "404"] {
                let said = read(&balancer(paid, status, "A"), &rule);
                prop_assert_eq!(read(&balancer(paid, status, &escaped), &rule), said);
                let line = |agent: &str| cloudfront(("/paid", "-"), status, "-", agent);
                prop_assert_eq!(read(&line(&encoded), &rule), read(&line("A"), &rule));
            }
        }
    }
}
