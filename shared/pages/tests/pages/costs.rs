//! Costs, and the files of them: all of them say what the statements charge.

use std::collections::BTreeMap;

use askama::Template;
use rust_decimal::Decimal;
use serde_json::Value;
use steelyard_billing::{
    AdjustmentNote, AdjustmentOf, DayCount, Person, PlanAssignment, Reason, ReportCount, Statement,
    UsageRead, charged_between, next_settlement,
};
use steelyard_pages::Lang;
use steelyard_pages::bill::{
    BillList, BillListPage, BillsQuery, DayBillPage, MonthBill, MonthBillPage, MonthRateKind,
};
use steelyard_pages::costs::{
    Costs, CostsPage, CostsParameters, CostsQuery, CostsQueryError, SourceCalls,
};
use steelyard_pages::csv::costs_csv;
use steelyard_pages::focus::{FocusVersion, costs_focus};
use steelyard_pricing::{Fen, LineCause, Metered, Percent, Plan, Tax, TaxBehavior, Usage, Yuan};

use crate::look;
use crate::month::{Month, at, calls_of, day};

const LATER_PLAN: &str = r#"{
  "plan": "later-2015", "effective_from": "2015-01-01",
  "discounts": [{"discount": "loyal", "percent": "2"}, {"discount": "voucher", "amount": "20"}],
  "minimum": "50",
  "tax": {"percent": "6", "behavior": "exclusive"},
  "rates": [
    {"rate": "basic", "apis": ["taobao.*"], "free_per_month": 1000000,
     "price": {"model": "graduated", "tiers": [
       {"up_to": 2000000, "unit_price": "0.00011", "flat_fee": "3"}, {"unit_price": "0.00007"}]}},
    {"rate": "packages", "apis": ["vas.*"], "price": {"model": "package", "size": 100, "price": "0.03"}}
  ]
}"#;

/// A month with tiers and discounts, late usage, a void, a change of the plan, tax after it, usage
/// without a price, and notes.
pub(crate) fn changing_month() -> Month {
    let mut month = Month::until("2015-05-01", "2015-05-01T08:00");
    month.plans.add(Plan::read(LATER_PLAN).unwrap());
    month
        .provider
        .plans
        .push(PlanAssignment { from: day("2015-05-12"), plan: "later-2015".parse().unwrap() });
    month.provider.plans[0].from = day("2015-04-01");
    month.now = at("2015-06-01T08:00");
    let mut withdrawn = Usage::new();
    withdrawn.add("taobao.item.get".parse().unwrap(), Metered::calls(54_321)).unwrap();
    let mut of = day("2015-05-01");
    while of <= day("2015-05-31") {
        let mut usage = calls_of(of);
        if of == day("2015-05-05") {
            usage = usage.minus(&late()).unwrap();
        }
        let night = at(&format!("{}T00:30", of.next()));
        let mut read = UsageRead::default();
        read.days.insert(of, count(&usage, None));
        if of == day("2015-05-08") {
            read.days.insert(day("2015-05-05"), count(&calls_of(day("2015-05-05")), None));
        }
        if of == day("2015-05-20") {
            let left = calls_of(day("2015-05-15")).minus(&withdrawn).unwrap();
            read.days.insert(day("2015-05-15"), count(&left, Some(&withdrawn)));
            month.account.adjustments.push(note());
        }
        let statements = settled(&mut month, read, night);
        month.statements.extend(statements);
        of = of.next();
    }
    month
}

fn late() -> Usage {
    [("taobao.trades.sold.get", 123_456), ("vas.sms.send", 7_890)]
        .into_iter()
        .map(|(api, calls)| (api.parse().unwrap(), Metered::calls(calls)))
        .collect()
}

fn note() -> AdjustmentNote {
    AdjustmentNote {
        adjustment: "april-error".parse().unwrap(),
        amount_fen: Fen::new(-1_234),
        of: AdjustmentOf {
            corrects: "2015-04-20".parse().unwrap(),
            line: Some(1),
            reports: vec![],
        },
        reason: Reason::new("=counted <twice>, \"both\" machines").unwrap(),
        by: Person::new("ops").unwrap(),
        made_at_s: at("2015-05-20T09:00"),
        approval: None,
    }
}

