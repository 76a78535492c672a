//! A WebSocket after its handshake, as one machine (RFC 6455 sections 5 to 7).
//!
//! | state | how it is reached | [`read`](Connection::read) | [`send`](Connection::send), [`ping`](Connection::ping) |
//! |---|---|---|---|
//! | open | from the start | shows what comes | write frames |
//! | closing | [`close`](Connection::close) | drops everything before the server's Close | refused |
//! | closed | the server's Close came | drops everything | refused |
//! | failed | `read` found a [`Violation`] | returns it again | refused |
//!
//! ```text
//!  open --close()--> closing --server's Close--> closed
//!    |\--server's Close--------------------------^
//!    \--violation--> failed <--violation-- closing
//! ```
//!
//! Every way out of *open* leaves a Close frame waiting for [`write_control`](Connection::write_control), so each side
//! gets one: ours, the echo of the server's, or the one that says what the violation was. Once it is written and the
//! state is closed or failed, [`is_closed`](Connection::is_closed) holds, and the server closes the link (section 7.1.1).
//!
//! The law, for whoever drives it:
//! 1. After each [`read`](Connection::read), drop what was consumed. On [`Incoming::More`] receive more bytes; otherwise
//!    read again.
//! 2. While [`has_control`](Connection::has_control), call `write_control` and transmit the bytes, before the next `read`
//!    if the link takes them: only the newest ping is answered, so that a flood of them costs no memory (section 5.5.3).
//! 3. The bytes of each frame are transmitted in full and in order. Control frames may go between those of `send`.
//! 4. `rx` has room for 125 bytes at least, since a control frame's payload is read as a whole; `tx` for 131, since
//!    one is written as a whole.
//! 5. The end of the link is the driver's to notice: unless the server's Close came before it, the connection was lost
//!    ([`ABNORMAL`](super::close::ABNORMAL)).
//!
//! ```
//! use miniwire_core::ws::connection::{Connection, Incoming};
//! use miniwire_core::ws::mask::Mask;
//!
//! let (mut connection, mut tx) = (Connection::new(), [0; 256]);
//! let mut mask = || Mask::fresh([0; 4]); // four random bytes, each time
//!
//! // A message goes out; in fragments if it is longer than tx.
//! let sent = connection.send(true, b"hello", true, mask(), &mut tx).unwrap();
//! assert_eq!((sent.taken, &tx[..sent.length]), (5, b"\x81\x85\0\0\0\0hello".as_slice()));
//!
//! // One comes in, in two fragments with a ping between them, as the link delivers it.
//! let rx = b"\x01\x03hel\x89\x02hi\x80\x02lo";
//! let (n, incoming) = connection.read(rx).unwrap();
//! assert_eq!((n, incoming), (5, Incoming::Data { text: true, data: b"hel", fin: false }));
//! let rx = &rx[n..];
//! let (n, incoming) = connection.read(rx).unwrap();
//! assert_eq!((n, incoming), (4, Incoming::Ping(b"hi")));
//! let length = connection.write_control(mask(), &mut tx); // the pong
//! assert_eq!(&tx[..length], b"\x8a\x82\0\0\0\0hi");
//! let rx = &rx[n..];
//! let (n, incoming) = connection.read(rx).unwrap();
//! assert_eq!((n, incoming), (4, Incoming::Data { text: true, data: b"lo", fin: true }));
//! assert_eq!(connection.read(&rx[n..]), Ok((0, Incoming::More)));
//!
//! // The closing handshake.
//! connection.close(1000, "done").unwrap();
//! let length = connection.write_control(mask(), &mut tx);
//! assert_eq!(&tx[..length], b"\x88\x86\0\0\0\0\x03\xe8done");
//! assert!(!connection.is_closed());
//! let (_, incoming) = connection.read(b"\x88\x02\x03\xe8").unwrap();
//! assert_eq!(incoming, Incoming::Close { code: 1000, reason: "" });
//! assert!(connection.is_closed()); // the server closes the link now
//! ```

#[cfg(feature = "permessage-deflate")]
mod compressed;

use core::fmt;

use super::close::{self, CloseError};
use super::frame::{self, Header, HeaderReader, MAX_CONTROL, Opcode};
use super::mask::Mask;
use super::violation::Violation;
use crate::sink::copy;
use crate::utf8::Checker;

/// One WebSocket connection.
#[derive(Debug)]
pub struct Connection {
    state: State,
    headers: HeaderReader,
    /// The frame under way, with its bytes that are still to come as its length.
    frame: Option<Header>,
    incoming: Message,
    /// The message of [`Connection::send`] that has not ended.
    outgoing: Option<Message>,
    control: Control,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    Closed,
    Failed(Violation),
}

