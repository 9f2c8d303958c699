//! `steelyard refund`: refunds that an operator decides.

use clap::Args;
use serde_json::json;
use steelyard_billing::{
    OutRequestNo, OutTradeNo, ProviderId, Reason, Refund, RefundPhase, RefundRef,
};
use steelyard_books::{Books, RefundAsked};
use steelyard_pricing::Fen;
use steelyard_runtime::Error;

use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};
use crate::values;

/// Refund money that Alipay took: unused money of a recharge or a found payment, or money of a
/// debit as goodwill.
///
/// The command stores the refund, and the debit function requests it at Alipay within a minute. The
/// request's name makes it happen once: the same command again shows its state. What a debit
/// collected stays charged. A wrong charge is corrected by a plan, an override, or by withdrawing
/// the usage, which credits it to the account: do not give the money of such a debit back besides.
/// Exits with 3 if Alipay refused it and nobody has acknowledged that.
#[derive(Debug, Args)]
pub(crate) struct RefundArgs {
    /// The provider's id.
    provider: ProviderId,
    /// How much, in yuan; not with `--acknowledge`.
    #[arg(required_unless_present = "acknowledge", conflicts_with = "acknowledge",
        value_parser = values::amount, allow_negative_numbers = true)]
    amount: Option<Fen>,
    /// Acknowledge that the refund was refused: it raises no more alarms. Nothing is given back.
    #[arg(long)]
    acknowledge: bool,
    /// Our number of the trade to give back of, as `debits show`, `account show` and the bill have
    /// it.
    #[arg(long, value_parser = out_trade_no)]
    trade: OutTradeNo,
    /// The name of this refund: at most 64 letters, digits and underscores. Alipay refunds once by
    /// a name.
    #[arg(long, value_parser = out_request_no)]
    request: OutRequestNo,
    /// The reason, which is kept with the refund.
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
        let system = target.system(platform).await?;
        let refund = self.refund(&system.books()?, system.clock.now()).await?;
        show(target, &refund)
    }

    async fn refund(&self, books: &Books, now: jiff::Timestamp) -> Result<Refund, Error> {
        let reason = Reason::new(&self.reason)?;
        let number =
            RefundRef { out_trade_no: self.trade.clone(), out_request_no: self.request.clone() };
        let Some(amount) = self.amount else {
            return Ok(books.acknowledge_refund(&self.provider, &number, &reason).await?);
        };
        match books.ask_refund(&self.provider, &number, amount, &reason, now).await? {
            RefundAsked::Stands(refund) => Ok(*refund),
            RefundAsked::NumberUsed(refund) => Err(format!(
                "refund {} is of ¥{}; another one needs another name",
                self.request, refund.amount_fen
            )
            .into()),
            RefundAsked::NotPaid => {
                Err(format!("`{}` paid nothing by trade {}", self.provider, self.trade).into())
            }
            RefundAsked::OfDeposit => Err(format!(
                "trade {} paid the deposit of `{}`: return it by `steelyard deposit return`",
                self.trade, self.provider
            )
            .into()),
            RefundAsked::TooMuch { rest } => {
                Err(format!("of trade {} ¥{rest} can be given back", self.trade).into())
            }
        }
    }
}

fn show(target: &TargetArgs, refund: &Refund) -> Result<Exit, Error> {
    if target.json {
        output::json(&json!(refund))?;
    } else {
        let Refund { amount_fen, provider, phase, .. } = refund;
        let number = refund.number();
        output::print(format_args!("¥{amount_fen} of {provider}, refund {number}: {phase}"))?;
    }
    Ok(match refund.phase {
        RefundPhase::Refused { acknowledged: None, .. } => Exit::NotAllWell,
        RefundPhase::Refused { acknowledged: Some(_), .. }
        | RefundPhase::Due
        | RefundPhase::Sending
        | RefundPhase::Confirming { .. }
        | RefundPhase::Done => Exit::Done,
    })
}
