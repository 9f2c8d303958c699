//! Usage reports as sources write them, and what may be counted of them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use steelyard_billing::{Calendar, CountedDays, IdError, ProviderId, ReportId, SourceId, WallTime};
use steelyard_json::{JsonError, Node};
use steelyard_pricing::{
    Amount, ApiName, ApiNameError, BillingDay, BillingMonth, Calls, DayError, Metered, UsageError,
};
use steelyard_store::APIS_PER_DAY_MAX;
use thiserror::Error;

/// The most records that a report may have.
pub const RECORDS_MAX: usize = 10_000;

/// The largest report, in bytes.
pub const REPORT_BYTES_MAX: usize = 1_000_000;

/// The most calls that one record may count. Far below what a month may have, so that no slip of a
/// source fills one.
pub const COUNT_MAX: Calls = Calls::new(1_000_000_000);

/// The most yuan that may go through the calls of one record; as [`COUNT_MAX`].
pub const AMOUNT_MAX: Amount = Amount::yuan(1_000_000_000);

/// How far in the future usage may lie: clocks differ.
pub const FUTURE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// A batch of call counts from one source, with an id that the source chose.
///
/// Its records are not checked yet: a bad one is refused for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    /// The machine that reports.
    pub source: SourceId,
    /// The id that it chose: the same for the same content, however often it is sent.
    pub id: ReportId,
    /// What it counted.
    pub records: Vec<Node>,
}

/// One count of a report, as it is written.
struct UsageRecord {
    /// Whose calls.
    provider: String,
    /// Which API.
    api: String,
    /// When, as an instant of RFC 3339; either this or `day`.
    at: Option<String>,
    /// On which billing day; either this or `at`.
    day: Option<String>,
    /// How many calls.
    count: Node,
    /// What went through them, in yuan, as a text such as `"120.50"`; nothing unless given.
    amount: Option<Node>,
}

/// Why a report is refused as a whole. Nothing of it was counted.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The report is too large.
    #[error("the report has {0} bytes; {REPORT_BYTES_MAX} are the most")]
    TooLarge(usize),
    /// The report is not JSON, or not in the form of a report.
    #[error("the report is not in the form of a usage report: {0}")]
    Malformed(JsonError),
    /// The report has too many records.
    #[error("the report has {0} records; {RECORDS_MAX} are the most")]
    TooManyRecords(usize),
}

/// Why one record is refused. The others are counted all the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It is not in the form of a record.
    #[error("not in the form of a record: {0}")]
    Malformed(JsonError),
    /// The provider's id is not one.
    #[error("provider: {0}")]
    Provider(IdError),
    /// Nobody registered the provider.
    #[error("provider `{0}` is not registered")]
    UnknownProvider(ProviderId),
    /// The API's name is not one.
    #[error("api: {0}")]
    Api(ApiNameError),
    /// The count is negative, fractional or too large.
    #[error("count: is {0}; must be a whole number from 0 to {COUNT_MAX}")]
    Count(String),
    /// The amount is no text.
    #[error(
        "amount: write yuan as a text such as \"120.50\", since a number may have been rounded on its way"
    )]
    AmountNotText,
    /// The amount is negative, too large, finer than a millionth of a yuan, or no number at all.
    #[error("amount `{0}` is not one from 0 to {AMOUNT_MAX} yuan with at most six decimals")]
    Amount(String),
    /// There are no calls for the amount to go through.
    #[error("amount {0} without calls: the count is 0")]
    AmountWithoutCalls(Amount),
    /// What the report says of the provider is more than can be rated.
    #[error("too much with the records before it: {0}")]
    TooMuch(UsageError),
    /// It says neither when the calls were made, nor on which day; or both.
    #[error("give either `at` or `day`")]
    When,
    /// The instant is not one.
    #[error("at: `{0}` is not an instant such as 2015-05-17T10:05:03Z")]
    At(String),
    /// The day is not one.
    #[error("day: {0}")]
    Day(DayError),
    /// The calls are not made yet.
    #[error("{0} is in the future")]
    Future(String),
    /// The month of the calls is closed.
    #[error("{day} is too late: {month} closed at {closed_at}")]
    Late {
        /// The billing day of the calls.
        day: BillingDay,
        /// Its month.
        month: BillingMonth,
        /// When usage of the month was last taken.
        closed_at: WallTime,
    },
    /// The provider was not billed yet.
    #[error("{day} is before {billed_from}, the first month in which the provider is billed")]
    BeforeBilling {
        /// The billing day of the calls.
        day: BillingDay,
        /// The provider's first month.
        billed_from: BillingMonth,
    },
    /// The provider's registration cannot be read. Nothing is wrong with the record.
    #[error("provider `{0}` cannot be counted now: its registration cannot be read; send it again")]
    UnreadableProvider(ProviderId),
    /// The report names too many APIs of the provider on the day.
    #[error("more than {APIS_PER_DAY_MAX} APIs of one provider on a day: split the report")]
    TooManyApis,
}

