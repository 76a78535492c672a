//! What a socket sends: whole masked frames, each with the key given for it, and what may stand in them.

use miniwire_core::ws::close;

use crate::oracle::{self, Item};
use crate::socket_sending::Outgoing;

/// The opcode of a Close.
pub(super) const CLOSE: u8 = 8;
/// The opcode of a ping.
pub(super) const PING: u8 = 9;
const PONG: u8 = 10;

/// The frames of one connection.
#[derive(Default)]
pub(super) struct Sent {
    keys: u32,
    /// The message that is being sent.
    pub(super) outgoing: Option<Outgoing>,
    /// The type of the message of which fragments are out.
    pub(super) under_way: Option<bool>,
    /// The Close frame is out.
    pub(super) close: bool,
    pongs: usize,
}

impl Sent {
    /// The key of the next frame.
    pub(super) fn key(&mut self) -> [u8; 4] {
        self.keys += 1;
        self.keys.wrapping_mul(0x9e37_79b9).to_be_bytes()
    }

    /// Checks a frame that was sent after the server had said what `heard` returns. Returns its opcode.
    pub(super) fn frame(&mut self, bytes: &[u8], key: [u8; 4], heard: impl Fn() -> Vec<Item>) -> u8 {
        let (frame, rest) = oracle::client_frame(bytes);
        assert!(rest.is_empty() && frame.key == key, "another mask than the one given");
        assert!(!self.close, "sent after the Close");
        match frame.opcode {
            CLOSE => {
                self.close = true;
                check_close(&frame.payload, heard().last());
            }
            PING => assert!(frame.payload.is_empty()),
            PONG => {
                let heard = heard();
                let is_ping = |item: &&Item| matches!(item, Item::Ping(_));
                let pings = heard.iter().filter(is_ping).count();
                assert!(pings > self.pongs, "a pong for no ping");
                let newest = heard.iter().rfind(is_ping);
                assert_eq!(newest, Some(&Item::Ping(frame.payload)), "not the newest ping's");
                self.pongs = pings;
            }
            opcode => {
                let outgoing = self.outgoing.as_mut().expect("a message");
                assert_eq!(opcode, if self.under_way.is_some() { 0 } else { 2 - u8::from(outgoing.text) });
                assert!(outgoing.left.starts_with(&frame.payload), "not what was said");
                outgoing.left.drain(..frame.payload.len());
                assert_eq!(frame.fin, outgoing.fin && outgoing.left.is_empty());
                self.under_way = (!frame.fin).then_some(outgoing.text);
            }
        }
        frame.opcode
    }
}

/// A code that may be sent, or the server's own.
fn check_close(body: &[u8], last: Option<&Item>) {
    let [high, low, reason @ ..] = body else { return assert!(body.is_empty()) };
    let code = u16::from_be_bytes([*high, *low]);
    assert!(std::str::from_utf8(reason).is_ok());
    let theirs = match last {
        Some(Item::Close(code, _)) => Some(*code),
        _ => None,
    };
    assert!(close::is_sendable(code) || theirs == Some(code), "{code}");
}
