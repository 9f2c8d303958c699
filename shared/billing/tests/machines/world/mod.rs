//! All that can happen to one debit: two workers, a gateway with a truth of its own, notifications,
//! bills, a person, and crashes. Each step is one that a process makes, with the functions of the
//! core.

mod books;
mod same;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use steelyard_billing::reconciliation::FindingKind;
use steelyard_billing::{
    Account, Debit, DebitRules, Decline, DeclineReason, Doubt, GatewayCode, History, Ledger,
    MandateInUse, Movement, OutTradeNo, PayAnswer, Payment, QueryAnswer, Resolution, StatementId,
    Step,
};
use steelyard_pricing::Fen;

use crate::common::{mandate, provider, rules};
use crate::debits::sending;
use crate::{BEGIN, reason, second};

/// They are made once: the search takes many thousand steps.
static RULES: LazyLock<DebitRules> = LazyLock::new(rules);
static MANDATE: LazyLock<MandateInUse> = LazyLock::new(mandate);

/// What the debit asks for, in fen.
pub(crate) const AMOUNT: i64 = 500;

/// A request arrives within so many seconds, or never.
const ARRIVES_WITHIN: i64 = 15 * 60;

/// What the gateway does about a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Takes,
    /// A defect of the gateway: it takes a fen less.
    TakesLess,
    /// The payer has too little.
    Declines,
    /// The agreement is dead; it makes no trade.
    IsDead,
}

/// A step of a worker, of the gateway or of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The clock goes on to when the debit is due.
    Tick,
    /// A worker takes the debit up: it stores that it is sent, or is about to query or close.
    Begin(usize),
    /// Its request arrives, and is answered or not.
    Arrives {
        worker: usize,
        does: Does,
        is_heard: bool,
    },
    /// Its request is lost, or late.
    IsLost {
        worker: usize,
        is_late: bool,
    },
    /// It queries or closes; the answer is lost or not.
    Asks {
        worker: usize,
        is_heard: bool,
    },
    /// It stores what it received, unless the debit was stored since it was read.
    Saves(usize),
    /// It crashes, so that what it received is lost.
    Crashes(usize),
    /// A request that was late arrives.
    LateArrives(Does),
    /// The gateway closes a trade that nobody paid.
    Closes,
    Notifies,
    Bills,
    Person(Resolution),
}

/// A worker of the debit function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    Idle,
    /// It has read the debit, and is about to ask the gateway.
    Holds {
        read: Box<Debit>,
        step: Step,
    },
    /// It has an answer, and is about to store the debit after it.
    Heard {
        version: u64,
        after: Box<Debit>,
    },
}

/// A trade at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AtGateway {
    Waiting,
    Paid(i64),
    Closed,
}

/// The faults that may still happen, so that the search ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budget {
    /// Lost and late messages, and crashes.
    pub faults: u8,
    pub declines: u8,
    pub closes: u8,
    pub wrong_amounts: u8,
    pub persons: u8,
}

/// What the model gets wrong on purpose, to show that the search finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// A worker stores over what was stored since it read.
    StoresOver,
    /// The gateway takes the money of one number again.
    TakesTwice,
    /// A request may arrive hours later.
    ComesLate,
    /// Neither notifications nor bills are booked, and nobody asks again.
    IsDeaf,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct World {
    pub flaw: Flaw,
    pub now: i64,
    pub debit: Debit,
    pub account: Account,
    pub workers: [Worker; 2],
    pub trades: BTreeMap<OutTradeNo, AtGateway>,
    /// Requests on their way: when each was sent, and its number.
    pub late: Vec<(i64, OutTradeNo)>,
    /// The sum that the gateway took, in fen.
    pub taken: i64,
    /// What the journal says that it took.
    pub booked: i64,
    /// Differences that a person must look at: one for each number and kind.
    pub findings: Vec<(String, FindingKind)>,
    pub left: Budget,
}

