//! Limits are lowered and never raised.

use steelyard_billing::mandate::{LimitError, LimitsError, Mandate, MandateLimits};
use steelyard_pricing::Fen;

use crate::inputs::every_phase;

const NOW: (i64, Option<i64>) = (10_000, Some(20_000));

fn limits((single, daily): (i64, Option<i64>)) -> MandateLimits {
    MandateLimits { single_fen: Fen::new(single), daily_fen: daily.map(Fen::new) }
}

fn active((single, daily): (i64, Option<i64>)) -> Mandate {
    let (_, active) = every_phase().into_iter().find(|(name, _)| *name == "active").unwrap();
    Mandate { single_limit_fen: Fen::new(single), daily_limit_fen: daily.map(Fen::new), ..active }
}

/// The limits that hold after some were wanted, or why those in force stay.
fn check(
    now: (i64, Option<i64>),
    wanted: (i64, Option<i64>),
) -> Result<MandateLimits, LimitsError> {
    active(now).with_lower_limits(limits(wanted)).map(|mandate| mandate.limits())
}

#[test]
fn a_limit_is_lowered_to_anything_that_allows_a_debit() {
    for wanted in [NOW, (1, Some(1)), (9_999, Some(20_000)), (10_000, Some(5_000))] {
        assert_eq!(check(NOW, wanted), Ok(limits(wanted)), "{wanted:?}");
    }
    assert_eq!(check((10_000, None), (10_000, None)), Ok(limits((10_000, None))));
    assert_eq!(check((10_000, None), (500, Some(800))), Ok(limits((500, Some(800)))));
}

#[test]
fn a_limit_is_neither_raised_nor_taken_away() {
    let above = |wanted, most| LimitError::Above { wanted: Fen::new(wanted), most: Fen::new(most) };
    let refused = [
        ((10_001, Some(20_000)), LimitsError::Single(above(10_001, 10_000))),
        ((10_000, Some(20_001)), LimitsError::Daily(above(20_001, 20_000))),
        ((10_000, None), LimitsError::Daily(LimitError::TakenAway { most: Fen::new(20_000) })),
        ((0, Some(1)), LimitsError::Single(LimitError::Nothing(Fen::ZERO))),
        ((1, Some(-1)), LimitsError::Daily(LimitError::Nothing(Fen::new(-1)))),
    ];
    for (wanted, why) in refused {
        assert_eq!(check(NOW, wanted), Err(why), "{wanted:?}");
    }
}

#[test]
fn only_a_mandate_under_which_debits_are_made_has_limits_to_lower() {
    for (name, mandate) in every_phase() {
        let lowered = mandate.with_lower_limits(limits((1, None)));
        let is_signed = name.starts_with("active") || name.starts_with("suspended");
        assert_eq!(lowered.is_ok(), is_signed, "{name}: {lowered:?}");
    }
}
