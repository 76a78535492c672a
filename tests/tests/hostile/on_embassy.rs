//! The scripts on embassy-net: a world in one thread, whose clock jumps.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::context::{Context, Limits, Proxy, ProxyRule};
use miniwire_core::download::Download;
use miniwire_core::drive::{Memory, SocketMemory as Messages};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Api, Policy};
use miniwire_core::request::{Failure, Request};
use miniwire_core::socket::{ConnectSocket, Settings};
use miniwire_core::storage;
use miniwire_core::upload::Upload;
use miniwire_embassy::tls::{self, CertificateDer, Trust};
use miniwire_embassy::{AbortHandle, Client, SocketMemory, Sockets, Tls, TlsMemory};
use miniwire_std::serve::{Authority, Leaf};
use miniwire_tests::tls_config;
use rand_core::OsRng;
use rustls::{ServerConfig, ServerConnection};

use crate::scripts::{DRIP_MS, SCRIPTS, Script, Step, block};
use crate::world::cable::Faults;
use crate::world::udp::{self, Name, Names};
use crate::world::wire::Wire;
use crate::world::{SERVER, World, clock};
use crate::{APIS, PLACES, Place, memory};

/// Of a body and of a file.
const LIMIT: u64 = 16 << 10;
/// The bytes of a file that is uploaded: beyond every buffer in between.
const FILE: usize = 14_000;
const PROXY: Proxy<'static> = Proxy { host: "192.168.69.2", port: 3128, credentials: None };
/// The world's clock does not depend on how busy the machine is. What is left is the network's.
const SLACK_MS: u64 = 500;
/// Until then everything that a call used must be free again, whatever the peer does.
const FREE_MS: u64 = 11_000;

/// The peer: it follows the script that is set.
#[derive(Clone)]
struct Stage {
    script: Rc<Cell<&'static [Step]>>,
    tls: Option<Arc<ServerConfig>>,
    /// A decent proxy, and the peer behind it.
    tunnels: bool,
    open: Rc<Cell<usize>>,
}

impl Stage {
    async fn serve(self, stack: Stack<'static>, port: u16) {
        let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(Duration::from_secs(90)));
        loop {
            if socket.accept(port).await.is_ok() {
                self.open.set(self.open.get() + 1);
                self.talk(&mut socket).await;
                socket.close();
                self.open.set(self.open.get() - 1);
            }
            let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
            socket.abort();
            let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
        }
    }

    async fn talk(&self, socket: &mut TcpSocket<'_>) -> Option<()> {
        let mut wire = Wire::new(socket, None);
        if self.tunnels {
            wire.head().await?;
            wire.write(b"HTTP/1.1 200 Established\r\n\r\n").await?;
        }
        wire.tls = self.tls.clone().map(|config| ServerConnection::new(config).expect("a session"));
        wire.handshake().await?;
        for step in self.script.get() {
            match *step {
                Step::Hear => drop(wire.head().await?),
                Step::Say(text) => wire.write(text.as_bytes()).await?,
                Step::Drip(text) => {
                    for byte in text.bytes() {
                        wire.write(&[byte]).await?;
                        Timer::after(Duration::from_millis(DRIP_MS)).await;
                    }
                }
                Step::Again(text) => {
                    let block = block(text);
                    loop {
                        wire.write(&block).await?;
                    }
                }
                Step::Answer(text) => loop {
                    wire.head().await?;
                    wire.write(text.as_bytes()).await?;
                },
                Step::End => wire.end().await,
                Step::Reset => {
                    // What was said goes first.
                    let _ = with_timeout(Duration::from_millis(200), wire.socket.flush()).await;
                    wire.socket.abort();
                }
                Step::Idle => loop {
                    wire.more().await?;
                    wire.bytes.clear();
                },
            }
        }
        Some(())
    }
}

