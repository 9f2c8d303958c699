//! The cookie of a session: signed, so that nobody can alter it, by the first of its keys; any of
//! them opens it, so that a key can be replaced while sessions are open.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use cookie::{Cookie, CookieJar, Key, SameSite};
use serde::Deserialize;
use steelyard_billing::Session;
use thiserror::Error;

/// The prefix binds the cookie to this host, to HTTPS and to every path (RFC 6265bis, 4.1.3.2).
pub(crate) const COOKIE: &str = "__Host-steelyard";

/// The fewest bytes of a key.
const KEY_BYTES: usize = 64;

/// The keys that seal sessions.
#[derive(Clone)]
pub struct SessionKeys(Vec<Key>);

/// What the secret of the portal holds, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    session_keys: Vec<String>,
}

/// Why texts are no session keys. It never quotes them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the secret is not JSON with `session_keys` alone, a list of one key or two, each at least \
     {KEY_BYTES} random bytes in base64"
)]
pub struct SessionKeysError;

impl std::fmt::Debug for SessionKeys {
    /// Says how many there are, and nothing of them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionKeys").field(&self.0.len()).finish()
    }
}

impl SessionKeys {
    /// The keys in a secret.
    ///
    /// # Errors
    ///
    /// [`SessionKeysError`] when it is not in the form that it has.
    pub fn read(secret: &str) -> Result<SessionKeys, SessionKeysError> {
        let Secret { session_keys } =
            steelyard_json::read(secret.as_bytes()).map_err(|_| SessionKeysError)?;
        let key = |text: &String| {
            let bytes = BASE64_STANDARD.decode(text).map_err(|_| SessionKeysError)?;
            Key::try_from(&*bytes).map_err(|_| SessionKeysError)
        };
        let keys = session_keys.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() || keys.len() > 2 {
            Err(SessionKeysError)
        } else {
            Ok(SessionKeys(keys))
        }
    }

    /// Keys of this process alone, for a stack whose sessions end with it.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn random() -> Result<SessionKeys, getrandom::Error> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(SessionKeys(vec![Key::from(&bytes)]))
    }

    /// The cookie that holds a session until it ends.
    pub(crate) fn seal(&self, session: &Session, lasts_s: i64) -> Option<String> {
        let text = serde_json::to_vec(session).ok()?;
        let value = BASE64_URL_SAFE_NO_PAD.encode(text);
        let mut jar = CookieJar::new();
        jar.signed_mut(self.0.first()?).add(bounded(value, lasts_s));
        jar.get(COOKIE).map(Cookie::to_string)
    }

    /// The cookie that takes the session away from the browser.
    pub(crate) fn forget() -> String {
        bounded(String::new(), 0).to_string()
    }

    /// The session in a `Cookie` header; none without one that a key has signed.
    pub(crate) fn open(&self, header: &str) -> Option<Session> {
        let mut jar = CookieJar::new();
        for cookie in Cookie::split_parse(header.to_owned()).flatten() {
            jar.add_original(cookie);
        }
        let signed = self.0.iter().find_map(|key| jar.signed(key).get(COOKIE))?;
        let text = BASE64_URL_SAFE_NO_PAD.decode(signed.value()).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn bounded(value: String, lasts_s: i64) -> Cookie<'static> {
    Cookie::build((COOKIE, value))
        .http_only(true)
        .secure(true)
        .same_site(SameSite::Lax)
        .path("/")
        .max_age(cookie::time::Duration::seconds(lasts_s))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use steelyard_billing::Visitor;

    use super::*;

    fn session() -> Session {
        Session {
            id: "s1".parse().unwrap(),
            visitor: Visitor::Provider("shop".parse().unwrap()),
            may: BTreeSet::new(),
            session_version: 0,
            ends_at_s: "2015-05-19T01:00:00Z".parse().unwrap(),
            locale: None,
            return_url: None,
        }
    }

    fn secret(keys: &[&[u8]]) -> String {
        let keys = keys.iter().map(|key| BASE64_STANDARD.encode(key)).collect::<Vec<_>>();
        serde_json::json!({ "session_keys": keys }).to_string()
    }

    fn pair(cookie: &str) -> &str {
        cookie.split(';').next().unwrap()
    }

    #[test]
    fn a_sealed_session_is_opened_and_an_altered_one_is_not() {
        let keys = SessionKeys::random().unwrap();
        let cookie = keys.seal(&session(), 3_600).unwrap();
        for part in [
            "__Host-steelyard=",
            "; HttpOnly",
            "; SameSite=Lax",
            "; Secure",
            "; Path=/",
            "; Max-Age=3600",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let pair = pair(&cookie);
        assert_eq!(keys.open(&format!("a=b; {pair}")), Some(session()));
        assert_eq!(keys.open("a=b"), None);
        for at in "__Host-steelyard=".len()..pair.len() {
            let mut altered = pair.as_bytes().to_vec();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            // The last digit of base64 may have bits that count for nothing.
            assert!(keys.open(&altered).is_none_or(|opened| opened == session()), "{at}");
        }
        assert_eq!(SessionKeys::random().unwrap().open(pair), None);
    }

    #[test]
    fn a_key_that_was_replaced_still_opens_and_one_that_was_removed_does_not() {
        let (old, new) = ([1; 64], [2; 64]);
        let before = SessionKeys::read(&secret(&[&old])).unwrap();
        let cookie = before.seal(&session(), 60).unwrap();
        let both = SessionKeys::read(&secret(&[&new, &old])).unwrap();
        assert_eq!(both.open(pair(&cookie)), Some(session()));
        let after = SessionKeys::read(&secret(&[&new])).unwrap();
        assert_eq!(after.open(pair(&cookie)), None);
        let sealed_anew = both.seal(&session(), 60).unwrap();
        assert_eq!(after.open(pair(&sealed_anew)), Some(session()));
    }

    #[test]
    fn a_secret_in_another_form_is_refused() {
        for refused in [
            String::new(),
            secret(&[]),
            secret(&[&[1; 63]]),
            secret(&[&[1; 64], &[2; 64], &[3; 64]]),
            "{\"session_keys\": [\"*\"]}".to_owned(),
        ] {
            assert!(SessionKeys::read(&refused).is_err(), "{refused}");
        }
    }
}
