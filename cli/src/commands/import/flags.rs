//! The options of a command line that make a rule: the same document as is stored by name.

use std::num::NonZeroU8;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use steelyard_billing::{IdError, ProviderId};
use steelyard_import::{
    ApiRule, CallerRule, Callers, FieldNames, MethodRule, RuleDocument, StatusRule, WINDOW_S,
    open_callers,
};
use steelyard_pricing::{ApiName, ApiNameError, Name};

/// How lines become calls.
///
/// All but `map`, `fields` and `window` is about access logs. JSON lines name API and
/// count themselves.
#[derive(Clone, Debug, Args)]
pub(crate) struct RuleFlags {
    /// The caller of a line, as the log has it
    ///
    /// host        the client's address or host name, without its port
    /// domain      which host was called, in logs of AWS
    /// user        the name that the caller logged in by
    /// query:NAME  a parameter of the request, as app_key in /router/rest?app_key=1021
    /// extra:N     the N-th field in quotation marks after the user agent, such as a
    ///             header that your log format adds
    ///
    /// A client can write any user, parameter or header, and chooses the host that
    /// it calls. Bill by one only if your server answered with success because it
    /// had checked it.
    #[arg(
        long,
        default_value_t,
        verbatim_doc_comment,
        value_name = "host|domain|user|query:NAME|extra:N"
    )]
    pub(crate) caller: CallerRule,

    /// How many proxies before the server are yours, if the caller is a list of addresses, as of
    /// X-Forwarded-For.
    ///
    /// Each proxy appends the address that called it. 1 takes the last address, which your only
    /// proxy wrote; 2 takes the one before it, which the outer of your two proxies wrote. A client
    /// can write everything left of the address that is taken, so a number that is too large lets a
    /// client choose who pays. For `--caller host` and `--caller extra:N`.
    #[arg(long, value_name = "N")]
    pub(crate) trusted_hops: Option<NonZeroU8>,

    /// Which providers callers are: a CSV file that begins with the line `caller,provider`.
    ///
    /// Each line has a caller and its provider, so that many keys, hosts or ARNs bill one provider.
    /// A `*` at the end of a caller stands for anything; the longest match wins, and a whole caller
    /// before every prefix. Lines that begin with `#` are remarks. Calls of callers that are not in
    /// the map are not counted; these callers are listed as lines for the map. Without a map, a
    /// caller is the id of its provider: at most 64 letters, digits and `._:@-`.
    #[arg(long, value_name = "FILE", value_parser = open_callers)]
    pub(crate) map: Option<Callers>,

    /// What to put before the caller to make the provider's id: with `isv-`, the caller 1021 is the
    /// provider `isv-1021`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = provider_prefix, conflicts_with = "map")]
    pub(crate) provider_prefix: String,

    /// The API of a line, as the request names it. The query and the host never count.
    ///
    /// segments    the first segments of the path: /v1/trades is `v1`
    /// path        the whole path, with its slashes: `/v1/trades`
    /// method      the method and the first segments: `GET:v1`
    #[arg(long, default_value = "segments", verbatim_doc_comment, value_name = "segments|path|method", value_parser = api_rules())]
    pub(crate) api: ApiRule,

    /// How many segments of the path make the API: with 2, /v1/trades/7 is `v1/trades`.
    ///
    /// Paths are read as servers read them, so that one API has one name: /v1//trades/,
    /// /%761/x/../trades and /v1;a=b/trades are /v1/trades. Percent-encoding is undone once, `%2F`
    /// is a slash, and a `%` that begins no encoding stands for itself. The path / is the API `/`.
    #[arg(long, default_value_t = NonZeroU8::MIN, value_name = "N")]
    pub(crate) segments: NonZeroU8,

    /// The server ignores the case of paths: /Trades is `trades`.
    #[arg(long)]
    pub(crate) ignore_case: bool,

    /// What to put before the API to make its name: with `rest.`, the API `trades` is
    /// `rest.trades`.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT", value_parser = api_prefix)]
    pub(crate) api_prefix: String,

    /// Which answers make a call billable: statuses, classes of them, or `all`.
    ///
    /// Redirects and 304 (3xx) gave the caller nothing new, 4xx refused it, 5xx failed it, and 1xx
    /// is no answer yet. Add 101 to bill WebSockets, 304 to bill what a cache confirmed, and 499
    /// (nginx: the client hung up) if your calls take effect although nobody reads the answer.
    /// Other calls are counted by status as not billable.
    #[arg(long, default_value_t, value_name = "2xx,404|all")]
    pub(crate) status: StatusRule,

    /// Which methods make a call billable: methods, `not:` and methods, or `all`. A browser asks by
    /// OPTIONS before it calls.
    #[arg(long, default_value_t, value_name = "GET,POST|not:OPTIONS|all")]
    pub(crate) methods: MethodRule,

    /// The names that the fields of JSON lines have, such as
    /// provider=app_key,path=request.uri,at=time.
    ///
    /// There are provider, api or path, at or day, method and status, and where the line has them
    /// id, count and amount. A line that lacks a method or status named here is refused, since it
    /// might not be billable. The provider is a caller, as of `--caller`, and the path is read as
    /// that of a request. Names with dots lead into objects. `at` is an instant of RFC 3339, the
    /// time of an access log, or Unix time in seconds or milliseconds. Other fields are ignored.
    /// Without this option a line has the fields id, provider, api, at or day, count and amount,
    /// and no other, and its provider is an id, or a caller in the map.
    #[arg(long, value_name = "FIELD=NAME,...")]
    pub(crate) fields: Option<FieldNames>,

    /// Store lines of JSON that have an id and an instant together, a minute in one item: for many
    /// calls a second. An id is unique for the minute of its line then.
    #[arg(long)]
    pub(crate) combined: bool,

    /// By how many seconds the lines of a log may be out of order.
    ///
    /// Servers write a line when a request ends, and some with the time at which it began. Lines
    /// that are older than a line before them by more are reported, since a busy provider's may be
    /// missed where the log is cut: then import the log, and those before it, again with a longer
    /// window.
    #[arg(long, default_value_t = WINDOW_S, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) window: u32,
}

