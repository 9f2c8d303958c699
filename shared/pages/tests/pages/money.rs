//! A provider's money for the tests of pages, moved by the code that moves it.

use jiff::Timestamp;
use steelyard_billing::mandate::{Consent, ConsentBy, MandateLimits};
use steelyard_billing::{
    Account, AgreementSigned, Debit, DebitTerms, Decline, DeclineReason, Doubt, DrawReason, Entry,
    GatewayCode, Mandate, MandateInUse, Movement, OutRequestNo, Outcome, PayAnswer, Payment,
    Provider, QueryAnswer, Realm, Recharge, Reference, Refund, RefundRef, Reversal, StatementId,
    TradeOf,
};
use steelyard_pages::debits::Confirmed;
use steelyard_pages::{Frame, Lang, May, Records};
use steelyard_pricing::{Catalog, Fen};

use crate::month::{at, day, provider, rules};

/// Everything that is stored of a provider's money.
pub(crate) struct Money {
    pub provider: Provider,
    pub account: Account,
    pub rules: steelyard_billing::DebitRules,
    pub plans: Catalog,
    pub now: Timestamp,
    /// The oldest first.
    pub entries: Vec<Entry>,
    pub debits: Vec<Debit>,
    pub confirmed: Confirmed,
    pub recharges: Vec<Recharge>,
    pub refunds: Vec<Refund>,
    pub reversals: Vec<Reversal>,
}

pub(crate) fn realm() -> Realm {
    Realm::parse("k3x9ab").unwrap()
}

pub(crate) fn fen(fen: i64) -> Fen {
    Fen::new(fen)
}

pub(crate) fn limits() -> MandateLimits {
    MandateLimits { single_fen: fen(50_000), daily_fen: Some(fen(100_000)) }
}

/// A mandate of the provider, offered on the first of May.
pub(crate) fn offered(number: u32) -> Mandate {
    let id = steelyard_billing::MandateId(number);
    let now = at("2015-05-01T09:20");
    Mandate::offer(&realm(), &provider().provider, id, limits(), now).unwrap()
}

pub(crate) fn consent() -> Consent {
    Consent {
        terms_version: "2026-12".parse().unwrap(),
        at_s: at("2015-05-01T09:20"),
        by: ConsentBy::Session { session: "s-1".parse().unwrap() },
    }
}

/// The mandate that is in use.
pub(crate) fn signed() -> Mandate {
    let offered = offered(1).with_consent(Some(consent()));
    let notice = AgreementSigned {
        agreement_no: "20155245550001".to_owned(),
        external_agreement_no: offered.external_agreement_no.as_ref().map(ToString::to_string),
        signed_at: at("2015-05-01T09:26"),
        ends_at: None,
        payer_login: Some("sho***@mail.example".to_owned()),
    };
    let after = offered.after_signed(&notice, at("2015-05-01T09:26"));
    let Outcome::Changed(signed) = after else { panic!("{after:?}") };
    signed
}

pub(crate) fn declined(reason: DeclineReason, code: &str) -> PayAnswer {
    PayAnswer::Declined(Decline { reason, sub_code: code.to_owned() })
}

impl Money {
    pub(crate) fn new(now: &str) -> Money {
        let provider = provider();
        Money {
            account: Account::new(&provider),
            provider,
            rules: rules(),
            plans: Catalog::from_iter([]),
            now: at(now),
            entries: Vec::new(),
            debits: Vec::new(),
            confirmed: Confirmed::new(),
            recharges: Vec::new(),
            refunds: Vec::new(),
            reversals: Vec::new(),
        }
    }

