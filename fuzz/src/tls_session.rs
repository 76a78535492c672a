//! A session of verified TLS with a hostile server, which has the keys and a good certificate (`tls_server.rs`).
//!
//! The client's random numbers are always the same, and so is the time: an input does the same every time.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use embedded_io::ErrorKind;
use embedded_io_async::{Read, Write};
use miniwire_core::reason::Fault;
use miniwire_embassy::tls::{Buffers, RECEIVE, Session, TRANSMIT, Trust, open};

use crate::certificates::NOW;
use crate::splits::Random;
use crate::tls_identity::{HOST, IDENTITY};
use crate::tls_link::{ClientEnd, Numbers, Wire, poll};
use crate::tls_server::{Op, Server, Step};

/// Plays the session that `data` stands for: the length of the client's buffer, then letters.
pub fn run(data: &[u8]) {
    let (&length, input) = data.split_first().unwrap_or((&0, &[]));
    let wire = Rc::new(RefCell::new(Wire::default()));
    let identity = IDENTITY.with(|identity| *identity);
    let mut server = Server::new(input, identity, Rc::clone(&wire));
    let (mut receive, mut transmit) = (vec![0; RECEIVE], vec![0; TRANSMIT + 4 * usize::from(length)]);
    let buffers = Buffers { receive: &mut receive, transmit: &mut transmit };
    let (mut numbers, anchors) = (Numbers::default(), [identity.anchor()]);
    let trust = Trust::new(&anchors);
    let opened = {
        let mut opening = pin!(open(ClientEnd(Rc::clone(&wire)), HOST, &trust, NOW, &mut numbers, buffers));
        assert!(poll(opening.as_mut()).is_pending(), "no server has said anything");
        server.hear_hello();
        loop {
            match drive(opening.as_mut(), &mut server) {
                Ok(opened) => break Some(opened),
                // There is no session to do it with.
                Err(Some(_)) => {}
                Err(None) => break None,
            }
        }
    };
    match opened {
        None => {}
        Some(Ok(session)) => {
            assert!(server.may_be_accepted(), "a server that has not proved to be the one");
            Client { session: Some(session), server, read: 0, written: Vec::new(), state: State::Open }.play();
        }
        Some(Err(fault)) => {
            assert!(!server.is_honest() || server.disturbed, "{fault:?} of an honest server");
            assert!(matches!(fault, Fault::Tls | Fault::NotTls | Fault::Lost | Fault::Certificate(_)), "{fault:?}");
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Unwritable,
    Closed,
    Broken,
}

struct Client<'b, 'd> {
    session: Option<Session<'b, ClientEnd>>,
    server: Server<'d>,
    /// How much of what the server has said.
    read: usize,
    written: Vec<u8>,
    state: State,
}

impl Client<'_, '_> {
    fn play(mut self) {
        let mut next = None;
        loop {
            let op = match next.take() {
                Some(op) => op,
                None => match self.server.step() {
                    Step::Moved => continue,
                    Step::Client(op) => op,
                    Step::End => break,
                },
            };
            next = self.perform(op);
        }
        self.server.end();
        for _ in 0..=self.server.plain.len() {
            if !matches!(self.state, State::Open | State::Unwritable) || self.session.is_none() {
                break;
            }
            self.read(700);
        }
        if self.session.is_none() {
            return;
        }
        assert!(matches!(self.state, State::Closed | State::Broken), "no end in bounded steps");
        for _ in 0..2 {
            self.read(3);
            self.write(3);
        }
        self.check();
    }

    /// What the server has to say of it all.
    fn check(&mut self) {
        self.server.absorb();
        let (server, written) = (&self.server, &self.written);
        if server.is_honest() && !server.disturbed {
            assert!(server.client_finished);
        }
        assert!(written.starts_with(&server.heard), "what the server hears is not what was written");
    }

    /// The operation that takes its place, where it was dropped.
    fn perform(&mut self, op: Op) -> Option<Op> {
        match op {
            Op::Read(count) => self.read(count),
            Op::Write(count) => self.write(count),
            Op::Wait => {
                let Some(session) = &mut self.session else { return None };
                drive(pin!(session.readable()), &mut self.server).err().flatten()
            }
            Op::Ask => {
                if let Some(session) = &mut self.session {
                    // A pause makes it wait, once.
                    let expected = self.server.is_readable(self.read) && self.server.pauses() == 0;
                    let ready = session.read_ready();
                    if matches!(self.state, State::Open | State::Unwritable) {
                        assert!(ready || !expected, "there is something to read");
                        assert!(!ready || self.server.is_readable(self.read), "there is nothing to read");
                    } else {
                        assert!(ready, "a session that is over");
                    }
                }
                None
            }
            Op::Flush => {
                let Some(session) = &mut self.session else { return None };
                let flushed = drive(pin!(session.flush()), &mut self.server);
                self.wrote(flushed)
            }
            Op::Close => {
                let closed = drive(pin!(self.session.take()?.close()), &mut self.server);
                match closed {
                    Ok(Ok(())) => {
                        assert_eq!(self.state, State::Open);
                        self.check();
                        if self.server.is_honest() {
                            assert!(self.server.client_closed);
                            assert_eq!(self.server.heard, self.written);
                        }
                    }
                    Ok(Err(_)) => assert!(self.state != State::Open || self.server.disturbed),
                    Err(_) => {}
                }
                None
            }
            Op::Drop => None,
        }
    }

    fn read(&mut self, count: usize) -> Option<Op> {
        let session = self.session.as_mut()?;
        let mut buf = vec![0; count];
        let outcome = drive(pin!(session.read(&mut buf)), &mut self.server);
        let server = &self.server;
        match outcome {
            Ok(Ok(0)) if count == 0 => {}
            Ok(Ok(0)) => {
                assert!(matches!(self.state, State::Open | State::Unwritable | State::Closed));
                assert!(server.closed, "an end that the server has not said");
                assert_eq!(self.read, server.plain.len(), "an end before it is due");
                self.state = State::Closed;
            }
            Ok(Ok(read)) => {
                assert!(matches!(self.state, State::Open | State::Unwritable), "read in {:?}", self.state);
                let said = &server.plain[self.read..];
                assert!(said.starts_with(&buf[..read]), "read something else");
                self.read += read;
            }
            Ok(Err(kind)) => {
                match self.state {
                    State::Broken => assert_eq!(kind, ErrorKind::NotConnected),
                    State::Closed => panic!("{kind:?} after the end"),
                    _ if server.is_honest() && !server.disturbed => {
                        assert!(server.poisoned || self.server.has_ended(), "{kind:?} of an honest server");
                        assert!(!server.closed || server.plain.len() > self.read, "{kind:?} before the end");
                        assert_eq!(self.read, server.plain.len(), "{kind:?} before it is due");
                    }
                    _ => {}
                }
                self.state = State::Broken;
            }
            Err(next) => {
                self.state = State::Broken;
                return next;
            }
        }
        None
    }

    fn write(&mut self, count: usize) -> Option<Op> {
        let session = self.session.as_mut()?;
        let mut random = Random::new(self.written.len() as u64);
        let data: Vec<u8> = (0..count).map(|_| random.number() as u8).collect();
        let outcome = drive(pin!(session.write(&data)), &mut self.server);
        match outcome {
            Ok(Ok(written)) => {
                self.written.extend(&data[..written]);
                assert!(written > 0 || count == 0, "nothing was written");
            }
            // Perhaps some of it.
            _ if self.state == State::Open => self.written.extend(&data),
            _ => {}
        }
        self.wrote(outcome.map(|written| written.map(drop)))
    }

    fn wrote(&mut self, outcome: Result<Result<(), ErrorKind>, Option<Op>>) -> Option<Op> {
        match outcome {
            Ok(Ok(())) => assert_eq!(self.state, State::Open, "written"),
            Ok(Err(kind)) if self.state == State::Open => {
                assert!(self.server.disturbed, "{kind:?} of a good link");
                self.state = State::Unwritable;
            }
            Ok(Err(kind)) => assert_eq!(kind, ErrorKind::NotConnected),
            Err(next) => {
                self.state = State::Broken;
                return next;
            }
        }
        None
    }
}

/// Polls until it is done. Between the polls the server goes on; `Err` where the client is to do something else, or the
/// future to be dropped.
fn drive<F: Future>(mut future: Pin<&mut F>, server: &mut Server<'_>) -> Result<F::Output, Option<Op>> {
    let mut left = None;
    loop {
        if let Poll::Ready(output) = poll(future.as_mut()) {
            server.check_calls();
            return Ok(output);
        }
        server.absorb();
        if let Some(left) = &mut left {
            assert!(*left > 0, "no end in bounded steps");
            *left -= 1;
            continue;
        }
        match server.step() {
            Step::Moved => {}
            Step::Client(Op::Drop) => return Err(None),
            Step::Client(op) => return Err(Some(op)),
            Step::End => {
                server.end();
                left = Some(server.pauses() + 2);
            }
        }
    }
}
