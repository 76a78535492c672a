//! Base64 in pieces: the standard alphabet, padded (RFC 4648 section 4), for REQ-12 and SOCK-04/05.
//!
//! An [`Encoder`] or [`Decoder`] takes its input in any pieces and carries what does not fill a group of three bytes or
//! four characters. Each has two ways to hand over output: `push` fills a slice and says how far it got, `put` writes
//! all of it to a [`Sink`].
//!
//! ```
//! use miniwire_core::base64::Encoder;
//! use miniwire_core::sink::{Full, Window};
//!
//! # fn main() -> Result<(), Full> {
//! let mut buf = [0; 16];
//! let mut out = Window::new(0, &mut buf);
//! let mut encoder = Encoder::new();
//! encoder.put(b"any ", &mut out)?;
//! encoder.put(b"bytes", &mut out)?;
//! encoder.finish(&mut out)?;
//! assert_eq!(out.into_filled(), b"YW55IGJ5dGVz");
//! # Ok(())
//! # }
//! ```

use core::fmt;

use crate::sink::{Full, Sink, copy};

/// Groups that `put` converts at a time, on the stack.
const BLOCK: usize = 32;

/// The length of the base64 text of so many bytes; `None` where it is beyond a `u64`.
pub const fn encoded_len(bytes: u64) -> Option<u64> {
    bytes.div_ceil(3).checked_mul(4)
}

/// A bound for the number of bytes in so much base64 text; at most two too many.
pub const fn decoded_len_estimate(text_len: u64) -> u64 {
    // Cannot overflow: three quarters, and `u64::MAX` is a multiple of three.
    text_len.div_ceil(4).saturating_mul(3)
}

/// The number of bytes in a whole base64 text, by its length and padding alone.
///
/// # Errors
/// [`DecodeError::Truncated`] where the length is not a multiple of four. Other errors are left to the [`Decoder`].
pub fn decoded_len(text: &[u8]) -> Result<usize, DecodeError> {
    if !text.len().is_multiple_of(4) {
        return Err(DecodeError::Truncated);
    }
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    Ok((text.len() / 4 * 3).saturating_sub(padding))
}

/// How far one `push` got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that are dealt with: converted, or carried.
    pub read: usize,
    /// Bytes of the output that are filled.
    pub written: usize,
}

/// Bytes to base64.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    carry: Carry<3>,
}

impl Encoder {
    /// An encoder that carries nothing.
    pub const fn new() -> Self {
        Self { carry: Carry::new() }
    }

    /// Encodes as much of `bytes` as `out` takes.
    ///
    /// All of `bytes` is read unless `out` is full; with four free bytes or more there is always progress.
    #[inline(never)]
    pub fn push(&mut self, bytes: &[u8], out: &mut [u8]) -> Progress {
        let mut progress = Progress::default();
        if let held @ 1.. = self.carry.len {
            progress.read = self.carry.fill(bytes);
            if let Some(group) = self.carry.whole() {
                if encode(group, out) == 0 {
                    self.carry.len = held;
                    return Progress::default();
                }
                progress.written = 4;
                self.carry.len = 0;
            }
        }
        let rest = bytes.get(progress.read..).unwrap_or(&[]);
        let groups = encode(rest, out.get_mut(progress.written..).unwrap_or(&mut []));
        progress.read += groups * 3;
        progress.written += groups * 4;
        let tail = rest.get(groups * 3..).unwrap_or(&[]);
        if tail.len() < 3 {
            progress.read += self.carry.fill(tail);
        }
        progress
    }

