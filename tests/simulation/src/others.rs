//! What is there beside the platform: another deployment on the same app, and items that no version
//! can read.

use std::sync::Arc;

use serde_json::{Value, json};
use steelyard_alipay::{Alipay, PayRequest, Withholding};
use steelyard_billing::{DebitId, OutTradeNo, TradeNumber, TradeOf};
use steelyard_local_alipay::LocalAlipay;
use steelyard_runtime::Error;
use steelyard_tests::{fen, registry_pk};

use crate::canary::Canary;
use crate::world::{PROVIDERS, World};

/// The realm of the platform's numbers.
pub(crate) const REALM: &str = "seed00";

/// The realm of the other deployment.
const OTHER_REALM: &str = "seed01";

/// The agreement of the other deployment's provider.
pub(crate) const OTHER_AGREEMENT: &str = "2015elsewhere";

/// The keys of the items that nobody can read.
pub(crate) const UNREADABLE: [&str; 2] = ["ill#account", "gift#1"];

impl World {
    /// Another deployment on the same app has taken its first debits of a provider that is called
    /// as one of ours.
    pub(crate) async fn add_other_deployment(&self) -> Result<(), Error> {
        let (alipay, now) = (&self.platform.stack.alipay, self.now());
        alipay.register_agreement(OTHER_AGREEMENT, "elsewhere", fen(1_000_000))?;
        let config = LocalAlipay::client_config("http://127.0.0.1:0/gateway.do");
        let client = Alipay::over(Arc::new(alipay.in_process()), config)?;
        let realm = if self.chaos.has(Canary::NoRealm) { REALM } else { OTHER_REALM };
        let realm = realm.to_owned().try_into()?;
        for debit in 1..=3 {
            let of = TradeOf::Debit { debit: DebitId(debit), attempt: 1 };
            let number = TradeNumber::new(&realm, &PROVIDERS[0].parse()?, of).to_string();
            let out_trade_no = OutTradeNo::parse(&number)?;
            let withholding = Withholding {
                out_trade_no: out_trade_no.clone(),
                amount_fen: fen(777),
                agreement_no: OTHER_AGREEMENT.to_owned(),
                subject: "another deployment".to_owned(),
            };
            let request = PayRequest::new(out_trade_no, fen(777), withholding.biz_content()?)?;
            let answer = client.pay(&request, now).await;
            self.chaos.note(format_args!("another deployment takes {number}: {answer:?}"));
        }
        Ok(alipay.drop_notifications()?)
    }

    /// Items that cannot be read stand where settlement and dispatch read: beside the account of
    /// our first provider, and among what is due.
    pub(crate) async fn add_unreadable_items(&self) {
        let account = json!({
            "pk": { "S": registry_pk(PROVIDERS[0]) }, "sk": { "S": UNREADABLE[0] },
            "version": { "S": "none" },
        });
        let due = json!({
            "pk": { "S": "provider#ill" }, "sk": { "S": UNREADABLE[1] },
            "due_shard": { "S": "due#07" }, "dispatch_at_s": { "N": "1" },
        });
        for item in [account, due] {
            let item: Value = item;
            self.chaos.note(format_args!("nobody can read {item}"));
            self.platform.put_item(&item).await;
        }
    }
}
