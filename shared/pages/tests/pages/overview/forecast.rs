//! The forecast of the month, and until when prepaid money lasts.

use std::collections::BTreeMap;

use jiff::civil::Time;
use steelyard_billing::Statement;
use steelyard_pages::overview::{Overview, WithholdingState};
use steelyard_pricing::{BillingDay, Fen, Usage};

use super::{check_page, fen, owing, prepaid, records, sum, view};
use crate::month::{Month, at, calls_of, day};

/// The usage of the day in the middle of the same weekdays, of two the later one.
fn usual(of: BillingDay) -> Usage {
    let mut days = Vec::new();
    let mut before = of;
    while days.len() < 4 {
        before = before.previous();
        let is_settled = before <= day("2015-05-18");
        if is_settled && before.date().weekday() == of.date().weekday() {
            days.push(before);
        }
    }
    days.sort_by_key(|day| (calls_of(*day).total().unwrap().calls, *day));
    calls_of(*days.get(2).unwrap())
}

#[test]
fn the_likely_month_is_what_the_nights_would_charge_for_the_usual_days() {
    let mut month = owing("0.00");
    let forecast = view(&month, &records(&month)).forecast.unwrap();
    // A night a day up to the end of the month, by the code that settles.
    let mut of = day("2015-05-19");
    let mut nights = Vec::new();
    while of <= day("2015-05-31") {
        let night = of.next().date().to_datetime(Time::constant(0, 30, 0, 0)).to_string();
        let made = month.night(&BTreeMap::from([(of, usual(of))]), at(&night));
        nights.push(Statement::sum_fen(&made).unwrap());
        month.statements.extend(made);
        of = of.next();
    }
    let may = Statement::sum_fen(&month.between("2015-05-01", "2015-05-31")).unwrap();
    assert_eq!(forecast.month_total.likely_fen, may);
    assert_eq!(may, fen("3175.34"));
    assert_eq!(forecast.tomorrow.likely_fen, *nights.first().unwrap());
    let ceiled = |amount: Fen| Fen::new((amount.get() + 99) / 100 * 100);
    assert_eq!(forecast.cover.month_fen, ceiled(sum(nights.iter().copied())));
    assert_eq!(forecast.cover.week_fen, ceiled(sum(nights.into_iter().take(7))));
}

#[test]
fn a_forecast_is_a_range_around_what_is_likely() {
    for now in ["2015-05-01T08:00", "2015-05-07T00:10", "2015-05-19T08:32", "2015-05-31T23:50"] {
        let mut month = Month::until("2015-04-13", now);
        month.account.open_debit = None;
        let forecast = view(&month, &records(&month)).forecast.unwrap();
        for range in [forecast.month_total, forecast.tomorrow] {
            assert!(range.low_fen <= range.likely_fen, "{now}");
            assert!(range.likely_fen <= range.high_fen, "{now}");
        }
        assert!(forecast.so_far_fen <= forecast.month_total.low_fen, "{now}");
        assert!(
            forecast.cover.week_fen.get() % 100 == 0 && forecast.cover.month_fen.get() % 100 == 0
        );
    }
}

#[test]
fn days_without_usage_count_in_a_forecast() {
    let mut month = Month::until("2015-04-13", "2015-04-27T00:10");
    month.coming.clear();
    month.account.open_debit = None;
    // Since then nothing was called: on one day of the week of four there were calls.
    month.now = at("2015-05-18T08:32");
    let forecast = view(&month, &records(&month)).forecast.unwrap();
    assert_eq!(forecast.settled_days, 28);
    assert_eq!(forecast.month_total.likely_fen, Fen::ZERO);
    assert!(forecast.month_total.high_fen.is_positive());
}

#[test]
fn a_month_is_not_forecast_before_seven_days_are_settled() {
    for (now, is_known) in [("2015-05-19T08:00", false), ("2015-05-20T08:00", true)] {
        let mut month = Month::until("2015-05-13", now);
        month.account.open_debit = None;
        let view = view(&month, &records(&month));
        assert_eq!(view.forecast.is_some(), is_known, "{now}");
        assert!(view.change.is_none());
        let [english, _] = check_page("early", &month, &view);
        assert_eq!(english.contains("too early to tell"), !is_known, "{now}");
    }
}

#[test]
fn prepaid_money_is_told_until_when_it_lasts() {
    let month = prepaid("500.00");
    let view = view(&month, &records(&month));
    assert_eq!(view.next_withholding.state, WithholdingState::PrepaidCovers);
    let forecast = view.forecast.as_ref().unwrap();
    let ends = forecast.prepaid_ends.unwrap();
    assert_eq!(ends.likely, Some(day("2015-05-22")));
    assert!(Some(ends.earliest) <= ends.likely && ends.likely <= ends.latest);
    assert_eq!(forecast.tomorrow.high_fen, Fen::ZERO);
    // What is prepaid covers a part.
    let nothing_prepaid = owing("0.00");
    let without = Overview::new(&nothing_prepaid.records(), &records(&nothing_prepaid)).unwrap();
    let without = without.forecast.unwrap().cover;
    assert_eq!(forecast.cover.month_fen.plus(fen("500.00")), Ok(without.month_fen));
    let [english, _] = check_page("prepaid", &month, &view);
    assert!(english.contains("Nothing is withheld today"));
    assert!(
        english.contains("It lasts until about 22 May") || english.contains("until about 22 May")
    );
}

#[test]
fn a_month_ends_and_begins_without_a_gap() {
    for now in ["2015-06-01T00:10", "2015-06-01T08:00", "2015-05-31T23:59", "2015-05-01T00:00"] {
        let mut month = Month::until("2015-04-13", now);
        month.account.open_debit = None;
        let view = view(&month, &records(&month));
        check_page("edges", &month, &view);
        assert!(view.forecast.is_some(), "{now}");
    }
}
