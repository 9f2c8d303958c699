//! The bytes of an import: a file or standard input, compressed or plain, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::packing::{MAGIC_BYTES, Packing};

/// A line of that many bytes is not kept: a log's fields have 8 KB each, up to four times as much
/// when escaped.
pub const LINE_BYTES_MAX: u64 = 1 << 20;

/// What some editors and exports begin a file with.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const BYTE_ORDER_MARK_BYTES: u64 = 3;

/// Something to import.
pub struct Input {
    lines: Box<dyn BufRead + Send>,
    read: Arc<AtomicU64>,
    bytes: Option<u64>,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// A line break ended it.
    Break,
    /// With the file: it may still be being written.
    File,
    /// Not within [`LINE_BYTES_MAX`]; what is past that was skipped.
    TooLong,
}

impl Input {
    /// The file at a path, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// When it can't be opened or read.
    pub fn open(path: &Path) -> io::Result<Input> {
        if path == Path::new("-") {
            return Input::new(io::stdin(), None);
        }
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Input::new(file, Some(bytes))
    }

    /// Bytes, and how many there are if that is known. They are unpacked when they begin as gzip or
    /// zstd, also when several packed files were written one after the other. A byte order mark of
    /// UTF-8 is skipped.
    ///
    /// # Errors
    ///
    /// When they can't be read, or are packed in another way.
    pub fn new(reader: impl Read + Send + 'static, bytes: Option<u64>) -> io::Result<Input> {
        let read = Arc::new(AtomicU64::new(0));
        let mut reader = Metered { reader, read: Arc::clone(&read) };
        let first = read_first(&mut reader, MAGIC_BYTES)?;
        let packing = Packing::of(&first);
        let mut lines = packing.unpack(BufReader::new(Cursor::new(first).chain(reader)))?;
        let first = read_first(&mut lines, BYTE_ORDER_MARK_BYTES)?;
        let first = if first == BYTE_ORDER_MARK { Vec::new() } else { first };
        Ok(Input { lines: Box::new(Cursor::new(first).chain(lines)), read, bytes })
    }

    /// How many bytes there are, compressed as they are, if that is known.
    #[must_use]
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes
    }

    /// How many bytes were read so far, compressed as they are.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The first byte that is left and is no white space; none at the end.
    ///
    /// # Errors
    ///
    /// When the bytes can't be read or unpacked.
    pub fn first(&mut self) -> io::Result<Option<u8>> {
        loop {
            let left = self.lines.fill_buf()?;
            let blank = left.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            match left.get(blank) {
                Some(first) => return Ok(Some(*first)),
                None if blank == 0 => return Ok(None),
                None => self.lines.consume(blank),
            }
        }
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    ///
    /// When the bytes can't be read or unpacked.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.lines.fill_buf()?.is_empty())
    }

    /// All that is left, unpacked.
    pub fn rest(&mut self) -> impl Read {
        &mut self.lines
    }

    /// Reads the next line, in place of what `line` holds, without its line break (`\n` or `\r\n`).
    /// None at the end.
    ///
    /// # Errors
    ///
    /// When the bytes can't be read or unpacked; a gzip file that is cut off is an error.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<LineEnd>> {
        line.clear();
        self.lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            line.pop_if(|last| *last == b'\r');
            return Ok(Some(LineEnd::Break));
        }
        if u64::try_from(line.len()).is_ok_and(|length| length < LINE_BYTES_MAX) {
            return Ok(Some(LineEnd::File));
        }
        self.lines.skip_until(b'\n')?;
        Ok(Some(LineEnd::TooLong))
    }
}

fn read_first(reader: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    reader.take(bytes).read_to_end(&mut first)?;
    Ok(first)
}

