//! Withholding agreements: the offer of one, and the links by which a provider signs it.

mod answer;

use jiff::Timestamp;
use serde_json::{Value, json};
use steelyard_billing::ExternalAgreementNo;
use thiserror::Error;

use crate::client::{Alipay, Call};
use crate::key::SigningFailed;

/// The product under which the platform triggers each debit, without a fixed period.
const PRODUCT: &str = "GENERAL_WITHHOLDING";

/// The payer's side of [`PRODUCT`].
const PERSONAL_PRODUCT: &str = "GENERAL_WITHHOLDING_P";

/// The start of a link that opens an address in the Alipay app.
///
/// Source: Alipay's guide to signing, 商家扣款.
const OPEN_IN_APP: &str = "alipays://platformapi/startapp?appId=20000067&url=";

/// The most characters of a login that is shown. Source: Alipay's `external_logon_id`.
const LOGIN_MAX_LENGTH: usize = 100;

/// The scene that Alipay gave the platform with its contract, such as `INDUSTRY|XXX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignScene(String);

/// An agreement that a provider is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementOffer {
    number: ExternalAgreementNo,
    scene: SignScene,
    login: String,
}

/// The links by which one offer is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningLinks {
    /// The page of the agreement. It opens only inside the Alipay app.
    pub page: String,
    /// A link that opens the page in the Alipay app, for a phone that has it.
    pub app: String,
    /// The text of a QR code, for a desktop: the provider scans it with the Alipay app.
    pub qr: String,
}

/// The name of an agreement in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgreementKey {
    /// Alipay's number of a signed agreement.
    AgreementNo(String),
    /// Our number of its offer.
    Offered {
        /// Our number of the offer, which Alipay returns with the agreement.
        number: ExternalAgreementNo,
        /// The scene of the offer.
        scene: SignScene,
    },
}

/// Why an agreement cannot be offered.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OfferError {
    /// The scene is not two words of capital letters and the like, or is the default one, in which
    /// offers have no number.
    #[error("sign_scene {0:?} is not a scene such as INDUSTRY|XXX")]
    Scene(String),
    /// The login is empty or too long.
    #[error("a login that is shown has 1 to {LOGIN_MAX_LENGTH} characters, not {0}")]
    Login(usize),
}

impl SignScene {
    /// Reads a scene.
    ///
    /// # Errors
    ///
    /// [`OfferError::Scene`] when it is none.
    pub fn parse(text: &str) -> Result<SignScene, OfferError> {
        let is_word = |word: &str| {
            let is_sign = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            !word.is_empty() && word.chars().all(is_sign)
        };
        let is_scene = text.split_once('|').is_some_and(|(a, b)| is_word(a) && is_word(b));
        if is_scene && text != "DEFAULT|DEFAULT" {
            Ok(SignScene(text.to_owned()))
        } else {
            Err(OfferError::Scene(text.to_owned()))
        }
    }
}

impl AgreementOffer {
    /// An offer under a number that no other offer has. `login` is the provider's name at the
    /// platform, which Alipay shows before the signature.
    ///
    /// # Errors
    ///
    /// [`OfferError`] when Alipay would refuse it.
    pub fn new(
        number: ExternalAgreementNo,
        scene: SignScene,
        login: &str,
    ) -> Result<AgreementOffer, OfferError> {
        let length = login.chars().count();
        if length == 0 || length > LOGIN_MAX_LENGTH {
            return Err(OfferError::Login(length));
        }
        Ok(AgreementOffer { number, scene, login: login.to_owned() })
    }

    /// `biz_content` of `alipay.user.agreement.page.sign`, without a period or an end.
    ///
    /// Source: alipay-sdk-java `AlipayUserAgreementPageSignModel`.
    fn content(&self, channel: &str) -> Value {
        json!({
            "product_code": PRODUCT,
            "personal_product_code": PERSONAL_PRODUCT,
            "sign_scene": self.scene.0,
            "access_params": { "channel": channel },
            "external_agreement_no": self.number,
            "external_logon_id": self.login,
        })
    }
}

impl AgreementKey {
    /// The fields of `biz_content` that name the agreement.
    fn content(&self) -> Value {
        match self {
            AgreementKey::AgreementNo(agreement_no) => json!({ "agreement_no": agreement_no }),
            AgreementKey::Offered { number, scene } => json!({
                "personal_product_code": PERSONAL_PRODUCT,
                "sign_scene": scene.0,
                "external_agreement_no": number,
            }),
        }
    }
}

