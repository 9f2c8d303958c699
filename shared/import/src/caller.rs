//! The place of the caller in a line of an access log. Pure.

use std::fmt;
use std::num::NonZeroU8;
use std::str::FromStr;

use thiserror::Error;

use super::access_log::extra;
use super::address::{ForwardedError, address, forwarded, is_list};
use super::escape::as_sent;
use super::excerpt::Excerpt;
use super::formats::{LogFormat, load_balancer};
use super::log_line::{FormatFields, LogLine};
use super::request::Request;

/// The most bytes that a caller may have.
pub const CALLER_BYTES_MAX: usize = 512;

/// The place of the caller in a line.
///
/// A client can write any user, parameter or header, and chooses the host that it calls. So bill by
/// one only if the server checked it before it answered with success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallerRule {
    /// The client's address or host name, without its port: what a line of an access log begins
    /// with. A client cannot forge the address of its connection. It can write those before it in a
    /// list of addresses.
    #[default]
    Host,
    /// Which host of the platform was called, in logs of AWS, in lower case and without a port:
    /// `domain_name` of a load balancer, `x-host-header` of CloudFront. A client can name any host
    /// that the certificate or the distribution has, and in the TLS handshake another than in its
    /// request. So bill by it only if a server answers each provider's host with success to that
    /// provider alone.
    Domain,
    /// The name that the caller logged in by, in access logs.
    User,
    /// The parameter of that name in the request's query.
    Query(String),
    /// The field of that number, from 1, in quotation marks after the user agent, in access logs.
    Extra(usize),
}

/// The refusal of a text that names no place of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("give `host`, `domain`, `user`, `query:NAME` or `extra:N` with N from 1")]
pub struct CallerTextError;

/// Why a line doesn't say who called.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CallerError {
    /// The field or the parameter is absent.
    #[error("no caller: {0} is absent")]
    Absent(CallerRule),
    /// Lines of that log never have the field.
    #[error("no caller: {log} has no {rule}; take {}", callers_of(*.log))]
    NotLogged {
        /// Where the caller was looked for.
        rule: CallerRule,
        /// The log that the line is of.
        log: LogFormat,
    },
    /// The query says more than once who called, and not always the same.
    #[error("{0} is given more than once")]
    Several(CallerRule),
    /// Several addresses stand where one caller should.
    #[error("`{0}` is a list of addresses; choose one by --trusted-hops")]
    AddressList(Excerpt),
    /// The trusted proxies did not write the caller.
    #[error(transparent)]
    Forwarded(#[from] ForwardedError),
    /// The text is too long, or holds control characters.
    #[error("`{0}` is no caller: {CALLER_BYTES_MAX} bytes at most, and no control characters")]
    Text(Excerpt),
}

impl CallerRule {
    /// Whether a proxy may write there who called.
    #[must_use]
    pub fn may_be_forwarded(&self) -> bool {
        match self {
            CallerRule::Host | CallerRule::Extra(_) => true,
            CallerRule::Domain | CallerRule::User | CallerRule::Query(_) => false,
        }
    }

    /// The caller. With trusted proxies, the address that the outermost of them wrote.
    ///
    /// # Errors
    ///
    /// [`CallerError`] saying what keeps the line from naming the caller.
    pub fn find(
        &self,
        line: &LogLine<'_>,
        request: &Request<'_>,
        trusted_hops: Option<NonZeroU8>,
    ) -> Result<String, CallerError> {
        let caller = self.written(line, request)?;
        let caller = match (trusted_hops, &line.fields) {
            // What CloudFront would append to the list.
            (Some(hops), FormatFields::CloudFront { forwarded: Some(list), .. }) => {
                forwarded(&format!("{list}, {caller}"), hops)?.to_string()
            }
            (Some(hops), _) => forwarded(&caller, hops)?.to_string(),
            (None, _) if self.may_be_forwarded() => one_address(caller)?,
            (None, _) => caller,
        };
        check_text(&caller)?;
        Ok(caller)
    }

