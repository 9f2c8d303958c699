//! The notify function in Lambda.

use steelyard_notify::Notify;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Notify::from_environment(&Environment::of_process())).await
}
