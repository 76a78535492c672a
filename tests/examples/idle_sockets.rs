//! What an idle socket costs: many contexts with one open socket each, against a server in another process.
//!
//! `idle_sockets COUNT [wss]` prints the memory per socket, and fails where a bound does not hold. Each socket takes a
//! descriptor, and three while it is waited on: raise the limit first (`ulimit -n`).
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use miniwire_std::SocketEvent;
use miniwire_tests::{builder, server};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The most memory that a context with an idle socket may take, in bytes, plain and under TLS.
const PLAIN: u64 = 16 * 1024;
const SECURE: u64 = 32 * 1024;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().ok_or("usage: idle_sockets COUNT [wss]")?;
    if count == "serve" {
        return serve();
    }
    let (count, secure) = (count.parse()?, arguments.next().as_deref() == Some("wss"));
    // It ends with its standard input, which is this value's.
    let mut remote =
        Command::new(std::env::current_exe()?).arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let measured = remote.stdout.take().ok_or("no standard output".into()).and_then(|stdout| {
        let lines = BufReader::new(stdout).lines().map_while(std::result::Result::ok);
        measure(count, secure, lines.take_while(|line| line != "end"))
    });
    drop(remote.stdin.take());
    remote.wait()?;
    measured
}

fn serve() -> Result<()> {
    let server = server();
    println!("{}\n{}\n{}end", server.ws_url("/ws/echo"), server.wss_url("/ws/echo"), server.ca_pem());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

fn measure(count: usize, secure: bool, mut said: impl Iterator<Item = String>) -> Result<()> {
    let (plain, tls) = (said.next().ok_or("no address")?, said.next().ok_or("no address")?);
    let (url, bound) = if secure { (tls, SECURE) } else { (plain, PLAIN) };
    let ca: String = said.map(|line| line + "\n").collect();
    let client = || builder().development().root(ca.as_bytes()).only_given_roots().build();
    // One first, for what is needed once.
    let first = client()?;
    drop(first.connect_socket(&url).open()?);
    let (start, before) = (Instant::now(), resident()?);
    let clients = (0..count).map(|_| client()).collect::<std::result::Result<Vec<_>, _>>()?;
    let contexts = resident()?;
    let mut sockets = Vec::with_capacity(count);
    for client in &clients {
        let opened = client.connect_socket(&url).open();
        let mut socket = opened.map_err(|failure| format!("{}: {failure:?}", sockets.len()))?;
        // As one that is looked at now and then.
        let nothing = socket.recv_timeout(Duration::ZERO);
        nothing.err().ok_or("something came")?;
        sockets.push(socket);
    }
    let (after, opened) = (resident()?, start.elapsed());
    let each = |from: u64, to: u64| to.saturating_sub(from) / count as u64;
    let scheme = if secure { "wss" } else { "ws" };
    println!("idle: {count} contexts with an open {scheme} socket each, in {:.1} s", opened.as_secs_f64());
    println!("  resident memory: {} KiB in all", after / 1024);
    println!("  per context {} bytes, per socket {} bytes more", each(before, contexts), each(contexts, after));
    // They are alive.
    for socket in sockets.iter_mut().step_by(count.div_ceil(100)) {
        socket.send("hello")?;
        match socket.recv() {
            Some(SocketEvent::Message(message)) if message.data() == "hello" => {}
            other => return Err(format!("no echo: {other:?}").into()),
        }
    }
    if each(before, after) > bound { Err("that is too much".into()) } else { Ok(()) }
}

/// The memory of this process that is in use, in bytes.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.split_whitespace().next().ok_or("no VmRSS")?.parse::<u64>()? * 1024)
}
