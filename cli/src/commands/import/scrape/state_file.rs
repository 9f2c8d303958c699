//! The file of a state: replaced whole, and used by one process.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file that only this process uses.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    folder: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

/// Why a state cannot be used.
#[derive(Debug, Error)]
pub(super) enum StateFileError {
    /// Another process has it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// The file cannot be read or locked.
    #[error("cannot read {path}")]
    Read {
        /// The state file that could not be read.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The state file that could not be written.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

impl StateFile {
    /// Takes a file for this process, which need not be there. The lock is a file beside it, which
    /// stays.
    ///
    /// # Errors
    ///
    /// [`StateFileError`] when another process has it, or its folder cannot be written.
    pub(super) fn open(path: &Path) -> Result<StateFile, StateFileError> {
        let failed = |source| StateFileError::Read { path: path.to_owned(), source };
        let lock = File::options().create(true).append(true).open(beside(path, ".lock"));
        let lock = lock.map_err(failed)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StateFileError::InUse(path.to_owned()),
            TryLockError::Error(source) => failed(source),
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(StateFile { path: path.to_owned(), folder, _lock: lock })
    }

    /// Reads the content of the file, or `None` if there is no file.
    ///
    /// # Errors
    ///
    /// [`StateFileError::Read`] when the system cannot read the file.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, StateFileError> {
        match std::fs::read(&self.path) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StateFileError::Read { path: self.path.clone(), source }),
        }
    }

    /// Replaces what it holds. After a crash it holds the one or the other, whole.
    ///
    /// # Errors
    ///
    /// [`StateFileError::Write`]; it may hold either then.
    pub(super) fn write(&self, content: &[u8]) -> Result<(), StateFileError> {
        self.replace(content)
            .map_err(|source| StateFileError::Write { path: self.path.clone(), source })
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        let written = beside(&self.path, ".new");
        let mut new = File::create(&written)?;
        new.write_all(content)?;
        new.sync_all()?;
        std::fs::rename(&written, &self.path)?;
        // The name is durable only with its folder.
        File::open(&self.folder)?.sync_all()
    }
}

/// A file in the same folder, with that at the end of its name.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(end);
    PathBuf::from(beside)
}
