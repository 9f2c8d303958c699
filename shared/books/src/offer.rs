//! Offers: recharges and mandates that a provider may pay or sign. Each is stored under a number
//! before Alipay sees it, and the number of open ones is bounded.

use jiff::Timestamp;
use steelyard_billing::mandate::{Consent, MandateLimits, MandatePhase};
use steelyard_billing::{
    Mandate, MandateId, ProviderId, Recharge, RechargeId, RechargePhase, RechargePurpose,
};
use steelyard_pricing::Fen;
use steelyard_store::{IdempotentAnswer, StoreError};
use thiserror::Error;

use crate::change::{Decision, change};
use crate::{BookError, Books};

/// The `Idempotency-Key` of a request: 1 to 255 characters that the client chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// A recharge or mandate that was offered, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offered<T> {
    /// This request made the offer.
    New(T),
    /// It was offered before: by a request with the same key, or because an offer is open.
    Before(T),
}

/// The reason for which nothing is offered.
#[derive(Debug, Error)]
pub enum OfferError {
    /// The key has no character, or too many.
    #[error("an Idempotency-Key has 1 to {most} characters", most = IdempotencyKey::LENGTH_MAX)]
    Key,
    /// The key was used for another request.
    #[error("the Idempotency-Key was used before, for {0}")]
    KeyUsed(String),
    /// The provider has too many recharges that are neither paid nor lapsed.
    #[error("{OPEN_RECHARGES_MAX} recharges are open: pay one, or wait until one lapses")]
    TooManyOpen,
    /// The books could not be changed.
    #[error(transparent)]
    Books(#[from] BookError),
}

impl From<StoreError> for OfferError {
    fn from(error: StoreError) -> OfferError {
        OfferError::Books(error.into())
    }
}

/// How many recharges of a provider may be open. A recharge lapses after a day.
const OPEN_RECHARGES_MAX: usize = 20;

const RECHARGE: &str = "offer a recharge";
const MANDATE: &str = "offer a mandate";

/// What keys of mandates are stored under, and what they were sent for.
const MANDATE_KIND: &str = "mandate";
const MANDATE_REQUEST: &str = "a mandate";

impl IdempotencyKey {
    /// The most characters of a key.
    pub const LENGTH_MAX: usize = 255;

