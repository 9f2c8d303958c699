//! The views of a provider, read and computed: what pages show and programs get.
//!
//! This file has what they read in common, and the smaller views; the bills and the ledger have
//! files of their own.

mod bills;
mod ledger;

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff::Timestamp;
use steelyard_billing::{
    Account, Debit, DebitId, Mandate, MandateId, Recharge, RechargeId, SourceId, Standing,
    Statement, Unmatched,
};
use steelyard_books::{Compared, QuoteOnTopError, RunTerms, SettleError, WatchedNow};
use steelyard_pages::alerts::Alerts;
use steelyard_pages::calculator::{CalculatorView, NotPriced, Outcome, Priced, Under, parse_list};
use steelyard_pages::costs::{Costs, CostsGroup, CostsQuery, SourceCalls};
use steelyard_pages::debits::Confirmed;
use steelyard_pages::forecast::{Cover, Forecast};
use steelyard_pages::overview::{Overview, OverviewRecords};
use steelyard_pages::recharge::{Recharging, Suggestions};
use steelyard_pages::withholding::{Withholding, WithholdingRecords};
use steelyard_pages::{Frame, Records};
use steelyard_pricing::BillingDay;
use steelyard_runtime::report_unreadable;
use steelyard_store::Found;

use crate::Shared;
use crate::asker::Visit;
use crate::refusal::Refusal;

/// How many recharges and mandates a page shows.
const RECORDS_SHOWN: u16 = 20;

/// What a night would charge now, and the statements of some days.
struct Read {
    terms: RunTerms,
    bills: Bills,
    coming: Option<Vec<Statement>>,
}

/// The statements of some days that can be read.
struct Bills {
    statements: Vec<Statement>,
    /// The days of those that cannot.
    missing: Vec<BillingDay>,
}

/// A view of the bills that can be read.
#[derive(Debug)]
pub(crate) struct Viewed<T> {
    view: T,
    /// The days of those that cannot, whose charges are missing in it.
    missing: Vec<BillingDay>,
}

impl<T> Viewed<T> {
    /// The view for a page, whose frame says which bills are missing.
    pub(crate) fn on_page(self, frame: &mut Frame) -> T {
        frame.missing_bills = self.missing;
        self.view
    }

    /// The view for a program or a file, which would take sums without some bills for whole ones.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unavailable`] if a bill cannot be read.
    pub(crate) fn whole(self) -> Result<T, Refusal> {
        if self.missing.is_empty() {
            return Ok(self.view);
        }
        let days = self.missing.iter().map(ToString::to_string).collect::<Vec<_>>();
        Err(Refusal::unavailable(format!("bills cannot be read: {}", days.join(", "))))
    }
}

impl Shared {
    /// The statements of some days. Those that cannot be read are reported.
    async fn bills_between(
        &self,
        visit: &Visit,
        from: BillingDay,
        through: BillingDay,
    ) -> Result<Bills, Refusal> {
        let billing = &self.settler.books.billing;
        let found = billing.found_between(visit.provider(), from, through).await;
        let found = found.map_err(Refusal::unavailable)?;
        report_unreadable(&found.unreadable);
        let mut missing = Vec::new();
        for item in found.unreadable {
            let id = item.statement();
            missing.push(id.ok_or_else(|| Refusal::unavailable(item.why))?.day);
        }
        missing.dedup();
        Ok(Bills { statements: found.readable, missing })
    }

