//! Usage as few bytes: an item costs a write unit for each kilobyte.
//!
//! APIs are sorted by name, and each stores only what its name does not share with the one before.
//! Small numbers are short. Amounts have a list of their own, since most APIs have none.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use steelyard_pricing::{Amount, ApiName, ApiNameError, Calls, Metered, Usage};
use thiserror::Error;

/// Why bytes are no usage, or usage cannot be packed.
#[derive(Debug, Error)]
pub(crate) enum PackError {
    /// The bytes are not in the form of packed usage.
    #[error("it is not packed usage: {0}")]
    Form(#[from] postcard::Error),
    /// A name, a count or an amount is not one.
    #[error("it packs something that is no usage: {0}")]
    Content(String),
}

#[derive(Default, Serialize, Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    apis: Vec<PackedApi<'a>>,
    /// By the place of the API.
    amounts: Vec<(u32, String)>,
}

#[derive(Serialize, Deserialize)]
struct PackedApi<'a> {
    /// How many characters the name shares with the one before.
    shared: u8,
    /// The rest of the name.
    rest: &'a str,
    calls: u64,
}

/// The names of APIs that were read. The days of a month name the same ones, and each is kept once.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<ApiName>);

impl Names {
    fn of(&mut self, text: &str) -> Result<ApiName, ApiNameError> {
        if let Some(name) = self.0.get(text) {
            return Ok(name.clone());
        }
        let name = ApiName::try_from(text.to_owned())?;
        self.0.insert(name.clone());
        Ok(name)
    }
}

/// The bytes of usage.
///
/// # Errors
///
/// [`PackError`] when a name is longer than the names of APIs are.
pub(crate) fn pack(usage: &Usage) -> Result<Vec<u8>, PackError> {
    Ok(postcard::to_allocvec(&packed(usage)?)?)
}

/// The bytes of some usages, in their order.
///
/// # Errors
///
/// As [`pack`].
pub(crate) fn pack_all<'a>(usages: impl Iterator<Item = &'a Usage>) -> Result<Vec<u8>, PackError> {
    let all = usages.map(packed).collect::<Result<Vec<_>, _>>()?;
    Ok(postcard::to_allocvec(&all)?)
}

fn packed(usage: &Usage) -> Result<Packed<'_>, PackError> {
    let mut packed = Packed::default();
    let mut before = "";
    for (place, (api, metered)) in (0..).zip(usage.iter()) {
        let name = api.as_str();
        let (shared, rest) = split_name(name, before)?;
        packed.apis.push(PackedApi { shared, rest, calls: metered.calls.get() });
        if metered.amount != Amount::ZERO {
            packed.amounts.push((place, metered.amount.to_string()));
        }
        before = name;
    }
    Ok(packed)
}

/// How many characters a name shares with the one before, and the rest of it.
pub(crate) fn split_name<'a>(name: &'a str, before: &str) -> Result<(u8, &'a str), PackError> {
    let shared = name.bytes().zip(before.bytes()).take_while(|(one, other)| one == other);
    let shared = shared.count();
    // A name has 128 characters at most.
    let short = u8::try_from(shared).map_err(|_| PackError::Content(name.to_owned()))?;
    Ok((short, &name[shared..]))
}

/// Turns a name into the next one, which [`split_name`] split.
pub(crate) fn join_name(name: &mut String, shared: u8, rest: &str) -> Result<(), PackError> {
    let shared = usize::from(shared);
    if !name.is_char_boundary(shared) {
        return Err(PackError::Content(format!("a name after `{name}`")));
    }
    name.truncate(shared);
    name.push_str(rest);
    Ok(())
}

/// The error for a text that is not the name of an API.
pub(crate) fn no_name(name: &str) -> PackError {
    PackError::Content(format!("the name `{name}`"))
}

/// The usage that [`pack`] made bytes of.
///
/// # Errors
///
/// [`PackError`] when the bytes are cut, go on after their end, or say something that is no usage.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Usage, PackError> {
    unpacked(read(bytes)?, |text| ApiName::try_from(text.to_owned()))
}

