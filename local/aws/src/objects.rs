//! S3, as far as Steelyard uses it: objects that are put and read, and an event for each that is
//! stored, as a bucket sends it that notifies a queue.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use aws_smithy_types::byte_stream::ByteStream;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use steelyard_billing::{ObjectName, hex};
use steelyard_runtime::{Clock, Error};

use super::Embedded;
use super::function::sqs;

/// Where the objects are below the stack's address: `/s3/BUCKET/KEY`.
pub const OBJECTS_PATH: &str = "/s3/";

/// The route of an object.
const OBJECT_ROUTE: &str = "/s3/{bucket}/{*key}";

/// The objects of a stack. Each is a file of a folder.
#[derive(Clone)]
pub struct LocalObjects {
    folder: Arc<PathBuf>,
    known: Arc<Mutex<BTreeMap<ObjectName, Known>>>,
    clock: Clock,
    embedded: Arc<Embedded>,
    /// The name of the queue to which all buckets send their events.
    told: &'static str,
}

/// What S3 says of an object besides its content.
#[derive(Clone, Debug)]
struct Known {
    etag: String,
    bytes: u64,
    stored_at: Timestamp,
    file: PathBuf,
}

impl LocalObjects {
    /// The objects of a folder, of which those are known that were put since it was opened. Their
    /// events go to the queue of that name.
    #[must_use]
    pub fn in_folder(
        folder: &Path,
        clock: Clock,
        embedded: Arc<Embedded>,
        told: &'static str,
    ) -> LocalObjects {
        let folder = Arc::new(folder.join("s3"));
        LocalObjects { folder, known: Arc::default(), clock, embedded, told }
    }

    /// The routes under which objects are put and read.
    pub fn router(&self) -> Router {
        Router::new().route(OBJECT_ROUTE, get(read).put(put)).with_state(self.clone())
    }

    /// Stores an object, and sends its event. Gives the event.
    ///
    /// # Errors
    ///
    /// When the file can't be written, or the event can't be sent.
    pub async fn put(&self, object: &ObjectName, content: &[u8]) -> Result<Value, Error> {
        std::fs::create_dir_all(&*self.folder)?;
        let file = self.folder.join(object.digest());
        let written = file.with_extension("new");
        std::fs::write(&written, content)?;
        std::fs::rename(&written, &file)?;
        self.store(object, file, hex(&Sha256::digest(content), 16)).await
    }

    /// Stores a file of this machine as an object, and sends its event. The file is not copied, and
    /// its version is the time at which it changed last.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or the event can't be sent.
    pub async fn put_file(&self, object: &ObjectName, file: &Path) -> Result<Value, Error> {
        let changed_at = file.metadata()?.modified()?.duration_since(SystemTime::UNIX_EPOCH)?;
        self.store(object, file.to_owned(), format!("{:032x}", changed_at.as_nanos())).await
    }

    async fn store(
        &self,
        object: &ObjectName,
        file: PathBuf,
        etag: String,
    ) -> Result<Value, Error> {
        let bytes = file.metadata()?.len();
        let known = Known { etag, bytes, stored_at: self.clock.now(), file };
        let event = stored_event(object, &known);
        self.known().insert(object.clone(), known);
        self.send(&event).await?;
        Ok(event)
    }

    /// Sends a message to the function that reads logs, as S3 and EventBridge do.
    ///
    /// # Errors
    ///
    /// When SQS refuses.
    pub async fn send(&self, message: &Value) -> Result<(), Error> {
        let body = message.to_string();
        let url = format!("/{}", self.told);
        let message = json!({ "QueueUrl": url, "MessageBody": body });
        sqs(&self.embedded, "SendMessage", message).await.map(drop)
    }

    /// Removes an object, whose readings stay noted.
    pub fn remove(&self, object: &ObjectName) {
        self.known().remove(object);
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<ObjectName, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What S3 sends to a queue when an object is stored.
///
/// Source: AWS, "Event message structure", version 2.1. The key is encoded as in a form.
fn stored_event(object: &ObjectName, known: &Known) -> Value {
    let ObjectName { bucket, key } = object;
    let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace("%20", "+");
    json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "local",
        "eventTime": known.stored_at,
        "eventName": "ObjectCreated:Put",
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": { "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") },
            "object": { "key": key, "size": known.bytes, "eTag": known.etag },
        },
    }] })
}

async fn put(
    State(objects): State<LocalObjects>,
    UrlPath((bucket, key)): UrlPath<(String, String)>,
    body: Bytes,
) -> Response {
    match objects.put(&ObjectName::new(bucket, key), &body).await {
        Ok(_) => StatusCode::OK.into_response(),
        Err(error) => {
            tracing::error!(error, "cannot store an object");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn read(
    State(objects): State<LocalObjects>,
    UrlPath((bucket, key)): UrlPath<(String, String)>,
) -> Response {
    let known = objects.known().get(&ObjectName::new(bucket, key)).cloned();
    let Some(Known { etag, bytes, stored_at, file }) = known else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let stored_at = stored_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    match ByteStream::read_from().path(file).build().await {
        Ok(content) => {
            let head = [
                (ETAG, format!("\"{etag}\"")),
                (LAST_MODIFIED, stored_at),
                (CONTENT_LENGTH, bytes.to_string()),
            ];
            (head, Body::new(content.into_inner())).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "cannot read an object");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
