//! What requests cost: how many there were, the capacity that DynamoDB says they took, and the keys
//! on which it was used.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Mutex;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use super::keys::{Key, keys};
use super::lock;
use super::wire::is_write;

/// DynamoDB's unit of work, read or write, exact. It comes in halves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CapacityUnits(Decimal);

impl CapacityUnits {
    /// The units, with their decimals.
    pub fn get(self) -> Decimal {
        self.0
    }
}

impl From<Decimal> for CapacityUnits {
    fn from(units: Decimal) -> Self {
        Self(units)
    }
}

impl AddAssign for CapacityUnits {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl fmt::Display for CapacityUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

/// Read and write capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// The units that reads took.
    pub read: CapacityUnits,
    /// The capacity of writes. A transaction's condition checks count as writes.
    pub write: CapacityUnits,
}

impl Units {
    /// An even share of them among so many.
    fn shared_by(self, count: usize) -> Units {
        let count = Decimal::from(count.max(1));
        let share = |units: CapacityUnits| CapacityUnits(units.0 / count);
        Units { read: share(self.read), write: share(self.write) }
    }
}

impl AddAssign for Units {
    fn add_assign(&mut self, other: Self) {
        self.read += other.read;
        self.write += other.write;
    }
}

/// What was used since the meter was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests by operation, each of the SDK's attempts counted, lost ones too.
    pub requests: BTreeMap<String, u64>,
    /// Capacity of all tables and indexes.
    pub total: Units,
    /// Capacity by table (`billing`) and by index (`billing/due`). Sums to the total.
    pub resources: BTreeMap<String, Units>,
    /// How often each item was written, by its key: `pk`, or `pk sk`. Each of the SDK's attempts
    /// that arrives counts, one whose condition fails too, since it costs as much.
    pub written: BTreeMap<String, u64>,
    /// Requests and capacity by partition key. Capacity sums to the total, except for operations
    /// whose keys the meter does not know, such as scans.
    pub partitions: BTreeMap<Partition, PartitionUse>,
}

/// What a request reached: a partition key of a table or of an index, by one operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// The operation of DynamoDB, such as `Query`.
    pub operation: String,
    /// A table (`billing`) or an index (`billing/due`).
    pub resource: String,
    /// The partition key. What is written to an index stands under the key of the table's item: a
    /// request does not name the key by which the index has it.
    pub key: String,
}

/// What reached one partition key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionUse {
    /// The requests of a table or of a query of an index. A request over several keys counts for
    /// the first one.
    pub requests: u64,
    /// The capacity. That of a request over several items is shared evenly among them.
    pub units: Units,
}

impl Usage {
    /// How many requests were made to change a table or a queue: the places where a run may be cut.
    pub fn writes(&self) -> u64 {
        let writes = self.requests.iter().filter(|(name, _)| is_write(name));
        writes.map(|(_, count)| count).sum()
    }

    fn charge(&mut self, operation: &str, keys: &[Key], resource: String, units: Units) {
        self.total += units;
        let (table, is_index) = match resource.split_once('/') {
            Some((table, _)) => (table, true),
            None => (resource.as_str(), false),
        };
        let reached =
            || keys.iter().filter(|key| key.resource == table || key.resource == resource);
        let share = units.shared_by(reached().count());
        for (place, key) in reached().enumerate() {
            let partition = Partition {
                operation: operation.to_owned(),
                resource: resource.clone(),
                key: key.pk.clone(),
            };
            let used = self.partitions.entry(partition).or_default();
            used.units += share;
            used.requests += u64::from(place == 0 && (!is_index || key.resource == resource));
        }
        *self.resources.entry(resource).or_default() += units;
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        for (operation, count) in other.requests {
            *self.requests.entry(operation).or_default() += count;
        }
        for (resource, units) in other.resources {
            *self.resources.entry(resource).or_default() += units;
        }
        for (key, count) in other.written {
            *self.written.entry(key).or_default() += count;
        }
        for (partition, used) in other.partitions {
            let sum = self.partitions.entry(partition).or_default();
            sum.requests += used.requests;
            sum.units += used.units;
        }
    }
}

/// Counts what passes one [`Transport`](super::Transport), once it is started: a stack that runs
/// for months would otherwise remember every key that it wrote, and pay for it with each request.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Option<Usage>>);

impl Meter {
    /// Counts from now on. A meter that counts already goes on.
    pub fn start(&self) {
        lock(&self.0).get_or_insert_default();
    }

    /// What was used since the last call, which starts the count anew.
    ///
    /// # Panics
    ///
    /// When the meter was not started: a test would take its zeros for a result.
    pub fn take(&self) -> Usage {
        let mut usage = lock(&self.0);
        std::mem::take(usage.as_mut().expect("the meter was started"))
    }

