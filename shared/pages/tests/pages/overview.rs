//! The overview: its figures against the records, its states, and its page.

mod forecast;
mod notices;
mod states;
mod week;

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Time;
use serde_json::{Value, json};
use steelyard_billing::mandate::{MandateLimits, MandatePhase};
use steelyard_billing::{
    Account, Debit, DebitTerms, Mandate, MandateId, Realm, Reference, Statement,
};
use steelyard_pages::overview::{
    ClosedAccount, Overview, OverviewError, OverviewPage, OverviewRecords, StripPart,
    WithholdingState,
};
use steelyard_pages::{Lang, May, STYLE_SHEET};
use steelyard_pricing::{ApiName, BillingDay, Catalog, Fen, Metered, Plan, Usage, Yuan};

use crate::look;
use crate::month::{Month, PLAN, at, calls_of, day, provider, rules};

fn fen(yuan: &str) -> Fen {
    yuan.parse().unwrap()
}

/// What the portal reads of a month.
fn records(month: &Month) -> OverviewRecords<'_> {
    OverviewRecords {
        standing: None,
        statements: &month.statements,
        coming: Some(&month.coming),
        debit: None,
        mandate: None,
        last_report_at: None,
        closed: None,
    }
}

/// The same with a debit.
fn of_debit<'a>(month: &'a Month, debit: &'a Debit) -> OverviewRecords<'a> {
    OverviewRecords { debit: Some(debit), ..records(month) }
}

/// The month with all but so much paid, and without an open debit.
fn owing(owed: &str) -> Month {
    let mut month = Month::of_may_2015();
    let paid = month.account.figures.receivable().minus(fen(owed)).unwrap();
    let recharged =
        month.account.recharge(paid, Reference::new("transfer").unwrap(), month.now).unwrap();
    month.account = Account { open_debit: None, ..recharged.account };
    month
}

/// The month with more paid than is owed.
fn prepaid(prepaid: &str) -> Month {
    let mut month = owing("0.00");
    let more =
        month.account.recharge(fen(prepaid), Reference::new("more").unwrap(), month.now).unwrap();
    month.account = more.account;
    month
}

/// The next debit of the account, which is open then.
fn opened(month: &mut Month) -> Debit {
    let (provider, account) = (&month.provider.provider, &mut month.account);
    account.debits += 1;
    let id = steelyard_billing::DebitId(account.debits);
    account.open_debit = Some(id);
    Debit::open(provider, id, month.rules.next_due(provider, month.now), month.now)
}

/// A debit of an amount that was sent at ten today, with what it reserves.
fn sent(month: &mut Month, amount: &str) -> Debit {
    month.now = at("2015-05-19T10:02");
    let debit = opened(month);
    let terms = DebitTerms {
        amount_fen: fen(amount),
        mandate: MandateId(1),
        agreement_no: "20155245550001".to_owned(),
        from: day("2015-05-18"),
        through: day("2015-05-18"),
    };
    let number = debit.next_out_trade_no(&Realm::parse("k3x9ab").unwrap());
    let debit = debit.sending(terms, number, "{}".to_owned(), at("2015-05-19T10:00")).unwrap();
    let in_use = month.provider.mandate.as_ref();
    month.account = month.account.debit_sent(&debit, in_use, month.now).unwrap().account;
    debit
}

fn mandate(month: &Month, phase: MandatePhase) -> Mandate {
    let limits = MandateLimits { single_fen: fen("500.00"), daily_fen: None };
    let realm = Realm::parse("k3x9ab").unwrap();
    let provider = &month.provider.provider;
    let offer = Mandate::offer(&realm, provider, MandateId(1), limits, month.now).unwrap();
    Mandate { agreement_no: Some("20155245550001".to_owned()), phase, ..offer }
}

fn view(month: &Month, more: &OverviewRecords<'_>) -> Overview {
    Overview::new(&month.records(), more).unwrap()
}

fn html(month: &Month, view: &Overview, lang: Lang) -> String {
    let mut frame = month.frame(lang, "overview");
    frame.may = May { pay: true, mandate: true, alerts: true, operate: false };
    OverviewPage::new(&frame, &month.rules.calendar, view).render().unwrap()
}

/// The page in both languages, which say the same with the same marks.
fn check_page(name: &str, month: &Month, view: &Overview) -> [String; 2] {
    Lang::ALL.map(|lang| {
        let html = html(month, view, lang);
        look::check(&format!("overview-{name}"), lang, &html);
        html
    })
}

fn sum(amounts: impl IntoIterator<Item = Fen>) -> Fen {
    Fen::sum(amounts).unwrap()
}

