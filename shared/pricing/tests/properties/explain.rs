//! A line computed again from what is written of it: by hand, so to speak.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::exact::Exact;

/// A line as it is written.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    pub segment: String,
    pub rate: Option<String>,
    #[serde(default)]
    because: Option<String>,
    #[serde(default)]
    apis: BTreeMap<String, Value>,
    before: RatedToDate,
    after: Rated,
    exact_yuan: Exact,
    rounding_yuan: Exact,
    charge_fen: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct RatedToDate {
    metered: Value,
    #[serde(default)]
    free_used: Exact,
    #[serde(default)]
    plan_free_used: Exact,
    yuan: Exact,
}

#[derive(Clone, Debug, Deserialize)]
struct Rated {
    metered: Value,
    #[serde(default)]
    conversion: Value,
    units: Exact,
    #[serde(default)]
    free: Exact,
    #[serde(default)]
    free_used: Exact,
    #[serde(default)]
    plan_free_used: Exact,
    #[serde(default)]
    days: BTreeMap<String, Value>,
    #[serde(default)]
    continued: Continued,
    #[serde(default)]
    slices: Vec<Slice>,
    base_yuan: Exact,
    #[serde(default)]
    discounts: Vec<Discounted>,
    limit: Option<BTreeMap<String, Exact>>,
    deferred_yuan: Option<Exact>,
    due_yuan: Exact,
}

/// The figures that a line reports of earlier segments.
#[derive(Clone, Debug, Default, Deserialize)]
struct Continued {
    #[serde(default)]
    metered: Value,
    #[serde(default)]
    units: Exact,
    #[serde(default)]
    free_used: Exact,
    #[serde(default)]
    plan_free_used: Exact,
    #[serde(default)]
    slices: Vec<Slice>,
    #[serde(default)]
    base_yuan: Exact,
    #[serde(default)]
    due_yuan: Exact,
}

#[derive(Clone, Debug, Deserialize)]
struct Slice {
    from: Exact,
    to: Exact,
    #[serde(default)]
    per: Value,
    count: Exact,
    price: Exact,
    #[serde(default)]
    flat_fee: Exact,
    amount: Exact,
}

#[derive(Clone, Debug, Deserialize)]
struct Discounted {
    #[serde(default)]
    percent: Exact,
    amount: Option<AmountOff>,
    of_yuan: Exact,
    off_yuan: Exact,
}

#[derive(Clone, Debug, Deserialize)]
struct AmountOff {
    yuan: Exact,
    since: Option<String>,
    #[serde(default)]
    earlier_yuan: Exact,
    #[serde(default)]
    used_yuan: Exact,
}

/// Calls and amount of what was metered.
fn metered(json: &Value) -> (Exact, Exact) {
    if json.is_null() {
        (Exact::zero(), Exact::zero())
    } else if json.is_object() {
        (Exact::of(&json["calls"]), Exact::of(&json["amount"]))
    } else {
        (Exact::of(json), Exact::zero())
    }
}

