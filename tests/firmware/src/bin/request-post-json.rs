//! my.request: POST of a typed value, the answer read into another, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, post};

#[inline(never)]
fn call(buffers: &mut Buffers) {
    post(buffers, u32::cast_signed, i32::cast_unsigned);
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
