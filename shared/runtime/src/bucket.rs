//! Buckets of S3 that files are put into and read from.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_lambda_events::http::{Request, Response};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use rusty_s3::{Credentials, S3Action, UrlStyle};
use thiserror::Error;
use url::Url;

use crate::endpoints::Endpoints;
use crate::http::{Connections, Roots, connections};
use crate::{Environment, Error};

/// The buckets of a region, as one caller reaches them.
#[derive(Clone, Debug)]
pub struct Buckets {
    endpoint: Url,
    style: UrlStyle,
    region: String,
    credentials: SharedCredentialsProvider,
    connections: Connections,
}

/// A bucket for files.
#[derive(Clone, Debug)]
pub struct Bucket {
    bucket: rusty_s3::Bucket,
    credentials: SharedCredentialsProvider,
    connections: Connections,
}

/// A file that is being read. What is dropped before its end is not read on.
#[derive(Debug)]
pub struct Stored {
    /// The mark that distinguishes its content from that of other files under the key, as S3 says
    /// it.
    pub etag: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// When S3 got it, to the second.
    pub stored_at: Timestamp,
    key: String,
    parts: ByteStream,
}

/// Why a file could not be put or read. One that was put may be there all the same; putting it
/// again is safe.
#[derive(Debug, Error)]
pub enum BucketError {
    /// There are no credentials.
    #[error("no credentials for the bucket")]
    Credentials(#[from] aws_credential_types::provider::error::CredentialsError),
    /// S3 could not be asked, or its answer broke off.
    #[error("cannot transfer {key}")]
    Transfer {
        /// The file's key.
        key: String,
        /// The failure of the transport.
        #[source]
        source: BoxError,
    },
    /// No address stands for the key: its parts would name another one.
    #[error("the key {key:?} cannot be a part of an address")]
    Key {
        /// The file's key.
        key: String,
    },
    /// The answer lacks what every answer has.
    #[error("S3 does not say {what} of {key}")]
    Unsaid {
        /// The file's key.
        key: String,
        /// The name of the missing header.
        what: &'static str,
    },
    /// S3 answered with a status that is no success.
    #[error("S3 answers {status} to {key}")]
    Refused {
        /// The file's key.
        key: String,
        /// The HTTP status.
        status: u16,
    },
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How long a request may take to be sent after it was signed.
const SIGNED_FOR: Duration = Duration::from_secs(60);

/// How long S3 may take to answer: the bytes of a file of 200 MB are sent within it.
const ANSWER_MAX: Duration = Duration::from_secs(300);

/// How long S3 may take for the next part of a file.
const PART_MAX: Duration = Duration::from_secs(30);

impl Buckets {
    /// The buckets of the function's region, or those at the endpoint that `AWS_ENDPOINT_URL_S3` or
    /// `AWS_ENDPOINT_URL` names.
    ///
    /// # Errors
    ///
    /// When the region, the credentials or the root certificates are missing.
    pub fn in_lambda(environment: &Environment, config: &SdkConfig) -> Result<Buckets, Error> {
        let region = environment.required("AWS_REGION")?;
        let (endpoint, style) = match Endpoints::of(environment).endpoint("S3") {
            Some(endpoint) => (Url::parse(endpoint)?, UrlStyle::Path),
            None => (Url::parse(&endpoint(&region))?, UrlStyle::VirtualHost),
        };
        Buckets::reached(endpoint, style, region, config, Roots::Own)
    }

    /// The buckets of a local stack, at an address that ends with `/`.
    ///
    /// # Errors
    ///
    /// When the address is none, or is an https address and the system has no root certificates.
    pub fn local(config: &SdkConfig, endpoint: &str) -> Result<Buckets, Error> {
        let roots = Roots::of_endpoint(endpoint);
        let endpoint = Url::parse(endpoint)?;
        Buckets::reached(endpoint, UrlStyle::Path, "local".to_owned(), config, roots)
    }

    fn reached(
        endpoint: Url,
        style: UrlStyle,
        region: String,
        config: &SdkConfig,
        roots: Roots,
    ) -> Result<Buckets, Error> {
        let credentials = config.credentials_provider().ok_or("no credentials for buckets")?;
        let connections = connections(roots)?;
        Ok(Buckets { endpoint, style, region, credentials, connections })
    }

    /// The bucket of a name.
    ///
    /// # Errors
    ///
    /// When no bucket can have the name.
    pub fn named(&self, name: String) -> Result<Bucket, Error> {
        let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        // A name becomes a part of an address, and may come from a message.
        if !(3..=63).contains(&name.len()) || !name.chars().all(is_known) {
            return Err(format!("no bucket has the name {name:?}").into());
        }
        let Buckets { endpoint, mut style, region, credentials, connections } = self.clone();
        // S3's certificate names one label before its own name, so it does not hold for more.
        if name.contains('.') {
            style = UrlStyle::Path;
        }
        let bucket = rusty_s3::Bucket::new(endpoint, style, name, region)?;
        Ok(Bucket { bucket, credentials, connections })
    }
}

impl Bucket {
    /// Puts a file under a key, in place of one that is there. It is read part by part.
    ///
    /// # Errors
    ///
    /// [`BucketError`] naming the key.
    pub async fn put(&self, key: &str, file: &Path) -> Result<(), BucketError> {
        let credentials = self.credentials().await?;
        let url = self.bucket.put_object(Some(&credentials), key).sign(SIGNED_FOR);
        let body = ByteStream::read_from().path(file).build().await;
        let body = body.map_err(|error| failed(key, error))?.into_inner();
        let request = Request::put(url.as_str()).body(body).map_err(|error| failed(key, error))?;
        self.answer(key, request).await.map(drop)
    }

    /// Writes the file under a key to another, part by part. When it fails, a part may be written.
    ///
    /// # Errors
    ///
    /// [`BucketError`] naming the key.
    pub async fn get(&self, key: &str, file: &mut (dyn Write + Send)) -> Result<(), BucketError> {
        let mut stored = self.open(key).await?;
        while let Some(part) = stored.part().await {
            file.write_all(&part?).map_err(|error| failed(key, error))?;
        }
        Ok(())
    }

    /// Begins to read the file under a key.
    ///
    /// # Errors
    ///
    /// [`BucketError`] naming the key.
    pub async fn open(&self, key: &str) -> Result<Stored, BucketError> {
        if key.is_empty() || key.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(BucketError::Key { key: key.to_owned() });
        }
        let credentials = self.credentials().await?;
        let url = self.bucket.get_object(Some(&credentials), key).sign(SIGNED_FOR);
        let request = Request::get(url.as_str()).body(SdkBody::empty());
        let answer = self.answer(key, request.map_err(|error| failed(key, error))?).await?;
        let said = |name: &str| answer.headers().get(name)?.to_str().ok();
        let unsaid = |what| BucketError::Unsaid { key: key.to_owned(), what };
        let etag = said("etag").map(|etag| etag.trim_matches('"').to_owned());
        let bytes = said("content-length").and_then(|bytes| bytes.parse().ok());
        let stored_at = said("last-modified").and_then(|at| rfc2822::parse(at).ok());
        Ok(Stored {
            etag: etag.ok_or_else(|| unsaid("the version"))?,
            bytes: bytes.ok_or_else(|| unsaid("the size"))?,
            stored_at: stored_at.ok_or_else(|| unsaid("the time"))?.timestamp(),
            key: key.to_owned(),
            parts: ByteStream::new(answer.into_body()),
        })
    }

    async fn credentials(&self) -> Result<Credentials, BucketError> {
        let found = self.credentials.provide_credentials().await?;
        let (id, secret) = (found.access_key_id(), found.secret_access_key());
        Ok(match found.session_token() {
            Some(token) => Credentials::new_with_token(id, secret, token),
            None => Credentials::new(id, secret),
        })
    }

    /// The answer to a request, if S3 did what it asks for.
    async fn answer(
        &self,
        key: &str,
        request: Request<SdkBody>,
    ) -> Result<Response<SdkBody>, BucketError> {
        let answer = tokio::time::timeout(ANSWER_MAX, self.connections.0.request(request)).await;
        let answer = answer.map_err(|elapsed| failed(key, elapsed))?;
        let answer = answer.map_err(|error| failed(key, error))?;
        let status = answer.status();
        if status.is_success() {
            Ok(answer.map(SdkBody::from_body_1_x))
        } else {
            Err(BucketError::Refused { key: key.to_owned(), status: status.as_u16() })
        }
    }
}

impl Stored {
    /// The next part; none at the end. After an error there are no more.
    pub async fn part(&mut self) -> Option<Result<Bytes, BucketError>> {
        match tokio::time::timeout(PART_MAX, self.parts.next()).await {
            Err(elapsed) => Some(Err(failed(&self.key, elapsed))),
            Ok(part) => Some(part?.map_err(|error| failed(&self.key, error))),
        }
    }
}

fn failed(key: &str, error: impl Into<BoxError>) -> BucketError {
    BucketError::Transfer { key: key.to_owned(), source: error.into() }
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

    /// A file to put.
    fn file() -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"PK-the-bill").unwrap();
        file
    }

    #[tokio::test]
    async fn a_file_is_read_part_by_part_and_not_at_all_when_it_breaks_off_or_is_missing() {
        for (answer, expected) in [
            (stored(11), Some(&b"PK-the-bill"[..])),
            (stored(12), None),
            (stored(11).replace("etag", "tag"), None),
            ("404 Not Found\r\ncontent-length: 2\r\n\r\nno".to_owned(), None),
        ] {
            let (endpoint, asked) = server(&answer, "\r\n\r\n").await;
            let mut file = Vec::new();
            let got = bucket(&endpoint).get("2026-03-01/trade.zip", &mut file).await;
            assert_eq!(got.ok().map(|()| &*file), expected, "{answer}");
            let asked = asked.lock().unwrap();
            assert!(asked.starts_with("GET /bills/2026-03-01/trade.zip?"), "{asked}");
            assert!(asked.contains("X-Amz-Signature="), "{asked}");
        }
    }

    /// The answer to a request for the file, if it had so many bytes.
    fn stored(bytes: usize) -> String {
        let at = "Sun, 01 Mar 2026 10:30:00 GMT";
        format!(
            "200 OK\r\netag: \"d41d\"\r\nlast-modified: {at}\r\ncontent-length: {bytes}\r\n\r\nPK-the-bill"
        )
    }

    /// A server that answers so once it was asked to the end, and keeps what it was asked.
    async fn server(answer: &str, end: &'static str) -> (String, Arc<Mutex<String>>) {
        let answer = format!("HTTP/1.1 {answer}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            while !bytes.ends_with(end.as_bytes()) {
                socket.read_buf(&mut bytes).await.unwrap();
            }
            *kept.lock().unwrap() = String::from_utf8(bytes).unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
        });
        (endpoint, asked)
    }

    fn config() -> SdkConfig {
        let credentials = aws_credential_types::Credentials::new(
            "id",
            "secret",
            Some("token".into()),
            None,
            "test",
        );
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    fn bucket(endpoint: &str) -> Bucket {
        let environment =
            Environment::from([("AWS_REGION", "cn-north-1"), ("AWS_ENDPOINT_URL", endpoint)]);
        Buckets::in_lambda(&environment, &config()).unwrap().named("bills".to_owned()).unwrap()
    }

    #[tokio::test]
    async fn a_file_is_put_by_a_signed_request() {
        let (endpoint, asked) = server("200 OK\r\ncontent-length: 0\r\n\r\n", "PK-the-bill").await;
        bucket(&endpoint).put("2026-03-01/trade.zip", file().path()).await.unwrap();
        let asked = asked.lock().unwrap();
        assert!(asked.starts_with("PUT /bills/2026-03-01/trade.zip?"), "{asked}");
        for part in
            ["X-Amz-Signature=", "X-Amz-Security-Token=token", "cn-north-1%2Fs3", "length: 11"]
        {
            assert!(asked.contains(part), "{part} in {asked}");
        }
    }

    #[tokio::test]
    async fn key_that_an_address_cannot_hold_is_refused_before_anything_is_sent() {
        let (endpoint, asked) = server("200 OK\r\n\r\n", "\r\n\r\n").await;
        for key in ["", ".", "..", "x/../alb/a.log", "../other/c", "a/."] {
            let refused = bucket(&endpoint).open(key).await;
            assert!(matches!(refused, Err(BucketError::Key { .. })), "{key}: {refused:?}");
        }
        assert_eq!(*asked.lock().unwrap(), "");
    }

    #[tokio::test]
    async fn a_file_that_is_refused_is_an_error() {
        let (endpoint, _) =
            server("403 Forbidden\r\ncontent-length: 0\r\n\r\n", "PK-the-bill").await;
        let refused = bucket(&endpoint).put("k", file().path()).await;
        assert!(matches!(refused, Err(BucketError::Refused { status: 403, .. })), "{refused:?}");
    }

    #[test]
    fn bucket_whose_name_has_dots_stands_in_the_path_where_the_certificate_holds() {
        let environment = Environment::from([("AWS_REGION", "eu-west-1")]);
        let buckets = Buckets::in_lambda(&environment, &config()).unwrap();
        for (name, address) in [
            ("my-logs", "https://my-logs.s3.eu-west-1.amazonaws.com/"),
            ("my.logs", "https://s3.eu-west-1.amazonaws.com/my.logs/"),
        ] {
            let bucket = buckets.named(name.to_owned()).unwrap();
            assert_eq!(bucket.bucket.base_url().as_str(), address);
        }
        let too_long = "a".repeat(64);
        for other in
            ["", "ab", &too_long, "My-logs", "https://elsewhere.example", "logs/../x", "a b c"]
        {
            buckets.named(other.to_owned()).unwrap_err();
        }
    }

    #[test]
    fn china_has_a_domain_of_its_own() {
        assert_eq!(endpoint("cn-north-1"), "https://s3.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint("eu-west-1"), "https://s3.eu-west-1.amazonaws.com");
    }
}
