//! That a provider stands elsewhere. It follows from no record alone: time changes a standing too.

use super::{Event, EventData, EventId, StandingChanged, StoredEvent, Subject};
use crate::{ProviderId, Standing, StandingTold};

const KIND: &str = "standing.changed";

impl StandingChanged {
    /// The change to report after what was reported before; none if nothing that anybody acts on
    /// changed.
    #[must_use]
    pub fn since(told: &StandingTold, standing: Standing) -> Option<StandingChanged> {
        let is_new = !told.still_holds(&standing);
        is_new.then_some(StandingChanged { before: told.stage, standing })
    }

    /// The name of the event that reports a change to the provider, by a version of its account.
    #[must_use]
    pub fn id(provider: &ProviderId, version: u64) -> EventId {
        EventId::of(KIND, &Subject::Provider(provider.clone()), &[version.to_string()])
    }

    /// The event for the provider.
    #[must_use]
    pub fn event(self) -> Event {
        let Standing { ref provider, version, as_of_s: at_s, .. } = self.standing;
        let (id, subject) =
            (StandingChanged::id(provider, version), Subject::Provider(provider.clone()));
        Event { id, subject, at_s, data: EventData::StandingChanged(Box::new(self)) }
    }
}

impl Event {
    /// The copy of a provider's event for the platform; none if the platform gets no copy
    /// of it.
    #[must_use]
    pub fn for_platform(of: &StoredEvent, data: EventData) -> Option<Event> {
        if of.subject == Subject::Platform {
            return None;
        }
        let EventData::StandingChanged(changed) = &data else { return None };
        let Standing { provider, version, .. } = &changed.standing;
        let record = [provider.to_string(), version.to_string()];
        Some(Event::of_record(Subject::Platform, of.at_s, data, &record))
    }
}
