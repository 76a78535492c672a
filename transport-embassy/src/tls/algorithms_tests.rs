//! Signatures in DER, beside the decoder that comes with the curves.

use std::vec::Vec;

use super::*;

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// The orders of the curves (FIPS 186-5, SP 800-186).
const P256_ORDER: [u8; 32] = *b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\
    \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
#[cfg(feature = "p384")]
const P384_ORDER: [u8; 48] = *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
    \xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\
    \x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73";

/// What the two decoders make of each, which must be the same; how many are signatures.
struct Compared<F>(F, usize);

impl<F: FnMut(&[u8]) -> bool> Compared<F> {
    fn see(&mut self, der: &[u8]) {
        self.1 += usize::from(self.0(der));
    }

    /// Everything that is one byte away: changed, left out, added; and every beginning.
    fn see_neighbours(&mut self, der: &[u8]) {
        for at in 0..der.len() {
            for value in 0..=255 {
                let mut changed = der.to_vec();
                changed[at] = value;
                self.see(&changed);
                changed.insert(at, der[at]);
                self.see(&changed);
            }
            self.see(&[&der[..at], &der[at + 1..]].concat());
            self.see(&der[..at]);
        }
        (0..=255).for_each(|value| self.see(&[der, &[value]].concat()));
    }
}

fn p256_agrees(der: &[u8]) -> bool {
    let theirs = p256::ecdsa::Signature::from_der(der).ok();
    assert_eq!(p256_signature(der).ok(), theirs, "{der:02x?}");
    theirs.is_some()
}

#[cfg(feature = "p384")]
fn p384_agrees(der: &[u8]) -> bool {
    let theirs = p384::ecdsa::Signature::from_der(der).ok();
    assert_eq!(p384_signature(der).ok(), theirs, "{der:02x?}");
    theirs.is_some()
}

/// With the length in its short form, and in every longer one too.
fn element(tag: u8, contents: &[u8]) -> [Vec<u8>; 4] {
    let length = u8::try_from(contents.len()).unwrap();
    let long = |form: &[u8]| [&[tag], form, &[length], contents].concat();
    [long(&[]), long(&[0x81]), long(&[0x82, 0]), long(&[0x84, 0, 0, 0])]
}

fn signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    let [r, ..] = element(INTEGER, r);
    let [s, ..] = element(INTEGER, s);
    let [signature, ..] = element(SEQUENCE, &[r, s].concat());
    signature
}

/// Contents of integers: small ones, those about the order and about the highest there is room for; each as it must be,
/// with a zero too many and one too few.
fn integers(order: &[u8]) -> Vec<Vec<u8>> {
    let last = order.len() - 1;
    let about = |change: i8| {
        let mut number = order.to_vec();
        number[last] = number[last].wrapping_add_signed(change);
        number
    };
    let mut numbers = std::vec![Vec::new(), [0].to_vec(), [1].to_vec(), [0x7f].to_vec(), [0x80].to_vec()];
    numbers.extend([[0xff].to_vec(), [1, 0].to_vec(), about(-1), about(0), about(1)]);
    for length in [last, last + 1, last + 2] {
        numbers.extend([0x01, 0x7f, 0x80, 0xff].map(|first| [&[first], &std::vec![0x5a; length - 1][..]].concat()));
        numbers.push(std::vec![0xff; length]);
    }
    let with_zeros = |zeros: usize| numbers.iter().map(move |number| [&[0, 0][..zeros], number].concat());
    (0..3).flat_map(with_zeros).collect()
}

fn compare(order: &[u8], agrees: impl FnMut(&[u8]) -> bool) -> usize {
    let mut compared = Compared(agrees, 0);
    let integers = integers(order);
    for r in &integers {
        for s in &integers {
            compared.see(&signature(r, s));
        }
        // Lengths in long forms, outside and inside, and what follows where nothing may.
        let s = element(INTEGER, &[0x2a]);
        for r in element(INTEGER, r) {
            for both in s.iter().flat_map(|s| [[&r[..], s].concat(), [s, &r[..]].concat(), [&r[..], s, &[0]].concat()])
            {
                element(SEQUENCE, &both).iter().for_each(|signature| compared.see(signature));
            }
            element(SEQUENCE, &r).iter().for_each(|signature| compared.see(signature));
        }
    }
    // Full length with and without the zero in front, and short.
    let (high, low) = ([&[0, 0xf0], &order[1..]].concat(), [&[0x70], &order[1..]].concat());
    for (r, s) in [(&high, &high), (&low, &high), (&low, &low), (&[1].to_vec(), &[0, 0x80].to_vec())] {
        compared.see_neighbours(&signature(r, s));
    }
    compared.1
}

#[test]
fn ctx_08_signatures_over_p256_are_taken_and_refused_as_the_curves_own_decoder_does() {
    assert!(compare(&P256_ORDER, p256_agrees) > 10_000);
}

#[cfg(feature = "p384")]
#[test]
fn ctx_08_signatures_over_p384_are_taken_and_refused_as_the_curves_own_decoder_does() {
    assert!(compare(&P384_ORDER, p384_agrees) > 10_000);
}
