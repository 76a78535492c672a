//! The WebSocket of the core as a client of the Autobahn test suite: it echoes every message of every case.
//! `tests/stages/autobahn.sh` runs it.
//!
//! `autobahn ws://HOST:PORT AGENT [RX TX [WINDOW kept|alone]]`: the sizes of the two buffers, in bytes, 4096 unless told.
//! They are all that the connection uses; a message is assembled here, to be echoed as a whole.
//!
//! With a window (and the feature `permessage-deflate`) compression is offered, with a window of that size in either
//! direction; what is sent refers back to the messages before, or stands alone.
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
use miniwire_core::ws::handshake::{Key, Protocols, write_fields};
use miniwire_core::ws::mask::Mask;

use codec::Codec;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The largest message that is assembled; the suite's largest has just this length.
const MAX_MESSAGE: usize = 16 << 20;
/// No case is silent for so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server may take to close the link after the closing handshake.
const LINGER: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let (url, agent, sizes, offer) = match &arguments[..] {
        [_, url, agent] => (url, agent, (4096, 4096), None),
        [_, url, agent, rx, tx] => (url, agent, (rx.parse()?, tx.parse()?), None),
        [_, url, agent, rx, tx, window, mode] => {
            let offer = Offer { window: window.parse()?, alone: mode == "alone" };
            (url, agent, (rx.parse()?, tx.parse()?), Some(offer))
        }
        _ => return Err("usage: autobahn ws://HOST:PORT AGENT [RX TX [WINDOW kept|alone]]".into()),
    };
    let host = url.strip_prefix("ws://").ok_or("the URL does not begin with ws://")?;
    let mut count = Vec::new();
    Socket::open(host, "/getCaseCount", sizes, None)?.run(|_, message| {
        count = message.to_vec();
        Reply::Nothing
    })?;
    let count: u32 = std::str::from_utf8(&count)?.parse()?;
    for case in 1..=count {
        let path = format!("/runCase?case={case}&agent={agent}");
        Socket::open(host, &path, sizes, offer)?.run(|_, _| Reply::Echo)?;
    }
    Socket::open(host, &format!("/updateReports?agent={agent}"), sizes, None)?.run(|_, _| Reply::Nothing)?;
    println!("{count} cases, buffers of {} and {} bytes", sizes.0, sizes.1);
    Ok(())
}

/// To compress messages.
#[derive(Clone, Copy)]
struct Offer {
    window: usize,
    alone: bool,
}

enum Reply {
    Echo,
    Nothing,
}

/// A connection, its link and its buffers.
struct Socket {
    link: TcpStream,
    connection: Connection,
    codec: Codec,
    /// `rx[..filled]` was received and is not consumed.
    rx: Vec<u8>,
    filled: usize,
    tx: Vec<u8>,
}

