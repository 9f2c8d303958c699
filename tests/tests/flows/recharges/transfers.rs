//! Bank transfers: each is booked once by its reference, which is unique across all providers.

use steelyard_billing::ProviderId;
use steelyard_books::{BookError, PaidIn};
use steelyard_store::{BookedTransfer, TransferOf};

use super::*;

/// Books a transfer by some machine.
async fn pay_in(
    books: &steelyard_books::Books,
    provider: &str,
    amount: i64,
    reference: &str,
    platform: &Platform,
) -> Result<PaidIn, BookError> {
    let now = platform.stack.clock.now();
    books
        .pay_in(
            &provider.parse().unwrap(),
            fen(amount),
            &steelyard_tests::reference(reference),
            now,
        )
        .await
}

/// How many transfers the journal of a provider has.
async fn transfers(platform: &Platform, provider: &str) -> usize {
    let provider: ProviderId = provider.parse().unwrap();
    let journal = platform.stack.tables.billing.journal(&provider).await.unwrap();
    let is_transfer = |cause: &Cause| matches!(cause, Cause::Recharged { .. });
    journal.iter().filter(|entry| is_transfer(&entry.record().cause)).count()
}

#[tokio::test]
async fn reference_that_was_used_is_refused_by_name_and_nothing_is_booked() {
    let platform = empty().await;
    platform.join("b").await;
    let books = platform.books();
    let first = pay_in(&books, "a", 10_000, "bank-20150501-7", &platform).await.unwrap();
    assert!(matches!(first, PaidIn::Now(_)), "{first:?}");
    let records = platform.records().await;
    let used = PaidIn::ReferenceUsed(BookedTransfer {
        provider: "a".parse().unwrap(),
        amount_fen: fen(10_000),
        of: TransferOf::Prepaid,
    });
    for (provider, amount) in [("b", 10_000), ("b", 5_000), ("a", 9_999), ("a", 10_001)] {
        let again = pay_in(&books, provider, amount, "bank-20150501-7", &platform).await.unwrap();
        assert_eq!(again, used, "{amount} fen of {provider}");
    }
    assert_eq!(platform.records().await, records);
    assert_eq!([transfers(&platform, "a").await, transfers(&platform, "b").await], [1, 0]);
    // Another reference is another transfer.
    platform.recharge("b", 10_000, "bank-20150501-8").await;
    assert_eq!(platform.account("b").await, [10_000, 0, 0]);
    platform.books_balance().await;
}

#[tokio::test]
async fn transfer_that_is_booked_twice_is_booked_once() {
    let platform = empty().await;
    let books = platform.books();
    for time in ["2015-05-01T20:00", "2015-05-02T20:00", "2015-06-02T20:00"] {
        platform.run_until(time).await;
        let paid = pay_in(&books, "a", 10_000, "bank-1", &platform).await.unwrap();
        let (PaidIn::Now(account) | PaidIn::Before(account)) = paid else { panic!("{paid:?}") };
        assert_eq!(account.figures.prepaid(), fen(10_000), "{time}");
    }
    assert_eq!((platform.account("a").await, transfers(&platform, "a").await), ([10_000, 0, 0], 1));
    platform.books_balance().await;
}

#[tokio::test]
async fn transfer_whose_answer_is_lost_is_booked_once() {
    for (fault, ordinals) in [
        (AwsFault::LoseAnswer, 1..=1),
        (AwsFault::LoseAnswer, 1..=2),
        (AwsFault::LoseRequest, 1..=2),
        (AwsFault::Conflict, 1..=3),
        (AwsFault::Throttle, 1..=2),
    ] {
        let platform = empty().await;
        platform.stack.transport.faults().strike(Target::Writes, ordinals, fault);
        let paid = pay_in(&platform.books(), "a", 10_000, "bank-1", &platform).await.unwrap();
        assert!(matches!(paid, PaidIn::Now(_) | PaidIn::Before(_)), "{fault:?}: {paid:?}");
        assert_eq!(platform.account("a").await, [10_000, 0, 0], "{fault:?}");
        assert_eq!(transfers(&platform, "a").await, 1, "{fault:?}");
        platform.books_balance().await;
    }
    for (fault, is_booked) in [(AwsFault::CutBefore, false), (AwsFault::CutAfter, true)] {
        let platform = empty().await;
        platform.stack.transport.faults().strike(Target::Writes, 1..=1, fault);
        let books = platform.books();
        assert!(pay_in(&books, "a", 10_000, "bank-1", &platform).await.is_err(), "{fault:?}");
        platform.stack.transport.faults().restore();
        let again = pay_in(&books, "a", 10_000, "bank-1", &platform).await.unwrap();
        assert_eq!(matches!(again, PaidIn::Before(_)), is_booked, "{fault:?}: {again:?}");
        assert_eq!(transfers(&platform, "a").await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn one_reference_for_two_providers_at_once_is_booked_for_one() {
    for behind in 0..6 {
        for (one, two) in [("a", "b"), ("a", "a")] {
            let platform = empty().await;
            platform.join("b").await;
            let machines = [Machine::new(&platform, 0), Machine::new(&platform, behind)];
            let [first, second] = machines.each_ref().map(|machine| machine.books(&platform));
            let (first, second) = join(
                pay_in(&first, one, 10_000, "bank-1", &platform),
                pay_in(&second, two, 10_000, "bank-1", &platform),
            )
            .await;
            let paid = [first.unwrap(), second.unwrap()];
            let now = paid.iter().filter(|paid| matches!(paid, PaidIn::Now(_))).count();
            let used = paid.iter().filter(|paid| matches!(paid, PaidIn::ReferenceUsed(_))).count();
            let told = format!("{one} {two}, {behind} behind: {paid:?}");
            assert_eq!((now, used), (1, usize::from(one != two)), "{told}");
            let booked = transfers(&platform, "a").await + transfers(&platform, "b").await;
            assert_eq!(booked, 1, "{told}");
            platform.books_balance().await;
        }
    }
}

#[tokio::test]
async fn transfer_of_nothing_or_of_a_provider_that_is_not_registered_is_refused() {
    let platform = empty().await;
    let books = platform.books();
    for amount in [0, -1] {
        let refused = pay_in(&books, "a", amount, "bank-1", &platform).await;
        assert!(matches!(refused, Err(BookError::Account(_))), "{refused:?}");
    }
    let refused = pay_in(&books, "nobody", 100, "bank-1", &platform).await;
    assert!(matches!(refused, Err(BookError::NoProvider(_))), "{refused:?}");
    // The reference is still free.
    platform.recharge("a", 100, "bank-1").await;
    assert_eq!(platform.account("a").await, [100, 0, 0]);
}
