//! What every task has in common: one method that moves it, one action at a time, one end.
//!
//! The law, for whoever drives a task:
//! 1. Call `poll`; carry the action out; drop the consumed bytes; again, until [`Action::Done`]. Once the consumed bytes
//!    are dropped, a further `poll` without news changes nothing and asks again for [`Action::Connect`],
//!    [`Action::Secure`], [`Action::Read`] and [`Action::Done`]. Every other action is given once and the `poll` after
//!    it goes on: it says that the piece was written, the event taken, the link released.
//! 2. [`Action::Transmit`]: the bytes are written in full and in order before the next `poll`; where they cannot be,
//!    [`Task::write_failed`] says so.
//! 3. After the first `Done` every later `poll` returns the same `Done`. It is `complete`: it comes exactly once
//!    for whoever stops there, whatever happened (CTX-07).
//!
//! What the peer, the network, the clock or the policy does ends a task through `Done`, with a reason. What the driver
//! does wrong is an [`Err`] with [`Misuse`] and leaves the task as it was.

use crate::reason::{Fault, Interrupt, Reason};
use crate::route::Route;
use crate::time::Instant;

/// One step of a task.
#[derive(Clone, Copy, Debug)]
#[must_use = "a task moves only when its action is carried out"]
pub struct Poll<E, O> {
    /// Bytes at the start of `rx` that are done with, once the action has been carried out.
    pub consumed: usize,
    /// What to do now.
    pub action: Action<E, O>,
}

/// What a driver does for a task.
#[derive(Clone, Copy, Debug)]
pub enum Action<E, O> {
    /// Open a link over [`Task::route`], or take a kept one where `reuse` allows it; then [`Task::connected`]. The
    /// receive buffer starts empty.
    Connect {
        /// A kept link will do.
        reuse: bool,
    },
    /// Start TLS on the link and verify the peer for the route's host; then [`Task::secured`].
    Secure,
    /// Write `tx[..length]`. Where `more` follows, read first if that can be done without waiting.
    Transmit {
        /// Bytes to write.
        length: usize,
        /// Whether another piece follows.
        more: bool,
    },
    /// Put bytes of the caller's content, from this offset of it on, into `tx[at..end]`, as many as are at hand but at
    /// least one; then [`Task::filled`]. Offset 0 comes again where the content has to be sent anew.
    Fill {
        /// Where they go.
        at: usize,
        /// Where the room ends.
        end: usize,
        /// Which byte of the content is the first.
        offset: u64,
    },
    /// Read more bytes, not longer than until [`Task::deadline`].
    Read,
    /// Show the caller what came.
    Event(E),
    /// Nothing but to drop what was consumed and poll again.
    Continue,
    /// Give the link up: keep it for another call over the same route, or close it. Drop what was received.
    Release {
        /// The link can serve another exchange.
        keep: bool,
    },
    /// The task has ended.
    Done(O),
}

/// A call out of order, by the driver; the task is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misuse;

impl core::fmt::Display for Misuse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the task did not ask for that")
    }
}

impl core::error::Error for Misuse {}

/// A task, as a driver sees it.
pub trait Task {
    /// What the task shows; borrows from the received bytes only.
    type Event<'i>: Copy;
    /// How the task ended.
    type Outcome: Copy;

    /// Moves the task.
    ///
    /// `rx` holds the bytes received and not yet consumed; `tx` is free for the task to fill.
    fn poll<'i>(&mut self, now: Instant, rx: &'i [u8], tx: &mut [u8]) -> Poll<Self::Event<'i>, Self::Outcome>;

    /// Where the link leads.
    fn route(&self) -> Route<'_>;

    /// Until when the current step may take. It moves on while a download brings something; else it is the end of the call.
    fn deadline(&self) -> Instant;

    /// The link is open; `reused` if it was kept from an earlier call.
    ///
    /// # Errors
    /// [`Misuse`] unless [`Action::Connect`] asked for it.
    fn connected(&mut self, reused: bool) -> Result<(), Misuse>;

    /// TLS is up and the peer is verified for the route's host.
    ///
    /// # Errors
    /// [`Misuse`] unless [`Action::Secure`] asked for it.
    fn secured(&mut self) -> Result<(), Misuse>;

    /// So many bytes of content stand where [`Action::Fill`] wanted them. Where the content has ended too early, or
    /// cannot be read, [`refuse`](Self::refuse) the task instead.
    fn filled(&mut self, bytes: usize) {
        let _ = bytes;
    }

    /// The last action failed.
    fn fault(&mut self, fault: Fault);

    /// The link took only a part of what was to be transmitted. An answer may still be waiting.
    fn write_failed(&mut self);

    /// The peer closed its side: no bytes will follow those in `rx`.
    fn end_of_stream(&mut self);

    /// Somebody wants the task to end. After its end this does nothing.
    fn interrupt(&mut self, interrupt: Interrupt);

    /// Whoever takes the events cannot take more of them.
    fn refuse(&mut self, reason: Reason);
}
