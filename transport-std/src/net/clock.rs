//! The core's milliseconds, measured on the monotonic clock of std.

use std::time::{Duration, Instant as StdInstant};

use miniwire_core::time::Instant;

/// A clock whose zero is the moment that it was made. Copies agree with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(StdInstant);

impl Clock {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        Self(StdInstant::now())
    }

    /// The time now, rounded down to a millisecond.
    pub(crate) fn now(self) -> Instant {
        self.at(StdInstant::now())
    }

    /// A time that std's clock has shown.
    pub(crate) fn at(self, time: StdInstant) -> Instant {
        let since = time.saturating_duration_since(self.0);
        Instant::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long it is until `until`; `None` where that has passed.
    pub(crate) fn left(self, until: Instant) -> Option<Duration> {
        Some(Duration::from_millis(self.now().until(until))).filter(|left| !left.is_zero())
    }
}
