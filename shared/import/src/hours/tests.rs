use std::collections::BTreeSet;
use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const WINDOW_S: u32 = 60;
/// No provider has so many lines in an hour of these tests.
const ALL: usize = 1_000_000;

type Stored = BTreeMap<(ReportId, BillingDay, ProviderId), CumulativeUsage>;

/// A line of a log in short: its second, its provider, its API and what else makes its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line(i64, char, char, u32);

impl Line {
    fn call(&self, line: usize) -> Call {
        let Line(second, provider, api, _) = self;
        Call {
            provider: provider.to_string().parse().unwrap(),
            api: api.to_string().parse().unwrap(),
            day: "2015-05-17".parse().unwrap(),
            at: Timestamp::from_second(1_431_820_800 + second).unwrap(),
            metered: Metered::calls(1),
            print: Fingerprint::of(format!("{self:?}").as_bytes()),
            is_scattered: false,
            line: u64::try_from(line).unwrap() + 1,
        }
    }
}

/// Merges the reports of a file into what is stored. Gives how many lines were refused.
fn import(stored: &mut Stored, file: &[Line], lines_kept: usize) -> usize {
    imported(stored, file, lines_kept).0
}

/// The same, with how many lines are repetitions, or may be.
fn imported(stored: &mut Stored, file: &[Line], lines_kept: usize) -> (usize, (u64, u64)) {
    let mut hours = Hours::new(WINDOW_S, lines_kept);
    let mut refused = 0;
    let mut reports = Vec::new();
    for (number, line) in file.iter().enumerate() {
        refused += usize::from(hours.add(line.call(number)).is_err());
        if number % 7 == 0 {
            reports.extend(hours.finished());
        }
    }
    hours.read_to_the_end();
    let repeated = hours.repeated();
    reports.extend(hours.end());
    for HourReport { id, day, shares } in reports {
        for (provider, share) in shares {
            stored.entry((id.clone(), day, provider)).or_default().merge(share.usage);
        }
    }
    (refused, repeated)
}

/// All calls: provider, API and number.
fn counted(stored: &Stored) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for ((_, _, provider), usage) in stored {
        for (api, metered) in usage.usage().unwrap().iter() {
            *calls.entry(format!("{provider} {api}")).or_default() += metered.calls.get();
        }
    }
    calls
}

fn expected<'a>(lines: impl IntoIterator<Item = &'a Line>) -> BTreeMap<String, u64> {
    let mut calls = BTreeMap::new();
    for Line(_, provider, api, _) in lines {
        *calls.entry(format!("{provider} {api}")).or_default() += 1;
    }
    calls
}

/// From one line to another, exclusive.
type Piece = (usize, usize);

/// Checks that files, each some pieces of a log joined, count its lines once.
fn check(log: &[Line], files: &[&[Piece]], lines_kept: usize) {
    let mut stored = Stored::new();
    let mut imported = BTreeSet::new();
    for pieces in files {
        let file = pieces.iter().flat_map(|(from, to)| log[*from..*to].iter().cloned());
        let file = file.collect::<Vec<_>>();
        assert_eq!(import(&mut stored, &file, lines_kept), 0, "{pieces:?}");
        imported.extend(file);
    }
    assert_eq!(counted(&stored), expected(&imported), "{files:?}");
}

/// A log of one provider that calls so often in each second.
fn busy(seconds: i64, calls: u32) -> Vec<Line> {
    (0..seconds).flat_map(|at| (0..calls).map(move |n| Line(at, 'a', 'x', n))).collect()
}

#[test]
fn pieces_of_a_busy_log_count_its_calls_once() {
    let log = busy(900, 3);
    for files in [
        &[&[(0, 2_700)][..]][..],
        &[&[(0, 1_000)], &[(1_000, 2_700)]],
        &[&[(1_000, 2_700)], &[(0, 1_000)], &[(0, 2_700)]],
        &[&[(0, 1_000)], &[(500, 2_000)], &[(1_999, 2_700)], &[(1, 1_000)]],
        // The lines between are missing at first.
        &[&[(0, 500), (2_000, 2_700)], &[(500, 2_000)]],
        &[&[(0, 1)], &[(1, 2_699)], &[(2_699, 2_700)], &[(0, 2_700)], &[(7, 8)]],
    ] {
        for lines_kept in [0, 100, ALL] {
            check(&log, files, lines_kept);
        }
    }
}

