use std::vec::Vec;

use num_bigint::BigUint;

use super::*;

/// More where there is the time.
const ROUNDS: usize = if cfg!(debug_assertions) { 1 } else { 20 };

/// Pseudo-random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// The lowest first, of a kind that carries and borrows like: any, all ones, all zeros, a mixture of these, few bits.
    fn words(&mut self, count: usize) -> Vec<u32> {
        let kind = self.below(5);
        let word = |random: &mut Self| match (kind, random.below(4)) {
            (1, _) | (3, 0) => u32::MAX,
            (2, _) | (3, 1) => 0,
            (4, _) => (random.number() & random.number() & random.number()) as u32,
            _ => random.number() as u32,
        };
        (0..count).map(|_| word(self)).collect()
    }

    /// An odd number with its highest bit.
    fn modulus(&mut self, words: usize) -> Vec<u32> {
        let mut modulus = self.words(words);
        modulus[0] |= 1;
        modulus[words - 1] |= 1 << 31;
        modulus
    }

    /// A number below `modulus`: any, 0, 1, or close to it.
    fn below_modulus(&mut self, modulus: &[u32]) -> Vec<u32> {
        let n = big(modulus);
        let number = match self.below(6) {
            0 => BigUint::from(0u32),
            1 => BigUint::from(1u32),
            2 => &n - 1u32,
            3 => &n - (self.number() as u32 | 1) % &n,
            _ => big(&self.words(modulus.len())) % &n,
        };
        let mut words = number.to_u32_digits();
        words.resize(modulus.len(), 0);
        words
    }
}

fn big(words: &[u32]) -> BigUint {
    BigUint::new(words.to_vec())
}

#[test]
fn ctx_08_modular_arithmetic_is_that_of_another_implementation() {
    let mut random = Random(1);
    for round in 0..2000 * ROUNDS {
        // Mostly short: there every word matters.
        let words = if round % 20 == 0 { 64 + random.below(65) } else { 1 + random.below(6) };
        let n = random.modulus(words);
        let (a, b) = (random.below_modulus(&n), random.below_modulus(&n));
        let field = Montgomery { n: &n, negative_inverse: negative_inverse(n[0]) };
        let (modulus, r) = (big(&n), BigUint::from(1u32) << (32 * words));
        let mut product = a.clone();
        field.multiply(&mut product, &b);
        assert!(big(&product) < modulus, "{a:x?} {b:x?} {n:x?}");
        assert_eq!(big(&product) * &r % &modulus, big(&a) * big(&b) % &modulus, "{a:x?} {b:x?} {n:x?}");
        let mut twice = a.clone();
        field.double(&mut twice);
        assert_eq!(big(&twice), big(&a) * 2u32 % &modulus, "{a:x?} {n:x?}");
    }
}

#[test]
fn ctx_08_rsa_powers_are_those_of_another_implementation() {
    let mut random = Random(2);
    for round in 0..ROUNDS {
        for words in SHORTEST / 4..=WORDS {
            let n = random.modulus(words);
            let base = random.below_modulus(&n);
            let exponent = match (words + round) % 5 {
                0 => 3,
                1 => 17,
                2 => 65_537,
                3 => u32::MAX,
                _ => (random.number() as u32 >> random.below(30)) | 1,
            };
            let exponent = exponent.max(3);
            let bytes = |number: &BigUint| {
                let bytes = number.to_bytes_be();
                [&std::vec![0; 4 * words - bytes.len()], &bytes[..]].concat()
            };
            let mut out = std::vec![0; 4 * words];
            let exponent_bytes = BigUint::from(exponent).to_bytes_be();
            let done = public_operation(&bytes(&big(&n)), &exponent_bytes, &bytes(&big(&base)), &mut out);
            assert_eq!(done, Some(()));
            let expected = big(&base).modpow(&exponent.into(), &big(&n));
            assert_eq!(out, bytes(&expected), "{base:x?} to the {exponent} modulo {n:x?}");
        }
    }
}

/// EMSA-PSS (section 9.1.1) with a salt of sevens.
fn pss<D: Digest>(length: usize, message: &[u8]) -> Vec<u8> {
    let salt = std::vec![7; message.len()];
    let hash = D::new().chain_update([0; 8]).chain_update(message).chain_update(&salt).finalize();
    let zeros = std::vec![0; length - 2 * message.len() - 2];
    let mut data = [&zeros[..], &[1], &salt].concat();
    let mut mask = Vec::new();
    for counter in 0u32.. {
        if mask.len() >= data.len() {
            break;
        }
        mask.extend(D::new().chain_update(&hash).chain_update(counter.to_be_bytes()).finalize());
    }
    data.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    data[0] &= 0x7f;
    [&data[..], &hash, &[0xbc]].concat()
}

