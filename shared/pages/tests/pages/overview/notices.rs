//! The notices of the overview: prices, terms, corrections, tiers, deposits, alerts and standing.

use std::collections::BTreeMap;

use askama::Template;
use steelyard_billing::{
    Account, AdjustmentNote, AdjustmentOf, Because, DepositDemand, NextStage, Person,
    PlanAssignment, Provider, Reason, Stage, Standing,
};
use steelyard_pages::bill::DayBillPage;
use steelyard_pages::overview::{Basis, Notice, Overview, OverviewPage, OverviewRecords};
use steelyard_pages::{Frame, Lang, May};
use steelyard_pricing::{Catalog, Fen, LineCause, Override, Plan, Usage, Yuan};

use super::{check_page, fen, html, owing, records, settle, sum, view};
use crate::month::{Month, PLAN, at, calls_of, day, provider, rules};

#[test]
fn a_later_version_of_the_plan_is_told_with_its_effect() {
    let mut month = owing("0.00");
    let later = PLAN.replace("2015-01-01", "2015-06-01").replace("0.0003", "0.00028");
    month.plans.add(Plan::read(&later).unwrap());
    let last_month = view(&month, &records(&month)).notices.into_iter().find_map(|notice| {
        let Notice::PriceChange { basis, .. } = notice else { return None };
        Some(basis)
    });
    // Days of April without calls have no bills.
    assert_eq!(last_month, Some(Basis::Month { month: "2015-04".parse().unwrap() }));

    // A month without calls shows no effect.
    let since_may =
        Month { statements: month.between("2015-05-01", "2015-05-18"), ..owing("0.00") };
    let since_may = Month { plans: month.plans.clone(), ..since_may };
    let basis = view(&since_may, &records(&since_may)).notices.into_iter().find_map(|notice| {
        let Notice::PriceChange { basis, .. } = notice else { return None };
        Some(basis)
    });
    assert_eq!(basis, Some(Basis::MonthToDate { through: day("2015-05-18") }));

    // April is no month of it.
    month.provider.billed_from = "2015-05".parse().unwrap();
    let view = view(&month, &records(&month));
    let Some(Notice::PriceChange { from, rates, basis, before_fen, after_fen, change_fen }) =
        view.notices.first()
    else {
        panic!("no change of prices: {:?}", view.notices);
    };
    assert_eq!(*from, day("2015-06-01"));
    assert_eq!(*basis, Basis::MonthToDate { through: day("2015-05-18") });
    let rate = rates.first().unwrap();
    let yuan = |yuan: Option<Yuan>| yuan.unwrap().to_string();
    // Less 20%, before and after.
    let prices = (yuan(rate.before_yuan), yuan(rate.after_yuan));
    assert_eq!(prices, ("0.00024".to_owned(), "0.000224".to_owned()));
    // Each of the 3,107,111 calls that were charged costs ¥0.000016 less.
    assert_eq!((*before_fen, *change_fen), (fen("1495.48"), fen("-49.72")));
    assert_eq!(before_fen.plus(*change_fen), Ok(*after_fen));
    let [english, chinese] = check_page("prices", &month, &view);
    assert!(
        english.contains("New prices from 1 June") && english.contains("You need not do anything")
    );
    assert!(chinese.contains("6 月 1 日起执行新价格"));
}

#[test]
fn an_override_to_come_is_told_for_the_whole_month_before_if_it_is_there() {
    // On 1 March all of February is within four weeks.
    let mut month = Month::until("2015-02-01", "2015-03-01T08:00");
    assert!(month.statements.is_empty(), "billed from April on");
    month = earlier("2015-02", "2015-02-01", "2015-03-01T08:00");
    month.account.open_debit = None;
    let over: Override = serde_json::from_str(
        r#"{"override": "launch", "from": "2015-03-10", "rate": "messages", "free_on_top": 1000000}"#,
    )
    .unwrap();
    month.provider.overrides.push(over);
    let view = view(&month, &records(&month));
    let told = view.notices.iter().find_map(|notice| {
        let Notice::PriceChange { from, basis, rates, .. } = notice else { return None };
        Some((*from, *basis, rates.len()))
    });
    let february = Basis::Month { month: "2015-02".parse().unwrap() };
    assert_eq!(told, Some((day("2015-03-10"), february, 1)));
}

/// A month of a provider that is billed from an earlier one.
fn earlier(billed_from: &str, first: &str, now: &str) -> Month {
    let provider = Provider {
        billed_from: billed_from.parse().unwrap(),
        plans: vec![PlanAssignment { from: day(first), plan: "open-2015".parse().unwrap() }],
        ..provider()
    };
    let mut month = Month {
        account: Account::new(&provider),
        provider,
        plans: Catalog::from_iter([Plan::read(PLAN).unwrap()]),
        rules: rules(),
        now: at(now),
        statements: Vec::new(),
        coming: Vec::new(),
    };
    settle(&mut month, first, calls_of);
    month
}

