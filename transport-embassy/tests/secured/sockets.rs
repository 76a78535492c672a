//! The socket of a context, plain and under TLS.

use std::cell::RefCell;
use std::pin::pin;
use std::task::Poll;

use embassy_time::{Duration, with_timeout};
use miniwire_core::drive::{NoRandomness, Received, SocketMemory};
use miniwire_core::reason::{CertificateFault, Reason};
use miniwire_core::request::Request;
use miniwire_core::socket::{ConnectFailure, ConnectSocket, Message, Rule, Sending, Settings};
use miniwire_embassy::{AbortHandle, Random, Secure, Socket, Tls};
use rand_core::OsRng;

use crate::peer::Peer;
use crate::site::{Clock, Secured, Site, pass, site};
use crate::world::cable::Faults;
use crate::world::site::{context, send};

const WSS: &str = "wss://device.test/socket";
const WS: &str = "ws://device.test/socket";

/// TLS with one session.
type One<'p, 's, 'd> = &'p Tls<'s, 'd, Clock, OsRng, 1>;

struct Memory {
    receive: Vec<u8>,
    transmit: Vec<u8>,
    message: Vec<u8>,
}

impl Memory {
    fn new() -> Self {
        Self { receive: vec![0; 1024], transmit: vec![0; 256], message: vec![0; 16_384] }
    }

    fn lend(&mut self) -> SocketMemory<'_> {
        SocketMemory { receive: &mut self.receive, transmit: &mut self.transmit, message: &mut self.message }
    }
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

async fn next<'s, 'd, S: Secure<'s, 'd>, const N: usize>(socket: &mut Socket<'_, '_, 's, 'd, S, N>) -> Came {
    match socket.recv().await {
        Some(Received::Message(Message::Text(text))) => Came::Text(text.to_owned()),
        Some(Received::Message(message)) => Came::Bytes(message.as_bytes().to_vec()),
        Some(Received::Error(reason)) => Came::Error(reason),
        Some(Received::Close { code, reason }) => Came::Close(code, reason.to_owned()),
        None => Came::Nothing,
    }
}

fn closed(code: u16) -> Came {
    Came::Close(code, String::new())
}

fn random() -> RefCell<OsRng> {
    RefCell::new(OsRng)
}

/// A site that also serves plainly, on port 80.
fn both(seed: u64, faults: Faults) -> (Site, Peer) {
    let mut site = site(seed, faults);
    let plain = Peer::start(&mut site.world.executor, site.world.server, 80, 4, None);
    (site, plain)
}

/// `connectSocket` with every default.
async fn connect<'m, 'a, 'p, 's, 'd>(
    client: &'a Secured<'p, 's, 'd, 1>,
    url: &str,
    random: &'a dyn Random,
    memory: &'m mut Memory,
) -> Result<Socket<'m, 'a, 's, 'd, One<'p, 's, 'd>, 3>, ConnectFailure> {
    client.connect_socket(&ConnectSocket::new(url), Settings::new(), random, memory.lend(), |_, _| ()).await
}

#[test]
fn sock_04_05_messages_go_and_come_with_tls_and_without() {
    for (seed, faults) in [(0, Faults::NONE), (1, Faults::MANY), (2, Faults::MANY), (3, Faults::MANY)] {
        let (mut site, plain) = both(seed, faults);
        site.run::<_, 1>(async |client, _| {
            let random = random();
            for url in [WSS, WS] {
                let mut memory = Memory::new();
                let mut opened = 0;
                let connect = ConnectSocket::new(url).timeout(600_000);
                let memory = memory.lend();
                let on_open = |_: miniwire_core::http::head::Head<'_>, _: Option<&str>| opened += 1;
                let mut socket =
                    client.connect_socket(&connect, Settings::new(), &random, memory, on_open).await.unwrap();
                for length in [0, 1, 125, 126, 1000, 5000] {
                    let text = "ü".repeat(length);
                    socket.send(Sending::text(&text)).await.unwrap();
                    assert_eq!(next(&mut socket).await, Came::Text(text), "{url} {seed}");
                }
                socket.send(Sending::binary(&[0xff; 3000])).await.unwrap();
                assert_eq!(next(&mut socket).await, Came::Bytes(vec![0xff; 3000]));
                socket.close(4000, "done").await.unwrap();
                assert_eq!(next(&mut socket).await, Came::Close(4000, "done".into()));
                assert_eq!(next(&mut socket).await, Came::Nothing);
                drop(socket);
                assert_eq!(opened, 1);
            }
        });
        for peer in [&site.peer, &plain] {
            assert_eq!(*peer.closes.borrow(), [(4000, "done".to_owned())], "{seed}");
        }
    }
}

