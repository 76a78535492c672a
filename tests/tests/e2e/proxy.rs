//! HTTP proxies: what they are asked, and what becomes of those that refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniwire_core::request::Method::Post;
use miniwire_std::{BuildError, DataType};
use miniwire_tests::{
    Answer, BlackHole, Peer, Proxy, builder, development, fails, in_own_process, promptly, refused, release, server,
};
use serde_json::Value;

#[test]
fn req_17_http_goes_in_absolute_form() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    for _ in 0..3 {
        let call = client.request(server.http_url("/anything/x?a=1#f")).method(Post).data_text("body");
        let echo: Value = call.send().unwrap().json().unwrap();
        assert_eq!((&echo["data"], &echo["raw_target"]), (&"body".into(), &"/anything/x?a=1".into()));
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 3);
    let start = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", server.http_url("/anything/x?a=1"), server.http());
    assert!(heads[0].starts_with(&start), "{}", heads[0]);
    assert!(!heads[0].to_lowercase().contains("proxy-authorization"));
    assert_eq!(proxy.accepted(), 1, "the connection to the proxy is kept");
    // An empty path, RFC 9112 section 3.2.2.
    let _ = client.request(format!("http://{}", server.http())).data_type(DataType::Text).send().unwrap();
    assert!(proxy.heads()[3].starts_with(&format!("GET http://{}/ HTTP/1.1\r\n", server.http())));
}

#[test]
fn req_17_https_goes_through_a_tunnel() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
    for _ in 0..3 {
        let call = client.request(server.https_url("/get?secret=1")).header("Authorization", "Bearer secret");
        assert_eq!(call.send().unwrap().status(), 200);
    }
    let heads = proxy.heads();
    assert_eq!((heads.len(), proxy.accepted()), (1, 1), "the tunnel is kept");
    let authority = format!("localhost:{}", server.https().port());
    assert!(heads[0].starts_with(&format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n")), "{}", heads[0]);
    assert!(!heads[0].contains("secret") && !heads[0].to_lowercase().contains("authorization"), "{}", heads[0]);
}

#[test]
fn req_17_basic_credentials() {
    let server = server();
    let wanted = format!("Basic {}", STANDARD.encode("us er:pa:ss@"));
    let proxy = Proxy::start(Answer::ForwardFor(wanted));
    let client = development(&server).proxy(&proxy.url_for("us%20er:pa%3Ass%40"), "").build().unwrap();
    assert_eq!(client.request(server.http_url("/get")).send().unwrap().status(), 200);
    let response = client.request(server.https_url("/get")).send().unwrap();
    assert!(response.json::<Value>().unwrap()["headers"].get("Proxy-Authorization").is_none(), "not for the origin");
    for user in ["", "us%20er:wrong@", "other@"] {
        let url = proxy.url_for(user.trim_end_matches('@')).replace("//@", "//");
        let client = development(&server).proxy(&url, "").build().unwrap();
        for target in [server.http_url("/get"), server.https_url("/get")] {
            let failure = fails(client.request(target).data_type(DataType::Text).send(), 23, "ProxyRefused");
            assert_eq!(failure.response().unwrap().status(), 407);
        }
    }
}

#[test]
fn req_17_refusals_are_23() {
    let server = server();
    for status in ["302 Found", "400 Bad", "403 Forbidden", "404 X", "407 X", "429 X", "500 X", "502 Bad", "503 X"] {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: /x\r\nContent-Length: 2\r\n\r\nno");
        let proxy = Proxy::start(Answer::Bytes(answer.into()));
        let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
        let failure = fails(client.request(server.https_url("/get")).send(), 23, "ProxyRefused");
        assert_eq!(failure.response().unwrap().status().to_string(), status[..3]);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn req_17_failures_are_23() {
    let server = server();
    let url = server.https_url("/get");
    for answer in [
        Answer::Nothing,
        Answer::Bytes(b"garbage\r\n\r\n".to_vec()),
        Answer::Bytes(b"HTTP/1.1 200".to_vec()),
        Answer::Bytes(b"HTTP/1.1 101 Switching Protocols\r\n\r\n".to_vec()),
        // What would be spoken into the tunnel before TLS has begun.
        Answer::Bytes(b"HTTP/1.1 200 OK\r\n\r\n\x15\x03\x03\x00\x02\x02\x28".to_vec()),
        Answer::Bytes([b"HTTP/1.1 200 OK\r\n".to_vec(), b"X: y\r\n".repeat(200)].concat()),
        Answer::Bytes([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat()),
    ] {
        let proxy = Proxy::start(answer.clone());
        let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
        fails(client.request(&url).send(), 23, "ProxyFailed");
    }
    let client = development(&server).proxy(&format!("http://{}", refused()), "").build().unwrap();
    fails(client.request(&url).send(), 23, "ProxyFailed");
    fails(client.request(server.http_url("/get")).send(), 23, "ProxyFailed");
    let client = release(&server).proxy("http://proxy.invalid", "").build().unwrap();
    fails(client.request(&url).send(), 23, "ProxyFailed");
}

#[test]
fn req_17_a_tunnel_to_nowhere() {
    let server = server();
    let proxy = Proxy::start(Answer::Forward);
    let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
    let nobody = refused().port();
    let failure = fails(client.request(format!("https://localhost:{nobody}/")).send(), 23, "ProxyRefused");
    assert_eq!(failure.response().unwrap().status(), 502);
}

#[test]
fn req_17_in_the_tunnel_tls_is_verified_for_the_origin() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let stranger = builder().allow("localhost").proxy(&proxy.url(), "").only_given_roots().build().unwrap();
    fails(stranger.request(server.https_url("/get")).send(), 19, "CertificateUnknownIssuer");
    // No TLS at the other end: nothing is ever sent in the clear.
    let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
    let plain = format!("https://localhost:{}/get", server.http().port());
    fails(client.request(plain).send(), 19, "NotTls");
    assert_eq!(server.requests(), 0);
}

#[test]
fn req_17_deadline_and_abort_hold_for_the_proxy() {
    let server = server();
    let silent = Proxy::start(Answer::Silence);
    let hole = BlackHole::new().unwrap();
    for url in [silent.url(), format!("http://{}", hole.address())] {
        let client = development(&server).proxy(&url, "").build().unwrap();
        for target in [server.http_url("/get"), server.https_url("/get")] {
            promptly(80, || drop(fails(client.request(&target).timeout(80).send(), 13, "Timeout")));
            promptly(50, || {
                let mut call = client.request(&target);
                let handle = call.abort_handle();
                let aborting = std::thread::spawn(move || {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                    handle.abort();
                });
                fails(call.send(), 20, "Aborted");
                aborting.join().unwrap();
            });
        }
    }
}

#[test]
fn req_17_the_origins_own_statuses_are_its_own() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    for url in [server.http_url(""), server.https_url("")] {
        fails(client.request(format!("{url}/status/502?body=1")).send(), 19, "HttpStatus");
        fails(client.request(format!("{url}/status/429?body=1")).send(), 20, "RateLimited");
        fails(client.request(format!("{url}/status/403?body=1")).send(), 19, "HttpStatus");
    }
    fails(client.request(server.https_url("/status/407?body=1")).send(), 19, "HttpStatus");
}

#[test]
fn req_17_redirects_go_through_the_proxy_too() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let client = development(&server).proxy(&proxy.url(), "").build().unwrap();
    let url = server.http_url(&format!("/redirect-to?url={}", server.https_url("/get")));
    assert_eq!(client.request(url).send().unwrap().status(), 200);
    let heads = proxy.heads();
    assert!(heads[0].starts_with("GET http://") && heads[1].starts_with("CONNECT localhost:"), "{heads:?}");
}

#[test]
fn req_17_no_proxy() {
    let (server, proxy) = (server(), Proxy::start(Answer::Nothing));
    for (direct, is_direct) in [
        ("localhost", true),
        ("*", true),
        ("a.test, LOCALHOST", true),
        (".localhost", true),
        ("ocalhost", false),
        ("127.0.0.1", false),
        ("", false),
    ] {
        let client = release(&server).proxy(&proxy.url(), direct).build().unwrap();
        let result = client.request(server.https_url("/get")).send();
        if is_direct {
            assert_eq!(result.unwrap().status(), 200, "{direct}");
        } else {
            fails(result, 23, "ProxyFailed");
        }
    }
    let client = development(&server).proxy(&proxy.url(), "127.0.0.0/8").build().unwrap();
    assert_eq!(client.request(server.http_url("/get")).send().unwrap().status(), 200);
}

#[test]
fn req_17_a_proxy_may_have_a_name() {
    let (server, proxy) = (server(), Proxy::start(Answer::Forward));
    let port = proxy.url().rsplit_once(':').unwrap().1.to_owned();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let (names, address) = (std::sync::Arc::clone(&asked), ([127, 0, 0, 1], port.parse().unwrap()).into());
    let client = release(&server)
        .proxy(&format!("http://proxy.test:{port}/"), "")
        .resolver(move |host, _| {
            names.lock().unwrap().push(host.to_owned());
            Ok(vec![address])
        })
        .build()
        .unwrap();
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200);
    assert_eq!(*asked.lock().unwrap(), ["proxy.test"], "the origin's name is the proxy's to resolve");
}

