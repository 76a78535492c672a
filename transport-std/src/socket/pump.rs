//! One open socket and its link: moves bytes both ways at once, as far as the system takes them, and waits without
//! spinning.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use miniwire_core::drive::{NoRandomness, Trace};
use miniwire_core::reason::{Fault, Interrupt, Reason};
use miniwire_core::socket::{Event, SocketTask};
use miniwire_core::time::Instant;
use miniwire_core::ws::close::CloseError;
use miniwire_core::ws::mask::Mask;

use super::control::{Control, Outgoing};
use super::waiter::Waiter;
use crate::net::{DuplexLink, Shared, Tracer};

/// Bytes read at a time, and the longest frame sent. Both buffers exist only while something moves: an idle socket has none.
const BUFFER: usize = 16 * 1024;

/// Room for any control frame; a data frame needs no more beside its payload.
const CONTROL: usize = 131;

/// Frames written before what has come is looked at again.
const ROUND: usize = 16;

/// A socket that runs.
pub(super) struct Pump {
    shared: Arc<Shared>,
    tracer: Option<Arc<Tracer>>,
    control: Arc<Control>,
    /// Made when it is first needed: a socket that nobody waits on is one descriptor.
    waiter: Option<Waiter>,
    link: Option<DuplexLink>,
    task: SocketTask,
    received: Received,
    /// The frame that is being written, from `written` on.
    frame: Vec<u8>,
    written: usize,
    /// Until when what is written may wait for the link, while it does.
    blocked_until: Option<Instant>,
    sending: Option<Outgoing>,
    /// Nothing more comes from the link.
    ended: bool,
    /// Why something could not be sent, until somebody asks.
    failed: Option<Reason>,
}

/// What a taker of events wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// More of them.
    More,
    /// No more for now.
    Stop,
}

/// Where a socket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Whoever takes the events has stopped it.
    Stopped,
    /// There may be more to move.
    Moves,
    /// Nothing moves until [`Pump::wait`] returns.
    Waits,
    /// Everything is reported, and the link is gone.
    Finished,
}

/// Takes events; a reason ends the socket with an error.
pub(super) type Taker<'t> = dyn FnMut(Event<'_>) -> Result<Next, Reason> + 't;

impl Pump {
    /// Goes on where the opening handshake has ended. `link` is none where that failed; `ahead` came behind its answer.
    pub(super) fn new(
        shared: Arc<Shared>,
        tracer: Option<Arc<Tracer>>,
        control: Arc<Control>,
        link: Option<DuplexLink>,
        task: SocketTask,
        ahead: &[u8],
    ) -> Self {
        let received = Received::with(ahead);
        Self {
            shared,
            tracer,
            control,
            waiter: None,
            link,
            task,
            received,
            frame: Vec::new(),
            written: 0,
            blocked_until: None,
            sending: None,
            ended: false,
            failed: None,
        }
    }

