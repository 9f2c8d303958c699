//! The lines of a file that grows, and is rotated or truncated.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use steelyard_import::{LINE_BYTES_MAX, LineEnd};

/// A file that others write.
pub(super) struct Tail {
    path: PathBuf,
    open: Option<Open>,
}

/// The file that is read now.
struct Open {
    lines: BufReader<File>,
    identity: Identity,
    /// Its first bytes, which differ once it is written anew.
    beginning: Vec<u8>,
    /// How many bytes were read.
    read: u64,
    /// A line that has no line break yet.
    unfinished: Vec<u8>,
    /// The rest of a line that is too long is being skipped.
    is_skipping: bool,
    /// It was looked at since its end was read, and goes on.
    is_checked: bool,
    /// Another file had the path when the end was read before.
    is_replaced: bool,
}

/// The result of a read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line, without its line break.
    Line(Vec<u8>, LineEnd),
    /// The file is over: what follows is of another one.
    End,
    /// Nothing, for now.
    Nothing,
}

/// The number of first bytes that identify what was written.
const BEGINNING_BYTES: usize = 16_384;

impl Tail {
    /// The file that has the path, now or later.
    pub(super) fn new(path: &Path) -> Tail {
        Tail { path: path.to_owned(), open: None }
    }

    /// Opens the file that has the path, if there is one and none is open.
    ///
    /// # Errors
    ///
    /// When it can't be opened.
    pub(super) fn open(&mut self) -> io::Result<bool> {
        if self.open.is_none() && metadata(&self.path)?.is_some() {
            self.open = Some(Open::new(File::open(&self.path)?)?);
        }
        Ok(self.open.is_some())
    }

    /// The file that is read now, and how many of its bytes were.
    pub(super) fn place(&self) -> Option<(Identity, u64)> {
        self.open.as_ref().map(|open| (open.identity, open.read))
    }

    /// How many bytes of the file that has the path are not read.
    pub(super) fn behind(&self) -> u64 {
        let length = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        length.saturating_sub(self.open.as_ref().map_or(0, |open| open.read))
    }

    /// Reads on.
    ///
    /// A file that was renamed is over when it is at its end for the second time: who writes it may
    /// not know yet. One that shrank, or begins in another way, is over at once.
    ///
    /// # Errors
    ///
    /// When a file can't be opened or read, except one that is absent.
    pub(super) fn next(&mut self) -> io::Result<Next> {
        self.open()?;
        let Some(open) = &mut self.open else { return Ok(Next::Nothing) };
        if !open.is_checked {
            if open.is_written_anew(metadata(&self.path)?.as_ref())? {
                return Ok(self.end());
            }
            open.is_checked = true;
        }
        if let Some(line) = open.line()? {
            return Ok(line);
        }
        open.is_checked = false;
        let metadata = metadata(&self.path)?;
        let is_replaced = metadata.is_some_and(|metadata| identity(&metadata) != open.identity);
        if is_replaced && open.is_replaced {
            return Ok(self.end());
        }
        open.is_replaced = is_replaced;
        Ok(Next::Nothing)
    }

    /// The end of the open file: first what has no line break.
    fn end(&mut self) -> Next {
        match self.open.as_mut().map(|open| std::mem::take(&mut open.unfinished)) {
            Some(line) if !line.is_empty() => Next::Line(line, LineEnd::File),
            Some(_) | None => {
                self.open = None;
                Next::End
            }
        }
    }
}

impl Open {
    fn new(mut file: File) -> io::Result<Open> {
        let identity = identity(&file.metadata()?);
        let beginning = beginning(&mut file, BEGINNING_BYTES)?;
        let lines = BufReader::new(file);
        Ok(Open {
            lines,
            identity,
            beginning,
            read: 0,
            unfinished: Vec::new(),
            is_skipping: false,
            is_checked: false,
            is_replaced: false,
        })
    }

    /// Whether the same file has other content than was read.
    fn is_written_anew(&mut self, metadata: Option<&Metadata>) -> io::Result<bool> {
        let Some(metadata) = metadata.filter(|metadata| identity(metadata) == self.identity) else {
            return Ok(false);
        };
        if metadata.len() < self.read {
            return Ok(true);
        }
        let file = self.lines.get_mut();
        let at = file.stream_position()?;
        let now = beginning(file, BEGINNING_BYTES)?;
        file.seek(SeekFrom::Start(at))?;
        if !now.starts_with(&self.beginning) {
            return Ok(true);
        }
        self.beginning = now;
        Ok(false)
    }

