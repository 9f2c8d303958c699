//! What is stored of a provider is its own: its records, its registration, its code, its
//! agreements, and the numbers by which the gateway knows its trades and mandates.

use super::text::shown;
use super::{Audited, Books, Breach, BreachKind, Findings};
use crate::{
    Attempt, Debit, Entry, Mandate, OutTradeNo, ProviderCode, ProviderId, TradeNumber, TradeOf,
};

pub(super) fn audit(audited: &Audited<'_>, found: &mut Findings) -> Result<(), Breach> {
    let Audited { books, .. } = audited;
    check_records(books, found);
    check_registration(books, found);
    check_code(books, found);
    for mandate in &books.mandates {
        check_owner(mandate, books, found);
    }
    check_numbers(books, found);
    check_last_numbers(books, found);
    Ok(())
}

/// Every record that is stored with the provider belongs to it.
fn check_records(books: &Books, found: &mut Findings) {
    let provider = &books.provider.provider;
    let mut check = |owner: &ProviderId, record: &dyn Fn() -> String| {
        found.check(owner == provider, || {
            let (stated, actual) =
                (format!("it is stored with {provider}"), format!("it belongs to {owner}"));
            Breach::new(BreachKind::Foreign, record(), stated, actual)
        });
    };
    check(&books.account.provider, &|| "the account".to_owned());
    for statement in &books.statements {
        check(&statement.provider, &|| format!("statement {}", statement.statement));
    }
    for record in books.journal.iter().map(Entry::record) {
        check(&record.provider, &|| format!("journal entry {}", record.number));
    }
    for adjustment in &books.adjustments {
        check(&adjustment.provider, &|| format!("adjustment {}", adjustment.note.adjustment));
    }
    for debit in &books.debits {
        check(&debit.provider, &|| format!("debit {}", debit.debit));
    }
    for mandate in &books.mandates {
        check(&mandate.provider, &|| format!("mandate {}", mandate.mandate));
    }
    for recharge in &books.recharges {
        check(&recharge.provider, &|| format!("recharge {}", recharge.recharge));
    }
    for refund in &books.refunds {
        check(&refund.provider, &|| format!("refund {}", refund.number()));
    }
    for reversal in &books.reversals {
        check(&reversal.provider, &|| format!("reversal {}", reversal.number()));
    }
    for item in &books.unmatched {
        check(&item.provider, &|| format!("the bill item of {}", item.out_trade_no));
    }
}

fn check_registration(books: &Books, found: &mut Findings) {
    let provider = &books.provider;
    let registered = books.registration.map(|registration| registration.billed_from);
    let actual = provider.billed_from;
    found.check(registered == Some(actual), || {
        let named = |from| format!("billed from {from}");
        let stated = registered.map_or("there is none".to_owned(), named);
        let actual = format!("the provider is {}", named(actual));
        Breach::new(BreachKind::Registration, "the registration", stated, actual)
    });
}

fn check_code(books: &Books, found: &mut Findings) {
    let provider = &books.provider.provider;
    found.check(books.code.as_ref() == Some(provider), || {
        let place = format!("the code {}", ProviderCode::of(provider));
        let stated = format!("it names {}", shown(&books.code));
        Breach::new(BreachKind::Code, place, stated, format!("it is the code of {provider}"))
    });
}

/// The agreement of a mandate belongs to that mandate, and to no other.
fn check_owner(mandate: &Mandate, books: &Books, found: &mut Findings) {
    let Some(agreement_no) = &mandate.agreement_no else { return };
    let owners = books.owners.iter().filter(|owner| owner.agreement_no == *agreement_no);
    let named = owners.map(|owner| format!("mandate {} of {}", owner.mandate, owner.provider));
    let named = named.collect::<Vec<_>>();
    let actual = format!("mandate {} of {}", mandate.mandate, books.provider.provider);
    found.check(named == [actual.as_str()], || {
        let stated = format!("its owner is {}", shown(&named));
        let place = format!("agreement {agreement_no}");
        Breach::new(BreachKind::Owner, place, stated, format!("{actual} has its number"))
    });
}

/// The numbers of attempts, recharges and mandates name the provider and the record.
fn check_numbers(books: &Books, found: &mut Findings) {
    let code = ProviderCode::of(&books.provider.provider);
    let mut check = |number: &OutTradeNo, of: TradeOf, record: &dyn Fn() -> String| {
        let read = TradeNumber::parse(number.as_str());
        let is_its_own = read.is_some_and(|read| read.provider == code && read.of == of);
        found.check(is_its_own, || other_number(record(), number.as_str()));
    };
    for debit in &books.debits {
        for (attempt, Attempt { out_trade_no, .. }) in (1_u16..).zip(&debit.attempts) {
            let Debit { debit, .. } = *debit;
            check(out_trade_no, TradeOf::Debit { debit, attempt }, &|| {
                format!("attempt {attempt} of debit {debit}")
            });
        }
    }
    for recharge in &books.recharges {
        check(&recharge.out_trade_no, TradeOf::Recharge(recharge.recharge), &|| {
            format!("recharge {}", recharge.recharge)
        });
    }
    for mandate in &books.mandates {
        let Some(number) = &mandate.external_agreement_no else { continue };
        found.check(number.ours() == Some((code.clone(), mandate.mandate)), || {
            other_number(format!("mandate {}", mandate.mandate), number.as_str())
        });
    }
}

fn other_number(record: String, number: &str) -> Breach {
    let stated = format!("its number is {number}");
    Breach::new(BreachKind::OurNumber, record, stated, "that is not the number of this record")
}

/// The next debit, recharge or mandate gets a number that no other has.
fn check_last_numbers(books: &Books, found: &mut Findings) {
    let account = &books.account;
    let debits = books.debits.iter().map(|debit| debit.debit.0);
    let recharges = books.recharges.iter().map(|recharge| u64::from(recharge.recharge.0));
    let mandates = books.mandates.iter().map(|mandate| u64::from(mandate.mandate.0));
    for (records, counted, last) in [
        ("debits", account.debits, debits.max()),
        ("recharges", account.recharges.into(), recharges.max()),
        ("mandates", account.mandates.into(), mandates.max()),
    ] {
        let last = last.unwrap_or_default();
        found.check(counted == last, || {
            let stated = format!("it counts {counted} {records}");
            Breach::new(
                BreachKind::LastNumber,
                "the account",
                stated,
                format!("the last is {last}"),
            )
        });
    }
}
