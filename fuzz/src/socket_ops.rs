//! The sockets of one context through arbitrary sequences of calls, answers, frames, faults, interrupts and clock steps.
//!
//! Held to, at every step ([`crate::socket_watch`] has what is said of one connection):
//!
//! - The rule of one connection (SOCK-02), by a plain model: who is current, what may be reported of it, with which code
//!   a replaced one is closed. In what was reported, one connection ends before the next begins.
//! - The listeners (SOCK-03), by a list: who is called in a round in which listeners come and go.
//! - Every connection has an end, in bounded steps, and exactly one Close.

use arbitrary::{Arbitrary, Unstructured};
use miniwire_core::context::{Context, Proxy};
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::reason::{Interrupt, Reason};
use miniwire_core::socket::{
    ConnectSocket, EventKind, Handshake, Listeners, OneSocket, OpeningTask, Rule, Settings, Ticket,
};

use crate::request_ops::fault;
use crate::socket_watch::{Came, Watched};

const URLS: [&str; 8] = [
    "wss://api.example.com/chat?a=b",
    "ws://example.com/",
    "wss://192.0.2.1:444",
    "wss://api.example.com/chat#x",
    "ws://example.org",
    "https://example.com/",
    "wss://user@example.com/",
    "",
];
const ENTRIES: [&str; 2] = ["example.com", "192.0.2.1:444"];
const KINDS: [EventKind; 4] = [EventKind::Open, EventKind::Error, EventKind::Message, EventKind::Close];

/// What a server says to the opening handshake; the first opens the socket, the key being that of RFC 6455.
const ANSWERS: [&[u8]; 6] = [
    b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 Connection established\r\n\r\n",
    b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"HTTP/1.1 302 x\r\nLocation: wss://example.com/\r\nContent-Length: 0\r\n\r\n",
];

/// How a context is made, and what happens in it.
#[derive(Debug, Arbitrary)]
struct Plan<'a> {
    reject: bool,
    development: bool,
    proxy: bool,
    protocols: bool,
    base64: bool,
    timeout: u16,
    keep_alive: u16,
    close_timeout: u16,
    memory: u8,
    tx: u8,
    /// Bytes of one read.
    piece: u8,
    urls: [u8; 4],
    /// What the listeners do when they are called.
    reactions: [Option<Registration>; 3],
    ops: Vec<Op<'a>>,
}

/// A change of the listeners.
#[derive(Clone, Copy, Debug, Arbitrary)]
struct Registration {
    on: bool,
    kind: u8,
    name: Option<u8>,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Op<'a> {
    /// A connection is attempted.
    Connect,
    /// The connection moves until it waits.
    Run,
    /// It moves by a step.
    Step,
    /// From here on, operations are of another connection.
    Turn(u8),
    /// The server says one of the answers.
    Answer(u8),
    /// The server sends a frame.
    Frame { first: u8, length: u8, fill: u8 },
    /// The server closes, with a Close frame.
    TheirClose(u16),
    /// The server says this.
    Bytes(&'a [u8]),
    /// The server closes the link.
    End,
    /// A message is sent, or a part of one.
    Send { kind: u8, length: u16, unfinished: bool },
    /// The next frame of it goes out.
    SendOn,
    /// The connection is closed.
    Close { code: u16, length: u8 },
    /// It is ended, or its page unloaded.
    Interrupt(bool),
    /// Whoever takes the messages cannot go on.
    Refuse,
    /// The transport fails.
    Fault(u8),
    /// What is written next is not.
    WriteFails,
    /// Nothing comes for a while.
    Tick(u16),
    /// Listeners come and go.
    Listen(Registration),
    /// The link takes nothing, or does again.
    Hold(bool),
}

/// Plays what `data` stands for, by the `arbitrary` crate.
pub fn run(data: &[u8]) {
    let Ok(plan) = Plan::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if plan.ops.len() > 400 {
        return;
    }
    let policy = match Whitelist::new(&ENTRIES) {
        Ok(whitelist) if !plan.development => Policy::release(whitelist),
        _ => Policy::development(),
    };
    let proxy = Proxy { host: "proxy.example", port: 3128, credentials: Some("user:password") };
    let context = Context::new("1", "2", policy).unwrap();
    let context = if plan.proxy { context.with_proxy(Some(&proxy)) } else { context };
    let handshakes = plan.urls.map(|which| {
        let mut connect = ConnectSocket::new(URLS[usize::from(which) % URLS.len()]).timeout(plan.timeout.into());
        if plan.protocols {
            connect = connect.protocols(&["chat", "soap"]);
        }
        Handshake::new(&connect, *b"the sample nonce")
    });
    let mut memories = [(); 4].map(|()| vec![0; 4 * usize::from(plan.memory)]);
    let mut world = World {
        plan: &plan,
        context: &context,
        waiting: handshakes.iter().zip(&mut memories).collect(),
        now: u64::from(plan.timeout) << (plan.tx % 48),
        one: OneSocket::new(if plan.reject { Rule::Reject } else { Rule::Replace }),
        connections: Vec::new(),
        turn: 0,
        listeners: Listeners::new(),
        registered: Vec::new(),
        registrations: 0,
        reported: Vec::new(),
        current: None,
        steps: 0,
        said: 0,
    };
    world.waiting.reverse();
    for op in &plan.ops {
        world.happens(op);
        world.check_rule();
    }
    world.ends();
}

struct Connection<'r> {
    ticket: Ticket,
    watched: Watched<'r>,
    /// What was reported of it.
    told: Vec<EventKind>,
}

