//! Lines of web access logs in the Common or the Combined Log Format, each with or without a
//! virtual host at its beginning. Pure.
//!
//! Source: Apache's `mod_log_config`, `%h %l %u %t "%r" %>s %b`, to which the Combined Log Format
//! adds `"%{Referer}i" "%{User-Agent}i"`, and before which `vhost_combined` has `%v:%p`; nginx
//! calls it `combined`. Both servers escape a quotation mark inside a field, as `\"` or `\x22`, and
//! a backslash. Apache writes a user without a name as `""`.

use jiff::Timestamp;

use super::address::address;
use super::excerpt::Excerpt;
use super::log_line::{FormatFields, LogLine, LogLineError};

const TIME_FORMAT: &str = "%d/%b/%Y:%H:%M:%S %z";
const TIME_FORMAT_FRACTION: &str = "%d/%b/%Y:%H:%M:%S%.f %z";

/// Reads a line, which has no line break.
///
/// # Errors
///
/// [`LogLineError`] naming what is wrong with it.
pub(crate) fn read(line: &str) -> Result<LogLine<'_>, LogLineError> {
    let (head, rest) = until_request(line).ok_or(LogLineError::NoRequest)?;
    let (request, answer) = split_request(rest).ok_or(LogLineError::NoRequest)?;
    let Head { host, user, time } = Head::split(head).ok_or(LogLineError::Head)?;
    if is_name_with_port(host) {
        return Err(LogLineError::NoClient(Excerpt::of(host)));
    }
    let at = read_time(time).ok_or_else(|| LogLineError::Time(Excerpt::of(time)))?;
    let (status, rest) =
        split_answer(answer).ok_or_else(|| LogLineError::Answer(Excerpt::of(answer)))?;
    if has_time_and_request(rest) {
        return Err(LogLineError::TwoLines);
    }
    let fields = FormatFields::AccessLog { user, rest };
    Ok(LogLine { host, at, request: request.into(), status, fields })
}

/// The field in quotation marks, by its number from 1, that follows the user agent in what follows
/// the size: the formats have none, but servers can be configured to add some. None when it is
/// absent or empty.
pub(crate) fn extra(rest: &str, number: usize) -> Option<&str> {
    let mut rest = rest;
    let mut fields = std::iter::from_fn(|| {
        let (field, after) = until_quote(until_quote(rest)?.1)?;
        rest = after;
        Some(field)
    });
    // The first two are the referer and the user agent.
    fields.nth(number.checked_add(1)?).filter(|field| !matches!(*field, "" | "-"))
}

/// The time of a log, as the Common Log Format writes it, also with a fraction of a second; or an
/// instant of RFC 3339, as nginx's `$time_iso8601`. A leap second is the one before it.
#[must_use]
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    Timestamp::strptime(TIME_FORMAT, text)
        .or_else(|_| Timestamp::strptime(TIME_FORMAT_FRACTION, text))
        .or_else(|_| text.parse())
        .ok()
}

/// What stands before the request.
struct Head<'a> {
    host: &'a str,
    user: &'a str,
    time: &'a str,
}

