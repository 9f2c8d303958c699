use expect_test::{Expect, expect};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::counters::{LABEL_BYTES_MAX, LABELS_MAX};

/// The series of `c_total`, each in a line, and what was refused.
fn told(body: &[u8], format: Exposition) -> String {
    let scrape = match Scrape::read(body, format, "c_total") {
        Ok(scrape) => scrape,
        Err(error) => return format!("{error}\n"),
    };
    let mut told = String::new();
    for Sample { line, labels, value, .. } in &scrape.samples {
        let labels = labels.iter().map(|(label, value)| format!("{label}={value:?}"));
        let labels = labels.collect::<Vec<_>>().join(",");
        let value = value.map_or("?".to_owned(), |value| value.to_string());
        told += &format!("{line}: {{{labels}}} {value}\n");
    }
    for reason in &scrape.bad.reasons {
        told += &format!("{} {}:\n", reason.count, reason.reason);
        for BadSample { line, why } in &reason.examples {
            told += &format!("  {line}: {why}\n");
        }
    }
    told
}

fn check(body: &str, said: &Expect) {
    said.assert_eq(&told(body.as_bytes(), Exposition::Text));
}

fn check_open(body: &str, said: &Expect) {
    said.assert_eq(&told(body.as_bytes(), Exposition::OpenMetrics));
}

/// Checks the report on one line.
fn check_line(line: &str, said: &Expect) {
    check(&format!("{line}\n"), said);
}

