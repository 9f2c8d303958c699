//! Where AWS's services are, if not in AWS.

use std::collections::BTreeMap;

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::Environment;

/// The variable with the endpoint of all services.
const ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// The endpoints that variables name, as every AWS tool reads them: `AWS_ENDPOINT_URL_DYNAMODB` and
/// its siblings each for one service, `AWS_ENDPOINT_URL` for those that have none, and none at all
/// with `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true`. An empty variable counts as missing.
///
/// Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints".
#[derive(Debug)]
pub(crate) struct Endpoints(BTreeMap<String, String>);

impl Endpoints {
    /// The endpoints that the variables of a function name.
    pub(crate) fn of(environment: &Environment) -> Endpoints {
        let is_ignored = environment
            .optional("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        // Only these: what is kept here may be printed, and other variables are credentials.
        let urls = environment.starting_with(ENDPOINT_URL).filter(|_| !is_ignored);
        Endpoints(urls.map(|(name, url)| (name.to_owned(), url.to_owned())).collect())
    }

    /// The endpoint of a service such as `Secrets Manager`.
    pub(crate) fn endpoint(&self, service_id: &str) -> Option<&str> {
        let name = format!("{ENDPOINT_URL}_{}", service_id.replace(' ', "_").to_uppercase());
        self.0.get(&name).or_else(|| self.0.get(ENDPOINT_URL)).map(String::as_str)
    }
}

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let is_endpoint = key.env() == ENDPOINT_URL;
        is_endpoint.then(|| self.endpoint(key.service_id())).flatten().map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::aws;

    fn check(variables: &[(&str, &str)], dynamodb: Option<&str>, sqs: Option<&str>) {
        let endpoints = Endpoints::of(&variables.iter().copied().collect());
        assert_eq!(endpoints.endpoint("DynamoDB"), dynamodb, "{variables:?}");
        assert_eq!(endpoints.endpoint("SQS"), sqs, "{variables:?}");
    }

    #[test]
    fn endpoint_of_a_service_goes_before_that_of_all() {
        let all = ("AWS_ENDPOINT_URL", "http://all");
        let dynamodb = ("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb");
        check(&[], None, None);
        check(&[all], Some("http://all"), Some("http://all"));
        check(&[dynamodb], Some("http://dynamodb"), None);
        check(&[all, dynamodb], Some("http://dynamodb"), Some("http://all"));
        // Empty, as the template leaves it.
        check(&[("AWS_ENDPOINT_URL", ""), dynamodb], Some("http://dynamodb"), None);
        check(&[all, ("AWS_ENDPOINT_URL_SQS", "")], Some("http://all"), Some("http://all"));
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        check(&[all, dynamodb, ignored], None, None);
        check(&[all, (ignored.0, "false")], Some("http://all"), Some("http://all"));
    }

    #[test]
    fn name_of_a_service_may_have_two_words() {
        let secrets = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://secrets");
        let endpoints = Endpoints::of(&Environment::from([secrets]));
        assert_eq!(endpoints.endpoint("Secrets Manager"), Some("http://secrets"));
        assert_eq!(endpoints.endpoint("S3"), None);
    }

    #[test]
    fn credentials_are_not_kept_beside_the_endpoints() {
        let endpoints = Endpoints::of(&Environment::from([
            ("AWS_SECRET_ACCESS_KEY", "hidden"),
            ("AWS_ENDPOINT_URL", "http://all"),
        ]));
        assert!(!format!("{endpoints:?}").contains("hidden"), "{endpoints:?}");
    }

    /// A server that refuses everything, and the operations that it was asked for.
    async fn server() -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
                    socket.read_buf(&mut bytes).await.unwrap();
                }
                let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                let target = head.lines().find_map(|line| line.strip_prefix("x-amz-target: "));
                kept.lock().unwrap().push(target.unwrap_or_default().to_owned());
                let refusal =
                    "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
                socket.write_all(refusal.as_bytes()).await.unwrap();
            }
        });
        (endpoint, asked)
    }

    #[tokio::test]
    async fn function_asks_each_service_at_its_endpoint() {
        let (all, asked_all) = server().await;
        let (dynamodb, asked_dynamodb) = server().await;
        let environment = Environment::from([
            ("AWS_REGION", "cn-north-1"),
            ("AWS_ENDPOINT_URL", &all),
            ("AWS_ENDPOINT_URL_DYNAMODB", &dynamodb),
        ]);
        let credentials =
            aws_sdk_dynamodb::config::Credentials::new("id", "secret", None, None, "test");
        let config = aws::in_lambda(&environment).unwrap().into_builder();
        let config = config
            .credentials_provider(aws_sdk_dynamodb::config::SharedCredentialsProvider::new(
                credentials,
            ))
            .build();
        aws::dynamodb(&config).list_tables().send().await.unwrap_err();
        aws_sdk_sqs::Client::new(&config).list_queues().send().await.unwrap_err();
        assert_eq!(*asked_dynamodb.lock().unwrap(), ["dynamodb_20120810.listtables"]);
        assert_eq!(*asked_all.lock().unwrap(), ["amazonsqs.listqueues"]);
    }
}
