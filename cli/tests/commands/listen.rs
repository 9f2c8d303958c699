//! The addresses that `steelyard local` serves.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::tool::Folder;

/// A port that is free on every loopback address of IPv4.
fn free_port() -> u16 {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

// Elsewhere only 127.0.0.1 of its network is there.
#[cfg(target_os = "linux")]
#[test]
fn stack_is_served_on_loopback_and_on_each_address_of_listen() {
    let folder = Folder::new("listen");
    let port = free_port();
    let served = [1, 2, 3].map(|host| SocketAddr::from(([127, 0, 0, host], port)));
    let line = format!(
        "local --json --port {port} --listen 127.0.0.2 --listen 127.0.0.3 --data data --now 2015-05-17T02:00"
    );
    let mut stack = folder
        .command(&line)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while served.iter().any(|address| TcpStream::connect(address).is_err())
        && Instant::now() < patience
    {
        std::thread::sleep(Duration::from_millis(50));
    }
    let listed =
        served.map(|address| folder.run(&format!("plan list --json --endpoint http://{address}")));
    let is_elsewhere = TcpStream::connect(SocketAddr::from(([127, 0, 0, 4], port))).is_ok();
    stack.kill().unwrap();
    let stopped = stack.wait_with_output().unwrap();
    for listed in listed {
        assert_eq!(listed.done(), "[]\n");
    }
    assert!(!is_elsewhere);
    // Its own address is that of the loopback interface, and a loopback address needs no warning.
    let greeting: Value = serde_json::from_slice(&stopped.stdout).unwrap();
    assert_eq!(greeting["endpoint"], format!("http://127.0.0.1:{port}"));
    let warned = String::from_utf8(stopped.stderr).unwrap();
    let [warning] = warned.lines().collect::<Vec<_>>()[..] else { panic!("{warned}") };
    assert!(warning.contains("no source is registered"), "{warning}");
}

#[test]
fn address_that_other_machines_reach_is_warned_of() {
    let folder = Folder::new("listen-elsewhere");
    // An address of documentation, which no machine has: the warning comes before the attempt.
    let ran = folder.run("local --port 0 --listen 203.0.113.1 --data data --now 2015-05-17T02:00");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    let (warning, error) = ran.err.trim_end().rsplit_once('\n').unwrap();
    assert!(warning.contains("WARN"), "{warning}");
    assert!(warning.contains("address=203.0.113.1"), "{warning}");
    assert!(warning.contains("not a loopback address"), "{warning}");
    assert!(error.starts_with("error: cannot serve port "), "{error}");
    assert!(error.contains(" of 203.0.113.1: "), "{error}");
}
