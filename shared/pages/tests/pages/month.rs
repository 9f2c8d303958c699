//! A provider's month for the tests of pages, settled night by night by the code that bills.
//!
//! `shop-assistant` in May 2015, as of the 19th at 08:32: basic, value-added and message APIs, a
//! discount of 20%, a cheaper tier from 13 million calls on, and calls of 17 May that arrived on
//! the 18th.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use steelyard_billing::{
    Account, Calendar, CountedDays, DayCount, DebitRules, MandateId, MandateInUse, NamesMax,
    PlanAssignment, Provider, ReportCount, Statement, UsageRead, charged_between, next_settlement,
};
use steelyard_pages::bill::{BillRecords, DayBill};
use steelyard_pages::{Frame, Lang, Records};
use steelyard_pricing::{AlertRules, BillingDay, Catalog, Fen, Metered, Plan, Usage};

/// A provider with its statements, and what is new since.
pub(crate) struct Month {
    pub provider: Provider,
    pub account: Account,
    pub plans: Catalog,
    pub rules: DebitRules,
    pub now: Timestamp,
    /// The bills so far, the oldest first.
    pub statements: Vec<Statement>,
    /// What the coming night would settle.
    pub coming: Vec<Statement>,
}

pub(crate) const PLAN: &str = r#"{
  "plan": "open-2015", "effective_from": "2015-01-01",
  "rates": [
    {"rate": "basic", "apis": ["taobao.*"], "free_per_month": 5000000,
     "price": {"model": "graduated", "tiers": [
       {"up_to": 8000000, "unit_price": "0.0001"}, {"unit_price": "0.00008"}]}},
    {"rate": "value-added", "apis": ["vas.*"], "free_per_month": 1000000,
     "discounts": [{"discount": "spring-2015", "percent": "20", "from": "2015-03-01", "until": "2015-07-01"}],
     "price": {"model": "per_unit", "unit_price": "0.0003"}},
    {"rate": "messages", "apis": ["msg.*"], "free_per_month": 12000000,
     "price": {"model": "per_unit", "unit_price": "0.00005"}}
  ]
}"#;

/// The instant at which a wall clock in Shanghai shows `2015-05-17T10:00`.
pub(crate) fn at(text: &str) -> Timestamp {
    let clock: DateTime = text.parse().unwrap();
    clock.to_zoned(TimeZone::get("Asia/Shanghai").unwrap()).unwrap().timestamp()
}

pub(crate) fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

pub(crate) fn rules() -> DebitRules {
    DebitRules {
        calendar: Calendar::new("Asia/Shanghai", 5).unwrap(),
        minimum_fen: Fen::new(1),
        time_of_day: Time::constant(10, 0, 0, 0),
        window_minutes: 0,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    }
}

pub(crate) fn provider() -> Provider {
    Provider {
        provider: "shop-assistant".parse().unwrap(),
        billed_from: "2015-04".parse().unwrap(),
        plans: vec![PlanAssignment { from: day("2015-04-01"), plan: "open-2015".parse().unwrap() }],
        overrides: Vec::new(),
        mandate: Some(MandateInUse {
            mandate: MandateId(1),
            agreement_no: "20155245550001".to_owned(),
            limit_fen: Fen::new(50_000),
            daily_limit_fen: None,
            lowered: 0,
        }),
        alert_rules: AlertRules::default(),
    }
}

/// The calls of a day: more on weekdays, each API at a steady part.
pub(crate) fn calls_of(day: BillingDay) -> Usage {
    let date = day.date();
    let is_weekend = date.weekday().to_monday_zero_offset() >= 5;
    let base = if is_weekend { 1_000 } else { 1_500 } + u64::from(date.day().unsigned_abs()) * 7;
    [
        ("taobao.trades.sold.get", 260),
        ("taobao.trade.fullinfo.get", 143),
        ("taobao.item.get", 93),
        ("vas.sms.send", 109),
        ("vas.waybill.read", 54),
        ("msg.user.get", 210),
        ("msg.trade.get", 130),
    ]
    .into_iter()
    .map(|(api, part)| (api.parse().unwrap(), Metered::calls(base * part)))
    .collect()
}

fn count(usage: &Usage, at: Timestamp) -> DayCount {
    let mut count = DayCount::default();
    count.add(ReportCount { metered: usage, is_withdrawn: false, changed_at: at }).unwrap();
    count
}

impl Month {
    /// The bill of a statement whose reports and debits were not read.
    pub(crate) fn bill_of(&self, statement: &Statement) -> DayBill {
        let records = BillRecords {
            statement,
            statements: &self.statements,
            reports: &[],
            entry: None,
            debits: &[],
        };
        DayBill::new(self.records(), records).unwrap()
    }

    /// The month that the reference pages show.
    pub(crate) fn of_may_2015() -> Month {
        Month::until("2015-04-13", "2015-05-19T08:32")
    }

    /// A provider whose calls began on a day, as of a time; settled every night.
    pub(crate) fn until(first: &str, now: &str) -> Month {
        Month::under(PLAN, first, now)
    }

