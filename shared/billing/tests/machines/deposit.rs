//! The deposit: announced before it is due, drawn for what is owed and for nothing else, and
//! returned.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::json;
use steelyard_billing::{
    Account, AccountError, DrawReason, GatewayCode, Ledger, Movement, OutRequestNo, PayAnswer,
    QueryAnswer, RechargeId, RefundRef, StatementId, TradeNumber, TradeOf,
};
use steelyard_pricing::{BillingDay, Deposit, Fen};

use crate::common::{mandate, provider, rules};
use crate::debits::sending;
use crate::realm::realm;
use crate::{BEGIN, config, reference, second, shanghai_day, shanghai_hour};

/// What the terms require, in fen and days, and from a later day on.
#[derive(Clone, Copy, Debug)]
struct Terms {
    amount: i64,
    due_days: i64,
    top_up_days: i64,
    by_rule: bool,
    /// In so many days another amount.
    later: Option<(i64, i64)>,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Terms(Terms),
    /// The settlement run, so many days later.
    Night(i64),
    Pay(i64),
    Charge(i64),
    /// A debit for all that is owed is given up.
    Default,
    PayDebt(i64),
    /// A person draws so much at most.
    Draw(i64),
    /// So much is to be sent back by a transfer.
    Return(i64),
    /// Alipay gives a payment of it back though nobody asked.
    Reversed(i64),
}

/// An amount that was announced: from when on, how much, and the last day on which it can be paid
/// in time.
type Demand = (i64, i64, i64);

#[derive(Clone, Debug)]
struct Model {
    today: i64,
    terms: Terms,
    /// From when on the later amount is wanted.
    later_from: i64,
    demands: Vec<Demand>,
    held: i64,
    owed: i64,
    prepaid: i64,
    given_up: i64,
    /// What was drawn and not topped up since, and until when it is to be.
    drawn: i64,
    top_up_due: i64,
    /// The terms that the last run noted: days to top up, and whether it draws by rule.
    noted: (i64, bool),
    is_refused: bool,
}

impl Model {
    fn required(&self) -> i64 {
        let begun = self.demands.iter().filter(|(from, ..)| *from <= self.today);
        begun.map(|(_, amount, _)| *amount).max().unwrap_or(0)
    }

    /// The last day on which the first fen above a height can be paid in time.
    fn due_above(&self, height: i64) -> Option<i64> {
        let begun = self.demands.iter().filter(|(from, ..)| *from <= self.today);
        begun.filter(|(_, amount, _)| *amount > height).map(|(.., due)| *due).next()
    }

    /// The earliest day on which something is due: what was missing before a draw keeps its day,
    /// and what was drawn has its own.
    fn due(&self) -> Option<i64> {
        let before = self.due_above(self.held + self.drawn);
        let drawn = self.due_above(self.held).filter(|_| self.drawn > 0);
        let drawn = drawn.map(|due| due.max(self.top_up_due));
        [before, drawn].into_iter().flatten().min()
    }

    /// A higher amount is due some days after its announcement or its first day, a lower one holds
    /// at once, and what was announced keeps its day.
    fn announce(&mut self) {
        let Terms { amount, due_days, top_up_days, by_rule, later } = self.terms;
        if later.is_some() && self.later_from <= self.today {
            self.terms.amount = later.map_or(amount, |(_, amount)| amount);
            self.terms.later = None;
            return self.announce();
        }
        let known = std::mem::take(&mut self.demands);
        let highest = |demands: &[Demand]| demands.last().map_or(0, |(_, amount, _)| *amount);
        for (from, was, due) in known.iter().filter(|(from, ..)| *from <= self.today) {
            if (*was).min(amount) > highest(&self.demands) {
                self.demands.push((*from, (*was).min(amount), *due));
            }
        }
        let wanted = [Some((self.today, amount)), later.map(|(_, more)| (self.later_from, more))];
        for (from, amount) in wanted.into_iter().flatten() {
            if amount > highest(&self.demands) {
                let same = known.iter().find(|(of, was, _)| (*of, *was) == (from, amount));
                let due = same.map_or(from + due_days, |(.., due)| *due);
                self.demands.push((from, amount, due));
            }
        }
        self.noted = if amount > 0 { (top_up_days, by_rule) } else { (0, false) };
        if amount == 0 {
            self.drawn = 0;
        }
    }

    fn draw(&mut self, most: i64) {
        let fen = most.min(self.owed).min(self.held);
        self.is_refused = fen == 0;
        if fen > 0 {
            self.held -= fen;
            self.owed -= fen;
            self.given_up = (self.given_up - fen).max(0);
            (self.drawn, self.top_up_due) = (self.drawn + fen, self.today + self.noted.0);
        }
    }

    fn pay_debt(&mut self, fen: i64) {
        let pays = fen.min(self.owed);
        self.owed -= pays;
        self.prepaid += fen - pays;
        self.given_up = (self.given_up - pays).max(0);
    }

