//! The rules by which a line of an access log becomes a call: whose, and of which API. Pure.
//!
//! A name is never guessed and never changed: a line that names nobody, or names somebody by
//! characters that an id may not have, is a bad line.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use steelyard_billing::{IdError, ProviderId, SourceId};
use steelyard_pricing::{ApiName, ApiNameError};
use thiserror::Error;

use super::access_log::{Excerpt, LogLine, Request};

/// The API of a request for `/`: no other request has it, since no segment holds a `/`.
pub const ROOT_API: &str = "/";

/// How a file becomes usage reports.
///
/// All but `source` and `growing` is about lines of access logs. JSON lines name provider, API and
/// count themselves.
#[derive(Clone, Debug, Args)]
pub struct ImportRules {
    /// Who made a call, as the log tells it: the provider that is billed
    ///
    /// host        the address or host name that the line begins with
    /// user        the name that the caller logged in by
    /// query:NAME  a parameter of the request, as app_key in /router/rest?app_key=1021
    /// extra:N     the N-th field in quotation marks after the user agent, such as a
    ///             header that your log format adds
    #[arg(
        long,
        default_value_t,
        verbatim_doc_comment,
        value_name = "host|user|query:NAME|extra:N"
    )]
    pub caller: CallerRule,

    /// Which API was called, as the request tells it. The query and the host never count.
    #[arg(long, value_enum, default_value_t)]
    pub api: ApiRule,

    /// How many segments of the path make the API: with 2, /v1/trades/7 is `v1/trades`.
    ///
    /// Empty segments are skipped, as servers do: //v1/trades is /v1/trades. The path / is the API `/`.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub segments: u8,

    /// Which answers make a call billable: statuses, classes of them, or `all`.
    ///
    /// Calls with another status are counted and shown as not billable.
    #[arg(long, default_value_t, value_name = "2xx,404|all")]
    pub status: StatusRule,

    /// What to put before the caller to make the provider's id: with `isv-`, the caller 1021 is the provider `isv-1021`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = provider_prefix)]
    pub provider_prefix: String,

    /// What to put before the API to make its name: with `rest.`, the API `trades` is `rest.trades`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = api_prefix)]
    pub api_prefix: String,

    /// The source in whose name the calls are reported.
    ///
    /// What makes importing twice count once is remembered by source: always give a server's log the same source, and the logs of two servers two.
    #[arg(long, default_value = "import", value_name = "ID")]
    pub source: SourceId,

    /// The file is still being written: leave the lines after its last full 10,000 for a later import.
    ///
    /// Lines are counted in chunks of 10,000. A chunk that was imported before it was full conflicts with the same chunk when it has grown, and what came on top is then not counted for callers that it named before.
    #[arg(long)]
    pub growing: bool,
}

/// Where a line tells who called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallerRule {
    /// The address or host name that the line begins with.
    #[default]
    Host,
    /// The name that the caller logged in by.
    User,
    /// The parameter of that name in the request's query.
    Query(String),
    /// The field of that number, from 1, in quotation marks after the user agent.
    Extra(usize),
}

/// How a request names its API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ApiRule {
    /// The first segments of the path: /v1/trades is `v1`.
    #[default]
    Segments,
    /// The whole path, with its slashes: `/v1/trades`.
    Path,
    /// The method and the first segments: `GET:v1`.
    Method,
}

/// The HTTP statuses of billable calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRule(Vec<RangeInclusive<u16>>);

/// Why a text is not a rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleTextError {
    /// Not the rule for callers.
    #[error("give `host`, `user`, `query:NAME` or `extra:N` with N from 1")]
    Caller,
    /// Not a rule for statuses.
    #[error("`{0}` is neither a status such as 404 nor a class such as 2xx; or give `all`")]
    Status(Excerpt),
}

/// Why a line of an access log names no provider or no API.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The request has no method and target.
    #[error("the request `{0}` is not a method and a target")]
    Request(Excerpt),
    /// The target of the request has no path.
    #[error("the target `{0}` has no path")]
    NoPath(Excerpt),
    /// The path walks: the API it leads to is not the one it names.
    #[error("the path `{0}` has a segment `.` or `..`")]
    DotSegment(Excerpt),
    /// The line doesn't say who called.
    #[error("no caller: {0} is absent")]
    NoCaller(CallerRule),
    /// The query says more than once who called.
    #[error("{0} is given more than once")]
    TwoCallers(CallerRule),
    /// The caller can't be a provider's id.
    #[error("provider: {0}")]
    Provider(IdError),
    /// The name can't be an API's.
    #[error("api: {0}")]
    Api(ApiNameError),
}

impl ImportRules {
    /// Whether calls with that answer are billed.
    #[must_use]
    pub fn is_billable(&self, status: u16) -> bool {
        self.status.0.iter().any(|statuses| statuses.contains(&status))
    }

