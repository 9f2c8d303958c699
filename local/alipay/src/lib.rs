//! A local Alipay: a gateway over real HTTP, with real signatures, that moves the money of its own
//! books.
//!
//! It verifies every request and signs every answer as Alipay does, keeps trades by
//! `out_trade_no` and takes the money of one number at most once. Its books are SQLite tables,
//! so that a restart keeps what it took. What is asked of the gateway happens at the time of the
//! request; what people do on its pages, at the time that its clock shows. It reports both by
//! notifications, which [`LocalAlipay::deliver_due`] sends. [`Fault`]s and [`NotificationFault`]s
//! make it fail in a chosen way.
//!
//! Serve [`LocalAlipay::router`] on a loopback address, or where only trusted machines reach it:
//! its pages and control routes ask for nobody's leave.

mod agreements;
mod bill;
mod books;
mod charset;
mod content;
mod control;
mod delivery;
mod fault;
mod gateway;
mod keys;
mod methods;
mod notifications;
mod order;
mod pages;
mod recharges;
mod refunds;
mod reply;
mod request;
mod trades;
mod transport;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use jiff::Timestamp;
use steelyard_alipay::AlipayConfig;
use steelyard_pricing::Fen;
use steelyard_runtime::Clock;

use bill::Downloads;
use books::Books;
use fault::Faults;
use keys::Keys;
use notifications::HttpClient;

pub use books::{Agreement, AgreementStatus, BooksError, Trade, TradeKind, TradeStatus};
pub use control::ControlError;
pub use fault::{Fault, Method, NotificationFault};
pub use notifications::{PendingNotification, Receiver};
pub use transport::InProcess;

/// A local Alipay. Its clones are the same one.
#[derive(Clone)]
pub struct LocalAlipay {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    books: Mutex<Books>,
    faults: Mutex<Faults>,
    downloads: Mutex<Downloads>,
    http: HttpClient,
    keys: Keys,
}

impl LocalAlipay {
    /// The one application that it knows.
    pub const APP_ID: &str = keys::APP_ID;

    /// The account of the merchant, to which all money goes.
    pub const SELLER_ID: &str = keys::SELLER_ID;

    /// A local Alipay whose books end with it.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn in_memory(clock: Clock) -> Result<LocalAlipay, BooksError> {
        Ok(LocalAlipay::new(Books::in_memory()?, clock))
    }

    /// A local Alipay whose books are in a file, which is made if it is missing.
    ///
    /// # Errors
    ///
    /// [`BooksError`] when SQLite refuses.
    pub fn open(path: &Path, clock: Clock) -> Result<LocalAlipay, BooksError> {
        Ok(LocalAlipay::new(Books::open(path)?, clock))
    }

    fn new(books: Books, clock: Clock) -> LocalAlipay {
        let shared = Shared {
            clock,
            books: Mutex::new(books),
            faults: Mutex::new(Faults::default()),
            downloads: Mutex::new(Downloads::default()),
            http: notifications::client(),
            keys: Keys::local(),
        };
        LocalAlipay { shared: Arc::new(shared) }
    }

    /// The way to the gateway for a client in this process.
    #[must_use]
    pub fn in_process(&self) -> InProcess {
        InProcess::new(self.router())
    }

    /// The gateway at `/gateway.do`, and pages, bills and control routes under `/local`.
    pub fn router(&self) -> Router {
        gateway::routes()
            .merge(pages::routes())
            .merge(bill::routes())
            .merge(control::routes())
            .with_state(self.clone())
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
        self.books().register_agreement(agreement_no, payer, funds, self.now())
    }

    /// Gives a payer these funds in place of the former ones.
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

    /// What was taken under each agreement, less what was given back, in fen.
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

    /// The configuration of a client that reaches this gateway at an address such as
    /// `http://127.0.0.1:8000/gateway.do`.
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

    /// The time that its clock shows.
    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.shared.books.lock().expect("no holder of the books panics")
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.shared.faults.lock().expect("no holder of the faults panics")
    }

    fn downloads(&self) -> MutexGuard<'_, Downloads> {
        self.shared.downloads.lock().expect("no holder of the downloads panics")
    }

    fn http(&self) -> &HttpClient {
        &self.shared.http
    }

    fn keys(&self) -> &Keys {
        &self.shared.keys
    }
}
