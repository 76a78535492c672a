//! `my.uploadFile`: one file and a form to a server, of any length in a fixed few kilobytes (UP-01 to UP-07).
//!
//! A whole life, without a network:
//!
//! ```
//! use miniwire_core::context::Context;
//! use miniwire_core::media::FileType;
//! use miniwire_core::multipart::Boundary;
//! use miniwire_core::policy::{Policy, Whitelist};
//! use miniwire_core::task::{Action, Poll, Task};
//! use miniwire_core::time::Instant;
//! use miniwire_core::upload::{Event, Upload, UploadTask};
//!
//! let whitelist = Whitelist::new(&["example.com"]).unwrap();
//! let context = Context::new("2021000000000001", "1.0.0", Policy::release(whitelist)).unwrap();
//! let (file, now, mut tx) = (b"not really a picture", Instant::from_millis(0), [0; 256]);
//! let boundary = Boundary::new([7; 16]); // 16 random bytes
//! let upload = Upload::new("https://example.com/photos", FileType::Image, "photo", boundary)
//!     .file("cat.png", file.len() as u64);
//! let mut task = UploadTask::new(&context, &upload, now);
//!
//! let mut rx = &b""[..];
//! let outcome = loop {
//!     let Poll { consumed, action } = task.poll(now, rx, &mut tx);
//!     rx = &rx[consumed..];
//!     match action {
//!         Action::Connect { .. } => task.connected(false).unwrap(),
//!         Action::Secure => task.secured().unwrap(),
//!         // The file's bytes go where the task wants them.
//!         Action::Fill { at, end, offset } => {
//!             let rest = &file[offset as usize..];
//!             let bytes = rest.len().min(end - at);
//!             tx[at..at + bytes].copy_from_slice(&rest[..bytes]);
//!             task.filled(bytes);
//!         }
//!         Action::Transmit { length, .. } => print!("{}", str::from_utf8(&tx[..length]).unwrap()),
//!         Action::Read => rx = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
//!         Action::Event(Event::Progress(update)) => println!("{}%", update.progress),
//!         Action::Event(_) | Action::Continue | Action::Release { .. } => {}
//!         Action::Done(outcome) => break outcome,
//!     }
//! };
//! assert_eq!((outcome.result, outcome.status), (Ok(()), Some(201)));
//! ```

mod collect;
mod feed;

use crate::api::Api;
use crate::call::{Call, CallTask, Content, Ended, Envelope, Headers, Heard, Heed, Input, Kind, Outgoing, Progress};
use crate::context::Context;
use crate::http::framing::Charset;
use crate::http::head::Head;
use crate::media::FileType;
use crate::multipart::{Boundary, Form};
use crate::progress::{Meter, ProgressUpdate};
use crate::reason::Reason;
use crate::request::Method;
use crate::sink::{Full, Sink};
use crate::time::Instant;
pub use collect::Collect;
pub use feed::{Feed, source_reason};

/// The input of `my.uploadFile` (UP-01).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Upload<'r> {
    /// The server's URL: `https://`, and `http://` where the policy permits it.
    pub url: &'r str,
    /// What kind of file it is.
    pub file_type: FileType,
    /// `fileName`: the key of the file in the form. Empty is [`Reason::IllegalOption`] (code 11).
    pub file_name: &'r str,
    /// The name that the server is told of the file: the last part of `filePath`.
    pub base_name: &'r str,
    /// The length of the file in bytes, known before the upload begins (UP-03). Beyond
    /// [`Limits::file`](crate::context::Limits::file) it is [`Reason::FileTooLarge`] (code 12).
    pub length: u64,
    /// What separates the parts of the form, made from random bytes of the caller's.
    pub boundary: Boundary,
    /// Header fields, as [`Request::headers`](crate::request::Request::headers). `Content-Type` is the library's own.
    pub header: &'r [(&'r str, &'r str)],
    /// `formData`: further fields of the form, before the file.
    pub form_data: &'r [(&'r str, &'r str)],
}

impl<'r> Upload<'r> {
    /// An upload of an empty file without a name, without header fields and form data.
    pub const fn new(url: &'r str, file_type: FileType, file_name: &'r str, boundary: Boundary) -> Self {
        Self { url, file_type, file_name, base_name: "", length: 0, boundary, header: &[], form_data: &[] }
    }

    /// Of a file of this name and length.
    pub const fn file(mut self, base_name: &'r str, length: u64) -> Self {
        self.base_name = base_name;
        self.length = length;
        self
    }

    /// The same upload of a file of this length.
    pub(crate) const fn of_length(self, length: u64) -> Self {
        Self { length, ..self }
    }

    /// With these header fields.
    pub const fn header(mut self, header: &'r [(&'r str, &'r str)]) -> Self {
        self.header = header;
        self
    }

    /// With these fields of the form.
    pub const fn form_data(mut self, form_data: &'r [(&'r str, &'r str)]) -> Self {
        self.form_data = form_data;
        self
    }
}

