//! The open socket: from the server's 101 to the one Close that is reported (SOCK-04 to SOCK-12).

#[cfg(feature = "permessage-deflate")]
use core::borrow::BorrowMut;
use core::mem::replace;

#[cfg(feature = "permessage-deflate")]
use super::compression::Codec;
use super::opening::Opened;
use crate::reason::{Fault, Interrupt, Reason};
use crate::time::Instant;
use crate::ws::close::{self, ABNORMAL, CloseError, GOING_AWAY, NORMAL, TOO_BIG};
use crate::ws::connection::{Connection, Incoming, SendError, Sent};
#[cfg(feature = "permessage-deflate")]
use crate::ws::deflate::{Bytes, Heads, Tables};
use crate::ws::mask::Mask;
use crate::ws::violation::Violation;

/// What a socket reports. Borrows from the received bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// A piece of a message, as it arrives; [`Assemble`](super::Assemble) puts the pieces together.
    Message {
        /// Whether it is a text message, not a binary one. All pieces of a text together are UTF-8.
        text: bool,
        /// The bytes of the piece; of a message's last one perhaps none.
        data: &'i [u8],
        /// Whether it is the last piece.
        fin: bool,
    },
    /// `onSocketError`, at most once. A Close follows.
    Error {
        /// Why; [`Reason::socket_code`] is the code.
        reason: Reason,
    },
    /// `onSocketClose`, exactly once. Nothing follows.
    Close {
        /// The server's code; 1005 if its Close had none; 1006 if none came, or what the end was asked for with.
        code: u16,
        /// The server's reason, up to 123 bytes, often empty: the last of the bytes consumed.
        reason: &'i str,
    },
}

/// What can be set for one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// After so many milliseconds without a byte from the server it is sent a ping, and after as many again without a
    /// byte it is given up (SOCK-08). 0, the default, is never.
    pub keep_alive: u32,
    /// How long the closing handshake may take, the server's closing of the link included, in milliseconds; 5,000 by
    /// default (SOCK-12). 0 cuts the link at once.
    pub close_timeout: u32,
    /// How long the link may take to accept one frame, in milliseconds; 30,000 by default. With 0 it takes a frame at
    /// once or not at all. A frame of which only a part is written breaks the connection.
    pub send_timeout: u32,
}

impl Settings {
    /// The defaults.
    pub const fn new() -> Self {
        Self { keep_alive: 0, close_timeout: 5_000, send_timeout: 30_000 }
    }

    /// With a ping after so many milliseconds of silence.
    pub const fn keep_alive(mut self, milliseconds: u32) -> Self {
        self.keep_alive = milliseconds;
        self
    }

    /// With this timeout of the closing handshake in milliseconds.
    pub const fn close_timeout(mut self, milliseconds: u32) -> Self {
        self.close_timeout = milliseconds;
        self
    }

