//! The way of one machine to Alipay, and what Alipay answers when it fails.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use steelyard_alipay::{Body, Sending, SigningKey, Transport, TransportError, text_to_sign};
use steelyard_local_alipay::{Fault, InProcess, LocalAlipay, Method};
use steelyard_local_stack::LocalClock;

use crate::canary::Canary;
use crate::chaos::Chaos;
use crate::life::Life;
use crate::mishap::Mishap;

/// What can happen to a call of any method.
const MISHAPS: [Mishap; 16] = [
    Mishap::CrashBefore,
    Mishap::CrashAfter,
    Mishap::Stalled,
    Mishap::AlipayRequestLost,
    Mishap::AlipayAnswerLost,
    Mishap::AlipayRequestLate,
    Mishap::AlipaySilent,
    Mishap::AlipayFailedBefore,
    Mishap::AlipayFailedAfter,
    Mishap::AlipayBadGateway,
    Mishap::AlipayUnsigned,
    Mishap::AlipayWrongKey,
    Mishap::AlipayGarbage,
    Mishap::AlipayGbk,
    Mishap::AlipayMislabelled,
    Mishap::AlipayUnknownCode,
];

/// What can happen to a payment besides.
const OF_PAYMENTS: [Mishap; 4] = [
    Mishap::AlipayInProcess,
    Mishap::AlipayLateSuccess,
    Mishap::AlipayShortOfFunds,
    Mishap::AlipayLimited,
];

/// What can happen to a bill besides.
const OF_BILLS: [Mishap; 4] =
    [Mishap::BillRowMissing, Mishap::BillForeignRow, Mishap::BillUnreadableRow, Mishap::BillBroken];

/// The longest time after which a request that timed out still arrives: a quarter of an hour.
const LATE_MAX_S: i64 = 900;

/// The way of a machine to Alipay.
#[derive(Clone)]
pub(crate) struct WayToAlipay {
    pub(crate) alipay: LocalAlipay,
    pub(crate) gateway: InProcess,
    pub(crate) chaos: Chaos,
    pub(crate) clock: LocalClock,
}

impl std::fmt::Debug for WayToAlipay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WayToAlipay").finish_non_exhaustive()
    }
}

impl Transport for WayToAlipay {
    fn send(&self, request: Request<Bytes>, timeout: Duration) -> Sending<'_> {
        Box::pin(self.clone().carry(request, timeout))
    }
}

impl WayToAlipay {
    async fn carry(
        self,
        request: Request<Bytes>,
        timeout: Duration,
    ) -> Result<Response<Body>, TransportError> {
        let life = Life::current();
        let who = life.as_ref().map_or("-", |life| &life.name).to_owned();
        let asked = Asked::of(&request);
        let is_payment = asked.method == Some(Method::Pay);
        let request =
            if is_payment && self.renumbers(&asked) { renumbered(&request) } else { request };
        let mishap = self.mishap_of(asked.method);
        if is_payment && mishap.is_some() {
            self.chaos.note_unanswered(&asked.number);
        }
        match mishap {
            None => self.chaos.note(format_args!("  {who} {asked}")),
            Some(mishap) => self.chaos.note(format_args!("  {who} {asked}: {mishap:?}")),
        }
        if let (Some(method), Some(fault)) = (asked.method, self.fault_of(&asked, mishap)) {
            self.alipay.fail_next(method, fault, 1);
        }
        match (mishap, life) {
            (Some(Mishap::AlipayRequestLost), _) => Err(timed_out()),
            (Some(Mishap::AlipayRequestLate), _) => {
                self.arrives_late(request, timeout);
                Err(timed_out())
            }
            (Some(Mishap::CrashBefore), Some(life)) => ended(&life).await,
            (Some(Mishap::CrashAfter), Some(life)) => {
                let _unseen = self.gateway.send(request, timeout).await;
                ended(&life).await
            }
            (Some(Mishap::Stalled), Some(life)) => {
                life.stand_still();
                tokio::task::yield_now().await;
                self.gateway.send(request, timeout).await
            }
            (None | Some(_), _) => self.gateway.send(request, timeout).await,
        }
    }

    /// Whether a build that forgets unanswered payments sends this one under a new number.
    fn renumbers(&self, asked: &Asked) -> bool {
        self.chaos.has(Canary::NewNumber) && self.chaos.is_unanswered(&asked.number)
    }

    fn mishap_of(&self, method: Option<Method>) -> Option<Mishap> {
        let special: &[Mishap] = match method {
            Some(Method::Pay) => &OF_PAYMENTS,
            Some(Method::Bill) => &OF_BILLS,
            Some(_) | None => &[],
        };
        // What few calls can meet comes first.
        self.chaos.strikes(special).or_else(|| self.chaos.strikes(&MISHAPS))
    }

