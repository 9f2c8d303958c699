//! Quotes on top of a month: what usage would add to what is settled and counted of it, rated by
//! the code that settles.

use jiff::Timestamp;
use serde::Serialize;
use steelyard_pricing::{
    BillingDay, BillingMonth, Catalog, ChargeError, ChargeOnTop, Fen, LineOnTop, MonthToDate,
    MonthUsage, Plan, Quote, QuoteError, Segment, Terms, TermsRef, Unpriced, Usage, charge,
    charge_on_top, charged_at_month_end,
};
use thiserror::Error;

use crate::settlement::{SettlementError, segments_of};
use crate::{Account, Calendar, CalendarError, CountedDays, Provider};

/// A provider's month so far: what is settled of it, and what the coming night would settle.
#[derive(Clone, Debug)]
pub struct MonthSoFar {
    provider: Provider,
    /// As the coming night would leave it.
    account: Account,
    today: BillingDay,
    figures: MonthFigures,
}

/// What a month costs so far, for usage alone: credit and debit notes are about other months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MonthFigures {
    /// The billing month of the figures.
    pub month: BillingMonth,
    /// The last day that a statement was made for; none without statements.
    pub settled_through: Option<BillingDay>,
    /// The sum of its statements' charges, in fen.
    pub settled_fen: Fen,
    /// What the coming night would charge if the day were over now.
    pub coming_fen: Fen,
    /// The sum of `settled_fen` and `coming_fen`.
    pub so_far_fen: Fen,
    /// What the usage so far amounts to under rates that are charged at the end of the month: it is
    /// charged with the last day, and not in the other figures. Minimums and tax that is added are
    /// not in it.
    pub at_month_end_fen: Fen,
    /// Everything that was counted before this time is in the figures.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub as_of_s: Timestamp,
}

/// What usage adds to a month to date if it is reported today, and nothing else is.
///
/// The charges of the lines sum to `adds_fen`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuoteOnTop {
    /// The month without the usage.
    pub month_to_date: MonthFigures,
    /// What the usage adds: by so much the coming night charges more.
    pub adds_fen: Fen,
    /// The month with it.
    pub month_fen: Fen,
    /// The currency as ISO 4217 has it: always `CNY`.
    pub currency: &'static str,
    /// The lines that the usage changes.
    pub lines: Vec<LineOnTop>,
    /// Usage that no rate covers.
    pub unpriced: Vec<Unpriced>,
    /// The same under the provider's own terms and under other plans, if they are to be compared:
    /// its own terms first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<MonthUnderPlan>,
}

/// What a month costs under some terms if it ends like this: with what is due at its end, such as a
/// minimum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MonthUnderPlan {
    /// The terms that hold today.
    #[serde(flatten)]
    pub terms: TermsRef,
    /// Whether they are the provider's own.
    pub is_own: bool,
    /// A month with the asked usage alone.
    pub alone_fen: Fen,
    /// The month to date under the plan, in fen.
    pub so_far_fen: Fen,
    /// The month so far, and the asked usage.
    pub month_fen: Fen,
}

