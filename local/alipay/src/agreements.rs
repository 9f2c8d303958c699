//! What the local Alipay does with an agreement: offer it, sign it, end it, suspend it.

use jiff::Timestamp;
use jiff::tz::Offset;
use rusqlite::{Connection, params};
use steelyard_alipay::beijing_time;
use steelyard_pricing::Fen;

use super::books::{
    Agreement, AgreementStatus, Books, BooksError, Offer, find_agreement, find_offer,
    find_offered_agreement, insert_agreement, put_offer, set_agreement_status, set_funds,
};
use super::content::AgreementKey;
use super::notifications::{queue_ended, queue_signed};

/// The party that ends an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndedBy<'a> {
    /// The merchant, by a request that says where to notify of it.
    Merchant { notify_url: Option<&'a str> },
    /// The payer, in the Alipay app.
    Payer,
}

/// A change of an agreement without a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The agreement is suspended at Alipay.
    Suspend,
    /// The agreement is in force again.
    Resume,
    /// It is not in force yet.
    Defer,
    /// Its time is over.
    Expire,
}

/// The outcome of a request about an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AgreementOutcome {
    /// The agreement is in the requested state.
    Done,
    /// There is none.
    NotFound,
    /// The agreement had ended before.
    Over,
}

impl Books {
    /// Makes an agreement of a payer with these funds.
    pub(super) fn register_agreement(
        &mut self,
        agreement_no: &str,
        payer: &str,
        funds: Fen,
        now: Timestamp,
    ) -> Result<(), BooksError> {
        self.transact(|sqlite| {
            set_funds(sqlite, payer, funds)?;
            insert_agreement(sqlite, agreement_no, None, payer, now)
        })
    }

    /// Remembers an offer; false when it was signed already.
    pub(super) fn offer(&mut self, offer: &Offer) -> Result<bool, BooksError> {
        self.transact(|sqlite| {
            let signed = find_offered_agreement(sqlite, &offer.external_agreement_no)?;
            if signed.is_none() {
                put_offer(sqlite, offer)?;
            }
            Ok(signed.is_none())
        })
    }

    /// The offer of a merchant's number.
    pub(super) fn find_offer(
        &mut self,
        external_agreement_no: &str,
    ) -> Result<Option<Offer>, BooksError> {
        self.transact(|sqlite| find_offer(sqlite, external_agreement_no))
    }

    /// Signs an offer as a payer, who has these funds from now on, and notifies the merchant;
    /// nothing when it was signed already.
    pub(super) fn sign(
        &mut self,
        external_agreement_no: &str,
        payer: &str,
        funds: Fen,
        now: Timestamp,
    ) -> Result<Option<Agreement>, BooksError> {
        self.transact(|sqlite| {
            if find_offered_agreement(sqlite, external_agreement_no)?.is_some() {
                return Ok(None);
            }
            set_funds(sqlite, payer, funds)?;
            let agreement_no = next_agreement_no(sqlite, now)?;
            insert_agreement(sqlite, &agreement_no, Some(external_agreement_no), payer, now)?;
            let agreement = find_agreement(sqlite, &agreement_no)?;
            let agreement = agreement.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            queue_signed(sqlite, &agreement, now)?;
            Ok(Some(agreement))
        })
    }

    /// The agreement that is meant.
    pub(super) fn agreement(
        &mut self,
        key: &AgreementKey,
    ) -> Result<Option<Agreement>, BooksError> {
        self.transact(|sqlite| find(sqlite, key))
    }

    /// Ends an agreement, and queues the notification.
    pub(super) fn end_agreement(
        &mut self,
        key: &AgreementKey,
        by: EndedBy<'_>,
        now: Timestamp,
    ) -> Result<AgreementOutcome, BooksError> {
        self.transact(|sqlite| {
            let Some(agreement) = find(sqlite, key)? else {
                return Ok(AgreementOutcome::NotFound);
            };
            if agreement.status.is_over() {
                return Ok(AgreementOutcome::Over);
            }
            set_agreement_status(sqlite, &agreement.agreement_no, AgreementStatus::Unsign)?;
            queue_ended(sqlite, &agreement, by, now)?;
            Ok(AgreementOutcome::Done)
        })
    }

    /// Changes an agreement without a notification.
    pub(super) fn change_agreement(
        &mut self,
        agreement_no: &str,
        change: Change,
    ) -> Result<AgreementOutcome, BooksError> {
        self.transact(|sqlite| {
            let Some(agreement) = find_agreement(sqlite, agreement_no)? else {
                return Ok(AgreementOutcome::NotFound);
            };
            if agreement.status.is_over() {
                return Ok(AgreementOutcome::Over);
            }
            set_agreement_status(sqlite, agreement_no, change.status())?;
            Ok(AgreementOutcome::Done)
        })
    }

    /// Limits what one payment under an agreement may take, or lifts the limit.
    pub(super) fn set_single_limit(
        &mut self,
        agreement_no: &str,
        limit: Option<Fen>,
    ) -> Result<AgreementOutcome, BooksError> {
        self.transact(|sqlite| {
            let changed = sqlite.execute(
                "UPDATE agreements SET single_limit_fen = ?2 WHERE agreement_no = ?1",
                params![agreement_no, limit.map(Fen::get)],
            )?;
            Ok(if changed == 0 { AgreementOutcome::NotFound } else { AgreementOutcome::Done })
        })
    }
}

impl Change {
    const fn status(self) -> AgreementStatus {
        match self {
            Change::Suspend => AgreementStatus::Stop,
            Change::Resume => AgreementStatus::Normal,
            Change::Defer => AgreementStatus::Temp,
            Change::Expire => AgreementStatus::Expired,
        }
    }
}

fn find(sqlite: &Connection, key: &AgreementKey) -> Result<Option<Agreement>, rusqlite::Error> {
    match key {
        AgreementKey::AgreementNo(agreement_no) => find_agreement(sqlite, agreement_no),
        AgreementKey::Offered { external_agreement_no, sign_scene, personal_product_code } => {
            let agreement = find_offered_agreement(sqlite, external_agreement_no)?;
            Ok(agreement.filter(|agreement| {
                // What was signed by its number alone has whatever scene it is asked for by.
                let scene = agreement.sign_scene.as_ref();
                scene.is_none_or(|scene| scene == sign_scene)
                    && agreement.personal_product_code == *personal_product_code
            }))
        }
    }
}

/// 20 digits, as Alipay's: the year in Beijing, four that are the same for all, and a serial
/// number.
fn next_agreement_no(sqlite: &Connection, now: Timestamp) -> Result<String, rusqlite::Error> {
    let query = "SELECT COALESCE(MAX(agreement_id), 0) + 1 FROM agreements";
    let serial: i64 = sqlite.query_row(query, [], |row| row.get(0))?;
    Ok(format!("{}5302{serial:012}", beijing_time(now).year()))
}

/// When an agreement without a period ends: long after everybody.
///
/// Source: Alipay's answers and notifications, `invalid_time`.
pub(super) fn without_end() -> Timestamp {
    let end = jiff::civil::date(2115, 2, 1).at(0, 0, 0, 0);
    Offset::constant(8).to_timestamp(end).expect("the year 2115 is a time")
}