/// A message under way, in either direction.
#[derive(Clone, Copy, Debug)]
struct Message {
    text: bool,
    /// Of one that is sent.
    compressed: bool,
    checker: Checker,
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'i> {
    /// Nothing more without further bytes.
    More,
    /// A piece of a message: of a frame, what has arrived of it. All pieces of a text message together are UTF-8; a
    /// single one may begin or end within a character.
    Data {
        /// Whether it is a text message, not a binary one.
        text: bool,
        /// The bytes of the piece; of a message's last one perhaps none.
        data: &'i [u8],
        /// Whether it is the last piece.
        fin: bool,
    },
    /// A ping, with its payload. Its pong waits to be written.
    Ping(&'i [u8]),
    /// A pong, with its payload, whether or not it answers a ping of ours.
    Pong(&'i [u8]),
    /// The server's Close, once. Ours waits to be written, unless it has been already.
    Close {
        /// The code; [`NO_CODE`](close::NO_CODE) if there was none.
        code: u16,
        /// The reason, up to 123 bytes, often empty.
        reason: &'i str,
    },
}

/// One frame of a message, written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the rest of the data is to be sent, and the frame to be transmitted"]
pub struct Sent {
    /// Bytes of the data that are in the frame. If there are more, they are for the next call.
    pub taken: usize,
    /// Bytes of `tx` to transmit.
    pub length: usize,
}

/// Why nothing was written; the connection is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closing, closed or failed.
    Closing,
    /// `tx` is too small for this frame, or for one with a byte of data.
    NoRoom,
    /// The message under way is of the other type, or its other part is compressed and this one is not.
    OtherType,
    /// The text is not UTF-8.
    NotUtf8,
    /// The payload of a ping is longer than 125 bytes.
    PingTooLong,
}

impl Default for Connection {
    fn default() -> Self {
        Self::new()
    }
}

impl Connection {
    /// An open connection: the handshake's answer was good, and what follows its head is to be read here.
    pub const fn new() -> Self {
        Self {
            state: State::Open,
            headers: HeaderReader::new(),
            frame: None,
            incoming: Message::new(false),
            outgoing: None,
            control: Control::new(),
        }
    }

    /// Reads up to the next thing to show. Returns how many bytes of `rx` were consumed, too; what came borrows from
    /// them.
    ///
    /// # Errors
    /// [`Violation`], from then on always the same. A Close frame with its code waits to be written, unless ours was
    /// written before; what the server sends does not matter any more (section 7.1.7).
    pub fn read<'i>(&mut self, rx: &'i [u8]) -> Result<(usize, Incoming<'i>), Violation> {
        self.read_with(rx, 0)
    }

