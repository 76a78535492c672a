//! A socket over a blocking transport.

use core::mem::take;

use embedded_io::{Error as _, ErrorKind};
use embedded_io::{Read as _, Write as _};

use super::Transport;
use crate::context::Context;
use crate::drive::buffer::ReceiveBuffer;
use crate::drive::codecs::Codecs;
use crate::drive::{Link as _, NoRandomness, Received, SocketMemory, Trace};
use crate::http::head::Head;
use crate::reason::{Fault, Reason};
#[cfg(feature = "permessage-deflate")]
use crate::socket::Compression;
use crate::socket::{
    Assemble, ConnectFailure, ConnectSocket, Event, Handshake, Opened, OpeningEvent, OpeningTask, Sending, Settings,
    SocketTask,
};
use crate::ws::mask::Mask;

/// A blocking transport with a source of random bytes, which a socket needs (RFC 6455 section 10.3).
pub trait SocketTransport: Transport {
    /// Fills `bytes` from a cryptographically secure source, which nobody else can predict.
    ///
    /// # Errors
    /// [`NoRandomness`] where that cannot be done; nothing is sent then.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The opening handshake alone, for a driver that goes on by itself from [`SocketTask::after`]. Where it succeeds there is
/// a link, and `rx` may have bytes that came behind the answer's head already. `on_open` gets that head and the subprotocol
/// that the server chose, if any.
pub fn open_socket<T: SocketTransport>(
    transport: &mut T,
    context: &Context<'_>,
    connect: &ConnectSocket<'_>,
    rx: &mut ReceiveBuffer<'_>,
    tx: &mut [u8],
    mut on_open: impl FnMut(Head<'_>, Option<&str>),
) -> (Opened, Option<T::Link>) {
    let mut random = [0; 16];
    if transport.random(&mut random).is_err() {
        return (Opened::failed(Reason::NoRandomness), None);
    }
    let handshake = Handshake::new(connect, random);
    let task = OpeningTask::new(context, &handshake, transport.now());
    let event = |event: OpeningEvent<'_>| {
        if let OpeningEvent::Head { head, protocol, is_open: true } = event {
            on_open(head, protocol);
        }
        Ok(())
    };
    let no_content = |_, _: &mut [u8]| Err(Reason::FileFailed);
    super::run_over(transport, task, rx, tx, event, no_content)
}

/// How long a read waits at most before it is begun anew, in milliseconds: a clock of a day suffices.
const LONGEST_WAIT: u64 = 3_600_000;

/// An open socket over a transport, with memory of the caller's.
///
/// Pings are answered, the keep-alive is kept and the closing handshake goes on while [`recv`](Self::recv) runs. One thread
/// receives and sends, one after the other; a duplex driver stands on [`SocketTask`] itself.
#[derive(Debug)]
pub struct Socket<'s, T: SocketTransport> {
    transport: &'s mut T,
    link: Option<T::Link>,
    task: SocketTask,
    rx: ReceiveBuffer<'s>,
    /// Bytes of it that are done with once the event is dropped that borrows from them.
    spent: usize,
    tx: &'s mut [u8],
    assemble: Assemble<'s>,
    codecs: Codecs<'s>,
}

/// What came, without a borrow.
enum Came {
    Message,
    Error(Reason),
    /// The reason is between these places of the received bytes.
    Close(u16, usize, usize),
    Nothing,
}

impl<'s, T: SocketTransport> Socket<'s, T> {
    /// `my.connectSocket`: returns once the socket is open. `on_open` gets the answer's head and the subprotocol that the
    /// server chose, if any.
    ///
    /// # Errors
    /// [`ConnectFailure`].
    pub fn connect(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        Self::connect_by(transport, context, connect, settings, memory, Codecs::NONE, on_open)
    }

