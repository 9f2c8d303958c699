//! The form of alerts: what was typed, and what is wrong with it.

use std::collections::BTreeMap;

use steelyard_pricing::{
    AlertRules, AlertTopic, BalanceRule, BudgetRule, Fault, Fen, MoneyError, Rule,
};

/// The form: what is set as it is shown first, or what was typed with what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsForm {
    /// The key under which the form has its effect once.
    pub key: String,
    /// What stands in each field.
    pub typed: AlertsTyped,
    /// The problem of each field that was refused.
    pub problems: BTreeMap<AlertField, FieldProblem>,
    /// Why it was not saved, or may not have been, whatever was typed.
    pub problem: Option<AlertsProblem>,
    /// Whether it was just saved.
    pub has_saved: bool,
}

/// The text in each field; empty where the plan's rule is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertsTyped {
    /// The budget of a month, in yuan.
    pub monthly: String,
    /// Percentages of it.
    pub percent: String,
    /// The percentage of it that is expected.
    pub forecast: String,
    /// The low prepaid balance, in yuan.
    pub below: String,
    /// The days for which it lasts.
    pub days: String,
    /// Percentages of an allowance.
    pub allowance: String,
    /// The percentage of the usual calls of a day.
    pub unusual: String,
    /// The spend cap, in yuan.
    pub cap: String,
    /// The topics that are not to be watched.
    pub off: Vec<AlertTopic>,
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlertField {
    /// The budget of a month.
    Monthly,
    /// Percentages of it.
    Percent,
    /// The percentage of it that is expected.
    Forecast,
    /// The low prepaid balance.
    Below,
    /// The days for which it lasts.
    Days,
    /// Percentages of an allowance.
    Allowance,
    /// The percentage of the usual calls of a day.
    Unusual,
    /// The spend cap.
    Cap,
    /// The topics that are not to be watched.
    Off,
}

/// A problem of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    /// It is not an amount above zero in yuan with two decimals at most.
    Amount,
    /// It is not a number, or out of its range.
    Number,
    /// They are not percentages in rising order, at most ten and within their range.
    Percents,
    /// A rule has no line.
    Missing,
    /// Something is set that is not to be watched.
    OffAndSet,
}

/// Why alerts were not saved, or may not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertsProblem {
    /// The form was sent before, with something else.
    SentBefore,
    /// A value breaks a rule: the page names it.
    Refused,
    /// No answer came.
    Unavailable,
}

impl AlertField {
    /// The name of the field in the form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AlertField::Monthly => "monthly",
            AlertField::Percent => "percent",
            AlertField::Forecast => "forecast",
            AlertField::Below => "below",
            AlertField::Days => "days",
            AlertField::Allowance => "allowance",
            AlertField::Unusual => "unusual",
            AlertField::Cap => "cap",
            AlertField::Off => "off",
        }
    }

    /// The field at a path of the document that the form makes.
    fn at(path: &str) -> AlertField {
        match path.split('[').next().unwrap_or(path) {
            "budget.monthly" => AlertField::Monthly,
            "budget.forecast_percent" => AlertField::Forecast,
            "balance" | "balance.below" => AlertField::Below,
            "balance.days" => AlertField::Days,
            "allowance_percent" => AlertField::Allowance,
            "unusual_day_percent" => AlertField::Unusual,
            "cap" => AlertField::Cap,
            "off" => AlertField::Off,
            _ => AlertField::Percent,
        }
    }

    fn problem(self, fault: &Fault) -> FieldProblem {
        match (self, &fault.rule) {
            (_, Rule::WatchesNothing) => FieldProblem::Missing,
            (AlertField::Monthly | AlertField::Below | AlertField::Cap, _) => FieldProblem::Amount,
            (AlertField::Percent | AlertField::Allowance, _) => FieldProblem::Percents,
            (AlertField::Forecast | AlertField::Days | AlertField::Unusual, _) => {
                FieldProblem::Number
            }
            (AlertField::Off, _) => FieldProblem::OffAndSet,
        }
    }
}

impl AlertsForm {
    /// The rules that a provider set, as they stand in the form.
    #[must_use]
    pub fn of(key: String, rules: &AlertRules) -> AlertsForm {
        AlertsForm { key, typed: AlertsTyped::of(rules), ..AlertsForm::default() }
    }

