//! Sockets to the servers of `tests/stages/websocket_peers.py`, with TLS and without, directly, behind nginx and through
//! a proxy.

use embassy_net::Stack;
use embassy_time::{Duration, Instant, with_timeout};
use miniwire_core::context::{Context, Proxy};
use miniwire_core::drive::{Received, SocketMemory};
use miniwire_core::policy::Policy;
use miniwire_core::reason::Reason;
use miniwire_core::socket::{Compression, ConnectFailure, ConnectSocket, Message, Sending, Settings};
use miniwire_embassy::Sockets;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::on_embassy::{self, Tls};
use crate::{Verdict, Verdicts};

/// What `websocket_peers.py` says of its servers.
#[derive(Deserialize)]
pub(crate) struct Listed {
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
    /// It agrees to compress.
    #[serde(default)]
    deflate: bool,
}

#[derive(Deserialize)]
struct Refusing {
    url: String,
    status: u16,
}

const PATIENCE: Duration = Duration::from_secs(40);
/// The longest message.
const MESSAGE: usize = 70_000;

type Client<'p, 's, 'd> = miniwire_embassy::Client<'s, 'd, &'p Tls<'s, 'd>, 2>;
type Socket<'m, 'c, 'p, 's, 'd> = miniwire_embassy::Socket<'m, 'c, 's, 'd, &'p Tls<'s, 'd>, 2>;

pub(crate) async fn all(stack: Stack<'_>, roots: &str, listed: &Listed, verdicts: &mut Verdicts) {
    on_embassy::with_client(stack, roots, async |sockets, tls| {
        for peer in &listed.peers {
            let start = Instant::now();
            for what in [What::Sizes, What::Fragments, What::Both, What::Close, What::Ping, What::Protocol] {
                let result = on(peer, what, false, sockets, tls).await;
                verdicts.say(&format!("{}: {}", peer.name, what.name()), result);
            }
            for what in [What::Sizes, What::Fragments, What::Both, What::Close] {
                let result = on(peer, what, true, sockets, tls).await;
                verdicts.say(&format!("{}, compressed: {}", peer.name, what.name()), result);
            }
            crate::note(&format!("in {:.1} s", start.elapsed().as_millis() as f32 / 1000.0));
        }
        for refusing in &listed.refusing {
            let client = Client::new(sockets, on_embassy::context(Policy::development()), tls);
            let mut memory = Memory::new();
            let result = match connect(&client, tls, &refusing.url, &[], &mut memory).await {
                Ok(_) => Err("it opened".into()),
                Err(failure) => is((failure.code(), failure.status) == (8, Some(refusing.status)), failure),
            };
            verdicts.say(&format!("{} is {}", refusing.url, refusing.status), result);
        }
        let client = Client::new(sockets, listed.locked.context(), tls);
        let result = match connect(&client, tls, &listed.locked.url, &[], &mut Memory::new()).await {
            Ok(_) => Err("it opened".into()),
            Err(failure) => is((failure.code(), failure.reason) == (1, Reason::ProxyRefused), failure),
        };
        verdicts.say("a proxy without credentials", result);
    })
    .await;
}

/// One server with TLS, and one that compresses.
pub(crate) async fn over_a_poor_line(stack: Stack<'_>, roots: &str, listed: &Listed, verdicts: &mut Verdicts) {
    on_embassy::with_client(stack, roots, async |sockets, tls| {
        for peer in listed.peers.iter().skip(1).take(2) {
            for what in [What::Fragments, What::Both, What::Close] {
                let result = on(peer, what, peer.deflate, sockets, tls).await;
                verdicts.say(&format!("a poor line: {}: {}", peer.name, what.name()), result);
            }
        }
    })
    .await;
}

impl Peer {
    /// The context that goes through its proxy.
    fn context(&self) -> Context<'static> {
        let context = on_embassy::context(Policy::development());
        let Some(url) = self.proxy.as_deref() else { return context };
        // There are a few in the life of this process.
        let url: &'static str = url.strip_prefix("http://").expect("a proxy").to_owned().leak();
        let (credentials, address) = url.rsplit_once('@').map_or((None, url), |(user, address)| (Some(user), address));
        let (host, port) = address.rsplit_once(':').expect("a port");
        let proxy = Proxy { host, port: port.parse().expect("a port"), credentials };
        context.with_proxy(Some(Box::leak(Box::new(proxy))))
    }
}

