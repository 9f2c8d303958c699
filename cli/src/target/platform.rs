//! The platform's rules on a command line.

use std::fmt::Display;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use steelyard_billing::{Calendar, DebitRules, NamesMax, RETENTION_DAYS};
use steelyard_local_stack::{LocalClock, StackStatus};
use steelyard_pricing::Fen;
use steelyard_runtime::{Clock, Error};

use super::{COMMON, TargetArgs};
use crate::output::Times;

/// The platform's rules; the same as the functions' environment variables.
///
/// `steelyard local` has defaults. Commands on a local stack take its rules, and commands with
/// `--aws` need each rule that they use, as the deployment has it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = COMMON)]
pub(crate) struct PlatformArgs {
    /// Work at an earlier time than the clock's: `2015-05-18T00:30` or `2015-05-17T16:30:00Z`.
    #[arg(long, global = true)]
    now: Option<String>,
    /// The time zone of billing days [local: Asia/Shanghai].
    #[arg(long, global = true, env = "TIME_ZONE", hide_env_values = true, hide_short_help = true)]
    time_zone: Option<String>,
    /// The day of the next month on which a month closes for usage [local: 5].
    #[arg(
        long,
        global = true,
        env = "MONTH_CLOSE_DAY",
        hide_env_values = true,
        hide_short_help = true
    )]
    month_close_day: Option<i8>,
    /// The days for which the usage reports of a month are kept after the 28th of the next month
    /// [local: 400].
    #[arg(
        long,
        global = true,
        env = "USAGE_RETENTION_DAYS",
        hide_env_values = true,
        hide_short_help = true
    )]
    usage_retention_days: Option<u16>,
    /// The time of the day from which on debits fall due [local: 10:00].
    #[arg(long, global = true, env = "DEBIT_TIME", hide_env_values = true, hide_short_help = true)]
    debit_time: Option<Time>,
    /// The minutes from then on over which debits fall due [local: 60].
    #[arg(
        long,
        global = true,
        env = "DEBIT_WINDOW_MINUTES",
        hide_env_values = true,
        hide_short_help = true
    )]
    debit_window_minutes: Option<u16>,
    /// The smallest amount to debit, in fen [local: 1].
    #[arg(
        long,
        global = true,
        env = "DEBIT_MINIMUM_FEN",
        hide_env_values = true,
        hide_short_help = true
    )]
    debit_minimum_fen: Option<i64>,
    /// Whether an adjustment is booked only after a second person has approved it [local: false].
    #[arg(
        long,
        global = true,
        env = "ADJUSTMENTS_NEED_APPROVAL",
        hide_env_values = true,
        hide_short_help = true
    )]
    adjustments_need_approval: Option<bool>,
    /// The most names of APIs that a month lists, of those that no plan lists [local: 2000].
    #[arg(
        long,
        global = true,
        env = "API_NAMES_MAX",
        hide_env_values = true,
        hide_short_help = true
    )]
    api_names_max: Option<NamesMax>,
    /// Whether the rules must be given; see [`TargetArgs::aws`].
    #[arg(skip)]
    is_deployed: bool,
}

impl PlatformArgs {
    /// The rules for a target: those of a deployment must be given, and its time can't be.
    pub(crate) fn of(self, target: &TargetArgs) -> Result<PlatformArgs, Error> {
        if target.aws && self.now.is_some() {
            return Err("a deployment has its own clock: --now is not for --aws".into());
        }
        Ok(PlatformArgs { is_deployed: target.aws, ..self })
    }

    /// The rules of a stack that starts.
    pub(crate) fn rules(&self) -> Result<DebitRules, Error> {
        let time_zone = self.time_zone()?;
        let close_day = self.rule("--month-close-day", self.month_close_day, 5)?;
        let retention =
            self.rule("--usage-retention-days", self.usage_retention_days, RETENTION_DAYS)?;
        Ok(DebitRules {
            calendar: Calendar::new(&time_zone, close_day)?.keeping_reports(retention)?,
            minimum_fen: Fen::new(self.rule("--debit-minimum-fen", self.debit_minimum_fen, 1)?),
            time_of_day: self.rule("--debit-time", self.debit_time, Time::constant(10, 0, 0, 0))?,
            window_minutes: self.rule("--debit-window-minutes", self.debit_window_minutes, 60)?,
            adjustments_need_approval: self.rule(
                "--adjustments-need-approval",
                self.adjustments_need_approval,
                false,
            )?,
            names_max: self.rule("--api-names-max", self.api_names_max, NamesMax::DEFAULT)?,
        })
    }