    /// As [`read`](Self::read), where an extension uses these bits of a message's first byte. The data of a message that
    /// [is compressed](Self::is_compressed) is shown as it is.
    pub(super) fn read_with<'i>(&mut self, rx: &'i [u8], extension: u8) -> Result<(usize, Incoming<'i>), Violation> {
        if let State::Failed(violation) = self.state {
            return Err(violation);
        }
        self.advance(rx, extension).map_err(|violation| self.fail(violation))
    }

    /// Ends the connection with a Close frame that says so, unless ours was written before.
    pub(super) fn fail(&mut self, violation: Violation) -> Violation {
        if self.state == State::Open || self.control.is_close() {
            self.control.set_close(violation.code(), "");
        }
        self.state = State::Failed(violation);
        violation
    }

    /// Whether a control frame waits for [`write_control`](Self::write_control): a pong or our Close.
    pub const fn has_control(&self) -> bool {
        self.control.waiting.is_some()
    }

    /// Writes the control frame that waits to `tx`. Returns its length; 0 where none waits, or where it is longer than
    /// `tx`, which 131 bytes always suffice for.
    pub fn write_control(&mut self, mask: Mask, tx: &mut [u8]) -> usize {
        let Some(opcode) = self.control.waiting else { return 0 };
        let written = frame::write(true, opcode, self.control.payload(), mask, tx);
        if written.is_some() {
            self.control.waiting = None;
        }
        written.unwrap_or(0)
    }

    /// Writes one frame of a message to `tx`: all of `data`, or what fits.
    ///
    /// A message is one call or several, with the same `text`; `fin` says that it ends with this `data`. Where not all of
    /// that was taken, the frame is a fragment, and the next call has the rest. No data and no `fin` is no frame: its
    /// length is 0.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(&mut self, text: bool, data: &[u8], fin: bool, mask: Mask, tx: &mut [u8]) -> Result<Sent, SendError> {
        let (opcode, mut message) = self.next_frame(text, false)?;
        if data.is_empty() && !fin {
            return Ok(Sent { taken: 0, length: 0 });
        }
        let taken = frame::payload_room(tx.len()).ok_or(SendError::NoRoom)?.min(data.len());
        let fin = fin && taken == data.len();
        if taken == 0 && !fin {
            return Err(SendError::NoRoom);
        }
        let payload = data.get(..taken).unwrap_or_default();
        if !message.check(payload, fin) {
            return Err(SendError::NotUtf8);
        }
        let length = frame::write(fin, opcode, payload, mask, tx).ok_or(SendError::NoRoom)?;
        self.outgoing = if fin { None } else { Some(message) };
        Ok(Sent { taken, length })
    }

    /// Writes a ping to `tx`, with up to 125 bytes of payload, and returns its length. It may go between the fragments of
    /// a message.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn ping(&mut self, payload: &[u8], mask: Mask, tx: &mut [u8]) -> Result<usize, SendError> {
        self.check_open()?;
        if payload.len() > MAX_CONTROL {
            return Err(SendError::PingTooLong);
        }
        frame::write(true, Opcode::Ping, payload, mask, tx).ok_or(SendError::NoRoom)
    }

    /// Begins the closing handshake (section 7.1.2): a Close frame waits to be written, and a pong that waited is dropped.
    /// What the server sends before its own Close is read and not shown.
    ///
    /// # Errors
    /// [`CloseError`]; the connection is as it was.
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), CloseError> {
        close::check(code, reason)?;
        if self.state != State::Open {
            return Err(CloseError::Closing);
        }
        self.control.set_close(code, reason);
        self.state = State::Closing;
        Ok(())
    }

    /// Whether messages and pings can be sent.
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Whether nothing more is to be read or written: both Close frames have passed, or ours after a violation.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed | State::Failed(_)) && !self.has_control()
    }

    /// The opcode of the next frame of a message, and the message.
    fn next_frame(&self, text: bool, compressed: bool) -> Result<(Opcode, Message), SendError> {
        self.check_open()?;
        let (opcode, message) = match self.outgoing {
            Some(message) => (Opcode::Continuation, message),
            None if text => (Opcode::Text, Message { compressed, ..Message::new(true) }),
            None => (Opcode::Binary, Message { compressed, ..Message::new(false) }),
        };
        let same = message.text == text && message.compressed == compressed;
        if same { Ok((opcode, message)) } else { Err(SendError::OtherType) }
    }

    const fn check_open(&self) -> Result<(), SendError> {
        if self.is_open() { Ok(()) } else { Err(SendError::Closing) }
    }

    /// Reads frames until there is something to show. Each turn consumes a header, or ends.
    fn advance<'i>(&mut self, rx: &'i [u8], extension: u8) -> Result<(usize, Incoming<'i>), Violation> {
        let mut rest = rx;
        while self.state != State::Closed {
            let header = match self.frame {
                Some(header) => header,
                None => {
                    let (read, header) = self.headers.read_with(rest, extension)?;
                    rest = rest.get(read..).unwrap_or_default();
                    let Some(header) = header else { break };
                    self.begin(header);
                    header
                }
            };
            let (payload, last) = first_bytes(rest, header.length);
            let (length, shown) = if !header.opcode.is_control() {
                self.data(header, payload, last)?
            } else if last {
                self.frame = None;
                (payload.len(), self.control(header.opcode, payload)?)
            } else {
                break;
            };
            rest = rest.get(length..).unwrap_or_default();
            if let Some(incoming) = shown {
                return Ok((rx.len().saturating_sub(rest.len()), incoming));
            }
            if rest.is_empty() {
                break;
            }
        }
        // After the server's Close, what follows is dropped (section 5.5.1).
        let kept = if self.state == State::Closed { 0 } else { rest.len() };
        Ok((rx.len().saturating_sub(kept), Incoming::More))
    }

    fn begin(&mut self, header: Header) {
        self.frame = Some(header);
        match header.opcode {
            Opcode::Text => self.incoming = Message::new(true),
            Opcode::Binary => self.incoming = Message::new(false),
            _ => {}
        }
    }

    /// Takes the part of a data frame that has arrived; `last` if that is its end. Returns how much was taken and is
    /// shown.
    ///
    /// Text before a fault is shown all the same, so that it does not matter in which pieces it came.
    fn data<'i>(
        &mut self,
        header: Header,
        payload: &'i [u8],
        last: bool,
    ) -> Result<(usize, Option<Incoming<'i>>), Violation> {
        let fin = header.fin && last;
        let mut message = self.incoming;
        // What is compressed is checked when it is plain.
        let (data, fin) = if self.headers.is_compressed() || message.check(payload, fin) {
            (payload, fin)
        } else {
            message = self.incoming;
            let valid = message.check_valid(payload);
            if valid.is_empty() {
                return Err(Violation::NotUtf8);
            }
            (valid, false)
        };
        self.incoming = message;
        let length = header.length.saturating_sub(data.len() as u64);
        self.frame = (length > 0).then_some(Header { length, ..header });
        let shown = self.state == State::Open && (fin || !data.is_empty());
        Ok((data.len(), shown.then_some(Incoming::Data { text: message.text, data, fin })))
    }

    /// Takes a whole control frame. Returns what is shown.
    fn control<'i>(&mut self, opcode: Opcode, payload: &'i [u8]) -> Result<Option<Incoming<'i>>, Violation> {
        if opcode == Opcode::Close {
            let (code, reason) = close::parse(payload)?;
            if self.state == State::Open {
                self.control.set_close(code, "");
            }
            self.state = State::Closed;
            return Ok(Some(Incoming::Close { code, reason }));
        }
        if self.state != State::Open {
            return Ok(None);
        }
        if opcode == Opcode::Pong {
            return Ok(Some(Incoming::Pong(payload)));
        }
        self.control.set(Opcode::Pong, payload, b"");
        Ok(Some(Incoming::Ping(payload)))
    }
}

