//! `steelyard audit`: whether the books are in order.

use clap::Args;
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{
    Access, Books, Cause, DebitRules, Ledger, ProviderId, Right, Unmatched, audit,
};
use steelyard_books::Tables;
use steelyard_pricing::{Catalog, Fen};
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, ProviderAccount, StoredAccess, Unreadable};

use super::registered;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Rebuild every account from its journal, and check every invariant that stored data can show.
///
/// Checks that what was reported is charged, and nothing else; that lines add up to statements,
/// statements to the rounded price of the month, and the journal to the account; that no debit took
/// or released anything twice, and no more was withheld than charged. Exits with 3 on a breach.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Only this provider.
    #[arg(long, conflicts_with = "sample")]
    provider: Option<ProviderId>,
    /// Only so many providers, drawn at random.
    #[arg(long)]
    sample: Option<usize>,
    /// Repeats an earlier draw.
    #[arg(long, requires = "sample")]
    seed: Option<u64>,
}

/// The counts and sums of an audit, and the breaches that it found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// How many providers were audited.
    pub providers: usize,
    /// The number of statements.
    pub statements: usize,
    /// The number of journal entries.
    pub entries: usize,
    /// The number of debits.
    pub debits: usize,
    /// The sum of the statements' charges, in fen.
    pub charged_fen: Fen,
    /// The sum that debits took, in fen.
    pub withheld_fen: Fen,
    /// What Alipay took in all, recharges too, less what it gave back.
    pub by_alipay_fen: Fen,
    /// Every invariant that is broken, with the provider.
    pub breaches: Vec<ProviderBreach>,
    /// What cannot be read, and so cannot be audited.
    pub unreadable: Vec<String>,
    /// The rights that every caller has, since no grant names them.
    pub open_rights: Vec<Right>,
}

/// An invariant that a provider's books break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderBreach {
    /// The provider whose books break it.
    pub provider: ProviderId,
    /// The breach, as a sentence.
    pub breach: String,
}

impl AuditArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let (rules, now) = (system.rules()?, system.clock.now());
        let tables = system.tables;
        let mut registry = match &self.provider {
            None => tables.registry().await?,
            Some(provider) => {
                let accounts = vec![registered(&tables, provider).await?];
                AccountPage { accounts, ..AccountPage::default() }
            }
        };
        if let Some(size) = self.sample {
            registry.accounts = sampled(registry.accounts, size, self.seed);
        }
        let report = Auditor::new(&tables, &rules, now).await?.audit(registry).await?;
        if target.json {
            output::json(&report)?;
        } else {
            report.print()?;
        }
        Ok(report.exit())
    }
}

/// Some of the providers, drawn at random. The seed is printed, so that the draw can be repeated.
fn sampled(
    mut accounts: Vec<ProviderAccount>,
    size: usize,
    seed: Option<u64>,
) -> Vec<ProviderAccount> {
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    output::tell(format_args!(
        "a sample of {} of {} providers, drawn by --seed {seed}",
        size.min(accounts.len()),
        accounts.len()
    ));
    fastrand::Rng::with_seed(seed).shuffle(&mut accounts);
    accounts.truncate(size);
    accounts
}

/// Audits every provider.
///
/// # Errors
///
/// When a table can't be read.
pub async fn audit_all(
    tables: &Tables,
    rules: &DebitRules,
    now: Timestamp,
) -> Result<AuditReport, Error> {
    Auditor::new(tables, rules, now).await?.audit(tables.registry().await?).await
}

/// What the audit of every provider depends on.
struct Auditor<'a> {
    tables: &'a Tables,
    plans: Catalog,
    rules: &'a DebitRules,
    now: Timestamp,
    /// What no bill has shown yet, of every provider.
    unmatched: Vec<Unmatched>,
    /// What beside providers cannot be read.
    unreadable: Vec<Unreadable>,
    access: Access,
}

/// How many providers are audited at the same time.
const AT_ONCE: usize = 16;

