//! A platform: the local stack with providers, plans and a clock that a test sets.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use serde_json::{Value, json};
use steelyard_billing::mandate::MandateLimits;
use steelyard_billing::{
    Agreement, Calendar, CountedDays, Debit, DebitId, DebitRules, Mandate, MandateId, NamesMax,
    PlanAssignment, Provider, ProviderId, RETENTION_DAYS, RETENTION_DAYS_MIN, Reason, Reference,
    Statement, TermsChangeError,
};
use steelyard_books::{Applied, Books, PaidIn, PlanAdded};
use steelyard_local_alipay::NotificationFault;
use steelyard_local_stack::{LocalClock, Reach, Stack, StackOptions, local_tables};
use steelyard_pricing::{AlertRules, BillingDay, Fen, Metered, Plan};
use steelyard_runtime::{Callee, aws};
use steelyard_store::{EventsTable, ProviderAccount, Stored};

use crate::report::{Answer, posted, record, report};
use crate::rights::WatchedRights;

/// The plan that providers are on unless a test says otherwise: basic APIs free to 500,000 calls a
/// month, then ¥0.0001 a call; `vas.` APIs free to 100,000, then ¥0.0003.
pub const PLAN: &str = "jushita-2014";

const PLANS: [&str; 2] =
    [include_str!("../../plans/jushita-2014.json"), include_str!("../../plans/four-tiers.json")];

/// When a platform begins, in Beijing.
const BEGIN: &str = "2015-05-01T00:00";

/// A platform in May 2015, Beijing time; its clock stands still until a test sets it.
pub struct Platform {
    /// The local stack that it runs on.
    pub stack: Stack,
    reports: AtomicU64,
    rights: WatchedRights,
}

/// An amount of whole fen.
#[must_use]
pub fn fen(amount: i64) -> Fen {
    Fen::new(amount)
}

/// The agreement that a provider signs.
#[must_use]
pub fn agreement_no(provider: &str) -> String {
    format!("2015{}", provider.replace(|c: char| !c.is_ascii_alphanumeric(), ""))
}

/// An agreement in force, of which Alipay said no more than its number.
#[must_use]
pub fn in_force(agreement_no: &str) -> Agreement {
    Agreement {
        agreement_no: agreement_no.to_owned(),
        external_agreement_no: None,
        single_limit_fen: None,
        signed_at: None,
        ends_at: None,
        payer_login: None,
    }
}

impl Platform {
    /// A platform at the first midnight of May 2015, with two plans and no provider.
    pub async fn open() -> Platform {
        Platform::start(None, BEGIN, by_rules(0, RETENTION_DAYS), false).await
    }

    /// The same at another time of Beijing, reached from this process alone: it opens no socket.
    /// Debits fall due over so many minutes from ten on, events are published, and usage reports
    /// are kept for as short a time as can be.
    pub async fn open_in_process(time: &str, window_minutes: u16) -> Platform {
        let rules = by_rules(window_minutes, RETENTION_DAYS_MIN);
        Platform::reached(Reach::InProcess, None, time, rules, true).await
    }

    /// The same, with events published.
    pub async fn open_telling() -> Platform {
        Platform::start(None, BEGIN, by_rules(0, RETENTION_DAYS), true).await
    }

    /// The same, where the usage reports of a month are kept for so many days after its close.
    pub async fn open_keeping(retention_days: u16) -> Platform {
        Platform::start(None, BEGIN, by_rules(0, retention_days), false).await
    }

    /// The same, where a month lists so many names of APIs.
    pub async fn open_listing(names_max: u32) -> Platform {
        let names_max = names_max.try_into().unwrap();
        let rules = DebitRules { names_max, ..by_rules(0, RETENTION_DAYS) };
        Platform::start(None, BEGIN, rules, false).await
    }

    /// The same, where debits fall due over so many minutes from ten on, and not all at ten.
    pub async fn open_with_window(minutes: u16) -> Platform {
        Platform::start(None, BEGIN, by_rules(minutes, RETENTION_DAYS), false).await
    }

    /// The same over a folder that keeps its data.
    pub async fn open_in(folder: &Path) -> Platform {
        Platform::reopen_in(folder, BEGIN).await
    }

    /// A platform over a folder that has data, at a time of Beijing.
    pub async fn reopen_in(folder: &Path, time: &str) -> Platform {
        Platform::start(Some(folder.to_owned()), time, by_rules(0, RETENTION_DAYS), false).await
    }

