//! The DEFLATE format (RFC 1951), read in any pieces.
//!
//! ```text
//!  Block --stored--> StoredLength --> StoredCheck --> Stored --> Block
//!    |---fixed codes--------------------------------> Symbols --> Block
//!    \---dynamic codes--> Counts --> CodeLengths --> Lengths --> Symbols --> Block
//!
//!  Symbols --length--> Distance --> Copy --> Symbols
//! ```
//!
//! Plain bytes are written to the window, which the caller gave, and are shown there: nothing is copied a second time.

use core::borrow::BorrowMut;
use core::ops::Range;

use super::Bytes;
use super::huffman::{Codes, Next};
use crate::sink::copy;

/// What a piece of compressed data gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Bytes of the input that were taken.
    pub(super) taken: usize,
    /// Where in the window the plain bytes are.
    pub(super) plain: Range<usize>,
    /// What follows.
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing more without further input: all of it was taken.
    Starved,
    /// The end of the window was reached. There may be more without further input.
    Full,
    /// The data is no DEFLATE format. The next call says so again.
    Malformed,
}

/// The decompressor.
#[derive(Debug)]
pub(super) struct Inflate<W, T> {
    window: W,
    tables: T,
    /// How far may be referred back to, at most the window's length.
    limit: usize,
    /// Where the next plain byte goes; below the window's length.
    position: usize,
    /// Where the piece under way begins.
    start: usize,
    /// How many bytes before that there are to refer back to, at most `limit`.
    history: usize,
    bits: Bits,
    state: State,
    /// The block under way is the last one of its series.
    last: bool,
    /// The codes are the fixed ones.
    fixed: bool,
    literal_count: u16,
    distance_count: u16,
}

/// What an [`Inflater`](super::Inflater) needs beside its window: the codes of the block that it reads, in 2,304 bytes.
///
/// Without a use they are all zeros, so a static takes no flash for them. What an earlier use left in them does not matter.
#[derive(Debug)]
pub struct Tables {
    literals: Codes<512, 288>,
    /// Of distances; while the lengths of both are read, of those.
    distances: Codes<128, 32>,
    lengths: [u8; 320],
}

impl Tables {
    /// Tables without a use.
    pub const fn new() -> Self {
        Self { literals: Codes::new(), distances: Codes::new(), lengths: [0; 320] }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Block,
    StoredLength,
    StoredCheck { length: u16 },
    Stored { left: u16 },
    Counts,
    CodeLengths { read: u8, count: u8 },
    Lengths { read: u16 },
    Symbols,
    Distance { length: u16 },
    DistanceExtra { length: u16, base: u16, extra: u32 },
    Copy { left: u16, distance: u16 },
    Malformed,
}

/// Why the machine stands still.
enum Stop {
    Starved,
    Full,
    Malformed,
}

impl<W: Bytes, T: BorrowMut<Tables>> Inflate<W, T> {
    /// `window` is not shorter than `limit`: so far back the data may refer.
    pub(super) const fn new(window: W, limit: usize, tables: T) -> Self {
        Self {
            window,
            tables,
            limit,
            position: 0,
            start: 0,
            history: 0,
            bits: Bits { bits: 0, count: 0 },
            state: State::Block,
            last: false,
            fixed: false,
            literal_count: 0,
            distance_count: 0,
        }
    }

    /// Goes on with `input` as far as it leads, or as the window has room in one piece.
    pub(super) fn run(&mut self, input: &[u8]) -> Piece {
        if self.position >= self.window.as_ref().len() {
            self.position = 0;
        }
        self.start = self.position;
        let mut rest = input;
        let then = match self.advance(&mut rest) {
            Stop::Starved => Then::Starved,
            Stop::Full => Then::Full,
            Stop::Malformed => {
                self.state = State::Malformed;
                Then::Malformed
            }
        };
        self.history = self.reach();
        let plain = self.start..self.position;
        self.start = self.position;
        Piece { taken: input.len().saturating_sub(rest.len()), plain, then }
    }

    /// What [`run`](Self::run) left in the window.
    pub(super) fn plain(&self, range: Range<usize>) -> &[u8] {
        self.window.as_ref().get(range).unwrap_or_default()
    }

    /// Whether everything so far is a whole number of blocks and of bytes.
    pub(super) const fn is_at_boundary(&self) -> bool {
        matches!(self.state, State::Block) && self.bits.count == 0 && !self.last
    }

    /// Forgets what there is to refer back to.
    pub(super) const fn forget(&mut self) {
        self.history = 0;
    }

