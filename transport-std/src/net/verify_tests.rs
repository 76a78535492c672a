use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use rcgen::{KeyPair, date_time_ymd};

use super::*;
use crate::net::clock::Clock;
use crate::net::socket::Socket;
use crate::net::testing::certificates::{Vector, vectors};
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

#[test]
fn ctx_08_the_certificates_of_both_transports() {
    for Vector { about, identity, roots, pins, hosts } in vectors() {
        for version in rustls::ALL_VERSIONS {
            let address = serve_tls_versions(&identity, &[version], echo);
            for (host, verdict) in &hosts {
                let mut options = TlsOptions::new();
                options.only_given_roots();
                roots.iter().for_each(|root| options.add_root(root).unwrap());
                pins.iter().for_each(|pin| options.pin(*pin));
                let expected = verdict.map_err(Fault::Certificate);
                assert_eq!(handshake(address, host, options), expected, "{about}: {host} {version:?}");
            }
        }
    }
}

#[test]
fn ctx_08_the_platforms_roots() {
    let identity = Signer::root(authority("other")).identity(&leaf(&["a.test"]), &[]);
    let verdict = handshake(serve_tls(&identity, echo), "a.test", TlsOptions::new());
    assert_eq!(verdict, bad(CertificateFault::UnknownIssuer));
}

#[test]
fn ctx_08_a_pin_counts_even_where_anything_is_accepted() {
    let identity = Signer::root(authority("root")).identity(&leaf(&["a.test"]), &[]);
    let mut any = trusting(&[]);
    any.pin([0; 32]);
    any.accept_any();
    assert_eq!(handshake(serve_tls(&identity, echo), "a.test", any), bad(CertificateFault::NotPinned));
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
