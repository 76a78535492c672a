//! What the peers do, and what must come of it: one table for both transports.

use miniwire_core::policy::Api;

use crate::{LONG, Place, SHORT};
use Step::{Again, Answer, Drip, End, Hear, Idle, Reset, Say};

/// One thing that a peer does. After the last it closes.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// Hears a head.
    Hear,
    Say(&'static str),
    /// Says it byte by byte, [`DRIP_MS`] between two.
    Drip(&'static str),
    /// Says it again and again, for ever.
    Again(&'static str),
    /// Answers each head so.
    Answer(&'static str),
    /// Says that it says no more.
    End,
    /// RST.
    Reset,
    /// Hears what comes until the client closes.
    Idle,
}

/// Between two bytes that drip.
pub(crate) const DRIP_MS: u64 = 50;

/// So much of what is said again and again that it is worth a write.
pub(crate) fn block(again: &str) -> Vec<u8> {
    again.repeat(4000 / again.len()).into_bytes()
}

const SPACES: &str = "                                                            ";

/// What a peer does, and what a request to it comes to: as the origin, and as a proxy asked to CONNECT.
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) steps: &'static [Step],
    origin: Came,
    connect: &'static str,
}

/// The reason of a request's failure, where the origin's answer comes by way of a proxy, and of a socket's.
struct Came(&'static str, &'static str, &'static str);

const OK: Came = Came("success", "success", NO_SOCKET);
const CLOSED: Came = Came("ConnectionClosed", "ConnectionClosed", NO_SOCKET);
// Without a head it is the proxy that has failed.
const NO_HEAD: Came = Came("ConnectionClosed", FAILED, "ConnectionClosed");
const RESET: Came = Came("ConnectionLost", FAILED, "ConnectionLost");
const RESET_WITHIN: Came = Came("ConnectionLost", "ConnectionLost", NO_SOCKET);
const HEAD: Came = Came("MalformedHead", FAILED, "MalformedHead");
const SWITCHED: Came = Came("MalformedHead", FAILED, "AcceptMissing");
const LONG_HEAD: Came = Came("HeadTooLarge", "HeadTooLarge", "HeadTooLarge");
const SLOW: Came = Came(TIMEOUT, TIMEOUT, TIMEOUT);
const SLOW_BODY: Came = Came(TIMEOUT, TIMEOUT, NO_SOCKET);
const ENCODING: Came = Came("UnsupportedEncoding", "UnsupportedEncoding", NO_SOCKET);
const TOO_LARGE: Came = Came("TooLarge", "TooLarge", NO_SOCKET);
const FRAMING: Came = Came("MalformedFraming", "MalformedFraming", NO_SOCKET);
const BAD_LENGTH: Came = Came("MalformedFraming", "MalformedFraming", "MalformedFraming");
const REDIRECTS: Came = Came("TooManyRedirects", "TooManyRedirects", NO_SOCKET);
const NO_SOCKET: &str = "NotUpgraded";
const TIMEOUT: &str = "Timeout";
const REFUSED: &str = "ProxyRefused";
const FAILED: &str = "ProxyFailed";

macro_rules! scripts {
    ($($name:literal, $origin:expr, $connect:expr, [$($step:expr),* $(,)?];)*) => {
        /// Every peer.
        pub(crate) const SCRIPTS: &[Script] =
            &[$(Script { name: $name, steps: &[$($step),*], origin: $origin, connect: $connect }),*];
    };
}

scripts! {
    "never answers", SLOW, TIMEOUT, [Idle];
    "drips a head", SLOW, TIMEOUT, [Hear, Drip("HTTP/1.1 200 OK\r\nX: 0123456789\r\nContent-Length: 2\r\n\r\n{}")];
    "drips a body", SLOW_BODY, FAILED, [Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"), Drip(SPACES)];
    "drips chunks", SLOW_BODY, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Drip("1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n"),
    ];
    "answers before the request", OK, FAILED, [Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), Idle];
    "stops within the head", SLOW, TIMEOUT, [Hear, Say("HTTP/1.1 200 OK\r\nX: "), Idle];
    "stops within the body", SLOW_BODY, FAILED, [Hear, Say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{"), Idle];
    "stops between CR and LF", SLOW_BODY, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r"),
        Idle,
    ];
    "half-closes at once", NO_HEAD, FAILED, [End, Idle];
    "half-closes after the request", NO_HEAD, FAILED, [Hear, End, Idle];
    "half-closes within the head", NO_HEAD, FAILED, [Hear, Say("HTTP/1.1 200"), End, Idle];
    "half-closes within the body", CLOSED, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"),
        End,
        Idle,
    ];
    "half-closes before the last chunk", CLOSED, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        End,
        Idle,
    ];
    "resets at once", RESET, FAILED, [Reset];
    "resets after the request", RESET, FAILED, [Hear, Reset];
    "resets within the body", RESET_WITHIN, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"),
        Reset,
    ];
    "endless head", LONG_HEAD, FAILED, [Hear, Say("HTTP/1.1 200 OK\r\n"), Again("X: yyyyyyyyyyyyyy\r\n")];
    "endless line", LONG_HEAD, FAILED, [Hear, Say("HTTP/1.1 200 OK\r\nX: "), Again("y")];
    "endless status line", LONG_HEAD, FAILED, [Hear, Say("HTTP/1.1 200 "), Again("y")];
    "endless empty lines", HEAD, FAILED, [Hear, Again("\r\n")];
    "endless noughts", HEAD, FAILED, [Hear, Again("\0")];
    "endless interim answers", HEAD, FAILED, [Hear, Again("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n")];
    "endless chunk extension", FRAMING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;"),
        Again("x=yyyyyyyyyy;"),
    ];
    "endless chunk extensions", TOO_LARGE, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Again("1;x=yyyyyyyyyy\r\n \r\n"),
    ];
    "endless noughts of a chunk's size", FRAMING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Again("0"),
    ];
    "endless trailers", FRAMING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"),
        Again("X: yyyyyyyyyyyyyyyyy\r\n"),
    ];
    "endless body", TOO_LARGE, FAILED, [Hear, Say("HTTP/1.1 200 OK\r\n\r\n"), Again(" ")];
    "endless chunks", TOO_LARGE, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Again("1\r\n \r\n"),
    ];
    "a body of 2^63 bytes", TOO_LARGE, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n"),
        Again(" "),
    ];
    "a body of 2^64 - 1 bytes", TOO_LARGE, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"),
        Again(" "),
    ];
    "a body of 2^64 bytes", BAD_LENGTH, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n"),
        Again(" "),
    ];
    "a chunk of 2^63 bytes", TOO_LARGE, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n"),
        Again(" "),
    ];
    "a chunk of 2^64 bytes", FRAMING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"),
        Again(" "),
    ];
    "a gzip bomb", ENCODING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10000\r\n\r\n\x1f"),
        Again("\0"),
    ];
    "gzip upon gzip", ENCODING, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\n\r\n"),
        Again("\0"),
    ];
    "a compressed transfer", BAD_LENGTH, FAILED, [
        Hear,
        Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        Again("1\r\n \r\n"),
    ];
    "endless redirects", REDIRECTS, REFUSED, [
        Answer("HTTP/1.1 302 On\r\nLocation: /on\r\nContent-Length: 0\r\n\r\n"),
    ];
    "a redirect with an endless body", REDIRECTS, REFUSED, [
        Hear,
        Say("HTTP/1.1 302 On\r\nLocation: /on\r\n\r\n"),
        Again(" "),
    ];
    "a failure with an endless body", TOO_LARGE, REFUSED, [Hear, Say("HTTP/1.1 500 No\r\n\r\n"), Again(" ")];
    "a WebSocket nobody asked for", SWITCHED, FAILED, [
        Hear,
        Say("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        Again("\0"),
    ];
}

