//! `steelyard source` and `steelyard caller`: which identities may report usage, and call the other
//! APIs.

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;
use steelyard_billing::{
    Access, CallerName, Grant, Grantee, Person, Principal, ProviderPattern, Right, SourceId,
};
use steelyard_runtime::Error;
use steelyard_store::CommitError;
use steelyard_store::schema::grant_sk;

use crate::exit::Exit;
use crate::output::{self, Times};
use crate::target::{PlatformArgs, System, TargetArgs};

/// Say which identities may report usage as a source, and for which providers.
///
/// As long as there is no source, every caller that reaches the usage API or its queue may report
/// as any source. From the first one on, only those identities may that a source names. The
/// functions read this again each minute. Commands of this tool need no such right: they write the
/// tables.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Let identities report as a source.
    Add {
        /// The source, as its reports name it.
        source: SourceId,
        #[command(flatten)]
        granted: Granted,
    },
    /// List the registered sources, with the providers of each.
    List,
    /// Remove a source, so that nobody can report as it.
    Remove {
        /// The source, as `list` names it.
        source: SourceId,
        #[command(flatten)]
        opening: Opening,
    },
}

/// Say which identities may ask for quotes, live usage, recharges and mandates, withdraw reports of
/// any source, read accounts, or open pages, and for which providers.
///
/// Nobody reads accounts (`accounts`) or opens pages of providers (`sessions`) or of operators
/// (`operators`) without being given the right; `operators` is given for all providers or not at
/// all. As long as no caller has one of the other rights, everybody has it who reaches the API;
/// from the first caller on, only those have it that were given it. The functions read this again
/// each minute.
#[derive(Debug, Subcommand)]
pub(crate) enum CallerCommand {
    /// Give a caller rights.
    Add {
        /// A name for the caller, by which `list` and `remove` know it.
        name: CallerName,
        /// A right of the caller; may be repeated.
        #[arg(long = "may", value_name = "RIGHT", required = true, value_parser = asked_rights())]
        rights: Vec<Right>,
        #[command(flatten)]
        granted: Granted,
    },
    /// List the callers with rights, and the rights of each.
    List,
    /// Take all rights from a caller.
    Remove {
        /// The caller, as `list` names it.
        name: CallerName,
        #[command(flatten)]
        opening: Opening,
    },
}

/// To whom something is granted, and for which providers.
#[derive(Debug, Args)]
pub(crate) struct Granted {
    /// An identity that AWS checks: the ARN of an IAM user or role, or the unique id of one (AIDA…
    /// or AROA…), by which SQS names the sender of a message; may be repeated. On a local stack it
    /// is the name with which a request is signed.
    #[arg(long = "principal", value_name = "ARN or ID", required = true)]
    principals: Vec<Principal>,
    /// The id of a provider, the beginning of ids such as `isv-*`, or `*` for all; may be repeated.
    #[arg(long = "provider", value_name = "PROVIDER", required = true)]
    providers: Vec<ProviderPattern>,
    /// Put this in place of what was granted before under the name.
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    opening: Opening,
    /// The name of the person who grants it, which is stored with it.
    #[arg(long, env = "USER", default_value = "operator", value_parser = Person::new)]
    by: Person,
}

/// Whether a change may open a right to every caller.
#[derive(Debug, Args)]
pub(crate) struct Opening {
    /// Do it even if no other grant names a right that is taken away, which then is open to every
    /// caller.
    #[arg(long)]
    open: bool,
}

/// The rights of callers, by their names.
fn asked_rights() -> impl TypedValueParser<Value = Right> {
    let asked = Right::ALL.into_iter().filter(|right| *right != Right::Report);
    let names = PossibleValuesParser::new(asked.map(Right::name));
    names.try_map(|name| name.parse::<Right>())
}

/// A grant as it is listed.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    #[serde(flatten)]
    grant: &'a Grant,
}

impl SourceCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            SourceCommand::Add { source, granted } => {
                let rights = BTreeSet::from([Right::Report]);
                granted.grant(&Grantee::Source(source), rights, target, platform).await
            }
            SourceCommand::List => {
                list(target, platform, |to| matches!(to, Grantee::Source(_))).await
            }
            SourceCommand::Remove { source, opening } => {
                opening.remove(&Grantee::Source(source), target, platform).await
            }
        }
    }
}

impl CallerCommand {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        match self {
            CallerCommand::Add { name, rights, granted } => {
                let rights = rights.into_iter().collect();
                granted.grant(&Grantee::Caller(name), rights, target, platform).await
            }
            CallerCommand::List => {
                list(target, platform, |to| matches!(to, Grantee::Caller(_))).await
            }
            CallerCommand::Remove { name, opening } => {
                opening.remove(&Grantee::Caller(name), target, platform).await
            }
        }
    }
}

