use std::prelude::v1::*;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::*;
use crate::sink::{Count, Window};

/// RFC 4648 section 10, and what it leaves out.
const VECTORS: &[(&[u8], &str)] = &[
    (b"", ""),
    (b"f", "Zg=="),
    (b"fo", "Zm8="),
    (b"foo", "Zm9v"),
    (b"foob", "Zm9vYg=="),
    (b"fooba", "Zm9vYmE="),
    (b"foobar", "Zm9vYmFy"),
    (b"\0\0\0", "AAAA"),
    (b"\xFF\xFF\xFF\xFB\xEF\xBE", "////++++"),
];

/// Texts that are refused, each with the bytes that come before the fault.
const FAULTY: &[(&str, DecodeError, &[u8])] = &[
    ("Z", DecodeError::Truncated, b""),
    ("Zg", DecodeError::Truncated, b""),
    ("Zg=", DecodeError::Truncated, b""),
    ("Zm9vYg", DecodeError::Truncated, b"foo"),
    ("=", DecodeError::Truncated, b""),
    ("====", DecodeError::Padding, b""),
    ("Z===", DecodeError::Padding, b""),
    ("=Zg=", DecodeError::Padding, b""),
    ("Z=g=", DecodeError::Padding, b""),
    ("Zg=g", DecodeError::Padding, b""),
    ("Zg==Zg==", DecodeError::Padding, b"f"),
    ("Zm8=Zm9v", DecodeError::Padding, b"fo"),
    ("Zg===", DecodeError::Padding, b"f"),
    ("Zg==\n", DecodeError::Padding, b"f"),
    ("Zm9vZm8=Zg", DecodeError::Padding, b"foofo"),
    ("Zh==", DecodeError::TrailingBits, b""),
    ("Zm9=", DecodeError::TrailingBits, b""),
    ("Zm9vZh==", DecodeError::TrailingBits, b"foo"),
    ("Zm9\n", DecodeError::Symbol, b""),
    ("Zm 9", DecodeError::Symbol, b""),
    ("Zm9vZm9-", DecodeError::Symbol, b"foo"),
    ("Zm9vZm9_Zm9v", DecodeError::Symbol, b"foo"),
    ("Zm9vZm9v\r\nZm9v", DecodeError::Symbol, b"foofoo"),
    ("Zm9\u{e9}", DecodeError::Symbol, b""),
];

fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(next).collect()
}

fn encoded(pieces: &[&[u8]]) -> String {
    let mut buf = vec![0; 4096];
    let mut out = Window::new(0, &mut buf);
    let mut encoder = Encoder::new();
    for piece in pieces {
        encoder.put(piece, &mut out).unwrap();
    }
    encoder.finish(&mut out).unwrap();
    String::from_utf8(out.into_filled().to_vec()).unwrap()
}

fn decoded(pieces: &[&[u8]]) -> (Vec<u8>, Result<(), DecodeError>) {
    let mut buf = vec![0; 4096];
    let mut out = Window::new(0, &mut buf);
    let mut decoder = Decoder::new();
    let end = pieces.iter().try_for_each(|piece| decoder.put(piece, &mut out)).and_then(|()| decoder.finish());
    (out.into_filled().to_vec(), end)
}

/// Whole, byte by byte, and each way to cut it in two.
fn every_split(whole: &[u8], mut check: impl FnMut(&[&[u8]])) {
    check(&[whole]);
    check(&whole.chunks(1).collect::<Vec<_>>());
    for at in 0..=whole.len() {
        let (head, tail) = whole.split_at(at);
        check(&[head, tail]);
    }
}

#[test]
fn req_12_known_texts_both_ways_at_every_split() {
    for &(bytes, text) in VECTORS {
        every_split(bytes, |pieces| assert_eq!(encoded(pieces), text));
        every_split(text.as_bytes(), |pieces| assert_eq!(decoded(pieces), (bytes.to_vec(), Ok(()))));
    }
}

#[test]
fn req_12_long_runs_agree_with_the_engine_at_every_split() {
    for len in [95, 96, 97, 127, 128, 193, 300, 385] {
        let bytes = noise(len);
        let mut text = vec![0; 1024];
        let text_len = STANDARD.encode_slice(&bytes, &mut text).unwrap();
        let text = std::str::from_utf8(&text[..text_len]).unwrap();
        every_split(&bytes, |pieces| assert_eq!(encoded(pieces), text));
        every_split(text.as_bytes(), |pieces| assert_eq!(decoded(pieces), (bytes.clone(), Ok(()))));
    }
}

#[test]
fn sock_04_faulty_text_is_refused_alike_at_every_split() {
    for &(text, error, before) in FAULTY {
        every_split(text.as_bytes(), |pieces| assert_eq!(decoded(pieces), (before.to_vec(), Err(error)), "{text:?}"));
    }
    // The fault is far into a long run.
    let mut text = encoded(&[&noise(300)]).into_bytes();
    text[321] = b'-';
    let before = noise(300)[..240].to_vec();
    every_split(&text, |pieces| assert_eq!(decoded(pieces), (before.clone(), Err(DecodeError::Symbol))));
}

#[test]
fn sock_04_exactly_the_canonical_groups_are_accepted() {
    let symbols = b"AQgwBZ+/9=-\n\0\xC3";
    for a in symbols {
        for b in symbols {
            for c in symbols {
                for d in symbols {
                    let group = [*a, *b, *c, *d];
                    let mut buf = [0; 3];
                    let expected = STANDARD.decode_slice(group, &mut buf).ok().map(|len| buf[..len].to_vec());
                    let (bytes, end) = decoded(&[&group]);
                    assert_eq!(end.ok().map(|()| bytes), expected, "{group:?}");
                }
            }
        }
    }
}

