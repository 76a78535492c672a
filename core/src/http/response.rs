//! One response, from its first byte to the end of its body.
//!
//! ```text
//!  Head --1xx--> Head
//!    \--final--> Body (by its framing) --> Done
//! ```
//!
//! A whole life, in two pieces:
//!
//! ```
//! use miniwire_core::http::response::{Part, ResponseReader};
//!
//! let mut reader = ResponseReader::new();
//! let (consumed, part) = reader.read(b"HTTP/1.1 200 OK\r\nTransfer-Enc", false).unwrap();
//! assert!(consumed == 0 && matches!(part, Part::More)); // a head is read once it is whole
//!
//! let mut rx = &b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"[..];
//! loop {
//!     let (consumed, part) = reader.read(rx, false).unwrap();
//!     match part {
//!         Part::Head(head) => assert_eq!(head.status(), 200),
//!         Part::Body(bytes) => assert_eq!(bytes, b"hi"),
//!         Part::End => break,
//!         other => panic!("{other:?}"),
//!     }
//!     rx = &rx[consumed..];
//! }
//! assert!(reader.persists());
//! ```

use super::chunked::{Decoded, Decoder, take};
use super::framing::{Facts, Framing};
use super::head::{Head, HeadError, HeadReader};

/// How many interim (1xx) responses may come before the final one.
pub const MAX_INTERIM: u8 = 32;

/// What a response brings next. Borrows from the received bytes only.
#[derive(Clone, Copy, Debug)]
pub enum Part<'i> {
    /// Nothing; more bytes are needed.
    More,
    /// The head of an interim response (1xx).
    Interim(Head<'i>),
    /// The head of the final response.
    Head(Head<'i>),
    /// Bytes of the body, its transfer coding removed.
    Body(&'i [u8]),
    /// The end of the body.
    End,
}

/// Why a response cannot be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseError {
    /// The head is malformed, a switch of protocols that nobody asked for, or one interim response too many.
    MalformedHead,
    /// The head does not fit the receive buffer, or has more fields than [`MAX_FIELDS`](super::head::MAX_FIELDS).
    HeadTooLarge,
    /// The framing of the body is malformed or conflicting.
    MalformedFraming,
    /// The connection ended before the response did.
    Closed,
}

/// Reads one response.
#[derive(Clone, Copy, Debug)]
pub struct ResponseReader {
    state: State,
    facts: Facts,
    persists: bool,
    upgrade: bool,
    interim: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Head(HeadReader),
    Length(u64),
    Chunked(Decoder),
    UntilClose,
    Done,
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ResponseReader {
    /// Before the first byte.
    pub const fn new() -> Self {
        Self {
            state: State::Head(HeadReader::new()),
            facts: Facts::new(1),
            persists: false,
            upgrade: false,
            interim: 0,
        }
    }

    /// The request asked for another protocol, so that a 101 is its final answer (RFC 9110 section 15.2.2). What follows
    /// its head is not HTTP.
    pub const fn expect_upgrade(&mut self) {
        self.upgrade = true;
    }

    /// Whether the connection may serve another exchange once the body has ended (RFC 9112 section 9.3).
    pub const fn persists(&self) -> bool {
        self.persists
    }

    /// Whether the final head has been read.
    pub const fn has_head(&self) -> bool {
        !matches!(self.state, State::Head(_))
    }

    /// What the final head says of the framing, once it has been read.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Why a head that fills the whole receive buffer is refused.
    pub fn overflow(&self, rx: &[u8]) -> ResponseError {
        match &self.state {
            State::Head(reader) => reader.give_up(rx).err().map_or(ResponseError::HeadTooLarge, ResponseError::from),
            // Only a head needs to be in the buffer as a whole.
            _ => ResponseError::MalformedFraming,
        }
    }

    /// Reads on: returns how many bytes of `rx` were consumed, and what they were.
    ///
    /// `rx` begins where the last call's consumption ended. `ended` says that the peer has closed and that no byte will
    /// follow those in `rx`.
    ///
    /// # Errors
    /// [`ResponseError`]; the reader is of no use after one.
    pub fn read<'i>(&mut self, rx: &'i [u8], ended: bool) -> Result<(usize, Part<'i>), ResponseError> {
        let (consumed, part) = match &mut self.state {
            State::Head(reader) => match reader.read_noting(rx, &mut self.facts)? {
                Some(head) => return self.head(head),
                None if ended => {
                    reader.give_up(rx)?;
                    (0, Part::More)
                }
                None => (0, Part::More),
            },
            State::Length(remaining) => {
                let data = take(remaining, rx);
                if *remaining == 0 {
                    self.state = State::Done;
                }
                (data.len(), Part::Body(data))
            }
            State::Chunked(decoder) => match decoder.decode(rx).map_err(|_| ResponseError::MalformedFraming)? {
                (n, Decoded::More) => (n, Part::More),
                (n, Decoded::Data(data)) => (n, Part::Body(data)),
                (n, Decoded::End) => {
                    self.state = State::Done;
                    (n, Part::End)
                }
            },
            State::UntilClose if rx.is_empty() && ended => {
                self.state = State::Done;
                (0, Part::End)
            }
            State::UntilClose => (rx.len(), Part::Body(rx)),
            State::Done => (0, Part::End),
        };
        match part {
            Part::Body([]) | Part::More if ended => Err(ResponseError::Closed),
            Part::Body([]) => Ok((consumed, Part::More)),
            part => Ok((consumed, part)),
        }
    }

    fn head<'i>(&mut self, head: Head<'i>) -> Result<(usize, Part<'i>), ResponseError> {
        let consumed = head.raw().len();
        if head.status() < 200 && !(head.status() == 101 && self.upgrade) {
            self.interim = self.interim.saturating_add(1);
            if head.status() == 101 || self.interim > MAX_INTERIM {
                return Err(ResponseError::MalformedHead);
            }
            self.state = State::Head(HeadReader::new());
            return Ok((consumed, Part::Interim(head)));
        }
        let framing = self.facts.framing(head.status()).map_err(|_| ResponseError::MalformedFraming)?;
        self.persists = self.facts.persists() && framing != Framing::UntilClose;
        self.state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(bytes) => State::Length(bytes),
            Framing::Chunked => State::Chunked(Decoder::new()),
            Framing::UntilClose => State::UntilClose,
        };
        Ok((consumed, Part::Head(head)))
    }
}

impl From<HeadError> for ResponseError {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed => Self::MalformedHead,
            HeadError::TooManyFields => Self::HeadTooLarge,
        }
    }
}

#[cfg(test)]
mod tests;
