//! Keeps the books of one provider by the rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::mandate::MandatePhase;
use steelyard_billing::{
    AgreementAnswer, Books, Collectable, Debit, DebitId, DebitTerms, Decline, DeclineReason, Doubt,
    GatewayCode, Mandate, MandateInUse, MonthClose, Movement, OutRequestNo, Outcome, PayAnswer,
    Payment, ProvedPaid, Provider, ProviderId, QueryAnswer, Reason, Recharge, Refund, RefundAnswer,
    RefundPhase, RefundQueryAnswer, RefundRef, Resolution, Reversal, Step, TradeNumber, TradeOf,
    days_collected, next_settlement, nothing_due,
};
use steelyard_pricing::{BillingDay, Catalog, Fen, Metered, Plan};

use crate::books::{book, file, new_books};
use crate::common::{at, provider, rules};
use crate::reading::{count, read};
use crate::realm::realm;

/// A fen for each call of `t.*` after 100 free ones, a third of a fen for each of `vas.*`.
pub(crate) const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "per_unit", "unit_price": "0.01"}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

/// The version of 20 May: more calls of `t.*` can cost less, so that a day is a credit.
pub(crate) const MID_MAY: &str = r#"{"plan": "p", "effective_from": "2015-05-20", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "volume", "tiers": [
        {"up_to": 2000, "unit_price": "0.01"}, {"up_to": 9000, "unit_price": "0.002"},
        {"unit_price": "0.0001"}]}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

/// The version of June: tiers, the first with a fee.
pub(crate) const JUNE: &str = r#"{"plan": "p", "effective_from": "2015-06-01", "rates": [
    {"rate": "all", "apis": ["t.*", "vas.*"], "free_per_month": 50,
     "price": {"model": "graduated", "tiers": [
        {"up_to": "999.5", "unit_price": "0.013", "flat_fee": "1.005"},
        {"unit_price": "0.0007"}]}}]}"#;

