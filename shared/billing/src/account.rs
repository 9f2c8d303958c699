//! A provider's money, and the movements that change it. Pure: each movement gives the account
//! after it and the journal entry that explains it.

mod figures;
mod gateway;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, Metered, MoneyError, MonthToDate};
use thiserror::Error;

pub use figures::Figures;

use crate::journal::{Cause, Entry, EntryRecord, JournalError, Ledger, Posting};
use crate::{Debit, DebitId, DebitTerms, MandateInUse, Provider, ProviderId, StatementId};

/// A provider's account: its figures, and how far its usage has been settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose.
    pub provider: ProviderId,
    /// How often the account was written; each write is conditional on the one before.
    pub version: u64,
    /// The number of its last journal entry.
    pub entries: u64,
    /// What it has and owes; a projection of its entries.
    pub figures: Figures,
    /// The debit that is collecting what is reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_debit: Option<DebitId>,
    /// The last billing day that a statement was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_through: Option<BillingDay>,
    /// How many recharges were numbered.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub recharges: u32,
    /// How many mandates were numbered.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub mandates: u32,
    /// The first month whose usage may still have to be charged.
    pub open_from: BillingMonth,
    /// What has been rated and charged of each month from `open_from` on.
    #[serde(default)]
    pub months: BTreeMap<BillingMonth, MonthProgress>,
}

/// What has been rated and charged of one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthProgress {
    /// What was rated, by which terms, and the money charged.
    #[serde(flatten)]
    pub to_date: MonthToDate,
    /// What was rated of each day, by its number in the month: late usage is recognised by it.
    pub days: BTreeMap<i8, Metered>,
    /// The day of its last statement: days up to it keep the terms that they were rated by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_through: Option<BillingDay>,
    /// How many supplements follow the statement of the month's last day.
    pub supplements: u16,
}

/// A movement of money: everything that has to be stored in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The account after it.
    pub account: Account,
    /// The entry that records it; none if no money moved.
    pub entry: Option<Entry>,
    /// The debit that was opened to collect what is owed.
    pub opened: Option<Debit>,
}

