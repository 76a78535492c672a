//! A call of `my.request` every step of which is checked against the law of the task (see `miniwire_core::task`), the
//! policy, and what HTTP wants of a client.

mod sent;

use miniwire_core::http::fields::Fields;
use miniwire_core::http::framing::Charset;
use miniwire_core::policy::Api;
use miniwire_core::reason::{Fault, Interrupt, Reason};
use miniwire_core::request::{DataType, Event, Method, Outcome, Redirect, RequestTask};
use miniwire_core::task::{Action, Misuse, Poll, Task as _};
use miniwire_core::time::Instant;

use crate::call::{Call, MEMORY, Memory};
use crate::oracle::{self, Host, Target};
use crate::url::{has_punycode, standard_target};

/// What a driver is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Open a link, or take a kept one.
    Connect {
        /// A kept one will do.
        reuse: bool,
    },
    /// Start TLS.
    Secure,
    /// Send; the bytes are in [`Log::sent`] once the request is whole.
    Transmit {
        /// More follows.
        more: bool,
    },
    /// Read.
    Read,
    /// Nothing: something came, or was consumed.
    Continue,
    /// Give the link up.
    Release {
        /// It can serve another call.
        keep: bool,
    },
    /// The end.
    Done(Outcome),
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Where links were opened to, and how.
    pub links: Vec<String>,
    /// Whole requests.
    pub sent: Vec<Vec<u8>>,
    /// Statuses of interim responses.
    pub interim: Vec<u16>,
    /// Statuses of redirects followed.
    pub redirects: Vec<u16>,
    /// The head of the answer.
    pub head: Option<Vec<u8>>,
    /// The body, as far as it was handed out.
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct Link {
    secured: bool,
    reused: bool,
    ended: bool,
    /// Of a request that is not whole yet.
    sent: Vec<u8>,
}

/// The call.
#[derive(Debug)]
pub struct Watched<'r> {
    task: RequestTask<'r>,
    call: &'r Call<'r>,
    collect: Option<Memory<'r>>,
    limit: u64,
    link: Option<Link>,
    last: Option<Next>,
    /// What was asked for last has been done.
    answered: bool,
    /// What was asked for last has failed, which may have been the end.
    failed: bool,
    charset: Charset,
    /// Where the current hop leads by the URL Standard; `None` where that is not compared.
    standard: Option<::url::Url>,
    method: Method,
    with_body: bool,
    /// The origin of each link; a redirect within the origin may keep the link.
    origins: Vec<(bool, String, u16)>,
    /// Why the call must end.
    ending: Option<Reason>,
    /// What happened.
    pub log: Log,
    /// Bytes sent in all.
    pub transmitted: usize,
}