#[test]
fn sock_06_07_ends_of_every_kind() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        for url in [WSS, WS] {
            let (random, mut memory) = (random(), Memory::new());
            let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
            socket.send(Sending::text("close me")).await.unwrap();
            assert_eq!(next(&mut socket).await, Came::Close(4001, "bye".into()), "{url}");
            assert_eq!(next(&mut socket).await, Came::Nothing);
            drop(socket);

            let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
            socket.send(Sending::text("cut me")).await.unwrap();
            assert_eq!(next(&mut socket).await, Came::Error(Reason::ConnectionLost), "{url}");
            assert_eq!(next(&mut socket).await, closed(1006));
            assert_eq!(socket.send(Sending::text("x")).await, Err(Reason::NotConnected));
        }
    });
}

#[test]
fn sock_02_a_second_connection_closes_the_first_and_none_of_its_late_messages_is_reported() {
    for url in [WSS, WS] {
        let (mut site, plain) = both(1, Faults::NONE);
        site.run::<_, 2>(async |client, _| {
            let random = random();
            let open = async |url, memory| {
                let connect = ConnectSocket::new(url);
                client.connect_socket(&connect, Settings::new(), &random, memory, |_, _| ()).await.unwrap()
            };
            let (mut one, mut two) = (Memory::new(), Memory::new());
            let talks = format!("{url}/talks");
            let mut first = open(talks.as_str(), one.lend()).await;
            // Two messages have come, and nobody has asked for them.
            pass(500).await;
            let mut second = open(url, two.lend()).await;
            assert!(matches!(first.recv().await, Some(Received::Close { code: 1000, reason: "" })), "{url}");
            assert!(first.send(Sending::text("late")).await.is_err());
            assert!(first.recv().await.is_none());
            drop(first);
            second.send(Sending::text("hello")).await.unwrap();
            assert!(matches!(second.recv().await, Some(Received::Message(Message::Text("hello")))));
            pass(500).await;
        });
        let peer = if url == WSS { &site.peer } else { &plain };
        assert_eq!(*peer.closes.borrow(), [(1000, String::new())], "{url}: the server knows");
    }
}

#[test]
fn sock_02_a_replaced_connection_stays_closed_also_when_the_other_has_gone() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        let (random, mut one, mut two) = (random(), Memory::new(), Memory::new());
        let mut first = connect(client, "ws://device.test/socket/talks", &random, &mut one).await.unwrap();
        pass(500).await;
        drop(connect(client, WS, &random, &mut two).await.unwrap());
        assert_eq!(next(&mut first).await, closed(1000));
        assert_eq!(next(&mut first).await, Came::Nothing);
    });
}

#[test]
fn sock_02_reject_fails_the_second_until_the_close_of_the_first() {
    let (mut site, _plain) = both(1, Faults::NONE);
    let board = site.world.board;
    site.world.run(async move {
        let mut memory = miniwire_embassy::SocketMemory::<2, 1536, 1024>::new();
        let sockets = miniwire_embassy::Sockets::new(board, &mut memory);
        let client = miniwire_embassy::Client::plain(&sockets, context()).with_socket_rule(Rule::Reject);
        let random = random();
        let [mut one, mut two, mut three, mut four] = [(); 4].map(|()| Memory::new());
        let url = ConnectSocket::new(WS);
        let connect = async |memory| client.connect_socket(&url, Settings::new(), &random, memory, |_, _| ()).await;
        let mut first = connect(one.lend()).await.unwrap();
        let failure = connect(two.lend()).await.unwrap_err();
        assert_eq!((failure.code(), failure.reason), (2, Reason::SocketExists));
        first.send(Sending::text("close me")).await.unwrap();
        assert!(matches!(first.recv().await, Some(Received::Close { code: 4001, .. })));
        drop(first);
        // A socket that is dropped has no Close to wait for.
        drop(connect(three.lend()).await.unwrap());
        drop(connect(four.lend()).await.unwrap());
    });
}

#[test]
fn sock_02_a_connection_that_is_refused_at_once_leaves_the_first_alone() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        let (random, mut one, mut two) = (random(), Memory::new(), Memory::new());
        let mut first = connect(client, WS, &random, &mut one).await.unwrap();
        for (url, reason) in [("", Reason::UrlEmpty), ("ws://", Reason::UrlMalformed), ("http://x/", Reason::UrlScheme)]
        {
            let failure = connect(client, url, &random, &mut two).await.unwrap_err();
            assert_eq!(failure.reason, reason, "{url}");
            first.send(Sending::text(url)).await.unwrap();
            assert_eq!(next(&mut first).await, Came::Text(url.into()));
        }
    });
}

