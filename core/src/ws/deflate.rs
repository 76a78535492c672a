//! Compressed messages: permessage-deflate (RFC 7692), in memory that the caller gives. With the feature
//! `permessage-deflate`.
//!
//! 1. [`Parameters::write_field`] writes the offer into the handshake's request, beside
//!    [`write_fields`](super::handshake::write_fields).
//! 2. [`check_offer`] checks the answer, and says which [`Parameters`] hold, or that
//!    messages are not compressed: then all is as without this module.
//! 3. [`Inflater::read`] takes the place of [`Connection::read`]. What it shows is plain.
//! 4. [`Deflater::send`] takes the place of [`Connection::send`]; but each message may as well be sent uncompressed, by
//!    `Connection::send`. Everything else is the connection's own.
//!
//! A message's size is to be limited by its plain bytes. Each call of `read` makes no more of them than the window holds,
//! whatever was compressed, so a limit that is checked after each piece bounds memory and work (section 8 speaks of
//! neither).

mod compress;
mod huffman;
mod inflate;
mod negotiation;

pub use inflate::Tables;
pub use negotiation::{Parameters, WindowBits, check_offer};

use core::borrow::BorrowMut;

use super::connection::{Connection, Incoming, SendError, Sent};
use super::frame::RSV1;
use super::mask::Mask;
use super::violation::Violation;
use compress::{Compress, LEAST_ROOM};
use inflate::{Inflate, Then};

/// Reads the messages of a connection on which permessage-deflate was agreed on. Its window is borrowed or owned: a slice,
/// an array, a box; so are its tables.
#[derive(Debug)]
pub struct Inflater<W, T = Tables> {
    inflate: Inflate<W, T>,
    keep: bool,
    /// More may come without further input: the window was full.
    full: bool,
    /// At the end of a message: what is still to be taken of [`TAIL`].
    tail: Option<&'static [u8]>,
    /// What is to be said after the bytes before it.
    fault: Option<Violation>,
}

/// Memory of bytes, borrowed or owned: `&mut [u8]`, an array, a box, a vector. Its length stays what it is.
pub trait Bytes: AsRef<[u8]> + AsMut<[u8]> {}

impl<M: AsRef<[u8]> + AsMut<[u8]>> Bytes for M {}

/// Memory of table entries, borrowed or owned as [`Bytes`] are.
pub trait Heads: AsRef<[u16]> + AsMut<[u16]> {}

impl<M: AsRef<[u16]> + AsMut<[u16]>> Heads for M {}

/// What a sender leaves out at the end of a message (section 7.2.2).
const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

/// The window is smaller than the server's, or too small for any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowTooSmall;

impl<W: Bytes> Inflater<W> {
    /// For a connection with these `parameters`. `window` is as large as the server's, [`WindowBits::bytes`] of
    /// `server_max_window_bits`, or larger.
    ///
    /// # Errors
    /// [`WindowTooSmall`]: the server compresses with a larger one. Offering no more than there is prevents it.
    pub fn new(parameters: &Parameters, window: W) -> Result<Self, WindowTooSmall> {
        Self::with_tables(parameters, window, Tables::new())
    }
}

impl<W: Bytes, T: BorrowMut<Tables>> Inflater<W, T> {
    /// As [`new`](Inflater::new), with tables that are borrowed, or elsewhere: they are most of what it is.
    ///
    /// # Errors
    /// As there.
    pub fn with_tables(parameters: &Parameters, window: W, tables: T) -> Result<Self, WindowTooSmall> {
        let size = parameters.server_max_window_bits.bytes();
        if window.as_ref().len() < size {
            return Err(WindowTooSmall);
        }
        let inflate = Inflate::new(window, size, tables);
        Ok(Self { inflate, keep: !parameters.server_no_context_takeover, full: false, tail: None, fault: None })
    }

