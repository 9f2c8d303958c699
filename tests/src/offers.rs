//! What a provider asks of offers, and what Alipay notifies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use axum::http::{HeaderMap, Method};
use serde_json::{Value, json};
use steelyard_alipay::{Alipay, NotificationReader, SignScene};
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::LocalFunction;
use steelyard_local_stack::http_event;
use steelyard_notify::{NOTIFY_PATH, Notify};
use steelyard_offers::{MANDATES_PATH, Offers, OffersConfig, RECHARGES_PATH};

use crate::{Machine, Platform, fen};

impl Platform {
    /// Asks offers for something by POST; gives the status and the document.
    pub async fn ask(&self, path: &str, document: &Value) -> (u64, Value) {
        let event = posted(path, document.to_string().as_bytes());
        let (status, body) = answer(&self.stack.functions.offers, event).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// Hands offers an event; gives the status and the document.
    pub async fn ask_by(&self, event: Value) -> (u64, Value) {
        let (status, body) = answer(&self.stack.functions.offers, event).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    /// A recharge that is offered to a provider: its document, with `out_trade_no` and, as the way
    /// is `page` or `code`, the address or the text to pay by.
    pub async fn offer_recharge(&self, provider: &str, yuan: &str, way: &str) -> Value {
        let asked = json!({ "provider": provider, "amount": yuan, "way": way });
        let (status, offered) = self.ask(RECHARGES_PATH, &asked).await;
        assert_eq!(status, 201, "{offered}");
        offered
    }

    /// A recharge that is offered to a provider and waits to be paid, its page or its code having
    /// been opened: our number of its trade.
    pub async fn open_recharge(&self, provider: &str, yuan: &str, way: &str) -> String {
        let offered = self.offer_recharge(provider, yuan, way).await;
        if let Some(page) = offered["page"].as_str() {
            self.open_page(page).await;
        }
        offered["out_trade_no"].as_str().unwrap().to_owned()
    }

    /// Opens a page of the gateway as a browser does.
    pub async fn open_page(&self, page: &str) {
        let (host, target) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let request =
            format!("GET /{target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let host = host.to_owned();
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(host).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{page}: {answer}");
    }

    /// A person with funds pays a recharge that waits for it.
    pub fn pay_trade(&self, out_trade_no: &str) {
        self.stack.alipay.set_funds("person", fen(1_000_000)).unwrap();
        self.stack.alipay.pay_trade(out_trade_no, "person", self.stack.clock.now()).unwrap();
    }

    /// A recharge that is offered to a provider as a page, opened and paid now: our number of its
    /// trade. Alipay has still to notify of it.
    pub async fn paid_recharge(&self, provider: &str, yuan: &str) -> String {
        let number = self.open_recharge(provider, yuan, "page").await;
        self.pay_trade(&number);
        number
    }

    /// A mandate that is offered to a provider: its document, with `external_agreement_no` and
    /// links.
    pub async fn offer_mandate(&self, provider: &str) -> Value {
        let (status, offered) = self.ask(MANDATES_PATH, &json!({ "provider": provider })).await;
        assert_eq!(status, 201, "{offered}");
        offered
    }

    /// Sends a form as a notification; gives the status and the text of the answer.
    pub async fn notify(&self, form: &str) -> (u64, String) {
        answer(&self.stack.functions.notify, posted(NOTIFY_PATH, form.as_bytes())).await
    }

    /// Sends a body that API Gateway says is Base64, as a notification.
    pub async fn notify_base64(&self, body: &str) -> (u64, String) {
        let mut event = posted(NOTIFY_PATH, body.as_bytes());
        event["isBase64Encoded"] = json!(true);
        answer(&self.stack.functions.notify, event).await
    }

    /// The parameters of the only notification that Alipay has still to send. It stays to be sent.
    #[must_use]
    pub fn pending_notification(&self) -> BTreeMap<String, String> {
        let [pending] = &self.stack.alipay.notifications().unwrap()[..] else {
            panic!("not one notification is pending")
        };
        pending.parameters.clone()
    }

    /// Everything that is stored of every provider, to the version, and what is due next: what
    /// changed nothing leaves it as it is.
    pub async fn records(&self) -> String {
        let tables = &self.stack.tables;
        let mut text = String::new();
        let unmatched = tables.billing.unmatched().await.unwrap().unmatched;
        for found in self.accounts().await {
            writeln!(text, "{:#?}", tables.books(found, &unmatched).await.unwrap()).unwrap();
        }
        let next = tables.billing.due().next_at().await.unwrap();
        writeln!(text, "next dispatch at {next:?}\nunmatched: {unmatched:#?}").unwrap();
        text
    }

    /// Lets Alipay send what it has to send now.
    pub async fn deliver(&self) {
        self.stack.alipay.deliver_due(self.stack.clock.now()).await.unwrap();
    }
}

/// The event of a request by POST.
fn posted(path: &str, body: &[u8]) -> Value {
    http_event(&Method::POST, path, &HeaderMap::new(), body)
}

/// The status and the body of a function's answer to an event.
async fn answer(function: &LocalFunction, event: Value) -> (u64, String) {
    let answer = function.invoke(event).await.unwrap();
    let body = answer["body"].as_str().unwrap_or_default().to_owned();
    (answer["statusCode"].as_u64().unwrap(), body)
}

/// The event of a request by POST with an `Idempotency-Key`.
#[must_use]
pub fn keyed(path: &str, document: &Value, key: &str) -> Value {
    let mut event = posted(path, document.to_string().as_bytes());
    event["headers"]["idempotency-key"] = json!(key);
    event
}

impl Machine {
    /// The offers function of this machine.
    #[must_use]
    pub fn offers(&self, platform: &Platform) -> LocalFunction {
        let address = platform.stack.address;
        let notify_url = Some(format!("http://{address}{NOTIFY_PATH}"));
        let gateway = LocalAlipay::client_config(&format!("http://{address}/gateway.do"));
        let alipay = Alipay::new(steelyard_alipay::AlipayConfig { notify_url, ..gateway }).unwrap();
        let config = OffersConfig {
            return_url: format!("http://{address}/"),
            sign_scene: SignScene::parse("INDUSTRY|API_FEES").unwrap(),
            single_limit_fen: fen(500_000),
            daily_limit_fen: None,
        };
        let clock = platform.stack.clock.clock();
        let usage = self.tables.usage.clone();
        let offers = Offers::new(self.books(platform), usage, alipay, clock, config);
        LocalFunction::new(offers, Duration::from_secs(30))
    }

    /// The notify function of this machine.
    #[must_use]
    pub fn notify(&self, platform: &Platform) -> LocalFunction {
        let keys = LocalAlipay::client_config("http://127.0.0.1/gateway.do");
        let reader = NotificationReader::new(keys.app_id, &keys.alipay_public_key).unwrap();
        let seller_id = LocalAlipay::SELLER_ID.to_owned();
        let clock = platform.stack.clock.clock();
        let notify = Notify::new(self.books(platform), reader, seller_id, clock);
        LocalFunction::new(notify, Duration::from_secs(30))
    }
}
