//! The start page of a local stack.

use steelyard_pages::ledger::Balance;
use steelyard_pages::start::{
    AgreementLine, AgreementState, NextRun, PaymentLine, PaymentState, ProviderLine, Run, Start,
    StartPage,
};
use steelyard_pages::{Frame, Lang};

use crate::look;
use crate::money::fen;
use crate::month::{at, rules};

fn empty() -> Start {
    Start {
        url: "http://127.0.0.1:8700".to_owned(),
        providers: Vec::new(),
        has_more_providers: false,
        unreadable: 0,
        speed: 1,
        runs: vec![
            NextRun { at: at("2015-05-19T10:00"), run: Run::Dispatch },
            NextRun { at: at("2015-05-19T10:30"), run: Run::Reconciliation },
            NextRun { at: at("2015-05-20T00:30"), run: Run::Settlement },
        ],
        agreements: Vec::new(),
        payments: Vec::new(),
        has_more_of_alipay: false,
    }
}

fn full() -> Start {
    let agreement = |agreement_no: &str, state| AgreementLine {
        agreement_no: agreement_no.to_owned(),
        payer: "张/a b".to_owned(),
        signed_at: at("2015-05-01T09:26"),
        single_limit_fen: (state == AgreementState::InForce).then(|| fen(50_000)),
        state,
    };
    let payment = |is_recharge, refunded, state| PaymentLine {
        out_trade_no: "SYk3x9ab_8d9001d32c6a703d_D42_1".to_owned(),
        is_recharge,
        payer: (state != PaymentState::Waiting).then(|| "张/a b".to_owned()),
        at: at("2015-05-18T10:00"),
        amount_fen: fen(12_602),
        refunded_fen: fen(refunded),
        state,
    };
    Start {
        providers: vec![
            ProviderLine {
                provider: "shop-assistant".parse().unwrap(),
                plan: Some("open-2015".parse().unwrap()),
                balance: Balance {
                    prepaid_fen: fen(0),
                    owed_fen: fen(12_602),
                    collecting_fen: fen(0),
                    payable_fen: fen(12_602),
                    deposit_fen: fen(0),
                },
            },
            ProviderLine {
                provider: "tomorrow".parse().unwrap(),
                plan: None,
                balance: Balance {
                    prepaid_fen: fen(500),
                    owed_fen: fen(0),
                    collecting_fen: fen(0),
                    payable_fen: fen(0),
                    deposit_fen: fen(0),
                },
            },
        ],
        has_more_providers: true,
        unreadable: 2,
        speed: 1_440,
        agreements: vec![
            agreement("20155245550001", AgreementState::InForce),
            agreement("20155245550002", AgreementState::Deferred),
            agreement("20155245550003", AgreementState::Suspended),
            agreement("20155245550004", AgreementState::Ended),
        ],
        payments: vec![
            payment(true, 0, PaymentState::Waiting),
            payment(true, 2_602, PaymentState::Paid),
            payment(false, 0, PaymentState::UnderWay),
            payment(false, 12_602, PaymentState::Closed),
        ],
        has_more_of_alipay: true,
        ..empty()
    }
}

fn page(name: &str, lang: Lang, view: &Start) -> String {
    let rules = rules();
    let frame = Frame::new(lang, "/", &rules.calendar, at("2015-05-19T08:32"));
    look::page(&format!("start-{name}"), lang, &StartPage::new(&frame, &rules.calendar, view))
}

#[test]
fn a_stack_without_providers_says_how_one_is_added() {
    for lang in Lang::ALL {
        let html = page("empty", lang, &empty());
        assert!(html.contains("--billed-from 2015-05"));
        // The soonest run, by its instant: the clock is moved there.
        assert!(html.contains("name=\"now\" value=\"2015-05-19T02:00:00Z\""));
        assert_eq!(html.matches("<form").count(), 1);
    }
}

#[test]
fn the_start_page_leads_into_each_provider_and_to_what_waits_at_alipay() {
    for lang in Lang::ALL {
        let html = page("full", lang, &full());
        for part in [
            "<a href=\"/local/enter/shop-assistant\">shop-assistant</a>",
            "<a href=\"/local/enter/tomorrow?operator=operator\">",
            "126.02",
            "1,440",
            "<a href=\"/local/payers/%E5%BC%A0%2Fa%20b/agreements\">",
            "<a href=\"/local/pay/SYk3x9ab_8d9001d32c6a703d_D42_1\">",
            "26.02",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(html.matches("/local/pay/").count(), 1);
        let (signed, next) = match lang {
            Lang::En => ("1 May 2015, 09:26", "19 May 2015, 10:00"),
            Lang::Zh => ("2015 年 5 月 1 日 09:26", "2015 年 5 月 19 日 10:00"),
        };
        for time in [signed, next] {
            assert!(html.contains(&format!("\">{time}</td>")), "{time}: {html}");
        }
    }
}
