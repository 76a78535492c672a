//! Where a session and the stream to it meet: on one thread, through cells.

use core::cell::{Cell, RefCell};
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Poll, Waker};

use embedded_io::ErrorKind;
use embedded_io_async::Write as _;
use miniwire_core::reason::Fault;

use super::session::Session;
use crate::sockets::Tcp;
use crate::waiting::wake;

/// Bytes that were decrypted and that the stream has not read, at most.
const INCOMING: usize = 1024;
/// Bytes that were written to the stream and not encrypted, at most.
const OUTGOING: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody serves it.
    Absent,
    Idle,
    /// There is a stream.
    Taken,
    /// The stream is gone, the session perhaps not yet.
    Left,
    /// There is a stream, and nobody serves it any more.
    Orphaned,
}

/// What a session is to be made of.
pub(super) struct Job<'s, 'd> {
    pub(super) tcp: Tcp<'s, 'd>,
    pub(super) host: Host,
}

/// One session's.
pub(super) struct Place<'s, 'd> {
    stage: Cell<Stage>,
    job: Cell<Option<Job<'s, 'd>>>,
    opened: Cell<Option<Result<(), Fault>>>,
    /// How the incoming stream has ended.
    ended: Cell<Option<Result<(), ErrorKind>>>,
    failed: Cell<Option<ErrorKind>>,
    wants_flush: Cell<bool>,
    /// What comes is no reason to stop writing.
    duplex: Cell<bool>,
    incoming: RefCell<Chunk<INCOMING>>,
    outgoing: RefCell<Chunk<OUTGOING>>,
    server: Cell<Option<Waker>>,
    user: Cell<Option<Waker>>,
}

impl<'s, 'd> Place<'s, 'd> {
    pub(super) fn new() -> Self {
        Self {
            stage: Cell::new(Stage::Absent),
            job: Cell::new(None),
            opened: Cell::new(None),
            ended: Cell::new(None),
            failed: Cell::new(None),
            wants_flush: Cell::new(false),
            duplex: Cell::new(false),
            incoming: RefCell::new(Chunk::new()),
            outgoing: RefCell::new(Chunk::new()),
            server: Cell::new(None),
            user: Cell::new(None),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }
}

/// The session's side.
impl<'s, 'd> Place<'s, 'd> {
    /// Ready for the next stream.
    pub(super) fn clear(&self) {
        self.stage.set(Stage::Idle);
        self.job.set(None);
        self.opened.set(None);
        self.ended.set(None);
        self.failed.set(None);
        self.wants_flush.set(false);
        with(&self.incoming, Chunk::clear);
        with(&self.outgoing, Chunk::clear);
    }

    /// It is not served any more.
    pub(super) fn abandon(&self) {
        let next = if self.stage() == Stage::Taken { Stage::Orphaned } else { Stage::Absent };
        self.stage.set(next);
        self.job.set(None);
        self.opened.set(Some(Err(Fault::Tls)));
        self.ended.set(Some(Err(ErrorKind::ConnectionAborted)));
        self.failed.set(Some(ErrorKind::ConnectionAborted));
        wake(&self.user);
    }

    pub(super) fn awaits(&self, waker: &Waker) {
        register(&self.server, waker);
    }

