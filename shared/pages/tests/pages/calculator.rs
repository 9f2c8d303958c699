//! The calculator: its figures against the records, its states, and what people type.

use askama::Template;
use rust_decimal::Decimal;
use steelyard_billing::{CountedDays, MonthSoFar, QuoteOnTop, charged_days};
use steelyard_pages::calculator::{
    AddedLine, CalculatorPage, CalculatorView, CallList, NotPriced, Outcome, Priced, Step, Under,
    parse_list,
};
use steelyard_pages::{Lang, STYLE_SHEET};
use steelyard_pricing::{BillingDay, Fen, Name, Override, Plan};

use crate::look;
use crate::month::Month;

/// A plan with a minimum, lower prices and tiers of a volume; its month costs at least ¥600.
const STEADY: &str = r#"{
  "plan": "steady-2015", "effective_from": "2015-01-01", "minimum": "600",
  "description": "600.00 a month at least, lower prices",
  "rates": [
    {"rate": "all", "apis": ["*"], "price": {"model": "per_unit", "unit_price": "0.00004"}}]
}"#;

/// A version of the provider's plan from 19 May on, under which a tier's price is for all calls.
const VOLUME: &str = r#"{
  "plan": "open-2015", "effective_from": "2015-05-19", "on_change": "restart",
  "rates": [
    {"rate": "basic", "apis": ["taobao.*"],
     "price": {"model": "volume", "tiers": [
       {"up_to": 1000000, "unit_price": "0.0001"}, {"unit_price": "0.00001"}]}}]
}"#;

const LIST: &str = "taobao.trades.sold.get,6200000\nvas.sms.send,1450000\nmsg.user.get\t24,000,000\n\
                    taobao.item.get,100000\nvas.sms.send,50000\n";

/// The month of the tests, as its coming night would leave it, and what is counted of its days.
fn so_far(month: &Month) -> (MonthSoFar, CountedDays) {
    let after = month.after_coming();
    let calendar = &month.rules.calendar;
    let so_far = MonthSoFar::new(
        month.provider.clone(),
        &month.account,
        after,
        (&month.plans, calendar),
        month.now,
    );
    let of_may = month.between("2015-05-01", "2015-05-31");
    let all = of_may.into_iter().chain(month.coming.iter().cloned()).collect::<Vec<_>>();
    (so_far.unwrap(), charged_days(&all).unwrap())
}

fn quote(month: &Month, list: &CallList) -> QuoteOnTop {
    let (so_far, counted) = so_far(month);
    let mut quote = so_far.quote(&list.usage, &month.plans).unwrap();
    quote.plans.push(so_far.under_own_terms(&list.usage, &month.plans).unwrap());
    let others =
        month.plans.on_offer(so_far.today()).filter(|plan| plan.name().as_str() != "open-2015");
    for plan in others {
        quote.plans.push(so_far.under(plan, &counted, &list.usage).unwrap());
    }
    quote
}

fn month() -> Month {
    let mut month = Month::of_may_2015();
    month.plans.add(Plan::read(STEADY).unwrap());
    month
}

fn priced(month: &Month, text: &str) -> Priced {
    let list = parse_list(text).unwrap();
    Priced::new(&list, &quote(month, &list), &month.plans).unwrap()
}

fn view(month: &Month, outcome: Outcome) -> CalculatorView {
    CalculatorView::new(&month.records()).unwrap().with(Under::All, outcome)
}

fn outcome(month: &Month, text: &str) -> Outcome {
    match parse_list(text) {
        Ok(_) => Outcome::Priced(Box::new(priced(month, text))),
        Err(errors) => Outcome::Refused { errors },
    }
}

fn html(month: &Month, lang: Lang, outcome: Outcome, typed: &str) -> String {
    let view = view(month, outcome);
    let frame = month.frame(lang, "calculator");
    let state = match &view.outcome {
        Outcome::Nothing => "nothing",
        Outcome::Refused { .. } => "refused",
        Outcome::NotPriced { .. } => "not-priced",
        Outcome::Priced(_) => "priced",
    };
    look::page(&format!("calculator-{state}"), lang, &CalculatorPage::new(&view, &frame, typed))
}

#[test]
fn what_a_list_adds_is_what_its_lines_add_and_what_the_next_night_would_charge() {
    let month = month();
    let priced = priced(&month, LIST);
    let lines = Fen::sum(priced.lines.iter().map(|line| line.adds_fen)).unwrap();
    assert_eq!(lines, priced.adds_fen);
    let coming = Fen::sum(month.coming.iter().map(|statement| statement.charge_fen)).unwrap();
    assert_eq!(priced.month.coming_fen, coming);
    let settled = month.between("2015-05-01", "2015-05-31");
    let settled = Fen::sum(settled.iter().map(|statement| statement.charge_fen)).unwrap();
    assert_eq!(priced.month.settled_fen, settled);
    let sum = priced.month.so_far_fen.plus(priced.adds_fen).unwrap();
    assert_eq!(sum, priced.month_fen);

    // The night settles the same usage, reported today beside what was counted.
    let list = parse_list(LIST).unwrap();
    let with = month.charged_with(&list.usage);
    assert_eq!(with.minus(coming).unwrap(), priced.adds_fen);
}

