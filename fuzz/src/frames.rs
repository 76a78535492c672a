//! WebSocket frames: a server's read in pieces, a client's written, against a plain reading of RFC 6455 section 5 and
//! against `tungstenite`.
//!
//! `tungstenite` reads whole frames only, takes lengths in any form, and sends 1002 back where a Close has a code that
//! may not be sent. What comes before that is the same.

use std::io::{Cursor, Read, Result, Write};

use miniwire_core::ws::connection::{Connection, Incoming, SendError};
use miniwire_core::ws::frame::{self, Header, HeaderReader, Opcode};
use miniwire_core::ws::mask::Mask;
use miniwire_core::ws::violation::Violation;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use crate::oracle::{self, HeaderFound, Item};
use crate::splits::{Random, at_splits};

/// Reads `data` as a server's frames, then sends it as a client's message.
pub fn run(data: &[u8]) {
    if data.len() > 4096 {
        return;
    }
    headers(data);
    read(data);
    let mut random = Random::of(data);
    write(data, &mut random);
    send(data, &mut random);
}

/// The headers of frames whose payload is all there.
fn headers(data: &[u8]) {
    let (mut reader, mut rest, mut inside) = (HeaderReader::new(), data, false);
    loop {
        let expected = oracle::server_header(rest, inside);
        let whole = reader.read(rest);
        let theirs = FrameHeader::parse(&mut Cursor::new(rest));
        match expected {
            HeaderFound::Unfinished => {
                assert_eq!(whole, Ok((rest.len(), None)));
                assert!(matches!(theirs, Ok(None)));
                return;
            }
            HeaderFound::Bad(violation) => return assert_eq!(whole, Err(violation)),
            HeaderFound::Whole(header) => {
                let Ok((consumed, Some(Header { fin, opcode, length }))) = whole else { panic!("{whole:?}") };
                let seen = (fin, opcode as u8, length, consumed);
                assert_eq!(seen, (header.fin, header.opcode, header.length, header.size));
                let Ok(Some((theirs, their_length))) = theirs else { panic!("{theirs:?}") };
                assert_eq!((theirs.is_final, u8::from(theirs.opcode), their_length), (fin, header.opcode, length));
                assert!(theirs.mask.is_none() && !theirs.rsv1 && !theirs.rsv2 && !theirs.rsv3);
                inside = if header.opcode < 8 { !fin } else { inside };
                match usize::try_from(length).ok().and_then(|length| rest.get(header.size + length..)) {
                    Some(after) => rest = after,
                    None => return,
                }
            }
        }
    }
}

/// All that a connection shows of it.
fn read(data: &[u8]) {
    let items = at_splits(data, |pieces| {
        let (mut connection, mut rx, mut items) = (Connection::new(), Vec::new(), Vec::new());
        for piece in pieces {
            rx.extend_from_slice(piece);
            loop {
                let (consumed, end) = match connection.read(&rx) {
                    Ok((consumed, incoming)) => {
                        let end = incoming == Incoming::More;
                        assert!(consumed > 0 || end, "nothing is consumed, and nothing is wanted");
                        items_of(&mut items, incoming);
                        (consumed, end)
                    }
                    Err(violation) => {
                        assert_eq!(connection.read(&rx), Err(violation), "a violation was forgotten");
                        if items.last() != Some(&Item::Violation(violation)) {
                            items.push(Item::Violation(violation));
                        }
                        (rx.len(), true)
                    }
                };
                rx.drain(..consumed);
                if end {
                    assert!(rx.len() <= frame::MAX_CONTROL, "more is left than a control frame");
                    break;
                }
            }
        }
        items
    });
    let expected = oracle::server_items(data);
    assert_eq!(items, expected);
    agrees_with_tungstenite(data, &expected);
}

fn items_of(items: &mut Vec<Item>, incoming: Incoming<'_>) {
    let item = match incoming {
        Incoming::More => return,
        Incoming::Data { text, data, fin } => {
            assert!(fin || !data.is_empty(), "an empty piece");
            Item::Data { text, data: data.to_vec(), fin }
        }
        Incoming::Ping(payload) => Item::Ping(payload.to_vec()),
        Incoming::Pong(payload) => Item::Pong(payload.to_vec()),
        Incoming::Close { code, reason } => Item::Close(code, reason.to_owned()),
    };
    oracle::push_item(items, item);
}

