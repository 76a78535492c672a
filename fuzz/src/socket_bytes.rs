//! An open socket to which a server sends arbitrary bytes and then closes the link, at several splits (CORE-03), against
//! a plain reading of RFC 6455 and the SOCK requirements, and against `tungstenite`.
//!
//! The first byte of the input chooses the memory for a message, and whether binary messages come as base64.

use miniwire_core::reason::Reason;
use miniwire_core::socket::{Assemble, Event, Message, Settings, SocketTask};
use miniwire_core::time::Instant;
use miniwire_core::ws::frame::MAX_CONTROL;
use miniwire_core::ws::mask::Mask;
use miniwire_core::ws::violation::Violation;

use crate::frames::agrees_with_tungstenite;
use crate::oracle::{self, Item};
use crate::splits::at_splits;

/// What the listeners hear, and what is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Life {
    shown: Vec<Shown>,
    /// Opcodes and payloads.
    sent: Vec<(u8, Vec<u8>)>,
    /// Of a message that did not end: its bytes.
    rest: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shown {
    Text(String),
    Binary(Vec<u8>),
    Base64(String),
    Error(Reason),
    Close(u16, String),
}

/// Receives all but the first byte of `data`.
pub fn run(data: &[u8]) {
    let Some((options, bytes)) = data.split_first() else { return };
    if bytes.len() > 4096 {
        return;
    }
    let (memory, base64) = (4 * usize::from(options & 0x7f), options & 0x80 != 0);
    let seen = at_splits(bytes, |pieces| live(pieces, memory, base64));
    let items = oracle::server_items(bytes);
    assert_eq!(seen, expected(&items, memory, base64));
    agrees_with_tungstenite(bytes, &items);
}

fn live(pieces: &[&[u8]], memory: usize, base64: bool) -> Life {
    let now = Instant::from_millis(1);
    let mut memory = vec![0; memory];
    let limit = memory.len();
    let assemble = if base64 { Assemble::as_base64(&mut memory) } else { Assemble::new(&mut memory) };
    let mut run = Run {
        task: SocketTask::new(Settings::new(), now),
        assemble,
        limit,
        now,
        life: Life::default(),
        wire: Vec::new(),
        keys: 0,
        closed: false,
    };
    let mut rx = Vec::new();
    for piece in pieces {
        rx.extend_from_slice(piece);
        run.receive(&mut rx);
        assert!(rx.len() <= MAX_CONTROL, "more is left than a control frame");
    }
    let is_over = run.task.is_over();
    run.task.end_of_stream();
    run.receive(&mut rx);
    assert!(run.closed && run.task.is_over() && run.task.is_finished(now));
    assert!(!is_over || rx.is_empty(), "kept what nobody reads");
    run.task.interrupt(now, miniwire_core::reason::Interrupt::Abort);
    run.task.refuse(now, Reason::TooLarge);
    assert_eq!(run.task.receive(now.after(u64::MAX), b"\x81\x01x"), (3, None));
    assert!(!run.task.has_output(now));

    let mut life = run.life;
    for frame in oracle::client_frames(&run.wire) {
        let last = life.sent.last().map(|(opcode, _)| *opcode);
        assert_ne!(last, Some(8), "sent after the Close");
        assert!(frame.opcode == 8 || frame.opcode == 10);
        life.sent.push((frame.opcode, frame.payload));
    }
    life
}

struct Run<'m> {
    task: SocketTask,
    assemble: Assemble<'m>,
    limit: usize,
    now: Instant,
    life: Life,
    wire: Vec<u8>,
    keys: u32,
    closed: bool,
}

