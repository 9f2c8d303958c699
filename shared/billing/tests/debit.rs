//! A debit takes its amount once or never: every phase by every answer, and any sequence of them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{at, mandate, provider, terms};
use expect_test::{Expect, expect};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{
    Debit, DebitConflict, DebitId, Decline, Doubt, OutTradeNo, PayAnswer, Payment, Phase,
    ProviderId, QueryAnswer, Step, TRIES_MAX,
};
use steelyard_pricing::Fen;

const AMOUNT: Fen = Fen::new(1234);

/// What can happen to a debit.
#[derive(Clone, Debug)]
enum Input {
    /// It is about to be sent, with this content if it has none yet.
    Sent(&'static str),
    Pay(PayAnswer),
    Query(QueryAnswer),
    Closed,
}

fn paid_fen(fen: i64) -> Payment {
    Payment { trade_no: "2015051721001004".to_owned(), amount_fen: Fen::new(fen) }
}

fn pay_paid() -> Input {
    Input::Pay(PayAnswer::Paid(paid_fen(1234)))
}

fn pay_declined() -> Input {
    let sub_code = "ACQ.BUYER_BALANCE_NOT_ENOUGH".to_owned();
    Input::Pay(PayAnswer::Declined(Decline { sub_code }))
}

fn pay_in_doubt() -> Input {
    Input::Pay(PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())))
}

fn query_paid() -> Input {
    Input::Query(QueryAnswer::Paid(paid_fen(1234)))
}

fn query_in_doubt() -> Input {
    Input::Query(QueryAnswer::InDoubt(Doubt("unsigned".to_owned())))
}

fn opened(provider: &ProviderId, debit: u64, now: Timestamp) -> Debit {
    Debit::open(provider, DebitId(debit), AMOUNT, &mandate(), &terms(), now)
}

/// The only place of this file that moves a debit.
fn after(debit: &Debit, input: &Input, now: Timestamp) -> Result<Debit, DebitConflict> {
    match input {
        Input::Sent(content) => Ok(debit.sending((*content).to_owned(), now)),
        Input::Pay(answer) => debit.after_pay(answer.clone(), &terms(), now),
        Input::Query(answer) => debit.after_query(answer.clone(), now),
        Input::Closed => debit.after_close(now),
    }
}

/// A new debit after the inputs, each at its time.
fn after_all(inputs: &[(&str, Input)]) -> Debit {
    let new = opened(&provider().provider, 7, at("2015-05-17 00:30"));
    inputs.iter().fold(new, |debit, (time, input)| after(&debit, input, at(time)).unwrap())
}

fn sent(time: &'static str) -> (&'static str, Input) {
    (time, Input::Sent("amount=12.34"))
}

fn declined_twice() -> Vec<(&'static str, Input)> {
    vec![
        sent("2015-05-15 10:00"),
        ("2015-05-15 10:00", pay_declined()),
        sent("2015-05-16 10:00"),
        ("2015-05-16 10:00", pay_declined()),
    ]
}

fn declined_thrice() -> Vec<(&'static str, Input)> {
    let third = [sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_declined())];
    [declined_twice(), third.into()].concat()
}

/// Each phase, reached by the road that leads there, and just now due.
fn every_phase() -> Vec<(&'static str, Debit)> {
    let now = "2015-05-17 10:00";
    let doubted = [sent(now), (now, pay_in_doubt())];
    let closing = [declined_thrice(), vec![(now, Input::Query(QueryAnswer::Pending))]].concat();
    let exhausted = [declined_thrice(), vec![(now, Input::Query(QueryAnswer::Closed))]].concat();
    vec![
        ("due", after_all(&[])),
        ("sending", after_all(&[sent(now)])),
        ("sending, 1 decline", after_all(&[&declined_twice()[..2], &[sent(now)]].concat())),
        ("sending, 2 declines", after_all(&[declined_twice(), vec![sent(now)]].concat())),
        ("in doubt", after_all(&doubted)),
        ("in doubt twice", after_all(&[&doubted[..], &[(now, query_in_doubt())]].concat())),
        ("exhausting", after_all(&declined_thrice())),
        ("closing", after_all(&closing)),
        ("paid", after_all(&[sent(now), (now, pay_paid())])),
        ("exhausted", after_all(&exhausted)),
    ]
}

