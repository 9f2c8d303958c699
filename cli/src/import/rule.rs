//! The rules by which a line of a file becomes calls: whose, of which API, and whether they are
//! billed. Pure.

use std::num::NonZeroU8;

use clap::{Args, ValueEnum};
use sha2::{Digest, Sha256};
use steelyard_billing::{Basis, IdError, ProviderId, ReportId, SourceId};
use steelyard_pricing::{ApiName, ApiNameError};
use thiserror::Error;

use super::billable::{MethodRule, NotBillable, StatusRule};
use super::caller::{CallerError, CallerRule};
use super::caller_map::CallerMap;
use super::excerpt::Excerpt;
use super::fields::FieldMap;
use super::path::{Case, Path};
use super::request::path_of;

/// The API of a request for `/`: no other request has it, since no segment holds a `/`.
pub const ROOT_API: &str = "/";

/// How a file becomes usage reports.
///
/// All but `source`, `map`, `fields`, `window` and `report` is about access logs. JSON lines name API and
/// count themselves.
#[derive(Clone, Debug, Args)]
pub struct ImportRules {
    /// The source in whose name the calls are reported: two logs need two sources.
    ///
    /// The same line of a source counts once, in whatever file it stands: always give a server's log the same source, and the logs of two servers two.
    #[arg(long, default_value = "import", value_name = "ID")]
    pub source: SourceId,

    /// Who made a call, as the log tells it
    ///
    /// host        the address or host name that the line begins with
    /// user        the name that the caller logged in by
    /// query:NAME  a parameter of the request, as app_key in /router/rest?app_key=1021
    /// extra:N     the N-th field in quotation marks after the user agent, such as a
    ///             header that your log format adds
    ///
    /// A client can write any user, parameter or header. Bill by one only if your
    /// server answered with success because it had checked it.
    #[arg(
        long,
        default_value_t,
        verbatim_doc_comment,
        value_name = "host|user|query:NAME|extra:N"
    )]
    pub caller: CallerRule,

    /// How many proxies before the server are yours, if the caller is a list of addresses, as of X-Forwarded-For.
    ///
    /// Each proxy appends the address that called it. 1 takes the last address, which your only proxy wrote; 2 takes the one before it, which the outer of your two proxies wrote. A client can write everything left of the address that is taken, so a number that is too large lets a client choose who pays. For `--caller host` and `--caller extra:N`.
    #[arg(long, value_name = "N")]
    pub trusted_hops: Option<NonZeroU8>,

    /// Which providers callers are: a CSV file that begins with the line `caller,provider`.
    ///
    /// Each line has a caller and its provider, so that many keys, hosts or ARNs bill one provider. A `*` at the end of a caller stands for anything; the longest match wins, and a whole caller before every prefix. Lines that begin with `#` are remarks. Calls of callers that are not in the map are not counted; these callers are listed as lines for the map. Without a map, a caller is the id of its provider: at most 64 letters, digits and `._:@-`.
    #[arg(long, value_name = "FILE", value_parser = CallerMap::open)]
    pub map: Option<CallerMap>,

    /// What to put before the caller to make the provider's id: with `isv-`, the caller 1021 is the provider `isv-1021`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = provider_prefix, conflicts_with = "map")]
    pub provider_prefix: String,

    /// Which API was called, as the request tells it. The query and the host never count.
    #[arg(long, value_enum, default_value_t)]
    pub api: ApiRule,

    /// How many segments of the path make the API: with 2, /v1/trades/7 is `v1/trades`.
    ///
    /// Paths are read as servers read them, so that one API has one name: /v1//trades/, /%761/x/../trades and /v1;a=b/trades are /v1/trades. Percent-encoding is undone once, `%2F` is a slash, and a `%` that begins no encoding stands for itself. The path / is the API `/`.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub segments: u8,

    /// The server ignores the case of paths: /Trades is `trades`.
    #[arg(long)]
    pub ignore_case: bool,

    /// What to put before the API to make its name: with `rest.`, the API `trades` is `rest.trades`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = api_prefix)]
    pub api_prefix: String,

    /// Which answers make a call billable: statuses, classes of them, or `all`.
    ///
    /// Redirects and 304 (3xx) gave the caller nothing new, 4xx refused it, 5xx failed it, and 1xx is no answer yet. Add 101 to bill WebSockets, 304 to bill what a cache confirmed, and 499 (nginx: the client hung up) if your calls take effect although nobody reads the answer. Other calls are counted by status as not billable.
    #[arg(long, default_value_t, value_name = "2xx,404|all")]
    pub status: StatusRule,

    /// Which methods make a call billable: methods, `not:` and methods, or `all`. A browser asks by OPTIONS before it calls.
    #[arg(long, default_value_t, value_name = "GET,POST|not:OPTIONS|all")]
    pub methods: MethodRule,

    /// The names that the fields of JSON lines have, such as provider=app_key,path=request.uri,at=time.
    ///
    /// There are provider, api or path, at or day, and where the line has them id, count, amount, method and status. The provider is a caller, as of `--caller`, and the path is read as that of a request. Names with dots lead into objects. `at` is an instant of RFC 3339, the time of an access log, or Unix time in seconds or milliseconds. Other fields are ignored. Without this option a line has the fields id, provider, api, at or day, count and amount, and no other, and its provider is an id, or a caller in the map.
    #[arg(long, value_name = "FIELD=NAME,...")]
    pub fields: Option<FieldMap>,

    /// By how many seconds the lines of a log may be out of order.
    ///
    /// Servers write a line when a request ends, and some with the time at which it began. Lines that are older than a line before them by more are told, since a busy provider's may be missed where the log is cut: then import the log, and those before it, again with a longer window.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub window: u32,

    /// What names the lines of JSON that give only a day, and have no id, in this file.
    ///
    /// Nothing in such a line says whether another one is of the same calls. Files of other calls need other ids. Under an id that was used, the file has to be the same one, mended or grown: of each API and day the larger count holds. Without this option the id is `lines`, and a file that names a provider and day which were imported so before is refused.
    #[arg(long, value_name = "ID")]
    pub report: Option<ReportId>,
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

