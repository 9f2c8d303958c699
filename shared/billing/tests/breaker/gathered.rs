//! Good answers, which each machine gathers and merges into the breaker that all share.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::breaker::{Breaker, BreakerState, GoodAnswers, Trip, WINDOW_MINUTES};

use crate::common::at;
use crate::{Input, NOW, after_all, in_doubt};

/// Machines that share a breaker. Each reads it before its debit, as the debit function does.
struct Machines {
    breaker: Breaker,
    gathered: Vec<GoodAnswers>,
    writes: usize,
}

impl Machines {
    fn new(count: usize) -> Machines {
        let gathered = vec![GoodAnswers::default(); count];
        Machines { breaker: Breaker::default(), gathered, writes: 0 }
    }

    /// A machine receives an answer.
    fn answer(&mut self, machine: usize, is_good: bool, now: Timestamp) {
        let gathered = &mut self.gathered[machine];
        if is_good {
            gathered.count(now);
            if gathered.are_due(&self.breaker, now) {
                self.breaker = self.breaker.after_good(&gathered.take(now), now);
                self.writes += 1;
            }
        } else {
            self.breaker = self.breaker.after(&in_doubt(), &gathered.take(now), false, now);
            self.writes += 1;
        }
    }

    /// The same so many times.
    fn answers(&mut self, machine: usize, is_good: bool, times: usize) {
        (0..times).for_each(|_| self.answer(machine, is_good, at(NOW)));
    }
}

#[test]
fn good_answers_are_written_in_growing_steps() {
    for (answers, writes) in [(4, 0), (5, 1), (9, 1), (10, 2), (20, 3), (39, 3), (1_000, 8)] {
        let mut machines = Machines::new(1);
        machines.answers(0, true, answers);
        assert_eq!(machines.writes, writes, "of {answers} answers");
        let known: u32 = machines.breaker.minutes.iter().map(|minute| minute.asked).sum();
        assert!(2 * usize::try_from(known).unwrap() + 4 >= answers, "{known} of {answers}");
    }
}

#[test]
fn trouble_is_written_at_once_with_the_good_answers_before_it() {
    let mut machines = Machines::new(1);
    machines.answers(0, true, 4);
    machines.answers(0, false, 1);
    assert_eq!(machines.writes, 1);
    let minute = machines.breaker.minutes[0];
    assert_eq!((minute.asked, minute.troubled), (5, 1));
}

#[test]
fn good_answer_that_makes_ten_of_which_half_are_trouble_opens_the_breaker_at_once() {
    let mut machines = Machines::new(1);
    machines.answers(0, false, 6);
    machines.answers(0, true, 3);
    assert!(machines.breaker.is_closed());
    machines.answers(0, true, 1);
    let BreakerState::Open { why, .. } = machines.breaker.state else { panic!("closed") };
    assert_eq!(why, Trip::TooMuchTrouble { asked: 10, troubled: 6 });
}

#[test]
fn good_answers_that_other_machines_gathered_keep_the_breaker_closed() {
    let mut machines = Machines::new(5);
    (0..5).for_each(|machine| machines.answers(machine, true, 12));
    // 60 good answers, of which the breaker has 50.
    machines.answers(0, false, 49);
    assert!(machines.breaker.is_closed());
    machines.answers(0, false, 11);
    assert!(!machines.breaker.is_closed(), "half are in trouble");
}

#[test]
fn good_answers_from_before_a_person_closed_the_breaker_count_no_more() {
    let mut good = GoodAnswers::default();
    good.count(at("2015-05-17 10:00"));
    good.count(at("2015-05-17 10:01"));
    let resumed = after_all(&[(NOW, Input::Stopped), ("2015-05-17 10:01:30", Input::Resumed)]);
    let now = at("2015-05-17 10:02");
    let minutes = resumed.after_good(&good.take(now), now).minutes;
    assert_eq!(minutes.iter().map(|minute| minute.asked).collect::<Vec<_>>(), [1]);
}

#[test]
fn good_answers_that_could_not_be_written_are_written_later() {
    let mut good = GoodAnswers::default();
    (0..5).for_each(|_| good.count(at(NOW)));
    let (read, before) = (Breaker::default(), good.clone());
    let taken = good.take(at(NOW));
    assert!(!good.are_due(&read, at(NOW)));
    good.put_back(taken);
    assert!(good.are_due(&read, at(NOW)));
    assert_eq!(good.take(at(NOW)), before.clone().take(at(NOW)));
}

proptest! {
    /// What all machines saw within the window decides, within these bounds.
    #[test]
    fn breaker_of_several_machines_opens_at_half_and_never_below_a_third(
        answers in prop::collection::vec((0..3_usize, prop::bool::weighted(0.6), 0_i64..40), 1..200)
    ) {
        let (mut now, mut machines) = (at(NOW), Machines::new(3));
        let mut all: Vec<(i64, bool)> = Vec::new();
        for (machine, is_good, seconds) in answers {
            now += SignedDuration::from_secs(seconds);
            machines.answer(machine, is_good, now);
            let minute = now.as_second().div_euclid(60);
            all.push((minute, is_good));
            let within = all.iter().filter(|(other, _)| minute - other < WINDOW_MINUTES);
            let within: Vec<bool> = within.map(|(_, is_good)| *is_good).collect();
            let good = within.iter().filter(|is_good| **is_good).count();
            let trouble = within.len() - good;
            if let BreakerState::Open { .. } = machines.breaker.state {
                prop_assert!(good <= 2 * trouble + 4 * 3, "{trouble} troubled and {good} good");
                return Ok(());
            }
            // A good answer is assessed when it is merged; trouble at once.
            let must_be_open = !is_good && trouble >= 10 && trouble >= good;
            prop_assert!(!must_be_open, "{trouble} troubled and {good} good");
        }
    }
}
