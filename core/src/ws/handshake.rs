//! The opening handshake (RFC 6455 section 4.1): the fields that ask for a WebSocket, and the check of the answer.
//!
//! The request is an ordinary HTTP/1.1 GET; its other fields, and the answer's head, are the business of
//! [`http`](crate::http).
//!
//! ```
//! use miniwire_core::http::head::HeadReader;
//! use miniwire_core::sink::{Full, Sink, Window};
//! use miniwire_core::ws::handshake::{Key, Protocols, check, write_fields};
//!
//! # fn main() -> Result<(), Full> {
//! let key = Key::fresh(*b"the sample nonce"); // 16 random bytes
//! let protocols = Protocols::new(&["soap", "chat"]).unwrap();
//! let mut tx = [0; 256];
//! let mut out = Window::new(0, &mut tx);
//! out.put(b"GET /chat HTTP/1.1\r\nHost: device.local\r\n")?;
//! write_fields(&key, protocols, &mut out)?;
//! out.put(b"\r\n")?;
//!
//! let rx = b"HTTP/1.1 101 Switching Protocols\r\n\
//!     Upgrade: websocket\r\n\
//!     Connection: Upgrade\r\n\
//!     Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
//!     Sec-WebSocket-Protocol: chat\r\n\r\n";
//! let (head, _) = HeadReader::new().read(rx).unwrap().unwrap();
//! assert_eq!(check(&head, &key, protocols), Ok(Some("chat")));
//! # Ok(())
//! # }
//! ```

use core::fmt;

use super::sha1::sha1;
use crate::base64::Encoder;
use crate::http::fields::{Fields, list, trim};
use crate::http::head::Head;
use crate::scan::{is_token, split};
use crate::sink::{Full, Sink, Window};

/// The value of `Sec-WebSocket-Key`: 16 random bytes in base64.
///
/// Like a [`Mask`](super::mask::Mask) it belongs to one connection, so it is neither `Copy` nor `Clone`.
#[derive(Debug)]
pub struct Key([u8; 24]);

impl Key {
    /// The key of 16 bytes from a random source; they may not have been used for anything else.
    pub fn fresh(random: [u8; 16]) -> Self {
        Self(base64(&random))
    }

    /// The key as it is sent.
    pub const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }

    /// The `Sec-WebSocket-Accept` that answers it: the base64 of a SHA-1 (section 4.2.2).
    fn accept(&self) -> [u8; 28] {
        const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        let mut message = [0; 60];
        let mut out = Window::new(0, &mut message);
        // As long as both of them.
        let _ = out.put(&self.0).and_then(|()| out.put(GUID));
        base64(&sha1(&message))
    }
}

/// The base64 of these bytes, which has `N` characters.
fn base64<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let (mut text, mut encoder) = ([0; N], Encoder::new());
    let mut out = Window::new(0, &mut text);
    // It is as long as it says, so the window takes it all.
    let _ = encoder.put(bytes, &mut out).and_then(|()| encoder.finish(&mut out));
    text
}

/// The subprotocols that a client asks for, in order of preference.
#[derive(Clone, Copy, Debug)]
pub struct Protocols<'p>(&'p [&'p str]);

/// A subprotocol's name is empty, has an illegal character, or is there twice (section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadProtocol;

impl<'p> Protocols<'p> {
    /// None is asked for.
    pub const NONE: Self = Self(&[]);

    /// Each of `names` is a name, or several as in the header field, separated by commas.
    ///
    /// # Errors
    /// [`BadProtocol`].
    pub fn new(names: &'p [&'p str]) -> Result<Self, BadProtocol> {
        let protocols = Self(names);
        for (at, name) in protocols.names().enumerate() {
            let again = protocols.names().take(at).any(|earlier| earlier == name);
            if again || name.is_empty() || !name.iter().all(|byte| is_token(*byte)) {
                return Err(BadProtocol);
            }
        }
        Ok(protocols)
    }

    fn names(self) -> impl Iterator<Item = &'p [u8]> {
        self.0.iter().flat_map(|names| split(b',', names.as_bytes()).map(trim))
    }

    /// The one of this name, which is case-sensitive.
    fn find(self, name: &[u8]) -> Option<&'p str> {
        self.names().find(|ours| *ours == name).and_then(|ours| core::str::from_utf8(ours).ok())
    }
}

/// Writes the header fields that ask for the upgrade, each with its CRLF: `Upgrade`, `Connection` and `Sec-WebSocket-*`.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn write_fields(key: &Key, protocols: Protocols<'_>, out: &mut dyn Sink) -> Result<(), Full> {
    out.put(b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ")?;
    out.put(key.as_bytes())?;
    out.put(b"\r\n")?;
    let mut before: &[u8] = b"Sec-WebSocket-Protocol: ";
    for name in protocols.names() {
        out.put(before)?;
        out.put(name)?;
        before = b", ";
    }
    if protocols.0.is_empty() { Ok(()) } else { out.put(b"\r\n") }
}

