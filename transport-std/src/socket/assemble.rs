//! A message put together in memory that grows (SOCK-09).

use miniwire_core::reason::Reason;

use super::message::Message;

/// Puts the pieces of messages together, up to a limit.
pub(super) struct Assembler {
    text: bool,
    bytes: Vec<u8>,
    limit: usize,
    /// The message under way was begun elsewhere: what is left of it makes none.
    skips: bool,
}

impl Assembler {
    pub(super) fn new(limit: usize) -> Self {
        Self { text: false, bytes: Vec::new(), limit, skips: false }
    }

    /// Takes a piece. Returns the message that it completes.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] beyond the limit, before the piece is kept.
    pub(super) fn piece(&mut self, text: bool, data: &[u8], fin: bool) -> Result<Option<Message>, Reason> {
        if self.skips {
            self.skips = !fin;
            return Ok(None);
        }
        if data.len() > self.limit.saturating_sub(self.bytes.len()) {
            self.bytes = Vec::new();
            return Err(Reason::TooLarge);
        }
        self.text = text;
        self.bytes.extend_from_slice(data);
        Ok(fin.then(|| Message::of(text, std::mem::take(&mut self.bytes))))
    }

    /// What there is of the message under way, for whoever goes on with it: whether it is text, and the bytes.
    pub(super) fn hand_over(&mut self) -> Option<(bool, Vec<u8>)> {
        self.skips = false;
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then_some((self.text, bytes))
    }

    /// Takes over, from whoever was handed the pieces so far; the last of them ended a message, or did not.
    pub(super) fn take_over(&mut self, ended: bool) {
        self.skips = !ended;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sock_09_a_message_is_taken_up_to_the_limit_and_not_beyond_it() {
        let mut assembler = Assembler::new(5);
        assert_eq!(assembler.piece(true, b"hel", false), Ok(None));
        assert_eq!(assembler.piece(true, b"lo", true), Ok(Some("hello".into())));
        assert_eq!(assembler.piece(false, b"hel", false), Ok(None));
        assert_eq!(assembler.piece(false, b"lo!", true), Err(Reason::TooLarge));
    }

    #[test]
    fn sock_09_a_message_that_was_begun_elsewhere_is_not_taken_for_a_whole_one() {
        let mut assembler = Assembler::new(5);
        assembler.take_over(false);
        assert_eq!(assembler.piece(true, b"\x80 and so on", false), Ok(None));
        assert_eq!(assembler.piece(true, b"", true), Ok(None));
        assert_eq!(assembler.piece(true, b"next", true), Ok(Some("next".into())));
        assert_eq!(assembler.piece(true, b"half", false), Ok(None));
        assert_eq!(assembler.hand_over(), Some((true, b"half".to_vec())));
        assert_eq!(assembler.hand_over(), None);
    }
}
