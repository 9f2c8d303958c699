//! What is good to know: facts, their amounts in yuan, and whether anything has to be done.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use steelyard_billing::mandate::{MandatePhase, Suspension};
use steelyard_billing::{
    AdjustmentId, CountedDays, DeclineReason, Phase, Statement, StatementId, charged_between,
};
use steelyard_pricing::{
    BillingDay, BillingMonth, Calls, Condenser, Fen, LineCause, Metered, Name, Per, Percent, Plan,
    PriceModel, Progress, Quote, Rate, Segment, Slice, Terms, Yuan,
};
use utoipa::ToSchema;

use super::{Overview, OverviewError, Parts, WithholdingState};
use crate::Records;
use crate::alerts::{AlertItem, items};
use crate::deposit::DepositView;
use crate::forecast::{NEXT_CALLS, SoFar};
use crate::standing::StandingView;

/// The number of coming price changes that are listed.
const PRICE_CHANGES_MAX: usize = 2;

/// The number of days with late, withdrawn or corrected usage that are listed, the last ones.
const CORRECTIONS_MAX: usize = 3;

/// Something that is good to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The agreement is suspended.
    AgreementSuspended {
        /// Since when, in seconds of Unix time.
        #[schema(value_type = i64)]
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        since_s: Timestamp,
        /// Whether Alipay says so; otherwise a debit found that the account can't be debited.
        by_alipay: bool,
        /// The receivable, which no debit can collect.
        #[schema(value_type = i64)]
        owed_fen: Fen,
    },
    /// A debit was declined.
    DebitDeclined {
        /// When, in seconds of Unix time.
        #[schema(value_type = i64)]
        #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
        at_s: Timestamp,
        /// The kind of decline, which decides about the next try.
        #[schema(value_type = String)]
        reason: DeclineReason,
        /// The amount that Alipay declined.
        #[schema(value_type = i64)]
        amount_fen: Fen,
        /// When it is tried again, in seconds of Unix time; none if it was given up.
        #[schema(value_type = Option<i64>)]
        #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
        next_at_s: Option<Timestamp>,
    },
    /// Arrears, or a decision of the platform, have consequences for the calls.
    Standing(StandingView),
    /// A deposit is held or wanted.
    Deposit(DepositView),
    /// An alert stands.
    Alert(AlertItem),
    /// The prices change on a later day.
    PriceChange {
        /// The first day of the new terms.
        #[schema(value_type = String)]
        from: BillingDay,
        /// The new and the former terms of each rate that changes.
        rates: Vec<RateTerms>,
        /// Which usage the effect is computed for.
        basis: Basis,
        /// What the usage costs by the terms before.
        #[schema(value_type = i64)]
        before_fen: Fen,
        /// What it costs by the new terms.
        #[schema(value_type = i64)]
        after_fen: Fen,
        /// The difference between the two.
        #[schema(value_type = i64)]
        change_fen: Fen,
    },
    /// The terms changed inside the month after days of it were settled, whose amounts the next
    /// bill moves.
    TermsChange {
        /// The first day of the new terms; none where they hold for the whole month.
        #[schema(value_type = Option<String>)]
        from: Option<BillingDay>,
        /// What the next bill charges for the days settled before; negative where it credits.
        #[schema(value_type = i64)]
        charge_fen: Fen,
    },
    /// Usage came after its day was settled.
    LateUsage {
        /// The bill that charges it.
        #[schema(value_type = String)]
        bill: StatementId,
        /// The days of the usage.
        #[schema(value_type = Vec<String>)]
        days: Vec<BillingDay>,
        /// The calls that were reported late.
        #[schema(value_type = u64)]
        calls: Calls,
        /// The sum that they were charged.
        #[schema(value_type = i64)]
        charge_fen: Fen,
    },
    /// Usage was withdrawn after its day was settled.
    Withdrawn {
        /// The bill that credits it.
        #[schema(value_type = String)]
        bill: StatementId,
        /// The days of the usage.
        #[schema(value_type = Vec<String>)]
        days: Vec<BillingDay>,
        /// The calls that were withdrawn.
        #[schema(value_type = u64)]
        calls: Calls,
        /// What the bill charges for it: negative, or nothing.
        #[schema(value_type = i64)]
        charge_fen: Fen,
    },
    /// A closed month was corrected by a credit or a debit note.
    Adjusted {
        /// The bill that books it.
        #[schema(value_type = String)]
        bill: StatementId,
        /// The id of the note.
        #[schema(value_type = String)]
        adjustment: AdjustmentId,
        /// The bill that it corrects.
        #[schema(value_type = String)]
        corrects: StatementId,
        /// Positive where it charges, negative where it credits.
        #[schema(value_type = i64)]
        amount_fen: Fen,
        /// Why, in the words of its author.
        reason: String,
    },
    /// Calls of a rate entered a cheaper tier.
    CheaperTier {
        /// The name of the rate.
        #[schema(value_type = String)]
        rate: Name,
        /// The first day whose bill has calls in it.
        #[schema(value_type = String)]
        since: BillingDay,
        /// The units of the rate after which it begins, those that are free included.
        #[schema(value_type = String)]
        beyond: Decimal,
        /// What 10,000 calls cost in it.
        #[schema(value_type = String)]
        now_yuan: Yuan,
        /// The price that they had before.
        #[schema(value_type = String)]
        before_yuan: Yuan,
    },
}

