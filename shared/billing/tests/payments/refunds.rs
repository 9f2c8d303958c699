//! Refunds: every phase by every answer, and what is reported of them.

use expect_test::{expect, expect_file};
use jiff::Timestamp;
use steelyard_billing::{
    Doubt, GatewayCode, OutRequestNo, Outcome, Reason, Refund, RefundAnswer, RefundConflict,
    RefundFrom, RefundPhase, RefundQueryAnswer, RefundRef, RefundStep,
};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::{DEBIT, NOW, RECHARGE, clock, number, shop, stored};

/// The inputs of a refund.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// It is about to be sent.
    Sent,
    Answer(RefundAnswer),
    Query(RefundQueryAnswer),
    /// A row of a bill says that this much was given back, in fen.
    Bill(i64),
    Reported,
    Acknowledged,
}

/// Why an input is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Conflict(RefundConflict),
    /// The row of the bill contradicts what is recorded.
    Contradicts,
}

pub(crate) fn asked() -> Refund {
    let reason = Reason::new("by mail").unwrap();
    Refund::ask(&shop(), number(RECHARGE), RECHARGE, Fen::new(500), reason, at(NOW))
}

pub(crate) fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

pub(crate) fn done() -> Input {
    Input::Answer(RefundAnswer::Refunded { total_fen: Fen::new(700) })
}

pub(crate) fn refused() -> Input {
    Input::Answer(RefundAnswer::Refused(code()))
}

pub(crate) fn in_doubt() -> Input {
    Input::Answer(RefundAnswer::InDoubt(Doubt("x".to_owned())))
}

pub(crate) fn not_refunded() -> Input {
    Input::Query(RefundQueryAnswer::NotRefunded)
}

pub(crate) fn found_refunded(fen: i64) -> Input {
    Input::Query(RefundQueryAnswer::Refunded { amount_fen: Fen::new(fen) })
}

/// The only place of these tests that moves a refund.
pub(crate) fn after(refund: &Refund, input: &Input, now: Timestamp) -> Result<Refund, Refused> {
    let after = match input {
        Input::Sent => refund.sending(now),
        Input::Answer(answer) => refund.after_refund(answer.clone(), now),
        Input::Query(answer) => refund.after_query(answer.clone(), now),
        Input::Reported => refund.reported(now),
        Input::Acknowledged => refund.acknowledged(Reason::new("he was told").unwrap()),
        Input::Bill(fen) => {
            return match refund.after_proof(Fen::new(*fen), now) {
                Outcome::Changed(after) => Ok(after),
                Outcome::Unchanged => Ok(refund.clone()),
                Outcome::Contradicts => Err(Refused::Contradicts),
            };
        }
    };
    after.map_err(|conflict| {
        let expected = RefundConflict { number: refund.number(), phase: refund.phase.clone() };
        assert_eq!(conflict, expected, "the error says what was recorded");
        Refused::Conflict(conflict)
    })
}

/// A refund after inputs, each at its time on 17 May.
pub(crate) fn after_all(inputs: &[(&str, Input)]) -> Refund {
    inputs.iter().fold(asked(), |refund, (time, input)| {
        after(&refund, input, at(&format!("2015-05-17 {time}"))).unwrap()
    })
}

fn every_phase() -> Vec<(&'static str, Refund)> {
    let doubted = [("09:59:50", Input::Sent), ("09:59:50", in_doubt())];
    let again = [("09:59:55", not_refunded()), ("09:59:58", Input::Sent)];
    let refused_once = [("09:50", Input::Sent), ("09:50", refused())];
    let refused = [&refused_once[..], &[("10:00", not_refunded())]].concat();
    let second = [&doubted[..], &again, &[("09:59:59", self::refused())]].concat();
    vec![
        ("due", asked()),
        ("sending", after_all(&[("10:00", Input::Sent)])),
        ("sending, in doubt", after_all(&doubted)),
        ("sending, 2nd request", after_all(&[&doubted[..], &again].concat())),
        ("confirming", after_all(&refused_once)),
        ("confirming, unanswered", after_all(&second)),
        ("done", after_all(&[("10:00", Input::Sent), ("10:00", done())])),
        ("refused", after_all(&refused)),
        ("acknowledged", after_all(&[&refused[..], &[("10:00", Input::Acknowledged)]].concat())),
    ]
}

fn every_input() -> Vec<(&'static str, Input)> {
    vec![
        ("sent", Input::Sent),
        ("refund: done", done()),
        ("refund: account short", Input::Answer(RefundAnswer::OwnAccount(code()))),
        ("refund: refused", refused()),
        ("refund: in doubt", in_doubt()),
        ("query: done", found_refunded(500)),
        ("query: a fen more", found_refunded(501)),
        ("query: not done", not_refunded()),
        ("query: in doubt", Input::Query(RefundQueryAnswer::InDoubt(Doubt("x".to_owned())))),
        ("bill: 500", Input::Bill(500)),
        ("bill: 501", Input::Bill(501)),
        ("reported", Input::Reported),
        ("acknowledged", Input::Acknowledged),
    ]
}

fn phase(refund: &Refund) -> &'static str {
    match refund.phase {
        RefundPhase::Due => "due",
        RefundPhase::Sending => "sending",
        RefundPhase::Confirming { .. } => "confirming",
        RefundPhase::Done => "done",
        RefundPhase::Refused { acknowledged: None, .. } => "refused",
        RefundPhase::Refused { acknowledged: Some(_), .. } => "acknowledged",
    }
}

