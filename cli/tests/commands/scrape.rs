//! Counters that are scraped.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use expect_test::expect;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::rules::{calls, platform, until};

const RULE: &str = r#"{
  "rule": "gateway",
  "metric": "calls_total",
  "provider": "consumer",
  "api": "route",
  "status": { "label": "code", "bills": "2xx" }
}
"#;

/// A gateway that shows its counters.
struct Gateway {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
}

impl Gateway {
    fn start() -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4_096];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(shown.lock().unwrap().as_bytes()).unwrap();
            }
        });
        Gateway { address, answer }
    }

    /// Shows a series of an API with each of these values.
    fn shows(&self, series: &[(&str, u64)]) {
        let line = |(api, value): &(&str, u64)| {
            format!("calls_total{{consumer=\"shop\",route=\"{api}\",code=\"200\"}} {value}\n")
        };
        let body = series.iter().map(line).collect::<String>() + "# EOF\n";
        self.answers("application/openmetrics-text", body.len(), &body);
    }

    fn answers(&self, content_type: &str, length: usize, body: &str) {
        *self.answer.lock().unwrap() = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
    }

    fn command(&self, options: &str) -> String {
        let address = self.address;
        format!(
            "import --scrape http://{address}/metrics --counters gateway.json --state state.json --source gw-1 {options}"
        )
    }
}

async fn scraped(name: &str) -> (Platform, Gateway) {
    let platform = platform(name).await;
    platform.folder.write("gateway.json", RULE);
    (platform, Gateway::start())
}

