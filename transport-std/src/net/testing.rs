//! Loopback peers for the tests of this module. Each ends by itself, with the connection it serves.

pub(crate) mod certificates;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

#[path = "../../../tests/src/promptly.rs"]
#[expect(unreachable_pub, reason = "it is public in the crate that it belongs to")]
mod promptly;

pub(crate) use certificates::{Identity, Signer, authority, leaf};
pub(crate) use promptly::promptly;

/// Does something `ms` milliseconds from now, on another thread.
pub(crate) fn after<T>(ms: u64, what: impl FnOnce() -> T + Send + 'static) {
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(ms));
        what();
    });
}

/// An address where connections are refused.
pub(crate) fn refused() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Two ends of a connection.
pub(crate) fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let one = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (one, listener.accept().unwrap().0)
}

/// A listener with a full queue: what else connects to it waits for ever.
pub(crate) struct BlackHole {
    address: SocketAddr,
    _listener: socket2::Socket,
    _queued: Vec<mio::net::TcpStream>,
}

impl BlackHole {
    pub(crate) fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let queued = (0..4).map(|_| mio::net::TcpStream::connect(address).unwrap()).collect();
        thread::sleep(Duration::from_millis(20));
        Self { address, _listener: listener, _queued: queued }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves connections, each on a thread of its own, until none has come for ten seconds.
pub(crate) fn serve(server: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::new(server);
    thread::spawn(move || {
        let listener = socket2::Socket::from(listener);
        listener.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        while let Ok((stream, _)) = listener.accept() {
            let (server, stream) = (Arc::clone(&server), TcpStream::from(stream));
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
            thread::spawn(move || server(stream));
        }
    });
    address
}

/// Waits until the peer closes, reading nothing before it must.
pub(crate) fn idle(mut stream: impl Read) {
    while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
}

/// Sends back what comes.
pub(crate) fn echo(mut stream: impl Read + Write) {
    let mut buf = [0; 65536];
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        if stream.write_all(&buf[..n]).is_err() || stream.flush().is_err() {
            break;
        }
    }
}

/// A TLS connection as its server has it.
pub(crate) type TlsPeer = StreamOwned<ServerConnection, TcpStream>;

/// Serves TLS with this identity.
pub(crate) fn serve_tls(identity: &Identity, server: impl Fn(TlsPeer) + Send + Sync + 'static) -> SocketAddr {
    serve_tls_versions(identity, rustls::ALL_VERSIONS, server)
}

/// Serves TLS of these versions only.
pub(crate) fn serve_tls_versions(
    identity: &Identity,
    versions: &[&'static rustls::SupportedProtocolVersion],
    server: impl Fn(TlsPeer) + Send + Sync + 'static,
) -> SocketAddr {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), key)
        .unwrap();
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        while connection.is_handshaking() {
            if connection.complete_io(&mut stream).is_err() {
                return;
            }
        }
        server(StreamOwned::new(connection, stream));
    })
}
