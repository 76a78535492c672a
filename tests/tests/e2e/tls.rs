//! TLS: which servers are talked to, and that nothing else ever is.

use std::io::Write;
use std::net::SocketAddr;

use miniwire_std::serve::{Authority, Identity, IssuedBy, Leaf, Server, Validity};
use miniwire_std::{Client, ClientBuilder, DataType, Failure, Response};
use miniwire_tests::{Peer, builder, development, failed, fails, release, server};

fn identity(server: &Server, leaf: &Leaf) -> Identity {
    server.authority().issue(leaf).unwrap()
}

fn get(client: &Client, address: SocketAddr) -> Result<Response, Failure> {
    client.request(format!("https://localhost:{}/get", address.port())).send()
}

/// The SHA-256 of the SubjectPublicKeyInfo of an ECDSA P-256 certificate.
fn pin(identity: &Identity) -> [u8; 32] {
    // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING (66 bytes) }
    const START: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let der = &identity.chain[0];
    let at = der.windows(START.len()).position(|window| window == START).unwrap();
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    suite.common.hash_provider.hash(&der[at..at + 91]).as_ref().try_into().unwrap()
}

#[test]
fn ctx_08_good_certificates() {
    let server = server();
    let client = release(&server).build().unwrap();
    for leaf in [Leaf::default(), Leaf::default().issued_by(IssuedBy::Intermediate)] {
        let address = server.start_tls_with(identity(&server, &leaf)).unwrap();
        assert_eq!(get(&client, address).unwrap().status(), 200);
    }
}

#[test]
fn ctx_08_each_bad_certificate_has_its_reason() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (leaf, reason) in [
        (Leaf::default().names(&["other.test"]), "CertificateWrongHost"),
        (Leaf::default().names(&["127.0.0.1"]), "CertificateWrongHost"),
        (Leaf::default().names(&["*.localhost"]), "CertificateWrongHost"),
        (Leaf::default().names(&[]), "CertificateWrongHost"),
        (Leaf::default().valid(Validity::Past), "CertificateExpired"),
        (Leaf::default().valid(Validity::Future), "CertificateNotYetValid"),
        (Leaf::default().client_only(), "CertificateWrongUsage"),
        (Leaf::default().issued_by(IssuedBy::UnknownRoot), "CertificateUnknownIssuer"),
        (Leaf::default().issued_by(IssuedBy::Itself), "CertificateUnknownIssuer"),
        (Leaf::default().issued_by(IssuedBy::EndEntity), "CertificateNotAnAuthority"),
        (Leaf::default().issued_by(IssuedBy::WithoutCertSign), "CertificateNotAnAuthority"),
        (Leaf::default().issued_by(IssuedBy::NameConstrained), "CertificateNotAnAuthority"),
    ] {
        let address = server.start_tls_with(identity(&server, &leaf)).unwrap();
        let failure = fails(get(&client, address), 19, reason);
        assert!(failure.response().is_none(), "not a byte of HTTP: {leaf:?}");
    }
    assert_eq!(server.requests(), 0, "none of these saw a request");
}

#[test]
fn ctx_08_a_forged_signature() {
    // Another authority of the same name: what it signs does not verify with the known one's key.
    let server = server();
    let forged = Authority::new().unwrap().issue(&Leaf::default()).unwrap();
    let address = server.start_tls_with(forged).unwrap();
    let client = release(&server).build().unwrap();
    fails(get(&client, address), 19, "CertificateInvalid");
}

#[test]
fn ctx_08_a_refused_certificate_is_refused_every_time() {
    // Nothing of a failed handshake may be resumed.
    let server = server();
    let address = server.start_tls_with(identity(&server, &Leaf::default().valid(Validity::Past))).unwrap();
    let client = release(&server).build().unwrap();
    for _ in 0..3 {
        fails(get(&client, address), 19, "CertificateExpired");
    }
}