fn every_answer() -> Vec<(&'static str, Input)> {
    vec![
        ("pay: paid", pay_paid()),
        ("pay: paid, a fen short", Input::Pay(PayAnswer::Paid(paid_fen(1233)))),
        ("pay: declined", pay_declined()),
        ("pay: in doubt", pay_in_doubt()),
        ("query: paid", query_paid()),
        ("query: paid, a fen over", Input::Query(QueryAnswer::Paid(paid_fen(1235)))),
        ("query: pending", Input::Query(QueryAnswer::Pending)),
        ("query: closed", Input::Query(QueryAnswer::Closed)),
        ("query: not found", Input::Query(QueryAnswer::NotFound)),
        ("query: in doubt", query_in_doubt()),
        ("closed", Input::Closed),
    ]
}

/// What a wall clock in Shanghai shows.
fn clock(instant: Timestamp) -> String {
    instant.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string()
}

fn phase(debit: &Debit) -> &'static str {
    match debit.phase {
        Phase::Due => "due",
        Phase::Sending => "sending",
        Phase::InDoubt { .. } => "in doubt",
        Phase::Exhausting => "exhausting",
        Phase::Closing => "closing",
        Phase::Paid { .. } => "paid",
        Phase::Exhausted => "exhausted",
    }
}

/// A debit as a row of a table.
fn note(debit: &Debit) -> String {
    let request = if debit.request.is_some() { "same" } else { "none" };
    format!(
        "{:10} {} | {} {} | {} {request}",
        phase(debit),
        clock(debit.due_at_s),
        debit.declines,
        debit.doubts,
        debit.attempt
    )
}

/// One row of the table; none if the debit was not waiting for such an answer.
fn row(from: &str, name: &str, debit: &Debit, input: &Input) -> Option<String> {
    let to = match after(debit, input, at("2015-05-17 10:00")) {
        Ok(debit) => note(&debit),
        Err(DebitConflict::Amount { asked, taken, .. }) => {
            format!("CONFLICT   asked {asked}, took {taken}")
        }
        Err(error) => {
            let not_waiting =
                DebitConflict::NotWaiting { debit: debit.debit, phase: debit.phase.clone() };
            assert_eq!(error, not_waiting);
            return None;
        }
    };
    Some(format!("{from:19} | {name:23} | {to}"))
}

fn check_table(expected: Expect) {
    let mut rows = vec![format!(
        "{:19} | {:23} | to         due         | declines doubts | attempt request",
        "from", "answer on 05-17 10:00"
    )];
    for (from, debit) in every_phase() {
        let answers = every_answer();
        rows.extend(answers.iter().filter_map(|(name, input)| row(from, name, &debit, input)));
        rows.push(format!("{from:19} | {:23} | CONFLICT", "every other answer"));
    }
    expected.assert_eq(&rows.join("\n"));
}

