//! Fetching a bill: `alipay.data.dataservice.bill.downloadurl.query`, and the file it points to.

use std::io::Write;

use jiff::civil::{Date, Time, time};
use jiff::{Timestamp, ToSpan};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use steelyard_billing::{BillKind, Doubt, GatewayCode};

use crate::client::{Alipay, Call};
use crate::config::is_private;
use crate::doubt::doubt;
use crate::time::beijing_time;

/// The most bytes of a bill's zip: 200 MiB, some millions of rows.
const BILL_MAX_BYTES: u64 = 200 << 20;

/// The time in Beijing, on the day after, from which the bill of a day is complete. Alipay makes it
/// at about nine.
const READY_AT: Time = time(10, 0, 0, 0);

/// The answer to a request for a bill. Unless it is the bill, request it again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillAnswer {
    /// Its zip was written to the file.
    Fetched,
    /// Alipay has no bill of that day, as of every day without movements. It proves nothing about a
    /// single trade.
    NoTrades,
    /// The bill of a day is complete at ten in the morning of the day after, in Beijing. Before
    /// that, Alipay is not asked: it would answer that there is none.
    TooEarly,
    /// Our account has no bills of that kind. Read the ledger instead.
    NotSupported(GatewayCode),
    /// Whether there is a bill is not known.
    InDoubt(Doubt),
}

/// The fields of the answer.
#[derive(Deserialize)]
struct BillFields {
    bill_download_url: Option<String>,
}

impl Alipay {
    /// The bill of a day in Beijing, written to an empty file part by part. Unless the answer is
    /// [`BillAnswer::Fetched`], what was written is no bill.
    ///
    /// The address in Alipay's answer expires after thirty seconds, so the file is fetched at once.
    pub async fn bill(
        &self,
        kind: BillKind,
        day: Date,
        now: Timestamp,
        file: &mut (dyn Write + Send),
    ) -> BillAnswer {
        let url = match self.bill_address(kind, day, now).await {
            Ok(url) => url,
            Err(answer) => return answer,
        };
        match self.file(url, BILL_MAX_BYTES, file).await {
            Ok(()) => BillAnswer::Fetched,
            Err(doubt) => BillAnswer::InDoubt(doubt),
        }
    }

    /// Asks whether Alipay has a bill for a day in Beijing, without fetching it.
    ///
    /// # Errors
    ///
    /// [`Doubt`] when that is not known.
    pub async fn has_bill(&self, kind: BillKind, day: Date, now: Timestamp) -> Result<bool, Doubt> {
        match self.bill_address(kind, day, now).await {
            Ok(_) => Ok(true),
            Err(BillAnswer::InDoubt(doubt)) => Err(doubt),
            Err(BillAnswer::NoTrades | BillAnswer::TooEarly | BillAnswer::NotSupported(_)) => {
                Ok(false)
            }
            // Only a file is fetched, and this is an answer without one.
            Err(BillAnswer::Fetched) => Ok(true),
        }
    }

    /// The address of the file of a bill, or the answer without one.
    async fn bill_address(
        &self,
        kind: BillKind,
        day: Date,
        now: Timestamp,
    ) -> Result<Url, BillAnswer> {
        let ready_at = day.checked_add(1.day()).map(|next_day| next_day.to_datetime(READY_AT));
        if !ready_at.is_ok_and(|ready_at| ready_at <= beijing_time(now)) {
            return Err(BillAnswer::TooEarly);
        }
        let content =
            json!({ "bill_type": kind.as_str(), "bill_date": day.to_string() }).to_string();
        let call = Call::new("alipay.data.dataservice.bill.downloadurl.query", &content);
        let answer = self.ask(call, now).await.map_err(BillAnswer::InDoubt)?;
        if answer.succeeded() {
            let fields: BillFields = answer.fields().map_err(BillAnswer::InDoubt)?;
            let url = fields.bill_download_url.as_deref().and_then(address);
            let missing = || BillAnswer::InDoubt(doubt("the answer has no bill_download_url"));
            return url.ok_or_else(missing);
        }
        Err(match answer.failure().map(bare).as_deref() {
            Some("NO_BILL_DATA" | "BILL_NOT_EXIST") => BillAnswer::NoTrades,
            Some("TYPE_NOT_SUPPORTED") => {
                BillAnswer::NotSupported(GatewayCode(answer.result_code().to_string()))
            }
            Some(_) | None => BillAnswer::InDoubt(answer.not_understood()),
        })
    }
}

