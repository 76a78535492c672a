//! Base64 in pieces, against a plain implementation over the whole and against the `base64` crate.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use miniwire_core::base64::{DecodeError, Decoder, Encoder, decoded_len, decoded_len_estimate, encoded_len};

use crate::oracle;
use crate::splits::{Gathered, Random, at_splits};

/// Encodes `data`, decodes that, and decodes `data` itself.
pub fn run(data: &[u8]) {
    let text = encode(data);
    assert_eq!(text, oracle::base64_encode(data));
    assert_eq!(text, STANDARD.encode(data));
    assert_eq!(encoded_len(data.len() as u64), Some(text.len() as u64));
    assert_eq!(decoded_len(text.as_bytes()), Ok(data.len()));
    let estimate = decoded_len_estimate(text.len() as u64);
    assert!((data.len() as u64..=data.len() as u64 + 2).contains(&estimate));
    assert_eq!(decode(text.as_bytes()), (data.to_vec(), None));

    let (bytes, fault) = decode(data);
    assert_eq!((bytes.clone(), fault), oracle::base64_decode(data));
    let crates = STANDARD.decode(data);
    assert_eq!(crates.is_ok(), fault.is_none());
    if let Ok(crates) = crates {
        assert_eq!(crates, bytes);
        assert_eq!(decoded_len(data), Ok(bytes.len()));
    }
}

fn encode(data: &[u8]) -> String {
    let put = at_splits(data, |pieces| {
        let (mut encoder, mut out) = (Encoder::new(), Gathered::default());
        pieces.iter().try_for_each(|piece| encoder.put(piece, &mut out)).unwrap();
        encoder.finish(&mut out).unwrap();
        out.0
    });
    let mut random = Random::of(data);
    let pushed = at_splits(data, |pieces| {
        let (mut encoder, mut out) = (Encoder::new(), Gathered::default());
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let mut buf = vec![0; 4 + random.below(20)];
                let progress = encoder.push(rest, &mut buf);
                assert!(progress.read > 0, "no progress with {} free bytes", buf.len());
                out.0.extend_from_slice(&buf[..progress.written]);
                rest = &rest[progress.read..];
            }
        }
        encoder.finish(&mut out).unwrap();
        out.0
    });
    assert_eq!(pushed, put);
    String::from_utf8(put).unwrap()
}

/// What came out before the fault, and the fault.
fn decode(text: &[u8]) -> (Vec<u8>, Option<DecodeError>) {
    let put = at_splits(text, |pieces| {
        let (mut decoder, mut out) = (Decoder::new(), Gathered::default());
        let end = pieces.iter().try_for_each(|piece| decoder.put(piece, &mut out));
        (out.0, end.and_then(|()| decoder.finish()).err())
    });
    let mut random = Random::of(text);
    let pushed = at_splits(text, |pieces| {
        let (mut decoder, mut out) = (Decoder::new(), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                let mut buf = vec![0; 3 + random.below(20)];
                match decoder.push(rest, &mut buf) {
                    Ok(progress) => {
                        assert!(progress.read > 0, "no progress with {} free bytes", buf.len());
                        out.extend_from_slice(&buf[..progress.written]);
                        rest = &rest[progress.read..];
                    }
                    Err(fault) => {
                        assert_eq!(decoder.push(rest, &mut buf), Err(fault), "another fault for the same text");
                        return (out, Some(fault));
                    }
                }
            }
        }
        (out, decoder.finish().err())
    });
    assert_eq!(pushed, put);
    put
}
