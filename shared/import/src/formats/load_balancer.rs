//! Lines of the access logs of AWS's load balancers: fields between spaces. Pure.
//!
//! Source: AWS, "Access logs for your Application Load Balancer" (type, time, balancer,
//! `client:port`, `target:port`, three durations, the balancer's status, the target's status, two
//! sizes, `"request"`, `"user_agent"`, cipher, protocol, target group, `"trace_id"`,
//! `"domain_name"` and more, to which fields are added at the end); and "Access logs for your
//! Classic Load Balancer", which has no type and ends with the protocol. A quotation mark that a
//! client sent is logged as `\x22`.

use jiff::Timestamp;

use super::super::access_log::until_quote;
use super::super::address::address;
use super::super::excerpt::Excerpt;
use super::super::log_line::{FormatFields, LogLine};
use super::{FormatError, LogFormat, status_of};

/// The types of requests and connections.
const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

/// The words before the request. A client writes none of them.
struct Head<'a> {
    time: &'a str,
    client: &'a str,
    status: &'a str,
}

/// Whether a line, which is none of an access log, begins as one of a load balancer.
pub(crate) fn is_line(line: &str) -> bool {
    let mut words = line.split(' ');
    let (first, time, balancer) = (words.next(), words.next(), words.next());
    let is_application = first.is_some_and(|kind| TYPES.contains(&kind))
        && time.is_some_and(is_time)
        && balancer.is_some_and(|balancer| balancer.starts_with("app/"));
    is_application || is_classic(line)
}

/// A classic line has nothing at its beginning that names it, so all before the request must be
/// right.
fn is_classic(line: &str) -> bool {
    let Some((head, _)) = line.split_once(" \"") else { return false };
    let words = head.split(' ').collect::<Vec<_>>();
    let [time, _, client, _, _, _, _, status, _, _, _] = words.as_slice() else { return false };
    is_time(time) && address(client).is_some() && status_of(status).is_some()
}

/// Reads a line of which [`is_line`] holds.
///
/// # Errors
///
/// [`FormatError`] naming the field that is wrong or not whole.
pub(crate) fn read(line: &str) -> Result<LogLine<'_>, FormatError> {
    let (head, quoted) = line.split_once(" \"").ok_or_else(|| cut("request"))?;
    let Head { time, client, status } = Head::of(head)?;
    let at = time.parse().map_err(|_| wrong("time", time))?;
    let status = status_of(status).ok_or_else(|| wrong("elb_status_code", status))?;
    let (request, rest) = until_quote(quoted).ok_or_else(|| cut("request"))?;
    if !(rest.is_empty() || rest.starts_with(" \"")) {
        return Err(wrong("request", quoted));
    }
    let request = request_of(request).ok_or_else(|| wrong("request", request))?;
    let fields = FormatFields::LoadBalancer { rest };
    Ok(LogLine { host: without_port(client), at, request: request.into(), status, fields })
}

impl<'a> Head<'a> {
    fn of(head: &'a str) -> Result<Head<'a>, FormatError> {
        let words = head.split(' ').collect::<Vec<_>>();
        match words.as_slice() {
            [_, time, _, client, _, _, _, _, status, _, _, _]
            | [time, _, client, _, _, _, _, status, _, _, _] => Ok(Head { time, client, status }),
            _ => Err(wrong("beginning", head)),
        }
    }
}

/// The request line; `-` for a malformed request, which is logged as `- http://host:80- ` or `- - -
/// `. Every other request names its protocol.
fn request_of(request: &str) -> Option<&str> {
    if request.is_empty() || request == "-" || request.ends_with("- ") {
        return Some("-");
    }
    let (_, protocol) = request.trim_ascii_end().rsplit_once(' ')?;
    protocol.starts_with("HTTP/").then_some(request)
}

/// `domain_name`: the name that the client asked for in the TLS handshake, in what follows the
/// request. None if the line does not have it, or not where it has to stand.
pub(crate) fn domain(rest: &str) -> Option<&str> {
    let agent = rest.strip_prefix(" \"")?;
    // A backslash at the end of the user agent may or may not be an escape: only where the user
    // agent ends do words without quotation marks follow, up to the trace.
    let ends = [agent.split_once('"'), until_quote(agent)];
    ends.into_iter().flatten().find_map(|(_, rest)| domain_after_agent(rest))
}

/// ` cipher protocol target-group "trace" "domain" …`
fn domain_after_agent(rest: &str) -> Option<&str> {
    let (words, quoted) = rest.strip_prefix(' ')?.split_once('"')?;
    let words = words.split(' ').collect::<Vec<_>>();
    let [cipher, protocol, group, ""] = words.as_slice() else { return None };
    let is_group = *group == "-" || group.starts_with("arn:");
    if cipher.is_empty() || protocol.is_empty() || !is_group {
        return None;
    }
    let (_trace, rest) = quoted.split_once('"')?;
    let (domain, rest) = rest.strip_prefix(" \"")?.split_once('"')?;
    (rest.is_empty() || rest.starts_with(' ')).then_some(domain)
}

/// `client:port` without the port, which changes with every connection. IPv6 addresses may have no
/// brackets.
fn without_port(client: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    client.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(client, |(client, _)| client)
}

fn is_time(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok()
}

fn cut(field: &'static str) -> FormatError {
    FormatError::Cut { log: LogFormat::LoadBalancer, field }
}

fn wrong(field: &'static str, text: &str) -> FormatError {
    FormatError::Field { log: LogFormat::LoadBalancer, field, text: Excerpt::of(text) }
}

#[cfg(test)]
mod tests;
