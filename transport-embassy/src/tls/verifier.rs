//! Is this the server that the URL names? Chain, validity, host name, CA flags and key usage (CTX-08).
//!
//! Path building, signatures, validity, names, basic constraints and extended key usage are webpki's work. It does not
//! look at key usage, so every path that it finds is checked for that here, before the path counts. webpki's path building
//! recurses, at most over the six intermediate certificates that are let through.

use core::cell::Cell;
use core::net::IpAddr;
use core::time::Duration;

use embedded_tls::{CertificateEntryRef, CertificateRef, CertificateVerifyRef, TlsError, TlsVerifier};
use miniwire_core::reason::CertificateFault;
use miniwire_core::{url, x509};
use rustls_pki_types::{
    CertificateDer, DnsName, Ipv4Addr, Ipv6Addr, ServerName, SubjectPublicKeyInfoDer, TrustAnchor, UnixTime,
};
use sha2::{Digest, Sha256};
use webpki::{EndEntityCert, RawPublicKeyEntity, VerifiedPath};

use super::algorithms::{self, LONGEST_KEY};
use super::cipher::Suite;

/// The SHA-256 of a certificate's SubjectPublicKeyInfo, in DER: `openssl x509 -in leaf.pem -noout -pubkey | openssl pkey
/// -pubin -outform DER | openssl sha256` prints it.
pub type Pin = [u8; 32];

/// How many certificates a server may send besides its own; one more is [`CertificateFault::Invalid`].
pub const INTERMEDIATES: usize = 6;

/// Bytes that are not a certificate of version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACertificate;

/// A root as the bytes of its certificate, in DER, say it: its name, its key, its name constraints. Nothing is copied, so
/// the certificate can stay in flash.
///
/// # Errors
/// [`NotACertificate`].
pub fn root<'a>(certificate: &'a CertificateDer<'a>) -> Result<TrustAnchor<'a>, NotACertificate> {
    webpki::anchor_from_trusted_cert(certificate).map_err(|_| NotACertificate)
}

/// Who is trusted to vouch for servers. With no roots, nobody.
#[derive(Clone, Copy, Debug)]
pub struct Trust<'t> {
    roots: &'t [TrustAnchor<'t>],
    pins: &'t [Pin],
}

impl<'t> Trust<'t> {
    /// Any of these roots; see [`root`]. Borrowed, and looked at one after the other.
    pub const fn new(roots: &'t [TrustAnchor<'t>]) -> Self {
        Self { roots, pins: &[] }
    }

    /// Accepts a server only if its own key is one of these, where there are any. The chain is verified all the same.
    #[must_use]
    pub const fn pinned(self, pins: &'t [Pin]) -> Self {
        Self { pins, ..self }
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), CertificateFault> {
        let certificate = EndEntityCert::try_from(leaf).map_err(|_| CertificateFault::Invalid)?;
        let wrong_usage = Cell::new(None);
        let may_be_used = |path: &VerifiedPath<'_>| {
            check_key_usage(path).map_err(|fault| {
                wrong_usage.set(Some(fault));
                webpki::Error::ExtensionValueInvalid
            })
        };
        algorithms::of_certificates(|algorithms| {
            certificate
                .verify_for_usage(
                    algorithms,
                    self.roots,
                    intermediates,
                    now,
                    webpki::KeyUsage::server_auth(),
                    None,
                    Some(&may_be_used),
                )
                .map(drop)
                // A path that lacked nothing but the right usage says more than why other paths led nowhere.
                .map_err(|error| wrong_usage.get().unwrap_or_else(|| self.chain_fault(&error, &certificate)))
        })?;
        certificate.verify_is_valid_for_subject_name(name).map_err(|_| CertificateFault::WrongHost)
    }

    fn chain_fault(&self, error: &webpki::Error, leaf: &EndEntityCert<'_>) -> CertificateFault {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } => CertificateFault::Expired,
            E::CertNotValidYet { .. } => CertificateFault::NotYetValid,
            E::UnknownIssuer => CertificateFault::UnknownIssuer,
            // Many tools make a self-signed certificate a CA. What is wrong with it is first that nobody vouches for it.
            E::CaUsedAsEndEntity if leaf.issuer() == leaf.subject() && !self.has_root(leaf.subject()) => {
                CertificateFault::UnknownIssuer
            }
            E::CaUsedAsEndEntity | E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
                CertificateFault::WrongUsage
            }
            E::EndEntityUsedAsCa | E::PathLenConstraintViolated | E::NameConstraintViolation => {
                CertificateFault::NotAnAuthority
            }
            E::CertRevoked | E::CertDistrusted => CertificateFault::Revoked,
            _ => CertificateFault::Invalid,
        }
    }

    fn has_root(&self, subject: &[u8]) -> bool {
        self.roots.iter().any(|root| *root.subject == *subject)
    }
}

