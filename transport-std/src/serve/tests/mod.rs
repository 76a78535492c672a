//! The server, driven by plain sockets and by rustls: no client of this crate takes part.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::*;

mod echo;
mod framing;
mod socket;
mod tls;

/// One server for the tests that do not count.
static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Options::default()).unwrap());

/// A response, split at the first blank line.
#[derive(Debug)]
struct Reply {
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("no head");
        Self { head: String::from_utf8(bytes[..end + 2].to_vec()).unwrap(), body: bytes[end + 4..].to_vec() }
    }

    fn status(&self) -> u16 {
        self.head[9..12].parse().unwrap()
    }

    fn field(&self, name: &str) -> Option<&str> {
        let of_line = |line: &'_ str| line.split_once(": ").is_some_and(|(known, _)| known.eq_ignore_ascii_case(name));
        self.head.lines().find(|line| of_line(line)).and_then(|line| line.split_once(": ")).map(|(_, value)| value)
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// What the server sends to `request` until it closes.
fn exchange(request: impl AsRef<[u8]>) -> Vec<u8> {
    let mut stream = connect(SERVER.http());
    stream.write_all(request.as_ref()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn request(method: &str, path: &str, fields: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{method} {path} HTTP/1.1\r\nHost: test.example\r\n{fields}{length}Connection: close\r\n\r\n{body}")
}

fn get(path: &str) -> Reply {
    Reply::of(&exchange(request("GET", path, "", "")))
}

/// The bytes of a GET, whatever they are.
fn get_raw(path: &str) -> Vec<u8> {
    exchange(request("GET", path, "", ""))
}

/// Reads one response that has a Content-Length, and leaves the connection open.
fn read_one(stream: &mut impl Read) -> Reply {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let mut reply = Reply::of(&bytes);
    reply.body = vec![0; reply.field("Content-Length").map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut reply.body).unwrap();
    reply
}

#[test]
fn the_list_has_every_route_and_kind() {
    let (root, help) = (get("/"), get("/help"));
    assert_eq!((root.status(), root.text()), (200, help.text()));
    for line in [
        "/get ",
        "/anything/*",
        "/bytes/{n}",
        "/redirect-to",
        "/malformed/{kind}",
        "  two-lengths ",
        "  endless-head ",
        "/ws/echo ",
        "  close-5000 ",
    ] {
        assert!(help.text().contains(line), "{line}");
    }
    assert_eq!(get("/nothing").status(), 404);
    assert_eq!(get("/get/more").status(), 404);
    assert_eq!(get("/malformed/unheard-of").status(), 404);
    assert_eq!(Reply::of(&exchange(request("CONNECT", "example.org:443", "", ""))).status(), 404);
}

#[test]
fn connections_and_requests_are_counted() {
    let server = Server::start(Options::default()).unwrap();
    assert_eq!((server.connections(), server.requests()), (0, 0));
    let mut stream = connect(server.http());
    for path in ["/get", "/post", "/nothing", "/big-head/100", "/chunked/0?trailers=0"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        read_one(&mut stream);
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
    connect(server.http()).write_all(b"GET /get HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut second = connect(server.http());
    second.write_all(b"GET /get HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    read_one(&mut second);
    assert_eq!(server.connections(), 3);
}

#[test]
fn it_listens_on_the_ports_asked_for_and_only_on_the_loopback() {
    let server = Server::start(Options::default()).unwrap();
    let (http, https) = (server.http(), server.https());
    assert!(http.ip().is_loopback() && https.ip().is_loopback() && http != https);
    assert_eq!(server.http_url("/get?a=1"), format!("http://127.0.0.1:{}/get?a=1", http.port()));
    assert_eq!(server.https_url("/get"), format!("https://localhost:{}/get", https.port()));
    assert!(Server::start(Options { http: http.port(), https: 0 }).is_err(), "the port is taken");
    drop(server);
    let again = Server::start(Options { http: http.port(), https: https.port() }).unwrap();
    assert_eq!((again.http(), again.https()), (http, https));
}

#[test]
fn dropping_it_stops_it_at_once() {
    let server = Server::start(Options::default()).unwrap();
    let address = server.http();
    let extra = server.start_tls_with(server.authority().issue(&Leaf::default()).unwrap()).unwrap();
    let mut streams: Vec<TcpStream> =
        ["/delay/60", "/bytes/1000000000000", "/drip?duration=60", "/malformed/endless-head"]
            .iter()
            .map(|path| {
                let mut stream = connect(address);
                stream.write_all(request("GET", path, "", "").as_bytes()).unwrap();
                stream
            })
            .collect();
    streams.push(connect(address));
    streams.push(connect(extra));
    thread::sleep(Duration::from_millis(50));
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for mut stream in streams {
        // What was sent before is still there, then the connection ends, in one way or another.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    for gone in [address, extra] {
        assert!(TcpStream::connect(gone).is_err());
    }
}
