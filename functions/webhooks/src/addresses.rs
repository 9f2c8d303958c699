//! Which addresses may be reached. An endpoint's address is chosen outside, so it must not lead
//! into our network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;
use steelyard_billing::webhook::EndpointUrl;
use thiserror::Error;

/// How far deliveries may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The public internet, by https.
    Public,
    /// This machine as well, by http or https: the local stack.
    Local,
}

/// Why nothing may be sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Forbidden {
    /// The text is no address.
    #[error("`{0}` is not an address of an endpoint")]
    NoUrl(String),
    /// The scheme is not https.
    #[error("an endpoint's address must be https")]
    NotHttps,
    /// It holds a user name or a password.
    #[error("an endpoint's address may not hold a user name or a password")]
    Credentials,
    /// It leads to an address that is not public.
    #[error("{address} is not public: {why}")]
    Address {
        /// The address that a name leads to.
        address: IpAddr,
        /// The kind of network that it is in.
        why: &'static str,
    },
}

/// The address of an endpoint, checked except for where its name leads, which is checked at each
/// connection.
///
/// # Errors
///
/// [`Forbidden`] says why it is no address of an endpoint.
pub fn checked_url(text: &str, reach: Reach) -> Result<EndpointUrl, Forbidden> {
    let no_url = || Forbidden::NoUrl(text.to_owned());
    let url = EndpointUrl::try_from(text.to_owned()).map_err(|_| no_url())?;
    parsed(&url, reach)?;
    Ok(url)
}

/// The same as it is sent to.
pub(crate) fn parsed(url: &EndpointUrl, reach: Reach) -> Result<Url, Forbidden> {
    let no_url = || Forbidden::NoUrl(url.to_string());
    let parsed = Url::parse(url.as_str()).map_err(|_| no_url())?;
    match (parsed.scheme(), reach) {
        ("https", _) | ("http", Reach::Local) => {}
        _ => return Err(Forbidden::NotHttps),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(Forbidden::Credentials);
    }
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(no_url)?;
    // No resolver is asked about an address that is written as such.
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        reach.check(address)?;
    }
    Ok(parsed)
}

impl Reach {
    /// Checks that an address may be connected to.
    ///
    /// # Errors
    ///
    /// [`Forbidden::Address`] if it is in a network that is not public.
    pub(crate) fn check(self, address: IpAddr) -> Result<(), Forbidden> {
        match why_not_public(address) {
            Some(LOOPBACK) if self == Reach::Local => Ok(()),
            Some(why) => Err(Forbidden::Address { address, why }),
            None => Ok(()),
        }
    }
}

const LOOPBACK: &str = "loopback";

fn why_not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => why_not_public_v4(address),
        IpAddr::V6(address) => why_not_public_v6(address),
    }
}

/// The networks of IPv4 that are not public, with the lengths of their prefixes.
///
/// Source: IANA's registry of IPv4 special-purpose addresses.
const V4: [(Ipv4Addr, u32, &str); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8, "unspecified"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "shared by a carrier"),
    (Ipv4Addr::new(127, 0, 0, 0), 8, LOOPBACK),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved for protocols"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "for documentation"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "a relay of 6to4"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "for benchmarks"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "for documentation"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "for documentation"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
    (Ipv4Addr::new(255, 255, 255, 255), 32, "broadcast"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

fn why_not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let is_in = |network: Ipv4Addr, bits: u32| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        address.to_bits() & mask == network.to_bits()
    };
    V4.into_iter().find(|(network, bits, _)| is_in(*network, *bits)).map(|(_, _, why)| why)
}

/// Public addresses of IPv6 are in 2000::/3, except some networks there. An address that stands
/// for one of IPv4 is as public as that.
///
/// Source: IANA's registry of IPv6 special-purpose addresses; RFC 6052 for NAT64, RFC 3056 for
/// 6to4.
fn why_not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let v4 = |high: u16, low: u16| {
        why_not_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(LOOPBACK),
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0x2001, second, ..] if second < 0x200 => Some("reserved for protocols"),
        [0x2001, 0xdb8, ..] => Some("for documentation"),
        [0x3fff, second, ..] if second < 0x1000 => Some("for documentation"),
        [0x2000..=0x3fff, ..] => None,
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_may_be_reached() {
        for (address, why) in [
            ("0.0.0.0", "unspecified"),
            ("10.1.2.3", "private"),
            ("100.64.0.1", "shared by a carrier"),
            ("100.127.255.255", "shared by a carrier"),
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.31.255.255", "private"),
            ("192.0.2.1", "for documentation"),
            ("192.168.0.1", "private"),
            ("198.19.0.1", "for benchmarks"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("::ffff:169.254.169.254", "link-local"),
            ("::10.0.0.1", "reserved"),
            ("64:ff9b::169.254.169.254", "link-local"),
            ("64:ff9b:1::1", "reserved"),
            ("2001::1", "reserved for protocols"),
            ("2001:db8::1", "for documentation"),
            ("2002:a9fe:a9fe::1", "link-local"),
            ("2002:7f00:1::1", "loopback"),
            ("3fff::1", "for documentation"),
            ("fd00:ec2::254", "private"),
            ("fe80::1", "link-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(why_not_public(address.parse().unwrap()), Some(why), "{address}");
        }
        for address in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2400:3200::1",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "::ffff:1.1.1.1",
            "2002:101:101::1",
        ] {
            assert_eq!(why_not_public(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn addresses_of_endpoints_are_https_and_public() {
        for (url, public, local) in [
            ("https://shop.example/hook", true, true),
            ("https://1.1.1.1:8443/", true, true),
            ("http://shop.example/hook", false, true),
            ("http://127.0.0.1:8700/catcher", false, true),
            ("https://[::1]/", false, true),
            ("https://169.254.169.254/latest", false, false),
            // Other spellings of an address.
            ("https://0xa9fea9fe/", false, false),
            ("https://2852039166/", false, false),
            ("https://[::ffff:a9fe:a9fe]/", false, false),
            ("https://user@shop.example/", false, false),
            ("ftp://shop.example/", false, false),
            ("https://", false, false),
        ] {
            assert_eq!(checked_url(url, Reach::Public).is_ok(), public, "{url}");
            assert_eq!(checked_url(url, Reach::Local).is_ok(), local, "{url}");
        }
    }
}
