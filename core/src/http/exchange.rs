//! One HTTP/1.1 exchange: a request goes out in pieces that fit the transmit buffer, its response comes back.
//!
//! ```text
//!  Before --> Content --> After --last piece--> Receiving --end of body--> Done
//!     \---------\---------\--final head of an early answer--> Receiving (the connection cannot be kept)
//! ```
//!
//! Before and after are what the [`Message`] writes; content is what only the caller has: the bytes of a file.
//!
//! ```
//! use miniwire_core::data::WriteError;
//! use miniwire_core::http::exchange::{Exchange, Message, Step};
//! use miniwire_core::sink::Sink;
//!
//! struct Get;
//! impl Message for Get {
//!     fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
//!         Ok(out.put(b"GET / HTTP/1.1\r\nHost: device.local\r\n\r\n")?)
//!     }
//! }
//!
//! let (mut exchange, mut tx) = (Exchange::new(), [0; 256]);
//! let (_, step) = exchange.poll(&Get, b"", &mut tx).unwrap();
//! assert!(matches!(step, Step::Transmit { length: 38, more: false })); // the caller writes tx[..38]
//! let (_, step) = exchange.poll(&Get, b"", &mut tx).unwrap();
//! assert!(matches!(step, Step::Read)); // the caller reads
//! let rx = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
//! let (head, step) = exchange.poll(&Get, rx, &mut tx).unwrap();
//! assert!(matches!(step, Step::Head(head) if head.status() == 200));
//! let (body, step) = exchange.poll(&Get, &rx[head..], &mut tx).unwrap();
//! assert!(matches!(step, Step::Body(b"hi")));
//! let (_, step) = exchange.poll(&Get, &rx[head + body..], &mut tx).unwrap();
//! assert!(matches!(step, Step::End { persists: true }));
//! ```

use super::framing::Facts;
use super::head::Head;
use super::response::{Part, ResponseError, ResponseReader};
use crate::data::WriteError;
use crate::sink::{Sink, Window};

/// A request, head and body, that can be written as often as needed and is the same each time.
pub trait Message {
    /// Writes the whole message, or what comes before the caller's content.
    ///
    /// # Errors
    /// [`WriteError::Full`] when `out` takes no more; [`WriteError::NotConvertible`] when the data has no such form.
    fn write(&self, out: &mut dyn Sink) -> Result<(), WriteError>;

    /// How many bytes of content the caller fills in.
    fn content(&self) -> u64 {
        0
    }

    /// Writes what comes after the caller's content.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_after(&self, out: &mut dyn Sink) -> Result<(), WriteError> {
        let _ = out;
        Ok(())
    }
}

/// What the caller does next.
#[derive(Clone, Copy, Debug)]
pub enum Step<'i> {
    /// Write `tx[..length]` in full. Where `more` follows, look for an early answer before the next poll, if that can
    /// be done without waiting.
    Transmit {
        /// How many bytes of the transmit buffer to write.
        length: usize,
        /// Whether another piece follows.
        more: bool,
    },
    /// Fill `tx[at..end]` with content, or a part of it from `at` on; then [`Exchange::filled`].
    Fill {
        /// Where the content goes.
        at: usize,
        /// Where its room ends.
        end: usize,
        /// Which byte of the content comes next.
        offset: u64,
    },
    /// Read more bytes.
    Read,
    /// An interim response (1xx) came; it can be ignored.
    Interim(Head<'i>),
    /// The head of the final response.
    Head(Head<'i>),
    /// Bytes of its body.
    Body(&'i [u8]),
    /// The response is complete.
    End {
        /// Whether the connection can serve another exchange.
        persists: bool,
    },
}

/// Why an exchange cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeError {
    /// The response is at fault, or ended too early.
    Response(ResponseError),
    /// The request's data could not be converted.
    NotConvertible,
    /// The transmit buffer is empty.
    NoTransmitBuffer,
}

/// One exchange on one connection.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    sending: Sending,
    /// Of what is being sent: bytes of it that are written; of the content, bytes that are still to come.
    place: u64,
    /// Bytes of the transmit buffer that are ready to go.
    ready: usize,
    /// Bytes of content that were filled in.
    content: u64,
    /// Those of them that were handed out for transmission.
    content_written: u64,
    heard: bool,
    ended: bool,
    reader: ResponseReader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// What the message writes first.
    Before,
    /// The caller's content.
    Content,
    /// What the message writes last.
    After,
    /// The last piece was handed out.
    Complete,
    /// An answer came, or the link broke, before the last piece.
    Abandoned,
}

impl Default for Exchange {
    fn default() -> Self {
        Self::new()
    }
}

impl Exchange {
    /// Before the first byte of the request.
    pub const fn new() -> Self {
        Self {
            sending: Sending::Before,
            place: 0,
            ready: 0,
            content: 0,
            content_written: 0,
            heard: false,
            ended: false,
            reader: ResponseReader::new(),
        }
    }

    /// The request asks for another protocol: a 101 is its answer, and [`Step::End`] comes right behind the head of it.
    pub const fn expect_upgrade(&mut self) {
        self.reader.expect_upgrade();
    }

    /// Bytes of the caller's content that were handed out for transmission; none once writing has failed, as nobody knows
    /// then how many got out.
    pub const fn content_written(&self) -> u64 {
        self.content_written
    }

