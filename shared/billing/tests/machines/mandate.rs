//! The mandate: offered, signed, suspended, ended, by answers and notices in any order.

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use steelyard_billing::mandate::{
    EndReason, Mandate, MandateLimits, MandatePhase, MandateStep, Suspension,
};
use steelyard_billing::{
    Agreement, AgreementAnswer, AgreementEnded, AgreementSigned, Debit, DebitId, Doubt,
    ExternalAgreementNo, GatewayCode, MandateId, Outcome, PayAnswer, ProviderCode, QueryAnswer,
    UnsignAnswer,
};
use steelyard_pricing::Fen;

use crate::common::{provider, rules};
use crate::debits::sending;
use crate::realm::realm;
use crate::{BEGIN, HOUR, config, reason, second, shanghai_day};

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// In force: whether it is this agreement, and after how many hours it ends.
    InForce {
        is_own: bool,
        ends: Option<i64>,
    },
    NotYet,
    Suspended,
    Ended,
    NotFound,
    Doubt,
}

#[derive(Clone, Copy, Debug)]
enum Unsign {
    Ended,
    NotInForce,
    Doubt,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Query(Answer),
    Signed {
        is_own: bool,
        hours_ago: i64,
    },
    EndedNotice {
        is_own: bool,
        hours_ago: i64,
    },
    Revoke,
    Unsign(Unsign),
    /// A debit under it found the agreement dead.
    DeadDebit,
    Resume,
    /// The provider asks for another limit of one debit.
    Lower(i64),
    Wait(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ByProvider,
    Here,
    Expired,
    NotSigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Offered,
    Active,
    SuspendedByGateway,
    SuspendedByDebit,
    Ending,
    Confirming,
    Ended(End),
}

#[derive(Clone, Debug)]
struct Model {
    now: i64,
    at: At,
    /// Whether Alipay's number is known.
    is_numbered: bool,
    signed_at: Option<i64>,
    ends_at: Option<i64>,
    ended_at: i64,
    /// The day on which Alipay last reported its state.
    checked_on: Option<i64>,
    limit: i64,
    is_refused: bool,
}

impl Model {
    fn end(&mut self, why: End, at: i64) {
        (self.at, self.ended_at) = (At::Ended(why), at);
    }

    fn end_elsewhere(&mut self) {
        match self.ends_at.filter(|ends| *ends <= self.now) {
            Some(ends) => self.end(End::Expired, ends),
            None => self.end(End::ByProvider, self.now),
        }
    }

    fn queried(&mut self, answer: Answer) {
        self.is_refused = matches!(answer, Answer::InForce { is_own: false, .. });
        if self.is_refused || matches!(self.at, At::Ended(_)) {
            return;
        }
        if !matches!(answer, Answer::Doubt) {
            self.checked_on = Some(shanghai_day(self.now));
        }
        if let Answer::InForce { ends, .. } = answer {
            self.is_numbered = true;
            self.signed_at.get_or_insert(BEGIN);
            self.ends_at = ends.map(|hours| self.now + hours * HOUR).or(self.ends_at);
        }
        let is_over = self.now >= BEGIN + 7 * 24 * HOUR;
        match (self.at, answer) {
            (_, Answer::Doubt) => {}
            (At::Offered, Answer::InForce { .. }) => self.at = At::Active,
            (At::Offered, Answer::NotYet | Answer::NotFound) if is_over => {
                self.end(End::NotSigned, self.now);
            }
            (At::Offered, Answer::NotYet | Answer::NotFound | Answer::Suspended) => {}
            (At::Active, Answer::InForce { .. }) => {}
            (At::SuspendedByGateway, Answer::InForce { .. }) => self.at = At::Active,
            (At::SuspendedByDebit, Answer::InForce { .. }) => {}
            (At::Active, Answer::Suspended | Answer::NotYet) => self.at = At::SuspendedByGateway,
            (At::SuspendedByGateway | At::SuspendedByDebit, Answer::Suspended | Answer::NotYet) => {
            }
            (At::Offered, Answer::Ended)
            | (
                At::Active | At::SuspendedByGateway | At::SuspendedByDebit,
                Answer::Ended | Answer::NotFound,
            ) => self.end_elsewhere(),
            (At::Ending | At::Confirming, Answer::InForce { .. } | Answer::Suspended) => {
                self.at = At::Ending;
            }
            (At::Ending | At::Confirming, Answer::Ended | Answer::NotFound | Answer::NotYet) => {
                self.end(End::Here, self.now);
            }
            (At::Ended(_), _) => unreachable!("it is over"),
        }
    }