    async fn start(
        data: Option<PathBuf>,
        time: &str,
        rules: DebitRules,
        follows: bool,
    ) -> Platform {
        Platform::reached(Reach::any_port(), data, time, rules, follows).await
    }

    async fn reached(
        reach: Reach,
        data: Option<PathBuf>,
        time: &str,
        rules: DebitRules,
        follows: bool,
    ) -> Platform {
        let time: DateTime = time.parse().unwrap();
        let clock = LocalClock::new(rules.calendar.instant(time.date(), time.time()), 0);
        let options =
            StackOptions { data, reach, rules, actions_need_approval: false, clock, follows };
        let stack = Stack::start(options).await.unwrap();
        stack.transport.meter().start();
        let rights = WatchedRights::of(&stack);
        let platform = Platform { stack, reports: AtomicU64::new(0), rights };
        for plan in PLANS {
            platform.add_plan(plan).await;
        }
        platform
    }

    /// The books of the platform, reached as one of its functions reaches them.
    #[must_use]
    pub fn books_as(&self, function: &str) -> Books {
        let tables = local_tables(&self.config_as(function));
        Books::new(tables.billing, self.stack.rules.clone())
    }

    /// The events table, as a function reaches it: by the rights of its role.
    #[must_use]
    pub fn events_as(&self, function: &str) -> EventsTable {
        let client = aws::dynamodb(&self.config_as(function));
        EventsTable::new(client, "steelyard-events".to_owned())
    }

    /// A function of the stack such as `steelyard-offers`, as another function reaches it.
    #[must_use]
    pub fn callee_as(&self, function: &str, callee: &str) -> Callee {
        Callee::new(&self.config_as(function), callee.to_owned())
    }

    fn config_as(&self, function: &str) -> aws::SdkConfig {
        let transport = SharedHttpClient::new(self.stack.transport.clone());
        let endpoint = format!("http://{}", self.stack.address);
        aws::local_as(&aws::local(Some(transport), &endpoint).unwrap(), function)
    }

    /// The accesses that functions had no right to, since the last call. If any is left at the end,
    /// the test fails.
    #[must_use]
    pub fn take_refused(&self) -> BTreeSet<String> {
        self.rights.take()
    }

    /// The books of the platform.
    #[must_use]
    pub fn books(&self) -> Books {
        Books::new(self.stack.tables.billing.clone(), self.stack.rules.clone())
    }

    /// The instant at which Beijing's clocks show a time such as `2015-05-02T00:30`.
    #[must_use]
    pub fn instant(&self, time: &str) -> Timestamp {
        let time: DateTime = time.parse().unwrap();
        self.stack.rules.calendar.instant(time.date(), time.time())
    }

    /// Sets the clock to a time of Beijing.
    pub fn set(&self, time: &str) {
        self.stack.clock.set(self.instant(time));
    }

    /// The billing day that the clock shows.
    #[must_use]
    pub fn today(&self) -> BillingDay {
        self.stack.rules.calendar.day_of(self.stack.clock.now()).unwrap()
    }

    /// Stores a plan.
    pub async fn add_plan(&self, document: &str) {
        let plan = Plan::read(document).unwrap();
        let stored = self.books().add_plan(&plan, self.today()).await.unwrap();
        assert!(matches!(stored, PlanAdded::New | PlanAdded::Before), "plan {}", plan.name());
    }

    /// Registers a provider on a plan from April 2015 on.
    pub async fn register(&self, id: &str, plan: &str) {
        let provider = Provider {
            provider: id.parse().unwrap(),
            billed_from: "2015-04".parse().unwrap(),
            plans: vec![PlanAssignment {
                from: "2015-04-01".parse().unwrap(),
                plan: plan.to_owned().try_into().unwrap(),
            }],
            overrides: Vec::new(),
            mandate: None,
            alert_rules: AlertRules::default(),
        };
        let (tables, now) = (&self.stack.tables, self.stack.clock.now());
        let stored = tables.billing.register(&tables.usage, &provider, now).await.unwrap();
        assert_eq!(stored, Stored::New, "provider {id}");
    }

    /// Registers a provider without an agreement.
    pub async fn join(&self, id: &str) {
        self.register(id, PLAN).await;
    }

    /// Registers a provider that signs an agreement, and has these funds at Alipay.
    pub async fn sign(&self, id: &str, funds: i64) {
        self.register(id, PLAN).await;
        self.adopt(id, &agreement_no(id), funds).await;
    }

    /// The same, by an agreement under which one debit may take so much.
    pub async fn sign_up_to(&self, id: &str, funds: i64, limit: i64) {
        self.register(id, PLAN).await;
        self.adopt_up_to(id, &agreement_no(id), funds, limit).await;
    }

