//! The debit: every answer, time-out, query, notification, bill and person, in any order.

mod model;

use proptest_state_machine::{StateMachineTest, prop_state_machine};
use steelyard_billing::{
    Debit, DebitId, Decline, DeclineReason, Doubt, GatewayCode, GiveUpReason, Outcome, PayAnswer,
    Payment, Phase, ProvedPaid, QueryAnswer, Resolution, Step,
};
use steelyard_pricing::Fen;

use crate::common::{provider, rules};
use crate::debits::sending;
use crate::{HOUR, config, reason, second};
use model::{Act, At, Due, Later, Model, Pay, Query, Why};

const AMOUNT: i64 = 1_234;

fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

fn doubt() -> Doubt {
    Doubt("no answer in 10 s".to_owned())
}

fn payment(trade: u8, right: bool) -> Payment {
    let amount_fen = Fen::new(if right { AMOUNT } else { AMOUNT + 1 });
    Payment { trade_no: format!("201505172100{trade}"), amount_fen }
}

fn pay_answer(answer: Pay) -> PayAnswer {
    let declined = |reason| PayAnswer::Declined(Decline { reason, sub_code: code().0 });
    match answer {
        Pay::Paid { right } => PayAnswer::Paid(payment(1, right)),
        Pay::Funds => declined(DeclineReason::Funds),
        Pay::Window => declined(DeclineReason::Window),
        Pay::Cap => declined(DeclineReason::AmountCap),
        Pay::Dead => PayAnswer::MandateDead(code()),
        Pay::Blocked => PayAnswer::PayerBlocked(code()),
        Pay::OwnAccount => PayAnswer::OwnAccount(code()),
        Pay::Throttled => PayAnswer::Throttled(code()),
        Pay::OwnFault => PayAnswer::OwnFault(code()),
        Pay::Doubt => PayAnswer::InDoubt(doubt()),
    }
}

fn query_answer(answer: Query) -> QueryAnswer {
    match answer {
        Query::Paid { right } => QueryAnswer::Paid(payment(1, right)),
        Query::Pending => QueryAnswer::Pending,
        Query::Closed => QueryAnswer::Closed,
        Query::NotFound => QueryAnswer::NotFound,
        Query::Doubt => QueryAnswer::InDoubt(doubt()),
    }
}

/// The debit of the core after something; none if it refuses.
fn after(debit: &Debit, act: Act, now: i64) -> Option<Debit> {
    let at = second(now);
    match act {
        Act::Send if debit.phase == Phase::Due => Some(sending(debit, Fen::new(AMOUNT), at)),
        Act::Send => None,
        Act::Pay(answer) => debit.after_pay(pay_answer(answer), &rules(), at).ok(),
        Act::Query(answer) => debit.after_query(query_answer(answer), at).ok(),
        Act::Close { is_heard: true } => debit.after_close(Ok(()), at).ok(),
        Act::Close { is_heard: false } => debit.after_close(Err(doubt()), at).ok(),
        Act::Person(resolution) => debit.resolved(resolution, reason(), at).ok(),
        Act::Proof { attempt, trade, right } => {
            let number = u16::try_from(attempt + 1).unwrap();
            match debit.after_proof(number, &payment(trade, right), at) {
                Outcome::Changed(ProvedPaid::Debit(after) | ProvedPaid::Found(after)) => {
                    Some(after)
                }
                Outcome::Unchanged => Some(debit.clone()),
                Outcome::Contradicts => None,
            }
        }
        Act::MandateSuspended => debit.postponed(code(), &rules(), at).ok(),
        Act::MandateEnded => debit.without_mandate(code(), at).ok(),
        Act::NothingOwed => debit.withdrawn().ok(),
        Act::Reported => debit.reported(at).ok(),
    }
}

fn why(reason: &GiveUpReason) -> Why {
    match reason {
        GiveUpReason::Funds => Why::Funds,
        GiveUpReason::AmountCap(_) => Why::Cap,
        GiveUpReason::Window(_) => Why::Window,
        GiveUpReason::MandateDead(_) => Why::Mandate,
        GiveUpReason::PayerBlocked(_) => Why::Payer,
        GiveUpReason::ByOperator => Why::Person,
    }
}

