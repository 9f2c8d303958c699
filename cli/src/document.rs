//! Documents that people write: plans, overrides and usage, read so that an error names the line.

use std::path::Path;

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use steelyard_billing::{Ladder, LadderDocument, LadderError};
use steelyard_import::{Rule, RuleDocument, RuleError, SeriesRule};
use steelyard_json::JsonError;
use steelyard_pricing::{AlertRules, Override, Plan, PlanError, QuotedUsage, Warning};
use steelyard_runtime::Error;

/// A document with its path, so that an error can name both.
pub(crate) struct Document<'a> {
    file: &'a Path,
    text: String,
}

impl Document<'_> {
    /// Reads a file.
    pub(crate) fn open(file: &Path) -> Result<Document<'_>, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        Ok(Document { file, text })
    }

    /// The plan in it. The error has a line for each fault: the file and the line in it, the path
    /// in the document, and what would be right.
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        Plan::read(&self.text).map_err(|error| self.refused(&error))
    }

    /// The arrears ladder in it. The error has a line for each fault, as that of a plan.
    pub(crate) fn ladder(&self) -> Result<Ladder, Error> {
        let document = steelyard_json::read::<LadderDocument>(self.text.as_bytes());
        let document =
            document.map_err(|JsonError { path, text }| self.wrong([(path, text)].into_iter()))?;
        Ladder::try_from(document).map_err(|LadderError { faults }| {
            self.wrong(faults.into_iter().map(|(path, rule)| (path, rule.to_string())))
        })
    }

    /// The rule of imports in it, which makes sense. The error has a line for each fault, as that
    /// of a plan.
    pub(crate) fn rule(&self) -> Result<RuleDocument, Error> {
        let refused = |RuleError { faults }: RuleError| {
            self.wrong(faults.into_iter().map(|(path, fault)| (path, fault.to_string())))
        };
        let document = RuleDocument::read(&self.text).map_err(refused)?;
        Rule::try_from(&document).map_err(refused)?;
        Ok(document)
    }

    /// The rule for counters in it. The error has a line for each fault, as that of a plan.
    pub(crate) fn counter_rule(&self) -> Result<SeriesRule, Error> {
        SeriesRule::read(&self.text).map_err(|RuleError { faults }| {
            self.wrong(faults.into_iter().map(|(path, fault)| (path, fault.to_string())))
        })
    }

    /// The rules of alerts in it.
    pub(crate) fn alert_rules(&self) -> Result<AlertRules, Error> {
        AlertRules::read(&self.text).map_err(|error| self.refused(&error))
    }

    /// The override of a provider that the document defines.
    pub(crate) fn over(&self) -> Result<Override, Error> {
        Override::read(&self.text).map_err(|error| self.refused(&error))
    }

    /// The usage in it: of a month, or of days.
    pub(crate) fn usage(&self) -> Result<QuotedUsage, Error> {
        QuotedUsage::read(&self.text).map_err(|error| self.refused(&error))
    }

    /// A warning about the document, with its place.
    pub(crate) fn warning(&self, warning: &Warning) -> String {
        format!("{}: warning: {warning}", self.place(&warning.path))
    }

    fn refused(&self, error: &PlanError) -> Error {
        let faults = error.faults.iter();
        self.wrong(faults.map(|fault| (fault.path.clone(), fault.rule.to_string())))
    }

    /// The error for some faults: a line for each, with its path and its text.
    fn wrong(&self, faults: impl Iterator<Item = (String, String)>) -> Error {
        let lines = faults.map(|(path, text)| {
            let place = self.place(&path);
            if path.is_empty() {
                format!("\n{place}: {text}")
            } else {
                format!("\n{place}: {path}: {text}")
            }
        });
        format!("{} is refused:{}", self.file.display(), lines.collect::<String>()).into()
    }

    /// The file, and the line of what the path leads to, or of the last part of it that is there.
    fn place(&self, path: &str) -> String {
        match self.line(path) {
            Some(line) => format!("{}:{line}", self.file.display()),
            None => self.file.display().to_string(),
        }
    }

    fn line(&self, path: &str) -> Option<usize> {
        let strict = ParseOptions::default();
        let parsed = parse_to_ast(&self.text, &CollectOptions::default(), &strict).ok()?;
        let root = parsed.value?;
        let start = locate(&root, root.range().start, path);
        self.text.get(..start).map(|before| before.matches('\n').count() + 1)
    }
}

/// Where the value begins that a path such as `rates[2].price` leads to; `start` if there is none.
fn locate(value: &Value<'_>, start: usize, path: &str) -> usize {
    let path = path.trim_start_matches(['.', ']']);
    let end = path.find(['.', '[', ']']).unwrap_or(path.len());
    let (step, rest) = path.split_at(end);
    let rest = rest.trim_start_matches('[');
    match value {
        Value::Object(object) => match object.properties.iter().find(|p| is_named(p, step)) {
            Some(property) => locate(&property.value, property.range.start, rest),
            None => start,
        },
        Value::Array(array) => match step.parse().ok().and_then(|n: usize| array.elements.get(n)) {
            Some(element) => locate(element, element.range().start, rest),
            None => start,
        },
        Value::StringLit(_)
        | Value::NumberLit(_)
        | Value::BooleanLit(_)
        | Value::NullKeyword(_) => start,
    }
}

fn is_named(property: &ObjectProp<'_>, name: &str) -> bool {
    property.name.as_str() == name
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n \"plan\": \"p\",\n \"rates\": [\n  {\"rate\": \"a\"},\n  {\"rate\": \"b\",\n   \"price\": {\n    \"tiers\": [{},\n     {\"up_to\": 5}]}}]\n}\n";

    #[test]
    fn the_line_of_a_path_is_that_of_its_last_part_that_is_there() {
        let document = Document { file: Path::new("plan.json"), text: TEXT.to_owned() };
        for (path, line) in [
            ("", 1),
            ("plan", 2),
            ("effective_from", 1),
            ("rates", 3),
            ("rates[0]", 4),
            ("rates[0].price.unit_price", 4),
            ("rates[1].rate", 5),
            ("rates[1].price.tiers[1].up_to", 8),
            ("rates[1].price.tiers[1].unit_price", 8),
            ("rates[7]", 3),
        ] {
            assert_eq!(document.place(path), format!("plan.json:{line}"), "{path}");
        }
    }

    #[test]
    fn a_text_that_is_no_json_has_no_lines() {
        let document = Document { file: Path::new("plan.json"), text: "{\"plan\": ".to_owned() };
        assert_eq!(document.place("plan"), "plan.json");
    }
}
