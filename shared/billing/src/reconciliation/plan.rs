//! The plan of a reconciliation: what is to be done about each row of a bill. Pure.

use std::collections::{BTreeMap, BTreeSet};

use steelyard_pricing::{Fen, MoneyError};

use super::{Finding, FindingKind, Unmatched};
use crate::{
    BillKind, BillRow, GivenBack, OutRequestNo, OutTradeNo, Payment, ProviderId, Realm, RefundRef,
    RowKind, Trade, TradeNumber,
};

/// What our books have and no bill has shown yet, by its numbers.
#[derive(Clone, Debug, Default)]
pub struct Expected(BTreeMap<Numbers, Unmatched>);

/// The numbers of a trade, or of a refund of it.
pub type Numbers = (OutTradeNo, Option<OutRequestNo>);

/// What our books have of the trades that a bill names and that were not expected.
#[derive(Clone, Debug, Default)]
pub struct KnownTrades(pub BTreeMap<OutTradeNo, (Trade, GivenBack)>);

/// What is to be done about a row of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillAction {
    /// Nothing: it is about no trade, or about a trade of another deployment.
    Ignore,
    /// Note that the bill showed what the books expected.
    Shown(Unmatched),
    /// Nothing: the books have it, and an earlier bill showed it.
    Agrees(Numbers),
    /// Only the bill shows the payment: book it.
    BookPayment {
        /// Our number of the trade.
        trade: OutTradeNo,
        /// What the bill says was taken.
        payment: Payment,
    },
    /// Query the trade, and book the payment if the gateway confirms the amount: the ledger does
    /// not have the gateway's number of the trade.
    QueryPayment {
        /// Our number of the trade.
        trade: OutTradeNo,
        /// What the bill says was taken.
        amount: Fen,
    },
    /// Book that money was given back.
    BookGivenBack {
        /// The trade and the request.
        number: RefundRef,
        /// What the bill says was given back.
        amount: Fen,
    },
    /// Report a difference.
    Report(Finding),
}

impl Expected {
    /// The movements that bills have yet to show, found by their numbers.
    #[must_use]
    pub fn new(unmatched: Vec<Unmatched>) -> Expected {
        Expected(unmatched.into_iter().map(|of| (of.numbers(), of)).collect())
    }

    /// The trades that some rows name and whose records decide what is to be done about them: all
    /// that are ours and are not expected as they stand in the bill.
    #[must_use]
    pub fn unexpected(&self, kind: BillKind, rows: &[BillRow]) -> BTreeSet<OutTradeNo> {
        let trades = rows.iter().filter(|row| {
            let numbers = numbers_in(kind, row);
            numbers.is_none_or(|numbers| !self.0.contains_key(&numbers))
        });
        trades.filter_map(trade_of).collect()
    }

    /// Removes what a bill showed: later rows find it in the books' records.
    pub fn remove(&mut self, shown: &[Unmatched]) {
        for unmatched in shown {
            self.0.remove(&unmatched.numbers());
        }
    }

    /// The first refund of a trade of this amount that no other row took.
    fn request_of(
        &self,
        trade: &OutTradeNo,
        amount: Fen,
        taken: &BTreeSet<Numbers>,
    ) -> Option<OutRequestNo> {
        let of_trade = self.0.range((trade.clone(), None)..);
        of_trade
            .take_while(|((of, _), _)| of == trade)
            .filter(|(numbers, of)| of.amount_fen == amount && !taken.contains(numbers))
            .find_map(|(_, of)| of.out_request_no.clone())
    }
}

/// What is to be done about each row of a bill, payments before what was given back of them.
///
/// # Errors
///
/// [`MoneyError`] when an amount leaves its range.
pub fn plan(
    kind: BillKind,
    rows: &[BillRow],
    expected: &Expected,
    known: &KnownTrades,
    is_our_realm: impl Fn(&Realm) -> bool,
) -> Result<Vec<(BillRow, BillAction)>, MoneyError> {
    let mut planner = Planner { kind, expected, known, is_our_realm, taken: BTreeSet::new() };
    let mut planned = rows
        .iter()
        .map(|row| Ok((row.clone(), planner.action(row)?)))
        .collect::<Result<Vec<_>, MoneyError>>()?;
    planned.sort_by_key(|(row, _)| row.kind == RowKind::Refund);
    Ok(planned)
}

