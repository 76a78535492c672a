use std::prelude::v1::*;
use std::vec;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

use super::*;
use crate::testing::at_every_split;

/// What a caller sees, the pieces of a message put together.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Message { text: bool, data: Vec<u8>, fin: bool },
    Ping(Vec<u8>),
    Close(u16),
    Violation(Violation),
}

fn message(data: impl AsRef<[u8]>) -> Seen {
    Seen::Message { text: false, data: data.as_ref().to_vec(), fin: true }
}

fn text(data: &str) -> Seen {
    Seen::Message { text: true, data: data.into(), fin: true }
}

fn parameters(server_bits: u8) -> Parameters {
    Parameters { server_max_window_bits: WindowBits::new(server_bits).unwrap(), ..Parameters::DEFAULT }
}

/// Reads `chunks` through a receive buffer that never holds more than a chunk and what was left of the one before.
fn feed(parameters: &Parameters, chunks: &[&[u8]]) -> Vec<Seen> {
    let mut window = vec![0xee; parameters.server_max_window_bits.bytes()];
    let mut inflater = Inflater::new(parameters, &mut window).unwrap();
    let mut connection = Connection::new();
    let (mut rx, mut seen) = (Vec::new(), Vec::new());
    for chunk in chunks {
        rx.extend_from_slice(chunk);
        loop {
            let (consumed, incoming) = match inflater.read(&mut connection, &rx) {
                Ok(read) => read,
                Err(violation) => {
                    assert_eq!(inflater.read(&mut connection, &rx), Err(violation));
                    assert!(connection.has_control() && !connection.is_open());
                    seen.push(Seen::Violation(violation));
                    return seen;
                }
            };
            let mut end = false;
            match incoming {
                Incoming::More => end = true,
                Incoming::Data { text, data, fin } => {
                    assert!(data.len() <= parameters.server_max_window_bits.bytes());
                    assert!(fin || !data.is_empty(), "an empty piece says nothing");
                    if let Some(Seen::Message { text: same, data: before, fin: done @ false }) = seen.last_mut() {
                        assert_eq!(*same, text);
                        before.extend_from_slice(data);
                        *done = fin;
                    } else {
                        seen.push(Seen::Message { text, data: data.to_vec(), fin });
                    }
                }
                Incoming::Ping(payload) => seen.push(Seen::Ping(payload.to_vec())),
                Incoming::Pong(_) => {}
                Incoming::Close { code, .. } => seen.push(Seen::Close(code)),
            }
            rx.drain(..consumed);
            if end {
                break;
            }
        }
    }
    seen
}

/// The same at every split.
#[track_caller]
fn read(bytes: &[u8]) -> Vec<Seen> {
    read_with(&Parameters::DEFAULT, bytes)
}

#[track_caller]
fn read_with(parameters: &Parameters, bytes: &[u8]) -> Vec<Seen> {
    at_every_split(bytes, |chunks| feed(parameters, chunks))
}

/// A frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xffff => bytes.extend([&[126][..], &(length as u16).to_be_bytes()].concat()),
        length => bytes.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// A compressed binary message in one frame.
fn binary(payload: &[u8]) -> Vec<u8> {
    frame(0xc2, payload)
}

/// What zlib makes of a message, without the tail.
fn deflated(zlib: &mut Compress, plain: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(plain.len() * 2 + 64);
    zlib.compress_vec(plain, &mut bytes, FlushCompress::Sync).unwrap();
    if bytes.is_empty() {
        // Nothing is flushed a second time (section 7.2.3.6).
        return vec![0];
    }
    assert!(bytes.ends_with(TAIL));
    bytes.truncate(bytes.len() - TAIL.len());
    bytes
}

/// Bytes that neither repeat nor compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(step).collect()
}

