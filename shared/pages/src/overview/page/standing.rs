//! The note about the provider's standing.

use steelyard_billing::Stage;

use super::{Note, Writer};
use crate::icon::Icon;
use crate::show::{Count, Figure, Html};
use crate::standing::StandingView;

impl Writer<'_> {
    pub(super) fn standing(&self, standing: &StandingView) -> Note {
        let t = self.t;
        let limit = standing.calls_per_second.map(|calls| t.calls_limited(Count(calls.into())));
        let heading = match (standing.stage, limit) {
            (Stage::Throttled, Some(limit)) => limit,
            (stage, _) => self.stage(stage),
        };
        let why = standing.held.as_ref().map_or_else(
            || standing.owed_since.map(|since| t.overdue_since(since)),
            |held| Some(t.stage_held(held.until, held.reason.as_str())),
        );
        let cure = Some(standing.cure_fen).filter(|cure| cure.is_positive());
        let pay = cure.filter(|_| self.frame.may.pay).map(|amount| {
            let href = format!("{}?amount={amount}#pay-in", self.frame.page("recharge"));
            Html::link(&href, &t.pay_to_restore())
        });
        let cure = cure.map(|amount| t.stage_cure(Figure(amount)));
        let next = standing.next.map(|next| t.stage_next(next.on, self.stage(next.stage)));
        let text = self.sentences([why, cure, next, pay].into_iter().flatten());
        Note { class: " care", icon: Icon::Care, heading, text }
    }

    /// What a stage means for the provider.
    fn stage(&self, stage: Stage) -> Html {
        let t = self.t;
        match stage {
            Stage::Good => t.stage_good(),
            Stage::Notice => t.stage_notice(),
            Stage::Throttled => t.stage_throttled(),
            Stage::PayoutsFrozen => t.stage_payouts_frozen(),
            Stage::Suspended => t.stage_suspended(),
            Stage::Terminated => t.stage_terminated(),
        }
    }
}
