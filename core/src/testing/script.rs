//! A peer that follows a script, one line per step, on a clock of its own.
//!
//! The script says what the client must do and what the peer does, in order. A client that does anything else fails the
//! test at that step; so does one that ends before the script does.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context as Waking, Poll, Waker};

use embedded_io::ErrorKind;

use crate::drive::asynch::Ended;
use crate::drive::{NoRandomness, Route, asynch};
use crate::reason::{Fault, Interrupt};
use crate::time::Instant;

/// One step of a script. A route is written `https host:port` or `http host:port via proxy:port`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// The client opens a link; where it asks for a kept one first, there is none.
    Connect(&'static str),
    /// The client opens a link and must not ask for a kept one.
    Fresh(&'static str),
    /// The client asks for a kept link and gets it.
    Reuse(&'static str),
    /// The client tries to open a link and cannot.
    NoLink(&'static str, Fault),
    /// The client starts TLS.
    Secure,
    /// The client starts TLS and fails.
    NotSecure(Fault),
    /// The client sends exactly this.
    Sends(String),
    /// The client sends exactly these bytes.
    Writes(Bytes),
    /// The client sends so many bytes, whichever.
    Takes(usize),
    /// The client sends what it likes, until it reads.
    Request,
    /// The peer sends this.
    Answers(Bytes),
    /// The peer has closed its side.
    Ends,
    /// The link is broken: reads and writes fail.
    Breaks,
    /// One write fails; what the peer has sent before can still be read.
    WriteBreaks,
    /// One read or write fails in a way that means nothing.
    Hiccup,
    /// Nothing happens for so many milliseconds.
    Waits(u64),
    /// Nothing happens any more.
    Stalls,
    /// Somebody wants the call to end.
    Interrupts(Interrupt),
    /// The client gives the link back, to be kept.
    Keeps,
    /// The client closes the link, with whatever is left in it.
    Closes,
}

impl Step {
    /// What the client must send.
    fn expected(&self) -> &[u8] {
        match self {
            Self::Sends(text) => text.as_bytes(),
            Self::Writes(Bytes(bytes)) => bytes,
            _ => &[],
        }
    }
}

/// Bytes that are shown as text.
#[derive(Clone, PartialEq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// How the peer's bytes arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Split {
    /// As the script has them.
    Whole,
    /// One by one; writes are taken byte by byte, too.
    Bytes,
    /// With a boundary after so many bytes, counted over the whole script.
    At(usize),
}

/// The script under way: what every link of it shares.
#[derive(Debug)]
struct Script {
    steps: VecDeque<Step>,
    done: Vec<Step>,
    split: Split,
    now: u64,
    /// Bytes of the current step that are done.
    offset: usize,
    /// Bytes that the peer has sent in all.
    answered: usize,
    waits_until: Option<u64>,
    asked_for_kept: bool,
    interrupt: Option<Interrupt>,
    sending: Vec<u8>,
    /// Every request sent, whole or in part.
    sent: Vec<String>,
    /// When somebody wants to be woken.
    wakes: Vec<u64>,
    /// How often random bytes can be drawn.
    draws: usize,
}

/// What the next step lets an operation do.
enum Gate {
    Go,
    Wait(Option<u64>),
    Interrupted,
}

impl Script {
    fn next(&mut self) {
        self.offset = 0;
        self.done.extend(self.steps.pop_front());
    }

    #[track_caller]
    fn fail(&self, what: impl Debug) -> ! {
        panic!("the client {what:?}\n  where the script has {:?}\n  after {:#?}", self.steps.front(), self.done)
    }

    fn gate(&mut self) -> Gate {
        loop {
            match self.steps.front() {
                Some(Step::Waits(ms)) => {
                    let until = *self.waits_until.get_or_insert(self.now + ms);
                    if self.now < until {
                        return Gate::Wait(Some(until));
                    }
                    self.waits_until = None;
                    self.next();
                }
                Some(Step::Stalls) => return Gate::Wait(None),
                Some(Step::Interrupts(interrupt)) => {
                    self.interrupt = Some(*interrupt);
                    self.next();
                    return Gate::Interrupted;
                }
                _ => return Gate::Go,
            }
        }
    }

    fn connect(&mut self, route: &Route<'_>) -> Result<(), Fault> {
        let asked_for_kept = std::mem::take(&mut self.asked_for_kept);
        let result = match self.steps.front() {
            Some(Step::Connect(to)) if *to == text(route) => Ok(()),
            Some(Step::Fresh(to)) if *to == text(route) && !asked_for_kept => Ok(()),
            Some(Step::NoLink(to, fault)) if *to == text(route) => Err(*fault),
            _ => self.fail(("connects to", text(route), "asked for a kept link", asked_for_kept)),
        };
        self.next();
        result
    }

    fn reuse(&mut self, route: &Route<'_>) -> bool {
        let kept = matches!(self.steps.front(), Some(Step::Reuse(to)) if *to == text(route));
        if kept {
            self.next();
        }
        self.asked_for_kept = !kept;
        kept
    }

    fn secure(&mut self) -> Result<(), Fault> {
        let result = match self.steps.front() {
            Some(Step::Secure) => Ok(()),
            Some(Step::NotSecure(fault)) => Err(*fault),
            _ => self.fail("starts TLS"),
        };
        self.next();
        result
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        let most = if self.split == Split::Bytes { 1 } else { bytes.len() };
        let taken = match self.steps.front() {
            Some(step @ (Step::Sends(_) | Step::Writes(_))) => {
                let rest = &step.expected()[self.offset..];
                let taken = most.min(rest.len());
                if rest[..taken] != bytes[..taken] {
                    self.fail(("sends", bytes.escape_ascii().to_string(), "not", rest.escape_ascii().to_string()));
                }
                taken
            }
            Some(Step::Takes(bytes)) => most.min(bytes - self.offset),
            // Who has answered does not listen any more.
            Some(Step::Request | Step::Answers(_)) => most,
            Some(Step::WriteBreaks) => {
                self.next();
                return Err(ErrorKind::BrokenPipe);
            }
            Some(Step::Breaks) => return Err(ErrorKind::ConnectionReset),
            Some(Step::Hiccup) => {
                self.next();
                return Err(ErrorKind::Interrupted);
            }
            _ => self.fail(("sends", bytes.escape_ascii().to_string())),
        };
        self.sending.extend_from_slice(&bytes[..taken]);
        match self.steps.front() {
            Some(step @ (Step::Sends(_) | Step::Writes(_))) => self.advance(taken, step.expected().len()),
            Some(Step::Takes(bytes)) => self.advance(taken, *bytes),
            _ => {}
        }
        Ok(taken)
    }

    fn advance(&mut self, bytes: usize, length: usize) {
        self.offset += bytes;
        if self.offset == length {
            self.next();
        }
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        assert!(!space.is_empty(), "a read without room for it");
        self.end_request();
        match self.steps.front() {
            Some(Step::Answers(Bytes(bytes))) => {
                let most = match self.split {
                    Split::Whole => usize::MAX,
                    Split::Bytes => 1,
                    Split::At(at) if at > self.answered => at - self.answered,
                    Split::At(_) => usize::MAX,
                };
                let rest = &bytes[self.offset..];
                let taken = rest.len().min(space.len()).min(most);
                assert!(taken > 0, "an empty answer in the script");
                space[..taken].copy_from_slice(&rest[..taken]);
                let length = bytes.len();
                self.answered += taken;
                self.advance(taken, length);
                Ok(taken)
            }
            Some(Step::Ends) => Ok(0),
            Some(Step::Breaks) => Err(ErrorKind::ConnectionReset),
            Some(Step::Hiccup) => {
                self.next();
                Err(ErrorKind::Interrupted)
            }
            _ => self.fail("reads"),
        }
    }

    /// Whoever reads has sent the request.
    fn end_request(&mut self) {
        let request = std::mem::take(&mut self.sending);
        if request.is_empty() {
            return;
        }
        self.sent.push(String::from_utf8_lossy(&request).into_owned());
        if let Some(Step::Request) = self.steps.front() {
            self.next();
        }
    }

    fn closed(&mut self) {
        self.end_request();
        let left = self.steps.iter().position(|step| {
            use Step::{Answers, Breaks, Ends, Request, Stalls, Waits};
            !matches!(step, Request | Answers(_) | Ends | Breaks | Stalls | Waits(_))
        });
        if let Some(at) = left.filter(|at| self.steps[*at] == Step::Closes) {
            self.waits_until = None;
            (0..=at).for_each(|_| self.next());
        }
    }
}

/// A route as scripts write it.
fn text(route: &Route<'_>) -> String {
    let scheme = if route.secure { "https" } else { "http" };
    let proxy = route.proxy.map(|(host, port)| format!(" via {host}:{port}")).unwrap_or_default();
    format!("{scheme} {}:{}{proxy}", route.host, route.port)
}

/// The peer, as a transport of both kinds.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Rc<RefCell<Script>>);

impl Peer {
    pub(crate) fn new(steps: &[Step], split: Split) -> Self {
        Self(Rc::new(RefCell::new(Script {
            steps: steps.iter().cloned().collect(),
            done: Vec::new(),
            split,
            now: 1_000_000,
            offset: 0,
            answered: 0,
            waits_until: None,
            asked_for_kept: false,
            interrupt: None,
            sending: Vec::new(),
            sent: Vec::new(),
            wakes: Vec::new(),
            draws: usize::MAX,
        })))
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_millis(self.0.borrow().now)
    }

    /// Random bytes can be drawn so many times.
    pub(crate) fn with_draws(self, draws: usize) -> Self {
        self.0.borrow_mut().draws = draws;
        self
    }

    fn draw(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let mut script = self.0.borrow_mut();
        script.draws = script.draws.checked_sub(1).ok_or(NoRandomness)?;
        bytes.fill(0);
        Ok(())
    }

    /// What was sent.
    pub(crate) fn sent(&self) -> Vec<String> {
        self.0.borrow().sent.clone()
    }

    /// Nothing of the script is left; what was sent.
    #[track_caller]
    pub(crate) fn finish(self) -> Vec<String> {
        let script = self.0.borrow();
        assert!(script.steps.is_empty(), "the client ends before {:#?}\n  after {:#?}", script.steps, script.done);
        drop(script);
        self.sent()
    }

    /// Waits until the next step can happen; fails at `until`, and when somebody interrupts.
    fn block(&self, until: Instant) -> Result<(), ErrorKind> {
        let mut script = self.0.borrow_mut();
        loop {
            match script.gate() {
                Gate::Go => return Ok(()),
                Gate::Wait(Some(wake)) if wake < until.as_millis() => script.now = wake,
                Gate::Wait(_) => {
                    script.now = script.now.max(until.as_millis());
                    return Err(ErrorKind::TimedOut);
                }
                Gate::Interrupted => return Err(ErrorKind::Other),
            }
        }
    }

    async fn until_ready(&self) {
        poll_fn(|_| {
            let mut script = self.0.borrow_mut();
            match script.gate() {
                Gate::Go => Poll::Ready(()),
                Gate::Wait(wake) => {
                    script.wakes.extend(wake);
                    Poll::Pending
                }
                Gate::Interrupted => {
                    let now = script.now;
                    script.wakes.push(now);
                    Poll::Pending
                }
            }
        })
        .await;
    }

    fn link(&self) -> Link {
        Link { peer: self.clone(), until: Instant::default(), is_open: true }
    }

    fn is_answering(&self) -> bool {
        matches!(self.0.borrow().steps.front(), Some(Step::Answers(_)))
    }

    fn kept(&self, route: &Route<'_>, mut link: Link) {
        link.is_open = false;
        let mut script = self.0.borrow_mut();
        script.end_request();
        match script.steps.front() {
            Some(Step::Keeps) => script.next(),
            _ => script.fail(("keeps", text(route))),
        }
    }

    /// Runs a future; where it waits, the clock jumps to the first moment that something happens.
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut waking = Waking::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut waking) {
                return done;
            }
            let mut script = self.0.borrow_mut();
            let wake = script.wakes.drain(..).min().expect("somebody waits for nothing");
            script.now = script.now.max(wake);
        }
    }
}

