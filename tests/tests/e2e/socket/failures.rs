//! Each code of the socket's table, as a network brings it.

use std::io::Write;
use std::net::Shutdown;

use miniwire_std::serve::{Authority, IssuedBy, Leaf, Validity};
use miniwire_std::{Client, Failure};
use miniwire_tests::{Peer, builder, development, fails, idle, read_head, refused, release, server};

use super::Log;

/// What becomes of an attempt that starts and fails: by both forms.
#[track_caller]
fn attempt(client: &Client, url: &str, code: u8, reason: &str) -> Failure {
    let log = Log::of(client);
    client.connect_socket(url).connect().unwrap();
    assert_eq!(log.to_the_close(), [format!("error {code} {reason}"), "close 1006 ".into()], "{url}");
    client.off_socket_open(None);
    client.off_socket_error(None);
    client.off_socket_message(None);
    client.off_socket_close(None);
    fails(client.connect_socket(url).open(), code, reason)
}

/// What is known at once: by both forms, and nothing is told to the listeners.
#[track_caller]
fn at_once(client: &Client, url: &str, code: u8, reason: &str) {
    fails(client.connect_socket(url).connect(), code, reason);
    fails(client.connect_socket(url).open(), code, reason);
}

#[test]
fn sock_code_1_names_connections_and_protocols_that_fail() {
    let server = server();
    let resolve = |_: &str, _| Err(std::io::Error::other("no such name"));
    let client = development(&server).resolver(resolve).build().unwrap();
    attempt(&client, "wss://nowhere.test/", 1, "Dns");
    let client = development(&server).build().unwrap();
    attempt(&client, &format!("ws://{}/", refused()), 1, "Connect");
    attempt(&client, &format!("wss://{}/", refused()), 1, "Connect");
    let closing = Peer::start(|mut stream, _| {
        let _ = read_head(&mut stream);
    });
    attempt(&client, &format!("ws://{}/", closing.address()), 1, "ConnectionClosed");
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/raw/masked")).connect().unwrap();
    log.expect(["open None", "error 1 ViolationMasked", "close 1006 "]);
    client.connect_socket(server.ws_url("/ws/raw/reset")).connect().unwrap();
    log.expect(["open None", "message hello false", "error 1 ConnectionLost", "close 1006 "]);
}

#[test]
fn sock_code_1_illegal_headers_and_slots_that_are_taken() {
    let server = server();
    let client = release(&server).max_tasks(0).build().unwrap();
    attempt(&client, &server.wss_url("/ws/echo"), 1, "TooManyTasks");
    let client = release(&server).build().unwrap();
    let call = client.connect_socket(server.wss_url("/ws/echo"));
    fails(call.header("x", "a\r\nb").connect(), 1, "IllegalHeader");
}

#[test]
fn sock_code_3_to_5_and_8_are_known_at_once() {
    let client = builder().allow("localhost").build().unwrap();
    at_once(&client, "", 3, "UrlEmpty");
    for url in ["ws://", "wss://", "wss:///path", "wss://host:port/", "wss://a b/", "wss://[::1/"] {
        at_once(&client, url, 4, "UrlMalformed");
    }
    at_once(&client, &format!("wss://localhost/{}", "x".repeat(2048)), 4, "UrlTooLong");
    for url in ["http://localhost/", "https://localhost/", "localhost", "/path", "wsx://localhost/"] {
        at_once(&client, url, 5, "UrlScheme");
    }
    at_once(&client, "ws://localhost/", 8, "PlainHttpRefused");
}

#[test]
fn sock_code_7_each_bad_certificate_has_its_reason() {
    let server = server();
    let client = release(&server).build().unwrap();
    let leaf = Leaf::default;
    for (leaf, reason) in [
        (leaf().names(&["other.test"]), "CertificateWrongHost"),
        (leaf().valid(Validity::Past), "CertificateExpired"),
        (leaf().valid(Validity::Future), "CertificateNotYetValid"),
        (leaf().client_only(), "CertificateWrongUsage"),
        (leaf().issued_by(IssuedBy::UnknownRoot), "CertificateUnknownIssuer"),
        (leaf().issued_by(IssuedBy::Itself), "CertificateUnknownIssuer"),
        (leaf().issued_by(IssuedBy::EndEntity), "CertificateNotAnAuthority"),
    ] {
        let address = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap();
        attempt(&client, &format!("wss://localhost:{}/ws/echo", address.port()), 7, reason);
    }
    let forged = Authority::new().unwrap().issue(&leaf()).unwrap();
    let address = server.start_tls_with(forged).unwrap();
    attempt(&client, &format!("wss://localhost:{}/ws/echo", address.port()), 7, "CertificateInvalid");
    assert_eq!(server.requests(), 0, "none of these saw a request");
}

#[test]
fn ctx_08_wss_is_never_spoken_in_the_clear() {
    let server = server();
    let client = development(&server).build().unwrap();
    let failure = fails(client.connect_socket(format!("wss://{}/ws/echo", server.http())).open(), 1, "NotTls");
    assert!(failure.response().is_none());
    assert_eq!(server.requests(), 0);
}

#[test]
fn sock_code_8_a_status_that_is_not_101_is_told_with_it() {
    let server = server();
    let client = release(&server).build().unwrap();
    for status in [200, 204, 301, 302, 307, 400, 401, 403, 404, 426, 429, 500, 503] {
        let url = server.wss_url(&format!("/ws/reject/{status}?location=/ws/echo&body=no"));
        let failure = attempt(&client, &url, 8, "NotUpgraded");
        assert_eq!(failure.response().map(|response| response.status()), Some(status));
    }
}

#[test]
fn sock_code_8_a_server_that_speaks_no_http() {
    for answer in ["SSH-2.0-x\r\n", "HTTP/2 101 x\r\n\r\n", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let peer = Peer::answering(answer);
        let client = builder().development().build().unwrap();
        attempt(&client, &format!("ws://{}/", peer.address()), 8, "MalformedHead");
    }
}

#[test]
fn sock_code_12_a_head_beyond_the_memory() {
    let peer = Peer::start(|mut stream, _| {
        let _ = read_head(&mut stream);
        let field = format!("X-Field: {}\r\n", "x".repeat(1000));
        let head = format!("HTTP/1.1 101 Switching Protocols\r\n{}", field.repeat(80));
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        idle(stream);
    });
    let client = builder().development().build().unwrap();
    attempt(&client, &format!("ws://{}/", peer.address()), 12, "HeadTooLarge");
}

#[test]
fn ctx_03_the_whitelist_is_for_sockets_where_that_is_opted_in() {
    let server = server();
    let release = || builder().allow("other.test").root(server.ca_pem().as_bytes()).only_given_roots();
    let strict = release().whitelist_sockets().build().unwrap();
    at_once(&strict, &server.wss_url("/ws/echo"), 1, "HostNotAllowed");
    assert_eq!(server.connections(), 0);
    let client = release().build().unwrap();
    // The reference has it for request and uploadFile.
    let mut socket = client.connect_socket(server.wss_url("/ws/close/1000?now")).open().unwrap();
    assert_eq!(super::line(socket.recv()), "close 1000 ");
}
