//! The embassy client in a world whose clock jumps: the faults are between TCP and what is above it, on the server's side.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::context::{Context, Limits};
use miniwire_core::download::Download;
use miniwire_core::drive::{Memory, SocketMemory as Messages};
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Api, Policy};
use miniwire_core::reason::Reason;
use miniwire_core::request::{DataType, Method, Request};
use miniwire_core::socket::{ConnectSocket, Settings};
use miniwire_core::upload::Upload;
use miniwire_core::{data, storage};
use miniwire_embassy::tls::{self, Trust};
use miniwire_embassy::{Client, SocketMemory, Sockets, Tls, TlsMemory};
use miniwire_std::serve::{Authority, Leaf};
use miniwire_tests::faults::reader::{self, answers};
use miniwire_tests::faults::talk::{said, sent};
use miniwire_tests::faults::{Direction, Lane, Mix, Origin, Passed, Plan, Random, Step, Virtual};
use miniwire_tests::tls_config;
use rand_core::OsRng;
use rustls::{ServerConfig, ServerConnection};

use crate::memory::{PATHS, content, serve};
use crate::talks::{Told, sending};
use crate::world::cable::Faults;
use crate::world::udp::{self, Name, Names};
use crate::world::wire::write;
use crate::world::{SERVER, World, clock};
use crate::{Telling, seeds};

/// The deadline of a call that may meet a stall, in milliseconds of the world's time.
pub(crate) const DEADLINE: u32 = 5000;
/// Of one that may come byte by byte, each of them waited for.
const LONG: u32 = 1_200_000;
const SEEDS_OF_A_WORLD: usize = 100;
/// What the network adds.
pub(crate) const SLACK: u64 = 500;

const fn deadline(mix: Mix) -> u32 {
    if matches!(mix, Mix::Gentle) { LONG } else { DEADLINE }
}

/// What the server does in one run.
#[derive(Clone)]
pub(crate) struct Scene {
    plan: Plan,
    origin: Origin,
    passed: Rc<RefCell<Vec<Rc<RefCell<Passed>>>>>,
}

impl Scene {
    pub(crate) fn new(plan: Plan, origin: Origin) -> Self {
        Self { plan, origin, passed: Rc::default() }
    }

    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.passed.borrow().iter().map(|passed| passed.borrow().clone()).collect()
    }

    fn has_lied(&self) -> bool {
        self.passed().iter().any(|link| link.lied_up || link.lied_down)
    }
}

/// A connection, as the server has it, with the faults of the plan upon it.
struct Pipe<'s, 'b> {
    socket: &'s mut TcpSocket<'b>,
    up: Lane,
    down: Lane,
    held: Vec<u8>,
    passed: Rc<RefCell<Passed>>,
}

impl<'s, 'b> Pipe<'s, 'b> {
    fn new(socket: &'s mut TcpSocket<'b>, scene: &Scene) -> Self {
        let passed = Rc::new(RefCell::default());
        let mut all = scene.passed.borrow_mut();
        let lane = |direction| Lane::new(&scene.plan, all.len(), direction);
        let (up, down) = (lane(Direction::Up), lane(Direction::Down));
        all.push(Rc::clone(&passed));
        Self { socket, up, down, held: Vec::new(), passed }
    }

    /// What has come, changed by the faults; `None` at the end.
    async fn read(&mut self) -> Option<Vec<u8>> {
        loop {
            if self.held.is_empty() {
                let mut chunk = [0; 2048];
                let read = self.socket.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
                self.held.extend_from_slice(&chunk[..read]);
            }
            let (step, held) = (self.up.step(), self.held.len());
            self.passed.borrow_mut().lied_up = self.up.has_lied();
            match step {
                Step::Pass(most) => {
                    let taken = most.min(held);
                    self.up.advance(taken);
                    return Some(self.held.drain(..taken).collect());
                }
                Step::Corrupt(mask) => {
                    self.up.advance(1);
                    return Some(vec![self.held.remove(0) ^ mask]);
                }
                Step::Drop(most) => {
                    let lost = most.min(held);
                    self.up.advance(lost);
                    self.held.drain(..lost);
                }
                Step::Insert(bytes) => return Some(bytes),
                Step::Delay(ms) => Timer::after(Duration::from_millis(ms)).await,
                Step::Gather(_) => {}
                over => return self.end(&over).await,
            }
        }
    }

