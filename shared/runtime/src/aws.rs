//! The AWS clients: TLS by ring, bounded in time, few retries.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
pub use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::endpoints::Endpoints;
use crate::http::Roots;
use crate::{Environment, Error, Queue, http};

/// How a function in Lambda reaches AWS: region and credentials come from the variables that Lambda
/// sets, and endpoints from those that the AWS tools know, if they are set.
///
/// Built by hand rather than by `aws_config::load`, so that none of the other ways to come by
/// credentials is in a function's binary.
///
/// # Errors
///
/// Without `AWS_REGION`, or when `SSL_CERT_FILE` or `SSL_CERT_DIR` names no certificates.
pub fn in_lambda(environment: &Environment) -> Result<SdkConfig, Error> {
    let credentials = SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.required("AWS_REGION")?))
        .credentials_provider(credentials)
        .http_client(http::client(Roots::Own)?)
        .sleep_impl(tokio_sleep())
        .retry_config(retries())
        .timeout_config(timeouts())
        .service_config(Endpoints::of(environment));
    Ok(config.build())
}

/// How an operator reaches AWS: with the credentials, the profile and the region that every AWS
/// tool finds.
///
/// # Errors
///
/// When the system has no root certificates.
pub fn as_operator() -> Result<ConfigLoader, Error> {
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(http::client(Roots::System)?)
        .retry_config(retries())
        .timeout_config(timeouts()))
}

/// A client over a transport or an endpoint of the local stack, which takes any credentials.
///
/// # Errors
///
/// When there is no transport, the endpoint is an https address, and the system has no root
/// certificates.
pub fn local(http_client: Option<SharedHttpClient>, endpoint: &str) -> Result<SdkConfig, Error> {
    let http_client = match http_client {
        Some(transport) => transport,
        None => http::client(Roots::of_endpoint(endpoint))?,
    };
    let credentials =
        aws_sdk_dynamodb::config::Credentials::new("local", "local", None, None, "local");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("local"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(http_client)
        .sleep_impl(tokio_sleep())
        .retry_config(retries().with_initial_backoff(Duration::from_millis(1)))
        .timeout_config(timeouts());
    Ok(config.build())
}

/// The same way to AWS with the credentials of another caller: `caller` is its access key id. The
/// functions of a local stack are told apart by it.
#[must_use]
pub fn local_as(config: &SdkConfig, caller: &str) -> SdkConfig {
    let credentials =
        aws_sdk_dynamodb::config::Credentials::new(caller, "local", None, None, "local");
    let credentials = SharedCredentialsProvider::new(credentials);
    config.to_builder().credentials_provider(credentials).build()
}

/// A client of DynamoDB.
#[must_use]
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    aws_sdk_dynamodb::Client::new(config)
}

/// A client of DynamoDB that can read and refuses to write, before anything is sent.
#[must_use]
pub fn dynamodb_read_only(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::config::Builder::from(config).interceptor(ReadOnly).build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Lets operations pass that only read.
#[derive(Debug)]
struct ReadOnly;

/// The operations of DynamoDB that only read, of those that are used here.
const READS: [&str; 3] = ["BatchGetItem", "GetItem", "Query"];

#[dyn_dispatch_hint]
impl Intercept for ReadOnly {
    fn name(&self) -> &'static str {
        "ReadOnly"
    }

    /// At earlier hooks, an interceptor of the whole client does not know the operation.
    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match config.load::<Metadata>() {
            Some(operation) if READS.contains(&operation.name()) => Ok(()),
            Some(operation) => Err(format!("{} would write", operation.name()).into()),
            None => Err("an operation without a name could write".into()),
        }
    }
}

/// The queue at that URL.
#[must_use]
pub fn queue(config: &SdkConfig, url: String) -> Queue {
    Queue::new(aws_sdk_sqs::Client::new(config), url)
}

fn tokio_sleep() -> aws_sdk_dynamodb::config::SharedAsyncSleep {
    aws_sdk_dynamodb::config::SharedAsyncSleep::new(TokioSleep)
}

/// Waits on Tokio's timer.
#[derive(Debug)]
struct TokioSleep;

impl aws_sdk_dynamodb::config::AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> aws_sdk_dynamodb::config::Sleep {
        aws_sdk_dynamodb::config::Sleep::new(tokio::time::sleep(duration))
    }
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// All attempts together; each has bounds of its own in [`http`].
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(Duration::from_secs(20)).build()
}
