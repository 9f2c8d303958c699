//! The books of a provider with whom nothing has happened, and the due index as the store keeps it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use steelyard_billing::{
    Account, Adjustment, AdjustmentError, AdjustmentOf, AdjustmentPhase, AdjustmentRequest,
    AgreementOwner, Books, Filed, Mandate, Person, Provider, Reason, Registration, Statement,
    TaskId,
};
use steelyard_pricing::Fen;

use crate::mandates::mandates;

pub(crate) fn new_books(provider: &Provider) -> Books {
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
        adjustments: Vec::new(),
        debits: Vec::new(),
        recharges: Vec::new(),
        refunds: Vec::new(),
        reversals: Vec::new(),
        counted: BTreeMap::new(),
        filed: Vec::new(),
        unmatched: Vec::new(),
    }
}

pub(crate) fn owner(mandate: &Mandate) -> Option<AgreementOwner> {
    Some(AgreementOwner {
        agreement_no: mandate.agreement_no.clone()?,
        provider: mandate.provider.clone(),
        mandate: mandate.mandate,
    })
}

/// Files every record that has work, as the store does whenever it writes one.
pub(crate) fn file(books: &mut Books) {
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

/// A request for an adjustment of the statement of 16 May, by `li`.
pub(crate) fn request(id: &str, fen: i64) -> AdjustmentRequest {
    AdjustmentRequest {
        id: Some(id.parse().unwrap()),
        amount_fen: Fen::new(fen),
        of: AdjustmentOf {
            corrects: "2015-05-16".parse().unwrap(),
            line: None,
            reports: Vec::new(),
        },
        reason: Reason::new("counted twice").unwrap(),
        by: Person::new("li").unwrap(),
    }
}

pub(crate) fn adjust(
    books: &mut Books,
    request: &AdjustmentRequest,
    now: Timestamp,
) -> Result<(), AdjustmentError> {
    let adjustment = Adjustment::new(&books.provider.provider, request, now)?;
    books.account = books.account.with_adjustment(&adjustment.note)?;
    books.adjustments.push(adjustment);
    Ok(())
}

pub(crate) fn approve(
    books: &mut Books,
    id: &str,
    by: &str,
    now: Timestamp,
) -> Result<(), AdjustmentError> {
    let before = books.adjustments.iter_mut().find(|of| of.note.adjustment.as_str() == id).unwrap();
    if let Some(after) = before.approved(&Person::new(by).unwrap(), now)? {
        books.account = books.account.with_adjustment(&after.note)?;
        *before = after;
    }
    Ok(())
}

/// Stores that a statement books its adjustments.
pub(crate) fn book(books: &mut Books, statement: &Statement) {
    for adjustment in &mut books.adjustments {
        if statement.adjustments.contains(&adjustment.note) {
            adjustment.phase = AdjustmentPhase::Booked { booked_on: statement.statement };
        }
    }
}
