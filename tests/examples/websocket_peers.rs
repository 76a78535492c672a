//! The client's sockets, with listeners and without, against servers that nobody here wrote.
//!
//! `websocket_peers LIST` reads what `tests/stages/peers/websocket/run.sh --hold` prints; `tests/stages/websocket-peers.sh`
//! runs both. Prints a verdict per peer and form, and fails where one is not ok.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use miniwire_std::{Client, ClientBuilder, Failure, Message, Socket, SocketClose, SocketEvent, SocketOpen};
use miniwire_tests::{builder, check};
use serde::Deserialize;
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
struct Listed {
    ca: String,
    peers: Vec<Peer>,
    refusing: Vec<Refusing>,
    locked: Peer,
}

#[derive(Deserialize)]
struct Peer {
    #[serde(default)]
    name: String,
    url: String,
    proxy: Option<String>,
}

#[derive(Deserialize)]
struct Refusing {
    url: String,
    status: u16,
}

fn main() -> Result<()> {
    let list = std::env::args().nth(1).ok_or("usage: websocket_peers LIST")?;
    let listed: Listed = serde_json::from_slice(&std::fs::read(list)?)?;
    let ca = std::fs::read(&listed.ca)?;
    let (mut passed, mut failed) = (0, 0);
    let mut verdict = |name: &str, result: Result<()>| match result {
        Ok(()) => passed += 1,
        Err(error) => {
            failed += 1;
            println!("FAILED {name}: {error}");
        }
    };
    for peer in &listed.peers {
        for blocking in [false, true] {
            let form = if blocking { "blocking" } else { "listeners" };
            for (what, case) in CASES {
                let result = client(&ca, peer).and_then(|client| case(&Opener { client, peer, blocking }));
                verdict(&format!("{}, {form}: {what}", peer.name), result);
            }
        }
    }
    for refusing in &listed.refusing {
        verdict(&refusing.url, refused(&ca, refusing));
    }
    verdict("a proxy without credentials", locked_out(&ca, &listed.locked));
    println!("{passed} passed, {failed} failed, {} peers", listed.peers.len());
    if failed == 0 { Ok(()) } else { Err("not all of it works".into()) }
}

fn client(ca: &[u8], peer: &Peer) -> Result<Client> {
    let builder = trusting(ca).socket_queue(64 << 20);
    let builder = match &peer.proxy {
        Some(proxy) => builder.proxy(proxy, ""),
        None => builder,
    };
    Ok(builder.build()?)
}

fn trusting(ca: &[u8]) -> ClientBuilder {
    builder().development().root(ca).only_given_roots()
}

/// Opens sockets to one peer, in one form.
struct Opener<'p> {
    client: Client,
    peer: &'p Peer,
    blocking: bool,
}

/// A socket in either form.
enum Wire {
    Blocking(Box<Socket>),
    Listened(Client, Receiver<SocketEvent>),
}

