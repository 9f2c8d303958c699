//! What can happen to a debit, and every phase that it leads to.

use jiff::Timestamp;
use steelyard_billing::{
    Debit, DebitConflict, DebitId, Decline, DeclineReason, Doubt, GatewayCode, NothingToResolve,
    Outcome, PayAnswer, Payment, ProvedPaid, ProviderId, QueryAnswer, Reason, Resolution,
    WINDOW_TRIES_MAX,
};
use steelyard_pricing::Fen;

use crate::common::{at, provider, rules};
use crate::debits::terms;
use crate::realm::realm;

pub(crate) const AMOUNT: Fen = Fen::new(1234);

/// When the inputs of the table happen.
pub(crate) const NOW: &str = "2015-05-17 10:00";

/// The inputs of a debit.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// It is about to be sent, with this content if the attempt has none yet.
    Sent(&'static str),
    Pay(PayAnswer),
    Query(QueryAnswer),
    Closed,
    CloseInDoubt,
    /// A person resolves it.
    Resolved(Resolution),
    /// The debt was paid otherwise before it was sent.
    Withdrawn,
    /// The day's limit is used up.
    Capped,
    /// Its mandate can no longer be used.
    WithoutMandate,
    /// Its mandate is suspended.
    Postponed,
    /// It was logged again, after a day.
    Reported,
    /// Proof that an attempt was paid.
    Proved(u16, Payment),
}

/// Why an input is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Conflict(DebitConflict),
    NothingToResolve(NothingToResolve),
    /// The proof contradicts what is recorded.
    Contradicts,
}

pub(crate) fn paid_fen(fen: i64) -> Payment {
    Payment { trade_no: "2015051721001004".to_owned(), amount_fen: Fen::new(fen) }
}

pub(crate) fn other_trade() -> Payment {
    Payment { trade_no: "2015051721009999".to_owned(), ..paid_fen(1234) }
}

pub(crate) fn pay_paid() -> Input {
    Input::Pay(PayAnswer::Paid(paid_fen(1234)))
}

pub(crate) fn pay_declined() -> Input {
    pay_declined_for(DeclineReason::Funds)
}

pub(crate) fn pay_declined_for(reason: DeclineReason) -> Input {
    Input::Pay(PayAnswer::Declined(Decline { reason, sub_code: code().0 }))
}

pub(crate) fn code() -> GatewayCode {
    GatewayCode("ACQ.SOME_CODE".to_owned())
}

pub(crate) fn pay_in_doubt() -> Input {
    Input::Pay(PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())))
}

pub(crate) fn query_paid() -> Input {
    Input::Query(QueryAnswer::Paid(paid_fen(1234)))
}

pub(crate) fn query_in_doubt() -> Input {
    Input::Query(QueryAnswer::InDoubt(Doubt("unsigned".to_owned())))
}

pub(crate) fn query_closed() -> Input {
    Input::Query(QueryAnswer::Closed)
}

pub(crate) fn not_found() -> Input {
    Input::Query(QueryAnswer::NotFound)
}

pub(crate) fn pending() -> Input {
    Input::Query(QueryAnswer::Pending)
}

pub(crate) fn reason() -> Reason {
    Reason::new("keys were mended").unwrap()
}

pub(crate) fn opened(provider: &ProviderId, debit: u64, now: Timestamp) -> Debit {
    Debit::open(provider, DebitId(debit), rules().next_due(provider, now), now)
}

/// The only place of these tests that moves a debit.
pub(crate) fn after(debit: &Debit, input: &Input, now: Timestamp) -> Result<Debit, Refused> {
    let next = match input {
        Input::Sent(content) => {
            let number = debit.next_out_trade_no(&realm());
            debit.sending(terms(AMOUNT), number, (*content).to_owned(), now)
        }
        Input::Pay(answer) => debit.after_pay(answer.clone(), &rules(), now),
        Input::Query(answer) => debit.after_query(answer.clone(), now),
        Input::Closed => debit.after_close(Ok(()), now),
        Input::CloseInDoubt => debit.after_close(Err(Doubt("no answer".to_owned())), now),
        Input::Withdrawn => debit.withdrawn(),
        Input::Capped => debit.capped(&rules(), now),
        Input::WithoutMandate => debit.without_mandate(code(), now),
        Input::Postponed => debit.postponed(code(), &rules(), now),
        Input::Reported => debit.reported(now),
        Input::Resolved(resolution) => {
            let resolved = debit.resolved(*resolution, reason(), now);
            return resolved.map_err(Refused::NothingToResolve);
        }
        Input::Proved(attempt, payment) => {
            return match debit.after_proof(*attempt, payment, now) {
                Outcome::Unchanged => Ok(debit.clone()),
                Outcome::Changed(ProvedPaid::Debit(after) | ProvedPaid::Found(after)) => Ok(after),
                Outcome::Contradicts => Err(Refused::Contradicts),
            };
        }
    };
    next.map_err(Refused::Conflict)
}

