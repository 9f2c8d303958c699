//! Which system a command works on, at what time, and by which rules.

mod platform;

use clap::Args;
use steelyard_alipay::Alipay;
use steelyard_billing::DebitRules;
use steelyard_books::{Books, Settler, Tables};
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_stack::{
    BILLING_TABLE, EVENTS_TABLE, LOGS_QUEUE_URL, PORT, StackStatus, USAGE_TABLE, tables,
    tables_to_read,
};
use steelyard_pricing::BillingDay;
use steelyard_runtime::{Bus, Clock, Environment, Error, Queue, alipay, aws, chain};
use steelyard_store::EventsTable;
use tracing::level_filters::LevelFilter;

pub(crate) use platform::PlatformArgs;

use crate::output::Times;

/// The heading of the options that every command has, below those of its own.
const COMMON: &str = "Common options";

/// Which system to work on.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = COMMON)]
pub(crate) struct TargetArgs {
    /// Print JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The level of logs on standard error: `error`, `warn`, `info` or `debug`.
    #[arg(long, global = true, default_value_t = LevelFilter::WARN)]
    pub(crate) log: LevelFilter,
    /// The endpoint of the local stack.
    #[arg(long, global = true, env = "STEELYARD_ENDPOINT", hide_env_values = true, default_value_t = format!("http://127.0.0.1:{PORT}"))]
    endpoint: String,
    /// Work on AWS instead, with the credentials and the region that every AWS tool finds.
    #[arg(long, global = true)]
    aws: bool,
    /// The usage table of a deployment: one of its outputs.
    #[arg(
        long,
        global = true,
        env = "USAGE_TABLE",
        hide_env_values = true,
        hide_short_help = true
    )]
    usage_table: Option<String>,
    /// The billing table of a deployment: one of its outputs.
    #[arg(
        long,
        global = true,
        env = "BILLING_TABLE",
        hide_env_values = true,
        hide_short_help = true
    )]
    billing_table: Option<String>,
    /// The events table of a deployment: one of its outputs.
    #[arg(
        long,
        global = true,
        env = "EVENTS_TABLE",
        hide_env_values = true,
        hide_short_help = true
    )]
    events_table: Option<String>,
    /// The queue of the function that reads logs of a deployment: one of its outputs.
    #[arg(
        long,
        global = true,
        env = "LOGS_QUEUE_URL",
        hide_env_values = true,
        hide_short_help = true
    )]
    logs_queue_url: Option<String>,
}

/// The variables by which a command on a deployment queries Alipay.
const ALIPAY_VARIABLES: &str =
    "ALIPAY_GATEWAY, ALIPAY_APP_ID, ALIPAY_PUBLIC_KEY and ALIPAY_SECRET_ID";

/// The system that a command works on, at its time.
///
/// No other type gives a command the time: a command that needs it opens its system.
pub(crate) struct System {
    /// The tables of the stack or of the deployment.
    pub(crate) tables: Tables,
    /// The clock of the system: the stack's, the system's clock with `--aws`, or one that stands
    /// still at `--now`.
    pub(crate) clock: Clock,
    /// The clock by which links to the pages end: the stack's for sessions, or the system's.
    pub(crate) session_clock: Clock,
    rules: PlatformArgs,
    gateway: Gateway,
}

/// Where the Alipay of a system is.
enum Gateway {
    /// On the stack at this endpoint.
    Local(String),
    /// Where the variables of the debit function say, with a key that AWS keeps.
    Deployed(Box<aws::SdkConfig>),
}

impl TargetArgs {
    /// The system to work on, for a command that needs its time or its rules.
    ///
    /// # Errors
    ///
    /// When there is no stack, `--now` is later than its clock, or a given rule is not the stack's.
    pub(crate) async fn system(&self, platform: &PlatformArgs) -> Result<System, Error> {
        self.open(platform, tables).await
    }

    /// The same system, for a command that must not write.
    ///
    /// # Errors
    ///
    /// As [`TargetArgs::system`].
    pub(crate) async fn system_to_read(&self, platform: &PlatformArgs) -> Result<System, Error> {
        self.open(platform, tables_to_read).await
    }

    async fn open(
        &self,
        platform: &PlatformArgs,
        tables_of: fn(&aws::SdkConfig, &str, &str) -> Tables,
    ) -> Result<System, Error> {
        let (usage, billing) = self.names()?;
        let (config, stack) = self.reach().await?;
        let (clock, rules) = match &stack {
            Some(stack) => platform.on_stack(stack)?,
            None => (Clock::system(), platform.clone()),
        };
        let session_clock = stack.as_ref().map_or_else(Clock::system, StackStatus::session_clock);
        let tables = tables_of(&config, usage, billing);
        let gateway = match stack {
            Some(_) => Gateway::Local(self.endpoint.trim_end_matches('/').to_owned()),
            None => Gateway::Deployed(Box::new(config)),
        };
        Ok(System { tables, clock, session_clock, rules, gateway })
    }

    /// The address of a stack; none of a deployment.
    pub(crate) fn stack_endpoint(&self) -> Option<&str> {
        (!self.aws).then(|| self.endpoint.trim_end_matches('/'))
    }