/// How the terms of a rate change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateTerms {
    /// The name of the rate.
    #[schema(value_type = String)]
    pub rate: Name,
    /// The price of a unit before, where both are one price for every unit; discounts taken off.
    #[schema(value_type = Option<String>)]
    pub before_yuan: Option<Yuan>,
    /// The price of a unit after.
    #[schema(value_type = Option<String>)]
    pub after_yuan: Option<Yuan>,
}

/// Which usage an effect is computed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum Basis {
    /// A whole month.
    Month {
        /// The month whose usage is priced.
        #[schema(value_type = String)]
        month: BillingMonth,
    },
    /// The month so far, settled days only.
    MonthToDate {
        /// Its last settled day.
        #[schema(value_type = String)]
        through: BillingDay,
    },
}

impl Parts<'_> {
    pub(super) fn notices(&self, so_far: &SoFar<'_>) -> Result<Vec<Notice>, OverviewError> {
        let mut notices = Vec::new();
        if self.more.closed.is_none() {
            notices.extend(self.more.standing.and_then(StandingView::of).map(Notice::Standing));
            notices.extend(self.suspended());
            notices.extend(self.declined()?);
            notices.extend(DepositView::of(self.records)?.map(Notice::Deposit));
            let alerts = items(self.records.account, self.records.today()?.month());
            notices.extend(alerts.into_iter().map(Notice::Alert));
            notices.extend(self.price_changes()?);
            notices.extend(terms_change(so_far)?);
        }
        notices.extend(self.corrections()?);
        notices.extend(self.cheaper_tiers(so_far)?);
        Ok(notices)
    }

    fn suspended(&self) -> Option<Notice> {
        let MandatePhase::Suspended { since_s, why } = &self.more.mandate?.phase else {
            return None;
        };
        let by_alipay = match why {
            Suspension::ByGateway => true,
            Suspension::ByDebit { .. } => false,
        };
        let owed_fen = self.records.account.figures.receivable();
        Some(Notice::AgreementSuspended { since_s: *since_s, by_alipay, owed_fen })
    }

    fn declined(&self) -> Result<Option<Notice>, OverviewError> {
        let Some(debit) = self.more.debit else { return Ok(None) };
        let Some(declined) = debit.declines.last() else { return Ok(None) };
        let state = self.next_withholding()?.state;
        let next_at_s = match (&debit.phase, state) {
            (Phase::Due, WithholdingState::Declined) => Some(debit.task.due_at_s),
            (_, WithholdingState::GivenUp) if self.given_up().is_some() => None,
            _ => return Ok(None),
        };
        Ok(debit.terms.as_ref().map(|terms| Notice::DebitDeclined {
            at_s: declined.at_s,
            reason: declined.reason,
            amount_fen: terms.amount_fen,
            next_at_s,
        }))
    }

    /// The next changes of the terms, as far as they are known: where a plan, a version, an
    /// override or a discount begins or ends.
    fn price_changes(&self) -> Result<Vec<Notice>, OverviewError> {
        let (provider, plans) = (self.records.provider, self.records.plans);
        let days = days_of_change(self.records, self.today);
        if days.is_empty() {
            return Ok(Vec::new());
        }
        let Some((basis, usage)) = self.basis()? else { return Ok(Vec::new()) };
        let mut changes = Vec::new();
        for day in days {
            let terms = provider.terms_on(day.previous(), plans).zip(provider.terms_on(day, plans));
            let Some((old, new)) = terms else { continue };
            let (old, new) = (old.as_on(day.previous())?, new.as_on(day)?);
            let rates = changed_rates(&old, &new);
            if is_same(&old, &new) {
                continue;
            }
            let usage = condensed(&usage, [&old, &new])?;
            let (before_fen, after_fen) = (price(&usage, &old)?, price(&usage, &new)?);
            let change_fen = after_fen.minus(before_fen)?;
            changes.push(Notice::PriceChange {
                from: day,
                rates,
                basis,
                before_fen,
                after_fen,
                change_fen,
            });
            if changes.len() == PRICE_CHANGES_MAX {
                break;
            }
        }
        Ok(changes)
    }

    /// The usage by which the effect of other prices is shown: last month's if the month is whole
    /// and had any, the month to date otherwise.
    fn basis(&self) -> Result<Option<(Basis, CountedDays)>, OverviewError> {
        let Some(through) = self.through else { return Ok(None) };
        let last = self.today.month().previous();
        let statements = self.more.statements;
        let (first, _) = Overview::range(self.records)?;
        let is_whole = first.max(self.records.provider.billed_from.first_day()) <= last.first_day();
        let has_usage = |days: &CountedDays| days.values().any(|usage| !usage.is_empty());
        if is_whole && through >= last.last_day() {
            let days = charged_between(statements, last.first_day(), last.last_day())?;
            if has_usage(&days) {
                return Ok(Some((Basis::Month { month: last }, days)));
            }
        }
        if through.month() != self.today.month() {
            return Ok(None);
        }
        let days = charged_between(statements, through.month().first_day(), through)?;
        Ok(Some((Basis::MonthToDate { through }, days)).filter(|(_, days)| has_usage(days)))
    }

    /// Late, withdrawn and corrected usage on the month's bills, the last first.
    fn corrections(&self) -> Result<Vec<Notice>, OverviewError> {
        let mut notices = Vec::new();
        for bill in self.of_month().collect::<Vec<_>>().into_iter().rev() {
            notices.extend(changed(bill, LineCause::Late)?);
            notices.extend(changed(bill, LineCause::Void)?);
            notices.extend(bill.adjustments.iter().map(|note| Notice::Adjusted {
                bill: bill.statement,
                adjustment: note.adjustment.clone(),
                corrects: note.of.corrects,
                amount_fen: note.amount_fen,
                reason: note.reason.to_string(),
            }));
        }
        notices.truncate(CORRECTIONS_MAX);
        Ok(notices)
    }

    /// The rates whose last units cost less than those of the day before, by the month's bills.
    fn cheaper_tiers(&self, so_far: &SoFar<'_>) -> Result<Vec<Notice>, OverviewError> {
        let Some(segment) = so_far.segments.iter().find(|segment| segment.holds(self.today)) else {
            return Ok(Vec::new());
        };
        let mut notices = Vec::new();
        for rate in segment.plan().rates() {
            let Some((since, slice, free)) = self.tier_of(segment, rate) else { continue };
            let progress = Progress::on(self.today, &so_far.segments, &so_far.to_date)?;
            let Some(progress) = progress else { continue };
            let (beyond, more) = (slice.from + free, Metered::calls(NEXT_CALLS));
            let now_yuan = progress.price_of_next(&rate.rate, self.today, more)?;
            let before = beyond.trunc() - Decimal::from(NEXT_CALLS);
            let Some(before) = u64::try_from(before).ok().map(Metered::calls) else { continue };
            let before_yuan = progress.price_after(&rate.rate, before, more)?;
            if now_yuan < before_yuan {
                let rate = rate.rate.clone();
                notices.push(Notice::CheaperTier { rate, since, beyond, now_yuan, before_yuan });
            }
        }
        Ok(notices)
    }

    /// The tier of a rate that its last calls are in, since which bill, and what was free before
    /// it; none in the first tier, and where calls are converted or free by the day.
    fn tier_of(&self, segment: &Segment<'_>, rate: &Rate) -> Option<(BillingDay, Slice, Decimal)> {
        let is_plain = match &rate.price {
            PriceModel::Graduated(_) => rate.free_per_day.is_zero(),
            PriceModel::PerUnit(_)
            | PriceModel::Package(_)
            | PriceModel::Volume(_)
            | PriceModel::Block(_)
            | PriceModel::Percentage(_)
            | PriceModel::GraduatedPercentage(_) => false,
        };
        let mut entered: Option<(BillingDay, Slice, Decimal)> = None;
        for bill in self.of_month() {
            let of_segment = bill.lines.iter().filter(|line| line.segment == segment.from());
            for line in of_segment.filter(|line| super::allowances::is_of(line, &rate.rate)) {
                let last = line.after.slices.last().filter(|slice| slice.per == Per::Unit);
                let Some(last) = last.filter(|_| line.after.conversion.is_none()) else { continue };
                if entered.as_ref().is_none_or(|(_, slice, _)| slice.from != last.from) {
                    let mut free = line.after.free_used + line.after.plan_free_used;
                    if let Some(before) = &line.after.continued {
                        free += before.free_used + before.plan_free_used;
                    }
                    entered = Some((bill.statement.day, last.clone(), free));
                }
            }
        }
        entered.filter(|(_, slice, _)| is_plain && !slice.from.is_zero())
    }
}

