//! The loop over an asynchronous transport: embassy, or any executor.
//!
//! # Dropping a future
//!
//! The future of a call may be dropped at any await, before its first poll as well. Its link goes with it and is not kept;
//! buffers are the caller's again, with anything in them; a file that was begun is discarded from its store. The call ends
//! without an outcome: whoever wants one ends it through [`Transport::ended`]. A future that was dropped cannot be gone on
//! with, the call can be made again. What may be dropped of an open socket says [`Socket`].
//!
//! # A call
//!
//! ```
//! use std::cell::Cell;
//! use std::convert::Infallible;
//! use std::future::pending;
//!
//! use miniwire_core::context::Context;
//! use miniwire_core::drive::asynch::{self, Ended, Transport};
//! use miniwire_core::drive::{Memory, Route};
//! use miniwire_core::policy::Policy;
//! use miniwire_core::reason::Fault;
//! use miniwire_core::request::Request;
//! use miniwire_core::time::Instant;
//!
//! /// A stack that knows one answer.
//! struct Stack;
//! struct Link(&'static [u8]);
//!
//! impl Transport for Stack {
//!     type Link = Link;
//!     fn now(&self) -> Instant {
//!         Instant::from_millis(0)
//!     }
//!     async fn ended(&self, _until: Instant) -> Ended {
//!         pending().await // a real one waits for a timer, or for abort()
//!     }
//!     async fn connect(&self, _: &Route<'_>) -> Result<Link, Fault> {
//!         Ok(Link(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n21"))
//!     }
//!     async fn secure(&self, _: Link, _: &Route<'_>) -> Result<Link, Fault> {
//!         Err(Fault::Tls) // it has none
//!     }
//! }
//! impl embedded_io::ErrorType for Link {
//!     type Error = Infallible;
//! }
//! impl embedded_io_async::Read for Link {
//!     async fn read(&mut self, buf: &mut [u8]) -> Result<usize, Infallible> {
//!         let (now, later) = self.0.split_at(self.0.len().min(buf.len()));
//!         buf[..now.len()].copy_from_slice(now);
//!         self.0 = later;
//!         Ok(now.len())
//!     }
//! }
//! impl embedded_io_async::Write for Link {
//!     async fn write(&mut self, buf: &[u8]) -> Result<usize, Infallible> {
//!         Ok(buf.len())
//!     }
//!     async fn flush(&mut self) -> Result<(), Infallible> {
//!         Ok(())
//!     }
//! }
//!
//! async fn celsius(context: &Context<'_>) -> Option<i8> {
//!     let (mut receive, mut transmit, mut body) = ([0; 512], [0; 256], [0; 64]);
//!     let memory = Memory {
//!         receive: &mut receive,
//!         transmit: &mut transmit,
//!         redirect: &mut [],
//!         head: &mut [],
//!         body: &mut body,
//!     };
//!     let response = asynch::request(&Stack, context, &Request::new("http://sensor.local/"), memory).await.ok()?;
//!     response.json(&mut []).ok()
//! }
//! # let context = Context::new("2021000000000001", "1.0.0", Policy::development())?;
//! # let mut future = std::pin::pin!(celsius(&context));
//! # let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
//! # assert_eq!(future.as_mut().poll(&mut waker), std::task::Poll::Ready(Some(21)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod socket;

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll as Ready;

use embedded_io::{Error as _, ErrorKind};
use embedded_io_async::{Read, Write};

use super::buffer::ReceiveBuffer;
use super::content::{filled, no_content};
use super::{Memory, Route, Trace};
use crate::context::Context;
use crate::download::{self, Download, DownloadTask, Downloaded};
use crate::progress::ProgressUpdate;
use crate::reason::{Fault, Interrupt, Reason};
use crate::request::{Collect, Event, Failure, Outcome, Request, RequestTask, Response};
use crate::storage::{Source, Store};
use crate::task::{Action, Poll, Task};
use crate::time::Instant;
use crate::upload::{self, Upload, UploadTask};
pub use socket::{Socket, SocketTransport};

