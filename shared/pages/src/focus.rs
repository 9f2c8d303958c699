//! Costs in the form of the FinOps Open Cost and Usage Specification (FOCUS), versions 1.0 and 1.2.
//!
//! A row is what a line of a bill charges at one price; what a line charges is shared out to its
//! prices by what they cost before discounts, so that `BilledCost` sums to the charges of the
//! bills, to the fen. A bill is of a day, so the billing period is a day too; late and withdrawn
//! usage of earlier days, and notes, are corrections of periods that were invoiced before.
//!
//! `ListCost` and `ContractedCost` are before discounts, caps and minimums, which are in
//! `BilledCost` and `EffectiveCost`. What is about no price (a plan's own discount, a minimum,
//! changed terms, a note) is an adjustment, whose costs are all the billed one.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use rust_decimal::Decimal;
use steelyard_billing::Calendar;
use steelyard_pricing::{BillingDay, Fen, MoneyError, Yuan};
use thiserror::Error;

use crate::bill::SlicePer;
use crate::costs::{ChargeKind, ChargeRow, Costs, PricedUnits};
use crate::csv::{Cell, FileError, written, yuan};

/// A version of the specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FocusVersion {
    /// 1.0, of June 2024.
    V1_0,
    /// 1.2, of May 2025.
    #[default]
    V1_2,
}

/// A text that names no version that can be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`version` is `1.0` or `1.2`, not `{0}`")]
pub struct FocusVersionError(String);

/// Why a FOCUS file cannot be written.
#[derive(Debug, Error)]
pub enum FocusError {
    /// An amount leaves its range.
    #[error("cannot share out a charge")]
    Money(#[from] MoneyError),
    /// The rows cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The columns of version 1.0, by name.
const COLUMNS: [&str; 43] = [
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
];

/// What version 1.2 has beside them.
const COLUMNS_OF_1_2: [&str; 6] = [
    "BillingAccountType",
    "InvoiceId",
    "PricingCurrency",
    "ServiceSubcategory",
    "SkuMeter",
    "SkuPriceDetails",
];

/// A row: what a line charges at one price, or by none.
struct FocusRow<'a> {
    of: &'a ChargeRow,
    priced: Option<&'a PricedUnits>,
    billed: Fen,
    /// Whether it is the first of its line, which has the calls.
    is_first: bool,
}

/// The costs as a FOCUS file, in which `issuer` names the platform.
///
/// # Errors
///
/// [`FocusError`] when an amount leaves its range.
pub fn costs_focus(
    costs: &Costs,
    calendar: &Calendar,
    issuer: &str,
    version: FocusVersion,
) -> Result<Vec<u8>, FocusError> {
    let mut rows = Vec::new();
    // What no rate covers is neither priced nor charged.
    for row in costs.rows.iter().filter(|row| row.kind != ChargeKind::Unpriced) {
        rows.extend(FocusRow::of(row)?);
    }
    let provider = costs.provider.to_string();
    let names = Names { issuer, provider: &provider, calendar };
    let file = match version {
        FocusVersion::V1_0 => written(b"", &COLUMNS, rows.iter().map(|row| row.cells(&names))),
        FocusVersion::V1_2 => {
            let columns = COLUMNS.iter().chain(&COLUMNS_OF_1_2).copied().collect::<Vec<_>>();
            written(b"", &columns, rows.iter().map(|row| row.cells_of_1_2(&names)))
        }
    };
    Ok(file?)
}

/// Whose costs, and who issues them.
struct Names<'a> {
    issuer: &'a str,
    provider: &'a str,
    calendar: &'a Calendar,
}

