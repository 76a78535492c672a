//! Bodies handed out as they come, in bounded memory.

use std::ops::ControlFlow::{self, Break, Continue};

use miniwire_core::request::Method::Post;
use miniwire_std::serve::{Pattern, Server};
use miniwire_std::{Call, DataType};
use miniwire_tests::{fails, in_own_process, peak_memory, recorded, release, server};

/// Takes a body of the server's pattern, and checks each byte. Returns the length and the largest piece.
fn patterned(call: Call, seed: u64) -> (u64, usize) {
    let (mut pattern, mut length, mut largest) = (Pattern::new(seed), 0, 0);
    let mut expected = Vec::new();
    let response = call.send_streamed(|bytes| {
        expected.resize(bytes.len(), 0);
        pattern.fill(&mut expected);
        assert!(bytes == expected, "wrong bytes at {length}");
        length += bytes.len() as u64;
        largest = largest.max(bytes.len());
        Continue(())
    });
    let response = response.unwrap();
    assert_eq!((response.status(), response.data()), (200, ""));
    (length, largest)
}

#[test]
fn req_19_64_mib_in_bounded_memory() {
    const LENGTH: u64 = 64 << 20;
    // The server in this process, the client in one of its own, whose memory is looked at.
    let server = if std::env::var_os("MINIWIRE_TEST_URL").is_none() { Some(server()) } else { None };
    if let Some(server) = &server {
        let name = "streaming::req_19_64_mib_in_bounded_memory";
        for path in ["bytes", "stream-bytes"] {
            let url = server.https_url(&format!("/{path}/{LENGTH}?seed=5&chunk_size=100000"));
            let environment = [("MINIWIRE_TEST_URL", url.as_str()), ("MINIWIRE_TEST_CA", server.ca_pem())];
            in_own_process(name, &environment).unwrap();
        }
        return;
    }
    let variable = |name: &str| std::env::var(name).unwrap();
    let url = variable("MINIWIRE_TEST_URL");
    let client = miniwire_tests::builder().allow("localhost").root(variable("MINIWIRE_TEST_CA").as_bytes());
    let client = client.only_given_roots().build().unwrap();
    // A short one first, so that everything that is allocated once has been.
    patterned(client.request(url.replace(&LENGTH.to_string(), "1000000")), 5);
    let before = peak_memory();
    let (length, largest) = patterned(client.request(&url), 5);
    assert_eq!(length, LENGTH);
    assert!(largest <= 64 << 10, "{largest}");
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 2048, "from {before} to {after} KiB");
    }
}

#[test]
fn req_19_the_head_is_there_and_datatype_is_not_applied() {
    let server = server();
    let client = release(&server).build().unwrap();
    for data_type in [DataType::Json, DataType::Text, DataType::Base64] {
        let (length, _) = patterned(client.request(server.https_url("/bytes/1000?seed=2")).data_type(data_type), 2);
        assert_eq!(length, 1000);
    }
    let mut gzipped = Vec::new();
    let response = client.request(server.https_url("/gzip")).send_streamed(|bytes| {
        gzipped.extend_from_slice(bytes);
        Continue(())
    });
    assert_eq!(response.unwrap().header("content-encoding"), Some("gzip"));
    assert!(gzipped.starts_with(&[0x1f, 0x8b]));
    assert_eq!(server.connections(), 1);
}

#[test]
fn req_19_streamed_bodies_are_not_limited() {
    let server = server();
    let client = release(&server).max_body(10).build().unwrap();
    for path in ["bytes", "stream-bytes"] {
        let (length, _) = patterned(client.request(server.https_url(&format!("/{path}/100000?seed=1"))), 1);
        assert_eq!(length, 100_000);
    }
}

#[test]
fn req_19_break_aborts() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut calls = 0;
    let failure = fails(
        client.request(server.https_url("/bytes/10000000")).send_streamed(|_| {
            calls += 1;
            Break(())
        }),
        20,
        "Aborted",
    );
    assert_eq!((calls, failure.response().unwrap().status()), (1, 200));
    client.request(server.https_url("/get")).send().unwrap();
    assert_eq!(server.connections(), 2, "the connection is not reused");
}

#[test]
fn req_19_failures_of_a_stream() {
    let server = server();
    let client = release(&server).build().unwrap();
    let streamed = |path: &str, timeout| {
        let mut received = Vec::new();
        let call = client.request(server.https_url(path)).timeout(timeout);
        let result = call.send_streamed(|bytes| {
            received.extend_from_slice(bytes);
            Continue::<()>(())
        });
        (result, received)
    };
    let (result, received) = streamed("/status/404?body=gone", 0);
    assert_eq!(fails(result, 19, "HttpStatus").response().unwrap().status(), 404);
    assert_eq!(received, b"gone", "the body of an error has been handed out");
    let (result, received) = streamed("/truncated?length=100&sent=40", 0);
    fails(result, 12, "ConnectionClosed");
    assert_eq!(received.len(), 40);
    let (result, received) = streamed("/drip?numbytes=100&duration=5", 200);
    fails(result, 13, "Timeout");
    assert!((1..20).contains(&received.len()), "as they came: {}", received.len());
    let (result, received) = streamed("/chunked/0", 0);
    assert_eq!((result.unwrap().status(), received.len()), (200, 0));
    let (result, received) = streamed("/redirect/3", 0);
    assert_eq!(result.unwrap().redirects(), 3);
    assert!(received.starts_with(b"{"), "only the body of the answer itself");
}

#[test]
fn req_19_a_large_answer_taken_whole() {
    let server = server();
    let client = release(&server).build().unwrap();
    let text = "x".repeat(1_000_000);
    let json = format!("[\"{text}\"]");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", json.len());
    let call = client.request(server.https_url("/raw?end=keep")).method(Post).data_text(head + &json);
    let (call, recorded) = recorded(call);
    call.start().wait();
    let response = recorded.outcome().unwrap();
    assert_eq!(response.json::<[&str; 1]>().unwrap(), [text]);
    assert!(response.into_data() == json);
}

#[test]
fn req_19_a_slow_taker_gets_everything() {
    let server: Server = server();
    let client = release(&server).build().unwrap();
    let mut length = 0;
    let taken = client.request(server.https_url("/bytes/2000000")).send_streamed(|bytes| -> ControlFlow<()> {
        std::thread::sleep(std::time::Duration::from_millis(2));
        length += bytes.len();
        Continue(())
    });
    assert_eq!((taken.unwrap().status(), length), (200, 2_000_000));
}
