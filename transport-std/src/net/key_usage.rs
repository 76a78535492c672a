//! The key usage extension of a certificate (RFC 5280 section 4.2.1.3), which webpki reads but does not enforce.
//!
//! The reader is strict DER and only walks as far as it must. It sees certificates that webpki has accepted already.

/// The certificate is not DER, or its key usage is not a bit string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What a key may be used for: the first byte of the bit string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyUsage(u8);

impl KeyUsage {
    /// The key may sign a handshake.
    pub(crate) const fn digital_signature(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// The key may sign certificates.
    pub(crate) const fn key_cert_sign(self) -> bool {
        self.0 & 0x04 != 0
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// id-ce-keyUsage, 2.5.29.15.
const KEY_USAGE: [u8; 3] = [0x55, 0x1d, 0x0f];

/// The key usage of a certificate; `None` where it has no such extension, and so any use is allowed.
pub(crate) fn of(certificate: &[u8]) -> Result<Option<KeyUsage>, Malformed> {
    let mut to_be_signed = Reader(Reader(Reader(certificate).expect(SEQUENCE)?).expect(SEQUENCE)?);
    to_be_signed.expect(VERSION)?;
    to_be_signed.expect(INTEGER)?;
    // The signature algorithm, the issuer, the validity, the subject, the key.
    for _ in 0..5 {
        to_be_signed.expect(SEQUENCE)?;
    }
    while let Some((tag, contents)) = to_be_signed.next()? {
        if tag == EXTENSIONS {
            return in_extensions(Reader(Reader(contents).expect(SEQUENCE)?));
        }
    }
    Ok(None)
}

fn in_extensions(mut extensions: Reader<'_>) -> Result<Option<KeyUsage>, Malformed> {
    while let Some((tag, contents)) = extensions.next()? {
        let mut extension = Reader(contents);
        if tag != SEQUENCE {
            return Err(Malformed);
        }
        if extension.expect(OBJECT_IDENTIFIER)? == KEY_USAGE {
            // Between the two there may be `critical`.
            while let Some((tag, value)) = extension.next()? {
                if tag == OCTET_STRING {
                    return bits(Reader(value).expect(BIT_STRING)?).map(Some);
                }
            }
            return Err(Malformed);
        }
    }
    Ok(None)
}

fn bits(string: &[u8]) -> Result<KeyUsage, Malformed> {
    match *string {
        // No bit at all: no use is allowed.
        [0] => Ok(KeyUsage(0)),
        // The first byte counts the unused bits of the last, which DER wants to be zero.
        [unused @ 0..=7, first] if first.trailing_zeros() >= u32::from(unused) => Ok(KeyUsage(first)),
        [unused @ 0..=7, first, second] if second.trailing_zeros() >= u32::from(unused) => Ok(KeyUsage(first)),
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
    use rcgen::KeyUsagePurpose::{CrlSign, DecipherOnly, DigitalSignature, KeyAgreement, KeyCertSign, KeyEncipherment};
    use rcgen::{CertificateParams, KeyPair, KeyUsagePurpose};

    use super::*;

    fn certificate(usages: &[KeyUsagePurpose]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.key_usages = usages.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn ctx_08_key_usage_is_read() {
        for (usages, signature, cert_sign) in [
            (&[DigitalSignature][..], true, false),
            (&[KeyCertSign], false, true),
            (&[KeyCertSign, CrlSign, DigitalSignature], true, true),
            (&[KeyEncipherment, KeyAgreement], false, false),
            (&[KeyAgreement, DecipherOnly], false, false),
            (&[DigitalSignature, DecipherOnly], true, false),
        ] {
            let usage = of(&certificate(usages)).unwrap().unwrap();
            assert_eq!((usage.digital_signature(), usage.key_cert_sign()), (signature, cert_sign), "{usages:?}");
        }
        assert_eq!(of(&certificate(&[])), Ok(None));
    }

    #[test]
    fn ctx_08_malformed_certificates_are_refused_without_a_panic() {
        let whole = certificate(&[DigitalSignature, KeyCertSign]);
        for end in 0..whole.len() {
            assert_eq!(of(&whole[..end]), Err(Malformed), "cut at {end}");
        }
        // Whatever a changed byte does, the reader comes back.
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[at] ^= change;
                let _ = of(&changed);
            }
        }
    }

    #[test]
    fn ctx_08_bit_strings_are_strict_der() {
        assert_eq!(bits(&[0]), Ok(KeyUsage(0)));
        assert_eq!(bits(&[7, 0x80]), Ok(KeyUsage(0x80)));
        assert_eq!(bits(&[7, 0x08, 0x80]), Ok(KeyUsage(0x08)));
        for bad in [&[][..], &[1], &[8, 0x80], &[7, 0xc0], &[7, 0x80, 0x40], &[0, 0x80, 0, 0]] {
            assert_eq!(bits(bad), Err(Malformed), "{bad:?}");
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