    fn advance(&mut self, input: &mut &[u8]) -> Stop {
        loop {
            let next = match self.state {
                State::Block => self.block(input),
                State::StoredLength => self.bits.take(16, input).map(|length| State::StoredCheck { length }),
                State::StoredCheck { length } => match self.bits.take(16, input) {
                    Ok(check) if check != !length => Err(Stop::Malformed),
                    check => check.map(|_| State::Stored { left: length }),
                },
                State::Stored { left } => self.stored(left, input),
                State::Counts => self.counts(input),
                State::CodeLengths { read, count } => self.code_lengths(read, count, input),
                State::Lengths { read } => self.code_length(read, input),
                State::Symbols => self.symbols(input),
                State::Distance { length } => self.distance(length, input),
                State::DistanceExtra { length, base, extra } => self.distance_extra(length, base, extra, input),
                State::Copy { left, distance } => self.copy(left, distance),
                State::Malformed => Err(Stop::Malformed),
            };
            match next {
                Ok(state) => self.state = state,
                Err(stop) => return stop,
            }
        }
    }

    fn block(&mut self, input: &mut &[u8]) -> Result<State, Stop> {
        if self.last {
            // What follows the last block is a new series, from the next byte (RFC 7692 section 7.2.3.4).
            self.bits.align();
            self.last = false;
        }
        let header = self.bits.take(3, input)?;
        self.last = header & 1 != 0;
        match header >> 1 {
            0 => {
                self.bits.align();
                Ok(State::StoredLength)
            }
            1 => {
                if !self.fixed {
                    self.set_fixed();
                }
                Ok(State::Symbols)
            }
            2 => Ok(State::Counts),
            _ => Err(Stop::Malformed),
        }
    }

    /// The codes of RFC 1951 section 3.2.6.
    fn set_fixed(&mut self) {
        let Tables { literals, distances, lengths } = self.tables.borrow_mut();
        *lengths = [8; 320];
        lengths.iter_mut().skip(144).take(112).for_each(|length| *length = 9);
        lengths.iter_mut().skip(256).take(24).for_each(|length| *length = 7);
        // They are codes.
        let _ = literals.set(lengths.get(..288).unwrap_or_default(), false);
        let _ = distances.set(&[5; 32], false);
        self.fixed = true;
    }

    fn stored(&mut self, mut left: u16, input: &mut &[u8]) -> Result<State, Stop> {
        // Bytes among the bits come first; there are whole ones only.
        while left > 0 && self.bits.count > 0 {
            self.state = State::Stored { left };
            if self.position >= self.window.as_ref().len() {
                return Err(Stop::Full);
            }
            let byte = self.bits.take(8, input)? as u8;
            if let Some(slot) = self.window.as_mut().get_mut(self.position) {
                *slot = byte;
            }
            self.position = self.position.wrapping_add(1);
            left = left.saturating_sub(1);
        }
        let room = self.window.as_mut().get_mut(self.position..).unwrap_or_default();
        let from = input.get(..left.into()).unwrap_or(input);
        let full = room.len() < from.len();
        let copied = copy(from, room);
        self.position = self.position.saturating_add(copied);
        *input = input.get(copied..).unwrap_or_default();
        // No more than `from`, which is no longer than `left`.
        left = left.saturating_sub(copied as u16);
        if left == 0 {
            return Ok(State::Block);
        }
        self.state = State::Stored { left };
        Err(if full { Stop::Full } else { Stop::Starved })
    }

    fn counts(&mut self, input: &mut &[u8]) -> Result<State, Stop> {
        let counts = self.bits.take(14, input)?;
        self.literal_count = (counts & 0x1f).saturating_add(257);
        self.distance_count = (counts >> 5 & 0x1f).saturating_add(1);
        if self.literal_count > 286 || self.distance_count > 30 {
            return Err(Stop::Malformed);
        }
        self.tables.borrow_mut().lengths = [0; 320];
        Ok(State::CodeLengths { read: 0, count: (counts >> 10) as u8 & 0x0f })
    }

    fn code_lengths(&mut self, mut read: u8, count: u8, input: &mut &[u8]) -> Result<State, Stop> {
        const ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        while read < count.saturating_add(4) {
            self.state = State::CodeLengths { read, count };
            let length = self.bits.take(3, input)? as u8;
            let symbol = ORDER.get(usize::from(read)).copied().unwrap_or(0);
            if let Some(slot) = self.tables.borrow_mut().lengths.get_mut(usize::from(symbol)) {
                *slot = length;
            }
            read = read.saturating_add(1);
        }
        self.fixed = false;
        let Tables { distances, lengths, .. } = self.tables.borrow_mut();
        distances.set(lengths.get(..19).unwrap_or_default(), false).map_err(|_| Stop::Malformed)?;
        *lengths = [0; 320];
        Ok(State::Lengths { read: 0 })
    }