#[test]
fn figures_of_the_month_add_up_across_the_page() {
    let mut month = owing("126.02");
    let debit = opened(&mut month);
    let more = OverviewRecords { debit: Some(&debit), ..records(&month) };
    let view = view(&month, &more);
    let of_may = month.between("2015-05-01", "2015-05-31");
    let (charged, coming) =
        (Statement::sum_fen(&of_may).unwrap(), Statement::sum_fen(&month.coming).unwrap());

    assert_eq!((charged, coming), (fen("1495.48"), fen("18.11")));
    assert_eq!(view.settled.charge_fen, charged);
    assert_eq!((view.settled.bills, view.settled.calls.get()), (18, 25_171_803));
    assert_eq!(view.settled.through, Some(day("2015-05-18")));
    let since = view.since.unwrap();
    assert_eq!((since.charge_fen, since.calls.get()), (coming, 203_917));

    let rows = &view.by_day.rows;
    for row in rows {
        let parts = sum(row.series_fen.iter().copied().chain([row.other_fen]));
        assert_eq!(parts, row.charge_fen, "{}", row.bill);
    }
    let settled = || rows.iter().filter(|row| !row.is_estimate);
    assert_eq!(sum(settled().map(|row| row.charge_fen)), charged);
    let total = &view.by_day.total;
    assert_eq!(total.charge_fen, charged);
    assert_eq!(sum(total.series_fen.iter().copied().chain([total.other_fen])), charged);
    assert_eq!(total.calls, view.settled.calls);
    assert_eq!(settled().map(|row| row.calls.get()).sum::<u64>(), total.calls.get());

    let by_allowance = sum(view.allowances.iter().filter_map(|allowance| allowance.charged_fen));
    assert_eq!(by_allowance, charged.plus(coming).unwrap());
    assert_eq!(view.forecast.unwrap().so_far_fen, by_allowance);

    let change = view.change.unwrap();
    let week = month.between("2015-05-12", "2015-05-18");
    assert_eq!(change.total.charge_fen, Statement::sum_fen(&week).unwrap());
    assert_eq!(change.total.change_fen, fen("320.62"));
    for of in change.rows.iter().map(|row| row.of).chain([change.total]) {
        assert_eq!(of.by_volume_fen.plus(of.by_price_fen).unwrap(), of.change_fen);
        assert_eq!(of.charge_before_fen.plus(of.change_fen).unwrap(), of.charge_fen);
    }
    assert_eq!(sum(change.rows.iter().map(|row| row.of.change_fen)), change.total.change_fen);
    let volume = sum(change.rows.iter().map(|row| row.of.by_volume_fen));
    assert_eq!((volume, change.total.by_volume_fen), (fen("20.37"), fen("20.37")));
}

#[test]
fn allowances_tell_when_they_ended_or_are_expected_to_end_and_what_calls_cost() {
    let month = owing("0.00");
    let view = view(&month, &records(&month));
    let told = view.allowances.iter().map(|allowance| {
        let yuan = |yuan: Option<Yuan>| yuan.map(|yuan| yuan.to_string());
        (
            allowance.used_up_on.map(|day| day.to_string()),
            allowance.left.to_string(),
            allowance.beyond.to_string(),
            yuan(allowance.next_yuan),
            yuan(allowance.after_yuan),
        )
    });
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (text("2015-05-08"), "0".into(), "7598956".into(), text("1"), None),
            // Less 20%.
            (text("2015-05-05"), "0".into(), "3140382".into(), text("2.4"), None),
            (None, "3363618".into(), "0".into(), text("0"), text("0.5")),
        ]
    );
    let messages = view.allowances.last().unwrap().expected.unwrap();
    let days = (messages.earliest, messages.likely, messages.latest);
    assert_eq!(days, (day("2015-05-25"), Some(day("2015-05-25")), Some(day("2015-05-26"))));
}

#[test]
fn a_strip_shows_what_prepaid_money_paid_and_what_is_left() {
    // ¥60 are prepaid when the last bill is made.
    let mut month = Month::until("2015-04-13", "2015-05-18T08:32");
    let all = month.account.figures.receivable().plus(fen("60.00")).unwrap();
    month.account.open_debit = None;
    month.account =
        month.account.recharge(all, Reference::new("all").unwrap(), month.now).unwrap().account;
    let calls = BTreeMap::from([(day("2015-05-18"), calls_of(day("2015-05-18")))]);
    let made = month.night(&calls, at("2015-05-19T00:30"));
    month.statements.extend(made);
    (month.now, month.coming) = (at("2015-05-19T08:32"), Vec::new());
    let debit = Debit::open(
        &month.provider.provider,
        month.account.open_debit.unwrap(),
        at("2015-05-19T10:00"),
        month.now,
    );
    let more = OverviewRecords { debit: Some(&debit), ..records(&month) };
    let view = view(&month, &more);
    let parts = view.next_withholding.strip.iter().map(|entry| entry.amount_fen.get());
    assert_eq!(parts.collect::<Vec<_>>(), [14_426, -6_000, 8_426]);
    assert_eq!(view.account.prepaid_used_up_at_s, Some(at("2015-05-19T00:30")));
    let [english, _] = check_page("strip", &month, &view);
    assert!(english.contains("Taken from prepaid, 00:30"));
    assert!(english.contains("used up on 19 May, 00:30"));
}

