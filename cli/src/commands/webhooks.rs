//! `steelyard webhooks`: where events are sent, and what becomes of them.

use std::collections::BTreeSet;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use steelyard_billing::EndpointName;
use steelyard_billing::event::{EventId, StoredEvent};
use steelyard_billing::webhook::{
    DeadLetter, DisabledBecause, Endpoint, EndpointRef, EndpointStatus, EndpointTest, LastDelivery,
    NotReplayed, Parked, SigningSecret, TypePattern,
};
use steelyard_books::{EndpointError, Endpoints};
use steelyard_runtime::Error;
use steelyard_webhooks::{Reach, Scheme, checked_url, new_secret, public_key};

use super::events::SubjectArgs;
use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, TargetArgs};

/// Send events to webhook endpoints, signed by Standard Webhooks 1.0.
///
/// An endpoint gets the events of a provider or of the platform, those that are stored after it was
/// added. An event that it does not take is tried again for three days; an endpoint that takes
/// nothing for three days is disabled.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Add an endpoint, and show its secret, once.
    Add {
        #[command(flatten)]
        of: EndpointArgs,
        /// Its address: https, and public. On a local stack http and this machine will do.
        url: String,
        /// A type of events that it gets, or all that begin so: `debit.*`; may be repeated. All
        /// unless given.
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<TypePattern>,
        /// How its deliveries are signed.
        #[arg(long, value_enum, default_value_t)]
        scheme: SchemeArg,
    },
    /// List endpoints, with their state and what waits for them.
    List,
    /// Show an endpoint: what was sent last, what is tried again, and its dead letters.
    Show {
        #[command(flatten)]
        of: EndpointArgs,
    },
    /// Send a test to an endpoint, also to one that is disabled. `show` says how it ended.
    Test {
        #[command(flatten)]
        of: EndpointArgs,
    },
    /// Give an endpoint a new secret, and show it, once. The one before signs too for a while.
    Rotate {
        #[command(flatten)]
        of: EndpointArgs,
        /// For how many hours both sign; 0 if the one before is known to others.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(0..=720))]
        overlap_hours: u16,
        /// How deliveries are signed from now on.
        #[arg(long, value_enum, default_value_t)]
        scheme: SchemeArg,
    },
    /// Send events to an endpoint again that was disabled; what it missed follows.
    Enable {
        #[command(flatten)]
        of: EndpointArgs,
    },
    /// Send events again, under the same ids.
    Replay {
        #[command(flatten)]
        of: EndpointArgs,
        #[command(flatten)]
        which: Which,
    },
    /// Remove an endpoint with its dead letters.
    Remove {
        #[command(flatten)]
        of: EndpointArgs,
    },
}

/// An endpoint, by its subject and name.
#[derive(Debug, Args)]
pub(crate) struct EndpointArgs {
    /// Its name among those of the provider, or of the platform.
    name: EndpointName,
    #[command(flatten)]
    subject: SubjectArgs,
}

/// Which events are sent again.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// The event of this id, also one that is a dead letter.
    #[arg(long)]
    id: Option<EventId>,
    /// All events from this number on.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// All events from the first one on that happened at this instant or later, such as
    /// 2015-05-17T16:30:00Z.
    #[arg(long)]
    since: Option<Timestamp>,
    /// The dead letters, as many at a time as can be tried again.
    #[arg(long)]
    dead: bool,
}

/// The schemes by which deliveries can be signed.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum SchemeArg {
    /// By a secret that both sides have (`v1`).
    #[default]
    Hmac,
    /// By a key of which the receiver has the public half (`v1a`).
    Ed25519,
}

impl From<SchemeArg> for Scheme {
    fn from(scheme: SchemeArg) -> Scheme {
        match scheme {
            SchemeArg::Hmac => Scheme::Hmac,
            SchemeArg::Ed25519 => Scheme::Ed25519,
        }
    }
}

/// An endpoint as it is shown: without its secrets.
#[derive(Serialize)]
struct Shown<'e> {
    subject: String,
    name: &'e EndpointName,
    url: &'e str,
    types: &'e BTreeSet<TypePattern>,
    status: EndpointStatus,
    delivered_through: u64,
    parked: &'e [Parked],
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    dead: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'e LastDelivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<&'e EndpointTest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    both_secrets_until: Option<Timestamp>,
}

/// An endpoint with its dead letters.
#[derive(Serialize)]
struct WithLetters<'e> {
    #[serde(flatten)]
    endpoint: Shown<'e>,
    dead_letters: &'e [DeadLetter],
}

/// The key by which a receiver verifies what an endpoint is sent; shown once.
#[derive(Serialize)]
struct Key {
    name: EndpointName,
    /// The secret for HMAC, or the public half of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
}

/// How many events are read at a time.
const PAGE: u16 = 100;

impl EndpointArgs {
    fn reference(self) -> EndpointRef {
        EndpointRef { subject: self.subject.subject(), endpoint: self.name }
    }
}

