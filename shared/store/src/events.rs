//! The events table: what happened, once each, numbered by subject.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::Client;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::event::{Event, EventData, EventId, StoredEvent, Subject};
use steelyard_billing::{Realm, StandingTold};

use crate::item::{Item, number, to_item};
use crate::query::Range;
use crate::schema::{EVENT, EVENT_PREFIX, EXPIRES_AT_S, NUMBERING, event_pk, event_sk, subject_pk};
use crate::writes::{Index, Writes, Written};
use crate::{Found, StoreError};

/// The events table. Nothing in it moves money.
#[derive(Clone, Debug)]
pub struct EventsTable {
    pub(crate) client: Client,
    pub(crate) table: String,
}

/// The number of the last event of a subject, and its last reported standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Numbering {
    /// The number. Each write is conditional on the one before.
    version: u64,
    /// The provider's last reported standing. It changes with an event, so the number protects
    /// it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<StandingTold>,
}

/// Events of a subject that are to be stored, in their order.
#[derive(Clone, Copy, Debug)]
pub struct NewEvents<'e> {
    /// The subject, whose events are numbered alone.
    pub subject: &'e Subject,
    /// The events, the oldest first.
    pub events: &'e [Event],
    /// The standing that they report, if they report one. It is stored with the last of them.
    pub standing: Option<StandingTold>,
    /// The time until which they are kept.
    pub expires_at: Timestamp,
}

/// Where an event is, by its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Place {
    subject: Subject,
    sequence: u64,
}

const ADD: &str = "store events";
const READ: &str = "read events";

/// How many events are stored at once: three items for each, and a transaction has a hundred at
/// most.
const AT_ONCE: usize = 30;

/// How often events are numbered again, when another numbered some of the same subject meanwhile.
const TRIES: u32 = 20;

impl EventsTable {
    /// The table of that name.
    #[must_use]
    pub fn new(client: Client, table: String) -> EventsTable {
        EventsTable { client, table }
    }

    /// Stores events, each once. Gives them as they are stored, those that were stored before
    /// included.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table fails; some may be stored then.
    pub async fn add(
        &self,
        new: NewEvents<'_>,
        realm: &Realm,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut stored = Vec::new();
        let mut seen = BTreeSet::new();
        let once = new.events.iter().filter(|event| seen.insert(&event.id)).collect::<Vec<_>>();
        let mut left = once.len();
        for some in once.chunks(AT_ONCE) {
            left -= some.len();
            let standing = new.standing.filter(|_| left == 0);
            stored.extend(self.add_some(&NewEvents { standing, ..new }, some, realm).await?);
        }
        Ok(stored)
    }

    async fn add_some(
        &self,
        new: &NewEvents<'_>,
        events: &[&Event],
        realm: &Realm,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut before: Vec<StoredEvent> = Vec::new();
        for _ in 0..TRIES {
            let is_new = |event: &&Event| before.iter().all(|before| before.id != event.id);
            let events: Vec<&Event> = events.iter().copied().filter(is_new).collect();
            if events.is_empty() {
                break;
            }
            let last = self.numbering(new.subject).await?;
            let (writes, numbered) = self.numbered(new, last, &events, realm)?;
            match writes.write(&self.client).await? {
                Written::All => {
                    before.extend(numbered);
                    break;
                }
                Written::ConditionFailed(_) => {
                    // Others were faster, or these were stored before.
                    for event in events {
                        before.extend(self.find_event(&event.id).await?);
                    }
                }
            }
        }
        if before.len() < events.len() {
            return Err(StoreError::Contended { operation: ADD });
        }
        before.sort_by_key(|event| event.sequence);
        Ok(before)
    }

    /// The writes of new events after the last one.
    fn numbered(
        &self,
        &NewEvents { subject, standing, expires_at, .. }: &NewEvents<'_>,
        last: Numbering,
        events: &[&Event],
        realm: &Realm,
    ) -> Result<(Writes, Vec<StoredEvent>), StoreError> {
        let mut writes = Writes::new(&self.table, ADD);
        let mut numbered = Vec::new();
        let expires = |mut item: Item| {
            item.insert(EXPIRES_AT_S.to_owned(), number(expires_at.as_second()));
            item
        };
        for (sequence, event) in (last.version + 1..).zip(events) {
            let document = serde_json::to_string(&event.cloud_event(sequence, realm))
                .map_err(|error| StoreError::corrupt(ADD, error))?;
            let stored = StoredEvent {
                id: event.id.clone(),
                subject: subject.clone(),
                sequence,
                kind: event.data.kind().to_owned(),
                at_s: event.at_s,
                document,
            };
            let place = Place { subject: subject.clone(), sequence };
            writes.put_new(expires(to_item(ADD, event_pk(&event.id), EVENT.to_owned(), &place)?));
            writes.put_new(expires(to_item(
                ADD,
                subject_pk(subject),
                event_sk(sequence),
                &stored,
            )?));
            numbered.push(stored);
        }
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let standing = standing.or(last.standing);
        let after = Numbering { version: last.version + count, standing };
        let before = (last.version > 0).then_some((&last, last.version));
        let key = (subject_pk(subject), NUMBERING.to_owned());
        writes.change(key, before, &after, Index::default())?;
        Ok((writes, numbered))
    }

    /// The number of the last event of a subject; 0 before the first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn last_sequence(&self, subject: &Subject) -> Result<u64, StoreError> {
        Ok(self.numbering(subject).await?.version)
    }

    /// The last reported standing of a provider.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn standing_told(&self, subject: &Subject) -> Result<StandingTold, StoreError> {
        Ok(self.numbering(subject).await?.standing.unwrap_or_default())
    }

    async fn numbering(&self, subject: &Subject) -> Result<Numbering, StoreError> {
        let range = Range::one(&self.table, subject_pk(subject), NUMBERING.to_owned());
        Ok(range.record(&self.client, READ).await?.unwrap_or_default())
    }

    /// The events of a subject after a number, in their order, at most so many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn events_after(
        &self,
        subject: &Subject,
        sequence: u64,
        limit: u16,
    ) -> Result<Found<StoredEvent>, StoreError> {
        let range = Range::prefix(&self.table, subject_pk(subject), EVENT_PREFIX);
        let after = Some(event_sk(sequence));
        let page = range.page(&self.client, READ, after, Some(i32::from(limit))).await?;
        Ok(Found::of(READ, page.items))
    }

    /// The event of that name; none if it never happened, or is so old that it was deleted.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn find_event(&self, id: &EventId) -> Result<Option<StoredEvent>, StoreError> {
        let range = Range::one(&self.table, event_pk(id), EVENT.to_owned());
        let Some(Place { subject, sequence }) = range.record(&self.client, READ).await? else {
            return Ok(None);
        };
        let range = Range::one(&self.table, subject_pk(&subject), event_sk(sequence));
        range.record(&self.client, READ).await
    }
}

/// What a stored event says.
///
/// # Errors
///
/// [`StoreError`] when this version of Steelyard does not know its type.
pub fn event_data(event: &StoredEvent) -> Result<EventData, StoreError> {
    serde_json::from_str(&event.document).map_err(|error| StoreError::corrupt(READ, error))
}
