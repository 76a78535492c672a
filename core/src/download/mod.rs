//! `my.downloadFile`: a file from a server into a store, in bounded memory (DOWN-01 to DOWN-05).
//!
//! The task knows nothing of files: it hands out bytes, and at the end it says what they look like. [`Saving`] brings
//! them into a [`Store`](crate::storage::Store). A whole life, without a network:
//!
//! ```
//! use miniwire_core::context::Context;
//! use miniwire_core::download::{Download, DownloadTask, Saving};
//! use miniwire_core::policy::Policy;
//! use miniwire_core::storage::Memory;
//! use miniwire_core::task::{Action, Poll, Task};
//! use miniwire_core::time::Instant;
//!
//! let context = Context::new("2021000000000001", "1.0.0", Policy::default()).unwrap();
//! let download = Download::new("https://example.com/manual");
//! let (now, mut redirects, mut tx, mut memory) = (Instant::from_millis(0), [0; 256], [0; 256], [0; 64]);
//! let mut store = Memory::new(&mut memory);
//! let mut saving = Saving::new(&mut store);
//! let mut task = DownloadTask::new(&context, &download, &mut redirects, now);
//!
//! let mut rx = &b""[..];
//! let mut outcome = loop {
//!     let Poll { consumed, action } = task.poll(now, rx, &mut tx);
//!     match action {
//!         Action::Connect { .. } => task.connected(false).unwrap(),
//!         Action::Secure => task.secured().unwrap(),
//!         Action::Read => rx = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%PDF-1.7",
//!         Action::Event(event) => {
//!             if let Err(reason) = saving.event(event) {
//!                 task.refuse(reason);
//!             }
//!         }
//!         Action::Done(outcome) => break outcome,
//!         _ => {}
//!     }
//!     rx = &rx[consumed..];
//! };
//! saving.finish(&mut outcome);
//! assert_eq!(outcome.result, Ok(()));
//! assert_eq!(outcome.extension.as_ref().map(|extension| extension.as_str()), Some("pdf"));
//! assert_eq!(store.file(), Some(&b"%PDF-1.7"[..]));
//! ```

mod collect;
mod saving;

use crate::api::Api;
use crate::call::{Call, CallTask, Content, Ended, Headers, Heard, Heed, Idle, Input, Kind, Outgoing, Progress};
use crate::context::Context;
use crate::http::head::Head;
use crate::media::{self, SNIFFED};
use crate::progress::{Meter, ProgressUpdate};
use crate::reason::Reason;
use crate::request::Method;
use crate::scan::rsplit;
use crate::sink::{Sink, Window};
use crate::time::Instant;
use crate::url::split_before;
pub use collect::{Collect, Downloaded};
pub use saving::{Saving, store_reason};

/// The input of `my.downloadFile`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Download<'r> {
    /// The file's URL: `https://`, and `http://` where the policy permits it.
    pub url: &'r str,
    /// Header fields, as [`Request::headers`](crate::request::Request::headers).
    pub header: &'r [(&'r str, &'r str)],
}

impl<'r> Download<'r> {
    /// A download without header fields.
    pub const fn new(url: &'r str) -> Self {
        Self { url, header: &[] }
    }

    /// With these header fields.
    pub const fn header(mut self, header: &'r [(&'r str, &'r str)]) -> Self {
        self.header = header;
        self
    }
}

impl Input for Download<'_> {
    fn outgoing(&self) -> Outgoing<'_> {
        Outgoing {
            api: Api::DownloadFile,
            url: self.url,
            method: Method::Get,
            headers: Headers(self.header),
            content: Content::None,
            follow: true,
        }
    }
}

/// One call of `my.downloadFile`. A [`Task`](crate::task::Task).
pub type DownloadTask<'r> = CallTask<'r, Downloading>;

