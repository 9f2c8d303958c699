//! The webhooks function in Lambda.

use steelyard_runtime::{Environment, Error, run};
use steelyard_webhooks::Webhooks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Webhooks::from_environment(&Environment::of_process())).await
}
