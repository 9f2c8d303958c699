//! Debits as people see them: how each stands, what happened, and what the reader can do.

mod line;
mod texts;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use steelyard_billing::{
    Attempt, Debit, DebitId, DeclineReason, Declined, GiveUpReason, OutTradeNo, Phase, Unmatched,
};
use steelyard_pricing::{BillingDay, Fen, MoneyError};
use utoipa::ToSchema;

pub(crate) use line::{Chip, Confirmation, DebitLine, Tone, debit_page, entry_page};

use crate::Records;

/// The payments that bills of Alipay have shown, each with the day of its bill.
pub type Confirmed = BTreeMap<OutTradeNo, Date>;

/// Whether a bill of Alipay's has shown the payment of a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The bill of this day has.
    By(Date),
    /// None has yet.
    NotYet,
    /// That cannot be read.
    Unknown,
}

impl Shown {
    /// Whether one has shown it, given the payments that were shown; none where they are unknown.
    #[must_use]
    pub fn of(debit: &Debit, confirmed: Option<&Confirmed>) -> Shown {
        let Some(confirmed) = confirmed else { return Shown::Unknown };
        let number = debit.paid_attempt().map(|paid| &paid.out_trade_no);
        let day = number.and_then(|number| confirmed.get(number));
        day.map_or(Shown::NotYet, |day| Shown::By(*day))
    }

    /// The bill that has shown it.
    pub(crate) fn by(self) -> Option<Date> {
        match self {
            Shown::By(day) => Some(day),
            Shown::NotYet | Shown::Unknown => None,
        }
    }

    /// The bill that is to show the payment, or has; none where that is not known.
    pub(crate) fn expected(self, debit: &Debit) -> Option<Date> {
        match self {
            Shown::By(day) => Some(day),
            Shown::NotYet => Unmatched::paid_by(debit).map(|paid| paid.booked_on),
            Shown::Unknown => None,
        }
    }
}

/// A debit, as its provider sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DebitView {
    /// Its number among the provider's debits, from 1.
    #[schema(value_type = u64)]
    pub debit: DebitId,
    /// The state of the debit, for people.
    pub state: DebitState,
    /// When it was opened, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub opened_at_s: Timestamp,
    /// The amount; before it is first sent, the amount by what is owed now. None
    /// if nothing could be asked for.
    #[schema(value_type = Option<i64>)]
    pub amount_fen: Option<Fen>,
    /// Whether the amount is fixed, since it was sent.
    pub is_fixed: bool,
    /// The first billing day whose charge it collects; none before it is sent.
    #[schema(value_type = Option<String>)]
    pub from: Option<BillingDay>,
    /// The last billing day whose charge it collects.
    #[schema(value_type = Option<String>)]
    pub through: Option<BillingDay>,
    /// When it is sent next, in seconds of Unix time, if it is to be sent.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub next_at_s: Option<Timestamp>,
    /// When the attempt that took the money was sent, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub paid_at_s: Option<Timestamp>,
    /// Alipay's number of the payment.
    pub trade_no: Option<String>,
    /// The day of Alipay's bill that showed the payment.
    #[schema(value_type = Option<String>)]
    pub confirmed_by: Option<Date>,
    /// The day of Alipay's bill that is to show it, or has; none before it is paid, and where it is
    /// not known whether a bill has shown it.
    #[schema(value_type = Option<String>)]
    pub expected_on: Option<Date>,
    /// Why it was given up, or is being given up.
    pub given_up: Option<Reason>,
    /// The tries that Alipay declined, the oldest first.
    pub declines: Vec<DeclinedTry>,
    /// The attempts that were sent, the oldest first.
    pub attempts: Vec<AttemptView>,
}

/// The state of a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DebitState {
    /// It is to be sent for the first time.
    Scheduled,
    /// No agreement is in force, so that it is not sent: it ends, or is put off.
    WithoutAgreement,
    /// A function is calling Alipay.
    Sending,
    /// Alipay did not look at it, or does not know it: nothing was taken, and it is sent again.
    Resending,
    /// Whether Alipay took the money is not known yet.
    Unknown,
    /// Alipay declined it, and it is sent again.
    Declined,
    /// It is being closed at Alipay, after which nothing can be taken.
    GivingUp,
    /// A person of the platform has to look.
    Held,
    /// Alipay took the money.
    Paid,
    /// Nothing was taken, and it is owed again.
    GivenUp,
    /// It ended before it was sent.
    Withdrawn,
}

/// The reason for which Alipay took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too little money, or a limit of the payer's own.
    Funds,
    /// Above a limit of Alipay or of the agreement.
    AmountCap,
    /// Alipay takes no payments at this time of day.
    Window,
    /// The agreement or its payer no longer exists.
    MandateDead,
    /// The payer's account is blocked or at risk.
    PayerBlocked,
    /// The platform gave it up.
    ByOperator,
}

/// A try that Alipay declined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeclinedTry {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
    /// The kind of decline, which decides about the next try.
    pub reason: Reason,
    /// Alipay's code for the decline.
    pub code: String,
}

/// One number under which a debit was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttemptView {
    /// The number of the attempt, from 1.
    pub attempt: u16,
    /// Our number of it at Alipay.
    pub out_trade_no: String,
    /// When it was last sent, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub sent_at_s: Timestamp,
    /// Whether it can no longer take money.
    pub is_closed: bool,
    /// Alipay's number of the payment, if it took money.
    pub trade_no: Option<String>,
    /// The amount that it took, if it took one.
    #[schema(value_type = Option<i64>)]
    pub taken_fen: Option<Fen>,
}