    pub(super) fn time_zone(&self) -> Result<String, Error> {
        self.rule("--time-zone", self.time_zone.clone(), "Asia/Shanghai".to_owned())
    }

    /// Whether `--now` is given.
    pub(crate) fn is_time_given(&self) -> bool {
        self.now.is_some()
    }

    /// The clock of a stack that starts: at `--now`, or at the system's time.
    pub(crate) fn starting_clock(&self, speed: u32) -> Result<LocalClock, Error> {
        let now = self.now()?.unwrap_or_else(|| Clock::system().now());
        Ok(LocalClock::new(now, speed))
    }

    fn rule<T>(&self, option: &str, given: Option<T>, local: T) -> Result<T, Error> {
        match given {
            Some(rule) => Ok(rule),
            None if self.is_deployed => Err(format!(
                "give {option} as the deployment has it: there is no default with --aws"
            )
            .into()),
            None => Ok(local),
        }
    }

    /// The clock and the rules for a command on a running stack.
    pub(super) fn on_stack(&self, stack: &StackStatus) -> Result<(Clock, PlatformArgs), Error> {
        let rules = self.of_stack(stack)?;
        let clock = match rules.now()? {
            None => stack.clock().clock(),
            Some(now) if now <= stack.now => Clock::fixed(now),
            Some(now) => {
                let times = Times::in_zone(&stack.time_zone)?;
                return Err(format!(
                    "the stack's clock is at {}: --now can't be later, and is {}",
                    times.show(stack.now),
                    times.show(now)
                )
                .into());
            }
        };
        Ok((clock, rules))
    }

    /// The rules of a stack. One that was given must be the same.
    fn of_stack(&self, of: &StackStatus) -> Result<PlatformArgs, Error> {
        let minimum_fen = of.debit_minimum_fen.get();
        Ok(PlatformArgs {
            time_zone: same("--time-zone", &self.time_zone, &of.time_zone)?,
            month_close_day: same("--month-close-day", &self.month_close_day, &of.month_close_day)?,
            usage_retention_days: same(
                "--usage-retention-days",
                &self.usage_retention_days,
                &of.usage_retention_days,
            )?,
            debit_time: same("--debit-time", &self.debit_time, &of.debit_time)?,
            debit_window_minutes: same(
                "--debit-window-minutes",
                &self.debit_window_minutes,
                &of.debit_window_minutes,
            )?,
            debit_minimum_fen: same("--debit-minimum-fen", &self.debit_minimum_fen, &minimum_fen)?,
            adjustments_need_approval: same(
                "--adjustments-need-approval",
                &self.adjustments_need_approval,
                &of.adjustments_need_approval,
            )?,
            api_names_max: same("--api-names-max", &self.api_names_max, &of.api_names_max)?,
            ..self.clone()
        })
    }

    /// The time that `--now` gives, if it is given; one that can be billed.
    fn now(&self) -> Result<Option<Timestamp>, Error> {
        let Some(text) = &self.now else { return Ok(None) };
        let calendar = self.rules()?.calendar;
        let wrong = |error: &dyn Display| Error::from(format!("--now {text}: {error}"));
        let instant = match text.parse::<Timestamp>() {
            Ok(instant) => instant,
            Err(_) => {
                let wall: DateTime = text.parse().map_err(|_| {
                    Error::from(format!(
                        "--now `{text}` is neither a time in the time zone of billing days, such as \
                         2015-05-18T00:30, nor an instant such as 2015-05-17T16:30:00Z"
                    ))
                })?;
                calendar.instant(wall.date(), wall.time())
            }
        };
        calendar.day_of(instant).map_err(|error| wrong(&error))?;
        Ok(Some(instant))
    }
}

/// A rule of a stack, which a command line may repeat and may not change.
fn same<T: Clone + Display + PartialEq>(
    option: &str,
    given: &Option<T>,
    of_stack: &T,
) -> Result<Option<T>, Error> {
    match given {
        Some(given) if given != of_stack => {
            Err(format!("the stack runs with {option} {of_stack}: it can't be {given}").into())
        }
        Some(_) | None => Ok(Some(of_stack.clone())),
    }
}
