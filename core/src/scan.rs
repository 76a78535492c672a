//! Looking for a byte, and splitting at it; where a field name and its value end.

const WORD: usize = size_of::<usize>();

/// Where the first such byte is.
#[inline]
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<WORD>();
    for (at, word) in words.iter().enumerate() {
        // Zero where the byte is. Taking one from each byte of a word sets the high bit of those that were zero, and of
        // others only above the first of them.
        let zero = usize::from_le_bytes(*word) ^ each(byte);
        let found = zero.wrapping_sub(each(1)) & !zero & each(0x80);
        if found != 0 {
            return Some(at * WORD + first_byte(found));
        }
    }
    tail.iter().position(|other| *other == byte).map(|at| words.len() * WORD + at)
}

/// How many bytes at the start are what RFC 9110 section 5.5 allows in a field value: HTAB, SP, VCHAR, obs-text.
pub(crate) fn text_length(bytes: &[u8]) -> usize {
    // Below SP, or DEL.
    let controls = |word: usize| (word.wrapping_sub(each(b' ')) | word.wrapping_add(each(1))) & !word;
    span(bytes, controls, |byte| !is_text(byte))
}

/// How many bytes at the start are of a token (RFC 9110 section 5.6.2).
pub(crate) fn token_length(bytes: &[u8]) -> usize {
    // Neither letter nor hyphen.
    let others = |word: usize| {
        let lower = word | each(0x20);
        let no_letter = lower.wrapping_sub(each(b'a')) | lower.wrapping_add(each(0x7f - b'z'));
        let no_hyphen = ((word ^ each(b'-')) & each(0x7f)).wrapping_add(each(0x7f));
        (no_letter & no_hyphen) | word
    };
    span(bytes, others, |byte| !is_token(byte))
}

/// A byte of a field value: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5).
pub(crate) const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// A byte of a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token(byte: u8) -> bool {
    /// A bit for each byte.
    const TOKENS: [u32; 8] = {
        let mut bits = [0; 8];
        let mut rest: &[u8] = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        while let [byte, after @ ..] = rest {
            bits[(*byte >> 5) as usize] |= 1 << (*byte & 31);
            rest = after;
        }
        bits
    };
    TOKENS[(byte >> 5) as usize] >> (byte & 31) & 1 == 1
}

/// A word of such bytes.
const fn each(byte: u8) -> usize {
    (usize::MAX / 0xff).wrapping_mul(byte as usize)
}

/// Which byte of a word holds the lowest bit.
const fn first_byte(bits: usize) -> usize {
    bits.trailing_zeros() as usize / 8
}

/// How many bytes there are before the first that `is_end`.
///
/// They are looked at a machine word at a time: heads and URLs are too short for anything wider to pay. In what
/// `suspects` makes of a word, the high bit of every byte that is an end is set. It may be set in others, which are then
/// asked about one by one.
#[inline]
fn span(bytes: &[u8], suspects: impl Fn(usize) -> usize, is_end: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes;
    loop {
        while let Some((word, after)) = rest.split_first_chunk::<WORD>() {
            let found = suspects(usize::from_le_bytes(*word)) & each(0x80);
            if found != 0 {
                rest = rest.get(first_byte(found)..).unwrap_or_default();
                break;
            }
            rest = after;
        }
        match rest.split_first() {
            Some((byte, after)) if !is_end(*byte) => rest = after,
            _ => return bytes.len().saturating_sub(rest.len()),
        }
    }
}

/// The pieces between such bytes, one at least, as [`slice::split`] gives them; one copy of the code for all uses.
pub(crate) const fn split(byte: u8, bytes: &[u8]) -> Split<'_> {
    Split { rest: Some(bytes), byte }
}

pub(crate) struct Split<'b> {
    /// What follows the byte behind the last piece; none at the end.
    pub(crate) rest: Option<&'b [u8]>,
    byte: u8,
}

impl<'b> Iterator for Split<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let bytes = self.rest?;
        let length = find(self.byte, bytes).unwrap_or(bytes.len());
        self.rest = bytes.get(length.saturating_add(1)..);
        bytes.get(..length)
    }
}

/// What comes before and after the last such ASCII character. [`str::rsplit_once`] has panics that do not go away.
pub(crate) fn rsplit(text: &str, at: u8) -> Option<(&str, &str)> {
    let position = text.as_bytes().iter().rposition(|byte| *byte == at)?;
    Some((text.get(..position)?, text.get(position.saturating_add(1)..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_02_find_agrees_with_position_wherever_the_byte_is() {
        for needle in [0, 1, b'\r', 0x7f, 0x80, 0x81, 0xff] {
            // The neighbours of the byte are those that a borrow or a high bit could be taken for it.
            for filler in [needle ^ 1, needle ^ 0x80, needle.wrapping_sub(1), needle.wrapping_add(1)] {
                for len in 0..40 {
                    let mut bytes = vec![filler; len];
                    assert_eq!(find(needle, &bytes), None);
                    for at in (0..len).rev() {
                        bytes[at] = needle;
                        assert_eq!(find(needle, &bytes), Some(at));
                    }
                    assert_eq!(find(needle, &bytes), bytes.iter().position(|byte| *byte == needle));
                }
            }
        }
    }

    #[test]
    fn req_18_text_and_tokens_end_at_the_first_byte_that_is_none_wherever_it_is() {
        for filler in 0..=u8::MAX {
            for byte in 0..=u8::MAX {
                for at in 0..20 {
                    let mut bytes = [filler; 20];
                    bytes[at] = byte;
                    let length = |legal: fn(u8) -> bool| bytes.iter().position(|byte| !legal(*byte)).unwrap_or(20);
                    assert_eq!(text_length(&bytes), length(is_text), "{byte} in {filler}");
                    assert_eq!(token_length(&bytes), length(is_token), "{byte} in {filler}");
                }
            }
        }
    }

    #[test]
    fn core_02_rsplit_agrees_with_that_of_str() {
        for text in ["", ".", "a", "a.", ".a", "a.b.c", "\u{4e2d}.\u{e9}", "..", "a.\u{4e2d}"] {
            assert_eq!(rsplit(text, b'.'), text.rsplit_once('.'), "{text}");
        }
    }

    #[test]
    fn core_02_split_agrees_with_that_of_slices() {
        for bytes in [&b""[..], b",", b"a", b"a,", b",a", b"a,bc,,d", b"0123456789abcdef,0123456789"] {
            assert!(split(b',', bytes).eq(bytes.split(|byte| *byte == b',')), "{}", bytes.escape_ascii());
        }
    }
}