    /// Whether the meter was started.
    pub(super) fn is_counting(&self) -> bool {
        lock(&self.0).is_some()
    }

    /// Counts a request.
    pub(super) fn count(&self, operation: &str) {
        if let Some(usage) = &mut *lock(&self.0) {
            *usage.requests.entry(operation.to_owned()).or_default() += 1;
        }
    }

    /// The keys that a request names. Counts the items that it writes.
    pub(super) fn keys(&self, operation: &str, body: &[u8]) -> Vec<Key> {
        if !reports_capacity(operation) {
            return Vec::new();
        }
        let Ok(request) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
        let keys = keys(operation, &request);
        if let Some(usage) = &mut *lock(&self.0) {
            for key in keys.iter().filter(|key| is_write(operation) && key.is_changed) {
                *usage.written.entry(key.item()).or_default() += 1;
            }
        }
        keys
    }

    /// Adds the capacity that the answer to a request of `operation` with these keys reports.
    ///
    /// # Errors
    ///
    /// When the report is not in DynamoDB's form.
    pub(super) fn charge(
        &self,
        operation: &str,
        keys: &[Key],
        answer: &[u8],
    ) -> Result<(), serde_json::Error> {
        let answer = serde_json::from_slice::<Answer>(answer)?;
        let mut usage = lock(&self.0);
        let Some(usage) = &mut *usage else { return Ok(()) };
        for report in answer.consumed_capacity.into_iter().flat_map(Reports::list) {
            for (resource, figures) in report.split() {
                usage.charge(operation, keys, resource, figures.units(operation));
            }
        }
        Ok(())
    }
}

/// The same request asking for its capacity, table and indexes apart, if its operation can tell it.
///
/// So the store need not ask for what only a test or an operator wants to know.
pub(super) fn asking_for_capacity(operation: &str, body: Vec<u8>) -> Vec<u8> {
    if !reports_capacity(operation) {
        return body;
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(mut input)) => {
            input.insert("ReturnConsumedCapacity".to_owned(), "INDEXES".into());
            Value::Object(input).to_string().into_bytes()
        }
        _ => body,
    }
}

/// Whether DynamoDB reports the capacity that `operation` took.
pub(super) fn reports_capacity(operation: &str) -> bool {
    matches!(
        operation,
        "BatchGetItem"
            | "BatchWriteItem"
            | "DeleteItem"
            | "GetItem"
            | "PutItem"
            | "Query"
            | "Scan"
            | "TransactGetItems"
            | "TransactWriteItems"
            | "UpdateItem"
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    consumed_capacity: Option<Reports>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Reports {
    One(Box<Report>),
    Many(Vec<Report>),
}

impl Reports {
    fn list(self) -> Vec<Report> {
        match self {
            Self::One(report) => vec![*report],
            Self::Many(reports) => reports,
        }
    }
}

/// What one table and its indexes took.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Report {
    table_name: String,
    table: Figures,
    #[serde(default)]
    global_secondary_indexes: BTreeMap<String, Figures>,
    #[serde(default)]
    local_secondary_indexes: BTreeMap<String, Figures>,
}

impl Report {
    fn split(self) -> Vec<(String, Figures)> {
        let table = self.table_name;
        let indexes = self
            .global_secondary_indexes
            .into_iter()
            .chain(self.local_secondary_indexes)
            .map(|(index, figures)| (format!("{table}/{index}"), figures))
            .collect::<Vec<_>>();
        [(table, self.table)].into_iter().chain(indexes).collect()
    }
}

/// The figures of a table or an index. Only transactions tell reads and writes apart.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Figures {
    #[serde(deserialize_with = "exact")]
    capacity_units: CapacityUnits,
    #[serde(default, deserialize_with = "exact_or_absent")]
    read_capacity_units: Option<CapacityUnits>,
    #[serde(default, deserialize_with = "exact_or_absent")]
    write_capacity_units: Option<CapacityUnits>,
}

impl Figures {
    fn units(self, operation: &str) -> Units {
        let none = CapacityUnits::default();
        match (self.read_capacity_units, self.write_capacity_units) {
            (None, None) if is_write(operation) => Units { read: none, write: self.capacity_units },
            (None, None) => Units { read: self.capacity_units, write: none },
            (read, write) => Units { read: read.unwrap_or(none), write: write.unwrap_or(none) },
        }
    }
}

/// Reads a JSON number by its digits, so that no figure passes through a float's arithmetic.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CapacityUnits, D::Error> {
    let number = Number::deserialize(deserializer)?;
    let digits = number.to_string();
    digits.parse().map(CapacityUnits).map_err(serde::de::Error::custom)
}

fn exact_or_absent<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<CapacityUnits>, D::Error> {
    exact(deserializer).map(Some)
}
