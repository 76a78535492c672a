//! TLS over a [`Socket`]: how it is configured, how it starts, how bytes pass.

use std::fmt;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::sync::Arc;

use miniwire_core::reason::{CertificateFault, Fault};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection};

use super::socket::Socket;
use super::verify::{AcceptAny, Pin, Pins, Roots, Verifier, handshake_fault};

/// Ciphertext read ahead: one read brings two full records, where rustls by itself would read 4 KiB at a time.
const READ_AHEAD: usize = 2 * (5 + 16384 + 256);
/// Plaintext per record (RFC 8446 section 5.1).
const RECORD: usize = 16384;

/// Whom to trust.
#[derive(Default)]
pub(crate) struct TlsOptions {
    roots: Roots,
    pins: Pins,
    accept_any: bool,
}

/// What was given as a root is not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotACertificate;

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an X.509 certificate; give DER, or PEM with at least one CERTIFICATE section")
    }
}

impl std::error::Error for NotACertificate {}

impl TlsOptions {
    /// Trusts the platform's roots.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Trusts a root as well: one certificate in DER, or any number in PEM.
    ///
    /// # Errors
    /// [`NotACertificate`]; then nothing was added.
    pub(crate) fn add_root(&mut self, der_or_pem: &[u8]) -> Result<(), NotACertificate> {
        // A sequence of 128 bytes or more; the second byte is none of a text's.
        let certificates = if matches!(der_or_pem, [0x30, 0x80..=0xff, ..]) {
            vec![CertificateDer::from(der_or_pem)]
        } else {
            CertificateDer::pem_slice_iter(der_or_pem).collect::<Result<_, _>>().map_err(|_| NotACertificate)?
        };
        let anchors: Vec<_> = certificates
            .iter()
            .map(|certificate| webpki::anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|_| NotACertificate)?;
        if anchors.is_empty() {
            return Err(NotACertificate);
        }
        self.roots.given.extend(anchors);
        Ok(())
    }

    /// Trusts the roots that were added, and not the platform's.
    pub(crate) fn only_given_roots(&mut self) {
        self.roots.only_given = true;
    }

    /// Accepts a server only if its own key is one of those pinned: the SHA-256 of its SubjectPublicKeyInfo. The chain is
    /// verified all the same.
    pub(crate) fn pin(&mut self, sha_256: Pin) {
        self.pins.0.push(sha_256);
    }

    /// Accepts any certificate ([`AcceptAny`]). Only for the *development* policy; the caller sees to that.
    pub(crate) fn accept_any(&mut self) {
        self.accept_any = true;
    }

    /// TLS 1.3 and 1.2 with these options; sessions are resumed.
    ///
    /// # Errors
    /// Only where the cryptography has no common ground with either version.
    pub(crate) fn config(self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let verifier: Arc<dyn ServerCertVerifier> = if self.accept_any {
            Arc::new(AcceptAny { pins: self.pins, algorithms })
        } else {
            Arc::new(Verifier { roots: self.roots, pins: self.pins, algorithms })
        };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// TLS that is up, the peer verified. The socket is passed to each call.
pub(crate) struct Tls {
    connection: ClientConnection,
    ahead: ReadAhead,
    // A record was refused. What came before it may still be read.
    broken: bool,
}

impl Tls {
    /// Shakes hands with `host`: a name, or an IP address.
    ///
    /// # Errors
    /// As `drive::Transport::secure` says; [`Fault::Lost`] also when the deadline passes or an interrupt comes.
    pub(crate) fn handshake(config: &Arc<ClientConfig>, host: &str, socket: &mut Socket) -> Result<Self, Fault> {
        // What is no name cannot be in a certificate.
        let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host))
            .map_err(|_| Fault::Certificate(CertificateFault::WrongHost))?
            .to_owned();
        let connection = ClientConnection::new(Arc::clone(config), name).map_err(|_| Fault::Tls)?;
        let mut tls = Self { connection, ahead: ReadAhead::default(), broken: false };
        let mut heard = false;
        while tls.connection.is_handshaking() {
            tls.flush_patiently(socket)?;
            if !tls.ahead.is_empty() {
                tls.process(socket).map_err(|error| match handshake_fault(&error) {
                    // Who has said a ServerHello speaks TLS, whatever came after it.
                    Fault::NotTls if tls.connection.protocol_version().is_some() => Fault::Tls,
                    fault => fault,
                })?;
                continue;
            }
            match tls.ahead.fill(|buf| socket.read(buf)) {
                Ok(0) if !heard => return Err(Fault::NotTls),
                Ok(0) | Err(_) => return Err(Fault::Lost),
                Ok(_) => heard = true,
            }
        }
        tls.flush_patiently(socket)?;
        Ok(tls)
    }

