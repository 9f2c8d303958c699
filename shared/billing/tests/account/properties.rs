//! What holds of any movements, in any order and on any days.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use steelyard_billing::{AccountError, Cause, Figures, Ledger, Mandate, Phase};
use steelyard_pricing::Fen;

use crate::common::{at, rules};
use crate::money::*;
use crate::payer::Payer;

/// An event of a provider's account.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Money moves beside the debits.
    Moves(Move),
    /// The open debit is sent, if it is due.
    Sends,
    /// The sent debit is paid, or given up.
    IsPaid,
    IsGivenUp,
    /// A mandate with these limits is in use, or none.
    Signs(Option<(i64, Option<i64>)>),
    /// The daily run requests what is owed.
    Requests,
}

fn acts() -> impl Strategy<Value = Vec<(Act, i64)>> {
    let fen = prop_oneof![1_i64..200, 1_i64..30_000];
    let limit = || prop_oneof![Just(0_i64), 90_i64..110, 1_i64..30_000];
    let limits = (limit().prop_filter("a limit allows something", |fen| *fen > 0), limit());
    let limits = limits.prop_map(|(single, daily)| (single, Some(daily).filter(|fen| *fen > 0)));
    let moves = prop_oneof![
        6 => fen.clone().prop_map(Charge),
        1 => Just(Charge(0)),
        2 => fen.clone().prop_map(|fen| Charge(-fen)),
        2 => fen.clone().prop_map(Recharge),
        1 => fen.clone().prop_map(RechargePaid),
        1 => fen.clone().prop_map(DebitFound),
        1 => fen.clone().prop_map(RefundAsked),
        1 => fen.clone().prop_map(FoundAsked),
        1 => fen.clone().prop_map(RefundDone),
        1 => fen.clone().prop_map(RefundRefused),
        1 => fen.clone().prop_map(GiftAsked),
        1 => fen.clone().prop_map(GiftDone),
        1 => fen.clone().prop_map(GiftRefused),
        1 => fen.clone().prop_map(Reversed),
        2 => fen.clone().prop_map(DepositPaid),
        1 => fen.clone().prop_map(DepositTransferred),
        1 => fen.clone().prop_map(DepositDrawn),
        1 => Just(DepositDrawnByRule),
        1 => fen.clone().prop_map(ReturnAsked),
        1 => fen.clone().prop_map(ReturnDone),
        1 => fen.clone().prop_map(ReturnRefused),
        1 => fen.clone().prop_map(DepositSentBack),
        1 => fen.prop_map(DepositReversed),
    ];
    let act = prop_oneof![
        8 => moves.prop_map(Act::Moves),
        8 => Just(Act::Sends),
        6 => Just(Act::IsPaid),
        1 => Just(Act::IsGivenUp),
        1 => prop::option::weighted(0.8, limits).prop_map(Act::Signs),
        4 => Just(Act::Requests),
    ];
    prop::collection::vec((act, prop_oneof![2 => Just(0_i64), 1 => 0_i64..30]), 0..80)
}

/// What money moved in all, in fen, by what was asked for.
#[derive(Default)]
struct Told {
    charged: i64,
    paid_in: i64,
    by_alipay: i64,
    refunding: i64,
    goodwill: i64,
    /// The deposit that is held, by the requests alone.
    deposit: i64,
    /// What debits took, by the day on which they were last sent.
    taken_on: BTreeMap<String, i64>,
}

