//! The values of the command line, each refused with what is expected and an example.

use jiff::civil::Date;
use steelyard_pricing::Fen;

/// An amount of money to move or to allow: more than nothing, in yuan.
///
/// # Errors
///
/// What is expected, with an example.
pub(crate) fn amount(text: &str) -> Result<Fen, String> {
    let amount = text.parse::<Fen>().ok().filter(|amount| amount.is_positive());
    amount.ok_or_else(|| {
        format!("`{text}` is not an amount of more than 0 yuan with at most two decimals, such as 100.00")
    })
}

/// The number of a run, a debit or a mandate.
///
/// # Errors
///
/// What is expected, with an example.
pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number such as 12, as the list has it"))
}

/// A day in Beijing, on which Alipay makes a bill.
///
/// # Errors
///
/// What is expected, with an example.
pub(crate) fn date(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`{text}` is not a day such as 2015-05-17"))
}
