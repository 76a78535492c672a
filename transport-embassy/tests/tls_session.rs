//! A session as a stream of bytes: what is read and written, how it ends, and what dropping an operation does (CTX-08).
//! The servers are rustls and `openssl s_server`.

mod support;

use std::cell::Cell;
use std::fs;
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, ErrorType};
use embedded_io_async::{Read, Write};
use miniwire_core::reason::{CertificateFault, Fault};
use miniwire_embassy::tls::{self, Buffers, Link, RECEIVE, Session, Trust};
use rustls::crypto::ring::{cipher_suite, default_provider, kx_group};

use support::*;

/// A root, and a server of a.test below it.
fn server(server: impl Fn(TlsPeer) + Send + Sync + 'static) -> (Client, SocketAddr) {
    let root = Signer::root(authority("root"));
    let address = serve_tls(&root.identity(&leaf(&["a.test"]), &[]), server);
    (Client::trusting(&[&root]), address)
}

async fn send<L: Link>(session: &mut Session<'_, L>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let written = session.write(bytes).await.unwrap();
        bytes = &bytes[written..];
    }
    session.flush().await.unwrap();
}

async fn receive<L: Link>(session: &mut Session<'_, L>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut at = 0;
    while at < length {
        match session.read(&mut bytes[at..]).await.unwrap() {
            0 => panic!("the end after {at} bytes"),
            read => at += read,
        }
    }
    bytes
}

#[test]
fn ctx_08_bytes_come_back_as_they_were_sent() {
    let (client, address) = server(echo);
    let mut session = client.connect(address, "a.test").unwrap();
    let bytes: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(n) >> 3) as u8).collect();
    for length in [0, 1, 100, 895, 896, 1000, 20_000, 100_000] {
        block_on(async {
            send(&mut session, &bytes[..length]).await;
            assert_eq!(receive(&mut session, length).await, bytes[..length], "{length}");
        });
    }
    // Nothing asked for is nothing read, and no end.
    assert_eq!(block_on(session.read(&mut [])), Ok(0));
}

#[test]
fn ctx_08_close_notify_is_the_end() {
    let (client, address) = server(|mut peer| {
        std::io::Write::write_all(&mut peer, b"all of it").unwrap();
        peer.conn.send_close_notify();
        let _ = peer.conn.complete_io(&mut peer.sock);
        idle(peer.sock);
    });
    let mut session = client.connect(address, "a.test").unwrap();
    assert_eq!(block_on(receive(&mut session, 9)), b"all of it");
    for _ in 0..2 {
        assert_eq!(block_on(session.read(&mut [0; 9])), Ok(0));
        assert!(session.read_ready());
    }
    assert_eq!(block_on(session.write(b"more")), Err(ErrorKind::NotConnected));
}

#[test]
fn ctx_08_closing_says_close_notify() {
    let (said, heard) = channel();
    let said = std::sync::Mutex::new(said);
    let (client, address) = server(move |mut peer| {
        let mut bytes = Vec::new();
        // Without close_notify rustls makes the end an error.
        let end = std::io::Read::read_to_end(&mut peer, &mut bytes).map_err(|error| error.kind());
        said.lock().unwrap().send((bytes, end)).unwrap();
    });
    let mut session = client.connect(address, "a.test").unwrap();
    // What was not flushed goes first.
    assert_eq!(block_on(session.write(b"bye")), Ok(3));
    assert_eq!(block_on(session.close()), Ok(()));
    assert_eq!(heard.recv().unwrap(), (b"bye".to_vec(), Ok(3)));
}

/// A socket of which so many bytes may be read and written; then it waits.
struct Metered {
    socket: Socket,
    meter: Rc<Meter>,
}

#[derive(Default)]
struct Meter {
    read: Cell<usize>,
    write: Cell<usize>,
}

const UNLIMITED: usize = usize::MAX / 2;

async fn allowance(meter: &Cell<usize>) -> usize {
    poll_fn(|_| if meter.get() == 0 { Poll::Pending } else { Poll::Ready(meter.get()) }).await
}

impl ErrorType for Metered {
    type Error = ErrorKind;
}

impl Read for Metered {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        let length = allowance(&self.meter.read).await.min(buf.len());
        let read = self.socket.read(&mut buf[..length]).await?;
        self.meter.read.set(self.meter.read.get() - read);
        Ok(read)
    }
}

impl Write for Metered {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        let length = allowance(&self.meter.write).await.min(buf.len());
        let written = self.socket.write(&buf[..length]).await?;
        self.meter.write.set(self.meter.write.get() - written);
        Ok(written)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        Ok(())
    }
}