    fn line(&mut self) -> io::Result<Option<Next>> {
        if self.is_skipping {
            if !self.skip()? {
                return Ok(None);
            }
            self.is_skipping = false;
        }
        let most = LINE_BYTES_MAX.saturating_sub(length(&self.unfinished));
        self.read +=
            length_of(self.lines.by_ref().take(most).read_until(b'\n', &mut self.unfinished)?);
        if self.unfinished.ends_with(b"\n") {
            let mut line = std::mem::take(&mut self.unfinished);
            line.pop();
            line.pop_if(|last| *last == b'\r');
            return Ok(Some(Next::Line(line, LineEnd::Break)));
        }
        if length(&self.unfinished) < LINE_BYTES_MAX {
            return Ok(None);
        }
        self.is_skipping = true;
        Ok(Some(Next::Line(std::mem::take(&mut self.unfinished), LineEnd::TooLong)))
    }

    /// Skips the rest of a line that is too long, as far as it is written. Whether its end is.
    fn skip(&mut self) -> io::Result<bool> {
        loop {
            let some = self.lines.fill_buf()?;
            let end = some.iter().position(|byte| *byte == b'\n');
            let skipped = end.map_or(some.len(), |end| end + 1);
            self.lines.consume(skipped);
            self.read += length_of(skipped);
            if end.is_some() || skipped == 0 {
                return Ok(end.is_some());
            }
        }
    }
}

/// What the system says of the file that has the path; none if there is none.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file's device and its inode, which stay the same when it is renamed.
pub(super) type Identity = (u64, u64);

/// The identity of the file that the system describes.
pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

fn beginning(file: &mut File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(length_of(bytes)).read_to_end(&mut beginning)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(beginning)
}

fn length(bytes: &[u8]) -> u64 {
    length_of(bytes.len())
}

fn length_of(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    struct Log {
        folder: tempfile::TempDir,
        tail: Tail,
    }

    impl Log {
        fn new() -> Log {
            let folder = tempfile::tempdir().unwrap();
            let tail = Tail::new(&folder.path().join("log"));
            Log { folder, tail }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("log")
        }

        fn append(&self, text: &str) {
            let mut file = File::options().create(true).append(true).open(self.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        /// All that is there now: lines, `!` before one that the file ended, and `end`.
        fn all(&mut self) -> Vec<String> {
            let mut all = Vec::new();
            loop {
                match self.tail.next().unwrap() {
                    Next::Nothing => return all,
                    Next::End => all.push("end".to_owned()),
                    Next::Line(line, end) => {
                        let mark = if end == LineEnd::Break { "" } else { "!" };
                        all.push(format!("{mark}{}", String::from_utf8(line).unwrap()));
                    }
                }
            }
        }
    }

    #[test]
    fn lines_are_read_when_they_are_written_whole() {
        let mut log = Log::new();
        assert!(log.all().is_empty());
        for (text, lines) in
            [("a\nb", vec!["a"]), ("", vec![]), ("c\r", vec![]), ("\n\nd\n", vec!["bc", "", "d"])]
        {
            log.append(text);
            assert_eq!(log.all(), lines, "{text:?}");
        }
        assert_eq!(log.tail.behind(), 0);
        log.append("12345");
        assert_eq!(log.tail.behind(), 5);
    }

    #[test]
    fn line_that_is_too_long_is_one_line_however_late_its_end_is_written() {
        let mut log = Log::new();
        let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap());
        log.append(&long);
        assert_eq!(log.all(), [format!("!{long}")]);
        log.append("the rest");
        assert!(log.all().is_empty());
        log.append(" of it\nb\n");
        assert_eq!(log.all(), ["b"]);
    }

    #[test]
    fn file_that_is_renamed_is_read_to_its_end_before_the_next() {
        let mut log = Log::new();
        log.append("a\n");
        assert_eq!(log.all(), ["a"]);
        let old = log.folder.path().join("log.1");
        std::fs::rename(log.path(), &old).unwrap();
        let mut writer = File::options().append(true).open(&old).unwrap();
        writer.write_all(b"b\n").unwrap();
        assert_eq!(log.all(), ["b"]);
        log.append("d\n");
        // The writer of the old one has not noticed yet.
        assert!(log.all().is_empty());
        writer.write_all(b"c").unwrap();
        assert_eq!(log.all(), ["!c", "end", "d"]);
    }

    #[test]
    fn file_that_is_truncated_begins_anew() {
        let mut log = Log::new();
        log.append("first\nsecond\n");
        assert_eq!(log.all(), ["first", "second"]);
        std::fs::write(log.path(), "third\n").unwrap();
        assert_eq!(log.all(), ["end", "third"]);
        // One that has grown past the old length by then begins in another way.
        std::fs::write(log.path(), "a much longer first line than before\n").unwrap();
        assert_eq!(log.all(), ["end", "a much longer first line than before"]);
        std::fs::write(log.path(), "").unwrap();
        assert_eq!(log.all(), ["end"]);
    }
}
