//! The formats of lines, and what is said of lines that are refused.

use expect_test::expect;

use super::{check, line};

#[tokio::test]
async fn formats_are_told_by_what_is_in_a_line() {
    let time = "[16/May/2015:12:00:00 +0800]";
    let common = format!(r#"192.0.2.1 - - {time} "GET /common HTTP/1.1" 200 5"#);
    let host = format!(r#"shop.example 192.0.2.1 - - {time} "GET /host HTTP/1.1" 200 5"#);
    let port =
        format!(r#"shop.example:443 192.0.2.1 - isv {time} "GET /port HTTP/1.1" 200 5 "-" "A""#);
    let list =
        format!(r#"shop.example:443 192.0.2.9, 192.0.2.1 - - {time} "GET /x HTTP/1.1" 200 5"#);
    let alone = format!(r#"shop.example:443 - - {time} "GET /alone HTTP/1.1" 200 5"#);
    let with_port = format!(r#"192.0.2.1:51344 - - {time} "GET /with-port HTTP/1.1" 200 5"#);
    let lines = [
        &*common,
        &host,
        &port,
        &list,
        &alone,
        &with_port,
        r#"{"provider":"192.0.2.1","api":"json","day":"2015-05-16","count":7}"#,
        r#"https 2015-05-16T08:12:36.431832Z app/lb/50dc 192.0.2.1:13624 10.1.1.1:8000 0.0 0.1 0.0 200 200 961 2071 "GET https://a.example:443/ HTTP/2.0" "A""#,
        "#Version: 1.0",
        "2015-05-16\t08:12:36\tLAX1\t392\t192.0.2.1\tGET\td.cloudfront.example\t/a\t200\t-\tA\t-\t-\tHit",
        r#"{"requestId":"c6","ip":"192.0.2.1","requestTime":"16/May/2015:12:00:00 +0000","httpMethod":"GET","status":"200"}"#,
    ];
    check("formats", "", &lines, expect![[r#"
        exit 3
        11 lines: 7 billable, 1 blank, 3 refused
        13 calls of 1 provider counted
        refused 1 line: a list of addresses; choose one by --trusted-hops
          line 4: `192.0.2.9, 192.0.2.1` is a list of addresses; choose one by --trusted-hops
        refused 1 line: a virtual host without a client
          line 5: begins with the virtual host `shop.example:443` and no client; log the client's address after it
        refused 1 line: this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken
          line 11: this is an API Gateway log; read JSON by rules/apigateway.json or by --fields, or log in its CLF format, which is taken
        192.0.2.1 2015-05-16 / 1
        192.0.2.1 2015-05-16 a 1
        192.0.2.1 2015-05-16 common 1
        192.0.2.1 2015-05-16 host 1
        192.0.2.1 2015-05-16 json 7
        192.0.2.1 2015-05-16 port 1
        192.0.2.1 2015-05-16 with-port 1
    "#]]).await;
}

#[tokio::test]
async fn exported_lines_are_counted_by_their_fields() {
    let lines = [
        r#"{"requestId":"c1","apiKey":"k1","httpMethod":"GET","path":"/pay%2esms","requestTimeEpoch":1431748800000,"status":"200"}"#,
        r#"{"requestId":"c2","apiKey":"k1","httpMethod":"OPTIONS","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"200"}"#,
        r#"{"requestId":"c3","apiKey":"k1","httpMethod":"GET","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"403"}"#,
        r#"{"requestId":"c4","apiKey":"-","httpMethod":"GET","path":"/pay.sms","requestTimeEpoch":1431748800000,"status":"200"}"#,
    ];
    let fields =
        "--fields provider=apiKey,path=path,at=requestTimeEpoch,method=httpMethod,status=status";
    check(
        "fields",
        fields,
        &lines,
        expect![[r#"
        exit 3
        4 lines: 1 billable, 2 not billable, 1 refused
          not billable: 1 by method
          not billable: 1 with status 403
        1 call of 1 provider counted
        refused 1 line: no value in field `apiKey`
          line 4: field `apiKey`: is absent
        k1 2015-05-16 pay.sms 1
    "#]],
    )
    .await;
}

#[tokio::test]
async fn refusals_are_grouped_by_reason_with_three_examples() {
    let mut lines = Vec::new();
    for second in 0..5 {
        lines.push(format!(r#"a - - [17/May/2015:25:00:0{second} +0800] "GET /a HTTP/1.1" 200 5"#));
        lines.push(format!("line {second}"));
        lines.push(line("b", "GET /a HTTP/1.1", 200).replace("16/May", "16/Mar"));
        lines.push(line(&format!("c{second}"), "GET /a HTTP/1.1", 200).replace("16/May", "18/May"));
    }
    check("reasons", "", &lines, expect![[r#"
        exit 3
        20 lines: 10 billable, 10 refused
        10 calls of 6 providers REFUSED
        refused 5 lines: not a time
          line 1: `17/May/2015:25:00:00 +0800` is not a time such as 17/May/2015:10:05:03 +0000
          line 5: `17/May/2015:25:00:01 +0800` is not a time such as 17/May/2015:10:05:03 +0000
          line 9: `17/May/2015:25:00:02 +0800` is not a time such as 17/May/2015:10:05:03 +0000
        refused 5 lines: not a whole line of an access log
          line 2: no request in quotation marks: not a whole line of the Common or Combined Log Format
          line 6: no request in quotation marks: not a whole line of the Common or Combined Log Format
          line 10: no request in quotation marks: not a whole line of the Common or Combined Log Format
        refused 5 calls: 2015-03-16 is too late: 2015-03 closed at 2015-04-05T00:00:00+08:00
          line 3: 5 calls of b to a on 2015-03-16
        refused 5 calls: 2015-05-18 is in the future
          line 4: 1 call of c0 to a on 2015-05-18
          line 8: 1 call of c1 to a on 2015-05-18
          line 12: 1 call of c2 to a on 2015-05-18
    "#]]).await;
}
