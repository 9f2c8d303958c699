//! The files that a log was before it was rotated.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use steelyard_runtime::Clock;

use super::tail::{Identity, identity};

/// How old a rotated file may be for a follower that begins to read it: what was written while
/// nobody followed is no older as a rule.
const AGE_MAX: Duration = Duration::from_hours(25);

/// The rotated files of a log, and how far each was read.
pub(super) struct Rotated {
    folder: PathBuf,
    /// The name of the log; none if the path ends in none, so that nothing is a rotated file of it.
    name: Option<OsString>,
    /// How many bytes of a file were read, and when it was written last then, if that is known: a
    /// copy of a log may be written over another of the same length.
    read: HashMap<Identity, (u64, Option<SystemTime>)>,
    /// A file that was not written since is known, unless it was read less far than it is long.
    since: SystemTime,
}

/// A rotated file that has lines that were not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub path: PathBuf,
    pub identity: Identity,
    pub bytes: u64,
    pub modified: SystemTime,
}

impl Rotated {
    /// The rotated files of a log at a path, of which none was read.
    pub(super) fn of(path: &Path) -> Rotated {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        let name = path.file_name().map(OsStr::to_owned);
        // Files have times of the system's clock, also where usage is counted by another clock.
        let now = SystemTime::from(Clock::system().now());
        let since = now.checked_sub(AGE_MAX).unwrap_or(SystemTime::UNIX_EPOCH);
        Rotated { folder, name, read: HashMap::new(), since }
    }

    /// Notes how far a file was read that was followed.
    pub(super) fn followed(&mut self, (file, bytes): (Identity, u64)) {
        self.read.insert(file, (bytes, None));
    }

    /// Notes that a file was read to the end that it had.
    pub(super) fn read(&mut self, file: &Unread) {
        self.read.insert(file.identity, (file.bytes, Some(file.modified)));
    }

    /// How many rotated files are too old to be read, as far as that can be known.
    pub(super) fn older(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return 0 };
        let is_older = |entry: &std::fs::DirEntry| {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            self.is_rotated(&entry.file_name())
                && modified.is_ok_and(|modified| modified < self.since)
        };
        entries.flatten().filter(is_older).count()
    }

    fn is_rotated(&self, name: &OsStr) -> bool {
        self.name.as_ref().is_some_and(|log| is_rotated(log.as_bytes(), name.as_bytes()))
    }

    /// The files that have lines which were not read, the oldest first. The followed file is not
    /// among them, even if it has been renamed.
    ///
    /// # Errors
    ///
    /// When the folder, or what the system says of a file, can't be read.
    pub(super) fn unread(&self, followed: Option<Identity>) -> io::Result<Vec<Unread>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !self.is_rotated(&entry.file_name()) {
                continue;
            }
            let path = entry.path();
            let metadata = match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => metadata,
                Ok(_) => continue,
                // It was renamed meanwhile, and has another name the next time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let (identity, bytes) = (identity(&metadata), metadata.len());
            let modified = metadata.modified()?;
            let is_new = match self.read.get(&identity) {
                Some((read, at)) => *read != bytes || at.is_some_and(|at| at != modified),
                None => modified >= self.since,
            };
            if is_new && followed != Some(identity) {
                found.push(Unread { path, identity, bytes, modified });
            }
        }
        found.sort_by_key(|unread| unread.modified);
        Ok(found)
    }
}

/// True if the name is one that rotation gives the log, such as `web.log.1`, `web.log-20150517` or
/// `web.log.2015-05-17.gz`: a number below 100 or a date after the name of the log. Other numbers
/// may be those of other logs, such as of a port.
fn is_rotated(log: &[u8], name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(log) else { return false };
    let packed = [b".gz".as_slice(), b".zst"].iter().find_map(|ending| rest.strip_suffix(*ending));
    let Some((b'.' | b'-', number)) = packed.unwrap_or(rest).split_first() else { return false };
    let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_count = digits == number.len() && (1..=2).contains(&digits);
    let is_date =
        digits >= 6 && number.iter().all(|byte| byte.is_ascii_digit() || b"-_.:T".contains(byte));
    is_count || is_date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_known_by_their_names() {
        for name in [
            "web.log.1",
            "web.log.2.gz",
            "web.log-20150517",
            "web.log-20150517.zst",
            "web.log.2015-05-17T08:05",
            "web.log-20150517-1431820800",
        ] {
            assert!(is_rotated(b"web.log", name.as_bytes()), "{name}");
        }
        for name in [
            "web.log",
            "web.log.gz",
            "web.log.old",
            "web.log1",
            "web.log.",
            "web.log.443",
            "a.log.1",
        ] {
            assert!(!is_rotated(b"web.log", name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn file_is_unread_until_it_is_read_to_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(folder.path().join("log.1"), "a\n").unwrap();
        std::fs::write(folder.path().join("log.txt"), "b\n").unwrap();
        let mut rotated = Rotated::of(&path);
        let [unread] = &rotated.unread(None).unwrap()[..] else { panic!("one file") };
        assert_eq!((unread.path.file_name(), unread.bytes), (Some(OsStr::new("log.1")), 2));
        assert!(rotated.unread(Some(unread.identity)).unwrap().is_empty());
        rotated.followed((unread.identity, 2));
        assert!(rotated.unread(None).unwrap().is_empty());
        // Its writer has not noticed yet that it was renamed.
        std::fs::write(folder.path().join("log.1"), "a\nc\n").unwrap();
        let [unread] = &rotated.unread(None).unwrap()[..] else { panic!("one file") };
        rotated.read(unread);
        assert!(rotated.unread(None).unwrap().is_empty());
        // Another one is copied over it.
        let file = std::fs::File::options().write(true).open(&unread.path).unwrap();
        file.set_modified(unread.modified + Duration::from_secs(1)).unwrap();
        assert_eq!(rotated.unread(None).unwrap().len(), 1);
    }
}
