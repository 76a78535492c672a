//! The JSON validator, against serde_json.
//!
//! `serde_json` read as `IgnoredAny` accepts the grammar of RFC 8259 and no more, but does not look at the UTF-8 of
//! strings, so that is checked beside it; it does not recurse, so it has no limit of depth. Read as a `Value` it
//! refuses, of what the validator accepts, only numbers beyond an `f64`, lone surrogates written as escapes, and 128
//! levels (its limit is 127, ours [`MAX_DEPTH`]).

use miniwire_core::json::validate::{MAX_DEPTH, NotJson, Validator};
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::splits::at_splits;

/// Checks `data` as JSON text.
pub fn run(data: &[u8]) {
    let verdict = at_splits(data, |pieces| {
        let mut validator = Validator::new();
        let pushed = pieces.iter().try_for_each(|piece| validator.push(piece));
        if let Err(error) = pushed {
            assert_eq!(validator.push(b" "), Err(error), "a failure was forgotten");
            assert_eq!(validator.finish(), Err(error));
        }
        pushed.and_then(|()| validator.finish())
    });
    let text = std::str::from_utf8(data);
    let is_json = text.is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok());
    match verdict {
        Ok(()) => assert!(is_json),
        Err(NotJson::TooDeep) => {
            let opened = data.iter().filter(|byte| matches!(byte, b'[' | b'{')).count();
            assert!(opened > MAX_DEPTH.into());
        }
        Err(NotJson::NotUtf8) => assert!(text.is_err()),
        Err(NotJson::Syntax | NotJson::Incomplete) => assert!(!is_json),
    }
    if verdict == Err(NotJson::Incomplete) {
        incomplete_means_some_end_helps(data);
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(_) => assert_eq!(verdict, Ok(())),
        Err(error) if verdict == Ok(()) => {
            let said = error.to_string();
            let known = ["number out of range", "surrogate", "unexpected end of hex escape", "recursion limit"];
            assert!(known.iter().any(|known| said.contains(known)), "{said}");
        }
        Err(_) => {}
    }
}

/// What is merely incomplete must fail no earlier than at its end: some byte can follow.
fn incomplete_means_some_end_helps(data: &[u8]) {
    let mut before = Validator::new();
    before.push(data).unwrap();
    assert!((0..=u8::MAX).any(|byte| before.clone().push(&[byte]).is_ok()), "nothing can follow");
}
