//! Where providers stand: by the stored ladders, which are the same for all of them.

use std::sync::Arc;

use jiff::Timestamp;
use steelyard_billing::{Account, Calendar, Ladders, Standing, StandingError};
use steelyard_store::{BillingTable, StoreError, StoredLadders};
use thiserror::Error;

use crate::{KNOWN_FOR, Known, report_unreadable};

/// Computes standings by the stored ladders, which it reads again after [`KNOWN_FOR`].
#[derive(Clone, Debug)]
pub struct Standings {
    billing: BillingTable,
    calendar: Calendar,
    known: Arc<Known<Arc<Ladders>>>,
}

/// Why a standing is not known.
#[derive(Debug, Error)]
pub enum NoStanding {
    /// The account and the ladder determine no standing.
    #[error("the standing cannot be computed")]
    Standing(#[from] StandingError),
    /// The ladders cannot be read.
    #[error("the arrears ladders cannot be read")]
    Store(#[from] StoreError),
}

impl Standings {
    /// The standings by the ladders of a table, on the days of a calendar.
    #[must_use]
    pub fn new(billing: BillingTable, calendar: Calendar) -> Standings {
        Standings { billing, calendar, known: Arc::new(Known::new(KNOWN_FOR)) }
    }

    /// Where the provider of an account stands at a time.
    ///
    /// # Errors
    ///
    /// [`NoStanding`] when the ladders cannot be read, or determine no standing.
    pub async fn of(&self, account: &Account, now: Timestamp) -> Result<Standing, NoStanding> {
        let read = async {
            let StoredLadders { ladders, unreadable } = self.billing.ladders().await?;
            report_unreadable(&unreadable);
            Ok::<_, StoreError>(Arc::new(ladders))
        };
        let ladders = self.known.get(now, read).await?;
        Ok(account.standing(&ladders, &self.calendar, now)?)
    }
}
