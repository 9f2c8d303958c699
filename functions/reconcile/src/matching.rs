//! Each row of a bill, held against the books.

use std::collections::BTreeMap;

use steelyard_billing::{
    BillKind, BillRow, Debit, Finding, FindingKind, Learned, OutRequestNo, OutTradeNo, Payment,
    ProviderId, QueryAnswer, Recharge, Refund, RefundPhase, RefundRef, Reversal, RowKind,
    TradeNumber, TradeOf, Unmatched,
};
use steelyard_pricing::Fen;
use steelyard_store::{Booked, CommitError};

use crate::{ReconcileError, Reconciler, count};

/// A bill that is being held against the books.
pub(crate) struct Matching<'r> {
    reconciler: &'r Reconciler,
    kind: BillKind,
    /// What the books have and no bill has shown yet, by its numbers.
    expected: BTreeMap<Numbers, Unmatched>,
    /// What the bill has shown that was in the books by then, or is by the bill.
    shown: BTreeMap<Numbers, Fen>,
    rows: usize,
    matched: usize,
    findings: Vec<Finding>,
}

/// What holding a bill against the books came to.
pub(crate) struct Matched {
    /// How many rows there were.
    pub(crate) rows: u32,
    /// How many of them matched.
    pub(crate) matched: u32,
    /// What did not simply agree.
    pub(crate) findings: Vec<Finding>,
    /// What the books have and no bill has shown yet.
    pub(crate) left: Vec<Unmatched>,
}

/// A trade, or a refund of it.
type Numbers = (OutTradeNo, Option<OutRequestNo>);

/// How often a refund that others write meanwhile is decided again.
const TRIES: usize = 10;

impl Reconciler {
    pub(crate) async fn matching(&self, kind: BillKind) -> Result<Matching<'_>, ReconcileError> {
        let expected = self.billing.unmatched(jiff::civil::Date::MAX).await?;
        let numbered = expected.into_iter().map(|unmatched| (numbers(&unmatched), unmatched));
        Ok(Matching {
            reconciler: self,
            kind,
            expected: numbered.collect(),
            shown: BTreeMap::new(),
            rows: 0,
            matched: 0,
            findings: Vec::new(),
        })
    }
}

fn numbers(unmatched: &Unmatched) -> Numbers {
    (unmatched.out_trade_no.clone(), unmatched.out_request_no.clone())
}

