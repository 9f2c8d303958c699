//! Shares of a metered amount.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::tiers::{check_ends, is_false, spans};
use super::{Billable, Per, Slice, check_price};
use crate::ceiling::Ceiling;
use crate::faults::{Faults, Rule};
use crate::{MoneyError, Percent, Quantity, Yuan};

/// A share of the metered amount, and a fee for each call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Percentage {
    /// The share of the amount.
    pub percent: Percent,
    /// The part of the amount that passes free, in yuan, beside any allowance.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_amount: Quantity,
    /// What each call costs, in yuan, those of the free amount too; nothing unless given.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub fee_per_call: Yuan,
    /// The first calls of the month, which carry no fee, a whole number; none unless given. Their
    /// amounts count: a counter cannot tell which amounts came first.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_calls: Quantity,
}

/// Shares of the metered amount by tiers, and a fee for each call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GraduatedPercentage {
    /// The tiers, from the first yuan on; only the last one is open.
    pub tiers: Vec<PercentageTier>,
    /// What each call costs, in yuan; nothing unless given.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub fee_per_call: Yuan,
    /// The first calls of the month, which carry no fee, a whole number; none unless given. Their
    /// amounts count: a counter cannot tell which amounts came first.
    #[serde(default, skip_serializing_if = "Quantity::is_zero")]
    pub free_calls: Quantity,
    /// Whether the first tier's flat fee is due, at the end of the month, without any amount.
    #[serde(default, skip_serializing_if = "is_false")]
    pub flat_fee_at_zero_usage: bool,
}

/// One tier of a metered amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PercentageTier {
    /// The last yuan of the tier, inclusive; absent in the last tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Quantity>,
    /// The share of the amount that falls in the tier.
    pub percent: Percent,
    /// What is due once when the tier is entered, in yuan; nothing unless given.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub flat_fee: Yuan,
}

impl Percentage {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let (from, to) = (self.free_amount.get(), billable.units);
        let mut slices = Slice::free(from.min(to), Per::Yuan)?.into_iter().collect::<Vec<_>>();
        if from < to {
            slices.push(share(from, to, self.percent, Yuan::ZERO)?);
        }
        slices.extend(fees(self.fee_per_call, self.free_calls, billable.calls)?);
        Ok(slices)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        check_fees(self.fee_per_call, self.free_calls, faults);
    }

    pub(super) fn ceiling(&self, units: Decimal, calls: Decimal) -> Ceiling {
        Ceiling::of(units, [self.percent.of_one_yuan()], []).plus(Ceiling::of(
            calls,
            [self.fee_per_call],
            [],
        ))
    }
}

impl GraduatedPercentage {
    pub(super) fn slices(&self, billable: Billable) -> Result<Vec<Slice>, MoneyError> {
        let mut slices = Vec::new();
        let ends = self.tiers.iter().map(|tier| tier.up_to);
        for (tier, span) in self.tiers.iter().zip(spans(ends, billable.units)) {
            slices.push(share(span.from, span.to, tier.percent, tier.flat_fee)?);
        }
        let without_amount = billable.closing && self.flat_fee_at_zero_usage && slices.is_empty();
        if let Some(tier) = self.tiers.first().filter(|_| without_amount) {
            slices.push(share(Decimal::ZERO, Decimal::ZERO, tier.percent, tier.flat_fee)?);
        }
        slices.extend(fees(self.fee_per_call, self.free_calls, billable.calls)?);
        Ok(slices)
    }

    pub(super) fn check(&self, faults: &mut Faults) {
        faults.at("tiers", |faults| {
            check_ends(self.tiers.iter().map(|tier| tier.up_to), faults);
            for (index, tier) in self.tiers.iter().enumerate() {
                faults.at(index, |faults| {
                    faults.at("flat_fee", |faults| check_price(tier.flat_fee, faults));
                });
            }
        });
        check_fees(self.fee_per_call, self.free_calls, faults);
    }

    pub(super) fn ceiling(&self, units: Decimal, calls: Decimal) -> Ceiling {
        let shares = self.tiers.iter().map(|tier| tier.percent.of_one_yuan());
        Ceiling::of(units, shares, self.tiers.iter().map(|tier| tier.flat_fee)).plus(Ceiling::of(
            calls,
            [self.fee_per_call],
            [],
        ))
    }
}

fn share(
    from: Decimal,
    to: Decimal,
    percent: Percent,
    flat_fee: Yuan,
) -> Result<Slice, MoneyError> {
    Slice::counted(from, to, Per::Yuan, to - from, percent.of_one_yuan(), flat_fee)
}

/// The calls without a fee and those with one, if there is a fee.
fn fees(fee: Yuan, free: Quantity, calls: Decimal) -> Result<Vec<Slice>, MoneyError> {
    if fee.is_zero() {
        return Ok(Vec::new());
    }
    let from = free.get().min(calls);
    let mut slices = Slice::free(from, Per::Call)?.into_iter().collect::<Vec<_>>();
    if from < calls {
        slices.push(Slice::counted(from, calls, Per::Call, calls - from, fee, Yuan::ZERO)?);
    }
    Ok(slices)
}

fn check_fees(fee: Yuan, free: Quantity, faults: &mut Faults) {
    faults.at("fee_per_call", |faults| check_price(fee, faults));
    faults.at("free_calls", |faults| {
        faults.unless(free.get().is_integer(), || Rule::PartialCalls);
    });
}
