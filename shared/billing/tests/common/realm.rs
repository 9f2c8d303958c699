//! A deployment of the tests.

use steelyard_billing::Realm;

/// The realm in the numbers of these tests.
pub(crate) fn realm() -> Realm {
    Realm::parse("k3x9ab").unwrap()
}
