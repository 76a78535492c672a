//! What a call borrows from its client while it runs: a slot, buffers, and the switch that ends it.

use std::sync::{Arc, Mutex};

use miniwire_core::reason::{Interrupt, Reason};

use crate::net::{Switch, lock};

/// Bytes read at a time, and the largest response head.
const RECEIVE: usize = 64 * 1024;
/// Bytes written at a time; one TLS record.
const TRANSMIT: usize = 16 * 1024;

/// The calls of one client.
pub(crate) struct Sessions {
    max: usize,
    /// The longest URL of a redirect.
    url: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    active: Vec<Arc<Switch>>,
    /// Kept so that a call on a warm client allocates nothing.
    idle: Vec<Parts>,
}

/// The parts of a session that outlive it.
pub(crate) struct Parts {
    pub(crate) switch: Arc<Switch>,
    pub(crate) receive: Box<[u8]>,
    pub(crate) transmit: Box<[u8]>,
    pub(crate) redirect: Box<[u8]>,
}

/// A call's share; given back when it is dropped, also when a callback panics.
pub(crate) struct Session<'s> {
    sessions: &'s Sessions,
    parts: Option<Parts>,
    /// What the slot is held by: the caller's switch, or the one among the parts.
    switch: Arc<Switch>,
}

impl Sessions {
    /// At most `max` calls at once.
    pub(crate) fn new(max: usize, url: usize) -> Self {
        Self { max, url, state: Mutex::default() }
    }

    /// Takes a slot for the call that `switch` ends; without one it has a switch of its own.
    ///
    /// # Errors
    /// [`Reason::TooManyTasks`] where every slot is taken, [`Reason::Unloaded`] after [`shut_down`](Self::shut_down).
    pub(crate) fn open(&self, switch: Option<&Arc<Switch>>) -> Result<Session<'_>, Reason> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Reason::Unloaded);
        }
        if state.active.len() >= self.max {
            return Err(Reason::TooManyTasks);
        }
        let parts = state.idle.pop().unwrap_or_else(|| Parts::new(self.url));
        let switch = Arc::clone(switch.unwrap_or(&parts.switch));
        state.active.push(Arc::clone(&switch));
        Ok(Session { sessions: self, parts: Some(parts), switch })
    }

    /// Ends every call and lets no other begin (CTX-06).
    pub(crate) fn shut_down(&self) {
        let active = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.idle = Vec::new();
            state.active.clone()
        };
        for switch in active {
            switch.interrupt(Interrupt::Unload);
        }
    }

    /// Ends every call that is under way (CTX-06).
    pub(crate) fn unload(&self) {
        let active = lock(&self.state).active.clone();
        for switch in active {
            switch.interrupt(Interrupt::Unload);
        }
    }
}

impl Parts {
    fn new(url: usize) -> Self {
        let zeroed = |bytes| vec![0; bytes].into_boxed_slice();
        Self {
            switch: Arc::new(Switch::new()),
            receive: zeroed(RECEIVE),
            transmit: zeroed(TRANSMIT),
            // Room for the dot segments that a redirect's URL may lose.
            redirect: zeroed(url.saturating_mul(2).max(8 * 1024)),
        }
    }
}

impl Session<'_> {
    /// The switch of this call, and its buffers.
    pub(crate) fn parts(&mut self) -> (Arc<Switch>, &mut Parts) {
        let parts = self.parts.get_or_insert_with(|| Parts::new(self.sessions.url));
        (Arc::clone(&self.switch), parts)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.sessions.state);
        if let Some(at) = state.active.iter().position(|active| Arc::ptr_eq(active, &self.switch)) {
            state.active.swap_remove(at);
        }
        let Some(mut parts) = self.parts.take() else { return };
        // A switch that has ended a call ends no other.
        if Arc::ptr_eq(&parts.switch, &self.switch) {
            self.switch = Arc::new(Switch::new());
            parts.switch = Arc::clone(&self.switch);
        }
        if !state.closed && state.idle.len() < self.sessions.max {
            state.idle.push(parts);
        }
    }
}
