//! The head of an answer, kept for its header fields.

use crate::http::head::Head;
use crate::reason::Reason;
use crate::sink::{Sink, Window};

/// In memory of the caller's; without any, nothing is kept.
#[derive(Debug)]
pub(crate) struct KeptHead<'m>(Window<'m>);

impl<'m> KeptHead<'m> {
    pub(crate) const fn new(memory: &'m mut [u8]) -> Self {
        Self(Window::new(0, memory))
    }

    pub(crate) fn keep(&mut self, head: Head<'_>) -> Result<(), Reason> {
        if self.0.capacity() == 0 {
            return Ok(());
        }
        self.0.put(head.raw()).map_err(|_| Reason::HeadTooLarge)
    }

    pub(crate) fn into_filled(self) -> &'m [u8] {
        self.0.into_filled()
    }
}
