//! What holds of any sequence of inputs, and of any debit's numbers.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{
    Debit, DeclineReason, FUNDS_RETRY_DAYS, GiveUpReason, OutTradeNo, PayAnswer, Payment, Phase,
    QueryAnswer, Realm, Resolution, Step, WINDOW_TRIES_MAX,
};

use crate::clock;
use crate::common::{at, provider};
use crate::debits::terms;
use crate::inputs::{
    AMOUNT, Input, after, every_input, not_found, opened, pay_declined, pay_declined_for,
    pay_in_doubt,
};

/// How long a request without an answer may take to arrive.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(15);

fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    let all = every_input().into_iter().map(|(_, input)| input);
    // What leads on is drawn more often, so that debits also reach their end.
    let window = pay_declined_for(DeclineReason::Window);
    let often = [
        Input::Sent("late"),
        Input::Sent("later"),
        Input::Sent("built again"),
        pay_declined(),
        pay_declined(),
        window.clone(),
        window,
        pay_in_doubt(),
        Input::Closed,
        Input::Closed,
        Input::Closed,
        not_found(),
        not_found(),
        Input::Resolved(Resolution::GiveUp),
    ];
    let input = prop::sample::select(all.chain(often).collect::<Vec<_>>());
    let seconds = prop_oneof![0_i64..180, 0_i64..1_200, 0_i64..120_000];
    prop::collection::vec((input, seconds), 0..80)
}

/// What one input did to a debit, and when.
struct Change<'a> {
    before: &'a Debit,
    input: &'a Input,
    after: &'a Debit,
    now: Timestamp,
    /// When the requests were sent that nobody has answered.
    unanswered: &'a [Timestamp],
}

/// What holds of every change, wherever it starts.
fn check_change(change: &Change<'_>) -> Result<(), TestCaseError> {
    let Change { before, input, after, now, .. } = change;
    check_fixed(before, after)?;
    if let Input::Proved(_, payment) = input {
        return check_proof(before, payment, after);
    }
    prop_assert!(before.is_open(), "an ended debit changed by {input:?}");
    prop_assert!(after.due_at().is_none_or(|due| due >= *now));
    let says_paid = matches!(
        input,
        Input::Pay(PayAnswer::Paid(payment)) | Input::Query(QueryAnswer::Paid(payment))
            if payment.amount_fen == AMOUNT
    );
    prop_assert_eq!(after.payment().is_some(), says_paid, "paid, and only paid, by {:?}", input);
    let is_withdrawn = after.phase == Phase::Withdrawn;
    prop_assert_eq!(is_withdrawn, matches!(input, Input::Withdrawn));
    prop_assert!(!is_withdrawn || before.attempts.is_empty(), "it was never sent");
    check_end(change)?;
    check_held(change)?;
    check_attempts(change)?;
    check_declines(change)?;
    check_blameless(change)
}

/// What never changes: what the debit is, asks for, and was sent with.
fn check_fixed(before: &Debit, after: &Debit) -> Result<(), TestCaseError> {
    let identity = |debit: &Debit| (debit.provider.clone(), debit.debit, debit.opened_at_s);
    prop_assert_eq!(identity(after), identity(before));
    prop_assert_eq!(after.task.version, before.task.version, "the shell counts the writes");
    prop_assert!(before.terms.is_none() || after.terms == before.terms);
    prop_assert_eq!(after.terms.is_some(), !after.attempts.is_empty());
    prop_assert!(after.attempts.len() >= before.attempts.len());
    for (old, new) in before.attempts.iter().zip(&after.attempts) {
        prop_assert_eq!((&new.out_trade_no, &new.request), (&old.out_trade_no, &old.request));
        prop_assert!(!old.is_closed || new.is_closed);
        prop_assert!(old.payment.is_none() || new.payment == old.payment);
    }
    let (exchanges, people) = (&after.history.exchanges, &after.history.interventions);
    prop_assert!(exchanges.len() <= 50 && people.len() <= 50 && after.attempts.len() <= 20);
    let is_collecting = after.is_open() && after.terms.is_some();
    prop_assert_eq!(after.reserved() == AMOUNT, is_collecting);
    prop_assert_eq!(after.reserved().is_zero(), !is_collecting);
    Ok(())
}

/// Proof of payment pays the debit, is found money of an attempt that has none, or changes nothing.
fn check_proof(before: &Debit, payment: &Payment, after: &Debit) -> Result<(), TestCaseError> {
    prop_assert!(payment.amount_fen == AMOUNT || after == before);
    let found = |debit: &Debit| debit.found_payments().count();
    if after.payment() != before.payment() {
        prop_assert!(before.is_open());
        prop_assert_eq!(after.payment(), Some(payment));
        prop_assert_eq!(found(after), found(before));
    } else if after != before {
        prop_assert_eq!(found(after), found(before) + 1, "an attempt is found once");
        prop_assert_eq!(&after.phase, &before.phase);
    }
    Ok(())
}

