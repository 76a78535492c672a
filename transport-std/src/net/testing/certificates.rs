//! Certificates, good and bad, and what a client is to say of each (CTX-08). One description for both transports:
//! `transport-embassy/tests` has this file, too.
#![allow(dead_code, reason = "each test program uses a part of it")]

use miniwire_core::reason::CertificateFault;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, GeneralSubtree, IsCa, Issuer, KeyPair,
    NameConstraints, PublicKeyData, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// What is said of a certificate.
pub(crate) type Verdict = Result<(), CertificateFault>;

/// A server, a client, and what the client says of it.
pub(crate) struct Vector {
    pub(crate) about: String,
    pub(crate) identity: Identity,
    /// All that the client trusts.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) pins: Vec<[u8; 32]>,
    /// Hosts that are asked for.
    pub(crate) hosts: Vec<(String, Verdict)>,
}

/// Every certificate that is the same to both transports.
pub(crate) fn vectors() -> Vec<Vector> {
    [good(), validity(), names(), issuers(), usages(), extensions(), paths(), pins()].into_iter().flatten().collect()
}

/// What a server presents.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

impl Vector {
    fn new(about: impl Into<String>, identity: Identity, roots: &[&Signer], verdict: Verdict) -> Self {
        let roots = roots.iter().map(|root| root.der.clone()).collect();
        let hosts = vec![("a.test".into(), verdict)];
        Self { about: about.into(), identity, roots, pins: Vec::new(), hosts }
    }

    /// A leaf directly below a trusted root.
    fn leaf(about: impl Into<String>, params: &CertificateParams, verdict: Verdict) -> Self {
        let root = Signer::root(authority("root"));
        Self::new(about, root.identity(params, &[]), &[&root], verdict)
    }

    /// A good leaf below an intermediate below a trusted root.
    fn below(about: impl Into<String>, intermediate: CertificateParams, verdict: Verdict) -> Self {
        Self::under(about, &Signer::root(authority("root")), intermediate, verdict)
    }

    fn under(about: impl Into<String>, root: &Signer, intermediate: CertificateParams, verdict: Verdict) -> Self {
        let intermediate = root.signer(intermediate);
        let identity = intermediate.identity(&leaf(&["a.test"]), &[&intermediate]);
        Self::new(about, identity, &[root], verdict)
    }

    fn asked_for(mut self, hosts: &[(&str, Verdict)]) -> Self {
        self.hosts = hosts.iter().map(|(host, verdict)| ((*host).to_owned(), *verdict)).collect();
        self
    }
}

const GOOD: Verdict = Ok(());
const WRONG_HOST: Verdict = Err(CertificateFault::WrongHost);
const UNKNOWN: Verdict = Err(CertificateFault::UnknownIssuer);
const NO_AUTHORITY: Verdict = Err(CertificateFault::NotAnAuthority);
const WRONG_USAGE: Verdict = Err(CertificateFault::WrongUsage);
const INVALID: Verdict = Err(CertificateFault::Invalid);

/// With one thing different.
fn changed(mut params: CertificateParams, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    change(&mut params);
    params
}

fn good() -> Vec<Vector> {
    let root = Signer::root(authority("root"));
    let intermediate =
        root.signer(changed(authority("intermediate"), |params| params.key_usages = vec![KeyCertSign, CrlSign]));
    let params = changed(leaf(&["a.test", "127.0.0.1", "::1"]), |params| {
        params.key_usages = vec![DigitalSignature];
        params.extended_key_usages = vec![ServerAuth];
    });
    let hosts = ["a.test", "A.TEST", "a.test.", "127.0.0.1", "::1"].map(|host| (host, GOOD));
    let hosts = [&hosts[..], &[("b.test", WRONG_HOST)]].concat();
    [
        ("by the root", root.identity(&params, &[])),
        ("by the root, which is sent", root.identity(&params, &[&root])),
        ("by an intermediate", intermediate.identity(&params, &[&intermediate])),
        ("by an intermediate, the root sent", intermediate.identity(&params, &[&intermediate, &root])),
    ]
    .map(|(about, identity)| Vector::new(about, identity, &[&root], GOOD).asked_for(&hosts))
    .into()
}