    /// Two recharges and three days: one that was paid by what was prepaid, one that was withheld
    /// after a decline, and one whose debit is open.
    pub(crate) fn of_may() -> Money {
        let mut money = Money::new("2015-05-19T08:32");
        money.pay_in(10_000, "2015-05-14T11:00");
        money.charge("2015-05-15", 6_852, "2015-05-16T00:30");
        money.charge("2015-05-16", 10_441, "2015-05-17T00:30");
        money.send(7_293, "2015-05-17T10:00");
        money.answer(
            declined(DeclineReason::Funds, "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
            "2015-05-17T10:00",
        );
        money.send(7_293, "2015-05-18T10:00");
        money.answer(paid(7_293), "2015-05-18T10:00");
        money.end("2015-05-18T10:00");
        money.charge("2015-05-18", 12_602, "2015-05-19T00:30");
        money.offer_recharge(5_000, "2015-05-19T08:00");
        money
    }

    pub(crate) fn mandate(&self) -> Option<MandateInUse> {
        self.provider.mandate.clone()
    }

    fn apply(&mut self, movement: Movement) {
        self.account = movement.account;
        self.entries.extend(movement.entry);
        self.debits.extend(movement.opened);
    }

    pub(crate) fn charge(&mut self, of: &str, amount: i64, time: &str) {
        let statement = StatementId { day: day(of), supplement: 0 };
        let charged = self.account.charge(statement, fen(amount), at(time)).unwrap();
        let mandate = self.mandate();
        let movement = charged.requesting(mandate.as_ref(), &self.rules, at(time)).unwrap();
        self.apply(movement);
    }

    pub(crate) fn offer_recharge(&mut self, amount: i64, time: &str) {
        let (recharge, movement) =
            self.account.offer_recharge(&realm(), fen(amount), at(time)).unwrap();
        self.recharges.push(recharge);
        self.apply(movement);
    }

    pub(crate) fn pay_in(&mut self, amount: i64, time: &str) {
        self.offer_recharge(amount, time);
        let recharge = self.recharges.pop().unwrap();
        let payment = Payment {
            trade_no: "2015051421001004130200300001".to_owned(),
            amount_fen: fen(amount),
        };
        let Outcome::Changed(paid) = recharge.after_proof(&payment) else { panic!("not paid") };
        let movement = self.account.recharge_paid(paid.recharge, &payment, at(time)).unwrap();
        self.recharges.push(paid);
        self.apply(movement);
    }

    /// A payment of the deposit by a bank transfer, and a draw of a part of it.
    pub(crate) fn deposit(&mut self, amount: i64, drawn: i64, time: &str) {
        let paid = self.account.deposit_transferred(
            fen(amount),
            Reference::new("bank-1").unwrap(),
            at(time),
        );
        self.apply(paid.unwrap());
        let (today, decided) = (day("2015-05-19"), DrawReason::Decided);
        let drawn = self.account.draw_deposit(Some(fen(drawn)), decided, today, at(time));
        self.apply(drawn.unwrap());
    }

    /// Sends the open debit, for the first time or again.
    pub(crate) fn send(&mut self, amount: i64, time: &str) {
        let debit = self.debits.pop().unwrap();
        let terms = DebitTerms {
            amount_fen: fen(amount),
            mandate: steelyard_billing::MandateId(1),
            agreement_no: "20155245550001".to_owned(),
            from: day("2015-05-16"),
            through: day("2015-05-16"),
        };
        let number = debit.next_out_trade_no(&realm());
        let sending = debit.sending(terms, number, "{}".to_owned(), at(time)).unwrap();
        if debit.terms.is_none() {
            let mandate = self.mandate();
            let movement = self.account.debit_sent(&sending, mandate.as_ref(), at(time)).unwrap();
            self.apply(movement);
        }
        self.debits.push(sending);
    }

    pub(crate) fn answer(&mut self, answer: PayAnswer, time: &str) {
        let debit = self.debits.pop().unwrap();
        self.debits.push(debit.after_pay(answer, &self.rules, at(time)).unwrap());
    }

    pub(crate) fn query(&mut self, answer: QueryAnswer, time: &str) {
        let debit = self.debits.pop().unwrap();
        self.debits.push(debit.after_query(answer, at(time)).unwrap());
    }

    /// Books the end of the debit.
    pub(crate) fn end(&mut self, time: &str) {
        let debit = self.debits.last().unwrap().clone();
        let mandate = self.mandate();
        let movement =
            self.account.end_debit(&debit, mandate.as_ref(), &self.rules, at(time)).unwrap();
        self.apply(movement);
    }

    pub(crate) fn refund(&mut self, amount: i64, time: &str) {
        let recharge = self.recharges.first().unwrap();
        let number = RefundRef {
            out_trade_no: recharge.out_trade_no.clone(),
            out_request_no: OutRequestNo::parse("R1").unwrap(),
        };
        let of = TradeOf::Recharge(recharge.recharge);
        let reason = steelyard_billing::Reason::new("<script>asked by phone").unwrap();
        let provider = &self.provider.provider;
        let refund = Refund::ask(provider, number, of, fen(amount), reason, at(time));
        let movement = self.account.refund_asked(&refund, at(time)).unwrap();
        self.apply(movement);
        self.refunds.push(refund);
    }

    pub(crate) fn newest_first(&self) -> Vec<Entry> {
        self.entries.iter().rev().cloned().collect()
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            provider: &self.provider,
            account: &self.account,
            plans: &self.plans,
            rules: &self.rules,
            now: self.now,
        }
    }

    pub(crate) fn frame(&self, lang: Lang, page: &str) -> Frame {
        let path = format!("/portal/providers/{}/{page}", self.provider.provider);
        let may = May { pay: true, mandate: true, alerts: true, operate: false };
        let frame = Frame::new(lang, path, &self.rules.calendar, self.now);
        Frame { provider: Some(self.provider.provider.clone()), may, ..frame }
    }
}

pub(crate) fn paid(amount: i64) -> PayAnswer {
    let trade_no = "2015051821001004130200318852".to_owned();
    PayAnswer::Paid(Payment { trade_no, amount_fen: fen(amount) })
}

/// An answer of each class, with the name of the state that follows.
pub(crate) fn answers() -> Vec<(&'static str, PayAnswer)> {
    let code = |code: &str| GatewayCode(format!("ACQ.{code}<script>"));
    vec![
        ("funds", declined(DeclineReason::Funds, "ACQ.BUYER_BALANCE_NOT_ENOUGH")),
        ("window", declined(DeclineReason::Window, "ACQ.OVER_MAX_UNDER_WAY_DEDUCT_COUNT")),
        ("amount-cap", declined(DeclineReason::AmountCap, "ACQ.BEYOND_PAY_RESTRICTION")),
        ("mandate-dead", PayAnswer::MandateDead(code("AGREEMENT_NOT_EXIST"))),
        ("payer-blocked", PayAnswer::PayerBlocked(code("PAYMENT_REQUEST_HAS_RISK"))),
        ("own-account", PayAnswer::OwnAccount(code("ACCESS_FORBIDDEN"))),
        ("own-fault", PayAnswer::OwnFault(code("INVALID_PARAMETER"))),
        ("throttled", PayAnswer::Throttled(code("CALL_LIMITED"))),
        ("in-doubt", PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned()))),
        ("paid", paid(7_293)),
    ]
}
