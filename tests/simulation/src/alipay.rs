//! The way of one machine to Alipay, and what Alipay answers when it fails.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use jiff::SignedDuration;
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
const OF_PAYMENTS: [Mishap; 12] = [
    // It has two chances: no other one leads to more.
    Mishap::AlipayRequestLate,
    Mishap::AlipayRequestLate,
    Mishap::AlipayInProcess,
    Mishap::AlipayLateSuccess,
    Mishap::AlipayShortOfFunds,
    Mishap::AlipayOverCap,
    Mishap::AlipayOutsideWindow,
    Mishap::AlipayMandateDead,
    Mishap::AlipayPayerBlocked,
    Mishap::AlipayOwnAccount,
    Mishap::AlipayLimited,
    Mishap::AlipayOtherAmount,
];

/// What can happen to a bill besides.
const OF_BILLS: [Mishap; 5] = [
    Mishap::BillMissing,
    Mishap::BillRowMissing,
    Mishap::BillForeignRow,
    Mishap::BillUnreadableRow,
    Mishap::BillBroken,
];

/// After these, the answer to a call is clear.
const CLEAR: [Mishap; 9] = [
    Mishap::Stalled,
    Mishap::AlipayGbk,
    Mishap::AlipayShortOfFunds,
    Mishap::AlipayOverCap,
    Mishap::AlipayOutsideWindow,
    Mishap::AlipayMandateDead,
    Mishap::AlipayPayerBlocked,
    Mishap::AlipayOwnAccount,
    Mishap::AlipayLimited,
];

/// The longest time after which a request that timed out still arrives: a quarter of an hour.
const LATE_MAX_S: i64 = 900;

/// The sub-code of a payment for which the payer has too little money.
const SHORT_OF_FUNDS: &str = "ACQ.BUYER_BALANCE_NOT_ENOUGH";

