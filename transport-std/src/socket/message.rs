//! What the listeners of a socket are given, and what is sent.

use std::borrow::Cow;
use std::fmt;

use miniwire_core::base64;
use miniwire_core::http::fields::Fields;
use miniwire_core::policy::Api;
use miniwire_core::reason::Reason;
use miniwire_core::sink::{Full, Sink};
use miniwire_core::socket::Event;

use crate::answer::{Failure, Response};

/// A message, in either direction: `data` and `isBuffer` of the reference (SOCK-04, SOCK-05). Texts and bytes become one by
/// `into`.
///
/// ```
/// use miniwire_std::Message;
///
/// assert!(!Message::from("hello").is_buffer());
/// assert_eq!(Message::from(vec![1, 2, 3]).data(), "AQID"); // as the reference hands it out
/// assert_eq!(Message::from_data("AQID", true).unwrap().as_bytes(), [1, 2, 3]); // and takes it
/// assert_eq!(Message::from_data("AQI", true).unwrap_err().code(), 11);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A text message: `isBuffer` is false.
    Text(String),
    /// A binary message: `isBuffer` is true, and `data` the base64 of these bytes.
    Binary(Vec<u8>),
}

impl Message {
    /// A message as the reference writes it: text, or with `is_buffer` the bytes whose base64 `data` is (standard alphabet,
    /// padded).
    ///
    /// # Errors
    /// [`Reason::MalformedBuffer`] (code 11) for what is not base64.
    pub fn from_data(data: impl Into<String>, is_buffer: bool) -> Result<Self, Failure> {
        let data = data.into();
        if !is_buffer {
            return Ok(Self::Text(data));
        }
        let mut bytes = Vec::with_capacity(data.len() / 4 * 3);
        let mut decoder = base64::Decoder::new();
        let decoded = decoder.put(data.as_bytes(), &mut Grows(&mut bytes)).and_then(|()| decoder.finish());
        decoded.map(|_| Self::Binary(bytes)).map_err(|_| failure(Reason::MalformedBuffer))
    }

    /// `data`: the text, or the base64 of the bytes.
    pub fn data(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Binary(bytes) => {
                let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
                let mut encoder = base64::Encoder::new();
                let out = &mut Grows(&mut text);
                // Memory that grows is never full.
                let _ = encoder.put(bytes, out).and_then(|()| encoder.finish(out));
                Cow::Owned(String::from_utf8(text).unwrap_or_default())
            }
        }
    }

    /// `isBuffer`: whether it is a binary message.
    pub fn is_buffer(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// The bytes of the message.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Put together from what has come, which was checked.
    pub(super) fn of(text: bool, bytes: Vec<u8>) -> Self {
        if text { Self::Text(String::from_utf8(bytes).unwrap_or_default()) } else { Self::Binary(bytes) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Message {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

/// `onSocketOpen`: the server's answer to the opening handshake.
#[derive(Clone, Default)]
pub struct SocketOpen {
    pub(super) protocol: Option<String>,
    pub(super) response: Response,
}

impl SocketOpen {
    /// The subprotocol that the server chose, of those asked for.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The header fields of the answer in wire order.
    pub fn headers(&self) -> Fields<'_> {
        self.response.headers()
    }

    /// The first field of this name in any letter case, if its value is ASCII or UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }
}

impl fmt::Debug for SocketOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketOpen").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

/// `onSocketClose`: how the connection ended (SOCK-06, SOCK-07).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketClose {
    /// The server's code; 1005 if its Close had none, 1006 if none came; 1000 or 1001 where this side gave the
    /// connection up.
    pub code: u16,
    /// The server's reason, often empty.
    pub reason: String,
}

/// An event of a socket.
#[derive(Clone, Debug)]
pub enum SocketEvent {
    /// A message, whole.
    Message(Message),
    /// `onSocketError`: an abnormal end. The Close follows.
    Error(Failure),
    /// `onSocketClose`. Nothing follows.
    Close(SocketClose),
}

impl SocketEvent {
    /// An Error or a Close as they are reported.
    pub(super) fn ending(event: Event<'_>) -> Option<Self> {
        match event {
            Event::Error { reason } => Some(Self::Error(failure(reason))),
            Event::Close { code, reason } => Some(Self::Close(SocketClose { code, reason: reason.into() })),
            _ => None,
        }
    }
}

/// A failure of the socket's API.
pub(super) fn failure(reason: Reason) -> Failure {
    Failure::new(Api::ConnectSocket, reason, None)
}

/// Memory that grows.
struct Grows<'v>(&'v mut Vec<u8>);

impl Sink for Grows<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}