impl Opener<'_> {
    fn open(&self, path: &str, protocols: &[&str]) -> Result<(Wire, Option<String>)> {
        let mut call = self.client.connect_socket(format!("{}{path}", self.peer.url));
        for protocol in protocols {
            call = call.protocol(*protocol);
        }
        if self.blocking {
            let socket = call.open()?;
            let protocol = socket.opened().protocol().map(Into::into);
            return Ok((Wire::Blocking(Box::new(socket)), protocol));
        }
        let (opens, opened) = channel();
        let (events, told) = channel();
        let (errors, closes) = (events.clone(), events.clone());
        let protocol = move |open: &SocketOpen| opens.send(open.protocol().map(Into::into)).unwrap_or_default();
        self.client.on_socket_open(protocol)?;
        self.client.on_socket_message(move |message: &Message| {
            events.send(SocketEvent::Message(message.clone())).unwrap_or_default();
        })?;
        self.client.on_socket_error(move |failure: &Failure| {
            errors.send(SocketEvent::Error(failure.clone())).unwrap_or_default();
        })?;
        self.client.on_socket_close(move |close: &SocketClose| {
            closes.send(SocketEvent::Close(close.clone())).unwrap_or_default();
        })?;
        call.connect()?;
        let protocol = opened.recv_timeout(PATIENCE)?;
        Ok((Wire::Listened(self.client.clone(), told), protocol))
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

impl Wire {
    fn send(&mut self, message: impl Into<Message>) -> Result<()> {
        Ok(match self {
            Self::Blocking(socket) => socket.send(message),
            Self::Listened(client, _) => client.send_socket_message(message),
        }?)
    }

    fn next(&mut self) -> Result<SocketEvent> {
        match self {
            Self::Blocking(socket) => socket.recv_timeout(PATIENCE)?.ok_or_else(|| "it is over".into()),
            Self::Listened(_, events) => Ok(events.recv_timeout(PATIENCE)?),
        }
    }

    /// What has come already.
    fn poll(&mut self) -> Option<SocketEvent> {
        match self {
            Self::Blocking(socket) => socket.recv_timeout(Duration::ZERO).ok().flatten(),
            Self::Listened(_, events) => events.try_recv().ok(),
        }
    }

    fn message(&mut self) -> Result<Message> {
        match self.next()? {
            SocketEvent::Message(message) => Ok(message),
            other => Err(format!("no message, but {other:?}").into()),
        }
    }

    fn close(&mut self, code: u16, reason: &str) -> Result<()> {
        Ok(match self {
            Self::Blocking(socket) => socket.close(code, reason),
            Self::Listened(client, _) => client.close_socket(code, reason),
        }?)
    }

    /// The Close, which must come next, alone and with these.
    fn ends(&mut self, code: u16, reason: &str) -> Result<()> {
        match self.next()? {
            SocketEvent::Close(close) if (close.code, close.reason.as_str()) == (code, reason) => Ok(()),
            other => Err(format!("not the Close {code}, but {other:?}").into()),
        }
    }
}

fn is(holds: bool, what: impl Into<String>) -> Result<()> {
    if holds { Ok(()) } else { Err(what.into().into()) }
}

type Case = fn(&Opener<'_>) -> Result<()>;

const CASES: &[(&str, Case)] = &[
    ("messages of every size", sizes),
    ("random fragments", fragments),
    ("both directions at once", both),
    ("the server closes", closes),
    ("pings", pings),
    ("subprotocols", protocols),
];

fn sizes(opener: &Opener<'_>) -> Result<()> {
    let (mut wire, _) = opener.open("/echo", &[])?;
    for size in [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|at: usize| (at * 7 + at / 251) as u8).collect();
        wire.send(bytes.clone())?;
        is(wire.message()? == Message::Binary(bytes), format!("{size} bytes differ"))?;
        let text = "a\u{e9}\u{20ac}\u{1f600}".repeat(size / 10);
        wire.send(text.clone())?;
        is(wire.message()? == Message::Text(text), format!("a text of {size} bytes differs"))?;
    }
    wire.close(3000, "enough")?;
    wire.ends(3000, "enough")
}

fn fragments(opener: &Opener<'_>) -> Result<()> {
    let (mut wire, _) = opener.open("/echo?seed=7&most=3000&delay=0.001", &[])?;
    for length in [0, 3, 100, 10_000] {
        let text = "\u{e9}\u{20ac}\u{1f600}".repeat(length);
        if let Wire::Blocking(socket) = &mut wire {
            // In pieces that end within characters.
            let mut rest = text.as_bytes();
            while let Some((piece, more)) = rest.split_at_checked(1001) {
                socket.send_piece(true, piece, false)?;
                rest = more;
            }
            socket.send_piece(true, rest, true)?;
        } else {
            wire.send(text.clone())?;
        }
        wire.send(text.as_bytes())?;
        is(wire.message()? == Message::Text(text.clone()), "the text differs")?;
        is(wire.message()?.as_bytes() == text.as_bytes(), "the bytes differ")?;
    }
    wire.close(1000, "")?;
    wire.ends(1000, "")
}

fn both(opener: &Opener<'_>) -> Result<()> {
    const COUNT: usize = 300;
    const SIZE: usize = 20_000;
    const SEED: usize = 3;
    let (mut wire, _) = opener.open(&format!("/both/{COUNT}?size={SIZE}&seed={SEED}"), &[])?;
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().ok_or("no SHA-256")?;
    let mut hash = suite.common.hash_provider.start();
    let (mut bytes, mut received) = (0, 0);
    let mut take = |event: SocketEvent| match event {
        SocketEvent::Message(Message::Binary(bytes)) if bytes == theirs(received, SIZE, SEED) => {
            received += 1;
            Ok(())
        }
        other => Err(format!("message {received} differs: {}", brief(&other))),
    };
    for index in 0..COUNT {
        let message: Vec<u8> = (0..index * 131 % 40_000).map(|at| (at * 3 + index) as u8).collect();
        hash.update(&message);
        bytes += message.len();
        wire.send(message)?;
        while let Some(event) = wire.poll() {
            take(event)?;
        }
    }
    wire.send("end")?;
    let report = loop {
        match wire.next()? {
            SocketEvent::Message(Message::Text(report)) => break report,
            event => take(event)?,
        }
    };
    is(received == COUNT, format!("{received} messages"))?;
    let hash: String = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let report: Value = serde_json::from_str(&report)?;
    is(report == json!({ "messages": COUNT, "bytes": bytes, "sha256": hash }), report.to_string())?;
    wire.ends(1000, "")
}

/// The server's message of this number.
fn theirs(index: usize, size: usize, seed: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size).map(|at| (seed + index + at) as u8).collect();
    let number = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    bytes.iter_mut().zip(number).for_each(|(byte, digit)| *byte = digit);
    bytes
}

fn brief(event: &SocketEvent) -> String {
    format!("{event:?}").chars().take(200).collect()
}

fn closes(opener: &Opener<'_>) -> Result<()> {
    for (code, reason) in [(1000, ""), (1001, "bye"), (4321, "so long")] {
        let (mut wire, _) = opener.open(&format!("/close/{code}?reason={}", reason.replace(' ', "%20")), &[])?;
        wire.send("go on")?;
        wire.ends(code, reason)?;
    }
    Ok(())
}

fn pings(opener: &Opener<'_>) -> Result<()> {
    let (mut wire, _) = opener.open("/ping/20", &[])?;
    is(wire.message()? == "20".into(), "not every ping was answered")?;
    wire.ends(1000, "")
}

fn protocols(opener: &Opener<'_>) -> Result<()> {
    let (mut wire, protocol) = opener.open("/echo", &["unheard-of", "chat"])?;
    is(protocol.as_deref() == Some("chat"), format!("{protocol:?}"))?;
    wire.close(1000, "")?;
    wire.ends(1000, "")
}

fn refused(ca: &[u8], refusing: &Refusing) -> Result<()> {
    let client = trusting(ca).build()?;
    let Err(failure) = client.connect_socket(&refusing.url).open() else { return Err("it opened".into()) };
    check(&failure);
    let status = failure.response().map(|response| response.status());
    is((failure.code(), status) == (8, Some(refusing.status)), format!("{failure:?}"))
}

fn locked_out(ca: &[u8], locked: &Peer) -> Result<()> {
    let client = client(ca, locked)?;
    let Err(failure) = client.connect_socket(&locked.url).open() else { return Err("it opened".into()) };
    check(&failure);
    is((failure.code(), failure.reason().name()) == (1, "ProxyRefused"), format!("{failure:?}"))
}
