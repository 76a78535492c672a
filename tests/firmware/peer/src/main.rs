//! GET, the whole answer, with reqwless.
#![no_std]
#![no_main]

mod stack;

use reqwless::client::HttpClient;
use stack::{Stack, get};

#[inline(never)]
fn call(memory: &mut [u8]) {
    let mut client = HttpClient::new(&Stack, &Stack);
    if firmware::block_on(get(&mut client, "http://device.local/status", memory)).is_err() {
        firmware::show(0, b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; 2048]);
    firmware::halt()
}
