//! Recharges: the form with its errors, the payment, and the honest return.

use steelyard_billing::RechargePurpose::{Deposit, Prepaid};
use steelyard_billing::{DepositDemand, QueryAnswer, Recharge};
use steelyard_pages::recharge::{
    AmountProblem, PayBy, PayNow, PayNowPage, REFRESH_S, RechargeForm, RechargeItem, RechargePage,
    RechargeProblem, RechargeResultPage, RechargeState, Recharging, Suggestions, Way,
};
use steelyard_pages::{Frame, Lang, May};

use crate::look;
use crate::money::{Money, fen};
use crate::month::at;

fn suggestions() -> Suggestions {
    Suggestions {
        seven_days_fen: fen(50_230),
        to_month_end_fen: fen(98_000),
        owed_fen: fen(12_602),
    }
}

fn view(money: &Money) -> Recharging {
    Recharging::new(&money.records(), &money.recharges, Some(suggestions())).unwrap()
}

/// The only place of this test that renders the form.
fn page(name: &str, lang: Lang, money: &Money, view: &Recharging, form: &RechargeForm) -> String {
    let frame = money.frame(lang, "recharge");
    look::page(name, lang, &RechargePage::new(&frame, &money.rules.calendar, view, form))
}

#[test]
fn amounts_that_can_be_paid_in_are_read_and_all_others_say_why_not() {
    for (typed, amount) in
        [("100", 10_000), (" 12.5 ", 1_250), ("0.01", 1), ("100000000", 10_000_000_000)]
    {
        let asked = RechargeForm::read("k".to_owned(), typed, Way::Code, Prepaid).unwrap();
        assert_eq!((asked.amount_fen, asked.way), (fen(amount), Way::Code), "{typed}");
    }
    for (typed, problem) in [
        ("", AmountProblem::Missing),
        ("  ", AmountProblem::Missing),
        ("1,000.00", AmountProblem::NotAnAmount),
        ("1.005", AmountProblem::NotAnAmount),
        ("¥5", AmountProblem::NotAnAmount),
        ("1e3", AmountProblem::NotAnAmount),
        ("0", AmountProblem::TooSmall),
        ("-5", AmountProblem::TooSmall),
        ("100000000.01", AmountProblem::TooLarge),
    ] {
        let form = RechargeForm::read("k".to_owned(), typed, Way::Page, Prepaid).unwrap_err();
        assert_eq!(form.amount_problem, Some(problem), "{typed}");
        assert_eq!((form.amount.as_str(), form.key.as_str()), (typed, "k"), "kept");
    }
}

#[test]
fn the_form_suggests_amounts_explains_their_use_and_shows_what_was_paid() {
    let money = Money::of_may();
    for lang in Lang::ALL {
        let html = page("recharge", lang, &money, &view(&money), &RechargeForm::empty("k-1", None));
        for figure in ["126.02", "502.30", "980.00", "amount=126.02#pay-in", "100.00"] {
            assert!(html.contains(figure), "{figure}");
        }
        assert!(html.contains("name=\"key\" value=\"k-1\""));
    }
    let chosen = RechargeForm::empty("k-1", Some(fen(50_230)));
    let html = page("recharge-chosen", Lang::En, &money, &view(&money), &chosen);
    assert!(html.contains("value=\"502.30\""));
}

#[test]
fn suggestions_that_cannot_be_paid_in_or_are_the_same_are_left_out() {
    let money = Money::of_may();
    let suggestions =
        Suggestions { seven_days_fen: fen(0), to_month_end_fen: fen(12_602), ..suggestions() };
    let view = Recharging { suggestions: Some(suggestions), ..view(&money) };
    let html = page("recharge-few", Lang::En, &money, &view, &RechargeForm::empty("k", None));
    assert_eq!(html.matches("#pay-in").count(), 1);
    let view = Recharging { suggestions: None, ..view };
    let html = page("recharge-none", Lang::En, &money, &view, &RechargeForm::empty("k", None));
    assert!(html.contains("no forecast yet") && !html.contains("#pay-in"));
}

#[test]
fn a_form_with_errors_keeps_what_was_typed_and_names_the_remedy() {
    let money = Money::of_may();
    for lang in Lang::ALL {
        let hostile =
            RechargeForm::read("k".to_owned(), "\"><script>", Way::Code, Prepaid).unwrap_err();
        let html = page("recharge-error", lang, &money, &view(&money), &hostile);
        assert!(html.contains("value=\"&#34;&#62;&#60;script&#62;\""));
        assert!(html.contains("aria-describedby=\"ah ae\" aria-invalid=\"true\""));
        assert!(html.contains("value=\"code\" checked"), "the way is kept");
        assert!(html.contains("autofocus"));
        for (name, typed) in [("small", "0"), ("large", "999999999"), ("missing", "")] {
            let form = RechargeForm::read("k".to_owned(), typed, Way::Page, Prepaid).unwrap_err();
            page(&format!("recharge-{name}"), lang, &money, &view(&money), &form);
        }
        let asked = RechargeForm::read("k".to_owned(), "5", Way::Page, Prepaid).unwrap();
        for problem in [
            RechargeProblem::TooManyOpen,
            RechargeProblem::SentBefore,
            RechargeProblem::NoCode,
            RechargeProblem::Refused,
            RechargeProblem::Unavailable,
        ] {
            let form = asked.refused(problem, "k-2".to_owned());
            // Only what may have been carried out is sent again under its key.
            let is_unknown = problem == RechargeProblem::Unavailable;
            assert_eq!(form.key, if is_unknown { "k" } else { "k-2" }, "{problem:?}");
            let html = page("recharge-refused", lang, &money, &view(&money), &form);
            assert!(html.contains("value=\"5.00\""), "{problem:?}");
        }
    }
}

