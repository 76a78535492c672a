//! The response head in pieces, against a plain reading of RFC 9112, and against what `httparse` alone makes of it.

use miniwire_core::http::fields::Fields;
use miniwire_core::http::head::{Head, HeadError, HeadReader, MAX_FIELDS};

use crate::oracle::{self, HeadFound};
use crate::splits::at_splits;

/// What a reader says of a head that comes in pieces, after which nothing comes.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Refused(HeadError),
    Unfinished,
    Whole { length: usize, status: u16 },
}

/// Reads `data` as a response head.
pub fn run(data: &[u8]) {
    let said = at_splits(data, |pieces| {
        let (mut reader, mut end) = (HeadReader::new(), 0);
        for piece in pieces {
            end += piece.len();
            match reader.read(&data[..end]) {
                Ok(None) => {}
                Ok(Some((head, _))) => return Said::Whole { length: head.raw().len(), status: head.status() },
                Err(error) => return Said::Refused(error),
            }
        }
        reader.give_up(data).map_or_else(Said::Refused, |()| Said::Unfinished)
    });

    match (oracle::head(data), &said) {
        (HeadFound::Whole(head), Said::Refused(error)) => {
            assert!(head.fields.len() > MAX_FIELDS, "{error:?}");
            assert_eq!(*error, HeadError::TooManyFields);
        }
        (HeadFound::Whole(expected), said) => {
            assert!(expected.fields.len() <= MAX_FIELDS);
            assert_eq!(*said, Said::Whole { length: expected.len, status: expected.status });
            let (head, facts) = HeadReader::new().read(data).unwrap().unwrap();
            assert_eq!(head.fields().collect::<Vec<_>>(), expected.fields);
            assert_eq!(Fields::of_head(head.raw()), head.fields());
            assert_eq!(head.location(&facts), head.fields().get("LOCATION"));
            let line = &data[..data.iter().position(|byte| *byte == b'\r').unwrap()];
            assert!(line.ends_with(head.reason_phrase()));
            agrees_with_httparse(data, &head);
        }
        (HeadFound::Bad, said) => assert!(matches!(said, Said::Refused(_)), "{said:?}"),
        (HeadFound::Unfinished, said) => assert!(!matches!(said, Said::Whole { .. }), "{said:?}"),
    }
    // Of any bytes, the fields come to an end.
    assert!(Fields::of_head(data).count() <= data.len());
}

fn agrees_with_httparse(data: &[u8], head: &Head<'_>) {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    assert_eq!(response.parse(data), Ok(httparse::Status::Complete(head.raw().len())));
    assert_eq!(response.code, Some(head.status()));
    assert!(response.headers.iter().map(|field| (field.name, field.value)).eq(head.fields()));
}
