//! A whole response in pieces, against a plain decoder, and against what hyper makes of it.

use miniwire_core::http::response::{Part, ResponseError, ResponseReader};

use crate::oracle::hyper::Whole;
use crate::oracle::{self, Ended, Seen};
use crate::splits::at_splits;

/// What came, and the error.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    seen: Seen,
    error: Option<ResponseError>,
}

/// Reads `data` as a response after which the connection is closed.
pub fn run(data: &[u8]) {
    let Read { seen, error } = at_splits(data, |pieces| read(pieces, data.len()));
    assert_eq!(seen, oracle::response(data), "{error:?}");
    // hyper refuses less, so only what is whole is compared.
    if let Some(whole) = whole(data) {
        match oracle::hyper::response(data) {
            // It counts the fields of the trailer section, and the bytes of all chunk extensions; the library, those of each.
            Err(error) if error.contains("chunk trailers") || error.contains("chunk extensions") => {}
            theirs => assert_eq!(theirs, Ok(whole)),
        }
    }
}

/// What the library makes of `data`, if that is a whole response.
pub fn whole(mut data: &[u8]) -> Option<Whole> {
    let (mut reader, mut status, mut fields, mut body) = (ResponseReader::new(), 0, Vec::new(), Vec::new());
    loop {
        let (consumed, part) = reader.read(data, true).ok()?;
        match part {
            Part::More => panic!("waiting for what cannot come"),
            Part::Interim(_) => {}
            Part::Head(head) => {
                status = head.status();
                fields.extend(head.fields().map(|(name, value)| (name.to_owned(), value.to_vec())));
            }
            Part::Body(bytes) => body.extend_from_slice(bytes),
            Part::End => return Some(Whole::new(status, fields, body)),
        }
        data = &data[consumed..];
    }
}

fn read(pieces: &[&[u8]], total: usize) -> Read {
    let mut seen = Seen { interim: Vec::new(), status: None, body: Vec::new(), ended: Ended::InHead };
    let (mut reader, mut rx, mut pieces) = (ResponseReader::new(), Vec::new(), pieces.iter());
    let mut ended = false;
    // Each step takes a piece, a head, or the end, or gives bytes of the body, each of which ends a piece or a chunk.
    for _ in 0..3 * total + pieces.len() + 8 {
        let (consumed, part) = match reader.read(&rx, ended) {
            Ok(read) => read,
            Err(error) => {
                seen.ended = match error {
                    ResponseError::MalformedHead | ResponseError::HeadTooLarge => Ended::InHead,
                    ResponseError::Closed if !reader.has_head() => Ended::InHead,
                    ResponseError::Closed => Ended::Closed,
                    ResponseError::MalformedFraming => Ended::Framing,
                };
                return Read { seen, error: Some(error) };
            }
        };
        let mut more = false;
        match part {
            Part::More => more = true,
            Part::Interim(head) => {
                assert_eq!(head.raw().len(), consumed);
                seen.interim.push(head.status());
            }
            Part::Head(head) => {
                assert_eq!(head.raw().len(), consumed);
                assert_eq!(seen.status.replace(head.status()), None, "a second final head");
                assert!(reader.facts().framing(head.status()).is_ok());
            }
            Part::Body(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= consumed);
                seen.body.extend_from_slice(bytes);
            }
            Part::End => {
                let left = rx.len() - consumed + pieces.map(|piece| piece.len()).sum::<usize>();
                assert!(
                    matches!(reader.read(&rx[consumed..], ended), Ok((0, Part::End))),
                    "an end that is not the end"
                );
                seen.ended = Ended::Complete { persists: reader.persists(), left };
                return Read { seen, error: None };
            }
        }
        rx.drain(..consumed);
        if more {
            assert!(!ended, "waiting for what cannot come");
            match pieces.next() {
                Some(piece) => rx.extend_from_slice(piece),
                None => ended = true,
            }
        }
    }
    panic!("no end in bounded steps");
}