/// That the steps of each line result in what it adds.
fn check_keyed_in(priced: &Priced) {
    for line in &priced.lines {
        let (mut sum, mut units) = (Decimal::ZERO, Decimal::ZERO);
        for step in &line.work {
            match step {
                Step::Units { units: of } => units = *of,
                Step::Free { units: of } => units -= *of,
                Step::Charged { units: of } => assert_eq!(units, *of, "{line:?}"),
                Step::Slice { count, price, amount, .. } => {
                    assert_eq!(count * price.decimal(), amount.decimal(), "{line:?}");
                    sum += amount.decimal();
                }
                Step::FlatFee { amount }
                | Step::MonthWith { amount }
                | Step::Rounding { amount } => sum += amount.decimal(),
                Step::Discount { off, .. } | Step::AmountOff { off, .. } => sum -= off.decimal(),
                Step::MonthBefore { amount } => sum -= amount.decimal(),
                Step::Total { amount_fen } => {
                    let total = Decimal::from(amount_fen.get()) / Decimal::ONE_HUNDRED;
                    assert_eq!(sum, total, "{line:?}");
                }
            }
        }
    }
}

#[test]
fn calculation_of_each_line_can_be_keyed_in() {
    let month = month();
    let priced = priced(&month, LIST);
    assert_eq!(priced.lines.len(), 3);
    check_keyed_in(&priced);
    let is_messages = |name: &Name| name.as_str() == "messages";
    let messages = priced.lines.iter().find(|line| line.rate.as_ref().is_some_and(is_messages));
    let messages = messages.unwrap();
    assert!(messages.free_passed.is_some(), "{messages:?}");
    assert!(matches!(messages.work.first(), Some(Step::Units { .. })));
    let added = messages.calls_after.get() - messages.calls_before.get();
    assert_eq!(added, messages.calls.get());
}

#[test]
fn discounts_on_everything_and_prices_that_change_for_all_calls_can_be_keyed_in_too() {
    let mut discounted = month();
    let over = r#"{"override": "goodwill", "from": "2015-05-19", "discount_percent": "12.5"}"#;
    discounted.provider.overrides.push(Override::read(over).unwrap());
    let mut by_volume = month();
    by_volume.plans.add(Plan::read(VOLUME).unwrap());
    for (month, rate, first) in
        [(discounted, None, "[Discount"), (by_volume, Some("basic"), "[MonthWith")]
    {
        let priced = priced(&month, LIST);
        check_keyed_in(&priced);
        let is_changed = |line: &&AddedLine| line.rate.as_ref().map(Name::as_str) == rate;
        let changed = priced.lines.iter().find(is_changed).unwrap();
        assert!(format!("{:?}", changed.work).starts_with(first), "{changed:?}");
        for lang in Lang::ALL {
            html(&month, lang, Outcome::Priced(Box::new(priced.clone())), LIST);
        }
    }
}

#[test]
fn tier_that_the_list_passes_is_told() {
    // Until the 8th some 8 million basic calls were made: 3 of the 8 million of the first tier.
    let mut month = Month::until("2015-05-01", "2015-05-09T08:32");
    month.plans.add(Plan::read(STEADY).unwrap());
    let priced = priced(&month, "taobao.item.get,20000000");
    let [line] = &priced.lines[..] else { panic!("{:?}", priced.lines) };
    assert_eq!(line.tiers_passed, [Decimal::from(8_000_000)]);
    assert_eq!(line.work.iter().filter(|step| matches!(step, Step::Slice { .. })).count(), 2);
}

#[test]
fn plans_on_offer_are_compared_and_the_cheapest_is_named() {
    let month = month();
    let priced = priced(&month, LIST);
    let names = priced.plans.iter().map(|plan| plan.terms.plan.to_string()).collect::<Vec<_>>();
    assert_eq!(names, ["open-2015", "steady-2015"]);
    let [own, other] = &priced.plans[..] else { panic!() };
    assert_eq!((own.against_own_fen, own.month_fen), (Fen::ZERO, priced.month_fen));
    assert_eq!(own.month_fen.plus(other.against_own_fen).unwrap(), other.month_fen);
    assert_eq!(priced.plans.iter().filter(|plan| plan.is_cheapest).count(), 1);
    let cheapest = priced.plans.iter().find(|plan| plan.is_cheapest).unwrap();
    assert!(priced.plans.iter().all(|plan| cheapest.month_fen <= plan.month_fen));
    // 31,800,000 × 0.00004, above the minimum.
    assert_eq!(other.alone_fen, Fen::new(127_200));
    let small = self::priced(&month, "taobao.item.get,5");
    assert_eq!(small.plans.last().unwrap().alone_fen, Fen::new(60_000), "the minimum");
}

