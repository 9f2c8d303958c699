//! `steelyard audit`: whether the books are in order.

use clap::Args;
use serde::Serialize;
use steelyard_billing::{Cause, Ledger, ProviderId, audit};
use steelyard_pricing::{Catalog, Fen};
use steelyard_runtime::Error;
use steelyard_store::ProviderAccount;

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::TargetArgs;

/// Rebuild every account from its journal, and check every invariant that stored data can show.
///
/// Checks that counters are the sum of the reports behind them; that lines add up to statements,
/// statements to the rounded price of the month, and the journal to the account; that no debit took
/// or released anything twice, and no more was withheld than charged. Exits with 3 on a breach.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this provider.
    #[arg(long)]
    provider: Option<ProviderId>,
}

/// What an audit saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many providers were audited.
    pub providers: usize,
    /// How many statements.
    pub statements: usize,
    /// How many journal entries.
    pub entries: usize,
    /// How many debits.
    pub debits: usize,
    /// What the statements charged.
    pub charged_fen: Fen,
    /// What Alipay withheld.
    pub withheld_fen: Fen,
    /// What Alipay took in all, recharges too, less what it gave back.
    pub by_alipay_fen: Fen,
    /// Every invariant that is broken, with the provider.
    pub breaches: Vec<ProviderBreach>,
}

/// An invariant that a provider's books break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderBreach {
    /// Whose books.
    pub provider: ProviderId,
    /// What is wrong.
    pub breach: String,
}

impl AuditArgs {
    pub(crate) async fn run(self, target: &TargetArgs) -> Result<Exit, Error> {
        let tables = target.tables().await?;
        let report = match &self.provider {
            None => audit_all(&tables).await?,
            Some(provider) => {
                audit_customers(&tables, vec![customer(&tables, provider).await?]).await?
            }
        };
        if target.json {
            output::json(&report)?;
        } else {
            report.print()?;
        }
        Ok(report.exit())
    }
}

/// Audits every provider.
///
/// # Errors
///
/// When a table can't be read.
pub async fn audit_all(tables: &Tables) -> Result<AuditReport, Error> {
    audit_customers(tables, tables.customers().await?).await
}

async fn audit_customers(
    tables: &Tables,
    customers: Vec<ProviderAccount>,
) -> Result<AuditReport, Error> {
    let plans = tables.billing.plans().await?;
    let mut report = AuditReport::default();
    for customer in customers {
        report.add(tables, &plans, customer).await?;
    }
    Ok(report)
}

impl AuditReport {
    async fn add(
        &mut self,
        tables: &Tables,
        plans: &Catalog,
        customer: ProviderAccount,
    ) -> Result<(), Error> {
        let provider = customer.provider.provider.clone();
        let books = tables.books(customer).await?;
        self.providers += 1;
        self.statements += books.statements.len();
        self.entries += books.journal.len();
        self.debits += books.debits.len();
        let charges = books.statements.iter().map(|statement| statement.charge_fen);
        self.charged_fen = self.charged_fen.plus(Fen::sum(charges)?)?;
        for entry in &books.journal {
            let moved = entry.moved(Ledger::Alipay)?;
            self.by_alipay_fen = self.by_alipay_fen.plus(moved)?;
            if let Cause::DebitPaid { .. } = entry.record().cause {
                self.withheld_fen = self.withheld_fen.plus(moved)?;
            }
        }
        let breaches = audit(&books, plans).into_iter();
        self.breaches.extend(breaches.map(|breach| ProviderBreach {
            provider: provider.clone(),
            breach: breach.to_string(),
        }));
        Ok(())
    }

    /// Whether nothing is broken.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.breaches.is_empty()
    }

    pub(crate) fn exit(&self) -> Exit {
        if self.is_passed() { Exit::Done } else { Exit::NotAllWell }
    }

    pub(crate) fn print(&self) -> Result<(), Error> {
        output::print(format_args!(
            "audited {} providers: {} statements, {} journal entries, {} debits; ¥{} charged, ¥{} withheld",
            self.providers,
            self.statements,
            self.entries,
            self.debits,
            self.charged_fen,
            self.withheld_fen
        ))?;
        for ProviderBreach { provider, breach } in &self.breaches {
            output::print(format_args!("BREACH {provider}: {breach}"))?;
        }
        match self.breaches.len() {
            0 => output::print("audit passed: every invariant holds"),
            number => output::print(format_args!("audit FAILED: {number} breaches")),
        }
    }
}
