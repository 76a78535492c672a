//! One TLS session over a link.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_io::{ErrorKind, ErrorType};
use embedded_io_async::{BufRead, Read, Write};
use embedded_tls::alert::AlertDescription;
use embedded_tls::{CryptoProvider, TlsConfig, TlsConnection, TlsContext, TlsError, TlsVerifier};
use miniwire_core::drive::asynch::apart;
use miniwire_core::reason::{CertificateFault, Fault};
use rand_core::CryptoRngCore;
use rustls_pki_types::ServerName;

use super::cipher::Suite;
use super::guard::{Guard, Line, Mode, NOT_TLS, READABLE};
use super::verifier::{Trust, Verifier, server_name};
use crate::link::Link;

/// The least [`Buffers::receive`]: the longest record that TLS 1.3 permits, 2^14 + 256 bytes (RFC 8446 section 5.2). A
/// server may send that much; asking it for less (max_fragment_length) is not something that servers heed.
pub const RECEIVE: usize = 16_640;

/// The least [`Buffers::transmit`]: the ClientHello for the longest host name. A record carries what is left of the buffer
/// after 134 bytes, so a longer buffer makes fewer records of the same data: 1,158 bytes carry a kilobyte.
pub const TRANSMIT: usize = 512;

/// What embedded-tls leaves free of the buffer that a record is made in, its header included.
const RESERVED: usize = 128 + 5;
/// What a record adds to its plaintext: a header, a content type and a tag.
const OVERHEAD: usize = 5 + 1 + 16;

/// Memory for one session.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// At least [`RECEIVE`] bytes.
    pub receive: &'b mut [u8],
    /// At least [`TRANSMIT`] bytes.
    pub transmit: &'b mut [u8],
}

/// TLS 1.3 that is up, the peer verified.
///
/// `read` returns `Ok(0)` only after the peer's close_notify; an end without it is an error, so that a truncated body
/// cannot pass for a complete one (RFC 8446 section 6.1). After close_notify nothing can be written either.
///
/// Reads and writes are not cancelled midway: half a record would be lost, or a nonce used twice. A session whose read,
/// write or flush was dropped before it was done, or whose read failed, only returns errors from then on; after a write or
/// a flush that failed it can only be read. To wait for data together with something else, use
/// [`readable`](Self::readable), which may be dropped.
pub struct Session<'b, L: Link> {
    connection: TlsConnection<'b, Guard<'b, L>, Suite>,
    line: Line<'b>,
    /// Plaintext that has been decrypted and not been read.
    unread: usize,
    /// Plaintext that waits for the rest of its record, and as much of it as a record carries.
    unsent: usize,
    most: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A write has failed. What the peer has said can still be read.
    Unwritable,
    /// The peer has said close_notify.
    Closed,
    /// An operation is under way, or was dropped, or a read has failed.
    Broken,
}

/// Starts TLS on `link` and verifies that the peer is `host`: a name, or an IP address (without brackets).
///
/// `unix_seconds` is the time now; a clock that was never set makes every certificate one that is not valid yet.
/// `rng` must be fit for keys. There is no deadline of its own: race it against one. Dropped before it is done, the link is
/// dropped with it.
///
/// # Errors
/// [`Fault::Certificate`], [`Fault::NotTls`], [`Fault::Tls`] or [`Fault::Lost`]. [`Fault::Tls`] also where a buffer is
/// shorter than it must be, or `rng` does nothing but repeat itself.
pub async fn open<'b, L: Link + 'b>(
    link: L,
    host: &str,
    trust: &Trust<'_>,
    unix_seconds: u64,
    rng: &mut impl CryptoRngCore,
    buffers: Buffers<'b>,
) -> Result<Session<'b, L>, Fault> {
    let host = host.strip_suffix('.').unwrap_or(host);
    // What is no name cannot be in a certificate.
    let name = server_name(host).ok_or(Fault::Certificate(CertificateFault::WrongHost))?;
    let (line, transmit) = buffers.transmit.split_first_mut().ok_or(Fault::Tls)?;
    // One byte less than in the documentation: the line's.
    if buffers.receive.len() < RECEIVE || transmit.len().saturating_add(1) < TRANSMIT || repeats(rng) {
        return Err(Fault::Tls);
    }
    let line = Line::over(line);
    let most = transmit.len().saturating_sub(RESERVED).max(1);
    let mut config = TlsConfig::new();
    if cfg!(feature = "rsa") {
        config = config.enable_rsa_signatures();
    }
    // An IP address is not a server_name (RFC 6066 section 3).
    if matches!(name, ServerName::DnsName(_)) {
        config = config.with_server_name(host);
    }
    let mut provider = Provider { rng, verifier: Verifier::new(trust, name, unix_seconds) };
    let mut connection = TlsConnection::new(Guard::new(link, line), buffers.receive, transmit);
    let opened = apart(pin!(connection.open(TlsContext::new(&config, &mut provider)))).await;
    match opened {
        Ok(()) if provider.verifier.is_proved() => {
            line.set(Mode::Records);
            Ok(Session { connection, line, unread: 0, unsent: 0, most, state: State::Open })
        }
        // embedded-tls is content with a server that has shown no certificate, or has not signed.
        Ok(()) => Err(Fault::Certificate(CertificateFault::Invalid)),
        Err(error) => Err(provider.verifier.fault().map_or_else(|| fault(&error), Fault::Certificate)),
    }
}