#[test]
fn ctx_06_a_socket_whose_page_was_unloaded_is_not_replaced_as_well() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        let (random, mut one, mut two) = (random(), Memory::new(), Memory::new());
        let mut first = connect(client, WS, &random, &mut one).await.unwrap();
        client.unload_page();
        // It has not heard of that yet.
        let mut second = connect(client, WS, &random, &mut two).await.unwrap();
        assert_eq!(next(&mut first).await, closed(1001), "what happened first counts");
        assert_eq!(next(&mut first).await, Came::Nothing);
        second.send(Sending::text("hello")).await.unwrap();
        assert_eq!(next(&mut second).await, Came::Text("hello".into()));
    });
}

#[test]
fn ctx_06_unloading_closes_the_socket_with_1001() {
    for url in [WSS, WS] {
        let (mut site, plain) = both(1, Faults::NONE);
        site.run::<_, 1>(async |client, _| {
            let (random, mut memory) = (random(), Memory::new());
            let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
            assert_eq!(with_timeout(Duration::from_secs(60), next(&mut socket)).await.ok(), None, "nothing happens");
            client.unload_page();
            assert_eq!(next(&mut socket).await, closed(1001), "{url}");
            drop(socket);
            pass(500).await;
            let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
            client.shut_down();
            assert_eq!(next(&mut socket).await, closed(1001), "{url}");
            drop(socket);
            let failure = connect(client, url, &random, &mut memory).await.unwrap_err();
            assert_eq!(failure.reason, Reason::Unloaded);
            pass(500).await;
        });
        let peer = if url == WSS { &site.peer } else { &plain };
        assert_eq!(*peer.closes.borrow(), [(1001, String::new()), (1001, String::new())], "{url}: the server knows");
    }
}

#[test]
fn sock_01_attempts_that_fail() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, sockets| {
        struct None;
        impl Random for None {
            fn fill(&self, _: &mut [u8]) -> Result<(), NoRandomness> {
                Err(NoRandomness)
            }
        }
        let (random, mut memory) = (random(), Memory::new());
        for (url, reason) in [
            ("wss://other.test/socket", Reason::Certificate(CertificateFault::WrongHost)),
            ("wss://device.test:80/socket", Reason::NotTls),
            ("wss://device.test:81/socket", Reason::Connect),
            ("wss://missing.test/socket", Reason::Dns),
            ("wss://device.test/json", Reason::NotUpgraded),
            ("wss://device.test/reset", Reason::ConnectionLost),
        ] {
            let failure = connect(client, url, &random, &mut memory).await.unwrap_err();
            assert_eq!(failure.reason, reason, "{url}");
        }
        let failure = connect(client, WS, &None, &mut memory).await.unwrap_err();
        assert_eq!(failure.reason, Reason::NoRandomness);
        let abort = AbortHandle::new();
        abort.abort();
        let url = ConnectSocket::new(WSS);
        let aborted =
            client.abortable(&abort).connect_socket(&url, Settings::new(), &random, memory.lend(), |_, _| ()).await;
        assert_eq!(aborted.unwrap_err().reason, Reason::Aborted);
        // Every place is free again.
        pass(500).await;
        assert_eq!(sockets.idle().0, 3);
        assert!(connect(client, WSS, &random, &mut memory).await.is_ok());
    });
}

#[test]
fn sock_12_an_attempt_has_a_deadline() {
    let (mut site, _plain) = both(1, Faults::NONE);
    site.run::<_, 1>(async |client, _| {
        let (random, mut memory) = (random(), Memory::new());
        let hang = ConnectSocket::new("wss://device.test/hang").timeout(2000);
        let failed = client.connect_socket(&hang, Settings::new(), &random, memory.lend(), |_, _| ()).await;
        assert_eq!(failed.unwrap_err().reason, Reason::Timeout);
    });
}

#[test]
fn sock_08_a_server_that_is_gone_is_found_out() {
    for url in [WSS, WS] {
        let (mut site, _plain) = both(1, Faults::NONE);
        let cable = site.world.cable.clone();
        site.run::<_, 1>(async |client, _| {
            let (random, mut memory) = (random(), Memory::new());
            let settings = Settings::new().keep_alive(10_000);
            let url = ConnectSocket::new(url);
            let memory = memory.lend();
            let mut socket = client.connect_socket(&url, settings, &random, memory, |_, _| ()).await.unwrap();
            cable.set_up(false);
            assert!(matches!(next(&mut socket).await, Came::Error(_)));
            assert_eq!(next(&mut socket).await, closed(1006));
        });
    }
}