/// A debit is given up for a reason that it received, and when nothing more can arrive.
fn check_end(
    Change { before, input, after, now, unanswered }: &Change<'_>,
) -> Result<(), TestCaseError> {
    let Some(why) = after.given_up() else { return Ok(()) };
    let closed = matches!(input, Input::Query(QueryAnswer::Closed));
    let confirming = matches!(before.phase, Phase::Confirming { .. });
    let not_found = matches!(input, Input::Query(QueryAnswer::NotFound));
    prop_assert!(closed || (not_found && confirming), "{before:?} after {input:?}");
    if not_found {
        let on_their_way = unanswered.iter().filter(|sent| *now < **sent + ON_ITS_WAY).count();
        prop_assert_eq!(on_their_way, 0, "{:?}", after);
    }
    let of = |reason| after.declines.iter().filter(|d| d.reason == reason).count();
    let (funds, windows) = (of(DeclineReason::Funds), of(DeclineReason::Window));
    // A person may have it tried again after the last day.
    let is_retried = !after.history.interventions.is_empty();
    match why {
        GiveUpReason::Funds => prop_assert!(funds == 1 + FUNDS_RETRY_DAYS.len() || is_retried),
        GiveUpReason::Window(_) => prop_assert!(windows == WINDOW_TRIES_MAX || is_retried),
        GiveUpReason::ByOperator => prop_assert!(is_retried),
        GiveUpReason::AmountCap(_) => prop_assert!(of(DeclineReason::AmountCap) > 0),
        GiveUpReason::MandateDead(_) | GiveUpReason::PayerBlocked(_) => {
            let is_early = funds <= FUNDS_RETRY_DAYS.len() && windows < WINDOW_TRIES_MAX;
            prop_assert!(is_early || is_retried);
        }
    }
    Ok(())
}

/// A held debit is left alone by everything but a person, and the answer that the person asked for.
fn check_held(Change { before, input, after, .. }: &Change<'_>) -> Result<(), TestCaseError> {
    match before.phase {
        Phase::Held { .. } => {
            prop_assert!(matches!(input, Input::Resolved(_) | Input::Reported), "{input:?}");
            prop_assert!(matches!(input, Input::Resolved(_)) || after.phase == before.phase);
        }
        Phase::Rechecking { .. } => {
            prop_assert!(matches!(input, Input::Query(_) | Input::Resolved(_)), "{input:?}");
            let stays = matches!(input, Input::Resolved(_))
                || matches!(
                    after.phase,
                    Phase::Held { .. } | Phase::Rechecking { .. } | Phase::Paid { .. }
                );
            prop_assert!(stays, "{after:?}");
        }
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Checking { .. }
        | Phase::Closing { .. }
        | Phase::Confirming { .. }
        | Phase::Paid { .. }
        | Phase::GivenUp { .. }
        | Phase::Withdrawn => {}
    }
    let people = |debit: &Debit| debit.history.interventions.len();
    let resolved = usize::from(matches!(input, Input::Resolved(_)));
    prop_assert_eq!(people(after), (people(before) + resolved).min(50));
    Ok(())
}

/// A new attempt begins only when it is sent, and the one before is closed.
fn check_attempts(Change { before, input, after, .. }: &Change<'_>) -> Result<(), TestCaseError> {
    let closed = |debit: &Debit| debit.attempts.iter().filter(|a| a.is_closed).count();
    if after.attempts.len() > before.attempts.len() {
        prop_assert!(matches!(input, Input::Sent(_)));
        prop_assert_eq!(after.attempts.len(), before.attempts.len() + 1);
        prop_assert!(before.attempts.iter().all(|attempt| attempt.is_closed));
    }
    if closed(after) > closed(before) {
        prop_assert!(matches!(input, Input::Query(QueryAnswer::Closed)));
        prop_assert_eq!(closed(after), closed(before) + 1);
    }
    Ok(())
}

/// Each decline is recorded as what it is, and nothing else is.
fn check_declines(
    Change { before, input, after, now, .. }: &Change<'_>,
) -> Result<(), TestCaseError> {
    let reason = match input {
        Input::Pay(PayAnswer::Declined(decline)) => Some(decline.reason),
        Input::Postponed => Some(DeclineReason::Window),
        Input::Pay(
            PayAnswer::Paid(_)
            | PayAnswer::MandateDead(_)
            | PayAnswer::PayerBlocked(_)
            | PayAnswer::OwnAccount(_)
            | PayAnswer::OwnFault(_)
            | PayAnswer::Throttled(_)
            | PayAnswer::InDoubt(_),
        )
        | Input::Sent(_)
        | Input::Query(_)
        | Input::Closed
        | Input::CloseInDoubt
        | Input::Resolved(_)
        | Input::Withdrawn
        | Input::Capped
        | Input::WithoutMandate
        | Input::Reported
        | Input::Proved(..) => None,
    };
    let mut declines = before.declines.clone();
    if let Some(reason) = reason {
        let last = after.declines.last().unwrap();
        prop_assert_eq!((last.at_s, last.reason), (*now, reason));
        declines.push(last.clone());
        prop_assert_eq!(after.task.retries, 0, "an answer is progress");
    }
    prop_assert_eq!(&after.declines, &declines);
    let (before, after) = (before.task.retries, after.task.retries);
    prop_assert!(after == 0 || after == before || after == before + 1);
    Ok(())
}

