//! Verifying RSA signatures (RFC 8017) without an allocator: keys of 2,048 to 4,096 bits, a multiple of 32.
//!
//! Nothing here is secret, so nothing needs to take the same time always.

use miniwire_core::x509;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The longest modulus, in bytes and in words.
const BYTES: usize = 512;
const WORDS: usize = BYTES / 4;
const SHORTEST: usize = 256;

#[derive(Debug)]
pub(super) enum Padding {
    /// RSASSA-PKCS1-v1_5 (section 8.2).
    Pkcs1,
    /// RSASSA-PSS, the salt as long as the hash (section 8.1, RFC 8446 section 4.2.3).
    Pss,
}

#[derive(Debug)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// One kind of signature.
#[derive(Debug)]
pub(super) struct Rsa(pub(super) Padding, pub(super) Hash);

impl SignatureVerificationAlgorithm for Rsa {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verified = match self.1 {
            Hash::Sha256 => verify::<Sha256>(&self.0, 1, key, message, signature),
            Hash::Sha384 => verify::<Sha384>(&self.0, 2, key, message, signature),
            Hash::Sha512 => verify::<Sha512>(&self.0, 3, key, message, signature),
        };
        verified.filter(|&verified| verified).map(drop).ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match (&self.0, &self.1) {
            (Padding::Pkcs1, Hash::Sha256) => alg_id::RSA_PKCS1_SHA256,
            (Padding::Pkcs1, Hash::Sha384) => alg_id::RSA_PKCS1_SHA384,
            (Padding::Pkcs1, Hash::Sha512) => alg_id::RSA_PKCS1_SHA512,
            (Padding::Pss, Hash::Sha256) => alg_id::RSA_PSS_SHA256,
            (Padding::Pss, Hash::Sha384) => alg_id::RSA_PSS_SHA384,
            (Padding::Pss, Hash::Sha512) => alg_id::RSA_PSS_SHA512,
        }
    }
}

/// `hash` is the last number of the hash's object identifier.
fn verify<D: Digest>(padding: &Padding, hash: u8, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let (modulus, exponent) = x509::rsa_public_key(key).ok()?;
    let mut encoded = [0; BYTES];
    let encoded = encoded.get_mut(..modulus.len())?;
    public_operation(modulus, exponent, signature, encoded)?;
    let message = D::digest(message);
    match padding {
        Padding::Pkcs1 => Some(is_pkcs1(encoded, hash, &message)),
        Padding::Pss => is_pss::<D>(encoded, &message),
    }
}

/// EMSA-PKCS1-v1_5 (section 9.2): what is encoded must be exactly what a signer would have made.
fn is_pkcs1(encoded: &[u8], hash: u8, message: &[u8]) -> bool {
    let Ok(length) = u8::try_from(message.len()) else { return false };
    let oid = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, hash, 0x05, 0x00];
    // DigestInfo: the algorithm, 15 bytes with its header, and the hash with its own.
    let (before, after) = ([0x30, length.saturating_add(17), 0x30, 13], [0x04, length]);
    let info = before.iter().chain(&oid).chain(&after).chain(message);
    let Some(filling) = encoded.len().checked_sub(message.len().saturating_add(22)) else { return false };
    let start = [0, 1].iter().chain(core::iter::repeat_n(&0xff, filling)).chain(&[0]);
    start.chain(info).eq(encoded)
}

