//! The result policy: the class of each result code of `alipay.trade.pay`.
//!
//! A code at the top level, such as `40002`, is about our application and is the same for every
//! method. Under `40004` the sub-code is about the one order.

use steelyard_billing::DeclineReason;

use crate::wire::{Answer, BUSINESS_FAILED, SUCCESS};

/// The meaning of a result code for a request to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The money was taken, if the fields of the answer say so too.
    Paid,
    /// The money was not taken now.
    Declined(DeclineReason),
    /// The agreement or its payer no longer exists.
    MandateDead,
    /// The payer's account is blocked or at risk.
    PayerBlocked,
    /// Our account, key or configuration is in trouble, for every provider alike.
    OwnAccount,
    /// The content of this request is wrong. Other requests may succeed.
    OwnFault,
    /// Alipay limits how often we call it.
    Throttled,
    /// The code proves nothing; only a query can.
    InDoubt,
}

/// The result codes of one class.
struct Row {
    class: Class,
    /// Result codes of the class, with any sub-code.
    codes: &'static [&'static str],
    /// Sub-codes of the class under [`BUSINESS_FAILED`].
    sub_codes: &'static [&'static str],
}

/// The whole policy. A code that is in no row is in doubt.
///
/// Source of the sub-codes: alipay-sdk-php-all v3 `AlipayTradePayErrorResponseModel`; of their
/// meaning: Alipay's solution texts, and for codes without one their names. Source of the codes:
/// Alipay open-docs, 公共错误码.
const PAY_POLICY: [Row; 10] = [
    Row { class: Class::Paid, codes: &[SUCCESS], sub_codes: &[] },
    Row {
        class: Class::Declined(DeclineReason::Funds),
        codes: &[],
        sub_codes: &[
            "ACQ.BEYOND_PAY_RESTRICTION",
            "ACQ.BEYOND_PER_RECEIPT_DAY_RESTRICTION",
            "ACQ.BEYOND_PER_RECEIPT_RESTRICTION",
            "ACQ.BEYOND_PER_RECEIPT_SINGLE_RESTRICTION",
            "ACQ.BUYER_BALANCE_NOT_ENOUGH",
            "ACQ.BUYER_BANKCARD_BALANCE_NOT_ENOUGH",
            "ACQ.BUYER_BANKCARD_DECLINED",
            "ACQ.BUYER_BANKCARD_INVALID",
            "ACQ.BUYER_LIMIT_EXCEEDED",
            "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR",
            "ACQ.BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR",
            "ACQ.ERROR_BALANCE_PAYMENT_DISABLE",
            "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE",
            "ACQ.PAYMENT_FAIL",
        ],
    },
    Row {
        class: Class::Declined(DeclineReason::AmountCap),
        codes: &[],
        sub_codes: &[
            "ACQ.CYCLE_PAY_SINGLE_FEE_EXCEED",
            "ACQ.CYCLE_PAY_TOTAL_FEE_EXCEED",
            "ACQ.CYCLE_PAY_TOTAL_TIMES_EXCEED",
            "ACQ.PRODUCT_AMOUNT_LIMIT_ERROR",
            "ACQ.TOTAL_FEE_EXCEED",
        ],
    },
    Row {
        class: Class::Declined(DeclineReason::Window),
        codes: &[],
        sub_codes: &[
            "ACQ.CYCLE_PAY_DATE_NOT_MATCH",
            "ACQ.OVER_DEDUCT_PERIOD",
            "ACQ.OVER_MAX_DEDUCT_COUNT",
            "ACQ.OVER_MAX_UNDER_WAY_DEDUCT_COUNT",
            "ACQ.OVER_MERCHANT_DAILY_DEDUCT_AMOUNT",
        ],
    },
    Row {
        class: Class::MandateDead,
        codes: &[],
        sub_codes: &[
            "ACQ.AGREEMENT_ERROR",
            "ACQ.AGREEMENT_INVALID",
            "ACQ.AGREEMENT_NOT_EXIST",
            "ACQ.AGREEMENT_STATUS_NOT_NORMAL",
            "ACQ.BUYER_NOT_EXIST",
            "ACQ.PAYER_UNMATCHED",
            "ACQ.TRADE_BUYER_NOT_MATCH",
        ],
    },
    Row {
        class: Class::PayerBlocked,
        codes: &[],
        sub_codes: &[
            "ACQ.BUYER_ENABLE_STATUS_FORBID",
            "ACQ.ERROR_BUYER_CERTIFY_LEVEL_LIMIT",
            "ACQ.NOT_CERTIFIED_USER",
            "ACQ.PAYMENT_REQUEST_HAS_RISK",
        ],
    },
    Row {
        class: Class::OwnAccount,
        codes: &["20001", "40003", "40006"],
        sub_codes: &[
            "ACQ.ACCESS_FORBIDDEN",
            "ACQ.BUYER_SELLER_EQUAL",
            "ACQ.INVALID_RECEIVE_ACCOUNT",
            "ACQ.MERCHANT_AGREEMENT_INVALID",
            "ACQ.MERCHANT_AGREEMENT_NOT_EXIST",
            "ACQ.MERCHANT_PERM_RECEIPT_DAY_LIMIT",
            "ACQ.MERCHANT_PERM_RECEIPT_SINGLE_LIMIT",
            "ACQ.MERCHANT_PERM_RECEIPT_SUSPEND_LIMIT",
            "ACQ.MERCHANT_STATUS_NOT_NORMAL",
            "ACQ.PARTNER_ERROR",
            "ACQ.RESTRICTED_MERCHANT_INDUSTRY",
            "ACQ.RISK_MERCHANT_IP_NOT_EXIST",
            "ACQ.SELLER_BEEN_BLOCKED",
            "ACQ.SELLER_NOT_EXIST",
            "ACQ.UN_SUPPORT_TRADE_SCENE",
        ],
    },
    Row {
        class: Class::OwnFault,
        codes: &["40001", "40002"],
        sub_codes: &[
            "ACQ.CONTEXT_INCONSISTENT",
            "ACQ.EXIST_FORBIDDEN_WORD",
            "ACQ.INVALID_PARAMETER",
        ],
    },
    Row { class: Class::Throttled, codes: &["40005"], sub_codes: &[] },
    Row {
        class: Class::InDoubt,
        codes: &["10003", "20000"],
        sub_codes: &[
            // Alipay itself does not know.
            "ACQ.SYSTEM_ERROR",
            "AQC.SYSTEM_ERROR",
            "SYSTEM_ERROR",
            "UNKNOWN_ERROR",
            "aop.ACQ.SYSTEM_ERROR",
            "aop.unknow-error",
            "isp.unknow-error",
            // The trade is paid already; a query says how much was taken.
            "ACQ.TRADE_HAS_SUCCESS",
            // The trade is closed; a query says whether it was paid before.
            "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR",
            "ACQ.TRADE_HAS_CLOSE",
            "ACQ.TRADE_STATUS_ERROR",
        ],
    },
];

