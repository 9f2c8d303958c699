//! The logs function: counts the calls of access logs that stand as objects in S3, each once.
//!
//! S3 announces each object that is stored, directly or by EventBridge, on a queue. The stored rule
//! that names the object's bucket and the longest beginning of its key says how to read it. An
//! object is read as a stream, segment by segment, and each segment is counted and noted before the
//! next. What ends in between, because its time is up or because it crashes, goes on behind the
//! last segment that is noted. Counting a segment twice changes nothing: see
//! `steelyard_import::Segments` for what makes a call the same call.

mod message;
mod stream;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::{LogOutcome, LogReading, LogsMessage, ObjectName, ReadingState, SourceId};
use steelyard_import::{Rule, Segment, Summary};
use steelyard_metering::{Counters, ImportAs, Importing, NoRule, StoredRules};
use steelyard_pricing::Name;
use steelyard_runtime::{
    Buckets, Clock, Environment, Error, Function, Invocation, Message, Queue, Stored, aws, chain,
    each_message_in_turn,
};
use steelyard_store::{BillingTable, UsageTable};

use self::stream::{ReadBy, SegmentStream};

/// What is left of the time of an invocation when it reads no further, besides twice the time of
/// its longest segment.
const TIME_LEFT: Duration = Duration::from_secs(30);

/// The logs function: it reads and counts the objects that its messages name.
#[derive(Clone, Debug)]
pub struct Logs {
    counters: Counters,
    rules: StoredRules,
    buckets: Buckets,
    queue: Queue,
}

/// An object and the rule by which it is read.
struct Ruled {
    object: ObjectName,
    name: Name,
    rule: Arc<Rule>,
    source: SourceId,
}

impl Logs {
    /// The function that counts by `counters` what stands in `buckets`, by the rules of `billing`.
    /// It sends itself a message on `queue` to go on.
    #[must_use]
    pub fn new(counters: Counters, billing: BillingTable, buckets: Buckets, queue: Queue) -> Logs {
        Logs { counters, rules: StoredRules::new(billing), buckets, queue }
    }

    /// The function as its environment variables describe it.
    ///
    /// # Errors
    ///
    /// When a variable is missing or makes no sense; named, or AWS can't be reached at all.
    pub fn from_environment(environment: &Environment) -> Result<Logs, Error> {
        let config = aws::in_lambda(environment)?;
        let client = aws::dynamodb(&config);
        let counters = Counters {
            usage: UsageTable::new(client.clone(), environment.required("USAGE_TABLE")?),
            calendar: environment.calendar()?,
            clock: Clock::system(),
        };
        let billing = BillingTable::new(client, environment.required("BILLING_TABLE")?);
        let buckets = Buckets::in_lambda(environment, &config)?;
        let queue = aws::queue(&config, environment.required("LOGS_QUEUE_URL")?);
        Ok(Logs::new(counters, billing, buckets, queue))
    }

    async fn message(&self, message: Message, invocation: Invocation) -> Result<(), Error> {
        let mut done = Ok(());
        // One that cannot be read holds up no other of its message.
        for LogsMessage { read, again } in message::wanted(&message.body)? {
            done = done.and(self.object(read, again, invocation).await);
        }
        done
    }

    async fn object(
        &self,
        object: ObjectName,
        again: bool,
        invocation: Invocation,
    ) -> Result<(), Error> {
        let now = self.counters.clock.now();
        let stored = match self.open(&object).await {
            Ok(stored) => stored,
            Err(error) => {
                let failed = reading(&object, (String::new(), 0, now), now);
                let why = ReadingState::Failed { why: chain(&*error) };
                self.note(LogReading { state: why, ..failed }).await?;
                return Err(error);
            }
        };
        let begun = reading(&object, (stored.etag.clone(), stored.bytes, stored.stored_at), now);
        let ruled = match self.rules.of_object(&object, now).await {
            Ok((name, rule)) => {
                let source = name.as_str().parse()?;
                Ruled { object, name, rule, source }
            }
            Err(NoRule::Unknown) => {
                tracing::warn!(%object, logs_not_counted = 1, "no rule names the bucket of a log");
                return self.note(LogReading { state: ReadingState::NoRule, ..begun }).await;
            }
            Err(error) => return Err(error.into()),
        };
        match self.begin(begun, again).await? {
            Some(reading) => self.read(stored, ruled, reading, invocation).await,
            None => {
                tracing::info!(object = %ruled.object, "a log was read before");
                Ok(())
            }
        }
    }

    async fn open(&self, object: &ObjectName) -> Result<Stored, Error> {
        let bucket = self.buckets.named(object.bucket.clone())?;
        Ok(bucket.open(&object.key).await?)
    }