    /// Whose call a line is, and of which API.
    ///
    /// # Errors
    ///
    /// [`NameError`] saying what keeps the line from naming them.
    pub fn names(&self, line: &LogLine<'_>) -> Result<(ProviderId, ApiName), NameError> {
        let request =
            line.request().ok_or_else(|| NameError::Request(Excerpt::of(line.request)))?;
        let provider = format!("{}{}", self.provider_prefix, self.caller.find(line, request)?);
        let api = format!("{}{}", self.api_prefix, self.api_of(request)?);
        Ok((provider.parse().map_err(NameError::Provider)?, api.parse().map_err(NameError::Api)?))
    }

    fn api_of(&self, request: Request<'_>) -> Result<String, NameError> {
        let path = request.path().ok_or_else(|| NameError::NoPath(Excerpt::of(request.target)))?;
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(NameError::DotSegment(Excerpt::of(path)));
        }
        Ok(match self.api {
            ApiRule::Segments => self.segments_of(path),
            ApiRule::Path => path.to_owned(),
            ApiRule::Method => format!("{}:{}", request.method, self.segments_of(path)),
        })
    }

    fn segments_of(&self, path: &str) -> String {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let first = segments.take(self.segments.into()).collect::<Vec<_>>().join("/");
        if first.is_empty() { ROOT_API.to_owned() } else { first }
    }
}

impl Default for ImportRules {
    /// The rules of a command line that says nothing.
    fn default() -> ImportRules {
        ImportRules {
            caller: CallerRule::default(),
            api: ApiRule::default(),
            segments: 1,
            status: StatusRule::default(),
            provider_prefix: String::new(),
            api_prefix: String::new(),
            source: "import".parse().expect("letters are an id"),
            growing: false,
        }
    }
}

impl CallerRule {
    fn find<'a>(&self, line: &LogLine<'a>, request: Request<'a>) -> Result<&'a str, NameError> {
        let found = match self {
            CallerRule::Host => Some(line.host),
            CallerRule::User => Some(line.user),
            CallerRule::Extra(number) => line.extra(*number),
            CallerRule::Query(name) => {
                let mut values = request.query_values(name);
                let first = values.next();
                if values.next().is_some() {
                    return Err(NameError::TwoCallers(self.clone()));
                }
                first
            }
        };
        // Servers write `-` for what is absent.
        found
            .filter(|caller| !matches!(*caller, "" | "-"))
            .ok_or_else(|| NameError::NoCaller(self.clone()))
    }
}

impl FromStr for CallerRule {
    type Err = RuleTextError;

    fn from_str(text: &str) -> Result<CallerRule, RuleTextError> {
        match text.split_once(':') {
            None if text == "host" => Ok(CallerRule::Host),
            None if text == "user" => Ok(CallerRule::User),
            Some(("query", name)) if !name.is_empty() => Ok(CallerRule::Query(name.to_owned())),
            Some(("extra", number)) => number
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .map(CallerRule::Extra)
                .ok_or(RuleTextError::Caller),
            Some(_) | None => Err(RuleTextError::Caller),
        }
    }
}

impl fmt::Display for CallerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallerRule::Host => f.write_str("host"),
            CallerRule::User => f.write_str("user"),
            CallerRule::Query(name) => write!(f, "query:{name}"),
            CallerRule::Extra(number) => write!(f, "extra:{number}"),
        }
    }
}

impl Default for StatusRule {
    /// The answers that gave the caller something: 200 to 399.
    fn default() -> StatusRule {
        StatusRule(vec![200..=299, 300..=399])
    }
}

impl FromStr for StatusRule {
    type Err = RuleTextError;

    fn from_str(text: &str) -> Result<StatusRule, RuleTextError> {
        if text == "all" {
            return Ok(StatusRule(vec![0..=999]));
        }
        text.split(',').map(statuses).collect::<Result<_, _>>().map(StatusRule)
    }
}

/// `404` or `2xx`.
fn statuses(text: &str) -> Result<RangeInclusive<u16>, RuleTextError> {
    let refused = || RuleTextError::Status(Excerpt::of(text));
    let digits = text.strip_suffix("xx").unwrap_or(text);
    let number = digits.parse::<u16>().map_err(|_| refused())?;
    match (digits.len() == text.len(), number) {
        (true, 100..=999) => Ok(number..=number),
        (false, 1..=9) => Ok(number * 100..=number * 100 + 99),
        (true | false, _) => Err(refused()),
    }
}

impl fmt::Display for StatusRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, statuses) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match (*statuses.start(), *statuses.end()) {
                (0, _) => write!(f, "{comma}all")?,
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, _) => write!(f, "{comma}{}xx", first / 100)?,
            }
        }
        Ok(())
    }
}

/// A prefix that would make every line a bad one is refused before the first.
fn provider_prefix(text: &str) -> Result<String, IdError> {
    format!("{text}x").parse::<ProviderId>().map(|_| text.to_owned())
}

