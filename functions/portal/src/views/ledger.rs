//! A part of the ledger.

use steelyard_billing::{Debit, DebitId, Entry, Recharge, RechargeId, Refund, Reversal};
use steelyard_pages::debits::Confirmed;
use steelyard_pages::ledger::{LEDGER_PAGE, Ledger, LedgerKind, LedgerQuery, LedgerRecords};

use super::reported;
use crate::Shared;
use crate::asker::Visit;
use crate::refusal::Refusal;

/// The records of one kind of a ledger, and how many cannot be read.
#[derive(Default)]
struct Listed {
    entries: Vec<Entry>,
    debits: Vec<Debit>,
    confirmed: Option<Confirmed>,
    recharges: Vec<Recharge>,
    refunds: Vec<Refund>,
    reversals: Vec<Reversal>,
    unreadable: u64,
}

/// How many records are read for a page: one more than it shows, so that it knows of older ones.
fn page() -> u16 {
    u16::try_from(LEDGER_PAGE).unwrap_or(u16::MAX).saturating_add(1)
}

impl Shared {
    /// A part of the ledger.
    pub(crate) async fn ledger(
        &self,
        visit: &Visit,
        query: LedgerQuery,
    ) -> Result<Ledger, Refusal> {
        let listed = match query.kind {
            LedgerKind::All => self.entries(visit, query).await?,
            LedgerKind::Debits => self.debits(visit, query).await?,
            LedgerKind::Recharges => self.recharges(visit, query).await?,
            LedgerKind::Refunds => self.refunds(visit).await?,
        };
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let read = LedgerRecords {
            entries: &listed.entries,
            figures: None,
            debits: &listed.debits,
            confirmed: listed.confirmed.as_ref(),
            recharges: &listed.recharges,
            refunds: &listed.refunds,
            reversals: &listed.reversals,
        };
        let records = visit.records(self, terms.plans());
        let ledger = Ledger::new(&records, &read, query).map_err(Refusal::unavailable)?;
        Ok(Ledger { unreadable: listed.unreadable, ..ledger })
    }

    /// The entries of all kinds, down from the newest, with the debits that they name.
    async fn entries(&self, visit: &Visit, query: LedgerQuery) -> Result<Listed, Refusal> {
        let (billing, provider) = (&self.settler.books.billing, visit.provider());
        // The balance after an entry is found by going back from the account's last one.
        let last = visit.account.account.entries;
        let before = query.before.map(|before| before.0);
        let newer = before.map_or(0, |before| last.saturating_sub(before.saturating_sub(1)));
        let limit = u16::try_from(newer).unwrap_or(u16::MAX).saturating_add(page());
        let read = billing.newest_entries(provider, None, limit).await;
        let mut entries = read.map_err(Refusal::unavailable)?;
        // One that was booked since the account was read has no balance to show beside it.
        entries.retain(|entry| entry.record().number <= last);
        let next = newest_named(&entries, query).map(|debit| DebitId(debit.0.saturating_add(1)));
        let read = billing.newest::<Debit>(provider, next.as_ref(), page()).await;
        let (mut debits, unreadable) = reported(read.map_err(Refusal::unavailable)?);
        let open = visit.account.account.open_debit;
        if let Some(open) = open.filter(|open| debits.iter().all(|of| of.debit != *open)) {
            let open = billing.find::<Debit>(provider, &open).await;
            debits.extend(open.map_err(Refusal::unavailable)?);
        }
        Ok(Listed { entries, debits, unreadable, ..Listed::default() })
    }

    async fn debits(&self, visit: &Visit, query: LedgerQuery) -> Result<Listed, Refusal> {
        let before = query.before.map(|before| DebitId(before.0));
        let billing = &self.settler.books.billing;
        let read = billing.newest::<Debit>(visit.provider(), before.as_ref(), page()).await;
        let (debits, unreadable) = reported(read.map_err(Refusal::unavailable)?);
        let confirmed = self.confirmed_of(visit, &debits).await;
        Ok(Listed { debits, confirmed, unreadable, ..Listed::default() })
    }

    async fn recharges(&self, visit: &Visit, query: LedgerQuery) -> Result<Listed, Refusal> {
        let before = query.before.and_then(|before| u32::try_from(before.0).ok()).map(RechargeId);
        let billing = &self.settler.books.billing;
        let read = billing.newest::<Recharge>(visit.provider(), before.as_ref(), page()).await;
        let (recharges, unreadable) = reported(read.map_err(Refusal::unavailable)?);
        Ok(Listed { recharges, unreadable, ..Listed::default() })
    }

    async fn refunds(&self, visit: &Visit) -> Result<Listed, Refusal> {
        let (billing, provider) = (&self.settler.books.billing, visit.provider());
        let (refunds, reversals) = tokio::join!(billing.all(provider), billing.all(provider));
        let refunds = refunds.map_err(Refusal::unavailable)?;
        let reversals = reversals.map_err(Refusal::unavailable)?;
        Ok(Listed { refunds, reversals, ..Listed::default() })
    }
}

/// The newest debit that entries of a page may name. Debits are made one after the other, so an
/// older page names no later debit than the next one that is named above it. Only a payment that
/// was found late names an old debit.
fn newest_named(entries: &[Entry], query: LedgerQuery) -> Option<DebitId> {
    let is_newer = |entry: &&Entry| !query.wants(entry.record().number);
    let named = |entry: &Entry| entry.record().cause.debit();
    let above = entries.iter().rev().filter(is_newer).find_map(named)?;
    let listed = entries.iter().filter(|entry| !is_newer(entry)).filter_map(named);
    Some(listed.fold(above, DebitId::max))
}