    /// A provider signs an agreement with Alipay elsewhere, and an operator notes it.
    pub async fn adopt(&self, provider: &str, agreement_no: &str, funds: i64) {
        self.adopt_up_to(provider, agreement_no, funds, 500_000).await;
    }

    async fn adopt_up_to(&self, provider: &str, agreement_no: &str, funds: i64, limit: i64) {
        self.stack.alipay.register_agreement(agreement_no, provider, fen(funds)).unwrap();
        let limits = MandateLimits { single_fen: fen(limit), daily_fen: None };
        self.note_agreement(provider, agreement_no, limits).await;
    }

    /// The same, where one debit may take so much and all of a day so much.
    pub async fn adopt_within(&self, provider: &str, funds: i64, [single, daily]: [i64; 2]) {
        let agreement_no = agreement_no(provider);
        self.stack.alipay.register_agreement(&agreement_no, provider, fen(funds)).unwrap();
        let limits = MandateLimits { single_fen: fen(single), daily_fen: Some(fen(daily)) };
        self.note_agreement(provider, &agreement_no, limits).await;
    }

    async fn note_agreement(&self, provider: &str, agreement_no: &str, limits: MandateLimits) {
        let (books, now) = (self.books(), self.stack.clock.now());
        let adopted =
            books.adopt_mandate(&id(provider), &in_force(agreement_no), limits, now).await;
        assert!(matches!(adopted.unwrap(), Applied::Now(_)));
    }

    /// Sends a report over HTTP.
    pub async fn post(&self, report: &Value) -> Answer {
        self.post_bytes(report.to_string().as_bytes()).await
    }

    /// Sends bytes as a report over HTTP.
    pub async fn post_bytes(&self, body: &[u8]) -> Answer {
        self.request(posted(body)).await
    }

    /// Hands the ingest function the event of an HTTP request.
    pub async fn request(&self, event: Value) -> Answer {
        Answer::of(&self.stack.functions.ingest.invoke(event).await.unwrap())
    }

    /// Sends a report on the queue, and hands over what is on the queues.
    pub async fn queue(&self, report: &Value) {
        self.stack.send_report("local", &report.to_string()).await.unwrap();
        self.stack.drain().await.unwrap();
    }

    /// Invokes the ingest function with a report as its event.
    pub async fn invoke(&self, report: Value) -> Value {
        self.stack.functions.ingest.invoke(report).await.unwrap()
    }

    /// Counts calls of an API on a day, by a report of their own.
    pub async fn count(&self, provider: &str, api: &str, day: &str, calls: u64) {
        let id = format!("report-{}", self.reports.fetch_add(1, Ordering::Relaxed));
        self.count_as(&id, provider, api, day, calls).await;
    }

    /// Counts calls of an API on a day, by a report with that id.
    pub async fn count_as(&self, id: &str, provider: &str, api: &str, day: &str, calls: u64) {
        let answer = self.post(&report(id, &[record(provider, api, day, calls)])).await;
        assert_eq!((answer.status, answer.of_provider(provider)), (200, "counted"), "{answer:?}");
    }

    /// Settles every provider at a time of Beijing.
    pub async fn settle_at(&self, time: &str) {
        self.set(time);
        self.settle().await;
    }

    /// Settles every provider now.
    pub async fn settle(&self) {
        self.stack.functions.settle.invoke(json!({})).await.unwrap();
        self.stack.drain().await.unwrap();
    }

    /// Sends off the debits that are due at a time of Beijing, and hands them over.
    pub async fn dispatch_at(&self, time: &str) {
        self.set(time);
        self.stack.functions.dispatch.invoke(json!({})).await.unwrap();
        self.stack.drain().await.unwrap();
    }

    /// Lets all notifications of Alipay get lost: only queries and bills remain.
    pub fn lose_notifications(&self) {
        self.stack.alipay.fail_next_notifications(NotificationFault::Dropped, 1_000);
    }

    /// Lets the schedules run until a time of Beijing.
    pub async fn run_until(&self, time: &str) {
        self.stack.run_until(self.instant(time)).await.unwrap();
    }

    /// Pays money in, once for a reference.
    pub async fn recharge(&self, provider: &str, amount: i64, reference: &str) {
        let now = self.stack.clock.now();
        let (books, named) = (self.books(), self::reference(reference));
        let paid = books.pay_in(&id(provider), fen(amount), &named, now).await.unwrap();
        assert!(matches!(paid, PaidIn::Now(_)), "{paid:?}");
    }