    /// The rules that are wanted.
    ///
    /// # Errors
    ///
    /// The form with what is wrong, to be shown again.
    pub fn read(key: String, typed: AlertsTyped) -> Result<AlertRules, Box<AlertsForm>> {
        let mut problems = BTreeMap::new();
        let rules = typed.rules(&mut problems);
        let can_all_be_read = problems.is_empty();
        let error = rules.checked().err();
        for fault in error.iter().flat_map(|error| &error.faults) {
            let field = AlertField::at(&fault.path);
            let problem = field.problem(fault);
            // A value that seems to be missing may be one that cannot be read.
            if can_all_be_read || problem != FieldProblem::Missing {
                problems.entry(field).or_insert(problem);
            }
        }
        match problems.is_empty() {
            true => Ok(rules),
            false => Err(Box::new(AlertsForm { key, typed, problems, ..AlertsForm::default() })),
        }
    }

    /// The form of rules that were not saved, or may not have been.
    #[must_use]
    pub fn refused(key: String, rules: &AlertRules, problem: AlertsProblem) -> AlertsForm {
        AlertsForm { problem: Some(problem), ..AlertsForm::of(key, rules) }
    }
}

impl AlertsTyped {
    fn of(rules: &AlertRules) -> AlertsTyped {
        let budget = rules.budget.as_ref();
        let balance = rules.balance.as_ref();
        let number = |number: Option<u16>| number.map(|number| number.to_string());
        let amount = |fen: Option<Fen>| fen.map(|fen| fen.to_string()).unwrap_or_default();
        AlertsTyped {
            monthly: amount(budget.and_then(|rule| rule.monthly_fen)),
            percent: listed(budget.map_or(&[], |rule| rule.percent.as_slice())),
            forecast: number(budget.and_then(|rule| rule.forecast_percent)).unwrap_or_default(),
            below: amount(balance.and_then(|rule| rule.below_fen)),
            days: number(balance.and_then(|rule| rule.days)).unwrap_or_default(),
            allowance: listed(&rules.allowance_percent),
            unusual: number(rules.unusual_day_percent).unwrap_or_default(),
            cap: amount(rules.cap_fen),
            off: rules.off.iter().copied().collect(),
        }
    }

    fn rules(&self, problems: &mut BTreeMap<AlertField, FieldProblem>) -> AlertRules {
        let budget = BudgetRule {
            monthly_fen: amount(&self.monthly, AlertField::Monthly, problems),
            percent: percents(&self.percent, AlertField::Percent, problems),
            forecast_percent: number(&self.forecast, AlertField::Forecast, problems),
        };
        let nothing = BudgetRule { monthly_fen: None, percent: Vec::new(), forecast_percent: None };
        let balance = BalanceRule {
            below_fen: amount(&self.below, AlertField::Below, problems),
            days: number(&self.days, AlertField::Days, problems),
        };
        AlertRules {
            budget: Some(budget).filter(|rule| *rule != nothing),
            balance: Some(balance).filter(|rule| *rule != BalanceRule::default()),
            allowance_percent: percents(&self.allowance, AlertField::Allowance, problems),
            unusual_day_percent: number(&self.unusual, AlertField::Unusual, problems),
            cap_fen: amount(&self.cap, AlertField::Cap, problems),
            off: self.off.iter().copied().collect(),
        }
    }
}

/// Percentages as they stand in a field: `50, 80`.
fn listed(percents: &[u16]) -> String {
    percents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn amount(
    text: &str,
    field: AlertField,
    problems: &mut BTreeMap<AlertField, FieldProblem>,
) -> Option<Fen> {
    let read = Some(text.trim()).filter(|text| !text.is_empty());
    let read = read.map(|text| text.parse().map_err(|_: MoneyError| FieldProblem::Amount));
    noted(read, field, problems)
}

fn number(
    text: &str,
    field: AlertField,
    problems: &mut BTreeMap<AlertField, FieldProblem>,
) -> Option<u16> {
    let read = Some(text.trim().trim_end_matches('%')).filter(|text| !text.is_empty());
    noted(read.map(|text| text.parse().map_err(|_| FieldProblem::Number)), field, problems)
}

fn percents(
    text: &str,
    field: AlertField,
    problems: &mut BTreeMap<AlertField, FieldProblem>,
) -> Vec<u16> {
    let words = text.split([',', '，', '、', ' ', '%']).filter(|word| !word.is_empty());
    let read = words.map(|word| word.parse().map_err(|_| FieldProblem::Percents));
    noted(Some(read.collect()), field, problems).unwrap_or_default()
}

/// A value that was read, its problem noted.
fn noted<T>(
    read: Option<Result<T, FieldProblem>>,
    field: AlertField,
    problems: &mut BTreeMap<AlertField, FieldProblem>,
) -> Option<T> {
    match read? {
        Ok(value) => Some(value),
        Err(problem) => {
            problems.insert(field, problem);
            None
        }
    }
}
