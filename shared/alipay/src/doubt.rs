//! Why an answer that Alipay signed proves nothing, and the check that several answers share: that
//! the answer is about the trade of the request.

use steelyard_billing::{Doubt, OutTradeNo};

/// A doubt with a fixed text.
pub(crate) fn doubt(text: &str) -> Doubt {
    Doubt(text.to_owned())
}

/// Checks that an answer names the trade of the request.
///
/// # Errors
///
/// A [`Doubt`] when it names another trade, or none.
pub(crate) fn of_trade(asked: &OutTradeNo, named: Option<&str>) -> Result<(), Doubt> {
    match named {
        Some(_) => not_of_another(asked, named),
        None => Err(doubt("the answer does not name its trade")),
    }
}

/// Checks that an answer names no other trade than that of the request. An answer that only gives
/// an error may name none.
///
/// # Errors
///
/// A [`Doubt`] when it names another trade.
pub(crate) fn not_of_another(asked: &OutTradeNo, named: Option<&str>) -> Result<(), Doubt> {
    match named {
        Some(named) if named != asked.as_str() => Err(doubt("the answer is for another trade")),
        Some(_) | None => Ok(()),
    }
}
