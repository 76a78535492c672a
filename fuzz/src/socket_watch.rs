//! One connection every step of which is checked against the law of the socket (see `miniwire_core::socket`):
//!
//! - Opening: as of every task; a link is left open for an open socket only.
//! - Events: messages, one Error at most, one Close, nothing after it. 1006 with an Error only, any other code is the
//!   server's, or what the end was asked for with. After an interrupt no message and no new error.
//! - What is shown is what a plain reading of the server's bytes shows; no message is larger than its memory.
//! - What is sent: whole masked frames, each with the key given for it, every message as it was said, the newest ping's
//!   pong, pings of our own after silence only, one Close, nothing after it.
//! - An end that has begun is over within the closing handshake's time, and so is the link.

mod sent;
mod shown;

use miniwire_core::reason::{Fault, Interrupt, Reason};
use miniwire_core::socket::{Event, OpeningEvent, OpeningTask, Settings, SocketTask};
use miniwire_core::task::{Action, Poll, Task as _};
use miniwire_core::time::Instant;
use miniwire_core::ws::close;
use miniwire_core::ws::frame::MAX_CONTROL;
use miniwire_core::ws::mask::Mask;

use crate::socket_sending::Outgoing;
use sent::{CLOSE, PING, Sent};
use shown::Shown;

/// The receive buffer.
const RECEIVE: usize = 512;

/// Reasons of a Close are the beginnings of this.
const REASON: &str = "The reason of a Close frame may have 123 bytes of UTF-8; this one has a few more of them, so that \
                      it is refused when it is used as a whole.";

/// What a step has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It waits.
    Idle,
    /// It goes on.
    Moved,
    /// The socket is open.
    Open,
    /// A whole message.
    Message,
    /// `onSocketError`.
    Error(Reason),
    /// `onSocketClose`.
    Close,
}

/// One connection, from the call to its end.
pub struct Watched<'r> {
    opening: Option<OpeningTask<'r>>,
    socket: Option<SocketTask>,
    settings: Settings,
    shown: Shown<'r>,
    sent: Sent,
    keep_alive: u64,
    close_timeout: u64,
    /// What the server says, not yet received.
    pub wire: Vec<u8>,
    /// Behind that, it closes the link.
    pub ends: bool,
    /// The next step that uses the link fails.
    pub fails: Option<Fault>,
    /// The next write fails.
    pub write_fails: bool,
    /// The link takes nothing for now.
    pub held: bool,
    rx: Vec<u8>,
    counted: usize,
    linked: bool,
    secured: bool,
    /// The request is out.
    asked: bool,
    /// The end of the stream was told.
    ended: bool,
    /// Bytes have come that the socket has not seen.
    news: bool,
    /// When something came last, or the ping went out.
    mark: u64,
    pinged: bool,
    /// Since when the socket is not open any more.
    ending: Option<u64>,
    /// How an interrupt ended it.
    interrupted: Option<u16>,
    any_interrupt: bool,
    /// What the next event must be.
    due: Option<Reason>,
    errored: bool,
    closed: bool,
    /// A Close frame is to be sent.
    owes_close: bool,
    /// Nothing can be written.
    mute: bool,
}

impl<'r> Watched<'r> {
    /// Watches a task.
    pub fn new(
        task: OpeningTask<'r>,
        settings: Settings,
        memory: &'r mut [u8],
        base64: bool,
        keep_alive: u64,
        close_timeout: u64,
    ) -> Self {
        Self {
            opening: Some(task),
            socket: None,
            settings,
            shown: Shown::new(memory, base64),
            sent: Sent::default(),
            keep_alive,
            close_timeout,
            wire: Vec::new(),
            ends: false,
            fails: None,
            write_fails: false,
            held: false,
            rx: Vec::new(),
            counted: 0,
            linked: false,
            secured: false,
            asked: false,
            ended: false,
            news: false,
            mark: 0,
            pinged: false,
            ending: None,
            interrupted: None,
            any_interrupt: false,
            due: None,
            errored: false,
            closed: false,
            owes_close: false,
            mute: false,
        }
    }

