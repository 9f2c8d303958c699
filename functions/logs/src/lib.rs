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
use steelyard_import::{Rule, Segment};
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
                return self.fail(not_begun(&object, (String::new(), 0, now), now), error).await;
            }
        };
        let said = (stored.etag.clone(), stored.bytes, stored.stored_at);
        let not_begun = not_begun(&object, said, now);
        // A person who has it read again may have stored a rule for it just now.
        let ruled = match self.rules.of_object(&object, now, again).await {
            Ok((name, rule)) => {
                // Not the rule: one that takes the place of another counts the same calls.
                let source = object.bucket.parse()?;
                Ruled { object, name, rule, source }
            }
            Err(NoRule::Unknown) => {
                tracing::warn!(%object, logs_not_counted = 1, "no rule names the bucket of a log");
                self.note(&LogReading { state: ReadingState::NoRule, ..not_begun }).await?;
                return Ok(());
            }
            Err(error) => return self.fail(not_begun, error.into()).await,
        };
        match self.begin(not_begun, again).await? {
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
    async fn begin(&self, not_begun: LogReading, again: bool) -> Result<Option<LogReading>, Error> {
        let begun = LogReading { from_segment: 0, ..not_begun };
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
        // A reading that ends in its first segment is found by this note.
        if !self.note(&reading).await? {
            return Ok(());
        }
        let mut segments = SegmentStream::begin(stored, by);
        let mut longest = Duration::ZERO;
        loop {
            let (segment, took) = match segments.next().await {
                Some(Ok(read)) => read,
                Some(Err(error)) => return self.break_off(reading, error.into()).await,
                None => {
                    return self.break_off(reading, "its reader ended before it".into()).await;
                }
            };
            let (number, is_last, begin) = (segment.number, segment.is_last, Instant::now());
            let outcome = match self.count(segment, &ruled).await {
                Ok(outcome) => outcome,
                Err(error) => return self.break_off(reading, error).await,
            };
            tell(&reading, number, &outcome);
            reading.next_segment = number.saturating_add(1);
            reading.state = if is_last { ReadingState::Done } else { ReadingState::Reading };
            reading.outcome.add(outcome);
            let is_last_pass = self.note(&reading).await?;
            longest = longest.max(took + begin.elapsed());
            if is_last || !is_last_pass {
                return Ok(());
            }
            if invocation.time_left() < TIME_LEFT + 2 * longest {
                return self.go_on(ruled.object).await;
            }
        }
    }

    /// Counts a segment. Gives what became of its lines.
    async fn count(&self, segment: Segment, ruled: &Ruled) -> Result<LogOutcome, Error> {
        let by = ImportAs {
            source: ruled.source.clone(),
            report: Some(segment.days_id),
            rule: Rule::clone(&ruled.rule),
        };
        let mut importing = Importing::new(&by, &self.counters);
        importing.summary.read(&segment.batch);
        importing.count(segment.batch, async |_| Ok(())).await?;
        Ok(importing.summary.outcome())
    }

    /// Ends a reading that cannot go on. One that came further goes on at once in a new message;
    /// the others fail with theirs, which comes again.
    async fn break_off(&self, reading: LogReading, error: Error) -> Result<(), Error> {
        let is_further = reading.next_segment > reading.from_segment;
        if !is_further {
            return self.fail(reading, error).await;
        }
        tracing::warn!(object = %reading.object, error, "a log breaks off, and is read on");
        self.go_on(reading.object).await
    }

    /// Notes that a reading failed, and gives the error.
    async fn fail(&self, reading: LogReading, error: Error) -> Result<(), Error> {
        let state = ReadingState::Failed { why: chain(&*error) };
        self.note(&LogReading { state, ..reading }).await?;
        Err(error)
    }

    /// Sends the message by which the object is read on.
    async fn go_on(&self, object: ObjectName) -> Result<(), Error> {
        let rest = LogsMessage::read(object);
        Ok(self.queue.send(&[serde_json::to_string(&rest)?]).await?)
    }

    /// Notes a reading. False if a later pass reads the object from its beginning: then this one
    /// has nothing more to do.
    async fn note(&self, reading: &LogReading) -> Result<bool, Error> {
        let noted_at_s = self.counters.clock.now();
        let noted = LogReading { noted_at_s, ..reading.clone() };
        let stands = self.counters.usage.note_log(&noted).await?;
        if !stands {
            tracing::info!(object = %reading.object, pass = reading.pass, "a later pass reads a log");
        }
        Ok(stands)
    }
}

/// What is noted of an object of which no reading began.
fn not_begun(
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
        from_segment: LogReading::NOT_BEGUN,
        next_segment: 0,
        state: ReadingState::Reading,
        pass: 1,
        noted_at_s: now,
        outcome: LogOutcome::default(),
    }
}

/// Logs what became of a segment.
fn tell(reading: &LogReading, segment: u32, outcome: &LogOutcome) {
    let (object, source, lines) = (&reading.object, &reading.source, outcome.lines);
    let missing = outcome.missing();
    if missing == 0 {
        tracing::info!(%object, ?source, segment, lines, "a segment of a log is counted");
        return;
    }
    tracing::warn!(
        %object, ?source, segment, lines, outcome = %json!(outcome),
        logs_not_counted = missing, "a segment of a log is not counted whole"
    );
}

impl Function for Logs {
    async fn handle(&self, event: Value, invocation: Invocation) -> Result<Value, Error> {
        each_message_in_turn(event, |message| self.message(message, invocation)).await
    }
}
