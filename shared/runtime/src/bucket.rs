//! An S3 bucket that files are put into.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_types::body::SdkBody;
use rusty_s3::{Credentials, S3Action, UrlStyle};
use thiserror::Error;
use url::Url;

use crate::endpoints::Endpoints;
use crate::http::{Connections, connections};
use crate::{Environment, Error};

/// A bucket to put files into.
#[derive(Clone, Debug)]
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: SharedCredentialsProvider,
    connections: Connections,
}

/// Why a file could not be put. It may be there all the same; putting it again is safe.
#[derive(Debug, Error)]
pub enum BucketError {
    /// There are no credentials.
    #[error("no credentials for the bucket")]
    Credentials(#[from] aws_credential_types::provider::error::CredentialsError),
    /// S3 could not be asked.
    #[error("cannot put {key}")]
    Send {
        /// The file's key.
        key: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// S3 refused.
    #[error("S3 answers {status} to {key}")]
    Refused {
        /// The file's key.
        key: String,
        /// The HTTP status.
        status: u16,
    },
}

/// How long a request may take to be sent after it was signed.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// How long S3 may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

impl Bucket {
    /// A bucket of that name in the function's region, or at the endpoint that
    /// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` names.
    ///
    /// # Errors
    ///
    /// When the region, the credentials or the root certificates are missing, or the name is none.
    pub fn in_lambda(
        environment: &Environment,
        config: &SdkConfig,
        name: String,
    ) -> Result<Bucket, Error> {
        let region = environment.required("AWS_REGION")?;
        let (endpoint, style) = match Endpoints::of(environment).endpoint("S3") {
            Some(endpoint) => (Url::parse(endpoint)?, UrlStyle::Path),
            None => (Url::parse(&endpoint(&region))?, UrlStyle::VirtualHost),
        };
        Ok(Bucket {
            bucket: rusty_s3::Bucket::new(endpoint, style, name, region)?,
            credentials: config.credentials_provider().ok_or("no credentials for the bucket")?,
            connections: connections()?,
        })
    }

    /// Puts a file under a key, in place of one that is there.
    ///
    /// # Errors
    ///
    /// [`BucketError`] naming the key.
    pub async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), BucketError> {
        let found = self.credentials.provide_credentials().await?;
        let (id, secret) = (found.access_key_id(), found.secret_access_key());
        let credentials = match found.session_token() {
            Some(token) => Credentials::new_with_token(id, secret, token),
            None => Credentials::new(id, secret),
        };
        let signed = self.bucket.put_object(Some(&credentials), key).sign(SIGNED_FOR);
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| BucketError::Send {
            key: key.to_owned(),
            source,
        };
        let request = put_request(signed.as_str(), bytes).map_err(failed)?;
        let answer = tokio::time::timeout(ANSWER_MAX, self.connections.0.request(request)).await;
        let answer = answer.map_err(|elapsed| failed(elapsed.into()))?;
        let status = answer.map_err(|error| failed(error.into()))?.status();
        if status.is_success() {
            Ok(())
        } else {
            Err(BucketError::Refused { key: key.to_owned(), status: status.as_u16() })
        }
    }
}

fn put_request(
    url: &str,
    bytes: Vec<u8>,
) -> Result<aws_lambda_events::http::Request<SdkBody>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(aws_lambda_events::http::Request::put(url).body(SdkBody::from(bytes))?)
}

/// Where S3 is in a region; those of China have a domain of their own.
fn endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://s3.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::BehaviorVersion;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers so, and keeps what it was asked.
    async fn server(answer: &'static str) -> (String, Arc<Mutex<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"PK-the-bill") {
                socket.read_buf(&mut bytes).await.unwrap();
            }
            *kept.lock().unwrap() = String::from_utf8(bytes).unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        (endpoint, asked)
    }

    fn bucket(endpoint: &str) -> Bucket {
        let environment =
            Environment::from([("AWS_REGION", "cn-north-1"), ("AWS_ENDPOINT_URL", endpoint)]);
        let credentials = aws_credential_types::Credentials::new(
            "id",
            "secret",
            Some("token".into()),
            None,
            "test",
        );
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Bucket::in_lambda(&environment, &config, "bills".to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_file_is_put_by_a_signed_request() {
        let (endpoint, asked) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        bucket(&endpoint).put("2026-03-01/trade.zip", b"PK-the-bill".to_vec()).await.unwrap();
        let asked = asked.lock().unwrap();
        assert!(asked.starts_with("PUT /bills/2026-03-01/trade.zip?"), "{asked}");
        for part in ["X-Amz-Signature=", "X-Amz-Security-Token=token", "cn-north-1%2Fs3"] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_refused_is_an_error() {
        let (endpoint, _) = server("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        let refused = bucket(&endpoint).put("k", b"PK-the-bill".to_vec()).await;
        assert!(matches!(refused, Err(BucketError::Refused { status: 403, .. })), "{refused:?}");
    }

    #[test]
    fn china_has_a_domain_of_its_own() {
        assert_eq!(endpoint("cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint("eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
    }
}
