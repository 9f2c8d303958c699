//! The strip: a calculation that can be keyed in from top to bottom, and its result.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::show::Html;

/// A calculation as rows: amounts that sum to the last one.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "strip.html")]
pub(crate) struct Strip {
    pub(crate) caption: Html,
    pub(crate) rows: Vec<StripRow>,
}

/// A row of a calculation.
#[derive(Clone, Debug)]
pub(crate) struct StripRow {
    pub(crate) label: Html,
    /// The operator: empty, −, ×, +, =.
    pub(crate) operator: &'static str,
    pub(crate) value: Html,
    /// What the value is of, if it is not money: calls, 10,000 calls.
    pub(crate) unit: Html,
    pub(crate) kind: StripKind,
}

/// How a row is ruled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StripKind {
    /// A row of a sum, without a rule.
    #[default]
    Term,
    /// Without a rule, after a gap: another part of the calculation begins.
    Gap,
    /// A rule above.
    Sum,
    /// The result: a rule above and a double rule below.
    Total,
}

impl HtmlSafe for Strip {}

impl Strip {
    pub(crate) fn new(caption: Html) -> Strip {
        Strip { caption, rows: Vec::new() }
    }

    /// With one more row.
    pub(crate) fn row(self, operator: &'static str, label: Html, value: Html) -> Strip {
        self.with(StripRow { label, operator, value, unit: Html::default(), kind: StripKind::Term })
    }

    /// With the result as its last row.
    pub(crate) fn total(self, label: Html, value: Html) -> Strip {
        let unit = Html::default();
        self.with(StripRow { label, operator: "=", value, unit, kind: StripKind::Total })
    }

    /// With one more row.
    pub(crate) fn with(mut self, row: StripRow) -> Strip {
        self.rows.push(row);
        self
    }

    /// With a row that is none of the others.
    pub(crate) fn with_unit(
        self,
        (kind, operator): (StripKind, &'static str),
        label: Html,
        value: Html,
        unit: Html,
    ) -> Strip {
        self.with(StripRow { label, operator, value, unit, kind })
    }

    fn has_units(&self) -> bool {
        self.rows.iter().any(|row| row.unit != Html::default())
    }
}
