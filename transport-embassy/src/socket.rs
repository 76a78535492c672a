//! The socket of a context.

use core::cell::Cell;
use core::fmt;
use core::task::Poll;

use miniwire_core::drive::{Received, SocketMemory, asynch};
use miniwire_core::http::head::Head;
use miniwire_core::reason::Reason;
#[cfg(feature = "permessage-deflate")]
use miniwire_core::socket::Compression;
use miniwire_core::socket::{ConnectFailure, ConnectSocket, EventKind, OneSocket, Rule, Sending, Settings, Ticket};

use crate::abort::Place;
use crate::secure::Secure;
use crate::transport::CallTransport;

/// An open socket of a [`Client`](crate::Client), with memory of the caller's.
///
/// Pings are answered, the keep-alive is kept and the closing handshake goes on while [`recv`](Self::recv) runs. One task
/// receives and sends: it waits for [`ready`](Self::ready) together with what it may have to send, and takes what has come
/// with [`recv_now`](Self::recv_now), which waits for nothing else. Dropped, the connection
/// is closed without a Close frame, unless one is out; who wants the server to know why says [`close`](Self::close) and
/// receives until the end.
pub struct Socket<'m, 'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> {
    inner: asynch::Socket<'m, CallTransport<'a, 's, 'd, S, N>>,
    /// Dropped after the connection.
    turn: Turn<'a>,
}

impl<'m, 'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> Socket<'m, 'a, 's, 'd, S, N> {
    pub(crate) async fn connect(
        transport: CallTransport<'a, 's, 'd, S, N>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let turn = Turn::of(&transport)?;
        let context = &transport.client.context;
        let inner = asynch::Socket::connect(transport, context, connect, settings, memory, on_open).await?;
        turn.reports(EventKind::Open);
        Ok(Self { inner, turn })
    }

    #[cfg(feature = "permessage-deflate")]
    pub(crate) async fn connect_compressed(
        transport: CallTransport<'a, 's, 'd, S, N>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'m>,
        compression: Compression<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let turn = Turn::of(&transport)?;
        let context = &transport.client.context;
        let opening =
            asynch::Socket::connect_compressed(transport, context, connect, settings, memory, compression, on_open);
        let inner = opening.await?;
        turn.reports(EventKind::Open);
        Ok(Self { inner, turn })
    }

    /// Hands binary messages out as base64, as the reference does; then the memory of a message limits its base64. To be
    /// said before the first message is received.
    pub fn with_base64(mut self) -> Self {
        self.inner = self.inner.with_base64();
        self
    }

