//! What is withheld next: how much, when, for which days, and how the amount is made up; or why
//! nothing is.

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::mandate::{MandatePhase, Suspension};
use steelyard_billing::{
    Debit, DeclineReason, GiveUpReason, MandateId, Phase, Request, Statement, StatementId,
    days_collected, still_owed,
};
use steelyard_pricing::{BillingDay, Fen, MoneyError};
use utoipa::ToSchema;

use super::{OverviewError, Parts};

/// How many bills a strip lists; older ones are one row.
const BILLS_MAX: usize = 5;

/// The next debit, or the reason for none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextWithholding {
    /// The state of the withholding, for people.
    pub state: WithholdingState,
    /// The amount: of a debit that was sent, what it takes; before, what it would take now; nothing
    /// where none is to come.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
    /// When it is sent, or sent again, in seconds of Unix time; none where that is not known.
    #[schema(value_type = Option<i64>)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    pub at_s: Option<Timestamp>,
    /// When it was last sent, or fell due if it is about to be sent, in seconds of Unix time; none
    /// before.
    #[schema(value_type = Option<i64>)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    pub since_s: Option<Timestamp>,
    /// What is owed and not being collected.
    #[schema(value_type = i64)]
    pub unreserved_fen: Fen,
    /// The receivable beyond the amount, which follows by other debits.
    #[schema(value_type = i64)]
    pub rest_fen: Fen,
    /// Whether the provider can sign an agreement now, or go on with an offer of one.
    pub can_sign: bool,
    /// What debits took that were sent today.
    #[schema(value_type = i64)]
    pub withheld_today_fen: Fen,
    /// Days that have ended and have no bill yet: what prepaid money does not pay of them is
    /// withheld, too.
    pub unbilled: Option<UnbilledDays>,
    /// The smallest amount that is withheld.
    #[schema(value_type = i64)]
    pub minimum_fen: Fen,
    /// The days whose charges the amount pays, as far as statements of the view show.
    pub days: Option<WithheldDays>,
    /// How the amount is made up; the last entry is the amount.
    pub strip: Vec<StripEntry>,
    /// The agreement under which it is withheld.
    pub agreement: Option<AgreementRef>,
    /// The last decline of the debit.
    pub declined: Option<Declined>,
}

/// The state of the next withholding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = NextWithholdingState)]
#[serde(rename_all = "snake_case")]
pub enum WithholdingState {
    /// Nothing is owed, and there is prepaid money for what comes.
    PrepaidCovers,
    /// Nothing is owed.
    NothingOwed,
    /// Too little is owed for a debit, and calls of days that have ended are to be billed first.
    Unbilled,
    /// Less than the smallest amount is owed.
    BelowMinimum,
    /// No agreement is signed, or the last one has ended.
    NoAgreement,
    /// The agreement is suspended.
    Suspended,
    /// The agreement allows less than the smallest amount.
    LimitTooSmall,
    /// The debit is open, and will be sent when it falls due.
    Due,
    /// It was declined, and is sent again.
    Declined,
    /// A function is calling Alipay.
    UnderWay,
    /// It was sent, and the result is not known.
    InDoubt,
    /// It was given up, and nothing has changed since.
    GivenUp,
    /// The account is closed.
    Closed,
}

/// Days whose charges are owed or withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WithheldDays {
    /// The first of the days.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last of the days.
    #[schema(value_type = String)]
    pub through: BillingDay,
    /// Whether there are bills of earlier days among them, before those that the page reads.
    pub and_earlier: bool,
}

/// Days that have ended, and whose bills are still to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnbilledDays {
    /// The first of the days.
    #[schema(value_type = String)]
    pub from: BillingDay,
    /// The last of the days.
    #[schema(value_type = String)]
    pub through: BillingDay,
    /// The charge that a bill would have now: an estimate, as reports can still come. None where
    /// the usage cannot be read.
    #[schema(value_type = Option<i64>)]
    pub charge_fen: Option<Fen>,
}

/// An agreement, as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgreementRef {
    /// Which mandate of the account.
    #[schema(value_type = u32)]
    pub mandate: MandateId,
    /// The last four digits of Alipay's number of the agreement.
    pub ends_in: String,
    /// The login of the Alipay account that pays, with letters left out by Alipay, as far as it was
    /// reported.
    pub payer_login: Option<String>,
    /// The most that one debit may take.
    #[schema(value_type = i64)]
    pub single_limit_fen: Fen,
    /// The most that one day's debits may take, if that is limited.
    #[schema(value_type = Option<i64>)]
    pub daily_limit_fen: Option<Fen>,
}

