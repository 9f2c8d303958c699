//! Webhook endpoints and their dead letters, in the events table.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_billing::EndpointName;
use steelyard_billing::event::{StoredEvent, Subject};
use steelyard_billing::webhook::{DeadLetter, Endpoint, EndpointRef};

use crate::due::{self, DueRecord};
use crate::item::{Item, from_item, number, string, text, to_item};
use crate::query::Range;
use crate::schema::{
    DEAD, DISPATCH_AT_S, DUE_SHARD, ENDPOINT_PREFIX, ENDPOINTS, PK, SK, VERSION, dead_prefix,
    dead_sk, endpoint_due_shard, endpoint_place_sk, endpoint_sk, event_sk, subject, subject_pk,
};
use crate::unreadable::Unreadable;
use crate::writes::Written;
use crate::{CommitError, EventsTable, Found, StoreError, Writes};

const READ: &str = "read an endpoint";
const LIST: &str = "list endpoints";
const WAKE: &str = "wake an endpoint";

/// That there is an endpoint of that name.
#[derive(Serialize, Deserialize)]
struct Place {
    subject: Subject,
    endpoint: EndpointName,
}

/// How many dead letters of an endpoint are listed at once.
const DEAD_PAGE: u16 = 100;

/// A dead letter, and whose endpoint did not take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressedLetter {
    /// Whose events the endpoint gets.
    pub subject: Subject,
    /// The letter: the event, the outcome and the time.
    #[serde(flatten)]
    pub letter: DeadLetter,
}

impl AddressedLetter {
    /// The endpoint that did not take it.
    #[must_use]
    pub fn endpoint(&self) -> EndpointRef {
        EndpointRef { subject: self.subject.clone(), endpoint: self.letter.endpoint.clone() }
    }
}

impl EventsTable {
    /// Writes that take effect together; `operation` names them in errors.
    pub fn writes(&self, operation: &'static str) -> Writes {
        Writes::new(&self.table, operation)
    }

    /// Does writes, all or none.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when a record was written since it was read, or a new one exists.
    pub async fn commit(&self, writes: Writes) -> Result<(), CommitError> {
        match writes.write(&self.client).await? {
            Written::All => Ok(()),
            Written::ConditionFailed(_) => Err(CommitError::Stale),
        }
    }

    /// An endpoint; none if there is none of that name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub async fn endpoint(&self, of: &EndpointRef) -> Result<Option<Endpoint>, StoreError> {
        let (pk, sk) = key(of);
        Range::one(&self.table, pk, sk).record(&self.client, READ).await
    }

    /// The endpoints of a subject, in the order of their names. One that cannot be read fails
    /// alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn endpoints(&self, subject: &Subject) -> Result<Found<Endpoint>, StoreError> {
        let range = Range::prefix(&self.table, subject_pk(subject), ENDPOINT_PREFIX);
        Ok(Found::of(LIST, range.all(&self.client, LIST).await?))
    }

    /// The names of all endpoints, in the order of their subjects.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn all_endpoints(&self) -> Result<Found<EndpointRef>, StoreError> {
        let range = Range::prefix(&self.table, ENDPOINTS.to_owned(), "");
        let found: Found<Place> = Found::of(LIST, range.all(&self.client, LIST).await?);
        let names = found
            .readable
            .into_iter()
            .map(|Place { subject, endpoint }| EndpointRef { subject, endpoint });
        Ok(Found { readable: names.collect(), unreadable: found.unreadable })
    }

    /// The event of a subject with that number; none if it is not stored, or no longer.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be read.
    pub async fn event(
        &self,
        subject: &Subject,
        sequence: u64,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let range = Range::one(&self.table, subject_pk(subject), event_sk(sequence));
        range.record(&self.client, READ).await
    }

    /// The first hundred dead letters of an endpoint after a number, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn dead_letters(
        &self,
        of: &EndpointRef,
        after: u64,
    ) -> Result<Found<DeadLetter>, StoreError> {
        let range = Range::prefix(&self.table, DEAD.to_owned(), &dead_prefix(of));
        let after = (after > 0).then(|| dead_sk(of, after));
        let page = range.page(&self.client, LIST, after, Some(DEAD_PAGE.into())).await?;
        Ok(Found::of(LIST, page.items))
    }

    /// The first dead letters of all endpoints, each with its endpoint, in the order of their
    /// subjects: at most `limit`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn all_dead_letters(&self, limit: u16) -> Result<Found<AddressedLetter>, StoreError> {
        let range = Range::prefix(&self.table, DEAD.to_owned(), "");
        let page = range.page(&self.client, LIST, None, Some(limit.into())).await?;
        Ok(Found::of(LIST, page.items))
    }

    /// Makes the endpoints of a subject due that take new events and are not due already: dispatch
    /// sends them next. Called after events of the subject were stored. Gives how many it made due.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read or written. It may be called again.
    pub async fn wake_endpoints(
        &self,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let range = Range::prefix(&self.table, subject_pk(subject), ENDPOINT_PREFIX);
        let mut woken = 0;
        for item in range.all(&self.client, WAKE).await? {
            let is_due = due::dispatch_at(&item).is_some_and(|at| at <= now);
            // One that cannot be read is reported where it is worked on, or listed.
            let takes = from_item::<Endpoint>(WAKE, item.clone())
                .is_ok_and(|endpoint| endpoint.takes_events());
            if takes && !is_due {
                woken += usize::from(self.make_due(&item, now).await?);
            }
        }
        Ok(woken)
    }

    /// The endpoints that cannot be read: by the names of all, and of each subject.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn unreadable_endpoints(&self) -> Result<Vec<Unreadable>, StoreError> {
        let Found { readable, unreadable: mut found } = self.all_endpoints().await?;
        let subjects: BTreeSet<_> = readable.into_iter().map(|of| of.subject).collect();
        for subject in subjects {
            found.extend(self.endpoints(&subject).await?.unreadable);
        }
        found.extend(self.all_dead_letters(DEAD_PAGE).await?.unreadable);
        Ok(found)
    }

    /// Makes an endpoint due. False if it was removed meanwhile.
    async fn make_due(&self, item: &Item, now: Timestamp) -> Result<bool, StoreError> {
        let (pk, sk) = (text(WAKE, item, PK)?, text(WAKE, item, SK)?);
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(PK, string(pk))
            .key(SK, string(sk))
            .update_expression("SET #shard = :shard, #dispatch = :now")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#shard", DUE_SHARD)
            .expression_attribute_names("#dispatch", DISPATCH_AT_S)
            .expression_attribute_values(":shard", string(endpoint_due_shard(pk, sk)))
            .expression_attribute_values(":now", number(now.as_second()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::aws(WAKE, error)),
        }
    }
}

