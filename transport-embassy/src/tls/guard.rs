//! The record layer's outer side: what embedded-tls gets to see of a link.

use core::cell::Cell;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embedded_io::{Error as _, ErrorKind, ErrorType};
use embedded_io_async::{Read, Write};

use super::cipher::{AFTER_HANDSHAKE, ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, IN_HANDSHAKE, VERSION};
use crate::link::Link;

/// What a read of the guard is for. One byte of the caller's memory is the line between the session, which sets it, and
/// the guard, which embedded-tls owns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Handshake,
    /// Records are read.
    Records,
    /// Records are read as long as there are any: at the boundary behind the last the answer is [`READABLE`].
    Ready,
    /// Waits until a record can be read, and says so with [`READABLE`]. Nothing is read, so that the wait can be given up.
    Wait,
}

/// The line between a session and its guard.
#[derive(Clone, Copy)]
pub(super) struct Line<'b>(&'b Cell<u8>);

impl<'b> Line<'b> {
    pub(super) fn over(byte: &'b mut u8) -> Self {
        let line = Self(Cell::from_mut(byte));
        line.set(Mode::Handshake);
        line
    }

    pub(super) fn set(self, mode: Mode) {
        self.0.set(mode as u8);
    }

    fn is(self, mode: Mode) -> bool {
        self.0.get() == mode as u8
    }
}

/// The peer broke the rules of the record layer.
pub(super) const BROKEN_RULE: ErrorKind = ErrorKind::InvalidData;
/// What came first is no TLS at all.
pub(super) const NOT_TLS: ErrorKind = ErrorKind::Unsupported;
/// The answer to [`Mode::Wait`], and where [`Mode::Ready`] would wait.
pub(super) const READABLE: ErrorKind = ErrorKind::Interrupted;

/// The longest TLSCiphertext (RFC 8446 section 5.2).
const LONGEST_CIPHERTEXT: usize = (1 << 14) + 256;
/// A content type and a tag.
const SHORTEST_CIPHERTEXT: usize = 17;
/// The longest TLSPlaintext (RFC 8446 section 5.1).
const LONGEST_PLAINTEXT: usize = 1 << 14;
/// Records that one key may protect in each direction; beyond that a key update is due (RFC 8446 section 5.5), which
/// embedded-tls does not have.
const RECORDS: u32 = 1 << 24;

const HEADER: usize = 5;

/// Hands records on one by one, header first, and only those that have a place in the handshake or after it:
///
/// - before ServerHello, one plaintext handshake record, or an alert;
/// - after it, during the handshake: ciphertext, and one change_cipher_spec (RFC 8446 appendix D.4);
/// - after the handshake: ciphertext.
///
/// Ciphertext without room for a content type and a tag, or beyond the limit, is refused.
pub(super) struct Guard<'b, L> {
    link: L,
    line: Line<'b>,
    header: [u8; HEADER],
    /// How many bytes of the header have come, and how many were handed on.
    came: usize,
    handed: usize,
    /// What is left of the record's body.
    body: usize,
    keyed: bool,
    /// A change_cipher_spec has come.
    changed: bool,
    received: u32,
    sent: u32,
}

impl<'b, L: Link> Guard<'b, L> {
    pub(super) fn new(link: L, line: Line<'b>) -> Self {
        Self {
            link,
            line,
            header: [0; HEADER],
            came: 0,
            handed: 0,
            body: 0,
            keyed: false,
            changed: false,
            received: 0,
            sent: 0,
        }
    }

    pub(super) fn into_link(self) -> L {
        self.link
    }

    async fn read_header(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        if self.came == 0 && self.line.is(Mode::Wait) {
            self.link.readable().await;
            return Err(READABLE);
        }
        if self.came == 0 && self.line.is(Mode::Ready) && !is_readable(&mut self.link).await {
            return Err(READABLE);
        }
        while self.came < HEADER {
            let space = self.header.get_mut(self.came..).unwrap_or_default();
            match read(&mut self.link, space).await? {
                0 if self.came == 0 && self.received == 0 => return Err(NOT_TLS),
                0 => return Ok(0),
                read => self.came = self.came.saturating_add(read),
            }
            if self.came >= HEADER {
                self.check()?;
            }
        }
        let rest = self.header.get(self.handed..).unwrap_or_default();
        let handed = rest.iter().zip(buf.iter_mut()).map(|(from, to)| *to = *from).count();
        self.handed = self.handed.saturating_add(handed);
        Ok(handed)
    }