fn check_pss<D: Digest>(length: usize) {
    let message = D::digest(b"a message");
    let verdict = |encoded: &[u8], message: &[u8]| is_pss::<D>(&mut encoded.to_vec(), message);
    let encoded = pss::<D>(length, &message);
    assert_eq!(verdict(&encoded, &message), Some(true), "{length}");
    assert_ne!(verdict(&encoded, &D::digest(b"another")), Some(true), "{length}");
    for at in 0..length {
        let mut changed = encoded.clone();
        changed[at] ^= 1 << (at % 8);
        assert_ne!(verdict(&changed, &message), Some(true), "{at} of {length}");
        assert_ne!(verdict(&encoded[at + 1..], &message), Some(true), "cut by {} of {length}", at + 1);
    }
}

#[test]
fn ctx_08_pss_padding_is_exact() {
    for length in [256, 388, 512] {
        check_pss::<Sha256>(length);
        check_pss::<Sha384>(length);
        check_pss::<Sha512>(length);
    }
}

#[test]
fn ctx_08_modular_arithmetic_is_right() {
    // Against u64: one word at a time, and R is 2^32.
    let n = 4_294_967_291;
    let field = Montgomery { n: &[n], negative_inverse: negative_inverse(n) };
    assert_eq!(n.wrapping_mul(field.negative_inverse), u32::MAX);
    let modulus = u64::from(n);
    for (a, b) in [(0, 1), (1, 1), (2, 3), (n - 1, n - 1), (0x1234_5678, 0x9abc_def0)] {
        let mut product = [a];
        field.multiply(&mut product, &[b]);
        // Times R it is the product again.
        let times_r = (u64::from(product[0]) << 32) % modulus;
        assert_eq!(times_r, u64::from(a) * u64::from(b) % modulus, "{a} {b}");
        let mut twice = [a];
        field.double(&mut twice);
        assert_eq!(u64::from(twice[0]), 2 * u64::from(a) % modulus);
    }
}

#[test]
fn ctx_08_rsa_keys_that_are_refused() {
    let (good, mut out) = (std::vec![0xff; 256], [0; 512]);
    let mut try_with = |modulus: &[u8], exponent: &[u8], signature: &[u8]| {
        public_operation(modulus, exponent, signature, &mut out[..modulus.len()])
    };
    let less: Vec<u8> = std::vec![0xfe; 256];
    assert!(try_with(&good, &[3], &less).is_some());
    assert!(try_with(&good, &[1, 0, 1], &less).is_some());
    for exponent in [&[][..], &[1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
        assert!(try_with(&good, exponent, &less).is_none(), "{exponent:?}");
    }
    assert!(try_with(&good, &[3], &good).is_none(), "not less than the modulus");
    assert!(try_with(&good, &[3], &less[1..]).is_none());
    for length in [0, 1, 128, 252, 255, 257, 510] {
        assert!(try_with(&std::vec![0xff; length], &[3], &std::vec![0xfe; length]).is_none(), "{length}");
    }
    let mut even = good.clone();
    even[255] = 0xfe;
    assert!(try_with(&even, &[3], &std::vec![1; 256]).is_none());
    let mut short = good.clone();
    short[0] = 0x7f;
    assert!(try_with(&short, &[3], &std::vec![1; 256]).is_none());
}

#[test]
fn ctx_08_pkcs1_padding_is_exact() {
    let oid = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];
    for (number, length) in [(1, 32), (2, 48), (3, 64)] {
        let hash = std::vec![7; usize::from(length)];
        let info = [&[0, 0x30, 17 + length, 0x30, 0x0d][..], &oid, &[number, 5, 0, 4, length], &hash].concat();
        for size in [256, 388, 512] {
            let mut encoded = std::vec![0xff; size - info.len()];
            (encoded[0], encoded[1]) = (0, 1);
            encoded.extend(&info);
            assert!(is_pkcs1(&encoded, number, &hash));
            assert!(!is_pkcs1(&encoded, number ^ 1, &hash));
            assert!(!is_pkcs1(&encoded, number, &std::vec![8; usize::from(length)]));
            for at in 0..size {
                let mut changed = encoded.clone();
                changed[at] ^= 1 << (at % 8);
                assert!(!is_pkcs1(&changed, number, &hash), "{at} of {size}");
                assert!(!is_pkcs1(&encoded[at + 1..], number, &hash), "cut by {} of {size}", at + 1);
            }
        }
    }
}