/// Why rules don't fit together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RulesError {
    /// No proxy writes what that rule takes.
    #[error("--trusted-hops is for --caller host and --caller extra:N, not for {0}")]
    TrustedHops(CallerRule),
}

/// Why a line of an access log names no provider or no API.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The line doesn't say who called.
    #[error(transparent)]
    Caller(#[from] CallerError),
    /// The request has no method and target, and was answered as a call.
    #[error("the request `{0}` is not a method and a target")]
    Request(Excerpt),
    /// The target of the request has no path.
    #[error("the target `{0}` has no path")]
    NoPath(Excerpt),
    /// The name can't be an API's.
    #[error("api: {0}")]
    Api(ApiNameError),
}

impl ImportRules {
    /// Refuses rules that don't fit together.
    ///
    /// # Errors
    ///
    /// [`RulesError`] naming the rules.
    pub fn check(&self) -> Result<(), RulesError> {
        if self.trusted_hops.is_some() && !self.caller.may_be_forwarded() {
            return Err(RulesError::TrustedHops(self.caller.clone()));
        }
        Ok(())
    }

    /// Why a request by that method and with that answer is not billed, if it is not.
    #[must_use]
    pub fn not_billable(&self, method: Option<&str>, status: Option<u16>) -> Option<NotBillable> {
        if method.is_some_and(|method| !self.methods.bills(method)) {
            return Some(NotBillable::Method);
        }
        status.filter(|status| !self.status.bills(*status)).map(NotBillable::Status)
    }

    /// The provider that is billed for a caller: by the map, or else the one whose id the prefix and
    /// the caller are.
    #[must_use]
    pub fn provider_of(&self, caller: &str) -> Option<ProviderId> {
        if self.provider_prefix.is_empty() {
            return self.provider_named(caller);
        }
        self.provider_named(&format!("{}{caller}", self.provider_prefix))
    }

    /// The provider of a record in JSON: by the map, or else by its id.
    #[must_use]
    pub fn provider_named(&self, name: &str) -> Option<ProviderId> {
        match &self.map {
            Some(map) => map.provider(name).cloned(),
            None => name.parse().ok(),
        }
    }

    /// The API of a request.
    ///
    /// # Errors
    ///
    /// [`NameError`] when it has no path, or an API can't have the name.
    pub fn api_of(&self, method: Option<&str>, target: &str) -> Result<ApiName, NameError> {
        let path = path_of(target).ok_or_else(|| NameError::NoPath(Excerpt::of(target)))?;
        let name = match (self.api, method) {
            (ApiRule::Path, _) => path.whole(self.case()),
            (ApiRule::Method, Some(method)) => format!("{method}:{}", self.segments_of(&path)),
            (ApiRule::Segments, _) | (ApiRule::Method, None) => self.segments_of(&path),
        };
        self.api_named(name)
    }

    /// The API of that name.
    ///
    /// # Errors
    ///
    /// [`NameError::Api`] when no API can have the name.
    pub fn api_named(&self, name: String) -> Result<ApiName, NameError> {
        let name = if self.api_prefix.is_empty() { name } else { self.api_prefix.clone() + &name };
        name.parse().map_err(NameError::Api)
    }

    /// What decides the name of an API: calls that were named in another way are not the same calls.
    #[must_use]
    pub fn basis(&self) -> Basis {
        let segments = if self.api == ApiRule::Path { 0 } else { self.segments };
        let (ignore_case, prefix) = (self.ignore_case, &self.api_prefix);
        let api = match self.api {
            ApiRule::Segments => "segments",
            ApiRule::Path => "path",
            ApiRule::Method => "method",
        };
        let rules = format!("{api} {segments} {ignore_case} {prefix}");
        let digest = Sha256::digest(rules);
        let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>();
        format!("rules-{digest}").parse().expect("a digest is an id")
    }

    fn segments_of(&self, path: &Path<'_>) -> String {
        let first = path.first(self.segments.into(), self.case());
        if first.is_empty() { ROOT_API.to_owned() } else { first }
    }

