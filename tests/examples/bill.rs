//! A bill of a million rows, held against the books: how much memory and time it takes.
//!
//! `cargo run --release -p steelyard-tests --example bill -- [ROWS]`
//!
//! One process writes the bill and the books that expect it. Another one, whose memory is measured,
//! runs the reconcile function on them, over the embedded services of the local stack: at first,
//! when each row is expected, and again, when the records of the trades say that each row agrees.
//! The figures of the second process include the embedded services and the local Alipay.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::json;
use steelyard_tests::Platform;

const DAY: &str = "2015-05-02";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [step, folder, ours] if step == "reconcile" => {
            reconcile(Path::new(folder), ours.parse().unwrap()).await;
        }
        [] => measure(1_000_000).await,
        [rows] => measure(rows.parse().unwrap()).await,
        _ => panic!("the argument is a number of rows"),
    }
}

/// Writes the bill and the books, and starts the process that is measured.
async fn measure(rows: u32) {
    let folder = std::env::temp_dir().join(format!("steelyard-bill-{}", std::process::id()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    let bill = folder.join("bill.zip");
    let begun = Instant::now();
    let platform = Platform::open_in(&folder.join("data")).await;
    let ours = platform.pay_many(rows, &bill).await;
    drop(platform);
    let zipped = std::fs::metadata(&bill).unwrap().len();
    println!("{rows} rows, {zipped} bytes zipped, {ours} of them ours: {:?}", begun.elapsed());
    let program = std::env::current_exe().unwrap();
    let mut reconciling = Command::new(program);
    reconciling.arg("reconcile").arg(&folder).arg(ours.to_string());
    assert!(reconciling.status().unwrap().success());
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn reconcile(folder: &Path, ours: u32) {
    let platform = Platform::reopen_in(&folder.join("data"), "2015-05-02T12:00").await;
    platform.serve_bill(&folder.join("bill.zip"));
    println!("before: {}", memory());
    for run in ["first run", "rerun"] {
        let begun = Instant::now();
        platform.stack.functions.reconcile.invoke(json!({ "day": DAY })).await.unwrap();
        println!("{run}, fetched and split: {:?}, {}", begun.elapsed(), memory());
        platform.stack.drain().await.unwrap();
        let took = begun.elapsed();
        let billing = &platform.stack.tables.billing;
        let result = billing.reconciliation(DAY.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((result.rows, result.matched, result.waiting), (ours, ours, 0));
        assert_eq!(result.findings, []);
        println!("{run}, done: {took:?}, {}", memory());
    }
}

/// The peak of the resident memory of this process so far.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    format!("peak of resident memory {}", peak.trim())
}
