//! The entry points of a socket that compresses its messages, each in a function of its own; see `entry-points`.
#![no_std]
#![no_main]

use core::task::Poll;

use firmware::{Buffers, Register, Stack, polls, show, to_the_end, write};
use miniwire_core::context::Context;
use miniwire_core::drive::asynch::Socket as AsyncSocket;
use miniwire_core::drive::blocking::Socket;
use miniwire_core::drive::{Received, SocketMemory};
use miniwire_core::reason::Reason;
use miniwire_core::socket::{Compression, CompressionMemory, ConnectFailure, ConnectSocket, Sending, Settings};

type Windows = CompressionMemory<1024, 1024, 512>;

fn piece(_: bool, data: &[u8], _: bool) -> Result<(), Reason> {
    show(0, data);
    Ok(())
}

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

#[inline(never)]
fn recv<'r>(socket: &'r mut Socket<'_, Stack>) -> Option<Received<'r>> {
    socket.recv()
}

#[inline(never)]
fn recv_streamed<'r>(socket: &'r mut Socket<'_, Stack>) -> Option<Received<'r>> {
    socket.recv_streamed(piece)
}

#[inline(never)]
fn send(socket: &mut Socket<'_, Stack>, message: Sending<'_>) -> Result<(), Reason> {
    socket.send(message)
}

#[inline(never)]
fn close(socket: &mut Socket<'_, Stack>) -> Result<(), Reason> {
    socket.close(1000, "bye")
}

polls! { poll_connect poll_recv poll_recv_now poll_recv_streamed poll_send poll_close poll_ready }

fn see_received(received: Option<Received<'_>>) {
    match received {
        Some(Received::Message(message)) => show(0, message.as_bytes()),
        Some(Received::Error(reason)) => see(Err(reason)),
        Some(Received::Close { code, reason }) => show(code, reason.as_bytes()),
        None => {}
    }
}

fn see(result: Result<(), Reason>) {
    write(Register::Result, result.is_ok().into());
}

#[inline(never)]
fn blocking(context: &Context<'_>, chat: &ConnectSocket<'_>, buffers: &mut Buffers, windows: &mut Windows) {
    let mut stack = Stack;
    if let Ok(socket) = connect(&mut stack, context, chat, buffers.socket_memory(), windows.lend()) {
        let mut socket = socket.with_base64();
        see(send(&mut socket, Sending::text("hello")));
        see_received(recv(&mut socket));
        see_received(recv_streamed(&mut socket));
        see(close(&mut socket));
    }
}

#[inline(never)]
fn asynchronous(context: &Context<'_>, chat: &ConnectSocket<'_>, buffers: &mut Buffers, windows: &mut Windows) {
    let memory = buffers.socket_memory();
    let opening =
        AsyncSocket::connect_compressed(&Stack, context, chat, Settings::new(), memory, windows.lend(), |_, _| {});
    if let Ok(socket) = to_the_end!(poll_connect, opening) {
        let mut socket = socket.with_base64();
        see(to_the_end!(poll_send, socket.send(Sending::text("hello"))));
        to_the_end!(poll_ready, socket.ready());
        see_received(to_the_end!(poll_recv, socket.recv()));
        if let Poll::Ready(received) = to_the_end!(poll_recv_now, socket.recv_now()) {
            see_received(received);
        }
        see_received(to_the_end!(poll_recv_streamed, socket.recv_streamed(piece)));
        see(to_the_end!(poll_close, socket.close(1000, "bye")));
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