fn api_prefix(text: &str) -> Result<String, ApiNameError> {
    format!("{text}x").parse::<ApiName>().map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        rules: ImportRules,
    }

    fn rules(options: &str) -> Result<ImportRules, clap::Error> {
        let words = std::iter::once("import").chain(options.split_whitespace());
        Command::try_parse_from(words).map(|command| command.rules)
    }

    /// Whose call of which API a line is under those options, or why it is not known.
    fn check(options: &str, user: &str, request: &str, named: &str) {
        let line = format!(
            r#"10.0.0.1 - {user} [17/May/2015:10:05:03 +0000] "{request} HTTP/1.1" 200 5 "-" "Agent" "isv 7" "app-7""#
        );
        let line = LogLine::parse(&line).unwrap();
        let found = match rules(options).unwrap().names(&line) {
            Ok((provider, api)) => format!("{provider} {api}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, named, "{options} {request}");
    }

    #[test]
    fn rules_name_provider_and_api() {
        let rest = "GET /router/rest/7?v=2&app_key=1021";
        for (options, request, named) in [
            ("", rest, "10.0.0.1 router"),
            ("--segments 2", rest, "10.0.0.1 router/rest"),
            ("--segments 9", rest, "10.0.0.1 router/rest/7"),
            ("--api path", rest, "10.0.0.1 /router/rest/7"),
            ("--api method", rest, "10.0.0.1 GET:router"),
            ("--caller user", rest, "isv1 router"),
            ("--caller query:app_key", rest, "1021 router"),
            ("--caller extra:2", rest, "app-7 router"),
            ("--provider-prefix isv- --api-prefix api.", rest, "isv-10.0.0.1 api.router"),
            ("", "GET /", "10.0.0.1 /"),
            ("", "GET //", "10.0.0.1 /"),
            ("", "GET /?app_key=1", "10.0.0.1 /"),
            ("--api method", "HEAD /", "10.0.0.1 HEAD:/"),
            ("", "GET //router//rest", "10.0.0.1 router"),
            ("", "GET /a%20b%2e/c", "10.0.0.1 a%20b%2e"),
            ("", "GET /router/x y", "10.0.0.1 router"),
        ] {
            check(options, "isv1", request, named);
        }
    }

    #[test]
    fn what_names_nobody_or_nothing_is_refused_and_never_changed() {
        for (options, user, request, why) in [
            ("--caller user", "-", "GET /", "no caller: user is absent"),
            ("--caller user", "a b", "GET /", "provider: an id may not hold ' '"),
            ("--caller extra:1", "-", "GET /", "provider: an id may not hold ' '"),
            ("--caller extra:3", "-", "GET /", "no caller: extra:3 is absent"),
            ("--caller query:k", "-", "GET /?kk=1", "no caller: query:k is absent"),
            ("--caller query:k", "-", "GET /?k=", "no caller: query:k is absent"),
            ("--caller query:k", "-", "GET /?k=1&k=2", "query:k is given more than once"),
            ("--caller query:k", "-", "GET /?k=a%20b", "provider: an id may not hold '%'"),
            ("", "-", r"GET /a\x22b", r"api: an API name may not hold '\\'"),
            ("--api path", "-", "GET /a b", "api: an API name may not hold ' '"),
            ("", "-", "GET /free/../paid", "the path `/free/../paid` has a segment `.` or `..`"),
            ("", "-", "OPTIONS *", "the target `*` has no path"),
            ("", "-", r"\x16 /", r"the request `\x16 / HTTP/1.1` is not a method and a target"),
        ] {
            check(options, user, request, why);
        }
        let long = "x".repeat(129);
        check(
            "",
            "-",
            &format!("GET /{long}"),
            "api: an API name has 1 to 128 characters, not 129",
        );
    }

    #[test]
    fn statuses_are_billable_by_rule() {
        for (rule, billable, not) in [
            ("2xx,3xx", vec![200, 299, 304, 399], vec![0, 101, 199, 400, 404, 500]),
            ("2xx,404", vec![200, 404], vec![304, 403, 405]),
            ("all", vec![0, 200, 404, 999], vec![]),
        ] {
            let rules = rules(&format!("--status {rule}")).unwrap();
            assert_eq!(rules.status.to_string(), rule);
            assert!(billable.iter().all(|status| rules.is_billable(*status)), "{rule}");
            assert!(!not.iter().any(|status| rules.is_billable(*status)), "{rule}");
        }
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for options in [
            "--caller agent",
            "--caller query:",
            "--caller extra:0",
            "--caller extra:x",
            "--segments 0",
            "--status 2xx,",
            "--status 20xx",
            "--status 0xx",
            "--status 20",
            "--status +20",
            "--provider-prefix a#",
            "--api-prefix a*",
            "--source a/b",
        ] {
            assert!(rules(options).is_err(), "{options}");
        }
    }

    #[test]
    fn command_line_that_says_nothing_has_the_default_rules() {
        let said = format!("{:?}", rules("").unwrap());
        assert_eq!(said, format!("{:?}", ImportRules::default()));
    }
}