/// A decline of the open debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Declined {
    /// When, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
    /// The kind of decline, which decides about the next try.
    #[schema(value_type = String)]
    pub reason: DeclineReason,
}

/// An entry of a strip. The entries before the last sum to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StripEntry {
    /// The meaning of the amount.
    #[serde(flatten)]
    pub part: StripPart,
    /// The amount, negative where it is taken off.
    #[schema(value_type = i64)]
    pub amount_fen: Fen,
}

/// The meaning of an entry of a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum StripPart {
    /// What is still owed of bills before those that are listed.
    Older,
    /// The charge of a bill.
    Bill {
        /// The day and supplement of the bill.
        #[schema(value_type = String)]
        bill: StatementId,
    },
    /// What prepaid money paid of the bills when they were made.
    Prepaid {
        /// When, in seconds of Unix time, if it is one bill.
        #[schema(value_type = Option<i64>)]
        #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
        at_s: Option<Timestamp>,
    },
    /// What was paid or credited of the bills since.
    Paid,
    /// The part that is left for another debit.
    Left,
    /// The amount that the debit takes.
    Amount,
}

impl Parts<'_> {
    /// The days whose charges an amount pays, the oldest first; none if it pays only bills before
    /// those that the page reads.
    pub(super) fn days_of(&self, amount: Fen) -> Result<Option<WithheldDays>, MoneyError> {
        let receivable = self.records.account.figures.receivable();
        let listed = Fen::sum(still_owed(self.more.statements, receivable)?)?;
        let older = receivable.minus(listed)?;
        let days = days_collected(self.more.statements, receivable, amount.minus(older)?)?;
        let and_earlier = older.is_positive();
        Ok(days.map(|(from, through)| WithheldDays { from, through, and_earlier }))
    }

    pub(super) fn next_withholding(&self) -> Result<NextWithholding, OverviewError> {
        let open = self.open_debit()?;
        let state = self.state(open)?;
        let (amount_fen, at_s) = self.amount_and_time(state, open)?;
        let receivable = self.records.account.figures.receivable();
        let sent = open.and_then(Debit::last_attempt).map(|attempt| attempt.sent_at_s);
        let is_under_way = state == WithholdingState::UnderWay;
        let due = open.filter(|_| is_under_way).map(|debit| debit.task.due_at_s);
        let since_s = sent.or(due);
        let declined = self.more.debit.and_then(|debit| debit.declines.last());
        let declined = declined.map(|d| Declined { at_s: d.at_s, reason: d.reason });
        let today = self.records.rules.today(self.records.now);
        let has_failed = matches!(state, WithholdingState::Declined | WithholdingState::GivenUp);
        Ok(NextWithholding {
            state,
            amount_fen,
            at_s,
            since_s,
            unreserved_fen: self.records.account.figures.unreserved()?,
            rest_fen: receivable.minus(amount_fen)?,
            can_sign: self.can_sign(),
            withheld_today_fen: self.records.account.withheld_on(today),
            unbilled: self.unbilled()?,
            minimum_fen: self.records.rules.minimum_fen,
            days: self.days_of(amount_fen)?,
            strip: strip(self.more.statements, receivable, amount_fen)?,
            agreement: self.agreement(),
            declined: declined.filter(|_| has_failed),
        })
    }

    fn can_sign(&self) -> bool {
        if self.records.provider.mandate.is_some() || self.more.closed.is_some() {
            return false;
        }
        self.more.mandate.is_none_or(|mandate| match &mandate.phase {
            MandatePhase::Offered
            | MandatePhase::Ended { .. }
            | MandatePhase::Suspended { why: Suspension::ByDebit { .. }, .. } => true,
            MandatePhase::Active
            | MandatePhase::Suspended { why: Suspension::ByGateway, .. }
            | MandatePhase::Ending { .. }
            | MandatePhase::ConfirmingEnd { .. } => false,
        })
    }

    fn open_debit(&self) -> Result<Option<&Debit>, OverviewError> {
        let Some(open) = self.records.account.open_debit else { return Ok(None) };
        let given = self.more.debit.filter(|debit| debit.debit == open);
        given.map(Some).ok_or(OverviewError::DebitMissing(open))
    }

    fn state(&self, open: Option<&Debit>) -> Result<WithholdingState, OverviewError> {
        if self.more.closed.is_some() {
            return Ok(WithholdingState::Closed);
        }
        if let Some(debit) = open {
            return Ok(self.state_of(debit)?);
        }
        let (account, provider) = (self.records.account, self.records.provider);
        let request = account.request(provider.mandate.as_ref(), self.records.rules)?;
        Ok(match request {
            Request::NotNeeded => self.not_needed()?,
            Request::Open | Request::Due => WithholdingState::Due,
            Request::GivenUp => WithholdingState::GivenUp,
            Request::Impossible if provider.mandate.is_some() => WithholdingState::LimitTooSmall,
            Request::Impossible => self.without_agreement(),
        })
    }

    /// Too little is owed for a debit.
    fn not_needed(&self) -> Result<WithholdingState, MoneyError> {
        let figures = &self.records.account.figures;
        let receivable = figures.receivable();
        let has_mandate = self.records.provider.mandate.is_some();
        if let Some(unbilled) = self.unbilled()?.filter(|_| has_mandate) {
            let may_be_withheld = match unbilled.charge_fen {
                Some(charge) => {
                    let of_them = charge.minus(figures.prepaid())?.max(Fen::ZERO);
                    let is_enough = self.records.rules.is_enough(receivable.plus(of_them)?);
                    of_them.is_positive() && is_enough
                }
                None => true,
            };
            if may_be_withheld {
                return Ok(WithholdingState::Unbilled);
            }
        }
        Ok(if receivable.is_positive() {
            WithholdingState::BelowMinimum
        } else if figures.prepaid().is_positive() {
            WithholdingState::PrepaidCovers
        } else {
            WithholdingState::NothingOwed
        })
    }

    /// The days that have ended and are charged by the next settlement. A supplement of a day
    /// that was billed waits for the night. Where the usage cannot be read, every day since the
    /// last bill may be one of them.
    fn unbilled(&self) -> Result<Option<UnbilledDays>, MoneyError> {
        let unsettled = self.records.account.unsettled_from();
        let Some(coming) = self.more.coming else {
            let (from, through) = (unsettled, self.today.previous());
            let unbilled = UnbilledDays { from, through, charge_fen: None };
            return Ok(Some(unbilled).filter(|_| from <= through));
        };
        let is_unbilled = |day: BillingDay| unsettled <= day && day < self.today;
        let ended = coming.iter().filter(|bill| is_unbilled(bill.statement.day));
        let charge_fen = Fen::sum(ended.clone().map(|bill| bill.charge_fen))?;
        let days = || ended.clone().map(|bill| bill.statement.day);
        let (Some(from), Some(through)) = (days().min(), days().max()) else { return Ok(None) };
        let unbilled = UnbilledDays { from, through, charge_fen: Some(charge_fen) };
        Ok(Some(unbilled).filter(|_| charge_fen.is_positive()))
    }

    fn without_agreement(&self) -> WithholdingState {
        match self.more.mandate.filter(|mandate| mandate.is_suspended()) {
            Some(_) => WithholdingState::Suspended,
            None => WithholdingState::NoAgreement,
        }
    }

    fn state_of(&self, debit: &Debit) -> Result<WithholdingState, MoneyError> {
        let (due_at, now) = (debit.task.due_at_s, self.records.now);
        let owed = self.records.account.figures.unreserved()?;
        Ok(match debit.phase {
            // It is withdrawn or given up when it falls due.
            Phase::Due if self.records.provider.mandate.is_none() => self.without_agreement(),
            Phase::Due if debit.terms.is_none() => match self.records.expected(due_at)? {
                // It is withdrawn when it falls due.
                None if self.records.rules.is_enough(owed) => WithholdingState::LimitTooSmall,
                None => self.not_needed()?,
                Some(expected) if expected.at_s <= now => WithholdingState::UnderWay,
                Some(_) => WithholdingState::Due,
            },
            Phase::Due if due_at <= now => WithholdingState::UnderWay,
            Phase::Due if !debit.declines.is_empty() => WithholdingState::Declined,
            Phase::Due => WithholdingState::Due,
            Phase::Sending => WithholdingState::UnderWay,
            Phase::InDoubt { .. }
            | Phase::Checking { .. }
            | Phase::Closing { .. }
            | Phase::Confirming { .. }
            | Phase::Held { .. }
            | Phase::Rechecking { .. } => WithholdingState::InDoubt,
            // No account has an open debit that has ended.
            Phase::Paid { .. } | Phase::GivenUp { .. } | Phase::Withdrawn => {
                WithholdingState::NothingOwed
            }
        })
    }

    fn amount_and_time(
        &self,
        state: WithholdingState,
        open: Option<&Debit>,
    ) -> Result<(Fen, Option<Timestamp>), OverviewError> {
        match state {
            WithholdingState::PrepaidCovers
            | WithholdingState::NothingOwed
            | WithholdingState::Unbilled
            | WithholdingState::BelowMinimum
            | WithholdingState::NoAgreement
            | WithholdingState::Suspended
            | WithholdingState::LimitTooSmall
            | WithholdingState::GivenUp
            | WithholdingState::Closed => Ok((Fen::ZERO, None)),
            WithholdingState::UnderWay | WithholdingState::InDoubt => {
                Ok((self.amount_of(open, self.records.now)?.0, None))
            }
            WithholdingState::Due | WithholdingState::Declined => {
                let rules = self.records.rules;
                let next = rules.next_due(&self.records.provider.provider, self.records.now);
                let at = open.map_or(next, |debit| debit.task.due_at_s);
                let (amount, at) = self.amount_of(open, at)?;
                Ok((amount, Some(at)))
            }
        }
    }

    /// What a debit takes at a time, and when: on the next day where the day's limit is used up.
    fn amount_of(
        &self,
        open: Option<&Debit>,
        at: Timestamp,
    ) -> Result<(Fen, Timestamp), OverviewError> {
        if let Some(terms) = open.and_then(|debit| debit.terms.as_ref()) {
            return Ok((terms.amount_fen, at));
        }
        let expected = self.records.expected(at)?;
        Ok(expected.map_or((Fen::ZERO, at), |expected| (expected.amount_fen, expected.at_s)))
    }

    fn agreement(&self) -> Option<AgreementRef> {
        let in_use = self.records.provider.mandate.as_ref()?;
        let mandate = self.more.mandate.filter(|mandate| mandate.mandate == in_use.mandate);
        Some(AgreementRef {
            mandate: in_use.mandate,
            ends_in: last_four(&in_use.agreement_no),
            payer_login: mandate.and_then(|mandate| mandate.payer_login.clone()),
            single_limit_fen: mandate.map_or(in_use.limit_fen, |mandate| {
                let told = mandate.gateway_limit_fen.unwrap_or(mandate.single_limit_fen);
                mandate.single_limit_fen.min(told)
            }),
            daily_limit_fen: in_use.daily_limit_fen,
        })
    }

    /// The last debit, if it was given up and nothing has changed since.
    pub(super) fn given_up(&self) -> Option<&GiveUpReason> {
        self.more.debit.and_then(Debit::given_up)
    }
}