impl RuleFlags {
    /// The document that they make.
    pub(crate) fn document(self, rule: Name) -> RuleDocument {
        RuleDocument {
            rule,
            caller: self.caller,
            trusted_hops: self.trusted_hops,
            callers: self.map,
            provider_prefix: self.provider_prefix,
            api: self.api,
            segments: self.segments,
            ignore_case: self.ignore_case,
            api_prefix: self.api_prefix,
            status: self.status,
            methods: self.methods,
            fields: self.fields,
            combined: self.combined,
            objects: Vec::new(),
            window_s: self.window,
        }
    }
}

fn api_rules() -> impl clap::builder::TypedValueParser<Value = ApiRule> {
    PossibleValuesParser::new(["segments", "path", "method"]).map(|name| match &*name {
        "path" => ApiRule::Path,
        "method" => ApiRule::Method,
        _ => ApiRule::Segments,
    })
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
    use steelyard_import::{CallerMap, NotBillable, Rule, RuleError, read_callers};

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        rules: RuleFlags,
    }

    fn documents(options: &str) -> Result<RuleDocument, clap::Error> {
        let words = std::iter::once("import").chain(options.split_whitespace());
        let command = Command::try_parse_from(words)?;
        Ok(command.rules.document("flags".parse().unwrap()))
    }

    fn checked(options: &str) -> Result<Rule, RuleError> {
        Rule::try_from(&documents(options).unwrap())
    }

    fn rules(options: &str) -> Result<Rule, clap::Error> {
        documents(options).map(|document| Rule::try_from(&document).unwrap())
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
        let map = CallerMap::from(&read_callers("caller,provider\n10*,tens").unwrap());
        let mapped = Rule { map: Some(map), ..Rule::default() };
        let prefixed = rules("--provider-prefix isv-").unwrap();
        let (plain, long) = (Rule::default(), "x".repeat(65));
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
        assert_eq!(Rule::default().not_billable(None, None), None);
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
        ] {
            assert!(rules(options).is_err(), "{options}");
        }
        for (options, is_fine) in [
            ("--trusted-hops 1", true),
            ("--trusted-hops 2 --caller extra:1", true),
            ("--trusted-hops 1 --caller user", false),
            ("--trusted-hops 1 --caller query:k", false),
        ] {
            assert_eq!(checked(options).is_ok(), is_fine, "{options}");
        }
    }

    #[test]
    fn command_line_that_says_nothing_has_the_default_rules() {
        let said = format!("{:?}", rules("").unwrap());
        assert_eq!(said, format!("{:?}", Rule::default()));
    }
}
