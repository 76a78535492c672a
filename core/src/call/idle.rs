//! A limit to the time without a sign of life, where that and not the whole call is limited.

use super::Polled;
use crate::task::Action;
use crate::time::Instant;

/// What is remembered of a call to tell whether anything has happened since.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// Milliseconds without a sign of life.
    limit: u32,
    /// What the last poll waited for.
    wait: Wait,
    /// Bytes that waited in the receive buffer then.
    waiting: usize,
}

/// What a poll waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    Nothing,
    Link,
    Security,
    Bytes,
}

impl Idle {
    /// A call that may be silent for so many milliseconds.
    pub(crate) const fn new(limit: u32) -> Self {
        Self { limit, wait: Wait::Nothing, waiting: 0 }
    }

    /// The deadline that follows from a poll, if there was a sign of life: a byte that came, a piece that was written, a
    /// link that opened.
    pub(super) fn after(&mut self, polled: &Polled<'_>, now: Instant, received: usize) -> Option<Instant> {
        let wait = match polled.action {
            Action::Connect { .. } => Wait::Link,
            Action::Secure => Wait::Security,
            Action::Read => Wait::Bytes,
            _ => Wait::Nothing,
        };
        let still = wait != Wait::Nothing && wait == self.wait && received <= self.waiting;
        self.wait = wait;
        self.waiting = received.saturating_sub(polled.consumed);
        if still { None } else { Some(now.after(self.limit.into())) }
    }
}
