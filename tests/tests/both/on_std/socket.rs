//! A socket on std: the one whose loop is the caller's.

use std::collections::BTreeMap;
use std::time::Duration;

use miniwire_std::{Client, ConnectSocket, Failure, Message, NothingCame, Socket as Open, SocketEvent};

use super::During;
use crate::scenario::{Came, Data, Do, Socket};

impl During<'_> {
    pub(super) fn socket(&self, it: &Socket) -> Came {
        let connect = connect(self.client, it);
        match self.run(|| drop(self.client.close_socket(1000, "")), || connect.open()) {
            Ok(open) => Came { lines: Script::of(self.client, open).run(&it.steps), ..Came::default() },
            Err(failure) => {
                let status = failure.response().map(miniwire_std::Response::status);
                Came::failed(failure.code(), failure.reason(), status)
            }
        }
    }
}

fn connect(client: &Client, it: &Socket) -> ConnectSocket {
    let mut connect = client.connect_socket(&it.url).timeout(it.timeout).max_message(it.limit);
    if it.compress {
        connect = connect.compress();
    }
    connect = connect.keep_alive(it.keep_alive).close_timeout(it.close_timeout);
    for (name, value) in &it.headers {
        connect = connect.header(*name, *value);
    }
    for name in &it.protocols {
        connect = connect.protocol(*name);
    }
    match it.data.clone() {
        Data::None => connect,
        Data::Text(text) => connect.data_text(text),
        Data::Bytes(_) => unreachable!("a socket's data is no bytes"),
        Data::Value(value) => connect.data(value),
        Data::Unconvertible => connect.data(BTreeMap::from([([1], 2)])),
    }
}

struct Script<'c> {
    client: &'c Client,
    socket: Open,
    lines: Vec<String>,
}

impl<'c> Script<'c> {
    fn of(client: &'c Client, socket: Open) -> Self {
        let lines = vec![opened(&socket)];
        Self { client, socket, lines }
    }

    fn run(mut self, steps: &[Do]) -> Vec<String> {
        for step in steps {
            let result = match step {
                Do::Text(text) => self.socket.send(text.as_str()),
                Do::Base64(data) => Message::from_data(*data, true).and_then(|message| self.socket.send(message)),
                Do::Bytes(bytes) => self.socket.send(bytes.as_slice()),
                Do::Close(code, reason) => self.socket.close(*code, reason),
                Do::Hear => {
                    self.hear();
                    Ok(())
                }
                Do::HearNow => {
                    while let Ok(event) = self.socket.recv_timeout(Duration::ZERO)
                        && self.heard(event)
                    {}
                    Ok(())
                }
                Do::HearAll => {
                    while self.hear() {}
                    Ok(())
                }
                Do::Rest(milliseconds) => {
                    match self.socket.recv_timeout(Duration::from_millis(*milliseconds)) {
                        Err(NothingCame) => self.lines.push("nothing".into()),
                        Ok(event) => drop(self.heard(event)),
                    }
                    Ok(())
                }
                Do::Connect(url) => self.connect(url),
                Do::Unload => {
                    self.client.unload_page();
                    Ok(())
                }
                Do::ShutDown => {
                    self.client.shut_down();
                    Ok(())
                }
            };
            if let Err(failure) = result {
                self.lines.push(format!("refused {} {}", failure.code(), failure.reason().name()));
            }
        }
        self.lines
    }

    /// Whether there is more to hear.
    fn hear(&mut self) -> bool {
        let event = self.socket.recv();
        self.heard(event)
    }

    fn heard(&mut self, event: Option<SocketEvent>) -> bool {
        let is_over = event.is_none();
        self.lines.push(match event {
            Some(SocketEvent::Message(message)) => format!("message {} {}", message.data(), message.is_buffer()),
            Some(SocketEvent::Error(failure)) => format!("error {} {}", failure.code(), failure.reason().name()),
            Some(SocketEvent::Close(close)) => format!("close {} {}", close.code, close.reason),
            None => "over".into(),
        });
        !is_over
    }

    fn connect(&mut self, url: &str) -> Result<(), Failure> {
        let second = self.client.connect_socket(url).open()?;
        self.lines.push(opened(&second));
        while self.hear() {}
        self.socket = second;
        Ok(())
    }
}

fn opened(socket: &Open) -> String {
    let open = socket.opened();
    let compressed = open.header("sec-websocket-extensions").map_or("", |_| " compressed");
    format!("open {:?}{compressed}", open.protocol())
}
