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
pub(crate) struct Session {
    sessions: Arc<Sessions>,
    parts: Option<Parts>,
    /// The caller's switch, where it brought one. Else it is the one among the parts that holds the slot.
    switch: Option<Arc<Switch>>,
}

impl Sessions {
    /// At most `max` calls at once.
    pub(crate) fn new(max: usize, url: usize) -> Arc<Self> {
        Arc::new(Self { max, url, state: Mutex::default() })
    }

    /// Takes a slot for the call that `switch` ends; without one it has a switch of its own.
    ///
    /// # Errors
    /// [`Reason::TooManyTasks`] where every slot is taken, [`Reason::Unloaded`] after [`shut_down`](Self::shut_down).
    pub(crate) fn open(self: &Arc<Self>, switch: Option<&Arc<Switch>>) -> Result<Session, Reason> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Reason::Unloaded);
        }
        if state.active.len() >= self.max {
            return Err(Reason::TooManyTasks);
        }
        let parts = state.idle.pop().unwrap_or_else(|| Parts::new(self.url));
        state.active.push(Arc::clone(switch.unwrap_or(&parts.switch)));
        drop(state);
        Ok(Session { sessions: Arc::clone(self), parts: Some(parts), switch: switch.cloned() })
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

    fn take_back(&self, state: &mut State, parts: Parts) {
        if !state.closed && state.idle.len() < self.max {
            state.idle.push(parts);
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

impl Session {
    /// The switch of this call, and its buffers.
    pub(crate) fn parts(&mut self) -> (Arc<Switch>, &mut Parts) {
        let parts = self.parts.get_or_insert_with(|| Parts::new(self.sessions.url));
        (Arc::clone(self.switch.as_ref().unwrap_or(&parts.switch)), parts)
    }
}

impl Session {
    /// Keeps the slot and the caller's switch without the buffers, for what goes on with memory of its own. They are not
    /// kept for another call: a context that has only its socket has no use for them.
    pub(crate) fn drop_buffers(&mut self) {
        if self.switch.is_some() {
            self.parts = None;
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let parts = self.parts.take();
        let mut state = lock(&self.sessions.state);
        let switch = self.switch.as_ref().or(parts.as_ref().map(|parts| &parts.switch));
        if let Some(switch) = switch
            && let Some(at) = state.active.iter().position(|active| Arc::ptr_eq(active, switch))
        {
            state.active.swap_remove(at);
        }
        let Some(mut parts) = parts else { return };
        if self.switch.is_none() {
            // A switch that has ended a call ends no other. Whoever still holds it may yet come to use it.
            match Arc::get_mut(&mut parts.switch) {
                Some(switch) => *switch = Switch::new(),
                None => parts.switch = Arc::new(Switch::new()),
            }
        }
        self.sessions.take_back(&mut state, parts);
    }
}
