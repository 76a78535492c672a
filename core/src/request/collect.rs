//! The answer taken whole: head and body in memory of the caller's, `dataType` applied (REQ-10 to REQ-12).

use core::fmt;

use serde::Deserialize;

use super::options::DataType;
use super::task::{Event, Outcome};
use crate::api::Api;
use crate::base64;
use crate::http::fields::Fields;
use crate::http::framing::Charset;
use crate::json::validate::Validator;
use crate::reason::Reason;
use crate::sink::{Full, Sink, Window};
use crate::utf8::put_latin1;

/// Gathers a task's events into two sinks: the head of the answer as it came, and its converted body.
#[derive(Debug)]
pub struct Collect<H, B> {
    head: Option<H>,
    body: B,
    data_type: DataType,
    encoder: base64::Encoder,
    latin1: bool,
}

impl<H: Sink, B: Sink> Collect<H, B> {
    /// Into these sinks; without one for the head, the header fields are not kept.
    pub const fn new(data_type: DataType, head: Option<H>, body: B) -> Self {
        Self { head, body, data_type, encoder: base64::Encoder::new(), latin1: false }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// [`Reason::HeadTooLarge`] or [`Reason::TooLarge`] where a sink is full; the task is then to be
    /// [refused](crate::task::Task::refuse) with that reason.
    pub fn event(&mut self, event: Event<'_>) -> Result<(), Reason> {
        match event {
            Event::Head { head, charset } => {
                self.latin1 = charset == Charset::Latin1 && self.data_type == DataType::Text;
                match &mut self.head {
                    Some(sink) => sink.put(head.raw()).map_err(|_| Reason::HeadTooLarge),
                    None => Ok(()),
                }
            }
            Event::Body(bytes) => self.convert(bytes).map_err(|_| Reason::TooLarge),
            Event::Interim(_) | Event::Redirect(_) => Ok(()),
        }
    }

    /// The task has ended: the sinks, with everything in them. A base64 text that does not fit spoils the outcome.
    pub fn finish(mut self, outcome: &mut Outcome) -> (Option<H>, B) {
        if self.encoder.finish(&mut self.body).is_err() && outcome.result.is_ok() {
            outcome.result = Err(Reason::TooLarge);
        }
        (self.head, self.body)
    }

    fn convert(&mut self, bytes: &[u8]) -> Result<(), Full> {
        match self.data_type {
            DataType::Base64 => self.encoder.put(bytes, &mut self.body),
            DataType::Text if self.latin1 => put_latin1(bytes, &mut self.body),
            DataType::Json | DataType::Text => self.body.put(bytes),
        }
    }
}

impl<'m> Collect<Window<'m>, Window<'m>> {
    /// Into memory of the caller's; an empty `head` keeps no header fields.
    pub const fn into_memory(data_type: DataType, head: &'m mut [u8], body: &'m mut [u8]) -> Self {
        let head = if head.is_empty() { None } else { Some(Window::new(0, head)) };
        Self::new(data_type, head, Window::new(0, body))
    }

    /// The most bytes of a body that fit the memory, converted.
    pub const fn limit(&self) -> u64 {
        let capacity = self.body.capacity() as u64;
        match self.data_type {
            DataType::Json | DataType::Text => capacity,
            DataType::Base64 => (capacity / 4).saturating_mul(3),
        }
    }

    /// The task has ended: `success` or `fail`, with the answer as far as it came.
    ///
    /// # Errors
    /// [`Failure`] for `fail`.
    pub fn answer(self, mut outcome: Outcome) -> Result<Response<'m>, Failure<'m>> {
        let is_json = self.data_type == DataType::Json;
        let (head, body) = self.finish(&mut outcome);
        let head = head.map_or(&[][..], |head| head.into_filled());
        let response = Response::new(&outcome, head, body.into_filled());
        let response = response.map(|response| Response { is_json, ..response });
        answered(Api::Request, outcome.result, response)
    }
}

