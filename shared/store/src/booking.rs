//! Booking what came to light about a trade: read, decide by the pure core, store if nothing has
//! changed, and otherwise decide again.

use jiff::Timestamp;
use steelyard_billing::mandate::{EndReason, MandateOutcome};
use steelyard_billing::{
    Account, AccountError, Debit, DebitId, DebitTerms, GivenUp, Learned, Mandate, MandateId,
    Movement, OutTradeNo, Payment, Proved, ProviderId, Recharge, RechargeId, Refund, RefundPhase,
    RefundRef, Reversal, TradeNumber, TradeOf, Unmatched,
};
use steelyard_pricing::{Fen, MoneyError};
use thiserror::Error;

use crate::{BillingTable, CommitError, MandateChange, ProviderAccount, StoreError};

/// What became of something that came to light.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booked {
    /// It is in the books now.
    Now(ProviderId),
    /// It was in the books before: nothing changed.
    Before(ProviderId),
    /// It contradicts the books: nothing changed.
    Contradicts(ProviderId),
    /// The books have no such trade.
    Unknown,
}

/// What became of a mandate that was to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MandateBooked {
    /// It is stored so now.
    Now(Mandate),
    /// It was so before: nothing changed.
    Before(Mandate),
    /// What came to light contradicts it, or is about another's agreement: nothing changed.
    Crossed(Mandate),
    /// There is no such mandate.
    Unknown,
}

