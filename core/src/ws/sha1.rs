//! SHA-1 (RFC 3174), for the one thing that RFC 6455 wants it for: to show that the server has read the key. No secret
//! depends on it. Small rather than fast, as one handshake hashes two blocks.

use crate::sink::copy;

/// The hash of a message of up to 2^61 bytes.
pub(super) fn sha1(message: &[u8]) -> [u8; 20] {
    let (blocks, rest) = message.as_chunks::<64>();
    // What is left of the message, a one bit, zeros, and the length of the message in bits (section 4).
    let mut tail = [0; 128];
    let end = copy(rest, &mut tail);
    if let Some(byte) = tail.get_mut(end) {
        *byte = 0x80;
    }
    let (tail, _) = tail.as_chunks_mut::<64>();
    let used = if end < 56 { 1 } else { 2 };
    if let Some([.., a, b, c, d, e, f, g, h]) = tail.get_mut(used - 1) {
        [*a, *b, *c, *d, *e, *f, *g, *h] = (message.len() as u64).wrapping_mul(8).to_be_bytes();
    }

    let start = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let state = blocks.iter().chain(tail.iter().take(used)).fold(start, compress);
    let mut hash = [0; 20];
    for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// Takes a block into the state (section 6.2, its words made as they are needed).
fn compress(state: [u32; 5], block: &[u8; 64]) -> [u32; 5] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e] = state;
    for step in 0..80_usize {
        let mut word = words[step % 16];
        if step >= 16 {
            word = (word ^ words[(step + 2) % 16] ^ words[(step + 8) % 16] ^ words[(step + 13) % 16]).rotate_left(1);
            words[step % 16] = word;
        }
        let (mixed, constant): (u32, u32) = match step {
            0..20 => (d ^ (b & (c ^ d)), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (d & (b | c)), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(word);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    let [v, w, x, y, z] = state;
    [v.wrapping_add(a), w.wrapping_add(b), x.wrapping_add(c), y.wrapping_add(d), z.wrapping_add(e)]
}

#[cfg(test)]
mod tests {
    use std::prelude::v1::*;

    use sha1::{Digest, Sha1};

    use super::*;

    fn hex(hash: [u8; 20]) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn sock_01_sha1_makes_the_hashes_of_rfc_3174() {
        let vectors: [(&str, usize, &str); 4] = [
            ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (
                "0123456701234567012345670123456701234567012345670123456701234567",
                10,
                "dea356a2cddd90c7a7ecedc5ebb563934f460452",
            ),
        ];
        for (text, times, hash) in vectors {
            assert_eq!(hex(sha1(text.repeat(times).as_bytes())), hash, "{times} times {text}");
        }
    }

    #[test]
    fn sock_01_sha1_agrees_with_another_implementation_at_every_length() {
        let message: Vec<u8> = (0..300_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for length in 0..=message.len() {
            let expected: [u8; 20] = Sha1::digest(&message[..length]).into();
            assert_eq!(sha1(&message[..length]), expected, "{length}");
        }
    }
}