fn count(usage: &Usage, withdrawn: Option<&Usage>) -> DayCount {
    let mut count = DayCount::default();
    let changed_at = at("2015-05-01T00:00");
    count.add(ReportCount { metered: usage, is_withdrawn: false, changed_at }).unwrap();
    if let Some(metered) = withdrawn {
        count.add(ReportCount { metered, is_withdrawn: true, changed_at }).unwrap();
    }
    count
}

fn settled(month: &mut Month, mut read: UsageRead, now: jiff::Timestamp) -> Vec<Statement> {
    let earlier = read.days.keys().filter(|day| Some(**day) <= month.account.settled_through);
    for day in earlier.copied().collect::<Vec<_>>() {
        read.rated.extend(charged_between(&month.statements, day, day).unwrap());
    }
    let mut made = Vec::new();
    while let Some(next) =
        next_settlement(&month.provider, &month.account, &read, &month.plans, &month.rules, now)
            .unwrap()
    {
        read.charged(&next.statement).unwrap();
        month.account = next.movement.account;
        made.push(next.statement);
    }
    made
}

fn query(by: &str, group: &str, from: &str, to: &str) -> CostsQuery {
    let some = |text: &str| Some(text.to_owned());
    let sent = CostsParameters {
        by: some(by),
        group: some(group),
        only: None,
        from: some(from),
        to: some(to),
    };
    CostsQuery::read(&sent, day("2015-06-01")).unwrap()
}

fn costs(month: &Month, query: CostsQuery) -> Costs {
    let sources = [("gateway-1", 700), ("gateway-2", 300)].map(|(source, calls)| SourceCalls {
        source: source.parse().unwrap(),
        day: day("2015-05-18"),
        calls,
    });
    Costs::new(month.records(), query, &month.statements, &sources).unwrap()
}

/// The rows of a file, by the names of its header.
fn read(file: &[u8]) -> Vec<BTreeMap<String, String>> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let mut reader = csv::Reader::from_reader(file);
    reader.deserialize().collect::<Result<Vec<_>, _>>().unwrap()
}

fn sum(rows: &[BTreeMap<String, String>], column: &str) -> Decimal {
    rows.iter().map(|row| row[column].parse::<Decimal>().unwrap()).sum()
}

#[test]
fn the_month_of_the_files_has_everything_that_a_bill_can_have() {
    let month = changing_month();
    let causes = month.statements.iter().flat_map(|of| of.lines.iter().map(|line| line.because));
    let causes =
        causes.map(|cause| format!("{cause:?}")).collect::<std::collections::BTreeSet<_>>();
    assert!(["Late", "Usage", "Void"].iter().all(|cause| causes.contains(*cause)), "{causes:?}");
    assert!(month.statements.iter().any(|of| of.segments.len() > 1));
    assert!(month.statements.iter().any(|of| !of.adjustments.is_empty()));
    assert!(month.statements.iter().any(|of| !of.unpriced.is_empty()));
    assert!(month.statements.iter().any(|of| of.lines.iter().any(|line| line.rate.is_none())));
}

