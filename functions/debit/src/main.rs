//! The debit function in Lambda.

use steelyard_debit::Debits;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Debits::from_environment(&Environment::of_process()).await).await
}
