//! Both directions at once for minutes, with random fragments and delays, against servers that nobody here wrote: nothing
//! may be lost or reordered, and the memory must not grow.
//!
//! `websocket_soak SECONDS LIST` reads what `tests/stages/peers/websocket/run.sh --hold` prints;
//! `tests/stages/websocket-peers.sh SECONDS` runs both.
#![allow(clippy::print_stdout)]

use std::collections::VecDeque;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use miniwire_std::serve::Pattern;
use miniwire_std::{Client, Message, SocketEvent, SocketOpen};
use miniwire_tests::{builder, peak_memory};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Bytes on their way at once.
const WINDOW: usize = 256 * 1024;

/// How much more memory the end of a run may need than its first fifth, in KiB.
const GROWTH: u64 = 8 * 1024;

static MESSAGES: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(seconds), Some(list)) = (arguments.next(), arguments.next()) else {
        return Err("usage: websocket_soak SECONDS LIST".into());
    };
    let time = Duration::from_secs(seconds.parse()?);
    let listed: Value = serde_json::from_slice(&std::fs::read(list)?)?;
    let ca = std::fs::read(listed["ca"].as_str().ok_or("no authority")?)?;
    let peers = listed["peers"].as_array().ok_or("no peers")?;
    let (start, mut early, mut threads) = (Instant::now(), 0, 0);
    thread::scope(|scope| -> Result<()> {
        let mut workers = Vec::new();
        for (number, peer) in (0_u64..).zip(peers) {
            let url = peer["url"].as_str().ok_or("no URL")?;
            let client = builder().development().root(&ca).only_given_roots();
            let client = if let Some(proxy) = peer["proxy"].as_str() { client.proxy(proxy, "") } else { client };
            let client = client.socket_queue(2 * WINDOW).build()?;
            let url = format!("{url}/echo?seed={number}&most=20000&delay=0.002");
            let until = start + time;
            // Half of them with listeners.
            workers.push(scope.spawn(move || match number % 2 {
                0 => blocking(&client, &url, number, until),
                _ => listened(&client, &url, number, until),
            }));
        }
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(Duration::from_millis(50));
            threads = threads.max(status("Threads:"));
            if early == 0 && start.elapsed() > time / 5 {
                early = peak_memory().unwrap_or(0);
            }
        }
        for (worker, peer) in workers.into_iter().zip(peers) {
            let name = &peer["name"];
            let done = worker.join().map_err(|_| "a panic")?;
            done.map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    })?;
    let (messages, bytes) = (MESSAGES.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
    let (seconds, end) = (start.elapsed().as_secs_f64(), peak_memory().unwrap_or(0));
    println!("soak: {} sockets, {messages} messages and {bytes} bytes each way in {seconds:.0} s", peers.len());
    println!("  each checked: nothing lost, nothing reordered");
    println!("  peak memory: {early} KiB after a fifth, {end} KiB at the end; {threads} threads at most");
    if messages == 0 {
        return Err("nothing was sent".into());
    }
    if end > early + GROWTH { Err("the memory grows".into()) } else { Ok(()) }
}

/// The messages of one socket: what is sent, and what must come back next.
struct Traffic {
    random: Pattern,
    due: VecDeque<(u64, usize, bool)>,
    sent: u64,
    waiting: usize,
}

impl Traffic {
    fn new(seed: u64) -> Self {
        Self { random: Pattern::new(seed), due: VecDeque::new(), sent: 0, waiting: 0 }
    }

    fn below(&mut self, end: usize) -> usize {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % end
    }

    fn has_room(&self) -> bool {
        self.waiting < WINDOW
    }

    /// The next message: mostly short ones, text and bytes.
    fn next(&mut self) -> Message {
        let most = [10, 200, 2_000, 70_000][self.below(4)];
        let (size, text) = (self.below(most), self.below(2) == 0);
        let message = content(self.sent, size, text);
        self.due.push_back((self.sent, size, text));
        self.sent += 1;
        self.waiting += message.as_bytes().len();
        message
    }

