//! Frames on the wire (RFC 6455 section 5.2): a server's headers read, a client's frames written.
//!
//! ```text
//!  First --FIN, RSV, opcode--> Second --7-bit length, a whole header--> First
//!                                |--126, 127--> Length --2 or 8 bytes, a whole header--> First
//! ```

#[cfg(feature = "permessage-deflate")]
use core::cell::Cell;

use super::mask::Mask;
use super::violation::Violation;
use crate::sink::{Sink, Window};

/// The longest payload of a control frame, in bytes (section 5.5).
pub const MAX_CONTROL: usize = 125;

/// The longest header of a client's frame, in bytes; the shortest has [`MIN_HEADER`].
pub const MAX_HEADER: usize = 14;

/// The header of a client's frame with up to 125 bytes of payload, in bytes.
pub const MIN_HEADER: usize = 6;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message under way.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The last frame of this side.
    Close = 0x8,
    /// Asks for a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping, or says that this side is alive.
    Pong = 0xa,
}

impl Opcode {
    const fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it is a control frame, which may stand between the fragments of a message.
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// The header of a server's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it is the last frame of its message.
    pub fin: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// Bytes of payload, below 2^63.
    pub length: u64,
}

/// Reads the header of one frame after the other, in any pieces.
///
/// It refuses what section 5 forbids, at the first byte that shows it, within a header and in the order of headers.
#[derive(Clone, Copy, Debug)]
pub struct HeaderReader {
    stage: Stage,
    header: Header,
    /// A message has begun and not ended.
    fragmented: bool,
    /// The message that began last has [`RSV1`].
    compressed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Second,
    Length {
        /// Bytes of the length still to come.
        missing: u8,
        /// What does not fit a shorter form.
        least: u32,
    },
}

impl Default for HeaderReader {
    fn default() -> Self {
        Self::new()
    }
}

impl HeaderReader {
    /// Before the first frame.
    pub const fn new() -> Self {
        let header = Header { fin: true, opcode: Opcode::Continuation, length: 0 };
        Self { stage: Stage::First, header, fragmented: false, compressed: false }
    }

    /// Reads up to the end of a header, which `rx` continues. Returns how many bytes were consumed, too; those after a
    /// header are its payload's.
    ///
    /// # Errors
    /// [`Violation`]; the reader is of no use after one.
    pub fn read(&mut self, rx: &[u8]) -> Result<(usize, Option<Header>), Violation> {
        self.read_with(rx, 0)
    }

    /// As [`read`](Self::read), where an extension uses these bits of a message's first byte.
    pub(super) fn read_with(&mut self, rx: &[u8], extension: u8) -> Result<(usize, Option<Header>), Violation> {
        let mut rest = rx;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            self.stage = self.step(*byte, extension)?;
            if self.stage == Stage::First {
                if !self.header.opcode.is_control() {
                    self.fragmented = !self.header.fin;
                }
                return Ok((rx.len().saturating_sub(rest.len()), Some(self.header)));
            }
        }
        Ok((rx.len(), None))
    }

    /// Whether the message that began last has [`RSV1`].
    pub(super) const fn is_compressed(&self) -> bool {
        self.compressed
    }

    fn step(&mut self, byte: u8, extension: u8) -> Result<Stage, Violation> {
        match self.stage {
            Stage::First => self.first(byte, extension),
            Stage::Second => self.second(byte),
            Stage::Length { missing, least } => {
                // At most eight bytes, so that nothing is shifted out.
                self.header.length = self.header.length << 8 | u64::from(byte);
                match missing {
                    2.. => Ok(Stage::Length { missing: missing.saturating_sub(1), least }),
                    _ if self.header.length < u64::from(least) => Err(Violation::OverlongLength),
                    _ if self.header.length > i64::MAX as u64 => Err(Violation::LengthTopBit),
                    _ => Ok(Stage::First),
                }
            }
        }
    }

    fn first(&mut self, byte: u8, extension: u8) -> Result<Stage, Violation> {
        check_reserved_bits(byte, extension)?;
        let opcode = Opcode::of(byte & 0x0f).ok_or(Violation::ReservedOpcode)?;
        let fin = byte & FIN != 0;
        match opcode {
            Opcode::Close | Opcode::Ping | Opcode::Pong if !fin => return Err(Violation::FragmentedControl),
            Opcode::Continuation if !self.fragmented => return Err(Violation::UnexpectedContinuation),
            Opcode::Text | Opcode::Binary if self.fragmented => return Err(Violation::InterleavedMessage),
            _ => {}
        }
        if matches!(opcode, Opcode::Text | Opcode::Binary) {
            self.compressed = byte & RSV1 != 0;
        }
        self.header = Header { fin, opcode, length: 0 };
        Ok(Stage::Second)
    }

    fn second(&mut self, byte: u8) -> Result<Stage, Violation> {
        if byte & MASKED != 0 {
            return Err(Violation::Masked);
        }
        if byte > MAX_SHORT && self.header.opcode.is_control() {
            return Err(Violation::LongControl);
        }
        Ok(match byte {
            TWO_BYTES => Stage::Length { missing: 2, least: MAX_SHORT as u32 + 1 },
            EIGHT_BYTES => Stage::Length { missing: 8, least: u16::MAX as u32 + 1 },
            length => {
                self.header.length = length.into();
                Stage::First
            }
        })
    }
}