/// A record that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its place in the report, from 0.
    pub index: usize,
    /// Why.
    pub why: Refusal,
}

/// What may be counted of a report, provider by provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// By provider.
    pub shares: BTreeMap<ProviderId, Share>,
    /// The records that may not.
    pub refused: Vec<Refused>,
}

/// What a report says of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What was metered, by billing day.
    pub days: CountedDays,
    /// The sum of what was metered: no more than can be rated.
    pub total: Metered,
    /// The places in the report of the records behind each day.
    pub records: BTreeMap<BillingDay, Vec<usize>>,
    /// SHA-256 of all that the report says of the provider, refused records included, and of the days
    /// that the records name: what time it is does not change it.
    pub digest: steelyard_store::Digest,
}

impl UsageReport {
    /// Reads a report.
    ///
    /// # Errors
    ///
    /// [`ReportError`] naming what is wrong with it as a whole.
    pub fn read(body: &[u8]) -> Result<UsageReport, ReportError> {
        if body.len() > REPORT_BYTES_MAX {
            return Err(ReportError::TooLarge(body.len()));
        }
        let report = UsageReport::parse(body).map_err(ReportError::Malformed)?;
        if report.records.len() > RECORDS_MAX {
            return Err(ReportError::TooManyRecords(report.records.len()));
        }
        Ok(report)
    }

    fn parse(body: &[u8]) -> Result<UsageReport, JsonError> {
        let mut fields = steelyard_json::parse(body)?.into_fields()?;
        let report = UsageReport {
            source: fields.read_required("source")?,
            id: fields.read_required("id")?,
            records: fields
                .require("records")?
                .into_list()
                .map_err(|error| error.inside("records"))?,
        };
        fields.end(&["source", "id", "records"])?;
        Ok(report)
    }

    /// What may be counted of it now.
    #[must_use]
    pub fn accept(&self, calendar: &Calendar, now: Timestamp) -> Accepted {
        let mut accepted = Accepted::default();
        let mut digests: BTreeMap<ProviderId, Sha256> = BTreeMap::new();
        for (index, record) in self.records.iter().enumerate() {
            if let Err(why) =
                accept_record(record, index, calendar, now, &mut accepted, &mut digests)
            {
                accepted.refused.push(Refused { index, why });
            }
        }
        let mut too_large = BTreeSet::new();
        for (provider, digest) in digests {
            let Some(share) = accepted.shares.get_mut(&provider) else { continue };
            share.digest = digest.finalize().into();
            let days = share.days.iter().filter(|(_, usage)| usage.apis() > APIS_PER_DAY_MAX);
            too_large.extend(days.map(|(day, _)| (provider.clone(), *day)));
        }
        accepted.refuse(|provider, day| {
            too_large.contains(&(provider.clone(), day)).then_some(Refusal::TooManyApis)
        });
        accepted
    }
}

impl UsageRecord {
    fn read(record: Node) -> Result<UsageRecord, JsonError> {
        let mut fields = record.into_fields()?;
        let record = UsageRecord {
            provider: fields.read_required("provider")?,
            api: fields.read_required("api")?,
            at: fields.read("at")?,
            day: fields.read("day")?,
            count: fields.require("count")?,
            amount: fields.take("amount"),
        };
        fields.end(&["provider", "api", "at", "day", "count", "amount"])?;
        Ok(record)
    }
}