/// What `tungstenite` reads as a client is what the items say.
pub(crate) fn agrees_with_tungstenite(data: &[u8], items: &[Item]) {
    let config = WebSocketConfig::default().read_buffer_size(1024).max_frame_size(Some(1 << 16));
    let mut theirs = WebSocket::from_raw_socket(Wire::new(data), Role::Client, Some(config));
    let mut read = Vec::new();
    loop {
        match theirs.read() {
            Ok(Message::Text(text)) => read.push(Item::Data { text: true, data: text.as_bytes().to_vec(), fin: true }),
            Ok(Message::Binary(data)) => read.push(Item::Data { text: false, data: data.to_vec(), fin: true }),
            Ok(Message::Ping(payload)) => read.push(Item::Ping(payload.to_vec())),
            Ok(Message::Pong(payload)) => read.push(Item::Pong(payload.to_vec())),
            Ok(Message::Close(None)) => {
                read.push(Item::Close(1005, String::new()));
                break;
            }
            Ok(Message::Close(Some(close))) => {
                read.push(Item::Close(close.code.into(), close.reason.as_str().to_owned()));
                break;
            }
            Ok(Message::Frame(frame)) => panic!("{frame}"),
            Err(Error::Capacity(_)) => return,
            Err(_) => break,
        }
    }
    let mut expected = whole_messages(items);
    match items.last() {
        // There it goes on; also where a short control frame has its length in a long form.
        Some(Item::Violation(Violation::OverlongLength | Violation::LengthTopBit | Violation::LongControl)) => {
            assert!(read.starts_with(&expected), "{read:?}, not {expected:?}");
            return;
        }
        // The reason may be no text, either.
        Some(Item::Violation(Violation::CloseCode)) if read.len() > expected.len() => {
            expected.push(Item::Close(1002, "Protocol violation".to_owned()));
        }
        // Registered later than its list was made.
        Some(Item::Close(1014, _)) => {
            expected.pop();
            expected.push(Item::Close(1002, "Protocol violation".to_owned()));
        }
        _ => {}
    }
    assert_eq!(read, expected);
}

/// The messages, put together, where they end; and the control frames.
fn whole_messages(items: &[Item]) -> Vec<Item> {
    let (mut whole, mut message) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Data { text, data, fin } => {
                message.extend_from_slice(data);
                if *fin {
                    whole.push(Item::Data { text: *text, data: std::mem::take(&mut message), fin: true });
                }
            }
            Item::Violation(_) => {}
            item => whole.push(item.clone()),
        }
    }
    whole
}

/// One frame, in rooms of several sizes.
fn write(data: &[u8], random: &mut Random) {
    let lengths = [data.len(), 125, 126, 127, 65_535, 65_536];
    let length = lengths[if random.below(16) == 0 { random.below(6) } else { random.below(4) }];
    let payload: Vec<u8> = data.iter().copied().cycle().take(length).collect();
    let opcodes = [Opcode::Continuation, Opcode::Text, Opcode::Binary, Opcode::Close, Opcode::Ping, Opcode::Pong];
    let their_opcodes = [
        OpCode::Data(Data::Continue),
        OpCode::Data(Data::Text),
        OpCode::Data(Data::Binary),
        OpCode::Control(Control::Close),
        OpCode::Control(Control::Ping),
        OpCode::Control(Control::Pong),
    ];
    let (which, fin, key) = (random.below(6), random.below(2) == 0, (random.number() as u32).to_ne_bytes());
    let header = FrameHeader { is_final: fin, opcode: their_opcodes[which], mask: Some(key), ..FrameHeader::default() };
    let mut expected = Vec::new();
    Frame::from_payload(header, payload.clone().into()).format(&mut expected).unwrap();
    assert!(expected.ends_with(&oracle::xor(&payload, key)));
    for room in [expected.len(), expected.len() + 1, expected.len() + 40, expected.len() - 1, random.below(20)] {
        let mut tx = vec![0xa5; room];
        let written = frame::write(fin, opcodes[which], &payload, Mask::fresh(key), &mut tx);
        if room >= expected.len() {
            assert_eq!(written, Some(expected.len()));
            assert_eq!(tx[..expected.len()], expected);
            assert!(tx[expected.len()..].iter().all(|byte| *byte == 0xa5), "written behind the frame");
        } else {
            assert_eq!(written, None);
            assert!(tx.iter().all(|byte| *byte == 0xa5), "written, and said not to be");
        }
        // The largest that fits, by trying.
        let size =
            |payload: usize| payload + 6 + if payload > 125 { 2 } else { 0 } + if payload > 65_535 { 6 } else { 0 };
        let largest = (room.saturating_sub(14)..=room).rev().find(|payload| size(*payload) <= room);
        assert_eq!(frame::payload_room(room), largest);
    }
}

