//! Days add up to the month in any history.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use steelyard_billing::{Account, Books, MonthSoFar, NamesMax, Statement, charged_days};
use steelyard_pricing::{
    Amount, ApiName, BillingDay, BillingMonth, Calls, DayCharge, Fen, LineCause, Metered,
    MonthToDate, MonthUsage, Segment, SegmentUsage, TermsRef, Usage, VouchersUsed, charge,
    rate_month, segments,
};

use crate::common::at;
use crate::history::{BODIES, Body, Event, Lived, bodies, document, first_day, given, histories};
use crate::shop::{Shop, day, month, plans};

const MONTHS: [&str; 4] = ["05", "06", "07", "08"];

/// A shop that lives through a history, with the terms that each settled day had.
struct Life {
    shop: Shop,
    kept: BTreeMap<BillingDay, TermsRef>,
    overrides: usize,
}

impl Life {
    fn new(p: Body, q: Body, names_max: NamesMax) -> Life {
        let may = day("05-01");
        let mut shop = Shop::on(&[&document("p", may, p), &document("q", may, q)]);
        shop.rules.names_max = names_max;
        Life { shop, kept: BTreeMap::new(), overrides: 0 }
    }

    fn live_through(&mut self, today: BillingDay, lived: &Lived) {
        for event in &lived.events {
            self.happen(today, event);
        }
        if lived.settles_in_the_evening {
            self.settle(&format!("{today} 18:00"));
        }
        if lived.settles_in_the_night {
            self.settle(&format!("{} 00:30", today.next()));
        }
    }

    /// Lets something happen; what is not allowed does not.
    fn happen(&mut self, today: BillingDay, event: &Event) {
        let provider = self.shop.books.provider.clone();
        let plans = self.shop.plans.clone();
        match event {
            Event::Counts { age, api, calls, amount } => {
                self.count(today, *age, api, *calls, *amount);
            }
            Event::Withdraws { age, api } => self.withdraw(today, *age, api),
            Event::Assigns { plan, from } => {
                let settled = self.shop.account().settled_through;
                let plan = plan.parse().unwrap();
                let from = from.seen_from(today);
                drop(self.shop.books.provider.assign(plan, from, &plans, settled));
            }
            Event::Stores { plan, body, from } => {
                let from = from.seen_from(today);
                let settled = self.shop.account().settled_through;
                let is_new = self.shop.plans.version(&plan.parse().unwrap(), from).is_none();
                // The end of a month that went by without a statement has not been rated: a
                // version that is stored for it later would rate what comes late.
                let is_past = settled.is_some_and(|settled| from.month() < settled.month());
                if is_new && !is_past {
                    self.shop.store(&document(plan, from, *body));
                }
            }
            Event::Gives { change, from, until } => {
                let (from, until) =
                    (from.seen_from(today), until.map(|until| until.seen_from(today)));
                self.overrides += 1;
                drop(self.shop.try_give(&given(self.overrides, from, until, change)));
            }
            Event::Ends { first, until } => {
                let settled = self.shop.account().settled_through;
                let overrides = &mut self.shop.books.provider.overrides;
                let over = if *first { overrides.first() } else { overrides.last() };
                if let Some(name) = over.map(|over| over.name.clone()) {
                    let until = until.seen_from(today);
                    drop(self.shop.books.provider.end_override(&name, until, &plans, settled));
                }
            }
            Event::Closes { on } => self.shop.close_on(*on),
        }
        if !self.fits() {
            // An override that does not fit a plan stops settlement until an operator mends it.
            self.shop.books.provider = provider;
            self.shop.plans = plans;
        }
    }

    fn count(&mut self, today: BillingDay, age: u8, api: &str, calls: u64, amount: u32) {
        let day = (0..age).fold(today, |day, _| day.previous());
        let is_open = self.shop.closed().is_none_or(|closed| day.month() > closed.through);
        let is_billed = day.month() >= self.shop.books.provider.billed_from;
        if !is_open || !is_billed {
            return;
        }
        let fen = if api.starts_with("sale") { amount } else { 0 };
        let amount = format!("{}.{:02}", fen / 100, fen % 100);
        let metered = serde_json::json!({"calls": calls, "amount": amount});
        let metered: Metered = serde_json::from_value(metered).unwrap();
        self.shop.count_at(day, (api, metered), at(&format!("{today} 12:00")));
    }

    /// Withdraws what is counted of an API on a day, if its month is open still.
    fn withdraw(&mut self, today: BillingDay, age: u8, api: &str) {
        let day = (0..age).fold(today, |day, _| day.previous());
        let is_open = self.shop.closed().is_none_or(|closed| day.month() > closed.through);
        let Some(count) = self.shop.books.counted.get(&day).filter(|_| is_open) else { return };
        let api = api.parse().unwrap();
        let metered = count.usage.of(&api);
        let gone = Usage::from_iter([(api, metered)]);
        self.shop.withdraw_at(day, &gone, at(&format!("{today} 12:00")));
    }

