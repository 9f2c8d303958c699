//! Where the raw files of bills are kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use sha2::{Digest, Sha256};
use steelyard_billing::{BillFile, BillKind, hex};
use steelyard_runtime::{Bucket, BucketError};
use thiserror::Error;

/// Where the raw files of bills are kept.
#[derive(Clone, Debug)]
pub enum Archive {
    /// An S3 bucket of the deployment.
    Bucket(Box<Bucket>),
    /// In a folder of this machine.
    Folder(PathBuf),
}

/// Why a file could not be kept or read.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The bucket did not take it, or does not have it.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A file of this machine cannot be written or read.
    #[error("cannot write or read {path}")]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The temporary file cannot be made.
    #[error("cannot make a temporary file")]
    Temporary(#[source] io::Error),
}

impl Archive {
    /// Keeps the bill of a day under a name that its content makes: the same bill is kept once, and
    /// another one of the same day beside it.
    ///
    /// # Errors
    ///
    /// [`ArchiveError`] naming the file.
    pub async fn keep(
        &self,
        kind: BillKind,
        day: Date,
        zip: &Path,
    ) -> Result<BillFile, ArchiveError> {
        let sha256 = sha256_of(zip).map_err(|source| failed(zip, source))?;
        let kind = kind.as_str();
        let key = format!("bills/{day}/{kind}-{sha256}.zip");
        match self {
            Archive::Bucket(bucket) => bucket.put(&key, zip).await?,
            Archive::Folder(folder) => {
                let path = folder.join(&key);
                copy(zip, &path).map_err(|source| failed(&path, source))?;
            }
        }
        Ok(BillFile { kind: kind.to_owned(), key, sha256 })
    }

    /// Opens a bill that is kept. From a bucket it is copied to a temporary file first.
    ///
    /// # Errors
    ///
    /// [`ArchiveError`] naming the file.
    pub async fn open(&self, bill: &BillFile) -> Result<File, ArchiveError> {
        match self {
            Archive::Bucket(bucket) => {
                let mut file = tempfile::tempfile().map_err(ArchiveError::Temporary)?;
                bucket.get(&bill.key, &mut file).await?;
                Ok(file)
            }
            Archive::Folder(folder) => {
                let path = folder.join(&bill.key);
                File::open(&path).map_err(|source| failed(&path, source))
            }
        }
    }
}

fn failed(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::File { path: path.to_owned(), source }
}

/// The SHA-256 of a file, in hexadecimal digits.
fn sha256_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hash.finalize(), 32));
        }
        hash.update(&buffer[..read]);
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, to).map(drop)
}
