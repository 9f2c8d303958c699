//! The page of the calculator.

use askama::Template;
use rust_decimal::Decimal;
use steelyard_pricing::{BillingDay, LineCause, Name, Per, Yuan};

use super::list::{LineError, LineFault, NumberFault};
use super::texts::Texts;
use super::view::{
    AddedLine, CalculatorView, NotPriced, Outcome, PlanView, Priced, TermsView, Under, UnpricedApi,
};
use super::work::Step;
use crate::frame::{Common, Frame};
use crate::icon::Icon;
use crate::lang::Lang;
use crate::show::{Change, Code, Count, Figure, Html, Plain, Price, Units, Unsigned};
use crate::strip::{Strip, StripKind};

/// How many bad lines the page lists.
const ERRORS_SHOWN: usize = 20;
/// How many APIs of one rate the page lists.
const APIS_SHOWN: usize = 12;
/// How many characters of a plan's description the page shows.
const ABOUT_MAX: usize = 120;

/// The calculator's page, with its form and the result.
#[derive(Debug, Template)]
#[template(path = "calculator.html")]
pub struct CalculatorPage<'a> {
    frame: &'a Frame,
    view: &'a CalculatorView,
    /// The text that was typed or uploaded, unchanged.
    typed: &'a str,
    c: Common,
    t: Texts,
}

/// A line of the result.
struct Line<'a> {
    line: &'a AddedLine,
    t: Texts,
}

impl<'a> CalculatorPage<'a> {
    /// The page over a view; `typed` is the list as it was typed or uploaded.
    #[must_use]
    pub fn new(view: &'a CalculatorView, frame: &'a Frame, typed: &'a str) -> CalculatorPage<'a> {
        CalculatorPage { frame, view, typed, c: Common(frame.lang), t: Texts(frame.lang) }
    }

    fn show(&self, value: impl crate::show::Show) -> Html {
        Html::show(value, self.frame.lang)
    }

    fn plain(&self, amount: &steelyard_pricing::Fen) -> Html {
        self.show(Plain(*amount))
    }

    fn figure(&self, amount: &steelyard_pricing::Fen) -> Html {
        self.show(Figure(*amount))
    }

    /// An amount without its sign.
    fn size(&self, amount: &steelyard_pricing::Fen) -> Html {
        self.show(Unsigned(*amount))
    }

    /// What parts the members of a list.
    fn comma(&self) -> &'static str {
        match self.frame.lang {
            Lang::En => ", ",
            Lang::Zh => "、",
        }
    }

    fn change(&self, amount: &steelyard_pricing::Fen) -> Html {
        self.show(Change(*amount))
    }

