//! One blow before every poll: whatever happens at whatever moment, a call ends once (CTX-07).

use std::fmt::Debug;

use crate::policy::Api;
use crate::reason::{CertificateFault, Fault, Interrupt, Reason};
use crate::task::{Action, Poll, Task};
use crate::time::Instant;

/// What happens out of turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Blow {
    Nothing,
    Interrupt(Interrupt),
    Fault(Fault),
    WriteFailed,
    EndOfStream,
    Deadline,
    Refuse(Reason),
}

pub(crate) const BLOWS: [Blow; 13] = [
    Blow::Nothing,
    Blow::Interrupt(Interrupt::Abort),
    Blow::Interrupt(Interrupt::Unload),
    Blow::Fault(Fault::Dns),
    Blow::Fault(Fault::Connect),
    Blow::Fault(Fault::Lost),
    Blow::Fault(Fault::Tls),
    Blow::Fault(Fault::NotTls),
    Blow::Fault(Fault::Certificate(CertificateFault::Expired)),
    Blow::Fault(Fault::ReceiveBufferFull),
    Blow::WriteFailed,
    Blow::EndOfStream,
    Blow::Deadline,
];

impl Blow {
    /// Who asks for the end gets it, with this reason.
    fn asks_for(self) -> Option<Reason> {
        match self {
            Self::Interrupt(Interrupt::Abort) => Some(Reason::Aborted),
            Self::Interrupt(Interrupt::Unload) => Some(Reason::Unloaded),
            Self::Deadline => Some(Reason::Timeout),
            Self::Refuse(reason) => Some(reason),
            _ => None,
        }
    }
}

/// The other side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer<'a> {
    /// One for each request; then it closes.
    pub(crate) answers: &'a [&'a str],
    /// There is a kept link.
    pub(crate) kept: bool,
    /// How many bytes come at once.
    pub(crate) piece: usize,
}

/// Lets every blow fall before every poll of a call that ends well without one. `run` makes the call and returns how it
/// ended and the number of polls; the last `tail` of these come after the end is settled.
#[track_caller]
pub(crate) fn every_blow(
    answers: &[&str],
    kept: bool,
    tail: usize,
    api: Api,
    run: impl Fn(Peer<'_>, (Blow, usize)) -> (Result<(), Reason>, usize),
) {
    for piece in [1, 7, 1000] {
        let peer = Peer { answers, kept, piece };
        let (undisturbed, polls) = run(peer, (Blow::Nothing, 0));
        assert_eq!(undisturbed, Ok(()), "the scenario itself");
        for at in 0..=polls {
            for blow in BLOWS.into_iter().chain([Blow::Refuse(Reason::TooLarge)]) {
                let (result, _) = run(peer, (blow, at));
                let code = result.map_err(|reason| reason.code(api));
                assert!(
                    code.is_ok() || api.codes().contains(&code.unwrap_err()),
                    "{blow:?} before poll {at}: {result:?}"
                );
                if let Some(reason) = blow.asks_for() {
                    let expected = if at + tail > polls { Ok(()) } else { Err(reason) };
                    assert_eq!(result, expected, "{blow:?} before poll {at} of {polls}");
                }
                if blow == Blow::Nothing {
                    assert_eq!(result, undisturbed);
                }
            }
        }
    }
}

/// Runs the task against that peer; before the poll numbered `at`, `blow` falls. Returns the outcome and the number of polls.
pub(crate) fn run<K: Task>(
    mut task: K,
    Peer { answers, mut kept, piece }: Peer<'_>,
    (blow, at): (Blow, usize),
    mut on_event: impl FnMut(K::Event<'_>) -> Result<(), Reason>,
    mut content: impl FnMut(u64, &mut [u8]) -> Result<usize, Reason>,
) -> (K::Outcome, usize)
where
    K::Outcome: PartialEq + Debug,
{
    let (mut rx, mut tx) = (Vec::new(), [0; 256]);
    let mut now = Instant::from_millis(0);
    let mut answers = answers.iter();
    let mut coming: &[u8] = b"";
    let (mut broken, mut closed) = (false, false);
    for polls in 0..10_000 {
        if polls == at {
            match blow {
                Blow::Nothing => {}
                Blow::Interrupt(interrupt) => task.interrupt(interrupt),
                Blow::Fault(fault) => {
                    broken = true;
                    task.fault(fault);
                }
                Blow::WriteFailed => {
                    broken = true;
                    task.write_failed();
                }
                Blow::EndOfStream => {
                    closed = true;
                    task.end_of_stream();
                }
                Blow::Deadline => now = now.after(30_000),
                Blow::Refuse(reason) => task.refuse(reason),
            }
        }
        let Poll { consumed, action } = task.poll(now, &rx, &mut tx);
        assert!(consumed <= rx.len());
        match action {
            Action::Connect { reuse } => {
                rx.clear();
                (broken, closed, coming) = (false, false, b"");
                task.connected(reuse && std::mem::take(&mut kept)).unwrap();
            }
            Action::Secure => {
                rx.clear();
                task.secured().unwrap();
            }
            Action::Transmit { .. } if broken => task.write_failed(),
            Action::Transmit { more: false, .. } => coming = answers.next().map_or(b"", |answer| answer.as_bytes()),
            Action::Transmit { .. } => {}
            Action::Fill { at, end, offset } => match content(offset, &mut tx[at..end]) {
                Ok(bytes) => task.filled(bytes),
                Err(reason) => task.refuse(reason),
            },
            Action::Read => {
                rx.drain(..consumed);
                let (next, later) = coming.split_at(piece.min(coming.len()));
                match next {
                    _ if broken => task.fault(Fault::Lost),
                    [] => task.end_of_stream(),
                    _ if closed => task.end_of_stream(),
                    next => {
                        rx.extend_from_slice(next);
                        coming = later;
                    }
                }
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
            Action::Release { .. } => rx.clear(),
            Action::Done(outcome) => {
                for blow in BLOWS {
                    if let Blow::Interrupt(interrupt) = blow {
                        task.interrupt(interrupt);
                    }
                    let again = task.poll(now.after(60_000), b"x", &mut tx);
                    assert!(matches!(again, Poll { consumed: 0, action: Action::Done(same) } if same == outcome));
                }
                return (outcome, polls);
            }
        }
    }
    panic!("{blow:?} before poll {at}: the call does not end")
}
