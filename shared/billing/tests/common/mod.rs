//! What the tests of this crate share: a time, a mandate, rules and a provider. What only some of
//! them need has files of its own.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use steelyard_billing::{
    Calendar, DebitRules, MandateId, MandateInUse, NamesMax, PlanAssignment, Provider, ProviderId,
};
use steelyard_pricing::{AlertRules, Fen};

/// The instant at which a wall clock in Shanghai shows `2015-05-17 10:00`.
pub(crate) fn at(text: &str) -> Timestamp {
    let clock: DateTime = text.parse().unwrap();
    let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
    clock.to_zoned(shanghai).unwrap().timestamp()
}

/// Months close on the fifth; debits of one yuan or more fall due at ten.
pub(crate) fn rules() -> DebitRules {
    DebitRules {
        calendar: Calendar::new("Asia/Shanghai", 5).unwrap(),
        minimum_fen: Fen::new(100),
        time_of_day: Time::constant(10, 0, 0, 0),
        window_minutes: 0,
        adjustments_need_approval: false,
        names_max: NamesMax::DEFAULT,
    }
}

/// A mandate in use that lets one debit take ¥100.00.
pub(crate) fn mandate() -> MandateInUse {
    MandateInUse {
        mandate: MandateId(1),
        agreement_no: "20155245550001".to_owned(),
        limit_fen: Fen::new(10_000),
        daily_limit_fen: None,
        lowered: 0,
    }
}

/// A provider who is billed from May 2015 on, on the plan `p`, and has signed the mandate.
pub(crate) fn provider() -> Provider {
    Provider {
        provider: "shop".parse::<ProviderId>().unwrap(),
        billed_from: "2015-05".parse().unwrap(),
        plans: vec![PlanAssignment {
            from: "2015-05-01".parse().unwrap(),
            plan: "p".parse().unwrap(),
        }],
        overrides: Vec::new(),
        mandate: Some(mandate()),
        alert_rules: AlertRules::default(),
    }
}
