//! The chunked transfer coding, decoded in place (RFC 9112 section 7.1).
//!
//! ```text
//!  Size --LF--> Data --all--> DataCr --> DataLf --> Size
//!    \--LF, size 0--> FieldStart --CR--> EndLf --> Done
//!                       ^  \--> FieldName --> FieldValue --> FieldLf
//!                       \_______________________________________/
//! ```
//!
//! ```
//! use miniwire_core::http::chunked::{Decoded, Decoder};
//!
//! let (mut decoder, coded) = (Decoder::new(), b"2;ext=1\r\nhi\r\n0\r\nTrailer: x\r\n\r\nnext");
//! let (first, decoded) = decoder.decode(coded).unwrap();
//! assert_eq!(decoded, Decoded::Data(b"hi"));
//! let (second, decoded) = decoder.decode(&coded[first..]).unwrap();
//! assert_eq!(decoded, Decoded::End);
//! assert_eq!(&coded[first + second..], b"next");
//! ```
//!
//! Extensions and trailer fields are checked and dropped; nothing has to be buffered, so they need no memory.

use crate::digits::hex_digit;
use crate::scan::{is_text, is_token};

/// The coding is malformed, or an extension or the trailer section is longer than [`MAX_OVERHEAD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadChunk;

/// The longest chunk-size line, and the longest trailer section, in bytes.
///
/// Both carry nothing that is kept; a limit keeps a peer from sending them for ever.
pub const MAX_OVERHEAD: u16 = 8192;

/// Decodes one chunked body.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    state: State,
    /// Bytes of the chunk that are still to come.
    remaining: u64,
    /// Bytes of the size line or of the trailer section so far.
    overhead: u16,
}

/// What came next in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<'i> {
    /// Nothing yet; every byte was consumed.
    More,
    /// Bytes of the body.
    Data(&'i [u8]),
    /// The body has ended; the bytes after it were not consumed.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The first digit of a size.
    SizeStart,
    /// More digits.
    Size,
    /// White space that must lead to an extension.
    BeforeExtension,
    /// An extension; its grammar does not matter, only its bytes.
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    FieldStart,
    FieldName,
    FieldValue,
    FieldLf,
    EndLf,
    Done,
}

/// The part of `rx` that belongs to a body of which so much is still to come, and takes it off.
// Never inlined: two uses of it.
#[inline(never)]
pub(super) fn take<'i>(remaining: &mut u64, rx: &'i [u8]) -> &'i [u8] {
    let length = usize::try_from(*remaining).unwrap_or(usize::MAX);
    let data = rx.get(..length).unwrap_or(rx);
    // Not more than remains.
    *remaining = remaining.wrapping_sub(data.len() as u64);
    data
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// At the start of a body.
    pub const fn new() -> Self {
        Self { state: State::SizeStart, remaining: 0, overhead: 0 }
    }

    /// Decodes as far as the next bytes of the body. Returns how many bytes of `rx` were consumed, too.
    ///
    /// # Errors
    /// [`BadChunk`] at the first byte that RFC 9112 section 7.1 does not allow. Bare LF, a size without digits, a sign,
    /// white space that no extension follows and a size over 2^64 - 1 are among them.
    pub fn decode<'i>(&mut self, rx: &'i [u8]) -> Result<(usize, Decoded<'i>), BadChunk> {
        let mut rest = rx;
        loop {
            match self.state {
                State::Done => return Ok((rx.len().wrapping_sub(rest.len()), Decoded::End)),
                State::Data => {
                    let before = rx.len().wrapping_sub(rest.len());
                    let data = take(&mut self.remaining, rest);
                    if self.remaining == 0 {
                        self.state = State::DataCr;
                    }
                    let what = if data.is_empty() { Decoded::More } else { Decoded::Data(data) };
                    return Ok((before.wrapping_add(data.len()), what));
                }
                _ => {}
            }
            let Some((byte, after)) = rest.split_first() else { return Ok((rx.len(), Decoded::More)) };
            self.step(*byte)?;
            rest = after;
        }
    }

    // Never inlined: in a large frame it would be larger itself.
    #[inline(never)]
    fn step(&mut self, byte: u8) -> Result<(), BadChunk> {
        self.overhead = self.overhead.saturating_add(1);
        if self.overhead > MAX_OVERHEAD {
            return Err(BadChunk);
        }
        self.state = match (self.state, byte) {
            (State::SizeStart, _) => {
                self.remaining = 0;
                self.digit(byte)?;
                State::Size
            }
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                self.digit(byte)?;
                State::Size
            }
            (State::Size | State::Extension, b'\r') => State::SizeLf,
            (State::Size | State::BeforeExtension, b' ' | b'\t') => State::BeforeExtension,
            (State::Size | State::BeforeExtension, b';') => State::Extension,
            (State::Extension, _) if is_text(byte) => State::Extension,
            (State::SizeLf, b'\n') => {
                self.overhead = 0;
                if self.remaining > 0 { State::Data } else { State::FieldStart }
            }
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => {
                self.overhead = 0;
                State::SizeStart
            }
            (State::FieldStart, b'\r') => State::EndLf,
            (State::FieldStart | State::FieldName, _) if is_token(byte) => State::FieldName,
            (State::FieldName, b':') => State::FieldValue,
            (State::FieldValue, b'\r') => State::FieldLf,
            (State::FieldValue, _) if is_text(byte) => State::FieldValue,
            (State::FieldLf, b'\n') => State::FieldStart,
            (State::EndLf, b'\n') => State::Done,
            _ => return Err(BadChunk),
        };
        Ok(())
    }

    fn digit(&mut self, byte: u8) -> Result<(), BadChunk> {
        let digit = hex_digit(byte).ok_or(BadChunk)?;
        if self.remaining > u64::MAX >> 4 {
            return Err(BadChunk);
        }
        self.remaining = self.remaining << 4 | u64::from(digit);
        Ok(())
    }
}
