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
use crate::world::wire::{Wire, field};

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
                let mut wire = Wire::new(&mut socket, tls);
                wire.pause = self.pause;
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
        if seen.path().ends_with("/pings") {
            wire.write(&frame(0x89, b"are you there?")).await?;
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