    /// Whether messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        self.task.is_open()
    }

    /// Whether every message that was given to it is written.
    pub(super) fn is_idle(&self) -> bool {
        self.sending.is_none() && self.is_written()
    }

    /// Sends this next. To be called only while [`is_idle`](Self::is_idle).
    pub(super) fn send(&mut self, outgoing: Outgoing) {
        self.sending = Some(outgoing);
    }

    /// Why the last message could not be sent, if it could not; once.
    pub(super) fn take_failure(&mut self) -> Option<Reason> {
        self.failed.take()
    }

    /// Begins the closing handshake: the Close frame goes out as soon as the link takes it.
    ///
    /// # Errors
    /// [`CloseError`] for a code or a reason that may not be sent.
    pub(super) fn close(&mut self, code: u16, reason: &str) -> Result<(), CloseError> {
        self.task.close(self.shared.now(), code, reason)?;
        self.push();
        Ok(())
    }

    /// Moves what can be moved without waiting, up to a buffer each way. Without `reads` it takes no more from the network
    /// than it has already.
    pub(super) fn advance(&mut self, reads: bool, taker: &mut Taker<'_>) -> State {
        self.obey();
        let wrote = self.push();
        if self.report(taker) == Next::Stop {
            return State::Stopped;
        }
        let read = reads && self.pull();
        if read && self.report(taker) == Next::Stop {
            return State::Stopped;
        }
        if self.task.is_finished(self.shared.now()) {
            self.hang_up();
            return State::Finished;
        }
        if wrote || read {
            return State::Moves;
        }
        self.received.free();
        if self.is_written() {
            self.frame = Vec::new();
        }
        // Whoever tells it something now wakes the poll that comes next.
        State::Waits
    }

    /// Waits until something may move, but not longer than `until`.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> io::Result<()> {
        let due = self.write_until().unwrap_or(self.task.deadline());
        let due = due.min(until.unwrap_or(due));
        let Some(waiter) = &mut self.waiter else {
            // What it was told before there was anybody to wake is found first.
            self.waiter = Some(Waiter::new(&self.control, self.link.as_mut())?);
            return Ok(());
        };
        waiter.wait(self.shared.left(due).unwrap_or_default())
    }

    /// A message that was received cannot be taken: the socket ends with this reason.
    pub(super) fn refuse(&mut self, reason: Reason) {
        self.task.refuse(self.shared.now(), reason);
    }

    /// Nobody listens any more: says so to the server, if the link takes it.
    pub(super) fn leave(&mut self) {
        self.task.interrupt(self.shared.now(), Interrupt::Unload);
        self.push();
    }

    /// The socket cannot go on.
    pub(super) fn abandon(&mut self) {
        self.task.fault(self.shared.now(), Fault::Lost);
    }

    /// Carries out what others have told it.
    fn obey(&mut self) {
        let now = self.shared.now();
        if let Some(interrupt) = self.control.switch().interrupted() {
            self.task.interrupt(now, interrupt);
        }
        if self.sending.is_none()
            && self.is_written()
            && let Some((code, reason)) = self.control.take_close()
        {
            // Code and reason were checked when they were given.
            let _ = self.task.close(now, code, &reason);
        }
    }

    /// Writes frames while the link takes them, a round of them. Returns whether anything was written.
    fn push(&mut self) -> bool {
        for round in 0..ROUND {
            if self.is_written() && !self.next_frame() {
                // TLS may have something of its own to say. What it cannot send now, it sends later; an error shows when
                // the next frame is written.
                let _ = self.link.as_mut().map(DuplexLink::flush);
                return round > 0;
            }
            match self.write() {
                Ok(()) => self.blocked_until = None,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let now = self.shared.now();
                    let until = *self.blocked_until.get_or_insert(self.task.write_deadline(now));
                    if now >= until.min(self.task.write_deadline(now)) {
                        self.write_failed();
                    }
                    return round > 0;
                }
                Err(_) => {
                    self.write_failed();
                    return round > 0;
                }
            }
        }
        true
    }

    /// Writes the rest of the frame, and of what TLS makes of it.
    fn write(&mut self) -> io::Result<()> {
        let link = self.link.as_mut().ok_or(ErrorKind::NotConnected)?;
        while let Some(rest) = self.frame.get(self.written..).filter(|rest| !rest.is_empty()) {
            match link.write(rest)? {
                0 => return Err(ErrorKind::WriteZero.into()),
                taken => self.written += taken,
            }
        }
        link.flush()
    }

    /// Until when what is being written may take.
    fn write_until(&self) -> Option<Instant> {
        self.blocked_until.map(|until| until.min(self.task.write_deadline(self.shared.now())))
    }

    fn write_failed(&mut self) {
        self.frame.clear();
        self.written = 0;
        self.blocked_until = None;
        self.sending = None;
        self.failed = Some(Reason::SendFailed);
        self.task.write_failed(self.shared.now());
    }

    /// Whether the link has taken everything.
    fn is_written(&self) -> bool {
        self.written >= self.frame.len() && self.blocked_until.is_none()
    }

    /// Puts the next frame into the buffer: one that is due, else of a message. Returns whether there is one.
    fn next_frame(&mut self) -> bool {
        let now = self.shared.now();
        let control = self.task.has_output(now);
        if !control && self.sending.is_none() && self.task.is_open() {
            self.sending = self.control.next();
        }
        let due = control || self.sending.is_some();
        self.frame.clear();
        self.written = 0;
        if !due {
            return false;
        }
        let mut random = [0; 4];
        if let Err(NoRandomness) = self.shared.random(&mut random) {
            self.task.abandon(now, Reason::NoRandomness);
            return false;
        }
        let mask = Mask::fresh(random);
        let waiting = self.sending.as_ref().filter(|_| !control).map_or(0, |message| message.rest().len());
        self.frame.resize(waiting.saturating_add(CONTROL).min(BUFFER), 0);
        let length = match &mut self.sending {
            _ if control => self.task.transmit(now, mask, &mut self.frame),
            None => 0,
            Some(message) => {
                let sent = self.task.send(message.text, message.rest(), message.fin, mask, &mut self.frame);
                let length = match sent {
                    Ok(frame) => {
                        message.sent += frame.taken;
                        frame.length
                    }
                    Err(reason) => {
                        self.failed = Some(reason);
                        message.sent = message.bytes.len();
                        0
                    }
                };
                if message.rest().is_empty() {
                    self.sending = None;
                }
                length
            }
        };
        self.frame.truncate(length);
        if let (Some(tracer), true) = (&self.tracer, length > 0) {
            tracer(Trace::Sent(&self.frame));
        }
        length > 0
    }

    /// Reports what has come, unless the taker wants no more.
    fn report(&mut self, taker: &mut Taker<'_>) -> Next {
        loop {
            let now = self.shared.now();
            let (consumed, event) = self.task.receive(now, self.received.filled());
            let next = event.map_or(Ok(Next::More), &mut *taker);
            let shown = event.is_some();
            self.received.consume(consumed);
            if let Err(reason) = next {
                self.task.refuse(now, reason);
            }
            // Only the newest ping is answered, so the answer goes before the next is read, if the link takes it.
            if self.task.has_output(now) && self.is_written() {
                self.push();
            }
            match next {
                Ok(Next::Stop) => return Next::Stop,
                Ok(Next::More) if consumed == 0 && !shown => return Next::More,
                _ => {}
            }
        }
    }

    /// Reads what the link has, one buffer of it. Returns whether anything has changed.
    fn pull(&mut self) -> bool {
        let Some(link) = self.link.as_mut().filter(|_| !self.ended) else { return false };
        let space = self.received.space();
        match link.read(space) {
            Ok(0) => {
                self.ended = true;
                self.task.end_of_stream();
            }
            Ok(read) => {
                if let Some(tracer) = &self.tracer {
                    tracer(Trace::Received(space.get(..read).unwrap_or_default()));
                }
                self.received.commit(read);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => {
                self.ended = true;
                self.task.fault(self.shared.now(), Fault::Lost);
            }
        }
        true
    }

    fn hang_up(&mut self) {
        if let Some(mut link) = self.link.take() {
            link.close();
        }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.hang_up();
        self.control.switch().finish();
    }
}

/// Bytes received and not consumed.
struct Received {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Received {
    fn with(bytes: &[u8]) -> Self {
        Self { memory: bytes.to_vec(), start: 0, end: bytes.len() }
    }

    fn filled(&self) -> &[u8] {
        self.memory.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes).min(self.end);
    }

    /// Room for more, never empty: what waits is less than a control frame.
    fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.memory.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.memory.len() < self.end + BUFFER {
            self.memory.resize(self.end + BUFFER, 0);
        }
        self.memory.get_mut(self.end..).unwrap_or_default()
    }

    fn commit(&mut self, bytes: usize) {
        self.end = self.end.saturating_add(bytes).min(self.memory.len());
    }

    /// Gives the memory back, if nothing is in it.
    fn free(&mut self) {
        if self.start == self.end {
            *self = Self { memory: Vec::new(), start: 0, end: 0 };
        }
    }
}
