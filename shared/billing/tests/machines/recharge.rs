//! The recharge: paid once at most, by exactly its amount, however late that becomes known.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use steelyard_billing::{
    Account, Doubt, Ledger, Outcome, Payment, QueryAnswer, Recharge, RechargePhase,
    RechargePurpose, Trade,
};
use steelyard_pricing::Fen;

use crate::common::{provider, rules};
use crate::realm::realm;
use crate::{BEGIN, HOUR, config, second};

const AMOUNT: i64 = 500;

#[derive(Clone, Copy, Debug)]
enum Query {
    Pending,
    Closed,
    NotFound,
    Doubt,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// The payer pays at the gateway.
    Pays,
    /// A notification, a query or a bill says that so much was paid by a trade.
    Proof {
        trade: u8,
        right: bool,
    },
    /// The answer to a query that brings no payment.
    Query(Query),
    Wait(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Offered,
    Paid(u8),
    Lapsed,
}

#[derive(Clone, Debug)]
struct Model {
    now: i64,
    purpose: RechargePurpose,
    at: At,
    is_refused: bool,
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        let purposes = vec![RechargePurpose::Prepaid, RechargePurpose::Deposit];
        prop::sample::select(purposes)
            .prop_map(|purpose| Model { now: BEGIN, purpose, at: At::Offered, is_refused: false })
            .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Act> {
        let answers = vec![Query::Pending, Query::Closed, Query::NotFound, Query::Doubt];
        prop_oneof![
            1 => Just(Act::Pays),
            1 => (1_u8..3, any::<bool>()).prop_map(|(trade, right)| Act::Proof { trade, right }),
            3 => prop::sample::select(answers).prop_map(Act::Query),
            3 => (60_i64..20 * HOUR).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.is_refused = false;
        let is_over = model.now >= BEGIN + 24 * HOUR;
        match (act, model.at) {
            (Act::Wait(seconds), _) => model.now += seconds,
            (Act::Pays, At::Offered | At::Lapsed) => model.at = At::Paid(1),
            (Act::Proof { trade, right: true }, At::Offered | At::Lapsed) => {
                model.at = At::Paid(*trade);
            }
            (Act::Pays, At::Paid(known)) => model.is_refused = known != 1,
            (Act::Proof { trade, right: true }, At::Paid(known)) => {
                model.is_refused = known != *trade;
            }
            (Act::Proof { right: false, .. }, _) => model.is_refused = true,
            (Act::Query(Query::Closed), At::Offered) => model.at = At::Lapsed,
            (Act::Query(Query::NotFound), At::Offered) if is_over => model.at = At::Lapsed,
            (Act::Query(_), At::Offered | At::Paid(_) | At::Lapsed) => {}
        }
        model
    }
}

struct Till {
    recharge: Recharge,
    account: Account,
    /// What the journal says that Alipay took.
    taken: i64,
}

impl Till {
    /// Books proof as the shell does; false if it contradicts what is recorded.
    fn prove(&mut self, payment: &Payment, now: i64) -> bool {
        let trade = Trade::Recharge(self.recharge.clone());
        match trade.after_proof(payment, second(now)) {
            Outcome::Changed(paid) => {
                let moved = paid.paid(payment, &self.account, None, &rules(), second(now)).unwrap();
                let entry = moved.entry.unwrap();
                self.taken += entry.moved(Ledger::Alipay).unwrap().get();
                self.account = moved.account;
                let Trade::Recharge(recharge) = paid else { unreachable!("it is a recharge") };
                self.recharge = recharge;
                true
            }
            Outcome::Unchanged => true,
            Outcome::Contradicts => false,
        }
    }
}

fn payment(trade: u8, right: bool) -> Payment {
    let amount_fen = Fen::new(if right { AMOUNT } else { AMOUNT - 1 });
    Payment { trade_no: format!("201505172100{trade}"), amount_fen }
}

fn query_answer(answer: Query) -> QueryAnswer {
    match answer {
        Query::Pending => QueryAnswer::Pending,
        Query::Closed => QueryAnswer::Closed,
        Query::NotFound => QueryAnswer::NotFound,
        Query::Doubt => QueryAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())),
    }
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Till;
    type Reference = Model;

    fn init_test(model: &Model) -> Till {
        let account = Account::new(&provider());
        let offered = account.offer_recharge(&realm(), Fen::new(AMOUNT), second(BEGIN));
        let (recharge, moved) = offered.unwrap();
        let recharge = recharge.for_purpose(model.purpose);
        Till { recharge, account: moved.account, taken: 0 }
    }

    fn apply(mut till: Till, model: &Model, act: Act) -> Till {
        let proof = match act {
            Act::Pays => payment(1, true),
            Act::Proof { trade, right } => payment(trade, right),
            Act::Query(answer) => {
                till.recharge = till.recharge.after_query(&query_answer(answer), second(model.now));
                return till;
            }
            Act::Wait(_) => return till,
        };
        assert_eq!(till.prove(&proof, model.now), !model.is_refused, "{act:?}");
        till
    }

    fn check_invariants(till: &Till, model: &Model) {
        let at = match &till.recharge.phase {
            RechargePhase::Offered => At::Offered,
            RechargePhase::Lapsed => At::Lapsed,
            RechargePhase::Paid { trade_no } => {
                At::Paid(if trade_no.ends_with('1') { 1 } else { 2 })
            }
        };
        assert_eq!(at, model.at);
        let held = if matches!(at, At::Paid(_)) { AMOUNT } else { 0 };
        assert_eq!(till.taken, held, "it is booked once");
        let figures = till.account.figures;
        let [prepaid, deposit] = match model.purpose {
            RechargePurpose::Prepaid => [held, 0],
            RechargePurpose::Deposit => [0, held],
        };
        assert_eq!([figures.prepaid().get(), figures.deposit().get()], [prepaid, deposit]);
        // What can still be paid is asked about again, within an hour of its last query.
        assert_eq!(till.recharge.due_at().is_some(), at == At::Offered);
        let latest = second(model.now + HOUR);
        assert!(till.recharge.due_at().is_none_or(|due| due <= latest));
        // A way out: the day is over, and the gateway knows nothing of it.
        let lapsed = till.recharge.after_query(&QueryAnswer::NotFound, till.recharge.lapses_at());
        assert_eq!(lapsed.due_at(), None);
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn recharge_is_booked_once_by_whatever_proves_it(sequential 1..30 => Test);
}
