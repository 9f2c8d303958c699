//! The portal function in Lambda.

use steelyard_portal::Portal;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Portal::from_environment(&Environment::of_process()).await).await
}
