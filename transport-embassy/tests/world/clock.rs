//! The clock of embassy-time, one for each thread, so that each test has a world of its own.

use std::cell::{Cell, RefCell};
use std::task::Waker;
use std::time::Instant;

use embassy_time_driver::{Driver, TICK_HZ};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
    static TIMERS: RefCell<Vec<(u64, Waker)>> = const { RefCell::new(Vec::new()) };
    /// Set where the clock follows the real one.
    static REAL: Cell<Option<Instant>> = const { Cell::new(None) };
}

struct ThreadClock;

embassy_time_driver::time_driver_impl!(static CLOCK: ThreadClock = ThreadClock);

impl Driver for ThreadClock {
    fn now(&self) -> u64 {
        NOW.get()
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        TIMERS.with_borrow_mut(|timers| match timers.iter_mut().find(|(_, known)| known.will_wake(waker)) {
            Some((known, _)) => *known = at.min(*known),
            None => timers.push((at, waker.clone())),
        });
    }
}

/// Makes room for all timers, so that who waits allocates nothing.
pub(crate) fn make_room() {
    TIMERS.with_borrow_mut(|timers| timers.reserve(256));
}

/// Ticks of so many milliseconds.
pub(crate) const fn millis(ms: u64) -> u64 {
    ms * (TICK_HZ / 1000)
}

/// Milliseconds since the world began.
pub(crate) fn now_ms() -> u64 {
    NOW.get() / (TICK_HZ / 1000)
}

/// From now on the clock follows the real one.
pub(crate) fn follow_real_time() {
    REAL.set(Some(Instant::now()));
}

/// Goes to the next timer and wakes all that are due; `false` where nobody waits for anything.
pub(crate) fn advance() -> bool {
    let Some(next) = TIMERS.with_borrow(|timers| timers.iter().map(|(at, _)| *at).min()) else { return false };
    match REAL.get() {
        None => NOW.set(next.max(NOW.get())),
        Some(start) => {
            std::thread::sleep(std::time::Duration::from_micros(100));
            NOW.set(start.elapsed().as_micros() as u64 * (TICK_HZ / 1_000_000));
        }
    }
    let due = TIMERS.with_borrow_mut(|timers| timers.extract_if(.., |(at, _)| *at <= NOW.get()).collect::<Vec<_>>());
    for (_, waker) in due {
        waker.wake();
    }
    true
}