impl Link for Metered {
    async fn readable(&mut self) {
        allowance(&self.meter.read).await;
        self.socket.readable().await;
    }
}

/// Polls once, then drops the future.
fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

fn metered() -> (Session<'static, Metered>, Rc<Meter>) {
    let (client, address) = server(echo);
    let meter = Rc::new(Meter { read: Cell::new(UNLIMITED), write: Cell::new(UNLIMITED) });
    let link = Metered { socket: Socket::connect(address), meter: Rc::clone(&meter) };
    let mut session = block_on(client.open(link, "a.test")).unwrap();
    // The server's session tickets come before its first echo.
    block_on(async {
        send(&mut session, b"first").await;
        assert_eq!(receive(&mut session, 5).await, b"first");
    });
    (session, meter)
}

#[test]
fn ctx_08_waiting_for_data_can_be_given_up() {
    let (mut session, meter) = metered();
    block_on(send(&mut session, b"hello"));
    meter.read.set(0);
    for _ in 0..5 {
        assert_eq!(once(session.readable()), None);
        assert!(!session.read_ready());
    }
    // Writing goes on meanwhile.
    block_on(send(&mut session, b", world"));
    meter.read.set(UNLIMITED);
    for _ in 0..5 {
        assert_eq!(once(session.readable()), Some(()));
        assert!(session.read_ready());
    }
    assert_eq!(block_on(receive(&mut session, 12)), b"hello, world");
}

#[test]
fn ctx_08_what_is_decrypted_is_ready() {
    let (mut session, meter) = metered();
    block_on(send(&mut session, b"hello"));
    assert_eq!(block_on(receive(&mut session, 1)), b"h");
    meter.read.set(0);
    assert!(session.read_ready());
    assert_eq!(block_on(receive(&mut session, 4)), b"ello");
    assert!(!session.read_ready());
}

#[test]
fn ctx_08_a_read_that_was_dropped_breaks_the_session() {
    // In the header, and in the body.
    for came in [0, 1, 3, 5, 6, 20] {
        let (mut session, meter) = metered();
        block_on(send(&mut session, b"hello"));
        meter.read.set(came);
        assert_eq!(once(session.read(&mut [0; 10])), None);
        meter.read.set(UNLIMITED);
        assert_eq!(block_on(session.read(&mut [0; 10])), Err(ErrorKind::NotConnected), "{came}");
        assert_eq!(block_on(session.write(b"x")), Err(ErrorKind::NotConnected));
        assert_eq!(block_on(session.flush()), Err(ErrorKind::NotConnected));
        // A wait does not hang.
        assert_eq!(once(session.readable()), Some(()));
        assert_eq!(block_on(session.close()), Err(ErrorKind::NotConnected));
    }
}

#[test]
fn ctx_08_a_write_that_was_dropped_breaks_the_session() {
    for went in [0, 1, 20] {
        let (mut session, meter) = metered();
        assert_eq!(block_on(session.write(b"hello")), Ok(5));
        meter.write.set(went);
        assert_eq!(once(session.flush()), None);
        meter.write.set(UNLIMITED);
        // The same nonce would be used again.
        assert_eq!(block_on(session.write(b"x")), Err(ErrorKind::NotConnected), "{went}");
        assert_eq!(block_on(session.read(&mut [0; 10])), Err(ErrorKind::NotConnected));
    }
}

/// Says the same for ever.
struct Stuck(u8);

impl tls::RngCore for Stuck {
    fn next_u32(&mut self) -> u32 {
        u32::from_ne_bytes([self.0; 4])
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_ne_bytes([self.0; 8])
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), tls::RngError> {
        bytes.fill(self.0);
        Ok(())
    }
}

impl tls::CryptoRng for Stuck {}

#[test]
fn ctx_08_a_generator_that_is_not_running_is_refused() {
    let (_, address) = server(echo);
    for value in [0, 0xff, 0x5a] {
        let buffers = Buffers { receive: &mut vec![0; RECEIVE], transmit: &mut [0; 1024] };
        let socket = Socket::connect(address);
        let opened = block_on(tls::open(socket, "a.test", &Trust::new(&[]), NOW, &mut Stuck(value), buffers));
        assert_eq!(opened.map(drop), Err(Fault::Tls));
    }
}