#[derive(Clone, Copy, Debug)]
enum What {
    Sizes,
    Fragments,
    Both,
    Close,
    Ping,
    Protocol,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Sizes => "messages of every size",
            Self::Fragments => "random fragments",
            Self::Both => "both directions at once",
            Self::Close => "the server closes",
            Self::Ping => "pings",
            Self::Protocol => "subprotocols",
        }
    }
}

async fn on<'s, 'd>(
    peer: &Peer,
    what: What,
    compress: bool,
    sockets: &'s Sockets<'d, 2>,
    tls: &Tls<'s, 'd>,
) -> Verdict {
    let client = Client::new(sockets, peer.context(), tls);
    let mut memory = Memory::new();
    let talk = async {
        let (path, protocols): (&str, &[&str]) = match what {
            What::Sizes => ("/echo", &[]),
            What::Fragments => ("/echo?seed=7&most=300&delay=0.001", &[]),
            What::Both => ("/both/100?size=3000&seed=3", &[]),
            What::Close => ("/close/4321?reason=so%20long", &[]),
            What::Ping => ("/ping/20", &[]),
            What::Protocol => ("/echo", &["unheard-of", "chat"]),
        };
        let url = format!("{}{path}", peer.url);
        let (mut windows, mut heads) = (vec![0; 4096 + 1024], vec![0; 512]);
        let (inflate, deflate) = windows.split_at_mut(4096);
        let mut compression = Compression::new(inflate, deflate, &mut heads).map_err(|_| "windows")?;
        let compression = compress.then_some(&mut compression);
        let (mut socket, opened) = open(&client, tls, &url, protocols, &mut memory, compression).await?;
        is(opened.compressed == (compress && peer.deflate), "compression is not as expected")?;
        match what {
            What::Sizes => sizes(&mut socket).await,
            What::Fragments => fragments(&mut socket).await,
            What::Both => both(&mut socket).await,
            What::Close => {
                send(&mut socket, Sending::text("go on")).await?;
                ends(&mut socket, 4321, "so long").await
            }
            What::Ping => {
                is(next(&mut socket).await == Came::Text("20".into()), "not every ping was answered")?;
                ends(&mut socket, 1000, "").await
            }
            What::Protocol => {
                is(opened.protocol.as_deref() == Some("chat"), &opened.protocol)?;
                close(&mut socket).await
            }
        }
    };
    with_timeout(PATIENCE, talk).await.unwrap_or_else(|_| Err("it takes too long".into()))
}

/// Text, bytes, nothing, and as much as there is memory for.
async fn sizes(socket: &mut Socket<'_, '_, '_, '_, '_>) -> Verdict {
    for size in [0, 1, 125, 126, 4096, 65_535, 65_536, MESSAGE] {
        let bytes: Vec<u8> = (0..size).map(|at: usize| (at * 7 + at / 251) as u8).collect();
        send(socket, Sending::binary(&bytes)).await?;
        is(next(socket).await == Came::Bytes(bytes), format!("{size} bytes differ"))?;
        let text = "a\u{e9}\u{20ac}\u{1f600}".repeat(size / 10);
        send(socket, Sending::text(&text)).await?;
        is(next(socket).await == Came::Text(text), format!("a text of {size} bytes differs"))?;
    }
    close(socket).await
}

async fn fragments(socket: &mut Socket<'_, '_, '_, '_, '_>) -> Verdict {
    for length in [0, 3, 100, 1000] {
        let text = "\u{e9}\u{20ac}\u{1f600}".repeat(length);
        send(socket, Sending::text(&text)).await?;
        send(socket, Sending::binary(text.as_bytes())).await?;
        let bytes = text.clone().into_bytes();
        is(next(socket).await == Came::Text(text), format!("a text of {length} times three characters differs"))?;
        is(next(socket).await == Came::Bytes(bytes), format!("the bytes of {length} times three characters differ"))?;
    }
    close(socket).await
}

async fn both(socket: &mut Socket<'_, '_, '_, '_, '_>) -> Verdict {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().ok_or("no SHA-256")?;
    let mut hash = suite.common.hash_provider.start();
    let (mut bytes, mut received) = (0, 0);
    for index in 0..100 {
        let message: Vec<u8> = (0..index * 31).map(|at| (at * 3 + index) as u8).collect();
        hash.update(&message);
        bytes += message.len();
        send(socket, Sending::binary(&message)).await?;
        while with_timeout(Duration::from_micros(1), socket.ready()).await.is_ok() {
            is(next(socket).await == theirs(received), format!("message {received} differs"))?;
            received += 1;
        }
    }
    send(socket, Sending::text("end")).await?;
    while received < 100 {
        is(next(socket).await == theirs(received), format!("message {received} differs"))?;
        received += 1;
    }
    let hash: String = hash.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let Came::Text(report) = next(socket).await else { return Err("no report".into()) };
    let report: Value = serde_json::from_str(&report)?;
    is(report == json!({ "messages": 100, "bytes": bytes, "sha256": hash }), &report)?;
    ends(socket, 1000, "").await
}