/// Why a wait ended before what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The deadline has passed.
    Deadline,
    /// Somebody wants the call to end.
    Interrupted(Interrupt),
}

/// An asynchronous network stack.
///
/// The link's `read` returns `Ok(0)` at the end of the stream and never before. A pending operation on a link is dropped
/// only together with the link, so operations need not be safe to cancel. Links are independent of the transport, which
/// goes on being asked for the end of the wait while a link is read.
// No `Send` bound: the executors that this is for run tasks on one thread.
#[allow(async_fn_in_trait)]
pub trait Transport {
    /// The byte stream, before and after it is made secure.
    type Link: Read + Write;

    /// The time now, on one monotonic clock.
    fn now(&self) -> Instant;

    /// Returns when `until` has come, or earlier when somebody wants the call to end. Dropped and called again freely.
    async fn ended(&self, until: Instant) -> Ended;

    /// A kept link over exactly this route, every field of it, that is believed to be alive (REQ-16); none by default. One
    /// that turns out to be dead before it has brought a byte is replaced by a fresh one, once.
    fn reuse(&self, route: &Route<'_>) -> Option<Self::Link> {
        let _ = route;
        None
    }

    /// Resolves `route.first_hop()` and opens a stream to it, trying every address. Dropped at the deadline and where the
    /// call is ended, so it may wait for ever.
    ///
    /// # Errors
    /// [`Fault::Dns`] or [`Fault::Connect`].
    async fn connect(&self, route: &Route<'_>) -> Result<Self::Link, Fault>;

    /// Starts TLS on `link` and verifies the peer for `route.host` (CTX-08). Dropped as [`connect`](Self::connect) is, and
    /// the link with it.
    ///
    /// # Errors
    /// [`Fault::Certificate`], [`Fault::NotTls`], [`Fault::Tls`] or [`Fault::Lost`]. An implementation without TLS
    /// returns [`Fault::Tls`]; it never returns the link as it was.
    async fn secure(&self, link: Self::Link, route: &Route<'_>) -> Result<Self::Link, Fault>;

    /// Whether a read of `link` would be ready at once. Asked between the pieces of a long body, so that an early answer
    /// is heard; `false` where the stack cannot tell.
    fn read_ready(&self, link: &mut Self::Link) -> bool {
        let _ = link;
        false
    }

    /// Takes back a link that can serve another exchange over the same route; drops it by default.
    fn keep(&self, route: &Route<'_>, link: Self::Link) {
        let _ = (route, link);
    }

    /// Shows what happens; ignored by default. The bytes are those of the call, decrypted, and may hold secrets.
    fn trace(&self, what: Trace<'_>) {
        let _ = what;
    }
}

impl<T: Transport> Transport for &T {
    type Link = T::Link;

    fn now(&self) -> Instant {
        T::now(self)
    }

    async fn ended(&self, until: Instant) -> Ended {
        T::ended(self, until).await
    }

    fn reuse(&self, route: &Route<'_>) -> Option<Self::Link> {
        T::reuse(self, route)
    }

    async fn connect(&self, route: &Route<'_>) -> Result<Self::Link, Fault> {
        T::connect(self, route).await
    }

    async fn secure(&self, link: Self::Link, route: &Route<'_>) -> Result<Self::Link, Fault> {
        T::secure(self, link, route).await
    }

    fn read_ready(&self, link: &mut Self::Link) -> bool {
        T::read_ready(self, link)
    }

    fn keep(&self, route: &Route<'_>, link: Self::Link) {
        T::keep(self, route, link);
    }

    fn trace(&self, what: Trace<'_>) {
        T::trace(self, what);
    }
}

/// Calls `my.request` and takes the answer whole: `Ok` is `success`, `Err` is `fail`. The answer borrows the memory.
/// Dropped: see the [module](self#dropping-a-future).
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, the answer; its data, too, where it is its status that failed
/// (REQ-13).
pub async fn request<'m, T: Transport>(
    transport: &T,
    context: &Context<'_>,
    request: &Request<'_>,
    memory: Memory<'m>,
) -> Result<Response<'m>, Failure<'m>> {
    let Memory { receive, transmit, redirect, head, body } = memory;
    let mut collect = Collect::into_memory(request.data_type, head, body);
    let mut task = RequestTask::new(context, request, redirect, transport.now());
    task.limit_to(collect.limit());
    let outcome = run(transport, task, receive, transmit, |event| collect.event(event)).await;
    collect.answer(outcome)
}

/// Calls `my.request` and hands the body out as it comes, in bounded memory; `dataType` is not applied (REQ-19).
///
/// `on_event` may end the call by returning a reason, which is then the call's; [`Reason::Aborted`] says that it was the
/// caller's wish. [`Memory::head`] and [`Memory::body`] are not needed. Dropped: see the [module](self#dropping-a-future).
pub async fn request_streamed<T: Transport>(
    transport: &T,
    context: &Context<'_>,
    request: &Request<'_>,
    memory: Memory<'_>,
    on_event: impl FnMut(Event<'_>) -> Result<(), Reason>,
) -> Outcome {
    let task = RequestTask::new(context, request, memory.redirect, transport.now()).streamed();
    run(transport, task, memory.receive, memory.transmit, on_event).await
}

/// Calls `my.uploadFile` and takes the answer whole: `Ok` is `success`, whatever the status, `Err` is `fail`.
///
/// The file is `source`, and its length the source's own, whatever `upload` says. [`Memory::redirect`] is not needed, as
/// redirects are not followed. `on_progress` is `onProgressUpdate`: at most once for each block written. Dropped: see
/// the [module](self#dropping-a-future).
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, status and header fields.
pub async fn upload<'m, T: Transport>(
    transport: &T,
    context: &Context<'_>,
    upload: &Upload<'_>,
    source: &mut impl Source,
    memory: Memory<'m>,
    on_progress: impl FnMut(ProgressUpdate),
) -> Result<Response<'m>, Failure<'m>> {
    let Memory { receive, transmit, redirect: _, head, body } = memory;
    let upload = upload.of_length(source.len());
    let mut feed = upload::Feed::new(source);
    let mut collect = upload::Collect::new(head, body, on_progress);
    let task = UploadTask::new(context, &upload, transport.now()).with_limit(collect.limit());
    let event = |event: upload::Event<'_>| collect.event(event);
    let fill = |offset, space: &mut [u8]| feed.fill(offset, space);
    let outcome = run_with_content(transport, task, receive, transmit, event, fill).await;
    collect.answer(outcome)
}

/// Calls `my.downloadFile`: `Ok` is `success`, and the file is committed to `store`; `Err` is `fail`, and nothing of it
/// stays.
///
/// [`Memory::body`] is not needed. `on_progress` is `onProgressUpdate`: at most once for each block that came. Dropped:
/// see the [module](self#dropping-a-future).
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, status and header fields.
pub async fn download<'m, T: Transport>(
    transport: &T,
    context: &Context<'_>,
    download: &Download<'_>,
    store: &mut impl Store,
    memory: Memory<'m>,
    on_progress: impl FnMut(ProgressUpdate),
) -> Result<Downloaded<'m>, Failure<'m>> {
    let Memory { receive, transmit, redirect, head, body: _ } = memory;
    let mut collect = download::Collect::new(store, head, on_progress);
    let task = DownloadTask::new(context, download, redirect, transport.now());
    let outcome = run(transport, task, receive, transmit, |event| collect.event(event)).await;
    collect.answer(outcome)
}