    /// Writes, and may change what it writes; `None` where nothing more can be written.
    async fn write(&mut self, mut bytes: &[u8]) -> Option<()> {
        while !bytes.is_empty() {
            let step = self.down.step();
            self.passed.borrow_mut().lied_down = self.down.has_lied();
            let (done, goes) = match step {
                Step::Pass(most) => {
                    let most = most.min(bytes.len());
                    (most, bytes[..most].to_vec())
                }
                Step::Corrupt(mask) => (1, vec![bytes[0] ^ mask]),
                Step::Drop(most) => (most.min(bytes.len()), Vec::new()),
                Step::Insert(bytes) => (0, bytes),
                Step::Delay(ms) => {
                    Timer::after(Duration::from_millis(ms)).await;
                    continue;
                }
                Step::Gather(_) => continue,
                over => return self.end(&over).await.map(drop),
            };
            self.passed.borrow_mut().bytes.extend(&goes);
            write(self.socket, &goes).await?;
            if done > 0 {
                self.down.advance(done);
            }
            bytes = &bytes[done..];
            if !bytes.is_empty() {
                // A boundary: what follows goes in another segment.
                let _ = with_timeout(Duration::from_secs(1), self.socket.flush()).await;
            }
        }
        Some(())
    }

    async fn end(&mut self, over: &Step) -> Option<Vec<u8>> {
        let _ = with_timeout(Duration::from_secs(1), self.socket.flush()).await;
        match over {
            Step::End => self.close(),
            Step::Reset => self.socket.abort(),
            _ => {}
        }
        while self.socket.read(&mut [0; 2048]).await.is_ok_and(|read| read > 0) {}
        None
    }

    fn close(&mut self) {
        self.passed.borrow_mut().ended = true;
        self.socket.close();
    }
}

/// What is being served, and how.
#[derive(Clone)]
struct Stage {
    scene: Rc<RefCell<Scene>>,
    tls: Option<Arc<ServerConfig>>,
}

impl Stage {
    async fn serve(self, stack: Stack<'static>, port: u16) {
        let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
        let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(Duration::from_secs(60)));
        loop {
            if socket.accept(port).await.is_ok() {
                let scene = self.scene.borrow().clone();
                let mut pipe = Pipe::new(&mut socket, &scene);
                let tls = self.tls.clone().map(|config| ServerConnection::new(config).expect("a session"));
                talk(&mut pipe, tls, &scene.origin).await;
                socket.close();
            }
            let _ = with_timeout(Duration::from_millis(100), socket.flush()).await;
            socket.abort();
            let _ = with_timeout(Duration::from_millis(100), socket.flush()).await;
        }
    }
}

async fn talk(pipe: &mut Pipe<'_, '_>, mut tls: Option<ServerConnection>, origin: &Origin) -> Option<()> {
    let mut link = origin.open();
    loop {
        let came = pipe.read().await?;
        let mut plain = Vec::new();
        match &mut tls {
            None => plain = came,
            Some(tls) => {
                let mut rest = &came[..];
                while !rest.is_empty() {
                    tls.read_tls(&mut rest).ok()?;
                    let state = tls.process_new_packets();
                    if state.is_err() {
                        pipe.write(&out(tls)).await?;
                        return None;
                    }
                    let _ = std::io::Read::read_to_end(&mut tls.reader(), &mut plain);
                }
            }
        }
        if !plain.is_empty() {
            link.take(&plain).ok()?;
        }
        let (goes, closes) = link.say();
        match &mut tls {
            None => pipe.write(&goes).await?,
            Some(tls) => {
                std::io::Write::write_all(&mut tls.writer(), &goes).ok()?;
                if closes {
                    tls.send_close_notify();
                }
                pipe.write(&out(tls)).await?;
            }
        }
        if closes {
            pipe.close();
            while pipe.socket.read(&mut [0; 2048]).await.is_ok_and(|read| read > 0) {}
            return None;
        }
    }
}

fn out(tls: &mut ServerConnection) -> Vec<u8> {
    let mut out = Vec::new();
    while tls.wants_write() && tls.write_tls(&mut out).is_ok() {}
    out
}

pub(crate) type BoardTls<'s, 'd> = Tls<'s, 'd, fn() -> u64, OsRng, 2>;
pub(crate) type Board<'p, 's, 'd> = Client<'s, 'd, &'p BoardTls<'s, 'd>, 2>;