impl<'a> Head<'a> {
    /// `host identity user [time] `, with or without a virtual host before it. The user may hold
    /// spaces and brackets: the time is what stands in the last ones. API Gateway writes no space
    /// after it.
    fn split(head: &'a str) -> Option<Head<'a>> {
        let head = head.trim_start();
        let head = head.strip_suffix(' ').unwrap_or(head);
        let (who, time) = head.strip_suffix(']')?.rsplit_once(" [")?;
        let (host, who) = split_host(who)?;
        let (host, who) = if begins_with_client(who) { split_host(who)? } else { (host, who) };
        let (_identity, user) = who.split_once(' ')?;
        Some(Head { host, user, time })
    }
}

/// The first word, with all that follow it in a list of addresses.
fn split_host(who: &str) -> Option<(&str, &str)> {
    let mut end = who.find(' ')?;
    while who[..end].ends_with(',') {
        end += 1 + who[end + 1..].find(' ')?;
    }
    Some((&who[..end], &who[end + 1..]))
}

/// Whether what follows the first word is `client identity user`, so that the first is a virtual
/// host. Without one it is `identity user`, where the identity is `-`: a client writes neither
/// word.
fn begins_with_client(who: &str) -> bool {
    let mut words = who.split(' ');
    let (client, identity, user) = (words.next(), words.next(), words.next());
    let (Some(client), Some(identity), Some(_)) = (client, identity, user) else { return false };
    let is_client = client.ends_with(',') || address(client).is_some();
    client != "-" && (is_client || identity == "-")
}

/// `shop.example:80`. An IPv6 address has two colons or more.
fn is_name_with_port(host: &str) -> bool {
    host.matches(':').count() == 1 && !host.contains(',') && address(host).is_none()
}

/// What stands before the request, and what follows its first quotation mark. The quotation marks
/// of a user without a name are none of the request.
fn until_request(line: &str) -> Option<(&str, &str)> {
    let (head, rest) = until_quote(line)?;
    if !rest.starts_with("\" [") {
        return Some((head, rest));
    }
    let (_, request) = until_quote(&rest[1..])?;
    Some((&line[..line.len() - request.len() - 1], request))
}

/// The request, and what follows it. Some formats have the virtual host in quotation marks before
/// the request; a client writes no quotation mark that would look so.
fn split_request(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = until_quote(text)?;
    match rest.strip_prefix(" \"") {
        Some(request) => until_quote(request),
        None => Some((first, rest)),
    }
}

/// What stands before the next quotation mark that has no backslash before it, and what after.
pub(crate) fn until_quote(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let quote = text.bytes().position(|byte| {
        let is_quote = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_quote
    })?;
    Some((&text[..quote], &text[quote + 1..]))
}

/// True if `[time] "` stands outside quotation marks: another line follows without a line break,
/// such as where a log was joined to one that did not end in one.
///
/// Where the first line ends inside of a field, the quotation marks are odd, which no client can
/// make them: a time in brackets anywhere shows another line then.
fn has_time_and_request(rest: &str) -> bool {
    let is_time = |text: &str| read_time(text).is_some();
    let times = rest.split('[').skip(1).filter_map(|text| text.split_once(']'));
    if !times.clone().any(|(text, _)| is_time(text)) {
        return false;
    }
    let mut marks = 0;
    let mut after = rest;
    while let Some((_, next)) = until_quote(after) {
        (marks, after) = (marks + 1, next);
    }
    if marks % 2 == 1 {
        return true;
    }
    let mut rest = rest;
    loop {
        let (plain, quoted) =
            until_quote(rest).map_or((rest, None), |(plain, quoted)| (plain, Some(quoted)));
        let time = plain.strip_suffix(' ').unwrap_or(plain).strip_suffix(']');
        let time = time.and_then(|plain| plain.rsplit_once('['));
        if quoted.is_some() && time.is_some_and(|(_, time)| is_time(time)) {
            return true;
        }
        let Some((_, after)) = quoted.and_then(until_quote) else { return false };
        rest = after;
    }
}

/// ` 200 203023 …` into the status and what follows the size.
fn split_answer(answer: &str) -> Option<(u16, &str)> {
    let (status, rest) = answer.strip_prefix(' ')?.split_once(' ')?;
    let size = rest.split(' ').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if status.len() != 3 || !is_number(status) || !(size == "-" || is_number(size)) {
        return None;
    }
    Some((status.parse().ok()?, &rest[size.len()..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::formats::Columns;
    use super::super::request::Request;
    use super::*;

    /// A line in short: host, user, instant, request, status.
    fn short(line: &str) -> Result<String, LogLineError> {
        let LogLine { host, at, request, status, fields } =
            LogLine::parse(line, &Columns::default())?;
        let FormatFields::AccessLog { user, .. } = fields else { panic!("{line}") };
        Ok(format!("{host} | {user} | {at} | {request} | {status}"))
    }

    #[test]
    fn two_lines_without_a_line_break_between_are_no_call() {
        let one = r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "-""#;
        for joined in [format!("{one}{one}"), format!("{one} {one}"), format!("{one}\r{one}")] {
            assert_eq!(short(&joined), Err(LogLineError::TwoLines), "{joined}");
        }
        let api = r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000]"GET /a HTTP/1.1" 200 5"#;
        for joined in [format!("{one}{api}"), format!("{}{one}", &one[..one.len() - 2])] {
            assert_eq!(short(&joined), Err(LogLineError::TwoLines), "{joined}");
        }
        // A client can write the same into a header, and a server can log a time as a field.
        for more in [r#" "[17/May/2015:10:05:03 +0000] \"""#, r" [17/May/2015:10:05:03 +0000]"] {
            assert!(short(&format!("{one}{more}")).is_ok(), "{more}");
        }
    }

    /// Lines, each with what is read of it.
    const LINES: &[(&str, &str)] = &[
        // A line of the Combined Log Format, as Apache wrote it.
        (
            r#"86.28.207.22 - - [18/May/2015:11:05:18 +0000] "GET //favicon.ico HTTP/1.1" 200 3638 "-" "Newsify/120 CFNetwork/672.0.8 Darwin/14.0.0""#,
            "86.28.207.22 | - | 2015-05-18T11:05:18Z | GET //favicon.ico HTTP/1.1 | 200",
        ),
        // The Common Log Format.
        (
            r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 304 -"#,
            "127.0.0.1 | frank | 2000-10-10T20:55:36Z | GET /apache_pb.gif HTTP/1.0 | 304",
        ),
        // An IPv6 address, and a request that is none.
        (
            r#"2001:db8::1 - - [01/Jan/2024:00:00:00 +0800] "\x16\x03\x01" 400 150 "-" "-""#,
            r"2001:db8::1 | - | 2023-12-31T16:00:00Z | \x16\x03\x01 | 400",
        ),
        // The user agent is cut off, and all that counts is there.
        (
            r#"46.118.127.106 - - [20/May/2015:12:05:17 +0000] "GET / HTTP/1.1" 200 235 "-" "Mozilla/5.0 (compat"#,
            "46.118.127.106 | - | 2015-05-20T12:05:17Z | GET / HTTP/1.1 | 200",
        ),
        // A user who writes a whole head into the name moves nothing.
        (
            r#"10.0.0.1 - a b - - [01/Jan/2015:00:00:00 +0000] \"GET /free\" 200 1 [17/May/2015:10:05:03 +0000] "GET /paid HTTP/1.1" 200 5"#,
            r#"10.0.0.1 | a b - - [01/Jan/2015:00:00:00 +0000] \"GET /free\" 200 1 | 2015-05-17T10:05:03Z | GET /paid HTTP/1.1 | 200"#,
        ),
        (
            r#"10.0.0.1 - 9.9.9.9 - - [17/May/2015:10:05:03 +0000] "GET /paid HTTP/1.1" 200 5"#,
            "10.0.0.1 | 9.9.9.9 - - | 2015-05-17T10:05:03Z | GET /paid HTTP/1.1 | 200",
        ),
        // Apache's user without a name, and one who tries to look so.
        (
            r#"10.0.0.1 - "" [17/May/2015:10:05:03 +0000] "GET /paid HTTP/1.1" 200 5"#,
            r#"10.0.0.1 | "" | 2015-05-17T10:05:03Z | GET /paid HTTP/1.1 | 200"#,
        ),
        (
            r#"10.0.0.1 - \"\" [x] [17/May/2015:10:05:03 +0000] "" 400 5"#,
            r#"10.0.0.1 | \"\" [x] | 2015-05-17T10:05:03Z |  | 400"#,
        ),
        // Virtual hosts.
        (
            r#"shop.example:80 1.2.3.4 - frank b [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            "1.2.3.4 | frank b | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"shop.example client.example - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            "client.example | - | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"shop.example:443 2001:db8::1 ident "" [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            r#"2001:db8::1 | "" | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200"#,
        ),
        // Addresses that proxies forwarded, and ports.
        (
            r#"192.0.2.7, 10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            "192.0.2.7, 10.0.0.1 | - | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"shop.example:80 192.0.2.7, 10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            "192.0.2.7, 10.0.0.1 | - | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#" 192.0.2.7:51344 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5"#,
            "192.0.2.7:51344 | - | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "shop.example" "GET / HTTP/1.1" 200 5 "-" "A""#,
            "192.0.2.7 | - | 2015-05-17T10:05:03Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "\" \"GET /free" 200 5 "-" "A""#,
            r#"192.0.2.7 | - | 2015-05-17T10:05:03Z | \" \"GET /free | 200"#,
        ),
        // The CLF format of API Gateway, by its documentation.
        (
            r#"192.0.2.7 AROA1 isv1 [17/May/2015:10:05:03 +0000]"GET /trades/{id} HTTP/1.1" 200 5 c6af Kx="#,
            "192.0.2.7 | isv1 | 2015-05-17T10:05:03Z | GET /trades/{id} HTTP/1.1 | 200",
        ),
        // Other ways to write the time.
        (
            r#"10.0.0.1 - - [30/Jun/2012:23:59:60 +0000] "GET / HTTP/1.1" 200 5"#,
            "10.0.0.1 | - | 2012-06-30T23:59:59Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"10.0.0.1 - - [17/May/2015:10:05:03.25 +0530] "GET / HTTP/1.1" 200 5"#,
            "10.0.0.1 | - | 2015-05-17T04:35:03.25Z | GET / HTTP/1.1 | 200",
        ),
        (
            r#"10.0.0.1 - - [2015-05-17T10:05:03+08:00] "GET / HTTP/1.1" 200 5"#,
            "10.0.0.1 | - | 2015-05-17T02:05:03Z | GET / HTTP/1.1 | 200",
        ),
        // A request with quotation marks and backslashes moves nothing either.
        (
            r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a\\\" 404 5 \"b HTTP/1.1" 200 5"#,
            r#"10.0.0.1 | - | 2015-05-17T10:05:03Z | GET /a\\\" 404 5 \"b HTTP/1.1 | 200"#,
        ),
    ];

    #[test]
    fn lines_are_read_field_by_field() {
        for (line, read) in LINES {
            assert_eq!(short(line).as_deref(), Ok(*read), "{line}");
        }
    }

    #[test]
    fn hostile_lines_are_refused_by_what_is_wrong_with_them() {
        let excerpt = Excerpt::of;
        for (line, why) in [
            ("", LogLineError::NoRequest),
            ("GET / 200", LogLineError::NoRequest),
            (r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /"#, LogLineError::NoRequest),
            (r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /\" 200 5"#, LogLineError::NoRequest),
            (r#""GET / HTTP/1.1" 200 5"#, LogLineError::Head),
            (r#"1.2.3.4 - [17/May/2015:10:05:03 +0000] "GET /" 200 5"#, LogLineError::Head),
            (r#"1.2.3.4 - - 17/May/2015:10:05:03 +0000 "GET /" 200 5"#, LogLineError::Head),
            (
                r#"shop.example:80 - - [17/May/2015:10:05:03 +0000] "GET /" 200 5"#,
                LogLineError::NoClient(excerpt("shop.example:80")),
            ),
            (
                r#"1.2.3.4 - - [31/Feb/2015:10:05:03 +0000] "GET /" 200 5"#,
                LogLineError::Time(excerpt("31/Feb/2015:10:05:03 +0000")),
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03] "GET /" 200 5"#,
                LogLineError::Time(excerpt("17/May/2015:10:05:03")),
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" 200"#,
                LogLineError::Answer(excerpt(" 200")),
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" 20 5"#,
                LogLineError::Answer(excerpt(" 20 5")),
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" +20 5"#,
                LogLineError::Answer(excerpt(" +20 5")),
            ),
            (
                r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" 200 x"#,
                LogLineError::Answer(excerpt(" 200 x")),
            ),
        ] {
            assert_eq!(short(line), Err(why), "{line}");
        }
    }

    fn with_request(request: &str) -> String {
        format!(r#"1.2.3.4 - - [17/May/2015:10:05:03 +0000] "{request}" 200 5"#)
    }

    #[test]
    fn extra_fields_are_those_in_quotation_marks_after_the_user_agent() {
        let line = with_request("GET / HTTP/1.1")
            + r#" "-" "Agent \"1\"" 0.003 "app-\"7" rt=1 "10.0.0.1, 10.0.0.2" "-" "cut"#;
        let FormatFields::AccessLog { rest, .. } = read(&line).unwrap().fields else {
            panic!("{line}")
        };
        for (number, field) in [
            (1, Some(r#"app-\"7"#)),
            (2, Some("10.0.0.1, 10.0.0.2")),
            (3, None),
            (4, None),
            (usize::MAX, None),
        ] {
            assert_eq!(extra(rest, number), field, "{number}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(
            head in r#"[ -~]{0,40}(" \\\[|\] \\"")?"#,
            request in r#"[ -~\\"]{0,40}"#,
            tail in any::<String>(),
            all in any::<String>(),
        ) {
            let near = format!("{head} - - [17/May/2015:10:05:03 +0000] \"{request}\" 200 5 {tail}");
            for line in [near, with_request(&request), all] {
                if let Ok(line) = read(&line) {
                    if let FormatFields::AccessLog { rest, .. } = line.fields {
                        let _ = extra(rest, 1);
                    }
                    if let Ok(request) = Request::parse(&line.request) {
                        let _ = (request.path(), request.query_values("a").count());
                    }
                }
            }
        }
    }
}