/// The first `length` bytes, or as many as there are; and whether that is all of them.
fn first_bytes(bytes: &[u8], length: u64) -> (&[u8], bool) {
    match usize::try_from(length).ok().and_then(|length| bytes.get(..length)) {
        Some(all) => (all, true),
        None => (bytes, false),
    }
}

impl Message {
    const fn new(text: bool) -> Self {
        Self { text, compressed: false, checker: Checker::new() }
    }

    /// Whether the message may go on with `data`, and end there if it is `fin`.
    fn check(&mut self, data: &[u8], fin: bool) -> bool {
        !self.text || (self.checker.push(data).is_ok() && (!fin || self.checker.finish().is_ok()))
    }

    /// Of data that [`check`](Self::check) refused, what precedes the fault: the first bad byte, or the last byte where
    /// the message ends within a character.
    fn check_valid<'i>(&mut self, data: &'i [u8]) -> &'i [u8] {
        let before = data.split_last().map_or(data, |(_, before)| before);
        let valid = before.iter().take_while(|byte| {
            let mut next = self.checker;
            let good = next.push(core::slice::from_ref(byte)).is_ok();
            if good {
                self.checker = next;
            }
            good
        });
        let valid = valid.count();
        data.get(..valid).unwrap_or_default()
    }
}

/// The one control frame that may wait.
#[derive(Debug)]
struct Control {
    waiting: Option<Opcode>,
    length: u8,
    payload: [u8; MAX_CONTROL],
}

impl Control {
    const fn new() -> Self {
        Self { waiting: None, length: 0, payload: [0; MAX_CONTROL] }
    }

    const fn is_close(&self) -> bool {
        matches!(self.waiting, Some(Opcode::Close))
    }

    fn payload(&self) -> &[u8] {
        self.payload.get(..self.length.into()).unwrap_or_default()
    }

    /// Puts this frame in the place of one that waits. The payload is that of a frame that was checked: it fits.
    fn set(&mut self, opcode: Opcode, start: &[u8], end: &[u8]) {
        let first = copy(start, &mut self.payload);
        let second = copy(end, self.payload.get_mut(first..).unwrap_or_default());
        self.length = first.saturating_add(second) as u8;
        self.waiting = Some(opcode);
    }

    fn set_close(&mut self, code: u16, reason: &str) {
        let bytes = code.to_be_bytes();
        let body: &[u8] = if code == close::NO_CODE { &[] } else { &bytes };
        self.set(Opcode::Close, body, reason.as_bytes());
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closing => "the connection is closing or closed",
            Self::NoRoom => "the transmit buffer is too small for a frame",
            Self::OtherType => "the message under way is of the other type",
            Self::NotUtf8 => "the text to send is not UTF-8",
            Self::PingTooLong => "the payload of a ping is longer than 125 bytes",
        })
    }
}

impl core::error::Error for SendError {}

#[cfg(test)]
mod tests;