    /// As [`Connection::read`], with the data of compressed messages made plain. A piece borrows from the window then;
    /// it has no more bytes than that, and no bytes have been consumed for some.
    ///
    /// # Errors
    /// As there. Text is checked when it is plain. Compressed data that is malformed or cut short is
    /// [`Violation::Compression`].
    pub fn read<'i>(
        &'i mut self,
        connection: &mut Connection,
        rx: &'i [u8],
    ) -> Result<(usize, Incoming<'i>), Violation> {
        if !connection.is_open() {
            // Nothing more is shown.
            (self.full, self.tail, self.fault) = (false, None, None);
        }
        if let Some(fault) = self.fault {
            return Err(connection.fail(fault));
        }
        let mut consumed = 0_usize;
        loop {
            let mut input: &[u8] = &[];
            let mut fin = false;
            if let Some(tail) = self.tail.filter(|_| !self.full) {
                input = tail;
            } else if !self.full {
                let (length, incoming) = connection.read_with(rx.get(consumed..).unwrap_or_default(), RSV1)?;
                consumed = consumed.saturating_add(length);
                match incoming {
                    Incoming::Data { data, fin: end, .. } if connection.is_compressed() => (input, fin) = (data, end),
                    plain => return Ok((consumed, plain)),
                }
            }
            let piece = self.inflate.run(input);
            self.full = piece.then == Then::Full;
            let left = input.len().saturating_sub(piece.taken);
            let mut end = false;
            if let Some(tail) = self.tail {
                let tail = tail.get(piece.taken..).unwrap_or_default();
                self.tail = Some(tail);
                end = tail.is_empty() && piece.then == Then::Starved;
            } else {
                connection.put_back(fin, left);
                consumed = consumed.saturating_sub(left);
                self.tail = (fin && left == 0).then_some(TAIL);
            }
            if piece.then == Then::Malformed || end && !self.inflate.is_at_boundary() {
                self.fault = Some(Violation::Compression);
                end = false;
            }
            let plain = self.inflate.plain(piece.plain.clone());
            let checked = connection.check_plain(plain, end);
            let (shown, end) = match checked {
                Ok(()) => (plain.len(), end),
                Err(valid) => {
                    self.fault = Some(Violation::NotUtf8);
                    (valid, false)
                }
            };
            if end {
                self.tail = None;
                if !self.keep {
                    self.inflate.forget();
                }
            }
            if end || shown > 0 {
                let start = piece.plain.start;
                let data = self.inflate.plain(start..start.saturating_add(shown));
                return Ok((consumed, Incoming::Data { text: connection.is_text(), data, fin: end }));
            }
            if let Some(fault) = self.fault {
                return Err(connection.fail(fault));
            }
        }
    }
}

/// Sends compressed messages over a connection on which permessage-deflate was agreed on.
#[derive(Debug)]
pub struct Deflater<W, H> {
    compress: Compress<W, H>,
    keep: bool,
}

impl<W: Bytes, H: Heads> Deflater<W, H> {
    /// For a connection with these `parameters`.
    ///
    /// Of `window` it uses the largest power of two, from 256 bytes to what was agreed on: so far back it looks for
    /// repetitions. Of `heads`, by which it finds them, the largest power of two, up to 65,536; one entry for each two
    /// bytes of the window is a good number. What is in them does not matter.
    ///
    /// # Errors
    /// [`WindowTooSmall`]: less than 256 bytes.
    pub fn new(parameters: &Parameters, window: W, heads: H) -> Result<Self, WindowTooSmall> {
        let bits = WindowBits::within(window.as_ref().len()).ok_or(WindowTooSmall)?;
        let size = bits.min(parameters.client_max_window_bits).bytes();
        Ok(Self { compress: Compress::new(window, size, heads), keep: !parameters.client_no_context_takeover })
    }

    /// As [`Connection::send`], compressed. A message is sent by this or by that, not by both; `tx` has room for 22 bytes
    /// at least. Data that does not compress becomes longer by up to an eighth: send it as it is.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send(
        &mut self,
        connection: &mut Connection,
        text: bool,
        data: &[u8],
        fin: bool,
        mask: Mask,
        tx: &mut [u8],
    ) -> Result<Sent, SendError> {
        connection.send_compressed((text, data, fin), mask, tx, LEAST_ROOM, |data, fin, room| {
            let (taken, written) = self.compress.run(data, fin, room);
            if fin && taken == data.len() && !self.keep {
                self.compress.forget();
            }
            (taken, written)
        })
    }
}

impl core::fmt::Display for WindowTooSmall {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the window is too small for what was agreed on")
    }
}

impl core::error::Error for WindowTooSmall {}

#[cfg(test)]
mod tests;