    /// The reading that goes on behind what is noted as counted, or begins a new pass. None if all
    /// is counted.
    async fn begin(&self, begun: LogReading, again: bool) -> Result<Option<LogReading>, Error> {
        let usage = &self.counters.usage;
        let noted = async |from| usage.log_reading(&begun.object, begun.stored_at_s, from).await;
        let first = noted(0).await?;
        let pass = first.as_ref().map_or(1, |first| first.pass.saturating_add(1));
        let new_pass = LogReading { pass, ..begun.clone() };
        // Another content under the key is another log.
        let first = first.filter(|first| !again && first.etag == begun.etag);
        let Some(mut last) = first else { return Ok(Some(new_pass)) };
        loop {
            let LogReading { pass, from_segment, next_segment, .. } = last;
            if last.state == ReadingState::Done {
                return Ok(None);
            }
            let is_further = next_segment > from_segment;
            let further = if is_further { noted(next_segment).await? } else { None };
            match further.filter(|noted| noted.etag == begun.etag && noted.pass == pass) {
                Some(further) => last = further,
                None => {
                    let begin =
                        LogReading { pass, from_segment: next_segment, next_segment, ..begun };
                    return Ok(Some(begin));
                }
            }
        }
    }

    /// Reads an object from a segment on, and notes how far it came.
    async fn read(
        &self,
        stored: Stored,
        ruled: Ruled,
        begun: LogReading,
        invocation: Invocation,
    ) -> Result<(), Error> {
        let mut reading = LogReading {
            rule: Some(ruled.name.clone()),
            source: Some(ruled.source.clone()),
            ..begun
        };
        let by = ReadBy {
            object: ruled.object.clone(),
            rule: Arc::clone(&ruled.rule),
            calendar: self.counters.calendar.clone(),
            from: reading.from_segment,
        };
        let mut segments = SegmentStream::begin(stored, by);
        let (mut summary, mut longest) = (Summary::default(), Duration::ZERO);
        let mut begin = Instant::now();
        while let Some(segment) = segments.next().await {
            let counted = match segment {
                Ok(segment) => {
                    let (number, is_last) = (segment.number, segment.is_last);
                    let counting = self.count(segment, &ruled, &mut summary).await;
                    counting.map(|()| (number, is_last))
                }
                Err(error) => Err(error.into()),
            };
            let (number, is_last) = match counted {
                Ok(counted) => counted,
                Err(error) => {
                    reading.state = ReadingState::Failed { why: chain(&*error) };
                    reading.outcome = summary.outcome();
                    self.note(reading).await?;
                    return Err(error);
                }
            };
            reading.next_segment = number.saturating_add(1);
            reading.state = if is_last { ReadingState::Done } else { ReadingState::Reading };
            reading.outcome = summary.outcome();
            self.note(reading.clone()).await?;
            longest = longest.max(begin.elapsed());
            begin = Instant::now();
            if !is_last && invocation.time_left() < TIME_LEFT + 2 * longest {
                let rest = LogsMessage::read(ruled.object.clone());
                self.queue.send(&[serde_json::to_string(&rest)?]).await?;
                break;
            }
        }
        tell(&reading, &summary);
        Ok(())
    }

    async fn count(
        &self,
        segment: Segment,
        ruled: &Ruled,
        summary: &mut Summary,
    ) -> Result<(), Error> {
        summary.read(&segment.batch);
        let by = ImportAs {
            source: ruled.source.clone(),
            report: Some(segment.days_id),
            rule: Rule::clone(&ruled.rule),
        };
        let mut importing = Importing::new(&by, &self.counters);
        importing.summary = std::mem::take(summary);
        let counting = importing.count(segment.batch, async |_| Ok(())).await;
        *summary = importing.summary;
        Ok(counting?)
    }

    async fn note(&self, reading: LogReading) -> Result<(), Error> {
        let noted_at_s = self.counters.clock.now();
        Ok(self.counters.usage.note_log(&LogReading { noted_at_s, ..reading }).await?)
    }
}

/// The reading of an object that has not begun.
fn reading(
    object: &ObjectName,
    (etag, bytes, stored_at_s): (String, u64, Timestamp),
    now: Timestamp,
) -> LogReading {
    LogReading {
        object: object.clone(),
        etag,
        bytes,
        stored_at_s,
        rule: None,
        source: None,
        from_segment: 0,
        next_segment: 0,
        state: ReadingState::Reading,
        pass: 1,
        noted_at_s: now,
        outcome: LogOutcome::default(),
    }
}

/// Logs what became of a reading.
fn tell(reading: &LogReading, summary: &Summary) {
    let LogReading { object, from_segment, next_segment, .. } = reading;
    let (source, is_done) = (&reading.source, reading.state == ReadingState::Done);
    let not_counted = summary.not_counted();
    if not_counted == 0 {
        tracing::info!(%object, ?source, from_segment, next_segment, is_done, lines = summary.lines, "a log was read");
        return;
    }
    tracing::warn!(
        %object, ?source, from_segment, next_segment, is_done, outcome = %json!(summary),
        logs_not_counted = not_counted, "a log is not counted whole"
    );
}

impl Function for Logs {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        each_message_in_turn(event, |message| self.message(message, invocation)).await
    }
}
