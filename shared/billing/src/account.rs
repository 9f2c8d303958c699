//! A provider's money, and the movements that change it. Pure: each movement gives the account
//! after it and the journal entry that explains it.

mod collect;
mod deposit;
mod figures;
mod gateway;
mod unpaid;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use steelyard_pricing::{BillingDay, BillingMonth, Fen, MoneyError, MonthToDate, VouchersUsed};
use thiserror::Error;

pub use collect::{Collectable, Expected, LastRequest, Request, Withheld};
pub use deposit::{DepositPayment, DepositReturn};
pub use figures::Figures;
pub use unpaid::{Unpaid, UnpaidCharge};

use crate::journal::{Cause, Entry, EntryRecord, JournalError, Ledger, Posting};
use crate::{
    AdjustmentNote, AlertState, Calendar, ComingVersion, Debit, DebitId, DepositNote, ListedNames,
    Provider, ProviderId, Reference, StageHold, StatementId, is_zero,
};

/// A provider's account: its figures, and how far its usage has been settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The provider whose account it is.
    pub provider: ProviderId,
    /// How often the account was written. Each write is conditional on the version before.
    pub version: u64,
    /// The number of its last journal entry.
    pub entries: u64,
    /// The balances; a projection of its entries.
    pub figures: Figures,
    /// The open debit: at most one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_debit: Option<DebitId>,
    /// What debits took on the last day on which one was sent that took money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
    /// The state in which a debit was last sent; none after one was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request: Option<LastRequest>,
    /// The last billing day that a statement was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_through: Option<BillingDay>,
    /// The number of its last debit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub debits: u64,
    /// The number of its last recharge.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub recharges: u32,
    /// The number of its last mandate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mandates: u32,
    /// The version of the provider's sessions: its pages are open only in those of this version.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub session_version: u32,
    /// The charges that are not paid, by the time of the charge.
    #[serde(default, skip_serializing_if = "Unpaid::is_empty")]
    pub unpaid: Unpaid,
    /// What debits gave up of what it owes, and nothing has paid or requested since. None on an
    /// account of a version that did not note it, until nothing is owed that no debit is
    /// collecting: what was given up before is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up_fen: Option<Fen>,
    /// What the provider was last notified of about its deposit.
    #[serde(default, skip_serializing_if = "DepositNote::is_empty")]
    pub deposit: DepositNote,
    /// The stage that an operator decided on, whatever the arrears ladder says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_hold: Option<StageHold>,
    /// The day of the last settlement that found something owed, or a hold: time alone may have
    /// changed the standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing_noted_on: Option<BillingDay>,
    /// The coming versions of its plan that were announced to the provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coming: Vec<ComingVersion>,
    /// The alerts that stand.
    #[serde(default, skip_serializing_if = "AlertState::is_empty")]
    pub alerts: AlertState,
    /// The first month that is not charged for good.
    pub open_from: BillingMonth,
    /// What has been rated and charged of each month from `open_from` on.
    #[serde(default)]
    pub months: BTreeMap<BillingMonth, MonthProgress>,
    /// What the months before `open_from` used of vouchers.
    #[serde(default, skip_serializing_if = "VouchersUsed::is_empty")]
    pub vouchers: VouchersUsed,
    /// The adjustments that wait for the next statement, in the order in which they were made; at
    /// most [`WAITING_MAX`](crate::WAITING_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adjustments: Vec<AdjustmentNote>,
}

/// What has been rated and charged of one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthProgress {
    /// The rated usage, its terms, and the money charged.
    #[serde(flatten)]
    pub to_date: MonthToDate,
    /// How often usage of each settled day had changed after the day was over, by its number in the
    /// month: where it changed more often since, the day is read again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<i8, u64>,
    /// The names that its statements list, of those that no plan lists.
    #[serde(default, skip_serializing_if = "ListedNames::is_empty")]
    pub names: ListedNames,
    /// The day of its last statement: days up to it keep the terms that they were rated by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_through: Option<BillingDay>,
    /// How many supplements follow the statement of the month's last day.
    pub supplements: u16,
}

