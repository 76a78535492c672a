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
use super::message::{ConnectMessage, RequestMessage};
use super::options::{Method, Redirect, Request};
use crate::context::{Context, Proxy};
use crate::data::{Data, Form};
use crate::drive::Route;
use crate::http::exchange::{Exchange, ExchangeError, Step as Http};
use crate::http::framing::{Charset, Facts};
use crate::http::head::Head;
use crate::http::response::ResponseError;
use crate::percent;
use crate::policy::{Api, Permitted, PermittedParts, Refusal};
use crate::reason::{Fault, Interrupt, Reason};
use crate::sink::Count;
use crate::task::{Action, Misuse, Poll, Task};
use crate::time::Instant;
use crate::url;

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
    /// Bytes of the body, transfer coding removed, already found to be what `dataType` asked for up to here.
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
    context: &'r Context<'r>,
    request: &'r Request<'r>,
    /// Holds the URL of a redirect's target.
    memory: &'r mut [u8],
    hop: Hop,
    url: Option<PermittedParts>,
    method: Method,
    with_data: bool,
    data_length: u64,
    left_origin: bool,
    deadline: Instant,
    /// The most bytes of a body.
    limit: u64,
    streamed: bool,
    link: Link,
    /// The receive buffer is full.
    full: bool,
    step: Step,
    check: Check,
    verdict: Verdict,
    outcome: Outcome,
}

