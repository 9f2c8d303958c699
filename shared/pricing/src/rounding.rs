//! Rounding: the charge in whole fen, shared out to the lines.

use rust_decimal::Decimal;

use crate::{ChargeError, Fen, Line, Yuan};

/// Shares the charge out to the lines, to the fen: each gets its exact price rounded down, and the
/// lines with the largest remainders a fen more each until nothing is left.
///
/// What is left is between nothing and a fen a line, as long as half a fen always goes the same
/// way. Rounded to the even fen, a month can go from half a fen too much to half a fen too little,
/// or back: then it is one less or one more. Anything else is not rounding, and is refused.
pub(crate) fn share_out(charge: Fen, lines: &mut [Line]) -> Result<(), ChargeError> {
    for line in lines.iter_mut() {
        line.charge_fen = line.exact_yuan.to_fen_floor()?;
    }
    let left = charge.minus(Fen::sum(lines.iter().map(|line| line.charge_fen))?)?;
    let all = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let most = if lines.is_empty() { 0 } else { all.saturating_add(1) };
    if !(most.signum().saturating_neg()..=most).contains(&left.get()) {
        return Err(ChargeError::Unexplained(left));
    }
    let mut by_remainder = lines.iter_mut().collect::<Vec<_>>();
    by_remainder.sort_by_cached_key(|line| std::cmp::Reverse(remainder(line)));
    let fen = Fen::new(left.get().signum());
    let turns = usize::try_from(left.get().unsigned_abs()).unwrap_or(usize::MAX);
    let places = by_remainder.len();
    for turn in 0..turns {
        if let Some(line) = by_remainder.get_mut(turn % places.max(1)) {
            line.charge_fen = line.charge_fen.plus(fen)?;
        }
    }
    for line in lines {
        line.rounding_yuan = Yuan::from(line.charge_fen).minus(line.exact_yuan)?;
    }
    Ok(())
}

/// What rounding down took from the line.
fn remainder(line: &Line) -> Decimal {
    line.exact_yuan.decimal() - Yuan::from(line.charge_fen).decimal()
}
