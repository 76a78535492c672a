//! The context as a client: what its calls share.

use core::cell::Cell;
use core::fmt;

use embassy_time::Duration;
use miniwire_core::can_i_use;
use miniwire_core::context::Context;
use miniwire_core::socket::{OneSocket, Rule};

use crate::abort::Calls;
use crate::kept::Kept;
use crate::secure::{NoTls, Secure};
use crate::sockets::Sockets;

/// How long a connection is kept that nothing is heard on.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// A mini program's context (CTX-01) that makes calls over `N` sockets, at most `N` at once.
///
/// Calls borrow the client, so that several tasks of one executor make calls at the same time. Dropped, it closes what it
/// has kept. With two sockets it takes about half a kilobyte.
///
/// A connection is kept for the next call over the same route (REQ-16), for 60 s unless
/// [`with_idle_limit`](Self::with_idle_limit) says otherwise; where the host's name and the proxy's have more than 96 bytes
/// together it is not.
pub struct Client<'s, 'd, S: Secure<'s, 'd>, const N: usize> {
    pub(crate) sockets: &'s Sockets<'d, N>,
    pub(crate) context: Context<'s>,
    pub(crate) secure: S,
    pub(crate) kept: Kept<'s, 'd, S::Session, N>,
    pub(crate) calls: Calls<N>,
    pub(crate) one_socket: Cell<OneSocket>,
    pub(crate) idle_limit: Option<Duration>,
}

impl<'s, 'd, const N: usize> Client<'s, 'd, NoTls, N> {
    /// Without TLS: what only a development policy and local networks can use. An `https` or `wss` URL fails with
    /// [`Reason::Tls`](miniwire_core::reason::Reason::Tls), and never goes out in plain text.
    pub fn plain(sockets: &'s Sockets<'d, N>, context: Context<'s>) -> Self {
        Self::new(sockets, context, NoTls)
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> Client<'s, 'd, S, N> {
    /// A client that keeps connections for 60 s. `secure` is a reference to a [`Tls`](crate::tls::Tls), or whatever else
    /// knows TLS.
    pub fn new(sockets: &'s Sockets<'d, N>, context: Context<'s>, secure: S) -> Self {
        Self {
            sockets,
            context,
            secure,
            kept: Kept::new(),
            calls: Calls::new(),
            one_socket: Cell::new(OneSocket::new(Rule::Replace)),
            idle_limit: Some(IDLE_LIMIT),
        }
    }

    /// What a second [`connect_socket`](Self::connect_socket) does; [`Rule::Replace`] unless this is said (SOCK-02).
    pub fn with_socket_rule(self, rule: Rule) -> Self {
        self.one_socket.set(OneSocket::new(rule));
        self
    }

    /// Keeps a connection for so long after the last word of its server, 60 s by default; `None` keeps none.
    pub const fn with_idle_limit(mut self, limit: Option<Duration>) -> Self {
        self.idle_limit = limit;
        self
    }

    /// The context.
    pub const fn context(&self) -> &Context<'s> {
        &self.context
    }

    /// `can_i_use`: whether this API, option or value is implemented (CTX-05).
    pub fn can_i_use(&self, schema: &str) -> bool {
        can_i_use::can_i_use(schema)
    }

    /// The page was unloaded: every call under way ends, with code 1, or 12 for an upload or a download, and a socket with
    /// a Close of 1001 (CTX-06). Later calls are not affected. Returns at once, also from a callback; the calls end when
    /// their futures are polled next.
    pub fn unload_page(&self) {
        self.calls.unload();
    }

    /// The context shuts down: every call under way ends as on [`unload_page`](Self::unload_page), and so does every
    /// later one (CTX-06). Kept connections are closed. May be said again, and is not taken back.
    pub fn shut_down(&self) {
        self.calls.shut_down();
        self.kept.close();
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> fmt::Debug for Client<'s, 'd, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("context", &self.context).finish_non_exhaustive()
    }
}
