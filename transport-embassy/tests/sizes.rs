//! How large the futures of calls are: what a task of the application needs for each, beside the caller's buffers.
#![allow(clippy::print_stdout)] // The figures are for the reader.

mod world;

use std::cell::RefCell;

use miniwire_core::download::Download;
use miniwire_core::drive::SocketMemory;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::request::Request;
use miniwire_core::socket::{ConnectSocket, Settings};
use miniwire_core::storage::{Bytes, Memory as Stored};
use miniwire_core::upload::Upload;
use miniwire_embassy::tls::{self, Trust};
use miniwire_embassy::{AbortHandle, Client, Secure, Socket, Sockets, Tls, TlsMemory};
use rand_core::OsRng;

use world::World;
use world::cable::Faults;
use world::site::{Buffers, context};

/// Grows for a reason only; the figures are those of docs/sizes.md.
#[track_caller]
fn bounded(what: &str, bytes: usize, most: usize) {
    println!("| {what} | {bytes} |");
    assert!(bytes <= most, "{what}: {bytes} bytes, more than {most}");
}

#[test]
fn core_02_sizes_of_futures_are_bounded() {
    let world = World::new(1, Faults::NONE);
    let mut memory = miniwire_embassy::SocketMemory::<2, 1536, 1024>::new();
    bounded("`SocketMemory<2, 1536, 1024>`", size_of_val(&memory), 2 * (1536 + 1024));
    let sockets = Sockets::new(world.board, &mut memory);
    bounded("`Sockets<2>`", size_of_val(&sockets), 120);
    let client = Client::plain(&sockets, context());
    bounded("`Client<NoTls, 2>`", size_of_val(&client), 600);
    bounded("`AbortHandle`", size_of::<AbortHandle>(), 48);
    calls("", &client);
    let tls = Tls::<fn() -> u64, OsRng, 1>::new(Trust::new(&[]), || 0, OsRng);
    let mut sessions = Box::<TlsMemory>::default();
    bounded("`TlsMemory`", size_of_val(&*sessions), tls::RECEIVE + 1153);
    bounded("`Tls` with one session", size_of_val(&tls), 2200);
    bounded("the future of `Tls::serve`", size_of_val(&tls.serve(&mut sessions)), 9000);
    let client = Client::new(&sockets, context(), &tls);
    bounded("`Client<&Tls, 2>`", size_of_val(&client), 600);
    calls(", with TLS", &client);
}

fn calls<'s, 'd>(with: &str, client: &Client<'s, 'd, impl Secure<'s, 'd>, 2>) {
    let request = Request::new("http://192.168.69.2/json");
    let mut buffers = Buffers::new();
    bounded(&format!("`request`{with}"), size_of_val(&client.request(&request, buffers.memory())), 2000);
    let streamed = client.request_streamed(&request, buffers.memory(), |_| Ok(()));
    bounded(&format!("`request_streamed`{with}"), size_of_val(&streamed), 2000);
    drop(streamed);
    let upload = Upload::new("http://192.168.69.2/", FileType::Image, "f", Boundary::new([1; 16]));
    let (mut source, mut file) = (Bytes::new(b"x"), [0; 16]);
    let call = client.upload_file(&upload, &mut source, buffers.memory(), |_| ());
    bounded(&format!("`upload_file`{with}"), size_of_val(&call), 2000);
    drop(call);
    let (download, mut store) = (Download::new("http://192.168.69.2/"), Stored::new(&mut file));
    let call = client.download_file(&download, &mut store, buffers.memory(), |_| ());
    bounded(&format!("`download_file`{with}"), size_of_val(&call), 2000);
    drop(call);
    let (mut receive, mut transmit, mut message) = ([0; 512], [0; 256], [0; 64]);
    let memory = SocketMemory { receive: &mut receive, transmit: &mut transmit, message: &mut message };
    let (connect, random) = (ConnectSocket::new("ws://192.168.69.2/"), RefCell::new(OsRng));
    let call = client.connect_socket(&connect, Settings::new(), &random, memory, |_, _| ());
    bounded(&format!("`connect_socket`{with}"), size_of_val(&call), 2200);
    drop(call);
    bounded(&format!("`Socket`{with}"), socket(client), 900);
}

/// The size of the socket that a client makes.
fn socket<'s, 'd, S: Secure<'s, 'd>>(_: &Client<'s, 'd, S, 2>) -> usize {
    size_of::<Socket<'_, '_, 's, 'd, S, 2>>()
}
