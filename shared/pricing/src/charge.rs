//! A day's charge: the rounded month to date less what was charged, with lines that explain it.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::part::{Parts, price_of};
use crate::rating::Due;
use crate::run::Counted;
use crate::tally::Tally;
use crate::{
    BillingDay, Concession, Fen, Metered, MoneyError, Name, Percent, Rated, RatedToDate, Rounding,
    Segment, SegmentSpan, TaxToDate, TermsRef, Usage, UsageError, VouchersUsed, Yuan,
};

/// Where a provider stands in a billing month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthToDate {
    /// The rated figures of each segment, by its first day.
    pub segments: BTreeMap<BillingDay, SegmentToDate>,
    /// The amount taken off their sum, so that no concession raises it: zero or less.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub concession_yuan: Yuan,
    /// The taxes that were added to the month, by percentage.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taxes: BTreeMap<Percent, TaxToDate>,
    /// How much has been charged for all of it, with the taxes that are added.
    pub charged_fen: Fen,
    /// The rule that rounds the month: that of the plan with which it began when it was first
    /// charged; none before a segment has begun. A later rule would change settled totals, and
    /// leave a fen that no line explains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
}

/// Where a provider stands in one segment of a month: by rate, so that it grows with the plan and
/// not with the APIs that are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentToDate {
    /// The terms by which it was rated.
    #[serde(flatten)]
    pub terms: TermsRef,
    /// The metered usage and the price of each rate.
    pub rates: BTreeMap<Name, RatedToDate>,
    /// The metered usage of each day, under the rates that have units free by the day.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
    /// What was metered that no rate covers.
    #[serde(default, skip_serializing_if = "Metered::is_zero")]
    pub unpriced: Metered,
    /// What makes up the minimum of a rate, once the month is over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub minimums: BTreeMap<Name, Yuan>,
    /// What the plan took off the sum of its rates and their minimums.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub adjustment_yuan: Yuan,
    /// What makes up the minimum of the plan, once the month is over.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub minimum_yuan: Yuan,
    /// How much of vouchers its rates and the plan use.
    #[serde(default, skip_serializing_if = "VouchersUsed::is_empty")]
    pub vouchers: VouchersUsed,
    /// How much earlier months had used of them when it was rated.
    #[serde(default, skip_serializing_if = "VouchersUsed::is_empty")]
    pub vouchers_before: VouchersUsed,
}

/// The new usage of a month, which one settlement charges.
#[derive(Clone, Debug, Default)]
pub struct MonthUsage<'a> {
    /// What was counted since for days that were settled before.
    pub late: Vec<(BillingDay, &'a Usage)>,
    /// What was withdrawn of days that were settled before.
    pub void: Vec<(BillingDay, &'a Usage)>,
    /// The days that are settled now.
    pub own: Vec<(BillingDay, &'a Usage)>,
    /// The day of the statement: segments that begin later are not rated yet.
    pub day: Option<BillingDay>,
    /// Whether the month was over before, so that minimums and fees without usage were due.
    pub closed: bool,
    /// Whether the month is over now.
    pub closing: bool,
}

/// What one settlement charges.
///
/// The lines' charges sum to `charge_fen`, and `charge_fen` is the rounded `rated_yuan`, with
/// `tax_fen`, less what was charged in the month before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCharge {
    /// The charge; negative for a credit.
    pub charge_fen: Fen,
    /// The exact price of the month to date, new usage included, without tax that is added.
    pub rated_yuan: Yuan,
    /// The rounding of `rated_yuan` to fen.
    pub rounding: Rounding,
    /// The tax that is added to the month to date.
    pub tax_fen: Fen,
    /// The segments that were rated.
    pub segments: Vec<SegmentSpan>,
    /// How the charge comes about.
    pub lines: Vec<Line>,
    /// What of it no rate covers.
    pub unpriced: Vec<Unpriced>,
    /// The month after this charge.
    pub month: MonthToDate,
}

/// What one rate charges, or the plan on top of its rates.
///
/// `after` less `before` is `exact_yuan`, and `exact_yuan + rounding_yuan = charge_fen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The first day of the segment.
    pub segment: BillingDay,
    /// The rate; none for what the plan takes off the sum of its rates, for what makes up its
    /// minimum, for what is taken off the month because of a concession, and for tax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// Why there is a line.
    #[serde(default, skip_serializing_if = "LineCause::is_usage")]
    pub because: LineCause,
    /// The percentage of a tax that is added; none for other lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Percent>,
    /// The concessions without which the month costs less: it costs what it would without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Concession>,
    /// What is new of each API under the rate; where the line credits a void, what was withdrawn.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub apis: Usage,
    /// The rate's amount at the last charge.
    pub before: RatedToDate,
    /// The rate's amount now, and how it is computed.
    pub after: Rated,
    /// The exact difference.
    pub exact_yuan: Yuan,
    /// The line's share of rounding the month to whole fen.
    pub rounding_yuan: Yuan,
    /// The charge of the line, with its share of rounding.
    pub charge_fen: Fen,
}

