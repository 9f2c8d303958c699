//! The sums themselves: of statements, or of reports.

use std::collections::BTreeMap;

use steelyard_billing::{Provider, SettlementError, Statement, Withdrawal};
use steelyard_pricing::{
    ApiName, BillingDay, Catalog, Fen, LineCause, Metered, MoneyError, Name, Plan, Usage,
    UsageError,
};
use steelyard_store::CountedReport;

use super::{GroupCharge, UsageBy, UsageGroup};

/// Sums of one provider's usage on some days.
pub(super) struct Sums<'a> {
    provider: &'a Provider,
    plans: &'a Catalog,
    days: (BillingDay, BillingDay),
    by: UsageBy,
    groups: BTreeMap<Key, Sum>,
    charged_fen: Fen,
}

/// What sums are sorted and told apart by. Withdrawn reports form groups of their own.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    rate: Option<Name>,
    is_withdrawn: bool,
}

#[derive(Default)]
struct Sum {
    counted: Metered,
    settled: Metered,
    charge: GroupCharge,
    reports: u64,
    withdrawn: Option<Withdrawal>,
}

/// Whether a statement was made, or would be made by the coming night.
#[derive(Clone, Copy)]
enum Made {
    Already,
    Coming,
}

impl Key {
    fn named(name: impl Into<String>) -> Key {
        Key { name: name.into(), rate: None, is_withdrawn: false }
    }

    fn of_rate(rate: Option<&Name>, otherwise: &str) -> Key {
        Key::named(rate.map_or(otherwise, Name::as_str))
    }
}

const UNPRICED: &str = "(unpriced)";
const PLAN: &str = "(plan)";
const TAX: &str = "(tax)";
const ADJUSTMENTS: &str = "(adjustments)";

