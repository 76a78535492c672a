//! The TCP sockets, made once and used again for one connection after another.
//!
//! embassy-net panics where a socket finds no room in its stack, and takes a dropped socket out of it without telling
//! the peer. So sockets are neither made nor dropped while calls come and go: there is nothing to run out of, and the
//! stack stays responsible for saying goodbye.

use core::cell::{Cell, RefCell};
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embassy_net::tcp::{State, TcpSocket};
use embassy_net::{IpEndpoint, Stack};
use embassy_time::{Duration, Instant, Timer, with_timeout};
use embedded_io::ErrorKind;
use miniwire_core::reason::Fault;

use crate::link::Link;
use crate::waiting::{register_in_one, wake};

/// How long the FIN of a connection that the peer has closed is repeated before it is given up.
const LINGER: Duration = Duration::from_secs(10);
/// How long a new connection waits for the reset of the old one to go out. Where the peer's hardware address is not
/// known any more it never does.
const RESET_TIME: Duration = Duration::from_millis(100);
/// A write that makes no progress for this long looks whether the peer has answered instead of reading (UP-07).
pub(crate) const LONGEST_WRITE: Duration = Duration::from_secs(1);

/// The buffers of `N` sockets: each holds `RX` bytes that came and were not read, and `TX` bytes that went out and were
/// not acknowledged.
///
/// One segment on Ethernet is 1,460 bytes. `RX` is the window that a server may fill without waiting; `TX` bounds what
/// is sent in one round trip.
pub struct SocketMemory<const N: usize, const RX: usize, const TX: usize> {
    buffers: [([u8; RX], [u8; TX]); N],
}

impl<const N: usize, const RX: usize, const TX: usize> SocketMemory<N, RX, TX> {
    /// Zeroed, so that a `static` of it takes no flash.
    pub const fn new() -> Self {
        Self { buffers: [([0; RX], [0; TX]); N] }
    }
}

impl<const N: usize, const RX: usize, const TX: usize> Default for SocketMemory<N, RX, TX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const RX: usize, const TX: usize> fmt::Debug for SocketMemory<N, RX, TX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketMemory").finish_non_exhaustive()
    }
}

/// `N` TCP sockets of a stack, for one client or several. They stay in it until this is dropped; connections that are open
/// then are not closed.
pub struct Sockets<'d, const N: usize> {
    stack: Stack<'d>,
    slots: [Slot<'d>; N],
}

pub(crate) struct Slot<'d> {
    socket: RefCell<TcpSocket<'d>>,
    taken: Cell<bool>,
    /// When it was given back.
    since: Cell<Instant>,
    /// The connection is to be closed, not reset.
    finished: Cell<bool>,
    /// Both sides of the connection say what they like when they like.
    duplex: Cell<bool>,
    /// Whoever used the connection has left it to its session, which is about to end it.
    leaving: Cell<bool>,
    /// A call that waits for that.
    waiter: Cell<Option<Waker>>,
}

impl<'d, const N: usize> Sockets<'d, N> {
    /// Puts the sockets into the stack.
    ///
    /// # Panics
    /// In embassy-net, where the stack has no room for `N` more sockets.
    pub fn new<const RX: usize, const TX: usize>(stack: Stack<'d>, memory: &'d mut SocketMemory<N, RX, TX>) -> Self {
        let slots = memory.buffers.each_mut().map(|(receive, transmit)| {
            let mut socket = TcpSocket::new(stack, receive, transmit);
            // Head and body are written one after the other, and the peer may wait before it acknowledges the head.
            socket.set_nagle_enabled(false);
            Slot {
                socket: RefCell::new(socket),
                taken: Cell::new(false),
                since: Cell::new(Instant::MIN),
                finished: Cell::new(false),
                duplex: Cell::new(false),
                leaving: Cell::new(false),
                waiter: Cell::new(None),
            }
        });
        Self { stack, slots }
    }

    pub(crate) fn stack(&self) -> Stack<'d> {
        self.stack
    }

    /// A socket that nobody uses; best one whose last connection is quite over.
    pub(crate) fn take(&self) -> Option<Tcp<'_, 'd>> {
        let free = || self.slots.iter().filter(|slot| !slot.taken.get());
        free().for_each(Slot::forget_unsaid);
        let slot = free().find(|slot| slot.is_over()).or_else(|| free().next())?;
        slot.taken.set(true);
        slot.finished.set(false);
        slot.duplex.set(false);
        slot.leaving.set(false);
        Some(Tcp { slot })
    }

    /// Whether a socket is about to be given back; if so, the waker is woken when one is.
    pub(crate) fn is_one_leaving(&self, waker: &Waker) -> bool {
        let leaving = self.slots.iter().filter(|slot| slot.taken.get() && slot.leaving.get());
        register_in_one(leaving.map(|slot| &slot.waiter), waker)
    }

    /// How many sockets are neither in use nor kept, and how many of these have nothing more to say to their last peer.
    pub fn idle(&self) -> (usize, usize) {
        let free = || self.slots.iter().filter(|slot| !slot.taken.get());
        (free().count(), free().filter(|slot| slot.is_over()).count())
    }
}

