//! What a call reports: `success` with a [`Response`], or `fail` with a [`Failure`].

use std::fmt;
use std::time::Duration;

use miniwire_core::http::fields::Fields;
use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use serde::Deserialize;

/// An answer: status, header fields, data (REQ-10, UP-04).
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) head: Vec<u8>,
    pub(crate) data: String,
    pub(crate) redirects: u8,
    pub(crate) timings: Timings,
}

impl Response {
    /// An empty one, to be filled by [`Client::send_into`](crate::Client::send_into) again and again.
    pub fn new() -> Self {
        Self::default()
    }

    /// The status code, 100 to 999; 0 before there was an answer.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields in wire order, with the spelling of the wire, repeated ones included.
    pub fn headers(&self) -> Fields<'_> {
        Fields::of_head(&self.head)
    }

    /// The first field of this name in any letter case, if its value is ASCII or UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The data: JSON text, text, or base64, as `dataType` says; after an upload the text of the answer. Empty after
    /// [`send_streamed`](crate::Call::send_streamed) and after a download.
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The data, without a copy.
    pub fn into_data(self) -> String {
        self.data
    }

    /// The JSON data as a value of any serde type, which may borrow from it (REQ-11).
    ///
    /// # Errors
    /// Where the data is not of that type. Empty data is not JSON.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(&self.data)
    }

    /// How many redirects were followed, at most [`max_redirects`](crate::ClientBuilder::max_redirects).
    pub fn redirects(&self) -> u8 {
        self.redirects
    }

    /// How long the phases of the call took.
    pub fn timings(&self) -> Timings {
        self.timings
    }

    pub(crate) fn clear(&mut self) {
        self.status = 0;
        self.head.clear();
        self.data.clear();
        self.redirects = 0;
        self.timings = Timings::default();
    }
}

/// How long the phases of a call took. Those of all hops are added up; what did not happen took no time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timings {
    /// Name resolution.
    pub resolve: Duration,
    /// The TCP connection.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// From the start of the call to the first byte from the server.
    pub first_byte: Duration,
    /// The whole call.
    pub total: Duration,
}

/// `fail`: the code, the reason, and the answer as far as it came. Displayed, it is `errorMessage`: one line that says what
/// happened and what to do about it.
#[derive(Clone, Debug)]
pub struct Failure {
    api: Api,
    reason: Reason,
    response: Option<Box<Response>>,
    detail: Option<String>,
}

impl Failure {
    pub(crate) fn new(api: Api, reason: Reason, response: Option<Response>) -> Self {
        Self { api, reason, response: response.filter(|response| response.status > 0).map(Box::new), detail: None }
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The API that was called.
    pub fn api(&self) -> Api {
        self.api
    }

    /// `error`: the code in the table of the API that was called.
    pub fn code(&self) -> u8 {
        self.reason.code(self.api)
    }

    /// Why, precisely.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The answer, once its head had arrived: status, header fields, and for an error status the data.
    pub fn response(&self) -> Option<&Response> {
        self.response.as_deref()
    }
}

impl fmt::Display for Failure {
    /// `errorMessage`: one line that says what happened and what to do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        if let Some(response) = &self.response {
            write!(f, " (status {})", response.status)?;
        }
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
