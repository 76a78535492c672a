//! What can be done with an open socket, each entry point in a function of its own: for the images `entry-points` and
//! `entry-points-deflate`, which open one in their own ways. A module of theirs and not of the library, where it would change
//! what the compiler makes of the other images.

use core::task::Poll;

use firmware::{Register, Stack, polls, show, to_the_end, write};
use miniwire_core::drive::Received;
use miniwire_core::drive::asynch::Socket as AsyncSocket;
use miniwire_core::drive::blocking::Socket;
use miniwire_core::reason::Reason;
use miniwire_core::socket::Sending;

fn piece(_: bool, data: &[u8], _: bool) -> Result<(), Reason> {
    show(0, data);
    Ok(())
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

polls! { poll_recv poll_recv_now poll_recv_streamed poll_send poll_close poll_ready }

/// Hands out how something ended.
pub fn see(result: Result<(), Reason>) {
    write(Register::Result, result.is_ok().into());
}

fn see_received(received: Option<Received<'_>>) {
    match received {
        Some(Received::Message(message)) => show(0, message.as_bytes()),
        Some(Received::Error(reason)) => see(Err(reason)),
        Some(Received::Close { code, reason }) => show(code, reason.as_bytes()),
        None => {}
    }
}

/// All of it, over the blocking loop.
pub fn talk(socket: Socket<'_, Stack>) {
    let mut socket = socket.with_base64();
    see(send(&mut socket, Sending::text("hello")));
    see_received(recv(&mut socket));
    see_received(recv_streamed(&mut socket));
    see(close(&mut socket));
}

/// All of it, over the asynchronous one.
pub fn poll_talk(socket: AsyncSocket<'_, &Stack>) {
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
