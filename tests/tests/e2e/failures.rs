//! Every reason that can come about on std, with its code. No other code ever appears: `miniwire_tests::check` looks at
//! each failure of every test in these rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use miniwire_core::request::Method::Post;
use miniwire_std::serve::{IssuedBy, Leaf, Validity};
use miniwire_std::{Api, CertificateFault, DataType, Failure, Reason, Response};
use miniwire_tests::{Answer, Peer, Proxy, builder, development, failed, fails, refused, release, server};

/// Every reason, its code and its name; whether something here provokes it.
const REASONS: [(Reason, u8, &str, bool); 44] = [
    (Reason::Unloaded, 1, "Unloaded", true),
    (Reason::UrlEmpty, 2, "UrlEmpty", true),
    (Reason::UrlMalformed, 2, "UrlMalformed", true),
    (Reason::UrlScheme, 2, "UrlScheme", true),
    (Reason::UrlTooLong, 2, "UrlTooLong", true),
    (Reason::IllegalHeader, 2, "IllegalHeader", true),
    (Reason::IllegalOption, 2, "IllegalOption", true),
    // The std client brings its own buffers.
    (Reason::BufferTooSmall, 2, "BufferTooSmall", false),
    (Reason::HostNotAllowed, 11, "HostNotAllowed", true),
    (Reason::Dns, 12, "Dns", true),
    (Reason::Connect, 12, "Connect", true),
    (Reason::ConnectionLost, 12, "ConnectionLost", true),
    (Reason::ConnectionClosed, 12, "ConnectionClosed", true),
    (Reason::Tls, 12, "Tls", true),
    (Reason::Timeout, 13, "Timeout", true),
    (Reason::NotJson, 14, "NotJson", true),
    (Reason::NotText, 14, "NotText", true),
    (Reason::UnsupportedEncoding, 14, "UnsupportedEncoding", true),
    (Reason::UnsupportedCharset, 14, "UnsupportedCharset", true),
    (Reason::TooLarge, 14, "TooLarge", true),
    (Reason::DataNotConvertible, 15, "DataNotConvertible", true),
    (Reason::MalformedEscape, 15, "MalformedEscape", true),
    (Reason::HttpStatus, 19, "HttpStatus", true),
    (Reason::MalformedHead, 19, "MalformedHead", true),
    (Reason::HeadTooLarge, 19, "HeadTooLarge", true),
    (Reason::MalformedFraming, 19, "MalformedFraming", true),
    (Reason::Certificate(CertificateFault::Expired), 19, "CertificateExpired", true),
    (Reason::Certificate(CertificateFault::NotYetValid), 19, "CertificateNotYetValid", true),
    (Reason::Certificate(CertificateFault::WrongHost), 19, "CertificateWrongHost", true),
    (Reason::Certificate(CertificateFault::UnknownIssuer), 19, "CertificateUnknownIssuer", true),
    (Reason::Certificate(CertificateFault::NotAnAuthority), 19, "CertificateNotAnAuthority", true),
    (Reason::Certificate(CertificateFault::WrongUsage), 19, "CertificateWrongUsage", true),
    // There is no way yet to give the std client a revocation list.
    (Reason::Certificate(CertificateFault::Revoked), 19, "CertificateRevoked", false),
    (Reason::Certificate(CertificateFault::NotPinned), 19, "CertificateNotPinned", true),
    (Reason::Certificate(CertificateFault::Invalid), 19, "CertificateInvalid", true),
    (Reason::NotTls, 19, "NotTls", true),
    (Reason::TooManyRedirects, 19, "TooManyRedirects", true),
    (Reason::BadRedirect, 19, "BadRedirect", true),
    (Reason::Aborted, 20, "Aborted", true),
    (Reason::PlainHttpRefused, 20, "PlainHttpRefused", true),
    (Reason::RateLimited, 20, "RateLimited", true),
    (Reason::TooManyTasks, 20, "TooManyTasks", true),
    (Reason::ProxyRefused, 23, "ProxyRefused", true),
    (Reason::ProxyFailed, 23, "ProxyFailed", true),
];

