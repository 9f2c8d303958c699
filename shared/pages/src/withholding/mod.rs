//! Withholding: signed or not, by which limits, what was withheld, and how it ends.

mod agreement;
mod form;
mod page;
mod terms;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::mandate::{EndReason, MandateLimits, MandatePhase};
use steelyard_billing::{Debit, Mandate, MandateId, Request, Statement, StatementId};
use steelyard_pricing::{Fen, MoneyError};
use utoipa::ToSchema;

pub use agreement::{AgreementView, ConsentView, EndedBy, EndedView, SuspendedView};
pub use form::{
    EndForm, EndProblem, FormKeys, LimitProblem, LimitsForm, LimitsProblem, SignForm, SignProblem,
    WithholdingForms,
};
pub use page::{SigningLinks, WithholdingPage};
pub use terms::TERMS_VERSION;

use crate::Records;
use crate::debits::{Confirmed, DebitView};
use crate::ledger::Balance;

/// How many debits the page shows.
pub const DEBITS_SHOWN: usize = 10;

/// What was read of a provider's withholding.
#[derive(Clone, Copy, Debug)]
pub struct WithholdingRecords<'a> {
    /// Its mandates, in any order: the newest ones, and the one in use.
    pub mandates: &'a [Mandate],
    /// Its debits, in any order: the newest ones, and the open one.
    pub debits: &'a [Debit],
    /// Which of their payments bills of Alipay have shown; none if that cannot be read.
    pub confirmed: Option<&'a Confirmed>,
    /// Its last bill.
    pub last_statement: Option<&'a Statement>,
    /// The limits under which an agreement is offered.
    pub offered: MandateLimits,
}

/// A provider's withholding.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Withholding {
    /// The state of withholding, for people.
    pub state: WithholdingState,
    /// What the account has and owes.
    pub balance: Balance,
    /// The agreement that is in force, or the last one that was.
    pub agreement: Option<AgreementView>,
    /// The offer that waits for a signature.
    pub offer: Option<OfferView>,
    /// Whether an agreement can be signed now.
    pub can_sign: bool,
    /// The version of the terms that one signs now.
    pub terms_version: String,
    /// The most that one debit may take under an agreement that one signs now.
    #[schema(value_type = i64)]
    pub offered_single_limit_fen: Fen,
    /// The most that the debits of a day may take under it, if it is limited.
    #[schema(value_type = Option<i64>)]
    pub offered_daily_limit_fen: Option<Fen>,
    /// When debits of the provider next fall due, in seconds of Unix time: at the same time of
    /// every day.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub next_due_s: Timestamp,
    /// The open debit.
    pub next: Option<DebitView>,
    /// The sum that debits took today.
    #[schema(value_type = i64)]
    pub today_fen: Fen,
    /// The last debits, the newest first.
    pub debits: Vec<DebitView>,
    /// What those of them that were paid took together.
    #[schema(value_type = i64)]
    pub withheld_fen: Fen,
    /// The largest of them that was paid.
    #[schema(value_type = Option<i64>)]
    pub largest_fen: Option<Fen>,
    /// The last bill, and what of it withholding would have paid.
    pub last_bill: Option<LastBill>,
    /// Whether a debit is to be opened for what is owed.
    pub is_to_be_requested: bool,
    /// How many records of the account cannot be read, and are missing here.
    pub unreadable: u64,
}

/// Whether debits are made, and if not, the step that is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithholdingState {
    /// Nothing is signed.
    Off,
    /// It is offered, and waits for the signature.
    Waiting,
    /// Debits are made.
    On,
    /// No debits are made for now.
    Suspended,
    /// Alipay has been asked to end the agreement.
    Ending,
    /// It was signed, and has ended.
    Ended,
}

/// An offer that waits for a signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OfferView {
    /// Which mandate of the provider, from 1.
    #[schema(value_type = u32)]
    pub mandate: MandateId,
    /// When it was offered, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub offered_at_s: Timestamp,
    /// When it lapses, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub lapses_at_s: Timestamp,
    /// What the provider agreed to before; none if the offer was not made on these pages.
    pub consent: Option<ConsentView>,
}

/// A bill, and what of it withholding would have paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastBill {
    /// The day and supplement of the bill.
    #[schema(value_type = String)]
    pub statement: StatementId,
    /// The charge of the bill.
    #[schema(value_type = i64)]
    pub charge_fen: Fen,
    /// What of it the prepaid balance paid.
    #[schema(value_type = i64)]
    pub from_prepaid_fen: Fen,
    /// The part that withholding would have taken.
    #[schema(value_type = i64)]
    pub rest_fen: Fen,
    /// When it was settled, in seconds of Unix time.
    #[schema(value_type = i64)]
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub settled_at_s: Timestamp,
}

