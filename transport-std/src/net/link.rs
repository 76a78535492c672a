//! The byte stream that a task talks over: a socket, plain or under TLS.

use std::io::{Read, Write};
use std::sync::Arc;

use embedded_io::{ErrorKind, ErrorType};
use miniwire_core::drive::{Link, Route};
use miniwire_core::reason::Fault;
use miniwire_core::time::Instant;
use rustls::ClientConfig;

use super::duplex::DuplexLink;
use super::interrupt::{Interrupted, Switch};
use super::key::Key;
use super::socket::Socket;
use super::tls::Tls;

/// A blocking link over std sockets.
pub(crate) struct NetLink {
    socket: Socket,
    tls: Option<Box<Tls>>,
    // Made once, so that keeping and reusing the link allocates nothing.
    key: Key,
}

impl NetLink {
    /// A plain link to the first hop of `route`.
    pub(crate) fn new(socket: Socket, route: &Route<'_>) -> Self {
        Self { socket, tls: None, key: Key::from(route) }
    }

    /// The same link under TLS, the peer verified for `host`.
    pub(crate) fn secure(mut self, config: &Arc<ClientConfig>, host: &str) -> Result<Self, Fault> {
        if self.tls.is_some() {
            return Err(Fault::Tls);
        }
        self.tls = Some(Box::new(Tls::handshake(config, host, &mut self.socket)?));
        Ok(self)
    }

    /// Whether the link was opened for exactly this route, and is secure if and only if the route is.
    pub(crate) fn serves(&self, route: &Route<'_>) -> bool {
        self.key.is(route) && self.tls.is_some() == route.secure
    }

    /// What the link was opened for.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// See [`Socket::attach`].
    pub(crate) fn attach(&mut self, call: &Arc<Switch>) -> Result<(), Interrupted> {
        self.socket.attach(call)
    }

    /// See [`Socket::detach`].
    pub(crate) fn detach(&mut self) -> Result<(), Interrupted> {
        self.socket.detach()
    }

    /// The same link without blocking, its call ended. What was read ahead stays with it.
    ///
    /// # Errors
    /// Where the system refuses.
    pub(crate) fn into_duplex(mut self) -> std::io::Result<DuplexLink> {
        DuplexLink::new(self.socket.share()?, self.tls.take().map(|tls| *tls))
    }

    /// Whether bytes that nobody asked for, an end or an error have been read already. Costs no system call.
    pub(crate) fn has_unread(&mut self) -> bool {
        self.tls.as_mut().is_some_and(|tls| tls.has_unread(&mut self.socket))
    }
}

impl ErrorType for NetLink {
    type Error = ErrorKind;
}

impl embedded_io::Read for NetLink {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ErrorKind> {
        if buf.is_empty() {
            return Ok(0);
        }
        match &mut self.tls {
            Some(tls) => tls.read(&mut self.socket, buf).map_err(Into::into),
            None => self.socket.read(buf).map_err(|error| error.kind().into()),
        }
    }
}

impl embedded_io::Write for NetLink {
    fn write(&mut self, buf: &[u8]) -> Result<usize, ErrorKind> {
        if buf.is_empty() {
            return Ok(0);
        }
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.socket, buf).map_err(Into::into),
            None => self.socket.write(buf).map_err(|error| error.kind().into()),
        }
    }

    fn flush(&mut self) -> Result<(), ErrorKind> {
        self.tls.as_mut().map_or(Ok(()), |tls| tls.flush(&mut self.socket).map_err(Into::into))
    }
}

impl Link for NetLink {
    fn set_deadline(&mut self, until: Instant) {
        self.socket.set_deadline(until);
    }

    fn read_ready(&mut self) -> bool {
        match &mut self.tls {
            Some(tls) => tls.read_ready(&mut self.socket),
            None => self.socket.readable(),
        }
    }
}

impl Drop for NetLink {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls
            && !self.socket.interrupted()
        {
            tls.close(&self.socket);
        }
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
