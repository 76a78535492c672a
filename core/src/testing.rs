//! What the core's tests share.

pub(crate) mod by_hand;
pub(crate) mod script;

use std::fmt::Debug;

/// Runs `run` over `bytes` in one piece, byte by byte, and in two pieces at every place; all must give the same
/// (CORE-03). Returns what they gave.
#[track_caller]
pub(crate) fn at_every_split<T: PartialEq + Debug>(bytes: &[u8], run: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = run(&[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(run(&single), whole, "byte by byte: {:?}", bytes.escape_ascii().to_string());
    for at in 1..bytes.len() {
        let (left, right) = bytes.split_at(at);
        assert_eq!(run(&[left, right]), whole, "split at {at}: {:?}", bytes.escape_ascii().to_string());
    }
    whole
}
