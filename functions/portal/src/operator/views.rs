//! The views of operators, read and computed. A record that cannot be read is named, and fails
//! alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use steelyard_billing::reconciliation::{DayFailure, bill_day};
use steelyard_billing::webhook::{DeadLetter, EndpointRef};
use steelyard_billing::{
    Debit, MandateId, NAMED_MAX, ProviderId, RunFailure, RunScope, RunShard, SettlementRun, Stage,
};
use steelyard_pages::operator::UnreadableRecord;
use steelyard_pages::operator::actions::{ActionRow, AuditTrail};
use steelyard_pages::operator::debits::DebitsToSee;
use steelyard_pages::operator::providers::{
    LOOKED_AT_MAX, ProviderQuery, ProviderRecord, Providers, debit_of,
};
use steelyard_pages::operator::receivables::{MONTHS_MAX, Receivables};
use steelyard_pages::operator::reconciliation::Reconciled;
use steelyard_pages::operator::runs::{DeadLetters, FAILURES_MAX, LETTERS_MAX, RunRecords, Runs};
use steelyard_pricing::BillingMonth;
use steelyard_store::{
    AddressedLetter, DebitsAndMandates, Found, ProviderAccount, RUNS_REGARDED, RegistryCursor,
    RegistryPage, StoreError, Unreadable,
};

use crate::Shared;
use crate::refusal::Refusal;

/// The most providers that are looked at for a page of those in a state.
const SEARCHED_MAX: usize = 500;

/// The most providers of which each account is looked at for the debits that need a person. Of
/// more, those are that the last run named.
const WALKED_MAX: u64 = 10_000;

/// How many days of reconciliation are shown, those that failed included.
const DAYS_SHOWN: u16 = 31;

/// The most actions on a page.
const ACTIONS_PAGE: u16 = 100;

/// The most months that are read for a page of the audit trail. It ends where so many have no
/// action.
const TRAIL_MONTHS: usize = 13;

/// The most runs that are read for the sums of the months that are shown: one a night, and as many
/// by hand.
const RUNS_SUMMED: u16 = 200;

/// How many requests are under way at a time.
const AT_ONCE: usize = 16;

/// Where the audit trail goes on: a month, and the sort key after which.
#[derive(Clone, Debug)]
pub(super) struct TrailCursor {
    month: BillingMonth,
    before: Option<String>,
}

impl fmt::Display for TrailCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.month, self.before.as_deref().unwrap_or_default())
    }
}

impl FromStr for TrailCursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TrailCursor, &'static str> {
        const NO_PLACE: &str = "this names no place in the audit trail";
        let (month, before) = text.split_once(':').ok_or(NO_PLACE)?;
        let month = month.parse().map_err(|_| NO_PLACE)?;
        let before = (!before.is_empty()).then(|| before.to_owned());
        if before.as_ref().is_some_and(|before| before.len() > 256) {
            return Err(NO_PLACE);
        }
        Ok(TrailCursor { month, before })
    }
}

/// The accounts of some providers, with the records that their states follow from.
#[derive(Debug, Default)]
struct Regarded {
    accounts: Vec<ProviderAccount>,
    records: DebitsAndMandates,
    /// How far each is in arrears, where that is known.
    stages: BTreeMap<ProviderId, Stage>,
}

impl Regarded {
    fn all<'a>(&'a self) -> Vec<ProviderRecord<'a>> {
        let DebitsAndMandates { debits, mandates, .. } = &self.records;
        let record = |found: &'a ProviderAccount| {
            let ProviderAccount { provider, account } = found;
            let (of, debit) = (&provider.provider, debit_of(account));
            ProviderRecord {
                provider,
                account,
                debit: debits.iter().find(|one| one.provider == *of && Some(one.debit) == debit),
                mandate: mandates.iter().find(|one| one.provider == *of),
                stage: self.stages.get(of).copied(),
                is_closed: false,
            }
        };
        self.accounts.iter().map(record).collect()
    }
}