impl<'r> Watched<'r> {
    /// Starts the call at `now` and gives it to `drive`, watched.
    pub fn start<R>(call: &Call<'_>, now: Instant, drive: impl FnOnce(Watched<'_>) -> R) -> R {
        call.start(now, |task, memory| drive(Watched::new(task, call, memory)))
    }

    /// Watches a task of this call.
    fn new(task: RequestTask<'r>, call: &'r Call<'r>, collect: Memory<'r>) -> Self {
        let limit = call.limit.unwrap_or(u64::MAX);
        let (task, collect, limit) = if call.streamed {
            (task.streamed().with_limit(limit), None, limit)
        } else {
            let limit = limit.min(collect.limit());
            (task.with_limit(limit), Some(collect), limit)
        };
        Self {
            task,
            call,
            collect,
            limit,
            link: None,
            last: None,
            answered: false,
            failed: false,
            charset: Charset::Utf8,
            standard: ::url::Url::parse(call.url).ok(),
            method: call.method,
            with_body: call.method != Method::Get,
            origins: Vec::new(),
            ending: None,
            log: Log::default(),
            transmitted: 0,
        }
    }

    /// Moves the task, and drops from `rx` what it consumed.
    pub fn poll(&mut self, now: Instant, rx: &mut Vec<u8>, tx: &mut [u8]) -> Next {
        let late = now >= self.task.deadline();
        let before = self.last;
        let Poll { consumed, action } = self.task.poll(now, rx, tx);
        assert!(consumed <= rx.len());
        let next = match action {
            Action::Connect { reuse } => Next::Connect { reuse },
            Action::Secure => Next::Secure,
            Action::Transmit { length, more } => {
                assert!(length > 0 && length <= tx.len());
                self.transmit(&tx[..length], more);
                Next::Transmit { more }
            }
            Action::Fill { .. } => panic!("a request has no file"),
            Action::Read => Next::Read,
            Action::Event(event) => {
                let refused = self.event(event);
                if let Err(reason) = refused {
                    self.refuse(reason);
                }
                Next::Continue
            }
            Action::Continue => Next::Continue,
            Action::Release { keep } => Next::Release { keep },
            Action::Done(outcome) => Next::Done(outcome),
        };
        let is_end = matches!(next, Next::Release { .. } | Next::Done(_));
        assert!(is_end || !late, "{next:?} after the deadline");
        if let (Some(Next::Done(_)), next) = (before, next) {
            assert_eq!(before, Some(next), "something after the end");
        }
        rx.drain(..consumed);
        match next {
            Next::Connect { reuse } => {
                assert!(self.link.is_none(), "a second link");
                self.check_route(reuse);
            }
            Next::Secure => {
                // The origin cannot have spoken before TLS began: what there is was never protected.
                assert!(rx.is_empty(), "left over before TLS");
                let link = self.link.as_ref().expect("a link");
                assert!(!link.secured && self.task.route().secure);
            }
            Next::Transmit { .. } | Next::Continue => {}
            Next::Read => assert!(!self.link.as_ref().expect("a link").ended, "reads on after the end of the stream"),
            Next::Release { keep } => {
                let link = self.link.take().expect("a link");
                assert!(!keep || (!link.ended && link.sent.is_empty() && self.ending.is_none() && !late));
            }
            Next::Done(outcome) => self.check_end(outcome, before, late),
        }
        if matches!(next, Next::Connect { .. } | Next::Secure | Next::Read | Next::Done(_)) {
            let again = self.task.poll(now, rx, tx);
            assert_eq!(again.consumed, 0);
            let same = match (next, again.action) {
                (Next::Connect { reuse }, Action::Connect { reuse: again }) => reuse == again,
                (Next::Secure, Action::Secure) | (Next::Read, Action::Read) => true,
                (Next::Done(outcome), Action::Done(again)) => outcome == again,
                _ => false,
            };
            assert!(same, "{next:?}, then without news {:?}", again.action);
        }
        self.last = Some(next);
        self.answered = false;
        self.failed = false;
        next
    }

    /// The link is open.
    pub fn connected(&mut self, reused: bool) {
        assert_eq!(self.task.connected(reused), Ok(()));
        self.answered = true;
        let secured = reused && self.task.route().secure;
        self.link = Some(Link { secured, reused, ended: false, sent: Vec::new() });
    }

    /// TLS is up.
    pub fn secured(&mut self) {
        assert_eq!(self.task.secured(), Ok(()));
        self.answered = true;
        self.link.as_mut().expect("a link").secured = true;
    }

    /// The peer has closed.
    pub fn end_of_stream(&mut self) {
        self.task.end_of_stream();
        if let Some(link) = &mut self.link {
            link.ended = true;
        }
    }

    /// The last action failed.
    pub fn fault(&mut self, fault: Fault) {
        self.task.fault(fault);
        self.failed = true;
        if fault != Fault::ReceiveBufferFull && !matches!(self.last, Some(Next::Connect { .. })) {
            // No link that had a fault is kept.
            if let Some(link) = &mut self.link {
                link.ended = true;
            }
        }
    }

    /// Not all was sent.
    pub fn write_failed(&mut self) {
        self.task.write_failed();
        self.failed = true;
        if let Some(link) = &mut self.link {
            // Now the request is never whole.
            link.sent.push(b'!');
        }
    }

    /// Somebody wants the call to end.
    pub fn interrupt(&mut self, interrupt: Interrupt) {
        let reason = match interrupt {
            Interrupt::Abort => Reason::Aborted,
            Interrupt::Unload => Reason::Unloaded,
        };
        self.task.interrupt(interrupt);
        self.must_end(reason);
    }

    /// Nobody wants more events.
    pub fn refuse(&mut self, reason: Reason) {
        self.task.refuse(reason);
        self.must_end(reason);
    }

    /// Answers that were not asked for change nothing. Not tried between an answer and the next poll, where the task
    /// is a step ahead of what it has said.
    pub fn misuse(&mut self) {
        if self.answered {
            return;
        }
        let before = format!("{:?}", self.task);
        match self.last {
            Some(Next::Connect { reuse: true }) => assert_eq!(self.task.secured(), Err(Misuse)),
            Some(Next::Connect { reuse: false }) => assert_eq!(self.task.connected(true), Err(Misuse)),
            Some(Next::Secure) => assert_eq!(self.task.connected(false), Err(Misuse)),
            Some(Next::Release { .. }) | None => {}
            Some(_) => {
                assert_eq!(self.task.connected(false), Err(Misuse));
                assert_eq!(self.task.connected(true), Err(Misuse));
                assert_eq!(self.task.secured(), Err(Misuse));
            }
        }
        assert_eq!(format!("{:?}", self.task), before, "misuse did harm");
    }

    fn must_end(&mut self, reason: Reason) {
        // A call that was refused at once, or whose link was asked to go, has its outcome already.
        let begins = self.last.is_none() && !self.task.route().host.is_empty();
        let goes_on = begins || self.link.is_some() || matches!(self.last, Some(Next::Connect { .. }));
        if goes_on && !self.failed {
            self.ending.get_or_insert(reason);
        }
    }

    fn check_route(&mut self, reuse: bool) {
        let route = self.task.route();
        let scheme = if route.secure { "https" } else { "http" };
        let target = Target { scheme: scheme.into(), host: host_of(route.host), port: route.port };
        let admitted = self.call.entries.iter().any(|entry| oracle::admits(entry, &target));
        assert!(self.call.development || (route.secure && admitted), "not permitted: {route:?}");
        if let Some(standard) = self.standard.as_ref().filter(|_| !has_punycode(route.host)) {
            assert_eq!(standard_target(standard), target);
        }
        assert_eq!(route.proxy.is_some(), self.call.proxy);
        self.origins.push((route.secure, route.host.to_ascii_lowercase(), route.port));
        self.log.links.push(format!("{scheme}://{}:{} reuse {reuse}", route.host, route.port));
    }

    fn event(&mut self, event: Event<'_>) -> Result<(), Reason> {
        assert!(self.ending.is_none(), "an event after it was ended");
        let reused = self.link.as_ref().expect("a link").reused;
        assert!(!reused || !self.log.links.is_empty());
        match event {
            Event::Interim(head) => {
                assert!(self.log.head.is_none() && (100..200).contains(&head.status()));
                self.log.interim.push(head.status());
            }
            Event::Redirect(head) => {
                assert!(self.log.head.is_none() && self.call.redirect == Redirect::Follow);
                let status = head.status();
                self.log.redirects.push(status);
                assert!(self.log.redirects.len() <= 5);
                if status == 303 || (matches!(status, 301 | 302) && self.method == Method::Post) {
                    self.method = Method::Get;
                    self.with_body = false;
                }
                let location = head.fields().get("location").expect("a location");
                self.standard = self.standard.take().and_then(|url| join(&url, location));
            }
            Event::Head { head, charset } => {
                assert!(head.status() >= 200);
                assert!(self.log.head.replace(head.raw().to_vec()).is_none(), "a second head");
                self.charset = charset;
            }
            Event::Body(bytes) => {
                assert!(self.log.head.is_some() && !bytes.is_empty());
                self.log.body.extend_from_slice(bytes);
                assert!(self.log.body.len() as u64 <= self.limit, "more than the limit");
            }
            _ => panic!("an event of another kind"),
        }
        self.collect.as_mut().map_or(Ok(()), |collect| collect.event(event))
    }

    fn check_end(&mut self, outcome: Outcome, before: Option<Next>, late: bool) {
        assert!(self.link.is_none(), "a link is left open");
        let Log { redirects, head, body, .. } = &self.log;
        let status = outcome.status;
        assert_eq!(outcome.received, body.len() as u64);
        if !matches!(outcome.result, Err(Reason::TooManyRedirects | Reason::BadRedirect)) {
            assert!(usize::from(outcome.redirects) == redirects.len());
        }
        if let Some(reason) = self.ending {
            assert!(matches!(outcome.result, Err(other) if other == reason || late), "{outcome:?}, not {reason:?}");
        }
        match outcome.result {
            Ok(()) => {
                let head = head.as_ref().expect("a success has a head");
                let status = status.expect("a success has a status");
                assert!((200..400).contains(&status));
                if !self.call.streamed {
                    self.check_data(head, body);
                }
            }
            Err(reason) => {
                assert!(Api::Request.codes().contains(&reason.code(Api::Request)));
                match reason {
                    Reason::HttpStatus => assert!(status.is_some_and(|status| status >= 400 && status != 429)),
                    Reason::RateLimited => assert_eq!(status, Some(429)),
                    Reason::Timeout => assert!(late || self.ending == Some(Reason::Timeout)),
                    _ => {}
                }
            }
        }
        if let (Some(collect), false) = (self.collect.take(), matches!(before, Some(Next::Done(_)))) {
            let answer = collect.answer(outcome);
            assert_eq!(answer.is_ok(), outcome.result.is_ok(), "what was within the limit did not fit");
            let response = match answer {
                Ok(response) => Some(response),
                Err(failure) => {
                    assert_eq!(Err(failure.reason), outcome.result);
                    failure.response
                }
            };
            assert_eq!(response.map(|response| response.status()), status);
            let whole = matches!(outcome.result, Ok(()) | Err(Reason::HttpStatus | Reason::RateLimited));
            if let (Some(response), true) = (response, whole) {
                assert_eq!(response.text(), converted(self.call.data_type, self.charset, &self.log.body));
            }
        }
    }

    fn check_data(&self, head: &[u8], body: &[u8]) {
        if body.is_empty() {
            return;
        }
        let coding = Fields::of_head(head).get("content-encoding").unwrap_or(b"identity");
        assert!(
            coding.eq_ignore_ascii_case(b"identity") || coding.iter().all(|byte| b" \t,".contains(byte)) || {
                let mut members = coding.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                members.all(|member| member.is_empty() || member.eq_ignore_ascii_case(b"identity"))
            }
        );
        let text = std::str::from_utf8(body);
        match (self.call.data_type, self.charset) {
            (DataType::Json, _) => {
                assert!(serde_json::from_str::<serde::de::IgnoredAny>(text.expect("UTF-8")).is_ok());
            }
            (DataType::Text, Charset::Utf8) => assert!(text.is_ok()),
            (DataType::Text, Charset::Ascii) => assert!(body.is_ascii()),
            (DataType::Text, Charset::Latin1) | (DataType::Base64, _) => {}
            (DataType::Text, Charset::Unsupported) => panic!("converted from an unsupported charset"),
        }
    }
}

/// Where a redirect leads by the URL Standard; `None` where that may differ (see the targets `url` and `resolve`).
fn join(base: &::url::Url, location: &[u8]) -> Option<::url::Url> {
    let location = std::str::from_utf8(location).ok()?;
    let joined = base.join(location).ok()?;
    (oracle::is_standard(location) && !oracle::has_escaped_dots(location)).then_some(joined)
}

fn converted(data_type: DataType, charset: Charset, body: &[u8]) -> String {
    assert!(body.len() <= MEMORY);
    match (data_type, charset) {
        (DataType::Base64, _) => oracle::base64_encode(body),
        (DataType::Text, Charset::Latin1) => body.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8(body.to_vec()).expect("checked"),
    }
}

fn host_of(server_name: &str) -> Host {
    match (server_name.parse(), server_name.parse()) {
        (Ok(address), _) => Host::V4(address),
        (_, Ok(address)) => Host::V6(address),
        _ => Host::Name(server_name.to_ascii_lowercase()),
    }
}