pub(crate) fn plan(json: &str) -> Plan {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

/// Books that follow from what happened, the plans that rated it, and the time of the last event.
pub(crate) struct Keeper {
    pub books: Books,
    /// How often usage of each day changed.
    changes: BTreeMap<BillingDay, u64>,
    pub plans: Catalog,
    pub now: Timestamp,
}

/// How the gateway answers on a day, whatever it is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gateway {
    Pays,
    /// It declines, and has closed what it is asked about.
    Declines,
    /// No answer comes, whatever happened to the money.
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
    pub(crate) fn new(plans: &[&str], mandate: Option<MandateInUse>) -> Keeper {
        let books = new_books(&Provider { mandate, ..provider() });
        let plans = plans.iter().map(|json| plan(json)).collect();
        Keeper { books, changes: BTreeMap::new(), plans, now: at("2015-05-01 00:00") }
    }

    pub(crate) fn report(&mut self, day: BillingDay, api: &str, calls: u64) {
        self.count(day, api, calls, at("2015-05-01 00:00"));
    }

    /// The same at a time.
    pub(crate) fn report_at(&mut self, day: BillingDay, api: &str, calls: u64, now: Timestamp) {
        self.count(day, api, calls, now);
        self.now = now;
    }

    fn count(&mut self, day: BillingDay, api: &str, calls: u64, at: Timestamp) {
        count(&mut self.books.counted, day, (api, Metered::calls(calls)), at);
        *self.changes.entry(day).or_default() += 1;
    }

    /// Stores a movement, and files what it leaves to do.
    pub(crate) fn keep(&mut self, movement: Movement, now: Timestamp) {
        self.books.account = movement.account;
        self.books.journal.extend(movement.entry);
        self.books.debits.extend(movement.opened);
        self.stored(now);
    }

    fn stored(&mut self, now: Timestamp) {
        file(&mut self.books);
        self.now = now;
    }

    /// A run: closes what is to be closed, settles what is counted, and requests what is owed.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let rules = rules();
        let mut registration = self.books.registration.unwrap();
        let due = MonthClose::due(&self.books.provider, registration.closed, &rules, now);
        registration.closed = due.or(registration.closed);
        self.books.registration = Some(registration);
        loop {
            let usage = read(&self.books, &self.changes, &rules, now);
            let Books { provider, account, .. } = &self.books;
            let next =
                next_settlement(provider, account, &usage, &self.plans, &rules, now).unwrap();
            let Some(settlement) = next else {
                self.books.account = nothing_due(account, &usage, &rules, now).unwrap();
                break;
            };
            book(&mut self.books, &settlement.statement);
            self.books.statements.push(settlement.statement);
            self.keep(settlement.movement, now);
        }
        let mandate = self.books.provider.mandate.as_ref();
        if let Some(requested) = self.books.account.requesting(mandate, &rules, now).unwrap() {
            self.keep(requested, now);
        }
        self.now = now;
    }

    pub(crate) fn recharge(&mut self, fen: i64, now: Timestamp) {
        let reference = format!("transfer {}", self.books.account.entries).try_into().unwrap();
        self.keep(self.books.account.recharge(Fen::new(fen), reference, now).unwrap(), now);
    }

    /// A recharge through Alipay that is offered and paid.
    pub(crate) fn recharge_by_alipay(&mut self, fen: i64, now: Timestamp) -> Recharge {
        let (offered, counted) =
            self.books.account.offer_recharge(&realm(), Fen::new(fen), now).unwrap();
        self.keep(counted, now);
        let id = offered.recharge;
        let payment = Payment { trade_no: format!("R{id}"), amount_fen: Fen::new(fen) };
        let Outcome::Changed(paid) = offered.after_proof(&payment) else { panic!("it is new") };
        self.books.recharges.push(paid.clone());
        self.keep(self.books.account.recharge_paid(id, &payment, now).unwrap(), now);
        paid
    }

    /// A payment of the first attempt of a debit becomes known.
    pub(crate) fn find_payment(&mut self, debit: DebitId, now: Timestamp) {
        let debit = self.books.debits.iter_mut().find(|of| of.debit == debit).unwrap();
        let found = Payment { trade_no: "found".to_owned(), amount_fen: asked(debit) };
        let Outcome::Changed(ProvedPaid::Found(after)) = debit.after_proof(1, &found, now) else {
            panic!("it is new")
        };
        let id = after.debit;
        *debit = after;
        self.keep(self.books.account.debit_found(id, 1, &found, now).unwrap(), now);
    }

    /// A refund, and how Alipay answers it.
    pub(crate) fn refund(&mut self, of: TradeOf, request: &str, fen: i64, answer: RefundAnswer) {
        let now = at("2015-06-03 12:00");
        let provider = self.books.provider.provider.clone();
        let number = refund_number(&provider, of, request);
        let reason = Reason::new("by mail").unwrap();
        let asked = Refund::ask(&provider, number, of, Fen::new(fen), reason, now);
        self.keep(self.books.account.refund_asked(&asked, now).unwrap(), now);
        self.send_refund(&asked, &answer, now);
    }

    /// Sends a refund that is asked for, and books its end. One whose answer is in doubt is
    /// queried, and was not done.
    pub(crate) fn send_refund(&mut self, asked: &Refund, answer: &RefundAnswer, now: Timestamp) {
        let sent = asked.sending(now).unwrap().after_refund(answer.clone(), now).unwrap();
        let ended = match sent.phase {
            RefundPhase::Confirming { .. } => {
                sent.after_query(RefundQueryAnswer::NotRefunded, now).unwrap()
            }
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Done
            | RefundPhase::Refused { .. } => sent,
        };
        self.books.refunds.push(ended.clone());
        let account = &self.books.account;
        let moved = match ended.phase {
            RefundPhase::Done => account.refund_done(&ended, now),
            RefundPhase::Refused { .. } => account.refund_refused(&ended, now),
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Confirming { .. } => {
                return self.stored(now);
            }
        };
        self.keep(moved.unwrap(), now);
    }

    /// Alipay gives money back without being asked.
    pub(crate) fn reverse(&mut self, of: TradeOf, request: &str, fen: i64) {
        let now = at("2015-06-03 13:00");
        let provider = self.books.provider.provider.clone();
        let number = refund_number(&provider, of, request);
        let noticed = Reversal::noticed(&provider, number.clone(), of, now);
        let Outcome::Changed(booked) = noticed.after_proof(Fen::new(fen)) else {
            panic!("it is new")
        };
        self.books.reversals.push(booked);
        self.keep(self.books.account.reversed(number, Fen::new(fen), now).unwrap(), now);
    }

    /// Works on the open debit for as long as it is due, five times at most.
    pub(crate) fn collect(&mut self, gateway: Gateway, now: Timestamp) {
        for _ in 0..5 {
            let Some(open) = self.books.debits.iter().find(|debit| debit.is_open()) else { break };
            let after = self.worked_on(&open.clone(), gateway, now);
            self.store_debit(&after, now);
        }
        self.now = now;
    }

    fn store_debit(&mut self, debit: &Debit, now: Timestamp) {
        let stored = self.books.debits.iter_mut().find(|of| of.debit == debit.debit).unwrap();
        *stored = debit.clone();
        if !debit.is_open() {
            let mandate = self.books.provider.mandate.as_ref();
            let ended = self.books.account.end_debit(debit, mandate, &rules(), now).unwrap();
            self.keep(ended, now);
            self.change_mandate(now, |mandate| mandate.suspended_by(debit, now));
        }
        self.stored(now);
    }

    fn worked_on(&mut self, debit: &Debit, gateway: Gateway, now: Timestamp) -> Debit {
        match debit.next_step(now) {
            Step::Wait => debit.clone(),
            Step::Pay => self.paid(debit, gateway, now),
            Step::Query => debit.after_query(gateway.query(debit), now).unwrap(),
            Step::Close => debit.after_close(Ok(()), now).unwrap(),
            Step::Report => debit.reported(now).unwrap(),
        }
    }

    /// The debit after it was sent, if what is owed and the mandate allow it.
    fn paid(&mut self, debit: &Debit, gateway: Gateway, now: Timestamp) -> Debit {
        let code = || GatewayCode("USER_AGREEMENT_NOT_EXIST".to_owned());
        let usable = self.books.mandates.iter().find(|mandate| mandate.is_usable(now));
        let is_suspended = self.books.mandates.iter().any(is_suspended);
        let (collectable, mandate) = match (usable, &debit.terms) {
            (Some(mandate), None) => {
                let collectable = self.books.account.collectable(mandate, &rules(), now).unwrap();
                (collectable, mandate.clone())
            }
            (Some(mandate), Some(terms)) => {
                (Collectable::Amount(terms.amount_fen), mandate.clone())
            }
            (None, None) => return debit.withdrawn().unwrap(),
            (None, Some(_)) if is_suspended => {
                return debit.postponed(code(), &rules(), now).unwrap();
            }
            (None, Some(_)) => return debit.without_mandate(code(), now).unwrap(),
        };
        match collectable {
            Collectable::Amount(amount) => {
                let sent = self.sent(debit, self.terms(&mandate, amount), now);
                let answer = gateway.pay(&sent);
                sent.after_pay(answer, &rules(), now).unwrap()
            }
            Collectable::Nothing => debit.withdrawn().unwrap(),
            Collectable::CappedToday => debit.capped(&rules(), now).unwrap(),
        }
    }

    fn terms(&self, mandate: &Mandate, amount_fen: Fen) -> DebitTerms {
        let mut statements = self.books.statements.clone();
        statements.sort_by_key(|statement| statement.statement);
        let receivable = self.books.account.figures.receivable();
        let days = days_collected(&statements, receivable, amount_fen).unwrap();
        let settled = self.books.account.settled_through.unwrap();
        let (from, through) = days.unwrap_or((settled, settled));
        let (agreement_no, mandate) = (mandate.agreement_no.clone().unwrap(), mandate.mandate);
        DebitTerms { amount_fen, mandate, agreement_no, from, through }
    }

    /// The debit just before it is sent; what it asks for is reserved before it is first sent.
    fn sent(&mut self, debit: &Debit, terms: DebitTerms, now: Timestamp) -> Debit {
        let number = debit.next_out_trade_no(&realm());
        let sent = debit.sending(terms, number, "x".to_owned(), now).unwrap();
        if debit.terms.is_none() {
            let in_use = self.books.provider.mandate.as_ref();
            self.keep(self.books.account.debit_sent(&sent, in_use, now).unwrap(), now);
        }
        sent
    }

    fn change_mandate(&mut self, now: Timestamp, change: impl Fn(&Mandate) -> Option<Mandate>) {
        let Some(mandate) = self.books.mandates.first_mut() else { return };
        let Some(changed) = change(mandate) else { return };
        let before = self.books.provider.mandate.clone();
        self.books.provider = self.books.provider.with_mandate(&changed);
        *mandate = changed;
        let after = self.books.provider.mandate.clone();
        let (before, after) = (before.as_ref(), after.as_ref());
        let movement = self.books.account.mandate_changed(before, after, &rules(), now).unwrap();
        self.keep(movement, now);
    }

    /// A person resolves the open debit, if it is held or in doubt.
    pub(crate) fn resolve(&mut self, resolution: Resolution, now: Timestamp) {
        let reason = Reason::new("looked into it").unwrap();
        if let Some(open) = self.books.debits.iter_mut().find(|debit| debit.is_open())
            && let Ok(resolved) = open.resolved(resolution, reason, now)
        {
            *open = resolved;
        }
        self.stored(now);
    }

    /// The most that one day's debits may take.
    pub(crate) fn limit_daily(&mut self, daily_limit_fen: Option<Fen>) {
        self.change_mandate(self.now, |mandate| {
            Some(Mandate { daily_limit_fen, ..mandate.clone() })
        });
    }

    /// The gateway suspends the mandate.
    pub(crate) fn suspend_mandate(&mut self, now: Timestamp) {
        self.query_mandate(&AgreementAnswer::Suspended, now);
    }

    /// The provider ends the mandate at the gateway.
    pub(crate) fn end_mandate(&mut self, now: Timestamp) {
        self.query_mandate(&AgreementAnswer::Ended, now);
    }

    fn query_mandate(&mut self, answer: &AgreementAnswer, now: Timestamp) {
        self.change_mandate(now, |mandate| match mandate.after_query(answer.clone(), now) {
            Outcome::Changed(changed) => Some(changed),
            Outcome::Unchanged => None,
            Outcome::Contradicts => panic!("{answer:?} contradicts nothing"),
        });
    }

    /// A person resumes the mandate.
    pub(crate) fn resume_mandate(&mut self, now: Timestamp) {
        self.change_mandate(now, |mandate| mandate.resumed(now).ok());
    }
}

