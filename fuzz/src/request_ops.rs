//! A call through arbitrary sequences of answers, faults, interrupts, clock steps and misuse.

use arbitrary::{Arbitrary, Unstructured};
use miniwire_core::reason::{CertificateFault, Fault, Interrupt, Reason};
use miniwire_core::request::{DataType, Method, Redirect};
use miniwire_core::time::Instant;

use crate::call::Call;
use crate::watched::{Next, Watched};

pub(crate) const URLS: [&str; 10] = [
    "https://api.example.com/a/b?c",
    "https://api.example.com:8443",
    "http://example.com/x#y",
    "https://[2001:db8::1]/",
    "https://192.0.2.1:444/?q&",
    "https://EXAMPLE.com./",
    "https://example.org/",
    "https://user@example.com/",
    "wss://example.com/",
    "",
];

const ENTRIES: [&str; 3] = ["example.com", "192.0.2.1:444", "[2001:db8::1]"];

pub(crate) const ANSWERS: [&[u8]; 26] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 301 x\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 x\r\nLocation: https://example.com:8443/other\r\nContent-Length: 3\r\n\r\nsee",
    b"HTTP/1.1 303 x\r\nLocation: ?q\r\n\r\n",
    b"HTTP/1.1 307 x\r\nLocation: //[2001:db8::1]/z\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 308 x\r\nLocation: http://example.com/plain\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 308 x\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 x\r\nLocation: mailto:a@b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
    b"HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 200 x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Length: 2\r\n\r\n\xe9\xff",
    b"HTTP/1.1 200 x\r\nContent-Length: 99999999999\r\n\r\n",
    b"HTTP/1.1 200 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    b"HTTP/1.1 200 x\r\nA: ",
    b"HTTP/1.1 200 Connection established\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x16",
];

/// What is called, and what happens.
#[derive(Debug, Arbitrary)]
struct Plan<'a> {
    url: u8,
    development: bool,
    proxy: bool,
    method: u8,
    has_data: bool,
    data_type: u8,
    manual: bool,
    streamed: bool,
    limit: Option<u8>,
    redirect_memory: u8,
    timeout: u16,
    tx: u8,
    rx: u8,
    ops: Vec<Op<'a>>,
}

/// One thing that happens: before the next step, or in place of what it asks for.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Op<'a> {
    /// What is asked for succeeds.
    Proceed,
    /// The peer says one of the answers above.
    Answer(u8),
    /// The peer says this.
    Bytes(&'a [u8]),
    /// The peer closes.
    Close,
    /// A link is a kept one, if that will do.
    Kept,
    /// What is asked for fails.
    Fault(u8),
    /// Sending fails.
    WriteFails,
    /// Nothing comes for a while.
    Tick(u16),
    /// The call is aborted, or the page unloaded.
    Interrupt(bool),
    /// The events are not wanted.
    Refuse,
    /// The driver says what it was not asked.
    Misuse,
}

/// Plays the call and the operations that `data` stands for, by the `arbitrary` crate.
pub fn run(data: &[u8]) {
    let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let methods = [Method::Get, Method::Post, Method::Put, Method::Delete];
    let method = methods[usize::from(plan.method) % 4];
    let call = Call {
        url: URLS[usize::from(plan.url) % URLS.len()],
        entries: &ENTRIES,
        development: plan.development,
        proxy: plan.proxy,
        method,
        has_data: plan.has_data,
        body: if plan.has_data && method != Method::Get { b"[1,2,3]".repeat(100) } else { Vec::new() },
        data_type: [DataType::Json, DataType::Text, DataType::Base64][usize::from(plan.data_type) % 3],
        redirect: if plan.manual { Redirect::Manual } else { Redirect::Follow },
        streamed: plan.streamed,
        limit: plan.limit.map(u64::from),
        redirect_memory: 4 * usize::from(plan.redirect_memory),
        timeout: plan.timeout.into(),
    };
    play(&call, &plan);
}

fn play(call: &Call<'_>, plan: &Plan<'_>) {
    let mut now = Instant::from_millis(u64::from(plan.timeout) << (plan.tx % 48));
    let receive = 256 + 4 * usize::from(plan.rx);
    Watched::start(call, now, |mut task| {
        let (mut rx, mut tx) = (Vec::new(), vec![0; 256 + usize::from(plan.tx)]);
        let (mut wire, mut said, mut ops) = (Vec::new(), 0, plan.ops.iter().copied());
        let mut steps = 0;
        loop {
            let op = ops.next();
            match op {
                Some(Op::Answer(which)) => wire.extend_from_slice(ANSWERS[usize::from(which) % ANSWERS.len()]),
                Some(Op::Bytes(bytes)) => wire.extend_from_slice(bytes),
                Some(Op::Tick(ms)) => now = now.after(ms.into()),
                Some(Op::Interrupt(abort)) => {
                    task.interrupt(if abort { Interrupt::Abort } else { Interrupt::Unload });
                }
                Some(Op::Refuse) => task.refuse(Reason::TooLarge),
                Some(Op::Misuse) => task.misuse(),
                _ => {}
            }
            let fault = match op {
                Some(Op::Fault(which)) => Some(fault(which)),
                _ => None,
            };
            let next = task.poll(now, &mut rx, &mut tx);
            match (next, fault) {
                (Next::Done(outcome), _) => {
                    task.interrupt(Interrupt::Abort);
                    task.fault(Fault::Lost);
                    task.refuse(Reason::Dns);
                    task.end_of_stream();
                    task.write_failed();
                    task.misuse();
                    assert_eq!(task.poll(now.after(u64::MAX), &mut rx, &mut tx), Next::Done(outcome));
                    break;
                }
                (Next::Continue, _) => {}
                (Next::Release { .. }, _) => {
                    rx.clear();
                    wire.clear();
                }
                (_, Some(fault)) => task.fault(fault),
                (Next::Connect { reuse }, None) => {
                    rx.clear();
                    task.connected(reuse && matches!(op, Some(Op::Kept)));
                }
                (Next::Secure, None) => task.secured(),
                (Next::Transmit { .. }, None) if matches!(op, Some(Op::WriteFails)) => task.write_failed(),
                (Next::Transmit { more: false }, None) => {}
                (Next::Transmit { more: true }, None) if wire.is_empty() => {}
                (Next::Read, None) if rx.len() == receive => task.fault(Fault::ReceiveBufferFull),
                (Next::Read, None) if matches!(op, Some(Op::Close)) => task.end_of_stream(),
                (Next::Read, None) if wire.is_empty() => {
                    if op.is_none() {
                        task.end_of_stream();
                    }
                }
                (Next::Read | Next::Transmit { more: true }, None) => {
                    let room = receive.saturating_sub(rx.len());
                    said += wire.len().min(room);
                    rx.extend(wire.drain(..wire.len().min(room)));
                }
            }
            steps += 1;
            assert!(steps < 200 + 2 * plan.ops.len() + 4 * said + task.transmitted, "no end in bounded steps");
        }
    });
}

pub(crate) fn fault(which: u8) -> Fault {
    use CertificateFault::{Expired, Invalid, NotPinned, Revoked, UnknownIssuer, WrongHost};
    let faults = [Fault::Dns, Fault::Connect, Fault::Lost, Fault::Tls, Fault::NotTls, Fault::ReceiveBufferFull];
    let certificates = [Expired, WrongHost, UnknownIssuer, Revoked, NotPinned, Invalid];
    let which = usize::from(which) % 12;
    if which < 6 { faults[which] } else { Fault::Certificate(certificates[which - 6]) }
}
