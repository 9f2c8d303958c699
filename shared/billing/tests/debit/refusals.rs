//! What a debit does about each class of refusal.

use steelyard_billing::{Debit, DeclineReason, GiveUpReason, PayAnswer, Phase, QueryAnswer, Step};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::inputs::{
    Input, NOW, after, after_all, code, declined_at, in_phase, paid_fen, pay_declined_for, pending,
    query_closed, query_paid, sent, then,
};

#[test]
fn a_refusal_that_no_later_try_can_mend_gives_up_what_a_query_proves_unpaid() {
    for (answer, why, ends_mandate, declines) in [
        (pay_declined_for(DeclineReason::AmountCap), GiveUpReason::AmountCap(code()), false, 1),
        (Input::Pay(PayAnswer::MandateDead(code())), GiveUpReason::MandateDead(code()), true, 0),
        (Input::Pay(PayAnswer::PayerBlocked(code())), GiveUpReason::PayerBlocked(code()), true, 0),
    ] {
        let debit = after_all(&[sent(NOW), (NOW, answer)]);
        assert_eq!((debit.next_step(at(NOW)), debit.is_open()), (Step::Query, true));
        assert_eq!((debit.declines.len(), debit.task.retries), (declines, 0), "{why}");
        assert_eq!(debit.given_up(), None, "{why}: it is not proved");
        // An earlier request under the same number may have been paid.
        assert!(then(&debit, &[(NOW, query_paid())]).payment().is_some(), "{why}");
        let closing = then(&debit, &[(NOW, pending())]);
        assert_eq!(closing.next_step(at(NOW)), Step::Close, "{why}");
        let ended = then(&closing, &[(NOW, Input::Closed), (NOW, query_closed())]);
        assert_eq!(ended.given_up(), Some(&why));
        assert_eq!(why.ends_mandate(), ends_mandate, "{why}");
    }
}

#[test]
fn only_a_dead_mandate_and_a_blocked_payer_end_a_mandate() {
    for (why, ends_mandate, text) in [
        (GiveUpReason::Funds, false, "too little money on each day"),
        (GiveUpReason::AmountCap(code()), false, "the amount is above a limit: ACQ.SOME_CODE"),
        (GiveUpReason::Window(code()), false, "not allowed on any of the days: ACQ.SOME_CODE"),
        (GiveUpReason::MandateDead(code()), true, "the mandate is dead: ACQ.SOME_CODE"),
        (GiveUpReason::PayerBlocked(code()), true, "the payer is blocked: ACQ.SOME_CODE"),
        (GiveUpReason::ByOperator, false, "given up by a person"),
    ] {
        assert_eq!((why.ends_mandate(), &*why.to_string()), (ends_mandate, text));
    }
}

#[test]
fn a_debit_whose_mandate_is_gone_before_a_retry_is_queried_and_closed_before_it_ends() {
    let declined = after_all(&declined_at(&["2015-05-16 10:00"]));
    let checking = then(&declined, &[(NOW, Input::WithoutMandate)]);
    assert_eq!(checking.phase, Phase::Checking { why: GiveUpReason::MandateDead(code()) });
    assert_eq!(checking.next_step(at(NOW)), Step::Query);
    assert!(then(&checking, &[(NOW, query_paid())]).payment().is_some());
}

#[test]
fn an_amount_off_by_a_fen_is_held_and_not_a_payment() {
    let sent = in_phase("sending");
    let checking = in_phase("checking");
    let rechecking = in_phase("rechecking");
    let confirming = in_phase("confirming");
    for fen in [0, 1, 1233, 1235, -1234, i64::MAX] {
        let pay = Input::Pay(PayAnswer::Paid(paid_fen(fen)));
        let query = Input::Query(QueryAnswer::Paid(paid_fen(fen)));
        let cases: [(&Debit, &Input); 5] = [
            (&sent, &pay),
            (&sent, &query),
            (&checking, &query),
            (&confirming, &query),
            (&rechecking, &query),
        ];
        for (debit, input) in cases {
            let held = after(debit, input, at(NOW)).unwrap();
            let taken = Fen::new(fen);
            let why =
                format!("¥12.34 were asked for, but ¥{taken} taken by trade 2015051721001004");
            assert_eq!(held.phase, Phase::Held { why, found: None });
            assert_eq!((held.payment(), held.reserved()), (None, Fen::new(1234)));
            assert_eq!(held.next_step(at("2015-05-18 10:00")), Step::Report);
        }
    }
}

#[test]
fn a_request_of_our_own_making_that_is_wrong_is_held_for_a_person() {
    let held = in_phase("held");
    let why = "our request is wrong: ACQ.SOME_CODE".to_owned();
    assert_eq!(held.phase, Phase::Held { why, found: None });
    assert_eq!((held.declines.len(), held.is_open()), (0, true));
}
