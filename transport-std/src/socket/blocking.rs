//! The socket without a thread: its loop is the caller's.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use miniwire_core::reason::Reason;
use miniwire_core::socket::{Event, EventKind, Ticket};
use miniwire_core::time::Instant;

use super::assemble::Assembler;
use super::attempt::{Attempted, Options};
use super::control::{Control, Outgoing};
use super::hub::Hub;
use super::inbox::{Inbox, Kept, Piece};
use super::message::{Message, SocketEvent, SocketOpen, failure};
use super::pump::{Next, Pump, State};
use super::threaded::ended;
use crate::answer::{Failure, Response};
use crate::client::Client;
use crate::net::Shared;
use crate::session::Session;

/// An open socket whose loop is the caller's.
///
/// Pings are answered, the keep-alive is kept and the closing handshake goes on while [`recv`](Self::recv) or
/// [`send`](Self::send) runs. Where it is dropped before its Close, the server is told 1001 and the connection is cut. It
/// ends with its context, too, when the last clone of the [`Client`] goes (CTX-06).
pub struct Socket {
    pump: Pump,
    shared: Arc<Shared>,
    hub: Arc<Hub>,
    ticket: Ticket,
    assembler: Assembler,
    /// What came while something was sent.
    inbox: Inbox,
    opened: SocketOpen,
    control: Arc<Control>,
    over: bool,
    _slot: Option<Session>,
}

/// The time has passed, and nothing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingCame;

impl fmt::Display for NothingCame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing came within the time given")
    }
}

impl std::error::Error for NothingCame {}

impl Socket {
    pub(super) fn open(
        client: &Client,
        options: &Options,
        control: Arc<Control>,
        ticket: Ticket,
    ) -> Result<Self, Failure> {
        let hub = Arc::clone(client.hub());
        let Attempted { pump, open, response, slot } = options.attempt(client, &control);
        let Some(opened) = open else {
            hub.notes(ticket, EventKind::Close);
            return Err(why(pump, response));
        };
        hub.notes(ticket, EventKind::Open);
        let shared = Arc::clone(&client.inner().net);
        let assembler = Assembler::new(options.max_message);
        let inbox = Inbox::default();
        Ok(Self { pump, shared, hub, ticket, assembler, inbox, opened, control, over: false, _slot: slot })
    }

    /// The server's answer to the opening handshake.
    pub fn opened(&self) -> &SocketOpen {
        &self.opened
    }

    /// Waits for the next message, or for how the socket ends: an Error at most, then the Close. `None` after that, once
    /// the server has closed the connection or the time for it has passed.
    pub fn recv(&mut self) -> Option<SocketEvent> {
        // Without a limit there is always something, or the end.
        self.next(None).unwrap_or_default()
    }

    /// The same, but waits no longer than so. With no time at all it takes what has come.
    ///
    /// # Errors
    /// [`NothingCame`] in that time.
    pub fn recv_timeout(&mut self, time: Duration) -> Result<Option<SocketEvent>, NothingCame> {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.next(Some(self.shared.now().after(milliseconds)))
    }

    /// Hands messages out in pieces as they arrive, in bounded memory, until the socket ends: whether it is text, the
    /// bytes, whether they are the last. All pieces of a text together are UTF-8. Returns the Error or the Close, or `None`
    /// where [`ControlFlow::Break`] ended it; the socket goes on then. What is left of a message that was broken off in its
    /// middle comes with the next call of this, and not with [`recv`](Self::recv).
    pub fn recv_streamed(
        &mut self,
        mut on_piece: impl FnMut(bool, &[u8], bool) -> ControlFlow<()>,
    ) -> Option<SocketEvent> {
        let begun = self.assembler.hand_over();
        let begun = begun.map(|(text, bytes)| Kept::Piece(Piece { text, bytes, fin: false }));
        for kept in begun.into_iter().chain(std::iter::from_fn(|| self.inbox.next())) {
            match kept {
                Kept::End(event) => return Some(self.note(event)),
                Kept::Piece(Piece { text, bytes, fin }) => {
                    if on_piece(text, &bytes, fin).is_break() {
                        self.assembler.take_over(fin);
                        return None;
                    }
                }
            }
        }
        let mut end = None;
        loop {
            let Self { pump, assembler, .. } = self;
            let state = pump.advance(true, &mut |event| {
                if let Event::Message { text, data, fin } = event {
                    let stop = on_piece(text, data, fin).is_break();
                    assembler.take_over(fin || !stop);
                    return Ok(if stop { Next::Stop } else { Next::More });
                }
                end = SocketEvent::ending(event);
                Ok(Next::Stop)
            });
            match state {
                State::Stopped => return end.map(|end| self.note(end)),
                State::Finished => return None,
                State::Moves => {}
                State::Waits => self.wait(None),
            }
        }
    }

