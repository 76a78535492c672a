//! Which certificates are accepted, and why others are not (CTX-08). The server is rustls, which sends what it is given.

mod support;

use miniwire_core::reason::{CertificateFault, Fault};
use rcgen::{KeyPair, date_time_ymd};

use support::certificates::{Vector, unknown, vectors};
use support::*;

fn verdict(identity: &Identity, host: &str, client: &Client) -> Result<(), Fault> {
    client.verdict(serve_tls(identity, idle), host)
}

#[test]
fn ctx_08_the_certificates_of_both_transports() {
    for Vector { about, identity, roots, pins, hosts } in vectors() {
        let (address, client) = (serve_tls(&identity, idle), Client::with(roots, pins));
        for (host, verdict) in hosts {
            assert_eq!(client.verdict(address, &host), verdict.map_err(Fault::Certificate), "{about}: {host}");
        }
    }
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
fn ctx_08_an_unknown_critical_extension_of_the_server() {
    for (critical, expected) in [(false, GOOD), (true, bad(CertificateFault::Invalid))] {
        let mut params = leaf(&["a.test"]);
        params.custom_extensions = vec![unknown(critical)];
        let root = Signer::root(authority("root"));
        // rustls will not present what it cannot read itself.
        let identity = root.identity(&params, &[]);
        let address = serve(move |stream| {
            if let Some(server) = forged_honest(stream, &identity) {
                server.wait();
            }
        });
        assert_eq!(Client::trusting(&[&root]).verdict(address, "a.test"), expected);
    }
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
