//! `steelyard usage void` and `replace`: reports that were wrong, and what correcting them changes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use steelyard_billing::{ProviderId, Reason, ReportId, SourceId, chain};
use steelyard_books::Correction;
use steelyard_metering::{Counter, Counting, Void, Voided, Voider};
use steelyard_pricing::{BillingDay, Usage};
use steelyard_report::{Counts, UsageReport};
use steelyard_runtime::Error;
use steelyard_store::{Counted, CountedReport};

use crate::commands::effect::Effect;
use crate::exit::Exit;
use crate::output;
use crate::target::{System, TargetArgs};

/// Which report is withdrawn, by whom and why.
#[derive(Debug, Args)]
pub(crate) struct VoidArgs {
    /// The source that sent the report.
    source: SourceId,
    /// The report's id.
    report: ReportId,
    /// The provider that it reports of.
    #[arg(long)]
    provider: ProviderId,
    /// Why the report is withdrawn.
    #[arg(long, value_parser = Reason::new)]
    reason: Reason,
    /// Only its usage of this day; that of all days in open months unless given.
    #[arg(long)]
    day: Option<BillingDay>,
    /// The name of the person who withdraws it, which is stored with the report.
    #[arg(long, env = "USER", default_value = "operator")]
    by: String,
    /// Show what it would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Which report is replaced, and by what.
#[derive(Debug, Args)]
pub(crate) struct ReplaceArgs {
    #[command(flatten)]
    void: VoidArgs,
    /// The report that counts in its place, a usage report in JSON about the same provider, under
    /// another id.
    #[arg(long)]
    with: PathBuf,
}

/// A report that is corrected, and what that changes.
#[derive(Debug, Serialize)]
struct Corrected {
    provider: ProviderId,
    /// True for a preview: nothing was stored.
    #[serde(rename = "dry_run")]
    is_dry_run: bool,
    /// Each day of the withdrawn report.
    days: Vec<DayOfVoid>,
    /// What became of the report that counts in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<Counting>,
    /// The effect on the charge; none where that cannot be computed, perhaps because of the very
    /// report.
    effect: Option<Effect>,
}

/// A day of a report that is withdrawn.
#[derive(Clone, Debug, Serialize)]
struct DayOfVoid {
    day: BillingDay,
    became: &'static str,
    usage: Usage,
}

impl DayOfVoid {
    fn to_be(report: &CountedReport) -> DayOfVoid {
        let became = match report.withdrawn {
            None => "to be withdrawn",
            Some(_) => "withdrawn before",
        };
        DayOfVoid { day: report.day, became, usage: report.metered.clone() }
    }

    fn done(report: &CountedReport, voided: &BTreeMap<BillingDay, Voided>) -> DayOfVoid {
        let became = match voided.get(&report.day) {
            Some(Voided::Voided) => "withdrawn",
            Some(Voided::Before) => "withdrawn before",
            None => "gone",
        };
        DayOfVoid { day: report.day, became, usage: report.metered.clone() }
    }
}

impl VoidArgs {
    fn void(&self) -> Void {
        Void {
            provider: self.provider.clone(),
            source: self.source.clone(),
            report: self.report.clone(),
            day: self.day,
            reason: self.reason.clone(),
            set: None,
        }
    }

    pub(crate) async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        self.correct(target, system, None).await
    }

    async fn correct(
        self,
        target: &TargetArgs,
        system: &System,
        replacement: Option<&UsageReport>,
    ) -> Result<Exit, Error> {
        let calendar = system.rules()?.calendar;
        let counter =
            Counter::new(system.tables.usage.clone(), calendar.clone(), system.clock.clone());
        let voider = counter.voider();
        let void = self.void();
        let found = voider.find(&void).await?;
        let count = match replacement {
            Some(report) => self.to_count(report, &voider, system).await?,
            None => Vec::new(),
        };
        let correction = Correction { void: counting(&found), count };
        let effect = self.effect(target, system, &correction).await;
        if let Err(error) = &effect {
            output::tell(format_args!(
                "what it changes cannot be computed: {}",
                chain(error.as_ref())
            ));
        }
        let days = if self.dry_run {
            found.iter().map(DayOfVoid::to_be).collect()
        } else {
            let voided = voider.void(&void, &self.by).await?;
            found.iter().map(|report| DayOfVoid::done(report, &voided)).collect()
        };
        let counting = match replacement.filter(|_| !self.dry_run) {
            Some(report) => Some(counter.count(report).await?),
            None => None,
        };
        let is_complete = counting.as_ref().is_none_or(Counting::is_complete);
        let corrected = Corrected {
            provider: self.provider.clone(),
            is_dry_run: self.dry_run,
            days,
            replacement: counting,
            effect: effect.ok(),
        };
        if target.json {
            output::json(&corrected)?;
        } else {
            corrected.print()?;
        }
        Ok(Exit::done(is_complete))
    }

