//! An HTTP server of few words: what it answers, and how, is the test's script.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};

use super::executor::Executor;
use super::wire::write;

/// What the server does once a request is there.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Byte by byte, with so many milliseconds between.
    Drip(Vec<u8>, u64),
    /// So many milliseconds.
    Wait(u64),
    /// FIN.
    Close,
    /// RST.
    Reset,
    /// Nothing more, until the client goes.
    Hang,
}

/// A request that came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// 200 with this body.
pub(crate) fn ok(body: impl AsRef<[u8]>) -> Vec<Step> {
    vec![Step::Send(answer("200 OK", "", body.as_ref()))]
}

type Script = dyn Fn(&Seen) -> Vec<Step>;

#[derive(Clone)]
pub(crate) struct Server {
    script: Rc<Script>,
    pub(crate) seen: Rc<RefCell<Vec<Seen>>>,
    pub(crate) connections: Rc<Cell<u64>>,
    /// Connections that are open now.
    pub(crate) open: Rc<Cell<u64>>,
    /// Counted up to make every connection end with a reset, as a restart does.
    pub(crate) restarts: Rc<Cell<u64>>,
}

impl Server {
    /// Serves so many connections at once on this port. The body of a request to `/early…` is not read before the answer.
    pub(crate) fn start(
        executor: &mut Executor,
        stack: Stack<'static>,
        port: u16,
        at_once: usize,
        script: impl Fn(&Seen) -> Vec<Step> + 'static,
    ) -> Self {
        let server = Self {
            script: Rc::new(script),
            seen: Rc::default(),
            connections: Rc::default(),
            open: Rc::default(),
            restarts: Rc::default(),
        };
        for _ in 0..at_once {
            executor.spawn(server.clone().serve(stack, port));
        }
        server
    }

    async fn serve(self, stack: Stack<'static>, port: u16) {
        let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_nagle_enabled(false);
        // As any server must: clients vanish.
        socket.set_timeout(Some(Duration::from_secs(90)));
        loop {
            if socket.accept(port).await.is_ok() {
                self.connections.set(self.connections.get() + 1);
                self.open.set(self.open.get() + 1);
                let restarts = self.restarts.get();
                let restarted = async {
                    while self.restarts.get() == restarts {
                        Timer::after(Duration::from_millis(50)).await;
                    }
                };
                let exchanges = self.exchanges(&mut socket);
                either(exchanges, restarted).await;
                self.open.set(self.open.get() - 1);
            }
            // A FIN that was sent goes first, and then whatever is left ends.
            let _ = with_timeout(Duration::from_millis(500), socket.flush()).await;
            socket.abort();
            let _ = with_timeout(Duration::from_millis(500), socket.flush()).await;
        }
    }

    async fn exchanges(&self, socket: &mut TcpSocket<'_>) {
        let mut bytes = Vec::new();
        while let Some(seen) = request(socket, &mut bytes).await {
            self.seen.borrow_mut().push(seen.clone());
            for step in (self.script)(&seen) {
                match step {
                    Step::Send(bytes) => {
                        if write(socket, &bytes).await.is_none() {
                            return;
                        }
                    }
                    Step::Drip(bytes, ms) => {
                        for byte in bytes {
                            if write(socket, &[byte]).await.is_none() {
                                return;
                            }
                            Timer::after(Duration::from_millis(ms)).await;
                        }
                    }
                    Step::Wait(ms) => Timer::after(Duration::from_millis(ms)).await,
                    Step::Close => {
                        socket.close();
                        // Until the client has closed, too.
                        while !matches!(socket.read(&mut [0; 512]).await, Ok(0) | Err(_)) {}
                        return;
                    }
                    Step::Reset => {
                        socket.abort();
                        let _ = socket.flush().await;
                        return;
                    }
                    Step::Hang => {
                        while !matches!(socket.read(&mut [0; 512]).await, Ok(0) | Err(_)) {}
                        return;
                    }
                }
            }
        }
        socket.close();
    }
}

/// Waits for the first of two.
pub(crate) async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() { std::task::Poll::Ready(()) } else { other.as_mut().poll(context) }
    })
    .await;
}

async fn request(socket: &mut TcpSocket<'_>, bytes: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        more(socket, bytes).await?;
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    bytes.drain(..end);
    let mut seen = Seen { head, body: Vec::new() };
    if seen.path().starts_with("/early") {
        return Some(seen);
    }
    let length = seen.head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).unwrap_or(0);
    while bytes.len() < length {
        more(socket, bytes).await?;
    }
    seen.body = bytes.drain(..length).collect();
    Some(seen)
}

async fn more(socket: &mut TcpSocket<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 1024];
    let read = socket.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
    bytes.extend_from_slice(&chunk[..read]);
    Some(())
}
