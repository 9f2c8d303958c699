//! `steelyard events`: lists, follows and repeats what was published.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value;
use steelyard_billing::ProviderId;
use steelyard_billing::event::{EventId, StoredEvent, Subject};
use steelyard_runtime::{Bus, Error};
use steelyard_store::{EventsTable, Found};

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, TargetArgs};

/// List events, follow them, or publish them again.
///
/// Each event is about a provider or about the platform, and has a number among those of its
/// subject, from 1 without a gap. Events are kept as long as the deployment says, 90 days unless
/// changed.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List the events of a provider or of the platform, the oldest first.
    List {
        #[command(flatten)]
        of: SubjectArgs,
        /// Only those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// How many to list, 1000 at most.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show an event: the CloudEvent, in JSON.
    Show {
        /// The event's id, as `list` shows it.
        id: EventId,
    },
    /// Print the CloudEvents of a provider or of the platform as they come, each on a line, until
    /// interrupted.
    Tail {
        #[command(flatten)]
        of: SubjectArgs,
        /// Begin after this number, rather than with what is new.
        #[arg(long)]
        after: Option<u64>,
    },
    /// Put events on the bus again, under the same ids: a receiver that has them recognises them.
    Replay {
        #[command(flatten)]
        of: SubjectArgs,
        /// Only the event of this id.
        #[arg(long, conflicts_with_all = ["since", "after", "provider"])]
        id: Option<EventId>,
        /// Those that happened at this instant or later, such as 2015-05-17T16:30:00Z.
        #[arg(long)]
        since: Option<Timestamp>,
        /// Those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// The name or ARN of the bus.
        #[arg(long, default_value = "default")]
        bus: String,
    },
}

/// The subject whose events a command works on.
#[derive(Debug, Args)]
pub(crate) struct SubjectArgs {
    /// The provider; without one, the events of the platform.
    #[arg(long)]
    provider: Option<ProviderId>,
}

/// How many events are read at a time.
const PAGE: u16 = 100;

/// How often `tail` looks for new events.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl SubjectArgs {
    pub(crate) fn subject(self) -> Subject {
        self.provider.map_or(Subject::Platform, Subject::Provider)
    }
}

impl EventsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let events = target.events().await?;
        match self {
            EventsCommand::List { of, after, limit } => {
                let found = events.events_after(&of.subject(), after, limit).await?;
                list(target, platform, &found).await
            }
            EventsCommand::Show { id } => {
                let found = events.find_event(&id).await?;
                let event = found.ok_or_else(|| format!("there is no event {id}"))?;
                output::json(&serde_json::from_str::<Value>(&event.document)?)?;
                Ok(Exit::Done)
            }
            EventsCommand::Tail { of, after } => tail(&events, &of.subject(), after).await,
            EventsCommand::Replay { of, id, since, after, bus } => {
                let bus = target.bus(bus).await?;
                let told = match id {
                    Some(id) => {
                        let found = events.find_event(&id).await?;
                        let event = found.ok_or_else(|| format!("there is no event {id}"))?;
                        bus.put(&[event]).await?;
                        1
                    }
                    None => replay(&events, &bus, &of.subject(), after, since).await?,
                };
                output::print(format_args!("{told} events put on the bus again"))?;
                Ok(Exit::Done)
            }
        }
    }
}

async fn list(
    target: &TargetArgs,
    platform: &PlatformArgs,
    found: &Found<StoredEvent>,
) -> Result<Exit, Error> {
    let is_readable = output::tell_unreadable(&found.unreadable, target.json);
    if target.json {
        let document = |event: &StoredEvent| serde_json::from_str::<Value>(&event.document);
        output::json(&found.readable.iter().map(document).collect::<Result<Vec<_>, _>>()?)?;
    } else {
        let times = target.system_to_read(platform).await?.times()?;
        let mut table = output::table(["no.", "at", "type", "id"]);
        table.add_rows(found.readable.iter().map(|event| row(event, &times)));
        output::print(table)?;
    }
    Ok(Exit::done(is_readable))
}

fn row(event: &StoredEvent, times: &Times) -> Vec<String> {
    let StoredEvent { id, sequence, kind, at_s, .. } = event;
    vec![sequence.to_string(), times.show(*at_s).to_string(), kind.clone(), id.to_string()]
}

async fn tail(events: &EventsTable, subject: &Subject, after: Option<u64>) -> Result<Exit, Error> {
    let mut last = match after {
        Some(after) => after,
        None => events.last_sequence(subject).await?,
    };
    loop {
        let found = events.events_after(subject, last, PAGE).await?;
        output::tell_unreadable(&found.unreadable, false);
        for event in &found.readable {
            output::print(&event.document)?;
            last = last.max(event.sequence);
        }
        if found.readable.len() < usize::from(PAGE) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Puts the events of a subject on the bus again, a page at a time. Returns their number.
async fn replay(
    events: &EventsTable,
    bus: &Bus,
    subject: &Subject,
    after: u64,
    since: Option<Timestamp>,
) -> Result<usize, Error> {
    let (mut told, mut last) = (0, after);
    loop {
        let found = events.events_after(subject, last, PAGE).await?;
        output::tell_unreadable(&found.unreadable, false);
        let Some(end) = found.readable.last() else { return Ok(told) };
        last = end.sequence;
        let is_wanted = |event: &StoredEvent| since.is_none_or(|since| since <= event.at_s);
        let wanted: Vec<_> = found.readable.into_iter().filter(is_wanted).collect();
        bus.put(&wanted).await?;
        told += wanted.len();
    }
}
