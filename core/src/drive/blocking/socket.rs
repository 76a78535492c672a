//! A socket over a blocking transport.

use embedded_io::{Error as _, ErrorKind};
use embedded_io::{Read as _, Write as _};

use super::Transport;
use crate::context::Context;
use crate::drive::buffer::ReceiveBuffer;
use crate::drive::codecs::Offer;
use crate::drive::content::no_content;
use crate::drive::open::{Came, OpenSocket, mask, opens, soon, told_of_open};
use crate::drive::{Link as _, NoRandomness, Received, SocketMemory, Trace};
use crate::http::head::Head;
use crate::reason::{Fault, Reason};
#[cfg(feature = "permessage-deflate")]
use crate::socket::Compression;
use crate::socket::{Assemble, ConnectFailure, ConnectSocket, Handshake, Opened, OpeningTask, Sending, Settings};
use crate::ws::mask::Mask;

/// A blocking transport with a source of random bytes, which a socket needs (RFC 6455 section 10.3).
pub trait SocketTransport: Transport {
    /// Fills `bytes` from a cryptographically secure source, which nobody else can predict.
    ///
    /// # Errors
    /// [`NoRandomness`] where that cannot be done; nothing is sent then.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The opening handshake alone, for a driver that goes on by itself from
/// [`SocketTask::after`](crate::socket::SocketTask::after). Where it succeeds there is
/// a link, and `rx` may have bytes that came behind the answer's head already. `on_open` gets that head and the subprotocol
/// that the server chose, if any.
pub fn open_socket<T: SocketTransport>(
    transport: &mut T,
    context: &Context<'_>,
    connect: &ConnectSocket<'_>,
    rx: &mut ReceiveBuffer<'_>,
    tx: &mut [u8],
    on_open: impl FnMut(Head<'_>, Option<&str>),
) -> (Opened, Option<T::Link>) {
    let mut random = [0; 16];
    if transport.random(&mut random).is_err() {
        return (Opened::failed(Reason::NoRandomness), None);
    }
    let handshake = Handshake::new(connect, random);
    let task = OpeningTask::new(context, &handshake, transport.now());
    super::run_over(transport, task, rx, tx, told_of_open(on_open), no_content)
}

/// An open socket over a transport, with memory of the caller's.
///
/// Pings are answered, the keep-alive is kept and the closing handshake goes on while [`recv`](Self::recv) runs. One thread
/// receives and sends, one after the other; a duplex driver stands on
/// [`SocketTask`](crate::socket::SocketTask) itself. Dropped, its link is dropped, without a Close frame unless one is out.
#[derive(Debug)]
pub struct Socket<'s, T: SocketTransport> {
    transport: &'s mut T,
    link: Option<T::Link>,
    open: OpenSocket<'s>,
}

impl<'s, T: SocketTransport> Socket<'s, T> {
    /// `my.connectSocket`: returns once the socket is open. `on_open` is `onSocketOpen`, called once before that, with the
    /// answer's head and the subprotocol that the server chose, if any.
    ///
    /// # Errors
    /// [`ConnectFailure`], with the status of the server's answer where one came.
    pub fn connect(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        Self::connect_by(transport, context, connect, settings, memory, Offer::NONE, on_open)
    }

    /// As [`connect`](Self::connect), with an offer to compress the messages (RFC 7692) in memory of the caller's. Whether
    /// they are is up to the server; nothing else is different. The memory of a message limits its plain bytes.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub fn connect_compressed(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        compression: Compression<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
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
    /// Waits for the server without a limit of its own; [`Settings::keep_alive`] notices one that is gone, and
    /// [`Transport::interrupted`] ends it. A message beyond the memory is an Error with [`Reason::TooLarge`] (SOCK-09).
    pub fn recv(&mut self) -> Option<Received<'_>> {
        let came = self.advance(|assemble, text, data, fin| assemble.piece(text, data, fin));
        self.open.received(came)
    }