    fn errors(&self) -> &'a [LineError] {
        match &self.view.outcome {
            Outcome::Refused { errors } => errors,
            Outcome::Nothing | Outcome::NotPriced { .. } | Outcome::Priced(_) => &[],
        }
    }

    fn errors_shown(&self) -> impl Iterator<Item = &'a LineError> {
        self.errors().iter().take(ERRORS_SHOWN)
    }

    fn errors_hidden(&self) -> Option<Html> {
        let hidden = self.errors().len().saturating_sub(ERRORS_SHOWN);
        (hidden > 0).then(|| self.t.more_lines(count(hidden)))
    }

    fn refused(&self) -> Html {
        self.t.refused(count(self.errors().len()))
    }

    fn priced(&self) -> Option<&'a Priced> {
        match &self.view.outcome {
            Outcome::Priced(priced) => Some(priced),
            Outcome::Nothing | Outcome::Refused { .. } | Outcome::NotPriced { .. } => None,
        }
    }

    fn unpriced_shown(&self) -> impl Iterator<Item = &'a UnpricedApi> {
        self.priced().into_iter().flat_map(|priced| &priced.unpriced).take(ERRORS_SHOWN)
    }

    fn unpriced_hidden(&self) -> Option<Html> {
        let unpriced = self.priced().map_or(0, |priced| priced.unpriced.len());
        let hidden = unpriced.saturating_sub(ERRORS_SHOWN);
        (hidden > 0).then(|| self.t.more_lines(count(hidden)))
    }

    fn has_notes(&self) -> bool {
        !self.errors().is_empty() || self.priced().is_some_and(|priced| !priced.unpriced.is_empty())
    }

    fn why_not(&self, why: &NotPriced) -> Html {
        match why {
            NotPriced::NotBilledYet { from } => self.t.not_billed_yet(*from),
            NotPriced::NoPlan => self.t.no_plan(),
            NotPriced::Settled => self.t.settled_today(),
            NotPriced::Rules => self.t.rules(),
        }
    }

    fn at_line(&self, line: &usize) -> Html {
        self.t.at_line(count(*line))
    }

    /// The sentence about a fault of a line, with the remedy.
    fn fault(&self, fault: &LineFault) -> Html {
        let t = self.t;
        match fault {
            LineFault::Nothing => t.nothing(),
            LineFault::TooLong => t.too_long(),
            LineFault::Quote => t.quote(),
            LineFault::Api { api, .. } if api.is_empty() => t.api_empty(),
            LineFault::Api { character: None, .. } => t.api_long(),
            LineFault::Api { api, character: Some(character) } => {
                t.api_character(Code(&short(api)), Code(&character.to_string()))
            }
            LineFault::NoCount { api } => t.no_count(Code(&short(api))),
            LineFault::Count { count, why } => {
                let count = short(count);
                match why {
                    NumberFault::NotANumber => t.not_a_number(Code(&count)),
                    NumberFault::Spreadsheet => t.spreadsheet(Code(&count)),
                    NumberFault::Negative => t.negative(Code(&count)),
                    NumberFault::Fraction => t.fraction(Code(&count)),
                    NumberFault::TooMany => t.count_large(Code(&count)),
                }
            }
            LineFault::Amount { amount } => t.amount(Code(&short(amount))),
            LineFault::Fields { fields } => t.fields(count(*fields)),
            LineFault::Ambiguous { count, amount } => {
                let (whole, yuan) = (format!("{count}{amount}"), format!("{amount}.00"));
                t.ambiguous(Code(count), Code(amount), Code(&whole), Code(&yuan))
            }
            LineFault::TooMany => t.too_many(),
        }
    }

    fn summed(&self, priced: &Priced) -> Vec<Html> {
        let summed = priced.summed.iter().take(ERRORS_SHOWN);
        let text = |summed: &super::list::SummedLines| {
            let lines = summed.lines.iter().map(ToString::to_string).collect::<Vec<_>>();
            self.t.summed(&summed.api, &lines.join(self.comma()))
        };
        summed.map(text).collect()
    }

    fn terms(&self, terms: &TermsView) -> Html {
        if terms.overrides.is_empty() {
            return self.show(&terms.plan);
        }
        let overrides = terms.overrides.iter().map(Name::to_string).collect::<Vec<_>>();
        self.t.with_overrides(&terms.plan, &overrides.join(self.comma()))
    }

    fn own_terms(&self) -> Option<Html> {
        self.view.own.as_ref().map(|own| self.t.under_own(&self.terms(own)))
    }

    fn is_plan(&self, plan: &Name) -> bool {
        self.view.under == Under::Plan { plan: plan.clone() }
    }

    fn is_own(&self) -> bool {
        self.view.under == Under::Own
    }

    /// Why the list costs on top of the month what it does not cost alone.
    fn why(&self, priced: &Priced) -> Option<Html> {
        let alone = priced.alone_fen?;
        if priced.adds_fen == alone {
            return Some(self.t.same_as_alone());
        }
        if priced.adds_fen < alone {
            return Some(self.t.less_than_alone());
        }
        let of_free = priced.lines.iter().filter(|line| line.has_used_free());
        let rates = of_free.filter_map(|line| line.rate.as_ref()).map(Name::to_string);
        let rates = rates.collect::<Vec<_>>().join(self.comma());
        Some(if rates.is_empty() {
            self.t.more_than_alone_tiers()
        } else {
            self.t.more_than_alone(&self.show(rates))
        })
    }

    fn calls_of(&self, priced: &Priced) -> Html {
        self.t.calls_under_your_terms(&self.show(priced.calls))
    }

    fn month_strip(&self, priced: &Priced) -> Strip {
        let (t, month) = (self.t, &priced.month);
        let settled = month.settled_through.map_or(t.nothing_settled(), |day| t.settled_to(day));
        let sum = (StripKind::Sum, "=");
        Strip::new(t.month_with())
            .row("", settled, self.plain(&month.settled_fen))
            .row("+", t.since_then(self.frame.as_of.time()), self.plain(&month.coming_fen))
            .with_unit(sum, t.so_far(), self.plain(&month.so_far_fen), Html::default())
            .row("+", t.these_calls(), self.plain(&priced.adds_fen))
            .total(t.with_these(), self.plain(&priced.month_fen))
    }

    fn lines(&self, priced: &'a Priced) -> Vec<Line<'a>> {
        let line = |line| Line { line, t: self.t };
        priced.lines.iter().map(line).collect()
    }

    fn next_month(&self, priced: &Priced) -> BillingDay {
        priced.month.month.next().first_day()
    }

    fn verdict(&self, priced: &Priced) -> Option<Html> {
        let cheapest = priced.plans.iter().find(|plan| plan.is_cheapest)?;
        Some(if cheapest.is_own {
            self.t.your_terms_cheapest()
        } else {
            let less = steelyard_pricing::Fen::ZERO.minus(cheapest.against_own_fen).ok()?;
            self.t.other_cheapest(&cheapest.terms.plan, Figure(less))
        })
    }

    fn due_at_end(&self, priced: &Priced) -> Option<Html> {
        let due = priced.due_at_end_fen;
        (!due.is_zero()).then(|| self.t.due_at_end(Change(due)))
    }

    /// What the operator says of a plan, if that is not too long for a table.
    fn about(&self, plan: &PlanView) -> Html {
        self.show(cut(&plan.description, ABOUT_MAX))
    }
}

