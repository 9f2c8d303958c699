//! The agreements in the books, and the offers that they come from.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use steelyard_pricing::Fen;

use super::{Books, BooksError, instant};

/// What the columns of an [`Agreement`] are read from.
const AGREEMENTS: &str = "
SELECT agreements.*, sign_scene, personal_product_code, notify_url
FROM agreements LEFT JOIN offers USING (external_agreement_no)";

/// The product of an agreement without an offer.
const PERSONAL_PRODUCT: &str = "GENERAL_WITHHOLDING_P";

/// An agreement as the local Alipay keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Alipay's number of it.
    pub agreement_no: String,
    /// The merchant's number of the offer that was signed.
    pub external_agreement_no: Option<String>,
    /// The payer who signed it.
    pub payer: String,
    /// The state of the agreement.
    pub status: AgreementStatus,
    /// The most that one payment may take.
    pub single_limit_fen: Option<Fen>,
    /// The time of the signature.
    pub signed_at: Timestamp,
    /// The scene of the offer, if it is known.
    pub sign_scene: Option<String>,
    /// The product, from the payer's side.
    pub personal_product_code: String,
    /// The address for the notification of the signature.
    #[serde(skip)]
    pub(crate) notify_url: Option<String>,
}

/// The state of an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AgreementStatus {
    /// In force, so that payments are made under it.
    Normal,
    /// Signed, and not yet in force.
    Temp,
    /// Suspended at Alipay, so that payments are refused.
    Stop,
    /// Ended by the merchant or the payer.
    Unsign,
    /// Ended by its time.
    Expired,
}

/// An agreement that a merchant offered on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) external_agreement_no: String,
    pub(crate) sign_scene: String,
    pub(crate) personal_product_code: String,
    /// What the payer is called at the merchant.
    pub(crate) external_logon_id: String,
    pub(crate) notify_url: Option<String>,
    pub(crate) return_url: Option<String>,
}

impl Books {
    /// Every agreement, in the order in which they were signed.
    pub(crate) fn agreements(&self) -> Result<Vec<Agreement>, BooksError> {
        let mut statement = self.sqlite.prepare(&format!("{AGREEMENTS} ORDER BY agreement_id"))?;
        let rows = statement.query_map([], read_agreement)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The agreement of Alipay's number.
pub(crate) fn find_agreement(
    sqlite: &Connection,
    agreement_no: &str,
) -> Result<Option<Agreement>, rusqlite::Error> {
    let query = format!("{AGREEMENTS} WHERE agreement_no = ?1");
    sqlite.query_row(&query, [agreement_no], read_agreement).optional()
}

/// The agreement that came from the offer of a merchant's number.
pub(crate) fn find_offered_agreement(
    sqlite: &Connection,
    external_agreement_no: &str,
) -> Result<Option<Agreement>, rusqlite::Error> {
    let query = format!("{AGREEMENTS} WHERE external_agreement_no = ?1");
    sqlite.query_row(&query, [external_agreement_no], read_agreement).optional()
}

/// Writes a new agreement of a payer, in force; one of the same number is made anew.
pub(crate) fn insert_agreement(
    sqlite: &Connection,
    agreement_no: &str,
    external_agreement_no: Option<&str>,
    payer: &str,
    now: Timestamp,
) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "INSERT INTO agreements (agreement_no, external_agreement_no, payer, status, signed_at_s)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (agreement_no) DO UPDATE SET payer = ?3, status = ?4",
        params![
            agreement_no,
            external_agreement_no,
            payer,
            AgreementStatus::Normal.as_str(),
            now.as_second()
        ],
    )?;
    Ok(())
}

/// Writes how an agreement stands.
pub(crate) fn set_agreement_status(
    sqlite: &Connection,
    agreement_no: &str,
    status: AgreementStatus,
) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "UPDATE agreements SET status = ?2 WHERE agreement_no = ?1",
        params![agreement_no, status.as_str()],
    )?;
    Ok(())
}

/// Writes an offer, in place of what was known of its number.
pub(crate) fn put_offer(sqlite: &Connection, offer: &Offer) -> Result<(), rusqlite::Error> {
    sqlite.execute(
        "INSERT OR REPLACE INTO offers VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            offer.external_agreement_no,
            offer.sign_scene,
            offer.personal_product_code,
            offer.external_logon_id,
            offer.notify_url,
            offer.return_url,
        ],
    )?;
    Ok(())
}

/// The offer of a merchant's number.
pub(crate) fn find_offer(
    sqlite: &Connection,
    external_agreement_no: &str,
) -> Result<Option<Offer>, rusqlite::Error> {
    let read = |row: &Row<'_>| {
        Ok(Offer {
            external_agreement_no: row.get("external_agreement_no")?,
            sign_scene: row.get("sign_scene")?,
            personal_product_code: row.get("personal_product_code")?,
            external_logon_id: row.get("external_logon_id")?,
            notify_url: row.get("notify_url")?,
            return_url: row.get("return_url")?,
        })
    };
    let query = "SELECT * FROM offers WHERE external_agreement_no = ?1";
    sqlite.query_row(query, [external_agreement_no], read).optional()
}

fn read_agreement(row: &Row<'_>) -> Result<Agreement, rusqlite::Error> {
    let status: String = row.get("status")?;
    let limit: Option<i64> = row.get("single_limit_fen")?;
    let product: Option<String> = row.get("personal_product_code")?;
    Ok(Agreement {
        agreement_no: row.get("agreement_no")?,
        external_agreement_no: row.get("external_agreement_no")?,
        payer: row.get("payer")?,
        status: AgreementStatus::parse(&status).ok_or(rusqlite::Error::InvalidQuery)?,
        single_limit_fen: limit.map(Fen::new),
        signed_at: instant(row.get("signed_at_s")?)?,
        sign_scene: row.get("sign_scene")?,
        personal_product_code: product.unwrap_or_else(|| PERSONAL_PRODUCT.to_owned()),
        notify_url: row.get("notify_url")?,
    })
}

impl AgreementStatus {
    /// The status as the books and the gateway spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            AgreementStatus::Normal => "NORMAL",
            AgreementStatus::Temp => "TEMP",
            AgreementStatus::Stop => "STOP",
            AgreementStatus::Unsign => "UNSIGN",
            AgreementStatus::Expired => "EXPIRED",
        }
    }

    fn parse(text: &str) -> Option<AgreementStatus> {
        let all = [
            AgreementStatus::Normal,
            AgreementStatus::Temp,
            AgreementStatus::Stop,
            AgreementStatus::Unsign,
            AgreementStatus::Expired,
        ];
        all.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it is over for good.
    pub(crate) const fn is_over(self) -> bool {
        match self {
            AgreementStatus::Unsign | AgreementStatus::Expired => true,
            AgreementStatus::Normal | AgreementStatus::Temp | AgreementStatus::Stop => false,
        }
    }
}
