//! Which system a command works on, and by which rules.

use clap::Args;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use steelyard_billing::{Calendar, DebitTerms};
use steelyard_pricing::Fen;
use steelyard_runtime::{Clock, Error, aws};
use tracing::level_filters::LevelFilter;

use crate::local::PORT;
use crate::tables::{BILLING_TABLE, Tables, USAGE_TABLE};

/// Which system to work on.
#[derive(Clone, Debug, Args)]
pub(crate) struct TargetArgs {
    /// Where the local stack is.
    #[arg(long, global = true, env = "STEELYARD_ENDPOINT", default_value_t = format!("http://127.0.0.1:{PORT}"), help_heading = "Target")]
    endpoint: String,
    /// Work on AWS instead, with the credentials and the region that every AWS tool finds.
    #[arg(long, global = true, help_heading = "Target")]
    aws: bool,
    /// The name of the usage table: a deployment tells it as an output.
    #[arg(long, global = true, env = "USAGE_TABLE", help_heading = "Target")]
    usage_table: Option<String>,
    /// The name of the billing table: a deployment tells it as an output.
    #[arg(long, global = true, env = "BILLING_TABLE", help_heading = "Target")]
    billing_table: Option<String>,
    /// Print JSON for programs instead of tables for people.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    /// What to log on standard error: `error`, `warn`, `info` or `debug`.
    #[arg(long, global = true, default_value_t = LevelFilter::WARN, help_heading = "Output")]
    pub(crate) log: LevelFilter,
}

/// The platform's rules; the same as the functions' environment variables.
///
/// The local stack has defaults. A deployment has its own, and nothing is guessed: with `--aws` each
/// must be given.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Platform")]
pub(crate) struct PlatformArgs {
    /// The time zone of billing days; `Asia/Shanghai` in the local stack.
    #[arg(long, global = true, env = "TIME_ZONE")]
    time_zone: Option<String>,
    /// The day of the next month at whose beginning a month closes for usage; 5 in the local stack.
    #[arg(long, global = true, env = "MONTH_CLOSE_DAY")]
    month_close_day: Option<i8>,
    /// The time of the day at which debits fall due; 10:00 in the local stack.
    #[arg(long, global = true, env = "DEBIT_TIME")]
    debit_time: Option<Time>,
    /// The least that is worth a debit, in fen; 1 in the local stack.
    #[arg(long, global = true, env = "DEBIT_MINIMUM_FEN")]
    debit_minimum_fen: Option<i64>,
    /// What time it is, instead of the system's clock: `2015-05-18T00:30` in the time zone of
    /// billing days, or an instant such as `2015-05-17T16:30:00Z`. Not with `--aws`.
    #[arg(long, global = true)]
    now: Option<String>,
    /// Whether the rules must be given; see [`TargetArgs::aws`].
    #[arg(skip)]
    is_deployed: bool,
}

impl TargetArgs {
    /// The tables of the system to work on.
    pub(crate) async fn tables(&self) -> Result<Tables, Error> {
        let (usage, billing) = self.names()?;
        Ok(Tables::new(&self.config().await?, usage, billing))
    }

    /// The same, for a command that must not write.
    pub(crate) async fn tables_to_read(&self) -> Result<Tables, Error> {
        let (usage, billing) = self.names()?;
        Ok(Tables::read_only(&self.config().await?, usage, billing))
    }

    fn names(&self) -> Result<(&str, &str), Error> {
        let usage = self.table("--usage-table", self.usage_table.as_deref(), USAGE_TABLE)?;
        let billing =
            self.table("--billing-table", self.billing_table.as_deref(), BILLING_TABLE)?;
        Ok((usage, billing))
    }

    async fn config(&self) -> Result<aws::SdkConfig, Error> {
        if self.aws {
            return Ok(aws::as_operator()?.load().await);
        }
        self.check_local_stack().await?;
        aws::local(None, &self.endpoint)
    }

    fn table<'a>(
        &self,
        option: &str,
        given: Option<&'a str>,
        local: &'a str,
    ) -> Result<&'a str, Error> {
        match given {
            Some(table) => Ok(table),
            None if self.aws => {
                Err(format!("give {option} as the deployment's outputs tell it").into())
            }
            None => Ok(local),
        }
    }

    /// Tells at once when there is no local stack, rather than after the SDK's retries.
    async fn check_local_stack(&self) -> Result<(), Error> {
        let address = self.endpoint.trim_start_matches("http://").trim_end_matches('/');
        match tokio::net::TcpStream::connect(address).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!(
                "no local stack at {}: {error}\nstart one with `steelyard local`, or work on AWS with `--aws`",
                self.endpoint
            )
            .into()),
        }
    }
}

impl PlatformArgs {
    /// The rules for a target: those of a deployment must be given.
    pub(crate) fn of(self, target: &TargetArgs) -> PlatformArgs {
        PlatformArgs { is_deployed: target.aws, ..self }
    }

    /// When debits are made, and the calendar.
    pub(crate) fn terms(&self) -> Result<DebitTerms, Error> {
        let time_zone =
            self.rule("--time-zone", self.time_zone.clone(), "Asia/Shanghai".to_owned())?;
        let close_day = self.rule("--month-close-day", self.month_close_day, 5)?;
        Ok(DebitTerms {
            calendar: Calendar::new(&time_zone, close_day)?,
            minimum_fen: Fen::new(self.rule("--debit-minimum-fen", self.debit_minimum_fen, 1)?),
            time_of_day: self.rule("--debit-time", self.debit_time, Time::constant(10, 0, 0, 0))?,
        })
    }

    fn rule<T>(&self, option: &str, given: Option<T>, local: T) -> Result<T, Error> {
        match given {
            Some(rule) => Ok(rule),
            None if self.is_deployed => Err(format!(
                "give {option} as the deployment has it: with --aws nothing is guessed"
            )
            .into()),
            None => Ok(local),
        }
    }

    /// The chosen time, if one was.
    pub(crate) fn now(&self) -> Result<Option<Timestamp>, Error> {
        let Some(text) = &self.now else { return Ok(None) };
        if self.is_deployed {
            return Err("a deployment has a clock of its own: --now is not for --aws".into());
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Some(instant));
        }
        let wall: DateTime = text.parse().map_err(|error| format!("--now {text}: {error}"))?;
        Ok(Some(self.terms()?.calendar.instant(wall.date(), wall.time())))
    }

    /// The clock: one that stands still at the chosen time, or the system's.
    pub(crate) fn clock(&self) -> Result<Clock, Error> {
        Ok(self.now()?.map_or_else(Clock::system, Clock::fixed))
    }
}
