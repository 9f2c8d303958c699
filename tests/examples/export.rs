//! Ten weeks of some providers, exported as DynamoDB exports a table to S3, with the answers that
//! the store gives to the questions of docs/sql.
//!
//! `cargo run -p steelyard-tests --example export -- FOLDER`
//!
//! The folder gets one full export, two incremental ones that follow it, and `answers.json`: for
//! each query its rows, each value as a text. `tests/scripts/analysis` compares them with what SQL
//! finds.

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::json;
use steelyard_billing::{
    AdjustmentOf, AdjustmentRequest, Books, DebitId, OutRequestNo, OutTradeNo, Person,
    PlanAssignment, RefundRef, TradeOf, still_owed,
};
use steelyard_books::Adjusted;
use steelyard_pricing::{BillingDay, Fen, SegmentSpan};
use steelyard_tests::{Platform, fen, reason};

const BASIC: &str = "taobao.trades.sold.get";
const VALUE_ADDED: &str = "vas.sms.send";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = &arguments[..] else { panic!("the argument is a folder") };
    let folder = PathBuf::from(folder);
    let platform = Platform::open().await;
    register(&platform).await;
    use_until_june(&platform).await;
    let first = platform.billing_image().await;
    first.export(&folder);
    let mut before = first;
    for (usage, until) in [
        (
            [("2015-06-20", "silent", BASIC, 900_000), ("2015-06-21", "paying", BASIC, 40_000)],
            "2015-06-30T12:00",
        ),
        (
            [
                ("2015-07-05", "silent", BASIC, 500_700),
                ("2015-07-06", "poor", VALUE_ADDED, 150_000),
            ],
            "2015-07-10T12:00",
        ),
    ] {
        for (day, provider, api, calls) in usage {
            count_on(&platform, day, provider, api, calls).await;
        }
        platform.run_until(until).await;
        let now = platform.billing_image().await;
        now.export_since(&before, platform.stack.clock.now().as_microsecond(), &folder);
        before = now;
    }
    platform.books_balance_late(&[]).await;
    let answers = answers(&platform).await;
    std::fs::write(folder.join("answers.json"), json!(answers).to_string()).unwrap();
}

/// Providers that pay, that have no money, that pay in advance, that have no mandate, and one on
/// another plan from the middle of a month on.
async fn register(platform: &Platform) {
    platform.sign("paying", 1_000_000).await;
    platform.sign("poor", 0).await;
    platform.join("silent").await;
    platform.join("prepaid").await;
    platform.recharge("prepaid", 5_000, "bank-1").await;
    platform.join("moving").await;
    platform
        .change("moving", |provider| {
            provider.plans.push(PlanAssignment {
                from: "2015-05-16".parse().unwrap(),
                plan: "four-tiers".to_owned().try_into().unwrap(),
            });
        })
        .await;
    platform.register("tiers", "four-tiers").await;
}

async fn count_on(platform: &Platform, day: &str, provider: &str, api: &str, calls: u64) {
    platform.run_until(&format!("{day}T20:00")).await;
    platform.count(provider, api, day, calls).await;
}

async fn use_until_june(platform: &Platform) {
    for (day, provider, api, calls) in [
        ("2015-05-02", "paying", BASIC, 620_000),
        ("2015-05-02", "paying", VALUE_ADDED, 130_000),
        ("2015-05-03", "silent", BASIC, 700_000),
        ("2015-05-03", "poor", BASIC, 510_000),
        ("2015-05-03", "prepaid", BASIC, 600_000),
        ("2015-05-04", "tiers", BASIC, 20_000_000),
        ("2015-05-10", "moving", BASIC, 800_000),
        ("2015-05-18", "moving", BASIC, 800_000),
    ] {
        count_on(platform, day, provider, api, calls).await;
    }
    // Calls of the second that came in on the twentieth.
    platform.run_until("2015-05-20T20:00").await;
    platform.count("paying", VALUE_ADDED, "2015-05-02", 5_000).await;
    platform.run_until("2015-05-25T12:00").await;
    refund(platform, 300).await;
    // Calls of May that came in when its last day was settled: a supplement.
    platform.run_until("2015-06-03T20:00").await;
    platform.count("silent", BASIC, "2015-05-30", 10_000).await;
    count_on(platform, "2015-06-09", "silent", BASIC, 600_000).await;
    count_on(platform, "2015-06-09", "prepaid", BASIC, 2_000_000).await;
    platform.run_until("2015-06-10T12:00").await;
    // A credit on a statement without usage, and a debit note on one with usage.
    adjust(platform, "paying", -1_200).await;
    adjust(platform, "moving", 700).await;
    platform.run_until("2015-06-10T20:00").await;
    platform.count("moving", BASIC, "2015-06-10", 600_000).await;
    platform.run_until("2015-06-15T12:00").await;
}

