//! The signatures that can be verified: ECDSA over P-256, and more by features.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};

use embedded_tls::SignatureScheme;
use miniwire_core::x509;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use sha2::{Digest, Sha256};

#[cfg(feature = "rsa")]
use super::rsa::{Hash, Padding, Rsa};

/// The longest SubjectPublicKeyInfo of a kind that can be verified.
pub(super) const LONGEST_KEY: usize = if cfg!(feature = "rsa") {
    550 // of 4,096 bits
} else if cfg!(feature = "p384") {
    120
} else {
    91
};

/// How many signatures of certificates are looked at. A chain has a few; who sends certificates to try in every order
/// would otherwise have this processor verify a hundred, a third of a second each.
const CHECKS: u8 = 8;

/// What certificates may be signed with.
const CERTIFICATES: &[&dyn SignatureVerificationAlgorithm] = &[
    &P256Sha256,
    #[cfg(feature = "p384")]
    &P384Sha384,
    #[cfg(feature = "p384")]
    &P384Sha256,
    #[cfg(feature = "p384")]
    &P256Sha384,
    #[cfg(feature = "ed25519")]
    &Ed25519,
    #[cfg(feature = "rsa")]
    &Rsa(Padding::Pkcs1, Hash::Sha256),
    #[cfg(feature = "rsa")]
    &Rsa(Padding::Pkcs1, Hash::Sha384),
    #[cfg(feature = "rsa")]
    &Rsa(Padding::Pkcs1, Hash::Sha512),
];

/// What a server may sign the handshake with (RFC 8446 section 4.2.3).
pub(super) fn of_handshake(scheme: SignatureScheme) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => Some(&P256Sha256),
        #[cfg(feature = "p384")]
        SignatureScheme::EcdsaSecp384r1Sha384 => Some(&P384Sha384),
        #[cfg(feature = "ed25519")]
        SignatureScheme::Ed25519 => Some(&Ed25519),
        #[cfg(feature = "rsa")]
        SignatureScheme::RsaPssRsaeSha256 => Some(&Rsa(Padding::Pss, Hash::Sha256)),
        #[cfg(feature = "rsa")]
        SignatureScheme::RsaPssRsaeSha384 => Some(&Rsa(Padding::Pss, Hash::Sha384)),
        #[cfg(feature = "rsa")]
        SignatureScheme::RsaPssRsaeSha512 => Some(&Rsa(Padding::Pss, Hash::Sha512)),
        _ => None,
    }
}

/// Calls `verify` with what certificates may be signed with, for at most so many signatures as a chain can need.
pub(super) fn of_certificates<T>(verify: impl FnOnce(&[&dyn SignatureVerificationAlgorithm]) -> T) -> T {
    let left = AtomicU8::new(CHECKS);
    let limited = core::array::from_fn::<_, { CERTIFICATES.len() }, _>(|index| Limited {
        algorithm: CERTIFICATES.get(index).copied().unwrap_or(&P256Sha256),
        left: &left,
    });
    verify(&limited.each_ref().map(|limited| -> &dyn SignatureVerificationAlgorithm { limited }))
}

/// An algorithm that verifies nothing any more once the checks are used up.
struct Limited<'a> {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    left: &'a AtomicU8,
}

impl SignatureVerificationAlgorithm for Limited<'_> {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // Shared for the trait's sake only: one thread.
        let left = self.left.load(Ordering::Relaxed).checked_sub(1).ok_or(InvalidSignature)?;
        self.left.store(left, Ordering::Relaxed);
        self.algorithm.verify_signature(key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }
}

impl fmt::Debug for Limited<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

#[derive(Debug)]
struct P256Sha256;

impl SignatureVerificationAlgorithm for P256Sha256 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        over_p256(key, &Sha256::digest(message), signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

#[cfg(feature = "p384")]
#[derive(Debug)]
struct P256Sha384;

#[cfg(feature = "p384")]
impl SignatureVerificationAlgorithm for P256Sha384 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        over_p256(key, &sha2::Sha384::digest(message), signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}

#[cfg(feature = "p384")]
#[derive(Debug)]
struct P384Sha256;

#[cfg(feature = "p384")]
impl SignatureVerificationAlgorithm for P384Sha256 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        over_p384(key, &Sha256::digest(message), signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

#[cfg(feature = "p384")]
#[derive(Debug)]
struct P384Sha384;

#[cfg(feature = "p384")]
impl SignatureVerificationAlgorithm for P384Sha384 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        over_p384(key, &sha2::Sha384::digest(message), signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}

#[cfg(feature = "ed25519")]
#[derive(Debug)]
struct Ed25519;

#[cfg(feature = "ed25519")]
impl SignatureVerificationAlgorithm for Ed25519 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = key.try_into().map_err(|_| InvalidSignature)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| InvalidSignature)?;
        // Also refuses keys and signatures of small order.
        key.verify_strict(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ED25519
    }
}

fn over_p256(key: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
    key.verify_prehash(hash, &p256_signature(signature)?).map_err(|_| InvalidSignature)
}

fn p256_signature(der: &[u8]) -> Result<p256::ecdsa::Signature, InvalidSignature> {
    let [r, s] = numbers::<32>(der)?;
    // Refuses what is not below the order.
    p256::ecdsa::Signature::from_scalars(r, s).map_err(|_| InvalidSignature)
}

#[cfg(feature = "p384")]
fn over_p384(key: &[u8], hash: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
    key.verify_prehash(hash, &p384_signature(signature)?).map_err(|_| InvalidSignature)
}

#[cfg(feature = "p384")]
fn p384_signature(der: &[u8]) -> Result<p384::ecdsa::Signature, InvalidSignature> {
    let [r, s] = numbers::<48>(der)?;
    // Refuses what is not below the order.
    p384::ecdsa::Signature::from_scalars(r, s).map_err(|_| InvalidSignature)
}

/// The r and s of a signature, filled up to so many bytes. The decoder that comes with the curves takes and refuses the
/// same but is ten times as large.
fn numbers<const N: usize>(der: &[u8]) -> Result<[[u8; N]; 2], InvalidSignature> {
    let (r, s) = x509::ecdsa_signature(der).map_err(|x509::Malformed| InvalidSignature)?;
    Ok([filled_up(r)?, filled_up(s)?])
}

fn filled_up<const N: usize>(number: &[u8]) -> Result<[u8; N], InvalidSignature> {
    let mut bytes = [0; N];
    let start = N.checked_sub(number.len()).ok_or(InvalidSignature)?;
    let space = bytes.get_mut(start..).unwrap_or_default();
    space.iter_mut().zip(number).for_each(|(to, from)| *to = *from);
    Ok(bytes)
}

#[cfg(test)]
#[path = "algorithms_tests.rs"]
mod tests;
