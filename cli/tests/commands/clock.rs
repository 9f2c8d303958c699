//! The time of commands: the stack's, never the system's, and never past the stack's.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::tool::{Folder, Ran};

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-01-01", "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform at noon of the third of May 2015, with usage of `shop` on each day of May.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("p.json", PLAN).await;
    platform.does("provider add shop --plan p").await;
    platform.set("2015-05-03T12:00");
    for day in ["2015-05-01", "2015-05-02", "2015-05-03"] {
        platform.count(day, "shop", day, &[("x", 100)]).await;
    }
    platform
}

async fn json_of(platform: &Platform, line: &str) -> Value {
    serde_json::from_str(&platform.does(&format!("{line} --json")).await).unwrap()
}

#[tokio::test]
async fn command_works_at_the_time_of_the_stack() {
    let platform = platform("clock").await;
    assert_eq!(platform.does("settle").await, "2 statements made\n");
    platform.does("provider add other --plan p").await;
    platform.does("account recharge other 5.00 --reference transfer").await;

    let providers = json_of(&platform, "provider list").await;
    assert_eq!(providers[1]["account"]["settled_through"], "2015-05-02");
    assert_eq!(providers[0]["provider"]["billed_from"], "2015-05");
    let account = json_of(&platform, "account show other").await;
    // 12:00 of the third of May in Beijing.
    assert_eq!(account["journal"][0]["recorded_at_s"], 1_430_625_600);
    // What the settlement did not reach is still counted, and charged in its turn.
    platform.set("2015-05-04T00:30");
    assert_eq!(platform.does("settle").await, "1 statements made\n");
    platform.does("audit").await;
}

#[tokio::test]
async fn stack_answers_with_its_time_and_its_rules() {
    let platform = platform("clock-answer").await;
    let (status, answer) = http_get(platform.stack.address, "/local/clock").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let expected = json!({
        "now": "2015-05-03T04:00:00Z", "wall_time": "2015-05-03T12:00:00+08:00", "session_now": "2015-05-03T04:00:00Z", "speed": 0, "time_zone": "Asia/Shanghai",
        "month_close_day": 5, "usage_retention_days": 400, "debit_time": "10:00:00", "debit_window_minutes": 0,
        "debit_minimum_fen": 1, "adjustments_need_approval": false, "api_names_max": 2000,
    });
    assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected);
}

#[tokio::test]
async fn command_takes_the_time_zone_of_the_stack() {
    let platform = Platform::open_in("clock-zone", "America/New_York").await;
    platform.set("2015-04-30T22:00");
    platform.add_plan("p.json", PLAN).await;
    // In Beijing it is May already.
    platform.does("provider add shop --plan p").await;
    let providers = json_of(&platform, "provider list").await;
    assert_eq!(providers[0]["provider"]["billed_from"], "2015-04");
    let refused = platform.fails("settle --now 2015-04-30T22:01").await;
    assert!(
        refused.contains("--now can't be later, and is 2015-04-30T22:01:00-04:00"),
        "{refused}"
    );
    platform.does("settle --now 2015-04-30T21:59 --time-zone America/New_York").await;
}

#[tokio::test]
async fn rule_that_is_not_the_stack_s_is_refused_by_name() {
    let platform = platform("clock-rules").await;
    let before = platform.dump().await;
    for (option, said) in [
        ("--time-zone UTC", "--time-zone Asia/Shanghai: it can't be UTC"),
        ("--month-close-day 6", "--month-close-day 5: it can't be 6"),
        ("--usage-retention-days 90", "--usage-retention-days 400: it can't be 90"),
        ("--debit-time 11:00", "--debit-time 10:00:00: it can't be 11:00:00"),
        ("--debit-window-minutes 5", "--debit-window-minutes 0: it can't be 5"),
        ("--debit-minimum-fen 2", "--debit-minimum-fen 1: it can't be 2"),
    ] {
        let refused = platform.fails(&format!("settle {option}")).await;
        assert_eq!(refused, format!("error: the stack runs with {said}\n"));
    }
    assert!(platform.dump().await == before, "something was written");
}