#[test]
fn a_change_of_terms_that_moves_what_is_settled_is_told_before_it_is_charged() {
    let mut month = owing("0.00");
    let other = PLAN.replace("open-2015", "other");
    month.plans = Catalog::from_iter([PLAN, &other].map(|plan| Plan::read(plan).unwrap()));
    let from = day("2015-05-25");
    month.provider.plans.push(PlanAssignment { from, plan: "other".parse().unwrap() });
    month.coming.clear();

    // The days before have 24 of 31 parts of the month's free calls.
    let view = view(&month, &records(&month));
    let told = view.notices.iter().find_map(|notice| {
        let Notice::TermsChange { from, charge_fen } = notice else { return None };
        Some((*from, *charge_fen))
    });
    let (told_of, charge_fen) = told.unwrap();
    assert_eq!(told_of, Some(from));
    let [english, chinese] = check_page("terms-change", &month, &view);
    assert!(english.contains("Your terms change on 25 May") && chinese.contains("将补收"));

    let night = at("2015-05-20T00:30");
    let made = month.night(&BTreeMap::from([(day("2015-05-19"), Usage::new())]), night);
    assert!(made.is_empty(), "nothing was called");
    let called = calls_of(day("2015-05-20"));
    let made = month.night(&BTreeMap::from([(day("2015-05-20"), called)]), at("2015-05-21T00:30"));
    let moved = made[0].lines.iter().filter(|line| line.because == LineCause::Terms);
    assert_eq!(sum(moved.map(|line| line.charge_fen)), charge_fen);
    let frame = month.frame(Lang::En, "bills/2015-05-20");
    let bill = month.bill_of(&made[0]);
    let page = DayBillPage::new(&frame, &month.rules.calendar, &bill).render().unwrap();
    assert!(page.contains("The terms change on 25 May"), "not on its first day");
}

#[test]
fn late_withdrawn_and_corrected_usage_is_told() {
    let mut month = owing("0.00");
    let last = month.statements.last_mut().unwrap();
    last.adjustments.push(AdjustmentNote {
        adjustment: "apr-1".parse().unwrap(),
        amount_fen: fen("-12.00"),
        of: AdjustmentOf {
            corrects: "2015-04-20".parse().unwrap(),
            line: None,
            reports: Vec::new(),
        },
        reason: Reason::new("a gateway <counted> twice").unwrap(),
        by: Person::new("ops@example").unwrap(),
        made_at_s: at("2015-05-18T12:00"),
        approval: None,
    });
    last.charge_fen = last.charge_fen.minus(fen("12.00")).unwrap();
    let view = view(&month, &records(&month));
    let late = view.notices.iter().find_map(|notice| {
        let Notice::LateUsage { days, calls, charge_fen, .. } = notice else { return None };
        Some((days.len(), calls.get(), *charge_fen))
    });
    assert_eq!(late, Some((1, 274_382, fen("37.85"))));
    // What is of no rate is beside the series, and of no API.
    let row = view.by_day.rows.iter().find(|row| row.bill.day == day("2015-05-18")).unwrap();
    assert_eq!((row.other_fen, view.by_day.has_other), (fen("-12.00"), true));
    let change = view.change.as_ref().unwrap();
    let of_none = change.rows.iter().find(|row| row.api.is_none() && row.more.is_none()).unwrap();
    assert_eq!((of_none.of.change_fen, of_none.of.by_price_fen), (fen("-12.00"), fen("-12.00")));
    let [english, _] = check_page("corrected", &month, &view);
    assert!(english.contains("Credit for the bill of 20 April"));
    assert!(
        english.contains("a gateway &#60;counted&#62; twice") && !english.contains("<counted>")
    );
}

#[test]
fn a_cheaper_tier_is_told_once_a_bill_has_calls_in_it() {
    let mut month = Month::until("2015-04-13", "2015-05-21T08:32");
    month.account.open_debit = None;
    let view = view(&month, &records(&month));
    let told = view.notices.iter().find_map(|notice| {
        let Notice::CheaperTier { rate, since, beyond, now_yuan, before_yuan } = notice else {
            return None;
        };
        let prices = (now_yuan.to_string(), before_yuan.to_string());
        Some((rate.to_string(), *since, beyond.to_string(), prices))
    });
    let prices = ("0.8".to_owned(), "1".to_owned());
    let tier = ("basic".to_owned(), day("2015-05-19"), "13000000".to_owned(), prices);
    assert_eq!(told, Some(tier));
    let [english, _] = check_page("tier", &month, &view);
    assert!(english.contains("Basic calls entered a cheaper tier"));
    assert!(english.contains("past 13,000,000 basic calls"));
}

