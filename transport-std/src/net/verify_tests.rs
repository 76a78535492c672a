use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

use super::*;
use crate::net::clock::Clock;
use crate::net::socket::Socket;
use crate::net::testing::{Identity, Signer, authority, echo, idle, leaf, serve, serve_tls, serve_tls_versions};
use crate::net::tls::{NotACertificate, Tls, TlsOptions};

const GOOD: Result<(), Fault> = Ok(());

const fn bad(fault: CertificateFault) -> Result<(), Fault> {
    Err(Fault::Certificate(fault))
}

fn trusting(roots: &[&Signer]) -> TlsOptions {
    let mut options = TlsOptions::new();
    options.only_given_roots();
    for root in roots {
        options.add_root(&root.der).unwrap();
    }
    options
}

fn handshake(address: SocketAddr, host: &str, options: TlsOptions) -> Result<(), Fault> {
    let clock = Clock::start();
    let mut socket = Socket::new(TcpStream::connect(address).unwrap(), clock);
    socket.set_deadline(clock.now().after(5000));
    Tls::handshake(&options.config().unwrap(), host, &mut socket).map(|_| ())
}

/// What a client that trusts these roots says of this identity.
fn verdict(identity: &Identity, host: &str, options: TlsOptions) -> Result<(), Fault> {
    handshake(serve_tls(identity, echo), host, options)
}

/// A leaf directly below a trusted root.
fn verdict_on(params: &CertificateParams) -> Result<(), Fault> {
    let root = Signer::root(authority("root"));
    verdict(&root.identity(params, &[]), "a.test", trusting(&[&root]))
}

/// A good leaf below an intermediate below a trusted root.
fn verdict_below(intermediate: CertificateParams) -> Result<(), Fault> {
    let root = Signer::root(authority("root"));
    let intermediate = root.signer(intermediate);
    let identity = intermediate.identity(&leaf(&["a.test"]), &[&intermediate]);
    verdict(&identity, "a.test", trusting(&[&root]))
}

#[test]
fn ctx_08_a_good_chain_in_both_versions() {
    let root = Signer::root(authority("root"));
    let mut params = authority("intermediate");
    params.key_usages = vec![KeyCertSign, CrlSign];
    let intermediate = root.signer(params);
    let mut params = leaf(&["a.test", "127.0.0.1", "::1"]);
    params.key_usages = vec![DigitalSignature];
    params.extended_key_usages = vec![ServerAuth];
    let identity = intermediate.identity(&params, &[&intermediate]);
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let address = serve_tls_versions(&identity, versions, echo);
        for host in ["a.test", "A.TEST", "a.test.", "127.0.0.1", "::1"] {
            assert_eq!(handshake(address, host, trusting(&[&root])), GOOD, "{host}");
        }
        assert_eq!(handshake(address, "b.test", trusting(&[&root])), bad(CertificateFault::WrongHost));
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
fn ctx_08_host_name() {
    let root = Signer::root(authority("root"));
    let address = serve_tls(&root.identity(&leaf(&["*.a.test", "10.0.0.1"]), &[]), echo);
    for (host, expected) in [
        ("x.a.test", GOOD),
        ("a.test", bad(CertificateFault::WrongHost)),
        ("x.y.a.test", bad(CertificateFault::WrongHost)),
        ("10.0.0.1", GOOD),
        ("10.0.0.2", bad(CertificateFault::WrongHost)),
        ("no host", bad(CertificateFault::WrongHost)),
        ("", bad(CertificateFault::WrongHost)),
    ] {
        assert_eq!(handshake(address, host, trusting(&[&root])), expected, "{host}");
    }
    // The common name does not count.
    let mut params = leaf(&[]);
    params.distinguished_name.push(DnType::CommonName, "a.test");
    assert_eq!(verdict_on(&params), bad(CertificateFault::WrongHost));
}

#[test]
fn ctx_08_unknown_issuers() {
    let (known, other) = (Signer::root(authority("known")), Signer::root(authority("other")));
    let identity = other.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", trusting(&[&known])), bad(CertificateFault::UnknownIssuer));
    assert_eq!(verdict(&identity, "a.test", trusting(&[])), bad(CertificateFault::UnknownIssuer), "no roots at all");
    assert_eq!(verdict(&identity, "a.test", TlsOptions::new()), bad(CertificateFault::UnknownIssuer), "the platform's");
    // The root that it brings along helps nothing.
    let identity = other.identity(&leaf(&["a.test"]), &[&other]);
    assert_eq!(verdict(&identity, "a.test", trusting(&[&known])), bad(CertificateFault::UnknownIssuer));
    // An intermediate that is not sent.
    let intermediate = known.signer(authority("intermediate"));
    let identity = intermediate.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", trusting(&[&known])), bad(CertificateFault::UnknownIssuer));
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
            verdict(&identity, "a.test", trusting(&[&known])),
            bad(CertificateFault::UnknownIssuer),
            "{is_ca:?}"
        );
    }
}

