//! A provider whose debits are opened, sent and ended as the shell does it, at given times.

use jiff::Timestamp;
use steelyard_billing::{
    Account, Collectable, Debit, Decline, DeclineReason, Entry, Mandate, MandateInUse, Movement,
    PayAnswer, Reference, StatementId,
};
use steelyard_pricing::Fen;

use crate::clock;
use crate::common::{at, provider, rules};
use crate::debits::sending;
use crate::money::{check_movement, given_up, paid, statement};

pub(crate) struct Payer {
    pub account: Account,
    pub open: Option<Debit>,
    pub mandate: Option<Mandate>,
    pub journal: Vec<Entry>,
}

impl Payer {
    /// A provider that owes nothing, under a mandate.
    pub(crate) fn under(mandate: Mandate) -> Payer {
        let account = Account::new(&provider());
        Payer { account, open: None, mandate: Some(mandate), journal: Vec::new() }
    }

    pub(crate) fn in_use(&self) -> Option<MandateInUse> {
        self.mandate.as_ref().and_then(Mandate::in_use)
    }

    pub(crate) fn take(&mut self, moved: Movement) {
        check_movement(&self.account, &moved);
        self.account = moved.account;
        self.journal.extend(moved.entry);
        if let Some(opened) = moved.opened {
            assert!(self.open.is_none(), "one debit at a time");
            self.open = Some(opened);
        }
    }

    pub(crate) fn charge(&mut self, fen: i64, now: &str) {
        let (now, statement): (_, StatementId) = (at(now), statement());
        let charged = self.account.charge(statement, Fen::new(fen), now).unwrap();
        self.take(charged.requesting(self.in_use().as_ref(), &rules(), now).unwrap());
    }

    pub(crate) fn recharge(&mut self, fen: i64, now: &str) {
        let moved =
            self.account.recharge(Fen::new(fen), Reference::new("transfer 1").unwrap(), at(now));
        self.take(moved.unwrap());
    }

    /// The run that requests what is owed. Whether it opened a debit.
    pub(crate) fn request(&mut self, now: &str) -> bool {
        let moved = self.account.requesting(self.in_use().as_ref(), &rules(), at(now)).unwrap();
        let is_opened = moved.is_some();
        moved.into_iter().for_each(|moved| self.take(moved));
        is_opened
    }

    /// Another mandate is in use, or none.
    pub(crate) fn change_mandate(&mut self, mandate: Option<Mandate>, now: &str) {
        let before = self.in_use();
        self.mandate = mandate;
        let after = self.in_use();
        let moved =
            self.account.mandate_changed(before.as_ref(), after.as_ref(), &rules(), at(now));
        self.take(moved.unwrap());
    }

    pub(crate) fn due(&self) -> String {
        clock(self.open.as_ref().unwrap().due_at().unwrap())
    }

    fn collectable(&self, now: Timestamp) -> Collectable {
        let mandate = self.mandate.as_ref().unwrap();
        self.account.collectable(mandate, &rules(), now).unwrap()
    }

    /// The open debit is due: sent for what can be collected, put off, or withdrawn. What it is
    /// sent for in fen, if it is.
    pub(crate) fn send(&mut self, now: &str) -> Option<i64> {
        let now = at(now);
        let open = self.open.clone().unwrap();
        if let Some(terms) = &open.terms {
            self.open = Some(sending(&open, Fen::ZERO, now));
            return Some(terms.amount_fen.get());
        }
        match self.collectable(now) {
            Collectable::Amount(amount) => {
                let sent = sending(&open, amount, now);
                let in_use = self.in_use();
                self.take(self.account.debit_sent(&sent, in_use.as_ref(), now).unwrap());
                self.open = Some(sent);
                Some(amount.get())
            }
            Collectable::CappedToday => {
                self.open = Some(open.capped(&rules(), now).unwrap());
                None
            }
            Collectable::Nothing => {
                self.end(&open.withdrawn().unwrap(), now);
                None
            }
        }
    }

    fn end(&mut self, ended: &Debit, now: Timestamp) {
        self.open = None;
        let in_use = self.in_use();
        self.take(self.account.end_debit(ended, in_use.as_ref(), &rules(), now).unwrap());
    }

    pub(crate) fn is_paid(&mut self, now: &str) {
        let open = self.open.clone().unwrap();
        self.end(&paid(&open, at(now)), at(now));
    }

    pub(crate) fn is_given_up(&mut self, now: &str) {
        let open = self.open.clone().unwrap();
        self.end(&given_up(&open, at(now)), at(now));
    }

    pub(crate) fn is_declined(&mut self, now: &str) {
        let decline = Decline { reason: DeclineReason::Funds, sub_code: "X".to_owned() };
        let open = self.open.clone().unwrap();
        let answer = PayAnswer::Declined(decline);
        self.open = Some(open.after_pay(answer, &rules(), at(now)).unwrap());
    }

    /// Prepaid, receivable and reserved, in fen.
    pub(crate) fn stand(&self) -> (i64, i64, i64) {
        crate::money::stand(&self.account.figures)
    }
}
