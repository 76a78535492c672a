//! Who hears of the progress of an upload or a download, and the task that one is under way.

use std::sync::{Arc, Mutex};

use miniwire_core::progress::ProgressUpdate;

use crate::callbacks::caught;
use crate::net::lock;
use crate::started::{AbortHandle, Started};

type Listener = Box<dyn FnMut(ProgressUpdate) + Send>;

/// The listeners of one call, in the order of their registration.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Arc<Mutex<Vec<Listener>>>);

impl Listeners {
    pub(crate) fn add(&self, listener: impl FnMut(ProgressUpdate) + Send + 'static) {
        lock(&self.0).push(Box::new(listener));
    }

    /// Tells all of them; a panic in one stays there. They are not locked meanwhile, so that a listener can register
    /// another.
    pub(crate) fn tell(&self, update: ProgressUpdate) {
        let mut told = std::mem::take(&mut *lock(&self.0));
        for listener in &mut told {
            caught(|| listener(update));
        }
        let mut registered = lock(&self.0);
        told.append(&mut registered);
        *registered = told;
    }
}

/// An upload or a download under way. Dropping it changes nothing about the call.
pub struct FileTask {
    started: Started,
    listeners: Listeners,
}

/// An upload under way.
pub type UploadTask = FileTask;

/// A download under way.
pub type DownloadTask = FileTask;

impl FileTask {
    pub(crate) fn new(started: Started, listeners: Listeners) -> Self {
        Self { started, listeners }
    }

    /// `onProgressUpdate`: one more listener, told of what happens from now on. To miss nothing, register it with the
    /// call before it is started. It is called on the call's thread, so it should be quick.
    pub fn on_progress_update(&self, listener: impl FnMut(ProgressUpdate) + Send + 'static) {
        self.listeners.add(listener);
    }

    /// `abort()`: see [`AbortHandle::abort`].
    pub fn abort(&self) {
        self.started.abort_handle().abort();
    }

    /// A handle that outlives this one.
    pub fn abort_handle(&self) -> AbortHandle {
        self.started.abort_handle().clone()
    }

    /// Waits until the call has ended and its callbacks have returned. In one of these callbacks it does not wait.
    pub fn wait(self) {
        self.started.wait();
    }
}

impl std::fmt::Debug for FileTask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileTask").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_06_every_listener_is_told_and_may_register_another() {
        let (listeners, told) = (Listeners::default(), Arc::new(Mutex::new(Vec::new())));
        let note = |name: &'static str| {
            let told = Arc::clone(&told);
            move |update: ProgressUpdate| lock(&told).push((name, update.progress))
        };
        listeners.add(note("first"));
        listeners.add(|_| panic!("a listener of the test's"));
        let (other, late) = (listeners.clone(), note("late"));
        let mut late = Some(late);
        listeners.add(move |_| {
            if let Some(late) = late.take() {
                other.add(late);
            }
        });
        for progress in [1, 2] {
            listeners.tell(ProgressUpdate { progress, ..ProgressUpdate::default() });
        }
        assert_eq!(*lock(&told), [("first", 1), ("first", 2), ("late", 2)]);
        // One of them holds them all.
        lock(&listeners.0).clear();
    }
}
