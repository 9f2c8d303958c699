//! `steelyard import`: what of a log is counted, for whom, and as what.
//!
//! This file has what its tests share, and the tests of whole files.

mod billable;
mod callers;
mod formats;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::Path;

use expect_test::{Expect, expect};
use serde_json::Value;
use steelyard_pricing::{BillingDay, Fen};

use crate::platform::Platform;

/// A fen a call, and two yuan for a message.
const PLAN: &str = r#"{ "plan": "flat", "effective_from": "2015-01-01", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } },
    { "rate": "messages", "apis": ["pay.sms"], "price": { "model": "per_unit", "unit_price": "2" } } ] }"#;

/// A platform with a plan, at a time.
async fn platform(name: &str, now: &str) -> Platform {
    let platform = Platform::open(&format!("import-{name}")).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.set(now);
    platform
}

impl Platform {
    /// Imports lines from a file of that name, registering callers. Gives the exit code and what
    /// was printed.
    async fn import(&self, file: &str, lines: &[impl Borrow<str>], options: &str) -> String {
        self.folder.write(file, &(lines.join("\n") + "\n"));
        let ran = self.run(&format!("import {file} --register flat {options}")).await;
        let is_warning = |line: &str| line.starts_with("warning: ");
        assert!(ran.err.lines().all(is_warning), "{}{}", ran.err, ran.out);
        format!("exit {}\n{}", ran.code, ran.out)
    }

    /// All counted calls: provider, day, API and number.
    async fn counted(&self) -> String {
        let [from, through] =
            ["2015-01-01", "2015-12-31"].map(|day| day.parse::<BillingDay>().unwrap());
        let mut calls = String::new();
        for account in self.stack.tables.registry().await.unwrap().accounts {
            let id = account.provider.provider;
            for (day, count) in self.stack.tables.usage.days(&id, from, through).await.unwrap() {
                for (api, metered) in count.usage.iter() {
                    calls += &format!("{id} {day} {api} {}\n", metered.calls);
                }
            }
        }
        calls
    }

    /// The charges of each provider, summed.
    async fn charged(&self) -> BTreeMap<String, Fen> {
        let mut charged = BTreeMap::new();
        for account in self.stack.tables.registry().await.unwrap().accounts {
            let id = account.provider.provider;
            let statements = self.stack.tables.billing.statements(&id).await.unwrap();
            let sum = Fen::sum(statements.iter().map(|statement| statement.charge_fen)).unwrap();
            charged.insert(id.to_string(), sum);
        }
        charged
    }

    /// The first month in which a provider is billed, as the tool shows it.
    async fn billed_from(&self, provider: &str) -> String {
        let shown = self.does(&format!("provider show {provider} --json")).await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(
            shown["provider"]["plans"][0]["from"],
            shown["provider"]["billed_from"].as_str().unwrap().to_owned() + "-01"
        );
        shown["provider"]["billed_from"].as_str().unwrap().to_owned()
    }
}

/// A line of the Combined Log Format, of noon on 16 May.
fn line(host: &str, request: &str, status: u16) -> String {
    format!(r#"{host} - - [16/May/2015:12:00:00 +0800] "{request}" {status} 5 "-" "Agent""#)
}

/// Checks what is printed and counted when lines are imported, at nine in the morning of 17 May.
async fn check(name: &str, options: &str, lines: &[impl Borrow<str>], expected: Expect) {
    let platform = platform(name, "2015-05-17T09:00").await;
    let printed = platform.import("day.log", lines, options).await;
    expected.assert_eq(&(printed + &platform.counted().await));
}

#[tokio::test]
async fn pieces_of_a_log_count_once_and_are_charged_once() {
    let platform = platform("pieces", "2015-05-17T09:00").await;
    let log = (0..9_000).map(|n| {
        let (minute, second) = (n / 60 % 60, n % 60);
        let time = format!("16/May/2015:{:02}:{minute:02}:{second:02} +0800", 8 + n / 3_600);
        format!(r#"shop - - [{time}] "GET /a HTTP/1.1" 200 5 "-" "-""#)
    });
    let log = log.collect::<Vec<_>>();
    for (from, to, said) in [
        (0, 5_000, "5,000 calls of 1 provider counted\n"),
        (5_000, 9_000, "4,000 calls of 1 provider counted\n"),
        (0, 9_000, "9,000 calls of 1 provider counted before\n"),
        (1, 5_000, "4,999 calls of 1 provider counted before\n"),
    ] {
        let printed = platform.import("web.log", &log[from..to], "").await;
        assert!(printed.starts_with("exit 0\n") && printed.ends_with(said), "{printed}");
    }
    platform.settle("2015-05-18").await;
    assert_eq!(platform.charged().await["shop"], Fen::new(9_000));
}

#[tokio::test]
async fn byte_order_mark_makes_no_other_file() {
    let platform = platform("bom", "2015-05-17T09:00").await;
    let record = r#"{"provider":"shop","api":"a","day":"2015-05-16","count":21}"#;
    for (first, options, said) in [
        ("\u{feff}", "", "42 calls of 1 provider counted\n"),
        // Other calls, or the same?
        ("", "", "42 calls of 1 provider REFUSED\n"),
        ("", "--report lines", "42 calls of 1 provider counted before\n"),
    ] {
        let lines = [&*format!("{first}{record}\r"), record];
        let printed = platform.import("day.jsonl", &lines, options).await;
        assert!(printed.contains(said), "{printed}");
        assert_eq!(platform.counted().await, "shop 2015-05-16 a 42\n");
    }
}

/// The commands of the README that import the sample, from the folder of the repository.
#[tokio::test]
async fn readme_imports_the_sample_as_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let block = readme.split("```").find(|block| block.contains("\nsteelyard import ")).unwrap();
    let platform = Platform::open("import-readme").await;
    platform.set("2015-05-17T09:00");
    let mut printed = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("steelyard ")) {
        let mut command = platform.command(line);
        command.current_dir(&root);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
        printed += &crate::tool::Ran::of(output.unwrap()).done();
    }
    expect![[r#"
        four-tiers of 2014-04-01 is stored
        38 lines: 32 billable, 4 not billable, 2 odd
          not billable: 1 by method
          not billable: 1 with status 301
          not billable: 1 with status 304
          not billable: 1 with status 500
          odd: 1 without a request
          odd: 1 not HTTP
        32 calls of 3 providers counted
        9 statements made
    "#]]
    .assert_eq(&printed);
}