impl<'a> FocusRow<'a> {
    /// The rows of a line: one for each price, or one without.
    fn of(row: &'a ChargeRow) -> Result<Vec<FocusRow<'a>>, MoneyError> {
        let weights = row.priced.iter().map(|priced| priced.list_yuan).collect::<Vec<_>>();
        let shares = row.charge_fen.shared_out(&weights)?;
        let rows = row.priced.iter().zip(shares).enumerate().map(|(place, (priced, billed))| {
            FocusRow { of: row, priced: Some(priced), billed, is_first: place == 0 }
        });
        let rows = rows.collect::<Vec<_>>();
        if rows.is_empty() {
            let billed = row.charge_fen;
            return Ok(vec![FocusRow { of: row, priced: None, billed, is_first: true }]);
        }
        Ok(rows)
    }

    fn cells(&self, names: &Names<'_>) -> [Cell; 43] {
        let text = |text: &str| Cell::Text(text.to_owned());
        let word = |word: &str| Cell::Plain(word.to_owned());
        let number = |number: Decimal| Cell::Plain(number.normalize().to_string());
        let price = self.unit_price().map_or(Cell::Empty, number);
        let list = number(self.list_cost().decimal());
        let billed = || Cell::Plain(yuan(self.billed));
        let day = self.of.statement.day;
        [
            Cell::Empty,
            billed(),
            text(names.provider),
            text(names.provider),
            word("CNY"),
            Cell::Plain(start(names.calendar, day.next())),
            Cell::Plain(start(names.calendar, day)),
            word(self.category()),
            if self.is_correction() { word("Correction") } else { Cell::Empty },
            Cell::Text(self.description()),
            word(self.frequency()),
            Cell::Plain(start(names.calendar, self.of.through.next())),
            Cell::Plain(start(names.calendar, self.of.from)),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            if self.is_usage() { number(self.consumed()) } else { Cell::Empty },
            if self.is_usage() { word("Calls") } else { Cell::Empty },
            number(self.list_cost().decimal()),
            self.unit_price().map_or(Cell::Empty, number),
            billed(),
            text(names.issuer),
            list,
            price,
            if self.is_usage() { word("Standard") } else { Cell::Empty },
            if self.is_usage() { number(self.quantity()) } else { Cell::Empty },
            if self.is_usage() { Cell::Text(self.pricing_unit()) } else { Cell::Empty },
            text(names.issuer),
            text(names.issuer),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            word("Integration"),
            word("API calls"),
            if self.is_tax() { Cell::Empty } else { Cell::Text(self.sku()) },
            if self.is_tax() { Cell::Empty } else { Cell::Text(self.sku_price()) },
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]
    }

    fn cells_of_1_2(&self, names: &Names<'_>) -> [Cell; 49] {
        let word = |word: &str| Cell::Plain(word.to_owned());
        let more = [
            word("Provider"),
            Cell::Text(self.of.statement.to_string()),
            word("CNY"),
            word("API Management"),
            word("API calls"),
            Cell::Empty,
        ];
        let mut all = self.cells(names).into_iter().chain(more);
        std::array::from_fn(|_| all.next().unwrap_or(Cell::Empty))
    }

    fn is_usage(&self) -> bool {
        match self.of.kind {
            // A line without calls and prices is of a minimum, or of the end of the month.
            ChargeKind::Usage => self.of.calls != 0 || self.priced.is_some(),
            ChargeKind::Late | ChargeKind::Void => true,
            ChargeKind::Terms
            | ChargeKind::Shifted
            | ChargeKind::Minimum
            | ChargeKind::Concession
            | ChargeKind::Tax
            | ChargeKind::Plan
            | ChargeKind::Unpriced
            | ChargeKind::CreditNote
            | ChargeKind::DebitNote => false,
        }
    }

    fn is_tax(&self) -> bool {
        self.of.kind == ChargeKind::Tax
    }

    fn is_correction(&self) -> bool {
        match self.of.kind {
            ChargeKind::Usage
            | ChargeKind::Plan
            | ChargeKind::Minimum
            | ChargeKind::Concession
            | ChargeKind::Tax
            | ChargeKind::Unpriced => false,
            ChargeKind::Late
            | ChargeKind::Void
            | ChargeKind::Terms
            | ChargeKind::Shifted
            | ChargeKind::CreditNote
            | ChargeKind::DebitNote => true,
        }
    }

    fn category(&self) -> &'static str {
        match (self.is_usage(), self.is_tax()) {
            (true, _) => "Usage",
            (false, true) => "Tax",
            (false, false) => "Adjustment",
        }
    }

