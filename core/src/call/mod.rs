//! What the HTTP calls have in common: a call over its hops, from the first connection to the last byte of the answer.
//!
//! ```text
//!              /--proxy, https--> Tunnel --2xx--\
//!  Connect --> |--https-----------------------> Secure --> Exchange --end of body--> Release --> Done
//!    ^  \      \--http, or a kept link---------------------/  |  ^
//!    |   \____________________________________________________/  |
//!    |       kept link died unheard: once more, fresh            |
//!    \--------redirect to another origin------ Drain --same origin, drained
//! ```
//!
//! Every state can also go to `Release` and `Done` with a reason: the deadline, an interrupt, a fault.
//!
//! A call knows what was asked and how to get an answer; what the answer means is for the [`Kind`] of call to say.
//! Callers need this module only to name a task's type: [`RequestTask`](crate::request::RequestTask) and its like are
//! [`CallTask`]s.

mod hop;
mod idle;
mod kept;
mod message;
pub(crate) mod method;
mod outgoing;
mod task;

use crate::context::Context;
use crate::http::exchange::{Exchange, ExchangeError, Message, Step as Http};
use crate::http::framing::Framing;
use crate::http::head::Head;
use crate::http::response::ResponseError;
use crate::reason::{Fault, Reason};
use crate::task::{Action, Misuse, Poll};
use crate::time::Instant;
use hop::Hop;
pub use idle::Idle;
pub(crate) use kept::KeptHead;
use message::ConnectMessage;
pub(crate) use outgoing::{Content, Envelope, Headers, Input, Outgoing};
pub use task::{CallTask, Ended, Heard, Heed, Kind, Progress};

/// A call over its hops.
#[derive(Debug)]
pub(crate) struct Call<'r> {
    hop: Hop<'r>,
    deadline: Instant,
    link: Link,
    /// The receive buffer is full.
    full: bool,
    step: Step,
    /// Of the steps that have one: with the proxy for a tunnel, else with the origin.
    exchange: Exchange,
    /// The call ends with this once its last event has been shown.
    doom: Option<Reason>,
    /// Whether the link may serve another exchange, once the answer is complete.
    persists: bool,
    ended: Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    None,
    Fresh,
    Reused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect {
        reuse: bool,
    },
    Tunnel,
    Secure,
    Exchange,
    /// The body of a redirect within the origin; so many more bytes are read before the link is given up.
    Drain(u32),
    Release {
        keep: bool,
        then: Then,
    },
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Connect { reuse: bool },
    Done,
}

/// A longer redirect body costs more to read than a new connection.
const DRAIN_LIMIT: u32 = 16 * 1024;

/// `Event(None)` is the end of the answer.
type Polled<'i> = Poll<Option<Heard<'i>>, Ended>;

const fn act<'i>(consumed: usize, action: Action<Option<Heard<'i>>, Ended>) -> Polled<'i> {
    Poll { consumed, action }
}

impl<'r> Call<'r> {
    /// A call that ends at its first poll if the context refuses it. It may take until the deadline.
    // Never inlined: in a large frame it would be larger itself.
    #[inline(never)]
    pub(crate) fn new(context: &'r Context<'r>, input: &'r dyn Input, memory: &'r mut [u8], deadline: Instant) -> Self {
        let mut call = Self {
            hop: Hop::new(context, input, memory),
            deadline,
            link: Link::None,
            full: false,
            step: Step::Connect { reuse: true },
            exchange: Exchange::new(),
            doom: None,
            persists: false,
            ended: Ended { result: Ok(()), status: None, redirects: 0 },
        };
        if let Err(reason) = call.hop.admit() {
            call.end(Err(reason), false);
        }
        call
    }