    /// Encodes all of `bytes`.
    ///
    /// # Errors
    /// [`Full`] when `out` is; the encoder is of no further use.
    pub fn put(&mut self, bytes: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut block = [0; BLOCK * 4];
            let progress = self.push(rest, &mut block);
            out.put(block.get(..progress.written).unwrap_or(&[]))?;
            rest = rest.get(progress.read..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Writes the last group, padded, if one is carried.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn finish(self, out: &mut dyn Sink) -> Result<(), Full> {
        let text = match (self.carry.bytes, self.carry.len) {
            ([first, ..], 1) => {
                let [first, second, ..] = encode_group([first, 0, 0]);
                [first, second, b'=', b'=']
            }
            ([first, second, _], 2) => {
                let [first, second, third, _] = encode_group([first, second, 0]);
                [first, second, third, b'=']
            }
            _ => return Ok(()),
        };
        out.put(&text)
    }
}

/// Base64 to bytes.
///
/// Strict: padding is required, and nothing else may stand in the text, white space included. What precedes the first
/// faulty group of four is handed over all the same, whatever the pieces that the text comes in.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    carry: Carry<4>,
    /// The padded group has come, which is the last.
    ended: bool,
}

/// Why base64 text was not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The sink is full; no fault of the text.
    Full,
    /// A character is not in the standard alphabet.
    Symbol,
    /// `=` before the end, too many of them, or text after them.
    Padding,
    /// The last character has bits set that belong to no byte (RFC 4648 section 3.5).
    TrailingBits,
    /// The text ends within a group of four characters.
    Truncated,
}

impl Decoder {
    /// A decoder that carries nothing.
    pub const fn new() -> Self {
        Self { carry: Carry::new(), ended: false }
    }

    /// Decodes as much of `text` as `out` takes.
    ///
    /// All of `text` is read unless `out` is full or a fault follows; with three free bytes or more there is progress or
    /// an error. Fewer are enough for a padded group that fits.
    ///
    /// # Errors
    /// What is wrong with the very next group; never [`DecodeError::Full`]. Nothing is read then, and it is the same
    /// error again for the same text.
    pub fn push(&mut self, text: &[u8], out: &mut [u8]) -> Result<Progress, DecodeError> {
        let mut progress = Progress::default();
        if let held @ 1.. = self.carry.len {
            let read = self.carry.fill(text);
            if let Some(&group) = self.carry.whole() {
                self.carry.len = held;
                let Some(written) = self.decode_group(&group, out)? else { return Ok(progress) };
                self.carry.len = 0;
                progress.written = written;
            }
            progress.read = read;
        }
        let mut rest = text.get(progress.read..).unwrap_or(&[]);
        let mut free = out.get_mut(progress.written..).unwrap_or(&mut []);
        if !self.ended {
            let groups = decode(rest, free);
            progress.read += groups * 4;
            progress.written += groups * 3;
            rest = rest.get(groups * 4..).unwrap_or(&[]);
            free = free.get_mut(groups * 3..).unwrap_or(&mut []);
        }
        // What is left is a fault, a padded group, or less than a group.
        while let Some((group, tail)) = rest.split_first_chunk() {
            match self.decode_group(group, free) {
                Ok(Some(written)) => {
                    progress.read += group.len();
                    progress.written += written;
                    rest = tail;
                    free = free.get_mut(written..).unwrap_or(&mut []);
                }
                Err(fault) if progress.read == 0 => return Err(fault),
                Ok(None) | Err(_) => return Ok(progress),
            }
        }
        if self.ended && !rest.is_empty() {
            return if progress.read == 0 { Err(DecodeError::Padding) } else { Ok(progress) };
        }
        progress.read += self.carry.fill(rest);
        Ok(progress)
    }