struct World<'p, 'a, 'r> {
    plan: &'p Plan<'a>,
    context: &'r Context<'r>,
    /// For those that are still to be attempted.
    waiting: Vec<(&'r Handshake<'r>, &'r mut Vec<u8>)>,
    now: u64,
    one: OneSocket,
    connections: Vec<Connection<'r>>,
    turn: usize,
    listeners: Listeners<u8, 6>,
    /// The same: number, event and name.
    registered: Vec<(usize, EventKind, u8)>,
    registrations: usize,
    /// What listeners were told: of which connection, and what.
    reported: Vec<(usize, EventKind)>,
    current: Option<usize>,
    steps: usize,
    said: usize,
}

impl<'r> World<'_, '_, 'r> {
    fn happens(&mut self, op: &Op<'_>) {
        match *op {
            Op::Connect => return self.connect(),
            Op::Listen(change) => return self.listen(change),
            Op::Tick(ms) => {
                self.now = self.now.saturating_add(ms.into());
                return;
            }
            Op::Turn(which) => {
                self.turn = usize::from(which) % self.connections.len().max(1);
                return;
            }
            Op::Run => return self.run(self.turn),
            Op::Step => {
                self.step(self.turn);
                return;
            }
            _ => {}
        }
        let now = self.now;
        let is_open = self.one.open().is_ok();
        let Some(Connection { watched, ticket, .. }) = self.connections.get_mut(self.turn) else { return };
        let may_send = is_open && self.one.open() == Ok(*ticket);
        match *op {
            Op::Answer(which) => watched.wire.extend_from_slice(ANSWERS[usize::from(which) % ANSWERS.len()]),
            Op::Frame { first, length, fill } => {
                watched.wire.push(first);
                match length {
                    0..=125 => watched.wire.push(length),
                    _ => watched.wire.extend_from_slice(&[126, 0, length]),
                }
                let wire = watched.wire.len() + usize::from(length);
                watched.wire.resize(wire, fill);
            }
            Op::TheirClose(code) => {
                watched.wire.extend_from_slice(&[0x88, 5]);
                watched.wire.extend_from_slice(&code.to_be_bytes());
                watched.wire.extend_from_slice(b"bye");
            }
            Op::Bytes(bytes) => watched.wire.extend_from_slice(bytes),
            Op::End => watched.ends = true,
            Op::Send { kind, length, unfinished } if may_send => watched.begin_message(kind, length, unfinished),
            Op::Send { .. } => {}
            Op::SendOn => watched.send_on(now, 20 + usize::from(self.plan.tx)),
            Op::Close { code, length } => watched.close(now, code, length),
            Op::Interrupt(true) => watched.interrupt(now, Interrupt::Abort),
            Op::Interrupt(false) => watched.interrupt(now, Interrupt::Unload),
            Op::Refuse => watched.refuse(now, Reason::StoreFailed),
            Op::Fault(which) => watched.fails = Some(fault(which)),
            Op::WriteFails => watched.write_fails = true,
            Op::Hold(held) => watched.held = held,
            Op::Connect | Op::Listen(_) | Op::Tick(_) | Op::Turn(_) | Op::Run | Op::Step => {}
        }
        self.said += watched.take_said();
    }

