//! How what is owed is collected by debits: when one is opened, for how much it is sent, and what
//! its end does to the account.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{Fen, MoneyError};

use super::{Account, AccountError, Movement};
use crate::journal::{Cause, Ledger};
use crate::{Debit, DebitId, DebitRules, Mandate, MandateInUse, Phase};

/// What debits took on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// The day on which they were last sent, in the platform's calendar.
    pub on: Date,
    /// The sum of what they took.
    pub taken_fen: Fen,
}

/// The state in which a debit last asked for what is owed. After the debit was given up, the debt
/// is requested again once this state has changed: by a movement, even one while the debit was
/// open, or by a change of the mandate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastRequest {
    /// The number of the last journal entry, those of the debit itself included.
    pub entries: u64,
    /// The mandate under which it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<MandateInUse>,
}

/// Where the request for what a provider owes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Less than the smallest amount of a debit is owed.
    NotNeeded,
    /// A debit is open.
    Open,
    /// A debit is to be opened.
    Due,
    /// The last debit was given up, and nothing has changed since it was sent.
    GivenUp,
    /// There is no mandate in use, or it allows less than the smallest amount of a debit.
    Impossible,
}

/// What can be collected by a debit now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collectable {
    /// One debit can collect this much, in fen.
    Amount(Fen),
    /// Nothing: less than the smallest amount of a debit is owed, or the mandate allows less.
    Nothing,
    /// Nothing today: the mandate's daily limit is used up, or leaves less than the smallest
    /// amount.
    CappedToday,
}

/// The amount and the time of a debit that was not sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The amount that the debit will ask for, in fen.
    pub amount_fen: Fen,
    /// The time at which it is sent.
    pub at_s: Timestamp,
}

impl Account {
    /// What can be collected under a mandate now: what is owed and not reserved, at most the
    /// mandate's limit for one debit, and at most what the daily limit leaves.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn collectable(
        &self,
        mandate: &Mandate,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Collectable, MoneyError> {
        self.collectable_within((mandate.limit(), mandate.daily_limit_fen), rules, now)
    }

    fn collectable_within(
        &self,
        (limit, daily_limit): (Fen, Option<Fen>),
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Collectable, MoneyError> {
        let single = self.figures.unreserved()?.min(limit);
        if !rules.is_enough(single) {
            return Ok(Collectable::Nothing);
        }
        let amount = match daily_limit {
            Some(daily) => single.min(daily.minus(self.withheld_on(rules.today(now)))?),
            None => single,
        };
        let collectable = Collectable::Amount(amount);
        Ok(if rules.is_enough(amount) { collectable } else { Collectable::CappedToday })
    }

    /// How much a debit that is not sent yet will ask for, and when, by what is owed now. If the
    /// day's limit is used up at the time at which it is due, it is sent on the next day. None if
    /// too little is owed, or the limits are too low: it is withdrawn when it falls due.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn expected(
        &self,
        mandate: &MandateInUse,
        rules: &DebitRules,
        due_at: Timestamp,
    ) -> Result<Option<Expected>, MoneyError> {
        let limits = (mandate.limit_fen, mandate.daily_limit_fen);
        Ok(match self.collectable_within(limits, rules, due_at)? {
            Collectable::Amount(amount_fen) => Some(Expected { amount_fen, at_s: due_at }),
            Collectable::Nothing => None,
            Collectable::CappedToday => Some(Expected {
                amount_fen: self.figures.unreserved()?.min(mandate.limit_fen),
                at_s: rules.next_day_due(&self.provider, due_at),
            }),
        })
    }

    /// What debits took that were sent on a day: the last one on which any took money.
    #[must_use]
    pub fn withheld_on(&self, day: Date) -> Fen {
        self.withheld.filter(|withheld| withheld.on == day).map_or(Fen::ZERO, |w| w.taken_fen)
    }