    /// `follows` says whether any call of its kind follows redirects: where none does, that code is not linked.
    fn poll<'i>(&mut self, now: Instant, rx: &'i [u8], tx: &mut [u8], follows: bool) -> Polled<'i> {
        if now >= self.deadline {
            self.end(Err(Reason::Timeout), false);
        }
        match self.step {
            Step::Connect { reuse } => act(0, Action::Connect { reuse }),
            Step::Secure => act(0, Action::Secure),
            Step::Tunnel | Step::Exchange => self.converse(rx, tx, follows),
            Step::Drain(budget) => self.drain(budget, rx, tx),
            Step::Release { .. } | Step::Done => self.release(),
        }
    }

    /// Whether the end has been told, or will be at the next poll.
    fn is_over(&self) -> bool {
        matches!(self.step, Step::Done)
    }

    fn progress(&self) -> Progress {
        Progress {
            written: self.exchange.content_written(),
            result: match self.step {
                Step::Release { then: Then::Done, .. } | Step::Done => Some(self.ended.result),
                _ => None,
            },
        }
    }

    /// Begins an exchange: with the proxy for a tunnel, else with the origin.
    // Never inlined: at each of its uses it would be as large.
    #[inline(never)]
    fn begin(&mut self, step: Step) {
        self.exchange = Exchange::new();
        self.step = step;
    }

    /// Moves the exchange with the origin, or with the proxy for a tunnel (RFC 9110 section 9.3.6).
    fn converse<'i>(&mut self, rx: &'i [u8], tx: &mut [u8], follows: bool) -> Polled<'i> {
        if let Some(reason) = self.doom {
            return self.fail(reason);
        }
        let in_tunnel = matches!(self.step, Step::Tunnel);
        let connect = ConnectMessage(&self.hop);
        let message: &dyn Message = if in_tunnel { &connect } else { &self.hop };
        match self.exchange.poll(message, rx, tx) {
            Ok((consumed, Http::Transmit { length, more })) => act(consumed, Action::Transmit { length, more }),
            Ok((consumed, Http::Fill { at, end, offset })) => act(consumed, Action::Fill { at, end, offset }),
            Ok((0, Http::Read)) if self.full => self.broken(ExchangeError::Response(self.exchange.overflow(rx))),
            Ok((consumed, Http::Read)) => act(consumed, Action::Read),
            Ok((consumed, Http::Interim(head))) => act(consumed, Action::Event(Some(Heard::Interim(head)))),
            Ok((consumed, Http::Head(head))) if in_tunnel => match head.status() {
                // The origin cannot have spoken yet: the client begins, once it has asked for the tunnel.
                200..=299 if consumed == rx.len() && self.exchange.is_sent() => {
                    if self.hop.is_secure() {
                        self.step = Step::Secure;
                        act(consumed, Action::Secure)
                    } else {
                        self.begin(Step::Exchange);
                        act(consumed, Action::Continue)
                    }
                }
                200..=299 => self.fail(Reason::ProxyFailed),
                status => {
                    self.ended.status = Some(status);
                    self.doom = Some(Reason::ProxyRefused);
                    act(consumed, Action::Event(Some(Heard::Head(head))))
                }
            },
            Ok((consumed, Http::Head(head))) => {
                self.ended.status = Some(head.status());
                act(consumed, Action::Event(Some(self.head(head, follows))))
            }
            Ok((consumed, Http::Body(bytes))) => act(consumed, Action::Event(Some(Heard::Body(bytes)))),
            Ok((consumed, Http::End { persists })) => {
                self.persists = persists;
                act(consumed, Action::Event(None))
            }
            Err(error) => self.broken(error),
        }
    }

    // Never inlined: in a large frame it would be larger itself.
    #[inline(never)]
    fn head<'i>(&mut self, head: Head<'i>, follows: bool) -> Heard<'i> {
        if follows
            && self.hop.outgoing().follow
            && matches!(head.status(), 301 | 302 | 303 | 307 | 308)
            && let Some(location) = head.location(self.exchange.facts())
        {
            match self.follow(head.status(), location) {
                Ok(()) => return Heard::Redirect(head),
                Err(reason) => self.doom = Some(reason),
            }
        }
        Heard::Head(head)
    }

    /// Follows a redirect, over the same link where it leads there and its body is worth reading.
    fn follow(&mut self, status: u16, location: &[u8]) -> Result<(), Reason> {
        if self.ended.redirects >= self.hop.context.limits().redirects {
            return Err(Reason::TooManyRedirects);
        }
        let same_link = self.hop.follow(status, location)?;
        self.ended.redirects = self.ended.redirects.saturating_add(1);
        let facts = self.exchange.facts();
        let is_short = match facts.framing(status) {
            Ok(Framing::Length(bytes)) => bytes <= u64::from(DRAIN_LIMIT),
            Ok(Framing::Chunked | Framing::None) => true,
            Ok(Framing::UntilClose) | Err(_) => false,
        };
        if same_link && is_short && facts.persists() {
            self.step = Step::Drain(DRAIN_LIMIT);
        } else {
            self.reconnect(true);
        }
        Ok(())
    }

    /// Reads a redirect's body to its end, so that the connection serves the next hop, too.
    fn drain<'i>(&mut self, budget: u32, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        match self.exchange.poll(&self.hop, rx, tx) {
            Ok((consumed, Http::Body(bytes))) if bytes.len() <= budget as usize => {
                self.step = Step::Drain(budget.saturating_sub(bytes.len() as u32));
                act(consumed, Action::Continue)
            }
            Ok((consumed, Http::Read)) if !self.full => act(consumed, Action::Read),
            Ok((consumed, Http::End { persists: true })) => {
                self.link = Link::Reused;
                self.begin(Step::Exchange);
                // The next hop starts with the next poll, after these bytes have been dropped.
                act(consumed, Action::Continue)
            }
            _ => {
                self.reconnect(true);
                self.release()
            }
        }
    }

    /// An exchange cannot go on.
    fn broken<'i>(&mut self, error: ExchangeError) -> Polled<'i> {
        let reason = match error {
            ExchangeError::Response(ResponseError::Closed) => {
                if self.retry() {
                    return self.release();
                }
                Reason::ConnectionClosed
            }
            ExchangeError::Response(ResponseError::MalformedHead) => Reason::MalformedHead,
            ExchangeError::Response(ResponseError::HeadTooLarge) => Reason::HeadTooLarge,
            ExchangeError::Response(ResponseError::MalformedFraming) => Reason::MalformedFraming,
            ExchangeError::NotConvertible => Reason::DataNotConvertible,
            ExchangeError::NoTransmitBuffer => Reason::BufferTooSmall,
        };
        self.fail(self.blame(reason))
    }

    /// What fails between here and the proxy is the proxy's failure (REQ-17).
    fn blame(&self, reason: Reason) -> Reason {
        let proxys = match (self.step, reason) {
            (_, Reason::BufferTooSmall | Reason::DataNotConvertible) => false,
            (Step::Connect { .. } | Step::Tunnel, _) => true,
            // A proxy owes an answer of its own where the origin gives none.
            (Step::Exchange, Reason::ConnectionLost | Reason::ConnectionClosed | Reason::MalformedHead) => {
                !self.hop.is_tunnelled() && !self.exchange.has_head()
            }
            _ => false,
        };
        if proxys && self.hop.proxy.is_some() { Reason::ProxyFailed } else { reason }
    }

    fn reconnect(&mut self, reuse: bool) {
        self.step = Step::Release { keep: false, then: Then::Connect { reuse } };
    }

    /// A kept link that died before it brought a byte is replaced once by a fresh one (REQ-16, RFC 9112 section 9.3.1).
    fn retry(&mut self) -> bool {
        let again = matches!(self.step, Step::Exchange) && self.link == Link::Reused && !self.exchange.is_heard();
        if again {
            self.reconnect(false);
        }
        again
    }

    /// Ends the call before it has begun.
    pub(crate) fn refuse(&mut self, reason: Reason) {
        self.end(Err(reason), false);
    }

    /// On a link of its own.
    pub(crate) fn unshared(mut self) -> Self {
        if let Step::Connect { reuse } = &mut self.step {
            *reuse = false;
        }
        self
    }

    /// The request asks the origin for another protocol (RFC 9110 section 7.8). To be said before each poll.
    fn expect_upgrade(&mut self) {
        if self.step == Step::Exchange {
            self.exchange.expect_upgrade();
        }
    }

    /// Gives a call that was refused another reason for that.
    pub(crate) fn restate(&mut self, reason: Reason) {
        if self.ended.result.is_err() {
            self.ended.result = Err(reason);
        }
    }

    /// Why the call was refused before it began, or how it has ended since.
    pub(crate) fn result(&self) -> Option<Result<(), Reason>> {
        self.progress().result
    }

    /// The other side has switched protocols: the call ends, and the link stays. Not before the request is out: the rest
    /// of it would be taken for the other protocol.
    fn hand_over(&mut self) {
        if self.exchange.is_sent() {
            self.ended.result = Ok(());
            self.step = Step::Done;
        } else {
            self.end(Err(Reason::MalformedHead), false);
        }
    }

    /// The answer is complete, and found to be this.
    fn settle(&mut self, result: Result<(), Reason>) {
        self.end(result, self.persists);
    }

    /// Settles how the task ends, unless that is settled.
    fn end(&mut self, result: Result<(), Reason>, keep: bool) {
        if matches!(self.step, Step::Done | Step::Release { then: Then::Done, .. }) {
            return;
        }
        self.ended.result = result;
        self.step = if self.link == Link::None { Step::Done } else { Step::Release { keep, then: Then::Done } };
    }

    fn fail<'i>(&mut self, reason: Reason) -> Polled<'i> {
        self.end(Err(reason), false);
        self.release()
    }

    /// The link goes before anything else happens. What was received goes with it.
    fn release<'i>(&mut self) -> Polled<'i> {
        let Step::Release { keep, then } = self.step else { return act(0, Action::Done(self.ended)) };
        self.link = Link::None;
        self.full = false;
        self.step = match then {
            Then::Connect { reuse } => Step::Connect { reuse },
            Then::Done => Step::Done,
        };
        act(0, Action::Release { keep })
    }

    fn connected(&mut self, reused: bool) -> Result<(), Misuse> {
        let Step::Connect { reuse } = self.step else { return Err(Misuse) };
        if reused && !reuse {
            return Err(Misuse);
        }
        self.link = if reused { Link::Reused } else { Link::Fresh };
        self.begin(match (reused, self.hop.is_tunnelled(), self.hop.is_secure()) {
            (false, true, _) => Step::Tunnel,
            (false, false, true) => Step::Secure,
            _ => Step::Exchange,
        });
        Ok(())
    }

    fn secured(&mut self) -> Result<(), Misuse> {
        let Step::Secure = self.step else { return Err(Misuse) };
        self.begin(Step::Exchange);
        Ok(())
    }

    fn fault(&mut self, fault: Fault) {
        let reason = match fault {
            Fault::ReceiveBufferFull => {
                // The next poll sees the bytes and knows better what is wrong with them.
                self.full = true;
                return;
            }
            Fault::Lost => {
                if let Step::Drain(_) = self.step {
                    return self.reconnect(true);
                }
                if self.retry() {
                    return;
                }
                Reason::ConnectionLost
            }
            Fault::Dns => Reason::Dns,
            Fault::Connect => Reason::Connect,
            Fault::Tls => Reason::Tls,
            Fault::NotTls => Reason::NotTls,
            Fault::Certificate(what) => Reason::Certificate(what),
        };
        self.end(Err(self.blame(reason)), false);
    }

    fn write_failed(&mut self) {
        let may_hear = matches!(self.step, Step::Tunnel | Step::Exchange) && self.exchange.write_failed();
        if !may_hear {
            self.fault(Fault::Lost);
        }
    }
}
