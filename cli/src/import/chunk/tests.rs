use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;

use super::*;

const APIS_PER_DAY: usize = 300;

fn shanghai() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

fn chunks_of(text: &str, rules: &ImportRules, apis_per_day: usize) -> Vec<Chunk> {
    let input = Input::new(Cursor::new(text.as_bytes().to_vec()), None).unwrap();
    Chunks::new(input, rules, &shanghai(), apis_per_day).collect::<io::Result<_>>().unwrap()
}

fn chunks(text: &str) -> Vec<Chunk> {
    chunks_of(text, &ImportRules::default(), APIS_PER_DAY)
}

fn log_line(host: &str, time: &str, path: &str, status: u16) -> String {
    format!("{host} - - [17/May/2015:{time} +0000] \"GET {path} HTTP/1.1\" {status} 5\n")
}

/// A log of that many lines, no two alike.
fn log(lines: u64) -> String {
    let mut log = String::new();
    for line in 0..lines {
        writeln!(
            log,
            "10.0.0.{} - - [17/May/2015:10:05:03 +0000] \"GET /a{}/{line} HTTP/1.1\" 200 5",
            line % 7,
            line % 3
        )
        .unwrap();
    }
    log
}

fn ids(chunks: &[Chunk]) -> Vec<&str> {
    chunks.iter().flat_map(|chunk| &chunk.reports).map(|report| report.id.as_str()).collect()
}

/// A report in short: each record on a line.
fn dump(report: &Report) -> String {
    let records = report.records.iter();
    let amount =
        |r: &Record| if is_nothing(&r.amount) { String::new() } else { format!(" ¥{}", r.amount) };
    records
        .map(|r| format!("{} {} {} {}{}\n", r.provider, r.day, r.api, r.count, amount(r)))
        .collect()
}

#[test]
fn calls_are_summed_by_provider_day_and_api() {
    let log = log_line("b", "15:59:59", "/x/1", 200)
        + &log_line("a", "16:00:00", "/y", 200)
        + "no log line\n"
        + &log_line("a", "16:00:01", "/y/2", 204)
        + "\n"
        + &log_line("a", "16:00:02", "/y", 404)
        + &log_line("a", "15:00:00", "/y", 200)
        + r#"{"provider":"a","api":"y","day":"2015-05-17","count":40}"#;
    let [chunk] = &chunks(&log)[..] else { panic!("one chunk") };
    let [report] = &chunk.reports[..] else { panic!("one report") };
    assert_eq!(dump(report), "a 2015-05-17 y 41\na 2015-05-18 y 2\nb 2015-05-17 x 1\n");
    assert_eq!((chunk.blank, chunk.not_billable.count, chunk.billable, chunk.left), (1, 1, 5, 0));
    assert_eq!(chunk.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3]);
    assert_eq!((chunk.metered, chunk.lines()), (Metered::calls(44), 8));
}

#[test]
fn report_is_named_by_the_first_line_and_the_number_of_its_chunk() {
    let chunks = chunks(&log(LINES_PER_CHUNK * 2 + 1));
    let digest = |line: u64| digest(log(line + 1).lines().last().unwrap().as_bytes());
    let expected = [0, 1, 2].map(|number| format!("{}-{number}", digest(number * LINES_PER_CHUNK)));
    assert_eq!(ids(&chunks), expected);
    assert_eq!(expected[0].len(), 32 + 2);
}

#[test]
fn file_that_is_read_twice_gives_the_same_reports() {
    let log = log(LINES_PER_CHUNK + 5);
    assert_eq!(chunks(&log), chunks(&log));
    assert_eq!(chunks(&log), chunks(&log.replace('\n', "\r\n")));
    assert_eq!(chunks(&log), chunks(log.trim_end()));
}

#[test]
fn file_that_has_grown_gives_its_last_chunk_the_same_id_and_another_content() {
    let (before, after) = (chunks(&log(LINES_PER_CHUNK + 5)), chunks(&log(LINES_PER_CHUNK + 6)));
    assert_eq!(ids(&before), ids(&after));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1].reports[0].records, after[1].reports[0].records);
}

