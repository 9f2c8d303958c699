//! `steelyard demo`: the whole road, from usage reports to money taken, in this process.

use std::collections::BTreeMap;

use axum::http::header::AUTHORIZATION;
use axum::http::{self, HeaderMap};
use clap::Args;
use jiff::civil::date;
use serde::Serialize;
use serde_json::{Value, json};
use steelyard_alipay::Alipay;
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    Calendar, DebitRules, Grant, Grantee, NamesMax, Person, Provider, ProviderId, Reference, Right,
    StatementId,
};
use steelyard_books::Books;
use steelyard_ingest::USAGE_PATH;
use steelyard_local_alipay::{Fault, LocalAlipay, Method};
use steelyard_local_stack::{LocalClock, Reach, Stack, StackOptions, http_event};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, Plan};
use steelyard_runtime::Error;

use super::audit::{AuditReport, audit_all};
use super::{account, mandates, provider, registered, statement};
use crate::exit::Exit;
use crate::output;
use crate::target::TargetArgs;

/// Run days of usage through the whole system in this process, print what came of it, and audit.
///
/// Three providers, on the plan of 2014, call APIs on five days of May 2014. Their usage is
/// reported through the ingest function (once each report twice), settled every night, taken from
/// prepaid balances first and withheld from a local Alipay for the rest. Along the way an answer of
/// Alipay is lost, a payer is short of money, and a report comes three days late. Nothing is kept.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Then show the pages of it all: the system runs on until Ctrl-C, and its start page opens in
    /// the browser. Its clock stands still; the start page moves it.
    #[arg(long)]
    open: bool,
}

/// A provider of the demo.
struct Actor {
    id: &'static str,
    prepaid: i64,
    /// Its agreement and the funds behind it, in fen.
    mandate: Option<(&'static str, i64)>,
    /// Its daily calls of basic and of value-added APIs.
    daily: (u64, u64),
}

const ACTORS: [Actor; 3] = [
    Actor { id: "erp-bridge", prepaid: 10_000, mandate: None, daily: (430_000, 0) },
    Actor {
        id: "label-printer",
        prepaid: 0,
        mandate: Some(("20140501000000000001", 2_000)),
        daily: (150_000, 90_000),
    },
    Actor {
        id: "shop-assistant",
        prepaid: 3_000,
        mandate: Some(("20140501000000000002", 1_000_000)),
        daily: (380_000, 45_000),
    },
];

/// The sources, each of which reports as itself only.
const GATEWAYS: [&str; 3] = ["gateway-1", "gateway-2", "gateway-3"];

const PLAN: &str = include_str!("../../../plans/jushita-2014.json");
const DAYS: i8 = 5;

/// Stands before the log line that it explains.
const LOST_ANSWER: &str = "\
The demo now loses an answer of Alipay on purpose. The log warns that the debit is in doubt:
nobody knows whether it was paid. A query will prove that it was.";

/// The sums of one billing day for one provider.
#[derive(Clone, Debug, Serialize)]
struct Row {
    provider: ProviderId,
    day: BillingDay,
    calls: i128,
    charge_fen: Fen,
    from_prepaid_fen: Fen,
    withheld_fen: Fen,
    owed_fen: Fen,
}

/// All that the demo prints.
#[derive(Clone, Debug, Serialize)]
struct Demo {
    days: Vec<Row>,
    audit: AuditReport,
    /// What the local Alipay says it took.
    taken_fen: Fen,
}

impl DemoArgs {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let stack = start().await?;
        let demo = play(&stack).await?;
        let taken_as_recorded = demo.taken_fen == demo.audit.withheld_fen;
        if target.json {
            output::json(&demo)?;
        } else {
            demo.print()?;
        }
        if self.open {
            show(&stack, target.json).await?;
        }
        Ok(if taken_as_recorded { demo.audit.exit() } else { Exit::NotAllWell })
    }
}