#[test]
fn core_03_push_into_slices_of_any_size() {
    let bytes = noise(100);
    let text = encoded(&[&bytes]);
    for out_len in 4..40 {
        for piece_len in 1..40 {
            let (mut encoder, mut all) = (Encoder::new(), Vec::new());
            for piece in bytes.chunks(piece_len) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let mut out = vec![0; out_len];
                    let progress = encoder.push(rest, &mut out);
                    assert_ne!(progress, Progress::default());
                    all.extend_from_slice(&out[..progress.written]);
                    rest = &rest[progress.read..];
                }
            }
            let mut last = [0; 4];
            let mut window = Window::new(0, &mut last);
            encoder.finish(&mut window).unwrap();
            all.extend_from_slice(window.into_filled());
            assert_eq!(all, text.as_bytes());
        }
    }
    for out_len in 3..40 {
        for piece_len in 1..40 {
            let (mut decoder, mut all) = (Decoder::new(), Vec::new());
            for piece in text.as_bytes().chunks(piece_len) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let mut out = vec![0; out_len];
                    let progress = decoder.push(rest, &mut out).unwrap();
                    assert_ne!(progress, Progress::default());
                    all.extend_from_slice(&out[..progress.written]);
                    rest = &rest[progress.read..];
                }
            }
            decoder.finish().unwrap();
            assert_eq!(all, bytes);
        }
    }
}

#[test]
fn core_05_a_slice_of_exactly_the_right_size_is_enough_and_one_less_is_not() {
    for &(bytes, text) in VECTORS {
        assert_eq!(decoded_len(text.as_bytes()), Ok(bytes.len()));
        let mut out = vec![0; bytes.len()];
        let whole = Progress { read: text.len(), written: bytes.len() };
        every_split(text.as_bytes(), |pieces| {
            let mut decoder = Decoder::new();
            let mut sum = Progress::default();
            for piece in pieces {
                let progress = decoder.push(piece, &mut out[sum.written..]).unwrap();
                sum.read += progress.read;
                sum.written += progress.written;
            }
            assert_eq!(sum, whole);
            assert_eq!(decoder.finish(), Ok(()));
            assert_eq!(out, bytes);
        });
        if let Some(short) = bytes.len().checked_sub(1) {
            let progress = Decoder::new().push(text.as_bytes(), &mut out[..short]).unwrap();
            assert!(progress.read < text.len());
            assert_eq!(progress.written, progress.read / 4 * 3);
        }
    }
    let mut three = [0; 3];
    let mut encoder = Encoder::new();
    assert_eq!(encoder.push(b"fo", &mut three), Progress { read: 2, written: 0 });
    assert_eq!(encoder.push(b"o", &mut three), Progress::default());
    let mut four = [0; 4];
    assert_eq!(encoder.push(b"o", &mut four), Progress { read: 1, written: 4 });
    assert_eq!(&four, b"Zm9v");
}

#[test]
fn core_05_a_full_sink_ends_the_work() {
    let mut small = [0; 5];
    assert_eq!(Encoder::new().put(b"foobar", &mut Window::new(0, &mut small)), Err(Full));
    assert_eq!(Decoder::new().put(b"Zm9vYmFy", &mut Window::new(0, &mut small)), Err(DecodeError::Full));
    let mut encoder = Encoder::new();
    encoder.put(b"f", &mut Count::new()).unwrap();
    assert_eq!(encoder.finish(&mut Window::new(0, &mut small[..3])), Err(Full));
}

#[test]
fn sock_04_an_error_of_push_is_the_same_again() {
    let mut out = [0; 32];
    let mut decoder = Decoder::new();
    assert_eq!(decoder.push(b"Zm9vZm9-", &mut out), Ok(Progress { read: 4, written: 3 }));
    assert_eq!(decoder.push(b"Zm9-", &mut out), Err(DecodeError::Symbol));
    assert_eq!(decoder.push(b"Zm9-", &mut out), Err(DecodeError::Symbol));
    assert_eq!(decoder.push(b"Zm", &mut out), Ok(Progress { read: 2, written: 0 }));
    assert_eq!(decoder.push(b"9-", &mut out), Err(DecodeError::Symbol));
    assert_eq!(decoder.push(b"9-", &mut out), Err(DecodeError::Symbol));
    assert_eq!(decoder.push(b"9v", &mut out), Ok(Progress { read: 2, written: 3 }));
    assert_eq!(decoder.finish(), Ok(()));
}

#[test]
fn sock_04_lengths() {
    for (bytes, text) in [(0, 0), (1, 4), (2, 4), (3, 4), (4, 8), (300, 400)] {
        assert_eq!(encoded_len(bytes), Some(text));
        let estimate = decoded_len_estimate(text);
        assert!(estimate >= bytes && estimate <= bytes + 2);
    }
    assert_eq!(encoded_len(u64::MAX / 4 * 3), Some(u64::MAX - 3));
    assert_eq!(encoded_len(u64::MAX), None);
    assert_eq!(decoded_len_estimate(u64::MAX), 13_835_058_055_282_163_712);
    assert_eq!(decoded_len(b"Zm9vYg"), Err(DecodeError::Truncated));
    // Four of them are no text at all, but that is the decoder's to say.
    assert_eq!(decoded_len(b"===="), Ok(1));
    for error in [
        DecodeError::Full,
        DecodeError::Symbol,
        DecodeError::Padding,
        DecodeError::TrailingBits,
        DecodeError::Truncated,
    ] {
        assert!(!error.to_string().is_empty());
    }
}
