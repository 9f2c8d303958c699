//! A gateway that loses and delays requests and answers: whatever it does, it takes the amount once
//! if the debit says that it is paid, and never if the debit was given up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{
    Debit, Decline, DeclineReason, Doubt, OutTradeNo, PayAnswer, Phase, QueryAnswer, Resolution,
    Step,
};

use crate::common::{at, provider};
use crate::inputs::{AMOUNT, Input, after, code, opened, paid_fen};

/// What the gateway does about a request that it gets.
#[derive(Clone, Copy, Debug)]
enum Does {
    Takes,
    Declines(DeclineReason),
    /// It makes the trade, and the payer has not paid yet.
    Waits,
    Refuses(Refusal),
}

/// A refusal that makes no trade.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    MandateDead,
    PayerBlocked,
    OwnAccount,
    Throttled,
}

/// What becomes of a request on its way, and of its answer.
#[derive(Clone, Copy, Debug)]
enum Way {
    Answered,
    AnswerLost,
    /// The sender crashed: the request arrives, and nobody receives the answer.
    SenderCrashed,
    RequestLost,
    /// It arrives so many seconds later, and nobody receives the answer.
    Late(i64),
}

/// One choice for each step of a debit.
#[derive(Clone, Copy, Debug)]
struct Choice {
    does: Does,
    way: Way,
    /// The answer to a query or a close is lost.
    is_lost: bool,
    /// The gateway closes a trade that waits before it is queried, or by a close without an answer.
    closes: bool,
    /// A person gives the debit up when it is in doubt.
    gives_up: bool,
}

/// A trade at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trade {
    Waiting,
    Paid,
    Closed,
}

#[derive(Debug, Default)]
struct Gateway {
    trades: BTreeMap<OutTradeNo, Trade>,
    late: Vec<(Timestamp, OutTradeNo, Does)>,
    taken: u32,
}

impl Gateway {
    fn pay(&mut self, number: &OutTradeNo, does: Does) -> PayAnswer {
        match self.trades.get(number) {
            Some(Trade::Paid) => return PayAnswer::Paid(paid_fen(AMOUNT.get())),
            Some(Trade::Closed) => return PayAnswer::InDoubt(Doubt("it is closed".to_owned())),
            Some(Trade::Waiting) | None => {}
        }
        match does {
            Does::Takes => {
                self.taken += 1;
                self.trades.insert(number.clone(), Trade::Paid);
                PayAnswer::Paid(paid_fen(AMOUNT.get()))
            }
            Does::Declines(reason) => {
                self.trades.insert(number.clone(), Trade::Waiting);
                PayAnswer::Declined(Decline { reason, sub_code: code().0 })
            }
            Does::Waits => {
                self.trades.insert(number.clone(), Trade::Waiting);
                PayAnswer::InDoubt(Doubt("it waits".to_owned()))
            }
            Does::Refuses(Refusal::MandateDead) => PayAnswer::MandateDead(code()),
            Does::Refuses(Refusal::PayerBlocked) => PayAnswer::PayerBlocked(code()),
            Does::Refuses(Refusal::OwnAccount) => PayAnswer::OwnAccount(code()),
            Does::Refuses(Refusal::Throttled) => PayAnswer::Throttled(code()),
        }
    }

    /// The answer that the sender receives; none if it crashed.
    fn request(
        &mut self,
        number: &OutTradeNo,
        choice: Choice,
        now: Timestamp,
    ) -> Option<PayAnswer> {
        let lost = PayAnswer::InDoubt(Doubt("no answer in 10 s".to_owned()));
        match choice.way {
            Way::Answered => Some(self.pay(number, choice.does)),
            Way::AnswerLost => {
                self.pay(number, choice.does);
                Some(lost)
            }
            Way::SenderCrashed => {
                self.pay(number, choice.does);
                None
            }
            Way::RequestLost => Some(lost),
            Way::Late(seconds) => {
                let arrives = now + SignedDuration::from_secs(seconds);
                self.late.push((arrives, number.clone(), choice.does));
                Some(lost)
            }
        }
    }