    /// What a report counts in place of this one, and did not count before.
    async fn to_count(
        &self,
        report: &UsageReport,
        voider: &Voider,
        system: &System,
    ) -> Result<Vec<(BillingDay, Usage)>, Error> {
        let UsageReport { source, id, .. } = report;
        let mut accepted = report.accept(&system.rules()?.calendar, system.clock.now());
        let Some(share) = accepted.shares.remove(&self.provider) else { return Ok(Vec::new()) };
        let days = share.records.keys().copied().collect::<Vec<_>>();
        let known = system.tables.usage.reports_named(&self.provider, (source, id), &days).await?;
        let is_other =
            |known: &CountedReport| known.withdrawn.is_some() || known.digest != share.digest;
        if known.iter().any(is_other) {
            return Err(format!(
                "report {id} of {source} was withdrawn, or has other content: give the replacement \
                 another id"
            )
            .into());
        }
        let is_new = |day: &BillingDay| known.iter().all(|known| known.day != *day);
        let new = days.into_iter().filter(is_new).collect::<Vec<_>>();
        // Before anything is withdrawn: what is withdrawn cannot count again.
        if !new.is_empty() {
            voider.check_correctable(&self.provider, &new).await?;
        }
        Ok(share.days.into_iter().filter(|(day, _)| new.contains(day)).collect())
    }

    /// What the coming statements charge without the correction, and with it.
    async fn effect(
        &self,
        target: &TargetArgs,
        system: &System,
        correction: &Correction,
    ) -> Result<Effect, Error> {
        let settler = system.settler()?;
        let terms = settler.terms(system.clock.now()).await?;
        output::tell_unreadable(&terms.unreadable, target.json);
        Effect::of_correction(&settler, &terms, &self.provider, correction).await
    }
}

impl ReplaceArgs {
    pub(crate) async fn run(self, target: &TargetArgs, system: &System) -> Result<Exit, Error> {
        let ReplaceArgs { void, with } = self;
        let shown = with.display();
        let body = std::fs::read(&with).map_err(|error| format!("{shown}: {error}"))?;
        let report = UsageReport::read(&body).map_err(|error| format!("{shown}: {error}"))?;
        if (&report.source, &report.id) == (&void.source, &void.report) {
            return Err(format!(
                "{shown}: give the report another id than that of the one that it replaces"
            )
            .into());
        }
        if report.counts != Counts::New {
            return Err(
                format!("{shown}: a cumulative report cannot take the place of another").into()
            );
        }
        let accepted = report.accept(&system.rules()?.calendar, system.clock.now());
        if let Some(refused) = accepted.refused.first() {
            return Err(format!("{shown}: record {}: {}", refused.index, refused.why).into());
        }
        if accepted.shares.keys().any(|provider| *provider != void.provider) {
            return Err(format!("{shown}: the report is not about {} alone", void.provider).into());
        }
        void.correct(target, system, Some(&report)).await
    }
}

impl Corrected {
    fn print(&self) -> Result<(), Error> {
        for DayOfVoid { day, became, usage } in &self.days {
            output::print(format_args!("{day}: {} {became}", usage.total()?))?;
        }
        for days in self.replacement.iter().filter_map(|of| of.providers.get(&self.provider)) {
            for (day, became) in days {
                let became = match became {
                    Counted::Counted => "counted in its place",
                    Counted::Duplicate => "was counted in its place before",
                    Counted::Withdrawn => "NOT counted: the report was withdrawn",
                    Counted::Conflict => "NOT counted: the id was used before for other content",
                };
                output::print(format_args!("{day}: {became}"))?;
            }
        }
        self.effect.map_or(Ok(()), |effect| effect.print(&self.provider))
    }
}

/// What those of the reports have that count.
fn counting(reports: &[CountedReport]) -> Vec<(BillingDay, Usage)> {
    let counting = reports.iter().filter(|report| report.withdrawn.is_none());
    counting.map(|report| (report.day, report.metered.clone())).collect()
}
