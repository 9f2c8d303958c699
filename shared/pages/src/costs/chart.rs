//! Bars over time, placed by SVG attributes so that text keeps its size at every width.

use super::texts::Texts;
use super::{CostPeriod, Costs, CostsBy};
use crate::show::{Count, Figure, Html, Signed};

/// The height of the area of bars, in pixels.
const HEIGHT: i128 = 146;

/// Where the base line is.
const BASE: i128 = 180;

/// A chart of costs, or of calls where one API or source is shown.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: Html,
    pub(super) bars: Vec<Bar>,
    pub(super) lines: Vec<GridLine>,
    pub(super) unit: &'static str,
}

/// A bar of the chart: one day or month.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) title: Html,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) y: i128,
    pub(super) height: i128,
    /// What stands below it, and where.
    pub(super) label: Option<(String, String)>,
}

/// A line of the grid, with its value.
#[derive(Debug)]
pub(super) struct GridLine {
    pub(super) y: i128,
    pub(super) text_y: i128,
    pub(super) value: Html,
}

impl Chart {
    pub(super) fn of(t: Texts, costs: &Costs) -> Chart {
        let is_of_money = costs.periods.iter().all(|period| period.charge_fen.is_some());
        let value = |period: &CostPeriod| match period.charge_fen {
            Some(charge) => i128::from(charge.get()),
            None => i128::from(period.calls),
        };
        let most = costs.periods.iter().max_by_key(|period| value(period));
        let highest = most.map_or(0, value).max(0);
        let step = step_of(highest, if is_of_money { 100 } else { 1 });
        let top = step * 4;
        let at = most.map_or_else(Html::default, |most| t.period(costs.query.by, most.from));
        let title = match most.map(|most| (most.charge_fen, most.calls)) {
            Some((Some(charge), _)) => t.chart_of_charges(Figure(charge), at),
            Some((None, calls)) => t.chart_of_calls(Signed(calls), at),
            None => Html::default(),
        };
        let count = i128::try_from(costs.periods.len()).unwrap_or(1).max(1);
        let bars = (0_i128..).zip(&costs.periods).map(|(place, period)| {
            let height = (value(period).max(0) * HEIGHT / top).max(1);
            let slot = |tenths: i128| basis_points((place * 10 + tenths) * 1000 / count);
            Bar {
                title: bar_title(t, costs.query.by, period),
                x: slot(2),
                width: basis_points(6_000 / count),
                y: BASE - height,
                height,
                label: label(costs.query.by, period, count).map(|text| (slot(5), text)),
            }
        });
        Chart {
            title,
            bars: bars.collect(),
            lines: (0..=4).map(|line| grid_line(t, line, step, is_of_money)).collect(),
            unit: if is_of_money { "¥" } else { "" },
        }
    }
}

fn grid_line(t: Texts, line: i128, step: i128, is_of_money: bool) -> GridLine {
    let y = BASE - line * HEIGHT / 4;
    let value = line * step;
    let value = if is_of_money { value / 100 } else { value };
    let value = Html::show(Count(u64::try_from(value).unwrap_or_default()), t.0);
    GridLine { y, text_y: y + 4, value }
}

/// The least of 1, 2 and 5 times a power of ten of which four reach the value.
fn step_of(highest: i128, unit: i128) -> i128 {
    let mut power = unit;
    loop {
        for factor in [1, 2, 5] {
            if power * factor * 4 >= highest {
                return power * factor;
            }
        }
        power *= 10;
    }
}

fn bar_title(t: Texts, by: CostsBy, period: &CostPeriod) -> Html {
    let at = t.period(by, period.from);
    match period.charge_fen {
        Some(charge) => t.bar(at, Figure(charge), Signed(period.calls)).without_tags(),
        None => t.bar_of_calls(at, Signed(period.calls)),
    }
}

/// The number of the day or month; of many days some.
fn label(by: CostsBy, period: &CostPeriod, count: i128) -> Option<String> {
    let date = period.from.date();
    match by {
        CostsBy::Month => Some(date.month().to_string()),
        CostsBy::Day if count <= 16 => Some(date.day().to_string()),
        CostsBy::Day if date.day() == 1 => Some(format!("{}/1", date.month())),
        CostsBy::Day => {
            let every = if count <= 31 { 5 } else { 10 };
            let is_near_the_end = date.day() > 28;
            (date.day() % every == 0 && !is_near_the_end).then(|| date.day().to_string())
        }
    }
}

/// A percentage with two decimals: `55.35%`.
fn basis_points(of: i128) -> String {
    format!("{}.{:02}%", of / 100, of % 100)
}
