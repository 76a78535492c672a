//! A server with or without TLS that answers by a script, and echoes over a WebSocket on `/socket`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};
use rustls::{ServerConfig, ServerConnection};
use sha1::Digest as _;

use crate::world::executor::Executor;
use crate::world::http::{Seen, Step};
use crate::world::site::routes;

#[derive(Clone, Default)]
pub(crate) struct Peer {
    config: Option<Arc<ServerConfig>>,
    /// What begins behind CONNECT.
    tunnel: Option<Arc<ServerConfig>>,
    /// Bytes that it takes without reading them, and the pause before it reads, in microseconds.
    pub(crate) window: usize,
    pub(crate) pause: u64,
    pub(crate) connections: Rc<Cell<u64>>,
    pub(crate) open: Rc<Cell<u64>>,
    /// Connections that ended with close_notify.
    pub(crate) clean: Rc<Cell<u64>>,
    pub(crate) seen: Rc<RefCell<Vec<Seen>>>,
    /// The Close frames that came: code and reason.
    pub(crate) closes: Rc<RefCell<Vec<(u16, String)>>>,
    /// Hosts that were asked for with CONNECT; this is the server behind the tunnel, too.
    pub(crate) tunnels: Rc<RefCell<Vec<String>>>,
}

/// A connection as the server has it.
struct Wire<'s, 'b> {
    socket: &'s mut TcpSocket<'b>,
    tls: Option<ServerConnection>,
    bytes: Vec<u8>,
    /// The client has said that this was all.
    ended: bool,
    pause: u64,
}

