//! The socket: its opening handshake and whole lives of it against a scripted peer, on every driver; the open socket by
//! hand, on a clock that is a number.

#[cfg(feature = "permessage-deflate")]
mod compression;
mod drivers;
mod handshake;
mod keep_alive;
mod open;
mod reasons;
mod rule;
mod wire;

use std::prelude::v1::*;

use super::*;
use crate::context::Context;
use crate::reason::{Fault, Interrupt, Reason};
use crate::testing::head_without_type;
use crate::time::Instant;
use crate::ws::mask::Mask;

/// What answers the key of 16 zeros.
const ACCEPT: &str =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n";

/// The request of a handshake as it goes on the wire, with the caller's fields.
fn get(target: &str, host: &str, fields: &str, protocols: &str) -> String {
    let protocols =
        if protocols.is_empty() { String::new() } else { format!("Sec-WebSocket-Protocol: {protocols}\r\n") };
    format!(
        "GET {target} HTTP/1.1\r\n{}{fields}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{protocols}\r\n",
        head_without_type(host)
    )
}

/// A good answer, with further fields.
fn switched(fields: &str) -> String {
    format!("HTTP/1.1 101 Switching Protocols\r\n{ACCEPT}{fields}\r\n")
}

/// A client's frame of up to 125 bytes, masked with zeros.
fn ours(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// A server's frame.
fn theirs(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let header = match length {
        0..126 => vec![first, length as u8],
        126..0x1_0000 => [&[first, 126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[first, 127][..], &(length as u64).to_be_bytes()].concat(),
    };
    [&header, payload].concat()
}

/// A Close frame's body.
fn closing(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason.as_bytes()].concat()
}

/// What a socket reported.
#[derive(Clone, Debug, PartialEq)]
enum Shown {
    Open(Option<String>),
    Text(String),
    Binary(Vec<u8>),
    Error(Reason),
    Close(u16, String),
}

use Shown::{Close, Error};

/// An abnormal end: one Error, then one Close (SOCK-07).
fn broken(reason: Reason) -> [Shown; 2] {
    [Error(reason), Close(1006, String::new())]
}

/// What happens out of turn.
type Blow = fn(&mut SocketTask, Instant);

/// An open socket driven by hand, its masks zeros.
struct Hand {
    task: SocketTask,
    now: Instant,
    rx: Vec<u8>,
    shown: Vec<Shown>,
    /// The message under way.
    partial: Option<(bool, Vec<u8>)>,
    sent: Vec<u8>,
    #[cfg(feature = "permessage-deflate")]
    codec: Option<Codec<Vec<u8>, Vec<u16>>>,
}

impl Hand {
    fn new(settings: Settings) -> Self {
        let now = Instant::from_millis(1_000);
        let task = SocketTask::new(settings, now);
        Self {
            task,
            now,
            rx: Vec::new(),
            shown: Vec::new(),
            partial: None,
            sent: Vec::new(),
            #[cfg(feature = "permessage-deflate")]
            codec: None,
        }
    }

    /// Does everything that there is to do, as the law has it, in the smallest transmit buffer.
    #[track_caller]
    fn turn(&mut self) {
        for _ in 0..10_000 {
            while self.task.has_output(self.now) {
                let mut tx = [0; 256];
                let length = self.task.transmit(self.now, Mask::fresh([0; 4]), &mut tx);
                assert!(length > 0);
                self.sent.extend_from_slice(&tx[..length]);
            }
            #[cfg(feature = "permessage-deflate")]
            let (consumed, event) = self.task.receive_with(self.now, self.codec.as_mut(), &self.rx);
            #[cfg(not(feature = "permessage-deflate"))]
            let (consumed, event) = self.task.receive(self.now, &self.rx);
            assert!(consumed <= self.rx.len());
            let waits = consumed == 0 && event.is_none();
            match event {
                Some(Event::Message { text, data, fin }) => {
                    let (kind, message) = self.partial.get_or_insert((text, Vec::new()));
                    assert_eq!(*kind, text);
                    message.extend_from_slice(data);
                    if fin && let Some((text, bytes)) = self.partial.take() {
                        let utf8 = |bytes| String::from_utf8(bytes).expect("a text is UTF-8");
                        self.shown.push(if text { Shown::Text(utf8(bytes)) } else { Shown::Binary(bytes) });
                    }
                }
                Some(Event::Error { reason }) => self.shown.push(Error(reason)),
                Some(Event::Close { code, reason }) => self.shown.push(Close(code, reason.into())),
                None => {}
            }
            self.rx.drain(..consumed);
            if waits && !self.task.has_output(self.now) {
                return;
            }
        }
        panic!("the socket does not come to rest");
    }

    #[track_caller]
    fn gets(&mut self, bytes: &[u8]) {
        self.rx.extend_from_slice(bytes);
        self.turn();
        assert!(self.rx.len() <= 512, "more waits than the smallest buffer holds");
    }

    #[track_caller]
    fn waits(&mut self, ms: u64) {
        self.now = self.now.after(ms);
        self.turn();
    }

    #[track_caller]
    fn ends(&mut self) {
        self.task.end_of_stream();
        self.turn();
    }

    /// The end that was reported stays, whatever happens then.
    #[track_caller]
    fn insist(mut self) -> (Vec<Shown>, Vec<u8>) {
        assert!(self.task.is_over());
        let shown = self.shown.clone();
        let calls: [Blow; 8] = [
            |_, _| {},
            |task, now| task.interrupt(now, Interrupt::Unload),
            |task, now| task.interrupt(now, Interrupt::Abort),
            |task, now| task.refuse(now, Reason::TooLarge),
            |task, now| assert_eq!(task.close(now, 1000, ""), Ok(())),
            |task, now| task.write_failed(now),
            |task, _| task.end_of_stream(),
            |task, now| task.fault(now, Fault::Lost),
        ];
        for call in calls {
            call(&mut self.task, self.now);
            self.gets(&theirs(0x81, b"late"));
            self.waits(20_000);
            assert!(self.task.is_finished(self.now));
            let refused = self.task.send(true, b"late", true, Mask::fresh([0; 4]), &mut [0; 256]);
            assert_eq!(refused, Err(Reason::NotConnected));
        }
        assert_eq!(self.shown, shown);
        (self.shown, self.sent)
    }
}

/// These bytes and then the end of the stream, at every split: what is reported and sent.
#[track_caller]
fn hears(bytes: &[u8]) -> (Vec<Shown>, Vec<u8>) {
    crate::testing::at_every_split(bytes, |pieces| {
        let mut hand = Hand::new(Settings::new());
        for piece in pieces {
            hand.gets(piece);
        }
        hand.ends();
        hand.insist()
    })
}

#[test]
fn core_05_an_open_socket_is_below_256_bytes() {
    assert!(size_of::<SocketTask>() < 256, "{}", size_of::<SocketTask>());
    #[cfg(feature = "permessage-deflate")]
    {
        assert!(size_of::<LentCodec<'_>>() <= 240, "{}", size_of::<LentCodec<'_>>());
        assert_eq!(size_of::<crate::ws::deflate::Tables>(), 2304);
    }
}