impl<const N: usize> fmt::Debug for Sockets<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").finish_non_exhaustive()
    }
}

impl<'d> Slot<'d> {
    /// Calls with the socket. It is never borrowed for longer, so this always comes about.
    pub(crate) fn with<T>(&self, call: impl FnOnce(&mut TcpSocket<'d>) -> T) -> Option<T> {
        self.socket.try_borrow_mut().ok().map(|mut socket| call(&mut socket))
    }

    /// Forgets a reset that could not be sent in its time. smoltcp would go on asking for the hardware address of its peer,
    /// and asks for only one address per second: that of the next peer would not be asked for.
    fn forget_unsaid(&self) {
        let is_late = self.since.get().checked_add(RESET_TIME).is_some_and(|end| end <= Instant::now());
        self.with(|socket| {
            if is_late && socket.state() == State::Closed && socket.remote_endpoint().is_some() {
                forget(socket);
            }
        });
    }

    /// Nothing is left to be said to the last peer, a reset included.
    fn is_over(&self) -> bool {
        self.with(|socket| {
            socket.state() == State::TimeWait || (socket.state() == State::Closed && socket.remote_endpoint().is_none())
        })
        .unwrap_or(false)
    }
}

/// One connection, as a [`Secure`](crate::Secure) of the application's sees it: a byte stream. Dropped, it is closed where
/// the peer has closed its side, and reset where it has not.
pub struct Tcp<'s, 'd> {
    slot: &'s Slot<'d>,
}

impl<'s, 'd> Tcp<'s, 'd> {
    /// What sees the socket when a session owns the connection.
    pub(crate) fn slot(&self) -> &'s Slot<'d> {
        self.slot
    }

    /// Closes it behind what was written. Nothing waits for that; the socket can be used again at once.
    pub(crate) fn finish(self) {
        self.slot.finished.set(true);
    }

    /// Makes it fit for a WebSocket: what comes is no reason to stop writing, and a Close frame is to reach the server
    /// also where nobody waits for its answer.
    pub(crate) fn make_duplex(&self) {
        self.slot.finished.set(true);
        self.slot.duplex.set(true);
    }

    /// Lets writes go on while something comes: whether it is a reason to stop is up to the session. Returns whether they
    /// did anyway, as those of a WebSocket do.
    pub(crate) fn leave_to_session(&self) -> bool {
        self.slot.duplex.replace(true)
    }

    /// Opens a connection. Without a limit this can take for ever.
    pub(crate) async fn connect(&mut self, to: IpEndpoint, limit: Option<Duration>) -> Result<(), Fault> {
        self.reset().await;
        // embassy-net never says that a connection took too long.
        let opened = match limit {
            Some(limit) => with_timeout(limit, self.open(to)).await.map_err(|_| Fault::Connect),
            None => Ok(self.open(to).await),
        };
        opened.and_then(|opened| opened)
    }

    async fn open(&mut self, to: IpEndpoint) -> Result<(), Fault> {
        let mut begun = false;
        let opened = self.poll_with(|socket, context| {
            if !begun {
                // The first poll begins the connection.
                begun = true;
                socket.set_timeout(None);
                let polled = pin!(socket.connect(to)).poll(context);
                return polled.map_err(|_| embassy_net::tcp::Error::ConnectionReset);
            }
            match socket.state() {
                State::SynSent | State::SynReceived => {
                    // Woken at every change of the state.
                    pin!(socket.wait_write_ready()).poll(context).map(Ok)
                }
                State::Closed | State::Listen | State::TimeWait => {
                    Poll::Ready(Err(embassy_net::tcp::Error::ConnectionReset))
                }
                _ => Poll::Ready(Ok(())),
            }
        });
        opened.await.map_err(|_| Fault::Connect)
    }

    /// Ends the last connection of this socket, whatever became of it.
    async fn reset(&mut self) {
        if self.slot.is_over() {
            return;
        }
        self.slot.with(|socket| socket.abort());
        // A connection begun at once would take the place of the reset.
        let _ = with_timeout(RESET_TIME, self.poll_with(|socket, context| pin!(socket.flush()).poll(context))).await;
    }

    /// Polls with the socket until ready. embassy-net's futures hold nothing but the socket, so that they can be made
    /// anew for each poll.
    async fn poll_with<T>(
        &self,
        mut poll: impl FnMut(&mut TcpSocket<'d>, &mut Context<'_>) -> Poll<Result<T, embassy_net::tcp::Error>>,
    ) -> Result<T, ErrorKind> {
        poll_fn(|context| match self.slot.with(|socket| poll(socket, context)) {
            Some(polled) => polled.map_err(|_| ErrorKind::ConnectionReset),
            None => Poll::Ready(Err(ErrorKind::Other)),
        })
        .await
    }
}

impl Slot<'_> {
    /// Whether a read would return at once: bytes, the end of the stream, or an error.
    pub(crate) fn is_readable(&self) -> bool {
        self.with(|socket| socket.can_recv() || !socket.may_recv()).unwrap_or(true)
    }