fn validity() -> Vec<Vector> {
    let past = |params| changed(params, |params| params.not_after = date_time_ymd(2020, 1, 1));
    let future = changed(leaf(&["a.test"]), |params| params.not_before = date_time_ymd(4000, 1, 1));
    vec![
        Vector::leaf("expired", &past(leaf(&["a.test"])), Err(CertificateFault::Expired)),
        Vector::leaf("not valid yet", &future, Err(CertificateFault::NotYetValid)),
        Vector::below("by one that has expired", past(authority("intermediate")), Err(CertificateFault::Expired)),
    ]
}

fn names() -> Vec<Vector> {
    let named =
        |names: &[&str]| changed(leaf(names), |params| params.distinguished_name.push(DnType::CommonName, "a.test"));
    let long = [["x".repeat(63), "y".repeat(63), "z".repeat(63)].join("."), ".test".to_owned()].concat();
    let many = leaf(&["b.test", "c.test", "d.test", "e.test", "f.test", &long, "a.test"]);
    vec![
        Vector::leaf("a wildcard and an address", &leaf(&["*.a.test", "10.0.0.1"]), GOOD).asked_for(&[
            ("x.a.test", GOOD),
            ("a.test", WRONG_HOST),
            ("x.y.a.test", WRONG_HOST),
            ("10.0.0.1", GOOD),
            ("10.0.0.2", WRONG_HOST),
            ("no host", WRONG_HOST),
            ("", WRONG_HOST),
            (".", WRONG_HOST),
        ]),
        Vector::leaf("a common name alone", &named(&[]), WRONG_HOST),
        Vector::leaf("a common name beside another name", &named(&["b.test"]), WRONG_HOST),
        Vector::leaf("many names and a long one", &many, GOOD).asked_for(&[("a.test", GOOD), (&long, GOOD)]),
    ]
}

fn issuers() -> Vec<Vector> {
    let (known, other) = (Signer::root(authority("known")), Signer::root(authority("other")));
    let mut all = Vec::new();
    let mut by = |about: &str, signer: &Signer, sent: &[&Signer], roots: &[&Signer], verdict| {
        all.push(Vector::new(about, signer.identity(&leaf(&["a.test"]), sent), roots, verdict));
    };
    by("another root", &other, &[], &[&known], UNKNOWN);
    by("no roots at all", &other, &[], &[], UNKNOWN);
    by("one of several roots", &other, &[], &[&known, &other], GOOD);
    by("a root that is only sent", &other, &[&other], &[&known], UNKNOWN);
    by("an intermediate that is not sent", &known.signer(authority("intermediate")), &[], &[&known], UNKNOWN);
    // The signature is of another key.
    let twin = Signer::root(authority("known"));
    by("a root of the same name", &twin, &[], &[&known], INVALID);
    by("two roots of the same name", &twin, &[], &[&known, &twin], GOOD);
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let (key, about) = (KeyPair::generate().unwrap(), format!("self-signed, {is_ca:?}"));
        let own = changed(leaf(&["a.test"]), |params| params.is_ca = is_ca).self_signed(&key).unwrap().der().clone();
        all.push(Vector::new(about, Identity { chain: vec![own], key }, &[&known], UNKNOWN));
    }
    all
}

fn usages() -> Vec<Vector> {
    let mut all = vec![
        Vector::below("by a server", leaf(&["ca.test"]), NO_AUTHORITY),
        Vector::below(
            "by no authority",
            changed(authority("intermediate"), |params| params.is_ca = IsCa::ExplicitNoCa),
            NO_AUTHORITY,
        ),
        Vector::leaf(
            "an authority as a server",
            &changed(leaf(&["a.test"]), |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            WRONG_USAGE,
        ),
    ];
    for (usages, verdict) in [
        (vec![], GOOD),
        (vec![DigitalSignature, KeyEncipherment], GOOD),
        (vec![KeyEncipherment], WRONG_USAGE),
        (vec![KeyCertSign], WRONG_USAGE),
    ] {
        let about = format!("a server for {usages:?}");
        all.push(Vector::leaf(about, &changed(leaf(&["a.test"]), |params| params.key_usages = usages), verdict));
    }
    for (usages, verdict) in
        [(vec![], GOOD), (vec![KeyCertSign], GOOD), (vec![CrlSign, DigitalSignature], NO_AUTHORITY)]
    {
        let about = format!("an issuer for {usages:?}");
        let params = changed(authority("intermediate"), |params| params.key_usages = usages);
        all.push(Vector::below(about, params, verdict));
    }
    for (usages, verdict) in [(vec![ServerAuth, ClientAuth], GOOD), (vec![ClientAuth], WRONG_USAGE)] {
        let about = format!("a server for {usages:?}");
        let params = changed(leaf(&["a.test"]), |params| params.extended_key_usages = usages);
        all.push(Vector::leaf(about, &params, verdict));
    }
    all
}

fn extensions() -> Vec<Vector> {
    let mut all = Vec::new();
    for (permitted, verdict) in [("test", GOOD), ("other.test", NO_AUTHORITY)] {
        let params = changed(authority("intermediate"), |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(permitted.to_owned())],
                excluded_subtrees: vec![],
            });
        });
        all.push(Vector::below(format!("an issuer for {permitted}"), params.clone(), verdict));
        // A root's own hold as well.
        let root = Signer::root(params);
        let identity = root.identity(&leaf(&["a.test"]), &[]);
        all.push(Vector::new(format!("a root for {permitted}"), identity, &[&root], verdict));
    }
    for (critical, verdict) in [(false, GOOD), (true, INVALID)] {
        let params = changed(authority("intermediate"), |params| params.custom_extensions = vec![unknown(critical)]);
        all.push(Vector::below(format!("an unknown extension of an issuer, critical: {critical}"), params, verdict));
    }
    all
}

