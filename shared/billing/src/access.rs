//! Access grants: which identities may report as a source, or call an API, and for which providers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{IdError, check};
use crate::{CallerName, Person, ProviderId, SourceId};

/// Something that only some callers may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Send usage reports as a source, and withdraw them.
    Report,
    /// Ask what usage would cost.
    Quotes,
    /// Ask what a provider used, and what it is charged.
    Usage,
    /// Ask what a provider's arrears mean for its calls.
    Standing,
    /// Offer a recharge.
    Recharges,
    /// Offer a mandate.
    Mandates,
    /// Withdraw usage reports of any source. A source withdraws its own by [`Right::Report`].
    Void,
    /// Read accounts: bills, costs, the ledger.
    Accounts,
    /// Open pages for providers.
    Sessions,
    /// Open pages for operators, who see every account and act on it. Only a grant for all
    /// providers gives it.
    Operators,
}

impl Right {
    /// All of them.
    pub const ALL: [Right; 10] = [
        Right::Report,
        Right::Quotes,
        Right::Usage,
        Right::Standing,
        Right::Recharges,
        Right::Mandates,
        Right::Void,
        Right::Accounts,
        Right::Sessions,
        Right::Operators,
    ];

    /// Whether no caller has it without a grant. The others are open to every caller until a grant
    /// names them, so that a platform can begin without any.
    #[must_use]
    pub const fn needs_grant(self) -> bool {
        match self {
            Right::Accounts | Right::Sessions | Right::Operators => true,
            Right::Report
            | Right::Quotes
            | Right::Usage
            | Right::Standing
            | Right::Recharges
            | Right::Mandates
            | Right::Void => false,
        }
    }

    /// The word for it in grants, commands and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Right::Report => "report",
            Right::Quotes => "quotes",
            Right::Usage => "usage",
            Right::Standing => "standing",
            Right::Recharges => "recharges",
            Right::Mandates => "mandates",
            Right::Void => "void",
            Right::Accounts => "accounts",
            Right::Sessions => "sessions",
            Right::Operators => "operators",
        }
    }
}

/// A text is the name of no right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no right")]
pub struct RightError(String);

impl FromStr for Right {
    type Err = RightError;

    fn from_str(text: &str) -> Result<Right, RightError> {
        let mut rights = Right::ALL.into_iter();
        rights.find(|right| right.name() == text).ok_or_else(|| RightError(text.to_owned()))
    }
}

/// An identity that AWS has checked, as a grant names it: the ARN of an IAM user or role, or the
/// unique id of one, such as `AROAEXAMPLEID`, which SQS gives as the sender of a message.
///
/// The session of an assumed role is dropped. So is the path of a role, since the ARN of a session
/// does not have it. `arn:aws:sts::123456789012:assumed-role/gateway/i-0abc` and
/// `arn:aws:iam::123456789012:role/service/gateway` are one principal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Principal(String);

/// The most characters of a principal: an ARN of IAM has fewer.
const PRINCIPAL_MAX: usize = 700;

/// A text is no principal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is neither an ARN such as arn:aws:iam::123456789012:role/gateway nor the unique id of an IAM \
     user or role"
)]
pub struct PrincipalError(String);

impl Principal {
    fn parse(text: &str) -> Option<Principal> {
        let is_printable = text.chars().all(|c| c.is_ascii_graphic());
        if text.is_empty() || text.len() > PRINCIPAL_MAX || !is_printable {
            return None;
        }
        if !text.starts_with("arn:") {
            // Behind the unique id of a role stands the name of the session.
            let (id, _) = text.split_once(':').unwrap_or((text, ""));
            let is_id = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            return is_id.then(|| Principal(id.to_owned()));
        }
        let parts = text.splitn(6, ':').collect::<Vec<_>>();
        let [arn, partition, service @ ("iam" | "sts"), region, account, resource] = &*parts else {
            return None;
        };
        let role = match (*service, resource.split_once('/')) {
            ("sts", Some(("assumed-role", session))) => session.split('/').next(),
            ("iam", Some(("role", path))) => path.rsplit('/').next(),
            _ => return Some(Principal(text.to_owned())),
        };
        let role = role.filter(|role| !role.is_empty())?;
        Some(Principal(format!("{arn}:{partition}:iam:{region}:{account}:role/{role}")))
    }

    /// The principal as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Principal {
    type Err = PrincipalError;

    fn from_str(text: &str) -> Result<Principal, PrincipalError> {
        Principal::parse(text).ok_or_else(|| PrincipalError(text.to_owned()))
    }
}

impl TryFrom<String> for Principal {
    type Error = PrincipalError;

