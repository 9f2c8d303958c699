//! `steelyard debits`: shows debits, and resolves those that wait for an operator.

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;
use steelyard_billing::{
    Asked, Debit, DebitId, DebitRules, Declined, Exchange, Phase, ProviderId, Reason, Resolution,
    Step,
};
use steelyard_books::Tables;
use steelyard_pricing::Fen;
use steelyard_runtime::{Error, chain};
use steelyard_store::{AccountPage, ProviderAccount, StoreError};

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};
use crate::values;

/// Show debits, and resolve one that waits for an operator.
#[derive(Debug, Subcommand)]
pub(crate) enum DebitsCommand {
    /// List the debits of all providers.
    List {
        /// Only debits in this state.
        #[arg(long)]
        state: Option<State>,
    },
    /// Show one debit: its number, its request, its state and its next step.
    Show {
        /// The provider's id.
        provider: ProviderId,
        /// The debit's number among the provider's.
        #[arg(value_parser = debit_id)]
        debit: DebitId,
    },
    /// Resolve a debit that is held or in doubt, or all that are held. No way says that it is paid:
    /// only Alipay can.
    Resolve(ResolveArgs),
}

/// Which debits to resolve, and how.
#[derive(Debug, Args)]
pub(crate) struct ResolveArgs {
    /// The provider's id.
    #[arg(required_unless_present = "all_held", conflicts_with = "all_held")]
    provider: Option<ProviderId>,
    /// The debit's number among the provider's.
    #[arg(value_parser = debit_id, required_unless_present = "all_held")]
    debit: Option<DebitId>,
    /// Every debit that is held, of all providers.
    #[arg(long)]
    all_held: bool,
    /// Why, for a person who looks at the debit later.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    way: WayArgs,
}

/// The person's decision about the debits.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WayArgs {
    /// Query it at Alipay, and send it again if it is proved unpaid: under its own number, or under
    /// a new one if its own is closed.
    #[arg(long)]
    retry: bool,
    /// Query it at Alipay. A debit that was held, and is not paid, is held again.
    #[arg(long)]
    ask: bool,
    /// Close it at Alipay, and give it up once it is proved unpaid. What is owed is requested again
    /// by a later debit.
    #[arg(long)]
    give_up: bool,
}

/// The state of a debit, as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// To be sent when it falls due.
    Due,
    /// Alipay is being called.
    Sending,
    /// Sent, with an unknown outcome until a query resolves it.
    InDoubt,
    /// Stopped until an operator resolves it.
    Held,
    /// No longer retried: to be closed and proved unpaid.
    GivingUp,
    /// Given up, with its amount receivable again.
    GivenUp,
    /// Alipay took the amount.
    Paid,
    /// Ended before it was sent: nothing was owed by then, or no mandate was in use.
    Withdrawn,
}

/// A debit as it is listed.
struct Listed {
    debit: Debit,
    /// The amount that it would request now; none after it was sent, or without a mandate in use.
    expected: Option<Fen>,
}

impl Listed {
    /// Its amount, and whether that is fixed.
    fn amount(&self) -> Option<(Fen, bool)> {
        let fixed = self.debit.terms.as_ref().map(|terms| (terms.amount_fen, true));
        fixed.or(self.expected.map(|expected| (expected, false)))
    }

    /// The remark beside an amount that is not fixed yet.
    fn note(&self) -> Option<String> {
        self.expected.map(|_| "the amount is fixed when it is sent".to_owned())
    }
}

fn debit_id(text: &str) -> Result<DebitId, String> {
    values::number(text).map(DebitId)
}

impl State {
    fn of(debit: &Debit) -> State {
        match debit.phase {
            Phase::Due => State::Due,
            Phase::Sending => State::Sending,
            Phase::InDoubt { .. } => State::InDoubt,
            Phase::Held { .. } | Phase::Rechecking { .. } => State::Held,
            Phase::Checking { .. } | Phase::Closing { .. } | Phase::Confirming { .. } => {
                State::GivingUp
            }
            Phase::GivenUp { .. } => State::GivenUp,
            Phase::Paid { .. } => State::Paid,
            Phase::Withdrawn => State::Withdrawn,
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
                list(target, &target.system_to_read(platform).await?, state).await
            }
            DebitsCommand::Show { provider, debit } => {
                let system = target.system_to_read(platform).await?;
                let debit = find(&system.tables, &provider, debit).await?;
                let expected = match system.tables.billing.account(&provider).await? {
                    Some(found) => expected(&debit, &found, &system.rules()?)?,
                    None => None,
                };
                show(target, &system, &Listed { debit, expected })
            }
            DebitsCommand::Resolve(args) => args.run(target, platform).await,
        }
    }
}

