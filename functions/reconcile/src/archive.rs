//! Where the raw files of bills are kept.

use std::path::PathBuf;

use sha2::{Digest, Sha256};
use steelyard_billing::{BillFile, BillKind};
use steelyard_runtime::{Bucket, BucketError};
use thiserror::Error;

/// Where the raw files of bills are kept.
#[derive(Clone, Debug)]
pub enum Archive {
    /// In an S3 bucket.
    Bucket(Box<Bucket>),
    /// In a folder of this machine.
    Folder(PathBuf),
}

/// Why a file could not be kept.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The bucket did not take it.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// The folder did not take it.
    #[error("cannot write {path}")]
    Folder {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
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
        day: jiff::civil::Date,
        zip: &[u8],
    ) -> Result<BillFile, ArchiveError> {
        let sha256: String = Sha256::digest(zip).iter().map(|byte| format!("{byte:02x}")).collect();
        let kind = kind.as_str();
        let key = format!("bills/{day}/{kind}-{sha256}.zip");
        match self {
            Archive::Bucket(bucket) => bucket.put(&key, zip.to_vec()).await?,
            Archive::Folder(folder) => write(&folder.join(&key), zip)?,
        }
        Ok(BillFile { kind: kind.to_owned(), key, sha256 })
    }
}

fn write(path: &std::path::Path, bytes: &[u8]) -> Result<(), ArchiveError> {
    let failed = |source| ArchiveError::Folder { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, bytes).map_err(failed)
}