#[test]
fn every_state_is_a_page_in_both_languages() {
    let month = month();
    let from: BillingDay = "2015-06-01".parse().unwrap();
    let states = [
        (Outcome::Nothing, "The result appears here", "结果显示在此处"),
        (outcome(&month, LIST), "Line by line", "逐行明细"),
        (outcome(&month, "a.b,x"), "One line can&#39;t be read", "有 1 行无法读取"),
        (outcome(&month, "a.b,x\nc.d,-1"), "2 lines can", "有 2 行无法读取"),
        (outcome(&month, "other.api,5"), "no rate of your plan covers", "未对"),
        (
            Outcome::NotPriced { why: NotPriced::NoPlan },
            "No price list is in force",
            "没有生效的价目表",
        ),
        (
            Outcome::NotPriced { why: NotPriced::NotBilledYet { from: from.month() } },
            "counted from June 2015 on",
            "自 2015 年 6 月起计量",
        ),
        (Outcome::NotPriced { why: NotPriced::Settled }, "has its bill already", "今天已出账"),
        (Outcome::NotPriced { why: NotPriced::Rules }, "more than can be counted", "可计的上限"),
    ];
    for (outcome, english, chinese) in states {
        for (lang, text) in [(Lang::En, english), (Lang::Zh, chinese)] {
            let html = html(&month, lang, outcome.clone(), LIST);
            let text = text.replace("&#39;", "'");
            assert!(html.contains(&text), "{text}: {outcome:?}");
            assert_eq!(html.matches("<h1>").count(), 1);
            assert!(
                !html.contains("<script") && !html.contains("style=") && !html.contains("<style")
            );
            assert!(html.contains("taobao.trades.sold.get,6200000\n"), "what was typed is kept");
            for input in ["list", "file", "plan"] {
                assert_eq!(html.matches(&format!("label for=\"{input}\"")).count(), 1);
                assert_eq!(html.matches(&format!(" id=\"{input}\"")).count(), 1);
            }
            let is_refused = matches!(outcome, Outcome::Refused { .. });
            assert_eq!(html.contains("aria-invalid=\"true\""), is_refused);
            assert_eq!(html.contains("autofocus"), is_refused);
        }
    }
}

#[test]
fn blank_lines_at_the_beginning_are_kept() {
    // A browser drops the first line break of a text area, and would number the lines otherwise.
    let month = month();
    let html = html(&month, Lang::En, outcome(&month, "\n\na.b,x"), "\n\na.b,x");
    assert!(html.contains(">\n\n\na.b,x</textarea>"), "{html}");
    assert!(html.contains("Line 3: "));
}

#[test]
fn choice_of_terms_is_kept() {
    let month = month();
    for (value, chosen) in [
        ("", Under::All),
        ("own", Under::Own),
        ("plan:steady-2015", Under::Plan { plan: "steady-2015".parse().unwrap() }),
        ("plan:No Plan", Under::All),
        ("other", Under::All),
    ] {
        assert_eq!(Under::chosen(value), chosen);
        let view = view(&month, Outcome::Nothing).with(chosen, Outcome::Nothing);
        let frame = month.frame(Lang::En, "calculator");
        let html = CalculatorPage::new(&view, &frame, "").render().unwrap();
        let selected = format!("value=\"{value}\" selected");
        assert_eq!(html.contains(&selected), view.under != Under::All, "{value}");
    }
}

#[test]
fn every_kind_of_bad_line_is_told_in_both_languages() {
    let month = month();
    let text = "a.b\n=x|y,5\na.b,1e6\na.b,-1\na.b,1.5\na.b,100000000001\na.b,5,x\na.b,1,2,3,4\na.b,1,450\n\
                \"a\n,5\n接口,5\na.b,<script>alert(1)</script>";
    for lang in Lang::ALL {
        let html = html(&month, lang, outcome(&month, text), text);
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("class=\"err\"").count(), 12);
    }
}

#[test]
fn api_that_is_almost_another_is_asked_about() {
    let month = month();
    let list = "vas.sms.send,1450000\nvsa.sms.send,20000\nunknown,1";
    let priced = priced(&month, list);
    let meant =
        priced.unpriced.iter().map(|of| (of.line, of.meant.as_ref().map(ToString::to_string)));
    let expected = [(Some(3), None), (Some(2), Some("vas.sms.send".to_owned()))];
    assert_eq!(meant.collect::<Vec<_>>(), expected);
}

#[test]
fn page_of_a_long_list_stays_small_beside_what_was_typed() {
    let month = month();
    let lines =
        (0..2_000).map(|n| format!("taobao.a-rather-long-name-of-an-api.of-number-{n},{n}"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let html = html(&month, Lang::Zh, outcome(&month, &text), "");
    assert!(html.len() + STYLE_SHEET.len() < 100_000, "{}", html.len());
    let bad = "x,y,z,1,2,3\n".repeat(2_000);
    let html = self::html(&month, Lang::En, outcome(&month, &bad), "");
    assert!(html.len() + STYLE_SHEET.len() < 100_000, "{}", html.len());
}
