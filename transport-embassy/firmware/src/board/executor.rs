//! An executor that sleeps when there is nothing to do.
//!
//! embassy's own for Cortex-M waits with WFE, which QEMU takes for "do nothing": it would keep a processor of the host busy.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use embassy_executor::{Spawner, raw};
use static_cell::StaticCell;

use super::time;

/// Whether a task has been woken since the executor last looked.
static PENDING: AtomicBool = AtomicBool::new(false);
/// How often it has looked.
static ROUNDS: AtomicU32 = AtomicU32::new(0);
/// For how long tasks have run, in clocks of the processor.
static BUSY: AtomicU32 = AtomicU32::new(0);

/// Runs what `init` spawns, for ever. To be called once.
pub fn run(init: impl FnOnce(Spawner)) -> ! {
    let executor = start(init);
    loop {
        ROUNDS.fetch_add(1, Ordering::Relaxed);
        let woke = time::clocks();
        // SAFETY: this is the only place that polls, and no task runs `run`, so that the executor is not polled from
        // within itself.
        unsafe { executor.poll() };
        BUSY.fetch_add(time::clocks().wrapping_sub(woke), Ordering::Relaxed);
        // With interrupts off, none can come between the look at PENDING and the sleep. One that comes later is left
        // pending, and ends the sleep all the same.
        cortex_m::interrupt::disable();
        if !PENDING.swap(false, Ordering::Relaxed) {
            cortex_m::asm::dsb();
            cortex_m::asm::wfi();
        }
        // SAFETY: this is no critical section of anybody's: they were on when the loop came here.
        unsafe { cortex_m::interrupt::enable() };
    }
}

/// Apart from `run`, whose frame stays: what a task is made from is on the stack here.
#[inline(never)]
fn start(init: impl FnOnce(Spawner)) -> &'static raw::Executor {
    static EXECUTOR: StaticCell<raw::Executor> = StaticCell::new();
    let executor: &'static raw::Executor = EXECUTOR.init(raw::Executor::new(core::ptr::null_mut()));
    init(executor.spawner());
    executor
}

/// How often the executor has looked for something to do. That it sleeps shows in how slowly this grows.
pub fn rounds() -> u32 {
    ROUNDS.load(Ordering::Relaxed)
}

/// For how many of the processor's clocks tasks have run, up to the last time that there was nothing to do. Goes round
/// after 171 s.
pub fn busy() -> u32 {
    BUSY.load(Ordering::Relaxed)
}

// SAFETY: embassy's executor looks for exactly this name, and no other crate in the image defines it.
#[unsafe(export_name = "__pender")]
fn pender(_: *mut ()) {
    PENDING.store(true, Ordering::Relaxed);
}