impl Told {
    fn note(&mut self, movement: Move, owed_less: i64) {
        match movement {
            DepositPaid(fen) => {
                (self.by_alipay, self.deposit) = (self.by_alipay + fen, self.deposit + fen);
            }
            DepositTransferred(fen) => {
                (self.paid_in, self.deposit) = (self.paid_in + fen, self.deposit + fen);
            }
            DepositDrawn(_) | DepositDrawnByRule => self.deposit -= owed_less,
            ReturnAsked(fen) => {
                (self.refunding, self.deposit) = (self.refunding - fen, self.deposit - fen);
            }
            ReturnDone(fen) => {
                (self.refunding, self.by_alipay) = (self.refunding + fen, self.by_alipay - fen);
            }
            ReturnRefused(fen) => {
                (self.refunding, self.deposit) = (self.refunding + fen, self.deposit + fen);
            }
            DepositSentBack(fen) => {
                (self.paid_in, self.deposit) = (self.paid_in - fen, self.deposit - fen);
            }
            DepositReversed(fen) => {
                (self.by_alipay, self.deposit) =
                    (self.by_alipay - fen, (self.deposit - fen).max(0));
            }
            Charge(fen) => self.charged += fen,
            Recharge(fen) => self.paid_in += fen,
            RechargePaid(fen) | DebitFound(fen) => self.by_alipay += fen,
            RefundAsked(fen) | FoundAsked(fen) => self.refunding -= fen,
            RefundRefused(fen) => self.refunding += fen,
            GiftAsked(fen) => {
                (self.refunding, self.goodwill) = (self.refunding - fen, self.goodwill + fen)
            }
            GiftRefused(fen) => {
                (self.refunding, self.goodwill) = (self.refunding + fen, self.goodwill - fen)
            }
            RefundDone(fen) | GiftDone(fen) => {
                (self.refunding, self.by_alipay) = (self.refunding + fen, self.by_alipay - fen);
            }
            Reversed(fen) => self.by_alipay -= fen,
            DebitSent(_) | DebitPaid | DebitGivenUp | DebitWithdrawn => {
                unreachable!("{movement:?}")
            }
        }
    }
}

fn wall_clock(now: Timestamp) -> String {
    now.in_tz("Asia/Shanghai").unwrap().strftime("%Y-%m-%d %H:%M").to_string()
}

fn is_sent(payer: &Payer) -> bool {
    payer.open.as_ref().is_some_and(|debit| debit.phase == Phase::Sending)
}

/// A debit is first sent for what is owed, within both limits, and not below the minimum.
fn check_sent(payer: &Payer, owed: i64, fen: i64, taken_today: i64) -> Result<(), TestCaseError> {
    let mandate = payer.mandate.as_ref().unwrap();
    prop_assert!((100..=mandate.limit().get()).contains(&fen) && fen <= owed);
    if let Some(daily) = mandate.daily_limit_fen {
        prop_assert!(taken_today + fen <= daily.get(), "{taken_today} and {fen} in {daily}");
    }
    prop_assert_eq!(payer.account.figures.reserved().get(), fen);
    Ok(())
}

/// Once a run has requested what is owed, nothing that can be collected is left alone, unless the
/// last debit was given up and nothing has changed since.
fn check_requested(payer: &Payer) -> Result<(), TestCaseError> {
    let owed = payer.account.figures.unreserved().unwrap();
    let limit = payer.mandate.as_ref().map_or(0, |mandate| mandate.limit().get());
    let is_left = owed.get().min(limit) >= 100 && payer.open.is_none();
    prop_assert!(!is_left || payer.account.is_as_last_requested(payer.in_use().as_ref()));
    Ok(())
}

