//! Records that cannot be read: pages name them, and show the rest.

use super::*;

#[tokio::test]
async fn a_record_that_cannot_be_read_keeps_nobody_from_paying_in_or_from_ending_withholding() {
    for (sk, missing) in [
        ("debit#0000000001", &["withholding", "ledger", "ledger?kind=debits"][..]),
        ("statement#2015-05-17", &["withholding"]),
        ("recharge#0000000001", &["recharge", "ledger?kind=recharges"]),
    ] {
        let platform = platform().await;
        let cookie = session(&platform, "a", &["pay", "mandate"]).await;
        let pay_in = async |cookie: &str, key: &str| {
            let form = format!("key={key}&amount=50.00&way=page");
            let path = "/portal/providers/a/recharge";
            ask(&platform, Method::POST, path, cookie, &form).await.status
        };
        assert_eq!(pay_in(&cookie, "first").await, 200);
        platform.run_until("2015-05-18T12:00").await;
        let cookie = session(&platform, "a", &["pay", "mandate"]).await;
        let items = platform.items("provider#a").await;
        let mut item = items.into_iter().find(|item| item["sk"]["S"] == sk).unwrap();
        item["format"] = json!({ "N": "99" });
        platform.put_item(&item).await;

        for page in
            ["recharge", "withholding", "ledger", "ledger?kind=debits", "ledger?kind=recharges"]
        {
            let path = format!("/portal/providers/a/{page}");
            let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
            let is_told = seen.body.contains("1 of the records can't be read");
            assert_eq!((seen.status, is_told), (200, missing.contains(&page)), "{sk}: {page}");
        }
        assert_eq!(pay_in(&cookie, "second").await, 200, "{sk}");
        let form = "key=end-1&mandate=1&sure=yes";
        let path = "/portal/providers/a/withholding/end";
        let ended = ask(&platform, Method::POST, path, &cookie, form).await;
        assert_eq!(ended.status, 303, "{sk}: {}", ended.body);
    }
}

#[tokio::test]
async fn a_result_that_cannot_be_read_is_not_taken_for_one_that_is_still_to_come() {
    for is_broken in [false, true] {
        let platform = platform().await;
        platform.run_until("2015-05-19T12:00").await;
        let results = platform.items("reconciliation").await;
        let mut result =
            results.into_iter().find(|result| result["sk"]["S"] == "2015-05-18").unwrap();
        if is_broken {
            result["format"] = json!({ "N": "99" });
        }
        platform.put_item(&result).await;

        let cookie = session(&platform, "a", &[]).await;
        for page in ["ledger?kind=debits", "bills/2015-05-17"] {
            let path = format!("/portal/providers/a/{page}");
            let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
            assert_eq!(seen.status, 200, "{page}");
            let is_confirmed = seen.body.contains("Confirmed by Alipay");
            assert_eq!(is_confirmed, !is_broken, "{page}");
            assert!(!seen.body.contains("To be confirmed by Alipay"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_bill_that_cannot_be_read_is_named_and_takes_no_page_but_its_own() {
    let platform = platform().await;
    platform.count("a", "taobao.item.get", "2015-05-18", 34_567).await;
    platform.settle_at("2015-05-19 00:30").await;
    platform.set("2015-05-19 08:32");
    let items = platform.items("provider#a").await;
    let mut item =
        items.into_iter().find(|item| item["sk"]["S"] == "statement#2015-05-17").unwrap();
    item["format"] = json!({ "N": "99" });
    platform.put_item(&item).await;
    let cookie = session(&platform, "a", &[]).await;
    let told = "Bills that can't be read: 17 May 2015.";
    for (page, shown) in [
        ("overview", "month"),
        ("costs", "34,567"),
        ("bills", "34,567"),
        ("bills/2015-05", "34,567"),
        ("bills/2015-05-18", "34,567"),
    ] {
        let path = format!("/portal/providers/a/{page}");
        let seen = ask(&platform, Method::GET, &path, &cookie, "").await;
        assert_eq!(seen.status, 200, "{page}: {}", seen.body);
        assert!(seen.body.contains(told) && seen.body.contains(shown), "{page}: {}", seen.body);
        let seen = ask(&platform, Method::GET, &format!("{path}?lang=zh"), &cookie, "").await;
        assert!(seen.body.contains("2015 年 5 月 17 日的账单暂时无法读取"), "{page}");
    }
    // A program, a file and the bill itself would be wrong without it.
    for path in [
        "/portal/providers/a/bills/2015-05-17",
        "/portal/providers/a/costs.csv",
        "/v1/providers/a/overview",
        "/v1/providers/a/costs",
        "/v1/providers/a/bills",
        "/v1/providers/a/bills/2015-05",
        "/v1/providers/a/bills/2015-05-18",
    ] {
        let seen = ask(&platform, Method::GET, path, &cookie, "").await;
        assert_eq!(seen.status, 503, "{path}: {}", seen.body);
    }
    let seen = ask(&platform, Method::GET, "/portal/providers/b/bills", &cookie, "").await;
    assert_eq!(seen.status, 404);
}