impl Wire<'_, '_> {
    /// More plain bytes.
    async fn more(&mut self) -> Option<()> {
        let mut chunk = [0; 2048];
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
            if self.pause > 0 {
                Timer::after(Duration::from_micros(self.pause)).await;
            }
            let read = self.socket.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
            match &mut self.tls {
                None => {
                    self.bytes.extend_from_slice(&chunk[..read]);
                    return Some(());
                }
                Some(tls) => {
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
                }
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Option<()> {
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

    async fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
        }
        self.send().await;
        self.socket.close();
        while self.more().await.is_some() {}
    }

    async fn take(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.bytes.len() < length {
            self.more().await?;
        }
        Some(self.bytes.drain(..length).collect())
    }

    async fn request(&mut self) -> Option<Seen> {
        let end = loop {
            if self.bytes.first() == Some(&0x16) {
                // TLS, and this is not.
                self.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await?;
                self.close().await;
                return None;
            }
            if let Some(at) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.take(end).await?).ok()?;
        if head.contains(" /early") {
            return Some(Seen { head, body: Vec::new() });
        }
        let length = field(&head, "Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        Some(Seen { head, body: self.take(length).await? })
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

async fn write(socket: &mut TcpSocket<'_>, mut bytes: &[u8]) -> Option<()> {
    while !bytes.is_empty() {
        let written = socket.write(bytes).await.ok()?;
        bytes = &bytes[written..];
    }
    Some(())
}

impl Peer {
    /// Serves so many connections at once on this port.
    pub(crate) fn start(
        executor: &mut Executor,
        stack: Stack<'static>,
        port: u16,
        at_once: usize,
        config: Option<ServerConfig>,
    ) -> Self {
        Self::reading(8192, 0, config).run(executor, stack, port, at_once)
    }

    /// One that reads in its own way.
    pub(crate) fn reading(window: usize, pause: u64, config: Option<ServerConfig>) -> Self {
        Self { window, pause, config: config.map(Arc::new), ..Self::default() }
    }

    /// Serves as a proxy.
    pub(crate) fn proxy(executor: &mut Executor, stack: Stack<'static>, port: u16, behind: ServerConfig) -> Self {
        Self { tunnel: Some(Arc::new(behind)), ..Self::reading(8192, 0, None) }.run(executor, stack, port, 2)
    }

    pub(crate) fn run(self, executor: &mut Executor, stack: Stack<'static>, port: u16, at_once: usize) -> Self {
        let peer = self;
        for _ in 0..at_once {
            executor.spawn(peer.clone().serve(stack, port));
        }
        peer
    }

    async fn serve(self, stack: Stack<'static>, port: u16) {
        let (mut rx, mut tx) = (vec![0; self.window], vec![0; 8192]);
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(Duration::from_secs(90)));
        loop {
            if socket.accept(port).await.is_ok() {
                self.connections.set(self.connections.get() + 1);
                self.open.set(self.open.get() + 1);
                let tls = self.config.clone().map(|config| ServerConnection::new(config).unwrap());
                let mut wire = Wire { socket: &mut socket, tls, bytes: Vec::new(), ended: false, pause: self.pause };
                self.exchanges(&mut wire).await;
                self.clean.set(self.clean.get() + u64::from(wire.ended));
                self.open.set(self.open.get() - 1);
            }
            let _ = with_timeout(Duration::from_millis(500), socket.flush()).await;
            socket.abort();
            let _ = with_timeout(Duration::from_millis(500), socket.flush()).await;
        }
    }

    async fn exchanges(&self, wire: &mut Wire<'_, '_>) -> Option<()> {
        while let Some(seen) = wire.request().await {
            self.seen.borrow_mut().push(seen.clone());
            if seen.method() == "CONNECT" {
                self.tunnels.borrow_mut().push(seen.path().to_owned());
                wire.write(b"HTTP/1.1 200 Established\r\n\r\n").await?;
                wire.tls = self.tunnel.clone().map(|config| ServerConnection::new(config).unwrap());
                continue;
            }
            if seen.path().starts_with("/socket") {
                return self.socket(wire, &seen).await;
            }
            for step in routes(&seen) {
                match step {
                    Step::Send(bytes) => wire.write(&bytes).await?,
                    Step::Drip(bytes, ms) => {
                        for byte in bytes {
                            wire.write(&[byte]).await?;
                            Timer::after(Duration::from_millis(ms)).await;
                        }
                    }
                    Step::Wait(ms) => Timer::after(Duration::from_millis(ms)).await,
                    Step::Close => {
                        wire.close().await;
                        return None;
                    }
                    Step::Reset => {
                        wire.socket.abort();
                        return None;
                    }
                    Step::Hang => while wire.more().await.is_some() {},
                }
            }
        }
        None
    }

    /// Echoes messages. `close me` is answered with a Close of 4001, `cut me` with a reset.
    async fn socket(&self, wire: &mut Wire<'_, '_>, seen: &Seen) -> Option<()> {
        let key = field(&seen.head, "Sec-WebSocket-Key")?.to_owned();
        let hash = sha1::Sha1::digest(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = base64::engine::general_purpose::STANDARD.encode(hash);
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        wire.write(head.as_bytes()).await?;
        if seen.path().ends_with("/talks") {
            wire.write(&frame(0x81, b"one")).await?;
            wire.write(&frame(0x81, b"two")).await?;
        }
        loop {
            let start = wire.take(2).await?;
            let length = match start[1] & 0x7f {
                126 => wire.take(2).await?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
                127 => wire.take(8).await?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
                length => usize::from(length),
            };
            let mask = wire.take(4).await?;
            let masked = wire.take(length).await?;
            let data: Vec<u8> = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            match (start[0] & 0x0f, data.as_slice()) {
                (8, data) => {
                    let (code, reason) = data.split_at(data.len().min(2));
                    let code = u16::from_be_bytes(code.try_into().unwrap_or([0, 0]));
                    self.closes.borrow_mut().push((code, String::from_utf8(reason.to_vec()).ok()?));
                    wire.write(&frame(0x88, data)).await?;
                    wire.close().await;
                    return None;
                }
                (1, b"close me") => {
                    wire.write(&frame(0x88, b"\x0f\xa1bye")).await?;
                }
                (1, b"cut me") => {
                    wire.socket.abort();
                    return None;
                }
                (0..=2, data) => wire.write(&frame(start[0], data)).await?,
                _ => {}
            }
        }
    }
}

fn frame(first: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match u8::try_from(data.len()) {
        Ok(length @ ..126) => bytes.push(length),
        _ => {
            bytes.push(126);
            bytes.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend_from_slice(data);
    bytes
}
