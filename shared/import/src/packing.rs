//! How bytes are packed, as their beginning shows, and what unpacks them.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The number of first bytes that show how all are packed.
pub(super) const MAGIC_BYTES: u64 = 4;

/// A way of packing bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// The bytes are not packed.
    Plain,
    /// Source: RFC 1952, 2.3.1.
    Gzip,
    /// Source: RFC 8878, 3.1.1 and 3.1.2.
    Zstd,
    /// In a way that is not taken.
    Other(&'static str),
}

impl Packing {
    /// How bytes are packed that begin so.
    pub(super) fn of(first: &[u8]) -> Packing {
        match first {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Packing::Zstd,
            [b'P', b'K', 3, 4] => Packing::Other("a ZIP archive"),
            [b'B', b'Z', b'h', _] => Packing::Other("packed by bzip2"),
            [0xfd, b'7', b'z', b'X'] => Packing::Other("packed by xz"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Packing::Other("in UTF-16"),
            _ => Packing::Plain,
        }
    }

    /// What reads bytes that are packed so, unpacked.
    ///
    /// # Errors
    ///
    /// When they are packed in a way that is not taken.
    pub(super) fn unpack(
        self,
        packed: impl BufRead + Send + 'static,
    ) -> io::Result<Box<dyn BufRead + Send>> {
        match self {
            Packing::Plain => Ok(Box::new(packed)),
            Packing::Gzip => Ok(Box::new(BufReader::new(MultiGzDecoder::new(packed)))),
            Packing::Zstd => Ok(Box::new(BufReader::new(ZstdFrames::new(packed)))),
            Packing::Other(how) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("is {how}: plain text in UTF-8, gzip and zstd are taken"),
            )),
        }
    }
}

/// The frames of a zstd file, one after the other, unpacked.
struct ZstdFrames<R> {
    packed: R,
    frame: FrameDecoder,
    is_inside: bool,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(packed: R) -> ZstdFrames<R> {
        ZstdFrames { packed, frame: FrameDecoder::new(), is_inside: false }
    }

    /// Begins the next frame, or skips one that has something else than data.
    fn begin(&mut self) -> io::Result<()> {
        match self.frame.init(&mut self.packed) {
            Ok(()) => {
                self.is_inside = true;
                Ok(())
            }
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let skipped = self.packed.by_ref().take(length.into());
                if io::copy(&mut { skipped }, &mut io::sink())? < u64::from(length) {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                Ok(())
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// The decoder computes a checksum, and leaves it to its caller to compare it.
    fn end(&mut self) -> io::Result<()> {
        self.is_inside = false;
        let written = self.frame.get_checksum_from_data();
        if written.is_some() && written != self.frame.get_calculated_checksum() {
            return Err(io::Error::other("the checksum of a zstd frame is wrong"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.is_inside {
                if self.packed.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin()?;
                continue;
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.packed, one).map_err(io::Error::other)?;
            }
            let read = self.frame.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.end()?;
        }
    }
}
