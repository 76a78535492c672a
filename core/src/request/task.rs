//! The request task: one call of `my.request`, from its arguments to its end.
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
//! A whole life, without a network:
//!
//! ```
//! use miniwire_core::context::Context;
//! use miniwire_core::policy::{Policy, Whitelist};
//! use miniwire_core::request::{Event, Request, RequestTask};
//! use miniwire_core::task::{Action, Poll, Task};
//! use miniwire_core::time::Instant;
//!
//! let whitelist = Whitelist::new(&["example.com"]).unwrap();
//! let context = Context::new("2021000000000001", "1.0.0", Policy::release(whitelist)).unwrap();
//! let request = Request::new("https://api.example.com/status");
//! let (now, mut redirects, mut tx) = (Instant::from_millis(0), [0; 256], [0; 256]);
//! let mut task = RequestTask::new(&context, &request, &mut redirects, now);
//!
//! // The task asks for a link, and for TLS on it; the driver does both.
//! let Poll { action: Action::Connect { .. }, .. } = task.poll(now, b"", &mut tx) else { panic!() };
//! assert_eq!((task.route().host, task.route().port), ("api.example.com", 443));
//! task.connected(false).unwrap();
//! let Poll { action: Action::Secure, .. } = task.poll(now, b"", &mut tx) else { panic!() };
//! task.secured().unwrap();
//!
//! // The request goes out, in pieces that fit `tx`.
//! loop {
//!     match task.poll(now, b"", &mut tx).action {
//!         Action::Transmit { length, .. } => print!("{}", str::from_utf8(&tx[..length]).unwrap()),
//!         Action::Read => break,
//!         other => panic!("{other:?}"),
//!     }
//! }
//!
//! // The response comes in; events borrow from it.
//! let mut rx = &b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"up\":true}"[..];
//! let outcome = loop {
//!     let Poll { consumed, action } = task.poll(now, rx, &mut tx);
//!     match action {
//!         Action::Event(Event::Head { head, .. }) => assert_eq!(head.status(), 200),
//!         Action::Event(Event::Body(bytes)) => assert_eq!(bytes, b"{\"up\":true}"),
//!         Action::Release { keep } => assert!(keep),
//!         Action::Done(outcome) => break outcome,
//!         other => panic!("{other:?}"),
//!     }
//!     rx = &rx[consumed..];
//! };
//! assert_eq!(outcome.result, Ok(()));
//! ```

use super::check::Check;
use super::hop::Hop;
use super::message::ConnectMessage;
use super::options::{Redirect, Request};
use crate::context::Context;
use crate::drive::Route;
use crate::http::exchange::{Exchange, ExchangeError, Message, Step as Http};
use crate::http::framing::{Charset, Facts, Framing};
use crate::http::head::Head;
use crate::http::response::ResponseError;
use crate::reason::{Fault, Interrupt, Reason};
use crate::task::{Action, Misuse, Poll, Task};
use crate::time::Instant;

/// What a request brings. Borrows from the received bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'i> {
    /// An interim response (1xx); it can be ignored.
    Interim(Head<'i>),
    /// A redirect that is being followed.
    Redirect(Head<'i>),
    /// The head of the answer. Comes once, before the body.
    Head {
        /// Status and fields.
        head: Head<'i>,
        /// The declared charset of the body.
        charset: Charset,
    },
    /// Bytes of the body, transfer coding removed, already found to be what `dataType` asked for up to here. How many
    /// come before a body is refused (14) depends on the pieces that it arrives in.
    Body(&'i [u8]),
}

/// How a request ended: `success` or `fail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// `Ok` is success; see [`Reason::request_code`] for the code of a failure.
    pub result: Result<(), Reason>,
    /// The status of the last response whose head arrived, whether it is a success or not.
    pub status: Option<u16>,
    /// Bytes of the body that were handed out.
    pub received: u64,
    /// Redirects followed.
    pub redirects: u8,
}

/// One call of `my.request`.
#[derive(Debug)]
pub struct RequestTask<'r> {
    hop: Hop<'r>,
    deadline: Instant,
    /// The most bytes of a body.
    limit: u64,
    streamed: bool,
    link: Link,
    /// The receive buffer is full.
    full: bool,
    step: Step,
    /// Of the steps that have one: with the proxy for a tunnel, else with the origin.
    exchange: Exchange,
    check: Check,
    verdict: Verdict,
    outcome: Outcome,
}

/// How the task will end, as far as the head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Success,
    /// Once the head has been shown.
    Now(Reason),
    /// Once the body has been shown, unless it cannot be converted.
    AtEnd(Reason),
}

