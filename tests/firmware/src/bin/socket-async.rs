//! my.connectSocket: messages both ways, binary as base64, over the asynchronous loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Stack};
use miniwire_core::context::Context;
use miniwire_core::drive::Received;
use miniwire_core::drive::asynch::Socket;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Sending, Settings};

async fn talk(buffers: &mut Buffers) -> Result<(), Reason> {
    let context = Context::new("2021000000000001", "1.0.0", firmware::policy()).map_err(|_| Reason::IllegalOption)?;
    let connect = ConnectSocket::new("ws://device.local/chat");
    let memory = buffers.socket_memory();
    let connected = Socket::connect(&Stack, &context, &connect, Settings::new(), memory, |_, _| {}).await;
    let mut socket = connected.map_err(|failure| failure.reason)?.with_base64();
    socket.send(Sending::text("hello")).await?;
    loop {
        socket.ready().await;
        match socket.recv().await {
            Some(Received::Message(message)) => {
                firmware::show(message.data().is_some_and(|(_, is_buffer)| is_buffer).into(), message.as_bytes());
                socket.close(1000, "").await?;
            }
            Some(Received::Error(reason)) => return Err(reason),
            Some(Received::Close { code, reason }) => firmware::show(code, reason.as_bytes()),
            None => return Ok(()),
        }
    }
}

#[inline(never)]
fn call(buffers: &mut Buffers) {
    if let Err(reason) = firmware::block_on(talk(buffers)) {
        firmware::show(reason.socket_code().into(), b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