    /// Reads plaintext. `Ok(0)` only after the peer's close_notify; an end without it is [`ErrorKind::ConnectionReset`],
    /// so that a truncated body cannot pass for a complete one (RFC 8446 section 6.1).
    pub(crate) fn read(&mut self, socket: &mut Socket, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        loop {
            match self.connection.reader().read(buf) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => return result.map_err(|error| error.kind()),
            }
            if self.broken {
                return Err(ErrorKind::InvalidData);
            }
            if !self.ahead.is_empty() {
                // Whatever comes of it, plaintext from before it goes first.
                let _ = self.process(socket);
                continue;
            }
            // Rare: an answer to a key update, or the rest of a write that timed out. A peer that is not reading may still
            // be heard.
            if self.connection.wants_write() && !socket.readable() {
                self.flush(socket)?;
            }
            if self.ahead.fill(|buf| socket.read(buf)).map_err(|error| error.kind())? == 0 {
                return Err(ErrorKind::ConnectionReset);
            }
        }
    }

    /// Writes plaintext, at most a record. What was taken and could not be sent in time goes out with the next call.
    pub(crate) fn write(&mut self, socket: &mut Socket, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.flush(socket)?;
        let (piece, _) = buf.split_at_checked(RECORD).unwrap_or((buf, &[]));
        let taken = self.connection.writer().write(piece).map_err(|error| error.kind())?;
        match self.flush(socket) {
            Ok(()) | Err(ErrorKind::TimedOut) => Ok(taken),
            Err(error) => Err(error),
        }
    }

    /// Sends what has been taken.
    pub(crate) fn flush(&mut self, socket: &mut Socket) -> Result<(), ErrorKind> {
        while self.connection.wants_write() {
            self.connection.write_tls(socket).map_err(|error| error.kind())?;
        }
        Ok(())
    }

    /// Whether a read would return at once. Takes in what the socket has, since that may be no plaintext at all but a
    /// session ticket.
    pub(crate) fn read_ready(&mut self, socket: &mut Socket) -> bool {
        loop {
            if self.has_unread(socket) {
                return true;
            }
            if !socket.readable() {
                return false;
            }
            match self.ahead.fill(|buf| socket.read_available(buf)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Ok(0) | Err(_) => return true,
                Ok(_) => {}
            }
        }
    }

    /// Whether plaintext, an end or an error is here already, without asking the socket.
    pub(crate) fn has_unread(&mut self, socket: &mut Socket) -> bool {
        loop {
            match self.connection.reader().fill_buf() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                _ => return true,
            }
            if self.broken {
                return true;
            }
            if self.ahead.is_empty() {
                return false;
            }
            let _ = self.process(socket);
        }
    }

    /// Says goodbye, as far as the socket takes it without blocking (RFC 8446 section 6.1).
    pub(crate) fn close(&mut self, socket: &Socket) {
        self.connection.send_close_notify();
        let _ = self.connection.write_tls(&mut Available(socket));
    }

    /// Passes some of the bytes read ahead through rustls.
    fn process(&mut self, socket: &mut Socket) -> Result<(), rustls::Error> {
        let result = self.ahead.pass_to(&mut self.connection);
        if result.is_err() {
            self.broken = true;
            // The alert that says why, as far as the socket takes it.
            let _ = self.connection.write_tls(&mut Available(socket));
        }
        result
    }

    /// For a stream that does not block: the connection, the bytes it has not seen, whether a record was refused.
    pub(super) fn into_parts(self) -> (ClientConnection, ReadAhead, bool) {
        (self.connection, self.ahead, self.broken)
    }

    /// Sends everything, however often a write times out before its deadline.
    fn flush_patiently(&mut self, socket: &mut Socket) -> Result<(), Fault> {
        loop {
            match self.flush(socket) {
                Ok(()) => return Ok(()),
                Err(ErrorKind::TimedOut) if !socket.past_deadline() => {}
                Err(_) => return Err(Fault::Lost),
            }
        }
    }
}

/// Bytes read from the socket that rustls has not seen.
#[derive(Default)]
pub(super) struct ReadAhead {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl ReadAhead {
    pub(super) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    fn unread(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn consume(&mut self, n: usize) {
        self.from = self.from.saturating_add(n).min(self.to);
    }

    /// Passes some of the bytes through rustls.
    pub(super) fn pass_to(&mut self, connection: &mut ClientConnection) -> Result<(), rustls::Error> {
        let mut unread = self.unread();
        let before = unread.len();
        let result = connection.read_tls(&mut unread).map_err(|error| rustls::Error::General(error.to_string()));
        let taken = before - unread.len();
        self.consume(taken);
        result.and_then(|_| connection.process_new_packets()).map(|_| ())
    }

    /// Gives the memory of the empty buffer back.
    pub(super) fn free(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Reads into the empty buffer, which is allocated when it is first needed.
    pub(super) fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>) -> std::io::Result<usize> {
        self.bytes.resize(READ_AHEAD, 0);
        let n = read(&mut self.bytes)?;
        (self.from, self.to) = (0, n);
        Ok(n)
    }
}

/// Writes without blocking.
struct Available<'s>(&'s Socket);

impl Write for Available<'_> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.write_available(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
