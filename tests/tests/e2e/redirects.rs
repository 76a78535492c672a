//! Redirects: which are followed, how far, with what, and through which door.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::request::Method::{self, Delete, Get, Post, Put};
use miniwire_std::Redirect::Manual;
use miniwire_std::serve::Leaf;
use miniwire_std::{Call, DataType, Response};
use miniwire_tests::{Peer, development, fails, release, server};
use serde_json::Value;

fn echo(call: Call) -> Value {
    call.send().unwrap().json().unwrap()
}

fn to(target: &str, status: u16) -> String {
    let encoded: String = target.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("/redirect-to?url={encoded}&status_code={status}")
}

#[test]
fn req_14_each_kind_of_location_is_followed() {
    let server = server();
    let client = release(&server).build().unwrap();
    for kind in ["redirect", "relative-redirect", "absolute-redirect"] {
        for count in 1..=5 {
            let response = client.request(server.https_url(&format!("/{kind}/{count}"))).send().unwrap();
            assert_eq!(response.json::<Value>().unwrap()["url"], server.https_url("/get"));
            assert_eq!(response.redirects(), count);
        }
        fails(client.request(server.https_url(&format!("/{kind}/6"))).send(), 19, "TooManyRedirects");
    }
    assert!(server.connections() <= 4, "within an origin the connection is kept: {}", server.connections());
    for (location, target) in [
        ("anything/b?c#d", "/anything/b?c"),
        ("/anything/./x/../%41 b", "/anything/%41%20b"),
        ("?url=/get", "/get"),
        ("//localhost:PORT/anything/c", "/anything/c"),
        ("anything/\u{e9}", "/anything/%C3%A9"),
        ("HTTPS://LOCALHOST:PORT/anything", "/anything"),
    ] {
        let location = location.replace("PORT", &server.https().port().to_string());
        let echo = echo(client.request(server.https_url(&to(&location, 302))));
        assert_eq!(echo["raw_target"], target, "{location}");
    }
}

