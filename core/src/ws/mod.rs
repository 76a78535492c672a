//! The WebSocket protocol as a client speaks it (RFC 6455, version 13): the opening handshake, frames, one connection.
//!
//! These modules know the RFC and nothing of mini programs. Bytes received are never copied, except a ping's payload,
//! which its pong needs.
//!
//! | module | RFC 6455 | |
//! |---|---|---|
//! | [`handshake`] | 4.1 | the fields that ask for the upgrade, and the check of the answer |
//! | [`connection`] | 5.4 to 7 | what follows a good handshake, as one machine |
//! | [`frame`], [`mask`] | 5.2, 5.3 | headers and payloads on the wire |
//! | [`close`] | 7.4 | codes and reasons |
//! | [`violation`] | 7.1.7 | what a server can do wrong |
#![cfg_attr(
    feature = "permessage-deflate",
    doc = "| [`deflate`] | RFC 7692 | compressed messages (feature `permessage-deflate`) |"
)]
//!
//! Without the feature `permessage-deflate` no extension is asked for and none is accepted.

pub mod close;
pub mod connection;
#[cfg(feature = "permessage-deflate")]
pub mod deflate;
pub mod frame;
pub mod handshake;
pub mod mask;
mod sha1;
pub mod violation;
