//! One visit to a debit: what is due is done, step by step, each stored before and after.

use jiff::Timestamp;
use steelyard_alipay::{Alipay, PayRequest, PayRequestError, Withholding, WithholdingError};
use steelyard_billing::{
    AccountError, CalendarError, Debit, DebitConflict, DebitId, DebitRef, DebitTerms, PayAnswer,
    Phase, ProviderId, Step,
};
use steelyard_runtime::Clock;
use steelyard_store::{BillingTable, CommitError, StoreError};
use thiserror::Error;

/// Visits debits: withholds what is due, and finds out what is in doubt.
#[derive(Debug)]
pub struct Collector {
    billing: BillingTable,
    alipay: Alipay,
    terms: DebitTerms,
    clock: Clock,
}

/// Why a visit failed. The debit is as it was stored last, and the next visit goes on from there.
#[derive(Debug, Error)]
pub enum VisitError {
    /// There is no such debit.
    #[error("{provider} has no debit {debit}")]
    Unknown {
        /// The provider.
        provider: ProviderId,
        /// The debit.
        debit: DebitId,
    },
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request cannot be made: a defect, or a mandate with a number that is none.
    #[error("cannot make the request")]
    Withholding(#[from] WithholdingError),
    /// A debit is being sent without a request: a defect.
    #[error("no request is stored")]
    NoRequest,
    /// What is stored is not a request for this debit.
    #[error("the stored request is not for this debit")]
    Request(#[from] PayRequestError),
    /// The debit was not waiting for what came: a defect.
    #[error("the debit was not waiting for it")]
    Conflict(#[from] DebitConflict),
    /// The debit's end contradicts the account; a person must look.
    #[error("the debit contradicts the account")]
    Account(#[from] AccountError),
    /// The time is outside the calendar.
    #[error("cannot tell the day")]
    Calendar(#[from] CalendarError),
    /// Others kept writing the account.
    #[error("the account keeps changing")]
    Contended,
}

/// The most steps of one visit. A debit that needs more is visited again when it is due.
const STEPS_MAX: usize = 8;

/// How often an account that changed under the end of a debit is read again.
const TRIES: usize = 10;

impl Collector {
    /// A collector over a table and a gateway.
    #[must_use]
    pub fn new(
        billing: BillingTable,
        alipay: Alipay,
        terms: DebitTerms,
        clock: Clock,
    ) -> Collector {
        Collector { billing, alipay, terms, clock }
    }

    /// Does what is due for a debit; nothing when it is not due, or another visit is at it.
    ///
    /// # Errors
    ///
    /// [`VisitError`] naming the cause.
    pub async fn visit(&self, debit: &DebitRef) -> Result<(), VisitError> {
        let DebitRef { provider, debit } = debit;
        let unknown = || VisitError::Unknown { provider: provider.clone(), debit: *debit };
        let mut debit = self.billing.debit(provider, *debit).await?.ok_or_else(unknown)?;
        for _ in 0..STEPS_MAX {
            let stepped = match debit.next_step(self.clock.now()) {
                Step::Wait => return Ok(()),
                Step::Pay => self.pay(&debit).await?,
                Step::Query => self.query(&debit).await?,
                Step::Close => self.close(&debit).await?,
            };
            match stepped {
                Some(after) => debit = after,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// Stores the attempt, asks for the money, and stores what came of it. None when another visit
    /// is at the debit.
    async fn pay(&self, debit: &Debit) -> Result<Option<Debit>, VisitError> {
        let content = self.withholding(debit)?.biz_content()?;
        let sending = debit.sending(content, self.clock.now())?;
        let Some(sending) = self.store(debit, sending).await? else { return Ok(None) };
        let stored = sending.request.clone().ok_or(VisitError::NoRequest)?;
        let request = PayRequest::new(sending.out_trade_no.clone(), sending.amount_fen, stored)?;
        let answer = self.alipay.pay(&request, self.clock.now()).await;
        log_own_trouble(&sending, &answer);
        let now = self.clock.now();
        self.store(&sending, sending.after_pay(answer, &self.terms, now)?).await
    }

    async fn query(&self, debit: &Debit) -> Result<Option<Debit>, VisitError> {
        let answer = self.alipay.query(&debit.out_trade_no, self.clock.now()).await;
        self.store(debit, debit.after_query(answer, self.clock.now())?).await
    }

    async fn close(&self, debit: &Debit) -> Result<Option<Debit>, VisitError> {
        if let Err(doubt) = self.alipay.close(&debit.out_trade_no, self.clock.now()).await {
            tracing::warn!(provider.id = %debit.provider, debit.id = %debit.debit, doubt = doubt.0, "close in doubt");
        }
        self.store(debit, debit.after_close(self.clock.now())?).await
    }

    fn withholding(&self, debit: &Debit) -> Result<Withholding, VisitError> {
        let day = self.terms.calendar.day_of(debit.opened_at_s)?;
        Ok(Withholding {
            out_trade_no: debit.out_trade_no.clone(),
            amount_fen: debit.amount_fen,
            agreement_no: debit.agreement_no.clone(),
            subject: format!("API service fee {day}"),
        })
    }

    /// Stores a step. None when another visit stored one meanwhile: it goes on from there, and what
    /// this one learned will be learned again by a query.
    async fn store(&self, before: &Debit, after: Debit) -> Result<Option<Debit>, VisitError> {
        log_held(&after);
        let stored = if after.is_open() {
            self.billing.commit_debit(before, &after).await
        } else {
            self.end(before, after).await?
        };
        match stored {
            Ok(debit) => {
                log(&debit);
                Ok(Some(debit))
            }
            Err(CommitError::Stale) => {
                tracing::warn!(provider.id = %before.provider, debit.id = %before.debit, "another visit was faster");
                Ok(None)
            }
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// Stores the end of a debit together with what it does to the account, which others may be
    /// writing at the same time.
    async fn end(
        &self,
        before: &Debit,
        after: Debit,
    ) -> Result<Result<Debit, CommitError>, VisitError> {
        for _ in 0..TRIES {
            let unknown =
                || VisitError::Unknown { provider: before.provider.clone(), debit: before.debit };
            let customer = self.billing.customer(&before.provider).await?.ok_or_else(unknown)?;
            if customer.account.open_debit != Some(before.debit) {
                return Ok(Err(CommitError::Stale));
            }
            let mandate = customer.provider.mandate.as_ref();
            let now: Timestamp = self.clock.now();
            let movement = customer.account.end_debit(&after, mandate, &self.terms, now)?;
            match self.billing.commit_debit_end(before, &after, &customer, &movement).await {
                Err(CommitError::Stale) => {}
                Err(error) => return Ok(Err(error)),
                Ok(ended) => {
                    log_end(&ended, movement.mandate.is_some());
                    return Ok(Ok(ended));
                }
            }
        }
        Err(VisitError::Contended)
    }
}

/// Tells of trouble with our own account at the gateway, where no debit of anybody can succeed.
fn log_own_trouble(debit: &Debit, answer: &PayAnswer) {
    if let PayAnswer::OwnAccount(refusal) = answer {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            code = refusal.0,
            // The template makes a metric of it.
            own_account_trouble = 1,
            "our own account at Alipay is in trouble"
        );
    }
}

/// Tells of a debit that will be left alone until a person resolves it. It is told before it is
/// stored: whoever dies in between tells it twice, and the other way round it might never be told.
fn log_held(debit: &Debit) {
    if let Phase::Held { why, ask: false, found } = &debit.phase {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            amount_fen = debit.amount_fen.get(),
            why,
            found,
            // The template makes a metric of it.
            held_debits = 1,
            "a debit is held until a person resolves it"
        );
    }
}

fn log_end(debit: &Debit, ends_mandate: bool) {
    if let Some(given_up) = debit.given_up() {
        tracing::warn!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            amount_fen = debit.amount_fen.get(),
            %given_up,
            ends_mandate,
            "a debit is given up, and its amount owed again"
        );
    }
}

fn log(debit: &Debit) {
    tracing::info!(
        provider.id = %debit.provider,
        debit.id = %debit.debit,
        amount_fen = debit.amount_fen.get(),
        attempt = debit.attempt,
        declines = debit.declines,
        window_declines = debit.window_declines,
        phase = ?debit.phase,
        "debit stored"
    );
    if let Phase::InDoubt { why } = &debit.phase {
        tracing::warn!(provider.id = %debit.provider, debit.id = %debit.debit, doubts = debit.doubts, why, "debit in doubt");
    }
}
