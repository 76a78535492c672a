//! Uploads and downloads over a cable, good and bad.

mod world;

use std::cell::Cell;
use std::rc::Rc;

use embassy_time::{Duration, Timer};
use miniwire_core::download::Download;
use miniwire_core::media::FileType;
use miniwire_core::multipart::Boundary;
use miniwire_core::reason::Reason;
use miniwire_core::request::Request;
use miniwire_core::storage::{Bytes, Memory as Stored, Source, StorageFault, Store};
use miniwire_core::upload::Upload;
use miniwire_embassy::{AbortHandle, Client, NoTls, SocketMemory, Sockets};

use world::cable::Faults;
use world::clock;
use world::http::{Seen, Server, Step, answer};
use world::site::{Buffers, context, send};
use world::{SERVER, World};

const JPEG: [u8; 4] = [0xff, 0xd8, 0xff, 0xe0];

fn file(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|at| (at * 31 + at / 251) as u8).collect();
    bytes.iter_mut().zip(JPEG).for_each(|(to, from)| *to = from);
    bytes
}

fn script(seen: &Seen) -> Vec<Step> {
    match seen.path() {
        "/upload" => vec![Step::Send(answer("201 Created", "", seen.body.len().to_string().as_bytes()))],
        "/teapot" => vec![Step::Send(answer("418 I'm a teapot", "", b"short and stout"))],
        // Says no to what it does not read, and does not read it.
        "/early-413" => vec![
            Step::Wait(300),
            Step::Send(answer("413 Content Too Large", "Connection: close\r\n", b"no")),
            Step::Wait(20_000),
        ],
        "/early-hang" => vec![Step::Wait(200_000)],
        "/file" => vec![Step::Send(answer("200 OK", "", &file(20_000)))],
        "/missing" => vec![Step::Send(answer("404 Not Found", "", b"gone"))],
        "/cut" => vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_vec()), Step::Close],
        "/stall" => vec![Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf".to_vec()), Step::Hang],
        // Slower than any deadline over the whole, but never silent for long.
        "/slow" => vec![Step::Drip(answer("200 OK", "", b"slow but sure"), 1000)],
        _ => vec![Step::Send(answer("400 Bad Request", "", b""))],
    }
}

