//! Alerts by what is settled: the figures of an account and its month.

use steelyard_billing::{Account, Alert, AlertFigures, crossings};
use steelyard_pricing::{AlertRules, Fen};

use crate::common::at;
use crate::shop::{PLAN, Shop, day};

impl Shop {
    fn watch_by(&mut self, document: &str) {
        self.books.provider.alert_rules = AlertRules::read(document).unwrap();
    }

    /// Settles at a night of 2015, and gives how many alerts changed.
    fn watched(&mut self, now: &str) -> Vec<String> {
        self.settle(now);
        let before = self.books.account.alerts.clone();
        let after = self.after(now);
        let through = (self.yesterday(now), None);
        let again = after.watched(&self.books.provider, &self.plans, through, at(now)).unwrap();
        assert_eq!(again, after, "twice is once");
        self.books.account = after;
        let changed = crossings(&before, &self.books.account.alerts);
        changed.iter().map(|changed| format!("{changed:?}")).map(|text| short(&text)).collect()
    }

    fn after(&self, now: &str) -> Account {
        let through = (self.yesterday(now), None);
        self.account().watched(&self.books.provider, &self.plans, through, at(now)).unwrap()
    }

    fn yesterday(&self, now: &str) -> steelyard_pricing::BillingDay {
        self.rules.calendar.yesterday(at(now)).unwrap()
    }

    fn figures(&self, now: &str) -> AlertFigures {
        let through = self.yesterday(now);
        let rules = self.books.provider.alert_rules_on(through, &self.plans);
        let Shop { books, plans, .. } = self;
        AlertFigures::settled(&books.provider, &books.account, (plans, &rules), through).unwrap()
    }

    fn alerts(&self) -> &[Alert] {
        &self.account().alerts.alerts
    }
}

/// `Triggered Budget [50]` of what the whole is.
fn short(text: &str) -> String {
    let (what, rest) = text.split_once("(Alert { kind: ").unwrap();
    let (kind, rest) = rest.split_once(',').unwrap();
    let (_, rest) = rest.split_once("percent: ").unwrap();
    let (percent, _) = rest.split_once(']').unwrap();
    format!("{what} {kind} {percent}]")
}

#[test]
fn a_void_takes_the_month_back_under_its_budget() {
    let mut shop = Shop::new();
    shop.watch_by(r#"{"budget": {"monthly": "10.00", "percent": [50, 100]}}"#);
    shop.count("05-01", "t.a", 1_100);
    assert_eq!(shop.watched("2015-05-02 00:30"), ["Triggered Budget [50, 100]"]);
    assert_eq!(shop.watched("2015-05-02 00:40"), [""; 0]);
    shop.withdraw("05-01", "t.a", 40);
    assert_eq!(shop.watched("2015-05-03 00:30"), [""; 0], "¥9.60 is within the margin");
    shop.withdraw("05-01", "t.a", 60);
    assert_eq!(shop.watched("2015-05-04 00:30"), ["Resolved Budget [50, 100]"]);
    assert_eq!(shop.alerts()[0].level(), 50);
    shop.withdraw("05-01", "t.a", 1_000);
    assert_eq!(shop.watched("2015-05-05 00:30"), ["Resolved Budget [50]"]);
    assert!(shop.account().alerts.is_empty());
}

#[test]
fn the_month_before_is_the_budget_also_after_it_is_charged_for_good() {
    let mut shop = Shop::new();
    shop.count("05-01", "t.a", 1_100);
    assert_eq!(shop.watched("2015-05-02 00:30"), [""; 0], "no month before, no budget");
    shop.count("06-01", "t.a", 1_299);
    assert_eq!(shop.watched("2015-06-02 00:30"), [""; 0]);
    assert_eq!(shop.figures("2015-06-02 00:30").month_before_fen, Some(Fen::new(1_000)));
    // May is closed on the fifth, and left once it was read whole.
    for (night, changed) in [(6, &[][..]), (7, &[]), (8, &["Triggered Forecast [150]"])] {
        assert_eq!(shop.watched(&format!("2015-06-0{night} 00:30")), changed, "{night} June");
    }
    assert!(shop.account().open_from > "2015-05".parse().unwrap(), "May is charged for good");
    assert_eq!(shop.figures("2015-06-09 00:30").month_before_fen, Some(Fen::new(1_000)));
    shop.count("06-08", "t.a", 1);
    assert_eq!(shop.watched("2015-06-09 00:30"), ["Triggered Budget [120]"]);
    // The last night of June knows that it did not go on so; and July begins with its own first
    // day.
    assert_eq!(shop.watched("2015-07-01 00:30"), ["Resolved Forecast [150]"]);
    assert_eq!(shop.watched("2015-07-02 00:30"), ["Resolved Budget [120]"]);
}

#[test]
fn a_forecast_goes_on_as_the_month_did_by_its_terms_after_a_week() {
    let mut shop = Shop::new();
    shop.watch_by(
        r#"{"budget": {"monthly": "10.00", "forecast_percent": 100}, "balance": {"days": 5}}"#,
    );
    for number in 1..=7 {
        shop.count(&format!("05-{number:02}"), "t.a", 10);
    }
    shop.settle("2015-05-07 00:30");
    assert_eq!(shop.figures("2015-05-07 00:30").forecast_fen, None, "six days are too few");
    shop.settle("2015-05-08 00:30");
    // 70 calls in a week are 310 in the month, of which 100 are free: a fen each.
    let figures = shop.figures("2015-05-08 00:30");
    assert_eq!((figures.month_fen, figures.forecast_fen), (Fen::ZERO, Some(Fen::new(210))));
    assert_eq!(figures.lasts_days, Some(0), "nothing is prepaid");
    let later = shop.figures("2015-06-01 00:30");
    assert_eq!(later.forecast_fen, Some(Fen::ZERO), "at the month's end nothing is ahead");
    shop.count("05-08", "t.a", 2_000);
    assert_eq!(
        shop.watched("2015-05-09 00:30"),
        ["Triggered Forecast [100]", "Triggered BalanceDays [100]"]
    );
}

#[test]
fn a_plan_brings_its_rules_and_takes_them_away() {
    let with = |day: &str, alerts: &str| {
        let dated = PLAN.replace("2015-05-01", &format!("2015-{day}"));
        dated.replace(r#""rates""#, &format!(r#""alerts": {alerts}, "rates""#))
    };
    let first = with("05-01", r#"{"allowance_percent": [80, 100]}"#);
    let mut shop = Shop::on(&[&first]);
    shop.count("05-01", "t.a", 90);
    assert_eq!(shop.watched("2015-05-02 00:30"), ["Triggered Allowance [80]"]);
    shop.store(&with("05-03", r#"{"allowance_percent": [80], "off": ["budget"]}"#));
    shop.count("05-02", "t.a", 5);
    assert_eq!(shop.watched("2015-05-03 00:30"), [""; 0]);
    // Another plan begins anew: its share of the allowance is not used.
    let other = PLAN.replace(r#""plan": "p""#, r#""plan": "q""#).replace("100", "500");
    shop.store(&other);
    shop.assign("q", "05-04");
    shop.count("05-04", "t.a", 1);
    shop.watch_by(r#"{"allowance_percent": [80]}"#);
    assert_eq!(shop.watched("2015-05-05 00:30"), ["Resolved Allowance [80]"]);
    assert_eq!(day("05-04"), shop.account().settled_through.unwrap());
}