/// What the plan of one row depends on.
struct Planner<'a, F> {
    kind: BillKind,
    expected: &'a Expected,
    known: &'a KnownTrades,
    is_our_realm: F,
    /// The refunds that rows of a ledger are taken for. It has no numbers of refunds, and two of a
    /// trade may have the same amount.
    taken: BTreeSet<Numbers>,
}

impl<F: Fn(&Realm) -> bool> Planner<'_, F> {
    fn action(&mut self, row: &BillRow) -> Result<BillAction, MoneyError> {
        match (&row.kind, trade_of(row)) {
            (RowKind::Other(_), _) => Ok(BillAction::Ignore),
            (RowKind::Trade | RowKind::Refund, None) => Ok(theirs_only(row, None)),
            (RowKind::Trade, Some(trade)) => Ok(self.payment(row, trade)),
            (RowKind::Refund, Some(trade)) => self.given_back(row, trade),
        }
    }

    fn payment(&self, row: &BillRow, trade: OutTradeNo) -> BillAction {
        let numbers = (trade, None);
        if let Some(action) = self.expected(row, &numbers) {
            return action;
        }
        let (trade, _) = numbers;
        let Some((known, _)) = self.known.0.get(&trade) else { return self.unknown(row, &trade) };
        let (asked, provider) = (known.asked(), Some(known.provider().clone()));
        match (known.payment(), self.kind) {
            (Some(paid), _) if paid.amount_fen != row.amount_fen => {
                differs(row, provider, Some(paid.amount_fen))
            }
            (Some(paid), BillKind::Trade) if paid.trade_no != row.trade_no => {
                theirs_only(row, provider)
            }
            // The ledger numbers its rows otherwise, so that only the amount can be compared.
            (Some(_), BillKind::Trade | BillKind::Ledger) => BillAction::Agrees((trade, None)),
            (None, _) if asked != row.amount_fen => differs(row, provider, Some(asked)),
            (None, BillKind::Trade) => {
                let (trade_no, amount_fen) = (row.trade_no.clone(), row.amount_fen);
                BillAction::BookPayment { trade, payment: Payment { trade_no, amount_fen } }
            }
            (None, BillKind::Ledger) => BillAction::QueryPayment { trade, amount: row.amount_fen },
        }
    }

    fn given_back(&mut self, row: &BillRow, trade: OutTradeNo) -> Result<BillAction, MoneyError> {
        let amount = row.amount_fen.negated()?;
        let known = self.known.0.get(&trade);
        let request = request_in(self.kind, row).or_else(|| match self.kind {
            BillKind::Trade => None,
            BillKind::Ledger => {
                let expected = self.expected.request_of(&trade, row.amount_fen, &self.taken);
                expected.or_else(|| {
                    let (_, back) = known?;
                    let mut requests = back.requests_of(&trade, amount).map(|of| of.out_request_no);
                    requests.find(|of| !self.taken.contains(&(trade.clone(), Some(of.clone()))))
                })
            }
        });
        let Some(request) = request else {
            return Ok(match known {
                Some((known, _)) => theirs_only(row, Some(known.provider().clone())),
                None => self.unknown(row, &trade),
            });
        };
        let numbers = (trade, Some(request.clone()));
        self.taken.insert(numbers.clone());
        if let Some(action) = self.expected(row, &numbers) {
            return Ok(action);
        }
        let (trade, _) = numbers;
        Ok(match known {
            Some(_) => {
                let number = RefundRef { out_trade_no: trade, out_request_no: request };
                BillAction::BookGivenBack { number, amount }
            }
            None => self.unknown(row, &trade),
        })
    }

    /// What the books expect under the row's numbers, with the right amount or another.
    fn expected(&self, row: &BillRow, numbers: &Numbers) -> Option<BillAction> {
        let expected = self.expected.0.get(numbers)?;
        Some(if expected.amount_fen == row.amount_fen {
            BillAction::Shown(expected.clone())
        } else {
            differs(row, Some(expected.provider.clone()), Some(expected.amount_fen))
        })
    }

    /// A row whose trade is in no record. A number of another realm is another deployment's, which
    /// uses the same application.
    fn unknown(&self, row: &BillRow, trade: &OutTradeNo) -> BillAction {
        let number = TradeNumber::parse(trade.as_str());
        let is_foreign = number.is_some_and(|number| !(self.is_our_realm)(&number.realm));
        if is_foreign { BillAction::Ignore } else { theirs_only(row, None) }
    }
}