/// A reader that counts the bytes that were read.
struct Metered<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read.fetch_add(u64::try_from(read).map_err(io::Error::other)?, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn lines(bytes: Vec<u8>) -> io::Result<Vec<(Vec<u8>, LineEnd)>> {
        let mut input = Input::new(Cursor::new(bytes), None)?;
        let (mut lines, mut line) = (Vec::new(), Vec::new());
        while let Some(end) = input.read_line(&mut line)? {
            lines.push((line.clone(), end));
        }
        Ok(lines)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn line(text: &str, end: LineEnd) -> (Vec<u8>, LineEnd) {
        (text.into(), end)
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn lines_are_the_same_plain_and_compressed() {
        let both = vec![
            line("a", LineEnd::Break),
            line("", LineEnd::Break),
            line("b", LineEnd::Break),
            line("c\r", LineEnd::File),
        ];
        assert_eq!(lines(b"a\n\nb\r\nc\r".to_vec()).unwrap(), both);
        assert_eq!(lines(gzip(b"a\n\nb\r\nc\r")).unwrap(), both);
        assert_eq!(lines([gzip(b"a\n\nb"), gzip(b"\r\nc\r")].concat()).unwrap(), both);
        assert_eq!(lines(zstd(b"a\n\nb\r\nc\r")).unwrap(), both);
        let skipped = b"\x55\x2a\x4d\x18\x02\0\0\0xx".to_vec();
        let frames = [skipped.clone(), zstd(b"a\n\nb"), skipped, zstd(b""), zstd(b"\r\nc\r")];
        assert_eq!(lines(frames.concat()).unwrap(), both);
        for empty in [vec![], gzip(b""), zstd(b"")] {
            assert_eq!(lines(empty).unwrap(), vec![]);
        }
        assert_eq!(lines(vec![0x1f]).unwrap(), [(vec![0x1f], LineEnd::File)]);
    }

    #[test]
    fn byte_order_mark_is_skipped_once_and_at_the_beginning() {
        let text = "\u{feff}a\n\u{feff}b".as_bytes().to_vec();
        let found = vec![line("a", LineEnd::Break), line("\u{feff}b", LineEnd::File)];
        for packed in [text.clone(), gzip(&text), zstd(&text)] {
            assert_eq!(lines(packed).unwrap(), found);
        }
        for mark in [&b"\xef\xbb\xbf"[..], b"\xef\xbb"] {
            let left = mark.len() % 3;
            assert_eq!(lines(mark.to_vec()).unwrap().len(), usize::from(left > 0));
        }
    }

    #[test]
    fn packed_file_that_is_cut_off_or_damaged_is_an_error() {
        for whole in [gzip(b"a\nb\nc\n"), zstd(b"a\nb\nc\n")] {
            let cut = whole[..whole.len() - 1].to_vec();
            assert!(lines(cut).is_err(), "{whole:?}");
            let mut damaged = whole;
            *damaged.last_mut().unwrap() ^= 1;
            assert!(lines(damaged.clone()).is_err(), "{damaged:?}");
        }
        let skipped = b"\x50\x2a\x4d\x18\x09\0\0\0xx".to_vec();
        assert!(lines(skipped).is_err());
    }

    #[test]
    fn files_that_are_packed_otherwise_are_refused_by_name() {
        for (first, how) in [
            (&b"PK\x03\x04..."[..], "a ZIP archive"),
            (b"BZh9...", "packed by bzip2"),
            (b"\xfd7zXZ\0", "packed by xz"),
            (b"\xff\xfea\0", "in UTF-16"),
            (b"\xfe\xff\0a", "in UTF-16"),
        ] {
            let error = lines(first.to_vec()).unwrap_err();
            let said = format!("is {how}: plain text in UTF-8, gzip and zstd are taken");
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let most = usize::try_from(LINE_BYTES_MAX).unwrap();
        for (length, end) in
            [(most - 1, LineEnd::Break), (most, LineEnd::TooLong), (most * 2, LineEnd::TooLong)]
        {
            let found = lines([vec![b'x'; length], b"\nnext\n".to_vec()].concat()).unwrap();
            assert_eq!(found.len(), 2, "{length}");
            assert_eq!((found[0].0.len(), found[0].1), (length.min(most), end));
            assert_eq!(found[1], line("next", LineEnd::Break));
        }
    }

    #[test]
    fn progress_is_told_in_bytes_of_the_file() {
        let plain = b"line\n".repeat(10_000);
        for (bytes, begins_below) in [(plain.clone(), 10_000), (gzip(&plain), 10_000)] {
            let total = u64::try_from(bytes.len()).unwrap();
            let mut input = Input::new(Cursor::new(bytes), Some(total)).unwrap();
            assert!(input.bytes_read() < begins_below);
            while input.read_line(&mut Vec::new()).unwrap().is_some() {}
            assert_eq!((input.bytes_read(), input.bytes_total()), (total, Some(total)));
        }
    }
}
