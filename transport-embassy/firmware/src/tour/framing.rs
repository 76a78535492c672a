//! Framing: what is read, what is refused, what ends too soon (REQ-18).

use miniwire_core::request::{DataType, Request};

use super::Step;

pub(super) const STEPS: &[Step] = &[
    (
        "Chunks are put together, whatever extensions and trailers they have.",
        text("/chunked/3?extensions=1&trailers=2"),
    ),
    ("A body may end with the connection.", text("/close")),
    (
        "A body that ends with the connection ends by TLS; without its close_notify, somebody may have cut it.",
        text("/close?end=cut"),
    ),
    ("Interim responses are passed over.", Request::new("/interim/3")),
    ("Two lengths that differ are code 19;", text("/malformed/two-lengths")),
    ("so are a length beside chunks,", text("/malformed/length-and-chunked")),
    ("a length with a sign,", text("/malformed/plus-length")),
    ("a chunk size that is no number,", text("/malformed/chunk-junk-size")),
    ("a chunk size beyond 64 bits,", text("/malformed/chunk-overflow")),
    ("lines that end with a bare LF,", text("/malformed/bare-lf")),
    ("a folded header,", text("/malformed/obs-fold")),
    ("a NUL in a header,", text("/malformed/nul-in-header")),
    ("a head without an end,", text("/malformed/endless-head")),
    ("and what is no HTTP at all.", text("/malformed/garbage-text")),
    ("A connection that closes before the body's end is code 12;", text("/truncated")),
    ("so is one that closes before the last chunk,", text("/truncated-chunked")),
    ("and one that closes before any answer.", text("/kill")),
];

const fn text(path: &str) -> Request<'_> {
    Request::new(path).data_type(DataType::Text)
}