    /// Reads what forecasts need. What was counted may be unreadable: then the settled part is
    /// shown.
    async fn read(&self, visit: &Visit) -> Result<Read, Refusal> {
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let (from, through) = {
            let records = visit.records(self, terms.plans());
            Overview::range(&records).map_err(Refusal::unavailable)?
        };
        let provider = visit.provider();
        let (bills, coming) = tokio::join!(
            self.bills_between(visit, from, through),
            self.settler.preview_of(&terms, &visit.account)
        );
        let bills = bills?;
        let coming = coming.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, provider.id = %provider, "what was counted cannot be shown");
        });
        Ok(Read { terms, bills, coming: coming.ok() })
    }

    /// What the provider is watched by, and how it stands.
    pub(crate) async fn alerts(&self, visit: &Visit) -> Result<Alerts, Refusal> {
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let now = self.settler.watched_now(&terms, visit.account.clone()).await;
        let WatchedNow { found, rules, figures } = now.map_err(Refusal::unavailable)?;
        let view = Alerts::of((&found.provider, &found.account), &rules, &figures, visit.now);
        view.map_err(Refusal::unavailable)
    }

    /// The standing of the provider of an account; none if that is not known. A page is shown all
    /// the same.
    pub(crate) async fn standing(&self, account: &Account, now: Timestamp) -> Option<Standing> {
        let standing = self.standings.of(account, now).await.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, provider.id = %account.provider, "a standing is not shown");
        });
        standing.ok()
    }

    /// The overview of the month, at the time of the visit.
    pub(crate) async fn overview(&self, visit: &Visit) -> Result<Viewed<Overview>, Refusal> {
        let account = &visit.account.account;
        let last_debit = (account.debits > 0).then_some(DebitId(account.debits));
        let last_mandate = (account.mandates > 0).then_some(MandateId(account.mandates));
        let in_use = visit.account.provider.mandate.as_ref().map(|in_use| in_use.mandate);
        let of = |id| (visit.provider().clone(), id);
        let debit = account.open_debit.or(last_debit).map(of);
        let mandate = in_use.or(last_mandate).map(|id| (visit.provider().clone(), id));
        let billing = &self.settler.books.billing;
        let (read, found) = tokio::join!(
            self.read(visit),
            billing.debits_and_mandates(debit.as_slice(), mandate.as_slice())
        );
        let (read, found) = (read?, found.map_err(Refusal::unavailable)?);
        if let Some(unreadable) = found.unreadable.first() {
            return Err(Refusal::unavailable(unreadable.why.clone()));
        }
        let standing = self.standing(&visit.account.account, visit.now).await;
        let records = visit.records(self, read.terms.plans());
        let more = OverviewRecords {
            statements: &read.bills.statements,
            coming: read.coming.as_deref(),
            debit: found.debits.first(),
            mandate: found.mandates.first(),
            standing: standing.as_ref(),
            last_report_at: None,
            closed: None,
        };
        let view = Overview::new(&records, &more).map_err(Refusal::unavailable)?;
        Ok(Viewed { view, missing: read.bills.missing })
    }

    /// What a provider has to know before it pays in, with its newest recharges, or those before
    /// one. It can pay in even if its bills cannot be read; then no amounts are suggested.
    pub(crate) async fn recharging(
        &self,
        visit: &Visit,
        before: Option<RechargeId>,
    ) -> Result<Recharging, Refusal> {
        let billing = &self.settler.books.billing;
        let (read, recharges) = tokio::join!(
            self.read(visit),
            billing.newest::<Recharge>(visit.provider(), before.as_ref(), RECORDS_SHOWN)
        );
        let (recharges, unreadable) = reported(recharges.map_err(Refusal::unavailable)?);
        let read = read.inspect_err(Refusal::log).ok();
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let records = visit.records(self, terms.plans());
        let suggestions = match read {
            Some(read) if read.bills.missing.is_empty() => suggestions(&records, &read)?,
            Some(_) | None => None,
        };
        let view = Recharging::new(&records, &recharges, suggestions);
        Ok(Recharging { unreadable, ..view.map_err(Refusal::unavailable)? })
    }

    /// A recharge of the provider, by its number in the path.
    pub(crate) async fn recharge(&self, visit: &Visit) -> Result<Recharge, Refusal> {
        let number = visit.path.get("recharge").and_then(|number| number.parse().ok());
        let number = RechargeId(number.ok_or(Refusal::NotFound)?);
        let found = self.settler.books.billing.find::<Recharge>(visit.provider(), &number).await;
        found.map_err(Refusal::unavailable)?.ok_or(Refusal::NotFound)
    }

    /// How withholding stands. It can be ended even if the last bill, or a debit, cannot be read.
    pub(crate) async fn withholding(&self, visit: &Visit) -> Result<Withholding, Refusal> {
        let (billing, provider) = (&self.settler.books.billing, visit.provider());
        let last_day = visit.account.account.settled_through;
        let last_statement = async {
            match last_day {
                Some(day) => self.bills_between(visit, day, day).await,
                None => Ok(Bills { statements: Vec::new(), missing: Vec::new() }),
            }
        };
        let (mandates, debits, bills) = tokio::join!(
            billing.newest::<Mandate>(provider, None, RECORDS_SHOWN),
            billing.newest::<Debit>(provider, None, RECORDS_SHOWN),
            last_statement
        );
        let (mandates, of_mandates) = reported(mandates.map_err(Refusal::unavailable)?);
        let (debits, of_debits) = reported(debits.map_err(Refusal::unavailable)?);
        let Bills { statements, missing } = bills?;
        let of_statements = u64::try_from(missing.len()).unwrap_or(u64::MAX);
        let confirmed = self.confirmed_of(visit, &debits).await;
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let read = WithholdingRecords {
            mandates: &mandates,
            debits: &debits,
            confirmed: confirmed.as_ref(),
            last_statement: statements.last(),
            offered: self.config.offered,
        };
        let view = Withholding::new(&visit.records(self, terms.plans()), &read);
        let unreadable = of_mandates + of_debits + of_statements;
        Ok(Withholding { unreadable, ..view.map_err(Refusal::unavailable)? })
    }
}

