//! A server in memory, as a transport of both kinds.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use embedded_io::ErrorKind;
use miniwire_core::drive::{self, NoRandomness, Route, asynch, blocking};
use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;

use super::clock::{Pace, Virtual};
use super::talk::Talker;

/// A request as the server has understood it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The head, its empty line included.
    pub head: String,
    /// So many bytes as `Content-Length` says.
    pub body: Vec<u8>,
}

impl Asked {
    /// The path of the request line.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// What the server does about it: these bytes, and whether it closes after them.
pub type Reply = (Vec<u8>, bool);

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A server in memory. It takes each request whole and answers it at once, whatever the host; it has no TLS, and calls
/// any link secure that is to be.
#[derive(Clone)]
pub struct Origin {
    clock: Virtual,
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<Asked>>>,
    talks: Arc<Mutex<Vec<Talker>>>,
    /// A WebSocket server, of this seed.
    seed: Option<u64>,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").finish_non_exhaustive()
    }
}

impl Origin {
    /// The server that answers so, on this clock.
    pub fn new(clock: Virtual, script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self { clock, script: Arc::new(script), asked: Arc::default(), talks: Arc::default(), seed: None }
    }

    /// A WebSocket server: the [`Talker`] of this seed, for each link anew.
    pub fn talking(clock: Virtual, seed: u64) -> Self {
        Self { seed: Some(seed), ..Self::new(clock, |_| (Vec::new(), true)) }
    }

    /// Its end of each conversation, in the order in which the links were opened.
    pub fn talks(&self) -> Vec<Talker> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A link to it.
    pub fn open(&self) -> Link {
        let talk = self.seed.map(|seed| {
            let mut talks = self.talks.lock().unwrap_or_else(PoisonError::into_inner);
            talks.push(Talker::new(seed));
            talks.len() - 1
        });
        let (came, goes) = (Vec::new(), Vec::new());
        Link { origin: self.clone(), talk, came, goes, closed: false, until: Instant::default() }
    }
}

/// A link to the server.
#[derive(Debug)]
pub struct Link {
    origin: Origin,
    /// The number of the conversation, of a WebSocket.
    talk: Option<usize>,
    came: Vec<u8>,
    goes: Vec<u8>,
    closed: bool,
    until: Instant,
}

impl Link {
    /// Takes all of these bytes.
    ///
    /// # Errors
    /// Where the server has closed.
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        if self.closed {
            return Err(ErrorKind::BrokenPipe);
        }
        if let Some(talk) = self.talk {
            let mut talks = self.origin.talks.lock().unwrap_or_else(PoisonError::into_inner);
            let (goes, closes) = talks[talk].take(bytes);
            self.goes.extend(goes);
            self.closed = closes;
            return Ok(bytes.len());
        }
        self.came.extend_from_slice(bytes);
        while let Some(asked) = self.request() {
            let (bytes, closes) = (self.origin.script)(&asked);
            self.origin.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
            self.goes.extend(bytes);
            self.closed |= closes;
        }
        Ok(bytes.len())
    }

    /// The first request that is there as a whole.
    fn request(&mut self) -> Option<Asked> {
        let head = self.came.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&self.came[..head]).into_owned();
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap_or(0))
        });
        let end = head + length.unwrap_or(0);
        if self.came.len() < end {
            return None;
        }
        let body = self.came[head..end].to_vec();
        self.came.drain(..end);
        Some(Asked { head: text, body })
    }

    /// All that the server says at this moment, and whether it has closed behind it.
    pub fn say(&mut self) -> Reply {
        (std::mem::take(&mut self.goes), self.closed)
    }

    fn give(&mut self, space: &mut [u8]) -> Option<usize> {
        if self.goes.is_empty() {
            return self.closed.then_some(0);
        }
        let taken = self.goes.len().min(space.len());
        space[..taken].copy_from_slice(&self.goes[..taken]);
        self.goes.drain(..taken);
        Some(taken)
    }

    fn is_ready(&self) -> bool {
        self.closed || !self.goes.is_empty()
    }
}

impl embedded_io::ErrorType for Link {
    type Error = ErrorKind;
}

impl embedded_io::Read for Link {
    fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        self.give(space).ok_or_else(|| {
            self.origin.clock.block_until(self.until);
            ErrorKind::TimedOut
        })
    }
}

impl embedded_io::Write for Link {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.take(bytes)
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl embedded_io_async::Read for Link {
    async fn read(&mut self, space: &mut [u8]) -> Result<usize, ErrorKind> {
        match self.give(space) {
            Some(bytes) => Ok(bytes),
            None => pending().await,
        }
    }
}

impl embedded_io_async::Write for Link {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        self.take(bytes)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl drive::Link for Link {
    fn set_deadline(&mut self, until: Instant) {
        self.until = until;
    }

    fn read_ready(&mut self) -> bool {
        self.is_ready()
    }
}

impl drive::Transport for Origin {
    type Link = Link;

    fn now(&mut self) -> Instant {
        self.clock.now()
    }

    fn connect(&mut self, _: &Route<'_>, _: Instant) -> Result<Link, Fault> {
        Ok(self.open())
    }

    fn secure(&mut self, link: Link, _: &Route<'_>, _: Instant) -> Result<Link, Fault> {
        Ok(link)
    }
}

impl asynch::Transport for Origin {
    type Link = Link;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    async fn ended(&self, until: Instant) -> asynch::Ended {
        self.clock.until(until).await;
        asynch::Ended::Deadline
    }

    async fn connect(&self, _: &Route<'_>) -> Result<Link, Fault> {
        Ok(self.open())
    }

    async fn secure(&self, link: Link, _: &Route<'_>) -> Result<Link, Fault> {
        Ok(link)
    }

    fn read_ready(&self, link: &mut Link) -> bool {
        link.is_ready()
    }
}

/// Random enough for a key that nobody attacks, and the same each time.
fn fill(bytes: &mut [u8]) {
    for (byte, number) in bytes.iter_mut().zip(1..) {
        *byte = number;
    }
}

impl blocking::SocketTransport for Origin {
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        fill(bytes);
        Ok(())
    }
}

impl asynch::SocketTransport for Origin {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        fill(bytes);
        Ok(())
    }

    async fn readable(&self, link: &mut Link) {
        if !link.is_ready() {
            pending::<()>().await;
        }
    }
}
