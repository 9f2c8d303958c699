//! The debit as the documents describe it.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use steelyard_billing::Resolution;

use crate::{BEGIN, HOUR, shanghai_day, shanghai_hour};

/// What the gateway may say of money: that it took what was asked for, or another amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pay {
    Paid { right: bool },
    Funds,
    Window,
    Cap,
    Dead,
    Blocked,
    OwnAccount,
    Throttled,
    OwnFault,
    Doubt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Paid { right: bool },
    Pending,
    Closed,
    NotFound,
    Doubt,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Send,
    Pay(Pay),
    Query(Query),
    /// The answer to a close; none if it is lost.
    Close {
        is_heard: bool,
    },
    Person(Resolution),
    /// A notification, or a row of a bill: an attempt was paid by a trade.
    Proof {
        attempt: usize,
        trade: u8,
        right: bool,
    },
    MandateSuspended,
    MandateEnded,
    NothingOwed,
    Reported,
}

/// How much later something happens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Later {
    /// When the debit is due.
    Due,
    Seconds(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    Funds,
    Cap,
    Window,
    Mandate,
    Payer,
    Person,
}

/// Where the model's debit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Due,
    Sending,
    Doubt,
    Checking(Why),
    Closing(Why),
    Confirming(Why),
    Held,
    Rechecking,
    Paid,
    GivenUp(Why),
    Withdrawn,
}

/// One number at the gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Number {
    pub is_closed: bool,
    /// The trade that took its money.
    pub paid_by: Option<u8>,
    /// When the requests were sent that nobody answered.
    pub unanswered: Vec<i64>,
}

/// When the next step is due, as far as the documents say it exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    At(i64),
    /// A time after now that the documents leave open.
    Later,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub now: i64,
    pub at: At,
    pub due: Due,
    pub numbers: Vec<Number>,
    /// The days on which the payer had too little.
    pub short: Vec<i64>,
    pub windows: usize,
    /// How often the amount was above a limit.
    pub caps: usize,
    /// The attempt that paid it.
    pub paid_by: Option<usize>,
    pub is_refused: bool,
}

const QUARTER: i64 = 15 * 60;

