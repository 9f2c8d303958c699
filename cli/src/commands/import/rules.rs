//! Which rule an import goes by: a stored one, one in a file, or what options say.

use std::path::Path;

use clap::Args;
use steelyard_books::Tables;
use steelyard_import::{Rule, RuleDocument, RuleError};
use steelyard_pricing::Name;
use steelyard_runtime::Error;

use super::flags::RuleFlags;
use crate::document::Document;

/// A rule, or the options that make one.
#[derive(Debug, Args)]
pub(super) struct RuleArgs {
    /// A stored rule by its name, or a file with one, in place of the options that make a rule: see
    /// `steelyard rule`.
    #[arg(long, value_name = "NAME|FILE", conflicts_with_all = [
        "caller", "trusted_hops", "map", "provider_prefix", "api", "segments", "ignore_case", "api_prefix",
        "status", "methods", "fields", "combined", "window",
    ])]
    rule: Option<String>,
    #[command(flatten)]
    flags: RuleFlags,
}

/// A rule that is to be found, or is known.
pub(super) enum RuleChoice {
    /// A rule with this name, in a file or stored.
    Named(String),
    /// A rule that the options define.
    Made(Box<Rule>),
}

impl RuleArgs {
    /// What was chosen.
    ///
    /// # Errors
    ///
    /// When the options make no sense.
    pub(super) fn choice(&self) -> Result<RuleChoice, Error> {
        if let Some(rule) = &self.rule {
            return Ok(RuleChoice::Named(rule.clone()));
        }
        let document = self.flags.clone().document("options".parse()?);
        let made = Rule::try_from(&document).map_err(|RuleError { faults }| {
            faults.iter().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>().join("; ")
        })?;
        Ok(RuleChoice::Made(Box::new(made)))
    }
}

impl RuleChoice {
    /// The rule.
    ///
    /// # Errors
    ///
    /// When none is stored under the name, or it makes no sense.
    pub(super) async fn rule(self, tables: &Tables) -> Result<Rule, Error> {
        match self {
            RuleChoice::Named(rule) => Ok(Rule::try_from(&named(&rule, tables).await?)?),
            RuleChoice::Made(rule) => Ok(*rule),
        }
    }
}

/// The rule in a file, if there is a file of that name, otherwise the stored one.
///
/// # Errors
///
/// When there is neither, or it is not in the form of a rule.
pub(crate) async fn named(rule: &str, tables: &Tables) -> Result<RuleDocument, Error> {
    if Path::new(rule).exists() {
        return Document::open(Path::new(rule))?.rule();
    }
    let neither = || {
        format!(
            "there is no file `{rule}`, and no stored rule of this name: see `steelyard rule list`"
        )
    };
    let name = rule.parse::<Name>().map_err(|_| neither())?;
    let stored = tables.billing.rule(&name).await?.ok_or_else(neither)?;
    Ok(RuleDocument::read(&stored.document)?)
}
