//! The loop over a blocking transport.
//!
//! Each function returns by the deadline of its call (a download: when nothing has come for
//! [`Limits::download_idle`](crate::context::Limits::download_idle)), provided that the transport keeps its word on
//! deadlines; or earlier, within 50 ms, where [`Transport::interrupted`] says so. The crate's first page has a whole
//! call.

mod socket;

use embedded_io::{Error as _, ErrorKind, Read as _, Write as _};

use super::buffer::ReceiveBuffer;
use super::content::{filled, no_content};
use super::{Link, Memory, Trace, Transport};
use crate::context::Context;
use crate::download::{self, Download, DownloadTask, Downloaded};
use crate::progress::ProgressUpdate;
use crate::reason::{Fault, Reason};
use crate::request::{Collect, Failure, Outcome, Request, RequestTask, Response};
use crate::storage::{Source, Store};
use crate::task::{Action, Poll, Task};
use crate::upload::{self, Upload, UploadTask};
pub use socket::{Socket, SocketTransport, open_socket};

/// Calls `my.request` and takes the answer whole: `Ok` is `success`, `Err` is `fail`. The answer borrows the memory.
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, the answer; its data, too, where it is its status that failed
/// (REQ-13).
pub fn request<'m, T: Transport>(
    transport: &mut T,
    context: &Context<'_>,
    request: &Request<'_>,
    memory: Memory<'m>,
) -> Result<Response<'m>, Failure<'m>> {
    let Memory { receive, transmit, redirect, head, body } = memory;
    let mut collect = Collect::into_memory(request.data_type, head, body);
    let mut task = RequestTask::new(context, request, redirect, transport.now());
    task.limit_to(collect.limit());
    let outcome = run(transport, task, receive, transmit, |event| collect.event(event));
    collect.answer(outcome)
}

/// Calls `my.request` and hands the body out as it comes, in bounded memory; `dataType` is not applied (REQ-19).
///
/// `on_event` may end the call by returning a reason, which is then the call's; [`Reason::Aborted`] says that it was the
/// caller's wish. [`Memory::head`] and [`Memory::body`] are not needed.
///
/// ```
/// # use miniwire_core::context::Context;
/// # use miniwire_core::drive::{Link, Memory, Route, Transport, blocking};
/// # use miniwire_core::policy::Policy;
/// # use miniwire_core::reason::Fault;
/// # use miniwire_core::request::{Event, Request};
/// # use miniwire_core::time::Instant;
/// # struct Stack;
/// # struct Socket(&'static [u8]);
/// # impl Transport for Stack {
/// #     type Link = Socket;
/// #     fn now(&mut self) -> Instant { Instant::from_millis(0) }
/// #     fn connect(&mut self, _: &Route<'_>, _: Instant) -> Result<Socket, Fault> {
/// #         Ok(Socket(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"))
/// #     }
/// #     fn secure(&mut self, link: Socket, _: &Route<'_>, _: Instant) -> Result<Socket, Fault> { Ok(link) }
/// # }
/// # impl Link for Socket { fn set_deadline(&mut self, _: Instant) {} }
/// # impl embedded_io::ErrorType for Socket { type Error = std::convert::Infallible; }
/// # impl embedded_io::Read for Socket {
/// #     fn read(&mut self, mut buf: &mut [u8]) -> Result<usize, Self::Error> {
/// #         let n = self.0.len().min(buf.len());
/// #         buf[..n].copy_from_slice(&self.0[..n]);
/// #         self.0 = &self.0[n..];
/// #         Ok(n)
/// #     }
/// # }
/// # impl embedded_io::Write for Socket {
/// #     fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> { Ok(buf.len()) }
/// #     fn flush(&mut self) -> Result<(), Self::Error> { Ok(()) }
/// # }
/// # let (mut stack, context) = (Stack, Context::new("2021000000000001", "1.0.0", Policy::development())?);
/// let (mut receive, mut transmit) = ([0; 512], [0; 256]);
/// let memory = Memory {
///     receive: &mut receive,
///     transmit: &mut transmit,
///     redirect: &mut [],
///     head: &mut [],
///     body: &mut [],
/// };
/// let mut length = 0;
/// let outcome = blocking::request_streamed(&mut stack, &context, &Request::new("http://device.local/log"), memory, |event| {
///     if let Event::Body(bytes) = event {
///         length += bytes.len(); // to flash, to a hash, to a screen
///     }
///     Ok(()) // or a reason to end the call
/// });
/// assert_eq!((outcome.result, outcome.status, length), (Ok(()), Some(200), 11));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn request_streamed<T: Transport>(
    transport: &mut T,
    context: &Context<'_>,
    request: &Request<'_>,
    memory: Memory<'_>,
    on_event: impl FnMut(crate::request::Event<'_>) -> Result<(), Reason>,
) -> Outcome {
    let task = RequestTask::new(context, request, memory.redirect, transport.now()).streamed();
    run(transport, task, memory.receive, memory.transmit, on_event)
}

