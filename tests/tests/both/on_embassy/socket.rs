//! A socket on embassy-net.

use std::cell::RefCell;
use std::task::Poll;

use embassy_time::{Duration, with_timeout};
use miniwire_core::drive::{Received, SocketMemory};
use miniwire_core::http::head::Head;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{CompressionMemory, ConnectFailure, ConnectSocket, Sending, Settings};
use miniwire_embassy::{Secure, Socket as Open};
use rand_core::OsRng;

use super::{During, PLACES, data_of, unconvertible};
use crate::scenario::{Came, Do, Socket};

impl<'s, 'd, S: Secure<'s, 'd>> During<'_, 's, 'd, S> {
    pub(super) async fn socket(&self, it: &Socket) -> Came {
        let (random, unconvertible) = (RefCell::new(OsRng), unconvertible());
        let connects = it.steps.iter().filter(|step| matches!(step, Do::Connect(_))).count();
        let mut memories: Vec<_> = [it.limit].into_iter().chain(vec![1 << 20; connects]).map(Memory::new).collect();
        let mut memories = memories.iter_mut();
        let mut memory = || memories.next().expect("one for each").lend();
        let connect = ConnectSocket::new(&it.url)
            .header(&it.headers)
            .data(data_of(&it.data, &unconvertible))
            .protocols(&it.protocols)
            .timeout(it.timeout);
        let settings = Settings::new().keep_alive(it.keep_alive).close_timeout(it.close_timeout);
        let mut windows = CompressionMemory::<4096, 1024, 512>::new();
        let (mut lines, calls, first) = (Vec::new(), self.client.abortable(self.abort), memory());
        let on_open = |head: Head<'_>, protocol: Option<&str>| lines.push(opened(head, protocol));
        let opening = async {
            if it.compress {
                calls.connect_socket_compressed(&connect, settings, &random, first, windows.lend(), on_open).await
            } else {
                calls.connect_socket(&connect, settings, &random, first, on_open).await
            }
        };
        let mut socket = match self.run(opening).await {
            Ok(socket) => socket.with_base64(),
            Err(ConnectFailure { reason, status, .. }) => {
                assert!(lines.is_empty(), "an attempt that fails is no Open: {lines:?}");
                return Came::failed(reason.socket_code(), reason, status);
            }
        };
        for step in &it.steps {
            let result = match step {
                Do::Text(text) => socket.send(Sending::text(text)).await,
                Do::Base64(data) => match Sending::base64(data) {
                    Ok(message) => socket.send(message).await,
                    Err(reason) => Err(reason),
                },
                Do::Bytes(bytes) => socket.send(Sending::binary(bytes)).await,
                Do::Close(code, reason) => socket.close(*code, reason).await,
                Do::Hear => {
                    lines.push(hear(&mut socket).await.unwrap_or_else(over));
                    Ok(())
                }
                Do::HearNow => {
                    // Not `recv`: where a Ping came it waits for a message, and the server may wait for one, too.
                    while let Poll::Ready(received) = socket.recv_now().await {
                        let is_over = received.is_none();
                        lines.push(received.map_or_else(over, line));
                        if is_over {
                            break;
                        }
                    }
                    Ok(())
                }
                Do::HearAll => {
                    hear_all(&mut socket, &mut lines).await;
                    Ok(())
                }
                Do::Rest(milliseconds) => {
                    let heard = with_timeout(Duration::from_millis(*milliseconds), hear(&mut socket)).await;
                    lines.push(heard.map_or_else(|_| "nothing".into(), |line| line.unwrap_or_else(over)));
                    Ok(())
                }
                Do::Connect(url) => {
                    let connect = ConnectSocket::new(url);
                    let on_open = |head: Head<'_>, protocol: Option<&str>| lines.push(opened(head, protocol));
                    let second =
                        self.client.connect_socket(&connect, Settings::new(), &random, memory(), on_open).await;
                    match second {
                        Ok(second) => {
                            hear_all(&mut socket, &mut lines).await;
                            socket = second.with_base64();
                            Ok(())
                        }
                        Err(failure) => Err(failure.reason),
                    }
                }
                Do::Unload => {
                    self.client.unload_page();
                    Ok(())
                }
                Do::ShutDown => {
                    self.client.shut_down();
                    Ok(())
                }
            };
            if let Err(reason) = result {
                lines.push(refused(reason));
            }
        }
        Came { lines, ..Came::default() }
    }
}

/// What a board gives to a socket.
struct Memory {
    receive: Vec<u8>,
    transmit: Vec<u8>,
    message: Vec<u8>,
}

impl Memory {
    fn new(limit: usize) -> Self {
        Self { receive: vec![0; 2048], transmit: vec![0; 512], message: vec![0; limit] }
    }

    fn lend(&mut self) -> SocketMemory<'_> {
        SocketMemory { receive: &mut self.receive, transmit: &mut self.transmit, message: &mut self.message }
    }
}

/// `None` at the end.
async fn hear<'s, 'd, S: Secure<'s, 'd>>(socket: &mut Open<'_, '_, 's, 'd, S, PLACES>) -> Option<String> {
    socket.recv().await.map(line)
}

fn line(received: Received<'_>) -> String {
    match received {
        Received::Message(message) => {
            let (data, is_buffer) = message.data().expect("as the reference has it");
            format!("message {data} {is_buffer}")
        }
        Received::Error(reason) => format!("error {} {}", reason.socket_code(), reason.name()),
        Received::Close { code, reason } => format!("close {code} {reason}"),
    }
}

async fn hear_all<'s, 'd, S: Secure<'s, 'd>>(socket: &mut Open<'_, '_, 's, 'd, S, PLACES>, lines: &mut Vec<String>) {
    while let Some(line) = hear(socket).await {
        lines.push(line);
    }
    lines.push(over());
}

fn opened(head: Head<'_>, protocol: Option<&str>) -> String {
    let agreed = head.fields().any(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
    format!("open {protocol:?}{}", if agreed { " compressed" } else { "" })
}

fn over() -> String {
    "over".into()
}

fn refused(reason: Reason) -> String {
    format!("refused {} {}", reason.socket_code(), reason.name())
}