    /// With this timeout of writing one frame in milliseconds.
    pub const fn send_timeout(mut self, milliseconds: u32) -> Self {
        self.send_timeout = milliseconds;
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// One socket after its opening handshake.
#[derive(Debug)]
pub struct SocketTask {
    connection: Connection,
    settings: Settings,
    phase: Phase,
    error: OneError,
    link: LinkState,
    /// Open: since when nothing has come, or since when the ping is out. Then: when the link is cut.
    mark: Instant,
    /// Of the open socket: a ping is out.
    pinged: bool,
    /// Bytes that waited in the receive buffer after the last look at it.
    waiting: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The end has begun, and the server's Close is awaited.
    Closing,
    /// A Close with this code is to be reported.
    Closed(u16),
    /// It has been.
    Over,
}

/// The one error of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OneError {
    None,
    Pending(Reason),
    Reported,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LinkState {
    Whole,
    /// Nothing can be written any more.
    Mute,
    /// Nothing more comes, beyond what has been received.
    Ended,
    /// Of no more use.
    Gone,
}

/// The end of time.
const NEVER: Instant = Instant::from_millis(u64::MAX);

impl SocketTask {
    /// A socket whose opening handshake has just succeeded.
    pub const fn new(settings: Settings, now: Instant) -> Self {
        Self {
            connection: Connection::new(),
            settings,
            phase: Phase::Open,
            error: OneError::None,
            link: LinkState::Whole,
            mark: now,
            pinged: false,
            waiting: 0,
        }
    }

    /// What becomes of an opening handshake: an open socket, or one that has nothing left but to report its end.
    ///
    /// A failure is an Error and a Close with 1006. An attempt that was ended by `closeSocket` or by another
    /// `connectSocket` is a Close with 1000 and no error, and one that ended with its page a Close with 1001 (CTX-06).
    pub fn after(opened: &Opened, settings: Settings, now: Instant) -> Self {
        let mut task = Self::new(settings, now);
        let Err(reason) = opened.result else { return task };
        task.link = LinkState::Gone;
        match reason {
            Reason::Aborted => task.phase = Phase::Closed(NORMAL),
            Reason::Unloaded => task.phase = Phase::Closed(GOING_AWAY),
            reason => task.fail(reason, now),
        }
        task
    }

    /// Takes what has come. Returns how many bytes at the start of `rx` are done with, too, and what there is to report.
    ///
    /// Called again at once, without the consumed bytes, unless it returns `(0, None)`: then it waits for more bytes, for
    /// [`deadline`](Self::deadline), or for whoever calls another method. While [`has_output`](Self::has_output), transmit
    /// first: only the newest ping is answered.
    pub fn receive<'i>(&mut self, now: Instant, rx: &'i [u8]) -> (usize, Option<Event<'i>>) {
        self.receive_by(now, rx, Connection::read)
    }

    /// As [`receive`](Self::receive), with the messages that come compressed made plain by `codec`, if there is one. Each
    /// piece has no more bytes than the window, so a limit of the plain bytes that is checked after each bounds memory and
    /// work: a message beyond it is [refused](Self::refuse).
    #[cfg(feature = "permessage-deflate")]
    pub fn receive_with<'i, W: Bytes, H, T: BorrowMut<Tables>>(
        &mut self,
        now: Instant,
        codec: Option<&'i mut Codec<W, H, T>>,
        rx: &'i [u8],
    ) -> (usize, Option<Event<'i>>) {
        match codec {
            Some(codec) => self.receive_by(now, rx, |connection, rx| codec.inflater.read(connection, rx)),
            None => self.receive(now, rx),
        }
    }