/// Runs a test in a world of its own, with a server of `a.test` and `b.test` on ports 80 and 443 that does what the scene
/// says.
pub(crate) fn run<T>(
    test: impl for<'s, 'd> AsyncFnOnce(&'s Sockets<'d, 2>, &BoardTls<'s, 'd>, &RefCell<Scene>) -> T,
) -> T {
    let authority = Authority::new().expect("an authority");
    let identity = authority.issue(&Leaf::default().names(&["a.test"])).expect("a certificate");
    let (root, config) = (authority.certificate().clone(), tls_config(identity));
    let mut world = World::with_sockets(1, Faults::NONE);
    let origin = Origin::new(Virtual::default(), |_| (Vec::new(), true));
    let scene = Rc::new(RefCell::new(Scene::new(Plan::seeded(0, Mix::Nothing), origin)));
    for (port, tls) in [(80, None), (443, Some(config))] {
        for _ in 0..6 {
            world.spawn(Stage { scene: Rc::clone(&scene), tls: tls.clone() }.serve(world.server, port));
        }
    }
    let names = HashMap::from(["a.test", "b.test"].map(|name| (name.to_owned(), Name::Addresses(vec![SERVER]))));
    world.spawn(udp::dns(world.server, Names::new(names.into()), Rc::default()));
    let board = world.board;
    world.run(async move {
        let anchors = [tls::root(&root).expect("a root")];
        let mut memory = SocketMemory::<2, 2048, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let tls: BoardTls<'_, '_> = Tls::new(Trust::new(&anchors), unix_seconds, OsRng);
        let (mut one, mut two) = (Box::<TlsMemory>::default(), Box::<TlsMemory>::default());
        let (mut one, mut two) = (pin!(tls.serve(&mut one)), pin!(tls.serve(&mut two)));
        let mut test = pin!(test(&sockets, &tls, &scene));
        poll_fn(|context| {
            assert!(one.as_mut().poll(context).is_pending() && two.as_mut().poll(context).is_pending());
            test.as_mut().poll(context)
        })
        .await
    })
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

/// A client whose calls have this deadline.
pub(crate) fn client<'p, 's, 'd>(sockets: &'s Sockets<'d, 2>, tls: &'p BoardTls<'s, 'd>, ms: u32) -> Board<'p, 's, 'd> {
    let mut limits = Limits::new();
    (limits.upload_timeout, limits.download_idle) = (ms, ms);
    let context = Context::new("1", "1", Policy::development()).expect("a context");
    Client::new(sockets, context.with_limits(limits), tls)
}

/// A success's status and bytes, or a failure's reason.
pub(crate) type Outcome = Result<(u16, Vec<u8>), Reason>;

/// Calls, and checks what holds for every call.
pub(crate) async fn call(client: &Board<'_, '_, '_>, api: Api, url: &str, body: Option<&[u8]>) -> Outcome {
    let (mut receive, mut transmit, mut redirect) = ([0; 1024], [0; 256], [0; 256]);
    let (mut head, mut answer, mut file) = ([0; 512], [0; 8192], [0; 8192]);
    let (receive, transmit, redirect, head) = (&mut receive, &mut transmit, &mut redirect, &mut head);
    let memory = Memory { receive, transmit, redirect, head, body: &mut answer };
    let (start, deadline) = (clock::now_ms(), client.context().limits().upload_timeout);
    let result = match (api, body) {
        (Api::UploadFile, Some(content)) => {
            let upload = Upload::new(url, FileType::Image, "f", Boundary::new([7; 16]));
            let (upload, mut source) = (upload.file("f.png", content.len() as u64), storage::Bytes::new(content));
            client.upload_file(&upload, &mut source, memory, |_| ()).await
        }
        (Api::DownloadFile, _) => {
            let (download, mut store) = (Download::new(url), storage::Memory::new(&mut file));
            let result = client.download_file(&download, &mut store, memory, |_| ()).await;
            let result = result.map(|downloaded| downloaded.response.status()).map_err(|failure| failure.reason);
            assert_eq!(result.is_ok(), store.file().is_some(), "a failure leaves nothing");
            // A download may take as long as bytes come; these are few.
            assert!(clock::now_ms() - start <= 6 * u64::from(deadline));
            return result.map(|status| (status, store.file().unwrap_or_default().to_vec()));
        }
        (_, body) => {
            let text = body.map(|body| std::str::from_utf8(body).expect("text"));
            let request = Request::new(url).timeout(deadline).data_type(DataType::Text);
            let request = match text {
                Some(text) => request.method(Method::Post).data(data::Data::Text(text)),
                None => request,
            };
            client.request(&request, memory).await
        }
    };
    let took = clock::now_ms() - start;
    assert!(took <= u64::from(deadline) + SLACK, "it took {took} ms");
    match result {
        Ok(response) => Ok((response.status(), response.text().as_bytes().to_vec())),
        Err(failure) => {
            assert!(api.codes().contains(&failure.code()), "{failure:?}");
            assert!(failure.reason != Reason::Timeout || took + 1 >= u64::from(deadline), "{took}");
            Err(failure.reason)
        }
    }
}

