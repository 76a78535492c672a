//! Is this the server that the URL names? Chain, validity, host name, CA flags and key usage (CTX-08).
//!
//! Path building, signatures, validity, names, basic constraints and extended key usage are webpki's work. It does not
//! look at key usage, so every path that it finds is checked for that here, before the path counts.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, OnceLock};

use miniwire_core::reason::{CertificateFault, Fault};
use miniwire_core::x509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, InvalidMessage, OtherError, SignatureScheme};
use webpki::{EndEntityCert, VerifiedPath};

/// The SHA-256 of a certificate's SubjectPublicKeyInfo.
pub(crate) type Pin = [u8; 32];

/// Verifies a server's certificate.
pub(crate) struct Verifier {
    pub(crate) roots: Roots,
    pub(crate) pins: Pins,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
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
        certificate
            .verify_for_usage(
                self.algorithms.all,
                self.roots.anchors(),
                intermediates,
                now,
                webpki::KeyUsage::server_auth(),
                None,
                Some(&may_be_used),
            )
            // A path that lacked nothing but the right usage says more than why other paths led nowhere.
            .map_err(|error| wrong_usage.get().unwrap_or_else(|| self.chain_fault(&error, &certificate)))?;
        certificate.verify_is_valid_for_subject_name(name).map_err(|_| CertificateFault::WrongHost)?;
        self.pins.check(&certificate)
    }

    fn chain_fault(&self, error: &webpki::Error, leaf: &EndEntityCert<'_>) -> CertificateFault {
        use webpki::Error as E;
        match error {
            E::CertExpired { .. } => CertificateFault::Expired,
            E::CertNotValidYet { .. } => CertificateFault::NotYetValid,
            E::UnknownIssuer => CertificateFault::UnknownIssuer,
            // Many tools make a self-signed certificate a CA. What is wrong with it is first that nobody vouches for it.
            E::CaUsedAsEndEntity if leaf.issuer() == leaf.subject() && !self.roots.has(leaf.subject()) => {
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
}

/// The leaf signs the handshake; everything above it signs certificates. Where the extension is absent, any use is
/// allowed; a root is trusted by configuration.
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

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(end_entity, intermediates, server_name, now).map_err(refused)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

/// Takes any certificate from anybody, as long as its key signs the handshake, and is one of the pinned ones where keys
/// are pinned.
///
/// This is not verification (CTX-08): it exists for the *development* policy, and nothing else may use it.
pub(crate) struct AcceptAny {
    pub(crate) pins: Pins,
    pub(crate) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = EndEntityCert::try_from(end_entity).map_err(|_| refused(CertificateFault::Invalid))?;
        self.pins.check(&certificate).map_err(refused)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for AcceptAny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptAny").finish_non_exhaustive()
    }
}

/// Who is trusted to vouch for servers.
#[derive(Default)]
pub(crate) struct Roots {
    /// The caller's own.
    pub(crate) given: Vec<TrustAnchor<'static>>,
    /// Not the platform's.
    pub(crate) only_given: bool,
    /// The caller's and the platform's, put together at the first use.
    together: OnceLock<Vec<TrustAnchor<'static>>>,
}

impl Roots {
    fn anchors(&self) -> &[TrustAnchor<'static>] {
        if self.only_given {
            &self.given
        } else if self.given.is_empty() {
            platform_roots()
        } else {
            self.together.get_or_init(|| self.given.iter().chain(platform_roots()).cloned().collect())
        }
    }

    fn has(&self, subject: &[u8]) -> bool {
        self.anchors().iter().any(|anchor| *anchor.subject == *subject)
    }
}

/// The platform's roots, read once per process. Those that cannot be read are left out; where none can, every server is
/// of unknown issue.
fn platform_roots() -> &'static [TrustAnchor<'static>] {
    static PLATFORM: OnceLock<Vec<TrustAnchor<'static>>> = OnceLock::new();
    PLATFORM.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        found
            .iter()
            .filter_map(|certificate| webpki::anchor_from_trusted_cert(certificate).ok())
            .map(|anchor| anchor.to_owned())
            .collect()
    })
}

/// Keys of which the server's must be one; any, where there are none.
#[derive(Default)]
pub(crate) struct Pins(pub(crate) Vec<Pin>);

impl Pins {
    fn check(&self, leaf: &EndEntityCert<'_>) -> Result<(), CertificateFault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let key = sha_256(&leaf.subject_public_key_info()).ok_or(CertificateFault::NotPinned)?;
        if self.0.contains(&key) { Ok(()) } else { Err(CertificateFault::NotPinned) }
    }
}

/// SHA-256 as the TLS library has it.
fn sha_256(data: &[u8]) -> Option<Pin> {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?;
    suite.common.hash_provider.hash(data).as_ref().try_into().ok()
}

/// A fault for which rustls has no name.
#[derive(Debug)]
struct Refused(CertificateFault);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(miniwire_core::reason::Reason::Certificate(self.0).message())
    }
}

impl std::error::Error for Refused {}

/// A certificate's fault as rustls has it, so that the server gets the right alert.
fn refused(fault: CertificateFault) -> Error {
    Error::InvalidCertificate(match fault {
        CertificateFault::Expired => CertificateError::Expired,
        CertificateFault::NotYetValid => CertificateError::NotValidYet,
        CertificateFault::WrongHost => CertificateError::NotValidForName,
        CertificateFault::UnknownIssuer => CertificateError::UnknownIssuer,
        CertificateFault::WrongUsage => CertificateError::InvalidPurpose,
        CertificateFault::Revoked => CertificateError::Revoked,
        CertificateFault::Invalid => CertificateError::BadEncoding,
        fault => CertificateError::Other(OtherError(Arc::new(Refused(fault)))),
    })
}

/// What a failed handshake is to the task.
pub(crate) fn handshake_fault(error: &Error) -> Fault {
    match error {
        Error::InvalidCertificate(error) => Fault::Certificate(certificate_fault(error)),
        Error::NoCertificatesPresented => Fault::Certificate(CertificateFault::Invalid),
        // What does not even look like a record.
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion) => {
            Fault::NotTls
        }
        _ => Fault::Tls,
    }
}

/// [`refused`] backwards, and what rustls itself finds wrong with a signature.
fn certificate_fault(error: &CertificateError) -> CertificateFault {
    match error {
        CertificateError::Expired => CertificateFault::Expired,
        CertificateError::NotValidYet => CertificateFault::NotYetValid,
        CertificateError::NotValidForName => CertificateFault::WrongHost,
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::InvalidPurpose => CertificateFault::WrongUsage,
        CertificateError::Revoked => CertificateFault::Revoked,
        CertificateError::Other(OtherError(error)) => {
            error.downcast_ref::<Refused>().map_or(CertificateFault::Invalid, |refused| refused.0)
        }
        _ => CertificateFault::Invalid,
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