impl Line<'_> {
    fn show(&self, value: impl crate::show::Show) -> Html {
        Html::show(value, self.t.0)
    }

    fn name(&self) -> Html {
        match (&self.line.rate, self.line.because) {
            (Some(rate), _) => self.show(rate),
            (None, LineCause::Tax) => self.t.tax(),
            (None, LineCause::Concession) => self.t.whole_month(),
            (None, _) => self.t.all_rates(),
        }
    }

    fn amount(&self) -> Html {
        self.show(Plain(self.line.adds_fen))
    }

    fn calls(&self) -> Option<Html> {
        self.line.rate.as_ref().map(|_| self.show(self.line.calls))
    }

    /// The APIs, and what they pass.
    fn sub(&self) -> Html {
        let apis = self.line.apis.iter().take(APIS_SHOWN);
        let mut parts = apis.map(|of| self.show(Code(of.api.as_str())).0).collect::<Vec<_>>();
        let hidden = self.line.apis.len().saturating_sub(APIS_SHOWN);
        if hidden > 0 {
            parts.push(self.t.more_apis(count(hidden)).0);
        }
        parts.extend(self.passed().into_iter().map(|passed| passed.0));
        Html(parts.join(" · "))
    }

    /// The allowance and the tiers that the list passes.
    fn passed(&self) -> Vec<Html> {
        let free = self.line.free_passed.iter().map(|free| self.t.passes_free(Units(*free)));
        let tiers = self.line.tiers_passed.iter().map(|end| self.t.passes_tier(Units(*end)));
        free.chain(tiers).collect()
    }

    fn work(&self) -> Strip {
        // The decimals of one block align.
        let amounts = self.line.work.iter().filter_map(Step::amount);
        let scale = amounts.map(|amount| amount.decimal().normalize().scale()).max();
        let scale = scale.unwrap_or_default().max(2);
        let mut strip = Strip::new(self.t.calculation());
        let mut gap = false;
        let mut first = true;
        for step in &self.line.work {
            let (kind, operator, label, value, unit) = self.step(step, scale, first);
            let kind = if gap && kind == StripKind::Term { StripKind::Gap } else { kind };
            gap = matches!(step, Step::Charged { .. });
            first = gap;
            strip = strip.with_unit((kind, operator), label, value, unit);
        }
        strip
    }

    fn step(
        &self,
        step: &Step,
        scale: u32,
        is_first: bool,
    ) -> (StripKind, &'static str, Html, Html, Html) {
        let (t, yuan) = (self.t, Html("¥".to_owned()));
        let plus = if is_first { "" } else { "+" };
        let exact = |amount: &Yuan| self.show(Units(at_scale(amount.decimal(), scale)));
        let signed = |amount: &Yuan| if amount.decimal().is_sign_negative() { "−" } else { plus };
        let size = |amount: &Yuan| self.show(Units(at_scale(amount.decimal().abs(), scale)));
        let units = |units: &Decimal| self.show(Units(units.normalize()));
        let term = StripKind::Term;
        match step {
            Step::Units { units: of } => (term, "", t.step_units(), units(of), self.unit()),
            Step::Free { units: of } => (term, "−", t.step_free(), units(of), self.unit()),
            Step::Charged { units: of } => {
                (StripKind::Sum, "=", t.step_charged(), units(of), self.unit())
            }
            Step::Slice { count, per, price, amount } => {
                (term, plus, self.slice(*count, *per, *price), exact(amount), yuan)
            }
            Step::FlatFee { amount } => (term, plus, t.step_flat_fee(), exact(amount), yuan),
            Step::Discount { discount, percent, off } => {
                (term, "−", t.step_discount(discount, *percent), exact(off), yuan)
            }
            Step::AmountOff { discount, off } => {
                (term, "−", t.step_amount_off(discount), exact(off), yuan)
            }
            Step::MonthWith { amount } => (term, "", t.step_month_with(), exact(amount), yuan),
            Step::MonthBefore { amount } => {
                let operator = if amount.decimal().is_sign_negative() { "+" } else { "−" };
                (term, operator, t.step_month_before(), size(amount), yuan)
            }
            Step::Rounding { amount } => {
                (term, signed(amount), t.step_rounding(), size(amount), yuan)
            }
            Step::Total { amount_fen } => {
                (StripKind::Total, "=", t.step_total(), self.show(Plain(*amount_fen)), yuan)
            }
        }
    }

    /// What the units of the line are.
    fn unit(&self) -> Html {
        let is_of_amount = |step: &Step| matches!(step, Step::Slice { per: Per::Yuan, .. });
        if self.line.work.iter().any(is_of_amount) {
            Html("¥".to_owned())
        } else {
            self.t.unit_calls()
        }
    }

    fn slice(&self, count: Decimal, per: Per, price: Yuan) -> Html {
        let (t, count, price) = (self.t, Units(count.normalize()), Price(price));
        match per {
            Per::Unit => t.step_slice(count, price),
            Per::Yuan => t.step_share(count, Units(price.0.decimal())),
            Per::Package(size) => t.step_packages(count, Units(size.get()), price),
            Per::FullPackage(size) => t.step_full_packages(count, Units(size.get()), price),
            Per::HalfUpPackage(size) | Per::HalfEvenPackage(size) => {
                t.step_nearest_packages(count, Units(size.get()), price)
            }
            Per::Block(size) => t.step_blocks(count, Units(size.get()), price),
            Per::Call => t.step_calls(count, price),
        }
    }
}

/// The number with at least so many decimals.
fn at_scale(number: Decimal, scale: u32) -> Decimal {
    let mut number = number.normalize();
    if number.scale() < scale {
        number.rescale(scale);
    }
    number
}

/// What stands in a line, as far as an error repeats it.
fn short(text: &str) -> String {
    cut(text, 40)
}

/// The beginning of a text.
fn cut(text: &str, most: usize) -> String {
    let mut short = text.chars().take(most).collect::<String>();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn count(number: usize) -> Count {
    Count(u64::try_from(number).unwrap_or(u64::MAX))
}