/// Why nothing could be booked. Nothing changed; doing it again is safe.
#[derive(Debug, Error)]
pub enum BookingError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The account does not allow it; a person must look.
    #[error("it contradicts the account")]
    Account(#[from] AccountError),
    /// An amount leaves its range.
    #[error("cannot compute what was moved")]
    Money(#[from] MoneyError),
    /// Others kept writing the same records.
    #[error("the account keeps changing")]
    Contended,
}

/// How a booking that others were faster than goes on.
enum Try<T> {
    Done(T),
    Again,
}

/// How often a booking is decided again.
const TRIES: usize = 10;

impl BillingTable {
    /// Books a proof that a trade was paid: by a verified notification, a query's answer or a bill.
    ///
    /// # Errors
    ///
    /// [`BookingError`] naming the cause.
    pub async fn book_payment(
        &self,
        trade: &TradeNumber,
        payment: &Payment,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Booked, BookingError> {
        let Some(provider) = self.provider_of(&trade.provider).await? else {
            return Ok(Booked::Unknown);
        };
        for _ in 0..TRIES {
            let tried = match trade.of {
                TradeOf::Debit { debit, attempt } => {
                    self.debit_paid(&provider, debit, attempt, payment, terms, now).await?
                }
                TradeOf::Recharge(recharge) => {
                    self.recharge_paid(&provider, recharge, payment, now).await?
                }
            };
            if let Try::Done(booked) = tried {
                return Ok(booked);
            }
        }
        Err(BookingError::Contended)
    }

    async fn debit_paid(
        &self,
        provider: &ProviderId,
        debit: DebitId,
        attempt: u16,
        payment: &Payment,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Try<Booked>, BookingError> {
        let Some(before) = self.find::<Debit>(provider, &debit).await? else {
            return Ok(Try::Done(Booked::Unknown));
        };
        match before.learn_paid(attempt, payment, now) {
            Learned::Known => Ok(Try::Done(Booked::Before(provider.clone()))),
            Learned::Contradicts => Ok(Try::Done(Booked::Contradicts(provider.clone()))),
            Learned::New(Proved::Paid(after)) => {
                let ended = self.end_debit(&before, &after, terms, now).await?;
                Ok(ended.map_or(Try::Again, |_| Try::Done(Booked::Now(provider.clone()))))
            }
            Learned::New(Proved::Found(after)) => {
                let ProviderAccount { account, .. } = self.existing(provider).await?;
                let movement = account.debit_found(debit, attempt, payment, now)?;
                let trade = TradeNumber::new(provider, TradeOf::Debit { debit, attempt });
                let moved = moved(&movement, &trade, None)?;
                let stored = self
                    .store_moving(Some(&before), &after, &account, &movement, moved.as_ref())
                    .await;
                tried(stored, provider)
            }
        }
    }

    async fn recharge_paid(
        &self,
        provider: &ProviderId,
        recharge: RechargeId,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Try<Booked>, BookingError> {
        let Some(before) = self.find::<Recharge>(provider, &recharge).await? else {
            return Ok(Try::Done(Booked::Unknown));
        };
        let after = match before.learn_paid(payment) {
            Learned::Known => return Ok(Try::Done(Booked::Before(provider.clone()))),
            Learned::Contradicts => return Ok(Try::Done(Booked::Contradicts(provider.clone()))),
            Learned::New(after) => after,
        };
        let ProviderAccount { account, .. } = self.existing(provider).await?;
        let movement = account.recharge_paid(recharge, payment, now)?;
        let trade = TradeNumber::new(provider, TradeOf::Recharge(recharge));
        let moved = moved(&movement, &trade, None)?;
        let stored =
            self.store_moving(Some(&before), &after, &account, &movement, moved.as_ref()).await;
        tried(stored, provider)
    }

    /// Stores the end of a debit with what it does to the account, which others may be writing at
    /// the same time. Gives it as it is stored; none when another has stored its end, or the debit
    /// was written since it was read.
    ///
    /// # Errors
    ///
    /// [`BookingError`] naming the cause.
    pub async fn end_debit(
        &self,
        before: &Debit,
        after: &Debit,
        terms: &DebitTerms,
        now: Timestamp,
    ) -> Result<Option<Debit>, BookingError> {
        for _ in 0..TRIES {
            let customer = self.existing(&before.provider).await?;
            if customer.account.open_debit != Some(before.debit) {
                return Ok(None);
            }
            let mandate = customer.provider.mandate.as_ref();
            let movement = customer.account.end_debit(after, mandate, terms, now)?;
            let suspended = self.suspended_by(after, now).await?;
            let committed = self
                .commit_debit_end(before, after, &customer, &movement, suspended.as_ref())
                .await;
            match committed {
                Ok(ended) => return Ok(Some(ended)),
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Stale) => {}
            }
            let found = self.find::<Debit>(&before.provider, &before.debit).await?;
            if found.is_none_or(|found| found.version != before.version) {
                return Ok(None);
            }
        }
        Err(BookingError::Contended)
    }

    /// The mandate that a debit's end suspends, if it does.
    async fn suspended_by(
        &self,
        debit: &Debit,
        now: Timestamp,
    ) -> Result<Option<MandateChange>, StoreError> {
        if !debit.given_up().is_some_and(GivenUp::ends_mandate) {
            return Ok(None);
        }
        let before = self.find::<Mandate>(&debit.provider, &debit.mandate).await?;
        let after = before.as_ref().and_then(|mandate| mandate.suspended_by(debit, now));
        Ok(after.map(|after| MandateChange { before, after }))
    }

    /// Changes a mandate by something that came to light of it, or that a person wants. One that
    /// becomes active replaces the one that was in use.
    ///
    /// # Errors
    ///
    /// [`BookingError`] naming the cause.
    pub async fn change_mandate(
        &self,
        provider: &ProviderId,
        mandate: MandateId,
        now: Timestamp,
        decide: impl Fn(&Mandate) -> MandateOutcome + Send,
    ) -> Result<MandateBooked, BookingError> {
        for _ in 0..TRIES {
            let Some(before) = self.find::<Mandate>(provider, &mandate).await? else {
                return Ok(MandateBooked::Unknown);
            };
            let after = match decide(&before) {
                MandateOutcome::Known => return Ok(MandateBooked::Before(before)),
                MandateOutcome::Crossed => return Ok(MandateBooked::Crossed(before)),
                MandateOutcome::Changed(after) => after,
            };
            if self.is_anothers(&before, &after).await? {
                return Ok(MandateBooked::Crossed(before));
            }
            match self.store_change(before, after, now).await {
                Ok(stored) => return Ok(MandateBooked::Now(stored)),
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(BookingError::Contended)
    }

    /// Whether an agreement that a mandate is told to be is another mandate's.
    async fn is_anothers(&self, before: &Mandate, after: &Mandate) -> Result<bool, StoreError> {
        let Some(agreement_no) =
            after.agreement_no.as_ref().filter(|_| before.agreement_no.is_none())
        else {
            return Ok(false);
        };
        let owner = self.agreement_owner(agreement_no).await?;
        Ok(owner.is_some_and(|owner| {
            owner.provider != after.provider || owner.mandate != after.mandate
        }))
    }

    async fn store_change(
        &self,
        before: Mandate,
        after: Mandate,
        now: Timestamp,
    ) -> Result<Mandate, CommitError> {
        let is_new_agreement = before.agreement_no != after.agreement_no;
        if before.in_use() == after.in_use() && !is_new_agreement {
            return self.store(Some(&before), &after).await;
        }
        let customer = self.existing(&after.provider).await?;
        let mut after = after;
        let mut changes = Vec::new();
        match self.other_in_use(&customer, &after).await? {
            // A signature that comes to light late does not take the place of a newer one.
            Some(other) if after.was_signed_before(&other) => {
                let why = EndReason::Replaced { by: other.mandate };
                after = after.ending(why, now).unwrap_or(after);
            }
            Some(other) => changes.extend(replaced(other, &after, now)),
            None => {}
        }
        let stored = Mandate { version: before.version + 1, ..after.clone() };
        changes.push(MandateChange { before: Some(before), after });
        self.store_mandates(&customer, &customer.account, &changes).await?;
        Ok(stored)
    }

    /// Adopts a mandate that was signed elsewhere; it replaces the one that was in use.
    ///
    /// # Errors
    ///
    /// [`CommitError::Stale`] when others write the account meanwhile, or the agreement is another
    /// mandate's.
    pub async fn adopt_mandate(
        &self,
        customer: &ProviderAccount,
        adopted: &Mandate,
        counted: &Account,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let other = self.other_in_use(customer, adopted).await?;
        let mut changes = Vec::from_iter(other.and_then(|other| replaced(other, adopted, now)));
        changes.push(MandateChange { before: None, after: adopted.clone() });
        self.store_mandates(customer, counted, &changes).await
    }

    /// The other mandate that is in use, if this one is to be.
    async fn other_in_use(
        &self,
        customer: &ProviderAccount,
        mandate: &Mandate,
    ) -> Result<Option<Mandate>, StoreError> {
        let in_use = customer.provider.mandate.as_ref().map(|in_use| in_use.mandate);
        let other = in_use.filter(|other| *other != mandate.mandate);
        match other.filter(|_| mandate.in_use().is_some()) {
            Some(other) => self.find(&mandate.provider, &other).await,
            None => Ok(None),
        }
    }

    /// Books money that Alipay gave back of a trade though we did not ask, once by its number.
    ///
    /// # Errors
    ///
    /// [`BookingError`] naming the cause.
    pub async fn book_reversal(
        &self,
        provider: &ProviderId,
        number: &RefundRef,
        of: TradeOf,
        amount: Fen,
        now: Timestamp,
    ) -> Result<Booked, BookingError> {
        for _ in 0..TRIES {
            let before = self.find::<Reversal>(provider, number).await?;
            let noticed = before
                .clone()
                .unwrap_or_else(|| Reversal::noticed(provider, number.clone(), of, now));
            let Some(after) = noticed.booked(amount) else {
                return Ok(if noticed.amount() == Some(amount) {
                    Booked::Before(provider.clone())
                } else {
                    Booked::Contradicts(provider.clone())
                });
            };
            let ProviderAccount { account, .. } = self.existing(provider).await?;
            let Some(taken) = self.taken(provider, of).await? else { return Ok(Booked::Unknown) };
            let given_back = self.given_back(provider, &number.out_trade_no).await?;
            if given_back.plus(amount)? > taken {
                return Ok(Booked::Contradicts(provider.clone()));
            }
            let movement = account.reversed(number.clone(), amount, now)?;
            let trade = TradeNumber::new(provider, of);
            let moved = moved(&movement, &trade, Some(number))?;
            let stored = self
                .store_moving(before.as_ref(), &after, &account, &movement, moved.as_ref())
                .await;
            if let Try::Done(booked) = tried(stored, provider)? {
                return Ok(booked);
            }
        }
        Err(BookingError::Contended)
    }

    /// What the books say that a trade took; none if they don't say so.
    async fn taken(&self, provider: &ProviderId, of: TradeOf) -> Result<Option<Fen>, StoreError> {
        let payment = match of {
            TradeOf::Debit { debit, attempt } => {
                let debit = self.find::<Debit>(provider, &debit).await?;
                debit.and_then(|debit| debit.paid_by_attempt(attempt))
            }
            TradeOf::Recharge(id) => {
                let recharge = self.find::<Recharge>(provider, &id).await?;
                recharge.and_then(|recharge| recharge.payment())
            }
        };
        Ok(payment.map(|payment| payment.amount_fen))
    }

    /// What was given back of a trade by now, or is being given back.
    async fn given_back(
        &self,
        provider: &ProviderId,
        trade: &OutTradeNo,
    ) -> Result<Fen, BookingError> {
        let refunds = self.all::<Refund>(provider).await?.into_iter().filter(|refund| {
            let is_refused = matches!(refund.phase, RefundPhase::Refused { .. });
            refund.out_trade_no == *trade && !is_refused
        });
        let reversals = self.all::<Reversal>(provider).await?.into_iter();
        let reversals = reversals.filter(|reversal| reversal.out_trade_no == *trade);
        let amounts = refunds.map(|refund| refund.amount_fen);
        Ok(Fen::sum(amounts.chain(reversals.filter_map(|reversal| reversal.amount())))?)
    }

    /// Stores a step of a refund, with the money that its end moves. Gives it as it is stored.
    ///
    /// # Errors
    ///
    /// [`BookingError`] naming the cause; the inner [`CommitError::Stale`] when the refund or the
    /// account was written meanwhile.
    pub async fn store_refund(
        &self,
        before: &Refund,
        after: &Refund,
        now: Timestamp,
    ) -> Result<Result<Refund, CommitError>, BookingError> {
        let ProviderAccount { account, .. } = self.existing(&before.provider).await?;
        let movement = match after.phase {
            RefundPhase::Done => account.refund_done(after, now)?,
            RefundPhase::Refused { .. } => account.refund_refused(after, now)?,
            RefundPhase::Due | RefundPhase::Sending | RefundPhase::Refusing { .. } => {
                return Ok(self.store(Some(before), after).await);
            }
        };
        let trade = TradeNumber::new(&after.provider, after.of);
        let moved = moved(&movement, &trade, Some(&after.number()))?;
        Ok(self.store_moving(Some(before), after, &account, &movement, moved.as_ref()).await)
    }

    /// A provider that has records, and so is registered.
    async fn existing(&self, provider: &ProviderId) -> Result<ProviderAccount, StoreError> {
        let missing = || StoreError::corrupt("read an account", format!("{provider} has none"));
        self.customer(provider).await?.ok_or_else(missing)
    }
}

/// The mandate whose place another takes: it is to be ended at Alipay.
fn replaced(other: Mandate, by: &Mandate, now: Timestamp) -> Option<MandateChange> {
    let after = other.ending(EndReason::Replaced { by: by.mandate }, now).ok()?;
    Some(MandateChange { before: Some(other), after })
}

/// What the bill has to show of a movement.
fn moved(
    movement: &Movement,
    trade: &TradeNumber,
    refund: Option<&RefundRef>,
) -> Result<Option<Unmatched>, MoneyError> {
    let Some(entry) = &movement.entry else { return Ok(None) };
    Unmatched::of(entry, &trade.out_trade_no(), refund.map(|number| &number.out_request_no))
}

fn tried<R>(
    stored: Result<R, CommitError>,
    provider: &ProviderId,
) -> Result<Try<Booked>, BookingError> {
    match stored {
        Ok(_) => Ok(Try::Done(Booked::Now(provider.clone()))),
        Err(CommitError::Stale) => Ok(Try::Again),
        Err(CommitError::Store(error)) => Err(error.into()),
    }
}
