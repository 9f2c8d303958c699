//! Keeps the books of one provider by the rules.

use jiff::Timestamp;
use steelyard_billing::{
    Account, Books, CountedDays, Debit, DebitId, Decline, DeclineReason, Doubt, GatewayCode,
    Learned, Mandate, MandateInUse, Movement, OutRequestNo, PayAnswer, Payment, Proved, ProviderId,
    QueryAnswer, Recharge, RechargeId, Refund, RefundAnswer, RefundPhase, RefundQueryAnswer,
    RefundRef, Resolution, Reversal, Step, TradeNumber, TradeOf, next_settlement,
};
use steelyard_pricing::{BillingDay, Catalog, Fen, Metered, Plan};

use crate::common::{at, provider, terms};
use crate::mandates::mandates;

/// A fen for each call of `t.*` after 100 free ones, a third of a fen for each of `vas.*`.
pub const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "per_unit", "unit_price": "0.01"}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

/// The version of 20 May: more calls of `t.*` can cost less, so that a day is a credit.
pub const MID_MAY: &str = r#"{"plan": "p", "effective_from": "2015-05-20", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "volume", "tiers": [
        {"up_to": 2000, "unit_price": "0.01"}, {"up_to": 9000, "unit_price": "0.002"},
        {"unit_price": "0.0001"}]}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

/// The version of June: tiers, the first with a fee.
pub const JUNE: &str = r#"{"plan": "p", "effective_from": "2015-06-01", "rates": [
    {"rate": "all", "apis": ["t.*", "vas.*"], "free_per_month": 50,
     "price": {"model": "graduated", "tiers": [
        {"up_to": "999.5", "unit_price": "0.013", "flat_fee": "1.005"},
        {"unit_price": "0.0007"}]}}]}"#;

pub fn plan(json: &str) -> Plan {
    serde_json::from_str(json).unwrap()
}

pub fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

pub fn add(days: &mut CountedDays, day: BillingDay, api: &str, calls: u64) {
    days.entry(day).or_default().add(api.parse().unwrap(), Metered::calls(calls)).unwrap();
}

/// Books that follow from what happened, and the plans that rated it.
pub struct Keeper {
    pub books: Books,
    pub plans: Catalog,
}

/// How the gateway answers on a day, whatever it is asked.
#[derive(Clone, Copy, Debug)]
pub enum Gateway {
    Pays,
    /// It declines, and has closed what it is asked about.
    Declines,
    /// Nobody knows.
    IsSilent,
    /// Nobody knows of a payment, and a query finds none.
    FindsNothing,
    /// Nobody knows of a payment, and a query finds it unpaid.
    IsPending,
    /// It declines for that reason, and has closed what it is asked about.
    DeclinesFor(DeclineReason),
    /// The mandate is dead, and it knows no trade.
    FindsMandateDead,
    /// The payer is blocked, and it has closed what it is asked about.
    BlocksPayer,
    /// Our own account is in trouble.
    IsClosedToUs,
    /// The request is wrong, and it knows no trade.
    FindsFault,
    /// It says that it took a fen more.
    TakesMore,
}

impl Keeper {
    pub fn new(plans: &[&str], mandate: Option<MandateInUse>) -> Keeper {
        let provider = steelyard_billing::Provider { mandate, ..provider() };
        let books = Books {
            mandates: mandates(&provider),
            account: Account::new(&provider),
            provider,
            statements: Vec::new(),
            journal: Vec::new(),
            debits: Vec::new(),
            recharges: Vec::new(),
            refunds: Vec::new(),
            reversals: Vec::new(),
            counted: CountedDays::new(),
            reported: CountedDays::new(),
        };
        Keeper { books, plans: plans.iter().map(|json| plan(json)).collect() }
    }

    pub fn report(&mut self, day: BillingDay, api: &str, calls: u64) {
        add(&mut self.books.reported, day, api, calls);
        add(&mut self.books.counted, day, api, calls);
    }

    fn keep(&mut self, movement: Movement) {
        self.books.account = movement.account;
        self.books.journal.extend(movement.entry);
        self.books.debits.extend(movement.opened);
    }

