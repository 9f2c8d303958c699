//! What is stored of a debit is read as it was written, by this version and of the one before.

use expect_test::expect;
use serde_json::{Value, json};
use steelyard_billing::{Debit, GivenUp, Phase};

use crate::inputs::every_phase;

/// A debit as the version before stored it.
fn before(phase: Value) -> Debit {
    let mut stored = json!({
        "provider": "shop", "debit": 7, "version": 4, "amount_fen": 1234, "mandate": 1,
        "agreement_no": "20155245550001", "opened_at_s": 1_431_793_800, "attempt": 1,
        "out_trade_no": "SY_8d9001d32c6a703d95921a77115050f3_7_1", "request": "amount=12.34",
        "declines": 3, "doubts": 0, "due_at_s": 1_431_828_000,
    });
    stored.as_object_mut().unwrap().extend(phase.as_object().unwrap().clone());
    serde_json::from_value(stored).unwrap()
}

#[test]
fn a_debit_in_every_phase_is_read_as_it_was_stored() {
    for (name, debit) in every_phase() {
        let stored = serde_json::to_string(&debit).unwrap();
        assert_eq!(serde_json::from_str::<Debit>(&stored).unwrap(), debit, "{name}");
        let stored = serde_json::to_value(&debit).unwrap();
        assert_eq!(serde_json::from_value::<Debit>(stored).unwrap(), debit, "{name} as a value");
    }
}

#[test]
fn a_debit_that_was_stored_before_there_were_reasons_is_given_up_for_want_of_funds() {
    let given_up = GivenUp::Funds;
    for (stored, phase) in [
        (json!({"phase": "due"}), Phase::Due),
        (json!({"phase": "in_doubt", "why": "x"}), Phase::InDoubt { why: "x".to_owned() }),
        (
            json!({"phase": "exhausting", "close_sent": true}),
            Phase::Exhausting { close_sent: true, given_up: given_up.clone() },
        ),
        (json!({"phase": "closing"}), Phase::Closing { given_up: given_up.clone() }),
        (json!({"phase": "exhausted"}), Phase::Exhausted { given_up }),
    ] {
        let debit = before(stored);
        assert_eq!(debit.phase, phase);
        assert_eq!((debit.window_declines, debit.own_account_troubles), (0, 0));
        assert_eq!((debit.interventions, debit.found_payments), (vec![], vec![]));
    }
}

#[test]
fn what_a_debit_does_not_say_takes_no_room() {
    let stored = |name: &str| {
        let (_, debit) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        serde_json::to_string(&debit).unwrap()
    };
    expect![[r#"{"provider":"shop","debit":7,"version":0,"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","opened_at_s":1431793800,"attempt":1,"out_trade_no":"SY_8d9001d32c6a703d9592_D7_1","request":"amount=12.34","phase":"exhausted","declines":3,"doubts":0,"exchanges":[{"at_s":1431655200,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431741600,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"query","answer":"closed"}],"due_at_s":1431828000}"#]].assert_eq(&stored("exhausted"));
    expect![[r#"{"provider":"shop","debit":7,"version":0,"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","opened_at_s":1431793800,"attempt":1,"out_trade_no":"SY_8d9001d32c6a703d9592_D7_1","request":"amount=12.34","phase":"exhausted","given_up":{"because":"mandate_dead","code":"ACQ.SOME_CODE"},"declines":0,"doubts":0,"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"the mandate is dead: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"query","answer":"closed"}],"due_at_s":1431828000}"#]].assert_eq(&stored("ended, mandate dead"));
    expect![[r#"{"provider":"shop","debit":7,"version":0,"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","opened_at_s":1431793800,"attempt":1,"out_trade_no":"SY_8d9001d32c6a703d9592_D7_1","request":"amount=12.34","phase":"held","why":"our request is wrong: ACQ.SOME_CODE","declines":0,"doubts":0,"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"our request is wrong: ACQ.SOME_CODE"}],"due_at_s":1431828000}"#]].assert_eq(&stored("held"));
    expect![[r#"{"provider":"shop","debit":7,"version":0,"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","opened_at_s":1431793800,"attempt":1,"out_trade_no":"SY_8d9001d32c6a703d9592_D7_1","request":"amount=12.34","phase":"held","why":"our request is wrong: ACQ.SOME_CODE","ask":true,"declines":0,"doubts":0,"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"our request is wrong: ACQ.SOME_CODE"}],"interventions":[{"at_s":1431828000,"resolution":"ask","reason":"looked into it","was":"our request is wrong: ACQ.SOME_CODE"}],"due_at_s":1431828000}"#]].assert_eq(&stored("held, to be asked"));
}
