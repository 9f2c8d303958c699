use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn yuan(text: &str) -> Yuan {
    Yuan::new(decimal(text))
}

fn model(json: &str) -> PriceModel {
    let model: PriceModel = serde_json::from_str(json).unwrap();
    model.check().unwrap();
    model
}

const PER_UNIT: &str = r#"{"model": "per_unit", "unit_price": "0.0003"}"#;

/// Published by a cloud for its API gateway, per 10,000 calls: 0, 0.20, 0.16, 0.12.
const FOUR_TIERS: &str = r#"{"model": "graduated", "tiers": [
    {"up_to": "100000", "unit_price": "0"},
    {"up_to": "10000000", "unit_price": "0.000020"},
    {"up_to": "100000000", "unit_price": "0.000016"},
    {"unit_price": "0.000012"}]}"#;

const FLAT_FEES: &str = r#"{"model": "graduated", "tiers": [
    {"up_to": "10", "unit_price": "1", "flat_fee": "5"},
    {"up_to": "20", "unit_price": "0.5", "flat_fee": "3"},
    {"unit_price": "0.1", "flat_fee": "2"}]}"#;

#[test]
fn a_unit_is_charged_at_the_price_of_its_own_tier() {
    for (json, quantity, cost) in [
        (PER_UNIT, "0", "0"),
        (PER_UNIT, "1", "0.0003"),
        (PER_UNIT, "100", "0.03"),
        (FOUR_TIERS, "100000", "0"),
        (FOUR_TIERS, "100001", "0.00002"),
        (FOUR_TIERS, "10000000", "198"),
        (FOUR_TIERS, "10000001", "198.000016"),
        (FOUR_TIERS, "15600000", "287.6"),
        (FOUR_TIERS, "100000001", "1638.000012"),
        (FLAT_FEES, "0", "0"),
        (FLAT_FEES, "1", "6"),
        (FLAT_FEES, "10", "15"),
        (FLAT_FEES, "10.5", "18.25"),
        (FLAT_FEES, "20", "23"),
        (FLAT_FEES, "30", "26"),
    ] {
        assert_eq!(model(json).cost(decimal(quantity)), Ok(yuan(cost)), "{quantity} of {json}");
    }
}

#[test]
fn a_slice_can_be_recomputed_from_what_it_says() {
    for json in [PER_UNIT, FOUR_TIERS, FLAT_FEES] {
        for slice in model(json).between(decimal("7"), decimal("25")).unwrap() {
            let by_hand =
                (slice.to - slice.from) * slice.unit_price.decimal() + slice.flat_fee.decimal();
            assert_eq!(slice.amount, Yuan::new(by_hand), "{slice:?}");
        }
    }
}

#[test]
fn a_flat_fee_is_charged_once_however_the_month_is_cut() {
    let model = model(FLAT_FEES);
    let fees = |before: &str, after: &str| {
        let slices = model.between(decimal(before), decimal(after)).unwrap();
        Yuan::sum(slices.iter().map(|slice| slice.flat_fee)).unwrap()
    };
    assert_eq!(fees("0", "4"), yuan("5"));
    assert_eq!(fees("4", "10"), yuan("0"));
    assert_eq!(fees("10", "11"), yuan("3"));
    assert_eq!(fees("4", "21"), yuan("5"));
}

#[test]
fn a_model_that_makes_no_sense_is_refused_by_the_rule_it_breaks() {
    let check = |json: &str| serde_json::from_str::<PriceModel>(json).unwrap().check();
    assert_eq!(
        check(r#"{"model": "per_unit", "unit_price": "-0.1"}"#),
        Err(PriceModelError::NegativePrice(yuan("-0.1")))
    );
    assert_eq!(
        check(r#"{"model": "per_unit", "unit_price": "0.00000000001"}"#),
        Err(PriceModelError::TooPrecise(yuan("0.00000000001")))
    );
    assert_eq!(check(r#"{"model": "graduated", "tiers": []}"#), Err(PriceModelError::NoTier));
    assert_eq!(
        check(r#"{"model": "graduated", "tiers": [{"up_to": "5", "unit_price": "1"}]}"#),
        Err(PriceModelError::OpenTier { number: 1 })
    );
    assert_eq!(
        check(
            r#"{"model": "graduated", "tiers": [{"up_to": "5", "unit_price": "1"}, {"up_to": "5", "unit_price": "1"}, {"unit_price": "1"}]}"#
        ),
        Err(PriceModelError::TierOrder { number: 2, up_to: decimal("5") })
    );
}

#[test]
fn a_price_written_as_a_float_is_refused() {
    assert!(
        serde_json::from_str::<PriceModel>(r#"{"model": "per_unit", "unit_price": 0.1}"#).is_err()
    );
}

fn any_model() -> impl Strategy<Value = PriceModel> {
    let price =
        (0_i64..1_000_000, 0_u32..=10).prop_map(|(n, scale)| Yuan::new(Decimal::new(n, scale)));
    let tier = (1_u32..500, price.clone(), price.clone());
    let graduated = (prop::collection::vec(tier, 0..5), price.clone()).prop_map(|(tiers, last)| {
        let mut up_to = Decimal::ZERO;
        let mut all: Vec<Tier> = Vec::new();
        for (width, unit_price, flat_fee) in tiers {
            up_to += Decimal::from(width);
            all.push(Tier { up_to: Some(up_to), unit_price, flat_fee });
        }
        all.push(Tier { up_to: None, unit_price: last, flat_fee: Yuan::ZERO });
        PriceModel::Graduated(Graduated { tiers: all })
    });
    prop_oneof![price.prop_map(|unit_price| PriceModel::PerUnit(PerUnit { unit_price })), graduated,]
}

proptest! {
    #[test]
    fn any_cut_of_a_month_costs_what_the_month_costs(model in any_model(), mut cuts in prop::collection::vec(0_u32..3_000, 1..6)) {
        cuts.sort_unstable();
        let mut before = Decimal::ZERO;
        let mut sum = Yuan::ZERO;
        for cut in cuts {
            let after = Decimal::from(cut);
            let part = Yuan::sum(model.between(before, after).unwrap().iter().map(|slice| slice.amount)).unwrap();
            sum = sum.plus(part).unwrap();
            before = after;
        }
        prop_assert_eq!(sum, model.cost(before).unwrap());
    }
}