fn last_four(number: &str) -> String {
    let skipped = number.chars().count().saturating_sub(4);
    number.chars().skip(skipped).collect()
}

/// How an amount is made up of bills, given what is owed of all of them: it pays the oldest first.
fn strip(
    statements: &[Statement],
    receivable: Fen,
    amount: Fen,
) -> Result<Vec<StripEntry>, MoneyError> {
    if !amount.is_positive() {
        return Ok(Vec::new());
    }
    let owed = still_owed(statements, receivable)?;
    let mut older = receivable.minus(Fen::sum(owed.iter().copied())?)?;
    let mut bills = Vec::new();
    let mut covered = older;
    for (statement, owed) in statements.iter().zip(owed) {
        if owed.is_positive() && covered < amount {
            covered = covered.plus(owed)?;
            bills.push((statement, owed));
        }
    }
    let joined = bills.len().saturating_sub(BILLS_MAX);
    for (_, owed) in bills.drain(..joined) {
        older = older.plus(owed)?;
    }
    let mut entries = Vec::new();
    let mut note = |part, amount_fen: Fen| {
        if !amount_fen.is_zero() {
            entries.push(StripEntry { part, amount_fen });
        }
    };
    note(StripPart::Older, older);
    for (statement, _) in &bills {
        note(StripPart::Bill { bill: statement.statement }, statement.charge_fen);
    }
    let charged = Fen::sum(bills.iter().map(|(statement, _)| statement.charge_fen))?;
    let prepaid = Fen::sum(bills.iter().map(|(statement, _)| statement.from_prepaid_fen))?;
    let owed = Fen::sum(bills.iter().map(|(_, owed)| *owed))?;
    let at_s = match bills.as_slice() {
        [(statement, _)] => Some(statement.settled_at_s),
        _ => None,
    };
    note(StripPart::Prepaid { at_s }, prepaid.negated()?);
    note(StripPart::Paid, owed.plus(prepaid)?.minus(charged)?);
    note(StripPart::Left, amount.minus(covered)?.min(Fen::ZERO));
    note(StripPart::Amount, amount);
    Ok(entries)
}
