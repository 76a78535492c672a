use super::*;
use crate::testing::at_every_split;

/// What a response was found to be: interim statuses, the head, the body, its end.
#[derive(Clone, Debug, Default, PartialEq)]
struct Seen {
    interim: Vec<u16>,
    head: Option<(u16, Vec<(String, String)>)>,
    body: String,
    /// Whether the connection persists, and what came after the response.
    end: Option<(bool, String)>,
    error: Option<ResponseError>,
}

/// Feeds the pieces as they come, and closes after them.
fn read(pieces: &[&[u8]]) -> Seen {
    let mut reader = ResponseReader::new();
    let mut seen = Seen::default();
    let mut rx: Vec<u8> = Vec::new();
    let mut pieces = pieces.iter();
    let mut ended = false;
    loop {
        let (consumed, part) = match reader.read(&rx, ended) {
            Ok(read) => read,
            Err(error) => {
                seen.error = Some(error);
                return seen;
            }
        };
        match part {
            Part::More => {
                rx.drain(..consumed);
                match pieces.next() {
                    Some(piece) => rx.extend_from_slice(piece),
                    None if ended => panic!("asks for more after the end"),
                    None => ended = true,
                }
                continue;
            }
            Part::Interim(head) => seen.interim.push(head.status()),
            Part::Head(head) => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                let fields = head.fields().map(|(name, value)| (name.to_string(), text(value))).collect();
                seen.head = Some((head.status(), fields));
            }
            Part::Body(bytes) => {
                assert!(!bytes.is_empty());
                seen.body.push_str(&String::from_utf8_lossy(bytes));
            }
            Part::End => {
                let mut rest = rx.split_off(consumed);
                pieces.for_each(|piece| rest.extend_from_slice(piece));
                seen.end = Some((reader.persists(), String::from_utf8(rest).unwrap()));
                return seen;
            }
        }
        rx.drain(..consumed);
    }
}

#[track_caller]
fn body(response: &str) -> String {
    let seen = at_every_split(response.as_bytes(), read);
    assert_eq!(seen.error, None, "{response:?}");
    assert!(seen.end.is_some());
    seen.body
}

#[track_caller]
fn error(response: impl AsRef<[u8]>) -> ResponseError {
    let seen = at_every_split(response.as_ref(), read);
    seen.error.unwrap_or_else(|| panic!("accepted: {seen:?}"))
}

#[test]
fn core_03_and_req_18_a_body_of_known_length_ends_there() {
    let seen = at_every_split(b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1", read);
    assert_eq!(seen.body, "hello");
    assert_eq!(seen.end, Some((true, "HTTP/1.1".into())));
    let (status, fields) = seen.head.unwrap();
    assert_eq!(status, 200);
    assert_eq!(fields, [("A".into(), "b".into()), ("Content-Length".into(), "5".into())]);
}

#[test]
fn req_18_chunks_with_extensions_and_trailers_are_decoded() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases = [
        ("0\r\n\r\n", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n", "hello0123456789"),
        ("a\r\n0123456789\r\n00\r\n\r\n", "0123456789"),
        ("005;name=value\r\nhello\r\n0;last\r\n\r\n", "hello"),
        ("5 ;a=\"q;\\\"x\"\r\nhello\r\n0\t;b\r\n\r\n", "hello"),
        ("5\r\nhello\r\n0\r\nExpires: never\r\nX-Empty:\r\n\r\n", "hello"),
        ("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n"),
    ];
    for (coded, decoded) in cases {
        assert_eq!(body(&format!("{head}{coded}")), decoded, "{coded:?}");
    }
}

#[test]
fn req_18_malformed_chunks_are_refused() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases = [
        "\r\nhello",
        ";x\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\n",
        "0x5\r\nhello",
        " 5\r\nhello",
        "5 \r\nhello",
        "5\t\r\nhello",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n",
        "5\r\nhello0\r\n\r\n",
        "10000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "5;a\nb\r\nhello",
        "5;a\0\r\nhello",
        "5;a\rb\r\n",
        "g\r\n",
        "5x\r\n",
        "5 x\r\n",
        "0\r\n\n",
        "0\r\nname\r\n\r\n",
        "0\r\n name: x\r\n\r\n",
        "0\r\nname : x\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\na: b\n\r\n",
        "0\r\na: b\r\n c\r\n\r\n",
        "0\r\na: \0\r\n\r\n",
        "0\n\n",
        "0\r\n\rx",
    ];
    for coded in cases {
        assert_eq!(error(format!("{head}{coded}")), ResponseError::MalformedFraming, "{coded:?}");
    }
}

