//! A connection as its server has it, with or without TLS.

use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer};
use rustls::ServerConnection;

use super::http::Seen;

/// A connection as the server has it.
pub(crate) struct Wire<'s, 'b> {
    pub(crate) socket: &'s mut TcpSocket<'b>,
    pub(crate) tls: Option<ServerConnection>,
    /// What came and was not taken yet.
    pub(crate) bytes: Vec<u8>,
    /// The client has said that this was all.
    pub(crate) ended: bool,
    /// Before it reads, in microseconds.
    pub(crate) pause: u64,
}

impl<'s, 'b> Wire<'s, 'b> {
    pub(crate) fn new(socket: &'s mut TcpSocket<'b>, tls: Option<ServerConnection>) -> Self {
        Self { socket, tls, bytes: Vec::new(), ended: false, pause: 0 }
    }

    /// Shakes hands, where there is TLS.
    pub(crate) async fn handshake(&mut self) -> Option<()> {
        while self.tls.as_ref().is_some_and(|tls| tls.is_handshaking()) {
            self.send().await?;
            self.receive().await?;
        }
        self.send().await
    }

    /// More plain bytes.
    pub(crate) async fn more(&mut self) -> Option<()> {
        loop {
            self.send().await?;
            let length = self.bytes.len();
            if let Some(tls) = &mut self.tls {
                let mut plain = [0; 4096];
                while let Ok(read @ 1..) = std::io::Read::read(&mut tls.reader(), &mut plain) {
                    self.bytes.extend_from_slice(&plain[..read]);
                }
            }
            if self.bytes.len() > length {
                return Some(());
            }
            self.receive().await?;
            if self.tls.is_none() {
                return Some(());
            }
        }
    }

    /// Reads once from the socket.
    async fn receive(&mut self) -> Option<()> {
        if self.pause > 0 {
            Timer::after(Duration::from_micros(self.pause)).await;
        }
        let mut chunk = [0; 2048];
        let read = self.socket.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        let Some(tls) = &mut self.tls else {
            self.bytes.extend_from_slice(&chunk[..read]);
            return Some(());
        };
        let mut rest = &chunk[..read];
        while !rest.is_empty() {
            tls.read_tls(&mut rest).ok()?;
            let state = tls.process_new_packets();
            self.ended |= state.as_ref().is_ok_and(|state| state.peer_has_closed());
            if state.is_err() {
                self.send().await;
                return None;
            }
        }
        Some(())
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Option<()> {
        let mut rest = bytes;
        let Some(tls) = &mut self.tls else { return write(self.socket, bytes).await };
        while !rest.is_empty() {
            let written = std::io::Write::write(&mut tls.writer(), rest).ok()?;
            rest = &rest[written..];
            let mut out = Vec::new();
            while tls.wants_write() {
                tls.write_tls(&mut out).ok()?;
            }
            write(self.socket, &out).await?;
        }
        Some(())
    }

    async fn send(&mut self) -> Option<()> {
        let mut out = Vec::new();
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut out).ok()?;
            }
        }
        write(self.socket, &out).await
    }

    /// Says that no more bytes come.
    pub(crate) async fn end(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.send().await;
        self.socket.close();
    }

    /// Says so, and waits until the client says it, too.
    pub(crate) async fn close(&mut self) {
        self.end().await;
        while self.more().await.is_some() {}
    }

    pub(crate) async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < length {
            self.more().await?;
        }
        Some(self.bytes.drain(..length).collect())
    }

    /// A head, its empty line included.
    pub(crate) async fn head(&mut self) -> Option<String> {
        let end = loop {
            if let Some(at) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        String::from_utf8(self.take(end).await?).ok()
    }

    pub(crate) async fn request(&mut self) -> Option<Seen> {
        if self.bytes.is_empty() {
            self.more().await?;
        }
        if self.bytes.first() == Some(&0x16) {
            // TLS, and this is not.
            self.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
            self.close().await;
            return None;
        }
        let head = self.head().await?;
        if head.contains(" /early") {
            return Some(Seen { head, body: Vec::new() });
        }
        let length = field(&head, "Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        Some(Seen { head, body: self.take(length).await? })
    }
}

/// The value of a field of a head.
pub(crate) fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Writes all of it; `None` where the client has gone.
pub(crate) async fn write(socket: &mut TcpSocket<'_>, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        let written = socket.write(bytes).await.ok()?;
        bytes = &bytes[written..];
    }
    Some(())
}