#[test]
fn bills_of_days_and_of_the_month_say_what_the_statements_charge() {
    let month = changing_month();
    let charged = Statement::sum_fen(&month.statements).unwrap();
    // Bills of days: parts and notes.
    for statement in &month.statements {
        let bill = month.bill_of(statement);
        let parts = bill.parts.iter().map(|part| part.charge_fen);
        let notes = bill.notes.iter().map(|note| note.amount_fen);
        assert_eq!(Fen::sum(parts.chain(notes)).unwrap(), statement.charge_fen);
        let json = serde_json::to_value(&bill).unwrap();
        assert_eq!(json["charge_fen"], Value::from(statement.charge_fen.get()));
    }
    // The bill of the month, and the list.
    let of_month = MonthBill::new(month.records(), "2015-05".parse().unwrap(), &month.statements);
    let of_month = of_month.unwrap();
    let total = &of_month.total;
    assert_eq!(total.charge_fen, charged);
    let paid = total.from_prepaid_fen.plus(total.paid_since_fen).unwrap();
    let due = total.charge_fen.plus(total.credited_fen).unwrap();
    assert_eq!(due.minus(paid).unwrap(), total.left_fen);
    assert_eq!(Fen::sum(of_month.rates.iter().map(|rate| rate.charge_fen)).unwrap(), charged);
    // Each rate opens to the bills that it sums, and all rates of a bill are the bill.
    for rate in &of_month.rates {
        let (calls, bills) = (rate.bills.iter().map(|of| of.calls), &rate.bills);
        assert_eq!(calls.sum::<i64>(), rate.calls, "{rate:?}");
        assert_eq!(Fen::sum(bills.iter().map(|of| of.charge_fen)), Ok(rate.charge_fen));
    }
    for billed in &of_month.days {
        let of_bill = of_month.rates.iter().flat_map(|rate| &rate.bills);
        let of_bill = of_bill.filter(|of| of.statement == billed.statement);
        assert_eq!(Fen::sum(of_bill.clone().map(|of| of.charge_fen)), Ok(billed.sum.charge_fen));
        assert_eq!(of_bill.map(|of| of.calls).sum::<i64>(), billed.sum.calls);
    }
    for rate in of_month.rates.iter().filter(|rate| !rate.calculations.is_empty()) {
        let results = rate.calculations.iter().map(|calculation| calculation.result().unwrap());
        let charge = Yuan::from(rate.charge_fen).to_string().parse::<Decimal>().unwrap();
        assert_eq!(results.sum::<Decimal>(), charge, "{rate:?}");
    }
    let list = BillList::new(month.records(), BillsQuery::default(), &month.statements).unwrap();
    assert_eq!(list.months[0].sum.charge_fen, charged);
}

#[test]
fn costs_as_pages_json_csv_and_focus_say_what_the_statements_charge() {
    let month = changing_month();
    let charged = Statement::sum_fen(&month.statements).unwrap();
    let yuan = Yuan::from(charged).decimal();
    for (by, group) in [("day", "rate"), ("month", "rate"), ("day", "api"), ("day", "source")] {
        let costs = costs(&month, query(by, group, "2015-05-01", "2015-05-31"));
        assert_eq!(costs.charge_fen, charged, "{by} {group}");
        let periods = costs.periods.iter().map(|period| period.charge_fen.unwrap());
        assert_eq!(Fen::sum(periods).unwrap(), charged, "{by} {group}");
        if group != "source" {
            let groups = costs.groups.iter().map(|of| of.charge_fen.unwrap());
            assert_eq!(Fen::sum(groups).unwrap(), charged, "{by} {group}");
        }
        let json = serde_json::to_value(&costs).unwrap();
        assert_eq!(json["charge_fen"], Value::from(charged.get()));
        let html = CostsPage::new(&month.frame(Lang::En, "costs"), &costs).render().unwrap();
        assert!(html.contains(&format!("<span class=\"y\">¥</span>{}", grouped(charged))));
    }
    // Files.
    let costs = costs(&month, query("day", "rate", "2015-05-01", "2015-05-31"));
    assert_eq!(sum(&read(&costs_csv(&costs).unwrap()), "charge_yuan"), yuan);
    for version in [FocusVersion::V1_0, FocusVersion::V1_2] {
        let file = costs_focus(&costs, &month.rules.calendar, "Platform", version).unwrap();
        let rows = read(&file);
        assert_eq!(sum(&rows, "BilledCost"), yuan, "{version}");
        assert_eq!(sum(&rows, "EffectiveCost"), yuan, "{version}");
        for row in rows.iter().filter(|row| row["ChargeCategory"] == "Usage") {
            check_focus_row(row);
        }
    }
}

