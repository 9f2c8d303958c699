//! The reconcile function in Lambda.

use steelyard_reconcile::Reconcile;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Reconcile::from_environment(&Environment::of_process()).await).await
}
