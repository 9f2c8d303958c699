//! The same as JSON, for programs: routes below `/v1`, each with its description. The OpenAPI
//! document is made of the descriptions, so no route can be missing in it.

mod change;
mod document;
mod read;

use steelyard_runtime::Problem;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

use crate::{Shared, enter};

pub(crate) use document::{reference, reference_of};

/// The callers that may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callers {
    /// Anybody: it has no data of a provider.
    Anybody,
    /// The platform's servers.
    Servers,
    /// Those who may read the account of a provider.
    Readers,
    /// Those who may change something for a provider.
    Changers,
}

/// What a request may be refused for, whatever it asks of a provider.
const REFUSALS: [Problem; 5] = [
    Problem::MalformedRequest,
    Problem::NotSignedIn,
    Problem::Forbidden,
    Problem::NotFound,
    Problem::Unavailable,
];

/// What may go wrong when a recharge is offered.
const OF_RECHARGES: [Problem; 5] = [
    Problem::BodyTooLarge,
    Problem::Amount,
    Problem::IdempotencyKeyUsed,
    Problem::TooManyOpen,
    Problem::NoCode,
];

/// What may go wrong when something of a mandate changes.
const OF_MANDATES: [Problem; 3] =
    [Problem::BodyTooLarge, Problem::Mandate, Problem::IdempotencyKeyUsed];

/// What may go wrong when alerts are set.
const OF_ALERTS: [Problem; 2] = [Problem::BodyTooLarge, Problem::IdempotencyKeyUsed];

/// The routes with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(open_to(Callers::Anybody, &[], routes!(document::openapi)))
        .routes(open_to(Callers::Servers, &[Problem::NoProvider], routes!(enter::make)))
        .nest("/v1/providers/{provider}", of_provider())
}

fn of_provider() -> OpenApiRouter<Shared> {
    let reads = |routes| open_to(Callers::Readers, &[], routes);
    let changes = |problems: &[Problem], routes| open_to(Callers::Changers, problems, routes);
    OpenApiRouter::new()
        .routes(reads(routes!(read::overview)))
        .routes(reads(routes!(read::costs)))
        .routes(reads(routes!(read::costs_csv)))
        .routes(reads(routes!(read::costs_focus)))
        .routes(reads(routes!(read::bills)))
        .routes(reads(routes!(read::bill)))
        .routes(reads(routes!(read::ledger)))
        .routes(reads(routes!(read::recharges)))
        .routes(changes(&OF_RECHARGES, routes!(change::offer_recharge)))
        .routes(reads(routes!(read::recharge)))
        .routes(reads(routes!(read::alerts)))
        .routes(changes(&OF_ALERTS, routes!(change::set_alerts)))
        .routes(reads(routes!(read::withholding)))
        .routes(changes(&OF_MANDATES, routes!(change::offer_mandate)))
        .routes(changes(&OF_MANDATES, routes!(change::lower_limits)))
        .routes(changes(&OF_MANDATES, routes!(change::end_withholding)))
}

/// A route with its security and its problems described.
fn open_to(
    callers: Callers,
    problems: &[Problem],
    (schemas, mut paths, router): UtoipaMethodRouter<Shared>,
) -> UtoipaMethodRouter<Shared> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        operation.security = Some(document::security(callers));
        let refusals = if callers == Callers::Anybody { &[][..] } else { &REFUSALS };
        document::describe_problems(operation, refusals.iter().chain(problems));
    }
    (schemas, paths, router)
}

/// The operations of a path, by the methods that this API has.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put].into_iter().flatten()
}