    /// Bytes that the server has said since this was asked last.
    pub fn take_said(&mut self) -> usize {
        let said = self.wire.len().saturating_sub(self.counted);
        self.counted = self.wire.len();
        said
    }

    fn is_open(&self) -> bool {
        self.socket.is_some() && self.ending.is_none()
    }

    /// Moves it.
    pub fn step(&mut self, now: u64, piece: usize) -> Came {
        if self.opening.is_some() { self.open(now, piece) } else { self.go_on(now, piece) }
    }

    fn open(&mut self, now: u64, piece: usize) -> Came {
        let task = self.opening.as_mut().unwrap();
        let mut tx = [0; 256];
        let Poll { consumed, action } = task.poll(instant(now), &self.rx, &mut tx);
        assert!(consumed <= self.rx.len());
        let mut reads = false;
        match action {
            Action::Done(opened) => {
                assert_eq!(self.linked, opened.result.is_ok(), "an open socket has a link, and no other has");
                assert!(self.asked || !self.linked, "open before the request is out");
                assert!(self.secured || !self.linked || !task.route().secure, "open without TLS");
                let again = task.poll(instant(now), b"", &mut tx);
                assert!(matches!(again, Poll { consumed: 0, action: Action::Done(same) } if same == opened));
                self.opening = None;
                self.socket = Some(SocketTask::after(&opened, self.settings, instant(now)));
                (self.mark, self.news) = (now, !self.rx.is_empty());
                self.fails = None;
                let Err(reason) = opened.result else { return Came::Open };
                (self.ending, self.mute, self.wire) = (Some(now), true, Vec::new());
                self.counted = 0;
                match reason {
                    Reason::Aborted => self.interrupted = Some(1000),
                    Reason::Unloaded => self.interrupted = Some(1001),
                    reason => self.due = Some(reason),
                }
                return Came::Moved;
            }
            Action::Connect { .. } | Action::Secure | Action::Transmit { .. } | Action::Read
                if self.fails.is_some() =>
            {
                task.fault(self.fails.take().unwrap());
            }
            Action::Connect { reuse } => {
                assert!(!reuse && !self.linked && task.connected(true).is_err());
                self.linked = true;
                self.rx.clear();
                task.connected(false).unwrap();
            }
            Action::Secure => {
                assert!(task.route().secure && !self.secured && self.rx.len() == consumed);
                (self.secured, self.asked) = (true, false);
                task.secured().unwrap();
            }
            Action::Transmit { length, more } => {
                assert!((1..=256).contains(&length));
                let route = task.route();
                assert!(self.secured || !route.secure || route.proxy.is_some(), "sent before TLS");
                self.asked = !more && !self.write_fails;
                if std::mem::take(&mut self.write_fails) {
                    task.write_failed();
                } else {
                    reads = more && !self.wire.is_empty();
                }
            }
            Action::Read => reads = true,
            Action::Event(OpeningEvent::Interim(head)) => assert!((100..200).contains(&head.status())),
            Action::Event(OpeningEvent::Head { protocol, .. }) => {
                assert!(protocol.is_none_or(|name| ["chat", "soap"].contains(&name)));
            }
            Action::Continue => {}
            Action::Release { keep } => {
                assert!(!keep && std::mem::take(&mut self.linked), "there is no link, or it is kept");
                (self.rx, self.wire, self.counted) = (Vec::new(), Vec::new(), 0);
                return Came::Moved;
            }
            _ => panic!("{action:?}"),
        }
        self.rx.drain(..consumed);
        if reads {
            let room = (RECEIVE - self.rx.len()).min(piece).min(self.wire.len());
            let task = self.opening.as_mut().unwrap();
            if self.rx.len() == RECEIVE {
                task.fault(Fault::ReceiveBufferFull);
            } else if room > 0 {
                self.rx.extend(self.wire.drain(..room));
                self.counted = self.wire.len();
            } else if self.ends && !self.ended {
                self.ended = true;
                task.end_of_stream();
            } else {
                return Came::Idle;
            }
        }
        Came::Moved
    }

