//! `steelyard portal`: a link to the pages of a provider, or of operators; and the end of a
//! provider's sessions.

use std::collections::BTreeSet;

use clap::Args;
use serde_json::json;
use steelyard_billing::{Person, ProviderId, SessionLink, SessionRight, Visitor};
use steelyard_portal::store_link;
use steelyard_runtime::Error;

use super::registered;
use crate::exit::Exit;
use crate::output;
use crate::target::{PlatformArgs, TargetArgs};

/// Open the pages of a provider, or those of operators; or end the provider's sessions.
///
/// Prints a link that works once, within a minute, and opens it in the browser when standard output
/// is a terminal. With `--revoke` it makes no link.
#[derive(Debug, Args)]
pub(crate) struct PortalArgs {
    /// The provider; may be left out with `--operator`.
    #[arg(required_unless_present = "operator")]
    provider: Option<ProviderId>,
    /// Look as an operator of this name, who sees every provider, and pays and signs nothing.
    #[arg(long, value_name = "NAME", value_parser = Person::new)]
    operator: Option<Person>,
    /// What the session may do; may be repeated [default: everything].
    #[arg(long, value_name = "RIGHT")]
    may: Vec<SessionRight>,
    /// The language of the pages, `en` or `zh`; by the browser's preference unless given.
    #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "zh"])]
    lang: Option<String>,
    /// How long the session lasts once it is opened, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    expires_in: u32,
    /// Print the link only.
    #[arg(long)]
    print: bool,
    /// End every session in which the provider's pages are open, and every link that is not opened
    /// yet. Sessions of operators go on.
    #[arg(
        long,
        requires = "provider",
        conflicts_with_all = ["operator", "may", "lang", "expires_in", "print"]
    )]
    revoke: bool,
    /// The address of the pages of a deployment: one of its outputs.
    #[arg(long, env = "PORTAL_URL", hide_env_values = true)]
    portal_url: Option<String>,
}

impl PortalArgs {
    pub(crate) async fn run(
        self,
        target: &TargetArgs,
        platform: &PlatformArgs,
    ) -> Result<Exit, Error> {
        if self.revoke {
            return self.revoke(target, platform).await;
        }
        let portal_url = match (target.stack_endpoint(), &self.portal_url) {
            (Some(endpoint), _) => endpoint.to_owned(),
            (None, Some(url)) => url.trim_end_matches('/').to_owned(),
            (None, None) => {
                return Err("give --portal-url: the deployment has it as an output".into());
            }
        };
        let system = target.system(platform).await?;
        let billing = &system.tables.billing;
        let session_version = match &self.provider {
            Some(provider) => registered(&system.tables, provider).await?.account.session_version,
            None => 0,
        };
        let (visitor, looks_at) = match (self.operator, self.provider) {
            (Some(operator), looks_at) => (Visitor::Operator(operator), looks_at),
            (None, Some(provider)) => (Visitor::Provider(provider), None),
            (None, None) => return Err("name a provider, or give --operator".into()),
        };
        let may: BTreeSet<SessionRight> = match self.may.is_empty() {
            true => SessionRight::ALL.into(),
            false => self.may.into_iter().collect(),
        };
        let link = SessionLink {
            visitor,
            looks_at,
            may,
            lasts_s: self.expires_in,
            locale: self.lang,
            return_url: None,
            made_at_s: system.session_clock.now(),
            session_version,
        };
        let url = store_link(billing, &portal_url, &link).await?;
        if target.json {
            output::json(&json!({ "url": url, "opens_until_s": link.valid_until().as_second() }))?;
        } else {
            output::print(&url)?;
            if !self.print {
                output::open_in_browser(&url)?;
            }
        }
        Ok(Exit::Done)
    }

    /// Ends the provider's sessions.
    async fn revoke(self, target: &TargetArgs, platform: &PlatformArgs) -> Result<Exit, Error> {
        let provider = self.provider.ok_or("name a provider")?;
        let system = target.system(platform).await?;
        registered(&system.tables, &provider).await?;
        let session_version = system.books()?.revoke_sessions(&provider).await?;
        if target.json {
            output::json(&json!({ "provider": provider, "session_version": session_version }))?;
        } else {
            output::print(format_args!(
                "the sessions of {provider} have ended; the platform opens new ones"
            ))?;
        }
        Ok(Exit::Done)
    }
}