/// The client's end of a link.
#[derive(Debug)]
pub(crate) struct Link {
    peer: Peer,
    until: Instant,
    is_open: bool,
}

impl Drop for Link {
    fn drop(&mut self) {
        // While a failed test unwinds, the script may be borrowed.
        if let (true, Ok(mut script)) = (self.is_open, self.peer.0.try_borrow_mut()) {
            script.closed();
        }
    }
}

impl embedded_io::ErrorType for Link {
    type Error = ErrorKind;
}

impl embedded_io::Read for Link {
    fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        self.peer.0.borrow_mut().end_request();
        self.peer.block(self.until)?;
        self.peer.0.borrow_mut().read(space)
    }
}

impl embedded_io::Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.peer.block(self.until)?;
        self.peer.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl embedded_io_async::Read for Link {
    async fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        self.peer.0.borrow_mut().end_request();
        self.peer.until_ready().await;
        self.peer.0.borrow_mut().read(space)
    }
}

impl embedded_io_async::Write for Link {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.peer.until_ready().await;
        self.peer.0.borrow_mut().write(bytes)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl crate::drive::Link for Link {
    fn set_deadline(&mut self, until: Instant) {
        self.until = until;
    }

    fn read_ready(&mut self) -> bool {
        self.peer.is_answering()
    }
}

impl crate::drive::Transport for Peer {
    type Link = Link;

