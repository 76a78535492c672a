//! my.connectSocket over verified TLS: messages both ways, binary as base64, over the asynchronous loop.
#![no_std]
#![no_main]

use firmware::Buffers;
use miniwire_core::context::Context;
use miniwire_core::drive::Received;
use miniwire_core::drive::asynch::Socket;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, Sending, Settings};
use miniwire_embassy::tls::{self, RECEIVE};
use tls_images::Stack;

async fn talk(stack: &Stack<'_>, buffers: &mut Buffers) -> Result<(), Reason> {
    let context = Context::new("2021000000000001", "1.0.0", firmware::policy()).map_err(|_| Reason::IllegalOption)?;
    let connect = ConnectSocket::new("wss://device.local/chat");
    let memory = buffers.socket_memory();
    let connected = Socket::connect(stack, &context, &connect, Settings::new(), memory, |_, _| {}).await;
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
fn call(buffers: &mut Buffers, receive: &mut [u8], transmit: &mut [u8]) {
    let stack = Stack::new(tls::Buffers { receive, transmit });
    if let Err(reason) = firmware::block_on(talk(&stack, buffers)) {
        firmware::show(reason.socket_code().into(), b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new(), &mut [0; RECEIVE], &mut [0; 1153]);
    firmware::halt()
}
