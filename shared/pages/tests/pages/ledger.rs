//! The ledger: balances that follow from entries, and every state of a debit in plain words.

use steelyard_billing::{DeclineReason, Entry, QueryAnswer, Reference};
use steelyard_pages::Lang;
use steelyard_pages::debits::DebitState;
use steelyard_pages::ledger::{
    Balance, Before, LEDGER_PAGE, Ledger, LedgerError, LedgerKind, LedgerPage, LedgerQuery,
    LedgerQueryError, LedgerRecords,
};

use crate::look;
use crate::money::{Money, answers, declined, fen};
use crate::month::at;

fn read<'a>(money: &'a Money, entries: &'a [Entry]) -> LedgerRecords<'a> {
    LedgerRecords {
        entries,
        figures: None,
        debits: &money.debits,
        confirmed: Some(&money.confirmed),
        recharges: &money.recharges,
        refunds: &money.refunds,
        reversals: &money.reversals,
    }
}

/// The only place of this test that computes the ledger.
fn ledger(money: &Money, query: LedgerQuery) -> Result<Ledger, LedgerError> {
    let entries = money.newest_first();
    Ledger::new(&money.records(), &read(money, &entries), query)
}

fn of(kind: LedgerKind) -> LedgerQuery {
    LedgerQuery { kind, before: None }
}

fn balance(prepaid: i64, owed: i64, collecting: i64) -> Balance {
    Balance {
        prepaid_fen: fen(prepaid),
        owed_fen: fen(owed),
        collecting_fen: fen(collecting),
        payable_fen: fen(owed - collecting),
        deposit_fen: fen(0),
    }
}

#[test]
fn each_movement_has_the_balance_after_it_and_what_it_changed() {
    let view = ledger(&Money::of_may(), LedgerQuery::default()).unwrap();
    let rows: Vec<_> =
        view.entries.iter().map(|e| (e.number, e.amount_fen, e.change_fen, e.after)).collect();
    assert_eq!(
        rows,
        [
            (6, fen(12_602), fen(-12_602), balance(0, 12_602, 0)),
            (5, fen(7_293), fen(7_293), balance(0, 0, 0)),
            (4, fen(7_293), fen(0), balance(0, 7_293, 7_293)),
            (3, fen(10_441), fen(-10_441), balance(0, 7_293, 0)),
            (2, fen(6_852), fen(-6_852), balance(3_148, 0, 0)),
            (1, fen(10_000), fen(10_000), balance(10_000, 0, 0)),
        ]
    );
    assert_eq!(view.balance, balance(0, 12_602, 0));
    assert_eq!(view.older_before, None);
}

#[test]
fn an_older_page_has_the_same_rows_whether_it_goes_back_from_the_account_or_from_a_balance() {
    let money = Money::of_may();
    let all = ledger(&money, LedgerQuery::default()).unwrap().entries;
    let query = LedgerQuery { kind: LedgerKind::All, before: Some(Before(4)) };
    let older = ledger(&money, query).unwrap();
    assert_eq!(older.entries, all[3..]);
    assert!(!older.is_newest);
    let mut entries = money.newest_first();
    let mut figures = money.account.figures;
    for entry in entries.drain(..3) {
        figures = figures.before(&entry).unwrap();
    }
    let read = LedgerRecords { figures: Some(figures), ..read(&money, &entries) };
    let from_balance = Ledger::new(&money.records(), &read, query).unwrap();
    assert_eq!(from_balance.entries, older.entries);
}

#[test]
fn a_missing_entry_is_named_and_never_passed_over() {
    let money = Money::of_may();
    let mut entries = money.newest_first();
    entries.remove(2);
    let computed = Ledger::new(&money.records(), &read(&money, &entries), LedgerQuery::default());
    assert_eq!(computed.unwrap_err(), LedgerError::Gap { expected: 4, found: 3 });
    entries.drain(..1);
    let computed = Ledger::new(&money.records(), &read(&money, &entries), LedgerQuery::default());
    assert_eq!(computed.unwrap_err(), LedgerError::Gap { expected: 6, found: 5 });
}

#[test]
fn a_long_ledger_is_cut_and_names_where_the_older_ones_begin() {
    let mut money = Money::new("2015-05-19T08:32");
    for _ in 0..LEDGER_PAGE + 10 {
        money.pay_in(100, "2015-05-14T11:00");
    }
    let first = ledger(&money, LedgerQuery::default()).unwrap();
    assert_eq!((first.entries.len(), first.older_before), (LEDGER_PAGE, Some(11)));
    let query = LedgerQuery { kind: LedgerKind::All, before: first.older_before.map(Before) };
    let second = ledger(&money, query).unwrap();
    assert_eq!((second.entries.len(), second.older_before), (10, None));
    assert_eq!(second.entries[0].number, 10);
    let recharges = ledger(&money, of(LedgerKind::Recharges)).unwrap();
    assert_eq!((recharges.recharges.len(), recharges.older_before), (LEDGER_PAGE, Some(11)));
    let frame = money.frame(Lang::En, "ledger");
    let html = look::page(
        "ledger-long",
        Lang::En,
        &LedgerPage::new(&frame, &money.rules.calendar, &first),
    );
    assert!(html.contains("ledger?kind=all&#38;before=11"), "{html}");
}