impl Shared {
    /// A page of the providers that are searched for.
    pub(super) async fn providers(
        &self,
        query: ProviderQuery,
        now: Timestamp,
    ) -> Result<Providers, Refusal> {
        let (billing, rules) = (&self.settler.books.billing, &self.settler.books.rules);
        let from = query.after.as_deref().map(str::parse::<RegistryCursor>).transpose();
        let mut from = from.map_err(|error| Refusal::Malformed(error.to_string()))?;
        let runs = billing.latest_runs(RUNS_REGARDED).await.map_err(Refusal::unavailable)?;
        let (mut found, mut looked_at) = (Regarded::default(), 0);
        let mut unreadable = runs.unreadable;
        let mut view = loop {
            let page = billing.registry_page(from.as_ref(), LOOKED_AT_MAX).await;
            let RegistryPage { mut accounts, unreadable: broken, next } =
                page.map_err(Refusal::unavailable)?;
            looked_at += accounts.len();
            accounts.retain(|found| query.matches(&found.provider.provider));
            let records = self.records_of(&accounts).await?;
            unreadable.extend(broken);
            unreadable.extend(records.unreadable);
            for ProviderAccount { provider, account } in &accounts {
                let stage = self.standing(account, now).await.map(|standing| standing.stage);
                found.stages.extend(stage.map(|stage| (provider.provider.clone(), stage)));
            }
            found.accounts.extend(accounts);
            found.records.debits.extend(records.debits);
            found.records.mandates.extend(records.mandates);
            let cursor = next.as_ref().map(ToString::to_string);
            let all = found.all();
            let view = Providers::new(&all, query.clone(), cursor, &runs.readable, rules, now);
            let view = view.map_err(Refusal::unavailable)?;
            let is_full = view.providers.len() >= usize::from(LOOKED_AT_MAX);
            if next.is_none() || is_full || looked_at >= SEARCHED_MAX {
                break view;
            }
            from = next;
        };
        view.looked_at = u64::try_from(looked_at).unwrap_or(u64::MAX);
        view.unreadable = shown(unreadable);
        Ok(view)
    }

    /// The debits and the last mandates of some providers.
    async fn records_of(&self, found: &[ProviderAccount]) -> Result<DebitsAndMandates, Refusal> {
        let id = |found: &ProviderAccount| found.provider.provider.clone();
        let debit = |found: &ProviderAccount| Some((id(found), debit_of(&found.account)?));
        let mandate = |found: &ProviderAccount| {
            let last = MandateId(found.account.mandates);
            (last.0 > 0).then(|| (id(found), last))
        };
        let debits = found.iter().filter_map(debit).collect::<Vec<_>>();
        let mandates = found.iter().filter_map(mandate).collect::<Vec<_>>();
        let billing = &self.settler.books.billing;
        billing.debits_and_mandates(&debits, &mandates).await.map_err(Refusal::unavailable)
    }

    /// The debits that a person has to look at.
    pub(super) async fn debits_to_see(&self, now: Timestamp) -> Result<DebitsToSee, Refusal> {
        let billing = &self.settler.books.billing;
        let runs = billing.latest_runs(RUNS_REGARDED).await.map_err(Refusal::unavailable)?;
        let ended = runs.readable.iter().find_map(|run| {
            let end = run.end.as_ref()?;
            Some((end, end.figures.accounts.as_ref()?))
        });
        let mut unreadable = runs.unreadable;
        let (debits, named_at_s) = match ended {
            Some((end, sums)) if end.tally.providers > WALKED_MAX => {
                let debits = self.debits_of(&sums.named, &mut unreadable).await?;
                (debits, Some(end.ended_at_s))
            }
            Some(_) | None => (self.all_debits(&mut unreadable).await?, None),
        };
        let mut view = DebitsToSee::new(&debits, now);
        // A run names some, and no more.
        view.has_more |= named_at_s.is_some() && debits.len() >= NAMED_MAX;
        view.named_at_s = named_at_s;
        view.unreadable = shown(unreadable);
        Ok(view)
    }

    /// The debits on which the states of some providers depend.
    async fn debits_of(
        &self,
        named: &BTreeSet<ProviderId>,
        unreadable: &mut Vec<Unreadable>,
    ) -> Result<Vec<Debit>, Refusal> {
        let billing = &self.settler.books.billing;
        let named = stream::iter(named.clone());
        let accounts = named.map(|provider| async move { billing.account(&provider).await });
        let accounts = readable(accounts.buffered(AT_ONCE).collect().await, unreadable)?;
        let accounts = accounts.into_iter().flatten().collect::<Vec<_>>();
        let records = self.records_of(&accounts).await?;
        unreadable.extend(records.unreadable);
        Ok(records.debits)
    }

