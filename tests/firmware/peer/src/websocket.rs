//! WebSocket with embedded-websocket: opening handshake, messages both ways, closing handshake. What `ws-plain` does.
#![no_std]
#![no_main]

use embedded_websocket::framer::{Framer, FramerError, ReadResult, Stream};
use embedded_websocket::{
    WebSocketClient, WebSocketCloseStatusCode, WebSocketOptions, WebSocketSendMessageType as MessageType,
};
use firmware::{Link, Register, read};
use rand_core::{Error, RngCore};

struct Wire(Link);

impl Stream<()> for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ()> {
        Ok(self.0.receive(buffer))
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), ()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = rest.get(self.0.transmit(rest)..).unwrap_or_default();
        }
        Ok(())
    }
}

/// The board's random number generator.
struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        read(Register::Setting)
    }

    fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next_u32() as u8;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

fn talk(receive: &mut [u8], transmit: &mut [u8], message: &mut [u8]) -> Result<(), FramerError<()>> {
    let (mut wire, mut cursor) = (Wire(Link), 0);
    let mut socket = WebSocketClient::new_client(Random);
    let mut framer = Framer::new(receive, &mut cursor, transmit, &mut socket);
    let options = WebSocketOptions {
        path: "/chat",
        host: "device.local",
        origin: "http://device.local",
        sub_protocols: Some(&["chat"]),
        additional_headers: None,
    };
    framer.connect(&mut wire, &options)?;
    framer.write(&mut wire, MessageType::Text, true, b"hello")?;
    loop {
        match framer.read(&mut wire, message)? {
            ReadResult::Text(text) => {
                firmware::show(0, text.as_bytes());
                framer.close(&mut wire, WebSocketCloseStatusCode::NormalClosure, None)?;
            }
            ReadResult::Binary(bytes) => {
                firmware::show(0, bytes);
                framer.close(&mut wire, WebSocketCloseStatusCode::NormalClosure, None)?;
            }
            ReadResult::Pong(_) => {}
            ReadResult::Closed => return Ok(()),
        }
    }
}

#[inline(never)]
fn call(receive: &mut [u8], transmit: &mut [u8], message: &mut [u8]) {
    if firmware::dial("device.local", 80) && talk(receive, transmit, message).is_err() {
        firmware::show(1, b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut [0; 1024], &mut [0; 256], &mut [0; 1024]);
    firmware::halt()
}
