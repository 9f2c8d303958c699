//! The Lambda Runtime API for one process: it gives the process one event after the other, and
//! takes its answers.
//!
//! Source: AWS Lambda Developer Guide, "Using the Lambda runtime API".

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// How long an invocation may take, in milliseconds of the clock that the process sees.
const TIMEOUT_MS: i64 = 60_000;

/// An event, with the time at which its invocation begins in milliseconds of Unix time.
pub(crate) type Event = (Value, i64);

/// The end of an invocation, or of the process's start: an answer, or why there is none.
pub(crate) type Ended = Result<Value, String>;

/// One process's Runtime API.
pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    pub(crate) events: Sender<Event>,
    pub(crate) ended: Mutex<Receiver<Ended>>,
    is_over: Arc<AtomicBool>,
}

/// The two ends that its connections share.
struct Shared {
    events: Mutex<Receiver<Event>>,
    ended: Sender<Ended>,
}

impl RuntimeApi {
    /// Listens on a free port of this machine until it is dropped.
    pub(crate) fn start() -> RuntimeApi {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let ((events, next), (tell, ended)) = (channel(), channel());
        let shared = Arc::new(Shared { events: Mutex::new(next), ended: tell });
        let is_over = Arc::new(AtomicBool::new(false));
        let is_gone = Arc::clone(&is_over);
        thread::spawn(move || {
            // A process has one connection, and another one after a fault.
            while let Ok((connection, _)) = listener.accept() {
                if is_gone.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(connection));
            }
        });
        RuntimeApi { address, events, ended: Mutex::new(ended), is_over }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // It waits for a connection.
        let _last = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, connection: TcpStream) -> Option<()> {
        let mut reader = BufReader::new(connection.try_clone().ok()?);
        let mut writer = connection;
        loop {
            let (path, body) = request(&mut reader)?;
            if path.ends_with("/invocation/next") {
                let (event, now_ms) = self.events.lock().unwrap().recv().ok()?;
                let headers = format!(
                    "Lambda-Runtime-Aws-Request-Id: 00000000-0000-0000-0000-000000000001\r\n\
                     Lambda-Runtime-Deadline-Ms: {}\r\n\
                     Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:local:0:function:f\r\n",
                    now_ms + TIMEOUT_MS
                );
                answer(&mut writer, "200 OK", &headers, event.to_string().as_bytes())?;
                continue;
            }
            let said = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let is_answer = path.ends_with("/response");
            self.ended.send(if is_answer { Ok(said) } else { Err(said.to_string()) }).ok()?;
            answer(&mut writer, "202 Accepted", "", b"{}")?;
        }
    }
}

/// The path and the body of the next request; none at the end of the connection.
fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = header.trim().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

fn answer(writer: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    writer.write_all(&[head.as_bytes(), body].concat()).ok()
}
