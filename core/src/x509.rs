//! What the transports read of an X.509 certificate themselves (RFC 5280): key usage, which webpki reads but does not
//! enforce, the public key, to be pinned, and pairs of numbers: RSA keys and ECDSA signatures.
//!
//! The reader is strict DER and only walks as far as it must. The certificates that it sees are those that webpki has
//! accepted already.

/// The bytes are not DER, or not a certificate of version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// id-ce-keyUsage, 2.5.29.15.
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];

/// Whether the certificate's key may sign a handshake: its key usage (section 4.2.1.3) has digitalSignature, or there is
/// no such extension.
///
/// # Errors
/// [`Malformed`].
pub fn may_sign_handshakes(certificate: &[u8]) -> Result<bool, Malformed> {
    Ok(key_usage(certificate)?.is_none_or(|usage| usage & 0x80 != 0))
}

/// Whether the certificate's key may sign certificates: its key usage (section 4.2.1.3) has keyCertSign, or there is no
/// such extension.
///
/// # Errors
/// [`Malformed`].
pub fn may_sign_certificates(certificate: &[u8]) -> Result<bool, Malformed> {
    Ok(key_usage(certificate)?.is_none_or(|usage| usage & 0x04 != 0))
}

/// The SubjectPublicKeyInfo (section 4.1.2.7), tag and length included: what a pin is the SHA-256 of.
///
/// # Errors
/// [`Malformed`].
pub fn subject_public_key_info(certificate: &[u8]) -> Result<&[u8], Malformed> {
    let mut to_be_signed = to_be_signed(certificate)?;
    let from_here = to_be_signed.0;
    to_be_signed.expect(SEQUENCE)?;
    let length = from_here.len().checked_sub(to_be_signed.0.len()).ok_or(Malformed)?;
    from_here.get(..length).ok_or(Malformed)
}

/// The modulus and the exponent of an RSAPublicKey (RFC 8017 appendix A.1.1), each positive and without leading zeros.
///
/// # Errors
/// [`Malformed`].
pub fn rsa_public_key(key: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    two_numbers(key)
}

/// The r and s of an ECDSA-Sig-Value (RFC 3279 section 2.2.3), each positive and without leading zeros.
///
/// # Errors
/// [`Malformed`].
pub fn ecdsa_signature(signature: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    two_numbers(signature)
}

/// A sequence of two positive integers and nothing else.
fn two_numbers(sequence: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut outer = Reader(sequence);
    let mut numbers = Reader(outer.expect(SEQUENCE)?);
    let both = (positive(numbers.expect(INTEGER)?)?, positive(numbers.expect(INTEGER)?)?);
    if outer.0.is_empty() && numbers.0.is_empty() { Ok(both) } else { Err(Malformed) }
}

fn positive(integer: &[u8]) -> Result<&[u8], Malformed> {
    match *integer {
        // As few bytes as possible, and the highest bit is the sign.
        [0, ref number @ ..] if number.first().is_some_and(|first| first & 0x80 != 0) => Ok(number),
        [1..=0x7f, ..] => Ok(integer),
        _ => Err(Malformed),
    }
}

/// The first byte of the key usage; `None` where there is no such extension, and so any use is allowed.
fn key_usage(certificate: &[u8]) -> Result<Option<u8>, Malformed> {
    let mut to_be_signed = to_be_signed(certificate)?;
    to_be_signed.expect(SEQUENCE)?;
    while let Some((tag, contents)) = to_be_signed.next()? {
        if tag == EXTENSIONS {
            return in_extensions(Reader(Reader(contents).expect(SEQUENCE)?));
        }
    }
    Ok(None)
}

/// What the issuer signed, from the public key on.
fn to_be_signed(certificate: &[u8]) -> Result<Reader<'_>, Malformed> {
    let mut to_be_signed = Reader(Reader(Reader(certificate).expect(SEQUENCE)?).expect(SEQUENCE)?);
    to_be_signed.expect(VERSION)?;
    to_be_signed.expect(INTEGER)?;
    // The signature algorithm, the issuer, the validity, the subject.
    for _ in 0..4 {
        to_be_signed.expect(SEQUENCE)?;
    }
    Ok(to_be_signed)
}

fn in_extensions(mut extensions: Reader<'_>) -> Result<Option<u8>, Malformed> {
    while let Some((tag, contents)) = extensions.next()? {
        let mut extension = Reader(contents);
        if tag != SEQUENCE {
            return Err(Malformed);
        }
        if extension.expect(OBJECT_IDENTIFIER)? == KEY_USAGE {
            // Between the two there may be `critical`.
            while let Some((tag, value)) = extension.next()? {
                if tag == OCTET_STRING {
                    let mut value = Reader(value);
                    let usage = first_bits(value.expect(BIT_STRING)?)?;
                    return if value.0.is_empty() { Ok(Some(usage)) } else { Err(Malformed) };
                }
            }
            return Err(Malformed);
        }
    }
    Ok(None)
}