/// The time after a payment was sent in which its debit must know that it may be on its way. The
/// process may have stood still for a minute between what it stored and what it sent.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_secs(LATE_MAX_S - 100);

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
        let is_renumbered = is_payment && self.renumbers(&asked);
        let request = if is_renumbered { renumbered(&request) } else { request };
        let cut = life.as_ref().and_then(|life| self.chaos.cut(life.function));
        let mishap = cut.or_else(|| self.mishap_of(asked.method));
        if is_payment && !is_renumbered {
            self.check_payment(&asked);
            self.chaos.note_unanswered(&asked.number);
        }
        match mishap {
            None => self.chaos.note(format_args!("  {who} {asked}")),
            Some(mishap) => self.chaos.note(format_args!("  {who} {asked}: {mishap:?}")),
        }
        if matches!(mishap, Some(Mishap::BillRowMissing | Mishap::BillUnreadableRow)) {
            self.chaos.note_row_lost(&asked.number);
        }
        if let (Some(method), Some(fault)) = (asked.method, self.fault_of(&asked, mishap)) {
            self.alipay.fail_next(method, fault, 1);
        }
        let answer = self.sent(request.clone(), timeout, mishap, life).await;
        // A query is answered, whatever amount the answer has.
        let is_query = asked.method == Some(Method::Query);
        let is_clear =
            |mishap| CLEAR.contains(&mishap) || (is_query && mishap == Mishap::AlipayOtherAmount);
        if mishap.is_none_or(is_clear) && !self.is_forgotten(&asked) {
            self.chaos.note_answered(&asked.number);
        }
        if is_payment {
            self.paid(&asked, (request, timeout), mishap, answer).await
        } else {
            answer
        }
    }

    /// Sends a request, as well as one can be sent.
    async fn sent(
        &self,
        request: Request<Bytes>,
        timeout: Duration,
        mishap: Option<Mishap>,
        life: Option<Life>,
    ) -> Result<Response<Body>, TransportError> {
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

    /// The last payment under this number must have been answered, or queried.
    fn check_payment(&self, asked: &Asked) {
        if self.chaos.is_unanswered(&asked.number) {
            self.chaos.note_defect(format_args!("{asked} again, and nobody asked what it did"));
        }
    }

    /// The answer to a payment. A decline by Alipay is noted.
    async fn paid(
        &self,
        asked: &Asked,
        (request, timeout): (Request<Bytes>, Duration),
        mishap: Option<Mishap>,
        answer: Result<Response<Body>, TransportError>,
    ) -> Result<Response<Body>, TransportError> {
        let is_misread = answer.is_err() && self.chaos.has(Canary::DeclinedByTimeOut);
        if is_misread {
            self.alipay.fail_next(Method::Pay, refused("40004", SHORT_OF_FUNDS), 1);
            return self.gateway.send(request, timeout).await;
        }
        let (head, body) = answer?.into_parts();
        let body = body.collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        let is_refused = text.contains(r#""code":"40004""#) && !text.contains("SYSTEM_ERROR");
        if is_refused {
            self.chaos.note_declined(&asked.number);
            // A refusal has no amount that could be another.
            if mishap == Some(Mishap::AlipayOtherAmount) {
                self.chaos.note_answered(&asked.number);
            }
        }
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        Ok(Response::from_parts(head, body))
    }

    /// Whether this is a query that a build would not send if it forgot unanswered payments.
    fn is_forgotten(&self, asked: &Asked) -> bool {
        let is_forgetful =
            [Canary::NewNumber, Canary::PaidUnasked].into_iter().any(|of| self.chaos.has(of));
        is_forgetful
            && asked.method == Some(Method::Query)
            && self.chaos.is_unanswered(&asked.number)
    }

    /// Whether a build that forgets unanswered payments sends this one under a new number.
    fn renumbers(&self, asked: &Asked) -> bool {
        self.chaos.has(Canary::NewNumber) && self.chaos.is_unanswered(&asked.number)
    }

    fn mishap_of(&self, method: Option<Method>) -> Option<Mishap> {
        let special: &[Mishap] = match method {
            Some(Method::Pay) => &OF_PAYMENTS,
            Some(Method::Query) => &[Mishap::AlipayOtherAmount],
            Some(Method::Bill) => &OF_BILLS,
            Some(_) | None => &[],
        };
        // Mishaps that only few calls can meet come first, in any order.
        let special = self.chaos.shuffled(special);
        self.chaos.strikes(&special).or_else(|| self.chaos.strikes(&MISHAPS))
    }

    /// What the gateway is to do wrong.
    fn fault_of(&self, asked: &Asked, mishap: Option<Mishap>) -> Option<Fault> {
        if self.is_forgotten(asked) {
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
            Mishap::AlipayOverCap => refused("40004", "ACQ.TOTAL_FEE_EXCEED"),
            Mishap::AlipayOutsideWindow => refused("40004", "ACQ.OVER_DEDUCT_PERIOD"),
            Mishap::AlipayMandateDead => refused("40004", "ACQ.AGREEMENT_STATUS_NOT_NORMAL"),
            Mishap::AlipayPayerBlocked => refused("40004", "ACQ.BUYER_ENABLE_STATUS_FORBID"),
            Mishap::AlipayOwnAccount => refused("40004", "ACQ.ACCESS_FORBIDDEN"),
            Mishap::AlipayOtherAmount => Fault::OtherAmount,
            Mishap::BillMissing if self.chaos.has(Canary::MissingBillEmpty) => Fault::BillEmpty,
            Mishap::BillMissing => refused("40004", "isp.bill_not_exist"),
            Mishap::BillRowMissing => Fault::BillRowMissing,
            Mishap::BillForeignRow => Fault::BillExtraRow,
            Mishap::BillUnreadableRow => Fault::BillUnreadableRow,
            Mishap::BillBroken => Fault::BillBroken,
            _ => return None,
        })
    }

    fn arrives_late(&self, request: Request<Bytes>, timeout: Duration) {
        let asked = Asked::of(&request);
        let way = self.clone();
        let after = self.chaos.draw_seconds(0..LATE_MAX_S + 1);
        // Each clock has a time of its own for what is on its way.
        let is_awaited =
            asked.method == Some(Method::Pay) && after < ON_ITS_WAY && !self.chaos.is_skewed();
        if is_awaited {
            self.chaos.note_on_its_way(&asked.number);
        }
        let arrival = async move {
            way.chaos.note(format_args!("  {asked} arrives late"));
            if is_awaited {
                way.chaos.note_arrived(&asked.number);
            }
            let _unseen = way.gateway.send(request, timeout).await;
        };
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

fn refused(code: &str, sub_code: &str) -> Fault {
    Fault::Refused { code: code.to_owned(), sub_code: sub_code.to_owned() }
}

fn timed_out() -> TransportError {
    TransportError::new(io::Error::from(io::ErrorKind::TimedOut))
}

async fn ended<T>(life: &Life) -> T {
    life.end();
    std::future::pending().await
}
