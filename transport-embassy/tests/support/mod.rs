//! What the TLS tests share: certificates, links over loopback sockets, and servers. Every server ends by itself, with
//! the connection that it serves.
#![allow(dead_code, reason = "each test program uses a part of it")]

// One description for both transports.
#[path = "../../../transport-std/src/net/testing/certificates.rs"]
pub(crate) mod certificates;
pub(crate) mod forged;

use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use embedded_io::{ErrorKind, ErrorType};
use miniwire_core::reason::{CertificateFault, Fault};
use miniwire_embassy::tls::{self, Buffers, Link, Pin, RECEIVE, Session, Trust};
use p256::SecretKey;
use rand_core::OsRng;
use rcgen::{KeyPair, SigningKey};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

pub(crate) use certificates::{Identity, Signer, authority, leaf};
use forged::{Forged, HandshakeKey};

/// 2027-01-15, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) const GOOD: Result<(), Fault> = Ok(());

pub(crate) const fn bad(fault: CertificateFault) -> Result<(), Fault> {
    Err(Fault::Certificate(fault))
}

/// Runs a future that waits for nothing but blocking sockets.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

/// A blocking socket as a link. It gives up after ten seconds.
pub(crate) struct Socket(pub(crate) TcpStream);

impl Socket {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        limit(&stream);
        Self(stream)
    }
}

fn limit(stream: &TcpStream) {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
}

impl ErrorType for Socket {
    type Error = ErrorKind;
}

impl embedded_io_async::Read for Socket {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        self.0.read(buf).map_err(|error| error.kind().into())
    }
}

impl embedded_io_async::Write for Socket {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.0.write(buf).map_err(|error| error.kind().into())
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Link for Socket {
    async fn readable(&mut self) {
        let _ = self.0.peek(&mut [0]);
    }
}

/// What a client is told to trust.
#[derive(Default)]
pub(crate) struct Client {
    roots: Vec<CertificateDer<'static>>,
    pins: Vec<Pin>,
    now: Option<u64>,
}

impl Client {
    pub(crate) fn trusting(roots: &[&Signer]) -> Self {
        Self { roots: roots.iter().map(|root| root.der.clone()).collect(), ..Self::default() }
    }

    pub(crate) fn with(roots: Vec<CertificateDer<'static>>, pins: Vec<Pin>) -> Self {
        Self { roots, pins, now: None }
    }

    pub(crate) fn at(mut self, unix_seconds: u64) -> Self {
        self.now = Some(unix_seconds);
        self
    }

    /// A session over a link. Its buffers are leaked: a test is short.
    pub(crate) async fn open<L: Link + 'static>(&self, link: L, host: &str) -> Result<Session<'static, L>, Fault> {
        let anchors: Vec<_> = self.roots.iter().map(|root| tls::root(root).unwrap()).collect();
        let buffers = Buffers { receive: vec![0; RECEIVE].leak(), transmit: vec![0; 1024].leak() };
        let trust = Trust::new(&anchors).pinned(&self.pins);
        tls::open(link, host, &trust, self.now.unwrap_or(NOW), &mut OsRng, buffers).await
    }

    pub(crate) fn connect(&self, address: SocketAddr, host: &str) -> Result<Session<'static, Socket>, Fault> {
        block_on(self.open(Socket::connect(address), host))
    }

    /// What it says of this server.
    pub(crate) fn verdict(&self, address: SocketAddr, host: &str) -> Result<(), Fault> {
        self.connect(address, host).map(drop)
    }
}

/// Serves connections, each on a thread of its own, until the process ends or a minute has passed.
pub(crate) fn serve(server: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = Arc::new(server);
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        for _ in 0..6000 {
            match listener.accept() {
                Ok((stream, _)) => {
                    let server = Arc::clone(&server);
                    stream.set_nonblocking(false).unwrap();
                    limit(&stream);
                    thread::spawn(move || server(stream));
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    });
    address
}

/// Waits until the peer closes.
pub(crate) fn idle(mut stream: impl Read) {
    while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
}

/// A TLS connection as its server has it.
pub(crate) type TlsPeer = StreamOwned<ServerConnection, TcpStream>;

/// Serves TLS with this identity, with rustls.
pub(crate) fn serve_tls(identity: &Identity, server: impl Fn(TlsPeer) + Send + Sync + 'static) -> SocketAddr {
    serve_config(config(identity, &[&rustls::version::TLS13]), server)
}

pub(crate) fn config(identity: &Identity, versions: &[&'static rustls::SupportedProtocolVersion]) -> ServerConfig {
    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), key)
        .unwrap()
}

pub(crate) fn serve_config(config: ServerConfig, server: impl Fn(TlsPeer) + Send + Sync + 'static) -> SocketAddr {
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

/// Sends back what comes.
pub(crate) fn echo(mut stream: impl Read + Write) {
    let mut buf = [0; 65536];
    while let Ok(n @ 1..) = stream.read(&mut buf) {
        if stream.write_all(&buf[..n]).is_err() || stream.flush().is_err() {
            break;
        }
    }
}

/// A forged server after ServerHello; `None` where the client has gone.
pub(crate) fn forged_hello(stream: TcpStream) -> Option<Forged> {
    Forged::hello(stream, &SecretKey::random(&mut OsRng))
}

/// A forged server that has been honest until the end of the handshake; `None` where the client has gone.
pub(crate) fn forged_honest(stream: TcpStream, identity: &Identity) -> Option<Forged> {
    Forged::honest(stream, &SecretKey::random(&mut OsRng), &identity.chain, &identity.key)
}

impl HandshakeKey for KeyPair {
    fn signature(&self, content: &[u8]) -> Vec<u8> {
        self.sign(content).unwrap()
    }
}

/// Says that there is no openssl.
#[expect(clippy::print_stdout, reason = "who runs the tests must know what was left out")]
pub(crate) fn skipped() {
    println!("SKIPPED: there is no openssl");
}

/// A server that signs only so.
pub(crate) fn config_signing(identity: &Identity, scheme: rustls::SignatureScheme) -> ServerConfig {
    use rustls::SignatureAlgorithm;
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::{CertifiedKey, Signer, SigningKey};

    #[derive(Debug)]
    struct Only(Arc<dyn SigningKey>, rustls::SignatureScheme);

    impl SigningKey for Only {
        fn choose_scheme(&self, offered: &[rustls::SignatureScheme]) -> Option<Box<dyn Signer>> {
            offered.contains(&self.1).then(|| self.0.choose_scheme(&[self.1])).flatten()
        }

        fn algorithm(&self) -> SignatureAlgorithm {
            self.0.algorithm()
        }
    }

    #[derive(Debug)]
    struct Always(Arc<CertifiedKey>);

    impl ResolvesServerCert for Always {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    let key = PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certified = CertifiedKey::new(identity.chain.clone(), Arc::new(Only(key, scheme)));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(certified))))
}