/// Why an answer does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The status is not 101; [`Head::status`] has it.
    Status,
    /// The 101 is one of HTTP/1.0, which has neither 1xx (RFC 9110 section 15.2) nor `Upgrade` (section 7.8): it came
    /// through something that passes on what it does not know.
    Version,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `upgrade`.
    Connection,
    /// There is no `Sec-WebSocket-Accept`.
    AcceptMissing,
    /// There is more than one `Sec-WebSocket-Accept`, be they equal.
    AcceptRepeated,
    /// `Sec-WebSocket-Accept` does not answer our key.
    AcceptWrong,
    /// There is a `Sec-WebSocket-Extensions` with one that was not asked for, with one twice, or with none.
    Extension,
    /// The parameters of an extension are unknown, repeated, illegal, or not what was asked for.
    #[cfg(feature = "permessage-deflate")]
    ExtensionParameter,
    /// There is more than one `Sec-WebSocket-Protocol` (section 11.3.4).
    ProtocolRepeated,
    /// The server chose a subprotocol that was not asked for.
    ProtocolNotAsked,
}

/// Checks the answer to a request with the fields of [`write_fields`]. Returns the subprotocol that the server chose, if
/// it chose any.
///
/// # Errors
/// [`HandshakeError`]: the first fault, in the order of section 4.1. The connection is of no use then.
pub fn check<'p>(head: &Head<'_>, key: &Key, protocols: Protocols<'p>) -> Result<Option<&'p str>, HandshakeError> {
    let none = |fields: Fields<'_>| match fields.get("Sec-WebSocket-Extensions") {
        Some(_) => Err(HandshakeError::Extension),
        None => Ok(()),
    };
    check_with(head, key, protocols, none).map(|(chosen, ())| chosen)
}

/// As [`check`]; `extensions` judges what the answer says of them.
///
/// # Errors
/// [`HandshakeError`].
pub(super) fn check_with<'p, E>(
    head: &Head<'_>,
    key: &Key,
    protocols: Protocols<'p>,
    extensions: impl FnOnce(Fields<'_>) -> Result<E, HandshakeError>,
) -> Result<(Option<&'p str>, E), HandshakeError> {
    let fields = head.fields();
    let names = |field, token: &[u8]| {
        fields.all(field).any(|value| list(value).any(|member| member.eq_ignore_ascii_case(token)))
    };
    if head.status() != 101 {
        return Err(HandshakeError::Status);
    }
    if head.minor_version() == 0 {
        return Err(HandshakeError::Version);
    }
    if !names("Upgrade", b"websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !names("Connection", b"upgrade") {
        return Err(HandshakeError::Connection);
    }
    let mut accepts = fields.all("Sec-WebSocket-Accept");
    match (accepts.next(), accepts.next()) {
        (None, _) => return Err(HandshakeError::AcceptMissing),
        (Some(_), Some(_)) => return Err(HandshakeError::AcceptRepeated),
        (Some(accept), None) if accept != key.accept() => return Err(HandshakeError::AcceptWrong),
        (Some(_), None) => {}
    }
    let agreed = extensions(fields)?;
    let mut chosen = fields.all("Sec-WebSocket-Protocol");
    let chosen = match (chosen.next(), chosen.next()) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(HandshakeError::ProtocolRepeated),
        (Some(name), None) => protocols.find(name).map(Some).ok_or(HandshakeError::ProtocolNotAsked),
    };
    Ok((chosen?, agreed))
}

impl fmt::Display for BadProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a subprotocol's name is empty, illegal or repeated")
    }
}

impl core::error::Error for BadProtocol {}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "the server did not switch protocols (status 101)",
            Self::Version => "the server switched protocols in HTTP/1.0, which cannot",
            Self::Upgrade => "the server's Upgrade field does not name websocket",
            Self::Connection => "the server's Connection field does not name upgrade",
            Self::AcceptMissing => "the server sent no Sec-WebSocket-Accept",
            Self::AcceptRepeated => "the server sent Sec-WebSocket-Accept more than once",
            Self::AcceptWrong => "the server's Sec-WebSocket-Accept does not answer our key",
            Self::Extension => "the server chose an extension that was not asked for",
            #[cfg(feature = "permessage-deflate")]
            Self::ExtensionParameter => "the server chose parameters of an extension that were not asked for",
            Self::ProtocolRepeated => "the server sent Sec-WebSocket-Protocol more than once",
            Self::ProtocolNotAsked => "the server chose a subprotocol that was not asked for",
        })
    }
}

impl core::error::Error for HandshakeError {}

#[cfg(test)]
mod tests;
