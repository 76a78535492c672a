//! Errors of the file system, as a task takes them.

use std::io;

use miniwire_core::storage::StorageFault;

/// What an error of the file system means to a task.
pub(super) fn fault(error: &io::Error) -> StorageFault {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::NotFound | Kind::NotADirectory | Kind::InvalidFilename | Kind::InvalidInput => StorageFault::NotFound,
        Kind::IsADirectory => StorageFault::NotAFile,
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => StorageFault::Denied,
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => StorageFault::Full,
        _ => StorageFault::Failed,
    }
}
