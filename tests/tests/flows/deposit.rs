//! The deposit, over real HTTP to the local Alipay: announced before it is due, paid by its own
//! recharge, drawn for what debits gave up, topped up, and returned to its payer less what is owed.

use serde_json::{Value, json};
use steelyard_billing::{Action, ActionAnswer, ActionPhase, ActionResult, DepositState, RefundRef};
use steelyard_books::{PaidIn, RefundAsked};
use steelyard_local_alipay::{Fault, Method};
use steelyard_offers::RECHARGES_PATH;
use steelyard_pricing::Fen;
use steelyard_tests::{Platform, agreement_no, fen, reason, reference};

const BASIC: &str = "taobao.trades.sold.get";

/// A plan with the prices of most tests, and a deposit that is drawn by rule or by a person.
pub(crate) fn plan(from: &str, yuan: &str, by_rule: bool) -> String {
    json!({
        "plan": "with-deposit",
        "effective_from": from,
        "deposit": {
            "amount": yuan, "due_after_days": 10, "top_up_after_days": 5, "drawn_by_rule": by_rule,
        },
        "rates": [{
            "rate": "basic", "apis": ["*"], "free_per_month": 500_000,
            "price": { "model": "per_unit", "unit_price": "0.0001" },
        }],
    })
    .to_string()
}

/// A platform on the first of May at eight in the evening, where `a` is on a plan that wants a
/// deposit of ¥500.00, with an agreement and these funds.
async fn platform(by_rule: bool, funds: i64) -> Platform {
    let platform = Platform::open().await;
    platform.add_plan(&plan("2015-04-01", "500", by_rule)).await;
    platform.set("2015-05-01T20:00");
    platform.register("a", "with-deposit").await;
    platform.adopt("a", &agreement_no("a"), funds).await;
    platform
}

async fn state(platform: &Platform) -> DepositState {
    let account = platform.found("a").await.account;
    account.deposit.state(account.figures.deposit(), platform.today()).unwrap()
}

/// The held, wanted and missing deposit, and its due day.
async fn told(platform: &Platform) -> String {
    let state = state(platform).await;
    let due = state.due_on.map(|day| day.to_string()).unwrap_or_default();
    let overdue = if state.is_overdue { " overdue" } else { "" };
    let DepositState { held_fen, required_fen, shortfall_fen, .. } = state;
    format!("{held_fen} of {required_fen}, {shortfall_fen} missing {due}{overdue}")
}

/// The provider pays the deposit on Alipay's page; gives our number of the trade.
pub(crate) async fn pay(platform: &Platform, yuan: &str) -> String {
    let asked = json!({ "provider": "a", "amount": yuan, "way": "page", "purpose": "deposit" });
    let (status, offered) = platform.ask(RECHARGES_PATH, &asked).await;
    assert_eq!(status, 201, "{offered}");
    platform.open_page(offered["page"].as_str().unwrap()).await;
    let number = offered["out_trade_no"].as_str().unwrap().to_owned();
    platform.pay_trade(&number);
    platform.deliver().await;
    number
}

async fn act(platform: &Platform, event: Value) -> Action {
    let answer = platform.stack.functions.actions.invoke(event).await.unwrap();
    match serde_json::from_value(answer).unwrap() {
        ActionAnswer::Action(action) => *action,
        ActionAnswer::Problem(problem) => panic!("{problem:?}"),
    }
}

/// What `li` asks for under a key.
async fn ask(platform: &Platform, key: &str, action: Value) -> Action {
    let by = json!({ "operator": "li" });
    act(platform, json!({ "by": by, "key": key, "reason": "it leaves", "action": action })).await
}

async fn approve(platform: &Platform, action: &Action) -> Action {
    act(platform, json!({ "by": { "operator": "wang" }, "approve": action.id })).await
}

/// What `li` asks for under a key, and `wang` approves.
pub(crate) async fn ask_and_approve(platform: &Platform, key: &str, action: Value) -> Action {
    let asked = ask(platform, key, action).await;
    assert!(asked.is_waiting(), "{}", asked.phase);
    approve(platform, &asked).await
}

