//! WebSocket alone, on the protocol layer: opening handshake, messages both ways, closing handshake. What
//! `peer-embedded-websocket` does with another library.
#![no_std]
#![no_main]

use firmware::{Link, Register, read};
use miniwire_core::drive::buffer::ReceiveBuffer;
use miniwire_core::http::head::HeadReader;
use miniwire_core::sink::{Sink, Window};
use miniwire_core::ws::connection::{Connection, Incoming};
use miniwire_core::ws::handshake::{Key, Protocols, check, write_fields};
use miniwire_core::ws::mask::Mask;

/// The connection failed.
struct Failed;

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for byte in &mut bytes {
        *byte = read(Register::Setting) as u8;
    }
    bytes
}

fn transmit(link: &mut Link, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = rest.get(link.transmit(rest)..).unwrap_or_default();
    }
}

fn receive(link: &mut Link, rx: &mut ReceiveBuffer<'_>) -> Result<(), Failed> {
    let received = link.receive(rx.space());
    rx.commit(received);
    if received == 0 { Err(Failed) } else { Ok(()) }
}

fn open(link: &mut Link, rx: &mut ReceiveBuffer<'_>, tx: &mut [u8]) -> Result<(), Failed> {
    let (key, protocols) = (Key::fresh(random()), Protocols::new(&["chat"]).map_err(|_| Failed)?);
    let mut out = Window::new(0, tx);
    out.put(b"GET /chat HTTP/1.1\r\nHost: device.local\r\nOrigin: http://device.local\r\n").map_err(|_| Failed)?;
    write_fields(&key, protocols, &mut out).and_then(|()| out.put(b"\r\n")).map_err(|_| Failed)?;
    transmit(link, out.into_filled());
    let mut reader = HeadReader::new();
    loop {
        receive(link, rx)?;
        if let Some((head, _)) = reader.read(rx.filled()).map_err(|_| Failed)? {
            check(&head, &key, protocols).map_err(|_| Failed)?;
            let length = head.raw().len();
            rx.consume(length);
            return Ok(());
        }
    }
}

fn talk(link: &mut Link, rx: &mut ReceiveBuffer<'_>, tx: &mut [u8], message: &mut [u8]) -> Result<(), Failed> {
    open(link, rx, tx)?;
    let mut connection = Connection::new();
    let sent = connection.send(true, b"hello", true, Mask::fresh(random()), tx).map_err(|_| Failed)?;
    transmit(link, tx.get(..sent.length).unwrap_or_default());
    let mut length = 0;
    loop {
        let (consumed, incoming) = connection.read(rx.filled()).map_err(|_| Failed)?;
        let mut more = false;
        match incoming {
            Incoming::Data { data, fin, .. } => {
                let mut window = Window::new(0, message.get_mut(length..).unwrap_or_default());
                window.put(data).map_err(|_| Failed)?;
                length += window.len();
                if fin {
                    firmware::show(0, message.get(..length).unwrap_or_default());
                    length = 0;
                    connection.close(1000, "").map_err(|_| Failed)?;
                }
            }
            Incoming::Close { code, reason } => firmware::show(code, reason.as_bytes()),
            Incoming::Ping(_) | Incoming::Pong(_) => {}
            Incoming::More => more = true,
        }
        rx.consume(consumed);
        if connection.has_control() {
            let length = connection.write_control(Mask::fresh(random()), tx);
            transmit(link, tx.get(..length).unwrap_or_default());
        }
        if connection.is_closed() {
            return Ok(());
        }
        if more {
            receive(link, rx)?;
        }
    }
}

#[inline(never)]
fn call(receive: &mut [u8], transmit: &mut [u8], message: &mut [u8]) {
    if firmware::dial("device.local", 80)
        && talk(&mut Link, &mut ReceiveBuffer::new(receive), transmit, message).is_err()
    {
        firmware::show(1, b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; 1024], &mut [0; 256], &mut [0; 1024]);
    firmware::halt()
}
