//! The tables, with values as long as they get, on 80 columns.

use steelyard_local_alipay::{Fault, Method};
use steelyard_pricing::Fen;

use crate::platform::Platform;
use crate::tool::Ran;

const API: &str = "taobao.trades.sold.detail";
/// The provider of [`platform`].
pub(crate) const PROVIDER: &str = "shop-assistant-store";
const AGREEMENT: &str = "20155408000123456789";
const TRANSFER: &str = "2015050112345678901234567890";

/// What the calls of a day cost.
const AMOUNT: &str = "1234567.89";
const CALLS: u64 = 123_456_789;

/// The plan of that provider, at a fen a call.
pub(crate) const PLAN: &str = r#"{ "plan": "jushita-2014", "effective_from": "2015-05-01",
    "description": "The prices of May 2015: every call is charged, and there is no allowance.",
    "rates": [ { "rate": "basic", "apis": ["taobao.*"],
      "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

const OVERRIDE: &str = r#"{ "override": "spring-goodwill", "from": "2015-05-20", "rate": "basic",
    "price": { "model": "per_unit", "unit_price": "0.008" }, "free_on_top": 1234567,
    "discount_percent": "12.5" }"#;

/// The longest id of a provider.
fn longest() -> String {
    "p".repeat(64)
}

/// A platform at noon of the third of May. A debit was paid on the second, the bill of which has
/// one row more, and a debit is held since this morning. There is a provider with the longest id,
/// and a plan that cannot be read.
pub(crate) async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.add_plan("other.json", &PLAN.replace("jushita-2014", "other")).await;
    platform.folder.write("override.json", OVERRIDE);
    for (provider, agreement) in [(PROVIDER, AGREEMENT), (&longest(), "20155408000123456780")] {
        let funds = Fen::new(100_000_000_000);
        platform.stack.alipay.register_agreement(agreement, "payer", funds).unwrap();
        platform.register(provider, "jushita-2014", "2015-05-01").await;
        let adopt = format!("mandates adopt {provider} --agreement {agreement}");
        platform.does(&format!("{adopt} --single-limit {AMOUNT}")).await;
    }
    platform.does(&format!("provider override add {PROVIDER} override.json")).await;
    platform.does(&format!("account recharge {PROVIDER} 0.01 --reference {TRANSFER}")).await;
    platform.set("2015-05-01T23:00");
    platform.count("first", PROVIDER, "2015-05-01", &[(API, CALLS + 1)]).await;
    platform.run_until("2015-05-02T12:00").await;
    platform.set("2015-05-02T23:00");
    platform.count("second", PROVIDER, "2015-05-02", &[(API, CALLS)]).await;
    let (code, sub_code) = ("40004".to_owned(), "ACQ.INVALID_PARAMETER".to_owned());
    platform.stack.alipay.fail_next(Method::Pay, Fault::Refused { code, sub_code }, 1);
    platform.stack.alipay.fail_next(Method::Bill, Fault::BillExtraRow, 1);
    platform.run_until("2015-05-03T12:00").await;
    platform.make_unreadable("plans", "other#2015-05-01").await;
    platform
}

/// Checks that no line is wider than 80 columns, and that these values are not wrapped. Beside
/// nothing but numbers the longest id is not wrapped either, and makes its table wider.
fn check(line: &str, ran: &Ran, whole: &[&str]) {
    let has_longest = ran.out.contains(&longest());
    // The name of a bill's file has a hash, and is no part of a table.
    let is_wide =
        |line: &&str| line.chars().count() > 80 && !has_longest && !line.starts_with("bill: ");
    let wide: Vec<_> = ran.out.lines().filter(is_wide).collect();
    assert!(wide.is_empty(), "{line}: {wide:#?}\n{}", ran.out);
    assert!(ran.out.contains('│'), "{line} prints no table: {} {}", ran.out, ran.err);
    for value in whole {
        assert!(ran.out.lines().any(|line| line.contains(value)), "{line}, {value}:\n{}", ran.out);
    }
}

#[tokio::test]
async fn every_table_fits_80_columns_and_wraps_no_amount_and_no_number() {
    let platform = platform("tables").await;
    let simulate = "plan simulate --plan plan.json --from 2015-05-01 --to 2015-05-31";
    let recharge = format!("recharge {TRANSFER}");
    for (line, whole) in [
        ("demo --log error", &["label-printer", "2014-05-05"][..]),
        ("statement {}", &["123,456,790", AMOUNT]),
        ("usage show {}", &["taobao.trades.sold.detail", "246,913,579"]),
        ("account show {}", &[&recharge, "2015-05-02T00:30:00+08:00", "Receivable +1234567.89"]),
        ("debits list", &[PROVIDER, AMOUNT, "ACQ.INVALID_PARAMETER"]),
        ("debits show {} 1", &["2015-05-02T00:30:00+08:00", AGREEMENT]),
        ("mandates list", &[PROVIDER, AMOUNT, AGREEMENT]),
        ("runs", &["2015-05-03T00:30:00+08:00", AMOUNT, " shards"]),
        ("runs show", &["2015-05-03T00:30:00+08:00", AMOUNT]),
        ("reconcile", &["THEIRS ONLY", "42.00"]),
        ("reconcile findings --all", &["2015-05-02", "THEIRS ONLY", "42.00"]),
        ("provider list", &[PROVIDER, AMOUNT, "2015-05-02", &longest()]),
        ("provider show {}", &["jushita-2014", "spring-goodwill", "12.5% off"]),
        ("provider override list {}", &["spring-goodwill", "1234567 free on top"]),
        ("plan list", &["jushita-2014", "2015-05-01"]),
        (simulate, &[PROVIDER, "2469135.79", &longest()]),
        ("items unreadable", &["billing", "plans", "other#2015-05-01"]),
    ] {
        let line = line.replace("{}", PROVIDER);
        for columns in ["", "80"] {
            let mut command = platform.command(&line);
            command.env("COLUMNS", columns);
            let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
            check(&line, &Ran::of(output.unwrap()), whole);
        }
    }
    let resolve = "debits resolve --all-held --ask --reason looked-into";
    let whole = [PROVIDER, AMOUNT, "2015-05-03T12:00:00+08:00"];
    check(resolve, &platform.run(resolve).await, &whole);
}
