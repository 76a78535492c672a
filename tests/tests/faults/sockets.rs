//! The std client over real sockets, with and without TLS, a relay in between.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniwire_std::serve::{Pattern, Server};
use miniwire_std::{Client, DataType, Failure, SocketEvent};
use miniwire_tests::faults::reader::{answers, messages};
use miniwire_tests::faults::{Mix, Plan, Random, Relay};
use miniwire_tests::{ScratchDirectory, check, development, server};

use crate::{Telling, seeds};

/// How many runs are under way at once: most of their time they wait.
const AT_ONCE: usize = 8;
/// Of a call that may meet a stall, in milliseconds.
const SHORT: u32 = 400;

#[derive(Default)]
struct Counts {
    successes: usize,
    failures: usize,
    lies: usize,
}

/// Where and how a call goes.
struct Setting {
    server: Server,
    secure: bool,
    mix: Mix,
}

impl Setting {
    fn address(&self) -> SocketAddr {
        if self.secure { self.server.https() } else { self.server.http() }
    }

    fn url(&self, relay: &Relay, path: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://localhost:{}{path}", relay.address().port())
    }

    /// Runs `call` for every seed, some at a time.
    fn all(&self, count: u64, call: impl Fn(&Self, u64, &Relay) -> Result<(), Failure> + Sync) -> Counts {
        let (counts, seeds) = (Mutex::new(Counts::default()), Mutex::new(seeds(count)));
        thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let Some(seed) = seeds.lock().unwrap().next() else { return };
                        let plan = Plan::seeded(seed, self.mix);
                        let _telling = Telling(plan.clone());
                        let relay = Relay::start(self.address(), plan);
                        let result = call(self, seed, &relay);
                        let mut counts = counts.lock().unwrap();
                        counts.lies += usize::from(relay.passed().iter().any(|link| link.lied_down));
                        match result {
                            Ok(()) => counts.successes += 1,
                            Err(failure) => {
                                check(&failure);
                                assert_ne!(self.mix, Mix::Gentle, "{failure:?}");
                                counts.failures += 1;
                            }
                        }
                    }
                });
            }
        });
        counts.into_inner().unwrap()
    }

    fn client(&self) -> Client {
        development(&self.server).build().unwrap()
    }

    fn timeout(&self) -> u32 {
        if self.mix == Mix::Gentle { 20_000 } else { SHORT }
    }
}

fn setting(secure: bool, mix: Mix) -> Setting {
    Setting { server: server(), secure, mix }
}

fn length(seed: u64) -> usize {
    [1, 100, 3000, 40_000][Random::new(seed).below(4) as usize]
}

fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length(seed)];
    Pattern::new(seed).fill(&mut bytes);
    bytes
}

fn path(seed: u64) -> String {
    let kind = ["bytes", "stream-bytes"][(seed % 2) as usize];
    format!("/{kind}/{}?seed={seed}", length(seed))
}

fn get(setting: &Setting, seed: u64, relay: &Relay) -> Result<(), Failure> {
    let client = setting.client();
    // The second call meets a link that was kept, or one that should not have been.
    for _ in 0..2 {
        let call = client.request(setting.url(relay, &path(seed))).data_type(DataType::Base64);
        let got = STANDARD.decode(call.timeout(setting.timeout()).send()?.data()).expect("base64");
        let passed = relay.passed();
        let lied = passed.iter().any(|link| link.lied_up || link.lied_down);
        if setting.secure || !lied {
            assert!(got == bytes(seed), "{} bytes of {}", got.len(), length(seed));
        } else {
            let heard = passed.iter().any(|link| answers(&link.bytes, link.ended).iter().any(|(_, body)| *body == got));
            assert!(heard, "nobody said that");
        }
    }
    Ok(())
}

#[test]
fn req_18_gentle_faults_change_no_answer() {
    for secure in [false, true] {
        assert_eq!(setting(secure, Mix::Gentle).all(40, get).successes, 40);
    }
}

#[test]
fn req_18_broken_connections_make_no_short_success() {
    for secure in [false, true] {
        let counts = setting(secure, Mix::Breaking).all(120, get);
        assert!(counts.successes > 5 && counts.failures > 40, "{} {}", counts.successes, counts.failures);
    }
}

#[test]
fn ctx_08_what_was_changed_never_passes_tls() {
    let counts = setting(true, Mix::Lying).all(200, get);
    assert!(counts.successes > 5 && counts.lies > 20, "{} {}", counts.successes, counts.lies);
}

