//! The connection under hyper, shared with the handlers.
//!
//! hyper neither writes malformed bytes nor shows a request head as it was spelt. So a handler can write to the
//! connection itself before hyper does, choose how it ends, and see the bytes of the head as they arrived.

use std::{
    fmt,
    future::poll_fn,
    io, mem,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::server::TlsStream;

use super::body::{Piece, Pieces};

/// The longest head that is kept for `raw_target` and `raw_headers`.
const LONGEST_HEAD: usize = 1 << 20;

/// How long a closed connection waits for the peer to say something more, or to close.
const LINGER: Duration = Duration::from_secs(2);

pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How a connection ends after an answer that a handler wrote itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It does not: it is kept alive.
    Keep,
    /// The orderly way: `close_notify` where there is TLS, then FIN.
    Close,
    /// FIN without `close_notify`, as an attacker can fake it. Without TLS the same as [`Ending::Close`].
    Cut,
    /// RST.
    Reset,
}

/// A handle on the connection. hyper has one, and so does the handler that runs; both belong to one task.
#[derive(Clone)]
pub(super) struct Link(Arc<Mutex<Wire>>);

struct Wire {
    stream: Stream,
    head: Vec<u8>,
    recording: bool,
}

impl Link {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Arc::new(Mutex::new(Wire { stream, head: Vec::new(), recording: true })))
    }

    /// From here on, what arrives is the next request's head.
    pub(super) fn record_head(&self) {
        let mut wire = self.wire();
        wire.head.clear();
        wire.recording = true;
    }

    /// The bytes of the last head, blank line included; nothing if they were not seen as a whole.
    pub(super) fn take_head(&self) -> Vec<u8> {
        let mut wire = self.wire();
        if mem::replace(&mut wire.recording, false) { Vec::new() } else { mem::take(&mut wire.head) }
    }

    /// Writes `pieces` to the connection, past hyper.
    pub(super) async fn write(&mut self, pieces: Pieces) -> io::Result<()> {
        for piece in pieces {
            match piece {
                Piece::Data(bytes) => self.write_all(&bytes).await?,
                Piece::Pause(time) => {
                    self.flush().await?;
                    sleep(time).await;
                }
            }
        }
        self.flush().await
    }

    /// Ends the connection. What the peer still sends is read for a while, because closing a socket with unread bytes
    /// resets it, and a reset can overtake the answer.
    pub(super) async fn end(mut self, ending: Ending) {
        match ending {
            Ending::Keep => return,
            Ending::Reset => return drop(self.wire().tcp().set_zero_linger()),
            Ending::Close => drop(self.shutdown().await),
            Ending::Cut => drop(poll_fn(|cx| pin!(self.wire().tcp()).poll_shutdown(cx)).await),
        }
        let mut scrap = [0; 4096];
        while let Ok(Ok(1..)) = timeout(LINGER, self.read(&mut scrap)).await {}
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wire {
    fn tcp(&mut self) -> &mut TcpStream {
        match &mut self.stream {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_mut().0,
        }
    }

    fn record(&mut self, bytes: &[u8]) {
        if !self.recording {
            return;
        }
        let unsearched = self.head.len().saturating_sub(3);
        self.head.extend_from_slice(bytes);
        let blank_line = self.head.get(unsearched..).and_then(|new| new.windows(4).position(|w| w == b"\r\n\r\n"));
        if let Some(at) = blank_line {
            self.head.truncate(unsearched + at + 4);
            self.recording = false;
        }
        self.head.truncate(LONGEST_HEAD);
    }
}

impl AsyncRead for Link {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (mut wire, before) = (self.wire(), buf.filled().len());
        let polled = match &mut wire.stream {
            Stream::Plain(tcp) => pin!(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => pin!(tls).poll_read(cx, buf),
        };
        wire.record(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl AsyncWrite for Link {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.wire().stream {
            Stream::Plain(tcp) => pin!(tcp).poll_write(cx, bytes),
            Stream::Tls(tls) => pin!(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire().stream {
            Stream::Plain(tcp) => pin!(tcp).poll_flush(cx),
            Stream::Tls(tls) => pin!(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.wire().stream {
            Stream::Plain(tcp) => pin!(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => pin!(tls).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.wire().stream {
            Stream::Plain(tcp) => pin!(tcp).poll_write_vectored(cx, slices),
            Stream::Tls(tls) => pin!(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a handler took the connection over: {self:?}")
    }
}

impl std::error::Error for Ending {}
