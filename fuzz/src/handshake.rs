//! The answer to the opening handshake, at several splits, against a plain reading of RFC 6455 section 4.1; an answer
//! that is accepted, against what `httparse` alone makes of it.
//!
//! The first line of the input is letters that choose what is asked for; the rest is what the server says, after which it
//! closes the link.

use miniwire_core::context::Context;
use miniwire_core::http::head::MAX_FIELDS;
use miniwire_core::http::response::MAX_INTERIM;
use miniwire_core::policy::Policy;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Handshake, OpeningEvent, OpeningTask};
use miniwire_core::task::{Action, Poll, Task as _};
use miniwire_core::time::Instant;

use crate::oracle::{self, Ended, Head, HeadFound};
use crate::splits::at_splits;

/// The nonce of RFC 6455 section 1.3, and what answers it.
const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The subprotocols that are asked for.
const PROTOCOLS: [&str; 2] = ["soap, v2.chat", "chat"];
const NAMES: [&str; 3] = ["soap", "v2.chat", "chat"];

/// How a handshake ended.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    result: Result<(), Reason>,
    status: Option<u16>,
    interim: Vec<u16>,
    protocol: Option<String>,
    /// Bytes behind the answer that opened the socket.
    left: usize,
}

/// Opens a socket. Letters: `p` subprotocols, `h` the same by a header field, `s` TLS.
pub fn run(data: &[u8]) {
    let Some(line) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (letters, answer) = (&data[..line], &data[line + 1..]);
    let has = |letter| letters.contains(&letter);
    let url = if has(b's') { "wss://a.test/chat" } else { "ws://a.test/chat" };
    let header = [("Sec-WebSocket-Protocol", "soap, v2.chat, chat")];
    let mut connect = ConnectSocket::new(url);
    if has(b'p') {
        connect = connect.protocols(&PROTOCOLS);
    } else if has(b'h') {
        connect = connect.header(&header);
    }
    let seen = at_splits(answer, |pieces| open(&connect, pieces));
    agrees(&seen, answer, if has(b'p') || has(b'h') { &NAMES } else { &[] });
}

fn open(connect: &ConnectSocket<'_>, pieces: &[&[u8]]) -> Seen {
    let now = Instant::from_millis(1);
    let context = Context::new("1", "2", Policy::development()).unwrap();
    let handshake = Handshake::new(connect, NONCE);
    let mut task = OpeningTask::new(&context, &handshake, now);
    assert_eq!(task.refused(), None);
    let mut seen = Seen { result: Ok(()), status: None, interim: Vec::new(), protocol: None, left: 0 };
    let (mut rx, mut tx, mut sent, mut pieces) = (Vec::new(), [0; 1024], Vec::new(), pieces.iter());
    let (mut linked, mut shown) = (false, false);
    let total: usize = pieces.clone().map(|piece| 1 + piece.len()).sum();
    for _ in 0..20 + 3 * total {
        let Poll { consumed, action } = task.poll(now, &rx, &mut tx);
        assert!(consumed <= rx.len());
        let mut more = false;
        match action {
            Action::Connect { reuse } => {
                assert!(!reuse && !linked);
                linked = true;
                task.connected(false).unwrap();
            }
            Action::Secure => task.secured().unwrap(),
            Action::Transmit { length, .. } => sent.extend_from_slice(&tx[..length]),
            Action::Read => more = true,
            Action::Event(OpeningEvent::Interim(head)) => seen.interim.push(head.status()),
            Action::Event(OpeningEvent::Head { head, protocol, .. }) => {
                assert!(!std::mem::replace(&mut shown, true), "a second head");
                seen.status = Some(head.status());
                seen.protocol = protocol.map(ToOwned::to_owned);
            }
            Action::Continue => {}
            Action::Release { keep } => {
                assert!(!keep, "a link is kept that has no open socket");
                linked = false;
            }
            Action::Done(opened) => {
                assert_eq!(linked, opened.result.is_ok(), "an open socket has a link, and no other has");
                assert_eq!(opened.status, seen.status);
                check_request(&sent);
                seen.result = opened.result;
                seen.left = if linked { rx.len() + pieces.map(|piece| piece.len()).sum::<usize>() } else { 0 };
                return seen;
            }
            _ => panic!("{action:?}"),
        }
        rx.drain(..consumed);
        if more {
            match pieces.next() {
                Some(piece) => rx.extend_from_slice(piece),
                None => task.end_of_stream(),
            }
        }
    }
    panic!("no end in bounded steps");
}

