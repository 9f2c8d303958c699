//! The account: money comes in, is charged, collected and given back, and none of it is lost.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    Account, AccountError, Agreement, Collectable, Debit, DebitId, Entry, Figures, GatewayCode,
    Ledger, Mandate, MandateId, Movement, OutRequestNo, PayAnswer, Payment, QueryAnswer, Refund,
    RefundRef, StatementId, TradeNumber, TradeOf,
};
use steelyard_pricing::Fen;

use crate::common::{mandate, provider, rules};
use crate::debits::sending;
use crate::realm::realm;
use crate::{BEGIN, HOUR, config, reason, reference, second, shanghai_day};

/// The moves of the model, in fen.
#[derive(Clone, Debug)]
enum Act {
    Charge(i64),
    Credit(i64),
    /// A bank transfer.
    PayIn(i64),
    /// The daily run.
    Request,
    Send,
    Paid,
    GivenUp,
    /// A payment of an attempt that was thought dead.
    Found(i64),
    /// A person gives back: as a gift, or of what is prepaid.
    Refund {
        gift: bool,
        fen: i64,
    },
    RefundDone,
    RefundRefused,
    Reversed(i64),
    Wait(i64),
}

/// The debit of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    None,
    Intent,
    /// Sent on a day, for an amount.
    Sent {
        day: i64,
        fen: i64,
    },
}

/// A provider's money as the documents describe it.
#[derive(Clone, Debug)]
struct Money {
    now: i64,
    prepaid: i64,
    /// Each unpaid charge: when it was charged, and what of it is owed. The oldest first.
    unpaid: Vec<(i64, i64)>,
    open: Open,
    /// Whether nothing moved since the last debit was sent.
    is_as_requested: bool,
    given_up: i64,
    /// What debits took that were sent on a day.
    taken: (i64, i64),
    refunds: Vec<(bool, i64)>,
    /// What each ledger sums to.
    ledgers: BTreeMap<Ledger, i64>,
    is_refused: bool,
}

const MINIMUM: i64 = 100;
const SINGLE: i64 = 10_000;
const DAILY: i64 = 15_000;

impl Money {
    fn owed(&self) -> i64 {
        self.unpaid.iter().map(|(_, fen)| fen).sum()
    }

    fn reserved(&self) -> i64 {
        if let Open::Sent { fen, .. } = self.open { fen } else { 0 }
    }

    fn unreserved(&self) -> i64 {
        self.owed() - self.reserved()
    }

    fn post(&mut self, ledger: Ledger, fen: i64) {
        *self.ledgers.entry(ledger).or_default() += fen;
    }

    /// The provider owes more; what is prepaid pays first.
    fn owe(&mut self, fen: i64) {
        let from_prepaid = fen.min(self.prepaid);
        self.prepaid -= from_prepaid;
        if fen > from_prepaid {
            self.unpaid.push((self.now, fen - from_prepaid));
        }
        self.is_as_requested = false;
    }

    /// Something pays, the oldest charge first.
    fn pay(&mut self, fen: i64) {
        let mut left = fen;
        for (_, owed) in &mut self.unpaid {
            let paid = left.min(*owed);
            *owed -= paid;
            left -= paid;
        }
        assert_eq!(left, 0, "the model pays no more than is owed");
        self.unpaid.retain(|(_, fen)| *fen > 0);
    }

    /// Money comes in: it pays what no debit is collecting, and the rest is prepaid.
    fn take_in(&mut self, fen: i64) {
        let pays = fen.min(self.unreserved());
        self.pay(pays);
        self.prepaid += fen - pays;
        self.given_up = (self.given_up - pays).max(0);
        self.is_as_requested = false;
    }

    fn request(&mut self) {
        let is_possible = self.unreserved().min(SINGLE) >= MINIMUM;
        if self.open == Open::None && is_possible && !self.is_as_requested {
            self.open = Open::Intent;
        }
    }

    fn send(&mut self) {
        let day = shanghai_day(self.now);
        let taken = if self.taken.0 == day { self.taken.1 } else { 0 };
        let single = self.unreserved().min(SINGLE);
        if single < MINIMUM {
            self.open = Open::None;
        } else if single.min(DAILY - taken) >= MINIMUM {
            let fen = single.min(DAILY - taken);
            self.open = Open::Sent { day, fen };
            self.given_up = (self.given_up - fen).max(0);
            self.is_as_requested = true;
        }
    }

