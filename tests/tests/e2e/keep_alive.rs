//! Connections that are kept: which call gets which, and what becomes of one that died.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use miniwire_core::request::Method::{Delete, Post, Put};
use miniwire_std::{Client, DataType, Trace};
use miniwire_tests::{Peer, development, failed, fails, idle, read_head, release, server, until};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[track_caller]
fn get(client: &Client, url: &str) {
    assert_eq!(client.request(url).data_type(DataType::Text).send().unwrap().status(), 200, "{url}");
}

#[test]
fn req_16_one_connection_serves_many_calls() {
    let server = server();
    let client = development(&server).build().unwrap();
    for (url, expected) in [(server.http_url(""), 1), (server.https_url(""), 2)] {
        for path in
            ["/get", "/bytes/100000", "/stream-bytes/100000", "/chunked/5", "/empty", "/no-content", "/interim/3"]
        {
            get_any(&client, &format!("{url}{path}"));
        }
        for _ in 0..50 {
            get(&client, &format!("{url}/get"));
        }
        let posted = client.request(format!("{url}/post")).method(Post).data_bytes(vec![1; 100_000]).send();
        assert_eq!(posted.unwrap().status(), 200);
        failed(client.request(format!("{url}/status/404?body=x")).data_type(DataType::Text).send());
        get(&client, &format!("{url}/http10-keep-alive"));
        assert_eq!(server.connections(), expected);
    }
}

/// A body that need not be text.
#[track_caller]
fn get_any(client: &Client, url: &str) {
    client.request(url).data_type(DataType::Base64).send().unwrap();
}

#[test]
fn req_16_a_connection_that_the_server_gives_up_is_not_reused() {
    let server = server();
    let client = development(&server).build().unwrap();
    let url = |path: &str| server.http_url(path);
    for (n, path) in [
        "/close",
        "/http10",
        "/http10-length",
        "/raw?answer=HTTP/1.1%20200%20OK%0D%0AConnection:%20close\
         %0D%0AContent-Length:%200%0D%0A%0D%0A&end=keep",
    ]
    .iter()
    .enumerate()
    {
        let before = server.connections();
        get(&client, &url(path));
        get(&client, &url("/get"));
        // Each but the first one found a kept connection.
        assert_eq!(server.connections(), before + 1 + u64::from(n == 0), "{path}");
    }
}

#[test]
fn req_16_routes_do_not_share() {
    let server = server();
    let leaf = miniwire_std::serve::Leaf::default().names(&["a.test", "b.test", "127.0.0.1"]);
    let secure = server.start_tls_with(server.authority().issue(&leaf).unwrap()).unwrap();
    let plain = server.http();
    let client = development(&server)
        .resolver(move |_, port| Ok(vec![if port == plain.port() { plain } else { secure }]))
        .build()
        .unwrap();
    let (plain, secure) = (plain.port(), secure.port());
    let urls = [
        format!("http://a.test:{plain}/get"),
        format!("http://b.test:{plain}/get"),
        format!("http://127.0.0.1:{plain}/get"),
        format!("https://a.test:{secure}/get"),
        format!("https://b.test:{secure}/get"),
        format!("https://127.0.0.1:{secure}/get"),
    ];
    for round in 0..3 {
        for (n, url) in (1..).zip(&urls) {
            get(&client, url);
            let expected = if round == 0 { n } else { urls.len() as u64 };
            assert_eq!(server.connections(), expected, "{url}");
        }
    }
    // The same host in other words.
    get(&client, &format!("HTTP://A.TEST.:{plain}/get"));
    get(&client, &format!("https://B.test:{secure}/get#x"));
    assert_eq!(server.connections(), urls.len() as u64);
}

#[test]
fn req_16_two_clients_do_not_share() {
    let server = server();
    let (one, two) = (release(&server).build().unwrap(), release(&server).build().unwrap());
    get(&one, &server.https_url("/get"));
    get(&two, &server.https_url("/get"));
    get(&one.clone(), &server.https_url("/get"));
    assert_eq!(server.connections(), 2);
}

/// Calls at the same time, so that each has a connection of its own.
fn at_once(client: &Client, urls: impl Iterator<Item = String>) {
    let calls: Vec<_> = urls.map(|url| client.request(url).start()).collect();
    calls.into_iter().for_each(miniwire_std::RequestTask::wait);
}

#[test]
fn req_16_the_pool_has_bounds() {
    let server = server();
    let delayed = |count: usize| (0..count).map(|_| server.https_url("/delay/0.3"));
    // (total, per host, connections used at once, how many of them serve the next round)
    for (total, per_host, used, kept) in [(16, 4, 6, 4), (2, 4, 4, 2), (0, 4, 2, 0), (16, 0, 2, 0), (16, 16, 5, 5)] {
        let client = release(&server).keep_alive(total, per_host, Duration::from_secs(60)).build().unwrap();
        let before = server.connections();
        at_once(&client, delayed(used));
        assert_eq!(server.connections(), before + used as u64);
        at_once(&client, delayed(used));
        assert_eq!(server.connections(), before + 2 * used as u64 - kept, "total {total}, per host {per_host}");
    }
}

