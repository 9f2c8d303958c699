//! `steelyard logs`: what was read of logs in S3.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{LogOutcome, LogReading, LogsMessage, ObjectName, ReadingState};
use steelyard_runtime::Error;
use steelyard_store::{Unreadable, UsageTable};

use crate::exit::Exit;
use crate::output::{self, Times, grouped};
use crate::target::{PlatformArgs, TargetArgs};

/// For how many days back `show` looks for an object.
const SHOWN_DAYS: i32 = 100;

/// The time without a note after which a reading has ended: its message comes again after ninety
/// minutes.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// Show what was read of logs in S3, and have one read again.
///
/// A rule that names a bucket says how its objects are read: see `objects` in `steelyard rule
/// schema`.
#[derive(Debug, Subcommand)]
pub(crate) enum LogsCommand {
    /// List the logs that S3 got on a day. Exits with 3 if one waits for an operator: no rule names
    /// its bucket, or it cannot be read on.
    List {
        /// The day of UTC on which S3 got them [default: today and yesterday].
        #[arg(long)]
        day: Option<Date>,
        /// Only those of which something is not counted.
        #[arg(long)]
        missing: bool,
    },
    /// Show what was read of one log, reading by reading, and what of it is not counted.
    Show {
        /// The object, such as `s3://bucket/key`.
        #[arg(value_parser = ObjectName::parse)]
        object: ObjectName,
        /// The day of UTC on which S3 got it [default: the last 100 days].
        #[arg(long)]
        day: Option<Date>,
    },
    /// Have logs read again from their beginnings, such as after a rule was stored or mended.
    /// Calls that the rule gives to the same providers as before are counted once.
    Again(AgainArgs),
}

/// Which logs to read again.
#[derive(Debug, Args)]
pub(crate) struct AgainArgs {
    /// The objects, such as `s3://bucket/key`.
    #[arg(value_parser = ObjectName::parse, required_unless_present = "day")]
    objects: Vec<ObjectName>,
    /// All that S3 got on this day of UTC, and of which something is not counted.
    #[arg(long, conflicts_with = "objects")]
    day: Option<Date>,
}

/// A log, with all that was read of it.
#[derive(Clone, Debug, Serialize)]
struct Log {
    object: ObjectName,
    stored_at: Timestamp,
    bytes: u64,
    state: ReadingState,
    outcome: LogOutcome,
    readings: Vec<LogReading>,
}

impl LogsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system_to_read(platform).await?;
        let usage = &system.tables.usage;
        let times = Times::in_zone(system.rules()?.calendar.time_zone())?;
        let now = system.clock.now();
        let today = now.to_zoned(TimeZone::UTC).date();
        match self {
            LogsCommand::List { day, missing } => {
                let days =
                    day.map_or_else(|| vec![today, today.saturating_sub(1.day())], |day| vec![day]);
                let (mut logs, unreadable) = logs_of(usage, &days).await?;
                logs.retain(|log| !missing || log.is_missing(now));
                list((target, now), &logs, &unreadable, &times)
            }
            LogsCommand::Show { object, day } => {
                let days = day.map_or_else(
                    || (0..SHOWN_DAYS).map(|back| today.saturating_sub(back.days())).collect(),
                    |day| vec![day],
                );
                for day in days {
                    let found = usage.readings_of_log(&object, day).await?;
                    if let Some(log) = Log::of(found.readable) {
                        return show((target, now), &log, &times);
                    }
                }
                Err(format!("nothing is noted of {object}: see `steelyard logs list`").into())
            }
            LogsCommand::Again(AgainArgs { objects, day }) => {
                let objects = match day {
                    None => objects,
                    Some(day) => {
                        let (logs, _) = logs_of(usage, &[day]).await?;
                        let missing = logs.into_iter().filter(|log| log.is_missing(now));
                        missing.map(|log| log.object).collect()
                    }
                };
                again(target, objects).await
            }
        }
    }
}

async fn logs_of(usage: &UsageTable, days: &[Date]) -> Result<(Vec<Log>, Vec<Unreadable>), Error> {
    let (mut logs, mut unreadable) = (Vec::new(), Vec::new());
    for day in days {
        let found = usage.log_readings(*day).await?;
        unreadable.extend(found.unreadable);
        let mut by_object = BTreeMap::<ObjectName, Vec<LogReading>>::new();
        for reading in found.readable {
            by_object.entry(reading.object.clone()).or_default().push(reading);
        }
        logs.extend(by_object.into_values().filter_map(Log::of));
    }
    Ok((logs, unreadable))
}

