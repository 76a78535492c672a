use std::prelude::v1::*;

use super::*;
use crate::testing::at_every_split;

type Read = Result<Vec<(bool, Opcode, u64)>, Violation>;

/// The headers in `bytes`, which has no payloads; the same at every split.
#[track_caller]
fn headers(bytes: &[u8]) -> Read {
    at_every_split(bytes, |chunks| {
        let (mut reader, mut headers) = (HeaderReader::new(), Vec::new());
        for chunk in chunks {
            let mut rest = *chunk;
            while !rest.is_empty() {
                let (read, header) = reader.read(rest)?;
                assert!(header.is_some() || read == rest.len());
                headers.extend(header.map(|header| (header.fin, header.opcode, header.length)));
                rest = &rest[read..];
            }
        }
        Ok(headers)
    })
}

fn text(length: &[u8]) -> Read {
    headers(&[b"\x81", length].concat())
}

#[test]
fn sock_10_each_length_form_is_read_in_its_range() {
    let of = |length| Ok(vec![(true, Opcode::Text, length)]);
    assert_eq!(text(&[0]), of(0));
    assert_eq!(text(&[125]), of(125));
    assert_eq!(text(&[126, 0, 126]), of(126));
    assert_eq!(text(&[126, 0xff, 0xff]), of(0xffff));
    assert_eq!(text(&[127, 0, 0, 0, 0, 0, 1, 0, 0]), of(0x1_0000));
    assert_eq!(text(&[127, 0, 0, 0, 1, 0, 0, 0, 0]), of(1 << 32));
    assert_eq!(text(&[127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), of(i64::MAX as u64));
}

#[test]
fn sock_10_over_long_length_forms_are_refused() {
    assert_eq!(text(&[126, 0, 0]), Err(Violation::OverlongLength));
    assert_eq!(text(&[126, 0, 125]), Err(Violation::OverlongLength));
    assert_eq!(text(&[127, 0, 0, 0, 0, 0, 0, 0, 0]), Err(Violation::OverlongLength));
    assert_eq!(text(&[127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), Err(Violation::OverlongLength));
}

#[test]
fn sock_10_a_length_of_64_bits_is_refused() {
    assert_eq!(text(&[127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(Violation::LengthTopBit));
    assert_eq!(text(&[127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Violation::LengthTopBit));
}

#[test]
fn sock_10_every_first_byte_is_judged() {
    for byte in 0..=u8::MAX {
        let (fin, opcode) = (byte & 0x80 != 0, byte & 0x0f);
        let expected = match (byte & 0x70, opcode) {
            (1.., _) => Err(Violation::ReservedBit),
            (_, 3..=7 | 11..=15) => Err(Violation::ReservedOpcode),
            (_, 8..) if !fin => Err(Violation::FragmentedControl),
            (_, 0) => Err(Violation::UnexpectedContinuation),
            _ => Ok(vec![(fin, Opcode::of(opcode).unwrap(), 0)]),
        };
        assert_eq!(headers(&[byte, 0]), expected, "{byte:#x}");
        // At once, not with the second byte.
        assert_eq!(headers(&[byte]).is_err(), expected.is_err(), "{byte:#x}");
    }
}

#[test]
fn sock_10_masked_frames_are_refused() {
    for opcode in [0x81, 0x82, 0x88, 0x89, 0x8a] {
        for length in [0, 5, 125, 126, 127] {
            assert_eq!(headers(&[opcode, 0x80 | length]), Err(Violation::Masked));
        }
    }
}

#[test]
fn sock_10_long_control_frames_are_refused() {
    for opcode in [0x88, 0x89, 0x8a] {
        assert!(headers(&[opcode, 125]).is_ok());
        assert_eq!(headers(&[opcode, 126]), Err(Violation::LongControl));
        assert_eq!(headers(&[opcode, 127]), Err(Violation::LongControl));
    }
}

#[test]
fn sock_10_fragments_are_in_order() {
    let fragment = |fin, opcode| (fin, opcode, 0);
    assert_eq!(
        headers(&[0x01, 0, 0x89, 0, 0x00, 0, 0x8a, 0, 0x80, 0, 0x82, 0, 0x02, 0, 0x80, 0]),
        Ok(vec![
            fragment(false, Opcode::Text),
            fragment(true, Opcode::Ping),
            fragment(false, Opcode::Continuation),
            fragment(true, Opcode::Pong),
            fragment(true, Opcode::Continuation),
            fragment(true, Opcode::Binary),
            fragment(false, Opcode::Binary),
            fragment(true, Opcode::Continuation),
        ])
    );
    for first in [0x01, 0x02] {
        for second in [0x01, 0x81, 0x02, 0x82] {
            assert_eq!(headers(&[first, 0, 0x89, 0, second, 0]), Err(Violation::InterleavedMessage));
        }
        assert_eq!(headers(&[first, 0, 0x80, 0, 0x80, 0]), Err(Violation::UnexpectedContinuation));
        assert_eq!(headers(&[0x80 | first, 0, 0x00, 0]), Err(Violation::UnexpectedContinuation));
    }
}

fn written(fin: bool, opcode: Opcode, payload: &[u8], tx: usize) -> Option<Vec<u8>> {
    let mut tx = vec![0; tx];
    let length = write(fin, opcode, payload, Mask::fresh([0x37, 0xfa, 0x21, 0x3d]), &mut tx)?;
    tx.truncate(length);
    Some(tx)
}

#[test]
fn sock_10_the_examples_of_the_rfc_are_written() {
    // Section 5.7, and what follows from it for the frames that it shows unmasked.
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(written(true, Opcode::Text, b"Hello", 11).unwrap(), hello);
    assert_eq!(written(false, Opcode::Text, b"Hel", 9).unwrap(), b"\x01\x83\x37\xfa\x21\x3d\x7f\x9f\x4d");
    assert_eq!(written(true, Opcode::Continuation, b"lo", 8).unwrap(), b"\x80\x82\x37\xfa\x21\x3d\x5b\x95");
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(written(true, Opcode::Pong, b"Hello", 11).unwrap(), pong);
    assert!(written(true, Opcode::Binary, &[0; 256], 264).unwrap().starts_with(b"\x82\xfe\x01\x00\x37\xfa\x21\x3d"));
    let long = written(true, Opcode::Binary, &[0; 65_536], 65_550).unwrap();
    assert!(long.starts_with(b"\x82\xff\0\0\0\0\0\x01\0\0\x37\xfa\x21\x3d"));
}

#[test]
fn sock_10_the_shortest_length_form_is_written() {
    for (payload, header) in [(0, 6), (1, 6), (125, 6), (126, 8), (127, 8), (65_535, 8), (65_536, 14), (70_000, 14)] {
        let bytes = vec![0xa5; payload];
        assert_eq!(written(true, Opcode::Binary, &bytes, payload + header).unwrap().len(), payload + header);
        assert_eq!(written(true, Opcode::Binary, &bytes, payload + header - 1), None);
        assert_eq!(written(true, Opcode::Binary, &bytes, payload + 100).unwrap().len(), payload + header);
    }
}

#[test]
fn core_05_the_room_for_payload_is_exact() {
    let payload = vec![0; 70_000];
    assert_eq!(payload_room(5), None);
    assert_eq!(written(true, Opcode::Text, b"", 5), None);
    for tx in (6..300).chain(65_530..65_570) {
        let room = payload_room(tx).unwrap();
        assert!(written(true, Opcode::Binary, &payload[..room], tx).is_some(), "{tx}");
        assert!(written(true, Opcode::Binary, &payload[..=room], tx).is_none(), "{tx}");
    }
}
