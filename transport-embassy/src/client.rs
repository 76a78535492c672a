//! The context as a client: what calls share, and how one call runs.

use core::cell::Cell;
use core::fmt;
use core::future::Future;

use embassy_time::Duration;
use miniwire_core::can_i_use;
use miniwire_core::context::Context;
use miniwire_core::download::{Download, Downloaded};
use miniwire_core::drive::asynch::{self, Transport as _};
use miniwire_core::drive::{Memory, SocketMemory};
use miniwire_core::http::head::Head;
use miniwire_core::policy::Api;
use miniwire_core::progress::ProgressUpdate;
use miniwire_core::reason::Reason;
use miniwire_core::request::{Event, Failure, Outcome, Request, RequestTask, Response};
#[cfg(feature = "permessage-deflate")]
use miniwire_core::socket::Compression;
use miniwire_core::socket::{ConnectFailure, ConnectSocket, OneSocket, Rule, Settings};
use miniwire_core::storage::{Source, Store};
use miniwire_core::task::Task as _;
use miniwire_core::upload::Upload;

use crate::abort::{AbortHandle, Calls};
use crate::kept::Kept;
use crate::secure::{NoTls, Random, Secure};
use crate::socket::Socket;
use crate::sockets::Sockets;
use crate::transport::CallTransport;

/// How long a connection is kept that nothing is heard on.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// A mini program's context (CTX-01) that makes calls over `N` sockets, at most `N` at once.
///
/// Calls borrow the client, so that several tasks make calls at the same time. Dropped, it closes what it has kept.
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
    /// Without TLS: what only a development policy and local networks can use.
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

    /// Keeps a connection for so long after the last word of its server; `None` keeps none.
    pub const fn with_idle_limit(mut self, limit: Option<Duration>) -> Self {
        self.idle_limit = limit;
        self
    }

    /// The context.
    pub const fn context(&self) -> &Context<'s> {
        &self.context
    }

    /// Calls `my.request` and takes the answer whole: `Ok` is `success`, `Err` is `fail`.
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, the answer.
    pub fn request<'m>(
        &self,
        request: &Request<'_>,
        memory: Memory<'m>,
    ) -> impl Future<Output = Result<Response<'m>, Failure<'m>>> {
        self.calls(None).request(request, memory)
    }

    /// Calls `my.request` and hands the body out as it comes, in bounded memory; `dataType` is not applied (REQ-19).
    ///
    /// `on_event` may end the call by returning a reason.
    pub fn request_streamed(
        &self,
        request: &Request<'_>,
        memory: Memory<'_>,
        on_event: impl FnMut(Event<'_>) -> Result<(), Reason>,
    ) -> impl Future<Output = Outcome> {
        self.calls(None).request_streamed(request, memory, on_event)
    }

    /// Calls `my.uploadFile` with the file that `source` is, of the source's own length: `Ok` is `success`, whatever the
    /// status. [`Memory::redirect`] is not needed. `on_progress` is `onProgressUpdate`.
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, status and header fields.
    pub fn upload_file<'m>(
        &self,
        upload: &Upload<'_>,
        source: &mut impl Source,
        memory: Memory<'m>,
        on_progress: impl FnMut(ProgressUpdate),
    ) -> impl Future<Output = Result<Response<'m>, Failure<'m>>> {
        self.calls(None).upload_file(upload, source, memory, on_progress)
    }

    /// Calls `my.downloadFile`: `Ok` is `success`, and the file is committed to `store`; `Err` is `fail`, and nothing of
    /// it stays, nor where the future is dropped. [`Memory::body`] is not needed. `on_progress` is `onProgressUpdate`.
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, status and header fields.
    pub fn download_file<'m>(
        &self,
        download: &Download<'_>,
        store: &mut impl Store,
        memory: Memory<'m>,
        on_progress: impl FnMut(ProgressUpdate),
    ) -> impl Future<Output = Result<Downloaded<'m>, Failure<'m>>> {
        self.calls(None).download_file(download, store, memory, on_progress)
    }

    /// Calls `my.connectSocket` and returns once the socket is open. `random` is the source of keys and masks (RFC 6455
    /// section 10.3), also without TLS. `on_open` is `onSocketOpen`: the answer's head, and the subprotocol that the
    /// server chose.
    ///
    /// The socket keeps one of the client's places and one TCP socket until it is dropped. What it does to an earlier one
    /// of this client is the [`Rule`]'s: that one's next [`recv`](Socket::recv) is the Close with 1000, and no message of
    /// it is reported any more, or this one fails with code 2.
    ///
    /// # Errors
    /// [`ConnectFailure`]: [`Reason::NoRandomness`], [`Reason::SocketExists`], and those of every call.
    pub fn connect_socket<'a, 'm>(
        &'a self,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        random: &'a dyn Random,
        memory: SocketMemory<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> impl Future<Output = Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure>> {
        self.calls(None).connect_socket(connect, settings, random, memory, on_open)
    }

    /// As [`connect_socket`](Self::connect_socket), with an offer to compress the messages (RFC 7692) in memory of the
    /// caller's. Whether they are is up to the server; nothing else is different. The memory of a message limits its plain
    /// bytes.
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub fn connect_socket_compressed<'a, 'm>(
        &'a self,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        random: &'a dyn Random,
        memory: SocketMemory<'m>,
        compression: &'m mut Compression<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> impl Future<Output = Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure>> {
        self.calls(None).connect_socket_compressed(connect, settings, random, memory, compression, on_open)
    }

    /// The same calls, ended by this handle.
    pub const fn abortable<'a>(&'a self, abort: &'a AbortHandle) -> Abortable<'a, 's, 'd, S, N> {
        self.calls(Some(abort))
    }

    /// `can_i_use`: whether this API, option or value is implemented (CTX-05).
    pub fn can_i_use(&self, schema: &str) -> bool {
        can_i_use::can_i_use(schema)
    }

    /// The page was unloaded: every call under way ends, with code 1, or 12 for an upload or a download, and a socket with
    /// a Close of 1001 (CTX-06). Later
    /// calls are not affected.
    pub fn unload_page(&self) {
        self.calls.unload();
    }

    /// The context shuts down: every call under way ends as on [`unload_page`](Self::unload_page), and so does every
    /// later one (CTX-06). Kept connections are closed.
    pub fn shut_down(&self) {
        self.calls.shut_down();
        self.kept.close();
    }

    const fn calls<'a>(&'a self, abort: Option<&'a AbortHandle>) -> Abortable<'a, 's, 'd, S, N> {
        Abortable { client: self, abort }
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> fmt::Debug for Client<'s, 'd, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("context", &self.context).finish_non_exhaustive()
    }
}