    async fn read_body(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let length = buf.len().min(self.body);
        let space = buf.get_mut(..length).unwrap_or_default();
        let read = read(&mut self.link, space).await?;
        let [kind, ..] = self.header;
        if kind == CHANGE_CIPHER_SPEC && read == 1 && space.first() != Some(&1) {
            return Err(BROKEN_RULE);
        }
        self.body = self.body.saturating_sub(read);
        if self.body == 0 {
            (self.came, self.handed) = (0, 0);
        }
        Ok(read)
    }

    /// Judges a header, and marks it for the cipher.
    fn check(&mut self) -> Result<(), ErrorKind> {
        let [kind, major, minor, high, low] = self.header;
        let body = usize::from(u16::from_be_bytes([high, low]));
        let in_handshake = self.line.is(Mode::Handshake);
        if !self.keyed {
            match (kind, body) {
                (CHANGE_CIPHER_SPEC..=APPLICATION_DATA, _) if major != VERSION[0] => return Err(NOT_TLS),
                // With at least the header of a message: ServerHello, or embedded-tls ends it.
                (HANDSHAKE, 4..=LONGEST_PLAINTEXT) => self.keyed = true,
                (ALERT, 2) => {}
                (CHANGE_CIPHER_SPEC..=APPLICATION_DATA, _) => return Err(BROKEN_RULE),
                _ => return Err(NOT_TLS),
            }
        } else {
            match (kind, body) {
                _ if [major, minor] != VERSION => return Err(BROKEN_RULE),
                (APPLICATION_DATA, SHORTEST_CIPHERTEXT..=LONGEST_CIPHERTEXT) => {
                    let [major, minor] = if in_handshake { IN_HANDSHAKE } else { AFTER_HANDSHAKE };
                    self.header = [kind, major, minor, high, low];
                }
                (CHANGE_CIPHER_SPEC, 1) if in_handshake && !self.changed => self.changed = true,
                _ => return Err(BROKEN_RULE),
            }
        }
        self.received = one_more(self.received)?;
        self.body = body;
        Ok(())
    }
}

impl<L> ErrorType for Guard<'_, L> {
    type Error = ErrorKind;
}

impl<L: Link> Read for Guard<'_, L> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        if buf.is_empty() {
            Ok(0)
        } else if self.handed < HEADER {
            self.read_header(buf).await
        } else {
            self.read_body(buf).await
        }
    }
}

impl<L: Link> Write for Guard<'_, L> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        // embedded-tls writes a record at a time; a record that goes in pieces counts more than once.
        self.sent = one_more(self.sent)?;
        loop {
            match self.link.write(buf).await.map_err(|error| error.kind()) {
                // The provided `write_all` panics at this.
                Ok(0) if !buf.is_empty() => return Err(ErrorKind::WriteZero),
                Ok(written) => return Ok(written.min(buf.len())),
                Err(ErrorKind::Interrupted) => {}
                Err(kind) => return Err(lost(kind)),
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        loop {
            match self.link.flush().await.map_err(|error| error.kind()) {
                Ok(()) => return Ok(()),
                Err(ErrorKind::Interrupted) => {}
                Err(kind) => return Err(lost(kind)),
            }
        }
    }
}

/// Whether there is something to read now.
async fn is_readable(link: &mut impl Link) -> bool {
    let mut readable = pin!(link.readable());
    poll_fn(|context| Poll::Ready(readable.as_mut().poll(context).is_ready())).await
}

async fn read(link: &mut impl Read, space: &mut [u8]) -> Result<usize, ErrorKind> {
    loop {
        match link.read(space).await.map_err(|error| error.kind()) {
            Ok(read) => return Ok(read.min(space.len())),
            Err(ErrorKind::Interrupted) => {}
            Err(kind) => return Err(lost(kind)),
        }
    }
}

fn one_more(records: u32) -> Result<u32, ErrorKind> {
    records.checked_add(1).filter(|&records| records <= RECORDS).ok_or(BROKEN_RULE)
}

/// A link's own error, told from those above.
fn lost(kind: ErrorKind) -> ErrorKind {
    match kind {
        BROKEN_RULE | NOT_TLS | READABLE => ErrorKind::Other,
        kind => kind,
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
