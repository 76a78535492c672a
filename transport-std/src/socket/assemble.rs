//! A message put together in memory that grows (SOCK-09).

use miniwire_core::reason::Reason;

use super::message::Message;

/// Puts the pieces of messages together, up to a limit.
pub(super) struct Assembler {
    bytes: Vec<u8>,
    limit: usize,
}

impl Assembler {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }

    /// Takes a piece. Returns the message that it completes.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] beyond the limit, before the piece is kept.
    pub(super) fn piece(&mut self, text: bool, data: &[u8], fin: bool) -> Result<Option<Message>, Reason> {
        if data.len() > self.limit.saturating_sub(self.bytes.len()) {
            self.bytes = Vec::new();
            return Err(Reason::TooLarge);
        }
        self.bytes.extend_from_slice(data);
        Ok(fin.then(|| Message::of(text, std::mem::take(&mut self.bytes))))
    }
}
