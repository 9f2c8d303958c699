//! Alerts: each crossing is reported once, and an alert ends only by a margin.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use serde_json::json;
use steelyard_billing::{
    Alert, AlertFigures, AlertKind, AlertState, Crossing, crossings, evaluate,
};
use steelyard_pricing::{AlertRules, BillingDay, Fen};

use crate::{BEGIN, config, second};

const BUDGET: i64 = 10_000;
const CAP: i64 = 12_000;
const LOW: i64 = 2_000;

/// The kinds of alerts here, and whether an alert of the kind is about a month.
const KINDS: [(AlertKind, bool); 3] =
    [(AlertKind::Budget, true), (AlertKind::Balance, false), (AlertKind::Cap, true)];

#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The cost of the month, in fen.
    cost: i64,
    prepaid: i64,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    /// The usage of the day that is not over is evaluated.
    Live(Seen),
    /// So many days later, or on the same day again, a run settles the days that are over.
    Night(usize, Seen),
    /// The provider watches its budget, or not.
    Watch(bool),
}

/// What an alert is about: its kind, and the number of its month if it is about one.
type Key = (AlertKind, Option<usize>);

#[derive(Clone, Debug)]
struct Model {
    evaluated: i64,
    /// The days since the first of May 2015.
    today: usize,
    watches_budget: bool,
    /// The alerts that stand: at which percentage, and the last day in the figure.
    alerts: BTreeMap<Key, (u16, usize)>,
    /// The reports of the last evaluation: about what, and whether it was triggered.
    told: Vec<(Key, bool)>,
}

const DAYS: usize = 31 + 30 + 31;

/// The month of a day, from 5, and the day in it, from 1.
fn month_of(day: usize) -> (usize, usize) {
    if day < 31 {
        (5, day + 1)
    } else if day < 61 {
        (6, day - 30)
    } else {
        (7, day - 60)
    }
}

fn day(number: usize) -> BillingDay {
    let (month, day) = month_of(number);
    format!("2015-{month:02}-{day:02}").parse().unwrap()
}

impl Model {
    /// The lines of a kind: percentages, and the figure of each.
    fn lines(&self, kind: AlertKind) -> Vec<(u16, i64)> {
        match kind {
            AlertKind::Budget if self.watches_budget => {
                vec![(50, BUDGET / 2), (80, BUDGET * 4 / 5), (100, BUDGET)]
            }
            AlertKind::Cap => vec![(100, CAP)],
            AlertKind::Balance => vec![(100, LOW)],
            AlertKind::Budget
            | AlertKind::Forecast
            | AlertKind::BalanceDays
            | AlertKind::Allowance
            | AlertKind::UnusualDay => Vec::new(),
        }
    }

    /// The level at which an alert stands by a figure, if it stood at another before.
    fn level(&self, kind: AlertKind, seen: Seen, was: u16, knows_enough: bool) -> u16 {
        let highest = |is_reached: &dyn Fn(&(u16, i64)) -> bool| {
            let lines = self.lines(kind).into_iter().filter(|line| is_reached(line));
            lines.map(|(percent, _)| percent).max().unwrap_or(0)
        };
        // Five percent of a line are a twentieth of it.
        let (reached, stays) = if kind == AlertKind::Balance {
            let is_near = |line: i64| 20 * seen.prepaid <= 21 * line;
            (
                highest(&|(_, line)| seen.prepaid <= *line),
                highest(&|(percent, line)| *percent <= was && is_near(*line)),
            )
        } else {
            let is_near = |line: i64| 20 * seen.cost >= 19 * line;
            (
                highest(&|(_, line)| seen.cost >= *line),
                highest(&|(percent, line)| *percent <= was && is_near(*line)),
            )
        };
        reached.max(if knows_enough { stays } else { was })
    }