#[test]
fn req_15_every_reason_has_a_code_of_the_table() {
    for (reason, code, name, _) in REASONS {
        assert_eq!((reason.code(Api::Request), reason.name()), (code, name));
    }
    for reason in Reason::all() {
        for api in [Api::Request, Api::UploadFile, Api::DownloadFile, Api::ConnectSocket] {
            assert!(api.codes().contains(&reason.code(api)), "{api:?} {reason:?}");
        }
    }
    let messages: BTreeSet<_> = Reason::all().map(Reason::message).collect();
    assert_eq!(messages.len(), Reason::all().count(), "each says something of its own");
}

#[test]
fn req_13_every_reason_comes_about_with_its_code() {
    let server = server();
    let open = development(&server).build().unwrap();
    let strict = release(&server).build().unwrap();
    let url = |path: &str| server.https_url(path);
    let get = |path: &str| open.request(url(path)).send();
    let text = |path: &str| open.request(url(path)).data_type(DataType::Text).send();
    let with = |leaf: Leaf| {
        let address = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap();
        strict.request(format!("https://localhost:{}/get", address.port())).send()
    };
    let nobody = builder().development().resolver(|_, _| Err(io::ErrorKind::NotFound.into())).build().unwrap();
    let alert = Peer::start(|mut stream, _| {
        let _ = io::Read::read(&mut stream, &mut [0; 4096]);
        let _ = io::Write::write_all(&mut stream, b"\x15\x03\x03\x00\x02\x02\x28");
    });
    let closed = release(&server).build().unwrap();
    closed.shut_down();
    let pinned = release(&server).pin([0; 32]).build().unwrap();
    let no_slots = release(&server).max_tasks(0).build().unwrap();
    let small = release(&server).max_body(10).build().unwrap();
    let refusing = Proxy::start(Answer::Bytes(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n".to_vec()));
    let behind = |proxy: String| release(&server).proxy(&proxy, "").build().unwrap().request(url("/get")).send();
    let mut aborted = open.request(url("/get"));
    aborted.abort_handle().abort();
    let forged = miniwire_std::serve::Authority::new().unwrap().issue(&Leaf::default()).unwrap();
    let forged = server.start_tls_with(forged).unwrap();
    let results: Vec<Result<Response, Failure>> = vec![
        closed.request(url("/get")).send(),
        open.request("").send(),
        open.request("https://").send(),
        open.request("https://user@localhost/").send(),
        open.request("ftp://localhost/").send(),
        open.request("wss://localhost/").send(),
        open.request(format!("https://localhost/{}", "x".repeat(2048))).send(),
        open.request(url("/get")).data_text("x".repeat(2048)).send(),
        open.request(url("/get")).header("a", "b\n").send(),
        open.request(url("/get")).data_bytes(*b"x").send(),
        strict.request("https://other.test/").send(),
        nobody.request("http://a.test/").send(),
        open.request(format!("http://{}/", refused())).send(),
        get("/reset"),
        get("/kill"),
        open.request(alert.https_url("/")).send(),
        open.request(url("/delay/5")).timeout(30).send(),
        get("/html"),
        text("/bytes/1000"),
        get("/gzip"),
        text("/status/200?body=x&type=text/plain;charset=gbk"),
        small.request(url("/get")).send(),
        open.request(url("/post")).method(Post).data(BTreeMap::from([([1], 2)])).send(),
        open.request("https://localhost/%zz").send(),
        text("/status/404"),
        get("/malformed/garbage"),
        get("/malformed/endless-head"),
        get("/malformed/two-lengths"),
        with(Leaf::default().valid(Validity::Past)),
        with(Leaf::default().valid(Validity::Future)),
        with(Leaf::default().names(&["other.test"])),
        with(Leaf::default().issued_by(IssuedBy::Itself)),
        with(Leaf::default().issued_by(IssuedBy::EndEntity)),
        with(Leaf::default().client_only()),
        pinned.request(url("/get")).send(),
        strict.request(format!("https://localhost:{}/get", forged.port())).send(),
        strict.request(format!("https://localhost:{}/get", server.http().port())).send(),
        get("/redirect/6"),
        get("/redirect-to?url=ftp://x/"),
        aborted.send(),
        strict.request(server.http_url("/get")).send(),
        text("/status/429"),
        no_slots.request(url("/get")).send(),
        behind(refusing.url()),
        behind(format!("http://{}", refused())),
    ];
    let provoked: BTreeSet<_> = results
        .into_iter()
        .map(|result| {
            let failure = failed(result);
            (failure.code(), failure.reason().name())
        })
        .collect();
    let expected = REASONS.iter().filter(|(.., here)| *here).map(|(_, code, name, _)| (*code, *name));
    assert_eq!(provoked, expected.collect());
    let provoked: BTreeSet<_> = provoked.iter().map(|(code, _)| *code).collect();
    assert_eq!(provoked, Api::Request.codes().iter().copied().collect());
}

#[test]
fn req_13_a_failure_says_what_it_knows() {
    let server = server();
    let client = release(&server).build().unwrap();
    let expired = Leaf::default().valid(Validity::Past);
    let address = server.start_tls_with(server.authority().issue(&expired).unwrap()).unwrap();
    let expired =
        fails(client.request(format!("https://localhost:{}/", address.port())).send(), 19, "CertificateExpired");
    let missing = fails(client.request(server.https_url("/status/404?body=1")).send(), 19, "HttpStatus");
    assert_eq!(expired.code(), missing.code());
    assert_ne!(expired.reason(), missing.reason());
    assert!(expired.to_string().contains("expired") && expired.response().is_none());
    assert!(missing.to_string().contains("404") && missing.response().is_some());
}

#[test]
fn req_06_urls_that_are_refused() {
    let server = server();
    let client = development(&server).build().unwrap();
    for (url, code, reason) in [
        ("", 2, "UrlEmpty"),
        (" ", 2, "UrlEmpty"),
        ("localhost", 2, "UrlMalformed"),
        ("https:/localhost/", 2, "UrlMalformed"),
        ("https:///get", 2, "UrlMalformed"),
        ("https://a b/", 2, "UrlMalformed"),
        ("https://localhost/\r\nHost: evil", 2, "UrlMalformed"),
        ("https://localhost\\@evil/", 2, "UrlMalformed"),
        ("https://localhost:0/", 2, "UrlMalformed"),
        ("https://localhost:65536/", 2, "UrlMalformed"),
        ("https://localhost:+80/", 2, "UrlMalformed"),
        ("https://0x7f.1/", 2, "UrlMalformed"),
        ("https://[::1/", 2, "UrlMalformed"),
        ("ws://localhost/", 2, "UrlScheme"),
        ("file:///etc/passwd", 2, "UrlScheme"),
        ("data:,x", 2, "UrlScheme"),
        ("https://localhost/%", 15, "MalformedEscape"),
        ("https://localhost/?%4", 15, "MalformedEscape"),
    ] {
        let failure = failed(client.request(url).send());
        assert_eq!((failure.code(), failure.reason().name()), (code, reason), "{url:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn req_06_the_longest_url() {
    let server = server();
    let url = server.https_url("/anything/");
    let fill = |length: usize| "x".repeat(length - url.len());
    let client = release(&server).build().unwrap();
    assert_eq!(client.request(format!("{url}{}", fill(2048))).send().unwrap().status(), 200);
    fails(client.request(format!("{url}{}", fill(2049))).send(), 2, "UrlTooLong");
    assert_eq!(client.request(&url).data_text(fill(2047)).send().unwrap().status(), 200);
    fails(client.request(&url).data_text(fill(2048)).send(), 2, "UrlTooLong");
    let client = release(&server).max_url(20_000).build().unwrap();
    assert_eq!(client.request(format!("{url}{}", fill(20_000))).send().unwrap().status(), 200);
    fails(client.request(format!("{url}{}", fill(20_001))).send(), 2, "UrlTooLong");
}
