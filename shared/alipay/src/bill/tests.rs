//! Bills as Alipay writes them, and damaged ones.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use encoding_rs::GBK;
use jiff::Timestamp;
use proptest::prelude::*;
use steelyard_billing::{Bill, BillKind, BillRow, RowKind, UnreadableRow};
use steelyard_pricing::Fen;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// Made up after files in public repositories: five lines of preamble and header, tabs behind the
/// cells, lines about totals after the end.
const TRADES: &str = "#支付宝业务明细查询\r
#账号：[20880000000000000156]\r
#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]\r
#-----------------------------------------业务明细列表----------------------------------------\r
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r
2026030122001	,SY_1_1	,交易	,API技术服务费	,2026-03-01 09:59:58	,2026-03-01 10:00:01	,	,	,	,	,*商家(pay***@a.example)	,1234.56	,1234.56	,0.00	,0.00	,0.00	,0.00	,0.00	,	,0.00	,0.00	,	,-7.41	,0.00	,	\r
2026030122001	,SY_1_1	,退款	,API技术服务费	,2026-03-01 09:59:58	,2026-03-01 23:59:59	,	,	,	,	,*商家(pay***@a.example)	,-0.07	,-0.07	,0.00	,0.00	,0.00	,0.00	,0.00	,	,0.00	,0.00	,R1	,0.00	,0.00	,	\r
#-----------------------------------------业务明细列表结束------------------------------------\r
#交易合计：1笔，商家实收共1234.56元，商家优惠共0.00元\r
#退款合计：1笔，商家实收退款共-0.07元，商家优惠退款共0.00元\r
#导出时间：[2026年03月02日 08:11:02]\r
";

const SUMMARY: &str = "#支付宝业务汇总查询\r
门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）\r
合计,,1,1,1234.49\r
#-----------------------------------------业务汇总列表结束------------------------------------\r
";

/// As above, with the four columns that newer ledgers have, and commas padded behind the end.
const LEDGER: &str = "#支付宝账务明细查询\r
#账号：[20888011365400330156]\r
#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]\r
#-----------------------------------------账务明细列表----------------------------------------\r
账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注,业务基础订单号,业务订单号,业务账单来源,业务描述\r
54632446537371	,2026030122001	,SY_1_1	,API	,2026-03-01 10:00:02,商家 (a.example)	,2274.00,0.00,14533.03,支付宝,在线支付,,,,,\r
54632446537372	,2026030122001	,SY_1_1	,API	,2026-03-01 10:00:03,,,-2274.00,12259.03,支付宝,交易退款,,,,,\r
54632446537373	,2026030122001	,	,	,2026-03-01 10:00:04,,0.00,13.64,12245.39,支付宝,收费,,,,,\r
#-----------------------------------------账务明细列表结束------------------------------------,,,,,,,\r
#支出合计：2笔，共2287.64元,,,,,,,\r
";

fn gbk(text: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = GBK.encode(text);
    assert!(!is_lossy, "{text}");
    bytes.into_owned()
}

/// A zip whose files have names in GBK, without a flag that says so.
fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut names = Vec::new();
    for (index, (name, content)) in files.iter().enumerate() {
        let name = gbk(name);
        // The writer takes UTF-8 only; the name is put in its place afterwards.
        let place = format!("{index:X>width$}", width = name.len());
        zip.start_file(&place, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
        names.push((place, name));
    }
    let mut bytes = zip.finish().unwrap().into_inner();
    for (place, name) in names {
        for start in 0..bytes.len() - place.len() {
            if bytes[start..].starts_with(place.as_bytes()) {
                bytes[start..start + place.len()].copy_from_slice(&name);
            }
        }
    }
    bytes
}

fn bill_of(details: &str) -> Vec<u8> {
    zip_of(&[
        ("20880000000000000156_20260301_业务明细.csv", &gbk(details)),
        ("20880000000000000156_20260301_业务明细(汇总).csv", &gbk(SUMMARY)),
    ])
}

fn row(kind: RowKind, fen: i64, request: Option<&str>, finished_at: &str) -> BillRow {
    BillRow {
        kind,
        out_trade_no: Some("SY_1_1".to_owned()),
        trade_no: "2026030122001".to_owned(),
        amount_fen: Fen::new(fen),
        out_request_no: request.map(str::to_owned),
        finished_at: finished_at.parse().unwrap(),
    }
}

fn trades() -> Vec<BillRow> {
    vec![
        row(RowKind::Trade, 123_456, None, "2026-03-01T02:00:01Z"),
        row(RowKind::Refund, -7, Some("R1"), "2026-03-01T15:59:59Z"),
    ]
}

fn check(kind: BillKind, details: &str, expected: &[BillRow]) {
    let expected = Bill { rows: expected.to_vec(), unreadable: Vec::new() };
    assert_eq!(read_bill(kind, &bill_of(details)).unwrap(), expected);
}

