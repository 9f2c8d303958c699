//! The debits that a person has to look at: held, in doubt, and given up.

mod page;
mod texts;

use jiff::Timestamp;
use serde::Serialize;
use steelyard_billing::{Debit, DebitId, GiveUpReason, Phase, ProviderId, Reason, Resolution};
use steelyard_pricing::{BillingDay, Fen};
use utoipa::ToSchema;

use super::UnreadableRecord;

/// Where a debit stands that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DebitStanding {
    /// Alipay's answer contradicts the books, or says that our request is wrong.
    Held {
        /// The contradiction, as it was recorded.
        why: String,
        /// What Alipay answered when a person last had it queried.
        found: Option<String>,
        /// Whether Alipay is queried now, since a person asked for it.
        is_queried: bool,
    },
    /// The result is not known.
    InDoubt {
        /// Why, as it was recorded; none if the function stopped before it recorded an answer.
        why: Option<String>,
    },
    /// It is given up once Alipay proves that nothing was taken.
    GivingUp {
        /// The reason for giving it up.
        why: GivenUpBecause,
    },
    /// It was given up: nothing was taken, and its amount is owed again.
    GivenUp {
        /// The reason for giving it up.
        why: GivenUpBecause,
    },
}

/// Why a debit is given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum GivenUpBecause {
    /// The payer had too little money on each of the days on which it was tried.
    Funds,
    /// The amount is above a limit.
    AmountCap {
        /// Alipay's code for the decline.
        code: String,
    },
    /// Alipay allowed it on none of the days on which it was tried.
    Window {
        /// Alipay's code for the decline.
        code: String,
    },
    /// The agreement is dead.
    MandateDead {
        /// Alipay's code for the decline.
        code: String,
    },
    /// The payer's account is blocked.
    PayerBlocked {
        /// Alipay's code for the decline.
        code: String,
    },
    /// A person gave it up.
    ByOperator,
}

/// How a person can resolve a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DebitWay {
    /// Query Alipay; the answer decides.
    Ask,
    /// Query Alipay, and send it again if it is proved unpaid.
    Retry,
    /// Close it at Alipay, and give it up once it is proved unpaid.
    GiveUp,
}

/// What a person did about a debit before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EarlierStep {
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub at_s: Timestamp,
    /// The decision of that person.
    pub way: DebitWay,
    /// Why, in the person's words.
    pub reason: String,
}

/// A debit that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DebitToSee {
    /// The provider that owes it.
    #[schema(value_type = String)]
    pub provider: ProviderId,
    /// Its number among the provider's.
    #[schema(value_type = u64)]
    pub debit: DebitId,
    /// The state that asks for a decision.
    #[serde(flatten)]
    pub standing: DebitStanding,
    /// The amount; none before it was sent.
    #[schema(value_type = Option<i64>)]
    pub amount_fen: Option<Fen>,
    /// The first and the last billing day that it collects; none before it was sent.
    #[schema(value_type = Option<(String, String)>)]
    pub days: Option<(BillingDay, BillingDay)>,
    /// Since when it stands so: the last answer of Alipay, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub since_s: Timestamp,
    /// Our number of the trade at Alipay; none before it was sent.
    pub trade: Option<String>,
    /// When Steelyard goes on by itself, in seconds of Unix time; none if it waits for a person.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub next_s: Option<Timestamp>,
    /// The ways in which a person can resolve it now; none for one that proceeds by itself or has
    /// ended.
    pub ways: Vec<DebitWay>,
    /// What people did about it before.
    pub earlier: Vec<EarlierStep>,
}

/// The debits that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DebitsToSee {
    /// The time, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    #[schema(value_type = i64)]
    pub as_of_s: Timestamp,
    /// The debits, [`DEBITS_MAX`] at most: held ones first, then those in doubt, then those given
    /// up; the oldest first.
    pub debits: Vec<DebitToSee>,
    /// Since when the list is searched: providers whose debits got stuck later are not named yet.
    /// None if every open debit was looked at.
    #[serde(with = "jiff::fmt::serde::timestamp::second::optional")]
    #[schema(value_type = Option<i64>)]
    pub named_at_s: Option<Timestamp>,
    /// Whether more providers have such debits than are listed.
    pub has_more: bool,
    /// The records that cannot be read.
    pub unreadable: Vec<UnreadableRecord>,
}

/// How many debits are listed.
pub const DEBITS_MAX: usize = 30;

impl DebitsToSee {
    /// Those of some debits that a person has to look at.
    #[must_use]
    pub fn new(debits: &[Debit], now: Timestamp) -> DebitsToSee {
        let mut found =
            debits.iter().filter_map(|debit| DebitToSee::of(debit, now)).collect::<Vec<_>>();
        found.sort_by(|one, other| {
            let urgency = one.standing.urgency().cmp(&other.standing.urgency());
            urgency.then(one.since_s.cmp(&other.since_s)).then(one.provider.cmp(&other.provider))
        });
        let has_more = found.len() > DEBITS_MAX;
        found.truncate(DEBITS_MAX);
        DebitsToSee {
            as_of_s: now,
            debits: found,
            named_at_s: None,
            has_more,
            unreadable: Vec::new(),
        }
    }
}