/// Codes that refuse a request because a parameter is missing or invalid.
const BAD_PARAMETER: [&str; 2] = ["40001", "40002"];

/// Sub-codes of [`BAD_PARAMETER`] about what every request of ours has in common: its key, clock,
/// application, method, format or charset. No single order causes them, so no provider is held
/// responsible for them.
///
/// Source: Alipay open-docs, 公共错误码.
const BAD_FOR_EVERY_REQUEST: [&str; 25] = [
    "app-cert-expired",
    "isv.decryption-error-missing-encrypt-type",
    "isv.decryption-error-not-valid-encrypt-key",
    "isv.decryption-error-not-valid-encrypt-type",
    "isv.decryption-error-unknown",
    "isv.forbidden-api",
    "isv.invalid-app-id",
    "isv.invalid-charset",
    "isv.invalid-encrypt",
    "isv.invalid-encrypt-type",
    "isv.invalid-format",
    "isv.invalid-method",
    "isv.invalid-signature",
    "isv.invalid-signature-type",
    "isv.invalid-timestamp",
    "isv.missing-app-id",
    "isv.missing-method",
    "isv.missing-signature",
    "isv.missing-signature-config",
    "isv.missing-signature-key",
    "isv.missing-signature-type",
    "isv.missing-timestamp",
    "isv.missing-version",
    "isv.not-support-app-auth",
    "not-online-app",
];

/// The class of an answer to a request to pay, with the code that decides it.
pub(crate) fn class_of(answer: &Answer) -> (Class, &str) {
    let (list, code): (fn(&Row) -> &'static [&'static str], &str) = match answer.code() {
        code if is_bad_for_every_request(answer) => return (Class::OwnAccount, code),
        BUSINESS_FAILED => (|row| row.sub_codes, answer.failure().unwrap_or_default()),
        code => (|row| row.codes, code),
    };
    let row = PAY_POLICY.iter().find(|row| list(row).contains(&code));
    (row.map_or(Class::InDoubt, |row| row.class), code)
}

/// Whether Alipay refused a request of any method for a reason on our side, before it looked at the
/// business of the request.
pub(crate) fn is_own_trouble(answer: &Answer) -> bool {
    let is_ours = matches!(class_of(answer).0, Class::OwnAccount | Class::OwnFault);
    answer.code() != BUSINESS_FAILED && is_ours
}