impl Withholding {
    /// A provider's withholding.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] when an amount leaves its range.
    pub fn new(
        records: &Records<'_>,
        read: &WithholdingRecords<'_>,
    ) -> Result<Withholding, MoneyError> {
        let current = current(records, read.mandates);
        let offer = newest(read.mandates).filter(|newest| newest.phase == MandatePhase::Offered);
        let state = WithholdingState::of(current, offer);
        let mut debits = DebitView::newest_first(records, read.debits, read.confirmed)?;
        let next = debits.iter().find(|debit| debit.is_open()).cloned();
        debits.truncate(DEBITS_SHOWN);
        let last_bill = read.last_statement.map(LastBill::new).transpose()?;
        let paid = || debits.iter().filter(|debit| debit.trade_no.is_some());
        let amounts = || paid().filter_map(|debit| debit.amount_fen);
        Ok(Withholding {
            state,
            balance: Balance::of(&records.account.figures)?,
            agreement: current.map(AgreementView::new),
            offer: offer.map(|offer| OfferView {
                mandate: offer.mandate,
                offered_at_s: offer.offered_at_s,
                lapses_at_s: offer.lapses_at(),
                consent: offer.consent.as_ref().map(ConsentView::new),
            }),
            can_sign: state.can_sign(current, offer),
            terms_version: TERMS_VERSION.to_owned(),
            offered_single_limit_fen: read.offered.single_fen,
            offered_daily_limit_fen: read.offered.daily_fen,
            next_due_s: records.rules.next_due(&records.provider.provider, records.now),
            next,
            today_fen: records.account.withheld_on(records.rules.today(records.now)),
            withheld_fen: Fen::sum(amounts())?,
            largest_fen: amounts().max(),
            last_bill: last_bill.filter(|bill| {
                // Only what withholding would have taken is shown.
                let was_off =
                    current.is_none_or(|mandate| mandate.offered_at_s > bill.settled_at_s);
                was_off && records.rules.is_enough(bill.rest_fen)
            }),
            is_to_be_requested: records
                .account
                .request(records.provider.mandate.as_ref(), records.rules)?
                == Request::Due,
            unreadable: 0,
            debits,
        })
    }

    /// After how many seconds the page loads itself again: while a signature, or an end, is
    /// awaited, and there is no form that would lose what is filled in.
    #[must_use]
    pub fn refresh_s(&self) -> Option<u16> {
        match self.state {
            WithholdingState::Waiting if self.can_sign => None,
            WithholdingState::Waiting | WithholdingState::Ending => {
                Some(crate::recharge::REFRESH_S)
            }
            WithholdingState::Off
            | WithholdingState::On
            | WithholdingState::Suspended
            | WithholdingState::Ended => None,
        }
    }
}

/// The mandate in use, otherwise the newest that was signed.
fn current<'a>(records: &Records<'_>, mandates: &'a [Mandate]) -> Option<&'a Mandate> {
    let in_use = records.provider.mandate.as_ref().map(|in_use| in_use.mandate);
    let used = mandates.iter().find(|mandate| Some(mandate.mandate) == in_use);
    used.or_else(|| {
        let signed = mandates.iter().filter(|mandate| was_signed(mandate));
        signed.max_by_key(|mandate| mandate.mandate)
    })
}

/// Whether a mandate was in force at some time.
fn was_signed(mandate: &Mandate) -> bool {
    match &mandate.phase {
        MandatePhase::Offered => false,
        MandatePhase::Ended { why, .. }
        | MandatePhase::Ending { why }
        | MandatePhase::ConfirmingEnd { why } => {
            *why != EndReason::NotSigned && mandate.agreement_no.is_some()
        }
        MandatePhase::Active | MandatePhase::Suspended { .. } => true,
    }
}

fn newest(mandates: &[Mandate]) -> Option<&Mandate> {
    mandates.iter().max_by_key(|mandate| mandate.mandate)
}

impl WithholdingState {
    fn of(current: Option<&Mandate>, offer: Option<&Mandate>) -> WithholdingState {
        let without = if offer.is_some() { Some(WithholdingState::Waiting) } else { None };
        match current.map(|mandate| &mandate.phase) {
            None | Some(MandatePhase::Offered) => without.unwrap_or(WithholdingState::Off),
            Some(MandatePhase::Active) => WithholdingState::On,
            Some(MandatePhase::Suspended { .. }) => WithholdingState::Suspended,
            Some(MandatePhase::Ending { .. } | MandatePhase::ConfirmingEnd { .. }) => {
                without.unwrap_or(WithholdingState::Ending)
            }
            Some(MandatePhase::Ended { .. }) => without.unwrap_or(WithholdingState::Ended),
        }
    }

    /// One that a debit found dead or blocked is replaced by another; one that is in force is not.
    /// An offer whose terms were agreed to waits for Alipay only.
    fn can_sign(self, current: Option<&Mandate>, offer: Option<&Mandate>) -> bool {
        let agreed = offer.and_then(|offer| offer.consent.as_ref());
        match self {
            WithholdingState::Off | WithholdingState::Ended => true,
            WithholdingState::Waiting => {
                agreed.is_none_or(|agreed| agreed.terms_version.as_str() != TERMS_VERSION)
            }
            WithholdingState::Suspended => current
                .map(AgreementView::new)
                .and_then(|agreement| agreement.suspended)
                .is_some_and(|suspended| !suspended.is_by_alipay && offer.is_none()),
            WithholdingState::On | WithholdingState::Ending => false,
        }
    }
}

impl LastBill {
    fn new(statement: &Statement) -> Result<LastBill, MoneyError> {
        Ok(LastBill {
            statement: statement.statement,
            charge_fen: statement.charge_fen,
            from_prepaid_fen: statement.from_prepaid_fen,
            rest_fen: statement.charge_fen.minus(statement.from_prepaid_fen)?,
            settled_at_s: statement.settled_at_s,
        })
    }
}
