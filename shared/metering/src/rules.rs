//! The rules that are stored, as functions use them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use steelyard_billing::ObjectName;
use steelyard_import::{Rule, RuleDocument, RuleError};
use steelyard_pricing::Name;
use steelyard_store::{BillingTable, StoreError};
use thiserror::Error;

/// For how long a rule that was read is used.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// The stored rules, each read again after a minute.
#[derive(Clone, Debug)]
pub struct StoredRules {
    table: BillingTable,
    known: Arc<Mutex<KnownRules>>,
}

/// The rules that were read, and the time of the reading.
#[derive(Debug, Default)]
struct KnownRules {
    by_name: BTreeMap<Name, (Timestamp, Arc<Rule>)>,
    of_objects: Option<(Timestamp, Arc<RulesOfObjects>)>,
}

/// The rules that name objects, and what stands in the way of the others.
#[derive(Debug)]
struct RulesOfObjects {
    rules: Vec<(RuleDocument, Arc<Rule>)>,
    unreadable: Option<String>,
}

/// Why there is no rule.
#[derive(Debug, Error)]
pub enum NoRule {
    /// None is stored under the name.
    #[error("no rule of this name is stored; `steelyard rule add` stores one")]
    Unknown,
    /// The stored one makes no sense to this version.
    #[error("the rule cannot be used: {0}")]
    Refused(#[from] RuleError),
    /// One that cannot be read may be it.
    #[error("no rule that can be read names the object, and this one cannot be read: {0}")]
    Unreadable(String),
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoredRules {
    /// The rules of a table, of which none is read yet.
    #[must_use]
    pub fn new(table: BillingTable) -> StoredRules {
        StoredRules { table, known: Arc::default() }
    }

    /// The rule of a name, as it was within the last minute.
    ///
    /// # Errors
    ///
    /// [`NoRule`] when no rule applies, or the rules cannot be read.
    pub async fn rule(&self, name: &Name, now: Timestamp) -> Result<Arc<Rule>, NoRule> {
        let known = self.known().by_name.get(name).cloned();
        if let Some(rule) = in_time(known, now) {
            return Ok(rule);
        }
        let stored = self.table.rule(name).await?.ok_or(NoRule::Unknown)?;
        let rule = Arc::new(Rule::read(&stored.document)?);
        self.known().by_name.insert(name.clone(), (now, Arc::clone(&rule)));
        Ok(rule)
    }

    /// The rule by which an object is read, as it was within the last minute or, `afresh`, as it is
    /// now, with its name: the
    /// one that names its bucket and the longest beginning of its key, and of those that name as
    /// much the first by name.
    ///
    /// # Errors
    ///
    /// [`NoRule`] when no rule applies, or the rules cannot be read.
    pub async fn of_object(
        &self,
        object: &ObjectName,
        now: Timestamp,
        afresh: bool,
    ) -> Result<(Name, Arc<Rule>), NoRule> {
        let known = self.known().of_objects.clone();
        if let Some(known) = in_time(known, now).filter(|_| !afresh) {
            // One may have been stored since then.
            match known.rule(object) {
                Err(NoRule::Unknown) => {}
                found => return found,
            }
        }
        let read = Arc::new(RulesOfObjects::of(self.table.rules().await?));
        self.known().of_objects = Some((now, Arc::clone(&read)));
        read.rule(object)
    }

    fn known(&self) -> MutexGuard<'_, KnownRules> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RulesOfObjects {
    fn rule(&self, object: &ObjectName) -> Result<(Name, Arc<Rule>), NoRule> {
        let named = self.rules.iter().filter_map(|of| Some((of.0.names(object)?, of)));
        let found = named.min_by_key(|(named, of)| (Reverse(*named), &of.0.rule));
        match (found, &self.unreadable) {
            (Some((_, (document, rule))), _) => Ok((document.rule.clone(), Arc::clone(rule))),
            (None, Some(why)) => Err(NoRule::Unreadable(why.clone())),
            (None, None) => Err(NoRule::Unknown),
        }
    }

    fn of(stored: steelyard_store::StoredRules) -> RulesOfObjects {
        let unreadable = stored
            .unreadable
            .first()
            .map(|unreadable| format!("{}: {}", unreadable.sk, unreadable.why));
        let mut of = RulesOfObjects { rules: Vec::new(), unreadable };
        for stored in stored.rules {
            let read = RuleDocument::read(&stored.document);
            match read.and_then(|document| Ok((Arc::new(Rule::try_from(&document)?), document))) {
                Ok((rule, document)) => of.rules.push((document, rule)),
                Err(error) => of.unreadable = Some(format!("{}: {error}", stored.name)),
            }
        }
        of.rules.retain(|(document, _)| !document.objects.is_empty());
        of
    }
}

/// The rules that were read, unless that is too long ago.
fn in_time<T>(known: Option<(Timestamp, T)>, now: Timestamp) -> Option<T> {
    known.filter(|(since, _)| *since <= now && now < *since + KNOWN_FOR).map(|(_, known)| known)
}
