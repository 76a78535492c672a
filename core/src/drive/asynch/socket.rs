//! A socket over an asynchronous transport.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embedded_io::{Error as _, ErrorKind};
use embedded_io_async::Read as _;

use super::{Ended, Transport, attempt, race};
use crate::context::Context;
use crate::drive::buffer::ReceiveBuffer;
use crate::drive::codecs::Offer;
use crate::drive::content::no_content;
use crate::drive::open::{Came, OpenSocket, mask, opens, soon, told_of_open};
use crate::drive::{NoRandomness, Received, SocketMemory, Trace};
use crate::http::head::Head;
use crate::reason::{Fault, Interrupt, Reason};
#[cfg(feature = "permessage-deflate")]
use crate::socket::Compression;
use crate::socket::{Assemble, ConnectFailure, ConnectSocket, Handshake, OpeningTask, Sending, Settings};
use crate::ws::mask::Mask;

/// An asynchronous transport with what a socket needs: random bytes (RFC 6455 section 10.3), and a wait that can be given
/// up.
#[allow(async_fn_in_trait)]
pub trait SocketTransport: Transport {
    /// Fills `bytes` from a cryptographically secure source, which nobody else can predict.
    ///
    /// # Errors
    /// [`NoRandomness`] where that cannot be done; nothing is sent then.
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;

    /// Returns when a read of `link` has something to go on with: bytes, the end of the stream, or an error. Nothing is
    /// taken from the link, so that the wait may be dropped at any time, as a read may not.
    async fn readable(&self, link: &mut Self::Link);
}

impl<T: SocketTransport> SocketTransport for &T {
    fn random(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        T::random(self, bytes)
    }

    async fn readable(&self, link: &mut Self::Link) {
        T::readable(self, link).await;
    }
}

/// An open socket over a transport, or a reference to one, with memory of the caller's.
///
/// Pings are answered, the keep-alive is kept and the closing handshake goes on while [`recv`](Self::recv) runs. One task
/// receives and sends, one after the other: it waits for [`ready`](Self::ready) and for what it may have to send,
/// and takes what has come with [`recv_now`](Self::recv_now).
///
/// Dropped, its link is dropped, without a Close frame unless one is out.
///
/// # Dropping a future
///
/// | the future of | dropped before it is done |
/// |---|---|
/// | [`connect`](Self::connect) | the link goes with it |
/// | [`ready`](Self::ready) | nothing happened: call it again |
/// | [`recv`](Self::recv), [`recv_now`](Self::recv_now), [`recv_streamed`](Self::recv_streamed), [`close`](Self::close) | while it waits for the server to say something, nothing happened; within a read or a write, the socket is broken |
/// | [`send`](Self::send) | the message is out in part, or the socket is broken |
///
/// A broken socket has an Error next ([`Reason::ConnectionLost`]), and then its Close. Which of the two it was cannot be
/// told, so of what is raced only `ready` may lose.
#[derive(Debug)]
pub struct Socket<'s, T: SocketTransport> {
    transport: T,
    link: Option<T::Link>,
    open: OpenSocket<'s>,
    /// An operation on the link is under way; still so at the next one if its future was dropped.
    busy: bool,
    /// Somebody wants the end, and has been heard.
    interrupted: bool,
}

impl<'s, T: SocketTransport> Socket<'s, T> {
    /// `my.connectSocket`: returns once the socket is open. `on_open` is `onSocketOpen`, called once before that, with the
    /// answer's head and the subprotocol that the server chose, if any. Dropped: the link goes with it.
    ///
    /// # Errors
    /// [`ConnectFailure`], with the status of the server's answer where one came.
    // Not `async`: a future within a future is made on the stack and moved.
    pub fn connect(
        transport: T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> impl Future<Output = Result<Self, ConnectFailure>> {
        Self::connect_by(transport, context, connect, settings, memory, Offer::NONE, on_open)
    }

    /// As [`connect`](Self::connect), with an offer to compress the messages (RFC 7692) in memory of the caller's. Whether
    /// they are is up to the server; nothing else is different. The memory of a message limits its plain bytes. Dropped: as
    /// there.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub fn connect_compressed(
        transport: T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        compression: Compression<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> impl Future<Output = Result<Self, ConnectFailure>> {
        Self::connect_by(transport, context, connect, settings, memory, Offer::new(compression), on_open)
    }

    /// Hands binary messages out as base64, as the reference does; then the memory of a message limits its base64. To be
    /// said before the first message is received.
    pub fn with_base64(mut self) -> Self {
        self.open.assemble = self.open.assemble.into_base64();
        self
    }

    /// The next message, or how the socket ended: an Error at most, then the Close. `None` after that, once the server has
    /// closed the link or the time for it has passed.
    ///
    /// A message beyond the memory is an Error with [`Reason::TooLarge`] (SOCK-09).
    ///
    /// A future that is dropped within a read or a write leaves the link in an unknown state: the socket has an Error then
    /// ([`Reason::ConnectionLost`]) and a Close. To wait for the socket or something else, whichever comes first, wait for
    /// [`ready`](Self::ready). Waits without a limit of its own; [`Settings::keep_alive`] notices a server that is gone.
    pub async fn recv(&mut self) -> Option<Received<'_>> {
        let came = self.advance::<true>(|assemble, text, data, fin| assemble.piece(text, data, fin)).await;
        self.open.received(came)
    }

