//! Whatever happens at whatever moment, a call ends once, with a code of the table (CTX-07).

use super::reasons::CODES;
use super::*;
use crate::context::Proxy;
use crate::reason::{CertificateFault, Fault, Interrupt};
use crate::request::Method;
use crate::task::{Action, Poll, Task};
use crate::time::Instant;

/// What happens out of turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Nothing,
    Interrupt(Interrupt),
    Fault(Fault),
    WriteFailed,
    EndOfStream,
    Deadline,
    Refuse(Reason),
}

const BLOWS: [Blow; 13] = [
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

/// Runs the task against a peer that gives one answer after the other, in pieces of `piece` bytes, and then closes;
/// before the poll numbered `at`, `blow` falls. Returns the outcome and the number of polls.
fn run(mut task: RequestTask<'_>, peer: &[&str], kept: bool, piece: usize, blow: Blow, at: usize) -> (Outcome, usize) {
    let (mut rx, mut tx) = (Vec::new(), [0; 256]);
    let (mut now, mut kept) = (Instant::from_millis(0), kept);
    let mut answers = peer.iter();
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
            Action::Fill { .. } => unreachable!("a request has no file"),
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
            Action::Event(_) | Action::Continue => {
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

/// Lets every blow fall before every poll.
#[track_caller]
fn strike(context: &Context<'_>, request: Request<'_>, kept: bool, peer: &[&str]) {
    for piece in [1, 7, 1000] {
        let go = |blow, at| {
            let mut memory = [0; 256];
            let task = RequestTask::new(context, &request, &mut memory, Instant::from_millis(0));
            run(task, peer, kept, piece, blow, at)
        };
        let (undisturbed, polls) = go(Blow::Nothing, 0);
        assert_eq!(undisturbed.result, Ok(()), "the scenario itself");
        for at in 0..=polls {
            for blow in BLOWS.into_iter().chain([Blow::Refuse(Reason::TooLarge)]) {
                let (outcome, _) = go(blow, at);
                let code = outcome.result.map_err(Reason::request_code);
                assert!(code.is_ok() || CODES.contains(&code.unwrap_err()), "{blow:?} before poll {at}: {outcome:?}");
                // Who asks for the end gets it, with that reason, unless the call has ended.
                let asked = match blow {
                    Blow::Interrupt(Interrupt::Abort) => Some(Reason::Aborted),
                    Blow::Interrupt(Interrupt::Unload) => Some(Reason::Unloaded),
                    Blow::Deadline => Some(Reason::Timeout),
                    Blow::Refuse(reason) => Some(reason),
                    _ => None,
                };
                if let Some(reason) = asked {
                    let has_ended = at == polls;
                    let expected = if has_ended { Ok(()) } else { Err(reason) };
                    assert_eq!(outcome.result, expected, "{blow:?} before poll {at} of {polls}");
                }
                if blow == Blow::Nothing {
                    assert_eq!(outcome, undisturbed);
                }
            }
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

#[test]
fn ctx_07_a_plain_get_ends_once() {
    strike(&development(), Request::new("http://a.test/"), false, &[OK]);
}

#[test]
fn ctx_07_a_get_over_tls_with_chunks_ends_once() {
    let chunked = "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\nA: b\r\n\r\n";
    strike(&development(), Request::new("https://a.test/"), false, &[chunked]);
}

#[test]
fn ctx_07_a_long_post_ends_once() {
    let body = "x".repeat(2000);
    strike(&development(), Request::new("http://a.test/").method(Method::Post).data(Data::Text(&body)), false, &[OK]);
}

#[test]
fn ctx_07_a_body_until_close_ends_once() {
    strike(&development(), Request::new("http://a.test/"), false, &["HTTP/1.1 200 OK\r\n\r\n[1, 2, 3]"]);
}

#[test]
fn ctx_07_redirects_end_once() {
    let within = "HTTP/1.1 302 x\r\nLocation: /2\r\nContent-Length: 5\r\n\r\nmoved";
    let across = "HTTP/1.1 307 x\r\nLocation: http://b.test/\r\nContent-Length: 5\r\n\r\nmoved";
    strike(&development(), Request::new("http://a.test/"), false, &[within, across, OK]);
}

#[test]
fn ctx_07_a_kept_link_that_is_dead_ends_once() {
    strike(&development(), Request::new("http://a.test/"), true, &["", OK]);
}

#[test]
fn ctx_07_a_tunnel_ends_once() {
    let proxy = Proxy { host: "p.test", port: 1, credentials: Some("user:pass") };
    let context = development().with_proxy(Some(&proxy));
    strike(&context, Request::new("https://a.test/"), false, &[TUNNEL, OK]);
    strike(&context, Request::new("http://a.test/"), false, &[OK]);
}

/// The same for the loops: what the script inserts is the same on all drivers.
#[test]
fn ctx_07_the_loops_end_once_whatever_falls_between_two_steps() {
    let whole = [
        Step::Reuse("https a.test:443"),
        Step::Takes(50),
        Step::Request,
        Step::Ends,
        Step::Closes,
        Step::Fresh("https a.test:443"),
        Step::Secure,
        Step::Takes(50),
        Step::Request,
        answers("HTTP/1.1 302 x\r\nLocation: /2\r\n"),
        answers("Content-Length: 3\r\n\r\nmov"),
        Step::Takes(50),
        Step::Request,
        answers("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1"),
        answers("]"),
        Step::Keeps,
    ];
    let request = Request::new("https://a.test/");
    let undisturbed = Scenario::new(&development(), request, whole.clone()).run();
    assert_eq!((undisturbed.result(), undisturbed.outcome.redirects), (Ok(()), 1));
    for at in 1..whole.len() - 1 {
        if matches!(whole[at], Step::Closes | Step::Fresh(_)) {
            // Between these two there is no link to close.
            continue;
        }
        for (blow, result) in [
            (Step::Interrupts(Interrupt::Abort), Err(Reason::Aborted)),
            (Step::Interrupts(Interrupt::Unload), Err(Reason::Unloaded)),
            (Step::Stalls, Err(Reason::Timeout)),
        ] {
            let steps = [&whole[..at], &[blow, Step::Closes]].concat();
            assert_eq!(Scenario::new(&development(), request, steps).run().result(), result, "before {:?}", whole[at]);
        }
        for harmless in [Step::Waits(7), Step::Hiccup] {
            if harmless == Step::Hiccup && matches!(whole[at], Step::Secure) {
                continue;
            }
            let steps = [&whole[..at], std::slice::from_ref(&harmless), &whole[at..]].concat();
            let seen = Scenario::new(&development(), request, steps).run();
            assert_eq!(seen.outcome, undisturbed.outcome, "{harmless:?} before {:?}", whole[at]);
        }
    }
}
