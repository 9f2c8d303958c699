//! What was paid in advance, what is owed, and the month so far.

use jiff::Timestamp;

use super::{Tile, Writer};
use crate::frame::Common;
use crate::overview::WithholdingState;
use crate::show::{Count, Html};

impl Writer<'_> {
    pub(super) fn account(&self) -> [Tile; 3] {
        let (t, account) = (self.t, &self.view.account);
        let ends = self.view.forecast.as_ref().map(|forecast| forecast.prepaid_ends);
        let month_end = self.view.month.last_day();
        let prepaid = match (account.prepaid_fen.is_positive(), account.prepaid_used_up_at_s) {
            (true, _) => match ends {
                Some(Some(ends)) => {
                    ends.likely.map_or(t.lasts_beyond(month_end), |d| t.lasts_to(d))
                }
                Some(None) => t.lasts_beyond(month_end),
                None => t.paid_in_advance(),
            },
            (false, Some(at)) => t.used_up_at(self.at(at)),
            (false, None) => t.nothing_prepaid(),
        };
        let owed = match account.owed_for {
            _ if !account.owed_fen.is_positive() => t.all_paid(),
            Some(days) if days.and_earlier => t.owed_for_and_earlier(self.span(days)),
            Some(days) => t.owed_for(self.span(days)),
            None => t.owed_older(),
        };
        let next = &self.view.next_withholding;
        let collecting = match (account.collecting_fen.is_positive(), next.at_s) {
            (true, Some(at)) => t.again(self.when(at)),
            (true, None) => t.part_of_owed(),
            (false, None) if next.state == WithholdingState::UnderWay => t.begins_now(),
            (false, Some(at)) => t.begins(self.when(at)),
            (false, None) => t.none_under_way(),
        };
        [
            Tile { label: t.prepaid(), amount: account.prepaid_fen, when: prepaid },
            Tile { label: t.owed(), amount: account.owed_fen, when: owed },
            Tile { label: t.collecting(), amount: account.collecting_fen, when: collecting },
        ]
    }

    pub(super) fn settled(&self) -> [Html; 2] {
        let (t, settled) = (self.t, &self.view.settled);
        let calls = Count(settled.calls.get());
        let label = settled.through.map_or_else(|| t.not_settled(), |day| t.settled_to(day));
        let text = match settled.bills {
            0 => t.no_bill_yet(),
            1 => t.bill_final(calls),
            bills => t.bills_final(Count(bills), calls),
        };
        [label, text]
    }

    pub(super) fn since(&self) -> Option<[Html; 2]> {
        let (t, since) = (self.t, self.view.since.as_ref()?);
        let label = t.since(self.frame.as_of.time());
        if since.calls.is_zero() && since.charge_fen.is_zero() {
            return Some([label, t.no_calls_yet()]);
        }
        let withdrawn = Some(since.withdrawn).filter(|withdrawn| !withdrawn.is_zero());
        let withdrawn = withdrawn.map(|withdrawn| t.since_withdrawn(Count(withdrawn.get())));
        let withdrawn = withdrawn.unwrap_or_default();
        let report = since.last_report_at_s.map(|at| t.last_report(self.report_time(at)));
        let text = Html(format!(
            "{}{withdrawn}{}{}{}{}",
            t.since_calls(Count(since.calls.get())),
            report.unwrap_or_default(),
            t.full_stop(),
            Common(self.frame.lang).gap(),
            t.settled_tonight(),
        ));
        Some([label, text])
    }

    /// The time of a report, with its day unless it is today.
    fn report_time(&self, at: Timestamp) -> Html {
        let clock = self.clock(at);
        if Writer::day_of(clock) == Some(self.view.today) {
            Html::show(clock.time(), self.frame.lang)
        } else {
            self.at(at)
        }
    }
}