/// The usages that [`pack_all`] made bytes of.
///
/// # Errors
///
/// As [`unpack`].
pub(crate) fn unpack_all(bytes: &[u8], names: &mut Names) -> Result<Vec<Usage>, PackError> {
    let all = read::<Vec<Packed<'_>>>(bytes)?;
    all.into_iter().map(|packed| unpacked(packed, |text| names.of(text))).collect()
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, PackError> {
    let (read, rest) = postcard::take_from_bytes(bytes)?;
    if rest.is_empty() {
        Ok(read)
    } else {
        Err(PackError::Content(format!("{} bytes after its end", rest.len())))
    }
}

fn unpacked(
    packed: Packed<'_>,
    mut api_of: impl FnMut(&str) -> Result<ApiName, ApiNameError>,
) -> Result<Usage, PackError> {
    let mut amounts = packed.amounts.into_iter().peekable();
    let mut metered = Vec::<(ApiName, Metered)>::with_capacity(packed.apis.len());
    let mut name = String::new();
    for (place, PackedApi { shared, rest, calls }) in (0..).zip(packed.apis) {
        join_name(&mut name, shared, rest)?;
        let api = api_of(&name).map_err(|_| no_name(&name))?;
        if metered.last().is_some_and(|(before, _)| *before >= api) {
            return Err(PackError::Content(format!("`{api}` after a name that follows it")));
        }
        let amount = match amounts.next_if(|(of, _)| *of == place) {
            None => Amount::ZERO,
            Some((_, text)) => {
                text.parse().map_err(|_| PackError::Content(format!("the amount `{text}`")))?
            }
        };
        let of_api = Metered { calls: Calls::new(calls), amount };
        let checked = Metered::ZERO.plus(of_api);
        metered.push((api, checked.map_err(|error| PackError::Content(error.to_string()))?));
    }
    match amounts.next() {
        None => Ok(metered.into_iter().collect()),
        Some((place, _)) => Err(PackError::Content(format!("an amount of API {place}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(json: &str) -> Usage {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn packed_usage_is_unpacked_as_it_was() {
        for json in [
            "{}",
            r#"{"a": 1}"#,
            r#"{"a": 1, "ab": 2, "abc": 99999999999, "b": 3}"#,
            r#"{"a": {"calls": 3, "amount": "0.000001"}, "b": 1, "sales": {"calls": 1, "amount": "999999999.999999"}}"#,
        ] {
            let usage = usage(json);
            assert_eq!(unpack(&pack(&usage).unwrap()).unwrap(), usage, "{json}");
        }
    }

    #[test]
    fn bytes_that_are_no_usage_are_refused() {
        let good = pack(&usage(r#"{"abc": {"calls": 3, "amount": "7"}, "abd": 4}"#)).unwrap();
        for end in 0..good.len() {
            assert!(unpack(&good[..end]).is_err(), "cut after {end}");
        }
        assert!(unpack(&[good.as_slice(), &[0]].concat()).is_err(), "a byte too many");
        // Two characters of a name that has none before it, and a name that is none.
        assert!(unpack(&[1, 2, 1, b'a', 1, 0]).is_err());
        assert!(unpack(&[1, 0, 1, b'*', 1, 0]).is_err());
        // A name twice, and one after a name that follows it.
        assert!(unpack(&[2, 0, 1, b'b', 1, 1, 0, 1, 0]).is_err());
        assert!(unpack(&[2, 0, 1, b'b', 1, 0, 1, b'a', 1, 0]).is_err());
        assert!(unpack(&[2, 0, 1, b'a', 1, 0, 1, b'b', 1, 0]).is_ok());
        // An amount of an API that is not there.
        assert!(unpack(&[1, 0, 1, b'a', 1, 1, 7, 1, b'7']).is_err());
    }

    /// Names of 25 letters that have nothing in common.
    #[test]
    fn hundred_apis_with_long_names_fit_in_three_kilobytes_with_their_keys() {
        let letters = b"abcdefghijklmnopqrstuvwxyz";
        let name = |n: usize| -> String {
            (0..25).map(|at| char::from(letters[(n * 7 + at * (n + 3)) % 26])).collect()
        };
        let names: std::collections::BTreeSet<String> = (0..100).map(name).collect();
        let usage: Usage =
            names.iter().map(|name| (name.parse().unwrap(), Metered::calls(12_345))).collect();
        let size = pack(&usage).unwrap().len();
        assert!(size <= 3_072 - 250, "{} APIs take {size} bytes", names.len());
    }
}