impl<'a> Auditor<'a> {
    async fn new(
        tables: &'a Tables,
        rules: &'a DebitRules,
        now: Timestamp,
    ) -> Result<Auditor<'a>, Error> {
        let plans = tables.billing.plans().await?;
        let unshown = tables.billing.unmatched().await?;
        let StoredAccess { access, unreadable } = tables.usage.access().await?;
        let ladders = tables.billing.ladders().await?.unreadable;
        let unreadable = [plans.unreadable, ladders, unshown.unreadable, unreadable].concat();
        let unmatched = unshown.unmatched;
        Ok(Auditor { tables, plans: plans.catalog, rules, now, unmatched, unreadable, access })
    }

    /// Audits providers, many at a time. One that cannot be read does not stop the others.
    async fn audit(&self, registry: AccountPage) -> Result<AuditReport, Error> {
        let AccountPage { accounts, unreadable, .. } = registry;
        let style = ProgressStyle::with_template("auditing {bar:30} {pos}/{len} providers")?;
        let bar = ProgressBar::new(u64::try_from(accounts.len())?).with_style(style);
        let open_rights = Right::ALL.into_iter().filter(|right| self.access.is_open(*right));
        let mut report =
            AuditReport { open_rights: open_rights.collect(), ..AuditReport::default() };
        report.unreadable.extend(self.unreadable.iter().chain(&unreadable).map(named));
        let reading = stream::iter(accounts).map(|found| async {
            let provider = found.provider.provider.clone();
            (provider, self.tables.books(found, &self.unmatched).await)
        });
        let mut read = reading.buffer_unordered(AT_ONCE);
        while let Some((provider, books)) = read.next().await {
            match books {
                Ok(books) => report.add(&books, self)?,
                Err(error) => {
                    report.unreadable.push(format!("provider `{provider}`: {}", chain(&error)));
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        report.breaches.sort_by(|one, other| one.provider.cmp(&other.provider));
        report.unreadable.sort();
        Ok(report)
    }
}

fn named(item: &Unreadable) -> String {
    format!("`{}` `{}`: {}", item.pk, item.sk, item.why)
}

impl AuditReport {
    fn add(&mut self, books: &Books, auditor: &Auditor<'_>) -> Result<(), Error> {
        let provider = &books.provider.provider;
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
        let breaches = audit(books, &auditor.plans, auditor.rules, auditor.now).into_iter();
        self.breaches.extend(breaches.map(|breach| ProviderBreach {
            provider: provider.clone(),
            breach: breach.to_string(),
        }));
        Ok(())
    }

    /// Whether everything could be read and nothing is broken.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.breaches.is_empty() && self.unreadable.is_empty()
    }

    pub(crate) fn exit(&self) -> Exit {
        Exit::done(self.is_passed())
    }

    pub(crate) fn print(&self) -> Result<(), Error> {
        output::print(format_args!(
            "audited {}: {}, {} {}, {}",
            output::counted(self.providers, "provider"),
            output::counted(self.statements, "statement"),
            self.entries,
            if self.entries == 1 { "journal entry" } else { "journal entries" },
            output::counted(self.debits, "debit"),
        ))?;
        output::print(format_args!(
            "¥{} charged, ¥{} withheld",
            self.charged_fen, self.withheld_fen
        ))?;
        for ProviderBreach { provider, breach } in &self.breaches {
            output::print(format_args!("BREACH {provider}: {breach}"))?;
        }
        for item in &self.unreadable {
            output::print(format_args!("UNREADABLE {item}"))?;
        }
        if self.open_rights.contains(&Right::Report) {
            output::print(
                "WARNING no source is registered: every caller that reaches the usage API can\n\
                 report as any source; see `steelyard source --help`",
            )?;
        }
        if self.is_passed() {
            return output::print("audit passed: every invariant holds");
        }
        let (breaches, unreadable) = (self.breaches.len(), self.unreadable.len());
        output::print(format_args!("audit FAILED: {breaches} breaches, {unreadable} unreadable"))
    }
}
