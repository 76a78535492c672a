//! A test server on the loopback interface: HTTP/1.1 and HTTPS, the routes of httpbin that a client needs, WebSockets
//! on the same ports, and every kind of answer that a client must refuse. It is what `miniwire serve` and the end-to-end tests start.
//!
//! ```
//! use std::io::{Read, Write};
//! use miniwire_std::serve::{Options, Server};
//!
//! let server = Server::start(Options::default())?;
//! let mut stream = std::net::TcpStream::connect(server.http())?;
//! stream.write_all(b"GET /status/404?body=gone HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n") && answer.ends_with("gone"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `GET /help` lists the routes. Beyond what httpbin says, an echo has `raw_target` and `raw_headers`: the request
//! target and the header fields as they were on the wire, in order and as spelt. (Only where a client pipelines
//! requests, or ends lines with a bare LF, the names come in lower case and grouped by name.) Of a form with files it has
//! `parts`: name, file name, media type and length of each part, in order.
//!
//! Routes that close the connection themselves take `?end=`: `close` (the orderly way), `cut` (FIN without TLS
//! `close_notify`), `reset` or `keep`.
//!
//! The routes of WebSockets begin with `/ws/`. The good ones take `?protocol=`, the subprotocol to choose if the client
//! offers it; without the argument it is the first one offered. What `/ws/raw/{kind}` sends breaks RFC 6455, or is rare
//! and good.

use std::{
    fmt, io, mem,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustls::{ServerConfig, crypto::ring};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Handle},
    sync::oneshot,
};
use tokio_rustls::TlsAcceptor;

mod answer;
mod authority;
mod bodies;
mod body;
mod call;
mod connection;
mod echo;
mod heads;
mod link;
mod malformed;
mod multipart;
mod raw;
mod redirects;
mod route;
mod router;
mod socket;
#[cfg(test)]
mod tests;
mod text;

pub use authority::{Authority, Identity, IssuedBy, Leaf, Validity};
pub use body::Pattern;

use connection::Connection;
use link::Stream;

/// Where to listen. The default is any free ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The port of plain HTTP; 0 for any free one.
    pub http: u16,
    /// The port of HTTPS; 0 for any free one.
    pub https: u16,
}

/// A running server, on a thread of its own. It stops when dropped: open connections are cut off.
#[derive(Debug)]
pub struct Server {
    http: SocketAddr,
    https: SocketAddr,
    authority: Authority,
    counters: Arc<Counters>,
    runtime: Handle,
    thread: Stopper,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    requests: AtomicU64,
    /// The codes of the close frames of WebSocket clients.
    closes: Mutex<Vec<u16>>,
}

/// Stops the runtime's thread when dropped, and waits for it.
struct Stopper {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server on 127.0.0.1, with a new certificate authority. Both ports accept connections when this
    /// returns.
    ///
    /// # Errors
    /// When a port is taken, or the system refuses a socket, a thread or randomness.
    pub fn start(options: Options) -> io::Result<Self> {
        let authority = Authority::new()?;
        let tls = acceptor(authority.issue(&Leaf::default())?)?;
        let (http, https) = (bind(options.http)?, bind(options.https)?);
        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let mut server = Self {
            http: http.local_addr()?,
            https: https.local_addr()?,
            authority,
            counters: Arc::default(),
            runtime: runtime.handle().clone(),
            thread: Stopper { stop: Some(stop), thread: None },
        };
        server.listen(http, None)?;
        server.listen(https, Some(tls))?;
        // Dropping the runtime at the end of the thread drops every task, and with it every socket.
        let run = move || drop(runtime.block_on(stopped));
        server.thread.thread = Some(thread::Builder::new().name("miniwire-serve".into()).spawn(run)?);
        Ok(server)
    }

    /// Starts one more HTTPS listener on 127.0.0.1, with the certificates given. It lives as long as the server.
    ///
    /// # Errors
    /// When the key does not belong to the certificate, or the system refuses a socket.
    pub fn start_tls_with(&self, identity: Identity) -> io::Result<SocketAddr> {
        let listener = bind(0)?;
        let address = listener.local_addr()?;
        self.listen(listener, Some(acceptor(identity)?))?;
        Ok(address)
    }

    /// The address of plain HTTP.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// The address of HTTPS.
    pub fn https(&self) -> SocketAddr {
        self.https
    }

    /// The certificate of the authority, in PEM form: what a client has to trust.
    pub fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    /// The authority, to issue more certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// `http://127.0.0.1:PORT` and `path`, which begins with `/`.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.http)
    }

    /// `https://localhost:PORT` and `path`, which begins with `/`.
    pub fn https_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.https.port())
    }

    /// Connections accepted so far, on all ports, whether or not TLS came about. Fewer than requests where
    /// connections were kept alive.
    pub fn connections(&self) -> u64 {
        self.counters.connections.load(Relaxed)
    }

    /// Requests whose head was received so far.
    pub fn requests(&self) -> u64 {
        self.counters.requests.load(Relaxed)
    }

    /// `ws://127.0.0.1:PORT` and `path`, which begins with `/`.
    pub fn ws_url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.http)
    }

    /// `wss://localhost:PORT` and `path`, which begins with `/`.
    pub fn wss_url(&self, path: &str) -> String {
        format!("wss://localhost:{}{path}", self.https.port())
    }

    /// Takes the codes of the close frames that clients sent, one for each WebSocket that has ended since the last
    /// call, in the order in which they ended: 1005 for a frame without a code, 1006 where none came.
    pub fn take_closes(&self) -> Vec<u16> {
        mem::take(&mut *self.counters.closes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn listen(&self, listener: TcpListener, tls: Option<TlsAcceptor>) -> io::Result<()> {
        let _within = self.runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        self.runtime.spawn(accept(listener, tls, Arc::clone(&self.counters)));
        Ok(())
    }
}

impl Drop for Stopper {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic of the thread has been reported by the thread.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopper").finish_non_exhaustive()
    }
}

fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn acceptor(Identity { chain, key }: Identity) -> io::Result<TlsAcceptor> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>, counters: Arc<Counters>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                counters.connections.fetch_add(1, Relaxed);
                tokio::spawn(serve(stream, peer, tls.clone(), Arc::clone(&counters)));
            }
            // The peer gave up already, or there are no descriptors left, which may pass.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>, counters: Arc<Counters>) {
    // Small writes are to arrive as they were written. It only fails if the connection is gone.
    drop(stream.set_nodelay(true));
    let (scheme, stream) = match tls {
        None => ("http", Stream::Plain(stream)),
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => ("https", Stream::Tls(Box::new(stream))),
            Err(_) => return,
        },
    };
    Connection { scheme, peer, counters: &counters }.serve(stream).await;
}
