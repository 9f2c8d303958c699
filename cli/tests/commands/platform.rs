//! A local stack of a test, and the tool that works on it.

use std::process::Command;

use jiff::civil::{DateTime, Time};
use serde_json::{Value, json};
use steelyard_billing::{Calendar, DebitRules, NamesMax, PlanAssignment, Provider};
use steelyard_local_aws::Request;
use steelyard_local_stack::{LocalClock, Reach, Stack, StackOptions};
use steelyard_pricing::{AlertRules, Fen};

use crate::tool::{Folder, Ran};

/// The names of the stack's tables.
pub(crate) const USAGE_TABLE: &str = "steelyard-usage";
pub(crate) const BILLING_TABLE: &str = "steelyard-billing";

/// A stack whose clock stands still until a test sets it, and a folder of documents.
pub(crate) struct Platform {
    pub stack: Stack,
    pub folder: Folder,
}

impl Platform {
    /// An empty stack.
    pub(crate) async fn open(name: &str) -> Platform {
        Platform::open_in(name, "Asia/Shanghai").await
    }

    /// An empty stack with another time zone.
    pub(crate) async fn open_in(name: &str, time_zone: &str) -> Platform {
        Platform::start(name, time_zone, false).await
    }

    /// An empty stack where adjustments and operators' actions need an approval, or none.
    pub(crate) async fn open_by(name: &str, needs_approval: bool) -> Platform {
        Platform::start(name, "Asia/Shanghai", needs_approval).await
    }

    async fn start(name: &str, time_zone: &str, needs_approval: bool) -> Platform {
        let rules = DebitRules {
            calendar: Calendar::new(time_zone, 5).unwrap(),
            minimum_fen: Fen::new(1),
            time_of_day: Time::constant(10, 0, 0, 0),
            window_minutes: 0,
            adjustments_need_approval: needs_approval,
            names_max: NamesMax::DEFAULT,
        };
        let clock = LocalClock::new("2015-04-30T16:00:00Z".parse().unwrap(), 0);
        let options = StackOptions {
            data: None,
            reach: Reach::any_port(),
            rules,
            actions_need_approval: needs_approval,
            clock,
            follows: true,
        };
        let stack = Stack::start(options).await.unwrap();
        Platform { stack, folder: Folder::new(name) }
    }

    /// Sets the clock to a time of the stack's time zone.
    pub(crate) fn set(&self, time: &str) {
        let time: DateTime = time.parse().unwrap();
        self.stack.clock.set(self.stack.rules.calendar.instant(time.date(), time.time()));
    }

    /// Runs the tool on this stack.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        let mut command = self.command(line);
        // The stack is served meanwhile, by this thread.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        Ran::of(output.unwrap())
    }

    /// The same command, to be run while the stack is served.
    pub(crate) fn command(&self, line: &str) -> Command {
        self.folder.command(&format!("{line} --endpoint http://{}", self.stack.address))
    }

    /// Runs the tool, which does everything; gives what it printed.
    pub(crate) async fn does(&self, line: &str) -> String {
        self.run(line).await.done()
    }

    /// Runs the tool, which fails; gives what it said.
    pub(crate) async fn fails(&self, line: &str) -> String {
        let ran = self.run(line).await;
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
        ran.err
    }

    /// Writes a document and stores it as a plan.
    pub(crate) async fn add_plan(&self, file: &str, document: &str) {
        self.folder.write(file, document);
        self.does(&format!("plan add {file}")).await;
    }

    /// Reports calls of a provider on a day, under an id.
    pub(crate) async fn count(&self, id: &str, provider: &str, day: &str, calls: &[(&str, u64)]) {
        let record = |(api, count): &(&str, u64)| json!({ "provider": provider, "api": api, "day": day, "count": count });
        let records = calls.iter().map(record).collect::<Vec<_>>();
        let report = json!({ "source": "gateway-1", "id": id, "records": records });
        let answer = self.stack.functions.ingest.invoke(report).await.unwrap();
        assert_eq!(answer["providers"][provider][day], "counted", "{answer}");
    }

    /// Settles everything at half an hour after the midnight before a day.
    pub(crate) async fn settle(&self, day: &str) {
        self.set(&format!("{day}T00:30"));
        self.does("settle --log error").await;
    }

    /// Runs what is due up to a time of the stack's time zone.
    pub(crate) async fn run_until(&self, time: &str) {
        let time: DateTime = time.parse().unwrap();
        let end = self.stack.rules.calendar.instant(time.date(), time.time());
        self.stack.run_until(end).await.unwrap();
    }

    /// Stores an item of a table in a format that nobody here knows.
    pub(crate) async fn make_unreadable(&self, pk: &str, sk: &str) {
        self.set_format(pk, sk, 99).await;
    }

    /// Stores an item of a table with another number of its format.
    pub(crate) async fn set_format(&self, pk: &str, sk: &str, format: u16) {
        let [usage, billing] = self.dump().await.try_into().unwrap();
        let is_it =
            |item: &&Value| (&item["pk"]["S"], &item["sk"]["S"]) == (&json!(pk), &json!(sk));
        let find = |items: &Value| items.as_array().unwrap().iter().find(is_it).cloned();
        let (table, mut item) = match find(&usage) {
            Some(item) => (USAGE_TABLE, item),
            None => (BILLING_TABLE, find(&billing).unwrap()),
        };
        item["format"] = json!({ "N": format.to_string() });
        let put = json!({ "TableName": table, "Item": item }).to_string();
        let request = Request::new("DynamoDB_20120810.PutItem", put);
        assert_eq!(self.stack.embedded.handle(request).await.status, 200);
    }

    /// Registers a provider that comes on a plan on a day, whether or not that is in force.
    pub(crate) async fn register(&self, provider: &str, plan: &str, from: &str) {
        let provider = Provider {
            provider: provider.parse().unwrap(),
            billed_from: "2015-05".parse().unwrap(),
            plans: vec![PlanAssignment {
                from: from.parse().unwrap(),
                plan: plan.parse().unwrap(),
            }],
            overrides: Vec::new(),
            mandate: None,
            alert_rules: AlertRules::default(),
        };
        let (tables, now) = (&self.stack.tables, self.stack.clock.now());
        tables.billing.register(&tables.usage, &provider, now).await.unwrap();
    }

    /// Every item of both tables.
    pub(crate) async fn dump(&self) -> Vec<Value> {
        let mut items = Vec::new();
        for table in [USAGE_TABLE, BILLING_TABLE] {
            let scan = json!({ "TableName": table }).to_string();
            let request = Request::new("DynamoDB_20120810.Scan", scan);
            let answer = self.stack.embedded.handle(request).await;
            let scanned: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((answer.status, &scanned["LastEvaluatedKey"]), (200, &Value::Null));
            items.push(scanned["Items"].clone());
        }
        items
    }
}
