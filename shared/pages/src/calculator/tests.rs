//! What people type, paste and upload.

use steelyard_pricing::{Amount, Calls, Metered};

use super::*;

/// The list as `api=calls[/amount]`, or the errors as `line: fault`.
fn read(text: &str) -> String {
    match parse_list(text) {
        Ok(list) => {
            let shown = |(api, Metered { calls, amount }): (_, Metered)| {
                let amount = (amount != Amount::ZERO).then(|| format!("/{amount}"));
                format!("{api}={calls}{}", amount.unwrap_or_default())
            };
            list.usage.iter().map(shown).collect::<Vec<_>>().join(" ")
        }
        Err(errors) => {
            let shown = |error: &LineError| format!("{}: {:?}", error.line, error.fault);
            errors.iter().map(shown).collect::<Vec<_>>().join("; ")
        }
    }
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(read(text), *expected, "{text:?}");
    }
}

#[test]
fn lines_are_read_as_people_and_spreadsheets_write_them() {
    check(&[
        ("taobao.item.get,250000", "taobao.item.get=250000"),
        ("a.b, 5", "a.b=5"),
        ("a.b ,5", "a.b=5"),
        ("a.b;5", "a.b=5"),
        ("a.b\t5", "a.b=5"),
        ("a.b    5  ", "a.b=5"),
        ("  a.b 5", "a.b=5"),
        ("a.b,5,12.50", "a.b=5/12.5"),
        ("a.b\t5\t¥1,200.50", "a.b=5/1200.5"),
        ("a.b;5;0.000001", "a.b=5/0.000001"),
        ("\"a.b\",\"5\"", "a.b=5"),
        ("a.b,5,,,", "a.b=5"),
        ("a.b,5\r\n\r\nc.d,6\r\n", "a.b=5 c.d=6"),
        ("a.b,5\rc.d,6", "a.b=5 c.d=6"),
        ("\u{feff}a.b,5\n\u{feff}c.d,6", "a.b=5 c.d=6"),
        ("a.b\u{200b},5\u{a0}", "a.b=5"),
        ("a.b,0", ""),
        ("a.b,5.00", "a.b=5"),
        ("a.b,007", "a.b=7"),
    ]);
}

#[test]
fn what_chinese_keyboards_type_is_read_as_its_plain_characters() {
    check(&[
        // 250 calls of ¥000, or 250,000 calls?
        ("ａ.ｂ，２５０，０００", "1: Ambiguous { count: \"250\", amount: \"000\" }"),
        ("a.b，２５００００", "a.b=250000"),
        ("a.b；５；１２．５０", "a.b=5/12.5"),
        ("a。b、5", "a.b=5"),
        ("a.b\u{3000}5", "a.b=5"),
        ("“a.b”，“１,４５０”", "a.b=1450"),
        ("a.b，5，￥12", "a.b=5/12"),
        ("接口，调用次数\na.b，5", "a.b=5"),
    ]);
}

#[test]
fn thousands_separators_are_read_where_they_part_no_fields() {
    check(&[
        ("a.b\t1,450,000", "a.b=1450000"),
        ("a.b;1,450,000", "a.b=1450000"),
        ("a.b 1,450,000", "a.b=1450000"),
        ("a.b,\"1,450,000\"", "a.b=1450000"),
        ("a.b\t1,450,000.00", "a.b=1450000"),
        ("a.b\t450\t450", "a.b=450/450"),
        ("a.b,1450,450", "a.b=1450/450"),
        ("a.b,1,450.00", "a.b=1/450"),
        ("a.b,1,450", "1: Ambiguous { count: \"1\", amount: \"450\" }"),
        ("a.b 1 450", "1: Ambiguous { count: \"1\", amount: \"450\" }"),
        ("a.b,1,450,000", "1: Fields { fields: 4 }"),
        ("a.b\t14,50", "1: Count { count: \"14,50\", why: NotANumber }"),
        ("a.b\t1450,000", "1: Count { count: \"1450,000\", why: NotANumber }"),
        ("a.b\t1,450.000,00", "1: Count { count: \"1,450.000,00\", why: NotANumber }"),
    ]);
}