/// What section 4.1 wants of the request.
fn check_request(sent: &[u8]) {
    let text = std::str::from_utf8(sent).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.is_empty() && head.starts_with("GET /chat HTTP/1.1\r\nHost: a.test\r\n"));
    let field = |name: &str| {
        let mut values = head.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        (values.next(), values.next())
    };
    assert_eq!(field("Upgrade"), (Some("websocket"), None));
    assert_eq!(field("Connection"), (Some("Upgrade"), None));
    assert_eq!(field("Sec-WebSocket-Version"), (Some("13"), None));
    assert_eq!(field("Sec-WebSocket-Key"), (Some("dGhlIHNhbXBsZSBub25jZQ=="), None));
    assert_eq!(field("Sec-WebSocket-Extensions"), (None, None));
}

/// What was seen is what the bytes say.
fn agrees(seen: &Seen, answer: &[u8], names: &[&str]) {
    let (mut rest, mut interim) = (answer, Vec::new());
    let fails = |interim: &[u16], reasons: &[Reason]| {
        assert_eq!(seen.interim, interim);
        assert!(seen.result.is_err_and(|reason| reasons.contains(&reason)), "{seen:?}");
        assert_eq!((seen.status, &seen.protocol), (None, &None));
    };
    let head = loop {
        match oracle::head(rest) {
            // Which of the two it is shows before the end of the head.
            HeadFound::Unfinished => {
                let reasons = [Reason::ConnectionClosed, Reason::MalformedHead, Reason::HeadTooLarge];
                return fails(&interim, &reasons);
            }
            HeadFound::Bad => return fails(&interim, &[Reason::MalformedHead, Reason::HeadTooLarge]),
            HeadFound::Whole(head) if head.fields.len() > MAX_FIELDS => {
                return fails(&interim, &[Reason::HeadTooLarge]);
            }
            HeadFound::Whole(head) if head.status == 101 || head.status >= 200 => break head,
            HeadFound::Whole(_) if interim.len() == usize::from(MAX_INTERIM) => {
                return fails(&interim, &[Reason::MalformedHead]);
            }
            HeadFound::Whole(head) => {
                interim.push(head.status);
                rest = &rest[head.len..];
            }
        }
    };
    assert_eq!(seen.interim, interim);
    if head.status != 101 && seen.result == Err(Reason::MalformedFraming) {
        let read = oracle::response(&rest[..head.len]);
        assert_eq!((read.status, read.ended), (None, Ended::Framing));
        return;
    }
    assert_eq!(seen.status, Some(head.status));
    let verdict = verdict(&head, names);
    assert_eq!((seen.result, seen.protocol.as_deref()), (verdict.map(|_| ()), verdict.unwrap_or(None)));
    if verdict.is_ok() {
        assert_eq!(seen.left, rest.len() - head.len);
        check_by_httparse(&rest[..head.len]);
    }
}

/// Section 4.1, steps 1 to 6: the subprotocol.
fn verdict<'p>(head: &Head<'_>, names: &[&'p str]) -> Result<Option<&'p str>, Reason> {
    let values = |name: &str| -> Vec<&[u8]> {
        head.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
    };
    let mentions = |name: &str, token: &[u8]| {
        let values = values(name);
        let mut members = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
        members.any(|member| member.trim_ascii().eq_ignore_ascii_case(token))
    };
    if head.status != 101 {
        return Err(Reason::NotUpgraded);
    }
    // RFC 2616 section 14.10, which RFC 6455 builds on: in HTTP/1.0 a field that Connection names is not there.
    if head.minor == 0 {
        return Err(Reason::MalformedHead);
    }
    if !mentions("upgrade", b"websocket") {
        return Err(Reason::WrongUpgrade);
    }
    if !mentions("connection", b"upgrade") {
        return Err(Reason::WrongConnection);
    }
    match values("sec-websocket-accept")[..] {
        [] => return Err(Reason::AcceptMissing),
        [accept] if accept == ACCEPT => {}
        [_] => return Err(Reason::AcceptWrong),
        _ => return Err(Reason::AcceptRepeated),
    }
    if !values("sec-websocket-extensions").is_empty() {
        return Err(Reason::UnrequestedExtension);
    }
    match values("sec-websocket-protocol")[..] {
        [] => Ok(None),
        [chosen] => match names.iter().find(|name| name.as_bytes() == chosen) {
            Some(name) => Ok(Some(name)),
            None => Err(Reason::UnrequestedProtocol),
        },
        _ => Err(Reason::ProtocolRepeated),
    }
}

fn check_by_httparse(head: &[u8]) {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    assert_eq!(response.parse(head), Ok(httparse::Status::Complete(head.len())));
    assert_eq!(response.code, Some(101));
    let accepts = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("sec-websocket-accept"));
    assert!(accepts.map(|field| field.value).eq([ACCEPT]));
    let names = |name: &str, token: &str| {
        let mut values = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        values.any(|field| String::from_utf8_lossy(field.value).to_ascii_lowercase().contains(token))
    };
    assert!(names("upgrade", "websocket") && names("connection", "upgrade"));
}
