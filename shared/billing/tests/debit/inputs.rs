//! What can happen to a debit, and every phase that it leads to.

use jiff::Timestamp;
use steelyard_billing::{
    Debit, DebitConflict, DebitId, Decline, DeclineReason, Doubt, GatewayCode, InterventionError,
    Learned, PayAnswer, Payment, Proved, ProviderId, QueryAnswer, Resolution, WINDOW_TRIES_MAX,
};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, provider, terms};

pub const AMOUNT: Fen = Fen::new(1234);

/// What can happen to a debit.
#[derive(Clone, Debug)]
pub enum Input {
    /// It is about to be sent, with this content if it has none yet.
    Sent(&'static str),
    Pay(PayAnswer),
    Query(QueryAnswer),
    Closed,
    CloseInDoubt,
    /// A person lets it go on.
    Resolved(Resolution),
    /// Its mandate cannot be used any more.
    WithoutMandate,
    /// Its mandate is suspended.
    Postponed,
    /// It is proved that an attempt was paid.
    Proved(u16, Payment),
}

/// Why an input is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Conflict(DebitConflict),
    Intervention(InterventionError),
    /// The proof contradicts what is recorded.
    Contradicts,
}

pub fn paid_fen(fen: i64) -> Payment {
    Payment { trade_no: "2015051721001004".to_owned(), amount_fen: Fen::new(fen) }
}

fn other_trade() -> Payment {
    Payment { trade_no: "2015051721009999".to_owned(), ..paid_fen(1234) }
}

pub fn pay_paid() -> Input {
    Input::Pay(PayAnswer::Paid(paid_fen(1234)))
}

pub fn pay_declined() -> Input {
    pay_declined_for(DeclineReason::Funds)
}

pub fn pay_declined_for(reason: DeclineReason) -> Input {
    Input::Pay(PayAnswer::Declined(Decline { reason, sub_code: "ACQ.SOME_CODE".to_owned() }))
}

pub fn refusal() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

pub fn pay_in_doubt() -> Input {
    Input::Pay(PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())))
}

pub fn query_paid() -> Input {
    Input::Query(QueryAnswer::Paid(paid_fen(1234)))
}

pub fn query_in_doubt() -> Input {
    Input::Query(QueryAnswer::InDoubt(Doubt("unsigned".to_owned())))
}

pub fn opened(provider: &ProviderId, debit: u64, now: Timestamp) -> Debit {
    Debit::open(provider, DebitId(debit), AMOUNT, &mandate(), &terms(), now)
}

/// The only place of this test that moves a debit.
pub fn after(debit: &Debit, input: &Input, now: Timestamp) -> Result<Debit, Refused> {
    let next = match input {
        Input::Sent(content) => debit.sending((*content).to_owned(), now),
        Input::Pay(answer) => debit.after_pay(answer.clone(), &terms(), now),
        Input::Query(answer) => debit.after_query(answer.clone(), now),
        Input::Closed => debit.after_close(Ok(()), now),
        Input::CloseInDoubt => debit.after_close(Err(Doubt("no answer".to_owned())), now),
        Input::WithoutMandate => debit.without_mandate(refusal(), now),
        Input::Postponed => debit.postponed(refusal(), &terms(), now),
        Input::Resolved(resolution) => {
            let resolved = debit.resolved(*resolution, "looked into it", now);
            return resolved.map_err(Refused::Intervention);
        }
        Input::Proved(attempt, payment) => {
            return match debit.learn_paid(*attempt, payment, now) {
                Learned::Known => Ok(debit.clone()),
                Learned::New(Proved::Paid(after) | Proved::Found(after)) => Ok(after),
                Learned::Contradicts => Err(Refused::Contradicts),
            };
        }
    };
    next.map_err(Refused::Conflict)
}

/// A new debit after the inputs, each at its time.
pub fn after_all(inputs: &[(&str, Input)]) -> Debit {
    let new = opened(&provider().provider, 7, at("2015-05-17 00:30"));
    inputs.iter().fold(new, |debit, (time, input)| after(&debit, input, at(time)).unwrap())
}

pub fn sent(time: &'static str) -> (&'static str, Input) {
    (time, Input::Sent("amount=12.34"))
}

pub fn declined_twice() -> Vec<(&'static str, Input)> {
    vec![
        sent("2015-05-15 10:00"),
        ("2015-05-15 10:00", pay_declined()),
        sent("2015-05-16 10:00"),
        ("2015-05-16 10:00", pay_declined()),
    ]
}

pub fn declined_thrice() -> Vec<(&'static str, Input)> {
    let third = [sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_declined())];
    [declined_twice(), third.into()].concat()
}

/// Refused so often for being outside a window, each on a day of its own, the last on 16 May.
pub fn outside_windows(times: u8) -> Vec<(&'static str, Input)> {
    const DAYS: [&str; 6] = [
        "2015-05-11 10:00",
        "2015-05-12 10:00",
        "2015-05-13 10:00",
        "2015-05-14 10:00",
        "2015-05-15 10:00",
        "2015-05-16 10:00",
    ];
    let days = &DAYS[DAYS.len() - usize::from(times)..];
    days.iter()
        .flat_map(|day| [sent(day), (*day, pay_declined_for(DeclineReason::Window))])
        .collect()
}

