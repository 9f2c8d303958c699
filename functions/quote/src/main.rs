//! The quote function in Lambda.

use steelyard_quote::Quotes;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Quotes::from_environment(&Environment::of_process())).await
}