#[test]
fn sock_09_the_examples_of_rfc_7692_are_read() {
    // Section 7.2.3.1, in one frame and in two.
    assert_eq!(read(b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), [text("Hello")]);
    assert_eq!(read(b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"), [text("Hello")]);
    // 7.2.3.2: the window is kept from message to message.
    let twice = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(read(twice), [text("Hello"), text("Hello")]);
    // 7.2.3.3: a stored block.
    assert_eq!(read(b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), [text("Hello")]);
    // 7.2.3.4: a block with BFINAL.
    assert_eq!(read(b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), [text("Hello")]);
    // 7.2.3.5: two blocks.
    assert_eq!(read(b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), [text("Hello")]);
}

#[test]
fn sock_09_a_message_may_be_empty_or_uncompressed() {
    assert_eq!(read(b"\xc2\x01\x00\x82\x02hi\x42\x00\x80\x01\x00"), [message(""), message("hi"), message("")]);
    // An uncompressed message does not go into the window: what is referred back to is the message before.
    let bytes = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\x81\x05World\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(read(bytes), [text("Hello"), text("World"), text("Hello")]);
}

#[test]
fn sock_09_control_frames_may_stand_within_a_compressed_message() {
    let bytes = b"\x41\x03\xf2\x48\xcd\x89\x02hi\x80\x04\xc9\xc9\x07\x00\x88\x02\x03\xe8";
    // What has been decompressed when the ping comes.
    let begun = Seen::Message { text: true, data: b"He".to_vec(), fin: false };
    let rest = text("llo");
    assert_eq!(read(bytes), [begun, Seen::Ping(b"hi".to_vec()), rest, Seen::Close(1000)]);
}

#[test]
fn sock_10_rsv1_is_for_the_first_frame_of_a_message() {
    for bytes in [b"\xc9\x00".as_slice(), b"\xca\x00", b"\xc8\x00", b"\xa1\x00", b"\x91\x00", b"\xe1\x00", b"\xc0\x00"]
    {
        assert_eq!(read(bytes), [Seen::Violation(Violation::ReservedBit)]);
    }
    let begun = Seen::Message { text: true, data: b"He".to_vec(), fin: false };
    assert_eq!(read(b"\x41\x03\xf2\x48\xcd\xc0\x00"), [begun, Seen::Violation(Violation::ReservedBit)]);
    // Without the extension it is for none.
    assert_eq!(Connection::new().read(b"\xc1\x00"), Err(Violation::ReservedBit));
}

#[test]
fn sock_09_text_is_checked_when_it_is_plain() {
    let utf8 = "\u{e9}\u{20ac}\u{1f600}".repeat(3);
    let mut zlib = Compress::new(Compression::best(), false);
    let good = frame(0xc1, &deflated(&mut zlib, utf8.as_bytes()));
    assert_eq!(read(&good), [text(&utf8)]);
    for (bad, before) in [(&b"ab\xffcd"[..], "ab"), (b"\xed\xa0\x80", "\u{0}"), (b"abc\xe2\x82", "abc\u{0}")] {
        let mut zlib = Compress::new(Compression::best(), false);
        let seen = read(&frame(0xc1, &deflated(&mut zlib, bad)));
        assert_eq!(seen.last(), Some(&Seen::Violation(Violation::NotUtf8)), "{bad:?}");
        let Some(Seen::Message { data, fin: false, .. }) = seen.first() else { panic!("{seen:?}") };
        assert!(bad.starts_with(data) && data.len() >= before.len(), "{bad:?}: {data:?}");
    }
    // At its first bad byte, though the frame goes on: a stored block of 0xff.
    let seen = read(b"\xc1\x7e\x03\xe8\x00\x10\x00\xef\xffa\xff");
    assert_eq!(seen.last(), Some(&Seen::Violation(Violation::NotUtf8)));
}

#[test]
fn sock_09_malformed_data_is_1007() {
    assert_eq!(Violation::Compression.code(), 1007);
    for bad in [
        // A reserved block type.
        &b"\x06\x00"[..],
        // A stored block whose lengths do not agree.
        b"\x00\x01\x00\x00\x00a",
        // A distance that reaches before the first byte.
        b"\xf2\x00\x11\x00\x00",
        // Symbols that have no meaning: length 286, distance 30.
        b"\x1a\x07\x00\x00",
        b"\x02\x1e\x00\x00",
        // Dynamic codes: too many symbols; all code lengths zero; too many codes of a length.
        b"\xfc\xff\xff\xff\xff\xff\xff",
        b"\x04\x00\x00\x00\x00\x00\x00\x00",
        b"\x04\x80\xff\xff\xff\xff\xff\xff",
        // Cut short: within a block, and within a stored one.
        b"\xf2\x48\xcd",
        b"\x00\x05\x00\xfa\xffHel",
        // BFINAL without the empty block after it.
        b"\xf3\x48\xcd\xc9\xc9\x07\x00",
        // Not even the empty block that an empty message has (section 7.2.3.6).
        b"",
    ] {
        let seen = read(&binary(bad));
        assert_eq!(seen.last(), Some(&Seen::Violation(Violation::Compression)), "{bad:x?}");
    }
}

#[test]
fn sock_09_what_zlib_compresses_is_read() {
    let sentence = b"the quick brown fox jumps over the lazy dog, {\"celsius\": 21.5, \"humidity\": 40}; ";
    let long: Vec<u8> = sentence.iter().copied().cycle().take(50_000).collect();
    let mixed = [&noise(20_000)[..], &long[..40_000], &noise(20_000), &vec![0; 70_000]].concat();
    for level in [0, 1, 6, 9] {
        for bits in [9, 12, 15] {
            let mut zlib = Compress::new_with_window_bits(Compression::new(level), false, bits);
            let mut stream = Vec::new();
            // Messages that refer back to each other.
            let plain: [&[u8]; 6] = [sentence, &long, b"", &mixed, sentence, &long[..5]];
            for plain in plain {
                stream.extend(binary(&deflated(&mut zlib, plain)));
            }
            let expected = plain.map(message);
            for size in [1, 7, 100, 4096, 65_536] {
                let chunks: Vec<_> = stream.chunks(size).collect();
                assert!(feed(&parameters(bits), &chunks) == expected, "level {level}, {bits} bits, chunks of {size}");
            }
        }
    }
}

#[test]
fn sock_09_every_length_and_distance_is_copied() {
    // Windows as small as they may be, so that most copies go around the end.
    for bits in [8, 9] {
        let size = 1 << bits;
        let noise = noise(size);
        let mut plain: Vec<u8> = Vec::new();
        let (mut state, mut stream) =
            (1_usize, vec![0, size as u8, (size >> 8) as u8, !size as u8, !(size >> 8) as u8]);
        stream.extend(&noise);
        plain.extend(&noise);
        let mut bits_out = BitWriter::default();
        bits_out.put(0b010, 3);
        for distance in 1..=size {
            state = state.wrapping_mul(0x9e37_79b1).wrapping_add(distance);
            let length = 3 + (state >> 7) % 256;
            bits_out.length(length);
            bits_out.distance(distance);
            for _ in 0..length {
                plain.push(plain[plain.len() - distance]);
            }
        }
        bits_out.put(0, 7);
        bits_out.put(0, 3);
        stream.extend(bits_out.finish());
        assert!(feed(&parameters(bits), &[&binary(&stream)]) == [message(&plain)]);
        for size in [1, 5, 300] {
            let framed = binary(&stream);
            let chunks: Vec<_> = framed.chunks(size).collect();
            assert!(feed(&parameters(bits), &chunks) == [message(&plain)]);
        }
    }
}

#[test]
fn sock_09_nothing_beyond_the_agreed_window_is_referred_to() {
    for (distance, good) in [(256, true), (257, false)] {
        let mut out = BitWriter::default();
        out.put(0b010, 3);
        // 300 bytes, then three from that far back.
        for _ in 0..300 {
            out.literal(b'a');
        }
        out.length(3);
        out.distance(distance);
        out.put(0, 7);
        out.put(0, 3);
        let seen = feed(&parameters(8), &[&binary(&out.finish())]);
        assert_eq!(seen.last() == Some(&Seen::Violation(Violation::Compression)), !good);
    }
    // What a message of its own refers back to begins with it.
    let alone = Parameters { server_no_context_takeover: true, ..Parameters::DEFAULT };
    let twice = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    assert_eq!(read_with(&alone, twice)[1], Seen::Message { text: true, data: b"H".to_vec(), fin: false });
    assert_eq!(read_with(&alone, twice)[2], Seen::Violation(Violation::Compression));
    let same = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    assert_eq!(read_with(&alone, same), [text("Hello"), text("Hello")]);
}

#[test]
fn sock_09_a_bomb_is_handed_out_by_the_window_and_can_be_stopped() {
    let mut zlib = Compress::new(Compression::best(), false);
    let bomb = binary(&deflated(&mut zlib, &vec![0; 8 << 20]));
    assert!(bomb.len() < 10_000);
    let mut window = [0; 1 << 15];
    let mut inflater = Inflater::new(&Parameters::DEFAULT, &mut window).unwrap();
    let (mut connection, mut rx, mut plain) = (Connection::new(), &bomb[..], 0);
    while plain <= 100_000 {
        let (consumed, incoming) = inflater.read(&mut connection, rx).unwrap();
        let Incoming::Data { data, fin: false, .. } = incoming else { panic!("{incoming:?}") };
        assert!(data.len() <= 1 << 15);
        plain += data.len();
        rx = &rx[consumed..];
    }
    // Little was read for it, and nothing more comes out.
    assert!(bomb.len() - rx.len() < 200);
    connection.close(crate::ws::close::TOO_BIG, "").unwrap();
    assert_eq!(inflater.read(&mut connection, rx), Ok((rx.len(), Incoming::More)));
    assert_eq!(inflater.read(&mut connection, b"\x88\x00"), Ok((2, Incoming::Close { code: 1005, reason: "" })));
}

fn mask() -> Mask {
    Mask::fresh([0x37, 0xfa, 0x21, 0x3d])
}

/// Sends a message through a transmit buffer of this size. Returns the payloads of its frames together; their headers are
/// checked.
fn send(
    deflater: &mut Deflater<impl Bytes, impl Heads>,
    connection: &mut Connection,
    text: bool,
    data: &[u8],
    room: usize,
) -> Vec<u8> {
    let (mut tx, mut rest, mut payload, mut first) = (vec![0; room], data, Vec::new(), true);
    loop {
        let sent = deflater.send(connection, text, rest, true, mask(), &mut tx).unwrap();
        rest = &rest[sent.taken..];
        let fin = rest.is_empty();
        let opcode = if first { 0x42 - u8::from(text) } else { 0 };
        assert_eq!(tx[0], opcode | u8::from(fin) << 7);
        let (header, length) = match tx[1] & 0x7f {
            126 => (8, usize::from(u16::from_be_bytes([tx[2], tx[3]]))),
            127 => (14, usize::try_from(u64::from_be_bytes(tx[2..10].try_into().unwrap())).unwrap()),
            short => (6, usize::from(short)),
        };
        assert!(tx[1] >= 128 && header + length == sent.length && sent.length <= room && length > 0);
        assert_eq!(tx[header - 4..header], [0x37, 0xfa, 0x21, 0x3d]);
        let key = [0x37, 0xfa, 0x21, 0x3d].into_iter().cycle();
        payload.extend(tx[header..sent.length].iter().zip(key).map(|(byte, key)| byte ^ key));
        first = false;
        if fin {
            return payload;
        }
    }
}

/// What zlib makes of a compressed message.
fn inflated(zlib: &mut Decompress, payload: &[u8], length: usize) -> Vec<u8> {
    let mut plain = Vec::with_capacity(length + 1);
    let before = zlib.total_in();
    let bytes = [payload, TAIL].concat();
    zlib.decompress_vec(&bytes, &mut plain, FlushDecompress::Sync).unwrap();
    assert_eq!(zlib.total_in() - before, bytes.len() as u64);
    plain
}

#[test]
fn sock_04_what_is_compressed_zlib_reads() {
    let sentence = "the quick brown fox jumps over the lazy dog, {\"celsius\": 21.5, \"humidity\": 40}; ";
    let long = sentence.repeat(300);
    let mixed = [&noise(5000)[..], &vec![0; 5000], &noise(5000), &(0..=255).collect::<Vec<u8>>()].concat();
    let messages: [&[u8]; 8] = [b"", b"H", b"Hello", b"Hello", long.as_bytes(), &mixed, b"", &noise(300)];
    for (bits, heads) in [(8, 1), (9, 64), (10, 1024), (15, 4096), (15, 0), (15, 100_000)] {
        for keep in [true, false] {
            let client_max_window_bits = WindowBits::new(bits).unwrap();
            let parameters =
                Parameters { client_max_window_bits, client_no_context_takeover: !keep, ..Parameters::DEFAULT };
            for room in [22, 23, 100, 131, 132, 133, 256, 4096, 100_000] {
                let (mut window, mut heads) = (vec![0xee; 1 << 15], vec![0xeeee; heads]);
                let mut deflater = Deflater::new(&parameters, &mut window, &mut heads).unwrap();
                let mut connection = Connection::new();
                let mut zlib = Decompress::new_with_window_bits(false, (bits + 1).clamp(9, 15));
                let mut stream = Vec::new();
                for plain in messages {
                    let payload = send(&mut deflater, &mut connection, false, plain, room);
                    if !keep {
                        zlib = Decompress::new_with_window_bits(false, (bits + 1).clamp(9, 15));
                    }
                    let got = inflated(&mut zlib, &payload, plain.len());
                    assert!(got == plain, "{bits} bits, {room} bytes of room");
                    // And the inflater, whose window is no larger than agreed.
                    stream.extend(binary(&payload));
                }
                let theirs = Parameters { server_no_context_takeover: !keep, ..parameters };
                let theirs = Parameters { server_max_window_bits: client_max_window_bits, ..theirs };
                assert!(feed(&theirs, &[&stream]) == messages.map(message), "{bits} bits, {room} bytes of room");
            }
        }
    }
}

#[test]
fn sock_04_repetitions_become_shorter() {
    let (mut window, mut heads) = ([0; 1024], [0; 512]);
    let mut deflater = Deflater::new(&Parameters::DEFAULT, &mut window, &mut heads).unwrap();
    let mut connection = Connection::new();
    let json = br#"{"sensor":"kitchen","celsius":21.5,"humidity":40,"sensor_battery":97}"#;
    let first = send(&mut deflater, &mut connection, true, json, 256).len();
    let second = send(&mut deflater, &mut connection, true, json, 256).len();
    assert!(first < json.len() && second < 8, "{first}, {second}");
    let zeros = send(&mut deflater, &mut connection, false, &[0; 10_000], 256).len();
    assert!(zeros < 100, "{zeros}");
    // What does not compress becomes longer by an eighth at most.
    let noise = noise(10_000);
    let noise = send(&mut deflater, &mut connection, false, &noise, 100_000).len();
    assert!(noise <= 11_252, "{noise}");
    assert_eq!(send(&mut deflater, &mut connection, false, b"", 256), [0]);
}

#[test]
fn sock_04_a_message_comes_in_parts_compressed_or_not() {
    let (mut window, mut heads) = ([0; 1024], [0; 512]);
    let mut deflater = Deflater::new(&Parameters::DEFAULT, &mut window, &mut heads).unwrap();
    let (mut connection, mut tx) = (Connection::new(), [0; 64]);
    let nothing = Ok(Sent { taken: 0, length: 0 });
    assert_eq!(deflater.send(&mut connection, true, b"", false, mask(), &mut tx), nothing);
    assert_eq!(deflater.send(&mut connection, true, b"x", true, mask(), &mut tx[..13]), Err(SendError::NoRoom));
    assert_eq!(deflater.send(&mut connection, true, b"a\xff", true, mask(), &mut tx), Err(SendError::NotUtf8));
    assert_eq!(deflater.send(&mut connection, true, b"a\xc3", true, mask(), &mut tx), Err(SendError::NotUtf8));
    // A character in two parts; the rest in the same way, and of the same type.
    assert_eq!(deflater.send(&mut connection, true, b"a\xc3", false, mask(), &mut tx).unwrap().taken, 2);
    assert_eq!(connection.send(true, b"\xa9", true, mask(), &mut tx), Err(SendError::OtherType));
    assert_eq!(deflater.send(&mut connection, false, b"\xa9", true, mask(), &mut tx), Err(SendError::OtherType));
    assert_eq!(deflater.send(&mut connection, true, b"b", true, mask(), &mut tx), Err(SendError::NotUtf8));
    assert!(connection.ping(b"", mask(), &mut tx).is_ok());
    assert_eq!(deflater.send(&mut connection, true, b"\xa9", true, mask(), &mut tx).unwrap().taken, 1);
    // The next one as it is.
    let sent = connection.send(true, b"hi", true, mask(), &mut tx).unwrap();
    assert_eq!((tx[0], sent.length), (0x81, 8));
    assert_eq!(deflater.send(&mut connection, true, b"hi", true, mask(), &mut tx).unwrap().taken, 2);
    connection.close(1000, "").unwrap();
    assert_eq!(deflater.send(&mut connection, true, b"hi", true, mask(), &mut tx), Err(SendError::Closing));
    assert!(Deflater::new(&Parameters::DEFAULT, &mut [0; 255], &mut []).is_err());
}

#[test]
fn sock_09_the_window_is_as_large_as_the_servers() {
    assert_eq!(Inflater::new(&parameters(10), &mut [0; 1023]).err(), Some(WindowTooSmall));
    assert!(Inflater::new(&parameters(10), &mut [0; 1024]).is_ok());
    // More is not used.
    assert!(Inflater::new(&parameters(10), &mut [0; 5000]).is_ok());
}

#[test]
fn core_04_sizes_of_the_machines() {
    assert!(size_of::<Inflater<&mut [u8]>>() <= 2560);
    assert!(size_of::<Inflater<&mut [u8], &mut Tables>>() <= 128);
}

/// Writes fixed codes by hand, apart from the code under test.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: usize,
}

impl BitWriter {
    fn put(&mut self, value: usize, count: usize) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }

    fn code(&mut self, code: usize, count: usize) {
        for bit in (0..count).rev() {
            self.put(code >> bit & 1, 1);
        }
    }

    fn literal(&mut self, byte: u8) {
        assert!(byte < 144);
        self.code(0x30 + usize::from(byte), 8);
    }

    fn length(&mut self, length: usize) {
        let bases = [
            3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
            227, 258,
        ];
        let extras = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
        let step = bases.iter().rposition(|base| *base <= length).unwrap();
        if step < 23 {
            self.code(step + 1, 7)
        } else {
            self.code(0xc0 + step - 23, 8)
        }
        self.put(length - bases[step], extras[step]);
    }

    fn distance(&mut self, distance: usize) {
        let bases = [
            1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
            4097, 6145, 8193, 12289, 16385, 24577,
        ];
        let step = bases.iter().rposition(|base| *base <= distance).unwrap();
        self.code(step, 5);
        self.put(distance - bases[step], (step / 2).saturating_sub(1));
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
