//! A connection of a call.

use core::fmt;

use embedded_io::{Error as _, ErrorKind};
use embedded_io_async::{Read, Write};

use crate::sockets::{Slot, Tcp};

/// A connection, plain or under TLS.
pub(crate) struct Connection<'s, 'd, X> {
    pub(crate) slot: &'s Slot<'d>,
    pub(crate) stream: Stream<'s, 'd, X>,
}

/// What its bytes go through.
pub(crate) enum Stream<'s, 'd, X> {
    Plain(Tcp<'s, 'd>),
    Secured(X),
}

impl<X> Connection<'_, '_, X> {
    pub(crate) const fn is_secured(&self) -> bool {
        matches!(self.stream, Stream::Secured(_))
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
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.read(buf).await,
            Stream::Secured(session) => session.read(buf).await.map_err(|error| error.kind()),
        }
    }
}

impl<X: Write> Write for Connection<'_, '_, X> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.write(buf).await,
            Stream::Secured(session) => session.write(buf).await.map_err(|error| error.kind()),
        }
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp.flush().await,
            Stream::Secured(session) => session.flush().await.map_err(|error| error.kind()),
        }
    }
}
