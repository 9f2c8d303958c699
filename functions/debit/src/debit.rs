//! Work on a debit: what is due is done, step by step, each stored before and after.

use jiff::Timestamp;
use steelyard_alipay::PayRequest;
use steelyard_billing::breaker::{Breaker, Permit};
use steelyard_billing::{
    Debit, DebitId, Mandate, PayAnswer, Phase, ProviderId, Step, TaskId, TaskRef,
};
use steelyard_books::Begun;

use crate::{Collector, WorkError};

/// The most steps of one message. A debit that needs more is due again.
const STEPS_MAX: usize = 8;

/// After how many tries in a row a debit has been in doubt for more than an hour: five take two
/// minutes, and each further one an hour.
const LONG_DOUBTS: u16 = 6;

impl Collector {
    pub(crate) async fn work_on_debit(
        &self,
        provider: &ProviderId,
        debit: DebitId,
    ) -> Result<(), WorkError> {
        let mut debit: Debit = self.find(provider, &debit).await?;
        let version = debit.task.version;
        for _ in 0..STEPS_MAX {
            let stepped = match debit.next_step(self.clock.now()) {
                Step::Wait => break,
                Step::Pay => self.pay(&debit).await?,
                Step::Query => self.query(&debit).await?,
                Step::Close => self.close(&debit).await?,
                Step::Report => {
                    let now = self.clock.now();
                    self.step(&debit, debit.reported(now)?, now).await?
                }
            };
            match stepped {
                Some(after) => debit = after,
                None => return Ok(()),
            }
        }
        // A message that made no progress leaves the next one to the worker that did.
        if debit.task.version > version {
            let task = TaskRef { provider: provider.clone(), task: TaskId::Debit(debit.debit) };
            self.send_ahead(&task, debit.due_at()).await;
        }
        Ok(())
    }

    /// Sends the debit, if the mandate and the breaker allow it. None when another worker is at it,
    /// or the breaker is open: it is dispatched again when its lease is over.
    async fn pay(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        if self.is_stopped().await? {
            return Ok(None);
        }
        let mandate = self.checked_mandate(debit).await?;
        // The breaker may have opened while the mandate was checked.
        let (permit, breaker) = self.permit(debit).await?;
        if permit == Permit::Stop {
            return Ok(None);
        }
        self.send(debit, mandate.as_ref(), permit == Permit::Probe, &breaker).await
    }

    /// Stores that the debit is sent, sends it, and stores the result.
    async fn send(
        &self,
        debit: &Debit,
        mandate: Option<&Mandate>,
        is_probe: bool,
        breaker: &Breaker,
    ) -> Result<Option<Debit>, WorkError> {
        let sending = match self.books.begin_debit(debit, mandate, self.clock.now()).await? {
            Begun::Send(sending) => sending,
            Begun::NotSent(stored) => {
                log(&stored);
                return Ok(Some(stored));
            }
            Begun::Overtaken => return Ok(None),
        };
        log(&sending);
        let answer = self.alipay.pay(&request(&sending)?, self.clock.now()).await;
        log_own_trouble(&sending, &answer);
        self.report_answer(&answer, is_probe, breaker).await;
        let now = self.clock.now();
        let after = sending.after_pay(answer, &self.books.rules, now)?;
        self.step(&sending, after, now).await
    }

    async fn query(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        let attempt = debit.last_attempt().ok_or(WorkError::NoRequest)?;
        let answer = self.alipay.query(&attempt.out_trade_no, self.clock.now()).await;
        let now = self.clock.now();
        self.step(debit, debit.after_query(answer, now)?, now).await
    }

    async fn close(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        let attempt = debit.last_attempt().ok_or(WorkError::NoRequest)?;
        let answer = self.alipay.close(&attempt.out_trade_no, self.clock.now()).await;
        if let Err(doubt) = &answer {
            tracing::warn!(provider.id = %debit.provider, debit.id = %debit.debit, doubt = doubt.0, "close in doubt");
        }
        let now = self.clock.now();
        self.step(debit, debit.after_close(answer, now)?, now).await
    }

    /// Stores a step. None when another worker stored one meanwhile: a query shows again what this
    /// one saw. Stores a step with the time at which it was taken: the debit and its journal entry
    /// have the same time.
    async fn step(
        &self,
        before: &Debit,
        after: Debit,
        now: Timestamp,
    ) -> Result<Option<Debit>, WorkError> {
        log_end(&after);
        let stored = self.books.step_debit(before, &after, now).await?;
        match &stored {
            Some(debit) => log(debit),
            None => {
                tracing::warn!(provider.id = %before.provider, debit.id = %before.debit, "another worker was faster");
            }
        }
        Ok(stored)
    }
}

/// The stored request of the debit's last attempt.
fn request(sending: &Debit) -> Result<PayRequest, WorkError> {
    let (Some(attempt), Some(terms)) = (sending.last_attempt(), &sending.terms) else {
        return Err(WorkError::NoRequest);
    };
    let (number, content) = (attempt.out_trade_no.clone(), attempt.request.clone());
    Ok(PayRequest::new(number, terms.amount_fen, content)?)
}

/// Logs trouble of our own account at the gateway, where no debit of anybody can succeed.
fn log_own_trouble(debit: &Debit, answer: &PayAnswer) {
    if let PayAnswer::OwnAccount(code) = answer {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            code = code.0,
            // The template makes a metric of it.
            own_account_trouble = 1,
            "our own account at Alipay is in trouble"
        );
    }
}

/// Logs a debit that waits for a person, again every day for as long as it does; and one that is
/// given up. It is logged before it is stored: a crash in between logs it twice, and otherwise it
/// might never be logged.
fn log_end(debit: &Debit) {
    if let Some(given_up) = debit.given_up() {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            amount_fen = debit.terms.as_ref().map(|terms| terms.amount_fen.get()),
            %given_up,
            ends_mandate = given_up.ends_mandate(),
            // The template makes a metric of it.
            given_up_debits = 1,
            "a debit is given up, and its amount owed again"
        );
    }
    if let Phase::Held { why, found } = &debit.phase {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            amount_fen = debit.reserved().get(),
            why,
            found,
            // The template makes a metric of it.
            held_debits = 1,
            "a debit is held until a person resolves it"
        );
    }
}

fn log(debit: &Debit) {
    let amount_fen = debit.terms.as_ref().map(|terms| terms.amount_fen.get());
    tracing::info!(
        provider.id = %debit.provider,
        debit.id = %debit.debit,
        amount_fen,
        attempts = debit.attempt_count(),
        declines = debit.declines.len(),
        phase = ?debit.phase,
        "debit stored"
    );
    if debit.phase == Phase::Due && debit.terms.is_none() {
        tracing::warn!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            // The template makes a metric of it.
            capped_debits = 1,
            "the mandate's daily limit holds a debit back until the next day"
        );
    }
    if let Phase::InDoubt { why } = &debit.phase {
        tracing::warn!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            retries = debit.task.retries,
            why,
            "debit in doubt"
        );
    }
    if debit.is_open() && debit.task.retries > LONG_DOUBTS {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            retries = debit.task.retries,
            // The template makes a metric of it.
            long_doubts = 1,
            "a debit has been in doubt, or throttled, for more than an hour"
        );
    }
}