/// Runs `one` for every seed, a world for each of some threads; how many successes and failures there were.
fn all(
    count: u64,
    one: impl for<'s, 'd> AsyncFn(u64, &'s Sockets<'d, 2>, &BoardTls<'s, 'd>, &RefCell<Scene>) -> (usize, usize) + Sync,
) -> (usize, usize) {
    let (seeds, counts) = (Mutex::new(seeds(count)), Mutex::new((0, 0)));
    let count = |(well, badly): (usize, usize)| {
        let mut counts = counts.lock().unwrap();
        *counts = (counts.0 + well, counts.1 + badly);
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // A world may run for five minutes at most.
                while run(async |sockets, tls, scene| {
                    for _ in 0..SEEDS_OF_A_WORLD {
                        let Some(seed) = seeds.lock().unwrap().next() else { return false };
                        count(one(seed, sockets, tls, scene).await);
                        // For the server's sockets to be back at their door.
                        Timer::after(Duration::from_secs(4)).await;
                    }
                    true
                }) {}
            });
        }
    });
    counts.into_inner().unwrap()
}

/// Two calls with one client, of the kind that the seed says: the second meets a connection that was kept, or one that
/// should not have been.
fn calls(count: u64, mix: Mix, secure: bool) -> (usize, usize) {
    all(count, async |seed, sockets, tls, scene| {
        let plan = Plan::seeded(seed, mix);
        let _telling = Telling((plan.clone(), secure));
        let now = Scene::new(plan, Origin::new(Virtual::default(), move |asked| serve(asked, seed)));
        *scene.borrow_mut() = now.clone();
        let client = client(sockets, tls, deadline(mix));
        let mut random = Random::new(seed ^ 0xA);
        let api = [Api::Request, Api::Request, Api::UploadFile, Api::DownloadFile][random.below(4) as usize];
        // An upload does not follow; and what is redirected to plain text is plain text.
        let paths =
            PATHS.iter().filter(|path| api != Api::UploadFile || !path.contains("redirect") && **path != "/away");
        let paths: Vec<_> = paths.filter(|path| !secure || **path != "/away").collect();
        let path = *paths[random.below(paths.len() as u64) as usize];
        let sent = content(seed ^ 1);
        let body = (api == Api::UploadFile || random.below(2) == 0).then_some(&sent[..]);
        let url = format!("{}://a.test{path}", if secure { "https" } else { "http" });
        let expected = if path == "/nothing" { (204, Vec::new()) } else { (200, content(seed)) };
        let mut counts = (0, 0);
        for _ in 0..2 {
            let outcome = call(&client, api, &url, body).await;
            let passed = now.passed();
            match &outcome {
                Err(reason) => {
                    assert_ne!(mix, Mix::Gentle, "{reason:?} {passed:?}");
                    counts.1 += 1;
                }
                Ok(success) => {
                    counts.0 += 1;
                    // Only TLS can tell an end from the end, or one byte from another.
                    let by_the_end = path == "/close" && mix != Mix::Gentle;
                    if secure || !now.has_lied() && !by_the_end {
                        assert_eq!(*success, expected, "{passed:?}");
                    }
                    let lossy = |(status, body): (u16, Vec<u8>)| match api {
                        Api::UploadFile => (status, String::from_utf8_lossy(&body).into_owned().into_bytes()),
                        _ => (status, body),
                    };
                    let heard =
                        |link: &Passed| answers(&link.bytes, link.ended).into_iter().any(|it| lossy(it) == *success);
                    assert!(secure || passed.iter().any(heard), "nobody said {success:?}: {passed:?}");
                }
            }
            let is_whole = |asked: &[u8]| match (api, body) {
                (Api::UploadFile, Some(body)) => asked.windows(body.len()).any(|window| window == body),
                _ => asked == body.unwrap_or_default() || asked.is_empty(),
            };
            if secure || !now.has_lied() {
                // Through a redirect a body may have been dropped, but never a part of it.
                assert!(now.origin.asked().iter().all(|asked| is_whole(&asked.body)), "half a body is no request");
            }
        }
        counts
    })
}

