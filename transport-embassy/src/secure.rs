//! Where TLS comes in.

use core::convert::Infallible;

use embedded_io::ErrorKind;
use embedded_io_async::{Read, Write};
use miniwire_core::reason::Fault;

use crate::sockets::Tcp;

/// Starts TLS on a connection and verifies the peer (CTX-08).
///
/// A client refers to it for `'s`, so that a session can borrow its buffers from it.
// No `Send` bound: embassy's executors run tasks on one thread.
#[allow(async_fn_in_trait)]
pub trait Secure<'s, 'd> {
    /// The connection under TLS. Dropped, it drops the [`Tcp`] that it was given.
    ///
    /// `read` returns `Ok(0)` at the authenticated end of the stream only. A pending operation is dropped only together
    /// with the session.
    type Session: Read + Write;

    /// Shakes hands over `tcp` and verifies the peer for `host`, a name or an IP address. Dropped at any await.
    ///
    /// # Errors
    /// [`Fault::Certificate`], [`Fault::NotTls`], [`Fault::Tls`] or [`Fault::Lost`].
    async fn secure(&'s self, tcp: Tcp<'s, 'd>, host: &str) -> Result<Self::Session, Fault>;

    /// Whether the session holds bytes that it has received and not handed out. Bytes that still wait in the socket are
    /// not its business.
    fn holds_bytes(&self, session: &Self::Session) -> bool {
        let _ = session;
        false
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

    async fn secure(&'s self, _: Tcp<'s, 'd>, _: &str) -> Result<NoSession, Fault> {
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