#[test]
fn tax_is_a_line_of_bills_a_group_of_costs_and_a_category_of_focus() {
    let month = changing_month();
    let lines = month.statements.iter().flat_map(|statement| &statement.lines);
    let taxes = lines.filter(|line| line.because == LineCause::Tax).map(|line| line.charge_fen);
    let tax = Fen::sum(taxes).unwrap();
    let last = month.statements.last().unwrap();
    assert!(tax.is_positive() && last.tax_fen == tax);
    let net = last.lines.iter().find(|line| line.because == LineCause::Tax).unwrap();
    // On what the plan of the 12th charged.
    let exact = net.after.base_yuan.decimal() * Decimal::new(6, 2);
    let strategy = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    assert_eq!(exact.round_dp_with_strategy(2, strategy), Yuan::from(tax).decimal());

    let of_month = MonthBill::new(month.records(), "2015-05".parse().unwrap(), &month.statements);
    let of_month = of_month.unwrap();
    let [of_bills] = of_month.taxes.as_slice() else { panic!("{:?}", of_month.taxes) };
    assert_eq!((of_bills.tax_fen, of_bills.is_included), (tax, false));
    let row = of_month.rates.iter().find(|of| of.kind == MonthRateKind::Tax).unwrap();
    assert_eq!(row.charge_fen, tax);
    for (lang, text) in [(Lang::En, "6% tax of "), (Lang::Zh, "另加 6% 税费")] {
        let frame = month.frame(lang, "bills/2015-05");
        let calendar = &month.rules.calendar;
        let html = MonthBillPage::new(&frame, calendar, &of_month).render().unwrap();
        assert!(html.contains(text), "{lang:?}");
        let bill = month.bill_of(last);
        let html = DayBillPage::new(&frame, calendar, &bill).render().unwrap();
        assert!(html.contains(text), "{lang:?}");
    }
    let costs = costs(&month, query("day", "rate", "2015-05-01", "2015-05-31"));
    let group = costs.groups.iter().find(|group| group.name == "(tax)").unwrap();
    assert_eq!(group.charge_fen, Some(tax));
    let rows = read(&costs_focus(&costs, &month.rules.calendar, "P", FocusVersion::V1_2).unwrap());
    let of_tax = rows.into_iter().filter(|row| row["ChargeCategory"] == "Tax").collect::<Vec<_>>();
    assert_eq!(sum(&of_tax, "BilledCost"), Yuan::from(tax).decimal());
}

#[test]
fn tax_that_prices_include_is_told_and_changes_no_charge() {
    let mut month = changing_month();
    let charged = Statement::sum_fen(&month.statements).unwrap();
    let tax =
        Tax { percent: Percent::new(Decimal::from(6)).unwrap(), behavior: TaxBehavior::Inclusive };
    for statement in &mut month.statements {
        statement.lines.retain(|line| line.because != LineCause::Tax);
        statement.segments.iter_mut().for_each(|span| span.tax = Some(tax));
    }
    let of_month = MonthBill::new(month.records(), "2015-05".parse().unwrap(), &month.statements);
    let of_month = of_month.unwrap();
    let [of_bills] = of_month.taxes.as_slice() else { panic!("{:?}", of_month.taxes) };
    assert_eq!((of_bills.is_included, of_month.total.charge_fen), (true, charged));
    for (lang, text) in [(Lang::En, "is included."), (Lang::Zh, "其中含 6% 税费")] {
        let frame = month.frame(lang, "bills/2015-05");
        let html = MonthBillPage::new(&frame, &month.rules.calendar, &of_month).render().unwrap();
        assert!(html.contains(text), "{lang:?}");
    }
}

fn grouped(amount: Fen) -> String {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').unwrap();
    let place = whole.len() - 3;
    format!("{},{}.{fraction}", &whole[..place], &whole[place..])
}

fn check_focus_row(row: &BTreeMap<String, String>) {
    let number = |column: &str| row[column].parse::<Decimal>().unwrap();
    if row["ChargeClass"] != "Correction" {
        let list = number("ListUnitPrice") * number("PricingQuantity");
        assert_eq!(list.normalize(), number("ListCost"), "{row:?}");
        assert!(!row["ConsumedQuantity"].is_empty() && !row["SkuPriceId"].is_empty());
    }
    assert!(row["ChargePeriodStart"] <= row["BillingPeriodStart"], "{row:?}");
}

