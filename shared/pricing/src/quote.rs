//! Quotes: what usage would cost, computed as a bill is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use steelyard_json::{JsonError, Node};
use thiserror::Error;

use crate::{
    BillingDay, BillingMonth, Calls, ChargeError, DayCharge, EarlierMonths, Fen, Line, Metered,
    MoneyError, MonthToDate, MonthUsage, Name, PlanError, Segment, Terms, TermsError, Unpriced,
    Usage, UsageError, VouchersUsed, Yuan, charge, segments,
};

/// Usage that is to be priced: a month's, or days'.
///
/// Written as counts by API, or as counts by API by day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotedUsage {
    /// The counts of a month, by API.
    Month(Usage),
    /// The counts of days, by API.
    Days(BTreeMap<BillingDay, Usage>),
}

/// The price of some usage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// The exact price, unrounded and without tax that is added, in yuan.
    pub exact: Yuan,
    /// The charge, tax included; written in yuan.
    #[serde(serialize_with = "as_yuan")]
    pub rounded: Fen,
    /// The currency as ISO 4217 has it: always `CNY`.
    pub currency: &'static str,
    /// How it comes about; for days, the lines of all of them.
    pub lines: Vec<Line>,
    /// Usage that no rate covers.
    pub unpriced: Vec<Unpriced>,
    /// What each day would be charged; none where the usage is a month's.
    pub days: Vec<QuotedDay>,
}

/// The charge of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuotedDay {
    /// The billing day that would be charged.
    pub day: BillingDay,
    /// By how much the exact price of its month grows, without tax that is added.
    pub exact: Yuan,
    /// The charge, tax included; written in yuan.
    #[serde(serialize_with = "as_yuan")]
    pub rounded: Fen,
    /// The lines of the day, as its statement would list them.
    pub lines: Vec<Line>,
}

/// The months before the days of a quote, as far as vouchers ask for them.
#[derive(Clone, Debug)]
pub struct MonthsBefore {
    /// The first month: no voucher is given for months before it.
    pub first: BillingMonth,
    /// The amounts of each voucher that these months used.
    pub used: VouchersUsed,
    /// The plan that held when they ended, and the day from which it did without a break.
    pub plan: Option<(Name, BillingDay)>,
}

