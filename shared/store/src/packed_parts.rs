//! The parts of a cumulative report as few bytes.
//!
//! Counts without a part are packed as those of other reports. Of the parts, those that are numbers
//! store the distance from the one before, some three bytes each, and a fingerprint takes its eight
//! bytes.

use serde::{Deserialize, Serialize};
use steelyard_billing::{CumulativeUsage, Label, Part};
use steelyard_pricing::{Amount, ApiName, Calls, Metered, Usage};

use crate::packed::{self, PackError, join_name, no_name, split_name};

#[derive(Default, Serialize, Deserialize)]
struct Packed {
    /// The usage without a part, as [`packed::pack`] packs it.
    whole: Vec<u8>,
    apis: Vec<PackedApi>,
}

#[derive(Default, Serialize, Deserialize)]
struct PackedApi {
    /// How many characters the name shares with the one before.
    shared: u8,
    /// The rest of the name.
    rest: String,
    /// Calls of parts that are numbers: the distance from the number before, and the calls.
    numbers: Vec<(u32, u64)>,
    /// Fingerprints of one call each, likewise by the number of their part.
    prints: Vec<(u32, Vec<[u8; 8]>)>,
    others: Vec<Other>,
}

/// A count of any form.
#[derive(Serialize, Deserialize)]
struct Other {
    part: String,
    calls: u64,
    amount: Option<String>,
}

/// The bytes of parts.
///
/// # Errors
///
/// [`PackError`] when a name is longer than names are.
pub(crate) fn pack(usage: &CumulativeUsage) -> Result<Vec<u8>, PackError> {
    let mut whole = Usage::new();
    let mut packed = Packed::default();
    let mut packing: Option<Packing<'_>> = None;
    for (api, part, sub, metered) in usage.iter() {
        let Some(part) = part else {
            // Each API has one count without a part, which a usage holds.
            whole
                .add(api.clone(), metered)
                .map_err(|error| PackError::Content(error.to_string()))?;
            continue;
        };
        let before = packing.as_ref().map_or("", |packing| packing.api.as_str());
        if packing.as_ref().is_none_or(|packing| packing.api != api) {
            let (shared, rest) = split_name(api.as_str(), before)?;
            let rest = rest.to_owned();
            let next = Packing::new(api, PackedApi { shared, rest, ..PackedApi::default() });
            packed.apis.extend(packing.replace(next).map(|done| done.packed));
        }
        if let Some(packing) = &mut packing {
            packing.add(part, sub, metered);
        }
    }
    packed.apis.extend(packing.map(|done| done.packed));
    packed.whole = packed::pack(&whole)?;
    Ok(postcard::to_allocvec(&packed)?)
}

/// An API while its parts, which come in order, are packed.
struct Packing<'a> {
    api: &'a ApiName,
    packed: PackedApi,
    /// The number that was packed last, with calls of its own and with fingerprints.
    last: (u32, u32),
}