    fn go_on(&mut self, now: u64, piece: usize) -> Came {
        if self.closed && !self.linked {
            // It was dropped.
            return Came::Idle;
        }
        if !self.held && self.transmit(now) {
            return Came::Moved;
        }
        let socket = self.socket.as_mut().unwrap();
        if std::mem::take(&mut self.news) && self.ending.is_none() {
            (self.mark, self.pinged) = (now, false);
        }
        let rx = std::mem::take(&mut self.rx);
        let (consumed, event) = socket.receive(instant(now), &rx);
        assert!(consumed <= rx.len());
        self.rx = rx[consumed..].to_vec();
        let taken = &rx[..consumed];
        if !self.closed {
            self.shown.hear(taken);
        }
        let moved = self.closed && consumed > 0;
        assert!(!self.closed || event.is_none(), "{event:?} after the Close");
        let due = self.due.take();
        let came = match event {
            None if consumed > 0 || moved => Came::Moved,
            None => Came::Idle,
            Some(Event::Message { text, data, fin }) => {
                assert!(due.is_none() && !self.errored && !self.any_interrupt, "a message too late");
                assert!(fin || !data.is_empty());
                assert!(taken.ends_with(data));
                match self.shown.piece(text, data, fin) {
                    Ok(complete) => {
                        assert_eq!(complete, fin);
                        if fin { Came::Message } else { Came::Moved }
                    }
                    Err(reason) => {
                        assert_eq!(reason, Reason::TooLarge);
                        Came::Error(reason)
                    }
                }
            }
            Some(Event::Error { reason }) => {
                assert!(!self.errored && (self.interrupted.is_none()), "an error too late: {reason:?}");
                assert!(due.is_none_or(|due| due == reason), "{reason:?}, not {due:?}");
                self.errored = true;
                Came::Error(reason)
            }
            Some(Event::Close { code, reason }) => {
                assert!(due.is_none() && taken.ends_with(reason.as_bytes()));
                let clean = self.interrupted.is_none() && code != 1006;
                match self.interrupted {
                    Some(asked) => assert_eq!((code, reason), (asked, "")),
                    None if code == 1006 => assert!(self.errored && reason.is_empty(), "1006 without an error"),
                    None => self.shown.check_close(code, reason),
                }
                self.shown.check(clean && !self.errored && self.ending.is_none());
                self.closed = true;
                Came::Close
            }
            Some(_) => panic!("an event of another kind"),
        };
        let is_error_shown = matches!(event, Some(Event::Error { .. }));
        match came {
            Came::Message => self.shown.check_message(),
            Came::Error(reason) if !is_error_shown => {
                self.refuse(now, reason);
                return Came::Moved;
            }
            Came::Error(Reason::PeerSilent) => {
                let silent = now >= self.mark.saturating_add(self.keep_alive);
                assert!(self.keep_alive > 0 && self.pinged && silent, "given up too early");
                self.cut(now);
            }
            Came::Error(Reason::CloseTimeout) => {
                assert!(self.ending.is_some_and(|since| now >= since.saturating_add(self.close_timeout)));
                self.cut(now);
            }
            Came::Error(reason) => {
                // What a server did wrong is answered; so is what nobody can take.
                self.end(now, matches!(reason, Reason::Violation(_)));
            }
            // A Close of the server's is answered.
            Came::Close => self.end(now, self.interrupted.is_none() && !self.errored),
            Came::Idle => return self.read(now, piece),
            Came::Moved | Came::Open => {}
        }
        came
    }

