//! The events of a batch of records, by whom they are about.

use std::collections::BTreeMap;

use steelyard_billing::event::{Event, StandingChanged, StoredEvent, Subject};
use steelyard_billing::{Standing, StandingTold};
use steelyard_store::event_data;

/// The events of a batch, by subject.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    subjects: BTreeMap<Subject, Told>,
}

/// The events of a subject, in the order of their records.
#[derive(Debug)]
pub(crate) struct Told {
    /// The place of the first record in the batch.
    pub(crate) first: usize,
    /// The events, the oldest first.
    pub(crate) events: Vec<Event>,
    /// The standing that they report, if they report one.
    pub(crate) standing: Option<StandingTold>,
}

impl Batch {
    /// Adds an event of the record at a place.
    pub(crate) fn add(&mut self, place: usize, event: Event) {
        self.of(place, event.subject.clone()).events.push(event);
    }

    /// The last standing of a provider in the batch, if it has one.
    pub(crate) fn standing(&self, subject: &Subject) -> Option<StandingTold> {
        self.subjects.get(subject).and_then(|told| told.standing)
    }

    /// Adds the standing of a provider by the record at a place, if it differs from what was
    /// reported before.
    pub(crate) fn follow(
        &mut self,
        place: usize,
        subject: Subject,
        before: StandingTold,
        standing: Standing,
    ) {
        let told = StandingTold::of(&standing);
        if let Some(changed) = StandingChanged::since(&before, standing) {
            let of = self.of(place, subject);
            of.events.push(changed.event());
            of.standing = Some(told);
        }
    }

    /// Adds the copies of a provider's events that the platform gets.
    pub(crate) fn add_for_platform(&mut self, place: usize, stored: &[StoredEvent]) {
        for event in stored {
            match event_data(event) {
                Ok(data) => {
                    let told = Event::for_platform(event, data);
                    told.into_iter().for_each(|event| self.add(place, event));
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(id = %event.id, error, "the platform is not told of an event");
                }
            }
        }
    }

    /// Takes the first subject. Providers come before the platform.
    pub(crate) fn take_first(&mut self) -> Option<(Subject, Told)> {
        self.subjects.pop_first()
    }

    fn of(&mut self, place: usize, subject: Subject) -> &mut Told {
        let new = || Told { first: place, events: Vec::new(), standing: None };
        self.subjects.entry(subject).or_insert_with(new)
    }
}