    /// Ready once a write of so many bytes, or of as many as the buffer holds, would not wait.
    pub(crate) fn poll_room(&self, length: usize, context: &mut Context<'_>) -> Poll<()> {
        let polled = self.with(|socket| {
            let (capacity, queued) = (socket.send_capacity(), socket.send_queue());
            if capacity.saturating_sub(queued) >= length.min(capacity) || !socket.may_send() {
                return Poll::Ready(());
            }
            // Woken whenever some of it is acknowledged.
            pin!(socket.flush()).poll(context).map(drop)
        });
        polled.unwrap_or(Poll::Ready(()))
    }

    /// Bytes that can be on their way and not acknowledged.
    pub(crate) fn send_capacity(&self) -> usize {
        self.with(|socket| socket.send_capacity()).unwrap_or(0)
    }

    /// Closes the connection by itself once nothing was heard of the peer for so long.
    pub(crate) fn set_idle_limit(&self, limit: Option<Duration>) {
        self.with(|socket| socket.set_timeout(limit));
    }
}

/// Makes a socket new without telling the peer. To listen is the only way: it is over before anybody could come.
fn forget(socket: &mut TcpSocket<'_>) {
    socket.abort();
    let _ = pin!(socket.accept(1)).poll(&mut Context::from_waker(Waker::noop()));
    socket.abort();
}

impl Drop for Tcp<'_, '_> {
    fn drop(&mut self) {
        self.slot.since.set(Instant::now());
        self.slot.with(|socket| match socket.state() {
            State::TimeWait => {}
            // The peer has not been heard of: if it is there after all, the stack resets what it takes for a connection.
            State::Closed | State::SynSent => forget(socket),
            state if state == State::CloseWait || self.slot.finished.get() => {
                socket.set_timeout(Some(LINGER));
                socket.close();
            }
            // A FIN would let the peer go on sending what nobody wants.
            _ => socket.abort(),
        });
        self.slot.taken.set(false);
        wake(&self.slot.waiter);
    }
}

/// Whoever uses a connection through a session. Dropped, the session is about to give the socket back, in its own task.
pub(crate) struct User<'s, 'd>(pub(crate) &'s Slot<'d>);

impl User<'_, '_> {
    /// The session has given it back itself.
    pub(crate) fn forget(self) {
        core::mem::forget(self);
    }
}

impl Drop for User<'_, '_> {
    fn drop(&mut self) {
        let Self(slot) = self;
        slot.leaving.set(true);
    }
}

impl Link for Tcp<'_, '_> {
    async fn readable(&mut self) {
        poll_fn(|context| {
            let _ = self.slot.with(|socket| pin!(socket.wait_read_ready()).poll(context).is_ready());
            if self.slot.is_readable() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl fmt::Debug for Tcp<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp").finish_non_exhaustive()
    }
}

impl embedded_io::ErrorType for Tcp<'_, '_> {
    type Error = ErrorKind;
}

impl embedded_io_async::Read for Tcp<'_, '_> {
    /// Returns 0 at the end of the stream. Dropped while it waits, it has read nothing.
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.poll_with(|socket, context| pin!(socket.read(buf)).poll(context)).await
    }
}

impl embedded_io_async::Write for Tcp<'_, '_> {
    /// Returns once a part is in the socket's buffer; never 0. Dropped while it waits, it has written nothing. Fails with
    /// [`ErrorKind::ConnectionAborted`] where the peer has taken nothing for a second and has sent something meanwhile.
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let mut stalled = pin!(Timer::after(LONGEST_WRITE));
        let mut is_stalled = false;
        poll_fn(|context| {
            let Some(written) = self.slot.with(|socket| pin!(socket.write(buf)).poll(context)) else {
                return Poll::Ready(Err(ErrorKind::Other));
            };
            if let Poll::Ready(written) = written {
                return Poll::Ready(written.map_err(|_| ErrorKind::ConnectionReset));
            }
            is_stalled = is_stalled || stalled.as_mut().poll(context).is_ready();
            if is_stalled {
                // Also woken when something comes.
                let _ = self.slot.with(|socket| pin!(socket.wait_read_ready()).poll(context).is_ready());
                if self.slot.is_readable() && !self.slot.duplex.get() {
                    return Poll::Ready(Err(ErrorKind::ConnectionAborted));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Returns at once: the stack sends what it has. To wait for its acknowledgement would cost a round trip, and that of
    /// a peer which waits before it acknowledges.
    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}