    fn case(&self) -> Case {
        if self.ignore_case { Case::Ignored } else { Case::Kept }
    }
}

impl Default for ImportRules {
    /// The rules of a command line that says nothing.
    fn default() -> ImportRules {
        ImportRules {
            source: "import".parse().expect("letters are an id"),
            caller: CallerRule::default(),
            trusted_hops: None,
            map: None,
            provider_prefix: String::new(),
            api: ApiRule::default(),
            segments: 1,
            ignore_case: false,
            api_prefix: String::new(),
            status: StatusRule::default(),
            methods: MethodRule::default(),
            fields: None,
            window: 60,
            report: None,
        }
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

    /// The API of a request under those options, or why it has none.
    fn check_api(options: &str, target: &str, named: &str) {
        let found = match rules(options).unwrap().api_of(Some("GET"), target) {
            Ok(api) => api.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, named, "{options} {target}");
    }

    #[test]
    fn rules_name_the_api() {
        let rest = "/router/rest/7?v=2&app_key=1021";
        for (options, target, named) in [
            ("", rest, "router"),
            ("--segments 2", rest, "router/rest"),
            ("--segments 9", rest, "router/rest/7"),
            ("--api path", rest, "/router/rest/7"),
            ("--api path", "//Router//rest/", "/Router/rest"),
            ("--api path --ignore-case", "//Router//rest/", "/router/rest"),
            ("--api method", rest, "GET:router"),
            ("--api-prefix api.", rest, "api.router"),
            ("--ignore-case", "/VAS.SMS", "vas.sms"),
            ("", "/VAS.SMS", "VAS.SMS"),
            ("", "/", "/"),
            ("", "//", "/"),
            ("", "/?app_key=1", "/"),
            ("--api path", "/", "/"),
            ("--api method", "/", "GET:/"),
            ("", "/a%20b%2e/c", "a%20b."),
            ("", "/free/../paid", "paid"),
            ("", "/router/x y", "router"),
            ("", "http://shop.example/router", "router"),
            ("", "router", "the target `router` has no path"),
            (
                "",
                &format!("/{}", "x".repeat(129)),
                "api: an API name has 1 to 128 characters, not 129",
            ),
        ] {
            check_api(options, target, named);
        }
    }

    #[test]
    fn provider_is_the_caller_unless_a_map_or_a_prefix_says_otherwise() {
        let map = CallerMap::read("caller,provider\n10*,tens").unwrap();
        let mapped = ImportRules { map: Some(map), ..ImportRules::default() };
        let prefixed = rules("--provider-prefix isv-").unwrap();
        let (plain, long) = (ImportRules::default(), "x".repeat(65));
        for (rules, caller, provider) in [
            (&plain, "1021", Some("1021")),
            (&plain, "arn:aws:iam::1:role/x", None),
            (&plain, &long, None),
            (&plain, r"DOMAIN\alice", None),
            (&prefixed, "1021", Some("isv-1021")),
            (&prefixed, "", Some("isv-")),
            (&mapped, "1021", Some("tens")),
            (&mapped, "2021", None),
        ] {
            let found = rules.provider_of(caller);
            assert_eq!(found.as_ref().map(ProviderId::as_str), provider, "{caller}");
        }
    }

    #[test]
    fn method_and_status_decide_what_is_billed() {
        let (by_method, status) = (Some(NotBillable::Method), NotBillable::Status);
        for (options, method, code, why) in [
            ("", "GET", 200, None),
            ("", "HEAD", 204, None),
            ("", "OPTIONS", 204, by_method),
            ("", "OPTIONS", 404, by_method),
            ("", "GET", 301, Some(status(301))),
            ("", "GET", 304, Some(status(304))),
            ("", "POST", 499, Some(status(499))),
            ("", "GET", 101, Some(status(101))),
            ("", "GET", 0, Some(status(0))),
            ("--status 2xx,499", "POST", 499, None),
            ("--methods all", "OPTIONS", 204, None),
            ("--methods POST", "GET", 200, by_method),
        ] {
            let found = rules(options).unwrap().not_billable(Some(method), Some(code));
            assert_eq!(found, why, "{options} {method} {code}");
        }
        assert_eq!(ImportRules::default().not_billable(None, None), None);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for options in [
            "--caller agent",
            "--segments 0",
            "--status 20",
            "--methods get",
            "--trusted-hops 0",
            "--map /none.csv",
            "--fields provider",
            "--provider-prefix a#",
            "--api-prefix a*",
            "--source a/b",
        ] {
            assert!(rules(options).is_err(), "{options}");
        }
        for (options, is_fine) in [
            ("--trusted-hops 1", true),
            ("--trusted-hops 2 --caller extra:1", true),
            ("--trusted-hops 1 --caller user", false),
            ("--trusted-hops 1 --caller query:k", false),
        ] {
            assert_eq!(rules(options).unwrap().check().is_ok(), is_fine, "{options}");
        }
    }

    #[test]
    fn command_line_that_says_nothing_has_the_default_rules() {
        let said = format!("{:?}", rules("").unwrap());
        assert_eq!(said, format!("{:?}", ImportRules::default()));
    }
}
