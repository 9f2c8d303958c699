//! Reductions: what discounts and maximums take off the price of a rate, or of the plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Discount, DiscountOf, Limit, MoneyError, Name, Percent, PlanDocument, Rate, Rated, Segment,
    Yuan,
};

/// A discount as it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discounted {
    /// The discount.
    pub discount: Name,
    /// Its percentage; nothing where it takes off an amount.
    #[serde(default, skip_serializing_if = "Percent::is_zero")]
    pub percent: Percent,
    /// The amount, where it takes off one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Box<AmountOff>>,
    /// The price that the discount applies to.
    pub of_yuan: Yuan,
    /// How much the discount reduced the price.
    pub off_yuan: Yuan,
}

/// A fixed amount that is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmountOff {
    /// The amount of the month; of a part of it that begins anew, the share by days.
    pub yuan: Yuan,
    /// How much of the amount earlier segments used.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub used_yuan: Yuan,
}

impl AmountOff {
    /// How much of the amount reduces a price: never more than is left of either.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn of(self, left: Yuan) -> Result<Yuan, MoneyError> {
        Ok(self.yuan.minus(self.used_yuan)?.min(left).max(Yuan::ZERO))
    }
}

/// How much of each fixed amount the earlier segments of a run used, by rate and discount. A discount of the
/// plan has no rate.
#[derive(Default)]
pub(crate) struct Used(BTreeMap<(Option<Name>, Name), Yuan>);

impl Rated {
    /// From `base_yuan` to `due_yuan`: discounts, then the maximum, which holds what `earlier` segments came
    /// to as well. A maximum that these are above leaves nothing to pay, and gives nothing back: of what a
    /// rate came to, the plan may have taken off a part.
    pub(crate) fn settle(
        &mut self,
        segment: &Segment<'_>,
        Reductions { rate, discounts, maximum }: Reductions<'_>,
        earlier: Yuan,
        used: &mut Used,
    ) -> Result<(), MoneyError> {
        let mut left = self.base_yuan;
        // Amounts come last: a month that is cut has the same percentages of all its parts, whichever of them
        // used the amounts up.
        for discount in segment.discounts(discounts) {
            let Some(percent) = discount.percent else { continue };
            let taken = discounted(discount, percent, (self.base_yuan, left))?;
            left = left.minus(taken.off_yuan)?;
            self.discounts.push(taken);
        }
        for discount in segment.discounts(discounts) {
            let Some(amount) = discount.amount else { continue };
            let yuan = segment.share_of_amount_off(amount);
            let taken = used.taken(rate, &discount.discount, yuan, left)?;
            left = left.minus(taken.off_yuan)?;
            self.discounts.push(taken);
        }
        self.due_yuan = left;
        let Some(maximum) = maximum.map(|cap| segment.share_of_cap(cap)) else { return Ok(()) };
        if left.plus(earlier)? > maximum {
            self.limit = Some(Limit::Maximum(maximum));
            self.due_yuan = maximum.minus(earlier)?.max(Yuan::ZERO);
        }
        Ok(())
    }
}

/// The discounts and the maximum of a rate, or of the plan.
#[derive(Clone, Copy)]
pub(crate) struct Reductions<'a> {
    /// None for those of the plan.
    rate: Option<&'a Name>,
    discounts: &'a [Discount],
    maximum: Option<Yuan>,
}

impl<'a> Reductions<'a> {
    pub(crate) fn of_rate(rate: &'a Rate) -> Reductions<'a> {
        let Rate { rate, discounts, maximum, .. } = rate;
        Reductions { rate: Some(rate), discounts, maximum: *maximum }
    }

    pub(crate) fn of_plan(document: &'a PlanDocument) -> Reductions<'a> {
        let PlanDocument { discounts, maximum, .. } = document;
        Reductions { rate: None, discounts, maximum: *maximum }
    }
}

impl Used {
    /// What is taken off what is left of a segment, of an amount of its run.
    fn taken(
        &mut self,
        rate: Option<&Name>,
        discount: &Name,
        yuan: Yuan,
        left: Yuan,
    ) -> Result<Discounted, MoneyError> {
        let used = self.0.entry((rate.cloned(), discount.clone())).or_default();
        let amount = AmountOff { yuan, used_yuan: *used };
        let off_yuan = amount.of(left)?;
        *used = used.plus(off_yuan)?;
        Ok(Discounted {
            discount: discount.clone(),
            percent: Percent::default(),
            amount: Some(Box::new(amount)),
            of_yuan: left,
            off_yuan,
        })
    }
}

fn discounted(
    discount: &Discount,
    percent: Percent,
    (list, left): (Yuan, Yuan),
) -> Result<Discounted, MoneyError> {
    let of_yuan = match discount.of {
        DiscountOf::Remaining => left,
        DiscountOf::List => list,
    };
    let off = of_yuan.percent(percent)?;
    Ok(Discounted {
        discount: discount.discount.clone(),
        percent,
        amount: None,
        of_yuan,
        // Never more than is left; of a credit, never a larger one.
        off_yuan: if left < Yuan::ZERO { off.max(left) } else { off.min(left) },
    })
}
