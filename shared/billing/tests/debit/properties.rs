//! What holds of any sequence of answers, and of any debit's numbers.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{
    Debit, DeclineReason, GivenUp, OutTradeNo, PayAnswer, Payment, Phase, QueryAnswer, Step,
    TRIES_MAX, WINDOW_TRIES_MAX,
};

use crate::clock;
use crate::common::{at, provider};
use crate::inputs::{AMOUNT, Input, after, every_answer, opened, pay_declined, pay_declined_for};

fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    let answers = every_answer().into_iter().map(|(_, input)| input);
    let sends = [Input::Sent("first"), Input::Sent("built again")];
    // Declines and sends are drawn more often, so that debits also come to their end.
    let outside_window = pay_declined_for(DeclineReason::Window);
    let often = [
        pay_declined(),
        pay_declined(),
        outside_window.clone(),
        outside_window,
        Input::Sent("late"),
        Input::Sent("later"),
    ];
    let input = prop::sample::select(answers.chain(sends).chain(often).collect::<Vec<_>>());
    prop::collection::vec((input, prop_oneof![0_i64..3, 0_i64..2_000]), 0..60)
}

/// What one input did to a debit, and when.
struct Change<'a> {
    before: &'a Debit,
    input: &'a Input,
    after: &'a Debit,
    now: Timestamp,
}

/// What holds of every change, wherever it starts.
fn check_change(change: &Change<'_>) -> Result<(), TestCaseError> {
    let Change { before, input, after, now } = change;
    if let Input::Proved(_, payment) = input {
        return check_proof(before, payment, after);
    }
    prop_assert!(before.is_open(), "an ended debit changed by {input:?}");
    prop_assert!(after.due_at_s >= *now);
    prop_assert_eq!(after.amount_fen, AMOUNT);
    let says_paid = matches!(
        input,
        Input::Pay(PayAnswer::Paid(payment)) | Input::Query(QueryAnswer::Paid(payment))
            if payment.amount_fen == AMOUNT
    );
    prop_assert_eq!(after.payment().is_some(), says_paid, "paid, and only paid, by {:?}", input);
    let closed = matches!(input, Input::Query(QueryAnswer::Closed));
    if let Some(given_up) = after.given_up() {
        let not_found = matches!(input, Input::Query(QueryAnswer::NotFound));
        let close_sent = matches!(before.phase, Phase::Exhausting { close_sent: true, .. });
        prop_assert!(closed || (not_found && close_sent), "{before:?} after {input:?}");
        check_given_up(after, given_up)?;
    }
    check_held(change)?;
    if after.out_trade_no == before.out_trade_no {
        prop_assert_eq!(after.attempt, before.attempt);
        prop_assert!(before.request.is_none() || after.request == before.request);
    } else {
        prop_assert!(closed, "a new number after {input:?}");
        prop_assert_eq!((after.attempt, &after.request), (before.attempt + 1, &None));
    }
    check_counts(change)
}

/// A proof of payment pays the debit, is found money of an attempt that has none, or changes nothing.
fn check_proof(before: &Debit, payment: &Payment, after: &Debit) -> Result<(), TestCaseError> {
    prop_assert!(payment.amount_fen == AMOUNT || after == before);
    if after.payment() != before.payment() {
        prop_assert!(before.is_open());
        prop_assert_eq!(after.payment(), Some(payment.clone()));
        prop_assert_eq!(&after.found_payments, &before.found_payments);
    } else if after != before {
        let mut attempts: Vec<u16> =
            after.found_payments.iter().map(|found| found.attempt).collect();
        attempts.dedup();
        prop_assert_eq!(
            attempts.len(),
            before.found_payments.len() + 1,
            "an attempt is found once"
        );
        prop_assert_eq!(after.is_open(), before.is_open());
    }
    Ok(())
}

/// A debit is given up for a reason that it was told, and as often as it has to be told.
fn check_given_up(debit: &Debit, given_up: &GivenUp) -> Result<(), TestCaseError> {
    let (declines, windows) = (debit.declines, debit.window_declines);
    match given_up {
        GivenUp::Funds => prop_assert_eq!(declines, TRIES_MAX),
        GivenUp::Window(_) => prop_assert_eq!(windows, WINDOW_TRIES_MAX),
        GivenUp::AmountCap(_) | GivenUp::MandateDead(_) | GivenUp::PayerBlocked(_) => {
            prop_assert!(declines < TRIES_MAX && windows < WINDOW_TRIES_MAX);
        }
    }
    Ok(())
}

