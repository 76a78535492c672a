//! Peers that mean harm, as the origin and as the proxy, with and without TLS, against all three HTTP calls: each call
//! ends within its deadline, in bounded memory, with the right code.

mod scripts;
mod wire;

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use miniwire_std::serve::{Leaf, Server};
use miniwire_std::{Api, Client, FileType};
use miniwire_tests::{Answer, Peer, Proxy, Scratch, ScratchDirectory, check, development, server};

use scripts::{SCRIPTS, Script};
use wire::{Plain, tls};

/// Counts what is allocated and not freed yet.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(live, Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Where the peer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// The origin, without TLS.
    Http,
    /// The origin, under TLS.
    Https,
    /// The proxy, asked for an `http` URL: the answer is the origin's, as far as anybody can tell.
    Forwarding,
    /// The origin, under TLS, behind a decent proxy.
    Tunnelled,
    /// The proxy, asked to CONNECT.
    Connecting,
}

const PLACES: [Place; 5] = [Place::Http, Place::Https, Place::Forwarding, Place::Tunnelled, Place::Connecting];
const APIS: [Api; 3] = [Api::Request, Api::UploadFile, Api::DownloadFile];

/// The deadline of a call that is to reach it, in milliseconds.
const SHORT: u32 = 300;
/// The deadline of any other: a busy machine must not reach it.
const LONG: u32 = 5000;
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(1500);
/// Of a body and of a file.
const LIMIT: u64 = 1 << 20;
/// Bytes that [`AT_ONCE`] clients, their peers and the test server together may have allocated at once.
const MEMORY: usize = 16 << 20;
const AT_ONCE: usize = 8;

struct Setting {
    server: Server,
    directory: ScratchDirectory,
    file: Scratch,
}

impl Setting {
    fn peer(&self, place: Place, script: &'static Script) -> Peer {
        if !matches!(place, Place::Https | Place::Tunnelled) {
            return Peer::start(move |stream, _| (script.run)(&mut Plain(stream)));
        }
        let identity = self.server.authority().issue(&Leaf::default()).unwrap();
        let config = wire::config(identity);
        Peer::start(move |stream, _| {
            if let Some(mut stream) = tls(&config, stream) {
                (script.run)(&mut stream);
            }
        })
    }

    fn client(&self, proxy: Option<String>, deadline: u32) -> Client {
        let client = development(&self.server).max_body(LIMIT).max_file(LIMIT).upload_timeout(deadline);
        let client = client.download_idle_timeout(deadline).temporary_directory(self.directory.path());
        match proxy {
            Some(url) => client.proxy(&url, "").build().unwrap(),
            None => client.build().unwrap(),
        }
    }

    /// What comes of a call: code and name of the reason, or 0 and "success".
    fn call(&self, place: Place, api: Api, script: &'static Script, deadline: u32) -> (u8, &'static str) {
        let peer = self.peer(place, script);
        let proxy = (place == Place::Tunnelled).then(|| Proxy::start(Answer::Forward));
        let (proxy, url) = match place {
            Place::Http => (None, peer.http_url("/")),
            Place::Https => (None, peer.https_url("/")),
            Place::Forwarding => (Some(peer.http_url("")), "http://origin.test/".to_owned()),
            Place::Tunnelled => (proxy.as_ref().map(Proxy::url), peer.https_url("/")),
            Place::Connecting => (Some(peer.http_url("")), "https://origin.test/".to_owned()),
        };
        let client = self.client(proxy, deadline);
        let failed = match api {
            Api::UploadFile => client.upload_file(url, self.file.path(), "f", FileType::Image).send().err(),
            Api::DownloadFile => {
                let mut call = client.download_file(url);
                let handle = call.abort_handle();
                let (end, ends) = std::sync::mpsc::channel::<()>();
                // A download may go on for as long as bytes come (DOWN-04), so somebody else ends it.
                let aborting = thread::spawn(move || {
                    if ends.recv_timeout(Duration::from_millis(u64::from(deadline))).is_err() {
                        handle.abort();
                    }
                });
                let result = call.send();
                let _ = end.send(());
                aborting.join().unwrap();
                result.err()
            }
            _ => client.request(url).timeout(deadline).send().err(),
        };
        failed.map_or((0, "success"), |failure| {
            check(&failure);
            (failure.code(), failure.reason().name())
        })
    }
}

#[test]
fn req_13_every_hostile_peer_is_survived_in_time_and_memory() {
    let directory = ScratchDirectory::new();
    let setting = Setting { server: server(), directory, file: Scratch::new("picture.png", &[7; 200_000]) };
    let rows = SCRIPTS.iter().flat_map(|script| PLACES.map(|place| APIS.map(|api| (script, place, api)))).flatten();
    let (rows, wrong) = (Mutex::new(rows), Mutex::new(Vec::new()));
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((script, place, api)) = rows.lock().unwrap().next() else { return };
                    let start = Instant::now();
                    let expected = script.expected(place, api);
                    let may_be_late = expected.iter().any(|(_, reason)| *reason == "Timeout");
                    let deadline = if may_be_late { SHORT } else { LONG };
                    let came = setting.call(place, api, script, deadline);
                    let took = start.elapsed();
                    if !expected.contains(&came) || took > Duration::from_millis(u64::from(deadline)) + SLACK {
                        let line = format!("{} {place:?} {api:?}: {came:?} after {took:?}", script.name);
                        wrong.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    let memory = PEAK.load(Relaxed) - before;
    assert!(memory < MEMORY, "{memory} bytes");
    assert!(setting.directory.is_empty(), "{:?}", setting.directory.files());
    // So that the figure can be read with --nocapture.
    let _ = writeln!(std::io::stdout(), "at most {memory} bytes were allocated");
}