/// A damaged bill has one row that cannot be read, by its line, reason and cells, and reads the
/// other rows as they are in the whole bill.
fn check_unreadable(kind: BillKind, whole: &str, damaged: &str, line: usize, expected: &str) {
    assert_ne!(whole, damaged, "{expected}");
    let mut rows = read_bill(kind, &bill_of(whole)).unwrap().rows;
    rows.remove(line - 6);
    let bill = read_bill(kind, &bill_of(damaged)).unwrap();
    assert_eq!(bill.rows, rows, "{expected}");
    let unreadable: Vec<String> = bill.unreadable.iter().map(in_short).collect();
    assert_eq!(unreadable, [format!("line {line}: {expected}")]);
}

/// An unreadable row in short: its line, the reason, and the cells of its numbers.
fn in_short(row: &UnreadableRow) -> String {
    let cell = |cell: &Option<String>| cell.clone().unwrap_or("nothing".to_owned());
    let (ours, theirs) = (cell(&row.out_trade_no), cell(&row.trade_no));
    format!("line {}: {}; {ours} {theirs}", row.line, row.reason)
}

#[test]
fn trades_and_refunds_of_a_day_are_read_to_the_fen() {
    check(BillKind::Trade, TRADES, &trades());
}

#[test]
fn a_ledger_is_read_with_rows_that_are_neither_trade_nor_refund() {
    let fee = BillRow {
        out_trade_no: None,
        ..row(RowKind::Other("收费".to_owned()), -1364, None, "2026-03-01T02:00:04Z")
    };
    let rows = [
        row(RowKind::Trade, 227_400, None, "2026-03-01T02:00:02Z"),
        row(RowKind::Refund, -227_400, None, "2026-03-01T02:00:03Z"),
        fee,
    ];
    check(BillKind::Ledger, LEDGER, &rows);
}

#[test]
fn columns_are_found_by_name_wherever_they_are() {
    check(BillKind::Trade, &TRADES.replace('（', "(").replace('）', ")"), &trades());
    let moved: Vec<String> = TRADES
        .lines()
        .map(|line| match line.split_once(',') {
            Some((first, rest)) if !line.starts_with('#') => format!("新列,{rest},{first}"),
            _ => line.to_owned(),
        })
        .collect();
    check(BillKind::Trade, &moved.join("\n"), &trades());
}

#[test]
fn the_header_identifies_the_file_with_the_rows_in_either_order() {
    let (details, summary) = (gbk(TRADES), gbk(SUMMARY));
    let (a, b) = (("业务明细.csv", &*details), ("业务明细(汇总).csv", &*summary));
    for files in [[a, b], [b, a], [(a.0, b.1), (b.0, a.1)]] {
        assert_eq!(read_bill(BillKind::Trade, &zip_of(&files)).unwrap().rows, trades());
    }
    let none = read_bill(BillKind::Ledger, &zip_of(&[a, b]));
    assert!(matches!(none, Err(BillError::NoTable)), "{none:?}");
    let twice = read_bill(BillKind::Trade, &zip_of(&[a, ("again.csv", &details)]));
    assert!(matches!(twice, Err(BillError::SeveralTables)), "{twice:?}");
}