/// Why there is a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineCause {
    /// Usage of the days that are settled now; and, on the last day, fees that are due without any.
    #[default]
    Usage,
    /// Usage that came late, for days that had been settled.
    Late,
    /// Usage of settled days was withdrawn.
    Void,
    /// The month was cut otherwise, so that another part of its allowances or other prices are the
    /// segment's; or earlier months used another part of a voucher.
    Terms,
    /// Usage of another segment of the run was added or withdrawn, so that the segment's units fall
    /// elsewhere in the tiers and allowances.
    Shifted,
    /// The month is over and amounts to less than the minimum of the rate, or of the plan: the rest
    /// is due. Later usage changes the rest.
    Minimum,
    /// The month would cost more with a concession than without it: it costs what it would without.
    Concession,
    /// Tax is added to what the other lines of the month charge.
    Tax,
}

/// Usage of APIs that no rate of the segment's plan covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpriced {
    /// The first day of the segment.
    pub segment: BillingDay,
    /// Why it is listed: it is new, came late or was withdrawn.
    #[serde(default, skip_serializing_if = "LineCause::is_usage")]
    pub because: LineCause,
    /// The new or withdrawn usage of each API.
    #[serde(default, skip_serializing_if = "Usage::is_empty")]
    pub apis: Usage,
}

/// Why a charge could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChargeError {
    /// Counts could not be added.
    #[error("cannot count the month's usage")]
    Count(#[from] UsageError),
    /// An amount left the range of exact arithmetic.
    #[error("cannot compute the month's price")]
    Money(#[from] MoneyError),
    /// There is usage on a day for which there are no terms.
    #[error("{0} has usage, but no plan was in force")]
    NoTerms(BillingDay),
    /// A segment that was charged is no longer a part of the month.
    ///
    /// It means that the terms of settled days were changed.
    #[error("the segment from {0} was charged, and the month is not cut there any more")]
    SegmentGone(BillingDay),
    /// The month to date has another price than was charged for it, and no line says why.
    ///
    /// It means that what was stored of the month contradicts itself.
    #[error("{0} yuan of the charge have no line behind them")]
    Unexplained(Fen),
}

impl MonthToDate {
    /// Everything that was rated, and what no rate covers.
    ///
    /// # Errors
    ///
    /// [`UsageError`] past [`Calls::MAX`](crate::Calls::MAX) or
    /// [`Amount::MAX`](crate::Amount::MAX).
    pub fn metered(&self) -> Result<Metered, UsageError> {
        self.segments.values().try_fold(Metered::ZERO, |sum, segment| sum.plus(segment.metered()?))
    }

    /// Whether earlier months use another part of its vouchers by now than when it was rated.
    #[must_use]
    pub fn is_outdated_by(&self, used_before: &VouchersUsed) -> bool {
        let noted = self.segments.values().flat_map(|segment| segment.vouchers_before.iter());
        noted.into_iter().any(|(voucher, noted)| used_before.of(voucher) != noted)
    }

    /// The units that were used of an allowance by a segment and those that it goes on from: the
    /// allowance of a rate, or of all rates together.
    #[must_use]
    pub fn free_used(&self, segment: &Segment<'_>, rate: Option<&Name>) -> Decimal {
        let run = self.segments.range(segment.span().run().start..=segment.from());
        let of_segment = |segment: &SegmentToDate| match rate {
            Some(rate) => segment.rates.get(rate).map_or(Decimal::ZERO, |rated| rated.free_used),
            None => segment.rates.values().map(|rated| rated.plan_free_used).sum(),
        };
        run.map(|(_, segment)| of_segment(segment)).sum()
    }

    /// How much of vouchers the month uses.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn vouchers_used(&self) -> Result<VouchersUsed, MoneyError> {
        let used = self.segments.values().map(|segment| &segment.vouchers);
        used.filter(|used| !used.is_empty())
            .try_fold(VouchersUsed::default(), |sum, used| sum.plus(used))
    }
}

impl SegmentToDate {
    pub(crate) fn new(terms: TermsRef) -> SegmentToDate {
        SegmentToDate {
            terms,
            rates: BTreeMap::new(),
            days: BTreeMap::new(),
            unpriced: Metered::ZERO,
            minimums: BTreeMap::new(),
            adjustment_yuan: Yuan::ZERO,
            minimum_yuan: Yuan::ZERO,
            vouchers: VouchersUsed::default(),
            vouchers_before: VouchersUsed::default(),
        }
    }

