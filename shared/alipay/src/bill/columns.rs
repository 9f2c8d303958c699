//! The columns of a bill, by the names that Alipay gives them.
//!
//! Source: files of both kinds in public repositories, and Alipay's guide to bills. The newer
//! ledger has four columns more.

use steelyard_billing::{BillKind, RowKind};

pub(super) const TRADE_NO: &str = "支付宝交易号";
pub(super) const OUT_TRADE_NO: &str = "商户订单号";
pub(super) const KIND: &str = "业务类型";
pub(super) const FINISHED_AT: &str = "完成时间";
pub(super) const AMOUNT: &str = "订单金额(元)";
pub(super) const OUT_REQUEST_NO: &str = "退款批次号/请求号";

/// The ledger's number of its row.
pub(super) const LEDGER_NO: &str = "账务流水号";
pub(super) const LEDGER_TRADE_NO: &str = "业务流水号";
pub(super) const LEDGER_AT: &str = "发生时间";
pub(super) const INCOME: &str = "收入金额(+元)";
pub(super) const EXPENSE: &str = "支出金额(-元)";

const TRADE_COLUMNS: [&str; 25] = [
    TRADE_NO,
    OUT_TRADE_NO,
    KIND,
    "商品名称",
    "创建时间",
    FINISHED_AT,
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    AMOUNT,
    "商家实收(元)",
    "支付宝红包(元)",
    "集分宝(元)",
    "支付宝优惠(元)",
    "商家优惠(元)",
    "券核销金额(元)",
    "券名称",
    "商家红包消费金额(元)",
    "卡消费金额(元)",
    OUT_REQUEST_NO,
    "服务费(元)",
    "分润(元)",
    "备注",
];

const LEDGER_COLUMNS: [&str; 12] = [
    LEDGER_NO,
    LEDGER_TRADE_NO,
    OUT_TRADE_NO,
    "商品名称",
    LEDGER_AT,
    "对方账号",
    INCOME,
    EXPENSE,
    "账户余额(元)",
    "交易渠道",
    KIND,
    "备注",
];

/// The names of rows in the bill of trades.
const TRADE_KINDS: [(&str, RowKind); 2] = [("交易", RowKind::Trade), ("退款", RowKind::Refund)];

/// The names of trades and refunds in the ledger.
const LEDGER_KINDS: [(&str, RowKind); 4] = [
    ("在线支付", RowKind::Trade),
    ("交易付款", RowKind::Trade),
    ("交易退款", RowKind::Refund),
    ("退款", RowKind::Refund),
];

/// All columns of a kind of bill.
pub(super) const fn columns(kind: BillKind) -> &'static [&'static str] {
    match kind {
        BillKind::Trade => &TRADE_COLUMNS,
        BillKind::Ledger => &LEDGER_COLUMNS,
    }
}

/// The column that the table of rows has and the table of sums has not.
pub(super) const fn first_column(kind: BillKind) -> &'static str {
    match kind {
        BillKind::Trade => TRADE_NO,
        BillKind::Ledger => LEDGER_NO,
    }
}

/// The kind of a row by its name in a bill; none when the bill has no rows of that name.
pub(super) fn row_kind(kind: BillKind, name: &str) -> Option<RowKind> {
    let named = |(other, kind): &(&str, RowKind)| (*other == name).then(|| kind.clone());
    match kind {
        BillKind::Trade => TRADE_KINDS.iter().find_map(named),
        BillKind::Ledger => LEDGER_KINDS
            .iter()
            .find_map(named)
            .or_else(|| (!name.is_empty()).then(|| RowKind::Other(name.to_owned()))),
    }
}

/// The name in a bill of a kind of rows.
pub(super) fn row_name(kind: BillKind, row_kind: &RowKind) -> &str {
    match (kind, row_kind) {
        (BillKind::Trade, RowKind::Trade) => "交易",
        (BillKind::Trade, RowKind::Refund) => "退款",
        (BillKind::Ledger, RowKind::Trade) => "在线支付",
        (BillKind::Ledger, RowKind::Refund) => "交易退款",
        (_, RowKind::Other(name)) => name,
    }
}

/// A column's name for comparison: Alipay writes its parentheses in full width, or not.
pub(super) fn normal(name: &str) -> String {
    name.trim().replace('（', "(").replace('）', ")")
}