/// The server's message of this number, of 3000 bytes, with seed 3.
fn theirs(index: usize) -> Came {
    let mut bytes: Vec<u8> = (0..3000).map(|at| (3 + index + at) as u8).collect();
    let number = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    bytes.iter_mut().zip(number).for_each(|(byte, digit)| *byte = digit);
    Came::Bytes(bytes)
}

async fn send(socket: &mut Socket<'_, '_, '_, '_, '_>, message: Sending<'_>) -> Verdict {
    Ok(socket.send(message).await.map_err(|reason| reason.name())?)
}

async fn close(socket: &mut Socket<'_, '_, '_, '_, '_>) -> Verdict {
    socket.close(3000, "enough").await.map_err(|reason| reason.name())?;
    ends(socket, 3000, "enough").await
}

/// The Close, which must come next, alone and with these.
async fn ends(socket: &mut Socket<'_, '_, '_, '_, '_>, code: u16, reason: &str) -> Verdict {
    let came = next(socket).await;
    is(came == Came::Close(code, reason.into()), came)?;
    let after = next(socket).await;
    is(after == Came::Nothing, after)
}

struct Memory {
    receive: Vec<u8>,
    transmit: Vec<u8>,
    message: Vec<u8>,
}

impl Memory {
    fn new() -> Self {
        Self { receive: vec![0; 2048], transmit: vec![0; 512], message: vec![0; 2 * MESSAGE] }
    }
}

/// What the server has agreed to.
#[derive(Default)]
struct Opened {
    protocol: Option<String>,
    compressed: bool,
}

async fn connect<'m, 'c, 'p, 's, 'd>(
    client: &'c Client<'p, 's, 'd>,
    random: &'c Tls<'s, 'd>,
    url: &str,
    protocols: &[&str],
    memory: &'m mut Memory,
) -> Result<(Socket<'m, 'c, 'p, 's, 'd>, Opened), ConnectFailure> {
    open(client, random, url, protocols, memory, None).await
}

async fn open<'m, 'c, 'p, 's, 'd>(
    client: &'c Client<'p, 's, 'd>,
    random: &'c Tls<'s, 'd>,
    url: &str,
    protocols: &[&str],
    memory: &'m mut Memory,
    compression: Option<&'m mut Compression<'m>>,
) -> Result<(Socket<'m, 'c, 'p, 's, 'd>, Opened), ConnectFailure> {
    let Memory { receive, transmit, message } = memory;
    let (connect, mut opened) = (ConnectSocket::new(url).protocols(protocols), Opened::default());
    let on_open = |head: miniwire_core::http::head::Head<'_>, chosen: Option<&str>| {
        opened.protocol = chosen.map(str::to_owned);
        opened.compressed = head.fields().any(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
    };
    let (memory, settings) = (SocketMemory { receive, transmit, message }, Settings::new());
    let socket = match compression {
        None => client.connect_socket(&connect, settings, random, memory, on_open).await?,
        Some(compression) => {
            client.connect_socket_compressed(&connect, settings, random, memory, compression, on_open).await?
        }
    };
    Ok((socket, opened))
}

/// What came, owned.
#[derive(Debug, PartialEq)]
enum Came {
    Text(String),
    Bytes(Vec<u8>),
    Error(Reason),
    Close(u16, String),
    Nothing,
}

async fn next(socket: &mut Socket<'_, '_, '_, '_, '_>) -> Came {
    match socket.recv().await {
        Some(Received::Message(Message::Text(text))) => Came::Text(text.to_owned()),
        Some(Received::Message(message)) => Came::Bytes(message.as_bytes().to_vec()),
        Some(Received::Error(reason)) => Came::Error(reason),
        Some(Received::Close { code, reason }) => Came::Close(code, reason.to_owned()),
        None => Came::Nothing,
    }
}

fn is(holds: bool, what: impl std::fmt::Debug) -> Verdict {
    if holds { Ok(()) } else { Err(format!("{what:?}").chars().take(300).collect::<String>().into()) }
}