    /// Whether every override fits the plans that it will meet.
    fn fits(&self) -> bool {
        let Shop { books: Books { provider, .. }, plans, .. } = &self.shop;
        MONTHS.iter().all(|text| segments(month(text), |day| provider.terms_on(day, plans)).is_ok())
    }

    /// Settles twice, statement by statement, and checks what must hold after each.
    fn settle(&mut self, now: &str) {
        self.shop.close(now);
        while let Some(settlement) = self.shop.next(now).unwrap() {
            let statement = settlement.statement.clone();
            self.shop.check_settlement(&settlement);
            self.shop.keep(settlement);
            self.keep_terms(statement.statement.day);
            self.check_terms(&statement);
        }
        self.shop.note_nothing_due(now);
        assert!(self.shop.next(now).unwrap().is_none(), "a second run gives nothing");
        assert_eq!(self.shop.audit(now), []);
        let over = at(now);
        for text in MONTHS {
            let month = month(text);
            let is_over = self.shop.rules.calendar.yesterday(over).unwrap() >= month.last_day();
            if is_over && month >= self.shop.account().open_from {
                self.check_month(month);
            }
        }
    }

    /// Notes the terms of the days of a month that a statement settled.
    fn keep_terms(&mut self, settled: BillingDay) {
        let Shop { books: Books { provider, .. }, plans, .. } = &self.shop;
        let mut day = settled.month().first_day();
        while day <= settled {
            if let Some(terms) = provider.terms_on(day, plans) {
                self.kept.entry(day).or_insert_with(|| terms.reference());
            }
            day = day.next();
        }
    }

    /// Every settled day is in a segment of the terms that it had when it was settled.
    fn check_terms(&self, statement: &Statement) {
        let settled = statement.statement.day;
        for (day, kept) in self.kept.range(settled.month().first_day()..=settled) {
            let mut spans = statement.segments.iter();
            let span = spans.find(|span| (span.from..span.until).contains(day)).unwrap();
            assert_eq!(span.terms, *kept, "{day} in statement {}", statement.statement);
        }
    }

