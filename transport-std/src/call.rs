//! One call of `my.request`: its options, and the two ways to make it.

use std::fmt;
use std::ops::ControlFlow;

use miniwire_core::data::{Data, Value};
use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Redirect, Request};
use serde::Serialize;

use crate::answer::{Failure, Response};
use crate::callbacks::callback_methods;
use crate::client::Client;
use crate::session::Session;
use crate::started::{AbortHandle, Draft, Started, Work, borrowed};

/// A call of `my.request` that is being put together. Every option has the reference's default.
///
/// ```no_run
/// use miniwire_std::{Client, Method};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("2021000000000001", "1.0.0").allow("example.com").build()?;
///
/// // Blocking:
/// let response = client.request("https://api.example.com/items").method(Method::Post).data([1, 2, 3]).send()?;
/// println!("{} {}", response.status(), response.data());
///
/// // As the reference has it:
/// let task = client
///     .request("https://api.example.com/items")
///     .success(|response| println!("{}", response.data()))
///     .fail(|failure| eprintln!("{}: {failure}", failure.code()))
///     .complete(|| println!("done"))
///     .start();
/// task.abort();
/// # Ok(()) }
/// ```
#[must_use = "a call is made by `send`, `send_streamed` or `start`"]
pub struct Call {
    draft: Draft<Options>,
}

struct Options {
    url: String,
    method: Method,
    headers: Vec<(String, String)>,
    data: OwnedData,
    timeout: u32,
    data_type: DataType,
    redirect: Redirect,
}

/// What goes with a call.
pub(crate) enum OwnedData {
    None,
    Text(String),
    Bytes(Vec<u8>),
    Value(Box<dyn Value + Send>),
}

impl OwnedData {
    /// As the core takes it.
    pub(crate) fn as_data(&self) -> Data<'_> {
        match self {
            Self::None => Data::None,
            Self::Text(text) => Data::Text(text),
            Self::Bytes(bytes) => Data::Bytes(bytes),
            Self::Value(value) => Data::Value(&**value),
        }
    }
}

impl Client {
    /// `my.request`: a call to this URL, to be configured, then sent or started.
    pub fn request(&self, url: impl Into<String>) -> Call {
        Call::new(self.clone(), url.into())
    }
}

impl Call {
    pub(crate) fn new(client: Client, url: String) -> Self {
        let options = Options {
            url,
            method: Method::Get,
            headers: Vec::new(),
            data: OwnedData::None,
            timeout: 0,
            data_type: DataType::Json,
            redirect: Redirect::Follow,
        };
        Self { draft: Draft::new(client, options) }
    }

    /// The method; GET by default (REQ-01).
    pub fn method(mut self, method: Method) -> Self {
        self.draft.work.method = method;
        self
    }

