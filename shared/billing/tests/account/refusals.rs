//! Figures and entries that contradict themselves are refused.

use steelyard_billing::{AccountError, Cause, Entry, EntryRecord, Ledger, Posting, Reference};
use steelyard_pricing::Fen;

use crate::common::{at, mandate, provider, rules};
use crate::money::{Charge, NOW, Recharge, account, figures, moved};

#[test]
fn an_amount_out_of_range_is_an_error_and_not_a_wrong_figure() {
    for (before, movement) in [
        ((0, i64::MAX, 0), Charge(1)),
        ((i64::MAX, 0, 0), Recharge(1)),
        ((i64::MAX, 0, 0), Charge(-1)),
        ((0, 0, 0), Charge(i64::MIN)),
    ] {
        let (account, _) = account(before);
        let refused = moved(&account, None, movement, Some(&mandate()), &rules()).unwrap_err();
        assert!(matches!(refused, AccountError::Money(_)), "{before:?} {movement:?}: {refused}");
    }
}

#[test]
fn figures_that_contradict_each_other_are_refused() {
    for (stand, accepted) in [
        ((0, 0, 0), true),
        ((500, 0, 0), true),
        ((0, 500, 200), true),
        ((500, 200, 200), true),
        ((-1, 0, 0), false),
        ((0, -1, -1), false),
        ((0, -1, 0), false),
        ((0, 200, 201), false),
        ((0, 200, -1), false),
        ((1, 200, 199), false),
    ] {
        assert_eq!(figures(stand).is_ok(), accepted, "{stand:?}");
    }
}

#[test]
fn an_entry_that_does_not_balance_is_refused() {
    let record = |amounts: [i64; 2]| EntryRecord {
        provider: provider().provider,
        number: 1,
        recorded_at_s: at(NOW),
        cause: Cause::Recharged { reference: Reference::new("transfer 1").unwrap() },
        postings: [Ledger::Bank, Ledger::Prepaid]
            .into_iter()
            .zip(amounts)
            .map(|(ledger, fen)| Posting { ledger, amount_fen: Fen::new(fen) })
            .collect(),
    };
    for (amounts, balanced) in [([500, -500], true), ([500, -499], false), ([500, 500], false)] {
        let entry = Entry::try_from(record(amounts));
        assert_eq!(entry.is_ok(), balanced, "{amounts:?}");
    }
}
