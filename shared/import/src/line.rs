//! What a line of a file says: a call of an access log, or a record in JSON. Pure.

use jiff::Timestamp;
use serde::Deserialize;
use steelyard_billing::{AMOUNT_MAX, COUNT_MAX, Calendar, Minute, ProviderId};
use steelyard_json::{JsonError, Node};
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls, Metered};

use super::billable::NotBillable;
use super::caller::check_text;
use super::excerpt::Excerpt;
use super::fields::{Exported, ExportedApi, FieldMap, When};
use super::foreign::ForeignLog;
use super::formats::{Columns, LogFormat};
use super::line_error::{ID_BYTES_MAX, LineError};
use super::log_line::{LogLine, LogLineError};
use super::request::{Odd, Request};
use super::rule::{NameError, Rule};

/// The meaning of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without text.
    Blank,
    /// Something that is no call of an API.
    Odd(Odd),
    /// A call that is free by its method or its status.
    NotBillable(NotBillable),
    /// Calls of a caller that is no provider.
    Unmapped {
        /// The caller, whom no provider is found for.
        caller: String,
        /// The number of its calls.
        calls: Calls,
    },
    /// Calls to bill.
    Calls(LineCalls),
}

/// The calls of one line: one in an access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCalls {
    /// The provider that is billed.
    pub provider: ProviderId,
    /// The name of the API, after all rules.
    pub api: ApiName,
    /// The billing day of the calls.
    pub day: BillingDay,
    /// How many, and in a record what went through them.
    pub metered: Metered,
    /// The mark that distinguishes the line from others, so that it counts once.
    pub identity: Identity,
}

/// The mark that distinguishes a line from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its instant, and its content.
    At(Timestamp),
    /// The same, in a log that is written in several files at a time, as by the nodes of a load
    /// balancer: what one file has of a minute is never known to be all of it.
    Scattered(Timestamp),
    /// An id of its own.
    Id {
        /// The id as the line has it.
        id: String,
        /// The minute with which the id identifies the line; none if the id does by itself.
        combined: Option<Minute>,
    },
    /// Nothing: it gives a day only, so another line may say the same of other calls.
    Day,
}

/// A usage record, one to a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRecord {
    id: Option<Node>,
    provider: String,
    api: ApiName,
    at: Option<Timestamp>,
    day: Option<BillingDay>,
    #[serde(default = "one")]
    count: Calls,
    #[serde(default)]
    amount: Amount,
}

fn one() -> Calls {
    Calls::new(1)
}

impl Line {
    /// Reads a line, which has no line break. One that begins with `{` is JSON: no host does. One
    /// that names the columns of a log of CloudFront says nothing, and `columns` keeps them for the
    /// lines after it.
    ///
    /// # Errors
    ///
    /// [`LineError`] naming what is wrong with it.
    pub fn read(
        line: &[u8],
        columns: &mut Columns,
        rules: &Rule,
        calendar: &Calendar,
    ) -> Result<Line, LineError> {
        // Bytes that are not UTF-8 become characters that no name may hold.
        let line = String::from_utf8_lossy(line);
        let line = line.trim_ascii();
        match (line.as_bytes().first(), &rules.fields) {
            (None, _) => Ok(Line::Blank),
            (Some(b'{'), Some(fields)) => read_exported(line, fields, rules, calendar),
            (Some(b'{'), None) => read_record(line, rules, calendar),
            (Some(b'#'), _) if columns.take(line) => Ok(Line::Blank),
            (Some(_), _) => read_log_line(&LogLine::parse(line, columns)?, rules, calendar),
        }
    }
}

fn read_log_line(line: &LogLine<'_>, rules: &Rule, calendar: &Calendar) -> Result<Line, LineError> {
    let request = match Request::parse(&line.request) {
        Ok(request) => request,
        Err(odd) => return odd_line(odd, line, rules),
    };
    if let Some(why) = rules.not_billable(Some(request.method), Some(line.status)) {
        return Ok(Line::NotBillable(why));
    }
    let caller = rules.caller.find(line, &request, rules.trusted_hops).map_err(NameError::from)?;
    let Some(provider) = rules.provider_of(&caller) else {
        return Ok(Line::Unmapped { caller, calls: one() });
    };
    let api = rules.api_of(Some(request.method), request.target())?;
    let day = day_of(line.at, calendar)?;
    let metered = Metered::calls(1);
    let identity = match line.format() {
        LogFormat::AccessLog => Identity::At(line.at),
        LogFormat::LoadBalancer | LogFormat::CloudFront => Identity::Scattered(line.at),
    };
    Ok(Line::Calls(LineCalls { provider, api, day, metered, identity }))
}

/// A line without a request is a bad one if it was answered as a call: something was given, and
/// nobody knows what.
fn odd_line(odd: Odd, line: &LogLine<'_>, rules: &Rule) -> Result<Line, LineError> {
    match odd {
        Odd::NoRequest | Odd::NotHttp if rules.status.bills(line.status) => {
            Err(NameError::Request(Excerpt::of(&line.request)).into())
        }
        Odd::NoRequest | Odd::NotHttp | Odd::ServerWide | Odd::Tunnel => Ok(Line::Odd(odd)),
    }
}

