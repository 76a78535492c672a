//! One call of `my.downloadFile`: its options, and the two ways to make it.

use std::fmt;
use std::path::{Path, PathBuf};

use miniwire_core::download::{Download, DownloadTask as Task, Event, Saving};
use miniwire_core::drive::{Transport, blocking};
use miniwire_core::policy::Api;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::Reason;

use super::progress::{DownloadTask, Listeners};
use super::store::FileStore;
use crate::answer::{Failure, Response};
use crate::callbacks::callback_methods;
use crate::client::Client;
use crate::session::Session;
use crate::started::{Draft, Work, borrowed};

/// A call of `my.downloadFile` that is being put together.
///
/// ```no_run
/// use miniwire_std::Client;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("2021000000000001", "1.0.0").build()?;
///
/// // Blocking:
/// let downloaded = client.download_file("https://example.com/manual.pdf").send()?;
/// client.save_file(downloaded.ap_file_path(), "manual.pdf")?;
///
/// // As the reference has it:
/// let task = client
///     .download_file("https://example.com/manual.pdf")
///     .on_progress_update(|update| println!("{}%", update.progress))
///     .success(|downloaded| println!("{}", downloaded.ap_file_path().display()))
///     .fail(|failure| eprintln!("{}: {failure}", failure.code()))
///     .start();
/// task.wait();
/// # Ok(()) }
/// ```
#[must_use = "a call is made by `send` or `start`"]
pub struct DownloadCall {
    draft: Draft<Options>,
}

struct Options {
    url: String,
    header: Vec<(String, String)>,
    listeners: Listeners,
}

impl DownloadCall {
    pub(crate) fn new(client: Client, url: String) -> Self {
        let options = Options { url, header: Vec::new(), listeners: Listeners::default() };
        Self { draft: Draft::new(client, options) }
    }

    /// A header field. A later one of the same name replaces it. See
    /// [`Request::headers`](miniwire_core::request::Request::headers) for the names that are the library's own.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.draft.work.header.push((name.into(), value.into()));
        self
    }

    /// `onProgressUpdate`: one more listener, called after each block that came, on the thread that reads (DOWN-05). A
    /// panic in it is caught.
    pub fn on_progress_update(self, listener: impl FnMut(ProgressUpdate) + Send + 'static) -> Self {
        self.draft.work.listeners.add(listener);
        self
    }

    callback_methods!(
        /// Called with the file of a call that was [started](Self::start).
        Downloaded
    );

    /// Makes the call and waits for the file, as long as something comes of it within
    /// [`download_idle_timeout`](crate::ClientBuilder::download_idle_timeout) (DOWN-04). Listeners are told of its
    /// progress; other callbacks are not called.
    ///
    /// # Errors
    /// [`Failure`] is `fail`: 12, 13 or 20; a status other than 2xx is 12. Nothing of the file stays.
    pub fn send(self) -> Result<Downloaded, Failure> {
        self.draft.send()
    }

    /// Makes the call on a thread of its own and returns at once; see [`Call::start`](crate::Call::start).
    pub fn start(self) -> DownloadTask {
        let listeners = self.draft.work.listeners.clone();
        DownloadTask::new(self.draft.start(), listeners)
    }
}

impl fmt::Debug for DownloadCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadCall").field("url", &self.draft.work.url).finish_non_exhaustive()
    }
}

/// What a download brought.
#[derive(Clone, Debug)]
pub struct Downloaded {
    ap_file_path: PathBuf,
    length: u64,
    response: Response,
}

impl Downloaded {
    /// `apFilePath`: the complete file, in the temporary directory of the context. It goes when the last clone of the
    /// [`Client`] is dropped, unless [`Client::save_file`] keeps it.
    pub fn ap_file_path(&self) -> &Path {
        &self.ap_file_path
    }

    /// Bytes of the file.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The answer that brought it: status and header fields, without data.
    pub fn response(&self) -> &Response {
        &self.response
    }
}

impl Work for Options {
    type Answer = Downloaded;
    const API: Api = Api::DownloadFile;
    const THREAD: &'static str = "miniwire-download";
    const PANICKED: Reason = Reason::StoreFailed;

    fn run(&self, client: &Client, session: Result<Session, Reason>) -> Result<Downloaded, Failure> {
        let mut response = Response::new();
        match self.download(client, session, &mut response) {
            Ok((ap_file_path, length)) => Ok(Downloaded { ap_file_path, length, response }),
            Err(reason) => Err(Failure::new(Self::API, reason, Some(response))),
        }
    }
}

impl Options {
    /// The path of the file, and its length.
    fn download(
        &self,
        client: &Client,
        session: Result<Session, Reason>,
        response: &mut Response,
    ) -> Result<(PathBuf, u64), Reason> {
        let mut session = session?;
        let mut ride = client.ride(&mut session)?;
        let header = borrowed(&self.header);
        let download = Download::new(&self.url).header(&header);
        let now = ride.net.now();
        let task = Task::new(&ride.context, &download, ride.redirect, now);

        let mut store = FileStore::new(client.temporary_files());
        let mut saving = Saving::new(&mut store);
        let mut outcome = blocking::run(&mut ride.net, task, ride.receive, ride.transmit, |event| {
            match event {
                Event::Head { head, .. } => response.head.extend_from_slice(head.raw()),
                Event::Progress(update) => self.listeners.tell(update),
                _ => {}
            }
            saving.event(event)
        });
        saving.finish(&mut outcome);
        response.status = outcome.status.unwrap_or(0);
        response.redirects = outcome.redirects;
        response.timings = ride.timings();
        outcome.result?;
        // A committed file has a path.
        store.into_path().map(|path| (path, outcome.received)).ok_or(Reason::StoreFailed)
    }
}
