//! Which rate an API has, and which version of a plan is in force.

use steelyard_pricing::{Catalog, Name, Plan};

use crate::documents::plan;

fn rate(name: &str, apis: &[&str]) -> String {
    format!(
        r#"{{ "rate": "{name}", "apis": {apis:?}, "price": {{ "model": "per_unit", "unit_price": "1" }} }}"#
    )
}

#[test]
fn exact_names_win_over_longer_prefixes_and_those_over_shorter_ones() {
    let rates = [
        rate("all", &["*"]),
        rate("trades", &["taobao.trade*", "tmall.order.get"]),
        rate("taobao", &["taobao.*"]),
        rate("one", &["taobao.trade.get"]),
    ];
    let plan = Plan::read(&plan(&[&format!("rates = [{}]", rates.join(","))])).unwrap();
    for (api, expected) in [
        ("taobao.trade.get", "one"),
        ("taobao.trade.gets", "trades"),
        ("taobao.trade", "trades"),
        ("taobao.item.get", "taobao"),
        ("taobao.", "taobao"),
        ("taobao", "all"),
        ("tmall.order.get", "trades"),
        ("tmall.order.gets", "all"),
        ("TAOBAO.trade.get", "all"),
    ] {
        let found = plan.rate_of(&api.parse().unwrap()).map(|rate| rate.rate.as_str());
        assert_eq!(found, Some(expected), "{api}");
    }
}

#[test]
fn an_api_that_no_rate_covers_has_no_rate() {
    let plan = Plan::read(&plan(&[r#"rates[0].apis = ["taobao.*"]"#])).unwrap();
    assert_eq!(plan.rate_of(&"tmall.item.get".parse().unwrap()), None);
}

#[test]
fn the_latest_version_that_has_taken_effect_is_in_force() {
    let version = |day: &str| Plan::read(&plan(&[&format!("effective_from = \"{day}\"")])).unwrap();
    let catalog: Catalog = [version("2015-07-17"), version("2015-05-01")].into_iter().collect();
    let name: Name = "p".parse().unwrap();
    for (day, in_force) in [
        ("2015-04-30", None),
        ("2015-05-01", Some("2015-05-01")),
        ("2015-07-16", Some("2015-05-01")),
        ("2015-07-17", Some("2015-07-17")),
        ("2016-01-01", Some("2015-07-17")),
    ] {
        let found = catalog.in_force(&name, day.parse().unwrap());
        let found = found.map(|plan| plan.effective_from().to_string());
        assert_eq!(found.as_deref(), in_force, "{day}");
    }
    assert!(catalog.has(&name));
    assert!(catalog.version(&name, "2015-07-17".parse().unwrap()).is_some());
    assert_eq!(catalog.version(&name, "2015-07-18".parse().unwrap()), None);
    assert_eq!(catalog.in_force(&"q".parse().unwrap(), "2016-01-01".parse().unwrap()), None);
}