    fn end(&mut self, is_paid: bool) {
        let Open::Sent { day, fen } = self.open else { unreachable!("it was sent") };
        if is_paid {
            self.post(Ledger::Alipay, fen);
            self.pay(fen);
            let before = if self.taken.0 == day { self.taken.1 } else { 0 };
            (self.taken, self.is_as_requested) = ((day, before + fen), false);
            self.open = Open::None;
            self.request();
        } else {
            let from_prepaid = fen.min(self.prepaid);
            self.prepaid -= from_prepaid;
            self.pay(from_prepaid);
            self.given_up += fen - from_prepaid;
            self.open = Open::None;
        }
    }

    fn refund(&mut self, gift: bool, fen: i64) {
        self.is_refused = !gift && fen > self.prepaid;
        if self.is_refused {
            return;
        }
        if gift {
            self.post(Ledger::Goodwill, fen);
        } else {
            self.prepaid -= fen;
        }
        self.post(Ledger::Refunding, -fen);
        self.refunds.push((gift, fen));
        self.is_as_requested = false;
    }

    fn end_refund(&mut self, is_done: bool) {
        let (gift, fen) = self.refunds.pop().unwrap();
        self.post(Ledger::Refunding, fen);
        self.is_as_requested = false;
        match (is_done, gift) {
            (true, _) => self.post(Ledger::Alipay, -fen),
            (false, true) => self.post(Ledger::Goodwill, -fen),
            (false, false) => self.take_in(fen),
        }
    }
}

impl ReferenceStateMachine for Money {
    type State = Money;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Money> {
        Just(Money {
            now: BEGIN,
            prepaid: 0,
            unpaid: Vec::new(),
            open: Open::None,
            is_as_requested: false,
            given_up: 0,
            taken: (0, 0),
            refunds: Vec::new(),
            ledgers: BTreeMap::new(),
            is_refused: false,
        })
        .boxed()
    }

