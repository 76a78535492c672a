//! How large the futures of calls are: what a task of the application needs for each, beside the caller's buffers.
#![allow(clippy::print_stdout)] // The figures are for the reader.

mod world;

use miniwire_core::download::Download;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::request::Request;
use miniwire_core::storage::{Bytes, Memory as Stored};
use miniwire_core::upload::Upload;
use miniwire_embassy::{AbortHandle, Client, SocketMemory, Sockets};

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
    let mut memory = SocketMemory::<2, 1536, 1024>::new();
    bounded("`SocketMemory<2, 1536, 1024>`", size_of_val(&memory), 2 * (1536 + 1024));
    let sockets = Sockets::new(world.board, &mut memory);
    bounded("`Sockets<2>`", size_of_val(&sockets), 112);
    let client = Client::plain(&sockets, context());
    bounded("`Client<NoTls, 2>`", size_of_val(&client), 600);
    bounded("`AbortHandle`", size_of::<AbortHandle>(), 48);

    let request = Request::new("http://192.168.69.2/json");
    let mut buffers = Buffers::new();
    bounded("`request`", size_of_val(&client.request(&request, buffers.memory())), 2500);
    let streamed = client.request_streamed(&request, buffers.memory(), |_| Ok(()));
    bounded("`request_streamed`", size_of_val(&streamed), 2500);
    drop(streamed);
    let upload = Upload::new("http://192.168.69.2/", FileType::Image, "f", Boundary::new([1; 16]));
    let (mut source, mut file) = (Bytes::new(b"x"), [0; 16]);
    let call = client.upload_file(&upload, &mut source, buffers.memory(), |_| ());
    bounded("`upload_file`", size_of_val(&call), 2500);
    drop(call);
    let (download, mut store) = (Download::new("http://192.168.69.2/"), Stored::new(&mut file));
    let call = client.download_file(&download, &mut store, buffers.memory(), |_| ());
    bounded("`download_file`", size_of_val(&call), 2500);
}