impl ResolveArgs {
    async fn run(self, target: &TargetArgs, platform: &PlatformArgs) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let books = system.books()?;
        let (reason, now) = (Reason::new(&self.reason)?, system.clock.now());
        let resolution = self.resolution();
        let (Some(provider), Some(debit)) = (&self.provider, self.debit) else {
            let AccountPage { accounts, unreadable, .. } = system.tables.registry().await?;
            let mut is_well = output::tell_unreadable(&unreadable, target.json);
            let mut resolved = Vec::new();
            for ProviderAccount { account, .. } in accounts {
                let (provider, Some(debit)) = (account.provider, account.open_debit) else {
                    continue;
                };
                let held = is_held(&system.tables, &provider, debit).await;
                let done = match held {
                    Ok(false) => continue,
                    Ok(true) => {
                        books.resolve_debit(&provider, debit, resolution, &reason, now).await
                    }
                    Err(error) => Err(error.into()),
                };
                // One that fails does not stop the others.
                match done {
                    Ok(debit) => resolved.push(Listed { debit, expected: None }),
                    Err(error) => {
                        is_well = false;
                        let why = chain(&error);
                        let told = format!("debit {debit} of {provider}: {why}");
                        output::error(&*Error::from(told), target.json);
                    }
                }
            }
            print_list(target, &system, &resolved)?;
            return Ok(Exit::done(is_well));
        };
        let resolved = books.resolve_debit(provider, debit, resolution, &reason, now).await?;
        show(target, &system, &Listed { debit: resolved, expected: None })
    }

    fn resolution(&self) -> Resolution {
        if self.way.retry {
            Resolution::Retry
        } else if self.way.give_up {
            Resolution::GiveUp
        } else {
            Resolution::Ask
        }
    }
}

async fn is_held(
    tables: &Tables,
    provider: &ProviderId,
    debit: DebitId,
) -> Result<bool, StoreError> {
    let found: Option<Debit> = tables.billing.find(provider, &debit).await?;
    Ok(found.is_some_and(|debit| matches!(debit.phase, Phase::Held { .. })))
}

async fn find(tables: &Tables, provider: &ProviderId, debit: DebitId) -> Result<Debit, Error> {
    let found: Option<Debit> = tables.billing.find(provider, &debit).await?;
    found.ok_or_else(|| format!("provider `{provider}` has no debit {debit}").into())
}

async fn list(target: &TargetArgs, system: &System, state: Option<State>) -> Result<Exit, Error> {
    let AccountPage { accounts, unreadable, .. } = system.tables.registry().await?;
    let is_well = output::tell_unreadable(&unreadable, target.json);
    let (rules, mut debits) = (system.rules()?, Vec::new());
    for found in accounts {
        for debit in system.tables.billing.all::<Debit>(&found.provider.provider).await? {
            if state.is_none_or(|state| state == State::of(&debit)) {
                let expected = expected(&debit, &found, &rules)?;
                debits.push(Listed { debit, expected });
            }
        }
    }
    print_list(target, system, &debits)?;
    Ok(Exit::done(is_well))
}

/// The amount that an unsent debit would request now; none for any other debit.
fn expected(
    debit: &Debit,
    found: &ProviderAccount,
    rules: &DebitRules,
) -> Result<Option<Fen>, Error> {
    let is_unsent = debit.is_open() && debit.terms.is_none();
    let in_use = found.provider.mandate.as_ref().filter(|_| is_unsent);
    let Some(in_use) = in_use else { return Ok(None) };
    let expected = found.account.expected(in_use, rules, debit.task.due_at_s)?;
    Ok(Some(expected.map_or(Fen::ZERO, |expected| expected.amount_fen)))
}

fn print_list(target: &TargetArgs, system: &System, debits: &[Listed]) -> Result<(), Error> {
    if target.json {
        return output::json(&debits.iter().map(document).collect::<Vec<_>>());
    }
    let mut table = output::table(["provider", ">debit", ">yuan", "state"]);
    let times = system.times()?;
    for listed in debits {
        let debit = &listed.debit;
        table.add_row([
            debit.provider.to_string(),
            debit.debit.to_string(),
            listed.amount().map(|(amount, _)| amount.to_string()).unwrap_or_default(),
            output::lines([Some(standing(debit, &times)), listed.note()]),
        ]);
    }
    output::print(table)
}