    /// The same, with each message handed out in pieces as they arrive, in bounded memory: whether it is text, the bytes,
    /// whether they are the last. Returns only at the end; `on_piece` may end the socket with a reason, which is the Error
    /// then.
    pub fn recv_streamed(
        &mut self,
        mut on_piece: impl FnMut(bool, &[u8], bool) -> Result<(), Reason>,
    ) -> Option<Received<'_>> {
        let came = self.advance(|_, text, data, fin| on_piece(text, data, fin).map(|()| false));
        self.open.received(came)
    }

    /// `my.sendSocketMessage`: returns once the message is written, each frame within
    /// [`Settings::send_timeout`]. Nothing is received meanwhile.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] (code 10) before anything is sent or where the server's Close came in between,
    /// [`Reason::SendFailed`] (11) where the link broke, and those of [`Sending::next`].
    pub fn send(&mut self, mut message: Sending<'_>) -> Result<(), Reason> {
        while !message.is_done() {
            self.flush();
            if !self.open.task.is_open() {
                return Err(Reason::NotConnected);
            }
            let mask = self.mask()?;
            let length = self.open.put(&mut message, mask)?;
            if !self.write(length) {
                return Err(Reason::SendFailed);
            }
        }
        Ok(())
    }

    /// `my.closeSocket`: begins the closing handshake. [`recv`](Self::recv) tells how it ends, within
    /// [`Settings::close_timeout`]. With no open socket it does nothing, and succeeds (SOCK-06).
    ///
    /// # Errors
    /// [`Reason::IllegalOption`] for a code or a reason that may not be sent: see
    /// [`close::check`](crate::ws::close::check).
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), Reason> {
        let now = self.transport.now();
        self.open.task.close(now, code, reason).map_err(|_| Reason::IllegalOption)?;
        self.flush();
        Ok(())
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.open.task.is_open()
    }

    fn connect_by(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        offer: Offer<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let SocketMemory { receive, transmit: tx, message } = memory;
        let mut rx = ReceiveBuffer::new(receive);
        let (opened, link) = open_socket(transport, context, &offer.put(connect), &mut rx, tx, on_open);
        opens(&opened)?;
        let open = OpenSocket::after(&opened, settings, transport.now(), (rx, tx, message), offer);
        Ok(Self { transport, link, open })
    }

    /// Up to the next thing to report. `on_piece` says whether a piece completes a message to be reported.
    fn advance(
        &mut self,
        mut on_piece: impl FnMut(&mut Assemble<'s>, bool, &[u8], bool) -> Result<bool, Reason>,
    ) -> Came {
        self.open.begin();
        loop {
            if let Some(interrupt) = self.transport.interrupted() {
                self.open.task.interrupt(self.transport.now(), interrupt);
            }
            self.flush();
            let came = self.open.step(self.transport.now(), &mut on_piece);
            match came {
                Came::Close(..) => self.flush(),
                Came::Nothing => self.link = None,
                Came::Message | Came::Error(_) => {}
                Came::More => continue,
                Came::NotYet => {
                    self.wait();
                    continue;
                }
            }
            return came;
        }
    }

    /// Writes the control frames that are due.
    fn flush(&mut self) {
        while self.open.task.has_output(self.transport.now()) {
            let mask = self.mask();
            if let Some(length) = self.open.due(self.transport.now(), mask)
                && !self.write(length)
            {
                return;
            }
        }
    }

    fn mask(&mut self) -> Result<Mask, Reason> {
        mask(|bytes| self.transport.random(bytes))
    }

    /// Writes so many bytes of the transmit buffer. Returns whether that went well; else the task knows.
    fn write(&mut self, length: usize) -> bool {
        let now = self.transport.now();
        let until = self.open.task.write_deadline(now);
        let mut rest = self.open.tx.get(..length).unwrap_or_default();
        let Some(link) = &mut self.link else {
            self.open.task.fault(now, Fault::Lost);
            return false;
        };
        self.transport.trace(Trace::Sent(rest));
        link.set_deadline(until);
        let mut flushed = false;
        while !rest.is_empty() || !flushed {
            let written = if rest.is_empty() { link.flush().map(|()| None) } else { link.write(rest).map(Some) };
            let error = match written {
                Ok(None) => {
                    flushed = true;
                    continue;
                }
                Ok(Some(0)) => ErrorKind::WriteZero,
                Ok(Some(written)) => {
                    rest = rest.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) => error.kind(),
            };
            if let Some(interrupt) = self.transport.interrupted() {
                self.open.task.interrupt(self.transport.now(), interrupt);
                // The frame must still be whole, or the connection is of no use.
                if matches!(error, ErrorKind::TimedOut | ErrorKind::Interrupted) {
                    link.set_deadline(self.open.task.write_deadline(now));
                    continue;
                }
            }
            let late = self.transport.now() >= self.open.task.write_deadline(now);
            if late || !matches!(error, ErrorKind::TimedOut | ErrorKind::Interrupted) {
                self.open.task.write_failed(self.transport.now());
                return false;
            }
        }
        true
    }

    /// Reads more, not longer than until the task's deadline.
    fn wait(&mut self) {
        let now = self.transport.now();
        let space = self.open.rx.space();
        let Some(link) = self.link.as_mut().filter(|_| !space.is_empty()) else {
            let fault = if space.is_empty() { Fault::ReceiveBufferFull } else { Fault::Lost };
            return self.open.task.fault(now, fault);
        };
        link.set_deadline(soon(now, self.open.task.deadline()));
        match link.read(space) {
            Ok(0) => self.open.task.end_of_stream(),
            Ok(read) => {
                self.transport.trace(Trace::Received(space.get(..read).unwrap_or_default()));
                self.open.rx.commit(read);
            }
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => {
                let now = self.transport.now();
                match self.transport.interrupted() {
                    // Whether the link has survived it shows when it is used next.
                    Some(interrupt) => self.open.task.interrupt(now, interrupt),
                    None => self.open.task.fault(now, Fault::Lost),
                }
            }
        }
    }
}
