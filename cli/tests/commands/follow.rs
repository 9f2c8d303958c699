//! A log that is followed while it is written.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use expect_test::expect;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::rules::{calls, line, lines, platform, until};
use crate::tool::Folder;

/// A follower that runs, and is killed with its test.
struct Follower(Option<Child>);

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
        }
    }
}

impl Follower {
    fn begin(platform: &Platform) -> Follower {
        let mut command =
            platform.command("import web.log --follow --every 30ms --source web-1 --rule web.json");
        Follower(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// Ends it by SIGTERM. Gives what it printed.
    async fn end(mut self) -> String {
        let child = self.0.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap();
        let output = output.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), &*said), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn append(folder: &Folder, text: &str) {
    let path = folder.path().join("web.log");
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_log_is_followed_through_rotation_truncation_and_restarts_and_counts_once() {
    let platform = platform("follow").await;
    let (folder, path) = (&platform.folder, |file: &str| platform.folder.path().join(file));
    let follower = Follower::begin(&platform);
    append(folder, &lines(0..10));
    until(&platform, 10).await;
    let text = lines(10..20);
    let (begun, rest) = text.split_at(text.len() - 30);
    append(folder, begun);
    until(&platform, 19).await;
    append(folder, rest);
    until(&platform, 20).await;
    // Rotated: who writes the old file goes on for a while.
    let mut old = std::fs::File::options().append(true).open(path("web.log")).unwrap();
    std::fs::rename(path("web.log"), path("web.log.1")).unwrap();
    old.write_all(lines(20..30).as_bytes()).unwrap();
    append(folder, &lines(30..40));
    until(&platform, 40).await;
    let printed = follower.end().await;
    assert!(printed.contains(" 40 calls counted, 0 lines refused\n"), "{printed}");
    // Written, and rotated, while nobody follows.
    append(folder, &lines(40..50));
    std::fs::rename(path("web.log"), path("web.log.1")).unwrap();
    append(folder, &lines(50..60));
    let follower = Follower::begin(&platform);
    until(&platform, 60).await;
    // Truncated, by a copy that keeps what was written before.
    append(folder, &lines(60..70));
    std::fs::copy(path("web.log"), path("web.log.1")).unwrap();
    std::fs::write(path("web.log"), "").unwrap();
    append(folder, &lines(70..75));
    until(&platform, 75).await;
    follower.end().await;
    // All of it again, by another way.
    folder.write("all.log", &lines(0..75));
    let summary = platform.does("import all.log --source web-1 --rule web.json --json").await;
    let summary: Value = serde_json::from_str(&summary).unwrap();
    let became = ["counted", "duplicate"].map(|tally| &summary[tally]["calls"]);
    assert_eq!(became, [&json!(0), &json!(75)]);
    assert_eq!(calls(&platform).await, 75);
}

#[tokio::test]
async fn equal_lines_count_each_and_files_that_were_rotated_under_any_name_are_read() {
    let platform = platform("follow-equal").await;
    let (folder, path) = (&platform.folder, |file: &str| platform.folder.path().join(file));
    // Rotated and packed, and rotated under the day, while nobody follows.
    let pack = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    std::fs::write(path("web.log.1.gz"), pack(&lines(0..10))).unwrap();
    folder.write("web.log-20150517", &lines(10..20));
    folder.write("web.log.old", "not of this log\n");
    append(folder, "");
    let follower = Follower::begin(&platform);
    until(&platform, 20).await;
    append(folder, &line(20).repeat(2));
    until(&platform, 21).await;
    append(folder, &lines(21..25));
    until(&platform, 26).await;
    // The writer of the old file goes on long after it was renamed.
    let mut old = std::fs::File::options().append(true).open(path("web.log")).unwrap();
    std::fs::rename(path("web.log"), path("web.log-20150518")).unwrap();
    append(folder, &lines(30..35));
    until(&platform, 31).await;
    for late in 25..28 {
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        old.write_all(line(late).as_bytes()).unwrap();
        until(&platform, 7 + late).await;
    }
    follower.end().await;
    assert_eq!(calls(&platform).await, 34);
}

#[tokio::test]
async fn calls_that_are_refused_until_their_hour_is_over_are_told() {
    let platform = platform("follow-lost").await;
    let refused = line(0).replace("=1021", "=1099");
    assert_ne!(refused, line(0));
    append(&platform.folder, &(refused.repeat(3) + &lines(1..4)));
    let mut command =
        platform.command("import web.log --follow --every 30ms --source web-1 --caller query:app_key --provider-prefix isv-");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.contains("6 lines read, 0 calls counted"), "{printed}");
    assert!(printed.contains("0 lines refused, 6 calls not counted"), "{printed}");
}

#[tokio::test]
async fn a_follower_serves_its_figures_on_loopback_only_and_tells_what_it_refuses_once() {
    let platform = platform("follow-figures").await;
    append(&platform.folder, &(lines(0..2) + "bad\nbad\n" + &line(3).replace("=1021", "=7")));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let options =
        format!("import web.log --follow --every 30ms --rule web.json --metrics {address}");
    let mut command = platform.command(&options);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until(&platform, 2).await;
    let figures = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        std::io::read_to_string(stream).unwrap()
    });
    let figures = figures.await.unwrap();
    for figure in
        ["lines_total 5", "refused_lines_total 3", "counted_calls_total 2", "failures_total 0"]
    {
        assert!(figures.contains(&format!("\nsteelyard_follow_{figure}\n")), "{figures}");
    }
    assert!(
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
    );
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(3));
    expect![[r#"
        refused: line 3: no request in quotation marks: not a whole line of the Common or Combined Log Format
        refused: calls of callers that are no provider: see --map
    "#]].assert_eq(&String::from_utf8(output.stderr).unwrap());
    let refused = platform.fails("import web.log --follow --metrics 0.0.0.0:0").await;
    assert_eq!(refused, "error: --metrics 0.0.0.0:0: only loopback addresses are served\n");
}
