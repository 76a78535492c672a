//! Looking for a byte, and splitting at it.

/// Where the first such byte is. A machine word at a time: heads and URLs are too short for anything wider to pay.
#[inline]
pub(crate) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    const ONES: usize = usize::MAX / 0xff;
    const WORD: usize = size_of::<usize>();
    let (words, tail) = bytes.as_chunks::<WORD>();
    for (at, word) in words.iter().enumerate() {
        // Zero where the byte is. Taking one from each byte of a word sets the high bit of those that were zero, and of
        // others only above the first of them.
        let zero = usize::from_le_bytes(*word) ^ (ONES * byte as usize);
        let found = zero.wrapping_sub(ONES) & !zero & (ONES * 0x80);
        if found != 0 {
            return Some(at * WORD + found.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|other| *other == byte).map(|at| words.len() * WORD + at)
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
