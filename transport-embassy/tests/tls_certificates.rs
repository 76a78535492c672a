//! Which certificates are accepted, and why others are not (CTX-08). The server is rustls, which sends what it is given.

mod support;

use miniwire_core::reason::{CertificateFault, Fault};
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, GeneralSubtree, IsCa, KeyPair, NameConstraints,
    PublicKeyData, date_time_ymd,
};
use sha2::{Digest, Sha256};

use support::*;

/// A leaf directly below a trusted root.
fn verdict_on(params: &CertificateParams) -> Result<(), Fault> {
    let root = Signer::root(authority("root"));
    verdict(&root.identity(params, &[]), "a.test", &Client::trusting(&[&root]))
}

/// A good leaf below an intermediate below a trusted root.
fn verdict_below(intermediate: CertificateParams) -> Result<(), Fault> {
    let root = Signer::root(authority("root"));
    let intermediate = root.signer(intermediate);
    let identity = intermediate.identity(&leaf(&["a.test"]), &[&intermediate]);
    verdict(&identity, "a.test", &Client::trusting(&[&root]))
}

fn verdict(identity: &Identity, host: &str, client: &Client) -> Result<(), Fault> {
    client.verdict(serve_tls(identity, idle), host)
}

#[test]
fn ctx_08_good_chains() {
    let root = Signer::root(authority("root"));
    let mut params = authority("intermediate");
    params.key_usages = vec![KeyCertSign, CrlSign];
    let intermediate = root.signer(params);
    let mut params = leaf(&["a.test", "127.0.0.1", "::1"]);
    params.key_usages = vec![DigitalSignature];
    params.extended_key_usages = vec![ServerAuth];
    let chains = [
        root.identity(&params, &[]),
        root.identity(&params, &[&root]),
        intermediate.identity(&params, &[&intermediate]),
        intermediate.identity(&params, &[&intermediate, &root]),
    ];
    for identity in chains {
        let address = serve_tls(&identity, idle);
        for host in ["a.test", "A.TEST", "a.test.", "127.0.0.1", "::1"] {
            assert_eq!(Client::trusting(&[&root]).verdict(address, host), GOOD, "{host}");
        }
        assert_eq!(Client::trusting(&[&root]).verdict(address, "b.test"), bad(CertificateFault::WrongHost));
    }
}

#[test]
fn ctx_08_validity() {
    let mut params = leaf(&["a.test"]);
    params.not_after = date_time_ymd(2020, 1, 1);
    assert_eq!(verdict_on(&params), bad(CertificateFault::Expired));
    let mut params = leaf(&["a.test"]);
    params.not_before = date_time_ymd(4000, 1, 1);
    assert_eq!(verdict_on(&params), bad(CertificateFault::NotYetValid));
    let mut params = authority("intermediate");
    params.not_after = date_time_ymd(2020, 1, 1);
    assert_eq!(verdict_below(params), bad(CertificateFault::Expired));
}

#[test]
fn ctx_08_a_clock_that_was_never_set_accepts_nothing() {
    let root = Signer::root(authority("root"));
    let mut params = leaf(&["a.test"]);
    params.not_before = date_time_ymd(2026, 1, 1);
    let identity = root.identity(&params, &[]);
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root]).at(0)), bad(CertificateFault::NotYetValid));
}

#[test]
fn ctx_08_host_name() {
    let root = Signer::root(authority("root"));
    let address = serve_tls(&root.identity(&leaf(&["*.a.test", "10.0.0.1"]), &[]), idle);
    for (host, expected) in [
        ("x.a.test", GOOD),
        ("a.test", bad(CertificateFault::WrongHost)),
        ("x.y.a.test", bad(CertificateFault::WrongHost)),
        ("10.0.0.1", GOOD),
        ("10.0.0.2", bad(CertificateFault::WrongHost)),
        ("no host", bad(CertificateFault::WrongHost)),
        ("", bad(CertificateFault::WrongHost)),
        (".", bad(CertificateFault::WrongHost)),
    ] {
        assert_eq!(Client::trusting(&[&root]).verdict(address, host), expected, "{host}");
    }
}

#[test]
fn ctx_08_the_common_name_does_not_count() {
    for names in [&[][..], &["b.test"]] {
        let mut params = leaf(names);
        params.distinguished_name.push(DnType::CommonName, "a.test");
        assert_eq!(verdict_on(&params), bad(CertificateFault::WrongHost));
    }
}

