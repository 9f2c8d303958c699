//! The ingest function in Lambda.

use steelyard_ingest::Ingest;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Ingest::from_environment(&Environment::of_process())).await
}