    fn frequency(&self) -> &'static str {
        let is_fee = self.priced.is_some_and(|priced| priced.is_fee);
        if self.is_usage() && !is_fee { "Usage-Based" } else { "One-Time" }
    }

    fn consumed(&self) -> Decimal {
        if self.is_first { self.of.calls.into() } else { Decimal::ZERO }
    }

    fn quantity(&self) -> Decimal {
        self.priced.map_or(Decimal::ZERO, |priced| priced.quantity)
    }

    /// The price of a unit. Usage within its allowance has no units to price, and so the price of
    /// none.
    fn unit_price(&self) -> Option<Decimal> {
        let none = self.is_usage() && self.billed.is_zero();
        let price = self.priced.map(|priced| priced.price_yuan.decimal());
        price.or_else(|| none.then_some(Decimal::ZERO))
    }

    fn list_cost(&self) -> Yuan {
        self.priced.map_or(self.billed.into(), |priced| priced.list_yuan)
    }

    fn pricing_unit(&self) -> String {
        let Some(priced) = self.priced else { return "Calls".to_owned() };
        let size = priced.size.map(|size| size.normalize().to_string()).unwrap_or_default();
        match priced.per {
            _ if priced.is_fee => "Fees".to_owned(),
            SlicePer::Unit | SlicePer::Call => "Calls".to_owned(),
            SlicePer::StartedPackage
            | SlicePer::FullPackage
            | SlicePer::HalfUpPackage
            | SlicePer::HalfEvenPackage
            | SlicePer::StartedBlock => format!("{size} Calls"),
            SlicePer::Yuan => "CNY".to_owned(),
        }
    }

    /// The rate, or what the row is of.
    fn sku(&self) -> String {
        match &self.of.rate {
            Some(rate) => rate.to_string(),
            None => self.of.kind.name().replace(' ', "-"),
        }
    }

    /// The price in the price list: its plan, its rate, and after how many units it begins.
    fn sku_price(&self) -> String {
        let plan = self.of.plan.as_ref().map(|plan| format!("{plan}/")).unwrap_or_default();
        let sku = self.sku();
        match self.priced {
            Some(priced) if priced.is_fee => format!("{plan}{sku}/after-{}/fee", priced.after),
            Some(priced) => format!("{plan}{sku}/after-{}", priced.after.normalize()),
            None => format!("{plan}{sku}"),
        }
    }

    fn description(&self) -> String {
        let of = self.of;
        let what = match (&of.rate, &of.note, &of.reason) {
            (_, Some(note), Some(reason)) => format!("{}: {reason} ({note})", of.kind.name()),
            (Some(rate), _, _) => format!("{rate}: {}", of.kind.name()),
            (None, _, _) => of.kind.name().to_owned(),
        };
        let days = if of.from == of.through {
            of.from.to_string()
        } else {
            format!("{} to {}", of.from, of.through)
        };
        format!("{what}, of {days}, bill {}", of.statement)
    }
}

/// The first instant of a day of the platform: `2015-05-17T16:00:00Z`.
fn start(calendar: &Calendar, day: BillingDay) -> String {
    calendar.instant(day.date(), Time::midnight()).to_string()
}

impl FromStr for FocusVersion {
    type Err = FocusVersionError;

    fn from_str(text: &str) -> Result<FocusVersion, FocusVersionError> {
        match text {
            "1.0" => Ok(FocusVersion::V1_0),
            "1.2" => Ok(FocusVersion::V1_2),
            _ => Err(FocusVersionError(text.to_owned())),
        }
    }
}

impl fmt::Display for FocusVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FocusVersion::V1_0 => "1.0",
            FocusVersion::V1_2 => "1.2",
        })
    }
}
