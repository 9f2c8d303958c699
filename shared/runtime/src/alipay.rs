//! The Alipay client of a function: variables, and a secret that holds the app's private key.

use serde::Deserialize;
use steelyard_alipay::{Alipay, AlipayConfig};

use crate::{Environment, Error, aws};

/// What the secret holds, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    app_private_key: String,
}

/// The client that `ALIPAY_GATEWAY`, `ALIPAY_APP_ID`, `ALIPAY_PUBLIC_KEY`, `ALIPAY_NOTIFY_URL` and
/// the secret `ALIPAY_SECRET_ID` describe. Without `ALIPAY_NOTIFY_URL`, only queries show what
/// becomes of what is asked for.
///
/// # Errors
///
/// When a variable is missing or makes no sense, or the secret can't be read; named.
pub async fn client(environment: &Environment, config: &aws::SdkConfig) -> Result<Alipay, Error> {
    let secrets = aws_sdk_secretsmanager::Client::new(config);
    let secret_id = environment.required("ALIPAY_SECRET_ID")?;
    let secret = secrets.get_secret_value().secret_id(&secret_id).send().await?;
    let text = secret.secret_string().ok_or_else(|| format!("secret {secret_id} is not a text"))?;
    let keys: Keys = steelyard_json::read(text.as_bytes())
        // The text of the error could quote the secret.
        .map_err(|_| format!("secret {secret_id} is not JSON with app_private_key alone"))?;
    Ok(Alipay::new(AlipayConfig {
        gateway: environment.required("ALIPAY_GATEWAY")?,
        app_id: environment.required("ALIPAY_APP_ID")?,
        app_private_key: keys.app_private_key,
        alipay_public_key: environment.required("ALIPAY_PUBLIC_KEY")?,
        notify_url: environment.optional("ALIPAY_NOTIFY_URL").map(str::to_owned),
        timeout: AlipayConfig::TIMEOUT,
    })?)
}
