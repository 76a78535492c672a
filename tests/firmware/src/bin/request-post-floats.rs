//! my.request: POST of a typed value with a float in it, the answer read into another, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, post};

#[inline(never)]
fn call(buffers: &mut Buffers) {
    post(buffers, f32::from_bits, f32::to_bits);
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