#[test]
fn req_16_the_pools_oldest_connections_make_way() {
    let server = server();
    let address = server.http();
    let client = development(&server)
        .resolver(move |_, _| Ok(vec![address]))
        .keep_alive(2, 2, Duration::from_secs(60))
        .build()
        .unwrap();
    let url = |host: &str| format!("http://{host}.test:{}/get", address.port());
    for host in ["a", "b", "c"] {
        get(&client, &url(host));
    }
    assert_eq!(server.connections(), 3);
    get(&client, &url("c"));
    get(&client, &url("b"));
    assert_eq!(server.connections(), 3);
    get(&client, &url("a"));
    assert_eq!(server.connections(), 4);
}

#[test]
fn req_16_an_idle_connection_grows_old() {
    let server = server();
    let client = release(&server).keep_alive(4, 4, Duration::from_millis(2000)).build().unwrap();
    get(&client, &server.https_url("/get"));
    thread::sleep(Duration::from_millis(20));
    get(&client, &server.https_url("/get"));
    assert_eq!(server.connections(), 1);
    thread::sleep(Duration::from_millis(2100));
    get(&client, &server.https_url("/get"));
    assert_eq!(server.connections(), 2);
}

/// A server that answers once per connection, then ends it.
fn once_per_connection(linger: Duration) -> Peer {
    Peer::start(move |mut stream, _| {
        if read_head(&mut stream).is_some() {
            let _ = stream.write_all(OK);
            thread::sleep(linger);
        }
    })
}

#[test]
fn req_16_a_connection_that_was_closed_while_idle_is_replaced_silently() {
    let server = server();
    let client = development(&server).build().unwrap();
    for pause in [0, 50, 1200] {
        let peer = once_per_connection(Duration::from_millis(10));
        for (n, method) in (1..).zip([Post, Put, Delete]) {
            let call = client.request(peer.http_url("/")).method(method).data_text("a body that is sent again");
            assert_eq!(call.send().unwrap().status(), 200);
            assert_eq!(peer.accepted(), n);
            thread::sleep(Duration::from_millis(pause));
        }
    }
}

#[test]
fn req_16_a_reused_connection_that_dies_before_the_first_byte_is_retried_once() {
    let server = server();
    let client = development(&server).build().unwrap();
    for end in ["close", "cut", "reset"] {
        for url in [server.http_url("/kill-reused"), server.https_url("/kill-reused")] {
            let url = format!("{url}?end={end}");
            let before = server.connections();
            for n in 1..4 {
                let call = client.request(&url).method(Post).data([1, 2, 3]);
                assert_eq!(call.send().unwrap().data(), "{\"request\":1}\n");
                assert_eq!(server.connections(), before + n, "{url}");
            }
            // Clear the connection away.
            failed(client.request(url.replace("kill-reused", "kill")).send());
        }
    }
}

#[test]
fn req_16_the_whole_body_is_sent_again() {
    let server = server();
    let body: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let expected = body.clone();
    let received = Arc::new(AtomicUsize::new(0));
    let whole = Arc::clone(&received);
    let peer = Peer::start(move |mut stream, number| {
        // The first connection dies with its second request.
        while read_head(&mut stream).is_some() {
            let mut got = vec![0; expected.len()];
            if std::io::Read::read_exact(&mut stream, &mut got).is_err() {
                return;
            }
            assert!(got == expected);
            whole.fetch_add(1, Ordering::SeqCst);
            if stream.write_all(OK).is_err() || number == 1 {
                // Unread bytes of the next request make this a reset.
                thread::sleep(Duration::from_millis(60));
                return;
            }
        }
    });
    let client = development(&server).build().unwrap();
    for _ in 0..3 {
        let call = client.request(peer.http_url("/")).method(Post).data_bytes(body.clone());
        assert_eq!(call.send().unwrap().status(), 200);
    }
    assert_eq!((peer.accepted(), received.load(Ordering::SeqCst)), (2, 3));
}