impl Alipay {
    /// The links by which an offer is signed: `alipay.user.agreement.page.sign`. Only a verified
    /// notification or a query proves a signature; the return to `return_url` does not.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] when the system gives no randomness.
    pub fn signing_links(
        &self,
        offer: &AgreementOffer,
        return_url: Option<&str>,
        now: Timestamp,
    ) -> Result<SigningLinks, SigningFailed> {
        let page = |channel| {
            let content = offer.content(channel).to_string();
            let call = Call::new("alipay.user.agreement.page.sign", &content);
            self.page(call.notified().returning_to(return_url), now)
        };
        let in_app = page("ALIPAYAPP")?;
        let encoded: String = form_urlencoded::byte_serialize(in_app.as_bytes()).collect();
        Ok(SigningLinks {
            app: format!("{OPEN_IN_APP}{encoded}"),
            page: in_app,
            qr: page("QRCODE")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::{Stub, asked_by, now};

    fn scene() -> SignScene {
        SignScene::parse("INDUSTRY|DEFAULT_AUTH").unwrap()
    }

    fn number() -> ExternalAgreementNo {
        ExternalAgreementNo::parse("PRV000123S20260302A").unwrap()
    }

    fn links() -> SigningLinks {
        let offer = AgreementOffer::new(number(), scene(), "商家 a&b=c").unwrap();
        Stub::offline().signing_links(&offer, Some("https://portal.example/back"), now()).unwrap()
    }

    fn asked_on(page: &str) -> String {
        let asked = asked_by(page.strip_prefix("https://openapi.alipay.com/gateway.do?").unwrap());
        assert_eq!(asked["method"], "alipay.user.agreement.page.sign");
        assert_eq!(asked["notify_url"], Stub::NOTIFY_URL);
        assert_eq!(asked["return_url"], "https://portal.example/back");
        asked["biz_content"].clone()
    }

    #[test]
    fn a_page_offers_a_withholding_agreement_without_a_period() {
        let content = concat!(
            r#"{"access_params":{"channel":"ALIPAYAPP"},"external_agreement_no":"PRV000123S20260302A","#,
            r#""external_logon_id":"商家 a&b=c","personal_product_code":"GENERAL_WITHHOLDING_P","#,
            r#""product_code":"GENERAL_WITHHOLDING","sign_scene":"INDUSTRY|DEFAULT_AUTH"}"#,
        );
        let links = links();
        assert_eq!(asked_on(&links.page), content);
        assert_eq!(asked_on(&links.qr), content.replace("ALIPAYAPP", "QRCODE"));
    }

    #[test]
    fn the_link_for_a_phone_opens_the_page_in_the_alipay_app() {
        let links = links();
        let query = links.app.strip_prefix("alipays://platformapi/startapp?").unwrap();
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let expected =
            [("appId", "20000067"), ("url", &links.page)].map(|(k, v)| (k.into(), v.into()));
        assert_eq!(pairs, expected);
    }

    #[tokio::test]
    async fn an_agreement_is_named_by_either_number() {
        let stub = Stub::answering("alipay.user.agreement.query", r#"{"code":"20000"}"#).await;
        for (key, content) in [
            (AgreementKey::AgreementNo("2026".to_owned()), r#"{"agreement_no":"2026"}"#),
            (
                AgreementKey::Offered { number: number(), scene: scene() },
                r#"{"external_agreement_no":"PRV000123S20260302A","personal_product_code":"GENERAL_WITHHOLDING_P","sign_scene":"INDUSTRY|DEFAULT_AUTH"}"#,
            ),
        ] {
            stub.client().query_agreement(&key, now()).await;
            assert_eq!(stub.asked()["biz_content"], content);
            assert!(!stub.asked().contains_key("notify_url"));
        }
    }

    #[test]
    fn an_offer_that_alipay_would_refuse_is_an_error() {
        for text in ["", "INDUSTRY", "INDUSTRY|", "A|B|C", "a|b", "A|B C", "DEFAULT|DEFAULT"] {
            assert_eq!(SignScene::parse(text), Err(OfferError::Scene(text.to_owned())));
        }
        for (login, length) in [("", 0), (&*"商".repeat(101), 101)] {
            let offer = AgreementOffer::new(number(), scene(), login);
            assert_eq!(offer, Err(OfferError::Login(length)));
        }
        assert!(AgreementOffer::new(number(), scene(), &"商".repeat(100)).is_ok());
    }
}
