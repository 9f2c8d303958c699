//! Ten thousand real requests, from the log to the statements, against sums made in another way.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use jiff::civil::{date, time};
use steelyard_billing::{Calendar, DebitRules, NamesMax, PlanAssignment, Provider, ProviderId};
use steelyard_books::{Books, PlanAdded};
use steelyard_import::{Input, Summary};
use steelyard_local_stack::{LocalClock, Reach, Stack, StackOptions};
use steelyard_metering::{Counters, ImportAs, import};
use steelyard_pricing::{AlertRules, BillingMonth, Fen, Plan};

/// Pages: 20 calls free, the next 50 a fen each, then half a fen. Files: 1.23 fen each.
const PLAN: &str = r#"{
    "plan": "pages", "effective_from": "2015-05-01", "rates": [
        {"rate": "pages", "apis": ["*"], "free_per_month": 20, "price": {"model": "graduated", "tiers": [
            {"up_to": "50", "unit_price": "0.01"}, {"unit_price": "0.005"}]}},
        {"rate": "files", "apis": ["files"], "price": {"model": "per_unit", "unit_price": "0.0123"}}]}"#;

fn log() -> Option<PathBuf> {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/access.log.gz");
    log.exists().then_some(log)
}

async fn stack() -> Stack {
    let calendar = Calendar::new("Asia/Shanghai", 5).unwrap();
    let now = calendar.instant(date(2015, 5, 22), time(0, 10, 0, 0));
    let rules = DebitRules {
        calendar,
        minimum_fen: Fen::new(1),
        time_of_day: time(10, 0, 0, 0),
        window_minutes: 0,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    };
    let stack = Stack::start(StackOptions {
        data: None,
        reach: Reach::any_port(),
        rules,
        actions_need_approval: false,
        clock: LocalClock::new(now, 0),
        follows: false,
    });
    let stack = stack.await.unwrap();
    let plan = Plan::read(PLAN).unwrap();
    let today = stack.rules.calendar.day_of(now).unwrap();
    let books = Books::new(stack.tables.billing.clone(), stack.rules.clone());
    assert_eq!(books.add_plan(&plan, today).await.unwrap(), PlanAdded::New);
    stack
}

async fn import_log(stack: &Stack, log: &Path) -> Summary {
    let rules = ImportAs::default();
    let counters = Counters {
        usage: stack.tables.usage.clone(),
        calendar: stack.rules.calendar.clone(),
        clock: stack.clock.clock(),
    };
    let register = async |callers: &BTreeMap<ProviderId, BillingMonth>| {
        for (caller, first) in callers {
            let provider = Provider {
                provider: caller.clone(),
                billed_from: *first,
                plans: vec![PlanAssignment { from: "2015-05-01".parse()?, plan: "pages".parse()? }],
                overrides: Vec::new(),
                mandate: None,
                alert_rules: AlertRules::default(),
            };
            let now = stack.clock.clock().now();
            stack.tables.billing.register(&stack.tables.usage, &provider, now).await?;
        }
        Ok(())
    };
    import(Input::open(log).unwrap(), &rules, &counters, |_| (), register).await.unwrap()
}

/// Calls of pages and of files by caller, by cutting each line at its spaces.
fn counted_by_hand(log: &Path) -> BTreeMap<String, (i64, i64)> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(log).unwrap()).read_to_string(&mut text).unwrap();
    let mut calls: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for line in text.lines() {
        let fields = line.split(' ').collect::<Vec<_>>();
        if !fields[8].starts_with('2') {
            continue;
        }
        let of_caller = calls.entry(fields[0].to_owned()).or_default();
        let path = fields[6].split('?').next().unwrap();
        match path.split('/').find(|segment| !segment.is_empty()) {
            Some("files") => of_caller.1 += 1,
            Some(_) | None => of_caller.0 += 1,
        }
    }
    calls
}

/// The plan applied by hand, in ten-thousandths of a yuan, rounded to fen.
fn priced_by_hand((pages, files): (i64, i64)) -> Fen {
    let units = (pages - 20).max(0);
    let price = units.min(50) * 100 + (units - 50).max(0) * 50 + files * 123;
    Fen::new((price + 50) / 100)
}

#[tokio::test]
async fn statements_of_a_real_log_imported_twice_are_the_plan_applied_to_its_counts_once() {
    let Some(log) = log() else {
        eprintln!("shared/data/access.log.gz is not beside the project; nothing to compare");
        return;
    };
    let stack = stack().await;
    let summary = import_log(&stack, &log).await;
    let again = import_log(&stack, &log).await;
    assert!(again.counted.providers.is_empty(), "the second import counts nothing");
    assert_eq!(again.duplicate.metered, summary.counted.metered);
    stack
        .run_until(stack.rules.calendar.instant(date(2015, 5, 22), time(1, 0, 0, 0)))
        .await
        .unwrap();

    let by_hand = counted_by_hand(&log);
    let calls: i64 = by_hand.values().map(|(pages, files)| pages + files).sum();
    assert_eq!((summary.lines, summary.bad.count), (10_000, 0));
    assert_eq!(i64::try_from(summary.counted.metered.calls.get()).unwrap(), calls);
    assert_eq!(stack.tables.registry().await.unwrap().accounts.len(), by_hand.len());
    let mut sum = Fen::ZERO;
    for (caller, counts) in by_hand {
        let statements = stack.tables.billing.statements(&caller.parse().unwrap()).await.unwrap();
        let charged = Fen::sum(statements.iter().map(|statement| statement.charge_fen)).unwrap();
        assert_eq!(charged, priced_by_hand(counts), "{caller}: {counts:?}");
        sum = sum.plus(charged).unwrap();
    }
    assert!(sum.is_positive());
    let audit =
        steelyard_cli::audit_all(&stack.tables, &stack.rules, stack.clock.now()).await.unwrap();
    assert_eq!((audit.breaches, audit.charged_fen), (vec![], sum));
}
