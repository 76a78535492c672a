//! The calls of a client, and the same calls ended by a handle.

use core::fmt;
use core::future::Future;

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
use miniwire_core::socket::{ConnectFailure, ConnectSocket, Settings};
use miniwire_core::storage::{Source, Store};
use miniwire_core::task::Task as _;
use miniwire_core::upload::Upload;

use crate::abort::AbortHandle;
use crate::client::Client;
use crate::secure::{Random, Secure};
use crate::socket::Socket;
use crate::transport::CallTransport;

impl<'s, 'd, S: Secure<'s, 'd>, const N: usize> Client<'s, 'd, S, N> {
    /// Calls `my.request` and takes the answer whole: `Ok` is `success`, `Err` is `fail`. The answer borrows the memory.
    ///
    /// Dropped, the call ends without a word, and its connection is not used again.
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, the answer; its data, too, where it is its status that
    /// failed (REQ-13). [`Reason::TooManyTasks`] where every place of the client is taken.
    pub fn request<'m>(
        &self,
        request: &Request<'_>,
        memory: Memory<'m>,
    ) -> impl Future<Output = Result<Response<'m>, Failure<'m>>> {
        self.calls(None).request(request, memory)
    }

    /// Calls `my.request` and hands the body out as it comes, in bounded memory; `dataType` is not applied (REQ-19).
    ///
    /// `on_event` may end the call by returning a reason, which is then the call's. [`Memory::head`] and
    /// [`Memory::body`] are not needed. [`Outcome::result`] says how it ended, [`Reason::TooManyTasks`] included.
    /// Dropped: as [`request`](Self::request).
    pub fn request_streamed(
        &self,
        request: &Request<'_>,
        memory: Memory<'_>,
        on_event: impl FnMut(Event<'_>) -> Result<(), Reason>,
    ) -> impl Future<Output = Outcome> {
        self.calls(None).request_streamed(request, memory, on_event)
    }

    /// Calls `my.uploadFile` with the file that `source` is, of the source's own length: `Ok` is `success`, whatever the
    /// status. [`Memory::redirect`] is not needed. `on_progress` is `onProgressUpdate`: at most once for each block
    /// written.
    ///
    /// The source is read between two awaits, so a slow one holds up the executor. Dropped: as [`request`](Self::request).
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, status and header fields. [`Reason::TooManyTasks`] where
    /// every place of the client is taken.
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
    /// it stays, nor where the future is dropped. [`Memory::body`] is not needed. `on_progress` is `onProgressUpdate`:
    /// at most once for each block that came.
    ///
    /// The store is written between two awaits, so a slow one holds up the executor. Dropped: as
    /// [`request`](Self::request), and the store is told to discard.
    ///
    /// # Errors
    /// [`Failure`], with a reason and, once a head had arrived, status and header fields. [`Reason::TooManyTasks`] where
    /// every place of the client is taken.
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
    /// of this client is the [`Rule`](miniwire_core::socket::Rule)'s: that one's next [`recv`](Socket::recv) is the Close
    /// with 1000, and no message of it is reported any more, or this one fails with code 2.
    ///
    /// Dropped, the attempt ends and its connection is closed.
    ///
    /// # Errors
    /// [`ConnectFailure`]: [`Reason::NoRandomness`], [`Reason::SocketExists`], [`Reason::TooManyTasks`] (code 1), and
    /// those of every call.
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
    /// bytes. Dropped: as there.
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
        compression: Compression<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> impl Future<Output = Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure>> {
        self.calls(None).connect_socket_compressed(connect, settings, random, memory, compression, on_open)
    }

    /// The same calls, ended by this handle, which may be aborted before, during and after one.
    pub const fn abortable<'a>(&'a self, abort: &'a AbortHandle) -> Abortable<'a, 's, 'd, S, N> {
        self.calls(Some(abort))
    }

    const fn calls<'a>(&'a self, abort: Option<&'a AbortHandle>) -> Abortable<'a, 's, 'd, S, N> {
        Abortable { client: self, abort }
    }
}

/// The calls of a client, ended by an [`AbortHandle`]. Each makes one call; a further call wants another
/// [`Client::abortable`]. Dropped futures: as the client's.
#[must_use = "it makes calls"]
pub struct Abortable<'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> {
    client: &'a Client<'s, 'd, S, N>,
    abort: Option<&'a AbortHandle>,
}

impl<'a, 's, 'd, S: Secure<'s, 'd>, const N: usize> Abortable<'a, 's, 'd, S, N> {
    /// See [`Client::request`]; dropped, too.
    ///
    /// # Errors
    /// As there.
    pub async fn request<'m>(self, request: &Request<'_>, memory: Memory<'m>) -> Result<Response<'m>, Failure<'m>> {
        let transport = self.begin(Api::Request)?;
        asynch::request(&transport, &self.client.context, request, memory).await
    }

    /// See [`Client::request_streamed`]; dropped, too.
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

    /// See [`Client::upload_file`]; dropped, too.
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

    /// See [`Client::download_file`]; dropped, too.
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
    /// the server does. Dropped: as there.
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
        let transport = self.begin_socket(connect, random)?;
        Socket::connect(transport, connect, settings, memory, on_open).await
    }

    /// See [`Client::connect_socket_compressed`]; dropped, too.
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
        compression: Compression<'m>,
        on_open: impl FnMut(Head<'_>, Option<&str>),
    ) -> Result<Socket<'m, 'a, 's, 'd, S, N>, ConnectFailure> {
        let transport = self.begin_socket(connect, random)?;
        Socket::connect_compressed(transport, connect, settings, memory, compression, on_open).await
    }

    /// One that is refused takes no place.
    fn begin_socket(
        &self,
        connect: &ConnectSocket<'_>,
        random: &'a dyn Random,
    ) -> Result<CallTransport<'a, 's, 'd, S, N>, ConnectFailure> {
        match connect.refused(&self.client.context) {
            Some(reason) => Err(ConnectFailure::new(reason)),
            None => Ok(CallTransport { random: Some(random), ..self.transport() }),
        }
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