fn trade_of(row: &BillRow) -> Option<OutTradeNo> {
    row.out_trade_no.as_deref().and_then(|text| OutTradeNo::parse(text).ok())
}

/// The numbers of what a row is about, as far as the row has them.
fn numbers_in(kind: BillKind, row: &BillRow) -> Option<Numbers> {
    let trade = trade_of(row)?;
    match row.kind {
        RowKind::Trade => Some((trade, None)),
        RowKind::Refund => Some((trade, Some(request_in(kind, row)?))),
        RowKind::Other(_) => None,
    }
}

/// The number of the refund that a row is about. In the bill of trades, a refund without a number
/// of its own has that of its trade.
fn request_in(kind: BillKind, row: &BillRow) -> Option<OutRequestNo> {
    let text = match kind {
        BillKind::Trade => row.out_request_no.as_ref().or(row.out_trade_no.as_ref()),
        BillKind::Ledger => row.out_request_no.as_ref(),
    };
    text.and_then(|text| OutRequestNo::parse(text).ok())
}

fn theirs_only(row: &BillRow, provider: Option<ProviderId>) -> BillAction {
    BillAction::Report(row_finding(row, FindingKind::TheirsOnly, provider, None))
}

fn differs(row: &BillRow, provider: Option<ProviderId>, ours: Option<Fen>) -> BillAction {
    BillAction::Report(row_finding(row, FindingKind::AmountDiffers, provider, ours))
}

/// A finding about a row. A row without a number of a merchant goes by the gateway's: each has its
/// own.
#[must_use]
pub fn row_finding(
    row: &BillRow,
    kind: FindingKind,
    provider: Option<ProviderId>,
    ours_fen: Option<Fen>,
) -> Finding {
    Finding {
        kind,
        out_trade_no: row.out_trade_no.clone().unwrap_or_else(|| row.trade_no.clone()),
        out_request_no: row.out_request_no.clone(),
        provider,
        theirs_fen: Some(row.amount_fen),
        ours_fen,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn row(out_trade_no: Option<&str>, trade_no: &str) -> BillRow {
        BillRow {
            kind: RowKind::Trade,
            out_trade_no: out_trade_no.map(str::to_owned),
            trade_no: trade_no.to_owned(),
            amount_fen: Fen::new(100),
            out_request_no: None,
            finished_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn rows_of_a_ledger_are_taken_for_different_refunds_of_one_amount() {
        let refund = |request: &str| Unmatched {
            provider: "a".parse().unwrap(),
            out_trade_no: OutTradeNo::parse("T1").unwrap(),
            out_request_no: Some(OutRequestNo::parse(request).unwrap()),
            amount_fen: Fen::new(-500),
            booked_on: "2015-05-02".parse().unwrap(),
        };
        let row = BillRow {
            kind: RowKind::Refund,
            amount_fen: Fen::new(-500),
            ..row(Some("T1"), "2015001")
        };
        let (rows, known) = ([row.clone(), row], KnownTrades::default());
        let mut expected = Expected::new(vec![refund("F1"), refund("F2"), refund("F3")]);
        let shown = |expected: &Expected| {
            let planned = plan(BillKind::Ledger, &rows, expected, &known, |_| true).unwrap();
            planned.into_iter().map(|(_, action)| action).collect::<Vec<_>>()
        };
        let [first, second, third] = ["F1", "F2", "F3"].map(|of| BillAction::Shown(refund(of)));
        assert_eq!(shown(&expected), [first.clone(), second.clone()]);
        // The rows of the next chunk are taken for what is left.
        expected.remove(&[refund("F1")]);
        assert_eq!(shown(&expected), [second, third]);
    }

    #[test]
    fn trades_without_a_number_of_a_merchant_are_findings_of_their_own() {
        let rows = [row(None, "2015001"), row(None, "2015002"), row(Some("X1"), "2015003")];
        let known = KnownTrades::default();
        let planned = plan(BillKind::Trade, &rows, &Expected::default(), &known, |_| true).unwrap();
        let number = |action| {
            if let BillAction::Report(finding) = action { Some(finding.out_trade_no) } else { None }
        };
        let numbers: Option<Vec<_>> =
            planned.into_iter().map(|(_, action)| number(action)).collect();
        assert_eq!(numbers.expect("every row is a finding"), ["2015001", "2015002", "X1"]);
    }
}