#[test]
fn whole_minutes_of_a_busy_hour_are_counts_and_cut_ones_are_lines() {
    let mut stored = Stored::new();
    import(&mut stored, &busy(900, 3), 100);
    let usage = stored.into_values().next().unwrap();
    let forms = usage.iter().map(|(_, part, sub, metered)| {
        let part = part.unwrap().to_string();
        (part, sub.is_some(), metered.calls.get())
    });
    let mut counts = BTreeMap::<(bool, u64), BTreeSet<String>>::new();
    forms.for_each(|(part, is_line, calls)| {
        counts.entry((is_line, calls)).or_default().insert(part);
    });
    let parts = |range: Range<u32>| range.map(|n| n.to_string()).collect::<BTreeSet<_>>();
    let edges = &parts(0..2) | &parts(13..15);
    assert_eq!(counts, BTreeMap::from([((false, 180), parts(2..13)), ((true, 1), edges)]));
}

#[test]
fn equal_lines_of_a_second_count_each_and_once() {
    let line = |second| Line(second, 'a', 'x', 0);
    let log = vec![line(1), line(1), line(2), line(2), line(2), line(900)];
    for lines_kept in [0, ALL] {
        let mut stored = Stored::new();
        for _ in 0..2 {
            assert_eq!(import(&mut stored, &log, lines_kept), 0);
            assert_eq!(counted(&stored), BTreeMap::from([("a x".to_owned(), 6)]));
        }
    }
}

#[test]
fn log_that_is_joined_to_itself_counts_once() {
    let log = busy(300, 1);
    check(&log, &[&[(0, 300), (0, 300)], &[(100, 300), (0, 200)]], ALL);
    // In a busy hour nobody can tell a line that is late from one that is there already.
    let twice = [log.clone(), log].concat();
    let mut stored = Stored::new();
    assert!(import(&mut stored, &twice, 10) > 0);
    assert_eq!(counted(&stored), BTreeMap::from([("a x".to_owned(), 300)]));
}

/// The calls of a file, and how many of its lines are repetitions, or may be.
fn repeated(file: &[Line]) -> (u64, (u64, u64)) {
    let mut stored = Stored::new();
    let (_, repeated) = imported(&mut stored, file, ALL);
    (counted(&stored).into_values().sum(), repeated)
}

#[test]
fn pieces_that_overlap_within_the_window_count_once() {
    let log = busy(200, 1);
    for overlap in 16..=60 {
        let file = [&log[..100], &log[100 - overlap..]].concat();
        let overlap = u64::try_from(overlap).unwrap();
        assert_eq!(repeated(&file), (200, (overlap, 0)), "{overlap}");
    }
    // A short log, twice and three times; and a piece that is the middle of one before it.
    for file in [&[(0, 30), (0, 30)][..], &[(0, 30), (0, 30), (0, 30)], &[(0, 30), (10, 28)]] {
        let file = file.iter().flat_map(|(from, to)| log[*from..*to].to_vec()).collect::<Vec<_>>();
        assert_eq!(repeated(&file).0, 30);
    }
    // Many equal calls before others.
    let begin = [[Line(0, 'a', 'x', 0); 900].as_slice(), &busy(20, 2)].concat();
    assert_eq!(repeated(&[begin.clone(), begin].concat()).0, 940);
}

#[test]
fn few_lines_that_stand_before_are_calls_of_their_own_and_are_doubtful() {
    let log = busy(200, 1);
    for (overlap, doubtful) in [(1, 0), (2, 2), (3, 3), (15, 15)] {
        let file = [&log[..100], &log[100 - overlap..]].concat();
        let overlap = u64::try_from(overlap).unwrap();
        assert_eq!(repeated(&file), (200 + overlap, (0, doubtful)), "{overlap}");
    }
    // The same calls in the same order within a second, also after a line of the next second: a
    // client may make them, and a server write them out of order.
    let second = (0..20).map(|n| Line(7, 'a', 'x', n)).collect::<Vec<_>>();
    assert_eq!(repeated(&second.repeat(2)), (40, (0, 20)));
    let late = [&[Line(8, 'a', 'y', 0)], &second.repeat(10)[..]].concat();
    assert_eq!(repeated(&late), (201, (0, 180)));
    // Equal calls around the beginning of a second, out of order.
    let [one, other] = [Line(7, 'a', 'x', 0), Line(8, 'a', 'x', 0)];
    assert_eq!(repeated(&[one, one, other, one, other, one, other, other]).0, 8);
    // Equal calls before another piece, in order and not.
    for last in [Line(900, 'a', 'x', 0), Line(899, 'a', 'x', 0)] {
        let pieces = [&[Line(900, 'a', 'x', 0)], &[last; 50][..], &busy(3, 1)].concat();
        assert_eq!(repeated(&pieces).0, 54);
    }
}

