//! my.request: GET, the whole answer as JSON text, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Stack};
use miniwire_core::context::Context;
use miniwire_core::drive::blocking;
use miniwire_core::request::Request;

#[inline(never)]
fn call(buffers: &mut Buffers) {
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        let request = Request::new("http://device.local/status");
        match blocking::request(&mut Stack, &context, &request, buffers.memory()) {
            Ok(response) => firmware::show(response.status(), response.text().as_bytes()),
            Err(failure) => firmware::show_failure(&failure),
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