impl World {
    /// A debit of ¥5.00 that is due.
    pub(crate) fn new(flaw: Flaw, left: Budget) -> World {
        let (account, now) = (Account::new(&provider()), second(BEGIN));
        let statement: StatementId = "2015-05-16".parse().unwrap();
        let charged = account.charge(statement, Fen::new(AMOUNT), now).unwrap();
        let opened = charged.requesting(Some(&MANDATE), &RULES, now).unwrap();
        World {
            flaw,
            now: BEGIN,
            debit: opened.opened.unwrap(),
            account: opened.account,
            workers: [Worker::Idle, Worker::Idle],
            trades: BTreeMap::new(),
            late: Vec::new(),
            taken: 0,
            booked: 0,
            findings: Vec::new(),
            left,
        }
    }

    /// Whether nothing happens by itself now except that bills show what was taken.
    pub(crate) fn is_at_rest(&self) -> bool {
        let is_idle = self.workers.iter().all(|worker| *worker == Worker::Idle);
        let waits_for_nobody = !self.debit.is_open() || self.is_held();
        is_idle && waits_for_nobody && self.late.is_empty() && self.after(Act::Bills).is_none()
    }

    pub(crate) fn is_held(&self) -> bool {
        self.debit.next_step(self.debit.task.due_at_s) == Step::Report
    }

    /// Whether a step may be possible now, which is cheap to find out.
    fn allows(&self, act: Act) -> bool {
        let sends =
            |worker: usize| matches!(&self.workers[worker], Worker::Holds { step: Step::Pay, .. });
        let (has_faults, is_idle) =
            (self.left.faults > 0, |worker: usize| self.workers[worker] == Worker::Idle);
        match act {
            Act::Tick => self.debit.is_open(),
            Act::Begin(worker) => is_idle(worker) && self.debit.is_open(),
            Act::Arrives { worker, is_heard, .. } => sends(worker) && (is_heard || has_faults),
            Act::IsLost { worker, .. } => sends(worker) && has_faults,
            Act::Asks { worker, is_heard } => {
                let holds = matches!(&self.workers[worker], Worker::Holds { .. });
                holds && !sends(worker) && (is_heard || has_faults)
            }
            Act::Saves(worker) => matches!(&self.workers[worker], Worker::Heard { .. }),
            Act::Crashes(worker) => !is_idle(worker) && has_faults,
            Act::LateArrives(_) => !self.late.is_empty(),
            Act::Closes => self.left.closes > 0 && !self.trades.is_empty(),
            Act::Notifies | Act::Bills => self.taken > 0,
            Act::Person(_) => self.left.persons > 0 && self.debit.is_open(),
        }
    }

    /// The world after a step; none if it is not possible now, or changes nothing.
    pub(crate) fn after(&self, act: Act) -> Option<World> {
        if !self.allows(act) {
            return None;
        }
        let mut world = self.clone();
        let is_done = match act {
            Act::Tick => world.tick(),
            Act::Begin(worker) => world.begin(worker),
            Act::Arrives { worker, does, is_heard } => world.arrives(worker, does, is_heard),
            Act::IsLost { worker, is_late } => world.is_lost(worker, is_late),
            Act::Asks { worker, is_heard } => world.asks(worker, is_heard),
            Act::Saves(worker) => world.saves(worker),
            Act::Crashes(worker) => world.crashes(worker),
            Act::LateArrives(does) => world.late_arrives(does),
            Act::Closes => world.closes(),
            Act::Notifies => world.notifies(),
            Act::Bills => world.bills(),
            Act::Person(resolution) => world.person(resolution),
        };
        is_done.then_some(world)
    }

    /// A person gives back at Alipay what was taken wrongly: the trade is closed.
    pub(crate) fn give_back_what_is_wrong(&mut self) {
        for trade in self.trades.values_mut() {
            if let AtGateway::Paid(fen) = *trade
                && fen != AMOUNT
            {
                *trade = AtGateway::Closed;
                self.taken -= fen;
            }
        }
    }

    fn spend(&mut self, of: impl Fn(&mut Budget) -> &mut u8) -> bool {
        let left = of(&mut self.left);
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }

    /// The clock goes on; that a worker stalls so long is a fault. What was sent too long ago has
    /// arrived by then, or never will.
    fn tick(&mut self) -> bool {
        let Some(due) = self.debit.due_at().map(|due| due.as_second()) else { return false };
        let is_idle = self.workers.iter().all(|worker| *worker == Worker::Idle);
        if self.is_held() || due <= self.now || !is_idle && !self.spend(|left| &mut left.faults) {
            return false;
        }
        self.now = due;
        let is_over = |sent: i64| due - sent >= ARRIVES_WITHIN;
        if self.flaw != Flaw::ComesLate {
            self.late.retain(|(sent, _)| !is_over(*sent));
        }
        for worker in &mut self.workers {
            let sent = match worker {
                Worker::Holds { read, step: Step::Pay } => read.last_attempt().unwrap().sent_at_s,
                Worker::Idle | Worker::Holds { .. } | Worker::Heard { .. } => continue,
            };
            if is_over(sent.as_second()) {
                *worker = Worker::Idle;
            }
        }
        true
    }

    fn begin(&mut self, worker: usize) -> bool {
        if self.workers[worker] != Worker::Idle {
            return false;
        }
        let (now, step) = (second(self.now), self.debit.next_step(second(self.now)));
        match step {
            Step::Wait | Step::Report => return false,
            Step::Query | Step::Close => {}
            Step::Pay => {
                let sent = sending(&self.debit, Fen::new(AMOUNT), now);
                if self.debit.terms.is_none() {
                    let moved = self.account.debit_sent(&sent, Some(&MANDATE), now).unwrap();
                    self.book(moved);
                }
                self.store(sent);
            }
        }
        self.workers[worker] = Worker::Holds { read: Box::new(self.debit.clone()), step };
        true
    }

    /// Stores the debit: its version grows. What was asked and answered decides nothing.
    fn store(&mut self, mut debit: Debit) {
        debit.task.version = self.debit.task.version + 1;
        debit.history = History::default();
        self.debit = debit;
    }

    fn book(&mut self, moved: Movement) {
        let of_alipay = moved.entry.as_ref().map(|entry| entry.moved(Ledger::Alipay).unwrap());
        self.booked += of_alipay.map_or(0, Fen::get);
        self.account = moved.account;
    }

    /// The gateway's answer to a request that it gets. None if what it does is used up.
    fn pays(&mut self, number: &OutTradeNo, does: Does) -> Option<PayAnswer> {
        match self.trades.get(number) {
            Some(AtGateway::Paid(fen)) if self.flaw != Flaw::TakesTwice => {
                return (does == Does::Takes).then(|| PayAnswer::Paid(payment(number, *fen)));
            }
            Some(AtGateway::Closed) => {
                return (does == Does::Takes).then(|| PayAnswer::InDoubt(doubt()));
            }
            Some(AtGateway::Waiting | AtGateway::Paid(_)) | None => {}
        }
        let fen = match does {
            Does::Takes => AMOUNT,
            Does::TakesLess if self.spend(|left| &mut left.wrong_amounts) => AMOUNT - 1,
            Does::Declines if self.spend(|left| &mut left.declines) => {
                self.trades.insert(number.clone(), AtGateway::Waiting);
                let (reason, sub_code) = (DeclineReason::Funds, code().0);
                return Some(PayAnswer::Declined(Decline { reason, sub_code }));
            }
            Does::IsDead if self.spend(|left| &mut left.declines) => {
                return Some(PayAnswer::MandateDead(code()));
            }
            Does::TakesLess | Does::Declines | Does::IsDead => return None,
        };
        self.taken += fen;
        self.trades.insert(number.clone(), AtGateway::Paid(fen));
        Some(PayAnswer::Paid(payment(number, fen)))
    }

    /// The debit that a worker holds in order to send it.
    fn sender(&self, worker: usize) -> Option<Debit> {
        match &self.workers[worker] {
            Worker::Holds { read, step: Step::Pay } => Some((**read).clone()),
            Worker::Idle | Worker::Holds { .. } | Worker::Heard { .. } => None,
        }
    }

    fn arrives(&mut self, worker: usize, does: Does, is_heard: bool) -> bool {
        let Some(read) = self.sender(worker) else { return false };
        let number = read.last_attempt().unwrap().out_trade_no.clone();
        if !is_heard && !self.spend(|left| &mut left.faults) {
            return false;
        }
        let Some(answer) = self.pays(&number, does) else { return false };
        let answer = if is_heard { answer } else { PayAnswer::InDoubt(doubt()) };
        self.hear(worker, &read, read.after_pay(answer, &RULES, second(self.now)).unwrap());
        true
    }