impl Model {
    fn go(&mut self, at: At, due: Due) {
        (self.at, self.due) = (at, due);
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.at, At::Paid | At::GivenUp(_) | At::Withdrawn)
    }

    fn is_quiet(&self) -> bool {
        let mut sent = self.numbers.iter().flat_map(|number| &number.unanswered);
        sent.all(|sent| self.now - sent >= QUARTER)
    }

    fn send(&mut self) {
        if self.at != At::Due {
            self.is_refused = true;
            return;
        }
        if self.numbers.last().is_none_or(|number| number.is_closed) {
            self.numbers.push(Number::default());
        }
        self.numbers.last_mut().unwrap().unanswered.push(self.now);
        self.go(At::Sending, Due::At(self.now + 60));
    }

    /// Money was taken, by the word of the gateway about the last attempt.
    fn told_paid(&mut self, right: bool) {
        if right {
            self.numbers.last_mut().unwrap().paid_by = Some(1);
            self.paid_by = Some(self.numbers.len() - 1);
            self.go(At::Paid, Due::Later);
        } else {
            self.go(At::Held, Due::At(self.now + 24 * HOUR));
        }
    }

    fn paid(&mut self, answer: Pay) {
        if self.at != At::Sending {
            self.is_refused = true;
            return;
        }
        if answer != Pay::Doubt {
            self.numbers.last_mut().unwrap().unanswered.pop();
        }
        let (now, today) = (self.now, shanghai_day(self.now));
        match answer {
            Pay::Paid { right } => self.told_paid(right),
            Pay::Funds => {
                self.short.push(today);
                let later = [1, 3].get(self.short.len() - 1).map(|days| self.short[0] + days);
                match later {
                    Some(day) => {
                        let due = shanghai_hour(day.max(today + 1), 10);
                        self.go(At::Due, Due::At(due));
                    }
                    None => self.go(At::Checking(Why::Funds), Due::At(now)),
                }
            }
            Pay::Window => self.outside_window(),
            Pay::Cap => {
                self.caps += 1;
                self.go(At::Checking(Why::Cap), Due::At(now));
            }
            Pay::Dead => self.go(At::Checking(Why::Mandate), Due::At(now)),
            Pay::Blocked => self.go(At::Checking(Why::Payer), Due::At(now)),
            Pay::OwnAccount | Pay::Throttled => self.go(At::Due, Due::Later),
            Pay::OwnFault => self.go(At::Held, Due::At(now + 24 * HOUR)),
            Pay::Doubt => self.go(At::Doubt, Due::Later),
        }
    }

    fn outside_window(&mut self) {
        self.windows += 1;
        if self.windows < 7 {
            let tomorrow = shanghai_day(self.now) + 1;
            self.go(At::Due, Due::At(shanghai_hour(tomorrow, 10)));
        } else {
            self.go(At::Checking(Why::Window), Due::At(self.now));
        }
    }

    fn queried(&mut self, answer: Query) {
        let now = Due::At(self.now);
        match (self.at, answer) {
            (
                At::Sending | At::Doubt | At::Checking(_) | At::Confirming(_) | At::Rechecking,
                Query::Paid { right },
            ) => self.told_paid(right),
            (At::Sending | At::Doubt, Query::Pending | Query::NotFound) => self.go(At::Due, now),
            (At::Sending | At::Doubt, Query::Closed) => {
                self.numbers.last_mut().unwrap().is_closed = true;
                self.go(At::Due, now);
            }
            (At::Sending | At::Doubt, Query::Doubt) => self.go(At::Doubt, Due::Later),
            (At::Checking(why), Query::Pending | Query::NotFound) => self.go(At::Closing(why), now),
            (At::Checking(why) | At::Confirming(why), Query::Closed) => {
                self.go(At::GivenUp(why), Due::Later);
            }
            (At::Checking(_), Query::Doubt) => self.due = Due::Later,
            (At::Confirming(why), Query::NotFound) if self.is_quiet() => {
                self.go(At::GivenUp(why), Due::Later);
            }
            (At::Confirming(_), Query::NotFound | Query::Doubt) => self.due = Due::Later,
            (At::Confirming(why), Query::Pending) => self.go(At::Closing(why), Due::Later),
            (At::Rechecking, Query::Doubt) => self.due = Due::Later,
            (At::Rechecking, Query::Pending | Query::Closed | Query::NotFound) => {
                self.go(At::Held, Due::At(self.now + 24 * HOUR));
            }
            (
                At::Due | At::Closing(_) | At::Held | At::Paid | At::GivenUp(_) | At::Withdrawn,
                _,
            ) => {
                self.is_refused = true;
            }
        }
    }

    fn closed(&mut self, is_heard: bool) {
        match self.at {
            At::Closing(why) if is_heard => self.go(At::Confirming(why), Due::At(self.now)),
            At::Closing(why) => self.go(At::Checking(why), Due::Later),
            At::Due | At::Sending | At::Doubt | At::Checking(_) | At::Confirming(_) => {
                self.is_refused = true;
            }
            At::Held | At::Rechecking | At::Paid | At::GivenUp(_) | At::Withdrawn => {
                self.is_refused = true;
            }
        }
    }

    fn resolved(&mut self, resolution: Resolution) {
        let is_held = matches!(self.at, At::Held | At::Rechecking);
        let waits = self.at == At::Due && !self.numbers.is_empty();
        let by_person = At::Checking(Why::Person);
        let to = match resolution {
            Resolution::Ask if is_held => At::Rechecking,
            Resolution::Ask | Resolution::Retry if is_held || self.at == At::Doubt => At::Doubt,
            Resolution::GiveUp if is_held || self.at == At::Doubt || waits => by_person,
            Resolution::Ask | Resolution::Retry | Resolution::GiveUp => {
                self.is_refused = true;
                return;
            }
        };
        self.go(to, Due::At(self.now));
    }

    /// Proof of a payment counts once for each attempt, and pays the debit only by its last.
    fn proved(&mut self, attempt: usize, trade: u8, right: bool) {
        let (is_open, last) = (self.is_open(), self.numbers.len().wrapping_sub(1));
        let Some(number) = self.numbers.get_mut(attempt).filter(|_| right) else {
            self.is_refused = true;
            return;
        };
        if let Some(known) = number.paid_by {
            self.is_refused = known != trade;
            return;
        }
        number.paid_by = Some(trade);
        if is_open && attempt == last {
            self.paid_by = Some(attempt);
            self.go(At::Paid, Due::Later);
        }
    }
}

/// The answers to a request, those that lead far more often.
fn pays() -> impl Strategy<Value = Act> + Clone {
    prop::sample::select(vec![
        Pay::Paid { right: true },
        Pay::Paid { right: false },
        Pay::Funds,
        Pay::Funds,
        Pay::Funds,
        Pay::Window,
        Pay::Window,
        Pay::Cap,
        Pay::Dead,
        Pay::Dead,
        Pay::Blocked,
        Pay::OwnAccount,
        Pay::Throttled,
        Pay::OwnFault,
        Pay::Doubt,
        Pay::Doubt,
    ])
    .prop_map(Act::Pay)
}

