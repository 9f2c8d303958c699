//! The values of the command line, each refused with what is expected and an example.

use jiff::civil::Date;
use steelyard_billing::ReportRef;
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

/// An amount of money that is charged, or credited where it is negative, in yuan.
///
/// # Errors
///
/// What is expected, with an example.
pub(crate) fn signed_amount(text: &str) -> Result<Fen, String> {
    let amount = text.parse::<Fen>().ok().filter(|amount| !amount.is_zero());
    amount.ok_or_else(|| {
        format!(
            "`{text}` is not an amount of yuan with at most two decimals, such as 100.00 or -100.00; \
             nor may it be 0"
        )
    })
}

/// A usage report, named by its source and its id.
///
/// # Errors
///
/// What is expected, with an example.
pub(crate) fn report(text: &str) -> Result<ReportRef, String> {
    let read = || {
        let (source, report) = text.split_once('/')?;
        Some(ReportRef { source: source.parse().ok()?, report: report.parse().ok()? })
    };
    read().ok_or_else(|| {
        format!("`{text}` is not a source and its report, such as gateway-1/2015-05-17T09")
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
