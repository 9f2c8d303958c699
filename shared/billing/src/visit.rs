//! A visit: what is due, and goes on by itself, is visited by the function that asks Alipay.

use serde::{Deserialize, Serialize};

use crate::mandate::MandateId;
use crate::{DebitId, ProviderId, RechargeId, RefundRef};

/// One record of a provider that is to be visited: what a message to the debit function holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskRef {
    /// Whose record.
    pub provider: ProviderId,
    /// Which.
    #[serde(flatten)]
    pub to: TaskId,
}

/// What is visited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskId {
    /// A debit.
    Debit(DebitId),
    /// A recharge.
    Recharge(RechargeId),
    /// A refund that we ask for.
    Refund(RefundRef),
    /// Money that Alipay gave back though we did not ask.
    Reversal(RefundRef),
    /// A mandate.
    Mandate(MandateId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_the_provider_and_what_to_visit() {
        let number = RefundRef {
            out_trade_no: "SY_1_R1".to_owned().try_into().unwrap(),
            out_request_no: "F1".to_owned().try_into().unwrap(),
        };
        let numbers = r#"{"out_trade_no":"SY_1_R1","out_request_no":"F1"}"#;
        for (to, json) in [
            (TaskId::Debit(DebitId(7)), r#""debit":7"#.to_owned()),
            (TaskId::Recharge(RechargeId(7)), r#""recharge":7"#.to_owned()),
            (TaskId::Refund(number.clone()), format!(r#""refund":{numbers}"#)),
            (TaskId::Reversal(number), format!(r#""reversal":{numbers}"#)),
            (TaskId::Mandate(MandateId(7)), r#""mandate":7"#.to_owned()),
        ] {
            let visit = TaskRef { provider: "shop".parse().unwrap(), to };
            let text = format!(r#"{{"provider":"shop",{json}}}"#);
            assert_eq!(serde_json::to_string(&visit).unwrap(), text);
            assert_eq!(serde_json::from_str::<TaskRef>(&text).unwrap(), visit);
        }
        assert!(serde_json::from_str::<TaskRef>(r#"{"provider":"shop"}"#).is_err());
    }
}
