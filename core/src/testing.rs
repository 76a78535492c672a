//! What the core's tests share.

pub(crate) mod by_hand;
pub(crate) mod script;
pub(crate) mod storage;
pub(crate) mod strike;

use std::fmt::Debug;

use crate::context::Context;
use crate::policy::Policy;
use script::{Bytes, Split, Step};

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

/// Any host, plain or not.
pub(crate) fn development<'c>() -> Context<'c> {
    Context::new("2021000000000001", "1.0.0", Policy::development()).unwrap().with_user_agent("kiosk/7").unwrap()
}

/// The fields that come first, whatever the caller's are.
pub(crate) fn head_without_type(host: &str) -> String {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    format!(
        "Host: {host}\r\nReferer: https://{name}/2021000000000001/1.0.0/page-frame.html\r\n\
         User-Agent: kiosk/7\r\nAccept: */*\r\nAccept-Encoding: identity\r\n"
    )
}

pub(crate) fn answers(bytes: impl AsRef<[u8]>) -> Step {
    Step::Answers(Bytes(bytes.as_ref().to_vec()))
}

pub(crate) fn sends(text: impl Into<String>) -> Step {
    Step::Sends(text.into())
}

/// An answer of known length.
pub(crate) fn answer(status: &str, body: &str) -> Step {
    answers(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// Who drives a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Driver {
    ByHand,
    Blocking,
    Asynch,
}

/// What a test compares of two runs of one scenario.
pub(crate) trait Seen: PartialEq + Debug {
    /// Without what may differ between two drivers, splits or sizes of buffers.
    fn comparable(&self) -> Self;
}

/// On every driver, with every size of buffers, at all these splits: the same.
#[track_caller]
pub(crate) fn everywhere<S: Seen>(
    buffers: &[(usize, usize)],
    splits: &[Split],
    run: impl Fn(Driver, Split, (usize, usize)) -> S,
) -> S {
    let seen = run(Driver::ByHand, Split::Whole, buffers[0]);
    for driver in [Driver::ByHand, Driver::Blocking, Driver::Asynch] {
        for buffers in buffers {
            for split in splits {
                let other = run(driver, *split, *buffers);
                assert_eq!(other.comparable(), seen.comparable(), "{driver:?} {split:?} {buffers:?}");
            }
        }
    }
    seen
}

/// At each split of the peer's bytes in two, by hand, as well (CORE-03).
#[track_caller]
pub(crate) fn at_every_boundary<S: Seen>(steps: &[Step], seen: &S, run: impl Fn(Split) -> S) {
    let length: usize = steps.iter().map(|step| if let Step::Answers(bytes) = step { bytes.0.len() } else { 0 }).sum();
    for at in 1..length.min(2000) {
        assert_eq!(run(Split::At(at)).comparable(), seen.comparable(), "split at {at}");
    }
}
