//! The logs function in Lambda.

use steelyard_logs::Logs;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Logs::from_environment(&Environment::of_process())).await
}