    fn signed(&mut self, is_own: bool, at: i64) {
        self.is_refused = !is_own;
        if !is_own {
            return;
        }
        let was_numbered = self.is_numbered;
        match self.at {
            At::Ended(End::NotSigned) => self.is_refused = true,
            At::Ended(_) => self.is_refused = at > self.ended_at,
            At::Offered => self.at = At::Active,
            // What is to be ended was signed: it is ended at the gateway again.
            At::Ending | At::Confirming if !was_numbered => self.at = At::Ending,
            At::Active
            | At::SuspendedByGateway
            | At::SuspendedByDebit
            | At::Ending
            | At::Confirming => {}
        }
        if !matches!(self.at, At::Ended(_)) {
            self.is_numbered = true;
            self.signed_at.get_or_insert(at);
        }
    }

    fn ended_notice(&mut self, is_own: bool, at: i64) {
        self.is_refused = !is_own || self.signed_at.is_some_and(|signed| at < signed);
        if self.is_refused {
            return;
        }
        match self.at {
            At::Offered | At::Active | At::SuspendedByGateway | At::SuspendedByDebit => {
                self.end(End::ByProvider, at);
                self.is_numbered = true;
            }
            At::Ending | At::Confirming => {
                self.end(End::Here, at);
                self.is_numbered = true;
            }
            At::Ended(_) => {}
        }
    }

    fn unsigned(&mut self, answer: Unsign) {
        match (self.at, answer) {
            (At::Offered | At::Active | At::SuspendedByGateway | At::SuspendedByDebit, _) => {
                self.is_refused = true;
            }
            (At::Ended(_), _) | (_, Unsign::Doubt) => {}
            (At::Ending | At::Confirming, Unsign::Ended) => self.end(End::Here, self.now),
            (At::Ending | At::Confirming, Unsign::NotInForce) => self.at = At::Confirming,
        }
    }
}

const LIMIT: i64 = 10_000;

impl ReferenceStateMachine for Model {
    type State = Model;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model {
            now: BEGIN,
            at: At::Offered,
            is_numbered: false,
            signed_at: None,
            ends_at: None,
            ended_at: 0,
            checked_on: None,
            limit: LIMIT,
            is_refused: false,
        })
        .boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Act> {
        let own = || prop::bool::weighted(0.9);
        let in_force = (own(), prop::option::of(1_i64..100))
            .prop_map(|(is_own, ends)| Answer::InForce { is_own, ends });
        let answers = prop_oneof![
            4 => in_force,
            1 => Just(Answer::NotYet),
            2 => Just(Answer::Suspended),
            1 => Just(Answer::Ended),
            1 => Just(Answer::NotFound),
            2 => Just(Answer::Doubt),
        ];
        let unsigns = prop::sample::select(vec![Unsign::Ended, Unsign::NotInForce, Unsign::Doubt]);
        prop_oneof![
            6 => answers.prop_map(Act::Query),
            2 => (own(), 0_i64..50)
                .prop_map(|(is_own, hours_ago)| Act::Signed { is_own, hours_ago }),
            1 => (own(), 0_i64..50)
                .prop_map(|(is_own, hours_ago)| Act::EndedNotice { is_own, hours_ago }),
            1 => Just(Act::Revoke),
            2 => unsigns.prop_map(Act::Unsign),
            1 => Just(Act::DeadDebit),
            2 => Just(Act::Resume),
            1 => (0_i64..12_000).prop_map(Act::Lower),
            4 => (1_i64..60).prop_map(Act::Wait),
        ]
        .boxed()
    }