/// Runs a task without content of the caller's to its end. Every task ends by its [`deadline`](Task::deadline), whatever
/// the peer does; only a download's moves on. Where `receive` is below [`MIN_RECEIVE`](super::MIN_RECEIVE) or `transmit`
/// below [`MIN_TRANSMIT`](super::MIN_TRANSMIT), it is refused with [`Reason::BufferTooSmall`]; where `on_event` returns
/// a reason, with that. Dropped: see the [module](self#dropping-a-future).
pub fn run<T: Transport, K: Task>(
    transport: &T,
    task: K,
    receive: &mut [u8],
    transmit: &mut [u8],
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
) -> impl Future<Output = K::Outcome> {
    run_with_content(transport, task, receive, transmit, on_event, no_content)
}

/// As [`run`], for a task with content of the caller's, a file. `content` reads it from an offset on, at least one byte,
/// and says how many; offset 0 comes again where the content is sent anew. 0 bytes are [`Reason::FileChanged`]. Dropped:
/// see the [module](self#dropping-a-future).
// No `async fn`, whose future holds its arguments twice: as they came, and as they are used.
#[allow(clippy::manual_async_fn)]
pub fn run_with_content<T: Transport, K: Task>(
    transport: &T,
    mut task: K,
    receive: &mut [u8],
    transmit: &mut [u8],
    mut on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    mut content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> impl Future<Output = K::Outcome> {
    async move {
        let mut rx = ReceiveBuffer::new(receive);
        run_over(transport, &mut task, &mut rx, transmit, &mut on_event, &mut content).await.0
    }
}

/// The same, over a receive buffer that stays. Returns the link, too, where the task has not released it.
pub(super) async fn run_over<T: Transport, K: Task>(
    transport: &T,
    task: &mut K,
    rx: &mut ReceiveBuffer<'_>,
    transmit: &mut [u8],
    on_event: &mut impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    content: &mut impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> (K::Outcome, Option<T::Link>) {
    if !super::is_enough(rx.capacity(), transmit) {
        task.refuse(Reason::BufferTooSmall);
    }
    let mut link: Option<T::Link> = None;
    loop {
        let Poll { consumed, action } = task.poll(transport.now(), rx.filled(), transmit);
        let until = task.deadline();
        match action {
            Action::Connect { reuse } => {
                rx.clear();
                link = if reuse { transport.reuse(&task.route()) } else { None };
                let reused = link.is_some();
                if !reused {
                    let connected = race(pin!(transport.connect(&task.route())), pin!(transport.ended(until))).await;
                    match connected {
                        Ok(Ok(opened)) => link = Some(opened),
                        Ok(Err(fault)) => task.fault(fault),
                        Err(ended) => end(task, ended),
                    }
                }
                if link.is_some() {
                    transport.trace(Trace::Connected { reused });
                    // Asked for, so not misuse.
                    let _ = task.connected(reused);
                }
            }
            Action::Secure => {
                let Some(plain) = link.take() else {
                    task.fault(Fault::Lost);
                    continue;
                };
                let secured =
                    race(pin!(apart(pin!(transport.secure(plain, &task.route())))), pin!(transport.ended(until))).await;
                match secured {
                    Ok(Ok(secured)) => {
                        link = Some(secured);
                        transport.trace(Trace::Secured);
                        // Asked for, so not misuse.
                        let _ = task.secured();
                    }
                    Ok(Err(fault)) => task.fault(fault),
                    Err(ended) => end(task, ended),
                }
            }
            Action::Transmit { length, more } => {
                let (Some(link), Some(bytes)) = (&mut link, transmit.get(..length)) else {
                    task.fault(Fault::Lost);
                    continue;
                };
                transport.trace(Trace::Sent(bytes));
                let sent = race(pin!(send(link, bytes, more)), pin!(transport.ended(until))).await;
                match sent {
                    // An early answer is heard between two pieces.
                    Ok(Ok(())) if more && transport.read_ready(link) => {
                        receive_more(transport, task, link, rx).await;
                    }
                    Ok(Ok(())) => {}
                    Ok(Err(Broken)) => task.write_failed(),
                    Err(ended) => end(task, ended),
                }
            }
            Action::Read => {
                rx.consume(consumed);
                match &mut link {
                    Some(link) => receive_more(transport, task, link, rx).await,
                    None => task.fault(Fault::Lost),
                }
                continue;
            }
            Action::Event(event) => {
                if let Err(reason) = on_event(event) {
                    task.refuse(reason);
                }
            }
            Action::Fill { at, end, offset } => {
                filled(task, content(offset, transmit.get_mut(at..end).unwrap_or_default()));
            }
            Action::Continue => {}
            Action::Release { keep } => {
                rx.clear();
                if let (Some(link), true) = (link.take(), keep) {
                    transport.keep(&task.route(), link);
                }
                continue;
            }
            Action::Done(outcome) => return (outcome, link),
        }
        rx.consume(consumed);
    }
}

async fn receive_more<T: Transport, K: Task>(
    transport: &T,
    task: &mut K,
    link: &mut T::Link,
    rx: &mut ReceiveBuffer<'_>,
) {
    let space = rx.space();
    if space.is_empty() {
        return task.fault(Fault::ReceiveBufferFull);
    }
    let read = race(pin!(link.read(space)), pin!(transport.ended(task.deadline()))).await;
    match read {
        Ok(Ok(0)) => task.end_of_stream(),
        Ok(Ok(read)) => {
            transport.trace(Trace::Received(space.get(..read).unwrap_or_default()));
            rx.commit(read);
        }
        Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
        Ok(Err(_)) => task.fault(Fault::Lost),
        Err(ended) => end(task, ended),
    }
}

fn end<K: Task>(task: &mut K, ended: Ended) {
    match ended {
        Ended::Interrupted(interrupt) => task.interrupt(interrupt),
        // A wait for the deadline never ends before it, or this would leave half an operation behind.
        Ended::Deadline => task.refuse(Reason::Timeout),
    }
}

/// The same future, but polled in a function of its own. What is awaited otherwise becomes code of who awaits it, and a
/// large state, a handshake's for one, makes for long instructions there: every access to what lies far within it.
///
/// The future stays the caller's: dropping what this returns leaves it where it was.
pub fn apart<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = F::Output> {
    poll_fn(move |waker| poll_apart(future.as_mut(), waker))
}

#[inline(never)]
fn poll_apart<F: Future>(future: Pin<&mut F>, waker: &mut core::task::Context<'_>) -> Ready<F::Output> {
    future.poll(waker)
}

struct Broken;

async fn send<L: Write>(link: &mut L, bytes: &[u8], more: bool) -> Result<(), Broken> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match link.write(rest).await {
            Ok(0) => return Err(Broken),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(Broken),
        }
    }
    if more {
        return Ok(());
    }
    loop {
        match link.flush().await {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            flushed => return flushed.map_err(|_| Broken),
        }
    }
}

/// Waits for `operation`, but not beyond `ended`, which is asked first: a peer that always has more to say must not keep
/// an interrupt from being heard. Both are the caller's: an `async fn` holds what it is given twice, as it came and as it
/// is used.
async fn race<T>(
    mut operation: Pin<&mut impl Future<Output = T>>,
    mut ended: Pin<&mut impl Future<Output = Ended>>,
) -> Result<T, Ended> {
    poll_fn(|waker| match ended.as_mut().poll(waker) {
        Ready::Ready(ended) => Ready::Ready(Err(ended)),
        Ready::Pending => operation.as_mut().poll(waker).map(Ok),
    })
    .await
}

/// The same, but the operation goes first: what is done at once is done, whoever wants the end.
async fn attempt<T>(
    mut operation: Pin<&mut impl Future<Output = T>>,
    mut ended: Pin<&mut impl Future<Output = Ended>>,
) -> Result<T, Ended> {
    poll_fn(|waker| match operation.as_mut().poll(waker) {
        Ready::Ready(done) => Ready::Ready(Ok(done)),
        Ready::Pending => ended.as_mut().poll(waker).map(Err),
    })
    .await
}