#[test]
fn ctx_08_what_is_not_spoken_is_refused() {
    let root = Signer::root(authority("root"));
    let identity = root.identity(&leaf(&["a.test"]), &[]);
    let old = serve_config(config(&identity, &[&rustls::version::TLS12]), idle);
    assert_eq!(Client::trusting(&[&root]).verdict(old, "a.test"), Err(Fault::Tls), "TLS 1.2");
    let key = || rustls::pki_types::PrivateKeyDer::try_from(identity.key.serialize_der()).unwrap();
    for (suites, groups) in [
        (vec![cipher_suite::TLS13_AES_128_GCM_SHA256], vec![kx_group::X25519]),
        (vec![cipher_suite::TLS13_CHACHA20_POLY1305_SHA256], vec![kx_group::SECP256R1]),
        (vec![cipher_suite::TLS13_AES_256_GCM_SHA384], vec![kx_group::SECP256R1]),
    ] {
        let provider =
            rustls::crypto::CryptoProvider { cipher_suites: suites, kx_groups: groups, ..default_provider() };
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), key())
            .unwrap();
        let verdict = Client::trusting(&[&root]).verdict(serve_config(config, idle), "a.test");
        assert_eq!(verdict, Err(Fault::Tls));
    }
}

/// `openssl s_server`, which is ended with this value.
struct OpenSsl {
    server: Child,
    directory: std::path::PathBuf,
    address: SocketAddr,
}

impl OpenSsl {
    /// `None` where there is no openssl.
    fn start(identity: &Identity, options: &[&str]) -> Option<Self> {
        Command::new("openssl").arg("version").output().ok()?;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let directory = std::env::temp_dir().join(format!("miniwire-tls-{}-{}", std::process::id(), port.port()));
        fs::create_dir(&directory).unwrap();
        let pem = |der: &[u8]| {
            let base64 = Command::new("openssl")
                .args(["x509", "-inform", "DER", "-in"])
                .arg({
                    let path = directory.join("certificate.der");
                    fs::write(&path, der).unwrap();
                    path
                })
                .output()
                .unwrap();
            String::from_utf8(base64.stdout).unwrap()
        };
        let chain: Vec<_> = identity.chain.iter().map(|der| pem(der)).collect();
        fs::write(directory.join("leaf.pem"), &chain[0]).unwrap();
        fs::write(directory.join("chain.pem"), chain.concat()).unwrap();
        fs::write(directory.join("key.pem"), identity.key.serialize_pem()).unwrap();
        // It ends by itself after two minutes, whatever becomes of this process.
        let mut server = Command::new("timeout")
            .args(["120", "openssl", "s_server", "-rev", "-accept", &port.to_string()])
            .args(["-cert", "leaf.pem", "-cert_chain", "chain.pem", "-key", "key.pem"])
            .args(options)
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut output = BufReader::new(server.stdout.take().unwrap());
        while !line.starts_with("ACCEPT") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "openssl did not start");
        }
        // Or it would stop at a full pipe.
        std::thread::spawn(move || while output.read_line(&mut String::new()).is_ok_and(|read| read > 0) {});
        Some(Self { server, directory, address: port })
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// What comes back from openssl, which reverses lines; `None` where there is no openssl.
fn reversed(options: &[&str], trusted: bool) -> Option<Result<Vec<u8>, Fault>> {
    let (root, other) = (Signer::root(authority("root")), Signer::root(authority("other")));
    let intermediate = root.signer(authority("intermediate"));
    let identity = intermediate.identity(&leaf(&["a.test"]), &[&intermediate]);
    let Some(server) = OpenSsl::start(&identity, options) else {
        skipped();
        return None;
    };
    let client = Client::trusting(&[if trusted { &root } else { &other }]);
    Some(client.connect(server.address, "a.test").map(|mut session| {
        block_on(async {
            send(&mut session, b"hello, world\n").await;
            receive(&mut session, 13).await
        })
    }))
}

#[test]
fn ctx_08_openssl_is_understood() {
    // The last one asks for a certificate, and is content with none.
    for options in [&[][..], &["-num_tickets", "0"], &["-verify", "1"]] {
        if let Some(answer) = reversed(options, true) {
            assert_eq!(answer, Ok(b"dlrow ,olleh\n".to_vec()), "{options:?}");
        }
    }
}

#[test]
fn ctx_08_openssl_without_a_trusted_root() {
    if let Some(answer) = reversed(&[], false) {
        assert_eq!(answer, Err(Fault::Certificate(CertificateFault::UnknownIssuer)));
    }
}

#[test]
fn ctx_08_openssl_with_small_records_is_refused() {
    // The certificates do not fit one record, and are not put together.
    if let Some(answer) = reversed(&["-max_send_frag", "512"], true) {
        assert_eq!(answer, Err(Fault::Tls));
    }
}