/// A debit after more inputs, each at its time.
pub(crate) fn then(debit: &Debit, inputs: &[(&str, Input)]) -> Debit {
    inputs.iter().fold(debit.clone(), |debit, (time, input)| {
        let after = after(&debit, input, at(time));
        after.unwrap_or_else(|refused| unreachable!("{time} {input:?}: {refused:?}"))
    })
}

/// A new debit after the inputs, each at its time.
pub(crate) fn after_all(inputs: &[(&str, Input)]) -> Debit {
    then(&opened(&provider().provider, 7, at("2015-05-17 00:30")), inputs)
}

pub(crate) fn sent(time: &'static str) -> (&'static str, Input) {
    (time, Input::Sent("amount=12.34"))
}

/// Declined for want of funds at these times, the first of them when it was first sent.
pub(crate) fn declined_at(times: &[&'static str]) -> Vec<(&'static str, Input)> {
    times.iter().flat_map(|time| [sent(time), (*time, pay_declined())]).collect()
}

/// Declined on the last of its days, 17 May.
pub(crate) fn declined_thrice() -> Vec<(&'static str, Input)> {
    declined_at(&["2015-05-14 10:00", "2015-05-15 10:00", NOW])
}

/// Declined as often for being outside a window, each on a day of its own, the last on 16 May.
pub(crate) fn outside_windows(times: usize) -> Vec<(&'static str, Input)> {
    const DAYS: [&str; 6] = [
        "2015-05-11 10:00",
        "2015-05-12 10:00",
        "2015-05-13 10:00",
        "2015-05-14 10:00",
        "2015-05-15 10:00",
        "2015-05-16 10:00",
    ];
    let days = &DAYS[DAYS.len() - times..];
    days.iter()
        .flat_map(|day| [sent(day), (*day, pay_declined_for(DeclineReason::Window))])
        .collect()
}

/// Sent again after a first request that nobody answered: the gateway does not know it yet.
pub(crate) fn sent_again() -> Vec<(&'static str, Input)> {
    vec![
        sent("2015-05-17 09:59:50"),
        ("2015-05-17 09:59:50", pay_in_doubt()),
        ("2015-05-17 09:59:51", not_found()),
        sent("2015-05-17 09:59:51"),
    ]
}

/// Each phase, reached by the road that leads there, and due at about [`NOW`].
pub(crate) fn every_phase() -> Vec<(&'static str, Debit)> {
    let unsent = after_all(&[]);
    let declined = after_all(&declined_at(&["2015-05-16 10:00"]));
    let sending = after_all(&[sent(NOW)]);
    let declined_2 = after_all(&declined_at(&["2015-05-14 10:00", "2015-05-15 10:00"]));
    let windows = after_all(&outside_windows(WINDOW_TRIES_MAX - 1));
    let troubled = then(&sending, &[(NOW, Input::Pay(PayAnswer::OwnAccount(code())))]);
    let again = after_all(&sent_again());
    let doubted = then(&sending, &[(NOW, pay_in_doubt())]);
    let checking = after_all(&declined_thrice());
    let closing = then(&checking, &[(NOW, pending())]);
    let confirming = then(&closing, &[(NOW, Input::Closed)]);
    let given_up = then(&checking, &[(NOW, query_closed())]);
    let dead = |debit: &Debit| {
        let dead = Input::Pay(PayAnswer::MandateDead(code()));
        then(debit, &[("2015-05-17 09:59:55", dead)])
    };
    let to_confirm = [("2015-05-17 09:59:55", not_found()), ("2015-05-17 09:59:55", Input::Closed)];
    let held = then(&sending, &[(NOW, Input::Pay(PayAnswer::OwnFault(code())))]);
    let rechecking = then(&held, &[(NOW, Input::Resolved(Resolution::Ask))]);
    let second_due = then(&sending, &[(NOW, query_closed())]);
    let second = then(&second_due, &[(NOW, Input::Sent("second"))]);
    vec![
        ("due", unsent.clone()),
        ("due, declined", declined.clone()),
        ("sending", sending.clone()),
        ("sending, 1 decline", then(&declined, &[sent(NOW)])),
        ("sending, 2 declines", then(&declined_2, &[sent(NOW)])),
        ("sending, 6 windows", then(&windows, &[sent(NOW)])),
        ("sending, trouble", then(&troubled, &[sent("2015-05-17 10:01")])),
        ("sending again", again.clone()),
        ("in doubt", doubted.clone()),
        ("in doubt twice", then(&doubted, &[(NOW, query_in_doubt())])),
        ("checking", checking.clone()),
        ("closing", closing.clone()),
        ("confirming", confirming.clone()),
        ("closing again", then(&confirming, &[(NOW, pending())])),
        ("mandate dead", dead(&again)),
        ("confirming, unanswered", then(&dead(&again), &to_confirm)),
        ("held", held.clone()),
        ("rechecking", rechecking.clone()),
        ("held, rechecked", then(&rechecking, &[(NOW, pending())])),
        ("paid", then(&sending, &[(NOW, pay_paid())])),
        ("given up", given_up.clone()),
        ("given up, found", then(&given_up, &[(NOW, Input::Proved(1, paid_fen(1234)))])),
        ("withdrawn", then(&unsent, &[(NOW, Input::Withdrawn)])),
        ("due, second", second_due.clone()),
        ("sending, second", second.clone()),
        ("paid by the second", then(&second, &[(NOW, pay_paid())])),
        ("held, second", then(&second, &[(NOW, Input::Pay(PayAnswer::OwnFault(code())))])),
    ]
}

/// The phase of that name.
pub(crate) fn in_phase(name: &str) -> Debit {
    let named = every_phase().into_iter().find(|(phase, _)| *phase == name);
    named.map(|(_, debit)| debit).unwrap()
}

pub(crate) fn every_input() -> Vec<(&'static str, Input)> {
    vec![
        ("sent", Input::Sent("amount=12.34")),
        ("pay: paid", pay_paid()),
        ("pay: paid, a fen short", Input::Pay(PayAnswer::Paid(paid_fen(1233)))),
        ("pay: declined", pay_declined()),
        ("pay: above a cap", pay_declined_for(DeclineReason::AmountCap)),
        ("pay: outside a window", pay_declined_for(DeclineReason::Window)),
        ("pay: mandate dead", Input::Pay(PayAnswer::MandateDead(code()))),
        ("pay: payer blocked", Input::Pay(PayAnswer::PayerBlocked(code()))),
        ("pay: own account", Input::Pay(PayAnswer::OwnAccount(code()))),
        ("pay: own fault", Input::Pay(PayAnswer::OwnFault(code()))),
        ("pay: throttled", Input::Pay(PayAnswer::Throttled(code()))),
        ("pay: in doubt", pay_in_doubt()),
        ("query: paid", query_paid()),
        ("query: paid, a fen over", Input::Query(QueryAnswer::Paid(paid_fen(1235)))),
        ("query: pending", pending()),
        ("query: closed", query_closed()),
        ("query: not found", not_found()),
        ("query: in doubt", query_in_doubt()),
        ("closed", Input::Closed),
        ("close: in doubt", Input::CloseInDoubt),
        ("resolved: ask", Input::Resolved(Resolution::Ask)),
        ("resolved: retry", Input::Resolved(Resolution::Retry)),
        ("resolved: give up", Input::Resolved(Resolution::GiveUp)),
        ("nothing is owed", Input::Withdrawn),
        ("the day is capped", Input::Capped),
        ("without mandate", Input::WithoutMandate),
        ("mandate suspended", Input::Postponed),
        ("reported", Input::Reported),
        ("proof: 1 paid", Input::Proved(1, paid_fen(1234))),
        ("proof: 1 paid, a fen over", Input::Proved(1, paid_fen(1235))),
        ("proof: 1 paid otherwise", Input::Proved(1, other_trade())),
        ("proof: 2 paid", Input::Proved(2, paid_fen(1234))),
        ("proof: 3 paid", Input::Proved(3, paid_fen(1234))),
    ]
}