/// Whom the certificate must name, without a trailing dot. Addresses are read by the core's own parser, which is linked
/// anyway.
pub(super) fn server_name(host: &str) -> Option<ServerName<'_>> {
    Some(match url::ip_address(host) {
        Some(IpAddr::V4(address)) => Ipv4Addr::from(address.octets()).into(),
        Some(IpAddr::V6(address)) => Ipv6Addr::from(address.segments()).into(),
        None => DnsName::try_from(host).ok()?.into(),
    })
}

/// The leaf signs the handshake; everything above it signs certificates; a root is trusted by configuration.
fn check_key_usage(path: &VerifiedPath<'_>) -> Result<(), CertificateFault> {
    let invalid = |x509::Malformed| CertificateFault::Invalid;
    if !x509::may_sign_handshakes(&path.end_entity().der()).map_err(invalid)? {
        return Err(CertificateFault::WrongUsage);
    }
    for issuer in path.intermediate_certificates() {
        if !x509::may_sign_certificates(&issuer.der()).map_err(invalid)? {
            return Err(CertificateFault::NotAnAuthority);
        }
    }
    Ok(())
}

/// How far verification has come. Only a key that has signed the handshake is proof.
// There is one for each handshake, and no heap to put the key on.
#[allow(clippy::large_enum_variant)]
enum Proof {
    Nothing,
    /// The certificate is good; this is its key, and the transcript's hash up to it.
    Certificate {
        key: [u8; LONGEST_KEY],
        length: usize,
        transcript: [u8; 32],
    },
    Complete,
}

/// Verifies one server in one handshake.
pub(super) struct Verifier<'t> {
    trust: &'t Trust<'t>,
    name: ServerName<'t>,
    now: UnixTime,
    proof: Proof,
    fault: Option<CertificateFault>,
}

impl<'t> Verifier<'t> {
    pub(super) fn new(trust: &'t Trust<'t>, name: ServerName<'t>, unix_seconds: u64) -> Self {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(unix_seconds));
        Self { trust, name, now, proof: Proof::Nothing, fault: None }
    }

    /// Whether the server has shown a certificate that is good and has signed this handshake with its key. embedded-tls
    /// ends a handshake successfully without either.
    pub(super) fn is_proved(&self) -> bool {
        matches!(self.proof, Proof::Complete)
    }

    /// What is wrong with the certificate, where that is what the handshake failed for.
    pub(super) fn fault(&self) -> Option<CertificateFault> {
        self.fault
    }

    fn check_certificate(
        &self,
        transcript: &Sha256,
        certificate: &CertificateRef<'_>,
    ) -> Result<Proof, CertificateFault> {
        // Neither may come twice.
        if !matches!(self.proof, Proof::Nothing) {
            return Err(CertificateFault::Invalid);
        }
        let mut entries = certificate.entries.iter().map(|entry| match entry {
            CertificateEntryRef::X509(der) => Ok(*der),
            CertificateEntryRef::RawPublicKey(_) => Err(CertificateFault::Invalid),
        });
        let leaf = entries.next().ok_or(CertificateFault::Invalid)??;
        let mut intermediates = [const { CertificateDer::from_slice(&[]) }; INTERMEDIATES];
        let mut count = 0usize;
        for entry in entries {
            *intermediates.get_mut(count).ok_or(CertificateFault::Invalid)? = CertificateDer::from_slice(entry?);
            count = count.saturating_add(1);
        }
        let intermediates = intermediates.get(..count).unwrap_or_default();
        self.trust.verify(&CertificateDer::from_slice(leaf), intermediates, &self.name, self.now)?;
        let public_key = x509::subject_public_key_info(leaf).map_err(|x509::Malformed| CertificateFault::Invalid)?;
        if !self.trust.pins.is_empty() && !self.trust.pins.contains(&Sha256::digest(public_key).into()) {
            return Err(CertificateFault::NotPinned);
        }
        let (mut key, length) = ([0; LONGEST_KEY], public_key.len());
        // A longer one is of a kind that cannot be verified.
        let space = key.get_mut(..length).ok_or(CertificateFault::Invalid)?;
        space.iter_mut().zip(public_key).for_each(|(to, from)| *to = *from);
        Ok(Proof::Certificate { key, length, transcript: transcript.clone().finalize().into() })
    }

