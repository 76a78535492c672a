//! What a socket shows, and the server's bytes that it shows it of.

use miniwire_core::reason::Reason;
use miniwire_core::socket::{Assemble, Message};

use crate::oracle::{self, Item};

/// The messages of one connection.
pub(super) struct Shown<'r> {
    assemble: Assemble<'r>,
    /// Bytes of a message.
    limit: usize,
    /// Everything that the socket consumed.
    heard: Vec<u8>,
    /// Whether it is text, its bytes, whether it is whole.
    messages: Vec<(bool, Vec<u8>, bool)>,
}

impl<'r> Shown<'r> {
    /// Messages are put together in this memory.
    pub(super) fn new(memory: &'r mut [u8], base64: bool) -> Self {
        let limit = memory.len();
        let assemble = if base64 { Assemble::as_base64(memory) } else { Assemble::new(memory) };
        Self { assemble, limit, heard: Vec::new(), messages: Vec::new() }
    }

    /// The socket consumed these bytes.
    pub(super) fn hear(&mut self, taken: &[u8]) {
        self.heard.extend_from_slice(taken);
    }

    /// What a plain reading makes of what the socket consumed.
    pub(super) fn items(&self) -> Vec<Item> {
        oracle::server_items(&self.heard)
    }

    /// A piece was shown. Returns whether the message is whole, or why it cannot be put together.
    pub(super) fn piece(&mut self, text: bool, data: &[u8], fin: bool) -> Result<bool, Reason> {
        match self.messages.last_mut() {
            Some((same, bytes, end @ false)) => {
                assert_eq!(*same, text);
                bytes.extend_from_slice(data);
                *end = fin;
            }
            _ => self.messages.push((text, data.to_vec(), fin)),
        }
        self.assemble.piece(text, data, fin)
    }

    /// The message put together is the pieces.
    pub(super) fn check_message(&self) {
        let (text, bytes, _) = self.messages.last().unwrap();
        let message = self.assemble.message();
        assert!(message.as_bytes().len() <= self.limit, "more than the limit");
        match message {
            Message::Text(data) => assert!(*text && data.as_bytes() == bytes),
            Message::Binary(data) => assert!(!*text && data == bytes),
            Message::Base64(data) => assert!(!*text && data == oracle::base64_encode(bytes)),
        }
    }

    /// The Close that was shown is the server's.
    pub(super) fn check_close(&self, code: u16, reason: &str) {
        assert_eq!(self.items().last(), Some(&Item::Close(code, reason.to_owned())));
    }

    /// What was shown is what came: all of it, where it is to be `whole`.
    pub(super) fn check(&self, whole: bool) {
        let expected = oracle::messages(&self.items());
        if whole {
            assert_eq!(self.messages, expected);
        }
        assert!(self.messages.len() <= expected.len());
        for (at, (shown, expected)) in self.messages.iter().zip(&expected).enumerate() {
            let last = at + 1 == self.messages.len();
            assert!(shown == expected || (last && shown.0 == expected.0 && expected.1.starts_with(&shown.1)));
        }
    }
}