/// Makes a credit or debit note for what the provider was charged in May.
async fn adjust(platform: &Platform, provider: &str, amount: i64) {
    let provider = provider.parse().unwrap();
    let tables = &platform.stack.tables;
    let statements = tables.billing.statements(&provider).await.unwrap();
    let request = AdjustmentRequest {
        id: None,
        amount_fen: fen(amount),
        of: AdjustmentOf { corrects: statements[0].statement, line: None, reports: Vec::new() },
        reason: reason("a wrong price"),
        by: Person::new("li").unwrap(),
    };
    let now = platform.stack.clock.now();
    let made = platform.books().adjust(&tables.usage, &provider, &request, now).await.unwrap();
    assert!(matches!(made, Adjusted::Now(_)), "{made:?}");
}

/// Gives back some of the first debit of `paying`.
async fn refund(platform: &Platform, amount: i64) {
    let of = TradeOf::Debit { debit: DebitId(1), attempt: 1 };
    let number = RefundRef {
        out_trade_no: OutTradeNo::parse(&platform.trade_number("paying", of).await).unwrap(),
        out_request_no: OutRequestNo::parse("goodwill1").unwrap(),
    };
    let (provider, now) = ("paying".parse().unwrap(), platform.stack.clock.now());
    let why = reason("an outage");
    platform.books().ask_refund(&provider, &number, fen(amount), &why, now).await.unwrap();
}

/// The rows of each query, in its order.
type Answers = BTreeMap<&'static str, Vec<Vec<String>>>;

async fn answers(platform: &Platform) -> Answers {
    let tables = &platform.stack.tables;
    let unmatched = tables.billing.unmatched().await.unwrap().unmatched;
    let mut all = Vec::new();
    for found in tables.registry().await.unwrap().accounts {
        all.push(tables.books(found, &unmatched).await.unwrap());
    }
    all.sort_by_key(|books| books.provider.provider.clone());
    Answers::from([
        ("revenue", revenue(&all)),
        ("charges", charges(&all)),
        ("receivables", receivables(&all)),
        ("debits", debits(&all)),
        ("trial_balance", trial_balance(&all)),
        // `books_balance` has checked both.
        ("unbalanced_entries", Vec::new()),
        ("account_differences", Vec::new()),
    ])
}

/// A part of what a statement charges.
struct Part {
    provider: String,
    month: String,
    plan: String,
    version: String,
    rate: String,
    because: String,
    charge: Fen,
}

/// What statements charge: their lines and their adjustments.
fn parts(all: &[Books]) -> Vec<Part> {
    let mut parts = Vec::new();
    for statement in all.iter().flat_map(|books| &books.statements) {
        let (provider, month) = (statement.provider.to_string(), statement.statement.day.month());
        for line in &statement.lines {
            let of_line = |segment: &&SegmentSpan| segment.from == line.segment;
            let terms = &statement.segments.iter().find(of_line).unwrap().terms;
            parts.push(Part {
                provider: provider.clone(),
                month: month.to_string(),
                plan: terms.plan.to_string(),
                version: terms.version.to_string(),
                rate: line.rate.as_ref().map_or("(plan)".to_owned(), ToString::to_string),
                because: json!(line.because).as_str().unwrap().to_owned(),
                charge: line.charge_fen,
            });
        }
        for note in &statement.adjustments {
            let none = "(adjustments)";
            parts.push(Part {
                provider: provider.clone(),
                month: month.to_string(),
                plan: none.to_owned(),
                version: none.to_owned(),
                rate: none.to_owned(),
                because: "adjustment".to_owned(),
                charge: note.amount_fen,
            });
        }
    }
    parts
}