impl Verdict {
    const fn at_end(self) -> Result<(), Reason> {
        match self {
            Self::Success => Ok(()),
            Self::Now(reason) | Self::AtEnd(reason) => Err(reason),
        }
    }
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

impl<'r> RequestTask<'r> {
    /// Starts a call whose body is taken as `dataType` says.
    ///
    /// `memory` holds the URL of redirects, so it should be as large as the longest URL to be followed; without any,
    /// a redirect fails with [`Reason::BadRedirect`]. A call that the context refuses ends at the first `poll`.
    pub fn new(context: &'r Context<'r>, request: &'r Request<'r>, memory: &'r mut [u8], now: Instant) -> Self {
        let mut task = Self {
            hop: Hop::new(context, request, memory),
            deadline: now.after(request.deadline()),
            limit: context.limits().body,
            streamed: false,
            link: Link::None,
            full: false,
            step: Step::Connect { reuse: true },
            exchange: Exchange::new(),
            check: Check::Bytes,
            verdict: Verdict::Success,
            outcome: Outcome { result: Ok(()), status: None, received: 0, redirects: 0 },
        };
        if let Err(reason) = task.hop.admit() {
            task.end(Err(reason), false);
        }
        task
    }

    /// The body is taken as it is, chunk by chunk: `dataType` is not applied (REQ-19).
    pub const fn streamed(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// No more than so many bytes of body are taken; a longer one ends the task with [`Reason::TooLarge`], where
    /// its length is announced before the first byte of it.
    pub const fn with_limit(mut self, bytes: u64) -> Self {
        self.limit_to(bytes);
        self
    }

    /// [`with_limit`](Self::with_limit) in place.
    pub(crate) const fn limit_to(&mut self, bytes: u64) {
        if bytes < self.limit {
            self.limit = bytes;
        }
    }

    /// Begins an exchange: with the proxy for a tunnel, else with the origin.
    fn begin(&mut self, step: Step) {
        self.exchange = Exchange::new();
        self.step = step;
    }

    /// Moves the exchange with the origin, or with the proxy for a tunnel (RFC 9110 section 9.3.6).
    fn converse<'i>(&mut self, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        if let Verdict::Now(reason) = self.verdict {
            return self.fail(reason);
        }
        let in_tunnel = self.step == Step::Tunnel;
        let connect = ConnectMessage(&self.hop);
        let message: &dyn Message = if in_tunnel { &connect } else { &self.hop };
        match self.exchange.poll(message, rx, tx) {
            Ok((consumed, Http::Transmit { length, more })) => act(consumed, Action::Transmit { length, more }),
            Ok((0, Http::Read)) if self.full => self.broken(ExchangeError::Response(self.exchange.overflow(rx))),
            Ok((consumed, Http::Read)) => act(consumed, Action::Read),
            Ok((consumed, Http::Interim(head))) => act(consumed, Action::Event(Event::Interim(head))),
            Ok((consumed, Http::Head(head, facts))) if in_tunnel => match head.status() {
                // The origin cannot have spoken yet: TLS begins with the client, once it has asked for the tunnel.
                200..=299 if consumed == rx.len() && self.exchange.is_sent() => {
                    self.step = Step::Secure;
                    act(consumed, Action::Secure)
                }
                200..=299 => self.fail(Reason::ProxyFailed),
                status => {
                    self.outcome.status = Some(status);
                    self.verdict = Verdict::Now(Reason::ProxyRefused);
                    act(consumed, Action::Event(Event::Head { head, charset: facts.charset() }))
                }
            },
            Ok((consumed, Http::Head(head, facts))) => act(consumed, Action::Event(self.head(head, &facts))),
            Ok((consumed, Http::Body(bytes))) => match self.body(bytes) {
                Ok(()) => act(consumed, Action::Event(Event::Body(bytes))),
                Err(reason) => self.fail(reason),
            },
            Ok((_, Http::End { persists })) => {
                let converted = self.check.finish(self.outcome.received == 0);
                self.end(converted.and(self.verdict.at_end()), persists);
                self.release()
            }
            Err(error) => self.broken(error),
        }
    }