#[test]
fn req_16_the_retry_is_only_one_and_only_for_a_reused_connection() {
    let server = server();
    let client = development(&server).build().unwrap();
    // A fresh connection that dies is not retried.
    let peer = Peer::start(|mut stream, _| drop(read_head(&mut stream)));
    fails(client.request(peer.http_url("/")).send(), 12, "ConnectionClosed");
    assert_eq!(peer.accepted(), 1);
    // One answer, then nothing any more: the retry fails for good.
    let peer = Peer::start(|mut stream, number| {
        if read_head(&mut stream).is_some() && number == 1 {
            let _ = stream.write_all(OK);
            let _ = read_head(&mut stream);
        }
    });
    get(&client, &peer.http_url("/"));
    fails(client.request(peer.http_url("/")).method(Post).send(), 12, "ConnectionClosed");
    assert_eq!(peer.accepted(), 2);
    // Once a byte of an answer came, the server has the request: no retry.
    let peer = Peer::start(|mut stream, _| {
        if read_head(&mut stream).is_some() {
            let _ = stream.write_all(OK);
            if read_head(&mut stream).is_some() {
                let _ = stream.write_all(b"H");
            }
        }
    });
    get(&client, &peer.http_url("/"));
    fails(client.request(peer.http_url("/")).send(), 12, "ConnectionClosed");
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn req_16_a_proxys_tunnel_and_the_retry_go_together() {
    let server = server();
    let proxy = miniwire_tests::Proxy::start(miniwire_tests::Answer::Forward);
    let client = release(&server).proxy(&proxy.url(), "").build().unwrap();
    for n in 1..4 {
        let response = client.request(server.https_url("/kill-reused")).send().unwrap();
        assert_eq!(response.data(), "{\"request\":1}\n");
        assert_eq!(proxy.accepted(), n);
    }
}

#[test]
fn req_16_the_connection_of_a_failed_call_is_not_reused() {
    let server = server();
    let client = development(&server).max_body(50_000).build().unwrap();
    for (path, timeout) in [
        ("/delay/1", 100),
        ("/html", 0),
        ("/drip?numbytes=10&duration=3", 100),
        ("/bytes/50001", 0),
        ("/malformed/two-lengths", 0),
        ("/malformed/extra", 0),
        ("/truncated", 0),
        ("/reset/10", 0),
    ] {
        for url in [server.http_url(path), server.https_url(path)] {
            let origin = url.strip_suffix(path).unwrap();
            get(&client, &format!("{origin}/get"));
            let before = server.connections();
            let result = client.request(&url).timeout(timeout).send();
            assert!(result.is_err() || path == "/malformed/extra", "{path}");
            get(&client, &format!("{origin}/get"));
            // A body that is not JSON has failed before its end was read, unless that came along.
            let kept = u64::from(path == "/html" && server.connections() == before);
            assert_eq!(server.connections(), before + 1 - kept, "{url}");
        }
    }
}

#[test]
fn req_16_bytes_that_nobody_asked_for_are_never_an_answer() {
    // Right behind the first answer, and a moment later.
    let evil = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\"evil\"";
    for pause in [0, 30] {
        let said = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&said);
        let peer = Peer::start(move |mut stream, _| {
            while read_head(&mut stream).is_some() {
                if pause == 0 {
                    let _ = stream.write_all(&[OK, evil].concat());
                } else {
                    let _ = stream.write_all(OK);
                    thread::sleep(Duration::from_millis(pause));
                    let _ = stream.write_all(evil);
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let server = server();
        let client = development(&server).build().unwrap();
        for answers in 1..=3 {
            assert_eq!(client.request(peer.http_url("/")).send().unwrap().data(), "{}", "after {pause} ms");
            until(|| said.load(Ordering::SeqCst) >= answers);
        }
    }
}

#[test]
fn req_16_from_16_threads() {
    let server = server();
    let reused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reused);
    let client = release(&server)
        .keep_alive(16, 16, Duration::from_secs(60))
        .trace(move |what| {
            if let Trace::Connected { reused: true } = what {
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
        .build()
        .unwrap();
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let (client, url) = (client.clone(), server.https_url("/anything"));
            thread::spawn(move || {
                for call in 0..25 {
                    let url = format!("{url}/{thread}/{call}");
                    let response = client.request(&url).method(Post).data((thread, call)).send().unwrap();
                    let echo: serde_json::Value = response.json().unwrap();
                    assert_eq!(echo["url"], url);
                    assert_eq!(echo["json"], serde_json::json!([thread, call]));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(server.requests(), 400);
    assert!(server.connections() <= 16, "{}", server.connections());
    assert_eq!(reused.load(Ordering::SeqCst) as u64, 400 - server.connections());
}

#[test]
fn req_16_kept_connections_are_closed_with_the_client() {
    let closed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closed);
    let peer = Peer::start(move |mut stream, _| {
        if read_head(&mut stream).is_some() && stream.write_all(OK).is_ok() {
            idle(stream);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let server = server();
    let client = development(&server).build().unwrap();
    let clone = client.clone();
    get(&client, &peer.http_url("/"));
    drop(client);
    thread::sleep(Duration::from_millis(30));
    assert_eq!(closed.load(Ordering::SeqCst), 0);
    drop(clone);
    until(|| closed.load(Ordering::SeqCst) == 1);
}
