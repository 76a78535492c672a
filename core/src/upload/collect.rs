//! The answer of an upload, taken whole.

use super::{Event, Outcome};
use crate::api::Api;
use crate::call::KeptHead;
use crate::http::framing::Charset;
use crate::progress::ProgressUpdate;
use crate::reason::Reason;
use crate::request::{Failure, Response, answered};
use crate::sink::{Full, Window};
use crate::utf8::Lossy;

/// Gathers the answer into memory of the caller's: its head, and its body as text. Progress goes to `on_progress`.
#[derive(Debug)]
pub struct Collect<'m, P> {
    head: KeptHead<'m>,
    data: Window<'m>,
    is_latin1: bool,
    text: Lossy,
    on_progress: P,
}

impl<'m, P: FnMut(ProgressUpdate)> Collect<'m, P> {
    /// Into this memory; an empty `head` keeps no header fields.
    pub const fn new(head: &'m mut [u8], data: &'m mut [u8], on_progress: P) -> Self {
        let (head, data) = (KeptHead::new(head), Window::new(0, data));
        Self { head, data, is_latin1: false, text: Lossy::new(), on_progress }
    }

    /// The most bytes of a body that fit the memory.
    pub const fn limit(&self) -> u64 {
        self.data.capacity() as u64
    }

    /// Takes an event. Whatever the body is, it becomes text (UP-04): ISO-8859-1 where that was declared, else UTF-8 with
    /// U+FFFD for what is none. So does one with a content coding, which nobody asked for (RFC 9110 section 8.4): the file
    /// has arrived, and `Content-Encoding` among the fields says what the data is.
    ///
    /// # Errors
    /// [`Reason::HeadTooLarge`] or [`Reason::TooLarge`] where the memory is full; the task is then to be
    /// [refused](crate::task::Task::refuse) with that reason.
    pub fn event(&mut self, event: Event<'_>) -> Result<(), Reason> {
        match event {
            Event::Head { head, charset } => {
                self.is_latin1 = charset == Charset::Latin1;
                self.head.keep(head)
            }
            Event::Body(bytes) => self.body(bytes).map_err(|_| Reason::TooLarge),
            Event::Progress(update) => {
                (self.on_progress)(update);
                Ok(())
            }
            Event::Interim(_) => Ok(()),
        }
    }

    /// The task has ended: `success` or `fail`, with the answer as far as it came.
    ///
    /// # Errors
    /// [`Failure`] for `fail`; it has no data.
    pub fn answer(mut self, outcome: Outcome) -> Result<Response<'m>, Failure<'m>> {
        let ended = self.text.finish(&mut self.data).map_err(|_| Reason::TooLarge);
        let result = outcome.result.and(ended);
        let data = core::str::from_utf8(self.data.into_filled()).unwrap_or_default();
        let data = if result.is_ok() { data } else { "" };
        answered(Api::UploadFile, result, Response::with_data(outcome.status, self.head.into_filled(), data))
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Full> {
        if self.is_latin1 {
            crate::utf8::put_latin1(bytes, &mut self.data)
        } else {
            self.text.put(bytes, &mut self.data)
        }
    }
}
