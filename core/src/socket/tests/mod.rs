//! The socket: its opening handshake against a scripted peer, and the open socket by hand.

use std::prelude::v1::*;

use super::*;

#[test]
fn core_05_an_open_socket_is_below_256_bytes() {
    assert!(size_of::<SocketTask>() < 256, "{}", size_of::<SocketTask>());
}