#[test]
fn ctx_08_many_names_and_long_ones() {
    let long = [["x".repeat(63), "y".repeat(63), "z".repeat(63)].join("."), ".test".to_owned()].concat();
    let many = leaf(&["b.test", "c.test", "d.test", "e.test", "f.test", &long, "a.test"]);
    assert_eq!(verdict_on(&many), GOOD);
    let root = Signer::root(authority("root"));
    assert_eq!(verdict(&root.identity(&many, &[]), &long, &Client::trusting(&[&root])), GOOD);
}

#[test]
fn ctx_08_the_longest_name_fits_the_least_buffers() {
    let host = [&["x".repeat(63), "y".repeat(63), "z".repeat(63)].join("."), ".", &"w".repeat(61)].concat();
    assert_eq!(host.len(), 253);
    let root = Signer::root(authority("root"));
    let address = serve_tls(&root.identity(&leaf(&[&host]), &[]), idle);
    use miniwire_embassy::tls::{self, Buffers, RECEIVE, TRANSMIT, Trust};
    let anchors = [tls::root(&root.der).unwrap()];
    for (receive, transmit, expected) in [
        (RECEIVE, TRANSMIT, GOOD),
        (RECEIVE - 1, TRANSMIT, Err(Fault::Tls)),
        (RECEIVE, TRANSMIT - 1, Err(Fault::Tls)),
        (RECEIVE, 0, Err(Fault::Tls)),
    ] {
        let buffers = Buffers { receive: &mut vec![0; receive], transmit: &mut vec![0; transmit] };
        let trust = Trust::new(&anchors);
        let socket = Socket::connect(address);
        let opened = block_on(tls::open(socket, &host, &trust, NOW, &mut rand_core::OsRng, buffers));
        assert_eq!(opened.map(drop), expected);
    }
}

#[test]
fn ctx_08_unknown_issuers() {
    let (known, other) = (Signer::root(authority("known")), Signer::root(authority("other")));
    let client = Client::trusting(&[&known]);
    let identity = other.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", &client), bad(CertificateFault::UnknownIssuer));
    assert_eq!(
        verdict(&identity, "a.test", &Client::default()),
        bad(CertificateFault::UnknownIssuer),
        "no roots at all"
    );
    // One of several is enough.
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&known, &other])), GOOD);
    // The root that it brings along helps nothing.
    let identity = other.identity(&leaf(&["a.test"]), &[&other]);
    assert_eq!(verdict(&identity, "a.test", &client), bad(CertificateFault::UnknownIssuer));
    // An intermediate that is not sent.
    let intermediate = known.signer(authority("intermediate"));
    let identity = intermediate.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", &client), bad(CertificateFault::UnknownIssuer));
}

#[test]
fn ctx_08_self_signed() {
    let known = Signer::root(authority("known"));
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let key = KeyPair::generate().unwrap();
        let mut params = leaf(&["a.test"]);
        params.is_ca = is_ca;
        let own = params.self_signed(&key).unwrap().der().clone();
        let identity = Identity { chain: vec![own], key };
        assert_eq!(
            verdict(&identity, "a.test", &Client::trusting(&[&known])),
            bad(CertificateFault::UnknownIssuer),
            "{is_ca:?}"
        );
    }
}

#[test]
fn ctx_08_a_root_of_the_same_name_with_another_key() {
    let (known, other) = (Signer::root(authority("root")), Signer::root(authority("root")));
    let identity = other.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&known])), bad(CertificateFault::Invalid));
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&known, &other])), GOOD);
}

#[test]
fn ctx_08_ca_flags() {
    assert_eq!(verdict_below(leaf(&["ca.test"])), bad(CertificateFault::NotAnAuthority), "an ordinary leaf");
    let mut params = authority("intermediate");
    params.is_ca = IsCa::ExplicitNoCa;
    assert_eq!(verdict_below(params), bad(CertificateFault::NotAnAuthority));
    let mut params = leaf(&["a.test"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(verdict_on(&params), bad(CertificateFault::WrongUsage), "an authority as a server");
    // One intermediate too many.
    let root = Signer::root(authority("root"));
    let mut params = authority("one");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let one = root.signer(params);
    let two = one.signer(authority("two"));
    let identity = two.identity(&leaf(&["a.test"]), &[&two, &one]);
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root])), bad(CertificateFault::NotAnAuthority));
}

#[test]
fn ctx_08_key_usage_of_the_server() {
    for (usages, expected) in [
        (vec![], GOOD),
        (vec![DigitalSignature, KeyEncipherment], GOOD),
        (vec![KeyEncipherment], bad(CertificateFault::WrongUsage)),
        (vec![KeyCertSign], bad(CertificateFault::WrongUsage)),
    ] {
        let mut params = leaf(&["a.test"]);
        params.key_usages = usages.clone();
        assert_eq!(verdict_on(&params), expected, "{usages:?}");
    }
}

