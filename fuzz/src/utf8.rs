//! UTF-8 in pieces, against `core::str::from_utf8`; text made of any bytes, against `String::from_utf8_lossy` and a table.

use miniwire_core::sink::{Full, Sink};
use miniwire_core::utf8::{Checker, Lossy, put_latin1};

use crate::splits::{Gathered, at_splits};

/// Checks `data` as text. Same verdict at every split, and a failure at the first byte that no continuation can mend.
pub fn run(data: &[u8]) {
    let valid = std::str::from_utf8(data);
    let verdict = at_splits(data, |pieces| {
        let mut checker = Checker::new();
        let pushed = pieces.iter().try_for_each(|piece| checker.push(piece));
        if pushed.is_err() {
            assert!(checker.push(b"").is_err() || checker.finish().is_err(), "a failure was forgotten");
            assert!(checker.push(b"a").is_err(), "a failure was forgotten");
        }
        (pushed, checker.finish())
    });
    assert_eq!(verdict.1.is_ok(), valid.is_ok());

    // The byte at which `from_utf8` knows it, too: the first that makes the prefix more than incomplete.
    let mut checker = Checker::new();
    let failed_at = data.iter().position(|byte| checker.push(&[*byte]).is_err());
    let expected = valid.err().and_then(|error| {
        let start = error.valid_up_to();
        // `error_len` is the length of the longest prefix of a character, or 1; the offending byte comes after it,
        // unless the lead itself is bad.
        let len = error.error_len()?;
        (start..data.len())
            .find(|end| std::str::from_utf8(&data[start..=*end]).is_err_and(|error| error.error_len().is_some()))
            .inspect(|end| assert!(*end <= start + len))
    });
    assert_eq!(failed_at, expected);

    let lossy = in_pieces(data, |mut lossy: Lossy, pieces, out| {
        pieces.iter().try_for_each(|piece| lossy.put(piece, out))?;
        lossy.finish(out)
    });
    assert_eq!(lossy, String::from_utf8_lossy(data));
    let latin1 = in_pieces(data, |(), pieces, out| pieces.iter().try_for_each(|piece| put_latin1(piece, out)));
    assert_eq!(latin1, data.iter().map(|byte| char::from(*byte)).collect::<String>());
}

fn in_pieces<S: Default>(data: &[u8], write: impl Fn(S, &[&[u8]], &mut dyn Sink) -> Result<(), Full>) -> String {
    at_splits(data, |pieces| {
        let mut out = Gathered::default();
        write(S::default(), pieces, &mut out).expect("room");
        String::from_utf8(out.0).expect("text")
    })
}