impl WebhooksCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let endpoints = Endpoints { events: target.events().await? };
        let system = target.system(platform).await?;
        let now = system.clock.now();
        match self {
            WebhooksCommand::Add { of, url, types, scheme } => {
                let is_local = target.stack_endpoint().is_some();
                let url = checked_url(&url, if is_local { Reach::Local } else { Reach::Public })?;
                let (of, secret) = (of.reference(), new_secret(scheme.into())?);
                let types = types.into_iter().collect();
                endpoints.add(&of, &url, &types, &secret, now).await?;
                show_key(target, &of, &secret)
            }
            WebhooksCommand::List => list(target, &system.times()?, &endpoints).await,
            WebhooksCommand::Show { of } => {
                show(target, &system.times()?, &endpoints, &of.reference()).await
            }
            WebhooksCommand::Test { of } => {
                endpoints.change(&of.reference(), now, |endpoint| endpoint.tested(now)).await?;
                output::print(
                    "the test is sent within a minute; `webhooks show` says how it ended",
                )?;
                Ok(Exit::Done)
            }
            WebhooksCommand::Rotate { of, overlap_hours, scheme } => {
                let (of, secret) = (of.reference(), new_secret(scheme.into())?);
                let until = now + SignedDuration::from_hours(i64::from(overlap_hours));
                let rotated = |endpoint: Endpoint| endpoint.rotated(secret.clone(), until);
                endpoints.change(&of, now, rotated).await?;
                show_key(target, &of, &secret)
            }
            WebhooksCommand::Enable { of } => {
                endpoints.change(&of.reference(), now, |endpoint| endpoint.enabled(now)).await?;
                output::print("the endpoint gets events again; what it missed follows")?;
                Ok(Exit::Done)
            }
            WebhooksCommand::Replay { of, which } => {
                replay(&endpoints, &of.reference(), which, now).await
            }
            WebhooksCommand::Remove { of } => {
                endpoints.remove(&of.reference()).await?;
                output::print("the endpoint is removed")?;
                Ok(Exit::Done)
            }
        }
    }
}

fn show_key(target: &TargetArgs, of: &EndpointRef, secret: &SigningSecret) -> Result<Exit, Error> {
    let public_key = public_key(secret)?;
    let secret = public_key.is_none().then(|| secret.reveal().to_owned());
    let key = Key { name: of.endpoint.clone(), secret, public_key };
    if target.json {
        output::json(&key)?;
        return Ok(Exit::Done);
    }
    if let Some(secret) = &key.secret {
        output::print(format_args!(
            "{} verifies with this secret, which is not shown again:\n{secret}",
            key.name
        ))?;
    }
    if let Some(public) = &key.public_key {
        output::print(format_args!("{} verifies with this public key:\n{public}", key.name))?;
    }
    Ok(Exit::Done)
}

async fn list(target: &TargetArgs, times: &Times, endpoints: &Endpoints) -> Result<Exit, Error> {
    let names = endpoints.events.all_endpoints().await?;
    let mut is_readable = output::tell_unreadable(&names.unreadable, target.json);
    let mut found = Vec::new();
    let subjects: BTreeSet<_> = names.readable.into_iter().map(|of| of.subject).collect();
    for subject in subjects {
        let of_subject = endpoints.events.endpoints(&subject).await?;
        is_readable &= output::tell_unreadable(&of_subject.unreadable, target.json);
        found.extend(of_subject.readable);
    }
    if target.json {
        output::json(&found.iter().map(Shown::of).collect::<Vec<_>>())?;
    } else {
        let mut table = output::table(["subject", "name", "address", "state"]);
        for endpoint in &found {
            let state = output::lines([
                Some(status(endpoint, times)),
                Some(format!("through no. {}", endpoint.delivered_through)),
                counted(endpoint.parked.len(), "to be tried again"),
                counted(endpoint.dead, "given up in all"),
            ]);
            let Endpoint { subject, name, url, .. } = endpoint;
            table.add_row([subject.to_string(), name.to_string(), url.to_string(), state]);
        }
        output::print(table)?;
    }
    Ok(Exit::done(is_readable && found.iter().all(Endpoint::is_active)))
}

async fn show(
    target: &TargetArgs,
    times: &Times,
    endpoints: &Endpoints,
    of: &EndpointRef,
) -> Result<Exit, Error> {
    let found = endpoints.events.endpoint(of).await?;
    let endpoint =
        found.ok_or_else(|| format!("{} has no endpoint `{}`", of.subject, of.endpoint))?;
    let letters = endpoints.events.dead_letters(of, 0).await?;
    let is_readable = output::tell_unreadable(&letters.unreadable, target.json);
    let letters = letters.readable;
    if target.json {
        let dead_letters = &letters;
        output::json(&WithLetters { endpoint: Shown::of(&endpoint), dead_letters })?;
    } else {
        print_endpoint(times, &endpoint, &letters)?;
    }
    Ok(Exit::done(is_readable && endpoint.is_active() && letters.is_empty()))
}

