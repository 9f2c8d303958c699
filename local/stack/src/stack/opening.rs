//! The parts of a stack, opened one by one.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::Router;
use serde_json::{Value, json};
use steelyard_alipay::{AlipayConfig, Transport as AlipayTransport};
use steelyard_billing::Calendar;
use steelyard_books::Tables;
use steelyard_local_alipay::LocalAlipay;
use steelyard_local_aws::{Embedded, Transport, sqs};
use steelyard_notify::NOTIFY_PATH;
use steelyard_runtime::{Clock, Error, aws, chain};
use steelyard_store::EventsTable;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{ALIPAY_SECRET, Reach};
use crate::clock::LocalClock;
use crate::door::{self, Bounds, Hosts};
use crate::functions::{
    DEBIT_QUEUE, LOGS_QUEUE, RECONCILE_QUEUE, SETTLE_QUEUE, USAGE_QUEUE, WEBHOOKS_QUEUE,
    dead_letter_queue,
};
use crate::listen::{self, Listeners};
use crate::tables::{local_events, local_tables};

/// The tables of a stack, in its folder.
const TABLES_FILE: &str = "dynamodb.sqlite";

/// The books of its local Alipay, in its folder.
const ALIPAY_FILE: &str = "alipay.sqlite";

/// Creates the folder if it is missing, and locks it against other stacks.
///
/// # Errors
///
/// When the folder can't be used, another stack uses it, or one of its two databases is missing:
/// tables beside an Alipay that knows none of their trades would show money that was never taken.
pub(super) fn lock_folder(folder: &Path) -> Result<File, Error> {
    let named = |error: std::io::Error| -> Error {
        format!("cannot keep data in {}: {error}", folder.display()).into()
    };
    std::fs::create_dir_all(folder).map_err(named)?;
    let lock = File::create(folder.join("lock")).map_err(named)?;
    let [tables, alipay] = [TABLES_FILE, ALIPAY_FILE].map(|file| folder.join(file).exists());
    if tables != alipay {
        let (found, missing) =
            if tables { (TABLES_FILE, ALIPAY_FILE) } else { (ALIPAY_FILE, TABLES_FILE) };
        return Err(format!(
            "{} has {found} and no {missing}: bring that file back, or delete the folder to begin anew",
            folder.display()
        )
        .into());
    }
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(error) => {
            Err(format!("another local stack may run on {}: {error}", folder.display()).into())
        }
    }
}

/// The services of AWS, with streams of the tables if they are followed.
pub(super) fn open_embedded(
    data: Option<&Path>,
    clock: &LocalClock,
    follows: bool,
) -> Result<Embedded, Error> {
    let clock = clock.clone();
    let now = Arc::new(move || clock.now());
    let embedded = match data {
        None => Embedded::memory(now)?,
        Some(folder) => Embedded::file(&folder.join(TABLES_FILE), now)?,
    };
    if !follows {
        embedded.make_no_streams();
    }
    Ok(embedded)
}

pub(super) fn open_alipay(data: Option<&Path>, clock: Clock) -> Result<LocalAlipay, Error> {
    Ok(match data {
        None => LocalAlipay::in_memory(clock)?,
        Some(folder) => {
            let path = folder.join(ALIPAY_FILE);
            LocalAlipay::open(&path, clock).map_err(|error| {
                format!("cannot open the database {}: {}", path.display(), chain(&error))
            })?
        }
    })
}

/// The sockets of a stack, and the names by which it may be reached.
pub(super) async fn listen_by(reach: &Reach) -> Result<(Listeners, Hosts), Error> {
    Ok(match reach {
        Reach::Http { port, listen } => (listen::listen(*port, listen).await?, Hosts::of(listen)),
        Reach::InProcess => (Listeners::none(), Hosts::of(&[])),
    })
}

/// Answers what arrives at each socket.
pub(super) fn serve(sockets: Vec<TcpListener>, router: &Router) -> Vec<JoinHandle<()>> {
    let serve = |socket| tokio::spawn(door::serve(socket, router.clone(), Bounds::STACK));
    sockets.into_iter().map(serve).collect()
}

