//! (under construction)
#![forbid(unsafe_code)]

#[allow(dead_code, reason = "the client on top is still to come")]
mod net;
