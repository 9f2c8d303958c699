//! What is stored of a debit is read as it was written, and takes no room for what it does not say.

use expect_test::expect;
use steelyard_billing::Debit;

use crate::inputs::{every_phase, in_phase};

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
fn what_a_debit_does_not_say_takes_no_room() {
    let stored = |name: &str| serde_json::to_string(&in_phase(name)).unwrap();
    let names = ["due", "sending", "in doubt", "given up", "held, rechecked", "withdrawn"];
    expect![[r#"
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431828000,"opened_at_s":1431793800,"phase":"due"}
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431828060,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000,"unanswered_at_s":[1431828000]}],"phase":"sending"}
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431828001,"retries":1,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000,"unanswered_at_s":[1431828000]}],"phase":"in_doubt","why":"no answer in 10 s","history":{"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"in doubt: no answer in 10 s"}]}}
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431828000,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000}],"phase":"given_up","why":{"because":"funds"},"declines":[{"at_s":1431568800,"reason":"funds","code":"ACQ.SOME_CODE"},{"at_s":1431655200,"reason":"funds","code":"ACQ.SOME_CODE"},{"at_s":1431828000,"reason":"funds","code":"ACQ.SOME_CODE"}],"history":{"exchanges":[{"at_s":1431568800,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431655200,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"query","answer":"closed"}]}}
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431914400,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000}],"phase":"held","why":"our request is wrong: ACQ.SOME_CODE","found":"it is not paid yet","history":{"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"our request is wrong: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"query","answer":"not paid yet"}],"interventions":[{"at_s":1431828000,"resolution":"ask","reason":"keys were mended","was":"our request is wrong: ACQ.SOME_CODE"}]}}
        {"provider":"shop","debit":7,"version":0,"due_at_s":1431828000,"opened_at_s":1431793800,"phase":"withdrawn"}"#]].assert_eq(&names.map(stored).join("\n"));
    // Two attempts, the first of them closed.
    expect![[r#"{"provider":"shop","debit":7,"version":0,"due_at_s":1431828060,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000,"unanswered_at_s":[1431828000],"is_closed":true},{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_2","request":"second","sent_at_s":1431828000,"payment":{"trade_no":"2015051721001004","amount_fen":1234}}],"phase":"paid","attempt":2,"at_s":1431828000,"history":{"exchanges":[{"at_s":1431828000,"attempt":1,"asked":"query","answer":"closed"},{"at_s":1431828000,"attempt":2,"asked":"pay","answer":"paid ¥12.34 by trade 2015051721001004"}]}}"#]].assert_eq(&stored("paid by the second"));
    expect![[r#"{"provider":"shop","debit":7,"version":0,"due_at_s":1431828000,"opened_at_s":1431793800,"terms":{"amount_fen":1234,"mandate":1,"agreement_no":"20155245550001","from":"2015-05-17","through":"2015-05-17"},"attempts":[{"out_trade_no":"SYk3x9ab_8d9001d32c6a703d_D7_1","request":"amount=12.34","sent_at_s":1431828000,"payment":{"trade_no":"2015051721001004","amount_fen":1234}}],"phase":"given_up","why":{"because":"funds"},"declines":[{"at_s":1431568800,"reason":"funds","code":"ACQ.SOME_CODE"},{"at_s":1431655200,"reason":"funds","code":"ACQ.SOME_CODE"},{"at_s":1431828000,"reason":"funds","code":"ACQ.SOME_CODE"}],"history":{"exchanges":[{"at_s":1431568800,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431655200,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"pay","answer":"declined: ACQ.SOME_CODE"},{"at_s":1431828000,"attempt":1,"asked":"query","answer":"closed"}]}}"#]].assert_eq(&stored("given up, found"));
}

#[test]
fn the_phase_of_a_debit_is_stored_with_what_it_needs() {
    let phases = every_phase().into_iter().map(|(name, debit)| {
        let phase = serde_json::to_string(&debit.phase).unwrap();
        format!("{name:22} | {phase}")
    });
    expect![[r#"
        due                    | {"phase":"due"}
        due, declined          | {"phase":"due"}
        sending                | {"phase":"sending"}
        sending, 1 decline     | {"phase":"sending"}
        sending, 2 declines    | {"phase":"sending"}
        sending, 6 windows     | {"phase":"sending"}
        sending, trouble       | {"phase":"sending"}
        sending again          | {"phase":"sending"}
        in doubt               | {"phase":"in_doubt","why":"no answer in 10 s"}
        in doubt twice         | {"phase":"in_doubt","why":"unsigned"}
        checking               | {"phase":"checking","why":{"because":"funds"}}
        closing                | {"phase":"closing","why":{"because":"funds"}}
        confirming             | {"phase":"confirming","why":{"because":"funds"}}
        closing again          | {"phase":"closing","why":{"because":"funds"}}
        mandate dead           | {"phase":"checking","why":{"because":"mandate_dead","code":"ACQ.SOME_CODE"}}
        confirming, unanswered | {"phase":"confirming","why":{"because":"mandate_dead","code":"ACQ.SOME_CODE"}}
        held                   | {"phase":"held","why":"our request is wrong: ACQ.SOME_CODE"}
        rechecking             | {"phase":"rechecking","why":"our request is wrong: ACQ.SOME_CODE"}
        held, rechecked        | {"phase":"held","why":"our request is wrong: ACQ.SOME_CODE","found":"it is not paid yet"}
        paid                   | {"phase":"paid","attempt":1,"at_s":1431828000}
        given up               | {"phase":"given_up","why":{"because":"funds"}}
        given up, found        | {"phase":"given_up","why":{"because":"funds"}}
        withdrawn              | {"phase":"withdrawn"}
        due, second            | {"phase":"due"}
        sending, second        | {"phase":"sending"}
        paid by the second     | {"phase":"paid","attempt":2,"at_s":1431828000}
        held, second           | {"phase":"held","why":"our request is wrong: ACQ.SOME_CODE"}"#]].assert_eq(&phases.collect::<Vec<_>>().join("\n"));
}