#[test]
fn a_session_that_may_not_pay_sees_no_form() {
    let money = Money::of_may();
    let frame = Frame { may: May::default(), ..money.frame(Lang::En, "recharge") };
    let (view, form) = (view(&money), RechargeForm::empty("k", None));
    let page = RechargePage::new(&frame, &money.rules.calendar, &view, &form);
    let html = look::page("recharge-read-only", Lang::En, &page);
    assert!(!html.contains("<form") && !html.contains("<button") && !html.contains("#pay-in"));
}

fn item(money: &Money) -> RechargeItem {
    RechargeItem::new(money.recharges.last().unwrap())
}

#[test]
fn a_recharge_is_paid_by_a_link_or_by_a_code_that_is_drawn_here() {
    let money = Money::of_may();
    let page = |name: &str, lang, by| {
        let frame = money.frame(lang, "recharge");
        let pay = PayNow { item: item(&money), by };
        look::page(name, lang, &PayNowPage::new(&frame, &money.rules.calendar, &pay))
    };
    for lang in Lang::ALL {
        let address = "https://openapi.alipay.com/gateway.do?charset=utf-8&sign=a\"b";
        let html = page("recharge-page", lang, PayBy::Page(address.to_owned()));
        assert!(html.contains("charset=utf-8&#38;sign=a&#34;b\" rel=\"noreferrer\""), "{html}");
        assert!(html.contains("/recharge/2\""), "how to go on");
        let html =
            page("recharge-code", lang, PayBy::Code("https://qr.alipay.com/bax1".to_owned()));
        assert!(html.contains("<svg role=\"img\"") && html.contains("fill=\"#ffffff\""));
        assert!(!html.contains("qr.alipay.com"), "the code is not to be copied by a click");
    }
    let html = page("recharge-bad", Lang::En, PayBy::Page("javascript&#58;alert(1)".to_owned()));
    assert!(!html.contains("href=\"javascript"));
    let html = page("recharge-bad", Lang::En, PayBy::Code("x".repeat(3_000)));
    assert!(!html.contains("role=\"img\""));
}

#[test]
fn the_return_says_that_a_result_is_open_and_looks_again_until_it_is_not() {
    let money = Money::of_may();
    let open: &Recharge = money.recharges.last().unwrap();
    let lapsed = open.after_query(&QueryAnswer::Closed, at("2015-05-19T08:30"));
    for (name, recharge, state, told) in [
        ("open", open, RechargeState::Open, "Don't pay again"),
        ("paid", &money.recharges[0], RechargeState::Paid, "has arrived"),
        ("lapsed", &lapsed, RechargeState::Lapsed, "was not paid"),
    ] {
        let item = RechargeItem::new(recharge);
        assert_eq!(item.state, state);
        for lang in Lang::ALL {
            let frame = money.frame(lang, &format!("recharge/{}", recharge.recharge));
            let frame = Frame { refresh_s: item.refresh_s(), ..frame };
            let page = RechargeResultPage::new(&frame, &money.rules.calendar, &item);
            let html = look::page(&format!("recharge-result-{name}"), lang, &page);
            assert_eq!(html.contains(told), lang == Lang::En, "{name}");
            let refreshes = html.contains("?still=1");
            assert_eq!(refreshes, state == RechargeState::Open, "{name}");
            let seconds = html.contains(&format!("{REFRESH_S} seconds"));
            assert_eq!(seconds, refreshes && lang == Lang::En, "{name}");
        }
    }
}

#[test]
fn the_form_offers_to_pay_the_deposit_where_one_is_held_or_wanted() {
    let mut money = Money::of_may();
    let form = RechargeForm::empty("k", None);
    let html = page("recharge-no-deposit", Lang::En, &money, &view(&money), &form);
    assert!(!html.contains("name=\"purpose\""));
    money.account.deposit.demands = vec![DepositDemand {
        from: "2015-05-01".parse().unwrap(),
        amount_fen: fen(50_000),
        announced_on: "2015-05-01".parse().unwrap(),
        due_on: "2015-05-11".parse().unwrap(),
    }];
    for lang in Lang::ALL {
        let html = page("recharge-deposit", lang, &money, &view(&money), &form);
        assert!(html.contains("amount=500.00&#38;purpose=deposit#pay-in"), "{html}");
        assert!(html.contains("name=\"purpose\" value=\"prepaid\" checked"));
        let form = RechargeForm::empty("k", Some(fen(50_000))).for_purpose(Deposit);
        let html = page("recharge-deposit-chosen", lang, &money, &view(&money), &form);
        assert!(html.contains("name=\"purpose\" value=\"deposit\" checked"));
    }
    let kept = RechargeForm::read("k".to_owned(), "x", Way::Page, Deposit).unwrap_err();
    assert_eq!(kept.purpose, Deposit);
}

#[test]
fn a_payment_of_the_deposit_says_so() {
    let money = Money::of_may();
    let paid = money.recharges[0].clone().for_purpose(Deposit);
    let item = RechargeItem::new(&paid);
    let frame = money.frame(Lang::En, "recharge/1");
    let page = RechargeResultPage::new(&frame, &money.rules.calendar, &item);
    let html = look::page("recharge-result-deposit", Lang::En, &page);
    assert!(html.contains("held as your deposit") && !html.contains("paid what was owed first"));
}
