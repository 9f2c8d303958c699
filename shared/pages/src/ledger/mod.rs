//! The ledger: every movement of a provider's money with the balance after it, and the debits,
//! recharges and refunds behind it.

mod given_back;
mod page;
mod query;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    AccountError, Cause, Debit, DebitId, Entry, Figures, Recharge, Refund, Reversal,
};
use steelyard_pricing::{Fen, MoneyError};
use thiserror::Error;
use utoipa::ToSchema;

pub use given_back::{GivenBackState, RefundView, ReversalView};
pub use page::LedgerPage;
pub use query::{Before, LedgerKind, LedgerQuery, LedgerQueryError};

use crate::Records;
use crate::debits::{Confirmed, DebitView, DeclinedTry};
use crate::recharge::RechargeItem;

/// How many movements, debits or recharges a page shows.
pub const LEDGER_PAGE: usize = 50;

/// What of the ledger was read.
#[derive(Clone, Copy, Debug)]
pub struct LedgerRecords<'a> {
    /// Entries, the newest first and without a gap. Those that are not asked for, since they are
    /// newer, are only used to go back to the balance before them.
    pub entries: &'a [Entry],
    /// The figures after the first of the entries; none if it is the account's last entry.
    pub figures: Option<Figures>,
    /// Debits, in any order: those that are asked for, or those of the entries, the open one among
    /// them.
    pub debits: &'a [Debit],
    /// Which of their payments bills of Alipay have shown; none if that cannot be read.
    pub confirmed: Option<&'a Confirmed>,
    /// Recharges, in any order.
    pub recharges: &'a [Recharge],
    /// Refunds, in any order.
    pub refunds: &'a [Refund],
    /// Reversals, in any order.
    pub reversals: &'a [Reversal],
}

/// A page of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Ledger {
    /// The part of the ledger that is listed.
    pub kind: LedgerKind,
    /// What the account has and owes now.
    pub balance: Balance,
    /// Movements, the newest first.
    pub entries: Vec<LedgerEntry>,
    /// The tries of debits that Alipay declined in the time of the movements, the newest first:
    /// they moved nothing.
    pub declined: Vec<LedgerDecline>,
    /// Debits, the newest first: where movements are listed, the open one.
    pub debits: Vec<DebitView>,
    /// Recharges, the newest first.
    pub recharges: Vec<RechargeItem>,
    /// What the platform gave back, the newest first.
    pub refunds: Vec<RefundView>,
    /// What Alipay gave back without the platform's request, the newest first.
    pub reversals: Vec<ReversalView>,
    /// Whether it begins with the newest.
    pub is_newest: bool,
    /// Before which number the older ones are, if there are any.
    pub older_before: Option<u64>,
    /// How many records of the account cannot be read, and are missing here.
    pub unreadable: u64,
}

/// What an account has and owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Balance {
    /// Paid in advance and not used.
    #[schema(value_type = i64)]
    pub prepaid_fen: Fen,
    /// Everything that is owed, in fen.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
    /// The part of it that the open debit is collecting.
    #[schema(value_type = i64)]
    pub collecting_fen: Fen,
    /// The other part of it: what a recharge would pay.
    #[schema(value_type = i64)]
    pub payable_fen: Fen,
    /// Held as the deposit.
    #[schema(value_type = i64)]
    pub deposit_fen: Fen,
}

/// A try of a debit that Alipay declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerDecline {
    /// The number of the debit among the provider's, from 1.
    #[schema(value_type = u64)]
    pub debit: DebitId,
    /// The time and the reason of the decline.
    #[serde(flatten)]
    pub declined: DeclinedTry,
}

/// One movement of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerEntry {
    /// Its number among the provider's, from 1 without a gap.
    pub number: u64,
    /// When it was recorded, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub recorded_at_s: Timestamp,
    /// The cause of the movement, as text.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub cause: Cause,
    /// How much moved: more than nothing.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// The change for the provider: more is prepaid, or less is owed. Zero if an amount
    /// only begins or ceases to be collected.
    #[schema(value_type = i64)]
    pub change_fen: Fen,
    /// The prepaid balance and the receivable after the movement.
    pub after: Balance,
}

/// Why a page of the ledger cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LedgerError {
    /// An entry is missing.
    #[error("entry {expected} is missing; entry {found} was read in its place")]
    Gap {
        /// The number of the entry that is missing.
        expected: u64,
        /// The number of the one that was read.
        found: u64,
    },
    /// The entries do not lead to the figures.
    #[error("entry {number} does not lead to the balance after it")]
    Balance {
        /// The entry's number.
        number: u64,
        /// The rule that the figures break.
        #[source]
        source: AccountError,
    },
    /// An amount leaves its range.
    #[error("cannot compute the ledger")]
    Money(#[from] MoneyError),
}

