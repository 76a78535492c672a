//! The context's one socket and its listeners (SOCK-02, SOCK-03): who is told what, in which order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use miniwire_core::reason::{Interrupt, Reason};
use miniwire_core::socket::{EventKind, Listeners, OneSocket, RegistryFull, Rule, Ticket};

use super::control::Control;
use super::listener::{Registered, Told};
use super::message::SocketClose;
use crate::callbacks::caught;
use crate::net::lock;

/// Registrations per context, of all events together.
const CAPACITY: usize = 64;

/// Shared by the context, its socket's thread, and whoever calls the context.
pub(crate) struct Hub {
    state: Mutex<State>,
    /// Held while listeners are called: two sockets of one context, the old and the new, never report at once.
    delivery: Mutex<()>,
}

struct State {
    one: OneSocket,
    /// Made when the first listener is registered.
    listeners: Option<Box<Listeners<Registered, CAPACITY>>>,
    current: Option<Current>,
    /// The Close of connections that were replaced, to be reported before anything else.
    owed: VecDeque<SocketClose>,
}

/// The connection that there is.
#[derive(Clone)]
struct Current {
    control: Arc<Control>,
    /// Its events go to the listeners, not to the holder of a [`Socket`](super::Socket).
    listened: bool,
}

impl Hub {
    pub(crate) fn new(rule: Rule) -> Arc<Self> {
        let state = State { one: OneSocket::new(rule), listeners: None, current: None, owed: VecDeque::new() };
        Arc::new(Self { state: Mutex::new(state), delivery: Mutex::new(()) })
    }

    /// Takes the context's place for a connection; one that is there gives way, or refuses (SOCK-02).
    pub(super) fn connect(&self, control: &Arc<Control>, listened: bool) -> Result<Ticket, Reason> {
        let mut state = lock(&self.state);
        let attempt = state.one.connect()?;
        let before = state.current.replace(Current { control: Arc::clone(control), listened });
        if let (Some((_, code)), Some(before)) = (attempt.replaced, &before)
            && before.listened
        {
            state.owed.push_back(SocketClose { code, reason: String::new() });
        }
        drop(state);
        if let Some(before) = before {
            before.control.interrupt(Interrupt::Abort);
        }
        Ok(attempt.ticket)
    }

    /// Tells the listeners what happened to this connection, if it is for them to know.
    pub(super) fn report(&self, ticket: Ticket, told: &Told<'_>) {
        let delivery = lock(&self.delivery);
        self.pay();
        if self.notes(ticket, told.kind()) {
            self.tell(told);
        }
        drop(delivery);
    }

    /// Reports the ends of connections that were replaced.
    pub(super) fn report_replaced(&self) {
        let _delivery = lock(&self.delivery);
        self.pay();
    }

    /// Whether this counts as reported of this connection, from now on.
    pub(super) fn notes(&self, ticket: Ticket, kind: EventKind) -> bool {
        let mut state = lock(&self.state);
        let reports = state.one.reports(ticket, kind);
        if reports && kind == EventKind::Close {
            state.current = None;
        }
        reports
    }

    /// The connection that `sendSocketMessage` sends on.
    pub(super) fn open(&self) -> Result<Arc<Control>, Reason> {
        let state = lock(&self.state);
        state.one.open()?;
        let current = state.current.as_ref().filter(|current| current.listened);
        current.map(|current| Arc::clone(&current.control)).ok_or(Reason::NotConnected)
    }

    /// `closeSocket`: the connection that is open is closed, one that is being opened is given up.
    pub(super) fn close(&self, code: u16, reason: &str) {
        let state = lock(&self.state);
        let (Some(current), open) = (state.current.clone(), state.one.open().is_ok()) else { return };
        drop(state);
        if open {
            current.control.close(code, reason);
        } else {
            current.control.interrupt(Interrupt::Abort);
        }
    }

    /// Ends the connection with the page (CTX-06).
    pub(crate) fn unload(&self) {
        let current = lock(&self.state).current.clone();
        if let Some(current) = current {
            current.control.interrupt(Interrupt::Unload);
        }
    }

    pub(super) fn on(&self, kind: EventKind, listener: Registered) -> Result<(), RegistryFull> {
        lock(&self.state).listeners.get_or_insert_default().on(kind, listener)
    }

    pub(super) fn off(&self, kind: EventKind, listener: Option<&Registered>) {
        let mut state = lock(&self.state);
        let Some(listeners) = &mut state.listeners else { return };
        let mut round = listeners.round(kind);
        let known = std::iter::from_fn(|| listeners.next(&mut round));
        let going: Vec<_> = known.filter(|known| listener.is_none_or(|listener| known == listener)).collect();
        listeners.off(kind, listener);
        drop(state);
        // Last, with nothing locked: what a listener holds may call this context when it is dropped.
        drop(going);
    }

    fn pay(&self) {
        loop {
            let owed = lock(&self.state).owed.pop_front();
            let Some(close) = owed else { return };
            self.tell(&Told::Close(&close));
        }
    }

    /// Calls one listener after the other, with nothing locked that they could want.
    fn tell(&self, told: &Told<'_>) {
        let kind = told.kind();
        let round = lock(&self.state).listeners.as_ref().map(|listeners| listeners.round(kind));
        let Some(mut round) = round else { return };
        loop {
            let next = lock(&self.state).listeners.as_ref().and_then(|listeners| listeners.next(&mut round));
            let Some(listener) = next else { return };
            // A panic of one listener is not another's.
            caught(|| listener.call(told));
        }
    }
}
