//! What others may tell a socket while it runs: messages to be sent, to close, to end.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use miniwire_core::reason::{Interrupt, Reason};
use mio::Waker;

use super::message::Message;
use crate::net::{Switch, lock};

/// One socket, as any thread sees it.
pub(super) struct Control {
    /// Ends it, while it is opening and later.
    switch: Arc<Switch>,
    /// Wakes its loop, once there is one.
    waker: OnceLock<Arc<Waker>>,
    mail: Mutex<Mail>,
    /// Bytes of messages that may wait.
    limit: usize,
}

#[derive(Default)]
struct Mail {
    messages: VecDeque<Outgoing>,
    /// Bytes of theirs.
    bytes: usize,
    /// To be closed with this, once every message is sent.
    close: Option<(u16, String)>,
    closing: bool,
}

/// A message, or a piece of one, on its way out.
pub(super) struct Outgoing {
    pub(super) text: bool,
    pub(super) bytes: Vec<u8>,
    /// So much of it is in frames.
    pub(super) sent: usize,
    /// The message ends with it.
    pub(super) fin: bool,
}

impl Outgoing {
    /// What is in no frame yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}

impl Control {
    pub(super) fn new(limit: usize) -> Self {
        let switch = Arc::new(Switch::new());
        Self { switch, waker: OnceLock::new(), mail: Mutex::default(), limit }
    }

    pub(super) fn switch(&self) -> &Arc<Switch> {
        &self.switch
    }

    /// The loop runs and is woken with this from now on.
    pub(super) fn runs(&self, waker: &Arc<Waker>) {
        // There is one loop.
        let _ = self.waker.set(Arc::clone(waker));
    }

    /// Has a message sent, behind those that wait. One may be longer than the limit, if it is the only one.
    ///
    /// # Errors
    /// [`Reason::NotConnected`] once the socket is to be closed, [`Reason::SendFailed`] where too much waits.
    pub(super) fn send(&self, message: Message) -> Result<(), Reason> {
        let text = !message.is_buffer();
        let bytes = message.into_bytes();
        let mut mail = lock(&self.mail);
        if mail.closing {
            return Err(Reason::NotConnected);
        }
        let waiting = mail.bytes.saturating_add(bytes.len());
        if waiting > self.limit && !mail.messages.is_empty() {
            return Err(Reason::SendFailed);
        }
        mail.bytes = waiting;
        mail.messages.push_back(Outgoing { text, bytes, sent: 0, fin: true });
        drop(mail);
        self.wake();
        Ok(())
    }

    /// Has the socket closed once every message before is sent. The first close counts.
    pub(super) fn close(&self, code: u16, reason: &str) {
        let mut mail = lock(&self.mail);
        if !mail.closing {
            mail.closing = true;
            mail.close = Some((code, reason.into()));
            drop(mail);
            self.wake();
        }
    }

    /// Whether the socket is to be closed.
    pub(super) fn is_closing(&self) -> bool {
        lock(&self.mail).closing
    }

    /// Ends the socket, whatever it is doing.
    pub(super) fn interrupt(&self, why: Interrupt) {
        self.switch.interrupt(why);
    }

    /// The next message to send. It no longer counts as waiting.
    pub(super) fn next(&self) -> Option<Outgoing> {
        let mut mail = lock(&self.mail);
        let next = mail.messages.pop_front()?;
        mail.bytes = mail.bytes.saturating_sub(next.bytes.len());
        Some(next)
    }

    /// The close that is due, now that no message waits.
    pub(super) fn take_close(&self) -> Option<(u16, String)> {
        let mut mail = lock(&self.mail);
        if mail.messages.is_empty() { mail.close.take() } else { None }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            // An error means that the loop has gone.
            let _ = waker.wake();
        }
    }
}
