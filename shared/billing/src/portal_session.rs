//! Portal sessions: who looks at the pages, and what the pages let them do.

use std::collections::BTreeSet;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Person, ProviderId, SessionId};

/// For how long a link can be opened.
pub const LINK_VALID_FOR: SignedDuration = SignedDuration::from_mins(1);

/// The longest session.
pub const SESSION_MAX: SignedDuration = SignedDuration::from_hours(12);

/// The length of a session for which none is asked.
pub const SESSION_DEFAULT: SignedDuration = SignedDuration::from_hours(1);

/// The most bytes of the address to which a session returns.
const RETURN_URL_MAX: usize = 1_024;

/// A visitor of the pages: the provider, or an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visitor {
    /// A provider, who sees its own account.
    Provider(ProviderId),
    /// A person who works for the platform, and sees every account.
    Operator(Person),
}

/// What a session lets its visitor do. Every session reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionRight {
    /// Read the pages, which every session may.
    Read,
    /// Recharge the account.
    Pay,
    /// Sign, limit and end the withholding agreement.
    Mandate,
    /// Set alerts and budgets.
    Alerts,
    /// Act as an operator. It does nothing in a session of a provider.
    Operate,
}

impl SessionRight {
    /// All of them.
    pub const ALL: [SessionRight; 5] = [
        SessionRight::Read,
        SessionRight::Pay,
        SessionRight::Mandate,
        SessionRight::Alerts,
        SessionRight::Operate,
    ];

    /// The word for it in requests and commands.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SessionRight::Read => "read",
            SessionRight::Pay => "pay",
            SessionRight::Mandate => "mandate",
            SessionRight::Alerts => "alerts",
            SessionRight::Operate => "operate",
        }
    }
}

/// A text names no right of a session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is none of read, pay, mandate, alerts and operate")]
pub struct SessionRightError(String);

impl FromStr for SessionRight {
    type Err = SessionRightError;

    fn from_str(text: &str) -> Result<SessionRight, SessionRightError> {
        let mut rights = SessionRight::ALL.into_iter();
        rights.find(|right| right.name() == text).ok_or_else(|| SessionRightError(text.to_owned()))
    }
}

/// A link that opens a session: it is stored under a digest of its token, and works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionLink {
    /// The visitor whose session it opens.
    pub visitor: Visitor,
    /// The provider whose pages an operator sees first; none for the list of all providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks_at: Option<ProviderId>,
    /// What the session may do.
    pub may: BTreeSet<SessionRight>,
    /// How long the session lasts once the link is opened, in seconds.
    pub lasts_s: u32,
    /// The short name of the language of the pages, if the visitor's browser is not to choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The platform's page to which the visitor returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// When the link was made, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub made_at_s: Timestamp,
    /// Whose sessions were not revoked since: see [`Session::session_version`].
    pub session_version: u32,
}

/// An open session, as its cookie holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What names the session in the audit trail and on consents: a digest of its link.
    pub id: SessionId,
    /// The visitor, who cannot change within the session.
    pub visitor: Visitor,
    /// The rights that the session grants beside reading.
    pub may: BTreeSet<SessionRight>,
    /// The version of the visitor's sessions when it was opened. Revoking raises the stored
    /// version.
    pub session_version: u32,
    /// When it ends, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub ends_at_s: Timestamp,
    /// The short name of the language that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The platform's page to which the visitor returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
}

/// Why no link is made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// A session of that length is not possible.
    #[error("a session lasts from 60 seconds to 43200, not {0}")]
    Length(u32),
    /// The visitor cannot return there.
    #[error("`return_url` is not an https address of at most {RETURN_URL_MAX} bytes")]
    ReturnUrl,
}

impl SessionLink {
    /// Checks what was asked for.
    ///
    /// # Errors
    ///
    /// [`SessionError`] naming what is not possible.
    pub fn checked(self) -> Result<SessionLink, SessionError> {
        let longest = u32::try_from(SESSION_MAX.as_secs()).unwrap_or(u32::MAX);
        if !(60..=longest).contains(&self.lasts_s) {
            return Err(SessionError::Length(self.lasts_s));
        }
        let is_address = |url: &String| {
            let is_printable = url.chars().all(|c| c.is_ascii_graphic());
            url.len() <= RETURN_URL_MAX && url.starts_with("https://") && is_printable
        };
        if self.return_url.as_ref().is_some_and(|url| !is_address(url)) {
            return Err(SessionError::ReturnUrl);
        }
        let mut may = self.may;
        may.insert(SessionRight::Read);
        Ok(SessionLink { may, ..self })
    }

    /// Until when the link can be opened.
    #[must_use]
    pub fn valid_until(&self) -> Timestamp {
        self.made_at_s + LINK_VALID_FOR
    }

    /// The session that begins when the link is opened; none if its time is over, or has not come.
    #[must_use]
    pub fn open(self, id: SessionId, now: Timestamp) -> Option<Session> {
        if now < self.made_at_s || now >= self.valid_until() {
            return None;
        }
        Some(Session {
            id,
            visitor: self.visitor,
            may: self.may,
            session_version: self.session_version,
            ends_at_s: now + SignedDuration::from_secs(self.lasts_s.into()),
            locale: self.locale,
            return_url: self.return_url,
        })
    }
}

impl Session {
    /// Whether the session is open at a time. Whether it was revoked, the stored version says.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.ends_at_s
    }

    /// Whether it lets its visitor do something.
    #[must_use]
    pub fn lets(&self, right: SessionRight) -> bool {
        self.may.contains(&right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> SessionLink {
        SessionLink {
            visitor: Visitor::Provider("shop".parse().unwrap()),
            looks_at: None,
            may: BTreeSet::new(),
            lasts_s: 3_600,
            locale: None,
            return_url: Some("https://platform.example/account".to_owned()),
            made_at_s: "2015-05-19T00:00:00Z".parse().unwrap(),
            session_version: 3,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_link_opens_within_a_minute_and_the_session_ends_in_time() {
        let link = link().checked().unwrap();
        for (now, opens) in [
            ("2015-05-18T23:59:59Z", false),
            ("2015-05-19T00:00:00Z", true),
            ("2015-05-19T00:00:59Z", true),
            ("2015-05-19T00:01:00Z", false),
        ] {
            assert_eq!(link.clone().open("s".parse().unwrap(), at(now)).is_some(), opens, "{now}");
        }
        let session = link.open("s".parse().unwrap(), at("2015-05-19T00:00:30Z")).unwrap();
        assert!(session.is_open(at("2015-05-19T01:00:29Z")));
        assert!(!session.is_open(at("2015-05-19T01:00:30Z")));
        assert!(session.lets(SessionRight::Read) && !session.lets(SessionRight::Pay));
        assert_eq!(session.session_version, 3);
    }

    #[test]
    fn what_is_not_possible_is_refused_by_name() {
        for lasts_s in [0, 59, 43_201, u32::MAX] {
            let refused = SessionLink { lasts_s, ..link() }.checked();
            assert_eq!(refused, Err(SessionError::Length(lasts_s)));
        }
        assert!(SessionLink { lasts_s: 43_200, ..link() }.checked().is_ok());
        for url in ["http://a.example", "javascript:alert(1)", "//a", "https://a b", ""] {
            let refused = SessionLink { return_url: Some(url.to_owned()), ..link() }.checked();
            assert_eq!(refused, Err(SessionError::ReturnUrl), "{url}");
        }
    }
}
