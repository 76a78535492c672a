//! The DEFLATE format (RFC 1951), written in one pass: the nearest earlier copy that a table of hashes knows, in fixed codes.
//!
//! Fixed codes cost short messages nothing, which a table of their own would, and need no memory. Nor does the table of
//! hashes have to be right: what it says is compared before it is used, so it never needs to be cleared.

use super::{Bytes, Heads};

/// The room that lets at least one symbol be written, and the end of the message after it, in bytes.
pub(in crate::ws) const LEAST_ROOM: usize = 8;

const SHORTEST: usize = 3;
const LONGEST: usize = 258;

/// The compressor.
#[derive(Debug)]
pub(super) struct Compress<W, H> {
    /// What was compressed last, in the first `size` bytes, a power of two.
    window: W,
    size: usize,
    /// By the hash of three bytes, the low half of where they were last; in the first `entries`, a power of two.
    heads: H,
    entries: usize,
    /// How many bytes there have been, modulo the word.
    position: usize,
    /// How many of them may be referred back to, at most `size`.
    reach: usize,
    /// Bits that do not make a byte yet, the first one lowest, and their number.
    bits: u32,
    count: u32,
    /// The block of the message has begun.
    open: bool,
}

impl<W: Bytes, H: Heads> Compress<W, H> {
    /// With the first `size` bytes of `window`, a power of two.
    pub(super) fn new(window: W, size: usize, heads: H) -> Self {
        let entries = heads.as_ref().len().checked_ilog2().map_or(0, |bits| 1_usize.unbounded_shl(bits));
        Self { window, size, heads, entries, position: 0, reach: 0, bits: 0, count: 0, open: false }
    }

    /// Compresses `data`, or as much as there is `room` for: [`LEAST_ROOM`] at least. Ends the message where it is `fin` and
    /// all of it was taken. Returns how much was taken and how much was written; that is not nothing, if that was not.
    pub(super) fn run(&mut self, data: &[u8], fin: bool, room: &mut [u8]) -> (usize, usize) {
        let mut out = Out { room, length: 0 };
        if !self.open {
            // Not the last block, and in fixed codes. An empty message is a single empty block, which `end` writes.
            if !data.is_empty() {
                self.put(0b010, 3, &mut out);
                self.open = true;
            }
        }
        let mut rest = data;
        while let Some(first) = rest.first().filter(|_| out.left() >= LEAST_ROOM) {
            let (length, distance) = self.find(rest);
            if length > 0 {
                self.put_length(length, &mut out);
                self.put_distance(distance, &mut out);
            } else {
                self.put_literal(*first, &mut out);
            }
            rest = self.advance(rest, length.max(1));
        }
        if fin && rest.is_empty() {
            self.end(&mut out);
        }
        (data.len().saturating_sub(rest.len()), out.length)
    }

    /// Refers back to nothing from here on.
    pub(super) const fn forget(&mut self) {
        self.reach = 0;
    }

    /// Ends the block, and begins the empty stored block whose other bytes are left out (RFC 7692 section 7.2.1).
    fn end(&mut self, out: &mut Out<'_>) {
        if self.open {
            self.put(0, 7, out);
        }
        self.put(0, 3, out);
        let padding = 8_u32.wrapping_sub(self.count) & 7;
        self.put(0, padding, out);
        self.open = false;
    }

    /// The longest match with the nearest earlier bytes of this hash: its length and distance, or zeros.
    fn find(&mut self, data: &[u8]) -> (usize, usize) {
        let here = self.position as u16;
        let Some(head) = self.head(data) else { return (0, 0) };
        let distance = usize::from(here.wrapping_sub(core::mem::replace(head, here)));
        if distance == 0 || distance > self.reach {
            return (0, 0);
        }
        // Up to the window's end, from its start, and within what is being compressed.
        let start = self.index(self.position.wrapping_sub(distance));
        let (wrapped, first) =
            self.window.as_ref().get(..self.size).and_then(|window| window.split_at_checked(start)).unwrap_or_default();
        let first = first.get(..distance).unwrap_or(first);
        let wrapped = wrapped.get(..distance.saturating_sub(first.len())).unwrap_or(wrapped);
        let earlier = first.iter().chain(wrapped).chain(data);
        let length = earlier.zip(data).take(LONGEST).take_while(|(earlier, now)| earlier == now).count();
        // Less is another three bytes of the same hash.
        if length < SHORTEST { (0, 0) } else { (length, distance) }
    }

