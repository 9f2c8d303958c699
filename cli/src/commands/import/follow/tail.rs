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
    /// Its device and its number there.
    identity: (u64, u64),
    /// Its first bytes, which differ once it is written anew.
    beginning: Vec<u8>,
    /// How many bytes were read.
    read: u64,
    /// A line that has no line break yet.
    unfinished: Vec<u8>,
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
const BEGINNING_BYTES: usize = 1_024;

impl Tail {
    /// The file that has the path, now or later.
    pub(super) fn new(path: &Path) -> Tail {
        Tail { path: path.to_owned(), open: None }
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
        let Some(open) = &mut self.open else {
            if metadata(&self.path)?.is_none() {
                return Ok(Next::Nothing);
            }
            self.open = Some(Open::new(File::open(&self.path)?)?);
            return self.next();
        };
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
        // The rest of a line that is too long is skipped, as far as it is written. What is written
        // later is another line, which is refused.
        let skipped = self.lines.skip_until(b'\n')?;
        self.read += length_of(skipped);
        Ok(Some(Next::Line(std::mem::take(&mut self.unfinished), LineEnd::TooLong)))
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

fn identity(metadata: &Metadata) -> (u64, u64) {
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