/// What one row came to: code and name of the reason, after so many milliseconds, and how often it allocated.
type Came = (u8, &'static str, u64, usize);

/// Every script, in this place, against every call.
fn run(place: Place, config: Arc<ServerConfig>, root: CertificateDer<'static>) -> Vec<(&'static Script, Api, Came)> {
    let mut world = World::with_sockets(1, Faults::NONE);
    let secure = matches!(place, Place::Https | Place::Tunnelled);
    let stage = Stage {
        script: Rc::new(Cell::new(&[])),
        tls: secure.then_some(config),
        tunnels: place == Place::Tunnelled,
        open: Rc::default(),
    };
    let port = match place {
        Place::Http => 80,
        Place::Https => 443,
        Place::Forwarding | Place::Tunnelled | Place::Connecting => 3128,
    };
    for _ in 0..4 {
        world.spawn(stage.clone().serve(world.server, port));
    }
    let names = HashMap::from([("localhost".to_owned(), Name::Addresses(vec![SERVER]))]);
    world.spawn(udp::dns(world.server, Names::new(names.into()), Rc::default()));
    let board = world.board;
    world.run(async move {
        let anchors = [tls::root(&root).expect("a root")];
        let mut memory = SocketMemory::<2, 2048, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let tls: Tls<'_, '_, fn() -> u64, OsRng, 1> = Tls::new(Trust::new(&anchors), unix_seconds, OsRng);
        let mut session = Box::<TlsMemory>::default();
        let mut session = pin!(tls.serve(&mut session));
        let mut allocated = 0;
        let mut all = pin!(async {
            let mut came = Vec::new();
            for script in SCRIPTS {
                for api in APIS {
                    stage.script.set(script.steps);
                    let ends = call(place, api, script, &sockets, &tls).await;
                    came.push((script, api, ends));
                    let since = clock::now_ms();
                    while (sockets.idle(), stage.open.get()) != ((2, 2), 0) {
                        assert!(clock::now_ms() - since < FREE_MS, "{} {place:?} {api:?}", script.name);
                        Timer::after(Duration::from_millis(100)).await;
                    }
                    // For the peer to be back at its door.
                    Timer::after(Duration::from_millis(500)).await;
                }
            }
            came
        });
        let came = poll_fn(|context| {
            let (served, here) = memory::watch(|| session.as_mut().poll(context));
            assert!(served.is_pending());
            allocated += here;
            all.as_mut().poll(context)
        })
        .await;
        assert_eq!(allocated, 0, "what serves a session allocates nothing");
        came
    })
}

async fn call<'s, 'd>(
    place: Place,
    api: Api,
    script: &Script,
    sockets: &'s Sockets<'d, 2>,
    tls: &Tls<'s, 'd, fn() -> u64, OsRng, 1>,
) -> Came {
    let deadline = script.deadline(place, api);
    let proxy: Option<&dyn ProxyRule> = Some(&PROXY);
    let (proxy, url) = match place {
        Place::Http => (None, "http://192.168.69.2/"),
        Place::Https => (None, "https://localhost/"),
        Place::Forwarding => (proxy, "http://origin.test/"),
        Place::Tunnelled => (proxy, "https://localhost/"),
        Place::Connecting => (proxy, "https://origin.test/"),
    };
    let mut limits = Limits::new();
    (limits.body, limits.file) = (LIMIT, LIMIT);
    (limits.upload_timeout, limits.download_idle) = (deadline, deadline);
    let context = Context::new("2021000000000001", "1.0.0", Policy::development()).expect("a context");
    let client = Client::new(sockets, context.with_limits(limits).with_proxy(proxy), tls);
    let (mut receive, mut transmit, mut redirect) = ([0; 1024], [0; 256], [0; 256]);
    let (mut head, mut body, mut file) = ([0; 1024], vec![0; 2 * LIMIT as usize], vec![0; 2 * LIMIT as usize]);
    let start = clock::now_ms();
    macro_rules! memory {
        () => {
            Memory {
                receive: &mut receive,
                transmit: &mut transmit,
                redirect: &mut redirect,
                head: &mut head,
                body: &mut body,
            }
        };
    }
    let (failed, allocated) = match api {
        Api::UploadFile => {
            let upload =
                Upload::new(url, FileType::Image, "f", Boundary::new([7; 16])).file("picture.png", FILE as u64);
            let content = [7; FILE];
            let mut source = storage::Bytes::new(&content);
            memory::watched(async { ends(client.upload_file(&upload, &mut source, memory!(), |_| ()).await.err()) })
                .await
        }
        Api::DownloadFile => {
            let (download, mut store, abort) =
                (Download::new(url), storage::Memory::new(&mut file), AbortHandle::new());
            let came = {
                let call = client.abortable(&abort).download_file(&download, &mut store, memory!(), |_| ());
                let mut call = pin!(memory::watched(async { ends(call.await.err()) }));
                // A download may go on for as long as bytes come (DOWN-04), so somebody else ends it.
                let mut late = pin!(Timer::after(Duration::from_millis(deadline.into())));
                poll_fn(|context| {
                    if late.as_mut().poll(context).is_ready() {
                        abort.abort();
                    }
                    Pin::as_mut(&mut call).poll(context)
                })
                .await
            };
            assert_eq!(store.file().is_some(), came.0.0 == 0, "{} {place:?}", script.name);
            came
        }
        Api::ConnectSocket => {
            let (url, random) = (url.replacen("http", "ws", 1), RefCell::new(OsRng));
            let connect = ConnectSocket::new(&url).timeout(deadline);
            let memory = Messages { receive: &mut receive, transmit: &mut transmit, message: &mut body };
            memory::watched(async {
                let result = client.connect_socket(&connect, Settings::new(), &random, memory, |_, _| ()).await;
                result.map_or_else(|failure| (failure.code(), failure.reason.name()), |_| (0, "success"))
            })
            .await
        }
        Api::Request => {
            let request = Request::new(url).timeout(deadline);
            memory::watched(async { ends(client.request(&request, memory!()).await.err()) }).await
        }
    };
    let (code, reason) = failed;
    assert!(code == 0 || api.codes().contains(&code), "{} {place:?} {api:?}: {code}", script.name);
    (code, reason, clock::now_ms() - start, allocated)
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn ends(failed: Option<Failure<'_>>) -> (u8, &'static str) {
    failed.map_or((0, "success"), |failure| (failure.code(), failure.reason.name()))
}

#[test]
fn req_13_every_hostile_peer_is_survived_by_a_board_without_an_allocation() {
    let authority = Authority::new().expect("an authority");
    let root = authority.certificate().clone();
    let config = tls_config(authority.issue(&Leaf::default()).expect("a certificate"));
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for place in PLACES {
            let (config, root, wrong) = (Arc::clone(&config), root.clone(), &wrong);
            scope.spawn(move || {
                for (script, api, (code, reason, took, allocated)) in run(place, config, root) {
                    let deadline = u64::from(script.deadline(place, api));
                    let expected = script.expected(place, api, false).contains(&(code, reason));
                    if !expected || allocated > 0 || took > deadline + SLACK_MS {
                        let line = format!(
                            "{} {place:?} {api:?}: {code} {reason} after {took} ms, {allocated} allocations",
                            script.name
                        );
                        wrong.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}
