//! A stack that is kept running: its schedules, queues and notifications, by its clock.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use steelyard_local_aws::{Embedded, EventSource, StreamSource};
use tokio::task::JoinSet;

use super::{DueFunction, Stack};

/// How often the schedules look at the clock.
const TICK: Duration = Duration::from_millis(250);

/// How long one request to a queue waits for messages.
const LONG_POLL: Duration = Duration::from_secs(1);

impl Stack {
    /// Runs what falls due after `ran_until`, hands messages over, and sends the local Alipay's
    /// notifications, forever.
    pub async fn keep_running(&self, ran_until: Timestamp) {
        let mut queues = JoinSet::new();
        for source in self.event_sources() {
            queues.spawn(hand_over(Arc::clone(&self.embedded), source));
        }
        for stream in self.told.iter().chain([&self.reports]).filter(|_| self.follows) {
            queues.spawn(follow(Arc::clone(&self.embedded), stream.clone()));
        }
        tokio::join!(self.run_schedules(ran_until), self.send_notifications());
    }

    /// Runs what is due by the clock, forever.
    async fn run_schedules(&self, mut ran_until: Timestamp) {
        loop {
            let now = self.clock.now();
            for DueFunction { function, event } in self.due_functions(ran_until, now) {
                if let Err(error) = function.invoke(event).await {
                    tracing::error!(error, "a scheduled invocation failed");
                }
            }
            ran_until = now;
            tokio::time::sleep(TICK).await;
        }
    }

    /// Sends the local Alipay's notifications that are due by the clock, forever. It waits for
    /// their receivers, and so is apart from the schedules.
    async fn send_notifications(&self) {
        loop {
            if let Err(error) = self.deliver_due(self.clock.now()).await {
                tracing::error!(%error, "cannot send notifications");
            }
            tokio::time::sleep(TICK).await;
        }
    }
}

/// Hands the records of a stream to its function, forever.
async fn follow(embedded: Arc<Embedded>, stream: StreamSource) {
    loop {
        match stream.poll(&embedded).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::error!(error, table = stream.table, "cannot read the stream"),
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Delivers the messages of a queue to its function, forever.
async fn hand_over(embedded: Arc<Embedded>, source: EventSource) {
    loop {
        if let Err(error) = source.poll(&embedded, LONG_POLL).await {
            tracing::error!(error, queue = source.queue, "cannot poll");
            tokio::time::sleep(LONG_POLL).await;
        }
    }
}