#[test]
fn a_day_without_trades_has_no_row() {
    for (kind, bill) in [(BillKind::Trade, TRADES), (BillKind::Ledger, LEDGER)] {
        let is_row = |line: &&str| !line.starts_with("2026") && !line.starts_with("5463");
        let empty: Vec<&str> = bill.lines().filter(is_row).collect();
        check(kind, &empty.join("\r\n"), &[]);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_reported_beside_the_rows_that_can() {
    let amount = "the row has no 订单金额(元) that can be read; SY_1_1 2026030122001";
    for (damaged, line, expected) in [
        (TRADES.replace("1234.56\t,1234.56", "1234.567\t,1234.56"), 6, amount),
        (TRADES.replace("1234.56\t,1234.56", "-1234.56\t,1234.56"), 6, amount),
        (TRADES.replace("1234.56\t,1234.56", "0.00\t,1234.56"), 6, amount),
        (TRADES.replace("1234.56\t,1234.56", "\t,1234.56"), 6, amount),
        (TRADES.replace(",-0.07\t,-0.07", ",0.07\t,-0.07"), 7, amount),
        (
            TRADES.replace(",退款\t", ",转账\t"),
            7,
            "the row has no 业务类型 that can be read; SY_1_1 2026030122001",
        ),
        (
            TRADES.replace("2026-03-01 10:00:01", "2026-03-01"),
            6,
            "the row has no 完成时间 that can be read; SY_1_1 2026030122001",
        ),
        (
            TRADES.replace("2026030122001\t,SY_1_1\t,退款", "\t,SY_1_1\t,退款"),
            7,
            "the row has no 支付宝交易号 that can be read; SY_1_1 nothing",
        ),
        (
            TRADES.replace(
                "API技术服务费\t,2026-03-01 09:59:58\t,2026-03-01 10",
                "A,B\t,1\t,2026-03-01 10",
            ),
            6,
            "the row has 26 cells under 25 columns; SY_1_1 2026030122001",
        ),
    ] {
        check_unreadable(BillKind::Trade, TRADES, &damaged, line, expected);
    }
    let income = "the row has no 收入金额(+元) that can be read; SY_1_1 2026030122001";
    for (damaged, line, expected) in [
        (LEDGER.replace("2274.00,0.00", "2274.00,1.00"), 6, income),
        (LEDGER.replace("2274.00,0.00", "-2274.00,0.00"), 6, income),
        (
            LEDGER.replace(",-2274.00", ",x"),
            7,
            "the row has no 支出金额(-元) that can be read; SY_1_1 2026030122001",
        ),
        (
            LEDGER.replace(",收费,", ",,"),
            8,
            "the row has no 业务类型 that can be read; nothing 2026030122001",
        ),
    ] {
        check_unreadable(BillKind::Ledger, LEDGER, &damaged, line, expected);
    }
}

#[test]
fn a_row_that_breaks_off_or_follows_the_end_is_reported() {
    let of = |text: &str| {
        let bill = read_bill(BillKind::Trade, &bill_of(text)).unwrap();
        assert_eq!(bill.rows, trades());
        bill.unreadable.iter().map(in_short).collect::<Vec<_>>()
    };
    let short = TRADES
        .replace("#-----------------------------------------业务明细列表结束", "2026\r\n#列表结束");
    assert_eq!(of(&short), ["line 8: the row has 1 cells under 25 columns; nothing 2026"]);
    let late = TRADES.replace("#导出时间", "导出时间");
    assert_eq!(
        of(&late),
        [
            "line 11: the row is after the end of the table; nothing 导出时间：[2026年03月02日 08:11:02]"
        ]
    );
}

#[test]
fn cells_of_an_unreadable_row_are_kept_to_their_first_64_characters() {
    let long = "9".repeat(10_000);
    let damaged = TRADES.replace("2026030122001\t,SY_1_1\t,退款", &format!("{long}\t,{long}\t,?"));
    let bill = read_bill(BillKind::Trade, &bill_of(&damaged)).unwrap();
    let kept = Some("9".repeat(64));
    let [row] = &bill.unreadable[..] else { panic!("{bill:?}") };
    assert_eq!((&row.out_trade_no, &row.trade_no), (&kept, &kept));
}

#[test]
fn a_table_that_cannot_be_read_fails_as_a_whole() {
    for (broken, expected) in [
        (
            TRADES.replace("订单金额（元）", "金额（元）"),
            TableError::NoColumn { column: "订单金额(元)" },
        ),
        (TRADES.replace("备注", "业务类型"), TableError::TwoColumns { column: "业务类型" }),
        (TRADES.replace("列表结束", "列表"), TableError::NoEnd),
    ] {
        match read_bill(BillKind::Trade, &bill_of(&broken)) {
            Err(BillError::Table(error)) => assert_eq!(error, expected),
            other => panic!("{other:?} is not {expected:?}"),
        }
    }
}

#[test]
fn a_row_without_a_number_of_the_merchant_is_a_row() {
    let mut rows = trades();
    rows[1].out_trade_no = None;
    check(BillKind::Trade, &TRADES.replace(",SY_1_1\t,退款", ",\t,退款"), &rows);
}

#[test]
fn a_byte_that_is_not_gbk_costs_its_own_row_only() {
    let mut details = gbk(TRADES);
    let name = gbk("API技术");
    let place = details.windows(name.len()).rposition(|bytes| bytes == name).unwrap();
    details[place] = 0xFF;
    let bill = read_bill(BillKind::Trade, &zip_of(&[("业务明细.csv", &details)])).unwrap();
    assert_eq!(bill.rows, trades()[..1]);
    let [row] = &bill.unreadable[..] else { panic!("{bill:?}") };
    assert_eq!(in_short(row), "line 7: the row is not GBK; SY_1_1 2026030122001");
}

#[test]
fn a_byte_that_is_not_gbk_in_a_comment_costs_no_row() {
    let mut details = gbk(TRADES);
    let comment = gbk("#交易合计");
    let place = details.windows(comment.len()).position(|bytes| bytes == comment).unwrap();
    details[place + 1] = 0xFF;
    let bill = read_bill(BillKind::Trade, &zip_of(&[("业务明细.csv", &details)])).unwrap();
    assert_eq!(bill, Bill { rows: trades(), unreadable: Vec::new() });
}

#[test]
fn bytes_that_are_no_whole_zip_are_refused() {
    let whole = bill_of(TRADES);
    for bytes in [&b""[..], b"<html>", &whole[..whole.len() / 2]] {
        assert!(matches!(read_bill(BillKind::Trade, bytes), Err(BillError::Zip(_))));
    }
    let mut damaged = whole;
    let middle = 300;
    damaged[middle] ^= 1;
    assert!(matches!(read_bill(BillKind::Trade, &damaged), Err(BillError::Unpack(_))));
}

#[test]
fn a_zip_that_unpacks_to_too_much_is_refused() {
    let many = zip_of_many(&[("a", &b""[..]); 17]);
    let error = read_bill(BillKind::Trade, &many).unwrap_err();
    assert!(matches!(error, BillError::TooLarge), "{error:?}");

    let bytes = u64::try_from(gbk(TRADES).len()).unwrap();
    let read = |file: &[u8], most_bytes| {
        let zip = Cursor::new(zip_of(&[("a", file)]));
        read::read_within(BillKind::Trade, zip, most_bytes, |_, _| ControlFlow::Continue(()))
    };
    read(&gbk(TRADES), bytes).unwrap();
    for (file, most_bytes) in [(gbk(TRADES), bytes - 1), (vec![b' '; 65], 64)] {
        let error = read(&file, most_bytes).unwrap_err();
        assert!(matches!(error, BillError::TooLarge), "{error:?}");
    }
}

#[test]
fn a_line_that_is_too_long_costs_its_own_row_only() {
    let long = "9".repeat(70_000);
    let damaged = TRADES
        .replace("2026030122001\t,SY_1_1\t,退款", &format!("2026030122001\t,SY_1_1\t,{long}"));
    check_unreadable(
        BillKind::Trade,
        TRADES,
        &damaged,
        7,
        "the row has more than 65536 bytes; SY_1_1 2026030122001",
    );
}

#[test]
fn rows_are_passed_with_their_lines_until_they_are_told_to_stop() {
    for most in 1..=2 {
        let mut lines = Vec::new();
        read_bill_lines(BillKind::Trade, Cursor::new(bill_of(TRADES)), |line, _| {
            lines.push(line);
            if lines.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(lines, [6, 7][..most]);
    }
}

fn zip_of_many(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..files.len() {
        zip.start_file(index.to_string(), SimpleFileOptions::default()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_text_that_reading_would_change_is_not_written() {
    for text in ["#1", "a,b", "a\nb", " a", "a\t", "😀"] {
        let odd = BillRow { out_trade_no: Some(text.to_owned()), ..trades().remove(0) };
        let written = write_bill(BillKind::Trade, &[odd]);
        assert!(matches!(written, Err(WriteBillError::Cell { .. })), "{text}");
    }
}

fn any_row(kind: BillKind) -> impl Strategy<Value = BillRow> {
    let number = "[0-9A-Za-z_]{1,64}";
    let instant = 946_684_800_i64..253_402_000_000;
    let others: &[RowKind] = match kind {
        BillKind::Trade => &[],
        BillKind::Ledger => &[RowKind::Other(String::new())],
    };
    let kinds = [&[RowKind::Trade, RowKind::Refund][..], others].concat();
    (prop::sample::select(kinds), number, number, 1_i64..=i64::MAX, any::<bool>(), instant)
        .prop_map(move |(row_kind, out_trade_no, trade_no, fen, flag, second)| {
            let is_other = matches!(row_kind, RowKind::Other(_));
            let is_refund = row_kind == RowKind::Refund;
            let is_out = is_refund || (is_other && flag);
            let has_request = kind == BillKind::Trade && is_refund && flag;
            BillRow {
                kind: if is_other { RowKind::Other("提现".to_owned()) } else { row_kind },
                out_request_no: has_request.then(|| out_trade_no.clone()),
                out_trade_no: (!is_other || flag).then_some(out_trade_no),
                trade_no,
                amount_fen: Fen::new(if is_out { -fen } else { fen }),
                finished_at: Timestamp::from_second(second).unwrap(),
            }
        })
}

proptest! {
    #[test]
    fn every_bill_is_read_back_as_it_was_written(
        trades in prop::collection::vec(any_row(BillKind::Trade), 0..20),
        ledger in prop::collection::vec(any_row(BillKind::Ledger), 0..20),
    ) {
        for (kind, rows) in [(BillKind::Trade, trades), (BillKind::Ledger, ledger)] {
            let zip = write_bill(kind, &rows).unwrap();
            prop_assert_eq!(read_bill(kind, &zip).unwrap(), Bill { rows, unreadable: Vec::new() });
        }
    }
}