#[test]
fn line_that_is_late_by_more_than_the_window_counts_or_is_refused() {
    let mut log = busy(900, 1);
    log.insert(500, Line(300, 'a', 'x', 7));
    log.insert(600, Line(520, 'b', 'x', 7));
    check(&log, &[&[(0, 902)]], ALL);
    let mut stored = Stored::new();
    assert_eq!(import(&mut stored, &log, 10), 1);
    assert_eq!(counted(&stored)["a x"], 900);
}

#[test]
fn late_line_of_a_busy_hour_counts_until_its_minute_is_counted() {
    let mut log = busy(900, 1);
    log.insert(350, Line(100, 'a', 'x', 7));
    log.insert(360, Line(200, 'a', 'x', 7));
    let mut stored = Stored::new();
    assert_eq!(import(&mut stored, &log, 400), 0);
    assert_eq!(counted(&stored)["a x"], 902);
    // The same lines again, joined to them, are none of them.
    let mut stored = Stored::new();
    import(&mut stored, &[&log[..350], &log[..350]].concat(), 800);
    assert_eq!(counted(&stored)["a x"], 350);
}

#[test]
fn report_of_a_busy_hour_is_bounded_while_the_log_is_written() {
    let (mut hours, mut stored) = (Hours::new(WINDOW_S, 400), CumulativeUsage::new());
    let log = (0..3_500).flat_map(|second| (0..4).map(move |n| Line(second, 'a', 'x', n)));
    let log = log.collect::<Vec<_>>();
    let merge = |stored: &mut CumulativeUsage, reports: Vec<HourReport>| {
        let shares = reports.into_iter().flat_map(|report| report.shares.into_values());
        shares.for_each(|share| stored.merge(share.usage));
    };
    let calls = |stored: &CumulativeUsage| stored.usage().unwrap().total().unwrap().calls.get();
    for (number, line) in log.iter().enumerate() {
        hours.add(line.call(number)).unwrap();
        if number % 40 == 39 {
            merge(&mut stored, hours.so_far(false));
            // What is not counted yet is in the last three minutes.
            assert!(calls(&stored) + 4 * 180 >= u64::try_from(number).unwrap(), "{number}");
        }
    }
    // The lines from before the hour was busy, and a count for each minute.
    assert!(stored.iter().count() < 500, "{}", stored.iter().count());
    merge(&mut stored, hours.so_far(true));
    assert_eq!(calls(&stored), 14_000);
    merge(&mut stored, hours.end());
    assert_eq!(calls(&stored), 14_000);
}

#[test]
fn finished_hours_are_reported_while_the_log_goes_on() {
    let mut hours = Hours::new(WINDOW_S, ALL);
    for (second, finished) in [(0, 0), (3_599, 0), (3_659, 0), (3_660, 1), (9_000, 1), (7_000, 0)] {
        hours.add(Line(second, 'a', 'x', 0).call(0)).unwrap();
        let reports = hours.finished();
        assert_eq!(reports.len(), finished, "{second}");
        if second == 3_660 {
            assert_eq!(reports[0].id.as_str(), "log-2015-05-17T00Z");
        }
    }
    assert_eq!(hours.steps_back(), 1);
    let ids = hours.end().into_iter().map(|report| report.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids, ["log-2015-05-17T01Z", "log-2015-05-17T02Z"]);
}

