//! Webhook endpoints: what operators decide about them, and what becomes of deliveries.

use std::collections::BTreeSet;

use jiff::Timestamp;
use steelyard_billing::webhook::{
    Answered, Endpoint, EndpointRef, EndpointUrl, NotReplayed, SigningSecret, TypePattern,
};
use steelyard_store::{CommitError, EventsTable, StoreError};
use thiserror::Error;

use crate::change::{Decision, change};

/// The most endpoints of a subject: all of them are read when an event is stored.
const ENDPOINTS_MAX: usize = 10;

/// The endpoints in an events table.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The table that stores endpoints beside their subjects' events.
    pub events: EventsTable,
}

/// Why an endpoint was not changed.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// There is none of that name.
    #[error("{} has no endpoint `{}`", .0.subject, .0.endpoint)]
    Unknown(EndpointRef),
    /// There is one of that name.
    #[error("{} has an endpoint `{}` already", .0.subject, .0.endpoint)]
    Exists(EndpointRef),
    /// The subject has as many as it may have.
    #[error("{} has {ENDPOINTS_MAX} endpoints already, the most that there may be", .0.subject)]
    TooMany(EndpointRef),
    /// The event is not sent again.
    #[error(transparent)]
    NotReplayed(#[from] NotReplayed),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ADD: &str = "store an endpoint";
const CHANGE: &str = "change an endpoint";
const REMOVE: &str = "remove an endpoint";
const SAVE: &str = "save what became of a delivery";

impl Endpoints {
    /// Adds an endpoint, which gets the events that are stored from now on. Gives it as it is
    /// stored.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Exists`] when the name is taken, [`EndpointError::TooMany`] at the most
    /// endpoints of a subject.
    pub async fn add(
        &self,
        of: &EndpointRef,
        url: &EndpointUrl,
        types: &BTreeSet<TypePattern>,
        secret: &SigningSecret,
        now: Timestamp,
    ) -> Result<Endpoint, EndpointError> {
        change(&self.events, ADD, |_| async {
            let others = self.events.endpoints(&of.subject).await?.readable;
            if others.iter().any(|other| other.name == of.endpoint) {
                return Err(EndpointError::Exists(of.clone()));
            }
            if others.len() >= ENDPOINTS_MAX {
                return Err(EndpointError::TooMany(of.clone()));
            }
            let through = self.events.last_sequence(&of.subject).await?;
            let (of, url, types, secret) = (of.clone(), url.clone(), types.clone(), secret.clone());
            let endpoint = Endpoint::new(of, url, types, secret, through, now);
            let mut writes = self.events.writes(ADD);
            // An event may have been stored since.
            let stored = writes.endpoint(None, &endpoint, endpoint.due_at(true, now))?;
            Ok(Decision::Save(writes, stored))
        })
        .await
    }

    /// Changes an endpoint, and makes it due. Gives it as it is stored.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Unknown`] when the subject has no endpoint of that name.
    pub async fn change(
        &self,
        of: &EndpointRef,
        now: Timestamp,
        decide: impl Fn(Endpoint) -> Endpoint + Sync,
    ) -> Result<Endpoint, EndpointError> {
        change(&self.events, CHANGE, |_| async {
            let before = self.found(of).await?;
            let after = decide(before.clone());
            let mut writes = self.events.writes(CHANGE);
            let stored = writes.endpoint(Some(&before), &after, after.due_at(true, now))?;
            Ok::<_, EndpointError>(Decision::Save(writes, stored))
        })
        .await
    }

    /// Sends one event again, also one that is a dead letter.
    ///
    /// # Errors
    ///
    /// [`EndpointError::Unknown`] when there is no such endpoint, [`EndpointError::NotReplayed`]
    /// when the event is waiting anyway, or too many replays wait.
    pub async fn replay(
        &self,
        of: &EndpointRef,
        sequence: u64,
        now: Timestamp,
    ) -> Result<Endpoint, EndpointError> {
        change(&self.events, CHANGE, |_| async {
            let before = self.found(of).await?;
            let after = before.clone().replayed(sequence, now)?;
            let mut writes = self.events.writes(CHANGE);
            let stored = writes.endpoint(Some(&before), &after, after.due_at(true, now))?;
            writes.without_dead_letter(of, sequence);
            Ok::<_, EndpointError>(Decision::Save(writes, stored))
        })
        .await
    }

    /// Removes an endpoint with its dead letters.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] naming the cause. Some dead letters may be gone then.
    pub async fn remove(&self, of: &EndpointRef) -> Result<(), EndpointError> {
        change(&self.events, REMOVE, |_| async {
            let endpoint = self.found(of).await?;
            let letters = self.events.dead_letters(of, 0).await?.readable;
            let mut writes = self.events.writes(REMOVE);
            // A transaction has a hundred writes at most; the rest go with the next try.
            let some = letters.iter().take(50);
            some.for_each(|letter| writes.without_dead_letter(of, letter.sequence));
            if letters.len() > 50 {
                return match self.events.commit(writes).await {
                    Ok(()) | Err(CommitError::Stale) => Ok(Decision::Again),
                    Err(CommitError::Store(error)) => Err(error.into()),
                };
            }
            writes.without_endpoint(&endpoint);
            Ok::<_, EndpointError>(Decision::Save(writes, ()))
        })
        .await
    }

    /// Saves an endpoint after an answer, with the dead letter if there is one. None when it was
    /// written since it was read: by an operator, or by another worker.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails.
    pub async fn save(
        &self,
        before: &Endpoint,
        Answered { endpoint, dead }: &Answered,
        due_at: Option<Timestamp>,
    ) -> Result<Option<Endpoint>, StoreError> {
        let mut writes = self.events.writes(SAVE);
        let stored = writes.endpoint(Some(before), endpoint, due_at)?;
        if let Some(letter) = dead {
            writes.dead_letter(&endpoint.subject, letter)?;
        }
        match self.events.commit(writes).await {
            Ok(()) => Ok(Some(stored)),
            Err(CommitError::Stale) => Ok(None),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    async fn found(&self, of: &EndpointRef) -> Result<Endpoint, EndpointError> {
        let unknown = || EndpointError::Unknown(of.clone());
        self.events.endpoint(of).await?.ok_or_else(unknown)
    }
}