/// Why money cannot move so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccountError {
    /// A figure would break the account's rules.
    #[error(
        "prepaid {prepaid}, receivable {receivable} and reserved {reserved} contradict each other"
    )]
    Rules {
        /// The prepaid balance, in yuan.
        prepaid: Fen,
        /// The receivable, in yuan.
        receivable: Fen,
        /// The part of it that an open debit is collecting, in yuan.
        reserved: Fen,
    },
    /// The entry would not balance.
    #[error("cannot record the movement")]
    Journal(#[from] JournalError),
    /// An amount leaves its range.
    #[error("cannot compute the movement")]
    Money(#[from] MoneyError),
    /// Money that is paid in is more than nothing.
    #[error("a recharge of {0} yuan is not an amount to pay in")]
    NotAPayment(Fen),
    /// The debit that ended is not the one that collects what is reserved.
    #[error("debit {debit} ended, but the open debit is {open:?}")]
    NotTheOpenDebit {
        /// The debit that ended.
        debit: DebitId,
        /// The one that is open.
        open: Option<DebitId>,
    },
    /// The debit has not ended.
    #[error("debit {0} has not ended")]
    StillOpen(DebitId),
    /// More is to be given back of a recharge than is still prepaid.
    #[error("¥{amount} can't be given back: ¥{prepaid} are prepaid and not used")]
    Used {
        /// What is to be given back.
        amount: Fen,
        /// What is prepaid.
        prepaid: Fen,
    },
}

impl Account {
    /// The empty account of a new provider.
    #[must_use]
    pub fn new(provider: &Provider) -> Account {
        Account {
            provider: provider.provider.clone(),
            version: 0,
            entries: 0,
            figures: Figures::default(),
            open_debit: None,
            settled_through: None,
            recharges: 0,
            mandates: 0,
            open_from: provider.billed_from,
            months: BTreeMap::new(),
        }
    }

    /// Charges a statement: the prepaid balance pays first, the rest is owed, and a debit is opened
    /// for what is owed where one is due. A credit pays what is owed first. A charge of nothing
    /// moves nothing, and opens no debit for what was owed before.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when an amount leaves its range.
    pub fn charge(
        &self,
        statement: StatementId,
        charge: Fen,
        mandate: Option<&MandateInUse>,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let mut postings = vec![(Ledger::Revenue, charge.negated()?)];
        if charge.is_negative() {
            postings.extend(self.paid_in(charge.negated()?)?);
        } else {
            let from_prepaid = self.from_prepaid(charge);
            postings.push((Ledger::Prepaid, from_prepaid));
            postings.push((Ledger::Receivable, charge.minus(from_prepaid)?));
        }
        if charge.is_zero() {
            return Ok(Movement { account: self.clone(), entry: None, opened: None });
        }
        let movement = self.moved(Cause::Charged { statement }, postings, now)?;
        movement.opening(mandate, terms, now)
    }

    /// What of a charge the prepaid balance pays.
    #[must_use]
    pub fn from_prepaid(&self, charge: Fen) -> Fen {
        charge.min(self.figures.prepaid()).max(Fen::ZERO)
    }

    /// Money that the provider paid in by other ways than a debit: it pays what is owed and not
    /// being collected, and the rest is prepaid.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotAPayment`] unless the amount is more than nothing.
    pub fn recharge(
        &self,
        amount: Fen,
        reference: String,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if !amount.is_positive() {
            return Err(AccountError::NotAPayment(amount));
        }
        let mut postings = vec![(Ledger::Bank, amount)];
        postings.extend(self.paid_in(amount)?);
        self.moved(Cause::Recharged { reference }, postings, now)
    }

    /// What a debit that has ended does to the account. Paid: nothing is reserved any more, and
    /// what is still owed gets the next debit. Given up: the amount is owed as before, and prepaid
    /// money that came in meanwhile pays of it what it can.
    ///
    /// # Errors
    ///
    /// [`AccountError::NotTheOpenDebit`] when the account has seen the end of this debit before,
    /// [`AccountError::StillOpen`] when the debit has not ended.
    pub fn end_debit(
        &self,
        debit: &Debit,
        mandate: Option<&MandateInUse>,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let is_the_open_one = self.open_debit == Some(debit.debit)
            && self.provider == debit.provider
            && self.figures.reserved() == debit.amount_fen;
        if !is_the_open_one {
            return Err(AccountError::NotTheOpenDebit {
                debit: debit.debit,
                open: self.open_debit,
            });
        }
        let released = (Ledger::Reserved, debit.amount_fen.negated()?);
        if let Some(payment) = debit.payment() {
            let cause = Cause::DebitPaid { debit: debit.debit, trade_no: payment.trade_no.clone() };
            let postings = vec![(Ledger::Alipay, debit.amount_fen), released];
            return self.moved(cause, postings, now)?.opening(mandate, terms, now);
        }
        if debit.is_open() {
            return Err(AccountError::StillOpen(debit.debit));
        }
        let from_prepaid = self.from_prepaid(debit.amount_fen);
        let owed = debit.amount_fen.minus(from_prepaid)?;
        let postings = vec![released, (Ledger::Receivable, owed), (Ledger::Prepaid, from_prepaid)];
        self.moved(Cause::DebitExhausted { debit: debit.debit }, postings, now)
    }

    /// How money that came in is used: for what is owed and not being collected, then as prepaid.
    fn paid_in(&self, amount: Fen) -> Result<[(Ledger, Fen); 2], MoneyError> {
        let pays = amount.min(self.figures.unreserved()?);
        let prepaid = amount.minus(pays)?;
        Ok([(Ledger::Receivable, pays.negated()?), (Ledger::Prepaid, prepaid.negated()?)])
    }

    fn moved(
        &self,
        cause: Cause,
        postings: Vec<(Ledger, Fen)>,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let ends_debit = match &cause {
            Cause::DebitPaid { .. } | Cause::DebitExhausted { .. } => true,
            Cause::Charged { .. }
            | Cause::Recharged { .. }
            | Cause::RechargePaid { .. }
            | Cause::DebitFound { .. }
            | Cause::RefundAsked { .. }
            | Cause::RefundDone { .. }
            | Cause::RefundRefused { .. }
            | Cause::Reversed { .. } => false,
        };
        let entry = Entry::try_from(EntryRecord {
            provider: self.provider.clone(),
            number: self.entries + 1,
            recorded_at_s: now,
            cause,
            postings: postings.into_iter().filter_map(posting).collect(),
            opened: None,
        })?;
        let mut account = self.clone();
        account.entries = entry.record().number;
        account.figures = self.figures.after(&entry)?;
        if ends_debit {
            account.open_debit = None;
        }
        Ok(Movement { account, entry: Some(entry), opened: None })
    }
}

/// Whether nothing was counted, which is not stored.
fn is_nothing(count: &u32) -> bool {
    *count == 0
}

fn posting((ledger, amount_fen): (Ledger, Fen)) -> Option<Posting> {
    (!amount_fen.is_zero()).then_some(Posting { ledger, amount_fen })
}

impl Movement {
    /// The same movement with a debit for what is owed after it: when there is a mandate in use, no
    /// other debit is open, and the amount is at least the minimum. The mandate's limit
    /// caps it; the rest waits for the next.
    fn opening(
        mut self,
        mandate: Option<&MandateInUse>,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        let (Some(mandate), Some(entry)) = (mandate, self.entry.clone()) else { return Ok(self) };
        let amount = self.account.figures.unreserved()?.min(mandate.limit_fen);
        let due = amount.is_positive() && amount >= terms.minimum_fen;
        if !due || self.account.open_debit.is_some() {
            return Ok(self);
        }
        let debit = Debit::open(
            &self.account.provider,
            DebitId(self.account.entries),
            amount,
            mandate,
            terms,
            now,
        );
        let before = self.account.figures;
        let reserving = Entry::try_from(EntryRecord {
            opened: Some(debit.debit),
            postings: vec![
                Posting { ledger: Ledger::Receivable, amount_fen: amount.negated()? },
                Posting { ledger: Ledger::Reserved, amount_fen: amount },
            ],
            ..entry.record().clone()
        })?;
        self.account.figures = before.after(&reserving)?;
        self.account.open_debit = Some(debit.debit);
        self.entry = Some(joined(entry, reserving)?);
        self.opened = Some(debit);
        Ok(self)
    }
}

/// One entry for two that happen at once.
fn joined(first: Entry, second: Entry) -> Result<Entry, JournalError> {
    let mut postings = first.record().postings.clone();
    postings.extend(second.record().postings.iter().copied());
    Entry::try_from(EntryRecord { postings, ..second.into() })
}