impl Accepted {
    /// Refuses the records of those providers and days for which there is a reason.
    pub fn refuse(&mut self, why: impl Fn(&ProviderId, BillingDay) -> Option<Refusal>) {
        let Accepted { shares, refused } = self;
        for (provider, share) in shares.iter_mut() {
            share.records.retain(|day, records| match why(provider, *day) {
                None => true,
                Some(why) => {
                    share.days.remove(day);
                    refused.extend(
                        records.iter().map(|index| Refused { index: *index, why: why.clone() }),
                    );
                    false
                }
            });
        }
        shares.retain(|_, share| !share.records.is_empty());
        refused.sort_by_key(|refused| refused.index);
    }
}

fn accept_record(
    record: &Node,
    index: usize,
    calendar: &Calendar,
    now: Timestamp,
    accepted: &mut Accepted,
    digests: &mut BTreeMap<ProviderId, Sha256>,
) -> Result<(), Refusal> {
    let read = UsageRecord::read(record.clone()).map_err(Refusal::Malformed)?;
    let provider: ProviderId = read.provider.parse().map_err(Refusal::Provider)?;
    // A node is written with its fields sorted, so the order in which they came does not matter.
    let written = serde_json::to_string(record).expect("a node has a JSON");
    let digest = digests.entry(provider.clone()).or_default();
    digest.update(written);
    digest.update("\n");

    let api: ApiName = read.api.parse().map_err(Refusal::Api)?;
    let metered = metered(&read)?;
    let when = When::read(&read, calendar)?;
    // The calendar may give an instant another day than it did.
    digest.update(when.day.to_string());
    let day = when.taken(calendar, now)?;
    let share = accepted.shares.entry(provider).or_default();
    let total = share.total.plus(metered).map_err(Refusal::TooMuch)?;
    if !metered.is_zero() {
        // No larger than the total.
        share.days.entry(day).or_default().add(api, metered).map_err(Refusal::TooMuch)?;
    }
    share.total = total;
    share.records.entry(day).or_default().push(index);
    Ok(())
}

fn metered(record: &UsageRecord) -> Result<Metered, Refusal> {
    let calls = calls(&record.count)?;
    let amount = record.amount.as_ref().map_or(Ok(Amount::ZERO), amount)?;
    if calls.is_zero() && amount != Amount::ZERO {
        return Err(Refusal::AmountWithoutCalls(amount));
    }
    Ok(Metered { calls, amount })
}

fn amount(written: &Node) -> Result<Amount, Refusal> {
    let Node::Text(text) = written else { return Err(Refusal::AmountNotText) };
    text.parse()
        .ok()
        .filter(|amount| *amount <= AMOUNT_MAX)
        .ok_or_else(|| Refusal::Amount(text.clone()))
}

fn calls(count: &Node) -> Result<Calls, Refusal> {
    let calls =
        if let Node::Number(number) = count { number.as_u64().map(Calls::new) } else { None };
    calls.filter(|calls| *calls <= COUNT_MAX).ok_or_else(|| Refusal::Count(count.to_string()))
}

/// When the calls of a record were made.
struct When {
    day: BillingDay,
    /// The instant, if the record names one and not a day.
    at: Option<Timestamp>,
    written: String,
}

impl When {
    fn read(record: &UsageRecord, calendar: &Calendar) -> Result<When, Refusal> {
        match (&record.at, &record.day) {
            (Some(written), None) => {
                let refused = || Refusal::At(written.clone());
                let at: Timestamp = written.parse().map_err(|_| refused())?;
                let day = calendar.day_of(at).map_err(|_| refused())?;
                Ok(When { day, at: Some(at), written: written.clone() })
            }
            (None, Some(written)) => {
                let day = written.parse().map_err(Refusal::Day)?;
                Ok(When { day, at: None, written: written.clone() })
            }
            (Some(_), Some(_)) | (None, None) => Err(Refusal::When),
        }
    }

    /// The billing day, if usage of it is taken now.
    fn taken(self, calendar: &Calendar, now: Timestamp) -> Result<BillingDay, Refusal> {
        let When { day, at, written } = self;
        let (latest, month) = (now + FUTURE_MAX, day.month());
        let is_future = match at {
            Some(at) => at > latest,
            None => day.date() > calendar.date_of(latest),
        };
        if is_future {
            return Err(Refusal::Future(written));
        }
        if !calendar.is_open(month, now) {
            let closed_at = calendar.wall_time(calendar.closes_at(month));
            return Err(Refusal::Late { day, month, closed_at });
        }
        Ok(day)
    }
}