/// The days to come on which the terms of a provider may change.
pub(super) fn days_of_change(records: &Records<'_>, today: BillingDay) -> BTreeSet<BillingDay> {
    let (provider, plans) = (records.provider, records.plans);
    let is_of = |plan: &&Plan| provider.plans.iter().any(|of| of.plan == *plan.name());
    let mut days = BTreeSet::new();
    for plan in plans.iter().filter(is_of) {
        days.insert(plan.effective_from());
        let of_rates = plan.rates().iter().flat_map(|rate| &rate.discounts);
        for discount in plan.document().discounts.iter().chain(of_rates) {
            days.extend([discount.from, discount.until].into_iter().flatten());
        }
    }
    days.extend(provider.plans.iter().map(|assignment| assignment.from));
    for over in &provider.overrides {
        days.extend([Some(over.from), over.until].into_iter().flatten());
    }
    days.split_off(&today.next())
}

/// What the next bill moves of settled days.
fn terms_change(so_far: &SoFar<'_>) -> Result<Option<Notice>, OverviewError> {
    let charge_fen = Fen::sum(so_far.moved.iter().map(|line| line.charge_fen))?;
    let segment = so_far.moved.first().map(|line| line.segment);
    let segment = so_far.segments.iter().find(|of| Some(of.from()) == segment);
    let from = segment.and_then(|segment| segment.span().cut_on());
    let notice = Notice::TermsChange { from, charge_fen };
    Ok(Some(notice).filter(|_| !charge_fen.is_zero()))
}