fn show(target: &TargetArgs, system: &System, listed: &Listed) -> Result<Exit, Error> {
    let debit = &listed.debit;
    if target.json {
        output::json(&document(listed))?;
        return Ok(Exit::Done);
    }
    let amount = listed.amount().map(|(amount, is_fixed)| {
        format!("¥{amount}{}, ", if is_fixed { "" } else { " by what is owed now" })
    });
    output::print(format_args!(
        "debit {} of {}: {}{}",
        debit.debit,
        debit.provider,
        amount.unwrap_or_default(),
        debit.phase
    ))?;
    let mut table = output::table(["what", "it is"]);
    for (what, is) in rows(debit, &system.times()?) {
        table.add_row([what.to_owned(), is]);
    }
    output::print(table)?;
    Ok(Exit::Done)
}

/// Its state, why, and what happens next unless it has ended, a line each.
fn standing(debit: &Debit, times: &Times) -> String {
    let next = debit.is_open().then(|| next(debit, times));
    let lines = [Some(debit.phase.to_string()), why(debit), next];
    output::lines(lines)
}

/// The facts about a debit, as rows of a table.
fn rows(debit: &Debit, times: &Times) -> Vec<(&'static str, String)> {
    let mut rows = vec![("opened at", times.show(debit.opened_at_s).to_string())];
    if let Some(terms) = &debit.terms {
        rows.push(("for", debit.subject(terms)));
        rows.push(("mandate", format!("{}, {}", terms.mandate, terms.agreement_no)));
    }
    rows.extend(why(debit).map(|why| ("why", why)));
    rows.extend(debit.payment().map(|payment| ("trade", payment.trade_no.clone())));
    rows.extend(debit.found_payments().map(|(attempt, payment)| {
        let (amount, trade) = (payment.amount_fen, &payment.trade_no);
        ("found", format!("attempt {attempt} took ¥{amount} after all, trade {trade}"))
    }));
    rows.push(("next", next(debit, times)));
    for (number, attempt) in (1..).zip(&debit.attempts) {
        rows.push(("attempt", format!("{number}, {}", attempt.out_trade_no)));
        // What is sent is signed when it is sent: there is no secret in what is stored.
        rows.push(("request", attempt.request.clone()));
    }
    for Declined { at_s, code, .. } in &debit.declines {
        rows.push(("declined", format!("{} {}", times.show(*at_s), code.0)));
    }
    for exchange in &debit.history.exchanges {
        let Exchange { at_s, attempt, asked, answer } = exchange;
        let asked = match asked {
            Asked::Pay => "sent",
            Asked::Query => "queried",
            Asked::Close => "closed",
        };
        let at = times.show(*at_s);
        rows.push(("Alipay", format!("{at} attempt {attempt} {asked}: {answer}")));
    }
    for intervention in &debit.history.interventions {
        let what = match intervention.resolution {
            Resolution::Ask => "had it queried",
            Resolution::Retry => "had it sent again",
            Resolution::GiveUp => "gave it up",
        };
        let (reason, was) = (&intervention.reason, &intervention.was);
        let at = times.show(intervention.at_s);
        rows.push(("a person", format!("{at} {what}: {reason} (it was: {was})")));
    }
    rows
}

/// Why it stands where it does, if there is more to say.
fn why(debit: &Debit) -> Option<String> {
    match &debit.phase {
        Phase::InDoubt { why }
        | Phase::Held { why, found: None }
        | Phase::Rechecking { why, found: None } => Some(why.clone()),
        Phase::Held { why, found: Some(found) } | Phase::Rechecking { why, found: Some(found) } => {
            Some(format!("{why}; queried, Alipay answered: {found}"))
        }
        Phase::Checking { why }
        | Phase::Closing { why }
        | Phase::Confirming { why }
        | Phase::GivenUp { why } => Some(why.to_string()),
        Phase::Due | Phase::Sending | Phase::Paid { .. } | Phase::Withdrawn => None,
    }
}

/// The next step of a debit and its time, for people.
fn next(debit: &Debit, times: &Times) -> String {
    let (step, at) = (next_step(debit), times.show(debit.task.due_at_s));
    match step {
        Step::Pay | Step::Query | Step::Close => format!("to be {} at {at}", done(step)),
        Step::Report | Step::Wait => done(step).to_owned(),
    }
}

/// The next step of a debit, once it is due.
fn next_step(debit: &Debit) -> Step {
    debit.next_step(debit.task.due_at_s)
}

const fn done(step: Step) -> &'static str {
    match step {
        Step::Pay => "sent",
        Step::Query => "queried",
        Step::Close => "closed",
        Step::Report => "nothing until a person resolves it",
        Step::Wait => "nothing: it has ended",
    }
}

/// The debit with what follows from it, for a program.
fn document(listed: &Listed) -> serde_json::Value {
    let Listed { debit, expected } = listed;
    json!({
        "debit": debit,
        "expected_fen": expected,
        "state": State::of(debit),
        "why": why(debit),
        "next": done(next_step(debit)),
        "next_at_s": debit.due_at().map(|at| at.as_second()),
    })
}
