//! Documents in another form than theirs.

use std::fmt::Write;

use expect_test::{expect, expect_file};
use steelyard_pricing::Plan;

use crate::documents::{ACCEPTED, FORM, plan};
use crate::{faults, refused_plan};

#[test]
fn a_wrong_form_is_told_by_its_path_and_what_would_be_right() {
    expect_file!["forms.txt"].assert_eq(&faults(FORM, refused_plan));
}

#[test]
fn text_that_is_no_document_is_told_by_its_place() {
    let whole = plan(&[]);
    let mut lines = String::new();
    for document in [
        "",
        "[]",
        "null",
        r#"{ "plan": "p", "rates": [{ "rate": "a""#,
        "{\n  \"plan\": \"p\",\n}",
        "{ \"plan\": 'p' }",
        "{ plan: \"p\" }",
        "{ \"plan\": \"p\" \"rates\": [] }",
        "{ \"plan\": \"a\nb\" }",
        &format!("{whole} {whole}"),
        &format!("{whole},"),
    ] {
        let error = Plan::read(document).unwrap_err();
        let shown = document.replace(&whole, "PLAN").replace('\n', "⏎");
        writeln!(lines, "{shown}\n    {error}").unwrap();
    }
    expect![[r#"

            is not valid JSON at line 1, column 0: the document ends too early
        []
            is a list; must be an object
        null
            is null; leave it out, or give an object
        { "plan": "p", "rates": [{ "rate": "a"
            is not valid JSON at line 1, column 38: the document ends too early
        {⏎  "plan": "p",⏎}
            is not valid JSON at line 3, column 1: trailing comma
        { "plan": 'p' }
            is not valid JSON at line 1, column 11: expected value
        { plan: "p" }
            is not valid JSON at line 1, column 3: key must be a string
        { "plan": "p" "rates": [] }
            is not valid JSON at line 1, column 15: expected `,` or `}`
        { "plan": "a⏎b" }
            is not valid JSON at line 2, column 0: control character (\u0000-\u001F) found while parsing a string
        PLAN PLAN
            is not valid JSON at line 1, column 126: something follows the document
        PLAN,
            is not valid JSON at line 1, column 125: something follows the document
    "#]].assert_eq(&lines);
}

#[test]
fn a_field_that_is_given_twice_is_refused_wherever_it_stands() {
    let mut lines = String::new();
    for (field, twice) in [
        (r#""plan":"p""#, r#""plan":"p","plan":"q""#),
        (r#""rate":"a""#, r#""rate":"a","rate":"a""#),
        (r#""model":"per_unit""#, r#""model":"per_unit","model":"per_unit""#),
        (r#""unit_price":"1""#, r#""unit_price":"1","unit_price":"100""#),
        (r#""model":"per_unit""#, r#""unit_price":"2","model":"per_unit""#),
        (r#""plan":"p""#, r#""plan":"p","conversion":{"divide":2,"divide":3}"#),
    ] {
        let document = plan(&[]);
        assert!(document.contains(field), "{document}");
        let error = Plan::read(&document.replace(field, twice)).unwrap_err();
        writeln!(lines, "{twice}\n    {error}").unwrap();
    }
    expect![[r#"
        "plan":"p","plan":"q"
            plan: is given twice; give it once
        "rate":"a","rate":"a"
            rates[0].rate: is given twice; give it once
        "model":"per_unit","model":"per_unit"
            rates[0].price.model: is given twice; give it once
        "unit_price":"1","unit_price":"100"
            rates[0].price.unit_price: is given twice; give it once
        "unit_price":"2","model":"per_unit"
            rates[0].price.unit_price: is given twice; give it once
        "plan":"p","conversion":{"divide":2,"divide":3}
            conversion.divide: is given twice; give it once
    "#]]
    .assert_eq(&lines);
}

#[test]
fn a_plan_that_is_stored_is_read_whatever_the_order_of_its_fields() {
    for changes in ACCEPTED {
        let read = Plan::read(&plan(changes)).unwrap();
        // The fields of a value are in the order of their names, so that few have the model first.
        let value = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Plan>(value).unwrap(), read);
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), read);
    }
}

#[test]
fn all_that_is_wrong_in_form_is_told_at_once() {
    let document = r#"{
      "plan": "P", "version": 2, "effective_from": "2015-05-01",
      "conversion": {"multiply": "x", "divide": "y", "divide": 2},
      "rates": [
        {"rate": 1, "apis": ["a", 5, "b*c"], "price": {"unit_price": 1, "model": "per_unit"}},
        "b",
        {"apis": [], "price": {"model": "none", "unit_price": "1"}},
        {"rate": "d", "apis": [], "price": {"tiers": [
          {"unit_price": "1", "flat_fee": 1}, {"price": "1"}, {"unit_price": true}], "model": "volume"}}]}"#;
    let error = Plan::read(document).unwrap_err();
    let faults = error.faults.iter().map(|fault| format!("{fault}\n")).collect::<String>();
    expect![[r#"
        plan: `P` is not a name of 1 to 64 of a-z, 0-9, - and _
        version: is not a field here; the fields are plan, effective_from, description, rounding, on_change, conversion, free_per_month, free_per_day, discounts, minimum, maximum, tax, deposit, alerts, rates
        conversion.multiply: is the text "x"; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
        conversion.divide: is the text "y"; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
        rates[0].rate: is the number 1; must be a text
        rates[0].apis[1]: is the number 5; must be a text
        rates[0].apis[2]: `b*c` holds a `*` that is not at its end
        rates[0].price.unit_price: is the number 1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        rates[1]: is the text "b"; must be an object
        rates[2].price.model: is "none"; must be one of "per_unit", "package", "graduated", "volume", "block", "percentage", "graduated_percentage"
        rates[2].rate: is missing, and must be given
        rates[3].price.tiers[0].flat_fee: is the number 1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        rates[3].price.tiers[1].price: is not a field here; the fields are up_to, unit_price, flat_fee
        rates[3].price.tiers[1].unit_price: is missing, and must be given
        rates[3].price.tiers[2].unit_price: is true; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        rates[3].apis: a rate covers at least one API; `*` covers all
    "#]].assert_eq(&faults);
}

#[test]
fn what_has_its_form_is_checked_beside_what_has_not() {
    let document = r#"{
      "plan": "p", "effective_from": "2015-05-01", "minimum": "5", "maximum": "4",
      "rates": [
        {"rate": "a", "apis": ["a.*", 5], "price": {"model": "per_unit", "unit_price": "1"}},
        {"rate": "b", "apis": ["b"], "price": {"model": "per_unit", "unit_price": 0.1}},
        {"rate": "c", "apis": [7], "price": {"model": "per_unit", "unit_price": "-1"}},
        {"rate": "a", "apis": ["a.*"], "price": {"model": "volume", "tiers": [
          {"up_to": 5, "unit_price": "1"}, {"up_to": 5, "unit_price": "1"}, {"unit_price": "1"}]},
         "discounts": [{"discount": "d", "percent": 5}]}]}"#;
    let error = Plan::read(document).unwrap_err();
    let faults = error.faults.iter().map(|fault| format!("{fault}\n")).collect::<String>();
    expect![[r#"
        rates[0].apis[1]: is the number 5; must be a text
        rates[1].price.unit_price: is the number 0.1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        rates[2].apis[0]: is the number 7; must be a text
        rates[3].discounts[0].percent: is the number 5; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
        maximum: must be at least the minimum, 5
        rates[2].price.unit_price: -1 is negative; a price is nothing or more
        rates[3].price.tiers[1].up_to: must be above 5, where the tier before ends
        rates[3].rate: `a` is the name of another one already; give each its own
        rates[3].apis[0]: `a.*` is covered by `a` already; leave it to one of them
    "#]].assert_eq(&faults);
}

#[test]
fn a_plan_without_a_name_or_a_day_is_checked_too() {
    for head in [
        r#""plan": "P", "effective_from": "2015-05-01""#,
        r#""effective_from": "2015-13-01""#,
        r#""rounding": "x""#,
    ] {
        let document = format!(
            r#"{{{head}, "minimum": "5", "maximum": "4", "rates": [7, {{"rate": "a", "apis": [],
                "price": {{"model": "per_unit", "unit_price": "1"}}}}]}}"#
        );
        let error = Plan::read(&document).unwrap_err();
        let paths = error.faults.iter().map(|fault| fault.path.as_str()).collect::<Vec<_>>();
        assert!(paths.ends_with(&["maximum", "rates[1].apis"]), "{head}: {paths:?}");
        assert!(paths.contains(&"rates[0]"), "{head}: {paths:?}");
    }
}
