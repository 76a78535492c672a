//! The entry points of TLS, each in a function of its own, so that it can be read from the image how deep its stack gets:
//! the polls of their futures. A future itself lies with who polls it.
#![no_std]
#![no_main]

use embedded_io_async::{Read, Write};
use firmware::{Link, Register, polls, read, show, to_the_end, write};
use miniwire_embassy::tls::{self, NotACertificate, RECEIVE, Trust, TrustAnchor};
use tls_images::{ROOT, Random, Wire};

polls! { poll_open poll_readable poll_read poll_write poll_flush poll_close }

#[inline(never)]
fn root() -> Result<TrustAnchor<'static>, NotACertificate> {
    tls::root(&ROOT)
}

#[inline(never)]
fn call(receive: &mut [u8], transmit: &mut [u8]) {
    let Ok(root) = root() else { return };
    let (roots, now, mut bytes) = ([root], read(Register::Clock).into(), [0; 64]);
    let trust = Trust::new(&roots);
    let buffers = tls::Buffers { receive, transmit };
    let mut random = Random;
    let opened = to_the_end!(poll_open, tls::open(Wire(Link), "device.local", &trust, now, &mut random, buffers));
    let Ok(mut session) = opened else { return };
    let written = to_the_end!(poll_write, session.write(b"hello"));
    let flushed = to_the_end!(poll_flush, session.flush());
    to_the_end!(poll_readable, session.readable());
    let read = to_the_end!(poll_read, session.read(&mut bytes));
    show(0, &bytes);
    let closed = to_the_end!(poll_close, session.close());
    write(Register::Result, (written.is_ok() && flushed.is_ok() && read.is_ok() && closed.is_ok()).into());
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; RECEIVE], &mut [0; 1153]);
    firmware::halt()
}
