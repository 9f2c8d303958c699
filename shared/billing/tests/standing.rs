//! Where providers stand: what is owed by days, payments, holds and ladders.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/realm.rs"]
mod realm;

use std::fmt::Write;
use std::path::Path;

use expect_test::{Expect, expect, expect_file};
use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::{
    Account, Because, DebitId, Entry, Ladder, LadderDocument, Ladders, Movement, OutRequestNo,
    Person, Reason, RefundRef, Stage, StageHold, Standing, StandingError, StatementId, TradeNumber,
    TradeOf, Unpaid, replay,
};
use steelyard_pricing::{BillingDay, Fen, schema_of};

use crate::common::{at, provider, rules};
use crate::realm::realm;

const SHIPPED: &str = include_str!("../../../ladders/2014.json");

fn shipped() -> Ladder {
    serde_json::from_str(SHIPPED).unwrap()
}

/// The ladder that ships, with other fields.
fn with(fields: Value) -> Ladder {
    let mut document = serde_json::from_str::<Value>(SHIPPED).unwrap();
    document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(document).unwrap()
}

/// A provider's account, with the journal that makes it.
struct Shop {
    account: Account,
    journal: Vec<Entry>,
}

impl Shop {
    fn new() -> Shop {
        Shop { account: Account::new(&provider()), journal: Vec::new() }
    }

    /// Charges what a day cost, in the night after it.
    fn charge(&mut self, on: &str, yuan: &str) -> &mut Shop {
        let day: BillingDay = format!("2015-{on}").parse().unwrap();
        let statement = StatementId { day, supplement: 0 };
        let night = at(&format!("{} 00:30", day.next()));
        let charged = self.account.charge(statement, yuan.parse().unwrap(), night);
        self.keep(charged.unwrap())
    }

    /// Pays by a transfer.
    fn pay(&mut self, on: &str, yuan: &str) -> &mut Shop {
        let reference = format!("transfer {}", self.account.entries).try_into().unwrap();
        let paid = self.account.recharge(yuan.parse().unwrap(), reference, time(on));
        self.keep(paid.unwrap())
    }

    /// Alipay gives money of a debit back that nobody asked for.
    fn reverse(&mut self, on: &str, yuan: &str) -> &mut Shop {
        let debit = TradeOf::Debit { debit: DebitId(1), attempt: 1 };
        let number = RefundRef {
            out_trade_no: TradeNumber::new(&realm(), &provider().provider, debit).out_trade_no(),
            out_request_no: OutRequestNo::parse("F1").unwrap(),
        };
        let reversed = self.account.reversed(number, yuan.parse().unwrap(), time(on));
        self.keep(reversed.unwrap())
    }

    fn keep(&mut self, Movement { account, entry, .. }: Movement) -> &mut Shop {
        self.account = account;
        self.journal.extend(entry);
        let owed = self.account.unpaid.charges().iter().map(|charge| charge.amount_fen);
        assert_eq!(Fen::sum(owed), Ok(self.account.figures.receivable()));
        self
    }

    fn standing(&self, ladder: &Ladder, on: &str) -> Standing {
        let ladders = Ladders::from_iter([ladder.clone()]);
        self.account.standing(&ladders, &rules().calendar, time(on)).unwrap()
    }

    /// The standings on some days at noon.
    fn told(&self, ladder: &Ladder, days: &[&str]) -> String {
        days.iter().fold(String::new(), |mut text, on| {
            writeln!(text, "{on}: {}", told(&self.standing(ladder, &format!("{on} 12:00"))))
                .unwrap();
            text
        })
    }
}

/// A time of 2015: `05-17 12:00`.
fn time(text: &str) -> Timestamp {
    at(&format!("2015-{text}"))
}

fn told(standing: &Standing) -> String {
    let mut text = format!("{}", standing.stage);
    if let Some(calls) = standing.calls_per_second {
        write!(text, ", {calls} calls a second").unwrap();
    }
    for (is, what) in [(standing.payouts_frozen, "no payouts"), (standing.blocked, "blocked")] {
        if is {
            write!(text, ", {what}").unwrap();
        }
    }
    write!(text, " ({} overdue for {} days", standing.owed_fen, standing.overdue_days).unwrap();
    if standing.cure_fen.is_positive() {
        write!(text, ", pay {}", standing.cure_fen).unwrap();
    }
    if let Some(next) = standing.next {
        write!(text, ", {} on {}", next.stage, next.on).unwrap();
    }
    text + ")"
}

fn check(told: &str, expected: Expect) {
    expected.assert_eq(told);
}