    /// A header field. A later one of the same name replaces it. See [`Request::headers`] for the names that are the
    /// library's own. An illegal byte is [`Reason::IllegalHeader`] (code 2) when the call is made.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.draft.work.headers.push((name.into(), value.into()));
        self
    }

    /// Sends this value, converted by the method and the content type (REQ-06 to REQ-09).
    pub fn data(mut self, value: impl Serialize + Send + 'static) -> Self {
        self.draft.work.data = OwnedData::Value(Box::new(value));
        self
    }

    /// Sends this string unchanged: in the query on GET, else as the body. On GET, or as a form, a `%` in it must be an
    /// escape, else it is code 15.
    pub fn data_text(mut self, text: impl Into<String>) -> Self {
        self.draft.work.data = OwnedData::Text(text.into());
        self
    }

    /// Sends these bytes unchanged as the body. On GET that is code 2.
    pub fn data_bytes(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.draft.work.data = OwnedData::Bytes(bytes.into());
        self
    }

    /// The deadline over the whole call in milliseconds; 0 is the default of 30,000 (REQ-03).
    pub fn timeout(mut self, milliseconds: u32) -> Self {
        self.draft.work.timeout = milliseconds;
        self
    }

    /// What the body is converted to; JSON by default (REQ-04).
    pub fn data_type(mut self, data_type: DataType) -> Self {
        self.draft.work.data_type = data_type;
        self
    }

    /// Whether redirects are followed; they are by default (REQ-14).
    pub fn redirect(mut self, redirect: Redirect) -> Self {
        self.draft.work.redirect = redirect;
        self
    }

    callback_methods!(
        /// Called with the answer of a call that was [started](Self::start).
        Response
    );

    /// Makes the call and waits for the answer, by its deadline at the latest. Callbacks are not called.
    ///
    /// # Errors
    /// [`Failure`] is `fail`: code, reason, and the answer as far as it came.
    pub fn send(self) -> Result<Response, Failure> {
        self.draft.send()
    }

    /// Makes the call and hands the body out as it comes, in bounded memory; `dataType` is not applied (REQ-19).
    /// [`ControlFlow::Break`] aborts the call. The answer that is returned has no data. Pieces are at most 64 KiB long.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// # use std::io::{Read, Write};
    /// # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// # let url = format!("http://{}/log", listener.local_addr()?);
    /// # let server = std::thread::spawn(move || -> std::io::Result<()> {
    /// #     let (mut stream, _) = listener.accept()?;
    /// #     let _ = stream.read(&mut [0; 4096])?;
    /// #     stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nfirstsecond")
    /// # });
    /// # let client = miniwire_std::Client::builder("2021000000000001", "1.0.0").development().build()?;
    ///
    /// let mut length = 0;
    /// let response = client.request(url).send_streamed(|bytes| {
    ///     length += bytes.len(); // to a file, to a hash
    ///     ControlFlow::Continue(())
    /// })?;
    /// assert_eq!((response.status(), length), (200, 11));
    /// # server.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Failure`] is `fail`. The body of an error status has been handed out all the same.
    pub fn send_streamed(self, on_bytes: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<Response, Failure> {
        let mut response = Response::new();
        let Draft { client, work, .. } = &self.draft;
        let session = self.draft.open();
        let ran = work.with_request(|request| client.run_streamed(request, session, &mut response, on_bytes));
        match ran {
            Ok(()) => Ok(response),
            Err(reason) => Err(Failure::new(Api::Request, reason, Some(response))),
        }
    }

    /// Makes the call on a thread of its own and returns at once. `success` or `fail` is called there, then `complete`,
    /// each exactly once; a callback that panics keeps none of the others from being called (CTX-07).
    ///
    /// The call has its slot, and is in flight, when this returns; it has given it back when its callbacks are called.
    /// Where no thread can be had, it fails with [`TooManyTasks`](miniwire_core::reason::Reason::TooManyTasks), and the
    /// callbacks are called before this returns.
    pub fn start(self) -> RequestTask {
        RequestTask { started: self.draft.start() }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("url", &self.draft.work.url)
            .field("method", &self.draft.work.method)
            .finish_non_exhaustive()
    }
}

impl Work for Options {
    type Answer = Response;
    const API: Api = Api::Request;
    const THREAD: &'static str = "miniwire-request";
    // Only a value's own `Serialize` is the caller's.
    const PANICKED: Reason = Reason::DataNotConvertible;

    fn run(&self, client: &Client, session: Result<Session, Reason>) -> Result<Response, Failure> {
        let mut response = Response::new();
        match self.with_request(|request| client.run(request, session, &mut response)) {
            Ok(()) => Ok(response),
            Err(reason) => Err(Failure::new(Self::API, reason, Some(response))),
        }
    }
}

impl Options {
    fn with_request<T>(&self, run: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers = borrowed(&self.headers);
        let request = Request::new(&self.url)
            .method(self.method)
            .headers(&headers)
            .data(self.data.as_data())
            .timeout(self.timeout)
            .data_type(self.data_type)
            .redirect(self.redirect);
        run(&request)
    }
}

/// A call under way. Dropping it changes nothing about the call: it goes on, and its callbacks are called.
#[derive(Debug)]
pub struct RequestTask {
    started: Started,
}

impl RequestTask {
    /// `RequestTask.abort()`: see [`AbortHandle::abort`].
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