#[tokio::test]
async fn time_later_than_the_clock_of_the_stack_is_refused_with_both() {
    let platform = platform("clock-later").await;
    platform.folder.write("day.log", "");
    platform.folder.write("later.json", &PLAN.replace("\"p\"", "\"later\""));
    let before = platform.dump().await;
    for line in [
        "settle",
        "account recharge shop 5.00 --reference transfer",
        "provider add other --plan p",
        "plan add later.json",
        "import day.log",
        "breaker stop --reason x",
        "mandates adopt shop --agreement 20155 --single-limit 50",
    ] {
        let refused = platform.fails(&format!("{line} --now 2015-05-03T12:00:01")).await;
        assert_eq!(
            refused,
            "error: the stack's clock is at 2015-05-03T12:00:00+08:00: --now can't be later, \
             and is 2015-05-03T12:00:01+08:00\n",
            "{line}"
        );
    }
    assert!(platform.dump().await == before, "something was written");
    assert_eq!(platform.does("settle --now 2015-05-02T12:00").await, "1 statements made\n");
    assert_eq!(platform.does("settle --now 2015-05-03T12:00").await, "1 statements made\n");
    let refused = platform.fails("settle --now 2015-05-03T11:59").await;
    assert_eq!(
        refused,
        "error: settlement last ran at 2015-05-03T12:00:00+08:00, and the clock is at \
         2015-05-03T11:59:00+08:00: a run can't begin before the last one\n"
    );
}

#[tokio::test]
async fn time_outside_of_the_calendar_is_refused_by_name() {
    let platform = platform("clock-end").await;
    let line = |now: &str| format!("--now {now}");
    for now in ["9999-12-31T23:59", "9999-12-30T22:00:00Z", "1999-12-31T23:59"] {
        let expected = format!("error: --now {now}: the instant is outside the billing calendar\n");
        assert_eq!(platform.fails(&format!("settle {}", line(now))).await, expected);
        let started = platform.folder.run(&format!("local --data end {}", line(now)));
        assert_eq!((started.code, started.err), (1, expected));
    }
    let refused = platform.fails("settle --now 9998-12-31T23:59").await;
    let said = "--now can't be later, and is 9998-12-31T23:59:00+08:00";
    assert!(refused.contains(said), "{refused}");
    let unreadable = platform.fails("settle --now yesterday").await;
    let said = "error: --now `yesterday` is neither a time in the time zone of billing days, such as \
                2015-05-18T00:30, nor an instant such as 2015-05-17T16:30:00Z\n";
    assert_eq!(unreadable, said);
}

#[test]
fn deployment_has_its_own_clock() {
    let folder = Folder::new("clock-aws");
    for line in ["settle --aws --now 2015-05-03T12:00", "--aws audit --now 2015-05-03T12:00"] {
        let ran = folder.run(line);
        let said = "error: a deployment has its own clock: --now is not for --aws\n";
        assert_eq!((ran.code, ran.err.as_str()), (1, said), "{line}");
    }
}

/// A stack that `steelyard local` runs in a process of its own, until it is dropped.
struct Running {
    process: Child,
    endpoint: String,
}

impl Running {
    fn start(folder: &Folder, options: &str) -> Running {
        let line = format!("local --json --port 0 --data data {options}");
        let mut process = folder.command(&line).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = String::new();
        for line in BufReader::new(process.stdout.as_mut().unwrap()).lines() {
            greeting.push_str(&line.unwrap());
            if greeting.ends_with('}') {
                break;
            }
        }
        let greeting: Value = serde_json::from_str(&greeting).unwrap();
        Running { process, endpoint: greeting["endpoint"].as_str().unwrap().to_owned() }
    }