#[test]
fn a_debt_climbs_the_ladder_day_by_day() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10");
    let days = ["05-17", "05-18", "05-19", "05-20", "05-22", "05-24", "06-01", "07-15", "07-16"];
    check(
        &shop.told(&shipped(), &days),
        expect![[r#"
        05-17: good (10.00 overdue for 0 days, notice on 2015-05-18)
        05-18: notice (10.00 overdue for 1 days, pay 10.00, throttled on 2015-05-20)
        05-19: notice (10.00 overdue for 2 days, pay 10.00, throttled on 2015-05-20)
        05-20: throttled, 10 calls a second (10.00 overdue for 3 days, pay 10.00, payouts_frozen on 2015-05-22)
        05-22: payouts_frozen, 10 calls a second, no payouts (10.00 overdue for 5 days, pay 10.00, suspended on 2015-05-24)
        05-24: suspended, 10 calls a second, no payouts, blocked (10.00 overdue for 7 days, pay 10.00, terminated on 2015-07-16)
        06-01: suspended, 10 calls a second, no payouts, blocked (10.00 overdue for 15 days, pay 10.00, terminated on 2015-07-16)
        07-15: suspended, 10 calls a second, no payouts, blocked (10.00 overdue for 59 days, pay 10.00, terminated on 2015-07-16)
        07-16: terminated, 10 calls a second, no payouts, blocked (10.00 overdue for 60 days, pay 10.00)
    "#]],
    );
}

#[test]
fn a_payment_restores_at_once_what_it_pays_for_the_oldest_charge_first() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10").charge("05-19", "20").charge("05-22", "40");
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: suspended, 10 calls a second, no payouts, blocked (70.00 overdue for 7 days, pay 70.00, terminated on 2015-07-16)
    "#]],
    );
    shop.pay("05-24 12:00", "9.99");
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: suspended, 10 calls a second, no payouts, blocked (60.01 overdue for 7 days, pay 60.01, terminated on 2015-07-16)
    "#]],
    );
    shop.pay("05-24 12:00", "0.01");
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: throttled, 10 calls a second (60.00 overdue for 4 days, pay 60.00, payouts_frozen on 2015-05-25)
    "#]],
    );
    shop.pay("05-24 12:00", "60");
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: good (0.00 overdue for 0 days)
    "#]],
    );
    shop.pay("05-24 12:00", "5");
    check(
        &shop.told(&shipped(), &["05-24", "05-25"]),
        expect![[r#"
        05-24: good (0.00 overdue for 0 days)
        05-25: good (0.00 overdue for 0 days)
    "#]],
    );
    shop.pay("05-25 12:00", "500");
    check(
        &shop.told(&shipped(), &["05-25"]),
        expect![[r#"
        05-25: good (0.00 overdue for 0 days)
    "#]],
    );
}

#[test]
fn what_is_taken_back_after_a_payment_is_owed_from_then_on() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10").pay("05-24 10:00", "10").reverse("05-24 11:00", "10");
    check(
        &shop.told(&shipped(), &["05-24", "05-25"]),
        expect![[r#"
        05-24: good (10.00 overdue for 0 days, notice on 2015-05-25)
        05-25: notice (10.00 overdue for 1 days, pay 10.00, throttled on 2015-05-27)
    "#]],
    );
}

#[test]
fn the_cure_restores_a_good_standing_and_a_fen_less_does_not() {
    let ladders = [
        shipped(),
        with(json!({"grace_days": 2})),
        with(json!({"restores": "all"})),
        with(json!({"steps": [{"stage": "notice", "owed": "25.00"},
                              {"stage": "suspended", "overdue_days": 2, "owed": "60"}]})),
        with(json!({"restores": "all", "steps": [{"stage": "notice", "owed": "25.00"}]})),
    ];
    for ladder in ladders {
        let owing = || {
            let mut shop = Shop::new();
            shop.charge("05-16", "10").charge("05-19", "20").charge("05-21", "40");
            shop
        };
        let cure = owing().standing(&ladder, "05-24 12:00").cure_fen;
        for (less, stays) in [(0, false), (1, true)] {
            let paid = cure.minus(Fen::new(less)).unwrap().to_string();
            let mut shop = owing();
            shop.pay("05-24 12:00", &paid);
            let standing = shop.standing(&ladder, "05-24 12:00");
            assert_eq!(standing.stage != Stage::Good, stays, "{paid} under {ladder:?}");
        }
    }
}

#[test]
fn the_cure_is_all_that_is_owed_where_an_earlier_stage_is_reached_by_days() {
    let steps =
        json!([{"stage": "notice", "overdue_days": 2}, {"stage": "suspended", "owed": "60"}]);
    let ladder = with(json!({"restores": "all", "steps": steps}));
    let mut shop = Shop::new();
    shop.charge("05-16", "70");
    let standing = shop.standing(&ladder, "05-24 12:00");
    assert_eq!((standing.stage, standing.cure_fen), (Stage::Suspended, Fen::new(7_000)));
    // To come below the amount is not enough.
    shop.pay("05-24 12:00", "10.01");
    assert_eq!(shop.standing(&ladder, "05-24 12:00").stage, Stage::Notice);
}

#[test]
fn a_ladder_may_ask_for_all_that_is_owed() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10").charge("05-23", "20").pay("05-24 12:00", "10");
    check(
        &shop.told(&with(json!({"restores": "all"})), &["05-24"]),
        expect![[r#"
        05-24: suspended, 10 calls a second, no payouts, blocked (20.00 overdue for 7 days, pay 20.00, terminated on 2015-07-16)
    "#]],
    );
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: good (20.00 overdue for 0 days, notice on 2015-05-25)
    "#]],
    );
}

#[test]
fn an_operator_holds_a_stage_until_a_day() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10");
    shop.account.stage_hold = Some(StageHold {
        stage: Stage::Notice,
        until: "2015-05-25".parse().unwrap(),
        reason: Reason::new("it pays on Monday").unwrap(),
        by: Person::new("Li Lei").unwrap(),
        held_at_s: time("05-20 09:00"),
    });
    check(
        &shop.told(&shipped(), &["05-24", "05-25"]),
        expect![[r#"
        05-24: notice (10.00 overdue for 7 days)
        05-25: suspended, 10 calls a second, no payouts, blocked (10.00 overdue for 8 days, pay 10.00, terminated on 2015-07-16)
    "#]],
    );
    let held = shop.standing(&shipped(), "05-24 12:00").because;
    assert!(matches!(held, Because::Held { .. }), "{held:?}");
    shop.account.stage_hold.as_mut().unwrap().stage = Stage::Terminated;
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: terminated, 10 calls a second, no payouts, blocked (10.00 overdue for 7 days)
    "#]],
    );
}

#[test]
fn who_is_exempt_or_without_a_ladder_stays_good() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10");
    let exempt = with(json!({"exempt": [shop.account.provider.clone()]}));
    let later = with(json!({"effective_from": "2015-06-01"}));
    let of = |ladder: &Ladder| {
        let standing = shop.standing(ladder, "05-30 12:00");
        (standing.stage, standing.because)
    };
    assert_eq!(of(&exempt), (Stage::Good, Because::Exempt));
    assert_eq!(of(&later), (Stage::Good, Because::NoLadder));
}

#[test]
fn a_replay_tells_who_would_have_stood_where() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10").charge("05-19", "20").pay("05-21 15:00", "10");
    shop.charge("05-30", "5").pay("06-02 08:00", "25");
    let stages = replay(&shop.journal, &shipped(), &rules().calendar, time("06-10 00:00")).unwrap();
    let lines = stages.iter().map(|of| {
        let clock = of.from.in_tz("Asia/Shanghai").unwrap().strftime("%m-%d %H:%M").to_string();
        format!("{clock} {}\n", of.stage)
    });
    check(
        &lines.collect::<String>(),
        expect![[r#"
        05-18 00:00 notice
        05-20 00:00 throttled
        05-21 15:00 notice
        05-23 00:00 throttled
        05-25 00:00 payouts_frozen
        05-27 00:00 suspended
        06-02 08:00 good
    "#]],
    );
}

#[test]
fn nobody_is_in_good_standing_because_a_debt_has_no_date() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10");
    shop.account.unpaid = Unpaid::default();
    let ladders = Ladders::from_iter([shipped()]);
    let standing = shop.account.standing(&ladders, &rules().calendar, time("05-24 12:00"));
    let (unpaid, receivable) = (Fen::ZERO, Fen::new(1_000));
    assert!(
        matches!(standing, Err(StandingError::Contradiction { unpaid: u, receivable: r }) if u == unpaid && r == receivable)
    );
}

#[test]
fn every_stage_is_read_by_its_name() {
    for stage in Stage::ALL {
        assert_eq!(stage.to_string().parse(), Ok(stage));
        assert_eq!(serde_json::to_value(stage).unwrap(), json!(stage.to_string()));
    }
    assert!("gone".parse::<Stage>().is_err());
}

#[test]
fn a_replay_judges_each_midnight_by_what_was_owed_then() {
    let mut shop = Shop::new();
    for (charged, paid) in [("05-16", ""), ("05-17", ""), ("05-18", "05-19"), ("05-19", "05-20")] {
        shop.charge(charged, "10");
        if !paid.is_empty() {
            shop.pay(&format!("{paid} 12:00"), "10");
        }
    }
    let stages = replay(&shop.journal, &shipped(), &rules().calendar, time("05-21 00:00")).unwrap();
    let told = stages.iter().map(|of| (of.stage, of.from)).collect::<Vec<_>>();
    assert_eq!(told, [(Stage::Notice, time("05-18 00:00"))]);
    let exempt = with(json!({"exempt": [shop.account.provider.clone()]}));
    let stages = replay(&shop.journal, &exempt, &rules().calendar, time("06-21 00:00")).unwrap();
    assert_eq!(stages, []);
}

#[test]
fn money_that_waits_for_a_debit_to_end_pays_at_once() {
    let mut shop = Shop::new();
    shop.charge("05-16", "10");
    // All of it is being collected, so that what comes in is prepaid.
    let mut account = serde_json::to_value(&shop.account).unwrap();
    account["figures"]["reserved_fen"] = json!(1_000);
    shop.account = serde_json::from_value(account).unwrap();
    shop.pay("05-24 12:00", "10");
    assert_eq!(shop.account.figures.prepaid(), Fen::new(1_000));
    check(
        &shop.told(&shipped(), &["05-24"]),
        expect![[r#"
        05-24: good (0.00 overdue for 0 days)
    "#]],
    );
}

#[test]
fn a_clock_that_went_back_makes_no_charge_older_than_those_before_it() {
    let mut shop = Shop::new();
    shop.charge("05-20", "10").charge("05-16", "5");
    let charges = shop.account.unpaid.charges();
    assert_eq!((charges.len(), charges[0].amount_fen), (1, Fen::new(1_500)));
}

#[test]
fn many_charges_are_kept_and_the_youngest_are_taken_together() {
    let mut shop = Shop::new();
    let mut day: BillingDay = "2015-01-01".parse().unwrap();
    for _ in 0..150 {
        let on = day.to_string();
        shop.charge(on.strip_prefix("2015-").unwrap(), "1");
        day = day.next();
    }
    let charges = shop.account.unpaid.charges();
    assert_eq!((charges.len(), charges.last().unwrap().amount_fen), (100, Fen::new(5_100)));
    assert_eq!(charges.last().unwrap().charged_at_s, time("05-31 00:30"));
    shop.pay("06-01 12:00", "150");
    assert_eq!(shop.account.unpaid, Unpaid::default());
}

#[test]
fn a_broken_rule_is_told_by_its_path() {
    let broken = json!({"ladder": "l", "effective_from": "2015-01-01", "steps": [
        {"stage": "throttled", "overdue_days": 2, "calls_per_second": 5},
        {"stage": "suspended", "overdue_days": 4000, "calls_per_second": 6},
        {"stage": "good", "owed": "0.005"},
        {"stage": "terminated", "overdue_days": 3},
        {"stage": "terminated"}]});
    let told = |document: Value| {
        let document = serde_json::from_value::<LadderDocument>(document).unwrap();
        let error = Ladder::try_from(document).unwrap_err();
        let faults = error.faults.iter().map(|(path, rule)| format!("{path}: {rule}\n"));
        faults.collect::<String>()
    };
    check(
        &told(broken),
        expect![[r#"
            steps[1].overdue_days: must be at most 3660 days
            steps[1].calls_per_second: must be at most as many as at the steps before
            steps[2].stage: `good` is where no step is reached; name another stage
            steps[2].stage: stages stand in their order, each once
            steps[2].owed: must be an amount above zero in whole fen
            steps[3].overdue_days: must be more than at the steps before
            steps[4].stage: stages stand in their order, each once
            steps[4].overdue_days: give overdue_days, owed, or both
        "#]],
    );
    let nothing = json!({"ladder": "l", "effective_from": "2015-01-01", "steps": []});
    check(
        &told(nothing),
        expect![[r#"
        steps: a ladder has at least one step
    "#]],
    );
}

#[test]
fn the_published_schema_is_that_of_the_type_and_accepts_the_ladder_that_ships() {
    let schema = schema_of::<LadderDocument>();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ladders/ladder.schema.json");
    expect_file![path].assert_eq(&format!("{schema:#}\n"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(SHIPPED).unwrap()));
    assert!(!validator.is_valid(&json!({"ladder": "l"})));
    assert!(include_str!("../../../docs/standing.md").contains(SHIPPED), "it is documented");
}