    fn evaluate(&mut self, through: usize, is_settled: bool, seen: Seen) {
        let month = month_of(through).0;
        let before = self.alerts.clone();
        if is_settled {
            // The night settles the days in order, so that earlier months are over.
            self.alerts.retain(|(_, of), _| of.is_none_or(|of| of >= month));
        }
        for (kind, is_of_month) in KINDS {
            let key = (kind, is_of_month.then_some(month));
            let (was, on) = before.get(&key).copied().unwrap_or((0, 0));
            let is_watched = !self.lines(kind).is_empty();
            // What the usage of a later day triggered is not resolved by that of an earlier one.
            let level = self.level(kind, seen, was, through >= on || !is_watched);
            let level = if is_watched { level } else { 0 };
            if level == 0 {
                self.alerts.remove(&key);
            } else if level != was {
                self.alerts.insert(key, (level, through));
            }
        }
        let level = |of: &BTreeMap<Key, (u16, usize)>, key: &Key| of.get(key).map_or(0, |of| of.0);
        let keys = before.keys().chain(self.alerts.keys()).copied();
        let keys = keys.collect::<std::collections::BTreeSet<_>>().into_iter();
        let changed = keys.filter(|key| level(&before, key) != level(&self.alerts, key));
        self.told =
            changed.map(|key| (key, level(&self.alerts, &key) > level(&before, &key))).collect();
        self.evaluated += 1;
    }
}

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model {
            evaluated: 0,
            today: 0,
            watches_budget: true,
            alerts: BTreeMap::new(),
            told: Vec::new(),
        })
        .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Act> {
        // At the lines, and where their margins end.
        let lines = vec![4_750, 5_000, 7_600, 8_000, 9_500, 10_000, 11_400, 12_000];
        let near = (prop::sample::select(lines), -2_i64..3).prop_map(|(line, off)| line + off);
        let cost = prop_oneof![3 => near, 1 => 0_i64..15_000];
        let prepaid = prop_oneof![
            (-2_i64..3).prop_map(|off| LOW + off),
            (-2_i64..3).prop_map(|off| LOW * 21 / 20 + off),
            0_i64..5_000,
        ];
        let seen = (cost, prepaid).prop_map(|(cost, prepaid)| Seen { cost, prepaid });
        let days = prop_oneof![2 => Just(0_usize), 3 => Just(1_usize), 1 => 1_usize..9];
        prop_oneof![
            4 => seen.clone().prop_map(Act::Live),
            4 => (days, seen).prop_map(|(days, seen)| Act::Night(days, seen)),
            1 => any::<bool>().prop_map(Act::Watch),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, act: &Act) -> bool {
        match act {
            Act::Night(days, _) => (1..DAYS).contains(&(model.today + days)),
            Act::Live(_) | Act::Watch(_) => true,
        }
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.told.clear();
        match *act {
            Act::Live(seen) => model.evaluate(model.today, false, seen),
            Act::Night(days, seen) => {
                model.today += days;
                model.evaluate(model.today - 1, true, seen);
            }
            Act::Watch(watches) => model.watches_budget = watches,
        }
        model
    }
}

fn rules(watches_budget: bool) -> AlertRules {
    let mut document = json!({ "balance": { "below": "20.00" }, "cap": "120.00" });
    if watches_budget {
        document["budget"] = json!({ "monthly": "100.00", "percent": [50, 80, 100] });
    }
    AlertRules::read(&document.to_string()).unwrap()
}

fn key(alert: &Alert) -> Key {
    let first = |month: usize| format!("2015-{month:02}-01").parse::<BillingDay>().unwrap();
    let month = [5, 6, 7].into_iter().rfind(|month| alert.day >= first(*month));
    (alert.kind, month.filter(|_| alert.kind != AlertKind::Balance))
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = AlertState;
    type Reference = Model;

    fn init_test(_: &Model) -> AlertState {
        AlertState::default()
    }

    fn apply(state: AlertState, model: &Model, act: Act) -> AlertState {
        let (through, is_settled, seen) = match act {
            Act::Live(seen) => (model.today, false, seen),
            Act::Night(_, seen) => (model.today - 1, true, seen),
            Act::Watch(_) => return state,
        };
        let figures = AlertFigures {
            through: day(through),
            is_settled,
            month_before_fen: None,
            month_fen: Fen::new(seen.cost),
            forecast_fen: None,
            prepaid_fen: Fen::new(seen.prepaid),
            lasts_days: None,
            allowances: Vec::new(),
            day: None,
        };
        let rules = rules(model.watches_budget);
        let now = second(BEGIN + model.evaluated);
        let after = evaluate(&rules, &figures, &state, now);
        let mut told = crossings(&state, &after)
            .iter()
            .map(|crossing| match crossing {
                Crossing::Triggered(alert) => (key(alert), true),
                Crossing::Resolved(alert) => (key(alert), false),
            })
            .collect::<Vec<_>>();
        told.sort_unstable();
        assert_eq!(told, model.told, "{act:?} of {state:?}");
        // Twice is once.
        assert_eq!(evaluate(&rules, &figures, &after, second(BEGIN + 1_000)), after);
        after
    }

    fn check_invariants(state: &AlertState, model: &Model) {
        let alerts = state.alerts.iter().map(|alert| (key(alert), alert.level()));
        let told = model.alerts.iter().map(|(key, (level, _))| (*key, *level));
        assert_eq!(alerts.collect::<BTreeMap<_, _>>(), told.collect::<BTreeMap<_, _>>());
        assert_eq!(state.alerts.len(), model.alerts.len(), "each stands once");
    }

    /// A way out: two months later nothing stands that is about a month.
    fn teardown(state: AlertState, model: Model) {
        let figures = AlertFigures {
            through: "2015-09-01".parse().unwrap(),
            is_settled: true,
            month_before_fen: None,
            month_fen: Fen::ZERO,
            forecast_fen: None,
            prepaid_fen: Fen::new(LOW * 2),
            lasts_days: None,
            allowances: Vec::new(),
            day: None,
        };
        let rules = rules(model.watches_budget);
        assert_eq!(evaluate(&rules, &figures, &state, second(BEGIN)).alerts, []);
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn alerts_are_triggered_and_resolved_as_their_model_is(sequential 1..50 => Test);
}
