//! The audit trail of actions.

use askama::Template;
use steelyard_billing::{DebitId, MandateId, ProviderId, Stage};
use steelyard_pages::operator::OperatorPage;
use steelyard_pages::operator::actions::{
    ActionKind, ActionRow, ActionStanding, AskedBy, AuditTrail, ReturnAmounts,
};
use steelyard_pages::operator::debits::DebitWay;
use steelyard_pricing::Fen;

use super::{HOSTILE, assert_shows, check, forms, now};
use crate::month::rules;

fn check_actions(name: &str, view: &AuditTrail) -> String {
    check(name, |frame| {
        OperatorPage::actions(frame, view, &forms(), &rules().calendar).render().unwrap()
    })
}

fn action(id: &str, by: &str, what: ActionKind, standing: ActionStanding) -> ActionRow {
    ActionRow {
        id: id.to_owned(),
        asked_at_s: now(),
        asked_by: AskedBy::Operator { operator: by.to_owned() },
        reason: Some(HOSTILE.to_owned()),
        what,
        returns: None,
        approved_by: Some("li".to_owned()),
        standing,
    }
}

const MANDATE: MandateId = MandateId(1);

fn shop() -> ProviderId {
    "shop-assistant".parse().unwrap()
}

fn resolve(way: DebitWay) -> ActionKind {
    ActionKind::ResolveDebit { provider: shop(), debit: DebitId(9), way }
}

fn done() -> ActionStanding {
    ActionStanding::Done { at_s: now(), was_so_before: false }
}

fn every_kind() -> Vec<ActionKind> {
    vec![
        ActionKind::EndMandate { provider: shop(), mandate: MANDATE },
        ActionKind::LowerLimits {
            provider: shop(),
            mandate: MANDATE,
            single_fen: Fen::new(100),
            daily_fen: None,
        },
        resolve(DebitWay::Ask),
        resolve(DebitWay::GiveUp),
        ActionKind::CloseFinding { trade: HOSTILE.to_owned(), request: None },
        ActionKind::StopDebits,
        ActionKind::ResumeDebits,
        ActionKind::ApproveAdjustment { provider: shop(), adjustment: "A1".to_owned() },
        ActionKind::RejectAdjustment { provider: shop(), adjustment: "A1".to_owned() },
        ActionKind::SetAlerts { provider: shop() },
        ActionKind::RevokeSessions { provider: shop() },
        ActionKind::DrawDeposit { provider: shop(), amount_fen: None },
        ActionKind::ReturnDeposit { provider: shop(), amount_fen: Some(Fen::new(100)) },
        ActionKind::BookDepositReturn {
            provider: shop(),
            amount_fen: Fen::new(100),
            reference: HOSTILE.to_owned(),
        },
        ActionKind::HoldStage {
            provider: shop(),
            stage: Stage::PayoutsFrozen,
            until: "2015-06-01".parse().unwrap(),
        },
        ActionKind::ReleaseStage { provider: shop() },
    ]
}

/// Actions that were not simply done: two wait, of which the first is the reader's own.
fn others() -> Vec<ActionRow> {
    let returns = ReturnAmounts {
        drawn_fen: Fen::new(12_345),
        returned_fen: Fen::new(45_600),
        by_transfer_fen: Fen::ZERO,
    };
    let all = ActionKind::ReturnDeposit { provider: shop(), amount_fen: None };
    let refused = ActionStanding::Refused { at_s: now(), why: HOSTILE.to_owned() };
    let rejected =
        ActionStanding::Rejected { at_s: now(), by: "li".to_owned(), reason: HOSTILE.to_owned() };
    vec![
        action("own", "Finance-Desk-2", resolve(DebitWay::Retry), ActionStanding::Waiting),
        ActionRow {
            returns: Some(returns),
            ..action("other", "wang", all, ActionStanding::Waiting)
        },
        action("x", "wang", ActionKind::StopDebits, refused),
        action("y", "wang", ActionKind::StopDebits, rejected),
        action("z", "wang", ActionKind::StopDebits, ActionStanding::Asked),
        ActionRow {
            asked_by: AskedBy::Caller {
                caller: "arn:aws:iam::123456789012:role/server".to_owned(),
                provider: shop(),
            },
            ..action("c", "", ActionKind::EndMandate { provider: shop(), mandate: MANDATE }, done())
        },
    ]
}

#[test]
fn audit_trail_says_who_did_what_and_offers_no_one_the_approval_of_the_own_action() {
    let ended = every_kind().into_iter().enumerate();
    let ended = ended.map(|(n, kind)| action(&format!("a{n}"), "wang", kind, done()));
    let all = ended.chain(others()).collect();
    let trail = AuditTrail::new(all, Some("2015-05#1".to_owned()), now());
    assert_eq!((trail.waiting.len(), trail.actions.len()), (2, 20));
    let html = check_actions("actions", &trail);
    assert_eq!(html.matches("value=\"approve\"").count(), 1, "not of the own action");
    assert_eq!(html.matches("value=\"reject\"").count(), 2);
    assert_shows(&html, &["role/server for provider shop-assistant"]);
    assert_shows(&html, &["456.00", "123.45", "If these amounts change before the approval"]);
    assert_shows(&html, &["at the stage “payouts frozen” until 1 June 2015"]);
    assert_shows(&html, &["approved by li", "Close the finding about trade", "Earlier actions"]);
    let none = AuditTrail::new(Vec::new(), None, now());
    let html = check_actions("actions-empty", &none);
    assert_shows(&html, &["Nothing waits", "Nobody has acted yet"]);
}