    fn now(&mut self) -> Instant {
        Self::now(self)
    }

    /// Says so once.
    fn interrupted(&mut self) -> Option<Interrupt> {
        self.0.borrow_mut().interrupt.take()
    }

    fn reuse(&mut self, route: &Route<'_>) -> Option<Link> {
        self.0.borrow_mut().reuse(route).then(|| self.link())
    }

    fn connect(&mut self, route: &Route<'_>, until: Instant) -> Result<Link, Fault> {
        self.block(until).map_err(|_| Fault::Connect)?;
        self.0.borrow_mut().connect(route).map(|()| self.link())
    }

    fn secure(&mut self, link: Link, _: &Route<'_>, until: Instant) -> Result<Link, Fault> {
        self.block(until).map_err(|_| Fault::Lost)?;
        let secured = self.0.borrow_mut().secure();
        secured.map(|()| link)
    }

    fn keep(&mut self, route: &Route<'_>, link: Link) {
        self.kept(route, link);
    }
}

impl asynch::Transport for Peer {
    type Link = Link;

    fn now(&self) -> Instant {
        Self::now(self)
    }

    async fn ended(&self, until: Instant) -> Ended {
        poll_fn(|_| {
            let mut script = self.0.borrow_mut();
            match script.interrupt {
                Some(interrupt) => Poll::Ready(Ended::Interrupted(interrupt)),
                None if script.now >= until.as_millis() => Poll::Ready(Ended::Deadline),
                None => {
                    script.wakes.push(until.as_millis());
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn reuse(&self, route: &Route<'_>) -> Option<Link> {
        self.0.borrow_mut().reuse(route).then(|| self.link())
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Link, Fault> {
        self.until_ready().await;
        self.0.borrow_mut().connect(route).map(|()| self.link())
    }

    async fn secure(&self, link: Link, _: &Route<'_>) -> Result<Link, Fault> {
        self.until_ready().await;
        let secured = self.0.borrow_mut().secure();
        secured.map(|()| link)
    }

    fn read_ready(&self, _: &mut Link) -> bool {
        self.is_answering()
    }

    fn keep(&self, route: &Route<'_>, link: Link) {
        self.kept(route, link);
    }
}

/// Zeros: what is masked stays legible.
impl crate::drive::blocking::SocketTransport for Peer {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.draw(bytes)
    }
}

impl asynch::SocketTransport for Peer {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.draw(bytes)
    }

    async fn readable(&self, _: &mut Link) {
        self.0.borrow_mut().end_request();
        self.until_ready().await;
        let script = self.0.borrow();
        if !matches!(script.steps.front(), Some(Step::Answers(_) | Step::Ends | Step::Breaks | Step::Hiccup)) {
            script.fail("waits for bytes");
        }
    }
}