#[test]
fn what_is_asked_for_is_read_from_the_address() {
    let parsed = LedgerQuery::parse(Some("debits"), Some("42")).unwrap();
    assert_eq!(parsed, LedgerQuery { kind: LedgerKind::Debits, before: Some(Before(42)) });
    assert_eq!(parsed.to_string(), "kind=debits&before=42");
    assert_eq!(LedgerQuery::parse(None, None), Ok(LedgerQuery::default()));
    for kind in LedgerKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    let kind = LedgerQuery::parse(Some("<script>"), None);
    assert_eq!(kind, Err(LedgerQueryError::Kind("<script>".to_owned())));
    for before in ["", "0", "-1", "+1", "1.5", "99999999999999999999"] {
        let parsed = LedgerQuery::parse(None, Some(before));
        assert_eq!(parsed, Err(LedgerQueryError::Before(before.to_owned())), "{before}");
    }
}

#[test]
fn the_ledger_is_a_page_in_both_languages_and_in_every_part() {
    let mut money = Money::of_may();
    money.pay_in(20_000, "2015-05-19T08:10");
    money.refund(1_000, "2015-05-19T08:20");
    for lang in Lang::ALL {
        let frame = money.frame(lang, "ledger");
        for kind in LedgerKind::ALL {
            let view = ledger(&money, of(kind)).unwrap();
            let page = LedgerPage::new(&frame, &money.rules.calendar, &view);
            let html = look::page(&format!("ledger-{}", kind.name()), lang, &page);
            assert!(!html.contains("asked by phone"), "an operator's words are no provider's");
        }
    }
    let empty = Money::new("2015-05-19T08:32");
    for kind in LedgerKind::ALL {
        let view = ledger(&empty, of(kind)).unwrap();
        let frame = empty.frame(Lang::En, "ledger");
        let page = LedgerPage::new(&frame, &empty.rules.calendar, &view);
        let html = look::page(&format!("ledger-empty-{}", kind.name()), Lang::En, &page);
        assert!(html.contains("class=\"empty\""), "{kind:?}");
    }
}

#[test]
fn the_ledger_answers_what_it_shows() {
    let view = ledger(&Money::of_may(), LedgerQuery::default()).unwrap();
    let answer = serde_json::to_value(&view).unwrap();
    let entry = &answer["entries"][1];
    assert_eq!(entry["cause"], "debit_paid");
    assert_eq!(entry["debit"], 1);
    assert_eq!(entry["trade_no"], "2015051821001004130200318852");
    assert_eq!(entry["change_fen"], 7_293);
    assert_eq!(
        entry["after"],
        serde_json::json!({ "prepaid_fen": 0, "owed_fen": 0, "collecting_fen": 0, "payable_fen": 0, "deposit_fen": 0 })
    );
    assert_eq!(answer["declined"][0]["reason"], "funds");
    assert_eq!(answer["declined"][0]["debit"], 1);
}

#[test]
fn a_debit_without_an_agreement_is_not_promised() {
    let mut money = Money::new("2015-05-17T09:05");
    money.charge("2015-05-16", 7_293, "2015-05-17T00:30");
    money.provider.mandate = None;
    let view = ledger(&money, of(LedgerKind::Debits)).unwrap();
    let debit = &view.debits[0];
    assert_eq!((debit.state, debit.amount_fen), (DebitState::WithoutAgreement, None));
    assert_eq!(debit.next_at_s, Some(at("2015-05-17T10:00")));
    for (lang, told) in [(Lang::En, "No agreement is in force."), (Lang::Zh, "没有生效的代扣协议")]
    {
        let frame = money.frame(lang, "ledger");
        let page = LedgerPage::new(&frame, &money.rules.calendar, &view);
        assert!(look::page("debit-without-agreement", lang, &page).contains(told));
    }
}

#[test]
fn every_answer_of_alipay_has_a_sentence_in_both_languages() {
    for (name, answer) in answers() {
        let mut money = Money::new("2015-05-17T10:05");
        money.charge("2015-05-16", 7_293, "2015-05-17T00:30");
        money.send(7_293, "2015-05-17T10:00");
        money.answer(answer, "2015-05-17T10:00");
        check_sentence(name, &money);
        let is_over = money.debits[0].phase.to_string() == "giving up";
        if is_over {
            money.query(QueryAnswer::Closed, "2015-05-17T10:01");
            money.end("2015-05-17T10:01");
            check_sentence(&format!("{name}-over"), &money);
        }
    }
}