    fn try_from(text: String) -> Result<Principal, PrincipalError> {
        text.parse()
    }
}

impl From<Principal> for String {
    fn from(principal: Principal) -> String {
        principal.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The sender of a request, by the identities that AWS reports. Nothing in it comes from the
/// request itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    name: Option<String>,
    principals: BTreeSet<Principal>,
}

impl Caller {
    /// A caller with these identities, of which the first is its name. Without any, nothing is
    /// known of the caller.
    #[must_use]
    pub fn from_identities<'a>(identities: impl IntoIterator<Item = &'a str>) -> Caller {
        let mut caller = Caller::default();
        for text in identities {
            caller.name.get_or_insert_with(|| text.to_owned());
            caller.principals.extend(Principal::parse(text));
        }
        caller
    }

    /// Its name, with the session; none where nothing is known.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The identity by which records name it: its ARN without the session, or its unique id. None
    /// where nothing is known.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        let arn = self.principals.iter().find(|principal| principal.as_str().starts_with("arn:"));
        arn.or_else(|| self.principals.first())
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("a caller without an identity"))
    }
}

/// Some providers: `*` for all, `isv-*` for those whose ids begin so, or the id of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderPattern {
    /// What ids are, or begin with.
    text: String,
    is_prefix: bool,
}

impl ProviderPattern {
    /// Whether it stands for all providers.
    fn is_all(&self) -> bool {
        self.is_prefix && self.text.is_empty()
    }

    fn covers(&self, provider: &ProviderId) -> bool {
        let id = provider.as_str();
        if self.is_prefix { id.starts_with(&self.text) } else { id == self.text }
    }
}

impl FromStr for ProviderPattern {
    type Err = IdError;

    fn from_str(text: &str) -> Result<ProviderPattern, IdError> {
        let (begin, is_prefix) = match text.strip_suffix('*') {
            Some(begin) => (begin, true),
            None => (text, false),
        };
        if !(is_prefix && begin.is_empty()) {
            check(begin, ProviderId::MOST)?;
        }
        Ok(ProviderPattern { text: begin.to_owned(), is_prefix })
    }
}

impl TryFrom<String> for ProviderPattern {
    type Error = IdError;

    fn try_from(text: String) -> Result<ProviderPattern, IdError> {
        text.parse()
    }
}

impl From<ProviderPattern> for String {
    fn from(pattern: ProviderPattern) -> String {
        pattern.to_string()
    }
}

impl fmt::Display for ProviderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.is_prefix { "*" } else { "" })
    }
}

/// What a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grantee {
    /// Reports as this source.
    Source(SourceId),
    /// A caller of the other APIs, by the name that an operator gave it.
    Caller(CallerName),
}

impl Grantee {
    /// The id of the source, or the name of the caller.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Grantee::Source(source) => source.as_str(),
            Grantee::Caller(name) => name.as_str(),
        }
    }
}

/// Which identities have which rights, for which providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The identities; each alone suffices.
    pub principals: BTreeSet<Principal>,
    /// The rights that they have: for a source, [`Right::Report`] alone.
    pub rights: BTreeSet<Right>,
    /// The providers for whom they hold.
    pub providers: BTreeSet<ProviderPattern>,
    /// The person who granted it.
    pub by: Person,
    /// When, in seconds of Unix time.
    #[serde(with = "jiff::fmt::serde::timestamp::second::required")]
    pub at_s: Timestamp,
}

impl Grant {
    /// Whether another gives the same: who granted it, and when, do not count.
    #[must_use]
    pub fn gives_what(&self, other: &Grant) -> bool {
        (&self.principals, &self.rights, &self.providers)
            == (&other.principals, &other.rights, &other.providers)
    }
}

/// Every grant. A right that no grant names is open to every caller, as before the first was made,
/// unless it needs a grant ([`Right::needs_grant`]).
#[derive(Clone, Debug, Default)]
pub struct Access {
    grants: BTreeMap<Grantee, Arc<Grant>>,
    /// Rights that a grant names that cannot be read: they are not open.
    closed: BTreeSet<Right>,
}

/// A caller may not do what it asks for. Nothing is said of what exists.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{caller} may not {what}")]
pub struct Denied {
    caller: String,
    what: String,
}

/// For whom a caller may do something.
#[derive(Clone, Debug)]
pub enum Allowance {
    /// For every provider: no source is registered.
    All,
    /// For the providers of a grant.
    Of(Arc<Grant>),
}