#[test]
fn series_are_read_with_labels_escapes_and_times() {
    check(
        "# HELP c_total Calls, with a \\ in it.\n# TYPE c_total counter\nc_total 1\n\
         c_total{} 2 \nc_total{a=\"1\"} 3 1431820000000\n  c_total\t{ b = \"x\\\"\\\\\\ny\" , a=\"} 7\" , }\t4\t-5\n\
         c_total{empty=\"\",a=\"2\"} 1.2e+01\nc_total_created 9\nother{x=\"\\q\"} NaN\n\n# any comment\n",
        &expect![[r#"
            3: {} ?
            5: {a="1"} 3
            6: {a="} 7",b="x\"\\\ny"} 4
            7: {a="2"} 12
            2 a series that is given twice:
              3: another line has the same labels
              4: another line has the same labels
        "#]],
    );
    check(
        "c_total{a=\"商\"} 1\r\n\r\nc_total 2\r\n",
        &expect![[r#"
        1: {a="商"} 1
        3: {} 2
    "#]],
    );
}

#[test]
fn openmetrics_is_read_with_exemplars_and_needs_its_end() {
    let body = "# TYPE c counter\nc_total{a=\"1\"} 17 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1.5e9\n\
                c_total{a=\" # {\"} 3 # {} 1\nc_created{a=\"1\"} 1520872607.123\n# EOF\n";
    let read = expect![[r#"
        2: {a="1"} 17
        3: {a=" # {"} 3
    "#]];
    check_open(body, &read);
    check_open(body.strip_suffix('\n').unwrap(), &read);
    check_open(&body.replace('\n', "\r\n"), &read);
    check_open("# EOF\n", &expect![""]);
    let missing = expect![[r"
        the end is missing: the last line is not `# EOF`
    "]];
    for cut in (1..body.len() - 1).filter(|cut| body.is_char_boundary(*cut)) {
        check_open(&body[..cut], &missing);
    }
    check_open("c_total 1 # EOF\n", &missing);
    check_open(
        "c_total 1\n# EOF\nc_total{a=\"1\"} 2\n# EOF\n",
        &expect![[r"
        the end is missing: lines follow `# EOF`
    "]],
    );
    // An exemplar is no part of the text format.
    check_line(
        "c_total 17 # {a=\"1\"} 0.67",
        &expect![[r"
        1: {} ?
        1 not a time after the value:
          1: `#` after the value is not a time
    "]],
    );
}

#[test]
fn a_scrape_that_cannot_be_trusted_is_refused_whole() {
    check(
        "c_total 12",
        &expect![[r"
        the end is missing: the last line has no line feed
    "]],
    );
    for nothing in ["", "\n", " \r\n"] {
        check(
            nothing,
            &expect![[r"
            the target shows nothing
        "]],
        );
    }
    for kind in ["gauge", "histogram", "summary"] {
        let said = told(format!("# TYPE c_total {kind}\nc_total 1\n").as_bytes(), Exposition::Text);
        assert_eq!(said, format!("`c_total` is a {kind}, and no counter\n"));
    }
    check_open(
        "# TYPE c gauge\nc_total 1\n# EOF\n",
        &expect![[r"
        `c_total` is a gauge, and no counter
    "]],
    );
    check(
        "# TYPE c_total untyped\n# TYPE other gauge\nc_total 1\n",
        &expect![[r"
        3: {} 1
    "]],
    );
    let large = vec![b'\n'; BODY_BYTES_MAX + 1];
    assert_eq!(Scrape::read(&large, Exposition::Text, "c"), Err(ScrapeError::TooLarge));
}

#[test]
fn values_that_are_no_counts_leave_their_series_unknown() {
    check(
        "c_total{a=\"1\"} NaN\nc_total{a=\"2\"} -1\nc_total{a=\"3\"} 1.5\nc_total{a=\"4\"} 1e15\nc_total{a=\"5\"} +Inf\n\
         c_total{a=\"6\"}\nc_total{a=\"7\"} 1 2 3\nc_total{a=\"8\"} 1 2.5\nc_total{a=\"9\"} 1e3\n",
        &expect![[r#"
            1: {a="1"} ?
            2: {a="2"} ?
            3: {a="3"} ?
            4: {a="4"} ?
            5: {a="5"} ?
            6: {a="6"} ?
            7: {a="7"} ?
            8: {a="8"} ?
            9: {a="9"} 1000
            2 a value that is not finite:
              1: value: `NaN` is not finite
              5: value: `+Inf` is not finite
            1 a negative value:
              2: value: `-1` is negative
            1 a value that is not a whole number:
              3: value: `1.5` is not a whole number
            1 a value that is too large:
              4: value: `1e15` is not below 1000000000000000
            1 a value that is not a number:
              6: value: `` is not a number
            2 not a time after the value:
              7: `3` after the value is not a time
              8: `2.5` after the value is not a time
        "#]],
    );
}

#[test]
fn hostile_lines_are_refused_by_reason() {
    for (line, why) in [
        ("c_total{a=\"1\" 1", "labels: no `,` or `}` after a value"),
        ("c_total{a=\"1\"b=\"2\"} 1", "labels: no `,` or `}` after a value"),
        ("c_total{a=\"1} 1", "labels: a value without an end"),
        ("c_total{a=\"1\\", "labels: an unknown escape in a value"),
        ("c_total{a=\"\\t\"} 1", "labels: an unknown escape in a value"),
        ("c_total{a=1} 1", "labels: a value without quotation marks"),
        ("c_total{a} 1", "labels: no `=` after a name"),
        ("c_total{,} 1", "labels: no `=` after a name"),
        ("c_total{\"a\"=\"1\"} 1", "not the name of a label"),
        ("c_total{1a=\"1\"} 1", "not the name of a label"),
        ("c_total{a=\"1\",a=\"1\"} 1", "a label that is given twice"),
        ("c_total{a=\"\",a=\"1\"} 1", "a label that is given twice"),
        ("<html>", "no name of a metric"),
        ("{\"c_total\"} 1", "no name of a metric"),
        ("1c 1", "no name of a metric"),
    ] {
        let told = told(format!("{line}\n").as_bytes(), Exposition::Text);
        assert!(told.starts_with(&format!("1 {why}:\n")), "{line}: {told}");
    }
    let long = |bytes: usize| format!("c_total{{a=\"{}\"}} 1", "x".repeat(bytes));
    let said = |line: &str| told(format!("{line}\n").as_bytes(), Exposition::Text);
    assert!(said(&long(LABEL_BYTES_MAX)).starts_with("1: {a=\"xxx"));
    assert!(said(&long(LABEL_BYTES_MAX + 1)).starts_with("1 a label that is too long:\n"));
    assert!(said(&long(SAMPLE_BYTES_MAX)).starts_with("1 too long:\n"));
    let labels =
        |most: usize| (0..most).map(|label| format!("l{label}=\"1\",")).collect::<String>();
    assert!(said(&format!("c_total{{{}}} 1", labels(LABELS_MAX))).starts_with("1: {l0"));
    let many = said(&format!("c_total{{{}}} 1", labels(LABELS_MAX + 1)));
    assert!(many.starts_with("1 too many labels:\n"), "{many}");
    let bytes = [b"c_total{a=\"".as_slice(), &[0xff], b"\"} 1\nother\xff 1\nother{a=\"\xff\"} 1\n"];
    expect![[r"
        1 not in UTF-8:
          1: is not in UTF-8
        1 no name of a metric:
          2: `other�` does not begin with the name of a metric
    "]]
    .assert_eq(&told(&bytes.concat(), Exposition::Text));
}

#[test]
fn series_are_bounded() {
    let line = |number: usize| format!("c_total{{a=\"{number}\"}} 1\n");
    let body = (0..12).chain([3]).map(line).collect::<String>();
    let scrape = Scrape::read_at_most(body.as_bytes(), Exposition::Text, "c_total", 10).unwrap();
    let reasons = scrape.bad.reasons.iter().map(|reason| (&*reason.reason, reason.count));
    assert_eq!(scrape.samples.len(), 10);
    let said = [("too many series", 2), ("a series that is given twice", 2)];
    assert_eq!(reasons.collect::<Vec<_>>(), said);
}

#[test]
fn formats_are_told_by_their_content_type() {
    for (content_type, format) in [
        ("", Exposition::Text),
        ("text/plain; version=0.0.4", Exposition::Text),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", Exposition::OpenMetrics),
        ("Application/OpenMetrics-Text", Exposition::OpenMetrics),
        ("application/openmetrics-texts", Exposition::Text),
    ] {
        assert_eq!(Exposition::of(content_type), format, "{content_type}");
    }
}

/// Bytes of which many are those that mean something.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"c_total".to_vec()),
        4 => prop_oneof![Just(b'{'), Just(b'}'), Just(b'"'), Just(b'='), Just(b','), Just(b'\\')]
            .prop_map(|byte| vec![byte]),
        4 => prop_oneof![Just(b' '), Just(b'\n'), Just(b'\r'), Just(b'#')].prop_map(|byte| vec![byte]),
        2 => prop_oneof![Just("a=\"1\""), Just("1e9"), Just("NaN"), Just("\n# EOF\n"), Just("# TYPE c_total ")]
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..4),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_a_target_shows_each_line_is_one_sample_or_one_refusal(
        body in hostile(),
        is_open: bool,
    ) {
        let format = if is_open { Exposition::OpenMetrics } else { Exposition::Text };
        if let Ok(scrape) = Scrape::read(&body, format, "c_total") {
            let lines = body.split(|byte| *byte == b'\n').count();
            let known = scrape.samples.iter().filter(|sample| sample.value.is_some()).count();
            let bad = usize::try_from(scrape.bad.count).unwrap();
            prop_assert!(known + bad <= lines, "{known} + {bad} of {lines}");
            let ids = scrape.samples.iter().map(|sample| &sample.id);
            let distinct = ids.collect::<std::collections::BTreeSet<_>>().len();
            prop_assert_eq!(distinct, scrape.samples.len());
        }
    }
}
