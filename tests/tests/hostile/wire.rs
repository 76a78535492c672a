//! The scripts on threads, and what they speak over.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use miniwire_tests::{idle, read_head};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::scripts::{DRIP_MS, Step, block};

/// A byte stream to a client.
pub(crate) trait Wire: Read + Write {
    /// Says that no more bytes come, and goes on reading.
    fn end(&mut self);

    /// Breaks the connection.
    fn reset(&mut self);
}

/// Does what a script says, then closes.
pub(crate) fn play(steps: &[Step], wire: &mut dyn Wire) {
    let _ = steps.iter().try_for_each(|step| one(step, wire));
}

/// `None` where the client has gone.
fn one(step: &Step, wire: &mut dyn Wire) -> Option<()> {
    match *step {
        Step::Hear => drop(read_head(wire)?),
        Step::Say(text) => say(wire, text.as_bytes())?,
        Step::Drip(text) => {
            for byte in text.bytes() {
                say(wire, &[byte])?;
                sleep(Duration::from_millis(DRIP_MS));
            }
        }
        Step::Again(text) => {
            let block = block(text);
            while wire.write_all(&block).is_ok() {}
        }
        Step::Answer(text) => {
            while read_head(wire).is_some() {
                say(wire, text.as_bytes())?;
            }
        }
        Step::End => wire.end(),
        Step::Reset => wire.reset(),
        Step::Idle => idle(wire),
    }
    Some(())
}

fn say(wire: &mut dyn Wire, bytes: &[u8]) -> Option<()> {
    wire.write_all(bytes).and_then(|()| wire.flush()).ok()
}

/// Without TLS.
pub(crate) struct Plain(pub(crate) TcpStream);

impl Read for Plain {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for Plain {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire for Plain {
    fn end(&mut self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }

    fn reset(&mut self) {
        reset(&self.0);
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        let _ = self.sock.shutdown(Shutdown::Write);
    }

    fn reset(&mut self) {
        reset(&self.sock);
    }
}

/// To be closed with RST.
fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// TLS that is up.
pub(crate) fn tls(config: &Arc<ServerConfig>, stream: TcpStream) -> Option<StreamOwned<ServerConnection, TcpStream>> {
    // What is said before a reset is not to wait behind a session ticket.
    stream.set_nodelay(true).ok()?;
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).ok()?, stream);
    stream.conn.complete_io(&mut stream.sock).ok()?;
    Some(stream)
}