    /// Takes `length` bytes of `data` into the window and the table. Returns what is left.
    fn advance<'d>(&mut self, data: &'d [u8], length: usize) -> &'d [u8] {
        let mut rest = data;
        for nth in 0..length {
            let Some((byte, after)) = rest.split_first() else { break };
            let here = self.position as u16;
            // The first is in the table already.
            if nth > 0
                && let Some(head) = self.head(rest)
            {
                *head = here;
            }
            let index = self.index(self.position);
            if let Some(slot) = self.window.as_mut().get_mut(index) {
                *slot = *byte;
            }
            self.position = self.position.wrapping_add(1);
            rest = after;
        }
        self.reach = self.reach.saturating_add(length).min(self.size);
        rest
    }

    /// The entry of the next three bytes.
    fn head(&mut self, data: &[u8]) -> Option<&mut u16> {
        let [a, b, c, ..] = data else { return None };
        let word = u32::from_le_bytes([*a, *b, *c, 0]);
        let hash = word.wrapping_mul(0x9e37_79b1) >> 16;
        let index = hash as usize & self.entries.wrapping_sub(1);
        self.heads.as_mut().get_mut(index)
    }

    const fn index(&self, position: usize) -> usize {
        position & self.size.wrapping_sub(1)
    }

    fn put_literal(&mut self, literal: u8, out: &mut Out<'_>) {
        match literal {
            0..=143 => self.put_code(0x30_u16.wrapping_add(literal.into()), 8, out),
            144.. => self.put_code(0x100_u16.wrapping_add(literal.into()), 9, out),
        }
    }

    fn put_length(&mut self, length: usize, out: &mut Out<'_>) {
        // The symbols from 257 on, and as many bits more.
        let over = length.saturating_sub(SHORTEST) as u32;
        let (step, extra) = match over {
            0..=7 => (over, 0),
            255.. => (28, 0),
            _ => {
                let extra = 29_u32.wrapping_sub(over.leading_zeros());
                ((extra << 2).wrapping_add(over.unbounded_shr(extra)), extra)
            }
        };
        match step {
            0..=22 => self.put_code(step.wrapping_add(1) as u16, 7, out),
            _ => self.put_code(step.wrapping_add(0xc0 - 23) as u16, 8, out),
        }
        self.put(over, extra, out);
    }

    fn put_distance(&mut self, distance: usize, out: &mut Out<'_>) {
        let over = distance.saturating_sub(1) as u32;
        let extra = 30_u32.saturating_sub(over.leading_zeros());
        let step = (extra << 1).wrapping_add(over.unbounded_shr(extra));
        self.put_code(step as u16, 5, out);
        self.put(over, extra, out);
    }

    /// A code begins with its highest bit, everything else with its lowest.
    fn put_code(&mut self, code: u16, count: u32, out: &mut Out<'_>) {
        let reversed = code.reverse_bits().unbounded_shr(16_u32.wrapping_sub(count));
        self.put(reversed.into(), count, out);
    }

    /// Writes the lowest bits, 16 at most.
    fn put(&mut self, bits: u32, count: u32, out: &mut Out<'_>) {
        self.bits |= (bits & !u32::MAX.unbounded_shl(count)).unbounded_shl(self.count);
        self.count = self.count.wrapping_add(count);
        while self.count >= 8 {
            out.put(self.bits as u8);
            self.bits >>= 8;
            self.count = self.count.wrapping_sub(8);
        }
    }
}

struct Out<'o> {
    room: &'o mut [u8],
    length: usize,
}

impl Out<'_> {
    const fn left(&self) -> usize {
        self.room.len().saturating_sub(self.length)
    }

    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.room.get_mut(self.length) {
            *slot = byte;
            self.length = self.length.wrapping_add(1);
        }
    }
}
