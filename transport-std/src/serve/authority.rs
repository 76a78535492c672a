//! A certificate authority for tests: a root made at start, and the leaves, good and bad, that it issues.

use std::{fmt, io};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

/// A root certificate authority (ECDSA P-256) that lives as long as this value. Its key is never written anywhere.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    pem: String,
}

/// What to put into a certificate. The default is a good one, for `localhost`, `127.0.0.1` and `::1`; each method
/// makes one thing of it different.
#[derive(Clone, Debug)]
pub struct Leaf {
    names: Vec<String>,
    issued_by: IssuedBy,
    validity: Validity,
    usage: ExtendedKeyUsagePurpose,
}

/// Who signs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IssuedBy {
    /// The authority's root.
    #[default]
    Root,
    /// A good intermediate authority under the root, sent in the chain.
    Intermediate,
    /// Another root, of which no client has heard. It is not sent.
    UnknownRoot,
    /// The certificate's own key: self-signed.
    Itself,
    /// A server certificate of the root (basicConstraints says CA:FALSE), sent in the chain.
    EndEntity,
    /// An intermediate whose keyUsage lacks keyCertSign, sent in the chain (RFC 5280 section 4.2.1.3). Note that
    /// rustls-webpki ignores keyUsage and accepts it.
    WithoutCertSign,
    /// An intermediate that may only vouch for names under `permitted.example` (RFC 5280 section 4.2.1.10), sent in
    /// the chain. It breaks the rule for any other name.
    NameConstrained,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// From yesterday, for 90 days.
    #[default]
    Now,
    /// It ended yesterday.
    Past,
    /// It begins tomorrow.
    Future,
}

/// A certificate chain, leaf first, without the root, and the leaf's key.
pub struct Identity {
    /// The leaf, then whatever intermediates are to be sent.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
}

impl Authority {
    /// Makes a new root.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn new() -> io::Result<Self> {
        let root = new_root("miniwire test root")?;
        let pem = root.pem();
        Ok(Self { root, pem })
    }

    /// The root's certificate in PEM form.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The root's certificate in DER form.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// Issues a certificate.
    ///
    /// # Errors
    /// When a name is neither a DNS name nor an IP address, or the system has no randomness to give.
    pub fn issue(&self, leaf: &Leaf) -> io::Result<Identity> {
        let (params, key) = (leaf.params()?, new_key()?);
        let middle = match leaf.issued_by {
            IssuedBy::Root | IssuedBy::UnknownRoot | IssuedBy::Itself => None,
            IssuedBy::Intermediate => Some(self.intermediate(|_| ())?),
            IssuedBy::EndEntity => Some(self.sign(Leaf::default().params()?)?),
            IssuedBy::WithoutCertSign => {
                Some(self.intermediate(|params| params.key_usages = vec![KeyUsagePurpose::CrlSign])?)
            }
            IssuedBy::NameConstrained => Some(self.intermediate(|params| {
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![GeneralSubtree::DnsName("permitted.example".into())],
                    excluded_subtrees: Vec::new(),
                });
            })?),
        };
        let certificate = match (&middle, leaf.issued_by) {
            (Some(middle), _) => params.signed_by(&key, middle),
            (None, IssuedBy::Itself) => params.self_signed(&key),
            (None, IssuedBy::UnknownRoot) => params.signed_by(&key, &*new_root("another root")?),
            (None, _) => params.signed_by(&key, &self.root),
        };
        let certificate = certificate.map_err(io::Error::other)?;
        let middle = middle.map(|middle| middle.der().clone());
        let chain = std::iter::once(certificate.der().clone()).chain(middle).collect();
        Ok(Identity { chain, key: PrivatePkcs8KeyDer::from(key.serialize_der()).into() })
    }

    fn intermediate(&self, change: impl FnOnce(&mut CertificateParams)) -> io::Result<CertifiedIssuer<'_, KeyPair>> {
        let mut params = authority_params("miniwire test intermediate")?;
        change(&mut params);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> io::Result<CertifiedIssuer<'_, KeyPair>> {
        CertifiedIssuer::signed_by(params, new_key()?, &self.root).map_err(io::Error::other)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            names: ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec(),
            issued_by: IssuedBy::default(),
            validity: Validity::default(),
            usage: ExtendedKeyUsagePurpose::ServerAuth,
        }
    }
}

impl Leaf {
    /// The names it is for, in place of the loopback's: DNS names and IP addresses.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().copied().map(String::from).collect();
        self
    }

    /// Who signs it.
    #[must_use]
    pub fn issued_by(mut self, issuer: IssuedBy) -> Self {
        self.issued_by = issuer;
        self
    }

    /// When it is valid.
    #[must_use]
    pub fn valid(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// extendedKeyUsage is clientAuth only: it may not serve.
    #[must_use]
    pub fn client_only(mut self) -> Self {
        self.usage = ExtendedKeyUsagePurpose::ClientAuth;
        self
    }

    fn params(&self) -> io::Result<CertificateParams> {
        let mut params = named("miniwire test server", self.names.clone())?;
        let today = OffsetDateTime::now_utc();
        let (from, to) = match self.validity {
            Validity::Now => (-1, 90),
            Validity::Past => (-30, -1),
            Validity::Future => (1, 90),
        };
        params.not_before = today.saturating_add(Duration::days(from));
        params.not_after = today.saturating_add(Duration::days(to));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage.clone()];
        Ok(params)
    }
}

fn new_key() -> io::Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)
}

fn new_root(name: &str) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    CertifiedIssuer::self_signed(authority_params(name)?, new_key()?).map_err(io::Error::other)
}

fn authority_params(name: &str) -> io::Result<CertificateParams> {
    let mut params = named(name, Vec::new())?;
    let today = OffsetDateTime::now_utc();
    params.not_before = today.saturating_sub(Duration::days(60));
    params.not_after = today.saturating_add(Duration::days(365));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn named(common_name: &str, names: Vec<String>) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