/// Why usage cannot be priced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuoteError {
    /// The charge cannot be computed.
    #[error("cannot compute the price")]
    Charge(#[from] ChargeError),
    /// Units are free by the day, or the terms change inside the month, so that a month's counts
    /// do not determine the price.
    #[error("the price depends on the days; give the usage by day")]
    NeedsDays,
    /// The terms do not fit.
    #[error("cannot tell the terms")]
    Terms(#[from] TermsError),
}

const CURRENCY: &str = "CNY";

impl Quote {
    /// What usage costs; `month` is that of counts without days.
    ///
    /// `terms_on` returns the terms of a day.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when the usage cannot be priced, or not without its days.
    pub fn of<'a>(
        usage: &QuotedUsage,
        month: BillingMonth,
        terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Quote, QuoteError> {
        match usage {
            QuotedUsage::Month(usage) => Quote::of_month(month, usage, terms_on),
            QuotedUsage::Days(days) => Quote::of_days(days, terms_on),
        }
    }

    /// What the counts of one whole month cost.
    ///
    /// `terms_on` returns the terms of a day.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when the usage cannot be priced, or not without its days.
    pub fn of_month<'a>(
        month: BillingMonth,
        usage: &Usage,
        terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Quote, QuoteError> {
        let segments = segments(month, terms_on)?;
        let needs_days = segments.len() > 1 || segments.iter().any(|s| s.plan().gives_by_day());
        if needs_days {
            return Err(QuoteError::NeedsDays);
        }
        let day = segments.first().map_or(month.first_day(), Segment::from);
        let usage = MonthUsage { own: vec![(day, usage)], closing: true, ..MonthUsage::default() };
        let charged = charge(&segments, &MonthToDate::default(), &usage)?;
        Ok(Quote {
            exact: charged.rated_yuan,
            rounded: charged.charge_fen,
            currency: CURRENCY,
            lines: charged.lines,
            unpriced: charged.unpriced,
            days: Vec::new(),
        })
    }

    /// What the counts of days cost, each settled after the other; what is due at the end of a
    /// month is due on the last of its days that is given. Vouchers are given from the first month
    /// on.
    ///
    /// `terms_on` returns the terms of a day.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when the usage cannot be priced.
    pub fn of_days<'a>(
        days: &BTreeMap<BillingDay, Usage>,
        terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Quote, QuoteError> {
        let first = days.keys().next().map(|day| day.month());
        let Some(first) = first else { return Ok(Quote::nothing()) };
        let used = VouchersUsed::default();
        Quote::of_days_after(days, MonthsBefore { first, used, plan: None }, terms_on)
    }

    /// The same after earlier months, which may have used vouchers.
    ///
    /// # Errors
    ///
    /// [`QuoteError`] when the usage cannot be priced.
    pub fn of_days_after<'a>(
        days: &BTreeMap<BillingDay, Usage>,
        before: MonthsBefore,
        mut terms_on: impl FnMut(BillingDay) -> Option<Terms<'a>>,
    ) -> Result<Quote, QuoteError> {
        let mut quote = Quote::nothing();
        let MonthsBefore { first, mut used, plan: mut on_plan } = before;
        let months = days.keys().map(|day| day.month()).collect::<BTreeSet<_>>();
        for month in &months {
            let segments = segments(*month, &mut terms_on)?.into_iter();
            let segments = segments.map(|segment| {
                let (plan, from) = (&segment.span().terms.plan, segment.from());
                let (_, plan_since) = match on_plan.take().filter(|(before, _)| before == plan) {
                    Some(goes_on) => on_plan.insert(goes_on),
                    None => on_plan.insert((plan.clone(), from)),
                };
                let plan_since = *plan_since;
                segment.after_months(EarlierMonths { first, plan_since, used: &used })
            });
            let to_date = quote.add_month(*month, &segments.collect::<Vec<_>>(), days)?;
            used = to_date
                .vouchers_used()
                .and_then(|more| used.plus(&more))
                .map_err(ChargeError::from)?;
        }
        Ok(quote)
    }

    fn nothing() -> Quote {
        Quote {
            exact: Yuan::ZERO,
            rounded: Fen::ZERO,
            currency: CURRENCY,
            lines: Vec::new(),
            unpriced: Vec::new(),
            days: Vec::new(),
        }
    }

    fn add_month(
        &mut self,
        month: BillingMonth,
        segments: &[Segment<'_>],
        days: &BTreeMap<BillingDay, Usage>,
    ) -> Result<MonthToDate, QuoteError> {
        let of_month = month.first_day()..=month.last_day();
        let last = days.range(of_month.clone()).next_back().map(|(day, _)| *day);
        let mut to_date = MonthToDate::default();
        let mut rated = Yuan::ZERO;
        for (day, usage) in days.range(of_month) {
            let usage = MonthUsage {
                own: vec![(*day, usage)],
                // The last day stands for the end of the month, with all of its segments.
                day: Some(*day).filter(|day| Some(*day) != last),
                closing: Some(*day) == last,
                ..MonthUsage::default()
            };
            let charged = charge(segments, &to_date, &usage)?;
            self.add_day(*day, rated, &charged).map_err(ChargeError::from)?;
            rated = charged.rated_yuan;
            to_date = charged.month;
        }
        Ok(to_date)
    }

    fn add_day(
        &mut self,
        day: BillingDay,
        rated_before: Yuan,
        charged: &DayCharge,
    ) -> Result<(), MoneyError> {
        let exact = charged.rated_yuan.minus(rated_before)?;
        let rounded = charged.charge_fen;
        self.exact = self.exact.plus(exact)?;
        self.rounded = self.rounded.plus(rounded)?;
        self.lines.extend(charged.lines.iter().cloned());
        self.unpriced.extend(charged.unpriced.iter().cloned());
        self.days.push(QuotedDay { day, exact, rounded, lines: charged.lines.clone() });
        Ok(())
    }
}

impl QuotedUsage {
    /// All of it, by API.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past what can be counted.
    pub fn total(&self) -> Result<Usage, UsageError> {
        match self {
            QuotedUsage::Month(usage) => Ok(usage.clone()),
            QuotedUsage::Days(days) => {
                days.values().try_fold(Usage::new(), |sum, usage| sum.plus(usage))
            }
        }
    }

    /// Reads usage: that of days if its fields are days, of a month otherwise.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of what is wrong, the first.
    pub fn read(document: &str) -> Result<QuotedUsage, PlanError> {
        Ok(QuotedUsage::of_node(steelyard_json::parse(document.as_bytes())?)?)
    }

    /// Reads usage that is a part of another document.
    ///
    /// # Errors
    ///
    /// [`JsonError`] with the path of what is wrong, the first.
    pub fn of_node(node: Node) -> Result<QuotedUsage, JsonError> {
        if node.field_names().any(looks_like_a_day) {
            let days = node.read::<BTreeMap<BillingDay, Usage>>()?;
            for (day, usage) in &days {
                check_amounts(usage).map_err(|error| error.inside(&day.to_string()))?;
            }
            Ok(QuotedUsage::Days(days))
        } else {
            let usage = node.read::<Usage>()?;
            check_amounts(&usage)?;
            Ok(QuotedUsage::Month(usage))
        }
    }
}

/// An amount is what went through calls, here as in a report of usage.
fn check_amounts(usage: &Usage) -> Result<(), JsonError> {
    let is_refused = |metered: &Metered| metered.calls == Calls::ZERO && !metered.is_zero();
    match usage.iter().find(|(_, metered)| is_refused(metered)) {
        Some((api, _)) => {
            let text = "has an amount and no calls; must have the calls that it went through";
            Err(JsonError { path: api.to_string(), text: text.to_owned() })
        }
        None => Ok(()),
    }
}

/// `2015-05-17`, `2015-05-32`: no API is named so.
fn looks_like_a_day(field: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    field.len() == 10 && field.bytes().enumerate().all(fits)
}

/// Yuan with two decimals.
fn as_yuan<S: Serializer>(fen: &Fen, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(fen)
}
