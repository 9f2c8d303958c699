//! The allowances.

use steelyard_pricing::{AllowanceUnit, Name};

use super::{Beam, Writer};
use crate::icon::Icon;
use crate::overview::chart::{figure, joined};
use crate::overview::{Allowance, AllowancePeriod, chart};
use crate::show::{Html, Price, Units};

impl Writer<'_> {
    /// A rate's name as words: `value_added` is read as “value added”.
    pub(super) fn rate(&self, rate: Option<&Name>) -> Html {
        let words =
            |rate: &Name| Html(Html::show(rate.clone(), self.frame.lang).0.replace('_', " "));
        rate.map_or_else(|| self.t.all_rates(), words)
    }

    /// A rate's name where a sentence or a heading begins.
    pub(super) fn rate_first(&self, rate: Option<&Name>) -> Html {
        let name = self.rate(rate);
        let mut letters = name.0.chars();
        match letters.next() {
            Some(first) if self.frame.lang == crate::Lang::En => {
                Html(format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
            }
            Some(_) | None => name,
        }
    }

    pub(super) fn beam(&self, allowance: &Allowance) -> Beam {
        let (t, lang) = (self.t, self.frame.lang);
        let mut facts = Vec::new();
        let price = |yuan| match allowance.without_tax {
            true => t.without_tax(Price(yuan)),
            false => Html::show(Price(yuan), lang),
        };
        if let Some(next) = allowance.next_yuan {
            let label = match allowance.unit {
                AllowanceUnit::Yuan => t.next_amount(),
                AllowanceUnit::Calls | AllowanceUnit::Units => t.next_calls(),
            };
            facts.push((label, price(next)));
        }
        let likely = allowance.expected.and_then(|expected| expected.likely);
        if let Some((day, after)) = likely.zip(allowance.after_yuan) {
            facts.push((t.after_day(day), price(after)));
        }
        if let Some(charged) = allowance.charged_fen {
            facts.push((t.charged_month(), figure(charged, lang)));
        }
        Beam {
            name: self.rate_first(allowance.rate.as_ref()),
            chip: self.chip(allowance),
            drawing: chart::beam(allowance),
            words: self.used(allowance),
            facts,
        }
    }

    fn chip(&self, allowance: &Allowance) -> (&'static str, Icon, Html) {
        let t = self.t;
        let is_used_up = allowance.left.is_zero();
        match (allowance.period, allowance.used_up_on, allowance.expected) {
            (AllowancePeriod::Day, _, _) if is_used_up => ("", Icon::Check, t.used_up_today()),
            (AllowancePeriod::Day, _, _) => (" go", Icon::Clock, t.each_day()),
            (_, Some(day), _) => ("", Icon::Check, t.used_up_on(day)),
            (_, None, _) if is_used_up => ("", Icon::Check, t.used_up()),
            (_, None, Some(expected)) => {
                let text = expected.likely.map(|day| t.lasts_to_about(day));
                (" go", Icon::Clock, text.unwrap_or_else(|| t.may_end(expected.earliest)))
            }
            (_, None, None) if allowance.used.is_zero() => ("", Icon::Dashed, t.unused()),
            (_, None, None) if self.view.forecast.is_some() => (" go", Icon::Clock, t.lasts()),
            (_, None, None) => (" go", Icon::Clock, t.not_known()),
        }
    }

    /// The used part of an allowance, in words that hold every figure of its beam.
    fn used(&self, allowance: &Allowance) -> Html {
        let (t, lang) = (self.t, self.frame.lang);
        let number = |units| t.number(Units(units));
        let free = match allowance.unit {
            AllowanceUnit::Calls => t.free_calls(Units(allowance.free)),
            AllowanceUnit::Yuan => t.free_yuan(Units(allowance.free)),
            AllowanceUnit::Units => t.free_units(Units(allowance.free)),
        };
        let of = |units| match allowance.unit {
            AllowanceUnit::Calls if lang == crate::Lang::Zh => t.calls_of(Units(units)),
            AllowanceUnit::Yuan => t.yuan_of(Units(units)),
            AllowanceUnit::Units => t.units_of(Units(units)),
            AllowanceUnit::Calls => number(units),
        };
        if allowance.left.is_zero() {
            let percents = allowance.discounts.iter().map(|percent| Html(format!("{percent}%")));
            let less = t.less_discounts(joined(percents, &t.comma()));
            let less = if allowance.discounts.is_empty() { Html::default() } else { less };
            let used = t.all_used(free, of(allowance.beyond));
            return Html(format!("{used}{less}{}", t.full_stop()));
        }
        let used = t.some_used(of(allowance.used), free, of(allowance.left));
        let is_forecast =
            self.view.forecast.is_some() && allowance.period == AllowancePeriod::Month;
        let pace = match allowance.expected.map(|expected| (expected.earliest, expected.latest)) {
            Some((earliest, Some(latest))) if earliest == latest => Some(t.pace_day(latest)),
            Some((earliest, Some(latest))) => {
                Some(t.pace_days(chart::span(earliest, latest, lang)))
            }
            Some((earliest, None)) => Some(t.pace_earliest(earliest)),
            None if is_forecast => Some(t.pace_lasts()),
            None => None,
        };
        self.sentences([Some(used), pace].into_iter().flatten())
    }
}
