//! Reductions: what discounts and maximums take off the price of a rate, or of the plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    BillingDay, Discount, DiscountOf, Limit, MoneyError, Name, Percent, PlanDocument, Rate, Rated,
    Segment, VouchersUsed, Yuan,
};

/// A discount as it was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discounted {
    /// The name that the plan gives the discount.
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
    /// The amount of the month; of a part of it that begins anew, the share by days. Of a voucher,
    /// all that was given so far.
    pub yuan: Yuan,
    /// The day from which a voucher is given; none for an amount of one month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<BillingDay>,
    /// How much of a voucher earlier months used.
    #[serde(default, skip_serializing_if = "Yuan::is_zero")]
    pub earlier_yuan: Yuan,
    /// How much of the amount earlier segments of the month used.
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
        let rest = self.yuan.minus(self.earlier_yuan)?.minus(self.used_yuan)?;
        Ok(rest.min(left).max(Yuan::ZERO))
    }
}

/// How much of each fixed amount the earlier segments of a month used.
#[derive(Default)]
pub(crate) struct Used {
    /// Of those of the month, by rate and discount, in the run so far. A discount of the plan has
    /// no rate.
    run: BTreeMap<(Option<Name>, Name), Yuan>,
    vouchers: VouchersUsed,
}

impl Rated {
    /// From `base_yuan` to `due_yuan`: discounts, then the maximum, which also counts the amount of
    /// the `earlier` segments. If these alone exceed it, nothing is to pay, and it gives nothing
    /// back: the plan may have taken off a part of a rate's amount.
    pub(crate) fn settle(
        &mut self,
        segment: &Segment<'_>,
        Reductions { rate, discounts, maximum }: Reductions<'_>,
        earlier: Yuan,
        used: &mut Used,
    ) -> Result<(), MoneyError> {
        let mut left = self.base_yuan;
        // Amounts come last: a month that is cut has the same percentages of all its parts,
        // whichever of them used the amounts up.
        for discount in segment.discounts(discounts) {
            let Some(percent) = discount.percent else { continue };
            let taken = discounted(discount, percent, (self.base_yuan, left))?;
            left = left.minus(taken.off_yuan)?;
            self.discounts.push(taken);
        }
        for discount in segment.discounts(discounts) {
            let Some(amount) = discount.amount else { continue };
            let taken = used.taken(segment, rate, (discount, amount), left)?;
            if taken.amount.as_ref().is_some_and(|off| off.since.is_some() && off.yuan.is_zero()) {
                // A voucher of an earlier month, of which nothing is carried.
                continue;
            }
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
    /// Begins a run, which has amounts of its own; vouchers go on.
    pub(crate) fn begin_run(&mut self) {
        self.run.clear();
    }

    /// What is taken off what is left of a segment.
    fn taken(
        &mut self,
        segment: &Segment<'_>,
        rate: Option<&Name>,
        (discount, yuan): (&Discount, Yuan),
        left: Yuan,
    ) -> Result<Discounted, MoneyError> {
        let (amount, off_yuan) = if discount.is_voucher() {
            let (voucher, earlier) = segment.voucher(rate, discount);
            let used = self.vouchers.of(&voucher);
            let of = (discount, yuan);
            let amount = segment.voucher_amount((&voucher, earlier), of, used)?;
            let off = amount.of(left)?;
            self.vouchers.add(voucher, off)?;
            (amount, off)
        } else {
            let used = self.run.entry((rate.cloned(), discount.discount.clone())).or_default();
            let yuan = segment.share_of_amount_off(yuan);
            let (since, earlier_yuan) = (None, Yuan::ZERO);
            let amount = AmountOff { yuan, since, earlier_yuan, used_yuan: *used };
            let off = amount.of(left)?;
            *used = used.plus(off)?;
            (amount, off)
        };
        Ok(Discounted {
            discount: discount.discount.clone(),
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
