//! `steelyard import`: meters a web access log.

pub(crate) mod flags;
mod follow;
mod pace;
pub(crate) mod printed;
mod progress;
mod registrar;
pub(crate) mod rules;
mod scrape;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use steelyard_billing::{ProviderId, ReportId, SourceId};
use steelyard_import::Input;
use steelyard_metering::{Counters, ImportAs, import};
use steelyard_pricing::{BillingMonth, Name};
use steelyard_runtime::Error;

use self::follow::FollowArgs;
use self::pace::PaceArgs;
use self::progress::ProgressLine;
use self::registrar::Registrar;
use self::rules::RuleArgs;
use self::scrape::{ScrapeArgs, Scraping};
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Meter a web access log, or JSON lines, as usage reports; the same line twice counts once.
///
/// Two logs need two sources: with `--source`, give each server's log a name of its own, and always
/// the same. Under one source, the same line in two logs counts once.
///
/// Within a source a log may be imported in any pieces: rotated, cut, joined, overlapping, growing,
/// again and in any order. One case is ambiguous: if a log is cut between equal lines of one
/// second, the lines in the second piece count as those in the first. The import warns if the first
/// or the last second of a file has equal lines.
///
/// Takes the Common and the Combined Log Format, each with or without a virtual host before the
/// client, logs of AWS's load balancers and of CloudFront, and lines of JSON such as
/// {"provider":"shop","api":"trades.get","at":"2015-05-17T10:05:03+08:00","count":12}, to which an
/// "amount":"120.50" may be added; plain, gzip or zstd. A line of JSON with an "id" counts once by
/// its id, one with "at" by its content. For one with a "day" only, see `--report`. By default the
/// host of a line is the provider, the first segment of the path is the API, and successful calls
/// (2xx) count, except OPTIONS.
///
/// Lines that are no calls are counted by kind: connections without a request, TLS handshakes, and
/// requests about the server or for a tunnel. Lines that cannot be counted are refused by reason,
/// and the import ends with 3; mend them and import the file again. Usage of a month that is closed
/// at the time of the import is refused. Other rules for the names of APIs conflict with what was
/// imported before; other rules for callers bill the calls again, to other providers.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file; `-` for standard input.
    #[arg(required_unless_present = "scrape")]
    file: Option<PathBuf>,
    /// Register callers that are not known as providers on this plan.
    ///
    /// A caller is registered only if one of its calls can be counted now.
    #[arg(long, value_name = "PLAN")]
    register: Option<Name>,
    /// The first billing month of callers that are registered; unless given, the month of a
    /// caller's first call in a month that is open.
    ///
    /// A caller that is registered on the plan for a later month is billed from this one on, if
    /// nothing of it is settled.
    #[arg(long, requires = "register")]
    billed_from: Option<BillingMonth>,
    /// The source in whose name the calls are reported: two logs need two sources.
    ///
    /// The same line of a source counts once, in whatever file it stands: always give a server's
    /// log the same source, and the logs of two servers two.
    #[arg(long, default_value = "import", value_name = "ID")]
    source: SourceId,

    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    scrape: ScrapeArgs,
    #[command(flatten)]
    pace: PaceArgs,
    #[command(flatten)]
    rule: RuleArgs,

    /// What names the lines of JSON that give only a day, and have no id, in this file.
    ///
    /// Nothing in such a line says whether another one is of the same calls. Files of other calls
    /// need other ids. Under an id that was used, the file has to be the same one, mended or grown:
    /// of each API and day the larger count holds. Without this option the id is `lines`, and a
    /// file that names a provider and day which were imported so before is refused.
    #[arg(long, value_name = "ID")]
    report: Option<ReportId>,
}

impl ImportArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let choice = self.rule.choice()?;
        // A file that cannot be opened is reported before the first request.
        let work = self.work()?;
        let system = target.system(platform).await?;
        let (source, report) = (self.source.clone(), self.report.clone());
        let by = ImportAs { source, report, rule: choice.rule(&system.tables).await? };
        let registrar = match &self.register {
            Some(plan) => Some(Registrar::begin(target, &system, plan, self.billed_from).await?),
            None => None,
        };
        let register = async |callers: &BTreeMap<ProviderId, BillingMonth>| match &registrar {
            Some(registrar) => registrar.register(callers).await,
            None => Ok(()),
        };
        let counters = Counters {
            usage: system.tables.usage.clone(),
            calendar: system.rules()?.calendar,
            clock: system.clock.clone(),
        };
        let to = (&by, &counters);
        match work {
            Work::Read(input, line) => {
                let show = |far| line.show(far);
                let summary = import(*input, &by, &counters, show, register).await?;
                line.end();
                if target.json {
                    output::json(&summary)?;
                } else {
                    printed::warn(&summary, by.rule.window);
                    printed::print(&summary)?;
                }
                Ok(Exit::done(summary.is_complete()))
            }
            Work::Follow(file) => {
                let pace = self.pace.pace()?;
                let summary = follow::follow(&file, &self.follow, pace, to, register).await?;
                if target.json {
                    output::json(&summary)?;
                } else {
                    follow::print(&summary)?;
                }
                Ok(Exit::done(summary.is_complete()))
            }
            Work::Scrape(scraping) => {
                let scraped = scrape::scrape(*scraping, &self.pace, to, register).await?;
                if target.json {
                    output::json(&scraped)?;
                } else {
                    scrape::print(&scraped)?;
                }
                Ok(Exit::done(scraped.is_complete()))
            }
        }
    }

    fn work(&self) -> Result<Work, Error> {
        match &self.file {
            Some(file) if self.follow.follow => Ok(Work::Follow(file.clone())),
            Some(file) => {
                let input = Input::open(file);
                let input = input.map_err(|error| format!("{}: {error}", file.display()))?;
                let line = ProgressLine::begin(&input)?;
                Ok(Work::Read(Box::new(input), line))
            }
            None => Ok(Work::Scrape(Box::new(self.scrape.open()?))),
        }
    }
}

/// The input of an import.
enum Work {
    Read(Box<Input>, ProgressLine),
    Follow(PathBuf),
    Scrape(Box<Scraping>),
}
