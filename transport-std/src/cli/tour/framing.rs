//! Framing: what is read, what is refused, what ends too soon (REQ-18).

use std::error::Error;

use super::Tour;

pub(super) fn steps(tour: &mut Tour<'_>) -> Result<(), Box<dyn Error>> {
    tour.step(
        "Chunks are put together, whatever extensions and trailers they have.",
        tour.request("/chunked/3?extensions=1&trailers=2").text(),
        |came| came.brings("chunk 0\nchunk 1\nchunk 2\n"),
    );
    tour.step("A body may end with the connection.", tour.request("/close").text(), |came| {
        came.brings("until the end\n")
    });
    tour.step("Interim responses are passed over.", tour.request("/interim/3"), |came| came.has("/interim", 3));
    for (promise, kind, reason) in [
        ("Two lengths that differ are code 19;", "two-lengths", "MalformedFraming"),
        ("so are a length beside chunks,", "length-and-chunked", "MalformedFraming"),
        ("a length with a sign,", "plus-length", "MalformedFraming"),
        ("a chunk size that is no number,", "chunk-junk-size", "MalformedFraming"),
        ("a chunk size beyond 64 bits,", "chunk-overflow", "MalformedFraming"),
        ("lines that end with a bare LF,", "bare-lf", "MalformedHead"),
        ("a folded header,", "obs-fold", "MalformedHead"),
        ("a NUL in a header,", "nul-in-header", "MalformedHead"),
        ("a head without an end,", "endless-head", "HeadTooLarge"),
        ("and what is no HTTP at all.", "garbage-text", "MalformedHead"),
    ] {
        let step = tour.request(&format!("/malformed/{kind}")).text();
        tour.step(promise, step, |came| came.fails(19, reason));
    }
    for (promise, path) in [
        ("A connection that closes before the body's end is code 12;", "/truncated"),
        ("so is one that closes before the last chunk,", "/truncated-chunked"),
        ("and one that closes before any answer.", "/kill"),
    ] {
        tour.step(promise, tour.request(path).text(), |came| came.fails(12, "ConnectionClosed"));
    }
    tour.step(
        "A body that ends with the connection ends by TLS; without its close_notify, somebody may have cut it.",
        tour.request("/close?end=cut").text(),
        |came| came.fails(12, "ConnectionLost"),
    );
    Ok(())
}