    /// Reads one symbol of the code lengths (RFC 1951 section 3.2.7).
    fn code_length(&mut self, read: u16, input: &mut &[u8]) -> Result<State, Stop> {
        let all = self.literal_count.saturating_add(self.distance_count);
        if read >= all {
            return self.set_dynamic();
        }
        self.bits.fill(input);
        let Tables { distances, lengths, .. } = self.tables.borrow_mut();
        let (symbol, used) = match distances.next(self.bits.bits, self.bits.count) {
            Next::Symbol(symbol, used) => (symbol, used),
            Next::Unfinished => return Err(Stop::Starved),
            Next::Invalid => return Err(Stop::Malformed),
        };
        let before = lengths.get(usize::from(read).wrapping_sub(1));
        let (length, extra, least) = match (symbol, before) {
            (0..=15, _) => (symbol as u8, 0, 1),
            (16, Some(before)) => (*before, 2, 3),
            (17, _) => (0, 3, 3),
            (18, _) => (0, 7, 11),
            _ => return Err(Stop::Malformed),
        };
        let bits = self.bits.peek(used.wrapping_add(extra)).ok_or(Stop::Starved)?;
        let repeat = (bits.unbounded_shr(used) as u16).saturating_add(least);
        self.bits.drop(used.wrapping_add(extra));
        let after = read.saturating_add(repeat);
        if after > all {
            return Err(Stop::Malformed);
        }
        for slot in lengths.iter_mut().skip(read.into()).take(repeat.into()) {
            *slot = length;
        }
        Ok(State::Lengths { read: after })
    }

    fn set_dynamic(&mut self) -> Result<State, Stop> {
        let Tables { literals, distances, lengths } = self.tables.borrow_mut();
        let (of_literals, rest) = lengths.split_at_checked(self.literal_count.into()).ok_or(Stop::Malformed)?;
        let of_distances = rest.get(..self.distance_count.into()).unwrap_or_default();
        // A block without an end.
        if of_literals.get(256).is_none_or(|length| *length == 0) {
            return Err(Stop::Malformed);
        }
        let good = literals.set(of_literals, true).and_then(|()| distances.set(of_distances, true));
        good.map_err(|_| Stop::Malformed)?;
        Ok(State::Symbols)
    }

    fn symbols(&mut self, input: &mut &[u8]) -> Result<State, Stop> {
        let literals = &self.tables.borrow().literals;
        let mut bits = self.bits;
        let mut position = self.position;
        let end = loop {
            if position >= self.window.as_ref().len() {
                break Err(Stop::Full);
            }
            bits.fill(input);
            match literals.next(bits.bits, bits.count) {
                Next::Symbol(literal @ 0..=255, used) => {
                    if let Some(slot) = self.window.as_mut().get_mut(position) {
                        *slot = literal as u8;
                    }
                    position = position.wrapping_add(1);
                    bits.drop(used);
                }
                Next::Symbol(256, used) => {
                    bits.drop(used);
                    break Ok(State::Block);
                }
                Next::Symbol(symbol, used) => {
                    let Some((base, extra)) = length_of(symbol) else { break Err(Stop::Malformed) };
                    let Some(both) = bits.peek(used.wrapping_add(extra)) else { break Err(Stop::Starved) };
                    bits.drop(used.wrapping_add(extra));
                    break Ok(State::Distance { length: base.wrapping_add(both.unbounded_shr(used) as u16) });
                }
                Next::Unfinished => break Err(Stop::Starved),
                Next::Invalid => break Err(Stop::Malformed),
            }
        };
        self.bits = bits;
        self.position = position;
        end
    }

    fn distance(&mut self, length: u16, input: &mut &[u8]) -> Result<State, Stop> {
        self.bits.fill(input);
        match self.tables.borrow().distances.next(self.bits.bits, self.bits.count) {
            Next::Symbol(symbol, used) => {
                let (base, extra) = distance_of(symbol).ok_or(Stop::Malformed)?;
                self.bits.drop(used);
                Ok(State::DistanceExtra { length, base, extra })
            }
            Next::Unfinished => Err(Stop::Starved),
            Next::Invalid => Err(Stop::Malformed),
        }
    }

    fn distance_extra(&mut self, length: u16, base: u16, extra: u32, input: &mut &[u8]) -> Result<State, Stop> {
        let distance = base.wrapping_add(self.bits.take(extra, input)?);
        if usize::from(distance) > self.reach() {
            return Err(Stop::Malformed);
        }
        Ok(State::Copy { left: length, distance })
    }

    /// How many bytes there are to refer back to.
    fn reach(&self) -> usize {
        let written = self.position.saturating_sub(self.start);
        self.history.saturating_add(written).min(self.limit)
    }

