//! `steelyard debits`: what is being withheld, and what a person can do where it does not go on.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{Asked, Debit, DebitId, Exchange, Phase, ProviderId, Resolution, Step};
use steelyard_runtime::Error;
use steelyard_store::CommitError;

use crate::exit::Exit;
use crate::output;
use crate::tables::Tables;
use crate::target::{PlatformArgs, TargetArgs};

/// Show what is being withheld, and let a debit go on that waits for a person.
#[derive(Debug, Subcommand)]
pub(crate) enum DebitsCommand {
    /// List the debits of all providers.
    List {
        /// Only those that stand so.
        #[arg(long)]
        state: Option<State>,
    },
    /// Show one debit: its number, what is asked for, where it stands and what is next.
    Show {
        /// The provider.
        provider: ProviderId,
        /// The debit's number among the provider's.
        #[arg(value_parser = debit_id)]
        debit: DebitId,
    },
    /// Let a debit go on that is held or in doubt. Neither way says that it is paid: only Alipay can.
    Resolve(ResolveArgs),
}

/// Which debit to let go on, and how.
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The provider.
    provider: ProviderId,
    /// The debit's number among the provider's.
    #[arg(value_parser = debit_id)]
    debit: DebitId,
    /// Why, for whoever looks at the debit later.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    way: WayArgs,
}

/// How to let it go on.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WayArgs {
    /// Ask Alipay what became of it, and send it again if it is proved unpaid: under its own number,
    /// or under a new one if its own is closed.
    #[arg(long)]
    retry: bool,
    /// Ask Alipay what became of it. One that was held, and is not paid, is held again.
    #[arg(long)]
    ask: bool,
}

/// Where a debit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// To be asked for when it falls due.
    Due,
    /// Just being asked for.
    Sending,
    /// Asked for, and nobody knows; a query tells.
    InDoubt,
    /// Left alone until a person resolves it.
    Held,
    /// Not tried any more; to be closed, and proved unpaid.
    GivingUp,
    /// Given up, and its amount owed again.
    GivenUp,
    /// Paid.
    Paid,
}

fn debit_id(text: &str) -> Result<DebitId, std::num::ParseIntError> {
    text.parse().map(DebitId)
}

impl State {
    fn of(debit: &Debit) -> State {
        match debit.phase {
            Phase::Due => State::Due,
            Phase::Sending => State::Sending,
            Phase::InDoubt { .. } => State::InDoubt,
            Phase::Held { .. } => State::Held,
            Phase::Exhausting { .. } | Phase::Closing { .. } => State::GivingUp,
            Phase::Exhausted { .. } => State::GivenUp,
            Phase::Paid { .. } => State::Paid,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            State::Due => "due",
            State::Sending => "sending",
            State::InDoubt => "in doubt",
            State::Held => "held",
            State::GivingUp => "giving up",
            State::GivenUp => "given up",
            State::Paid => "paid",
        }
    }
}

impl DebitsCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            DebitsCommand::List { state } => {
                list(target, &target.tables_to_read().await?, state).await
            }
            DebitsCommand::Show { provider, debit } => {
                let tables = target.tables_to_read().await?;
                show(target, &find(&tables, &provider, debit).await?)
            }
            DebitsCommand::Resolve(args) => {
                let tables = target.tables().await?;
                let debit = args.resolve(&tables, platform.clock()?.now()).await?;
                show(target, &debit)
            }
        }
    }
}