#[test]
fn a_deposit_is_told_with_what_is_missing_until_when_and_a_way_to_pay_it() {
    let mut month = owing("0.00");
    let told = |month: &Month| {
        let view = view(month, &records(month));
        let of_deposit = |notice: &Notice| {
            let Notice::Deposit(deposit) = notice else { return None };
            Some(*deposit)
        };
        view.notices.iter().find_map(of_deposit)
    };
    assert_eq!(told(&month), None, "none is held or wanted");
    let demand = |from: &str, yuan: &str, due: &str| DepositDemand {
        from: day(from),
        amount_fen: fen(yuan),
        announced_on: day("2015-05-01"),
        due_on: day(due),
    };
    month.account.deposit.demands = vec![
        demand("2015-05-01", "500.00", "2015-05-31"),
        demand("2015-06-10", "800.00", "2015-06-20"),
    ];
    let deposit = told(&month).unwrap();
    assert_eq!((deposit.missing_fen, deposit.due_on), (fen("500.00"), Some(day("2015-05-31"))));
    assert_eq!(deposit.next.map(|next| next.amount_fen), Some(fen("800.00")));
    let shown = |name: &str, month: &Month| {
        let view = view(month, &records(month));
        let may = May { pay: true, ..May::default() };
        let frame = Frame { may, ..month.frame(Lang::En, "overview") };
        check_page(name, month, &view);
        OverviewPage::new(&frame, &month.rules.calendar, &view).render().unwrap()
    };
    let html = shown("deposit", &month);
    assert!(html.contains("?amount=500.00&#38;purpose=deposit#pay-in"), "{html}");
    assert!(html.contains("is missing. Pay it by") && html.contains("From 10 June on"));
    month.account.deposit.demands[0].due_on = day("2015-05-11");
    assert!(shown("deposit-overdue", &month).contains("It was due on"));
}

#[test]
fn alerts_that_stand_are_noticed_and_those_of_an_earlier_month_are_not() {
    let mut month = owing("0.00");
    let alerts = serde_json::json!([
        {"kind": "budget", "percent": [50, 80], "line": {"fen": 8_000}, "figure": {"fen": 8_123},
         "day": "2015-05-18", "at_s": month.now.as_second()},
        {"kind": "allowance", "rate": "basic", "percent": [80], "line": {"calls": 400000},
         "figure": {"calls": 400001}, "day": "2015-05-18", "at_s": month.now.as_second()},
        {"kind": "cap", "percent": [100], "line": {"fen": 9_000}, "figure": {"fen": 9_100},
         "day": "2015-04-30", "at_s": month.now.as_second()},
    ]);
    month.account.alerts.alerts = serde_json::from_value(alerts).unwrap();
    let view = Overview::new(&month.records(), &records(&month)).unwrap();
    let told = view.notices.iter().filter(|notice| matches!(notice, Notice::Alert(_)));
    assert_eq!(told.count(), 2, "{:?}", view.notices);
    let json = serde_json::to_value(&view).unwrap();
    assert_eq!(json["notices"][0]["notice"], "alert");
    assert_eq!(json["notices"][0]["percent"], 80);
    for (lang, texts) in [
        (
            Lang::En,
            ["The month has reached 80% of its budget", "81.23", "80% of the allowance is used"],
        ),
        (Lang::Zh, ["本月费用已达预算的 80%", "81.23", "免费额度已用 80%"]),
    ] {
        let html = html(&month, &view, lang);
        for text in texts {
            assert!(html.contains(text), "{text}: {html}");
        }
    }
}

#[test]
fn a_standing_with_consequences_is_told_with_its_cure_and_what_comes_next() {
    let month = owing("120.00");
    let standing = Standing {
        provider: month.provider.provider.clone(),
        stage: Stage::Throttled,
        blocked: false,
        calls_per_second: Some(10),
        payouts_frozen: false,
        because: Because::Overdue,
        owed_fen: fen("120.00"),
        owed_since: Some(day("2015-05-15")),
        overdue_days: 3,
        cure_fen: fen("70.00"),
        next: Some(NextStage { stage: Stage::PayoutsFrozen, on: day("2015-05-21") }),
        ladder: None,
        version: 1,
        as_of_s: month.now,
        cache_s: 60,
    };
    let of = |name: &str, standing: &Standing| {
        let more = OverviewRecords { standing: Some(standing), ..records(&month) };
        check_page(name, &month, &view(&month, &more))
    };
    let [english, chinese] = of("throttled", &standing);
    for text in [
        "limited to 10 a second",
        "70.00</span> restores",
        "amount=70.00#pay-in",
        "Payouts to you are frozen",
    ] {
        assert!(english.contains(text), "{text}");
    }
    assert!(chinese.contains("每秒 10 次") && chinese.contains("已暂停向您付款"), "{chinese}");
    let reason = Reason::new("it pays on Monday").unwrap();
    let because = Because::Held { until: day("2015-05-25"), reason };
    let held = Standing {
        stage: Stage::Suspended,
        because,
        cure_fen: Fen::ZERO,
        next: None,
        ..standing.clone()
    };
    let [english, _] = of("suspended", &held);
    assert!(english.contains("Your calls are stopped") && english.contains("it pays on Monday"));
    assert!(!english.contains("restores your standing"), "no payment ends a hold");
    let [english, _] = of("good", &Standing { stage: Stage::Good, ..standing });
    assert!(!english.contains("Your calls are"), "a good standing is no news");
}
