//! `/ws/raw/{kind}`: what breaks RFC 6455, and what is rare and good. Each kind is an answer to the handshake and the
//! bytes that follow it.

use std::{iter, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use hyper::{StatusCode, body::Bytes};

use super::{
    super::{
        answer::{Answer, Handled, Refusal, Talked},
        body::{Piece, Pieces, nothing},
        call::Call,
        link::Ending,
    },
    ABNORMAL,
    handshake::accept_value,
    listen::until_close,
};

/// The names of the kinds, and what there is to each.
pub(in super::super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    KINDS.iter().map(|kind| (kind.name, kind.about))
}

struct Kind {
    name: &'static str,
    about: &'static str,
    /// The lines of the head; `{accept}` stands for the right value.
    head: &'static [&'static str],
    pace: Pace,
    /// What follows the head: these bytes, so many letters, the next over and over, the last.
    frames: &'static [u8],
    letters: usize,
    again: &'static [u8],
    last: &'static [u8],
    /// How the connection ends; `None`: when the client has sent a close frame, or is gone.
    ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// The head, and a little later what follows it.
    Apart,
    /// All in one write.
    Together,
    /// Every byte by itself.
    Bytes,
}

/// The bytes of an endless kind.
const MOST: usize = 4 << 20;

/// Between two writes that are to arrive apart, and before an end that is not to overtake what was sent.
const APART: Duration = Duration::from_millis(50);

const STATUS: &str = "HTTP/1.1 101 Switching Protocols";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const ACCEPT: &str = "Sec-WebSocket-Accept: {accept}";

/// The text "hello", and a close frame with 1000: who takes a bad handshake for a good one gets these.
const HELLO: &[u8] = b"\x81\x05hello\x88\x02\x03\xe8";

