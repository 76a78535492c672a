//! What a session runs on: random numbers, and a link in memory. What the server has said is read in pieces, with pauses and
//! failures in between; what the client writes is kept.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, ErrorType};
use miniwire_embassy::tls::{CryptoRng, Link, RngCore, RngError};

use crate::splits::Random;

/// What comes to the client.
#[derive(Debug)]
pub(crate) enum Item {
    /// Bytes, the first of which have been read.
    Bytes(Vec<u8>, usize),
    /// Nothing, for one poll.
    Pause,
    /// A read fails.
    Failure(ErrorKind),
}

/// What becomes of the next write or flush.
#[derive(Clone, Copy, Debug)]
pub(crate) enum WriteFault {
    /// It waits for a poll.
    Pause,
    /// It takes nothing.
    Nothing,
    /// It fails.
    Failure(ErrorKind),
}

/// The two directions.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    /// On its way to the client.
    pub(crate) incoming: VecDeque<Item>,
    /// What the client has written.
    pub(crate) outgoing: Vec<u8>,
    /// Behind what is incoming there is an end.
    pub(crate) ended: bool,
    /// A read returns at most so many bytes, if not 0.
    pub(crate) piece: usize,
    /// A write takes at most so many bytes, if not 0.
    pub(crate) window: usize,
    /// For the next write or flush.
    pub(crate) fault: Option<WriteFault>,
    /// How often the client has asked for something.
    pub(crate) calls: usize,
}

impl Wire {
    /// Bytes for the client.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.incoming.push_back(Item::Bytes(bytes.to_vec(), 0));
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> Poll<Result<usize, ErrorKind>> {
        self.calls += 1;
        let most = if self.piece == 0 { buf.len() } else { buf.len().min(self.piece) };
        let mut filled = 0;
        while filled < most {
            match self.incoming.front_mut() {
                Some(Item::Bytes(bytes, at)) => {
                    let count = (most - filled).min(bytes.len() - *at);
                    buf[filled..filled + count].copy_from_slice(&bytes[*at..*at + count]);
                    (filled, *at) = (filled + count, *at + count);
                    if *at == bytes.len() {
                        self.incoming.pop_front();
                    }
                }
                Some(_) if filled > 0 => break,
                Some(Item::Pause) => {
                    self.incoming.pop_front();
                    return Poll::Pending;
                }
                Some(&mut Item::Failure(kind)) => {
                    self.incoming.pop_front();
                    return Poll::Ready(Err(kind));
                }
                None if filled == 0 && !self.ended && most > 0 => return Poll::Pending,
                None => break,
            }
        }
        Poll::Ready(Ok(filled))
    }

    fn is_readable(&mut self) -> Poll<()> {
        self.calls += 1;
        if let Some(Item::Pause) = self.incoming.front() {
            self.incoming.pop_front();
            return Poll::Pending;
        }
        if self.incoming.is_empty() && !self.ended { Poll::Pending } else { Poll::Ready(()) }
    }

    fn take_fault(&mut self) -> Option<Poll<Result<usize, ErrorKind>>> {
        self.calls += 1;
        self.fault.take().map(|fault| match fault {
            WriteFault::Pause => Poll::Pending,
            WriteFault::Nothing => Poll::Ready(Ok(0)),
            WriteFault::Failure(kind) => Poll::Ready(Err(kind)),
        })
    }

    fn write(&mut self, buf: &[u8]) -> Poll<Result<usize, ErrorKind>> {
        if let Some(fault) = self.take_fault() {
            return fault;
        }
        let count = if self.window == 0 { buf.len() } else { buf.len().min(self.window) };
        self.outgoing.extend(&buf[..count]);
        Poll::Ready(Ok(count))
    }
}

/// The client's end.
#[derive(Debug)]
pub(crate) struct ClientEnd(pub(crate) Rc<RefCell<Wire>>);

impl ErrorType for ClientEnd {
    type Error = ErrorKind;
}

impl embedded_io_async::Read for ClientEnd {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| self.0.borrow_mut().read(buf)).await
    }
}

impl embedded_io_async::Write for ClientEnd {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        poll_fn(|_| self.0.borrow_mut().write(buf)).await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        poll_fn(|_| self.0.borrow_mut().take_fault().map_or(Poll::Ready(Ok(0)), |fault| fault)).await.map(drop)
    }
}

impl Link for ClientEnd {
    async fn readable(&mut self) {
        poll_fn(|_| self.0.borrow_mut().is_readable()).await;
    }
}

/// The server's end. What it has to say is never refused; what it reads has been written.
#[derive(Debug)]
pub(crate) struct ServerEnd {
    /// Both directions.
    pub(crate) wire: Rc<RefCell<Wire>>,
    /// How much it has read of what the client has written.
    pub(crate) read: usize,
}

impl io::Read for ServerEnd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let wire = self.wire.borrow();
        let written = &wire.outgoing[self.read..];
        let count = written.len().min(buf.len());
        buf[..count].copy_from_slice(&written[..count]);
        self.read += count;
        Ok(count)
    }
}

impl io::Write for ServerEnd {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.wire.borrow_mut().say(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Random numbers that are always the same: fit for nothing but this.
pub(crate) struct Numbers(Random);

impl Default for Numbers {
    fn default() -> Self {
        Self(Random::new(1))
    }
}

impl RngCore for Numbers {
    fn next_u32(&mut self) -> u32 {
        self.0.number() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0.number()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        dest.fill_with(|| self.0.number() as u8);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), RngError> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for Numbers {}

/// Polls once.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
