//! What a night costs, by arithmetic: the coefficients that nights of real size were measured to
//! have, one price list, and the limits of the services. `docs/scale.md` shows the results.

use std::fmt::Write;

use rust_decimal::{Decimal, RoundingStrategy};

/// What a step costs for each provider, where each has one report, one statement and one debit.
#[derive(Clone, Copy, Debug)]
pub struct Coefficient {
    /// The step, and the function that does it.
    pub step: &'static str,
    /// Requests to DynamoDB.
    pub requests: Decimal,
    /// The write units of DynamoDB.
    pub writes: Decimal,
    /// The read units of DynamoDB.
    pub reads: Decimal,
    /// Write units of them on the key that takes the most, in how many keys of its kind.
    hottest: Option<(Decimal, u32)>,
    /// Gigabytes of memory of the function.
    memory_gb: Decimal,
    /// Invocations of the function.
    invocations: Decimal,
    /// The number of calls of Alipay's gateway.
    alipay_calls: Decimal,
}

/// The steps of a night.
pub const COEFFICIENTS: [Coefficient; 6] = [
    Coefficient {
        step: "count",
        requests: dec(101, 2),
        writes: dec(1, 0),
        reads: dec(1, 0),
        hottest: None,
        memory_gb: dec(25, 2),
        invocations: dec(1, 2),
        alipay_calls: dec(0, 0),
    },
    Coefficient {
        step: "settle",
        requests: dec(2, 0),
        writes: dec(9, 0),
        reads: dec(1, 0),
        // The debit in the index `due`.
        hottest: Some((dec(1, 0), 64)),
        memory_gb: dec(1, 0),
        invocations: dec(1, 2),
        alipay_calls: dec(0, 0),
    },
    Coefficient {
        step: "dispatch",
        requests: dec(1, 0),
        writes: dec(3, 0),
        reads: dec(0, 0),
        hottest: Some((dec(2, 0), 64)),
        memory_gb: dec(25, 2),
        invocations: dec(0, 0),
        alipay_calls: dec(0, 0),
    },
    Coefficient {
        step: "debit",
        requests: dec(12, 0),
        writes: dec(19, 0),
        reads: dec(9, 0),
        // What the bill has to show, in 16 parts.
        hottest: Some((dec(2, 0), 16)),
        memory_gb: dec(25, 2),
        invocations: dec(1, 0),
        alipay_calls: dec(1, 0),
    },
    Coefficient {
        step: "notify",
        requests: dec(4, 0),
        writes: dec(0, 0),
        reads: dec(4, 0),
        hottest: None,
        memory_gb: dec(25, 2),
        invocations: dec(1, 0),
        alipay_calls: dec(0, 0),
    },
    Coefficient {
        step: "reconcile",
        requests: dec(1, 0),
        writes: dec(1, 0),
        reads: dec(0, 0),
        hottest: Some((dec(1, 0), 16)),
        memory_gb: dec(5, 1),
        invocations: dec(0, 0),
        alipay_calls: dec(0, 0),
    },
];

/// A price, for so many units.
struct Price {
    unit: &'static str,
    dollars: Decimal,
    per: u64,
}

/// US East (N. Virginia), on demand.
const PRICES: [Price; 7] = [
    Price { unit: "DynamoDB write request units", dollars: dec(625, 3), per: 1_000_000 },
    Price { unit: "DynamoDB read request units", dollars: dec(125, 3), per: 1_000_000 },
    Price { unit: "SQS requests", dollars: dec(40, 2), per: 1_000_000 },
    Price { unit: "Lambda invocations", dollars: dec(20, 2), per: 1_000_000 },
    Price { unit: "Lambda GB-seconds, arm64", dollars: dec(133334, 10), per: 1 },
    Price { unit: "HTTP API requests", dollars: dec(100, 2), per: 1_000_000 },
    Price { unit: "S3 PUT requests", dollars: dec(5, 3), per: 1_000 },
];
const WRITES: usize = 0;
const READS: usize = 1;
const SQS: usize = 2;
const INVOCATIONS: usize = 3;
const GB_SECONDS: usize = 4;
const HTTP: usize = 5;
const S3_PUTS: usize = 6;

