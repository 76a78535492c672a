//! DNS that lies, loops, babbles or says nothing: every call ends within its deadline, with the right code, and nothing
//! panics (REQ-03).

mod world;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use embassy_net::udp::{PacketMetadata, UdpSocket};
use embassy_net::{Ipv4Address, Stack};
use embassy_time::{Duration, Timer};
use miniwire_core::context::{Context, Limits, Proxy};
use miniwire_core::download::Download;
use miniwire_core::drive::SocketMemory as Messages;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Api, Policy};
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_core::socket::{ConnectSocket, Settings};
use miniwire_core::storage::{Bytes, Memory};
use miniwire_core::upload::Upload;
use miniwire_embassy::{Client, SocketMemory, Sockets};
use rand_core::OsRng;

use world::cable::Faults;
use world::http::Server;
use world::site::{Buffers, Came, context, routes, send};
use world::{NOBODY, SERVER, World, clock};

const A: u8 = 1;
const CNAME: u8 = 5;

/// A name that begins with this label, and what the server says of it.
type Lie = (&'static str, fn(&[u8]) -> Vec<u8>, Verdict);

/// What comes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// An answer, since it is none or only half a lie.
    Good,
    /// This, at once.
    AtOnce(Reason),
    /// It is no answer: the resolver asks again until it gives up, or the deadline is there.
    NoAnswer,
    /// Nobody is there, or nobody can be: up to the deadline.
    Nobody,
}

use Verdict::{AtOnce, Good, NoAnswer, Nobody};

const LIES: &[Lie] = &[
    ("good", |query| address(query, SERVER), Good),
    ("many", |query| reply(query, &[(A, SERVER.octets().as_slice()); 60]), Good),
    ("unknown", |query| with_code(query, 3), AtOnce(Reason::Dns)),
    ("broken", |query| with_code(query, 2), AtOnce(Reason::Dns)),
    ("refused", |query| with_code(query, 5), AtOnce(Reason::Dns)),
    ("empty", |query| reply(query, &[]), AtOnce(Reason::Dns)),
    ("truncated", |query| with(reply(query, &[]), 2, 0x83), AtOnce(Reason::Dns)),
    ("itself", |query| reply(query, &[(CNAME, &[0xc0, 12])]), AtOnce(Reason::Dns)),
    ("circle", |query| reply(query, &[(CNAME, b"\x01b\x04test\0"), (CNAME, &[0xc0, 12])]), AtOnce(Reason::Dns)),
    ("away", |query| reply(query, &[(CNAME, b"\x06silent\x04test\0")]), AtOnce(Reason::Dns)),
    ("address-of-another", |query| other(query, &SERVER.octets()), AtOnce(Reason::Dns)),
    ("text", |query| reply(query, &[(16, b"\x04text")]), AtOnce(Reason::Dns)),
    ("silent", |_| Vec::new(), NoAnswer),
    ("forged", |query| with(address(query, SERVER), 1, query[1] ^ 1), NoAnswer),
    ("echo", |query| query.to_vec(), NoAnswer),
    ("head", |query| query[..12].to_vec(), NoAnswer),
    ("no-question", |query| with(address(query, SERVER), 5, 0), NoAnswer),
    ("two-questions", |query| with(address(query, SERVER), 5, 2), NoAnswer),
    ("elsewhere", |query| with(address(query, SERVER), 13, b'x'), NoAnswer),
    ("cut", |query| cut(address(query, SERVER), 2), NoAnswer),
    ("announced", |query| with(address(query, SERVER), 7, 200), NoAnswer),
    ("short", |query| reply(query, &[(A, &[192, 168])]), NoAnswer),
    ("long", |query| reply(query, &[(A, &[192; 400])]), NoAnswer),
    (
        "pointer-to-itself",
        |query| with(reply(query, &[(CNAME, &[0xc0, 0])]), query.len() + 13, query.len() as u8 + 12),
        NoAnswer,
    ),
    ("pointer-beyond", |query| reply(query, &[(CNAME, &[0xff, 0xff])]), NoAnswer),
    ("noise", |query| [&query[..2], &[0x81; 400]].concat(), NoAnswer),
    // Addresses at which nobody is.
    ("nobody", |query| address(query, NOBODY), Nobody),
    ("no-route", |query| address(query, Ipv4Address::new(10, 1, 2, 3)), Nobody),
    ("unspecified", |query| address(query, Ipv4Address::new(0, 0, 0, 0)), AtOnce(Reason::Connect)),
    ("loopback", |query| address(query, Ipv4Address::new(127, 0, 0, 1)), Nobody),
    ("broadcast", |query| address(query, Ipv4Address::new(255, 255, 255, 255)), Nobody),
    ("local-broadcast", |query| address(query, Ipv4Address::new(192, 168, 69, 255)), Nobody),
    ("multicast", |query| address(query, Ipv4Address::new(224, 0, 0, 1)), Nobody),
    ("own", |query| address(query, Ipv4Address::new(192, 168, 69, 1)), Nobody),
    ("network", |query| address(query, Ipv4Address::new(192, 168, 69, 0)), Nobody),
];