    fn check_signature(&self, verify: &CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        let Proof::Certificate { key, length, transcript } = &self.proof else {
            return Err(TlsError::InvalidHandshake);
        };
        let algorithm = algorithms::of_handshake(verify.signature_scheme).ok_or(TlsError::InvalidSignatureScheme)?;
        let key = SubjectPublicKeyInfoDer::from(key.get(..*length).unwrap_or_default());
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| TlsError::InvalidSignature)?;
        let message = signed_content(transcript).ok_or(TlsError::InternalError)?;
        key.verify_signature(algorithm, &message, verify.signature).map_err(|_| TlsError::InvalidSignature)
    }
}

const CONTEXT: &[u8] = b"TLS 1.3, server CertificateVerify\0";
const PADDING: usize = 64;
const SIGNED: usize = PADDING + CONTEXT.len() + 32;

/// What a server signs (RFC 8446 section 4.4.3).
fn signed_content(transcript: &[u8; 32]) -> Option<[u8; SIGNED]> {
    let mut content = [b' '; SIGNED];
    let (_, rest) = content.split_at_mut_checked(PADDING)?;
    let (context, hash) = rest.split_at_mut_checked(CONTEXT.len())?;
    context.iter_mut().zip(CONTEXT).for_each(|(to, from)| *to = *from);
    hash.iter_mut().zip(transcript).for_each(|(to, from)| *to = *from);
    Some(content)
}

impl TlsVerifier<Suite> for Verifier<'_> {
    fn set_hostname_verification(&mut self, _: &str) -> Result<(), TlsError> {
        // Known from the start: what is sent as server_name is without a trailing dot, and nothing for an IP address.
        Ok(())
    }

    fn verify_certificate(&mut self, transcript: &Sha256, certificate: CertificateRef<'_>) -> Result<(), TlsError> {
        match self.check_certificate(transcript, &certificate) {
            Ok(proof) => {
                self.proof = proof;
                Ok(())
            }
            Err(fault) => {
                self.proof = Proof::Nothing;
                self.fault = Some(fault);
                Err(TlsError::InvalidCertificate)
            }
        }
    }

    fn verify_signature(&mut self, verify: CertificateVerifyRef<'_>) -> Result<(), TlsError> {
        match self.check_signature(&verify) {
            Ok(()) => {
                self.proof = Proof::Complete;
                Ok(())
            }
            Err(error) => {
                self.proof = Proof::Nothing;
                self.fault = Some(CertificateFault::Invalid);
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use super::*;

    fn agrees(host: &str) -> bool {
        let theirs = ServerName::try_from(host).ok();
        assert_eq!(server_name(host), theirs, "{host}");
        theirs.is_some()
    }

    #[test]
    fn ctx_08_a_host_is_the_name_or_the_address_that_rustls_takes_it_for() {
        for host in ["a.test", "1.2.3.4", "255.255.255.255", "::1", "2001:db8::1", "::ffff:1.2.3.4", "2.1a", "0x1.test"]
        {
            assert!(agrees(host), "{host}");
        }
        for host in ["", ".", "a.2", "1.2.3", "1.2.3.256", "01.2.3.4", "[::1]", "::1%1", ":::", "a..b", "-a.test"] {
            assert!(!agrees(host), "{host}");
        }
        // Whether a label is a name or a number is where the two kinds touch.
        for alphabet in [["0", "1", ".", "a", "-"], [":", "::", "1", "f", "."], ["1.", "25", "0x", "g", ":"]] {
            for pieces in 0..8_u32 {
                for number in 0..5_usize.pow(pieces) {
                    let host: String = (0..pieces).map(|place| alphabet[number / 5_usize.pow(place) % 5]).collect();
                    agrees(&host);
                }
            }
        }
    }
}