    /// `my.sendSocketMessage`: returns once the message is given to the system. What comes meanwhile is kept for
    /// [`recv`](Self::recv), up to a mebibyte; beyond it the server has to wait.
    ///
    /// # Errors
    /// Code 10 once the socket is not open any more, 11 where the connection does not take the message in time.
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Failure> {
        let message = message.into();
        let text = !message.is_buffer();
        self.send_piece(text, message.into_bytes(), true)
    }

    /// Sends a piece of a message, text or binary; the last one with `fin`. The pieces of a text together are UTF-8.
    ///
    /// # Errors
    /// As for [`send`](Self::send); 11, too, for a text that is not UTF-8, and for a piece of the other kind than those
    /// before it.
    pub fn send_piece(&mut self, text: bool, bytes: impl Into<Vec<u8>>, fin: bool) -> Result<(), Failure> {
        if !self.is_open() {
            return Err(failure(Reason::NotConnected));
        }
        self.pump.take_failure();
        self.pump.send(Outgoing { text, bytes: bytes.into(), sent: 0, fin });
        while !self.pump.is_idle() {
            let Self { pump, inbox, .. } = self;
            let state = pump.advance(!inbox.is_full(), &mut |event| {
                inbox.keep(event);
                Ok(Next::More)
            });
            if let Some(reason) = self.pump.take_failure() {
                return Err(failure(reason));
            }
            match state {
                // The end may have come right behind the last of it.
                State::Finished if !self.pump.is_idle() => return Err(failure(Reason::SendFailed)),
                State::Waits if !self.pump.is_idle() => self.wait(None),
                _ => {}
            }
        }
        Ok(())
    }

    /// `my.closeSocket`: begins the closing handshake. [`recv`](Self::recv) tells how it ends.
    ///
    /// # Errors
    /// Code 1 for a code or a reason that may not be sent (RFC 6455 section 7.4).
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), Failure> {
        self.pump.close(code, reason).map_err(|_| failure(Reason::IllegalOption))
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.pump.is_open() && !self.control.is_closing()
    }

    fn next(&mut self, until: Option<Instant>) -> Result<Option<SocketEvent>, NothingCame> {
        loop {
            if let Some(event) = self.kept() {
                return Ok(Some(self.note(event)));
            }
            let Self { pump, assembler, .. } = self;
            let mut came = None;
            let state = pump.advance(true, &mut |event| {
                came = match event {
                    Event::Message { text, data, fin } => assembler.piece(text, data, fin)?.map(SocketEvent::Message),
                    event => SocketEvent::ending(event),
                };
                Ok(if came.is_some() { Next::Stop } else { Next::More })
            });
            if let Some(event) = came {
                return Ok(Some(self.note(event)));
            }
            match state {
                State::Finished => return Ok(None),
                _ if until.is_some_and(|until| self.shared.now() >= until) => return Err(NothingCame),
                State::Waits => self.wait(until),
                State::Moves | State::Stopped => {}
            }
        }
    }

    /// The next event of those that came while something was sent.
    fn kept(&mut self) -> Option<SocketEvent> {
        while let Some(kept) = self.inbox.next() {
            let Piece { text, bytes, fin } = match kept {
                Kept::End(event) => return Some(event),
                Kept::Piece(piece) => piece,
            };
            match self.assembler.piece(text, &bytes, fin) {
                Ok(Some(message)) => return Some(SocketEvent::Message(message)),
                Ok(None) => {}
                Err(reason) => {
                    if !self.inbox.refuse(reason) {
                        self.pump.refuse(reason);
                    }
                }
            }
        }
        None
    }

    fn wait(&mut self, until: Option<Instant>) {
        if self.pump.wait(until).is_err() {
            self.pump.abandon();
        }
    }

    /// The context's place is free once the Close is out.
    fn note(&mut self, event: SocketEvent) -> SocketEvent {
        if let SocketEvent::Close(_) = event {
            self.over = true;
            self.hub.notes(self.ticket, EventKind::Close);
        }
        event
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.over {
            self.pump.leave();
            self.hub.notes(self.ticket, EventKind::Close);
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// Why an attempt has failed. One that was given up with its page, or for another, says so.
fn why(mut pump: Pump, response: Option<Response>) -> Failure {
    let mut why = None;
    // Of one that has failed, all is reported at once.
    pump.advance(false, &mut |event| {
        match event {
            Event::Error { reason } => why = Some(reason),
            Event::Close { code: 1001, .. } if why.is_none() => why = Some(Reason::Unloaded),
            _ => {}
        }
        Ok(Next::More)
    });
    ended(why.unwrap_or(Reason::Aborted), response)
}