    /// More from the link, or its end.
    fn read(&mut self, now: u64, piece: usize) -> Came {
        let socket = self.socket.as_mut().unwrap();
        assert!(self.rx.len() <= MAX_CONTROL, "more is left than a control frame");
        if socket.is_finished(instant(now)) {
            assert!(self.closed);
            (self.linked, self.owes_close) = (false, false);
            return Came::Idle;
        }
        if !self.linked {
            assert!(!self.closed);
            return Came::Idle;
        }
        if let Some(fault) = self.fails.take() {
            socket.fault(instant(now), fault);
            let small = fault == Fault::ReceiveBufferFull;
            self.expect(now, if small { Reason::BufferTooSmall } else { Reason::ConnectionLost });
            self.cut(now);
            return Came::Moved;
        }
        let room = (RECEIVE - self.rx.len()).min(piece).min(self.wire.len());
        if room > 0 && !self.ended {
            self.rx.extend(self.wire.drain(..room));
            self.counted = self.wire.len();
            self.news = true;
        } else if self.ends && !self.ended {
            self.ended = true;
            socket.end_of_stream();
        } else {
            return Came::Idle;
        }
        Came::Moved
    }

    /// Writes a frame, if one is due.
    fn transmit(&mut self, now: u64) -> bool {
        let (key, mut tx) = (self.sent.key(), [0; 131]);
        let socket = self.socket.as_mut().unwrap();
        let has_output = socket.has_output(instant(now));
        let length = socket.transmit(instant(now), Mask::fresh(key), &mut tx);
        assert_eq!(length > 0, has_output);
        if !has_output {
            return false;
        }
        assert!(!self.mute && self.linked, "output for no link");
        let until = socket.write_deadline(instant(now));
        let latest = self.ending.map_or(now.saturating_add(30_000), |since| since.saturating_add(self.close_timeout));
        assert_eq!(until, instant(latest));
        self.write(now, &tx[..length], key);
        true
    }

    fn write(&mut self, now: u64, bytes: &[u8], key: [u8; 4]) {
        if std::mem::take(&mut self.write_fails) {
            self.socket.as_mut().unwrap().write_failed(instant(now));
            // The frame may have been the pong or the ping; it is lost with the link.
            self.end(now, false);
            (self.mute, self.owes_close, self.sent.outgoing) = (true, false, None);
            return;
        }
        match self.sent.frame(bytes, key, || self.shown.items()) {
            CLOSE => {
                assert!(self.ending.is_some());
                self.owes_close = false;
            }
            PING => {
                let silent = now >= self.mark.saturating_add(self.keep_alive);
                assert!(self.is_open() && self.keep_alive > 0 && !self.pinged && silent, "a ping too early");
                (self.mark, self.pinged) = (now, true);
            }
            _ => {}
        }
    }

    /// Begins a message, or a part of one, once the last one is out.
    pub fn begin_message(&mut self, kind: u8, length: u16, unfinished: bool) {
        if self.sent.outgoing.is_none() {
            self.sent.outgoing = Outgoing::new(kind, length.into(), unfinished);
        }
    }

    /// Writes the next frame of the message.
    pub fn send_on(&mut self, now: u64, room: usize) {
        let key = self.sent.key();
        let is_open = self.is_open();
        let Some(socket) = &mut self.socket else { return };
        let Some(outgoing) = &mut self.sent.outgoing else { return };
        let mut tx = vec![0; room];
        let mismatch = self.sent.under_way.is_some_and(|text| text != outgoing.text);
        match outgoing.sending.next(socket, Mask::fresh(key), &mut tx) {
            Ok(length) => {
                assert!(is_open && !mismatch, "sent what may not be sent");
                let done = outgoing.sending.is_done();
                assert!(length > 0 || (done && !outgoing.fin && outgoing.left.is_empty()), "nothing was sent");
                if length > 0 {
                    self.write(now, &tx[..length], key);
                }
                if done && let Some(outgoing) = self.sent.outgoing.take() {
                    assert!(outgoing.left.is_empty(), "not all was sent");
                }
            }
            Err(reason) => {
                assert_eq!(reason, if is_open { Reason::SendFailed } else { Reason::NotConnected });
                assert!(!is_open || mismatch);
                self.sent.outgoing = None;
            }
        }
    }