    pub fn settle(&mut self, now: Timestamp) {
        let terms = terms();
        loop {
            let Books { provider, account, counted, .. } = &self.books;
            let next = next_settlement(provider, account, counted, &self.plans, &terms, now);
            let Some(settlement) = next.unwrap() else { break };
            self.books.statements.push(settlement.statement);
            self.keep(settlement.movement);
        }
    }

    pub fn recharge(&mut self, fen: i64, now: Timestamp) {
        let reference = format!("transfer {}", self.books.account.entries);
        self.keep(self.books.account.recharge(Fen::new(fen), reference, now).unwrap());
    }

    /// A recharge through Alipay that is offered and paid.
    pub fn recharge_by_alipay(&mut self, fen: i64, now: Timestamp) -> Recharge {
        let provider = self.books.provider.provider.clone();
        let id = RechargeId(u32::try_from(self.books.recharges.len()).unwrap() + 1);
        let offered = Recharge::offer(&provider, id, Fen::new(fen), now).unwrap();
        let payment = Payment { trade_no: format!("R{id}"), amount_fen: Fen::new(fen) };
        let Learned::New(paid) = offered.learn_paid(&payment) else { panic!("it is new") };
        self.books.recharges.push(paid.clone());
        self.keep(self.books.account.recharge_paid(id, &payment, now).unwrap());
        paid
    }

    /// A payment of the first attempt of a debit comes to light.
    pub fn find_payment(&mut self, debit: DebitId, now: Timestamp) {
        let debit = self.books.debits.iter_mut().find(|of| of.debit == debit).unwrap();
        let found = Payment { trade_no: "found".to_owned(), amount_fen: debit.amount_fen };
        let Learned::New(Proved::Found(after)) = debit.learn_paid(1, &found, now) else {
            panic!("it is new")
        };
        *debit = after;
        let movement = self.books.account.debit_found(debit.debit, 1, &found, now).unwrap();
        self.keep(movement);
    }