impl<'a> Packing<'a> {
    fn new(api: &'a ApiName, packed: PackedApi) -> Packing<'a> {
        Packing { api, packed, last: (0, 0) }
    }

    fn add(&mut self, part: &Label, sub: Option<&Label>, metered: Metered) {
        let one = Metered::calls(1);
        match (part, sub) {
            (Label::Number(number), None) if metered.amount == Amount::ZERO => {
                self.packed.numbers.push((number - self.last.0, metered.calls.get()));
                self.last.0 = *number;
            }
            (Label::Number(number), Some(Label::Print(print))) if metered == one => {
                let gap = number - self.last.1;
                match self.packed.prints.last_mut().filter(|_| gap == 0) {
                    Some((_, prints)) => prints.push(print.to_be_bytes()),
                    None => self.packed.prints.push((gap, vec![print.to_be_bytes()])),
                }
                self.last.1 = *number;
            }
            (part, sub) => {
                let part = sub.map_or_else(|| part.to_string(), |sub| format!("{part}/{sub}"));
                let amount = (metered.amount != Amount::ZERO).then(|| metered.amount.to_string());
                self.packed.others.push(Other { part, calls: metered.calls.get(), amount });
            }
        }
    }
}

/// The parts that [`pack`] made bytes of.
///
/// # Errors
///
/// [`PackError`] when the bytes are cut, go on after their end, or say something that is no usage.
pub(crate) fn unpack(bytes: &[u8]) -> Result<CumulativeUsage, PackError> {
    let (Packed { whole, apis }, rest) = postcard::take_from_bytes(bytes)?;
    if !rest.is_empty() {
        return Err(PackError::Content(format!("{} bytes after its end", rest.len())));
    }
    let mut usage = CumulativeUsage::new();
    for (api, metered) in packed::unpack(&whole)?.iter() {
        usage.raise(api, Part::WHOLE, metered);
    }
    let mut name = String::new();
    for packed in apis {
        join_name(&mut name, packed.shared, &packed.rest)?;
        let api = ApiName::try_from(name.clone()).map_err(|_| no_name(&name))?;
        packed.unpack(&api, &mut usage)?;
    }
    Ok(usage)
}

impl PackedApi {
    fn unpack(self, api: &ApiName, usage: &mut CumulativeUsage) -> Result<(), PackError> {
        let mut number = 0_u32;
        for (gap, calls) in self.numbers {
            number = further(number, gap)?;
            usage.raise(api, Part::of(Label::Number(number)), Metered::calls(calls));
        }
        let mut number = 0_u32;
        for (gap, prints) in self.prints {
            number = further(number, gap)?;
            for print in prints {
                let sub = Label::Print(u64::from_be_bytes(print));
                usage.raise(api, Part::sub(Label::Number(number), sub), Metered::calls(1));
            }
        }
        for Other { part, calls, amount } in self.others {
            let part =
                part.parse().map_err(|_| PackError::Content(format!("the part `{part}`")))?;
            let amount = amount.map_or(Ok(Amount::ZERO), |text| {
                text.parse().map_err(|_| PackError::Content(format!("the amount `{text}`")))
            });
            usage.raise(api, part, Metered { calls: Calls::new(calls), amount: amount? });
        }
        Ok(())
    }
}

fn further(number: u32, gap: u32) -> Result<u32, PackError> {
    number.checked_add(gap).ok_or_else(|| PackError::Content("a number past the last".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(counts: &[(&str, &str, u64, &str)]) -> CumulativeUsage {
        let mut usage = CumulativeUsage::new();
        for (api, part, calls, amount) in counts {
            let part = if *part == "-" { Part::WHOLE } else { part.parse().unwrap() };
            let amount = amount.parse().unwrap();
            let metered = Metered { calls: Calls::new(*calls), amount };
            usage.raise(&api.parse().unwrap(), part, metered);
        }
        usage
    }

    fn every_form() -> CumulativeUsage {
        usage(&[
            ("a", "-", 3, "7"),
            ("a", "0", 5, "0"),
            ("a", "59", 6, "0"),
            ("a", "59/00000000000000ff", 1, "0"),
            ("a", "59/f000000000000000", 1, "0"),
            ("a", "60/f000000000000000", 1, "0"),
            ("a", "60/f000000000000001", 2, "0"),
            ("ab", "4294967295", 1, "0.000001"),
            ("ab", "10:05", 1, "0"),
            ("ab", "10:05/x", 1, "0"),
            ("ac", "-", 1, "0"),
        ])
    }

    #[test]
    fn packed_parts_are_unpacked_as_they_were() {
        for usage in [CumulativeUsage::new(), every_form(), usage(&[("a", "-", 1, "0")])] {
            assert_eq!(unpack(&pack(&usage).unwrap()).unwrap(), usage);
        }
    }

    #[test]
    fn bytes_that_are_no_parts_are_refused() {
        let good = pack(&every_form()).unwrap();
        for end in 0..good.len() {
            assert!(unpack(&good[..end]).is_err(), "cut after {end}");
        }
        assert!(unpack(&[good.as_slice(), &[0]].concat()).is_err(), "a byte too many");
    }

    #[test]
    fn minute_takes_three_bytes_and_a_fingerprint_eight() {
        let minutes = |minutes: u32, calls: u64| {
            let mut usage = CumulativeUsage::new();
            for minute in 0..minutes {
                let part = Part::of(Label::Number(minute));
                usage.raise(&"trades.get".parse().unwrap(), part, Metered::calls(calls));
            }
            usage
        };
        assert_eq!(pack(&minutes(60, 9_000)).unwrap().len(), 19 + 60 * 3);
        let mut prints = CumulativeUsage::new();
        for print in 0..1_000 {
            let part = Part::sub(Label::Number(7), Label::Print(print));
            prints.raise(&"trades.get".parse().unwrap(), part, Metered::calls(1));
        }
        assert!(pack(&prints).unwrap().len() < 8_000 + 30);
    }

    #[test]
    fn report_without_parts_takes_four_bytes_more_than_another() {
        let counts = (0..100).map(|n| (format!("api-{n}"), n + 1)).collect::<Vec<_>>();
        let mut usage = CumulativeUsage::new();
        for (api, calls) in &counts {
            usage.raise(&api.parse().unwrap(), Part::WHOLE, Metered::calls(*calls));
        }
        let plain = packed::pack(&usage.usage().unwrap()).unwrap().len();
        assert!(pack(&usage).unwrap().len() <= plain + 4);
    }
}
