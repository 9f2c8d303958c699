//! The guard of an API: it checks the access grants before anything is done for a caller.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use steelyard_billing::{Access, Allowance, Caller, Denied, ProviderId, Right, SourceId};
use steelyard_store::{StoreError, StoredAccess, UsageTable};
use thiserror::Error;

use crate::{Clock, Known, report_unreadable};

/// Checks callers by the stored grants, which it reads again after [`KNOWN_FOR`].
#[derive(Clone, Debug)]
pub struct Guard {
    table: UsageTable,
    clock: Clock,
    known: Arc<Known<Arc<Access>>>,
    /// The open rights of which the log has a warning.
    warned: Arc<Mutex<BTreeSet<Right>>>,
}

/// For how long the grants that were read are used: a caller may do what was revoked for so long.
pub const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// Why a request is not admitted.
#[derive(Debug, Error)]
pub enum NotAdmitted {
    /// The caller may not do it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The grants cannot be read, so that nobody knows.
    #[error("the grants cannot be read")]
    Store(#[from] StoreError),
}

impl Guard {
    /// The guard by the grants of a table.
    #[must_use]
    pub fn new(table: UsageTable, clock: Clock) -> Guard {
        Guard { table, clock, known: Arc::new(Known::new(KNOWN_FOR)), warned: Arc::default() }
    }

    /// The grants, of which a right is asked for.
    async fn access(&self, right: Right) -> Result<Arc<Access>, StoreError> {
        let read = async {
            let StoredAccess { access, unreadable } = self.table.access().await?;
            report_unreadable(&unreadable);
            Ok(Arc::new(access))
        };
        let access = self.known.get(self.clock.now(), read).await?;
        let warned = || self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(right);
        if access.is_open(right) && warned() {
            tracing::warn!(%right, "no grant names this right: every caller that reaches the API has it");
        }
        Ok(access)
    }

    /// For whom a caller may report as a source.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] when it may not report as that source at all, or the table cannot be read.
    pub async fn reporting(
        &self,
        caller: &Caller,
        source: &SourceId,
    ) -> Result<Allowance, NotAdmitted> {
        let access = self.access(Right::Report).await?;
        Ok(access.reporting(caller, source).inspect_err(log)?)
    }

    /// Whether a caller may withdraw a report of a source about a provider.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] when it may not, or the table cannot be read.
    pub async fn withdrawing(
        &self,
        caller: &Caller,
        source: &SourceId,
        provider: &ProviderId,
    ) -> Result<(), NotAdmitted> {
        let access = self.access(Right::Void).await?;
        Ok(access.withdrawing(caller, source, provider).inspect_err(log)?)
    }

    /// Whether a caller may do something for a provider; without one, whether it may do it at all.
    ///
    /// # Errors
    ///
    /// [`NotAdmitted`] when it may not, or the table cannot be read.
    pub async fn admit(
        &self,
        caller: &Caller,
        right: Right,
        provider: Option<&ProviderId>,
    ) -> Result<(), NotAdmitted> {
        let access = self.access(right).await?;
        Ok(access.check(caller, right, provider).inspect_err(log)?)
    }

    /// Whether a caller that was admitted may see a provider too, among others that it asks for.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the table cannot be read.
    pub async fn may_see(
        &self,
        caller: &Caller,
        right: Right,
        provider: &ProviderId,
    ) -> Result<bool, StoreError> {
        Ok(self.access(right).await?.check(caller, right, Some(provider)).is_ok())
    }
}

fn log(denied: &Denied) {
    tracing::warn!(%denied, "a request is not admitted");
}
