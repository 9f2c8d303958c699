//! Sources: they report, send again until they are answered, and withdraw what was wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::{HeaderMap, Method};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_alipay::beijing_time;
use steelyard_ingest::{USAGE_PATH, VOID_PATH};
use steelyard_local_stack::http_event;
use steelyard_runtime::Error;

use crate::machines::Which;
use crate::mishap::Mishap;
use crate::model::{APIS, BASIC, Calls, Model, Share};
use crate::pending::Pending;
use crate::world::{PROVIDERS, World};

/// The longest time after which calls are still reported: the clocks of machines differ, and none
/// may take a call for one of the future.
const RECENT_S: std::ops::Range<i64> = 1_000..7_200;

/// The same of a source that was down.
const LATE_S: std::ops::Range<i64> = 7_200..33 * 86_400;

/// The words with which a record of a closed month is refused.
const LATE: &str = "is too late";

/// All sources, and what they wait for.
#[derive(Default)]
pub(crate) struct Sources {
    requests: Pending<Asked>,
    voided: BTreeSet<Share>,
    /// The reports with a record that came after its month had closed.
    too_late: BTreeSet<Name>,
}

#[derive(Clone)]
enum Asked {
    Report { name: Name, records: Vec<Record>, is_queued: bool },
    Void(Share),
}

/// The name of a report: its source, and its id within it.
type Name = (String, String);

#[derive(Clone)]
struct Record {
    provider: String,
    api: &'static str,
    at: Timestamp,
    count: u64,
}

impl Record {
    fn day(&self) -> Date {
        beijing_time(self.at).date()
    }

    fn document(&self) -> Value {
        let Record { provider, api, at, count } = self;
        json!({ "provider": provider, "api": api, "at": at.to_string(), "count": count })
    }
}

impl Asked {
    fn document(&self) -> Value {
        match self {
            Asked::Report { name: (source, id), records, .. } => {
                let records: Vec<Value> = records.iter().map(Record::document).collect();
                json!({ "source": source, "id": id, "records": records })
            }
            Asked::Void((source, id, provider, day)) => json!({
                "provider": provider, "source": source, "id": id, "day": day.to_string(),
                "reason": "the gateway counted wrong",
            }),
        }
    }

    fn event(&self) -> Value {
        let path = match self {
            Asked::Report { .. } => USAGE_PATH,
            Asked::Void(_) => VOID_PATH,
        };
        let document = self.document().to_string();
        http_event(&Method::POST, path, &HeaderMap::new(), document.as_bytes())
    }
}

impl World {
    /// A source reports, or sends a report again.
    pub(crate) fn report(&mut self) {
        let waiting = self.sources.requests.waiting();
        if !waiting.is_empty() && self.chaos.one_in(3) {
            let place = self.chaos.pick(&waiting);
            return self.send(place);
        }
        let known = self.sources.requests.len();
        if known > 0 && self.chaos.strikes(&[Mishap::ReportTwice]).is_some() {
            let place = self.chaos.pick(&(0..known).collect::<Vec<_>>());
            return self.send(place);
        }
        let altered = (known > 0).then(|| self.chaos.strikes(&[Mishap::ReportAltered])).flatten();
        let asked = match altered {
            Some(_) => self.altered(),
            None => Some(self.new_report()),
        };
        if let Some(asked) = asked {
            self.ask(asked);
        }
    }

    /// A source reports of all providers, by HTTP or by the queue.
    pub(crate) fn report_of_all(&mut self, is_queued: bool) {
        self.report_of(&PROVIDERS, 700_000, is_queued);
    }

    /// A source reports so many calls of each of these providers in the last hour.
    pub(crate) fn report_of(&mut self, providers: &[&str], count: u64, is_queued: bool) {
        let at = self.now() - SignedDuration::from_hours(1);
        let record =
            |provider: &&str| Record { provider: (*provider).to_owned(), api: BASIC, at, count };
        let records = providers.iter().map(record).collect();
        let name = self.new_name();
        self.ask(Asked::Report { name, records, is_queued });
    }

    /// A name that no report has: two sources use the same ids.
    fn new_name(&self) -> Name {
        let number = self.sources.requests.len();
        let source = ["gateway-1", "gateway-1:1"][number % 2];
        (source.to_owned(), format!("r{}.@-", number / 2))
    }

    fn ask(&mut self, what: Asked) {
        let place = self.sources.requests.add(what);
        self.send(place);
    }

    fn new_report(&self) -> Asked {
        let is_queued = self.chaos.one_in(4);
        let records = (0..=self.chaos.draw(0..3)).map(|_| {
            // What is queued is answered to nobody, so a source does not queue what may be refused.
            let is_late = !is_queued && self.chaos.one_in(6);
            let ago = self.chaos.draw_seconds(if is_late { LATE_S } else { RECENT_S });
            Record {
                provider: self.chaos.pick(&PROVIDERS).to_owned(),
                api: if self.chaos.one_in(3) { BASIC } else { self.chaos.pick(&APIS) },
                at: self.now() - ago,
                count: self.chaos.pick(&[1, 3_333, 120_000, 700_000, 2_000_001]),
            }
        });
        let records = records.collect();
        Asked::Report { name: self.new_name(), records, is_queued }
    }

