use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::Path;

use steelyard_billing::CumulativeUsage;

use super::*;

fn shanghai() -> Calendar {
    Calendar::new("Asia/Shanghai", 5).unwrap()
}

fn batches_by(text: &[u8], rules: &Rule) -> Vec<Batch> {
    let input = Input::new(Cursor::new(text.to_vec()), None).unwrap();
    Batches::new(input, rules, &shanghai()).collect::<io::Result<_>>().unwrap()
}

fn batches(text: &str) -> Vec<Batch> {
    batches_by(text.as_bytes(), &Rule::default())
}

/// The only batch of a short file.
fn batch(text: &str) -> Batch {
    let [batch] = <[Batch; 1]>::try_from(batches(text)).unwrap();
    batch
}

fn log_line(host: &str, time: &str, path: &str, status: u16) -> String {
    format!(
        "{host} - - [17/May/2015:{time} +0000] \"GET {path} HTTP/1.1\" {status} 5 \"-\" \"A\"\n"
    )
}

/// A log of that many lines, no two alike.
fn log(lines: u64) -> String {
    let mut log = String::new();
    for line in 0..lines {
        let time = format!("10:{:02}:{:02}", line / 60 % 60, line % 60);
        log += &log_line(&format!("h{}", line % 7), &time, &format!("/a{}/{line}", line % 3), 200);
    }
    log
}

type Reports = BTreeMap<(ReportId, BillingDay, ProviderId), CumulativeUsage>;

/// The reports of a file.
fn reports(batches: Vec<Batch>) -> Reports {
    let mut reports = Reports::new();
    for hour in batches.into_iter().flat_map(|batch| batch.hours) {
        for (provider, share) in hour.shares {
            let key = (hour.id.clone(), hour.day, provider);
            reports.entry(key).or_default().merge(share.usage);
        }
    }
    reports
}

/// What reports count: a line for each report, provider and API.
fn dump(reports: &Reports) -> String {
    let mut dump = String::new();
    for ((id, day, provider), usage) in reports {
        for (api, metered) in usage.usage().unwrap().iter() {
            writeln!(dump, "{id} {day} {provider} {api} {metered}").unwrap();
        }
    }
    dump
}

#[test]
fn calls_are_reported_by_hour_day_provider_and_api() {
    let text = log_line("b", "15:59:59", "/x/1", 200)
        + &log_line("a", "16:00:00", "/y", 200)
        + "no log line\n"
        + &log_line("a", "16:00:01", "/y/2", 204)
        + "\n"
        + &log_line("a", "16:00:02", "/y", 404)
        + &log_line("a", "15:59:30", "/y", 200)
        + r#"{"provider":"a","api":"y","at":"2015-05-18T00:30:00+08:00","count":40}"#;
    let batch = batch(&text);
    assert_eq!((batch.blank, batch.not_billable.count, batch.billable), (1, 1, 5));
    assert_eq!(batch.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3]);
    assert_eq!((batch.metered, batch.lines()), (Metered::calls(44), 8));
    let lines = batch.hours[1].shares.values().map(|share| share.line).collect::<Vec<_>>();
    assert_eq!(lines, [2]);
    assert_eq!(
        dump(&reports(vec![batch])),
        "log-2015-05-17T15Z 2015-05-17 a y 1 call\n\
         log-2015-05-17T15Z 2015-05-17 b x 1 call\n\
         log-2015-05-17T16Z 2015-05-18 a y 42 calls\n"
    );
}

#[test]
fn encoding_and_line_ends_of_a_file_make_no_other_reports() {
    let log = log(300).replace("\"A\"", "\"Café\"");
    let expected = batches(&log);
    let rules = Rule::default();
    for same in [
        log.replace('\n', "\r\n").into_bytes(),
        log.trim_end().as_bytes().to_vec(),
        ("\u{feff}".to_owned() + &log).into_bytes(),
        log.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
    ] {
        assert_eq!(batches_by(&same, &rules), expected);
    }
}

