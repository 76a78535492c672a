//! Compressed messages, read and written, against zlib.

use flate2::{Decompress, FlushDecompress};
use miniwire_core::ws::connection::{Connection, Incoming};
use miniwire_core::ws::deflate::{Deflater, Inflater, Parameters, WindowBits};
use miniwire_core::ws::mask::Mask;

use crate::splits::at_splits;

/// So much is compared of what a message becomes.
const LONGEST: usize = 1 << 18;

/// What a sender leaves out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The first byte chooses the window; the rest is the payload of a compressed message, and then a message to compress.
pub fn run(data: &[u8]) {
    let Some((choice, payload)) = data.split_first() else { return };
    // zlib has no window of 8 bits.
    let bits = 9 + choice % 7;
    read(payload, bits);
    read(payload, 15);
    write(payload, bits);
}

/// The same as zlib makes of it, up to where either finds a fault; and the same at every split.
fn read(payload: &[u8], bits: u8) {
    let (plain, good) = at_splits(payload, |pieces| inflated(pieces, bits));
    assert!(plain.len() >= LONGEST || good.is_some());
    let mut zlib = Decompress::new_with_window_bits(false, bits);
    let mut expected = vec![0; LONGEST + (1 << 15)];
    let bytes = [payload, &TAIL].concat();
    let end = zlib.decompress(&bytes, &mut expected, FlushDecompress::Sync);
    expected.truncate(usize::try_from(zlib.total_out()).unwrap());
    // zlib lets a distance reach as far as its output does, which is further than a small window.
    let strict = bits < 15 && good == Some(false) && expected.starts_with(&plain);
    match end {
        // A block with BFINAL ends it for zlib, but not the message.
        Ok(flate2::Status::StreamEnd) => assert!(plain.starts_with(&expected) || plain.len() >= LONGEST || strict),
        Ok(_) if plain.len() < LONGEST => {
            assert!(plain == expected || strict);
            // zlib does not tell what was cut short; what is good has been taken to its end.
            if good == Some(true) {
                assert_eq!(zlib.total_in(), bytes.len() as u64);
            }
        }
        Ok(_) => {}
        Err(_) => assert!(good != Some(true) || plain.len() >= LONGEST, "zlib finds a fault"),
    }
}

/// What the message is, and whether it is one; unknown if it is longer than is looked at.
fn inflated(pieces: &[&[u8]], bits: u8) -> (Vec<u8>, Option<bool>) {
    let parameters = parameters(bits);
    let mut window = vec![0; parameters.server_max_window_bits.bytes()];
    let mut inflater = Inflater::new(&parameters, &mut window).unwrap();
    let (mut connection, mut plain) = (Connection::new(), Vec::new());
    // One piece is one frame.
    let mut frames: Vec<(u8, &[u8])> = pieces.iter().map(|piece| (0x00, *piece)).collect();
    frames.push((0x80, b""));
    frames[0].0 |= 0x42;
    for (first, payload) in frames {
        let length = (payload.len() as u64).to_be_bytes();
        let mut rx = match payload.len() {
            short @ 0..=125 => vec![first, short as u8],
            126..=0xffff => vec![first, 126, length[6], length[7]],
            _ => [&[first, 127][..], &length].concat(),
        };
        rx.extend_from_slice(payload);
        let mut rest = &rx[..];
        loop {
            let Ok((consumed, incoming)) = inflater.read(&mut connection, rest) else { return (plain, Some(false)) };
            rest = &rest[consumed..];
            match incoming {
                Incoming::Data { data, fin, .. } => {
                    assert!(data.len() <= 1 << bits, "more than the window at once");
                    plain.extend_from_slice(data);
                    if fin {
                        return (plain, Some(true));
                    }
                    if plain.len() >= LONGEST {
                        plain.truncate(LONGEST);
                        return (plain, None);
                    }
                }
                Incoming::More => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(rest.is_empty(), "left over");
    }
    panic!("the message did not end");
}

/// Compressed, in frames of several sizes, and read again: it is the same, twice.
fn write(plain: &[u8], bits: u8) {
    let parameters = parameters(bits);
    for room in [22, 131, 4096] {
        let (mut window, mut heads) = (vec![0; 1 << bits], vec![0; 1 << (bits - 1)]);
        let mut deflater = Deflater::new(&parameters, &mut window, &mut heads).unwrap();
        let mut connection = Connection::new();
        let mut zlib = Decompress::new_with_window_bits(false, bits);
        for _ in 0..2 {
            let (mut rest, mut payload, mut tx) = (plain, Vec::new(), vec![0; room]);
            loop {
                let sent = deflater.send(&mut connection, false, rest, true, Mask::fresh([0; 4]), &mut tx).unwrap();
                let header = if tx[1] & 0x7f < 126 { 6 } else { 8 };
                payload.extend_from_slice(&tx[header..sent.length]);
                rest = &rest[sent.taken..];
                if rest.is_empty() {
                    break;
                }
            }
            payload.extend(TAIL);
            let mut again = vec![0; plain.len() + 1];
            let before = (zlib.total_in(), zlib.total_out());
            zlib.decompress(&payload, &mut again, FlushDecompress::Sync).unwrap();
            again.truncate((zlib.total_out() - before.1) as usize);
            assert_eq!(zlib.total_in() - before.0, payload.len() as u64);
            assert!(again == plain, "{bits} bits, {room} bytes of room");
        }
    }
}

fn parameters(bits: u8) -> Parameters {
    let bits = WindowBits::new(bits).unwrap();
    Parameters { server_max_window_bits: bits, client_max_window_bits: bits, ..Parameters::DEFAULT }
}