#[test]
fn req_17_the_environment_counts_only_where_it_is_asked_for() {
    let name = "proxy::req_17_the_environment_counts_only_where_it_is_asked_for";
    let nobody = format!("http://{}", refused());
    let environment = [("HTTPS_PROXY", nobody.as_str()), ("http_proxy", &nobody), ("NO_PROXY", "127.0.0.1")];
    if !in_own_process(name, &environment).unwrap() {
        return;
    }
    let server = server();
    let client = development(&server).build().unwrap();
    assert_eq!(client.request(server.https_url("/get")).send().unwrap().status(), 200);
    let client = development(&server).proxy_from_environment().build().unwrap();
    fails(client.request(server.https_url("/get")).send(), 23, "ProxyFailed");
    assert_eq!(client.request(server.http_url("/get")).send().unwrap().status(), 200, "NO_PROXY");
    fails(client.request("http://a.test/").send(), 23, "ProxyFailed");
}

#[test]
fn req_17_an_environment_that_cannot_be_used_is_no_client() {
    let name = "proxy::req_17_an_environment_that_cannot_be_used_is_no_client";
    if in_own_process(name, &[("ALL_PROXY", "socks5://127.0.0.1:1")]).unwrap() {
        assert!(matches!(builder().proxy_from_environment().build(), Err(BuildError::Proxy(_))));
    }
}

#[test]
fn req_17_credentials_are_shown_to_nobody() {
    let server = server();
    let refuses = Peer::answering("HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n");
    let builder = release(&server).proxy(&format!("http://user:hidden@{}", refuses.address()), "");
    assert!(!format!("{builder:?}").contains("hidden"));
    let client = builder.build().unwrap();
    let failure = fails(client.request(server.https_url("/get")).send(), 23, "ProxyRefused");
    assert!(!format!("{client:?} {failure:?} {failure}").contains("hidden"));
}
