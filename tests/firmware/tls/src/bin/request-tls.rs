//! my.request: GET over verified TLS, the whole answer as JSON text, over the asynchronous loop.
#![no_std]
#![no_main]

use firmware::Buffers;
use miniwire_core::context::Context;
use miniwire_core::drive::asynch;
use miniwire_core::request::Request;
use miniwire_embassy::tls::{self, RECEIVE};
use tls_images::Stack;

#[inline(never)]
fn call(buffers: &mut Buffers, receive: &mut [u8], transmit: &mut [u8]) {
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        let stack = Stack::new(tls::Buffers { receive, transmit });
        let request = Request::new("https://device.local/status");
        match firmware::block_on(asynch::request(&stack, &context, &request, buffers.memory())) {
            Ok(response) => firmware::show(response.status(), response.text().as_bytes()),
            Err(failure) => firmware::show_failure(&failure),
        }
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new(), &mut [0; RECEIVE], &mut [0; 1153]);
    firmware::halt()
}
