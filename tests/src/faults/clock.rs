//! Clocks that a wrapper waits by.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use miniwire_core::time::Instant;

/// A clock to wait by, the same as the transport's.
pub trait Pace: Clone {
    /// The time now.
    fn now(&self) -> Instant;

    /// Waits until then, blocking.
    fn block_until(&self, then: Instant);

    /// Waits until then.
    fn until(&self, then: Instant) -> impl Future<Output = ()>;
}

/// A clock that is a number: where everybody waits, it jumps to the first moment that somebody waits for.
#[derive(Clone, Debug, Default)]
pub struct Virtual(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    now: u64,
    wakes: Vec<u64>,
}

impl Virtual {
    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    /// Where it waits for nothing that ever comes.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let mut waking = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = future.as_mut().poll(&mut waking) {
                return done;
            }
            self.state(|state| {
                let wake = state.wakes.drain(..).min().expect("it waits for ever");
                state.now = state.now.max(wake);
            });
        }
    }
}

impl Pace for Virtual {
    fn now(&self) -> Instant {
        Instant::from_millis(self.state(|state| state.now))
    }

    fn block_until(&self, then: Instant) {
        self.state(|state| state.now = state.now.max(then.as_millis()));
    }

    fn until(&self, then: Instant) -> impl Future<Output = ()> {
        poll_fn(move |_| {
            self.state(|state| {
                if state.now >= then.as_millis() {
                    return Poll::Ready(());
                }
                state.wakes.push(then.as_millis());
                Poll::Pending
            })
        })
    }
}