/// A generator that is not running says the same for ever. Making a key with it would not end, or not be secret.
fn repeats(rng: &mut impl CryptoRngCore) -> bool {
    let mut drawn = [[0; 16]; 2];
    drawn.iter_mut().for_each(|block| rng.fill_bytes(block));
    let [first, second] = drawn;
    first == second
}

fn fault(error: &TlsError) -> Fault {
    match error {
        TlsError::Io(NOT_TLS) => Fault::NotTls,
        TlsError::Io(ErrorKind::InvalidData) => Fault::Tls,
        TlsError::Io(_) | TlsError::IoError => Fault::Lost,
        // The server has no use for anything that was offered but says so in its own way.
        TlsError::HandshakeAborted(_, AlertDescription::CloseNotify) => Fault::Lost,
        _ => Fault::Tls,
    }
}

struct Provider<'t, R> {
    rng: &'t mut R,
    verifier: Verifier<'t>,
}

impl<R: CryptoRngCore> CryptoProvider for Provider<'_, R> {
    type CipherSuite = Suite;
    // Client certificates are not sent.
    type Signature = [u8; 0];

    fn rng(&mut self) -> impl CryptoRngCore {
        &mut *self.rng
    }

    fn verifier(&mut self) -> Result<&mut impl TlsVerifier<Suite>, TlsError> {
        Ok(&mut self.verifier)
    }
}