/// How many providers the page is about.
const PROVIDERS: u64 = 1_000_000;

/// SQS requests for each debit: a tenth of a batch to send, one to receive, one to delete.
const SQS_OF_A_DEBIT: Decimal = dec(21, 1);

/// Seconds that a request to DynamoDB and a call of Alipay are assumed to take, one after another.
const REQUEST_S: Decimal = dec(1, 2);
const ALIPAY_S: Decimal = dec(2, 1);

/// Write units a second: of a new on-demand table, of a table by the default quota, of one key.
const NEW_TABLE: Decimal = dec(4000, 0);
const TABLE_QUOTA: Decimal = dec(40000, 0);
const KEY: Decimal = dec(1000, 0);

/// `DebitsPerSecond`: the default, and what docs/clocks.md names for a million debits.
const DEBITS_PER_SECOND: [Decimal; 2] = [dec(10, 0), dec(50, 0)];

/// How much more than the average the busiest second has.
const PEAK: Decimal = dec(3, 0);

/// Providers whose counts of one hour one object has.
const REPORTS_OF_AN_OBJECT: Decimal = dec(1000, 0);

/// A figure with so many decimals: `dec(101, 2)` is 1.01.
const fn dec(digits: u32, decimals: u32) -> Decimal {
    Decimal::from_parts(digits, 0, 0, false, decimals)
}

fn price(of: usize, units: Decimal) -> Decimal {
    let Price { dollars, per, .. } = &PRICES[of];
    units * dollars / Decimal::from(*per)
}

impl Coefficient {
    /// Dollars for the units of so many providers.
    fn units_dollars(&self, providers: Decimal) -> Decimal {
        price(WRITES, self.writes * providers) + price(READS, self.reads * providers)
    }

    /// Seconds of a function for each provider, if nothing runs side by side.
    fn seconds(&self) -> Decimal {
        self.requests * REQUEST_S + self.alipay_calls * ALIPAY_S
    }

    /// Dollars for the invocations of so many providers and the time that they take.
    fn lambda_dollars(&self, providers: Decimal) -> Decimal {
        let gb_seconds = self.seconds() * self.memory_gb * providers;
        price(GB_SECONDS, gb_seconds) + price(INVOCATIONS, self.invocations * providers)
    }

    /// Dollars for requests by HTTP, and for the messages of debits.
    fn other_dollars(&self, providers: Decimal) -> Decimal {
        match self.step {
            "dispatch" => price(SQS, SQS_OF_A_DEBIT * providers),
            "count" | "notify" => price(HTTP, self.invocations * providers),
            _ => Decimal::ZERO,
        }
    }

    /// Write units on the hottest key of so many providers.
    fn hottest_units(&self, providers: Decimal) -> Decimal {
        self.hottest.map_or(Decimal::ZERO, |(units, keys)| units * providers / Decimal::from(keys))
    }
}

/// The tables of the page.
#[must_use]
pub fn tables() -> String {
    [coefficients(), prices(), night(), minutes(), reports()].join("\n")
}

fn row(text: &mut String, cells: &[String]) {
    writeln!(text, "| {} |", cells.join(" | ")).unwrap();
}

fn table(title: &str, head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut text = format!("### {title}\n\n");
    row(&mut text, &head.iter().map(ToString::to_string).collect::<Vec<_>>());
    let rule = head.iter().enumerate().map(|(place, _)| if place == 0 { "---" } else { "---:" });
    writeln!(text, "|{}|", rule.collect::<Vec<_>>().join("|")).unwrap();
    rows.iter().for_each(|cells| row(&mut text, cells));
    text
}

fn coefficients() -> String {
    let shown = |step: &str, [requests, writes, reads]: [Decimal; 3]| {
        vec![step.to_owned(), number(requests), number(writes), number(reads)]
    };
    let mut rows = Vec::new();
    let mut sum = [Decimal::ZERO; 3];
    for Coefficient { step, requests, writes, reads, .. } in COEFFICIENTS {
        sum = [sum[0] + requests, sum[1] + writes, sum[2] + reads];
        rows.push(shown(step, [requests, writes, reads]));
    }
    rows.push(shown("**all**", sum));
    let head = ["step", "requests to DynamoDB", "write units", "read units"];
    table("For each provider", &head, rows)
}