#[test]
fn other_rules_give_the_same_ids_and_other_contents() {
    let (log, plain) = (log(9), ImportRules::default());
    let before = chunks_of(&log, &plain, APIS_PER_DAY);
    for rules in [
        ImportRules { segments: 2, ..plain.clone() },
        ImportRules { api_prefix: "rest.".to_owned(), ..plain.clone() },
        ImportRules { caller: super::super::CallerRule::Extra(1), ..plain },
    ] {
        let after = chunks_of(&log, &rules, APIS_PER_DAY);
        assert!(ids(&before).starts_with(&ids(&after)), "{rules:?}");
        assert_ne!(before[0].reports, after[0].reports, "{rules:?}");
    }
}

#[test]
fn chunk_of_a_growing_file_is_left_until_it_is_full() {
    let rules = ImportRules { growing: true, ..ImportRules::default() };
    let full = log(LINES_PER_CHUNK);
    for (log, left) in [
        (log(3), vec![3]),
        (full.clone(), vec![0]),
        // The last line may be still being written.
        (full.trim_end().to_owned(), vec![LINES_PER_CHUNK]),
        (full.clone() + "x", vec![0, 1]),
    ] {
        let chunks = chunks_of(&log, &rules, APIS_PER_DAY);
        assert_eq!(chunks.iter().map(|chunk| chunk.left).collect::<Vec<_>>(), left);
        for chunk in chunks {
            assert_eq!(chunk.left == 0, chunk.reports.len() == 1);
            assert!(chunk.bad.is_empty());
        }
    }
}

