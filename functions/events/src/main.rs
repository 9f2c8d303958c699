//! The events function in Lambda.

use steelyard_events::Events;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Events::from_environment(&Environment::of_process())).await
}