fn begin(platform: &Platform, gateway: &Gateway) -> Child {
    let mut command = platform.command(&gateway.command("--every 30ms"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn counters_are_scraped_through_resets_and_restarts_and_count_once() {
    let (platform, gateway) = scraped("scrape").await;
    gateway.shows(&[("a", 100)]);
    let begun = platform.does(&gateway.command("--once")).await;
    expect![[r#"
        1 scrape of 1 series, 0 calls counted
        series that begin here, so that nothing of what they show counts: 1
    "#]]
    .assert_eq(&begun);
    gateway.shows(&[("a", 103), ("b", 4)]);
    let mut scraper = begin(&platform, &gateway);
    until(&platform, 7).await;
    let in_use = platform.fails(&gateway.command("--once")).await;
    assert_eq!(in_use, "error: state.json is in use by another process\n");
    // Killed, and begun anew while the gateway was started anew.
    scraper.kill().unwrap();
    scraper.wait().unwrap();
    gateway.shows(&[("a", 10)]);
    let scraper = begin(&platform, &gateway);
    until(&platform, 17).await;
    gateway.shows(&[("a", 12), ("b", 1)]);
    until(&platform, 20).await;
    // Cut off, and back with more.
    gateway.answers(
        "text/plain",
        1_000,
        "calls_total{consumer=\"shop\",route=\"a\",code=\"200\"} 1\n",
    );
    tokio::time::sleep(Duration::from_millis(150)).await;
    gateway.shows(&[("a", 14), ("b", 1)]);
    until(&platform, 22).await;
    let id = scraper.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let ended = tokio::task::spawn_blocking(move || scraper.wait_with_output()).await.unwrap();
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let said = String::from_utf8(ended.stderr).unwrap();
    let (failed, anew): (Vec<_>, Vec<_>) =
        said.lines().partition(|line| line.contains("; trying again in "));
    assert_eq!(anew, ["1 series began anew"; 2]);
    assert!(failed.iter().all(|line| line.starts_with("cannot scrape http://")), "{said}");
    assert!(!failed.is_empty());
    let printed = String::from_utf8(ended.stdout).unwrap();
    assert!(printed.contains(" scrapes of 2 series, "), "{printed}");
    let again = platform.does(&gateway.command("--once")).await;
    assert_eq!(again, "1 scrape of 2 series, 0 calls counted\n");
}

/// The state as if the process had crashed after it stored a report about a provider, which it may
/// have sent; and where it is stored.
async fn crashed(platform: &Platform, gateway: &Gateway, provider: &str) -> (PathBuf, Value) {
    gateway.shows(&[("a", 0)]);
    platform.does(&gateway.command("--once")).await;
    let path = platform.folder.path().join("state.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let series = state["samples"].as_object().unwrap().keys().next().unwrap().clone();
    state["sequence"] = 1.into();
    state["pending"] = json!({ "id": "counter-1", "records": [{
        "provider": provider, "api": "a", "day": "2015-05-16", "count": 5,
        "samples": { series.replace("shop", provider): 5 } }] });
    (path, state)
}

#[tokio::test]
async fn a_report_that_was_stored_is_sent_by_the_next_process_and_counts_once() {
    let (platform, gateway) = scraped("scrape-pending").await;
    let (state, crashed) = crashed(&platform, &gateway, "shop").await;
    for (value, sequence) in [(5, 1), (6, 2)] {
        std::fs::write(&state, crashed.to_string()).unwrap();
        gateway.shows(&[("a", value)]);
        let printed = platform.does(&gateway.command("--once")).await;
        assert_eq!(printed, format!("1 scrape of 1 series, {value} calls counted\n"));
        assert_eq!(calls(&platform).await, value);
        let after: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
        assert_eq!((&after["pending"], &after["sequence"]), (&Value::Null, &sequence.into()));
    }
}

#[tokio::test]
async fn calls_that_wait_are_not_given_up_because_a_request_failed() {
    let (platform, gateway) = scraped("scrape-held").await;
    // The provider is not registered.
    let (state, crashed) = crashed(&platform, &gateway, "mall").await;
    std::fs::write(&state, crashed.to_string()).unwrap();
    let body = "calls_total{consumer=\"mall\",route=\"a\",code=\"200\"} 5\n";
    gateway.answers("text/plain", body.len(), body);
    for _ in 0..2 {
        let held = platform.fails(&gateway.command("--once")).await;
        assert!(held.contains("its calls wait for six minutes"), "{held}");
    }
    // Six minutes later they count with the next report, once their provider is registered.
    let mut held: Value = serde_json::from_slice(&std::fs::read(&state).unwrap()).unwrap();
    assert_eq!(held["pending"]["held"]["refused"], json!([0]));
    held["pending"]["held"]["since"] = "2015-05-01T00:00:00Z".into();
    std::fs::write(&state, held.to_string()).unwrap();
    assert_eq!(platform.run(&gateway.command("--once")).await.code, 3);
    platform.does("provider add mall --plan flat --billed-from 2015-05").await;
    let printed = platform.does(&gateway.command("--once")).await;
    assert_eq!(printed, "1 scrape of 1 series, 5 calls counted\n");
}

#[tokio::test]
async fn what_cannot_be_trusted_or_counted_is_told() {
    let (platform, gateway) = scraped("scrape-refused").await;
    let text = "calls_total{consumer=\"shop\",route=\"a\",code=\"200\"} 1";
    let place = format!("error: cannot scrape http://{}/metrics", gateway.address);
    for (content_type, body, why) in [
        ("text/plain", text, "the end is missing: the last line has no line feed"),
        (
            "application/openmetrics-text",
            "x 1\n",
            "the end is missing: the last line is not `# EOF`",
        ),
        ("text/plain", "# TYPE calls_total gauge\n", "`calls_total` is a gauge, and no counter"),
        ("text/plain", "", "the target shows nothing"),
    ] {
        gateway.answers(content_type, body.len(), body);
        assert_eq!(
            platform.fails(&gateway.command("--once")).await,
            format!("{place}\n  because: {why}\n")
        );
    }
    gateway.answers("text/plain", 1_000, "calls_total 1\n");
    assert!(platform.fails(&gateway.command("--once")).await.starts_with(&format!("{place}: ")));
    let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{text}\n");
    *gateway.answer.lock().unwrap() = answer.replace("200 OK", "503 Busy");
    let busy = platform.fails(&gateway.command("--once")).await;
    assert_eq!(busy, format!("{place}: the answer is 503 Service Unavailable\n"));
    *gateway.answer.lock().unwrap() = answer;
    let endless = platform.fails(&gateway.command("--once")).await;
    assert!(endless.ends_with("the answer has no length, so that it may be cut off unseen\n"));
    assert_eq!(calls(&platform).await, 0);
    // A provider that is not registered: its calls wait.
    let mall = text.replace("shop", "mall");
    let body =
        format!("{text}\n{}\n{mall}\n", text.replace("\"a\"", "\"b\"").replace("} 1", "} NaN"));
    gateway.answers("text/plain", body.len(), &body);
    let ran = platform.run(&gateway.command("--once --from-zero")).await;
    assert_eq!(ran.code, 3);
    expect![[r#"
        1 scrape of 3 series, 1 call counted
        refused lines: 1
        calls that wait for the next report: 1
    "#]]
    .assert_eq(&ran.out);
    expect![[r#"
        refused: provider `mall` is not registered
        refused: line 2: value: `NaN` is not finite
    "#]]
    .assert_eq(&ran.err);
    platform.register("mall", "flat", "2015-05-01").await;
    gateway.answers("text/plain", mall.len() + 1, &(mall + "\n"));
    let printed = platform.does(&gateway.command("--once")).await;
    assert_eq!(printed, "1 scrape of 1 series, 1 call counted\n");
    let other = gateway.command("--once").replace("/metrics", "/other");
    assert!(
        platform.fails(&other).await.contains("give each counter and target a state of its own")
    );
    let wrong = platform.run(&other.replace("http:", "https:")).await;
    assert_eq!(wrong.code, 2);
}