    pub(super) async fn job(&self) -> Job<'s, 'd> {
        poll_fn(|context| {
            self.awaits(context.waker());
            // Also where it was left before it began: then the job comes to nothing.
            self.job.take().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Tells the stream how the handshake ended.
    pub(super) fn opened(&self, opened: Result<(), Fault>) {
        self.opened.set(Some(opened));
        wake(&self.user);
    }

    /// Returns when the stream is gone.
    pub(super) async fn left(&self) {
        poll_fn(|context| {
            self.awaits(context.waker());
            if self.stage() == Stage::Taken { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// `None` where the stream is gone before it is done.
    pub(super) async fn unless_left<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        let mut operation = pin!(operation);
        poll_fn(|context| {
            if self.stage() != Stage::Taken {
                return Poll::Ready(None);
            }
            self.awaits(context.waker());
            operation.as_mut().poll(context).map(Some)
        })
        .await
    }

    pub(super) fn has_to_write(&self) -> bool {
        self.failed.get().is_none()
            && (self.wants_flush.get() || with(&self.outgoing, |bytes| !bytes.is_empty()) == Some(true))
    }

    pub(super) fn wants_to_read(&self) -> bool {
        self.ended.get().is_none() && with(&self.incoming, |bytes| bytes.is_empty()) == Some(true)
    }

    /// How long the record is that [`write_to`](Self::write_to) would send, 0 where it would send none.
    pub(super) fn next_record(&self, session: &Session<'_, Tcp<'s, 'd>>) -> usize {
        let length = with(&self.outgoing, |bytes| bytes.filled().len()).unwrap_or(0);
        let (_, record) = session.next_record(length, self.wants_flush.get());
        record.unwrap_or(0)
    }

    /// Writes what there is, up to the end of a record.
    pub(super) async fn write_to(&self, session: &mut Session<'_, Tcp<'s, 'd>>) {
        let written = self.try_write_to(session).await;
        if let Err(kind) = written {
            self.failed.set(Some(kind));
        }
        wake(&self.user);
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "the stream never borrows, but tries to, and waits")]
    async fn try_write_to(&self, session: &mut Session<'_, Tcp<'s, 'd>>) -> Result<(), ErrorKind> {
        let Ok(mut outgoing) = self.outgoing.try_borrow_mut() else { return Ok(()) };
        let (mut left, record) = session.next_record(outgoing.filled().len(), self.wants_flush.get());
        while left > 0 {
            let written = session.write(outgoing.filled().get(..left).unwrap_or_default()).await?;
            if written == 0 {
                return Err(ErrorKind::WriteZero);
            }
            outgoing.consume(written);
            left = left.saturating_sub(written);
        }
        if record.is_some() {
            session.flush().await?;
        }
        if outgoing.is_empty() {
            self.wants_flush.set(false);
        }
        Ok(())
    }

    pub(super) async fn read_from(&self, session: &mut Session<'_, Tcp<'s, 'd>>) {
        let read = session.read_ready_with(|bytes| with(&self.incoming, |chunk| chunk.push(bytes)).unwrap_or(0)).await;
        match read {
            Ok(None) => self.ended.set(Some(Ok(()))),
            Ok(Some(_)) => {}
            Err(kind) => self.ended.set(Some(Err(kind))),
        }
        wake(&self.user);
    }
}

/// The stream's side.
impl<'s, 'd> Place<'s, 'd> {
    pub(super) fn take(&self, job: Job<'s, 'd>) {
        self.stage.set(Stage::Taken);
        self.duplex.set(job.tcp.leave_to_session());
        self.job.set(Some(job));
        wake(&self.server);
    }

    pub(super) fn leave(&self) {
        self.user.take();
        self.stage.set(if self.stage() == Stage::Orphaned { Stage::Absent } else { Stage::Left });
        wake(&self.server);
    }

    pub(super) fn poll_opened(&self, waker: &Waker) -> Poll<Result<(), Fault>> {
        register(&self.user, waker);
        self.opened.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// A read would not wait.
    pub(super) fn is_readable(&self) -> bool {
        self.ended.get().is_some() || with(&self.incoming, |bytes| bytes.is_empty()) == Some(false)
    }

    /// The peer has said something while it takes nothing, and that is an answer.
    pub(super) fn is_answered(&self) -> bool {
        !self.duplex.get() && self.is_readable()
    }

    pub(super) fn poll_readable(&self, waker: &Waker) -> Poll<()> {
        register(&self.user, waker);
        if self.is_readable() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn poll_read(&self, waker: &Waker, buf: &mut [u8]) -> Poll<Result<usize, ErrorKind>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        register(&self.user, waker);
        let read = with(&self.incoming, |bytes| bytes.pop(buf)).unwrap_or(0);
        if read > 0 {
            wake(&self.server);
            return Poll::Ready(Ok(read));
        }
        self.ended.get().map_or(Poll::Pending, |ended| Poll::Ready(ended.map(|()| 0)))
    }

    pub(super) fn poll_write(&self, waker: &Waker, buf: &[u8]) -> Poll<Result<usize, ErrorKind>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if let Some(kind) = self.failed.get() {
            return Poll::Ready(Err(kind));
        }
        register(&self.user, waker);
        match with(&self.outgoing, |bytes| bytes.push(buf)) {
            None | Some(0) => Poll::Pending,
            Some(written) => {
                wake(&self.server);
                Poll::Ready(Ok(written))
            }
        }
    }

    pub(super) fn begin_flush(&self) {
        self.wants_flush.set(true);
        wake(&self.server);
    }

    pub(super) fn poll_flush(&self, waker: &Waker) -> Poll<Result<(), ErrorKind>> {
        register(&self.user, waker);
        match self.failed.get() {
            Some(kind) => Poll::Ready(Err(kind)),
            None if self.wants_flush.get() => Poll::Pending,
            None => Poll::Ready(Ok(())),
        }
    }
}

/// Calls with what is in the cell, unless it is in use.
fn with<T, U>(cell: &RefCell<T>, call: impl FnOnce(&mut T) -> U) -> Option<U> {
    cell.try_borrow_mut().ok().map(|mut value| call(&mut value))
}

fn register(cell: &Cell<Option<Waker>>, waker: &Waker) {
    let waits = match cell.take() {
        Some(known) if known.will_wake(waker) => known,
        _ => waker.clone(),
    };
    cell.set(Some(waits));
}

/// Bytes on their way, in one piece.
struct Chunk<const N: usize> {
    bytes: [u8; N],
    start: usize,
    end: usize,
}

impl<const N: usize> Chunk<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], start: 0, end: 0 }
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// How many there was room for.
    fn push(&mut self, bytes: &[u8]) -> usize {
        let space = self.bytes.get_mut(self.end..).unwrap_or_default();
        let pushed = copy(bytes, space);
        self.end = self.end.saturating_add(pushed);
        pushed
    }

    fn pop(&mut self, buf: &mut [u8]) -> usize {
        let popped = copy(self.filled(), buf);
        self.consume(popped);
        popped
    }

    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count);
        if self.is_empty() {
            self.clear();
        }
    }
}

/// As many as there are and fit.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    // A loop, of which the compiler makes a memcpy. `copy_from_slice` can panic, where it is not inlined.
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    from.len().min(to.len())
}

