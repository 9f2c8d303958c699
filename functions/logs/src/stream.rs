//! An object while it is read: its bytes come in parts, and a thread of its own makes segments of
//! them.

use std::io::{self, Cursor};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use steelyard_billing::{Calendar, ObjectName};
use steelyard_import::{Input, Rule, Segment, Segments};
use steelyard_runtime::Stored;
use tokio::sync::mpsc;

/// How many parts are held before the thread takes them.
const PARTS_HELD: usize = 8;

/// The segments of an object, as they are read.
pub(crate) struct SegmentStream {
    segments: mpsc::Receiver<Read>,
}

/// A segment, and how long it took to be read without those before it.
type Read = io::Result<(Segment, Duration)>;

/// How an object is read.
pub(crate) struct ReadBy {
    pub(crate) object: ObjectName,
    pub(crate) rule: Arc<Rule>,
    pub(crate) calendar: Calendar,
    /// The first segment that is wanted.
    pub(crate) from: u32,
}

impl SegmentStream {
    /// Begins to read. What is dropped before its end reads no further.
    pub(crate) fn begin(stored: Stored, by: ReadBy) -> SegmentStream {
        let (part, parts) = mpsc::channel(PARTS_HELD);
        let (segment, segments) = mpsc::channel(1);
        let parts = Parts { parts, part: Cursor::default(), left: stored.bytes };
        tokio::spawn(pass_on(stored, part));
        tokio::task::spawn_blocking(move || read(parts, &by, &segment));
        SegmentStream { segments }
    }

    /// The next segment; none after the last, and after an error.
    pub(crate) async fn next(&mut self) -> Option<Read> {
        self.segments.recv().await
    }
}

async fn pass_on(mut stored: Stored, parts: mpsc::Sender<io::Result<Bytes>>) {
    while let Some(part) = stored.part().await {
        // Nobody reads on.
        if parts.send(part.map_err(io::Error::other)).await.is_err() {
            return;
        }
    }
}

fn read(parts: Parts, by: &ReadBy, segments: &mpsc::Sender<Read>) {
    let ReadBy { object, rule, calendar, from } = by;
    let begun = Input::new(parts, None)
        .and_then(|input| Segments::from(input, object, *from, (rule, calendar)));
    match begun {
        Ok(mut all) => loop {
            let begin = Instant::now();
            let Some(segment) = all.next() else { return };
            // Nobody counts on.
            if segments.blocking_send(segment.map(|read| (read, begin.elapsed()))).is_err() {
                return;
            }
        },
        // The error is dropped if nobody waits for it.
        Err(error) => drop(segments.blocking_send(Err(error))),
    }
}

/// Parts that come over a channel, as bytes that block the thread until they are there.
struct Parts {
    parts: mpsc::Receiver<io::Result<Bytes>>,
    part: Cursor<Bytes>,
    /// How many bytes are still to come.
    left: u64,
}

impl io::Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = io::Read::read(&mut self.part, buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.parts.blocking_recv() {
                Some(part) => {
                    let part = part?;
                    let bytes = u64::try_from(part.len()).map_err(io::Error::other)?;
                    self.left = self.left.saturating_sub(bytes);
                    self.part = Cursor::new(part);
                }
                None if self.left == 0 => return Ok(0),
                // What breaks off is not the end of the log.
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
    }
}
