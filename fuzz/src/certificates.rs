//! Certificates made on the spot and always the same: ECDSA over P-256 with SHA-256, signed without chance (RFC 6979).

use std::cell::RefCell;
use std::collections::HashMap;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};

/// 2027-01-15, in seconds, when the certificates of [`Fields::new`] are valid.
pub(crate) const NOW: u64 = 1_800_000_000;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 3;
/// ecdsa-with-SHA256.
pub(crate) const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// id-ecPublicKey, prime256v1.
const P256: &[u8] = &[0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];

/// A key for signatures.
pub(crate) struct Key(SigningKey);

impl Key {
    /// The key of this number, from 1 on.
    pub(crate) fn new(number: u8) -> Self {
        Self(SigningKey::from_slice(&[number; 32]).unwrap())
    }

    /// A signature in DER. The last ones are remembered: most inputs sign the same.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        thread_local! {
            static KNOWN: RefCell<HashMap<Vec<u8>, Vec<u8>>> = RefCell::default();
        }
        let index = [&self.0.to_bytes()[..], message].concat();
        KNOWN.with_borrow_mut(|known| {
            if known.len() > 500 {
                known.clear();
            }
            let sign = || Signer::<Signature>::sign(&self.0, message).to_der().as_bytes().to_vec();
            known.entry(index).or_insert_with(sign).clone()
        })
    }

    /// The SubjectPublicKeyInfo.
    pub(crate) fn public(&self) -> Vec<u8> {
        let point = self.0.verifying_key().to_encoded_point(false);
        der(SEQUENCE, &[P256, &der(BIT_STRING, &[&[0], point.as_bytes()])])
    }
}

/// What a certificate says, each part in DER.
#[derive(Clone)]
pub(crate) struct Fields {
    /// With the tags around them: version and serial number.
    pub(crate) start: Vec<u8>,
    /// A Name.
    pub(crate) issuer: Vec<u8>,
    /// notBefore and notAfter.
    pub(crate) validity: Vec<u8>,
    /// A Name.
    pub(crate) subject: Vec<u8>,
    /// A SubjectPublicKeyInfo.
    pub(crate) key: Vec<u8>,
    /// Extensions, one by one.
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Fields {
    /// Version 3, valid from 2020 to 2049, without extensions.
    pub(crate) fn new(issuer: &str, subject: &str, key: &Key) -> Self {
        Self {
            start: vec![0xa0, 3, 2, 1, 2, 2, 1, 7],
            issuer: name(issuer),
            validity: validity(b"200101000000Z", b"491231235959Z"),
            subject: name(subject),
            key: key.public(),
            extensions: Vec::new(),
        }
    }

    /// With one more.
    #[must_use]
    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// The TBSCertificate without its tag and length.
    pub(crate) fn to_be_signed(&self) -> Vec<u8> {
        let Self { start, issuer, validity, subject, key, extensions } = self;
        let extensions = match &extensions[..] {
            [] => Vec::new(),
            list => der(0xa3, &[&der(SEQUENCE, &[&list.concat()])]),
        };
        [start, ECDSA_SHA256, issuer, validity, subject, key, &extensions].concat()
    }

    /// The certificate.
    pub(crate) fn signed(&self, by: &Key) -> Vec<u8> {
        sign(&self.to_be_signed(), by)
    }
}

/// A certificate of a TBSCertificate without its tag and length.
pub(crate) fn sign(to_be_signed: &[u8], by: &Key) -> Vec<u8> {
    let inner = der(SEQUENCE, &[to_be_signed]);
    der(SEQUENCE, &[&inner, ECDSA_SHA256, &der(BIT_STRING, &[&[0], &by.sign(&inner)])])
}

/// A Name with nothing but a common name.
pub(crate) fn name(common: &str) -> Vec<u8> {
    let attribute = der(SEQUENCE, &[&[6, 3, 0x55, 4, 3], &der(0x0c, &[common.as_bytes()])]);
    der(SEQUENCE, &[&der(0x31, &[&attribute])])
}

/// Two UTCTimes.
pub(crate) fn validity(not_before: &[u8], not_after: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[&der(0x17, &[not_before]), &der(0x17, &[not_after])])
}

/// An extension of id-ce, by the last number of its identifier.
pub(crate) fn extension(last: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    der(SEQUENCE, &[&[6, 3, 0x55, 0x1d, last], critical, &der(4, &[value])])
}

/// basicConstraints: an authority.
pub(crate) fn authority() -> Vec<u8> {
    extension(19, true, &[0x30, 3, 1, 1, 0xff])
}

/// subjectAltName: a DNS name.
pub(crate) fn dns_name(host: &str) -> Vec<u8> {
    extension(17, false, &der(SEQUENCE, &[&der(0x82, &[host.as_bytes()])]))
}

/// An element of DER.
pub(crate) fn der(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = contents.len().to_be_bytes();
    let digits = &length[length.iter().position(|digit| *digit != 0).unwrap_or(length.len() - 1)..];
    let mut element = vec![tag];
    if contents.len() >= 0x80 {
        element.push(0x80 | digits.len() as u8);
    }
    element.extend(digits);
    element.extend(contents);
    element
}