/// A change of an account: everything that has to be stored in one transaction.
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
    /// The debit is not the open one, or what it reserves is not what is reserved.
    #[error(
        "debit {debit} changed, but the open debit is {}",
        open.map_or("none".to_owned(), |open| open.to_string())
    )]
    NotTheOpenDebit {
        /// The debit that changed.
        debit: DebitId,
        /// The one that is open.
        open: Option<DebitId>,
    },
    /// The debit has not ended.
    #[error("debit {0} has not ended")]
    StillOpen(DebitId),
    /// The debit was sent before, or is not being sent.
    #[error("debit {0} is not being sent for the first time")]
    NotFirstSent(DebitId),
    /// More is to be given back of a recharge than is still prepaid.
    #[error("¥{amount} can't be given back: ¥{prepaid} are prepaid and not used")]
    Used {
        /// The amount that was to be given back.
        amount: Fen,
        /// The part of it that is still prepaid, in fen.
        prepaid: Fen,
    },
    /// More than is held would be taken from the deposit.
    #[error("a deposit of {0} yuan contradicts itself")]
    NegativeDeposit(Fen),
    /// Nothing can be drawn from the deposit.
    #[error(
        "nothing can be drawn: ¥{held} are held as the deposit, and ¥{owed} are owed that no debit is collecting"
    )]
    NothingToDraw {
        /// The deposit, in fen.
        held: Fen,
        /// What is owed and not being collected.
        owed: Fen,
    },
    /// A debit that was sent has not ended: what is owed is not known.
    #[error("debit {debit} is collecting ¥{amount}; the deposit can be returned once it has ended")]
    Collecting {
        /// The debit that is open.
        debit: DebitId,
        /// The amount that it collects, in fen.
        amount: Fen,
    },
    /// Nothing is left of the deposit to return.
    #[error("nothing can be returned: ¥{held} are held as the deposit, and ¥{owed} are owed")]
    NothingToReturn {
        /// The deposit, in fen.
        held: Fen,
        /// The receivable, in fen.
        owed: Fen,
    },
    /// What is left of the deposit is to be returned by a bank transfer.
    #[error("nothing can be returned through Alipay; return ¥{0} by a bank transfer")]
    ByTransfer(Fen),
    /// More is to be returned by a bank transfer than may be.
    #[error(
        "¥{amount} can't be returned by a bank transfer: ¥{most} can; the rest is returned through Alipay, which took it"
    )]
    NotByTransfer {
        /// The amount that was to be returned.
        amount: Fen,
        /// The most that may be returned so.
        most: Fen,
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
            withheld: None,
            last_request: None,
            settled_through: None,
            debits: 0,
            recharges: 0,
            mandates: 0,
            session_version: 0,
            unpaid: Unpaid::default(),
            given_up_fen: Some(Fen::ZERO),
            deposit: DepositNote::default(),
            stage_hold: None,
            standing_noted_on: None,
            coming: Vec::new(),
            alerts: AlertState::default(),
            open_from: provider.billed_from,
            months: BTreeMap::new(),
            vouchers: VouchersUsed::default(),
            adjustments: Vec::new(),
        }
    }

    /// The first day that is not settled.
    #[must_use]
    pub fn unsettled_from(&self) -> BillingDay {
        let open = self.open_from.first_day();
        self.settled_through.map_or(open, |settled| settled.next().max(open))
    }

    /// The first month whose reports may have expired before settlement read all of them, if there
    /// is one: settlement stood still for months. Before its first statement a provider has none.
    #[must_use]
    pub fn lapsed(&self, calendar: &Calendar, now: Timestamp) -> Option<BillingMonth> {
        self.settled_through?;
        (calendar.kept_from(self.open_from, now) > self.open_from).then_some(self.open_from)
    }

    /// What the months before a month used of vouchers so far.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn vouchers_used_before(&self, month: BillingMonth) -> Result<VouchersUsed, MoneyError> {
        let earlier = self.months.range(..month).map(|(_, progress)| &progress.to_date);
        earlier
            .map(MonthToDate::vouchers_used)
            .try_fold(self.vouchers.clone(), |sum, used| sum.plus(&used?))
    }

    /// How often usage of each settled day had changed when that was last charged.
    pub(crate) fn noted_changes(&self) -> BTreeMap<BillingDay, u64> {
        let noted = self.months.iter().flat_map(|(month, progress)| {
            let day = |(number, times): (&i8, &u64)| Some((month.day(*number)?, *times));
            progress.changes.iter().filter_map(day)
        });
        noted.collect()
    }

    /// Notes how often usage of a settled day had changed when that was charged.
    pub(crate) fn note_changes(&mut self, day: BillingDay, times: Option<u64>) {
        let (month, number) = (day.month(), day.day_of_month());
        match times {
            Some(times) => {
                self.months.entry(month).or_default().changes.insert(number, times);
            }
            None => {
                if let Some(progress) = self.months.get_mut(&month) {
                    progress.changes.remove(&number);
                }
            }
        }
    }

    /// Charges a statement: the prepaid balance pays first, and the rest is owed. A credit pays
    /// what is owed first. A charge of zero moves nothing.
    ///
    /// # Errors
    ///
    /// [`AccountError`] when an amount leaves its range.
    pub fn charge(
        &self,
        statement: StatementId,
        charge: Fen,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if charge.is_zero() {
            return Ok(Movement { account: self.clone(), entry: None, opened: None });
        }
        let mut postings = vec![(Ledger::Revenue, charge.negated()?)];
        if charge.is_negative() {
            postings.extend(self.paid_in(charge.negated()?)?);
        } else {
            let from_prepaid = self.from_prepaid(charge);
            postings.push((Ledger::Prepaid, from_prepaid));
            postings.push((Ledger::Receivable, charge.minus(from_prepaid)?));
        }
        self.moved(Cause::Charged { statement }, postings, now)
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
        reference: Reference,
        now: Timestamp,
    ) -> Result<Movement, AccountError> {
        if !amount.is_positive() {
            return Err(AccountError::NotAPayment(amount));
        }
        let mut postings = vec![(Ledger::Bank, amount)];
        postings.extend(self.paid_in(amount)?);
        self.moved(Cause::Recharged { reference }, postings, now)
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
        let entry = Entry::try_from(EntryRecord {
            provider: self.provider.clone(),
            number: self.entries + 1,
            recorded_at_s: now,
            cause,
            postings: postings.into_iter().filter_map(posting).collect(),
        })?;
        let mut account = self.clone();
        account.entries = entry.record().number;
        account.figures = self.figures.after(&entry)?;
        account.unpaid = self.unpaid.after(entry.owed_more()?, now)?;
        account.given_up_fen = match self.given_up_fen {
            Some(before) => Some(entry.given_up_after(before)?),
            // Debits gave up no more than that.
            None => account.figures.unreserved()?.is_zero().then_some(Fen::ZERO),
        };
        account.deposit = self.deposit.after(&entry, account.figures.deposit())?;
        Ok(Movement { account, entry: Some(entry), opened: None })
    }
}

fn posting((ledger, amount_fen): (Ledger, Fen)) -> Option<Posting> {
    (!amount_fen.is_zero()).then_some(Posting { ledger, amount_fen })
}