    fn take(&mut self, message: &Message) -> Result<()> {
        let (number, size, text) = self.due.pop_front().ok_or("a message that nobody has sent")?;
        if *message != content(number, size, text) {
            return Err(format!("message {number} of {size} bytes differs").into());
        }
        self.waiting -= message.as_bytes().len();
        MESSAGES.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(message.as_bytes().len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// The message of this number: the number, and bytes that depend on it.
fn content(number: u64, size: usize, text: bool) -> Message {
    let mut bytes = vec![0; size];
    Pattern::new(number).fill(&mut bytes);
    if !text {
        return [&number.to_be_bytes(), bytes.as_slice()].concat().into();
    }
    const LETTERS: [char; 4] = ['a', '\u{e9}', '\u{20ac}', '\u{1f600}'];
    let letters = bytes.iter().map(|byte| LETTERS[usize::from(byte % 4)]);
    format!("{number} ").chars().chain(letters).collect::<String>().into()
}

fn blocking(client: &Client, url: &str, seed: u64, until: Instant) -> Result<()> {
    let (mut socket, mut traffic) = (client.connect_socket(url).open()?, Traffic::new(seed));
    loop {
        let open = Instant::now() < until;
        if open && traffic.has_room() {
            // In pieces of any length.
            let message = traffic.next();
            let mut rest = message.as_bytes();
            loop {
                let most = [50, 1000, 30_000][traffic.below(3)];
                let piece = traffic.below(most + 1).min(rest.len());
                let (now, later) = rest.split_at(piece);
                socket.send_piece(!message.is_buffer(), now, later.is_empty())?;
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
        } else if traffic.due.is_empty() {
            break;
        }
        let wait = if traffic.has_room() && open { Duration::ZERO } else { Duration::from_secs(20) };
        match socket.recv_timeout(wait) {
            Ok(Some(SocketEvent::Message(message))) => traffic.take(&message)?,
            Ok(other) => return Err(format!("it ended: {other:?}").into()),
            Err(nothing) if !wait.is_zero() => return Err(nothing.into()),
            Err(_) => {}
        }
    }
    socket.close(1000, "")?;
    match socket.recv() {
        Some(SocketEvent::Close(close)) if close.code == 1000 => Ok(()),
        other => Err(format!("not a clean end: {other:?}").into()),
    }
}

fn listened(client: &Client, url: &str, seed: u64, until: Instant) -> Result<()> {
    let (events, told) = channel();
    let (messages, errors, closes) = (events.clone(), events.clone(), events.clone());
    client.on_socket_open(move |_: &SocketOpen| events.send(None).unwrap_or_default())?;
    client.on_socket_message(move |message: &Message| {
        messages.send(Some(SocketEvent::Message(message.clone()))).unwrap_or_default();
    })?;
    client.on_socket_error(move |failure: &miniwire_std::Failure| {
        errors.send(Some(SocketEvent::Error(failure.clone()))).unwrap_or_default();
    })?;
    client.on_socket_close(move |close: &miniwire_std::SocketClose| {
        closes.send(Some(SocketEvent::Close(close.clone()))).unwrap_or_default();
    })?;
    client.connect_socket(url).connect()?;
    let wait = Duration::from_secs(20);
    let mut traffic = Traffic::new(seed);
    if told.recv_timeout(wait)?.is_some() {
        return Err("it did not open".into());
    }
    loop {
        let open = Instant::now() < until;
        while open && traffic.has_room() {
            client.send_socket_message(traffic.next())?;
        }
        if traffic.due.is_empty() {
            break;
        }
        match told.recv_timeout(wait)? {
            Some(SocketEvent::Message(message)) => traffic.take(&message)?,
            other => return Err(format!("it ended: {other:?}").into()),
        }
    }
    client.close_socket(1000, "")?;
    match told.recv_timeout(wait)? {
        Some(SocketEvent::Close(close)) if close.code == 1000 => Ok(()),
        other => Err(format!("not a clean end: {other:?}").into()),
    }
}

/// A number of this process's, as the system has it; 0 where it does not say.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