    /// As [`recv`](Self::recv), of what is there: [`Poll::Pending`] where the server would have to be waited for, be it
    /// because a Ping was all that came, or within a message, which is not lost. For a task that sends, too: in `recv`
    /// it waits for a whole message, and sends nothing until then. Dropped: as [`recv`](Self::recv); it waits only for
    /// what has begun to arrive, a TLS record for one, and for the writing of a Pong or a ping.
    pub async fn recv_now(&mut self) -> Poll<Option<Received<'_>>> {
        match self.advance::<false>(|assemble, text, data, fin| assemble.piece(text, data, fin)).await {
            Came::NotYet => Poll::Pending,
            came => Poll::Ready(self.open.received(came)),
        }
    }

    /// The same, with each message handed out in pieces as they arrive, in bounded memory: whether it is text, the bytes,
    /// whether they are the last. Returns only at the end; `on_piece` may end the socket with a reason, which is the Error
    /// then. Dropped: as [`recv`](Self::recv).
    pub async fn recv_streamed(
        &mut self,
        mut on_piece: impl FnMut(bool, &[u8], bool) -> Result<(), Reason>,
    ) -> Option<Received<'_>> {
        let came = self.advance::<true>(|_, text, data, fin| on_piece(text, data, fin).map(|()| false)).await;
        self.open.received(came)
    }

    /// `my.sendSocketMessage`: returns once the message is written, each frame within
    /// [`Settings::send_timeout`]. Nothing is received meanwhile.
    ///
    /// Dropped before it is done, the message is out in part: the socket is broken, as after a dropped
    /// [`recv`](Self::recv), or waits for the rest of a message that nobody has any more.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] (code 10) before anything is sent or where the server's Close came in between,
    /// [`Reason::SendFailed`] (11) where the link broke, and those of [`Sending::next`].
    pub async fn send(&mut self, mut message: Sending<'_>) -> Result<(), Reason> {
        while !message.is_done() {
            self.flush().await;
            if !self.open.task.is_open() {
                return Err(Reason::NotConnected);
            }
            let mask = self.mask()?;
            let length = self.open.put(&mut message, mask)?;
            if !self.write(length).await {
                return Err(Reason::SendFailed);
            }
        }
        Ok(())
    }

    /// `my.closeSocket`: begins the closing handshake. [`recv`](Self::recv) tells how it ends, within
    /// [`Settings::close_timeout`]. With no open socket it does nothing, and succeeds (SOCK-06). Dropped: as
    /// [`recv`](Self::recv).
    ///
    /// # Errors
    /// [`Reason::IllegalOption`] for a code or a reason that may not be sent: see
    /// [`close::check`](crate::ws::close::check).
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Reason> {
        let now = self.transport.now();
        self.open.task.close(now, code, reason).map_err(|_| Reason::IllegalOption)?;
        self.flush().await;
        Ok(())
    }

    /// Ends the socket: its Close is next, with 1000 or, unloaded, 1001, whatever has come before it. What the transport
    /// says while something is waited for does the same. Said twice, the end does not wait for the server either.
    pub fn interrupt(&mut self, interrupt: Interrupt) {
        self.end(Ended::Interrupted(interrupt));
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.open.task.is_open()
    }

    /// Returns when [`recv_now`](Self::recv_now) has something to do: bytes came, a keep-alive or a timeout is due, or the
    /// transport says that somebody wants the end. Dropped and called again freely.
    ///
    /// ```text
    /// match select(socket.ready(), commands.receive()).await {
    ///     Either::First(()) => if let Poll::Ready(received) = socket.recv_now().await { report(received) },
    ///     Either::Second(text) => socket.send(Sending::text(&text)).await?,
    /// }
    /// ```
    pub async fn ready(&mut self) {
        let now = self.transport.now();
        let waits = self.open.has_more() || self.open.task.has_output(now) || self.open.task.is_finished(now);
        let Some(link) = self.link.as_mut().filter(|_| !waits && !self.busy) else { return };
        let until = self.open.task.deadline();
        let readable = async {
            // Woken in between where the clock cannot wait for so long.
            while race(
                pin!(self.transport.readable(link)),
                pin!(self.transport.ended(soon(self.transport.now(), until))),
            )
            .await
                == Err(Ended::Deadline)
                && self.transport.now() < until
            {}
        };
        readable.await;
    }

    async fn connect_by(
        transport: T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        offer: Offer<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let mut random = [0; 16];
        transport.random(&mut random).map_err(|NoRandomness| ConnectFailure::new(Reason::NoRandomness))?;
        let connect = offer.put(connect);
        let handshake = Handshake::new(&connect, random);
        let mut task = OpeningTask::new(context, &handshake, transport.now());
        let SocketMemory { receive, transmit: tx, message } = memory;
        let mut rx = ReceiveBuffer::new(receive);
        let (mut event, mut content) = (told_of_open(on_open), no_content);
        let (opened, link) = super::run_over(&transport, &mut task, &mut rx, tx, &mut event, &mut content).await;
        opens(&opened)?;
        let open = OpenSocket::after(&opened, settings, transport.now(), (rx, tx, message), offer);
        Ok(Self { transport, link, open, busy: false, interrupted: false })
    }

    /// The deadline needs no more than to be looked at. Who is not content with a Close that is reported at once does not
    /// wait for the server either.
    fn end(&mut self, ended: Ended) {
        let now = self.transport.now();
        match ended {
            Ended::Deadline => {}
            Ended::Interrupted(_) if self.interrupted => self.open.task.fault(now, Fault::Lost),
            Ended::Interrupted(interrupt) => {
                self.interrupted = true;
                self.open.task.interrupt(now, interrupt);
            }
        }
    }

    /// Up to the next thing to report, or, unless it `WAITS` for that, to where nothing has come yet. `on_piece` says
    /// whether a piece completes a message to be reported.
    async fn advance<const WAITS: bool>(
        &mut self,
        mut on_piece: impl FnMut(&mut Assemble<'s>, bool, &[u8], bool) -> Result<bool, Reason>,
    ) -> Came {
        self.open.begin();
        loop {
            self.flush().await;
            let came = self.open.step(self.transport.now(), &mut on_piece);
            match came {
                Came::Close(..) => self.flush().await,
                Came::Nothing => self.link = None,
                Came::Message | Came::Error(_) => {}
                Came::More => continue,
                Came::NotYet => {
                    if WAITS || self.is_ready().await {
                        self.wait().await;
                        continue;
                    }
                }
            }
            return came;
        }
    }

    /// Whether [`ready`](Self::ready) would return at once.
    async fn is_ready(&mut self) -> bool {
        let mut ready = pin!(self.ready());
        poll_fn(|context| Poll::Ready(ready.as_mut().poll(context).is_ready())).await
    }

    /// Writes the control frames that are due.
    async fn flush(&mut self) {
        while self.open.task.has_output(self.transport.now()) {
            let mask = self.mask();
            if let Some(length) = self.open.due(self.transport.now(), mask)
                && !self.write(length).await
            {
                return;
            }
        }
    }

    fn mask(&self) -> Result<Mask, Reason> {
        mask(|bytes| self.transport.random(bytes))
    }

    /// Writes so many bytes of the transmit buffer. Returns whether that went well; else the task knows.
    async fn write(&mut self, length: usize) -> bool {
        let now = self.transport.now();
        if self.is_broken() {
            return false;
        }
        let bytes = self.open.tx.get(..length).unwrap_or_default();
        let Some(link) = &mut self.link else {
            self.open.task.fault(now, Fault::Lost);
            return false;
        };
        self.transport.trace(Trace::Sent(bytes));
        self.busy = true;
        let until = self.open.task.write_deadline(now);
        let sent = attempt(pin!(super::send(link, bytes, false)), pin!(self.transport.ended(until))).await;
        match sent {
            Ok(Ok(())) => {
                self.busy = false;
                true
            }
            Ok(Err(_)) => {
                self.busy = false;
                self.open.task.write_failed(self.transport.now());
                false
            }
            // Half a frame may be out: the link stays busy for ever, which means that it is broken.
            Err(ended) => {
                self.end(ended);
                self.is_broken();
                false
            }
        }
    }

    /// Whether an operation was dropped halfway, which the task is told.
    fn is_broken(&mut self) -> bool {
        if self.busy {
            self.open.task.fault(self.transport.now(), Fault::Lost);
        }
        self.busy
    }

    /// Reads more, not longer than until the task's deadline.
    async fn wait(&mut self) {
        let now = self.transport.now();
        if self.is_broken() {
            return;
        }
        let space = self.open.rx.space();
        let Some(link) = self.link.as_mut().filter(|_| !space.is_empty()) else {
            let fault = if space.is_empty() { Fault::ReceiveBufferFull } else { Fault::Lost };
            return self.open.task.fault(now, fault);
        };
        let until = soon(now, self.open.task.deadline());
        // No read is begun, and so none is dropped, before there is something to read.
        let readable = {
            let (readable, ended) = (pin!(self.transport.readable(link)), pin!(self.transport.ended(until)));
            if self.interrupted { attempt(readable, ended).await } else { race(readable, ended).await }
        };
        if let Err(ended) = readable {
            return self.end(ended);
        }
        self.busy = true;
        // What has begun to arrive, a TLS record for one, must arrive in whole.
        let until = self.open.task.write_deadline(now);
        let read = attempt(pin!(link.read(space)), pin!(self.transport.ended(until))).await;
        match read {
            Ok(read) => {
                self.busy = false;
                match read {
                    Ok(0) => self.open.task.end_of_stream(),
                    Ok(read) => {
                        self.transport.trace(Trace::Received(space.get(..read).unwrap_or_default()));
                        self.open.rx.commit(read);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => self.open.task.fault(self.transport.now(), Fault::Lost),
                }
            }
            Err(ended) => self.end(ended),
        }
    }
}
