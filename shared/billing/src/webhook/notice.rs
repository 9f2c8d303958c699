//! The news that an endpoint is disabled, for all that wait for its events.

use super::{Endpoint, EndpointStatus};
use crate::event::{EndpointDisabled, Event, EventData, Subject};

impl Endpoint {
    /// The events about a delivery after which the endpoint is disabled: for the subject's other
    /// endpoints, and for the platform's.
    #[must_use]
    pub fn notices(&self, before: &Endpoint) -> Vec<Event> {
        let EndpointStatus::Disabled { since_s, because } = self.status else { return Vec::new() };
        if !before.is_active() {
            return Vec::new();
        }
        let (of, endpoint) = (self.subject.clone(), self.name.clone());
        let data = EndpointDisabled { of, endpoint, because, missed_after: self.delivered_through };
        let record =
            [data.of.to_string(), data.endpoint.to_string(), since_s.as_second().to_string()];
        let told = |subject| {
            Event::of_record(subject, since_s, EventData::EndpointDisabled(data.clone()), &record)
        };
        let is_platforms = self.subject == Subject::Platform;
        let platform = (!is_platforms).then_some(Subject::Platform);
        [Some(self.subject.clone()), platform].into_iter().flatten().map(told).collect()
    }
}
