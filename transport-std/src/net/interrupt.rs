//! How another thread ends a call that is blocked in the network.
//!
//! Nothing polls. The call says what it is about to block on, and an interrupt wakes exactly that: it shuts a socket
//! down, signals a condition variable or wakes a `mio` poll. A call that comes to block after the interrupt is told so
//! instead, because both happen under one lock.

use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use miniwire_core::reason::Interrupt;

/// What a thread blocks on, as the interrupting thread sees it.
pub(crate) trait Wake: Send + Sync {
    /// Makes the blocked thread return. Called with the switch locked, so it must not block.
    fn wake(&self);
}

impl Wake for TcpStream {
    fn wake(&self) {
        // An error means that the socket is not connected any more, and then nobody is blocked on it.
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Wake for mio::Waker {
    fn wake(&self) {
        let _ = Self::wake(self);
    }
}

/// The call was interrupted before it came to block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted;

/// The switch of one call, shared by the call and by whoever may end it.
#[derive(Default)]
pub(crate) struct Switch {
    why: AtomicU8,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    over: bool,
    // Weak, so that a handle that outlives the call keeps no socket open.
    blocked_on: Option<Weak<dyn Wake>>,
}

const RUNNING: u8 = 0;
const ABORTED: u8 = 1;
const UNLOADED: u8 = 2;

impl Switch {
    /// The switch of a call that runs.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Ends the call. The first interrupt counts; later ones, and one after the call's end, do nothing.
    ///
    /// Returns whether it was this interrupt that ended the call.
    pub(crate) fn interrupt(&self, why: Interrupt) -> bool {
        let mut state = lock(&self.state);
        if state.over || self.interrupted().is_some() {
            return false;
        }
        let why = match why {
            Interrupt::Abort => ABORTED,
            Interrupt::Unload => UNLOADED,
        };
        // Before the wake, so that whoever wakes finds the reason.
        self.why.store(why, Ordering::Release);
        if let Some(blocked) = state.blocked_on.take().and_then(|weak| weak.upgrade()) {
            blocked.wake();
        }
        true
    }

    /// Who ended the call, if somebody did. Takes no lock.
    pub(crate) fn interrupted(&self) -> Option<Interrupt> {
        match self.why.load(Ordering::Acquire) {
            ABORTED => Some(Interrupt::Abort),
            UNLOADED => Some(Interrupt::Unload),
            RUNNING.. => None,
        }
    }

    /// Says what the call blocks on from now on, instead of what it blocked on before.
    pub(crate) fn block_on(&self, what: Weak<dyn Wake>) -> Result<(), Interrupted> {
        let mut state = lock(&self.state);
        if self.interrupted().is_some() {
            return Err(Interrupted);
        }
        state.blocked_on = Some(what);
        Ok(())
    }

    /// Takes back what the call blocked on. Once this has returned `Ok`, no interrupt touches it any more.
    pub(crate) fn release(&self) -> Result<(), Interrupted> {
        let mut state = lock(&self.state);
        state.blocked_on = None;
        if self.interrupted().is_some() { Err(Interrupted) } else { Ok(()) }
    }

    /// The call has ended: later interrupts do nothing.
    pub(crate) fn finish(&self) {
        let mut state = lock(&self.state);
        state.over = true;
        state.blocked_on = None;
    }
}

/// Locks, also after a panic of another thread: no state here is left half changed by one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn weak(count: &Arc<Count>) -> Weak<dyn Wake> {
        let count: Arc<dyn Wake> = Arc::<Count>::clone(count);
        Arc::downgrade(&count)
    }

    #[test]
    fn req_15_the_first_interrupt_wins_and_wakes_once() {
        let (switch, count) = (Switch::new(), Arc::new(Count::default()));
        switch.block_on(weak(&count)).unwrap();
        assert_eq!(switch.interrupted(), None);
        assert!(switch.interrupt(Interrupt::Unload));
        assert!(!switch.interrupt(Interrupt::Abort));
        assert_eq!(switch.interrupted(), Some(Interrupt::Unload));
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(switch.release(), Err(Interrupted));
    }

    #[test]
    fn req_15_an_interrupt_between_phases_is_seen() {
        let (switch, count) = (Switch::new(), Arc::new(Count::default()));
        assert!(switch.interrupt(Interrupt::Abort));
        assert_eq!(switch.block_on(weak(&count)), Err(Interrupted));
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn req_15_after_the_end_an_interrupt_does_nothing() {
        let (switch, count) = (Switch::new(), Arc::new(Count::default()));
        switch.block_on(weak(&count)).unwrap();
        switch.finish();
        assert!(!switch.interrupt(Interrupt::Abort));
        assert_eq!(switch.interrupted(), None);
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn req_15_what_was_released_is_not_touched() {
        let (switch, count) = (Switch::new(), Arc::new(Count::default()));
        switch.block_on(weak(&count)).unwrap();
        switch.release().unwrap();
        assert!(switch.interrupt(Interrupt::Abort));
        assert_eq!(count.0.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn req_15_the_switch_keeps_nothing_alive() {
        let (switch, count) = (Switch::new(), Arc::new(Count::default()));
        switch.block_on(weak(&count)).unwrap();
        assert_eq!(Arc::strong_count(&count), 1);
        drop(count);
        assert!(switch.interrupt(Interrupt::Abort));
    }
}