fn is_suspended(mandate: &Mandate) -> bool {
    match mandate.phase {
        MandatePhase::Suspended { .. } => true,
        MandatePhase::Offered
        | MandatePhase::Active
        | MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. }
        | MandatePhase::Ended { .. } => false,
    }
}

pub(crate) fn refund_number(provider: &ProviderId, of: TradeOf, request: &str) -> RefundRef {
    RefundRef {
        out_trade_no: TradeNumber::new(&realm(), provider, of).out_trade_no(),
        out_request_no: OutRequestNo::parse(request).unwrap(),
    }
}

/// What a debit that was sent asks for.
pub(crate) fn asked(debit: &Debit) -> Fen {
    debit.terms.as_ref().unwrap().amount_fen
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
    let amount_fen = asked(debit).plus(Fen::new(more)).unwrap();
    Payment { trade_no: format!("2015{}", debit.debit), amount_fen }
}

/// The journal of three weeks:
///
/// 1. charged 12.00 for 16 May; 2. and 3. debit 1 sent and paid; 4. charged 5.03 for 17 May; 5.
///    debit 2 sent; 6. recharged 3.00 meanwhile; 7. debit 2 given up; 8. recharged 10.00; 9.
///    charged 0.50 for 30 May; 10. charged 0.20 by the supplement 2015-05-31+1; 11. charged 20.00
///    for 2 June; 12. debit 3 sent, which is in doubt.
///
/// 31 May was charged nothing.
pub(crate) fn honest() -> Keeper {
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
    keeper.collect(Gateway::Declines, at("2015-05-21 10:00"));
    keeper.recharge(1_000, at("2015-05-21 15:00"));
    keeper.report(day("2015-05-30"), "t.a", 50);
    keeper.report(day("2015-05-31"), "nobody.knows", 7);
    keeper.settle(at("2015-06-01 00:30"));
    keeper.report(day("2015-06-01"), "t.a", 100);
    keeper.settle(at("2015-06-02 00:30"));
    keeper.report(day("2015-05-20"), "t.a", 20);
    keeper.report(day("2015-06-02"), "t.a", 2_000);
    keeper.settle(at("2015-06-03 00:30"));
    keeper.collect(Gateway::IsSilent, at("2015-06-03 10:00"));
    keeper
}

/// The honest books, continued through Alipay: 13. recharged 20.00, all of it prepaid, since debit
/// 3 collects what is owed; 14. found 5.03 of debit 2; 15. and 16. refunded 3.00 of the recharge;
/// 17. and 18. refused a refund of debit 1; 19. asked for another that is in doubt; 20. reversed
/// 12.00 of debit 1.
pub(crate) fn through_alipay() -> Keeper {
    let mut keeper = honest();
    let recharge = keeper.recharge_by_alipay(2_000, at("2015-06-03 11:00"));
    keeper.find_payment(DebitId(2), at("2015-06-03 11:30"));
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
pub(crate) fn cut() -> Keeper {
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

/// Settles on the days after May was closed, so that the account is done with May. Debit 3 is paid.
pub(crate) fn close_may(keeper: &mut Keeper) {
    keeper.collect(Gateway::Pays, at("2015-06-03 11:00"));
    keeper.settle(at("2015-06-05 00:30"));
    keeper.report(day("2015-06-05"), "t.a", 10);
    keeper.settle(at("2015-06-06 00:30"));
}