/// A reply with these records, each of the name that was asked for.
fn reply(query: &[u8], records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut reply = [&query[..2], &[0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0], &query[12..]].concat();
    for (kind, data) in records {
        let [high, low] = (data.len() as u16).to_be_bytes();
        reply.extend([0xc0, 12, 0, *kind, 0, 1, 0, 0, 0, 60, high, low]);
        reply.extend(*data);
    }
    reply
}

fn address(query: &[u8], address: Ipv4Address) -> Vec<u8> {
    reply(query, &[(A, &address.octets())])
}

/// The address of a name that nobody asked for.
fn other(query: &[u8], address: &[u8]) -> Vec<u8> {
    let mut reply = with(reply(query, &[]), 7, 1);
    reply.extend(b"\x05other\x04test\0\0\x01\0\x01\0\0\0\x3c\0\x04");
    reply.extend(address);
    reply
}

fn with_code(query: &[u8], code: u8) -> Vec<u8> {
    with(reply(query, &[]), 3, 0x80 | code)
}

fn with(mut reply: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    reply[at] = byte;
    reply
}

fn cut(mut reply: Vec<u8>, bytes: usize) -> Vec<u8> {
    reply.truncate(reply.len() - bytes);
    reply
}

/// Answers each query as `answer` says, after so many milliseconds. Of an empty answer nothing is heard.
async fn serve(stack: Stack<'static>, mut answer: impl FnMut(&[u8]) -> (u64, Vec<u8>)) {
    let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
    let (mut rx_meta, mut tx_meta) = ([PacketMetadata::EMPTY; 8], [PacketMetadata::EMPTY; 8]);
    let mut socket = UdpSocket::new(stack, &mut rx_meta, &mut rx, &mut tx_meta, &mut tx);
    socket.bind(53).unwrap();
    let mut packet = [0; 512];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut packet).await else { continue };
        let (after, reply) = answer(&packet[..length]);
        Timer::after(Duration::from_millis(after)).await;
        if !reply.is_empty() {
            let _ = socket.send_to(&reply, from.endpoint).await;
        }
    }
}

/// A world whose DNS server answers so, and an HTTP server.
fn world(answer: impl FnMut(&[u8]) -> (u64, Vec<u8>) + 'static) -> World {
    let mut world = World::new(1, Faults::NONE);
    world.spawn(serve(world.server, answer));
    Server::start(&mut world.executor, world.server, 80, 4, routes);
    world
}

fn label(query: &[u8]) -> &[u8] {
    &query[13..13 + usize::from(query[12])]
}

fn lying(query: &[u8]) -> (u64, Vec<u8>) {
    let lie = LIES.iter().find(|(name, ..)| name.as_bytes() == label(query));
    (0, lie.map_or(Vec::new(), |(_, answer, _)| answer(query)))
}

/// How a call to this URL ends: the code and the reason, or 0, and after how many milliseconds.
async fn call<const N: usize>(
    sockets: &Sockets<'_, N>,
    context: Context<'_>,
    api: Api,
    host: &str,
    ms: u32,
) -> (u8, Option<Reason>, u64) {
    let mut limits = Limits::new();
    (limits.upload_timeout, limits.download_idle) = (ms, ms);
    let client = Client::plain(sockets, context.with_limits(limits));
    let (mut buffers, start) = (Buffers::new(), clock::now_ms());
    let failed = match api {
        Api::Request => {
            let url = format!("http://{host}/json");
            client
                .request(&Request::new(&url).timeout(ms), buffers.memory())
                .await
                .err()
                .map(|it| (it.code(), it.reason))
        }
        Api::UploadFile => {
            let url = format!("http://{host}/json");
            let upload = Upload::new(&url, FileType::Image, "f", Boundary::new([1; 16])).file("f.png", 2);
            let result = client.upload_file(&upload, &mut Bytes::new(b"hi"), buffers.memory(), |_| ()).await;
            result.err().map(|it| (it.code(), it.reason))
        }
        Api::DownloadFile => {
            let (url, mut file) = (format!("http://{host}/json"), [0; 64]);
            let mut store = Memory::new(&mut file);
            let result = client.download_file(&Download::new(&url), &mut store, buffers.memory(), |_| ()).await;
            result.err().map(|it| (it.code(), it.reason))
        }
        Api::ConnectSocket => {
            let (url, random) = (format!("ws://{host}/json"), RefCell::new(OsRng));
            let Buffers { receive, transmit, body, .. } = &mut buffers;
            let memory = Messages { receive, transmit, message: body };
            let connect = ConnectSocket::new(&url).timeout(ms);
            let result = client.connect_socket(&connect, Settings::new(), &random, memory, |_, _| ()).await;
            result.err().map(|it| (it.code(), it.reason))
        }
    };
    let (code, reason) = failed.unzip();
    (code.unwrap_or(0), reason, clock::now_ms() - start)
}

const APIS: [Api; 4] = [Api::Request, Api::UploadFile, Api::DownloadFile, Api::ConnectSocket];

