//! A reader that goes away, as `head -1` does, stops no command and is no error.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::platform::Platform;
use crate::tool::{Folder, Ran};

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
  { "rate": "calls", "apis": ["a"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// The end of a pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Checks that a command ends with a code, and says nothing, though nobody reads its output.
fn check(mut command: Command, code: i32) {
    let ran = Ran::of(command.stdout(unread()).output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{command:?}");
}

#[test]
fn command_without_a_stack_ends_quietly() {
    let folder = Folder::new("pipe");
    folder.write("plan.json", PLAN);
    folder.write("usage.json", r#"{ "a": 100, "b": 5 }"#);
    for line in [
        "help",
        "--version",
        "price --plan plan.json --usage usage.json",
        "price --plan plan.json --usage usage.json --json",
        "plan schema",
        "demo --log error",
        "demo --json --log error",
    ] {
        check(folder.command(line), 0);
    }
}

#[tokio::test]
async fn command_on_a_stack_does_its_work_and_ends_quietly() {
    let platform = Platform::open("pipe-stack").await;
    platform.set("2015-05-12T12:00");
    platform.folder.write("plan.json", PLAN);
    platform.folder.write(
        "half.json",
        r#"{ "override": "half", "from": "2015-05-20", "discount_percent": "50" }"#,
    );
    platform.folder.write(
        "day.log",
        r#"{ "provider": "shop", "api": "a", "day": "2015-05-12", "count": 1234 }"#,
    );
    for (now, line) in [
        ("2015-05-12T12:00", "plan add plan.json"),
        ("2015-05-12T12:00", "plan list"),
        ("2015-05-12T12:00", "plan list --json"),
        ("2015-05-12T12:00", "provider add shop --plan p --billed-from 2015-05"),
        ("2015-05-12T12:00", "provider override add shop half.json"),
        ("2015-05-12T12:00", "provider override list shop"),
        ("2015-05-12T12:00", "provider list"),
        ("2015-05-12T12:00", "account recharge shop 5.00 --reference transfer"),
        ("2015-05-12T12:00", "import day.log"),
        ("2015-05-13T00:30", "settle"),
        ("2015-05-13T00:30", "account show shop"),
        ("2015-05-13T00:30", "statement shop"),
        ("2015-05-13T00:30", "statement shop --explain"),
        ("2015-05-13T00:30", "statement shop --json"),
        ("2015-05-13T00:30", "plan simulate --plan plan.json --from 2015-05-01 --to 2015-05-31"),
        ("2015-05-13T00:30", "audit"),
    ] {
        platform.set(now);
        let command = platform.command(line);
        tokio::task::spawn_blocking(move || check(command, 0)).await.unwrap();
    }
    let account = platform.does("account show shop").await;
    assert!(account.starts_with("shop: prepaid ¥0.00, receivable ¥7.34"), "{account}");
}

#[tokio::test]
async fn exit_code_is_that_of_the_work() {
    let platform = Platform::open("pipe-code").await;
    platform.register("planless", "plan-to-come", "2015-05-01").await;
    platform.set("2015-05-12T12:00");
    platform.count("r", "planless", "2015-05-12", &[("a", 5)]).await;
    platform.set("2015-05-13T00:30");
    for line in ["settle --log error", "settle --json --log error"] {
        let command = platform.command(line);
        tokio::task::spawn_blocking(move || check(command, 3)).await.unwrap();
    }
}

#[test]
fn what_nobody_hears_on_standard_error_changes_nothing() {
    let folder = Folder::new("pipe-error");
    folder.write("odd.json", PLAN);
    folder.write("bad.json", "{");
    for (line, code, out) in [
        ("plan check odd.json", 0, "p of 2015-05-01 is a good plan\n"),
        ("plan check bad.json", 1, ""),
        ("plan check none.json --log debug", 1, ""),
    ] {
        let ran = Ran::of(folder.command(line).stderr(unread()).output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (code, out), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_for_another_reason_is_an_error() {
    let folder = Folder::new("pipe-full");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::of(folder.command("plan schema").stdout(full).output().unwrap());
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: cannot write to standard output: "), "{}", ran.err);
}

#[test]
fn local_stack_goes_on_when_nobody_reads_its_greeting() {
    let folder = Folder::new("pipe-local");
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    // Yesterday's bill is not complete yet, which is nobody's fault.
    let line = format!("local --port {} --data data --now 2015-05-17T02:00", free.port());
    let mut stack = folder.command(&line).stdout(unread()).stderr(Stdio::piped()).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(free).is_err() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
    }
    let listed = folder.run(&format!("plan list --json --endpoint http://{free}"));
    stack.kill().unwrap();
    let stopped = stack.wait_with_output().unwrap();
    assert_eq!(listed.done(), "[]\n");
    let warned = String::from_utf8(stopped.stderr).unwrap();
    let [warning] = warned.lines().collect::<Vec<_>>()[..] else { panic!("{warned}") };
    assert!(warning.contains("no source is registered"), "{warning}");
}
