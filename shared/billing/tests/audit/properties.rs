//! Books that are kept by the rules are in order, whatever happens.

use proptest::prelude::*;
use steelyard_billing::{BreachKind, DeclineReason, MandateInUse, Resolution};
use steelyard_pricing::{BillingDay, Fen};

use crate::breaches;
use crate::common::{at, mandate};
use crate::keeper::{Gateway, JUNE, Keeper, MID_MAY, PLAN, day};

/// The events of a day: calls, how old some of them are, a recharge, how the gateway answers,
/// what a person does, and whether settlement runs in the night after it.
#[derive(Clone, Debug)]
struct Day {
    calls: u64,
    age: u8,
    recharge: i64,
    gateway: Gateway,
    resolution: Option<Resolution>,
    mandate: Option<MandateEvent>,
    settles: bool,
}

#[derive(Clone, Copy, Debug)]
enum MandateEvent {
    Suspended,
    Resumed,
    Ended,
}

fn days() -> impl Strategy<Value = Vec<Day>> {
    let calls = prop_oneof![Just(0_u64), 1_u64..200, 1_u64..15_000];
    let recharge = prop_oneof![4 => Just(0_i64), 1 => 1_i64..5_000];
    let gateway = prop_oneof![
        3 => Just(Gateway::Pays),
        4 => Just(Gateway::Declines),
        1 => Just(Gateway::IsSilent),
        1 => Just(Gateway::FindsNothing),
        1 => Just(Gateway::IsPending),
        1 => Just(Gateway::DeclinesFor(DeclineReason::AmountCap)),
        2 => Just(Gateway::DeclinesFor(DeclineReason::Window)),
        1 => Just(Gateway::FindsMandateDead),
        1 => Just(Gateway::BlocksPayer),
        1 => Just(Gateway::IsClosedToUs),
        1 => Just(Gateway::FindsFault),
        1 => Just(Gateway::TakesMore),
    ];
    let resolutions =
        prop::sample::select(vec![Resolution::Ask, Resolution::Retry, Resolution::GiveUp]);
    let resolution = prop::option::weighted(0.3, resolutions);
    let mandate = prop_oneof![
        24 => Just(None),
        6 => Just(Some(MandateEvent::Resumed)),
        2 => Just(Some(MandateEvent::Suspended)),
        1 => Just(Some(MandateEvent::Ended)),
    ];
    let settles = prop::bool::weighted(0.8);
    let day = (calls, 0_u8..10, recharge, gateway, resolution, mandate, settles).prop_map(
        |(calls, age, recharge, gateway, resolution, mandate, settles)| Day {
            calls,
            age,
            recharge,
            gateway,
            resolution,
            mandate,
            settles,
        },
    );
    prop::collection::vec(day, 1..60)
}

fn live_through(keeper: &mut Keeper, today: BillingDay, events: &Day) {
    let clock = |time: &str| at(&format!("{today} {time}"));
    if let Some(resolution) = events.resolution {
        keeper.resolve(resolution, clock("09:00"));
    }
    keeper.collect(events.gateway, clock("10:00"));
    match events.mandate {
        Some(MandateEvent::Suspended) => keeper.suspend_mandate(clock("10:30")),
        Some(MandateEvent::Resumed) => keeper.resume_mandate(clock("10:30")),
        Some(MandateEvent::Ended) => keeper.end_mandate(clock("10:30")),
        None => {}
    }
    if events.recharge > 0 {
        keeper.recharge(events.recharge, clock("11:00"));
    }
    let old = (0..events.age).fold(today, |day, _| day.previous());
    let closed = keeper.books.registration.unwrap().closed;
    if events.calls > 0 && closed.is_none_or(|closed| old.month() > closed.through) {
        keeper.report_at(old, "t.a", events.calls, clock("12:00"));
        keeper.report_at(old, "nobody.knows", events.calls % 7, clock("12:00"));
        keeper.report_at(today, "vas.a", events.calls / 2, clock("12:00"));
    }
}

/// What nobody has to have done yet: only a person resolves what is held, and a gateway that is
/// silent leaves a debit in doubt; no function works on tasks here; and what a run does waits for
/// the next one.
fn may_wait(kind: BreachKind, is_settled: bool) -> bool {
    let waits = [BreachKind::Held, BreachKind::InDoubt, BreachKind::Unworked];
    let waits_for_run = [BreachKind::Overdue, BreachKind::Unclosed, BreachKind::Unrequested];
    waits.contains(&kind) || !is_settled && waits_for_run.contains(&kind)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn books_that_were_kept_by_the_rules_are_always_in_order(
        days in days(),
        limit in prop::option::weighted(0.8, 1_i64..20_000),
        daily_limit in prop::option::weighted(0.3, 1_i64..20_000),
    ) {
        let mandate =
            limit.map(|limit| MandateInUse { limit_fen: Fen::new(limit), ..mandate() });
        let mut keeper = Keeper::new(&[PLAN, MID_MAY, JUNE], mandate);
        keeper.limit_daily(daily_limit.map(Fen::new));
        let mut today = day("2015-05-12");
        for events in days {
            live_through(&mut keeper, today, &events);
            today = today.next();
            if events.settles {
                keeper.settle(at(&format!("{today} 00:30")));
            }
            let mut found = breaches(&keeper);
            found.retain(|breach| !may_wait(breach.kind, events.settles));
            prop_assert_eq!(found, []);
        }
    }
}
