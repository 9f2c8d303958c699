//! `steelyard plan diff`: what differs between two plans.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use steelyard_pricing::{BillingDay, Catalog, Name, Plan};
use steelyard_runtime::Error;

use crate::document::Document;
use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// Show what differs between two plans, field by field. A plan is a file, the name of a stored
/// plan, or `NAME@DAY`: the version that is in force on a day.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The first: `plans/small.json`, `small` or `small@2015-05-11`.
    before: String,
    /// The plan that is compared with it, named in the same way.
    after: String,
}

/// A field that two plans have otherwise.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Difference {
    /// Where it is. Rates and discounts are named, other items of lists have numbers.
    path: String,
    /// The value in the first plan; none if it has no such field.
    before: Option<Value>,
    /// The value in the second plan; none if it has no such field.
    after: Option<Value>,
}

impl DiffArgs {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let mut catalog = None;
        let before = plan(target, &mut catalog, &self.before).await?;
        let after = plan(target, &mut catalog, &self.after).await?;
        let differences =
            differences(&serde_json::to_value(before)?, &serde_json::to_value(after)?);
        if target.json {
            output::json(&differences)?;
        } else if differences.is_empty() {
            output::print("nothing differs")?;
        } else {
            let mut table = output::table(["field", "before", "after"]);
            for Difference { path, before, after } in &differences {
                table.add_row([path.clone(), shown(before.as_ref()), shown(after.as_ref())]);
            }
            output::print(table)?;
        }
        Ok(Exit::Done)
    }
}

/// The plan that an argument names. The stored plans are read once, and only if one is asked for.
async fn plan(
    target: &TargetArgs,
    catalog: &mut Option<Catalog>,
    named: &str,
) -> Result<Plan, Error> {
    if Path::new(named).is_file() {
        return Document::open(Path::new(named))?.plan();
    }
    let (name, day) = match named.split_once('@') {
        Some((name, day)) => (name, Some(day.parse::<BillingDay>()?)),
        None => (named, None),
    };
    let name = name
        .parse::<Name>()
        .map_err(|error| format!("`{named}` is no file, and the name of no plan: {error}"))?;
    let read = match catalog.take() {
        Some(known) => known,
        None => target.tables_to_read().await?.billing.plans().await?.catalog,
    };
    super::plan::stored(catalog.insert(read), &name, day).cloned()
}

fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let (mut of_before, mut of_after) = (BTreeMap::new(), BTreeMap::new());
    flatten("", before, &mut of_before);
    flatten("", after, &mut of_after);
    let mut paths = of_before.keys().chain(of_after.keys()).cloned().collect::<Vec<_>>();
    paths.sort();
    paths.dedup();
    let differences = paths.into_iter().map(|path| Difference {
        before: of_before.get(&path).cloned(),
        after: of_after.get(&path).cloned(),
        path,
    });
    differences.filter(|difference| difference.before != difference.after).collect()
}

/// The fields of a document that are no objects or lists themselves, by their paths.
fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                flatten(&format!("{path}{dot}{name}"), member, fields);
            }
        }
        Value::Array(items) => {
            let names =
                items.iter().filter_map(|item| item["discount"].as_str().or(item["rate"].as_str()));
            let order = names.collect::<Vec<_>>().join(", ");
            if !order.is_empty() {
                fields.insert(format!("{path}, in this order"), Value::String(order));
            }
            for (place, item) in items.iter().enumerate() {
                let name = ["rate", "discount"].iter().find_map(|name| item[*name].as_str());
                let name = name.map_or_else(|| item_name(place, item), str::to_owned);
                flatten(&format!("{path}[{name}]"), item, fields);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            fields.insert(path.to_owned(), value.clone());
        }
    }
}

/// A text of a list, such as a pattern of APIs, is its own name: it has no place that counts.
fn item_name(place: usize, item: &Value) -> String {
    item.as_str().map_or_else(|| place.to_string(), str::to_owned)
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(rates: Value) -> Value {
        json!({"plan": "p", "effective_from": "2015-05-01", "rates": rates})
    }

    #[test]
    fn rates_are_compared_by_their_names_and_their_order_and_patterns_as_a_set() {
        let call = |price: &str| json!({"model": "per_unit", "unit_price": price});
        let before = plan(json!([
            {"rate": "a", "apis": ["x", "y"], "price": call("0.1")},
            {"rate": "b", "apis": ["*"], "price": call("0.2")}]));
        let after = plan(json!([
            {"rate": "b", "apis": ["*"], "price": call("0.3")},
            {"rate": "a", "apis": ["y", "x", "z"], "price": call("0.1")}]));
        let found = differences(&before, &after);
        let found = found
            .iter()
            .map(|of| (of.path.as_str(), shown(of.before.as_ref()), shown(of.after.as_ref())));
        let expected = [
            ("rates, in this order", "a, b".to_owned(), "b, a".to_owned()),
            ("rates[a].apis[z]", "–".to_owned(), "z".to_owned()),
            ("rates[b].price.unit_price", "0.2".to_owned(), "0.3".to_owned()),
        ];
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert_eq!(differences(&before, &before), []);
    }
}
