//! `/malformed/{kind}`: responses that break RFC 9112, or that a client has to treat with care. After each the
//! connection is closed.

use std::iter;

use hyper::{StatusCode, body::Bytes};

use super::{
    answer::{Answer, Handled, Refusal},
    body::{Piece, Pieces, whole},
    call::Call,
    link::Ending,
    route::Route,
};

pub(super) const ROUTES: &[Route] = &[Route::new("/malformed/{kind}", "?end= a malformed response", malformed)];

/// The names of the kinds, and what is wrong with each.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    let short = KINDS.iter().map(|&(kind, about, _)| (kind, about));
    short.chain(ENDLESS.iter().map(|&(kind, about, ..)| (kind, about)))
}

type Kind = (&'static str, &'static str, &'static [u8]);

const KINDS: &[Kind] = &[
    (
        "two-lengths",
        "two Content-Length that differ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok\n",
    ),
    (
        "same-lengths",
        "two Content-Length that agree (may be accepted)",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nok\n",
    ),
    ("list-length", "Content-Length: 3, 3 (may be accepted)", b"HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nok\n"),
    ("list-two-lengths", "Content-Length: 2, 3", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok\n"),
    (
        "length-and-chunked",
        "Content-Length and Transfer-Encoding",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    ),
    ("plus-length", "Content-Length: +3", b"HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nok\n"),
    ("minus-length", "Content-Length: -3", b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nok\n"),
    ("hex-length", "Content-Length: 0x3", b"HTTP/1.1 200 OK\r\nContent-Length: 0x3\r\n\r\nok\n"),
    ("empty-length", "Content-Length without a value", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok\n"),
    ("spaced-length", "Content-Length: 1 2", b"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\nok\n"),
    (
        "length-overflow",
        "Content-Length: 2^64 + 3",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551619\r\n\r\nok\n",
    ),
    ("unknown-coding", "Transfer-Encoding: zip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: zip\r\n\r\nok\n"),
    (
        "chunked-twice",
        "Transfer-Encoding: chunked, chunked",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunked-not-last",
        "Transfer-Encoding: chunked, gzip",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunked-http10",
        "HTTP/1.0 with Transfer-Encoding: chunked",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n",
    ),
    ("bare-lf", "lines that end with LF only", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n"),
    ("bare-cr", "a CR within a field value", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Field: a\rb\r\n\r\nok\n"),
    ("obs-fold", "a folded field line", b"HTTP/1.1 200 OK\r\nX-Field: a\r\n b\r\nContent-Length: 3\r\n\r\nok\n"),
    ("space-before-colon", "Content-Length :", b"HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nok\n"),
    (
        "space-before-name",
        "the first field line begins with a space",
        b"HTTP/1.1 200 OK\r\n Content-Length: 3\r\n\r\nok\n",
    ),
    ("empty-name", "a field without a name", b"HTTP/1.1 200 OK\r\n: a\r\nContent-Length: 3\r\n\r\nok\n"),
    ("no-colon", "a field line without a colon", b"HTTP/1.1 200 OK\r\nX-Field\r\nContent-Length: 3\r\n\r\nok\n"),
    ("bad-name", "a field name with a parenthesis", b"HTTP/1.1 200 OK\r\nX(Field): a\r\nContent-Length: 3\r\n\r\nok\n"),
    (
        "nul-in-header",
        "a NUL within a field value",
        b"HTTP/1.1 200 OK\r\nX-Field: a\0b\r\nContent-Length: 3\r\n\r\nok\n",
    ),
    ("bad-status-line", "a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    ("long-status", "a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    ("no-status", "a status line without a status", b"HTTP/1.1\r\nContent-Length: 3\r\n\r\nok\n"),
    ("http2", "HTTP/2 in the status line", b"HTTP/2 200 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    ("http12", "HTTP/1.2 in the status line (may be accepted)", b"HTTP/1.2 200 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    ("lower-case-http", "http/1.1 in the status line", b"http/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"),
    (
        "switching",
        "101 that nobody asked for",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: nothing\r\n\r\n",
    ),
    (
        "chunk-empty-size",
        "a chunk without a size",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-empty-size-extension",
        "a chunk with an extension and no size",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n;a=b\r\n\r\n",
    ),
    (
        "chunk-plus",
        "a chunk size of +3",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+3\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-hex-prefix",
        "a chunk size of 0x3",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-negative",
        "a chunk size of -3",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-overflow",
        "a chunk size of 2^64 + 3",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-junk-after",
        "bytes between a chunk's data and its CRLF",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\njunk\r\n0\r\n\r\n",
    ),
    (
        "chunk-junk-size",
        "a chunk size with a letter that is no digit",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3g\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "chunk-bare-lf",
        "chunk lines that end with LF only",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nok\n\n0\n\n",
    ),
    (
        "chunk-extension-lf",
        "a chunk extension with a bare LF within",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a\nb\r\nok\n\r\n0\r\n\r\n",
    ),
    (
        "bad-trailer",
        "a trailer line without a colon",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\nX Trailer\r\n\r\n",
    ),
    (
        "extra",
        "bytes after the body's end",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nevil\n",
    ),
    ("truncated-head", "closes within the head", b"HTTP/1.1 200 OK\r\nContent-Le"),
    ("garbage", "bytes that are no HTTP", b"\x16\x03\x01\x02\0\x01\0\xff\xfe\0garbage\r\n\r\n\r\n\r\n"),
    ("garbage-text", "text that is no HTTP", b"220 mail.example ESMTP\r\n250 ok\r\n\r\n"),
];

/// A start, and what follows it over and over, until [`MOST`] bytes are sent.
type Endless = (&'static str, &'static str, &'static str, &'static str);

const MOST: usize = 4 << 20;

const ENDLESS: &[Endless] = &[
    (
        "endless-head",
        "header fields, 4 MiB of them",
        "HTTP/1.1 200 OK\r\n",
        "X-Field: 0123456789012345678901234567890123456789\r\n",
    ),
    ("endless-line", "a status line of 4 MiB", "HTTP/1.1 200 ", "a very long reason for all this "),
    (
        "endless-interim",
        "interim responses, 4 MiB of them",
        "",
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n",
    ),
    (
        "endless-extension",
        "a chunk extension of 4 MiB",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1",
        ";extension=0123456789",
    ),
    (
        "endless-trailers",
        "trailer fields, 4 MiB of them",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        "X-Trailer: 0123456789012345678901234567890123456789\r\n",
    ),
    (
        "endless-zeros",
        "a chunk size of 4 MiB of zeros",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "0000000000000000",
    ),
];

fn malformed(call: &Call) -> Handled {
    let ending = call.ending(Ending::Close)?;
    if let Some((.., bytes)) = KINDS.iter().find(|(kind, ..)| kind.as_bytes() == call.place(0)) {
        return Ok(Answer::bytes(*bytes, ending));
    }
    match ENDLESS.iter().find(|(kind, ..)| kind.as_bytes() == call.place(0)) {
        Some(&(.., start, again)) => Ok(Answer::raw(endless(start, again), ending)),
        None => Err(Refusal(StatusCode::NOT_FOUND, "no such kind; see /help".into())),
    }
}

fn endless(start: &'static str, again: &'static str) -> Pieces {
    let block = Bytes::from(again.repeat((16 << 10) / again.len().max(1)));
    let times = MOST / block.len().max(1);
    Box::new(whole(start).chain(iter::repeat_with(move || Piece::Data(block.clone())).take(times)))
}