    fn is_lost(&mut self, worker: usize, is_late: bool) -> bool {
        let Some(read) = self.sender(worker) else { return false };
        if !self.spend(|left| &mut left.faults) {
            return false;
        }
        let attempt = read.last_attempt().unwrap();
        if is_late {
            self.late.push((attempt.sent_at_s.as_second(), attempt.out_trade_no.clone()));
        }
        let doubt = PayAnswer::InDoubt(doubt());
        self.hear(worker, &read, read.after_pay(doubt, &RULES, second(self.now)).unwrap());
        true
    }

    fn hear(&mut self, worker: usize, read: &Debit, after: Debit) {
        self.workers[worker] = Worker::Heard { version: read.task.version, after: Box::new(after) };
    }

    fn asks(&mut self, worker: usize, is_heard: bool) -> bool {
        let (read, step) = match &self.workers[worker] {
            Worker::Holds { read, step } if *step != Step::Pay => ((**read).clone(), *step),
            Worker::Idle | Worker::Holds { .. } | Worker::Heard { .. } => return false,
        };
        if !is_heard && !self.spend(|left| &mut left.faults) {
            return false;
        }
        let number = read.last_attempt().unwrap().out_trade_no.clone();
        let at = self.trades.get(&number).copied();
        let now = second(self.now);
        let after = if step == Step::Close {
            // A close whose answer is lost may have been lost itself; the gateway closes by itself,
            // too.
            if at == Some(AtGateway::Waiting) && is_heard {
                self.trades.insert(number, AtGateway::Closed);
            }
            read.after_close(if is_heard { Ok(()) } else { Err(doubt()) }, now)
        } else {
            let told = match at {
                _ if !is_heard => QueryAnswer::InDoubt(doubt()),
                Some(AtGateway::Waiting) => QueryAnswer::Pending,
                Some(AtGateway::Paid(fen)) => QueryAnswer::Paid(payment(&number, fen)),
                Some(AtGateway::Closed) => QueryAnswer::Closed,
                None => QueryAnswer::NotFound,
            };
            read.after_query(told, now)
        };
        self.hear(worker, &read, after.unwrap());
        true
    }

    /// Stores what a worker received, with what the end of the debit does to the account, if nobody
    /// stored the debit since the worker read it.
    fn saves(&mut self, worker: usize) -> bool {
        let Worker::Heard { version, after } = self.workers[worker].clone() else { return false };
        self.workers[worker] = Worker::Idle;
        if version != self.debit.task.version && self.flaw != Flaw::StoresOver {
            return true;
        }
        if !after.is_open() {
            let ended = self.account.end_debit(&after, Some(&MANDATE), &RULES, second(self.now));
            match ended {
                Ok(moved) => self.book(moved),
                Err(_) => return self.flaw == Flaw::StoresOver,
            }
        }
        self.store(*after);
        true
    }

    fn crashes(&mut self, worker: usize) -> bool {
        if self.workers[worker] == Worker::Idle || !self.spend(|left| &mut left.faults) {
            return false;
        }
        self.workers[worker] = Worker::Idle;
        true
    }

    fn late_arrives(&mut self, does: Does) -> bool {
        if self.late.is_empty() {
            return false;
        }
        let (_, number) = self.late.remove(0);
        self.pays(&number, does).is_some()
    }

    fn closes(&mut self) -> bool {
        let waiting = self.trades.values_mut().find(|trade| **trade == AtGateway::Waiting);
        let Some(trade) = waiting else { return false };
        *trade = AtGateway::Closed;
        self.spend(|left| &mut left.closes)
    }

    fn person(&mut self, resolution: Resolution) -> bool {
        let now = second(self.now);
        let Ok(resolved) = self.debit.resolved(resolution, reason(), now) else { return false };
        self.store(resolved);
        self.spend(|left| &mut left.persons)
    }
}

fn payment(number: &OutTradeNo, fen: i64) -> Payment {
    Payment { trade_no: format!("2015{number}"), amount_fen: Fen::new(fen) }
}

fn doubt() -> Doubt {
    Doubt("no answer in 10 s".to_owned())
}

fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}
