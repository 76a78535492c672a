//! The scripts on std: peers on threads, real sockets, real time.

use std::io::Write as _;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use miniwire_std::serve::{Leaf, Server};
use miniwire_std::{Api, Client, FileType};
use miniwire_tests::{Answer, Peer, Proxy, Scratch, ScratchDirectory, check, development, server, tls_config};

use crate::scripts::Script;
use crate::wire::{Plain, play, tls};
use crate::{Place, memory, rows};

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(1500);
/// Of a body and of a file.
const LIMIT: u64 = 1 << 20;
/// Bytes that [`AT_ONCE`] clients, their peers, the test server and the other test's worlds may have allocated at once.
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
            return Peer::start(move |stream, _| play(script.steps, &mut Plain(stream)));
        }
        let identity = self.server.authority().issue(&Leaf::default()).unwrap();
        let config = tls_config(identity);
        Peer::start(move |stream, _| {
            if let Some(mut stream) = tls(&config, stream) {
                play(script.steps, &mut stream);
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
            Api::ConnectSocket => {
                let url = url.replacen("http", "ws", 1);
                client.connect_socket(url).timeout(deadline).open().err()
            }
            Api::Request => client.request(url).timeout(deadline).send().err(),
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
    let (rows, wrong) = (Mutex::new(rows()), Mutex::new(Vec::new()));
    let before = memory::begin();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some((script, place, api)) = rows.lock().unwrap().next() else { return };
                    let start = Instant::now();
                    let expected = script.expected(place, api, true);
                    let deadline = script.deadline(place, api);
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
    let memory = memory::peak() - before;
    assert!(memory < MEMORY, "{memory} bytes");
    assert!(setting.directory.is_empty(), "{:?}", setting.directory.files());
    // So that the figure can be read with --nocapture.
    let _ = writeln!(std::io::stdout(), "at most {memory} bytes were allocated");
}
