//! A download taken whole: its bytes into a store, its head into memory.

use super::{Event, Extension, Outcome, Saving};
use crate::api::Api;
use crate::call::KeptHead;
use crate::progress::ProgressUpdate;
use crate::reason::Reason;
use crate::request::{Failure, Response, answered};
use crate::storage::Store;

/// Brings the file into a store and keeps the head of its answer. Progress goes to `on_progress`. Dropped before the
/// end, it leaves nothing of the file.
#[derive(Debug)]
pub struct Collect<'m, 's, S: Store, P> {
    head: KeptHead<'m>,
    saving: Saving<'s, S>,
    on_progress: P,
}

impl<'m, 's, S: Store, P: FnMut(ProgressUpdate)> Collect<'m, 's, S, P> {
    /// Into this store and this memory; an empty `head` keeps no header fields.
    pub const fn new(store: &'s mut S, head: &'m mut [u8], on_progress: P) -> Self {
        Self { head: KeptHead::new(head), saving: Saving::new(store), on_progress }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// [`Reason::HeadTooLarge`], or why the store does not take the file; the task is then to be
    /// [refused](crate::task::Task::refuse) with that reason.
    pub fn event(&mut self, event: Event<'_>) -> Result<(), Reason> {
        match event {
            Event::Head { head, .. } => self.head.keep(head)?,
            Event::Progress(update) => (self.on_progress)(update),
            Event::Interim(_) | Event::Redirect(_) | Event::Body(_) => {}
        }
        self.saving.event(event)
    }

    /// The task has ended: `success`, and the file is committed, or `fail`, and nothing of it stays.
    ///
    /// # Errors
    /// [`Failure`] for `fail`; its response has no data.
    pub fn answer(self, mut outcome: Outcome) -> Result<Downloaded<'m>, Failure<'m>> {
        self.saving.finish(&mut outcome);
        let Outcome { result, status, received, redirects, extension } = outcome;
        let response = Response::with_data(status, self.head.into_filled(), "");
        let response = answered(Api::DownloadFile, result, response)?;
        Ok(Downloaded { response, received, redirects, extension })
    }
}

/// `success` of a download. Where the file is, the store knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded<'m> {
    /// The answer that brought the file: status and header fields, without data.
    pub response: Response<'m>,
    /// Bytes of the file.
    pub received: u64,
    /// Redirects followed.
    pub redirects: u8,
    /// What the file's name should end in.
    pub extension: Option<Extension>,
}