    /// `my.connectSocket`, as the reference has it.
    fn connect(&mut self) {
        let Some((handshake, memory)) = self.waiting.pop() else { return };
        let plan = self.plan;
        let task = OpeningTask::new(self.context, handshake, instant(self.now));
        if let Some(reason) = task.refused() {
            return assert!([2, 3, 4, 5, 8, 1, 11].contains(&reason.socket_code()), "{reason:?}");
        }
        let attempt = match (self.one.connect(), plan.reject, self.current) {
            (Err(reason), true, Some(_)) => return assert_eq!(reason, Reason::SocketExists),
            (Ok(attempt), _, None) | (Ok(attempt), false, Some(_)) => attempt,
            (other, ..) => panic!("{other:?}"),
        };
        let replaced = self.current.map(|last| {
            let failed = self.connections[last].told.contains(&EventKind::Error);
            (self.connections[last].ticket, if failed { 1006 } else { 1000 })
        });
        assert_eq!(attempt.replaced, replaced);
        if let Some(last) = self.current {
            self.report(last, EventKind::Close);
            self.connections[last].watched.interrupt(self.now, Interrupt::Abort);
        }
        let settings = Settings::new().keep_alive(plan.keep_alive.into()).close_timeout(plan.close_timeout.into());
        let watched =
            Watched::new(task, settings, memory, plan.base64, plan.keep_alive.into(), plan.close_timeout.into());
        assert!(self.connections.iter().all(|other| other.ticket != attempt.ticket), "a ticket is not new");
        self.turn = self.connections.len();
        self.current = Some(self.turn);
        self.connections.push(Connection { ticket: attempt.ticket, watched, told: Vec::new() });
    }

    /// Moves a connection by a step. Whether it has moved.
    fn step(&mut self, which: usize) -> bool {
        let piece = 1 + usize::from(self.plan.piece);
        let Some(connection) = self.connections.get_mut(which) else { return false };
        self.steps += 1;
        let bound = 400 + 100 * self.plan.ops.len() + 8 * self.said;
        assert!(self.steps < bound, "no end in bounded steps");
        let came = connection.watched.step(self.now, piece);
        let kind = match came {
            Came::Idle => return false,
            Came::Moved => return true,
            Came::Open => EventKind::Open,
            Came::Message => EventKind::Message,
            Came::Error(reason) => {
                assert!((1..=12).contains(&reason.socket_code()));
                EventKind::Error
            }
            Came::Close => EventKind::Close,
        };
        self.hear(which, kind);
        true
    }

    fn run(&mut self, which: usize) {
        while self.step(which) {}
        if let Some(connection) = self.connections.get(which) {
            connection.watched.check_idle(self.now);
        }
    }

    /// A connection has something to report, which is reported if the rule permits.
    fn hear(&mut self, which: usize, kind: EventKind) {
        let Connection { ticket, told, .. } = &self.connections[which];
        let has = |kind| told.contains(&kind);
        let in_order = match kind {
            EventKind::Open => !has(EventKind::Open) && !has(EventKind::Error),
            EventKind::Message => has(EventKind::Open) && !has(EventKind::Error),
            EventKind::Error => !has(EventKind::Error),
            EventKind::Close => true,
        };
        let expected = self.current == Some(which) && in_order;
        assert!(in_order || self.current != Some(which), "{kind:?} after {told:?}");
        assert_eq!(self.one.reports(*ticket, kind), expected, "{kind:?}");
        if expected {
            self.report(which, kind);
        }
    }

