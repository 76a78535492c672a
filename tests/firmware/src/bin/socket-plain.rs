//! my.connectSocket: text and binary both ways, the one-socket rule and listeners, over the blocking loop.
#![no_std]
#![no_main]

use firmware::{Buffers, Stack};
use miniwire_core::context::Context;
use miniwire_core::drive::Received;
use miniwire_core::drive::blocking::Socket;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{ConnectSocket, EventKind, Listeners, Message, OneSocket, Rule, Sending, Settings};

fn tell(listeners: &Listeners<u32, 8>, event: EventKind, bytes: &[u8]) {
    let mut round = listeners.round(event);
    while let Some(listener) = listeners.next(&mut round) {
        firmware::show(listener as u16, bytes);
    }
}

fn talk(buffers: &mut Buffers) -> Result<(), Reason> {
    let context = Context::new("2021000000000001", "1.0.0", firmware::policy()).map_err(|_| Reason::IllegalOption)?;
    let mut listeners: Listeners<u32, 8> = Listeners::new();
    for event in [EventKind::Open, EventKind::Error, EventKind::Message, EventKind::Close] {
        let _ = listeners.on(event, firmware::read(firmware::Register::Setting));
    }
    let mut one = OneSocket::new(Rule::Replace);
    let attempt = one.connect()?;
    let connect = ConnectSocket::new("ws://device.local/chat").protocols(&["chat"]);
    let settings = Settings::new().keep_alive(30_000);
    let mut stack = Stack;
    let open = |_: miniwire_core::http::head::Head<'_>, protocol: Option<&str>| {
        tell(&listeners, EventKind::Open, protocol.unwrap_or_default().as_bytes());
    };
    let mut socket = Socket::connect(&mut stack, &context, &connect, settings, buffers.socket_memory(), open)
        .map_err(|failure| failure.reason)?;
    one.reports(attempt.ticket, EventKind::Open);
    socket.send(Sending::text("hello"))?;
    socket.send(Sending::base64("aGVsbG8=")?)?;
    while let Some(received) = socket.recv() {
        match received {
            Received::Message(message) => tell(&listeners, EventKind::Message, message.as_bytes()),
            Received::Error(reason) => tell(&listeners, EventKind::Error, &[reason.socket_code()]),
            Received::Close { reason, .. } => tell(&listeners, EventKind::Close, reason.as_bytes()),
        }
        if matches!(received, Received::Message(Message::Text("bye"))) {
            socket.close(1000, "done")?;
        }
    }
    listeners.off(EventKind::Message, None);
    Ok(())
}

#[inline(never)]
fn call(buffers: &mut Buffers) {
    if let Err(reason) = talk(buffers) {
        firmware::show(reason.socket_code().into(), b"");
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    call(&mut Buffers::new());
    firmware::halt()
}