/// Computes the line again; `rate` is what the plan's document says of its rate.
pub(crate) fn explain(line: &Line, rate: Option<&Value>) {
    let after = &line.after;
    let now = match rate {
        Some(rate) if !line.is_minimum() => {
            gained(line);
            let before = &after.continued;
            let earlier = before.units.minus(&before.free_used).minus(&before.plan_free_used);
            let (priced, calls) = (priced(line, rate), |metered_of| metered(metered_of).0);
            let price = &rate["price"];
            cover(&before.slices, &earlier, &calls(&before.metered), price);
            let all = calls(&before.metered).plus(&calls(&after.metered));
            cover(&after.slices, &earlier.plus(&priced), &all, price);
            assert_eq!(amounts(&before.slices), before.base_yuan);
            assert_eq!(amounts(&after.slices).minus(&before.base_yuan), after.base_yuan);
            after.due_yuan.clone()
        }
        Some(_) | None => after.due_yuan.minus(&after.base_yuan),
    };
    let has_minimum = after.limit.iter().flatten().any(|(limit, _)| limit == "minimum");
    assert!(!has_minimum || line.is_minimum(), "a true-up has a line of its own");
    if line.is_minimum() {
        assert!(now >= Exact::zero() && (has_minimum || now == Exact::zero()), "a true-up");
    }
    if line.because.as_deref() == Some("concession") {
        assert!(line.after.due_yuan <= line.after.base_yuan, "a concession takes off");
    } else if line.because.as_deref() == Some("tax") {
        assert_eq!(line.rounding_yuan, Exact::zero(), "tax is whole fen");
    } else {
        assert_eq!(due(after), after.due_yuan, "what is due");
    }
    assert_eq!(now.minus(&line.before.yuan), line.exact_yuan, "what is new of it");
    let hundred = Exact::whole(100);
    let charge = line.exact_yuan.plus(&line.rounding_yuan).times(&hundred);
    assert_eq!(charge, Exact::whole(line.charge_fen), "what is charged");
}

fn amounts(slices: &[Slice]) -> Exact {
    Exact::sum(slices.iter().map(|slice| &slice.amount))
}

/// The APIs' counts make up what was metered since.
fn gained(line: &Line) {
    let total = |of: &dyn Fn(&(Exact, Exact)) -> Exact| {
        let new = line.apis.values().map(|new| of(&metered(new))).collect::<Vec<_>>();
        let (before, after) =
            (of(&metered(&line.before.metered)), of(&metered(&line.after.metered)));
        let (from, to) = if line.is_void() { (after, before) } else { (before, after) };
        assert_eq!(Exact::sum(&new), to.minus(&from));
    };
    total(&|(calls, _)| calls.clone());
    total(&|(_, amount)| amount.clone());
}

/// The units beyond all allowances.
fn priced(line: &Line, rate: &Value) -> Exact {
    let after = &line.after;
    let units = |of: &Value| units(&metered(of), &after.conversion, rate);
    let (of_before, of_after) = (metered(&after.continued.metered), metered(&after.metered));
    let all = (of_before.0.plus(&of_after.0), of_before.1.plus(&of_after.1));
    let all = self::units(&all, &after.conversion, rate);
    assert_eq!(units(&after.continued.metered), after.continued.units, "units of before");
    assert_eq!(all.minus(&after.continued.units), after.units, "what was metered, in units");
    if rate["free_per_day"].is_null() && !line.is_by_day() {
        let left = after.free.minus(&after.continued.free_used).max(Exact::zero());
        assert_eq!(after.free_used, left.min(after.units.clone()), "what is free");
    } else if line.because.is_none() {
        let free = |day| units(day).min(after.free.clone());
        let free = after.days.values().map(free).collect::<Vec<_>>();
        let used = after.free_used.minus(&line.before.free_used);
        assert_eq!(used, Exact::sum(&free), "what is free on the days");
    }
    assert!(after.plan_free_used >= line.before.plan_free_used.clone().min(Exact::zero()));
    after.units.minus(&after.free_used).minus(&after.plan_free_used)
}

impl Line {
    /// What earlier segments had under the rate, as the line says: calls, amount, and what they
    /// amounted to.
    pub(crate) fn continued(&self) -> Option<(Exact, Exact, Exact)> {
        let before = &self.after.continued;
        let (calls, amount) = metered(&before.metered);
        (!before.metered.is_null()).then(|| (calls, amount, before.due_yuan.clone()))
    }

    pub(crate) fn is_minimum(&self) -> bool {
        self.because.as_deref() == Some("minimum")
    }

    fn is_void(&self) -> bool {
        self.because.as_deref() == Some("void")
    }

    fn is_by_day(&self) -> bool {
        !self.after.days.is_empty()
    }
}

