//! The scenarios on embassy-net: a stack in this process, and a bridge to the same server.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::pin::pin;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use embassy_net::Stack;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Timer, with_timeout};
use miniwire_core::context::Context;
use miniwire_core::download::Download;
use miniwire_core::drive::Memory;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::policy::{Policy, Whitelist};
use miniwire_core::request::{self, Failure, Response};
use miniwire_core::storage;
use miniwire_core::upload::Upload;
use miniwire_embassy::tls::{self, CertificateDer, Trust};
use miniwire_embassy::{Client, Secure, SocketMemory, Sockets, TlsMemory};
use miniwire_std::serve::Server;
use rand_core::OsRng;

use crate::scenario::{Call, Came, Data, Rules, Scenario, file};
use crate::world::cable::Faults;
use crate::world::udp::{self, Name, Names};
use crate::world::{SERVER, World, clock};

type Tls<'s, 'd> = miniwire_embassy::Tls<'s, 'd, fn() -> u64, OsRng, 2>;

/// Runs the scenarios one after the other, `localhost` being the server.
pub(crate) fn run(scenarios: &[Scenario], server: &Server) -> Vec<Came> {
    let root = der(server.ca_pem());
    let mut world = world(server);
    let board = world.board;
    world.run(async move {
        let anchors = [tls::root(&root).expect("a root")];
        let mut memory = SocketMemory::<2, 8192, 2048>::new();
        let sockets = Sockets::new(board, &mut memory);
        let tls: Tls<'_, '_> = Tls::new(Trust::new(&anchors), unix_seconds, OsRng);
        let (mut one, mut two) = (Box::<TlsMemory>::default(), Box::<TlsMemory>::default());
        let (mut one, mut two) = (pin!(tls.serve(&mut one)), pin!(tls.serve(&mut two)));
        let mut calls = pin!(calls(&sockets, &tls, scenarios));
        poll_fn(|context| {
            assert!(one.as_mut().poll(context).is_pending() && two.as_mut().poll(context).is_pending());
            calls.as_mut().poll(context)
        })
        .await
    })
}

/// A world in which `localhost` is the server, on a clock that is the real one.
pub(crate) fn world(server: &Server) -> World {
    clock::follow_real_time();
    let mut world = World::new(1, Faults { lost: 0, doubled: 0, delay: (0, 0) });
    for address in [server.http(), server.https()] {
        for _ in 0..6 {
            world.spawn(bridge(world.server, address));
        }
    }
    let names = Names::new(HashMap::from([("localhost".to_owned(), Name::Addresses(vec![SERVER]))]).into());
    world.spawn(udp::dns(world.server, names, Rc::default()));
    world
}

async fn calls<'s, 'd>(sockets: &'s Sockets<'d, 2>, tls: &Tls<'s, 'd>, scenarios: &[Scenario]) -> Vec<Came> {
    let development = Client::new(sockets, context(Policy::development()), tls);
    let mut all = Vec::new();
    for scenario in scenarios {
        let came = match scenario.rules {
            Rules::Development => call(&development, &scenario.call).await,
            Rules::Release(host) => {
                let hosts = Box::leak(Box::new([host]));
                let release = Policy::release(Whitelist::new(hosts).expect("a whitelist"));
                call(&Client::new(sockets, context(release), tls), &scenario.call).await
            }
        };
        all.push(came);
    }
    all
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs()
}

fn der(pem: &str) -> CertificateDer<'static> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(base64).expect("PEM").into()
}