/// Does one thing, if it is possible now.
fn act(payer: &mut Payer, told: &mut Told, act: Act, now: Timestamp) -> Result<(), TestCaseError> {
    let time = wall_clock(now);
    match act {
        // What is owed would be drawn first, by a movement of its own.
        Act::Moves(DepositSentBack(_))
            if !payer.account.figures.unreserved().unwrap().is_zero() => {}
        Act::Moves(movement) => {
            let in_use = payer.in_use();
            match moved(&payer.account, None, movement, in_use.as_ref(), &rules()) {
                Err(
                    AccountError::Used { .. }
                    | AccountError::NothingToDraw { .. }
                    | AccountError::NothingToReturn { .. }
                    | AccountError::NotByTransfer { .. }
                    | AccountError::Collecting { .. },
                ) => {}
                Err(AccountError::NegativeDeposit(_)) => {
                    let asked = matches!(movement, ReturnAsked(fen) if fen > told.deposit);
                    prop_assert!(asked, "{:?}", movement);
                }
                moved => {
                    let receivable = payer.account.figures.receivable().get();
                    payer.take(moved.unwrap());
                    let owed_less = receivable - payer.account.figures.receivable().get();
                    told.note(movement, owed_less);
                }
            }
        }
        Act::Sends => {
            let is_due = payer
                .open
                .as_ref()
                .is_some_and(|d| d.phase == Phase::Due && d.task.due_at_s <= now);
            if is_due && payer.mandate.is_some() {
                let owed = payer.account.figures.unreserved().unwrap().get();
                let taken_today = told.taken_on.get(&time[..10]).copied().unwrap_or(0);
                if let Some(fen) = payer.send(&time) {
                    check_sent(payer, owed, fen, taken_today)?;
                }
            }
        }
        Act::IsPaid if is_sent(payer) => {
            let debit = payer.open.clone().unwrap();
            let fen = debit.reserved().get();
            let sent_at = debit.last_attempt().unwrap().sent_at_s;
            payer.is_paid(&time);
            told.by_alipay += fen;
            *told.taken_on.entry(wall_clock(sent_at)[..10].to_owned()).or_default() += fen;
        }
        Act::IsGivenUp if is_sent(payer) => payer.is_given_up(&time),
        Act::IsPaid | Act::IsGivenUp => {}
        Act::Signs(limits) => {
            let mandate: Option<Mandate> = limits.map(|(single, daily)| mandate_of(single, daily));
            payer.change_mandate(mandate, &time);
        }
        Act::Requests => {
            payer.request(&time);
            check_requested(payer)?;
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_movements_keep_the_rules_and_the_limits_and_lose_no_money(acts in acts()) {
        let mut payer = Payer::under(mandate_of(10_000, Some(15_000)));
        let mut told = Told::default();
        let mut now = at("2015-05-17 00:30");
        for (one, hours) in acts {
            now += SignedDuration::from_hours(hours);
            act(&mut payer, &mut told, one, now)?;
        }
        let mut totals = BTreeMap::<Ledger, i64>::new();
        for posting in payer.journal.iter().flat_map(|entry| &entry.record().postings) {
            *totals.entry(posting.ledger).or_default() += posting.amount_fen.get();
        }
        let rebuilt = payer.journal.iter().try_fold(Figures::default(), |all, entry| all.after(entry));
        prop_assert_eq!(rebuilt, Ok(payer.account.figures));
        let total = |ledger: Ledger| totals.get(&ledger).copied().unwrap_or(0);
        let Told { charged, paid_in, by_alipay, refunding, goodwill, deposit, .. } = told;
        let held = payer.account.figures.deposit().get();
        prop_assert_eq!((held, total(Ledger::Deposit)), (deposit, -deposit));
        let given_up = payer.journal.iter().filter(|entry| {
            matches!(entry.record().cause, Cause::DebitGivenUp { .. })
        });
        let given_up = Fen::sum(given_up.map(|entry| entry.moved(Ledger::Receivable).unwrap()));
        prop_assert!(payer.account.given_up_fen <= Some(given_up.unwrap()));
        prop_assert_eq!(total(Ledger::Revenue), -charged);
        prop_assert_eq!((total(Ledger::Bank), total(Ledger::Alipay)), (paid_in, by_alipay));
        prop_assert_eq!((total(Ledger::Refunding), total(Ledger::Goodwill)), (refunding, goodwill));
        let (prepaid, receivable, _) = payer.stand();
        let settled = paid_in + by_alipay + refunding + goodwill;
        prop_assert_eq!(receivable - prepaid - held, charged - settled);
    }
}