fn first_bits(string: &[u8]) -> Result<u8, Malformed> {
    match *string {
        // No bit at all: no use is allowed.
        [0] => Ok(0),
        // The first byte counts the unused bits of the last, which DER wants to be zero.
        [unused @ 0..=7, first] if first.trailing_zeros() >= u32::from(unused) => Ok(first),
        [unused @ 0..=7, first, second] if second.trailing_zeros() >= u32::from(unused) => Ok(first),
        _ => Err(Malformed),
    }
}

/// Takes DER elements off the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The contents of the next element, which must have this tag.
    fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        match self.next()? {
            Some((found, contents)) if found == tag => Ok(contents),
            _ => Err(Malformed),
        }
    }

    /// The next element's tag and contents; `None` at the end.
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, Malformed> {
        let Some((&tag, rest)) = self.0.split_first() else { return Ok(None) };
        let (&length, rest) = rest.split_first().ok_or(Malformed)?;
        let (length, rest) = match length {
            0..=0x7f => (usize::from(length), rest),
            // The long form, with as few bytes as possible.
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f)).ok_or(Malformed)?;
                let value = digits.iter().fold(0, |value, &digit| value << 8 | usize::from(digit));
                if digits.first() == Some(&0) || value < 0x80 {
                    return Err(Malformed);
                }
                (value, rest)
            }
            _ => return Err(Malformed),
        };
        // No tag here needs more than one byte.
        if tag & 0x1f == 0x1f {
            return Err(Malformed);
        }
        let (contents, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(Some((tag, contents)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctx_08_bit_strings_are_strict_der() {
        assert_eq!(first_bits(&[0]), Ok(0));
        assert_eq!(first_bits(&[7, 0x80]), Ok(0x80));
        assert_eq!(first_bits(&[7, 0x08, 0x80]), Ok(0x08));
        for bad in [&[][..], &[1], &[8, 0x80], &[7, 0xc0], &[7, 0x80, 0x40], &[0, 0x80, 0, 0]] {
            assert_eq!(first_bits(bad), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn ctx_08_nothing_stands_behind_a_key_usage() {
        let usage = [0x30, 11, 6, 3, 0x55, 0x1d, 0x0f, 4, 4, 3, 2, 7, 0x80];
        assert_eq!(in_extensions(Reader(&[])), Ok(None));
        assert_eq!(in_extensions(Reader(&usage)), Ok(Some(0x80)));
        let behind = [0x30, 13, 6, 3, 0x55, 0x1d, 0x0f, 4, 6, 3, 2, 7, 0x80, 5, 0];
        assert_eq!(in_extensions(Reader(&behind)), Err(Malformed), "a NULL behind it");
        let none = [0x30, 8, 6, 3, 0x55, 0x1d, 0x0f, 1, 1, 0xff];
        assert_eq!(in_extensions(Reader(&none)), Err(Malformed), "no value");
    }

    #[test]
    fn ctx_08_rsa_keys_are_strict_der() {
        let whole = [0x30, 7, 2, 2, 0, 0x81, 2, 1, 3];
        assert_eq!(rsa_public_key(&whole), Ok((&[0x81][..], &[3][..])));
        assert_eq!(rsa_public_key(&[0x30, 6, 2, 1, 0x7f, 2, 1, 3]), Ok((&[0x7f][..], &[3][..])));
        for end in 0..whole.len() {
            assert_eq!(rsa_public_key(&whole[..end]), Err(Malformed));
        }
        let bad: [&[u8]; 6] = [
            &[0x30, 7, 2, 2, 0, 0x81, 2, 1, 3, 0],
            &[0x30, 8, 2, 2, 0, 0x81, 2, 1, 3, 0],
            &[0x30, 6, 2, 1, 0x81, 2, 1, 3],
            &[0x30, 7, 2, 2, 0, 0x7f, 2, 1, 3],
            &[0x30, 6, 2, 1, 0, 2, 1, 3],
            &[0x30, 5, 2, 0, 2, 1, 3],
        ];
        for bad in bad {
            assert_eq!(rsa_public_key(bad), Err(Malformed), "{bad:?}");
        }
    }

    #[test]
    fn ctx_08_lengths_are_strict_der() {
        for bad in [&[0x30][..], &[0x30, 1], &[0x30, 0x80, 0, 0], &[0x30, 0x81, 1, 0], &[0x30, 0x82, 0, 0x80]] {
            assert_eq!(Reader(bad).next(), Err(Malformed), "{bad:?}");
        }
        assert_eq!(Reader(&[0x1f, 0]).next(), Err(Malformed));
        assert_eq!(Reader(&[]).next(), Ok(None));
    }
}