#[test]
fn req_14_the_limit_is_the_contexts() {
    let server = server();
    let none = release(&server).max_redirects(0).build().unwrap();
    let failure = fails(none.request(server.https_url("/redirect/1")).send(), 19, "TooManyRedirects");
    assert_eq!(failure.response().unwrap().status(), 302);
    let many = release(&server).max_redirects(9).build().unwrap();
    assert_eq!(many.request(server.https_url("/redirect/9")).send().unwrap().redirects(), 9);
    fails(many.request(server.https_url("/redirect/10")).send(), 19, "TooManyRedirects");
    let circle = Peer::start(|mut stream, _| {
        while miniwire_tests::read_head(&mut stream).is_some() {
            let _ = stream.write_all(b"HTTP/1.1 307 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let client = development(&server).build().unwrap();
    let failure = fails(client.request(circle.http_url("/")).send(), 19, "TooManyRedirects");
    assert_eq!((failure.response().map(Response::redirects), circle.accepted()), (Some(5), 1));
}

#[test]
fn req_14_methods_and_bodies() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (status, method, becomes) in [
        (301, Get, Get),
        (302, Get, Get),
        (303, Get, Get),
        (307, Get, Get),
        (308, Get, Get),
        (301, Post, Get),
        (302, Post, Get),
        (303, Post, Get),
        (307, Post, Post),
        (308, Post, Post),
        (301, Put, Put),
        (302, Delete, Delete),
        (303, Put, Get),
        (303, Delete, Get),
        (307, Put, Put),
        (308, Delete, Delete),
    ] {
        let mut call = client.request(server.https_url(&to("/anything/x", status))).method(method);
        if method != Get {
            call = call.data_text("a body");
        }
        let echo = echo(call.header("X-Mine", "1"));
        let expected: (&str, Method) = (if becomes == Get { "" } else { "a body" }, becomes);
        assert_eq!((&echo["method"], &echo["data"]), (&expected.1.as_str().into(), &expected.0.into()), "{status}");
        assert_eq!(echo["headers"]["X-Mine"], "1");
        let length = echo["headers"]["Content-Length"].as_str();
        assert_eq!(length, (becomes != Get).then_some("6"), "{status} {method:?}");
    }
}

#[test]
fn req_14_large_bodies_go_along_to_another_origin() {
    let (server, other) = (server(), server());
    let client = development(&server).build().unwrap();
    let body: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8 | 0x80).collect();
    for status in [307, 308] {
        let call = client.request(server.https_url(&to(&other.http_url("/post"), status))).method(Post);
        let echo = echo(call.data_bytes(body.clone()));
        let data = echo["data"].as_str().unwrap();
        assert!(data == format!("data:application/octet-stream;base64,{}", STANDARD.encode(&body)));
    }
}

#[test]
fn req_14_data_joined_on_get_is_not_joined_again() {
    let server = server();
    let client = release(&server).build().unwrap();
    let echo = echo(client.request(server.https_url(&to("/get?b=2", 302))).data_text("a=1"));
    assert_eq!(echo["raw_target"], "/get?b=2");
}

#[test]
fn req_14_between_http_and_https_and_two_servers_under_development() {
    let (one, two) = (server(), server());
    let client = development(&one).root(two.ca_pem().as_bytes()).build().unwrap();
    for from in [one.http_url(""), one.https_url("")] {
        for target in [one.http_url("/get"), one.https_url("/get"), two.http_url("/get"), two.https_url("/get")] {
            let response = client.request(format!("{from}{}", to(&target, 302))).send().unwrap();
            assert_eq!(response.json::<Value>().unwrap()["url"], target, "from {from}");
            assert_eq!(response.redirects(), 1);
        }
    }
}

#[test]
fn req_14_credentials_are_dropped_when_the_origin_changes() {
    let (one, two) = (server(), server());
    let client = development(&one).root(two.ca_pem().as_bytes()).build().unwrap();
    let sent = |start: String| {
        let call = client.request(start).header("AUTHORIZATION", "Bearer secret").header("cookie", "id=7");
        let echo = echo(call.header("X-Kept", "1"));
        assert_eq!(echo["headers"]["X-Kept"], "1");
        let has = |name: &str| echo["headers"].get(name).is_some();
        assert_eq!(has("Authorization"), has("Cookie"));
        has("Cookie")
    };
    assert!(sent(one.https_url("/get")));
    assert!(sent(one.https_url(&to("/get", 302))), "the same origin");
    assert!(sent(one.https_url(&to(&one.https_url("/get"), 307))), "the same origin, by its whole URL");
    assert!(!sent(one.https_url(&to(&one.http_url("/get"), 302))), "another scheme and port");
    assert!(!sent(one.https_url(&to(&two.https_url("/get"), 302))), "another port");
    let by_address = format!("https://127.0.0.1:{}/get", one.https().port());
    assert!(!sent(one.https_url(&to(&by_address, 302))), "another host, though the same server");
    let back = two.https_url(&to(&one.https_url("/get"), 302));
    assert!(!sent(one.https_url(&to(&back, 302))), "and not when it comes back");
}

#[test]
fn req_14_every_hop_passes_the_whitelist() {
    let server = server();
    let client = release(&server).build().unwrap();
    let by_address = format!("https://127.0.0.1:{}/get", server.https().port());
    for (target, code, reason) in [
        (by_address.as_str(), 11, "HostNotAllowed"),
        ("https://evil.test/", 11, "HostNotAllowed"),
        ("https://localhost.evil.test/", 11, "HostNotAllowed"),
        ("//evil.test/", 11, "HostNotAllowed"),
        (&server.http_url("/get"), 20, "PlainHttpRefused"),
        ("http://localhost/", 20, "PlainHttpRefused"),
    ] {
        let requests = server.requests();
        let failure = fails(client.request(server.https_url(&to(target, 302))).send(), code, reason);
        assert_eq!(failure.response().unwrap().status(), 302, "{target}");
        assert_eq!(server.requests(), requests + 1);
    }
}

#[test]
fn req_14_a_hop_may_lead_to_another_admitted_host() {
    let server = server();
    let leaf = Leaf::default().names(&["a.test", "b.a.test"]);
    let address = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap();
    let client = release(&server).allow("a.test").resolver(move |_, _| Ok(vec![address])).build().unwrap();
    let port = address.port();
    let target = format!("https://b.a.test:{port}/get");
    let response = client.request(format!("https://a.test:{port}{}", to(&target, 301))).send().unwrap();
    assert_eq!(response.json::<Value>().unwrap()["headers"]["Host"], format!("b.a.test:{port}"));
}

#[test]
fn req_14_what_cannot_be_followed() {
    let server = server();
    let client = development(&server).build().unwrap();
    for target in [
        "ftp://localhost/",
        "ws://localhost/",
        "mailto:a@b",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://",
        "http://user@localhost/",
        "http://2130706433/",
        "http://[::1/",
        "http://localhost:99999/",
    ] {
        let failure = fails(client.request(server.https_url(&to(target, 302))).send(), 19, "BadRedirect");
        assert_eq!(failure.response().unwrap().header("location"), Some(target));
    }
}

#[test]
fn req_14_manual_shows_the_redirect_itself() {
    let server = server();
    let client = release(&server).build().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let call = client.request(server.https_url(&to("https://evil.test/", status))).redirect(Manual);
        let response = call.data_type(DataType::Text).send().unwrap();
        assert_eq!((response.status(), response.data(), response.redirects()), (status, "elsewhere\n", 0));
        assert_eq!(response.header("location"), Some("https://evil.test/"));
    }
    fails(client.request(server.https_url(&to("/get", 302))).redirect(Manual).send(), 14, "NotJson");
}

#[test]
fn req_14_a_redirect_to_where_nobody_is() {
    let server = server();
    let client = development(&server).build().unwrap();
    let nobody = format!("http://{}/", miniwire_tests::refused());
    let failure = fails(client.request(server.https_url(&to(&nobody, 302))).send(), 12, "Connect");
    assert_eq!(failure.response().map(Response::status), Some(302));
}

#[test]
fn req_14_a_redirects_body_is_not_read_for_ever() {
    // A body longer than a connection is worth, and one that stalls, on the way to the same origin.
    let server = server();
    let client = development(&server).build().unwrap();
    let long = Peer::start(|mut stream, number| {
        while let Some(head) = miniwire_tests::read_head(&mut stream) {
            let answer = if head.starts_with("GET /end ") {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned()
            } else {
                let body = "x".repeat(1 << 20);
                format!("HTTP/1.1 302 X\r\nLocation: /end\r\nContent-Length: 1048576\r\n\r\n{body}")
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
        assert!(number <= 2);
    });
    assert_eq!(client.request(long.http_url("/")).send().unwrap().status(), 200);
    assert_eq!(long.accepted(), 2);
}