    /// The next message, or how the socket ended: an Error at most, then the Close. `None` after that, once the server has
    /// closed the connection or the time for it has passed. Dropped within a read or a write, it breaks the socket: see
    /// [`asynch::Socket::recv`].
    pub async fn recv(&mut self) -> Option<Received<'_>> {
        self.hear_of_replacement();
        let received = self.inner.recv().await;
        self.turn.has(received.as_ref());
        received
    }

    /// As [`recv`](Self::recv), of what is there: [`Poll::Pending`] where the server would have to be waited for.
    /// Dropped: as there. See [`asynch::Socket::recv_now`].
    pub async fn recv_now(&mut self) -> Poll<Option<Received<'_>>> {
        self.hear_of_replacement();
        let received = self.inner.recv_now().await;
        if let Poll::Ready(received) = &received {
            self.turn.has(received.as_ref());
        }
        received
    }

    /// As [`recv`](Self::recv), with messages handed out in pieces as they arrive, in bounded memory: whether it is
    /// text, the bytes, whether they are the last. Returns only at the end; `on_piece` may end the socket with a reason,
    /// which is the Error then. Dropped: as [`recv`](Self::recv).
    pub async fn recv_streamed(
        &mut self,
        on_piece: impl FnMut(bool, &[u8], bool) -> Result<(), Reason>,
    ) -> Option<Received<'_>> {
        self.hear_of_replacement();
        let received = self.inner.recv_streamed(on_piece).await;
        self.turn.has(received.as_ref());
        received
    }

    /// What came before another connection took its place is not reported any more.
    fn hear_of_replacement(&mut self) {
        if self.turn.is_lost() {
            self.inner.interrupt(self.turn.place.why());
        }
    }

    /// `my.sendSocketMessage`: returns once the message is written, each frame within [`Settings::send_timeout`].
    /// Nothing is received meanwhile. Dropped before it is done, the message is out in part or the socket broken: see
    /// [`asynch::Socket::send`].
    ///
    /// # Errors
    /// [`Reason::NotConnected`] (code 10), [`Reason::SendFailed`] (11) where the connection broke, and those of
    /// [`Sending::next`].
    pub async fn send(&mut self, message: Sending<'_>) -> Result<(), Reason> {
        self.hear_of_replacement();
        self.inner.send(message).await
    }

    /// `my.closeSocket`: begins the closing handshake. [`recv`](Self::recv) tells how it ends, within
    /// [`Settings::close_timeout`]. With no open socket it does nothing, and succeeds (SOCK-06). Dropped: as
    /// [`recv`](Self::recv).
    ///
    /// # Errors
    /// [`Reason::IllegalOption`] for a code or a reason that may not be sent.
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Reason> {
        self.inner.close(code, reason).await
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.inner.is_open()
    }

    /// Returns when [`recv_now`](Self::recv_now) has something to do. Dropped and called again freely, so that it can be
    /// raced against anything; see [`asynch::Socket::ready`].
    pub async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> fmt::Debug for Socket<'_, '_, 's, 'd, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

/// One connection's turn at being the context's socket. Dropped, it is over.
struct Turn<'a> {
    one: &'a Cell<OneSocket>,
    place: &'a Place,
    ticket: Ticket,
    /// Its Error or its Close was reported, or another took its place.
    over: bool,
}

impl<'a> Turn<'a> {
    /// The turn of the call that this transport is for.
    fn of<'s, 'd, S: Secure<'s, 'd>, const N: usize>(
        transport: &CallTransport<'a, 's, 'd, S, N>,
    ) -> Result<Self, ConnectFailure> {
        let client = transport.client;
        let Some(under_way) = &transport.under_way else { return Err(ConnectFailure::new(Reason::TooManyTasks)) };
        let (turn, replaced) = Self::begin(&client.one_socket, under_way.place()).map_err(ConnectFailure::new)?;
        turn.place.is_of(turn.ticket);
        if let Some(ticket) = replaced {
            client.calls.replace(ticket);
        }
        Ok(turn)
    }

    /// Returns the connection whose place it takes, too.
    fn begin(one: &'a Cell<OneSocket>, place: &'a Place) -> Result<(Self, Option<Ticket>), Reason> {
        let attempt = with(one, OneSocket::connect)?;
        Ok((Self { one, place, ticket: attempt.ticket, over: false }, attempt.replaced.map(|(ticket, _)| ticket)))
    }

    fn reports(&self, event: EventKind) {
        // Of a connection that was replaced nothing counts any more.
        let _ = with(self.one, |one| one.reports(self.ticket, event));
    }

    /// Whether another took its place; says so once.
    fn is_lost(&mut self) -> bool {
        let lost = !self.over && !with(self.one, |one| one.reports(self.ticket, EventKind::Message));
        self.over |= lost;
        lost
    }

    fn has(&mut self, received: Option<&Received<'_>>) {
        match received {
            Some(Received::Message(_)) => return,
            Some(Received::Error(_)) => self.reports(EventKind::Error),
            Some(Received::Close { .. }) | None => self.reports(EventKind::Close),
        }
        self.over = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.reports(EventKind::Close);
    }
}

fn with<T>(cell: &Cell<OneSocket>, call: impl FnOnce(&mut OneSocket) -> T) -> T {
    let mut one = cell.replace(OneSocket::new(Rule::Replace));
    let result = call(&mut one);
    cell.set(one);
    result
}