impl Run<'_> {
    /// As the law says: transmit, receive, until nothing is consumed or shown.
    fn receive(&mut self, rx: &mut Vec<u8>) {
        // Each turn consumes a byte, or shows one of the two events that consume none; then comes a last one.
        for _ in 0..rx.len() + 4 {
            self.transmit();
            let (consumed, event) = self.task.receive(self.now, rx);
            let over = self.task.is_over();
            assert!(consumed <= rx.len());
            let idle = consumed == 0 && event.is_none();
            assert!(!self.closed || event.is_none(), "{event:?} after the Close");
            let has_error = matches!(self.life.shown.last(), Some(Shown::Error(_)));
            match event {
                None => {}
                Some(Event::Message { text, data, fin }) => {
                    assert!(!has_error && (fin || !data.is_empty()));
                    self.life.rest.extend_from_slice(data);
                    match self.assemble.piece(text, data, fin) {
                        Ok(complete) => {
                            assert_eq!(complete, fin);
                            if complete {
                                self.message(text);
                            }
                        }
                        Err(reason) => {
                            self.life.rest.clear();
                            self.task.refuse(self.now, reason);
                        }
                    }
                }
                Some(Event::Error { reason }) => {
                    assert!(!has_error, "a second error");
                    self.life.rest.clear();
                    self.life.shown.push(Shown::Error(reason));
                }
                Some(Event::Close { code, reason }) => {
                    assert!(over);
                    assert_eq!(&rx[consumed - reason.len()..consumed], reason.as_bytes());
                    self.closed = true;
                    self.life.shown.push(Shown::Close(code, reason.to_owned()));
                }
                Some(_) => panic!("an event of another kind"),
            }
            rx.drain(..consumed);
            if idle {
                return;
            }
        }
        panic!("no end in bounded steps");
    }

    fn message(&mut self, text: bool) {
        let shown = match self.assemble.message() {
            Message::Text(data) => Shown::Text(data.to_owned()),
            Message::Binary(data) => Shown::Binary(data.to_vec()),
            Message::Base64(data) => Shown::Base64(data.to_owned()),
        };
        assert!(self.assemble.message().as_bytes().len() <= self.limit, "more than the limit");
        assert_eq!(text, matches!(shown, Shown::Text(_)));
        self.life.rest.clear();
        self.life.shown.push(shown);
    }

    fn transmit(&mut self) {
        let mut tx = [0; 131];
        while self.task.has_output(self.now) {
            self.keys += 1;
            let length = self.task.transmit(self.now, Mask::fresh(self.keys.to_be_bytes()), &mut tx);
            assert!(length > 0, "output without any");
            let (frame, rest) = oracle::client_frame(&tx[..length]);
            assert_eq!((frame.key, rest.len()), (self.keys.to_be_bytes(), 0));
            self.wire.extend_from_slice(&tx[..length]);
        }
        assert_eq!(self.task.transmit(self.now, Mask::fresh([9; 4]), &mut tx), 0);
    }
}

/// What the items of a stream lead to, after which the link ends.
fn expected(items: &[Item], memory: usize, base64: bool) -> Life {
    let mut life = Life::default();
    let mut error = None;
    for item in items {
        match (item, error) {
            (Item::Data { text, data, fin }, None) => {
                life.rest.extend_from_slice(data);
                let (bytes, as_base64) = (&life.rest, base64 && !text);
                // Base64 is written in groups of three bytes, the last of which ends with the message.
                let size = match (as_base64, fin) {
                    (true, true) => bytes.len().div_ceil(3) * 4,
                    (true, false) => bytes.len() / 3 * 4,
                    (false, _) => bytes.len(),
                };
                if size > memory {
                    error = Some(Reason::TooLarge);
                    life.shown.push(Shown::Error(Reason::TooLarge));
                    life.sent.push((8, 1009_u16.to_be_bytes().to_vec()));
                    life.rest.clear();
                } else if *fin {
                    let bytes = std::mem::take(&mut life.rest);
                    life.shown.push(match (text, as_base64) {
                        (true, _) => Shown::Text(String::from_utf8(bytes).expect("text")),
                        (_, true) => Shown::Base64(oracle::base64_encode(&bytes)),
                        _ => Shown::Binary(bytes),
                    });
                }
            }
            (Item::Ping(payload), None) => life.sent.push((10, payload.clone())),
            (Item::Data { .. } | Item::Ping(_), Some(_)) | (Item::Pong(_), _) => {}
            (Item::Close(code, reason), _) => {
                if error.is_none() {
                    let body = if *code == 1005 { Vec::new() } else { code.to_be_bytes().to_vec() };
                    life.sent.push((8, body));
                }
                life.shown.push(Shown::Close(*code, reason.clone()));
                return life;
            }
            (Item::Violation(violation), None) => {
                let code = if *violation == Violation::NotUtf8 { 1007_u16 } else { 1002 };
                life.sent.push((8, code.to_be_bytes().to_vec()));
                error = Some(Reason::Violation(*violation));
                life.shown.push(Shown::Error(Reason::Violation(*violation)));
                life.rest.clear();
            }
            (Item::Violation(_), Some(_)) => {}
        }
    }
    if error.is_none() {
        life.shown.push(Shown::Error(Reason::ConnectionClosed));
        life.rest.clear();
    }
    life.shown.push(Shown::Close(1006, String::new()));
    life
}
