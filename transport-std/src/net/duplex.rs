//! A link that never blocks: both directions at once, for the socket.

use std::io::{self, BufRead, ErrorKind, Read, Write};

use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::ClientConnection;

use super::tls::{ReadAhead, Tls};

/// Ciphertext that may wait for the socket. rustls takes no more plaintext beyond it.
const TLS_BACKLOG: usize = 64 * 1024;

/// A connected stream, plain or under TLS. [`ErrorKind::WouldBlock`] says that the operation is to be tried again once the
/// stream is ready for it.
pub(crate) struct DuplexLink {
    stream: TcpStream,
    tls: Option<Box<DuplexTls>>,
}

struct DuplexTls {
    connection: ClientConnection,
    ahead: ReadAhead,
    broken: bool,
}

impl DuplexLink {
    /// Takes over a blocking stream, with the TLS that is up on it.
    ///
    /// # Errors
    /// Where the stream cannot be had without blocking.
    pub(super) fn new(stream: std::net::TcpStream, tls: Option<Tls>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let tls = tls.map(|tls| {
            let (mut connection, mut ahead, broken) = tls.into_parts();
            ahead.free();
            connection.set_buffer_limit(Some(TLS_BACKLOG));
            Box::new(DuplexTls { connection, ahead, broken })
        });
        Ok(Self { stream: TcpStream::from_std(stream), tls })
    }

    /// Reads plaintext. `Ok(0)` is the orderly end: under TLS only after the peer's close_notify, an end without it is
    /// [`ErrorKind::ConnectionReset`] (RFC 8446 section 6.1).
    pub(crate) fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => patiently(|| self.stream.read(buf)),
            Some(tls) => tls.read(&mut self.stream, buf),
        }
    }

    /// Takes bytes to be sent, at least one. What was taken leaves with [`flush`](Self::flush).
    pub(crate) fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            None => patiently(|| self.stream.write(buf)),
            Some(tls) => match tls.connection.writer().write(buf)? {
                // Too much ciphertext waits.
                0 if !buf.is_empty() => {
                    tls.flush(&mut self.stream)?;
                    tls.connection.writer().write(buf).and_then(|taken| match taken {
                        0 => Err(ErrorKind::WouldBlock.into()),
                        taken => Ok(taken),
                    })
                }
                taken => Ok(taken),
            },
        }
    }

    /// Sends what was taken, as far as the stream takes it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.tls.as_mut().map_or(Ok(()), |tls| tls.flush(&mut self.stream))
    }

    /// Says goodbye, as far as the stream takes it without waiting: TLS's close_notify.
    pub(crate) fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.connection.send_close_notify();
            let _ = tls.flush(&mut self.stream);
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        // Edge triggered: whoever waits has been told WouldBlock before, in both directions.
        self.stream.register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }
}

impl DuplexTls {
    fn read(&mut self, stream: &mut TcpStream, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().fill_buf() {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Ok(_) => return self.connection.reader().read(buf),
                Err(error) => return Err(error),
            }
            if self.broken {
                return Err(ErrorKind::InvalidData.into());
            }
            if self.ahead.is_empty() {
                match self.ahead.fill(|buf| patiently(|| stream.read(buf))) {
                    Ok(0) => return Err(ErrorKind::ConnectionReset.into()),
                    Ok(_) => {}
                    Err(error) => {
                        // An idle connection costs no memory for what may come.
                        self.ahead.free();
                        return Err(error);
                    }
                }
            }
            if self.ahead.pass_to(&mut self.connection).is_err() {
                self.broken = true;
            }
            // The alert that says why, or the answer to a key update.
            if self.connection.wants_write() {
                match self.flush(stream) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock && !self.broken => return Err(error),
                    _ => {}
                }
            }
        }
    }

    fn flush(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        while self.connection.wants_write() {
            patiently(|| self.connection.write_tls(stream))?;
        }
        Ok(())
    }
}

/// Again where a signal came between.
fn patiently(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