#[test]
fn other_rules_for_apis_have_another_basis() {
    let plain = Rule::default();
    let path = Rule { api: super::super::ApiRule::Path, ..plain.clone() };
    let bases = [
        plain.clone(),
        Rule { segments: 2, ..plain.clone() },
        Rule { api_prefix: "rest.".to_owned(), ..plain.clone() },
        Rule { ignore_case: true, ..plain.clone() },
        path.clone(),
    ];
    let bases = bases.iter().map(Rule::basis).collect::<BTreeSet<_>>();
    assert_eq!(bases.len(), 5);
    assert_eq!(Rule { segments: 2, ..path.clone() }.basis(), path.basis());
    let of_calls = Rule { status: "all".parse().unwrap(), window: 9, ..plain.clone() };
    assert_eq!(of_calls.basis(), plain.basis());
    let by_field = |api: &str| {
        let document =
            format!(r#"{{ "rule": "r", "fields": {{ "provider": "p", "at": "t", {api} }} }}"#);
        Rule::read(&document).unwrap().basis()
    };
    let fields = [r#""api": "x""#, r#""api": "y""#, r#""path": "x""#].map(by_field);
    let bases = fields.into_iter().chain([plain.basis()]).collect::<BTreeSet<_>>();
    assert_eq!(bases.len(), 4, "another field names other APIs");
    // Stored with every hour of a log: another one would refuse each log that was imported before.
    assert_eq!(plain.basis().as_str(), "rules-3181e71e467c828b");
}

#[test]
fn line_with_an_id_is_a_report_of_its_own() {
    let line = |id: &str| {
        format!(
            "{{\"id\":{id},\"provider\":\"a\",\"api\":\"x\",\"day\":\"2015-05-17\",\"count\":3}}\n"
        )
    };
    let text = line("\"r-1\"") + &line("7") + &line("\"a/b\"") + &line("\"\"");
    let batch = batch(&text);
    let ids = batch.identified.iter().map(|line| line.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids[..2], ["line-r-1", "line-7"]);
    assert_eq!((&ids[2][..9], ids[2].len()), ("hash-c14c", 5 + 64));
    assert_eq!(batch.identified[1].record.metered(), Metered::calls(3));
    assert_eq!((batch.bad.len(), batch.days.len(), batch.billable), (1, 0, 3));
}

#[test]
fn lines_that_give_only_a_day_are_summed_over_the_file() {
    let line = |api: &str, amount: &str| {
        format!("{{\"provider\":\"a\",\"api\":\"{api}\",\"day\":\"2015-05-17\"{amount}}}\n")
    };
    let tenths = line("sales", r#","amount":"0.1""#).repeat(3);
    let lines = line("free", "").repeat(10_000);
    let text = tenths + &lines + &line("sales", r#","amount":"0.000001""#);
    let batches = batches(&text);
    assert_eq!((batches.len(), batches[0].days.len()), (2, 0));
    let written = batches[1].days.iter().map(|record| serde_json::json!(record));
    assert_eq!(
        serde_json::json!(written.collect::<Vec<_>>()),
        serde_json::json!([
            { "provider": "a", "api": "free", "day": "2015-05-17", "count": 10_000 },
            { "provider": "a", "api": "sales", "day": "2015-05-17", "count": 4, "amount": "0.300001" },
        ])
    );
}

#[test]
fn last_line_that_is_still_being_written_is_a_bad_one() {
    let log = log(3);
    let last = log.lines().last().unwrap();
    for length in 0..last.len() {
        let cut = &log[..log.len() - 1 - last.len() + length];
        let batch = batch(cut);
        assert_eq!(batch.bad.len(), usize::from(length > 0), "{cut}");
        assert_eq!(batch.billable, 2, "{cut}");
    }
    assert_eq!(batch(log.trim_end()).billable, 3);
    // A user without a name has quotation marks, too.
    let odd = log.replacen("- -", "- \"\"", 1);
    assert_eq!(batch(odd.trim_end()).billable, 3);
}

#[test]
fn calls_past_the_most_that_one_count_holds_are_bad_lines() {
    let line = r#"{"provider":"a","api":"x","day":"2015-05-17","count":1000000000}"#;
    let batch = batch(&format!("{line}\n").repeat(101));
    assert_eq!((batch.billable, batch.metered.calls), (100, Calls::MAX));
    assert_eq!(
        batch.bad[0].why.to_string(),
        "100000000000 and 1000000000 calls are together more than 100000000000, the most that are counted"
    );
}

#[test]
fn file_without_calls_has_no_reports() {
    assert_eq!(batches(""), [Batch::default()]);
    let batch = batch("\nx\n");
    assert_eq!((batch.blank, batch.bad.len(), batch.hours.len()), (1, 1, 0));
}

#[test]
fn equal_lines_at_the_ends_of_a_file_are_told() {
    let [one, two, three] =
        ["10:00:00", "10:00:01", "10:00:02"].map(|time| log_line("a", time, "/x", 200));
    for (lines, is_told) in [
        (vec![&one, &two, &two, &three], false),
        (vec![&one, &one, &two], true),
        (vec![&one, &two, &two], true),
        (vec![&one, &two, &one], true),
        (vec![], false),
    ] {
        let text = lines.into_iter().cloned().collect::<String>();
        assert_eq!(batch(&text).edges.has_equal_lines(), is_told, "{text}");
    }
}

#[test]
fn batches_end_with_the_first_error() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a whole line of text\n").unwrap();
    let mut cut = gzip.finish().unwrap();
    cut.truncate(cut.len() - 1);
    let input = Input::new(Cursor::new(cut), None).unwrap();
    let (rules, calendar) = (Rule::default(), shanghai());
    let mut batches = Batches::new(input, &rules, &calendar);
    assert!(batches.next().unwrap().is_err());
    assert!(batches.next().is_none());
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

    let rules = Rule::default();
    let batches = Batches::new(Input::open(&path).unwrap(), &rules, &shanghai())
        .collect::<io::Result<Vec<_>>>()
        .unwrap();
    let without_calls = |batch: &Batch| batch.not_billable.count + batch.odd.count;
    assert_eq!(batches.iter().map(without_calls).sum::<u64>(), free);
    assert_eq!(batches.iter().map(|batch| batch.bad.len()).sum::<usize>(), 0);
    assert_eq!(batches.iter().map(Batch::lines).sum::<u64>(), lines);
    let mut found = BTreeMap::<(String, String), u64>::new();
    for ((_, _, provider), usage) in reports(batches) {
        for (api, metered) in usage.usage().unwrap().iter() {
            let key = (provider.to_string(), api.to_string());
            *found.entry(key).or_default() += metered.calls.get();
        }
    }
    assert_eq!(found, expected);
}
