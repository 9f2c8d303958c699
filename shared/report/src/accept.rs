//! What may be counted of a report. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use steelyard_billing::{AMOUNT_MAX, APIS_PER_DAY_MAX, COUNT_MAX, Calendar, Part, ProviderId};
use steelyard_json::Node;
use steelyard_pricing::{Amount, ApiName, BillingDay, Calls, Metered};

use crate::{Accepted, Counts, FUTURE_MAX, Refusal, Refused, Share, UsageRecord, UsageReport};

impl UsageReport {
    /// The part of the report that may be counted now. It does not check whether the months of its
    /// days are closed: the counter does, since it must recognise what was counted before.
    #[must_use]
    pub fn accept(&self, calendar: &Calendar, now: Timestamp) -> Accepted {
        let mut accepted = Accepted::default();
        let mut digests: BTreeMap<ProviderId, Sha256> = BTreeMap::new();
        for (index, record) in self.records.iter().enumerate() {
            let accepting =
                self.accept_record(record, index, calendar, now, &mut accepted, &mut digests);
            if let Err(why) = accepting {
                accepted.refused.push(Refused { index, why });
            }
        }
        let mut too_large = BTreeSet::new();
        for (provider, digest) in digests {
            let Some(share) = accepted.shares.get_mut(&provider) else { continue };
            share.digest = digest.finalize().into();
            let days = share.days.iter().map(|(day, usage)| (*day, usage.apis()));
            let days = days.chain(share.cumulative.iter().map(|(day, usage)| (*day, usage.apis())));
            let days = days.filter(|(_, apis)| *apis > APIS_PER_DAY_MAX);
            too_large.extend(days.map(|(day, _)| (provider.clone(), day)));
        }
        accepted.refuse(|provider, day| {
            too_large.contains(&(provider.clone(), day)).then_some(Refusal::TooManyApis)
        });
        accepted
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
                    share.cumulative.remove(day);
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

impl UsageReport {
    fn accept_record(
        &self,
        record: &Node,
        index: usize,
        calendar: &Calendar,
        now: Timestamp,
        accepted: &mut Accepted,
        digests: &mut BTreeMap<ProviderId, Sha256>,
    ) -> Result<(), Refusal> {
        let read = UsageRecord::read(record.clone()).map_err(Refusal::Malformed)?;
        let provider: ProviderId = read.provider.parse().map_err(Refusal::Provider)?;
        // A node is written with its fields sorted, so the order in which they came does not
        // matter.
        let written = serde_json::to_string(record).expect("a node has a JSON");
        let digest = digests.entry(provider.clone()).or_default();
        digest.update(written);
        digest.update("\n");

        let api: ApiName = read.api.parse().map_err(Refusal::Api)?;
        let part = self.part(&read)?;
        let metered = metered(&read)?;
        let when = When::read(&read, calendar)?;
        // The calendar may give an instant another day than it did.
        digest.update(when.day.to_string());
        let day = when.past(calendar, now)?;
        let share = accepted.shares.entry(provider).or_default();
        share.add(&self.counts, day, api, part, metered)?;
        share.records.entry(day).or_default().push(index);
        Ok(())
    }

    fn part(&self, record: &UsageRecord) -> Result<Part, Refusal> {
        match (&self.counts, &record.part) {
            (_, None) => Ok(Part::WHOLE),
            (Counts::Cumulative(_), Some(part)) => part.parse().map_err(Refusal::Part),
            (Counts::New, Some(_)) => Err(Refusal::PartOfNew),
        }
    }
}

impl Share {
    /// Adds a record; nothing of it is added if that fails.
    fn add(
        &mut self,
        counts: &Counts,
        day: BillingDay,
        api: ApiName,
        part: Part,
        metered: Metered,
    ) -> Result<(), Refusal> {
        let total = self.total.plus(metered).map_err(Refusal::TooMuch)?;
        match counts {
            Counts::New => {
                if !metered.is_zero() {
                    // No larger than the total.
                    self.days
                        .entry(day)
                        .or_default()
                        .add(api, metered)
                        .map_err(Refusal::TooMuch)?;
                }
            }
            Counts::Cumulative(_) => {
                let of_day = self.cumulative.entry(day).or_default();
                if !of_day.of(&api, &part).is_zero() {
                    return Err(Refusal::Twice { api });
                }
                of_day.raise(&api, part, metered);
            }
        }
        self.total = total;
        Ok(())
    }
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

    /// The billing day, if the calls can have been made by now.
    fn past(self, calendar: &Calendar, now: Timestamp) -> Result<BillingDay, Refusal> {
        let When { day, at, written } = self;
        let latest = now + FUTURE_MAX;
        let is_future = match at {
            Some(at) => at > latest,
            None => day.date() > calendar.date_of(latest),
        };
        if is_future { Err(Refusal::Future(written)) } else { Ok(day) }
    }
}
