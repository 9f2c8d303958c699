//! The audit of a platform, and its figures as a text that two runs can be compared by.

use std::collections::BTreeMap;
use std::fmt::Write;

use steelyard_billing::{Books, Cause, Debit, Entry, Ledger, audit};
use steelyard_pricing::Fen;

use crate::Platform;

impl Platform {
    /// Checks the books of every provider, as they must be once the queues are empty: no invariant
    /// is broken, and Alipay took what the journal says.
    pub async fn books_balance(&self) {
        let mut taken = self.stack.alipay.taken().unwrap();
        for books in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut taken);
            let by_journal = withheld(&books);
            assert_eq!(by_alipay, by_journal, "withheld from {}", books.provider.provider);
        }
        assert_eq!(taken, BTreeMap::new(), "taken from nobody's agreement");
    }

    /// Checks the books of every provider, as they must be at any time: no invariant is broken,
    /// and Alipay took at least what the journal says and at most what was charged.
    pub async fn books_hold(&self) {
        let mut taken = self.stack.alipay.taken().unwrap();
        for books in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut taken);
            assert!(withheld(&books) <= by_alipay, "withheld from {}", books.provider.provider);
        }
    }

    /// The figures of every provider, without times: what was charged, moved, withheld and is owed.
    pub async fn figures(&self) -> String {
        let mut text = String::new();
        let mut taken = self.stack.alipay.taken().unwrap();
        for books in self.checked_books().await {
            let by_alipay = taken_from(&books, &mut taken);
            write_figures(&mut text, &books, by_alipay).unwrap();
        }
        text
    }

    async fn checked_books(&self) -> Vec<Books> {
        let tables = &self.stack.tables;
        let plans = tables.billing.plans().await.unwrap();
        let taken = self.stack.alipay.taken().unwrap();
        let mut all = Vec::new();
        for customer in tables.customers().await.unwrap() {
            let books = tables.books(customer).await.unwrap();
            assert_eq!(audit(&books, &plans), [], "books of {}", books.provider.provider);
            let charged = Fen::sum(books.statements.iter().map(|s| s.charge_fen)).unwrap();
            let by_alipay = taken_from(&books, &mut taken.clone());
            assert!(by_alipay <= charged, "{} of {charged} taken", by_alipay);
            all.push(books);
        }
        all
    }
}

/// What Alipay took under the provider's agreement, which is crossed out.
fn taken_from(books: &Books, taken: &mut BTreeMap<String, Fen>) -> Fen {
    let mandate = books.provider.mandate.as_ref();
    mandate.and_then(|mandate| taken.remove(&mandate.agreement_no)).unwrap_or(Fen::ZERO)
}

fn withheld(books: &Books) -> Fen {
    let moved = books.journal.iter().map(|entry| entry.moved(Ledger::Alipay).unwrap());
    Fen::sum(moved).unwrap()
}

fn write_figures(text: &mut String, books: &Books, taken: Fen) -> std::fmt::Result {
    let figures = books.account.figures;
    writeln!(
        text,
        "{}: prepaid {}, receivable {}, reserved {}, taken {taken}",
        books.provider.provider,
        figures.prepaid(),
        figures.receivable(),
        figures.reserved(),
    )?;
    if let Some(unusable) = books.provider.mandate.as_ref().and_then(|m| m.unusable.as_ref()) {
        writeln!(text, "  mandate unusable by debit {}: {}", unusable.debit, unusable.given_up)?;
    }
    for (day, usage) in &books.counted {
        writeln!(text, "  {day}: {}", usage.total().unwrap())?;
    }
    for statement in &books.statements {
        writeln!(text, "  {}: {}", statement.statement, statement.charge_fen)?;
    }
    for entry in &books.journal {
        writeln!(text, "  {}. {}", entry.record().number, movement(entry))?;
    }
    for debit in &books.debits {
        writeln!(text, "  debit {} of {}: {}", debit.debit, debit.amount_fen, standing(debit))?;
    }
    Ok(())
}

fn movement(entry: &Entry) -> String {
    let record = entry.record();
    let cause = match &record.cause {
        Cause::Charged { statement } => format!("charged {statement}"),
        Cause::DebitPaid { debit, .. } => format!("debit {debit} paid"),
        Cause::DebitExhausted { debit } => format!("debit {debit} exhausted"),
        Cause::Recharged { reference } => format!("recharged {reference}"),
    };
    let postings = record.postings.iter().map(|p| format!("{:?} {}", p.ledger, p.amount_fen));
    format!("{cause}: {}", postings.collect::<Vec<_>>().join(", "))
}

fn standing(debit: &Debit) -> String {
    match (debit.payment(), debit.given_up(), debit.visit_at()) {
        (Some(_), _, _) => "paid".to_owned(),
        (None, Some(given_up), _) => format!("given up, {given_up}"),
        (None, None, Some(_)) => "open".to_owned(),
        (None, None, None) => "held".to_owned(),
    }
}