#[test]
fn ctx_08_key_usage_of_issuers() {
    for (usages, expected) in [
        (vec![], GOOD),
        (vec![KeyCertSign], GOOD),
        (vec![CrlSign, DigitalSignature], bad(CertificateFault::NotAnAuthority)),
    ] {
        let mut params = authority("intermediate");
        params.key_usages = usages.clone();
        assert_eq!(verdict_below(params), expected, "{usages:?}");
    }
}

#[test]
fn ctx_08_extended_key_usage() {
    for (usages, expected) in
        [(vec![ServerAuth, ClientAuth], GOOD), (vec![ClientAuth], bad(CertificateFault::WrongUsage))]
    {
        let mut params = leaf(&["a.test"]);
        params.extended_key_usages = usages.clone();
        assert_eq!(verdict_on(&params), expected, "{usages:?}");
    }
}

#[test]
fn ctx_08_name_constraints() {
    for (permitted, expected) in [("test", GOOD), ("other.test", bad(CertificateFault::NotAnAuthority))] {
        let mut params = authority("intermediate");
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName(permitted.to_owned())],
            excluded_subtrees: vec![],
        });
        assert_eq!(verdict_below(params.clone()), expected, "{permitted}");
        // A root's own hold as well.
        let root = Signer::root(params);
        let identity = root.identity(&leaf(&["a.test"]), &[]);
        assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root])), expected, "{permitted}");
    }
}

#[test]
fn ctx_08_an_unknown_critical_extension() {
    for (critical, expected) in [(false, GOOD), (true, bad(CertificateFault::Invalid))] {
        let extension = || {
            let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
            extension.set_criticality(critical);
            extension
        };
        let mut params = leaf(&["a.test"]);
        params.custom_extensions = vec![extension()];
        let root = Signer::root(authority("root"));
        // rustls will not present what it cannot read itself.
        let identity = root.identity(&params, &[]);
        let address = serve(move |stream| {
            if let Some(server) = forged_honest(stream, &identity) {
                server.wait();
            }
        });
        assert_eq!(Client::trusting(&[&root]).verdict(address, "a.test"), expected);
        let mut params = authority("intermediate");
        params.custom_extensions = vec![extension()];
        assert_eq!(verdict_below(params), expected);
    }
}

#[test]
fn ctx_08_an_unsuitable_certificate_off_the_path_does_no_harm() {
    let root = Signer::root(authority("root"));
    let mut params = authority("intermediate");
    params.key_usages = vec![CrlSign];
    let unsuitable = root.signer(params);
    let good = root.signer(authority("intermediate"));
    let unrelated = Signer::root(authority("unrelated"));
    let identity = good.identity(&leaf(&["a.test"]), &[&unsuitable, &unrelated, &good]);
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root])), GOOD);
}

#[test]
fn ctx_08_so_many_certificates_and_no_more() {
    let root = Signer::root(authority("root"));
    let others: Vec<_> = (0..7).map(|_| Signer::root(authority("other"))).collect();
    for (count, expected) in [(6, GOOD), (7, bad(CertificateFault::Invalid))] {
        let others: Vec<_> = others.iter().take(count).collect();
        let identity = root.identity(&leaf(&["a.test"]), &others);
        assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root])), expected, "{count}");
    }
}

#[test]
fn ctx_08_a_chain_to_be_tried_in_every_order_ends_soon() {
    // Each names the root as its issuer, and each other's.
    let root = Signer::root(authority("root"));
    let others: Vec<_> = (0..6).map(|_| Signer::root(authority("root"))).collect();
    let identity = others[0].identity(&leaf(&["a.test"]), &others.iter().collect::<Vec<_>>());
    assert_eq!(verdict(&identity, "a.test", &Client::trusting(&[&root])), bad(CertificateFault::Invalid));
}

#[test]
fn ctx_08_pinned_keys_are_checked_on_top_of_the_chain() {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let pin = Sha256::digest(identity.key.subject_public_key_info()).into();
    let address = serve_tls(&identity, idle);
    let verdict = |client: Client| client.verdict(address, "a.test");
    assert_eq!(verdict(Client::trusting(&[&root]).pinned(&[[0; 32], pin])), GOOD);
    assert_eq!(verdict(Client::trusting(&[&root]).pinned(&[[0; 32]])), bad(CertificateFault::NotPinned));
    assert_eq!(verdict(Client::trusting(&[]).pinned(&[pin])), bad(CertificateFault::UnknownIssuer));
}

