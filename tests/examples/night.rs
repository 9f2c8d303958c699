//! A night of very many providers, counted and checked as the tests check one of fewer.
//!
//! `cargo run --release -p steelyard-tests --example night -- [PROVIDERS]`

#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use steelyard_tests::Platform;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let providers = std::env::args().nth(1).map_or(10_000, |number| number.parse().unwrap());
    Platform::open().await.night(providers).await.check();
}
