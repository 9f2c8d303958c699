//! Credit and debit notes for closed months: once on one statement, whatever is repeated or lost.

use steelyard_billing::{
    AdjustmentError, AdjustmentOf, AdjustmentPhase, AdjustmentRequest, Person, ProviderId, Reason,
};
use steelyard_books::{Adjusted, BookError};
use steelyard_local_aws::{Fault, Target};
use steelyard_tests::{Platform, fen};

const BASIC: &str = "taobao.trades.sold.get";

/// A platform on the morning of 5 June, where `a` was charged ¥10.00 for the last day of May, pays
/// by debits, and no longer calls anything.
pub(crate) async fn after_may() -> Platform {
    let platform = Platform::open().await;
    platform.set("2015-05-31T20:00");
    platform.sign("a", 1_000_000).await;
    platform.count_as("wrong", "a", BASIC, "2015-05-31", 600_000).await;
    // The bill of the first of June shows what was withheld then.
    platform.run_until("2015-06-02T12:00").await;
    platform.settle_at("2015-06-05T00:30").await;
    platform.set("2015-06-05T09:00");
    assert_eq!(platform.taken("a"), 1_000);
    platform
}

pub(crate) fn request(amount: i64) -> AdjustmentRequest {
    AdjustmentRequest {
        id: None,
        amount_fen: fen(amount),
        of: AdjustmentOf {
            corrects: "2015-05-31".parse().unwrap(),
            line: Some(1),
            reports: serde_json::from_value(
                serde_json::json!([{ "source": "gateway-1", "report": "wrong" }]),
            )
            .unwrap(),
        },
        reason: Reason::new("the gateway counted twice").unwrap(),
        by: Person::new("li").unwrap(),
    }
}

pub(crate) async fn adjust(
    platform: &Platform,
    request: &AdjustmentRequest,
) -> Result<Adjusted, BookError> {
    let (usage, now) = (&platform.stack.tables.usage, platform.stack.clock.now());
    platform.books().adjust(usage, &"a".parse().unwrap(), request, now).await
}

#[tokio::test]
async fn credit_note_becomes_prepaid_money_on_a_line_that_says_why() {
    let platform = after_may().await;
    let made = adjust(&platform, &request(-400)).await.unwrap();
    let Adjusted::Now(made) = made else { panic!("{made:?}") };
    let again = adjust(&platform, &request(-400)).await.unwrap();
    assert_eq!(again, Adjusted::Before(made.clone()));
    platform.check_money("a", &[("2015-05-31", 1_000)], [0, 0, 0], 1_000).await;
    platform.run_until("2015-06-06T12:00").await;
    platform
        .check_money("a", &[("2015-05-31", 1_000), ("2015-06-05", -400)], [400, 0, 0], 1_000)
        .await;
    let statement = platform.statements("a").await.pop().unwrap();
    assert_eq!((&statement.lines, &statement.adjustments), (&vec![], &vec![made.note.clone()]));
    let again = adjust(&platform, &request(-400)).await.unwrap();
    let Adjusted::Before(booked) = again else { panic!("{again:?}") };
    let phase = AdjustmentPhase::Booked { booked_on: statement.statement };
    assert_eq!((booked.note, booked.phase), (made.note, phase));
    platform.run_until("2015-06-08T12:00").await;
    assert_eq!(platform.charges("a").await.len(), 2, "it is booked once");
}

#[tokio::test]
async fn debit_note_is_withheld_like_usage() {
    let platform = after_may().await;
    adjust(&platform, &request(250)).await.unwrap();
    platform.run_until("2015-06-06T12:00").await;
    platform
        .check_money("a", &[("2015-05-31", 1_000), ("2015-06-05", 250)], [0, 0, 0], 1_250)
        .await;
}

#[tokio::test]
async fn same_note_by_two_people_at_once_is_one() {
    let platform = after_may().await;
    let mut by_another = request(-400);
    by_another.by = Person::new("wang").unwrap();
    let notes = [request(-400), by_another, request(-400), request(-400)];
    let made = futures::future::join_all(notes.iter().map(|note| adjust(&platform, note))).await;
    let is_now = |made: &&Result<Adjusted, BookError>| matches!(made, Ok(Adjusted::Now(_)));
    assert_eq!((made.iter().filter(is_now).count(), made.iter().flatten().count()), (1, 4));
    assert_eq!(platform.found("a").await.account.adjustments.len(), 1);
    platform.run_until("2015-06-06T12:00").await;
    platform
        .check_money("a", &[("2015-05-31", 1_000), ("2015-06-05", -400)], [400, 0, 0], 1_000)
        .await;
}