    fn metered(&self) -> Result<Metered, UsageError> {
        let mut rates = self.rates.values();
        rates.try_fold(self.unpriced, |sum, rated| sum.plus(rated.metered))
    }
}

impl Line {
    /// Whether the line prices no units, but changes the amount of other lines: what a plan takes
    /// off the sum of its rates, what makes up a minimum, what a concession takes off the month,
    /// tax.
    #[must_use]
    pub fn adjusts(&self) -> bool {
        self.rate.is_none() || self.because == LineCause::Minimum
    }

    /// The rate's amount now; of a line that [adjusts](Line::adjusts) others, what it adds to
    /// them or takes off.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when it leaves the range of exact arithmetic.
    pub fn after_yuan(&self) -> Result<Yuan, MoneyError> {
        if self.adjusts() { self.after.added() } else { Ok(self.after.due_yuan) }
    }
}

impl LineCause {
    fn is_usage(&self) -> bool {
        *self == LineCause::Usage
    }
}

/// The charge for what is new in a month: first what was withdrawn, and what came late, of days
/// settled before, then the days being settled now.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range, when more is withdrawn than was
/// rated, when a day has no terms, or when there is a difference to what was charged that no line
/// explains.
pub fn charge(
    segments: &[Segment<'_>],
    before: &MonthToDate,
    usage: &MonthUsage<'_>,
) -> Result<DayCharge, ChargeError> {
    check_terms(segments, usage)?;
    let begun = |segment: &&Segment<'_>| usage.day.is_none_or(|day| segment.from() <= day);
    let begun = segments.iter().filter(begun).collect::<Vec<_>>();
    check_parts(&begun, before)?;
    let mut parts = Parts::of(&begun, before)?;
    // What other terms change has lines of its own, before those of usage.
    parts.advance(LineCause::Terms, &[], usage.closed)?;
    // What was withdrawn makes place for what was sent instead.
    if has_any(&usage.void) {
        parts.advance(LineCause::Void, &usage.void, usage.closed)?;
    }
    if has_any(&usage.late) {
        parts.advance(LineCause::Late, &usage.late, usage.closed)?;
    }
    parts.advance(LineCause::Usage, &usage.own, usage.closing)?;
    let rule = begun.first().map(|segment| segment.plan().document().rounding);
    let charged = parts.finish(before, before.rounding.or(rule), usage.closing)?;
    // Past the most that a month can have it is refused, whichever rates it is spread over.
    charged.month.metered()?;
    Ok(charged)
}

/// The metered usage of a segment.
#[derive(Clone, Debug)]
pub struct SegmentUsage<'a> {
    /// The days and the terms by which they are rated.
    pub segment: &'a Segment<'a>,
    /// All of it, by API.
    pub total: Usage,
    /// What was metered under each rate on each day, for the rates of which units are free by the
    /// day.
    pub days: BTreeMap<Name, BTreeMap<BillingDay, Metered>>,
}

/// The exact amount of a month, from the usage of its segments alone, in their order.
///
/// # Errors
///
/// [`ChargeError`] when a count or an amount leaves its range.
pub fn rate_month(parts: &[SegmentUsage<'_>], closing: bool) -> Result<Yuan, ChargeError> {
    let tally =
        |part: &SegmentUsage<'_>| Tally::of_totals(part.segment.plan(), &part.total, &part.days);
    let tallies = parts.iter().map(tally).collect::<Result<Vec<_>, _>>()?;
    let counted = parts.iter().zip(&tallies);
    let counted = counted.map(|(part, tally)| Counted { segment: part.segment, tally });
    price_of(&counted.collect::<Vec<_>>(), Due::of(closing))
}

fn has_any(days: &[(BillingDay, &Usage)]) -> bool {
    days.iter().any(|(_, usage)| !usage.is_empty())
}

fn check_terms(segments: &[Segment<'_>], usage: &MonthUsage<'_>) -> Result<(), ChargeError> {
    let mut days = usage.late.iter().chain(&usage.void).chain(&usage.own);
    match days.find(|(day, usage)| !usage.is_empty() && !segments.iter().any(|s| s.holds(*day))) {
        Some((day, _)) => Err(ChargeError::NoTerms(*day)),
        None => Ok(()),
    }
}

/// What was charged of a segment can't be left without one.
fn check_parts(begun: &[&Segment<'_>], before: &MonthToDate) -> Result<(), ChargeError> {
    let is_there = |from: &BillingDay| begun.iter().any(|segment| segment.from() == *from);
    match before.segments.keys().find(|from| !is_there(from)) {
        Some(from) => Err(ChargeError::SegmentGone(*from)),
        None => Ok(()),
    }
}