    fn apply(mut model: Model, act: &Act) -> Model {
        model.is_refused = false;
        let now = model.now;
        match *act {
            Act::Query(answer) => model.queried(answer),
            Act::Signed { is_own, hours_ago } => model.signed(is_own, now - hours_ago * HOUR),
            Act::EndedNotice { is_own, hours_ago } => {
                model.ended_notice(is_own, now - hours_ago * HOUR);
            }
            Act::Revoke => match model.at {
                At::Offered | At::Active | At::SuspendedByGateway | At::SuspendedByDebit => {
                    model.at = At::Ending;
                }
                At::Ending | At::Confirming | At::Ended(_) => model.is_refused = true,
            },
            Act::Unsign(answer) => model.unsigned(answer),
            Act::DeadDebit => {
                if matches!(model.at, At::Active | At::SuspendedByGateway) {
                    model.at = At::SuspendedByDebit;
                }
            }
            Act::Resume => {
                model.is_refused =
                    !matches!(model.at, At::SuspendedByGateway | At::SuspendedByDebit);
                if !model.is_refused {
                    (model.at, model.checked_on) = (At::Active, None);
                }
            }
            Act::Lower(limit) => {
                let is_signed =
                    matches!(model.at, At::Active | At::SuspendedByGateway | At::SuspendedByDebit);
                model.is_refused = !is_signed || limit > model.limit || limit == 0;
                model.limit = if model.is_refused { model.limit } else { limit };
            }
            Act::Wait(hours) => model.now += hours * HOUR,
        }
        model
    }
}

fn numbers(is_own: bool) -> (String, Option<String>) {
    let (agreement, mandate) = if is_own { ("20155245550001", 1) } else { ("20155245550002", 2) };
    let code = ProviderCode::of(&provider().provider);
    let ours = ExternalAgreementNo::of(&realm(), &code, MandateId(mandate));
    (agreement.to_owned(), ours.map(|ours| ours.to_string()))
}

fn answer(of: Answer, now: i64) -> AgreementAnswer {
    match of {
        Answer::InForce { is_own, ends } => {
            let (agreement_no, external_agreement_no) = numbers(is_own);
            AgreementAnswer::InForce(Agreement {
                agreement_no,
                external_agreement_no,
                single_limit_fen: None,
                signed_at: Some(second(BEGIN)),
                ends_at: ends.map(|hours| second(now + hours * HOUR)),
                payer_login: None,
            })
        }
        Answer::NotYet => AgreementAnswer::NotYetInForce,
        Answer::Suspended => AgreementAnswer::Suspended,
        Answer::Ended => AgreementAnswer::Ended,
        Answer::NotFound => AgreementAnswer::NotFound,
        Answer::Doubt => AgreementAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())),
    }
}

/// A debit under the mandate that was given up since the agreement is dead.
fn dead_debit(now: i64) -> Debit {
    let now = second(now);
    let debit = Debit::open(&provider().provider, DebitId(7), now, now);
    let dead = PayAnswer::MandateDead(GatewayCode("ACQ.AGREEMENT_INVALID".to_owned()));
    let sent = sending(&debit, Fen::new(1_234), now).after_pay(dead, &rules(), now).unwrap();
    sent.after_query(QueryAnswer::Closed, now).unwrap()
}

/// The mandate of the core after something; none if it refuses.
fn after(mandate: &Mandate, act: Act, now: i64) -> Option<Mandate> {
    let at = second(now);
    let of = |outcome| match outcome {
        Outcome::Changed(mandate) => Some(mandate),
        Outcome::Unchanged => Some(mandate.clone()),
        Outcome::Contradicts => None,
    };
    match act {
        Act::Query(told) => of(mandate.after_query(answer(told, now), at)),
        Act::Signed { is_own, hours_ago } => {
            let (agreement_no, external_agreement_no) = numbers(is_own);
            let signed_at = second(now - hours_ago * HOUR);
            let notice = AgreementSigned {
                agreement_no,
                external_agreement_no,
                signed_at,
                ends_at: None,
                payer_login: None,
            };
            of(mandate.after_signed(&notice, at))
        }
        Act::EndedNotice { is_own, hours_ago } => {
            let (agreement_no, external_agreement_no) = numbers(is_own);
            let ended_at = second(now - hours_ago * HOUR);
            let notice = AgreementEnded { agreement_no, external_agreement_no, ended_at };
            of(mandate.after_ended(&notice, at))
        }
        Act::Revoke => mandate.ending(EndReason::RevokedHere { reason: reason() }, at).ok(),
        Act::Unsign(told) => {
            let told = match told {
                Unsign::Ended => UnsignAnswer::Ended,
                Unsign::NotInForce => UnsignAnswer::NotInForce,
                Unsign::Doubt => UnsignAnswer::InDoubt(Doubt("no answer in 10 s".to_owned())),
            };
            mandate.after_unsign(told, at).ok().and_then(of)
        }
        Act::DeadDebit => {
            Some(mandate.suspended_by(&dead_debit(now), at).unwrap_or_else(|| mandate.clone()))
        }
        Act::Resume => mandate.resumed(at).ok(),
        Act::Lower(limit) => {
            let limits = MandateLimits { single_fen: Fen::new(limit), daily_fen: None };
            mandate.with_lower_limits(limits).ok()
        }
        Act::Wait(_) => Some(mandate.clone()),
    }
}