#[tokio::test]
async fn note_that_refers_to_nothing_or_to_an_open_month_is_refused_by_name() {
    let platform = after_may().await;
    let with = |change: &dyn Fn(&mut AdjustmentRequest)| {
        let mut request = request(-400);
        change(&mut request);
        request
    };
    let named = |reason: &str| {
        with(&|request| {
            request.id = Some("one".parse().unwrap());
            request.reason = Reason::new(reason).unwrap();
        })
    };
    adjust(&platform, &named("first")).await.unwrap();
    for (request, expected) in [
        (
            with(&|request| request.of.corrects = "2015-06-02".parse().unwrap()),
            "2015-06 is not closed",
        ),
        (
            with(&|request| request.of.corrects = "2015-05-30".parse().unwrap()),
            "there is no statement 2015-05-30",
        ),
        (
            with(&|request| request.of.line = Some(2)),
            "statement 2015-05-31 has no line 2: the last one is 1",
        ),
        (
            with(&|request| request.of.line = Some(0)),
            "statement 2015-05-31 has no line 0: the last one is 1",
        ),
        (
            with(&|request| request.of.reports[0].report = "other".parse().unwrap()),
            "2015-05 has no report other of gateway-1",
        ),
        (named("second"), "adjustment one was made before"),
    ] {
        let refused = adjust(&platform, &request).await.unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{refused}");
    }
    let nobody: ProviderId = "nobody".parse().unwrap();
    let (usage, now) = (&platform.stack.tables.usage, platform.stack.clock.now());
    let refused = platform.books().adjust(usage, &nobody, &request(-1), now).await.unwrap_err();
    assert!(matches!(refused, BookError::NoProvider(_)), "{refused}");
}

#[tokio::test]
async fn note_is_approved_by_another_than_its_author_and_rejected_by_anybody_until_it_is_booked() {
    let platform = after_may().await;
    let (books, provider) = (platform.books(), "a".parse::<ProviderId>().unwrap());
    let (now, why) = (platform.stack.clock.now(), Reason::new("a mistake").unwrap());
    let (li, wang) = (Person::new("li").unwrap(), Person::new("wang").unwrap());
    let mut ids = Vec::new();
    for amount in [-400, -300] {
        let Adjusted::Now(made) = adjust(&platform, &request(amount)).await.unwrap() else {
            panic!("it is new")
        };
        ids.push(made.note.adjustment);
    }
    let own = books.approve_adjustment(&provider, &ids[0], &li, now).await.unwrap_err();
    assert!(matches!(own, BookError::Adjustment(AdjustmentError::OwnApproval { .. })), "{own}");
    for _ in 0..2 {
        let approved = books.approve_adjustment(&provider, &ids[0], &wang, now).await.unwrap();
        assert_eq!(approved.note.approval.unwrap().by, wang);
        let rejected = books.reject_adjustment(&provider, &ids[1], (&li, &why), now).await.unwrap();
        assert!(matches!(rejected.phase, AdjustmentPhase::Rejected { .. }), "{rejected:?}");
    }
    platform.run_until("2015-06-06T12:00").await;
    platform
        .check_money("a", &[("2015-05-31", 1_000), ("2015-06-05", -400)], [400, 0, 0], 1_000)
        .await;
    let booked = books.reject_adjustment(&provider, &ids[0], (&wang, &why), now).await.unwrap_err();
    assert!(matches!(booked, BookError::Adjustment(AdjustmentError::Booked { .. })), "{booked}");
}

#[tokio::test]
async fn note_whose_answers_get_lost_is_booked_once() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Throttle] {
        for times in [1, 3, 30] {
            let platform = after_may().await;
            let faults = platform.stack.transport.faults();
            faults.strike(Target::Operation("TransactWriteItems"), 1..=times, fault);
            drop(adjust(&platform, &request(-400)).await);
            platform.stack.transport.faults().restore();
            adjust(&platform, &request(-400)).await.unwrap();
            platform.run_until("2015-06-06T12:00").await;
            let charges = [("2015-05-31", 1_000), ("2015-06-05", -400)];
            platform.check_money("a", &charges, [400, 0, 0], 1_000).await;
        }
    }
}
