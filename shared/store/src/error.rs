//! What can go wrong with a table.

use aws_sdk_dynamodb::error::SdkError;
use thiserror::Error;

use crate::Unreadable;

/// Why a table could not be read or written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// DynamoDB could not be asked, or refused.
    #[error("cannot {operation}")]
    Aws {
        /// The operation, as a phrase such as `read an account`.
        operation: &'static str,
        /// The error of the SDK, with its causes.
        #[source]
        source: Box<aws_sdk_dynamodb::Error>,
    },
    /// Others kept writing the same items, or the table throttled, until the time was up.
    #[error("cannot {operation}: others keep writing the same items, or the table throttles")]
    Contended {
        /// The operation, as a phrase such as `read an account`.
        operation: &'static str,
    },
    /// An item cannot be read by this version of Steelyard.
    #[error("cannot {operation}: the item `{pk}` `{sk}` cannot be read: {why}")]
    Unreadable {
        /// The operation, as a phrase such as `read an account`.
        operation: &'static str,
        /// The item's partition key.
        pk: String,
        /// The item's sort key.
        sk: String,
        /// Why it cannot be read.
        why: String,
    },
    /// What is stored is not what this version of Steelyard stores.
    #[error("cannot {operation}: an item is not as it should be")]
    Corrupt {
        /// The operation, as a phrase such as `read an account`.
        operation: &'static str,
        /// The contradiction in the stored item.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// The item that cannot be read, where that is the error: it fails alone.
    ///
    /// # Errors
    ///
    /// The error itself, where it is another.
    pub fn of_item(self) -> Result<Unreadable, StoreError> {
        match self {
            StoreError::Unreadable { pk, sk, why, .. } => {
                Ok(Unreadable { pk, sk, why, skipped: None })
            }
            error @ (StoreError::Aws { .. }
            | StoreError::Contended { .. }
            | StoreError::Corrupt { .. }) => Err(error),
        }
    }

    pub(crate) fn aws<E, R>(operation: &'static str, error: SdkError<E, R>) -> StoreError
    where
        aws_sdk_dynamodb::Error: From<SdkError<E, R>>,
    {
        StoreError::Aws { operation, source: Box::new(error.into()) }
    }

    pub(crate) fn corrupt(
        operation: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> StoreError {
        StoreError::Corrupt { operation, source: source.into() }
    }
}

/// Why a conditional write did not happen.
#[derive(Debug, Error)]
pub enum CommitError {
    /// What the write was based on has changed; read again and decide again.
    #[error("what the write was based on has changed")]
    Stale,
    /// The table failed; the write may or may not have happened.
    #[error(transparent)]
    Store(#[from] StoreError),
}
