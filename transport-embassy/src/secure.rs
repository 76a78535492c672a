//! Where TLS comes in, and randomness.

use core::cell::RefCell;
use core::convert::Infallible;
use core::task::Waker;

use embedded_io::ErrorKind;
use embedded_io_async::{Read, Write};
use miniwire_core::drive::NoRandomness;
use miniwire_core::reason::Fault;
use rand_core::CryptoRngCore;

use crate::link::Link;
use crate::sockets::Tcp;

/// Starts TLS on a connection and verifies the peer (CTX-08). [`Tls`](crate::tls::Tls) does; a reference to it is what a
/// client takes.
// No `Send` bound: embassy's executors run tasks on one thread.
#[allow(async_fn_in_trait)]
pub trait Secure<'s, 'd> {
    /// The connection under TLS. Dropped, it ends the connection that it was made of.
    ///
    /// `read` returns `Ok(0)` at the authenticated end of the stream only. A pending operation is dropped only together
    /// with the session.
    type Session: Link;

    /// Shakes hands over `tcp` and verifies the peer for `host`, a name or an IP address. Dropped at any await, where the
    /// deadline has come or the call is ended; the connection is to go with it.
    ///
    /// # Errors
    /// [`Fault::Certificate`], [`Fault::NotTls`], [`Fault::Tls`] or [`Fault::Lost`].
    async fn secure(&self, tcp: Tcp<'s, 'd>, host: &str) -> Result<Self::Session, Fault>;

    /// Whether there is memory for one more session. If not, the waker is woken when there may be: kept sessions make way
    /// first, and then the call waits, not beyond its deadline.
    fn is_free(&self, waker: &Waker) -> bool {
        let _ = waker;
        true
    }

    /// Whether a read would return at once: the session holds bytes that it has decrypted and not handed out, or has ended.
    /// Bytes that still wait in the socket are not its business; a session ticket is nothing to read. `false` where that is
    /// not known: an early answer to an upload is then heard at its end, or when it stalls.
    fn holds_bytes(&self, session: &Self::Session) -> bool {
        let _ = session;
        false
    }
}

/// A source of random bytes that several share: [`Tls`](crate::tls::Tls), or any generator in a [`RefCell`].
pub trait Random {
    /// Fills `bytes` so that nobody else can predict them.
    ///
    /// # Errors
    /// [`NoRandomness`] where that cannot be done.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

impl<R: CryptoRngCore> Random for RefCell<R> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let mut rng = self.try_borrow_mut().map_err(|_| NoRandomness)?;
        rng.try_fill_bytes(bytes).map_err(|_| NoRandomness)
    }
}

/// No TLS: `https` fails with [`Fault::Tls`].
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTls;

/// A session that there is none of.
#[derive(Clone, Copy, Debug)]
pub struct NoSession(Infallible);

impl<'s, 'd> Secure<'s, 'd> for NoTls {
    type Session = NoSession;

    async fn secure(&self, _: Tcp<'s, 'd>, _: &str) -> Result<NoSession, Fault> {
        Err(Fault::Tls)
    }
}

impl embedded_io::ErrorType for NoSession {
    type Error = ErrorKind;
}

impl Read for NoSession {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, ErrorKind> {
        match self.0 {}
    }
}

impl Write for NoSession {
    async fn write(&mut self, _: &[u8]) -> Result<usize, ErrorKind> {
        match self.0 {}
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        match self.0 {}
    }
}

impl Link for NoSession {
    async fn readable(&mut self) {
        match self.0 {}
    }
}