/// What a bill charges of days settled before.
fn changed(bill: &Statement, cause: LineCause) -> Result<Option<Notice>, OverviewError> {
    let usage = |changed: &steelyard_billing::ChangedDay| match cause {
        LineCause::Void => changed.void.clone(),
        LineCause::Usage
        | LineCause::Late
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => changed.late.clone(),
    };
    let with = bill.changed_days.iter().filter(|changed| !usage(changed).is_empty());
    let days = with.map(|changed| changed.day).collect::<Vec<_>>();
    if days.is_empty() {
        return Ok(None);
    }
    let lines = bill.lines.iter().filter(|line| line.because == cause);
    let charge_fen = Fen::sum(lines.map(|line| line.charge_fen))?;
    let calls = bill.apis_because(cause)?.total()?.calls;
    let bill = bill.statement;
    Ok(Some(match cause {
        LineCause::Void => Notice::Withdrawn { bill, days, calls, charge_fen },
        LineCause::Usage
        | LineCause::Late
        | LineCause::Terms
        | LineCause::Shifted
        | LineCause::Minimum
        | LineCause::Concession
        | LineCause::Tax => Notice::LateUsage { bill, days, calls, charge_fen },
    }))
}

/// The days that had usage, with one name for all APIs that plans price alike.
fn condensed(days: &CountedDays, plans: [&Plan; 2]) -> Result<CountedDays, OverviewError> {
    let Some(first) = days.keys().next() else { return Ok(CountedDays::new()) };
    let whole = |plan| Segment::new(*first, first.next(), &Terms::of(plan));
    let segments = plans.into_iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    let mut condenser = Condenser::new(&segments);
    let used = days.iter().filter(|(_, usage)| !usage.is_empty());
    used.map(|(day, usage)| Ok((*day, condenser.condense(usage)?))).collect()
}

