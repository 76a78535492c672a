//! Loopback peers for the tests of this module. Each ends by itself, with the connection it serves.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

#[path = "../../../tests/src/promptly.rs"]
#[expect(unreachable_pub, reason = "it is public in the crate that it belongs to")]
mod promptly;

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

/// What a server presents.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
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

/// The parameters of a leaf for these names.
pub(crate) fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a leaf");
    params
}

/// The parameters of an authority of this name.
pub(crate) fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A certificate, and what is needed to sign others with it.
pub(crate) struct Signer {
    pub(crate) der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Signer {
    /// A root.
    pub(crate) fn root(params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A certificate below this one that signs in turn.
    pub(crate) fn signer(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        Self { der, issuer: Issuer::new(params, key) }
    }

    /// A server's certificate below this one, presented with `above`.
    pub(crate) fn identity(&self, params: &CertificateParams, above: &[&Self]) -> Identity {
        let key = KeyPair::generate().unwrap();
        let own = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(own).chain(above.iter().map(|signer| signer.der.clone())).collect();
        Identity { chain, key }
    }
}
