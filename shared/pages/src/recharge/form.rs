//! The form by which a recharge is asked for: what was typed, and what is wrong with it.

use std::str::FromStr;

use serde::Deserialize;
use steelyard_billing::{Recharge, RechargePurpose};
use steelyard_pricing::Fen;
use utoipa::ToSchema;

/// By what a recharge is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// On Alipay's page, in this browser.
    #[default]
    Page,
    /// By a code that a phone scans.
    Code,
}

/// The form: as it is shown first, or again with what was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RechargeForm {
    /// The form's idempotency key.
    pub key: String,
    /// The text that was typed as the amount.
    pub amount: String,
    /// The way that was chosen.
    pub way: Way,
    /// The account's figure that is to be increased.
    pub purpose: RechargePurpose,
    /// The problem of the amount, if it was refused.
    pub amount_problem: Option<AmountProblem>,
    /// Why the recharge was not offered.
    pub problem: Option<RechargeProblem>,
}

/// What is asked for by a form in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RechargeRequest {
    /// The form's idempotency key.
    pub key: String,
    /// The amount, within Alipay's limits.
    pub amount_fen: Fen,
    /// The way of paying: on a page, or by a code.
    pub way: Way,
    /// The account's figure that the payment increases.
    pub purpose: RechargePurpose,
}

/// A problem of the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountProblem {
    /// There is none.
    Missing,
    /// It is not an amount in yuan with two decimals at most.
    NotAnAmount,
    /// It is less than the smallest.
    TooSmall,
    /// It is more than the largest.
    TooLarge,
}

/// Why a recharge was not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RechargeProblem {
    /// Too many are neither paid nor lapsed.
    TooManyOpen,
    /// The form was sent before, with another amount or purpose.
    SentBefore,
    /// Alipay gave no code.
    NoCode,
    /// It was refused for another reason.
    Refused,
    /// It could not be offered now.
    Unavailable,
}

impl Way {
    /// The word in the form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Way::Page => "page",
            Way::Code => "code",
        }
    }
}

/// There is no such way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a recharge is paid by `page` or `code`")]
pub struct NoSuchWay;

impl FromStr for Way {
    type Err = NoSuchWay;

    fn from_str(text: &str) -> Result<Way, NoSuchWay> {
        [Way::Page, Way::Code].into_iter().find(|way| way.name() == text).ok_or(NoSuchWay)
    }
}

impl RechargeForm {
    /// An empty form, or one with an amount that was chosen from the suggestions.
    #[must_use]
    pub fn empty(key: impl Into<String>, amount: Option<Fen>) -> RechargeForm {
        let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
        RechargeForm { key: key.into(), amount, ..RechargeForm::default() }
    }

    /// The form for a purpose.
    #[must_use]
    pub fn for_purpose(self, purpose: RechargePurpose) -> RechargeForm {
        RechargeForm { purpose, ..self }
    }

    /// What a form that was sent asks for.
    ///
    /// # Errors
    ///
    /// The same form with what is wrong with it, to be shown again.
    pub fn read(
        key: String,
        amount: &str,
        way: Way,
        purpose: RechargePurpose,
    ) -> Result<RechargeRequest, RechargeForm> {
        match amount_of(amount) {
            Ok(amount_fen) => Ok(RechargeRequest { key, amount_fen, way, purpose }),
            Err(problem) => Err(RechargeForm {
                key,
                amount: amount.to_owned(),
                way,
                purpose,
                amount_problem: Some(problem),
                problem: None,
            }),
        }
    }
}

impl RechargeRequest {
    /// The form of the request, to be shown again because it could not be carried out. It keeps its
    /// key only if no answer came: then the same form has its effect once.
    #[must_use]
    pub fn refused(&self, problem: RechargeProblem, new_key: String) -> RechargeForm {
        RechargeForm {
            key: match problem {
                RechargeProblem::Unavailable => self.key.clone(),
                RechargeProblem::TooManyOpen
                | RechargeProblem::SentBefore
                | RechargeProblem::NoCode
                | RechargeProblem::Refused => new_key,
            },
            amount: self.amount_fen.to_string(),
            way: self.way,
            purpose: self.purpose,
            amount_problem: None,
            problem: Some(problem),
        }
    }
}

/// The purpose that a form or an address names; the prepaid balance if it names no other.
#[must_use]
pub fn purpose_named(text: &str) -> RechargePurpose {
    if text == "deposit" { RechargePurpose::Deposit } else { RechargePurpose::Prepaid }
}

fn amount_of(text: &str) -> Result<Fen, AmountProblem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AmountProblem::Missing);
    }
    let amount: Fen = text.parse().map_err(|_| AmountProblem::NotAnAmount)?;
    match Recharge::check_amount(amount) {
        Ok(()) => Ok(amount),
        Err(_) if amount < Recharge::MIN => Err(AmountProblem::TooSmall),
        Err(_) => Err(AmountProblem::TooLarge),
    }
}
