//! Where the money of a bill goes: its journal entry, the debits that collect it, Alipay's numbers,
//! and the bill of Alipay that confirms each.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use steelyard_billing::{Debit, DebitId, Ledger, Phase, bill_day};
use steelyard_pricing::{Fen, MoneyError};
use utoipa::ToSchema;

use super::BillRecords;
use super::paid::{Collecting, collects, sent_at};
use crate::debits::Shown;
use crate::records::Records;

/// A debit that collects a bill, and whether a bill of Alipay's has shown its payment.
#[derive(Clone, Copy, Debug)]
pub struct BilledDebit<'a> {
    /// The debit that collects the bill, alone or with others.
    pub debit: &'a Debit,
    /// Whether a bill of Alipay's has shown its payment.
    pub shown: Shown,
}

/// Where the money goes, link by link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trail {
    /// The journal entry; none where nothing was charged.
    pub entry: Option<TrailEntry>,
    /// The debits, from the oldest to the newest.
    pub debits: Vec<TrailDebit>,
}

/// The journal entry of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrailEntry {
    /// The number among the entries of the account, from 1.
    pub number: u64,
    /// When it was recorded, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub recorded_at_s: Timestamp,
    /// What it took from the prepaid balance; negative for what it added.
    #[schema(value_type = i64)]
    pub from_prepaid_fen: Fen,
    /// What it added to what is owed; negative for what it took off.
    #[schema(value_type = i64)]
    pub owed_fen: Fen,
}

/// A debit of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TrailDebit {
    /// The number among the provider's debits, from 1.
    #[schema(value_type = u64)]
    pub debit: DebitId,
    /// The phase of the debit, as far as it concerns the bill.
    pub phase: TrailPhase,
    /// Its amount, of which the bill may be a part; before it is sent what it would ask for now.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// When it was sent, or is to be sent, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// Alipay's number of the payment.
    pub trade_no: Option<String>,
    /// The day of Alipay's bill that showed the payment.
    #[schema(value_type = Option<String>)]
    pub confirmed_by: Option<Date>,
    /// The day of Alipay's bill that is to show it.
    #[schema(value_type = Option<String>)]
    pub expected_on: Option<Date>,
}

/// The phase of a debit, as far as it concerns a bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrailPhase {
    /// Opened, and to be sent when it falls due.
    Due,
    /// Sent, and not known yet.
    Underway,
    /// Alipay took the amount.
    Paid,
    /// Given up: nothing was taken.
    GivenUp,
}

impl Trail {
    /// The road of a bill, of which the open debit takes some, or nothing.
    pub(super) fn new(
        records: Records<'_>,
        of: BillRecords<'_>,
        collecting: Option<&Collecting>,
    ) -> Result<Trail, MoneyError> {
        let day = of.statement.statement.day;
        let open = records.account.open_debit;
        let is_of_bill = |debit: &Debit| {
            let covers = debit.terms.as_ref().is_some_and(|terms| terms.covers(day));
            let takes = collecting.is_some_and(|collecting| collecting.debit == debit.debit);
            covers || takes || open != Some(debit.debit)
        };

        let entry = of.entry.map(|entry| {
            Ok::<_, MoneyError>(TrailEntry {
                number: entry.record().number,
                recorded_at_s: entry.record().recorded_at_s,
                from_prepaid_fen: entry.moved(Ledger::Prepaid)?,
                owed_fen: entry.moved(Ledger::Receivable)?,
            })
        });
        let debits = of.debits.iter().filter(|of| of.debit.phase != Phase::Withdrawn);
        let debits = debits.filter(|of| is_of_bill(of.debit));
        let debits = debits.map(|of| TrailDebit::new(records, of));
        Ok(Trail { entry: entry.transpose()?, debits: debits.collect::<Result<_, _>>()? })
    }
}

impl TrailDebit {
    fn new(records: Records<'_>, of: &BilledDebit<'_>) -> Result<TrailDebit, MoneyError> {
        let BilledDebit { debit, shown } = *of;
        let phase = TrailPhase::of(debit);
        let sent = debit.last_attempt().map(|attempt| attempt.sent_at_s);
        let at_s = match phase {
            TrailPhase::Due => debit.task.due_at_s,
            TrailPhase::Underway => sent_at(debit).unwrap_or(debit.task.due_at_s),
            TrailPhase::Paid | TrailPhase::GivenUp => sent.unwrap_or(debit.opened_at_s),
        };
        let amount_fen = collects(records, debit)?;
        let expected_on = match phase {
            TrailPhase::GivenUp => None,
            TrailPhase::Due | TrailPhase::Underway => Some(bill_day(at_s)),
            TrailPhase::Paid => shown.expected(debit),
        };
        Ok(TrailDebit {
            debit: debit.debit,
            phase,
            amount_fen,
            at_s,
            trade_no: debit.payment().map(|payment| payment.trade_no.clone()),
            confirmed_by: shown.by(),
            expected_on,
        })
    }
}

impl TrailPhase {
    fn of(debit: &Debit) -> TrailPhase {
        match debit.phase {
            Phase::Due => TrailPhase::Due,
            Phase::Paid { .. } => TrailPhase::Paid,
            Phase::GivenUp { .. } | Phase::Withdrawn => TrailPhase::GivenUp,
            Phase::Sending
            | Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. } => TrailPhase::Underway,
        }
    }
}
