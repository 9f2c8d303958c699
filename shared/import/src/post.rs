//! What a gateway or a log shipper posts: an array of JSON objects, or lines. Pure.

use steelyard_billing::Calendar;
use steelyard_json::{JsonError, Node};
use thiserror::Error;

use super::batch::{BadLine, Batch, IdentifiedLine, Record, Sums, line_id};
use super::formats::Columns;
use super::line::{Identity, Line, LineCalls};
use super::line_error::LineError;
use super::rule::Rule;

/// The most lines of a post: each may be bad, and is named then.
const LINES_MAX: usize = 100_000;

/// The most calls of a post that have ids of their own: they are counted one by one, within the
/// time that a request has.
pub const POST_ENTRIES_MAX: usize = 10_000;

/// Why a post is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PostError {
    /// The post begins as an array of JSON, and is none.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The post has too many entries.
    #[error(
        "the post has {0} entries; {LINES_MAX} are the most, and {POST_ENTRIES_MAX} with ids of their own"
    )]
    TooMany(usize),
}

impl Batch {
    /// What a post says: an array of JSON objects, such as Kong and APISIX send, or lines, such as
    /// Envoy writes them. A call with an id of its own is among `identified`, and all others are
    /// among `days`, whether or not they have the instant: the post is what they are known by, and
    /// no line of it is a repetition of another.
    ///
    /// # Errors
    ///
    /// [`PostError`] when it begins as an array and is none, or has too many entries.
    pub fn of_post(body: &[u8], rule: &Rule, calendar: &Calendar) -> Result<Batch, PostError> {
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        let mut post = Post::default();
        let first = body.trim_ascii_start().first();
        let whole = match first {
            Some(b'[') => Some(steelyard_json::parse(body)?.into_list()?),
            // One object, on however many lines.
            Some(b'{') => steelyard_json::parse(body).ok().map(|entry| vec![entry]),
            Some(_) | None => None,
        };
        let lines = || body.split(|byte| *byte == b'\n');
        let entries = match &whole {
            Some(entries) => entries.len(),
            None => lines().filter(|line| !line.trim_ascii().is_empty()).count(),
        };
        if entries > LINES_MAX {
            return Err(PostError::TooMany(entries));
        }
        match whole {
            Some(entries) => {
                for entry in entries {
                    post.add(&text_of(entry), rule, calendar);
                }
            }
            None => {
                for line in lines() {
                    post.add(line, rule, calendar);
                }
            }
        }
        let batch = post.end();
        // Those without an id are summed.
        match batch.identified.len() {
            calls if calls > POST_ENTRIES_MAX => Err(PostError::TooMany(calls)),
            _ => Ok(batch),
        }
    }
}

/// A post while it is read.
#[derive(Default)]
struct Post {
    batch: Batch,
    sums: Sums,
    columns: Columns,
    number: u64,
}

impl Post {
    fn add(&mut self, entry: &[u8], rule: &Rule, calendar: &Calendar) {
        self.number += 1;
        let read = Line::read(entry, &mut self.columns, rule, calendar);
        if let Some(calls) = self.batch.sort(self.number, read)
            && let Err(why) = self.add_calls(calls)
        {
            self.batch.bad.push(BadLine { line: self.number, why });
        }
    }

    fn add_calls(&mut self, calls: LineCalls) -> Result<(), LineError> {
        let LineCalls { provider, api, day, metered, identity } = calls;
        let all = self.batch.metered.plus(metered)?;
        if !metered.is_zero() {
            match identity {
                Identity::Id { id, combined } => {
                    let (count, amount, line) = (metered.calls, metered.amount, self.number);
                    let record = Record { provider, api, day, count, amount, line };
                    let id = line_id(&id);
                    self.batch.identified.push(IdentifiedLine { id, record, combined });
                }
                Identity::At(_) | Identity::Scattered(_) | Identity::Day => {
                    self.sums.add((provider, day, api), metered, self.number)?;
                }
            }
        }
        self.batch.metered = all;
        self.batch.billable += 1;
        Ok(())
    }

    fn end(self) -> Batch {
        Batch { days: self.sums.into_records(), ..self.batch }
    }
}

/// An entry as a line: a text is one as it is.
fn text_of(entry: Node) -> Vec<u8> {
    if let Node::Text(text) = entry {
        return text.into_bytes();
    }
    serde_json::to_vec(&entry).expect("JSON that was read can be written")
}