#[test]
fn ctx_08_a_root_of_the_same_name_with_another_key() {
    let (known, other) = (Signer::root(authority("root")), Signer::root(authority("root")));
    let identity = other.identity(&leaf(&["a.test"]), &[]);
    assert_eq!(verdict(&identity, "a.test", trusting(&[&known])), bad(CertificateFault::Invalid));
    assert_eq!(verdict(&identity, "a.test", trusting(&[&known, &other])), GOOD);
}

#[test]
fn ctx_08_ca_flags() {
    assert_eq!(verdict_below(leaf(&["ca.test"])), bad(CertificateFault::NotAnAuthority), "no basic constraints");
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
    assert_eq!(verdict(&identity, "a.test", trusting(&[&root])), bad(CertificateFault::NotAnAuthority));
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
fn ctx_08_an_unsuitable_certificate_off_the_path_does_no_harm() {
    let root = Signer::root(authority("root"));
    let mut params = authority("intermediate");
    params.key_usages = vec![CrlSign];
    let unsuitable = root.signer(params);
    let good = root.signer(authority("intermediate"));
    let identity = good.identity(&leaf(&["a.test"]), &[&unsuitable, &good]);
    assert_eq!(verdict(&identity, "a.test", trusting(&[&root])), GOOD);
}

#[test]
fn ctx_08_pinned_keys_are_checked_on_top_of_the_chain() {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let pin = sha_256(&EndEntityCert::try_from(&identity.chain[0]).unwrap().subject_public_key_info()).unwrap();
    let address = serve_tls(&identity, echo);
    let pinned = |roots: &[&Signer], pins: &[Pin]| {
        let mut options = trusting(roots);
        pins.iter().for_each(|pin| options.pin(*pin));
        options
    };
    assert_eq!(handshake(address, "a.test", pinned(&[&root], &[[0; 32], pin])), GOOD);
    assert_eq!(handshake(address, "a.test", pinned(&[&root], &[[0; 32]])), bad(CertificateFault::NotPinned));
    assert_eq!(handshake(address, "a.test", pinned(&[], &[pin])), bad(CertificateFault::UnknownIssuer));
    let mut any = pinned(&[], &[[0; 32]]);
    any.accept_any();
    assert_eq!(handshake(address, "a.test", any), bad(CertificateFault::NotPinned));
}

#[test]
fn ctx_08_accept_any_is_only_on_demand() {
    let key = KeyPair::generate().unwrap();
    let mut params = leaf(&["b.test"]);
    params.not_after = date_time_ymd(2020, 1, 1);
    let own = params.self_signed(&key).unwrap().der().clone();
    let identity = Identity { chain: vec![own], key };
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let address = serve_tls_versions(&identity, versions, echo);
        assert_eq!(handshake(address, "a.test", trusting(&[])), bad(CertificateFault::Expired));
        let mut any = trusting(&[]);
        any.accept_any();
        assert_eq!(handshake(address, "a.test", any), GOOD);
    }
}

#[test]
fn ctx_08_roots_come_as_der_or_pem() {
    let key = KeyPair::generate().unwrap();
    let certificate = authority("root").self_signed(&key).unwrap();
    let mut options = TlsOptions::new();
    assert_eq!(options.add_root(certificate.der()), Ok(()));
    assert_eq!(options.add_root(certificate.pem().repeat(2).as_bytes()), Ok(()));
    for bad in [&b""[..], b"hello", b"\x30\x03abc", key.serialize_pem().as_bytes()] {
        assert_eq!(options.add_root(bad), Err(NotACertificate));
    }
}

#[test]
fn req_13_a_port_without_tls() {
    let plain = serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        idle(stream);
    });
    assert_eq!(handshake(plain, "a.test", trusting(&[])), Err(Fault::NotTls));
    let closing = serve(|stream| {
        // Read first: closing with unread bytes would reset the connection.
        let _ = std::io::Read::read(&mut &stream, &mut [0; 4096]);
    });
    assert_eq!(handshake(closing, "a.test", trusting(&[])), Err(Fault::NotTls));
}

#[test]
fn req_13_a_handshake_that_fails_otherwise() {
    let alert = serve(|mut stream| {
        // handshake_failure
        let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, 40]);
        idle(stream);
    });
    assert_eq!(handshake(alert, "a.test", trusting(&[])), Err(Fault::Tls));
    let broken_off = serve(|mut stream| {
        let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = stream.write_all(&[22, 3, 3, 0, 200, 2]);
    });
    assert_eq!(handshake(broken_off, "a.test", trusting(&[])), Err(Fault::Lost));
}
