//! Recharges.

use expect_test::{expect, expect_file};
use steelyard_billing::{
    DEBIT_MAX, Doubt, Outcome, QueryAnswer, Realm, Recharge, RechargeAmountError, RechargeId,
    RechargePhase,
};
use steelyard_pricing::Fen;

use crate::common::at;
use crate::realm::realm;
use crate::{NOW, clock, payment, shop, stored};

fn offered() -> Recharge {
    Recharge::offer(&realm(), &shop(), RechargeId(3), Fen::new(1234), at(NOW)).unwrap()
}

fn every_phase() -> [(&'static str, Recharge); 3] {
    let with = |phase| Recharge { phase, ..offered() };
    [
        ("offered", offered()),
        ("paid", with(RechargePhase::Paid { trade_no: "T".to_owned() })),
        ("lapsed", with(RechargePhase::Lapsed)),
    ]
}

fn phase(recharge: &Recharge) -> &'static str {
    match recharge.phase {
        RechargePhase::Offered => "offered",
        RechargePhase::Paid { .. } => "paid",
        RechargePhase::Lapsed => "lapsed",
    }
}

#[test]
fn every_proof_and_answer_in_every_phase_has_one_outcome() {
    let mut rows = Vec::new();
    for (from, recharge) in every_phase() {
        for (name, proof) in [
            ("its amount", payment("T", 1234)),
            ("a fen more", payment("T", 1235)),
            ("another trade", payment("U", 1234)),
        ] {
            let to = match recharge.after_proof(&proof) {
                Outcome::Unchanged => "unchanged",
                Outcome::Changed(after) => {
                    assert_eq!((after.payment(), after.due_at()), (Some(proof), None));
                    phase(&after)
                }
                Outcome::Contradicts => "CONTRADICTS",
            };
            rows.push(format!("{from:8} | proof: {name:13} | {to}"));
        }
        for (name, answer) in [
            ("pending", QueryAnswer::Pending),
            ("not found", QueryAnswer::NotFound),
            ("closed", QueryAnswer::Closed),
            ("in doubt", QueryAnswer::InDoubt(Doubt("x".to_owned()))),
            // A payment is proof: `after_proof` takes it. Here it keeps the recharge from lapsing.
            ("paid", QueryAnswer::Paid(payment("T", 1234))),
        ] {
            for time in ["2015-05-18 09:59", "2015-05-18 10:00"] {
                let after = recharge.after_query(&answer, at(time));
                let visit = clock(after.due_at());
                rows.push(format!("{from:8} | {time}: {name:9} | {:8} {visit}", phase(&after)));
            }
        }
    }
    expect_file!["recharges.txt"].assert_eq(&(rows.join("\n") + "\n"));
}

#[test]
fn a_recharge_is_queried_after_1_3_10_30_60_minutes_and_then_every_hour() {
    let mut recharge = offered();
    let mut waits = Vec::new();
    let mut now = at(NOW);
    for _ in 0..7 {
        let due = recharge.due_at().unwrap();
        waits.push((due - now).get_seconds() / 60);
        now = due;
        recharge = recharge.after_query(&QueryAnswer::Pending, now);
    }
    assert_eq!(waits, [1, 3, 10, 30, 60, 60, 60]);
}

#[test]
fn an_amount_that_alipay_does_not_take_is_not_offered() {
    let offer = |fen| Recharge::offer(&realm(), &shop(), RechargeId(1), fen, at(NOW));
    for fen in [Fen::ZERO, Fen::new(-1), DEBIT_MAX.plus(Fen::new(1)).unwrap()] {
        assert_eq!(offer(fen), Err(RechargeAmountError::Range(fen)));
    }
    assert!(offer(DEBIT_MAX).is_ok());
}

#[test]
fn the_number_of_a_recharge_names_the_realm_the_provider_and_the_recharge() {
    let offer = |realm: &Realm, id| {
        Recharge::offer(realm, &shop(), RechargeId(id), Fen::new(1), at(NOW)).unwrap()
    };
    let first = offer(&realm(), 3).out_trade_no;
    assert_eq!(first.as_str(), "SYk3x9ab_8d9001d32c6a703d_R3");
    assert_ne!(offer(&Realm::parse("000000").unwrap(), 3).out_trade_no, first);
    assert_ne!(offer(&realm(), 4).out_trade_no, first);
}

#[test]
fn a_recharge_in_every_phase_is_read_as_it_was_stored() {
    let texts = every_phase().map(|(_, recharge)| stored(&recharge));
    expect![[r#"
        {"provider":"shop","recharge":3,"version":0,"due_at_s":1431828060,"retries":1,"amount_fen":1234,"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","offered_at_s":1431828000,"phase":"offered"}
        {"provider":"shop","recharge":3,"version":0,"due_at_s":1431828060,"retries":1,"amount_fen":1234,"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","offered_at_s":1431828000,"phase":"paid","trade_no":"T"}
        {"provider":"shop","recharge":3,"version":0,"due_at_s":1431828060,"retries":1,"amount_fen":1234,"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","offered_at_s":1431828000,"phase":"lapsed"}"#]]
    .assert_eq(&texts.join("\n"));
    let queried = offered().after_query(&QueryAnswer::Pending, at(NOW));
    expect![[r#"{"provider":"shop","recharge":3,"version":0,"due_at_s":1431828180,"retries":2,"amount_fen":1234,"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_R3","offered_at_s":1431828000,"phase":"offered"}"#]].assert_eq(&stored(&queried));
}
