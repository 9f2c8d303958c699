//! Those who call the routes for programs, and what they send.

use std::collections::BTreeMap;
use std::time::Duration;

use steelyard_billing::mandate::MandateLimits;
use steelyard_books::Settler;
use steelyard_local_aws::LocalFunction;
use steelyard_portal::{Portal, PortalConfig, Reached, SessionKeys};
use steelyard_tests::fen;

use super::*;

/// The provider that asks, and the one whose account it must never see.
pub(super) const OWN: &str = "shop-assistant";
pub(super) const FOREIGN: &str = "zebra-tools";

/// What answers about the foreign provider would hold: its id, its agreement, its API, its
/// recharge.
pub(super) const SECRETS: [&str; 5] =
    [FOREIGN, "2015zebratools", "vas.zebra.only", "_fen\":7731", "77.31"];

/// The sender of a request, by its credentials.
#[derive(Clone, Debug)]
pub(super) enum By {
    Nobody,
    /// A session, by its cookie.
    Session(String),
    /// A server, by the name of its user in IAM.
    Server(&'static str),
    /// A provider's own program, whose token names the provider.
    Program(&'static str),
}

/// A platform with both providers, who have bills, recharges and agreements, on the morning of 18
/// May.
pub(super) struct World {
    pub(super) platform: Platform,
    /// The portal of a platform whose providers' programs have tokens.
    programs: LocalFunction,
}

/// A request: a method, a path with its query, an `Idempotency-Key` and a document.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) key: Option<&'static str>,
    pub(super) body: Value,
}

impl Sent {
    pub(super) fn get(target: impl Into<String>) -> Sent {
        Sent { method: Method::GET, target: target.into(), key: None, body: Value::Null }
    }

    pub(super) fn new(
        method: Method,
        target: impl Into<String>,
        key: &'static str,
        body: Value,
    ) -> Sent {
        Sent { method, target: target.into(), key: Some(key), body }
    }
}

impl World {
    pub(super) async fn open() -> World {
        let platform = Platform::open().await;
        platform.sign(OWN, 100_000).await;
        platform.sign(FOREIGN, 100_000).await;
        platform.set("2015-05-16 12:00");
        platform.count(FOREIGN, "vas.zebra.only", "2015-05-16", 400_000).await;
        platform.set("2015-05-17 12:00");
        platform.count(OWN, "taobao.item.get", "2015-05-17", 620_000).await;
        platform.settle_at("2015-05-18 00:30").await;
        platform.set("2015-05-18 08:32");
        platform.offer_recharge(OWN, "20.00", "page").await;
        platform.offer_recharge(FOREIGN, "77.31", "page").await;
        platform.offer_recharge(FOREIGN, "77.31", "page").await;
        grant(&platform, "pages", &[Right::Accounts, Right::Sessions], "*").await;
        let programs = programs(&platform);
        World { platform, programs }
    }

    pub(super) async fn session(&self, provider: &str, may: &[&str]) -> By {
        By::Session(session(&self.platform, provider, may).await)
    }

    pub(super) async fn call(&self, sent: &Sent, by: &By) -> Seen {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("127.0.0.1"));
        if let Some(key) = sent.key {
            headers.insert("idempotency-key", HeaderValue::from_static(key));
        }
        if let By::Session(cookie) = by {
            headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        let body = if sent.body.is_null() { String::new() } else { sent.body.to_string() };
        let mut event = http_event(&sent.method, &sent.target, &headers, body.as_bytes());
        let authorizer = &mut event["requestContext"]["authorizer"];
        let function = match by {
            By::Nobody | By::Session(_) => &self.platform.stack.functions.portal,
            By::Server(user) => {
                let arn = format!("arn:aws:iam::000000000000:user/{user}");
                *authorizer = json!({ "iam": { "userArn": arn, "userId": "AIDA" } });
                &self.platform.stack.functions.portal
            }
            By::Program(provider) => {
                let claims = BTreeMap::from([("sub", "program"), ("isv", provider)]);
                *authorizer = json!({ "jwt": { "claims": claims, "scopes": null } });
                &self.programs
            }
        };
        seen(&function.invoke(event).await.unwrap())
    }

    /// The answer to a request that succeeds.
    pub(super) async fn answer(&self, sent: &Sent, by: &By) -> Value {
        let seen = self.call(sent, by).await;
        assert!(
            (200..300).contains(&seen.status),
            "{sent:?} {by:?}: {} {}",
            seen.status,
            seen.body
        );
        serde_json::from_str(&seen.body).unwrap()
    }

    /// All items of both tables.
    pub(super) async fn stored(&self) -> Vec<String> {
        let mut items = self.platform.scan("steelyard-usage").await;
        items.extend(self.platform.all_items().await);
        let mut items = items.iter().map(Value::to_string).collect::<Vec<_>>();
        items.sort();
        items
    }

    /// From now on `server` alone may call, for the providers whose ids begin like that of its own.
    pub(super) async fn grant_server(&self) {
        let stack = &self.platform.stack;
        stack.tables.usage.revoke(&Grantee::Caller("pages".parse().unwrap())).await.unwrap();
        let rights = [Right::Accounts, Right::Recharges, Right::Mandates, Right::Sessions];
        grant(&self.platform, "server", &rights, "shop-*").await;
        stack.clock.set(stack.clock.now() + jiff::SignedDuration::from_mins(1));
    }
}

fn programs(platform: &Platform) -> LocalFunction {
    let usage = platform.stack.tables.usage.clone();
    let settler = Settler { books: platform.books_as("portal"), usage };
    let reached = Reached {
        offers: platform.callee_as("portal", "steelyard-offers"),
        actions: platform.callee_as("portal", "steelyard-actions"),
        dead_letters: Vec::new(),
        events: platform.stack.events.clone(),
    };
    let config = PortalConfig {
        portal_url: None,
        alipay_origin: "https://alipay.example".to_owned(),
        platform_name: "a platform".to_owned(),
        offered: MandateLimits { single_fen: fen(500_000), daily_fen: None },
        provider_claim: Some("isv".to_owned()),
        session_clock: platform.stack.clock.session_clock(),
    };
    let keys = SessionKeys::random().unwrap();
    let portal = Portal::new(settler, platform.stack.clock.clock(), keys, reached, config);
    LocalFunction::new(portal, Duration::from_secs(30))
}
