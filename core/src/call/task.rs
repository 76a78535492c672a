//! A call as a task: what is heard, judged by the kind of call that it is.

use super::hop::Hop;
use super::{Call, Idle};
use crate::http::framing::Facts;
use crate::http::head::Head;
use crate::policy::Permitted;
use crate::reason::{Fault, Interrupt, Reason};
use crate::route::Route;
use crate::task::{Action, Misuse, Poll, Task};
use crate::time::Instant;

/// What a call hears. Borrows from the received bytes.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'i> {
    /// An interim response (1xx).
    Interim(Head<'i>),
    /// A redirect that is being followed.
    Redirect(Head<'i>),
    /// The head of the answer.
    Head(Head<'i>),
    /// Bytes of its body.
    Body(&'i [u8]),
}

/// What makes an API of a call: what its answer means.
pub trait Kind {
    /// What the task shows.
    type Event<'i>: Copy;
    /// How the task ends.
    type Outcome: Copy;

    /// Whether a success leaves the link open, with the bytes behind the answer's head still to be read: another
    /// protocol goes on there (status 101).
    const HANDS_OVER: bool = false;

    /// Whether a call of this kind can follow redirects.
    const FOLLOWS: bool = true;

    /// Something came. A reason beside the event ends the call once the event has been shown.
    ///
    /// # Errors
    /// The reason that ends the call at once.
    fn hear<'i>(&mut self, heard: Heard<'i>, heed: Heed<'_>) -> Result<(Self::Event<'i>, Option<Reason>), Reason>;

    /// The answer is complete.
    ///
    /// # Errors
    /// The reason that makes a failure of it.
    fn complete(&mut self) -> Result<(), Reason>;

    /// News that no byte has brought: how far the call is.
    fn news<'i>(&mut self, progress: Progress) -> Option<Self::Event<'i>> {
        let _ = progress;
        None
    }

    /// Where the time without a sign of life is limited, and not that of the whole call.
    fn idle(&mut self) -> Option<&mut Idle> {
        None
    }

    /// The call has ended.
    fn outcome(&self, ended: Ended) -> Self::Outcome;
}

/// What a [`Kind`] must know of a call to judge its answer.
#[derive(Clone, Copy, Debug)]
pub struct Heed<'c> {
    hop: &'c Hop<'c>,
    facts: &'c Facts,
    is_sent: bool,
}

impl<'c> Heed<'c> {
    /// Whether the request is out.
    pub const fn is_sent(self) -> bool {
        self.is_sent
    }

    /// The URL of the hop; there is one as long as something is heard.
    pub fn url(self) -> Option<Permitted<'c>> {
        self.hop.url()
    }

    /// What the head of the answer says of its body, once it has come.
    pub const fn facts(self) -> &'c Facts {
        self.facts
    }

    /// Whether the request was read by a proxy, and not only carried by it.
    pub fn by_proxy(self) -> bool {
        self.hop.reading_proxy().is_some()
    }
}

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the caller's content that were written.
    pub written: u64,
    /// How the call has ended, if it has.
    pub result: Option<Result<(), Reason>>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Success, or why not.
    pub result: Result<(), Reason>,
    /// The status of the last response whose head arrived.
    pub status: Option<u16>,
    /// Redirects followed.
    pub redirects: u8,
}

/// One call of an API that is an HTTP exchange. The APIs name it: see
/// [`RequestTask`](crate::request::RequestTask).
#[derive(Debug)]
pub struct CallTask<'r, K> {
    pub(crate) call: Call<'r>,
    pub(crate) kind: K,
}

impl<K: Kind> CallTask<'_, K> {
    /// What the kind makes of what was heard: an event, or nothing because the call is at its end.
    fn hear<'i>(&mut self, heard: Heard<'i>) -> Option<K::Event<'i>> {
        let exchange = &self.call.exchange;
        let heed = Heed { hop: &self.call.hop, facts: exchange.facts(), is_sent: exchange.is_sent() };
        let (event, doom) = match self.kind.hear(heard, heed) {
            Ok((event, doom)) => (Some(event), doom),
            Err(reason) => (None, Some(reason)),
        };
        self.call.doom = self.call.doom.or(doom);
        event
    }
}

impl<K: Kind> Task for CallTask<'_, K> {
    type Event<'i> = K::Event<'i>;
    type Outcome = K::Outcome;

    // Two loops, blocking and asynchronous, need not have a copy each.
    #[inline(never)]
    fn poll<'i>(&mut self, now: Instant, rx: &'i [u8], tx: &mut [u8]) -> Poll<K::Event<'i>, K::Outcome> {
        loop {
            if !self.call.is_over()
                && let Some(event) = self.kind.news(self.call.progress())
            {
                return Poll { consumed: 0, action: Action::Event(event) };
            }
            if K::HANDS_OVER {
                self.call.expect_upgrade();
            }
            let polled = self.call.poll(now, rx, tx, K::FOLLOWS);
            if let Some(idle) = self.kind.idle()
                && let Some(deadline) = idle.after(&polled, now, rx.len())
            {
                self.call.deadline = deadline;
            }
            let Poll { consumed, action } = polled;
            let action = match action {
                // What nothing is made of ends the call, and with it the bytes received.
                Action::Event(Some(heard)) => match self.hear(heard) {
                    Some(event) => Action::Event(event),
                    None => continue,
                },
                Action::Event(None) => {
                    let result = self.kind.complete();
                    if K::HANDS_OVER && result.is_ok() {
                        self.call.hand_over();
                    } else {
                        self.call.settle(result);
                    }
                    continue;
                }
                Action::Done(ended) => Action::Done(self.kind.outcome(ended)),
                Action::Connect { reuse } => Action::Connect { reuse },
                Action::Secure => Action::Secure,
                Action::Transmit { length, more } => Action::Transmit { length, more },
                Action::Fill { at, end, offset } => Action::Fill { at, end, offset },
                Action::Read => Action::Read,
                Action::Continue => Action::Continue,
                Action::Release { keep } => Action::Release { keep },
            };
            return Poll { consumed, action };
        }
    }

    fn route(&self) -> Route<'_> {
        self.call.hop.route()
    }

    fn deadline(&self) -> Instant {
        self.call.deadline
    }

    fn connected(&mut self, reused: bool) -> Result<(), Misuse> {
        self.call.connected(reused)
    }

    fn secured(&mut self) -> Result<(), Misuse> {
        self.call.secured()
    }

    fn filled(&mut self, bytes: usize) {
        self.call.exchange.filled(bytes);
    }

    fn fault(&mut self, fault: Fault) {
        self.call.fault(fault);
    }

    fn write_failed(&mut self) {
        self.call.write_failed();
    }

    fn end_of_stream(&mut self) {
        self.call.exchange.end_of_stream();
    }

    fn interrupt(&mut self, interrupt: Interrupt) {
        self.call.end(
            Err(match interrupt {
                Interrupt::Abort => Reason::Aborted,
                Interrupt::Unload => Reason::Unloaded,
            }),
            false,
        );
    }

    fn refuse(&mut self, reason: Reason) {
        self.call.end(Err(reason), false);
    }
}