    fn head<'i>(&mut self, head: Head<'i>, facts: &Facts<'i>) -> Event<'i> {
        let status = head.status();
        self.outcome.status = Some(status);
        if self.hop.request.redirect == Redirect::Follow
            && matches!(status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = facts.location()
        {
            match self.follow(status, location, facts) {
                Ok(()) => return Event::Redirect(head),
                Err(reason) => self.verdict = Verdict::Now(reason),
            }
        } else {
            self.verdict = match status {
                407 if self.is_heard_by_proxy() => Verdict::Now(Reason::ProxyRefused),
                _ if facts.length(status).is_some_and(|length| length > self.limit) => Verdict::Now(Reason::TooLarge),
                429 => Verdict::AtEnd(Reason::RateLimited),
                400.. => Verdict::AtEnd(Reason::HttpStatus),
                _ => Verdict::Success,
            };
            if !self.streamed {
                self.check = Check::new(self.hop.request.data_type, facts);
            }
        }
        Event::Head { head, charset: facts.charset() }
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        // What is within the limit is checked first, so that the first fault decides at any split.
        let room = usize::try_from(self.limit.saturating_sub(self.outcome.received)).unwrap_or(usize::MAX);
        let (within, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.check.push(within)?;
        if !beyond.is_empty() {
            return Err(Reason::TooLarge);
        }
        self.outcome.received = self.outcome.received.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Follows a redirect, over the same link where it leads there and its body is worth reading.
    fn follow(&mut self, status: u16, location: &[u8], facts: &Facts<'_>) -> Result<(), Reason> {
        if self.outcome.redirects >= self.hop.context.limits().redirects {
            return Err(Reason::TooManyRedirects);
        }
        let same_link = self.hop.follow(status, location)?;
        self.outcome.redirects = self.outcome.redirects.saturating_add(1);
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
    fn drain<'i>(&mut self, mut budget: u32, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        let mut consumed = 0_usize;
        loop {
            let rest = rx.get(consumed..).unwrap_or_default();
            match self.exchange.poll(&self.hop, rest, tx) {
                Ok((n, Http::Body(bytes))) if bytes.len() <= budget as usize => {
                    budget = budget.saturating_sub(bytes.len() as u32);
                    consumed = consumed.saturating_add(n);
                }
                Ok((n, Http::Read)) if !self.full => {
                    self.step = Step::Drain(budget);
                    return act(consumed.saturating_add(n), Action::Read);
                }
                Ok((n, Http::End { persists: true })) => {
                    self.link = Link::Reused;
                    self.begin(Step::Exchange);
                    // The next hop starts with the next poll, after these bytes have been dropped.
                    return act(consumed.saturating_add(n), Action::Continue);
                }
                _ => {
                    self.reconnect(true);
                    return self.release();
                }
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
                !self.hop.is_secure() && !self.exchange.has_head()
            }
            _ => false,
        };
        if proxys && self.hop.proxy.is_some() { Reason::ProxyFailed } else { reason }
    }

    /// Whether a proxy reads the request, and not only carries it.
    fn is_heard_by_proxy(&self) -> bool {
        self.hop.proxy.is_some() && !self.hop.is_secure()
    }

    fn reconnect(&mut self, reuse: bool) {
        self.step = Step::Release { keep: false, then: Then::Connect { reuse } };
    }

    /// A kept link that died before it brought a byte is replaced once by a fresh one (REQ-16, RFC 9112 section 9.3.1).
    fn retry(&mut self) -> bool {
        let again = self.step == Step::Exchange && self.link == Link::Reused && !self.exchange.is_heard();
        if again {
            self.reconnect(false);
        }
        again
    }

    /// Settles how the task ends, unless that is settled.
    fn end(&mut self, result: Result<(), Reason>, keep: bool) {
        if self.has_ended() {
            return;
        }
        self.outcome.result = result;
        self.step = if self.link == Link::None { Step::Done } else { Step::Release { keep, then: Then::Done } };
    }

    fn has_ended(&self) -> bool {
        matches!(self.step, Step::Done | Step::Release { then: Then::Done, .. })
    }

    fn fail<'i>(&mut self, reason: Reason) -> Polled<'i> {
        self.end(Err(reason), false);
        self.release()
    }

    /// The link goes before anything else happens. What was received goes with it.
    fn release<'i>(&mut self) -> Polled<'i> {
        let Step::Release { keep, then } = self.step else { return act(0, Action::Done(self.outcome)) };
        self.link = Link::None;
        self.full = false;
        self.step = match then {
            Then::Connect { reuse } => Step::Connect { reuse },
            Then::Done => Step::Done,
        };
        act(0, Action::Release { keep })
    }
}

type Polled<'i> = Poll<Event<'i>, Outcome>;

fn act<'i>(consumed: usize, action: Action<Event<'i>, Outcome>) -> Polled<'i> {
    Poll { consumed, action }
}

impl Task for RequestTask<'_> {
    type Event<'i> = Event<'i>;
    type Outcome = Outcome;

    #[inline(never)]
    fn poll<'i>(&mut self, now: Instant, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        if now >= self.deadline {
            self.end(Err(Reason::Timeout), false);
        }
        match self.step {
            Step::Connect { reuse } => act(0, Action::Connect { reuse }),
            Step::Secure => act(0, Action::Secure),
            Step::Tunnel | Step::Exchange => self.converse(rx, tx),
            Step::Drain(budget) => self.drain(budget, rx, tx),
            Step::Release { .. } | Step::Done => self.release(),
        }
    }

    fn route(&self) -> Route<'_> {
        self.hop.route()
    }

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn connected(&mut self, reused: bool) -> Result<(), Misuse> {
        let Step::Connect { reuse } = self.step else { return Err(Misuse) };
        if reused && !reuse {
            return Err(Misuse);
        }
        self.link = if reused { Link::Reused } else { Link::Fresh };
        self.begin(match (reused, self.hop.is_secure(), self.hop.proxy) {
            (false, true, Some(_)) => Step::Tunnel,
            (false, true, None) => Step::Secure,
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

    fn end_of_stream(&mut self) {
        self.exchange.end_of_stream();
    }

    fn interrupt(&mut self, interrupt: Interrupt) {
        let reason = match interrupt {
            Interrupt::Abort => Reason::Aborted,
            Interrupt::Unload => Reason::Unloaded,
        };
        self.end(Err(reason), false);
    }

    fn refuse(&mut self, reason: Reason) {
        self.end(Err(reason), false);
    }
}