/// The calls of a client, ended by an [`AbortHandle`].
#[must_use = "it makes calls"]
pub struct Abortable<'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> {
    client: &'a Client<'s, 'd, S, N>,
    abort: Option<&'a AbortHandle>,
}

impl<'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> Abortable<'a, 's, 'd, S, N> {
    /// See [`Client::request`].
    ///
    /// # Errors
    /// As there.
    pub async fn request<'m>(self, request: &Request<'_>, memory: Memory<'m>) -> Result<Response<'m>, Failure<'m>> {
        let transport = self.begin(Api::Request)?;
        asynch::request(&transport, &self.client.context, request, memory).await
    }

    /// See [`Client::request_streamed`].
    pub async fn request_streamed(
        self,
        request: &Request<'_>,
        memory: Memory<'_>,
        on_event: impl FnMut(Event<'_>) -> Result<(), Reason>,
    ) -> Outcome {
        let transport = self.transport();
        let mut task = RequestTask::new(&self.client.context, request, memory.redirect, transport.now()).streamed();
        if transport.under_way.is_none() {
            task.refuse(Reason::TooManyTasks);
        }
        asynch::run(&transport, task, memory.receive, memory.transmit, on_event).await
    }

    /// See [`Client::upload_file`].
    ///
    /// # Errors
    /// As there.
    pub async fn upload_file<'m>(
        self,
        upload: &Upload<'_>,
        source: &mut impl Source,
        memory: Memory<'m>,
        on_progress: impl FnMut(ProgressUpdate),
    ) -> Result<Response<'m>, Failure<'m>> {
        let transport = self.begin(Api::UploadFile)?;
        asynch::upload(&transport, &self.client.context, upload, source, memory, on_progress).await
    }

    /// See [`Client::download_file`].
    ///
    /// # Errors
    /// As there.
    pub async fn download_file<'m>(
        self,
        download: &Download<'_>,
        store: &mut impl Store,
        memory: Memory<'m>,
        on_progress: impl FnMut(ProgressUpdate),
    ) -> Result<Downloaded<'m>, Failure<'m>> {
        let transport = self.begin(Api::DownloadFile)?;
        asynch::download(&transport, &self.client.context, download, store, memory, on_progress).await
    }

    /// See [`Client::connect_socket`]. `abort` ends the attempt, and the open socket as `closeSocket` without waiting for
    /// the server does.
    ///
    /// # Errors
    /// As there.
    pub async fn connect_socket<'m>(
        self,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        random: &'a dyn Random,
        memory: SocketMemory<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure> {
        let transport = CallTransport { random: Some(random), ..self.transport() };
        Socket::connect(transport, connect, settings, memory, on_open).await
    }

    /// See [`Client::connect_socket_compressed`].
    ///
    /// # Errors
    /// As there.
    #[cfg(feature = "permessage-deflate")]
    pub async fn connect_socket_compressed<'m>(
        self,
        connect: &ConnectSocket<'_>,
        settings: Settings,
        random: &'a dyn Random,
        memory: SocketMemory<'m>,
        compression: &'m mut Compression<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure> {
        let transport = CallTransport { random: Some(random), ..self.transport() };
        Socket::connect_compressed(transport, connect, settings, memory, compression, on_open).await
    }

    fn begin(&self, api: Api) -> Result<CallTransport<'a, 's, 'd, S, N>, Failure<'static>> {
        let transport = self.transport();
        match transport.under_way {
            Some(_) => Ok(transport),
            None => Err(Failure { api, reason: Reason::TooManyTasks, response: None }),
        }
    }

    fn transport(&self) -> CallTransport<'a, 's, 'd, S, N> {
        CallTransport { client: self.client, abort: self.abort, under_way: self.client.calls.begin(), random: None }
    }
}

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> fmt::Debug for Abortable<'_, 's, 'd, S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abortable").finish_non_exhaustive()
    }
}