/// One that is to be ended ends when the gateway answers, and an offer that nobody signs does.
fn ends(mandate: &Mandate, now: i64) {
    let (mut mandate, mut now) = (mandate.clone(), now);
    for _ in 0..60 {
        let Some(due) = mandate.due_at() else { return };
        now = now.max(due.as_second());
        let act = match mandate.next_step(second(now)) {
            MandateStep::Query => Act::Query(Answer::NotFound),
            MandateStep::Unsign => Act::Unsign(Unsign::NotInForce),
            MandateStep::Wait => unreachable!("{mandate:?} is due"),
        };
        mandate = after(&mandate, act, now).unwrap();
    }
    unreachable!("no way out: {mandate:?}");
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Mandate;
    type Reference = Model;

    fn init_test(_: &Model) -> Mandate {
        let limits = MandateLimits { single_fen: Fen::new(LIMIT), daily_fen: None };
        let (shop, now) = (provider().provider, second(BEGIN));
        Mandate::offer(&realm(), &shop, MandateId(1), limits, now).unwrap()
    }

    fn apply(mandate: Mandate, model: &Model, act: Act) -> Mandate {
        let after = after(&mandate, act, model.now);
        assert_eq!(after.is_none(), model.is_refused, "{act:?} of {mandate:?}");
        after.unwrap_or(mandate)
    }

    fn check_invariants(mandate: &Mandate, model: &Model) {
        let end = |why: &EndReason| match why {
            EndReason::RevokedByProvider => End::ByProvider,
            EndReason::RevokedHere { .. } => End::Here,
            EndReason::Expired => End::Expired,
            EndReason::NotSigned => End::NotSigned,
            EndReason::RevokedHereByProvider | EndReason::Replaced { .. } => {
                unreachable!("nobody did")
            }
        };
        let at = match &mandate.phase {
            MandatePhase::Offered => At::Offered,
            MandatePhase::Active => At::Active,
            MandatePhase::Suspended { why: Suspension::ByGateway, .. } => At::SuspendedByGateway,
            MandatePhase::Suspended { why: Suspension::ByDebit { .. }, .. } => At::SuspendedByDebit,
            MandatePhase::Ending { .. } => At::Ending,
            MandatePhase::ConfirmingEnd { .. } => At::Confirming,
            MandatePhase::Ended { at_s, why } => {
                assert_eq!(at_s.as_second(), model.ended_at);
                At::Ended(end(why))
            }
        };
        assert_eq!(at, model.at, "{mandate:?}");
        let now = second(model.now);
        assert_eq!(mandate.agreement_no.is_some(), model.is_numbered);
        assert_eq!(mandate.ends_at_s, model.ends_at.map(second));
        let is_in_use = at == At::Active;
        assert_eq!(mandate.in_use().is_some(), is_in_use, "debits are made only under it");
        let is_over = model.ends_at.is_some_and(|ends| ends <= model.now);
        assert_eq!(mandate.is_usable(now), is_in_use && !is_over);
        assert_eq!(mandate.limit().get(), model.limit);
        let today = shanghai_day(model.now);
        let is_checked = model.checked_on == Some(today);
        assert_eq!(mandate.needs_check(&rules().calendar, now), !is_checked);
        // Nothing is stuck: all but an ended one is looked at again, an active one when its time is
        // over.
        let is_quiet = matches!(at, At::Ended(_)) || (at == At::Active && model.ends_at.is_none());
        assert_eq!(mandate.due_at().is_none(), is_quiet);
        ends(mandate, model.now);
    }
}

prop_state_machine! {
    #![proptest_config(config())]

    #[test]
    fn mandate_does_what_its_model_does(sequential 1..60 => Test);
}
