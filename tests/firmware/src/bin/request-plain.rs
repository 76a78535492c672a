//! my.request: GET, the whole answer as JSON text, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Stack};
use miniwire_core::context::Context;
use miniwire_core::drive::blocking;
use miniwire_core::request::Request;

#[cortex_m_rt::entry]
fn main() -> ! {
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        let request = Request::new("http://device.local/status");
        match blocking::request(&mut Stack, &context, &request, Buffers::new().memory()) {
            Ok(response) => firmware::show(response.status(), response.text().as_bytes()),
            Err(failure) => firmware::show_failure(&failure),
        }
    }
    firmware::halt()
}
