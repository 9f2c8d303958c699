//! What statements charge, row by row: a row is a line of a statement, or a credit or debit note.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::{AdjustmentId, AdjustmentNote, Statement, StatementId};
use steelyard_pricing::{
    BillingDay, Fen, Line, LineCause, MoneyError, Name, Slice, TermsRef, Usage, Yuan,
};
use utoipa::ToSchema;

use super::CostsError;
use crate::bill::{SlicePer, SliceStep, days_because};

/// What a statement charges by a line, or by a credit or debit note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChargeRow {
    /// The bill that has the row, by its day and supplement.
    #[schema(value_type = String)]
    pub statement: StatementId,
    /// The kind of charge, by which finance can sum.
    pub kind: ChargeKind,
    /// The number of the line on the bill, from 1; none for a note and for usage without a price.
    pub line: Option<usize>,
    /// The rate; none for what is about all rates, or no rate.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Name>,
    /// The plan by which it is rated.
    #[schema(value_type = Option<String>)]
    pub plan: Option<Name>,
    /// The first day of what is charged.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last day of what is charged.
    #[schema(value_type = String)]
    pub through: BillingDay,
    /// The new calls; negative where they were withdrawn.
    pub calls: i64,
    /// The amount that went through them, in yuan; negative where it was withdrawn.
    #[schema(value_type = String)]
    pub amount: Decimal,
    /// The charge; negative for a credit.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// The units that were priced, at each price; empty where the lines before it in the month are
    /// not known.
    pub priced: Vec<PricedUnits>,
    /// The credit or debit note.
    #[schema(value_type = Option<String>)]
    pub note: Option<AdjustmentId>,
    /// Why the note was made.
    pub reason: Option<String>,
}

/// The kind of a row of charges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargeKind {
    /// Usage of the bill's day, under a rate.
    Usage,
    /// Usage that came late.
    Late,
    /// Usage that was withdrawn.
    Void,
    /// A change of the terms.
    Terms,
    /// Units that fall elsewhere in tiers and allowances because of other days of the month.
    Shifted,
    /// What makes up the minimum of a rate, or of the plan, as the month is over.
    Minimum,
    /// What is taken off the month because a concession would have raised it.
    Concession,
    /// Tax that is added.
    Tax,
    /// What a plan adds to the sum of its rates, or takes off.
    Plan,
    /// Usage that no rate covers.
    Unpriced,
    /// An adjustment that lowers the charge.
    CreditNote,
    /// An adjustment that raises the charge.
    DebitNote,
}

/// Units at one price, or the fee of a tier: quantity × price is what they cost before discounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PricedUnits {
    /// The units that are priced before them in the month.
    #[schema(value_type = String)]
    pub after: Decimal,
    /// The kind of unit that the price is for.
    pub per: SlicePer,
    /// The units in a package or a block.
    #[schema(value_type = Option<String>)]
    pub size: Option<Decimal>,
    /// Whether it is the fee for entering a tier.
    pub is_fee: bool,
    /// The price of one unit, package, block, yuan or call.
    #[schema(value_type = String)]
    pub price_yuan: Yuan,
    /// How many are new; negative where there are fewer.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// The price before discounts, in yuan.
    #[schema(value_type = String)]
    pub list_yuan: Yuan,
}

impl ChargeKind {
    /// The word for it in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ChargeKind::Usage => "usage",
            ChargeKind::Late => "late usage",
            ChargeKind::Void => "withdrawn usage",
            ChargeKind::Terms => "changed terms",
            ChargeKind::Shifted => "shifted units",
            ChargeKind::Minimum => "minimum",
            ChargeKind::Concession => "concession",
            ChargeKind::Tax => "tax",
            ChargeKind::Plan => "plan",
            ChargeKind::Unpriced => "usage without a price",
            ChargeKind::CreditNote => "credit note",
            ChargeKind::DebitNote => "debit note",
        }
    }

    fn of(line: &Line) -> ChargeKind {
        match (line.because, &line.rate) {
            (LineCause::Terms, _) => ChargeKind::Terms,
            (LineCause::Shifted, _) => ChargeKind::Shifted,
            (LineCause::Minimum, _) => ChargeKind::Minimum,
            (LineCause::Concession, _) => ChargeKind::Concession,
            (LineCause::Tax, _) => ChargeKind::Tax,
            (_, None) => ChargeKind::Plan,
            (LineCause::Usage, Some(_)) => ChargeKind::Usage,
            (LineCause::Late, Some(_)) => ChargeKind::Late,
            (LineCause::Void, Some(_)) => ChargeKind::Void,
        }
    }
}