    fn receive_by<'i>(
        &mut self,
        now: Instant,
        rx: &'i [u8],
        read: impl FnOnce(&mut Connection, &'i [u8]) -> Result<(usize, Incoming<'i>), Violation>,
    ) -> (usize, Option<Event<'i>>) {
        self.note_arrival(now, rx.len());
        let (consumed, event) = self.advance(now, rx, read);
        self.waiting = u32::try_from(rx.len().saturating_sub(consumed)).unwrap_or(u32::MAX);
        (consumed, event)
    }

    /// Whether [`transmit`](Self::transmit) has a frame to write.
    pub fn has_output(&self, now: Instant) -> bool {
        self.can_write() && (self.connection.has_control() || self.wants_ping(now))
    }

    /// Writes the frame that is due to `tx`: a pong, our Close, a ping. Returns its length, 0 where there is none. It goes
    /// out in full, and between the frames of a message, not within one. 131 bytes of `tx` always suffice.
    pub fn transmit(&mut self, now: Instant, mask: Mask, tx: &mut [u8]) -> usize {
        if !self.can_write() {
            return 0;
        }
        if self.connection.has_control() {
            return self.connection.write_control(mask, tx);
        }
        if !self.wants_ping(now) {
            return 0;
        }
        let written = self.connection.ping(&[], mask, tx).unwrap_or(0);
        if written > 0 {
            self.pinged = true;
            self.mark = now;
        }
        written
    }

    /// Writes one frame of a message to `tx`, as [`Connection::send`] does: all of `data`, or what fits.
    /// [`Sending`](super::Sending) does so for a whole message.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] unless the socket is open; [`Reason::BufferTooSmall`]; [`Reason::SendFailed`] for text
    /// that is not UTF-8, and for a piece of another type than the message under way. The socket is as it was.
    pub fn send(&mut self, text: bool, data: &[u8], fin: bool, mask: Mask, tx: &mut [u8]) -> Result<Sent, Reason> {
        self.send_by(|connection| connection.send(text, data, fin, mask, tx))
    }

    /// As [`send`](Self::send), compressed by `codec`, if there is one. All pieces of a message go one way.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub fn send_with<W: Bytes, H: Heads, T>(
        &mut self,
        codec: Option<&mut Codec<W, H, T>>,
        text: bool,
        data: &[u8],
        fin: bool,
        mask: Mask,
        tx: &mut [u8],
    ) -> Result<Sent, Reason> {
        match codec {
            Some(codec) => self.send_by(|connection| codec.deflater.send(connection, text, data, fin, mask, tx)),
            None => self.send(text, data, fin, mask, tx),
        }
    }

    fn send_by(&mut self, send: impl FnOnce(&mut Connection) -> Result<Sent, SendError>) -> Result<Sent, Reason> {
        if !self.is_open() {
            return Err(Reason::NotConnected);
        }
        send(&mut self.connection).map_err(|error| match error {
            SendError::Closing => Reason::NotConnected,
            SendError::NoRoom => Reason::BufferTooSmall,
            SendError::OtherType | SendError::NotUtf8 | SendError::PingTooLong => Reason::SendFailed,
        })
    }

    /// `my.closeSocket`: begins the closing handshake. The Close is reported when the server's has come, or when the
    /// handshake has failed. With no open socket it does nothing, and succeeds (SOCK-06).
    ///
    /// # Errors
    /// [`CloseError`] for a code or a reason that may not be sent; the socket is as it was.
    pub fn close(&mut self, now: Instant, code: u16, reason: &str) -> Result<(), CloseError> {
        close::check(code, reason)?;
        if self.phase == Phase::Open {
            self.begin_end(now, Phase::Closing);
            return match self.connection.close(code, reason) {
                Err(CloseError::Closing) => Ok(()),
                closed => closed,
            };
        }
        Ok(())
    }

    /// Ends the socket for whoever does not want to hear of it any more: its Close is reported at once, with 1000, or 1001
    /// where its page is unloaded (CTX-06), without an error and without further messages (SOCK-02). The server still gets
    /// a Close frame, and the time to answer it.
    pub fn interrupt(&mut self, now: Instant, interrupt: Interrupt) {
        let code = match interrupt {
            Interrupt::Abort => NORMAL,
            Interrupt::Unload => GOING_AWAY,
        };
        if let Phase::Open | Phase::Closing = self.phase {
            // Where a Close is out already, that is the one.
            let _ = self.connection.close(code, "");
            self.begin_end(now, Phase::Closed(if self.error == OneError::None { code } else { ABNORMAL }));
        }
    }

    /// Whoever takes the messages cannot take this one: an Error with this reason, and a Close frame with 1009 where it is
    /// [`Reason::TooLarge`], else 1011. What the server sends before its own Close is dropped.
    pub fn refuse(&mut self, now: Instant, reason: Reason) {
        if self.phase == Phase::Open {
            let code = if reason == Reason::TooLarge { TOO_BIG } else { close::INTERNAL_ERROR };
            self.error = OneError::Pending(reason);
            let _ = self.connection.close(code, "");
            self.begin_end(now, Phase::Closing);
        }
    }

    /// The server has closed its side: no bytes will follow those in `rx`.
    pub fn end_of_stream(&mut self) {
        self.link = if self.link == LinkState::Whole { LinkState::Ended } else { LinkState::Gone };
    }

    /// The link took only a part of what was to be transmitted, or nothing. What the server has sent can still be heard.
    pub fn write_failed(&mut self, now: Instant) {
        if self.link == LinkState::Whole {
            self.link = LinkState::Mute;
        } else {
            self.link = LinkState::Gone;
        }
        if self.phase == Phase::Open {
            self.begin_end(now, Phase::Closing);
        }
    }

    /// The link is broken: nothing can be read from it any more.
    pub fn fault(&mut self, now: Instant, fault: Fault) {
        let small = fault == Fault::ReceiveBufferFull;
        self.abandon(now, if small { Reason::BufferTooSmall } else { Reason::ConnectionLost });
    }

    /// The driver cannot go on, for this reason: the link is of no more use.
    pub fn abandon(&mut self, now: Instant, reason: Reason) {
        self.link = LinkState::Gone;
        self.fail(reason, now);
    }

    /// Whether messages can be sent.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open && self.connection.is_open()
    }

    /// Whether everything is reported: the Close has been.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether the link is to be dropped. After the Close is reported it is read until then, so that the server closes it
    /// (RFC 6455 section 7.1.1) and nothing sent is lost to a reset; what comes is dropped.
    pub fn is_finished(&self, now: Instant) -> bool {
        self.is_over()
            && match self.link {
                LinkState::Gone => true,
                LinkState::Ended => !self.connection.has_control(),
                LinkState::Whole | LinkState::Mute => now >= self.mark,
            }
    }

    /// When to call [`receive`](Self::receive) again though nothing has come; the end of time where nothing is due.
    pub fn deadline(&self) -> Instant {
        match self.phase {
            Phase::Open if self.settings.keep_alive == 0 => NEVER,
            Phase::Open => self.mark.after(self.settings.keep_alive.into()),
            Phase::Closing | Phase::Closed(_) | Phase::Over => self.mark,
        }
    }

    /// Until when a frame that is written now may take.
    pub fn write_deadline(&self, now: Instant) -> Instant {
        match self.phase {
            Phase::Open => now.after(self.settings.send_timeout.into()),
            Phase::Closing | Phase::Closed(_) | Phase::Over => self.mark,
        }
    }

    /// Any byte is a sign of life.
    fn note_arrival(&mut self, now: Instant, received: usize) {
        if self.phase == Phase::Open && u32::try_from(received).unwrap_or(u32::MAX) > self.waiting {
            self.mark = now;
            self.pinged = false;
        }
    }

    fn advance<'i>(
        &mut self,
        now: Instant,
        rx: &'i [u8],
        read: impl FnOnce(&mut Connection, &'i [u8]) -> Result<(usize, Incoming<'i>), Violation>,
    ) -> (usize, Option<Event<'i>>) {
        let mut consumed = 0;
        if let Phase::Open | Phase::Closing = self.phase
            && !matches!(self.error, OneError::Pending(_))
        {
            match read(&mut self.connection, rx) {
                Ok((n, Incoming::Data { text, data, fin })) => {
                    return (n, Some(Event::Message { text, data, fin }));
                }
                Ok((n, Incoming::Close { code, reason })) => {
                    self.begin_end(now, Phase::Over);
                    return (n, Some(Event::Close { code, reason }));
                }
                Ok((n, Incoming::Ping(_) | Incoming::Pong(_))) => return (n, None),
                Ok((n, Incoming::More)) => {
                    consumed = n;
                    self.tick(now);
                }
                Err(violation) => self.fail(Reason::Violation(violation), now),
            }
        }
        if let OneError::Pending(reason) = self.error {
            self.error = OneError::Reported;
            return (consumed, Some(Event::Error { reason }));
        }
        match self.phase {
            Phase::Open | Phase::Closing => (consumed, None),
            Phase::Closed(code) => {
                self.phase = Phase::Over;
                (rx.len(), Some(Event::Close { code, reason: "" }))
            }
            Phase::Over => (rx.len(), None),
        }
    }

    /// Nothing more can be made of what has come: does the clock, or the end of the link, end the socket?
    fn tick(&mut self, now: Instant) {
        match (self.link, self.phase) {
            (LinkState::Ended, _) => self.fail(Reason::ConnectionClosed, now),
            (LinkState::Gone, _) => self.fail(Reason::ConnectionLost, now),
            (link, Phase::Closing) if now >= self.mark => {
                self.link = LinkState::Gone;
                self.fail(if link == LinkState::Mute { Reason::ConnectionLost } else { Reason::CloseTimeout }, now);
            }
            (_, Phase::Open) if self.pinged && self.is_silent(now) => {
                self.link = LinkState::Gone;
                self.fail(Reason::PeerSilent, now);
            }
            _ => {}
        }
    }

    /// Ends the socket with the one Error, unless that has been told, and a Close with 1006.
    fn fail(&mut self, reason: Reason, now: Instant) {
        if let Phase::Open | Phase::Closing = self.phase {
            if self.error == OneError::None {
                self.error = OneError::Pending(reason);
            }
            self.begin_end(now, Phase::Closed(ABNORMAL));
        }
    }

    /// The time that the end may take counts from its beginning.
    fn begin_end(&mut self, now: Instant, phase: Phase) {
        if replace(&mut self.phase, phase) == Phase::Open {
            self.mark = now.after(self.settings.close_timeout.into());
        }
    }

    fn can_write(&self) -> bool {
        matches!(self.link, LinkState::Whole | LinkState::Ended)
    }

    fn wants_ping(&self, now: Instant) -> bool {
        self.is_open() && !self.pinged && self.is_silent(now)
    }

    /// Of the open socket: nothing has come for the whole of an interval.
    fn is_silent(&self, now: Instant) -> bool {
        self.settings.keep_alive > 0 && now >= self.mark.after(self.settings.keep_alive.into())
    }
}
