//! Addresses of callers, as servers and proxies write them. Pure.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU8;

use thiserror::Error;

use super::excerpt::Excerpt;

/// Why a list of forwarded addresses names no caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ForwardedError {
    /// The request did not come through as many proxies.
    #[error("`{list}` has fewer than {hops} addresses: not all {hops} trusted proxies wrote one")]
    TooFew {
        /// The addresses of the header, as far as they are shown.
        list: Excerpt,
        /// How many proxies are trusted.
        hops: NonZeroU8,
    },
    /// A proxy writes addresses; this is something else.
    #[error("`{0}` is not an IP address")]
    NotAnAddress(Excerpt),
}

/// The IP address that a text is, with or without a port, an IPv6 address also in brackets.
#[must_use]
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text)
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
}

/// The address in a list, as of `X-Forwarded-For`, that the outermost of the trusted proxies wrote.
/// Each proxy appends the address that called it, so a client can write all that stands before.
///
/// # Errors
///
/// [`ForwardedError`] when there is none.
pub(crate) fn forwarded(list: &str, hops: NonZeroU8) -> Result<IpAddr, ForwardedError> {
    let hop = list.rsplit(',').nth(usize::from(hops.get()) - 1);
    let hop = hop.ok_or_else(|| ForwardedError::TooFew { list: Excerpt::of(list), hops })?;
    address(hop).ok_or_else(|| ForwardedError::NotAnAddress(Excerpt::of(hop.trim())))
}

/// Whether a text is a list of addresses: a comma, and an address at the end.
#[must_use]
pub(crate) fn is_list(text: &str) -> bool {
    text.rsplit_once(',').is_some_and(|(_, last)| address(last).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_port_and_are_written_in_one_way() {
        for (text, found) in [
            ("192.0.2.7", Some("192.0.2.7")),
            ("192.0.2.7:51344", Some("192.0.2.7")),
            (" 192.0.2.7 ", Some("192.0.2.7")),
            ("2001:DB8:0::5", Some("2001:db8::5")),
            ("[2001:db8::5]", Some("2001:db8::5")),
            ("[2001:db8::5]:443", Some("2001:db8::5")),
            ("shop.example", None),
            ("shop.example:80", None),
            ("unknown", None),
            ("192.0.2", None),
            ("192.0.2.7:", None),
            ("", None),
        ] {
            assert_eq!(address(text).map(|found| found.to_string()).as_deref(), found, "{text}");
        }
    }

    #[test]
    fn trusted_hop_is_counted_from_the_right() {
        for (list, hops, found) in [
            ("192.0.2.7", 1, "192.0.2.7"),
            ("198.51.100.1, 192.0.2.7", 1, "192.0.2.7"),
            ("198.51.100.1,192.0.2.7:8080", 2, "198.51.100.1"),
            ("nonsense, 192.0.2.7", 1, "192.0.2.7"),
            ("192.0.2.7, unknown", 1, "`unknown` is not an IP address"),
            ("192.0.2.7,", 1, "`` is not an IP address"),
            (
                "192.0.2.7",
                2,
                "`192.0.2.7` has fewer than 2 addresses: not all 2 trusted proxies wrote one",
            ),
        ] {
            let hops = NonZeroU8::new(hops).unwrap();
            let said = match forwarded(list, hops) {
                Ok(address) => address.to_string(),
                Err(error) => error.to_string(),
            };
            assert_eq!(said, found, "{list}");
        }
        assert!(is_list("x, 192.0.2.7") && !is_list("192.0.2.7") && !is_list("CN=a,O=b"));
    }
}
