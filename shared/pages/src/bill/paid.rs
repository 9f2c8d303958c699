//! How a bill is paid.

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Debit, DebitId, Ledger, Phase, Statement, still_owed};
use steelyard_pricing::{Fen, MoneyError};
use utoipa::ToSchema;

use super::BillRecords;
use crate::records::Records;

/// How a bill is paid: its charge, less what was paid, is what is left.
///
/// Money pays the oldest bill first, so what was paid after it was settled follows from what is
/// owed in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillPayment {
    /// What the bill charges; negative for a credit.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// What the prepaid balance paid when it was settled.
    #[schema(value_type = i64)]
    pub from_prepaid_fen: Fen,
    /// The sum that was paid since, by withholding, by recharging or from the deposit.
    #[schema(value_type = i64)]
    pub paid_since_fen: Fen,
    /// The debit that was paid and covers the day; none without one, or with several.
    #[schema(value_type = Option<u64>)]
    pub withheld_by: Option<DebitId>,
    /// The part of `paid_since_fen` that this debit took; none if that is not known.
    #[schema(value_type = Option<i64>)]
    pub withheld_fen: Option<Fen>,
    /// The other part of `paid_since_fen`; all of it if the debit's part is not known.
    #[schema(value_type = i64)]
    pub paid_otherwise_fen: Fen,
    /// What the open debit collects, or is to collect.
    pub collecting: Option<Collecting>,
    /// The sum that is left to pay, without what is being collected.
    #[schema(value_type = i64)]
    pub left_fen: Fen,
    /// What the bill credits; nothing unless the charge is negative.
    #[schema(value_type = i64)]
    pub credit_fen: Fen,
    /// What of a credit paid what was owed.
    #[schema(value_type = i64)]
    pub to_owed_fen: Fen,
    /// What of a credit was added to the prepaid balance.
    #[schema(value_type = i64)]
    pub to_prepaid_fen: Fen,
}

/// What the open debit takes of a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Collecting {
    /// The number of the debit among the provider's, from 1.
    #[schema(value_type = u64)]
    pub debit: DebitId,
    /// Its part of the bill.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// When it was sent, or is to be sent, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// Whether it was sent.
    pub is_sent: bool,
}

impl BillPayment {
    pub(super) fn new(
        records: Records<'_>,
        of: BillRecords<'_>,
    ) -> Result<BillPayment, MoneyError> {
        let BillRecords { statement, statements, .. } = of;
        let charge = statement.charge_fen;
        let owed_of = |receivable| owed(statement, statements, receivable);
        let receivable = records.account.figures.receivable();
        let owed = owed_of(receivable)?;
        let open = open_debit(records, of);
        let collects = open.map(|debit| collects(records, debit)).transpose()?;
        let left = match collects {
            Some(amount) => owed_of(receivable.minus(amount)?.max(Fen::ZERO))?,
            None => owed,
        };
        let collecting = open.zip(Some(owed.minus(left)?)).filter(|(_, part)| part.is_positive());
        let credit = charge.negated()?.max(Fen::ZERO);
        let to_prepaid = match of.entry {
            Some(entry) if charge.is_negative() => entry.moved(Ledger::Prepaid)?.negated()?,
            Some(_) | None => Fen::ZERO,
        };
        let due = charge.max(Fen::ZERO).minus(statement.from_prepaid_fen)?;
        let paid_since = due.minus(owed)?;
        let withheld = withheld(of, paid_since, receivable)?;
        let withheld_fen = withheld.and_then(|(_, amount)| amount);
        Ok(BillPayment {
            charge_fen: charge,
            from_prepaid_fen: statement.from_prepaid_fen,
            paid_since_fen: paid_since,
            withheld_by: withheld.map(|(debit, _)| debit),
            withheld_fen,
            paid_otherwise_fen: paid_since.minus(withheld_fen.unwrap_or(Fen::ZERO))?,
            collecting: collecting.map(|(debit, amount_fen)| Collecting {
                debit: debit.debit,
                amount_fen,
                at_s: sent_at(debit).unwrap_or(debit.task.due_at_s),
                is_sent: sent_at(debit).is_some(),
            }),
            left_fen: left,
            credit_fen: credit,
            to_owed_fen: credit.minus(to_prepaid)?,
            to_prepaid_fen: to_prepaid,
        })
    }
}

/// What is owed of a statement when so much is owed in all.
pub(super) fn owed(
    statement: &Statement,
    statements: &[Statement],
    receivable: Fen,
) -> Result<Fen, MoneyError> {
    let owed = still_owed(statements, receivable)?;
    let place = statements.iter().position(|other| other.statement == statement.statement);
    Ok(place.and_then(|place| owed.get(place)).copied().unwrap_or(Fen::ZERO))
}

fn open_debit<'a>(records: Records<'_>, of: BillRecords<'a>) -> Option<&'a Debit> {
    let open = records.account.open_debit?;
    of.debits.iter().map(|of| of.debit).find(|debit| debit.debit == open)
}

/// What an open debit takes, by what is owed now if it was not sent.
pub(super) fn collects(records: Records<'_>, debit: &Debit) -> Result<Fen, MoneyError> {
    match &debit.terms {
        Some(terms) => Ok(terms.amount_fen),
        None => {
            let expected = records.expected(debit.task.due_at_s)?;
            Ok(expected.map_or(Fen::ZERO, |expected| expected.amount_fen))
        }
    }
}

/// When an open debit was sent, unless it waits to be sent.
pub(super) fn sent_at(debit: &Debit) -> Option<Timestamp> {
    let last = debit.last_attempt().map(|attempt| attempt.sent_at_s);
    last.filter(|_| debit.phase != Phase::Due)
}

/// The one debit that was paid and covers the statement's day, with what it took of the bill: all
/// that was paid since, if the bills that it covers were paid by it alone; otherwise its amount, if
/// it covers this bill only.
fn withheld(
    of: BillRecords<'_>,
    paid_since: Fen,
    receivable: Fen,
) -> Result<Option<(DebitId, Option<Fen>)>, MoneyError> {
    let day = of.statement.statement.day;
    let covering = of.debits.iter().map(|of| of.debit).filter(|debit| debit.payment().is_some());
    let mut covering = covering.filter_map(|debit| {
        debit.terms.as_ref().filter(|terms| terms.covers(day)).map(|terms| (debit.debit, terms))
    });
    let (Some((debit, terms)), None) = (covering.next(), covering.next()) else {
        return Ok(None);
    };
    let owed = still_owed(of.statements, receivable)?;
    let (mut bills, mut paid) = (0, Fen::ZERO);
    for (statement, owed) in of.statements.iter().zip(owed) {
        if terms.covers(statement.statement.day) {
            let charge = statement.charge_fen.max(Fen::ZERO);
            paid = paid.plus(charge.minus(statement.from_prepaid_fen)?.minus(owed)?)?;
            bills += 1;
        }
    }
    // Bills of the month before are not among the statements, and supplements are of the same day.
    let is_for_one = bills == 1 && terms.from == terms.through;
    let took = if paid == terms.amount_fen {
        Some(paid_since)
    } else {
        is_for_one.then(|| terms.amount_fen.min(paid_since))
    };
    Ok(Some((debit, took)))
}