impl Log {
    /// The log that these readings are of, those of one content after one another; none without a
    /// reading.
    fn of(mut readings: Vec<LogReading>) -> Option<Log> {
        readings.sort_by_key(|reading| reading.from_segment);
        let not_begun = readings.pop_if(|last| last.from_segment == LogReading::NOT_BEGUN);
        let Some(first) = readings.first() else { return not_begun.map(Log::one) };
        let (object, etag, pass) = (first.object.clone(), first.etag.clone(), first.pass);
        let (stored_at, bytes) = (first.stored_at_s, first.bytes);
        // Notes of another content under the key, and of earlier passes, are left out.
        let mut next = 0;
        readings.retain(|reading| {
            let is_same = reading.etag == etag && reading.pass == pass;
            let is_next = is_same && reading.from_segment == next;
            if is_next {
                next = reading.next_segment;
            }
            is_next
        });
        // A log that was read to its end may be deleted.
        let is_done = readings.last().is_some_and(|last| last.state == ReadingState::Done);
        readings.extend(not_begun.filter(|_| !is_done));
        let mut outcome = LogOutcome::default();
        readings.iter().for_each(|reading| outcome.add(reading.outcome.clone()));
        let state = readings.last()?.state.clone();
        Some(Log { object, stored_at, bytes, state, outcome, readings })
    }

    fn one(reading: LogReading) -> Log {
        Log {
            object: reading.object.clone(),
            stored_at: reading.stored_at_s,
            bytes: reading.bytes,
            state: reading.state.clone(),
            outcome: reading.outcome.clone(),
            readings: vec![reading],
        }
    }

    /// Whether a person has to act. A reading that failed and went on is no longer the last one.
    fn needs_somebody(&self, now: Timestamp) -> bool {
        let Some(last) = self.readings.last() else { return false };
        let is_stuck = last.state == ReadingState::Reading
            && now.duration_since(last.noted_at_s) > STUCK_AFTER;
        is_stuck || last.needs_somebody()
    }

    fn is_missing(&self, now: Timestamp) -> bool {
        self.needs_somebody(now) || self.outcome.missing() > 0
    }
}

fn list(
    (target, now): (&TargetArgs, Timestamp),
    logs: &[Log],
    unreadable: &[Unreadable],
    times: &Times,
) -> Result<Exit, Error> {
    let is_readable = output::tell_unreadable(unreadable, target.json);
    let exit = Exit::done(is_readable && !logs.iter().any(|log| log.needs_somebody(now)));
    if target.json {
        output::json(&logs)?;
        return Ok(exit);
    }
    let heads = ["log", "stored", "state", "lines", "calls", "not counted"];
    let mut table = output::table(heads);
    for log in logs {
        table.add_row([
            log.object.to_string(),
            times.show(log.stored_at).to_string(),
            state(&log.state),
            grouped(log.outcome.lines),
            grouped(log.outcome.stands()),
            grouped(log.outcome.missing()),
        ]);
    }
    output::print(table)?;
    Ok(exit)
}

fn state(state: &ReadingState) -> String {
    match state {
        ReadingState::Reading => "being read".to_owned(),
        ReadingState::Done => "read".to_owned(),
        ReadingState::NoRule => "no rule names its bucket".to_owned(),
        ReadingState::Failed { why } => format!("failed: {why}"),
    }
}

fn show((target, now): (&TargetArgs, Timestamp), log: &Log, times: &Times) -> Result<Exit, Error> {
    let exit = Exit::done(!log.needs_somebody(now));
    if target.json {
        output::json(log)?;
        return Ok(exit);
    }
    let Log { object, outcome, .. } = log;
    output::print(format_args!(
        "{object}, {} bytes of {}",
        grouped(log.bytes),
        times.show(log.stored_at)
    ))?;
    for reading in &log.readings {
        let rule = reading
            .rule
            .as_ref()
            .map_or_else(|| "no rule".to_owned(), |rule| format!("rule {rule}"));
        let LogReading { from_segment, next_segment, noted_at_s, .. } = reading;
        let (state, at) = (state(&reading.state), times.show(*noted_at_s));
        output::print(format_args!(
            "  segments {from_segment} to {next_segment} by {rule}: {state} at {at}"
        ))?;
    }
    let LogOutcome { lines, blank, odd, not_billable, unmapped, billable, bad, .. } = outcome;
    output::print(format_args!(
        "lines {lines}: {billable} calls to bill, {not_billable} free, {unmapped} of unknown callers, {odd} no calls, {blank} blank, {bad} bad"
    ))?;
    let LogOutcome { counted, duplicate, withdrawn, conflict, refused, .. } = outcome;
    output::print(format_args!(
        "calls: {counted} counted, {duplicate} counted before, {withdrawn} withdrawn, {conflict} in conflict, {refused} refused"
    ))?;
    for of in &outcome.reasons {
        output::print(format_args!(
            "  {} not counted: {} (line {})",
            of.count, of.reason, of.line
        ))?;
    }
    for of in &outcome.callers {
        output::print(format_args!(
            "  calls of {}, which is no provider: {}",
            of.caller, of.calls
        ))?;
    }
    Ok(exit)
}

async fn again(target: &TargetArgs, objects: Vec<ObjectName>) -> Result<Exit, Error> {
    let messages = objects.iter().map(|object| {
        let message = LogsMessage { read: object.clone(), again: true };
        serde_json::to_string(&message)
    });
    target.logs_queue().await?.send(&messages.collect::<Result<Vec<_>, _>>()?).await?;
    if target.json {
        output::json(&json!({ "again": objects }))?;
    } else {
        for object in objects {
            output::print(format_args!("{object} is read again"))?;
        }
    }
    Ok(Exit::Done)
}