/// `success` or `fail` of an API.
pub(crate) fn answered<'b>(
    api: Api,
    result: Result<(), Reason>,
    response: Option<Response<'b>>,
) -> Result<Response<'b>, Failure<'b>> {
    match (result, response) {
        (Ok(()), Some(response)) => Ok(response),
        (Err(reason), response) => Err(Failure { api, reason, response }),
        // A success has a status.
        (Ok(()), None) => Err(Failure { api, reason: Reason::ConnectionClosed, response }),
    }
}

/// An answer: status, header fields, data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'b> {
    status: u16,
    head: &'b [u8],
    data: &'b str,
    /// The data was checked as it came.
    is_json: bool,
}

impl<'b> Response<'b> {
    /// An answer from what a [`Collect`] has gathered; `None` if no head arrived.
    pub fn new(outcome: &Outcome, head: &'b [u8], data: &'b [u8]) -> Option<Self> {
        // Data that could not be converted is not data.
        let data = if outcome.has_data() { core::str::from_utf8(data).unwrap_or_default() } else { "" };
        Self::with_data(outcome.status, head, data)
    }

    /// An answer with this data; `None` if no head arrived.
    pub(crate) fn with_data(status: Option<u16>, head: &'b [u8], data: &'b str) -> Option<Self> {
        status.map(|status| Self { status, head, data, is_json: false })
    }

    /// The status code, 100 to 999.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The header fields in wire order and spelling, repeated ones included (REQ-10); none if the caller gave no memory for
    /// them.
    pub fn headers(&self) -> Fields<'b> {
        Fields::of_head(self.head)
    }

    /// The data: JSON text, text, or base64, by `dataType`; of an upload text, of a download none. Empty where it could not
    /// be converted.
    pub const fn text(&self) -> &'b str {
        self.data
    }

    /// The data as a typed value (REQ-11).
    ///
    /// `scratch` holds one string at a time while its escapes are resolved, so it is as long as the longest string that has
    /// any; empty, and no string may have one. `serde-json-core` reads the data, once it is known to be one JSON text. It
    /// cannot give borrowed strings with escapes, characters outside the Basic Multilingual Plane that are written as two
    /// `\u` escapes, or types that must see the data to know their shape (untagged enums, `serde_json::Value`).
    ///
    /// May be called again, with another type, too.
    ///
    /// # Errors
    /// [`JsonError`] where the value is not of this type or not within these limits; empty data is no JSON.
    pub fn json<T: Deserialize<'b>>(&self, scratch: &mut [u8]) -> Result<T, JsonError> {
        // Text that was not asked for as JSON can be anything, and what reads it next is not strict.
        if !self.is_json {
            let mut validator = Validator::new();
            validator.push(self.data.as_bytes()).and_then(|()| validator.finish()).map_err(|_| JsonError)?;
        }
        match serde_json_core::from_slice_escaped(self.data.as_bytes(), scratch) {
            Ok((value, _)) => Ok(value),
            Err(_) => Err(JsonError),
        }
    }
}

/// The JSON data is not of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError;

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the JSON data is not of the type asked for")
    }
}

impl core::error::Error for JsonError {}

impl Outcome {
    /// Whether what came of the body is the whole of it, converted: of a success, and of an error status.
    pub const fn has_data(&self) -> bool {
        matches!(self.result, Ok(()) | Err(Reason::HttpStatus | Reason::RateLimited))
    }
}

/// `fail`: why, and the answer as far as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure<'b> {
    /// Which API failed.
    pub api: Api,
    /// Why.
    pub reason: Reason,
    /// The answer, once its head had arrived.
    pub response: Option<Response<'b>>,
}

impl Failure<'_> {
    /// `error`: the code of the table of its API.
    pub const fn code(&self) -> u8 {
        self.reason.code(self.api)
    }
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match self.response {
            Some(response) => write!(f, " (status {})", response.status),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Failure<'_> {}