/// An extension that nobody knows.
pub(crate) fn unknown(critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
    extension.set_criticality(critical);
    extension
}

fn paths() -> Vec<Vector> {
    let root = Signer::root(authority("root"));
    let server = leaf(&["a.test"]);
    // One intermediate too many.
    let narrow = changed(authority("one"), |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let one = root.signer(narrow);
    let two = one.signer(authority("two"));
    let too_long = two.identity(&server, &[&two, &one]);
    let unsuitable = root.signer(changed(authority("intermediate"), |params| params.key_usages = vec![CrlSign]));
    let (suitable, unrelated) = (root.signer(authority("intermediate")), Signer::root(authority("unrelated")));
    let with_others = suitable.identity(&server, &[&unsuitable, &unrelated, &suitable]);
    // Each names the root as its issuer, and each other's.
    let others: Vec<_> = (0..6).map(|_| Signer::root(authority("root"))).collect();
    let maze = others[0].identity(&server, &others.iter().collect::<Vec<_>>());
    vec![
        Vector::new("a path that is longer than it may be", too_long, &[&root], NO_AUTHORITY),
        Vector::new("unsuitable certificates beside the path", with_others, &[&root], GOOD),
        Vector::new("a chain to be tried in every order", maze, &[&root], INVALID),
    ]
}

fn pins() -> Vec<Vector> {
    let root = Signer::root(authority("root"));
    let sha_256 = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap().common.hash_provider;
    let mut all = Vec::new();
    let mut pinned = |about: &str, roots: &[&Signer], with: &[[u8; 32]], own: bool, verdict| {
        let identity = root.identity(&leaf(&["a.test"]), &[]);
        let key = sha_256.hash(&identity.key.subject_public_key_info());
        let own = own.then(|| key.as_ref().try_into().unwrap());
        let pins = with.iter().copied().chain(own).collect();
        all.push(Vector { pins, ..Vector::new(about, identity, roots, verdict) });
    };
    pinned("a pinned key", &[&root], &[[0; 32]], true, GOOD);
    pinned("another key is pinned", &[&root], &[[0; 32]], false, Err(CertificateFault::NotPinned));
    pinned("a pin is no root", &[], &[], true, UNKNOWN);
    all
}

/// The parameters of a leaf for these names.
pub(crate) fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a leaf");
    params
}

/// The parameters of an authority of this name.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A certificate, and what is needed to sign others with it.
pub(crate) struct Signer {
    pub(crate) der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Signer {
    /// A root.
    pub(crate) fn root(params: CertificateParams) -> Self {
        Self::root_with(params, KeyPair::generate().unwrap())
    }

    /// A root with this key.
    pub(crate) fn root_with(params: CertificateParams, key: KeyPair) -> Self {
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A certificate below this one that signs in turn.
    pub(crate) fn signer(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate below this one, presented with `above`.
    pub(crate) fn identity(&self, params: &CertificateParams, above: &[&Self]) -> Identity {
        self.identity_with(params, above, KeyPair::generate().unwrap())
    }

    /// The same with this key.
    pub(crate) fn identity_with(&self, params: &CertificateParams, above: &[&Self], key: KeyPair) -> Identity {
        let own = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(own).chain(above.iter().map(|signer| signer.der.clone())).collect();
        Identity { chain, key }
    }
}
