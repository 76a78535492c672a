//! `onSocketMessage`: a message put together in the caller's memory (SOCK-05, SOCK-09).

use crate::base64;
use crate::reason::Reason;
use crate::sink::{Full, Sink, copy};

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// A text message: `isBuffer` is false.
    Text(&'m str),
    /// A binary message.
    Binary(&'m [u8]),
    /// A binary message as base64: `isBuffer` is true.
    Base64(&'m str),
}

impl<'m> Message<'m> {
    /// `data` and `isBuffer` of the reference's callback. `None` for bytes, which it hands out as base64 only: see
    /// [`Assemble::as_base64`].
    pub const fn data(self) -> Option<(&'m str, bool)> {
        match self {
            Self::Text(text) => Some((text, false)),
            Self::Base64(text) => Some((text, true)),
            Self::Binary(_) => None,
        }
    }

    /// The message as it stands in the memory.
    pub const fn as_bytes(self) -> &'m [u8] {
        match self {
            Self::Text(text) | Self::Base64(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Puts the pieces of messages together, one message after the other. The size of the memory is the limit of a message,
/// in the form that it is handed out in.
#[derive(Debug)]
pub struct Assemble<'m> {
    memory: &'m mut [u8],
    length: usize,
    /// The message is complete: the next piece begins another.
    complete: bool,
    kind: Kind,
    encoder: Option<base64::Encoder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
}

impl<'m> Assemble<'m> {
    /// Hands binary messages out as bytes.
    pub const fn new(memory: &'m mut [u8]) -> Self {
        Self { memory, length: 0, complete: true, kind: Kind::Binary, encoder: None }
    }

    /// Hands binary messages out as base64, as the reference does.
    pub const fn as_base64(memory: &'m mut [u8]) -> Self {
        Self { encoder: Some(base64::Encoder::new()), ..Self::new(memory) }
    }

    /// The same memory, with binary messages as base64.
    pub(crate) fn into_base64(self) -> Self {
        Self::as_base64(self.memory)
    }

    /// Takes a piece: [`Event::Message`](super::Event::Message). Returns whether the message is complete; then it is
    /// there until the next piece.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] for a message beyond the memory; the socket is to be
    /// [refused](super::SocketTask::refuse) with it.
    pub fn piece(&mut self, text: bool, data: &[u8], fin: bool) -> Result<bool, Reason> {
        if self.complete {
            self.length = 0;
            self.complete = false;
            self.kind = if text { Kind::Text } else { Kind::Binary };
        }
        self.put(data, fin).map_err(|Full| Reason::TooLarge)?;
        self.complete = fin;
        Ok(fin)
    }

    /// The last complete message, until the next piece; an empty binary one before the first, and amid a message.
    pub fn message(&self) -> Message<'_> {
        let bytes = if self.complete { self.memory.get(..self.length).unwrap_or_default() } else { &[] };
        match self.kind {
            // Checked as it came: it is UTF-8.
            Kind::Text => Message::Text(core::str::from_utf8(bytes).unwrap_or_default()),
            Kind::Binary if self.encoder.is_some() => Message::Base64(core::str::from_utf8(bytes).unwrap_or_default()),
            Kind::Binary => Message::Binary(bytes),
        }
    }

    fn put(&mut self, data: &[u8], fin: bool) -> Result<(), Full> {
        let mut tail = Tail { memory: &mut *self.memory, length: &mut self.length };
        let Some(encoder) = self.encoder.as_mut().filter(|_| self.kind == Kind::Binary) else {
            return tail.put(data);
        };
        encoder.put(data, &mut tail)?;
        if fin { core::mem::take(encoder).finish(&mut tail) } else { Ok(()) }
    }
}

/// The free end of the memory.
struct Tail<'t> {
    memory: &'t mut [u8],
    length: &'t mut usize,
}

impl Sink for Tail<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let copied = self.memory.get_mut(*self.length..).map_or(0, |free| copy(bytes, free));
        *self.length = self.length.saturating_add(copied);
        if copied < bytes.len() { Err(Full) } else { Ok(()) }
    }
}