/// Logs of some hours, out of order by less than half of the window.
fn logs() -> impl Strategy<Value = Vec<Line>> {
    let step = prop_oneof![20 => 0_i64..4, 3 => 4_i64..60, 1 => 60_i64..2_000];
    let line = (
        step,
        0_i64..30,
        prop_oneof![4 => Just('a'), 1 => Just('b')],
        prop_oneof![Just('x'), Just('y')],
    );
    prop::collection::vec(line, 1..300).prop_map(|lines| {
        let mut now = 0;
        let lines = lines.into_iter().enumerate().map(|(number, (step, late, provider, api))| {
            now += step;
            Line(now - late, provider, api, u32::try_from(number).unwrap())
        });
        lines.collect()
    })
}

fn pieces() -> impl Strategy<Value = Vec<(Index, Index)>> {
    prop::collection::vec((any::<Index>(), any::<Index>()), 1..6)
}

fn range(log: &[Line], (one, other): (Index, Index)) -> Piece {
    let [one, other] = [one, other].map(|index| index.index(log.len() + 1));
    (one.min(other), one.max(other))
}

proptest! {
    /// Cut, rotated, overlapping, growing and repeated in any order; busy or not.
    #[test]
    fn pieces_of_a_log_in_any_order_count_its_calls_once(
        log in logs(),
        pieces in pieces(),
        kept in prop_oneof![Just(0), Just(5), Just(40), Just(ALL)],
    ) {
        let ranges = pieces.iter().map(|piece| range(&log, *piece)).collect::<Vec<_>>();
        let files = ranges.iter().map(std::slice::from_ref).collect::<Vec<_>>();
        check(&log, &files, kept);
        // And then all of it.
        let all = (0, log.len());
        let files = [&files[..], &[std::slice::from_ref(&all)]].concat();
        check(&log, &files, kept);
    }

    /// A busy piece and one that is not.
    #[test]
    fn rotated_log_counts_once_whatever_is_kept(
        log in logs(),
        cut in any::<Index>(),
        (first, second, third) in (0_usize..50, 0_usize..50, 0_usize..50),
    ) {
        let cut = cut.index(log.len() + 1);
        let mut stored = Stored::new();
        import(&mut stored, &log[..cut], first);
        import(&mut stored, &log[cut..], second);
        prop_assert_eq!(counted(&stored), expected(&log));
        import(&mut stored, &log, third);
        prop_assert_eq!(counted(&stored), expected(&log));
    }

    /// Joined in any order, overlapping and with holes, where no hour is busy: no line is lost, and
    /// none counts twice but those of which the import says that they may be repetitions. Pieces
    /// do not overlap where all lines are of one second.
    #[test]
    fn joined_pieces_count_once(log in logs(), files in prop::collection::vec(pieces(), 1..4)) {
        let (mut stored, mut lines, mut doubtful) = (Stored::new(), BTreeSet::new(), 0);
        for pieces in files {
            let mut joined: Vec<Piece> = Vec::new();
            for (from, to) in pieces.iter().map(|piece| range(&log, *piece)) {
                let is_clear = |(before, after): &Piece| {
                    let both = (*before).max(from)..(*after).min(to);
                    let newest = log[*before..*after].iter().map(|line| line.0).max();
                    both.clone().all(|place| Some(log[place].0) < newest) || both.is_empty()
                };
                if joined.iter().all(is_clear) {
                    joined.push((from, to));
                }
            }
            let file = joined.iter().flat_map(|(from, to)| &log[*from..*to]).copied();
            let file = file.collect::<Vec<_>>();
            doubtful += imported(&mut stored, &file, ALL).1.1;
            lines.extend(file);
        }
        let calls = counted(&stored).into_values().sum::<u64>();
        let right = u64::try_from(lines.len()).unwrap();
        prop_assert!((right..=right + doubtful).contains(&calls), "{calls} of {right}, {doubtful}");
    }

    /// Even single lines, in any order.
    #[test]
    fn shuffled_lines_count_once(log in logs(), order in prop::collection::vec(any::<Index>(), 1..50)) {
        let mut known = BTreeSet::new();
        let lines = order.iter().map(|index| index.index(log.len())).filter(|at| known.insert(*at));
        let lines = lines.map(|at| (at, at + 1)).collect::<Vec<_>>();
        check(&log, &[&lines, &[(0, log.len())]], ALL);
    }
}