    /// Where the request for what is owed stands.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn request(
        &self,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
    ) -> Result<Request, MoneyError> {
        let owed = self.figures.unreserved()?;
        let is_possible = |m: &MandateInUse| rules.is_enough(owed.min(m.limit_fen));
        Ok(if self.open_debit.is_some() {
            Request::Open
        } else if !rules.is_enough(owed) {
            Request::NotNeeded
        } else if !mandate.is_some_and(is_possible) {
            Request::Impossible
        } else if self.is_as_last_requested(mandate) {
            Request::GivenUp
        } else {
            Request::Due
        })
    }

    /// Whether nothing has changed since a debit was last sent that was not paid: no movement but
    /// those of the debit itself, and no mandate.
    #[must_use]
    pub fn is_as_last_requested(&self, mandate: Option<&MandateInUse>) -> bool {
        self.last_request
            .as_ref()
            .is_some_and(|last| last.entries == self.entries && last.mandate.as_ref() == mandate)
    }

    /// A debit for what is owed, if one is to be opened now; none otherwise.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn requesting(
        &self,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Option<Movement>, MoneyError> {
        let unchanged = Movement { account: self.clone(), entry: None, opened: None };
        let requested = unchanged.requesting(mandate, rules, now)?;
        Ok(requested.opened.is_some().then_some(requested))
    }

    /// A debit that is sent for the first time: its amount is reserved.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotTheOpenDebit`] when another debit is open, [`AccountError::Rules`] when
    /// less is owed.
    pub fn debit_sent(
        &self,
        debit: &Debit,
        mandate: Option<&MandateInUse>,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        self.check_open(debit, Fen::ZERO)?;
        let amount = debit.reserved();
        if debit.phase != Phase::Sending || !amount.is_positive() {
            return Err(AccountError::NotFirstSent(debit.debit));
        }
        let postings = vec![(Ledger::Receivable, amount.negated()?), (Ledger::Reserved, amount)];
        let mut movement = self.moved(Cause::DebitSent { debit: debit.debit }, postings, now)?;
        let entries = movement.account.entries;
        movement.account.last_request = Some(LastRequest { entries, mandate: mandate.cloned() });
        Ok(movement)
    }

    /// The end of a debit. Paid: its amount is no longer owed, and what is still owed gets the next
    /// debit on the same day. Given up: its amount is owed as before, and prepaid money that
    /// arrived meanwhile pays of it what it can. Withdrawn: nothing moves.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotTheOpenDebit`] when the account has seen the end of this debit before,
    /// [`AccountError::StillOpen`] when the debit has not ended.
    pub fn end_debit(
        &self,
        debit: &Debit,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let amount = debit.terms.as_ref().map_or(Fen::ZERO, |terms| terms.amount_fen);
        self.check_open(debit, amount)?;
        match &debit.phase {
            Phase::Paid { .. } => self.debit_paid(debit, amount, mandate, rules, now),
            Phase::GivenUp { .. } => self.debit_given_up(debit, amount, now),
            Phase::Withdrawn => {
                let account = Account { open_debit: None, ..self.clone() };
                Ok(Movement { account, entry: None, opened: None })
            }
            Phase::Due
            | Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. } => Err(AccountError::StillOpen(debit.debit)),
        }
    }

    fn debit_paid(
        &self,
        debit: &Debit,
        amount: Fen,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let paid = debit.paid_attempt().ok_or(AccountError::StillOpen(debit.debit))?;
        let trade_no = paid.payment.as_ref().map(|payment| payment.trade_no.clone());
        let cause = Cause::DebitPaid {
            debit: debit.debit,
            trade_no: trade_no.ok_or(AccountError::StillOpen(debit.debit))?,
        };
        let postings = vec![(Ledger::Alipay, amount), (Ledger::Reserved, amount.negated()?)];
        let mut movement = self.moved(cause, postings, now)?;
        let on = rules.today(paid.sent_at_s);
        movement.account.open_debit = None;
        movement.account.last_request = None;
        movement.account.withheld = self.also_withheld(on, amount)?;
        Ok(movement.requesting(mandate, rules, now)?)
    }

    /// The day's sum with one more payment. A payment of an earlier day, which became known late,
    /// does not count for the last one.
    fn also_withheld(&self, on: Date, amount: Fen) -> Result<Option<Withheld>, MoneyError> {
        let taken_fen = match self.withheld {
            Some(withheld) if withheld.on > on => return Ok(Some(withheld)),
            Some(_) | None => self.withheld_on(on).plus(amount)?,
        };
        Ok(Some(Withheld { on, taken_fen }))
    }

    fn debit_given_up(
        &self,
        debit: &Debit,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let from_prepaid = self.from_prepaid(amount);
        let owed = amount.minus(from_prepaid)?;
        let postings = vec![
            (Ledger::Reserved, amount.negated()?),
            (Ledger::Receivable, owed),
            (Ledger::Prepaid, from_prepaid),
        ];
        let mut movement = self.moved(Cause::DebitGivenUp { debit: debit.debit }, postings, now)?;
        movement.account.open_debit = None;
        let is_unchanged = |last: &LastRequest| last.entries == self.entries;
        let entries = movement.account.entries;
        movement.account.last_request = self
            .last_request
            .clone()
            .filter(is_unchanged)
            .map(|last| LastRequest { entries, ..last });
        Ok(movement)
    }

    /// Checks that a debit is the open one and that this much is reserved for it.
    fn check_open(&self, debit: &Debit, reserved: Fen) -> Result<(), AccountError> {
        let is_open = self.open_debit == Some(debit.debit)
            && self.provider == debit.provider
            && self.figures.reserved() == reserved;
        let not_open = AccountError::NotTheOpenDebit { debit: debit.debit, open: self.open_debit };
        if is_open { Ok(()) } else { Err(not_open) }
    }
}

impl Movement {
    /// The same change with a debit for what is owed after it, if one is to be opened. A debit that
    /// follows a paid one is due on the same day, and any other when debits next fall due.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn requesting(
        mut self,
        mandate: Option<&MandateInUse>,
        rules: &DebitRules,
        now: Timestamp,
    ) -> Result<Movement, MoneyError> {
        if self.account.request(mandate, rules)? != Request::Due {
            return Ok(self);
        }
        let follows = self.entry.as_ref().is_some_and(|entry| match entry.record().cause {
            Cause::DebitPaid { .. } => true,
            Cause::Charged { .. }
            | Cause::DebitSent { .. }
            | Cause::DebitGivenUp { .. }
            | Cause::Recharged { .. }
            | Cause::RechargePaid { .. }
            | Cause::DebitFound { .. }
            | Cause::RefundAsked(_)
            | Cause::RefundDone(_)
            | Cause::RefundRefused(_)
            | Cause::Reversed(_)
            | Cause::Deposit(_) => false,
        });
        let account = &mut self.account;
        let due = if follows {
            rules.same_day_due(&account.provider, now)
        } else {
            rules.next_due(&account.provider, now)
        };
        account.debits += 1;
        let id = DebitId(account.debits);
        account.open_debit = Some(id);
        self.opened = Some(Debit::open(&account.provider, id, due, now));
        Ok(self)
    }
}