/// Calls `my.uploadFile` and takes the answer whole: `Ok` is `success`, whatever the status, `Err` is `fail`.
///
/// The file is `source`, and its length the source's own, whatever `upload` says. [`Memory::redirect`] is not needed, as
/// redirects are not followed. `on_progress` is `onProgressUpdate`: at most once for each block written.
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, status and header fields.
pub fn upload<'m, T: Transport>(
    transport: &mut T,
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
    let outcome = run_with_content(transport, task, receive, transmit, event, fill);
    collect.answer(outcome)
}

/// Calls `my.downloadFile`: `Ok` is `success`, and the file is committed to `store`; `Err` is `fail`, and nothing of it
/// stays.
///
/// [`Memory::body`] is not needed. `on_progress` is `onProgressUpdate`: at most once for each block that came.
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, status and header fields.
pub fn download<'m, T: Transport>(
    transport: &mut T,
    context: &Context<'_>,
    download: &Download<'_>,
    store: &mut impl Store,
    memory: Memory<'m>,
    on_progress: impl FnMut(ProgressUpdate),
) -> Result<Downloaded<'m>, Failure<'m>> {
    let Memory { receive, transmit, redirect, head, body: _ } = memory;
    let mut collect = download::Collect::new(store, head, on_progress);
    let task = DownloadTask::new(context, download, redirect, transport.now());
    let outcome = run(transport, task, receive, transmit, |event| collect.event(event));
    collect.answer(outcome)
}

/// Runs a task without content of the caller's to its end. Every task ends by its [`deadline`](Task::deadline), whatever
/// the peer does; only a download's moves on. Where `receive` is below [`MIN_RECEIVE`](super::MIN_RECEIVE) or `transmit`
/// below [`MIN_TRANSMIT`](super::MIN_TRANSMIT), it is refused with [`Reason::BufferTooSmall`]; where `on_event` returns
/// a reason, with that.
pub fn run<T: Transport, K: Task>(
    transport: &mut T,
    task: K,
    receive: &mut [u8],
    transmit: &mut [u8],
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
) -> K::Outcome {
    run_with_content(transport, task, receive, transmit, on_event, no_content)
}