    /// The caller, as the line has it.
    fn written(&self, line: &LogLine<'_>, request: &Request<'_>) -> Result<String, CallerError> {
        use FormatFields::{AccessLog, CloudFront, LoadBalancer};
        let caller = match (self, &line.fields) {
            (CallerRule::Host, _) => checked(line.host).map(str::to_owned),
            (CallerRule::Query(name), _) => return self.of_query(request, name),
            (CallerRule::User, AccessLog { user, .. }) => {
                checked(&as_sent(user)).map(str::to_owned)
            }
            (CallerRule::Extra(number), AccessLog { rest, .. }) => {
                extra(rest, *number).map(|extra| as_sent(extra).into_owned())
            }
            (CallerRule::Domain, LoadBalancer { rest }) => {
                load_balancer::domain(rest).and_then(host_name)
            }
            (CallerRule::Domain, CloudFront { domain, .. }) => {
                domain.as_deref().and_then(host_name)
            }
            (CallerRule::Domain, AccessLog { .. })
            | (CallerRule::User | CallerRule::Extra(_), LoadBalancer { .. } | CloudFront { .. }) => {
                return Err(CallerError::NotLogged { rule: self.clone(), log: line.format() });
            }
        };
        caller.ok_or_else(|| CallerError::Absent(self.clone()))
    }

    fn of_query(&self, request: &Request<'_>, name: &str) -> Result<String, CallerError> {
        let mut values = request.query_values(name);
        let first = values.next().filter(|first| !first.is_empty());
        let first = first.ok_or_else(|| CallerError::Absent(self.clone()))?;
        // Of different values, one server takes the first and another the last.
        if values.any(|value| value != first) {
            return Err(CallerError::Several(self.clone()));
        }
        Ok(first.into_owned())
    }
}

/// Refuses a text that is no caller, wherever it comes from.
///
/// # Errors
///
/// [`CallerError::Text`] if it is no id of a provider.
pub(crate) fn check_text(caller: &str) -> Result<(), CallerError> {
    if caller.len() > CALLER_BYTES_MAX || caller.contains(char::is_control) {
        return Err(CallerError::Text(Excerpt::of(caller)));
    }
    Ok(())
}

/// The rules that find callers in a log.
fn callers_of(log: LogFormat) -> &'static str {
    match log {
        LogFormat::AccessLog => "host, user, query:NAME or extra:N",
        LogFormat::LoadBalancer | LogFormat::CloudFront => "host, domain or query:NAME",
    }
}

/// The name of a host in its one spelling: names have no case, and may end with a dot.
fn host_name(text: &str) -> Option<String> {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let name =
        text.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(text, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name);
    checked(name).map(str::to_ascii_lowercase)
}

/// Servers write `-` or `""` for what is absent.
fn checked(text: &str) -> Option<&str> {
    Some(text).filter(|text| !matches!(*text, "" | "-" | "\"\""))
}

/// An address without its port, which changes with every connection; any other text as it is.
fn one_address(text: String) -> Result<String, CallerError> {
    if is_list(&text) {
        return Err(CallerError::AddressList(Excerpt::of(&text)));
    }
    Ok(address(&text).map_or(text, |address| address.to_string()))
}

impl FromStr for CallerRule {
    type Err = CallerTextError;

    fn from_str(text: &str) -> Result<CallerRule, CallerTextError> {
        match text.split_once(':') {
            None if text == "host" => Ok(CallerRule::Host),
            None if text == "domain" => Ok(CallerRule::Domain),
            None if text == "user" => Ok(CallerRule::User),
            Some(("query", name)) if !name.is_empty() => Ok(CallerRule::Query(name.to_owned())),
            Some(("extra", number)) => number
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(CallerRule::Extra)
                .ok_or(CallerTextError),
            Some(_) | None => Err(CallerTextError),
        }
    }
}

