//! The ids of providers, sources and reports, and the numbers of a provider's records.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// The text is empty or too long.
    #[error("an id of this kind has 1 to {most} characters, not {length}")]
    Length {
        /// How many characters it has.
        length: usize,
        /// How many it may have.
        most: usize,
    },
    /// The text holds a character that an id may not have.
    #[error("an id may not hold {0:?}")]
    Character(char),
}

/// Letters, digits and `._:@-`: what is safe in keys, URLs, logs and shells.
pub(crate) fn check(text: &str, most: usize) -> Result<(), IdError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:@-".contains(c);
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(IdError::Character(c));
    }
    if text.is_empty() || text.len() > most {
        return Err(IdError::Length { length: text.len(), most });
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $most:literal) => {
        $(#[$doc])*
        ///
        #[doc = concat!("1 to ", $most, " of letters, digits and `._:@-`.")]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters that it has.
            pub const MOST: usize = $most;

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$name, IdError> {
                check(text, Self::MOST)?;
                Ok($name(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<$name, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

id! {
    /// A third-party service provider: the customer that is billed.
    ProviderId, 64
}
id! {
    /// A machine that reports usage.
    SourceId, 64
}
id! {
    /// What an operator calls a caller of the APIs.
    CallerName, 64
}
id! {
    /// A usage report, named by its source.
    ReportId, 128
}
id! {
    /// An adjustment of what was charged, named by the operator who made it, or by its content.
    AdjustmentId, 64
}
id! {
    /// A set of corrections, named by the person who applies it.
    CorrectionId, 64
}
id! {
    /// An action that was asked for on a page, named by its content.
    ActionId, 64
}
id! {
    /// What a portal session is called in records. It opens nothing: it is not the session's
    /// secret.
    SessionId, 64
}
id! {
    /// How a source counts in its cumulative reports: counts of two bases are not compared.
    Basis, 64
}
id! {
    /// A webhook endpoint among its subject's.
    EndpointName, 64
}
id! {
    /// A version of the terms of withholding: `2026-12`.
    TermsVersion, 16
}

impl AdjustmentId {
    /// The name of an adjustment that its content names: `A` and the first 16 digits of the
    /// content's digest.
    pub(crate) fn of_digest(digest: &[u8]) -> AdjustmentId {
        AdjustmentId(format!("A{}", hex(digest, 8)))
    }
}

impl ActionId {
    /// The name of an action: the first 16 digits of a digest.
    pub(crate) fn of_digest(digest: &[u8]) -> ActionId {
        ActionId(hex(digest, 8))
    }
}

impl ReportId {
    /// A name of a report that its content names: a beginning, and the first 32 digits of the
    /// content's digest.
    pub(crate) fn of_digest(begin: &str, digest: &[u8]) -> ReportId {
        ReportId(format!("{begin}{}", hex(digest, 16)))
    }
}

/// The first bytes of a digest, in hexadecimal digits of lower case.
#[must_use]
pub fn hex(digest: &[u8], bytes: usize) -> String {
    digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

macro_rules! record_number {
    ($(#[$doc:meta])* $name:ident, $number:ty) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

record_number! {
    /// A debit's number among its provider's, from 1.
    DebitId, u64
}

record_number! {
    /// A recharge's number among its provider's, from 1.
    RechargeId, u32
}

record_number! {
    /// A mandate's number among its provider's, from 1.
    MandateId, u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_ids_are_refused_by_what_is_wrong_with_them() {
        for (id, why) in [
            ("", IdError::Length { length: 0, most: 64 }),
            ("a#b", IdError::Character('#')),
            ("a/../b", IdError::Character('/')),
            ("a b", IdError::Character(' ')),
            ("商家", IdError::Character('商')),
            ("a\0", IdError::Character('\0')),
        ] {
            assert_eq!(id.parse::<ProviderId>(), Err(why), "{id:?}");
        }
        let long = "x".repeat(65);
        assert_eq!(long.parse::<ProviderId>(), Err(IdError::Length { length: 65, most: 64 }));
        assert!("83.149.9.216".parse::<ProviderId>().is_ok());
    }
}
