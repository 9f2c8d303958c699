//! A month so far: what was charged of it, and what is counted since.

use steelyard_billing::{CountedDays, Statement, month_segments};
use steelyard_pricing::{
    BillingDay, BillingMonth, Condenser, Line, LineCause, MonthToDate, MonthUsage, Segment, Usage,
    UsageError, charge,
};

use super::ForecastError;
use crate::Records;

/// What is new in a month by statements that the night would make.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) own: CountedDays,
    late: CountedDays,
    void: CountedDays,
}

impl Counted {
    /// What the statements of one month charge.
    pub(super) fn of(coming: &[Statement], month: BillingMonth) -> Result<Counted, UsageError> {
        let mut counted = Counted::default();
        for statement in coming.iter().filter(|s| s.statement.day.month() == month) {
            let own = statement.apis_because(LineCause::Usage)?;
            if !own.is_empty() {
                let of_day = counted.own.entry(statement.statement.day).or_default();
                *of_day = of_day.plus(&own)?;
            }
            for changed in &statement.changed_days {
                let late = counted.late.entry(changed.day).or_default();
                *late = late.plus(&changed.late)?;
                let void = counted.void.entry(changed.day).or_default();
                *void = void.plus(&changed.void)?;
            }
        }
        Ok(counted)
    }

    pub(super) fn condensed(&self, condenser: &mut Condenser<'_>) -> Result<Counted, UsageError> {
        let mut all = |days: &CountedDays| {
            let condensed = |(day, usage): (&BillingDay, &Usage)| {
                Ok::<_, UsageError>((*day, condenser.condense(usage)?))
            };
            days.iter().map(condensed).collect::<Result<CountedDays, _>>()
        };
        Ok(Counted { own: all(&self.own)?, late: all(&self.late)?, void: all(&self.void)? })
    }
}

/// A month with what was charged of it, and what is counted since.
pub(crate) struct SoFar<'a> {
    pub(crate) segments: Vec<Segment<'a>>,
    pub(crate) to_date: MonthToDate,
    /// The lines by which the next bill corrects settled days whose terms changed afterwards.
    pub(crate) moved: Vec<Line>,
}

impl<'a> SoFar<'a> {
    /// The month of `records` as it stands with what the night would charge now.
    pub(crate) fn of(
        records: &Records<'a>,
        coming: &[Statement],
    ) -> Result<SoFar<'a>, ForecastError> {
        let today = records.today()?;
        let (segments, to_date) = month_of(records, today.month())?;
        let counted = Counted::of(coming, today.month())?;
        let usage = MonthUsage { day: Some(today), ..usage_of(&counted) };
        let charged = charge(&segments, &to_date, &usage)?;
        let mut moved = charged.lines;
        moved.retain(|line| line.because == LineCause::Terms);
        Ok(SoFar { segments, to_date: charged.month, moved })
    }
}

pub(super) fn usage_of(counted: &Counted) -> MonthUsage<'_> {
    MonthUsage {
        late: counted.late.iter().map(|(day, usage)| (*day, usage)).collect(),
        void: counted.void.iter().map(|(day, usage)| (*day, usage)).collect(),
        own: counted.own.iter().map(|(day, usage)| (*day, usage)).collect(),
        ..MonthUsage::default()
    }
}

pub(super) fn month_of<'a>(
    records: &Records<'a>,
    month: BillingMonth,
) -> Result<(Vec<Segment<'a>>, MonthToDate), ForecastError> {
    let Records { provider, account, plans, .. } = *records;
    let segments = month_segments(provider, account, month, plans).map_err(ForecastError::Terms)?;
    let charged = account.months.get(&month).map(|progress| progress.to_date.clone());
    Ok((segments, charged.unwrap_or_default()))
}
