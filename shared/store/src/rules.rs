//! Rules of imports, in the billing table: each as a document, by its name.

use steelyard_pricing::Name;

use crate::item::{Item, check_format, keyed, string, text};
use crate::query::Range;
use crate::schema::{DOCUMENT, RULES, SK};
use crate::unreadable::Unreadable;
use crate::{BillingTable, StoreError, Writes};

const READ_RULES: &str = "read the rules of imports";

/// Every stored rule.
#[derive(Clone, Debug, Default)]
pub struct StoredRules {
    /// The rules, by name.
    pub rules: Vec<StoredRule>,
    /// The items that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A stored rule. Its document is as it was stored: who uses it reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// The name of the rule.
    pub name: Name,
    /// The document, as JSON.
    pub document: String,
}

impl BillingTable {
    /// Every rule. One that cannot be read fails alone.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn rules(&self) -> Result<StoredRules, StoreError> {
        let range = Range::prefix(&self.table, RULES.to_owned(), "");
        let mut rules = StoredRules::default();
        for item in range.all(&self.client, READ_RULES).await? {
            match stored(&item) {
                Ok(stored) => rules.rules.push(stored),
                Err(error) => rules.unreadable.push(Unreadable::new(&item, &error)),
            }
        }
        Ok(rules)
    }

    /// The rule of a name; none if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table, or the rule, cannot be read.
    pub async fn rule(&self, name: &Name) -> Result<Option<StoredRule>, StoreError> {
        let range = Range::one(&self.table, RULES.to_owned(), name.to_string());
        let item = range.all(&self.client, READ_RULES).await?.pop();
        item.as_ref().map(stored).transpose()
    }
}

impl Writes {
    /// Writes a rule over the one before, or a new one.
    pub fn rule(&mut self, before: Option<&StoredRule>, rule: &StoredRule) {
        let item = Item::from([(DOCUMENT.to_owned(), string(rule.document.clone()))]);
        let key = (RULES.to_owned(), rule.name.to_string());
        match before {
            None => self.put_new(keyed(item, key.0, key.1)),
            Some(before) => self.set_over(key, item, DOCUMENT, string(&before.document)),
        }
    }
}

fn stored(item: &Item) -> Result<StoredRule, StoreError> {
    check_format(READ_RULES, item)?;
    let name = text(READ_RULES, item, SK)?;
    let name = name.parse().map_err(|error| StoreError::corrupt(READ_RULES, error))?;
    Ok(StoredRule { name, document: text(READ_RULES, item, DOCUMENT)?.to_owned() })
}
