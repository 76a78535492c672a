//! Brings a file's bytes into an upload.

use crate::reason::Reason;
use crate::storage::{Source, StorageFault};

/// Fills a task's transmit buffer from a [`Source`].
#[derive(Debug)]
pub struct Feed<'s, S> {
    source: &'s mut S,
    length: u64,
}

impl<'s, S: Source> Feed<'s, S> {
    /// From this source, which is asked for its length.
    pub fn new(source: &'s mut S) -> Self {
        let length = source.len();
        Self { source, length }
    }

    /// Carries out [`Action::Fill`](crate::task::Action::Fill).
    ///
    /// # Errors
    /// The reason why the source cannot be read; the task is then to be refused with it.
    pub fn fill(&mut self, offset: u64, space: &mut [u8]) -> Result<usize, Reason> {
        if offset == 0 {
            self.source.rewind().map_err(source_reason)?;
        }
        let read = self.source.read(space).map_err(source_reason)?;
        let end = offset.saturating_add(read as u64);
        // What the server is to take for the whole file must not be the beginning of a longer one.
        let grew = end >= self.length && self.source.read(&mut [0]).map_err(source_reason)? > 0;
        if read == 0 || grew { Err(Reason::FileChanged) } else { Ok(read) }
    }
}

/// What a fault of a source means to an upload.
pub const fn source_reason(fault: StorageFault) -> Reason {
    match fault {
        StorageFault::NotFound => Reason::FileNotFound,
        StorageFault::NotAFile => Reason::NotAFile,
        StorageFault::Denied => Reason::FileUnreadable,
        StorageFault::Changed => Reason::FileChanged,
        StorageFault::Full | StorageFault::Failed => Reason::FileFailed,
    }
}
