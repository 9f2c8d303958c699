//! The arrears ladder: each charge has its day, payments pay the oldest, and the stage follows at
//! once.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::json;
use steelyard_billing::{
    Account, Entry, Ladder, Ladders, Movement, Person, Stage, StageHold, Standing, StatementId,
    replay,
};
use steelyard_pricing::{BillingDay, Fen};

use crate::common::{provider, rules};
use crate::{BEGIN, HOUR, config, reason, reference, second, shanghai_day, shanghai_hour};

#[derive(Clone, Copy, Debug)]
enum Act {
    Charge(i64),
    Pay(i64),
    /// A person holds it at a stage for some days.
    Hold(usize, i64),
    Wait(i64),
}

/// A rung: the stage, from so many days on, or from so much owed on.
type Rung = (Stage, Option<i64>, Option<i64>);

#[derive(Clone, Debug)]
struct Model {
    now: i64,
    rungs: Vec<Rung>,
    grace: i64,
    /// Whether only paying all restores.
    pays_all: bool,
    /// The unpaid charges, the oldest first: the time and the amount of each.
    unpaid: Vec<(i64, i64)>,
    /// When the provider began to owe.
    since: Option<i64>,
    prepaid: i64,
    /// The stage that a person decided on, and the first day without it.
    hold: Option<(Stage, i64)>,
}

impl Model {
    fn owed(&self) -> i64 {
        self.unpaid.iter().map(|(_, fen)| fen).sum()
    }

    fn charge(&mut self, fen: i64) {
        let from_prepaid = fen.min(self.prepaid);
        self.prepaid -= from_prepaid;
        if fen > from_prepaid {
            self.since.get_or_insert(self.now);
            self.unpaid.push((self.now, fen - from_prepaid));
        }
    }

    fn pay(&mut self, fen: i64) {
        let mut left = fen;
        for (_, owed) in &mut self.unpaid {
            let paid = left.min(*owed);
            *owed -= paid;
            left -= paid;
        }
        self.unpaid.retain(|(_, owed)| *owed > 0);
        self.prepaid += left;
        if self.unpaid.is_empty() {
            self.since = None;
        }
    }

    /// For how many days it is overdue on a day, if anything is owed.
    fn overdue(&self, day: i64) -> Option<i64> {
        let oldest = self.unpaid.first().map(|(charged, _)| *charged);
        let from = if self.pays_all { self.since } else { oldest }?;
        Some((day - shanghai_day(from) - self.grace).max(0))
    }

    /// The stage by the ladder on a day, if nothing is paid until then.
    fn stage(&self, day: i64) -> Stage {
        let (overdue, owed) = (self.overdue(day), self.owed());
        let reached = self.rungs.iter().filter(|(_, days, least)| {
            let by_days = days.zip(overdue).is_some_and(|(days, overdue)| overdue >= days);
            by_days || least.is_some_and(|least| owed >= least)
        });
        reached.map(|(stage, ..)| *stage).max().unwrap_or(Stage::Good)
    }
}

