//! Text out of bytes that are said to be text.

use super::Checker;
use crate::sink::{Full, Sink};

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Turns bytes that come in pieces into UTF-8: what is no UTF-8 becomes U+FFFD, one for each maximal subpart, as the
/// Encoding Standard and [`String::from_utf8_lossy`](https://doc.rust-lang.org/std/string/struct.String.html) have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lossy {
    /// The character under way.
    checker: Checker,
    held: [u8; 4],
    length: usize,
}

impl Lossy {
    /// Before the first byte.
    pub const fn new() -> Self {
        Self { checker: Checker::new(), held: [0; 4], length: 0 }
    }

    /// Writes what these bytes are, but for a character that they leave incomplete.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn put(&mut self, bytes: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
        let mut rest = bytes;
        loop {
            rest = self.complete(rest, out)?;
            let Err(end) = core::str::from_utf8(rest) else { return out.put(rest) };
            let (valid, after) = rest.split_at_checked(end.valid_up_to()).unwrap_or((rest, &[]));
            out.put(valid)?;
            let Some((first, after)) = after.split_first() else { return Ok(()) };
            if !self.hold(*first) {
                out.put(REPLACEMENT)?;
            }
            rest = after;
        }
    }

    /// The text has ended.
    ///
    /// # Errors
    /// [`Full`] when `out` is.
    pub fn finish(&mut self, out: &mut dyn Sink) -> Result<(), Full> {
        let whole = self.length == 0;
        *self = Self::new();
        if whole { Ok(()) } else { out.put(REPLACEMENT) }
    }

    /// Takes the rest of the character under way off `bytes`.
    fn complete<'i>(&mut self, bytes: &'i [u8], out: &mut dyn Sink) -> Result<&'i [u8], Full> {
        let mut rest = bytes;
        while self.length > 0 {
            let Some((next, after)) = rest.split_first() else { break };
            if !self.hold(*next) {
                // The byte may begin something else.
                out.put(REPLACEMENT)?;
                break;
            }
            rest = after;
            if self.checker.finish().is_ok() {
                out.put(self.held.get(..self.length).unwrap_or_default())?;
                self.length = 0;
            }
        }
        Ok(rest)
    }

    /// Adds the byte to the character under way; `false`, and there is none any more, where it cannot follow.
    fn hold(&mut self, byte: u8) -> bool {
        match (self.checker.push(&[byte]), self.held.get_mut(self.length)) {
            (Ok(()), Some(place)) => {
                *place = byte;
                self.length = self.length.saturating_add(1);
                true
            }
            _ => {
                *self = Self::new();
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Window;
    use crate::testing::at_every_split;

    fn text(bytes: &[u8]) -> String {
        at_every_split(bytes, |pieces| {
            let (mut lossy, mut memory) = (Lossy::new(), [0; 256]);
            let mut out = Window::new(0, &mut memory);
            for piece in pieces {
                lossy.put(piece, &mut out).unwrap();
            }
            lossy.finish(&mut out).unwrap();
            String::from_utf8(out.into_filled().to_vec()).unwrap()
        })
    }

    #[test]
    fn up_04_bytes_become_text_as_from_utf8_lossy_has_it() {
        let cases: &[&[u8]] = &[
            b"",
            b"plain",
            "a\u{e9}\u{4e2d}\u{1f600}z".as_bytes(),
            b"\xff\xfe\0x",
            b"Zo\xeb",
            b"\xe4\xb8",
            b"\xe4\xb8a\xe4b\xf0\x9f\x98",
            b"\xf0\x9f\x98\xf0\x9f\x98\x80",
            b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xf5",
            b"\x80\xbf\xe0\x80\x80\xc3\xc3\xa9\xc3",
        ];
        for bytes in cases {
            assert_eq!(text(bytes), String::from_utf8_lossy(bytes), "{}", bytes.escape_ascii());
        }
        let telling = [b'a', 0x80, 0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xff];
        for mut at in 0..telling.len().pow(4) {
            let bytes = [(); 4].map(|()| {
                let byte = telling[at % telling.len()];
                at /= telling.len();
                byte
            });
            assert_eq!(text(&bytes), String::from_utf8_lossy(&bytes), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn up_04_text_that_does_not_fit_is_full() {
        let mut memory = [0; 5];
        let mut out = Window::new(0, &mut memory);
        let mut lossy = Lossy::new();
        lossy.put(b"\xffa\xff", &mut out).unwrap_err();
        assert_eq!(lossy.finish(&mut out), Ok(()));
    }
}