    /// Repeats what the window has at this distance.
    fn copy(&mut self, mut left: u16, distance: u16) -> Result<State, Stop> {
        let mut at = self.position;
        // Behind the place, or around the window's end.
        let mut from = match at.checked_sub(distance.into()) {
            Some(from) => from,
            None => at.wrapping_add(self.window.as_ref().len()).wrapping_sub(distance.into()),
        };
        while left > 0 {
            // The nearer one of the two decides how much can be copied before the copy reads itself.
            let (gap, copied);
            if from < at {
                gap = at.wrapping_sub(from).min(left.into());
                let (before, after) = self.window.as_mut().split_at_mut_checked(at).unwrap_or_default();
                let source = before.get(from..from.wrapping_add(gap)).unwrap_or_default();
                copied = copy(source, after);
            } else {
                let (before, after) = self.window.as_mut().split_at_mut_checked(from).unwrap_or_default();
                // The whole window ago is the same place, where the byte is already.
                gap = from.wrapping_sub(at).min(left.into()).min(after.len());
                if gap == 0 {
                    copied = after.len().min(left.into());
                } else {
                    copied = copy(after.get(..gap).unwrap_or_default(), before.get_mut(at..).unwrap_or_default());
                }
            }
            if copied == 0 {
                self.position = at;
                self.state = State::Copy { left, distance };
                return Err(Stop::Full);
            }
            at = at.wrapping_add(copied);
            left = left.saturating_sub(copied as u16);
            if from >= at.wrapping_sub(copied) {
                from = from.wrapping_add(copied);
                if from >= self.window.as_ref().len() {
                    from = 0;
                }
            }
            // Otherwise what was copied is a repetition of what is at `from`, which makes the gap twice as wide.
        }
        self.position = at;
        Ok(State::Symbols)
    }
}

/// Bits that were taken from the input and not used, the next one lowest; those above are zero.
#[derive(Clone, Copy, Debug)]
struct Bits {
    bits: usize,
    count: u32,
}

impl Bits {
    /// Takes whole bytes of the input while there is room: then there are 25 bits at least, or the input is empty.
    #[inline(always)]
    fn fill(&mut self, input: &mut &[u8]) {
        const WORD: usize = size_of::<usize>();
        if self.count > 24 {
            return;
        }
        if let Some((word, _)) = input.split_first_chunk::<WORD>() {
            let bytes = (usize::BITS.wrapping_sub(self.count)) >> 3;
            let after = self.count.wrapping_add(bytes << 3);
            self.bits |= usize::from_le_bytes(*word).unbounded_shl(self.count);
            self.bits &= usize::MAX.unbounded_shr(usize::BITS.wrapping_sub(after));
            self.count = after;
            *input = input.get(bytes as usize..).unwrap_or_default();
            return;
        }
        while self.count <= 24 {
            let Some((byte, rest)) = input.split_first() else { return };
            self.bits |= usize::from(*byte).unbounded_shl(self.count);
            self.count = self.count.wrapping_add(8);
            *input = rest;
        }
    }

    /// The next `count` bits, up to 25, if they have arrived.
    #[inline(always)]
    fn peek(self, count: u32) -> Option<usize> {
        (count <= self.count).then(|| self.bits & !usize::MAX.unbounded_shl(count))
    }

    /// Uses up `count` bits, which have been looked at.
    #[inline(always)]
    fn drop(&mut self, count: u32) {
        self.bits = self.bits.unbounded_shr(count);
        self.count = self.count.saturating_sub(count);
    }

    /// Uses up to 16 bits.
    fn take(&mut self, count: u32, input: &mut &[u8]) -> Result<u16, Stop> {
        self.fill(input);
        let bits = self.peek(count).ok_or(Stop::Starved)?;
        self.drop(count);
        Ok(bits as u16)
    }

    /// Drops what is left of a byte.
    fn align(&mut self) {
        self.drop(self.count & 7);
    }
}

/// The least length that a symbol stands for, and how many bits say how much more.
const fn length_of(symbol: u16) -> Option<(u16, u32)> {
    let Some(step) = symbol.checked_sub(257) else { return None };
    match step {
        0..=7 => Some((step.wrapping_add(3), 0)),
        8..=27 => {
            let extra = (step >> 2).wrapping_sub(1);
            Some(((4 | (step & 3)).wrapping_shl(extra as u32).wrapping_add(3), extra as u32))
        }
        28 => Some((258, 0)),
        _ => None,
    }
}

/// The least distance that a symbol stands for, and how many bits say how much more.
const fn distance_of(symbol: u16) -> Option<(u16, u32)> {
    match symbol {
        0 | 1 => Some((symbol.wrapping_add(1), 0)),
        2..=29 => {
            let extra = (symbol >> 1).wrapping_sub(1);
            Some(((2 | (symbol & 1)).wrapping_shl(extra as u32).wrapping_add(1), extra as u32))
        }
        _ => None,
    }
}