#[test]
fn ctx_08_a_root_must_be_a_certificate() {
    use miniwire_embassy::tls::{CertificateDer, NotACertificate, root};
    for bytes in [&b""[..], b"hello", b"\x30\x03abc"] {
        assert!(matches!(root(&CertificateDer::from(bytes)), Err(NotACertificate)));
    }
}

/// A key of each kind for the server and its issuer.
fn verdict_of(
    root: &'static rcgen::SignatureAlgorithm,
    server: &'static rcgen::SignatureAlgorithm,
) -> Result<(), Fault> {
    let root = Signer::root_with(authority("root"), KeyPair::generate_for(root).unwrap());
    let identity = root.identity_with(&leaf(&["a.test"]), &[], KeyPair::generate_for(server).unwrap());
    verdict(&identity, "a.test", &Client::trusting(&[&root]))
}

#[test]
fn ctx_08_kinds_of_keys_are_features() {
    use rcgen::{PKCS_ECDSA_P256_SHA256 as P256, PKCS_ECDSA_P384_SHA384 as P384, PKCS_ED25519 as ED25519};
    let only_with = |feature: bool| if feature { GOOD } else { bad(CertificateFault::Invalid) };
    let (p384, ed25519) = (cfg!(feature = "p384"), cfg!(feature = "ed25519"));
    assert_eq!(verdict_of(&P256, &P256), GOOD);
    for (one, feature) in [(&P384, p384), (&ED25519, ed25519)] {
        assert_eq!(verdict_of(one, &P256), only_with(feature), "signed with {one:?}");
        assert_eq!(verdict_of(&P256, one), only_with(feature), "of the server, {one:?}");
        assert_eq!(verdict_of(one, one), only_with(feature), "both {one:?}");
    }
    assert_eq!(verdict_of(&P384, &ED25519), only_with(p384 && ed25519));
}

/// A key made by openssl, since nothing else here makes RSA keys; `None` where there is none.
fn rsa_key(bits: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Option<KeyPair> {
    let made = std::process::Command::new("openssl").args(["genrsa", bits]).output().ok()?;
    let pem = String::from_utf8(made.stdout).unwrap();
    Some(KeyPair::from_pem_and_sign_algo(&pem, algorithm).unwrap())
}

#[test]
fn ctx_08_rsa_is_a_feature() {
    use rcgen::{PKCS_RSA_SHA256, PKCS_RSA_SHA384, PKCS_RSA_SHA512};
    for (bits, algorithm) in [("2048", &PKCS_RSA_SHA256), ("3072", &PKCS_RSA_SHA384), ("4096", &PKCS_RSA_SHA512)] {
        let (Some(above), Some(below)) = (rsa_key(bits, algorithm), rsa_key(bits, algorithm)) else { return skipped() };
        let root = Signer::root_with(authority("root"), above);
        let client = Client::trusting(&[&root]);
        let signed = root.identity(&leaf(&["a.test"]), &[]);
        let both = root.identity_with(&leaf(&["a.test"]), &[], below);
        if !cfg!(feature = "rsa") {
            assert_eq!(verdict(&signed, "a.test", &client), bad(CertificateFault::Invalid), "{bits}");
            // It is not offered, and this server has nothing else.
            assert_eq!(verdict(&both, "a.test", &client), Err(Fault::Tls), "{bits}");
            continue;
        }
        assert_eq!(verdict(&signed, "a.test", &client), GOOD, "{bits}");
        assert_eq!(verdict(&both, "a.test", &client), GOOD, "{bits}");
        // Another key of the same name.
        let other = Signer::root_with(authority("root"), rsa_key(bits, algorithm).unwrap());
        let client = Client::trusting(&[&other]);
        assert_eq!(verdict(&signed, "a.test", &client), bad(CertificateFault::Invalid), "{bits}");
    }
}

#[test]
#[cfg(feature = "rsa")]
fn ctx_08_rsa_signatures_of_the_handshake_of_every_hash() {
    use rustls::SignatureScheme as Scheme;
    for scheme in [Scheme::RSA_PSS_SHA256, Scheme::RSA_PSS_SHA384, Scheme::RSA_PSS_SHA512] {
        let Some(key) = rsa_key("2048", &rcgen::PKCS_RSA_SHA256) else { return skipped() };
        let root = Signer::root(authority("root"));
        let identity = root.identity_with(&leaf(&["a.test"]), &[], key);
        let address = serve_config(config_signing(&identity, scheme), idle);
        assert_eq!(Client::trusting(&[&root]).verdict(address, "a.test"), GOOD, "{scheme:?}");
    }
}
