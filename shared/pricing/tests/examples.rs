//! The examples of `docs/plans.md` cost what it says.
//!
//! Under a heading, `json plan` and `json override` give the terms and `json usage` is priced; then
//! `text charge` says what it costs, and `text lines` which lines its days have. After a `json
//! price`, a table says what usage costs. After a `json refused`, `text faults` says what is wrong
//! with the plan.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use steelyard_pricing::{
    BillingDay, Catalog, Name, Override, Plan, PlanError, Quote, QuoteError, QuotedDay,
    QuotedUsage, Terms, Yuan,
};

const DOCS: &str = include_str!("../../../docs/plans.md");

/// The terms and usage that were given under a heading so far.
#[derive(Default)]
struct Section {
    plan: Option<Name>,
    catalog: Catalog,
    overrides: Vec<Override>,
    usage: Option<QuotedUsage>,
    /// The price whose table comes next.
    price: Option<String>,
    refused: Option<PlanError>,
    proved: usize,
}

impl Section {
    fn take(&mut self, kind: &str, text: &str) {
        match kind {
            "json plan" => {
                let plan = Plan::read(text).unwrap_or_else(|error| panic!("{error} in {text}"));
                self.plan = Some(plan.name().clone());
                self.catalog.add(plan);
            }
            "json override" => self.overrides.push(Override::read(text).unwrap()),
            "json usage" => self.usage = Some(QuotedUsage::read(text).unwrap()),
            "json refused" => self.refused = Plan::read(text).err(),
            "text faults" => {
                let faults = &self.refused.as_ref().unwrap().faults;
                let faults = faults.iter().map(|fault| format!("{fault}\n"));
                assert_eq!(faults.collect::<String>(), text);
                self.proved += 1;
            }
            "text lines" => {
                assert_eq!(self.lines(), text, "of {:?}", self.usage);
                self.proved += 1;
            }
            "json price" => self.price = Some(text.to_owned()),
            "text charge" => {
                assert_eq!(self.charge(), text, "of {:?}", self.usage);
                self.proved += 1;
            }
            "json" | "sh" | "text" => {}
            other => panic!("nothing is proved of `{other}`"),
        }
    }

    fn terms_on(&self, day: BillingDay) -> Option<Terms<'_>> {
        let plan = self.catalog.in_force(self.plan.as_ref()?, day)?;
        Some(Terms { plan, overrides: self.overrides.iter().filter(|o| o.holds_on(day)).collect() })
    }

    fn quote(&self) -> Result<Quote, QuoteError> {
        match self.usage.as_ref().unwrap() {
            QuotedUsage::Month(usage) => {
                let month = self.catalog.iter().last().unwrap().effective_from().month();
                Quote::of_month(month, usage, |day| self.terms_on(day))
            }
            QuotedUsage::Days(days) => Quote::of_days(days, |day| self.terms_on(day)),
        }
    }

    fn charge(&self) -> String {
        let quote = self.quote().unwrap();
        let mut text = String::new();
        for day in &quote.days {
            writeln!(text, "{}: exact {}, charged {}", day.day, day.exact, day.rounded).unwrap();
        }
        let label = if quote.days.is_empty() { "" } else { "together: " };
        writeln!(text, "{label}exact {}, charged {}", quote.exact, quote.rounded).unwrap();
        text
    }

    fn lines(&self) -> String {
        let mut text = String::new();
        for QuotedDay { day, lines, .. } in self.quote().unwrap().days {
            for line in lines {
                let cause = serde_json::to_value(line.because).unwrap();
                let rate = line.rate.as_ref().map_or("the plan", |rate| rate.as_str());
                let cause = cause.as_str().unwrap();
                writeln!(text, "{day}: {cause} of {rate}: {}", line.exact_yuan).unwrap();
            }
        }
        text
    }

    /// Proves a row of a price's table: what is used, and what it costs.
    fn row(&mut self, line: &str) {
        let Some(price) = self.price.as_ref() else { return };
        let cells = line.split('|').map(str::trim).collect::<Vec<_>>();
        let ["", used, costs, _, ""] = cells[..] else { panic!("not a row of a price: {line}") };
        if used == "used" || used.starts_with("---") {
            return;
        }
        let of_amount = used.split_once(" calls of ").or_else(|| used.split_once(" call of "));
        let usage = match of_amount {
            None => format!(r#"{{ "x": {used} }}"#),
            Some((calls, amount)) => {
                format!(r#"{{ "x": {{ "calls": {calls}, "amount": "{amount}" }} }}"#)
            }
        };
        let plan = format!(
            r#"{{ "plan": "p", "effective_from": "2015-05-01",
                  "rates": [{{ "rate": "a", "apis": ["*"], "price": {price} }}] }}"#
        );
        let mut section = Section::default();
        section.take("json plan", &plan);
        section.take("json usage", &usage);
        let exact: Yuan = serde_json::from_str(&format!("\"{costs}\"")).unwrap();
        assert_eq!(section.quote().unwrap().exact, exact, "{used} under {price}");
        self.proved += 1;
    }
}

#[test]
fn what_the_documentation_says_of_a_price_is_what_is_charged() {
    let mut section = Section::default();
    let mut proved = 0;
    let mut fence: Option<(&str, String)> = None;
    for line in DOCS.lines() {
        fence = match (fence, line.strip_prefix("```")) {
            (Some((kind, text)), Some("")) => {
                section.take(kind, &text);
                None
            }
            (Some((kind, text)), _) => Some((kind, format!("{text}{line}\n"))),
            (None, Some(kind)) => Some((kind, String::new())),
            (None, None) if line.starts_with('#') => {
                proved += std::mem::take(&mut section).proved;
                None
            }
            (None, None) => {
                if line.starts_with('|') {
                    section.row(line);
                }
                None
            }
        };
    }
    proved += section.proved;
    assert!(proved >= 38, "only {proved} examples are proved");
}

#[test]
fn every_field_of_a_document_is_documented() {
    for schema in [steelyard_pricing::plan_schema(), steelyard_pricing::override_schema()] {
        let mut missing = Vec::new();
        fields(&schema, &mut missing);
        missing.retain(|field| !DOCS.contains(&format!("`{field}`")));
        assert_eq!(missing, [""; 0]);
    }
}

/// The names of all fields, and all words that a field may have as its value.
fn fields(schema: &serde_json::Value, names: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
        names.extend(properties.keys().cloned());
    }
    names.extend(schema.get("const").and_then(|word| word.as_str()).map(str::to_owned));
    let inner = schema.as_object().into_iter().flat_map(|object| object.values());
    for inner in inner.chain(schema.as_array().into_iter().flatten()) {
        fields(inner, names);
    }
}
