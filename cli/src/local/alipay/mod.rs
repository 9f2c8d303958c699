//! A local Alipay: a gateway over real HTTP, with real signatures, that moves the money of its own books.
//!
//! It verifies every request and signs every answer as Alipay does, keeps trades by
//! `out_trade_no` and takes the money of one number at most once. Its books are SQLite tables,
//! so that a restart keeps what it took. It reads the time out of the requests, never from a
//! clock. [`Fault`]s make it fail in a chosen way for the next calls of a method.
//!
//! Serve [`LocalAlipay::router`] on a loopback address only: its control routes ask for nobody's leave.

mod books;
mod control;
mod fault;
mod gateway;
mod keys;
mod order;
mod reply;
mod request;
mod trades;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use steelyard_alipay::AlipayConfig;
use steelyard_pricing::Fen;

use books::Books;
use fault::Faults;
use keys::Keys;

pub use books::{BooksError, Trade, TradeStatus};
pub use fault::{Fault, Method};

/// A local Alipay. Its clones are the same one.
#[derive(Clone)]
pub struct LocalAlipay {
    shared: Arc<Shared>,
}

struct Shared {
    books: Mutex<Books>,
    faults: Mutex<Faults>,
    keys: Keys,
}

impl LocalAlipay {
    /// A local Alipay whose books end with it.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn in_memory() -> Result<LocalAlipay, BooksError> {
        Ok(LocalAlipay::new(Books::in_memory()?))
    }

    /// A local Alipay whose books are in a file, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn open(path: &Path) -> Result<LocalAlipay, BooksError> {
        Ok(LocalAlipay::new(Books::open(path)?))
    }

    fn new(books: Books) -> LocalAlipay {
        let shared = Shared {
            books: Mutex::new(books),
            faults: Mutex::new(Faults::default()),
            keys: Keys::local(),
        };
        LocalAlipay { shared: Arc::new(shared) }
    }

    /// The gateway at `/gateway.do`, and the control routes under `/local`.
    pub fn router(&self) -> Router {
        gateway::routes().merge(control::routes()).with_state(self.clone())
    }

    /// Makes an agreement, of a payer who has these funds from now on.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when the funds are negative, or SQLite refuses.
    pub fn register_agreement(
        &self,
        agreement_no: &str,
        payer: &str,
        funds: Fen,
    ) -> Result<(), BooksError> {
        self.books().register_agreement(agreement_no, payer, funds)
    }

    /// Gives a payer these funds in place of what he had.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when the funds are negative, or SQLite refuses.
    pub fn set_funds(&self, payer: &str, funds: Fen) -> Result<(), BooksError> {
        self.books().set_funds(payer, funds)
    }

    /// Lets the next `times` calls of a method fail, after the faults that already wait for it.
    pub fn fail_next(&self, method: Method, fault: Fault, times: usize) {
        self.faults().push(method, fault, times);
    }

    /// What was taken under each agreement, in fen.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn taken(&self) -> Result<BTreeMap<String, Fen>, BooksError> {
        self.books().taken()
    }

    /// Every trade, by our number.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn trades(&self) -> Result<Vec<Trade>, BooksError> {
        self.books().trades()
    }

    /// The configuration of a client that reaches this gateway at an address such as `http://127.0.0.1:8000/gateway.do`.
    #[must_use]
    pub fn client_config(gateway: &str) -> AlipayConfig {
        AlipayConfig {
            gateway: gateway.to_owned(),
            app_id: keys::APP_ID.to_owned(),
            app_private_key: keys::APP_PRIVATE.to_owned(),
            alipay_public_key: keys::ALIPAY_PUBLIC.to_owned(),
            notify_url: None,
            timeout: AlipayConfig::TIMEOUT,
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.shared.books.lock().expect("no holder of the books panics")
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.shared.faults.lock().expect("no holder of the faults panics")
    }

    fn keys(&self) -> &Keys {
        &self.shared.keys
    }
}