    /// The debits on which the states of all providers depend.
    async fn all_debits(&self, unreadable: &mut Vec<Unreadable>) -> Result<Vec<Debit>, Refusal> {
        let billing = &self.settler.books.billing;
        let (mut debits, mut from) = (Vec::new(), None::<RegistryCursor>);
        loop {
            let page = billing.registry_page(from.as_ref(), u16::MAX).await;
            let RegistryPage { mut accounts, unreadable: broken, next } =
                page.map_err(Refusal::unavailable)?;
            accounts.retain(|found| debit_of(&found.account).is_some());
            let records = self.records_of(&accounts).await?;
            unreadable.extend(broken);
            unreadable.extend(records.unreadable);
            debits.extend(records.debits);
            from = next;
            if from.is_none() {
                return Ok(debits);
            }
        }
    }

    /// The latest days of reconciliation, and the open findings.
    pub(super) async fn reconciled(&self, now: Timestamp) -> Result<Reconciled, Refusal> {
        let billing = &self.settler.books.billing;
        let (days, findings, first) = tokio::join!(
            billing.latest_reconciliations(DAYS_SHOWN),
            billing.findings(),
            billing.first_bill()
        );
        let days = days.map_err(Refusal::unavailable)?;
        let findings = findings.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the findings cannot be shown");
        });
        let findings = findings.ok();
        let mut unreadable = days.unreadable;
        let broken = findings.iter().flat_map(|findings| findings.unreadable.clone());
        unreadable.extend(broken);
        let is_done = |day: &Date| days.readable.iter().any(|done| done.day == *day);
        let last = bill_day(now).saturating_sub(1.day());
        let oldest = last.saturating_sub(i32::from(DAYS_SHOWN).days());
        let first = first.map_err(Refusal::unavailable)?.map(|first| first.max(oldest));
        let tried = first.into_iter().flat_map(|first| first.series(1.day()));
        let tried = tried.take_while(|day| *day <= last).filter(|day| !is_done(day));
        let failures = stream::iter(tried).map(|day| billing.day_failure(day)).buffered(AT_ONCE);
        let failures = readable(failures.collect().await, &mut unreadable)?;
        let failures = failures.into_iter().flatten().collect::<Vec<DayFailure>>();
        let open = findings.as_ref().map(|findings| &*findings.readable);
        let mut view = Reconciled::new(&days.readable, &failures, open, now);
        view.unreadable = shown(unreadable);
        Ok(view)
    }

    /// The latest runs, the breaker and the dead letters.
    pub(super) async fn runs(&self, now: Timestamp) -> Result<Runs, Refusal> {
        let (billing, rules) = (&self.settler.books.billing, &self.settler.books.rules);
        let (runs, breaker, queues, letters) = tokio::join!(
            billing.latest_runs(RUNS_REGARDED),
            billing.breaker(),
            self.dead_letters(),
            self.events.all_dead_letters(LETTERS_MAX)
        );
        let letters = letters.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the dead letters of webhooks cannot be shown");
        });
        let runs = runs.map_err(Refusal::unavailable)?;
        let breaker = breaker.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, "the breaker cannot be shown");
        });
        let mut unreadable = runs.unreadable;
        unreadable.extend(letters.iter().flat_map(|letters| letters.unreadable.clone()));
        let letters = letters.ok().map(|letters| addressed(letters.readable));
        let (mut shards, mut failures) = (Vec::new(), Vec::new());
        if let Some(newest) = runs.readable.first() {
            shards = billing.run_shards(newest.number).await.map_err(Refusal::unavailable)?;
            let found = self.failures(newest, &shards).await?;
            unreadable.extend(found.iter().flat_map(|found| found.unreadable.clone()));
            failures.extend(found.into_iter().flat_map(|found| found.readable));
        }
        let records = RunRecords {
            runs: &runs.readable,
            shards: &shards,
            failures: &failures,
            breaker: breaker.as_ref().ok(),
            queues: &queues,
            letters: letters.as_deref(),
        };
        let mut view = Runs::new(records, rules, now).map_err(Refusal::unavailable)?;
        view.unreadable = shown(unreadable);
        Ok(view)
    }

    /// The providers that a run could not settle with their shards.
    async fn failures(
        &self,
        run: &SettlementRun,
        shards: &[RunShard],
    ) -> Result<Vec<Found<RunFailure>>, Refusal> {
        let RunScope::Shards(_) = run.scope else { return Ok(Vec::new()) };
        let billing = &self.settler.books.billing;
        let failed = shards.iter().filter(|shard| shard.tally.failed > 0);
        let failed = failed.take(FAILURES_MAX).map(|shard| shard.shard).collect::<Vec<_>>();
        let failures = stream::iter(failed)
            .map(|shard| billing.run_failures(run.number, shard))
            .buffered(AT_ONCE);
        failures.try_collect().await.map_err(Refusal::unavailable)
    }

    /// How many messages the dead-letter queues have. One that cannot be asked is shown so.
    async fn dead_letters(&self) -> Vec<DeadLetters> {
        let counted = stream::iter(self.dead_letters.clone()).map(|(queue, of)| async move {
            let waiting = of.waiting().await.inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(error, "dead letters cannot be counted");
            });
            let messages = waiting.ok().and_then(|waiting| u64::try_from(waiting).ok());
            DeadLetters { queue, messages, oldest_s: None }
        });
        counted.buffered(AT_ONCE).collect().await
    }

    /// Receivables by age, and the revenue of months.
    pub(super) async fn receivables(&self, now: Timestamp) -> Result<Receivables, Refusal> {
        let billing = &self.settler.books.billing;
        let mut latest = billing.latest_runs(RUNS_SUMMED).await.map_err(Refusal::unavailable)?;
        let today = self.calendar().day_of(now).map_err(Refusal::unavailable)?;
        let months = std::iter::successors(Some(today.month()), |month| Some(month.previous()));
        let first = months.take(MONTHS_MAX).last().unwrap_or(today.month()).first_day();
        latest
            .readable
            .retain(|run| self.calendar().day_of(run.begun_at_s).is_ok_and(|begun| begun >= first));
        let view = Receivables::new(&latest.readable, self.calendar(), now);
        let mut view = view.map_err(Refusal::unavailable)?;
        view.unreadable = shown(latest.unreadable);
        Ok(view)
    }

    /// A page of the audit trail.
    pub(super) async fn audit_trail(
        &self,
        from: Option<TrailCursor>,
        now: Timestamp,
    ) -> Result<AuditTrail, Refusal> {
        let billing = &self.settler.books.billing;
        let today = self.calendar().day_of(now).map_err(Refusal::unavailable)?;
        let mut at = from.unwrap_or(TrailCursor { month: today.month(), before: None });
        let (mut rows, mut unreadable, mut months_left) = (Vec::new(), Vec::new(), TRAIL_MONTHS);
        let next = loop {
            let left = u16::try_from(usize::from(ACTIONS_PAGE).saturating_sub(rows.len()));
            let page = billing.actions(at.month, at.before.as_deref(), left.unwrap_or(1)).await;
            let page = page.map_err(Refusal::unavailable)?;
            rows.extend(page.actions.iter().map(ActionRow::of));
            unreadable.extend(page.unreadable);
            let month_before = || TrailCursor { month: at.month.previous(), before: None };
            let next = match page.next {
                Some(before) => TrailCursor { month: at.month, before: Some(before) },
                None => {
                    months_left -= 1;
                    month_before()
                }
            };
            if months_left == 0 {
                break (!rows.is_empty()).then(|| next.to_string());
            }
            if rows.len() >= usize::from(ACTIONS_PAGE) {
                break Some(next.to_string());
            }
            at = next;
        };
        let mut view = AuditTrail::new(rows, next, now);
        view.unreadable = shown(unreadable);
        Ok(view)
    }
}

/// The records that were read one by one, where an item that cannot be read fails alone.
fn readable<T>(
    read: Vec<Result<T, StoreError>>,
    unreadable: &mut Vec<Unreadable>,
) -> Result<Vec<T>, Refusal> {
    let mut readable = Vec::new();
    for result in read {
        match result {
            Ok(read) => readable.push(read),
            Err(error) => unreadable.push(error.of_item().map_err(Refusal::unavailable)?),
        }
    }
    Ok(readable)
}

/// Records that cannot be read, as pages name them: those that a person skips are known.
fn shown(unreadable: Vec<Unreadable>) -> Vec<UnreadableRecord> {
    let open = unreadable.into_iter().filter(|unreadable| unreadable.skipped.is_none());
    let shown = |Unreadable { pk, sk, why, .. }| UnreadableRecord { pk, sk, why };
    open.map(shown).collect()
}

/// Dead letters with the endpoints that did not take them.
fn addressed(letters: Vec<AddressedLetter>) -> Vec<(EndpointRef, DeadLetter)> {
    letters.into_iter().map(|letter| (letter.endpoint(), letter.letter)).collect()
}
