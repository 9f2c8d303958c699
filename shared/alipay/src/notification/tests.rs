//! Notifications that Alipay signed, in both charsets, and forms that it did not sign.

use super::*;
use crate::key::SigningKey;
use crate::vectors::{self, Vectors};

/// The parameters of a published notification, changed, and signed by Alipay's key of the tests.
#[derive(Clone)]
struct Draft(BTreeMap<String, String>);

impl Draft {
    fn of(id: &str) -> Draft {
        let published = Vectors::read().notifications.into_iter().find(|n| n.id == id);
        Draft(published.unwrap().params)
    }

    fn with(mut self, field: &str, value: &str) -> Draft {
        self.0.insert(field.to_owned(), value.to_owned());
        self
    }

    fn without(mut self, field: &str) -> Draft {
        self.0.remove(field);
        self
    }

    /// The form in UTF-8, signed over the text of the parameters that `keep` takes.
    fn signed_over(self, keep: impl Fn(&[u8], &[u8]) -> bool) -> String {
        String::from_utf8(self.encoded(str::as_bytes, keep)).unwrap()
    }

    fn signed(self) -> String {
        self.signed_over(is_signed)
    }

    /// The form labelled and written in GBK, signed over its bytes.
    fn signed_in_gbk(self) -> Vec<u8> {
        let draft = self.with("charset", "GBK");
        draft.encoded(|text| gbk(text).leak(), is_signed)
    }

    /// The form in a charset, signed over the bytes of the parameters that `keep` takes.
    fn encoded(
        self,
        encode: impl Fn(&str) -> &[u8],
        keep: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Vec<u8> {
        let mut raw: Form = self
            .0
            .iter()
            .map(|(key, value)| (encode(key).to_vec(), encode(value).to_vec()))
            .collect();
        let key = SigningKey::parse(vectors::ALIPAY_PRIVATE).unwrap();
        let sign = key.sign(join(&raw, keep)).unwrap();
        raw.insert(b"sign".to_vec(), sign.into_bytes());
        let encoded = |bytes: &Vec<u8>| form_urlencoded::byte_serialize(bytes).collect::<String>();
        let pairs: Vec<String> =
            raw.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
        pairs.join("&").into_bytes()
    }
}

fn is_signed(key: &[u8], value: &[u8]) -> bool {
    ![&b"sign"[..], b"sign_type"].contains(&key) && !value.is_empty()
}

fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = encoding_rs::GBK.encode(text);
    assert!(!is_lossy, "{text}");
    bytes.into_owned()
}

