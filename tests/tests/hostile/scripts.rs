//! What the peers do, and what must come of it.

use std::thread::sleep;
use std::time::Duration;

use miniwire_std::Api;
use miniwire_tests::{idle, read_head};

use crate::Place;
use crate::wire::Wire;

/// What a peer does, and what a request to it comes to: as the origin, and as a proxy asked to CONNECT.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut dyn Wire),
    origin: Came,
    connect: &'static str,
}

/// The reason of a request's failure, and where the origin's answer comes by way of a proxy.
struct Came(&'static str, &'static str);

const OK: Came = Came("success", "success");
const CLOSED: Came = Came("ConnectionClosed", "ConnectionClosed");
// Without a head it is the proxy that has failed.
const NO_HEAD: Came = Came("ConnectionClosed", FAILED);
const HEAD: Came = Came("MalformedHead", FAILED);
const LONG_HEAD: Came = Came("HeadTooLarge", "HeadTooLarge");
const SLOW: Came = Came(TIMEOUT, TIMEOUT);
const ENCODING: Came = Came("UnsupportedEncoding", "UnsupportedEncoding");
const TOO_LARGE: Came = Came("TooLarge", "TooLarge");
const FRAMING: Came = Came("MalformedFraming", "MalformedFraming");
const REDIRECTS: Came = Came("TooManyRedirects", "TooManyRedirects");
const TIMEOUT: &str = "Timeout";
const REFUSED: &str = "ProxyRefused";
const FAILED: &str = "ProxyFailed";

macro_rules! scripts {
    ($($name:literal, $origin:expr, $connect:expr, $run:expr;)*) => {
        /// Every peer.
        pub(crate) const SCRIPTS: &[Script] =
            &[$(Script { name: $name, run: $run, origin: $origin, connect: $connect }),*];
    };
}

scripts! {
    "never answers", SLOW, TIMEOUT, |wire| idle(wire);
    "drips a head", SLOW, TIMEOUT, |wire| {
        read_head(wire);
        drip(wire, b"HTTP/1.1 200 OK\r\nX: 0123456789\r\nContent-Length: 2\r\n\r\n{}");
    };
    "drips a body", SLOW, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        drip(wire, &[b' '; 100]);
    };
    "drips chunks", SLOW, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        drip(wire, &b"1\r\n \r\n".repeat(20));
    };
    "answers before the request", OK, FAILED, |wire| {
        let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let _ = wire.flush();
        idle(wire);
    };
    "stops within the head", SLOW, TIMEOUT, |wire| { say(wire, "HTTP/1.1 200 OK\r\nX: "); idle(wire) };
    "stops within the body", SLOW, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
        idle(wire);
    };
    "stops between CR and LF", SLOW, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r");
        idle(wire);
    };
    "half-closes at once", NO_HEAD, FAILED, |wire| { wire.end(); idle(wire) };
    "half-closes after the request", NO_HEAD, FAILED, |wire| { read_head(wire); wire.end(); idle(wire) };
    "half-closes within the head", NO_HEAD, FAILED, |wire| { say(wire, "HTTP/1.1 200"); wire.end(); idle(wire) };
    "half-closes within the body", CLOSED, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}");
        wire.end();
        idle(wire);
    };
    "half-closes before the last chunk", CLOSED, FAILED, |wire| {
        say(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n");
        wire.end();
        idle(wire);
    };
    "endless head", LONG_HEAD, FAILED, |wire| for_ever(wire, "HTTP/1.1 200 OK\r\n", b"X: yyyyyyyyyyyyyy\r\n");
    "endless line", LONG_HEAD, FAILED, |wire| for_ever(wire, "HTTP/1.1 200 OK\r\nX: ", b"yyyyyyyyyyyyyyyyyyyy");
    "endless status line", LONG_HEAD, FAILED, |wire| for_ever(wire, "HTTP/1.1 200 ", b"yyyyyyyyyyyyyyyyyyyy");
    "endless empty lines", HEAD, FAILED, |wire| for_ever(wire, "", b"\r\n");
    "endless noughts", HEAD, FAILED, |wire| for_ever(wire, "", &[0; 64]);
    "endless interim answers", HEAD, FAILED, |wire| for_ever(wire, "", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
    "endless chunk extension", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;", b"x=yyyyyyyyyy;");
    };
    "endless chunk extensions", TOO_LARGE, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;x=yyyyyyyyyy\r\n \r\n");
    };
    "endless noughts of a chunk's size", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"00000000000000");
    };
    "endless trailers", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: yyyyyyyyyyyyyyyyy\r\n");
    };
    "endless body", TOO_LARGE, FAILED, |wire| for_ever(wire, "HTTP/1.1 200 OK\r\n\r\n", &[b' '; 1000]);
    "endless chunks", TOO_LARGE, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n");
    };
    "a body of 2^63 bytes", TOO_LARGE, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", &[b' '; 1000]);
    };
    "a body of 2^64 - 1 bytes", TOO_LARGE, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n", &[b' '; 1000]);
    };
    "a body of 2^64 bytes", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n", &[b' '; 1000]);
    };
    "a chunk of 2^63 bytes", TOO_LARGE, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n", &[b' '; 1000]);
    };
    "a chunk of 2^64 bytes", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", &[b' '; 1000]);
    };
    "a gzip bomb", ENCODING, FAILED, |wire| {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n\x1f";
        for_ever(wire, head, &[0; 1000]);
    };
    "gzip upon gzip", ENCODING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\n", &[0; 1000]);
    };
    "a compressed transfer", FRAMING, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", b"1\r\n \r\n");
    };
    "endless redirects", REDIRECTS, REFUSED, |wire| {
        while read_head(wire).is_some() {
            let answer = b"HTTP/1.1 302 On\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n";
            if wire.write_all(answer).and_then(|()| wire.flush()).is_err() {
                return;
            }
        }
    };
    "a redirect with an endless body", REDIRECTS, REFUSED, |wire| {
        for_ever(wire, "HTTP/1.1 302 On\r\nLocation: /on\r\n\r\n", &[b' '; 1000]);
    };
    "a failure with an endless body", TOO_LARGE, REFUSED, |wire| {
        for_ever(wire, "HTTP/1.1 500 No\r\n\r\n", &[b' '; 1000]);
    };
    "a WebSocket nobody asked for", HEAD, FAILED, |wire| {
        for_ever(wire, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", &[0x89, 0]);
    };
}

