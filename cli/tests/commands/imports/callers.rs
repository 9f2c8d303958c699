//! The provider that is billed for a line, and the month from which it is billed.

use expect_test::expect;
use steelyard_pricing::Fen;

use super::{check, line, platform};

#[tokio::test]
async fn every_spelling_of_a_parameter_names_its_caller() {
    let queries = [
        "app_key=1021",
        "app%5Fkey=1021",
        "app_key=%31021",
        "%61%70%70_key=%31%30%32%31&v=2",
        "v=2&app_key=1021#x",
        "app_key=1021&app_key=1021",
        // Refused, since servers disagree about the caller.
        "app_key=1021&app_key=7",
        "v=2;app_key=1021",
        "app_key=",
        "APP_KEY=1021",
        "app_key=10%0A21",
        // Nobody's id.
        "app_key=10%2F21",
        "app_key=+1021",
    ];
    let lines = queries.map(|query| line("10.0.0.1", &format!("GET /rest?{query} HTTP/1.1"), 200));
    check(
        "parameters",
        "--caller query:app_key",
        &lines,
        expect![[r#"
        exit 3
        13 lines: 6 billable, 2 of unknown callers, 5 refused
        6 calls of 1 provider counted
        refused 1 line: several callers
          line 7: query:app_key is given more than once
        refused 3 lines: no caller
          line 8: no caller: query:app_key is absent
          line 9: no caller: query:app_key is absent
          line 10: no caller: query:app_key is absent
        refused 1 line: a caller that is too long or holds control characters
          line 11: `10\n21` is no caller: 512 bytes at most, and no control characters
        callers that are no provider; write their providers behind them, for --map:
        caller,provider
        # 1 call
        " 1021",
        # 1 call
        10/21,
        1021 2015-05-16 rest 6
    "#]],
    )
    .await;
}

#[tokio::test]
async fn calls_are_counted_whatever_user_the_client_gave() {
    let users = ["-", "\"\"", "", "a b", "isv", r#"\"\" [x]"#, r"A\x5Cb", "9.9.9.9 - -"];
    let lines = users.map(|user| {
        format!(r#"10.0.0.1 - {user} [16/May/2015:12:00:00 +0800] "GET /a HTTP/1.1" 200 5 "-" "A""#)
    });
    check(
        "users",
        "",
        &lines,
        expect![[r#"
            exit 0
            8 lines: 8 billable
            8 calls of 1 provider counted
            10.0.0.1 2015-05-16 a 8
        "#]],
    )
    .await;
    check(
        "users-billed",
        "--caller user",
        &lines,
        expect![[r#"
            exit 3
            8 lines: 1 billable, 4 of unknown callers, 3 refused
            1 call of 1 provider counted
            refused 3 lines: no caller
              line 1: no caller: user is absent
              line 2: no caller: user is absent
              line 3: no caller: user is absent
            callers that are no provider; write their providers behind them, for --map:
            caller,provider
            # 1 call
            """"" [x]",
            # 1 call
            "9.9.9.9 - -",
            # 1 call
            A\b,
            # 1 call
            "a b",
            isv 2015-05-16 a 1
        "#]],
    )
    .await;
}

/// Lists of addresses, as proxies forward them.
const FORWARDED: [&str; 6] = [
    "198.51.100.1, 192.0.2.7",
    "192.0.2.7",
    "unknown, 192.0.2.7:4711",
    "1.1.1.1, 2.2.2.2, 192.0.2.7",
    "198.51.100.1, unknown",
    "-",
];

#[tokio::test]
async fn forwarded_address_is_the_one_that_a_trusted_proxy_wrote() {
    let lines =
        FORWARDED.map(|list| line("10.0.0.1", "GET /a HTTP/1.1", 200) + &format!(r#" "{list}""#));
    check(
        "hops-none",
        "--caller extra:1",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 1 billable, 1 of unknown callers, 4 refused
            1 call of 1 provider counted
            refused 3 lines: a list of addresses; choose one by --trusted-hops
              line 1: `198.51.100.1, 192.0.2.7` is a list of addresses; choose one by --trusted-hops
              line 3: `unknown, 192.0.2.7:4711` is a list of addresses; choose one by --trusted-hops
              line 4: `1.1.1.1, 2.2.2.2, 192.0.2.7` is a list of addresses; choose one by --trusted-hops
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            callers that are no provider; write their providers behind them, for --map:
            caller,provider
            # 1 call
            "198.51.100.1, unknown",
            192.0.2.7 2015-05-16 a 1
        "#]],
    )
    .await;
    check(
        "hops-1",
        "--caller extra:1 --trusted-hops 1",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 4 billable, 2 refused
            4 calls of 1 provider counted
            refused 1 line: not an IP address where a trusted proxy writes one
              line 5: `unknown` is not an IP address
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            192.0.2.7 2015-05-16 a 4
        "#]],
    )
    .await;
    check(
        "hops-2",
        "--caller extra:1 --trusted-hops 2",
        &lines,
        expect![[r#"
            exit 3
            6 lines: 3 billable, 3 refused
            3 calls of 2 providers counted
            refused 1 line: fewer addresses than trusted proxies
              line 2: `192.0.2.7` has fewer than 2 addresses: not all 2 trusted proxies wrote one
            refused 1 line: not an IP address where a trusted proxy writes one
              line 3: `unknown` is not an IP address
            refused 1 line: no caller
              line 6: no caller: extra:1 is absent
            198.51.100.1 2015-05-16 a 2
            2.2.2.2 2015-05-16 a 1
        "#]],
    )
    .await;
}

#[tokio::test]
async fn trusted_hops_are_for_callers_that_are_addresses() {
    let platform = platform("hops-wrong", "2015-05-17T09:00").await;
    platform.folder.write("day.log", "");
    let refused = platform.fails("import day.log --caller user --trusted-hops 1").await;
    assert_eq!(
        refused,
        "error: --trusted-hops is for --caller host and --caller extra:N, not for user\n"
    );
}

#[tokio::test]
async fn many_callers_bill_one_provider_and_unknown_ones_are_listed_for_the_map() {
    let platform = platform("map", "2015-05-17T09:00").await;
    let long = "arn:aws:iam::123456789012:role/integration/a-role-with-quite-a-long-name";
    let callers = [
        long,
        "arn:aws:iam::123456789012:role/x",
        "key-1",
        "key-2",
        "key-22",
        "CN=a, O=b",
        "key-9",
        "key-9",
    ];
    let lines =
        callers.map(|caller| line("10.0.0.1", "GET /a HTTP/1.1", 200) + &format!(r#" "{caller}""#));
    platform
        .folder
        .write("map.csv", "caller,provider\n# The keys.\nkey-1,shop\nkey-2*,shop\nkey-22,other\n");
    let options = "--caller extra:1 --map map.csv";
    let printed = platform.import("day.log", &lines, options).await;
    expect![[r#"
        exit 3
        8 lines: 3 billable, 5 of unknown callers
        3 calls of 2 providers counted
        callers that are no provider; write their providers behind them, for --map:
        caller,provider
        # 2 calls
        key-9,
        # 1 call
        "CN=a, O=b",
        # 1 call
        arn:aws:iam::123456789012:role/integration/a-role-with-quite-a-long-name,
        # 1 call
        arn:aws:iam::123456789012:role/x,
        other 2015-05-16 a 1
        shop 2015-05-16 a 2
    "#]]
    .assert_eq(&(printed.clone() + &platform.counted().await));
    // The output is a map of callers without their providers.
    let (_, listed) = printed.split_once("for --map:\n").unwrap();
    let listed = listed.replace(",\n", ",late\n");
    platform.folder.write("more.csv", &(listed + "key-1,shop\nkey-2*,shop\nkey-22,other\n"));
    let printed = platform.import("day.log", &lines, "--caller extra:1 --map more.csv").await;
    expect![[r#"
        exit 0
        8 lines: 8 billable
        5 calls of 1 provider counted
        3 calls of 2 providers counted before
        late 2015-05-16 a 5
        other 2015-05-16 a 1
        shop 2015-05-16 a 2
    "#]]
    .assert_eq(&(printed + &platform.counted().await));
}

#[tokio::test]
async fn callers_are_billed_from_the_month_of_their_first_call() {
    let platform = platform("months", "2015-06-01T00:30").await;
    let may = r#"newcomer - - [31/May/2015:23:59:59 +0800] "GET /a HTTP/1.1" 200 5"#;
    let june = r#"newcomer - - [01/Jun/2015:00:10:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let april = r#"newcomer - - [30/Apr/2015:09:00:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let other = r#"other - - [01/Jun/2015:00:10:00 +0800] "GET /a HTTP/1.1" 200 5"#;
    let printed = platform.import("june.log", &[june, other], "--source june").await;
    assert!(printed.starts_with("exit 0\n"), "{printed}");
    assert_eq!(platform.billed_from("newcomer").await, "2015-06");
    // The month moves back, while it is open and nothing is settled; within one import, too.
    let mut lines = vec![june; 10_000];
    lines.extend([may, april]);
    let printed = platform.import("late.log", &lines, "--source late").await;
    assert!(printed.contains("10,001 calls of 1 provider counted\n"), "{printed}");
    assert!(printed.contains("refused 1 call: 2015-04-30 is too late"), "{printed}");
    assert_eq!(platform.billed_from("newcomer").await, "2015-05");
    assert_eq!(platform.billed_from("other").await, "2015-06");
    let counted = "newcomer 2015-05-31 a 1\nnewcomer 2015-06-01 a 10001\nother 2015-06-01 a 1\n";
    assert_eq!(platform.counted().await, counted);
    let audit = platform.run("audit").await;
    assert_eq!(audit.code, 0, "{}", audit.out);
    // Statements stay, and a later month changes nothing.
    platform.settle("2015-06-02").await;
    let may_of_other = may.replace("newcomer", "other");
    let printed = platform.import("other.log", &[may_of_other], "--source other").await;
    assert!(printed.contains("refused 1 call: 2015-05-31 is before 2015-06"), "{printed}");
    assert_eq!(platform.billed_from("other").await, "2015-06");
    assert_eq!(platform.charged().await["newcomer"], Fen::new(10_002));
}

#[tokio::test]
async fn first_month_of_a_provider_can_move_back_until_it_is_settled() {
    let platform = platform("back", "2015-05-17T09:00").await;
    for (line, said) in [
        ("provider add a --plan flat --billed-from 2015-06", "a is registered\n"),
        ("provider add a --plan flat --billed-from 2015-05", "a is billed from 2015-05 on now\n"),
        ("provider add a --plan flat --billed-from 2015-05", "a was registered before\n"),
    ] {
        assert_eq!(platform.does(line).await, said);
    }
    // A mandate is no part of the terms by which a provider is registered.
    platform.stack.alipay.register_agreement("20155", "payer", Fen::new(1_000)).unwrap();
    platform.does("mandates adopt a --agreement 20155 --single-limit 50.00").await;
    let again = platform.does("provider add a --plan flat --billed-from 2015-05").await;
    assert_eq!(again, "a was registered before\n");
    let otherwise = "error: provider `a` is registered otherwise\n";
    assert_eq!(platform.fails("provider add a --plan flat --billed-from 2015-06").await, otherwise);
    platform.count("r", "a", "2015-05-16", &[("x", 5)]).await;
    platform.settle("2015-05-18").await;
    assert_eq!(platform.fails("provider add a --plan flat --billed-from 2015-04").await, otherwise);
    assert_eq!(platform.charged().await["a"], Fen::new(5));
}

#[tokio::test]
async fn file_of_which_nothing_counts_registers_nobody_and_can_be_mended() {
    let platform = platform("nobody", "2015-05-17T09:00").await;
    for time in ["18/May/2015:12:00:00 +0800", "16/Mar/2015:12:00:00 +0800", "noon"] {
        let bad = format!(r#"shop - - [{time}] "GET /a HTTP/1.1" 200 5"#);
        let printed = platform.import("day.log", &[bad], "").await;
        assert!(printed.starts_with("exit 3\n"), "{printed}");
        assert!(platform.stack.tables.registry().await.unwrap().accounts.is_empty(), "{time}");
    }
    let free = [line("shop", "OPTIONS /a HTTP/1.1", 200), line("shop", "-", 408)];
    let printed = platform.import("day.log", &free, "").await;
    assert!(printed.starts_with("exit 0\n"), "{printed}");
    assert!(platform.stack.tables.registry().await.unwrap().accounts.is_empty());
    let printed = platform.import("day.log", &[line("shop", "GET /a HTTP/1.1", 200)], "").await;
    assert!(printed.ends_with("1 call of 1 provider counted\n"), "{printed}");
}