fn is_bad_for_every_request(answer: &Answer) -> bool {
    let is_listed = |sub_code| BAD_FOR_EVERY_REQUEST.contains(&sub_code);
    BAD_PARAMETER.contains(&answer.code()) && answer.sub_code().is_some_and(is_listed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::vectors::Vectors;

    fn check(code: &str, sub_code: &str, expected: Class) {
        let node = format!(r#"{{"code":"{code}","sub_code":"{sub_code}"}}"#);
        let answer = Answer::of_node(&node).unwrap();
        assert_eq!(class_of(&answer).0, expected, "{node}");
    }

    /// The class of a section of the published policy. Its section of limits holds one code of the
    /// top level, which limits our calls and not the debits.
    fn class_of_section(section: &str, code: &str) -> Class {
        match section {
            "success" => Class::Paid,
            "payer_funds_or_limit_retry_later_same_out_trade_no" => {
                Class::Declined(DeclineReason::Funds)
            }
            "amount_cap_needs_plan_change" => Class::Declined(DeclineReason::AmountCap),
            "rate_or_window_retry_later" if is_code(code) => Class::Throttled,
            "rate_or_window_retry_later" => Class::Declined(DeclineReason::Window),
            "agreement_dead_confirm_with_agreement_query_then_stop" => Class::MandateDead,
            "payer_account_blocked_stop_and_tell_provider" => Class::PayerBlocked,
            "our_account_stop_whole_run_page_operator" => Class::OwnAccount,
            "our_bug_stop_this_order" => Class::OwnFault,
            "pending_must_query"
            | "ambiguous_must_query"
            | "already_done_query_then_accept"
            | "order_dead_query_then_new_attempt_number" => Class::InDoubt,
            other => panic!("section {other} has no class"),
        }
    }

    fn is_code(text: &str) -> bool {
        text.chars().all(|c| c.is_ascii_digit())
    }

    #[test]
    fn every_published_code_has_the_class_of_its_section() {
        let mut published = BTreeSet::new();
        for (section, codes) in Vectors::read().trade_pay_policy {
            // Entries in angle brackets are not answers; the tests of the client cover them.
            for code in codes.into_iter().filter(|code| !code.starts_with('<')) {
                let class = class_of_section(&section, &code);
                if is_code(&code) {
                    check(&code, "", class);
                    check(&code, "ACQ.BUYER_BALANCE_NOT_ENOUGH", class);
                } else {
                    check(BUSINESS_FAILED, &code, class);
                }
                assert!(published.insert(code.clone()), "{code} is in two sections");
            }
        }
        // The published policy lacks this code, and the open-docs have it.
        published.insert("40003".to_owned());
        let listed = PAY_POLICY.iter().flat_map(|row| row.codes.iter().chain(row.sub_codes));
        let mut listed: Vec<String> = listed.map(|code| (*code).to_owned()).collect();
        listed.sort();
        assert_eq!(listed, Vec::from_iter(published), "every code is in one row, and no other");
    }

    #[test]
    fn a_code_has_its_class_only_at_its_own_level() {
        for code in PAY_POLICY.iter().flat_map(|row| row.codes) {
            check(BUSINESS_FAILED, code, Class::InDoubt);
        }
        for sub_code in PAY_POLICY.iter().flat_map(|row| row.sub_codes) {
            check(sub_code, "", Class::InDoubt);
            check("20000", sub_code, Class::InDoubt);
            check("10000", sub_code, Class::Paid);
        }
    }

    #[test]
    fn an_unknown_code_is_in_doubt() {
        for code in ["", "ACQ.NEW", "acq.payment_fail", "ACQ.PAYMENT_FAIL ", BUSINESS_FAILED] {
            check(BUSINESS_FAILED, code, Class::InDoubt);
            check(code, "", Class::InDoubt);
        }
        for code in ["0", "40000", "40007", "50000"] {
            check(code, "ACQ.BUYER_BALANCE_NOT_ENOUGH", Class::InDoubt);
        }
    }

    #[test]
    fn trouble_of_every_request_is_our_own_and_no_fault_of_one_order() {
        for code in BAD_PARAMETER {
            for sub_code in BAD_FOR_EVERY_REQUEST {
                check(code, sub_code, Class::OwnAccount);
                check(BUSINESS_FAILED, sub_code, Class::InDoubt);
                check("40009", sub_code, Class::InDoubt);
            }
            for sub_code in ["isv.invalid-parameter", "isv.new", ""] {
                check(code, sub_code, Class::OwnFault);
            }
        }
        for code in ["20001", "40003", "40006"] {
            check(code, "isv.missing-signature-config", Class::OwnAccount);
        }
    }

    #[test]
    fn a_code_of_any_method_is_our_own_trouble_only_at_the_top_level() {
        for (code, sub_code, expected) in [
            ("20001", "aop.invalid-auth-token", true),
            ("40001", "isv.missing-timestamp", true),
            ("40002", "isv.invalid-parameter", true),
            ("40003", "", true),
            ("40006", "isv.insufficient-isv-permissions", true),
            ("40004", "ACQ.SELLER_BEEN_BLOCKED", false),
            ("40004", "ACQ.INVALID_PARAMETER", false),
            ("40005", "isv.app-call-limited", false),
            ("40007", "", false),
            ("20000", "", false),
            ("10000", "", false),
        ] {
            let node = format!(r#"{{"code":"{code}","sub_code":"{sub_code}"}}"#);
            let answer = Answer::of_node(&node).unwrap();
            assert_eq!(is_own_trouble(&answer), expected, "{node}");
        }
    }
}
