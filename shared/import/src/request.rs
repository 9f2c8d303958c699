//! The request line of a call, or what stands in its place. Pure.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::escape::in_percent_encoding;
use super::path::Path;

/// A request that may be a call of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// `GET` and the like; any token, since servers take unknown methods too.
    pub method: &'a str,
    /// The requested resource: mostly a path with a query.
    target: Cow<'a, str>,
}

/// A line of a log that is no call of an API, whatever was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// A connection without a request: `-`, as of health checks and of clients that waited too
    /// long.
    NoRequest,
    /// Bytes that are no request, as of a TLS handshake with a plain server.
    NotHttp,
    /// A request about the server: `OPTIONS *`, `PRI * HTTP/2.0`.
    ServerWide,
    /// `CONNECT host:443`: a tunnel through a proxy.
    Tunnel,
}

impl<'a> Request<'a> {
    /// Reads a request line, as it is logged. The protocol may be absent, as in HTTP/0.9, and the
    /// target may hold spaces, as some servers allow.
    ///
    /// # Errors
    ///
    /// [`Odd`] when it is no request for an API.
    pub fn parse(line: &'a str) -> Result<Request<'a>, Odd> {
        let line = line.trim_ascii();
        if matches!(line, "" | "-") {
            return Err(Odd::NoRequest);
        }
        let (method, rest) = line.split_once(' ').ok_or(Odd::NotHttp)?;
        if !is_token(method) {
            return Err(Odd::NotHttp);
        }
        let target = match rest.trim_ascii().rsplit_once(' ') {
            Some((target, protocol)) if protocol.starts_with("HTTP/") => target.trim_ascii(),
            Some(_) | None => rest.trim_ascii(),
        };
        match target {
            "*" => Err(Odd::ServerWide),
            _ if method == "CONNECT" && !target.starts_with('/') => Err(Odd::Tunnel),
            _ => Ok(Request { method, target: in_percent_encoding(target) }),
        }
    }

    /// The requested resource, as it is logged.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path, as of [`path_of`].
    #[must_use]
    pub fn path(&self) -> Option<Path<'_>> {
        path_of(&self.target)
    }

    /// Each value that the query gives a parameter, both decoded as forms are: percent-encoding is
    /// undone, and `+` is a space. Parameters are parted by `&` alone, as the standard for URLs has
    /// it: no server must take another caller from the same query.
    pub fn query_values(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let target = self.target.split_once('#').map_or(&*self.target, |(target, _)| target);
        let query = target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
            .filter_map(move |(key, value)| (key == name).then_some(value))
    }
}

/// The path of a request's target or of a whole URL, without query and fragment. None for anything
/// else.
#[must_use]
pub(crate) fn path_of(target: &str) -> Option<Path<'_>> {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let target = &target[..end];
    if target.starts_with('/') {
        return Some(Path::of(target));
    }
    let (scheme, authority) = target.split_once("://")?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    Some(Path::of(authority.find('/').map_or("/", |slash| &authority[slash..])))
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Odd::NoRequest => "without a request",
            Odd::NotHttp => "not HTTP",
            Odd::ServerWide => "about the server (`*`)",
            Odd::Tunnel => "tunnels (CONNECT)",
        })
    }
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Odd::NoRequest => "no_request",
            Odd::NotHttp => "not_http",
            Odd::ServerWide => "server_wide",
            Odd::Tunnel => "tunnel",
        })
    }
}

/// Source: RFC 9110, 5.6.2.
fn is_token(method: &str) -> bool {
    let is_mark = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}

#[cfg(test)]
mod tests {
    use super::super::path::Case;
    use super::*;

    #[test]
    fn requests_have_a_method_and_mostly_a_path() {
        for (line, method, path) in [
            ("GET /a/b?c=d HTTP/1.1", "GET", Some("/a/b")),
            ("GET /a b HTTP/1.1", "GET", Some("/a%20b")),
            ("GET  /a  HTTP/1.1", "GET", Some("/a")),
            ("GET /", "GET", Some("/")),
            ("GET /a#b?c HTTP/1.1", "GET", Some("/a")),
            ("GET /a?b=/c/../d HTTP/1.1", "GET", Some("/a")),
            (r"GET /a\x22b HTTP/1.1", "GET", Some("/a%22b")),
            ("GET http://shop.example/a?b HTTP/1.1", "GET", Some("/a")),
            ("GET HTTPS://shop.example:443/a%2fb HTTP/1.1", "GET", Some("/a/b")),
            ("GET http://shop.example HTTP/1.1", "GET", Some("/")),
            ("GET http://shop.example?a=/b HTTP/1.1", "GET", Some("/")),
            ("GET a HTTP/1.1", "GET", None),
            ("GET ://a/b HTTP/1.1", "GET", None),
            ("GET a/b://c/d HTTP/1.1", "GET", None),
            // Servers that answer any method answer these.
            ("get /a HTTP/1.1", "get", Some("/a")),
            ("A_B.1 /a HTTP/1.1", "A_B.1", Some("/a")),
            ("CONNECT /a HTTP/1.1", "CONNECT", Some("/a")),
        ] {
            let request = Request::parse(line).unwrap();
            let found = request.path().map(|path| path.whole(Case::Kept));
            assert_eq!((request.method, found.as_deref()), (method, path), "{line}");
        }
    }

    #[test]
    fn lines_that_are_no_call_have_a_kind() {
        for (line, odd) in [
            ("-", Odd::NoRequest),
            ("", Odd::NoRequest),
            (" ", Odd::NoRequest),
            (r"\x16\x03\x01\x02", Odd::NotHttp),
            (r"\x16\x03 /", Odd::NotHttp),
            ("SSH-2.0-Go", Odd::NotHttp),
            ("quit", Odd::NotHttp),
            ("/a HTTP/1.1", Odd::NotHttp),
            ("{} /a HTTP/1.1", Odd::NotHttp),
            ("OPTIONS * HTTP/1.0", Odd::ServerWide),
            ("PRI * HTTP/2.0", Odd::ServerWide),
            ("M-SEARCH * HTTP/1.1", Odd::ServerWide),
            ("CONNECT shop.example:443 HTTP/1.1", Odd::Tunnel),
        ] {
            assert_eq!(Request::parse(line), Err(odd), "{line}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_decoded_name() {
        for (query, values) in [
            ("app_key=1021", vec!["1021"]),
            ("v=2&app_key=1021", vec!["1021"]),
            ("app%5Fkey=%31021", vec!["1021"]),
            ("%61pp_key=1021#app_key=2", vec!["1021"]),
            ("app_key=10+21", vec!["10 21"]),
            ("app_key=%2B", vec!["+"]),
            ("app_key=1021&app_key=7", vec!["1021", "7"]),
            ("app_key", vec![""]),
            ("app_key=a=b", vec!["a=b"]),
            ("x=1?app_key=1021", vec![]),
            ("x=1;app_key=1021", vec![]),
            ("app+key=1021", vec![]),
            ("APP_KEY=1021", vec![]),
            // Encodings that are none stand for themselves.
            ("app_key=%zz%1", vec!["%zz%1"]),
            ("app_key=%ff", vec!["\u{fffd}"]),
            ("", vec![]),
        ] {
            let line = format!("GET /rest?{query} HTTP/1.1");
            let request = Request::parse(&line).unwrap();
            assert_eq!(request.query_values("app_key").collect::<Vec<_>>(), values, "{query}");
        }
    }
}