pub(crate) fn context(policy: Policy<'_>) -> Context<'_> {
    Context::new("2021000000000001", "1.0.0", policy).expect("a context")
}

async fn call<'s, 'd>(client: &Client<'s, 'd, impl Secure<'s, 'd>, 2>, call: &Call) -> Came {
    let (mut receive, mut transmit, mut redirect) = (vec![0; 2048], vec![0; 512], vec![0; 4096]);
    let (mut head, mut body) = (vec![0; 2048], vec![0; crate::MAX_BODY]);
    let memory = Memory {
        receive: &mut receive,
        transmit: &mut transmit,
        redirect: &mut redirect,
        head: &mut head,
        body: &mut body,
    };
    match call {
        Call::Request(it) => {
            let data = match &it.data {
                Data::None => miniwire_core::data::Data::None,
                Data::Text(text) => miniwire_core::data::Data::Text(text),
                Data::Bytes(bytes) => miniwire_core::data::Data::Bytes(bytes),
                Data::Value(value) => miniwire_core::data::Data::Value(value),
            };
            let request = request::Request::new(&it.url).method(it.method).headers(&it.headers).data(data);
            let request = request.data_type(it.data_type).timeout(it.timeout).redirect(it.redirect);
            came(client.request(&request, memory).await)
        }
        Call::Upload { url, bytes, form } => {
            let upload = Upload::new(url, FileType::Image, "photo", Boundary::new([7; 16]));
            let upload = upload.file("cat.jpg", 0).form_data(form);
            let (content, mut progress) = (file(*bytes), None);
            let mut source = storage::Bytes::new(&content);
            let result = client.upload_file(&upload, &mut source, memory, |told| progress = Some(told.progress)).await;
            Came { progress, ..came(result) }
        }
        Call::Download { url } => {
            let (mut file, mut progress) = (vec![0; 100_000], None);
            let mut store = storage::Memory::new(&mut file);
            let download = Download::new(url);
            let result =
                client.download_file(&download, &mut store, memory, |told| progress = Some(told.progress)).await;
            let came = came(result.map(|downloaded| downloaded.response));
            Came { progress, data: store.file().unwrap_or_default().to_vec(), ..came }
        }
    }
}

fn came(result: Result<Response<'_>, Failure<'_>>) -> Came {
    let (code, reason, response) = match result {
        Ok(response) => (0, None, Some(response)),
        Err(failure) => (failure.code(), Some(failure.reason), failure.response),
    };
    let mut came = Came { code, reason, ..Came::default() };
    if let Some(response) = response {
        came.status = Some(response.status());
        came.data = response.text().into();
        for (name, value) in response.headers() {
            came.header(name, value);
        }
    }
    came
}

/// Carries the bytes of one connection after another between the stack and the server, ends included.
async fn bridge(stack: Stack<'static>, server: SocketAddr) {
    let (mut rx, mut tx) = (vec![0; 4096], vec![0; 4096]);
    let mut socket = TcpSocket::new(stack, &mut rx, &mut tx);
    socket.set_nagle_enabled(false);
    loop {
        if socket.accept(server.port()).await.is_ok() {
            let stream = TcpStream::connect(server).expect("the server");
            stream.set_nonblocking(true).expect("a socket");
            carry(&mut socket, stream).await;
        }
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
        socket.abort();
        let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
    }
}

/// Neither direction waits for the other: who floods with one may be waiting for the other.
async fn carry(socket: &mut TcpSocket<'_>, mut stream: TcpStream) {
    let (mut bytes, mut down, mut up) = ([0; 2048], Vec::new(), Vec::new());
    let (mut server_ended, mut client_ended) = (false, false);
    while !(server_ended && client_ended) {
        let mut moved = false;
        if down.is_empty() && !server_ended {
            match stream.read(&mut bytes) {
                Ok(0) => {
                    socket.close();
                    server_ended = true;
                }
                Ok(read) => down.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    let _ = with_timeout(Duration::from_millis(200), socket.flush()).await;
                    return socket.abort();
                }
            }
        }
        if !down.is_empty() && (socket.can_send() || !socket.may_send()) {
            let Ok(written) = socket.write(&down).await else { return };
            down.drain(..written);
            moved = true;
        }
        if up.is_empty() && socket.can_recv() {
            let Ok(read) = socket.read(&mut bytes).await else { return };
            up.extend_from_slice(&bytes[..read]);
        } else if up.is_empty() && !socket.may_recv() && !client_ended {
            client_ended = true;
            let _ = stream.shutdown(Shutdown::Write);
        }
        if !up.is_empty() {
            match stream.write(&up) {
                Ok(written) => {
                    up.drain(..written);
                    moved = true;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => up.clear(),
            }
        }
        if !moved {
            Timer::after(Duration::from_micros(500)).await;
        }
    }
}