impl Socket {
    /// Connects and goes through the opening handshake.
    fn open(host: &str, path: &str, (rx, tx): (usize, usize), offer: Option<Offer>) -> Result<Self> {
        let link = TcpStream::connect(host)?;
        link.set_read_timeout(Some(PATIENCE))?;
        link.set_write_timeout(Some(PATIENCE))?;
        link.set_nodelay(true)?;
        let (rx, tx) = (vec![0; rx], vec![0; tx]);
        let mut socket = Self { link, connection: Connection::new(), codec: Codec::Plain, rx, filled: 0, tx };
        let key = Key::fresh(random());
        let mut fields = [0; 256];
        let mut out = Window::new(0, &mut fields);
        write_fields(&key, Protocols::NONE, &mut out).map_err(|_| "the fields are longer than expected")?;
        Codec::offer(offer, &mut out)?;
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
                socket.codec = Codec::agreed(&head, &key, offer)?;
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
        let (consumed, incoming) = match self.codec.read(&mut self.connection, &self.rx[..self.filled]) {
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
            let sent = self.codec.send(&mut self.connection, text, rest, &mut self.tx);
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
        // A server that was quicker has taken the connection down already.
        if self.link.shutdown(Shutdown::Write).is_err() {
            return Ok(true);
        }
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

#[cfg(not(feature = "permessage-deflate"))]
mod codec {
    use miniwire_core::http::head::Head;
    use miniwire_core::ws::connection::{SendError, Sent};
    use miniwire_core::ws::handshake::check;
    use miniwire_core::ws::violation::Violation;

    use super::*;

    /// How messages are compressed: not at all.
    pub(super) enum Codec {
        Plain,
    }

    impl Codec {
        pub(super) fn offer(offer: Option<Offer>, _: &mut Window<'_>) -> Result<()> {
            let none = offer.is_none_or(|Offer { window, alone }| window == 0 && !alone);
            if none { Ok(()) } else { Err("built without the feature permessage-deflate".into()) }
        }

        pub(super) fn agreed(head: &Head<'_>, key: &Key, _: Option<Offer>) -> Result<Self> {
            check(head, key, Protocols::NONE)?;
            Ok(Self::Plain)
        }

        pub(super) fn read<'i>(
            &'i mut self,
            connection: &mut Connection,
            rx: &'i [u8],
        ) -> std::result::Result<(usize, Incoming<'i>), Violation> {
            connection.read(rx)
        }

        pub(super) fn send(
            &mut self,
            connection: &mut Connection,
            text: bool,
            data: &[u8],
            tx: &mut [u8],
        ) -> std::result::Result<Sent, SendError> {
            connection.send(text, data, true, Mask::fresh(random()), tx)
        }
    }
}

#[cfg(feature = "permessage-deflate")]
mod codec {
    use miniwire_core::http::head::Head;
    use miniwire_core::ws::connection::{SendError, Sent};
    use miniwire_core::ws::deflate::{Deflater, Inflater, Parameters, WindowBits, check_offer};
    use miniwire_core::ws::handshake::check;
    use miniwire_core::ws::violation::Violation;

    use super::*;

    /// How messages are compressed, if at all.
    pub(super) enum Codec {
        Plain,
        Deflate(Box<Inflater<Vec<u8>>>, Box<Deflater<Vec<u8>, Vec<u16>>>),
    }

    fn parameters(offer: Offer) -> Result<Parameters> {
        let bits = WindowBits::within(offer.window).ok_or("the window is smaller than 256 bytes")?;
        Ok(Parameters {
            server_max_window_bits: bits,
            client_max_window_bits: bits,
            client_no_context_takeover: offer.alone,
            ..Parameters::DEFAULT
        })
    }

    impl Codec {
        pub(super) fn offer(offer: Option<Offer>, out: &mut Window<'_>) -> Result<()> {
            let Some(offer) = offer else { return Ok(()) };
            parameters(offer)?.write_field(out).map_err(|_| "the fields are longer than expected".into())
        }

        pub(super) fn agreed(head: &Head<'_>, key: &Key, offer: Option<Offer>) -> Result<Self> {
            let Some(offer) = offer else {
                check(head, key, Protocols::NONE)?;
                return Ok(Self::Plain);
            };
            let (_, agreed) = check_offer(head, key, Protocols::NONE, &parameters(offer)?)?;
            let Some(agreed) = agreed else { return Ok(Self::Plain) };
            let (theirs, ours) = (vec![0; offer.window], vec![0; offer.window]);
            let deflater = Deflater::new(&agreed, ours, vec![0; offer.window / 2])?;
            Ok(Self::Deflate(Box::new(Inflater::new(&agreed, theirs)?), Box::new(deflater)))
        }

        pub(super) fn read<'i>(
            &'i mut self,
            connection: &mut Connection,
            rx: &'i [u8],
        ) -> std::result::Result<(usize, Incoming<'i>), Violation> {
            match self {
                Self::Plain => connection.read(rx),
                Self::Deflate(inflater, _) => inflater.read(connection, rx),
            }
        }

        pub(super) fn send(
            &mut self,
            connection: &mut Connection,
            text: bool,
            data: &[u8],
            tx: &mut [u8],
        ) -> std::result::Result<Sent, SendError> {
            let mask = Mask::fresh(random());
            match self {
                Self::Plain => connection.send(text, data, true, mask, tx),
                Self::Deflate(_, deflater) => deflater.send(connection, text, data, true, mask, tx),
            }
        }
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