fn form_of(parameters: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

fn read_form(form: impl AsRef<[u8]>) -> Result<Notification, NotificationError> {
    Notification::read(form.as_ref(), &VerifyingKey::parse(vectors::ALIPAY_PUBLIC).unwrap())
}

fn paid() -> Draft {
    Draft::of("derived-notify-withhold-success")
}

fn signed() -> Draft {
    Draft::of("derived-notify-dut_user_sign")
}

fn ended() -> Draft {
    let ended = signed().with("notify_type", "dut_user_unsign").with("status", "UNSIGN");
    ended.with("unsign_time", "2026-03-05 09:00:00").without("sign_time").without("invalid_time")
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn published_signatures_of_notifications_verify_and_the_broken_ones_do_not() {
    let vectors = Vectors::read();
    for case in &vectors.notifications {
        let key = VerifyingKey::parse(&vectors.keys[&case.key].spki).unwrap();
        let text = join(&case.params, |key, value| {
            !case.dropped.iter().any(|dropped| dropped.as_bytes() == key) && !value.is_empty()
        });
        assert_eq!(text, case.signed_text.as_bytes(), "{} of {}", case.id, case.source);
        let verified = key.verify(&text, &case.signature);
        assert_eq!(verified.is_ok(), case.is_valid(), "{} of {}", case.id, case.source);
    }
}

#[test]
fn published_forms_are_read_only_when_nothing_in_them_was_changed() {
    let vectors = Vectors::read();
    for case in &vectors.notifications {
        let key = VerifyingKey::parse(&vectors.keys[&case.key].spki).unwrap();
        let notification = Notification::read(case.form.as_bytes(), &key);
        // This vector is about a rule that does not hold for the form, which is the first one's.
        let is_valid = case.is_valid() || case.id == "notify-node-2019-keep-sign_type";
        match notification {
            Ok(notification) if is_valid => {
                assert_eq!(notification.app_id(), case.params["app_id"], "{}", case.id);
                let notify_id = case.params["notify_id"].as_str();
                assert_eq!(notification.notify_id(), Some(notify_id), "{}", case.id);
            }
            Err(NotificationError::BadSignature) if !is_valid => {}
            other => panic!("{}: {other:?}", case.id),
        }
    }
}

#[test]
fn the_text_that_is_signed_has_neither_sign_nor_sign_type() {
    let cases = Vectors::read().sort_join;
    let case = cases.into_iter().find(|case| case.rule == "notify_v1").unwrap();
    let form = form::parse(form_of(&case.params).as_bytes()).unwrap();
    assert_eq!(RawFields(form).text(false), case.expected.as_bytes(), "{}", case.source);
}

#[test]
fn a_trade_is_read_with_everything_that_must_be_checked() {
    let expected = TradeNotice {
        out_trade_no: "D20260301_PRV000123_1".to_owned(),
        trade_no: "2026030222001468450512500001".to_owned(),
        seller_id: "2088531891668739".to_owned(),
        amount_fen: Fen::new(1234),
        state: TradeState::Paid,
        refunded_at: None,
        refunded_fen: None,
        out_request_no: None,
    };
    let notification = read_form(paid().signed()).unwrap();
    assert_eq!(notification.notice(), &Notice::Trade(expected.clone()));
    assert_eq!(notification.app_id(), "2021000000000001");

    let refund = paid().with("gmt_refund", "2026-03-03 10:00:00.320").with("refund_fee", "2.34");
    let refunded = TradeNotice {
        refunded_at: Some(instant("2026-03-03T02:00:00.320Z")),
        refunded_fen: Some(Fen::new(234)),
        out_request_no: Some("R1".to_owned()),
        ..expected
    };
    let notification = read_form(refund.with("out_biz_no", "R1").signed()).unwrap();
    assert_eq!(notification.notice(), &Notice::Trade(refunded));
}

#[test]
fn every_state_of_a_trade_is_read() {
    for (text, state) in [
        ("WAIT_BUYER_PAY", TradeState::Waiting),
        ("TRADE_SUCCESS", TradeState::Paid),
        ("TRADE_FINISHED", TradeState::Finished),
        ("TRADE_CLOSED", TradeState::Closed),
    ] {
        let notification = read_form(paid().with("trade_status", text).signed()).unwrap();
        let Notice::Trade(trade) = notification.notice() else { panic!("{notification:?}") };
        assert_eq!(trade.state, state);
    }
}

#[test]
fn the_beginning_and_the_end_of_an_agreement_are_read() {
    let agreement_no = "20265302123456789012".to_owned();
    let external_agreement_no = Some("PRV000123S20260302A".to_owned());
    let expected = AgreementSigned {
        agreement_no: agreement_no.clone(),
        external_agreement_no: external_agreement_no.clone(),
        signed_at: instant("2026-03-02T02:00:03Z"),
        ends_at: Some(instant("2115-01-31T16:00:00Z")),
        payer_login: Some("xud***@126.com".to_owned()),
    };
    let notification = read_form(signed().signed()).unwrap();
    assert_eq!(notification.notice(), &Notice::AgreementSigned(expected));
    let ended_at = instant("2026-03-05T01:00:00Z");
    let expected = AgreementEnded { agreement_no, external_agreement_no, ended_at };
    let notification = read_form(ended().signed()).unwrap();
    assert_eq!(notification.notice(), &Notice::AgreementEnded(expected));
}

/// Chinese for GBK: the second bytes of 乗 and 踈 are `\\`, that of 亅 is `|`.
const CHINESE: &str = "API技术服务费 乗踈亅 \"50%\" a=b&c+d";

#[test]
fn notifications_in_gbk_are_verified_over_their_bytes_and_then_decoded() {
    let trade = paid().with("subject", CHINESE).with("buyer_logon_id", "张*").with("body", "乗");
    let agreement =
        |draft: Draft| draft.with("alipay_logon_id", "乗*三@例").with("login_token", "");
    for draft in [trade.clone(), agreement(signed()), agreement(ended())] {
        let in_utf8 = read_form(draft.clone().signed()).unwrap();
        assert_eq!(read_form(draft.signed_in_gbk()), Ok(in_utf8));
    }
    for label in ["gbk", "GB2312", "gb18030"] {
        let form = trade.clone().with("charset", label).encoded(|text| gbk(text).leak(), is_signed);
        assert!(read_form(form).is_ok(), "{label}");
    }
}

#[test]
fn text_in_gbk_is_decoded_as_it_was_written() {
    let form = paid().with("notify_type", "乗踈亅€").with("notify_id", "号1").signed_in_gbk();
    let notification = read_form(form).unwrap();
    assert_eq!(notification.notice(), &Notice::Other { kind: "乗踈亅€".to_owned() });
    assert_eq!(notification.notify_id(), Some("号1"));
}

#[test]
fn a_notification_in_gbk_with_one_other_byte_is_refused() {
    for draft in [paid(), signed(), ended()] {
        // The name of an empty value may not be signed.
        let form = draft.with("subject", CHINESE).without("login_token").signed_in_gbk();
        assert!(read_form(&form).is_ok());
        for at in 0..form.len() {
            let mut altered = form.clone();
            altered[at] ^= 1;
            assert!(read_form(&altered).is_err(), "{}", String::from_utf8_lossy(&altered));
        }
    }
}

#[test]
fn a_notification_under_a_wrong_label_is_refused_though_its_signature_is_right() {
    let trade = |charset| paid().with("subject", "你好").with("charset", charset);
    let in_gbk = |draft: Draft| draft.encoded(|text| gbk(text).leak(), is_signed);
    let mislabelled = |charset| Err(NotificationError::Mislabelled(charset));
    assert_eq!(read_form(trade("GBK").signed()), mislabelled(Charset::Gbk));
    assert_eq!(read_form(in_gbk(trade("utf-8"))), mislabelled(Charset::Utf8));
    let unknown = NotificationError::Charset(Charset::named("Shift_JIS").unwrap_err());
    assert_eq!(read_form(trade("Shift_JIS").signed()), Err(unknown.clone()));
    assert_eq!(unknown.to_string(), "the notification's charset \"Shift_JIS\" is not read");
    for form in [trade("").signed().into_bytes(), in_gbk(trade(""))] {
        assert!(read_form(form).is_ok(), "without a label, bytes that are not UTF-8 are GBK");
    }
    let of_both = Form::from([
        (b"charset".to_vec(), b"GBK".to_vec()),
        (b"\x80".to_vec(), Vec::new()),
        (b"\xA2\xE3".to_vec(), Vec::new()),
    ]);
    let twice = RawFields(of_both).decode().err();
    assert_eq!(twice, Some(NotificationError::DuplicateKey), "two spellings of one key");
}

#[test]
fn empty_values_may_be_signed_or_not_and_are_absent_after() {
    let empty = || paid().with("gmt_refund", "").with("refund_fee", "").with("body", "");
    let dropped = read_form(empty().signed()).unwrap();
    let kept =
        read_form(empty().signed_over(|key, _| ![&b"sign"[..], b"sign_type"].contains(&key)))
            .unwrap();
    assert_eq!(dropped, kept);
    assert_eq!(dropped, read_form(paid().signed()).unwrap());
}

#[test]
fn a_message_of_the_platform_is_signed_with_its_sign_type() {
    let message = || paid().with("method", "alipay.open.servicemarket.order.notify");
    let kind = "alipay.open.servicemarket.order.notify".to_owned();
    let with_sign_type = message().signed_over(|key, value| key != b"sign" && !value.is_empty());
    let notification = read_form(with_sign_type).unwrap();
    assert_eq!(notification.notice(), &Notice::Other { kind });
    assert_eq!(read_form(message().signed()), Err(NotificationError::BadSignature));

    let unknown = read_form(paid().with("notify_type", "something_new").signed()).unwrap();
    assert_eq!(unknown.notice(), &Notice::Other { kind: "something_new".to_owned() });
    let unnamed = read_form(paid().without("notify_type").signed()).unwrap();
    assert_eq!(unnamed.notice(), &Notice::Other { kind: String::new() });
}

#[test]
fn a_form_that_alipay_did_not_sign_as_it_is_is_refused() {
    let form = paid().signed();
    let unknown = |name| NotificationError::Charset(Charset::named(name).unwrap_err());
    let resigned = |sign_type: &str| paid().with("sign_type", sign_type).signed();
    for (form, expected) in [
        (form.replace("12.34", "12.35"), NotificationError::BadSignature),
        (form.replace("TRADE_SUCCESS", "TRADE_CLOSED"), NotificationError::BadSignature),
        (format!("{form}&refund_fee=1"), NotificationError::BadSignature),
        (format!("{form}&method=x"), NotificationError::BadSignature),
        (format!("{form}&total_amount=0.01"), NotificationError::DuplicateKey),
        (format!("{form}&%73ign=x"), NotificationError::DuplicateKey),
        (form.replace("sign=", "sing="), NotificationError::Unsigned),
        (form_of(&paid().with("sign", "").0), NotificationError::Unsigned),
        (form_of(&paid().with("sign", "wrong-sing").0), NotificationError::BadSignature),
        (form.replace("charset=utf-8", "charset=GBK"), NotificationError::BadSignature),
        (paid().with("charset", "Big5").signed(), unknown("Big5")),
        (form.replace("charset=utf-8", "charset=Big5"), NotificationError::BadSignature),
        (resigned("RSA"), NotificationError::SignType),
        (resigned(""), NotificationError::SignType),
        (String::new(), NotificationError::SignType),
        (form.replace("12.34", "%FF"), NotificationError::BadSignature),
    ] {
        assert_eq!(read_form(&form), Err(expected), "{form}");
    }
    let foreign = VerifyingKey::parse(vectors::APP_PUBLIC).unwrap();
    let refused = Notification::read(form.as_bytes(), &foreign);
    assert_eq!(refused, Err(NotificationError::BadSignature));
}

#[test]
fn a_signed_field_that_cannot_be_read_is_an_error_by_its_name() {
    let missing = |field| NotificationError::Missing { field };
    let unreadable = |field| NotificationError::Unreadable { field };
    for (draft, expected) in [
        (paid().without("app_id"), missing("app_id")),
        (paid().with("seller_id", ""), missing("seller_id")),
        (paid().without("out_trade_no"), missing("out_trade_no")),
        (paid().without("trade_no"), missing("trade_no")),
        (paid().without("total_amount"), missing("total_amount")),
        (paid().with("total_amount", "12.345"), unreadable("total_amount")),
        (paid().with("total_amount", "0.00"), unreadable("total_amount")),
        (paid().with("trade_status", "TRADE_NEW"), unreadable("trade_status")),
        (paid().with("gmt_refund", "yesterday"), unreadable("gmt_refund")),
        (paid().with("refund_fee", "1,00"), unreadable("refund_fee")),
        (signed().with("status", "STOP"), unreadable("status")),
        (signed().with("agreement_no", "2&3"), unreadable("agreement_no")),
        (signed().without("sign_time"), missing("sign_time")),
        (ended().with("status", "NORMAL"), unreadable("status")),
        (ended().without("unsign_time"), missing("unsign_time")),
    ] {
        assert_eq!(read_form(draft.signed()), Err(expected));
    }
}

#[test]
fn a_reader_takes_the_notifications_for_its_application_by_the_public_key_alone() {
    let reader =
        |app_id: &str| NotificationReader::new(app_id.to_owned(), vectors::ALIPAY_PUBLIC).unwrap();
    let form = paid().signed();
    let app_id = read_form(&form).unwrap().app_id().to_owned();
    assert_eq!(reader(&app_id).read(form.as_bytes()), read_form(&form));
    let other = reader("2021000000000009").read(form.as_bytes());
    assert_eq!(other, Err(NotificationError::OtherApp));
    let altered = form.replace("12.34", "12.35");
    let altered = reader(&app_id).read(altered.as_bytes());
    assert_eq!(altered, Err(NotificationError::BadSignature));
}

#[test]
fn a_reader_is_not_made_of_a_wrong_application_or_a_private_key() {
    for (app_id, key, expected) in [
        ("", vectors::ALIPAY_PUBLIC, "app_id \"\" is not 1 to 32 letters and digits"),
        ("2021 1", vectors::ALIPAY_PUBLIC, "app_id \"2021 1\" is not 1 to 32 letters and digits"),
        ("2021", vectors::ALIPAY_PRIVATE, "alipay_public_key is refused"),
        ("2021", "?", "alipay_public_key is refused"),
    ] {
        let refused = NotificationReader::new(app_id.to_owned(), key).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
}