impl Allowance {
    /// Whether it is allowed for a provider.
    #[must_use]
    pub fn covers(&self, provider: &ProviderId) -> bool {
        match self {
            Allowance::All => true,
            Allowance::Of(grant) => grant.covers(provider),
        }
    }
}

impl Access {
    /// Stores a grant, in place of the grantee's former one.
    pub fn add(&mut self, to: Grantee, grant: Grant) {
        self.grants.insert(to, Arc::new(grant));
    }

    /// Notes a grant that cannot be read: whatever it may give is not open.
    pub fn add_unreadable(&mut self, is_source: bool) {
        let rights = Right::ALL.into_iter().filter(|right| (*right == Right::Report) == is_source);
        self.closed.extend(rights);
    }

    /// Removes a grant.
    pub fn remove(&mut self, from: &Grantee) {
        self.grants.remove(from);
    }

    /// The grant of one grantee, if it can be read.
    #[must_use]
    pub fn grant(&self, to: &Grantee) -> Option<&Grant> {
        self.grants.get(to).map(|grant| &**grant)
    }

    /// Every grant that can be read.
    pub fn grants(&self) -> impl Iterator<Item = (&Grantee, &Grant)> {
        self.grants.iter().map(|(to, grant)| (to, &**grant))
    }

    /// Whether every caller has a right. Every caller may withdraw reports as long as every caller
    /// may send them.
    #[must_use]
    pub fn is_open(&self, right: Right) -> bool {
        let right = if right == Right::Void { Right::Report } else { right };
        let is_granted = self.grants.values().any(|grant| grant.rights.contains(&right));
        !right.needs_grant() && !is_granted && !self.closed.contains(&right)
    }

    /// For whom a caller may report as a source.
    ///
    /// # Errors
    ///
    /// [`Denied`] when it may not report as that source at all.
    pub fn reporting(&self, caller: &Caller, source: &SourceId) -> Result<Allowance, Denied> {
        if self.is_open(Right::Report) {
            return Ok(Allowance::All);
        }
        let grant = self.grants.get(&Grantee::Source(source.clone()));
        let grant = grant.filter(|grant| grant.is_for(caller, Right::Report));
        grant.map(|grant| Allowance::Of(Arc::clone(grant))).ok_or_else(|| Denied {
            caller: caller.to_string(),
            what: format!("report as {source}"),
        })
    }

    /// Whether a caller may withdraw a report of a source about a provider.
    ///
    /// # Errors
    ///
    /// [`Denied`] when it may not.
    pub fn withdrawing(
        &self,
        caller: &Caller,
        source: &SourceId,
        provider: &ProviderId,
    ) -> Result<(), Denied> {
        let may_report = self.reporting(caller, source).is_ok_and(|of| of.covers(provider));
        if may_report || self.is_granted(caller, Right::Void, Some(provider)) {
            return Ok(());
        }
        let what = format!("withdraw reports of {source} about {provider}");
        Err(Denied { caller: caller.to_string(), what })
    }

    /// Whether a caller may do something for a provider; without one, whether it may do it at all.
    ///
    /// # Errors
    ///
    /// [`Denied`] when it may not.
    pub fn check(
        &self,
        caller: &Caller,
        right: Right,
        provider: Option<&ProviderId>,
    ) -> Result<(), Denied> {
        if self.is_granted(caller, right, provider) || self.is_open(right) {
            return Ok(());
        }
        let of = provider.map(|provider| format!(" for {provider}")).unwrap_or_default();
        let what = format!("ask for {}{of}", right.name());
        Err(Denied { caller: caller.to_string(), what })
    }

    fn is_granted(&self, caller: &Caller, right: Right, provider: Option<&ProviderId>) -> bool {
        let mut grants = self.grants.values().filter(|grant| grant.is_for(caller, right));
        match right {
            // An operator sees every account, whichever the link names.
            Right::Operators => grants.any(|grant| grant.covers_all()),
            Right::Report
            | Right::Quotes
            | Right::Usage
            | Right::Standing
            | Right::Recharges
            | Right::Mandates
            | Right::Void
            | Right::Accounts
            | Right::Sessions => {
                grants.any(|grant| provider.is_none_or(|provider| grant.covers(provider)))
            }
        }
    }
}

impl Grant {
    /// Whether it holds for all providers.
    #[must_use]
    pub fn covers_all(&self) -> bool {
        self.providers.iter().any(ProviderPattern::is_all)
    }

    fn covers(&self, provider: &ProviderId) -> bool {
        self.providers.iter().any(|some| some.covers(provider))
    }

    fn is_for(&self, caller: &Caller, right: Right) -> bool {
        self.rights.contains(&right) && !self.principals.is_disjoint(&caller.principals)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