#[test]
fn corrections_are_late_or_withdrawn_usage_changed_terms_and_notes() {
    let month = changing_month();
    let costs = costs(&month, query("day", "rate", "2015-05-01", "2015-05-31"));
    let file = costs_focus(&costs, &month.rules.calendar, "P", FocusVersion::V1_2).unwrap();
    let rows = read(&file);
    let corrections = rows.iter().filter(|row| row["ChargeClass"] == "Correction");
    let days = corrections.map(|row| row["InvoiceId"].as_str());
    let days = days.collect::<std::collections::BTreeSet<_>>();
    assert!(days.contains("2015-05-08") && days.contains("2015-05-20"), "{days:?}");
    let of_late = |row: &&BTreeMap<String, String>| row["ChargeDescription"].contains("late usage");
    let late = rows.iter().find(of_late).unwrap();
    assert_eq!(late["ChargePeriodStart"], "2015-05-04T16:00:00Z");
    assert_eq!(late["BillingPeriodStart"], "2015-05-07T16:00:00Z");
}

#[test]
fn a_reason_that_looks_like_a_formula_is_text_in_the_file() {
    let month = changing_month();
    let costs = costs(&month, query("day", "rate", "2015-05-01", "2015-05-31"));
    let file = costs_csv(&costs).unwrap();
    assert!(file.starts_with(b"\xEF\xBB\xBFbill,"));
    let rows = read(&file);
    let note = rows.iter().find(|row| row["kind"] == "credit note").unwrap();
    assert_eq!(note["charge_yuan"], "-12.34");
    assert_eq!(note["note"], "april-error: =counted <twice>, \"both\" machines");
    let void = rows.iter().find(|row| row["kind"] == "withdrawn usage").unwrap();
    assert_eq!(void["calls"], "-54321");
}

#[test]
fn what_is_asked_for_is_checked_and_the_remedy_is_named() {
    let some = |text: &str| Some(text.to_owned());
    let asked = |by: &str, from: &str, to: &str| {
        let sent =
            CostsParameters { by: some(by), from: some(from), to: some(to), ..<_>::default() };
        CostsQuery::read(&sent, day("2015-06-01"))
    };
    let days = |query: CostsQuery| (query.from.to_string(), query.to.to_string());
    let (from, to) = days(asked("day", "", "").unwrap());
    assert_eq!((from.as_str(), to.as_str()), ("2015-06-01", "2015-06-01"));
    let (from, to) = days(asked("month", "", "").unwrap());
    assert_eq!((from.as_str(), to.as_str()), ("2014-06-01", "2015-06-30"));
    let (from, to) = days(asked("day", "2015-05", "2015-05").unwrap());
    assert_eq!((from.as_str(), to.as_str()), ("2015-05-01", "2015-05-31"));
    let field = |by, from, to| asked(by, from, to).unwrap_err().field();
    assert_eq!(field("week", "", ""), "by");
    assert_eq!(field("day", "18 May", ""), "from");
    assert_eq!(field("day", "2015-05-18", "2015-05-17"), "to");
    assert_eq!(asked("month", "2014-04", "2015-05").unwrap_err(), CostsQueryError::Months);
    assert_eq!(asked("day", "2015-01", "2015-05").unwrap_err(), CostsQueryError::Days);
    let by_source = |by: &str, from: &str, to: &str, today: &str| {
        let (by, from, to) = (some(by), some(from), some(to));
        let sent = CostsParameters { by, from, to, group: some("source"), only: None };
        CostsQuery::read(&sent, day(today))
    };
    assert_eq!(
        by_source("month", "2015-02", "2015-05", "2015-06-01").unwrap_err(),
        CostsQueryError::SourceDays
    );
    assert_eq!(
        by_source("day", "2015-01", "2015-05", "2015-06-01").unwrap_err(),
        CostsQueryError::SourceDays
    );
    // What is shown unless another time is asked for is never too long.
    for today in ["2015-09-30", "2016-02-29", "2015-06-01", "2015-12-31", "2015-01-01"] {
        let query = by_source("month", "", "", today).unwrap();
        assert_eq!(query.from, query.to.month().previous().previous().first_day());
        let earlier = format!("{}", query.from.month().previous());
        assert!(by_source("month", &earlier, "", today).is_err(), "{today}");
    }
    assert!("2.0".parse::<FocusVersion>().is_err());
}

