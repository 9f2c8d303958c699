//! A world that grows old: months pass, and DynamoDB deletes what has expired, some of it late.

use jiff::SignedDuration;
use steelyard_billing::event::Subject;
use steelyard_runtime::Error;

use crate::world::{PROVIDERS, World};

/// The tables of which items expire.
const TABLES: [&str; 3] = ["steelyard-usage", "steelyard-billing", "steelyard-events"];

/// How many days pass. Reports and events are kept for 90, reports from the close of their month.
const DAYS: std::ops::Range<i64> = 100..200;

const A_DAY_S: i64 = 86_400;

impl World {
    /// Rests, and lets months pass in which nothing runs and nobody calls.
    pub(crate) async fn grow_old(&mut self) -> Result<(), Error> {
        self.come_to_rest().await?;
        self.check_rest().await?;
        for provider in PROVIDERS {
            let subject = Subject::Provider(provider.parse()?);
            let events = self.platform.stack.events.events_after(&subject, 0, u16::MAX).await?;
            let last = events.readable.iter().map(|event| event.sequence).max().unwrap_or(0);
            self.events_known.insert(provider.to_owned(), last);
        }
        let days = self.chaos.draw_seconds(DAYS).as_secs();
        let until = self.now() + SignedDuration::from_secs(days * A_DAY_S);
        self.platform.stack.clock.set(until);
        self.old_since = Some(until);
        self.delete_expired().await?;
        self.go_on_until(until + SignedDuration::from_hours(24)).await?;
        self.chaos.turn(true);
        Ok(())
    }

    /// DynamoDB deletes some of what has expired.
    pub(crate) async fn delete_expired(&self) -> Result<(), Error> {
        let mut deleted = 0_usize;
        for table in TABLES {
            let items = self.platform.scan(table).await;
            for item in self.chaos.shuffled(&items) {
                let expires_at = item["expires_at_s"]["N"].as_str();
                let Some(expires_at) = expires_at else { continue };
                if expires_at.parse::<i64>()? < self.now().as_second() && !self.chaos.one_in(3) {
                    self.platform.delete_item_from(table, &item).await;
                    deleted += 1;
                }
            }
        }
        self.chaos.note(format_args!("{deleted} items have expired"));
        Ok(())
    }
}
