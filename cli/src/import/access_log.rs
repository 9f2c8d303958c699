//! Lines of web access logs in the Common or the Combined Log Format. Pure.
//!
//! Source: Apache's `mod_log_config`, `%h %l %u %t "%r" %>s %b`, to which the Combined Log Format
//! adds `"%{Referer}i" "%{User-Agent}i"`; nginx calls it `combined`.
//! Both servers escape a quotation mark inside a field, as `\"` or `\x22`, and a backslash.
//! Escapes are left as they are: whatever a server escapes, no name of ours may hold.

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

/// One line of an access log, as far as metering needs it.
///
/// What a client can write into the line (user, request, referer, user agent) neither moves a field
/// nor spoils the line: else a call could hide from the bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// The client's address or host name.
    pub host: &'a str,
    /// The name that the client gave; `-` for none.
    pub user: &'a str,
    /// When the request came.
    pub at: Timestamp,
    /// The request line, which may be anything that a client can send.
    pub request: &'a str,
    /// The HTTP status of the answer; 000 where a server writes so.
    pub status: u16,
    /// All that follows the size of the answer.
    rest: &'a str,
}

/// A request line that is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// `GET` and the like.
    pub method: &'a str,
    /// What was asked for: mostly a path with a query.
    pub target: &'a str,
}

/// Why a line is not one of an access log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogLineError {
    /// No request stands in quotation marks.
    #[error("no request in quotation marks: not a whole line of the Common or Combined Log Format")]
    NoRequest,
    /// What stands before the request is not host, identity, user and time.
    #[error("does not begin with host, identity, user and [time]")]
    Head,
    /// The line begins with the name and the port of a virtual host.
    #[error("begins with a virtual host `{0}`; write the log in the Combined Log Format")]
    VirtualHost(Excerpt),
    /// The time is not one.
    #[error("`{0}` is not a time such as 17/May/2015:10:05:03 +0000")]
    Time(Excerpt),
    /// The status is not a number of three digits, or nothing follows it.
    #[error("`{0}` does not begin with an HTTP status and a size")]
    Answer(Excerpt),
}

/// The beginning of a text from outside, safe to show on one line of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(String);

const EXCERPT_CHARACTERS: usize = 120;

const TIME_FORMAT: &str = "%d/%b/%Y:%H:%M:%S %z";

impl<'a> LogLine<'a> {
    /// Reads a line, which has no line break.
    ///
    /// # Errors
    ///
    /// [`LogLineError`] naming what is wrong with it.
    pub fn parse(line: &'a str) -> Result<LogLine<'a>, LogLineError> {
        let (head, rest) = until_quote(line).ok_or(LogLineError::NoRequest)?;
        let (request, answer) = until_quote(rest).ok_or(LogLineError::NoRequest)?;
        let (host, user, time) = split_head(head).ok_or(LogLineError::Head)?;
        // An IPv6 address has two colons or more.
        if host.matches(':').count() == 1 {
            return Err(LogLineError::VirtualHost(Excerpt::of(host)));
        }
        let at = Timestamp::strptime(TIME_FORMAT, time)
            .map_err(|_| LogLineError::Time(Excerpt::of(time)))?;
        let (status, rest) =
            split_answer(answer).ok_or_else(|| LogLineError::Answer(Excerpt::of(answer)))?;
        Ok(LogLine { host, user, at, request, status, rest })
    }

    /// The request, when its line has a method and a target. The protocol may be absent, as in
    /// HTTP/0.9, and the target may hold spaces, as some servers allow.
    #[must_use]
    pub fn request(&self) -> Option<Request<'a>> {
        let (method, rest) = self.request.split_once(' ')?;
        let is_method = |c: char| c.is_ascii_alphabetic() || c == '-';
        if method.is_empty() || !method.chars().all(is_method) {
            return None;
        }
        let target = match rest.rsplit_once(' ') {
            Some((target, protocol)) if protocol.starts_with("HTTP/") => target,
            Some(_) | None => rest,
        };
        Some(Request { method, target })
    }

    /// The field in quotation marks, by its number from 1, that follows the user agent: the
    /// formats have none, but servers are told to add some. None when it is absent or empty.
    #[must_use]
    pub fn extra(&self, number: usize) -> Option<&'a str> {
        let mut rest = self.rest;
        let mut fields = std::iter::from_fn(|| {
            let (field, after) = until_quote(until_quote(rest)?.1)?;
            rest = after;
            Some(field)
        });
        // The first two are the referer and the user agent.
        fields.nth(number.checked_add(1)?).filter(|field| !matches!(*field, "" | "-"))
    }
}

impl<'a> Request<'a> {
    /// The path of the target, without its query. Proxies are asked by whole URLs.
    ///
    /// None for targets that have no path, as of `OPTIONS *` and `CONNECT host:443`.
    #[must_use]
    pub fn path(self) -> Option<&'a str> {
        let target = self.target.split_once('?').map_or(self.target, |(path, _)| path);
        if target.starts_with('/') {
            return Some(target);
        }
        let (_, authority) = target.split_once("://")?;
        Some(authority.find('/').map_or("/", |slash| &authority[slash..]))
    }

    /// Each value that the target's query gives a parameter, as it is written.
    pub fn query_values(self, name: &str) -> impl Iterator<Item = &'a str> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }
}