#[test]
fn what_is_no_number_of_calls_is_refused_by_its_line() {
    check(&[
        ("a.b,1e6", "1: Count { count: \"1e6\", why: Spreadsheet }"),
        ("a.b,1.45E+06", "1: Count { count: \"1.45E+06\", why: Spreadsheet }"),
        ("a.b,=1+1", "1: Count { count: \"=1+1\", why: Spreadsheet }"),
        ("a.b,＝1+1", "1: Count { count: \"=1+1\", why: Spreadsheet }"),
        ("a.b,+5", "1: Count { count: \"+5\", why: Spreadsheet }"),
        ("a.b,'5", "1: Count { count: \"'5\", why: Spreadsheet }"),
        ("a.b,-5", "1: Count { count: \"-5\", why: Negative }"),
        ("a.b,5.5", "1: Count { count: \"5.5\", why: Fraction }"),
        ("a.b,5.", "1: Count { count: \"5.\", why: NotANumber }"),
        ("a.b,1.6k", "1: Count { count: \"1.6k\", why: NotANumber }"),
        ("a.b,5万", "1: Count { count: \"5万\", why: NotANumber }"),
        ("a.b,NaN", "1: Count { count: \"NaN\", why: NotANumber }"),
        ("a.b,100000000001", "1: Count { count: \"100000000001\", why: TooMany }"),
        (
            "a.b,99999999999999999999999",
            "1: Count { count: \"99999999999999999999999\", why: TooMany }",
        ),
        ("a.b", "1: NoCount { api: \"a.b\" }"),
        ("a.b,", "1: NoCount { api: \"a.b\" }"),
        ("a.b,,5", "1: NoCount { api: \"a.b\" }"),
        ("a.b,5,-1", "1: Amount { amount: \"-1\" }"),
        ("a.b,5,0.0000001", "1: Amount { amount: \"0.0000001\" }"),
        ("a.b,5,1,2,3", "1: Fields { fields: 5 }"),
        ("\"a.b,5", "1: Quote"),
        (",5", "1: Api { api: \"\", character: None }"),
        ("接口,5", "1: Api { api: \"接口\", character: Some('接') }"),
        ("<script>,5", "1: Api { api: \"<script>\", character: Some('<') }"),
        // The name is one that a report may have; nothing here computes it.
        ("=cmd|'/c calc'!A1 5", "1: Count { count: \"calc'!A1\", why: NotANumber }"),
    ]);
    let long = format!("{},5", "x".repeat(129));
    assert!(read(&long).starts_with("1: Api { api: \"xxx"), "{}", read(&long));
}

#[test]
fn every_bad_line_is_told_and_the_good_ones_are_not() {
    let text = "api,calls\na.b,5\n\nc.d,x\ne.f,-1\n";
    let expected =
        "4: Count { count: \"x\", why: NotANumber }; 5: Count { count: \"-1\", why: Negative }";
    check(&[(text, expected)]);
}

#[test]
fn header_is_recognised_and_says_where_the_columns_are() {
    check(&[
        ("api,calls\na.b,5", "a.b=5"),
        ("API Name;Number of calls;Amount\na.b;5;7", "a.b=5/7"),
        ("api name,number of calls\na.b,5", "a.b=5"),
        ("count,api\n5,a.b", "a.b=5"),
        ("金额\t接口\t次数\n7\ta.b\t5", "a.b=5/7"),
        ("\u{feff}\"api\",\"count\"\r\n\"a.b\",\"5\"", "a.b=5"),
        ("name,speed\na.b,5", "1: Count { count: \"speed\", why: NotANumber }"),
        (
            "api,calls,owner\na.b,5,me",
            "1: Count { count: \"calls\", why: NotANumber }; 2: Amount { amount: \"me\" }",
        ),
        ("api,calls", "1: Nothing"),
        ("a.b,5\napi,calls", "2: Count { count: \"calls\", why: NotANumber }"),
        ("api,calls\na.b,5,7", "2: Fields { fields: 3 }"),
    ]);
    assert_eq!(parse_list("\n\napi,calls\na.b,5").unwrap().header, Some(3));
}

#[test]
fn lines_of_one_api_are_summed_and_said_so() {
    let list = parse_list("a.b,5\nc.d,1\na.b,7,1.50\n").unwrap();
    let api = "a.b".parse().unwrap();
    let metered = list.usage.of(&api);
    assert_eq!((metered.calls, metered.amount.to_string()), (Calls::new(12), "1.5".to_owned()));
    assert_eq!(list.summed(), [SummedLines { api: api.clone(), lines: vec![1, 3] }]);
    assert_eq!((list.lines.len(), list.line_of(&api)), (3, Some(1)));
}

#[test]
fn list_has_as_many_lines_as_it_may_or_is_refused() {
    let lines = |count: usize| "a.b,1\n".repeat(count);
    assert_eq!(read(&lines(LIST_LINES_MAX)), "a.b=2000");
    assert_eq!(read(&lines(LIST_LINES_MAX + 1)), "2001: TooLong");
    assert_eq!(read(&format!("a.b,1{}", " ".repeat(LIST_BYTES_MAX))), "1: TooLong");
    check(&[("", "1: Nothing"), (" \n\t\n", "1: Nothing")]);
}

#[test]
fn list_with_more_calls_than_can_be_counted_is_refused_where_it_gets_too_many() {
    check(&[
        ("a.b,100000000000\nc.d,1", "2: TooMany"),
        ("a.b,1,1000000000000\nc.d,1,0.01", "2: TooMany"),
    ]);
}
