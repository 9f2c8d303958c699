//! The place of IAM between `aws-sdk` clients and the embedded services.

use std::fmt::Debug;

use super::wire::Request;

/// Decides which requests of which callers reach the embedded services, as IAM does in AWS. A
/// caller is named by its access key id: a function of the stack by its name.
pub trait Gate: Debug + Send + Sync {
    /// Lets a request pass.
    ///
    /// # Errors
    ///
    /// When the caller has no right to it; the text names the missing right.
    fn admit(&self, request: &Request) -> Result<(), String>;
}
