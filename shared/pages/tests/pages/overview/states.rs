//! The states of the next withholding, each with its amount, what follows, and its page.

use steelyard_billing::mandate::{MandatePhase, Suspension};
use steelyard_billing::{
    Debit, DeclineReason, Declined, GatewayCode, GiveUpReason, Phase, StatementId, Withheld,
};
use steelyard_pages::overview::{OverviewRecords, StripPart, WithholdingState as State};

use super::{check_page, fen, mandate, of_debit, opened, owing, prepaid, records, sent, sum, view};
use crate::month::{Month, at, day};

/// Checks the state, the amount and what is left after it. Gives the page in both languages.
fn check(
    name: &str,
    month: &Month,
    more: OverviewRecords<'_>,
    (state, amount, rest): (State, &str, &str),
) -> [String; 2] {
    let view = view(month, &more);
    let next = &view.next_withholding;
    assert_eq!((next.state, next.amount_fen), (state, fen(amount)), "{name}");
    assert_eq!(next.rest_fen, fen(rest), "{name}");
    if let Some((last, parts)) = next.strip.split_last() {
        let amount = (StripPart::Amount, next.amount_fen);
        assert_eq!((last.part, last.amount_fen), amount, "{name}");
        assert_eq!(sum(parts.iter().map(|entry| entry.amount_fen)), last.amount_fen, "{name}");
    }
    assert_eq!(next.strip.is_empty(), next.amount_fen.is_zero(), "{name}");
    check_page(name, month, &view)
}

#[test]
fn a_debit_that_is_due_has_its_time_and_what_changes_its_amount() {
    let mut month = owing("126.02");
    let debit = opened(&mut month);
    let [english, chinese] =
        check("due", &month, of_debit(&month, &debit), (State::Due, "126.02", "0.00"));
    assert!(english.contains("Today at 10:00") && english.contains("in 1 h 28 min"));
    assert!(
        english
            .contains("with <span class=\"fig\"><span class=\"y\">¥</span>126.02</span> or more")
    );
    assert!(chinese.contains("今天 10:00") && chinese.contains("5 月 18 日账单"));

    // The night before adds a bill.
    let mut debit = debit;
    debit.task.due_at_s = at("2015-05-20T10:00");
    let [english, _] =
        check("due-tomorrow", &month, of_debit(&month, &debit), (State::Due, "126.02", "0.00"));
    assert!(english.contains("after your next bill is added"));

    let mut month = owing("700.00");
    let debit = opened(&mut month);
    let [english, _] =
        check("limit", &month, of_debit(&month, &debit), (State::Due, "500.00", "200.00"));
    assert!(english.contains("follows in further debits"));
}

#[test]
fn a_debit_that_fell_due_is_sent_now_or_put_off_or_not_needed() {
    let on = "2015-05-19".parse().unwrap();
    // It fell due after the day's limit was used up, and is put off.
    let mut month = owing("126.02");
    let mut debit = opened(&mut month);
    debit.task.due_at_s = at("2015-05-19T08:30");
    month.provider.mandate.as_mut().unwrap().daily_limit_fen = Some(fen("200.00"));
    month.account.withheld = Some(Withheld { on, taken_fen: fen("200.00") });
    let [english, _] =
        check("capped", &month, of_debit(&month, &debit), (State::Due, "126.02", "0.00"));
    assert!(english.contains("Tomorrow at 10:00"));
    month.account.withheld = None;
    let [english, _] =
        check("due-now", &month, of_debit(&month, &debit), (State::UnderWay, "126.02", "0.00"));
    assert!(english.contains("Due now") && english.contains("begins now"));

    // Its limit was lowered below the smallest debit.
    month.rules.minimum_fen = fen("1.00");
    let in_use = month.provider.mandate.as_mut().unwrap();
    (in_use.limit_fen, in_use.daily_limit_fen) = (fen("0.50"), Some(fen("0.50")));
    let more = of_debit(&month, &debit);
    let [english, _] = check("lowered", &month, more, (State::LimitTooSmall, "0.00", "126.02"));
    assert!(english.contains("limit is too low"));

    // Everything was paid before it fell due.
    let mut month = owing("0.00");
    let debit = opened(&mut month);
    month.account.withheld = Some(Withheld { on, taken_fen: fen("200.00") });
    let [english, _] =
        check("paid", &month, of_debit(&month, &debit), (State::NothingOwed, "0.00", "0.00"));
    assert!(english.contains("Nothing more is withheld today"));
}

#[test]
fn without_a_debit_the_reason_is_told() {
    let month = owing("0.00");
    check("nothing", &month, records(&month), (State::NothingOwed, "0.00", "0.00"));

    let mut month = owing("0.60");
    month.rules.minimum_fen = fen("1.00");
    let [english, _] =
        check("minimum", &month, records(&month), (State::BelowMinimum, "0.00", "0.60"));
    assert!(english.contains("wait for the next bill"));

    let mut month = owing("126.02");
    month.provider.mandate = None;
    let [english, _] =
        check("unsigned", &month, records(&month), (State::NoAgreement, "0.00", "126.02"));
    assert!(english.contains("no agreement is signed") && english.contains("Sign an agreement"));

    let why = Suspension::ByGateway;
    let suspended =
        mandate(&month, MandatePhase::Suspended { since_s: at("2015-05-18T09:00"), why });
    let more = OverviewRecords { mandate: Some(&suspended), ..records(&month) };
    let [english, _] = check("suspended", &month, more, (State::Suspended, "0.00", "126.02"));
    assert!(english.contains("Alipay has suspended it since 18 May, 09:00"));

    let mut month = owing("126.02");
    month.rules.minimum_fen = fen("1.00");
    month.provider.mandate.as_mut().unwrap().limit_fen = fen("0.50");
    check("small", &month, records(&month), (State::LimitTooSmall, "0.00", "126.02"));
}

