//! The breaker: it opens when half of enough debits are in trouble, and closes by one good probe.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use steelyard_billing::breaker::{Breaker, BreakerState, Permit, Trip};
use steelyard_billing::{DebitId, Doubt, GatewayCode, PayAnswer, Payment};
use steelyard_pricing::Fen;

use crate::common::provider;
use crate::{BEGIN, config, reason, second};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Paid,
    Dead,
    Doubt,
    OwnFault,
    OwnAccount,
    Throttled,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// A debit asks whether it may be sent, and is sent as a probe if that is what it may.
    Ask,
    /// So many debits in a row are answered so.
    Answers(Answer, u32),
    Probe(Answer),
    /// A person closes it, or stops all debits.
    Resume,
    Stop,
    Wait(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Closed,
    /// Until a probe is due, after so many failed probes.
    Open {
        probe_at: i64,
        failed: usize,
        why: Why,
    },
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    OwnAccount,
    Trouble { asked: usize, troubled: usize },
}

#[derive(Clone, Debug)]
struct Model {
    now: i64,
    at: At,
    /// When each debit was answered since it closed, and whether that was trouble.
    answers: Vec<(i64, bool)>,
    /// Until when a probe is on its way.
    probing: Option<i64>,
}

const MINUTE: i64 = 60;

/// Minutes until the next probe.
const WAITS: [i64; 5] = [15, 30, 60, 120, 240];

impl Model {
    fn open(&mut self, failed: usize, why: Why) {
        let wait = WAITS.get(failed).copied().unwrap_or(240);
        self.at = At::Open { probe_at: self.now + wait * MINUTE, failed, why };
        self.answers.clear();
        self.probing = None;
    }

    /// The answers of this minute and the four before.
    fn assess(&mut self) {
        let minute = |second: i64| second.div_euclid(MINUTE);
        let oldest = minute(self.now) - 4;
        self.answers.retain(|(second, _)| minute(*second) >= oldest);
        let troubled = self.answers.iter().filter(|(_, is_trouble)| *is_trouble).count();
        let asked = self.answers.len();
        if asked >= 10 && 2 * troubled >= asked {
            self.open(0, Why::Trouble { asked, troubled });
        }
    }

    fn answered(&mut self, answer: Answer) {
        if self.at != At::Closed {
            return;
        }
        match answer {
            Answer::OwnAccount => return self.open(0, Why::OwnAccount),
            Answer::Throttled => {}
            Answer::Doubt | Answer::OwnFault => self.answers.push((self.now, true)),
            Answer::Paid | Answer::Dead => self.answers.push((self.now, false)),
        }
        self.assess();
    }

    fn probed(&mut self, answer: Answer) {
        let At::Open { failed, why, .. } = self.at else { return };
        match answer {
            Answer::Paid | Answer::Dead => {
                (self.at, self.probing) = (At::Closed, None);
                self.answers.clear();
            }
            Answer::OwnAccount => self.open(failed + 1, Why::OwnAccount),
            Answer::Doubt | Answer::OwnFault | Answer::Throttled => self.open(failed + 1, why),
        }
    }

    fn permit(&self) -> Permit {
        match self.at {
            At::Closed => Permit::Go,
            At::Stopped => Permit::Stop,
            At::Open { probe_at, .. } => {
                let is_probing = self.probing.is_some_and(|until| self.now < until);
                if self.now >= probe_at && !is_probing { Permit::Probe } else { Permit::Stop }
            }
        }
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model { now: BEGIN, at: At::Closed, answers: Vec::new(), probing: None }).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Act> {
        let answers = || {
            prop_oneof![
                6 => Just(Answer::Paid),
                1 => Just(Answer::Dead),
                5 => Just(Answer::Doubt),
                1 => Just(Answer::OwnFault),
                1 => Just(Answer::OwnAccount),
                2 => Just(Answer::Throttled),
            ]
        };
        // Of an open breaker the probes are what matters.
        let next = match model.at {
            At::Open { .. } if model.probing.is_some() => answers().prop_map(Act::Probe).boxed(),
            At::Open { probe_at, .. } if probe_at > model.now => {
                Just(Act::Wait(probe_at - model.now)).boxed()
            }
            At::Open { .. } => Just(Act::Ask).boxed(),
            At::Stopped => Just(Act::Resume).boxed(),
            At::Closed => (answers(), 1_u32..7)
                .prop_map(|(answer, times)| Act::Answers(answer, times))
                .boxed(),
        };
        prop_oneof![
            12 => next,
            1 => Just(Act::Ask),
            3 => (answers(), 1_u32..7).prop_map(|(answer, times)| Act::Answers(answer, times)),
            1 => answers().prop_map(Act::Probe),
            1 => Just(Act::Resume),
            1 => Just(Act::Stop),
            4 => (1_i64..400).prop_map(Act::Wait),
            1 => (1_i64..260 * MINUTE).prop_map(Act::Wait),
        ]
        .boxed()
    }