#[test]
fn the_pages_of_costs_and_months_show_in_both_languages() {
    let month = changing_month();
    let may = Month::of_may_2015();
    for lang in Lang::ALL {
        for group in ["rate", "api", "source"] {
            let costs = costs(&may, query("day", group, "2015-05-01", "2015-05-31"));
            let html = CostsPage::new(&may.frame(lang, "costs"), &costs).render().unwrap();
            look::check(&format!("costs-{group}"), lang, &html);
        }
        let sent = CostsParameters {
            by: Some("month".to_owned()),
            group: Some("source".to_owned()),
            from: Some("2015-01".to_owned()),
            ..<_>::default()
        };
        let error = CostsQuery::read(&sent, day("2015-06-01")).unwrap_err();
        let frame = may.frame(lang, "costs");
        let html = CostsPage::refused(&frame, sent, &error).render().unwrap();
        assert!(html.contains("92") && html.contains("id=\"from-err\""), "{html}");
        let sent = CostsParameters { from: Some("<script>".to_owned()), ..<_>::default() };
        let error = CostsQuery::read(&sent, day("2015-06-01")).unwrap_err();
        let frame = may.frame(lang, "costs");
        let html = CostsPage::refused(&frame, sent, &error).render().unwrap();
        assert!(html.contains("aria-invalid") && html.contains("autofocus"));
        look::check("costs-refused", lang, &html);
        let bill = MonthBill::new(may.records(), "2015-05".parse().unwrap(), &may.statements);
        let bill = bill.unwrap();
        assert_eq!(bill.unbilled, Some((day("2015-05-19"), day("2015-05-19"))));
        let frame = may.frame(lang, "bills/2015-05");
        let html = MonthBillPage::new(&frame, &may.rules.calendar, &bill).render().unwrap();
        look::check("bill-month", lang, &html);
        let list = BillList::new(may.records(), BillsQuery::default(), &may.statements).unwrap();
        assert_eq!(list.months.len(), 2);
        let frame = may.frame(lang, "bills");
        look::page("bills", lang, &BillListPage::new(&frame, &list));
        let empty = BillList::new(may.records(), BillsQuery::default(), &[]).unwrap();
        look::page("bills-empty", lang, &BillListPage::new(&frame, &empty));
        let statement = month.statements.iter().find(|of| !of.adjustments.is_empty()).unwrap();
        let bill = month.bill_of(statement);
        let frame = month.frame(lang, "bills/x");
        let html = DayBillPage::new(&frame, &month.rules.calendar, &bill);
        look::page("bill-changing", lang, &html);
    }
}

#[test]
fn a_list_of_bills_goes_back_month_by_month_to_the_first_that_is_billed() {
    let mut may = Month::of_may_2015();
    may.provider.billed_from = "2013-06".parse().unwrap();
    let list = |before: Option<&str>| {
        let before = before.map(|month| month.parse().unwrap());
        let query = BillsQuery { month: None, before };
        let list = BillList::new(may.records(), query, &may.statements).unwrap();
        let months = list.months.iter().map(|of| of.month.to_string()).collect::<Vec<_>>();
        assert_eq!(list.month.map(|month| month.to_string()), months.first().cloned());
        assert!(list.days.iter().all(|day| Some(day.statement.day.month()) == list.month));
        (months, list.older_before.map(|month| month.to_string()))
    };
    let months = |months: &[&str]| months.iter().map(ToString::to_string).collect::<Vec<_>>();
    let newest = Some("2014-05".to_owned());
    assert_eq!(list(None), (months(&["2015-05", "2015-04"]), newest.clone()));
    assert_eq!(list(Some("2015-06")), (months(&["2015-05", "2015-04"]), newest.clone()));
    assert_eq!(list(Some("2099-01")), (months(&["2015-05", "2015-04"]), newest));
    assert_eq!(list(Some("2015-05")), (months(&["2015-04"]), Some("2014-04".to_owned())));
    assert_eq!(list(Some("2014-05")).1, None);
}

/// Writes the FOCUS files that `tests/scripts/focus` validates.
#[test]
fn the_files_of_the_month_are_written_for_the_validator() {
    let month = changing_month();
    let costs = costs(&month, query("day", "rate", "2015-05-01", "2015-05-31"));
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("focus");
    std::fs::create_dir_all(&folder).unwrap();
    for version in [FocusVersion::V1_0, FocusVersion::V1_2] {
        let file = costs_focus(&costs, &month.rules.calendar, "Open Platform", version).unwrap();
        std::fs::write(folder.join(format!("{version}.csv")), file).unwrap();
    }
}