/// How many of its requests nobody has answered.
fn unanswered(refund: &Refund) -> usize {
    serde_json::to_value(&refund.unanswered_at_s).unwrap().as_array().unwrap().len()
}

fn note(refund: &Refund) -> String {
    let (to, due) = (phase(refund), clock(refund.due_at()));
    format!("{to:12} {due:11} | {} {}", refund.task.retries, unanswered(refund))
}

#[test]
fn every_input_in_every_phase_has_one_outcome() {
    let mut rows = vec![format!(
        "{:22} | {:21} | {:24} | retries unanswered",
        "from", "input on 05-17 10:00", "to"
    )];
    for (from, refund) in every_phase() {
        rows.push(format!("{from:22} | {:21} | {}", "-", note(&refund)));
        for (name, input) in every_input() {
            let to = match after(&refund, &input, at(NOW)) {
                Ok(same) if same == refund => "UNCHANGED".to_owned(),
                Ok(after) => note(&after),
                Err(Refused::Contradicts) => "CONTRADICTS".to_owned(),
                Err(Refused::Conflict(_)) => continue,
            };
            rows.push(format!("{from:22} | {name:21} | {to}"));
        }
        rows.push(format!("{from:22} | everything else       | REFUSED"));
    }
    expect_file!["refunds.txt"].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn a_refund_is_sent_only_while_nothing_is_known_to_be_on_its_way() {
    for (name, step) in [
        ("due", RefundStep::Send),
        ("sending", RefundStep::Query),
        ("sending, in doubt", RefundStep::Query),
        ("sending, 2nd request", RefundStep::Query),
        ("confirming", RefundStep::Query),
        ("confirming, unanswered", RefundStep::Query),
        ("done", RefundStep::Wait),
        ("refused", RefundStep::Report),
        ("acknowledged", RefundStep::Wait),
    ] {
        let (_, refund) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        let due = refund.task.due_at_s;
        let second = jiff::SignedDuration::from_secs(1);
        assert_eq!(refund.next_step(due - second), RefundStep::Wait, "{name}, early");
        assert_eq!(refund.next_step(due), step, "{name}");
        assert_eq!(refund.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(refund.due_at(), (step != RefundStep::Wait).then_some(due), "{name}");
        assert_eq!(refund.counts(), !["refused", "acknowledged"].contains(&name), "{name}");
    }
}

#[test]
fn a_refused_refund_is_reported_daily_until_a_person_acknowledges_it() {
    let mut refund =
        after_all(&[("10:00", Input::Sent), ("10:00", refused()), ("10:01", not_refunded())]);
    let mut reports = Vec::new();
    for _ in 0..3 {
        let due = refund.due_at().unwrap();
        assert_eq!(refund.next_step(due), RefundStep::Report);
        reports.push(clock(Some(due)));
        refund = after(&refund, &Input::Reported, due).unwrap();
    }
    assert_eq!(reports, ["05-17 10:01", "05-18 10:01", "05-19 10:01"]);
    let reason = Reason::new("he was told").unwrap();
    let acknowledged = refund.acknowledged(reason.clone()).unwrap();
    let refused = RefundPhase::Refused { code: code(), acknowledged: Some(reason) };
    assert_eq!((&acknowledged.phase, acknowledged.due_at()), (&refused, None));
    assert!(!acknowledged.counts(), "what it set aside stays free");
}

#[test]
fn the_money_of_a_recharge_or_of_found_money_is_prepaid_and_that_of_a_debit_is_ours() {
    let of = |of| {
        let reason = Reason::new("by mail").unwrap();
        Refund::ask(&shop(), number(of), of, Fen::new(500), reason, at(NOW))
    };
    assert_eq!(of(RECHARGE).from, RefundFrom::Prepaid);
    assert_eq!(of(DEBIT).from, RefundFrom::Goodwill);
    assert_eq!(of(DEBIT).of_found_money().from, RefundFrom::Prepaid);
    let number = RefundRef {
        out_request_no: OutRequestNo::parse("F1").unwrap(),
        out_trade_no: "SYk3x9ab_8d9001d32c6a703d_D7_1".to_owned().try_into().unwrap(),
    };
    assert_eq!(of(DEBIT).number(), number);
}

#[test]
fn a_refund_in_every_phase_is_read_as_it_was_stored() {
    let texts = every_phase().into_iter().map(|(_, refund)| {
        stored(&Refund { of: DEBIT, ..refund.clone() });
        stored(&refund)
    });
    expect![[r#"
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828000,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"due"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828060,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"sending","unanswered_at_s":[1431828000]}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828050,"retries":1,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"sending","unanswered_at_s":[1431827990]}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828058,"retries":1,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"sending","unanswered_at_s":[1431827990,1431827998]}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431827460,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"confirming","code":"ACQ.SOME_CODE"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828059,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"confirming","code":"ACQ.SOME_CODE","unanswered_at_s":[1431827990]}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828000,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"done"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828000,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"refused","code":"ACQ.SOME_CODE"}
        {"provider":"shop","out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","out_request_no":"F1","of":{"recharge":3},"from":"prepaid","version":0,"due_at_s":1431828000,"amount_fen":500,"reason":"by mail","asked_at_s":1431828000,"phase":"refused","code":"ACQ.SOME_CODE","acknowledged":"he was told"}"#]].assert_eq(&texts.collect::<Vec<_>>().join("\n"));
}