/// The prices of a rate as its last line left them, by segment and rate.
#[derive(Default)]
struct Prices(BTreeMap<(BillingDay, Option<Name>), Sliced>);

/// The slices of a segment and of the segments before it, and those of the segments before it
/// alone.
#[derive(Default)]
struct Sliced {
    all: Vec<Slice>,
    before: Vec<Slice>,
}

/// The rows of statements from one day through another. Give the statements from the first of the
/// month on, with what they say of each API.
pub(super) fn rows(
    statements: &[Statement],
    (from, to): (BillingDay, BillingDay),
) -> Result<Vec<ChargeRow>, CostsError> {
    let mut prices = Prices::default();
    let mut rows = Vec::new();
    for statement in statements {
        let of_lines = lines(statement, &mut prices)?;
        if from <= statement.statement.day && statement.statement.day <= to {
            rows.extend(of_lines);
            rows.extend(unpriced(statement)?);
            rows.extend(statement.adjustments.iter().map(|note| of_note(statement, note)));
        }
    }
    Ok(rows)
}

fn lines(statement: &Statement, prices: &mut Prices) -> Result<Vec<ChargeRow>, CostsError> {
    let numbered = (1_usize..).zip(&statement.lines);
    numbered
        .map(|(number, line)| {
            let priced = prices.new_units(line)?;
            let (calls, amount) = signed(&line.apis, line.because)?;
            let (from, through) = days_of(statement, line.segment, line.because);
            Ok(ChargeRow {
                line: Some(number),
                rate: line.rate.clone(),
                plan: terms(statement, line.segment).map(|terms| terms.plan.clone()),
                from,
                through,
                calls,
                amount,
                charge_fen: line.charge_fen,
                priced,
                ..ChargeRow::empty(statement, ChargeKind::of(line))
            })
        })
        .collect()
}

fn unpriced(statement: &Statement) -> Result<Vec<ChargeRow>, CostsError> {
    let row = |of: &steelyard_pricing::Unpriced| {
        let (calls, amount) = signed(&of.apis, of.because)?;
        let (from, through) = days_of(statement, of.segment, of.because);
        let empty = ChargeRow::empty(statement, ChargeKind::Unpriced);
        Ok(ChargeRow { from, through, calls, amount, ..empty })
    };
    statement.unpriced.iter().map(row).collect()
}

fn of_note(statement: &Statement, note: &AdjustmentNote) -> ChargeRow {
    let is_credit = note.amount_fen.is_negative();
    let kind = if is_credit { ChargeKind::CreditNote } else { ChargeKind::DebitNote };
    ChargeRow {
        from: note.of.corrects.day,
        through: note.of.corrects.day,
        charge_fen: note.amount_fen,
        note: Some(note.adjustment.clone()),
        reason: Some(note.reason.as_str().to_owned()),
        ..ChargeRow::empty(statement, kind)
    }
}

impl ChargeRow {
    fn empty(statement: &Statement, kind: ChargeKind) -> ChargeRow {
        let day = statement.statement.day;
        ChargeRow {
            statement: statement.statement,
            kind,
            line: None,
            rate: None,
            plan: None,
            from: day,
            through: day,
            calls: 0,
            amount: Decimal::ZERO,
            charge_fen: Fen::ZERO,
            priced: Vec::new(),
            note: None,
            reason: None,
        }
    }
}

fn terms(statement: &Statement, segment: BillingDay) -> Option<&TermsRef> {
    statement.span_from(segment).map(|span| &span.terms)
}

