//! The entry points of a socket that compresses its messages, each in a function of its own; see `entry-points`.
#![no_std]
#![no_main]

#[path = "../sockets.rs"]
mod sockets;

use firmware::{Buffers, Stack, polls, to_the_end};
use miniwire_core::context::Context;
use miniwire_core::drive::SocketMemory;
use miniwire_core::drive::asynch::Socket as AsyncSocket;
use miniwire_core::drive::blocking::Socket;
use miniwire_core::socket::{Compression, CompressionMemory, ConnectFailure, ConnectSocket, Settings};

type Windows = CompressionMemory<1024, 1024, 512>;

#[inline(never)]
fn connect<'s>(
    stack: &'s mut Stack,
    context: &Context<'_>,
    to: &ConnectSocket<'_>,
    memory: SocketMemory<'s>,
    compression: Compression<'s>,
) -> Result<Socket<'s, Stack>, ConnectFailure> {
    Socket::connect_compressed(stack, context, to, Settings::new(), memory, compression, |_, _| {})
}

polls! { poll_connect }

#[inline(never)]
fn blocking(context: &Context<'_>, chat: &ConnectSocket<'_>, buffers: &mut Buffers, windows: &mut Windows) {
    let mut stack = Stack;
    if let Ok(socket) = connect(&mut stack, context, chat, buffers.socket_memory(), windows.lend()) {
        sockets::talk(socket);
    }
}

#[inline(never)]
fn asynchronous(context: &Context<'_>, chat: &ConnectSocket<'_>, buffers: &mut Buffers, windows: &mut Windows) {
    let memory = buffers.socket_memory();
    let opening =
        AsyncSocket::connect_compressed(&Stack, context, chat, Settings::new(), memory, windows.lend(), |_, _| {});
    if let Ok(socket) = to_the_end!(poll_connect, opening) {
        sockets::poll_talk(socket);
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut buffers = Buffers::new();
    let mut windows = Windows::new();
    let chat = ConnectSocket::new("ws://device.local/chat");
    if let Ok(context) = Context::new("2021000000000001", "1.0.0", firmware::policy()) {
        blocking(&context, &chat, &mut buffers, &mut windows);
        asynchronous(&context, &chat, &mut buffers, &mut windows);
    }
    firmware::halt()
}
