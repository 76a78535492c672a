//! The loop over a blocking transport.

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

/// Calls `my.request` and takes the answer whole: `Ok` is `success`, `Err` is `fail`.
///
/// # Errors
/// [`Failure`], with a reason and, once a head had arrived, the answer.
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
/// `on_event` may end the call by returning a reason.
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
/// The file is `source`, and its length the source's own. [`Memory::redirect`] is not needed. `on_progress` is
/// `onProgressUpdate`.
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
/// [`Memory::body`] is not needed. `on_progress` is `onProgressUpdate`.
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

/// Runs a task without content of the caller's to its end. Every task ends by its deadline, whatever the peer does.
pub fn run<T: Transport, K: Task>(
    transport: &mut T,
    task: K,
    receive: &mut [u8],
    transmit: &mut [u8],
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
) -> K::Outcome {
    run_with_content(transport, task, receive, transmit, on_event, no_content)
}

/// Runs a task to its end. `content` reads the caller's content from an offset on, at least one byte.
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
