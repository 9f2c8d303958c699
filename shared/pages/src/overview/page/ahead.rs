//! The expected charge of the month.

use super::{Expected, Writer, month_name};
use crate::forecast::{Cover, FenRange, Forecast};
use crate::overview::chart;
use crate::show::{Figure, Html};

impl Writer<'_> {
    pub(super) fn expected(&self, forecast: &Forecast) -> Expected {
        let (t, lang) = (self.t, self.frame.lang);
        let FenRange { low_fen, likely_fen, high_fen } = forecast.month_total;
        let is_one = low_fen == high_fen;
        let range = if is_one {
            t.expected_one(Figure(likely_fen))
        } else {
            t.expected_range(Figure(low_fen), Figure(high_fen))
        };
        let how = [Some(t.how_expected()), self.tomorrow(forecast), self.runs_out(forecast)];
        Expected {
            range,
            likely: (!is_one).then(|| t.most_likely(Figure(likely_fen))),
            drawing: chart::range(forecast.so_far_fen, forecast.month_total, lang),
            how: self.sentences(how.into_iter().flatten()),
            cover: self.cover(&forecast.cover),
        }
    }

    /// What tomorrow withholds, where an agreement is in use.
    fn tomorrow(&self, forecast: &Forecast) -> Option<Html> {
        self.view.next_withholding.agreement.as_ref()?;
        let FenRange { low_fen, high_fen, .. } = forecast.tomorrow;
        let (low, high) = (Figure(low_fen), Figure(high_fen));
        let amount = match low_fen == high_fen {
            true => self.t.expected_one(high),
            false => self.t.expected_range(low, high),
        };
        Some(if !high_fen.is_positive() && !self.view.account.prepaid_fen.is_zero() {
            self.t.tomorrow_nothing()
        } else if high_fen < self.view.next_withholding.minimum_fen {
            return None;
        } else if self.view.account.prepaid_fen.is_zero() {
            self.t.tomorrow(amount)
        } else {
            self.t.tomorrow_prepaid(amount)
        })
    }

    fn runs_out(&self, forecast: &Forecast) -> Option<Html> {
        let ends = forecast.prepaid_ends?;
        Some(match ends.latest {
            None => self.t.runs_out(ends.earliest),
            Some(latest) if latest == ends.earliest => self.t.runs_out_on(latest),
            Some(latest) => {
                self.t.runs_out_between(chart::span(ends.earliest, latest, self.frame.lang))
            }
        })
    }

    fn cover(&self, cover: &Cover) -> Html {
        let t = self.t;
        if !cover.month_fen.is_positive() && !cover.week_fen.is_positive() {
            return t.cover_none();
        }
        let month = month_name(self.view, t);
        let mut sentences = vec![t.cover(Figure(cover.week_fen), Figure(cover.month_fen), month)];
        if cover.owed_fen.is_positive() {
            sentences.push(t.cover_owed(Figure(cover.owed_fen)));
        }
        if self.frame.may.pay {
            sentences.push(Html::link(&self.frame.page("recharge"), &t.go_recharge()));
        }
        self.sentences(sentences)
    }
}