impl Writes {
    /// Writes an endpoint over the version before, or a new one. It stands in the index of due
    /// records at `due_at`, or in none. Gives it as it will be stored.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn endpoint(
        &mut self,
        before: Option<&Endpoint>,
        after: &Endpoint,
        due_at: Option<Timestamp>,
    ) -> Result<Endpoint, StoreError> {
        let of = after.reference();
        let (pk, sk) = key(&of);
        if before.is_none() {
            let place = endpoint_place_sk(&of);
            self.put_always(to_item(self.operation, ENDPOINTS.to_owned(), place, &of)?);
        }
        let version = before.map_or(0, |before| before.version) + 1;
        let stored = Endpoint { version, ..after.clone() };
        let index = match due_at {
            Some(due_at) => due::index_entry(endpoint_due_shard(&pk, &sk), due_at),
            None => due::not_in_index(),
        };
        self.change((pk, sk), before.map(|before| (before, before.version)), &stored, index)?;
        Ok(stored)
    }

    /// Removes an endpoint that was not written since it was read. Its dead letters are removed
    /// before.
    pub fn without_endpoint(&mut self, endpoint: &Endpoint) {
        let of = endpoint.reference();
        self.delete_over(key(&of), VERSION, number(endpoint.version));
        self.delete(ENDPOINTS, endpoint_place_sk(&of));
    }

    /// Stores a dead letter of an endpoint.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when it cannot be put into DynamoDB's form.
    pub fn dead_letter(&mut self, of: &Subject, letter: &DeadLetter) -> Result<(), StoreError> {
        let addressed = AddressedLetter { subject: of.clone(), letter: letter.clone() };
        let sk = dead_sk(&addressed.endpoint(), letter.sequence);
        // It is the same letter if a replay fails again.
        self.put_always(to_item(self.operation, DEAD.to_owned(), sk, &addressed)?);
        Ok(())
    }

    /// Removes a dead letter, which may be gone already.
    pub fn without_dead_letter(&mut self, of: &EndpointRef, sequence: u64) {
        self.delete(DEAD, dead_sk(of, sequence));
    }
}

fn key(of: &EndpointRef) -> (String, String) {
    (subject_pk(&of.subject), endpoint_sk(&of.endpoint))
}

impl DueRecord for EndpointRef {
    fn key(&self) -> (String, String) {
        key(self)
    }

    fn read(pk: &str, sk: &str) -> Option<EndpointRef> {
        let subject = subject(pk)?;
        let endpoint: EndpointName = sk.strip_prefix(ENDPOINT_PREFIX)?.parse().ok()?;
        Some(EndpointRef { subject, endpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_endpoint_names_it() {
        for subject in ["#platform", "shop", "platform"] {
            let subject: Subject = subject.parse().unwrap();
            let of = EndpointRef { subject, endpoint: "erp".parse().unwrap() };
            let (pk, sk) = of.key();
            assert_eq!(EndpointRef::read(&pk, &sk), Some(of));
        }
        for (pk, sk) in
            [("shop", "endpoint#erp"), ("platform", "event#0000000001"), ("platform", DEAD)]
        {
            assert_eq!(EndpointRef::read(pk, sk), None, "{pk} {sk}");
        }
    }
}