#[test]
fn provider_with_more_apis_than_a_report_may_hold_is_split_over_several() {
    let calls = [("a", 17, 5), ("b", 17, 1), ("b", 18, 4), ("c", 17, 1)];
    let mut lines = String::new();
    for (provider, day, apis) in calls {
        for api in 0..apis {
            writeln!(lines, r#"{{"provider":"{provider}","api":"x{api}","day":"2015-05-{day}"}}"#)
                .unwrap();
        }
    }
    let [chunk] = &chunks_of(&lines, &ImportRules::default(), 2)[..] else { panic!("one chunk") };
    let dumps = chunk.reports.iter().map(dump).collect::<Vec<_>>();
    assert_eq!(
        dumps,
        [
            "a 2015-05-17 x0 1\na 2015-05-17 x1 1\n\
             b 2015-05-17 x0 1\nb 2015-05-18 x0 1\nb 2015-05-18 x1 1\nc 2015-05-17 x0 1\n",
            "a 2015-05-17 x2 1\na 2015-05-17 x3 1\nb 2015-05-18 x2 1\nb 2015-05-18 x3 1\n",
            "a 2015-05-17 x4 1\n",
        ]
    );
    let first = chunk.reports[0].id.to_string();
    assert_eq!(
        ids(std::slice::from_ref(chunk)),
        [first.clone(), format!("{first}-1"), format!("{first}-2")]
    );
}

#[test]
fn amounts_are_summed_exactly_and_written_only_where_there_are_any() {
    let line = |api: &str, amount: &str| {
        format!("{{\"provider\":\"a\",\"api\":\"{api}\",\"day\":\"2015-05-17\"{amount}}}\n")
    };
    let tenths = line("sales", r#","amount":"0.1""#).repeat(3);
    let lines = tenths + &line("sales", r#","amount":"0.000001""#) + &line("free", "");
    let [chunk] = &chunks(&lines)[..] else { panic!("one chunk") };
    let [report] = &chunk.reports[..] else { panic!("one report") };
    assert_eq!(dump(report), "a 2015-05-17 free 1\na 2015-05-17 sales 4 ¥0.300001\n");
    assert_eq!(chunk.metered.to_string(), "5 calls of ¥0.300001");
    let written = report.records.iter().map(|r| serde_json::json!(r)).collect::<Vec<_>>();
    assert_eq!(
        serde_json::json!(written),
        serde_json::json!([
            { "provider": "a", "api": "free", "day": "2015-05-17", "count": 1 },
            { "provider": "a", "api": "sales", "day": "2015-05-17", "count": 4, "amount": "0.300001" },
        ])
    );
}

#[test]
fn calls_past_the_most_that_one_count_holds_are_bad_lines() {
    let line = format!(r#"{{"provider":"a","api":"x","day":"2015-05-17","count":{}}}"#, Calls::MAX);
    let other = r#"{"provider":"b","api":"y","day":"2015-05-17"}"#;
    let [chunk] = &chunks(&format!("{line}\n{other}\n"))[..] else { panic!("one chunk") };
    assert_eq!((chunk.billable, chunk.metered.calls), (1, Calls::MAX));
    assert_eq!(chunk.bad[0].why.to_string(), "100000000000 and 1 calls are too many to count");
}

#[test]
fn file_without_lines_has_no_chunks_and_lines_without_calls_no_reports() {
    assert_eq!(chunks(""), []);
    let [chunk] = &chunks("\nx\n")[..] else { panic!("one chunk") };
    assert_eq!((chunk.blank, chunk.bad.len(), chunk.reports.len()), (1, 1, 0));
}

#[test]
fn chunks_end_with_the_first_error() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a whole line of text\n").unwrap();
    let mut cut = gzip.finish().unwrap();
    cut.truncate(cut.len() - 1);
    let input = Input::new(Cursor::new(cut), None).unwrap();
    let (rules, calendar) = (ImportRules::default(), shanghai());
    let mut chunks = Chunks::new(input, &rules, &calendar, APIS_PER_DAY);
    assert!(chunks.next().unwrap().is_err());
    assert!(chunks.next().is_none());
}

/// The real log, counted in another way: by splitting at white space.
#[test]
fn real_log_is_counted_whole() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/access.log.gz");
    if !path.exists() {
        return;
    }
    let mut input = Input::open(&path).unwrap();
    let (mut line, mut lines, mut free) = (Vec::new(), 0, 0);
    let mut callers = BTreeSet::new();
    let mut expected = BTreeMap::<(String, String), u64>::new();
    while input.read_line(&mut line).unwrap().is_some() {
        let line = String::from_utf8(line.clone()).unwrap();
        let fields = line.split_whitespace().collect::<Vec<_>>();
        lines += 1;
        callers.insert(fields[0].to_owned());
        if !fields[8].starts_with('2') || fields[5] == "\"OPTIONS" {
            free += 1;
            continue;
        }
        let path = fields[6].trim_start_matches('/');
        let first = path.split(['/', '?']).next().unwrap();
        let api = if first.is_empty() { "/" } else { first };
        *expected.entry((fields[0].to_owned(), api.to_owned())).or_default() += 1;
    }
    assert_eq!((lines, callers.len()), (10_000, 1_753));

    let rules = ImportRules::default();
    let chunks = Chunks::new(Input::open(&path).unwrap(), &rules, &shanghai(), APIS_PER_DAY)
        .collect::<io::Result<Vec<_>>>()
        .unwrap();
    let mut found = BTreeMap::<(String, String), u64>::new();
    for record in chunks.iter().flat_map(|chunk| &chunk.reports).flat_map(|report| &report.records)
    {
        let key = (record.provider.to_string(), record.api.to_string());
        *found.entry(key).or_default() += record.count.get();
    }
    assert_eq!(found, expected);
    assert_eq!(
        chunks.iter().map(|chunk| chunk.not_billable.count + chunk.odd.count).sum::<u64>(),
        free
    );
    assert_eq!(chunks.iter().map(|chunk| chunk.bad.len()).sum::<usize>(), 0);
    assert_eq!(chunks.iter().map(Chunk::lines).sum::<u64>(), lines);
}