impl ResolveArgs {
    /// Stores the resolution; decides again when the debit is written meanwhile.
    async fn resolve(&self, tables: &Tables, now: Timestamp) -> Result<Debit, Error> {
        let resolution = if self.way.retry { Resolution::Retry } else { Resolution::Ask };
        loop {
            let before = find(tables, &self.provider, self.debit).await?;
            let after = before.resolved(resolution, &self.reason, now)?;
            match tables.billing.store(Some(&before), &after).await {
                Ok(stored) => return Ok(stored),
                Err(CommitError::Stale) => {
                    // It may be this write that changed the debit, and its answer that was lost.
                    let found = find(tables, &self.provider, self.debit).await?;
                    if found.interventions == after.interventions {
                        return Ok(found);
                    }
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }
}

async fn find(tables: &Tables, provider: &ProviderId, debit: DebitId) -> Result<Debit, Error> {
    let found: Option<Debit> = tables.billing.find(provider, &debit).await?;
    found.ok_or_else(|| format!("provider `{provider}` has no debit {debit}").into())
}

async fn list(target: &TargetArgs, tables: &Tables, state: Option<State>) -> Result<Exit, Error> {
    let mut debits = Vec::new();
    for customer in tables.customers().await? {
        debits.extend(tables.billing.all::<Debit>(&customer.provider.provider).await?);
    }
    debits.retain(|debit| state.is_none_or(|state| state == State::of(debit)));
    if target.json {
        output::json(&debits.iter().map(document).collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let mut table =
        output::table(["provider", ">debit", ">yuan", "opened at", "state", "why", "next"]);
    for debit in &debits {
        table.add_row([
            debit.provider.to_string(),
            debit.debit.to_string(),
            debit.amount_fen.to_string(),
            debit.opened_at_s.to_string(),
            State::of(debit).name().to_owned(),
            why(debit).unwrap_or_default(),
            next(debit),
        ]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

fn show(target: &TargetArgs, debit: &Debit) -> Result<Exit, Error> {
    if target.json {
        output::json(&document(debit))?;
        return Ok(Exit::Done);
    }
    output::print(format_args!(
        "debit {} of {}: ¥{}, {}",
        debit.debit,
        debit.provider,
        debit.amount_fen,
        State::of(debit).name()
    ))?;
    let mut table = output::table(["what", "it is"]);
    for (what, is) in rows(debit) {
        table.add_row([what.to_owned(), is]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

/// What is known of a debit, as rows of a table.
fn rows(debit: &Debit) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("opened at", debit.opened_at_s.to_string()),
        ("agreement", debit.agreement_no.clone()),
        ("attempt", format!("{}, {}", debit.attempt, debit.out_trade_no)),
        ("refused", refused(debit)),
    ];
    rows.extend(why(debit).map(|why| ("why", why)));
    rows.extend(debit.payment().map(|payment| ("trade", payment.trade_no)));
    rows.extend(debit.found_payments.iter().map(|found| {
        let (attempt, payment) = (found.attempt, &found.payment);
        let (amount, trade) = (payment.amount_fen, &payment.trade_no);
        ("found", format!("attempt {attempt} took ¥{amount} after all, trade {trade}"))
    }));
    rows.push(("next", next(debit)));
    // What is sent is signed when it is sent: there is no secret in what is stored.
    rows.extend(debit.request.clone().map(|request| ("request", request)));
    for exchange in &debit.exchanges {
        let Exchange { at_s, attempt, asked, answer } = exchange;
        let asked = match asked {
            Asked::Pay => "asked for",
            Asked::Query => "asked about",
            Asked::Close => "asked to be closed",
        };
        rows.push(("Alipay", format!("{at_s} attempt {attempt} {asked}: {answer}")));
    }
    for intervention in &debit.interventions {
        let what = match intervention.resolution {
            Resolution::Ask => "had it asked about",
            Resolution::Retry => "let it be sent again",
        };
        let (at, reason, was) = (intervention.at_s, &intervention.reason, &intervention.was);
        rows.push(("a person", format!("{at} {what}: {reason} (it was: {was})")));
    }
    rows
}

fn refused(debit: &Debit) -> String {
    format!(
        "{} times for want of funds, {} outside a window, {} in doubt, {} for our own account",
        debit.declines, debit.window_declines, debit.doubts, debit.own_account_troubles
    )
}

/// Why it stands where it does, if there is more to say.
fn why(debit: &Debit) -> Option<String> {
    match &debit.phase {
        Phase::InDoubt { why } | Phase::Held { why, found: None, .. } => Some(why.clone()),
        Phase::Held { why, found: Some(found), .. } => {
            Some(format!("{why}; asked about, Alipay said: {found}"))
        }
        Phase::Exhausting { given_up, .. }
        | Phase::Closing { given_up }
        | Phase::Exhausted { given_up } => Some(given_up.to_string()),
        Phase::Due | Phase::Sending | Phase::Paid { .. } => None,
    }
}

/// What happens to it next.
fn next(debit: &Debit) -> String {
    let at = debit.due_at_s;
    match debit.next_step(at) {
        Step::Pay => format!("asked for at {at}"),
        Step::Query => format!("asked about at {at}"),
        Step::Close => format!("closed at {at}"),
        Step::Wait if debit.is_open() => "nothing until a person resolves it".to_owned(),
        Step::Wait => "nothing: it has ended".to_owned(),
    }
}

/// The debit with what follows from it, for a program.
fn document(debit: &Debit) -> serde_json::Value {
    json!({
        "debit": debit,
        "state": State::of(debit),
        "why": why(debit),
        "next": next(debit),
        "next_at_s": debit.due_at().map(|at| at.as_second()),
    })
}