#[test]
fn req_03_dns_that_lies_loops_or_says_nothing_ends_in_time_with_the_right_code() {
    let mut world = world(lying);
    let board = world.board;
    world.run(async {
        let mut memory = SocketMemory::<2, 1536, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        for (name, _, verdict) in LIES {
            for (api, ms) in APIS.into_iter().flat_map(|api| [(api, 3000), (api, 20_000)]) {
                let (code, reason, took) = call(&sockets, context(), api, &format!("{name}.test"), ms).await;
                let expected = match verdict {
                    // What is there is no WebSocket.
                    Good if api == Api::ConnectSocket => Some(Reason::NotUpgraded),
                    Good => None,
                    AtOnce(reason) => Some(*reason),
                    NoAnswer if ms == 20_000 => Some(Reason::Dns),
                    NoAnswer | Nobody => Some(Reason::Timeout),
                };
                assert_eq!(reason, expected, "{name} {api:?} {ms}: after {took} ms");
                assert_eq!(code, expected.map_or(0, |reason| reason.code(api)), "{name} {api:?}");
                match reason {
                    Some(Reason::Timeout) => assert_eq!(took, u64::from(ms), "{name} {api:?}"),
                    _ if *verdict == NoAnswer => assert!((10_000..=15_000).contains(&took), "{name} {api:?}: {took}"),
                    _ => assert!(took < 100, "{name} {api:?}: {took}"),
                }
            }
        }
        assert_eq!(sockets.idle(), (2, 2));
    });
}

#[test]
fn req_03_an_answer_that_comes_too_late_changes_nothing() {
    for (after, code) in [(500, 3), (2999, 3), (3001, 3), (3001, 0), (7000, 0)] {
        let mut world = world(move |query| match (label(query), code) {
            (b"good", _) => (0, address(query, SERVER)),
            (_, 0) => (after, address(query, SERVER)),
            _ => (after, with_code(query, code)),
        });
        let board = world.board;
        world.run(async {
            let mut memory = SocketMemory::<2, 1536, 1024>::new();
            let sockets = Sockets::new(board, &mut memory);
            let (_, reason, took) = call(&sockets, context(), Api::Request, "late.test", 3000).await;
            let expected = if after < 3000 { Reason::Dns } else { Reason::Timeout };
            assert_eq!(reason, Some(expected), "{after}");
            assert!((after.min(3000)..after.min(3000) + 10).contains(&took), "{after}: {took}");
            // It is for nobody any more, and the next call has an answer of its own.
            Timer::after(Duration::from_millis(20_000)).await;
            let client = Client::plain(&sockets, context());
            let came: Came = send(&client, &Request::new("http://good.test/json")).await;
            assert_eq!(came, Ok((200, r#"{"a":1}"#.into())), "{after}");
        });
    }
}

#[test]
fn req_17_dns_that_lies_about_a_proxy_is_23() {
    let mut world = world(lying);
    let board = world.board;
    world.run(async {
        for (name, _, verdict) in LIES {
            let host = format!("{name}.test");
            let proxy = Proxy { host: &host, port: 80, credentials: None };
            let mut memory = SocketMemory::<2, 1536, 1024>::new();
            let expected = match verdict {
                Good => continue,
                AtOnce(_) => (23, Reason::ProxyFailed),
                NoAnswer | Nobody => (13, Reason::Timeout),
            };
            // Leaked: a client's context lives as long as its sockets.
            let context = Context::new("2021000000000001", "1.0.0", Policy::development()).unwrap();
            let sockets = Sockets::new(board, &mut memory);
            let (code, reason, took) =
                call(&sockets, context.with_proxy(Some(&proxy)), Api::Request, "origin.test", 3000).await;
            assert_eq!((code, reason), (expected.0, Some(expected.1)), "{name}");
            assert!(took <= 3000, "{name}: {took}");
        }
    });
}

#[test]
fn core_02_a_reply_of_any_shape_is_no_panic() {
    // Every byte changed in several ways, and the reply cut at every byte, which is what mask 0 says.
    let change = Rc::new(Cell::new((0, 0)));
    let changes = Rc::clone(&change);
    let mut world = world(move |query| {
        let mut chain = reply(query, &[(CNAME, b"\x01b\x04test\0"), (CNAME, &[0xc0, 12]), (A, &SERVER.octets())]);
        match changes.get() {
            (at, 0) => chain.truncate(at),
            (at, mask) => chain[at] ^= mask,
        }
        (0, chain)
    });
    let board = world.board;
    world.run(async {
        let mut memory = SocketMemory::<2, 1536, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let length = 12 + b"\x01x\x04test\0\0\x01\0\x01".len() + 3 * 12 + 8 + 2 + 4;
        for at in 0..length {
            for mask in [0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff] {
                change.set((at, mask));
                let (_, reason, took) = call(&sockets, context(), Api::Request, "x.test", 300).await;
                let allowed = [None, Some(Reason::Dns), Some(Reason::Timeout), Some(Reason::Connect)];
                assert!(allowed.contains(&reason) && took <= 300, "{at} {mask}: {reason:?} after {took}");
            }
        }
    });
}