impl<L: Link> Session<'_, L> {
    /// Waits until something can be read: plaintext, the end, or at least the beginning of a record. May be dropped and
    /// called again freely.
    pub async fn readable(&mut self) {
        if self.unread > 0 || !matches!(self.state, State::Open | State::Unwritable) {
            return;
        }
        self.line.set(Mode::Wait);
        // The guard reads nothing now, so there is nothing in this to lose.
        let waited = self.connection.fill_buf().await.map(<[u8]>::len);
        self.line.set(Mode::Records);
        if !matches!(waited, Err(TlsError::Io(READABLE))) {
            self.state = State::Broken;
        }
    }

    /// Whether [`readable`](Self::readable) would return at once.
    pub fn read_ready(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let readable = pin!(self.readable());
        readable.poll(&mut context).is_ready()
    }

    /// Says close_notify (RFC 8446 section 6.1), so that the peer knows that this was all. The link is dropped, also where
    /// this is dropped before it is done.
    ///
    /// # Errors
    /// What the link says; [`ErrorKind::NotConnected`] where the session is not open any more.
    pub async fn close(self) -> Result<(), ErrorKind> {
        if self.state != State::Open {
            return Err(BROKEN);
        }
        self.connection.close().await.map(drop).map_err(|(_, error)| kind(&error))
    }

    /// The same for who cannot wait: `None`, and the link is dropped, where it does not take close_notify at once.
    pub(super) fn close_at_once(self) -> Option<L> {
        if self.state != State::Open {
            return None;
        }
        let closing = pin!(self.connection.close());
        match closing.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(guard)) => Some(guard.into_link()),
            _ => None,
        }
    }

    /// Bounds the plaintext of a record so that the record has room in a link's buffer of this length.
    pub(super) fn fit_records(&mut self, buffer: usize) {
        self.most = self.most.min(buffer.saturating_sub(OVERHEAD)).max(1);
    }

    /// How many of so many bytes go into the record that has been begun, and how long that will then be on the link if it
    /// is sent, which it is when it is full or `flush` says so after the last of them.
    pub(super) fn next_record(&self, length: usize, flush: bool) -> (usize, Option<usize>) {
        let taken = self.most.saturating_sub(self.unsent).min(length);
        let plaintext = self.unsent.saturating_add(taken);
        let is_sent = plaintext > 0 && (plaintext >= self.most || (flush && taken == length));
        (taken, is_sent.then(|| plaintext.saturating_add(OVERHEAD)))
    }

    /// Shows the plaintext there is; what `take` says it has taken is not shown again. 0 where there is none yet, at a
    /// record that has none: a ticket. `None` is the end. A record that has begun is waited for.
    pub(super) async fn read_ready_with(
        &mut self,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Result<Option<usize>, ErrorKind> {
        self.read_with(Mode::Ready, take).await
    }

    async fn read_with(&mut self, mode: Mode, take: impl FnOnce(&[u8]) -> usize) -> Result<Option<usize>, ErrorKind> {
        if self.state == State::Closed {
            return Ok(None);
        }
        let state = self.begin(&[State::Open, State::Unwritable])?;
        self.line.set(mode);
        let plaintext = match self.connection.fill_buf().await {
            Ok(plaintext) => plaintext,
            Err(TlsError::Io(READABLE)) => {
                self.state = state;
                return Ok(Some(0));
            }
            Err(TlsError::ConnectionClosed) => {
                self.state = State::Closed;
                return Ok(None);
            }
            Err(error) => return Err(kind(&error)),
        };
        let came = plaintext.len();
        let taken = take(plaintext).min(came);
        self.connection.consume(taken);
        self.unread = came.saturating_sub(taken);
        self.state = state;
        Ok(Some(taken))
    }

    /// Before an operation, in one of these states: it counts as broken until it is done.
    fn begin(&mut self, states: &[State]) -> Result<State, ErrorKind> {
        if !states.contains(&self.state) {
            return Err(BROKEN);
        }
        self.line.set(Mode::Records);
        Ok(core::mem::replace(&mut self.state, State::Broken))
    }

    fn end_writing<T>(&mut self, result: Result<T, TlsError>) -> Result<T, ErrorKind> {
        self.state = if result.is_ok() { State::Open } else { State::Unwritable };
        result.map_err(|error| kind(&error))
    }
}

/// The session is no longer open.
const BROKEN: ErrorKind = ErrorKind::NotConnected;

fn kind(error: &TlsError) -> ErrorKind {
    match error {
        // What `Interrupted` promises, that it can be tried again, never holds here.
        TlsError::Io(ErrorKind::Interrupted) => ErrorKind::Other,
        TlsError::Io(kind) => *kind,
        // The stream has ended within a record, or without close_notify.
        TlsError::IoError => ErrorKind::ConnectionReset,
        _ => ErrorKind::InvalidData,
    }
}

impl<L: Link> ErrorType for Session<'_, L> {
    type Error = ErrorKind;
}

impl<L: Link> Read for Session<'_, L> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        if buf.is_empty() {
            return Ok(0);
        }
        let take = |plaintext: &[u8]| buf.iter_mut().zip(plaintext).map(|(to, from)| *to = *from).count();
        Ok(self.read_with(Mode::Records, take).await?.unwrap_or(0))
    }
}

impl<L: Link> Write for Session<'_, L> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        self.begin(&[State::Open])?;
        let written = self.connection.write(buf).await;
        self.unsent = self.unsent.saturating_add(*written.as_ref().unwrap_or(&0));
        self.end_writing(written)
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.begin(&[State::Open])?;
        let flushed = self.connection.flush().await;
        self.unsent = 0;
        self.end_writing(flushed)
    }
}
