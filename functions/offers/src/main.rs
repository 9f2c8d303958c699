//! The offers function in Lambda.

use steelyard_offers::Offers;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Offers::from_environment(&Environment::of_process()).await).await
}