    /// The parts of a month by the terms that its days had when they were settled.
    fn segments_of<'a>(&'a self, month: BillingMonth) -> Vec<Segment<'a>> {
        let Shop { books: Books { provider, .. }, plans, .. } = &self.shop;
        let terms_on = |day: BillingDay| match self.kept.get(&day) {
            Some(kept) => provider.terms(kept, plans),
            None => provider.terms_on(day, plans),
        };
        let used = self.vouchers_used_before(month);
        let after = |segment: Segment<'a>| {
            let earlier = provider.months_before(segment.from(), &used);
            segment.after_months(earlier)
        };
        segments(month, terms_on).unwrap().into_iter().map(after).collect()
    }

    /// What the earlier months use of vouchers, each rated at once.
    fn vouchers_used_before(&self, month: BillingMonth) -> VouchersUsed {
        let earlier = MONTHS.map(self::month).into_iter().filter(|earlier| *earlier < month);
        earlier.fold(VouchersUsed::default(), |sum, month| {
            let rated = self.at_once(month, &self.segments_of(month));
            sum.plus(&rated.month.vouchers_used().unwrap()).unwrap()
        })
    }

    /// The month's statements sum to what its counts cost when they are rated at once.
    fn check_month(&self, month: BillingMonth) {
        let segments = self.segments_of(month);
        let rated = self.at_once(month, &segments);
        assert_eq!(self.shop.charged_in(month), rated.charge_fen, "{month}");
        let last = self.shop.statements_of(month).max_by_key(|statement| statement.statement);
        if let Some(last) = last {
            assert_eq!(last.rated_yuan, rated.rated_yuan, "{month}");
        }
        let parts = segments.iter().map(|segment| self.usage_of(month, segment));
        let sum = rate_month(&parts.collect::<Vec<_>>(), true).unwrap();
        assert_eq!(sum, rated.rated_yuan, "{month}, from totals and days");
    }

    fn at_once(&self, month: BillingMonth, segments: &[Segment<'_>]) -> DayCharge {
        let usage =
            MonthUsage { own: self.shop.days_of(month), closing: true, ..MonthUsage::default() };
        // The rule with which the month began, whatever plans are stored since for its first days.
        let rounding = self.shop.statements_of(month).next().map(|statement| statement.rounding);
        let before = MonthToDate { rounding, ..MonthToDate::default() };
        charge(segments, &before, &usage).unwrap()
    }

    /// The totals of a segment's counts, and its days.
    fn usage_of<'a>(&self, month: BillingMonth, segment: &'a Segment<'a>) -> SegmentUsage<'a> {
        let mut total = Usage::new();
        let mut days: BTreeMap<_, BTreeMap<BillingDay, Metered>> = BTreeMap::new();
        for (day, usage) in self.shop.days_of(month).iter().filter(|(day, _)| segment.holds(*day)) {
            total = total.plus(usage).unwrap();
            for (api, metered) in usage.iter() {
                let Some(rate) = segment.plan().rate_of(api) else { continue };
                let sum = days.entry(rate.rate.clone()).or_default().entry(*day).or_default();
                *sum = sum.plus(metered).unwrap();
            }
        }
        SegmentUsage { segment, total, days }
    }

    /// What is quoted on top of the month to date is what the night charges more if exactly that is
    /// counted today.
    fn check_on_top(&self, today: BillingDay, asked: &Usage) {
        let month = today.month();
        let charged = |account: &Account| {
            account.months.get(&month).map_or(Fen::ZERO, |progress| progress.to_date.charged_fen)
        };
        let after = |shop: &Shop| {
            let (mut shop, midnight) = (shop.clone(), format!("{} 00:00", today.next()));
            while let Some(settlement) = shop.next(&midnight).unwrap() {
                shop.keep(settlement);
            }
            shop.books.account
        };
        let Shop { books: Books { provider, account, .. }, rules, .. } = &self.shop;
        let (base, noon) = (after(&self.shop), at(&format!("{today} 12:00")));
        let so_far = MonthSoFar::new(
            provider.clone(),
            account,
            base.clone(),
            (&self.shop.plans, &rules.calendar),
            noon,
        );
        let quote = so_far.unwrap().quote(asked, &self.shop.plans).unwrap();
        let figures = &quote.month_to_date;
        assert_eq!(figures.settled_fen, charged(account));
        assert_eq!(figures.so_far_fen, charged(&base));
        assert_eq!(
            Fen::sum(quote.lines.iter().map(|on_top| on_top.line.charge_fen)),
            Ok(quote.adds_fen)
        );
        for on_top in quote.lines.iter().filter(|on_top| on_top.line.because == LineCause::Usage) {
            assert_eq!(on_top.so_far.to_date().metered, on_top.line.before.metered, "{today}");
        }
        let mut with = self.shop.clone();
        for (api, metered) in asked.iter() {
            with.count_at(today, (api.as_str(), metered), noon);
        }
        let with = charged(&after(&with));
        assert_eq!(
            (quote.month_fen, quote.adds_fen),
            (with, with.minus(charged(&base)).unwrap()),
            "{asked:?} on {today}"
        );
    }

    /// Every call and every amount is on a statement once, under its own name or another.
    fn check_listed(&self, month: BillingMonth) {
        let statements = self.shop.statements_of(month).cloned().collect::<Vec<_>>();
        let mut listed = charged_days(&statements).unwrap();
        for (day, counted) in self.shop.days_of(month) {
            let listed = listed.remove(&day).unwrap_or_default();
            assert_eq!(listed.total(), counted.total(), "{day}");
            let is_own = |api: &ApiName| api.other_prefix().is_none();
            for (api, metered) in listed.iter().filter(|(api, _)| is_own(api)) {
                assert_eq!(metered, counted.of(api), "{api} on {day}");
            }
        }
        assert!(listed.values().all(Usage::is_empty), "{listed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_statements_of_a_month_sum_to_its_final_counts_rated_at_once(
        history in histories(),
        p in bodies(),
        q in bodies(),
        names_max in prop_oneof![Just(2_000_u32), 1_u32..5],
    ) {
        let mut life = Life::new(p, q, names_max.try_into().unwrap());
        let mut today = first_day();
        for lived in &history {
            life.live_through(today, lived);
            today = today.next();
        }
        life.settle("2015-08-28 00:30");
        for text in ["05", "06", "07"] {
            life.check_listed(month(text));
        }
        let statements = &life.shop.books.statements;
        let ids = statements.iter().map(|statement| statement.statement).collect::<BTreeSet<_>>();
        prop_assert_eq!(ids.len(), statements.len(), "no id twice");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_quoted_on_top_of_a_month_is_what_the_night_charges_more(
        history in histories(),
        asked in prop::collection::vec(asked(), 60),
        p in bodies(),
        q in bodies(),
        names_max in prop_oneof![Just(2_000_u32), 1_u32..5],
    ) {
        let mut life = Life::new(p, q, names_max.try_into().unwrap());
        let mut today = first_day();
        for (lived, asked) in history.iter().zip(&asked) {
            for event in &lived.events {
                life.happen(today, event);
            }
            life.check_on_top(today, asked);
            life.live_through(today, &Lived { events: Vec::new(), ..*lived });
            today = today.next();
        }
    }
}

/// Usage that is asked about: calls of some rates and of none.
fn asked() -> impl Strategy<Value = Usage> {
    let calls = prop_oneof![Just(0_u64), 1_u64..100, 50_u64..600];
    let amount = prop_oneof![Just(0_u32), 1_u32..200_000];
    (calls.clone(), calls.clone(), calls, amount).prop_map(|(basic, extra, sales, yuan)| {
        let sales = Metered { calls: Calls::new(sales), amount: Amount::yuan(yuan) };
        let counts = [
            ("t.a", Metered::calls(basic)),
            ("vas.c", Metered::calls(extra)),
            ("sale.pay", sales),
            ("nobody.asks", Metered::calls(basic)),
        ];
        counts.into_iter().map(|(api, metered)| (api.parse().unwrap(), metered)).collect()
    })
}

#[test]
fn every_body_is_a_plan() {
    for rates in BODIES {
        plans(&[&document("p", day("05-01"), Body { rounding: "half_up", rates })]);
    }
}