#[test]
fn older_bills_and_what_is_left_for_the_next_debit_are_rows_of_the_strip() {
    let mut month = Month::of_may_2015();
    let debit = Debit::open(
        &month.provider.provider,
        month.account.open_debit.unwrap(),
        at("2015-05-19T10:00"),
        month.now,
    );
    month.statements = month.between("2015-05-13", "2015-05-18");
    let more = OverviewRecords { debit: Some(&debit), ..records(&month) };
    let view = view(&month, &more);
    // The bills before those that were read are among what is owed, and are all that is withheld.
    assert!(view.account.owed_for.is_some_and(|days| days.and_earlier));
    assert_eq!(view.next_withholding.days, None);
    let [english, _] = check_page("older", &month, &view);
    assert!(english.contains("for 13 to 18 May and earlier days"));
    assert!(english.contains("Earlier bills, in part"));
    assert!(english.contains("For your calls of earlier days."));
    let strip = view.next_withholding.strip;
    assert_eq!(strip.first().unwrap().part, StripPart::Older);
    let (last, parts) = strip.split_last().unwrap();
    assert_eq!(last.amount_fen, fen("500.00"));
    assert_eq!(sum(parts.iter().map(|entry| entry.amount_fen)), last.amount_fen);
    assert!(parts.iter().any(|entry| entry.part == StripPart::Left));
}

#[test]
fn a_day_is_settled_when_nothing_of_it_is_to_be_charged() {
    let through = |month: &Month, coming| month.records().settled_through(coming).unwrap();
    let mut month = Month::of_may_2015();
    assert_eq!(through(&month, Some(&month.coming[..])), Some(day("2015-05-18")));
    // A day without usage is settled without a statement.
    month.now = at("2015-05-22T08:00");
    assert_eq!(through(&month, Some(&[])), Some(day("2015-05-21")));
    assert_eq!(through(&month, None), Some(day("2015-05-18")));
    // Before the night's run, yesterday is still to be charged.
    month.now = at("2015-05-20T00:10");
    assert_eq!(through(&month, Some(&month.coming[..])), Some(day("2015-05-18")));
}

#[test]
fn an_open_debit_that_was_not_read_is_an_error() {
    let month = Month::of_may_2015();
    let refused = Overview::new(&month.records(), &records(&month));
    assert!(matches!(refused, Err(OverviewError::DebitMissing(_))));
}

#[test]
fn what_cannot_be_read_is_said_and_what_is_settled_is_shown() {
    let month = owing("0.00");
    let more = OverviewRecords { coming: None, ..records(&month) };
    let view = view(&month, &more);
    assert!(view.since.is_none());
    assert_eq!(view.settled.charge_fen, fen("1495.48"));
    let forecast = view.forecast.as_ref().unwrap();
    // Today counts as a usual day.
    assert_eq!(forecast.month_total.likely_fen, fen("3175.34"));
    let [english, chinese] = check_page("unreadable", &month, &view);
    assert!(english.contains("can't be read right now") && english.contains("1,495.48"));
    assert!(chinese.contains("暂时无法读取") && !chinese.contains("class=\"est\""));
}

#[test]
fn a_month_without_calls_is_empty() {
    let (provider, rules) = (provider(), rules());
    let plans = Catalog::from_iter([Plan::read(PLAN).unwrap()]);
    let month = Month {
        account: Account::new(&provider),
        provider,
        plans,
        rules,
        now: at("2015-05-19T08:32"),
        statements: Vec::new(),
        coming: Vec::new(),
    };
    let view = view(&month, &records(&month));
    assert!(view.is_empty() && view.forecast.is_none() && view.by_day.rows.is_empty());
    let [english, chinese] = check_page("empty", &month, &view);
    assert!(english.contains("We have counted no calls of shop-assistant this month"));
    assert!(chinese.contains("没有需要支付的费用"));
}