impl fmt::Display for CallerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallerRule::Host => f.write_str("host"),
            CallerRule::Domain => f.write_str("domain"),
            CallerRule::User => f.write_str("user"),
            CallerRule::Query(name) => write!(f, "query:{name}"),
            CallerRule::Extra(number) => write!(f, "extra:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::formats::Columns;
    use super::*;

    /// The caller, by a rule and trusted proxies (0 for none).
    fn check(rule: &str, hops: u8, line: &str, said: &str) {
        let line = LogLine::parse(line, &Columns::default()).unwrap();
        let request = Request::parse(&line.request).unwrap();
        let rule = rule.parse::<CallerRule>().unwrap();
        let found = match rule.find(&line, &request, NonZeroU8::new(hops)) {
            Ok(caller) => caller,
            Err(error) => error.to_string(),
        };
        assert_eq!(found, said, "{rule} {line:?}");
    }

    fn line(host: &str, user: &str, target: &str, extra: &str) -> String {
        format!(
            r#"{host} - {user} [17/May/2015:10:05:03 +0000] "GET {target} HTTP/1.1" 200 5 "-" "A" "{extra}""#
        )
    }

    #[test]
    fn hosts_are_addresses_without_ports_or_names() {
        for (host, hops, said) in [
            ("192.0.2.7", 0, "192.0.2.7"),
            ("192.0.2.7:51344", 0, "192.0.2.7"),
            ("[2001:DB8::5]:51344", 0, "2001:db8::5"),
            ("client.example", 0, "client.example"),
            (
                "192.0.2.7, 10.0.0.1",
                0,
                "`192.0.2.7, 10.0.0.1` is a list of addresses; choose one by --trusted-hops",
            ),
            ("192.0.2.7, 10.0.0.1", 1, "10.0.0.1"),
            ("192.0.2.7, 10.0.0.1", 2, "192.0.2.7"),
            ("client.example", 1, "`client.example` is not an IP address"),
            ("-", 0, "no caller: host is absent"),
        ] {
            check("host", hops, &line(host, "-", "/", "-"), said);
        }
    }

    #[test]
    fn users_are_as_they_were_sent() {
        for (user, said) in [
            ("isv1", "isv1"),
            ("-", "no caller: user is absent"),
            ("\"\"", "no caller: user is absent"),
            ("", "no caller: user is absent"),
            (r"DOMAIN\x5Calice", r"DOMAIN\alice"),
            (r#"\"car5941 \""#, "\"car5941 \""),
            (r"a\x1b[2J", r"a\x1b[2J"),
            ("192.0.2.7:80", "192.0.2.7:80"),
        ] {
            check("user", 0, &line("10.0.0.1", user, "/", "-"), said);
        }
    }

    #[test]
    fn parameters_name_one_caller() {
        for (target, said) in [
            ("/?app_key=1021", "1021"),
            ("/?app%5fkey=10%321", "1021"),
            ("/?app_key=1021&app_key=%31021", "1021"),
            ("/?app_key=1021&app_key=7", "query:app_key is given more than once"),
            ("/?app_key=1021&app_key=", "query:app_key is given more than once"),
            ("/?app_key=", "no caller: query:app_key is absent"),
            ("/?x=1;app_key=1021", "no caller: query:app_key is absent"),
            ("/", "no caller: query:app_key is absent"),
            (
                "/?app_key=a%0Ab",
                r"`a\nb` is no caller: 512 bytes at most, and no control characters",
            ),
        ] {
            check("query:app_key", 0, &line("10.0.0.1", "-", target, "-"), said);
        }
        let long = "x".repeat(CALLER_BYTES_MAX);
        check("query:k", 0, &line("h", "-", &format!("/?k={long}"), "-"), &long);
        let said = format!(
            "`{}…` is no caller: 512 bytes at most, and no control characters",
            "x".repeat(120)
        );
        check("query:k", 0, &line("h", "-", &format!("/?k={long}x"), "-"), &said);
    }

    #[test]
    fn extra_fields_are_any_text_or_what_a_trusted_proxy_wrote() {
        for (extra, hops, said) in [
            ("app-7", 0, "app-7"),
            ("CN=a,O=b", 0, "CN=a,O=b"),
            ("192.0.2.7:51344", 0, "192.0.2.7"),
            ("-", 0, "no caller: extra:1 is absent"),
            (
                "198.51.100.1, 192.0.2.7",
                0,
                "`198.51.100.1, 192.0.2.7` is a list of addresses; choose one by --trusted-hops",
            ),
            ("198.51.100.1, 192.0.2.7", 1, "192.0.2.7"),
            ("unknown, 192.0.2.7", 1, "192.0.2.7"),
            ("198.51.100.1, 192.0.2.7", 2, "198.51.100.1"),
            ("unknown, 192.0.2.7", 2, "`unknown` is not an IP address"),
            (
                "192.0.2.7",
                2,
                "`192.0.2.7` has fewer than 2 addresses: not all 2 trusted proxies wrote one",
            ),
        ] {
            check("extra:1", hops, &line("10.0.0.1", "-", "/", extra), said);
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for text in ["agent", "query:", "query", "extra:0", "extra:x", "extra", ""] {
            assert_eq!(text.parse::<CallerRule>(), Err(CallerTextError), "{text}");
        }
    }
}
