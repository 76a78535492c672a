//! `my.connectSocket` and its listeners over real sockets, one room per subject.

mod blocking;
mod closing;
mod failures;
mod hostile;
mod listeners;
mod one;
mod order;
mod proxy;
mod sending;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use miniwire_std::serve::Server;
use miniwire_std::{Client, Failure, Message, Socket, SocketClose, SocketEvent, SocketOpen};
use miniwire_tests::check;

/// What the listeners were told, one line each.
struct Log(Receiver<String>);

impl Log {
    fn of(client: &Client) -> Self {
        let (sender, receiver) = channel();
        let tell = |sender: &Sender<String>| {
            let sender = sender.clone();
            move |line: String| drop(sender.send(line))
        };
        let (open, error, message, close) = (tell(&sender), tell(&sender), tell(&sender), tell(&sender));
        client.on_socket_open(move |event: &SocketOpen| open(format!("open {:?}", event.protocol()))).unwrap();
        client
            .on_socket_error(move |failure: &Failure| {
                check(failure);
                error(format!("error {} {}", failure.code(), failure.reason().name()));
            })
            .unwrap();
        client
            .on_socket_message(move |event: &Message| {
                message(format!("message {} {}", event.data(), event.is_buffer()))
            })
            .unwrap();
        client
            .on_socket_close(move |event: &SocketClose| close(format!("close {} {}", event.code, event.reason)))
            .unwrap();
        Self(receiver)
    }

    #[track_caller]
    fn next(&self) -> String {
        self.0.recv_timeout(Duration::from_secs(30)).expect("something happens")
    }

    #[track_caller]
    fn expect<const N: usize>(&self, lines: [&str; N]) {
        for line in lines {
            assert_eq!(self.next(), line);
        }
    }

    /// All lines up to the Close, which is the last.
    #[track_caller]
    fn to_the_close(&self) -> Vec<String> {
        let mut lines = vec![self.next()];
        while !lines.last().is_some_and(|line| line.starts_with("close ")) {
            lines.push(self.next());
        }
        lines
    }

    #[track_caller]
    fn silent(&self) {
        let more = self.0.recv_timeout(Duration::from_millis(100));
        assert!(more.is_err(), "{more:?}");
    }
}

/// The codes of the close frames that the server has seen, once there are so many.
#[track_caller]
fn closes(server: &Server, count: usize) -> Vec<u16> {
    let (mut closes, start) = (server.take_closes(), Instant::now());
    while closes.len() < count {
        assert!(start.elapsed() < Duration::from_secs(10), "only {closes:?}");
        std::thread::sleep(Duration::from_millis(2));
        closes.extend(server.take_closes());
    }
    closes
}

/// The next event as a line, as [`Log`] has it.
fn line(event: Option<SocketEvent>) -> String {
    match event {
        Some(SocketEvent::Message(message)) => format!("message {} {}", message.data(), message.is_buffer()),
        Some(SocketEvent::Error(failure)) => {
            check(&failure);
            format!("error {} {}", failure.code(), failure.reason().name())
        }
        Some(SocketEvent::Close(close)) => format!("close {} {}", close.code, close.reason),
        None => "over".into(),
    }
}

/// What comes up to the end, with it.
fn to_the_end(socket: &mut Socket) -> Vec<String> {
    let mut lines = vec![line(socket.recv())];
    while lines.last().is_none_or(|line| line != "over") {
        lines.push(line(socket.recv()));
    }
    lines
}

/// Bytes that differ from place to place and from seed to seed.
fn pattern(size: usize, seed: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 7 + at / 251 + seed * 13) as u8).collect()
}