    /// Whether the whole request was handed out for transmission.
    pub fn is_sent(&self) -> bool {
        matches!(self.sending, Sending::Complete)
    }

    /// Whether a byte of a response has come.
    pub const fn is_heard(&self) -> bool {
        self.heard
    }

    /// Whether the final head has come.
    pub const fn has_head(&self) -> bool {
        self.reader.has_head()
    }

    /// What the final head says of the framing, once it has come.
    pub const fn facts(&self) -> &Facts {
        self.reader.facts()
    }

    /// So many bytes of content stand where [`Step::Fill`] wanted them. None are no progress: a caller whose content
    /// has ended too early abandons the exchange.
    pub fn filled(&mut self, bytes: usize) {
        if self.sending == Sending::Content {
            self.ready = self.ready.saturating_add(bytes);
            self.content = self.content.saturating_add(bytes as u64);
            self.place = self.place.saturating_sub(bytes as u64);
            if self.place == 0 {
                self.sending = Sending::After;
            }
        }
    }

    /// The peer has closed its side; no more bytes will come.
    pub const fn end_of_stream(&mut self) {
        self.ended = true;
    }

    /// Writing failed. Returns whether an early answer may still be read from the link.
    pub fn write_failed(&mut self) -> bool {
        let first = self.sending != Sending::Abandoned;
        self.sending = Sending::Abandoned;
        self.content_written = 0;
        first && !self.ended
    }

    /// Why an exchange that consumes nothing of a full receive buffer cannot go on.
    pub fn overflow(&self, rx: &[u8]) -> ResponseError {
        self.reader.overflow(rx)
    }

    /// Moves the exchange. Returns how many bytes of `rx` were consumed, too; an unchanged call without new bytes
    /// changes nothing.
    ///
    /// # Errors
    /// [`ExchangeError`]; the exchange and its connection are of no use after one.
    pub fn poll<'i>(
        &mut self,
        message: &dyn Message,
        rx: &'i [u8],
        tx: &mut [u8],
    ) -> Result<(usize, Step<'i>), ExchangeError> {
        self.heard |= !rx.is_empty();
        if self.is_sending() {
            // An answer before the request's end is the answer (RFC 9112 section 9.5).
            if self.heard || self.ended {
                let (consumed, step) = self.receive(rx)?;
                if !matches!(step, Step::Read) {
                    return Ok((consumed, step));
                }
            }
            if let Some(step) = self.transmit(message, tx)? {
                return Ok((0, step));
            }
        }
        self.receive(rx)
    }

    fn is_sending(&self) -> bool {
        !matches!(self.sending, Sending::Complete | Sending::Abandoned)
    }

    /// The next piece, as large as the transmit buffer if there is so much.
    fn transmit<'i>(&mut self, message: &dyn Message, tx: &mut [u8]) -> Result<Option<Step<'i>>, ExchangeError> {
        if self.sending == Sending::Before && self.put(message, tx)? {
            self.place = message.content();
            self.sending = if self.place == 0 { Sending::After } else { Sending::Content };
        }
        if self.sending == Sending::Content && self.ready < tx.len() {
            let room = usize::try_from(self.place).unwrap_or(usize::MAX);
            let end = self.ready.saturating_add(room).min(tx.len());
            return Ok(Some(Step::Fill { at: self.ready, end, offset: self.content }));
        }
        if self.sending == Sending::After && self.put(message, tx)? {
            self.sending = Sending::Complete;
        }
        let length = core::mem::take(&mut self.ready);
        self.content_written = self.content;
        let more = self.is_sending();
        match length {
            0 if more => Err(ExchangeError::NoTransmitBuffer),
            0 => Ok(None),
            length => Ok(Some(Step::Transmit { length, more })),
        }
    }

    /// Puts what the message writes now, as far as it is not written, behind what is ready. Returns whether that was
    /// the last of it.
    fn put(&mut self, message: &dyn Message, tx: &mut [u8]) -> Result<bool, ExchangeError> {
        let mut window = Window::new(self.place, tx.get_mut(self.ready..).unwrap_or_default());
        let written = match self.sending {
            Sending::Before => message.write(&mut window),
            _ => message.write_after(&mut window),
        };
        if written == Err(WriteError::NotConvertible) {
            return Err(ExchangeError::NotConvertible);
        }
        self.ready = self.ready.saturating_add(window.len());
        self.place = self.place.saturating_add(window.len() as u64);
        Ok(written.is_ok())
    }

    fn receive<'i>(&mut self, rx: &'i [u8]) -> Result<(usize, Step<'i>), ExchangeError> {
        let (consumed, part) = self.reader.read(rx, self.ended).map_err(ExchangeError::Response)?;
        let step = match part {
            Part::More => Step::Read,
            Part::Interim(head) => Step::Interim(head),
            Part::Head(head) => {
                if self.is_sending() {
                    self.sending = Sending::Abandoned;
                }
                Step::Head(head)
            }
            Part::Body(data) => Step::Body(data),
            // Bytes after the response belong to nothing that was asked for.
            Part::End => Step::End {
                persists: self.reader.persists()
                    && self.sending == Sending::Complete
                    && !self.ended
                    && consumed == rx.len(),
            },
        };
        Ok((consumed, step))
    }
}

#[cfg(test)]
mod tests;