impl Excerpt {
    /// The beginning of a text.
    #[must_use]
    pub fn of(text: &str) -> Excerpt {
        let mut characters = text.chars();
        let shown = characters.by_ref().take(EXCERPT_CHARACTERS);
        let mut excerpt = shown.flat_map(escaped_if_invisible).collect::<String>();
        if characters.next().is_some() {
            excerpt.push('…');
        }
        Excerpt(excerpt)
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Terminals act on control characters; quotation marks and backslashes are fine.
fn escaped_if_invisible(c: char) -> impl Iterator<Item = char> {
    let is_plain = matches!(c, '"' | '\'' | '\\');
    let (plain, escaped) = if is_plain { (Some(c), None) } else { (None, Some(c.escape_debug())) };
    plain.into_iter().chain(escaped.into_iter().flatten())
}

/// What stands before the next quotation mark that has no backslash before it, and what after.
fn until_quote(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let quote = text.bytes().position(|byte| {
        let is_quote = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_quote
    })?;
    Some((&text[..quote], &text[quote + 1..]))
}

/// `host identity user [time] ` into host, user and time. The user may hold spaces and brackets:
/// the time is what stands in the last ones.
fn split_head(head: &str) -> Option<(&str, &str, &str)> {
    let (who, time) = head.strip_suffix("] ")?.rsplit_once(" [")?;
    let (host, who) = who.split_once(' ')?;
    let (_identity, user) = who.split_once(' ')?;
    Some((host, user, time))
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

    use super::*;

    /// A line in short: host, user, instant, request, status.
    fn short(line: &str) -> Result<String, LogLineError> {
        let LogLine { host, user, at, request, status, .. } = LogLine::parse(line)?;
        Ok(format!("{host} | {user} | {at} | {request} | {status}"))
    }

    #[test]
    fn lines_are_read_field_by_field() {
        for (line, read) in [
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
            // Nor does a request with quotation marks and backslashes.
            (
                r#"10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a\\\" 404 5 \"b HTTP/1.1" 200 5"#,
                r#"10.0.0.1 | - | 2015-05-17T10:05:03Z | GET /a\\\" 404 5 \"b HTTP/1.1 | 200"#,
            ),
        ] {
            assert_eq!(short(line).as_deref(), Ok(read), "{line}");
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
                r#"shop.example:80 1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET /" 200 5"#,
                LogLineError::VirtualHost(excerpt("shop.example:80")),
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
    fn requests_have_a_method_and_mostly_a_path() {
        for (request, read) in [
            ("GET /a/b?c=d HTTP/1.1", Some(("GET", Some("/a/b")))),
            ("GET /a b HTTP/1.1", Some(("GET", Some("/a b")))),
            ("GET /", Some(("GET", Some("/")))),
            ("GET http://shop.example/a?b HTTP/1.1", Some(("GET", Some("/a")))),
            ("GET http://shop.example HTTP/1.1", Some(("GET", Some("/")))),
            ("OPTIONS * HTTP/1.0", Some(("OPTIONS", None))),
            ("CONNECT shop.example:443 HTTP/1.1", Some(("CONNECT", None))),
            ("-", None),
            ("", None),
            (" / HTTP/1.1", None),
            (r"\x16\x03\x01 /", None),
        ] {
            let line = with_request(request);
            let found = LogLine::parse(&line).unwrap().request();
            assert_eq!(found.map(|found| (found.method, found.path())), read, "{request}");
        }
    }

    #[test]
    fn extra_fields_are_those_in_quotation_marks_after_the_user_agent() {
        let line = with_request("GET / HTTP/1.1")
            + r#" "-" "Agent \"1\"" 0.003 "app-\"7" rt=1 "10.0.0.1, 10.0.0.2" "-" "cut"#;
        let line = LogLine::parse(&line).unwrap();
        for (number, field) in [
            (1, Some(r#"app-\"7"#)),
            (2, Some("10.0.0.1, 10.0.0.2")),
            (3, None),
            (4, None),
            (usize::MAX, None),
        ] {
            assert_eq!(line.extra(number), field, "{number}");
        }
    }

    #[test]
    fn excerpts_are_short_and_have_no_control_characters() {
        assert_eq!(Excerpt::of("a\"\\b\u{1b}[31m\n").to_string(), r#"a"\b\u{1b}[31m\n"#);
        assert_eq!(Excerpt::of(&"x".repeat(121)).to_string(), "x".repeat(120) + "…");
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
                if let Ok(line) = LogLine::parse(&line) {
                    let _ = (line.extra(1), line.request().map(|r| (r.path(), r.query_values("a").count())));
                }
            }
        }
    }
}