impl DebitToSee {
    /// A debit as a person has to see it; none if nobody has to look.
    #[must_use]
    pub fn of(debit: &Debit, now: Timestamp) -> Option<DebitToSee> {
        let standing = DebitStanding::of(&debit.phase)?;
        let terms = debit.terms.as_ref();
        let last = debit.history.exchanges.last();
        let waits = matches!(standing, DebitStanding::Held { is_queried: false, .. });
        Some(DebitToSee {
            provider: debit.provider.clone(),
            debit: debit.debit,
            amount_fen: terms.map(|terms| terms.amount_fen),
            days: terms.map(|terms| (terms.from, terms.through)),
            since_s: last.map_or(debit.opened_at_s, |exchange| exchange.at_s),
            trade: debit.attempts.last().map(|attempt| attempt.out_trade_no.to_string()),
            next_s: debit.due_at().filter(|_| !waits),
            ways: ways(debit, &standing, now),
            earlier: earlier(debit),
            standing,
        })
    }
}

impl DebitStanding {
    fn of(phase: &Phase) -> Option<DebitStanding> {
        Some(match phase {
            Phase::Held { why, found } => {
                DebitStanding::Held { why: why.clone(), found: found.clone(), is_queried: false }
            }
            Phase::Rechecking { why, found } => {
                DebitStanding::Held { why: why.clone(), found: found.clone(), is_queried: true }
            }
            Phase::InDoubt { why } => DebitStanding::InDoubt { why: Some(why.clone()) },
            Phase::Sending => DebitStanding::InDoubt { why: None },
            Phase::Checking { why } | Phase::Closing { why } | Phase::Confirming { why } => {
                DebitStanding::GivingUp { why: why.into() }
            }
            Phase::GivenUp { why } => DebitStanding::GivenUp { why: why.into() },
            Phase::Due | Phase::Paid { .. } | Phase::Withdrawn => return None,
        })
    }

    const fn urgency(&self) -> u8 {
        match self {
            DebitStanding::Held { .. } => 0,
            DebitStanding::InDoubt { .. } => 1,
            DebitStanding::GivingUp { .. } => 2,
            DebitStanding::GivenUp { .. } => 3,
        }
    }
}

impl From<&GiveUpReason> for GivenUpBecause {
    fn from(why: &GiveUpReason) -> GivenUpBecause {
        match why {
            GiveUpReason::Funds => GivenUpBecause::Funds,
            GiveUpReason::AmountCap(code) => GivenUpBecause::AmountCap { code: code.0.clone() },
            GiveUpReason::Window(code) => GivenUpBecause::Window { code: code.0.clone() },
            GiveUpReason::MandateDead(code) => GivenUpBecause::MandateDead { code: code.0.clone() },
            GiveUpReason::PayerBlocked(code) => {
                GivenUpBecause::PayerBlocked { code: code.0.clone() }
            }
            GiveUpReason::ByOperator => GivenUpBecause::ByOperator,
        }
    }
}

impl From<Resolution> for DebitWay {
    fn from(resolution: Resolution) -> DebitWay {
        match resolution {
            Resolution::Ask => DebitWay::Ask,
            Resolution::Retry => DebitWay::Retry,
            Resolution::GiveUp => DebitWay::GiveUp,
        }
    }
}

impl From<DebitWay> for Resolution {
    fn from(way: DebitWay) -> Resolution {
        match way {
            DebitWay::Ask => Resolution::Ask,
            DebitWay::Retry => Resolution::Retry,
            DebitWay::GiveUp => Resolution::GiveUp,
        }
    }
}

/// The ways that the rules allow now. For a debit in doubt, to ask and to send it again are the
/// same.
fn ways(debit: &Debit, standing: &DebitStanding, now: Timestamp) -> Vec<DebitWay> {
    let Ok(reason) = Reason::new("to see what is allowed") else { return Vec::new() };
    let is_held = matches!(standing, DebitStanding::Held { .. });
    let all = [Resolution::Ask, Resolution::Retry, Resolution::GiveUp];
    let differs = |way: &Resolution| is_held || *way != Resolution::Retry;
    let is_allowed = |way: &Resolution| debit.resolved(*way, reason.clone(), now).is_ok();
    all.into_iter().filter(differs).filter(is_allowed).map(DebitWay::from).collect()
}

fn earlier(debit: &Debit) -> Vec<EarlierStep> {
    let steps = debit.history.interventions.iter().map(|step| EarlierStep {
        at_s: step.at_s,
        way: step.resolution.into(),
        reason: step.reason.to_string(),
    });
    steps.collect()
}