    fn run(&self, folder: &Folder, line: &str) -> Ran {
        folder.run(&format!("{line} --endpoint {}", self.endpoint))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn stack_does_not_start_before_its_last_settlement() {
    let folder = Folder::new("clock-restart");
    let stack = Running::start(&folder, "--now 2015-05-17T09:00 --log off");
    stack.run(&folder, "settle").done();
    drop(stack);

    let refused = folder.run("local --data data --port 0 --now 2015-05-17T08:59");
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let said = refused.err.strip_prefix("error: this stack last settled at ").unwrap();
    let (last, rest) = said.split_once(',').unwrap();
    let expected = " and its clock would be at 2015-05-17T08:59:00+08:00: start it with --now \
                    at or after that\n";
    assert_eq!(rest, expected);

    let stack = Running::start(&folder, &format!("--now {last} --log off"));
    stack.run(&folder, "settle").done();
}

#[test]
fn stack_does_not_jump_to_the_time_of_the_system_past_the_month_it_settled() {
    let folder = Folder::new("clock-jump");
    let stack = Running::start(&folder, "--now 2015-05-17T09:00 --log off");
    stack.run(&folder, "settle").done();
    drop(stack);
    let refused = folder.run("local --data data --port 0");
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    let said = "and 2015-05 is closed at the system's time, ";
    assert!(refused.err.contains(said), "{}", refused.err);
    assert!(refused.err.ends_with(": say by --now at which time to start it\n"), "{}", refused.err);
    // A time that is given may close the month.
    Running::start(&folder, "--now 2015-06-06T09:00 --log off");
}

#[test]
fn stack_runs_to_the_end_of_the_calendar() {
    let folder = Folder::new("clock-last-year");
    folder.write("p.json", PLAN);
    let stack = Running::start(&folder, "--now 9998-12-31T23:59 --log off");
    stack.run(&folder, "plan add p.json").done();
    stack.run(&folder, "provider add shop --plan p").done();
    stack.run(&folder, "account recharge shop 5.00 --reference transfer").done();
    assert_eq!(stack.run(&folder, "settle").done(), "0 statements made\n");
    stack.run(&folder, "audit").done();
}

/// The first line and the body of what a server answers.
pub(crate) async fn http_get(address: SocketAddr, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let exchange = move || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        std::io::read_to_string(stream)
    };
    let answer = tokio::task::spawn_blocking(exchange).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Checks how a command reports a server that answers `GET /local/clock` so.
async fn check_foreign(answer: &'static str, what: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let line = format!("settle --endpoint http://{address}");
    let ran = tokio::task::spawn_blocking(move || Folder::new("clock-foreign").run(&line));
    let ran = ran.await.unwrap();
    serving.join().unwrap();
    let expected = format!(
        "error: the server at http://{address} is no Steelyard stack: its answer to GET \
         /local/clock {what}"
    );
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
}

#[tokio::test]
async fn server_that_is_no_stack_is_reported_by_name() {
    check_foreign("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "is 404 Not Found").await;
    check_foreign("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "is no status: ").await;
    check_foreign("SSH-2.0-OpenSSH_9.6\r\n", "can't be read: ").await;
    check_foreign("HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{", "can't be read: ").await;
}

#[tokio::test]
async fn other_web_server_is_reported_by_name() {
    let router = Router::new().route("/", get(async || "a page"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _serving = tokio::spawn(async move { axum::serve(listener, router).await });
    for line in ["provider list", "statement shop", "audit", "plan list", "breaker show"] {
        let line = format!("{line} --endpoint http://{address}");
        let ran = tokio::task::spawn_blocking(move || Folder::new("clock-page").run(&line));
        let ran = ran.await.unwrap();
        let expected = format!(
            "error: the server at http://{address} is no Steelyard stack: its answer to GET \
             /local/clock is 404 Not Found\n"
        );
        assert_eq!((ran.code, ran.err), (1, expected));
    }
}