impl Upload<'_> {
    fn form(&self) -> Form<'_> {
        Form {
            fields: self.form_data,
            name: self.file_name,
            file_name: self.base_name,
            content_type: self.file_type.media_type(self.base_name),
            boundary: self.boundary,
        }
    }
}

impl Envelope for Upload<'_> {
    fn write_content_type(&self, out: &mut dyn Sink) -> Result<(), Full> {
        out.put(b"multipart/form-data; boundary=")?;
        self.boundary.write(out)
    }

    fn write_before(&self, out: &mut dyn Sink) -> Result<(), Full> {
        self.form().write_before(out)
    }

    fn write_after(&self, out: &mut dyn Sink) -> Result<(), Full> {
        self.form().write_after(out)
    }

    fn len(&self, file: u64) -> Option<u64> {
        self.form().len(file)
    }
}

impl Input for Upload<'_> {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            api: Api::UploadFile,
            url: self.url,
            method: Method::Post,
            headers: Headers(self.header),
            content: Content::File(self, self.length),
            // Any status is the answer.
            follow: false,
        }
    }
}

/// One call of `my.uploadFile`. A [`Task`](crate::task::Task).
pub type UploadTask<'r> = CallTask<'r, Uploading>;

/// What an upload brings. Borrows from the received bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'i> {
    /// An interim response (1xx); it can be ignored.
    Interim(Head<'i>),
    /// `onProgressUpdate`.
    Progress(ProgressUpdate),
    /// The head of the answer. Comes once, before the body.
    Head {
        /// Status and fields.
        head: Head<'i>,
        /// The declared charset of the body.
        charset: Charset,
    },
    /// Bytes of the body, transfer coding removed.
    Body(&'i [u8]),
}

/// How an upload ended. Any status is a success (UP-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// `Ok` is success; see [`Reason::code`] for the code of a failure.
    pub result: Result<(), Reason>,
    /// The status of the answer, once its head has arrived.
    pub status: Option<u16>,
}

/// What the answer of an upload means, and how far the upload is.
#[derive(Debug)]
pub struct Uploading {
    meter: Meter,
    limit: u64,
    received: u64,
}

impl<'r> UploadTask<'r> {
    /// Starts an upload. A call that the context refuses ends at the first `poll`; any ends
    /// [`Limits::upload_timeout`](crate::context::Limits::upload_timeout) from `now` at the latest (UP-05).
    pub fn new(context: &'r Context<'r>, upload: &'r Upload<'r>, now: Instant) -> Self {
        let limits = context.limits();
        let deadline = now.after(limits.upload_timeout.into());
        let mut meter = Meter::default();
        meter.expect(upload.length);
        let mut call = Call::new(context, upload, &mut [], deadline);
        if upload.length > limits.file {
            call.refuse(Reason::FileTooLarge);
        }
        if upload.file_name.is_empty() {
            call.refuse(Reason::IllegalOption);
        }
        Self { call, kind: Uploading { meter, limit: limits.body, received: 0 } }
    }

    /// No more than so many bytes of the answer's body are taken; a longer one is [`Reason::TooLarge`] (code 12).
    pub const fn with_limit(mut self, bytes: u64) -> Self {
        if bytes < self.kind.limit {
            self.kind.limit = bytes;
        }
        self
    }
}

impl Kind for Uploading {
    type Event<'i> = Event<'i>;
    type Outcome = Outcome;

    const FOLLOWS: bool = false;

    fn hear<'i>(&mut self, heard: Heard<'i>, heed: Heed<'_>) -> Result<(Event<'i>, Option<Reason>), Reason> {
        let event = match heard {
            // Redirects are not followed.
            Heard::Interim(head) | Heard::Redirect(head) => Event::Interim(head),
            Heard::Head(head) => {
                let facts = heed.facts();
                let doom = match head.status() {
                    407 if heed.by_proxy() => Some(Reason::ProxyRefused),
                    status if facts.length(status).is_some_and(|length| length > self.limit) => Some(Reason::TooLarge),
                    _ => None,
                };
                return Ok((Event::Head { head, charset: facts.charset() }, doom));
            }
            Heard::Body(bytes) => {
                self.received = self.received.saturating_add(bytes.len() as u64);
                if self.received > self.limit {
                    return Err(Reason::TooLarge);
                }
                Event::Body(bytes)
            }
        };
        Ok((event, None))
    }

    fn complete(&mut self) -> Result<(), Reason> {
        Ok(())
    }

    fn news<'i>(&mut self, progress: Progress) -> Option<Event<'i>> {
        self.meter.news(progress.written, progress.result).map(Event::Progress)
    }

    fn outcome(&self, ended: Ended) -> Outcome {
        Outcome { result: ended.result, status: ended.status }
    }
}

#[cfg(test)]
mod tests;