fn units((calls, amount): &(Exact, Exact), conversion: &Value, rate: &Value) -> Exact {
    let is_share = rate["price"]["model"].as_str().is_some_and(|m| m.contains("percentage"));
    let one = Value::from(1);
    let factor = |name| Exact::of(conversion.get(name).unwrap_or(&one));
    let number = if is_share { amount } else { calls };
    let units = number.times(&factor("multiply")).over(&factor("divide"));
    match conversion["round"].as_str() {
        Some("up") => units.ceil(),
        Some("down") => units.floor(),
        Some("half_up") => units.half_up(),
        Some("half_even") => units.half_even(),
        _ => units,
    }
}

/// The slices stand on one another and hold every priced unit once.
fn cover(slices: &[Slice], priced: &Exact, calls: &Exact, price: &Value) {
    let of = |field| price.get(field).map_or_else(Exact::zero, Exact::of);
    let (fee, free_calls) = (of("fee_per_call"), of("free_calls"));
    let (mut end, mut end_of_calls) = (Exact::zero(), None);
    for slice in slices {
        let amount = slice.count.times(&slice.price).plus(&slice.flat_fee);
        assert_eq!(amount, slice.amount, "count × price + flat fee");
        let width = slice.to.minus(&slice.from);
        if slice.per == "call" {
            assert_eq!(slice.from, end_of_calls.unwrap_or_default(), "calls one after the other");
            assert_eq!(slice.count, width, "a fee for each call");
            let is_free = slice.price == Exact::zero();
            assert!(if is_free { slice.to <= free_calls } else { slice.from == free_calls });
            end_of_calls = Some(slice.to.clone());
            continue;
        }
        assert_eq!(slice.from, end, "no gap and no overlap");
        end = slice.to.clone();
        let of = |name| slice.per.get(name).map(|size| width.over(&Exact::of(size)));
        let begun = of("package").or_else(|| of("block")).map(|count| count.ceil());
        let full = of("full_package").map(|count| count.floor());
        let half_up = of("half_up_package").map(|count| count.half_up());
        let half_even = of("half_even_package").map(|count| count.half_even());
        let count = begun.or(full).or(half_up).or(half_even).unwrap_or_else(|| width.clone());
        assert_eq!(slice.count, count, "how many are priced");
    }
    assert_eq!(end, *priced, "every priced unit is in a slice");
    let charged = if fee == Exact::zero() { Exact::zero() } else { calls.clone() };
    assert_eq!(end_of_calls.unwrap_or_default(), charged, "every call is in a slice");
}

/// What the discounts leave, held to the limit.
fn due(after: &Rated) -> Exact {
    let mut left = after.base_yuan.clone();
    for discount in &after.discounts {
        assert!(discount.of_yuan == left || discount.of_yuan == after.base_yuan);
        let off = match &discount.amount {
            Some(amount) => {
                let is_voucher = amount.since.is_some();
                assert!(is_voucher || amount.earlier_yuan == Exact::zero());
                let rest = amount.yuan.minus(&amount.earlier_yuan).minus(&amount.used_yuan);
                rest.min(left.clone()).max(Exact::zero())
            }
            None => {
                let off = discount.of_yuan.times(&discount.percent).over(&Exact::whole(100));
                if left < Exact::zero() { off.max(left.clone()) } else { off.min(left.clone()) }
            }
        };
        assert_eq!(off, discount.off_yuan);
        left = left.minus(&discount.off_yuan);
    }
    if let Some(deferred) = &after.deferred_yuan {
        return held(after, left).minus(deferred);
    }
    held(after, left)
}

/// The amount that remains after the limit.
fn held(after: &Rated, left: Exact) -> Exact {
    let Some((limit, held)) = after.limit.iter().flatten().next() else { return left };
    let earlier = &after.continued.due_yuan;
    match limit.as_str() {
        "maximum" => {
            assert!(left.plus(earlier) > *held);
            held.minus(earlier).max(Exact::zero())
        }
        "minimum" => {
            assert!(left.plus(earlier) < *held);
            held.minus(earlier)
        }
        _ => panic!("{limit} is no limit"),
    }
}