fn at(phase: &Phase) -> At {
    match phase {
        Phase::Due => At::Due,
        Phase::Sending => At::Sending,
        Phase::InDoubt { .. } => At::Doubt,
        Phase::Checking { why: of } => At::Checking(why(of)),
        Phase::Closing { why: of } => At::Closing(why(of)),
        Phase::Confirming { why: of } => At::Confirming(why(of)),
        Phase::Held { .. } => At::Held,
        Phase::Rechecking { .. } => At::Rechecking,
        Phase::Paid { .. } => At::Paid,
        Phase::GivenUp { why: of } => At::GivenUp(why(of)),
        Phase::Withdrawn => At::Withdrawn,
    }
}

/// The debit ends when the gateway answers: a rich payer pays it, and a poor one lets it be given
/// up.
fn ends(debit: &Debit, is_rich: bool, now: i64) {
    let (mut debit, mut now) = (debit.clone(), now);
    for _ in 0..40 {
        let Some(due) = debit.due_at() else { return };
        now = now.max(due.as_second());
        let act = match debit.next_step(second(now)) {
            Step::Pay => {
                debit = after(&debit, Act::Send, now).unwrap();
                Act::Pay(if is_rich { Pay::Paid { right: true } } else { Pay::Funds })
            }
            Step::Query if is_rich => Act::Query(Query::Paid { right: true }),
            Step::Query => Act::Query(Query::Closed),
            Step::Close => Act::Close { is_heard: true },
            Step::Report => Act::Person(Resolution::GiveUp),
            Step::Wait => unreachable!("{debit:?} is due"),
        };
        debit = after(&debit, act, now).unwrap();
    }
    unreachable!("no way out: {debit:?}");
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Debit;
    type Reference = Model;

    fn init_test(model: &Model) -> Debit {
        let (shop, now) = (provider().provider, second(model.now));
        Debit::open(&shop, DebitId(7), rules().next_due(&shop, now), now)
    }

    fn apply(debit: Debit, model: &Model, (_, act): (Later, Act)) -> Debit {
        let after = after(&debit, act, model.now);
        assert_eq!(after.is_none(), model.is_refused, "{act:?} of {debit:?}");
        after.unwrap_or(debit)
    }

    fn check_invariants(debit: &Debit, model: &Model) {
        assert_eq!(at(&debit.phase), model.at, "{debit:?}");
        assert_eq!(debit.attempts.len(), model.numbers.len());
        for (attempt, number) in debit.attempts.iter().zip(&model.numbers) {
            let paid_by = number.paid_by.map(|trade| payment(trade, true));
            assert_eq!((attempt.is_closed, &attempt.payment), (number.is_closed, &paid_by));
        }
        let reserved = if model.is_open() && !model.numbers.is_empty() { AMOUNT } else { 0 };
        assert_eq!(debit.reserved().get(), reserved, "it reserves what it may still take");
        let paid = model.paid_by.map(|attempt| u16::try_from(attempt + 1).unwrap());
        let known = (1..=debit.attempt_count())
            .filter(|of| debit.attempt(*of).is_some_and(|attempt| attempt.payment.is_some()));
        let found = known.filter(|of| Some(*of) != paid).collect::<Vec<_>>();
        let credited = debit.found_payments().map(|(of, _)| of).collect::<Vec<_>>();
        assert_eq!(credited, found, "each payment pays the debit or is credited, never both");
        assert_eq!(debit.payment().is_some(), paid.is_some());
        assert_eq!(debit.declines.len(), model.short.len() + model.windows + model.caps);
        match (debit.due_at(), model.due) {
            (Some(due), Due::At(told)) => assert_eq!(due, second(told), "{debit:?}"),
            (Some(due), Due::Later) => {
                let wait = due.as_second() - model.now;
                assert!(wait <= HOUR, "{wait} s until {debit:?} is looked at");
            }
            (None, _) => assert!(!model.is_open()),
        }
        if model.is_open() {
            ends(debit, true, model.now);
            ends(debit, false, model.now);
        }
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn debit_does_what_its_model_does_and_always_has_a_way_out(sequential 1..80 => Test);
}
