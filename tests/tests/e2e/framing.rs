//! Response framing, strictly: what is refused, what is accepted, what is an end.

use std::io::Write;
use std::time::{Duration, Instant};

use miniwire_core::request::Method::Post;
use miniwire_std::{Client, DataType, Failure, Response};
use miniwire_tests::{Peer, development, fails, read_head, release, server};

fn text(client: &Client, url: String) -> Result<Response, Failure> {
    client.request(url).data_type(DataType::Text).timeout(10_000).send()
}

/// What `/malformed/{kind}` is to a client: data, or the reason of a failure.
const KINDS: [(&str, Result<&str, &str>); 52] = [
    ("two-lengths", Err("MalformedFraming")),
    ("same-lengths", Ok("ok\n")),
    ("list-length", Ok("ok\n")),
    ("list-two-lengths", Err("MalformedFraming")),
    ("length-and-chunked", Err("MalformedFraming")),
    ("plus-length", Err("MalformedFraming")),
    ("minus-length", Err("MalformedFraming")),
    ("hex-length", Err("MalformedFraming")),
    ("empty-length", Err("MalformedFraming")),
    ("spaced-length", Err("MalformedFraming")),
    ("length-overflow", Err("MalformedFraming")),
    ("unknown-coding", Err("MalformedFraming")),
    ("chunked-twice", Err("MalformedFraming")),
    ("chunked-not-last", Err("MalformedFraming")),
    ("chunked-http10", Err("MalformedFraming")),
    ("bare-lf", Err("MalformedHead")),
    ("bare-cr", Err("MalformedHead")),
    ("obs-fold", Err("MalformedHead")),
    ("space-before-colon", Err("MalformedHead")),
    ("space-before-name", Err("MalformedHead")),
    ("empty-name", Err("MalformedHead")),
    ("no-colon", Err("MalformedHead")),
    ("bad-name", Err("MalformedHead")),
    ("nul-in-header", Err("MalformedHead")),
    ("bad-status-line", Err("MalformedHead")),
    ("long-status", Err("MalformedHead")),
    ("no-status", Err("MalformedHead")),
    ("http2", Err("MalformedHead")),
    ("http12", Err("MalformedHead")),
    ("lower-case-http", Err("MalformedHead")),
    ("switching", Err("MalformedHead")),
    ("chunk-empty-size", Err("MalformedFraming")),
    ("chunk-empty-size-extension", Err("MalformedFraming")),
    ("chunk-plus", Err("MalformedFraming")),
    ("chunk-hex-prefix", Err("MalformedFraming")),
    ("chunk-negative", Err("MalformedFraming")),
    ("chunk-overflow", Err("MalformedFraming")),
    ("chunk-junk-after", Err("MalformedFraming")),
    ("chunk-junk-size", Err("MalformedFraming")),
    ("chunk-bare-lf", Err("MalformedFraming")),
    ("chunk-extension-lf", Err("MalformedFraming")),
    ("bad-trailer", Err("MalformedFraming")),
    // The answer is whole; what follows belongs to nothing, and the connection goes.
    ("extra", Ok("ok\n")),
    ("truncated-head", Err("ConnectionClosed")),
    ("garbage", Err("MalformedHead")),
    ("garbage-text", Err("MalformedHead")),
    ("endless-head", Err("HeadTooLarge")),
    ("endless-line", Err("HeadTooLarge")),
    ("endless-interim", Err("MalformedHead")),
    ("endless-extension", Err("MalformedFraming")),
    ("endless-trailers", Err("MalformedFraming")),
    ("endless-zeros", Err("MalformedFraming")),
];

#[test]
fn req_18_every_malformed_answer_is_refused_and_every_legal_one_taken() {
    let server = server();
    let client = development(&server).build().unwrap();
    for (kind, expected) in KINDS {
        for url in [server.https_url("/malformed/"), server.http_url("/malformed/")] {
            let start = Instant::now();
            let result = text(&client, format!("{url}{kind}"));
            match expected {
                Ok(data) => assert_eq!(result.unwrap().data(), data, "{kind}"),
                Err("ConnectionClosed") => drop(fails(result, 12, "ConnectionClosed")),
                Err(reason) => {
                    let failure = result.expect_err(kind);
                    assert_eq!((failure.code(), failure.reason().name()), (19, reason), "{kind}");
                    let status = failure.response().map(Response::status);
                    // A head that contradicts itself is refused as a whole; one whose body goes wrong is there.
                    let in_body = ["chunk-", "bad-trailer", "endless-extension", "endless-trailers", "endless-zeros"];
                    let in_body = in_body.iter().any(|start| kind.starts_with(start));
                    assert_eq!(status, in_body.then_some(200), "{kind}");
                    assert!(failure.response().is_none_or(|response| response.data().is_empty()), "{kind}");
                }
            }
            assert!(start.elapsed() < Duration::from_secs(5), "{kind}");
        }
    }
}

#[test]
fn req_18_the_table_above_has_every_kind() {
    let server = server();
    let help = text(&development(&server).build().unwrap(), server.http_url("/help")).unwrap().into_data();
    let (_, kinds) = help.split_once("Kinds of /malformed:\n").unwrap();
    let (kinds, _) = kinds.split_once("\n\n").unwrap_or((kinds, ""));
    let kinds: Vec<_> = kinds.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(kinds, KINDS.map(|(kind, _)| kind));
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