fn rungs() -> BoxedStrategy<Vec<Rung>> {
    let shipped = vec![
        (Stage::Notice, Some(1), None),
        (Stage::Throttled, Some(3), None),
        (Stage::PayoutsFrozen, Some(5), None),
        (Stage::Suspended, Some(7), None),
        (Stage::Terminated, Some(12), None),
    ];
    let mixed = vec![
        (Stage::Notice, Some(2), Some(3_000)),
        (Stage::Throttled, Some(4), None),
        (Stage::PayoutsFrozen, None, Some(9_000)),
        (Stage::Suspended, Some(6), Some(20_000)),
    ];
    let by_owed =
        vec![(Stage::Throttled, None, Some(1_000)), (Stage::Suspended, None, Some(8_000))];
    prop::sample::select(vec![shipped, mixed, by_owed]).boxed()
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        (rungs(), 0_i64..3, any::<bool>())
            .prop_map(|(rungs, grace, pays_all)| Model {
                now: BEGIN,
                rungs,
                grace,
                pays_all,
                unpaid: Vec::new(),
                since: None,
                prepaid: 0,
                hold: None,
            })
            .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Act> {
        let fen = || prop_oneof![1_i64..100, 1_i64..6_000, 5_000_i64..15_000];
        prop_oneof![
            4 => fen().prop_map(Act::Charge),
            3 => fen().prop_map(Act::Pay),
            1 => (0_usize..6, 1_i64..4).prop_map(|(stage, days)| Act::Hold(stage, days)),
            6 => (1_i64..40).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.now += 1;
        match *act {
            Act::Charge(fen) => model.charge(fen),
            Act::Pay(fen) => model.pay(fen),
            Act::Hold(stage, days) => {
                model.hold = Some((Stage::ALL[stage], shanghai_day(model.now) + days));
            }
            Act::Wait(hours) => model.now += hours * HOUR,
        }
        model
    }
}

struct Shop {
    account: Account,
    journal: Vec<Entry>,
    ladder: Ladder,
}

impl Shop {
    fn keep(&mut self, moved: Movement) {
        self.account = moved.account;
        self.journal.extend(moved.entry);
    }

    fn standing(&self, account: &Account, now: i64) -> Standing {
        let ladders = Ladders::from_iter([self.ladder.clone()]);
        account.standing(&ladders, &rules().calendar, second(now)).unwrap()
    }

    /// The cure restores a good standing, and a fen less does not.
    fn check_cure(&self, standing: &Standing, now: i64) {
        let after = |fen: i64| {
            let paid = self.account.recharge(Fen::new(fen), reference(), second(now)).unwrap();
            self.standing(&paid.account, now).stage
        };
        let cure = standing.cure_fen.get();
        assert_eq!(after(cure), Stage::Good, "{standing:?}");
        assert!(cure == 1 || after(cure - 1) > Stage::Good, "a fen less: {standing:?}");
    }
}

fn day(number: i64) -> BillingDay {
    rules().calendar.day_of(second(shanghai_hour(number, 12))).unwrap()
}

fn ladder(model: &Model) -> Ladder {
    let steps = model.rungs.iter().map(|(stage, days, least)| {
        let mut step = json!({ "stage": stage });
        if let Some(days) = days {
            step["overdue_days"] = json!(days);
        }
        if let Some(least) = least {
            step["owed"] = json!(Fen::new(*least).to_string());
        }
        if *stage == Stage::Throttled {
            step["calls_per_second"] = json!(10);
        }
        step
    });
    let document = json!({
        "ladder": "l", "effective_from": "2014-04-01", "grace_days": model.grace,
        "restores": if model.pays_all { "all" } else { "overdue" },
        "steps": steps.collect::<Vec<_>>(),
    });
    serde_json::from_value(document).unwrap()
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Shop;
    type Reference = Model;

    fn init_test(model: &Model) -> Shop {
        Shop { account: Account::new(&provider()), journal: Vec::new(), ladder: ladder(model) }
    }

    fn apply(mut shop: Shop, model: &Model, act: Act) -> Shop {
        let now = second(model.now);
        match act {
            Act::Charge(fen) => {
                let statement: StatementId = "2015-05-17".parse().unwrap();
                shop.keep(shop.account.charge(statement, Fen::new(fen), now).unwrap());
            }
            Act::Pay(fen) => {
                shop.keep(shop.account.recharge(Fen::new(fen), reference(), now).unwrap());
            }
            Act::Hold(stage, days) => {
                shop.account.stage_hold = Some(StageHold {
                    stage: Stage::ALL[stage],
                    until: day(shanghai_day(model.now) + days),
                    reason: reason(),
                    by: Person::new("finance").unwrap(),
                    held_at_s: now,
                });
            }
            Act::Wait(_) => {}
        }
        shop
    }

    fn check_invariants(shop: &Shop, model: &Model) {
        let (now, today) = (model.now, shanghai_day(model.now));
        let standing = shop.standing(&shop.account, now);
        let held = model.hold.filter(|(_, until)| today < *until).map(|(stage, _)| stage);
        let by_ladder = model.stage(today);
        let stage = held.unwrap_or(by_ladder);
        assert_eq!(standing.stage, stage, "{standing:?}");
        assert_eq!(standing.owed_fen.get(), model.owed());
        assert_eq!(i64::from(standing.overdue_days), model.overdue(today).unwrap_or(0));
        assert_eq!(standing.blocked, stage >= Stage::Suspended);
        assert_eq!(standing.payouts_frozen, stage >= Stage::PayoutsFrozen);
        if held.is_none() && by_ladder > Stage::Good {
            shop.check_cure(&standing, now);
        } else {
            assert_eq!(standing.cure_fen, Fen::ZERO);
        }
        if let Some(next) = standing.next {
            let days = i64::try_from(day(today).days_until(next.on)).unwrap();
            assert!(days >= 1, "the next stage comes on a later day: {standing:?}");
            assert!(model.stage(today + days) >= next.stage, "it is reached then");
            assert!(model.stage(today + days - 1) < next.stage, "and not on the day before");
        }
        // Nothing is stuck: a payment of all that is owed restores good standing.
        let owed = shop.account.figures.receivable();
        if owed.is_positive() && held.is_none() {
            let paid = shop.account.recharge(owed, reference(), second(now)).unwrap();
            assert_eq!(shop.standing(&paid.account, now).stage, Stage::Good);
        }
        // The journal alone gives the same.
        let replayed =
            replay(&shop.journal, &shop.ladder, &rules().calendar, second(now + 1)).unwrap();
        let last = replayed.last().map_or(Stage::Good, |last| last.stage);
        assert_eq!(last, by_ladder, "{replayed:?}");
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn standing_is_that_of_what_is_owed(sequential 1..40 => Test);
}