    fn query(&mut self, number: &OutTradeNo, choice: Choice) -> QueryAnswer {
        if let Some(trade @ Trade::Waiting) = self.trades.get_mut(number)
            && choice.closes
        {
            *trade = Trade::Closed;
        }
        if choice.is_lost {
            return QueryAnswer::InDoubt(Doubt("no answer in 10 s".to_owned()));
        }
        match self.trades.get(number) {
            Some(Trade::Waiting) => QueryAnswer::Pending,
            Some(Trade::Paid) => QueryAnswer::Paid(paid_fen(AMOUNT.get())),
            Some(Trade::Closed) => QueryAnswer::Closed,
            None => QueryAnswer::NotFound,
        }
    }

    /// Closing a trade that is not there is answered as done, and stops nothing. A close whose
    /// answer is lost may have been lost itself.
    fn close(&mut self, number: &OutTradeNo, choice: Choice) -> Input {
        let arrives = !choice.is_lost || choice.closes;
        if let Some(trade @ Trade::Waiting) = self.trades.get_mut(number)
            && arrives
        {
            *trade = Trade::Closed;
        }
        if choice.is_lost { Input::CloseInDoubt } else { Input::Closed }
    }

    /// What arrives up to now.
    fn arrive(&mut self, now: Timestamp) {
        let (mut arrived, late): (Vec<_>, _) =
            self.late.drain(..).partition(|(arrives, ..)| *arrives <= now);
        self.late = late;
        arrived.sort_by_key(|(arrives, ..)| *arrives);
        for (_, number, does) in arrived {
            self.pay(&number, does);
        }
    }
}

/// One step of the debit, as the debit function makes it.
fn step(debit: &Debit, gateway: &mut Gateway, choice: Choice, now: Timestamp) -> Debit {
    let is_in_doubt = matches!(debit.phase, Phase::InDoubt { .. });
    if is_in_doubt && choice.gives_up {
        return after(debit, &Input::Resolved(Resolution::GiveUp), now).unwrap();
    }
    let number = || debit.last_attempt().unwrap().out_trade_no.clone();
    let input = match debit.next_step(now) {
        Step::Pay => {
            let sending = after(debit, &Input::Sent("x"), now).unwrap();
            let number = sending.last_attempt().unwrap().out_trade_no.clone();
            return match gateway.request(&number, choice, now) {
                Some(answer) => after(&sending, &Input::Pay(answer), now).unwrap(),
                None => sending,
            };
        }
        Step::Query => Input::Query(gateway.query(&number(), choice)),
        Step::Close => gateway.close(&number(), choice),
        Step::Report => Input::Resolved(Resolution::GiveUp),
        Step::Wait => unreachable!("{debit:?} is due"),
    };
    after(debit, &input, now).unwrap()
}

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    let does = prop::sample::select(vec![
        Does::Takes,
        Does::Declines(DeclineReason::Funds),
        Does::Declines(DeclineReason::Funds),
        Does::Declines(DeclineReason::Window),
        Does::Declines(DeclineReason::AmountCap),
        Does::Waits,
        Does::Refuses(Refusal::MandateDead),
        Does::Refuses(Refusal::PayerBlocked),
        Does::Refuses(Refusal::OwnAccount),
        Does::Refuses(Refusal::Throttled),
    ]);
    let way = prop_oneof![
        4 => Just(Way::Answered),
        1 => Just(Way::AnswerLost),
        1 => Just(Way::SenderCrashed),
        1 => Just(Way::RequestLost),
        4 => (1_i64..900).prop_map(Way::Late),
    ];
    let one = (
        does,
        way,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
    );
    let one = one.prop_map(|(does, way, is_lost, closes, gives_up)| Choice {
        does,
        way,
        is_lost,
        closes,
        gives_up,
    });
    prop::collection::vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_debit_says_what_the_gateway_took_whatever_is_lost_or_late(choices in choices()) {
        let mut gateway = Gateway::default();
        let mut debit = opened(&provider().provider, 7, at("2015-05-17 00:30"));
        // The choices are made again from the first: a debit that is declined for ever ends.
        for choice in choices.iter().cycle().take(300) {
            let Some(now) = debit.due_at() else { break };
            gateway.arrive(now);
            debit = step(&debit, &mut gateway, *choice, now);
        }
        let (is_open, is_paid) = (debit.is_open(), debit.payment().is_some());
        gateway.arrive(Timestamp::MAX);
        prop_assert!(gateway.taken <= 1, "taken {} times: {:?}", gateway.taken, debit);
        if !is_open {
            prop_assert_eq!(gateway.taken, u32::from(is_paid), "{:?}", debit);
        }
    }
}
