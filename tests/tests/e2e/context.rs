//! The context: policy, whitelist, what can be used, what cannot be built.

use miniwire_core::context::BadContext;
use miniwire_std::{BuildError, Client};
use miniwire_tests::{builder, development, fails, release, server};

#[test]
fn ctx_01_what_cannot_be_sent_cannot_be_built() {
    let error = |builder: miniwire_std::ClientBuilder| builder.build().map(|_| ()).unwrap_err();
    assert_eq!(error(Client::builder("", "1")), BuildError::Context(BadContext::AppId));
    assert_eq!(error(Client::builder("1", "a b")), BuildError::Context(BadContext::AppVersion));
    assert_eq!(error(builder().user_agent("a\r\nb")), BuildError::Context(BadContext::UserAgent));
    for entry in ["", "https://a.test", "a.test/x", "*.a.test", ".a.test", "a.test:0", "a.test:x", "a b", "a.test:1:2"]
    {
        assert_eq!(error(builder().allow(entry)), BuildError::WhitelistEntry(entry.into()));
    }
    for root in [&b""[..], b"x", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", &[0x30, 0x82, 1, 2]] {
        assert_eq!(error(builder().root(root)), BuildError::Root);
    }
    for proxy in ["", "https://p", "socks5://p", "http://p:0", "http://p:x", "http://", "http://a%zz@p"] {
        assert!(matches!(error(builder().proxy(proxy, "")), BuildError::Proxy(_)), "{proxy}");
    }
    assert_eq!(error(builder().accept_any_certificate()), BuildError::AcceptAnyUnderRelease);
}

#[test]
fn ctx_03_release_refuses_plain_http() {
    let server = server();
    let client = release(&server).allow("127.0.0.1").build().unwrap();
    fails(client.request(server.http_url("/get")).send(), 20, "PlainHttpRefused");
    fails(client.request("HTTP://localhost/").send(), 20, "PlainHttpRefused");
    assert_eq!(server.connections(), 0);
}

#[test]
fn ctx_03_development_takes_plain_http_and_any_host() {
    let server = server();
    let client = development(&server).build().unwrap();
    assert_eq!(client.request(server.http_url("/get")).send().unwrap().status(), 200);
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200);
}

#[test]
fn ctx_04_an_empty_whitelist_admits_nothing() {
    let server = server();
    let client = builder().root(server.ca_pem().as_bytes()).build().unwrap();
    fails(client.request(server.https_url("/get")).send(), 11, "HostNotAllowed");
    assert_eq!(server.connections(), 0);
}

#[test]
fn ctx_04_the_whitelist() {
    let server = server();
    let address = server.https();
    let port = address.port();
    let own_port = format!("only-port.test:{port}");
    // Every name leads to the server, whose certificate is for these.
    let leaf = miniwire_std::serve::Leaf::default().names(&["*.a.test", "a.test", "only-port.test", "127.0.0.1"]);
    let address = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap();
    let own_port_there = format!("only-port.test:{}", address.port());
    let client = builder()
        .root(server.ca_pem().as_bytes())
        .only_given_roots()
        .resolver(move |_, _| Ok(vec![address]))
        .allow("A.Test.")
        .allow(own_port)
        .allow(own_port_there)
        .build()
        .unwrap();
    let port = address.port();
    for host in ["a.test", "A.TEST", "a.test.", "x.a.test"] {
        let url = format!("https://{host}:{port}/get");
        assert_eq!(client.request(&url).send().unwrap().status(), 200, "{url}");
    }
    assert_eq!(client.request(format!("https://only-port.test:{port}/get")).send().unwrap().status(), 200);
    let refused = ["https://ba.test/", "https://a.test.evil.test/", "https://test/", "https://only-port.test/"];
    for url in refused {
        fails(client.request(url).send(), 11, "HostNotAllowed");
    }
    fails(client.request(format!("https://127.0.0.1:{port}/get")).send(), 11, "HostNotAllowed");
}

#[test]
fn ctx_04_an_ip_literal_matches_itself_only() {
    let server = server();
    let client = release(&server).allow("127.0.0.1").build().unwrap();
    let port = server.https().port();
    let response = client.request(format!("https://127.0.0.1:{port}/get")).send().unwrap();
    assert_eq!(response.status(), 200);
    fails(client.request("https://127.0.0.2/").send(), 11, "HostNotAllowed");
    fails(client.request("https://x.127.0.0.1/").send(), 2, "UrlMalformed");
}

#[test]
fn ctx_05_what_is_implemented_can_be_used() {
    let client = builder().build().unwrap();
    for yes in [
        "request",
        "request.object.dataType",
        "request.object.dataType.base64",
        "request.return.abort",
        "request.callback.status",
        "httpRequest.object.data",
    ] {
        assert!(client.can_i_use(yes), "{yes}");
    }
    for no in ["", "x", "request.object.x", "request.x.url", "Request", "request.object.dataType.xml", "request."] {
        assert!(!client.can_i_use(no), "{no}");
    }
}

#[test]
fn ctx_06_shut_down_refuses_later_calls_and_unload_does_not() {
    let server = server();
    let client = release(&server).build().unwrap();
    let url = server.https_url("/get");
    client.unload_page();
    assert_eq!(client.request(&url).send().unwrap().status(), 200);
    let clone = client.clone();
    clone.shut_down();
    clone.shut_down();
    let before = server.requests();
    fails(client.request(&url).send(), 1, "Unloaded");
    let (call, recorded) = miniwire_tests::recorded(client.request(&url));
    call.start().wait();
    fails(recorded.outcome(), 1, "Unloaded");
    fails(client.request("").send(), 1, "Unloaded");
    assert_eq!(server.requests(), before);
}
