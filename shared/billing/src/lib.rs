//! What providers owe and pay: the pure rules of settlement, accounts, journal and debits.

mod gateway;

pub use gateway::{Decline, Doubt, OutTradeNo, PayAnswer, Payment, QueryAnswer};