fn returned(action: &Action) -> [i64; 3] {
    let ActionPhase::Done { result: ActionResult::DepositReturned(returned), .. } = &action.phase
    else {
        panic!("{}", action.phase)
    };
    [returned.drawn_fen, returned.returned_fen, returned.by_transfer_fen].map(Fen::get)
}

async fn charge_hundred_yuan(platform: &Platform, day: &str) {
    platform.count("a", BASIC, day, 1_500_000).await;
}

pub(crate) fn give_back() -> Value {
    json!({ "kind": "return_deposit", "provider": "a" })
}

#[tokio::test]
async fn deposit_is_announced_paid_drawn_by_rule_topped_up_and_returned() {
    let platform = platform(true, 0).await;
    assert_eq!(told(&platform).await, "0.00 of 0.00, 0.00 missing ");
    platform.run_until("2015-05-02T01:00").await;
    assert_eq!(told(&platform).await, "0.00 of 500.00, 500.00 missing 2015-05-12");
    pay(&platform, "200.00").await;
    assert_eq!(told(&platform).await, "200.00 of 500.00, 300.00 missing 2015-05-12");
    pay(&platform, "300.00").await;
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;

    // The charge is requested on three days, and given up: nothing is taken from the deposit
    // before.
    charge_hundred_yuan(&platform, "2015-05-02").await;
    platform.run_until("2015-05-03T09:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    platform.run_until("2015-05-06T12:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(platform.debit("a", 1).await.phase.to_string(), "given up");
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    platform.run_until("2015-05-07T01:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    assert_eq!(told(&platform).await, "400.00 of 500.00, 100.00 missing 2015-05-12");
    platform.books_balance().await;
    pay(&platform, "100.00").await;
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    platform.run_until("2015-05-09T12:00").await;
    platform.books_balance().await;

    // It leaves: three payments of 200, 300 and 100, of which 100 were drawn.
    let done = ask_and_approve(&platform, "exit", give_back()).await;
    assert_eq!(returned(&done), [0, 50_000, 0]);
    assert_eq!(platform.found("a").await.account.figures.deposit(), Fen::ZERO);
    platform.run_until("2015-05-09T13:00").await;
    let trades = platform.stack.alipay.trades().unwrap();
    let mut given_back = trades.iter().map(|trade| trade.refunded_fen.get()).collect::<Vec<_>>();
    given_back.sort_unstable();
    assert_eq!(given_back, [0, 10_000, 10_000, 30_000]);
    // The bills of the days show every payment and every return.
    platform.run_until("2015-05-12T12:00").await;
    platform.books_balance().await;
    assert!(platform.stack.tables.billing.findings().await.unwrap().readable.is_empty());
    assert_eq!(platform.stack.dead_letters().await.unwrap(), 0);
}

#[tokio::test]
async fn higher_deposit_is_announced_before_its_first_day_and_a_lower_one_holds_at_once() {
    let platform = platform(false, 0).await;
    platform.run_until("2015-05-02T01:00").await;
    pay(&platform, "500.00").await;
    platform.add_plan(&plan("2015-06-01", "800", false)).await;
    platform.run_until("2015-05-20T01:00").await;
    let next = state(&platform).await.next.unwrap();
    assert_eq!((next.amount_fen, next.from.to_string()), (fen(80_000), "2015-06-01".to_owned()));
    assert_eq!(next.due_on.to_string(), "2015-06-11");
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    platform.run_until("2015-06-01T01:00").await;
    assert_eq!(told(&platform).await, "500.00 of 800.00, 300.00 missing 2015-06-11");
    platform.run_until("2015-06-12T01:00").await;
    assert_eq!(told(&platform).await, "500.00 of 800.00, 300.00 missing 2015-06-11 overdue");
    let less = json!({
        "override": "trusted", "from": "2015-06-13",
        "deposit": { "amount": "100", "due_after_days": 10 },
    });
    let less: steelyard_pricing::Override = serde_json::from_value(less).unwrap();
    platform.change("a", move |provider| provider.overrides.push(less.clone())).await;
    platform.run_until("2015-06-13T01:00").await;
    assert_eq!(told(&platform).await, "500.00 of 100.00, 0.00 missing ");
    assert_eq!(state(&platform).await.excess_fen, fen(40_000));
    // A part that is no longer wanted is returned by the same action.
    let part = json!({ "kind": "return_deposit", "provider": "a", "amount_fen": 40_000 });
    let done = ask_and_approve(&platform, "less", part).await;
    assert_eq!(returned(&done), [0, 40_000, 0]);
    platform.run_until("2015-06-13T12:00").await;
    assert_eq!(told(&platform).await, "100.00 of 100.00, 0.00 missing ");
    platform.books_balance().await;
}

#[tokio::test]
async fn exit_with_debts_pays_them_first_and_a_transfer_goes_back_by_a_transfer() {
    let platform = Platform::open().await;
    platform.add_plan(&plan("2015-04-01", "500", false)).await;
    platform.set("2015-05-01T20:00");
    platform.register("a", "with-deposit").await;
    let (books, now, a) = (platform.books(), platform.stack.clock.now(), "a".parse().unwrap());
    let paid = books.pay_deposit(&a, fen(50_000), &reference("bank-1"), now).await.unwrap();
    assert!(matches!(paid, PaidIn::Now(_)), "{paid:?}");
    let again = books.pay_deposit(&a, fen(50_000), &reference("bank-1"), now).await.unwrap();
    assert!(matches!(again, PaidIn::Before(_)), "{again:?}");
    let prepaid = books.pay_in(&a, fen(50_000), &reference("bank-1"), now).await.unwrap();
    assert!(matches!(prepaid, PaidIn::ReferenceUsed(_)), "it paid the deposit: {prepaid:?}");
    charge_hundred_yuan(&platform, "2015-05-01").await;
    platform.run_until("2015-05-02T01:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0], "nothing is drawn without a rule");

    let by_alipay = ask(&platform, "exit", give_back()).await;
    let why = by_alipay.phase.to_string();
    assert!(why.contains("return ¥400.00 by a bank transfer"), "{why}");
    let book = |reference: &str, amount: i64| {
        json!({
            "kind": "book_deposit_return", "provider": "a", "amount_fen": amount,
            "reference": reference,
        })
    };
    let too_much = ask(&platform, "b1", book("bank-2", 40_001)).await;
    assert!(too_much.phase.to_string().contains("¥400.00 can"), "{}", too_much.phase);
    let used = ask(&platform, "b2", book("bank-1", 40_000)).await;
    assert!(used.phase.to_string().contains("booked under bank-1 before"), "{}", used.phase);
    let done = ask_and_approve(&platform, "b3", book("bank-2", 40_000)).await;
    assert_eq!(returned(&done), [10_000, 40_000, 0]);
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    assert_eq!(platform.found("a").await.account.figures.deposit(), Fen::ZERO);
    let twice = ask_and_approve(&platform, "b4", book("bank-2", 40_000)).await;
    assert_eq!(twice.phase.to_string(), "done: it was so before");
    platform.books_balance().await;
}

#[tokio::test]
async fn person_draws_what_is_owed_and_nothing_is_returned_without_a_second_person() {
    let platform = platform(false, 0).await;
    platform.run_until("2015-05-02T01:00").await;
    pay(&platform, "500.00").await;
    charge_hundred_yuan(&platform, "2015-05-02").await;
    platform.run_until("2015-05-07T01:00").await;
    assert_eq!(platform.account("a").await, [0, 10_000, 0], "the terms leave it to a person");
    let draw = json!({ "kind": "draw_deposit", "provider": "a", "amount_fen": 4_000 });
    for _ in 0..2 {
        let drawn = ask(&platform, "draw", draw.clone()).await;
        assert_eq!(drawn.phase.to_string(), "done: ¥40.00 drawn");
        assert_eq!(platform.account("a").await, [0, 6_000, 0]);
    }
    assert_eq!(told(&platform).await, "460.00 of 500.00, 40.00 missing 2015-05-12");
    let asked = ask(&platform, "exit", give_back()).await;
    assert!(asked.is_waiting());
    assert_eq!(told(&platform).await, "460.00 of 500.00, 40.00 missing 2015-05-12");
    let done = approve(&platform, &asked).await;
    assert_eq!(returned(&done), [6_000, 40_000, 0]);
    assert_eq!(approve(&platform, &asked).await, done);
    platform.run_until("2015-05-07T06:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    platform.books_balance().await;
}

#[tokio::test]
async fn return_moves_what_was_shown_when_it_was_asked_for_and_is_refused_once_that_changed() {
    let platform = platform(false, 0).await;
    platform.run_until("2015-05-02T01:00").await;
    pay(&platform, "500.00").await;
    let asked = ask(&platform, "exit", give_back()).await;
    let amounts = asked.returns.unwrap();
    assert_eq!(
        amounts.to_string(),
        "¥0.00 drawn, ¥500.00 returned, ¥0.00 left for a bank transfer"
    );
    assert_eq!(ask(&platform, "exit", give_back()).await, asked, "under its key it is the same");
    charge_hundred_yuan(&platform, "2015-05-02").await;
    platform.run_until("2015-05-07T01:00").await;
    let refused = approve(&platform, &asked).await;
    let why = refused.phase.to_string();
    assert!(
        why.contains("¥500.00 returned") && why.contains("now ¥100.00 drawn, ¥400.00"),
        "{why}"
    );
    assert_eq!(platform.account("a").await, [0, 10_000, 0]);
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    // More to return is another amount, too.
    let asked = ask(&platform, "exit-2", give_back()).await;
    platform
        .books()
        .pay_deposit(&"a".parse().unwrap(), fen(5_000), &reference("b"), asked.asked_at_s)
        .await
        .unwrap();
    let refused = approve(&platform, &asked).await.phase.to_string();
    assert!(refused.contains("now ¥100.00 drawn, ¥450.00 returned"), "{refused}");
    let done = ask_and_approve(&platform, "exit-3", give_back()).await;
    assert_eq!(returned(&done), [10_000, 45_000, 0]);
    platform.run_until("2015-05-07T06:00").await;
    platform.books_balance().await;
}

#[tokio::test]
async fn reference_that_is_too_long_is_refused_by_name_and_nothing_is_recorded() {
    let platform = platform(false, 0).await;
    let book = |reference: &str| {
        json!({
            "by": { "operator": "li" }, "key": "b", "reason": "it leaves",
            "action": {
                "kind": "book_deposit_return", "provider": "a", "amount_fen": 100,
                "reference": reference,
            },
        })
    };
    for (wrong, why) in [("x".repeat(65), "1 to 64 characters, not 65"), (" ".to_owned(), "not 0")]
    {
        let answer = platform.stack.functions.actions.invoke(book(&wrong)).await.unwrap();
        let problem = answer["problem"].to_string();
        assert!(problem.contains("malformed") && problem.contains(why), "{answer}");
    }
    let month = platform.today().month();
    let recorded = platform.stack.tables.billing.actions(month, None, 10).await.unwrap();
    assert!(recorded.actions.is_empty());
}

#[tokio::test]
async fn exit_is_refused_by_name_while_a_debit_is_in_doubt() {
    let platform = platform(true, 100_000).await;
    platform.run_until("2015-05-02T01:00").await;
    pay(&platform, "500.00").await;
    charge_hundred_yuan(&platform, "2015-05-02").await;
    platform.stack.alipay.fail_next(Method::Pay, Fault::NoAnswerAfterEffect, 1);
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 3);
    platform.lose_notifications();
    platform.run_until("2015-05-03T10:00:01").await;
    let refused = ask(&platform, "exit", give_back()).await;
    let why = refused.phase.to_string();
    assert!(why.contains("debit 1 is collecting ¥100.00"), "{why}");
    let nothing = ask(&platform, "d", json!({ "kind": "draw_deposit", "provider": "a" })).await;
    assert!(nothing.phase.to_string().contains("nothing can be drawn"), "{}", nothing.phase);
    assert_eq!(told(&platform).await, "500.00 of 500.00, 0.00 missing ");
    platform.run_until("2015-05-03T16:00").await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    let done = ask_and_approve(&platform, "exit-2", give_back()).await;
    assert_eq!(returned(&done), [0, 50_000, 0]);
    platform.run_until("2015-05-03T20:00").await;
    platform.books_balance().await;
}

#[tokio::test]
async fn return_that_alipay_refuses_is_held_as_before_and_goes_back_by_a_transfer() {
    let platform = platform(true, 0).await;
    let number = pay(&platform, "500.00").await;
    platform.recharge("a", 7_000, "bank-7").await;
    let sub_code = "ACQ.TRADE_HAS_FINISHED".to_owned();
    let refused = Fault::Refused { code: "40004".to_owned(), sub_code };
    platform.stack.alipay.fail_next(Method::Refund, refused, 1);
    let done = ask_and_approve(&platform, "exit", give_back()).await;
    assert_eq!(returned(&done), [0, 50_000, 0]);
    platform.run_until("2015-05-01T23:00").await;
    let account = platform.found("a").await.account;
    assert_eq!(account.figures.deposit(), fen(50_000), "it is no prepaid money");
    assert_eq!(platform.account("a").await, [7_000, 0, 0]);

    // A refund by an operator's own decision never takes from it, and nor does a second return by
    // Alipay.
    let (books, now, a) = (platform.books(), platform.stack.clock.now(), "a".parse().unwrap());
    let number = RefundRef {
        out_trade_no: number.try_into().unwrap(),
        out_request_no: "F1".to_owned().try_into().unwrap(),
    };
    let asked = books.ask_refund(&a, &number, fen(100), &reason("by mail"), now).await.unwrap();
    assert_eq!(asked, RefundAsked::OfDeposit);
    let again = ask(&platform, "exit-2", give_back()).await;
    assert!(again.phase.to_string().contains("return ¥500.00 by a bank transfer"));
    let book = json!({
        "kind": "book_deposit_return", "provider": "a", "amount_fen": 50_000, "reference": "bank-9",
    });
    let done = ask_and_approve(&platform, "exit-3", book).await;
    assert_eq!(returned(&done), [0, 50_000, 0]);
    assert_eq!(platform.account("a").await, [7_000, 0, 0]);
    platform.books_balance_late(&[]).await;
}

#[tokio::test]
async fn payment_of_a_deposit_that_alipay_reverses_is_taken_from_it_and_what_was_drawn_is_owed_again()
 {
    let platform = platform(false, 0).await;
    platform.run_until("2015-05-02T01:00").await;
    let number = pay(&platform, "500.00").await;
    platform.recharge("a", 3_000, "bank-7").await;
    charge_hundred_yuan(&platform, "2015-05-02").await;
    platform.run_until("2015-05-03T01:00").await;
    assert_eq!(platform.account("a").await, [0, 7_000, 0]);
    ask(&platform, "draw", json!({ "kind": "draw_deposit", "provider": "a" })).await;
    assert_eq!(platform.account("a").await, [0, 0, 0]);
    let now = platform.stack.clock.now();
    platform.stack.alipay.reverse_trade(&number, fen(50_000), now).unwrap();
    platform.deliver().await;
    platform.run_until("2015-05-03T09:00").await;
    assert_eq!(platform.account("a").await, [0, 7_000, 0]);
    assert_eq!(told(&platform).await, "0.00 of 500.00, 500.00 missing 2015-05-12");
    platform.books_balance().await;
}

#[tokio::test]
async fn payment_of_a_deposit_that_no_notification_and_no_query_told_of_is_found_by_the_bill() {
    let platform = platform(false, 0).await;
    let asked = json!({ "provider": "a", "amount": "500.00", "way": "page", "purpose": "deposit" });
    let (status, offered) = platform.ask(RECHARGES_PATH, &asked).await;
    assert_eq!(status, 201, "{offered}");
    platform.open_page(offered["page"].as_str().unwrap()).await;
    platform.lose_notifications();
    platform.stack.alipay.fail_next(Method::Query, Fault::NoAnswerBeforeEffect, 1_000);
    platform.pay_trade(offered["out_trade_no"].as_str().unwrap());
    platform.run_until("2015-05-02T09:00").await;
    assert_eq!(platform.found("a").await.account.figures.deposit(), Fen::ZERO);
    platform.run_until("2015-05-02T12:00").await;
    assert_eq!(platform.found("a").await.account.figures.deposit(), fen(50_000));
    assert_eq!(platform.account("a").await, [0, 0, 0]);
}