fn with_client<T>(
    seed: u64,
    faults: Faults,
    test: impl AsyncFnOnce(&Client<'_, '_, NoTls, 2>, &Sockets<'_, 2>, &Server) -> T,
) -> T {
    let mut world = World::new(seed, faults);
    let server = Server::start(&mut world.executor, world.server, 80, 3, script);
    let board = world.board;
    world.run(async move {
        let mut memory = SocketMemory::<2, 8192, 1024>::new();
        let sockets = Sockets::new(board, &mut memory);
        let client = Client::plain(&sockets, context());
        test(&client, &sockets, &server).await
    })
}

fn url(path: &str) -> String {
    format!("http://{SERVER}{path}")
}

type Came = Result<(u16, String), (u8, Reason, Option<u16>)>;

async fn upload(client: &Client<'_, '_, NoTls, 2>, path: &str, source: &mut impl Source, seen: &Cell<u8>) -> Came {
    let (url, mut buffers) = (url(path), Buffers::new());
    let upload = Upload::new(&url, FileType::Image, "photo", Boundary::new([7; 16])).file("cat.jpg", 0);
    let call = client.upload_file(&upload, source, buffers.memory(), |update| {
        assert!(update.progress >= seen.get());
        seen.set(update.progress);
    });
    match call.await {
        Ok(response) => Ok((response.status(), response.text().to_owned())),
        Err(failure) => Err((failure.code(), failure.reason, failure.response.map(|response| response.status()))),
    }
}

async fn download(
    client: &Client<'_, '_, NoTls, 2>,
    path: &str,
    store: &mut impl Store,
) -> Result<u16, (u8, Reason, Option<u16>)> {
    let (url, mut buffers) = (url(path), Buffers::new());
    match client.download_file(&Download::new(&url), store, buffers.memory(), |_| {}).await {
        Ok(_) => Ok(200),
        Err(failure) => Err((failure.code(), failure.reason, failure.response.map(|response| response.status()))),
    }
}

#[test]
fn up_03_a_file_of_any_length_goes_out_in_fixed_buffers() {
    with_client(1, Faults::NONE, async |client, _, server| {
        let (file, progress) = (file(300_000), Cell::new(0));
        let (status, length) = upload(client, "/upload", &mut Bytes::new(&file), &progress).await.unwrap();
        assert_eq!((status, progress.get()), (201, 100));
        let seen = server.seen.borrow();
        assert_eq!(seen[0].body.len().to_string(), length);
        assert!(seen[0].body.windows(file.len()).any(|window| window == file));
    });
}

#[test]
fn up_03_an_upload_over_a_bad_cable_arrives_as_it_was() {
    for seed in 0..10 {
        with_client(seed, Faults::MANY, async |client, _, server| {
            let (file, progress) = (file(8000), Cell::new(0));
            let came = upload(client, "/upload", &mut Bytes::new(&file), &progress).await;
            assert_eq!(came.map(|(status, _)| status), Ok(201), "seed {seed}");
            assert!(server.seen.borrow()[0].body.windows(file.len()).any(|window| window == file), "seed {seed}");
        });
    }
}

#[test]
fn up_04_any_status_is_a_success() {
    with_client(2, Faults::NONE, async |client, _, _| {
        let came = upload(client, "/teapot", &mut Bytes::new(b"x"), &Cell::new(0)).await;
        assert_eq!(came, Ok((418, "short and stout".into())));
    });
}

#[test]
fn up_07_a_server_that_answers_instead_of_reading_is_heard() {
    with_client(3, Faults::NONE, async |client, _, _| {
        let start = clock::now_ms();
        let came = upload(client, "/early-413", &mut Bytes::new(&file(100_000)), &Cell::new(0)).await;
        assert_eq!(came, Ok((413, "no".into())));
        assert!(clock::now_ms() - start < 2000, "{} ms", clock::now_ms() - start);
    });
}

#[test]
fn up_05_an_upload_that_is_not_read_ends_after_30_seconds_with_12() {
    with_client(4, Faults::NONE, async |client, _, _| {
        let start = clock::now_ms();
        let came = upload(client, "/early-hang", &mut Bytes::new(&file(100_000)), &Cell::new(0)).await;
        assert_eq!((came, clock::now_ms() - start), (Err((12, Reason::Timeout, None)), 30_000));
    });
}

/// A file that is shorter than it said.
struct Shrunk(Bytes<'static>);

impl Source for Shrunk {
    fn len(&self) -> u64 {
        1000
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, StorageFault> {
        self.0.read(buf)
    }

    fn rewind(&mut self) -> Result<(), StorageFault> {
        self.0.rewind()
    }
}

#[test]
fn up_code_12_a_file_that_shrinks_resets_the_connection() {
    with_client(5, Faults::NONE, async |client, sockets, server| {
        let came = upload(client, "/upload", &mut Shrunk(Bytes::new(b"short")), &Cell::new(0)).await;
        assert_eq!(came, Err((12, Reason::FileChanged, None)));
        Timer::after(Duration::from_millis(100)).await;
        assert_eq!((server.open.get(), sockets.idle()), (0, (2, 2)));
    });
}

#[test]
fn up_06_abort_ends_an_upload_with_12() {
    with_client(6, Faults::NONE, async |client, sockets, server| {
        let (abort, url, file, mut buffers) = (AbortHandle::new(), url("/upload"), file(200_000), Buffers::new());
        let upload = Upload::new(&url, FileType::Image, "photo", Boundary::new([7; 16])).file("cat.jpg", 0);
        let mut source = Bytes::new(&file);
        let call = client.abortable(&abort).upload_file(&upload, &mut source, buffers.memory(), |update| {
            if update.progress > 50 {
                abort.abort();
            }
        });
        let failure = call.await.map(|_| ()).unwrap_err();
        assert_eq!((failure.code(), failure.reason), (12, Reason::Aborted));
        Timer::after(Duration::from_millis(100)).await;
        assert_eq!((server.open.get(), sockets.idle()), (0, (2, 2)));
    });
}

#[test]
fn down_03_a_file_comes_into_the_callers_buffer() {
    for (seed, faults) in [(1, Faults::NONE), (2, Faults::MANY), (3, Faults::MANY), (4, Faults::MANY)] {
        with_client(seed, faults, async |client, _, _| {
            let mut memory = vec![0; 20_000];
            let mut store = Stored::new(&mut memory);
            assert_eq!(download(client, "/file", &mut store).await, Ok(200), "seed {seed}");
            assert_eq!(store.file(), Some(&file(20_000)[..]), "seed {seed}");
        });
    }
}

#[test]
fn down_02_what_fails_leaves_nothing_behind() {
    with_client(2, Faults::NONE, async |client, _, _| {
        let mut memory = vec![0; 100];
        let mut store = Stored::new(&mut memory);
        for (path, expected) in [
            ("/missing", (12, Reason::HttpStatus, Some(404))),
            ("/cut", (12, Reason::ConnectionClosed, Some(200))),
            ("/file", (12, Reason::StoreFull, Some(200))),
        ] {
            assert_eq!(download(client, path, &mut store).await, Err(expected), "{path}");
            assert_eq!(store.file(), None, "{path}");
        }
    });
}

#[test]
fn down_04_30_seconds_without_a_byte_are_12_and_a_slow_file_is_not() {
    with_client(3, Faults::NONE, async |client, _, _| {
        let mut memory = vec![0; 100];
        let mut store = Stored::new(&mut memory);
        let start = clock::now_ms();
        assert_eq!(download(client, "/stall", &mut store).await, Err((12, Reason::Timeout, Some(200))));
        let took = clock::now_ms() - start;
        assert!((30_000..31_000).contains(&took), "{took}");
        assert_eq!(download(client, "/slow", &mut store).await, Ok(200));
        assert!(clock::now_ms() - start > 60_000);
        assert_eq!(store.file(), Some(&b"slow but sure"[..]));
    });
}

/// Tells what was done to it.
struct Watched(Rc<Cell<&'static str>>);

impl Store for Watched {
    fn create(&mut self, _: Option<u64>) -> Result<(), StorageFault> {
        self.0.set("created");
        Ok(())
    }

    fn write(&mut self, _: &[u8]) -> Result<(), StorageFault> {
        Ok(())
    }

    fn commit(&mut self, _: Option<&str>) -> Result<(), StorageFault> {
        self.0.set("committed");
        Ok(())
    }

    fn discard(&mut self) {
        self.0.set("discarded");
    }
}

#[test]
fn down_02_a_download_that_is_dropped_leaves_nothing_behind() {
    with_client(4, Faults::NONE, async |client, sockets, server| {
        let state = Rc::new(Cell::new("new"));
        let mut store = Watched(Rc::clone(&state));
        let call = embassy_time::with_timeout(Duration::from_secs(3), download(client, "/stall", &mut store));
        assert!(call.await.is_err());
        assert_eq!(state.get(), "discarded");
        Timer::after(Duration::from_millis(100)).await;
        assert_eq!((server.open.get(), sockets.idle()), (0, (2, 2)));
        assert!(send(client, &Request::new(&url("/teapot"))).await.is_err());
    });
}