/// Keeps a stack running until Ctrl-C, and opens its start page.
async fn show(stack: &Stack, as_json: bool) -> Result<(), Error> {
    let endpoint = format!("http://{}", stack.address);
    if as_json {
        output::json(&json!({ "endpoint": endpoint }))?;
    } else {
        output::print(format_args!("Its pages are at {endpoint}/ until you press Ctrl-C"))?;
        output::open_in_browser(&format!("{endpoint}/"))?;
    }
    tokio::select! {
        () = stack.keep_running(stack.clock.now()) => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}

async fn play(stack: &Stack) -> Result<Demo, Error> {
    for gateway in GATEWAYS {
        register_source(stack, gateway).await?;
    }
    for actor in &ACTORS {
        enter(stack, actor).await?;
    }
    let mut days = Vec::new();
    for number in 1..=DAYS {
        let day = BillingDay::new(date(2014, 5, number))?;
        report_day(stack, day).await?;
        prepare_trouble(stack, number)?;
        let taken_before = stack.alipay.taken()?;
        stack.run_until(noon(stack, day.next())).await?;
        for actor in &ACTORS {
            days.push(row(stack, actor, day, &taken_before).await?);
        }
    }
    let taken_fen = Fen::sum(stack.alipay.taken()?.into_values())?;
    Ok(Demo {
        days,
        audit: audit_all(&stack.tables, &stack.rules, stack.clock.now()).await?,
        taken_fen,
    })
}

async fn start() -> Result<Stack, Error> {
    let calendar = Calendar::new("Asia/Shanghai", 5)?;
    let begin = calendar.instant(date(2014, 5, 1), jiff::civil::time(9, 0, 0, 0));
    let rules = DebitRules {
        calendar,
        minimum_fen: Fen::new(1),
        time_of_day: jiff::civil::time(10, 0, 0, 0),
        window_minutes: 60,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    };
    Stack::start(StackOptions {
        data: None,
        reach: Reach::any_port(),
        rules,
        actions_need_approval: false,
        clock: LocalClock::new(begin, 0),
        follows: true,
    })
    .await
}

/// Registers a provider, with what it paid in advance and the mandate that it signed.
async fn enter(stack: &Stack, actor: &Actor) -> Result<(), Error> {
    let plan = Plan::read(PLAN)?;
    let today = stack.rules.calendar.day_of(stack.clock.clock().now())?;
    let books = Books::new(stack.tables.billing.clone(), stack.rules.clone());
    books.add_plan(&plan, today).await?;
    let month: BillingMonth = "2014-05".parse()?;
    let new: Provider = provider::new_provider(actor.id.parse()?, plan.name().clone(), month);
    let now = stack.clock.clock().now();
    stack.tables.billing.register(&stack.tables.usage, &new, now).await?;
    if let Some((agreement, funds)) = actor.mandate {
        stack.alipay.register_agreement(agreement, actor.id, Fen::new(funds))?;
        let limits = MandateLimits { single_fen: Fen::new(500_000), daily_fen: None };
        let gateway = format!("http://{}/gateway.do", stack.address);
        let alipay = Alipay::new(LocalAlipay::client_config(&gateway))?;
        let agreement = mandates::in_force(&alipay, agreement, now).await?;
        mandates::adopt(&books, &new.provider, &agreement, limits, now).await?;
    }
    if actor.prepaid > 0 {
        let (amount, reference) = (Fen::new(actor.prepaid), format!("demo-{}", actor.id));
        let reference = Reference::new(&reference)?;
        account::recharge(&books, &new.provider, amount, &reference, now).await?;
    }
    Ok(())
}

/// Lets a gateway, and nobody else, report as the source of its name.
async fn register_source(stack: &Stack, gateway: &str) -> Result<(), Error> {
    let source = Grantee::Source(gateway.parse()?);
    let grant = Grant {
        principals: [gateway.parse()?].into(),
        rights: [Right::Report].into(),
        providers: ["*".parse()?].into(),
        by: Person::new("demo")?,
        at_s: stack.clock.now(),
    };
    stack.tables.usage.grant(&source, None, &grant).await.map_err(Error::from)
}

/// Two gateways report a day, one over HTTP and one over the queue; the first sends its report
/// twice. On the fourth day a third brings usage of the first.
async fn report_day(stack: &Stack, day: BillingDay) -> Result<(), Error> {
    stack.clock.set(noon(stack, day));
    let morning = report("gateway-1", day, day, |(basic, value_added)| (basic / 2, value_added));
    let evening = report("gateway-2", day, day, |(basic, _)| (basic - basic / 2, 0));
    post(stack, &morning).await?;
    post(stack, &morning).await?;
    stack.send_report("gateway-2", &evening.to_string()).await?;
    if day.day_of_month() == 4 {
        let first = BillingDay::new(date(2014, 5, 1))?;
        post(stack, &report("gateway-3", day, first, |(basic, _)| (basic / 10, 0))).await?;
    }
    stack.drain().await
}

fn report(
    source: &str,
    sent: BillingDay,
    made: BillingDay,
    share: impl Fn((u64, u64)) -> (u64, u64),
) -> Value {
    let records = ACTORS
        .iter()
        .flat_map(|actor| {
            let (basic, value_added) = share(actor.daily);
            [("taobao.trades.sold.get", basic), ("vas.sms.send", value_added)]
                .map(|(api, count)| json!({ "provider": actor.id, "api": api, "day": made, "count": count }))
        })
        .collect::<Vec<_>>();
    json!({ "source": source, "id": sent, "records": records })
}

/// Posts a report, signed by the gateway that it names.
async fn post(stack: &Stack, report: &Value) -> Result<(), Error> {
    let gateway = report["source"].as_str().ok_or("a report of the demo has no source")?;
    let signed = format!("AWS4-HMAC-SHA256 Credential={gateway}/local");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, signed.parse()?)]);
    let body = report.to_string();
    let event = http_event(&http::Method::POST, USAGE_PATH, &headers, body.as_bytes());
    let answer = stack.functions.ingest.invoke(event).await?;
    match answer["statusCode"].as_u64() {
        Some(200) => Ok(()),
        _ => Err(format!("a report was not counted: {}", answer["body"]).into()),
    }
}

