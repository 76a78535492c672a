//! `my.connectSocket` and its listeners over real sockets: what is told, in which order.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use miniwire_std::{Client, Failure, Message, SocketClose, SocketEvent, SocketOpen};
use miniwire_tests::{check, development, release, server};

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
        self.0.recv_timeout(Duration::from_secs(10)).expect("something happens")
    }

    #[track_caller]
    fn expect<const N: usize>(&self, lines: [&str; N]) {
        for line in lines {
            assert_eq!(self.next(), line);
        }
    }

    #[track_caller]
    fn silent(&self) {
        let more = self.0.recv_timeout(Duration::from_millis(100));
        assert!(more.is_err(), "{more:?}");
    }
}

#[test]
fn sock_01_open_message_and_clean_close_are_told_in_order() {
    let server = server();
    let client = release(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.wss_url("/ws/echo")).protocol("chat").connect().unwrap();
    log.expect([r#"open Some("chat")"#]);
    client.send_socket_message("hello").unwrap();
    client.send_socket_message(Message::from_data("AQID", true).unwrap()).unwrap();
    log.expect(["message hello false", "message AQID true"]);
    client.close_socket(3001, "enough").unwrap();
    log.expect(["close 3001 enough"]);
    log.silent();
}

#[test]
fn sock_02_a_second_connection_takes_the_place_of_the_first() {
    let server = server();
    let client = development(&server).build().unwrap();
    let log = Log::of(&client);
    client.connect_socket(server.ws_url("/ws/messages/1000000000?size=100")).connect().unwrap();
    log.expect(["open None"]);
    assert!(log.next().starts_with("message "));
    client.connect_socket(server.ws_url("/ws/close/4001?now")).connect().unwrap();
    let mut lines = (0..1_000_000).map(|_| log.next()).skip_while(|line| line.starts_with("message "));
    assert_eq!(lines.next().as_deref(), Some("close 1000 "));
    assert_eq!(lines.next().as_deref(), Some("open None"));
    assert_eq!(lines.next().as_deref(), Some("close 4001 "));
    log.silent();
}

#[test]
fn sock_05_messages_of_every_size_come_back_whole() {
    let server = server();
    let client = release(&server).build().unwrap();
    let mut socket = client.connect_socket(server.wss_url("/ws/echo?fragment=70000")).open().unwrap();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        socket.send(bytes.clone()).unwrap();
        let Some(SocketEvent::Message(Message::Binary(back))) = socket.recv() else { panic!("{size}") };
        assert!(back == bytes, "{size}");
        let text = "\u{e9}".repeat(size / 2);
        socket.send(text.clone()).unwrap();
        let Some(SocketEvent::Message(Message::Text(back))) = socket.recv() else { panic!("{size}") };
        assert!(back == text, "{size}");
    }
    socket.close(1000, "").unwrap();
    let Some(SocketEvent::Close(close)) = socket.recv() else { panic!("no close") };
    assert_eq!(close.code, 1000);
    assert!(socket.recv().is_none());
}
