//! An open socket without its link: all that the two loops of a socket do alike.

use core::mem::take;

use super::buffer::ReceiveBuffer;
use super::codecs::{Codecs, Offer};
use super::{NoRandomness, Received};
use crate::http::head::Head;
use crate::reason::Reason;
use crate::socket::{Assemble, ConnectFailure, Event, Opened, OpeningEvent, Sending, Settings, SocketTask};
use crate::time::Instant;
use crate::ws::mask::Mask;

/// How long a wait is at most before it is begun anew, in milliseconds: a clock of a day suffices.
const LONGEST_WAIT: u64 = 3_600_000;

/// The task and its memory.
#[derive(Debug)]
pub(super) struct OpenSocket<'s> {
    pub(super) task: SocketTask,
    pub(super) rx: ReceiveBuffer<'s>,
    /// Bytes of it that are done with once the event is dropped that borrows from them.
    spent: usize,
    pub(super) tx: &'s mut [u8],
    pub(super) assemble: Assemble<'s>,
    codecs: Codecs<'s>,
}

/// What came, without a borrow.
pub(super) enum Came {
    Message,
    Error(Reason),
    /// The reason is between these places of the received bytes.
    Close(u16, usize, usize),
    /// The end of all.
    Nothing,
    /// What is not to be reported: look again.
    More,
    /// No bytes: read.
    NotYet,
}

impl<'s> OpenSocket<'s> {
    /// What follows an opening handshake that has ended well.
    pub(super) fn after(
        opened: &Opened,
        settings: Settings,
        now: Instant,
        (rx, tx, message): (ReceiveBuffer<'s>, &'s mut [u8], &'s mut [u8]),
        offer: Offer<'s>,
    ) -> Self {
        let task = SocketTask::after(opened, settings, now);
        Self { task, rx, spent: 0, tx, assemble: Assemble::new(message), codecs: offer.agreed(opened) }
    }

    /// Whether bytes have come that were not looked at.
    pub(super) fn has_more(&self) -> bool {
        self.rx.filled().len() > self.spent
    }

    /// Drops what was reported last.
    pub(super) fn begin(&mut self) {
        self.rx.consume(take(&mut self.spent));
    }

    /// Looks at what has come. `on_piece` says whether a piece completes a message to be reported.
    // Inlined into its loop it takes 250 bytes more of flash.
    #[inline(never)]
    pub(super) fn step(
        &mut self,
        now: Instant,
        on_piece: &mut impl FnMut(&mut Assemble<'s>, bool, &[u8], bool) -> Result<bool, Reason>,
    ) -> Came {
        let (consumed, event) = self.codecs.receive(&mut self.task, now, self.rx.filled());
        let came = match event {
            Some(Event::Message { text, data, fin }) => match on_piece(&mut self.assemble, text, data, fin) {
                Ok(true) => Came::Message,
                Ok(false) => Came::More,
                Err(reason) => {
                    self.task.refuse(now, reason);
                    Came::More
                }
            },
            Some(Event::Error { reason }) => Came::Error(reason),
            Some(Event::Close { code, reason }) => {
                // It is the end of what was consumed, and stays until the next call.
                let start = consumed.saturating_sub(reason.len());
                self.spent = consumed;
                return Came::Close(code, start, consumed);
            }
            None if consumed > 0 => Came::More,
            None if self.task.is_finished(now) => Came::Nothing,
            None => Came::NotYet,
        };
        self.rx.consume(consumed);
        came
    }

    /// What came, as the caller sees it.
    pub(super) fn received(&self, came: Came) -> Option<Received<'_>> {
        Some(match came {
            Came::Message => Received::Message(self.assemble.message()),
            Came::Error(reason) => Received::Error(reason),
            Came::Close(code, start, end) => {
                let reason = self.rx.filled().get(start..end).unwrap_or_default();
                Received::Close { code, reason: core::str::from_utf8(reason).unwrap_or_default() }
            }
            Came::Nothing | Came::More | Came::NotYet => return None,
        })
    }

    /// Puts the control frame that is due into the transmit buffer: so many bytes, or none where it cannot be masked.
    pub(super) fn due(&mut self, now: Instant, mask: Result<Mask, Reason>) -> Option<usize> {
        match mask {
            Ok(mask) => Some(self.task.transmit(now, mask, self.tx)),
            Err(reason) => {
                self.task.abandon(now, reason);
                None
            }
        }
    }

    /// Puts the next frame of a message into the transmit buffer: so many bytes.
    pub(super) fn put(&mut self, message: &mut Sending<'_>, mask: Mask) -> Result<usize, Reason> {
        self.codecs.next(message, &mut self.task, mask, self.tx)
    }
}

/// How the opening handshake ended.
pub(super) fn opens(opened: &Opened) -> Result<(), ConnectFailure> {
    opened.result.map_err(|reason| ConnectFailure { reason, status: opened.status })
}

/// Until when one wait lasts that may last until then.
pub(super) fn soon(now: Instant, until: Instant) -> Instant {
    until.min(now.after(LONGEST_WAIT))
}

/// A mask of random bytes.
pub(super) fn mask(random: impl FnOnce(&mut [u8]) -> Result<(), NoRandomness>) -> Result<Mask, Reason> {
    let mut bytes = [0; 4];
    random(&mut bytes).map_err(|NoRandomness| Reason::NoRandomness)?;
    Ok(Mask::fresh(bytes))
}

/// What the opening handshake shows, for whoever only wants to hear that the socket is open.
pub(super) fn told_of_open(
    mut on_open: impl FnMut(Head<'_>, Option<&str>),
) -> impl FnMut(OpeningEvent<'_>) -> Result<(), Reason> {
    move |event| {
        if let OpeningEvent::Head { head, protocol, is_open: true } = event {
            on_open(head, protocol);
        }
        Ok(())
    }
}
