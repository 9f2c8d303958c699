//! What holds of any movements.

use std::collections::BTreeMap;

use proptest::prelude::*;
use steelyard_billing::{Account, Debit, Figures, Ledger, Mandate, Movement};
use steelyard_pricing::Fen;

use crate::common::{mandate, provider, terms};
use crate::money::{
    Charge, DebitExhausted, DebitPaid, Move, Recharge, check_movement, moved, stand,
};

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let fen = prop_oneof![1_i64..200, 1_i64..30_000];
    let one = prop_oneof![
        4 => fen.clone().prop_map(Charge),
        1 => Just(Charge(0)),
        2 => fen.clone().prop_map(|fen| Charge(-fen)),
        2 => fen.prop_map(Recharge),
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
            limit.map(|limit| Mandate { single_limit_fen: Fen::new(limit), ..mandate() });
        let mut account = Account::new(&provider());
        let mut open: Option<Debit> = None;
        let mut journal = Vec::new();
        let mut totals = BTreeMap::new();
        let (mut charged, mut paid_in, mut withheld) = (0, 0, 0);
        for movement in moves {
            match movement {
                DebitPaid | DebitExhausted if open.is_none() => continue,
                Charge(fen) => charged += fen,
                Recharge(fen) => paid_in += fen,
                DebitPaid => withheld += open.as_ref().map_or(0, |debit| debit.amount_fen.get()),
                DebitExhausted => {}
            }
            let moved =
                moved(&account, open.as_ref(), movement, mandate.as_ref(), &terms()).unwrap();
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
        prop_assert_eq!((total(Ledger::Bank), total(Ledger::Alipay)), (paid_in, withheld));
        let (prepaid, receivable, _) = stand(&account.figures);
        prop_assert_eq!(receivable - prepaid, charged - paid_in - withheld);
    }
}