    fn transitions(_: &Money) -> BoxedStrategy<Act> {
        let fen = || prop_oneof![1_i64..300, 1_i64..20_000];
        prop_oneof![
            5 => fen().prop_map(Act::Charge),
            1 => fen().prop_map(Act::Credit),
            2 => fen().prop_map(Act::PayIn),
            3 => Just(Act::Request),
            6 => Just(Act::Send),
            3 => Just(Act::Paid),
            2 => Just(Act::GivenUp),
            1 => fen().prop_map(Act::Found),
            2 => (any::<bool>(), fen()).prop_map(|(gift, fen)| Act::Refund { gift, fen }),
            1 => Just(Act::RefundDone),
            1 => Just(Act::RefundRefused),
            1 => fen().prop_map(Act::Reversed),
            3 => (1_i64..20).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn preconditions(money: &Money, act: &Act) -> bool {
        match act {
            Act::Send => money.open == Open::Intent,
            Act::Paid | Act::GivenUp => matches!(money.open, Open::Sent { .. }),
            Act::RefundDone | Act::RefundRefused => !money.refunds.is_empty(),
            Act::Charge(_)
            | Act::Credit(_)
            | Act::PayIn(_)
            | Act::Request
            | Act::Found(_)
            | Act::Refund { .. }
            | Act::Reversed(_)
            | Act::Wait(_) => true,
        }
    }

    fn apply(mut money: Money, act: &Act) -> Money {
        (money.now, money.is_refused) = (money.now + 1, false);
        match act {
            Act::Charge(fen) => {
                money.post(Ledger::Revenue, -fen);
                money.owe(*fen);
                money.request();
            }
            Act::Credit(fen) => {
                money.post(Ledger::Revenue, *fen);
                money.take_in(*fen);
            }
            Act::PayIn(fen) => {
                money.post(Ledger::Bank, *fen);
                money.take_in(*fen);
            }
            Act::Request => money.request(),
            Act::Send => money.send(),
            Act::Paid => money.end(true),
            Act::GivenUp => money.end(false),
            Act::Found(fen) => {
                money.post(Ledger::Alipay, *fen);
                money.take_in(*fen);
            }
            Act::Refund { gift, fen } => money.refund(*gift, *fen),
            Act::RefundDone => money.end_refund(true),
            Act::RefundRefused => money.end_refund(false),
            Act::Reversed(fen) => {
                money.post(Ledger::Alipay, -fen);
                money.owe(*fen);
            }
            Act::Wait(hours) => money.now += hours * HOUR,
        }
        money
    }
}

/// The account of the core, with what the store keeps beside it.
struct Shop {
    account: Account,
    open: Option<Debit>,
    refunds: Vec<Refund>,
    journal: Vec<Entry>,
    mandate: Mandate,
}

impl Shop {
    fn keep(&mut self, moved: Movement) {
        self.account = moved.account;
        self.journal.extend(moved.entry);
        if moved.opened.is_some() {
            assert_eq!(self.open, None, "one debit is open at a time");
            self.open = moved.opened;
        }
    }

    fn send(&mut self, now: i64) {
        let (open, now, in_use) = (self.open.take().unwrap(), second(now), self.mandate.in_use());
        match self.account.collectable(&self.mandate, &rules(), now).unwrap() {
            Collectable::Amount(amount) => {
                let sent = sending(&open, amount, now);
                self.keep(self.account.debit_sent(&sent, in_use.as_ref(), now).unwrap());
                self.open = Some(sent);
            }
            Collectable::CappedToday => self.open = Some(open.capped(&rules(), now).unwrap()),
            Collectable::Nothing => self.end(&open.withdrawn().unwrap(), now.as_second()),
        }
    }

    fn end(&mut self, ended: &Debit, now: i64) {
        let (in_use, now) = (self.mandate.in_use(), second(now));
        let moved = self.account.end_debit(ended, in_use.as_ref(), &rules(), now).unwrap();
        self.keep(moved);
        let again = self.account.end_debit(ended, in_use.as_ref(), &rules(), now);
        assert!(matches!(again, Err(AccountError::NotTheOpenDebit { .. })), "its end counts once");
    }

    fn end_sent(&mut self, is_paid: bool, now: i64) {
        let (open, at) = (self.open.take().unwrap(), second(now));
        let answer = if is_paid {
            PayAnswer::Paid(payment(open.reserved().get()))
        } else {
            PayAnswer::MandateDead(GatewayCode("ACQ.AGREEMENT_INVALID".to_owned()))
        };
        let answered = open.after_pay(answer, &rules(), at).unwrap();
        let ended =
            if is_paid { answered } else { answered.after_query(QueryAnswer::Closed, at).unwrap() };
        self.end(&ended, now);
    }

    fn refund(&mut self, gift: bool, fen: i64, now: i64) -> Result<(), AccountError> {
        let request = format!("F{}", self.account.entries);
        let (of, now) = (TradeOf::Debit { debit: DebitId(1), attempt: 1 }, second(now));
        let number = number(of, &request);
        let refund = Refund::ask(&self.account.provider, number, of, Fen::new(fen), reason(), now);
        let refund = if gift { refund } else { refund.of_found_money() };
        self.keep(self.account.refund_asked(&refund, now)?);
        self.refunds.push(refund);
        Ok(())
    }

    /// A way out: the debit ends, refunds are refused, and a transfer pays what is owed then.
    fn is_settled_by_a_transfer(&self, now: i64) {
        let now = second(now + 1);
        let mut account = self.account.clone();
        if let Some(open) = &self.open {
            let ended = match open.terms {
                None => open.withdrawn().unwrap(),
                Some(_) => {
                    let dead = PayAnswer::MandateDead(GatewayCode("X".to_owned()));
                    let checked = open.after_pay(dead, &rules(), now).unwrap();
                    checked.after_query(QueryAnswer::Closed, now).unwrap()
                }
            };
            account = account.end_debit(&ended, None, &rules(), now).unwrap().account;
        }
        for refund in &self.refunds {
            account = account.refund_refused(refund, now).unwrap().account;
        }
        let owed = account.figures.receivable();
        if owed.is_positive() {
            account = account.recharge(owed, reference(), now).unwrap().account;
        }
        let figures = account.figures;
        assert_eq!((figures.receivable(), figures.reserved()), (Fen::ZERO, Fen::ZERO));
        assert!(account.unpaid.is_empty() && account.given_up_fen == Some(Fen::ZERO));
    }
}

fn payment(fen: i64) -> Payment {
    Payment { trade_no: "2015051721".to_owned(), amount_fen: Fen::new(fen) }
}

fn number(of: TradeOf, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&realm(), &provider().provider, of).out_trade_no(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Shop;
    type Reference = Money;

    fn init_test(_: &Money) -> Shop {
        let limits =
            MandateLimits { single_fen: Fen::new(SINGLE), daily_fen: Some(Fen::new(DAILY)) };
        let signed = Agreement {
            agreement_no: mandate().agreement_no,
            external_agreement_no: None,
            single_limit_fen: None,
            signed_at: None,
            ends_at: None,
            payer_login: None,
        };
        let shop = provider();
        Shop {
            account: Account::new(&shop),
            open: None,
            refunds: Vec::new(),
            journal: Vec::new(),
            mandate: Mandate::adopt(&shop.provider, MandateId(1), signed, limits, second(BEGIN))
                .unwrap(),
        }
    }

    fn apply(mut shop: Shop, money: &Money, act: Act) -> Shop {
        // The model adds the hours of a wait, in which nothing else happens.
        let (now, in_use) = (second(money.now), shop.mandate.in_use());
        let statement: StatementId = "2015-05-17".parse().unwrap();
        let account = shop.account.clone();
        match act {
            Act::Charge(fen) => {
                let charged = account.charge(statement, Fen::new(fen), now).unwrap();
                shop.keep(charged.requesting(in_use.as_ref(), &rules(), now).unwrap());
            }
            Act::Credit(fen) => {
                shop.keep(account.charge(statement, Fen::new(-fen), now).unwrap());
            }
            Act::PayIn(fen) => {
                shop.keep(account.recharge(Fen::new(fen), reference(), now).unwrap());
            }
            Act::Request => {
                let requested = account.requesting(in_use.as_ref(), &rules(), now).unwrap();
                requested.into_iter().for_each(|moved| shop.keep(moved));
            }
            Act::Send => shop.send(money.now),
            Act::Paid => shop.end_sent(true, money.now),
            Act::GivenUp => shop.end_sent(false, money.now),
            Act::Found(fen) => {
                shop.keep(account.debit_found(DebitId(1), 1, &payment(fen), now).unwrap());
            }
            Act::Refund { gift, fen } => {
                let asked = shop.refund(gift, fen, money.now);
                assert_eq!(asked.is_err(), money.is_refused, "{asked:?}");
            }
            Act::RefundDone => {
                let refund = shop.refunds.pop().unwrap();
                shop.keep(account.refund_done(&refund, now).unwrap());
            }
            Act::RefundRefused => {
                let refund = shop.refunds.pop().unwrap();
                shop.keep(account.refund_refused(&refund, now).unwrap());
            }
            Act::Reversed(fen) => {
                let of = TradeOf::Debit { debit: DebitId(1), attempt: 1 };
                shop.keep(account.reversed(number(of, "B1"), Fen::new(fen), now).unwrap());
            }
            Act::Wait(_) => {}
        }
        shop
    }

    fn check_invariants(shop: &Shop, money: &Money) {
        let (account, figures) = (&shop.account, shop.account.figures);
        let stand =
            [figures.prepaid(), figures.receivable(), figures.reserved(), figures.deposit()];
        assert_eq!(stand.map(Fen::get), [money.prepaid, money.owed(), money.reserved(), 0]);
        let unpaid = account.unpaid.charges().iter();
        let unpaid = unpaid.map(|of| (of.charged_at_s.as_second(), of.amount_fen.get()));
        assert_eq!(unpaid.collect::<Vec<_>>(), money.unpaid, "the oldest is paid first");
        assert_eq!(account.given_up_fen.map(Fen::get), Some(money.given_up));
        assert_eq!(shop.open.is_some(), money.open != Open::None);
        assert_eq!(account.open_debit, shop.open.as_ref().map(|open| open.debit));
        let rebuilt = shop.journal.iter().try_fold(Figures::default(), |all, of| all.after(of));
        assert_eq!(rebuilt, Ok(figures), "the journal explains the figures");
        let mut ledgers = BTreeMap::<Ledger, i64>::new();
        for posting in shop.journal.iter().flat_map(|entry| &entry.record().postings) {
            *ledgers.entry(posting.ledger).or_default() += posting.amount_fen.get();
        }
        assert_eq!(ledgers.values().sum::<i64>(), 0, "no money is made or lost");
        for ledger in
            [Ledger::Revenue, Ledger::Alipay, Ledger::Bank, Ledger::Refunding, Ledger::Goodwill]
        {
            let [told, booked] = [&money.ledgers, &ledgers].map(|of| of.get(&ledger).copied());
            assert_eq!(booked.unwrap_or(0), told.unwrap_or(0), "{ledger:?}");
        }
        shop.is_settled_by_a_transfer(money.now);
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn account_moves_money_as_its_model_does(sequential 1..60 => Test);
}
