//! Brings a download's bytes into a store.

use super::{Event, Outcome};
use crate::reason::Reason;
use crate::storage::{StorageFault, Store};

/// One download on its way into a [`Store`]. Dropped before its end, it discards what it has written.
#[derive(Debug)]
pub struct Saving<'s, S: Store> {
    store: &'s mut S,
    open: bool,
}

impl<'s, S: Store> Saving<'s, S> {
    /// Into this store.
    pub const fn new(store: &'s mut S) -> Self {
        Self { store, open: false }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// The reason why the store does not take the file; the task is then to be refused with it.
    pub fn event(&mut self, event: Event<'_>) -> Result<(), Reason> {
        match event {
            Event::Head { length, is_file: true, .. } => {
                self.store.create(length).map_err(store_reason)?;
                self.open = true;
                Ok(())
            }
            Event::Body(bytes) => self.store.write(bytes).map_err(store_reason),
            _ => Ok(()),
        }
    }

    /// The task has ended: the file is committed, or nothing of it stays. A commit that fails spoils the outcome.
    pub fn finish(mut self, outcome: &mut Outcome) {
        if outcome.result.is_ok() && self.open {
            self.open = false;
            let extension = outcome.extension;
            let committed = self.store.commit(extension.as_ref().map(|extension| extension.as_str()));
            outcome.result = committed.map_err(store_reason);
        }
    }
}

impl<S: Store> Drop for Saving<'_, S> {
    fn drop(&mut self) {
        if self.open {
            self.store.discard();
        }
    }
}

/// What a fault of a store means to a download.
pub const fn store_reason(fault: StorageFault) -> Reason {
    match fault {
        StorageFault::Full => Reason::StoreFull,
        StorageFault::Denied => Reason::StoreDenied,
        StorageFault::NotFound | StorageFault::NotAFile | StorageFault::Changed | StorageFault::Failed => {
            Reason::StoreFailed
        }
    }
}