fn check_sentence(name: &str, money: &Money) {
    for lang in Lang::ALL {
        let view = ledger(money, of(LedgerKind::Debits)).unwrap();
        let frame = money.frame(lang, "ledger");
        let page = LedgerPage::new(&frame, &money.rules.calendar, &view);
        let html = look::page(&format!("debit-{name}"), lang, &page);
        let facts = html.split("<dl class=\"facts\">").nth(1).unwrap();
        for told in facts.split("<dd>").skip(1).take(2) {
            assert!(!told.starts_with("</dd>"), "{name} {lang:?}: nothing is told");
        }
    }
}

#[test]
fn a_debit_is_in_the_state_that_its_answers_led_to() {
    let state = |name: &str| {
        let (_, answer) = answers().into_iter().find(|(known, _)| *known == name).unwrap();
        let mut money = Money::new("2015-05-17T10:05");
        money.charge("2015-05-16", 7_293, "2015-05-17T00:30");
        let scheduled = ledger(&money, of(LedgerKind::Debits)).unwrap().debits[0].clone();
        assert_eq!((scheduled.state, scheduled.is_fixed), (DebitState::Scheduled, false));
        assert_eq!(scheduled.amount_fen, Some(fen(7_293)));
        assert_eq!(scheduled.next_at_s, Some(at("2015-05-17T10:00")));
        money.send(7_293, "2015-05-17T10:00");
        money.answer(answer, "2015-05-17T10:00");
        ledger(&money, of(LedgerKind::Debits)).unwrap().debits[0].clone()
    };
    assert_eq!(state("funds").state, DebitState::Declined);
    assert_eq!(state("funds").next_at_s, Some(at("2015-05-18T10:00")));
    assert_eq!(state("amount-cap").state, DebitState::GivingUp);
    assert_eq!(state("in-doubt").state, DebitState::Unknown);
    assert_eq!(state("in-doubt").next_at_s, None, "when it is asked about is nobody's concern");
    assert_eq!(state("own-fault").state, DebitState::Held);
    assert_eq!(state("throttled").state, DebitState::Resending);
    assert_eq!(state("paid").state, DebitState::Paid);
}

#[test]
fn what_came_from_outside_is_escaped() {
    let mut money = Money::new("2015-05-17T10:05");
    money.charge("2015-05-16", 7_293, "2015-05-17T00:30");
    money.send(7_293, "2015-05-17T10:00");
    money.answer(declined(DeclineReason::Funds, "<script>alert(1)</script>"), "2015-05-17T10:00");
    let movement = money
        .account
        .recharge(fen(100), Reference::new("<script>bank").unwrap(), at("2015-05-17T10:01"))
        .unwrap();
    money.account = movement.account;
    money.entries.extend(movement.entry);
    for kind in [LedgerKind::All, LedgerKind::Debits] {
        let view = ledger(&money, of(kind)).unwrap();
        let frame = money.frame(Lang::En, "ledger");
        let page = LedgerPage::new(&frame, &money.rules.calendar, &view);
        let html = look::page("hostile", Lang::En, &page);
        assert!(html.contains("&#60;script&#62;"), "{kind:?}");
    }
}

#[test]
fn the_deposit_is_told_beside_the_balance_and_its_draw_pays_what_is_owed() {
    let mut money = Money::of_may();
    money.deposit(50_000, 12_000, "2015-05-19T08:31");
    let view = ledger(&money, LedgerQuery::default()).unwrap();
    let row = |at: usize| {
        let entry = &view.entries[at];
        (entry.amount_fen, entry.change_fen, entry.after)
    };
    let held = |owed, deposit| Balance { deposit_fen: fen(deposit), ..balance(0, owed, 0) };
    assert_eq!(row(0), (fen(12_000), fen(12_000), held(602, 38_000)));
    assert_eq!(row(1), (fen(50_000), fen(0), held(12_602, 50_000)));
    assert_eq!(view.balance, held(602, 38_000));
    for lang in Lang::ALL {
        let frame = money.frame(lang, "ledger");
        let page = LedgerPage::new(&frame, &money.rules.calendar, &view);
        let html = look::page("ledger-deposit", lang, &page);
        assert!(html.contains("380.00"), "what is held");
        let told = ["Paid from the deposit", "Deposit paid by bank transfer"];
        assert_eq!(told.iter().all(|text| html.contains(text)), lang == Lang::En);
    }
}