    /// As [`connect`](Self::connect), with an offer to compress the messages (RFC 7692) in memory of the caller's. Whether
    /// they are is up to the server; nothing else is different. The memory of a message limits its plain bytes.
    ///
    /// # Errors
    /// [`ConnectFailure`].
    #[cfg(feature = "permessage-deflate")]
    pub fn connect_compressed(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        compression: &'s mut Compression<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let codecs = Codecs::new(compression);
        Self::connect_by(transport, context, connect, settings, memory, codecs, on_open)
    }

    /// Hands binary messages out as base64, as the reference does.
    pub fn with_base64(mut self) -> Self {
        self.assemble = self.assemble.into_base64();
        self
    }

    /// The next message, or how the socket ended: an Error at most, then the Close. `None` after that, once the server has
    /// closed the link or the time for it has passed.
    ///
    /// A message beyond the memory is an Error with [`Reason::TooLarge`] (SOCK-09).
    pub fn recv(&mut self) -> Option<Received<'_>> {
        let came = self.advance(|assemble, text, data, fin| assemble.piece(text, data, fin));
        Some(match came {
            Came::Message => Received::Message(self.assemble.message()),
            Came::Error(reason) => Received::Error(reason),
            Came::Close(code, start, end) => {
                let reason = self.rx.filled().get(start..end).unwrap_or_default();
                Received::Close { code, reason: core::str::from_utf8(reason).unwrap_or_default() }
            }
            Came::Nothing => return None,
        })
    }

    /// The same, with each message handed out in pieces as they arrive, in bounded memory: whether it is text, the bytes,
    /// whether they are the last. Returns only at the end; `on_piece` may end the socket with a reason.
    pub fn recv_streamed(
        &mut self,
        mut on_piece: impl FnMut(bool, &[u8], bool) -> Result<(), Reason>,
    ) -> Option<Received<'_>> {
        let came = self.advance(|_, text, data, fin| on_piece(text, data, fin).map(|()| false));
        Some(match came {
            Came::Error(reason) => Received::Error(reason),
            Came::Close(code, start, end) => {
                let reason = self.rx.filled().get(start..end).unwrap_or_default();
                Received::Close { code, reason: core::str::from_utf8(reason).unwrap_or_default() }
            }
            Came::Message | Came::Nothing => return None,
        })
    }

    /// `my.sendSocketMessage`: returns once the message is written.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] (code 10), [`Reason::SendFailed`] (11) where the link broke, and those of
    /// [`Sending::next`].
    pub fn send(&mut self, mut message: Sending<'_>) -> Result<(), Reason> {
        while !message.is_done() {
            self.flush();
            if !self.task.is_open() {
                return Err(Reason::NotConnected);
            }
            let mask = self.mask()?;
            let length = self.codecs.next(&mut message, &mut self.task, mask, self.tx)?;
            if !self.write(length) {
                return Err(Reason::SendFailed);
            }
        }
        Ok(())
    }

    /// `my.closeSocket`: begins the closing handshake. [`recv`](Self::recv) tells how it ends.
    ///
    /// # Errors
    /// [`Reason::IllegalOption`] for a code or a reason that may not be sent.
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), Reason> {
        let now = self.transport.now();
        self.task.close(now, code, reason).map_err(|_| Reason::IllegalOption)?;
        self.flush();
        Ok(())
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.task.is_open()
    }

    fn connect_by(
        transport: &'s mut T,
        context: &Context<'_>,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        memory: SocketMemory<'s>,
        mut codecs: Codecs<'s>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Self, ConnectFailure> {
        let SocketMemory { receive, transmit: tx, message } = memory;
        let mut rx = ReceiveBuffer::new(receive);
        let (opened, link) = open_socket(transport, context, &codecs.offer(connect), &mut rx, tx, on_open);
        if let Err(reason) = opened.result {
            return Err(ConnectFailure { reason, status: opened.status });
        }
        codecs.begin(&opened);
        let task = SocketTask::after(&opened, settings, transport.now());
        let assemble = Assemble::new(message);
        Ok(Self { transport, link, task, rx, spent: 0, tx, assemble, codecs })
    }

    /// Up to the next thing to report. `on_piece` says whether a piece completes a message to be reported.
    fn advance(
        &mut self,
        mut on_piece: impl FnMut(&mut Assemble<'s>, bool, &[u8], bool) -> Result<bool, Reason>,
    ) -> Came {
        self.rx.consume(take(&mut self.spent));
        loop {
            if let Some(interrupt) = self.transport.interrupted() {
                self.task.interrupt(self.transport.now(), interrupt);
            }
            self.flush();
            let now = self.transport.now();
            let (consumed, event) = self.codecs.receive(&mut self.task, now, self.rx.filled());
            let came = match event {
                Some(Event::Message { text, data, fin }) => match on_piece(&mut self.assemble, text, data, fin) {
                    Ok(true) => Some(Came::Message),
                    Ok(false) => None,
                    Err(reason) => {
                        self.task.refuse(now, reason);
                        None
                    }
                },
                Some(Event::Error { reason }) => Some(Came::Error(reason)),
                Some(Event::Close { code, reason }) => {
                    // It is the end of what was consumed, and stays until the next call.
                    let start = consumed.saturating_sub(reason.len());
                    self.spent = consumed;
                    self.flush();
                    return Came::Close(code, start, consumed);
                }
                None if consumed > 0 => None,
                None if self.task.is_finished(now) => {
                    self.link = None;
                    return Came::Nothing;
                }
                None => {
                    self.wait();
                    continue;
                }
            };
            self.rx.consume(consumed);
            if let Some(came) = came {
                return came;
            }
        }
    }

    /// Writes the control frames that are due.
    fn flush(&mut self) {
        while self.task.has_output(self.transport.now()) {
            let now = self.transport.now();
            match self.mask() {
                Ok(mask) => {
                    let length = self.task.transmit(now, mask, self.tx);
                    if !self.write(length) {
                        return;
                    }
                }
                Err(reason) => self.task.abandon(now, reason),
            }
        }
    }

    fn mask(&mut self) -> Result<Mask, Reason> {
        let mut random = [0; 4];
        self.transport.random(&mut random).map_err(|NoRandomness| Reason::NoRandomness)?;
        Ok(Mask::fresh(random))
    }

    /// Writes so many bytes of the transmit buffer. Returns whether that went well; else the task knows.
    fn write(&mut self, length: usize) -> bool {
        let now = self.transport.now();
        let until = self.task.write_deadline(now);
        let mut rest = self.tx.get(..length).unwrap_or_default();
        let Some(link) = &mut self.link else {
            self.task.fault(now, Fault::Lost);
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
                self.task.interrupt(self.transport.now(), interrupt);
                // The frame must still be whole, or the connection is of no use.
                if matches!(error, ErrorKind::TimedOut | ErrorKind::Interrupted) {
                    link.set_deadline(self.task.write_deadline(now));
                    continue;
                }
            }
            let late = self.transport.now() >= self.task.write_deadline(now);
            if late || !matches!(error, ErrorKind::TimedOut | ErrorKind::Interrupted) {
                self.task.write_failed(self.transport.now());
                return false;
            }
        }
        true
    }

    /// Reads more, not longer than until the task's deadline.
    fn wait(&mut self) {
        let now = self.transport.now();
        let space = self.rx.space();
        let Some(link) = self.link.as_mut().filter(|_| !space.is_empty()) else {
            let fault = if space.is_empty() { Fault::ReceiveBufferFull } else { Fault::Lost };
            return self.task.fault(now, fault);
        };
        link.set_deadline(self.task.deadline().min(now.after(LONGEST_WAIT)));
        match link.read(space) {
            Ok(0) => self.task.end_of_stream(),
            Ok(read) => {
                self.transport.trace(Trace::Received(space.get(..read).unwrap_or_default()));
                self.rx.commit(read);
            }
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => {
                let now = self.transport.now();
                match self.transport.interrupted() {
                    // Whether the link has survived it shows when it is used next.
                    Some(interrupt) => self.task.interrupt(now, interrupt),
                    None => self.task.fault(now, Fault::Lost),
                }
            }
        }
    }
}
