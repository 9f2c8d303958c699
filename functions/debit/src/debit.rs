//! A visit to a debit: what is due is done, step by step, each stored before and after.

use steelyard_alipay::{PayRequest, Withholding};
use steelyard_billing::breaker::Permit;
use steelyard_billing::{Debit, DebitId, PayAnswer, Phase, ProviderId, Step, TaskId, TaskRef};
use steelyard_store::CommitError;

use crate::mandate::Clearance;
use crate::{Collector, WorkError};

/// The most steps of one visit. A debit that needs more is visited again when it is due.
const STEPS_MAX: usize = 8;

impl Collector {
    pub(crate) async fn visit_debit(
        &self,
        provider: &ProviderId,
        debit: DebitId,
    ) -> Result<(), WorkError> {
        let mut debit: Debit = self.find(provider, &debit).await?;
        let version = debit.version;
        for _ in 0..STEPS_MAX {
            let stepped = match debit.next_step(self.clock.now()) {
                Step::Wait => break,
                Step::Pay => self.pay(&debit).await?,
                Step::Query => self.query(&debit).await?,
                Step::Close => self.close(&debit).await?,
            };
            match stepped {
                Some(after) => debit = after,
                None => return Ok(()),
            }
        }
        // Who found nothing to do leaves the next visit to who did.
        if debit.version > version {
            let visit = TaskRef { provider: provider.clone(), to: TaskId::Debit(debit.debit) };
            self.come_again(&visit, debit.due_at()).await;
        }
        Ok(())
    }

    /// Asks for the money, if the mandate and the breaker allow it. None when another visit is at the
    /// debit, or the breaker is open: it comes due again when its lease is over.
    async fn pay(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        let now = self.clock.now();
        match self.cleared(debit).await? {
            Clearance::Go => {}
            Clearance::NotToday(why) => {
                return self.store_debit(debit, debit.postponed(why, &self.terms, now)?).await;
            }
            Clearance::Dead(why) => {
                return self.store_debit(debit, debit.without_mandate(why, now)?).await;
            }
        }
        match self.permit(debit).await? {
            Permit::Go => self.ask(debit, false).await,
            Permit::Probe => self.ask(debit, true).await,
            Permit::Stop => Ok(None),
        }
    }

    /// Stores the attempt, asks for the money, and stores what came of it.
    async fn ask(&self, debit: &Debit, is_probe: bool) -> Result<Option<Debit>, WorkError> {
        let content = self.withholding(debit)?.biz_content()?;
        let sending = debit.sending(content, self.clock.now())?;
        let Some(sending) = self.store_debit(debit, sending).await? else { return Ok(None) };
        let stored = sending.request.clone().ok_or(WorkError::NoRequest)?;
        let request = PayRequest::new(sending.out_trade_no.clone(), sending.amount_fen, stored)?;
        let answer = self.alipay.pay(&request, self.clock.now()).await;
        log_own_trouble(&sending, &answer);
        let now = self.clock.now();
        let after = sending.after_pay(answer.clone(), &self.terms, now)?;
        let stored = self.store_debit(&sending, after).await?;
        self.tell_breaker(&answer, is_probe).await;
        Ok(stored)
    }

    async fn query(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        let answer = self.alipay.query(&debit.out_trade_no, self.clock.now()).await;
        self.store_debit(debit, debit.after_query(answer, self.clock.now())?).await
    }

    async fn close(&self, debit: &Debit) -> Result<Option<Debit>, WorkError> {
        let answer = self.alipay.close(&debit.out_trade_no, self.clock.now()).await;
        if let Err(doubt) = &answer {
            tracing::warn!(provider.id = %debit.provider, debit.id = %debit.debit, doubt = doubt.0, "close in doubt");
        }
        self.store_debit(debit, debit.after_close(answer, self.clock.now())?).await
    }

    fn withholding(&self, debit: &Debit) -> Result<Withholding, WorkError> {
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
    async fn store_debit(&self, before: &Debit, after: Debit) -> Result<Option<Debit>, WorkError> {
        log_held(&after);
        let stored = if after.is_open() {
            match self.billing.store(Some(before), &after).await {
                Ok(stored) => Some(stored),
                Err(CommitError::Stale) => None,
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        } else {
            self.billing.end_debit(before, &after, &self.terms, self.clock.now()).await?
        };
        match &stored {
            Some(debit) => log(debit),
            None => {
                tracing::warn!(provider.id = %before.provider, debit.id = %before.debit, "another visit was faster");
            }
        }
        Ok(stored)
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
    if let Some(given_up) = debit.given_up() {
        tracing::warn!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            amount_fen = debit.amount_fen.get(),
            %given_up,
            ends_mandate = given_up.ends_mandate(),
            "a debit is given up, and its amount owed again"
        );
    }
    if let Phase::InDoubt { why } = &debit.phase {
        tracing::warn!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            doubts = debit.doubts,
            why,
            "debit in doubt"
        );
    }
    if debit.is_open() && debit.doubts > LONG_DOUBTS {
        tracing::error!(
            provider.id = %debit.provider,
            debit.id = %debit.debit,
            doubts = debit.doubts,
            // The template makes a metric of it.
            long_doubts = 1,
            "a debit has been in doubt for more than an hour"
        );
    }
}

/// After how many doubts in a row a debit has been in doubt for more than an hour: five take two
/// minutes, each more an hour.
const LONG_DOUBTS: u16 = 6;
