//! Every order in which one debit can be sent, answered, lost, stored, notified, billed and given
//! up, with two workers, as far as faults are left: searched to its end.
//!
//! A fault is a message that is lost or late, a worker that stalls, or a crash. With two faults,
//! one decline and one close by the gateway there are 25,892 states; with one fault, and a wrong
//! amount and a person beside, 29,101. Each is checked.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model, Property};
use steelyard_billing::{Phase, Resolution};
use steelyard_pricing::Fen;

use crate::world::{AMOUNT, Act, Budget, Does, Flaw, Worker, World};

struct Search {
    flaw: Flaw,
    budget: Budget,
}

/// From here on nothing goes wrong, and the payer has money, or has none: it ends in so many steps,
/// with the books and the gateway of one mind.
fn has_a_way_out(world: &World, does: Does) -> bool {
    let mut world = world.clone();
    // A payer without money is declined for good.
    world.left.declines = 1;
    world.late.clear();
    for _ in 0..80 {
        if world.is_held() {
            // A person gives a wrong amount back at Alipay, and gives the debit up.
            world = world.after(Act::Bills).unwrap_or(world);
            world.give_back_what_is_wrong();
            world.left.persons = 1;
            let given_up = world.after(Act::Person(Resolution::GiveUp));
            world = given_up.expect("a person can give up what is held");
        }
        if world.is_at_rest() {
            return world.taken == world.booked;
        }
        let arrives = |does| Act::Arrives { worker: 0, does, is_heard: true };
        let steps = [
            arrives(does),
            arrives(Does::Takes),
            Act::Asks { worker: 0, is_heard: true },
            Act::Saves(0),
            Act::Begin(0),
            Act::Tick,
            Act::Bills,
        ];
        let Some(next) = steps.into_iter().find_map(|act| world.after(act)) else { return false };
        world = next;
    }
    false
}

/// What the gateway took is in the books, or stands as one alarm.
fn is_told(world: &World) -> bool {
    world.taken == world.booked || world.findings.len() == 1
}

/// The account says of the debit what the debit says of itself.
fn is_of_one_mind(world: &World) -> bool {
    let figures = world.account.figures;
    let is_open = world.account.open_debit == Some(world.debit.debit);
    let owed = if matches!(world.debit.phase, Phase::Paid { .. }) { 0 } else { AMOUNT };
    figures.reserved() == world.debit.reserved()
        && is_open == world.debit.is_open()
        && figures.receivable().get() - figures.prepaid().get() == owed - found(world)
}

/// What was found and credited beside what paid the debit.
fn found(world: &World) -> i64 {
    let found = world.debit.found_payments().map(|(_, payment)| payment.amount_fen);
    Fen::sum(found).unwrap().get()
}

impl Model for Search {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.flaw, self.budget)]
    }

    fn actions(&self, _: &World, acts: &mut Vec<Act>) {
        let does = [Does::Takes, Does::TakesLess, Does::Declines, Does::IsDead];
        for worker in 0..2 {
            acts.extend([Act::Begin(worker), Act::Saves(worker), Act::Crashes(worker)]);
            for is_it in [true, false] {
                acts.push(Act::Asks { worker, is_heard: is_it });
                acts.push(Act::IsLost { worker, is_late: is_it });
                acts.extend(does.map(|does| Act::Arrives { worker, does, is_heard: is_it }));
            }
        }
        acts.extend(does.map(Act::LateArrives));
        acts.extend([Act::Tick, Act::Closes, Act::Notifies, Act::Bills]);
        let persons = [Resolution::Ask, Resolution::Retry, Resolution::GiveUp];
        acts.extend(persons.map(Act::Person));
    }

    fn next_state(&self, world: &World, act: Act) -> Option<World> {
        world.after(act)
    }

    fn properties(&self) -> Vec<Property<Search>> {
        vec![
            Property::always("never taken twice", |_, world: &World| world.taken <= AMOUNT),
            Property::always("never booked before it is taken", |_, world: &World| {
                world.booked <= world.taken
            }),
            Property::always("the account and the debit agree", |_, world: &World| {
                is_of_one_mind(world)
            }),
            Property::always("what is given up was not taken", |_, world: &World| {
                world.debit.given_up().is_none() || world.taken == 0
            }),
            Property::always("at rest the books say what was taken", |_, world: &World| {
                !world.is_at_rest() || is_told(world)
            }),
            Property::always("no state is without a way out", |_, world: &World| {
                // Busy workers finish or crash, so that idle ones suffice.
                let is_idle = world.workers.iter().all(|worker| *worker == Worker::Idle);
                let payers = [Does::Takes, Does::IsDead];
                !is_idle || payers.into_iter().all(|does| has_a_way_out(world, does))
            }),
            Property::sometimes("it is paid", |_, world: &World| world.debit.payment().is_some()),
            Property::sometimes("it is given up", |_, world: &World| {
                world.debit.given_up().is_some() && world.is_at_rest()
            }),
            Property::sometimes("a second number is sent", |_, world: &World| {
                world.debit.attempt_count() > 1
            }),
            Property::sometimes("an alarm stands", |search: &Search, world: &World| {
                search.budget.wrong_amounts == 0 || !world.findings.is_empty()
            }),
        ]
    }
}

/// A search that takes more steps does not end: a loop of the core asks for ever.
const STEPS_MAX: usize = 400_000;

/// Two faults at once, and one with a gateway that takes a wrong amount.
const BUDGETS: [Budget; 2] = [
    Budget { faults: 2, declines: 1, closes: 1, wrong_amounts: 0, persons: 0 },
    Budget { faults: 1, declines: 1, closes: 1, wrong_amounts: 1, persons: 1 },
];

#[test]
fn whatever_happens_to_a_debit_it_is_taken_once_at_most_and_the_books_say_so() {
    for budget in BUDGETS {
        let search = Search { flaw: Flaw::None, budget };
        let checked = search.checker().threads(2).target_state_count(STEPS_MAX).spawn_bfs().join();
        println!(
            "{budget:?}: {} states, {} steps, {} deep",
            checked.unique_state_count(),
            checked.state_count(),
            checked.max_depth()
        );
        checked.assert_properties();
        let (states, steps) = (checked.unique_state_count(), checked.state_count());
        assert!(checked.is_done() && steps < STEPS_MAX, "every state was searched");
        assert!((1_000..200_000).contains(&states), "{states} states");
    }
}

/// The search finds what is wrong on purpose, so that its silence means something.
#[test]
fn a_flaw_of_the_model_is_found() {
    for (flaw, property) in [
        (Flaw::StoresOver, "the account and the debit agree"),
        (Flaw::TakesTwice, "never taken twice"),
        (Flaw::ComesLate, "what is given up was not taken"),
        (Flaw::IsDeaf, "at rest the books say what was taken"),
    ] {
        let names = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        let search = Search { flaw, budget: BUDGETS[1] }.checker().threads(2).finish_when(names);
        assert!(search.spawn_bfs().join().discovery(property).is_some(), "{flaw:?}");
    }
}
