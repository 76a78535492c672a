//! How deep the stack has been: it is painted below the stack pointer, and looked at later.
//!
//! Interrupts run on the same stack, so they are counted.

const PAINT: u32 = 0xc5c5_a3a3;

unsafe extern "C" {
    /// The end of the static data, by cortex-m-rt's linker script: as deep as the stack can get without harm.
    static __sheap: u32;
    /// Where the stack begins.
    static _stack_start: u32;
}

/// Paints what is free, but for a little below the stack pointer, which this function uses itself.
#[inline(never)]
pub fn paint() {
    const MARGIN: u32 = 64;
    cortex_m::interrupt::free(|_| {
        let end = pointer().saturating_sub(MARGIN);
        let mut word = deepest();
        while (word as u32) < end {
            // SAFETY: between the end of the static data and the stack pointer there is no Rust object, and with
            // interrupts off nobody else uses it.
            unsafe { word.write_volatile(PAINT) };
            word = word.wrapping_add(1);
        }
    });
}

/// Bytes of stack below `from` that were used since [`paint`] was called.
#[inline(never)]
pub fn used(from: u32) -> u32 {
    let mut word = deepest();
    let end = start();
    // SAFETY: the words from the end of the static data to the start of the stack are memory that can be read.
    while (word as u32) < end && unsafe { word.read_volatile() } == PAINT {
        word = word.wrapping_add(1);
    }
    from.saturating_sub(word as u32)
}

/// The stack pointer now.
#[inline(always)]
pub fn pointer() -> u32 {
    cortex_m::register::msp::read()
}

/// The address at which the stack begins.
pub fn start() -> u32 {
    (&raw const _stack_start) as u32
}

/// Bytes between the static data and the start of the stack. If so many were used, it may have been more.
pub fn room() -> u32 {
    start().saturating_sub(deepest() as u32)
}

fn deepest() -> *mut u32 {
    (&raw const __sheap).cast_mut()
}