    fn owe(&mut self, fen: i64) {
        let from_prepaid = fen.min(self.prepaid);
        self.prepaid -= from_prepaid;
        self.owed += fen - from_prepaid;
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        terms()
            .prop_map(|terms| {
                let today = shanghai_day(BEGIN);
                Model {
                    today,
                    terms,
                    later_from: today + terms.later.map_or(0, |(days, _)| days),
                    demands: Vec::new(),
                    held: 0,
                    owed: 0,
                    prepaid: 0,
                    given_up: 0,
                    drawn: 0,
                    top_up_due: 0,
                    noted: (0, false),
                    is_refused: false,
                }
            })
            .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Act> {
        let fen = || prop_oneof![1_i64..100, 1_i64..900];
        prop_oneof![
            2 => terms().prop_map(Act::Terms),
            6 => (1_i64..6).prop_map(Act::Night),
            4 => fen().prop_map(Act::Pay),
            3 => fen().prop_map(Act::Charge),
            2 => Just(Act::Default),
            1 => fen().prop_map(Act::PayDebt),
            2 => fen().prop_map(Act::Draw),
            2 => fen().prop_map(Act::Return),
            1 => fen().prop_map(Act::Reversed),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, act: &Act) -> bool {
        match act {
            Act::Default => model.owed > 0,
            Act::Terms(_)
            | Act::Night(_)
            | Act::Pay(_)
            | Act::Charge(_)
            | Act::PayDebt(_)
            | Act::Draw(_)
            | Act::Return(_)
            | Act::Reversed(_) => true,
        }
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.is_refused = false;
        match *act {
            Act::Terms(terms) => {
                model.later_from = model.today + terms.later.map_or(0, |(days, _)| days);
                model.terms = terms;
            }
            Act::Night(days) => {
                model.today += days;
                model.announce();
                if model.noted.1 && model.given_up.min(model.owed).min(model.held) > 0 {
                    model.draw(model.given_up);
                }
            }
            Act::Pay(fen) => {
                model.held += fen;
                let is_whole = model.demands.iter().all(|(_, amount, _)| *amount <= model.held);
                model.drawn = if is_whole { 0 } else { (model.drawn - fen).max(0) };
            }
            Act::Charge(fen) => model.owe(fen),
            Act::Default => model.given_up = model.owed,
            Act::PayDebt(fen) => model.pay_debt(fen),
            Act::Draw(fen) => model.draw(fen),
            Act::Return(fen) => {
                model.is_refused = model.held <= model.owed || fen > model.held - model.owed;
                if !model.is_refused {
                    if model.owed > 0 {
                        model.draw(model.owed);
                    }
                    model.held -= fen;
                }
            }
            Act::Reversed(fen) => {
                let from_deposit = fen.min(model.held);
                model.held -= from_deposit;
                model.owe(fen - from_deposit);
            }
        }
        model
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let amount = || prop::sample::select(vec![0_i64, 200, 500, 800]);
    let later = prop::option::of((1_i64..12, amount()));
    (amount(), 0_i64..9, 0_i64..9, any::<bool>(), later).prop_map(
        |(amount, due_days, top_up_days, by_rule, later)| Terms {
            amount,
            due_days,
            top_up_days,
            by_rule,
            later,
        },
    )
}

struct Shop {
    account: Account,
    /// What the journal's ledger of the deposit, and that of charges, sum to.
    deposit: i64,
    charged: i64,
}

fn day(number: i64) -> BillingDay {
    rules().calendar.day_of(second(shanghai_hour(number, 12))).unwrap()
}

impl Shop {
    fn keep(&mut self, moved: Movement) {
        let moved_on =
            |ledger| moved.entry.as_ref().map_or(0, |entry| entry.moved(ledger).unwrap().get());
        self.deposit += moved_on(Ledger::Deposit);
        self.charged += moved_on(Ledger::Revenue);
        self.account = moved.account;
    }

    fn default(&mut self, today: i64, now: jiff::Timestamp) {
        let owed = self.account.figures.unreserved().unwrap();
        let in_use = mandate();
        let open = self.account.requesting(Some(&in_use), &rules_of_a_fen(), now).unwrap();
        let open = open.unwrap();
        let sent = sending(&open.opened.clone().unwrap(), owed, now);
        self.keep(open);
        self.keep(self.account.debit_sent(&sent, None, now).unwrap());
        let drawn = self.account.draw_deposit(None, DrawReason::Decided, day(today), now);
        assert!(matches!(drawn, Err(AccountError::NothingToDraw { .. })), "a debit collects it");
        let dead = PayAnswer::MandateDead(GatewayCode("X".to_owned()));
        let dead = sent.after_pay(dead, &rules(), now).unwrap();
        let given_up = dead.after_query(QueryAnswer::Closed, now).unwrap();
        self.keep(self.account.end_debit(&given_up, None, &rules(), now).unwrap());
        // What was given up may be requested again, as after another mandate.
        self.account.last_request = None;
    }

    fn night(&mut self, model: &Model, now: jiff::Timestamp) {
        let Terms { amount, due_days, top_up_days, by_rule, later } = model.terms;
        let deposit = |fen: i64| -> Option<Deposit> {
            let terms = json!({
                "amount": Fen::new(fen).to_string(), "due_after_days": due_days,
                "top_up_after_days": top_up_days, "drawn_by_rule": by_rule,
            });
            (fen > 0).then(|| serde_json::from_value(terms).unwrap())
        };
        let today = day(model.today);
        let mut wanted = vec![(today, deposit(amount))];
        wanted.extend(later.map(|(_, fen)| (day(model.later_from), deposit(fen))));
        self.account.deposit = self.account.deposit.announced(&wanted, today).unwrap();
        if let Some(drawn) = self.account.draw_given_up(today, now).unwrap() {
            self.keep(drawn);
        }
    }
}

/// Debits of a fen are worth it.
fn rules_of_a_fen() -> steelyard_billing::DebitRules {
    steelyard_billing::DebitRules { minimum_fen: Fen::new(1), ..rules() }
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Shop;
    type Reference = Model;

    fn init_test(_: &Model) -> Shop {
        Shop { account: Account::new(&provider()), deposit: 0, charged: 0 }
    }

    fn apply(mut shop: Shop, model: &Model, act: Act) -> Shop {
        let (now, today) = (second(shanghai_hour(model.today, 1)), day(model.today));
        let account = shop.account.clone();
        let moved = match act {
            Act::Terms(_) => return shop,
            Act::Night(_) => {
                shop.night(model, now);
                return shop;
            }
            Act::Default => {
                shop.default(model.today, now);
                return shop;
            }
            Act::Pay(fen) => account.deposit_transferred(Fen::new(fen), reference(), now),
            Act::Charge(fen) => {
                let statement: StatementId = "2015-05-17".parse().unwrap();
                account.charge(statement, Fen::new(fen), now)
            }
            Act::PayDebt(fen) => account.recharge(Fen::new(fen), reference(), now),
            Act::Draw(fen) => {
                account.draw_deposit(Some(Fen::new(fen)), DrawReason::Decided, today, now)
            }
            Act::Return(fen) => {
                let sent = account.deposit_sent_back(Fen::new(fen), reference(), &[], today, now);
                assert_eq!(sent.is_err(), model.is_refused, "{sent:?}");
                sent.into_iter().flatten().for_each(|moved| shop.keep(moved));
                return shop;
            }
            Act::Reversed(fen) => {
                let of = TradeOf::Recharge(RechargeId(1));
                let number = RefundRef {
                    out_trade_no: TradeNumber::new(&realm(), &account.provider, of).out_trade_no(),
                    out_request_no: OutRequestNo::parse("B1").unwrap(),
                };
                account.deposit_reversed(number, Fen::new(fen), now)
            }
        };
        assert_eq!(moved.is_err(), model.is_refused, "{act:?}: {moved:?}");
        moved.into_iter().for_each(|moved| shop.keep(moved));
        shop
    }

    fn check_invariants(shop: &Shop, model: &Model) {
        let Account { figures, deposit, given_up_fen, .. } = &shop.account;
        let stand =
            [figures.deposit(), figures.receivable(), figures.prepaid(), given_up_fen.unwrap()];
        assert_eq!(stand.map(Fen::get), [model.held, model.owed, model.prepaid, model.given_up]);
        assert_eq!(figures.reserved(), Fen::ZERO);
        assert_eq!(shop.deposit, -model.held, "the journal explains what is held");
        let state = deposit.state(figures.deposit(), day(model.today)).unwrap();
        let (required, held) = (model.required(), model.held);
        let told = [state.required_fen, state.shortfall_fen, state.excess_fen].map(Fen::get);
        assert_eq!(told, [required, (required - held).max(0), (held - required).max(0)]);
        assert_eq!(state.due_on, model.due().map(day), "{model:?} {:?}", shop.account.deposit);
        assert_eq!(state.is_overdue, model.due().is_some_and(|due| due < model.today));
        assert_eq!(state.due_on.is_some(), held < required, "what is missing has a day");
        // A way out: what is missing is paid, and then nothing is due; or all of it is returned.
        let (now, today) = (second(shanghai_hour(model.today, 1)), day(model.today));
        let missing = state.shortfall_fen;
        if missing.is_positive() {
            let paid = shop.account.deposit_transferred(missing, reference(), now).unwrap();
            let account = paid.account;
            let state = account.deposit.state(account.figures.deposit(), today).unwrap();
            assert_eq!((state.shortfall_fen, state.due_on), (Fen::ZERO, None));
        }
        let left = Fen::new(held - model.owed);
        if left.is_positive() {
            let sent = shop.account.deposit_sent_back(left, reference(), &[], today, now);
            let figures = sent.unwrap().last().unwrap().account.figures;
            assert_eq!((figures.deposit(), figures.receivable()), (Fen::ZERO, Fen::ZERO));
        }
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn deposit_is_due_and_used_as_its_model_says(sequential 1..60 => Test);
}