/// What goes wrong in the night after a day.
fn prepare_trouble(stack: &Stack, day: i8) -> Result<(), Error> {
    match day {
        2 => {
            if tracing::enabled!(tracing::Level::WARN) {
                output::tell(LOST_ANSWER);
            }
            stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
        }
        4 => stack.alipay.set_funds("label-printer", Fen::new(100_000))?,
        _ => {}
    }
    Ok(())
}

fn noon(stack: &Stack, day: BillingDay) -> jiff::Timestamp {
    stack.rules.calendar.instant(day.date(), jiff::civil::time(12, 0, 0, 0))
}

async fn row(
    stack: &Stack,
    actor: &Actor,
    day: BillingDay,
    taken_before: &BTreeMap<String, Fen>,
) -> Result<Row, Error> {
    let id: ProviderId = actor.id.parse()?;
    let statement = stack.tables.billing.statement(&id, StatementId { day, supplement: 0 }).await?;
    let statement = statement.ok_or_else(|| format!("{id} has no statement of {day}"))?;
    let taken = stack.alipay.taken()?;
    let withheld_fen = actor.mandate.map_or(Ok(Fen::ZERO), |(agreement, _)| {
        let of = |taken: &BTreeMap<String, Fen>| taken.get(agreement).copied().unwrap_or(Fen::ZERO);
        of(&taken).minus(of(taken_before))
    })?;
    Ok(Row {
        day,
        calls: statement::new_calls(&statement)?,
        charge_fen: statement.charge_fen,
        from_prepaid_fen: statement.from_prepaid_fen,
        withheld_fen,
        owed_fen: registered(&stack.tables, &id).await?.account.figures.receivable(),
        provider: id,
    })
}

impl Demo {
    fn print(&self) -> Result<(), Error> {
        let mut table = output::table([
            "provider",
            "day",
            ">calls",
            ">charge",
            ">from\nprepaid",
            ">withheld",
            ">still\nowed",
        ]);
        for row in &self.days {
            table.add_row([
                row.provider.to_string(),
                row.day.to_string(),
                output::grouped(row.calls),
                row.charge_fen.to_string(),
                row.from_prepaid_fen.to_string(),
                row.withheld_fen.to_string(),
                row.owed_fen.to_string(),
            ]);
        }
        output::print(table)?;
        output::print("Amounts are yuan. Withheld is what Alipay took by noon of the day after.")?;
        self.audit.print()?;
        let verdict = if self.taken_fen == self.audit.withheld_fen { "as" } else { "NOT as" };
        output::print(format_args!("Alipay took ¥{}, {verdict} the journal says", self.taken_fen))
    }
}
