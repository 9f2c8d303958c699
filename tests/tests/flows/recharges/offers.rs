//! Offers: a recharge is offered under a number of its own, as a page or as a code.

use super::*;

#[tokio::test]
async fn recharge_is_offered_as_a_page_or_as_a_code_under_the_next_number() {
    let platform = empty().await;
    for (number, way) in [(1, "page"), (2, "code")] {
        let offered = platform.offer_recharge("a", "100.00", way).await;
        let stored = recharge(&platform, number).await.unwrap();
        assert_eq!(stored.phase, RechargePhase::Offered);
        assert_eq!(stored.amount_fen, fen(10_000));
        let out_trade_no = stored.out_trade_no.as_str();
        assert!(out_trade_no.ends_with(&format!("_R{number}")), "{out_trade_no}");
        let expected = json!({
            "provider": "a", "recharge": number, "out_trade_no": out_trade_no,
            "amount": "100.00", way: offered[way],
        });
        assert_eq!(offered, expected);
        let address = format!("http://{}/", platform.stack.address);
        assert!(offered[way].as_str().unwrap().starts_with(&address), "{offered}");
    }
    check(&platform, [0, 0, 0], 0).await;
}

#[tokio::test]
async fn way_that_is_not_named_is_a_page() {
    let platform = empty().await;
    let asked = json!({ "provider": "a", "amount": "0.01" });
    let (status, offered) = platform.ask(RECHARGES_PATH, &asked).await;
    assert_eq!(status, 201);
    platform.open_page(offered["page"].as_str().unwrap()).await;
    assert_eq!(trade_status(&platform), [TradeStatus::WaitBuyerPay]);
}

#[tokio::test]
async fn recharge_that_cannot_be_is_refused_by_name_and_none_is_numbered() {
    let platform = empty().await;
    let of = |provider: &str, amount: &str| json!({ "provider": provider, "amount": amount });
    for (asked, status, kind) in [
        (of("nobody", "100.00"), 404, "no-provider"),
        (of("a", "0.00"), 422, "amount"),
        (of("a", "-1.00"), 422, "amount"),
        (of("a", "100000000.01"), 422, "amount"),
        (of("a", "0.001"), 422, "amount"),
        (of("a", "1e2"), 422, "amount"),
        (of("a", "one"), 422, "amount"),
        (of("a", ""), 422, "amount"),
        (of("a provider", "100.00"), 400, "malformed-request"),
        (json!({ "provider": "a", "amount": 100 }), 400, "malformed-request"),
        (json!({ "provider": "a" }), 400, "malformed-request"),
        (json!({ "amount": "100.00" }), 400, "malformed-request"),
        (json!({ "provider": "a", "amount": "1.00", "way": "cash" }), 400, "malformed-request"),
        (json!({ "provider": "a", "amount": "1.00", "to": "b" }), 400, "malformed-request"),
    ] {
        let (answered, problem) = platform.ask(RECHARGES_PATH, &asked).await;
        let named = problem["type"].as_str().unwrap().to_owned();
        let expected = (status, format!("tag:steelyard,2026:{kind}"));
        assert_eq!((answered, named), expected, "{asked}: {problem}");
    }
    assert_eq!(recharge(&platform, 1).await, None);
    assert_eq!(platform.offer_recharge("a", "100000000.00", "page").await["recharge"], 1);
}

#[tokio::test]
async fn recharge_is_asked_for_by_post_only() {
    let platform = empty().await;
    let event = http_event(&HttpMethod::GET, RECHARGES_PATH, &HeaderMap::new(), b"");
    let answer = platform.stack.functions.offers.invoke(event).await.unwrap();
    assert_eq!(answer["statusCode"], 405);
}

