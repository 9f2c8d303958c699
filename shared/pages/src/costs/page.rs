//! The page of costs.

use askama::Template;
use steelyard_pricing::Fen;

use super::chart::Chart;
use super::files;
use super::query::{CostsBy, CostsGroup, CostsParameters, CostsQueryError};
use super::texts::Texts;
use super::{ADJUSTMENTS, CostGroup, Costs, PLAN, TAX, UNPRICED};
use crate::bill::sum_of_calls;
use crate::frame::{Common, Frame};
use crate::icon::Icon;
use crate::show::{Count, Html, Signed, WithYear};

/// The most groups that are listed; the rest is summed.
const GROUPS_MAX: usize = 50;

/// The page of costs, or of the reason why what was asked for is not shown.
#[derive(Debug, Template)]
#[template(path = "costs.html")]
pub struct CostsPage<'a> {
    frame: &'a Frame,
    c: Common,
    t: Texts,
    sent: CostsParameters,
    error: Option<(&'static str, Html)>,
    shown: Option<Shown<'a>>,
}

#[derive(Debug)]
struct Shown<'a> {
    costs: &'a Costs,
    label: Html,
    heading: Html,
    range: Html,
    periods: Vec<PeriodShown>,
    chart: Chart,
    groups_heading: Html,
    groups_note: Html,
    groups: Vec<GroupShown>,
    more: Option<(Html, i64, Option<Fen>)>,
    is_charged: bool,
    is_empty: bool,
    csv: String,
    focus: String,
    total_calls: i64,
}

#[derive(Debug)]
struct PeriodShown {
    name: Html,
    href: Option<String>,
    calls: i64,
    charge: Option<Fen>,
}

#[derive(Debug)]
struct GroupShown {
    name: Html,
    href: String,
    calls: i64,
    charge: Option<Fen>,
}

impl<'a> CostsPage<'a> {
    /// The page of costs, with its chart, table and links to CSV and FOCUS.
    #[must_use]
    pub fn new(frame: &'a Frame, costs: &'a Costs) -> CostsPage<'a> {
        let query = &costs.query;
        let sent = CostsParameters {
            by: Some(query.by.to_string()),
            group: Some(query.group.to_string()),
            only: query.only.clone(),
            from: Some(query.from.to_string()),
            to: Some(query.to.to_string()),
        };
        let shown = Some(Shown::new(frame, costs));
        CostsPage { frame, c: Common(frame.lang), t: Texts(frame.lang), sent, error: None, shown }
    }

    /// The page that says why a request is refused, with what was sent.
    #[must_use]
    pub fn refused(
        frame: &'a Frame,
        sent: CostsParameters,
        error: &CostsQueryError,
    ) -> CostsPage<'a> {
        let t = Texts(frame.lang);
        let error = Some((error.field(), t.error(error)));
        CostsPage { frame, c: Common(frame.lang), t, sent, error, shown: None }
    }

    /// The text that was sent for a field.
    fn sent(&self, field: &str) -> &str {
        let sent = match field {
            "by" => &self.sent.by,
            "group" => &self.sent.group,
            "only" => &self.sent.only,
            "from" => &self.sent.from,
            _ => &self.sent.to,
        };
        sent.as_deref().unwrap_or_default()
    }

    fn is_sent(&self, field: &str, value: &str) -> bool {
        self.sent(field) == value
    }

    /// The problem of a field, if it was refused.
    fn fault(&self, field: &str) -> Option<&Html> {
        self.error.as_ref().filter(|(of, _)| *of == field).map(|(_, text)| text)
    }

    fn home(&self) -> String {
        self.frame.page("costs")
    }
}

impl<'a> Shown<'a> {
    fn new(frame: &Frame, costs: &'a Costs) -> Shown<'a> {
        let t = Texts(frame.lang);
        let query = &costs.query;
        let is_of_calls = query.group == CostsGroup::Source;
        let is_of_a_year = query.from.date().year() == query.to.date().year();
        let [from, to] = [query.from, query.to].map(|day| match is_of_a_year {
            true => Html::show(day, frame.lang),
            false => Html::show(WithYear(day), frame.lang),
        });
        let range = t.range(from.clone(), to.clone());
        let (label, heading) = match &query.only {
            Some(name) if is_of_calls => (t.calls_of(from, to, name), t.over_time_of(name)),
            Some(name) => (t.charge_of(from, to), t.over_time_of(name)),
            None => (t.charge_of(from, to), t.over_time()),
        };
        let (groups_heading, groups_note) = match query.group {
            CostsGroup::Rate => (t.rates(), t.rates_note()),
            CostsGroup::Api => (t.apis(), t.apis_note()),
            CostsGroup::Source => (t.sources(), t.sources_note()),
        };
        let periods = costs.periods.iter().map(|period| PeriodShown {
            name: t.period(query.by, period.from),
            href: period.is_billed.then(|| match query.by {
                CostsBy::Day => format!("{}/{}", frame.page("bills"), period.from),
                CostsBy::Month => format!("{}/{}", frame.page("bills"), period.from.month()),
            }),
            calls: period.calls,
            charge: period.charge_fen,
        });
        Shown {
            costs,
            label,
            heading,
            range,
            periods: periods.collect(),
            chart: Chart::of(t, costs),
            groups_heading,
            groups_note,
            groups: costs
                .groups
                .iter()
                .take(GROUPS_MAX)
                .map(|of| group(frame, costs, of))
                .collect(),
            more: rest(t, costs),
            is_charged: !(is_of_calls && query.only.is_some()),
            is_empty: costs.rows.is_empty() && costs.calls == 0,
            csv: files::csv_of_days(frame, query.from, query.to),
            focus: files::focus_of_days(frame, query.from, query.to),
            total_calls: costs.calls,
        }
    }

    /// What the periods charge together.
    fn total(&self) -> Option<Fen> {
        let charges = self.costs.periods.iter().map(|period| period.charge_fen);
        charges.collect::<Option<Vec<_>>>().and_then(|charges| Fen::sum(charges).ok())
    }
}

fn group(frame: &Frame, costs: &Costs, of: &CostGroup) -> GroupShown {
    let t = Texts(frame.lang);
    let query = &costs.query;
    let name = match of.name.as_str() {
        UNPRICED => t.unpriced(),
        PLAN => t.plan(),
        ADJUSTMENTS => t.adjustments(),
        TAX => t.tax(),
        name => Html::show(name, frame.lang),
    };
    let only = form_encoded(&of.name);
    let href = format!(
        "{}?by={}&group={}&from={}&to={}&only={only}",
        frame.page("costs"),
        query.by,
        query.group,
        query.from,
        query.to
    );
    GroupShown { name, href, calls: of.calls, charge: of.charge_fen }
}

/// The groups that are not listed, summed.
fn rest(t: Texts, costs: &Costs) -> Option<(Html, i64, Option<Fen>)> {
    let rest = costs.groups.get(GROUPS_MAX..).filter(|rest| !rest.is_empty())?;
    let calls = sum_of_calls(rest.iter().map(|group| group.calls)).ok()?;
    let charges = rest.iter().map(|group| group.charge_fen).collect::<Option<Vec<_>>>();
    let charge = charges.and_then(|charges| Fen::sum(charges).ok());
    let count = Count(u64::try_from(rest.len()).unwrap_or(u64::MAX));
    Some((t.more(count), calls, charge))
}

/// A value of a query: what is neither a letter nor a digit is percent-encoded (RFC 3986).
fn form_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