    /// The tables of the system to work on, for a command that needs no time.
    pub(crate) async fn tables(&self) -> Result<Tables, Error> {
        let (usage, billing) = self.names()?;
        Ok(tables(&self.reach().await?.0, usage, billing))
    }

    /// The same tables, for a command that needs no time and must not write.
    pub(crate) async fn tables_to_read(&self) -> Result<Tables, Error> {
        let (usage, billing) = self.names()?;
        Ok(tables_to_read(&self.reach().await?.0, usage, billing))
    }

    /// The events table of the system to work on.
    pub(crate) async fn events(&self) -> Result<EventsTable, Error> {
        let table = self.table("--events-table", self.events_table.as_deref(), EVENTS_TABLE)?;
        Ok(EventsTable::new(aws::dynamodb(&self.reach().await?.0), table.to_owned()))
    }

    /// The same table, for a command that must not write.
    pub(crate) async fn events_to_read(&self) -> Result<EventsTable, Error> {
        let table = self.table("--events-table", self.events_table.as_deref(), EVENTS_TABLE)?;
        let client = aws::dynamodb_read_only(&self.reach().await?.0);
        Ok(EventsTable::new(client, table.to_owned()))
    }

    /// An event bus of the system to work on.
    pub(crate) async fn bus(&self, name: String) -> Result<Bus, Error> {
        Ok(Bus::new(&self.reach().await?.0, name))
    }

    /// The queue of the function that reads logs.
    pub(crate) async fn logs_queue(&self) -> Result<Queue, Error> {
        let given = self.logs_queue_url.as_deref();
        let url = self.table("--logs-queue-url", given, LOGS_QUEUE_URL)?;
        Ok(aws::queue(&self.reach().await?.0, url.to_owned()))
    }

    fn names(&self) -> Result<(&str, &str), Error> {
        let usage = self.table("--usage-table", self.usage_table.as_deref(), USAGE_TABLE)?;
        let billing =
            self.table("--billing-table", self.billing_table.as_deref(), BILLING_TABLE)?;
        Ok((usage, billing))
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
                Err(format!("give {option}: the deployment has it as an output").into())
            }
            None => Ok(local),
        }
    }

    /// How to reach the system, and the status of the stack unless it is on AWS.
    ///
    /// A stack that does not run is reported at once, rather than after the SDK's retries.
    async fn reach(&self) -> Result<(aws::SdkConfig, Option<StackStatus>), Error> {
        if self.aws {
            return Ok((aws::as_operator()?.load().await, None));
        }
        let status = StackStatus::ask(&self.endpoint).await?;
        Ok((aws::local(None, &self.endpoint)?, Some(status)))
    }
}

impl System {
    /// When debits are made, and the calendar.
    ///
    /// # Errors
    ///
    /// When a rule of a deployment is not given.
    pub(crate) fn rules(&self) -> Result<DebitRules, Error> {
        self.rules.rules()
    }

    /// How people read the system's instants.
    ///
    /// # Errors
    ///
    /// When the time zone of a deployment is not given.
    pub(crate) fn times(&self) -> Result<Times, Error> {
        Ok(Times::in_zone(&self.rules.time_zone()?)?)
    }

    /// The books of the system.
    ///
    /// # Errors
    ///
    /// When a rule of a deployment is not given.
    pub(crate) fn books(&self) -> Result<Books, Error> {
        Ok(Books::new(self.tables.billing.clone(), self.rules()?))
    }

    /// The settler of the system.
    ///
    /// # Errors
    ///
    /// When a rule of a deployment is not given.
    pub(crate) fn settler(&self) -> Result<Settler, Error> {
        Ok(Settler { books: self.books()?, usage: self.tables.usage.clone() })
    }

    /// The settler of the system, for a command that settles. On a deployment it books no
    /// adjustment without an approval, whatever rule it was given: only the settle function knows
    /// the parameter.
    ///
    /// # Errors
    ///
    /// As [`System::settler`].
    pub(crate) fn settler_to_store(&self) -> Result<Settler, Error> {
        let mut settler = self.settler()?;
        if let Gateway::Deployed(_) = self.gateway {
            settler.books.rules.adjustments_need_approval = true;
        }
        Ok(settler)
    }

    /// The client of the system's Alipay, for queries: it has no address for notifications.
    ///
    /// # Errors
    ///
    /// When a variable of a deployment is missing, or its secret can't be read; named.
    pub(crate) async fn alipay(&self) -> Result<Alipay, Error> {
        match &self.gateway {
            Gateway::Local(endpoint) => {
                let config = LocalAlipay::client_config(&format!("{endpoint}/gateway.do"));
                Ok(Alipay::new(config)?)
            }
            Gateway::Deployed(config) => {
                let client = alipay::client(&Environment::of_process(), config).await;
                client.map_err(|error| {
                    format!(
                        "cannot query Alipay, which takes the variables {ALIPAY_VARIABLES} of the \
                         debit function: {}",
                        chain(&*error)
                    )
                    .into()
                })
            }
        }
    }

    /// The billing day that the clock shows.
    ///
    /// # Errors
    ///
    /// As [`System::rules`], and when the time is outside the calendar.
    pub(crate) fn today(&self) -> Result<BillingDay, Error> {
        Ok(self.rules()?.calendar.day_of(self.clock.now())?)
    }
}
