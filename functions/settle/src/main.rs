//! The settle function in Lambda.

use steelyard_runtime::{Environment, Error, run};
use steelyard_settle::Settle;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Settle::from_environment(&Environment::of_process())).await
}
