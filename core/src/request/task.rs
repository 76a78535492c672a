//! The request task: one call of `my.request`, from its arguments to its end.
//!
//! How it gets its answer is in the module `call`; here is what the answer means.

use super::check::Check;
use super::options::{DataType, Request};
use crate::call::{Call, CallTask, Ended, Heard, Heed, Kind};
use crate::context::Context;
use crate::http::framing::Charset;
use crate::http::head::Head;
use crate::reason::Reason;
use crate::time::Instant;

/// One call of `my.request`. A [`Task`](crate::task::Task); the [module](crate::request) has a whole life.
pub type RequestTask<'r> = CallTask<'r, Answer>;

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
    /// `Ok` is success; see [`Reason::code`] for the code of a failure.
    pub result: Result<(), Reason>,
    /// The status of the last response whose head arrived, whether it is a success or not.
    pub status: Option<u16>,
    /// Bytes of the body that were handed out.
    pub received: u64,
    /// Redirects followed.
    pub redirects: u8,
}

/// What the answer of a request means: its `dataType`, its limit, its status (REQ-10 to REQ-13, REQ-19).
#[derive(Debug)]
pub struct Answer {
    data_type: DataType,
    /// The most bytes of a body.
    limit: u64,
    streamed: bool,
    check: Check,
    /// What the status makes of the answer, once the body has been converted.
    verdict: Result<(), Reason>,
    received: u64,
}

impl<'r> RequestTask<'r> {
    /// Starts a call whose body is taken as `dataType` says.
    ///
    /// `memory` is for redirects. It holds the URL that redirects, the call's own first, and then its target, with the dot
    /// segments that the target loses, so it should be somewhat longer than the longest URL; where it is too short, a
    /// redirect fails with [`Reason::BadRedirect`]. A call that the context refuses ends at the first `poll`.
    pub fn new(context: &'r Context<'r>, request: &'r Request<'r>, memory: &'r mut [u8], now: Instant) -> Self {
        Self {
            call: Call::new(context, request, memory, now.after(request.deadline())),
            kind: Answer {
                data_type: request.data_type,
                limit: context.limits().body,
                streamed: false,
                check: Check::Bytes,
                verdict: Ok(()),
                received: 0,
            },
        }
    }

    /// The body is taken as it is, chunk by chunk: `dataType` is not applied (REQ-19), nor is a content coding or a charset
    /// refused. An error status is a failure all the same, behind its body.
    pub const fn streamed(mut self) -> Self {
        self.kind.streamed = true;
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
        if bytes < self.kind.limit {
            self.kind.limit = bytes;
        }
    }
}

impl Answer {
    // Never inlined: in a large frame it would be larger itself.
    #[inline(never)]
    fn head(&mut self, status: u16, heed: Heed<'_>) -> Result<(), Reason> {
        let facts = heed.facts();
        self.verdict = match status {
            407 if heed.by_proxy() => return Err(Reason::ProxyRefused),
            _ if facts.length(status).is_some_and(|length| length > self.limit) => return Err(Reason::TooLarge),
            429 => Err(Reason::RateLimited),
            400.. => Err(Reason::HttpStatus),
            _ => Ok(()),
        };
        if !self.streamed {
            self.check = Check::new(self.data_type, facts);
        }
        Ok(())
    }

    // Never inlined: in a large frame it would be larger itself.
    #[inline(never)]
    fn body(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        // What is within the limit is checked first, so that the first fault decides at any split.
        let room = usize::try_from(self.limit.saturating_sub(self.received)).unwrap_or(usize::MAX);
        let (within, beyond) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.check.push(within)?;
        if !beyond.is_empty() {
            return Err(Reason::TooLarge);
        }
        self.received = self.received.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

impl Kind for Answer {
    type Event<'i> = Event<'i>;
    type Outcome = Outcome;

    fn hear<'i>(&mut self, heard: Heard<'i>, heed: Heed<'_>) -> Result<(Event<'i>, Option<Reason>), Reason> {
        let event = match heard {
            Heard::Interim(head) => Event::Interim(head),
            Heard::Redirect(head) => Event::Redirect(head),
            Heard::Head(head) => {
                let doom = self.head(head.status(), heed).err();
                return Ok((Event::Head { head, charset: heed.facts().charset() }, doom));
            }
            Heard::Body(bytes) => {
                self.body(bytes)?;
                Event::Body(bytes)
            }
        };
        Ok((event, None))
    }

    fn complete(&mut self) -> Result<(), Reason> {
        self.check.finish(self.received == 0).and(self.verdict)
    }

    fn outcome(&self, ended: Ended) -> Outcome {
        let Ended { result, status, redirects } = ended;
        Outcome { result, status, received: self.received, redirects }
    }
}