#[test]
fn a_closed_account_says_until_when_it_can_be_read() {
    let month = owing("0.00");
    let closed = ClosedAccount { on: day("2015-04-30"), kept_until: day("2018-04-30") };
    let more = OverviewRecords { closed: Some(closed), coming: Some(&[]), ..records(&month) };
    let view = view(&month, &more);
    assert_eq!(view.next_withholding.state, WithholdingState::Closed);
    let [english, _] = check_page("closed", &month, &view);
    assert!(english.contains("Account closed on 30 April 2015"));
    assert!(english.contains("until 30 April 2018") && !english.contains("Next withholding"));
}

#[test]
fn who_may_only_read_sees_no_actions() {
    let month = owing("126.02");
    let view = view(&month, &records(&month));
    let frame = month.frame(Lang::En, "overview");
    let html = OverviewPage::new(&frame, &month.rules.calendar, &view).render().unwrap();
    assert!(!html.contains("class=\"btn\" "), "no recharge");
    assert!(!html.contains("Sign an agreement"));
}

/// Settles every day from one up to the time of the month.
fn settle(month: &mut Month, first: &str, calls: impl Fn(BillingDay) -> Usage) {
    let today = month.rules.calendar.day_of(month.now).unwrap();
    let mut of = day(first);
    while of < today {
        let night = of.next().date().to_datetime(Time::constant(0, 30, 0, 0)).to_string();
        let made = month.night(&BTreeMap::from([(of, calls(of))]), at(&night));
        month.statements.extend(made);
        of = of.next();
    }
}

/// A month of many APIs with hostile names, all of its days settled but the last.
fn large() -> Month {
    let names = (0..100).map(|number| {
        let family = ["taobao", "vas", "msg"][number % 3];
        format!("{family}.some.rather.long.name.of.an.api.'&;.{number}").parse::<ApiName>().unwrap()
    });
    let names = names.collect::<Vec<_>>();
    let mut month = Month::until("2015-04-13", "2015-04-14T00:00");
    month = Month { account: Account::new(&month.provider), statements: Vec::new(), ..month };
    month.now = at("2015-05-31T23:00");
    settle(&mut month, "2015-04-13", |day| {
        let number = u64::from(day.day_of_month().unsigned_abs());
        (0_u64..)
            .zip(&names)
            .map(|(place, api)| (api.clone(), Metered::calls(9_000 + place * 371 + number)))
            .collect()
    });
    month.account.open_debit = None;
    month
}

#[test]
fn a_page_of_a_hundred_apis_stays_under_a_hundred_kilobytes() {
    let month = large();
    let view = view(&month, &records(&month));
    assert_eq!(view.change.as_ref().unwrap().rows.len(), 8);
    for html in check_page("large", &month, &view) {
        let bytes = html.len() + STYLE_SHEET.len();
        assert!(bytes < 100_000, "{bytes}");
        assert!(html.contains(".api.&#39;&#38;;."), "names are escaped");
    }
}

#[test]
fn what_is_charged_when_the_month_is_over_is_told_until_the_coming_night_charges_it() {
    let mut plan = serde_json::from_str::<Value>(PLAN).unwrap();
    plan["rates"][0]["charged"] = json!("at_month_end");
    for (now, is_told) in [("2015-05-21T08:32", true), ("2015-05-31T23:59", false)] {
        let of = |plan: &str| {
            let mut month = Month::under(plan, "2015-04-13", now);
            month.account.open_debit = None;
            let view = view(&month, &records(&month));
            (month, view)
        };
        let ((_, daily), (month, at_end)) = (of(PLAN), of(&plan.to_string()));
        let so_far =
            |view: &Overview| view.settled.charge_fen.plus(view.since.unwrap().charge_fen).unwrap();
        assert_eq!(so_far(&at_end).plus(at_end.at_month_end_fen), Ok(so_far(&daily)), "{now}");
        assert_eq!(at_end.at_month_end_fen.is_positive(), is_told, "{now}");
        let [english, _] = check_page("month-end", &month, &at_end);
        assert_eq!(english.contains("so far is charged when the month is over"), is_told);
    }
}

#[test]
fn the_price_of_the_next_calls_says_whether_tax_is_added() {
    for (behavior, is_added) in [("exclusive", true), ("inclusive", false)] {
        let mut plan = serde_json::from_str::<Value>(PLAN).unwrap();
        plan["tax"] = json!({"percent": "6", "behavior": behavior});
        let mut month = Month::under(&plan.to_string(), "2015-04-13", "2015-05-21T08:32");
        month.account.open_debit = None;
        let view = view(&month, &records(&month));
        assert!(view.allowances.iter().all(|of| of.without_tax == is_added), "{behavior}");
        let [english, chinese] = check_page(behavior, &month, &view);
        assert_eq!(english.contains("without tax</"), is_added, "{behavior}");
        assert_eq!(chinese.contains("（不含税）"), is_added, "{behavior}");
    }
}