    /// Reads a key.
    ///
    /// # Errors
    ///
    /// [`OfferError::Key`] when it has no character, or too many.
    pub fn parse(text: &str) -> Result<IdempotencyKey, OfferError> {
        let is_key = (1..=IdempotencyKey::LENGTH_MAX).contains(&text.chars().count());
        if is_key { Ok(IdempotencyKey(text.to_owned())) } else { Err(OfferError::Key) }
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T> Offered<T> {
    /// The offer, whichever request made it.
    #[must_use]
    pub fn into_inner(self) -> T {
        match self {
            Offered::New(offered) | Offered::Before(offered) => offered,
        }
    }
}

impl Books {
    /// Offers a provider to pay an amount in for a purpose, under its next number. A request with a
    /// known key gives the same recharge again.
    ///
    /// # Errors
    ///
    /// [`OfferError::Key`] or [`OfferError::KeyUsed`] for the key, [`OfferError::TooManyOpen`] at
    /// the most open recharges, [`OfferError::Books`] when the amount is out of range or the table
    /// fails.
    pub async fn offer_recharge(
        &self,
        provider: &ProviderId,
        purpose: RechargePurpose,
        amount: Fen,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Offered<Recharge>, OfferError> {
        let realm = &self.realms().await?.current;
        let request = &match purpose {
            RechargePurpose::Prepaid => format!("a recharge of {amount}"),
            RechargePurpose::Deposit => format!("a recharge of {amount} for the deposit"),
        };
        change(&self.billing, RECHARGE, move |_| async move {
            let account = self.account(provider).await?.account;
            if let Some(made) = self.made_before(provider, "recharge", key, request).await? {
                let offered =
                    self.record(provider, &RechargeId(made), format!("recharge {made}")).await?;
                return Ok(Decision::Keep(Offered::Before(offered)));
            }
            self.check_open_recharges(provider).await?;
            let (recharge, movement) = account
                .offer_recharge(realm, amount, now)
                .map_err(|error| OfferError::Books(error.into()))?;
            let mut writes = self.billing.writes(RECHARGE);
            let stored = writes.record(None, &recharge.for_purpose(purpose))?;
            writes.movement(&account, &movement)?;
            if let Some(IdempotencyKey(key)) = key {
                let made = stored.recharge.0;
                let answer = IdempotentAnswer { made, request: request.clone() };
                writes.idempotent(provider, "recharge", key, &answer)?;
            }
            Ok(Decision::Save(writes, Offered::New(stored)))
        })
        .await
    }

    /// What a request with this key made, if it was sent before.
    async fn made_before(
        &self,
        provider: &ProviderId,
        kind: &str,
        key: Option<&IdempotencyKey>,
        request: &str,
    ) -> Result<Option<u32>, OfferError> {
        let Some(IdempotencyKey(key)) = key else { return Ok(None) };
        match self.billing.idempotent(provider, kind, key).await? {
            Some(answer) if answer.request == request => Ok(Some(answer.made)),
            Some(answer) => Err(OfferError::KeyUsed(answer.request)),
            None => Ok(None),
        }
    }

    /// All recharges are read: one that was paid meanwhile may be newer than one that is open. One
    /// that cannot be read may be open, and counts as one.
    async fn check_open_recharges(&self, provider: &ProviderId) -> Result<(), OfferError> {
        let found = self.billing.newest::<Recharge>(provider, None, u16::MAX).await?;
        let open = found.readable.iter().filter(|of| of.phase == RechargePhase::Offered).count();
        let open = open.saturating_add(found.unreadable.len());
        if open < OPEN_RECHARGES_MAX { Ok(()) } else { Err(OfferError::TooManyOpen) }
    }

    /// Offers a provider a mandate to sign, under its next number. An offer that is open already is
    /// given again, so that any number of requests leaves one. A consent is stored with the offer;
    /// one to other terms, or of another session, replaces the one before.
    ///
    /// # Errors
    ///
    /// [`OfferError::Key`] or [`OfferError::KeyUsed`] for the key, [`OfferError::Books`] when the
    /// limits make no sense or the table fails.
    pub async fn offer_mandate(
        &self,
        provider: &ProviderId,
        limits: MandateLimits,
        consent: Option<&Consent>,
        key: Option<&IdempotencyKey>,
        now: Timestamp,
    ) -> Result<Offered<Mandate>, OfferError> {
        let realm = &self.realms().await?.current;
        change(&self.billing, MANDATE, move |_| async move {
            let account = self.account(provider).await?.account;
            let made = self.made_before(provider, MANDATE_KIND, key, MANDATE_REQUEST).await?;
            if let Some(made) = made {
                let offered =
                    self.record(provider, &MandateId(made), format!("mandate {made}")).await?;
                return Ok(Decision::Keep(Offered::Before(offered)));
            }
            let open = self.open_offer(provider, account.mandates, limits).await?;
            let mut writes = self.billing.writes(MANDATE);
            let offered = match open {
                Some(open) => {
                    let consented = consent.and_then(|consent| open.consented(consent));
                    if consented.is_none() && key.is_none() {
                        return Ok(Decision::Keep(Offered::Before(open)));
                    }
                    Offered::Before(match consented {
                        Some(consented) => writes.mandate(Some(&open), &consented)?,
                        None => open,
                    })
                }
                None => {
                    let (mandate, movement) = account
                        .offer_mandate(realm, limits, now)
                        .map_err(|error| OfferError::Books(error.into()))?;
                    writes.movement(&account, &movement)?;
                    let mandate = mandate.with_consent(consent.cloned());
                    Offered::New(writes.mandate(None, &mandate)?)
                }
            };
            if let Some(IdempotencyKey(key)) = key {
                let made = offered.clone().into_inner().mandate.0;
                let answer = IdempotentAnswer { made, request: MANDATE_REQUEST.to_owned() };
                writes.idempotent(provider, MANDATE_KIND, key, &answer)?;
            }
            Ok(Decision::Save(writes, offered))
        })
        .await
    }

    /// Whether a request with this key was answered with a mandate: it is answered so again,
    /// whatever terms hold by now.
    ///
    /// # Errors
    ///
    /// [`OfferError`] when the table cannot be read.
    pub async fn has_offered_mandate(
        &self,
        provider: &ProviderId,
        key: &IdempotencyKey,
    ) -> Result<bool, OfferError> {
        let made = self.made_before(provider, MANDATE_KIND, Some(key), MANDATE_REQUEST).await?;
        Ok(made.is_some())
    }

    /// The newest mandate, if it is an offer under these limits that can still be signed.
    async fn open_offer(
        &self,
        provider: &ProviderId,
        newest: u32,
        limits: MandateLimits,
    ) -> Result<Option<Mandate>, OfferError> {
        let found: Option<Mandate> = self.billing.find(provider, &MandateId(newest)).await?;
        Ok(found.filter(|mandate| {
            mandate.phase == MandatePhase::Offered
                && mandate.single_limit_fen == limits.single_fen
                && mandate.daily_limit_fen == limits.daily_fen
        }))
    }
}