    /// What the gateway is to do wrong.
    fn fault_of(&self, asked: &Asked, mishap: Option<Mishap>) -> Option<Fault> {
        let refused = |code: &str, sub_code: &str| Fault::Refused {
            code: code.to_owned(),
            sub_code: sub_code.to_owned(),
        };
        let is_forgotten = self.chaos.has(Canary::NewNumber)
            && asked.method == Some(Method::Query)
            && self.chaos.is_unanswered(&asked.number);
        if is_forgotten {
            return Some(refused("40004", "ACQ.TRADE_NOT_EXIST"));
        }
        Some(match mishap? {
            Mishap::AlipayAnswerLost => Fault::NoAnswerAfterEffect,
            Mishap::AlipaySilent => Fault::HangAfterEffect,
            Mishap::AlipayFailedBefore => Fault::SystemErrorBeforeEffect,
            Mishap::AlipayFailedAfter => Fault::SystemErrorAfterEffect,
            Mishap::AlipayBadGateway => Fault::BadGatewayBeforeEffect,
            Mishap::AlipayUnsigned => Fault::UnsignedAnswer,
            Mishap::AlipayWrongKey => Fault::WrongKey,
            Mishap::AlipayGarbage => Fault::Garbage,
            Mishap::AlipayGbk => Fault::GbkAnswer,
            Mishap::AlipayMislabelled => Fault::MislabelledAnswer,
            Mishap::AlipayUnknownCode => refused("40004", "ACQ.NOBODY_KNOWS_THIS"),
            Mishap::AlipayLimited => refused("40005", "isv.app-call-limited"),
            Mishap::AlipayInProcess => Fault::InProcess,
            Mishap::AlipayLateSuccess => Fault::LateSuccess,
            Mishap::AlipayShortOfFunds => Fault::InsufficientFunds,
            Mishap::BillRowMissing => Fault::BillRowMissing,
            Mishap::BillForeignRow => Fault::BillExtraRow,
            Mishap::BillUnreadableRow => Fault::BillUnreadableRow,
            Mishap::BillBroken => Fault::BillBroken,
            _ => return None,
        })
    }

    fn arrives_late(&self, request: Request<Bytes>, timeout: Duration) {
        let (gateway, chaos) = (self.gateway.clone(), self.chaos.clone());
        let arrival = async move {
            chaos.note(format_args!("  {} arrives late", Asked::of(&request)));
            let _unseen = gateway.send(request, timeout).await;
        };
        let after = self.chaos.draw_seconds(0..LATE_MAX_S + 1);
        self.chaos.arrives(self.clock.now(), after, arrival);
    }
}

/// What a request asks of Alipay.
struct Asked {
    method: Option<Method>,
    name: String,
    /// The number that it is about.
    number: String,
}

impl Asked {
    fn of(request: &Request<Bytes>) -> Asked {
        let form = form_urlencoded::parse(request.body());
        let mut asked = Asked { method: None, name: "file".to_owned(), number: String::new() };
        for (key, value) in form {
            match key.as_ref() {
                "method" => {
                    asked.method = method(&value);
                    asked.name = value.into_owned();
                }
                "biz_content" => {
                    let content: serde_json::Value =
                        serde_json::from_str(&value).expect("the client sends JSON");
                    let number = |name: &str| content[name].as_str().map(str::to_owned);
                    asked.number = ["out_request_no", "out_trade_no", "agreement_no", "bill_date"]
                        .into_iter()
                        .find_map(number)
                        .unwrap_or_default();
                }
                _ => {}
            }
        }
        asked
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.number)
    }
}

/// A payment under another number, signed anew.
fn renumbered(request: &Request<Bytes>) -> Request<Bytes> {
    let mut parameters: BTreeMap<String, String> =
        form_urlencoded::parse(request.body()).into_owned().collect();
    parameters.remove("sign");
    if let Some(content) = parameters.get_mut("biz_content") {
        let mut read: serde_json::Value =
            serde_json::from_str(content).expect("the client sends JSON");
        let number = read["out_trade_no"].as_str().expect("a payment has a number");
        read["out_trade_no"] = format!("{number}0").into();
        *content = read.to_string();
    }
    let key = LocalAlipay::client_config("http://127.0.0.1/").app_private_key;
    let key = SigningKey::parse(&key).expect("the key of the local app signs");
    let sign = key.sign(text_to_sign(&parameters)).expect("a key signs");
    parameters.insert("sign".to_owned(), sign);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
    request.clone().map(|_| Bytes::from(body))
}

fn method(name: &str) -> Option<Method> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

fn timed_out() -> TransportError {
    TransportError::new(io::Error::from(io::ErrorKind::TimedOut))
}

async fn ended<T>(life: &Life) -> T {
    life.end();
    std::future::pending().await
}