const KINDS: &[Kind] = &[
    // The handshake, section 4.2.2 and RFC 9110 section 7.8.
    Kind::head("good", "nothing is wrong: \"hello\", then 1000", &[STATUS, UPGRADE, CONNECTION, ACCEPT]),
    Kind::head("in-one-piece", "the same in one write", &[STATUS, UPGRADE, CONNECTION, ACCEPT]).pace(Pace::Together),
    Kind::head("byte-by-byte", "the same, every byte by itself", &[STATUS, UPGRADE, CONNECTION, ACCEPT])
        .pace(Pace::Bytes),
    Kind::head(
        "upper-case",
        "names and tokens in upper case (good)",
        &[STATUS, "UPGRADE: WEBSOCKET", "CONNECTION: UPGRADE", "SEC-WEBSOCKET-ACCEPT: {accept}"],
    ),
    Kind::head(
        "connection-list",
        "Connection: keep-alive, Upgrade (good)",
        &[STATUS, UPGRADE, "Connection: keep-alive, Upgrade", ACCEPT],
    ),
    Kind::head(
        "two-connections",
        "Connection: keep-alive and Connection: Upgrade (good)",
        &[STATUS, UPGRADE, "Connection: keep-alive", CONNECTION, ACCEPT],
    ),
    Kind::head(
        "padded-accept",
        "spaces and a tab around the value of Sec-WebSocket-Accept (good)",
        &[STATUS, UPGRADE, CONNECTION, "Sec-WebSocket-Accept: \t {accept} \t"],
    ),
    Kind::head("no-reason", "101 without a phrase (good)", &["HTTP/1.1 101 ", UPGRADE, CONNECTION, ACCEPT]),
    Kind::head("no-accept", "no Sec-WebSocket-Accept", &[STATUS, UPGRADE, CONNECTION]),
    Kind::head(
        "wrong-accept",
        "the Sec-WebSocket-Accept of another key",
        &[STATUS, UPGRADE, CONNECTION, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ),
    Kind::head(
        "empty-accept",
        "Sec-WebSocket-Accept without a value",
        &[STATUS, UPGRADE, CONNECTION, "Sec-WebSocket-Accept:"],
    ),
    Kind::head(
        "long-accept",
        "Sec-WebSocket-Accept with a letter too many",
        &[STATUS, UPGRADE, CONNECTION, "Sec-WebSocket-Accept: {accept}x"],
    ),
    Kind::head("same-accepts", "Sec-WebSocket-Accept twice", &[STATUS, UPGRADE, CONNECTION, ACCEPT, ACCEPT]),
    Kind::head(
        "two-accepts",
        "a right Sec-WebSocket-Accept, then a wrong one",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ),
    Kind::head("no-upgrade", "no Upgrade", &[STATUS, CONNECTION, ACCEPT]),
    Kind::head("wrong-upgrade", "Upgrade: h2c", &[STATUS, "Upgrade: h2c", CONNECTION, ACCEPT]),
    Kind::head("longer-upgrade", "Upgrade: websocket2", &[STATUS, "Upgrade: websocket2", CONNECTION, ACCEPT]),
    Kind::head("no-connection", "no Connection", &[STATUS, UPGRADE, ACCEPT]),
    Kind::head("keep-alive", "Connection: keep-alive", &[STATUS, UPGRADE, "Connection: keep-alive", ACCEPT]),
    Kind::head("status-200", "200 with all the fields of 101", &["HTTP/1.1 200 OK", UPGRADE, CONNECTION, ACCEPT]),
    Kind::head(
        "status-100",
        "100 with all the fields of 101, and no other answer",
        &["HTTP/1.1 100 Continue", UPGRADE, CONNECTION, ACCEPT],
    ),
    Kind::head(
        "early-hints",
        "103 before the 101 (good)",
        &["HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload", "", STATUS, UPGRADE, CONNECTION, ACCEPT],
    ),
    Kind::head(
        "http10",
        "101 of HTTP/1.0, which has no Upgrade",
        &["HTTP/1.0 101 Switching Protocols", UPGRADE, CONNECTION, ACCEPT],
    ),
    Kind::head(
        "extension",
        "permessage-deflate, asked for or not",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: permessage-deflate"],
    ),
    Kind::head(
        "unknown-extension",
        "an extension that nobody knows",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: x-unheard-of"],
    ),
    Kind::head(
        "protocol",
        "the subprotocol x-unheard-of",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: x-unheard-of"],
    ),
    Kind::head(
        "two-protocols",
        "the subprotocols chat and superchat, both",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: chat, superchat"],
    ),
    Kind::head(
        "empty-protocol",
        "Sec-WebSocket-Protocol without a value",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol:"],
    ),
    Kind::head(
        "content-length",
        "101 with Content-Length: 14, which means nothing (may be accepted)",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Content-Length: 14"],
    ),
    Kind::head(
        "chunked",
        "101 with Transfer-Encoding: chunked, which means nothing (may be accepted)",
        &[STATUS, UPGRADE, CONNECTION, ACCEPT, "Transfer-Encoding: chunked"],
    ),
    Kind::head("folded", "a folded field line", &[STATUS, "Upgrade:", " websocket", CONNECTION, ACCEPT]),
    Kind::head("space-before-colon", "Upgrade :", &[STATUS, "Upgrade : websocket", CONNECTION, ACCEPT]),
    Kind::head("garbage", "a head that is no HTTP", &["220 mail.example ESMTP", "250 ok"]),
    Kind::bytes("truncated-head", "closes within the head", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs")
        .without_head()
        .end(Ending::Cut),
    Kind::bytes("endless-head", "header fields, 4 MiB of them", b"HTTP/1.1 101 Switching Protocols\r\n")
        .without_head()
        .again(b"X-Field: 0123456789012345678901234567890123456789\r\n", b"\r\n"),
    // Frames, section 5.2.
    Kind::bytes("masked", "a masked text", b"\x81\x85abcd\x09\x07\x0f\x08\x0e"),
    Kind::bytes("masked-ping", "a masked ping", b"\x89\x80abcd"),
    Kind::bytes("masked-close", "a masked close frame", b"\x88\x82abcd\x62\x8a"),
    Kind::bytes("rsv1", "RSV1 on a text, as if it were compressed", b"\xc1\x05hello"),
    Kind::bytes("rsv2", "RSV2 on a text", b"\xa1\x05hello"),
    Kind::bytes("rsv3", "RSV3 on a text", b"\x91\x05hello"),
    Kind::bytes("rsv1-continuation", "RSV1 on a continuation", b"\x01\x03hel\xc0\x02lo"),
    Kind::bytes("rsv1-ping", "RSV1 on a ping", b"\xc9\x00"),
    Kind::bytes("opcode-3", "opcode 3, data of a kind that is not defined", b"\x83\x05hello"),
    Kind::bytes("opcode-11", "opcode 11, control that is not defined", b"\x8b\x00"),
    Kind::bytes("long-ping", "a ping of 126 bytes", b"\x89\x7e\x00\x7e").letters(126),
    Kind::bytes("long-pong", "a pong of 126 bytes", b"\x8a\x7e\x00\x7e").letters(126),
    Kind::bytes("long-close", "a close frame of 126 bytes", b"\x88\x7e\x00\x7e\x03\xe8").letters(124),
    Kind::bytes("fragmented-ping", "a ping in two frames", b"\x09\x02he\x80\x03llo"),
    Kind::bytes("fragmented-close", "a close frame without FIN", b"\x08\x02\x03\xe8"),
    Kind::bytes(
        "ping-within",
        "a ping within a fragmented text (good)",
        b"\x01\x03hel\x89\x01p\x80\x02lo\x88\x02\x03\xe8",
    ),
    Kind::bytes(
        "unasked-pong",
        "pongs that nobody asked for (good)",
        b"\x8a\x00\x8a\x01p\x81\x05hello\x88\x02\x03\xe8",
    ),
    Kind::bytes("empty-text", "an empty text (good)", b"\x81\x00\x88\x02\x03\xe8"),
    Kind::bytes("lone-continuation", "a continuation of nothing", b"\x80\x05hello"),
    Kind::bytes("text-within-text", "a text within a fragmented one", b"\x01\x03hel\x81\x02lo"),
    Kind::bytes("binary-within-text", "a binary message within a fragmented text", b"\x01\x03hel\x82\x02lo"),
    Kind::bytes("length-16-for-7", "a length of 5 in 16 bits", b"\x81\x7e\x00\x05hello\x88\x02\x03\xe8"),
    Kind::bytes("length-64-for-7", "a length of 5 in 64 bits", b"\x81\x7f\0\0\0\0\0\0\0\x05hello\x88\x02\x03\xe8"),
    Kind::bytes("length-64-for-16", "a length of 65535 in 64 bits", b"\x82\x7f\0\0\0\0\0\0\xff\xff")
        .letters(65535)
        .again(b"", b"\x88\x02\x03\xe8"),
    Kind::bytes("length-2-63", "a length of 2^63", b"\x82\x7f\x80\0\0\0\0\0\0\0").letters(16),
    Kind::bytes("length-2-64", "a length of 2^64 - 1", b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff").letters(16),
    Kind::bytes(
        "length-2-62",
        "a length of 2^62, which is allowed, and the first bytes",
        b"\x82\x7f\x40\0\0\0\0\0\0\0",
    )
    .letters(16),
    Kind::bytes("length-2-32", "a length of 2^32 + 5, and five bytes", b"\x82\x7f\0\0\0\x01\0\0\0\x05").letters(5),
    // UTF-8, section 8.1. The first two end within a frame or a message, which is refused all the same.
    Kind::bytes(
        "bad-text-unfinished",
        "a byte that is no UTF-8, in a frame that does not end",
        b"\x81\x7e\x03\xe8h\xff",
    ),
    Kind::bytes(
        "bad-text-fragment",
        "a character broken over two frames, in a message that does not end",
        b"\x01\x02h\xc3\x00\x01\x28",
    ),
    Kind::bytes("bad-text-end", "a text that ends within a character", b"\x81\x03h\xe2\x82"),
    Kind::bytes("bad-text-surrogate", "a surrogate in UTF-8", b"\x81\x03\xed\xa0\x80"),
    Kind::bytes("bad-text-overlong", "an overlong /", b"\x81\x02\xc0\xaf"),
    Kind::bytes("bad-text-beyond", "U+110000", b"\x81\x04\xf4\x90\x80\x80"),
    Kind::bytes("split-character", "a character over two frames (good)", b"\x01\x01\xc3\x80\x01\xa9\x88\x02\x03\xe8"),
    // Closing, sections 5.5.1 and 7.4.
    Kind::bytes("close-empty", "a close frame without a code (good)", b"\x88\x00"),
    Kind::bytes("close-one-byte", "a close frame of one byte", b"\x88\x01\x03"),
    Kind::bytes("close-bad-reason", "a reason that is no UTF-8", b"\x88\x04\x03\xe8\xc3\x28"),
    Kind::bytes("close-0", "the code 0", b"\x88\x02\x00\x00"),
    Kind::bytes("close-999", "the code 999", b"\x88\x02\x03\xe7"),
    Kind::bytes("close-1004", "the code 1004, reserved", b"\x88\x02\x03\xec"),
    Kind::bytes("close-1005", "the code 1005, not to be sent", b"\x88\x02\x03\xed"),
    Kind::bytes("close-1006", "the code 1006, not to be sent", b"\x88\x02\x03\xee"),
    Kind::bytes("close-1015", "the code 1015, not to be sent", b"\x88\x02\x03\xf7"),
    Kind::bytes("close-1016", "the code 1016, not assigned", b"\x88\x02\x03\xf8"),
    Kind::bytes("close-2999", "the code 2999, not assigned", b"\x88\x02\x0b\xb7"),
    Kind::bytes("close-3000", "the code 3000 (good)", b"\x88\x02\x0b\xb8"),
    Kind::bytes("close-4999", "the code 4999 (good)", b"\x88\x02\x13\x87"),
    Kind::bytes("close-5000", "the code 5000", b"\x88\x02\x13\x88"),
    Kind::bytes("close-65535", "the code 65535", b"\x88\x02\xff\xff"),
    Kind::bytes("data-after-close", "a text after the close frame", b"\x88\x02\x03\xe8\x81\x05hello"),
    Kind::bytes("two-closes", "a second close frame", b"\x88\x02\x03\xe8\x88\x02\x0b\xb8"),
    Kind::bytes(
        "garbage-after-close",
        "bytes that are no frame after the close frame",
        b"\x88\x02\x03\xe8\xff\xff\xff\xff",
    ),
    // The end of the connection, without a close frame.
    Kind::bytes("fin", "FIN after a whole text", b"\x81\x05hello").end(Ending::Cut),
    Kind::bytes("fin-mid-frame", "FIN within a frame", b"\x81\x05hel").end(Ending::Cut),
    Kind::bytes("fin-mid-header", "FIN within a frame's header", b"\x81\x7e\x01").end(Ending::Cut),
    Kind::bytes("fin-mid-message", "FIN between two frames of a message", b"\x01\x03hel").end(Ending::Cut),
    Kind::bytes("reset", "RST after a whole text", b"\x81\x05hello").end(Ending::Reset),
    Kind::bytes("reset-mid-frame", "RST within a frame", b"\x81\x05hel").end(Ending::Reset),
    // Without an end. Who bears it all gets the end of the message, and 1000.
    Kind::bytes("empty-fragments", "empty continuations, 4 MiB of them", b"\x01\x03hel")
        .again(b"\x00\x00", b"\x80\x02lo\x88\x02\x03\xe8"),
    Kind::bytes("pings", "pings, 4 MiB of them", b"")
        .again(b"\x89\x1d01234567890123456789012345678", b"\x81\x05hello\x88\x02\x03\xe8"),
    Kind::bytes("pings-within", "pings within a message, 4 MiB of them", b"\x01\x03hel")
        .again(b"\x89\x1d01234567890123456789012345678", b"\x80\x02lo\x88\x02\x03\xe8"),
    Kind::bytes("pongs", "pongs, 4 MiB of them", b"").again(b"\x8a\x00", b"\x81\x05hello\x88\x02\x03\xe8"),
    Kind::bytes("fragments", "a message of fragments, 4 MiB of them", b"\x01\x03hel")
        .again(b"\x00\x1d01234567890123456789012345678", b"\x80\x02lo\x88\x02\x03\xe8"),
    Kind::bytes("long-frame", "a frame of 2^40 bytes, 4 MiB of them", b"\x82\x7f\0\0\x01\0\0\0\0\0")
        .again(b"0123456789abcdef", b""),
];

impl Kind {
    /// An answer to the handshake, followed by [`HELLO`].
    const fn head(name: &'static str, about: &'static str, head: &'static [&'static str]) -> Self {
        Self { head, ..Self::bytes(name, about, HELLO) }
    }

    /// Bytes that follow a good handshake.
    const fn bytes(name: &'static str, about: &'static str, frames: &'static [u8]) -> Self {
        let head = &[STATUS, UPGRADE, CONNECTION, ACCEPT];
        Self { name, about, head, pace: Pace::Apart, frames, letters: 0, again: b"", last: b"", ending: None }
    }

    const fn without_head(mut self) -> Self {
        self.head = &[];
        self
    }

    const fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    const fn letters(mut self, count: usize) -> Self {
        self.letters = count;
        self
    }

    const fn again(mut self, again: &'static [u8], last: &'static [u8]) -> Self {
        self.again = again;
        self.last = last;
        self
    }

    const fn end(mut self, ending: Ending) -> Self {
        self.ending = Some(ending);
        self
    }

    fn pieces(&self, accept: &str) -> Pieces {
        let mut head: String =
            self.head.iter().flat_map(|line| [line.replace("{accept}", accept), "\r\n".into()]).collect();
        if !head.is_empty() {
            head.push_str("\r\n");
        }
        let frames = [self.frames, &vec![b'x'; self.letters]].concat();
        match self.pace {
            Pace::Together => Box::new(iter::once(data([head.as_bytes(), &frames].concat()))),
            Pace::Bytes => {
                let bytes = [head.as_bytes(), &frames].concat().into_iter();
                Box::new(bytes.flat_map(|byte| [data(vec![byte]), Piece::Pause(Duration::from_millis(1))]))
            }
            Pace::Apart => {
                let head: Vec<_> = if head.is_empty() { vec![] } else { vec![data(head), Piece::Pause(APART)] };
                let flood = if self.again.is_empty() { nothing() } else { flood(self.again) };
                Box::new(head.into_iter().chain([data(frames)]).chain(flood).chain([data(self.last)]))
            }
        }
    }
}

pub(super) fn answer(call: &Call) -> Handled {
    let kind = KINDS.iter().find(|kind| kind.name.as_bytes() == call.place(0));
    let kind = kind.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "no such kind; see /help".into()))?;
    let pieces = kind.pieces(&accept_value(call)?);
    let ending = match kind.ending {
        None if call.arg("end").is_none() => None,
        own => Some(call.ending(own.unwrap_or(Ending::Close))?),
    };
    Ok(Answer::talk(nothing(), async move |mut link| {
        let mut listener = link.clone();
        let close = {
            let heard = pin!(until_close(&mut listener));
            let said = pin!(async {
                // The client need not stay for all of it.
                let _ = link.write(Box::new(pieces.chain(ending.map(|_| Piece::Pause(APART))))).await;
            });
            // A client that has heard enough is not told the rest.
            match select(heard, said).await {
                Either::Left((close, _)) => close,
                Either::Right((_, heard)) if ending.is_none() => heard.await,
                Either::Right(_) => ABNORMAL,
            }
        };
        Talked { ending: ending.unwrap_or(Ending::Close), close }
    }))
}

fn data(bytes: impl Into<Bytes>) -> Piece {
    Piece::Data(bytes.into())
}

fn flood(again: &[u8]) -> Pieces {
    let block = Bytes::from(again.repeat((16 << 10) / again.len()));
    let times = MOST / block.len();
    Box::new(iter::repeat_n(block, times).map(Piece::Data))
}
