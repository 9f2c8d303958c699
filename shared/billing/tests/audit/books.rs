//! The books of a provider with whom nothing has happened, and the due index as the store keeps it.

use std::collections::BTreeMap;

use steelyard_billing::{
    Account, AgreementOwner, Books, Filed, Mandate, Provider, Registration, TaskId,
};

use crate::mandates::mandates;

pub fn new_books(provider: &Provider) -> Books {
    let mandates = mandates(provider);
    let mut account = Account::new(provider);
    account.mandates = u32::try_from(mandates.len()).unwrap();
    Books {
        account,
        owners: mandates.iter().filter_map(owner).collect(),
        mandates,
        registration: Some(Registration::of(provider)),
        code: Some(provider.provider.clone()),
        provider: provider.clone(),
        statements: Vec::new(),
        journal: Vec::new(),
        debits: Vec::new(),
        recharges: Vec::new(),
        refunds: Vec::new(),
        reversals: Vec::new(),
        counted: BTreeMap::new(),
        filed: Vec::new(),
        unmatched: Vec::new(),
    }
}

pub fn owner(mandate: &Mandate) -> Option<AgreementOwner> {
    Some(AgreementOwner {
        agreement_no: mandate.agreement_no.clone()?,
        provider: mandate.provider.clone(),
        mandate: mandate.mandate,
    })
}

/// Files every record that has work, as the store does whenever it writes one.
pub fn file(books: &mut Books) {
    let debits = books.debits.iter().map(|d| (TaskId::Debit(d.debit), d.due_at()));
    let recharges = books.recharges.iter().map(|r| (TaskId::Recharge(r.recharge), r.due_at()));
    let refunds = books.refunds.iter().map(|r| (TaskId::Refund(r.number()), r.due_at()));
    let reversals = books.reversals.iter().map(|r| (TaskId::Reversal(r.number()), r.due_at()));
    let mandates = books.mandates.iter().map(|m| (TaskId::Mandate(m.mandate), m.due_at()));
    let tasks = debits.chain(recharges).chain(refunds).chain(reversals).chain(mandates);
    books.filed = tasks
        .filter_map(|(task, due_at)| {
            Some(Filed { task, dispatch_at: due_at?, is_in_its_shard: true })
        })
        .collect();
}
