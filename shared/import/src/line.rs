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
mod tests;