fn revenue(all: &[Books]) -> Vec<Vec<String>> {
    let mut sums = BTreeMap::<_, (BTreeSet<String>, Fen)>::new();
    for part in parts(all) {
        let (providers, sum) = sums.entry([part.month, part.plan]).or_default();
        providers.insert(part.provider);
        *sum = sum.plus(part.charge).unwrap();
    }
    let row = |([month, plan], (providers, sum)): ([String; 2], (BTreeSet<_>, Fen))| {
        vec![month, plan, providers.len().to_string(), sum.get().to_string()]
    };
    sums.into_iter().map(row).collect()
}

fn charges(all: &[Books]) -> Vec<Vec<String>> {
    let mut sums = BTreeMap::<_, Fen>::new();
    for Part { provider, month, plan, version, rate, because, charge } in parts(all) {
        let sum = sums.entry([provider, month, plan, version, rate, because]).or_default();
        *sum = sum.plus(charge).unwrap();
    }
    let row = |(of, sum): ([String; 6], Fen)| [&of[..], &[sum.get().to_string()]].concat();
    sums.into_iter().map(row).collect()
}

/// The unpaid part of each statement, in columns of 30 days before the last billing day.
fn receivables(all: &[Books]) -> Vec<Vec<String>> {
    let last =
        all.iter().flat_map(|books| &books.statements).map(|s| s.statement.day).max().unwrap();
    let mut rows = Vec::new();
    for books in all {
        let receivable = books.account.figures.receivable();
        if !receivable.is_positive() {
            continue;
        }
        let mut statements = books.statements.clone();
        statements.sort_by_key(|statement| statement.statement);
        let mut columns = [Fen::ZERO; 4];
        for (statement, owed) in statements.iter().zip(still_owed(&statements, receivable).unwrap())
        {
            let age = days_between(statement.statement.day, last);
            let column = [30, 60, 90].iter().position(|most| age <= *most).unwrap_or(3);
            columns[column] = columns[column].plus(owed).unwrap();
        }
        let amounts = std::iter::once(receivable).chain(columns).map(|fen| fen.get().to_string());
        rows.push(std::iter::once(books.provider.provider.to_string()).chain(amounts).collect());
    }
    rows
}

fn days_between(day: BillingDay, last: BillingDay) -> usize {
    std::iter::successors(Some(day), |day| Some(day.next())).take_while(|day| *day < last).count()
}

fn debits(all: &[Books]) -> Vec<Vec<String>> {
    let mut sums = BTreeMap::<_, (usize, Fen, usize)>::new();
    for debit in all.iter().flat_map(|books| &books.debits) {
        let terms = debit.terms.as_ref();
        let month = terms.map_or("not sent".to_owned(), |terms| terms.through.month().to_string());
        let phase = json!(debit.phase)["phase"].as_str().unwrap().to_owned();
        let (count, amount, declines) = sums.entry([month, phase]).or_default();
        *count += 1;
        *amount = amount.plus(terms.map_or(Fen::ZERO, |terms| terms.amount_fen)).unwrap();
        *declines += debit.declines.len();
    }
    let row = |([month, phase], (count, amount, declines)): ([String; 2], (usize, Fen, usize))| {
        vec![month, phase, count.to_string(), amount.get().to_string(), declines.to_string()]
    };
    sums.into_iter().map(row).collect()
}

fn trial_balance(all: &[Books]) -> Vec<Vec<String>> {
    let mut sums = BTreeMap::<String, Fen>::new();
    let entries = all.iter().flat_map(|books| &books.journal);
    for posting in entries.flat_map(|entry| &entry.record().postings) {
        let sum = sums.entry(json!(posting.ledger).as_str().unwrap().to_owned()).or_default();
        *sum = sum.plus(posting.amount_fen).unwrap();
    }
    sums.into_iter().map(|(ledger, sum)| vec![ledger, sum.get().to_string()]).collect()
}