/// Why there is no quote on top of a month.
#[derive(Debug, Error)]
pub enum OnTopError {
    /// The provider's usage is not counted yet.
    #[error("the provider is billed from {0} on")]
    NotBilledYet(BillingMonth),
    /// A clock was ahead, and the day has its statement: what is reported of it is charged later.
    #[error("{0} is settled already")]
    Settled(BillingDay),
    /// No plan is in force today.
    #[error("no plan of the provider is in force on {0}")]
    NoPlan(BillingDay),
    /// The usage cannot be priced alone.
    #[error("the usage cannot be priced")]
    Quote(#[from] QuoteError),
    /// The month cannot be rated with it.
    #[error("the month cannot be rated")]
    Settlement(#[from] SettlementError),
}

const CURRENCY: &str = "CNY";

impl From<CalendarError> for OnTopError {
    fn from(error: CalendarError) -> OnTopError {
        OnTopError::Settlement(error.into())
    }
}

impl MonthSoFar {
    /// The present month of a provider, whose account is `before`, and `after` once the statements
    /// of the coming night are made.
    ///
    /// # Errors
    ///
    /// [`OnTopError`] when nothing is counted for the provider yet, today is settled, or the month
    /// cannot be rated.
    pub fn new(
        provider: Provider,
        before: &Account,
        after: Account,
        (plans, calendar): (&Catalog, &Calendar),
        now: Timestamp,
    ) -> Result<MonthSoFar, OnTopError> {
        let today = calendar.day_of(now)?;
        let month = today.month();
        if month < provider.billed_from {
            return Err(OnTopError::NotBilledYet(provider.billed_from));
        }
        if before.settled_through.is_some_and(|settled| today <= settled) {
            return Err(OnTopError::Settled(today));
        }
        let charged = |account: &Account| {
            account.months.get(&month).map_or(Fen::ZERO, |progress| progress.to_date.charged_fen)
        };
        let (settled_fen, so_far_fen) = (charged(before), charged(&after));
        let figures = MonthFigures {
            month,
            settled_through: before.settled_through,
            settled_fen,
            coming_fen: so_far_fen.minus(settled_fen).map_err(SettlementError::from)?,
            so_far_fen,
            at_month_end_fen: Fen::ZERO,
            as_of_s: now,
        };
        let so_far = MonthSoFar { provider, account: after, today, figures };
        let at_month_end_fen = so_far.rated(plans, charged_at_month_end)?;
        Ok(MonthSoFar { figures: MonthFigures { at_month_end_fen, ..figures }, ..so_far })
    }

    /// The figures of the month so far.
    #[must_use]
    pub fn figures(&self) -> MonthFigures {
        self.figures
    }

    /// The day on which usage is taken to be reported.
    #[must_use]
    pub fn today(&self) -> BillingDay {
        self.today
    }

    /// What usage adds to the month.
    ///
    /// # Errors
    ///
    /// [`OnTopError`] when the month cannot be rated with it.
    pub fn quote(&self, usage: &Usage, plans: &Catalog) -> Result<QuoteOnTop, OnTopError> {
        if usage.is_empty() {
            // The night makes no statement without news: terms that changed count from the next
            // usage on.
            return Ok(self.quoted(Fen::ZERO, self.figures.so_far_fen));
        }
        let is_last = self.today == self.figures.month.last_day();
        let new = MonthUsage {
            own: vec![(self.today, usage)],
            day: Some(self.today),
            closed: is_last && self.account.settled_through == Some(self.today),
            closing: is_last,
            ..MonthUsage::default()
        };
        let ChargeOnTop { charged, lines } =
            self.rated(plans, |segments, before| charge_on_top(segments, before, &new))?;
        let quoted = self.quoted(charged.charge_fen, charged.month.charged_fen);
        Ok(QuoteOnTop { lines, unpriced: charged.unpriced, ..quoted })
    }

    fn quoted(&self, adds_fen: Fen, month_fen: Fen) -> QuoteOnTop {
        QuoteOnTop {
            month_to_date: self.figures,
            adds_fen,
            month_fen,
            currency: CURRENCY,
            lines: Vec::new(),
            unpriced: Vec::new(),
            plans: Vec::new(),
        }
    }

    /// The month under the provider's own terms, if it ends so.
    ///
    /// # Errors
    ///
    /// [`OnTopError`] when no terms hold today, or the month cannot be rated.
    pub fn under_own_terms(
        &self,
        usage: &Usage,
        plans: &Catalog,
    ) -> Result<MonthUnderPlan, OnTopError> {
        let terms = self.provider.terms_on(self.today, plans);
        let terms = terms.ok_or(OnTopError::NoPlan(self.today))?.reference();
        let alone = CountedDays::from([(self.today, usage.clone())]);
        let alone = Quote::of_days(&alone, |day| self.provider.terms_on(day, plans))?;
        let nothing = Usage::new();
        let ended_with = |usage: &Usage| {
            let own = vec![(self.today, usage)];
            let new = MonthUsage { own, closing: true, ..MonthUsage::default() };
            let charged = self.rated(plans, |segments, before| charge(segments, before, &new))?;
            Ok::<_, OnTopError>(charged.month.charged_fen)
        };
        Ok(MonthUnderPlan {
            terms,
            is_own: true,
            alone_fen: alone.rounded,
            so_far_fen: ended_with(&nothing)?,
            month_fen: ended_with(usage)?,
        })
    }

    /// The month under a plan that is on offer today, if it had held from the first day on, and the
    /// month ends so. `counted` is what is counted of each day of the month.
    ///
    /// # Errors
    ///
    /// [`OnTopError`] when the plan cannot price the usage.
    pub fn under(
        &self,
        plan: &Plan,
        counted: &CountedDays,
        usage: &Usage,
    ) -> Result<MonthUnderPlan, OnTopError> {
        let of_today = |usage: &Usage| CountedDays::from([(self.today, usage.clone())]);
        let mut days = counted.clone();
        let today = days.entry(self.today).or_default();
        let with = today.plus(usage).map_err(SettlementError::from)?;
        let so_far_fen = self.ended(plan, &days)?;
        days.insert(self.today, with);
        Ok(MonthUnderPlan {
            terms: Terms::of(plan).reference(),
            is_own: false,
            alone_fen: self.ended(plan, &of_today(usage))?,
            so_far_fen,
            month_fen: self.ended(plan, &days)?,
        })
    }

    /// Rates what is new on top of the month, by the terms that its statements are made by.
    fn rated<T>(
        &self,
        plans: &Catalog,
        rate: impl FnOnce(&[Segment<'_>], &MonthToDate) -> Result<T, ChargeError>,
    ) -> Result<T, OnTopError> {
        let month = self.figures.month;
        let segments = segments_of(&self.provider, &self.account, month, plans)?;
        let progress = self.account.months.get(&month);
        let before = progress.map(|progress| progress.to_date.clone()).unwrap_or_default();
        Ok(rate(&segments, &before).map_err(SettlementError::from)?)
    }

    /// What a month of these days costs under a plan. Where days don't matter, which is cheaper to
    /// compute, the days are summed first.
    fn ended(&self, plan: &Plan, days: &CountedDays) -> Result<Fen, OnTopError> {
        let mut sums = days.values();
        let total = sums.try_fold(Usage::new(), |sum, of_day| sum.plus(of_day));
        let total = total.map_err(SettlementError::from)?;
        let of_month = Quote::of_month(self.figures.month, &total, |_| Some(Terms::of(plan)));
        match of_month {
            Ok(quote) => Ok(quote.rounded),
            Err(QuoteError::NeedsDays) => {
                Ok(Quote::of_days(days, |_| Some(Terms::of(plan)))?.rounded)
            }
            Err(error @ (QuoteError::Charge(_) | QuoteError::Terms(_))) => Err(error.into()),
        }
    }
}
