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
use steelyard_billing::{Calendar, DebitRules, RETENTION_DAYS_MIN};
use steelyard_books::Books;
use steelyard_local_aws::{Embedded, LocalFunction, Transport, sqs};
use steelyard_local_stack::{Functions, LocalClock, LocalMachine, Stack, local_tables};
use steelyard_runtime::{Clock, Error, Function, Invocation, aws};

use crate::alipay::WayToAlipay;
use crate::aws::WayToAws;
use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::life::Life;
use crate::mishap::Mishap;
use crate::operators::Console;
use crate::panics;
use crate::transition::Transition;

/// The machines, by their numbers.
pub(crate) const MACHINES: [usize; 3] = [0, 1, 2];

/// The most that the clock of a machine differs from the others', in seconds: a quarter of an hour.
const SKEW_MAX_S: i64 = 900;

/// How long an operator waits for a command.
const A_COMMAND: Duration = Duration::from_secs(300);

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
    Actions,
    /// None of the functions: a command of an operator.
    Operator,
}

/// A machine: its functions, and the console at which operators work.
struct Machine {
    host: LocalMachine,
    functions: Functions,
    console: LocalFunction,
}

/// All machines. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Machines(Arc<Inner>);

struct Inner {
    chaos: Chaos,
    clock: LocalClock,
    embedded: Arc<Embedded>,
    machines: Mutex<Vec<Arc<Machine>>>,
    invocations: AtomicU64,
    /// The invocations that have not ended, with the time at which Lambda ends them.
    lives: Mutex<Vec<(Timestamp, Life)>>,
}

impl Machines {
    /// Machines over the services of a stack, each with a clock and ways of its own.
    pub(crate) fn over(stack: &Stack, chaos: &Chaos) -> Result<Machines, Error> {
        let begin = |number| Ok(Arc::new(Machine::begin(stack, chaos, number)?));
        let machines = MACHINES.into_iter().map(begin).collect::<Result<_, Error>>()?;
        Ok(Machines(Arc::new(Inner {
            chaos: chaos.clone(),
            clock: stack.clock.clone(),
            embedded: Arc::clone(&stack.embedded),
            machines: Mutex::new(machines),
            invocations: AtomicU64::new(0),
            lives: Mutex::default(),
        })))
    }

    /// A function as a queue, a stream or a schedule reaches it.
    pub(crate) fn function(&self, which: Which) -> LocalFunction {
        // A process that stands still is ended by the clock of the stack.
        let patient = which.of(&self.machine(MACHINES[0])).timeout().saturating_mul(1000);
        LocalFunction::new(Anywhere { machines: self.clone(), which }, patient)
    }

    /// Invokes a function on any machine.
    pub(crate) async fn invoke(&self, which: Which, event: Value) -> Result<Value, Error> {
        let chaos = &self.0.chaos;
        let place = chaos.pick(&MACHINES);
        let number = self.0.invocations.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{place}.{number}", format!("{which:?}").to_lowercase());
        let machine = self.machine(place);
        let function = which.of(&machine);
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

    /// A release by the rules of the stack reaches a machine. What runs there goes on by its rules.
    pub(crate) fn release(&self, stack: &Stack, place: usize) -> Result<(), Error> {
        let machine = self.machine(place).released(stack, &self.0.chaos)?;
        self.machines()[place] = Arc::new(machine);
        Ok(())
    }

    /// The release reaches every machine.
    pub(crate) fn release_all(&self, stack: &Stack) -> Result<(), Error> {
        MACHINES.into_iter().try_for_each(|place| self.release(stack, place))
    }

    fn machine(&self, place: usize) -> Arc<Machine> {
        Arc::clone(&self.machines()[place])
    }

    fn machines(&self) -> MutexGuard<'_, Vec<Arc<Machine>>> {
        self.0.machines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets what stands still go on, or ends it if its time is up.
    pub(crate) fn wake(&self, still: impl IntoIterator<Item = (Timestamp, Life)>) {
        let now = self.0.clock.now();
        for (until, life) in still {
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

    /// The invocations that stand still, each with the time at which Lambda ends it.
    pub(crate) fn still(&self) -> Vec<(Timestamp, Life)> {
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
    fn of(self, Machine { functions, console, .. }: &Machine) -> &LocalFunction {
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
            Which::Actions => &functions.actions,
            Which::Operator => console,
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

/// How many machines this process has made, for all seeds.
static MADE: AtomicU64 = AtomicU64::new(0);

impl Machine {
    /// A machine with a clock and ways of its own.
    fn begin(stack: &Stack, chaos: &Chaos, place: usize) -> Result<Machine, Error> {
        let way = WayToAws {
            transport: Transport::new(Arc::clone(&stack.embedded)),
            chaos: chaos.clone(),
            clock: stack.clock.clone(),
            machine: place,
            books: Arc::new(Books::new(stack.tables.billing.clone(), stack.rules.clone())),
        };
        let config = aws::local(Some(SharedHttpClient::new(way)), "http://aws.local")?;
        // The SDK counts retries by region, for all clients of a process.
        let region = Region::new(format!("machine-{}", MADE.fetch_add(1, Ordering::Relaxed)));
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
        let host = LocalMachine {
            rules: stack.rules.clone(),
            config: config.clone(),
            follower: config,
            gateway: Some(Arc::new(way)),
            session_clock: clock.clone(),
            clock,
        };
        Machine::of(host, stack, chaos)
    }

    /// The same machine with what a release by the rules of the stack now puts on it.
    fn released(&self, stack: &Stack, chaos: &Chaos) -> Result<Machine, Error> {
        Machine::of(self.host.clone(), stack, chaos)
    }

    fn of(mut host: LocalMachine, stack: &Stack, chaos: &Chaos) -> Result<Machine, Error> {
        let with_calendar = |time_zone, close_day| {
            let calendar = Calendar::new(time_zone, close_day)?;
            let calendar = calendar.keeping_reports(RETENTION_DAYS_MIN)?;
            Ok::<_, Error>(DebitRules { calendar, ..stack.rules.clone() })
        };
        host.rules = match chaos.has(Canary::UtcDays) {
            true => with_calendar("UTC", stack.rules.calendar.close_day())?,
            false => stack.rules.clone(),
        };
        let mut functions = stack.functions_on(&host)?;
        if chaos.has(Canary::ReopenedMonth) {
            let rules = with_calendar("Asia/Shanghai", 27)?;
            let reopened = stack.functions_on(&LocalMachine { rules, ..host.clone() })?;
            functions.ingest = reopened.ingest;
        }
        let tables = local_tables(&host.config);
        let books = Books::new(tables.billing.clone(), host.rules.clone());
        let console = Console { books, tables, clock: host.clock.clone() };
        Ok(Machine { host, functions, console: LocalFunction::new(console, A_COMMAND) })
    }
}
