//! The loops that run a task over somebody's network stack, and the traits that such a stack implements (CORE-04).
//!
//! Everything that is protocol happens in the task. A transport opens links, makes them secure, says what time it is,
//! and may keep links for reuse; nothing else is asked of it.
//!
//! | | blocking | asynchronous |
//! |---|---|---|
//! | what a network stack implements | [`Transport`], [`Link`] | [`asynch::Transport`] |
//! | for sockets, too | [`blocking::SocketTransport`] | [`asynch::SocketTransport`] |
//! | the calls | [`blocking::request`], [`request_streamed`](blocking::request_streamed), [`upload`](blocking::upload), [`download`](blocking::download) | [`asynch::request`], [`request_streamed`](asynch::request_streamed), [`upload`](asynch::upload), [`download`](asynch::download) |
//! | `my.connectSocket` | [`blocking::Socket`] | [`asynch::Socket`] |
//! | any [`Task`](crate::task::Task) | [`blocking::run`] | [`asynch::run`] |
//!
//! A callback of a call (`on_event`, `on_progress`, `on_open`) runs between two steps of it, on the thread or task of the
//! call, and holds it up for as long as it takes: its deadline goes on.

pub mod asynch;
pub mod blocking;
pub mod buffer;
mod codecs;
mod content;
mod open;

use crate::reason::{Fault, Interrupt, Reason};
pub use crate::route::Route;
use crate::socket::Message;
use crate::time::Instant;

/// The least size of a receive buffer, in bytes (CORE-05).
pub const MIN_RECEIVE: usize = 512;
/// The least size of a transmit buffer, in bytes (CORE-05).
pub const MIN_TRANSMIT: usize = 256;

/// The memory of one call; every size is the caller's choice, in bytes. What is in it before does not matter.
#[derive(Debug)]
pub struct Memory<'m> {
    /// Bytes as they come, at least [`MIN_RECEIVE`], else the call fails with [`Reason::BufferTooSmall`]. A response head
    /// must fit as a whole, else it is [`Reason::HeadTooLarge`]; a body may be of any length.
    pub receive: &'m mut [u8],
    /// Bytes as they go, at least [`MIN_TRANSMIT`], else [`Reason::BufferTooSmall`]. Longer requests go out in pieces.
    pub transmit: &'m mut [u8],
    /// For redirects: somewhat longer than the longest URL, the call's own included (see
    /// [`RequestTask::new`](crate::request::RequestTask::new)). Empty, and a redirect fails with [`Reason::BadRedirect`].
    pub redirect: &'m mut [u8],
    /// The head of the answer, kept for its header fields; one that does not fit is [`Reason::HeadTooLarge`]. Empty, and
    /// the fields are not kept.
    pub head: &'m mut [u8],
    /// The body of the answer, converted. Its size is the limit of the body: what does not fit is [`Reason::TooLarge`],
    /// before it is read where its length is stated (REQ-19).
    pub body: &'m mut [u8],
}

/// The memory of one socket; every size is the caller's choice, in bytes. What is in it before does not matter.
#[derive(Debug)]
pub struct SocketMemory<'m> {
    /// Bytes as they come, at least [`MIN_RECEIVE`], else the attempt fails with [`Reason::BufferTooSmall`]. The head of
    /// the opening handshake's answer must fit as a whole, else it is [`Reason::HeadTooLarge`].
    pub receive: &'m mut [u8],
    /// Bytes as they go, at least [`MIN_TRANSMIT`], else [`Reason::BufferTooSmall`]. Longer messages go out in fragments.
    pub transmit: &'m mut [u8],
    /// A message, put together, in the form that it is handed out in. Its size is the limit of a message (SOCK-09): a
    /// longer one is an Error with [`Reason::TooLarge`], and closes with 1009. Empty will do for `recv_streamed` alone.
    pub message: &'m mut [u8],
}

/// What a socket brings its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'m> {
    /// A whole message.
    Message(Message<'m>),
    /// `onSocketError`; the Close follows. [`Reason::socket_code`] is the code.
    Error(Reason),
    /// `onSocketClose`. Nothing follows.
    Close {
        /// As in [`Event::Close`](crate::socket::Event::Close).
        code: u16,
        /// The server's reason.
        reason: &'m str,
    },
}

/// The source of random bytes failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

const fn is_enough(receive: usize, transmit: &[u8]) -> bool {
    receive >= MIN_RECEIVE && transmit.len() >= MIN_TRANSMIT
}

/// What a loop shows a curious caller: `-v`, a log, a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trace<'a> {
    /// Bytes handed to the link.
    Sent(&'a [u8]),
    /// Bytes that the link brought.
    Received(&'a [u8]),
    /// A link is there; whether it is a kept one.
    Connected {
        /// It was kept from an earlier call.
        reused: bool,
    },
    /// TLS is up and the peer verified.
    Secured,
}

/// A byte stream of a blocking transport.
///
/// `read` returns `Ok(0)` at the end of the stream and never before. `read` and `write` fail with
/// [`ErrorKind::TimedOut`](embedded_io::ErrorKind::TimedOut) when the deadline passes (or somewhat earlier; the loop then
/// looks at the clock and tries again) and with any other kind when the link is broken. An interrupt of the transport
/// (see [`Transport::interrupted`]) makes a blocked call return within 50 ms, with any error.
pub trait Link: embedded_io::Read + embedded_io::Write {
    /// Until when later calls may block. Said anew as the call goes on, also with an earlier instant.
    fn set_deadline(&mut self, until: Instant);

    /// Whether a read would return at once. Asked between the pieces of a long body, so that an early answer is heard;
    /// `false` where the stack cannot tell.
    fn read_ready(&mut self) -> bool {
        false
    }
}

/// A blocking network stack: std sockets, an RTOS's sockets, a test's script.
pub trait Transport {
    /// The byte stream, before and after it is made secure.
    type Link: Link;

    /// The time now, on one monotonic clock.
    fn now(&mut self) -> Instant;

    /// Whether somebody wants the call to end. Asked before each step and whenever an operation fails; saying so once is
    /// enough.
    fn interrupted(&mut self) -> Option<Interrupt> {
        None
    }

    /// A kept link over exactly this route, every field of it, that is believed to be alive (REQ-16); none by default. One
    /// that turns out to be dead before it has brought a byte is replaced by a fresh one, once.
    fn reuse(&mut self, route: &Route<'_>) -> Option<Self::Link> {
        let _ = route;
        None
    }

    /// Resolves `route.first_hop()` and opens a stream to it, trying every address.
    ///
    /// # Errors
    /// [`Fault::Dns`] or [`Fault::Connect`]; any fault where the deadline passed or an interrupt came.
    fn connect(&mut self, route: &Route<'_>, until: Instant) -> Result<Self::Link, Fault>;

    /// Starts TLS on `link` and verifies the peer for `route.host` (CTX-08).
    ///
    /// # Errors
    /// [`Fault::Certificate`], [`Fault::NotTls`], [`Fault::Tls`] or [`Fault::Lost`]. An implementation without TLS
    /// returns [`Fault::Tls`]; it never returns the link as it was.
    fn secure(&mut self, link: Self::Link, route: &Route<'_>, until: Instant) -> Result<Self::Link, Fault>;

    /// Takes back a link that can serve another exchange over the same route; drops it by default.
    fn keep(&mut self, route: &Route<'_>, link: Self::Link) {
        let _ = (route, link);
    }

    /// Shows what happens; ignored by default. The bytes are those of the call, decrypted, and may hold secrets.
    fn trace(&mut self, what: Trace<'_>) {
        let _ = what;
    }
}
