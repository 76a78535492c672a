//! A small HTTP proxy that remembers what it was asked.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::peer::{Peer, idle, read_head};

/// What a proxy does with what it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What a proxy is for.
    Forward,
    /// Forwards where `Proxy-Authorization` is this, else 407.
    ForwardFor(String),
    /// Answers with these bytes instead.
    Bytes(Vec<u8>),
    /// Closes.
    Nothing,
    /// Never answers.
    Silence,
}

/// A forward proxy: absolute-form requests, and CONNECT.
#[derive(Debug)]
pub struct Proxy {
    peer: Peer,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one.
    pub fn start(answer: Answer) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&heads);
        let peer = Peer::start(move |stream, _| serve(stream, &answer, &record));
        Self { peer, heads }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.peer.http_url("")
    }

    /// `http://USER@127.0.0.1:PORT`.
    pub fn url_for(&self, user: &str) -> String {
        format!("http://{user}@{}", self.peer.address())
    }

    /// Where it listens, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.peer.address().port()
    }

    /// The request heads that came, in order.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.peer.accepted()
    }
}

fn serve(mut client: TcpStream, answer: &Answer, heads: &Mutex<Vec<String>>) {
    while let Some(head) = read_head(&mut client) {
        heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
        match answer {
            Answer::Forward => {}
            Answer::ForwardFor(wanted) if field(&head, "proxy-authorization") == Some(wanted) => {}
            Answer::ForwardFor(_) => {
                let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n\
                               Content-Length: 3\r\n\r\nno\n";
                let _ = client.write_all(refusal.as_bytes());
                continue;
            }
            Answer::Bytes(bytes) => {
                let _ = client.write_all(bytes);
                let _ = client.shutdown(Shutdown::Write);
                return idle(client);
            }
            Answer::Nothing => return,
            Answer::Silence => return idle(client),
        }
        let mut words = head.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method == "CONNECT" {
            return tunnel(client, target);
        }
        if forward(&mut client, &head, target).is_none() {
            return;
        }
    }
}

/// Bytes in both directions until either ends.
fn tunnel(mut client: TcpStream, target: &str) {
    let Ok(mut server) = TcpStream::connect(target) else {
        let _ = client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        return;
    };
    if client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").is_err() {
        return;
    }
    let (Ok(mut from_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else { return };
    let up = thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    let _ = up.join();
}

/// One exchange with the origin, on a connection of its own; the client's is kept.
fn forward(client: &mut TcpStream, head: &str, target: &str) -> Option<()> {
    let (authority, path) = target.strip_prefix("http://")?.split_once('/')?;
    let (_, fields) = head.split_once("\r\n")?;
    let method = head.split(' ').next()?;
    let mut server = TcpStream::connect(authority).ok()?;
    write!(server, "{method} /{path} HTTP/1.1\r\nConnection: close\r\n{fields}").ok()?;
    let length = field(head, "content-length").map_or(Ok(0), str::parse).ok()?;
    std::io::copy(&mut Read::by_ref(client).take(length), &mut server).ok()?;
    let mut answer = String::new();
    server.read_to_string(&mut answer).ok()?;
    client.write_all(answer.replacen("Connection: close\r\n", "", 1).as_bytes()).ok()
}

/// The value of a field, in a head.
fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}
