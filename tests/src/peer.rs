//! Peers that do what no decent server does.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use miniwire_std::serve::Identity;
use rustls::ServerConfig;

/// How long a peer waits for anything.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server over TCP that follows a script, each connection on a thread of its own.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    accepted: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Starts a server on any free port. `script` is given each connection and its number, from 1.
    pub fn start(script: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), script).expect("a port is free")
    }

    /// Starts a server on this address.
    ///
    /// # Errors
    /// Where there is no such address, or its port is taken.
    pub fn start_on(
        address: SocketAddr,
        script: impl Fn(TcpStream, usize) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let (stopped, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stop, count, script) = (Arc::clone(&stopped), Arc::clone(&accepted), Arc::new(script));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let script = Arc::clone(&script);
                let timeouts = (stream.set_read_timeout(Some(PATIENCE)), stream.set_write_timeout(Some(PATIENCE)));
                if timeouts.0.is_ok() && timeouts.1.is_ok() {
                    thread::spawn(move || script(stream, number));
                }
            }
        });
        Ok(Self { address, stopped, accepted, thread: Some(thread) })
    }

    /// A server that reads one request head per connection, answers with these bytes, then closes.
    pub fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |mut stream, _| {
            if read_head(&mut stream).is_some() && stream.write_all(&answer).is_ok() {
                let _ = stream.shutdown(std::net::Shutdown::Write);
                idle(stream);
            }
        })
    }

    /// A server that accepts, reads what comes, and never says anything.
    pub fn silent() -> Self {
        Self::start(|stream, _| idle(stream))
    }

    /// A server that accepts, and never reads or says anything.
    pub fn deaf() -> Self {
        Self::start(|stream, _| {
            thread::sleep(PATIENCE);
            drop(stream);
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `https://localhost:PORT` and `path`.
    pub fn https_url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A listener with a full queue: what else connects to it waits for ever.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    _listener: socket2::Socket,
    _queued: Vec<socket2::Socket>,
}

impl BlackHole {
    /// Digs one.
    ///
    /// # Errors
    /// Where the system refuses a socket.
    pub fn new() -> io::Result<Self> {
        let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let listener = socket()?;
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        listener.listen(0)?;
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        for _ in 0..4 {
            let socket = socket()?;
            socket.set_nonblocking(true)?;
            // Under way is all that it will ever be.
            let _ = socket.connect(&address);
            queued.push(socket);
        }
        thread::sleep(Duration::from_millis(20));
        let address = address.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { address, _listener: listener, _queued: queued })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// An address where connections are refused.
pub fn refused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free")
}

/// What a TLS server with this certificate goes by.
///
/// # Panics
/// Where the key does not fit the certificate.
pub fn tls_config(identity: Identity) -> Arc<ServerConfig> {
    let Identity { chain, key, .. } = identity;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
    Arc::new(config.expect("a certificate and its key"))
}

/// A head, its empty line included; `None` where the connection ends before.
pub fn read_head(stream: &mut (impl Read + ?Sized)) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).ok()
}

/// Reads and forgets, until the peer closes.
pub fn idle(mut stream: impl Read) {
    while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
}
