//! The processes of one function: as many as run at once, each started when it is needed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use steelyard_local_stack::LocalClock;
use steelyard_runtime::{Error, Function, Invocation};

use crate::runtime_api::RuntimeApi;

/// How long an invocation may take by the clock of this machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The processes of a function.
pub(crate) struct Pool {
    pub(crate) binary: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) clock: LocalClock,
    pub(crate) all: Arc<Processes>,
    idle: Mutex<Vec<Arc<Process>>>,
}

/// The processes of all functions that run, and how many events they handled.
#[derive(Default)]
pub(crate) struct Processes {
    running: Mutex<Vec<Arc<Process>>>,
    pub(crate) started: AtomicU64,
    /// How many events the processes of each binary answered.
    pub(crate) answered: Mutex<BTreeMap<PathBuf, u64>>,
    pub(crate) cut_off: AtomicU64,
    /// How many events a process answered by an error.
    pub(crate) failed: AtomicU64,
}

struct Process {
    child: Mutex<Child>,
    api: RuntimeApi,
    /// Set while it handles an event.
    is_at_work: AtomicBool,
}

impl Pool {
    pub(crate) fn new(
        binary: PathBuf,
        environment: BTreeMap<String, String>,
        clock: LocalClock,
        all: Arc<Processes>,
    ) -> Pool {
        Pool { binary, environment, clock, all, idle: Mutex::default() }
    }

    fn start(&self) -> Arc<Process> {
        let api = RuntimeApi::start();
        let child = Command::new(&self.binary)
            .env_clear()
            .envs(&self.environment)
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let process =
            Arc::new(Process { child: Mutex::new(child), api, is_at_work: AtomicBool::new(false) });
        self.all.started.fetch_add(1, Ordering::Relaxed);
        self.all.running.lock().unwrap().push(Arc::clone(&process));
        process
    }

    /// A process that waits for an event, and was not killed.
    fn idle(&self) -> Option<Arc<Process>> {
        let mut idle = self.idle.lock().unwrap();
        idle.retain(|process| !process.is_over());
        idle.pop()
    }

    /// Handles an event in a process of its own for that time.
    fn call(&self, event: Value) -> Result<Value, Error> {
        let process = self.idle().unwrap_or_else(|| self.start());
        process.is_at_work.store(true, Ordering::Relaxed);
        let ended = process.call(event, self.clock.now().as_millisecond());
        process.is_at_work.store(false, Ordering::Relaxed);
        match ended {
            Ok(answer) => {
                let mut answered = self.all.answered.lock().unwrap();
                *answered.entry(self.binary.clone()).or_default() += 1;
                drop(answered);
                self.idle.lock().unwrap().push(process);
                Ok(answer)
            }
            Err(why) if process.is_over() => {
                self.all.cut_off.fetch_add(1, Ordering::Relaxed);
                self.all.forget(&process);
                Err(why.into())
            }
            Err(why) => {
                self.all.failed.fetch_add(1, Ordering::Relaxed);
                self.idle.lock().unwrap().push(process);
                Err(why.into())
            }
        }
    }
}

impl Process {
    fn call(&self, event: Value, now_ms: i64) -> Result<Value, String> {
        self.api.events.send((event, now_ms)).map_err(|_| "the process is gone")?;
        let (begin, ended) = (Instant::now(), self.api.ended.lock().unwrap());
        loop {
            match ended.recv_timeout(Duration::from_millis(5)) {
                Ok(ended) => return ended,
                Err(RecvTimeoutError::Disconnected) => return Err("nobody answers".to_owned()),
                Err(RecvTimeoutError::Timeout) if self.is_over() => {
                    return Err("the process was killed".to_owned());
                }
                Err(RecvTimeoutError::Timeout) if begin.elapsed() > PATIENCE => {
                    self.kill();
                    return Err("the process took too long".to_owned());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn is_over(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// Ends the process at once: SIGKILL.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Processes {
    /// Kills one of the processes that are at work; false if none is.
    pub(crate) fn kill_one(&self, place: usize) -> bool {
        let mut at_work = self.running.lock().unwrap().clone();
        at_work.retain(|process| process.is_at_work.load(Ordering::Relaxed));
        let Some(process) = at_work.get(place % at_work.len().max(1)) else { return false };
        self.forget(process);
        process.kill();
        true
    }

    fn forget(&self, process: &Arc<Process>) {
        self.running.lock().unwrap().retain(|other| !Arc::ptr_eq(other, process));
    }

    /// Kills all that are left.
    pub(crate) fn kill_all(&self) {
        std::mem::take(&mut *self.running.lock().unwrap())
            .iter()
            .for_each(|process| process.kill());
    }
}

/// A function whose events such processes handle.
pub(crate) struct Remote(pub(crate) Arc<Pool>);

impl Function for Remote {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let pool = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || pool.call(event)).await?
    }
}
