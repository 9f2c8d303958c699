//! Addresses outside of the pages, to which a reader is sent.

use std::fmt::{self, Display, Formatter};

/// An address at Alipay that may stand in a link: of the web, or of the Alipay app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link(String);

/// What an address begins with. Any other scheme, such as `javascript:`, is no link.
const SCHEMES: [&str; 3] = ["https://", "http://", "alipays://"];

impl Link {
    /// The link of an address; none if it is of another scheme.
    pub(crate) fn new(address: &str) -> Option<Link> {
        let is_link = SCHEMES.iter().any(|scheme| address.starts_with(scheme));
        is_link.then(|| Link(address.to_owned()))
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
