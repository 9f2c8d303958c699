//! The refund, against a gateway with a truth of its own: requests and answers are lost or late,
//! and the money is given back once at most.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use steelyard_billing::{
    Account, Doubt, GatewayCode, Ledger, Movement, OutRequestNo, Outcome, RechargeId, Refund,
    RefundAnswer, RefundPhase, RefundQueryAnswer, RefundRef, RefundStep, TradeNumber, TradeOf,
};
use steelyard_pricing::Fen;

use crate::common::provider;
use crate::realm::realm;
use crate::{BEGIN, HOUR, config, reason, reference, second};

const PREPAID: i64 = 2_000;
const AMOUNT: i64 = 500;

/// What the gateway does about a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Gives,
    /// Our own account has too little money.
    IsShort,
    Refuses,
}

/// What becomes of a request and its answer.
#[derive(Clone, Copy, Debug)]
enum Way {
    Answered,
    AnswerLost,
    /// The sender crashed, so that it records nothing.
    Crashed,
    RequestLost,
    /// It arrives so many seconds later.
    Late(i64),
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Send(Does, Way),
    Query {
        is_lost: bool,
    },
    /// A row of the day's bill, if money was given back; of the right amount or another.
    Bill {
        right: bool,
    },
    Report,
    Acknowledge,
    Wait(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Due,
    Sending,
    Confirming,
    Done,
    Refused,
    Acknowledged,
}

#[derive(Clone, Debug)]
struct Model {
    now: i64,
    at: At,
    /// Whether the gateway gave the money back.
    is_given: bool,
    /// Requests on their way: when each arrives, and what the gateway does then.
    late: Vec<(i64, Does)>,
    /// When the requests were sent that nobody answered.
    unanswered: Vec<i64>,
    /// What the sender receives for its request, and for its query.
    answer: Option<Does>,
    is_found: bool,
    is_refused: bool,
}

const QUARTER: i64 = 15 * 60;

impl Model {
    fn arrives(&mut self, does: Does) -> Does {
        let does = if self.is_given { Does::Gives } else { does };
        self.is_given |= does == Does::Gives;
        does
    }

    fn send(&mut self, does: Does, way: Way) {
        self.answer = None;
        self.at = At::Sending;
        self.unanswered.push(self.now);
        match way {
            Way::Answered => {
                let told = self.arrives(does);
                self.answer = Some(told);
                self.unanswered.pop();
                self.at = match told {
                    Does::Gives => At::Done,
                    Does::IsShort => At::Due,
                    Does::Refuses => At::Confirming,
                };
            }
            Way::AnswerLost | Way::Crashed => {
                self.arrives(does);
            }
            Way::RequestLost => {}
            Way::Late(seconds) => self.late.push((self.now + seconds, does)),
        }
    }

    fn query(&mut self, is_lost: bool) {
        let is_quiet = self.unanswered.iter().all(|sent| self.now - sent >= QUARTER);
        self.is_found = self.is_given;
        if is_lost {
            return;
        }
        self.at = match self.at {
            At::Sending | At::Confirming if self.is_given => At::Done,
            At::Sending => At::Due,
            At::Confirming if is_quiet => At::Refused,
            at @ (At::Due | At::Confirming | At::Done | At::Refused | At::Acknowledged) => at,
        };
    }

    fn wait(&mut self, seconds: i64) {
        self.now += seconds;
        let now = self.now;
        let (mut arrived, late): (Vec<_>, Vec<_>) =
            self.late.drain(..).partition(|(at, _)| *at <= now);
        self.late = late;
        arrived.sort_by_key(|(at, _)| *at);
        for (_, does) in arrived {
            self.arrives(does);
        }
    }