/// A held debit is left alone by everything but a person and the answer that he asked for.
fn check_held(Change { before, input, after, .. }: &Change<'_>) -> Result<(), TestCaseError> {
    match before.phase {
        Phase::Held { ask: false, .. } => {
            prop_assert!(matches!(input, Input::Resolved(_)), "{input:?}");
        }
        Phase::Held { ask: true, .. } => {
            prop_assert!(matches!(input, Input::Query(_) | Input::Resolved(_)), "{input:?}");
            let goes_on = matches!(after.phase, Phase::Held { .. } | Phase::Paid { .. });
            prop_assert!(goes_on || matches!(input, Input::Resolved(_)), "{after:?}");
        }
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Exhausting { .. }
        | Phase::Closing { .. }
        | Phase::Paid { .. }
        | Phase::Exhausted { .. } => {}
    }
    prop_assert_eq!(
        after.due_at().is_none(),
        matches!(
            after.phase,
            Phase::Held { ask: false, .. } | Phase::Paid { .. } | Phase::Exhausted { .. }
        )
    );
    Ok(())
}

/// Each answer is counted as what it is, and as nothing else.
fn check_counts(Change { before, input, after, .. }: &Change<'_>) -> Result<(), TestCaseError> {
    let declined_for = |reason| matches!(input, Input::Pay(PayAnswer::Declined(decline)) if decline.reason == reason);
    let (funds, window) = (declined_for(DeclineReason::Funds), declined_for(DeclineReason::Window));
    let window = window || matches!(input, Input::Postponed);
    prop_assert_eq!(after.declines, before.declines + u8::from(funds));
    prop_assert_eq!(after.window_declines, before.window_declines + u8::from(window));
    let trouble = matches!(input, Input::Pay(PayAnswer::OwnAccount(_)));
    let troubles = match input {
        Input::Pay(_) if !trouble => 0,
        Input::Pay(_)
        | Input::Sent(_)
        | Input::Query(_)
        | Input::Closed
        | Input::CloseInDoubt
        | Input::Resolved(_)
        | Input::WithoutMandate
        | Input::Postponed
        | Input::Proved(..) => before.own_account_troubles + u16::from(trouble),
    };
    prop_assert_eq!(after.own_account_troubles, troubles);
    let resolved = matches!(input, Input::Resolved(_));
    prop_assert_eq!(after.interventions.len(), before.interventions.len() + usize::from(resolved));
    if funds || window || resolved {
        prop_assert_eq!(after.doubts, 0);
    } else {
        prop_assert!(
            after.doubts == 0 || (before.doubts..=before.doubts + 1).contains(&after.doubts)
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_number_is_taken_by_the_gateway_whoever_the_provider_is(
        provider in "[0-9A-Za-z._:@-]{1,64}",
        debit in prop_oneof![any::<u64>(), Just(u64::MAX)],
        attempts in 0_usize..3,
    ) {
        let now = at("2015-05-17 10:00");
        let mut debit = opened(&provider.parse().unwrap(), debit, now);
        debit.attempt = u16::MAX - 3;
        for _ in 0..=attempts {
            let sent = after(&debit, &Input::Sent("x"), now).unwrap();
            debit = after(&sent, &Input::Query(QueryAnswer::Closed), now).unwrap();
            let number = debit.out_trade_no.as_str();
            prop_assert_eq!(OutTradeNo::parse(number), Ok(debit.out_trade_no.clone()));
        }
    }

    #[test]
    fn no_two_attempts_of_two_debits_share_a_number(
        one in ("[0-9A-Za-z._:@-]{1,64}", any::<u64>(), any::<bool>()),
        other in ("[0-9A-Za-z._:@-]{1,64}", any::<u64>(), any::<bool>()),
    ) {
        let number = |(provider, debit, second): &(String, u64, bool)| {
            let now = at("2015-05-17 10:00");
            let debit = opened(&provider.parse().unwrap(), *debit, now);
            let sent = after(&debit, &Input::Sent("x"), now).unwrap();
            let next = after(&sent, &Input::Query(QueryAnswer::Closed), now).unwrap();
            if *second { next.out_trade_no } else { debit.out_trade_no }
        };
        prop_assert_eq!(number(&one) == number(&other), one == other);
    }

    #[test]
    fn no_sequence_of_answers_pays_without_an_answer_that_says_so_or_leaves_an_end(
        inputs in inputs()
    ) {
        let mut now = at("2015-05-17 10:00");
        let mut debit = opened(&provider().provider, 7, now);
        let mut declined_on = Vec::new();
        for (input, minutes) in &inputs {
            now += SignedDuration::from_mins(*minutes);
            let is_first = matches!(input, Input::Sent(_) | Input::WithoutMandate | Input::Postponed);
            if is_first && debit.next_step(now) != Step::Pay {
                continue;
            }
            let Ok(next) = after(&debit, input, now) else { continue };
            check_change(&Change { before: &debit, input, after: &next, now })?;
            let counted = |debit: &Debit| debit.declines + debit.window_declines;
            if counted(&next) > counted(&debit) {
                declined_on.push(clock(now)[..5].to_owned());
            }
            debit = next;
        }
        let declines = declined_on.len();
        declined_on.dedup();
        prop_assert_eq!(declined_on.len(), declines, "one decline a day");
    }
}
