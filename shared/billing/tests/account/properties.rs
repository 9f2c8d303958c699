//! What holds of any movements.

use std::collections::BTreeMap;

use proptest::prelude::*;
use steelyard_billing::{Account, AccountError, Debit, Figures, Ledger, MandateInUse, Movement};
use steelyard_pricing::Fen;

use crate::common::{mandate, provider, terms};
use crate::money::*;

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let fen = prop_oneof![1_i64..200, 1_i64..30_000];
    let one = prop_oneof![
        4 => fen.clone().prop_map(Charge),
        1 => Just(Charge(0)),
        2 => fen.clone().prop_map(|fen| Charge(-fen)),
        2 => fen.clone().prop_map(Recharge),
        1 => fen.clone().prop_map(RechargePaid),
        1 => fen.clone().prop_map(DebitFound),
        1 => fen.clone().prop_map(RefundAsked),
        1 => fen.clone().prop_map(RefundRefused),
        1 => fen.clone().prop_map(GiftAsked),
        1 => fen.clone().prop_map(GiftDone),
        1 => fen.prop_map(Reversed),
        2 => Just(DebitPaid),
        1 => Just(DebitExhausted),
    ];
    prop::collection::vec(one, 0..60)
}

/// What was moved in all, by ledger.
fn add_entry(totals: &mut BTreeMap<Ledger, i64>, movement: &Movement) {
    for posting in movement.entry.iter().flat_map(|entry| &entry.record().postings) {
        *totals.entry(posting.ledger).or_default() += posting.amount_fen.get();
    }
}

proptest! {
    #[test]
    fn any_movements_keep_the_rules_and_lose_no_money(
        moves in moves(), limit in prop::option::weighted(0.8, 0_i64..30_000),
    ) {
        let mandate =
            limit.map(|limit| MandateInUse { limit_fen: Fen::new(limit), ..mandate() });
        let mut account = Account::new(&provider());
        let mut open: Option<Debit> = None;
        let mut journal = Vec::new();
        let mut totals = BTreeMap::new();
        let (mut charged, mut paid_in, mut by_alipay, mut refunding, mut goodwill) = (0, 0, 0, 0, 0);
        for movement in moves {
            if matches!(movement, DebitPaid | DebitExhausted) && open.is_none() {
                continue;
            }
            let moved = moved(&account, open.as_ref(), movement, mandate.as_ref(), &terms());
            if let Err(AccountError::Used { .. }) = moved {
                continue;
            }
            let moved = moved.unwrap();
            match movement {
                Charge(fen) => charged += fen,
                Recharge(fen) => paid_in += fen,
                DebitPaid => by_alipay += open.as_ref().map_or(0, |debit| debit.amount_fen.get()),
                DebitExhausted => {}
                RechargePaid(fen) | DebitFound(fen) => by_alipay += fen,
                RefundAsked(fen) => refunding -= fen,
                RefundRefused(fen) => refunding += fen,
                GiftAsked(fen) => (refunding, goodwill) = (refunding - fen, goodwill + fen),
                GiftRefused(fen) => (refunding, goodwill) = (refunding + fen, goodwill - fen),
                RefundDone(fen) | GiftDone(fen) => {
                    (refunding, by_alipay) = (refunding + fen, by_alipay - fen);
                }
                Reversed(fen) => by_alipay -= fen,
            }
            check_movement(&account, &moved);
            if matches!(movement, DebitPaid | DebitExhausted) {
                open = None;
            }
            if let Some(debit) = &moved.opened {
                prop_assert!(open.is_none(), "one debit at a time");
                prop_assert!((100..=limit.unwrap()).contains(&debit.amount_fen.get()));
                open = moved.opened.clone();
            }
            add_entry(&mut totals, &moved);
            journal.extend(moved.entry.clone());
            account = moved.account;
        }
        let rebuilt = journal.iter().try_fold(Figures::default(), |all, entry| all.after(entry));
        prop_assert_eq!(rebuilt, Ok(account.figures));
        let total = |ledger: Ledger| totals.get(&ledger).copied().unwrap_or(0);
        prop_assert_eq!(total(Ledger::Revenue), -charged);
        prop_assert_eq!((total(Ledger::Bank), total(Ledger::Alipay)), (paid_in, by_alipay));
        prop_assert_eq!((total(Ledger::Refunding), total(Ledger::Goodwill)), (refunding, goodwill));
        let (prepaid, receivable, _) = stand(&account.figures);
        let settled = paid_in + by_alipay + refunding + goodwill;
        prop_assert_eq!(receivable - prepaid, charged - settled);
    }
}