/// The configuration of clients of AWS that send their requests through a transport.
pub(super) fn config_over(
    transport: &Transport,
    address: SocketAddr,
) -> Result<aws::SdkConfig, Error> {
    let http_client = SharedHttpClient::new(transport.clone());
    aws::local(Some(http_client), &format!("http://{address}"))
}

/// The way of the functions to Alipay, if it is not HTTP.
pub(super) fn way_to_alipay(
    reach: &Reach,
    alipay: &LocalAlipay,
) -> Option<Arc<dyn AlipayTransport>> {
    match reach {
        Reach::Http { .. } => None,
        Reach::InProcess => Some(Arc::new(alipay.in_process())),
    }
}

pub(super) async fn create_tables(config: &aws::SdkConfig) -> Result<(Tables, EventsTable), Error> {
    let (tables, events) = (local_tables(config), local_events(config));
    tables.create().await?;
    events.create().await?;
    Ok((tables, events))
}

/// Refuses a clock that is before the last settlement: it would settle, charge and debit at times
/// that the books have passed.
pub(super) async fn check_clock(
    tables: &Tables,
    clock: &LocalClock,
    calendar: &Calendar,
) -> Result<(), Error> {
    let now = clock.clock().now();
    match tables.billing.last_settlement().await? {
        Some(last) if now < last => Err(format!(
            "this stack last settled at {}, and its clock would be at {}: start it with --now at or after that",
            calendar.wall_time(last),
            calendar.wall_time(now)
        )
        .into()),
        Some(_) | None => Ok(()),
    }
}

/// Creates each queue with the time in which its function has to be done with a message.
pub(super) async fn create_queues(embedded: &Embedded) -> Result<(), Error> {
    for (queue, visibility_s) in [
        (USAGE_QUEUE, 185),
        (SETTLE_QUEUE, 1800),
        (DEBIT_QUEUE, 360),
        (RECONCILE_QUEUE, 5400),
        (WEBHOOKS_QUEUE, 360),
        (LOGS_QUEUE, 5400),
    ] {
        create_queue(embedded, queue, visibility_s).await?;
    }
    Ok(())
}

async fn create_queue(embedded: &Embedded, queue: &str, visibility_s: u32) -> Result<(), Error> {
    let dead_letters = dead_letter_queue(queue);
    sqs(embedded, "CreateQueue", json!({ "QueueName": dead_letters })).await?;
    let redrive: Value = json!({
        "deadLetterTargetArn": format!("arn:aws:sqs:local:000000000000:{dead_letters}"),
        "maxReceiveCount": 5,
    });
    let attributes = json!({
        "VisibilityTimeout": visibility_s.to_string(),
        "RedrivePolicy": redrive.to_string(),
    });
    sqs(embedded, "CreateQueue", json!({ "QueueName": queue, "Attributes": attributes }))
        .await
        .map(drop)
}

/// Makes the stack the app of the local Alipay, and keeps its key as a secret. Gives the
/// configuration of its clients.
pub(super) fn register_app(
    alipay: &LocalAlipay,
    embedded: &Embedded,
    address: SocketAddr,
) -> Result<AlipayConfig, Error> {
    let notify_url = format!("http://{address}{NOTIFY_PATH}");
    alipay.set_app_gateway(Some(&notify_url))?;
    let config = LocalAlipay::client_config(&format!("http://{address}/gateway.do"));
    let keys = json!({ "app_private_key": config.app_private_key });
    embedded.put_secret(ALIPAY_SECRET, keys.to_string());
    Ok(AlipayConfig { notify_url: Some(notify_url), ..config })
}

/// The folder of the bills: that of the stack, or one that ends with what is returned beside it.
pub(super) fn folder_of(data: Option<PathBuf>) -> Result<(PathBuf, Option<TempDir>), Error> {
    Ok(match data {
        Some(folder) => (folder, None),
        None => {
            let files = TempDir::new()?;
            (files.path().to_owned(), Some(files))
        }
    })
}
