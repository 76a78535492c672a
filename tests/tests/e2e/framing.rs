//! Response framing, strictly: what is refused, what is accepted, what is an end.

use std::io::Write;
use std::time::{Duration, Instant};

use miniwire_core::request::Method::Post;
use miniwire_std::{Client, DataType, Failure, Response};
use miniwire_tests::kinds::MALFORMED;
use miniwire_tests::{Peer, development, fails, read_head, release, server};

fn text(client: &Client, url: String) -> Result<Response, Failure> {
    client.request(url).data_type(DataType::Text).timeout(10_000).send()
}

#[test]
fn req_18_every_malformed_answer_is_refused_and_every_legal_one_taken() {
    let server = server();
    let client = development(&server).build().unwrap();
    for (kind, expected) in MALFORMED {
        for url in [server.https_url("/malformed/"), server.http_url("/malformed/")] {
            let start = Instant::now();
            let result = text(&client, format!("{url}{kind}"));
            match expected {
                Ok(data) => assert_eq!(result.unwrap().data(), data, "{kind}"),
                Err((reason, status)) => {
                    let failure = result.expect_err(kind);
                    assert_eq!((failure.code(), failure.reason()), (reason.request_code(), reason), "{kind}");
                    assert_eq!(failure.response().map(Response::status), status, "{kind}");
                    assert!(failure.response().is_none_or(|response| response.data().is_empty()), "{kind}");
                }
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{kind}");
        }
    }
}

#[test]
fn req_18_the_table_has_every_kind() {
    let server = server();
    let help = text(&development(&server).build().unwrap(), server.http_url("/help")).unwrap().into_data();
    let (_, kinds) = help.split_once("Kinds of /malformed:\n").unwrap();
    let (kinds, _) = kinds.split_once("\n\n").unwrap_or((kinds, ""));
    let kinds: Vec<_> = kinds.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(kinds, MALFORMED.map(|(kind, _)| kind));
}

#[test]
fn req_18_legal_framings() {
    let server = server();
    let client = development(&server).build().unwrap();
    let chunks: String = (0..7).map(|n| format!("chunk {n}\n")).collect();
    for url in [server.https_url(""), server.http_url("")] {
        for (path, data) in [
            ("/chunked/7", chunks.as_str()),
            ("/chunked/7?trailers=0", &chunks),
            ("/chunked/7?extensions=1&trailers=50", &chunks),
            ("/chunked/0", ""),
            ("/http10", "until the end\n"),
            ("/http10-length", "ok\n"),
            ("/http10-keep-alive", "ok\n"),
            ("/close", "until the end\n"),
            ("/no-content", ""),
            ("/not-modified", ""),
            ("/drip?numbytes=5&duration=0.1", "*****"),
        ] {
            assert_eq!(text(&client, format!("{url}{path}")).unwrap().data(), data, "{path}");
        }
    }
}

#[test]
fn req_18_interim_responses_are_skipped() {
    let server = server();
    let client = release(&server).build().unwrap();
    for (count, code) in [(1, 100), (1, 102), (1, 103), (5, 103), (32, 103), (1, 199)] {
        let response = text(&client, server.https_url(&format!("/interim/{count}?code={code}"))).unwrap();
        assert_eq!((response.status(), response.header("link")), (200, None));
    }
    fails(text(&client, server.https_url("/interim/33")), 19, "MalformedHead");
    fails(text(&client, server.https_url("/interim/1?code=101")), 19, "MalformedHead");
}

#[test]
fn req_18_truncation_is_12() {
    let server = server();
    let client = development(&server).build().unwrap();
    for url in [server.https_url(""), server.http_url("")] {
        for (path, reason) in [
            ("/truncated", "ConnectionClosed"),
            ("/truncated?length=1&sent=0", "ConnectionClosed"),
            ("/truncated?length=10000000&sent=9999999", "ConnectionClosed"),
            ("/truncated-chunked", "ConnectionClosed"),
            ("/kill", "ConnectionClosed"),
            ("/reset", "ConnectionLost"),
            ("/reset/10", "ConnectionLost"),
            ("/truncated?end=reset", "ConnectionLost"),
        ] {
            let failure = fails(text(&client, format!("{url}{path}")), 12, reason);
            assert!(failure.response().is_none_or(|response| response.data().is_empty()), "{path}");
        }
    }
}

#[test]
fn core_03_the_same_bytes_in_any_pieces_are_the_same_answer() {
    let answer = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n\
                   3;e=\"x\"\r\n{\"a\r\n4\r\n\":1}\r\n0\r\nT: u\r\n\r\n";
    let server = server();
    let client = development(&server).build().unwrap();
    let check = |response: Response| {
        assert_eq!((response.data(), response.header("x")), ("{\"a\":1}", Some("y")));
    };
    for url in [server.http_url("/raw?end=keep&pause=0.0002"), server.https_url("/raw?end=keep&pause=0.0002")] {
        check(client.request(url).method(Post).data_bytes(*answer).send().unwrap());
    }
    // Each two-way split, a server that waits in between.
    let peer = Peer::start(move |mut stream, number| {
        let mut number = number - 1;
        while read_head(&mut stream).is_some() {
            let (one, two) = answer.split_at(number % answer.len());
            let _ = stream.set_nodelay(true);
            let _ = stream.write_all(one);
            std::thread::sleep(Duration::from_micros(300));
            if stream.write_all(two).is_err() {
                return;
            }
            number += 1;
        }
    });
    for _ in 0..answer.len() {
        check(client.request(peer.http_url("/")).send().unwrap());
    }
    assert_eq!(peer.accepted(), 1);
}

#[test]
fn req_18_an_early_answer_is_heard_while_the_body_is_still_going_out() {
    let server = server();
    let client = development(&server).build().unwrap();
    for url in [server.http_url("/early/413"), server.https_url("/early/413")] {
        let call = client.request(url).method(Post).data_bytes(vec![0; 8 << 20]).data_type(DataType::Text);
        let failure = fails(call.send(), 19, "HttpStatus");
        let response = failure.response().unwrap();
        assert_eq!((response.status(), response.data()), (413, "early\n"));
    }
}