/// Trouble that no provider is to blame for neither ends nor holds a debit.
fn check_blameless(Change { input, after, .. }: &Change<'_>) -> Result<(), TestCaseError> {
    if let Input::Pay(PayAnswer::OwnAccount(_) | PayAnswer::Throttled(_)) = input {
        prop_assert_eq!(&after.phase, &Phase::Due);
    }
    Ok(())
}

/// The requests without an answer after an input.
fn note_request(unanswered: &mut Vec<Timestamp>, input: &Input, now: Timestamp) {
    match input {
        Input::Sent(_) => unanswered.push(now),
        Input::Pay(answer) if !matches!(answer, PayAnswer::InDoubt(_)) => {
            unanswered.pop();
        }
        Input::Pay(_)
        | Input::Query(_)
        | Input::Closed
        | Input::CloseInDoubt
        | Input::Resolved(_)
        | Input::Withdrawn
        | Input::Capped
        | Input::WithoutMandate
        | Input::Postponed
        | Input::Reported
        | Input::Proved(..) => {}
    }
}

proptest! {
    #[test]
    fn a_number_is_taken_by_the_gateway_whoever_the_provider_is(
        realm in "[0-9a-z]{6}",
        provider in "[0-9A-Za-z._:@-]{1,64}",
        debit in prop_oneof![any::<u64>(), Just(u64::MAX)],
    ) {
        let (realm, now) = (Realm::parse(&realm).unwrap(), at("2015-05-17 10:00"));
        let mut debit = opened(&provider.parse().unwrap(), debit, now);
        for _ in 0..3 {
            let number = debit.next_out_trade_no(&realm);
            prop_assert_eq!(OutTradeNo::parse(number.as_str()), Ok(number.clone()));
            let sent = debit.sending(terms(AMOUNT), number.clone(), "x".to_owned(), now).unwrap();
            prop_assert_eq!(&sent.last_attempt().unwrap().out_trade_no, &number);
            debit = after(&sent, &Input::Query(QueryAnswer::Closed), now).unwrap();
        }
    }

    #[test]
    fn no_two_attempts_of_two_debits_or_two_realms_share_a_number(
        one in ("[0-9a-z]{6}", "[0-9A-Za-z._:@-]{1,64}", any::<u64>(), any::<bool>()),
        other in ("[0-9a-z]{6}", "[0-9A-Za-z._:@-]{1,64}", any::<u64>(), any::<bool>()),
        like in any::<[bool; 4]>(),
    ) {
        // Numbers that differ in one part only are drawn as often as any others.
        let other = (
            if like[0] { one.0.clone() } else { other.0 },
            if like[1] { one.1.clone() } else { other.1 },
            if like[2] { one.2 } else { other.2 },
            if like[3] { one.3 } else { other.3 },
        );
        let number = |(realm, provider, debit, second): &(String, String, u64, bool)| {
            let now = at("2015-05-17 10:00");
            let realm = Realm::parse(realm).unwrap();
            let debit = opened(&provider.parse().unwrap(), *debit, now);
            let first = debit.next_out_trade_no(&realm);
            let sent =
                debit.sending(terms(AMOUNT), first.clone(), "x".to_owned(), now).unwrap();
            let closed = after(&sent, &Input::Query(QueryAnswer::Closed), now).unwrap();
            if *second { closed.next_out_trade_no(&realm) } else { first }
        };
        prop_assert_eq!(number(&one) == number(&other), one == other);
    }

    #[test]
    fn no_sequence_of_inputs_pays_without_an_answer_that_says_so_or_leaves_an_end(
        inputs in inputs()
    ) {
        let mut now = at("2015-05-17 10:00");
        let mut debit = opened(&provider().provider, 7, now);
        let (mut declined_on, mut unanswered) = (Vec::new(), Vec::new());
        for (input, seconds) in &inputs {
            now += SignedDuration::from_secs(*seconds);
            let is_first = matches!(
                input,
                Input::Sent(_) | Input::Withdrawn | Input::Capped | Input::WithoutMandate
                    | Input::Postponed
            );
            if is_first && debit.next_step(now) != Step::Pay {
                continue;
            }
            let Ok(next) = after(&debit, input, now) else { continue };
            note_request(&mut unanswered, input, now);
            let unanswered = &unanswered[..];
            check_change(&Change { before: &debit, input, after: &next, now, unanswered })?;
            if next.declines.len() > debit.declines.len() {
                declined_on.push(clock(now)[..5].to_owned());
            }
            debit = next;
        }
        // A person may have a debit tried again on the day of its last decline.
        let declines = declined_on.len();
        declined_on.dedup();
        let is_retried = !debit.history.interventions.is_empty();
        prop_assert!(declined_on.len() == declines || is_retried, "one decline a day");
    }
}