impl Script {
    /// Code and reason that may come.
    pub(crate) fn expected(&self, place: Place, api: Api) -> Vec<(u8, &'static str)> {
        let reason = match place {
            Place::Connecting => self.connect,
            Place::Forwarding => self.origin.1,
            _ => self.origin.0,
        };
        let more: &[&str] = match (api, reason) {
            // Whether the bytes after the proxy's 200 come with it or a little later.
            (_, FAILED) if place == Place::Connecting => &["NotTls"],
            // Any status is an answer to an upload, its body is what it is, and no redirect is followed.
            (Api::UploadFile, "TooManyRedirects" | "UnsupportedEncoding") => &["success", "TooLarge"],
            (Api::DownloadFile, "TooLarge") => &["FileTooLarge", "HttpStatus", TIMEOUT, "Aborted"],
            (Api::DownloadFile, TIMEOUT | "TooManyRedirects") => &["Aborted"],
            // A mebibyte takes its time, byte by byte.
            (_, "TooLarge" | "TooManyRedirects") => &[TIMEOUT],
            _ => &[],
        };
        let code = |reason| match (api, reason) {
            (_, "success") => 0,
            (Api::UploadFile | Api::DownloadFile, _) => 12,
            (_, "ConnectionClosed") => 12,
            (_, TIMEOUT) => 13,
            (_, "UnsupportedEncoding" | "TooLarge") => 14,
            (_, REFUSED | FAILED) => 23,
            _ => 19,
        };
        [reason].iter().chain(more).map(|reason| (code(*reason), *reason)).collect()
    }
}

/// Hears a head, says this.
fn say(wire: &mut dyn Wire, text: &str) {
    read_head(wire);
    let _ = wire.write_all(text.as_bytes());
    let _ = wire.flush();
}

/// Twenty bytes a second.
fn drip(wire: &mut dyn Wire, bytes: &[u8]) {
    for byte in bytes {
        if wire.write_all(&[*byte]).and_then(|()| wire.flush()).is_err() {
            return;
        }
        sleep(Duration::from_millis(50));
    }
}

/// Hears a head, says this, then says that again and again.
fn for_ever(wire: &mut dyn Wire, first: &str, again: &[u8]) {
    say(wire, first);
    let block: Vec<u8> = again.iter().copied().cycle().take(again.len() * (4000 / again.len())).collect();
    while wire.write_all(&block).is_ok() {}
}