/// What can be read of what was found, and how many items cannot. These are reported.
fn reported<T>(found: Found<T>) -> (Vec<T>, u64) {
    report_unreadable(&found.unreadable);
    (found.readable, u64::try_from(found.unreadable.len()).unwrap_or(u64::MAX))
}

/// Amounts that a recharge may be of.
fn suggestions(records: &Records<'_>, read: &Read) -> Result<Option<Suggestions>, Refusal> {
    let forecast = Forecast::of(records, &read.bills.statements, read.coming.as_deref());
    let Some(forecast) = forecast.map_err(Refusal::unavailable)? else { return Ok(None) };
    let Cover { owed_fen, week_fen, month_fen } = forecast.cover;
    Ok(Some(Suggestions { seven_days_fen: week_fen, to_month_end_fen: month_fen, owed_fen }))
}

impl Shared {
    /// The days of Alipay's bills that showed the payments of debits; none where they cannot be
    /// read.
    async fn confirmed_of(&self, visit: &Visit, debits: &[Debit]) -> Option<Confirmed> {
        let paid = debits.iter().filter_map(Unmatched::paid_by).collect::<Vec<_>>();
        let confirmed = self.confirmed(visit.now, &paid).await.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, provider.id = %visit.provider(), "confirmations are not shown");
        });
        confirmed.ok()
    }

    /// The costs of some days.
    pub(crate) async fn costs(
        &self,
        visit: &Visit,
        query: CostsQuery,
    ) -> Result<Viewed<Costs>, Refusal> {
        let Bills { statements, missing } =
            self.bills_between(visit, query.read_from(), query.to).await?;
        let mut sources = BTreeMap::<(BillingDay, SourceId), u64>::new();
        if query.group == CostsGroup::Source {
            let mut reports = self.settler.usage.reports(visit.provider(), query.from, query.to);
            while let Some(report) = reports.try_next().await.map_err(Refusal::unavailable)? {
                if report.withdrawn.is_none() {
                    let calls = report.metered.total().map_err(Refusal::unavailable)?.calls.get();
                    let sum = sources.entry((report.day, report.source)).or_default();
                    *sum = sum.saturating_add(calls);
                }
            }
        }
        let sources =
            sources.into_iter().map(|((day, source), calls)| SourceCalls { day, source, calls });
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let records = visit.records(self, terms.plans());
        let view = Costs::new(records, query, &statements, &sources.collect::<Vec<_>>());
        Ok(Viewed { view: view.map_err(Refusal::unavailable)?, missing })
    }

    /// What a list of calls costs alone and on top of the month so far.
    pub(crate) async fn calculated(
        &self,
        visit: &Visit,
        typed: &str,
        under: Under,
    ) -> Result<CalculatorView, Refusal> {
        let terms = self.terms(visit.now).await.map_err(Refusal::unavailable)?;
        let records = visit.records(self, terms.plans());
        let view = CalculatorView::new(&records).map_err(Refusal::unavailable)?;
        let list = match parse_list(typed) {
            _ if typed.trim().is_empty() => return Ok(view.with(under, Outcome::Nothing)),
            Err(errors) => return Ok(view.with(under, Outcome::Refused { errors })),
            Ok(list) => list,
        };
        let compared = match &under {
            Under::All => Compared::OnOffer,
            Under::Own => Compared::Own,
            Under::Plan { plan } => Compared::Stored(plan.clone()),
        };
        let quoted =
            self.settler.quote_on_top(&terms, visit.provider(), &list.usage, &compared).await;
        let outcome = match quoted {
            Ok(quote) => {
                let priced = Priced::new(&list, &quote, terms.plans());
                Outcome::Priced(Box::new(priced.map_err(Refusal::unavailable)?))
            }
            Err(QuoteOnTopError::Rules { source, .. }) => {
                Outcome::NotPriced { why: NotPriced::from(&source) }
            }
            Err(QuoteOnTopError::NoPlan(_)) => Outcome::NotPriced { why: NotPriced::NoPlan },
            Err(QuoteOnTopError::Month(SettleError::Rules { .. })) => {
                Outcome::NotPriced { why: NotPriced::Rules }
            }
            Err(error @ QuoteOnTopError::Month(_)) => return Err(Refusal::unavailable(error)),
        };
        Ok(view.with(under, outcome))
    }
}