    /// A report that was sent, with another count: a source whose log was rewritten.
    fn altered(&self) -> Option<Asked> {
        let sent = self.chaos.pick(&self.sources.requests.all());
        let Asked::Report { name, records, is_queued: false } = sent else { return None };
        let mut records = records.clone();
        records[0].count += 1;
        Some(Asked::Report { name: name.clone(), records, is_queued: false })
    }

    /// An operator withdraws a report that counts.
    pub(crate) fn withdraw(&mut self) {
        let shares: Vec<Share> = self.model.shares().map(|(share, _)| share.clone()).collect();
        if !shares.is_empty() {
            let share = self.chaos.pick(&shares);
            self.ask(Asked::Void(share));
        }
    }

    fn send(&mut self, place: usize) {
        let asked = self.sources.requests.at(place).clone();
        self.chaos.note(format_args!("source sends {}", asked.document()));
        if let Asked::Report { is_queued: true, .. } = asked {
            // A source that sends by the queue sees no answer, so that it asks again by HTTP.
            self.sources.requests.reopen(place);
            let stack = &self.platform.stack;
            let (embedded, body) = (Arc::clone(&stack.embedded), asked.document().to_string());
            return self.run(async move {
                let url = "/steelyard-usage";
                let message = json!({ "QueueUrl": url, "MessageBody": body });
                steelyard_local_aws::sqs(&embedded, "SendMessage", message).await.map(drop)
            });
        }
        let (machines, answers) = (self.machines.clone(), self.sources.requests.answers());
        self.run(async move {
            if let Ok(answer) = machines.invoke(Which::Ingest, asked.event()).await {
                answers.add(place, answer);
            }
            Ok(())
        });
    }

    /// Sends everything again that nobody has answered, once nothing goes wrong any longer.
    pub(crate) async fn send_what_waits(&mut self) -> Result<(), Error> {
        for place in self.sources.requests.waiting() {
            let event = self.sources.requests.at(place).event();
            let answer = self.machines.invoke(Which::Ingest, event).await?;
            self.sources.requests.answers().add(place, answer);
        }
        self.sources.take_answers(&mut self.model)?;
        if let Some(place) = self.sources.requests.waiting().first() {
            let document = self.sources.requests.at(*place).document();
            return Err(format!("nobody answers {document}").into());
        }
        Ok(())
    }
}

impl Sources {
    /// Notes the answers to sources.
    ///
    /// # Errors
    ///
    /// When an answer has no status, or a body that is no JSON.
    pub(crate) fn take_answers(&mut self, model: &mut Model) -> Result<(), Error> {
        for (place, answer) in self.requests.answers().take() {
            let status = answer["statusCode"].as_u64().ok_or("an answer without a status")?;
            // A source sends again what is not its own fault.
            if status >= 500 || status == 429 {
                continue;
            }
            self.requests.close(place);
            let body = answer["body"].as_str().ok_or("an answer without a body")?;
            let body: Value = serde_json::from_str(body)?;
            match self.requests.at(place).clone() {
                asked @ Asked::Report { .. } => self.told(model, &asked, &body),
                Asked::Void(share) => {
                    if body["days"][share.3.to_string()].is_string() {
                        model.void(&share);
                        self.voided.insert(share);
                    }
                }
            }
        }
        Ok(())
    }

    /// True for the body of a message that is a report with a record that came too late.
    pub(crate) fn is_too_late(&self, body: &Value) -> bool {
        let report = body.as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        let text = |name: &str| Some(report.as_ref()?[name].as_str()?.to_owned());
        let name = text("source").zip(text("id"));
        name.is_some_and(|name| self.too_late.contains(&name))
    }

    /// Notes the answer about a report.
    fn told(&mut self, model: &mut Model, asked: &Asked, body: &Value) {
        let mut refused = body["refused"].as_array().into_iter().flatten();
        let is_too_late = |of: &Value| of["reason"].as_str().is_some_and(|why| why.contains(LATE));
        if let (true, Asked::Report { name, .. }) = (refused.any(is_too_late), asked) {
            self.too_late.insert(name.clone());
        }
        for (share, calls) in shares(asked) {
            let became = body["providers"][&share.2][share.3.to_string()].as_str();
            if matches!(became, Some("counted" | "duplicate")) && !self.voided.contains(&share) {
                model.count(share, calls);
            }
        }
    }
}

/// The shares of a report.
fn shares(asked: &Asked) -> BTreeMap<Share, Calls> {
    let Asked::Report { name: (source, id), records, .. } = asked else { return BTreeMap::new() };
    let mut shares = BTreeMap::<Share, Calls>::new();
    for record in records {
        let share = (source.clone(), id.clone(), record.provider.clone(), record.day());
        *shares.entry(share).or_default().entry(record.api.to_owned()).or_default() += record.count;
    }
    shares
}
