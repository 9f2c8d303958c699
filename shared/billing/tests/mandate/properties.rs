//! What holds of any sequence of notices, answers and interventions.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::mandate::{EndReason, Mandate, MandatePhase};
use steelyard_billing::{ExternalAgreementNo, MandateId, ProviderCode, Realm};

use crate::common::at;
use crate::inputs::{
    After, Input, NUMBER, OURS, adopted, after, every_input, has_ended, in_force, in_force_until,
    limits, offered, query_in_doubt, signed,
};

fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    // What ends no mandate is drawn more often, so that mandates also live.
    let often = [
        signed(NUMBER, Some(OURS), "2015-05-17 09:59"),
        in_force(),
        in_force(),
        in_force_until("2015-05-20 00:00"),
        query_in_doubt(),
        query_in_doubt(),
        Input::Resumed,
        Input::Resumed,
    ];
    let all = every_input().into_iter().map(|(_, input)| input);
    let input = prop::sample::select(all.chain(often).collect::<Vec<_>>());
    prop::collection::vec((input, prop_oneof![0_i64..3, 0_i64..4_000]), 0..40)
}

/// What holds of every change, wherever it starts.
fn check_change(
    before: &Mandate,
    input: &Input,
    after: &Mandate,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    prop_assert!(!has_ended(before), "an ended mandate changed by {input:?}");
    prop_assert!(before.agreement_no.is_none() || after.agreement_no == before.agreement_no);
    prop_assert!(before.signed_at_s.is_none() || after.signed_at_s == before.signed_at_s);
    prop_assert_eq!(&after.external_agreement_no, &before.external_agreement_no);
    prop_assert_eq!((&after.provider, after.mandate), (&before.provider, before.mandate));
    prop_assert!(after.limit() <= after.single_limit_fen);
    let knows_number = match after.phase {
        MandatePhase::Active | MandatePhase::Suspended { .. } => after.agreement_no.is_some(),
        MandatePhase::Offered => after.agreement_no.is_none(),
        MandatePhase::Ending { .. }
        | MandatePhase::ConfirmingEnd { .. }
        | MandatePhase::Ended { .. } => true,
    };
    prop_assert!(knows_number, "{after:?}");
    prop_assert!(after.task.due_at_s >= now || after.task.due_at_s == before.task.due_at_s);
    check_ending(before, after)?;
    check_resumption(before, input, after)
}

/// One that is to be ended is never used again.
fn check_ending(before: &Mandate, after: &Mandate) -> Result<(), TestCaseError> {
    if let Some(before) = why_ending(before) {
        prop_assert_eq!(why_ending(after), Some(before));
    }
    Ok(())
}

/// Why it ends or has ended; none if it is not to end.
fn why_ending(mandate: &Mandate) -> Option<&EndReason> {
    match &mandate.phase {
        MandatePhase::Ending { why }
        | MandatePhase::ConfirmingEnd { why }
        | MandatePhase::Ended { why, .. } => Some(why),
        MandatePhase::Offered | MandatePhase::Active | MandatePhase::Suspended { .. } => None,
    }
}

/// Only a person resumes what a debit suspended.
fn check_resumption(before: &Mandate, input: &Input, after: &Mandate) -> Result<(), TestCaseError> {
    use steelyard_billing::mandate::Suspension::ByDebit;
    let was_suspended = matches!(before.phase, MandatePhase::Suspended { why: ByDebit { .. }, .. });
    if was_suspended && after.phase == MandatePhase::Active {
        prop_assert!(matches!(input, Input::Resumed), "resumed by {input:?}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_sequence_brings_an_ended_mandate_back_or_gives_one_two_numbers(
        inputs in inputs(),
        is_adopted in any::<bool>(),
    ) {
        let start = "2015-05-17 10:00";
        let mut now = at(start);
        let mut mandate = if is_adopted { adopted(start) } else { offered(start) };
        for (input, minutes) in &inputs {
            now += SignedDuration::from_mins(*minutes);
            let After::Changed(changed) = after(&mandate, input, now) else { continue };
            check_change(&mandate, input, &changed, now)?;
            if matches!(input, Input::Signed(_) | Input::Ended(_)) {
                prop_assert_eq!(after(&changed, input, now), After::Unchanged, "{:?} twice", input);
            }
            let stored = serde_json::to_string(&changed).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Mandate>(&stored).unwrap(), &*changed);
            mandate = *changed;
        }
    }

    #[test]
    fn notices_in_any_order_and_number_come_to_the_same(
        order in prop::collection::vec(any::<bool>(), 0..8)
    ) {
        let sign = signed(NUMBER, Some(OURS), "2015-05-17 10:05");
        let end = crate::inputs::ended(NUMBER, Some(OURS), "2015-05-17 10:06");
        let now = at("2015-05-17 10:10");
        let mut mandate = offered("2015-05-17 10:00");
        for is_end in &order {
            if let After::Changed(changed) = after(&mandate, if *is_end { &end } else { &sign }, now) {
                mandate = *changed;
            }
        }
        prop_assert_eq!(has_ended(&mandate), order.contains(&true));
        prop_assert_eq!(mandate.is_usable(now), !order.is_empty() && !order.contains(&true));
    }

    #[test]
    fn a_mandates_number_is_taken_by_the_gateway_and_tells_whose_it_is(
        provider in "[0-9A-Za-z._:@-]{1,64}",
        mandate in prop_oneof![1_u32..100, 1_u32..=MandateId::MAX.0],
        realm in "[0-9a-z]{6}",
    ) {
        let (provider, mandate) = (provider.parse().unwrap(), MandateId(mandate));
        let (realm, now) = (Realm::parse(&realm).unwrap(), at("2015-05-17 10:00"));
        let offered = Mandate::offer(&realm, &provider, mandate, limits(), now).unwrap();
        let number = offered.external_agreement_no.unwrap();
        prop_assert_eq!(ExternalAgreementNo::parse(number.as_str()), Ok(number.clone()));
        prop_assert_eq!(number.ours(), Some((ProviderCode::of(&provider), mandate)));
    }

    #[test]
    fn what_reads_as_our_number_is_written_the_same(
        realm in "[0-9a-z]{6}", rest in "[0-9a-fA-F]{15,17}M?[0-9Ma]{0,8}",
    ) {
        let text = format!("SY{realm}{rest}");
        let Ok(number) = ExternalAgreementNo::parse(&text) else { return Ok(()) };
        if let Some((code, mandate)) = number.ours() {
            let realm = Realm::parse(&realm).unwrap();
            prop_assert_eq!(ExternalAgreementNo::of(&realm, &code, mandate), Some(number));
        }
    }
}