impl Script {
    /// Code and reason that may come. Where time is `real` a busy machine decides some of them.
    pub(crate) fn expected(&self, place: Place, api: Api, real: bool) -> Vec<(u8, &'static str)> {
        let reason = match (place, api) {
            // A socket asks for a tunnel also without TLS.
            (Place::Connecting, _) | (Place::Forwarding, Api::ConnectSocket) => self.connect,
            (Place::Forwarding, _) => self.origin.1,
            (_, Api::ConnectSocket) => self.origin.2,
            _ => self.origin.0,
        };
        let own: &[&str] = match (api, reason) {
            // Any status is an answer to an upload, its body is what it is, and no redirect is followed.
            (Api::UploadFile, "TooManyRedirects" | "UnsupportedEncoding") => &["success", "TooLarge"],
            (Api::DownloadFile, "TooLarge") => &["FileTooLarge", "HttpStatus"],
            // Silence and the end by somebody else are due at once.
            (Api::DownloadFile, TIMEOUT) => &["Aborted", TIMEOUT],
            _ => &[reason],
        };
        let by_chance: &[&str] = match (api, reason) {
            // Whether the bytes after the proxy's 200 come with it or a little later.
            (_, FAILED) if place == Place::Connecting => &["NotTls"],
            (Api::ConnectSocket, FAILED) => &["MalformedHead"],
            // A mebibyte takes its time, byte by byte.
            (Api::DownloadFile, "TooLarge" | "TooManyRedirects") => &[TIMEOUT, "Aborted"],
            (_, "TooLarge" | "TooManyRedirects") => &[TIMEOUT],
            // It may come before the connection counts as made, or while the request is written. A proxy in between may
            // make an end of it.
            (_, "ConnectionLost") => &["ConnectionClosed", "Connect"],
            _ => &[],
        };
        let by_chance = if real { by_chance } else { &[] };
        let code = |reason| match (api, reason) {
            (_, "success") => 0,
            (Api::UploadFile | Api::DownloadFile, _) => 12,
            (Api::ConnectSocket, TIMEOUT) => 6,
            (Api::ConnectSocket, "HeadTooLarge") => 12,
            (Api::ConnectSocket, NO_SOCKET | "MalformedHead" | "MalformedFraming" | "AcceptMissing") => 8,
            (Api::ConnectSocket, _) => 1,
            (_, "ConnectionClosed" | "ConnectionLost" | "Connect") => 12,
            (_, TIMEOUT) => 13,
            (_, "UnsupportedEncoding" | "TooLarge") => 14,
            (_, REFUSED | FAILED) => 23,
            _ => 19,
        };
        own.iter().chain(by_chance).map(|reason| (code(*reason), *reason)).collect()
    }

    /// The deadline of a call, in milliseconds.
    pub(crate) fn deadline(&self, place: Place, api: Api) -> u32 {
        let may_be_late = self.expected(place, api, true).iter().any(|(_, reason)| *reason == TIMEOUT);
        if may_be_late { SHORT } else { LONG }
    }
}
