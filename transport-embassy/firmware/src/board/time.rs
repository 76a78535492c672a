//! embassy-time over SysTick: an interrupt per millisecond, counted in 64 bits.
//!
//! The hardware reloads itself, so that nothing drifts as long as no interrupt is held off for a millisecond.

use core::cell::RefCell;
use core::task::Waker;

use cortex_m::peripheral::{SYST, syst::SystClkSource};
use critical_section::Mutex;
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

/// The processor's clock on the MPS2 boards, in Hz.
const CLOCK: u64 = 25_000_000;
/// The processor's clocks from one tick to the next.
const RELOAD: u32 = (CLOCK / TICK_HZ) as u32;

struct SysTickDriver(Mutex<RefCell<State>>);

struct State {
    now: u64,
    waiting: Queue,
}

embassy_time_driver::time_driver_impl!(static DRIVER: SysTickDriver = SysTickDriver(Mutex::new(RefCell::new(State {
    now: 0,
    waiting: Queue::new(),
}))));

/// Starts the clock at 0.
pub(super) fn start(systick: &mut SYST) {
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(const { RELOAD - 1 });
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}

/// The processor's clocks since the start, less than a turn of 32 bits.
pub(super) fn clocks() -> u32 {
    loop {
        let before = DRIVER.now();
        let left = SYST::get_current();
        // A tick in between would make it a millisecond too little.
        if DRIVER.now() == before {
            return (before as u32).wrapping_mul(RELOAD).wrapping_add(RELOAD.wrapping_sub(1).wrapping_sub(left));
        }
    }
}

impl SysTickDriver {
    fn with<T: Default>(&self, use_state: impl FnOnce(&mut State) -> T) -> T {
        // In a critical section nobody else holds it.
        critical_section::with(|section| self.0.borrow(section).try_borrow_mut().map(|mut state| use_state(&mut state)))
            .unwrap_or_default()
    }
}

impl Driver for SysTickDriver {
    fn now(&self) -> u64 {
        self.with(|state| state.now)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // What is due already is found by the next tick.
        self.with(|state| {
            state.waiting.schedule_wake(at, waker);
        });
    }
}

#[cortex_m_rt::exception]
fn SysTick() {
    DRIVER.with(|state| {
        state.now = state.now.wrapping_add(1);
        state.waiting.next_expiration(state.now);
    });
}
