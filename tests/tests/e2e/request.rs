//! What goes out, apart from data: methods, header fields, the deadline.

use std::time::{Duration, Instant};

use miniwire_core::request::Method::{self, Delete, Get, Post, Put};
use miniwire_std::{Call, DataType, Response};
use miniwire_tests::{BlackHole, Peer, Unresolved, builder, development, failed, fails, promptly, release, server};
use serde_json::Value;

const METHODS: [Method; 4] = [Get, Post, Put, Delete];

/// What the server says that it was sent.
fn echoed(call: Call) -> Value {
    call.send().expect("a success").json().expect("an echo")
}

/// The values of a field, as the server saw them.
fn sent<'e>(echo: &'e Value, name: &str) -> Vec<&'e str> {
    let fields = echo["raw_headers"].as_array().expect("a list").iter();
    let found = fields.filter(|field| field[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)));
    found.filter_map(|field| field[1].as_str()).collect()
}

#[test]
fn req_01_four_methods_get_by_default() {
    let server = server();
    let client = release(&server).build().unwrap();
    let url = server.https_url("/anything/x");
    assert_eq!(echoed(client.request(&url))["method"], "GET");
    for method in METHODS {
        assert_eq!(echoed(client.request(&url).method(method))["method"], method.as_str());
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn req_02_content_type_is_json_on_every_method() {
    let server = server();
    let client = release(&server).build().unwrap();
    for method in METHODS {
        let echo = echoed(client.request(server.https_url("/anything/x")).method(method));
        assert_eq!(sent(&echo, "content-type"), ["application/json"], "{method:?}");
    }
}

#[test]
fn req_02_a_callers_content_type_replaces_it_in_any_letter_case() {
    let server = server();
    let client = release(&server).build().unwrap();
    for name in ["content-type", "Content-Type", "CONTENT-TYPE", "cOnTeNt-TyPe"] {
        let call = client.request(server.https_url("/anything/x")).method(Post).header(name, "text/x-mine");
        let echo = echoed(call.data_text("a"));
        assert_eq!(sent(&echo, "content-type"), ["text/x-mine"], "{name}");
    }
}

#[test]
fn ctx_01_the_user_agent_is_the_contexts() {
    let server = server();
    let url = server.https_url("/get");
    let own = release(&server).build().unwrap();
    let agent = concat!("miniwire/", env!("CARGO_PKG_VERSION"));
    assert_eq!(sent(&echoed(own.request(&url)), "user-agent"), [agent]);
    let kiosk = release(&server).user_agent("kiosk/7 (hall)").build().unwrap();
    assert_eq!(sent(&echoed(kiosk.request(&url)), "user-agent"), ["kiosk/7 (hall)"]);
    let nameless = release(&server).user_agent("").build().unwrap();
    assert_eq!(sent(&echoed(nameless.request(&url)), "user-agent"), [""; 0]);
}

#[test]
fn ctx_02_the_referer_names_the_urls_host_the_app_and_its_version() {
    let server = server();
    let client = development(&server).build().unwrap();
    for (url, referer) in [
        (server.https_url("/get"), "https://localhost/2021000000000001/1.0.0/page-frame.html"),
        (server.http_url("/get"), "https://127.0.0.1/2021000000000001/1.0.0/page-frame.html"),
    ] {
        for name in ["referer", "Referer", "REFERER", "rEfErEr"] {
            let echo = echoed(client.request(&url).header(name, "https://evil.example/"));
            assert_eq!(sent(&echo, "referer"), [referer], "{url} {name}");
        }
    }
}

#[test]
fn ctx_02_on_a_redirect_the_referer_names_the_hops_host() {
    let server = server();
    let client = development(&server).build().unwrap();
    let url = server.https_url(&format!("/redirect-to?url={}", server.http_url("/get")));
    let echo = echoed(client.request(url).header("referer", "x"));
    assert_eq!(sent(&echo, "referer"), ["https://127.0.0.1/2021000000000001/1.0.0/page-frame.html"]);
}

#[test]
fn ctx_09_the_librarys_own_fields_cannot_be_set() {
    let server = server();
    let client = release(&server).build().unwrap();
    let own = [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "upgrade",
        "Sec-WebSocket-Key",
        "sec-websocket-x",
    ];
    let mut call = client.request(server.https_url("/post")).method(Post).data_text("four");
    for name in own {
        call = call.header(name, "evil");
    }
    let echo = echoed(call.header("X-Mine", "1").header("x-mine", "2"));
    assert_eq!(echo["data"], "four");
    assert_eq!(sent(&echo, "host"), [format!("localhost:{}", server.https().port())]);
    assert_eq!(sent(&echo, "content-length"), ["4"]);
    for name in &own[2..] {
        assert_eq!(sent(&echo, name), [""; 0], "{name}");
    }
    assert_eq!(sent(&echo, "x-mine"), ["2"], "a later duplicate replaces");
}

#[test]
fn ctx_09_illegal_headers_are_refused_before_a_byte_is_sent() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (name, value) in [
        ("a", "b\r\nc: d"),
        ("a", "b\nc"),
        ("a", "b\0"),
        ("a", "\x7f"),
        ("", "b"),
        ("a b", "c"),
        ("a:", "b"),
        ("a\r\nb", "c"),
        ("\u{e9}", "a"),
        ("referer", "x\r\n"),
    ] {
        fails(client.request(server.https_url("/get")).header(name, value).send(), 2, "IllegalHeader");
    }
    assert_eq!(server.connections(), 0);
    let echo = echoed(client.request(server.https_url("/get")).header("X-Text", "Grüße \t!"));
    assert_eq!(sent(&echo, "x-text"), ["Grüße \t!"]);
}

#[test]
fn req_03_the_deadline_is_over_the_whole_call() {
    let server = server();
    let client = development(&server).build().unwrap();
    let silent = Peer::silent();
    let deaf = Peer::deaf();
    let hole = BlackHole::new().unwrap();
    let hole = format!("http://{}/", hole.address());
    let phases: [(&str, &dyn Fn() -> Call); 6] = [
        ("connecting", &|| client.request(&hole)),
        ("TLS", &|| client.request(silent.https_url("/"))),
        ("sending", &|| client.request(deaf.http_url("/")).method(Post).data_bytes(vec![0; 32 << 20])),
        ("waiting", &|| client.request(server.https_url("/delay/20"))),
        // Each byte comes in time, all of them do not.
        ("receiving", &|| client.request(server.http_url("/drip?numbytes=2000&duration=20"))),
        ("between redirects", &|| client.request(server.http_url("/redirect-to?url=/delay/20"))),
    ];
    for (phase, call) in phases {
        promptly(200, || {
            let failure = failed(call().timeout(200).data_type(DataType::Text).send());
            assert_eq!((failure.code(), failure.reason().name()), (13, "Timeout"), "{phase}");
        });
    }
}

#[test]
fn req_03_the_deadline_holds_while_resolving() {
    let names = Unresolved::new();
    let client = builder().development().resolver(names.resolver()).build().unwrap();
    promptly(100, || {
        fails(client.request("http://a.test/").timeout(100).send(), 13, "Timeout");
    });
}

#[test]
fn req_03_a_timeout_of_0_is_the_default_and_a_long_one_does_no_harm() {
    let server = server();
    let client = release(&server).build().unwrap();
    for timeout in [0, 5_000, u32::MAX] {
        let response = client.request(server.https_url("/delay/0.1")).timeout(timeout).send().unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[test]
fn req_03_a_short_call_after_a_long_one_keeps_its_deadline_on_the_same_connection() {
    let server = server();
    let client = release(&server).build().unwrap();
    client.request(server.https_url("/get")).timeout(60_000).send().unwrap();
    promptly(150, || {
        fails(client.request(server.https_url("/delay/20")).timeout(150).send(), 13, "Timeout");
    });
}

#[test]
fn req_10_how_long_the_phases_took() {
    let server = server();
    let client = release(&server).build().unwrap();
    let start = Instant::now();
    let first = client.request(server.https_url("/delay/0.1")).send().unwrap().timings();
    assert!(first.total <= start.elapsed() && first.first_byte >= Duration::from_millis(100), "{first:?}");
    assert!(first.connect > Duration::ZERO && first.tls > Duration::ZERO && first.first_byte <= first.total);
    let again = client.request(server.https_url("/get")).send().unwrap().timings();
    assert_eq!((again.resolve, again.connect, again.tls), Default::default());
}

#[test]
fn req_01_one_answer_can_be_filled_again_and_again() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut response = Response::new();
    let (good, bad) = (server.https_url("/get?a=1"), server.https_url("/status/404"));
    for _ in 0..3 {
        client.send_into(&miniwire_std::Request::new(&good), &mut response).unwrap();
        assert_eq!((response.status(), response.json::<Value>().unwrap()["args"]["a"].as_str()), (200, Some("1")));
        let reason = client.send_into(&miniwire_std::Request::new(&bad), &mut response).unwrap_err();
        assert_eq!((reason.name(), response.status(), response.data()), ("HttpStatus", 404, ""));
        let reason = client.send_into(&miniwire_std::Request::new(""), &mut response).unwrap_err();
        assert_eq!((reason.name(), response.status(), response.headers().count()), ("UrlEmpty", 0, 0));
    }
}