    /// The same under another plan of that name.
    pub(crate) fn under(plan: &str, first: &str, now: &str) -> Month {
        let (provider, rules, now) = (provider(), rules(), at(now));
        let plans = Catalog::from_iter([Plan::read(plan).unwrap()]);
        let mut month = Month {
            account: Account::new(&provider),
            provider,
            plans,
            rules,
            now,
            statements: Vec::new(),
            coming: Vec::new(),
        };
        let today = month.rules.calendar.day_of(now).unwrap();
        let mut of = day(first);
        while of < today {
            let mut usage = calls_of(of);
            if of == day("2015-05-17") {
                usage = usage.minus(&late()).unwrap();
            }
            let mut read = BTreeMap::from([(of, usage)]);
            if of == day("2015-05-18") {
                read.insert(day("2015-05-17"), calls_of(day("2015-05-17")));
            }
            let night = of.next().date().to_datetime(Time::constant(0, 30, 0, 0)).to_string();
            let made = month.night(&read, at(&night));
            month.statements.extend(made);
            of = of.next();
        }
        // What was counted since midnight: an eighth of a day.
        let mut rest = Month { statements: month.statements.clone(), ..month.copy() };
        let new = calls_of(today);
        let part =
            new.iter().map(|(api, metered)| (api.clone(), Metered::calls(metered.calls.get() / 8)));
        let tomorrow = today.next().date().to_datetime(Time::midnight()).to_string();
        month.coming = rest.night(&BTreeMap::from([(today, part.collect())]), at(&tomorrow));
        month
    }

    fn copy(&self) -> Month {
        Month {
            provider: self.provider.clone(),
            account: self.account.clone(),
            plans: self.plans.clone(),
            rules: self.rules.clone(),
            now: self.now,
            statements: Vec::new(),
            coming: Vec::new(),
        }
    }

    /// Settles what is counted of some days, as a night does.
    pub(crate) fn night(
        &mut self,
        counted: &BTreeMap<BillingDay, Usage>,
        now: Timestamp,
    ) -> Vec<Statement> {
        let days = counted.iter().map(|(day, usage)| (*day, count(usage, now))).collect();
        let settled = counted.keys().filter(|day| Some(**day) <= self.account.settled_through);
        let mut rated = CountedDays::new();
        for day in settled {
            rated.extend(charged_between(&self.statements, *day, *day).unwrap());
        }
        let mut read = UsageRead { days, rated, ..UsageRead::default() };
        let mut made = Vec::new();
        while let Some(next) =
            next_settlement(&self.provider, &self.account, &read, &self.plans, &self.rules, now)
                .unwrap()
        {
            read.charged(&next.statement).unwrap();
            self.account = next.movement.account;
            made.push(next.statement);
        }
        made
    }

    /// The account as the coming night would leave it.
    pub(crate) fn after_coming(&self) -> Account {
        self.settled_tonight(&Usage::new()).account
    }

    /// What the coming night would charge if this was reported today too.
    pub(crate) fn charged_with(&self, usage: &Usage) -> Fen {
        let coming = self.settled_tonight(usage).statements;
        Fen::sum(coming.iter().map(|statement| statement.charge_fen)).unwrap()
    }

    /// The month after the coming night, with the statements of that night alone.
    fn settled_tonight(&self, more: &Usage) -> Month {
        let today = self.rules.calendar.day_of(self.now).unwrap();
        let new = calls_of(today);
        let part =
            new.iter().map(|(api, metered)| (api.clone(), Metered::calls(metered.calls.get() / 8)));
        let counted = part.collect::<Usage>().plus(more).unwrap();
        let tomorrow = today.next().date().to_datetime(Time::midnight()).to_string();
        let mut month = self.copy();
        month.statements = month.night(&BTreeMap::from([(today, counted)]), at(&tomorrow));
        month
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            provider: &self.provider,
            account: &self.account,
            plans: &self.plans,
            rules: &self.rules,
            now: self.now,
        }
    }

    /// The statements from one day through another.
    pub(crate) fn between(&self, from: &str, through: &str) -> Vec<Statement> {
        let (from, through) = (day(from), day(through));
        let is_in = |statement: &&Statement| {
            from <= statement.statement.day && statement.statement.day <= through
        };
        self.statements.iter().filter(is_in).cloned().collect()
    }

    pub(crate) fn frame(&self, lang: Lang, page: &str) -> Frame {
        let path = format!("/portal/providers/{}/{page}", self.provider.provider);
        let frame = Frame::new(lang, path, &self.rules.calendar, self.now);
        Frame { provider: Some(self.provider.provider.clone()), ..frame }
    }
}

/// What arrived of 17 May after that day was settled.
fn late() -> Usage {
    let late = [("taobao.trades.sold.get", 200_000), ("vas.sms.send", 74_382)];
    late.into_iter().map(|(api, calls)| (api.parse().unwrap(), Metered::calls(calls))).collect()
}