impl Granted {
    async fn grant(
        self,
        to: &Grantee,
        rights: BTreeSet<Right>,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let stored = system.tables.usage.access().await?;
        let is_readable = output::tell_unreadable(&stored.unreadable, target.json);
        let grant = Grant {
            principals: self.principals.into_iter().collect(),
            rights,
            providers: self.providers.into_iter().collect(),
            by: self.by,
            at_s: system.clock.now(),
        };
        if grant.rights.contains(&Right::Operators) && !grant.covers_all() {
            return Err("operators see every account: give the right `operators` with --provider '*', \
                        under a name of its own if others of the caller's rights are for some providers"
                .into());
        }
        let before = stored.access.grant(to);
        let mut after = stored.access.clone();
        after.add(to.clone(), grant.clone());
        self.opening.check(&stored.access, &after)?;
        match before {
            Some(before) if before.gives_what(&grant) => {}
            Some(_) if !self.replace => {
                return Err(format!(
                    "{} is granted something else: look at it with `list`, and give --replace to put \
                     this in its place",
                    to.name()
                )
                .into());
            }
            before => store(&system, to, before, &grant).await?,
        }
        let closes = |right: &Right| stored.access.is_open(*right) && !after.is_open(*right);
        for right in Right::ALL.into_iter().filter(|right| *right != Right::Void).filter(closes) {
            output::tell(format_args!(
                "until now every caller had the right `{right}`; from now on, within a minute, only \
                 those have it to whom it is granted"
            ));
        }
        show(target, &system.times()?, &[(to, &grant)])?;
        Ok(Exit::done(is_readable))
    }
}

async fn store(
    system: &System,
    to: &Grantee,
    before: Option<&Grant>,
    grant: &Grant,
) -> Result<(), Error> {
    let stored = system.tables.usage.grant(to, before, grant).await;
    stored.map_err(|error| match error {
        CommitError::Stale => {
            Error::from(format!("the grant of {} was changed at the same time", to.name()))
        }
        CommitError::Store(error) => error.into(),
    })
}

impl Opening {
    /// Refuses a change that opens a right to every caller, unless it is wanted.
    fn check(&self, before: &Access, after: &Access) -> Result<(), Error> {
        let opens = |right: &Right| !before.is_open(*right) && after.is_open(*right);
        match Right::ALL.into_iter().find(opens) {
            Some(right) if !self.open => Err(format!(
                "after this every caller has the right `{right}`: grant it to another first, or give \
                 --open"
            )
            .into()),
            Some(_) | None => Ok(()),
        }
    }

    async fn remove(
        self,
        from: &Grantee,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        let system = target.system(platform).await?;
        let stored = system.tables.usage.access().await?;
        let is_readable = output::tell_unreadable(&stored.unreadable, target.json);
        let is_unreadable = stored.unreadable.iter().any(|item| item.sk == grant_sk(from));
        if stored.access.grant(from).is_none() && !is_unreadable {
            return Err(format!("nothing is granted to {}", from.name()).into());
        }
        let mut rest = stored.access.clone();
        rest.remove(from);
        self.check(&stored.access, &rest)?;
        if is_unreadable && !self.open {
            return Err(format!(
                "the grant of {} cannot be read, and may be the last one of its rights: give --open",
                from.name()
            )
            .into());
        }
        system.tables.usage.revoke(from).await?;
        if !target.json {
            output::print(format_args!(
                "nothing is granted to {} any more; it takes effect within a minute",
                from.name()
            ))?;
        }
        Ok(Exit::done(is_readable))
    }
}

async fn list(
    target: &TargetArgs,
    platform: &PlatformArgs,
    is_listed: fn(&Grantee) -> bool,
) -> Result<Exit, Error> {
    let system = target.system_to_read(platform).await?;
    let stored = system.tables.usage.access().await?;
    let is_readable = output::tell_unreadable(&stored.unreadable, target.json);
    let grants = stored.access.grants().filter(|(to, _)| is_listed(to)).collect::<Vec<_>>();
    show(target, &system.times()?, &grants)?;
    Ok(Exit::done(is_readable))
}

fn show(target: &TargetArgs, times: &Times, grants: &[(&Grantee, &Grant)]) -> Result<(), Error> {
    if target.json {
        let listed = grants.iter().map(|(to, grant)| Listed { name: to.name(), grant });
        return output::json(&listed.collect::<Vec<_>>());
    }
    let mut table = output::table(["name", "may", "identities", "for providers", "granted"]);
    for (to, Grant { principals, rights, providers, by, at_s }) in grants {
        table.add_row([
            to.name().to_owned(),
            lines(rights),
            lines(principals),
            lines(providers),
            format!("{}\nby {by}", times.show(*at_s)),
        ]);
    }
    output::print(table)
}

fn lines(of: &BTreeSet<impl ToString>) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