/// A sub-code without Alipay's prefix, in capitals: `isp.bill_not_exist` is `BILL_NOT_EXIST`.
fn bare(sub_code: &str) -> String {
    sub_code.rsplit('.').next().unwrap_or(sub_code).to_ascii_uppercase()
}

/// The address of a file. Alipay's answer has an http address that serves https too; a bill must
/// not cross a network unencrypted.
fn address(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    if url.scheme() == "http" && !is_private(&url) {
        url.set_scheme("https").ok()?;
    }
    is_private(&url).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Stub, http, signed};

    const METHOD: &str = "alipay.data.dataservice.bill.downloadurl.query";

    fn day() -> Date {
        "2026-03-01".parse().unwrap()
    }

    /// A gateway that gives the address of a file of its own, and serves it with this status.
    async fn serving(status: &'static str, file: Vec<u8>) -> Stub {
        Stub::serving(move |request| {
            if request.starts_with("GET /bill.zip?sig=s1 ") {
                return http(status, &file);
            }
            let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
            let url = format!(r"http:\/\/{host}\/bill.zip?sig=s1");
            let node = format!(r#"{{"code":"10000","bill_download_url":"{url}"}}"#);
            http("200 OK", signed(METHOD, &node).as_bytes())
        })
        .await
    }

    async fn bill(stub: &Stub) -> BillAnswer {
        fetched(stub).await.0
    }

    /// The answer, and what was written to the file.
    async fn fetched(stub: &Stub) -> (BillAnswer, Vec<u8>) {
        let now = "2026-03-02T02:00:00Z".parse().unwrap();
        let mut file = Vec::new();
        (stub.client().bill(BillKind::Trade, day(), now, &mut file).await, file)
    }

    #[tokio::test]
    async fn a_bill_is_requested_by_its_day_and_fetched_with_a_user_agent() {
        let stub = serving("200 OK", b"PK".to_vec()).await;
        assert_eq!(fetched(&stub).await, (BillAnswer::Fetched, b"PK".to_vec()));
        let [asked, fetched] = &stub.requests()[..] else { panic!("not two requests") };
        let form = asked.split_once("\r\n\r\n").unwrap().1;
        let content = &crate::stub::asked_by(form)["biz_content"];
        assert_eq!(content, r#"{"bill_date":"2026-03-01","bill_type":"trade"}"#);
        assert!(fetched.contains("user-agent: steelyard/"), "{fetched}");
    }

    #[tokio::test]
    async fn a_file_that_does_not_come_whole_is_no_bill() {
        for (status, expected) in [
            ("403 Forbidden", "the answer has HTTP status 403 Forbidden"),
            ("302 Found", "the answer has HTTP status 302 Found"),
        ] {
            let stub = serving(status, Vec::new()).await;
            assert_eq!(bill(&stub).await, BillAnswer::InDoubt(doubt(expected)));
        }
        let stub = Stub::serving(|request| match request.starts_with("GET") {
            true => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nPK".to_vec(),
            false => {
                let host = request.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
                let node = format!(r#"{{"code":"10000","bill_download_url":"http://{host}/"}}"#);
                http("200 OK", signed(METHOD, &node).as_bytes())
            }
        })
        .await;
        let BillAnswer::InDoubt(Doubt(text)) = bill(&stub).await else { panic!("taken for whole") };
        assert!(text.starts_with("the answer broke off"), "{text}");
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_is_no_bill_whether_its_length_is_told_or_not() {
        let told = |length: u64| {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes()
        };
        let untold = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n12345".to_vec();
        for (answer, most_bytes, is_refused) in [
            (told(BILL_MAX_BYTES + 1), BILL_MAX_BYTES, true),
            (untold.clone(), 4, true),
            (untold, 5, false),
        ] {
            let stub = Stub::serving(move |_| answer.clone()).await;
            let url = Url::parse(&format!("http://{}/", stub.address)).unwrap();
            let mut file = Vec::new();
            let fetched = stub.client().file(url, most_bytes, &mut file).await;
            let refused = doubt(&format!("the answer is larger than {most_bytes} bytes"));
            assert_eq!(fetched, if is_refused { Err(refused) } else { Ok(()) });
            assert_eq!(file.len(), if is_refused { 0 } else { 5 });
        }
    }

    #[tokio::test]
    async fn a_file_that_never_comes_is_not_waited_for() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let node = format!(r#"{{"code":"10000","bill_download_url":"{url}"}}"#);
        let stub = Stub::answering(METHOD, &node).await;
        let BillAnswer::InDoubt(Doubt(text)) = bill(&stub).await else { panic!("it came") };
        assert!(text.ends_with("operation timed out"), "{text}");
    }

    #[tokio::test]
    async fn each_code_of_a_bill_is_an_answer_of_its_own() {
        let in_doubt = |text| BillAnswer::InDoubt(doubt(text));
        let code = GatewayCode("code 40004 TYPE_NOT_SUPPORTED".to_owned());
        let failed = |code: &str| format!(r#"{{"code":"40004","sub_code":"{code}"}}"#);
        let no_url = "the answer has no bill_download_url";
        for (node, expected) in [
            (failed("NO_BILL_DATA"), BillAnswer::NoTrades),
            (failed("BILL_NOT_EXIST"), BillAnswer::NoTrades),
            (failed("isp.bill_not_exist"), BillAnswer::NoTrades),
            (failed("TYPE_NOT_SUPPORTED"), BillAnswer::NotSupported(code)),
            (failed("UNKNOWN_ERROR"), in_doubt("the answer is code 40004 UNKNOWN_ERROR")),
            (failed("BILL_NEW"), in_doubt("the answer is code 40004 BILL_NEW")),
            (
                failed("BILL_NOT_EXIST").replace("40004", "20000"),
                in_doubt("the answer is code 20000 BILL_NOT_EXIST"),
            ),
            (
                failed("TYPE_NOT_SUPPORTED").replace("40004", "40006"),
                in_doubt("the answer is code 40006 TYPE_NOT_SUPPORTED"),
            ),
            (r#"{"code":"20000"}"#.to_owned(), in_doubt("the answer is code 20000")),
            (r#"{"code":"10000"}"#.to_owned(), in_doubt(no_url)),
            (r#"{"code":"10000","bill_download_url":"ftp://a/b"}"#.to_owned(), in_doubt(no_url)),
        ] {
            let stub = Stub::answering(METHOD, &node).await;
            assert_eq!(bill(&stub).await, expected, "{node}");
        }
    }

    #[tokio::test]
    async fn a_bill_is_not_asked_for_before_ten_on_the_day_after() {
        let stub = Stub::answering(METHOD, r#"{"code":"40004","sub_code":"BILL_NOT_EXIST"}"#).await;
        for (now, expected) in [
            ("2026-03-01T12:00:00Z", BillAnswer::TooEarly),
            ("2026-03-02T01:59:59Z", BillAnswer::TooEarly),
            ("2026-03-02T02:00:00Z", BillAnswer::NoTrades),
        ] {
            let answer = stub
                .client()
                .bill(BillKind::Ledger, day(), now.parse().unwrap(), &mut Vec::new())
                .await;
            assert_eq!(answer, expected, "{now}");
        }
        assert_eq!(stub.requests().len(), 1);
        let client = stub.client();
        let latest =
            client.bill(BillKind::Ledger, Date::MAX, Timestamp::MAX, &mut Vec::new()).await;
        assert_eq!(latest, BillAnswer::TooEarly);
    }

    #[test]
    fn an_address_is_never_asked_over_a_network_without_encryption() {
        for (given, asked) in [
            ("https://a.example/x?y=1", Some("https://a.example/x?y=1")),
            ("http://dwbillcenter.alipay.com/x", Some("https://dwbillcenter.alipay.com/x")),
            ("http://127.0.0.1:1/x", Some("http://127.0.0.1:1/x")),
            ("file:///etc/passwd", None),
            ("x", None),
        ] {
            assert_eq!(address(given).as_ref().map(Url::as_str), asked, "{given}");
        }
    }
}
