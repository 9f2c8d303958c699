//! How the books learn of payments beside the answers to the workers: by notifications and bills.

use std::collections::BTreeMap;

use steelyard_billing::reconciliation::{BillAction, Expected, KnownTrades, plan};
use steelyard_billing::{
    BillKind, BillRow, GivenBack, OutTradeNo, Outcome, Payment, RowKind, Trade,
};

use super::{AtGateway, Flaw, MANDATE, RULES, World, payment};
use crate::second;

impl World {
    /// What the gateway took, by its numbers.
    fn paid(&self) -> Vec<(OutTradeNo, Payment)> {
        let paid = self.trades.iter().filter_map(|(number, trade)| match trade {
            AtGateway::Paid(fen) => Some((number.clone(), payment(number, *fen))),
            AtGateway::Waiting | AtGateway::Closed => None,
        });
        paid.collect()
    }

    /// The debit's attempt of a number, as it is stored.
    fn attempt(&self, number: &OutTradeNo) -> Trade {
        let mut numbers = 1..=self.debit.attempt_count();
        let is_it = |of: &u16| self.debit.attempt(*of).unwrap().out_trade_no == *number;
        Trade::attempt(self.debit.clone(), numbers.find(is_it).unwrap()).unwrap()
    }

    /// Books proof of a payment as the shell does, at once: it reads again until what it read is
    /// stored.
    fn prove(&mut self, number: &OutTradeNo, payment: &Payment) -> Outcome<()> {
        let now = second(self.now);
        match self.attempt(number).after_proof(payment, now) {
            Outcome::Changed(paid) => {
                let moved = paid.paid(payment, &self.account, Some(&MANDATE), &RULES, now);
                if self.flaw == Flaw::StoresOver && moved.is_err() {
                    return Outcome::Contradicts;
                }
                self.book(moved.unwrap());
                let Trade::Attempt { debit, .. } = paid else { unreachable!("it is a debit") };
                self.store(debit);
                Outcome::Changed(())
            }
            Outcome::Unchanged => Outcome::Unchanged,
            Outcome::Contradicts => Outcome::Contradicts,
        }
    }

    /// The notification of each payment that the books do not have. One of another amount changes
    /// nothing.
    pub(super) fn notifies(&mut self) -> bool {
        let is_deaf = self.flaw == Flaw::IsDeaf;
        let paid = if is_deaf { Vec::new() } else { self.paid() };
        let proved = paid.iter().map(|(number, payment)| self.prove(number, payment));
        proved.filter(|of| *of == Outcome::Changed(())).count() > 0
    }

    /// The bill of the day: what it has and the books have not is booked, or is a finding that
    /// stands once.
    pub(super) fn bills(&mut self) -> bool {
        if self.flaw == Flaw::IsDeaf {
            return false;
        }
        let (mut rows, mut known) = (Vec::new(), BTreeMap::new());
        for (number, payment) in self.paid() {
            known.insert(number.clone(), (self.attempt(&number), GivenBack::default()));
            rows.push(BillRow {
                kind: RowKind::Trade,
                out_trade_no: Some(number.to_string()),
                trade_no: payment.trade_no,
                amount_fen: payment.amount_fen,
                out_request_no: None,
                finished_at: second(self.now),
            });
        }
        let (expected, known) = (Expected::default(), KnownTrades(known));
        let planned = plan(BillKind::Trade, &rows, &expected, &known, |_| true).unwrap();
        let mut is_changed = false;
        for (_, action) in planned {
            is_changed |= match action {
                BillAction::BookPayment { trade, payment } => {
                    self.prove(&trade, &payment) == Outcome::Changed(())
                }
                BillAction::Report(finding) => {
                    let found = (finding.out_trade_no, finding.kind);
                    let is_new = !self.findings.contains(&found);
                    self.findings.extend(is_new.then_some(found));
                    is_new
                }
                BillAction::Agrees(_) => false,
                BillAction::Ignore
                | BillAction::Shown(_)
                | BillAction::QueryPayment { .. }
                | BillAction::BookGivenBack { .. } => unreachable!("a bill of trades of ours"),
            };
        }
        is_changed
    }
}