#[tokio::test]
async fn code_that_alipay_does_not_give_is_no_offer_and_its_recharge_lapses() {
    for fault in [
        Fault::NoAnswerAfterEffect,
        Fault::NoAnswerBeforeEffect,
        Fault::Garbage,
        Fault::Refused { code: "40006".to_owned(), sub_code: "isv.permissions".to_owned() },
    ] {
        let platform = empty().await;
        platform.stack.alipay.fail_next(Method::Precreate, fault.clone(), 1);
        let asked = json!({ "provider": "a", "amount": "100.00", "way": "code" });
        let (status, problem) = platform.ask(RECHARGES_PATH, &asked).await;
        assert_eq!((status, &problem["type"]), (502, &json!("tag:steelyard,2026:no-code")));
        platform.run_until("2015-05-02T21:00").await;
        assert_eq!(phase(&platform, 1).await, RechargePhase::Lapsed, "{fault:?}");
        check(&platform, [0, 0, 0], 0).await;
    }
}

#[tokio::test]
async fn two_recharges_at_once_get_two_numbers_and_are_both_credited() {
    for behind in 0..6 {
        let platform = empty().await;
        let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
        let [one, two] = machines.each_ref().map(|machine| machine.offers(&platform));
        let (one, two) = join(one.invoke(offering()), two.invoke(offering())).await;
        let mut numbers = [one, two].map(|answer| offered(&answer.unwrap()));
        numbers.sort();
        assert!(numbers[0].0 == 1 && numbers[1].0 == 2, "{behind} behind: {numbers:?}");
        for (_, page, out_trade_no) in &numbers {
            platform.open_page(page).await;
            platform.pay_trade(out_trade_no);
        }
        platform.deliver().await;
        check(&platform, [20_000, 0, 0], 2).await;
    }
}

#[tokio::test]
async fn recharge_whose_offer_dies_is_offered_anew_and_credited_once() {
    for way in ["page", "code"] {
        let platform = empty().await;
        platform.stack.transport.meter().take();
        platform.offer_recharge("a", "100.00", way).await;
        // The first number of all makes the realm, too.
        assert_eq!(platform.stack.transport.meter().take().writes(), 2);
        for write in 1..=2 {
            for fault in [AwsFault::CutBefore, AwsFault::CutAfter] {
                check_offer_that_dies(way, write, fault).await;
            }
        }
    }
}

async fn check_offer_that_dies(way: &str, write: u64, fault: AwsFault) {
    let platform = empty().await;
    platform.stack.transport.faults().strike(Target::Writes, write..=write, fault);
    let asked = json!({ "provider": "a", "amount": "100.00", "way": way });
    let (status, problem) = platform.ask(RECHARGES_PATH, &asked).await;
    assert_eq!((status, &problem["type"]), (503, &json!("tag:steelyard,2026:unavailable")));
    platform.stack.transport.faults().restore();
    // What was stored and never answered is nobody's to pay; the next offer has its own number.
    let is_stored = recharge(&platform, 1).await.is_some();
    assert_eq!(is_stored, write == 2 && fault == AwsFault::CutAfter);
    let number = platform.open_recharge("a", "100.00", way).await;
    assert!(number.ends_with(if is_stored { "_R2" } else { "_R1" }), "{number}");
    platform.pay_trade(&number);
    platform.run_until("2015-05-03T12:00").await;
    check(&platform, [10_000, 0, 0], 1).await;
    if is_stored {
        assert_eq!(phase(&platform, 1).await, RechargePhase::Lapsed);
    }
}

#[tokio::test]
async fn recharge_whose_offer_meets_faults_of_aws_is_offered_and_credited_once() {
    for (fault, ordinals) in [
        (AwsFault::LoseAnswer, 1..=1),
        (AwsFault::LoseAnswer, 1..=2),
        (AwsFault::Throttle, 1..=2),
        (AwsFault::Conflict, 1..=2),
        (AwsFault::LoseRequest, 1..=2),
    ] {
        let platform = empty().await;
        platform.stack.transport.faults().strike(Target::Writes, ordinals, fault);
        platform.paid_recharge("a", "100.00").await;
        platform.run_until("2015-05-03T12:00").await;
        check(&platform, [10_000, 0, 0], 1).await;
    }
}
