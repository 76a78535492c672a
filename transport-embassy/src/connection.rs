//! A connection of a call.

use core::fmt;

use embedded_io::{Error as _, ErrorKind};
use embedded_io_async::{Read, Write};

use crate::sockets::{Slot, Tcp, User};

/// A connection, plain or under TLS.
pub(crate) enum Connection<'s, 'd, X> {
    Plain(Tcp<'s, 'd>),
    Secured(X, User<'s, 'd>),
}

impl<'s, 'd, X> Connection<'s, 'd, X> {
    pub(crate) fn slot(&self) -> &'s Slot<'d> {
        match self {
            Self::Plain(tcp) => tcp.slot(),
            Self::Secured(_, User(slot)) => slot,
        }
    }

    pub(crate) const fn is_secured(&self) -> bool {
        matches!(self, Self::Secured(..))
    }
}

impl<X> fmt::Debug for Connection<'_, '_, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl<X> embedded_io::ErrorType for Connection<'_, '_, X> {
    type Error = ErrorKind;
}

impl<X: Read> Read for Connection<'_, '_, X> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Plain(tcp) => tcp.read(buf).await,
            Self::Secured(session, _) => session.read(buf).await.map_err(|error| error.kind()),
        }
    }
}

impl<X: Write> Write for Connection<'_, '_, X> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        match self {
            Self::Plain(tcp) => tcp.write(buf).await,
            Self::Secured(session, _) => session.write(buf).await.map_err(|error| error.kind()),
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        match self {
            Self::Plain(tcp) => tcp.flush().await,
            Self::Secured(session, _) => session.flush().await.map_err(|error| error.kind()),
        }
    }
}