#[test]
fn req_18_what_no_memory_is_needed_for_is_limited_all_the_same() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for endless in [format!("5;{}", "x".repeat(9000)), "0".repeat(9000), format!("0\r\n{}", "a: b\r\n".repeat(2000))] {
        let response = format!("{head}{endless}");
        assert_eq!(read(&[response.as_bytes()]).error, Some(ResponseError::MalformedFraming));
    }
}

#[test]
fn req_18_truncation_is_never_an_end() {
    let complete = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
    ];
    for response in complete {
        body(response);
        for length in 0..response.len() {
            let seen = read(&[&response.as_bytes()[..length]]);
            assert_eq!(seen.error, Some(ResponseError::Closed), "{:?}", &response[..length]);
        }
    }
}

#[test]
fn req_18_without_a_length_the_body_ends_where_the_connection_does() {
    let seen = at_every_split(b"HTTP/1.1 200 OK\r\n\r\nall of it", read);
    assert_eq!((seen.body.as_str(), seen.end), ("all of it", Some((false, String::new()))));
    assert_eq!(body("HTTP/1.0 200 OK\r\n\r\nold"), "old");
}

#[test]
fn req_18_interim_responses_are_skipped_and_counted() {
    let seen = at_every_split(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        read,
    );
    assert_eq!(seen.interim, [100, 103]);
    assert_eq!(seen.end, Some((true, String::new())));
    let flood = |n: usize| [&b"HTTP/1.1 102 x\r\n\r\n".repeat(n)[..], b"HTTP/1.1 204 x\r\n\r\n"].concat();
    assert!(read(&[&flood(32)]).end.is_some());
    assert_eq!(read(&[&flood(33)]).error, Some(ResponseError::MalformedHead));
    assert_eq!(error("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), ResponseError::MalformedHead);
}

#[test]
fn req_18_some_responses_have_no_body() {
    for status in ["204 No Content", "304 Not Modified"] {
        let response = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n");
        let seen = at_every_split(response.as_bytes(), read);
        assert_eq!((seen.body.as_str(), seen.end), ("", Some((true, String::new()))));
    }
}

#[test]
fn req_18_malformed_heads_are_refused() {
    let cases: &[&[u8]] = &[
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n",
        b"HTTP/1.1 200 OK\r\nA:\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \nContent-Length: 0\r\n\r\n",
        b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n\tfolded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\xc3\xa9: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\x7f\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.2 200 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1200 OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"<html>",
    ];
    for case in cases {
        assert_eq!(error(case), ResponseError::MalformedHead, "{}", case.escape_ascii());
    }
}

#[test]
fn req_18_correct_heads_are_accepted() {
    let cases: &[&[u8]] = &[
        b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 \xe4\xb8\xad\r\nContent-Length:0\r\n\r\n",
        b"HTTP/1.1 999 x\r\ncontent-length: \t 0 \t\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \xff\r\nB:\r\nC:   \r\nD: a\tb\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n!#$%&'*+-.^_`|~aZ9: x\r\nContent-Length: 0\r\n\r\n",
    ];
    for case in cases {
        let seen = at_every_split(case, read);
        assert_eq!((seen.error, seen.end), (None, Some((true, String::new()))), "{}", case.escape_ascii());
    }
}

#[test]
fn req_18_conflicting_framing_is_refused() {
    for fields in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:",
    ] {
        let response = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello");
        assert_eq!(error(&response), ResponseError::MalformedFraming, "{fields}");
    }
    assert_eq!(
        error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ResponseError::MalformedFraming
    );
}

#[test]
fn req_18_lengths_up_to_2_to_the_64_are_counted() {
    let seen = read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nx"]);
    assert_eq!((seen.body.as_str(), seen.error), ("x", Some(ResponseError::Closed)));
    let seen = read(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"]);
    assert_eq!((seen.body.as_str(), seen.error), ("x", Some(ResponseError::Closed)));
}