/// Each phase, reached by the road that leads there, and just now due.
pub fn every_phase() -> Vec<(&'static str, Debit)> {
    let now = "2015-05-17 10:00";
    let doubted = [sent(now), (now, pay_in_doubt())];
    let pending = (now, Input::Query(QueryAnswer::Pending));
    let closing = [declined_thrice(), vec![pending.clone()]].concat();
    let close_sent = [&closing[..], &[(now, Input::Closed)]].concat();
    let closing_again = [&close_sent[..], &[pending]].concat();
    let exhausted = [declined_thrice(), vec![(now, Input::Query(QueryAnswer::Closed))]].concat();
    let answered = |answer| vec![sent(now), (now, Input::Pay(answer))];
    let then = |before: &[(&'static str, Input)], input| [before, &[(now, input)]].concat();
    let dead = answered(PayAnswer::MandateDead(refusal()));
    let dead_closing = then(&dead, Input::Query(QueryAnswer::NotFound));
    let held = answered(PayAnswer::OwnFault(refusal()));
    let second = vec![sent(now), (now, Input::Query(QueryAnswer::Closed))];
    let windows = [outside_windows(WINDOW_TRIES_MAX - 1), vec![sent(now)]].concat();
    vec![
        ("due", after_all(&[])),
        ("sending", after_all(&[sent(now)])),
        ("sending, 1 decline", after_all(&[&declined_twice()[..2], &[sent(now)]].concat())),
        ("sending, 2 declines", after_all(&[declined_twice(), vec![sent(now)]].concat())),
        ("sending, 6 windows", after_all(&windows)),
        (
            "sending, trouble",
            after_all(&then(&answered(PayAnswer::OwnAccount(refusal())), Input::Sent("x"))),
        ),
        ("in doubt", after_all(&doubted)),
        ("in doubt twice", after_all(&[&doubted[..], &[(now, query_in_doubt())]].concat())),
        ("exhausting", after_all(&declined_thrice())),
        ("close sent", after_all(&close_sent)),
        ("closing", after_all(&closing)),
        ("closing again", after_all(&closing_again)),
        ("mandate dead", after_all(&dead)),
        ("mandate dead, closing", after_all(&dead_closing)),
        ("held", after_all(&held)),
        ("held, to be asked", after_all(&then(&held, Input::Resolved(Resolution::Ask)))),
        ("paid", after_all(&[sent(now), (now, pay_paid())])),
        ("exhausted", after_all(&exhausted)),
        ("ended, mandate dead", after_all(&then(&dead, Input::Query(QueryAnswer::Closed)))),
        ("due, second number", after_all(&second)),
        ("sending, second", after_all(&then(&second, Input::Sent("second")))),
        ("exhausted, found", after_all(&then(&exhausted, Input::Proved(1, paid_fen(1234))))),
    ]
}

pub fn every_answer() -> Vec<(&'static str, Input)> {
    vec![
        ("sent", Input::Sent("amount=12.34")),
        ("pay: paid", pay_paid()),
        ("pay: paid, a fen short", Input::Pay(PayAnswer::Paid(paid_fen(1233)))),
        ("pay: declined", pay_declined()),
        ("pay: above a cap", pay_declined_for(DeclineReason::AmountCap)),
        ("pay: outside a window", pay_declined_for(DeclineReason::Window)),
        ("pay: mandate dead", Input::Pay(PayAnswer::MandateDead(refusal()))),
        ("pay: payer blocked", Input::Pay(PayAnswer::PayerBlocked(refusal()))),
        ("pay: own account", Input::Pay(PayAnswer::OwnAccount(refusal()))),
        ("pay: own fault", Input::Pay(PayAnswer::OwnFault(refusal()))),
        ("pay: in doubt", pay_in_doubt()),
        ("query: paid", query_paid()),
        ("query: paid, a fen over", Input::Query(QueryAnswer::Paid(paid_fen(1235)))),
        ("query: pending", Input::Query(QueryAnswer::Pending)),
        ("query: closed", Input::Query(QueryAnswer::Closed)),
        ("query: not found", Input::Query(QueryAnswer::NotFound)),
        ("query: in doubt", query_in_doubt()),
        ("closed", Input::Closed),
        ("close: in doubt", Input::CloseInDoubt),
        ("resolved: ask", Input::Resolved(Resolution::Ask)),
        ("resolved: retry", Input::Resolved(Resolution::Retry)),
        ("without mandate", Input::WithoutMandate),
        ("mandate suspended", Input::Postponed),
        ("proof: 1 paid", Input::Proved(1, paid_fen(1234))),
        ("proof: 1 paid, a fen over", Input::Proved(1, paid_fen(1235))),
        ("proof: 1 paid otherwise", Input::Proved(1, other_trade())),
        ("proof: 2 paid", Input::Proved(2, paid_fen(1234))),
    ]
}
