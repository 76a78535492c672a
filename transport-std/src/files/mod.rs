//! Files: `my.uploadFile` and what it reads from, `my.downloadFile` and the temporary directory that it writes to.

mod download;
mod progress;
mod source;
mod store;
mod upload;

use std::io;

use miniwire_core::storage::StorageFault;

pub use download::{DownloadCall, Downloaded};
pub use progress::{DownloadTask, FileTask, UploadTask};
use source::FileSource;
use store::FileStore;
pub(crate) use store::TemporaryFiles;
pub use upload::UploadCall;

/// What an error of the file system means to a task.
fn fault(error: &io::Error) -> StorageFault {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotADirectory | Kind::InvalidFilename | Kind::InvalidInput => StorageFault::NotFound,
        Kind::IsADirectory => StorageFault::NotAFile,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => StorageFault::Denied,
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => StorageFault::Full,
        _ => StorageFault::Failed,
    }
}
