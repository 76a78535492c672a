use std::prelude::v1::*;

use super::*;
use crate::testing::at_every_split;

mod life;

/// What a caller sees, the pieces of a message put together where nothing came between them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message { text: bool, data: Vec<u8>, fin: bool },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(u16, String),
    Violation(Violation),
}

fn message(text: bool, data: impl AsRef<[u8]>) -> Seen {
    Seen::Message { text, data: data.as_ref().to_vec(), fin: true }
}

fn unfinished(text: bool, data: impl AsRef<[u8]>) -> Seen {
    Seen::Message { text, data: data.as_ref().to_vec(), fin: false }
}

/// Reads `chunks`, through a receive buffer that never holds more than a chunk and 124 bytes.
fn feed(connection: &mut Connection, chunks: &[&[u8]]) -> Vec<Seen> {
    let (mut rx, mut seen) = (Vec::new(), Vec::new());
    for chunk in chunks {
        rx.extend_from_slice(chunk);
        loop {
            let (consumed, incoming) = match connection.read(&rx) {
                Ok(read) => read,
                Err(violation) => {
                    assert_eq!(connection.read(&rx), Err(violation));
                    seen.push(Seen::Violation(violation));
                    return seen;
                }
            };
            match incoming {
                Incoming::More => {
                    rx.drain(..consumed);
                    break;
                }
                Incoming::Data { text, data, fin } => add_piece(&mut seen, text, data, fin),
                Incoming::Ping(payload) => seen.push(Seen::Ping(payload.to_vec())),
                Incoming::Pong(payload) => seen.push(Seen::Pong(payload.to_vec())),
                Incoming::Close { code, reason } => seen.push(Seen::Close(code, reason.to_owned())),
            }
            rx.drain(..consumed);
        }
        assert!(rx.len() < MAX_CONTROL, "only an unfinished control frame is left");
        assert_eq!(connection.read(&rx), Ok((0, Incoming::More)), "the same again changes nothing");
    }
    seen
}

fn add_piece(seen: &mut Vec<Seen>, text: bool, data: &[u8], fin: bool) {
    assert!(fin || !data.is_empty(), "an empty piece says nothing");
    if let Some(Seen::Message { text: same, data: before, fin: done @ false }) = seen.last_mut() {
        assert_eq!(*same, text);
        before.extend_from_slice(data);
        *done = fin;
    } else {
        seen.push(Seen::Message { text, data: data.to_vec(), fin });
    }
}

fn mask() -> Mask {
    Mask::fresh([0; 4])
}

/// The control frame that waits, with a mask of zeros.
fn control(connection: &mut Connection) -> Vec<u8> {
    let mut tx = [0; 131];
    assert!(connection.has_control());
    let length = connection.write_control(mask(), &mut tx);
    assert!(length > 0 && !connection.has_control());
    tx[..length].to_vec()
}

/// What is seen of `bytes`, the same at every split, and the connection after it.
#[track_caller]
fn read(bytes: &[u8]) -> (Vec<Seen>, Connection) {
    let seen = at_every_split(bytes, |chunks| feed(&mut Connection::new(), chunks));
    let mut connection = Connection::new();
    feed(&mut connection, &[bytes]);
    (seen, connection)
}

/// Reads what ends in this violation; returns what was seen before it.
#[track_caller]
fn fails(bytes: &[u8], violation: Violation) -> Vec<Seen> {
    let (mut seen, mut connection) = read(bytes);
    assert_eq!(seen.pop(), Some(Seen::Violation(violation)));
    assert!(!connection.is_closed() && !connection.is_open());
    let [high, low] = violation.code().to_be_bytes();
    assert_eq!(control(&mut connection), [0x88, 0x82, 0, 0, 0, 0, high, low]);
    assert!(connection.is_closed());
    assert_eq!(connection.read(b"\x81\0"), Err(violation));
    assert_eq!(connection.send(true, b"x", true, mask(), &mut [0; 20]), Err(SendError::Closing));
    assert_eq!(connection.ping(b"", mask(), &mut [0; 20]), Err(SendError::Closing));
    assert_eq!(connection.close(1000, ""), Err(CloseError::Closing));
    assert!(!connection.has_control());
    seen
}

