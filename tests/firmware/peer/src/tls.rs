//! GET over TLS, the whole answer, with reqwless: its check of the certificate (feature `verified`), or none.
#![no_std]
#![no_main]

mod stack;

use reqwless::client::{HttpClient, TlsConfig, TlsVerify};
use stack::{Stack, get};

#[inline(never)]
fn call(memory: &mut [u8], receive: &mut [u8], transmit: &mut [u8]) {
    let verify = if cfg!(feature = "verified") {
        TlsVerify::Certificate { ca: include_bytes!("../../tls/src/root.der"), cert: None, key: None }
    } else {
        TlsVerify::None
    };
    let seed = firmware::read(firmware::Register::Setting).into();
    let mut client = HttpClient::new_with_tls(&Stack, &Stack, TlsConfig::new(seed, receive, transmit, verify));
    if firmware::block_on(get(&mut client, "https://device.local/status", memory)).is_err() {
        firmware::show(0, b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; 2048], &mut [0; 16_640], &mut [0; 1153]);
    firmware::halt()
}