    fn has_ended(&self) -> bool {
        matches!(self.at, At::Done | At::Refused | At::Acknowledged)
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model {
            now: BEGIN,
            at: At::Due,
            is_given: false,
            late: Vec::new(),
            unanswered: Vec::new(),
            answer: None,
            is_found: false,
            is_refused: false,
        })
        .boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Act> {
        let does = prop_oneof![
            1 => Just(Does::Gives), 2 => Just(Does::IsShort), 3 => Just(Does::Refuses)
        ];
        let way = prop_oneof![
            3 => Just(Way::Answered),
            1 => Just(Way::AnswerLost),
            1 => Just(Way::Crashed),
            1 => Just(Way::RequestLost),
            4 => (1..QUARTER).prop_map(Way::Late),
        ];
        let sends = (does, way).prop_map(|(does, way)| Act::Send(does, way));
        let queries = prop::bool::weighted(0.2).prop_map(|is_lost| Act::Query { is_lost });
        let bills = any::<bool>().prop_map(|right| Act::Bill { right });
        let next = match model.at {
            At::Due => sends.boxed(),
            At::Sending | At::Confirming => queries.boxed(),
            At::Done | At::Refused | At::Acknowledged => bills.clone().boxed(),
        };
        prop_oneof![
            8 => next,
            1 => bills,
            1 => Just(Act::Report),
            1 => Just(Act::Acknowledge),
            3 => (0_i64..300).prop_map(Act::Wait),
            2 => (0_i64..2 * HOUR).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, act: &Act) -> bool {
        match act {
            Act::Send(..) => model.at == At::Due,
            Act::Query { .. } => matches!(model.at, At::Sending | At::Confirming),
            // A bill shows what the gateway did.
            Act::Bill { .. } => model.is_given,
            Act::Report | Act::Acknowledge | Act::Wait(_) => true,
        }
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.is_refused = false;
        match *act {
            Act::Send(does, way) => model.send(does, way),
            Act::Query { is_lost } => model.query(is_lost),
            Act::Bill { right: false } => model.is_refused = true,
            Act::Bill { right: true } => {
                assert!(!matches!(model.at, At::Refused | At::Acknowledged), "it was given back");
                model.at = At::Done;
            }
            Act::Report | Act::Acknowledge
                if !matches!(model.at, At::Refused | At::Acknowledged) =>
            {
                model.is_refused = true;
            }
            Act::Report => {}
            Act::Acknowledge => model.at = At::Acknowledged,
            Act::Wait(seconds) => model.wait(seconds),
        }
        model
    }
}

struct Till {
    account: Account,
    refund: Refund,
    /// What each of these ledgers sums to.
    alipay: i64,
    refunding: i64,
}

impl Till {
    fn keep(&mut self, moved: Movement) {
        let entry = moved.entry.unwrap();
        self.alipay += entry.moved(Ledger::Alipay).unwrap().get();
        self.refunding += entry.moved(Ledger::Refunding).unwrap().get();
        self.account = moved.account;
    }

    /// Stores the refund after a step, with what its end does to the account.
    fn step(&mut self, after: Refund, now: i64) {
        let has_ended = |refund: &Refund| {
            matches!(refund.phase, RefundPhase::Done | RefundPhase::Refused { .. })
        };
        if !has_ended(&self.refund) && has_ended(&after) {
            let is_done = after.phase == RefundPhase::Done;
            self.keep(if is_done {
                self.account.refund_done(&after, second(now)).unwrap()
            } else {
                self.account.refund_refused(&after, second(now)).unwrap()
            });
        }
        self.refund = after;
    }