fn print_endpoint(times: &Times, endpoint: &Endpoint, letters: &[DeadLetter]) -> Result<(), Error> {
    output::print(format_args!("{} of {}: {}", endpoint.name, endpoint.subject, endpoint.url))?;
    output::print(status(endpoint, times))?;
    output::print(format_args!(
        "every event through no. {} is done with",
        endpoint.delivered_through
    ))?;
    if let Some(LastDelivery { sequence, at_s, outcome }) = &endpoint.last {
        let at = times.show(*at_s);
        output::print(format_args!("last sent: no. {sequence} at {at}: {outcome}"))?;
    }
    if let Some(EndpointTest { asked_at_s, outcome }) = &endpoint.test {
        let ended = outcome.as_ref().map_or("not sent yet".to_owned(), ToString::to_string);
        output::print(format_args!("test of {}: {ended}", times.show(*asked_at_s)))?;
    }
    if let Some(until) = endpoint.secrets.overlap_until() {
        output::print(format_args!(
            "the secret before the last signs until {}",
            times.show(until)
        ))?;
    }
    let mut table = output::table(["no.", "failures", "next try"]);
    for Parked { sequence, failures, due_at_s, .. } in &endpoint.parked {
        let due = times.show(*due_at_s).to_string();
        table.add_row([sequence.to_string(), failures.to_string(), due]);
    }
    for DeadLetter { sequence, failures, outcome, .. } in letters {
        let why = format!("dead letter: {outcome}");
        table.add_row([sequence.to_string(), failures.to_string(), why]);
    }
    output::print(table)
}

async fn replay(
    endpoints: &Endpoints,
    of: &EndpointRef,
    which: Which,
    now: Timestamp,
) -> Result<Exit, Error> {
    let Which { id, from, since, dead } = which;
    let from = match since {
        Some(since) => Some(first_since(endpoints, of, since).await?),
        None => from,
    };
    if let Some(from) = from {
        endpoints.change(of, now, |endpoint| endpoint.replayed_from(from)).await?;
        output::print(format_args!("every event from no. {from} on is sent again"))?;
    }
    if let Some(id) = id {
        let event = endpoints.events.find_event(&id).await?;
        let event = event.filter(|event| event.subject == of.subject);
        let event = event.ok_or_else(|| format!("{} has no event {id}", of.subject))?;
        endpoints.replay(of, event.sequence, now).await?;
        output::print(format_args!("event no. {} is sent again", event.sequence))?;
    }
    if dead {
        let letters = endpoints.events.dead_letters(of, 0).await?;
        output::tell_unreadable(&letters.unreadable, false);
        let mut sent = 0;
        for letter in letters.readable {
            match endpoints.replay(of, letter.sequence, now).await {
                Ok(_) => sent += 1,
                Err(EndpointError::NotReplayed(NotReplayed::Full)) => break,
                Err(error) => return Err(error.into()),
            }
        }
        output::print(format_args!("{sent} dead letters are sent again"))?;
    }
    Ok(Exit::Done)
}

/// The number of the first event that happened at an instant or later.
async fn first_since(
    endpoints: &Endpoints,
    of: &EndpointRef,
    since: Timestamp,
) -> Result<u64, Error> {
    let mut after = 0;
    loop {
        let found = endpoints.events.events_after(&of.subject, after, PAGE).await?;
        output::tell_unreadable(&found.unreadable, false);
        let first = found.readable.iter().find(|event| since <= event.at_s);
        match (first, found.readable.last()) {
            (Some(StoredEvent { sequence, .. }), _) => return Ok(*sequence),
            (None, Some(last)) => after = last.sequence,
            (None, None) => return Err(format!("nothing happened since {since}").into()),
        }
    }
}

fn status(endpoint: &Endpoint, times: &Times) -> String {
    match endpoint.status {
        EndpointStatus::Active => match endpoint.failing_since_s {
            Some(since) => format!("failing since {}", times.show(since)),
            None => "active".to_owned(),
        },
        EndpointStatus::Disabled { since_s, because } => {
            let why = match because {
                DisabledBecause::NoSuccess => "it took nothing for three days",
                DisabledBecause::Gone => "it answered 410 Gone",
            };
            format!("disabled since {}: {why}", times.show(since_s))
        }
    }
}

fn counted(number: impl ToString, what: &str) -> Option<String> {
    let number = number.to_string();
    (number != "0").then(|| format!("{number} {what}"))
}

impl<'e> Shown<'e> {
    fn of(endpoint: &'e Endpoint) -> Shown<'e> {
        Shown {
            subject: endpoint.subject.to_string(),
            name: &endpoint.name,
            url: endpoint.url.as_str(),
            types: &endpoint.types,
            status: endpoint.status,
            delivered_through: endpoint.delivered_through,
            parked: &endpoint.parked,
            failing_since: endpoint.failing_since_s,
            dead: endpoint.dead,
            last: endpoint.last.as_ref(),
            test: endpoint.test.as_ref(),
            both_secrets_until: endpoint.secrets.overlap_until(),
        }
    }
}