#[test]
fn req_18_a_board_is_not_hurt_by_time_and_boundaries() {
    assert_eq!(calls(60, Mix::Gentle, false).1, 0);
    assert_eq!(calls(20, Mix::Gentle, true).1, 0);
}

#[test]
fn req_18_a_board_takes_no_broken_link_for_a_short_success() {
    for (secure, count) in [(false, 200), (true, 40)] {
        let (well, badly) = calls(count, Mix::Breaking, secure);
        assert!(well > 10 && badly > 10, "{well} {badly}");
    }
}

#[test]
fn req_18_a_success_of_a_board_is_what_arrived() {
    let (well, badly) = calls(200, Mix::Lying, false);
    assert!(well > 10 && badly > 20, "{well} {badly}");
}

#[test]
fn ctx_08_what_was_changed_never_passes_the_tls_of_a_board() {
    let (well, badly) = calls(60, Mix::Lying, true);
    assert!(well > 3 && badly > 20, "{well} {badly}");
}

/// A conversation over a WebSocket.
fn talks(count: u64, mix: Mix, secure: bool) -> (usize, usize) {
    all(count, async |seed, sockets, tls, scene| {
        let plan = Plan::seeded(seed, mix);
        let _telling = Telling((plan.clone(), secure));
        let now = Scene::new(plan, Origin::talking(Virtual::default(), seed));
        *scene.borrow_mut() = now.clone();
        let (client, random) = (client(sockets, tls, deadline(mix)), RefCell::new(OsRng));
        let (mut receive, mut transmit, mut message) = ([0; 1024], [0; 256], [0; 8192]);
        let memory = Messages { receive: &mut receive, transmit: &mut transmit, message: &mut message };
        let url = format!("{}://a.test/", if secure { "wss" } else { "ws" });
        let (connect, start) = (ConnectSocket::new(&url).timeout(deadline(mix)), clock::now_ms());
        let settings =
            Settings::new().keep_alive(deadline(mix)).close_timeout(deadline(mix)).send_timeout(deadline(mix));
        let mut socket = match client.connect_socket(&connect, settings, &random, memory, |_, _| ()).await {
            Ok(socket) => socket,
            Err(failure) => {
                assert_ne!(mix, Mix::Gentle, "{failure:?}");
                assert!(Api::ConnectSocket.codes().contains(&failure.code()), "{failure:?}");
                return (0, 1);
            }
        };
        let mut told = Told::default();
        while told.messages.len() < said(seed).len() && told.closes.is_empty() {
            let Some(received) = socket.recv().await else { break };
            told.take(received);
        }
        for message in &sent(seed) {
            if socket.send(sending(message)).await.is_err() {
                break;
            }
            told.sent += 1;
        }
        let _ = socket.close(1000, "").await;
        while let Some(received) = socket.recv().await {
            told.take(received);
        }
        told.check(seed);
        let took = clock::now_ms() - start;
        assert!(took < 24 * u64::from(deadline(mix)), "it took {took} ms");
        let (heard, passed) = (now.origin.talks().pop().map_or(Vec::new(), |talk| talk.heard().to_vec()), now.passed());
        if mix == Mix::Gentle {
            told.is_whole(seed, &heard);
        }
        if secure || !now.has_lied() {
            told.is_true(seed, &heard);
        } else {
            let said_so = |link: &Passed| reader::messages(&link.bytes).starts_with(&told.messages);
            assert!(passed.iter().any(said_so), "nobody said {told:?}: {passed:?}");
        }
        if told.errors.is_empty() { (1, 0) } else { (0, 1) }
    })
}

#[test]
fn sock_05_a_board_hears_and_says_every_message_whatever_the_boundaries() {
    assert_eq!(talks(60, Mix::Gentle, false).1, 0);
    assert_eq!(talks(20, Mix::Gentle, true).1, 0);
}

#[test]
fn sock_07_a_board_takes_no_half_message_for_one() {
    for (secure, count) in [(false, 150), (true, 40)] {
        let (well, badly) = talks(count, Mix::Breaking, secure);
        assert!(well > 3 && badly > 10, "{well} {badly}");
    }
}

#[test]
fn sock_05_a_message_on_a_board_is_what_arrived() {
    let (well, badly) = talks(150, Mix::Lying, false);
    assert!(well > 3 && badly > 20, "{well} {badly}");
}

#[test]
fn ctx_08_no_changed_message_passes_the_tls_of_a_board() {
    let (_, badly) = talks(50, Mix::Lying, true);
    assert!(badly > 20, "{badly}");
}