    /// `my.closeSocket`.
    pub fn close(&mut self, now: u64, code: u16, length: u8) {
        if let Some(opening) = &mut self.opening {
            return opening.interrupt(Interrupt::Abort);
        }
        let socket = self.socket.as_mut().unwrap();
        let reason = &REASON[..usize::from(length).min(REASON.len())];
        let closed = socket.close(instant(now), code, reason);
        assert_eq!(closed.is_ok(), close::is_sendable(code) && reason.len() <= 123);
        if closed.is_ok() {
            self.end(now, true);
        }
    }

    /// Somebody ends it.
    pub fn interrupt(&mut self, now: u64, interrupt: Interrupt) {
        if let Some(opening) = &mut self.opening {
            return opening.interrupt(interrupt);
        }
        self.socket.as_mut().unwrap().interrupt(instant(now), interrupt);
        self.any_interrupt = true;
        if !self.closed && !self.errored && self.due.is_none() && self.interrupted.is_none() {
            self.interrupted = Some(if interrupt == Interrupt::Abort { 1000 } else { 1001 });
        }
        self.end(now, true);
    }

    /// Nobody takes the messages.
    pub fn refuse(&mut self, now: u64, reason: Reason) {
        if let Some(opening) = &mut self.opening {
            return opening.refuse(reason);
        }
        self.socket.as_mut().unwrap().refuse(instant(now), reason);
        if self.ending.is_none() {
            self.due = Some(reason);
        }
        self.end(now, true);
    }

    /// The end begins, unless it has. A Close frame belongs to it where it `says_so`.
    fn end(&mut self, now: u64, says_so: bool) {
        if self.ending.is_none() {
            self.ending = Some(now);
            self.owes_close = says_so && !self.mute;
        }
    }

    /// The link is of no more use.
    fn cut(&mut self, now: u64) {
        self.end(now, false);
        (self.mute, self.owes_close) = (true, false);
    }

    fn expect(&mut self, now: u64, reason: Reason) {
        if !self.closed && !self.errored && self.due.is_none() && self.interrupted.is_none() {
            self.due = Some(reason);
        }
        self.end(now, false);
    }

    /// It waits: is everything as it should be?
    pub fn check_idle(&self, now: u64) {
        let Some(socket) = &self.socket else { return };
        assert_eq!(socket.is_open(), self.is_open());
        assert_eq!(socket.is_over(), self.closed);
        if self.held {
            return;
        }
        assert!(!self.linked || !socket.has_output(instant(now)));
        assert!(!self.owes_close || self.sent.close, "no Close frame was sent");
        assert!(self.due.is_none(), "an error was not told");
        assert!(!self.ended || self.closed, "the end of the link ends the socket");
        if let Some(since) = self.ending {
            let end = since.saturating_add(self.close_timeout);
            assert!(now < end || (self.closed && socket.is_finished(instant(now))), "not over in time");
            assert!(self.closed || socket.deadline() == instant(end));
        } else if self.keep_alive > 0 {
            let next = self.mark.saturating_add(self.keep_alive);
            assert!(now < next || now == u64::MAX, "neither pinged nor given up");
            assert_eq!(socket.deadline(), instant(next));
        }
    }

    /// Its time is over.
    pub fn check_end(&mut self, now: u64) {
        assert!(self.opening.is_none() && self.closed, "no end");
        assert!(!self.linked, "a link is left open");
        let socket = self.socket.as_mut().unwrap();
        socket.fault(instant(now), Fault::Lost);
        socket.refuse(instant(now), Reason::TooLarge);
        socket.interrupt(instant(now), Interrupt::Unload);
        socket.end_of_stream();
        socket.write_failed(instant(now));
        assert_eq!(socket.close(instant(now), 1000, ""), Ok(()));
        assert_eq!(socket.receive(instant(u64::MAX), b"\x81\x01a"), (3, None));
        assert!(socket.is_finished(instant(now)) && !socket.has_output(instant(now)));
    }
}

fn instant(ms: u64) -> Instant {
    Instant::from_millis(ms)
}
