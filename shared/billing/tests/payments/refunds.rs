//! Refunds.

use expect_test::expect;
use steelyard_billing::{
    Doubt, GatewayCode, Learned, Refund, RefundAnswer, RefundConflict, RefundPhase,
    RefundQueryAnswer, RefundStep,
};
use steelyard_pricing::Fen;

use crate::{DEBIT, NOW, RECHARGE, at, check_stored, clock, number, shop};

fn asked() -> Refund {
    Refund::ask(&shop(), number(RECHARGE), RECHARGE, Fen::new(500), "by mail", at(NOW))
}

fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

fn every_phase() -> [(&'static str, Refund); 5] {
    let with = |phase| Refund { phase, ..asked() };
    [
        ("due", asked()),
        ("sending", with(RefundPhase::Sending)),
        ("refusing", with(RefundPhase::Refusing { code: code() })),
        ("done", with(RefundPhase::Done)),
        ("refused", with(RefundPhase::Refused { code: code() })),
    ]
}

fn phase(refund: &Refund) -> &'static str {
    match refund.phase {
        RefundPhase::Due => "due",
        RefundPhase::Sending => "sending",
        RefundPhase::Refusing { .. } => "refusing",
        RefundPhase::Done => "done",
        RefundPhase::Refused { .. } => "refused",
    }
}

fn row(from: &str, input: &str, after: Result<Refund, RefundConflict>) -> Option<String> {
    let after = after.ok()?;
    let (to, visit) = (phase(&after), clock(after.due_at()));
    Some(format!("{from:8} | {input:22} | {to:8} {visit:11} | {}", after.doubts))
}

#[test]
fn every_answer_in_every_phase_has_one_outcome() {
    let mut rows = Vec::new();
    for (from, refund) in every_phase() {
        let now = at(NOW);
        rows.extend(row(from, "sent", refund.sending(now)));
        for (name, answer) in [
            ("refund: done", RefundAnswer::Refunded { total_fen: Fen::new(700) }),
            ("refund: account short", RefundAnswer::OwnAccount(code())),
            ("refund: refused", RefundAnswer::Refused(code())),
            ("refund: in doubt", RefundAnswer::InDoubt(Doubt("x".to_owned()))),
        ] {
            rows.extend(row(from, name, refund.after_refund(answer, now)));
        }
        for (name, answer) in [
            ("query: done", RefundQueryAnswer::Refunded { amount_fen: Fen::new(500) }),
            ("query: a fen more", RefundQueryAnswer::Refunded { amount_fen: Fen::new(501) }),
            ("query: not done", RefundQueryAnswer::NotRefunded),
            ("query: in doubt", RefundQueryAnswer::InDoubt(Doubt("x".to_owned()))),
        ] {
            rows.extend(row(from, name, refund.after_query(answer, now)));
        }
        for fen in [500, 501] {
            let to = match refund.learn_done(Fen::new(fen), now) {
                Learned::Known => "known".to_owned(),
                Learned::New(after) => phase(&after).to_owned(),
                Learned::Contradicts => "CONTRADICTS".to_owned(),
            };
            rows.push(format!("{from:8} | bill: {fen:16} | {to}"));
        }
        rows.push(format!("{from:8} | everything else        | REFUSED"));
    }
    expect![[r#"
        due      | sent                   | sending  05-17 10:01 | 0
        due      | bill:              500 | done
        due      | bill:              501 | CONTRADICTS
        due      | everything else        | REFUSED
        sending  | refund: done           | done     never       | 0
        sending  | refund: account short  | due      05-17 11:00 | 0
        sending  | refund: refused        | refusing 05-17 10:01 | 0
        sending  | refund: in doubt       | sending  05-17 10:01 | 1
        sending  | query: done            | done     never       | 0
        sending  | query: a fen more      | sending  05-17 10:01 | 1
        sending  | query: not done        | due      05-17 10:00 | 0
        sending  | query: in doubt        | sending  05-17 10:01 | 1
        sending  | bill:              500 | done
        sending  | bill:              501 | CONTRADICTS
        sending  | everything else        | REFUSED
        refusing | query: done            | done     never       | 0
        refusing | query: a fen more      | refusing 05-17 10:01 | 1
        refusing | query: not done        | refused  never       | 0
        refusing | query: in doubt        | refusing 05-17 10:01 | 1
        refusing | bill:              500 | done
        refusing | bill:              501 | CONTRADICTS
        refusing | everything else        | REFUSED
        done     | bill:              500 | known
        done     | bill:              501 | CONTRADICTS
        done     | everything else        | REFUSED
        refused  | bill:              500 | CONTRADICTS
        refused  | bill:              501 | CONTRADICTS
        refused  | everything else        | REFUSED"#]]
    .assert_eq(&rows.join("\n"));
}

#[test]
fn a_refund_is_asked_for_only_while_nothing_is_known_to_be_on_its_way() {
    for (name, step) in [
        ("due", RefundStep::Ask),
        ("sending", RefundStep::Query),
        ("refusing", RefundStep::Query),
        ("done", RefundStep::Wait),
        ("refused", RefundStep::Wait),
    ] {
        let (_, refund) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        assert_eq!(refund.next_step(at("2015-05-17 09:59")), RefundStep::Wait, "{name}, early");
        assert_eq!(refund.next_step(at(NOW)), step, "{name}");
        assert_eq!(refund.due_at().is_some(), step != RefundStep::Wait, "{name}");
    }
}

#[test]
fn a_refund_in_every_phase_is_read_as_it_was_stored() {
    for (_, refund) in every_phase() {
        check_stored(&refund);
        check_stored(&Refund { of: DEBIT, ..refund });
    }
}