    /// Only a probe that is on its way is answered.
    fn preconditions(model: &Model, act: &Act) -> bool {
        match act {
            Act::Probe(_) => model.probing.is_some(),
            Act::Stop => model.at != At::Stopped,
            Act::Ask | Act::Answers(..) | Act::Resume | Act::Wait(_) => true,
        }
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        match *act {
            Act::Ask if model.permit() == Permit::Probe => {
                model.probing = Some(model.now + MINUTE);
            }
            Act::Ask => {}
            Act::Answers(answer, times) => (0..times).for_each(|_| model.answered(answer)),
            Act::Probe(answer) => model.probed(answer),
            Act::Resume if model.at != At::Closed => {
                (model.at, model.probing) = (At::Closed, None);
                model.answers.clear();
            }
            Act::Resume => {}
            Act::Stop => {
                (model.at, model.probing) = (At::Stopped, None);
                model.answers.clear();
            }
            Act::Wait(seconds) => model.now += seconds,
        }
        model
    }
}

fn answer(of: Answer) -> PayAnswer {
    let code = || GatewayCode("ACQ.SOME_CODE".to_owned());
    match of {
        Answer::Paid => {
            PayAnswer::Paid(Payment { trade_no: "2015".to_owned(), amount_fen: Fen::new(1) })
        }
        Answer::Dead => PayAnswer::MandateDead(code()),
        Answer::Doubt => PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())),
        Answer::OwnFault => PayAnswer::OwnFault(code()),
        Answer::OwnAccount => PayAnswer::OwnAccount(code()),
        Answer::Throttled => PayAnswer::Throttled(code()),
    }
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Breaker;
    type Reference = Model;

    fn init_test(_: &Model) -> Breaker {
        Breaker::default()
    }

    fn apply(breaker: Breaker, model: &Model, act: Act) -> Breaker {
        let now = second(model.now);
        match act {
            Act::Ask => {
                let probing = breaker.probing(&provider().provider, DebitId(7), now);
                if let Some(probing) = probing {
                    let again = probing.probing(&provider().provider, DebitId(8), now);
                    assert_eq!(again, None, "one probe is on its way at a time");
                    probing
                } else {
                    breaker
                }
            }
            Act::Answers(of, times) => {
                (0..times).fold(breaker, |breaker, _| breaker.after(&answer(of), &[], false, now))
            }
            Act::Probe(of) => breaker.after(&answer(of), &[], true, now),
            Act::Resume => breaker.resumed(reason(), now),
            Act::Stop => breaker.stopped(reason(), now),
            Act::Wait(_) => breaker,
        }
    }

    fn check_invariants(breaker: &Breaker, model: &Model) {
        assert_eq!(breaker.permit(second(model.now)), model.permit(), "{breaker:?}");
        let at = match &breaker.state {
            BreakerState::Closed => At::Closed,
            BreakerState::Open { why: Trip::ByOperator { .. }, .. } => At::Stopped,
            BreakerState::Open { why: Trip::OwnAccount(_), probe_at_s, probes, .. } => At::Open {
                probe_at: probe_at_s.unwrap().as_second(),
                failed: usize::from(*probes),
                why: Why::OwnAccount,
            },
            BreakerState::Open {
                why: Trip::TooMuchTrouble { asked, troubled },
                probe_at_s,
                probes,
                ..
            } => At::Open {
                probe_at: probe_at_s.unwrap().as_second(),
                failed: usize::from(*probes),
                why: Why::Trouble {
                    asked: usize::try_from(*asked).unwrap(),
                    troubled: usize::try_from(*troubled).unwrap(),
                },
            },
        };
        assert_eq!(at, model.at);
        // A way out: a good probe closes it, once one is due; one that was stopped, a person.
        let resumed = breaker.resumed(reason(), second(model.now));
        assert!(resumed.is_closed());
        if let At::Open { probe_at, .. } = model.at {
            let then = second(probe_at.max(model.now) + MINUTE);
            assert_eq!(breaker.permit(then), Permit::Probe);
            let good = PayAnswer::MandateDead(GatewayCode("X".to_owned()));
            assert!(breaker.after(&good, &[], true, then).is_closed());
        }
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn breaker_counts_as_its_model_does(sequential 1..50 => Test);
}
