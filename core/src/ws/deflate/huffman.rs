//! Canonical prefix codes (RFC 1951 section 3.2.2), read from the low end of a few bits.

/// The longest code, in bits.
pub(super) const LONGEST: usize = 15;

/// A set of codes: short ones are looked up, longer ones are counted out bit by bit.
///
/// `QUICK` is a power of two: codes of up to that many bits' worth of entries are looked up.
#[derive(Clone, Debug)]
pub(super) struct Codes<const QUICK: usize, const SYMBOLS: usize> {
    /// By the next bits: the symbol in the upper twelve bits, the length of its code in the lower four, which are zero for
    /// a longer code.
    quick: [u16; QUICK],
    /// How many codes of each length there are.
    counts: [u16; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
}

/// What the next bits are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A symbol, and how many bits it took.
    Symbol(u16, u32),
    /// The beginning of a code that has not arrived.
    Unfinished,
    /// No code.
    Invalid,
}

/// The lengths are not those of a prefix code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotACode;

impl<const QUICK: usize, const SYMBOLS: usize> Codes<QUICK, SYMBOLS> {
    pub(super) const fn new() -> Self {
        Self { quick: [0; QUICK], counts: [0; LONGEST + 1], symbols: [0; SYMBOLS] }
    }

    /// Takes the codes of symbols with these lengths, in bits; zero is no code.
    ///
    /// Codes that do not use every bit pattern are accepted where there is a single one of one bit and
    /// `one_is_enough`, or none at all, which is a fault once it is used.
    ///
    /// # Errors
    /// [`NotACode`]; there are no codes then.
    pub(super) fn set(&mut self, lengths: &[u8], one_is_enough: bool) -> Result<(), NotACode> {
        self.quick = [0; QUICK];
        self.counts = [0; LONGEST + 1];
        for length in lengths {
            if let Some(count) = self.counts.get_mut(usize::from(*length)) {
                *count = count.wrapping_add(1);
            }
        }
        if let Some(unused) = self.counts.first_mut() {
            *unused = 0;
        }
        let (mut left, mut codes) = (1_i32, 0_u16);
        // The first code of each length, and the place of its symbol.
        let mut first = [(0_u16, 0_u16); LONGEST + 1];
        let mut code = 0_u16;
        for (count, first) in self.counts.iter().zip(&mut first) {
            *first = (code, codes);
            codes = codes.wrapping_add(*count);
            code = code.wrapping_add(*count) << 1;
        }
        for count in self.counts.iter().skip(1) {
            left = (left << 1).wrapping_sub(i32::from(*count));
            if left < 0 {
                self.counts = [0; LONGEST + 1];
                return Err(NotACode);
            }
        }
        let single = one_is_enough && codes == 1 && self.counts.get(1) == Some(&1);
        if left > 0 && codes > 0 && !single {
            self.counts = [0; LONGEST + 1];
            return Err(NotACode);
        }
        for (symbol, length) in lengths.iter().enumerate() {
            let Some((code, place)) = first.get_mut(usize::from(*length)).filter(|_| *length > 0) else { continue };
            let symbol = symbol as u16;
            if let Some(slot) = self.symbols.get_mut(usize::from(*place)) {
                *slot = symbol;
            }
            if let Some(step) = 1_usize.checked_shl((*length).into()).filter(|step| *step <= QUICK) {
                let reversed = code.reverse_bits().unbounded_shr(16_u32.wrapping_sub((*length).into()));
                for slot in self.quick.iter_mut().skip(reversed.into()).step_by(step) {
                    *slot = symbol << 4 | u16::from(*length);
                }
            }
            *code = code.wrapping_add(1);
            *place = place.wrapping_add(1);
        }
        Ok(())
    }

    /// What the lowest of `bits` are, of which `count` have arrived; the others are zero.
    #[inline(always)]
    pub(super) fn next(&self, bits: usize, count: u32) -> Next {
        let entry = self.quick.get(bits & (QUICK - 1)).copied().unwrap_or(0);
        let length = u32::from(entry & 0x0f);
        if length > 0 {
            return if length <= count { Next::Symbol(entry >> 4, length) } else { Next::Unfinished };
        }
        self.counted(bits, count)
    }

    #[inline(never)]
    fn counted(&self, mut bits: usize, available: u32) -> Next {
        let (mut code, mut first, mut place) = (0_u16, 0_u16, 0_u16);
        for (count, length) in self.counts.iter().skip(1).zip(1_u32..) {
            if length > available {
                return Next::Unfinished;
            }
            code |= (bits & 1) as u16;
            bits >>= 1;
            let over = code.wrapping_sub(first);
            if over < *count {
                let symbol = self.symbols.get(usize::from(place.wrapping_add(over)));
                return symbol.map_or(Next::Invalid, |symbol| Next::Symbol(*symbol, length));
            }
            place = place.wrapping_add(*count);
            first = first.wrapping_add(*count) << 1;
            code <<= 1;
        }
        Next::Invalid
    }
}