#[test]
fn sock_08_a_ping_keeps_nobody_from_sending() {
    for (seed, faults) in [(0, Faults::NONE), (1, Faults::MANY), (2, Faults::MANY)] {
        for url in [WSS, WS] {
            let (mut site, _plain) = both(seed, faults);
            site.run::<_, 1>(async |client, _| {
                let (random, mut memory) = (random(), Memory::new());
                let mut socket = connect(client, &format!("{url}/pings"), &random, &mut memory).await.unwrap();
                // The server sends no message of its own accord: `recv` would wait for ever.
                socket.ready().await;
                assert!(socket.recv_now().await.is_pending(), "{url} {seed}");
                socket.send(Sending::text("go on")).await.unwrap();
                let heard = async {
                    loop {
                        socket.ready().await;
                        if let Poll::Ready(received) = socket.recv_now().await {
                            break received.map(|received| received == Received::Message(Message::Text("go on")));
                        }
                    }
                };
                assert_eq!(heard.await, Some(true), "{url} {seed}");
            });
        }
    }
}

#[test]
fn sock_a_wait_may_be_dropped_at_any_time_and_nothing_is_lost() {
    for url in [WSS, WS] {
        let (mut site, _plain) = both(1, Faults { lost: 0, doubled: 0, delay: (500, 20_000) });
        site.run::<_, 1>(async |client, _| {
            let (random, mut memory) = (random(), Memory::new());
            let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
            for turn in 0..40 {
                let text = format!("{turn}").repeat(100);
                socket.send(Sending::text(&text)).await.unwrap();
                // Raced against something else, again and again.
                while with_timeout(Duration::from_millis(turn), socket.ready()).await.is_err() {
                    pass(1).await;
                }
                assert_eq!(next(&mut socket).await, Came::Text(text), "{url}");
            }
        });
    }
}

#[test]
fn sock_a_connect_or_a_socket_dropped_at_any_poll_frees_everything() {
    for url in [WSS, WS] {
        let (mut site, _plain) = both(1, Faults::NONE);
        site.run::<_, 1>(async |client, sockets| {
            let random = random();
            for polls in 0.. {
                let mut memory = Memory::new();
                let mut talk = pin!(async {
                    let mut socket = connect(client, url, &random, &mut memory).await.unwrap();
                    socket.send(Sending::text("hello")).await.unwrap();
                    assert_eq!(next(&mut socket).await, Came::Text("hello".into()));
                });
                let mut polled = 0;
                let done = std::future::poll_fn(|context| {
                    polled += 1;
                    if polled > polls { Poll::Ready(false) } else { talk.as_mut().poll(context).map(|()| true) }
                });
                let done = done.await;
                if done {
                    assert!(polls > 3, "{polls}");
                    break;
                }
            }
            pass(1000).await;
            assert_eq!(sockets.idle().0, 3);
            assert!(send(client, &Request::new("https://device.test/json")).await.is_ok());
        });
    }
}

#[cfg(feature = "permessage-deflate")]
#[test]
fn sock_an_offer_to_compress_that_is_not_taken_up_changes_nothing() {
    use miniwire_core::socket::CompressionMemory;

    for url in [WSS, WS] {
        let (mut site, plain) = both(1, Faults::NONE);
        site.run::<_, 1>(async |client, _| {
            let (random, mut memory) = (random(), Memory::new());
            let mut windows = CompressionMemory::<1024, 256, 128>::new();
            let (connect, settings) = (ConnectSocket::new(url), Settings::new());
            let connected =
                client.connect_socket_compressed(&connect, settings, &random, memory.lend(), windows.lend(), |_, _| ());
            let mut socket = connected.await.unwrap();
            let text = "again and ".repeat(300);
            socket.send(Sending::text(&text)).await.unwrap();
            assert_eq!(next(&mut socket).await, Came::Text(text), "{url}");
        });
        let peer = if url == WSS { &site.peer } else { &plain };
        let seen = peer.seen.borrow();
        let head = &seen.first().unwrap().head;
        let offer = head.lines().find(|line| line.starts_with("Sec-WebSocket-Extensions: permessage-deflate")).unwrap();
        assert!(offer.contains("server_max_window_bits=10"), "{offer}");
    }
}