#[test]
fn sock_05_the_examples_of_the_rfc_are_read() {
    // Section 5.7.
    assert_eq!(read(b"\x81\x05Hello").0, [message(true, "Hello")]);
    assert_eq!(read(b"\x01\x03Hel\x80\x02lo").0, [message(true, "Hello")]);
    assert_eq!(read(b"\x89\x05Hello").0, [Seen::Ping(b"Hello".to_vec())]);
    assert_eq!(read(b"\x8a\x05Hello").0, [Seen::Pong(b"Hello".to_vec())]);
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(read(&[b"\x82\x7e\x01\x00", &bytes[..]].concat()).0, [message(false, &bytes)]);
    let long = vec![0xa5; 65_536];
    let frame = [b"\x82\x7f\0\0\0\0\0\x01\0\0", &long[..]].concat();
    for size in [1, 2, 3, 7, 512, 65_535, frame.len()] {
        let chunks: Vec<_> = frame.chunks(size).collect();
        assert_eq!(feed(&mut Connection::new(), &chunks), [message(false, &long)]);
    }
}

#[test]
fn sock_10_a_masked_frame_of_a_server_is_refused() {
    assert_eq!(fails(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Violation::Masked), []);
}

#[test]
fn sock_10_what_precedes_a_violation_is_shown() {
    let hello = [message(true, "Hello")];
    for (bytes, violation) in [
        (&b"\xc1\x00"[..], Violation::ReservedBit),
        (b"\xa1\x00", Violation::ReservedBit),
        (b"\x91\x00", Violation::ReservedBit),
        (b"\x83\x00", Violation::ReservedOpcode),
        (b"\x8b\x00", Violation::ReservedOpcode),
        (b"\x09\x00", Violation::FragmentedControl),
        (b"\x88\x7e\x00\x7e", Violation::LongControl),
        (b"\x82\x7e\x00\x7d", Violation::OverlongLength),
        (b"\x82\x7f\x80\0\0\0\0\0\0\0", Violation::LengthTopBit),
        (b"\x80\x00", Violation::UnexpectedContinuation),
        (b"\x88\x01\x03", Violation::CloseBody),
        (b"\x88\x02\x03\xed", Violation::CloseCode),
        (b"\x88\x04\x03\xe8\xc3\x28", Violation::NotUtf8),
    ] {
        assert_eq!(fails(&[b"\x81\x05Hello", bytes].concat(), violation), hello);
    }
    assert_eq!(fails(b"\x01\x03Hel\x81\x02lo", Violation::InterleavedMessage), [unfinished(true, "Hel")]);
}

#[test]
fn sock_09_text_fails_at_the_first_bad_byte() {
    // The frame announces far more than has arrived; what precedes the fault is seen at every split.
    assert_eq!(fails(b"\x81\x7e\x04\x00ab\xe4\xbd\xffcd", Violation::NotUtf8), [unfinished(true, b"ab\xe4\xbd")]);
    assert_eq!(fails(b"\x81\x05\xff", Violation::NotUtf8), []);
    // Across fragments, and in one that ends within a character.
    assert_eq!(fails(b"\x01\x03a\xe4\xbd\x00\x00\x80\x01b", Violation::NotUtf8), [unfinished(true, b"a\xe4\xbd")]);
    assert_eq!(fails(b"\x81\x03a\xe4\xbd", Violation::NotUtf8), [unfinished(true, b"a\xe4")]);
    assert_eq!(fails(b"\x01\x01\xe4\x80\x00", Violation::NotUtf8), [unfinished(true, b"\xe4")]);
    // A surrogate, an over-long form, beyond U+10FFFF.
    assert_eq!(fails(b"\x81\x03\xed\xa0\x80", Violation::NotUtf8), [unfinished(true, b"\xed")]);
    assert_eq!(fails(b"\x81\x02\xc0\xaf", Violation::NotUtf8), []);
    assert_eq!(fails(b"\x81\x04\xf4\x90\x80\x80", Violation::NotUtf8), [unfinished(true, b"\xf4")]);
}

#[test]
fn sock_09_text_may_be_cut_within_a_character() {
    let text = "\u{20ac} \u{1f980} \u{4f60}\u{597d}";
    let mut frames = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        frames.extend_from_slice(&[if at == 0 { 0x01 } else { 0x00 }, 1, byte, 0x89, 0, 0x00, 0]);
    }
    frames.extend_from_slice(b"\x80\x00");
    let (seen, _) = read(&frames);
    let whole: Vec<u8> = seen.iter().filter_map(|seen| as_data(seen)).flatten().copied().collect();
    assert_eq!(whole, text.as_bytes());
    assert_eq!(seen.last(), Some(&message(true, "")));
}