    /// A provider with its account.
    pub async fn found(&self, provider: &str) -> ProviderAccount {
        self.stack.tables.billing.account(&id(provider)).await.unwrap().unwrap()
    }

    /// Prepaid, receivable and reserved, in fen.
    pub async fn account(&self, provider: &str) -> [i64; 3] {
        let figures = self.found(provider).await.account.figures;
        [figures.prepaid().get(), figures.receivable().get(), figures.reserved().get()]
    }

    /// A provider's debits, in order.
    pub async fn debits(&self, provider: &str) -> Vec<Debit> {
        self.stack.tables.billing.all(&id(provider)).await.unwrap()
    }

    /// A debit of a provider.
    pub async fn debit(&self, provider: &str, debit: u64) -> Debit {
        let found = self.stack.tables.billing.find(&id(provider), &DebitId(debit)).await;
        found.unwrap().unwrap()
    }

    /// A mandate of a provider.
    pub async fn mandate(&self, provider: &str, mandate: u32) -> Mandate {
        let found = self.stack.tables.billing.find(&id(provider), &MandateId(mandate)).await;
        found.unwrap().unwrap()
    }

    /// A person resumes a suspended mandate.
    pub async fn resume(&self, provider: &str, mandate: u32) {
        let now = self.stack.clock.now();
        let (provider, mandate) = (id(provider), MandateId(mandate));
        let books = self.books();
        let resumed =
            books.decide_mandate(&provider, mandate, now, |mandate| mandate.resumed(now)).await;
        resumed.unwrap();
    }

    /// Changes a provider's terms.
    pub async fn change(&self, provider: &str, change: impl Fn(&mut Provider) + Send + Sync) {
        let decide = |provider: &mut Provider, _| -> Result<(), TermsChangeError> {
            change(provider);
            Ok(())
        };
        self.books().change_provider(&id(provider), decide).await.unwrap();
    }

    /// What Alipay took from a provider, in fen.
    #[must_use]
    pub fn taken(&self, provider: &str) -> i64 {
        let taken = self.stack.alipay.taken().unwrap();
        taken.get(&agreement_no(provider)).map_or(0, |taken| taken.get())
    }

    /// A provider's statements, in order.
    pub async fn statements(&self, provider: &str) -> Vec<Statement> {
        self.stack.tables.billing.statements(&id(provider)).await.unwrap()
    }

    /// A provider's statements by their ids, with what each charges in fen.
    pub async fn charges(&self, provider: &str) -> Vec<(String, i64)> {
        let statements = self.statements(provider).await;
        statements.iter().map(|s| (s.statement.to_string(), s.charge_fen.get())).collect()
    }

    /// What was counted of a provider in April to June 2015.
    pub async fn counted(&self, provider: &str) -> CountedDays {
        let (from, through) = ("2015-04-01".parse().unwrap(), "2015-06-30".parse().unwrap());
        let days = self.stack.tables.usage.days(&id(provider), from, through).await.unwrap();
        days.into_iter().map(|(day, count)| (day, count.usage)).collect()
    }

    /// Everything that was counted of a provider and is still kept.
    pub async fn all_counted(&self, provider: &str) -> CountedDays {
        let counted = self.stack.tables.usage.all_counted(&id(provider)).await.unwrap();
        counted.days.into_iter().map(|(day, count)| (day, count.usage)).collect()
    }

    /// All calls that were counted of a provider.
    pub async fn calls(&self, provider: &str) -> u64 {
        self.metered(provider).await.calls.get()
    }

    /// All that was counted of a provider.
    pub async fn metered(&self, provider: &str) -> Metered {
        let counted = self.all_counted(provider).await;
        let by_day = counted.values().map(|usage| usage.total().unwrap());
        by_day.fold(Metered::ZERO, |sum, of_day| sum.plus(of_day).unwrap())
    }
}

fn by_rules(window_minutes: u16, retention_days: u16) -> DebitRules {
    let calendar = Calendar::new("Asia/Shanghai", 5).unwrap();
    DebitRules {
        calendar: calendar.keeping_reports(retention_days).unwrap(),
        minimum_fen: fen(1),
        time_of_day: Time::constant(10, 0, 0, 0),
        window_minutes,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    }
}

/// Why a person does something.
#[must_use]
pub fn reason(text: &str) -> Reason {
    Reason::new(text).unwrap()
}

/// What names a bank transfer.
#[must_use]
pub fn reference(text: &str) -> Reference {
    Reference::new(text).unwrap()
}

fn id(provider: &str) -> ProviderId {
    provider.parse().unwrap()
}