fn queries() -> impl Strategy<Value = Act> + Clone {
    prop::sample::select(vec![
        Query::Paid { right: true },
        Query::Paid { right: false },
        Query::Pending,
        Query::Closed,
        Query::Closed,
        Query::NotFound,
        Query::NotFound,
        Query::NotFound,
        Query::NotFound,
        Query::Doubt,
    ])
    .prop_map(Act::Query)
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = (Later, Act);

    fn init_state() -> BoxedStrategy<Model> {
        let due = Due::At(shanghai_hour(shanghai_day(BEGIN), 10));
        Just(Model {
            now: BEGIN,
            at: At::Due,
            due,
            numbers: Vec::new(),
            short: Vec::new(),
            windows: 0,
            caps: 0,
            paid_by: None,
            is_refused: false,
        })
        .boxed()
    }

    /// What leads on from where the debit stands, and now and then anything.
    fn transitions(model: &Model) -> BoxedStrategy<(Later, Act)> {
        let (pays, queries) = (pays(), queries());
        let persons =
            prop::sample::select(vec![Resolution::Ask, Resolution::Retry, Resolution::GiveUp])
                .prop_map(Act::Person);
        let closes = any::<bool>().prop_map(|is_heard| Act::Close { is_heard });
        let proofs = (0_usize..3, 1_u8..3, prop::bool::weighted(0.8))
            .prop_map(|(attempt, trade, right)| Act::Proof { attempt, trade, right });
        let others = prop::sample::select(vec![
            Act::Send,
            Act::MandateSuspended,
            Act::MandateEnded,
            Act::NothingOwed,
            Act::Reported,
        ]);
        let next = match model.at {
            At::Due => Just(Act::Send).boxed(),
            At::Sending => prop_oneof![4 => pays.clone(), 1 => queries.clone()].boxed(),
            At::Doubt | At::Checking(_) | At::Confirming(_) | At::Rechecking => {
                queries.clone().boxed()
            }
            At::Closing(_) => closes.clone().boxed(),
            At::Held => persons.clone().boxed(),
            At::Paid | At::GivenUp(_) | At::Withdrawn => proofs.clone().boxed(),
        };
        let act = prop_oneof![
            24 => next, 1 => pays, 1 => queries, 1 => persons, 1 => closes, 3 => proofs, 1 => others
        ];
        let later = prop_oneof![
            6 => Just(Later::Due),
            1 => (0_i64..1_200).prop_map(Later::Seconds),
            1 => (0_i64..30 * HOUR).prop_map(Later::Seconds),
        ];
        (later, act).boxed()
    }

    /// A worker sends only what is due.
    fn preconditions(model: &Model, (later, act): &(Later, Act)) -> bool {
        let due = if let Due::At(due) = model.due { due.max(model.now) } else { model.now };
        let now = if let Later::Seconds(seconds) = later { model.now + seconds } else { due };
        let is_begin = matches!(act, Act::Send | Act::MandateSuspended | Act::MandateEnded);
        !is_begin || model.at != At::Due || now >= due
    }

    fn apply(mut model: Model, (later, act): &(Later, Act)) -> Model {
        model.is_refused = false;
        model.now = match (later, model.due) {
            (Later::Due, Due::At(due)) => due.max(model.now),
            (Later::Due, Due::Later) => model.now + HOUR,
            (Later::Seconds(seconds), _) => model.now + seconds,
        };
        let is_again = model.at == At::Due && !model.numbers.is_empty();
        match *act {
            Act::Send => model.send(),
            Act::Pay(answer) => model.paid(answer),
            Act::Query(answer) => model.queried(answer),
            Act::Close { is_heard } => model.closed(is_heard),
            Act::Person(resolution) => model.resolved(resolution),
            Act::Proof { attempt, trade, right } => model.proved(attempt, trade, right),
            Act::MandateSuspended if is_again => model.outside_window(),
            Act::MandateEnded if is_again => {
                model.go(At::Checking(Why::Mandate), Due::At(model.now));
            }
            Act::NothingOwed if model.at == At::Due && !is_again => {
                model.go(At::Withdrawn, Due::Later);
            }
            Act::Reported if model.at == At::Held => {
                model.due = Due::At(model.now + 24 * HOUR);
            }
            Act::MandateSuspended | Act::MandateEnded | Act::NothingOwed | Act::Reported => {
                model.is_refused = true;
            }
        }
        model
    }
}