fn prices() -> String {
    let rows = PRICES.iter().map(|Price { unit, dollars, per }| {
        vec![unit.to_string(), format!("${dollars}"), thousands(Decimal::from(*per))]
    });
    table("Prices", &["unit", "price", "for"], rows.collect())
}

fn night() -> String {
    let providers = Decimal::from(PROVIDERS);
    let (mut rows, mut sum) = (Vec::new(), [Decimal::ZERO; 7]);
    for step in COEFFICIENTS {
        let counts = [step.requests, step.writes, step.reads].map(|count| count * providers);
        let [units, lambda] = [step.units_dollars(providers), step.lambda_dollars(providers)];
        let other = step.other_dollars(providers);
        let [requests, writes, reads] = counts;
        let figures = [requests, writes, reads, units, lambda, other, units + lambda + other];
        sum.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        rows.push(night_row(step.step, figures));
    }
    rows.push(night_row("**all**", sum));
    let head = [
        "step",
        "requests",
        "write units",
        "read units",
        "DynamoDB",
        "Lambda",
        "SQS and HTTP API",
        "dollars",
    ];
    table("A night of a million providers", &head, rows)
}

fn night_row(step: &str, figures: [Decimal; 7]) -> Vec<String> {
    let (counts, dollars) = figures.split_at(3);
    let counts = counts.iter().map(|count| thousands(count.round()));
    let dollars = dollars.iter().map(|dollars| money(*dollars));
    std::iter::once(step.to_owned()).chain(counts).chain(dollars).collect()
}

fn minutes() -> String {
    let providers = Decimal::from(PROVIDERS);
    let minutes = |units: Decimal, per_second: Decimal| tenths(units / per_second / dec(60, 0));
    let mut rows = Vec::new();
    for step in COEFFICIENTS {
        let writes = step.writes * providers;
        let [slow, fast] = match step.step {
            "dispatch" | "debit" | "notify" => {
                DEBITS_PER_SECOND.map(|rate| minutes(providers, rate))
            }
            _ => ["–".to_owned(), "–".to_owned()],
        };
        let hottest = minutes(step.hottest_units(providers), KEY);
        let (new, quota) = (minutes(writes, NEW_TABLE), minutes(writes, TABLE_QUOTA));
        rows.push(vec![step.step.to_owned(), new, quota, hottest, slow, fast]);
    }
    let head = [
        "step",
        "new table: 4,000 write units a second",
        "quota of a table: 40,000",
        "its hottest key: 1,000",
        "10 debits a second",
        "50 debits a second",
    ];
    table("Minutes by each limit, for a million providers", &head, rows)
}

fn reports() -> String {
    let mut rows = Vec::new();
    for of_a_day in [1_000_000_u64, 10_000_000, 100_000_000, 1_000_000_000] {
        let reports = Decimal::from(of_a_day);
        let count = COEFFICIENTS[0];
        let peak = reports * count.writes / dec(86400, 0) * PEAK;
        let (hours, objects) =
            (dec(24, 0) * Decimal::from(PROVIDERS), reports / REPORTS_OF_AN_OBJECT);
        let batched = price(WRITES, hours.min(reports)) + price(S3_PUTS, objects);
        let direct = price(WRITES, count.writes * reports);
        rows.push(vec![thousands(reports), thousands(peak.round()), money(direct), money(batched)]);
    }
    let head = [
        "reports a day",
        "write units in the busiest second",
        "dollars a day, an item for each report",
        "dollars a day, objects and an item for each provider and hour",
    ];
    table("Reports of a day", &head, rows)
}

fn money(dollars: Decimal) -> String {
    format!("${:.2}", half_up(dollars, 2))
}

fn tenths(figure: Decimal) -> String {
    if figure.is_zero() {
        return "–".to_owned();
    }
    format!("{:.1}", half_up(figure, 1))
}

fn half_up(figure: Decimal, decimals: u32) -> Decimal {
    figure.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

fn number(figure: Decimal) -> String {
    figure.normalize().to_string()
}

/// A whole figure with commas.
fn thousands(figure: Decimal) -> String {
    let digits = figure.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join(",")
}
