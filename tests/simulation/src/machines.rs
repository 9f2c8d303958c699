//! The machines that run the functions, and the functions as queues, streams and schedules reach
//! them: on any machine, where the process may end.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::region::Region;
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use steelyard_billing::{Calendar, DebitRules};
use steelyard_books::Books;
use steelyard_local_aws::{Embedded, LocalFunction, Transport, sqs};
use steelyard_local_stack::{Functions, LocalClock, LocalMachine, Stack};
use steelyard_runtime::{Clock, Error, Function, Invocation, aws};

use crate::alipay::WayToAlipay;
use crate::aws::WayToAws;
use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::life::Life;
use crate::mishap::Mishap;
use crate::panics;
use crate::transition::Transition;

/// The machines, by their numbers.
const MACHINES: [usize; 3] = [0, 1, 2];

/// The most that the clock of a machine differs from the others', in seconds: a quarter of an hour.
const SKEW_MAX_S: i64 = 900;

/// A function that the machines run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is named as its function")]
pub enum Which {
    Ingest,
    Settle,
    Dispatch,
    Debit,
    Offers,
    Notify,
    Reconcile,
    Events,
    Watch,
}

/// All machines. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Machines(Arc<Inner>);

struct Inner {
    chaos: Chaos,
    clock: LocalClock,
    embedded: Arc<Embedded>,
    functions: Vec<Functions>,
    invocations: AtomicU64,
    /// The invocations that have not ended, with the time at which Lambda ends them.
    lives: Mutex<Vec<(Timestamp, Life)>>,
}

impl Machines {
    /// Machines over the services of a stack, each with a clock and ways of its own.
    pub(crate) fn over(stack: &Stack, chaos: &Chaos, seed: u64) -> Result<Machines, Error> {
        let functions =
            MACHINES.into_iter().map(|machine| functions(stack, chaos, (seed, machine)));
        Ok(Machines(Arc::new(Inner {
            chaos: chaos.clone(),
            clock: stack.clock.clone(),
            embedded: Arc::clone(&stack.embedded),
            functions: functions.collect::<Result<_, _>>()?,
            invocations: AtomicU64::new(0),
            lives: Mutex::default(),
        })))
    }

    /// A function as a queue, a stream or a schedule reaches it.
    pub(crate) fn function(&self, which: Which) -> LocalFunction {
        let of_first = self.0.functions.first().map(|of| which.of(of).timeout());
        let timeout = of_first.unwrap_or(Duration::from_secs(60));
        // A process that stands still is ended by the clock of the stack.
        let patient = timeout.saturating_mul(1000);
        LocalFunction::new(Anywhere { machines: self.clone(), which }, patient)
    }

    /// Invokes a function on any machine.
    pub(crate) async fn invoke(&self, which: Which, event: Value) -> Result<Value, Error> {
        let chaos = &self.0.chaos;
        let machine = chaos.pick(&MACHINES);
        let number = self.0.invocations.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{machine}.{number}", format!("{which:?}").to_lowercase());
        let function = which.of(&self.0.functions[machine]);
        chaos.note(format_args!("{name} begins"));
        let life = Life::new(&name, which);
        let handler = AssertUnwindSafe(function.handling(event)).catch_unwind();
        let (of_panic, panicked) = (chaos.clone(), name.clone());
        let handler = async move {
            handler.await.unwrap_or_else(|_| {
                of_panic.note_defect(format_args!("{panicked}: {}", panics::last()));
                Err("the handler panicked".into())
            })
        };
        self.watch(&life, function.timeout());
        let result = life.of(handler.boxed()).await;
        self.forget(&life);
        match &result {
            Ok(_) => chaos.note(format_args!("{name} ends")),
            Err(error) => chaos.note(format_args!("{name} fails: {error}")),
        }
        result
    }

    /// Lets what stands still go on, or ends it if its time is up.
    pub(crate) fn wake(&self) {
        let now = self.0.clock.now();
        for (until, life) in self.still() {
            if until <= now {
                self.0.chaos.note(format_args!("{} is out of time", life.name));
                life.end();
            } else if self.0.chaos.one_in(2) {
                self.0.chaos.note(format_args!("{} goes on", life.name));
                life.go_on();
            }
        }
    }

    /// Ends what stands still.
    pub(crate) fn end_all(&self) {
        for (_, life) in self.still() {
            life.end();
        }
    }

    /// How many invocations run and do not stand still.
    pub(crate) fn running(&self) -> usize {
        let lives = self.lives();
        lives.iter().filter(|(_, life)| !life.is_still()).count()
    }

    fn still(&self) -> Vec<(Timestamp, Life)> {
        let mut still = self.lives().clone();
        still.retain(|(_, life)| life.is_still());
        still
    }

    fn watch(&self, life: &Life, timeout: Duration) {
        let timeout = SignedDuration::try_from(timeout).unwrap_or(SignedDuration::MAX);
        self.lives().push((self.0.clock.now() + timeout, life.clone()));
    }

    fn forget(&self, life: &Life) {
        self.lives().retain(|(_, other)| other.name != life.name);
    }

