//! The actions function in Lambda.

use steelyard_actions::Actions;
use steelyard_runtime::{Environment, Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(Actions::from_environment(&Environment::of_process())).await
}
