//! The watch function in Lambda.

use steelyard_runtime::{Environment, Error, run};
use steelyard_watch::Watch;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Watch::from_environment(&Environment::of_process())).await
}
