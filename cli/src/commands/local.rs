//! `steelyard local`: the whole system, kept running on this machine.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args};
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::Right;
use steelyard_local_stack::{PORT, Reach, Stack, StackOptions};
use steelyard_runtime::Error;

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, TargetArgs};

/// Keep the whole system running on this machine, its data in a folder.
///
/// Open its address in a browser: the start page leads to the pages of each provider, shows the
/// local Alipay and the clock, and moves the clock forward to what runs next.
///
/// One port serves the usage API (`POST /v1/usage`, `GET /v1/usage/{provider}`), the quote API
/// (`POST /v1/quotes`), the Alipay gateway (`/gateway.do`), and DynamoDB, SQS, Secrets Manager and
/// Lambda for AWS tools (`AWS_ENDPOINT_URL`): on 127.0.0.1, and where `--listen` says. The
/// schedules run on the stack's clock: settlement at 00:30, dispatch every minute, Alipay's
/// notifications when they are due. `GET /local/clock` shows that clock, and the other commands
/// work at its time.
///
/// A stack does not start before its last settlement. Without `--now` it does not start either when
/// the system's time would close the month in which it last settled.
///
/// Queues are in memory: a report that was queued and not yet counted is lost with the process. All
/// other data are kept. End the stack with Ctrl-C.
#[derive(Debug, Args)]
pub(crate) struct LocalArgs {
    /// The folder that keeps the data.
    #[arg(long, default_value = "steelyard-data")]
    data: PathBuf,
    /// The port on which the stack listens, at every address.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// An address to serve the port on, besides 127.0.0.1; may be repeated. The stack checks no
    /// credentials: any machine that reaches the address can read and change the books.
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<IpAddr>,
    /// How many times as fast as time the clock runs, from `--now` on: with 1440 a day passes in a
    /// minute.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Whether an operator's action on a page waits for the approval of a second person.
    #[arg(
        long,
        env = "ACTIONS_NEED_APPROVAL",
        hide_env_values = true,
        default_value_t = false,
        action = ArgAction::Set
    )]
    actions_need_approval: bool,
}

impl LocalArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let clock = platform.starting_clock(self.speed)?;
        let data = Some(self.data.clone());
        let rules = platform.rules()?;
        let listen = self.listen.clone();
        let actions_need_approval = self.actions_need_approval;
        let options = StackOptions {
            data,
            reach: Reach::Http { port: self.port, listen },
            rules,
            actions_need_approval,
            clock,
            follows: true,
        };
        self.warn();
        let stack = Stack::start(options).await?;
        if !platform.is_time_given() {
            check_month(&stack).await?;
        }
        warn_of_open_reports(&stack).await?;
        self.greet(&stack, target.json)?;
        tokio::select! {
            // A schedule may have been missed while the stack was not running: everything is due.
            () = stack.keep_running(Timestamp::MIN) => (),
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        Ok(Exit::Done)
    }

    /// Warns of each address that other machines may reach.
    fn warn(&self) {
        for address in self.listen.iter().filter(|address| !address.is_loopback()) {
            tracing::warn!(
                %address,
                "not a loopback address: any machine that reaches it can read and change the books, since the stack checks no credentials"
            );
        }
    }

    fn greet(&self, stack: &Stack, as_json: bool) -> Result<(), Error> {
        let endpoint = format!("http://{}", stack.address);
        let now = stack.clock.clock().now();
        if as_json {
            let now_s = now.as_second();
            return output::json(
                &json!({ "endpoint": endpoint, "data": self.data, "now_s": now_s }),
            );
        }
        let (data, speed) = (self.data.display(), self.speed);
        let times = Times::in_zone(stack.rules.calendar.time_zone())?;
        let now = times.show(now);
        output::print(format_args!(
            "steelyard is running at {endpoint}, its data in {data}
  start page       {endpoint}/
  usage API        POST {endpoint}/v1/usage
  live usage       GET {endpoint}/v1/usage/PROVIDER
  quote API        POST {endpoint}/v1/quotes
  recharges        POST {endpoint}/v1/recharges
  mandates         POST {endpoint}/v1/mandates
  accounts         {endpoint}/v1/providers/PROVIDER/overview, described at {endpoint}/portal/reference
  Alipay gateway   {endpoint}/gateway.do, controlled under {endpoint}/local
  AWS tools        AWS_ENDPOINT_URL={endpoint}
  clock            {now} at {speed} times the speed of time"
        ))
    }
}

async fn warn_of_open_reports(stack: &Stack) -> Result<(), Error> {
    if stack.tables.usage.access().await?.access.is_open(Right::Report) {
        tracing::warn!(
            "no source is registered: every caller that reaches the stack can report as any source; see `steelyard source --help`"
        );
    }
    Ok(())
}

/// Refuses the system's time when it closes the month of the last settlement: the stack would
/// settle every night since at once, and count no more usage of that month.
async fn check_month(stack: &Stack) -> Result<(), Error> {
    let Some(last) = stack.tables.billing.last_settlement().await? else { return Ok(()) };
    let (calendar, now) = (&stack.rules.calendar, stack.clock.clock().now());
    let month = calendar.day_of(last)?.month();
    if calendar.is_open(month, now) {
        return Ok(());
    }
    let times = Times::in_zone(calendar.time_zone())?;
    Err(format!(
        "this stack last settled at {}, and {month} is closed at the system's time, {}: say by --now at which time to start it",
        times.show(last),
        times.show(now)
    )
    .into())
}