impl DebitView {
    /// A debit of the provider, given which of its payments bills of Alipay have shown.
    fn new(
        records: &Records<'_>,
        debit: &Debit,
        confirmed: Option<&Confirmed>,
    ) -> Result<DebitView, MoneyError> {
        let terms = debit.terms.as_ref();
        let state = DebitState::of(records, debit);
        let is_due = debit.phase == Phase::Due;
        let due_at = debit.task.due_at_s;
        let expected = match terms {
            None if is_due => records.expected(due_at)?,
            Some(_) | None => None,
        };
        let expected_fen = expected.map(|expected| expected.amount_fen);
        let shown = Shown::of(debit, confirmed);
        Ok(DebitView {
            debit: debit.debit,
            state,
            opened_at_s: debit.opened_at_s,
            amount_fen: terms.map(|terms| terms.amount_fen).or(expected_fen),
            is_fixed: terms.is_some(),
            from: terms.map(|terms| terms.from),
            through: terms.map(|terms| terms.through),
            next_at_s: is_due.then(|| expected.map_or(due_at, |expected| expected.at_s)),
            paid_at_s: debit.paid_attempt().map(|attempt| attempt.sent_at_s),
            trade_no: debit.payment().map(|payment| payment.trade_no.clone()),
            confirmed_by: shown.by(),
            expected_on: shown.expected(debit),
            given_up: given_up(debit),
            declines: debit.declines.iter().map(DeclinedTry::new).collect(),
            attempts: (1..).zip(&debit.attempts).map(AttemptView::new).collect(),
        })
    }

    /// Several of them, the newest first.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub(crate) fn newest_first(
        records: &Records<'_>,
        debits: &[Debit],
        confirmed: Option<&Confirmed>,
    ) -> Result<Vec<DebitView>, MoneyError> {
        let views = debits.iter().map(|debit| DebitView::new(records, debit, confirmed));
        let mut views = views.collect::<Result<Vec<_>, _>>()?;
        views.sort_by_key(|view| std::cmp::Reverse(view.debit));
        Ok(views)
    }

    /// Whether it may still take money.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state.is_open()
    }
}

fn given_up(debit: &Debit) -> Option<Reason> {
    match &debit.phase {
        Phase::Checking { why }
        | Phase::Closing { why }
        | Phase::Confirming { why }
        | Phase::GivenUp { why } => Some(Reason::from(why)),
        Phase::Due
        | Phase::Sending
        | Phase::InDoubt { .. }
        | Phase::Held { .. }
        | Phase::Rechecking { .. }
        | Phase::Paid { .. }
        | Phase::Withdrawn => None,
    }
}

impl DebitState {
    fn of(records: &Records<'_>, debit: &Debit) -> DebitState {
        match &debit.phase {
            Phase::Due if records.provider.mandate.is_none() => DebitState::WithoutAgreement,
            Phase::Due if debit.terms.is_none() => DebitState::Scheduled,
            Phase::Due if debit.declines.is_empty() => DebitState::Resending,
            Phase::Due => DebitState::Declined,
            Phase::Sending => DebitState::Sending,
            Phase::InDoubt { .. } => DebitState::Unknown,
            Phase::Checking { .. } | Phase::Closing { .. } | Phase::Confirming { .. } => {
                DebitState::GivingUp
            }
            Phase::Held { .. } | Phase::Rechecking { .. } => DebitState::Held,
            Phase::Paid { .. } => DebitState::Paid,
            Phase::GivenUp { .. } => DebitState::GivenUp,
            Phase::Withdrawn => DebitState::Withdrawn,
        }
    }

    /// Whether it may still take money.
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            DebitState::Scheduled
            | DebitState::WithoutAgreement
            | DebitState::Sending
            | DebitState::Resending
            | DebitState::Unknown
            | DebitState::Declined
            | DebitState::GivingUp
            | DebitState::Held => true,
            DebitState::Paid | DebitState::GivenUp | DebitState::Withdrawn => false,
        }
    }
}

impl From<DeclineReason> for Reason {
    fn from(reason: DeclineReason) -> Reason {
        match reason {
            DeclineReason::Funds => Reason::Funds,
            DeclineReason::AmountCap => Reason::AmountCap,
            DeclineReason::Window => Reason::Window,
        }
    }
}

impl From<&GiveUpReason> for Reason {
    fn from(reason: &GiveUpReason) -> Reason {
        match reason {
            GiveUpReason::Funds => Reason::Funds,
            GiveUpReason::AmountCap(_) => Reason::AmountCap,
            GiveUpReason::Window(_) => Reason::Window,
            GiveUpReason::MandateDead(_) => Reason::MandateDead,
            GiveUpReason::PayerBlocked(_) => Reason::PayerBlocked,
            GiveUpReason::ByOperator => Reason::ByOperator,
        }
    }
}

impl DeclinedTry {
    fn new(declined: &Declined) -> DeclinedTry {
        DeclinedTry {
            at_s: declined.at_s,
            reason: declined.reason.into(),
            code: declined.code.0.clone(),
        }
    }
}

impl AttemptView {
    fn new((attempt, sent): (u16, &Attempt)) -> AttemptView {
        AttemptView {
            attempt,
            out_trade_no: sent.out_trade_no.to_string(),
            sent_at_s: sent.sent_at_s,
            is_closed: sent.is_closed,
            trade_no: sent.payment.as_ref().map(|payment| payment.trade_no.clone()),
            taken_fen: sent.payment.as_ref().map(|payment| payment.amount_fen),
        }
    }
}