impl Matching<'_> {
    /// What it came to. What was booked meanwhile, by the bill or by others, was not expected when
    /// the bill was first looked at, and is matched now.
    pub(crate) async fn finish(self) -> Result<Matched, ReconcileError> {
        let billing = &self.reconciler.billing;
        let mut left = Vec::new();
        for unmatched in billing.unmatched(jiff::civil::Date::MAX).await? {
            if self.shown.get(&numbers(&unmatched)) == Some(&unmatched.amount_fen) {
                billing.matched(&unmatched).await?;
            } else {
                left.push(unmatched);
            }
        }
        let (rows, matched) = (count(self.rows), count(self.matched));
        Ok(Matched { rows, matched, findings: self.findings, left })
    }

    /// Holds a row against the books. Fees, withdrawals and the like are none of theirs.
    pub(crate) async fn row(&mut self, row: &BillRow) -> Result<(), ReconcileError> {
        let trade = row.out_trade_no.as_deref().and_then(|text| OutTradeNo::parse(text).ok());
        match (&row.kind, trade) {
            (RowKind::Other(_), _) => Ok(()),
            (RowKind::Trade, Some(trade)) => self.trade(row, trade).await,
            (RowKind::Refund, Some(trade)) => self.refund(row, trade).await,
            (RowKind::Trade | RowKind::Refund, None) => {
                self.rows += 1;
                self.differs(row, FindingKind::TheirsOnly, None, None);
                Ok(())
            }
        }
    }

    async fn trade(&mut self, row: &BillRow, trade: OutTradeNo) -> Result<(), ReconcileError> {
        self.rows += 1;
        if self.shows_expected(row, &(trade.clone(), None)).await? {
            return Ok(());
        }
        let Some(number) = TradeNumber::parse(trade.as_str()) else {
            self.differs(row, FindingKind::TheirsOnly, None, None);
            return Ok(());
        };
        if self.is_booked(row, &number).await? {
            self.shows((trade, None), row);
            return Ok(());
        }
        match self.book(row, &trade, &number).await? {
            Booked::Before(_) => self.shows((trade, None), row),
            Booked::Now(provider) => {
                self.found(row, FindingKind::FoundPayment, &provider);
                self.shows((trade, None), row);
            }
            Booked::Contradicts(provider) => {
                let ours = self.asked(&provider, number.of).await?;
                let kind = match ours {
                    Some(ours) if ours != row.amount_fen => FindingKind::AmountDiffers,
                    Some(_) | None => FindingKind::TheirsOnly,
                };
                self.differs(row, kind, Some(provider), ours);
            }
            Booked::Unknown => self.differs(row, FindingKind::TheirsOnly, None, None),
        }
        Ok(())
    }

    /// Whether the row is about what the books expect to see; with the right amount, it matches.
    async fn shows_expected(
        &mut self,
        row: &BillRow,
        numbers: &Numbers,
    ) -> Result<bool, ReconcileError> {
        let Some(expected) = self.expected.get(numbers).cloned() else { return Ok(false) };
        if expected.amount_fen == row.amount_fen {
            self.reconciler.billing.matched(&expected).await?;
            self.expected.remove(numbers);
            self.matched += 1;
        } else {
            let provider = Some(expected.provider.clone());
            let ours = Some(expected.amount_fen);
            self.differs(row, FindingKind::AmountDiffers, provider, ours);
        }
        Ok(true)
    }

    /// Whether the books have the payment that a row of the ledger shows: its number of the trade is
    /// another, so that only the amount can be compared.
    async fn is_booked(&self, row: &BillRow, number: &TradeNumber) -> Result<bool, ReconcileError> {
        let billing = &self.reconciler.billing;
        let Some(provider) = billing.provider_of(&number.provider).await? else {
            return Ok(false);
        };
        let payment = match (self.kind, number.of) {
            (BillKind::Trade, _) => return Ok(false),
            (BillKind::Ledger, TradeOf::Debit { debit, attempt }) => {
                let debit = billing.find::<Debit>(&provider, &debit).await?;
                debit.and_then(|debit| debit.paid_by_attempt(attempt))
            }
            (BillKind::Ledger, TradeOf::Recharge(id)) => {
                let recharge = billing.find::<Recharge>(&provider, &id).await?;
                recharge.and_then(|recharge| recharge.payment())
            }
        };
        Ok(payment.is_some_and(|payment| payment.amount_fen == row.amount_fen))
    }

    /// Books the payment that a row shows, if the books don't have it.
    async fn book(
        &self,
        row: &BillRow,
        trade: &OutTradeNo,
        number: &TradeNumber,
    ) -> Result<Booked, ReconcileError> {
        let Reconciler { billing, alipay, terms, .. } = self.reconciler;
        let now = self.reconciler.now();
        let payment = match self.kind {
            BillKind::Trade => {
                Payment { trade_no: row.trade_no.clone(), amount_fen: row.amount_fen }
            }
            // The ledger numbers its rows otherwise; Alipay tells the number of the trade.
            BillKind::Ledger => match alipay.query(trade, now).await {
                QueryAnswer::Paid(payment) if payment.amount_fen == row.amount_fen => payment,
                QueryAnswer::Paid(_)
                | QueryAnswer::Pending
                | QueryAnswer::Closed
                | QueryAnswer::NotFound
                | QueryAnswer::InDoubt(_) => return Ok(Booked::Unknown),
            },
        };
        Ok(billing.book_payment(number, &payment, terms, now).await?)
    }

    /// What the books say a trade is for.
    async fn asked(
        &self,
        provider: &ProviderId,
        of: TradeOf,
    ) -> Result<Option<Fen>, ReconcileError> {
        let billing = &self.reconciler.billing;
        Ok(match of {
            TradeOf::Debit { debit, .. } => {
                billing.find::<Debit>(provider, &debit).await?.map(|debit| debit.amount_fen)
            }
            TradeOf::Recharge(id) => {
                billing.find::<Recharge>(provider, &id).await?.map(|recharge| recharge.amount_fen)
            }
        })
    }

    async fn refund(&mut self, row: &BillRow, trade: OutTradeNo) -> Result<(), ReconcileError> {
        self.rows += 1;
        let Some(request) = self.request_of(row, &trade).await? else {
            self.differs(row, FindingKind::TheirsOnly, None, None);
            return Ok(());
        };
        let numbers = (trade.clone(), Some(request.clone()));
        if self.shows_expected(row, &numbers).await? {
            return Ok(());
        }
        let number = RefundRef { out_trade_no: trade, out_request_no: request };
        let Some(of) = TradeNumber::parse(number.out_trade_no.as_str()) else {
            self.differs(row, FindingKind::TheirsOnly, None, None);
            return Ok(());
        };
        let Some(provider) = self.reconciler.billing.provider_of(&of.provider).await? else {
            self.differs(row, FindingKind::TheirsOnly, None, None);
            return Ok(());
        };
        let given_back = row.amount_fen.negated()?;
        match self.book_refund(&provider, &number, of.of, given_back).await? {
            Booked::Before(_) => self.shows(numbers, row),
            Booked::Now(provider) => {
                self.found(row, FindingKind::FoundReversal, &provider);
                self.shows(numbers, row);
            }
            Booked::Contradicts(provider) => {
                self.differs(row, FindingKind::AmountDiffers, Some(provider), None);
            }
            Booked::Unknown => self.differs(row, FindingKind::TheirsOnly, Some(provider), None),
        }
        Ok(())
    }

    /// The number of the refund that a row shows. The ledger has none: it is one of that trade and
    /// amount that the books expect to see, or else have.
    async fn request_of(
        &self,
        row: &BillRow,
        trade: &OutTradeNo,
    ) -> Result<Option<OutRequestNo>, ReconcileError> {
        if let Some(request) = &row.out_request_no {
            return Ok(OutRequestNo::parse(request).ok());
        }
        Ok(match self.kind {
            // A refund without a number of its own has that of its trade.
            BillKind::Trade => OutRequestNo::parse(trade.as_str()).ok(),
            BillKind::Ledger => {
                let of_trade = self.expected.values().filter(|of| of.out_trade_no == *trade);
                let mut same = of_trade.filter(|of| of.amount_fen == row.amount_fen);
                match same.find_map(|of| of.out_request_no.clone()) {
                    Some(request) => Some(request),
                    None => self.request_in_books(trade, row.amount_fen.negated()?).await?,
                }
            }
        })
    }

    /// The number of a refund or a reversal of a trade, of that amount, that the books have.
    async fn request_in_books(
        &self,
        trade: &OutTradeNo,
        amount: Fen,
    ) -> Result<Option<OutRequestNo>, ReconcileError> {
        let billing = &self.reconciler.billing;
        let Some(number) = TradeNumber::parse(trade.as_str()) else { return Ok(None) };
        let Some(provider) = billing.provider_of(&number.provider).await? else {
            return Ok(None);
        };
        let refunds = billing.all::<Refund>(&provider).await?;
        let refund = refunds.into_iter().find(|of| {
            of.out_trade_no == *trade && of.amount_fen == amount && of.phase == RefundPhase::Done
        });
        if let Some(refund) = refund {
            return Ok(Some(refund.out_request_no));
        }
        let reversals = billing.all::<Reversal>(&provider).await?;
        let reversal = reversals
            .into_iter()
            .find(|of| of.out_trade_no == *trade && of.amount() == Some(amount));
        Ok(reversal.map(|reversal| reversal.out_request_no))
    }

    /// Books that money was given back: by our refund, or without our asking.
    async fn book_refund(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
        of: TradeOf,
        amount: Fen,
    ) -> Result<Booked, ReconcileError> {
        let billing = &self.reconciler.billing;
        let now = self.reconciler.now();
        for _ in 0..TRIES {
            let Some(before) = billing.find::<Refund>(provider, number).await? else {
                return Ok(billing.book_reversal(provider, number, of, amount, now).await?);
            };
            // What Alipay refused was set free; if it gave the money back all the same, that was not
            // by our asking.
            if let RefundPhase::Refused { .. } = before.phase {
                return Ok(billing.book_reversal(provider, number, of, amount, now).await?);
            }
            let after = match before.learn_done(amount, now) {
                Learned::Known => return Ok(Booked::Before(provider.clone())),
                Learned::Contradicts => return Ok(Booked::Contradicts(provider.clone())),
                Learned::New(after) => after,
            };
            match billing.store_refund(&before, &after, now).await? {
                Ok(_) => return Ok(Booked::Now(provider.clone())),
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ReconcileError::Booking(steelyard_store::BookingError::Contended))
    }

    /// The row agrees with the books.
    fn shows(&mut self, numbers: Numbers, row: &BillRow) {
        self.matched += 1;
        self.shown.insert(numbers, row.amount_fen);
    }

    fn found(&mut self, row: &BillRow, kind: FindingKind, provider: &ProviderId) {
        self.differs(row, kind, Some(provider.clone()), None);
    }

    fn differs(
        &mut self,
        row: &BillRow,
        kind: FindingKind,
        provider: Option<ProviderId>,
        ours_fen: Option<Fen>,
    ) {
        self.findings.push(Finding {
            kind,
            out_trade_no: row.out_trade_no.clone().unwrap_or_default(),
            out_request_no: row.out_request_no.clone(),
            provider,
            theirs_fen: Some(row.amount_fen),
            ours_fen,
        });
    }
}
