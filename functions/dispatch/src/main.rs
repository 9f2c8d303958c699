//! The dispatch function in Lambda.

use steelyard_dispatch::Dispatch;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Dispatch::from_environment(&Environment::of_process())).await
}