fn as_data(seen: &Seen) -> Option<&[u8]> {
    if let Seen::Message { data, .. } = seen { Some(data) } else { None }
}

#[test]
fn sock_09_binary_may_hold_any_bytes() {
    assert_eq!(read(b"\x02\x02\xff\xc0\x80\x01\x80").0, [message(false, b"\xff\xc0\x80")]);
    // A text's unfinished character does not reach into the next message.
    assert_eq!(read(b"\x82\x01\xe4\x81\x01a").0, [message(false, b"\xe4"), message(true, "a")]);
}

#[test]
fn sock_09_empty_frames_cost_nothing_but_their_bytes() {
    assert_eq!(read(b"\x81\x00\x82\x00").0, [message(true, ""), message(false, "")]);
    assert_eq!(read(b"\x01\x00\x00\x00\x80\x00").0, [message(true, "")]);
    let mut flood = b"\x02\x00".to_vec();
    flood.extend_from_slice(&b"\x00\x00".repeat(100_000));
    let mut connection = Connection::new();
    assert_eq!(connection.read(&flood), Ok((flood.len(), Incoming::More)));
    assert_eq!(feed(&mut connection, &[b"\x80\x01x"]), [message(false, "x")]);
}

#[test]
fn sock_09_a_frame_of_the_greatest_length_is_streamed() {
    let mut connection = Connection::new();
    let seen = feed(&mut connection, &[b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", b"abc", b"def"]);
    assert_eq!(seen, [unfinished(false, "abcdef")]);
    assert!(connection.is_open());
}

#[test]
fn sock_08_the_newest_ping_is_answered() {
    let (seen, mut connection) = read(b"\x89\x01a\x89\x00\x89\x03new");
    assert_eq!(seen, [Seen::Ping(b"a".to_vec()), Seen::Ping(vec![]), Seen::Ping(b"new".to_vec())]);
    assert_eq!(control(&mut connection), b"\x8a\x83\0\0\0\0new");
    // Each of them, where the driver writes before it reads on.
    for payload in [&b""[..], b"x", &[0xff; 125]] {
        let frame = [&[0x89, payload.len() as u8], payload].concat();
        feed(&mut connection, &[&frame]);
        let pong = control(&mut connection);
        assert_eq!((&pong[..2], &pong[6..]), (&[0x8a, 0x80 | payload.len() as u8][..], payload));
    }
    assert_eq!(connection.write_control(mask(), &mut [0; 131]), 0);
}

#[test]
fn core_05_a_pong_waits_for_a_buffer_that_holds_it() {
    let mut connection = Connection::new();
    feed(&mut connection, &[b"\x89\x7d", &[7; 125]]);
    assert_eq!(connection.write_control(mask(), &mut [0; 130]), 0);
    assert_eq!(control(&mut connection).len(), 131);
}

#[test]
fn sock_08_a_ping_of_our_own() {
    let (mut connection, mut tx) = (Connection::new(), [0; 131]);
    assert_eq!(connection.ping(b"k", mask(), &mut tx), Ok(7));
    assert_eq!(&tx[..7], b"\x89\x81\0\0\0\0k");
    assert_eq!(connection.ping(&[0; 125], mask(), &mut tx), Ok(131));
    assert_eq!(connection.ping(&[0; 125], mask(), &mut tx[..130]), Err(SendError::NoRoom));
    assert_eq!(connection.ping(&[0; 126], mask(), &mut [0; 200]), Err(SendError::PingTooLong));
    assert_eq!(feed(&mut connection, &[b"\x8a\x01k"]), [Seen::Pong(b"k".to_vec())]);
}

#[test]
fn sock_06_we_close_and_the_server_answers() {
    let run = |chunks: &[&[u8]]| {
        let mut connection = Connection::new();
        connection.close(4000, "bye").unwrap();
        assert_eq!(control(&mut connection), b"\x88\x85\0\0\0\0\x0f\xa0bye");
        assert!(!connection.is_closed() && !connection.is_open());
        let seen = feed(&mut connection, chunks);
        (seen, connection.is_closed(), connection.has_control())
    };
    // What it had still under way is read over, pings and pongs too, and what follows its Close.
    let bytes = b"\x01\x03Hel\x89\x01p\x80\x02lo\x8a\x00\x82\x01x\x88\x05\x0f\xa0bye\x81\x05after\xff\xff";
    assert_eq!(at_every_split(bytes, run), (vec![Seen::Close(4000, "bye".into())], true, false));
    assert_eq!(at_every_split(b"\x88\x00", run), (vec![Seen::Close(1005, String::new())], true, false));
}

#[test]
fn sock_06_the_server_closes_and_we_echo() {
    for (close, code, reason, echo) in [
        (&b"\x88\x00"[..], 1005, "", &b"\x88\x80\0\0\0\0"[..]),
        (b"\x88\x02\x03\xe8", 1000, "", b"\x88\x82\0\0\0\0\x03\xe8"),
        (b"\x88\x06\x03\xf6late", 1014, "late", b"\x88\x82\0\0\0\0\x03\xf6"),
    ] {
        let (seen, mut connection) = read(&[b"\x89\x01p\x01\x01a", close, b"\x80\x01bmore\xff"].concat());
        let before = [Seen::Ping(b"p".to_vec()), unfinished(true, "a")];
        assert_eq!(seen, [&before[..], &[Seen::Close(code, reason.into())]].concat());
        assert!(!connection.is_closed() && !connection.is_open());
        assert_eq!(connection.send(true, b"x", true, mask(), &mut [0; 20]), Err(SendError::Closing));
        assert_eq!(connection.ping(b"", mask(), &mut [0; 20]), Err(SendError::Closing));
        assert_eq!(connection.close(1000, ""), Err(CloseError::Closing));
        assert_eq!(control(&mut connection), echo, "the pong gives way");
        assert!(connection.is_closed());
        assert_eq!(connection.read(b"any\xff"), Ok((4, Incoming::More)));
    }
}

#[test]
fn sock_06_closes_that_cross() {
    // Ours waits when theirs comes: it goes out as it is.
    let mut connection = Connection::new();
    connection.close(3001, "ours").unwrap();
    assert_eq!(feed(&mut connection, &[b"\x88\x02\x03\xe9"]), [Seen::Close(1001, String::new())]);
    assert!(!connection.is_closed());
    assert_eq!(control(&mut connection), b"\x88\x86\0\0\0\0\x0b\xb9ours");
    assert!(connection.is_closed());
}

#[test]
fn sock_06_a_close_is_checked_and_happens_once() {
    let mut connection = Connection::new();
    assert_eq!(connection.close(1005, ""), Err(CloseError::Code));
    assert_eq!(connection.close(1000, &"x".repeat(124)), Err(CloseError::ReasonTooLong));
    assert!(connection.is_open() && !connection.has_control());
    // A pong that waits gives way; a Close is the last frame.
    feed(&mut connection, &[b"\x89\x01p"]);
    connection.close(1000, &"x".repeat(123)).unwrap();
    assert_eq!(connection.close(1001, ""), Err(CloseError::Closing));
    let close = control(&mut connection);
    assert_eq!((&close[..2], close.len()), (&b"\x88\xfd"[..], 131));
    assert_eq!(connection.send(false, b"x", true, mask(), &mut [0; 20]), Err(SendError::Closing));
    assert!(!connection.has_control());
}

#[test]
fn sock_07_a_violation_while_closing() {
    // Before our Close was written, it says what was wrong instead; after that there is no second one. Text is checked
    // although it is not shown.
    for (bytes, violation) in [(&b"\x81\x80"[..], Violation::Masked), (b"\x81\x7e\x01\x00ab\xffcd", Violation::NotUtf8)]
    {
        for written in [false, true] {
            let outcome = at_every_split(bytes, |chunks| {
                let mut connection = Connection::new();
                connection.close(1000, "").unwrap();
                if written {
                    control(&mut connection);
                }
                let seen = feed(&mut connection, chunks);
                assert_eq!(connection.has_control(), !written);
                if !written {
                    assert_eq!(control(&mut connection)[6..], violation.code().to_be_bytes());
                }
                (seen, connection.is_closed())
            });
            assert_eq!(outcome, (vec![Seen::Violation(violation)], true));
        }
    }
}

#[test]
fn sock_04_a_message_longer_than_the_buffer_goes_out_in_fragments() {
    let (mut connection, mut tx) = (Connection::new(), [0; 9]);
    let sent = connection.send(true, b"abcdefg", true, mask(), &mut tx).unwrap();
    assert_eq!((sent, &tx), (Sent { taken: 3, length: 9 }, b"\x01\x83\0\0\0\0abc"));
    // A ping and a pong may go between.
    assert!(connection.ping(b"", mask(), &mut tx).is_ok());
    feed(&mut connection, &[b"\x89\x00"]);
    control(&mut connection);
    let sent = connection.send(true, b"defg", true, mask(), &mut tx).unwrap();
    assert_eq!((sent, &tx), (Sent { taken: 3, length: 9 }, b"\x00\x83\0\0\0\0def"));
    let sent = connection.send(true, b"g", true, mask(), &mut tx).unwrap();
    assert_eq!((sent, &tx[..7]), (Sent { taken: 1, length: 7 }, &b"\x80\x81\0\0\0\0g"[..]));
}

#[test]
fn sock_04_a_message_in_pieces() {
    let (mut connection, mut tx) = (Connection::new(), [0; 64]);
    let mut send = |text, data: &[u8], fin| {
        let sent = connection.send(text, data, fin, mask(), &mut tx)?;
        assert_eq!(sent.taken, data.len());
        Ok(tx[..sent.length].to_vec())
    };
    assert_eq!(send(false, b"", false).unwrap(), b"", "no data and no end is no frame");
    assert_eq!(send(true, b"", true).unwrap(), b"\x81\x80\0\0\0\0");
    assert_eq!(send(false, b"a", false).unwrap(), b"\x02\x81\0\0\0\0a");
    assert_eq!(send(true, b"b", true), Err(SendError::OtherType));
    assert_eq!(send(false, b"", false).unwrap(), b"");
    assert_eq!(send(false, b"b", false).unwrap(), b"\x00\x81\0\0\0\0b");
    assert_eq!(send(false, b"", true).unwrap(), b"\x80\x80\0\0\0\0");
    assert_eq!(send(true, b"c", true).unwrap(), b"\x81\x81\0\0\0\0c");
}

#[test]
fn sock_04_text_that_is_not_utf_8_is_not_sent() {
    let (mut connection, mut tx) = (Connection::new(), [0; 64]);
    let mut send = |data: &[u8], fin| connection.send(true, data, fin, mask(), &mut tx).map(|sent| sent.taken);
    assert_eq!(send(b"\xff", true), Err(SendError::NotUtf8));
    assert_eq!(send(b"\xe4\xbd", true), Err(SendError::NotUtf8));
    assert_eq!(send(b"\xe4\xbd", false), Ok(2));
    assert_eq!(send(b"(", true), Err(SendError::NotUtf8));
    assert_eq!(send(b"", true), Err(SendError::NotUtf8));
    assert_eq!(send(b"\xa0", true), Ok(1));
    // Only what is taken is judged; a cut within a character is none.
    let mut tx = [0; 8];
    let sent = connection.send(true, "a\u{4f60}".as_bytes(), true, mask(), &mut tx).unwrap();
    assert_eq!(sent.taken, 2);
    assert_eq!(connection.send(true, b"\xbd\xa0", true, mask(), &mut tx).unwrap().taken, 2);
}

#[test]
fn core_05_a_buffer_too_small_is_an_error() {
    let mut connection = Connection::new();
    for size in 0..6 {
        let tx = &mut [0; 6][..size];
        assert_eq!(connection.send(true, b"", true, mask(), tx), Err(SendError::NoRoom));
        assert_eq!(connection.ping(b"", mask(), tx), Err(SendError::NoRoom));
    }
    assert_eq!(connection.send(true, b"x", true, mask(), &mut [0; 6]), Err(SendError::NoRoom));
    assert!(connection.send(true, b"", true, mask(), &mut [0; 6]).is_ok());
    assert!(connection.send(true, b"x", true, mask(), &mut [0; 7]).is_ok());
}

#[test]
fn core_02_a_connection_is_smaller_than_256_bytes() {
    assert!(size_of::<Connection>() < 256, "{}", size_of::<Connection>());
    assert!(!format!("{:?}", Connection::default()).is_empty());
}
