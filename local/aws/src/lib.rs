//! The AWS services that Steelyard uses, inside one process: DynamoDB, SQS, EventBridge, Secrets
//! Manager and Lambda.
//!
//! [`Embedded`] answers a request as the service it is addressed to would. Two roads lead to it:
//! [`Transport`] for `aws-sdk` clients in this process, and [`router()`] for AWS tools over HTTP.
//! Only [`Transport`] measures what requests cost and plays out what goes wrong; it does so below
//! the SDK, so that the SDK's own retries are under test too.

mod bus;
mod commits;
mod dynamodb;
mod faults;
mod function;
mod gate;
mod keys;
mod lambda;
mod meter;
mod objects;
mod queues;
mod router;
mod secrets;
mod sqs;
mod stream;
mod transport;
mod wire;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use dynoxide::DynoxideError;
use jiff::Timestamp;

pub use faults::{Fault, Faults, Target};
pub use function::{EventSource, LocalFunction, NamedFunctions, asked, sqs, visible_messages};
pub use gate::Gate;
pub use meter::{CapacityUnits, Meter, Partition, PartitionUse, Units, Usage};
pub use objects::{LocalObjects, OBJECTS_PATH};
pub use router::{REQUEST_MAX_BYTES, router};
pub use stream::StreamSource;
pub use transport::Transport;
pub use wire::{Request, Response, access_key, invoked_function};

use bus::Buses;
use dynamodb::DynamoDb;
use queues::Queues;
use secrets::Secrets;

/// The clock that the queues live by. Visibility, delay and retention pass as it does.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Why the embedded services could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The in-memory database could not be made.
    #[error("cannot open a database in memory")]
    Memory(#[source] DynoxideError),
    /// The database file could not be opened or made.
    #[error("cannot open the database {}", path.display())]
    File {
        /// The file that was asked for.
        path: PathBuf,
        /// What the database engine said.
        #[source]
        source: DynoxideError,
    },
    /// The write-ahead log of the database could not be opened or synced.
    #[error("cannot sync the write-ahead log of the database {}", path.display())]
    Log {
        /// The file that was asked for.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: std::io::Error,
    },
    /// The database engine takes UTF-8 paths only.
    #[error("the database path {} is not UTF-8", .0.display())]
    PathNotUtf8(PathBuf),
}

/// DynamoDB, SQS, EventBridge, Secrets Manager and Lambda in this process.
///
/// The tables are in memory or in a file; queues and secrets are always in memory. A queue that a
/// restart empties loses nothing for good: what is due is in the tables, and is sent again.
pub struct Embedded {
    dynamodb: DynamoDb,
    queues: Mutex<Queues>,
    secrets: Mutex<Secrets>,
    buses: Mutex<Buses>,
    functions: OnceLock<Weak<NamedFunctions>>,
    listener: OnceLock<Listener>,
    now: Now,
}

/// A function that gets each request to DynamoDB and its answer.
pub type Listener = Box<dyn Fn(&Request, &Response) + Send + Sync>;

impl Embedded {
    /// Services whose tables are gone when they are dropped.
    ///
    /// # Errors
    ///
    /// When the database engine does not start.
    pub fn memory(now: Now) -> Result<Self, OpenError> {
        Ok(Self::over(DynamoDb::memory()?, now))
    }

    /// Services whose tables are in the SQLite file at `path`, which is made when it is absent.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is no database.
    pub fn file(path: &Path, now: Now) -> Result<Self, OpenError> {
        Ok(Self::over(DynamoDb::file(path)?, now))
    }

    /// Keeps `value` as the secret `name`, in place of any earlier value.
    pub fn put_secret(&self, name: impl Into<String>, value: impl Into<String>) {
        lock(&self.secrets).put(name.into(), value.into());
    }

    /// Tables that are made from now on have no streams, whatever is asked for.
    pub fn make_no_streams(&self) {
        self.dynamodb.make_no_streams();
    }

    /// The newest events that were put on buses, the oldest first, as they were put.
    pub fn events_put(&self) -> Vec<serde_json::Value> {
        lock(&self.buses).kept()
    }

    /// Lets Lambda invoke these functions by their names, as long as the caller keeps them. The
    /// first ones set stay.
    ///
    /// They are set after the services were made, and not kept here, since functions reach these
    /// services: they need them to be made, and would never be dropped.
    pub fn run_functions(&self, functions: &Arc<NamedFunctions>) {
        self.functions.get_or_init(|| Arc::downgrade(functions));
    }

    /// Shows `listener` each request to DynamoDB and its answer from now on, and nothing to a
    /// second listener. On one thread, the order is that in which requests take effect.
    pub fn listen(&self, listener: Listener) {
        let _first = self.listener.set(listener);
    }

    /// The answer of the service that `request` is addressed to.
    ///
    /// Whatever goes wrong is an answer too, with the error's name and text as the service words
    /// them. The tables are read and written on the calling thread: a request takes well under a
    /// millisecond in memory, and one thread keeps a simulation's order. Tables in a file are
    /// synced elsewhere, many requests at once.
    pub async fn handle(&self, request: Request) -> Response {
        match request.service() {
            "DynamoDB_20120810" | "DynamoDBStreams_20120810" => {
                let answer = self.dynamodb.handle(&request).await;
                if let Some(listener) = self.listener.get() {
                    listener(&request, &answer);
                }
                answer
            }
            "AmazonSQS" => sqs::handle(&self.queues, &self.now, &request).await,
            "AWSEvents" => lock(&self.buses).handle(&request),
            "Lambda" => lambda::handle(self.functions.get(), &request).await,
            "secretsmanager" => secrets::handle(&lock(&self.secrets), &request),
            _ => wire::unknown_operation(&request),
        }
    }

    fn over(dynamodb: DynamoDb, now: Now) -> Self {
        Self {
            dynamodb,
            queues: Mutex::default(),
            secrets: Mutex::default(),
            buses: Mutex::default(),
            functions: OnceLock::new(),
            listener: OnceLock::new(),
            now,
        }
    }
}

impl fmt::Debug for Embedded {
    /// Names the type and nothing in it: it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

/// Locks `mutex`, whose content is whole even if a thread panicked while holding it: no change here
/// spans a call that may panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