    fn send(&mut self, way: Way, model: &Model) {
        let now = second(model.now);
        let sending = self.refund.sending(now).unwrap();
        let code = || GatewayCode("ACQ.SOME_CODE".to_owned());
        let heard = match (way, model.answer) {
            (Way::Crashed, _) => sending,
            (_, Some(Does::Gives)) => {
                let total_fen = Fen::new(AMOUNT);
                sending.after_refund(RefundAnswer::Refunded { total_fen }, now).unwrap()
            }
            (_, Some(Does::IsShort)) => {
                sending.after_refund(RefundAnswer::OwnAccount(code()), now).unwrap()
            }
            (_, Some(Does::Refuses)) => {
                sending.after_refund(RefundAnswer::Refused(code()), now).unwrap()
            }
            (_, None) => sending.after_refund(RefundAnswer::InDoubt(doubt()), now).unwrap(),
        };
        self.step(heard, model.now);
    }
}

fn doubt() -> Doubt {
    Doubt("no answer in 10 s".to_owned())
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Till;
    type Reference = Model;

    fn init_test(_: &Model) -> Till {
        let (shop, now) = (provider().provider, second(BEGIN));
        let of = TradeOf::Recharge(RechargeId(1));
        let number = RefundRef {
            out_trade_no: TradeNumber::new(&realm(), &shop, of).out_trade_no(),
            out_request_no: OutRequestNo::parse("F1").unwrap(),
        };
        let refund = Refund::ask(&shop, number, of, Fen::new(AMOUNT), reason(), now);
        let account = Account::new(&provider());
        let paid = account.recharge(Fen::new(PREPAID), reference(), now).unwrap();
        let mut till = Till { account: paid.account, refund, alipay: 0, refunding: 0 };
        till.keep(till.account.refund_asked(&till.refund, now).unwrap());
        till
    }

    fn apply(mut till: Till, model: &Model, act: Act) -> Till {
        let now = second(model.now);
        match act {
            Act::Send(_, way) => till.send(way, model),
            Act::Query { is_lost } => {
                let answer = match (is_lost, model.is_found) {
                    (true, _) => RefundQueryAnswer::InDoubt(doubt()),
                    (false, true) => RefundQueryAnswer::Refunded { amount_fen: Fen::new(AMOUNT) },
                    (false, false) => RefundQueryAnswer::NotRefunded,
                };
                till.step(till.refund.after_query(answer, now).unwrap(), model.now);
            }
            Act::Bill { right } => {
                let amount = Fen::new(if right { AMOUNT } else { AMOUNT + 1 });
                match till.refund.after_proof(amount, now) {
                    Outcome::Changed(done) => till.step(done, model.now),
                    Outcome::Unchanged => assert!(right),
                    Outcome::Contradicts => assert!(!right, "{:?}", till.refund),
                }
            }
            Act::Report => match till.refund.reported(now) {
                Ok(reported) => till.refund = reported,
                Err(_) => assert!(model.is_refused),
            },
            Act::Acknowledge => match till.refund.acknowledged(reason()) {
                Ok(acknowledged) => till.refund = acknowledged,
                Err(_) => assert!(model.is_refused),
            },
            Act::Wait(_) => {}
        }
        till
    }

    fn check_invariants(till: &Till, model: &Model) {
        let refund = &till.refund;
        let at = match &refund.phase {
            RefundPhase::Due => At::Due,
            RefundPhase::Sending => At::Sending,
            RefundPhase::Confirming { .. } => At::Confirming,
            RefundPhase::Done => At::Done,
            RefundPhase::Refused { acknowledged: None, .. } => At::Refused,
            RefundPhase::Refused { acknowledged: Some(_), .. } => At::Acknowledged,
        };
        assert_eq!(at, model.at, "{refund:?}");
        let (prepaid, alipay, refunding) = match at {
            At::Due | At::Sending | At::Confirming => (PREPAID - AMOUNT, 0, -AMOUNT),
            At::Done => (PREPAID - AMOUNT, -AMOUNT, 0),
            At::Refused | At::Acknowledged => (PREPAID, 0, 0),
        };
        let figures = till.account.figures;
        assert_eq!(
            (figures.prepaid().get(), till.alipay, till.refunding),
            (prepaid, alipay, refunding)
        );
        if model.has_ended() {
            let will_give = model.late.iter().any(|(_, does)| *does == Does::Gives);
            let is_given = model.is_given || will_give;
            assert_eq!(is_given, at == At::Done, "the books say what the gateway did");
        }
        // Nothing is stuck: a step is due until it has ended and a person knows of it.
        let is_at_rest = matches!(at, At::Done | At::Acknowledged);
        assert_eq!(refund.due_at().is_none(), is_at_rest);
        let due = refund.due_at().unwrap_or(second(model.now));
        assert_eq!(refund.next_step(due) == RefundStep::Wait, is_at_rest);
        let latest = second(model.now + 24 * HOUR);
        assert!(due <= latest, "{refund:?}");
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn refund_says_what_the_gateway_gave_back(sequential 1..50 => Test);
}