#[test]
fn ctx_08_resumption_keeps_to_the_host() {
    // A session with one host must not vouch for another.
    let server = server();
    let good = server.start_tls_with(identity(&server, &Leaf::default().names(&["a.test"]))).unwrap();
    let client = release(&server)
        .allow("a.test")
        .allow("b.test")
        .keep_alive(0, 0, std::time::Duration::ZERO)
        .resolver(move |_, _| Ok(vec![good]))
        .build()
        .unwrap();
    for _ in 0..3 {
        assert_eq!(client.request("https://a.test/get").send().unwrap().status(), 200);
        fails(client.request("https://b.test/get").send(), 19, "CertificateWrongHost");
    }
    assert_eq!(server.connections(), 6);
}

#[test]
fn ctx_08_roots() {
    let (one, two) = (server(), server());
    let der = one.authority().certificate();
    let release = || builder().allow("localhost");
    let get = |client: ClientBuilder, server: &Server| get(&client.build().unwrap(), server.https());
    // The platform's roots vouch for neither.
    fails(get(release(), &one), 19, "CertificateUnknownIssuer");
    fails(get(release().only_given_roots(), &one), 19, "CertificateUnknownIssuer");
    assert_eq!(get(release().root(one.ca_pem().as_bytes()), &one).unwrap().status(), 200, "PEM");
    assert_eq!(get(release().root(der), &one).unwrap().status(), 200, "DER");
    fails(get(release().root(der), &two), 19, "CertificateInvalid");
    let both = [one.ca_pem(), two.ca_pem()].concat();
    for server in [&one, &two] {
        assert_eq!(get(release().root(both.as_bytes()).only_given_roots(), server).unwrap().status(), 200);
        let each = release().root(one.ca_pem().as_bytes()).root(two.ca_pem().as_bytes());
        assert_eq!(get(each, server).unwrap().status(), 200);
    }
}

#[test]
fn ctx_08_pins() {
    let server = server();
    let own = identity(&server, &Leaf::default());
    let (own_pin, other_pin) = (pin(&own), pin(&identity(&server, &Leaf::default())));
    let address = server.start_tls_with(own).unwrap();
    assert_ne!(own_pin, other_pin);
    let pinned =
        |pins: &[[u8; 32]]| pins.iter().fold(release(&server), |builder, pin| builder.pin(*pin)).build().unwrap();
    assert_eq!(get(&pinned(&[own_pin]), address).unwrap().status(), 200);
    assert_eq!(get(&pinned(&[other_pin, own_pin]), address).unwrap().status(), 200);
    fails(get(&pinned(&[other_pin]), address), 19, "CertificateNotPinned");
    fails(get(&pinned(&[[0; 32]]), address), 19, "CertificateNotPinned");
    // A pin replaces nothing: the chain is verified all the same.
    let expired = identity(&server, &Leaf::default().valid(Validity::Past));
    let expired_pin = pin(&expired);
    let address = server.start_tls_with(expired).unwrap();
    fails(get(&pinned(&[expired_pin]), address), 19, "CertificateExpired");
}

#[test]
fn ctx_08_anything_is_accepted_only_under_development() {
    let server = server();
    assert!(release(&server).accept_any_certificate().build().is_err());
    let any = builder().development().accept_any_certificate().build().unwrap();
    for leaf in [
        Leaf::default().names(&["other.test"]).valid(Validity::Past).issued_by(IssuedBy::Itself),
        Leaf::default().client_only().issued_by(IssuedBy::UnknownRoot),
    ] {
        let address = server.start_tls_with(identity(&server, &leaf)).unwrap();
        assert_eq!(get(&any, address).unwrap().status(), 200);
        // Development by itself verifies as release does.
        failed(get(&development(&server).build().unwrap(), address));
    }
    // Even then there is TLS, or nothing.
    let plain = format!("https://localhost:{}/get", server.http().port());
    let before = server.requests();
    fails(any.request(plain).send(), 19, "NotTls");
    assert_eq!(server.requests(), before);
    // And a pin still counts.
    let own = identity(&server, &Leaf::default());
    let right = pin(&own);
    let address = server.start_tls_with(own).unwrap();
    let any = |pin| builder().development().accept_any_certificate().pin(pin).build().unwrap();
    assert_eq!(get(&any(right), address).unwrap().status(), 200);
    fails(get(&any([1; 32]), address), 19, "CertificateNotPinned");
}