/// A message in fragments, with pings between them.
fn send(data: &[u8], random: &mut Random) {
    let (mut connection, mut wire, mut keys) = (Connection::new(), Vec::new(), Vec::new());
    let valid = std::str::from_utf8(data);
    let text = valid.is_ok() || random.below(8) == 0;
    let mut tx = vec![0; 7 + random.below(300)];
    let (mut rest, mut taken, mut fragments) = (data, 0, 0);
    // The pieces that the caller gives.
    let result = loop {
        let piece = if random.below(2) == 0 { rest.len() } else { random.below(rest.len() + 1) };
        let fin = piece == rest.len();
        let key = (random.number() as u32).to_ne_bytes();
        let sent = match connection.send(text, &rest[..piece], fin, Mask::fresh(key), &mut tx) {
            Ok(sent) => sent,
            Err(error) => break Err(error),
        };
        assert!(sent.taken <= piece && sent.length <= tx.len());
        assert!(piece == 0 || sent.taken > 0, "nothing was taken");
        wire.extend_from_slice(&tx[..sent.length]);
        (rest, taken) = (&rest[sent.taken..], taken + sent.taken);
        if sent.length > 0 {
            keys.push(key);
            fragments += 1;
        }
        if fin && sent.taken == piece {
            break Ok(());
        }
        if random.below(4) == 0 && tx.len() >= 9 {
            let key = (random.number() as u32).to_ne_bytes();
            let length = connection.ping(b"hi!", Mask::fresh(key), &mut tx).unwrap();
            wire.extend_from_slice(&tx[..length]);
            keys.push(key);
        }
    };
    if result.is_err() {
        assert_eq!(result, Err(SendError::NotUtf8));
        assert!(text && valid.is_err());
        // What has gone out before is the beginning of a text.
        let end = std::str::from_utf8(&data[..taken]).map_or_else(|error| error.error_len(), |_| None);
        return assert_eq!(end, None, "sent what is not UTF-8");
    }
    assert!(!text || valid.is_ok(), "sent what is not UTF-8");
    let frames = oracle::client_frames(&wire);
    assert_eq!(frames.iter().map(|frame| frame.key).collect::<Vec<_>>(), keys);
    let fragments_seen: Vec<_> = frames.iter().filter(|frame| frame.opcode != 9).collect();
    assert_eq!(fragments_seen.len(), fragments);
    for (at, frame) in fragments_seen.iter().enumerate() {
        let opcode = match (at, text) {
            (0, true) => 1,
            (0, false) => 2,
            _ => 0,
        };
        assert_eq!((frame.opcode, frame.fin), (opcode, at + 1 == fragments));
    }
    let joined: Vec<u8> = fragments_seen.iter().flat_map(|frame| frame.payload.iter().copied()).collect();
    assert_eq!(joined, data);

    let config = WebSocketConfig::default().read_buffer_size(1024);
    let mut theirs = WebSocket::from_raw_socket(Wire::new(&wire), Role::Server, Some(config));
    let message = loop {
        match theirs.read().expect("a message") {
            Message::Ping(payload) => assert_eq!(&payload[..], b"hi!"),
            message => break message,
        }
    };
    assert_eq!((message.is_text(), &message.into_data()[..]), (text, data));
}

/// A link from which these bytes come.
struct Wire(Cursor<Vec<u8>>);

impl Wire {
    fn new(bytes: &[u8]) -> Self {
        Self(Cursor::new(bytes.to_vec()))
    }
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
