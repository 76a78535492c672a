//! What came while something was sent, to be received later.

use std::collections::VecDeque;

use miniwire_core::reason::Reason;
use miniwire_core::socket::Event;

use super::message::{SocketEvent, failure};

/// Bytes of messages that are kept. Beyond it the network is left to wait.
const LIMIT: usize = 1024 * 1024;

/// What an entry is counted with beside its bytes: empty messages take memory, too.
const ENTRY: usize = 64;

/// Pieces of messages, and how the socket ended.
#[derive(Default)]
pub(super) struct Inbox {
    kept: VecDeque<Kept>,
    bytes: usize,
}

pub(super) enum Kept {
    Piece(Piece),
    /// An Error or the Close.
    End(SocketEvent),
}

pub(super) struct Piece {
    pub(super) text: bool,
    pub(super) bytes: Vec<u8>,
    pub(super) fin: bool,
}

impl Inbox {
    /// Whether it is to be given no more, for the time being.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= LIMIT
    }

    pub(super) fn keep(&mut self, event: Event<'_>) {
        let Event::Message { text, data, fin } = event else {
            self.kept.extend(SocketEvent::ending(event).map(Kept::End));
            return;
        };
        if let Some(Kept::Piece(piece)) = self.kept.back_mut().filter(|kept| kept.goes_on()) {
            piece.bytes.extend_from_slice(data);
            piece.fin = fin;
        } else {
            self.kept.push_back(Kept::Piece(Piece { text, bytes: data.to_vec(), fin }));
            self.bytes = self.bytes.saturating_add(ENTRY);
        }
        self.bytes = self.bytes.saturating_add(data.len());
    }

    pub(super) fn next(&mut self) -> Option<Kept> {
        let next = self.kept.pop_front()?;
        if let Kept::Piece(piece) = &next {
            self.bytes = self.bytes.saturating_sub(piece.bytes.len().saturating_add(ENTRY));
        }
        Some(next)
    }

    /// Drops the messages. Returns whether the socket has ended already: its Error is this one then, unless it has one.
    pub(super) fn refuse(&mut self, reason: Reason) -> bool {
        self.kept.retain(|kept| matches!(kept, Kept::End(_)));
        self.bytes = 0;
        if let Some(Kept::End(SocketEvent::Close(_))) = self.kept.front() {
            self.kept.push_front(Kept::End(SocketEvent::Error(failure(reason))));
        }
        !self.kept.is_empty()
    }
}

impl Kept {
    /// A piece of a message that does not end with it.
    fn goes_on(&self) -> bool {
        matches!(self, Self::Piece(piece) if !piece.fin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(inbox: &mut Inbox) -> Vec<String> {
        let show = |kept| match kept {
            Kept::Piece(piece) => format!("{} {}", String::from_utf8_lossy(&piece.bytes), piece.fin),
            Kept::End(SocketEvent::Error(failure)) => failure.reason().name().into(),
            Kept::End(SocketEvent::Close(close)) => close.code.to_string(),
            Kept::End(SocketEvent::Message(_)) => unreachable!(),
        };
        std::iter::from_fn(|| inbox.next()).map(show).collect()
    }

    fn message(data: &[u8], fin: bool) -> Event<'_> {
        Event::Message { text: true, data, fin }
    }

    #[test]
    fn sock_05_what_is_kept_comes_in_order_with_the_pieces_of_a_message_joined() {
        let mut inbox = Inbox::default();
        for event in [message(b"a", false), message(b"b", true), message(b"", true), message(b"c", false)] {
            inbox.keep(event);
        }
        inbox.keep(Event::Close { code: 1000, reason: "" });
        assert_eq!(shown(&mut inbox), ["ab true", " true", "c false", "1000"]);
        assert_eq!(inbox.bytes, 0);
    }

    #[test]
    fn sock_09_empty_messages_fill_it_too() {
        let mut inbox = Inbox::default();
        let kept = (0..).take_while(|_| {
            inbox.keep(message(b"", true));
            !inbox.is_full()
        });
        assert!(kept.count() < LIMIT / ENTRY);
    }

    #[test]
    fn sock_07_a_message_refused_behind_the_end_is_the_one_error() {
        let mut inbox = Inbox::default();
        inbox.keep(message(b"long", true));
        assert!(!inbox.refuse(Reason::TooLarge));
        inbox.keep(message(b"long", true));
        inbox.keep(Event::Close { code: 1000, reason: "" });
        assert!(inbox.refuse(Reason::TooLarge));
        assert_eq!(shown(&mut inbox), ["TooLarge", "1000"]);
        inbox.keep(Event::Error { reason: Reason::ConnectionLost });
        inbox.keep(Event::Close { code: 1006, reason: "" });
        assert!(inbox.refuse(Reason::TooLarge));
        assert_eq!(shown(&mut inbox), ["ConnectionLost", "1006"]);
    }
}