impl Ledger {
    /// The part of the ledger that is asked for.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] when the records do not fit together.
    pub fn new(
        records: &Records<'_>,
        read: &LedgerRecords<'_>,
        query: LedgerQuery,
    ) -> Result<Ledger, LedgerError> {
        let mut entries = entries(records, read)?;
        // What happened before the first movement of the page before this one.
        let until = entries.iter().rfind(|entry| !query.wants(entry.number));
        let until = until.map(|entry| entry.recorded_at_s);
        entries.retain(|entry| query.wants(entry.number));
        let mut debits = DebitView::newest_first(records, read.debits, read.confirmed)?;
        let mut recharges = RechargeItem::newest_first(read.recharges);
        let mut declined = Vec::new();
        let older_before = match query.kind {
            LedgerKind::All => {
                let older = cut(&mut entries, |entry| entry.number);
                let from = entries.last().map(|entry| entry.recorded_at_s);
                declined = declined_between(&debits, from, until);
                debits.retain(DebitView::is_open);
                older
            }
            LedgerKind::Debits => {
                debits.retain(|debit| query.wants(debit.debit.0));
                cut(&mut debits, |debit| debit.debit.0)
            }
            LedgerKind::Recharges => {
                recharges.retain(|recharge| query.wants(u64::from(recharge.recharge.0)));
                cut(&mut recharges, |recharge| u64::from(recharge.recharge.0))
            }
            LedgerKind::Refunds => None,
        };
        Ok(Ledger {
            kind: query.kind,
            balance: Balance::of(&records.account.figures)?,
            entries,
            declined,
            debits,
            recharges,
            refunds: RefundView::newest_first(read.refunds),
            reversals: ReversalView::newest_first(read.reversals),
            is_newest: query.before.is_none(),
            older_before,
            unreadable: 0,
        })
    }
}

/// The tries that were declined from one time until before another, the newest first.
fn declined_between(
    debits: &[DebitView],
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Vec<LedgerDecline> {
    let is_of_page =
        |at: Timestamp| from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until);
    let declined = debits.iter().flat_map(|debit| {
        let of = |declined: &DeclinedTry| LedgerDecline {
            debit: debit.debit,
            declined: declined.clone(),
        };
        debit.declines.iter().filter(|declined| is_of_page(declined.at_s)).map(of)
    });
    let mut declined = declined.collect::<Vec<_>>();
    declined.sort_by_key(|of| std::cmp::Reverse(of.declined.at_s));
    declined
}

/// Keeps a page of records, the newest first; gives the number of the last one, if there are older
/// ones. The records of a provider are numbered from 1 without a gap.
fn cut<T>(records: &mut Vec<T>, number: impl Fn(&T) -> u64) -> Option<u64> {
    records.truncate(LEDGER_PAGE);
    records.last().map(number).filter(|last| *last > 1)
}

/// The entries with the balance after each, going back from the figures after the first.
fn entries(
    records: &Records<'_>,
    read: &LedgerRecords<'_>,
) -> Result<Vec<LedgerEntry>, LedgerError> {
    let mut figures = read.figures.unwrap_or(records.account.figures);
    let first = read.entries.first().map(|entry| entry.record().number);
    let mut expected = match read.figures {
        Some(_) => first.unwrap_or(0),
        None => records.account.entries,
    };
    let mut all = Vec::with_capacity(read.entries.len());
    for entry in read.entries {
        let number = entry.record().number;
        if number != expected {
            return Err(LedgerError::Gap { expected, found: number });
        }
        let before =
            figures.before(entry).map_err(|source| LedgerError::Balance { number, source })?;
        all.push(LedgerEntry::new(entry, Balance::of(&before)?, Balance::of(&figures)?)?);
        figures = before;
        expected = expected.saturating_sub(1);
    }
    Ok(all)
}

impl Balance {
    /// The figures of an account.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn of(figures: &Figures) -> Result<Balance, MoneyError> {
        Ok(Balance {
            prepaid_fen: figures.prepaid(),
            owed_fen: figures.receivable(),
            collecting_fen: figures.reserved(),
            payable_fen: figures.unreserved()?,
            deposit_fen: figures.deposit(),
        })
    }

    /// What is prepaid less what is owed.
    fn net(self) -> Result<Fen, MoneyError> {
        self.prepaid_fen.minus(self.owed_fen)
    }
}

impl LedgerEntry {
    fn new(entry: &Entry, before: Balance, after: Balance) -> Result<LedgerEntry, MoneyError> {
        let record = entry.record();
        let positive = record.postings.iter().filter(|posting| posting.amount_fen.is_positive());
        Ok(LedgerEntry {
            number: record.number,
            recorded_at_s: record.recorded_at_s,
            cause: record.cause.clone(),
            amount_fen: Fen::sum(positive.map(|posting| posting.amount_fen))?,
            change_fen: after.net()?.minus(before.net()?)?,
            after,
        })
    }

    /// Whether a charge gives money back: a credit.
    fn is_credit(&self) -> bool {
        self.change_fen.is_positive()
    }
}
