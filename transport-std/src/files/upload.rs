//! One call of `my.uploadFile`: its options, and the two ways to make it.

use std::fmt;
use std::path::PathBuf;

use miniwire_core::drive::{Transport, blocking};
use miniwire_core::http::framing::Charset;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::Api;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::Reason;
use miniwire_core::storage::Source;
use miniwire_core::upload::{Event, Feed, Upload, UploadTask as Task, source_reason};

use super::progress::{Listeners, UploadTask};
use super::source::FileSource;
use crate::answer::{Failure, Response};
use crate::callbacks::callback_methods;
use crate::client::Client;
use crate::session::Session;
use crate::started::{Draft, Work, borrowed};

/// A call of `my.uploadFile` that is being put together.
///
/// ```no_run
/// use miniwire_std::{Client, FileType};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("2021000000000001", "1.0.0").allow("example.com").build()?;
///
/// // Blocking:
/// let response = client.upload_file("https://example.com/photos", "cat.png", "photo", FileType::Image).send()?;
/// println!("{} {}", response.status(), response.data());
///
/// // As the reference has it:
/// let task = client
///     .upload_file("https://example.com/photos", "cat.png", "photo", FileType::Image)
///     .form_data("album", "cats")
///     .success(|response| println!("{} {}", response.status(), response.data()))
///     .fail(|failure| eprintln!("{}: {failure}", failure.code()))
///     .start();
/// task.on_progress_update(|update| println!("{}%", update.progress));
/// task.wait();
/// # Ok(()) }
/// ```
#[must_use = "a call is made by `send` or `start`"]
pub struct UploadCall {
    draft: Draft<Options>,
}

struct Options {
    url: String,
    path: PathBuf,
    name: String,
    file_type: FileType,
    header: Vec<(String, String)>,
    form_data: Vec<(String, String)>,
    listeners: Listeners,
}

impl UploadCall {
    pub(crate) fn new(client: Client, url: String, path: PathBuf, name: String, file_type: FileType) -> Self {
        let (header, form_data, listeners) = Default::default();
        let options = Options { url, path, name, file_type, header, form_data, listeners };
        Self { draft: Draft::new(client, options) }
    }

    /// A header field. A later one of the same name replaces it. `Content-Type` and what
    /// [`Request::headers`](miniwire_core::request::Request::headers) names are the library's own.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.draft.work.header.push((name.into(), value.into()));
        self
    }

    /// `formData`: one more field of the form. The fields come before the file, in this order.
    pub fn form_data(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.draft.work.form_data.push((name.into(), value.into()));
        self
    }

    /// `onProgressUpdate`: one more listener, called after each block that was written, on the thread that writes
    /// (UP-06). A panic in it is caught.
    pub fn on_progress_update(self, listener: impl FnMut(ProgressUpdate) + Send + 'static) -> Self {
        self.draft.work.listeners.add(listener);
        self
    }

    callback_methods!(
        /// Called with the answer of a call that was [started](Self::start), whatever its status (UP-04).
        Response
    );

    /// Makes the call and waits for the answer, 30 s at most unless
    /// [`upload_timeout`](crate::ClientBuilder::upload_timeout) says otherwise (UP-05). Listeners are told of its progress;
    /// other callbacks are not called. Any status is a success (UP-04).
    ///
    /// # Errors
    /// [`Failure`] is `fail`: 4, 11, 12 or 13.
    pub fn send(self) -> Result<Response, Failure> {
        self.draft.send()
    }

    /// Makes the call on a thread of its own and returns at once; see [`Call::start`](crate::Call::start).
    pub fn start(self) -> UploadTask {
        let listeners = self.draft.work.listeners.clone();
        UploadTask::new(self.draft.start(), listeners)
    }
}

impl fmt::Debug for UploadCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { url, path, name, .. } = &self.draft.work;
        let mut debug = f.debug_struct("UploadCall");
        debug.field("url", url).field("path", path).field("name", name).finish_non_exhaustive()
    }
}

impl Work for Options {
    type Answer = Response;
    const API: Api = Api::UploadFile;
    const THREAD: &'static str = "miniwire-upload";
    const PANICKED: Reason = Reason::FileFailed;

    fn run(&self, client: &Client, session: Result<Session, Reason>) -> Result<Response, Failure> {
        let mut response = Response::new();
        match self.upload(client, session, &mut response) {
            Ok(()) => Ok(response),
            Err(reason) => Err(Failure::new(Self::API, reason, Some(response))),
        }
    }
}

impl Options {
    fn upload(&self, client: &Client, session: Result<Session, Reason>, response: &mut Response) -> Result<(), Reason> {
        let mut session = session?;
        let mut source = FileSource::open(&self.path).map_err(source_reason)?;
        let mut ride = client.ride(&mut session)?;
        let base_name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let (header, form_data) = (borrowed(&self.header), borrowed(&self.form_data));
        let boundary = Boundary::new(ride.net.entropy()?);
        let upload = Upload::new(&self.url, self.file_type, &self.name, boundary)
            .file(&base_name, source.len())
            .header(&header)
            .form_data(&form_data);
        let now = ride.net.now();
        let task = Task::new(&ride.context, &upload, now).with_limit(client.max_body());

        let (mut text, mut declared) = (Vec::new(), Charset::Utf8);
        let mut feed = Feed::new(&mut source);
        let outcome = blocking::run_with_content(
            &mut ride.net,
            task,
            ride.receive,
            ride.transmit,
            |event| {
                match event {
                    Event::Head { head, charset } => {
                        response.head.extend_from_slice(head.raw());
                        declared = charset;
                    }
                    Event::Body(bytes) => text.extend_from_slice(bytes),
                    Event::Progress(update) => self.listeners.tell(update),
                    _ => {}
                }
                Ok(())
            },
            |offset, space| feed.fill(offset, space),
        );
        response.status = outcome.status.unwrap_or(0);
        response.timings = ride.timings();
        if outcome.result.is_ok() {
            response.data = to_text(text, declared);
        }
        outcome.result
    }
}

/// The bytes in the charset that was declared; what is no text in it becomes U+FFFD.
fn to_text(bytes: Vec<u8>, charset: Charset) -> String {
    match charset {
        Charset::Latin1 => bytes.into_iter().map(char::from).collect(),
        _ => String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_04_the_answer_is_text_whatever_it_is() {
        assert_eq!(to_text("\u{4e2d}".into(), Charset::Utf8), "\u{4e2d}");
        assert_eq!(to_text(b"Zo\xeb".into(), Charset::Latin1), "Zo\u{eb}");
        assert_eq!(to_text(b"Zo\xeb".into(), Charset::Utf8), "Zo\u{fffd}");
        assert_eq!(to_text(b"\xff\xfe".into(), Charset::Unsupported), "\u{fffd}\u{fffd}");
    }
}
