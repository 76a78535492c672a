//! The mask of a client's frames (RFC 6455 section 5.3).

/// The masking key of one frame.
///
/// It is a value that cannot be used twice: neither `Copy` nor `Clone`, and used up by the frame that it masks. A key
/// that somebody on the way can predict lets them choose the bytes on the wire (section 10.3).
#[derive(Debug)]
pub struct Mask {
    /// Rotated, so that the first byte is the next one to use.
    key: [u8; 4],
}

impl Mask {
    /// A key of four bytes from a source that is unpredictable to others; they may not have been used for anything else.
    pub const fn fresh(random: [u8; 4]) -> Self {
        Self { key: random }
    }

    /// The key as it goes into the header, before anything was masked.
    pub(super) const fn key(&self) -> [u8; 4] {
        self.key
    }

    /// Copies as many bytes as `to` takes, masked, and says how many. The next call goes on where this one ended.
    pub(super) fn copy(&mut self, from: &[u8], to: &mut [u8]) -> usize {
        let length = from.len().min(to.len());
        let (Some(from), Some(to)) = (from.get(..length), to.get_mut(..length)) else { return 0 };
        let (from_words, from_rest) = from.as_chunks();
        let (to_words, to_rest) = to.as_chunks_mut();
        let key = u32::from_ne_bytes(self.key);
        // Four bytes at a time, from which the compiler makes as many at a time as the machine can.
        for (to, from) in to_words.iter_mut().zip(from_words) {
            *to = (u32::from_ne_bytes(*from) ^ key).to_ne_bytes();
        }
        for ((to, from), key) in to_rest.iter_mut().zip(from_rest).zip(self.key) {
            *to = from ^ key;
        }
        // The lowest byte is the first.
        self.key = u32::from_le_bytes(self.key).rotate_right((from_rest.len() as u32) << 3).to_le_bytes();
        length
    }

    /// Masks a payload in its place.
    #[cfg(feature = "permessage-deflate")]
    pub(super) fn apply(self, bytes: &mut [u8]) {
        let (words, rest) = bytes.as_chunks_mut();
        let key = u32::from_ne_bytes(self.key);
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.key) {
            *byte ^= key;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use super::*;

    fn byte_by_byte(key: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        bytes.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }

    #[test]
    fn sock_10_masking_is_that_of_the_rfc_at_every_length_and_offset() {
        let bytes: Vec<u8> = (0..=255).collect();
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for start in 0..20 {
            for end in start..bytes.len() {
                let from = &bytes[start..end];
                let mut to = vec![0; from.len()];
                assert_eq!(Mask::fresh(key).copy(from, &mut to), from.len());
                assert_eq!(to, byte_by_byte(key, from));
            }
        }
    }

    #[test]
    fn sock_10_the_phase_is_kept_from_piece_to_piece() {
        let bytes: Vec<u8> = (0..100).collect();
        let key = [1, 2, 4, 128];
        for first in 0..40 {
            for second in 0..40 {
                let (mut mask, mut to) = (Mask::fresh(key), vec![0; bytes.len()]);
                let mut at = 0;
                for piece in [first, second, 100] {
                    let end = bytes.len().min(at + piece);
                    at += mask.copy(&bytes[at..end], &mut to[at..]);
                }
                assert_eq!((at, to), (bytes.len(), byte_by_byte(key, &bytes)));
            }
        }
    }

    #[test]
    fn sock_10_a_short_buffer_takes_a_part() {
        let (mut mask, mut to) = (Mask::fresh([1, 2, 3, 4]), [0; 9]);
        assert_eq!(mask.copy(&[0; 20], &mut to[..6]), 6);
        assert_eq!(mask.copy(&[0; 20], &mut to[6..]), 3);
        assert_eq!(to, [1, 2, 3, 4, 1, 2, 3, 4, 1]);
        assert_eq!(mask.copy(&[0; 20], &mut []), 0);
    }
}