/// What days cost by a plan whose discounts hold for good.
fn price(days: &CountedDays, plan: &Plan) -> Result<Fen, OverviewError> {
    Ok(Quote::of_days(days, |_| Some(Terms::of(plan)))?.rounded)
}

/// Whether two versions charge alike.
fn is_same(old: &Plan, new: &Plan) -> bool {
    let mut renamed = new.document().clone();
    renamed.plan = old.name().clone();
    renamed.effective_from = old.effective_from();
    renamed.description.clone_from(&old.document().description);
    // It changes no price, and is told apart.
    renamed.deposit.clone_from(&old.document().deposit);
    renamed == *old.document()
}

fn changed_rates(old: &Plan, new: &Plan) -> Vec<RateTerms> {
    let changed = |after: &Rate| {
        let before = old.rates().iter().find(|before| before.rate == after.rate)?;
        let (before_yuan, after_yuan) = unit_price(before).zip(unit_price(after)).unzip();
        let is_price = before_yuan != after_yuan;
        (before != after).then(|| RateTerms {
            rate: after.rate.clone(),
            before_yuan: before_yuan.filter(|_| is_price),
            after_yuan: after_yuan.filter(|_| is_price),
        })
    };
    new.rates().iter().filter_map(changed).collect()
}

/// The price of a unit with all discounts taken off, where every unit has the same.
fn unit_price(rate: &Rate) -> Option<Yuan> {
    let list = match &rate.price {
        PriceModel::PerUnit(model) => model.unit_price.decimal(),
        PriceModel::Package(_)
        | PriceModel::Graduated(_)
        | PriceModel::Volume(_)
        | PriceModel::Block(_)
        | PriceModel::Percentage(_)
        | PriceModel::GraduatedPercentage(_) => return None,
    };
    let off = |left: Decimal, percent: Decimal| {
        left * (Decimal::ONE_HUNDRED - percent) / Decimal::ONE_HUNDRED
    };
    let percents = rate.discounts.iter().map(|discount| discount.percent.map(Percent::get));
    // A fixed amount is taken off some units and not off others.
    let price = percents.collect::<Option<Vec<_>>>()?.into_iter().fold(list, off);
    Some(Yuan::new(price.normalize()))
}