    /// Decodes all of `text`.
    ///
    /// # Errors
    /// [`DecodeError`]; the decoder is of no further use.
    pub fn put(&mut self, text: &[u8], out: &mut dyn Sink) -> Result<(), DecodeError> {
        let mut rest = text;
        while !rest.is_empty() {
            let mut block = [0; BLOCK * 3];
            let progress = self.push(rest, &mut block)?;
            out.put(block.get(..progress.written).unwrap_or(&[]))?;
            rest = rest.get(progress.read..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Says whether the text was whole.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.carry.len == 0 { Ok(()) } else { Err(DecodeError::Truncated) }
    }

    /// Decodes one group; `None` when its bytes do not fit.
    fn decode_group(&mut self, group: &[u8; 4], out: &mut [u8]) -> Result<Option<usize>, DecodeError> {
        if self.ended {
            return Err(DecodeError::Padding);
        }
        let (symbols, written) = match *group {
            [first, second, b'=', b'='] => ([first, second, b'A', b'A'], 1),
            [first, second, third, b'='] => ([first, second, third, b'A'], 2),
            symbols => (symbols, 3),
        };
        let bytes = decode_symbols(symbols).ok_or_else(|| fault_of(group))?;
        let (bytes, trailing) = bytes.split_at_checked(written).unwrap_or((&bytes, &[]));
        if trailing.iter().any(|bits| *bits != 0) {
            return Err(DecodeError::TrailingBits);
        }
        if written > out.len() {
            return Ok(None);
        }
        copy(bytes, out);
        self.ended = written < 3;
        Ok(Some(written))
    }
}

/// What is wrong with a group that does not decode.
fn fault_of(group: &[u8; 4]) -> DecodeError {
    let known = |byte: &u8| bits_of(*byte) != NO_SYMBOL || *byte == b'=';
    if group.iter().all(known) { DecodeError::Padding } else { DecodeError::Symbol }
}

/// Encodes groups as far as `out` goes, and says how many there were.
fn encode(bytes: &[u8], out: &mut [u8]) -> usize {
    let (groups, _) = bytes.as_chunks();
    let (quads, _) = out.as_chunks_mut();
    for (quad, group) in quads.iter_mut().zip(groups) {
        *quad = encode_group(*group);
    }
    groups.len().min(quads.len())
}

fn encode_group([first, second, third]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, first, second, third]);
    [18, 12, 6, 0].map(|shift| symbol_of((bits >> shift) as u8))
}

const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The symbol of the low six bits.
const fn symbol_of(bits: u8) -> u8 {
    // Never out of bounds, which the compiler sees.
    SYMBOLS[(bits & 0x3f) as usize]
}

/// Decodes groups without padding as far as `out` goes, up to the first that does not decode; says how many there were.
fn decode(text: &[u8], out: &mut [u8]) -> usize {
    let (groups, _) = text.as_chunks();
    let (triples, _) = out.as_chunks_mut();
    let mut decoded = 0;
    for (triple, group) in triples.iter_mut().zip(groups) {
        let Some(bytes) = decode_symbols(*group) else { break };
        *triple = bytes;
        decoded += 1;
    }
    decoded
}

fn decode_symbols(symbols: [u8; 4]) -> Option<[u8; 3]> {
    let [first, second, third, fourth] = symbols.map(bits_of);
    if (first | second | third | fourth) & NO_SYMBOL != 0 {
        return None;
    }
    let bits = u32::from(first) << 18 | u32::from(second) << 12 | u32::from(third) << 6 | u32::from(fourth);
    let [_, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

const NO_SYMBOL: u8 = 0x80;

/// The six bits of a symbol, or [`NO_SYMBOL`].
const fn bits_of(symbol: u8) -> u8 {
    const BITS: [u8; 256] = {
        let mut table = [NO_SYMBOL; 256];
        let mut bits = 0;
        while bits < 64 {
            table[symbol_of(bits) as usize] = bits;
            bits += 1;
        }
        table
    };
    BITS[symbol as usize]
}

/// A group of `N` bytes that is not full yet.
#[derive(Clone, Debug)]
struct Carry<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Carry<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// Takes from `input` what fills the group; how much that is.
    fn fill(&mut self, input: &[u8]) -> usize {
        let taken = copy(input, self.bytes.get_mut(self.len..).unwrap_or(&mut []));
        self.len += taken;
        taken
    }

    /// The group, once it is full.
    fn whole(&self) -> Option<&[u8; N]> {
        (self.len == N).then_some(&self.bytes)
    }
}

impl<const N: usize> Default for Carry<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Full> for DecodeError {
    fn from(_: Full) -> Self {
        Self::Full
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the buffer is full",
            Self::Symbol => "a character is not in the base64 alphabet",
            Self::Padding => "the base64 padding is misplaced",
            Self::TrailingBits => "the last base64 character has bits that belong to no byte",
            Self::Truncated => "the base64 text is not a multiple of four characters",
        })
    }
}

impl core::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