#[test]
fn every_answer_in_every_phase_has_one_outcome() {
    check_table(expect![[r#"
        from                | answer on 05-17 10:00   | to         due         | declines doubts | attempt request
        due                 | every other answer      | CONFLICT
        sending             | pay: paid               | paid       05-17 10:00 | 0 0 | 1 same
        sending             | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending             | pay: declined           | due        05-18 10:00 | 1 0 | 1 same
        sending             | pay: in doubt           | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | query: paid             | paid       05-17 10:00 | 0 0 | 1 same
        sending             | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending             | query: pending          | due        05-17 10:00 | 0 0 | 1 same
        sending             | query: closed           | due        05-17 10:00 | 0 0 | 2 none
        sending             | query: not found        | due        05-17 10:00 | 0 0 | 1 same
        sending             | query: in doubt         | in doubt   05-17 10:01 | 0 1 | 1 same
        sending             | every other answer      | CONFLICT
        sending, 1 decline  | pay: paid               | paid       05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending, 1 decline  | pay: declined           | due        05-18 10:00 | 2 0 | 1 same
        sending, 1 decline  | pay: in doubt           | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | query: paid             | paid       05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending, 1 decline  | query: pending          | due        05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: closed           | due        05-17 10:00 | 1 0 | 2 none
        sending, 1 decline  | query: not found        | due        05-17 10:00 | 1 0 | 1 same
        sending, 1 decline  | query: in doubt         | in doubt   05-17 10:01 | 1 1 | 1 same
        sending, 1 decline  | every other answer      | CONFLICT
        sending, 2 declines | pay: paid               | paid       05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | pay: paid, a fen short  | CONFLICT   asked 12.34, took 12.33
        sending, 2 declines | pay: declined           | exhausting 05-17 10:00 | 3 0 | 1 same
        sending, 2 declines | pay: in doubt           | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | query: paid             | paid       05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        sending, 2 declines | query: pending          | due        05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: closed           | due        05-17 10:00 | 2 0 | 2 none
        sending, 2 declines | query: not found        | due        05-17 10:00 | 2 0 | 1 same
        sending, 2 declines | query: in doubt         | in doubt   05-17 10:01 | 2 1 | 1 same
        sending, 2 declines | every other answer      | CONFLICT
        in doubt            | query: paid             | paid       05-17 10:00 | 0 0 | 1 same
        in doubt            | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        in doubt            | query: pending          | due        05-17 10:00 | 0 0 | 1 same
        in doubt            | query: closed           | due        05-17 10:00 | 0 0 | 2 none
        in doubt            | query: not found        | due        05-17 10:00 | 0 0 | 1 same
        in doubt            | query: in doubt         | in doubt   05-17 10:02 | 0 2 | 1 same
        in doubt            | every other answer      | CONFLICT
        in doubt twice      | query: paid             | paid       05-17 10:00 | 0 0 | 1 same
        in doubt twice      | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        in doubt twice      | query: pending          | due        05-17 10:00 | 0 0 | 1 same
        in doubt twice      | query: closed           | due        05-17 10:00 | 0 0 | 2 none
        in doubt twice      | query: not found        | due        05-17 10:00 | 0 0 | 1 same
        in doubt twice      | query: in doubt         | in doubt   05-17 10:04 | 0 3 | 1 same
        in doubt twice      | every other answer      | CONFLICT
        exhausting          | query: paid             | paid       05-17 10:00 | 3 0 | 1 same
        exhausting          | query: paid, a fen over | CONFLICT   asked 12.34, took 12.35
        exhausting          | query: pending          | closing    05-17 10:00 | 3 0 | 1 same
        exhausting          | query: closed           | exhausted  05-17 10:00 | 3 0 | 1 same
        exhausting          | query: not found        | exhausted  05-17 10:00 | 3 0 | 1 same
        exhausting          | query: in doubt         | exhausting 05-17 10:01 | 3 1 | 1 same
        exhausting          | every other answer      | CONFLICT
        closing             | closed                  | exhausting 05-17 10:00 | 3 1 | 1 same
        closing             | every other answer      | CONFLICT
        paid                | every other answer      | CONFLICT
        exhausted           | every other answer      | CONFLICT"#]]);
}

#[test]
fn a_debit_waits_until_it_is_due_and_then_has_one_next_step() {
    for (name, step) in [
        ("due", Step::Pay),
        ("sending", Step::Query),
        ("sending, 1 decline", Step::Query),
        ("sending, 2 declines", Step::Query),
        ("in doubt", Step::Query),
        ("in doubt twice", Step::Query),
        ("exhausting", Step::Query),
        ("closing", Step::Close),
        ("paid", Step::Wait),
        ("exhausted", Step::Wait),
    ] {
        let (_, debit) = every_phase().into_iter().find(|(phase, _)| *phase == name).unwrap();
        let second = SignedDuration::from_secs(1);
        assert_eq!(debit.next_step(debit.due_at_s - second), Step::Wait, "{name}, early");
        assert_eq!(debit.next_step(debit.due_at_s), step, "{name}, due");
        assert_eq!(debit.next_step(at("2016-01-01 00:00")), step, "{name}, long due");
        assert_eq!(debit.is_open(), step != Step::Wait, "{name}");
        assert_eq!(debit.payment().is_some(), name == "paid", "{name}");
    }
}

#[test]
fn an_open_debit_is_read_as_it_was_stored() {
    for (name, debit) in every_phase().into_iter().filter(|(_, debit)| debit.is_open()) {
        let stored = serde_json::to_string(&debit).unwrap();
        assert_eq!(serde_json::from_str::<Debit>(&stored).unwrap(), debit, "{name}");
    }
}

#[test]
fn a_debit_falls_due_at_ten_in_the_morning_of_the_platform() {
    for (opened_at, due) in [
        ("2015-05-17 00:30", "2015-05-17 10:00"),
        ("2015-05-17 10:00", "2015-05-17 10:00"),
        ("2015-05-17 10:00:01", "2015-05-18 10:00"),
        ("2015-12-31 23:59:59", "2016-01-01 10:00"),
    ] {
        let debit = opened(&provider().provider, 1, at(opened_at));
        assert_eq!(debit.due_at_s, at(due), "{opened_at}");
    }
}

#[test]
fn a_decline_is_tried_again_at_ten_on_the_next_day_whatever_the_hour() {
    for (declined_at, due) in [
        ("2015-05-17 00:00", "2015-05-18 10:00"),
        ("2015-05-17 10:00", "2015-05-18 10:00"),
        ("2015-05-17 23:59:59", "2015-05-18 10:00"),
    ] {
        let debit = after_all(&[sent(declined_at), (declined_at, pay_declined())]);
        assert_eq!(debit.due_at_s, at(due), "{declined_at}");
    }
}

#[test]
fn an_attempt_whose_sender_died_is_asked_about_after_a_minute() {
    let debit = after_all(&[sent("2015-05-17 10:00")]);
    assert_eq!(debit.due_at_s, at("2015-05-17 10:01"));
    assert_eq!(debit.next_step(at("2015-05-17 10:01")), Step::Query);
}

#[test]
fn doubt_is_asked_about_after_one_two_four_minutes_and_then_every_hour() {
    let mut debit = after_all(&[sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_in_doubt())]);
    let mut waits = Vec::new();
    let mut now = at("2015-05-17 10:00");
    for _ in 0..9 {
        waits.push((debit.due_at_s - now).total(jiff::Unit::Minute).unwrap());
        now = debit.due_at_s;
        debit = after(&debit, &query_in_doubt(), now).unwrap();
    }
    assert_eq!(waits, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
}

#[test]
fn debit_without_an_answer_is_in_doubt_and_never_declined() {
    let debit = after_all(&[sent("2015-05-17 10:00"), ("2015-05-17 10:00", pay_in_doubt())]);
    assert_eq!(debit.phase, Phase::InDoubt { why: "no answer in 10 s".to_owned() });
    assert_eq!((debit.declines, debit.doubts), (0, 1));
}

#[test]
fn the_same_number_and_bytes_are_sent_through_declines_and_doubts() {
    let sending_again = |time| (time, Input::Sent("amount=12.34&built=again"));
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let last = after_all(&[
        sent("2015-05-17 10:00"),
        ("2015-05-17 10:00", pay_in_doubt()),
        ("2015-05-17 10:01", query_in_doubt()),
        ("2015-05-17 10:03", Input::Query(QueryAnswer::NotFound)),
        sending_again("2015-05-17 10:03"),
        ("2015-05-17 10:03", pay_declined()),
        sending_again("2015-05-18 10:00"),
        ("2015-05-18 10:01", Input::Query(QueryAnswer::Pending)),
        sending_again("2015-05-18 10:01"),
        ("2015-05-18 10:01", pay_declined()),
        sending_again("2015-05-19 10:00"),
    ]);
    assert_eq!(last.request.as_deref(), Some("amount=12.34"));
    assert_eq!((&last.out_trade_no, &last.request), (&first.out_trade_no, &first.request));
    assert_eq!((last.attempt, last.declines), (1, 2));
}

#[test]
fn a_new_number_with_bytes_of_its_own_is_used_only_after_the_old_one_was_closed() {
    let first = after_all(&[sent("2015-05-17 10:00")]);
    let closed = after(&first, &Input::Query(QueryAnswer::Closed), at("2015-05-17 10:01")).unwrap();
    assert_eq!((closed.attempt, &closed.request), (2, &None));
    assert_ne!(closed.out_trade_no, first.out_trade_no);
    assert_eq!(closed.next_step(at("2015-05-17 10:01")), Step::Pay);
    let second = after(&closed, &Input::Sent("second"), at("2015-05-17 10:01")).unwrap();
    assert_eq!(second.request.as_deref(), Some("second"));
    assert_eq!(second.out_trade_no, closed.out_trade_no);
}

#[test]
fn three_declines_on_three_days_are_given_up_only_when_a_query_proves_them_unpaid() {
    let debit = after_all(&declined_thrice());
    assert_eq!((debit.declines, debit.is_open()), (TRIES_MAX, true));
    assert_eq!(debit.next_step(at("2015-05-17 10:00")), Step::Query);

    let pending =
        after(&debit, &Input::Query(QueryAnswer::Pending), at("2015-05-17 10:00")).unwrap();
    assert_eq!(pending.next_step(pending.due_at_s), Step::Close);
    let closed = after(&pending, &Input::Closed, pending.due_at_s).unwrap();
    assert!(closed.is_open(), "closing is no proof");
    let proved = after(&closed, &Input::Query(QueryAnswer::Closed), closed.due_at_s).unwrap();
    assert_eq!(proved.phase, Phase::Exhausted);

    let paid_after_all = after(&closed, &query_paid(), closed.due_at_s).unwrap();
    assert_eq!(paid_after_all.payment(), Some(paid_fen(1234)));
}

#[test]
fn an_amount_off_by_a_fen_is_a_conflict_and_not_a_payment() {
    let debit = after_all(&[sent("2015-05-17 10:00")]);
    for fen in [0, 1, 1233, 1235, -1234, i64::MAX] {
        let taken = Fen::new(fen);
        let conflict = Err(DebitConflict::Amount { debit: DebitId(7), asked: AMOUNT, taken });
        let pay = Input::Pay(PayAnswer::Paid(paid_fen(fen)));
        let query = Input::Query(QueryAnswer::Paid(paid_fen(fen)));
        assert_eq!(after(&debit, &pay, debit.due_at_s), conflict, "{fen}");
        assert_eq!(after(&debit, &query, debit.due_at_s), conflict, "{fen}");
    }
}

fn inputs() -> impl Strategy<Value = Vec<(Input, i64)>> {
    let answers = every_answer().into_iter().map(|(_, input)| input);
    let sends = [Input::Sent("first"), Input::Sent("built again")];
    // Declines and sends are drawn more often, so that debits also come to their end.
    let often = [pay_declined(), pay_declined(), Input::Sent("late"), Input::Sent("later")];
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
    if after.phase == Phase::Exhausted {
        prop_assert_eq!(after.declines, TRIES_MAX);
        prop_assert!(closed || matches!(input, Input::Query(QueryAnswer::NotFound)));
    }
    if after.out_trade_no == before.out_trade_no {
        prop_assert_eq!(after.attempt, before.attempt);
        prop_assert!(before.request.is_none() || after.request == before.request);
    } else {
        prop_assert!(closed, "a new number after {input:?}");
        prop_assert_eq!((after.attempt, &after.request), (before.attempt + 1, &None));
    }
    let declined = matches!(input, Input::Pay(PayAnswer::Declined(_)));
    prop_assert_eq!(after.declines, before.declines + u8::from(declined));
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
            if matches!(input, Input::Sent(_)) && debit.next_step(now) != Step::Pay {
                continue;
            }
            let Ok(next) = after(&debit, input, now) else { continue };
            check_change(&Change { before: &debit, input, after: &next, now })?;
            if next.declines > debit.declines {
                declined_on.push(clock(now)[..5].to_owned());
            }
            debit = next;
        }
        let declines = declined_on.len();
        declined_on.dedup();
        prop_assert_eq!(declined_on.len(), declines, "one decline a day");
    }
}
