//! Logs of which one provider fills the report of an hour.

use std::fmt::Write as _;

use crate::rules::{calls, platform};

#[tokio::test]
async fn whole_minutes_count_where_the_lines_of_cut_minutes_do_not_fit() {
    let platform = platform("busy").await;
    let mut log = String::new();
    for number in 0..90_000_u32 {
        let (second, minute) = (number / 250 % 60, number / 250 / 60);
        writeln!(
            log,
            "10.0.0.1 - - [17/May/2015:07:{minute:02}:{second:02} +0800] \
             \"GET /v1/trades/{number}?app_key=1021 HTTP/1.1\" 200 5 \"-\" \"-\""
        )
        .unwrap();
    }
    platform.folder.write("busy.log", &log);
    for _ in 0..2 {
        let ran = platform.run("import busy.log --source web-1 --rule web.json").await;
        assert_eq!(ran.code, 3, "{}", ran.out);
        assert!(ran.out.contains("rotate it where little is called"), "{}", ran.out);
        // Of six minutes the first two and the last two may be cut.
        assert_eq!(calls(&platform).await, 30_000);
    }
}