#[test]
fn nothing_is_promised_of_a_day_that_is_not_billed_yet() {
    // A minute after midnight the bill of 19 May is still to come.
    let after_midnight = |mut month: Month| {
        month.now = at("2015-05-20T00:01");
        month
    };
    let month = after_midnight(owing("0.00"));
    let [english, chinese] =
        check("unbilled", &month, records(&month), (State::Unbilled, "0.00", "0.00"));
    assert!(english.contains("Known once your next bill is made") && english.contains("18.11"));
    assert!(!english.contains("Nothing is withheld") && chinese.contains("尚未结算"));

    let month = after_midnight(owing("126.02"));
    let [english, _] = check("and-owed", &month, records(&month), (State::Due, "126.02", "0.00"));
    assert!(english.contains("after your next bill is added"));

    let mut month = after_midnight(prepaid("18.10"));
    check("prepaid-short", &month, records(&month), (State::Unbilled, "0.00", "0.00"));
    month = after_midnight(prepaid("18.11"));
    check("prepaid-enough", &month, records(&month), (State::PrepaidCovers, "0.00", "0.00"));
    month = after_midnight(owing("0.00"));
    month.provider.mandate = None;
    check("unsigned", &month, records(&month), (State::NothingOwed, "0.00", "0.00"));

    // What cannot be read is not taken for nothing.
    let mut month = after_midnight(owing("0.00"));
    fn unread(month: &Month) -> OverviewRecords<'_> {
        OverviewRecords { coming: None, ..records(month) }
    }
    let [english, chinese] =
        check("unread", &month, unread(&month), (State::Unbilled, "0.00", "0.00"));
    assert!(english.contains("What was counted from 19 May on can't be read right now"));
    assert!(!english.contains("Nothing is withheld") && chinese.contains("5 月 19 日"));
    month.account.settled_through = Some(day("2015-05-19"));
    check("unread-billed", &month, unread(&month), (State::NothingOwed, "0.00", "0.00"));
    let month = after_midnight(owing("126.02"));
    let [english, _] = check("unread-owed", &month, unread(&month), (State::Due, "126.02", "0.00"));
    assert!(english.contains("after your next bill is added"));

    // Late usage of a day that was billed waits for the night.
    let mut month = owing("0.00");
    month.coming[0].statement = StatementId { day: day("2015-05-18"), supplement: 1 };
    check("late", &month, records(&month), (State::NothingOwed, "0.00", "0.00"));
}

#[test]
fn a_debit_that_was_sent_is_told_until_it_ends() {
    let mut month = owing("126.02");
    let sending = sent(&mut month, "126.02");
    let [english, _] =
        check("under-way", &month, of_debit(&month, &sending), (State::UnderWay, "126.02", "0.00"));
    assert!(english.contains("Being collected since 10:00"));

    let doubt = Debit { phase: Phase::InDoubt { why: "no answer".to_owned() }, ..sending.clone() };
    let [english, chinese] =
        check("doubt", &month, of_debit(&month, &doubt), (State::InDoubt, "126.02", "0.00"));
    assert!(english.contains("Don't pay again") && chinese.contains("请不要重复付款"));

    let mut declined = Debit { phase: Phase::Due, ..sending.clone() };
    declined.declines.push(Declined {
        at_s: at("2015-05-19T10:00"),
        reason: DeclineReason::Funds,
        code: GatewayCode("ACQ.BUYER_BALANCE_NOT_ENOUGH".to_owned()),
    });
    declined.task.due_at_s = at("2015-05-20T10:00");
    let [english, _] =
        check("declined", &month, of_debit(&month, &declined), (State::Declined, "126.02", "0.00"));
    assert!(
        english.contains("Tomorrow at 10:00") && english.contains("Next try tomorrow at 10:00")
    );

    // Its agreement ended meanwhile.
    let mut without = owing("126.02");
    sent(&mut without, "126.02");
    without.provider.mandate = None;
    let more = of_debit(&without, &declined);
    let [english, _] =
        check("declined-ended", &without, more, (State::NoAgreement, "0.00", "126.02"));
    assert!(english.contains("of it is held by a debit that is not sent"));

    let given_up = Debit { phase: Phase::GivenUp { why: GiveUpReason::Funds }, ..declined };
    let in_use = month.provider.mandate.clone();
    let ended = month.account.end_debit(&given_up, in_use.as_ref(), &month.rules, month.now);
    month.account = ended.unwrap().account;
    let [english, _] =
        check("given-up", &month, of_debit(&month, &given_up), (State::GivenUp, "0.00", "126.02"));
    assert!(english.contains("Not withheld any more") && english.contains("We stopped trying"));
}