/// Where the URL's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Caller,
    /// So many bytes of the memory.
    Memory(usize),
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

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect {
        reuse: bool,
    },
    Tunnel(Exchange),
    Secure,
    Exchange(Exchange),
    /// The body of a redirect within the origin, so many bytes of which are read before giving the link up.
    Drain(Exchange, u32),
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
            context,
            request,
            memory,
            hop: Hop::Caller,
            url: None,
            method: request.method,
            with_data: true,
            data_length: 0,
            left_origin: false,
            deadline: now.after(request.deadline()),
            limit: context.limits().body,
            streamed: false,
            link: Link::None,
            full: false,
            step: Step::Connect { reuse: true },
            check: Check::Bytes,
            verdict: Verdict::Success,
            outcome: Outcome { result: Ok(()), status: None, received: 0, redirects: 0 },
        };
        if let Err(reason) = task.admit() {
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

    /// Everything that can be refused before the first byte is sent.
    fn admit(&mut self) -> Result<(), Reason> {
        let request = self.request;
        let limit = self.context.limits().url;
        let permitted = self.context.policy().permit(Api::Request, request.url, limit).map_err(Refusal::reason)?;
        if !request.has_legal_headers() {
            return Err(Reason::IllegalHeader);
        }
        self.data_length = data_length(request)?;
        let joined = (request.url.len() as u64).saturating_add(1).saturating_add(self.data_length);
        if request.method == Method::Get && self.data_length > 0 && joined > limit as u64 {
            return Err(Reason::UrlTooLong);
        }
        self.url = Some(permitted.parts());
        Ok(())
    }

    fn url_text(&self) -> &str {
        match self.hop {
            Hop::Caller => self.request.url,
            Hop::Memory(length) => {
                self.memory.get(..length).and_then(|text| core::str::from_utf8(text).ok()).unwrap_or_default()
            }
        }
    }

    fn permitted(&self) -> Option<Permitted<'_>> {
        self.url.and_then(|parts| parts.of(self.url_text()))
    }

    /// The proxy on the way to the current hop (REQ-17).
    fn proxy(&self) -> Option<Proxy<'r>> {
        let url = self.permitted()?;
        self.context.proxy_for(url.scheme().is_secure(), url.server_name(), url.port())
    }

    fn is_secure(&self) -> bool {
        self.permitted().is_some_and(|url| url.scheme().is_secure())
    }

    /// Moves the exchange with the origin, or with the proxy for a tunnel.
    fn move_exchange<'i>(
        &self,
        exchange: &mut Exchange,
        rx: &'i [u8],
        tx: &mut [u8],
    ) -> Result<(usize, Http<'i>), ExchangeError> {
        let Some(url) = self.permitted() else { return Err(ExchangeError::NotConvertible) };
        if let (Step::Tunnel(_), Some(proxy)) = (&self.step, self.proxy()) {
            return exchange.poll(&ConnectMessage { context: self.context, proxy, url }, rx, tx);
        }
        let message = RequestMessage {
            context: self.context,
            request: self.request,
            url,
            proxy: self.proxy(),
            method: self.method,
            with_data: self.with_data,
            data_length: self.data_length,
            left_origin: self.left_origin,
        };
        exchange.poll(&message, rx, tx)
    }

    /// The proxy's answer to CONNECT (RFC 9110 section 9.3.6).
    fn tunnel<'i>(&mut self, mut exchange: Exchange, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        let moved = self.move_exchange(&mut exchange, rx, tx);
        self.step = Step::Tunnel(exchange);
        match moved {
            Ok((consumed, Http::Transmit { length, more })) => act(consumed, Action::Transmit { length, more }),
            Ok((consumed, Http::Read)) if !self.full => act(consumed, Action::Read),
            Ok((consumed, Http::Interim(head))) => act(consumed, Action::Event(Event::Interim(head))),
            Ok((consumed, Http::Head(head, _))) => match head.status() {
                // The origin cannot have spoken yet: TLS begins with the client.
                200..=299 if consumed == rx.len() => {
                    self.step = Step::Secure;
                    act(consumed, Action::Secure)
                }
                200..=299 => self.fail(Reason::ProxyFailed),
                status => {
                    self.outcome.status = Some(status);
                    self.fail(Reason::ProxyRefused)
                }
            },
            _ => self.fail(Reason::ProxyFailed),
        }
    }

    /// The origin's answer.
    fn answer<'i>(&mut self, mut exchange: Exchange, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        if let Verdict::Now(reason) = self.verdict {
            return self.fail(reason);
        }
        let moved = self.move_exchange(&mut exchange, rx, tx);
        self.step = Step::Exchange(exchange);
        match moved {
            Ok((consumed, Http::Transmit { length, more })) => act(consumed, Action::Transmit { length, more }),
            Ok((0, Http::Read)) if self.full => self.broken(ExchangeError::Response(exchange.overflow(rx))),
            Ok((consumed, Http::Read)) => act(consumed, Action::Read),
            Ok((consumed, Http::Interim(head))) => act(consumed, Action::Event(Event::Interim(head))),
            Ok((consumed, Http::Head(head, facts))) => act(consumed, Action::Event(self.head(exchange, head, &facts))),
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

    fn head<'i>(&mut self, exchange: Exchange, head: Head<'i>, facts: &Facts<'i>) -> Event<'i> {
        let status = head.status();
        let answer = Event::Head { head, charset: facts.charset() };
        self.outcome.status = Some(status);
        if self.request.redirect == Redirect::Follow
            && matches!(status, 301 | 302 | 303 | 307 | 308)
            && let Some(location) = facts.location()
        {
            return match self.follow(exchange, status, location) {
                Ok(()) => Event::Redirect(head),
                Err(reason) => {
                    self.verdict = Verdict::Now(reason);
                    answer
                }
            };
        }
        let by_proxy = status == 407 && self.proxy().is_some() && !self.is_secure();
        self.verdict = match status {
            _ if facts.length(status).is_some_and(|length| length > self.limit) => Verdict::Now(Reason::TooLarge),
            407 if by_proxy => Verdict::AtEnd(Reason::ProxyRefused),
            429 => Verdict::AtEnd(Reason::RateLimited),
            400.. => Verdict::AtEnd(Reason::HttpStatus),
            _ => Verdict::Success,
        };
        if !self.streamed && !by_proxy {
            self.check = Check::new(self.request.data_type, facts);
        }
        answer
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

    /// The only place where a redirect is decided (REQ-14, RFC 9110 section 15.4).
    fn follow(&mut self, exchange: Exchange, status: u16, location: &[u8]) -> Result<(), Reason> {
        let limits = self.context.limits();
        if self.outcome.redirects >= limits.redirects {
            return Err(Reason::TooManyRedirects);
        }
        let base = self.permitted().ok_or(Reason::BadRedirect)?;
        let same_origin = url::keeps_origin(&base, location);
        let base = base.parts().url_parts();
        self.hold_url()?;
        let length = url::resolve(base, location, self.memory).map_err(|_| Reason::BadRedirect)?;
        let text = self.memory.get(..length).and_then(|text| core::str::from_utf8(text).ok());
        let target = self
            .context
            .policy()
            .permit_hop(Api::Request, text.ok_or(Reason::BadRedirect)?)
            .map_err(Refusal::reason)?
            .parts();
        self.hop = Hop::Memory(length);
        self.url = Some(target);
        self.outcome.redirects = self.outcome.redirects.saturating_add(1);
        self.left_origin |= !same_origin;
        if status == 303 || (matches!(status, 301 | 302) && self.method == Method::Post) {
            self.method = Method::Get;
            self.with_data = false;
        }
        // What was joined to the first URL is the redirecting server's to repeat.
        self.with_data &= self.method != Method::Get;
        self.step = if same_origin {
            Step::Drain(exchange, DRAIN_LIMIT)
        } else {
            Step::Release { keep: false, then: Then::Connect { reuse: true } }
        };
        Ok(())
    }

    /// Brings the current URL into the memory.
    fn hold_url(&mut self) -> Result<(), Reason> {
        if let Hop::Memory(_) = self.hop {
            return Ok(());
        }
        let text = self.request.url.as_bytes();
        let to = self.memory.get_mut(..text.len()).ok_or(Reason::BadRedirect)?;
        for (to, from) in to.iter_mut().zip(text) {
            *to = *from;
        }
        Ok(())
    }

    /// Reads a redirect's body to its end, so that the connection serves the next hop, too.
    fn drain<'i>(&mut self, mut exchange: Exchange, mut budget: u32, rx: &'i [u8], tx: &mut [u8]) -> Polled<'i> {
        let mut consumed = 0_usize;
        loop {
            let rest = rx.get(consumed..).unwrap_or_default();
            match self.move_exchange(&mut exchange, rest, tx) {
                Ok((n, Http::Body(bytes))) if bytes.len() <= budget as usize => {
                    budget = budget.saturating_sub(bytes.len() as u32);
                    consumed = consumed.saturating_add(n);
                }
                Ok((n, Http::Read)) if !self.full => {
                    self.step = Step::Drain(exchange, budget);
                    return act(consumed.saturating_add(n), Action::Read);
                }
                Ok((n, Http::End { persists: true })) => {
                    self.link = Link::Reused;
                    self.step = Step::Exchange(Exchange::new());
                    // The next hop starts with the next poll, after these bytes have been dropped.
                    return act(consumed.saturating_add(n), Action::Continue);
                }
                _ => {
                    self.step = Step::Release { keep: false, then: Then::Connect { reuse: true } };
                    return self.release();
                }
            }
        }
    }

    /// An exchange cannot go on.
    fn broken<'i>(&mut self, error: ExchangeError) -> Polled<'i> {
        match error {
            ExchangeError::Response(ResponseError::Closed) => {
                if self.retry() {
                    return self.release();
                }
                self.fail(Reason::ConnectionClosed)
            }
            ExchangeError::Response(ResponseError::MalformedHead) => self.fail(Reason::MalformedHead),
            ExchangeError::Response(ResponseError::HeadTooLarge) => self.fail(Reason::HeadTooLarge),
            ExchangeError::Response(ResponseError::MalformedFraming) => self.fail(Reason::MalformedFraming),
            ExchangeError::NotConvertible => self.fail(Reason::DataNotConvertible),
            ExchangeError::NoTransmitBuffer => self.fail(Reason::BufferTooSmall),
        }
    }

    /// A kept link that died before it brought a byte is replaced once by a fresh one (REQ-16, RFC 9112 section 9.3.1).
    fn retry(&mut self) -> bool {
        let unheard = matches!(self.step, Step::Exchange(exchange) if !exchange.is_heard());
        let again = unheard && self.link == Link::Reused;
        if again {
            self.step = Step::Release { keep: false, then: Then::Connect { reuse: false } };
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

/// The length of the data in the form that this request gives it, or why it has none (REQ-05 to REQ-09).
fn data_length(request: &Request<'_>) -> Result<u64, Reason> {
    match (request.data, request.method) {
        (Data::Bytes(_), Method::Get) => return Err(Reason::IllegalOption),
        (Data::Text(text), method) if method == Method::Get || request.form() == Form::Query => {
            if percent::has_malformed_escape(text.as_bytes()) {
                return Err(Reason::MalformedEscape);
            }
            if method == Method::Get {
                if text.bytes().any(|byte| byte.is_ascii_control()) {
                    return Err(Reason::UrlMalformed);
                }
                let mut count = Count::new();
                url::write_query_text(text, &mut count).map_err(|_| Reason::DataNotConvertible)?;
                return Ok(count.bytes());
            }
        }
        _ => {}
    }
    request.data.len(request.form()).map_err(|_| Reason::DataNotConvertible)
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
            Step::Tunnel(exchange) => self.tunnel(exchange, rx, tx),
            Step::Secure => act(0, Action::Secure),
            Step::Exchange(exchange) => self.answer(exchange, rx, tx),
            Step::Drain(exchange, budget) => self.drain(exchange, budget, rx, tx),
            Step::Release { .. } | Step::Done => self.release(),
        }
    }

    fn route(&self) -> Route<'_> {
        let proxy = self.proxy().map(|proxy| (proxy.host, proxy.port));
        match self.permitted() {
            Some(url) => Route { secure: url.scheme().is_secure(), host: url.server_name(), port: url.port(), proxy },
            None => Route { secure: true, host: "", port: 0, proxy },
        }
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
        self.step = match (reused, self.is_secure(), self.proxy()) {
            (false, true, Some(_)) => Step::Tunnel(Exchange::new()),
            (false, true, None) => Step::Secure,
            _ => Step::Exchange(Exchange::new()),
        };
        Ok(())
    }

    fn secured(&mut self) -> Result<(), Misuse> {
        let Step::Secure = self.step else { return Err(Misuse) };
        self.step = Step::Exchange(Exchange::new());
        Ok(())
    }

    fn fault(&mut self, fault: Fault) {
        if fault == Fault::ReceiveBufferFull {
            // The next poll sees the bytes and knows better what is wrong with them.
            self.full = true;
            return;
        }
        if fault == Fault::Lost && (matches!(self.step, Step::Drain(..)) || self.retry()) {
            if let Step::Drain(..) = self.step {
                self.step = Step::Release { keep: false, then: Then::Connect { reuse: true } };
            }
            return;
        }
        let to_proxy = match self.step {
            Step::Connect { .. } => self.proxy().is_some(),
            Step::Tunnel(_) => true,
            _ => false,
        };
        let reason = match fault {
            _ if to_proxy => Reason::ProxyFailed,
            Fault::Dns => Reason::Dns,
            Fault::Connect => Reason::Connect,
            Fault::Lost | Fault::ReceiveBufferFull => Reason::ConnectionLost,
            Fault::Tls => Reason::Tls,
            Fault::NotTls => Reason::NotTls,
            Fault::Certificate(what) => Reason::Certificate(what),
        };
        self.end(Err(reason), false);
    }

    fn write_failed(&mut self) {
        let heard = match &mut self.step {
            Step::Tunnel(exchange) | Step::Exchange(exchange) => exchange.write_failed(),
            _ => false,
        };
        if !heard {
            self.fault(Fault::Lost);
        }
    }

    fn end_of_stream(&mut self) {
        if let Step::Tunnel(exchange) | Step::Exchange(exchange) | Step::Drain(exchange, _) = &mut self.step {
            exchange.end_of_stream();
        }
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

#[cfg(test)]
mod tests;
