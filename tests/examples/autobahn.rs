//! The WebSocket of the core as a client of the Autobahn test suite: it echoes every message of every case.
//! `tests/stages/autobahn.sh` runs it.
//!
//! `autobahn ws://HOST:PORT AGENT [RX TX]`: the sizes of the two buffers, in bytes, 4096 unless told. They are all that
//! the connection uses; a message is assembled here, to be echoed as a whole.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use miniwire_core::http::head::HeadReader;
use miniwire_core::sink::Window;
use miniwire_core::ws::close;
use miniwire_core::ws::connection::{Connection, Incoming};
use miniwire_core::ws::handshake::{Key, Protocols, check, write_fields};
use miniwire_core::ws::mask::Mask;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The largest message that is assembled; the suite's largest has just this length.
const MAX_MESSAGE: usize = 16 << 20;
/// No case is silent for so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server may take to close the link after the closing handshake.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let (url, agent, sizes) = match &arguments[..] {
        [_, url, agent] => (url, agent, (4096, 4096)),
        [_, url, agent, rx, tx] => (url, agent, (rx.parse()?, tx.parse()?)),
        _ => return Err("usage: autobahn ws://HOST:PORT AGENT [RX TX]".into()),
    };
    let host = url.strip_prefix("ws://").ok_or("the URL does not begin with ws://")?;
    let mut count = Vec::new();
    Socket::open(host, "/getCaseCount", sizes)?.run(|_, message| {
        count = message.to_vec();
        Reply::Nothing
    })?;
    let count: u32 = std::str::from_utf8(&count)?.parse()?;
    for case in 1..=count {
        Socket::open(host, &format!("/runCase?case={case}&agent={agent}"), sizes)?.run(|_, _| Reply::Echo)?;
    }
    Socket::open(host, &format!("/updateReports?agent={agent}"), sizes)?.run(|_, _| Reply::Nothing)?;
    println!("{count} cases, buffers of {} and {} bytes", sizes.0, sizes.1);
    Ok(())
}

enum Reply {
    Echo,
    Nothing,
}

/// A connection, its link and its buffers.
struct Socket {
    link: TcpStream,
    connection: Connection,
    /// `rx[..filled]` was received and is not consumed.
    rx: Vec<u8>,
    filled: usize,
    tx: Vec<u8>,
}

impl Socket {
    /// Connects and goes through the opening handshake.
    fn open(host: &str, path: &str, (rx, tx): (usize, usize)) -> Result<Self> {
        let link = TcpStream::connect(host)?;
        link.set_read_timeout(Some(PATIENCE))?;
        link.set_write_timeout(Some(PATIENCE))?;
        link.set_nodelay(true)?;
        let (rx, tx) = (vec![0; rx], vec![0; tx]);
        let mut socket = Self { link, connection: Connection::new(), rx, filled: 0, tx };
        let key = Key::fresh(random());
        let mut fields = [0; 256];
        let mut out = Window::new(0, &mut fields);
        write_fields(&key, Protocols::NONE, &mut out).map_err(|_| "the fields are longer than expected")?;
        write!(socket.link, "GET {path} HTTP/1.1\r\nHost: {host}\r\n")?;
        socket.link.write_all(out.into_filled())?;
        socket.link.write_all(b"\r\n")?;
        let mut reader = HeadReader::new();
        loop {
            if !socket.receive()? {
                return Err("the server closed the link instead of answering".into());
            }
            let found = reader.read(&socket.rx[..socket.filled]).map_err(|error| format!("{error:?}"))?;
            if let Some((head, _)) = found {
                check(&head, &key, Protocols::NONE)?;
                let length = head.raw().len();
                socket.consume(length);
                return Ok(socket);
            }
        }
    }

    /// Reads messages and answers them until the connection ends, in whatever way.
    fn run(mut self, mut answer: impl FnMut(bool, &[u8]) -> Reply) -> Result<()> {
        let mut message = Vec::new();
        loop {
            let end = self.step(&mut message, &mut answer).or_else(|error| match error.kind() {
                // What the server thinks of that is in its report.
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Ok(true),
                _ => Err(error),
            })?;
            if end {
                return Ok(());
            }
        }
    }

    /// Takes one thing that came; whether that was the last.
    fn step(&mut self, message: &mut Vec<u8>, answer: &mut impl FnMut(bool, &[u8]) -> Reply) -> std::io::Result<bool> {
        let (consumed, incoming) = match self.connection.read(&self.rx[..self.filled]) {
            Ok(read) => read,
            Err(_) => {
                self.flush()?;
                return self.finish();
            }
        };
        let (mut more, mut whole) = (false, None);
        match incoming {
            Incoming::More => more = true,
            Incoming::Data { text, data, fin } => {
                message.extend_from_slice(data);
                whole = fin.then_some(text);
            }
            Incoming::Ping(_) | Incoming::Pong(_) | Incoming::Close { .. } => {}
        }
        self.consume(consumed);
        if message.len() > MAX_MESSAGE {
            // An error would be that we close already.
            let _ = self.connection.close(close::TOO_BIG, "the message is too long");
            message.clear();
        } else if let Some(text) = whole {
            if let Reply::Echo = answer(text, message) {
                self.send(text, message)?;
            }
            message.clear();
        }
        self.flush()?;
        if self.connection.is_closed() {
            return self.finish();
        }
        Ok(more && !self.receive()?)
    }

    fn send(&mut self, text: bool, message: &[u8]) -> std::io::Result<()> {
        let mut rest = message;
        loop {
            let sent = self.connection.send(text, rest, true, Mask::fresh(random()), &mut self.tx);
            let sent = sent.map_err(std::io::Error::other)?;
            self.link.write_all(&self.tx[..sent.length])?;
            rest = &rest[sent.taken..];
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    /// Writes the control frame that waits.
    fn flush(&mut self) -> std::io::Result<()> {
        if self.connection.has_control() {
            let length = self.connection.write_control(Mask::fresh(random()), &mut self.tx);
            self.link.write_all(&self.tx[..length])?;
        }
        Ok(())
    }

    /// Waits for the server to close the link, as RFC 6455 section 7.1.1 has it.
    fn finish(&mut self) -> std::io::Result<bool> {
        self.link.shutdown(Shutdown::Write)?;
        self.link.set_read_timeout(Some(LINGER))?;
        while self.link.read(&mut self.rx).is_ok_and(|length| length > 0) {}
        Ok(true)
    }

    /// Receives more; whether there was any.
    fn receive(&mut self) -> std::io::Result<bool> {
        if self.filled == self.rx.len() {
            return Err(std::io::Error::other("the receive buffer is full and nothing is consumed"));
        }
        let received = self.link.read(&mut self.rx[self.filled..])?;
        self.filled += received;
        Ok(received > 0)
    }

    fn consume(&mut self, length: usize) {
        self.rx.copy_within(length..self.filled, 0);
        self.filled -= length;
    }
}

/// Random bytes, for a test: the standard library has no other source of them.
fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        let random = RandomState::new().hash_one(chunk.len()).to_ne_bytes();
        chunk.copy_from_slice(&random[..chunk.len()]);
    }
    bytes
}
