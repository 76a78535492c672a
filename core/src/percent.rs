//! Percent-encoding: JavaScript's `encodeURIComponent` (REQ-09), and a check for broken escapes.

use crate::scan::find;
use crate::sink::{Full, Sink};

/// Writes `text` exactly as JavaScript's `encodeURIComponent` does.
///
/// `A-Z a-z 0-9 - _ . ! ~ * ' ( )` stay as they are; every other byte of the UTF-8 form becomes `%` and two upper-case
/// hexadecimal digits. At most three times as long as `text`.
///
/// # Errors
/// [`Full`] when `out` is.
pub fn encode_uri_component(text: &str, out: &mut dyn Sink) -> Result<(), Full> {
    encode(text.as_bytes(), out)
}

/// Whether some `%` is not followed by two hexadecimal digits (RFC 3986 section 2.1).
pub fn has_malformed_escape(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = find(b'%', rest) {
        match rest.get(at..) {
            Some([_, high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest = tail,
            _ => return true,
        }
    }
    false
}

/// A sink that percent-encodes what is put through it and passes it on.
pub struct Encoded<'s> {
    out: &'s mut dyn Sink,
}

impl<'s> Encoded<'s> {
    /// Encodes into `out`.
    pub fn new(out: &'s mut dyn Sink) -> Self {
        Self { out }
    }
}

impl Sink for Encoded<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        encode(bytes, self.out)
    }
}

/// [`encode_uri_component`] of bytes.
pub(crate) fn encode(bytes: &[u8], out: &mut dyn Sink) -> Result<(), Full> {
    /// Bytes that are escaped per [`Sink::put`]: text in other scripts is nothing but escapes.
    const BLOCK: usize = 16;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (plain, tail) = split_where(rest, |byte| !is_unreserved(byte));
        if !plain.is_empty() {
            out.put(plain)?;
        }
        let (escaped, tail) = split_where(tail, is_unreserved);
        for part in escaped.chunks(BLOCK) {
            let mut block = [[0; 3]; BLOCK];
            for (triple, &byte) in block.iter_mut().zip(part) {
                *triple = [b'%', hex_digit(byte >> 4), hex_digit(byte & 0xF)];
            }
            out.put(block.get(..part.len()).unwrap_or(&[]).as_flattened())?;
        }
        rest = tail;
    }
    Ok(())
}

/// Splits before the first byte that `stops`.
fn split_where(bytes: &[u8], stops: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = bytes.iter().position(|&byte| stops(byte)).unwrap_or(bytes.len());
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

const fn is_unreserved(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

/// The upper-case digit of the low four bits.
const fn hex_digit(nibble: u8) -> u8 {
    match nibble & 0xF {
        digit @ 0..=9 => b'0' | digit,
        letter => b'A' + (letter - 10),
    }
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;
    use crate::sink::Window;

    fn encoded(text: &str) -> String {
        let mut buf = vec![0; text.len() * 3];
        let mut window = Window::new(0, &mut buf);
        encode_uri_component(text, &mut window).unwrap();
        String::from_utf8(window.into_filled().to_vec()).unwrap()
    }

    #[test]
    fn req_09_space_is_percent_20() {
        assert_eq!(encoded("a b"), "a%20b");
        assert_eq!(encoded(""), "");
        assert_eq!(encoded("+&=?#/%"), "%2B%26%3D%3F%23%2F%25");
    }

    #[test]
    fn req_09_unreserved_stay_and_all_else_is_upper_case_hex() {
        let kept = "ABCXYZabcxyz0189-_.!~*'()";
        assert_eq!(encoded(kept), kept);
        assert_eq!(encoded("é€😀"), "%C3%A9%E2%82%AC%F0%9F%98%80");
        let long = "中".repeat(40);
        assert_eq!(encoded(&long), "%E4%B8%AD".repeat(40));
    }

    #[test]
    fn req_09_the_adaptor_encodes_at_any_split() {
        let text = "key é=[1, 2]/中中中中中中中中".as_bytes();
        let expected = encoded("key é=[1, 2]/中中中中中中中中");
        for at in 0..=text.len() {
            let mut buf = [0; 256];
            let mut window = Window::new(0, &mut buf);
            let mut adaptor = Encoded::new(&mut window);
            adaptor.put(&text[..at]).unwrap();
            adaptor.put(&text[at..]).unwrap();
            assert_eq!(window.into_filled(), expected.as_bytes());
        }
    }

    #[test]
    fn core_05_windows_add_up_and_a_full_one_stops_the_writer() {
        let text = "a b/中c%😀 d".repeat(5);
        let expected = encoded(&text);
        for size in 1..20 {
            let (mut whole, mut buf) = (Vec::new(), vec![0; size]);
            loop {
                let mut window = Window::new(whole.len() as u64, &mut buf);
                let end = encode_uri_component(&text, &mut window);
                whole.extend_from_slice(window.into_filled());
                if end.is_ok() {
                    break;
                }
            }
            assert_eq!(whole, expected.as_bytes());
        }
    }

    #[test]
    fn req_code_15_malformed_escapes_are_found() {
        for good in ["", "a", "%20", "a%Ffb%00", "%25%25", "100%25"] {
            assert!(!has_malformed_escape(good.as_bytes()), "{good}");
        }
        for bad in ["%", "a%", "%2", "%%20", "%zz", "%2g", "%g2", "%20%", "%20%4", "% 20", "%+2", "%2%20"] {
            assert!(has_malformed_escape(bad.as_bytes()), "{bad}");
        }
    }
}