/// No bit is used but those of an agreed extension, on the first frame of a message (RFC 7692 section 6.1).
const fn check_reserved_bits(first: u8, extension: u8) -> Result<(), Violation> {
    let begins = first & 0x0f == Opcode::Text as u8 || first & 0x0f == Opcode::Binary as u8;
    let used = if begins { extension } else { 0 };
    if first & 0x70 & !used == 0 { Ok(()) } else { Err(Violation::ReservedBit) }
}

/// The first reserved bit, by which permessage-deflate says that a message is compressed.
pub(super) const RSV1: u8 = 0x40;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// The longest payload whose length is in the second byte.
const MAX_SHORT: u8 = 125;
/// Instead of a length: it is in the two bytes that follow, or in the eight.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// The longest payload of a client's frame that, with its header, fits so many bytes; `None` where no frame does.
pub fn payload_room(bytes: usize) -> Option<usize> {
    let short = bytes.checked_sub(MIN_HEADER)?.min(MAX_SHORT.into());
    let medium = bytes.saturating_sub(MIN_HEADER + 2).min(u16::MAX.into());
    let long = bytes.saturating_sub(MAX_HEADER);
    Some(short.max(medium).max(long))
}

/// Writes a client's frame, its length in the shortest form and its payload masked, to the start of `tx`. Returns its
/// length, or `None` where it does not fit; `tx` is as it was then.
pub fn write(fin: bool, opcode: Opcode, payload: &[u8], mut mask: Mask, tx: &mut [u8]) -> Option<usize> {
    if payload.len() > payload_room(tx.len())? {
        return None;
    }
    let first = if fin { FIN | opcode as u8 } else { opcode as u8 };
    let header = write_header(first, payload.len(), &mask, tx);
    let masked = mask.copy(payload, tx.get_mut(header..)?);
    Some(header.saturating_add(masked))
}

/// Writes the header of a frame that fits to the start of `tx`. Returns its length.
fn write_header(first: u8, length: usize, mask: &Mask, tx: &mut [u8]) -> usize {
    let bytes = (length as u64).to_be_bytes();
    let (form, extended): (u8, &[u8]) = match (length, &bytes) {
        (0..=0x7d, [.., short]) => (*short, &[]),
        (0x7e..=0xffff, [.., high, low]) => (TWO_BYTES, &[*high, *low]),
        _ => (EIGHT_BYTES, &bytes),
    };
    let mut header = Window::new(0, tx);
    // There is room for all of it.
    let _ =
        header.put(&[first, MASKED | form]).and_then(|()| header.put(extended)).and_then(|()| header.put(&mask.key()));
    header.len()
}

/// Writes a client's data frame of a compressed message around a payload that `fill` writes to the room that it is given,
/// and tells the length of, and whether it is the message's last. Returns the frame's length, or `None` where there is no
/// room of `least` bytes.
#[cfg(feature = "permessage-deflate")]
pub(super) fn write_compressed(
    opcode: Opcode,
    least: usize,
    mask: Mask,
    tx: &mut [u8],
    fill: impl FnOnce(&mut [u8]) -> (usize, bool),
) -> Option<usize> {
    let room = payload_room(tx.len()).filter(|room| *room >= least)?;
    // Behind the longest header that there may be: once the length is known, the payload moves up to its own.
    let start = tx.len().saturating_sub(room).min(MAX_HEADER);
    let (length, fin) = fill(tx.get_mut(start..)?.get_mut(..room)?);
    let last = if fin { FIN } else { 0 };
    let begins = if opcode == Opcode::Continuation { 0 } else { RSV1 };
    let header = write_header(last | begins | opcode as u8, length, &mask, tx);
    mask.apply(tx.get_mut(start..)?.get_mut(..length)?);
    if header < start {
        let cells = Cell::from_mut(tx).as_slice_of_cells();
        for (to, from) in cells.get(header..)?.iter().zip(cells.get(start..)?).take(length) {
            to.set(from.get());
        }
    }
    Some(header.saturating_add(length))
}

#[cfg(test)]
mod tests;
