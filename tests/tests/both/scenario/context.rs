//! The context: policy, whitelist, TLS, the caller's header fields (CTX).

use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::{DataType, Method};

use super::{Data, Rules, Scenario, Site};

pub(super) fn all(site: &Site) -> Vec<Scenario> {
    [policed(site), secured(site), fields(site)].into_iter().flatten().collect()
}

fn policed(site: &Site) -> Vec<Scenario> {
    let only = Rules::Release("localhost");
    let refused = |promise, url| site.get(promise, url).rules(only).fails(11, Reason::HostNotAllowed, None);
    let hop = |promise, url: &str, reason: Reason| {
        let path = site.secure(&format!("/redirect-to?url={url}"));
        site.get(promise, &path).rules(only).fails(reason.request_code(), reason, 302)
    };
    vec![
        site.get("CTX-03 plain http under release", "/json").rules(only).fails(20, Reason::PlainHttpRefused, None),
        site.get("CTX-03 https under release", &site.secure("/json")).rules(only),
        site.get("CTX-03 development goes where redirects lead", "/redirect-to?url=/json"),
        refused("CTX-04 a host that is not on the whitelist", "https://example.com/"),
        refused("CTX-04 a label is a label", "https://evillocalhost/"),
        refused("CTX-04 nor what only begins like it", "https://localhost.evil.test/"),
        site.get("CTX-04 in any letter case, with a dot", &site.secure("/json").replacen("localhost", "LocalHost.", 1))
            .rules(only),
        hop("CTX-04 a hop passes the same door", "https://evil.test/", Reason::HostNotAllowed),
        hop("CTX-03 and so does its scheme", "http://localhost/", Reason::PlainHttpRefused),
    ]
}

fn secured(site: &Site) -> Vec<Scenario> {
    let get = |promise, path| site.get(promise, &site.secure(path));
    let bad = |promise, origin: &str, fault| {
        site.get(promise, &format!("{origin}/json")).fails(19, Reason::Certificate(fault), None)
    };
    vec![
        get("CTX-08 a large answer over TLS", "/bytes/50000?seed=4").data_type(DataType::Base64),
        get("CTX-08 chunked over TLS", "/stream-bytes/5000?seed=2&chunk_size=7").data_type(DataType::Base64),
        get("CTX-08 a large body over TLS", "/count").post(Data::Bytes(vec![9; 100_000])),
        site.get("CTX-08 a redirect from one to the other", &format!("/redirect-to?url={}", site.secure("/json"))),
        get("CTX-08 a status over TLS", "/status/429").fails(20, Reason::RateLimited, 429),
        get("CTX-08 a body cut short over TLS", "/truncated?length=100&sent=50").data_type(DataType::Text).fails(
            12,
            Reason::ConnectionClosed,
            200,
        ),
        get("CTX-08 an end without close_notify", "/close?end=cut").data_type(DataType::Text).fails(
            12,
            Reason::ConnectionLost,
            200,
        ),
        get("CTX-08 a reset under TLS", "/reset").fails(12, Reason::ConnectionLost, None),
        bad("CTX-08 a certificate for another host", &site.elsewhere, CertificateFault::WrongHost),
        bad("CTX-08 one of nobody's", &site.untrusted, CertificateFault::UnknownIssuer),
    ]
}

fn fields(site: &Site) -> Vec<Scenario> {
    let with = |promise, headers| {
        site.get(promise, "/anything/x").with(|it| {
            it.method = Method::Post;
            it.headers = headers;
        })
    };
    let illegal = |promise, name, value| with(promise, vec![(name, value)]).fails(2, Reason::IllegalHeader, None);
    vec![
        with(
            "CTX-02 the referer cannot be set",
            vec![("rEfErEr", "https://evil.test/"), ("Referer", "https://evil.test/")],
        ),
        site.get("CTX-02 on a redirect it names the hop's host", &format!("/redirect-to?url={}", site.secure("/get"))),
        with(
            "CTX-09 the library's own fields cannot be set",
            vec![
                ("host", "evil.test"),
                ("Content-Length", "5"),
                ("transfer-encoding", "chunked"),
                ("Connection", "close"),
                ("Upgrade", "h2c"),
                ("Sec-WebSocket-Key", "x"),
            ],
        ),
        with("CTX-09 a later duplicate replaces", vec![("X-A", "1"), ("x-b", "2"), ("x-a", "3")]),
        with("CTX-01 the user agent can be replaced", vec![("user-agent", "mine/1")]),
        illegal("CTX-09 no CR or LF in a value", "x", "a\r\nb: c"),
        illegal("CTX-09 no NUL in a value", "x", "a\0b"),
        illegal("CTX-09 no space in a name", "a b", "c"),
        illegal("CTX-09 no name without a byte", "", "c"),
    ]
}