impl<'a> Sums<'a> {
    pub(super) fn new(
        provider: &'a Provider,
        plans: &'a Catalog,
        days: (BillingDay, BillingDay),
        by: UsageBy,
    ) -> Sums<'a> {
        Sums { provider, plans, days, by, groups: BTreeMap::new(), charged_fen: Fen::ZERO }
    }

    /// The first and the last day.
    pub(super) fn days(&self) -> (BillingDay, BillingDay) {
        self.days
    }

    fn are_of(&self, day: BillingDay) -> bool {
        let (from, to) = self.days;
        from <= day && day <= to
    }

    /// Adds a report. One that was withdrawn counts nothing, and is shown where reports are.
    pub(super) fn add_report(&mut self, report: &CountedReport) -> Result<(), UsageError> {
        let name = match (self.by, &report.withdrawn) {
            (UsageBy::Report, _) => format!("{} {}", report.source, report.report),
            (_, None) => report.source.to_string(),
            (_, Some(_)) => return Ok(()),
        };
        let key = Key { is_withdrawn: report.withdrawn.is_some(), ..Key::named(name) };
        let sum = self.groups.entry(key).or_default();
        sum.counted = sum.counted.plus(report.metered.total()?)?;
        sum.reports += 1;
        sum.withdrawn.clone_from(&report.withdrawn);
        Ok(())
    }

    /// Adds a statement that was made. Give them in their order.
    pub(super) fn add_statement(&mut self, statement: &Statement) -> Result<(), SettlementError> {
        self.add(statement, Made::Already)
    }

    /// Adds a statement that would be made, after those that were.
    pub(super) fn add_coming(&mut self, statement: &Statement) -> Result<(), SettlementError> {
        self.add(statement, Made::Coming)
    }

    fn add(&mut self, statement: &Statement, made: Made) -> Result<(), SettlementError> {
        let own = statement.statement.day;
        if self.are_of(own) {
            self.add_charge(statement, made)?;
            let usage = statement.apis_because(LineCause::Usage)?;
            self.add_usage(statement, own, &usage, made, Metered::plus)?;
        }
        for changed in &statement.changed_days {
            if self.are_of(changed.day) {
                self.add_usage(statement, changed.day, &changed.late, made, Metered::plus)?;
                self.add_usage(statement, changed.day, &changed.void, made, Metered::minus)?;
            }
        }
        Ok(())
    }

    fn add_usage(
        &mut self,
        statement: &Statement,
        day: BillingDay,
        usage: &Usage,
        made: Made,
        change: fn(Metered, Metered) -> Result<Metered, UsageError>,
    ) -> Result<(), SettlementError> {
        let plan = self.plan_of(statement, day)?;
        for (api, metered) in usage.iter() {
            let sum = self.groups.entry(self.key(day, api, plan)).or_default();
            sum.counted = change(sum.counted, metered)?;
            match made {
                Made::Already => sum.settled = change(sum.settled, metered)?,
                Made::Coming => {}
            }
        }
        Ok(())
    }

    fn key(&self, day: BillingDay, api: &ApiName, plan: Option<&Plan>) -> Key {
        let rate = || plan.and_then(|plan| plan.rate_of(api)).map(|rate| &rate.rate);
        match self.by {
            UsageBy::Day => Key::named(day.to_string()),
            UsageBy::Rate => Key::of_rate(rate(), UNPRICED),
            UsageBy::Api | UsageBy::Source | UsageBy::Report => {
                Key { rate: rate().cloned(), ..Key::named(api.as_str()) }
            }
        }
    }

    /// The plan by which a statement charges usage of a day; none for a day before the first terms.
    fn plan_of(
        &self,
        statement: &Statement,
        day: BillingDay,
    ) -> Result<Option<&'a Plan>, SettlementError> {
        let begun = statement.segments.iter().rfind(|segment| segment.from <= day);
        let Some(segment) = begun else { return Ok(None) };
        let gone = || SettlementError::TermsGone {
            provider: self.provider.provider.clone(),
            month: day.month(),
            terms: segment.terms.clone(),
        };
        Ok(Some(self.provider.terms(&segment.terms, self.plans).ok_or_else(gone)?.plan))
    }

    /// Adds what a statement of one of the days charges.
    fn add_charge(&mut self, statement: &Statement, made: Made) -> Result<(), MoneyError> {
        match made {
            Made::Already => self.charged_fen = self.charged_fen.plus(statement.charge_fen)?,
            Made::Coming => {}
        }
        match self.by {
            UsageBy::Rate => {
                for line in &statement.lines {
                    let of_none = if line.because == LineCause::Tax { TAX } else { PLAN };
                    let key = Key::of_rate(line.rate.as_ref(), of_none);
                    self.groups.entry(key).or_default().charge.add(line.charge_fen, made)?;
                }
                for note in &statement.adjustments {
                    let key = Key::named(ADJUSTMENTS);
                    self.groups.entry(key).or_default().charge.add(note.amount_fen, made)?;
                }
                Ok(())
            }
            UsageBy::Day => {
                let key = Key::named(statement.statement.day.to_string());
                self.groups.entry(key).or_default().charge.add(statement.charge_fen, made)
            }
            UsageBy::Api | UsageBy::Source | UsageBy::Report => Ok(()),
        }
    }

    /// What the statements that were made of the days charged; none of reports.
    pub(super) fn charged_fen(&self) -> Option<Fen> {
        (!self.by.is_of_reports()).then_some(self.charged_fen)
    }

    /// The groups, by name.
    pub(super) fn listed(self) -> Vec<UsageGroup> {
        let by = self.by;
        let group = |(Key { name, rate, .. }, sum): (Key, Sum)| UsageGroup {
            name,
            rate: rate.map(String::from),
            counted: sum.counted.into(),
            settled: (!by.is_of_reports()).then(|| sum.settled.into()),
            charge: matches!(by, UsageBy::Rate | UsageBy::Day).then_some(sum.charge),
            reports: by.is_of_reports().then_some(sum.reports),
            withdrawn: sum.withdrawn,
        };
        let is_shown = |(_, sum): &(Key, Sum)| {
            // What was withdrawn and credited leaves nothing.
            !(sum.counted.is_zero()
                && sum.settled.is_zero()
                && sum.charge == GroupCharge::default())
                || sum.reports > 0
        };
        self.groups.into_iter().filter(is_shown).map(group).collect()
    }
}

impl GroupCharge {
    fn add(&mut self, charge: Fen, made: Made) -> Result<(), MoneyError> {
        let sum = match made {
            Made::Already => &mut self.charged_fen,
            Made::Coming => &mut self.coming_fen,
        };
        *sum = sum.plus(charge)?;
        Ok(())
    }
}
