//! Rounding: the charge in whole fen, shared out to the lines.

use rust_decimal::Decimal;

use crate::{ChargeError, Fen, Line, Yuan};

/// Shares the charge out to the lines, to the fen: each gets its exact price rounded down, and the
/// lines with the largest remainders a fen more each until nothing is left.
///
/// What is left is between nothing and a fen a line, since one rule rounds the whole month; anything
/// else is not rounding, and is refused.
pub(crate) fn share_out(charge: Fen, lines: &mut [Line]) -> Result<(), ChargeError> {
    for line in lines.iter_mut() {
        line.charge_fen = line.exact_yuan.to_fen_floor()?;
    }
    let left = charge.minus(Fen::sum(lines.iter().map(|line| line.charge_fen))?)?;
    let raised = usize::try_from(left.get()).map_err(|_| ChargeError::Unexplained(left))?;
    if raised > lines.len() {
        return Err(ChargeError::Unexplained(left));
    }
    let mut by_remainder = lines.iter_mut().collect::<Vec<_>>();
    by_remainder.sort_by_key(|line| std::cmp::Reverse(remainder(line)));
    for line in by_remainder.into_iter().take(raised) {
        line.charge_fen = line.charge_fen.plus(Fen::new(1))?;
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
