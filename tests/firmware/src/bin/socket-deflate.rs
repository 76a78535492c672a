//! my.connectSocket with compressed messages: text both ways through windows of 1 KiB, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Stack};
use miniwire_core::context::Context;
use miniwire_core::drive::Received;
use miniwire_core::drive::blocking::Socket;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{CompressionMemory, ConnectSocket, Sending, Settings};

fn talk(buffers: &mut Buffers) -> Result<(), Reason> {
    let mut windows = CompressionMemory::<1024, 1024, 512>::new();
    let context = Context::new("2021000000000001", "1.0.0", firmware::policy()).map_err(|_| Reason::IllegalOption)?;
    let connect = ConnectSocket::new("ws://device.local/chat");
    let (mut stack, settings, memory) = (Stack, Settings::new(), buffers.socket_memory());
    let connected =
        Socket::connect_compressed(&mut stack, &context, &connect, settings, memory, windows.lend(), |_, _| {});
    let mut socket = connected.map_err(|failure| failure.reason)?;
    socket.send(Sending::text("hello"))?;
    while let Some(received) = socket.recv() {
        match received {
            Received::Message(message) => {
                firmware::show(0, message.as_bytes());
                socket.close(1000, "")?;
            }
            Received::Error(reason) => return Err(reason),
            Received::Close { code, reason } => firmware::show(code, reason.as_bytes()),
        }
    }
    Ok(())
}

#[inline(never)]
fn call(buffers: &mut Buffers) {
    if let Err(reason) = talk(buffers) {
        firmware::show(reason.socket_code().into(), reason.name().as_bytes());
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