/// The first and the last day whose usage a line is of.
fn days_of(
    statement: &Statement,
    segment: BillingDay,
    because: LineCause,
) -> (BillingDay, BillingDay) {
    let day = statement.statement.day;
    let span = statement.span_from(segment);
    let last = span.map_or(day, |span| span.until.previous().min(day));
    let is_in = |of: &BillingDay| segment <= *of && *of <= last;
    let mut days = days_because(statement, because).into_iter().filter(is_in);
    match (because, days.next()) {
        (
            LineCause::Terms
            | LineCause::Shifted
            | LineCause::Minimum
            | LineCause::Concession
            | LineCause::Tax,
            _,
        )
        | (_, None) => (segment.min(last), last),
        (_, Some(first)) => (first, days.next_back().unwrap_or(first)),
    }
}

fn signed(usage: &Usage, because: LineCause) -> Result<(i64, Decimal), CostsError> {
    let total = usage.total()?;
    let calls = i64::try_from(total.calls.get())
        .map_err(|_| CostsError::Calls(total.calls.get().into()))?;
    Ok(match because {
        LineCause::Void => (-calls, -total.amount.get()),
        LineCause::Usage
        | LineCause::Late
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => (calls, total.amount.get()),
    })
}

impl Prices {
    /// What a line prices on top of the line before it.
    fn new_units(&mut self, line: &Line) -> Result<Vec<PricedUnits>, MoneyError> {
        if line.adjusts() {
            return Ok(Vec::new());
        }
        let key = (line.segment, line.rate.clone());
        let before = line.after.continued.as_ref().map(|continued| continued.slices.clone());
        let now = Sliced { all: line.after.slices.clone(), before: before.unwrap_or_default() };
        let is_first = line.before.metered.is_zero() && line.before.yuan.is_zero();
        let units = match self.0.remove(&key) {
            None if !is_first => Ok(Vec::new()),
            before => difference(&before.unwrap_or_default(), &now),
        };
        self.0.insert(key, now);
        units
    }
}

fn difference(was: &Sliced, now: &Sliced) -> Result<Vec<PricedUnits>, MoneyError> {
    let mut units: Vec<PricedUnits> = Vec::new();
    let all = [(&was.all, true), (&was.before, false), (&now.all, false), (&now.before, true)];
    for (slices, is_taken_off) in all {
        for slice in slices {
            for priced in PricedUnits::of(slice)? {
                let priced = if is_taken_off { priced.taken_off()? } else { priced };
                match units.iter_mut().find(|other| other.has_price_of(&priced)) {
                    Some(other) => other.add(&priced)?,
                    None => units.push(priced),
                }
            }
        }
    }
    units.retain(|units| !units.quantity.is_zero());
    Ok(units)
}

impl PricedUnits {
    /// The units of a slice, and the fee for entering its tier.
    fn of(slice: &Slice) -> Result<Vec<PricedUnits>, MoneyError> {
        let SliceStep { per, size, count, price_yuan, .. } = SliceStep::of(slice);
        let units = PricedUnits {
            after: slice.from,
            per,
            size: size.map(|size| size.get()),
            is_fee: false,
            price_yuan,
            quantity: count,
            list_yuan: slice.amount.minus(slice.flat_fee)?,
        };
        if slice.flat_fee.is_zero() {
            return Ok(vec![units]);
        }
        let fee = PricedUnits {
            is_fee: true,
            price_yuan: slice.flat_fee,
            quantity: Decimal::ONE,
            list_yuan: slice.flat_fee,
            ..units.clone()
        };
        Ok(vec![units, fee])
    }

    fn has_price_of(&self, other: &PricedUnits) -> bool {
        let key = |units: &PricedUnits| (units.after, units.per, units.size, units.is_fee);
        key(self) == key(other) && self.price_yuan == other.price_yuan
    }

    fn taken_off(self) -> Result<PricedUnits, MoneyError> {
        let list_yuan = Yuan::ZERO.minus(self.list_yuan)?;
        Ok(PricedUnits { quantity: -self.quantity, list_yuan, ..self })
    }

    fn add(&mut self, other: &PricedUnits) -> Result<(), MoneyError> {
        self.quantity += other.quantity;
        self.list_yuan = self.list_yuan.plus(other.list_yuan)?;
        Ok(())
    }
}