    fn lives(&self) -> MutexGuard<'_, Vec<(Timestamp, Life)>> {
        self.0.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Which {
    fn of(self, functions: &Functions) -> &LocalFunction {
        match self {
            Which::Ingest => &functions.ingest,
            Which::Settle => &functions.settle,
            Which::Dispatch => &functions.dispatch,
            Which::Debit => &functions.debit,
            Which::Offers => &functions.offers,
            Which::Notify => &functions.notify,
            Which::Reconcile => &functions.reconcile,
            Which::Events => &functions.events,
            Which::Watch => &functions.watch,
        }
    }
}

/// A function on any machine. A batch that was handled may come again all the same.
struct Anywhere {
    machines: Machines,
    which: Which,
}

impl Function for Anywhere {
    async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
        let chaos = &self.machines.0.chaos;
        if self.which == Which::Events {
            let records = event["Records"].as_array().into_iter().flatten();
            records.filter_map(Transition::of).for_each(|change| chaos.note_transition(change));
        }
        let event = match (self.which, chaos.has(Canary::SkippedRecord)) {
            (Which::Events, true) => without_first(event),
            _ => event,
        };
        self.repeat(&event);
        let answer = self.machines.invoke(self.which, event).await?;
        match chaos.strikes(&[Mishap::DeletesLost]) {
            Some(_) => Err("its messages are not deleted".into()),
            None => Ok(answer),
        }
    }
}

impl Anywhere {
    /// Delivers messages of a batch once more, later.
    fn repeat(&self, event: &Value) {
        let Inner { chaos, clock, embedded, .. } = &*self.machines.0;
        for message in event["Records"].as_array().into_iter().flatten() {
            let queue = message["eventSourceARN"].as_str().and_then(|arn| arn.rsplit(':').next());
            let Some(queue) = queue else { continue };
            if chaos.strikes(&[Mishap::MessageTwice]).is_none() {
                continue;
            }
            let again = json!({ "QueueUrl": format!("/{queue}"), "MessageBody": message["body"] });
            let (embedded, of_note, queue) =
                (Arc::clone(embedded), chaos.clone(), queue.to_owned());
            let seconds = chaos.pick(&[1, 90, 4_000, 90_000]);
            chaos.arrives(clock.now(), SignedDuration::from_secs(seconds), async move {
                of_note.note(format_args!("  a message of {queue} comes once more"));
                let _sent = sqs(&embedded, "SendMessage", again).await;
            });
        }
    }
}

/// A batch of a stream without its first record.
fn without_first(mut event: Value) -> Value {
    if let Some(records) = event["Records"].as_array_mut().filter(|records| records.len() > 1) {
        records.remove(0);
    }
    event
}

/// The rules of the stack, with another calendar.
fn with_calendar(stack: &Stack, calendar: Calendar) -> DebitRules {
    DebitRules { calendar, ..stack.rules.clone() }
}

/// The functions of one machine.
fn functions(
    stack: &Stack,
    chaos: &Chaos,
    (seed, machine): (u64, usize),
) -> Result<Functions, Error> {
    let way = WayToAws {
        transport: Transport::new(Arc::clone(&stack.embedded)),
        chaos: chaos.clone(),
        clock: stack.clock.clone(),
        machine,
        books: Arc::new(Books::new(stack.tables.billing.clone(), stack.rules.clone())),
    };
    let config = aws::local(Some(SharedHttpClient::new(way)), "http://aws.local")?;
    // The SDK counts retries by region, for all clients of a process.
    let region = Region::new(format!("seed-{seed}-{machine}"));
    let config = config.to_builder().region(region).build();
    let way = WayToAlipay {
        alipay: stack.alipay.clone(),
        gateway: stack.alipay.in_process(),
        chaos: chaos.clone(),
        clock: stack.clock.clone(),
    };
    let skew = chaos.draw_seconds(-SKEW_MAX_S..SKEW_MAX_S + 1);
    // Most machines have the right time.
    let skew = if chaos.one_in(6) { skew } else { SignedDuration::ZERO };
    if !skew.is_zero() {
        chaos.note_skewed();
    }
    let clock = stack.clock.clone();
    let clock = Clock::from_fn(move || clock.now() + skew);
    let gateway: Arc<dyn steelyard_alipay::Transport> = Arc::new(way);
    let of = |rules: DebitRules| {
        stack.functions_on(&LocalMachine {
            rules,
            config: config.clone(),
            follower: config.clone(),
            gateway: Some(Arc::clone(&gateway)),
            session_clock: clock.clone(),
            clock: clock.clone(),
        })
    };
    if chaos.has(Canary::UtcDays) {
        return of(with_calendar(stack, Calendar::new("UTC", 5)?));
    }
    let functions = of(stack.rules.clone())?;
    if chaos.has(Canary::ReopenedMonth) {
        let Functions { ingest, .. } =
            of(with_calendar(stack, Calendar::new("Asia/Shanghai", 27)?))?;
        return Ok(Functions { ingest, ..functions });
    }
    Ok(functions)
}