/// As [`run`], for a task with content of the caller's, a file. `content` reads it from an offset on, at least one byte,
/// and says how many; offset 0 comes again where the content is sent anew. 0 bytes are [`Reason::FileChanged`].
pub fn run_with_content<T: Transport, K: Task>(
    transport: &mut T,
    task: K,
    receive: &mut [u8],
    transmit: &mut [u8],
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> K::Outcome {
    let mut rx = ReceiveBuffer::new(receive);
    run_over(transport, task, &mut rx, transmit, on_event, content).0
}

/// The same, over a receive buffer that stays. Returns the link, too, where the task has not released it.
pub(super) fn run_over<T: Transport, K: Task>(
    transport: &mut T,
    mut task: K,
    rx: &mut ReceiveBuffer<'_>,
    transmit: &mut [u8],
    mut on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    mut content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> (K::Outcome, Option<T::Link>) {
    if !super::is_enough(rx.capacity(), transmit) {
        task.refuse(Reason::BufferTooSmall);
    }
    let mut link: Option<T::Link> = None;
    loop {
        if let Some(interrupt) = transport.interrupted() {
            task.interrupt(interrupt);
        }
        let Poll { consumed, action } = task.poll(transport.now(), rx.filled(), transmit);
        match action {
            Action::Connect { reuse } => {
                rx.clear();
                link = connect(transport, &mut task, reuse);
            }
            Action::Secure => link = secure(transport, &mut task, link.take()),
            Action::Transmit { length, more } => {
                let (Some(link), Some(bytes)) = (&mut link, transmit.get(..length)) else {
                    task.fault(Fault::Lost);
                    continue;
                };
                match send(transport, &mut task, link, bytes, more) {
                    // An early answer is heard between two pieces.
                    Ok(()) if more && link.read_ready() => receive_more(transport, &mut task, link, rx),
                    Ok(()) => {}
                    Err(Stopped::Broken) => task.write_failed(),
                    Err(Stopped::Ended) => {}
                }
            }
            Action::Read => {
                rx.consume(consumed);
                match &mut link {
                    Some(link) => receive_more(transport, &mut task, link, rx),
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
                filled(&mut task, content(offset, transmit.get_mut(at..end).unwrap_or_default()));
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

fn connect<T: Transport, K: Task>(transport: &mut T, task: &mut K, reuse: bool) -> Option<T::Link> {
    let until = task.deadline();
    let kept = if reuse { transport.reuse(&task.route()) } else { None };
    let reused = kept.is_some();
    let opened = match kept {
        Some(link) => Ok(link),
        None => transport.connect(&task.route(), until),
    };
    match opened {
        Ok(mut link) => {
            link.set_deadline(until);
            transport.trace(Trace::Connected { reused });
            task.connected(reused).ok().map(|()| link)
        }
        Err(fault) => {
            report(transport, task, fault);
            None
        }
    }
}

fn secure<T: Transport, K: Task>(transport: &mut T, task: &mut K, link: Option<T::Link>) -> Option<T::Link> {
    let until = task.deadline();
    let secured = match link {
        Some(link) => transport.secure(link, &task.route(), until),
        None => Err(Fault::Lost),
    };
    match secured {
        Ok(mut link) => {
            link.set_deadline(until);
            transport.trace(Trace::Secured);
            task.secured().ok().map(|()| link)
        }
        Err(fault) => {
            report(transport, task, fault);
            None
        }
    }
}

/// Why bytes were not sent.
enum Stopped {
    /// The link is broken.
    Broken,
    /// The deadline has passed or an interrupt has come; the next poll says so.
    Ended,
}

fn send<T: Transport, K: Task>(
    transport: &mut T,
    task: &mut K,
    link: &mut T::Link,
    bytes: &[u8],
    more: bool,
) -> Result<(), Stopped> {
    transport.trace(Trace::Sent(bytes));
    link.set_deadline(task.deadline());
    let mut rest = bytes;
    while !rest.is_empty() {
        match link.write(rest) {
            Ok(0) => return Err(Stopped::Broken),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) => retry_or_stop(transport, task, error.kind())?,
        }
    }
    if more {
        return Ok(());
    }
    while let Err(error) = link.flush() {
        retry_or_stop(transport, task, error.kind())?;
    }
    Ok(())
}

fn retry_or_stop<T: Transport, K: Task>(transport: &mut T, task: &mut K, error: ErrorKind) -> Result<(), Stopped> {
    if is_over(transport, task) {
        return Err(Stopped::Ended);
    }
    if matches!(error, ErrorKind::TimedOut | ErrorKind::Interrupted) { Ok(()) } else { Err(Stopped::Broken) }
}

fn receive_more<T: Transport, K: Task>(
    transport: &mut T,
    task: &mut K,
    link: &mut T::Link,
    rx: &mut ReceiveBuffer<'_>,
) {
    let space = rx.space();
    if space.is_empty() {
        return task.fault(Fault::ReceiveBufferFull);
    }
    link.set_deadline(task.deadline());
    match link.read(space) {
        Ok(0) => task.end_of_stream(),
        Ok(read) => {
            transport.trace(Trace::Received(space.get(..read).unwrap_or_default()));
            rx.commit(read);
        }
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
        Err(_) => report(transport, task, Fault::Lost),
    }
}

/// A fault that comes of the deadline or of an interrupt is not the network's.
fn report<T: Transport, K: Task>(transport: &mut T, task: &mut K, fault: Fault) {
    if !is_over(transport, task) {
        task.fault(fault);
    }
}

/// Whether an interrupt has come, which is passed on, or the deadline has passed, which the next poll sees.
fn is_over<T: Transport, K: Task>(transport: &mut T, task: &mut K) -> bool {
    match transport.interrupted() {
        Some(interrupt) => {
            task.interrupt(interrupt);
            true
        }
        None => transport.now() >= task.deadline(),
    }
}
