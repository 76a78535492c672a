//! UTF-8 that arrives in pieces (RFC 3629).

mod latin1;
mod lossy;

pub use latin1::put_latin1;
pub use lossy::Lossy;

/// The bytes are not UTF-8, or end inside a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

/// Checks text that comes in chunks of any size, failing at the first byte that cannot be part of UTF-8 whatever
/// follows it (as RFC 6455 section 8.1 wants of a WebSocket).
///
/// Three bytes of state; nothing is buffered. After a failure, every push of a byte fails, and so does the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checker {
    /// How many bytes of the current character are still to come.
    missing: u8,
    /// The next of them is `low..=high`; an empty range after a failure.
    low: u8,
    high: u8,
}

impl Checker {
    const BETWEEN: Self = Self { missing: 0, low: 0, high: 0 };
    const FAILED: Self = Self { missing: 1, low: 1, high: 0 };

    /// A checker before the first byte.
    pub const fn new() -> Self {
        Self::BETWEEN
    }

    /// Checks the next bytes of the text.
    ///
    /// # Errors
    /// [`NotUtf8`] where `chunk` has a byte that is not UTF-8 after what came before.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), NotUtf8> {
        let mut rest = chunk;
        while self.missing > 0 {
            let Some((&byte, after)) = rest.split_first() else { return Ok(()) };
            self.continuation(byte)?;
            rest = after;
        }
        let Err(end) = core::str::from_utf8(rest) else { return Ok(()) };
        let unfinished = rest.get(end.valid_up_to()..).unwrap_or_default();
        let Some((&lead, after)) = unfinished.split_first().filter(|_| end.error_len().is_none()) else {
            *self = Self::FAILED;
            return Err(NotUtf8);
        };
        *self = Self::after_lead(lead);
        after.iter().try_for_each(|byte| self.continuation(*byte))
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    /// [`NotUtf8`] inside a character, and after a failure.
    pub const fn finish(&self) -> Result<(), NotUtf8> {
        if self.missing == 0 { Ok(()) } else { Err(NotUtf8) }
    }

    /// The table of RFC 3629 section 4: the second byte's range excludes over-long forms, surrogates, and what lies
    /// beyond U+10FFFF.
    const fn after_lead(lead: u8) -> Self {
        let (missing, low, high) = match lead {
            0xc2..=0xdf => (1, 0x80, 0xbf),
            0xe0 => (2, 0xa0, 0xbf),
            0xed => (2, 0x80, 0x9f),
            0xe1..=0xef => (2, 0x80, 0xbf),
            0xf0 => (3, 0x90, 0xbf),
            0xf1..=0xf3 => (3, 0x80, 0xbf),
            0xf4 => (3, 0x80, 0x8f),
            _ => return Self::FAILED,
        };
        Self { missing, low, high }
    }

    fn continuation(&mut self, byte: u8) -> Result<(), NotUtf8> {
        if byte < self.low || byte > self.high {
            *self = Self::FAILED;
            return Err(NotUtf8);
        }
        *self = Self { missing: self.missing.saturating_sub(1), low: 0x80, high: 0xbf };
        Ok(())
    }
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