/// What a download brings. Borrows from the received bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'i> {
    /// An interim response (1xx); it can be ignored.
    Interim(Head<'i>),
    /// A redirect that is being followed.
    Redirect(Head<'i>),
    /// The head of the answer. Comes once, before the body; also before a failure that its status is.
    Head {
        /// Status and fields.
        head: Head<'i>,
        /// How long the body is said to be.
        length: Option<u64>,
        /// The body is the file. Else none of it is shown, and the call fails.
        is_file: bool,
    },
    /// Bytes of the file.
    Body(&'i [u8]),
    /// `onProgressUpdate`.
    Progress(ProgressUpdate),
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// `Ok` is success; see [`Reason::code`] for the code of a failure.
    pub result: Result<(), Reason>,
    /// The status of the last response whose head arrived.
    pub status: Option<u16>,
    /// Bytes of the file.
    pub received: u64,
    /// Redirects followed.
    pub redirects: u8,
    /// What the file's name should end in: by its content, else by its URL (DOWN-01).
    pub extension: Option<Extension>,
}

/// The extension of a file's name: letters and digits, at most eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    bytes: [u8; 8],
    length: usize,
}

impl Extension {
    /// `None` where it is not an extension that may stand in a file's name.
    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        let mut window = Window::new(0, &mut bytes);
        let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !good || window.put(text.as_bytes()).is_err() {
            return None;
        }
        Some(Self { bytes, length: text.len() })
    }

    /// Of the last segment of a URL's path.
    fn of_path(path_and_query: &str) -> Option<Self> {
        let (path, _) = split_before(path_and_query, b"?#");
        let (_, segment) = rsplit(path, b'/')?;
        let (stem, extension) = rsplit(segment, b'.')?;
        if stem.is_empty() { None } else { Self::new(extension) }
    }

    /// Without a dot.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// What the answer of a download means, and how far it is.
#[derive(Debug)]
pub struct Downloading {
    idle: Idle,
    meter: Meter,
    limit: u64,
    received: u64,
    start: [u8; SNIFFED],
    of_url: Option<Extension>,
}

impl<'r> DownloadTask<'r> {
    /// Starts a download. `memory` is for the URLs of redirects, as in
    /// [`RequestTask::new`](crate::request::RequestTask::new).
    ///
    /// A call that the context refuses ends at the first `poll`. One that brings no byte for
    /// [`Limits::download_idle`](crate::context::Limits::download_idle) fails (DOWN-04); there is no limit to the whole.
    pub fn new(context: &'r Context<'r>, download: &'r Download<'r>, memory: &'r mut [u8], now: Instant) -> Self {
        let limits = context.limits();
        Self {
            call: Call::new(context, download, memory, now.after(limits.download_idle.into())),
            kind: Downloading {
                idle: Idle::new(limits.download_idle),
                meter: Meter::default(),
                limit: limits.file,
                received: 0,
                start: [0; SNIFFED],
                of_url: None,
            },
        }
    }
}

impl Downloading {
    fn body(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        if self.received < SNIFFED as u64 {
            let at = usize::try_from(self.received).unwrap_or(SNIFFED);
            let mut window = Window::new(0, self.start.get_mut(at..).unwrap_or_default());
            // The rest is not looked at.
            let _ = window.put(bytes);
        }
        self.received = self.received.saturating_add(bytes.len() as u64);
        if self.received > self.limit { Err(Reason::FileTooLarge) } else { Ok(()) }
    }

    fn extension(&self) -> Option<Extension> {
        let start = usize::try_from(self.received).unwrap_or(SNIFFED).min(SNIFFED);
        let of_content = media::extension_of_content(self.start.get(..start).unwrap_or_default());
        of_content.and_then(Extension::new).or(self.of_url)
    }
}

impl Kind for Downloading {
    type Event<'i> = Event<'i>;
    type Outcome = Outcome;

    fn hear<'i>(&mut self, heard: Heard<'i>, heed: Heed<'_>) -> Result<(Event<'i>, Option<Reason>), Reason> {
        let event = match heard {
            Heard::Interim(head) => Event::Interim(head),
            Heard::Redirect(head) => Event::Redirect(head),
            Heard::Head(head) => {
                let facts = heed.facts();
                let length = facts.length(head.status());
                self.meter.expect(length.unwrap_or(0));
                self.of_url = heed.url().and_then(|url| Extension::of_path(url.path_and_query_raw()));
                let doom = match head.status() {
                    407 if heed.by_proxy() => Some(Reason::ProxyRefused),
                    200..=299 if facts.is_encoded() => Some(Reason::UnsupportedEncoding),
                    200..=299 if length.is_some_and(|length| length > self.limit) => Some(Reason::FileTooLarge),
                    200..=299 => None,
                    429 => Some(Reason::RateLimited),
                    _ => Some(Reason::HttpStatus),
                };
                return Ok((Event::Head { head, length, is_file: doom.is_none() }, doom));
            }
            Heard::Body(bytes) => {
                self.body(bytes)?;
                Event::Body(bytes)
            }
        };
        Ok((event, None))
    }

    fn complete(&mut self) -> Result<(), Reason> {
        Ok(())
    }

    fn news<'i>(&mut self, progress: Progress) -> Option<Event<'i>> {
        self.meter.news(self.received, progress.result).map(Event::Progress)
    }

    fn idle(&mut self) -> Option<&mut Idle> {
        Some(&mut self.idle)
    }

    fn outcome(&self, ended: Ended) -> Outcome {
        let Ended { result, status, redirects } = ended;
        Outcome { result, status, received: self.received, redirects, extension: self.extension() }
    }
}

#[cfg(test)]
mod tests;