    /// A refund, and what Alipay says to it.
    pub fn refund(&mut self, of: TradeOf, request: &str, fen: i64, answer: RefundAnswer) {
        let now = at("2015-06-03 12:00");
        let provider = self.books.provider.provider.clone();
        let number = refund_number(&provider, of, request);
        let asked = Refund::ask(&provider, number, of, Fen::new(fen), "by mail", now);
        self.keep(self.books.account.refund_asked(&asked, now).unwrap());
        let sent = asked.sending(now).unwrap().after_refund(answer, now).unwrap();
        let ended = match sent.phase {
            RefundPhase::Refusing { .. } => {
                sent.after_query(RefundQueryAnswer::NotRefunded, now).unwrap()
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => sent,
        };
        match ended.phase {
            RefundPhase::Done => self.keep(self.books.account.refund_done(&ended, now).unwrap()),
            RefundPhase::Refused { .. } => {
                self.keep(self.books.account.refund_refused(&ended, now).unwrap());
            }
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Refusing { .. } => {}
        }
        self.books.refunds.push(ended);
    }

    /// Alipay gives money back without being asked.
    pub fn reverse(&mut self, of: TradeOf, request: &str, fen: i64) {
        let now = at("2015-06-03 13:00");
        let provider = self.books.provider.provider.clone();
        let number = refund_number(&provider, of, request);
        let noticed = Reversal::noticed(&provider, number.clone(), of, now);
        self.books.reversals.push(noticed.booked(Fen::new(fen)).unwrap());
        self.keep(self.books.account.reversed(number, Fen::new(fen), now).unwrap());
    }

    /// Visits the open debit as long as it is due now, five times at most.
    pub fn collect(&mut self, gateway: Gateway, now: Timestamp) {
        let Some(open) = self.books.debits.iter().position(Debit::is_open) else { return };
        let before = self.books.debits[open].clone();
        let debit = (0..5).fold(before, |debit, _| visited(&debit, gateway, now));
        self.books.debits[open] = debit.clone();
        if !debit.is_open() {
            let mandate = self.books.provider.mandate.as_ref();
            self.keep(self.books.account.end_debit(&debit, mandate, &terms(), now).unwrap());
            self.change_mandate(|mandate| mandate.suspended_by(&debit, now));
        }
    }

    fn change_mandate(&mut self, change: impl Fn(&Mandate) -> Option<Mandate>) {
        let Some(mandate) = self.books.mandates.first_mut() else { return };
        if let Some(changed) = change(mandate) {
            self.books.provider = self.books.provider.with_mandate(&changed);
            *mandate = changed;
        }
    }

    /// Lets the open debit go on, if it is held or in doubt.
    pub fn resolve(&mut self, resolution: Resolution, now: Timestamp) {
        if let Some(open) = self.books.debits.iter_mut().find(|debit| debit.is_open())
            && let Ok(resolved) = open.resolved(resolution, "looked into it", now)
        {
            *open = resolved;
        }
    }

    /// A person resumes the mandate.
    pub fn resume_mandate(&mut self, now: Timestamp) {
        self.change_mandate(|mandate| mandate.resumed(now).ok());
    }
}

fn refund_number(provider: &ProviderId, of: TradeOf, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(provider, of).out_trade_no(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

fn visited(debit: &Debit, gateway: Gateway, now: Timestamp) -> Debit {
    match debit.next_step(now) {
        Step::Wait => debit.clone(),
        Step::Pay => {
            let sent = debit.sending("x".to_owned(), now).unwrap();
            sent.after_pay(gateway.pay(debit), &terms(), now).unwrap()
        }
        Step::Query => debit.after_query(gateway.query(debit), now).unwrap(),
        Step::Close => debit.after_close(Ok(()), now).unwrap(),
    }
}

impl Gateway {
    fn pay(self, debit: &Debit) -> PayAnswer {
        let code = GatewayCode("ACQ.SOME_CODE".to_owned());
        match self {
            Gateway::Pays => PayAnswer::Paid(payment(debit, 0)),
            Gateway::TakesMore => PayAnswer::Paid(payment(debit, 1)),
            Gateway::Declines => declined(DeclineReason::Funds),
            Gateway::DeclinesFor(reason) => declined(reason),
            Gateway::FindsMandateDead => PayAnswer::MandateDead(code),
            Gateway::BlocksPayer => PayAnswer::PayerBlocked(code),
            Gateway::IsClosedToUs => PayAnswer::OwnAccount(code),
            Gateway::FindsFault => PayAnswer::OwnFault(code),
            Gateway::IsSilent | Gateway::FindsNothing | Gateway::IsPending => {
                PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned()))
            }
        }
    }

    fn query(self, debit: &Debit) -> QueryAnswer {
        match self {
            Gateway::Pays => QueryAnswer::Paid(payment(debit, 0)),
            Gateway::TakesMore => QueryAnswer::Paid(payment(debit, 1)),
            Gateway::Declines | Gateway::DeclinesFor(_) | Gateway::BlocksPayer => {
                QueryAnswer::Closed
            }
            Gateway::IsSilent | Gateway::IsClosedToUs => {
                QueryAnswer::InDoubt(Doubt("unsigned".to_owned()))
            }
            Gateway::FindsNothing | Gateway::FindsMandateDead | Gateway::FindsFault => {
                QueryAnswer::NotFound
            }
            Gateway::IsPending => QueryAnswer::Pending,
        }
    }
}

fn declined(reason: DeclineReason) -> PayAnswer {
    PayAnswer::Declined(Decline { reason, sub_code: "ACQ.SOME_CODE".to_owned() })
}

fn payment(debit: &Debit, more: i64) -> Payment {
    let amount_fen = debit.amount_fen.plus(Fen::new(more)).unwrap();
    Payment { trade_no: format!("2015{}", debit.debit), amount_fen }
}

/// The journal of three weeks:
///
/// 1. charged 12.00 for 16 May, opening debit 1; 2. debit 1 paid;
/// 3. charged 5.03 for 17 May, opening debit 3; 4. recharged 3.00 meanwhile; 5. debit 3 exhausted;
/// 6. recharged 10.00; 7. charged 0.50 for 30 May;
/// 8. charged 0.20 by the supplement 2015-05-31+1; 9. charged 20.00 for 2 June, opening debit 9.
///
/// 31 May was charged nothing.
pub fn honest() -> Keeper {
    let mut keeper = Keeper::new(&[PLAN], provider().mandate);
    keeper.report(day("2015-05-16"), "t.a", 1_300);
    keeper.settle(at("2015-05-17 00:30"));
    keeper.collect(Gateway::Pays, at("2015-05-17 10:00"));
    keeper.report(day("2015-05-17"), "t.b", 500);
    keeper.report(day("2015-05-17"), "vas.a", 10);
    keeper.settle(at("2015-05-18 00:30"));
    keeper.collect(Gateway::Declines, at("2015-05-18 10:00"));
    keeper.recharge(300, at("2015-05-18 15:00"));
    keeper.collect(Gateway::Declines, at("2015-05-19 10:00"));
    keeper.collect(Gateway::Declines, at("2015-05-20 10:00"));
    keeper.recharge(1_000, at("2015-05-20 15:00"));
    keeper.report(day("2015-05-30"), "t.a", 50);
    keeper.report(day("2015-05-31"), "nobody.knows", 7);
    keeper.settle(at("2015-06-01 00:30"));
    keeper.report(day("2015-06-01"), "t.a", 100);
    keeper.settle(at("2015-06-02 00:30"));
    keeper.report(day("2015-05-20"), "t.a", 20);
    keeper.report(day("2015-06-02"), "t.a", 2_000);
    keeper.settle(at("2015-06-03 00:30"));
    keeper
}

/// The honest books, gone on through Alipay: 10. recharged 20.00, so that 7.27 of what is owed are
/// not collected any more and the rest is prepaid; 11. found 5.03 of debit 3; 12. and 13. refunded
/// 3.00 of the recharge; 14. and 15. refused a refund of debit 1; 16. asked for another that is in
/// doubt; 17. reversed 12.00 of debit 1.
pub fn through_alipay() -> Keeper {
    let mut keeper = honest();
    let recharge = keeper.recharge_by_alipay(2_000, at("2015-06-03 11:00"));
    keeper.find_payment(DebitId(3), at("2015-06-03 11:30"));
    let refunded = RefundAnswer::Refunded { total_fen: Fen::new(300) };
    keeper.refund(TradeOf::Recharge(recharge.recharge), "F1", 300, refunded);
    let debit = TradeOf::Debit { debit: DebitId(1), attempt: 1 };
    let refused = RefundAnswer::Refused(GatewayCode("ACQ.TRADE_HAS_FINISHED".to_owned()));
    keeper.refund(debit, "F2", 500, refused);
    keeper.refund(debit, "F3", 100, RefundAnswer::InDoubt(Doubt("no answer".to_owned())));
    keeper.reverse(debit, "B1", 1_200);
    keeper
}

/// Books of a month that is cut on 17 May, where an override begins: 25% off all rates, and 60 free
/// calls more of `t.*` in a month.
pub fn cut() -> Keeper {
    let mut keeper = Keeper::new(&[PLAN], None);
    for over in [
        r#"{"override": "friend", "from": "2015-05-17", "discount_percent": "25"}"#,
        r#"{"override": "more", "from": "2015-05-17", "rate": "basic", "free_on_top": 60}"#,
    ] {
        let over = serde_json::from_str(over).unwrap();
        keeper.books.provider.add_override(over, &keeper.plans, None).unwrap();
    }
    for on in ["2015-05-16", "2015-05-17", "2015-05-18"] {
        keeper.report(day(on), "t.a", 200);
        keeper.report(day(on), "nobody.knows", 3);
        keeper.settle(at(&format!("{} 00:30", day(on).next())));
    }
    keeper
}

/// Settles a day after May was closed, so that the account is done with May.
pub fn close_may(keeper: &mut Keeper) {
    keeper.report(day("2015-06-05"), "t.a", 10);
    keeper.settle(at("2015-06-06 00:30"));
}
