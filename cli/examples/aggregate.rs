//! How fast `steelyard import` reads, by its default rules: parses a log and sums its calls, and
//! counts nothing. `aggregate FILE [TIMES]` reads the file that many times.

use std::path::Path;
use std::time::Instant;

use steelyard_billing::Calendar;
use steelyard_import::{Batches, Input, Rule};
use steelyard_runtime::Error;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("aggregate FILE [TIMES]")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let (rules, calendar) = (Rule::default(), Calendar::new("Asia/Shanghai", 5)?);
    let begin = Instant::now();
    let (mut lines, mut shares) = (0, 0);
    for _ in 0..times {
        let mut batches = Batches::new(Input::open(Path::new(&file))?, &rules, &calendar);
        while let Some(batch) = batches.next().transpose()? {
            shares += batch.hours.iter().map(|hour| hour.shares.len()).sum::<usize>();
        }
        lines += batches.lines();
    }
    let elapsed = begin.elapsed();
    let rate = u128::from(lines) * 1_000_000 / elapsed.as_micros().max(1);
    println!("{lines} lines, {shares} hours of providers, {rate} lines a second");
    Ok(())
}