#[test]
fn ctx_08_tls_on_a_port_without_it() {
    let server = server();
    let client = release(&server).build().unwrap();
    fails(client.request(format!("https://localhost:{}/get", server.http().port())).send(), 19, "NotTls");
    for greeting in [
        &b"220 mail.example ESMTP\r\n"[..],
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"",
    ] {
        let peer = Peer::start(move |mut stream, _| {
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = stream.write_all(greeting);
        });
        fails(client.request(peer.https_url("/")).send(), 19, "NotTls");
    }
}

#[test]
fn ctx_08_no_tls_on_a_port_with_it() {
    let server = server();
    let client = development(&server).build().unwrap();
    let failure = failed(client.request(format!("http://{}/get", server.https())).send());
    assert!(matches!(
        (failure.code(), failure.reason().name()),
        (19, "MalformedHead") | (12, "ConnectionClosed" | "ConnectionLost")
    ));
}

#[test]
fn ctx_08_a_failed_handshake_is_12() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (said, reason) in [
        // handshake_failure; protocol_version; a record of an unknown type inside TLS.
        (&b"\x15\x03\x03\x00\x02\x02\x28"[..], "Tls"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "Tls"),
        // A ServerHello cut off.
        (b"\x16\x03\x03\x00\x7a\x02\x00", "ConnectionLost"),
        // A ServerHello that is none.
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", "Tls"),
    ] {
        let peer = Peer::start(move |mut stream, _| {
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = stream.write_all(said);
        });
        fails(client.request(peer.https_url("/")).send(), 12, reason);
    }
    // Reset in the middle of it.
    let peer = Peer::start(|stream, _| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(stream);
    });
    let failure = failed(client.request(peer.https_url("/")).send());
    assert!(matches!(failure.reason().name(), "ConnectionLost" | "NotTls"), "{failure:?}");
}

#[test]
fn ctx_08_an_end_without_close_notify_is_a_truncation() {
    let server = server();
    let client = release(&server).build().unwrap();
    let text = |path: &str| client.request(server.https_url(path)).data_type(DataType::Text).send();
    for path in ["/close", "/http10"] {
        assert_eq!(text(path).unwrap().data(), "until the end\n");
        let failure = fails(text(&format!("{path}?end=cut")), 12, "ConnectionLost");
        assert_eq!(failure.response().unwrap().data(), "", "nothing that may be half of something");
    }
    for path in ["/truncated", "/truncated-chunked"] {
        fails(text(&format!("{path}?end=cut")), 12, "ConnectionLost");
        fails(text(&format!("{path}?end=close")), 12, "ConnectionClosed");
        fails(text(&format!("{path}?end=reset")), 12, "ConnectionLost");
    }
    // Where the length is known, the end that follows does not matter.
    let known = "/raw?answer=HTTP/1.1%20200%20OK%0D%0AContent-Length:%202%0D%0A%0D%0Aok&end=cut";
    assert_eq!(text(known).unwrap().data(), "ok");
}

#[test]
fn ctx_08_without_tls_close_ends_a_body() {
    let server = server();
    let client = development(&server).build().unwrap();
    let response = client.request(server.http_url("/close")).data_type(DataType::Text).send().unwrap();
    assert_eq!(response.data(), "until the end\n");
    fails(client.request(server.http_url("/close?end=reset")).data_type(DataType::Text).send(), 12, "ConnectionLost");
}

#[test]
fn ctx_08_https_is_never_sent_in_the_clear() {
    // Whatever the peer does instead of TLS, all that it sees is a ClientHello.
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let record = std::sync::Arc::clone(&seen);
    let peer = Peer::start(move |mut stream, _| {
        let mut buf = [0; 4096];
        while let Ok(n @ 1..) = std::io::Read::read(&mut stream, &mut buf) {
            record.lock().unwrap().extend_from_slice(&buf[..n]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        }
    });
    let server = server();
    for client in [release(&server), development(&server), builder().development().accept_any_certificate()] {
        let client = client.build().unwrap();
        fails(client.request(peer.https_url("/secret-path")).header("x-secret", "v").send(), 19, "NotTls");
    }
    let seen = seen.lock().unwrap();
    assert!(seen.starts_with(&[0x16, 3]) && !seen.windows(6).any(|window| window == b"secret"));
}
