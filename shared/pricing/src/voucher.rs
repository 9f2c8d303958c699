//! Vouchers: fixed amounts that are given once, or whose rest is carried from month to month.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    AmountOff, BillingDay, BillingMonth, Discount, Given, MoneyError, Name, Rated, Remainder,
    Segment, Yuan,
};

/// Which voucher: a discount from the day on which a provider first had it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Voucher {
    /// The rate; none for a discount on the sum of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Name>,
    /// The name of the discount; of an override, that of the override.
    pub discount: Name,
    /// The first day on which it holds for the provider.
    pub since: BillingDay,
}

/// How much of vouchers was used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<VoucherUse>", into = "Vec<VoucherUse>")]
pub struct VouchersUsed(BTreeMap<Voucher, Yuan>);

/// How much of one voucher was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherUse {
    /// The voucher, which its name and its first day identify.
    #[serde(flatten)]
    pub voucher: Voucher,
    /// The amount used, exact, in yuan.
    pub yuan: Yuan,
}

/// What the months before a month mean for its vouchers.
#[derive(Clone, Copy, Debug)]
pub struct EarlierMonths<'a> {
    /// The first month: no voucher is given for months before it.
    pub first: BillingMonth,
    /// The day from which the provider is on the plan of a segment without a break.
    pub plan_since: BillingDay,
    /// The amounts of each voucher that those months used.
    pub used: &'a VouchersUsed,
}

impl From<Vec<VoucherUse>> for VouchersUsed {
    fn from(uses: Vec<VoucherUse>) -> VouchersUsed {
        VouchersUsed(uses.into_iter().map(|VoucherUse { voucher, yuan }| (voucher, yuan)).collect())
    }
}

impl From<VouchersUsed> for Vec<VoucherUse> {
    fn from(used: VouchersUsed) -> Vec<VoucherUse> {
        used.0.into_iter().map(|(voucher, yuan)| VoucherUse { voucher, yuan }).collect()
    }
}

impl VouchersUsed {
    /// Whether none was used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much of a voucher was used.
    #[must_use]
    pub fn of(&self, voucher: &Voucher) -> Yuan {
        self.0.get(voucher).copied().unwrap_or(Yuan::ZERO)
    }

    /// The vouchers, with how much of each was used.
    pub fn iter(&self) -> impl Iterator<Item = (&Voucher, Yuan)> {
        self.0.iter().map(|(voucher, yuan)| (voucher, *yuan))
    }

    /// What both used.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn plus(&self, other: &VouchersUsed) -> Result<VouchersUsed, MoneyError> {
        let mut sum = self.clone();
        for (voucher, yuan) in other.iter() {
            sum.add(voucher.clone(), yuan)?;
        }
        Ok(sum)
    }

    pub(crate) fn add(&mut self, voucher: Voucher, yuan: Yuan) -> Result<(), MoneyError> {
        let used = self.0.entry(voucher).or_insert(Yuan::ZERO);
        *used = used.plus(yuan)?;
        Ok(())
    }

    /// Notes what a rate, or the plan, uses now in place of what it used before. Whether that is
    /// another amount.
    pub(crate) fn note(&mut self, rate: Option<&Name>, rated: &Rated) -> bool {
        let is_voucher = |off: &AmountOff| off.since.is_some();
        let amounts = || rated.discounts.iter().filter_map(|taken| taken.amount.as_deref());
        if self.is_empty() && !amounts().any(is_voucher) {
            return false;
        }
        let before = self.0.clone();
        self.0.retain(|voucher, _| voucher.rate.as_ref() != rate);
        for taken in rated.discounts.iter().filter(|taken| !taken.off_yuan.is_zero()) {
            let Some(since) = taken.amount.as_deref().and_then(|off| off.since) else { continue };
            let (rate, discount) = (rate.cloned(), taken.discount.clone());
            self.0.insert(Voucher { rate, discount, since }, taken.off_yuan);
        }
        self.0 != before
    }
}

impl Rated {
    /// How much a line of a rate, or of the plan, uses of vouchers.
    #[must_use]
    pub fn vouchers_used(&self, rate: Option<&Name>) -> VouchersUsed {
        let mut used = VouchersUsed::default();
        used.note(rate, self);
        used
    }
}

impl Discount {
    /// Whether what a month leaves of it matters to other months.
    pub(crate) fn is_voucher(&self) -> bool {
        self.given == Given::Once || self.remainder == Remainder::Carried
    }

    /// How much of the amount was given from a day on, the month being the last one.
    fn given(
        &self,
        amount: Yuan,
        since: BillingDay,
        month: BillingMonth,
    ) -> Result<Yuan, MoneyError> {
        match (self.given, self.remainder) {
            (Given::Once, Remainder::Dropped) if since.month() < month => Ok(Yuan::ZERO),
            (Given::Once, _) => Ok(amount),
            (Given::Monthly, _) => amount.times((month.months_since(since.month()) + 1).into()),
        }
    }
}

impl<'a> Segment<'a> {
    /// The segment after other months. Without them, vouchers are as if first given in its month.
    #[must_use]
    pub fn after_months(mut self, earlier: EarlierMonths<'_>) -> Segment<'a> {
        let EarlierMonths { first, plan_since, used } = earlier;
        let document = self.plan().document();
        let of_rates = document
            .rates
            .iter()
            .flat_map(|rate| rate.discounts.iter().map(|discount| (Some(&rate.rate), discount)));
        let of_plan = document.discounts.iter().map(|discount| (None, discount));
        let held = of_plan
            .chain(of_rates)
            .filter(|(_, discount)| discount.is_voucher() && discount.holds_on(self.from()));
        let vouchers = held.map(|(rate, discount)| {
            let given = discount.from.unwrap_or(plan_since);
            // That of an override goes on when the plan changes.
            let since = if discount.is_of_override { given } else { given.max(plan_since) };
            let since = since.max(first.first_day());
            let voucher =
                Voucher { rate: rate.cloned(), discount: discount.discount.clone(), since };
            (voucher.clone(), used.of(&voucher))
        });
        let vouchers = VouchersUsed(vouchers.collect());
        self.set_vouchers(vouchers);
        self
    }

    /// A discount of a fixed amount as a voucher of the segment, with how much earlier months used
    /// of it.
    pub(crate) fn voucher(&self, rate: Option<&Name>, discount: &Discount) -> (Voucher, Yuan) {
        let is_it = |voucher: &Voucher| {
            voucher.rate.as_ref() == rate && voucher.discount == discount.discount
        };
        let known = self.span().vouchers.iter().find(|(voucher, _)| is_it(voucher));
        known.map(|(voucher, used)| (voucher.clone(), used)).unwrap_or_else(|| {
            let first = self.from().month().first_day();
            let since = discount.from.map_or(first, |from| from.max(first));
            let voucher =
                Voucher { rate: rate.cloned(), discount: discount.discount.clone(), since };
            (voucher, Yuan::ZERO)
        })
    }

    /// What there is of a voucher, `used_yuan` of it by earlier segments of the month.
    pub(crate) fn voucher_amount(
        &self,
        (voucher, earlier_yuan): (&Voucher, Yuan),
        (discount, amount): (&Discount, Yuan),
        used_yuan: Yuan,
    ) -> Result<AmountOff, MoneyError> {
        let yuan = discount.given(amount, voucher.since, self.from().month())?;
        Ok(AmountOff { yuan, since: Some(voucher.since), earlier_yuan, used_yuan })
    }
}