/// EMSA-PSS (section 9.1.2), for a modulus whose highest bit is set.
fn is_pss<D: Digest>(encoded: &mut [u8], message: &[u8]) -> Option<bool> {
    let length = message.len();
    let (data, rest) = encoded.split_at_mut_checked(encoded.len().checked_sub(length.saturating_add(1))?)?;
    let (hash, trailer) = rest.split_at_checked(length)?;
    let first = data.first_mut()?;
    if *first & 0x80 != 0 || trailer != [0xbc] {
        return Some(false);
    }
    for (counter, chunk) in (0u32..).zip(data.chunks_mut(length.max(1))) {
        let mask = D::new().chain_update(hash).chain_update(counter.to_be_bytes()).finalize();
        chunk.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    *data.first_mut()? &= 0x7f;
    let (filling, salt) = data.split_at_checked(data.len().checked_sub(length)?)?;
    let (one, zeros) = filling.split_last()?;
    let again = D::new().chain_update([0; 8]).chain_update(message).chain_update(salt).finalize();
    Some(*one == 1 && zeros.iter().all(|&byte| byte == 0) && *again == *hash)
}

/// RSAVP1 (section 5.2.2): `signature` to the power of `exponent`, in as many bytes as the modulus has.
fn public_operation(modulus: &[u8], exponent: &[u8], signature: &[u8], out: &mut [u8]) -> Option<()> {
    let length = modulus.len();
    let highest_bit = modulus.first()? & 0x80 != 0;
    if !(SHORTEST..=BYTES).contains(&length) || !length.is_multiple_of(4) || !highest_bit || signature.len() != length {
        return None;
    }
    // Odd, more than 1, and no longer than anybody's.
    let exponent = match *exponent {
        [a] => u32::from(a),
        [a, b] => u32::from_be_bytes([0, 0, a, b]),
        [a, b, c] => u32::from_be_bytes([0, a, b, c]),
        [a, b, c, d] => u32::from_be_bytes([a, b, c, d]),
        _ => return None,
    };
    if exponent < 3 || exponent & 1 == 0 {
        return None;
    }
    let (mut n, mut base) = ([0; WORDS], [0; WORDS]);
    let (n, base) = (n.get_mut(..length / 4)?, base.get_mut(..length / 4)?);
    from_bytes(modulus, n);
    from_bytes(signature, base);
    if n.first()? & 1 == 0 || !is_less(base, n) {
        return None;
    }
    let field = Montgomery { n, negative_inverse: negative_inverse(*n.first()?) };
    let mut plain = [0; WORDS];
    let plain = plain.get_mut(..n.len())?;
    *plain.first_mut()? = 1;
    // R squared, R being 2 to the bits of the modulus.
    let mut power = [0; WORDS];
    let power = power.get_mut(..n.len())?;
    copy(plain, power);
    for _ in 0..length.saturating_mul(16) {
        field.double(power);
    }
    let squared = base;
    field.multiply(squared, power);
    copy(squared, power);
    // From the bit below the highest on.
    for bit in (0..exponent.ilog2()).rev() {
        let mut same = [0; WORDS];
        let same = same.get_mut(..n.len())?;
        copy(power, same);
        field.multiply(power, same);
        if exponent >> bit & 1 == 1 {
            field.multiply(power, squared);
        }
    }
    field.multiply(power, plain);
    for (bytes, word) in out.rchunks_exact_mut(4).zip(power.iter()) {
        bytes.iter_mut().zip(word.to_be_bytes()).for_each(|(to, from)| *to = from);
    }
    Some(())
}

/// Arithmetic modulo an odd number, of numbers with the lowest word first.
struct Montgomery<'a> {
    n: &'a [u32],
    /// Of the lowest word, modulo 2^32.
    negative_inverse: u32,
}

impl Montgomery<'_> {
    /// `a` becomes `a` times `b` divided by R. Both are less than the modulus.
    fn multiply(&self, a: &mut [u32], b: &[u32]) {
        let mut sum = [0u32; WORDS];
        let Some(sum) = sum.get_mut(..a.len()) else { return };
        let mut top = 0u64;
        for &digit in a.iter() {
            let digit = u64::from(digit);
            let lowest = match (sum.first(), b.first()) {
                (Some(&sum), Some(&b)) => sum.wrapping_add((digit as u32).wrapping_mul(b)),
                _ => return,
            };
            let factor = u64::from(lowest.wrapping_mul(self.negative_inverse));
            let (mut carry, mut reduced) = (0u64, 0u64);
            for ((sum, &b), &n) in sum.iter_mut().zip(b).zip(self.n) {
                // Neither can overflow: (2^32 - 1)^2 + 2 (2^32 - 1) is 2^64 - 1.
                carry = digit.wrapping_mul(b.into()).wrapping_add((*sum).into()).wrapping_add(carry);
                reduced = factor.wrapping_mul(n.into()).wrapping_add(carry & 0xffff_ffff).wrapping_add(reduced);
                *sum = reduced as u32;
                (carry, reduced) = (carry >> 32, reduced >> 32);
            }
            top = top.wrapping_add(carry).wrapping_add(reduced);
            // The lowest word is zero now: all move down by one.
            let mut above = top as u32;
            sum.iter_mut().rev().for_each(|word| core::mem::swap(word, &mut above));
            top >>= 32;
        }
        if top != 0 || !is_less(sum, self.n) {
            subtract(sum, self.n);
        }
        copy(sum, a);
    }

    /// `a` becomes twice as much.
    fn double(&self, a: &mut [u32]) {
        let mut carry = 0;
        for word in a.iter_mut() {
            let doubled = *word << 1 | carry;
            carry = *word >> 31;
            *word = doubled;
        }
        if carry != 0 || !is_less(a, self.n) {
            subtract(a, self.n);
        }
    }
}

fn from_bytes(bytes: &[u8], words: &mut [u32]) {
    for (word, bytes) in words.iter_mut().zip(bytes.rchunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
}

/// Where the compiler sees that the lengths are the same, this is no slower than what would check it.
fn copy(from: &[u32], to: &mut [u32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

fn is_less(a: &[u32], b: &[u32]) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// Modulo 2 to the bits of `a`.
fn subtract(a: &mut [u32], b: &[u32]) {
    let mut borrow = false;
    for (a, &b) in a.iter_mut().zip(b) {
        let (less, one) = a.overflowing_sub(b);
        let (less, two) = less.overflowing_sub(borrow.into());
        (*a, borrow) = (less, one | two);
    }
}

/// Newton's iteration doubles the bits that are right; an odd number is its own inverse modulo 8.
fn negative_inverse(odd: u32) -> u32 {
    let mut inverse = odd;
    for _ in 0..4 {
        inverse = inverse.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse.wrapping_neg()
}

#[cfg(test)]
#[path = "rsa_tests.rs"]
mod tests;
