//! HTTP/1.1 as a client speaks it (RFC 9110, RFC 9112): heads, body framing, one exchange.
//!
//! These modules know the RFCs and nothing of mini programs. Bytes received are never copied: every event borrows
//! from the slice that it was found in.

pub mod chunked;
pub mod exchange;
pub mod fields;
pub mod framing;
pub mod head;
pub mod response;
