//! `steelyard refund`: money that is given back by the operator's decision.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use steelyard_billing::{
    Debit, OutRequestNo, OutTradeNo, ProviderId, Reason, Recharge, Refund, RefundPhase, RefundRef,
    TradeNumber, TradeOf,
};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;
use steelyard_store::{CommitError, ProviderAccount};

use super::customer;
use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Give money back that Alipay took: of a recharge or found money, as far as it is not used; of a
/// debit, as a gift.
///
/// The refund is stored here, and asked for by the debit function within a minute. The request's
/// name makes it happen once: the same command again shows how it stands. What a debit collected
/// stays charged; a wrong charge is a matter of the plan or of an override.
#[derive(Debug, Args)]
pub(crate) struct RefundArgs {
    /// The provider.
    provider: ProviderId,
    /// How much, in yuan.
    amount: Fen,
    /// Our number of the trade to give back of, as `debits show`, `account show` and the bill have it.
    #[arg(long, value_parser = out_trade_no)]
    trade: OutTradeNo,
    /// What names this refund: letters, digits and underscores, 64 at most. Alipay gives back once
    /// under a name.
    #[arg(long, value_parser = out_request_no)]
    request: OutRequestNo,
    /// Why, for whoever looks at it later.
    #[arg(long)]
    reason: String,
}

fn out_trade_no(text: &str) -> Result<OutTradeNo, steelyard_billing::NumberError> {
    OutTradeNo::parse(text)
}

fn out_request_no(text: &str) -> Result<OutRequestNo, steelyard_billing::NumberError> {
    OutRequestNo::parse(text)
}

impl RefundArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let tables = target.tables().await?;
        let refund = self.ask(&tables, platform.clock()?.now()).await?;
        show(target, &refund)
    }

    /// Stores the refund, once by its name; gives it as it stands.
    async fn ask(&self, tables: &Tables, now: Timestamp) -> Result<Refund, Error> {
        let reason = Reason::new(&self.reason)?;
        let number =
            RefundRef { out_trade_no: self.trade.clone(), out_request_no: self.request.clone() };
        let (of, taken, is_found) = self.trade_of(tables).await?;
        loop {
            if let Some(found) = tables.billing.find::<Refund>(&self.provider, &number).await? {
                return self.same(found);
            }
            // Read before the refunds: whoever stores another meanwhile writes it too.
            let ProviderAccount { account, .. } = customer(tables, &self.provider).await?;
            self.check_rest(tables, taken).await?;
            let refund =
                Refund::ask(&self.provider, number.clone(), of, self.amount, reason.as_str(), now);
            let refund = if is_found { refund.of_found_money() } else { refund };
            let movement = account.refund_asked(&refund, now)?;
            let stored =
                tables.billing.store_moving(None, &refund, &account, &movement, None).await;
            match stored {
                Ok(stored) => return Ok(stored),
                Err(CommitError::Stale) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// What the trade is for, what Alipay took by it, and whether that was found money: it must be one
    /// of the provider's, and paid.
    async fn trade_of(&self, tables: &Tables) -> Result<(TradeOf, Fen, bool), Error> {
        let number = TradeNumber::parse(self.trade.as_str());
        let is_its_own =
            |number: &TradeNumber| *number == TradeNumber::new(&self.provider, number.of);
        let number = number.filter(is_its_own).ok_or_else(|| self.no_trade("has no trade"))?;
        let mut is_found = false;
        let taken = match number.of {
            TradeOf::Debit { debit, attempt } => {
                let debit: Option<Debit> = tables.billing.find(&self.provider, &debit).await?;
                is_found = debit.as_ref().is_some_and(|debit| debit.is_found(attempt));
                debit.and_then(|debit| debit.paid_by_attempt(attempt))
            }
            TradeOf::Recharge(recharge) => {
                let recharge: Option<Recharge> =
                    tables.billing.find(&self.provider, &recharge).await?;
                recharge.and_then(|recharge| recharge.payment())
            }
        };
        let taken = taken.ok_or_else(|| self.no_trade("paid nothing by trade"))?;
        Ok((number.of, taken.amount_fen, is_found))
    }

    fn no_trade(&self, what: &str) -> Error {
        format!("`{}` {what} {}", self.provider, self.trade).into()
    }

    /// All refunds of a trade together give back no more than it took.
    async fn check_rest(&self, tables: &Tables, taken: Fen) -> Result<(), Error> {
        let refunds: Vec<Refund> = tables.billing.all(&self.provider).await?;
        let of_trade = refunds.iter().filter(|refund| refund.out_trade_no == self.trade);
        let asked = of_trade.filter(|refund| match refund.phase {
            RefundPhase::Due
            | RefundPhase::Sending
            | RefundPhase::Refusing { .. }
            | RefundPhase::Done => true,
            RefundPhase::Refused { .. } => false,
        });
        let rest = taken.minus(Fen::sum(asked.map(|refund| refund.amount_fen))?)?;
        if self.amount > rest {
            return Err(format!("of trade {} ¥{rest} can be given back", self.trade).into());
        }
        Ok(())
    }

    /// A refund of the same name is the same refund.
    fn same(&self, found: Refund) -> Result<Refund, Error> {
        if found.amount_fen == self.amount {
            return Ok(found);
        }
        let (name, amount) = (&self.request, found.amount_fen);
        Err(format!("refund {name} is of ¥{amount}; another one needs another name").into())
    }
}

fn show(target: &TargetArgs, refund: &Refund) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!(refund))?;
    } else {
        let Refund { amount_fen, provider, .. } = refund;
        let (number, state) = (refund.number(), state(refund));
        output::print(format_args!("¥{amount_fen} of {provider}, refund {number}: {state}"))?;
    }
    Ok(match refund.phase {
        RefundPhase::Refused { .. } => Exit::NotAllWell,
        RefundPhase::Due
        | RefundPhase::Sending
        | RefundPhase::Refusing { .. }
        | RefundPhase::Done => Exit::Done,
    })
}

fn state(refund: &Refund) -> String {
    match &refund.phase {
        RefundPhase::Due => "to be asked for".to_owned(),
        RefundPhase::Sending => "asked for; what came of it is not known yet".to_owned(),
        RefundPhase::Refusing { code } => format!("refused, to be proved: {}", code.0),
        RefundPhase::Done => "given back".to_owned(),
        RefundPhase::Refused { code } => format!("refused, nothing was given back: {}", code.0),
    }
}
