//! What a line is known by, wherever it stands: its content. Pure.

use sha2::{Digest, Sha256};

/// Eight bytes of the SHA-256 of a line.
///
/// Only the characters of ASCII count, without a carriage return at the end, so that a file whose
/// encoding or line ends were mended has the same lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The fingerprint of a line.
    #[must_use]
    pub fn of(line: &[u8]) -> Fingerprint {
        if line.is_ascii() {
            return Fingerprint::of_ascii(line);
        }
        let ascii = line.iter().copied().filter(u8::is_ascii).collect::<Vec<_>>();
        Fingerprint::of_ascii(&ascii)
    }

    fn of_ascii(line: &[u8]) -> Fingerprint {
        first_bytes(&Sha256::digest(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// The fingerprint of one more line of the same content: `0` is the first.
    #[must_use]
    pub fn repeated(self, times: u64) -> Fingerprint {
        if times == 0 {
            return self;
        }
        let repeated = Sha256::new().chain_update(self.0.to_be_bytes());
        first_bytes(&repeated.chain_update(times.to_be_bytes()).finalize())
    }
}

fn first_bytes(digest: &[u8]) -> Fingerprint {
    let first = digest.first_chunk().copied().expect("a SHA-256 has 32 bytes");
    Fingerprint(u64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_and_line_end_make_no_other_line() {
        let line = Fingerprint::of("GET /caf HTTP".as_bytes());
        for same in
            [&b"GET /caf HTTP\r"[..], b"GET /caf\xe9 HTTP", "GET /café HTTP\u{feff}".as_bytes()]
        {
            assert_eq!(Fingerprint::of(same), line, "{}", same.escape_ascii());
        }
        for other in [&b" GET /caf HTTP"[..], b"GET /cafe HTTP", b""] {
            assert_ne!(Fingerprint::of(other), line, "{}", other.escape_ascii());
        }
    }

    #[test]
    fn equal_lines_are_told_apart_by_their_number() {
        let line = Fingerprint::of(b"a");
        let three = [0, 1, 2].map(|times| line.repeated(times));
        assert_eq!(three[0], line);
        assert!(three[1] != line && three[2] != line && three[1] != three[2]);
        // The stored form: another one would count the calls of every log again.
        assert_eq!(line.0, 0xca97_8112_ca1b_bdca);
    }
}