/// The longest name that DNS has.
const LONGEST_HOST: usize = 254;

/// An owned name or address.
pub(super) struct Host {
    bytes: [u8; LONGEST_HOST],
    length: usize,
}

impl Host {
    /// `None` where no host has such a long name.
    pub(super) fn new(host: &str) -> Option<Self> {
        let mut bytes = [0; LONGEST_HOST];
        bytes.get_mut(..host.len())?;
        let length = copy(host.as_bytes(), &mut bytes);
        Some(Self { bytes, length })
    }

    pub(super) fn as_str(&self) -> &str {
        core::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctx_08_bytes_on_their_way_keep_their_order() {
        let mut chunk = Chunk::<4>::new();
        assert_eq!((chunk.push(b"abcdef"), chunk.push(b"x")), (4, 0));
        let mut buf = [0; 3];
        assert_eq!((chunk.pop(&mut buf), &buf), (3, b"abc"));
        assert_eq!(chunk.filled(), b"d");
        chunk.consume(1);
        assert!(chunk.is_empty());
        assert_eq!(chunk.push(b"efg"), 3);
        assert_eq!(chunk.filled(), b"efg");
    }

    #[test]
    fn ctx_08_no_host_is_cut_short() {
        assert_eq!(Host::new("a.test").map(|host| host.as_str().to_owned()).as_deref(), Some("a.test"));
        assert!(Host::new(&"x".repeat(LONGEST_HOST)).is_some());
        assert!(Host::new(&"x".repeat(LONGEST_HOST + 1)).is_none());
    }
}
