//! The caller's content, as a loop hands it to a task.

use crate::reason::Reason;
use crate::task::Task;

/// So much was read of it: no byte means that it has become shorter than it was.
pub(super) fn filled<K: Task>(task: &mut K, read: Result<usize, Reason>) {
    match read {
        Ok(0) => task.refuse(Reason::FileChanged),
        Ok(bytes) => task.filled(bytes),
        Err(reason) => task.refuse(reason),
    }
}

/// Of a task that asks for none.
pub(super) fn no_content(_: u64, _: &mut [u8]) -> Result<usize, Reason> {
    Err(Reason::FileFailed)
}
