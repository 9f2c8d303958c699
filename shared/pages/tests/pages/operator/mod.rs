//! The operators' pages: figures against the records, all states, both languages, forms and
//! escaping. This file has what holds of every page, and the records of the tests.

mod actions;
mod debits;
mod providers;
mod receivables;
mod reconciliation;
mod runs;

use askama::Template;
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::{
    Account, AccountSums, Charges, Debit, Provider, Reference, Request, RunEnd, RunFigures,
    RunScope, RunTally, SettlementRun, Statement,
};
use steelyard_pages::operator::{Forms, OperatorPage};
use steelyard_pages::{Frame, Lang, May};
use steelyard_pricing::Fen;

use crate::look;
use crate::month::{Month, at, day, rules};

const HOSTILE: &str = "<script>alert(\"1\")</script>";

fn now() -> Timestamp {
    at("2015-05-19T08:32")
}

fn frame(lang: Lang, page: &str, may_operate: bool) -> Frame {
    let path = format!("/portal/operator/{page}");
    let frame = Frame::new(lang, path, &rules().calendar, now());
    let may = May { operate: may_operate, ..May::default() };
    Frame { operator: Some("finance-desk-2".to_owned()), may, ..frame }
}

fn forms() -> Forms {
    Forms { key: "k".repeat(32), ..Forms::default() }
}

/// What holds of every page; gives its HTML in English.
fn check(name: &str, page: impl Fn(&Frame) -> String) -> String {
    let [english, chinese] = Lang::ALL.map(|lang| page(&frame(lang, name, true)));
    for (lang, html) in Lang::ALL.into_iter().zip([&english, &chinese]) {
        look::check(&format!("operator-{name}"), lang, html);
        let told = format!("{name} {}", lang.name());
        // Tags and attributes stand apart.
        for (at, _) in html.match_indices("=\"") {
            let name = html[..at].rsplit([' ', '\n']).next().unwrap();
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || "-0123456789".contains(c))
                    || name.ends_with("viewBox"),
                "{told}: {name}"
            );
        }
        assert_eq!(html.matches("method=\"post\"").count(), html.matches("name=\"key\"").count());
        assert_eq!(
            html.matches("method=\"post\"").count(),
            html.matches("name=\"reason\" required").count()
        );
    }
    let reader = page(&frame(Lang::En, name, false));
    assert!(!reader.contains("method=\"post\""), "{name}: who may only read sees no form");
    english
}

/// The parts of a text without its tags.
fn words(html: &str) -> String {
    let parts = html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_shows(html: &str, texts: &[&str]) {
    let words = words(html);
    for text in texts {
        assert!(words.contains(text), "{text:?} is not in {words}");
    }
}

fn provider(id: &str, has_mandate: bool) -> Provider {
    let mandate = crate::month::provider().mandate.filter(|_| has_mandate);
    Provider { provider: id.parse().unwrap(), mandate, ..crate::month::provider() }
}

/// A provider's account with a debit in a phase, which reserves what is owed if it was sent.
fn account(provider: &Provider, owed: i64, prepaid: i64) -> Account {
    let account = Account::new(provider);
    let statement = "2015-05-18".parse().unwrap();
    let account = account.charge(statement, Fen::new(owed), now()).unwrap().account;
    if prepaid == 0 {
        return account;
    }
    account.recharge(Fen::new(owed + prepaid), Reference::new("r").unwrap(), now()).unwrap().account
}

fn debit(provider: &str, phase: serde_json::Value) -> Debit {
    let mut debit = json!({
        "provider": provider, "debit": 9, "version": 3,
        "opened_at_s": at("2015-05-08T00:30").as_second(),
        "due_at_s": at("2015-05-19T08:40").as_second(),
        "terms": { "amount_fen": 120_460, "mandate": 1, "agreement_no": "20155245550001",
            "from": "2015-05-07", "through": "2015-05-07" },
        "history": { "exchanges": [{ "at_s": at("2015-05-08T10:00").as_second(), "attempt": 1,
            "asked": "pay", "answer": "paid" }] },
    });
    debit.as_object_mut().unwrap().extend(phase.as_object().unwrap().clone());
    serde_json::from_value(debit).unwrap()
}

fn held(provider: &str, why: &str) -> Debit {
    debit(provider, json!({ "phase": "held", "why": why }))
}

/// Runs of two nights: the older charged 17 May, the newer 18 May.
fn runs() -> Vec<SettlementRun> {
    let month = Month::of_may_2015();
    let run = |number: u64, begun: &str, statements: &[Statement], sums: AccountSums| {
        let tally = RunTally { providers: 1_284, failed: 1, ..RunTally::default() };
        let tally = tally.with_statements(statements).unwrap();
        let charges = Charges::of(statements).unwrap();
        let figures = RunFigures { charges, accounts: Some(sums) };
        let run = SettlementRun::after(number - 1, RunScope::Shards([3, 7].into()), at(begun));
        let ended_at_s = at(begun) + jiff::SignedDuration::from_secs(161);
        SettlementRun { end: Some(RunEnd { ended_at_s, tally, figures }), ..run }
    };
    let (old, new) =
        (month.between("2015-04-13", "2015-05-17"), month.between("2015-05-18", "2015-05-18"));
    let owing = account(&provider("shop-assistant", true), 12_602, 0);
    let rich = account(&provider("coupon-mill", true), 100, 231_075);
    let sums = |account, statements: &[Statement]| {
        AccountSums::of(account, Some(Request::Open), statements, day("2015-05-18")).unwrap()
    };
    let sums =
        sums(&owing, &month.between("2015-05-17", "2015-05-18")).plus(&sums(&rich, &[])).unwrap();
    vec![run(2, "2015-05-19T00:30", &new, sums.clone()), run(1, "2015-05-18T00:30", &old, sums)]
}

#[test]
fn sessions_of_a_provider_are_ended_by_a_form_with_a_reason() {
    let shop = "shop-assistant".parse().unwrap();
    let html =
        check("sessions", |frame| OperatorPage::sessions(frame, &shop, &forms()).render().unwrap());
    assert_shows(
        &html,
        &["End every session in which the pages of shop-assistant are open", "Reason"],
    );
}
