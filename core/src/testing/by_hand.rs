//! A loop over `poll` that trusts nothing: it asks twice where asking twice is allowed, calls what was not asked for,
//! and goes on asking after the end.

use std::fmt::Debug;

use super::script::{Link, Peer};
use crate::drive::{Link as _, Transport as _};
use crate::reason::{Fault, Interrupt, Reason};
use crate::task::{Action, Misuse, Poll, Task};

/// Runs a task to its end, as the loops of `drive` do.
pub(crate) fn run<K: Task>(
    peer: &mut Peer,
    task: K,
    buffers: (usize, usize),
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
) -> K::Outcome
where
    K::Outcome: PartialEq + Debug,
{
    run_with_content(peer, task, buffers, on_event, |_, _| panic!("content is asked for"))
}

/// The same with content of the caller's.
pub(crate) fn run_with_content<K: Task>(
    peer: &mut Peer,
    task: K,
    buffers: (usize, usize),
    on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> K::Outcome
where
    K::Outcome: PartialEq + Debug,
{
    let (outcome, link, _) = run_over(peer, task, buffers, on_event, content);
    assert!(link.is_none(), "the link was not released");
    outcome
}

/// The same for a task that may hand its link over. Returns that, and what was received behind the answer.
pub(crate) fn run_over<K: Task>(
    peer: &mut Peer,
    mut task: K,
    (receive, transmit): (usize, usize),
    mut on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    mut content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> (K::Outcome, Option<Link>, Vec<u8>)
where
    K::Outcome: PartialEq + Debug,
{
    let mut rx: Vec<u8> = Vec::new();
    let mut tx = vec![0; transmit];
    let mut link: Option<Link> = None;
    for _ in 0..1_000_000 {
        if let Some(interrupt) = peer.interrupted() {
            task.interrupt(interrupt);
        }
        let now = Peer::now(peer);
        let Poll { consumed, action } = task.poll(now, &rx, &mut tx);
        assert!(consumed <= rx.len(), "more consumed than there is");
        match action {
            Action::Connect { reuse } => {
                assert!(link.is_none(), "a second link");
                rx.clear();
                let again = task.poll(now, &rx, &mut tx);
                assert!(matches!(again, Poll { consumed: 0, action: Action::Connect { reuse: r } } if r == reuse));
                assert_eq!(task.secured(), Err(Misuse));
                if !reuse {
                    assert_eq!(task.connected(true), Err(Misuse));
                }
                let kept = if reuse { peer.reuse(&task.route()) } else { None };
                let reused = kept.is_some();
                match kept.map_or_else(|| peer.connect(&task.route(), task.deadline()), Ok) {
                    Ok(opened) => {
                        link = Some(opened);
                        assert_eq!(task.connected(reused), Ok(()));
                        assert_eq!(task.connected(reused), Err(Misuse));
                    }
                    Err(fault) => report(peer, &mut task, fault),
                }
            }
            Action::Secure => {
                rx.clear();
                let again = task.poll(now, &rx, &mut tx);
                assert!(matches!(again, Poll { consumed: 0, action: Action::Secure }));
                assert_eq!(task.connected(false), Err(Misuse));
                let plain = link.take().expect("TLS without a link");
                match peer.secure(plain, &task.route(), task.deadline()) {
                    Ok(secured) => {
                        link = Some(secured);
                        assert_eq!(task.secured(), Ok(()));
                        assert_eq!(task.secured(), Err(Misuse));
                    }
                    Err(fault) => report(peer, &mut task, fault),
                }
            }
            Action::Transmit { length, more } => {
                assert!((1..=transmit).contains(&length));
                assert_eq!((task.connected(false), task.secured()), (Err(Misuse), Err(Misuse)));
                rx.drain(..consumed);
                let open = link.as_mut().expect("sends without a link");
                if send(peer, &mut task, open, &tx[..length]) && more && open.read_ready() {
                    read(peer, &mut task, open, &mut rx, receive);
                }
            }
            Action::Fill { at, end, offset } => {
                assert!(at < end, "room for no content");
                match content(offset, &mut tx[at..end]) {
                    Ok(bytes) => task.filled(bytes),
                    Err(reason) => task.refuse(reason),
                }
            }
            Action::Read => {
                rx.drain(..consumed);
                let again = task.poll(now, &rx, &mut tx);
                assert!(matches!(again, Poll { consumed: 0, action: Action::Read }));
                assert_eq!((task.connected(false), task.secured()), (Err(Misuse), Err(Misuse)));
                read(peer, &mut task, link.as_mut().expect("reads without a link"), &mut rx, receive);
            }
            Action::Event(event) => {
                let taken = on_event(event);
                rx.drain(..consumed);
                if let Err(reason) = taken {
                    task.refuse(reason);
                }
            }
            Action::Continue => {
                rx.drain(..consumed);
            }
            Action::Release { keep } => {
                rx.clear();
                let link = link.take();
                if keep {
                    peer.keep(&task.route(), link.expect("keeps no link"));
                }
            }
            Action::Done(outcome) => {
                insist(&mut task, peer, outcome);
                return (outcome, link, rx);
            }
        }
    }
    panic!("the task does not end");
}

/// After the end nothing changes it (CTX-07).
fn insist<K: Task>(task: &mut K, peer: &Peer, outcome: K::Outcome)
where
    K::Outcome: PartialEq + Debug,
{
    let calls: [&dyn Fn(&mut K); 9] = [
        &|_| {},
        &|task| task.interrupt(Interrupt::Abort),
        &|task| task.interrupt(Interrupt::Unload),
        &|task| task.fault(Fault::Lost),
        &|task| task.fault(Fault::ReceiveBufferFull),
        &|task| task.write_failed(),
        &|task| task.end_of_stream(),
        &|task| task.refuse(Reason::TooLarge),
        &|task| assert_eq!((task.connected(false), task.secured()), (Err(Misuse), Err(Misuse))),
    ];
    for (now, call) in (0..).map(|n| Peer::now(peer).after(n * 20_000)).zip(calls) {
        call(task);
        let Poll { consumed, action } = task.poll(now, b"HTTP/1.1 200 OK\r\n\r\n", &mut [0; 256]);
        let Action::Done(again) = action else { panic!("goes on after the end") };
        assert_eq!((consumed, again), (0, outcome));
    }
}

fn send<K: Task>(peer: &mut Peer, task: &mut K, link: &mut Link, mut bytes: &[u8]) -> bool {
    use embedded_io::{ErrorKind, Write as _};
    link.set_deadline(task.deadline());
    while !bytes.is_empty() {
        match link.write(bytes) {
            Ok(taken) => bytes = &bytes[taken..],
            Err(_) if is_over(peer, task) => return false,
            Err(ErrorKind::Interrupted | ErrorKind::TimedOut) => {}
            Err(_) => {
                task.write_failed();
                return false;
            }
        }
    }
    true
}

fn read<K: Task>(peer: &mut Peer, task: &mut K, link: &mut Link, rx: &mut Vec<u8>, receive: usize) {
    use embedded_io::{ErrorKind, Read as _};
    // Never more at once than this; the loops of `drive` fill their buffers.
    let mut piece = [0; 1024];
    let space = piece.len().min(receive - rx.len());
    if space == 0 {
        return task.fault(Fault::ReceiveBufferFull);
    }
    link.set_deadline(task.deadline());
    let read = link.read(&mut piece[..space]);
    rx.extend_from_slice(&piece[..read.unwrap_or(0)]);
    match read {
        Ok(0) => task.end_of_stream(),
        Ok(_) | Err(ErrorKind::Interrupted | ErrorKind::TimedOut) => {}
        Err(_) => report(peer, task, Fault::Lost),
    }
}

fn report<K: Task>(peer: &mut Peer, task: &mut K, fault: Fault) {
    if !is_over(peer, task) {
        task.fault(fault);
    }
}

fn is_over<K: Task>(peer: &mut Peer, task: &mut K) -> bool {
    if let Some(interrupt) = peer.interrupted() {
        task.interrupt(interrupt);
        return true;
    }
    Peer::now(peer) >= task.deadline()
}
