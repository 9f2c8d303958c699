//! A local Alipay that listens, a payer with an agreement, and what the tests send to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use steelyard_alipay::{Alipay, PayRequest, SigningKey, Withholding, text_to_sign};
use steelyard_billing::{Doubt, OutTradeNo, PayAnswer, QueryAnswer};
use steelyard_pricing::Fen;
use steelyard_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::{LocalAlipay, keys};

pub(super) const AGREEMENT: &str = "20265302123456789012";
pub(super) const PAYER: &str = "2088102534368455";
pub(super) const FUNDS: Fen = Fen::new(10_000);
pub(super) const AMOUNT: Fen = Fen::new(1234);

/// A local Alipay that listens, with one payer and one agreement, and our client of it.
pub(super) struct Stage {
    pub(super) local: LocalAlipay,
    pub(super) address: SocketAddr,
    pub(super) client: Alipay,
}

impl Stage {
    pub(super) async fn new() -> Stage {
        Stage::on(LocalAlipay::in_memory(clock()).unwrap()).await
    }

    pub(super) async fn on(local: LocalAlipay) -> Stage {
        Stage::telling(local, None).await
    }

    /// A stage whose client asks to be notified at an address.
    pub(super) async fn notifying(address: &str) -> Stage {
        Stage::telling(LocalAlipay::in_memory(clock()).unwrap(), Some(address.to_owned())).await
    }

    async fn telling(local: LocalAlipay, notify_url: Option<String>) -> Stage {
        local.register_agreement(AGREEMENT, PAYER, FUNDS).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = local.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut config = LocalAlipay::client_config(&format!("http://{address}/gateway.do"));
        config.timeout = Duration::from_millis(700);
        config.notify_url = notify_url;
        Stage { local, address, client: Alipay::new(config).unwrap() }
    }

    pub(super) async fn pay(&self, request: &PayRequest) -> PayAnswer {
        self.client.pay(request, now()).await
    }

    pub(super) async fn query(&self, out_trade_no: &str) -> QueryAnswer {
        self.client.query(&OutTradeNo::parse(out_trade_no).unwrap(), now()).await
    }

    /// What was taken under the one agreement.
    pub(super) fn taken(&self) -> Fen {
        self.local.taken().unwrap().get(AGREEMENT).copied().unwrap_or(Fen::ZERO)
    }

    /// Sends a request as it is and reads to the end of the connection.
    pub(super) async fn send(&self, request_line: &str, body: &str) -> String {
        self.send_as("application/json", request_line, body).await
    }

    /// Opens an address of this server, as a browser does.
    pub(super) async fn open(&self, address: &str) -> String {
        let path = address.strip_prefix(&self.origin()).unwrap_or(address);
        self.send(&format!("GET {path}"), "").await
    }

    /// Posts a form of a page.
    pub(super) async fn post(&self, path: &str, form: &str) -> String {
        self.send_as("application/x-www-form-urlencoded", &format!("POST {path}"), form).await
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn send_as(&self, content_type: &str, request_line: &str, body: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{request_line} HTTP/1.1\r\nhost: local\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Calls a method with parameters that are changed after the usual ones are set, and signed
    /// after that.
    pub(super) async fn call(
        &self,
        method: &str,
        biz_content: &str,
        change: fn(&mut BTreeMap<String, String>),
    ) -> String {
        let form = signed_form(method, biz_content, change);
        self.send("POST /gateway.do?charset=utf-8", &form).await
    }
}

pub(super) fn signed_form(
    method: &str,
    biz_content: &str,
    change: fn(&mut BTreeMap<String, String>),
) -> String {
    let mut parameters: BTreeMap<String, String> = [
        ("app_id", keys::APP_ID),
        ("biz_content", biz_content),
        ("method", method),
        ("sign_type", "RSA2"),
        ("timestamp", "2026-03-02 10:00:00"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    change(&mut parameters);
    let sign =
        SigningKey::parse(keys::APP_PRIVATE).unwrap().sign(text_to_sign(&parameters)).unwrap();
    parameters.entry("sign".to_owned()).or_insert(sign);
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// A clock that stands still.
pub(super) fn clock() -> Clock {
    Clock::fixed(now())
}

pub(super) fn now() -> Timestamp {
    "2026-03-02T02:00:00Z".parse().unwrap()
}

pub(super) fn withholding(out_trade_no: &str) -> Withholding {
    Withholding {
        out_trade_no: OutTradeNo::parse(out_trade_no).unwrap(),
        amount_fen: AMOUNT,
        agreement_no: AGREEMENT.to_owned(),
        subject: "API技术服务费 2026-03-01".to_owned(),
    }
}

pub(super) fn request(withholding: Withholding) -> PayRequest {
    let content = withholding.biz_content().unwrap();
    PayRequest::new(withholding.out_trade_no, withholding.amount_fen, content).unwrap()
}

/// An answer in short: its kind, with the amount, the sub-code, or what the doubt is about.
pub(super) fn pay_in_short(answer: PayAnswer) -> String {
    match answer {
        PayAnswer::Paid(payment) => format!("paid {}", payment.amount_fen),
        PayAnswer::Declined(decline) => format!("declined {}", decline.sub_code),
        PayAnswer::MandateDead(code) => format!("mandate dead: {}", code.0),
        PayAnswer::PayerBlocked(code) => format!("payer blocked: {}", code.0),
        PayAnswer::OwnAccount(code) => format!("own account: {}", code.0),
        PayAnswer::OwnFault(code) => format!("own fault: {}", code.0),
        PayAnswer::Throttled(code) => format!("throttled: {}", code.0),
        PayAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}

pub(super) fn query_in_short(answer: QueryAnswer) -> String {
    match answer {
        QueryAnswer::Paid(payment) => format!("paid {}", payment.amount_fen),
        QueryAnswer::Pending => "pending".to_owned(),
        QueryAnswer::Closed => "closed".to_owned(),
        QueryAnswer::NotFound => "not found".to_owned(),
        QueryAnswer::InDoubt(Doubt(text)) => format!("in doubt: {text}"),
    }
}