fn read_record(line: &str, rules: &Rule, calendar: &Calendar) -> Result<Line, LineError> {
    let record = steelyard_json::read::<JsonRecord>(line.as_bytes());
    let record = record.map_err(|error| match ForeignLog::of(line) {
        Some(log) => LogLineError::from(log).into(),
        None => LineError::Record(excerpt(&error)),
    })?;
    let JsonRecord { id, provider, api, at, day, count, amount } = record;
    let id = id.map(|id| own_id(&id)).transpose()?;
    let when = match (at, day) {
        (Some(at), None) => When::At(at),
        (None, Some(day)) => When::Day(day),
        (Some(_), Some(_)) | (None, None) => return Err(LineError::When),
    };
    let metered = metered(count, amount)?;
    let found = rules.provider_named(&provider);
    calls_of(found, provider, (identity(rules, id, when), api, when, metered), calendar)
}

/// The id of a line: a text, or the digits of a number.
fn own_id(id: &Node) -> Result<String, LineError> {
    let id = match id {
        Node::Text(id) => id.clone(),
        Node::Number(number) if number.is_u64() || number.is_i64() => number.to_string(),
        // Another number was rounded when it was read, and two ids may have become one.
        Node::Number(_) | Node::Null | Node::Bool(_) | Node::List(_) | Node::Object(_) => {
            return Err(LineError::Id);
        }
    };
    if id.is_empty() || id.len() > ID_BYTES_MAX { Err(LineError::Id) } else { Ok(id) }
}

fn read_exported(
    line: &str,
    fields: &FieldMap,
    rules: &Rule,
    calendar: &Calendar,
) -> Result<Line, LineError> {
    let line = steelyard_json::parse(line.as_bytes());
    let line: Node = line.map_err(|error| LineError::Json(excerpt(&error)))?;
    // A gateway that refused a call may not know whose it was.
    let (method, status) = fields.answer(&line)?;
    let method = method.as_deref();
    if let Some(why) = rules.not_billable(method, status) {
        return Ok(Line::NotBillable(why));
    }
    let Exported { id, caller, api, when, count, amount } = fields.read(&line)?;
    let id = id.map(|id| own_id(&Node::Text(id))).transpose()?;
    let api = match api {
        ExportedApi::Name(name) => rules.api_named(name)?,
        ExportedApi::Path(path) => rules.api_of(method, &path)?,
    };
    let found = rules.provider_of(&caller);
    let metered = metered(count, amount)?;
    calls_of(found, caller, (identity(rules, id, when), api, when, metered), calendar)
}

/// The mark of a line with that id, if it has one.
fn identity(rules: &Rule, id: Option<String>, when: When) -> Identity {
    match (id, when) {
        (Some(id), When::At(at)) => {
            Identity::Id { id, combined: rules.combined.then(|| Minute::of(at)) }
        }
        (Some(id), When::Day(_)) => Identity::Id { id, combined: None },
        (None, When::At(at)) => Identity::At(at),
        (None, When::Day(_)) => Identity::Day,
    }
}

/// The calls of a provider, if the caller is one.
fn calls_of(
    provider: Option<ProviderId>,
    caller: String,
    (identity, api, when, metered): (Identity, ApiName, When, Metered),
    calendar: &Calendar,
) -> Result<Line, LineError> {
    check_text(&caller).map_err(NameError::from)?;
    let Some(provider) = provider else {
        return Ok(Line::Unmapped { caller, calls: metered.calls });
    };
    let day = match when {
        When::At(at) => day_of(at, calendar)?,
        When::Day(day) => day,
    };
    Ok(Line::Calls(LineCalls { provider, api, day, metered, identity }))
}

/// Refuses a count that is too large by itself.
fn metered(count: Calls, amount: Amount) -> Result<Metered, LineError> {
    if count.is_zero() && amount != Amount::ZERO {
        return Err(LineError::AmountWithoutCalls(amount));
    }
    let metered = Metered { calls: count, amount };
    if count > COUNT_MAX || amount > AMOUNT_MAX {
        return Err(LineError::TooMuchOfALine(metered));
    }
    Ok(metered)
}

fn day_of(at: Timestamp, calendar: &Calendar) -> Result<BillingDay, LineError> {
    calendar.day_of(at).map_err(|_| LineError::OutsideCalendar(calendar.wall_time(at)))
}

/// Its line is always the first; that in the file is reported beside it.
fn excerpt(error: &JsonError) -> Excerpt {
    Excerpt::of(&error.to_string().replace(" at line 1, column ", " at column "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::caller_map::{CallerMap, read_callers};
    use super::super::fields::FieldNames;
    use super::*;

    fn read_by(line: &[u8], rules: &Rule) -> Result<Line, LineError> {
        Line::read(
            line,
            &mut Columns::default(),
            rules,
            &Calendar::new("Asia/Shanghai", 5).unwrap(),
        )
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
            (
                br#"1.2.3.4 - - [17/May/2015:16:00:00 +0000] "-" 408 -"#,
                "odd: without a request",
            ),
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
        const EXAMPLE: &str = r#"not a record such as {"provider":"isv1","api":"trades","day":"2015-05-17","count":3}: "#;
        for (line, said) in [
            (
                r#"{"provider":"a","api":"x.y","day":"2015-05-17","count":7}"#,
                "a x.y 2015-05-17 7 calls",
            ),
            (
                r#" {"api":"x","at":"2015-05-17T16:00:00Z","provider":"a"} "#,
                "a x 2015-05-18 1 call",
            ),
            (
                r#"{"provider":"a","api":"x","day":"2015-05-17","count":0}"#,
                "a x 2015-05-17 0 calls",
            ),
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
}