#[test]
fn req_18_without_tls_a_success_is_what_arrived() {
    let counts = setting(false, Mix::Lying).all(200, get);
    assert!(counts.successes > 5 && counts.lies > 20, "{} {}", counts.successes, counts.lies);
}

/// The messages of a conversation that the server begins: whether they are text, how many, of how many bytes.
fn said(seed: u64) -> (bool, Vec<Vec<u8>>) {
    let (mut random, mut pattern) = (Random::new(seed), Pattern::new(seed));
    let (text, count) = (random.below(2) == 0, 1 + random.below(5));
    let size = [0, 1, 126, 3000, 20_000][random.below(5) as usize];
    let message = |_| {
        let mut bytes = vec![0; size];
        pattern.fill(&mut bytes);
        if text { bytes.iter().map(|byte| b'a' + byte % 26).collect() } else { bytes }
    };
    (text, (0..count).map(message).collect())
}

/// Hears what the server has to say, and its Close.
fn hear(setting: &Setting, seed: u64, relay: &Relay) -> Result<(), Failure> {
    let ((text, said), fragment) = (said(seed), [0, 100, 5000][(seed % 3) as usize]);
    let (count, size, kind) = (said.len(), said[0].len(), if text { "text" } else { "binary" });
    let path = format!("/ws/messages/{count}?size={size}&kind={kind}&seed={seed}&fragment={fragment}");
    let url = setting.url(relay, &path).replacen("http", "ws", 1);
    let (client, timeout) = (setting.client(), setting.timeout());
    let mut socket = client.connect_socket(url).timeout(timeout).keep_alive(timeout).close_timeout(timeout).open()?;
    let (mut heard, mut failed, mut closes) = (Vec::new(), None, 0);
    while let Some(event) = socket.recv() {
        match event {
            SocketEvent::Message(message) => {
                assert!(failed.is_none() && closes == 0, "a message behind the end");
                heard.push((!message.is_buffer(), message.as_bytes().to_vec()));
            }
            SocketEvent::Error(failure) => assert!(failed.replace(failure).is_none(), "a second Error"),
            SocketEvent::Close(_) => closes += 1,
        }
    }
    assert_eq!(closes, 1);
    let passed = relay.passed();
    if setting.secure || !passed.iter().any(|link| link.lied_up || link.lied_down) {
        let said: Vec<_> = said.into_iter().map(|bytes| (text, bytes)).collect();
        assert!(said.starts_with(&heard), "{} messages of {}", heard.len(), said.len());
        assert!(failed.is_some() || heard == said, "a clean Close behind a part");
    } else {
        assert!(passed.iter().any(|link| messages(&link.bytes).starts_with(&heard)), "nobody said that");
    }
    failed.map_or(Ok(()), Err)
}

#[test]
fn sock_05_gentle_faults_change_no_message() {
    for secure in [false, true] {
        assert_eq!(setting(secure, Mix::Gentle).all(40, hear).successes, 40);
    }
}

#[test]
fn sock_07_broken_connections_make_no_half_message() {
    for secure in [false, true] {
        let counts = setting(secure, Mix::Breaking).all(100, hear);
        assert!(counts.successes > 5 && counts.failures > 20, "{} {}", counts.successes, counts.failures);
    }
}

#[test]
fn ctx_08_no_message_that_was_changed_passes_tls() {
    let counts = setting(true, Mix::Lying).all(100, hear);
    assert!(counts.failures > 20 && counts.lies > 10, "{} {}", counts.failures, counts.lies);
}

#[test]
fn sock_05_without_tls_a_message_is_what_arrived() {
    let counts = setting(false, Mix::Lying).all(100, hear);
    assert!(counts.failures > 20 && counts.lies > 10, "{} {}", counts.failures, counts.lies);
}

#[test]
fn down_02_a_file_has_exactly_the_bytes_or_is_not_there() {
    for (secure, mix) in [(false, Mix::Breaking), (true, Mix::Lying)] {
        let directory = ScratchDirectory::new();
        let setting = setting(secure, mix);
        let counts = setting.all(100, |setting, seed, relay| {
            let client = development(&setting.server).temporary_directory(directory.path());
            let client = client.download_idle_timeout(SHORT).build().unwrap();
            let downloaded = client.download_file(setting.url(relay, &path(seed))).send()?;
            assert!(std::fs::read(downloaded.ap_file_path()).unwrap() == bytes(seed));
            Ok(())
        });
        assert!(counts.successes > 5 && counts.failures > 20, "{} {}", counts.successes, counts.failures);
        assert!(directory.is_empty(), "{:?}", directory.files());
    }
}
