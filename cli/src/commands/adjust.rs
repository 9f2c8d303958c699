//! `steelyard adjust`: a credit or debit note for a closed month.

use clap::Args;
use serde_json::json;
use steelyard_billing::{
    AdjustmentId, AdjustmentOf, AdjustmentRequest, Person, ProviderId, Reason, ReportRef,
    StatementId,
};
use steelyard_books::Adjusted;
use steelyard_pricing::Fen;
use steelyard_runtime::Error;

use super::adjustments::{Shown, print_one};
use super::effect::Effect;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Make a credit or debit note for what was charged in a month that is closed.
///
/// The next statement shows it on a line of its own, with its reason, its author and what it refers
/// to. A credit pays what is owed, and the rest becomes prepaid money; a debit note is paid as
/// usage is. It changes nothing of what the month's usage costs. Usage of an open month is
/// corrected by `steelyard usage void`, `replace` or `correct` instead. The same command again
/// makes no second note, and fails if the note was rejected. Where the platform's rules need an
/// approval, a second person gives it by `steelyard adjustments approve`.
#[derive(Debug, Args)]
pub(crate) struct AdjustArgs {
    /// The provider that is credited or charged.
    provider: ProviderId,
    /// How much, in yuan: `--amount=-12.34` credits, `--amount=12.34` charges.
    #[arg(long, value_parser = values::signed_amount, allow_negative_numbers = true)]
    amount: Fen,
    /// The statement that it corrects: a day such as `2015-05-17`, or a supplement such as
    /// `2015-05-31+1`.
    #[arg(long)]
    statement: StatementId,
    /// The line of the statement that it is about, as `steelyard statement --explain` numbers it.
    #[arg(long)]
    line: Option<u16>,
    /// A usage report that it is about, as SOURCE/ID; may be repeated.
    #[arg(long = "report", value_parser = values::report)]
    reports: Vec<ReportRef>,
    /// Why, which stands on the statement.
    #[arg(long, value_parser = Reason::new)]
    reason: Reason,
    /// The name of the person who makes it, which stands on the statement.
    #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
    by: Person,
    /// Its name among the provider's adjustments; made from the other options unless given.
    #[arg(long)]
    id: Option<AdjustmentId>,
    /// Show what it would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl AdjustArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = match self.dry_run {
            true => target.system_to_read(platform).await?,
            false => target.system(platform).await?,
        };
        let (books, usage) = (system.books()?, &system.tables.usage);
        let (provider, is_dry_run) = (self.provider.clone(), self.dry_run);
        let (request, now) = (self.request(), system.clock.now());
        let adjusted = match is_dry_run {
            true => books.adjustment_asked(usage, &provider, &request, now).await?,
            false => books.adjust(usage, &provider, &request, now).await?,
        };
        let (what, adjustment, effect) = match adjusted {
            Adjusted::Now(adjustment) if is_dry_run => {
                let effect = effect(target, &system, &provider, request.amount_fen).await?;
                ("to be made", adjustment, Some(effect))
            }
            Adjusted::Now(adjustment) => ("made", adjustment, None),
            Adjusted::Before(adjustment) => ("made before", adjustment, None),
        };
        let shown = Shown::of(adjustment, &books.rules);
        if target.json {
            // A program that reads `effect` must not take it for what the next statement does.
            let (effect, if_approved) =
                if shown.needs_approval { (None, effect) } else { (effect, None) };
            let json = json!({
                "outcome": what,
                "adjustment": shown,
                "effect": effect,
                "effect_if_approved": if_approved,
            });
            output::json(&json)?;
            return Ok(Exit::Done);
        }
        output::print(what)?;
        print_one(&shown, &system.times()?)?;
        if effect.is_some() && shown.needs_approval {
            output::print("if a second person approves it:")?;
        }
        effect.map_or(Ok(()), |effect| effect.print(&provider))?;
        Ok(Exit::Done)
    }

    fn request(self) -> AdjustmentRequest {
        let AdjustArgs { amount, statement, line, reports, reason, by, id, .. } = self;
        let of = AdjustmentOf { corrects: statement, line, reports };
        AdjustmentRequest { id, amount_fen: amount, of, reason, by }
    }
}

async fn effect(
    target: &TargetArgs,
    system: &System,
    provider: &ProviderId,
    amount: Fen,
) -> Result<Effect, Error> {
    let settler = system.settler()?;
    let terms = settler.terms(system.clock.now()).await?;
    output::tell_unreadable(&terms.unreadable, target.json);
    Effect::of_amount(&settler, &terms, provider, amount).await
}
