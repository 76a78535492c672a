//! Files: what `uploadFile` reads from, and the temporary directory that `downloadFile` writes to.

mod source;
mod store;

use std::io;

use miniwire_core::storage::StorageFault;

pub(crate) use source::FileSource;
pub(crate) use store::{FileStore, TemporaryFiles};

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