    fn report(&mut self, which: usize, kind: EventKind) {
        self.reported.push((which, kind));
        self.connections[which].told.push(kind);
        if kind == EventKind::Close {
            self.current = None;
        }
        let mut expected: Vec<_> = self.registered.iter().filter(|(_, event, _)| *event == kind).copied().collect();
        assert_eq!(self.listeners.count(kind), expected.len());
        let mut round = self.listeners.round(kind);
        expected.reverse();
        while let Some(due) = expected.pop() {
            if !self.registered.contains(&due) {
                continue;
            }
            assert_eq!(self.listeners.next(&mut round), Some(due.2), "the next listener");
            if let Some(change) = self.plan.reactions[usize::from(due.2)] {
                self.listen(change);
            }
        }
        assert_eq!(self.listeners.next(&mut round), None);
    }

    fn listen(&mut self, change: Registration) {
        let (kind, name) = (KINDS[usize::from(change.kind) % 4], change.name.map(|name| name % 3));
        if change.on {
            let name = name.unwrap_or_default();
            let full = self.registered.len() == 6;
            assert_eq!(self.listeners.on(kind, name).is_err(), full);
            if !full {
                self.registered.push((self.registrations, kind, name));
                self.registrations += 1;
            }
        } else {
            self.listeners.off(kind, name.as_ref());
            self.registered.retain(|(_, event, other)| *event != kind || name.is_some_and(|name| name != *other));
        }
    }

    fn check_rule(&mut self) {
        // Whatever came late of another connection.
        for (which, other) in self.connections.iter().enumerate() {
            let reports = |kind| self.one.reports(other.ticket, kind);
            assert!(self.current == Some(which) || !KINDS.into_iter().any(reports), "reported of {which}");
        }
        let current = self.current.map(|which| &self.connections[which]);
        assert_eq!(self.one.current(), current.map(|connection| connection.ticket));
        let has = |connection: &&Connection<'_>, kind| connection.told.contains(&kind);
        let open = current.filter(|that| has(that, EventKind::Open) && !has(that, EventKind::Error));
        assert_eq!(self.one.open(), open.map(|connection| connection.ticket).ok_or(Reason::NotConnected));
    }

    /// Everything comes to its end by the clock alone.
    fn ends(mut self) {
        for which in 0..self.connections.len() {
            self.connections[which].watched.held = false;
            self.run(which);
            // For a proxy, TLS and the answer there is one deadline.
            self.now = self.now.saturating_add(u64::from(self.plan.timeout).max(30_000));
            self.run(which);
            self.connections[which].watched.close(self.now, 1000, 0);
            self.run(which);
            self.now = self.now.saturating_add(self.plan.close_timeout.into());
            self.run(which);
            let now = self.now;
            self.connections[which].watched.check_end(now);
            self.check_rule();
        }
        assert_eq!(self.current, None);
        // One after the other, and each as SOCK-07 has it.
        let mut rest = &self.reported[..];
        for which in 0..self.connections.len() {
            let end = rest.iter().take_while(|(other, _)| *other == which).count();
            let (own, after) = rest.split_at(end);
            rest = after;
            let kinds: Vec<_> = own.iter().map(|(_, kind)| *kind).collect();
            let mut left = &kinds[..];
            if let [EventKind::Open, after @ ..] = left {
                left = after;
                while let [EventKind::Message, after @ ..] = left {
                    left = after;
                }
            }
            if let [EventKind::Error, after @ ..] = left {
                left = after;
            }
            assert_eq!(left, [EventKind::Close], "{kinds:?}");
        }
        assert!(rest.is_empty(), "{:?}", self.reported);
    }
}

fn instant(ms: u64) -> miniwire_core::time::Instant {
    miniwire_core::time::Instant::from_millis(ms)
}
